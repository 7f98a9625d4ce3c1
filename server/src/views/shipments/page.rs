//! The page of a shipment: where it is on its way and why, its exceptions and cases.

use super::{list, timeline};
use crate::views::{
    locale::locale,
    named,
    times::Times,
    words::{no_ticket, question, resolution, sentence, ticket_status},
};
use app::contract::bookings::BookingsView;
use app::contract::shipments::{
    CaseView, CustomerView, ExceptionView, NumberView, OursView, ProofView, Reason, SameNumberView, ShipmentView,
    Standing, Step, StepStanding,
};
use application::{
    cases::agents::Ticket,
    learned::expect::Ours,
    tracking::read::{Moment, ShownCustomer, ShownException, ShownProof, ShownShipment},
};
use domain::{
    Milestone, State,
    fold::{self, Standing as FactStanding},
    progress,
};
use jiff::Timestamp;
use std::cmp::Reverse;
use storage::bookings::BookingRecord;

pub(super) fn view(shown: &ShownShipment, bookings: &[BookingRecord], times: &Times) -> ShipmentView {
    let mut exceptions: Vec<_> = shown.exceptions.iter().map(|e| exception(shown, e, times)).collect();
    exceptions.sort_by_key(|e| (e.closed.is_some(), Reverse(e.severity)));
    let numbers = shown.record.numbers.iter();
    ShipmentView {
        row: list::row(shown.row.clone(), times),
        revision: shown.record.revision,
        numbers: numbers.map(|n| NumberView { number: n.number.clone(), carrier: n.carrier_label.clone() }).collect(),
        pieces: shown.folded.pieces.iter().map(|(piece, state)| (piece.clone(), *state)).collect(),
        steps: steps(shown, times),
        timeline: timeline::entries(shown, bookings, times),
        why: why(shown, times),
        facts: shown.facts.len(),
        hash: shown.folded.hash.clone(),
        anomalies: anomalies(shown),
        exceptions,
        unknown: None,
        ours: shown.ours.as_ref().map(|of| ours(of, times)),
        order_url: shown.record.origin.as_ref().and_then(|o| o.url.clone()),
        follows: follows(shown),
        customer: shown.customer.clone().map(|of| customer(of, times.now)),
        proofs: shown.proofs.iter().map(|proof| proof_view(proof, times)).collect(),
        unread_deliveries: shown.unread_deliveries,
        cases: shown.tickets.iter().map(|ticket| case(ticket, times)).collect(),
        bookings: BookingsView::default(),
        claims: Vec::new(),
        same_number: same_number(shown),
        as_known_at: shown.as_of.map(|at| times.dated(at)),
        moments: shown.moments.iter().map(|moment| moment_view(moment, times)).collect(),
    }
}

/// The transfers that a return or a backorder follows.
/// Our own words beside the carrier's.
fn ours(of: &Ours, times: &Times) -> OursView {
    OursView {
        p50: times.clock_or_date(of.estimate.p50),
        p80: times.clock_or_date(of.estimate.p80),
        basis: of.estimate.basis.clone(),
        late: of.late.clone(),
    }
}

fn follows(shown: &ShownShipment) -> Vec<(String, String)> {
    let transfer = shown.record.origin.as_ref().map(|origin| origin.transfer.clone()).unwrap_or_default();
    let named = [("Return of", transfer.return_of), ("Backorder of", transfer.backorder_of)];
    named.into_iter().filter_map(|(how, transfer)| Some((how.to_owned(), transfer?))).collect()
}

/// The way in steps, with what was reached and what is expected.
fn steps(shown: &ShownShipment, times: &Times) -> Vec<Step> {
    let state = shown.folded.state;
    let step = |step: &progress::Step| {
        let standing = match step.standing {
            progress::StepStanding::Reached => StepStanding::Done,
            progress::StepStanding::Current if shown.in_trouble => StepStanding::Trouble,
            progress::StepStanding::Current => StepStanding::Here,
            progress::StepStanding::Skipped => StepStanding::Skipped,
            progress::StepStanding::Ahead => StepStanding::Todo,
        };
        let expects = step.state == State::Delivered && state.awaits_delivery();
        let expected = shown.folded.eta.as_ref().filter(|_| expects);
        let (at, estimated) = match standing {
            StepStanding::Skipped => (None, false),
            StepStanding::Todo => (expected, true),
            _ => (step.at.as_ref(), false),
        };
        Step { label: step.state.label().into(), at: at.map(|at| times.event(at)), estimated, standing }
    };
    shown.steps.iter().map(step).collect()
}

/// The deciding fact first, then what lies over the state, what lost, what counts.
fn why(shown: &ShownShipment, times: &Times) -> Vec<Reason> {
    const SHOWN: usize = 12;
    let reason = |verdict: &fold::Verdict| {
        let fact = shown.facts.iter().find(|fact| fact.id == verdict.fact)?;
        let (order, standing) = match verdict.standing {
            FactStanding::Decides => (0, Standing::Decides),
            FactStanding::Overlay => (1, Standing::Overlay),
            FactStanding::Counts => (3, Standing::Counts),
            // it happened, only earlier or less far on
            FactStanding::Overruled => (2, Standing::Counts),
            _ => (2, Standing::Lost),
        };
        let place = named::place(&fact.observation).map(|place| format!(", {place}")).unwrap_or_default();
        let title = if fact.reading.milestone == Milestone::Info {
            named::exceptions(&fact.reading).map_or_else(|| fact.observation.codes.raw.clone(), |(_, labels)| labels)
        } else {
            named::title(&fact.observation, &fact.reading)
        };
        let reason = Reason {
            title,
            detail: format!("{place}, {}", times.event(&fact.observation.time).shown),
            because: verdict.because.clone(),
            rule: format!("{:?}", verdict.rule),
            standing,
        };
        Some((order, fact.observation.time.sort_key(), reason))
    };
    let mut reasons: Vec<(u8, Option<Timestamp>, Reason)> = shown.folded.verdicts.iter().filter_map(reason).collect();
    reasons.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
    let by_events = reasons.into_iter().map(|(.., reason)| reason);
    received(shown, times).into_iter().chain(by_events).take(SHOWN).collect()
}

/// The receipt, where no carrier reports how it ended.
fn received(shown: &ShownShipment, times: &Times) -> Option<Reason> {
    let arrived = shown.folded.state == State::Delivered && shown.folded.decided_by.is_none();
    let at = shown.record.plan.received_at.filter(|_| arrived)?;
    Some(Reason {
        title: "Received in Odoo".into(),
        detail: format!(", {}", times.ago(at).shown),
        because: "The receipt was validated; no carrier reports another end.".into(),
        rule: "R5".into(),
        standing: Standing::Decides,
    })
}

fn exception(shown: &ShownShipment, exception: &ShownException, times: &Times) -> ExceptionView {
    let e = &exception.record;
    let ticket = shown.tickets.iter().find(|ticket| ticket.case.exception == e.id && e.closed.is_none());
    ExceptionView {
        id: e.id.to_string(),
        label: e.reason.label().to_owned(),
        severity: e.severity,
        responsible: e.responsible.label().to_owned(),
        opened: times.ago(e.opened_at),
        question: ticket.and_then(|ticket| question(&ticket.case, ticket.agent.as_deref())),
        no_ticket: exception.no_ticket.map(no_ticket),
        closed: e.closed.map(|(at, how)| (resolution(how, exception.resolved_by.clone()), times.ago(at))),
        owner: exception.owner.clone(),
        acknowledged: e.acknowledged_at.is_some(),
    }
}

fn case(ticket: &Ticket, times: &Times) -> CaseView {
    let Ticket { case, desk, agent, .. } = ticket;
    CaseView {
        desk: desk.clone(),
        number: case.number.clone(),
        url: case.url.clone(),
        status: [sentence(&ticket_status(case, agent.as_deref()))]
            .into_iter()
            .chain(activity(ticket))
            .collect::<Vec<_>>()
            .join(" · "),
        opened: times.ago(case.opened_at),
    }
}

/// What agents did in a ticket, and who has it.
fn activity(ticket: &Ticket) -> impl Iterator<Item = String> {
    let facts = &ticket.case.ticket;
    let counted = |count: u32, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let holder = match (&ticket.assignee, &facts.assignee, &facts.team) {
        (Some(name), ..) => Some(format!("assigned to {name}")),
        (None, Some(_), _) => Some("assigned to an agent".to_owned()),
        (None, None, Some(team)) => Some(format!("with {team}")),
        (None, None, None) => None,
    };
    let replies = counted(facts.replies, "reply to the customer", "replies to the customer");
    [replies, counted(facts.notes, "internal note", "internal notes"), holder].into_iter().flatten()
}

fn customer(customer: ShownCustomer, now: Timestamp) -> CustomerView {
    let ShownCustomer { name, email, city, country, language, zone, masked } = customer;
    let place = [city, country].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let place = Some(place).filter(|place| !place.is_empty());
    CustomerView { name, place, email, locale: locale(language.as_deref(), zone.as_deref(), now), masked }
}

fn proof_view(proof: &ShownProof, times: &Times) -> ProofView {
    ProofView {
        signed_by: proof.signed_by.clone(),
        masked: proof.masked,
        when: times.event(&proof.time),
        number: proof.number.clone(),
    }
}

fn same_number(shown: &ShownShipment) -> Vec<SameNumberView> {
    let own = shown.record.id.to_string();
    let other = |other: &storage::shipments::SameNumber| {
        let id = other.shipment.to_string();
        let of_order = other.origin.as_ref().map(|origin| origin.order.clone().unwrap_or(origin.name.clone()));
        let (claimed, unlinked) =
            if of_order.is_some() { (id.clone(), own.clone()) } else { (own.clone(), id.clone()) };
        let carrier = other.carrier_label.clone();
        SameNumberView { id, claimed, unlinked, order: of_order, number: other.number.clone(), carrier }
    };
    shown.same_number.iter().map(other).collect()
}

/// What is odd about the shipment, and what of its delivery could not be read.
fn anomalies(shown: &ShownShipment) -> Vec<String> {
    let odd = shown.folded.anomalies.iter().map(|odd| anomaly(*odd).to_owned());
    let plan = &shown.record.plan;
    let doubts = plan.doubts.iter().filter(|_| shown.folded.heard_at.is_none());
    odd.chain(plan.unread.iter().chain(doubts).cloned()).collect()
}

/// A moment to look back to, with the title of what was recorded then for the first time.
fn moment_view(moment: &Moment, times: &Times) -> (String, String) {
    let title = moment.first.as_ref().map(|fact| format!(" · {}", named::title(&fact.observation, &fact.reading)));
    (moment.at.to_string(), format!("{}{}", times.exact(moment.at), title.unwrap_or_default()))
}

fn anomaly(anomaly: fold::Anomaly) -> &'static str {
    match anomaly {
        fold::Anomaly::ProgressAfterDelivery => "progress after the delivery",
        fold::Anomaly::DeliveredAgain => "delivered a second time on another day",
        fold::Anomaly::ScanAfterCancellation => "a scan after the cancellation",
        fold::Anomaly::ScanAfterLoss => "a scan after the loss",
        fold::Anomaly::UnexpectedPiece => "a piece that is not in the order",
        fold::Anomaly::ImpossibleTime => "an impossible time",
        fold::Anomaly::Contradiction => "status and code contradict each other",
        fold::Anomaly::UnmappedCode => "an unmapped code",
        fold::Anomaly::NumberOfAnother => "its number belongs to another delivery that was shipped",
    }
}
