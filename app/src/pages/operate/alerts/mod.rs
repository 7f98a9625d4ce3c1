//! Alerts: what is open, the channels, the rules.

mod page;
mod rows;
mod side;

pub use page::AlertsPage;
