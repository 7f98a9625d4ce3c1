//! What one unit adds to the roll-ups: rows of integers, a pure function of what is known of it, without a clock. So any order in
//! which facts arrive ends in the same rows, and a correction takes the old rows out and puts the new ones in.
//!
//! A shipment is one unit, with its events, exceptions and tickets ([`of_shipment`]); orders, updates of other systems, invoices
//! and messages are units of their own. What a figure counts is in [`crate::definition`].

pub mod cases;
pub mod closed;
pub mod current;
pub mod exceptions;
pub mod facts;
pub mod first_attempt;
pub mod invoices;
pub mod notifications;
pub mod on_time;
pub mod orders;
pub mod promise;
pub mod row;
pub mod shipment;
pub mod sync;
pub mod transit;

#[cfg(test)]
mod tests;

use row::{Contributed, Dims};
use shipment::{Shipment, Story};

/// What a shipment adds. One of no order, and one that is a test, adds nothing.
pub fn of_shipment(of: Shipment<'_>, dims: Dims) -> Contributed {
    if !of.linked || of.test {
        return Contributed::default();
    }
    let story = Story::of(of);
    let mut to = Contributed { dims, ..Contributed::default() };
    current::contribute(&of, &story.standings, &mut to);
    if !of.inbound {
        on_time::contribute(&story, &mut to);
        transit::contribute(&story, &mut to);
        first_attempt::contribute(&story, &mut to);
        closed::contribute(&story, &mut to);
    }
    exceptions::contribute(&story, &mut to);
    facts::contribute(&of, &story, &mut to);
    for case in of.cases {
        cases::contribute(case, of.company_zone, &mut to);
    }
    to
}
