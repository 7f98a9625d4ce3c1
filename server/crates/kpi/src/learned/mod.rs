//! What is usual on a lane: transit times, silence, lateness to be expected, and how well they held.
//!
//! Plain statistics that an operator can check. Working hours ([`transit`]) of a shipment are counted in bins ([`bins`]) in the
//! cells that it lies in ([`cell`]), by week ([`history`]), without the days that a note leaves out ([`annotation`]). Read
//! with weights they give the share that is still on its way ([`survival`]); small cells lean on coarser ones ([`mixture`]).
//! From that follow the estimate ([`eta`]), what is late before the carrier says so ([`late`]), and when silence is no longer
//! usual ([`silence`]): together the outlook of one shipment ([`outlook`]). What a shipment adds follows from its way ([`course`]), as
//! counts ([`count`]) that are kept with what was said of it ([`kept`]). Both refine the table that exceptions are derived by ([`usual`]). Whether it held is measured ([`calibration`]) and makes a cell forget faster where it does not
//! ([`drift`]).

pub mod annotation;
pub mod bins;
pub mod calibration;
pub mod cell;
pub mod count;
pub mod course;
pub mod drift;
pub mod eta;
pub mod history;
pub mod kept;
pub mod late;
pub mod mixture;
pub mod outlook;
pub mod score;
pub mod silence;
pub mod stage;
pub mod survival;
#[cfg(test)]
mod testing;
pub mod transit;
pub mod usual;
pub mod wilson;
