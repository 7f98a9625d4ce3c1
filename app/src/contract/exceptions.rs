//! The exception queue.

use super::{
    Answer, Category, ExceptionId, ExceptionReason, Instant, Link, Page, Party, Severity, ShipmentId, State,
    session::Viewer,
    shipments::{Closed, Number, Ownership},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Which exceptions the queue shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueTab {
    /// Open, not snoozed.
    #[default]
    All,
    /// The viewer's.
    Mine,
    /// Nobody's.
    Unassigned,
    /// Snoozed.
    Snoozed,
    /// Ended in the last 30 days.
    Closed,
}

impl QueueTab {
    /// Every tab, in the order of the page.
    pub const ALL: [Self; 5] = [Self::All, Self::Mine, Self::Unassigned, Self::Snoozed, Self::Closed];

    /// The word in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All open",
            Self::Mine => "Mine",
            Self::Unassigned => "Nobody’s",
            Self::Snoozed => "Snoozed",
            Self::Closed => "Closed",
        }
    }
}

/// A question to the queue. The whole of it is in the URL of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueQuery {
    /// Which.
    #[serde(default)]
    pub tab: QueueTab,
    /// Of this severity.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Of this category.
    #[serde(default)]
    pub category: Option<Category>,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A page of the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueView {
    /// When this was read.
    pub now: Instant,
    /// Categories that have open exceptions, most first.
    pub categories: Vec<CategoryCard>,
    /// How many open exceptions each severity has, worst first.
    pub severities: Vec<(Severity, u64)>,
    /// How many there are in each tab, where that is cheap to know.
    pub counts: Vec<(QueueTab, u64)>,
    /// The rows: by severity, then by due time.
    pub page: Page<QueueRow>,
}

/// How much trouble of one kind there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCard {
    /// The kind.
    pub category: Category,
    /// Open exceptions, snoozed ones left out.
    pub open: u64,
    /// Of these, critical ones.
    pub critical: u64,
    /// Of these, major ones.
    pub major: u64,
}

/// A row of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueRow {
    /// The exception.
    pub id: ExceptionId,
    /// Why.
    pub reason: ExceptionReason,
    /// How much a person is needed.
    pub severity: Severity,
    /// The piece concerned.
    pub piece: Option<String>,
    /// Who is answerable.
    pub responsible: Party,
    /// The shipment.
    pub shipment: ShipmentId,
    /// Its numbers.
    pub numbers: Vec<Number>,
    /// The order's name.
    pub order: Option<String>,
    /// Where it goes.
    pub destination: Option<String>,
    /// Where it is.
    pub state: State,
    /// When it began.
    pub opened_at: Instant,
    /// When we first knew: the SLA clock begins here.
    pub recorded_at: Instant,
    /// When somebody has to have acted.
    pub due_at: Instant,
    /// How it ended.
    pub closed: Option<Closed>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether that is the viewer.
    pub owned_by: Ownership,
    /// When somebody said "I have seen it".
    pub acknowledged_at: Option<Instant>,
    /// Out of the queue until then.
    pub snoozed_until: Option<Instant>,
    /// Its case.
    pub case: Option<Link>,
}

/// What a person does with an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Seen.
    Acknowledge,
    /// The viewer looks after it.
    AssignToMe,
    /// Nobody looks after it any more.
    GiveBack,
    /// Out of the queue for a while.
    Snooze {
        /// For so many hours, 1 to 720.
        hours: u32,
    },
    /// Settled.
    Resolve {
        /// Why, in the person's words; not empty.
        why: String,
    },
    /// Not settled after all.
    Reopen {
        /// Why, in the person's words; may be empty.
        why: String,
    },
}

/// The exception queue.
#[async_trait]
pub trait ExceptionsPort: Send + Sync {
    /// A page of the queue.
    async fn queue(&self, viewer: &Viewer, query: QueueQuery) -> Answer<QueueView>;

    /// A person acts.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was closed or changed meanwhile; `Invalid { field: "why" | "hours" }`.
    async fn act(&self, viewer: &Viewer, id: &ExceptionId, action: Action) -> Answer<()>;
}
