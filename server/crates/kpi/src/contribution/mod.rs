//! What one unit adds to the roll-ups: rows of integers, exact in any order.
