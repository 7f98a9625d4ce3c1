//! Why nothing current is known of a shipment, and what a person can do about it at once: [`of`] says which remedies there are,
//! [`perform`] does one, [`correct`] writes a right number into the order system, [`ask`] fetches what a platform knows.

mod ask;
mod correct;
mod find;
mod perform;

pub use ask::{ASK_TRACKING, ask};
pub use correct::correct;
pub use find::{Known, Remedy, WrongNumber, of};
pub use perform::{Act, perform};
