//! Operational alerts, the channels that they go out over, and the rules that make them.

use super::{
    ApiResult, When,
    choice::{choice, known},
};
use async_trait::async_trait;
use domain::Severity;
use serde::{Deserialize, Serialize};

choice! {
    /// What the page shows.
    AlertTab {
        /// Open ones that are neither acknowledged nor snoozed, and those that are acknowledged.
        Open = "",
        /// Those that a person has seen.
        Acknowledged = "acknowledged",
        /// Those that are quiet for a while.
        Snoozed = "snoozed",
        /// Those that ended in the last 7 days.
        Resolved = "resolved",
    }
}

impl AlertTab {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Acknowledged => "Acknowledged",
            Self::Snoozed => "Snoozed",
            Self::Resolved => "Resolved",
        }
    }
}

choice! {
    /// Whose alerts are shown.
    AlertOwner {
        /// Everybody's.
        Any = "",
        /// The viewer's.
        Mine = "mine",
        /// Those that have no owner.
        Unassigned = "unassigned",
    }
}

choice! {
    /// For how long an alert is snoozed.
    SnoozeFor {
        /// An hour.
        Hour = "1h",
        /// Four hours.
        FourHours = "4h",
        /// A day.
        Day = "1d",
        /// A week.
        Week = "7d",
    }
}

impl SnoozeFor {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::FourHours => "4 hours",
            Self::Day => "1 day",
            Self::Week => "1 week",
        }
    }

    /// The hours.
    pub const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::FourHours => 4,
            Self::Day => 24,
            Self::Week => 7 * 24,
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertsQuery {
    /// Which list.
    pub view: AlertTab,
    /// Of this severity.
    #[serde(deserialize_with = "known")]
    pub severity: Option<Severity>,
    /// Of this kind, by its code.
    pub kind: String,
    /// Whose.
    pub owner: AlertOwner,
    /// About this connection, by its name.
    pub connection: String,
    /// This one alone, as notifications link to it.
    pub alert: String,
}

/// An entry of an alert's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When.
    pub at: When,
    /// What happened, and by whom.
    pub text: String,
}

/// An alert in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Its id.
    pub id: String,
    /// How much a person is needed.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Why.
    pub detail: String,
    /// The first step of the runbook.
    pub first_step: String,
    /// The page that shows what to do.
    pub link: String,
    /// What was sent: `Slack 14:05`; the icon of its channel, and the words.
    pub sent: Vec<(String, String)>,
    /// What it affects: `61 updates`.
    pub affects: String,
    /// Since when.
    pub since: When,
    /// For how long.
    pub age: String,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether that is the viewer.
    pub mine: bool,
    /// `acknowledged 09:52`, `not acknowledged`, `snoozed until 14:00`.
    pub standing: String,
    /// Whether it can be acknowledged.
    pub acknowledgeable: bool,
    /// What happened, newest first.
    pub history: Vec<HistoryLine>,
}

/// An alert that is snoozed or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietRow {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// `Major, 22 min`.
    pub about: String,
    /// When it opened.
    pub opened: When,
    /// When it ended, or until when it is snoozed.
    pub ended: When,
    /// Whether it is snoozed.
    pub snoozed: bool,
    /// How: `Cleared by itself`.
    pub how: String,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// The connection's name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its icon.
    pub icon: String,
    /// What it takes: `critical and major, at once`.
    pub takes: String,
    /// Whether it works; none where that is not known.
    pub works: Option<bool>,
    /// In a word: `works`, `fails`, `off`, `not tested`.
    pub state: String,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// The kind's code.
    pub kind: String,
    /// What a person reads.
    pub label: String,
    /// `Critical · fails for longer than 5 min · fired 2`.
    pub about: String,
    /// Whether it is on.
    pub on: bool,
    /// Its number; none where it has none.
    pub threshold: Option<u32>,
    /// The least and the most that may be set, and what follows the number.
    pub limits: (u32, u32, String),
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsView {
    /// `6 open, 2 critical; 4 not acknowledged, longest 5 h 32 min`.
    pub summary: String,
    /// How many are not acknowledged.
    pub unacknowledged: u64,
    /// When this was read, in microseconds: what comes later is not acknowledged with all that is shown.
    pub read_us: String,
    /// The tabs with their numbers.
    pub tabs: Vec<(AlertTab, u64)>,
    /// The alerts of the tab, by severity.
    pub rows: Vec<AlertRow>,
    /// Snoozed ones, and those that ended today; of the tab *Resolved* those of the last 7 days.
    pub quiet: Vec<QuietRow>,
    /// The channels.
    pub channels: Vec<ChannelRow>,
    /// When they were last tested.
    pub tested: Option<When>,
    /// Their quiet hours.
    pub quiet_hours: String,
    /// The rules.
    pub rules: Vec<RuleRow>,
    /// Kinds to filter by: code and label.
    pub kinds: Vec<(String, String)>,
    /// Connections to filter by: name and label.
    pub about: Vec<(String, String)>,
    /// Every connection: name and label.
    pub connections: Vec<(String, String)>,
    /// The connections that are under maintenance.
    pub maintenance: Vec<MaintenanceRow>,
}

/// A connection under maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceRow {
    /// The connection's name.
    pub connection: String,
    /// What people call it.
    pub label: String,
    /// When it ends by itself.
    pub until: When,
    /// `Anna Lind: new certificate`.
    pub why: String,
}

/// Maintenance of a connection, as a person begins it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MaintenanceForm {
    /// The connection's name.
    pub connection: String,
    /// For how long.
    pub span: SnoozeFor,
    /// Until when instead, in the viewer's zone: `2026-12-01T09:00`.
    pub until: String,
    /// Why.
    pub why: String,
}

/// Alerts.
#[async_trait]
pub trait AlertsPort: Send + Sync {
    /// The page.
    async fn view(&self, query: AlertsQuery) -> ApiResult<AlertsView>;
    /// Acknowledges one, or where none is named all that a page showed which was read then; how many.
    async fn acknowledge(&self, id: String, read_us: String) -> ApiResult<u64>;
    /// Takes one over, or gives it up.
    async fn assign(&self, id: String, mine: bool) -> ApiResult<()>;
    /// Snoozes one.
    async fn snooze(&self, id: String, span: SnoozeFor, why: String) -> ApiResult<()>;
    /// Ends one.
    async fn resolve(&self, id: String, why: String) -> ApiResult<()>;
    /// Begins the maintenance of a connection.
    async fn maintain(&self, form: MaintenanceForm) -> ApiResult<()>;
    /// Ends it.
    async fn end_maintenance(&self, connection: String) -> ApiResult<()>;
    /// Sets a rule; a text that is empty sets nothing.
    async fn set_rule(&self, kind: String, on: String, threshold: String) -> ApiResult<()>;
    /// Sends a test over a channel, or every one that is in use; how many took it, of how many.
    async fn test(&self, channel: String) -> ApiResult<(u64, u64)>;
}
