//! Alerts: what is open, the channels, the rules.

mod acts;
mod maintenance;
mod page;
mod rows;
mod side;

pub use page::AlertsPage;
