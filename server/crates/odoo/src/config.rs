//! How to reach an Odoo, and what a person sets of it.

use super::{
    address::PAGES,
    steps::{self, Proofs, Returns, ValidateOn},
};
use domain::effects::{InvoiceFor, InvoiceOn, Invoicing};
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
    /// Whether it is a copy of another connection's database, under the same name: a database of its own all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copy: bool,
    /// The login of the key's user, which Odoo 16 to 18 wants with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
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
    /// When deliveries are validated.
    #[serde(default)]
    pub validate_on: ValidateOn,
    /// What becomes of proofs of delivery.
    #[serde(default)]
    pub proofs: Proofs,
    /// How orders are invoiced.
    #[serde(default)]
    pub invoice: Invoicing,
    /// When.
    #[serde(default)]
    pub invoice_on: InvoiceOn,
    /// For what.
    #[serde(default)]
    pub invoice_for: InvoiceFor,
    /// What becomes of goods that come back.
    #[serde(default)]
    pub returns: Returns,
    /// The login of who is asked about invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounting_user: Option<String>,
    /// Who looks after each warehouse: `WH=login`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warehouse_users: Vec<String>,
    /// The login of who is asked where nobody else is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_user: Option<String>,
}

const fn import_seconds() -> u64 {
    60
}

/// Odoo, as a person chooses it.
pub fn template() -> Template {
    let mut fields = vec![
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
            "login",
            "User (login)",
            FieldKind::Text,
            "For Odoo 16 to 18 only: the login of the user whose API key it is. Odoo 19 needs the key alone.",
        ),
        Field::new(
            "import_seconds",
            "Seconds between imports",
            FieldKind::Number { least: 1, most: 86_400 },
            "How often changed deliveries are read.",
        )
        .or("60"),
        Field::new(
            "is_copy",
            "A copy of another database",
            FieldKind::Flag,
            "Only for a copy that is connected beside the original and has the same name, such as a test system restored from a backup.",
        ),
        Field::concurrency(),
        Field::calls_per_second(),
        Field::new(
            "signatory",
            "Name who signed",
            FieldKind::Flag,
            "Notes in Odoo then hold personal data that Milepost cannot erase there.",
        ),
    ];
    fields.extend(steps::fields());
    Template {
        id: ID,
        label: "Odoo",
        family: Family::Orders,
        version: 1,
        fields,
        secret_label: "API key",
        secret_help: "Make one in Odoo as the integration user: Preferences, Account Security, New API Key.",
        reads: "Deliveries, orders, customers",
        writes: "Status, ETA, notes, activities, documents, invoices",
        signs_in: "API key",
    }
}

/// Which of Odoo's APIs is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// JSON-2 where it has that (19 and later), else JSON-RPC.
    #[default]
    Auto,
    /// JSON-2.
    Json2,
    /// JSON-RPC.
    JsonRpc,
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
    /// The login of that user; JSON-RPC wants it with the key.
    pub login: Option<String>,
    /// Which API is called.
    pub transport: Transport,
    /// At most so many calls a second; none leaves it to the server.
    pub calls_per_second: Option<NonZeroU32>,
}

impl OdooConfig {
    /// An Odoo that says itself how it is called, as often as it can be.
    pub fn new(url: impl Into<String>, database: impl Into<String>, api_key: impl Into<Key>) -> Self {
        let (url, database, api_key) = (url.into(), database.into(), api_key.into());
        Self { url, database, api_key, login: None, transport: Transport::Auto, calls_per_second: None }
    }
}
