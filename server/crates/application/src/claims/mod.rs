//! Claims against carriers: raised by hand or by rule, with their evidence, deadlines and the bundle that goes to the carrier.

pub mod bundle;
mod common;
pub mod deadlines;
mod erase;
mod evidence;
mod files;

mod prepare;
mod raise;
mod read;
mod remind;
mod sealing;
mod work;

pub use erase::erase;
pub use evidence::{Evidence, Presence};
pub use files::{FILE_BYTES_MAX, NewFile, OpenedFile, add_file, file, remove_file};
pub use prepare::prepare;
pub use raise::{NewByHand, raise, raise_by_hand};
pub use read::{Done, Listed, Overview, ShownClaim, ShownFile, claim, export, of_shipment, overview, record, subject};
pub use remind::remind;
pub use work::{Change, change, open_count};
