//! What holds for every desk, whatever its platform is like: the same sentences, run against each simulated desk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use desks::{
    Closed, Desk, DeskConfig, DeskStatus, KeyGuard, Labels, NewCase, Options, PollFrom, Reopened, Requester,
    hooks::{Hook, HookRefusal},
};
use domain::Severity;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use outbound::{Call, CallError, CallLog, Discard, ErrorClass};
use secrecy::SecretString;
use simulator::{
    desk::{
        base::ANSWER,
        control::{Access, Act, Control, On, Seen},
    },
    faults::Fault,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Runs the whole contract for a desk, each sentence as a test of its own.
macro_rules! contract {
    ($($name:ident: $start:path;)*) => { $(
        mod $name {
            use super::*;

            async fn desk() -> (Box<dyn Control>, Arc<dyn Desk>) {
                let control: Box<dyn Control> = Box::new($start().await.unwrap());
                let desk = connected(&control.access());
                (control, desk)
            }

            #[tokio::test]
            async fn nothing_is_missing_where_it_is_set_up() {
                let (control, desk) = desk().await;
                super::nothing_is_missing(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn a_case_has_what_it_was_given_and_is_found_by_its_key() {
                let (control, desk) = desk().await;
                super::made_and_found(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn an_unknown_outcome_is_settled_by_looking() {
                let (control, desk) = desk().await;
                super::unknown_outcome(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn notes_come_once_and_no_customer_sees_them() {
                let (control, desk) = desk().await;
                super::notes_once(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn the_context_is_one_and_current() {
                let (control, desk) = desk().await;
                super::context(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn a_case_is_resolved_and_reopened() {
                let (control, desk) = desk().await;
                super::resolved_and_reopened(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn tags_of_agents_stay() {
                let (control, desk) = desk().await;
                super::tags_stay(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn priority_and_tags_are_set_later_and_those_of_agents_stay() {
                let (control, desk) = desk().await;
                super::labelled(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn a_case_can_name_its_queue() {
                let (control, desk) = desk().await;
                super::in_a_queue(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn what_is_closed_for_good_is_followed_up() {
                let (control, desk) = desk().await;
                super::followed_up(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn what_agents_do_is_seen() {
                let (control, desk) = desk().await;
                super::agents_are_seen(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn who_closed_a_case_is_not_who_wrote_last() {
                let (control, desk) = desk().await;
                super::closed_then_written(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn what_the_customer_writes_is_no_agents_doing_and_is_not_kept() {
                let (control, desk) = desk().await;
                super::customers(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn an_agent_who_changes_a_case_back_and_forth_is_seen_each_time() {
                let (control, desk) = desk().await;
                super::back_and_forth(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn what_fails_behind_the_making_makes_no_second_case() {
                let (control, desk) = desk().await;
                super::half_made(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn deleted_merged_and_hidden_cases_are_understood() {
                let (control, desk) = desk().await;
                super::deleted_merged_hidden(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn a_poll_catches_up_page_by_page() {
                let (control, desk) = desk().await;
                super::polls(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn reports_are_proven_and_name_their_case() {
                let (control, desk) = desk().await;
                super::reports(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn limits_and_faults_have_their_class() {
                let (control, desk) = desk().await;
                super::limits(&*control, &*desk).await;
            }

            #[tokio::test]
            async fn tokens_may_end_at_any_call() {
                let (control, desk) = desk().await;
                super::tokens(&*control, &*desk).await;
            }
        }
    )* };
}

contract! {
    jira: simulator::desk::jira::Jira::start;
    odoo_enterprise: simulator::desk::odoo::Helpdesk::enterprise;
    odoo_oca: simulator::desk::odoo::Helpdesk::oca;
    request_tracker: request_tracker;
    salesforce: simulator::desk::salesforce::Salesforce::start;
    salesforce_without_history: simulator::desk::salesforce::Salesforce::without_history;
    servicenow: simulator::desk::servicenow::ServiceNow::start;
    servicenow_without_audit: simulator::desk::servicenow::ServiceNow::without_audit;
    zammad: simulator::desk::zammad::Zammad::start;
    zendesk: simulator::desk::zendesk::Zendesk::start;
    freshdesk: simulator::desk::freshdesk::Freshdesk::start;
    gorgias: simulator::desk::gorgias::Gorgias::start;
    intercom: simulator::desk::intercom::Intercom::start;
}

fn connected(access: &Access) -> Arc<dyn Desk> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options: Options = serde_json::from_value(access.options.clone().into()).unwrap();
    let config =
        DeskConfig { options, ..DeskConfig::new(access.url.as_str(), access.secret.as_str(), access.queue.as_str()) };
    desks::connect(access.connector, config).unwrap().unwrap()
}

fn case(key: &str) -> NewCase {
    NewCase {
        external_key: key.into(),
        subject: format!("Damaged: shipment 1Z999AA10123456784\nfor S00042 <b> {}", "x".repeat(400)),
        body: "Damaged in Köln <b>&\nSeverity: Critical".into(),
        tracking_number: "1Z999AA10123456784".into(),
        carrier: "UPS".into(),
        exception_code: "DAMAGED".into(),
        severity: Severity::Critical,
        odoo_url: Some("http://odoo.example/odoo/stock.picking/42".into()),
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: vec!["milepost".into(), "damage".into()],
        queue: None,
        follows: None,
        requester: None,
    }
}

fn only(control: &dyn Control) -> Seen {
    let mut seen = control.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0)
}

async fn status(desk: &dyn Desk, number: &str) -> DeskStatus {
    desk.look(number, DeskStatus::Open, &Discard).await.unwrap().case.status
}

async fn nothing_is_missing(control: &dyn Control, desk: &dyn Desk) {
    assert_eq!(desk.check(&Discard).await.unwrap(), []);
    let access = control.access();
    assert_eq!(access.connector, desk.manifest().id);
    let wrong = connected(&Access { secret: "a-wrong-secret-of-nothing".into(), ..access });
    assert_eq!(wrong.version(&Discard).await.unwrap_err().class, ErrorClass::Unauthorized);
}

async fn made_and_found(control: &dyn Control, desk: &dyn Desk) {
    assert_eq!(desk.find("k'1 \\", &Discard).await.unwrap(), None);
    let requester = Requester { name: "Jane Doe".into(), email: "jane@customer.test".into() };
    let made = desk.create(&NewCase { requester: Some(requester), ..case("k'1 \\") }, &Discard).await.unwrap();
    assert_eq!(made.status, DeskStatus::Open);
    assert!(made.url.starts_with("http") && made.url.contains(&made.number), "{}", made.url);
    assert_eq!(desk.find("k'1 \\", &Discard).await.unwrap(), Some(made.clone()));
    assert_eq!(desk.find("another", &Discard).await.unwrap(), None);
    let seen = only(control);
    assert!(seen.subject.starts_with("Damaged: shipment 1Z999AA10123456784 for S00042"), "{}", seen.subject);
    assert!(seen.open && seen.public == 0, "nothing goes to the customer: {seen:?}");
    assert!(["milepost", "damage"].iter().all(|tag| seen.tags.iter().any(|had| had == tag)), "{:?}", seen.tags);
    let customer = control.names_customers().then_some("jane@customer.test");
    assert_eq!(seen.requester.as_deref(), customer);
    let calm = desk.create(&NewCase { severity: Severity::Minor, ..case("calm") }, &Discard).await.unwrap();
    let calm = control.seen().into_iter().find(|seen| seen.number == calm.number).unwrap();
    assert_ne!(calm.priority, seen.priority, "priority goes by severity");
    assert_eq!(calm.requester, None);
}

/// Looks for a case until the desk shows it, as the outbox does after an unknown outcome.
async fn settled(control: &dyn Control, desk: &dyn Desk, key: &str) -> String {
    if let Some(found) = desk.find(key, &Discard).await.unwrap() {
        return found.number;
    }
    assert!(desk.manifest().find_lag > Duration::ZERO, "a desk that may miss a case says for how long");
    control.lag(false);
    desk.find(key, &Discard).await.unwrap().unwrap().number
}

async fn unknown_outcome(control: &dyn Control, desk: &dyn Desk) {
    for (n, fault) in [Fault::ResetAfterApply, Fault::ErrorAfterApply, Fault::Page(502)].into_iter().enumerate() {
        let key = format!("unknown {n}");
        control.lag(true);
        control.fail(On::Create, &fault, 1);
        let error = desk.create(&case(&key), &Discard).await.unwrap_err();
        // one that failed by the server's own word may have been made all the same
        let classes = [ErrorClass::UnknownOutcome, ErrorClass::ServerError];
        assert!(classes.contains(&error.class), "{fault:?}: {error:?}");
        if matches!(fault, Fault::Page(_)) {
            assert_eq!(desk.find(&key, &Discard).await.unwrap(), None);
            continue;
        }
        let number = settled(control, desk, &key).await;
        if desk.manifest().key == KeyGuard::Desk {
            assert_eq!(desk.create(&case(&key), &Discard).await.unwrap().number, number, "the desk guards its key");
        }
    }
    assert_eq!(control.seen().len(), 2);
}

async fn notes_once(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    let note = "Delivered in Köln <img src=x>.";
    control.fail(On::Change, &Fault::ResetAfterApply, 1);
    assert_eq!(desk.note(&number, "n/1", note, &Discard).await.unwrap_err().class, ErrorClass::UnknownOutcome);
    for _ in 0..2 {
        desk.note(&number, "n/1", note, &Discard).await.unwrap();
    }
    for _ in 0..2 {
        desk.note(&number, "n/2", "Another.", &Discard).await.unwrap();
    }
    let seen = only(control);
    assert_eq!((seen.notes.len(), seen.public), (2, 0), "{seen:?}");
    assert!(seen.notes[0].contains("Delivered in Köln"), "{seen:?}");
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().activity.notes, 0, "ours do not count");
}

async fn context(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    for text in ["Status: In transit\nETA: tomorrow", "Status: Delivered <now>"] {
        for _ in 0..2 {
            desk.set_context(&number, text, &Discard).await.unwrap();
        }
        let seen = only(control);
        let kept = seen.context.clone().unwrap();
        assert!(kept.contains(text.split_once('\n').map_or("Status: Delivered", |(first, _)| first)), "{kept}");
        assert_eq!((seen.notes.len(), seen.public), (0, 0), "one place, and not the customer's: {seen:?}");
    }
    assert!(!only(control).context.unwrap().contains("In transit"), "what was there is replaced");
    control.act(&number, &Act::Delete);
    desk.set_context(&number, "late", &Discard).await.unwrap();
}

async fn resolved_and_reopened(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    for _ in 0..2 {
        desk.resolve(&number, "closed", "Over.", &Discard).await.unwrap();
    }
    assert!(!only(control).open);
    let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by), (DeskStatus::Resolved, None), "our own doing has no agent");
    // a note does not wake a settled case
    desk.note(&number, "late", "Proof of delivery came.", &Discard).await.unwrap();
    assert!(!only(control).open);
    for _ in 0..2 {
        assert_eq!(desk.reopen(&number, "again", "Again.", &Discard).await.unwrap(), Reopened::Open);
    }
    let seen = only(control);
    assert!(seen.open);
    assert_eq!((seen.notes.len(), seen.public), (3, 0), "{seen:?}");
}

async fn tags_stay(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    assert!(control.act(&number, &Act::Tag("vip")));
    desk.note(&number, "n", "A note.", &Discard).await.unwrap();
    desk.set_context(&number, "Status", &Discard).await.unwrap();
    desk.resolve(&number, "closed", "Over.", &Discard).await.unwrap();
    desk.reopen(&number, "again", "Again.", &Discard).await.unwrap();
    let seen = only(control);
    assert!(["milepost", "damage", "vip"].iter().all(|tag| seen.tags.iter().any(|had| had == tag)), "{:?}", seen.tags);
}

async fn labelled(control: &dyn Control, desk: &dyn Desk) {
    let critical = desk.create(&case("critical"), &Discard).await.unwrap().number;
    let minor = NewCase { severity: Severity::Minor, ..case("minor") };
    let number = desk.create(&minor, &Discard).await.unwrap().number;
    let seen = |number: &str| control.seen().into_iter().find(|seen| seen.number == number).unwrap();
    assert_ne!(seen(&number).priority, seen(&critical).priority);
    assert!(control.act(&number, &Act::Tag("vip")));
    desk.label(&number, &Labels::default(), &Discard).await.unwrap();
    let labels = Labels { severity: Some(Severity::Critical), tags: vec!["urgent".into(), "damage".into()] };
    for _ in 0..2 {
        desk.label(&number, &labels, &Discard).await.unwrap();
    }
    let now = seen(&number);
    assert_eq!(now.priority, seen(&critical).priority, "it is as urgent");
    let mut tags = now.tags.clone();
    tags.sort_unstable();
    assert_eq!(tags, ["damage", "milepost", "urgent", "vip"], "each once");
    assert!(now.open && now.public == 0 && now.notes.is_empty(), "nothing else changes: {now:?}");
    assert_eq!(desk.look(&number, DeskStatus::Open, &Discard).await.unwrap().by, None);
    control.act(&number, &Act::Delete);
    desk.label(&number, &labels, &Discard).await.unwrap();
}

async fn in_a_queue(control: &dyn Control, desk: &dyn Desk) {
    let queued = |key: &str, queue: &str| NewCase { queue: Some(queue.to_owned()), ..case(key) };
    if desk.manifest().queues.is_none() {
        return;
    }
    let refused = desk.create(&queued("nowhere", "Nowhere at all"), &Discard).await.unwrap_err();
    assert!(matches!(refused.class, ErrorClass::Misconfigured | ErrorClass::Rejected), "{refused:?}");
    assert_eq!(control.seen(), [], "none is made in another queue instead");
    desk.create(&queued("there", &control.access().queue), &Discard).await.unwrap();
    assert!(only(control).open);
}

async fn followed_up(control: &dyn Control, desk: &dyn Desk) {
    let first = desk.create(&case("k"), &Discard).await.unwrap().number;
    let closes = control.act(&first, &Act::CloseForGood);
    assert_eq!(closes, desk.manifest().closed == Closed::FollowUp);
    if closes {
        desk.note(&first, "n", "late", &Discard).await.unwrap();
        desk.resolve(&first, "r", "late", &Discard).await.unwrap();
        desk.set_context(&first, "late", &Discard).await.unwrap();
        assert_eq!(status(desk, &first).await, DeskStatus::Resolved);
        assert_eq!(desk.reopen(&first, "again", "Again.", &Discard).await.unwrap(), Reopened::FollowUp);
        let seen = only(control);
        assert!(!seen.open && seen.public == 0, "{seen:?}");
    }
    // where the platform has no link of its own, the text has it
    let body = format!("Damaged.\nFollows up ticket #{first}");
    let next = NewCase { follows: Some(first.clone()), body, ..case("k after") };
    let next = desk.create(&next, &Discard).await.unwrap();
    let next = control.seen().into_iter().find(|seen| seen.number == next.number).unwrap();
    assert_eq!(next.follows.as_deref(), Some(first.as_str()));
    // one that is gone does not stop the new one
    control.act(&first, &Act::Delete);
    let again = NewCase { follows: Some(first), ..case("k after that") };
    assert_eq!(desk.create(&again, &Discard).await.unwrap().status, DeskStatus::Open);
}

async fn agents_are_seen(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    let before = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((before.activity.replies, before.activity.notes, before.activity.assignee), (0, 0, None));
    for act in [Act::Reply, Act::Note, Act::Reply, Act::Assign("ada"), Act::Resolve] {
        assert!(control.act(&number, &act), "{act:?}");
    }
    let after = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((after.activity.replies, after.activity.notes), (2, 1));
    assert!(after.activity.assignee.is_some() && after.activity.last_at.is_some(), "{after:?}");
    assert!(after.activity.changed_at > before.activity.changed_at);
    assert_eq!((after.case.status, after.by.is_some()), (DeskStatus::Resolved, true), "an agent did that");
    assert_eq!(desk.look(&number, DeskStatus::Resolved, &Discard).await.unwrap().by, None, "known already");
}

async fn closed_then_written(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    assert!(control.act(&number, &Act::Resolve));
    let labels = Labels { severity: Some(Severity::Critical), tags: vec!["severe".into()] };
    desk.label(&number, &labels, &Discard).await.unwrap();
    desk.set_context(&number, "On its way.", &Discard).await.unwrap();
    let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
    assert_eq!((look.case.status, look.by.is_some()), (DeskStatus::Resolved, true), "{look:?}");
}

/// Where the platform keeps who changed the status, what agents write later does not make it theirs.
#[tokio::test]
async fn what_milepost_closed_stays_its_own_doing() {
    use simulator::desk::{jira::Jira, odoo::Helpdesk, salesforce::Salesforce, servicenow::ServiceNow};
    let desks: [Box<dyn Control>; 5] = [
        Box::new(Jira::start().await.unwrap()),
        Box::new(Helpdesk::oca().await.unwrap()),
        Box::new(Helpdesk::enterprise().await.unwrap()),
        Box::new(Salesforce::start().await.unwrap()),
        Box::new(ServiceNow::start().await.unwrap()),
    ];
    for control in &desks {
        let (desk, of) = (connected(&control.access()), control.access().connector);
        let number = desk.create(&case("k"), &Discard).await.unwrap().number;
        desk.resolve(&number, "settled", "It arrived.", &Discard).await.unwrap();
        assert!(control.act(&number, &Act::Tag("fragile")), "{of}");
        let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
        assert_eq!((look.case.status, look.by), (DeskStatus::Resolved, None), "{of}");
    }
}

/// A closed stage that is not one of success: the exception stays open.
#[tokio::test]
async fn a_ticket_that_is_cancelled_at_odoo_is_rejected() {
    use simulator::desk::odoo::Helpdesk;
    for control in [Helpdesk::oca().await.unwrap(), Helpdesk::enterprise().await.unwrap()] {
        let desk = connected(&control.access());
        let number = desk.create(&case("k"), &Discard).await.unwrap().number;
        assert!(control.act(&number, &Act::Reject));
        let look = desk.look(&number, DeskStatus::Open, &Discard).await.unwrap();
        assert_eq!((look.case.status, look.by.is_some()), (DeskStatus::Rejected, true), "{look:?}");
        desk.resolve(&number, "settled", "It arrived.", &Discard).await.unwrap();
        assert_eq!(status(&*desk, &number).await, DeskStatus::Rejected, "it is closed already");
        assert_eq!(desk.reopen(&number, "again", "Again.", &Discard).await.unwrap(), Reopened::Open);
        desk.resolve(&number, "settled again", "It arrived.", &Discard).await.unwrap();
        assert_eq!(status(&*desk, &number).await, DeskStatus::Resolved, "the stage of success");
    }
}

/// Keeps calls, as the database does.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "contract".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(format!("{}: {} {}", call.operation, call.request.open(), call.response.open()));
    }
}

async fn customers(control: &dyn Control, desk: &dyn Desk) {
    let kept = Kept::default();
    let requester = Requester { name: "Jane Doe".into(), email: "jane@customer.test".into() };
    let number = desk.create(&NewCase { requester: Some(requester), ..case("k") }, &kept).await.unwrap().number;
    assert!(control.act(&number, &Act::Answer) && control.act(&number, &Act::Note));
    let look = desk.look(&number, DeskStatus::Open, &kept).await.unwrap();
    assert_eq!((look.activity.replies, look.activity.notes), (0, 1));
    assert!(control.act(&number, &Act::Reply));
    assert_eq!(desk.look(&number, DeskStatus::Open, &kept).await.unwrap().activity.replies, 1);
    let calls = kept.0.into_inner().unwrap();
    assert!(calls.len() > 2, "{calls:?}");
    for personal in ["Jane Doe", "jane@customer.test", ANSWER] {
        let in_clear: Vec<_> = calls.iter().filter(|call| call.contains(personal)).collect();
        assert!(in_clear.is_empty(), "{personal:?} is kept: {in_clear:#?}");
    }
}

async fn back_and_forth(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    let turns =
        [(Act::Resolve, DeskStatus::Open, DeskStatus::Resolved), (Act::Reopen, DeskStatus::Resolved, DeskStatus::Open)];
    for (act, known, wanted) in turns.iter().cycle().take(4) {
        assert!(control.act(&number, act));
        let look = desk.look(&number, *known, &Discard).await.unwrap();
        assert_eq!((look.case.status, look.by.is_some()), (*wanted, true), "{act:?}: {look:?}");
    }
}

async fn half_made(control: &dyn Control, desk: &dyn Desk) {
    control.lag(true);
    control.fail(On::Change, &Fault::RateLimited(3), 1);
    let made = desk.create(&case("k"), &Discard).await;
    if let Err(error) = &made {
        assert_eq!(error.class, ErrorClass::UnknownOutcome, "it may be there: {error:?}");
    }
    assert_eq!(control.seen().len(), 1);
    let number = settled(control, desk, "k").await;
    assert!(made.is_err() || made.is_ok_and(|made| made.number == number));
}

async fn deleted_merged_hidden(control: &dyn Control, desk: &dyn Desk) {
    let mut numbers = Vec::new();
    for key in ["deleted", "hidden", "merged", "kept"] {
        numbers.push(desk.create(&case(key), &Discard).await.unwrap().number);
    }
    let (merged, kept) = (numbers[2].clone(), numbers[3].clone());
    assert!(control.act(&numbers[0], &Act::Delete));
    let hides = control.act(&numbers[1], &Act::Hide);
    let merges = control.act(&merged, &Act::MergeInto(kept.clone()));
    assert!(matches!(status(desk, &numbers[0]).await, DeskStatus::Gone | DeskStatus::Hidden));
    assert_eq!(desk.reopen(&numbers[0], "again", "Again.", &Discard).await.unwrap(), Reopened::FollowUp);
    for write in
        [desk.note(&numbers[0], "n", "late", &Discard).await, desk.resolve(&numbers[0], "r", "x", &Discard).await]
    {
        assert!(write.is_ok(), "what is gone takes no notes, and is no failure: {write:?}");
    }
    if hides {
        assert_eq!(status(desk, &numbers[1]).await, DeskStatus::Hidden);
    }
    if merges {
        let look = desk.look(&merged, DeskStatus::Open, &Discard).await.unwrap();
        assert_eq!((look.case.number, look.case.status), (kept.clone(), DeskStatus::Open), "the other one has it now");
    }
    let shown = desk.shown(&numbers, &Discard).await.unwrap();
    let shown: BTreeSet<_> =
        shown.into_iter().filter(|case| case.status == DeskStatus::Open).map(|c| c.number).collect();
    assert!(shown.contains(&kept) && !shown.contains(&numbers[0]), "{shown:?}");
    assert!(!hides || !shown.contains(&numbers[1]), "{shown:?}");
    assert!(!merges || !shown.contains(&merged), "{shown:?}");
    assert_eq!(desk.find("deleted", &Discard).await.unwrap(), None);
}

/// All that changed since, page by page.
async fn changed(desk: &dyn Desk, since: Timestamp) -> Vec<(String, DeskStatus, Option<Timestamp>)> {
    let (mut from, mut all) = (PollFrom::Since(since), Vec::new());
    for _ in 0..20 {
        let page = desk.changed(&from, &Discard).await.unwrap();
        all.extend(page.cases.into_iter().map(|change| (change.case.number, change.case.status, change.at)));
        match page.next {
            Some(next) => from = PollFrom::After(next),
            None => return all,
        }
    }
    panic!("the pages do not end");
}

async fn polls(control: &dyn Control, desk: &dyn Desk) {
    let start: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let mut numbers = Vec::new();
    // more than any desk gives in one page
    for n in 0..130 {
        numbers.push(desk.create(&case(&format!("k{n}")), &Discard).await.unwrap().number);
    }
    let all: BTreeSet<_> = changed(desk, start).await.into_iter().map(|(number, ..)| number).collect();
    assert_eq!(all, numbers.iter().cloned().collect(), "none is missing");
    let newest = changed(desk, start).await.into_iter().filter_map(|(.., at)| at).max().unwrap();
    control.act(&numbers[5], &Act::Resolve);
    control.act(&numbers[6], &Act::Note);
    let later = newest.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
    let news = changed(desk, later).await;
    let of = |number: &String| news.iter().find(|(n, ..)| n == number).map(|(_, status, _)| *status);
    assert_eq!((of(&numbers[5]), of(&numbers[6])), (Some(DeskStatus::Resolved), Some(DeskStatus::Open)), "{news:?}");
    assert!(news.len() <= 3, "what did not change does not come: {}", news.len());
    assert!(desk.changed(&PollFrom::After("x' OR 1=1".into()), &Discard).await.is_err(), "an odd cursor is refused");
}

async fn reports(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    let (secret, other) =
        (SecretString::from("secret-of-the-reports"), SecretString::from("another-secret-of-reports"));
    let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
    let report = control.report(&number, "secret-of-the-reports", now.as_second());
    let headers: HeaderMap = report
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let read =
        |headers: &HeaderMap, body: &[u8], secret: &SecretString| desk.read_hook(&Hook { headers, body, secret, now });
    let taken = read(&headers, &report.body, &secret).unwrap();
    assert_eq!(taken.numbers, [number]);
    assert_eq!(read(&headers, &report.body, &other), Err(HookRefusal::Unproven));
    assert_eq!(read(&HeaderMap::new(), &report.body, &secret), Err(HookRefusal::Unproven));
    assert_eq!(read(&headers, &report.body, &SecretString::from("")), Err(HookRefusal::Unproven));
    if desk.manifest().hooks == desks::HookProof::Signature {
        let mut forged = report.body.clone();
        forged.push(b' ');
        assert_eq!(read(&headers, &forged, &secret), Err(HookRefusal::Unproven));
    }
    // whatever comes: no panic
    for odd in [&b""[..], b"null", b"[]", b"{}", b"\xff", b"{\"ticket\":{\"id\":{}}}"] {
        let _ = read(&headers, odd, &secret);
    }
}

fn class<T: std::fmt::Debug>(done: Result<T, CallError>) -> ErrorClass {
    done.unwrap_err().class
}

async fn limits(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    control.fail(On::Find, &Fault::RateLimited(7), 1);
    let limited = desk.find("k", &Discard).await.unwrap_err();
    assert_eq!((limited.class, limited.retry_after), (ErrorClass::RateLimited, Some(Duration::from_secs(7))));
    control.fail(On::Change, &Fault::RateLimited(3), 1);
    assert_eq!(class(desk.note(&number, "n", "text", &Discard).await), ErrorClass::RateLimited);
    control.fail(On::Find, &Fault::Page(200), 1);
    assert_eq!(class(desk.find("k", &Discard).await), ErrorClass::BadAnswer, "a page is no answer");
    control.fail(On::Find, &Fault::Page(404), 1);
    assert_eq!(class(desk.find("k", &Discard).await), ErrorClass::BadAnswer, "and not a case that is gone");
    control.fail(On::Create, &Fault::Page(503), 1);
    assert_eq!(class(desk.create(&case("k2"), &Discard).await), ErrorClass::ServerError);
    desk.note(&number, "n", "text", &Discard).await.unwrap();
    assert_eq!(only(control).notes.len(), 1);
}

async fn tokens(control: &dyn Control, desk: &dyn Desk) {
    let number = desk.create(&case("k"), &Discard).await.unwrap().number;
    if !control.expire_tokens() {
        return;
    }
    desk.note(&number, "n/1", "One.", &Discard).await.unwrap();
    control.expire_tokens();
    // many at once: one token is fetched, and no call fails
    let keys: Vec<_> = (0..12).map(|n| format!("many/{n}")).collect();
    let posts = keys.iter().map(|key| desk.note(&number, key, "Many.", &Discard));
    for done in futures::future::join_all(posts).await {
        done.unwrap();
    }
    assert_eq!(only(control).notes.len(), 13);
}

async fn request_tracker() -> std::io::Result<simulator::desk::SandboxDesk> {
    simulator::desk::SandboxDesk::start("token-of-the-tests").await
}
