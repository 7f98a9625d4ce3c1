//! The pages of Milepost, built twice: on the server (`ssr`) and in the browser (`hydrate`).
//!
//! `contract` says what crosses the wire, `api` holds the server functions, `pages` and `components` the views. Every
//! page is complete and every action possible without JavaScript; the browser's half adds what is live.

// views are deeply nested types
#![recursion_limit = "512"]

pub mod api;
pub mod components;
pub mod contract;
pub mod pages;

mod root;

pub use root::{App, SiteAssets, shell};
