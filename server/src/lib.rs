//! Milepost's server: HTTP, views, command line. The binary is a thin `main.rs`.

pub mod bootstrap;
pub mod cli;
pub mod config;
pub mod files;
pub mod http;
pub mod log;
pub mod machine;
pub mod own_files;
pub mod views;
