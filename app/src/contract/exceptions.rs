//! The exception queue.

use super::{
    ApiResult, When,
    choice::{choice, known},
    shipments::Lateness,
    unknown::UnknownView,
};
use async_trait::async_trait;
use domain::{Category, Severity, State};
use serde::{Deserialize, Serialize};

choice! {
    /// Which exceptions a queue shows.
    QueueTab {
        /// Open, not snoozed.
        Open = "open",
        /// Assigned to the viewer.
        Mine = "mine",
        /// Assigned to nobody.
        Unassigned = "unassigned",
        /// Snoozed.
        Snoozed = "snoozed",
        /// Ended.
        Closed = "closed",
        /// Open, snoozed and ended.
        All = "all",
    }
}

choice! {
    /// Whether they are overdue.
    Due {
        /// Either.
        Any = "",
        /// Overdue.
        Over = "over",
        /// Not yet due.
        Within = "within",
    }
}

choice! {
    /// For how long they are open; each as the overview counts them, by its least hours.
    Age {
        /// However long.
        Any = "",
        /// Less than 4 h.
        From0 = "0",
        /// 4 to 8 h.
        From4 = "4",
        /// 8 to 24 h.
        From8 = "8",
        /// 1 to 2 d.
        From24 = "24",
        /// 2 to 4 d.
        From48 = "48",
        /// 4 d or more.
        From96 = "96",
    }
}

impl Age {
    /// The least hours; none where the age does not matter.
    pub fn hours(self) -> Option<i64> {
        self.code().parse().ok()
    }

    /// The age with these least hours.
    pub fn of_hours(hours: i64) -> Self {
        Self::of(&hours.to_string())
    }
}

choice! {
    /// When they were recorded.
    Recorded {
        /// Whenever.
        Any = "",
        /// In the last 7 days.
        Week = "7d",
    }
}

choice! {
    /// Those with a ticket of the last 7 days.
    Tickets {
        /// With or without.
        Any = "",
        /// One was opened.
        Opened = "opened",
        /// One was opened, and resolved without a person.
        Resolved = "resolved",
    }
}

/// A question to the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueQuery {
    /// The view.
    #[serde(default)]
    pub view: QueueTab,
    /// Of this category.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Of this severity.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whether it is overdue.
    #[serde(default)]
    pub due: Due,
    /// For how long it is open.
    #[serde(default)]
    pub age: Age,
    /// When it was recorded.
    #[serde(default)]
    pub recorded: Recorded,
    /// With such a ticket.
    #[serde(default)]
    pub ticket: Tickets,
    /// Of this team, by its name; empty: of any.
    #[serde(default, with = "super::verbatim")]
    pub team: String,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
}

/// A page of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuePage {
    /// How many are open.
    pub open: u64,
    /// Open ones by category.
    pub cards: Vec<Card>,
    /// The teams that there are.
    #[serde(default)]
    pub teams: Vec<String>,
    /// The rows.
    pub rows: Vec<QueueRow>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A category with its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The category.
    pub category: Category,
    /// How many.
    pub count: u64,
    /// The worst severity among them.
    pub worst: Severity,
    /// How many have that.
    pub of_worst: u64,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueRow {
    /// The exception.
    pub id: String,
    /// The shipment.
    pub shipment: String,
    /// How much a person is needed.
    pub severity: Severity,
    /// Why.
    pub label: String,
    /// The reason's code.
    pub code: String,
    /// The number.
    pub number: String,
    /// Carrier and destination.
    pub route: String,
    /// Where the shipment is.
    pub state: State,
    /// The clock: how it stands, and in words.
    pub clock: (Lateness, String),
    /// For how long it is open.
    pub age: When,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether that is the viewer.
    pub mine: bool,
    /// The team that looks after it.
    pub team: Option<String>,
    /// What to do next, by the playbook.
    pub next_step: String,
    /// Who is responsible.
    pub responsible: String,
    /// The case's number and page.
    pub case: Option<(String, Option<String>)>,
    /// The desk that has it, where there are several.
    pub desk: Option<String>,
    /// Whether it has no ticket because none of the desks takes it.
    pub not_taken: bool,
    /// The exception of the same shipment that is worked on instead, where one is.
    #[serde(default)]
    pub led_by: Option<String>,
    /// Where an agent closed the ticket while the exception goes on: what happened, so that somebody decides.
    pub question: Option<String>,
    /// How and when it ended.
    pub closed: Option<(String, When)>,
    /// Whether somebody has seen it.
    pub acknowledged: bool,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// I have seen it.
    Acknowledge,
    /// I look after it.
    Take,
    /// Another person looks after it.
    Assign,
    /// Nobody in particular looks after it.
    Release,
    /// Out of the queue for a while.
    Snooze,
    /// Back in the queue.
    Unsnooze,
    /// A team looks after it, or none.
    Team,
    /// Settled.
    Resolve,
    /// Not settled after all.
    Reopen,
    /// A ticket is wanted again that an agent closed.
    Ticket,
}

choice! {
    /// Until when an exception is put off.
    SnoozeFor {
        /// This time tomorrow.
        Day = "",
        /// 4 hours.
        Hours = "4h",
        /// This time in 3 days.
        Days = "3d",
        /// This time in a week.
        Week = "7d",
    }
}

impl SnoozeFor {
    /// The hours.
    pub const fn hours(self) -> i64 {
        match self {
            Self::Hours => 4,
            Self::Day => 24,
            Self::Days => 72,
            Self::Week => 168,
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hours => "4 hours",
            Self::Day => "1 day",
            Self::Days => "3 days",
            Self::Week => "1 week",
        }
    }
}

/// What goes with an act: the reason for it, until when it is put off, to which team it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActWith {
    /// The reason.
    pub why: String,
    /// More of the reason, in a person's own words.
    pub note: String,
    /// For how long it is put off.
    pub snooze: SnoozeFor,
    /// Until when instead, in the viewer's zone: `2026-12-01T09:00`.
    pub until: String,
    /// The team; empty: none.
    pub team: String,
    /// The person, by their id.
    pub owner: String,
}

/// One exception.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionPage {
    /// As in the queue.
    pub row: QueueRow,
    /// The order.
    pub order: Option<String>,
    /// The transfer.
    #[serde(default)]
    pub transfer: Option<String>,
    /// What the clock or the order says that no event does: `Promised for Sun 22 Nov, and not delivered since 8 d.`
    #[serde(default)]
    pub why: Option<String>,
    /// The carrier's events behind it, newest first.
    #[serde(default)]
    pub events: Vec<EventLine>,
    /// What is wrong with the order's data, where that is what it is about.
    #[serde(default)]
    pub problems: Vec<String>,
    /// People who can look after it: id and name; none for a viewer who may not act.
    #[serde(default)]
    pub people: Vec<(String, String)>,
    /// The promised date.
    pub promised: Option<When>,
    /// The carrier's estimate.
    pub eta: Option<When>,
    /// The SLA clock.
    #[serde(default)]
    pub clock: ClockView,
    /// What can be claimed of the carrier for it.
    #[serde(default)]
    pub claim: Option<ClaimOffer>,
    /// Why nothing current is known of its shipment, where that is so.
    #[serde(default)]
    pub unknown: Option<UnknownView>,
    /// Until when it is put off.
    pub snoozed_until: Option<When>,
    /// The teams that there are.
    pub teams: Vec<String>,
    /// What happened to it, newest first.
    pub history: Vec<HistoryEntry>,
}

/// An event behind an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// When.
    pub at: When,
    /// What.
    pub title: String,
    /// The carrier's code.
    pub code: String,
    /// The observation, which the shipment's page opens as it was received.
    pub observation: String,
    /// Where.
    pub place: Option<String>,
}

/// The SLA clock of an exception.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// By when it is due; none while the clock stands still, and once it is closed.
    pub due: Option<When>,
    /// What stops the clock, or ends it.
    pub stops: String,
    /// When it grows more severe, and to what.
    pub escalates: Option<(When, String)>,
}

/// A claim for an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ClaimOffer {
    /// It can be raised, for this reason.
    Raise {
        /// The reason's code.
        reason: String,
    },
    /// It is there.
    There {
        /// Its number.
        number: String,
        /// How it stands.
        status: String,
    },
}

/// Something that happened to an exception.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: When,
    /// What.
    pub what: String,
    /// Who did it.
    pub who: Option<String>,
    /// The reason.
    pub why: Option<String>,
}

/// The queue.
#[async_trait]
pub trait ExceptionsPort: Send + Sync {
    /// A page.
    async fn queue(&self, query: QueueQuery) -> ApiResult<QueuePage>;
    /// One exception.
    async fn one(&self, id: String) -> ApiResult<ExceptionPage>;
    /// A person acts, with a reason where they gave one.
    async fn act(&self, id: String, act: Act, with: ActWith) -> ApiResult<()>;
}
