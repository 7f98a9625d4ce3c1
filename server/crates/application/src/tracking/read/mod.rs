//! What callers read of shipments: the list, one shipment with what happened to it and why, one event with its message. What a
//! caller may not read is masked here.

mod event;
mod list;
mod shipment;

pub use event::{Event, event};
pub use list::{Listed, Row, find, list};
pub use shipment::{
    Assigned, Deed, FirstSeen, Moment, ShownCall, ShownCustomer, ShownException, ShownProof, ShownShipment, TakenStep,
    customer_of, shipment,
};
