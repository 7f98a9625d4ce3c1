//! The queue of exceptions.

use crate::{
    Page, Result, Scope, StoreError, cases::CaseRecord, exceptions::ExceptionRecord, figures::Span, orders::Origin,
    trackers::NumberRecord,
};
use async_trait::async_trait;
use domain::{Category, ExceptionReason, Severity, State, ids::ExceptionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Which exceptions a queue shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueView {
    /// Open, not snoozed.
    #[default]
    Open,
    /// Mine.
    Mine,
    /// Unassigned.
    Unassigned,
    /// Snoozed.
    Snoozed,
    /// Ended in the last 30 days, the newest first.
    Closed,
    /// Open, snoozed and ended, the last recorded first.
    All,
}

/// A question to the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueQuery {
    /// Which.
    pub view: QueueView,
    /// Of this category.
    pub category: Option<Category>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of these due times: overdue is what is due before now.
    pub due: Option<Due>,
    /// Began, by the event, within this time.
    pub opened: Option<Span>,
    /// Recorded within this time.
    pub recorded: Option<Span>,
    /// With such a ticket.
    pub case: Option<CaseFilter>,
    /// Of this team.
    pub team: Option<String>,
    /// This one alone.
    pub id: Option<ExceptionId>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// Which tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseFilter {
    /// Opened within this time.
    pub opened: Span,
    /// Only those that are resolved and whose exception ended without a person.
    pub self_resolved: bool,
}

/// A row of the queue.
#[derive(Clone, Debug)]
pub struct QueueRow {
    /// The exception.
    pub exception: ExceptionRecord,
    /// The owner's name.
    pub owner_name: Option<String>,
    /// The shipment's state.
    pub state: State,
    /// The record it stands for.
    pub origin: Option<Origin>,
    /// Its numbers.
    pub numbers: Vec<NumberRecord>,
    /// Its destination.
    pub destination: Option<String>,
    /// The case.
    pub case: Option<CaseRecord>,
    /// The reasons of the other open exceptions of its shipment.
    pub others: Vec<ExceptionReason>,
}

/// How many open exceptions of each category and severity.
pub type QueueCounts = Vec<(Category, Severity, u64)>;

/// From an engine's counters of open exceptions, by `CATEGORY/SEVERITY`, and how many of each are snoozed: the most
/// severe first, then the most frequent.
///
/// # Errors
/// `Damaged` when a counter counts something else.
pub fn queue_counts(open: Vec<(String, u64)>, snoozed: &HashMap<String, u64>) -> Result<QueueCounts> {
    let mut counts = Vec::with_capacity(open.len());
    for (key, number) in open {
        let read = key
            .split_once('/')
            .and_then(|(category, severity)| Some((Category::from_code(category)?, Severity::from_code(severity)?)));
        let (category, severity) = read.ok_or_else(|| StoreError::Damaged(format!("counter of {key}")))?;
        let number = number.saturating_sub(snoozed.get(&key).copied().unwrap_or(0));
        if number > 0 {
            counts.push((category, severity, number));
        }
    }
    counts.sort_by(|(a, x, n), (b, y, m)| y.cmp(x).then(m.cmp(n)).then_with(|| a.code().cmp(b.code())));
    Ok(counts)
}

/// Whether an exception is past its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Time is left.
    Within,
    /// Overdue.
    Over,
}

/// The queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// A page of the queue: by severity, then due time; what is closed by when it ended, and [`QueueView::All`] by when it
    /// was recorded, the newest first.
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>>;

    /// Open exceptions by category and severity, snoozed ones left out.
    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts>;

    /// How many open exceptions each team has, snoozed ones left out.
    async fn team_counts(&self, scope: Scope, now: Timestamp) -> Result<BTreeMap<String, u64>>;
}
