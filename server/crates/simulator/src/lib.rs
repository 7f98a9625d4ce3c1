//! A simulated world behind HTTP: carriers that repeat, shuffle and delay what they say, an Odoo and a service desk that
//! behave like the real ones as far as Milepost uses them. It serves the demo, tests and benches; nothing in it is
//! real, and everything made from it says "sandbox".

mod world;

pub use world::{SourceSecrets, World, WorldConfig};
