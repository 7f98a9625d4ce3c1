//! Connections to other systems: the list with its health, the guided form, one connection.

use super::{ApiResult, When};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which connections the list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListView {
    /// Every one.
    #[default]
    All,
    /// Those that send to Milepost.
    Sources,
    /// Those that Milepost calls.
    Destinations,
    /// Those that fail or are held up.
    Attention,
}

impl ListView {
    /// Every view.
    pub const ALL: &[Self] = &[Self::All, Self::Sources, Self::Destinations, Self::Attention];

    /// Its name in the address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Sources => "sources",
            Self::Destinations => "destinations",
            Self::Attention => "attention",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Sources => "Sources",
            Self::Destinations => "Destinations",
            Self::Attention => "Needs attention",
        }
    }

    /// The view of this name; all where there is none.
    pub fn of(code: &str) -> Self {
        Self::ALL.iter().copied().find(|view| view.code() == code).unwrap_or_default()
    }
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It works.
    Healthy,
    /// It is in use, and nothing has gone over it yet.
    NoTraffic,
    /// It fails: its jobs wait.
    Suspended,
    /// The other system limits the rate: its jobs wait.
    RateLimited,
    /// A person paused it.
    Paused,
    /// A person disabled it.
    Disabled,
    /// It was never turned on.
    Draft,
}

impl Health {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Healthy,
        Self::NoTraffic,
        Self::Suspended,
        Self::RateLimited,
        Self::Paused,
        Self::Disabled,
        Self::Draft,
    ];

    /// Its name in the address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::NoTraffic => "no_traffic",
            Self::Suspended => "suspended",
            Self::RateLimited => "rate_limited",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Draft => "draft",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::NoTraffic => "No traffic yet",
            Self::Suspended => "Suspended",
            Self::RateLimited => "Rate-limited",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
            Self::Draft => "Draft",
        }
    }
}

/// A question to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsQuery {
    /// The view.
    #[serde(default)]
    pub view: ListView,
    /// `production`, `sandbox`; empty: both.
    #[serde(default)]
    pub environment: String,
    /// The code of a health; empty: any.
    #[serde(default)]
    pub health: String,
    /// A connector; empty: any.
    #[serde(default)]
    pub connector: String,
    /// An owner; empty: any.
    #[serde(default)]
    pub owner: String,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsView {
    /// Each view with how many it shows.
    pub counts: Vec<(ListView, u64)>,
    /// Each health that there is, with how many and what waits there, in words.
    pub figures: Vec<HealthCount>,
    /// Messages and calls of the last 24 hours.
    pub traffic: u64,
    /// What fails now, worst first.
    pub failing: Vec<ConnectionRow>,
    /// By kind, those that need attention first.
    pub groups: Vec<Group>,
    /// Connectors to filter by: id and label.
    pub connectors: Vec<(String, String)>,
    /// Owners to filter by.
    pub owners: Vec<String>,
    /// As of when.
    pub as_of: When,
}

/// How many connections stand so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCount {
    /// How they stand.
    pub health: Health,
    /// How many.
    pub n: u64,
    /// What that means now.
    pub detail: String,
}

/// Connections of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its heading.
    pub title: String,
    /// The connections.
    pub rows: Vec<ConnectionRow>,
}

/// Messages or calls of one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourView {
    /// When it began, in the viewer's zone: `14:00`.
    pub hour: String,
    /// How many went well.
    pub ok: u64,
    /// How many failed.
    pub failed: u64,
}

/// A connection in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Its name, in addresses.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The connector, and where the other system is.
    pub about: String,
    /// Which way it goes.
    pub direction: String,
    /// Whether Milepost calls it.
    pub called: bool,
    /// Whether it leads to a test system.
    pub sandbox: bool,
    /// How it stands.
    pub health: Health,
    /// Why, or until when.
    pub detail: String,
    /// Since when it fails or waits.
    pub since: Option<When>,
    /// Each of the last 24 hours, oldest first.
    pub hours: Vec<HourView>,
    /// What went well in them.
    pub ok: u64,
    /// What failed in them.
    pub failed: u64,
    /// Jobs that wait.
    pub waiting: u64,
    /// When something last went well.
    pub last_ok: Option<When>,
    /// How many secrets are valid.
    pub secrets: u64,
    /// How old the newest is: `21 d`.
    pub secret_age: String,
    /// Who looks after it.
    pub owner: String,
}

impl ConnectionRow {
    /// Of a hundred how many failed, in words.
    pub fn errors(&self) -> String {
        let all = self.ok + self.failed;
        if self.failed == 0 {
            return if all == 0 { "nothing yet" } else { "no errors" }.into();
        }
        format!("{} % errors", percent(self.failed, all))
    }
}

/// A share in percent, with as many decimals as it takes to be seen.
#[expect(clippy::cast_precision_loss, reason = "messages of a day are far below 2^52")]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share {
        _ if part == whole => "100".into(),
        share if part == 0 || share >= 10.0 && share < 90.0 => format!("{share:.0}"),
        // what is not all must not look like it
        share if share > 99.95 => format!("{:.2}", share.min(99.99)),
        share if share < 0.05 => format!("{:.2}", share.max(0.01)),
        share => format!("{share:.1}"),
    }
}

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
    /// Whether the secret or the settings were changed since.
    pub outdated: bool,
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
    /// When the last message came.
    pub last_ok: Option<When>,
}

/// Jobs or messages of one class of error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// The class.
    pub class: String,
    /// What it means, and what to do.
    pub meaning: String,
    /// How many.
    pub n: u64,
    /// Whether they wait for a person; else they are tried again.
    pub failed: bool,
}

/// A call that Milepost made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// Its id.
    pub id: String,
    /// When.
    pub at: When,
    /// What the job does.
    pub what: String,
    /// What was called.
    pub operation: String,
    /// The shipment concerned.
    pub shipment: Option<String>,
    /// How it went, in words.
    pub result: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took.
    pub took: String,
    /// The job.
    pub job: String,
    /// The correlation id.
    pub correlation: String,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its id.
    pub id: String,
    /// When it came.
    pub at: When,
    /// What became of it.
    pub result: String,
    /// Whether it could be read.
    pub ok: bool,
    /// Its size in bytes.
    pub size: u64,
    /// The correlation id.
    pub correlation: String,
}

/// A line of the change log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Its place in the audit trail.
    pub seq: u64,
    /// The icon.
    pub icon: String,
    /// What was done.
    pub what: String,
    /// Values that changed: what, before, after.
    pub values: Vec<(String, String, String)>,
    /// Who, and why.
    pub who: String,
    /// When.
    pub at: When,
}

/// A connection with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// As in the list.
    pub row: ConnectionRow,
    /// How it stands, in a sentence.
    pub why: String,
    /// What it is for.
    pub purpose: String,
    /// A link to what to do when it fails; empty for none.
    pub runbook: String,
    /// Kinds of data that go over it.
    pub data_classes: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Jobs that are tried again.
    pub retrying: u64,
    /// Jobs or messages that wait for a person.
    pub dead: u64,
    /// What the hours cover: `Sun 15:00 to Mon 14:32`.
    pub span: String,
    /// As of when.
    pub as_of: When,
    /// Errors by class.
    pub errors: Vec<ErrorRow>,
    /// The newest calls of what Milepost calls.
    pub calls: Vec<CallRow>,
    /// The newest messages of a source.
    pub messages: Vec<MessageRow>,
    /// The newest changes.
    pub changes: Vec<ChangeView>,
    /// When the newest secret was set.
    pub secret_set: When,
    /// Which exceptions a desk takes: what, and the values; none for others.
    pub routing: Option<Vec<(String, String)>>,
    /// The settings for people: what, and the value.
    pub settings: Vec<(String, String)>,
    /// The form that changes it; none where this version has no such connector.
    pub form: Option<FormView>,
    /// What is known of its test and its turning on.
    pub saved: SavedView,
}

/// Connections.
#[async_trait]
pub trait ConnectionsPort: Send + Sync {
    /// The list.
    async fn list(&self, query: ConnectionsQuery) -> ApiResult<ConnectionsView>;
    /// One; with what was typed last where the form was refused.
    async fn one(&self, name: String, refused: bool) -> ApiResult<ConnectionView>;
    /// The guide: for a new connection of a connector, or for one that was saved.
    async fn guide(&self, connector: String, connection: String, refused: bool) -> ApiResult<GuideView>;
    /// Makes or changes one.
    async fn put(&self, form: ConnectionForm) -> ApiResult<Kept>;
    /// Tests one.
    async fn test(&self, name: String) -> ApiResult<()>;
    /// Sets a new secret, and tests it.
    async fn rotate(&self, name: String, secret: String) -> ApiResult<()>;
    /// Forgets the secret from before.
    async fn retire(&self, name: String) -> ApiResult<()>;
    /// Lets its jobs wait.
    async fn pause(&self, name: String, why: String) -> ApiResult<()>;
    /// Lets its jobs go on.
    async fn resume(&self, name: String) -> ApiResult<()>;
    /// Turns it on or off.
    async fn switch(&self, name: String, on: bool, why: String) -> ApiResult<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_all_does_not_look_like_it() {
        for (part, whole, shown) in [
            (0, 0, "–"),
            (0, 7, "0"),
            (7, 7, "100"),
            (1, 2, "50"),
            (7, 18_402, "0.04"),
            (1, 1_000_000, "0.01"),
            (999_999, 1_000_000, "99.99"),
            (18_395, 18_402, "99.96"),
            (3, 1_000, "0.3"),
        ] {
            assert_eq!(percent(part, whole), shown, "{part} of {whole}");
        }
    }

    #[test]
    fn a_form_shows_no_secret_to_a_log() {
        let form = ConnectionForm { secret: "hunter2".into(), ..ConnectionForm::default() };
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
