//! What rules read of a shipment beside its events.

use crate::context::Context;
use domain::{
    Direction,
    cause::Cause,
    exceptions::CommittedException,
    place::country,
    rule::Steps,
    rules::{About, Change, Regarded},
};
use jiff::Timestamp;
use storage::{
    orders::{OrderKind, Origin},
    shipments::{Loaded, ShipmentRecord},
    work::ExceptionRecord,
};

/// What rules read of a shipment beside its events.
pub fn about(loaded: &Loaded, steps: Steps) -> About<'_> {
    let ShipmentRecord { origin, numbers, destination, plan, .. } = &loaded.shipment;
    let origin = origin.as_ref();
    About {
        order: origin.and_then(|origin| origin.order.as_deref()),
        delivery: origin.map(|origin| origin.name.as_str()),
        warehouse: origin.and_then(Origin::warehouse),
        company: origin.and_then(|origin| origin.company.as_deref()),
        value: origin.and_then(|origin| origin.value),
        customer: origin.and_then(|origin| origin.customer_record),
        segments: origin.into_iter().flat_map(|origin| &origin.segments).map(String::as_str).collect(),
        is_purchase: origin.is_some_and(|origin| origin.transfer.order == OrderKind::Purchase),
        direction: origin.map_or_else(Direction::default, |origin| origin.transfer.direction),
        carriers: numbers.iter().filter_map(|number| number.carrier.as_deref()).collect(),
        country: destination.as_deref().and_then(|place| country(place.rsplit(", ").next()?)).map(str::to_owned),
        plan,
        watch: loaded.input.watch.as_ref(),
        steps,
    }
}

/// An exception as rules regard it.
pub fn regarded(exception: &ExceptionRecord) -> Regarded {
    Regarded {
        id: exception.id,
        reason: exception.reason,
        severity: exception.severity,
        recorded_at: exception.recorded_at,
        open: exception.closed.is_none(),
        withheld: exception.withheld,
    }
}

/// The steps for a shipment: those of its order system for what goes to a customer, else none.
pub fn steps(context: &Context, loaded: &Loaded) -> Steps {
    let origin = loaded.shipment.origin.as_ref().filter(|origin| origin.transfer.direction == Direction::Outbound);
    let connections = context.connections.now();
    let system = origin.and_then(|origin| connections.get(&origin.system));
    system.and_then(|system| system.orders.as_deref()).map_or_else(Steps::default, odoo::Settings::steps)
}

/// A shipment as it stands: a change by which nothing changes.
pub fn standing<'a>(
    loaded: &'a Loaded,
    about: &'a About<'a>,
    committed: &'a [CommittedException],
    now: Timestamp,
) -> Change<'a> {
    Change {
        shipment: loaded.shipment.id,
        revision: loaded.shipment.revision,
        linked: loaded.shipment.origin.is_some(),
        cause: Cause::Live,
        now,
        facts: &loaded.input.facts,
        bound_at: &loaded.bound_at,
        before: &loaded.shipment.folded,
        after: &loaded.shipment.folded,
        committed,
        exceptions: &[],
        activities: &[],
        cases: &[],
        invoiced: false,
        about,
    }
}
