//! What the pages are made of.

pub mod browser;
pub mod frame;
pub mod live;
pub mod parts;

pub use frame::{Frame, may};
pub use parts::{Chip, Copy, Count, Failed, Icon, Late, Loading, SeverityMark, StateMark, Time};
