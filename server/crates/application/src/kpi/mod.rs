//! Figures: what shipments add to them ([`unit`]), how that is kept right ([`keep`]), and what pages read ([`read`]).
//!
//! A page asks [`read::figures`] for some figures in a period, narrowed by a [`storage::rollups::Filter`]; each comes with its
//! definition, the period before, a value for each day, its target, and up to when it is counted. [`read::by`] tells one
//! figure apart by carrier, warehouse, country, company or segment. [`read::behind`] lists the shipments behind a number, a
//! [`read::Tab`] at a time; their count is that number.

pub mod analysis;
pub mod annotations;
pub mod carriers;
pub mod due;
pub mod keep;
pub mod period;
pub mod read;
pub mod unit;
