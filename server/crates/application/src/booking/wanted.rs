//! Which deliveries that an import has read are looked at for bookings.

use super::{delivery_job, rules};
use crate::{context::Context, error::UseCaseError};
use ::odoo::{Delivery, DeliveryState};
use domain::{
    booking::{Action, BookingRule, Parcels, Phase, When},
    ids::CorrelationId,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use storage::{Scope, bookings::BookingRecord, jobs::Lane};

/// What left longer ago is history: it is neither booked nor registered.
const NEWS: SignedDuration = SignedDuration::from_hours(48);

/// Has those of these deliveries looked at that may be booked or registered, or whose booking is not over. Each import that reads one
/// asks again: so that nothing is lost should it end in between.
///
/// # Errors
/// When the store fails.
pub async fn look_at(
    context: &Context,
    scope: Scope,
    system: &str,
    deliveries: &[Delivery],
    correlation: CorrelationId,
) -> Result<(), UseCaseError> {
    let outbound: Vec<&Delivery> = deliveries.iter().filter(|one| one.direction.is_outbound()).collect();
    if outbound.is_empty() {
        return Ok(());
    }
    let rules = rules::rules(context, scope).await?;
    let records = outbound.iter().map(|one| one.id).collect();
    let mut kept: BTreeMap<i64, Vec<BookingRecord>> = BTreeMap::new();
    for booking in context.store.bookings.of_records(scope, system, records).await? {
        kept.entry(booking.record).or_default().push(booking);
    }
    let records = outbound.iter().map(|one| one.id).collect();
    let tracked = context.store.bookings.tracked_records(scope, system, records).await?;
    let now = context.now();
    let due = |delivery: &&&Delivery| {
        let bookings = kept.get(&delivery.id).map(Vec::as_slice).unwrap_or_default();
        // a number whose delivery was cancelled, or that was taken away, is not tracked any more
        let ends = delivery.state == DeliveryState::Cancelled || delivery.tracking_numbers.is_empty();
        (ends && tracked.contains(&delivery.id)) || is_due(&rules, delivery, bookings, now)
    };
    let job = |delivery: &&Delivery| delivery_job(context, (system, delivery.id), None, correlation);
    let jobs: Vec<_> = outbound.iter().filter(due).map(job).collect();
    if !jobs.is_empty() {
        context.store.jobs.enqueue(scope, jobs).await?;
        context.notifier.work(Lane::RealTime);
    }
    Ok(())
}

fn is_due(rules: &[BookingRule], delivery: &Delivery, bookings: &[BookingRecord], now: Timestamp) -> bool {
    if delivery.state == DeliveryState::Cancelled {
        return bookings.iter().any(|one| !one.purchase.unwanted);
    }
    let is_news = delivery.shipped_at.is_none_or(|at| now.duration_since(at) < NEWS);
    if !is_news {
        return false;
    }
    // a correction may have come
    if bookings.iter().any(|one| one.purchase.phase == Phase::Refused) {
        return true;
    }
    // packages may have come, gone or changed under the labels
    let is_live = |one: &BookingRecord| !one.purchase.unwanted && !one.purchase.phase.has_no_label();
    if bookings.iter().any(is_live) {
        return true;
    }
    let has_number = !delivery.tracking_numbers.is_empty();
    if !has_number && !bookings.is_empty() {
        return bookings.iter().any(|one| one.purchase.phase == Phase::Booked && one.written.is_none());
    }
    rules.iter().any(|rule| {
        // what is not known here fits
        let open = BookingRule { warehouse: None, from_g: None, below_g: None, since: None, ..rule.clone() };
        let parcels = Parcels {
            method: delivery.carrier.as_deref(),
            warehouse: None,
            country: delivery.customer.country.as_deref(),
            weight_g: None,
            has_number,
            ready_at: None,
            done_at: delivery.shipped_at,
        };
        let in_time = match rule.action {
            Action::Book { when: When::Done, .. } => delivery.state == DeliveryState::Done,
            Action::Book { .. } | Action::Register { .. } => true,
            Action::Nothing => false,
        };
        in_time && open.fits(&parcels)
    })
}
