//! Where the systems differ: how far they agree, the differences, what mends them.

use super::{ApiResult, When, choice::choice};
use async_trait::async_trait;
use domain::{
    State,
    ownership::{FIELDS, Field},
    reconcile::{Cause, Choice, Topic},
};
use serde::{Deserialize, Serialize};

choice! {
    /// What the list shows.
    Tab {
        /// Every open difference.
        All = "",
        /// Those that can be mended without a decision.
        Safe = "safe",
        /// Those that a person decides.
        Decision = "decision",
        /// Those that mend themselves.
        Waits = "waits",
        /// Those that were mended today.
        Fixed = "fixed",
        /// The runs.
        Runs = "runs",
    }
}

impl Tab {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Safe => "Safe to fix",
            Self::Decision => "Needs a decision",
            Self::Waits => "Waits for an update",
            Self::Fixed => "Fixed today",
            Self::Runs => "Runs",
        }
    }
}

choice! {
    /// Who looks after them.
    Owned {
        /// Anyone, or no one.
        Any = "",
        /// The viewer.
        Mine = "mine",
        /// No one.
        Unassigned = "unassigned",
    }
}

choice! {
    /// For how long they are open.
    Age {
        /// However long.
        Any = "",
        /// Less than an hour.
        Hour = "1h",
        /// An hour to a day.
        Day = "24h",
        /// More than a day.
        Older = "older",
    }
}

impl Age {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Hour => "less than 1 h",
            Self::Day => "1 to 24 h",
            Self::Older => "more than a day",
        }
    }
}

impl Owned {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Mine => "me",
            Self::Unassigned => "unassigned",
        }
    }
}

/// A question to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationQuery {
    /// The tab.
    #[serde(default)]
    pub view: Tab,
    /// A topic, by its code; empty: any.
    #[serde(default)]
    pub field: String,
    /// A system, by the name of its connection; empty: any.
    #[serde(default)]
    pub system: String,
    /// A cause, by its code; empty: any.
    #[serde(default)]
    pub cause: String,
    /// A carrier; empty: any.
    #[serde(default)]
    pub carrier: String,
    /// Who looks after them.
    #[serde(default)]
    pub owner: Owned,
    /// For how long they are open.
    #[serde(default)]
    pub age: Age,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
    /// The differences that a fix is previewed for, by their ids with commas between them.
    #[serde(default)]
    pub preview: String,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconciliationView {
    /// How far the systems agree; none before the first run has ended.
    pub share: Option<ShareView>,
    /// The share of each day, oldest first.
    pub days: Vec<DayView>,
    /// What should agree, in percent.
    pub target: String,
    /// The run that goes on.
    pub running: Option<RunningView>,
    /// Open differences by cause, most first.
    pub causes: Vec<(Cause, u64)>,
    /// Each tab with how many it has; of the runs none.
    pub tabs: Vec<(Tab, Option<u64>)>,
    /// The differences of the tab.
    pub rows: Vec<DifferenceView>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// How many the tab has in all, where no filter narrows it.
    pub total: u64,
    /// The runs, on their tab.
    pub runs: Vec<RunRow>,
    /// When a run starts by itself, in words.
    pub every: Option<String>,
    /// Whether an order system is connected.
    pub connected: bool,
    /// Systems to filter by: name and label.
    pub systems: Vec<(String, String)>,
    /// Carriers to filter by.
    pub carriers: Vec<String>,
    /// What a fix of the differences that are previewed comes to.
    pub preview: Option<PreviewView>,
    /// What runs compare, in words.
    pub definition: String,
}

/// How far the systems agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareView {
    /// In percent, with two decimals.
    pub percent: String,
    /// Against the last share of an earlier day: points, and whether that is better.
    pub change: Option<(String, bool)>,
    /// Shipments that were compared.
    pub compared: u64,
    /// Those that agree.
    pub agreeing: u64,
    /// Open differences by now.
    pub differ: u64,
    /// How old the oldest is.
    pub oldest: Option<String>,
    /// What is missing to the target, in words; none where it is met.
    pub missing: Option<String>,
    /// When the run ended.
    pub at: When,
}

/// The share of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayView {
    /// The day: `23 Nov`.
    pub day: String,
    /// In hundredths of a percent.
    pub basis_points: u64,
    /// In percent.
    pub percent: String,
    /// Shipments that were compared.
    pub compared: u64,
    /// Those that differ.
    pub differing: u64,
}

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningView {
    /// Its id.
    pub id: String,
    /// Since when, and who started it.
    pub since: When,
    /// Who started it.
    pub by: String,
    /// Whether it mends nothing.
    pub dry_run: bool,
    /// Compared so far.
    pub compared: u64,
    /// To be compared, as far as is known.
    pub total: u64,
    /// What it has come to, and how long it still takes, in words.
    pub so_far: String,
    /// Its steps: words, how each stands (`done`, `now`, `waits`), and a figure.
    pub steps: Vec<(String, String, String)>,
}

/// A run of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// When it began.
    pub started: When,
    /// Who started it.
    pub by: String,
    /// How it stands.
    pub state: String,
    /// How long it took.
    pub took: String,
    /// The share that agreed, in percent.
    pub percent: String,
    /// Shipments that were compared.
    pub compared: u64,
    /// Those that differ.
    pub differing: u64,
    /// Differences opened and closed, and fixes begun.
    pub changes: (u64, u64, u64),
}

/// What one system says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidView {
    /// In words.
    pub text: String,
    /// The status, where it is one.
    pub state: Option<State>,
    /// Whether a fix would change it.
    pub odd: bool,
    /// Beside it.
    pub note: String,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// Its id.
    pub id: String,
    /// Counts its changes.
    pub revision: u64,
    /// What differs.
    pub topic: Topic,
    /// The same, in words.
    pub title: String,
    /// The tracking number, else the transfer.
    pub name: String,
    /// The shipment.
    pub shipment: Option<String>,
    /// The order.
    pub order: String,
    /// The delivery's page in the order system.
    pub url: Option<String>,
    /// What the order system says.
    pub odoo: SaidView,
    /// What Milepost says.
    pub ours: SaidView,
    /// What the desk says.
    pub desk: SaidView,
    /// How old it is.
    pub age: String,
    /// Since when.
    pub since: When,
    /// Why.
    pub cause: Cause,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether the viewer does.
    pub mine: bool,
    /// What mends it, by its code.
    pub fix: String,
    /// What its button says.
    pub action: String,
    /// Whether it can be chosen for a fix.
    pub choosable: bool,
    /// What a person may decide: the choice and what its button says.
    pub choices: Vec<(Choice, String)>,
    /// How it ended, or that it is being fixed; empty while it is open.
    pub state: String,
}

/// What a fix comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    /// The differences that were chosen.
    pub ids: Vec<String>,
    /// Updates in the order system.
    pub updates: u64,
    /// Deliveries that are read again.
    pub taken: u64,
    /// Tickets.
    pub tickets: u64,
    /// Left out.
    pub skipped: u64,
    /// When it was counted.
    pub at: When,
}

impl PreviewView {
    /// How many are mended.
    pub const fn fixes(&self) -> u64 {
        self.updates + self.taken + self.tickets
    }
}

/// Differences that were chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// By their ids.
    #[serde(default)]
    pub ids: Vec<String>,
}

/// Who owns which field.
pub const fn fields() -> &'static [Field] {
    FIELDS
}

/// Reconciliation.
#[async_trait]
pub trait ReconciliationPort: Send + Sync {
    /// The page.
    async fn view(&self, query: ReconciliationQuery) -> ApiResult<ReconciliationView>;
    /// Starts a run.
    async fn start(&self, dry_run: bool) -> ApiResult<()>;
    /// Stops a run.
    async fn stop(&self, run: String) -> ApiResult<()>;
    /// Has differences mended; how many.
    async fn fix(&self, ids: Vec<String>) -> ApiResult<u64>;
    /// Decides whose value counts.
    async fn decide(&self, id: String, revision: u64, choice: String) -> ApiResult<()>;
    /// Takes a difference over, or gives it up.
    async fn assign(&self, id: String, mine: bool) -> ApiResult<()>;
    /// The differences that a question selects, as a file of comma-separated values.
    async fn export(&self, query: ReconciliationQuery) -> ApiResult<String>;
}
