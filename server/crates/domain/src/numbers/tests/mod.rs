//! The numbers that carriers publish, what collides, and what holds for any text.

mod collisions;
mod properties;
mod same;
mod vectors;

use super::*;

fn ids(number: &Number) -> Vec<&str> {
    number.formats().iter().map(|c| c.format.id.as_str()).collect()
}
