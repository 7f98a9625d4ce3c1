//! What people look after: exceptions, cases, figures.

use crate::{
    SqliteStore, audit,
    codec::{Done, Fail, PAGE_AND_ONE, cursor, json, micros, opt_micros, page, word},
    counter, figures, jobs, shipments,
    sql::{Query, Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::{
    Severity,
    commit::ExceptionChange,
    fold::{Choice, Decision, FoldedException},
    ids::{CaseId, ExceptionId, ShipmentId},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rusqlite::Connection;
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
impl Work for SqliteStore {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        self.read(move |conn| queue(conn, scope, &query, now)).await
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        self.read(move |conn| queue_counts(conn, scope, now)).await
    }

    async fn exception(&self, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>> {
        self.read(move |conn| exception(conn, scope, id)).await
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
            act(conn, scope, id, &action, audit.at)?;
            audit::append(conn, scope, &audit)?;
            for job in &jobs {
                jobs::enqueue(conn, scope, job, audit.at)?;
            }
            Ok(())
        })
        .await
    }

    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
        self.read(move |conn| case_context(conn, scope, id)).await
    }

    async fn put_case(&self, scope: Scope, case: CaseRecord) -> Result<()> {
        self.write(Turn::RealTime, move |conn| put_case(conn, scope, &case)).await
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
            put_case(conn, scope, &case)?;
            if let Some(action) = &action {
                act(conn, scope, case.exception, action, audit.at)?;
            }
            audit::append(conn, scope, &audit)?;
            for job in &jobs {
                jobs::enqueue(conn, scope, job, audit.at)?;
            }
            Ok(())
        })
        .await
    }

    async fn cases_by_number(&self, scope: Scope, desk: String, numbers: Vec<String>) -> Result<Vec<CaseRecord>> {
        self.read(move |conn| {
            let sql =
                "SELECT c.* FROM json_each(?) n CROSS JOIN desk_case c ON c.company_id = ? AND c.number = n.value
                 WHERE c.desk = ? AND NOT EXISTS (SELECT 1 FROM desk_case l WHERE l.shipment_id = c.shipment_id AND l.external_key = c.external_key
                     AND (l.opened_at, l.id) > (c.opened_at, c.id)) ORDER BY c.id";
            let rows = query(sql).bind(json(&numbers)).bind(scope.company.0).bind(&desk).fetch_all(conn)?;
            rows.iter().map(case).collect()
        })
        .await
    }

    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>> {
        self.read(move |conn| {
            let sql =
                "SELECT c.* FROM desk_case c WHERE c.company_id = ? AND c.number IS NOT NULL AND (c.status = 'open' OR c.ended = 'hidden')
                 AND c.desk = ? AND NOT EXISTS (SELECT 1 FROM desk_case l WHERE l.shipment_id = c.shipment_id AND l.external_key = c.external_key
                     AND (l.opened_at, l.id) > (c.opened_at, c.id)) ORDER BY c.polled_at, c.id LIMIT ?";
            let rows = query(sql).bind(scope.company.0).bind(&desk).bind(i64::from(limit)).fetch_all(conn)?;
            rows.iter().map(case).collect()
        })
        .await
    }

    async fn polled(
        &self,
        scope: Scope,
        seen: Vec<(CaseId, Option<CaseStatus>)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            for (id, status) in &seen {
                query(
                    "UPDATE desk_case SET polled_at = ?1, revision = revision + (?2 IS NOT NULL AND seen IS NOT ?2), seen = coalesce(?2, seen)
                     WHERE company_id = ?3 AND id = ?4",
                )
                .bind(micros(at))
                .bind(status.map(word))
                .bind(scope.company.0)
                .bind(id.0)
                .execute(conn)?;
            }
            for job in &jobs {
                jobs::enqueue(conn, scope, job, at)?;
            }
            Ok(())
        })
        .await
    }

    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
        let zone = zone.clone();
        self.read(move |conn| figures::figures(conn, scope, now, &zone)).await
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

/// The cases of a shipment.
pub(crate) fn cases(conn: &Connection, id: ShipmentId) -> Done<Vec<CaseRecord>> {
    let rows =
        query("SELECT * FROM desk_case WHERE shipment_id = ? ORDER BY opened_at, id").bind(id.0).fetch_all(conn)?;
    rows.iter().map(case).collect()
}

/// The exceptions of a shipment as they were known at a time.
pub(crate) fn exceptions_of(conn: &Connection, id: ShipmentId, known: i64) -> Done<Vec<ExceptionRecord>> {
    let rows =
        query("SELECT * FROM exception WHERE shipment_id = ? AND recorded_at <= ? ORDER BY recorded_at, opened_at, id")
            .bind(id.0)
            .bind(known)
            .fetch_all(conn)?;
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut record = exception_record(row)?;
        if row.opt_int("closed_recorded_at")?.is_some_and(|at| at > known) {
            record.closed = None;
        }
        records.push(record);
    }
    Ok(records)
}

/// Applies what a fold makes of the exceptions. What ends goes first: of one reason and piece one is open at a time.
pub(crate) fn apply(conn: &Connection, scope: Scope, commit: &Commit) -> Done<()> {
    for change in &commit.exceptions {
        if let ExceptionChange::Close { id, at, resolution } = change {
            let closed_at = at.as_ref().and_then(|at| at.sort_key()).unwrap_or(commit.at);
            query(
                "UPDATE exception SET closed_at = ?, closed_recorded_at = ?, resolution = ? WHERE company_id = ? AND shipment_id = ? AND id = ? AND closed_at IS NULL",
            )
            .bind(micros(closed_at))
            .bind(micros(commit.at))
            .bind(word(resolution))
            .bind(scope.company.0)
            .bind(commit.shipment.0)
            .bind(id.0)
            .execute(conn)?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Keep { id, exception } = change {
            keep(conn, scope, commit, *id, exception)?;
        }
    }
    for change in &commit.exceptions {
        if let ExceptionChange::Open { id, exception } = change {
            open(conn, scope, commit, *id, exception)?;
        }
    }
    Ok(())
}

/// The row goes on; one that is open again is due anew.
fn keep(conn: &Connection, scope: Scope, commit: &Commit, id: ExceptionId, exception: &FoldedException) -> Done<()> {
    let before = self::exception(conn, scope, id)?.ok_or(StoreError::NotFound("exception"))?;
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
    .execute(conn)?;
    Ok(())
}

fn open(conn: &Connection, scope: Scope, commit: &Commit, id: ExceptionId, exception: &FoldedException) -> Done<()> {
    let closed = exception.closed.as_ref().map(|(at, how)| (at.sort_key().unwrap_or(commit.at), how));
    query(
        "INSERT INTO exception (id, company_id, shipment_id, reason, category, piece, severity, severity_rank, responsible, opened_at, recorded_at,
             closed_at, closed_recorded_at, resolution, evidence, due_at, withheld)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    .execute(conn)?;
    Ok(())
}

fn exception(conn: &Connection, scope: Scope, id: ExceptionId) -> Done<Option<ExceptionRecord>> {
    let row = query("SELECT * FROM exception WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(conn)?;
    row.as_ref().map(exception_record).transpose()
}

fn act(conn: &Connection, scope: Scope, id: ExceptionId, action: &ExceptionAction, at: Timestamp) -> Done<()> {
    let exception = exception(conn, scope, id)?.ok_or(StoreError::NotFound("exception"))?;
    let evidence = exception.evidence.clone();
    match action {
        ExceptionAction::Acknowledge => {
            query("UPDATE exception SET acknowledged_at = coalesce(acknowledged_at, ?) WHERE id = ?")
                .bind(micros(at))
                .bind(id.0)
                .execute(conn)?;
        }
        ExceptionAction::Assign { owner } => {
            query("UPDATE exception SET owner_id = ? WHERE id = ?")
                .bind(owner.map(|id| id.0))
                .bind(id.0)
                .execute(conn)?;
        }
        ExceptionAction::Snooze { until } => {
            query("UPDATE exception SET snoozed_until = ? WHERE id = ?")
                .bind(micros(*until))
                .bind(id.0)
                .execute(conn)?;
        }
        ExceptionAction::Resolve => {
            decide(conn, scope, exception.shipment, at, Choice::Resolve { exception: id, evidence })?
        }
        ExceptionAction::Reopen => {
            decide(conn, scope, exception.shipment, at, Choice::Reopen { exception: id, evidence })?
        }
    }
    Ok(())
}

fn decide(conn: &Connection, scope: Scope, shipment: ShipmentId, at: Timestamp, what: Choice) -> Done<()> {
    query("INSERT INTO decision (company_id, shipment_id, at, body) VALUES (?, ?, ?, ?)")
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(micros(at))
        .bind(json(&Decision { at, what }))
        .execute(conn)?;
    Ok(())
}

/// All that are open, without those that a person put off.
fn queue_counts(conn: &Connection, scope: Scope, now: Timestamp) -> Done<QueueCounts> {
    let rows = query(
        "SELECT category || '/' || severity AS key, count(*) AS number FROM exception
         WHERE company_id = ? AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > ? GROUP BY 1",
    )
    .bind(scope.company.0)
    .bind(micros(now))
    .fetch_all(conn)?;
    let snoozed =
        rows.iter().map(|row| Ok((row.text("key")?, row.count("number")?))).collect::<Done<HashMap<_, _>>>()?;
    storage::work::queue_counts(counter::read(conn, scope, "queue")?, &snoozed).map_err(Fail)
}

/// Where a page of the queue ended: what it sorts by, and the id.
type Place = (i64, i64, Uuid);

fn queue(conn: &Connection, scope: Scope, wanted: &QueueQuery, now: Timestamp) -> Done<Page<QueueRow>> {
    let mut sql = query(
        "SELECT x.*, u.name AS owner_name, s.state, s.origin, s.destination
         FROM exception x JOIN shipment s ON s.id = x.shipment_id LEFT JOIN user u ON u.id = x.owner_id WHERE ",
    );
    // from the tickets, where those are asked for: of the exceptions there are as many as there ever were
    sql.push(if wanted.case.is_some() { "+x.company_id = " } else { "x.company_id = " });
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
    if let Some((first, second, id)) = cursor::decode::<Place>(wanted.cursor.as_deref()) {
        after(&mut sql, order, first, second, id);
    }
    sql.push(order.sql()).push(" LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.fetch_all(conn)?;
    let page = page(rows.iter().map(|row| Ok((order.place(row)?, row))).collect::<Done<Vec<_>>>()?, |(place, _)| {
        cursor::encode(place)
    });
    let ids = page.rows.iter().map(|(_, row)| row.id::<Uuid>("shipment_id")).collect::<Done<Vec<_>>>()?;
    let numbers = shipments::numbers(conn, ids)?;
    let mut cases = cases_of(conn, page.rows.iter().map(|((_, _, id), _)| *id))?;
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
        .collect::<Done<_>>()?;
    Ok(Page { rows, next: page.next })
}

fn view(sql: &mut Query<'_>, scope: Scope, view: QueueView, now: Timestamp) {
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
            sql.push(" AND 0");
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

    fn place(self, row: &Row) -> Done<Place> {
        Ok(match self {
            Self::Urgency => (row.int("severity_rank")?, row.int("due_at")?, row.id("id")?),
            Self::Closed => (row.int("closed_at")?, 0, row.id("id")?),
            Self::Recorded => (row.int("recorded_at")?, 0, row.id("id")?),
        })
    }
}

/// What comes after the place where a page ended.
fn after(sql: &mut Query<'_>, order: Order, first: i64, second: i64, id: Uuid) {
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
fn narrowed(sql: &mut Query<'_>, scope: Scope, wanted: &QueueQuery, now: Timestamp) {
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

fn cases_of(conn: &Connection, exceptions: impl Iterator<Item = Uuid>) -> Done<HashMap<ExceptionId, CaseRecord>> {
    let rows = query("SELECT c.* FROM json_each(?) x CROSS JOIN desk_case c ON c.exception_id = unhex(x.value)")
        .bind(crate::codec::id_list(exceptions))
        .fetch_all(conn)?;
    rows.iter().map(|row| Ok((row.id("exception_id")?, case(row)?))).collect()
}

fn case_context(conn: &Connection, scope: Scope, id: ExceptionId) -> Done<Option<CaseContext>> {
    let Some(exception) = exception(conn, scope, id)? else { return Ok(None) };
    let own = query("SELECT * FROM desk_case WHERE company_id = ? AND exception_id = ?")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(conn)?;
    let earlier = query(
        "SELECT c.* FROM exception x JOIN desk_case c ON c.exception_id = x.id
         WHERE +x.company_id = ? AND x.shipment_id = ? AND x.reason = ? AND x.piece IS ? AND x.id <> ? AND x.recorded_at <= ?
         ORDER BY x.recorded_at DESC, x.id DESC LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(exception.shipment.0)
    .bind(exception.reason.code())
    .bind(&exception.piece)
    .bind(id.0)
    .bind(micros(exception.recorded_at))
    .fetch_optional(conn)?;
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

pub(crate) fn put_case(conn: &Connection, scope: Scope, case: &CaseRecord) -> Done<()> {
    let (status, ended) = stored_status(case.status);
    let agent = case.closed_by.as_ref().and_then(|agent| agent.name.as_ref());
    let put = query(
        "INSERT INTO desk_case (id, company_id, exception_id, shipment_id, desk, external_key, number, url, status, opened_at, resolved_at, notes,
             ended, by_agent, agent_subject, agent_name, follows, seen, revision)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? + 1)
         ON CONFLICT (id) DO UPDATE SET
             external_key = excluded.external_key, number = excluded.number, url = excluded.url, status = excluded.status,
             resolved_at = excluded.resolved_at, notes = excluded.notes,
             ended = excluded.ended, by_agent = excluded.by_agent, agent_subject = excluded.agent_subject, agent_name = excluded.agent_name,
             follows = excluded.follows, seen = excluded.seen, revision = excluded.revision
         WHERE company_id = excluded.company_id AND exception_id = excluded.exception_id AND revision + 1 = excluded.revision",
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
    .execute(conn)?;
    if put == 0 {
        Err(Fail(StoreError::Conflict("the case was changed meanwhile, or is another exception's".into())))
    } else {
        Ok(())
    }
}

fn exception_record(row: &Row) -> Done<ExceptionRecord> {
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
        withheld: row.int("withheld")? == 1,
    })
}

fn case(row: &Row) -> Done<CaseRecord> {
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
        closed_by: if row.int("by_agent")? == 1 {
            Some(Agent { name: row.opt_sealed("agent_subject", "agent_name")? })
        } else {
            None
        },
        follows: row.opt_text("follows")?,
        seen: row.opt_word("seen")?,
        revision: row.count("revision")?,
    })
}
