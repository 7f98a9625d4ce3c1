//! What people look after: exceptions, cases, figures.

use crate::{
    PostgresStore, Turn, audit,
    codec::{Columns, Done, Fail, PAGE_AND_ONE, cursor, json, micros, opt_micros, page, word},
    counter, figures, jobs, shipments,
};
use async_trait::async_trait;
use domain::{
    Severity,
    commit::ExceptionChange,
    fold::{Choice, Decision, FoldedException},
    ids::{CaseId, ExceptionId, ShipmentId},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sqlx::{PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use std::collections::HashMap;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError,
    figures::{Figures, Span},
    jobs::NewJob,
    shipments::Commit,
    work::{
        Agent, CaseContext, CaseRecord, CaseStatus, Due, ExceptionAction, ExceptionRecord, QueueCounts, QueueQuery,
        QueueRow, QueueView, Work, due_at,
    },
};
use uuid::Uuid;

/// How long an ended exception is in the queue's view of ended ones.
const CLOSED_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

#[async_trait]
impl Work for PostgresStore {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        let mut read = self.read().await?;
        Ok(queue(&mut read, scope, &query, now).await?)
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        let mut read = self.read().await?;
        Ok(queue_counts(&mut read, scope, now).await?)
    }

    async fn exception(&self, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>> {
        let mut read = self.read().await?;
        Ok(exception(&mut read, scope, id).await?)
    }

    async fn act(
        &self,
        scope: Scope,
        id: ExceptionId,
        action: ExceptionAction,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                act(conn, scope, id, &action, audit.at).await?;
                audit::append(conn, scope, &audit).await?;
                jobs::enqueue_all(conn, scope, &jobs, audit.at).await.map(drop)
            })
        })
        .await
    }

    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
        let mut read = self.read().await?;
        Ok(case_context(&mut read, scope, id).await?)
    }

    async fn put_case(&self, scope: Scope, case: CaseRecord) -> Result<()> {
        self.write(Turn::RealTime, move |conn| Box::pin(async move { put_case(conn, scope, &case).await })).await
    }

    async fn move_case(
        &self,
        scope: Scope,
        case: CaseRecord,
        action: Option<ExceptionAction>,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                put_case(conn, scope, &case).await?;
                if let Some(action) = &action {
                    act(conn, scope, case.exception, action, audit.at).await?;
                }
                audit::append(conn, scope, &audit).await?;
                jobs::enqueue_all(conn, scope, &jobs, audit.at).await.map(drop)
            })
        })
        .await
    }

    async fn cases_by_number(&self, scope: Scope, desk: String, numbers: Vec<String>) -> Result<Vec<CaseRecord>> {
        let mut read = self.read().await?;
        let sql =
            "SELECT c.* FROM desk_case c WHERE c.company_id = $1 AND c.number = ANY($2) AND c.desk = $3 AND NOT EXISTS (SELECT 1 FROM desk_case l WHERE l.shipment_id = c.shipment_id AND l.external_key = c.external_key
                     AND (l.opened_at, l.id) > (c.opened_at, c.id)) ORDER BY c.id";
        let rows = sqlx::query(sql)
            .bind(scope.company.0)
            .bind(&numbers)
            .bind(&desk)
            .fetch_all(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(rows.iter().map(case).collect::<Done<_>>()?)
    }

    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>> {
        let mut read = self.read().await?;
        let sql =
            "SELECT c.* FROM desk_case c WHERE c.company_id = $1 AND c.number IS NOT NULL AND (c.status = 'open' OR c.ended = 'hidden')
             AND c.desk = $2 AND NOT EXISTS (SELECT 1 FROM desk_case l WHERE l.shipment_id = c.shipment_id AND l.external_key = c.external_key
                     AND (l.opened_at, l.id) > (c.opened_at, c.id)) ORDER BY c.polled_at, c.id LIMIT $3";
        let rows = sqlx::query(sql)
            .bind(scope.company.0)
            .bind(&desk)
            .bind(i64::from(limit))
            .fetch_all(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(rows.iter().map(case).collect::<Done<_>>()?)
    }

    async fn polled(
        &self,
        scope: Scope,
        seen: Vec<(CaseId, Option<CaseStatus>)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                let ids = crate::codec::id_list(seen.iter().map(|(id, _)| id.0));
                let statuses: Vec<Option<String>> = seen.iter().map(|(_, status)| status.map(word)).collect();
                sqlx::query(
                    "UPDATE desk_case c SET polled_at = $1, seen = coalesce(s.status, c.seen),
                         revision = c.revision + (s.status IS NOT NULL AND c.seen IS DISTINCT FROM s.status)::int
                     FROM unnest($3::uuid[], $4::text[]) s(id, status)
                     WHERE c.company_id = $2 AND c.id = s.id",
                )
                .bind(micros(at))
                .bind(scope.company.0)
                .bind(ids)
                .bind(statuses)
                .execute(&mut *conn)
                .await?;
                jobs::enqueue_all(conn, scope, &jobs, at).await.map(drop)
            })
        })
        .await
    }

    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
        let mut read = self.read().await?;
        Ok(figures::figures(&mut read, scope, now, zone).await?)
    }
}

/// How severities sort.
pub(crate) const fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Minor => 1,
        Severity::Major => 2,
        Severity::Critical => 3,
    }
}

/// An exception as it was known at a time.
pub(crate) fn exception_then(row: &impl Columns, known: i64) -> Done<ExceptionRecord> {
    let mut record = exception_record(row)?;
    if row.opt_int("closed_recorded_at")?.is_some_and(|at| at > known) {
        record.closed = None;
    }
    Ok(record)
}

/// Applies what a fold makes of the exceptions. What ends goes first: of one reason and piece one is open at a time.
pub(crate) async fn apply(conn: &mut PgConnection, scope: Scope, commit: &Commit) -> Done<()> {
    for change in &commit.exceptions {
        if let ExceptionChange::Close { id, at, resolution } = change {
            let closed_at = at.as_ref().and_then(|at| at.sort_key()).unwrap_or(commit.at);
            sqlx::query(
                "UPDATE exception SET closed_at = $1, closed_recorded_at = $2, resolution = $3 WHERE company_id = $4 AND shipment_id = $5 AND id = $6 AND closed_at IS NULL",
            )
            .bind(micros(closed_at))
            .bind(micros(commit.at))
            .bind(word(resolution))
            .bind(scope.company.0)
            .bind(commit.shipment.0)
            .bind(id.0)
            .execute(&mut *conn)
            .await?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Keep { id, exception } = change {
            keep(conn, scope, commit, *id, exception).await?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Open { id, exception } = change {
            open(conn, scope, commit, *id, exception).await?;
        }
    }
    Ok(())
}

/// The row goes on; one that is open again is due anew.
async fn keep(
    conn: &mut PgConnection,
    scope: Scope,
    commit: &Commit,
    id: ExceptionId,
    exception: &FoldedException,
) -> Done<()> {
    let before = self::exception(conn, scope, id).await?.ok_or(StoreError::NotFound("exception"))?;
    let reopened = before.closed.is_some() && exception.closed.is_none();
    let began = if reopened { commit.at } else { before.recorded_at };
    let due = if reopened || before.severity != exception.severity {
        due_at(exception.severity, began)
    } else {
        before.due_at
    };
    sqlx::query(
        "UPDATE exception SET severity = $1, severity_rank = $2, evidence = $3, opened_at = $4, due_at = $5,
             closed_at = CASE WHEN $6::boolean THEN NULL ELSE closed_at END,
             closed_recorded_at = CASE WHEN $6 THEN NULL ELSE closed_recorded_at END,
             resolution = CASE WHEN $6 THEN NULL ELSE resolution END, withheld = $7
         WHERE company_id = $8 AND shipment_id = $9 AND id = $10",
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
    .execute(conn)
    .await?;
    Ok(())
}

async fn open(
    conn: &mut PgConnection,
    scope: Scope,
    commit: &Commit,
    id: ExceptionId,
    exception: &FoldedException,
) -> Done<()> {
    let closed = exception.closed.as_ref().map(|(at, how)| (at.sort_key().unwrap_or(commit.at), how));
    sqlx::query(
        "INSERT INTO exception (id, company_id, shipment_id, reason, category, piece, severity, severity_rank, responsible, opened_at, recorded_at,
             closed_at, closed_recorded_at, resolution, evidence, due_at, withheld)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
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
    .execute(conn)
    .await?;
    Ok(())
}

async fn exception(conn: &mut PgConnection, scope: Scope, id: ExceptionId) -> Done<Option<ExceptionRecord>> {
    let row = sqlx::query("SELECT * FROM exception WHERE company_id = $1 AND id = $2")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(exception_record).transpose()
}

async fn act(
    conn: &mut PgConnection,
    scope: Scope,
    id: ExceptionId,
    action: &ExceptionAction,
    at: Timestamp,
) -> Done<()> {
    let exception = exception(conn, scope, id).await?.ok_or(StoreError::NotFound("exception"))?;
    let evidence = exception.evidence.clone();
    match action {
        ExceptionAction::Acknowledge => {
            sqlx::query("UPDATE exception SET acknowledged_at = coalesce(acknowledged_at, $1) WHERE id = $2")
                .bind(micros(at))
                .bind(id.0)
                .execute(conn)
                .await?;
        }
        ExceptionAction::Assign { owner } => {
            sqlx::query("UPDATE exception SET owner_id = $1 WHERE id = $2")
                .bind(owner.map(|id| id.0))
                .bind(id.0)
                .execute(conn)
                .await?;
        }
        ExceptionAction::Snooze { until } => {
            sqlx::query("UPDATE exception SET snoozed_until = $1 WHERE id = $2")
                .bind(micros(*until))
                .bind(id.0)
                .execute(conn)
                .await?;
        }
        ExceptionAction::Resolve => {
            decide(conn, scope, exception.shipment, at, Choice::Resolve { exception: id, evidence }).await?
        }
        ExceptionAction::Reopen => {
            decide(conn, scope, exception.shipment, at, Choice::Reopen { exception: id, evidence }).await?
        }
    }
    Ok(())
}

async fn decide(conn: &mut PgConnection, scope: Scope, shipment: ShipmentId, at: Timestamp, what: Choice) -> Done<()> {
    sqlx::query("INSERT INTO decision (company_id, shipment_id, at, body) VALUES ($1, $2, $3, $4)")
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(micros(at))
        .bind(json(&Decision { at, what }))
        .execute(conn)
        .await?;
    Ok(())
}

/// All that are open, without those that a person put off.
async fn queue_counts(conn: &mut PgConnection, scope: Scope, now: Timestamp) -> Done<QueueCounts> {
    let rows = sqlx::query(
        "SELECT category || '/' || severity AS key, count(*) AS number FROM exception
         WHERE company_id = $1 AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > $2 GROUP BY 1",
    )
    .bind(scope.company.0)
    .bind(micros(now))
    .fetch_all(&mut *conn)
    .await?;
    let snoozed =
        rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect::<Done<HashMap<_, _>>>()?;
    storage::work::queue_counts(counter::read(conn, scope, "queue").await?, &snoozed).map_err(Fail)
}

/// Where a page of the queue ended: what it sorts by, and the id.
type Place = (i64, i64, Uuid);

async fn queue(conn: &mut PgConnection, scope: Scope, query: &QueueQuery, now: Timestamp) -> Done<Page<QueueRow>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT x.*, u.name AS owner_name, s.state, s.origin, s.destination
         FROM exception x JOIN shipment s ON s.id = x.shipment_id LEFT JOIN \"user\" u ON u.id = x.owner_id
         WHERE x.company_id = ",
    );
    sql.push_bind(scope.company.0);
    view(&mut sql, scope, query.view, now);
    if let Some(category) = query.category {
        sql.push(" AND x.category = ").push_bind(category.code());
    }
    if let Some(severity) = query.severity {
        sql.push(" AND x.severity_rank = ").push_bind(rank(severity));
    }
    narrowed(&mut sql, scope, query, now);
    let order = Order::of(query.view);
    if let Some((first, second, id)) = cursor::decode::<Place>(query.cursor.as_deref()) {
        after(&mut sql, order, first, second, id);
    }
    sql.push(order.sql()).push(" LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.build().fetch_all(&mut *conn).await?;
    let page = page(rows.iter().map(|row| Ok((order.place(row)?, row))).collect::<Done<Vec<_>>>()?, |(place, _)| {
        cursor::encode(place)
    });
    let ids = page.rows.iter().map(|(_, row)| row.id::<Uuid>("shipment_id")).collect::<Done<Vec<_>>>()?;
    let numbers = shipments::numbers(conn, ids).await?;
    let mut cases = cases_of(conn, page.rows.iter().map(|((_, _, id), _)| *id)).await?;
    let rows = page
        .rows
        .iter()
        .map(|(_, row)| {
            let exception = exception_record(*row)?;
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
        .collect::<Done<_>>()?;
    Ok(Page { rows, next: page.next })
}

fn view(sql: &mut QueryBuilder<Postgres>, scope: Scope, view: QueueView, now: Timestamp) {
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

    fn place(self, row: &PgRow) -> Done<Place> {
        Ok(match self {
            Self::Urgency => (row.int("severity_rank")?, row.int("due_at")?, row.id("id")?),
            Self::Closed => (row.int("closed_at")?, 0, row.id("id")?),
            Self::Recorded => (row.int("recorded_at")?, 0, row.id("id")?),
        })
    }
}

/// What comes after the place where a page ended.
fn after(sql: &mut QueryBuilder<Postgres>, order: Order, first: i64, second: i64, id: Uuid) {
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
fn narrowed(sql: &mut QueryBuilder<Postgres>, scope: Scope, query: &QueueQuery, now: Timestamp) {
    let mut within = |column: &'static str, span: Option<Span>| {
        if let Some(span) = span {
            sql.push(column).push(" >= ").push_bind(micros(span.from));
            sql.push(column).push(" < ").push_bind(micros(span.until));
        }
    };
    within(" AND x.opened_at", query.opened);
    within(" AND x.recorded_at", query.recorded);
    match query.due {
        None => {}
        Some(Due::Within) => {
            sql.push(" AND x.due_at >= ").push_bind(micros(now));
        }
        Some(Due::Over) => {
            sql.push(" AND x.due_at < ").push_bind(micros(now));
        }
    }
    if let Some(case) = query.case {
        // from the tickets: of the exceptions there are as many as there ever were
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

async fn cases_of(
    conn: &mut PgConnection,
    exceptions: impl Iterator<Item = Uuid>,
) -> Done<HashMap<ExceptionId, CaseRecord>> {
    let rows = sqlx::query("SELECT c.* FROM unnest($1::uuid[]) x(value) JOIN desk_case c ON c.exception_id = x.value")
        .bind(crate::codec::id_list(exceptions))
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Ok((row.id("exception_id")?, case(row)?))).collect()
}

async fn case_context(conn: &mut PgConnection, scope: Scope, id: ExceptionId) -> Done<Option<CaseContext>> {
    let Some(exception) = exception(conn, scope, id).await? else { return Ok(None) };
    let own = sqlx::query("SELECT * FROM desk_case WHERE company_id = $1 AND exception_id = $2")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(&mut *conn)
        .await?;
    let earlier = sqlx::query(
        "SELECT c.* FROM exception x JOIN desk_case c ON c.exception_id = x.id
         WHERE x.company_id = $1 AND x.shipment_id = $2 AND x.reason = $3 AND x.piece IS NOT DISTINCT FROM $4 AND x.id <> $5 AND x.recorded_at <= $6
         ORDER BY x.recorded_at DESC, x.id DESC LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(exception.shipment.0)
    .bind(exception.reason.code())
    .bind(&exception.piece)
    .bind(id.0)
    .bind(micros(exception.recorded_at))
    .fetch_optional(conn)
    .await?;
    Ok(Some(CaseContext {
        exception,
        case: own.as_ref().map(case).transpose()?,
        earlier: earlier.as_ref().map(case).transpose()?,
    }))
}

/// The status as it lies there: how a closed ticket ended has a column of its own.
fn stored_status(status: CaseStatus) -> (String, Option<String>) {
    match status {
        CaseStatus::Rejected | CaseStatus::Deleted | CaseStatus::Hidden => {
            (word(CaseStatus::Resolved), Some(word(status)))
        }
        CaseStatus::Pending | CaseStatus::Open | CaseStatus::Resolved => (word(status), None),
    }
}

async fn put_case(conn: &mut PgConnection, scope: Scope, case: &CaseRecord) -> Done<()> {
    let (status, ended) = stored_status(case.status);
    let agent = case.closed_by.as_ref().and_then(|agent| agent.name.as_ref());
    let put = sqlx::query(
        "INSERT INTO desk_case (id, company_id, exception_id, shipment_id, desk, external_key, number, url, status, opened_at, resolved_at, notes,
             ended, by_agent, agent_subject, agent_name, follows, seen, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 + 1)
         ON CONFLICT (id) DO UPDATE SET
             external_key = excluded.external_key, number = excluded.number, url = excluded.url, status = excluded.status,
             resolved_at = excluded.resolved_at, notes = excluded.notes,
             ended = excluded.ended, by_agent = excluded.by_agent, agent_subject = excluded.agent_subject, agent_name = excluded.agent_name,
             follows = excluded.follows, seen = excluded.seen, revision = excluded.revision
         WHERE desk_case.company_id = excluded.company_id AND desk_case.exception_id = excluded.exception_id
             AND desk_case.revision + 1 = excluded.revision",
    )
    .bind(case.id.0)
    .bind(scope.company.0)
    .bind(case.exception.0)
    .bind(case.shipment.0)
    .bind(&case.desk)
    .bind(&case.external_key)
    .bind(&case.number)
    .bind(&case.url)
    .bind(status)
    .bind(micros(case.opened_at))
    .bind(opt_micros(case.resolved_at))
    .bind(json(&case.notes))
    .bind(ended)
    .bind(case.closed_by.is_some())
    .bind(agent.map(|name| name.subject.0))
    .bind(agent.map(|name| name.bytes.as_slice()))
    .bind(&case.follows)
    .bind(case.seen.map(word))
    .bind(i64::try_from(case.revision).unwrap_or(i64::MAX - 1))
    .execute(conn)
    .await?;
    if put.rows_affected() == 0 {
        Err(Fail(StoreError::Conflict("the case was changed meanwhile, or is another exception's".into())))
    } else {
        Ok(())
    }
}

fn exception_record(row: &impl Columns) -> Done<ExceptionRecord> {
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

pub(crate) fn case(row: &impl Columns) -> Done<CaseRecord> {
    Ok(CaseRecord {
        id: row.id("id")?,
        exception: row.id("exception_id")?,
        shipment: row.id("shipment_id")?,
        desk: row.text("desk")?,
        external_key: row.text("external_key")?,
        number: row.opt_text("number")?,
        url: row.opt_text("url")?,
        status: row.opt_word("ended")?.map_or_else(|| row.word("status"), Ok)?,
        opened_at: row.at("opened_at")?,
        resolved_at: row.opt_at("resolved_at")?,
        notes: row.json("notes")?,
        closed_by: if row.flag("by_agent")? {
            Some(Agent { name: row.opt_sealed("agent_subject", "agent_name")? })
        } else {
            None
        },
        follows: row.opt_text("follows")?,
        seen: row.opt_word("seen")?,
        revision: row.count("revision")?,
    })
}
