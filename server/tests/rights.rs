//! Who is offered what on the pages, and what is answered to whoever asks for more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use http::{StatusCode, header};
use std::collections::BTreeSet;
use storage::people::RoleName;
use world::site::{Answer, Site};

/// Where the forms of a page lead to.
fn forms(page: &Answer) -> BTreeSet<&str> {
    let forms = page.body.split("<form").skip(1).map(|form| form.split('>').next().unwrap());
    forms.map(|form| form.split("action=\"").nth(1).unwrap().split('"').next().unwrap()).collect()
}

/// The forms that everybody has: search, and the way out.
const FRAME: [&str; 2] = ["/api/sign-out", "/shipments"];
const ACT: &str = "/api/exceptions/act";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_offered_what_they_may_not_do() {
    let site = Site::start().await;
    let shipment = site.exception().await.1;
    let shipment = format!("/shipments/{shipment}");
    let (executive, agent) = (site.sign_in_as(RoleName::Executive).await, site.sign_in_as(RoleName::Agent).await);
    for (path, row) in [("/exceptions", "exception-row"), (shipment.as_str(), "timeline-entry")] {
        for (cookie, may) in [(&executive, false), (&agent, true)] {
            let page = site.page(path, Some(cookie)).await.unwrap();
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.body.contains(&format!("data-testid=\"{row}\"")), "{path} shows something: {}", page.body);
            let mut wanted = BTreeSet::from(FRAME);
            wanted.extend(may.then_some(ACT));
            // a shipment's page asks itself for an earlier moment
            wanted.extend((path != "/exceptions").then_some(path));
            assert_eq!(forms(&page), wanted, "{path}");
            assert_eq!(page.body.contains("Assigned to me"), may && path == "/exceptions", "{path}");
        }
    }
    for path in ["/sync", "/mappings/unmapped"] {
        for cookie in [&executive, &agent] {
            let page = site.page(path, Some(cookie)).await.unwrap();
            assert_eq!((page.status, forms(&page)), (StatusCode::FORBIDDEN, BTreeSet::from(FRAME)), "{path}");
        }
        let admin = site.page(path, Some(&site.sign_in().await)).await.unwrap();
        assert_eq!(admin.status, StatusCode::OK, "{path}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_has_the_status_that_it_means() {
    let site = Site::start().await;
    let exception = site.exception().await.0;
    let (executive, agent) = (site.sign_in_as(RoleName::Executive).await, site.sign_in_as(RoleName::Agent).await);
    let take = format!("id={exception}&act=take");
    let unknown = "id=00000000-0000-0000-0000-000000000000&act=take".to_owned();
    let unanswerable = format!("id={exception}&act=ticket");
    for (form, cookie, status, code) in [
        (&take, None, StatusCode::UNAUTHORIZED, "unauthenticated"),
        (&take, Some(&executive), StatusCode::FORBIDDEN, "forbidden"),
        (&unknown, Some(&agent), StatusCode::NOT_FOUND, "not_found"),
        (&unanswerable, Some(&agent), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        (&String::new(), Some(&agent), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
    ] {
        let answer = site.call("exceptions/act", form, cookie.map(String::as_str)).await;
        assert_eq!(answer.status, status, "{form}: {answer:?}");
        assert!(answer.body.contains(&format!("\"code\":\"{code}\"")), "the page can read it: {answer:?}");
    }
    for (cookie, refused) in [(&executive, true), (&agent, false)] {
        let answer = site.submit("/exceptions", "exceptions/act", &take, cookie).await;
        let back = answer.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        assert!(answer.status == StatusCode::FOUND && back.contains("/exceptions"), "a form leads back: {answer:?}");
        assert_eq!(back.contains("__err="), refused, "and the page can say why: {back}");
    }
    assert_eq!(site.call("exceptions/act", &take, Some(&agent)).await.status, StatusCode::OK);
    let wrong = site.call("sign-in", "login=nobody%40example.test&password=a+wrong+password", None).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    site.stop().await;
}

fn location(answer: &Answer) -> String {
    answer.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_leads_to_the_page_that_was_asked_for() {
    let site = Site::start().await;
    let shipment = format!("/shipments/{}?event=of%20it", site.exception().await.1);
    let asked = site.page(&shipment, None).await.unwrap();
    let sign_in = location(&asked);
    assert!(asked.status == StatusCode::FOUND && sign_in.starts_with("/sign-in?next="), "{asked:?}");
    let page = site.page(&sign_in, None).await.unwrap();
    let field = page.body.split("name=\"next\" value=\"").nth(1).unwrap_or_else(|| panic!("{}", page.body));
    let next = field.split('"').next().unwrap().replace("&amp;", "&");
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let answer = site.sign_in_with(&format!("&next={}", encoded(&next))).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(location(&answer), shipment);
    for elsewhere in ["https://evil.test/", "//evil.test", "/\\evil.test", "/a\r\nb", ""] {
        let answer = site.sign_in_with(&format!("&next={}", encoded(elsewhere))).await;
        assert_eq!((answer.status, location(&answer).as_str()), (StatusCode::FOUND, "/shipments"), "{elsewhere:?}");
        let page = site.page(&format!("/sign-in?next={}", encoded(elsewhere)), None).await.unwrap();
        assert!(!page.body.contains("name=\"next\""), "{elsewhere:?}");
    }
    assert_eq!(location(&site.page("/", None).await.unwrap()), "/sign-in", "the start page needs no way back");
    site.stop().await;
}
