//! The timeline of a shipment: what carriers reported, what was changed in other systems, what people did.

use crate::views::{
    named,
    times::{Placed, Times},
};
use app::contract::shipments::{Entry, EntryKind, Mark};
use application::{
    destinations::ODOO,
    odoo::PROOF_AWAITED,
    tracking::read::{Assigned, Deed, ShownCall, ShownShipment, TakenStep},
};
use domain::{
    Classifier, Severity,
    booking::Phase,
    effects::{EffectOutcome, EffectTarget},
    fold::{Fact, Standing as FactStanding},
};
use jiff::Timestamp;
use storage::{
    bookings::BookingRecord,
    jobs::{AttemptRecord, Outcome},
};

/// What happened, newest first.
pub(super) fn entries(shown: &ShownShipment, bookings: &[BookingRecord], times: &Times) -> Vec<Entry> {
    let mut entries: Vec<(Timestamp, Entry)> = shown.facts.iter().map(|fact| of_fact(shown, fact, times)).collect();
    let system = shown.record.origin.as_ref().map_or(ODOO, |origin| origin.system.as_str());
    let calls = shown.calls.iter().filter(|call| worth_showing(&call.record));
    entries.extend(calls.map(|call| (call.record.started_at, of_call(call, system, times))));
    entries.extend(shown.taken.iter().map(|step| (step.at, of_step(step, times))));
    entries.extend(shown.deeds.iter().map(|deed| (deed.at, of_deed(deed, times))));
    entries.extend(bookings.iter().flat_map(|booking| of_booking(booking, times)));
    entries.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.key.cmp(&a.1.key)));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn of_deed(deed: &Deed, times: &Times) -> Entry {
    let what = match (deed.action.as_str(), &deed.assigned) {
        ("exception.assign", Some(Assigned::Nobody)) => "Unassigned".to_owned(),
        ("exception.assign", Some(Assigned::Person(name))) => format!("Assigned to {name}"),
        ("exception.assign", Some(Assigned::Former)) => "Assigned to a former user".to_owned(),
        (action, _) => what_happened(action).to_owned(),
    };
    let by = match &deed.who {
        Some(name) => Some(format!("by {name}")),
        None => (!deed.at_desk).then(|| "by the system".to_owned()),
    };
    let detail = [by, deed.why.clone()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    system_entry(
        format!("audit-{}", deed.seq),
        EntryKind::Person,
        times.instant(deed.at),
        what,
        detail,
        "",
        Mark::System,
        None,
    )
}

fn of_fact(shown: &ShownShipment, fact: &Fact, times: &Times) -> (Timestamp, Entry) {
    let observation = &fact.observation;
    let recorded = fact.sightings.iter().map(|s| s.recorded_at).min().unwrap_or_default();
    let key = observation
        .time
        .sort_key()
        .filter(|_| !observation.time.sentinel)
        .or(observation.stated_at)
        .unwrap_or(recorded);
    let verdict = shown.folded.verdicts.iter().find(|verdict| verdict.fact == fact.id);
    let seen = shown.seen.get(&fact.id);
    let standing = verdict.map_or(FactStanding::Counts, |v| v.standing);
    let (mut mark, mut word) = drawn(fact, standing);
    let mut placed = times.placed(&observation.time, key);
    placed.when.full = format!("{} · received {}", placed.when.full, times.dated(recorded).full);
    let (mut key, mut expected) = (key, String::new());
    if observation.classifier != Classifier::Actual && !shown.folded.state.awaits_delivery() {
        if !matches!(mark, Mark::Void | Mark::System) {
            (mark, word) = (Mark::Void, "superseded");
        }
        // it stands where it was received: what it expected is not to come any more
        if key > recorded {
            expected = format!("for {} · ", placed.when.shown);
            key = recorded;
            placed = Placed { remark: "received", ..times.instant(recorded) };
        }
    }
    let source = seen.map_or("", |seen| seen.source.as_str());
    let piece = fact.piece.as_ref().map(|p| format!(" · piece {p}")).unwrap_or_default();
    let entry = Entry {
        key: fact.id.to_string(),
        kind: EntryKind::Carrier,
        day: placed.day,
        clock: placed.clock,
        remark: placed.remark.into(),
        when: placed.when,
        title: named::title(observation, &fact.reading),
        place: named::place(observation),
        detail: format!(
            "{expected}{source} · code {}{piece} · received {}",
            observation.codes.raw,
            times.relative(recorded)
        ),
        standing: word.to_owned(),
        mark,
        exception: named::exceptions(&fact.reading),
        observation: Some(fact.id.to_string()),
        correlation: seen.map(|s| s.correlation.to_string()),
    };
    (key, entry)
}

/// What a person did, by the action of the audit line.
pub(in crate::views) fn what_happened(action: &str) -> &str {
    match action {
        "exception.acknowledge" => "Acknowledged",
        "shipment.link" => "Tracking number linked to the order",
        "shipment.correct" => "Tracking number corrected in Odoo",
        "shipment.register" => "Registered for tracking by hand",
        "shipment.ask" => "Platform asked for updates",
        "shipment.retry" => "Refused update sent again",
        "booking.book" => "Label ordered",
        "exception.assign" => "Assignment changed",
        "exception.snooze" => "Exception snoozed",
        "exception.unsnooze" => "Exception back in the queue",
        "exception.team" => "Exception given to a team",
        "exception.resolve" => "Exception resolved",
        "exception.reopen" => "Exception reopened",
        "case.resolved" => "Ticket resolved at the service desk",
        "case.reopened" => "Ticket reopened at the service desk",
        "case.rejected" => "Ticket rejected at the service desk",
        "case.deleted" => "Ticket deleted at the service desk",
        "case.hidden" => "Ticket no longer readable",
        "case.asked" => "Ticket requested again",
        "case.replied" => "Agent replied to the customer",
        "case.noted" => "Agent added an internal note",
        "case.assigned" => "Ticket assigned at the service desk",
        "case.merged" => "Ticket merged at the service desk",
        "case.closed" => "Ticket closed by a rule",
        "customer.erase" => "Customer data erased",
        other => other,
    }
}

fn drawn(fact: &Fact, standing: FactStanding) -> (Mark, &'static str) {
    match (standing, fact.observation.classifier) {
        (FactStanding::Superseded, _) => (Mark::Void, "replaced by a newer list"),
        (FactStanding::Retracted, _) => (Mark::Void, "retracted"),
        (FactStanding::Retraction, _) => (Mark::Void, "retracts an event"),
        (FactStanding::Quarantined, _) => (Mark::Void, "impossible time"),
        (FactStanding::OtherUse, _) => (Mark::Void, "another parcel"),
        (FactStanding::Merged, _) => (Mark::Actual, "same event, other source"),
        (FactStanding::Feed, _) => (Mark::System, "about the feed"),
        (_, Classifier::Planned) => (Mark::Planned, "planned"),
        (_, Classifier::Estimated) => (Mark::Estimated, "estimated"),
        (FactStanding::Decides, _) => (Mark::Deciding, "actual · sets status"),
        (_, Classifier::Actual) if fact.reading.exceptions().any(|e| e.severity() >= Severity::Major) => {
            (Mark::Trouble, "actual")
        }
        (_, Classifier::Actual) => (Mark::Actual, "actual"),
    }
}

/// What a call changed, and what it is called where that is not certain; none for one that only read.
fn change(attempt: &AttemptRecord) -> Option<(&'static str, &'static str)> {
    Some(match attempt.operation.as_str() {
        "stock.picking/write" => ("Odoo updated", "Odoo update"),
        "stock.picking/message_post" | "sale.order/message_post" => ("Note posted in Odoo", "Note in Odoo"),
        "stock.picking/activity_schedule" | "sale.order/activity_schedule" => {
            ("Activity created in Odoo", "Activity in Odoo")
        }
        "mail.activity/action_feedback" => ("Activity completed in Odoo", "End of an activity in Odoo"),
        "ticket/create" => ("Ticket created", "New ticket"),
        "ticket/comment" => ("Comment added to the ticket", "Comment on the ticket"),
        "ticket/status" => ("Ticket status changed", "New status of the ticket"),
        _ => return None,
    })
}

/// The call that sends a message to a customer.
const MESSAGE: &str = "mail/customer";

/// What a call takes part in that is a step of its own on the timeline: it is named where it failed.
fn part_of_step(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "stock.picking/button_validate" | "stock.picking/action_assign" => "Validation in Odoo",
        "ir.attachment/create" => "Proof of delivery to Odoo",
        "sale.advance.payment.inv/create" | "sale.advance.payment.inv/create_invoices" => "Invoice in Odoo",
        "account.move/action_post" => "Posting of the invoice in Odoo",
        "stock.return.picking/create" | "stock.return.picking/action_create_returns_all" => "Return in Odoo",
        "sale.order/write" => "Update of the sales order in Odoo",
        MESSAGE => "Message to the customer",
        _ => return None,
    })
}

/// A step in the order system: what became of it, in a line.
fn of_step(step: &TakenStep, times: &Times) -> Entry {
    let TakenStep { target, name, .. } = step;
    let key = format!("step-{}", step.id);
    let placed = times.instant(step.at);
    if *target == EffectTarget::Customer {
        return of_message(step, key, placed);
    }
    let Some(name) = name else {
        let title = format!("No proof of delivery came within {} days", PROOF_AWAITED.as_hours() / 24);
        return system_entry(key, EntryKind::Odoo, placed, title, String::new(), "", Mark::System, None);
    };
    let title = match target {
        EffectTarget::OrderValidation => format!("{name} validated in Odoo"),
        EffectTarget::OrderProof => "Proof of delivery attached in Odoo".to_owned(),
        EffectTarget::OrderInvoice if name == "draft" => "Draft invoice created in Odoo".to_owned(),
        EffectTarget::OrderInvoice => format!("Invoice {name} posted in Odoo"),
        EffectTarget::OrderReturn => format!("Return {name} created in Odoo"),
        EffectTarget::OrderNote
        | EffectTarget::SalesOrderNote
        | EffectTarget::OrderActivity
        | EffectTarget::OrderField
        | EffectTarget::Case
        | EffectTarget::Alert
        | EffectTarget::Claim
        | EffectTarget::Customer => name.clone(),
    };
    let detail = if *target == EffectTarget::OrderProof { name.clone() } else { String::new() };
    system_entry(key, EntryKind::Odoo, placed, title, detail, "OK", Mark::System, None)
}

/// What became of a label: each step once.
fn of_booking(booking: &BookingRecord, times: &Times) -> Vec<(Timestamp, Entry)> {
    let BookingRecord { purchase, updated_at, .. } = booking;
    let label = purchase.label.as_ref();
    let named = label.map(|label| {
        let service = [label.carrier.as_deref(), label.service.as_deref(), Some(label.number.as_str())];
        service.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let cost = label.and_then(|label| label.charged).or_else(|| purchase.rate.as_ref().map(|rate| rate.price));
    let written = booking.written == Some(Phase::Booked);
    let about =
        [named.clone(), cost.map(|cost| cost.to_string()), written.then(|| "number written to Odoo".to_owned())];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let refused = purchase.refused.as_ref().filter(|_| purchase.phase == Phase::Refused);
    let over = matches!(purchase.phase, Phase::Voided | Phase::NotVoided);
    let steps = [
        label.map(|_| (purchase.sent_at.unwrap_or(*updated_at), "booked", "Label booked", about)),
        refused.map(|refused| (*updated_at, "refused", "Booking refused", refused.what.clone())),
        purchase.void_at.map(|at| (at, "void", "Label void requested", named.clone().unwrap_or_default())),
        over.then(|| (*updated_at, "over", purchase.phase.label(), named.unwrap_or_default())),
    ];
    let entry = |(at, step, title, detail): (Timestamp, &str, &str, String)| {
        let key = format!("booking-{}-{step}", booking.id);
        let placed = times.instant(at);
        (at, system_entry(key, EntryKind::Odoo, placed, title.to_owned(), detail, "", Mark::System, None))
    };
    steps.into_iter().flatten().map(entry).collect()
}

/// A message to the customer by rule.
fn of_message(step: &TakenStep, key: String, placed: Placed) -> Entry {
    let (title, standing) = match &step.outcome {
        outcome @ EffectOutcome::Posted(_) => {
            (format!("Message sent to customer: {}", outcome.subject().unwrap_or_default()), "OK")
        }
        EffectOutcome::NotPossible(why) => (format!("Message not sent to customer: {}", why.why()), "failed"),
        _ => ("Message to customer: it may have been sent".to_owned(), "unknown"),
    };
    system_entry(key, EntryKind::Desk, placed, title, String::new(), standing, Mark::System, None)
}

/// A read before a write nearly always succeeds and is no event; the job's page has every call.
fn worth_showing(attempt: &AttemptRecord) -> bool {
    match attempt.outcome {
        Outcome::Ok => change(attempt).is_some(),
        Outcome::Failed => true,
        // that a message may have been sent is a line of its own
        Outcome::Unknown => attempt.operation != MESSAGE,
    }
}

/// A call to the order system of the shipment, or to a service desk.
fn of_call(call: &ShownCall, system: &str, times: &Times) -> Entry {
    let attempt = &call.record;
    let (kind, read) = if attempt.destination == system {
        (EntryKind::Odoo, "Query to Odoo")
    } else {
        (EntryKind::Desk, "Query to the service desk")
    };
    let title = match (change(attempt), attempt.outcome, &call.ticket) {
        (_, Outcome::Ok, Some(number)) => format!("Ticket #{number} created"),
        (Some((changed, _)), Outcome::Ok, None) => changed.to_owned(),
        (Some((_, uncertain)), ..) => uncertain.to_owned(),
        (None, ..) => part_of_step(&attempt.operation).unwrap_or(read).to_owned(),
    };
    let mut placed = times.instant(attempt.started_at);
    placed.when.full = format!("{} · {}", placed.when.full, attempt.operation);
    let status = attempt.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let (word, mark) = match attempt.outcome {
        Outcome::Ok => ("OK", Mark::System),
        Outcome::Failed => ("failed", Mark::System),
        Outcome::Unknown => ("unknown", Mark::System),
    };
    system_entry(
        attempt.id.to_string(),
        kind,
        placed,
        title,
        format!("{} · {status} · {} ms", call.system, attempt.duration_ms),
        word,
        mark,
        Some(attempt.correlation.to_string()),
    )
}

#[expect(clippy::too_many_arguments, reason = "one entry has this many columns, and two callers name them in order")]
fn system_entry(
    key: String,
    kind: EntryKind,
    placed: Placed,
    title: String,
    detail: String,
    standing: &str,
    mark: Mark,
    correlation: Option<String>,
) -> Entry {
    Entry {
        key,
        kind,
        day: placed.day,
        clock: placed.clock,
        remark: placed.remark.into(),
        when: placed.when,
        title,
        place: None,
        detail,
        standing: standing.to_owned(),
        mark,
        exception: None,
        observation: None,
        correlation,
    }
}
