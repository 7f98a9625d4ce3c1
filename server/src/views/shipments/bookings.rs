//! Labels and registrations of a shipment, for its page.

use crate::views::{
    booking_rules::{days, size},
    given,
    times::Times,
};
use app::contract::{
    ApiError,
    bookings::{BookingView, BookingsView, NewBooking, OrderedView, PlatformView, TrackingView},
};
use application::{
    booking::{order::Bookable, read::OfShipment},
    connections::Snapshot,
};
use carriers::booking::{LabelFormat, Mode};
use domain::booking::{Choice, Ended, Phase};
use storage::bookings::{BookingRecord, OrderedLabel, RegistrationRecord, Tracking};

pub(super) fn view(of: OfShipment, connections: &Snapshot, times: &Times) -> BookingsView {
    let has_left = of.has_left;
    let several = of.bookings.iter().any(|one| one.wanted.parcel > 0);
    let ordered = of.ordered.map(|order| OrderedView {
        connection: connections.label(&order.with.connection),
        at: times.dated(order.ordered_at),
        problem: order.refused,
    });
    BookingsView {
        ordered,
        bookable: of.bookable.into_iter().map(|one| platform(&one, connections)).collect(),
        bookings: of.bookings.into_iter().map(|one| booking(one, (several, has_left), connections, times)).collect(),
        registrations: of.registrations.into_iter().map(|one| registration(one, connections, times)).collect(),
    }
}

fn platform(one: &Bookable, connections: &Snapshot) -> PlatformView {
    PlatformView {
        label: connections.label(&one.connection),
        name: one.connection.clone(),
        live: one.mode == Mode::Live,
        formats: one.formats.iter().map(|format| format.extension().to_owned()).collect(),
        needs_size: one.needs_dimensions,
    }
}

/// What a person chose in the form.
pub(super) fn ordered(new: NewBooking) -> Result<OrderedLabel, ApiError> {
    let days = days(&new.days)?;
    let size_mm = size([&new.length, &new.width, &new.height])?;
    let choice = Choice {
        carrier: given(new.carrier.trim().to_owned()),
        account: None,
        service: given(new.service.trim().to_owned()),
        days,
        fastest: new.offer == "fastest",
    };
    let format = given(new.format).unwrap_or_else(|| LabelFormat::Pdf.extension().to_owned());
    Ok(OrderedLabel { connection: new.connection, choice, format, size_mm })
}

fn booking(
    one: BookingRecord,
    (several, has_left): (bool, bool),
    connections: &Snapshot,
    times: &Times,
) -> BookingView {
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
            && !has_left
            && label.is_some_and(|label| label.reference.is_some()),
    }
}

fn registration(one: RegistrationRecord, connections: &Snapshot, times: &Times) -> TrackingView {
    let registered = matches!(one.tracking, Tracking::Registered | Tracking::Lapsed);
    let ended = one.about.ended.filter(|_| registered).map(Ended::label);
    let again = ended.map(|ended| match one.about.restarts {
        0 => format!("Ended by the platform {ended}"),
        1 => format!("Ended by the platform {ended}, started again once"),
        times => format!("Ended by the platform {ended}, started again {times} times"),
    });
    TrackingView {
        connection: connections.label(&one.connection),
        number: one.number,
        status: one.tracking.label().to_owned(),
        since: one.about.registered_at.filter(|_| registered).map(|at| times.dated(at)),
        again,
        problem: one.about.refused.filter(|_| one.tracking == Tracking::Refused),
    }
}
