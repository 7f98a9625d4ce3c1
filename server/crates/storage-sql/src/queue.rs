//! The queue of exceptions: views, filters, keyset pages.

use crate::{
    Db, Engine, Query, Row, Sql, cases,
    codec::{PAGE_AND_ONE, cursor, micros, page},
    counter,
    exceptions::{exception_record, rank},
    query,
    shipments::numbers,
};
use async_trait::async_trait;
use domain::ExceptionReason;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use storage::{
    Actor, Page, Result, Scope,
    figures::Span,
    queue::{Due, Queue, QueueCounts, QueueQuery, QueueRow, QueueView},
};
use uuid::Uuid;

/// How long an ended exception is in the queue's view of ended ones.
const CLOSED_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

#[async_trait]
impl<E: Engine> Queue for Sql<E> {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        self.0.read(move |db| Box::pin(async move { queue(db, scope, &query, now).await })).await
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        self.0.read(move |db| Box::pin(async move { queue_counts(db, scope, now).await })).await
    }

    async fn team_counts(&self, scope: Scope, now: Timestamp) -> Result<BTreeMap<String, u64>> {
        self.0.read(move |db| Box::pin(async move { team_counts(db, scope, now).await })).await
    }
}

/// All that are open, without those that a person put off.
async fn queue_counts(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
    let snoozed = snoozed(db, scope, "category || '/' || severity", now).await?;
    storage::queue::queue_counts(counter::read(db, scope, "queue").await?, &snoozed)
}

/// Of each team, without those that a person put off.
async fn team_counts(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<BTreeMap<String, u64>> {
    let snoozed = snoozed(db, scope, "team", now).await?;
    let left = |(team, number): (String, u64)| {
        let number = number.saturating_sub(snoozed.get(&team).copied().unwrap_or(0));
        (number > 0).then_some((team, number))
    };
    Ok(counter::read(db, scope, "queue_team").await?.into_iter().filter_map(left).collect())
}

/// How many open ones of each key a person put off: those are read, and few.
async fn snoozed(db: &mut dyn Db, scope: Scope, key: &'static str, now: Timestamp) -> Result<HashMap<String, u64>> {
    let mut sql = query("SELECT ");
    sql.push(key).push(" AS key, count(*) AS number FROM exception WHERE company_id = ").push_bind(scope.company.0);
    sql.push(" AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > ").push_bind(micros(now));
    sql.push(" GROUP BY 1");
    let rows = sql.all(db).await?;
    let of = |row: &Row| Ok(row.opt_text("key")?.map(|key| (key, row.count("number"))));
    let keyed = rows.iter().filter_map(|row| of(row).transpose());
    keyed.map(|of| of.and_then(|(key, number)| Ok((key, number?)))).collect()
}

/// Where a page of the queue ended: what it sorts by, and the id.
type Cursor = (i64, i64, Uuid);

/// A page of the queue.
async fn queue(db: &mut dyn Db, scope: Scope, wanted: &QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
    let mut sql = query(
        "SELECT x.*, u.name AS owner_name, s.state, s.origin, s.destination
         FROM exception x JOIN shipment s ON s.id = x.shipment_id LEFT JOIN \"user\" u ON u.id = x.owner_id
         WHERE ",
    );
    // from the tickets, where those are asked for: of the exceptions there are as many as there ever were
    sql.push(if wanted.case.is_some() || wanted.id.is_some() { "{+}x.company_id = " } else { "x.company_id = " });
    sql.push_bind(scope.company.0);
    view(&mut sql, scope, wanted.view, now);
    if let Some(category) = wanted.category {
        sql.push(" AND x.category = ").push_bind(category.code());
    }
    if let Some(severity) = wanted.severity {
        sql.push(" AND x.severity_rank = ").push_bind(rank(severity));
    }
    if let Some(team) = &wanted.team {
        sql.push(" AND x.team = ").push_bind(team);
    }
    if let Some(id) = wanted.id {
        sql.push(" AND x.id = ").push_bind(id.0);
    }
    narrowed(&mut sql, scope, wanted, now);
    let order = Order::of(wanted.view);
    if let Some((first, second, id)) = cursor::decode::<Cursor>(wanted.cursor.as_deref()) {
        after(&mut sql, order, first, second, id);
    }
    sql.push(order.sql()).push(" LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.all(db).await?;
    let page = page(rows.iter().map(|row| Ok((order.place(row)?, row))).collect::<Result<Vec<_>>>()?, |(place, _)| {
        cursor::encode(place)
    });
    let ids = page.rows.iter().map(|(_, row)| row.id::<Uuid>("shipment_id")).collect::<Result<Vec<_>>>()?;
    let open = open_of(db, ids.clone()).await?;
    let numbers = numbers(db, ids).await?;
    let mut cases = cases::of_exceptions(db, page.rows.iter().map(|((_, _, id), _)| *id)).await?;
    let rows = page
        .rows
        .iter()
        .map(|(_, row)| {
            let exception = exception_record(row)?;
            Ok(QueueRow {
                owner_name: row.opt_text("owner_name")?,
                state: row.word("state")?,
                origin: row.opt_json("origin")?,
                numbers: numbers.get(&exception.shipment).cloned().unwrap_or_default(),
                destination: row.opt_text("destination")?,
                case: cases.remove(&exception.id),
                others: open
                    .iter()
                    .filter(|(shipment, id, _)| *shipment == exception.shipment.0 && *id != exception.id.0)
                    .map(|(.., reason)| *reason)
                    .collect(),
                exception,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Page { rows, next: page.next })
}

/// The open exceptions of some shipments: shipment, exception, reason.
async fn open_of(db: &mut dyn Db, shipments: Vec<Uuid>) -> Result<Vec<(Uuid, Uuid, ExceptionReason)>> {
    let rows = query(
        "SELECT e.shipment_id, e.id, e.reason FROM {ids ? x} CROSS JOIN exception e
         WHERE e.shipment_id = x.value AND e.closed_at IS NULL ORDER BY e.shipment_id, e.reason",
    )
    .bind(shipments)
    .all(db)
    .await?;
    rows.iter().map(|row| Ok((row.id("shipment_id")?, row.id("id")?, row.word("reason")?))).collect()
}

fn view(sql: &mut Query, scope: Scope, view: QueueView, now: Timestamp) {
    match view {
        QueueView::Closed => {
            sql.push(" AND x.closed_at IS NOT NULL AND x.closed_at > ")
                .push_bind(micros(now.checked_sub(CLOSED_WINDOW).unwrap_or(now)))
                // what ended because its number went to an order's shipment goes on there
                .push(
                    " AND (s.origin IS NOT NULL OR EXISTS (SELECT 1 FROM binding b WHERE b.shipment_id = s.id
                       AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)))",
                );
        }
        QueueView::Snoozed => {
            sql.push(" AND x.closed_at IS NULL AND x.snoozed_until > ").push_bind(micros(now));
        }
        QueueView::All => {}
        QueueView::Open | QueueView::Mine | QueueView::Unassigned => {
            sql.push(" AND x.closed_at IS NULL AND (x.snoozed_until IS NULL OR x.snoozed_until <= ")
                .push_bind(micros(now))
                .push(")");
        }
    }
    match (view, scope.actor) {
        (QueueView::Mine, Actor::User(id)) => {
            sql.push(" AND x.owner_id = ").push_bind(id.0);
        }
        // nobody but a person owns exceptions
        (QueueView::Mine, Actor::Operator | Actor::System) => {
            sql.push(" AND false");
        }
        (QueueView::Unassigned, _) => {
            sql.push(" AND x.owner_id IS NULL");
        }
        (QueueView::Open | QueueView::Snoozed | QueueView::Closed | QueueView::All, _) => {}
    }
}

/// How a queue sorts.
#[derive(Clone, Copy)]
enum Order {
    /// By severity, then due time.
    Urgency,
    /// By when it ended, the newest first.
    Closed,
    /// By when it was recorded, the newest first.
    Recorded,
}

impl Order {
    const fn of(view: QueueView) -> Self {
        match view {
            QueueView::Closed => Self::Closed,
            QueueView::All => Self::Recorded,
            QueueView::Open | QueueView::Mine | QueueView::Unassigned | QueueView::Snoozed => Self::Urgency,
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Urgency => " ORDER BY x.severity_rank DESC, x.due_at, x.id",
            Self::Closed => " ORDER BY x.closed_at DESC, x.id DESC",
            Self::Recorded => " ORDER BY x.recorded_at DESC, x.id DESC",
        }
    }

    fn place(self, row: &Row) -> Result<Cursor> {
        Ok(match self {
            Self::Urgency => (row.int("severity_rank")?, row.int("due_at")?, row.id("id")?),
            Self::Closed => (row.int("closed_at")?, 0, row.id("id")?),
            Self::Recorded => (row.int("recorded_at")?, 0, row.id("id")?),
        })
    }
}

/// What comes after the place where a page ended.
fn after(sql: &mut Query, order: Order, first: i64, second: i64, id: Uuid) {
    match order {
        Order::Urgency => {
            sql.push(" AND x.severity_rank <= ").push_bind(first).push(" AND (x.severity_rank < ").push_bind(first);
            sql.push(" OR (x.due_at, x.id) > (").push_bind(second).push(", ").push_bind(id).push("))");
        }
        Order::Closed => {
            sql.push(" AND (x.closed_at, x.id) < (").push_bind(first).push(", ").push_bind(id).push(")");
        }
        Order::Recorded => {
            sql.push(" AND (x.recorded_at, x.id) < (").push_bind(first).push(", ").push_bind(id).push(")");
        }
    }
}

/// What a figure counts beside its view.
fn narrowed(sql: &mut Query, scope: Scope, wanted: &QueueQuery, now: Timestamp) {
    let mut within = |column: &'static str, span: Option<Span>| {
        if let Some(span) = span {
            sql.push(column).push(" >= ").push_bind(micros(span.from));
            sql.push(column).push(" < ").push_bind(micros(span.until));
        }
    };
    within(" AND x.opened_at", wanted.opened);
    within(" AND x.recorded_at", wanted.recorded);
    match wanted.due {
        None => {}
        Some(Due::Within) => {
            sql.push(" AND x.due_at >= ").push_bind(micros(now));
        }
        Some(Due::Over) => {
            sql.push(" AND x.due_at < ").push_bind(micros(now));
        }
    }
    if let Some(case) = wanted.case {
        sql.push(" AND x.id IN (SELECT c.exception_id FROM desk_case c WHERE c.company_id = ")
            .push_bind(scope.company.0)
            .push(" AND c.opened_at >= ")
            .push_bind(micros(case.opened.from))
            .push(" AND c.opened_at < ")
            .push_bind(micros(case.opened.until));
        if case.self_resolved {
            sql.push(" AND c.status = 'resolved' AND c.ended IS NULL AND NOT c.by_agent) AND x.closed_at IS NOT NULL AND x.resolution <> 'person'");
        } else {
            sql.push(")");
        }
    }
}
