//! A simulated world behind HTTP: carriers that repeat, shuffle and delay what they say, an Odoo and a service desk that
//! behave like the real ones as far as Milepost uses them. It serves the demo, tests and benches; nothing in it is
//! real, and everything made from it says "sandbox".

pub mod booking;
pub mod carrier;
pub mod channels;
pub mod desk;
pub mod faults;
pub mod history;
pub mod journey;
mod live;
mod numbers;
pub mod odoo;
mod orders;
mod past;
pub mod rng;
mod second;
mod serve;
pub mod truth;
mod world;

pub use live::Live;
pub use second::Second;
pub use serve::Change;
pub use world::{COMPANY, Endpoint, World, WorldConfig};

use jiff::Timestamp;
use std::sync::Arc;

/// What the world takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the simulated carriers prove themselves with.
#[derive(Clone)]
pub struct SourceSecrets {
    /// AfterShip's webhook secret; posts to source `aftership`.
    pub aftership: String,
    /// EasyPost's webhook secret; posts to source `easypost`.
    pub easypost: String,
    /// The bearer token of the EDI channel; posts to source `freight-214`.
    pub x12_214: String,
}
