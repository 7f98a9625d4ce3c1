//! What crosses the wire to the pages: view types, errors, and one port trait for each area.
//!
//! The server implements the ports (use case → view type); pages reach them through the server functions in
//! [`crate::api`]. Domain types do not cross the wire, except the plain words of [`domain::vocabulary`]. Every view that
//! shows a time carries the `now` it was made at, so that the server's rendering and the browser's agree.

mod error;
mod ids;
mod time;

pub mod exceptions;
pub mod overview;
pub mod session;
pub mod shipments;
pub mod sync;

pub use domain::vocabulary::{Category, Classifier, ExceptionReason, Milestone, Party, Severity, State, Visibility};
pub use error::ApiError;
pub use ids::{CorrelationId, ExceptionId, JobId, MessageId, ObservationId, ShipmentId};
pub use time::{EventTime, Instant, Precision, Wall, ZoneCertainty};

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a port gives.
pub type Answer<T> = Result<T, ApiError>;

/// One port for each area. Server functions find it in their context as `Arc<Ports>`.
#[derive(Clone)]
pub struct Ports {
    /// The list of shipments, one shipment, its raw messages.
    pub shipments: Arc<dyn shipments::ShipmentsPort>,
    /// The exception queue.
    pub exceptions: Arc<dyn exceptions::ExceptionsPort>,
    /// Executive figures.
    pub overview: Arc<dyn overview::OverviewPort>,
    /// Calls to other systems and what became of them.
    pub sync: Arc<dyn sync::SyncPort>,
    /// Who is signed in.
    pub session: Arc<dyn session::SessionPort>,
}

/// A page of a list, by keyset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: None }
    }
}

/// A page of another system that a person can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What a person reads: `WH/OUT/00042`, `#4711`.
    pub label: String,
    /// Where it leads; none when the system has no page, or we do not know it yet.
    pub url: Option<String>,
}
