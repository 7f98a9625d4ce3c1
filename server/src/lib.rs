//! Milepost's server: use cases, jobs, front doors. The binary is a thin `main.rs`.

// views are nested types
#![recursion_limit = "512"]

pub mod cli;
pub mod clock;
pub mod config;
pub mod files;
pub mod http;
pub mod jobs;
pub mod log;
pub mod ports;
pub mod texts;
pub mod tower;
pub mod usecases;
pub mod vault;
pub mod wire;
pub mod words;
