//! What people look after: exceptions, cases, figures.

use crate::{
    SqliteStore, audit,
    codec::{Done, Fail, PAGE_AND_ONE, cursor, json, micros, opt_micros, page, word},
    jobs, shipments,
    sql::{Query, Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::{
    Category, Severity,
    commit::ExceptionChange,
    fold::{Choice, Decision, FoldedException},
    ids::{ExceptionId, ShipmentId},
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rusqlite::Connection;
use std::collections::HashMap;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError,
    jobs::NewJob,
    shipments::Commit,
    work::{
        CarrierFigures, CaseContext, CaseRecord, DayFigures, Due, ExceptionAction, ExceptionRecord, Figures,
        QueueCounts, QueueQuery, QueueRow, QueueView, Work, due_at,
    },
};
use uuid::Uuid;

/// How long an ended exception is in the queue's view of ended ones.
const CLOSED_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The window of weekly figures.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A job that retries for longer is counted.
const LONG_RETRYING: SignedDuration = SignedDuration::from_hours(1);
/// Days of the daily figures.
const DAYS: i32 = 14;
/// Open exceptions whose age is read for the figures.
const FIGURE_ROWS: i64 = 20_000;

#[async_trait]
impl Work for SqliteStore {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        self.read(move |conn| queue(conn, scope, &query, now)).await
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        self.read(move |conn| {
            let rows = query(
                "SELECT category, severity, count(*) AS number FROM exception
                 WHERE company_id = ? AND closed_at IS NULL AND (snoozed_until IS NULL OR snoozed_until <= ?)
                 GROUP BY category, severity, severity_rank ORDER BY severity_rank DESC, number DESC, category",
            )
            .bind(scope.company.0)
            .bind(micros(now))
            .fetch_all(conn)?;
            let count = |row: &Row| -> Done<(Category, Severity, u64)> {
                Ok((row.word("category")?, row.word("severity")?, row.count("number")?))
            };
            rows.iter().map(count).collect::<Done<_>>()
        })
        .await
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

    async fn figures(&self, scope: Scope, now: Timestamp, heard_since: Timestamp) -> Result<Figures> {
        self.read(move |conn| figures(conn, scope, now, heard_since)).await
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
             resolution = CASE WHEN ?6 THEN NULL ELSE resolution END
         WHERE company_id = ?7 AND shipment_id = ?8 AND id = ?9",
    )
    .bind(exception.severity.code())
    .bind(rank(exception.severity))
    .bind(json(&exception.evidence))
    .bind(micros(exception.opened.sort_key().unwrap_or(exception.opened_recorded)))
    .bind(micros(due))
    .bind(reopened)
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
             closed_at, closed_recorded_at, resolution, evidence, due_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

/// Where a page of the queue ended: severity, due time, id.
type Place = (i64, i64, Uuid);

fn queue(conn: &Connection, scope: Scope, wanted: &QueueQuery, now: Timestamp) -> Done<Page<QueueRow>> {
    let mut sql = query(
        "SELECT x.*, u.name AS owner_name, s.state, s.origin, s.destination
         FROM exception x JOIN shipment s ON s.id = x.shipment_id LEFT JOIN user u ON u.id = x.owner_id
         WHERE x.company_id = ",
    );
    sql.push_bind(scope.company.0);
    view(&mut sql, scope, wanted.view, now);
    if let Some(category) = wanted.category {
        sql.push(" AND x.category = ").push_bind(category.code());
    }
    if let Some(severity) = wanted.severity {
        sql.push(" AND x.severity_rank = ").push_bind(rank(severity));
    }
    if let Some((rank, due, id)) = cursor::decode::<Place>(wanted.cursor.as_deref()) {
        sql.push(" AND x.severity_rank <= ").push_bind(rank).push(" AND (x.severity_rank < ").push_bind(rank);
        sql.push(" OR (x.due_at, x.id) > (").push_bind(due).push(", ").push_bind(id).push("))");
    }
    sql.push(" ORDER BY x.severity_rank DESC, x.due_at, x.id LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.fetch_all(conn)?;
    let page = page(rows.iter().map(|row| Ok((place(row)?, row))).collect::<Done<Vec<_>>>()?, |(place, _)| {
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
        (QueueView::Open | QueueView::Snoozed | QueueView::Closed, _) => {}
    }
}

fn place(row: &Row) -> Done<Place> {
    Ok((row.int("severity_rank")?, row.int("due_at")?, row.id("id")?))
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

fn put_case(conn: &Connection, scope: Scope, case: &CaseRecord) -> Done<()> {
    let put = query(
        "INSERT INTO desk_case (id, company_id, exception_id, shipment_id, desk, external_key, number, url, status, opened_at, resolved_at, notes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
             number = excluded.number, url = excluded.url, status = excluded.status, resolved_at = excluded.resolved_at, notes = excluded.notes
         WHERE company_id = excluded.company_id AND exception_id = excluded.exception_id",
    )
    .bind(case.id.0)
    .bind(scope.company.0)
    .bind(case.exception.0)
    .bind(case.shipment.0)
    .bind(&case.desk)
    .bind(&case.external_key)
    .bind(&case.number)
    .bind(&case.url)
    .bind(word(case.status))
    .bind(micros(case.opened_at))
    .bind(opt_micros(case.resolved_at))
    .bind(json(&case.notes))
    .execute(conn)?;
    if put == 0 { Err(Fail(StoreError::Conflict("the case is another exception's".into()))) } else { Ok(()) }
}

fn figures(conn: &Connection, scope: Scope, now: Timestamp, heard_since: Timestamp) -> Done<Figures> {
    let week = micros(now.checked_sub(WEEK).unwrap_or(now));
    let mut figures = Figures::default();
    shipment_figures(conn, scope, heard_since, &mut figures)?;
    exception_figures(conn, scope, now, week, &mut figures)?;
    job_figures(conn, scope, now, week, &mut figures)?;
    case_figures(conn, scope, week, &mut figures)?;
    figures.carriers = carrier_figures(conn, scope, heard_since)?;
    figures.days = day_figures(conn, scope, now)?;
    Ok(figures)
}

fn shipment_figures(conn: &Connection, scope: Scope, heard_since: Timestamp, figures: &mut Figures) -> Done<()> {
    let row = query(
        "SELECT count(*) AS non_terminal, coalesce(sum(heard_at >= ?2), 0) AS current FROM shipment
         WHERE company_id = ?1 AND merged_into IS NULL AND origin IS NOT NULL AND terminal = 0 AND standing <> 'cancelled'",
    )
    .bind(scope.company.0)
    .bind(micros(heard_since))
    .fetch_one(conn)?;
    figures.non_terminal = row.count("non_terminal")?;
    figures.current = row.count("current")?;
    let rows = query("SELECT state, count(*) AS number FROM shipment WHERE company_id = ? AND merged_into IS NULL AND origin IS NOT NULL GROUP BY state")
        .bind(scope.company.0)
        .fetch_all(conn)?;
    figures.by_state = rows.iter().map(|row| Ok((row.word("state")?, row.count("number")?))).collect::<Done<_>>()?;
    figures.by_state.sort_unstable();
    Ok(())
}

fn exception_figures(conn: &Connection, scope: Scope, now: Timestamp, week: i64, figures: &mut Figures) -> Done<()> {
    let rows = query("SELECT severity, opened_at, due_at FROM exception WHERE company_id = ? AND closed_at IS NULL ORDER BY severity_rank DESC, due_at, id LIMIT ?")
        .bind(scope.company.0)
        .bind(FIGURE_ROWS)
        .fetch_all(conn)?;
    for row in &rows {
        let due = if row.at("due_at")? < now { Due::Over } else { Due::Within };
        figures.open_exceptions.push((row.word("severity")?, row.at("opened_at")?, due));
    }
    let row = query("SELECT count(*) AS number FROM exception WHERE company_id = ? AND recorded_at > ?")
        .bind(scope.company.0)
        .bind(week)
        .fetch_one(conn)?;
    figures.exceptions_7d = row.count("number")?;
    Ok(())
}

fn job_figures(conn: &Connection, scope: Scope, now: Timestamp, week: i64, figures: &mut Figures) -> Done<()> {
    let row = query(
        "SELECT coalesce(sum(status = 'dead'), 0) AS dead, coalesce(sum(status = 'retrying' AND created_at <= ?3), 0) AS long_retrying,
                coalesce(sum(created_at > ?2), 0) AS week
         FROM job WHERE company_id = ?1 AND destination IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(week)
    .bind(micros(now.checked_sub(LONG_RETRYING).unwrap_or(now)))
    .fetch_one(conn)?;
    figures.dead_jobs = row.count("dead")?;
    figures.long_retrying = row.count("long_retrying")?;
    figures.jobs_7d = row.count("week")?;
    Ok(())
}

fn case_figures(conn: &Connection, scope: Scope, week: i64, figures: &mut Figures) -> Done<()> {
    let row = query(
        "SELECT count(*) AS cases, coalesce(sum(c.status = 'resolved' AND x.resolution IS NOT NULL AND x.resolution <> 'person'), 0) AS healed
         FROM desk_case c JOIN exception x ON x.id = c.exception_id WHERE c.company_id = ? AND c.opened_at > ?",
    )
    .bind(scope.company.0)
    .bind(week)
    .fetch_one(conn)?;
    figures.cases_7d = row.count("cases")?;
    figures.cases_self_healed_7d = row.count("healed")?;
    Ok(())
}

fn carrier_figures(conn: &Connection, scope: Scope, heard_since: Timestamp) -> Done<Vec<CarrierFigures>> {
    // a shipment with several numbers of one carrier is one
    let rows = query(
        "SELECT carrier, count(*) AS shipments, sum(going) AS non_terminal, sum(going AND coalesce(heard_at >= ?2, 0)) AS current,
                sum(open_exceptions) AS open_exceptions, sum(state = 'DELIVERED') AS delivered
         FROM (SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier, s.id, s.heard_at, s.state, s.open_exceptions,
                      s.terminal = 0 AND s.standing <> 'cancelled' AS going
               FROM shipment s JOIN binding b ON b.shipment_id = s.id JOIN tracker t ON t.id = b.tracker_id
               WHERE s.company_id = ?1 AND s.merged_into IS NULL AND s.origin IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id))
         WHERE carrier IS NOT NULL GROUP BY carrier ORDER BY shipments DESC, carrier",
    )
    .bind(scope.company.0)
    .bind(micros(heard_since))
    .fetch_all(conn)?;
    rows.iter()
        .map(|row| {
            Ok(CarrierFigures {
                carrier: row.text("carrier")?,
                shipments: row.count("shipments")?,
                non_terminal: row.count("non_terminal")?,
                current: row.count("current")?,
                open_exceptions: row.count("open_exceptions")?,
                delivered: row.count("delivered")?,
            })
        })
        .collect()
}

fn day_figures(conn: &Connection, scope: Scope, now: Timestamp) -> Done<Vec<DayFigures>> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let days: Vec<Date> = (0..DAYS).rev().filter_map(|back| today.checked_sub(back.days()).ok()).collect();
    let since = days
        .first()
        .and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok())
        .map_or(0, micros);
    let by_day = |rows: Vec<Row>| {
        rows.iter().map(|row| Ok((row.int("day")?, row.count::<u64>("number")?))).collect::<Done<HashMap<_, _>>>()
    };
    let exceptions = query("SELECT recorded_at / 86400000000 AS day, count(*) AS number FROM exception WHERE company_id = ? AND recorded_at >= ? GROUP BY 1")
        .bind(scope.company.0)
        .bind(since)
        .fetch_all(conn)?;
    let delivered = query(
        "SELECT delivered_at / 86400000000 AS day, count(*) AS number FROM shipment
         WHERE company_id = ? AND merged_into IS NULL AND origin IS NOT NULL AND state = 'DELIVERED' AND delivered_at >= ? GROUP BY 1",
    )
    .bind(scope.company.0)
    .bind(since)
    .fetch_all(conn)?;
    let cases = query("SELECT opened_at / 86400000000 AS day, count(*) AS number FROM desk_case WHERE company_id = ? AND opened_at >= ? GROUP BY 1")
        .bind(scope.company.0)
        .bind(since)
        .fetch_all(conn)?;
    let (exceptions, delivered, cases) = (by_day(exceptions)?, by_day(delivered)?, by_day(cases)?);
    Ok(days
        .into_iter()
        .map(|day| {
            let number = day_number(day);
            let of = |figures: &HashMap<i64, u64>| figures.get(&number).copied().unwrap_or(0);
            DayFigures { day, exceptions: of(&exceptions), delivered: of(&delivered), cases: of(&cases) }
        })
        .collect())
}

/// Days since 1970, as the queries count them.
fn day_number(day: Date) -> i64 {
    TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).map_or(0, |at| at.as_second() / 86_400)
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
        status: row.word("status")?,
        opened_at: row.at("opened_at")?,
        resolved_at: row.opt_at("resolved_at")?,
        notes: row.json("notes")?,
    })
}
