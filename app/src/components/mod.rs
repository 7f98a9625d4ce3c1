//! What the pages are made of.

pub mod action;
pub mod browser;
pub mod charts;
pub mod figures;
pub mod frame;
pub mod head;
pub mod live;
pub mod parts;

pub use action::action;
pub use frame::{Frame, may, not_connected, searched_by};
pub use head::PageTitle;
pub use parts::{
    Chip, Copy, Count, Failed, HealthTag, Icon, Late, Loading, Masked, Outside, SeverityMark, StateMark, Time,
};
