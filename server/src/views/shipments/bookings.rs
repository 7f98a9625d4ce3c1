//! Labels and registrations of a shipment, for its page.

use crate::views::times::Times;
use app::contract::bookings::{BookingView, BookingsView, TrackingView};
use application::{booking::read::OfShipment, connections::Snapshot};
use domain::booking::Phase;
use storage::bookings::{BookingRecord, RegistrationRecord, Tracking};

pub(super) fn view(of: OfShipment, connections: &Snapshot, times: &Times) -> BookingsView {
    let several = of.bookings.iter().any(|one| one.wanted.parcel > 0);
    BookingsView {
        bookings: of.bookings.into_iter().map(|one| booking(one, several, connections, times)).collect(),
        registrations: of.registrations.into_iter().map(|one| registration(one, connections)).collect(),
    }
}

fn booking(one: BookingRecord, several: bool, connections: &Snapshot, times: &Times) -> BookingView {
    let phase = one.purchase.phase;
    let label = one.purchase.label.as_ref();
    let rate = one.purchase.rate.as_ref();
    let carrier = label.and_then(|label| label.carrier.clone()).or_else(|| rate.map(|rate| rate.carrier.clone()));
    let service = label.and_then(|label| label.service.clone()).or_else(|| rate.map(|rate| rate.service.clone()));
    let named: Vec<String> = [carrier, service].into_iter().flatten().collect();
    let cost = label.and_then(|label| label.charged).or_else(|| rate.map(|rate| rate.price));
    let refused = one.purchase.refused.as_ref().filter(|_| phase == Phase::Refused);
    let is_over = matches!(phase, Phase::Cancelled | Phase::Refused);
    BookingView {
        id: one.id.to_string(),
        status: phase.label().to_owned(),
        attention: matches!(phase, Phase::Refused | Phase::Undecided | Phase::NotVoided),
        connection: connections.label(&one.connection),
        parcel: several.then(|| format!("Parcel {}", one.wanted.parcel + 1)),
        number: label.map(|label| label.number.clone()),
        service: (!named.is_empty()).then(|| named.join(" ")),
        cost: cost.filter(|_| !is_over).map(|cost| cost.to_string()),
        test: one.wanted.mode == "test",
        problem: refused.map(|refused| format!("{}. {}", refused.what, refused.todo)),
        next: one.purchase.next_at.map(|at| times.dated(at)),
        key: one.key,
        undecided: phase == Phase::Undecided,
        repeatable: phase == Phase::Refused && !one.purchase.unwanted,
        voidable: phase == Phase::Booked
            && !one.purchase.unwanted
            && label.is_some_and(|label| label.reference.is_some()),
    }
}

fn registration(one: RegistrationRecord, connections: &Snapshot) -> TrackingView {
    TrackingView {
        connection: connections.label(&one.connection),
        number: one.number,
        status: one.tracking.label().to_owned(),
        problem: one.about.refused.filter(|_| one.tracking == Tracking::Refused),
    }
}
