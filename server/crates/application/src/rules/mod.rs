//! Rules as data: what runs ([`book`]), what of it is let through ([`follow`]), what people change ([`manage`], [`read`]), what is done
//! outside of order systems and desks ([`act`]), dry runs ([`trial`]), and the rules for promised dates ([`promises`]).

pub mod act;
pub mod book;
pub(crate) mod follow;
pub mod guard;
pub mod manage;
pub mod message;
pub mod promises;
pub mod read;
pub mod regard;
pub mod sweep;
pub mod trial;
pub(crate) mod turn;
pub mod upkeep;
pub mod values;
pub mod wishes;
