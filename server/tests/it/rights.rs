//! Who is offered what on the pages, and what is answered to a request for more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    site::{Reply, Site},
};
use app::{
    api::FUNCTIONS,
    contract::{
        ApiError, Ports,
        alerts::{AlertsQuery, MaintenanceForm, SnoozeFor},
        analytics::{AnalyticsQuery, TroublesQuery},
        booking_rules::{BookingRulesQuery, RuleForm},
        bookings::NewBooking,
        carriers::{CarrierQuery, CarriersQuery},
        claims::{ClaimEdit, ClaimsQuery, NewClaim, StepForm},
        connections::{ConnectionForm, ConnectionsQuery, SetupForm},
        exceptions::{Act, ActWith, QueueQuery},
        figures::{FigureQuery, FiguresQuery},
        mappings::{MappingQuery, NewMeaning},
        playbooks::{CalendarForm, DayChange, PlaybooksQuery, TeamForm},
        reconciliation::ReconciliationQuery,
        reports::{RemarkForm, ReportForm, ReportQuery},
        rules::{RuleQuery, RulesQuery},
        shipments::{ListQuery, ListTab},
        sync::{Chosen, SyncQuery},
        unknown::RemedyAct,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use domain::{access::Role, ids::ShipmentId};
use http::{Method, StatusCode, header};
use server::views::{self, session::BrowserSession};
use std::collections::{BTreeMap, BTreeSet};

/// Where the forms of a page lead to.
fn forms(page: &Reply) -> BTreeSet<&str> {
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
    let (executive, agent) = (site.sign_in_as(Role::Executive).await, site.sign_in_as(Role::Agent).await);
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
    for path in ["/sync", "/mappings/unmapped", "/connections", "/connections/new"] {
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
    let (executive, agent) = (site.sign_in_as(Role::Executive).await, site.sign_in_as(Role::Agent).await);
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

fn location(answer: &Reply) -> String {
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
    for elsewhere in
        ["https://evil.test/", "//evil.test", "/\\evil.test", "/a\r\nb", "/api/sign-out", "/live/shipments", ""]
    {
        let answer = site.sign_in_with(&format!("&next={}", encoded(elsewhere))).await;
        assert_eq!((answer.status, location(&answer).as_str()), (StatusCode::FOUND, "/shipments"), "{elsewhere:?}");
        let page = site.page(&format!("/sign-in?next={}", encoded(elsewhere)), None).await.unwrap();
        assert!(!page.body.contains("name=\"next\""), "{elsewhere:?}");
    }
    assert_eq!(location(&site.page("/", None).await.unwrap()), "/sign-in", "the start page needs no way back");
    site.stop().await;
}

/// Arguments of a server function: about something that is not there, if it is about something; and what it cannot take, if there
/// is such.
struct Arguments {
    name: &'static str,
    missing: Option<&'static str>,
    bad: Option<&'static str>,
}

const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

fn function(name: &'static str, missing: Option<&'static str>, bad: Option<&'static str>) -> Arguments {
    Arguments { name, missing, bad }
}

fn arguments() -> Vec<Arguments> {
    daily_arguments().into_iter().chain(figure_arguments()).chain(governed_arguments()).collect()
}

fn daily_arguments() -> Vec<Arguments> {
    vec![
        function("frame", None, None),
        function("shipments", None, Some("")),
        function("shipments/find", None, Some("")),
        function("shipments/one", Some("id=NO_ID"), Some("id=SHIPMENT&as_known_at=then")),
        function("shipments/remedy", Some("id=NO_ID&act=retry"), Some("id=NO_ID&act=explode")),
        function("shipments/correct", Some("id=NO_ID&wrong=1&number=2"), Some("id=NO_ID")),
        function("shipments/booking", Some("id=NO_ID&decision=void"), Some("id=NO_ID")),
        function("shipments/book", Some("new[shipment]=NO_ID"), Some("new[confirmed]=perhaps")),
        function("shipments/link", Some("claimed=NO_ID&unlinked=NO_ID"), Some("claimed=NO_ID")),
        function("shipments/raw", Some("id=NO_ID&observation=NO_ID"), Some("id=NO_ID")),
        function("exceptions", None, Some("")),
        function("exceptions/one", Some("id=NO_ID"), Some("")),
        function("exceptions/act", Some("id=NO_ID&act=take"), Some("id=NO_ID&act=explode")),
        function("start", None, None),
        function("start/company", None, Some("name=")),
        function("start/skip", None, None),
        function("sync", Some("query[view]=messages&query[source]=nobody"), Some("query[since]=lately")),
        function("sync/retry", Some("job=NO_ID"), Some("")),
        function("sync/read-deliveries", None, None),
        function("sync/job", Some("id=NO_ID"), Some("")),
        function("sync/message", Some("id=NO_ID"), Some("")),
        function("sync/start-replay", None, Some("chosen[all]=false")),
        function("sync/stop-replay", Some("replay=nothing"), Some("")),
        function("sync/pause", None, Some("destination=nowhere&why=because")),
        function("sync/resume", None, Some("destination=nowhere")),
        function("sync/replay", Some("message=NO_ID"), Some("")),
        function("alerts", None, None),
        function("alerts/acknowledge", Some("id=NO_ID"), None),
        function("alerts/assign", Some("id=NO_ID&mine=true"), Some("")),
        function("alerts/snooze", Some("id=NO_ID"), Some("")),
        function("alerts/resolve", Some("id=NO_ID"), Some("")),
        function(
            "alerts/maintain",
            Some("form[connection]=nowhere&form[why]=x"),
            Some("form[connection]=aftership&form[until]=soon"),
        ),
        function("alerts/end-maintenance", Some("connection=nowhere"), Some("")),
        function("alerts/rule", Some("kind=nothing&on=on"), Some("kind=disk_space&threshold=many")),
        function("alerts/test", None, Some("channel=nowhere")),
    ]
}

fn figure_arguments() -> Vec<Arguments> {
    vec![
        function("overview", None, Some("query[length]=days&query[from]=2026-02-01&query[until]=2026-01-01")),
        function("calibration", None, Some("query[length]=days&query[from]=2026-02-01&query[until]=2026-01-01")),
        function(
            "carriers",
            None,
            Some("query[figures][length]=days&query[figures][from]=2026-02-01&query[figures][until]=2026-01-01"),
        ),
        function(
            "carriers/one",
            Some("query[code]=nothing"),
            Some("query[figures][length]=days&query[figures][from]=2026-02-01&query[figures][until]=2026-01-01"),
        ),
        function("sla", None, Some("query[length]=days&query[from]=2026-02-01&query[until]=2026-01-01")),
        function(
            "figures/one",
            Some("query[kpi]=nothing"),
            Some(
                "query[kpi]=on_time&query[figures][length]=days&query[figures][from]=2026-02-01&query[figures][until]=2026-01-01",
            ),
        ),
        function(
            "analytics",
            None,
            Some("query[figures][length]=days&query[figures][from]=2026-02-01&query[figures][until]=2026-01-01"),
        ),
        function(
            "analytics/rows",
            None,
            Some("query[figures][length]=days&query[figures][from]=2026-02-01&query[figures][until]=2026-01-01"),
        ),
        function("reports", None, None),
        function("reports/one", Some("query[id]=NO_ID"), None),
        function(
            "reports/save",
            Some("form[id]=NO_ID&form[name]=a&form[period]=last_week&form[figures][]=on_time"),
            Some("form[name]=a&form[period]=ever"),
        ),
        function("reports/act", Some("id=NO_ID&act=pause"), Some("id=NO_ID&act=explode")),
        function("targets", None, None),
        function("targets/set", Some("figure=nothing&target=1"), Some("figure=on_time&target=many")),
        function("targets/annotate", None, Some("form[kind]=mood&form[first]=2026-03-01")),
        function("targets/remove-remark", Some("id=NO_ID"), Some("")),
    ]
}

fn governed_arguments() -> Vec<Arguments> {
    vec![
        function("playbooks", None, None),
        function("playbooks/step", Some("reason=NOTHING&text=x"), Some("")),
        function("playbooks/team", None, Some("team[name]=a&team[reasons][]=NOTHING")),
        function("playbooks/remove-team", Some("name=nothing"), Some("")),
        function(
            "playbooks/calendar",
            None,
            Some("form[zone]=Nowhere&form[opens]=08:00&form[closes]=09:00&form[cut_off]=08:30"),
        ),
        function("playbooks/day", None, Some("day=someday")),
        function("reconciliation", None, None),
        function("reconciliation/start", None, Some("dry_run=perhaps")),
        function("reconciliation/stop", Some("run=NO_ID"), Some("")),
        function("reconciliation/fix", None, Some("")),
        function(
            "reconciliation/decide",
            Some("id=NO_ID&revision=0&choice=keep"),
            Some("id=NO_ID&revision=0&choice=explode"),
        ),
        function("reconciliation/assign", Some("id=NO_ID&mine=true"), Some("")),
        function("booking-rules", None, None),
        function("booking-rules/save", None, Some("rule[does]=explode")),
        function("booking-rules/change", None, Some("version=0&name=nothing&act=explode")),
        function("rules", None, None),
        function("rules/one", Some("query[id]=nothing"), Some("query[typed]=perhaps")),
        function("rules/edit", Some("rule[id]=nothing"), Some("rule[rows][0][line]=many")),
        function("rules/act", Some("id=nothing&act=resume"), Some("id=cases&act=explode")),
        function("rules/four-eyes", None, Some("on=perhaps")),
        function("claims", None, None),
        function("claims/one", Some("number=CL-9999"), Some("")),
        function("claims/subject", Some("shipment=NO_ID"), Some("")),
        function("claims/raise", None, Some("new[reason]=explode")),
        function("claims/step", Some("form[number]=CL-9999&form[step]=file"), Some("form[revision]=first")),
        function("claims/edit", Some("form[number]=CL-9999&form[what]=take"), Some("form[revision]=first")),
        function("claims/remove-file", Some("number=CL-9999&file=NO_ID"), Some("")),
        function("claims/deadlines", None, None),
        function("claims/put-deadlines", None, Some("text=none")),
        function("mappings", None, Some("")),
        function(
            "mappings/publish",
            None,
            Some("meaning[list]=a&meaning[value]=b&meaning[reason]=LATE&meaning[why]=c"),
        ),
        function("connections", None, None),
        function("connections/one", Some("name=nothing"), Some("")),
        function("connections/templates", Some("connection=nothing"), None),
        function("connections/put", None, Some("connection[name]=a&connection[connector]=abacus")),
        function("connections/test", Some("name=nothing"), Some("")),
        function("connections/rotate", Some("name=nothing&secret=a+new+secret"), Some("name=nothing")),
        function("connections/retire", Some("name=nothing"), Some("")),
        function("connections/pause", Some("name=nothing&why=because"), Some("name=nothing")),
        function("connections/resume", Some("name=nothing"), Some("")),
        function("connections/switch", Some("name=nothing&on=true"), Some("name=nothing&on=perhaps")),
        function("connections/remove", Some("name=nothing"), Some("")),
        function("connections/set-up", Some("setup[name]=nothing&setup[key]=a+key"), Some("setup[act]=explode")),
        function("mappings/roll-back", Some("version=999&why=because"), Some("version=many&why=because")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_function_and_every_role_agree_with_the_table() {
    let site = Site::start().await;
    let shipment = site.exception().await.1;
    let admin = site.sign_in().await;
    let mut cookies = Vec::new();
    for role in Role::ALL {
        cookies.push((role, site.sign_in_as(*role).await));
    }
    let methods: Vec<_> = app::ssr::functions().collect();
    let method = |name: &str| {
        let path = format!("/api/{name}");
        methods.iter().find(|(at, _)| *at == path).unwrap_or_else(|| panic!("there is no {name}")).1.clone()
    };
    let asked = async |name: &str, form: &str, cookie: Option<&str>| {
        let form = form.replace("NO_ID", NO_ID).replace("SHIPMENT", &shipment).replace('[', "%5B").replace(']', "%5D");
        match method(name) {
            Method::GET => site.read(name, &form, cookie).await,
            _ => site.call(name, &form, cookie).await,
        }
    };
    let mut wrong = Vec::new();
    let mut check = |what: String, answer: &Reply, status: u16| {
        let code = serde_json::from_str::<ApiError>(&answer.body).ok().map(|error| error.status());
        if answer.status.as_u16() != status || code != Some(status) {
            wrong.push(format!("{what}: {} {}", answer.status, answer.body));
        }
    };
    for Arguments { name, missing, bad } in arguments() {
        let form = missing.or(bad).unwrap_or_default();
        for form in ["", form] {
            check(format!("{name} {form}, not signed in"), &asked(name, form, None).await, 401);
        }
        if let Some(form) = missing {
            check(format!("{name} {form}"), &asked(name, form, Some(&admin)).await, 404);
        }
        if let Some(form) = bad {
            check(format!("{name} {form}"), &asked(name, form, Some(&admin)).await, 422);
        }
    }
    let known: BTreeSet<_> = FUNCTIONS.iter().map(|(name, _)| format!("/api/{name}")).collect();
    let all: BTreeSet<_> = methods.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(known, all, "each server function is in the table");
    let arguments: BTreeMap<_, _> = arguments().into_iter().map(|of| (of.name, of)).collect();
    for (name, permission) in FUNCTIONS {
        let Some(permission) = permission else { continue };
        let Arguments { missing, bad, .. } = &arguments[name];
        // who may not is not even answered whether it can be read
        for form in [missing.unwrap_or_default(), bad.unwrap_or_default(), "", "%FF=%FE"] {
            for (role, cookie) in &cookies {
                let answer = asked(name, form, Some(cookie)).await;
                let what = format!("{name} {form}, {role:?}");
                if role.permissions().contains(*permission) {
                    assert!(!matches!(answer.status.as_u16(), 401 | 403), "{what}: {answer:?}");
                } else {
                    check(what, &answer, 403);
                }
            }
        }
    }
    let nothing = site.call("there/is/none", "", Some(&admin)).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{nothing:?}");
    let other = site.read("exceptions/act", "", Some(&admin)).await;
    assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED, "{other:?}");
    for (form, status) in [
        ("login=nobody%40example.test&password=a+wrong+password", 422),
        ("login=nobody%40example.test", 422),
        ("%FF=%FE", 422),
    ] {
        check(format!("sign-in {form}"), &site.call("sign-in", form, None).await, status);
    }
    check(
        "set-up".into(),
        &site.call("set-up", "token=none&login=somebody&name=Some+Body&password=a+long+enough+one", None).await,
        403,
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    site.stop().await;
}

/// Asks the port behind a function for something that is not there, in words that cannot be read where it takes any.
async fn asked_of(ports: &Ports, name: &str) -> Result<(), ApiError> {
    match name.split('/').next() {
        Some(
            "frame" | "shipments" | "exceptions" | "overview" | "sla" | "figures" | "calibration" | "carriers"
            | "alerts" | "claims" | "start",
        ) => daily(ports, name).await,
        Some("analytics" | "reports" | "targets") => reported(ports, name).await,
        _ => governed(ports, name).await,
    }
}

/// What agents and executives use.
async fn daily(ports: &Ports, name: &str) -> Result<(), ApiError> {
    let no = || "no such thing".to_owned();
    let Ports { session, shipments, calibration, carriers, exceptions, figures, start, claims, alerts, .. } = ports;
    match name {
        "frame" => session.frame().await.map(drop),
        "calibration" => calibration.accuracy(FiguresQuery::default()).await.map(drop),
        "shipments" => shipments.list(ListQuery { cursor: no(), ..ListQuery::default() }).await.map(drop),
        "shipments/find" => shipments.find(no()).await.map(drop),
        "shipments/one" => shipments.get(no(), Some(no())).await.map(drop),
        "shipments/remedy" => shipments.remedy(no(), RemedyAct::Retry, no()).await,
        "shipments/correct" => shipments.correct(no(), no(), no()).await,
        "shipments/booking" => shipments.decide_booking(no(), "void".into(), no()).await,
        "shipments/book" => shipments.book(NewBooking { shipment: no(), ..NewBooking::default() }).await,
        "shipments/link" => shipments.link(no(), no()).await,
        "shipments/raw" => shipments.raw(no(), no()).await.map(drop),
        "exceptions" => exceptions.queue(QueueQuery { cursor: no(), ..QueueQuery::default() }).await.map(drop),
        "exceptions/one" => exceptions.one(no()).await.map(drop),
        "exceptions/act" => {
            let with = ActWith { why: "why ".repeat(1000), ..ActWith::default() };
            exceptions.act(no(), Act::Take, with).await
        }
        "carriers" => carriers.all(CarriersQuery::default()).await.map(drop),
        "carriers/one" => carriers.one(CarrierQuery { code: no(), ..CarrierQuery::default() }).await.map(drop),
        "overview" => figures.overview(FiguresQuery::default()).await.map(drop),
        "sla" => figures.sla(FiguresQuery::default()).await.map(drop),
        "figures/one" => figures.one(FigureQuery { kpi: no(), ..FigureQuery::default() }).await.map(drop),
        "start" => start.steps().await.map(drop),
        "start/company" => start.name_company(String::new()).await,
        "start/skip" => start.skip().await,
        "alerts" => alerts.view(AlertsQuery { kind: no(), ..AlertsQuery::default() }).await.map(drop),
        "alerts/acknowledge" => alerts.acknowledge(no(), no()).await.map(drop),
        "alerts/assign" => alerts.assign(no(), true).await,
        "alerts/snooze" => alerts.snooze(no(), SnoozeFor::Hour, String::new()).await,
        "alerts/resolve" => alerts.resolve(no(), String::new()).await,
        "alerts/maintain" => alerts.maintain(MaintenanceForm { until: no(), ..MaintenanceForm::default() }).await,
        "alerts/end-maintenance" => alerts.end_maintenance(no()).await,
        "alerts/rule" => alerts.set_rule(no(), no(), no()).await,
        "alerts/test" => alerts.test(no()).await.map(drop),
        "claims" => claims.view(ClaimsQuery { cursor: no(), ..ClaimsQuery::default() }).await.map(drop),
        "claims/one" => claims.one(no()).await.map(drop),
        "claims/subject" => claims.subject(no()).await.map(drop),
        "claims/raise" => claims.raise(NewClaim { shipment: no(), ..NewClaim::default() }).await.map(drop),
        "claims/step" => claims.step(StepForm { number: no(), ..StepForm::default() }).await,
        "claims/edit" => claims.edit(ClaimEdit { number: no(), ..ClaimEdit::default() }).await,
        "claims/remove-file" => claims.remove_file(no(), no()).await,
        "claims/deadlines" => claims.deadlines().await.map(drop),
        "claims/put-deadlines" => claims.put_deadlines(no()).await,
        other => panic!("{other}: say here how its port is called"),
    }
}

/// Analysis, saved reports, targets.
async fn reported(ports: &Ports, name: &str) -> Result<(), ApiError> {
    let no = || "no such thing".to_owned();
    let Ports { analytics, reports, .. } = ports;
    match name {
        "analytics" => analytics.view(AnalyticsQuery::default()).await.map(drop),
        "analytics/rows" => analytics.rows(TroublesQuery::default()).await.map(drop),
        "reports" => reports.list().await.map(drop),
        "reports/one" => reports.one(ReportQuery { id: no(), ..ReportQuery::default() }).await.map(drop),
        "reports/save" => reports.save(ReportForm { id: no(), ..ReportForm::default() }).await.map(drop),
        "reports/act" => reports.act(no(), no()).await,
        "targets" => reports.targets().await.map(drop),
        "targets/set" => reports.set_target(no(), no()).await,
        "targets/annotate" => reports.annotate(RemarkForm { kind: no(), ..RemarkForm::default() }).await,
        "targets/remove-remark" => reports.remove_remark(no()).await,
        other => panic!("{other}: say here how its port is called"),
    }
}

/// What admins use.
async fn governed(ports: &Ports, name: &str) -> Result<(), ApiError> {
    let no = || "no such thing".to_owned();
    let Ports { mappings, sync, connections, reconciliation, booking_rules, rules, playbooks, .. } = ports;
    match name {
        "sync" => sync.view(SyncQuery { since: no(), source: no(), ..SyncQuery::default() }).await.map(drop),
        "sync/retry" => sync.retry(no()).await,
        "sync/read-deliveries" => sync.read_deliveries().await,
        "sync/job" => sync.job(no()).await.map(drop),
        "sync/message" => sync.message(no()).await.map(drop),
        "sync/start-replay" => sync.start_replay(Chosen { ids: vec![no()], ..Chosen::default() }).await.map(drop),
        "sync/stop-replay" => sync.stop_replay(no()).await,
        "sync/pause" => sync.pause(no(), String::new()).await,
        "sync/resume" => sync.resume(no()).await,
        "sync/replay" => sync.replay(no()).await,
        "playbooks" => playbooks.view(PlaybooksQuery { country: no(), ..PlaybooksQuery::default() }).await.map(drop),
        "playbooks/step" => playbooks.set_step(no(), no()).await,
        "playbooks/team" => playbooks.put_team(TeamForm { members: vec![no()], ..TeamForm::default() }).await,
        "playbooks/remove-team" => playbooks.remove_team(no()).await,
        "playbooks/calendar" => playbooks.set_calendar(CalendarForm::default()).await,
        "playbooks/day" => playbooks.set_day(no(), no(), DayChange::Usual).await,
        "reconciliation" => {
            let query = ReconciliationQuery { cursor: no(), preview: no(), ..ReconciliationQuery::default() };
            reconciliation.view(query).await.map(drop)
        }
        "reconciliation/start" => reconciliation.start(false).await,
        "reconciliation/stop" => reconciliation.stop(no()).await,
        "reconciliation/fix" => reconciliation.fix(vec![no()]).await.map(drop),
        "reconciliation/decide" => reconciliation.decide(no(), 0, no()).await,
        "reconciliation/assign" => reconciliation.assign(no(), true).await,
        "booking-rules" => {
            booking_rules.view(BookingRulesQuery { delivery: no(), ..BookingRulesQuery::default() }).await.map(drop)
        }
        "booking-rules/save" => booking_rules.save(RuleForm { does: no(), ..RuleForm::default() }).await,
        "booking-rules/change" => booking_rules.change(no(), no(), no()).await,
        "mappings" => mappings.view(MappingQuery { list: no(), value: no() }).await.map(drop),
        "mappings/publish" => mappings.publish(NewMeaning { reason: no(), ..NewMeaning::default() }).await.map(drop),
        "mappings/roll-back" => mappings.roll_back(999, String::new()).await.map(drop),
        "rules" => rules.list(RulesQuery::default()).await.map(drop),
        "rules/one" => rules.view(RuleQuery { id: no(), ..RuleQuery::default() }).await.map(drop),
        "rules/edit" => rules.edit(app::contract::rules::RuleForm { id: no(), ..Default::default() }).await.map(drop),
        "rules/act" => rules.act(no(), no(), no()).await,
        "rules/four-eyes" => rules.four_eyes(false).await,
        "connections" => connections.list(ConnectionsQuery::default()).await.map(drop),
        "connections/one" => connections.one(no(), false).await.map(drop),
        "connections/templates" => connections.guide(no(), no(), false).await.map(drop),
        "connections/put" => {
            connections.put(ConnectionForm { name: no(), ..ConnectionForm::default() }).await.map(drop)
        }
        "connections/test" => connections.test(no()).await,
        "connections/rotate" => connections.rotate(no(), String::new()).await,
        "connections/retire" => connections.retire(no()).await,
        "connections/pause" => connections.pause(no(), String::new()).await,
        "connections/resume" => connections.resume(no()).await,
        "connections/switch" => connections.switch(no(), true, String::new()).await,
        "connections/remove" => connections.remove(no(), String::new()).await,
        "connections/set-up" => connections.set_up(SetupForm { name: no(), ..SetupForm::default() }).await,
        other => panic!("{other}: say here how its port is called"),
    }
}

#[tokio::test]
async fn a_port_refuses_before_it_reads_its_arguments() {
    let world = World::new().await;
    let nobody = views::ports(&world.context, None, &BrowserSession::default());
    for (name, permission) in FUNCTIONS {
        let Some(permission) = permission else { continue };
        assert_eq!(asked_of(&nobody, name).await, Err(ApiError::Unauthenticated), "{name}, not signed in");
        for role in Role::ALL {
            let answer = asked_of(&world.ports(*role), name).await;
            let is_refused = matches!(answer, Err(ApiError::Forbidden | ApiError::Unauthenticated));
            assert_eq!(is_refused, !role.permissions().contains(*permission), "{name}, {role:?}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_somebody_may_not_send_is_led_back_whatever_it_says() {
    let site = Site::start().await;
    let executive = site.sign_in_as(Role::Executive).await;
    for form in ["id=nothing&act=take", "id=nothing&act=explode", "", "%FF=%FE"] {
        let answer = site.submit("/exceptions", "exceptions/act", form, &executive).await;
        let back = location(&answer);
        assert_eq!(answer.status, StatusCode::FOUND, "{form}: {answer:?}");
        let error = back.split("__err=").nth(1).unwrap_or_else(|| panic!("{form}: {back}"));
        let error = URL_SAFE.decode(error.replace("%3D", "=")).unwrap();
        assert_eq!(String::from_utf8(error).unwrap(), "{\"code\":\"forbidden\"}", "{form}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_shows_no_words_of_others_as_an_error() {
    let site = Site::start().await;
    let evil = "Your account is locked. Call +1 900 555";
    let address = |page: &str, function: &str, error: &serde_json::Value| {
        let error = URL_SAFE.encode(error.to_string()).replace('=', "%3D");
        format!("{page}?__path=%2Fapi%2F{}&__err={error}", function.replace('/', "%2F"))
    };
    let admin = site.sign_in().await;
    for (page, function, cookie) in [
        ("/sign-in", "sign-in", None),
        ("/set-up", "set-up", None),
        ("/exceptions", "exceptions/act", Some(admin.as_str())),
        ("/sync", "sync/pause", Some(&admin)),
        ("/mappings/unmapped", "mappings/publish", Some(&admin)),
    ] {
        for error in [
            serde_json::json!({"code": "invalid", "field": "password", "message": evil}),
            serde_json::json!({"code": "invalid", "field": evil, "message": evil}),
            serde_json::json!({"code": "conflict", "message": evil}),
            serde_json::json!({"code": "unavailable", "message": evil}),
            serde_json::json!({"code": "refused", "message": evil}),
            serde_json::json!({"code": "internal", "correlation": evil}),
            serde_json::json!({"code": evil, "message": evil}),
        ] {
            let page = site.page(&address(page, function, &error), cookie).await.unwrap();
            let shown = page.body.split("<script").next().unwrap_or_default();
            assert!(!page.body.contains("900 555"), "{function} {error}: {shown}");
            assert!(page.body.contains("role=\"alert\""), "{function} {error}: {shown}");
        }
    }
    // what the server itself puts there has no words either
    let answer = site.submit("/mappings/unmapped", "mappings/roll-back", "version=999&why=because", &admin).await;
    let back = location(&answer);
    let written = back.split("__err=").nth(1).unwrap().split('&').next().unwrap().replace("%3D", "=");
    let written = String::from_utf8(URL_SAFE.decode(written).unwrap()).unwrap();
    assert_eq!(written, "{\"code\":\"not_found\"}");
    let form = format!("destination={}&why=because", "Call+900+555");
    let answer = site.submit("/sync", "sync/pause", &form, &admin).await;
    let back = location(&answer);
    let written = back.split("__err=").nth(1).unwrap().split('&').next().unwrap().replace("%3D", "=");
    let written = String::from_utf8(URL_SAFE.decode(written).unwrap()).unwrap();
    assert!(written.contains("\"code\":\"invalid\"") && !written.contains("900"), "{written}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_refused_names_what_is_wrong_without_the_browsers_half() {
    let site = Site::start().await;
    let admin = site.sign_in().await;
    for (page, function, form, said) in [
        ("/rules/cases", "rules/act", "id=cases&act=pause&with=2020-01-01T10%3A00", "a time to come"),
        ("/rules/cases", "rules/act", "id=cases&act=roll_back&with=x", "Choose a version"),
        ("/claims/new", "claims/raise", "new%5Bshipment%5D=x&new%5Breason%5D=", "Choose what the claim is for"),
        (
            "/claims/new",
            "claims/raise",
            "new%5Bshipment%5D=x&new%5Breason%5D=lost",
            "No single shipment has this number",
        ),
        ("/alerts", "alerts/rule", "kind=disk_space&on=&threshold=many", "whole number"),
    ] {
        let answer = site.submit(page, function, form, &admin).await;
        let shown = site.page(&location(&answer), Some(&admin)).await.unwrap();
        assert!(shown.body.contains(said), "{function} {form}: {}", shown.body);
    }
    site.stop().await;
}

const PERSONAL: [&str; 4] = ["Jane Doe", "beware of the dog", "jane@doe.test", "12 Rue de la Paix"];

/// A delivery with everything that names people; its shipment, its event and its message.
async fn signed_for(world: &World) -> (String, String, String) {
    let shipment = world.order(1, &["SIGNED0001"]).await;
    let point = serde_json::json!({"tag": "Delivered", "subtag": "Delivered_001", "checkpoint_time": "2026-03-05T10:00:00", "city": "Lyon",
        "message": "Left with Jane Doe, beware of the dog"});
    let msg = serde_json::json!({"id": "t-1", "tracking_number": "SIGNED0001", "slug": "dhl", "tag": "Delivered", "subtag": "Delivered_001",
        "updated_at": "2026-03-05T10:00:00+00:00", "signed_by": "Jane Doe", "customer_name": "Jane Doe", "emails": ["jane@doe.test"],
        "whatever": {"street": "12 Rue de la Paix"}, "checkpoints": [point]});
    world.offer(serde_json::json!({"event_id": "e-1", "msg": msg}).to_string().as_bytes()).await.unwrap();
    let loaded = world.load(shipment).await;
    let event = loaded.input.facts[0].id;
    let seen = world.context.store.shipments.seen_in(world.context.scope(), shipment).await.unwrap();
    (shipment.to_string(), event.to_string(), seen[0].message.to_string())
}

#[tokio::test]
async fn what_may_name_people_follows_a_permission_of_its_own() {
    let world = World::new().await;
    let (shipment, event, message) = signed_for(&world).await;
    for (role, may) in [(Role::Executive, false), (Role::Agent, true), (Role::Admin, true)] {
        let ports = world.ports(role);
        let page = format!("{:?}", ports.shipments.get(shipment.clone(), None).await.unwrap());
        let raw = ports.shipments.raw(shipment.clone(), event.clone()).await.unwrap();
        let kept = ports.sync.message(message.clone()).await;
        assert_eq!(kept.is_ok(), role == Role::Admin, "{role:?}: {kept:?}");
        let raw_text = format!("{raw:?}");
        for personal in PERSONAL {
            assert_eq!(raw_text.contains(personal), may, "{role:?}, {personal}: {raw_text}");
            let kept = kept.iter().filter_map(|message| message.raw.as_ref());
            assert!(kept.clone().all(|body| body.contains(personal)), "{role:?}, {personal}: {kept:?}");
        }
        assert_eq!(page.contains("Jane Doe"), may, "{role:?}: {page}");
        assert_eq!(raw.masked, !may);
        for harmless in ["SIGNED0001", "Delivered_001", "2026-03-05T10:00:00", "Lyon"] {
            assert!(raw.raw.contains(harmless), "{role:?}, {harmless}: {raw:?}");
        }
    }
}

#[tokio::test]
async fn places_and_times_that_are_free_text_are_read_by_those_who_may() {
    let world = World::new().await;
    let shipment = world.order(1, &["SIGNED0002"]).await;
    let place = "behind the shed of Jane Doe";
    let point = |subtag: &str, at: &str| serde_json::json!({"tag": "InTransit", "subtag": subtag, "checkpoint_time": at, "location": place});
    let msg = serde_json::json!({"id": "t-2", "tracking_number": "SIGNED0002", "slug": "dhl", "tag": "InTransit", "subtag": "InTransit_003",
        "updated_at": "2026-03-05T10:00:00+00:00",
        "checkpoints": [point("InTransit_002", "when Jane Doe wakes up"), point("InTransit_003", "2026-03-05T10:00:00")]});
    world.offer(serde_json::json!({"event_id": "e-2", "msg": msg}).to_string().as_bytes()).await.unwrap();
    let loaded = world.load(shipment).await;
    assert_eq!(loaded.input.facts.len(), 2);
    for (role, may) in [(Role::Executive, false), (Role::Agent, true)] {
        let ports = world.ports(role);
        let page = format!("{:?}", ports.shipments.get(shipment.to_string(), None).await.unwrap());
        let list = format!("{:?}", ports.shipments.list(ListQuery::default()).await.unwrap());
        let mut events = String::new();
        for fact in &loaded.input.facts {
            events += &format!("{:?}", ports.shipments.raw(shipment.to_string(), fact.id.to_string()).await.unwrap());
        }
        for words in [place, "wakes up"] {
            assert_eq!(events.contains(words), may, "{role:?}, {words}: {events}");
            assert!(!list.contains(words), "{role:?}, {words}: {list}");
            assert_eq!(page.contains(words), may && words == place, "{role:?}, {words}: {page}");
        }
    }
}

#[tokio::test]
async fn reading_a_place_that_may_be_an_address_is_in_the_audit_trail_once_in_a_while() {
    let world = World::new().await;
    let (named, address) = (world.order(1, &["NAMED00001"]).await, world.order(2, &["SEALED0001"]).await);
    world.receives("NAMED00001", &[("InTransit_003", "2026-03-05T10:00:00")]).await;
    let point = serde_json::json!({"tag": "InTransit", "subtag": "InTransit_003", "checkpoint_time": "2026-03-05T10:00:00",
        "location": "behind the shed of Jane Doe"});
    let msg = serde_json::json!({"id": "t-3", "tracking_number": "SEALED0001", "slug": "dhl", "tag": "InTransit",
        "subtag": "InTransit_003", "updated_at": "2026-03-05T10:00:00+00:00", "checkpoints": [point]});
    world.offer(serde_json::json!({"event_id": "e-3", "msg": msg}).to_string().as_bytes()).await.unwrap();
    let (context, scope) = (&world.context, world.context.scope());
    let lines = async || {
        let lines = context.store.people.audit_trail(scope, None, 100).await.unwrap();
        let places = lines.into_iter().filter(|line| line.entry.action == "shipment.places.read");
        places.map(|line| line.entry.subject).collect::<Vec<_>>()
    };
    let read = async |ports: &Ports, shipment: ShipmentId| {
        ports.shipments.get(shipment.to_string(), None).await.unwrap().timeline.len()
    };
    let (agent, subject) = (world.ports(Role::Agent), format!("places:{address}"));
    read(&world.ports(Role::Executive), address).await;
    read(&agent, named).await;
    assert_eq!(lines().await, [""; 0], "no address was to be seen");
    let before = read(&agent, address).await;
    assert_eq!(read(&agent, address).await, before, "it is nothing that happened to the shipment");
    assert_eq!(lines().await, [subject.as_str()]);
    read(&world.ports(Role::Admin), address).await;
    assert_eq!(lines().await, [subject.as_str(); 2], "somebody else");
    world.clock.advance(jiff::Span::new().minutes(16));
    read(&agent, address).await;
    assert_eq!(lines().await, [subject.as_str(); 3], "later");
}

#[tokio::test]
async fn reading_who_signed_is_in_the_audit_trail_once_in_a_while() {
    let world = World::new().await;
    let (shipment, ..) = signed_for(&world).await;
    let (context, scope) = (&world.context, world.context.scope());
    let lines = async || {
        let lines = context.store.people.audit_trail(scope, None, 100).await.unwrap();
        lines.into_iter().filter(|line| line.entry.action == "shipment.signatory.read").count()
    };
    let read = async |ports: &Ports| ports.shipments.get(shipment.clone(), None).await.unwrap();
    read(&world.ports(Role::Executive)).await;
    assert_eq!(lines().await, 0, "no name was to be seen");
    let (agent, admin) = (world.ports(Role::Agent), world.ports(Role::Admin));
    let before = read(&agent).await.timeline.len();
    assert_eq!(read(&agent).await.timeline.len(), before, "it is nothing that happened to the shipment");
    assert_eq!(lines().await, 1);
    read(&admin).await;
    assert_eq!(lines().await, 2, "somebody else");
    world.clock.advance(jiff::Span::new().minutes(16));
    read(&agent).await;
    assert_eq!(lines().await, 3, "later");
}

#[tokio::test]
async fn reading_a_message_is_in_the_audit_trail_once_in_a_while() {
    let world = World::new().await;
    let (shipment, event, message) = signed_for(&world).await;
    let (context, scope) = (&world.context, world.context.scope());
    let lines = async || {
        let lines = context.store.people.audit_trail(scope, Some(format!("message:{message}")), 100).await.unwrap();
        lines.into_iter().filter(|line| line.entry.action == "message.read").count()
    };
    let executive = world.ports(Role::Executive);
    executive.shipments.raw(shipment.clone(), event.clone()).await.unwrap();
    assert_eq!(lines().await, 0, "nothing of it was to be seen");
    let (agent, admin) = (world.ports(Role::Agent), world.ports(Role::Admin));
    for _ in 0..3 {
        agent.shipments.raw(shipment.clone(), event.clone()).await.unwrap();
    }
    assert_eq!(lines().await, 1);
    for _ in 0..3 {
        admin.shipments.raw(shipment.clone(), event.clone()).await.unwrap();
        admin.sync.message(message.clone()).await.unwrap();
    }
    assert_eq!(lines().await, 2, "somebody else");
    world.clock.advance(jiff::Span::new().minutes(16));
    agent.shipments.raw(shipment.clone(), event.clone()).await.unwrap();
    assert_eq!(lines().await, 3, "later");
}

#[tokio::test]
async fn a_person_is_found_by_those_who_may_read_names() {
    let systems = crate::world::systems::Systems::new().await;
    systems.order("FOUND00001").await;
    let found = async |role, text: &str| {
        let query = ListQuery { tab: ListTab::All, text: text.into(), ..Default::default() };
        systems.world.ports(role).shipments.list(query).await.unwrap().rows.len()
    };
    for (text, executive) in [
        ("Somebody", 0),
        ("somebody", 0),
        ("orders@s-found00001.sandbox.test", 0),
        ("FOUND00001", 1),
        ("S-FOUND00001", 1),
    ] {
        let agents = found(Role::Agent, text).await;
        assert_eq!(found(Role::Executive, text).await, executive, "{text}");
        assert!(agents >= executive, "{text}");
    }
    assert_eq!(found(Role::Agent, "Somebody").await, 1);
}
