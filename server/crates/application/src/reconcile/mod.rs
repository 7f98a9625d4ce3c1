//! Reconciliation: compares every shipment that is open, or ended lately, in the order system, here and at the service desk;
//! mends what needs no decision, and lists the rest. [`compare`] says what differs, [`look`] reads what it compares, [`run`] goes
//! through all of it step by step, [`fix`] has what people decide and how it is carried out, [`read`] what pages show, [`target`] how far they
//! should agree.

mod compare;
mod fix;
mod look;
mod read;
mod run;
mod target;

pub use fix::{Fixing, Planned, assign, decide, fix, plan, withdraw, work};
pub use read::{Listed, Overview, Progress, RunView, StepState, differences, export, overview};
pub use run::{Started, WINDOW, scheduled, start, step, stop};
pub use target::{set_target, target};
