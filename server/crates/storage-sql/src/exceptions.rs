//! What people look after: exceptions, cases, figures.

use crate::{
    Db, Engine, Query, Row, Sql, audit, cases,
    codec::{PAGE_AND_ONE, cursor, json, micros, page, word},
    counter, figures, jobs, query,
};
use async_trait::async_trait;
use domain::{
    Severity,
    commit::ExceptionChange,
    fold::{Choice, Decision, FoldedException},
    ids::{CaseId, ExceptionId, ShipmentId},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::collections::HashMap;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError,
    figures::{Figures, Span},
    jobs::{Lane, NewJob},
    shipments::{Commit, NumberRecord},
    work::{
        CaseContext, CaseRecord, CaseStatus, Due, ExceptionAction, ExceptionRecord, QueueCounts, QueueQuery, QueueRow,
        QueueView, Work, due_at,
    },
};
use uuid::Uuid;

/// How long an ended exception is in the queue's view of ended ones.
const CLOSED_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

#[async_trait]
impl<E: Engine> Work for Sql<E> {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        self.0.read(move |db| Box::pin(async move { queue(db, scope, &query, now).await })).await
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        self.0.read(move |db| Box::pin(async move { queue_counts(db, scope, now).await })).await
    }

    async fn exception(&self, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>> {
        self.0.read(move |db| Box::pin(async move { exception(db, scope, id).await })).await
    }

    async fn act(
        &self,
        scope: Scope,
        id: ExceptionId,
        action: ExceptionAction,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    act(db, scope, id, &action, audit.at).await?;
                    audit::append(db, scope, &audit).await?;
                    jobs::enqueue_all(db, scope, &jobs, audit.at).await.map(drop)
                })
            })
            .await
    }

    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
        self.0.read(move |db| Box::pin(async move { cases::case_context(db, scope, id).await })).await
    }

    async fn put_case(&self, scope: Scope, case: CaseRecord) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { cases::put_case(db, scope, &case).await })).await
    }

    async fn move_case(
        &self,
        scope: Scope,
        case: CaseRecord,
        action: Option<ExceptionAction>,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    cases::put_case(db, scope, &case).await?;
                    if let Some(action) = &action {
                        act(db, scope, case.exception, action, audit.at).await?;
                    }
                    audit::append(db, scope, &audit).await?;
                    jobs::enqueue_all(db, scope, &jobs, audit.at).await.map(drop)
                })
            })
            .await
    }

    async fn cases_by_number(&self, scope: Scope, desk: String, numbers: Vec<String>) -> Result<Vec<CaseRecord>> {
        self.0.read(move |db| Box::pin(async move { cases::by_number(db, scope, &desk, numbers).await })).await
    }

    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>> {
        self.0.read(move |db| Box::pin(async move { cases::to_poll(db, scope, &desk, limit).await })).await
    }

    async fn polled(
        &self,
        scope: Scope,
        seen: Vec<(CaseId, Option<CaseStatus>)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    cases::polled(db, scope, &seen, at).await?;
                    jobs::enqueue_all(db, scope, &jobs, at).await.map(drop)
                })
            })
            .await
    }

    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
        let zone = zone.clone();
        self.0.read(move |db| Box::pin(async move { figures::figures(db, scope, now, &zone).await })).await
    }
}

/// How severities sort.
pub const fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Minor => 1,
        Severity::Major => 2,
        Severity::Critical => 3,
    }
}

/// The exceptions of a shipment as they were known at a time.
pub async fn of_shipment(db: &mut dyn Db, id: ShipmentId, known: i64) -> Result<Vec<ExceptionRecord>> {
    let sql = "SELECT * FROM exception WHERE shipment_id = ? AND recorded_at <= ? ORDER BY recorded_at, opened_at, id";
    let rows = query(sql).bind(id.0).bind(known).all(db).await?;
    rows.iter().map(|row| then(row, known)).collect()
}

/// An exception as it was known at a time.
pub fn then(row: &Row, known: i64) -> Result<ExceptionRecord> {
    let mut record = exception_record(row)?;
    if row.opt_int("closed_recorded_at")?.is_some_and(|at| at > known) {
        record.closed = None;
    }
    Ok(record)
}

/// Applies what a fold makes of the exceptions. What ends goes first: of one reason and piece one is open at a time.
pub async fn apply(db: &mut dyn Db, scope: Scope, commit: &Commit) -> Result<()> {
    for change in &commit.exceptions {
        if let ExceptionChange::Close { id, at, resolution } = change {
            let closed_at = at.as_ref().and_then(|at| at.sort_key()).unwrap_or(commit.at);
            query(
                "UPDATE exception SET closed_at = ?1, closed_recorded_at = ?2, resolution = ?3 WHERE company_id = ?4 AND shipment_id = ?5 AND id = ?6 AND closed_at IS NULL",
            )
            .bind(micros(closed_at))
            .bind(micros(commit.at))
            .bind(word(resolution))
            .bind(scope.company.0)
            .bind(commit.shipment.0)
            .bind(id.0)
            .execute(db)
            .await?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Keep { id, exception } = change {
            keep(db, scope, commit, *id, exception).await?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Open { id, exception } = change {
            open(db, scope, commit, *id, exception).await?;
        }
    }
    Ok(())
}

/// The row goes on; one that is open again is due anew.
async fn keep(
    db: &mut dyn Db,
    scope: Scope,
    commit: &Commit,
    id: ExceptionId,
    exception: &FoldedException,
) -> Result<()> {
    let before = self::exception(db, scope, id).await?.ok_or(StoreError::NotFound("exception"))?;
    let reopened = before.closed.is_some() && exception.closed.is_none();
    let began = if reopened { commit.at } else { before.recorded_at };
    let due = if reopened || before.severity != exception.severity {
        due_at(exception.severity, began)
    } else {
        before.due_at
    };
    query(
        "UPDATE exception SET severity = ?1, severity_rank = ?2, evidence = ?3, opened_at = ?4, due_at = ?5,
             closed_at = CASE WHEN ?6 THEN NULL ELSE closed_at END,
             closed_recorded_at = CASE WHEN ?6 THEN NULL ELSE closed_recorded_at END,
             resolution = CASE WHEN ?6 THEN NULL ELSE resolution END, withheld = ?7
         WHERE company_id = ?8 AND shipment_id = ?9 AND id = ?10",
    )
    .bind(exception.severity.code())
    .bind(rank(exception.severity))
    .bind(json(&exception.evidence))
    .bind(micros(exception.opened.sort_key().unwrap_or(exception.opened_recorded)))
    .bind(micros(due))
    .bind(reopened)
    .bind(commit.withheld.contains(&id))
    .bind(scope.company.0)
    .bind(commit.shipment.0)
    .bind(id.0)
    .execute(db)
    .await?;
    Ok(())
}

async fn open(
    db: &mut dyn Db,
    scope: Scope,
    commit: &Commit,
    id: ExceptionId,
    exception: &FoldedException,
) -> Result<()> {
    let closed = exception.closed.as_ref().map(|(at, how)| (at.sort_key().unwrap_or(commit.at), how));
    query(
        "INSERT INTO exception (id, company_id, shipment_id, reason, category, piece, severity, severity_rank, responsible, opened_at, recorded_at,
             closed_at, closed_recorded_at, resolution, evidence, due_at, withheld)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(commit.shipment.0)
    .bind(exception.reason.code())
    .bind(exception.reason.category().code())
    .bind(&exception.piece)
    .bind(exception.severity.code())
    .bind(rank(exception.severity))
    .bind(exception.reason.responsible().code())
    .bind(micros(exception.opened.sort_key().unwrap_or(exception.opened_recorded)))
    .bind(micros(commit.at))
    .bind(closed.map(|(at, _)| micros(at)))
    .bind(closed.map(|_| micros(commit.at)))
    .bind(closed.map(|(_, how)| word(how)))
    .bind(json(&exception.evidence))
    .bind(micros(due_at(exception.severity, commit.at)))
    .bind(commit.withheld.contains(&id))
    .execute(db)
    .await?;
    Ok(())
}

/// One exception.
///
/// # Errors
/// When the database fails.
pub async fn exception(db: &mut dyn Db, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>> {
    let row = query("SELECT * FROM exception WHERE company_id = ?1 AND id = ?2")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    row.as_ref().map(exception_record).transpose()
}

async fn act(db: &mut dyn Db, scope: Scope, id: ExceptionId, action: &ExceptionAction, at: Timestamp) -> Result<()> {
    let exception = exception(db, scope, id).await?.ok_or(StoreError::NotFound("exception"))?;
    let evidence = exception.evidence.clone();
    match action {
        ExceptionAction::Acknowledge => {
            query("UPDATE exception SET acknowledged_at = coalesce(acknowledged_at, ?1) WHERE id = ?2")
                .bind(micros(at))
                .bind(id.0)
                .execute(db)
                .await?;
        }
        ExceptionAction::Assign { owner } => {
            query("UPDATE exception SET owner_id = ?1 WHERE id = ?2")
                .bind(owner.map(|id| id.0))
                .bind(id.0)
                .execute(db)
                .await?;
        }
        ExceptionAction::Snooze { until } => {
            query("UPDATE exception SET snoozed_until = ?1 WHERE id = ?2")
                .bind(micros(*until))
                .bind(id.0)
                .execute(db)
                .await?;
        }
        ExceptionAction::Resolve => {
            decide(db, scope, exception.shipment, at, Choice::Resolve { exception: id, evidence }).await?
        }
        ExceptionAction::Reopen => {
            decide(db, scope, exception.shipment, at, Choice::Reopen { exception: id, evidence }).await?
        }
    }
    Ok(())
}

async fn decide(db: &mut dyn Db, scope: Scope, shipment: ShipmentId, at: Timestamp, what: Choice) -> Result<()> {
    query("INSERT INTO decision (company_id, shipment_id, at, body) VALUES (?1, ?2, ?3, ?4)")
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(micros(at))
        .bind(json(&Decision { at, what }))
        .execute(db)
        .await?;
    Ok(())
}

/// All that are open, without those that a person put off.
async fn queue_counts(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
    let rows = query(
        "SELECT category || '/' || severity AS key, count(*) AS number FROM exception
         WHERE company_id = ?1 AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > ?2 GROUP BY 1",
    )
    .bind(scope.company.0)
    .bind(micros(now))
    .all(db)
    .await?;
    let snoozed =
        rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect::<Result<HashMap<_, _>>>()?;
    storage::work::queue_counts(counter::read(db, scope, "queue").await?, &snoozed)
}

/// Where a page of the queue ended: what it sorts by, and the id.
type Cursor = (i64, i64, Uuid);

async fn queue(db: &mut dyn Db, scope: Scope, wanted: &QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
    let mut sql = query(
        "SELECT x.*, u.name AS owner_name, s.state, s.origin, s.destination
         FROM exception x JOIN shipment s ON s.id = x.shipment_id LEFT JOIN \"user\" u ON u.id = x.owner_id
         WHERE ",
    );
    // from the tickets, where those are asked for: of the exceptions there are as many as there ever were
    sql.push(if wanted.case.is_some() { "{+}x.company_id = " } else { "x.company_id = " });
    sql.push_bind(scope.company.0);
    view(&mut sql, scope, wanted.view, now);
    if let Some(category) = wanted.category {
        sql.push(" AND x.category = ").push_bind(category.code());
    }
    if let Some(severity) = wanted.severity {
        sql.push(" AND x.severity_rank = ").push_bind(rank(severity));
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
                exception,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Page { rows, next: page.next })
}

fn view(sql: &mut Query, scope: Scope, view: QueueView, now: Timestamp) {
    match view {
        QueueView::Closed => {
            sql.push(" AND x.closed_at IS NOT NULL AND x.closed_at > ")
                .push_bind(micros(now.checked_sub(CLOSED_WINDOW).unwrap_or(now)));
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

fn exception_record(row: &Row) -> Result<ExceptionRecord> {
    Ok(ExceptionRecord {
        id: row.id("id")?,
        shipment: row.id("shipment_id")?,
        reason: row.word("reason")?,
        piece: row.opt_text("piece")?,
        severity: row.word("severity")?,
        responsible: row.word("responsible")?,
        opened_at: row.at("opened_at")?,
        recorded_at: row.at("recorded_at")?,
        closed: row.opt_at("closed_at")?.zip(row.opt_word("resolution")?),
        evidence: row.json("evidence")?,
        owner: row.opt_id("owner_id")?,
        acknowledged_at: row.opt_at("acknowledged_at")?,
        snoozed_until: row.opt_at("snoozed_until")?,
        due_at: row.at("due_at")?,
        withheld: row.flag("withheld")?,
    })
}

/// The numbers of open bindings, shipment by shipment.
async fn numbers(db: &mut dyn Db, ids: Vec<Uuid>) -> Result<HashMap<ShipmentId, Vec<NumberRecord>>> {
    let rows = query(
        "SELECT b.shipment_id, b.tracker_id, b.number_raw, b.piece, t.carrier, t.carrier_label
         FROM {ids ? s} CROSS JOIN binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = s.value AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         ORDER BY b.recorded_at, t.number, b.id",
    )
    .bind(ids)
    .all(db)
    .await?;
    let mut numbers: HashMap<ShipmentId, Vec<NumberRecord>> = HashMap::new();
    for row in &rows {
        numbers.entry(row.id("shipment_id")?).or_default().push(NumberRecord {
            tracker: row.id("tracker_id")?,
            number: row.text("number_raw")?,
            carrier: row.opt_text("carrier")?,
            carrier_label: row.opt_text("carrier_label")?,
            piece: row.opt_text("piece")?,
        });
    }
    Ok(numbers)
}
