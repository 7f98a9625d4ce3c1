//! How to reach an Odoo, and what a person sets of it.

use super::PAGES;
use outbound::{
    Key,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The connector's id.
pub const ID: &str = "odoo";

/// What an Odoo is set to, beside its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address.
    pub url: String,
    /// The database.
    pub database: String,
    /// Seconds between two imports of changed deliveries.
    #[serde(default = "import_seconds")]
    pub import_seconds: u64,
    /// Jobs at once, in each lane and process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls a second at most, in each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<NonZeroU32>,
    /// Whether notes name who signed for a delivery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signatory: bool,
}

const fn import_seconds() -> u64 {
    60
}

/// Odoo, as a person chooses it.
pub fn template() -> Template {
    let fields = vec![
        Field::new(
            "url",
            "URL",
            FieldKind::Url { pages: PAGES },
            "The address under which you open Odoo, without /web or /odoo.",
        )
        .required(),
        Field::new(
            "database",
            "Database",
            FieldKind::Text,
            "Its name, as on Odoo's sign-in page under Manage Databases.",
        )
        .required(),
        Field::new(
            "import_seconds",
            "Seconds between imports",
            FieldKind::Number { least: 1, most: 86_400 },
            "How often changed deliveries are read.",
        )
        .or("60"),
        Field::concurrency(),
        Field::calls_per_second(),
        Field::new(
            "signatory",
            "Name who signed",
            FieldKind::Flag,
            "Notes in Odoo then hold personal data that Milepost cannot erase there.",
        ),
    ];
    Template {
        id: ID,
        label: "Odoo",
        family: Family::Orders,
        version: 1,
        fields,
        secret_label: "API key",
        secret_help: "Make one in Odoo as the integration user: Preferences, Account Security, New API Key.",
        reads: "Deliveries, orders, customers",
        writes: "Status, ETA, notes, activities",
        signs_in: "API key",
    }
}

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
