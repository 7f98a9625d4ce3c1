//! Cases at the service desk.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{self, id_list, micros, opt_micros, word},
    exceptions::{self, act},
    jobs, query,
    rows::{Rows, hex_id},
};
use async_trait::async_trait;
use domain::ids::{CaseId, ExceptionId, ShipmentId};
use jiff::Timestamp;
use serde_json::json;
use std::collections::HashMap;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    cases::{Agent, CaseContext, CaseRecord, CaseStatus, Cases, DELIVERY_KEPT, DeskReport, TicketFacts},
    exceptions::ExceptionAction,
    jobs::{Lane, NewJob},
};
use uuid::Uuid;

#[async_trait]
impl<E: Engine> Cases for Sql<E> {
    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
        self.0.read(move |db| Box::pin(async move { case_context(db, scope, id).await })).await
    }

    async fn put_case(&self, scope: Scope, case: CaseRecord, jobs: Vec<NewJob>) -> Result<()> {
        let at = jobs.iter().map(|job| job.run_at).max().unwrap_or(case.opened_at);
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    put_case(db, scope, &case).await?;
                    jobs::enqueue_all(db, scope, &jobs, at).await.map(drop)
                })
            })
            .await
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
                    put_case(db, scope, &case).await?;
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
        self.0.read(move |db| Box::pin(async move { by_number(db, scope, &desk, numbers).await })).await
    }

    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>> {
        self.0.read(move |db| Box::pin(async move { to_poll(db, scope, &desk, limit).await })).await
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
                    polled(db, scope, &seen, at).await?;
                    jobs::enqueue_all(db, scope, &jobs, at).await.map(drop)
                })
            })
            .await
    }

    async fn take_report(&self, scope: Scope, report: DeskReport, at: Timestamp, jobs: Vec<NewJob>) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    if let Some(delivery) = &report.delivery
                        && !is_new(db, scope, &report.desk, delivery, at).await?
                    {
                        return Ok(false);
                    }
                    let seen: Vec<_> = report.seen.iter().map(|(id, status)| (*id, Some(*status))).collect();
                    polled(db, scope, &seen, at).await?;
                    jobs::enqueue_all(db, scope, &jobs, at).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Remembers a delivery; whether it was not known. What is old is forgotten.
async fn is_new(db: &mut dyn Db, scope: Scope, desk: &str, delivery: &str, at: Timestamp) -> Result<bool> {
    let old = at.checked_sub(DELIVERY_KEPT).unwrap_or(Timestamp::MIN);
    query("DELETE FROM desk_report WHERE company_id = ? AND desk = ? AND at < ?")
        .bind(scope.company.0)
        .bind(desk)
        .bind(micros(old))
        .execute(db)
        .await?;
    let kept =
        query("INSERT INTO desk_report (company_id, desk, delivery, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(scope.company.0)
            .bind(desk)
            .bind(delivery)
            .bind(micros(at))
            .execute(db)
            .await?;
    Ok(kept > 0)
}

/// Of several episodes in one ticket the case `c` is the newest.
macro_rules! newest_in_ticket {
    () => {
        "NOT EXISTS (SELECT 1 FROM desk_case l WHERE l.shipment_id = c.shipment_id AND l.external_key = c.external_key
                     AND (l.opened_at, l.id) > (c.opened_at, c.id))"
    };
}

/// The cases of a shipment.
pub async fn of_shipment(db: &mut dyn Db, id: ShipmentId) -> Result<Vec<CaseRecord>> {
    let rows = query("SELECT * FROM desk_case WHERE shipment_id = ? ORDER BY opened_at, id").bind(id.0).all(db).await?;
    rows.iter().map(case).collect()
}

/// The cases with these ticket numbers at a desk.
pub async fn by_number(db: &mut dyn Db, scope: Scope, desk: &str, numbers: Vec<String>) -> Result<Vec<CaseRecord>> {
    let rows = query(concat!(
        "SELECT c.* FROM {texts ? n} CROSS JOIN desk_case c WHERE c.company_id = ? AND c.number = n.value AND c.desk = ? AND ",
        newest_in_ticket!(),
        " ORDER BY c.id"
    ))
    .bind(numbers)
    .bind(scope.company.0)
    .bind(desk)
    .all(db)
    .await?;
    rows.iter().map(case).collect()
}

/// Cases whose ticket is at work or cannot be read, those that were not polled for longest first.
pub async fn to_poll(db: &mut dyn Db, scope: Scope, desk: &str, limit: u32) -> Result<Vec<CaseRecord>> {
    let rows = query(concat!(
        "SELECT c.* FROM desk_case c WHERE c.company_id = ? AND c.number IS NOT NULL AND (c.status = 'open' OR c.ended = 'hidden')
         AND c.desk = ? AND ",
        newest_in_ticket!(),
        " ORDER BY c.polled_at, c.id LIMIT ?"
    ))
    .bind(scope.company.0)
    .bind(desk)
    .bind(limit)
    .all(db)
    .await?;
    rows.iter().map(case).collect()
}

/// Keeps what a poll saw of cases.
pub async fn polled(db: &mut dyn Db, scope: Scope, seen: &[(CaseId, Option<CaseStatus>)], at: Timestamp) -> Result<()> {
    let row = |(id, status): &(CaseId, Option<CaseStatus>)| json!({ "id": hex_id(id.0), "status": status.map(word) });
    query(
        "UPDATE desk_case AS c SET polled_at = ?1, seen = coalesce(r.status, c.seen),
             revision = c.revision + CASE WHEN r.status IS NOT NULL AND c.seen IS DISTINCT FROM r.status THEN 1 ELSE 0 END
         FROM {rows ?2 r (id id, status text)} WHERE (c.company_id = ?3) IS TRUE AND c.id = r.id",
    )
    .bind(at)
    .bind(seen.iter().map(row).collect::<Rows>())
    .bind(scope.company.0)
    .execute(db)
    .await
    .map(drop)
}

/// The newest case of each of these exceptions.
///
/// # Errors
/// When the database fails.
pub async fn of_exceptions(
    db: &mut dyn Db,
    exceptions: impl Iterator<Item = Uuid>,
) -> Result<HashMap<ExceptionId, CaseRecord>> {
    let rows = query("SELECT c.* FROM {ids ? x} CROSS JOIN desk_case c WHERE c.exception_id = x.value")
        .bind(id_list(exceptions))
        .all(db)
        .await?;
    rows.iter().map(|row| Ok((row.id("exception_id")?, case(row)?))).collect()
}

/// What a case's job needs to know of an exception.
///
/// # Errors
/// When the database fails.
pub async fn case_context(db: &mut dyn Db, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
    let Some(exception) = exceptions::exception(db, scope, id).await? else { return Ok(None) };
    let own = query("SELECT * FROM desk_case WHERE company_id = ?1 AND exception_id = ?2")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    let earlier = query(
        "SELECT c.* FROM exception x JOIN desk_case c ON c.exception_id = x.id
         WHERE {+}x.company_id = ?1 AND x.shipment_id = ?2 AND x.reason = ?3 AND x.piece IS NOT DISTINCT FROM ?4 AND x.id <> ?5 AND x.recorded_at <= ?6
         ORDER BY x.recorded_at DESC, x.id DESC LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(exception.shipment.0)
    .bind(exception.reason.code())
    .bind(&exception.piece)
    .bind(id.0)
    .bind(micros(exception.recorded_at))
    .optional(db)
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

/// Keeps a case as it is now.
///
/// # Errors
/// When the database fails.
pub async fn put_case(db: &mut dyn Db, scope: Scope, case: &CaseRecord) -> Result<()> {
    let (status, ended) = stored_status(case.status);
    let agent = case.closed_by.as_ref().and_then(|agent| agent.name.as_ref());
    let ticket = &case.ticket;
    let put = query(
        "INSERT INTO desk_case (id, company_id, exception_id, shipment_id, desk, external_key, number, url, status, opened_at, resolved_at, notes,
             ended, by_agent, agent_subject, agent_name, follows, seen, revision,
             tried_at, context, looked_at, agent_replies, agent_notes, agent_at, assignee_subject, assignee_name, team, severity, closed_by_rule)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 + 1,
             ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)
         ON CONFLICT (id) DO UPDATE SET
             desk = excluded.desk, external_key = excluded.external_key, number = excluded.number, url = excluded.url, status = excluded.status,
             resolved_at = excluded.resolved_at, notes = excluded.notes,
             ended = excluded.ended, by_agent = excluded.by_agent, agent_subject = excluded.agent_subject, agent_name = excluded.agent_name,
             follows = excluded.follows, seen = excluded.seen, revision = excluded.revision,
             tried_at = excluded.tried_at, context = excluded.context, looked_at = excluded.looked_at,
             agent_replies = excluded.agent_replies, agent_notes = excluded.agent_notes, agent_at = excluded.agent_at,
             assignee_subject = excluded.assignee_subject, assignee_name = excluded.assignee_name, team = excluded.team,
             severity = excluded.severity, closed_by_rule = excluded.closed_by_rule
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
    .bind(codec::json(&case.notes))
    .bind(ended)
    .bind(case.closed_by.is_some())
    .bind(agent.map(|name| name.subject.0))
    .bind(agent.map(|name| name.bytes.as_slice()))
    .bind(&case.follows)
    .bind(case.seen.map(word))
    .bind(i64::try_from(case.revision).unwrap_or(i64::MAX - 1))
    .bind(opt_micros(ticket.tried_at))
    .bind(&ticket.context)
    .bind(opt_micros(ticket.looked_at))
    .bind(i64::from(ticket.replies))
    .bind(i64::from(ticket.notes))
    .bind(opt_micros(ticket.agent_at))
    .bind(ticket.assignee.as_ref().map(|name| name.subject.0))
    .bind(ticket.assignee.as_ref().map(|name| name.bytes.as_slice()))
    .bind(&ticket.team)
    .bind(ticket.severity.map(word))
    .bind(ticket.closed_by_rule.as_ref().map(ToString::to_string))
    .execute(db)
    .await?;
    if put == 0 {
        Err(StoreError::Conflict("the case was changed meanwhile, or is another exception's".into()))
    } else {
        Ok(())
    }
}

/// A row of `desk_case`.
///
/// # Errors
/// When a column is missing or of another type.
pub fn case(row: &Row) -> Result<CaseRecord> {
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
        ticket: TicketFacts {
            tried_at: row.opt_at("tried_at")?,
            context: row.opt_text("context")?,
            looked_at: row.opt_at("looked_at")?,
            replies: row.count("agent_replies")?,
            notes: row.count("agent_notes")?,
            agent_at: row.opt_at("agent_at")?,
            assignee: row.opt_sealed("assignee_subject", "assignee_name")?,
            team: row.opt_text("team")?,
            severity: row.opt_word("severity")?,
            closed_by_rule: row.opt_text("closed_by_rule")?.and_then(|id| id.parse().ok()),
        },
        revision: row.count("revision")?,
    })
}
