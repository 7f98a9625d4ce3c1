//! What a rule of a person's own does, and how often.

use super::*;

#[test]
fn what_is_over_starts_nothing() {
    let lost = "exception.reason == \"DAMAGED\"";
    let rules = [own(Trigger::Change, lost, vec![alert()]), own(Trigger::Every { minutes: 60 }, lost, vec![alert()])];
    let with = |committed| Given { committed: vec![committed], ..live() };
    let over = CommittedException { closed: Some((ago(1), Resolution::Progress)), ..committed(7, &[1]) };
    assert_eq!(with(over).effects(&rules), []);
    assert_eq!(with(committed(7, &[1])).effects(&rules).len(), 2, "one that is open does");
}

#[test]
fn an_action_stays_the_same_one_wherever_it_stands_in_the_rule() {
    let note = |text: &str| Action::Note { text: text.into() };
    let keys = |then: Vec<Action>| -> BTreeSet<String> {
        live().effects(&[own(Trigger::Change, "true", then)]).into_iter().map(|(_, key, _)| key).collect()
    };
    let before = keys(vec![note("a"), alert(), note("b")]);
    let message =
        || Action::MessageCustomer { subject: "x".into(), text: "x".into(), translations: None, channel: None };
    for later in [
        vec![message(), note("a"), alert(), note("b")],
        vec![note("a"), note("b"), alert(), message()],
        vec![alert(), note("a"), message(), note("b")],
    ] {
        let added: Vec<_> = keys(later).difference(&before).cloned().collect();
        assert_eq!(added, ["rule/own/shipment/message_customer/0"], "nothing is done again");
    }
}

#[test]
fn order_value_and_customer_segment_are_asked_for() {
    for (when, met) in [
        ("order.value > 1000.0 && order.currency == \"EUR\"", true),
        ("order.value > 1250.5", false),
        ("\"VIP\" in customer.segment", true),
        ("!(\"Retail\" in customer.segment)", true),
        ("\"Retail\" in customer.segment", false),
    ] {
        assert_eq!(live().effects(&[own(Trigger::Change, when, vec![alert()])]).len(), usize::from(met), "{when}");
    }
}

#[test]
fn invoices_and_returns_are_wanted_whenever_a_rule_looks_and_once() {
    let terms = Some(Terms { how: Invoicing::Draft, on: InvoiceOn::Delivered, of: InvoiceFor::Order });
    let then = vec![Action::Invoice { terms }, Action::CreateReturn];
    let steps = |given: &Given, trigger| -> Vec<(EffectTarget, String)> {
        let effects = given.effects(&[own(trigger, "shipment.status == \"IN_TRANSIT\"", then.clone())]);
        effects.into_iter().map(|(target, key, _)| (target, key)).collect()
    };
    let both = vec![(EffectTarget::OrderInvoice, "1".to_owned()), (EffectTarget::OrderReturn, "1".to_owned())];
    assert_eq!(steps(&live(), Trigger::Event), both);
    assert_eq!(steps(&live(), Trigger::Every { minutes: 60 }), both);
    assert_eq!(steps(&live(), Trigger::Change), [], "only the change that leads to them");
    for cause in &CAUSES[1..] {
        assert_eq!(steps(&Given { cause: *cause, ..live() }, Trigger::Event), [], "{cause:?}");
    }
}

#[test]
fn cases_are_changed_by_exception_or_all_that_a_shipment_has() {
    let other = ExceptionId(Uuid::from_u128(8));
    let then = vec![
        Action::UpdateCase { note: Some("{reason}".into()), tags: None, priority: None },
        Action::CloseCase { note: None },
    ];
    let changes = |given: &Given, trigger, when: &str| -> Vec<(String, Option<ExceptionId>)> {
        let all = given.intents(&[own(trigger, when, then.clone())]).into_iter();
        all.filter_map(|intent| match intent {
            Intent::Effect { target: EffectTarget::Case, key, body: EffectBody::ByRule { exception, .. }, .. } => {
                Some((key, exception))
            }
            _ => None,
        })
        .collect()
    };
    let opened = Given { facts: vec![fact(1, 0, 0)], exceptions: vec![open(exception(0, &[1]))], ..Given::default() };
    let own_key = |what: &str| format!("rule/own/{}/{what}/0", exception_key(EXCEPTION));
    assert_eq!(
        changes(&opened, Trigger::Exception, "exception.reason == \"DAMAGED\""),
        [(own_key("update_case"), Some(EXCEPTION)), (own_key("close_case"), Some(EXCEPTION))]
    );
    let with_cases = Given { cases: vec![EXCEPTION, other], ..live() };
    let changed = changes(&with_cases, Trigger::Change, "true");
    assert_eq!(changed.len(), 4, "each case, each action: {changed:?}");
    assert_eq!(changed.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len(), 4);
    assert_eq!(changes(&live(), Trigger::Change, "true"), [], "it has none");
}

#[test]
fn an_exception_that_grows_more_severe_is_asked_about_again_once() {
    let minor = CommittedException { severity: Severity::Minor, ..committed(DAY, &[1]) };
    let grows = |severity| vec![keep(FoldedException { severity, ..exception(DAY, &[1]) })];
    let given = |cause, severity| Given {
        cause,
        facts: vec![fact(1, DAY, DAY)],
        committed: vec![minor.clone()],
        exceptions: grows(severity),
        ..Given::default()
    };
    let asked = |given: &Given| -> Vec<(String, EffectOutcome)> {
        let effects = given.effects(&shipped_rules()).into_iter();
        effects.filter(|(target, ..)| *target == EffectTarget::OrderActivity).map(|(_, key, how)| (key, how)).collect()
    };
    let key = |severity: Severity| format!("{}/{}", exception_key(EXCEPTION), severity.code());
    for severity in [Severity::Major, Severity::Critical] {
        assert_eq!(asked(&given(Cause::Live, severity)), [(key(severity), EffectOutcome::Pending)]);
        assert_eq!(
            given(Cause::Live, severity).cases().first(),
            Some(&(EXCEPTION, now(), true)),
            "and it gets its case"
        );
    }
    assert_eq!(asked(&given(Cause::Replay, Severity::Critical)), [], "a replay announces nothing");
    assert_eq!(asked(&given(Cause::Live, Severity::Minor)), [], "it is as it was");
    let history = Given {
        committed: vec![CommittedException { withheld: true, ..minor.clone() }],
        ..given(Cause::Live, Severity::Critical)
    };
    assert!(asked(&history).iter().all(|(key, _)| !key.ends_with("CRITICAL")), "what is history stays so");
}

#[test]
fn a_division_by_nothing_is_no_number() {
    let attempts = "shipment.hours_in_status / (shipment.attempts - shipment.attempts)";
    for (when, fails) in [
        (format!("{attempts} > 1.0"), true),
        (format!("{attempts} < 1.0 || shipment.pieces > 9.0"), true),
        (format!("shipment.attempts > 5.0 && {attempts} > 1.0"), false),
        (format!("shipment.pieces == 1.0 || {attempts} > 1.0"), false),
        ("shipment.hours_in_status / shipment.pieces >= 0.0".to_owned(), false),
    ] {
        let outcome = live().outcome(&[own(Trigger::Change, &when, vec![alert()])], Steps::default());
        let why: Vec<_> = outcome.failed.iter().map(|failed| failed.why.as_str()).collect();
        assert_eq!(why, if fails { vec!["it divides by 0"] } else { vec![] }, "{when}");
    }
}
