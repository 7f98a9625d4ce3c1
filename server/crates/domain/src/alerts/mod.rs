//! Operational alerts: what there are (`kinds`), how one opens, escalates and resolves (`machine`), which channel gets it and when
//! (`route`), and how long a source is usually silent (`habit`).

#[cfg(feature = "model")]
pub mod habit;
mod kinds;
#[cfg(feature = "model")]
pub mod machine;
#[cfg(feature = "model")]
pub mod route;

pub use kinds::{AlertKind, Shipped, Threshold};
