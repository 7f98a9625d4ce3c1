//! The guided form, the test and what was saved.

use crate::contract::When;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connector that a connection can be made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateView {
    /// The connector.
    pub id: String,
    /// What a person reads.
    pub label: String,
    /// What it is for, for filters.
    pub family: String,
    /// That, for people.
    pub family_label: String,
    /// What Milepost reads there.
    pub reads: String,
    /// What Milepost writes there; empty for nothing.
    pub writes: String,
    /// How it signs in.
    pub signs_in: String,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// An address.
    Url,
    /// A whole number.
    Number {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// On or off.
    Flag,
    /// One of several: value and label.
    Choice(Vec<(String, String)>),
    /// Several, by commas.
    List,
    /// A time zone.
    Zone,
    /// JSON.
    Json,
}

/// A field of a connector's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// What a person reads.
    pub label: String,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it stands above the further settings.
    pub upfront: bool,
    /// What it is for, and where its value is found.
    pub help: String,
    /// What is typed.
    pub value: String,
}

/// What is wrong with what was sent last, where the page has no other way to say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormFault {
    /// The field.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The guided form of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormView {
    /// The connector.
    pub connector: String,
    /// What a person reads of it.
    pub connector_label: String,
    /// What it is for.
    pub family: String,
    /// The version of its fields.
    pub schema: u16,
    /// What its secret is called.
    pub secret_label: String,
    /// Where the secret is found.
    pub secret_help: String,
    /// Whether the connection must have a secret that a person types.
    pub secret_needed: bool,
    /// How many secrets are kept; 0 for a new connection.
    pub secrets: u64,
    /// The version that is changed; 0 for a new connection.
    pub version: u64,
    /// What is typed; never a secret.
    pub typed: ConnectionForm,
    /// The settings.
    pub fields: Vec<FieldView>,
    /// What was wrong with what was sent last.
    pub fault: Option<FormFault>,
}

/// What is done once a connection is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AndThen {
    /// Nothing: its page is shown.
    #[default]
    Show,
    /// It is tested, and the guide goes on.
    Test,
}

/// A connection as a person types it. Everything is text, as forms send it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionForm {
    /// Its name in addresses.
    #[serde(default)]
    pub name: String,
    /// The connector.
    #[serde(default)]
    pub connector: String,
    /// The version that is changed; 0: it is new.
    #[serde(default)]
    pub version: u64,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// Whether it leads to a test system.
    #[serde(default)]
    pub sandbox: bool,
    /// Who looks after it.
    #[serde(default)]
    pub owner: String,
    /// What it is for.
    #[serde(default)]
    pub purpose: String,
    /// A link to what to do when it fails.
    #[serde(default)]
    pub runbook: String,
    /// Kinds of data that go over it, by commas.
    #[serde(default)]
    pub data_classes: String,
    /// The settings.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Companies whose exceptions a desk takes, one a line.
    #[serde(default)]
    pub companies: String,
    /// Warehouses, by commas.
    #[serde(default)]
    pub warehouses: String,
    /// Carriers, likewise.
    #[serde(default)]
    pub carriers: String,
    /// Codes of severities.
    #[serde(default)]
    pub severities: Vec<String>,
    /// A new secret; empty: as it is.
    #[serde(default)]
    pub secret: String,
    /// Whether another address or database is the same system in another place.
    #[serde(default)]
    pub moved: bool,
    /// What is done then.
    #[serde(default)]
    pub then: AndThen,
}

impl std::fmt::Debug for ConnectionForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionForm")
            .field("name", &self.name)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The connection's name.
    pub name: String,
    /// The version that a further change is made to.
    pub version: u64,
    /// Whether it is in use.
    pub enabled: bool,
}

/// How a check of a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// As it should be.
    Passed,
    /// Not so.
    Failed,
    /// A person should look.
    Warning,
    /// It needs what failed before.
    NotRun,
}

/// One thing that was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// What was found.
    pub what: String,
    /// How it ended.
    pub result: CheckResult,
    /// The details.
    pub detail: String,
    /// What a person can do.
    pub todo: String,
    /// The page on which that is done, where it is one of ours.
    #[serde(default)]
    pub href: Option<String>,
    /// How long it took; empty where nothing was called.
    pub took: String,
}

/// What the last test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportView {
    /// When.
    pub at: When,
    /// Which system answered.
    pub system: Option<String>,
    /// How long it took.
    pub took: String,
    /// Each check.
    pub checks: Vec<CheckView>,
}

impl ReportView {
    /// How many checks ended so.
    pub fn count(&self, result: CheckResult) -> usize {
        self.checks.iter().filter(|check| check.result == result).count()
    }
}

/// What the guide shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuideView {
    /// Every connector.
    pub templates: Vec<TemplateView>,
    /// The form of the connector that is chosen.
    pub form: Option<FormView>,
    /// The connection that was saved, on its way to be turned on.
    pub saved: Option<SavedView>,
}

/// A connection that was saved and can be turned on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Whether Milepost calls it.
    pub called: bool,
    /// Why it cannot be used at all; empty where it can.
    pub unusable: String,
    /// What its test found.
    pub report: Option<ReportView>,
    /// The address that the platform sends to; none for what Milepost calls.
    pub ingest: Option<String>,
    /// The address that a desk reports changed tickets to; none for others.
    #[serde(default)]
    pub reports: Option<String>,
    /// When the last message came.
    pub last_ok: Option<When>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_shows_no_secret_to_a_log() {
        let form = ConnectionForm { secret: "hunter2".into(), ..ConnectionForm::default() };
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
