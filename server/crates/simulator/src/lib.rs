//! A simulated world behind HTTP: carriers that repeat, shuffle and delay what they say, an Odoo and a service desk that
//! behave like the real ones as far as Milepost uses them. It serves the demo, tests and benches; nothing in it is
//! real, and everything made from it says "sandbox".

pub mod carrier;
pub mod desk;
pub mod faults;
pub mod journey;
pub mod odoo;
mod serve;
mod world;

pub use serve::Change;
pub use world::{Clock, Endpoint, SourceSecrets, World, WorldConfig};
