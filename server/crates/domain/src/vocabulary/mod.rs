//! The words of the canonical model: plain enums that the server, the pages and the wire share.

mod direction;
mod milestone;
mod reason;
mod state;

pub use direction::Direction;
pub use milestone::{Milestone, Nature, Phase};
pub use reason::{Acting, Category, Clock, ClosedBy, ExceptionReason, Party, Severity};
pub use state::{Classifier, State, Visibility};
