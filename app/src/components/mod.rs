//! Pieces that pages are made of.

pub mod actions;
pub mod copy;
pub mod icon;
pub mod keys;
pub mod live;
pub mod shell;
pub mod states;
pub mod status;
pub mod theme;
pub mod time;
pub mod url;
