//! What rules do in other systems, end to end on simulated ones: cases that are changed and closed, messages to customers, invoices,
//! returns and claims; rules that the clock starts; exceptions that grow more severe.

use crate::world::systems::Systems;
use app::contract::shipments::ShipmentView;
use application::{
    caller::Caller,
    cases::desk_poll,
    connections::{self, NewConnection},
    context::Context,
    error::UseCaseError,
    governance::erasure,
    jobs,
    rules::{manage, message, read},
};
use domain::{
    ExceptionReason, Severity,
    access::Role,
    effects::{EffectOutcome, EffectTarget, InvoiceFor, InvoiceOn, Invoicing},
    rule::{Action, Content, Limits, QuietHours, RuleId, Terms, Trigger},
};
use outbound::Discard;
use serde_json::json;
use server::config::Settings;
use simulator::{
    channels::{MailFault, SandboxMail},
    faults::Fault,
};
use std::sync::Arc;
use storage::{Actor, Scope};

const MOVING: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00")];
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];

struct Acting {
    _folder: tempfile::TempDir,
    systems: Systems,
    context: Arc<Context>,
    person: Caller,
}

fn content(name: &str, trigger: Trigger, when: &str, then: Vec<Action>) -> Content {
    Content { name: name.into(), trigger, when: when.into(), then, severity: None, limits: Limits::default() }
}

fn message(subject: &str) -> Action {
    Action::MessageCustomer {
        subject: subject.into(),
        text: "Your order {order} is on its way.".into(),
        translations: Some("[de] Ihre Bestellung {order}\nSie ist unterwegs.".into()),
        channel: None,
    }
}

impl Acting {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("works");
        let settings = Settings { tombstones: Some(folder.path().join("tombstones")), ..Settings::default() };
        let systems = Systems::configured(settings).await;
        let context = Arc::clone(&systems.world.context);
        let person = Caller::trusted(Scope { actor: Actor::Operator, ..context.scope() });
        Self { _folder: folder, systems, context, person }
    }

    async fn publish(&self, content: Content) -> RuleId {
        let id = manage::create(&self.context, &self.person, content).await.expect("works");
        manage::publish(&self.context, &self.person, &id).await.expect("works");
        self.systems.advance(1).await;
        id
    }

    async fn mail(&self) -> SandboxMail {
        let mail = SandboxMail::start().await.expect("works");
        let fields = [
            ("host", "127.0.0.1".to_owned()),
            ("port", mail.port().to_string()),
            ("security", "none".to_owned()),
            ("login", mail.login().0.to_owned()),
            ("from", "Shop <shop@example.com>".to_owned()),
            ("to", "duty@example.com".to_owned()),
        ];
        let new = NewConnection {
            name: "mail".into(),
            label: "Mail".into(),
            connector: "mail".into(),
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            secret: Some(mail.login().1.to_owned().into()),
            enabled: Some(true),
            ..NewConnection::default()
        };
        connections::put(&self.context, &self.person, new).await.expect("works");
        mail
    }

    /// Effects of a target for a number that rules made, by key.
    async fn effects(&self, number: &str, target: EffectTarget) -> Vec<(String, EffectOutcome)> {
        let id = self.systems.shipment(number).await;
        let effects = self.systems.world.load(id).await.effects.into_iter();
        effects.filter(|one| one.target == target).map(|one| (one.key, one.outcome)).collect()
    }

    async fn outcome(&self, number: &str, target: EffectTarget) -> EffectOutcome {
        let effects = self.effects(number, target).await;
        assert_eq!(effects.len(), 1, "{effects:?}");
        effects.into_iter().next().expect("one").1
    }

    async fn page(&self, number: &str) -> ShipmentView {
        let id = self.systems.shipment(number).await;
        self.systems.world.ports(Role::Agent).shipments.get(id.to_string(), None).await.expect("works")
    }

    async fn titles(&self, number: &str) -> Vec<String> {
        self.page(number).await.timeline.into_iter().map(|entry| entry.title).collect()
    }

    /// The clock looks at everything that it starts, so many minutes later; some of that has nothing to do here.
    async fn ticks(&self, minutes: i64) {
        self.systems.world.leaves_jobs();
        self.systems.world.clock.advance(jiff::Span::new().minutes(minutes));
        jobs::tick(&self.context).await.expect("works");
        self.systems.world.settle().await;
    }

    /// The desk is looked at, as the clock would.
    async fn polled(&self) {
        let (context, scope) = (&self.context, self.context.scope());
        desk_poll::poll(context, scope, "desk", context.correlation(), &Discard).await.expect("works");
        self.systems.world.settle().await;
    }
}

#[tokio::test]
async fn a_case_is_added_to_and_closed_by_rules_once() {
    let acting = Acting::new().await;
    let damaged = "exception.reason == \"DAMAGED\"";
    let update = Action::UpdateCase {
        note: Some("{order} is {reason}".into()),
        tags: Some("vip, fragile".into()),
        priority: Some(Severity::Critical),
    };
    acting.publish(content("Add", Trigger::Exception, damaged, vec![update])).await;
    let close = Action::CloseCase { note: Some("Nothing to do for {order}".into()) };
    acting.publish(content("Close", Trigger::OpenFor { hours: 24 }, damaged, vec![close])).await;
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", DAMAGED).await;
    acting.systems.advance(3 * 3600).await;
    let ticket = || acting.systems.desk.tickets().remove(0);
    let said = |words: &str| ticket().texts.iter().filter(|(_, text)| text.contains(words)).count();
    assert_eq!(said("S-N1 is Damaged"), 1, "{:?}", ticket().texts);
    assert!(["vip", "fragile"].iter().all(|tag| ticket().fields["Tags"].iter().any(|had| had == tag)));
    assert_eq!(ticket().fields["Severity"], ["Critical"]);
    assert_eq!(ticket().status, "new");
    acting.systems.world.receives("N1", &[DAMAGED[0], DAMAGED[1], ("InTransit_007", "2026-03-05T09:00:00")]).await;
    assert_eq!(said("S-N1 is Damaged"), 1, "once");
    acting.ticks(25 * 60).await;
    assert_eq!((ticket().status.as_str(), said("Nothing to do for S-N1")), ("resolved", 1));
    let closed = acting.titles("N1").await;
    assert!(closed.iter().any(|title| title == "Ticket closed by a rule"), "{closed:?}");
    // the exception is open still, and what the rule decided holds
    acting.ticks(60).await;
    acting.polled().await;
    assert_eq!(ticket().status, "resolved");
    assert_eq!(acting.systems.desk.tickets().len(), 1);
    let outcomes = acting.effects("N1", EffectTarget::Case).await;
    assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, EffectOutcome::Posted(_))), "{outcomes:?}");
}

#[tokio::test]
async fn no_case_is_opened_that_no_rule_wants() {
    let acting = Acting::new().await;
    let cases: RuleId = "cases".parse().expect("an id");
    manage::pause(&acting.context, &acting.person, &cases, None).await.expect("works");
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", DAMAGED).await;
    acting.systems.world.clock.advance(jiff::Span::new().hours(3));
    acting.polled().await;
    assert!(acting.systems.desk.tickets().is_empty(), "the desk is looked at, and the rule is paused");
    let page = acting.page("N1").await;
    assert!(page.exceptions.iter().all(|exception| exception.no_ticket.is_none()), "left out on purpose");
    manage::resume(&acting.context, &acting.person, &cases).await.expect("works");
    acting.systems.world.clock.advance(jiff::Span::new().hours(2));
    acting.polled().await;
    assert_eq!(acting.systems.desk.tickets().len(), 1, "what is recent gets its case then");
}

#[tokio::test]
async fn a_rule_that_waits_opens_its_case_no_earlier() {
    let acting = Acting::new().await;
    let cases: RuleId = "cases".parse().expect("an id");
    let built_in = read::version(&acting.context, &acting.person, &cases, 0).await.expect("works");
    let waits = Content { trigger: Trigger::OpenFor { hours: 6 }, ..built_in };
    manage::save_draft(&acting.context, &acting.person, &cases, waits).await.expect("works");
    manage::publish(&acting.context, &acting.person, &cases).await.expect("works");
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", DAMAGED).await;
    acting.systems.world.clock.advance(jiff::Span::new().hours(5));
    acting.polled().await;
    assert!(acting.systems.desk.tickets().is_empty(), "critical, and not open for long enough");
    acting.systems.world.clock.advance(jiff::Span::new().hours(2));
    acting.polled().await;
    assert_eq!(acting.systems.desk.tickets().len(), 1);
}

#[tokio::test]
async fn a_queue_is_one_of_the_chosen_desk() {
    let acting = Acting::new().await;
    let open = |desk: Option<&str>, queue: &str| {
        let (desk, queue) = (desk.map(str::to_owned), Some(queue.to_owned()));
        let action = Action::OpenCase { desk, queue, grace_minutes: Some(0) };
        content("Own queue", Trigger::Change, "exception.reason == \"DAMAGED\"", vec![action])
    };
    let id = manage::create(&acting.context, &acting.person, open(Some("nowhere"), "Shipments")).await.expect("works");
    for (draft, says) in [
        (open(Some("nowhere"), "Shipments"), "there is no service desk nowhere"),
        (open(None, "Shipments"), "a queue is one of a desk"),
    ] {
        manage::save_draft(&acting.context, &acting.person, &id, draft).await.expect("works");
        let Err(UseCaseError::Invalid { message, .. }) = manage::publish(&acting.context, &acting.person, &id).await
        else {
            panic!("{says}")
        };
        assert!(message.contains(says), "{message}");
    }
    manage::save_draft(&acting.context, &acting.person, &id, open(Some("desk"), "Shipments")).await.expect("works");
    manage::publish(&acting.context, &acting.person, &id).await.expect("works");
    manage::pause(&acting.context, &acting.person, &"cases".parse().expect("an id"), None).await.expect("works");
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", DAMAGED).await;
    acting.systems.advance(60).await;
    assert_eq!(acting.systems.desk.tickets().len(), 1);
}

#[tokio::test]
async fn a_customer_is_mailed_once_in_the_own_language() {
    let acting = Acting::new().await;
    let mail = acting.mail().await;
    let rule = content("On the move", Trigger::Change, "shipment.status == \"IN_TRANSIT\"", vec![message("{order}")]);
    acting.publish(rule).await;
    for (number, language, subject) in [("N1", "en_US", "S-N1"), ("N2", "de_DE", "Ihre Bestellung S-N2")] {
        let picking = acting.systems.add_order(number);
        acting.systems.odoo.edit_linked(picking, "partner_id", "lang", json!(language));
        acting.systems.import(9).await;
        acting.systems.world.settle().await;
        acting.systems.world.receives(number, MOVING).await;
        acting.systems.world.receives(number, &[MOVING[0], ("InTransit_007", "2026-03-05T03:00:00")]).await;
        let mails: Vec<_> = mail.mails().into_iter().filter(|mail| mail.text.contains(number)).collect();
        assert_eq!(mails.len(), 1, "once: {mails:?}");
        assert_eq!(mails[0].to, [format!("orders@s-{}.sandbox.test", number.to_lowercase())]);
        assert!(mails[0].text.contains(&format!("Subject: {subject}\r\n")), "{}", mails[0].text);
        let titles = acting.titles(number).await;
        assert!(titles.contains(&format!("Message sent to customer: {subject}")), "{titles:?}");
    }
    let trail = acting.context.store.people.audit_trail(acting.person.scope(), None, 200).await.expect("works");
    assert_eq!(trail.iter().filter(|line| line.entry.action == "customer.message").count(), 2);
}

#[tokio::test]
async fn who_cannot_or_must_not_be_mailed_is_shown_and_is_no_error() {
    let acting = Acting::new().await;
    let mail = acting.mail().await;
    acting.publish(content("Lost", Trigger::Exception, "exception.reason == \"DAMAGED\"", vec![message("x")])).await;
    let order = async |number: &str| {
        let picking = acting.systems.add_order(number);
        let set = |field: &str, value| acting.systems.odoo.edit_linked(picking, "partner_id", field, value);
        match number {
            "N1" => set("email", json!(false)),
            "N2" => set("is_blacklisted", json!(true)),
            "N5" => set("email", json!("no address")),
            _ => {}
        }
        acting.systems.import(9).await;
        acting.systems.world.settle().await;
    };
    let address = "Orders@S-N3.sandbox.test ";
    message::set_wish(&acting.context, &acting.person, address, message::Wish::None).await.expect("works");
    for (number, why) in [
        ("N1", "the customer has no e-mail address in Odoo"),
        ("N2", "the customer objected to messages"),
        ("N3", "the customer objected to messages"),
        ("N4", "the customer's data was erased"),
        ("N5", "the customer's address is no mail address"),
    ] {
        order(number).await;
        if number == "N4" {
            let id = acting.systems.shipment(number).await;
            erasure::erase_customer(&acting.context, &acting.person, id, "asked for".into()).await.expect("works");
        }
        acting.systems.world.receives(number, DAMAGED).await;
        assert_eq!(acting.outcome(number, EffectTarget::Customer).await, EffectOutcome::not_possible(why), "{number}");
        let titles = acting.titles(number).await;
        assert!(titles.contains(&format!("Message not sent to customer: {why}")), "{titles:?}");
    }
    // the blacklist is asked right before: no import sees what is put there
    let picking = acting.systems.order("N7").await;
    acting.systems.odoo.edit_linked(picking, "partner_id", "is_blacklisted", json!(true));
    acting.systems.world.receives("N7", DAMAGED).await;
    let objected = EffectOutcome::not_possible("the customer objected to messages");
    assert_eq!(acting.outcome("N7", EffectTarget::Customer).await, objected);
    assert_eq!(acting.systems.dead().await, 0, "none is an error");
    assert_eq!(mail.mails(), []);
    message::set_wish(&acting.context, &acting.person, "orders@s-n6.sandbox.test", message::Wish::None)
        .await
        .expect("works");
    message::set_wish(&acting.context, &acting.person, "orders@s-n6.sandbox.test", message::Wish::AsRulesSay)
        .await
        .expect("works");
    order("N6").await;
    acting.systems.world.receives("N6", DAMAGED).await;
    assert_eq!(mail.mails().len(), 1, "who wants them again gets them");
}

#[tokio::test]
async fn a_message_goes_out_at_most_once_whatever_the_mail_server_does() {
    let acting = Acting::new().await;
    let mail = acting.mail().await;
    acting.publish(content("Moves", Trigger::Change, "true", vec![message("{number}")])).await;
    for (n, (fault, sent)) in [
        (MailFault::Greylisted, Some(1)),
        (MailFault::Busy, Some(1)),
        (MailFault::EndsAfterMessage, None),
        (MailFault::FirstRecipientRefused, Some(0)),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("N{n}");
        acting.systems.order(&number).await;
        mail.fail(fault, 1);
        acting.systems.world.receives(&number, MOVING).await;
        for _ in 0..3 {
            acting.systems.advance(1800).await;
        }
        let mails = mail.mails().into_iter().filter(|mail| mail.text.contains(&format!("s-{}", number.to_lowercase())));
        let (count, outcome) = (mails.count(), acting.outcome(&number, EffectTarget::Customer).await);
        match sent {
            Some(1) => assert!(matches!(outcome, EffectOutcome::Posted(_)) && count == 1, "{fault:?}: {outcome:?}"),
            Some(_) => {
                assert!(matches!(outcome, EffectOutcome::NotPossible(_)) && count == 0, "{fault:?}: {outcome:?}")
            }
            None => assert_eq!((outcome, count <= 1), (EffectOutcome::Uncertain, true), "{fault:?}: not sent again"),
        }
        let trail = acting.context.store.people.audit_trail(acting.person.scope(), None, 200).await.expect("works");
        let lines = trail.iter().filter(|line| line.entry.action == "customer.message").count();
        assert_eq!(lines, n + 1, "{fault:?}: a line for each message, however often it was tried");
    }
}

#[tokio::test]
async fn messages_wait_for_the_end_of_quiet_hours() {
    let acting = Acting::new().await;
    let mail = acting.mail().await;
    // the world's clock says noon
    let quiet = QuietHours { from_minute: 11 * 60, to_minute: 14 * 60, zone: "UTC".into() };
    let limits = Limits { quiet: Some(quiet), ..Limits::default() };
    acting.publish(Content { limits, ..content("Quiet", Trigger::Change, "true", vec![message("x")]) }).await;
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", MOVING).await;
    acting.systems.advance(3600).await;
    assert_eq!(mail.mails(), [], "it is quiet");
    acting.systems.advance(3600).await;
    assert_eq!(mail.mails().len(), 1);
}

/// A parcel that is late because it is silent has one ticket; where it moves again and is late still, the delay has its own.
#[tokio::test]
async fn a_delay_goes_with_what_causes_it() {
    let acting = Acting::new().await;
    // what the first import of all finds is history
    acting.systems.order("N1").await;
    acting.systems.overdue("LATE1").await;
    acting.systems.advance(3 * 24 * 3600).await;
    acting.polled().await;
    acting.systems.advance(3600).await;
    let subjects = || acting.systems.desk.tickets().into_iter().map(|ticket| ticket.subject).collect::<Vec<_>>();
    let tickets = subjects();
    assert!(tickets.len() == 1 && tickets[0].starts_with("No updates"), "{tickets:?}");
    acting.systems.world.receives("LATE1", MOVING).await;
    acting.systems.advance(2 * 3600).await;
    acting.polled().await;
    acting.systems.advance(60).await;
    let tickets = subjects();
    assert!(tickets.len() == 2 && tickets[1].starts_with("Late"), "{tickets:?}");
}

/// What a rule wanted before it was stopped is not done, and what it wanted before it was paused waits.
#[tokio::test]
async fn a_rule_that_is_stopped_or_paused_sends_nothing_that_waits() {
    let acting = Acting::new().await;
    let mail = acting.mail().await;
    let quiet = QuietHours { from_minute: 11 * 60, to_minute: 14 * 60, zone: "UTC".into() };
    let limits = Limits { quiet: Some(quiet), ..Limits::default() };
    let rule = Content { limits, ..content("Quiet", Trigger::Change, "true", vec![message("x")]) };
    acting.publish(rule).await;
    let id: RuleId = "quiet".parse().expect("an id");
    for number in ["N1", "N2"] {
        acting.systems.order(number).await;
    }
    acting.systems.world.receives("N1", MOVING).await;
    manage::pause(&acting.context, &acting.person, &id, None).await.expect("works");
    acting.systems.advance(2 * 3600).await;
    acting.systems.advance(2 * 3600).await;
    assert_eq!(mail.mails(), [], "it is paused");
    manage::resume(&acting.context, &acting.person, &id).await.expect("works");
    acting.systems.advance(3600).await;
    assert_eq!(mail.mails().len(), 1, "it was resumed");
    // the next day at noon
    acting.systems.advance(19 * 3600).await;
    acting.systems.world.receives("N2", MOVING).await;
    acting.context.rules.guard.stop(&id, "it floods".into());
    acting.context.rules.forget();
    acting.systems.advance(3 * 3600).await;
    assert_eq!(mail.mails().len(), 1, "it was stopped");
    let stopped = EffectOutcome::not_possible("the rule was stopped");
    assert_eq!(acting.outcome("N2", EffectTarget::Customer).await, stopped);
}

/// What a rule wanted at Odoo and at a desk that were away is not done once it is stopped, and waits while it is paused.
#[tokio::test]
async fn what_a_stopped_or_paused_rule_wanted_of_odoo_and_a_desk_is_not_done_when_they_are_back() {
    let acting = Acting::new().await;
    acting.systems.world.leaves_jobs();
    let then = vec![
        Action::Note { text: "Look into {order}".into() },
        Action::UpdateCase { note: Some("Call about {order}".into()), tags: None, priority: None },
    ];
    let rule = content("Look", Trigger::Exception, "exception.reason == \"DAMAGED\"", then);
    let id = acting.publish(rule).await;
    let noted =
        |picking: i64| acting.systems.odoo.notes(picking).iter().filter(|(_, text)| text.contains("Look into")).count();
    let said = || {
        let tickets = acting.systems.desk.tickets();
        tickets.iter().flat_map(|ticket| &ticket.texts).filter(|(_, text)| text.contains("Call about")).count()
    };
    let away = async |number: &str| {
        let picking = acting.systems.order(number).await;
        acting.systems.odoo.fail(None, &Fault::Error("down"), 10_000);
        acting.systems.desk.fail(None, &Fault::Error("down"), 10_000);
        acting.systems.world.receives(number, DAMAGED).await;
        picking
    };
    let back = async || {
        acting.systems.odoo.clear_faults();
        acting.systems.desk.heal();
        for _ in 0..8 {
            acting.systems.advance(1_800).await;
        }
    };
    let first = away("N1").await;
    manage::pause(&acting.context, &acting.person, &id, None).await.expect("works");
    back().await;
    let damaged = || {
        let tickets = acting.systems.desk.tickets();
        tickets.iter().filter(|ticket| ticket.subject.starts_with("Damaged")).count()
    };
    assert_eq!((noted(first), said(), damaged()), (0, 0, 1), "the shipped rules go on");
    manage::resume(&acting.context, &acting.person, &id).await.expect("works");
    back().await;
    assert_eq!((noted(first), said()), (1, 1), "it was resumed");
    let second = away("N2").await;
    acting.context.rules.guard.stop(&id, "it floods".into());
    acting.context.rules.forget();
    back().await;
    assert_eq!((noted(second), said(), damaged()), (0, 1, 2), "it was stopped");
    let stopped = EffectOutcome::not_possible("the rule was stopped");
    let own =
        |effects: Vec<(String, EffectOutcome)>| effects.into_iter().filter(|(key, _)| key.starts_with("rule/look/"));
    for target in [EffectTarget::OrderNote, EffectTarget::Case] {
        let outcomes: Vec<_> = own(acting.effects("N2", target).await).map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, std::slice::from_ref(&stopped), "{target:?}");
    }
}

#[tokio::test]
async fn a_message_needs_a_mail_channel_and_words_for_customers() {
    let acting = Acting::new().await;
    let draft = |action: Action| content("Message", Trigger::Change, "true", vec![action]);
    let id = manage::create(&acting.context, &acting.person, draft(message("x"))).await.expect("works");
    let refusal = async || match manage::publish(&acting.context, &acting.person, &id).await {
        Err(UseCaseError::Invalid { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    assert!(refusal().await.contains("connect a mail channel first"));
    let _mail = acting.mail().await;
    manage::save_draft(&acting.context, &acting.person, &id, draft(message("{status}"))).await.expect("works");
    assert!(refusal().await.contains("{status} is not for customers"));
    let event = Content { trigger: Trigger::Event, ..draft(message("x")) };
    manage::save_draft(&acting.context, &acting.person, &id, event).await.expect("works");
    assert!(refusal().await.contains("not mailed for each event"));
}

#[tokio::test]
async fn value_and_segment_come_from_odoo_and_decide() {
    let acting = Acting::new().await;
    let alert = Action::Alert { channel: None, text: "{order}".into() };
    let when = "order.value >= 1000.0 && order.currency == \"EUR\" && \"VIP\" in customer.segment";
    acting.publish(content("Large", Trigger::Change, when, vec![alert])).await;
    for (number, tag, amount, fires) in
        [("N1", "VIP", 1000.0, 1), ("N2", "VIP", 999.99, 0), ("N3", "Retail", 5000.0, 0)]
    {
        let picking = acting.systems.add_order(number);
        acting.systems.odoo.tag_customer(picking, tag);
        acting.systems.odoo.edit_linked(picking, "sale_id", "amount_total", json!(amount));
        acting.systems.import(9).await;
        acting.systems.world.settle().await;
        acting.systems.world.receives(number, MOVING).await;
        assert_eq!(acting.effects(number, EffectTarget::Alert).await.len(), fires, "{number}");
    }
    let id = acting.systems.shipment("N1").await;
    let origin = acting.systems.world.load(id).await.shipment.origin.expect("of an order");
    assert_eq!(origin.value.map(|value| value.to_string()).as_deref(), Some("1000.00 EUR"));
    assert_eq!(origin.segments.into_iter().collect::<Vec<_>>(), ["VIP"]);
}

#[tokio::test]
async fn rules_that_the_clock_starts_act_by_its_time() {
    let acting = Acting::new().await;
    let alert = || Action::Alert { channel: None, text: "{number}".into() };
    let slow = "shipment.hours_without_update > 12.0";
    acting.publish(content("Slow", Trigger::Every { minutes: 60 }, slow, vec![alert()])).await;
    let damaged = "exception.reason == \"DAMAGED\"";
    acting.publish(content("Long", Trigger::OpenFor { hours: 48 }, damaged, vec![alert()])).await;
    acting.systems.world.leaves_jobs();
    for number in ["N1", "N2"] {
        acting.systems.order(number).await;
    }
    acting.systems.world.receives("N1", MOVING).await;
    acting.systems.world.receives("N2", DAMAGED).await;
    let alerts = async |number: &str, rule: &str| {
        let begins = format!("rule/{rule}/");
        let effects = acting.effects(number, EffectTarget::Alert).await;
        effects.iter().filter(|(key, _)| key.starts_with(&begins)).count()
    };
    for _ in 0..6 {
        acting.ticks(60).await;
    }
    assert_eq!((alerts("N1", "slow").await, alerts("N2", "long").await), (0, 0), "too early");
    for _ in 0..8 {
        acting.ticks(60).await;
    }
    assert_eq!((alerts("N1", "slow").await, alerts("N2", "long").await), (1, 0));
    for _ in 0..40 {
        acting.ticks(60).await;
    }
    assert_eq!((alerts("N1", "slow").await, alerts("N2", "long").await), (1, 1), "each once");
}

#[tokio::test]
async fn a_claim_an_invoice_and_a_return_are_made_when_a_rule_looks() {
    let acting = Acting::new().await;
    let damaged = "exception.reason == \"DAMAGED\"";
    let then = vec![Action::RaiseClaim, Action::CreateReturn];
    acting.publish(content("Damaged", Trigger::Exception, damaged, then)).await;
    let terms = Some(Terms { how: Invoicing::Draft, on: InvoiceOn::Delivered, of: InvoiceFor::Order });
    let delivered = "event.milestone == \"DELIVERED\" && order.value < 5000.0";
    acting.publish(content("Invoice small orders", Trigger::Event, delivered, vec![Action::Invoice { terms }])).await;
    let left = |picking: i64| acting.systems.odoo.edit(picking, "state", json!("done"));
    let broken = acting.systems.order("N1").await;
    left(broken);
    acting.systems.world.receives("N1", DAMAGED).await;
    acting.systems.advance(120).await;
    let EffectOutcome::Posted(claim) = acting.outcome("N1", EffectTarget::Claim).await else { panic!("a claim") };
    assert_eq!(claim, "CL-0001");
    let made = acting.outcome("N1", EffectTarget::OrderReturn).await;
    assert!(made.name().is_some(), "a return in Odoo, whatever the connection says: {made:?}");
    let whole = acting.systems.order("N2").await;
    left(whole);
    acting.systems.odoo.edit_linked(whole, "sale_id", "invoice_status", json!("to invoice"));
    acting.systems.world.receives("N2", DELIVERED).await;
    acting.systems.advance(120).await;
    let made = acting.outcome("N2", EffectTarget::OrderInvoice).await;
    assert!(made.name().is_some(), "an invoice in Odoo, though the connection has none made: {made:?}");
}

#[tokio::test]
async fn an_exception_that_grows_more_severe_is_asked_about_and_ranked_again_once() {
    let acting = Acting::new().await;
    acting.systems.order("N1").await;
    acting.systems.world.receives("N1", &[MOVING[0], ("Exception_016", "2026-03-05T08:00:00")]).await;
    let severity = async || {
        let id = acting.systems.shipment("N1").await;
        let all = acting.systems.world.load(id).await.exceptions.into_iter();
        all.filter(|one| one.reason == ExceptionReason::DelayCarrier).map(|one| one.severity).next()
    };
    let ranks = || acting.systems.desk.tickets().iter().map(|one| one.fields["Severity"].concat()).collect::<Vec<_>>();
    assert_eq!(severity().await, Some(Severity::Minor));
    acting.systems.world.leaves_jobs();
    for _ in 0..30 {
        acting.ticks(60).await;
    }
    assert_eq!(ranks(), ["Minor"]);
    for _ in 0..(8 * 24) {
        acting.ticks(60).await;
    }
    assert_eq!(severity().await, Some(Severity::Major), "by its age");
    assert_eq!(ranks().first().map(String::as_str), Some("Major"), "the ticket goes by it");
    let activities = acting.effects("N1", EffectTarget::OrderActivity).await;
    let asked: Vec<_> = activities.iter().filter(|(key, _)| key.ends_with("/MAJOR")).collect();
    assert!(matches!(&asked[..], [(_, EffectOutcome::Posted(_))]), "{activities:?}");
}
