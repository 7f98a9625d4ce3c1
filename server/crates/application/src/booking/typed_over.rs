//! A person types another number over that of a booked label: which of them is right is asked, once for each such number, and the
//! question ends when the label's number is back, or the label is not booked any more.

use super::{
    report::{Report, marker},
    work::{Delivery, newest},
};
use crate::odoo::OrderError;
use ::odoo::{Record, ToBook};
use domain::{
    booking::{Phase, TypedOver},
    numbers,
};
use storage::bookings::BookingRecord;

/// Asks and ends what is to be asked about the labels of a delivery that Odoo has.
pub(super) async fn settle(delivery: &Delivery<'_>, read: &ToBook) -> Result<(), OrderError> {
    let bookings = delivery.context.store.bookings.of_records(delivery.scope, delivery.system, vec![delivery.record]);
    let bookings = newest(bookings.await?);
    let other = typed_over(read.number.as_deref(), &bookings);
    let mut changed = false;
    let mut after = Vec::with_capacity(bookings.len());
    for booking in &bookings {
        let asked = booking.purchase.typed_over.clone().unwrap_or_default();
        let wanted = other.clone().filter(|_| is_labelled(booking));
        if asked.number == wanted {
            after.push(booking.clone());
            continue;
        }
        changed = true;
        let mut next = booking.clone();
        if asked.number.is_some() {
            let on = Record::delivery(delivery.record);
            delivery.odoo.complete_activity(on, &marker(booking, &about(asked.times)), delivery.calls).await?;
        }
        let times = asked.times + u32::from(wanted.is_some());
        if let Some(number) = &wanted {
            let report = Report::new(delivery, Some(read), &bookings, &bookings);
            report.ask_which(booking, &about(times), number).await?;
        }
        next.purchase.typed_over = Some(TypedOver { number: wanted, times });
        after.push(next);
    }
    if !changed {
        return Ok(());
    }
    Report::new(delivery, Some(read), &after, &after).in_words().await?;
    for next in after.into_iter().zip(&bookings).filter(|(next, before)| next != *before).map(|(next, _)| next) {
        delivery.save(next, Vec::new()).await?;
    }
    Ok(())
}

/// What the question hangs on; each time a number is typed over a label it is another one.
fn about(times: u32) -> String {
    if times == 1 { "differs".to_owned() } else { format!("differs-{times}") }
}

/// Whether there is a label that was brought to the delivery.
fn is_labelled(booking: &BookingRecord) -> bool {
    booking.purchase.phase == Phase::Booked && !booking.purchase.unwanted && booking.written == Some(Phase::Booked)
}

/// What the delivery has instead of the numbers of its labels; none where it has all of them, or no number at all.
fn typed_over(has: Option<&str>, bookings: &[BookingRecord]) -> Option<String> {
    let key = |text: &str| numbers::normalise_of(text, None).unwrap_or_else(|_| text.trim().to_owned());
    let labels = bookings.iter().filter(|one| is_labelled(one)).filter_map(|one| one.purchase.label.as_ref());
    let ours: Vec<String> = labels.map(|label| key(&label.number)).collect();
    let has = has?;
    let there: Vec<String> = has
        .split([',', ';', '|', '\n'])
        .flat_map(numbers::split)
        .map(key)
        .filter(|number| !number.is_empty())
        .collect();
    let lacks = ours.iter().any(|number| !there.contains(number));
    let other = there.iter().any(|number| !ours.contains(number));
    (lacks && other).then(|| has.trim().to_owned())
}
