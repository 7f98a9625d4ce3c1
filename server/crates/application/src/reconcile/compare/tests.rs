use super::*;
use domain::{
    Direction,
    fold::{FoldInput, Folded, Plan},
    ids::{CaseId, ExceptionId, ShipmentId, TrackerId},
};
use odoo::{Customer, OrderKind};
use std::collections::{BTreeMap, BTreeSet};
use storage::rollups::Stored;
use storage::{orders::OriginStanding, shipments::ShipmentRecord, work::CaseRecord};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-03-05T12:00:00Z")
}

fn number(number: &str, carrier: &str) -> NumberRecord {
    NumberRecord {
        tracker: TrackerId(Uuid::from_u128(1)),
        number: number.into(),
        carrier: Some(carrier.into()),
        carrier_label: Some(carrier.to_uppercase()),
        piece: None,
    }
}

fn loaded(state: State, number_of: &str, carrier: &str) -> Loaded {
    let folded = Folded { state, ..Folded::default() };
    let shipment = ShipmentRecord {
        id: ShipmentId(Uuid::from_u128(1)),
        revision: 1,
        origin: None,
        standing: OriginStanding::Open,
        numbers: vec![number(number_of, carrier)],
        destination: None,
        plan: Plan::default(),
        folded,
        written: None,
        written_at: None,
        sandbox: false,
        created_at: now(),
        updated_at: now(),
        merged_into: None,
    };
    Loaded {
        shipment,
        input: FoldInput::default(),
        bound_last: BTreeMap::new(),
        bound_at: BTreeMap::new(),
        exceptions: Vec::new(),
        effects: Vec::new(),
        cases: Vec::new(),
        contributed: Stored::default(),
    }
}

fn delivery(numbers: &[&str]) -> Delivery {
    Delivery {
        id: 7,
        name: "WH/OUT/00007".into(),
        direction: Direction::Outbound,
        state: DeliveryState::Open,
        company: None,
        origin: None,
        return_of: None,
        backorder_of: None,
        order_kind: OrderKind::Sale,
        order_id: Some(1),
        order_name: Some("S1".into()),
        value: None,
        segments: BTreeSet::new(),
        carrier: None,
        tracking_numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
        ship_by: None,
        promised_by: None,
        shipped_at: None,
        received_at: None,
        stock: None,
        write_date: Some(at("2026-03-05T10:00:00Z")),
        customer_id: None,
        customer: Customer::default(),
        problems: Vec::new(),
        unread: BTreeSet::new(),
        wanted: true,
    }
}

fn numbers_in(delivery: &Delivery) -> Vec<(String, Option<String>)> {
    delivery.tracking_numbers.iter().map(|raw| (raw.clone(), Some("dhl".to_owned()))).collect()
}

type Expected<'a> = &'a [(Topic, Cause, Fix)];

/// What differs, where these are the same otherwise.
struct Case {
    loaded: Loaded,
    delivery: Delivery,
    event_at: Option<Timestamp>,
    booked: Vec<String>,
    changed: Vec<Changed>,
    was_written: bool,
    contested: bool,
    delivery_state: Option<Both>,
    scheduled: Option<(Timestamp, Timestamp)>,
    order: Option<OrderShows>,
    invoice: Option<&'static str>,
    updates: Updates,
}

impl Case {
    fn new(state: State) -> Self {
        Self {
            loaded: loaded(state, "ABC0000001", "dhl"),
            delivery: delivery(&["ABC0000001"]),
            event_at: None,
            booked: Vec::new(),
            changed: Vec::new(),
            was_written: false,
            contested: false,
            delivery_state: None,
            scheduled: None,
            order: None,
            invoice: None,
            updates: Updates::default(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn side<T>(&self, there: There<'_>, then: impl FnOnce(Side<'_>) -> T) -> T {
        let numbers = numbers_in(&self.delivery);
        then(Side {
            loaded: &self.loaded,
            there,
            event_at: self.event_at,
            numbers: &numbers,
            booked: &self.booked,
            changed: &self.changed,
            was_written: self.was_written,
            contested: self.contested,
            delivery_state: self.delivery_state.as_ref(),
            scheduled: self.scheduled,
            order: self.order.as_ref(),
            invoice: self.invoice,
            updates: self.updates,
            now: now(),
        })
    }

    fn drafts(&self) -> Vec<Draft> {
        self.side(There::Delivery(&self.delivery), |side| side.differences())
    }
}

#[track_caller]
fn check(case: &Case, expected: Expected<'_>) {
    let found: Vec<_> = case.drafts().iter().map(|draft| (draft.topic, draft.cause, draft.fix)).collect();
    assert_eq!(found, expected);
}

fn changed(field: &str, shows: Option<&str>, written: Option<&str>) -> Changed {
    Changed { field: field.into(), shows: shows.map(str::to_owned), written: written.map(str::to_owned) }
}

const WAITS: Updates = Updates { waits: true, failed: false };
const FAILED: Updates = Updates { waits: false, failed: true };

#[test]
fn what_agrees_does_not_differ() {
    check(&Case::new(State::InTransit), &[]);
    // done in Odoo when it left, as it was read
    check(
        &Case::new(State::Delivered).with(|case| {
            case.delivery.state = DeliveryState::Done;
            case.loaded.shipment.plan.standing = DeliveryStanding::Done;
        }),
        &[],
    );
}

#[test]
fn what_odoo_owns_is_taken_from_there() {
    let read_later = |topic| (topic, Cause::NotImported, Fix::TakeFromOdoo);
    let case = || Case::new(State::InTransit);
    check(&case().with(|case| case.delivery = delivery(&["XYZ0000002"])), &[read_later(Topic::Number)]);
    check(&case().with(|case| case.delivery = delivery(&[])), &[read_later(Topic::Number)]);
    check(&case().with(|case| case.loaded.shipment.numbers.clear()), &[read_later(Topic::Number)]);
    check(&case().with(|case| case.delivery = delivery(&["abc 0000001"])), &[]);
    let promised = at("2026-03-09T12:00:00Z");
    check(&case().with(|case| case.delivery.promised_by = Some(promised)), &[read_later(Topic::Promised)]);
    check(
        &case().with(|case| {
            case.delivery.promised_by = Some(promised);
            case.loaded.shipment.plan.promised_by = Some(promised);
            case.loaded.shipment.plan.promise = Some(PromiseSource::Commitment);
        }),
        &[],
    );
    // what a rule promised is not Odoo's
    check(
        &case().with(|case| {
            case.loaded.shipment.plan.promised_by = Some(promised);
            case.loaded.shipment.plan.promise = Some(PromiseSource::Rule { name: "two days".into() });
        }),
        &[],
    );
    // an order that cannot be read retracts nothing
    check(
        &case().with(|case| {
            case.delivery.unread = [UnreadPart::Order].into();
            case.loaded.shipment.plan.promised_by = Some(promised);
            case.loaded.shipment.plan.promise = Some(PromiseSource::Commitment);
        }),
        &[],
    );
    check(&case().with(|case| case.delivery.state = DeliveryState::Done), &[read_later(Topic::Standing)]);
    // the next import reads it
    let lately = now() - SignedDuration::from_secs(30);
    check(
        &case().with(|case| {
            case.delivery = delivery(&["XYZ0000002"]);
            case.delivery.write_date = Some(lately);
        }),
        &[],
    );
}

#[test]
fn goods_and_transfer_that_do_not_fit_are_for_a_person() {
    check(&Case::new(State::Delivered), &[(Topic::Transfer, Cause::NotValidated, Fix::Decide)]);
    let cancelled = |state| {
        Case::new(state).with(|case| {
            case.delivery.state = DeliveryState::Cancelled;
            case.loaded.shipment.plan.standing = DeliveryStanding::Cancelled;
        })
    };
    check(&cancelled(State::OutForDelivery), &[(Topic::Cancelled, Cause::EditedInOdoo, Fix::Decide)]);
    for quiet in [State::Registered, State::Cancelled, State::Delivered] {
        check(&cancelled(quiet), &[]);
    }
}

#[test]
fn a_delivery_that_is_gone_or_unreadable_is_said() {
    let case = |standing, state| Case::new(state).with(|case| case.loaded.shipment.plan.standing = standing);
    let gone = |case: &Case| {
        let drafts = case.side(There::Gone, |side| side.differences());
        drafts.iter().map(|draft| (draft.topic, draft.cause, draft.fix)).collect::<Vec<_>>()
    };
    let open = case(DeliveryStanding::Open, State::InTransit);
    assert_eq!(gone(&open), [(Topic::Gone, Cause::NotImported, Fix::TakeFromOdoo)]);
    let deleted = case(DeliveryStanding::Deleted, State::InTransit);
    assert_eq!(gone(&deleted), [(Topic::Gone, Cause::DeletedInOdoo, Fix::Decide)]);
    assert_eq!(gone(&case(DeliveryStanding::Deleted, State::Delivered)), []);
    let unreadable = open.side(There::Unreadable, |side| side.differences());
    assert_eq!((unreadable[0].topic, unreadable[0].cause), (Topic::Standing, Cause::Unreadable));
}

#[test]
fn our_own_fields_say_why_they_differ() {
    let case = |updates, was_written, contested| {
        Case::new(State::InTransit).with(|case| {
            case.changed = vec![changed("x_milepost_status", Some("DELIVERED"), Some("IN_TRANSIT"))];
            (case.updates, case.was_written, case.contested) = (updates, was_written, contested);
        })
    };
    for (updates, was_written, contested, cause, fix) in [
        (Updates::default(), true, false, Cause::EditedInOdoo, Fix::UpdateOdoo),
        (Updates::default(), true, true, Cause::Contested, Fix::UpdateOdoo),
        (Updates::default(), false, false, Cause::NotSent, Fix::UpdateOdoo),
        (WAITS, true, false, Cause::Queued, Fix::Wait),
        (WAITS, false, true, Cause::Queued, Fix::Wait),
        (FAILED, false, false, Cause::Refused, Fix::UpdateOdoo),
        // an update that failed before the last one is no reason
        (FAILED, true, false, Cause::EditedInOdoo, Fix::UpdateOdoo),
    ] {
        check(&case(updates, was_written, contested), &[(Topic::Status, cause, fix)]);
    }
}

#[test]
fn a_field_is_one_topic_and_foreign_words_are_not_kept() {
    let case = Case::new(State::InTransit).with(|case| {
        case.was_written = true;
        case.changed = vec![
            changed("x_milepost_url", Some("https://elsewhere"), Some("https://here")),
            changed("x_milepost_exception", Some("call Jane"), Some("Damaged")),
            changed("x_milepost_eta", Some("2026-03-06 09:00:00"), None),
            changed("x_milepost_status", Some("On holiday"), Some("IN_TRANSIT")),
        ];
    });
    let said: Vec<_> = case.drafts().into_iter().map(|draft| (draft.topic, draft.odoo.what, draft.ours.what)).collect();
    assert_eq!(
        said,
        [
            (Topic::Status, words("another text"), What::State(State::InTransit)),
            (Topic::Eta, What::At(at("2026-03-06T09:00:00Z")), What::Nothing),
            (Topic::Exception, words("another text"), words("Damaged")),
        ]
    );
    let alone = Case::new(State::InTransit).with(|case| {
        case.changed =
            vec![changed("x_milepost_url", None, Some("a")), changed("x_milepost_last_event", None, Some("b"))];
    });
    check(&alone, &[(Topic::Details, Cause::NotSent, Fix::UpdateOdoo)]);
}

/// With a last event at this time.
fn reported(case: &mut Case, when: &str) {
    case.event_at = Some(at(when));
}

#[test]
fn a_persons_delivery_state_holds_until_a_newer_event() {
    let case = |event: &str| {
        Case::new(State::InTransit).with(|case| {
            let shows = Some("incident".to_owned());
            case.delivery_state = Some(Both { shows, ours: "in_transit".into() });
            reported(case, event);
        })
    };
    // the delivery was written at 10:00
    let held = case("2026-03-05T09:00:00Z");
    check(&held, &[(Topic::DeliveryState, Cause::EditedInOdoo, Fix::Decide)]);
    let newer = case("2026-03-05T11:00:00Z");
    check(&newer, &[(Topic::DeliveryState, Cause::NotSent, Fix::UpdateOdoo)]);
    let queued = case("2026-03-05T09:00:00Z").with(|case| case.updates = WAITS);
    check(&queued, &[(Topic::DeliveryState, Cause::Queued, Fix::Wait)]);
    let same = case("2026-03-05T09:00:00Z")
        .with(|case| case.delivery_state = Some(Both { shows: Some("in_transit".into()), ours: "in_transit".into() }));
    check(&same, &[]);
}

#[test]
fn another_carrier_than_the_number_shows_is_for_a_person() {
    let ups = "1Z999AA10123456784";
    let case = |method: &str| {
        Case::new(State::InTransit).with(|case| {
            case.loaded = loaded(State::InTransit, ups, "ups");
            case.delivery = delivery(&[ups]);
            case.delivery.carrier = Some(method.to_owned());
        })
    };
    check(&case("DHL"), &[]);
    let moved = case("DHL").with(|case| reported(case, "2026-03-05T09:00:00Z"));
    check(&moved, &[(Topic::Carrier, Cause::OtherCarrier, Fix::Decide)]);
    // Milepost booked this label, and another one before
    let own = |numbers: &[&str]| {
        case("DHL").with(|case| {
            reported(case, "2026-03-05T09:00:00Z");
            case.booked = numbers.iter().map(|number| (*number).to_owned()).collect();
        })
    };
    check(&own(&["1Z9999999999999999", ups]), &[]);
    check(&own(&["1Z9999999999999999"]), &[(Topic::Carrier, Cause::OtherCarrier, Fix::Decide)]);
    for agreeing in ["UPS", "Our own van"] {
        check(&case(agreeing).with(|case| reported(case, "2026-03-05T09:00:00Z")), &[]);
    }
}

#[test]
fn a_receipt_on_another_day_and_an_order_without_an_invoice() {
    let scheduled = at("2026-03-06T09:00:00Z");
    for (eta, expected) in [
        ("2026-03-06T20:00:00Z", &[][..]),
        ("2026-03-08T09:00:00Z", &[(Topic::Scheduled, Cause::Rescheduled, Fix::Decide)][..]),
    ] {
        check(&Case::new(State::InTransit).with(|case| case.scheduled = Some((scheduled, at(eta)))), expected);
    }
    let delivered = |invoice, updates| {
        Case::new(State::Delivered).with(|case| {
            case.delivery.state = DeliveryState::Done;
            case.loaded.shipment.plan.standing = DeliveryStanding::Done;
            (case.invoice, case.updates) = (Some(invoice), updates);
        })
    };
    check(&delivered("to invoice", Updates::default()), &[(Topic::Invoice, Cause::NotInvoiced, Fix::Decide)]);
    check(&delivered("to invoice", WAITS), &[(Topic::Invoice, Cause::Queued, Fix::Wait)]);
    check(&delivered("to invoice", FAILED), &[(Topic::Invoice, Cause::Refused, Fix::Decide)]);
    check(&delivered("invoiced", Updates::default()), &[]);
}

fn case_record(status: CaseStatus) -> CaseRecord {
    CaseRecord {
        id: CaseId(Uuid::from_u128(1)),
        exception: ExceptionId(Uuid::from_u128(2)),
        shipment: ShipmentId(Uuid::from_u128(1)),
        desk: "desk".into(),
        external_key: "key".into(),
        number: Some("17".into()),
        url: None,
        status,
        opened_at: at("2026-03-05T11:00:00Z"),
        resolved_at: None,
        notes: Vec::new(),
        closed_by: None,
        follows: None,
        seen: None,
        ticket: storage::work::TicketFacts::default(),
        revision: 1,
    }
}

fn exception(closed: bool) -> ExceptionRecord {
    use domain::{Party, Severity, fold::Resolution};
    ExceptionRecord {
        id: ExceptionId(Uuid::from_u128(2)),
        shipment: ShipmentId(Uuid::from_u128(1)),
        reason: ExceptionReason::ALL[0],
        piece: None,
        severity: Severity::Major,
        responsible: Party::Carrier,
        opened_at: now(),
        recorded_at: now(),
        closed: closed.then(|| (now(), Resolution::Delivered)),
        closed_recorded_at: closed.then(now),
        evidence: Vec::new(),
        owner: None,
        team: None,
        acknowledged_at: None,
        snoozed_until: None,
        due_at: now(),
        withheld: false,
    }
}

#[test]
fn a_ticket_and_its_exception_that_do_not_fit() {
    let closed_note = |mut case: CaseRecord| {
        case.notes.push("closed/2".into());
        case
    };
    let by_agent = |mut case: CaseRecord| {
        case.closed_by = Some(storage::cases::Agent { name: None });
        case
    };
    let earlier = |mut case: CaseRecord, minutes: i64| {
        case.opened_at = now() - SignedDuration::from_mins(minutes);
        case
    };
    let open = || case_record(CaseStatus::Open);
    for (case, over, updates, expected) in [
        (open(), false, Updates::default(), None),
        (open(), true, Updates::default(), Some((Topic::TicketOpen, Cause::NotSent, Fix::UpdateTicket))),
        (open(), true, WAITS, Some((Topic::TicketOpen, Cause::Queued, Fix::Wait))),
        (open(), true, FAILED, Some((Topic::TicketOpen, Cause::DeskRefused, Fix::UpdateTicket))),
        (closed_note(open()), true, Updates::default(), Some((Topic::TicketOpen, Cause::ByAgent, Fix::Decide))),
        (case_record(CaseStatus::Resolved), true, Updates::default(), None),
        (
            by_agent(case_record(CaseStatus::Resolved)),
            false,
            Updates::default(),
            Some((Topic::TicketClosed, Cause::ByAgent, Fix::Decide)),
        ),
        (case_record(CaseStatus::Deleted), false, WAITS, Some((Topic::TicketClosed, Cause::ByAgent, Fix::Decide))),
        (earlier(case_record(CaseStatus::Pending), 5), false, Updates::default(), None),
        (
            earlier(case_record(CaseStatus::Pending), 20),
            false,
            FAILED,
            Some((Topic::TicketMissing, Cause::DeskRefused, Fix::UpdateTicket)),
        ),
    ] {
        assert_eq!(ticket(&case, Some(&exception(over)), updates, now()), expected, "{case:?} {over}");
    }
}
