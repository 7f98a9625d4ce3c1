//! Figures, and the rows that each of them counts.
//!
//! What a figure counts is said once, as the question to the list that shows its rows ([`Figures::each`]); engines count it,
//! pages link to it, and the conformance suite compares both. Windows end now and begin on a full quarter of an hour, days
//! begin at midnight in the viewer's zone: every zone in use today is a multiple of a quarter of an hour away from UTC, so
//! that whatever counts by quarter hour can answer for all of them.

use crate::{
    Page, Result, Scope, Store,
    jobs::{DestinationSummary, JobFilter, JobSelection},
    shipments::{Freshness, ShipmentQuery, ShipmentTab, TabCounts},
    work::{CaseFilter, Due, QueueCounts, QueueQuery, QueueView},
};
use domain::State;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A shipment whose last event is not older than this is up to date.
pub const CURRENT: SignedDuration = SignedDuration::from_hours(48);
/// The window of weekly figures.
pub const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A job that retries for longer than this needs attention.
pub const LONG_RETRYING: SignedDuration = SignedDuration::from_hours(1);
/// Finished jobs are counted for this time.
pub const DONE: SignedDuration = SignedDuration::from_hours(24);
/// Days of the daily figures.
pub const DAYS: i32 = 14;
/// The ages of open exceptions: at least so many hours and less than the next.
pub const AGES: &[i64] = &[0, 4, 8, 24, 48, 96];
/// Windows begin on a full quarter of an hour.
const QUARTER: i64 = 15 * 60;

/// From when (included) to when (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
}

impl Span {
    /// From a time on.
    pub const fn since(from: Timestamp) -> Self {
        Self { from, until: Timestamp::MAX }
    }

    /// The window of this length that ends now.
    pub fn last(window: SignedDuration, now: Timestamp) -> Self {
        Self::since(back(now, window))
    }

    /// A day in a zone.
    pub fn day(day: Date, zone: &TimeZone) -> Self {
        let midnight = |day: Date| {
            zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).unwrap_or(Timestamp::UNIX_EPOCH)
        };
        Self { from: midnight(day), until: day.tomorrow().map_or(Timestamp::MAX, midnight) }
    }

    /// What began at least so many hours ago, and less than the next of [`AGES`].
    pub fn age(hours: i64, now: Timestamp) -> Self {
        let older = AGES.iter().copied().find(|age| *age > hours);
        Self {
            from: older.map_or(Timestamp::MIN, |age| back(now, SignedDuration::from_hours(age))),
            until: if hours == 0 { Timestamp::MAX } else { back(now, SignedDuration::from_hours(hours)) },
        }
    }
}

/// So long before the last full quarter of an hour.
fn back(now: Timestamp, window: SignedDuration) -> Timestamp {
    let quarter = now.as_second().div_euclid(QUARTER) * QUARTER;
    Timestamp::from_second(quarter).ok().and_then(|at| at.checked_sub(window).ok()).unwrap_or(Timestamp::MIN)
}

/// From when on an event or a message counts as recent.
pub fn current_since(now: Timestamp) -> Timestamp {
    back(now, CURRENT)
}

/// The days of the daily figures in a zone, oldest first, the last one today.
pub fn days(now: Timestamp, zone: &TimeZone) -> Vec<Date> {
    let today = zone.to_datetime(now).date();
    (0..DAYS).rev().filter_map(|before| today.checked_sub(before.days()).ok()).collect()
}

/// Figures for the overview. What each counts is in [`Figures::each`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// In transit: linked to an order and not ended.
    pub open: u64,
    /// Of these, with a recent event.
    pub current: u64,
    /// Of these, of which something was received recently, be it of an older event.
    pub received: u64,
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Of these, overdue.
    pub overdue: u64,
    /// Open exceptions that are snoozed.
    pub snoozed: u64,
    /// Exceptions recorded in the last 7 days, open or closed.
    pub exceptions_7d: u64,
    /// Open exceptions by age, snoozed ones left out; one for each of [`AGES`].
    pub ageing: Vec<AgeFigures>,
    /// Failed jobs.
    pub dead_jobs: u64,
    /// Jobs that retry for longer than [`LONG_RETRYING`].
    pub long_retrying: u64,
    /// Tickets opened in the last 7 days.
    pub cases_7d: u64,
    /// Of these, resolved without a person.
    pub cases_self_healed_7d: u64,
    /// Linked shipments by status.
    pub by_state: Vec<(State, u64)>,
    /// Linked shipments by carrier.
    pub carriers: Vec<CarrierFigures>,
    /// Linked shipments delivered, by day, oldest first: one for each of [`days`].
    pub days: Vec<(Date, u64)>,
}

/// Open exceptions of one age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeFigures {
    /// Not yet due.
    pub within: u64,
    /// Overdue.
    pub over: u64,
}

/// Linked shipments of one carrier: with a number of that carrier. One with numbers of two carriers counts for both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierFigures {
    /// The carrier as people read it.
    pub carrier: String,
    /// All of them.
    pub shipments: u64,
    /// In transit.
    pub open: u64,
    /// Of these, with a recent event.
    pub current: u64,
    /// With an open exception.
    pub exceptions: u64,
    /// Delivered.
    pub delivered: u64,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_touch_and_leave_nothing_out() {
        let now: Timestamp = "2026-03-02T10:07:00Z".parse().unwrap();
        let spans: Vec<Span> = AGES.iter().map(|hours| Span::age(*hours, now)).collect();
        assert_eq!((spans[0].until, spans[AGES.len() - 1].from), (Timestamp::MAX, Timestamp::MIN));
        assert!(spans.windows(2).all(|two| two[0].from == two[1].until));
        assert_eq!(spans[0].from.to_string(), "2026-03-02T06:00:00Z", "four hours before the last full quarter");
    }

    #[test]
    fn days_follow_the_zone() {
        let now: Timestamp = "2026-03-29T22:30:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let days = days(now, &berlin);
        assert_eq!((days.len(), days[13].to_string()), (14, "2026-03-30".into()));
        let short = Span::day(days[12], &berlin);
        assert_eq!(short.until.duration_since(short.from).as_hours(), 23);
        let spans: Vec<Span> = days.iter().map(|day| Span::day(*day, &berlin)).collect();
        assert!(spans.windows(2).all(|two| two[0].until == two[1].from));
    }
}
