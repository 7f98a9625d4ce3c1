//! Bookings: a delivery that is ready gets its label at a platform, exactly once, and a number that is there is registered for
//! tracking, by rule. What a delivery needs is read of Odoo and brought there (`delivery`, `report`); labels are bought (`purchase`)
//! and voided (`void`) at platforms, numbers registered (`register`), and
//! started again where a platform stopped by itself (`renewal`, `renew`). Where a purchase stands is decided in `domain::booking`.

pub mod decide;
mod delivery;
pub mod order;
mod purchase;
pub mod read;
mod register;
pub mod renew;
pub mod renewal;
mod report;
mod request;
pub mod rules;
pub mod trial;
mod typed_over;
mod void;
pub mod wanted;
mod work;

pub use delivery::sync;
pub use purchase::{Done, purchase};
pub use register::{by_hand as register_by_hand, register};
pub(crate) use request::key_of;
pub use void::void;

use crate::context::Context;
use carriers::{api::ApiManifest, api_template};
use domain::ids::{CorrelationId, ShipmentId};
use storage::{
    bookings::BookingRecord,
    jobs::{Cause, JobKind, NewJob},
};

/// The platform behind a connection; none where there is no such connection, or it is no platform's.
fn platform_at(context: &Context, connection: &str) -> Option<&'static ApiManifest> {
    api_template::manifest(&context.connections.now().get(connection)?.record.connector)
}

/// The job for a delivery in its order system.
fn delivery_job(
    context: &Context,
    (system, record): (&str, i64),
    shipment: Option<ShipmentId>,
    correlation: CorrelationId,
) -> NewJob {
    let target = format!("{system}/{record}");
    context.job(JobKind::SYNC_BOOKING, target, Cause::Live, correlation, shipment).to(system)
}

/// The job for a booking at its platform.
fn platform_job(context: &Context, kind: JobKind, booking: &BookingRecord, correlation: CorrelationId) -> NewJob {
    context.job(kind, booking.id, Cause::Live, correlation, Some(booking.shipment)).to(&booking.connection)
}

/// The job that brings what became of a booking to its delivery.
fn report_job(context: &Context, booking: &BookingRecord, correlation: CorrelationId) -> NewJob {
    delivery_job(context, (&booking.system, booking.record), Some(booking.shipment), correlation)
}
