//! Shipments as they are folded: what a fold reads ([`load`]), what it leaves ([`commit`]), and what came of that at the order
//! system ([`notes`]).

pub(crate) mod changes;
pub(crate) mod commit;
pub(crate) mod load;
pub(crate) mod notes;
