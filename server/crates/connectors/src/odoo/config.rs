//! How to reach an Odoo.

use crate::call::Key;
use std::num::NonZeroU32;

/// How to reach an Odoo.
#[derive(Clone, Debug)]
pub struct OdooConfig {
    /// Its address: `https://odoo.example.com`.
    pub url: String,
    /// The database; goes along as `X-Odoo-Database`.
    pub database: String,
    /// An API key of the integration user (Preferences → Account Security → New API Key). Keys of users who are no
    /// administrators live at most 90 days unless a group says otherwise.
    pub api_key: Key,
    /// At most so many calls a second; none leaves it to the server.
    pub calls_per_second: Option<NonZeroU32>,
}
