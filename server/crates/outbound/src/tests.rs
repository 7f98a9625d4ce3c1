use super::*;
use axum::{Router, http::StatusCode, routing::any};
use serde_json::json;
use std::sync::Mutex;
use tokio::net::TcpListener;

#[derive(Default)]
struct Kept(Mutex<Vec<Call>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "correlation-7".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

fn client_with(total: Duration) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::with_timeout("odoo", total).unwrap()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn ask(url: String, kind: CallKind) -> Request {
    Request {
        method: Method::POST,
        url,
        operation: "test".into(),
        kind,
        authorization: Some(("bearer", "top-secret".into())),
        headers: Vec::new(),
        body: Some(json!({"street": "Main St 1", "note": "mail jane@example.com now", "ids": [1]})),
    }
}

#[tokio::test]
async fn a_call_is_recorded_without_secrets_and_personal_data() {
    let echo = |headers: HeaderMap| async move { headers[CORRELATION_HEADER].to_str().unwrap().to_owned() };
    let url = serve(Router::new().route("/", any(echo))).await;
    let kept = Kept::default();
    let correlation_id = client_with(TOTAL_TIMEOUT)
        .call(ask(url, CallKind::Command), &kept, |a| Ok(String::from_utf8_lossy(&a.body).into_owned()))
        .await
        .unwrap();
    assert_eq!(correlation_id, "correlation-7");
    let calls = kept.0.into_inner().unwrap();
    assert_eq!(calls[0].outcome, Outcome::Ok);
    assert_eq!(calls[0].request.open(), r#"POST / {"ids":[1],"note":"mail *** now","street":"***"}"#);
    assert_eq!(calls[0].response.open(), "(13 bytes that are no JSON)");
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_silence_after_a_change_is_unknown() {
    let gone = client_with(TOTAL_TIMEOUT)
        .call(ask("http://127.0.0.1:9".into(), CallKind::Command), &Discard, |_| Ok(()))
        .await;
    assert_eq!(gone.unwrap_err().class, ErrorClass::Unreachable);
    let url = serve(Router::new().route("/", any(std::future::pending::<StatusCode>))).await;
    let short = client_with(Duration::from_millis(100));
    let kept = Kept::default();
    let write = short.call(ask(url.clone(), CallKind::Command), &kept, |_| Ok(())).await.unwrap_err();
    assert_eq!((write.class, write.class.decision()), (ErrorClass::UnknownOutcome, Decision::SettleThenLook));
    assert_eq!(kept.0.into_inner().unwrap()[0].outcome, Outcome::Unknown);
    let read = short.call(ask(url, CallKind::Query), &Discard, |_| Ok(())).await.unwrap_err();
    assert_eq!((read.class, read.class.decision()), (ErrorClass::NoAnswer, Decision::Retry));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_huge_answer_is_cut_off() {
    let huge = || async { vec![b'x'; RESPONSE_BYTES_MAX + 1] };
    let away = || async { axum::response::Redirect::temporary("http://127.0.0.1:9/") };
    let url = serve(Router::new().route("/huge", any(huge)).route("/away", any(away))).await;
    let client = client_with(TOTAL_TIMEOUT);
    let status = client.call(ask(format!("{url}/away"), CallKind::Query), &Discard, |a| Ok(a.status)).await.unwrap();
    assert_eq!(class_of_status(status, CallKind::Query), Some(ErrorClass::Misconfigured));
    let error = client.call(ask(format!("{url}/huge"), CallKind::Query), &Discard, |_| Ok(())).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::BadAnswer);
}

#[test]
fn tracebacks_are_never_kept() {
    let body = br#"{"name":"builtins.ValueError","message":"bad","debug":"Traceback secret","partner_id":[3,"Jane Doe"],"zip":false}"#;
    let kept = masked::answer(body, &[]);
    assert_eq!(kept, r#"{"message":"bad","name":"builtins.ValueError","partner_id":"***","zip":false}"#);
    let people = masked::people(br#"[{"id":7,"name":"Jane Doe","city":"Lyon","country_id":[75,"France"]}]"#);
    assert_eq!(people, r#"[{"city":"***","country_id":[75,"***"],"id":7,"name":"***"}]"#);
    assert!(masked::answer("x".repeat(9).as_bytes(), &[]).starts_with("(9 bytes"));
}

#[test]
fn of_conversations_neither_names_nor_texts_are_kept() {
    let read = br#"{"ticket":{"id":7,"status":"open","users":[{"name":"Jane Doe"}],"html_body":"<p>my address</p>"}}"#;
    let kept = masked::answer(read, masked::READ);
    assert_eq!(kept, r#"{"ticket":{"html_body":"***","id":7,"status":"open","users":"***"}}"#);
    let sent = serde_json::json!({"name": "Jane Doe", "description": "Damaged at Leipzig", "status": 2});
    let kept = masked::body(Some(&sent), masked::SENT);
    assert_eq!(kept, r#" {"description":"Damaged at Leipzig","name":"***","status":2}"#);
    let load = serde_json::json!({"fields": ["id", "name", "partner_name"], "data": [["x.1", "Damaged", "Jane Doe"]]});
    let kept = masked::body(Some(&load), &[]);
    assert_eq!(kept, r#" {"data":[["x.1","Damaged","***"]],"fields":["id","name","partner_name"]}"#);
}

#[test]
fn codes_are_unique_and_every_class_says_what_to_do() {
    let mut codes: Vec<_> = ErrorClass::ALL.iter().map(|c| c.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), ErrorClass::ALL.len());
    assert!(ErrorClass::ALL.iter().all(|c| c.what_to_do().ends_with('.')));
}

#[test]
fn what_fails_for_one_record_fails_its_job_and_what_fails_for_all_never_does() {
    for class in ErrorClass::ALL {
        let fails = class.decision() == Decision::Fail;
        assert!(!fails || class.concerns() == Concerns::Record, "{class:?}: its jobs wait");
    }
}

#[test]
fn an_address_is_taken_only_as_a_plain_one() {
    assert_eq!(base_url("https://odoo.example.com/").unwrap(), "https://odoo.example.com");
    assert_eq!(base_url("https://example.com/rt/").unwrap(), "https://example.com/rt");
    for here in
        ["http://localhost:8069", "http://LOCALHOST", "http://127.0.0.1", "http://127.1.2.3:1/x", "http://[::1]:2"]
    {
        assert!(!is_in_clear(here), "{here}");
    }
    assert!(!is_in_clear("https://localhost.evil.test"));
    for elsewhere in [
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://localhost@evil.test",
        "http://evil.test/localhost",
        "http://10.0.0.1",
        "http://[::]",
        "http://0.0.0.0",
        "http://odoo",
        "ftp://x",
        "nonsense",
    ] {
        assert!(is_in_clear(elsewhere), "{elsewhere}");
    }
    for wrong in ["odoo.example.com", "ftp://x", "https://u:p@x", "https://x/?a=b"] {
        assert_eq!(base_url(wrong).unwrap_err().class, ErrorClass::Misconfigured, "{wrong}");
    }
}

#[tokio::test]
async fn an_error_names_scheme_host_and_port_and_what_to_check() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let plain = serve(Router::new().route("/", any(|| async { "no TLS" }))).await;
    let plain_port = plain.rsplit(':').next().unwrap();
    let silent = serve(Router::new().route("/", any(std::future::pending::<StatusCode>))).await;
    let cases = [
        (
            format!("http://127.0.0.1:{closed}/x?customer=jane"),
            format!("nothing listens at http://127.0.0.1:{closed}; "),
            "check that the system runs",
        ),
        ("http://nowhere.invalid/x".into(), "no such host: http://nowhere.invalid:80; ".into(), "check its name"),
        (
            format!("https://127.0.0.1:{plain_port}/"),
            format!("https://127.0.0.1:{plain_port} does not speak HTTPS; "),
            "write http://",
        ),
        (format!("{silent}/"), format!("no answer from {silent} in time; "), "check the network"),
    ];
    for (url, whom, check) in cases {
        let client = client_with(Duration::from_secs(5));
        let error = client.call(ask(url.clone(), CallKind::Query), &Discard, |_| Ok(())).await.unwrap_err().to_string();
        assert!(error.starts_with(&whom) && error.contains(check), "{url}: {error}");
        assert!(!error.contains("jane") && !error.contains("top-secret"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_key_is_read_again_and_the_call_repeated_once() {
    let valid = Arc::new(Mutex::new("bearer first".to_owned()));
    let asked = Arc::new(Mutex::new(0));
    let (seen, good) = (Arc::clone(&asked), Arc::clone(&valid));
    let router = Router::new().route(
        "/",
        any(move |headers: HeaderMap| async move {
            *seen.lock().unwrap() += 1;
            match headers["authorization"].to_str().unwrap() == *good.lock().unwrap() {
                true => StatusCode::OK,
                false => StatusCode::UNAUTHORIZED,
            }
        }),
    );
    let url = serve(router).await;
    let file = Arc::new(Mutex::new("first".to_owned()));
    let read = Arc::clone(&file);
    let key = Key::reloading("first".into(), move || Some(read.lock().unwrap().clone().into()));
    let client = client_with(TOTAL_TIMEOUT);
    let call = async || {
        let ask = Request { authorization: Some(("bearer", key.clone())), ..ask(url.clone(), CallKind::Command) };
        let interpret = |a: &Response| {
            class_of_status(a.status, CallKind::Command).map_or(Ok(()), |c| Err(CallError::new(c, "no")))
        };
        client.call(ask, &Discard, interpret).await.map_err(|e| e.class)
    };
    assert_eq!(call().await, Ok(()));
    *valid.lock().unwrap() = "bearer second".into();
    assert_eq!(call().await, Err(ErrorClass::Unauthorized), "the file still holds the old one");
    assert_eq!(*asked.lock().unwrap(), 2, "and it is not tried again");
    *file.lock().unwrap() = "second\n".into();
    assert_eq!(call().await, Ok(()));
    assert_eq!(call().await, Ok(()));
    assert_eq!(*asked.lock().unwrap(), 5, "refused, repeated, and from then on the new one");
    *file.lock().unwrap() = String::new();
    *valid.lock().unwrap() = "bearer third".into();
    assert_eq!(call().await, Err(ErrorClass::Unauthorized), "an empty file is no key");
}

#[test]
fn the_page_that_people_copy_leads_to_the_system() {
    for (given, taken) in [
        ("https://desk.test/", "https://desk.test"),
        ("https://desk.test/rt/Ticket/Display.html?id=1", "https://desk.test/rt"),
        ("https://desk.test/REST/2.0/", "https://desk.test"),
        ("no address", "no address"),
    ] {
        assert_eq!(site_of(given, &["REST", "Ticket"]), taken);
    }
}

#[tokio::test]
async fn a_key_is_the_user_of_basic_or_stands_alone_in_its_header() {
    let seen = |headers: HeaderMap| async move {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        format!("{}|{}", text("authorization"), text("api-key"))
    };
    let url = serve(Router::new().route("/", any(seen))).await;
    let ask =
        |scheme| Request { authorization: Some((scheme, "EZTK-key".into())), ..ask(url.clone(), CallKind::Query) };
    let text = |a: &Response| Ok(String::from_utf8_lossy(&a.body).into_owned());
    let basic = client_with(TOTAL_TIMEOUT).call(ask("Basic"), &Discard, text).await.unwrap();
    assert_eq!(basic, "Basic RVpUSy1rZXk6|");
    let alone = client_with(TOTAL_TIMEOUT).with_key_in("api-key").call(ask(""), &Discard, text).await.unwrap();
    assert_eq!(alone, "|EZTK-key");
}

#[tokio::test]
async fn a_limit_that_does_not_say_for_how_long_waits_as_long_as_the_platform_wants() {
    let limited = || async { StatusCode::TOO_MANY_REQUESTS };
    let url = serve(Router::new().route("/", any(limited))).await;
    let kept = Kept::default();
    let client = client_with(TOTAL_TIMEOUT).with_backoff(Duration::from_secs(120));
    client.call(ask(url, CallKind::Query), &kept, |_| Ok(())).await.unwrap();
    assert_eq!(kept.0.into_inner().unwrap()[0].wait, Some(Duration::from_secs(120)));
}

#[test]
fn a_signed_link_is_kept_without_what_opens_it() {
    let link = "https://files.example.com/label.pdf?Signature=abc%2B&Expires=1437093830&X-Amz-Signature=def&page=2";
    assert_eq!(masked::query(link), "/label.pdf?Signature=***&Expires=1437093830&X-Amz-Signature=***&page=2");
    let body = br#"{"label_url":"https://files.example.com/label.pdf?Signature=abc","to_address":{"name":"Jane Doe"},"ship_to":null}"#;
    assert_eq!(masked::answer(body, &[]), r#"{"label_url":"***","ship_to":null,"to_address":"***"}"#);
}
