//! The exception queue.

use super::{ApiResult, When, shipments::Lateness};
use async_trait::async_trait;
use domain::{Severity, State};
use serde::{Deserialize, Serialize};

/// A question to the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueQuery {
    /// The view: open, mine, unassigned, snoozed, closed, all.
    #[serde(default)]
    pub view: String,
    /// A category's code, or nothing.
    #[serde(default)]
    pub category: String,
    /// A severity's code, or nothing.
    #[serde(default)]
    pub severity: String,
    /// `over` or `within`: whether it is overdue.
    #[serde(default)]
    pub due: String,
    /// The least hours of one of the ages, or nothing.
    #[serde(default)]
    pub age: String,
    /// `7d`: recorded in the last 7 days.
    #[serde(default)]
    pub recorded: String,
    /// `opened` or `resolved`: with a ticket that was opened in the last 7 days, or of these with one that was resolved
    /// without a person.
    #[serde(default)]
    pub ticket: String,
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
    /// The rows.
    pub rows: Vec<QueueRow>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A category with its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// As in the address.
    pub code: String,
    /// As shown.
    pub label: String,
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
    /// Who is responsible.
    pub responsible: String,
    /// The case's number and page.
    pub case: Option<(String, Option<String>)>,
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
    /// Nobody in particular looks after it.
    Release,
    /// Out of the queue until tomorrow.
    Snooze,
    /// Settled.
    Resolve,
    /// Not settled after all.
    Reopen,
    /// A ticket is wanted again that an agent closed.
    Ticket,
}

/// The queue.
#[async_trait]
pub trait ExceptionsPort: Send + Sync {
    /// A page.
    async fn queue(&self, query: QueueQuery) -> ApiResult<QueuePage>;
    /// A person acts, with a reason where they gave one.
    async fn act(&self, id: String, act: Act, why: String) -> ApiResult<()>;
}
