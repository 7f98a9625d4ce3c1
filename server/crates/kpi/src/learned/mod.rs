//! What is usual on a lane: transit times, silence, lateness to be expected, and how well they held.
//!
//! Plain statistics that an operator can check: counts in bins ([`bins`]) of working hours ([`transit`]), the share that is
//! still on its way ([`survival`]), small cells that lean on coarser ones ([`mixture`]), and how sure a share is ([`wilson`]).

pub mod bins;
pub mod mixture;
pub mod survival;
#[cfg(test)]
mod testing;
pub mod transit;
pub mod wilson;
