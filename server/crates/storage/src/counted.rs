//! The rows that each figure counts.
//!
//! What a figure counts is defined once, as the query of the list that shows its rows ([`Figures::each`]); engines count it,
//! pages link to it, and the conformance suite compares both.

use crate::{
    Page, Result, Scope, Store,
    figures::{AGES, DONE, Figures, LONG_RETRYING, Span, WEEK},
    jobs::{DestinationSummary, JobFilter, JobSelection},
    shipments::{Freshness, ShipmentQuery, ShipmentTab, TabCounts},
    work::{CaseFilter, Due, QueueCounts, QueueQuery, QueueView},
};
use jiff::{Timestamp, tz::TimeZone};

/// The rows that a figure counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// A list of shipments.
    Shipments(ShipmentQuery),
    /// A queue of exceptions.
    Exceptions(QueueQuery),
    /// A list of jobs.
    Jobs(JobFilter, JobSelection),
}

/// A figure with its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Which, for messages.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Of what.
    pub rows: Rows,
}

fn figure(name: impl Into<String>, count: u64, rows: Rows) -> Figure {
    Figure { name: name.into(), count, rows }
}

/// Shipments that are linked to an order.
fn linked(tab: ShipmentTab) -> ShipmentQuery {
    ShipmentQuery { tab, linked: true, ..ShipmentQuery::default() }
}

impl Figures {
    /// Every figure with the rows that it counts: the definition of both.
    pub fn each(&self, now: Timestamp, zone: &TimeZone) -> Vec<Figure> {
        let shipments = |name: &str, count, query| figure(name, count, Rows::Shipments(query));
        let exceptions = |name: &str, count, query| figure(name, count, Rows::Exceptions(query));
        let fresh = |freshness| ShipmentQuery { freshness: Some(freshness), ..ShipmentQuery::default() };
        let all = QueueQuery { view: QueueView::All, ..QueueQuery::default() };
        let due = |due| QueueQuery { due: Some(due), ..QueueQuery::default() };
        let case = |self_resolved| Some(CaseFilter { opened: Span::last(WEEK, now), self_resolved });
        let recorded = Some(Span::last(WEEK, now));
        let retrying = JobSelection { created_until: now.checked_sub(LONG_RETRYING).ok(), ..JobSelection::default() };
        let mut each = vec![
            shipments("open", self.open, ShipmentQuery::default()),
            shipments("current", self.current, fresh(Freshness::Current)),
            shipments("outdated", self.open - self.current.min(self.open), fresh(Freshness::Outdated)),
            shipments("received", self.received, fresh(Freshness::Received)),
            shipments("not received", self.open - self.received.min(self.open), fresh(Freshness::NotReceived)),
            exceptions("exceptions", self.exceptions, QueueQuery::default()),
            exceptions("overdue", self.overdue, due(Due::Over)),
            exceptions("snoozed", self.snoozed, QueueQuery { view: QueueView::Snoozed, ..QueueQuery::default() }),
            exceptions("exceptions, 7 days", self.exceptions_7d, QueueQuery { recorded, ..all.clone() }),
            exceptions("tickets, 7 days", self.cases_7d, QueueQuery { case: case(false), ..all.clone() }),
            exceptions("tickets resolved", self.cases_self_healed_7d, QueueQuery { case: case(true), ..all }),
            figure("failed jobs", self.dead_jobs, Rows::Jobs(JobFilter::Failed, JobSelection::default())),
            figure("retrying", self.long_retrying, Rows::Jobs(JobFilter::Retrying, retrying)),
        ];
        for (hours, ages) in AGES.iter().zip(&self.ageing) {
            let opened = Some(Span::age(*hours, now));
            for (word, count, of) in [("due", ages.within, Due::Within), ("overdue", ages.over, Due::Over)] {
                let name = format!("{word}, open for {hours} h or more");
                each.push(exceptions(&name, count, QueueQuery { opened, ..due(of) }));
            }
        }
        for (state, count) in &self.by_state {
            let query = ShipmentQuery { states: vec![*state], ..linked(ShipmentTab::All) };
            each.push(shipments(state.code(), *count, query));
        }
        for of in &self.carriers {
            let carrier = |query| ShipmentQuery { carrier: Some(of.carrier.clone()), ..query };
            let going = carrier(ShipmentQuery::default());
            let current = carrier(fresh(Freshness::Current));
            each.extend([
                shipments(&of.carrier, of.shipments, carrier(linked(ShipmentTab::All))),
                shipments(&format!("{}, in transit", of.carrier), of.open, going),
                shipments(&format!("{}, current", of.carrier), of.current, current),
                shipments(
                    &format!("{}, exceptions", of.carrier),
                    of.exceptions,
                    carrier(linked(ShipmentTab::Exceptions)),
                ),
                shipments(&format!("{}, delivered", of.carrier), of.delivered, carrier(linked(ShipmentTab::Delivered))),
            ]);
        }
        for (day, count) in &self.days {
            let delivered = Some(Span::day(*day, zone));
            let query = ShipmentQuery { delivered, ..linked(ShipmentTab::Delivered) };
            each.push(shipments(&format!("delivered on {day}"), *count, query));
        }
        each
    }
}

impl TabCounts {
    /// Every tab with its rows.
    pub fn each(&self) -> Vec<Figure> {
        let tabs = [
            (ShipmentTab::Open, self.open),
            (ShipmentTab::Exceptions, self.exceptions),
            (ShipmentTab::Late, self.late),
            (ShipmentTab::Silent, self.silent),
            (ShipmentTab::Delivered, self.delivered),
            (ShipmentTab::Unclaimed, self.unclaimed),
            (ShipmentTab::All, self.all),
        ];
        let of = |(tab, count)| {
            figure(format!("tab {tab:?}"), count, Rows::Shipments(ShipmentQuery { tab, ..ShipmentQuery::default() }))
        };
        tabs.into_iter().map(of).collect()
    }
}

impl DestinationSummary {
    /// Every figure of a destination with its rows.
    pub fn each(&self, now: Timestamp) -> Vec<Figure> {
        let of = JobSelection { destination: Some(self.destination.clone()), ..JobSelection::default() };
        let name = |word: &str| format!("{}, {word}", self.destination);
        let recent = JobSelection { since: now.checked_sub(DONE).ok(), ..of.clone() };
        let mut each = vec![
            figure(name("done"), self.done, Rows::Jobs(JobFilter::Done, recent)),
            figure(name("pending"), self.pending, Rows::Jobs(JobFilter::Pending, of.clone())),
            figure(name("retrying"), self.retrying, Rows::Jobs(JobFilter::Retrying, of.clone())),
            figure(name("failed"), self.dead, Rows::Jobs(JobFilter::Failed, of.clone())),
        ];
        for error in &self.errors {
            let which = JobSelection { class: Some(error.class.clone()), ..of.clone() };
            each.push(figure(name(&error.class), error.count, Rows::Jobs(error.filter, which)));
        }
        each
    }
}

/// Every count of the queue with its rows: the open exceptions of a category and severity, snoozed ones left out.
pub fn of_queue(counts: &QueueCounts) -> Vec<Figure> {
    let of = |(category, severity, count): &(domain::Category, domain::Severity, u64)| {
        let query = QueueQuery { category: Some(*category), severity: Some(*severity), ..QueueQuery::default() };
        figure(format!("{} {}", severity.code(), category.code()), *count, Rows::Exceptions(query))
    };
    counts.iter().map(of).collect()
}

/// Counts rows page by page, as a person would who follows every "Next page"; at most so many.
///
/// # Errors
/// When the store fails.
pub async fn walk(store: &Store, scope: Scope, rows: &Rows, now: Timestamp, at_most: u64) -> Result<u64> {
    fn read<T>(page: Page<T>) -> (u64, Option<String>) {
        (page.rows.len() as u64, page.next)
    }
    let (mut count, mut cursor) = (0, None);
    loop {
        let (found, next) = match rows.clone() {
            Rows::Shipments(query) => read(store.shipments.list(scope, ShipmentQuery { cursor, ..query }, now).await?),
            Rows::Exceptions(query) => read(store.work.queue(scope, QueueQuery { cursor, ..query }, now).await?),
            Rows::Jobs(filter, which) => read(store.jobs.list(scope, filter, which, cursor).await?),
        };
        (count, cursor) = (count + found, next);
        if cursor.is_none() || count >= at_most {
            return Ok(count);
        }
    }
}
