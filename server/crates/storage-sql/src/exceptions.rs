//! Exceptions of shipments.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{json, micros, word},
    jobs, query,
};
use async_trait::async_trait;
use domain::{
    ExceptionReason, Severity,
    commit::ExceptionChange,
    exceptions::due_at,
    fold::{Choice, Decision, FoldedException},
    ids::{ExceptionId, ShipmentId},
};
use jiff::Timestamp;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    exceptions::{ExceptionAction, ExceptionRecord, Exceptions},
    jobs::{Lane, NewJob},
    shipments::Commit,
};

#[async_trait]
impl<E: Engine> Exceptions for Sql<E> {
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

    async fn without_team(&self, scope: Scope, team: String) -> Result<u64> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query("UPDATE exception SET team = NULL WHERE company_id = ?1 AND team = ?2 AND closed_at IS NULL")
                        .bind(scope.company.0)
                        .bind(&team)
                        .execute(db)
                        .await
                })
            })
            .await
    }

    async fn open_since(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        reason: ExceptionReason,
    ) -> Result<Option<Timestamp>> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query(
                        "SELECT max(opened_at) AS since FROM exception
                         WHERE company_id = ?1 AND shipment_id = ?2 AND reason = ?3 AND closed_at IS NULL",
                    )
                    .bind(scope.company.0)
                    .bind(shipment.0)
                    .bind(reason.code())
                    .optional(db)
                    .await?;
                    row.map_or(Ok(None), |row| row.opt_at("since"))
                })
            })
            .await
    }

    async fn answered(&self, scope: Scope, shipment: ShipmentId, answer: Decision, fold: NewJob) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    decide(db, scope, shipment, &answer).await?;
                    jobs::enqueue_all(db, scope, &[fold], answer.at).await.map(drop)
                })
            })
            .await
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
        due_at(exception.reason, exception.severity, began, &commit.calendar)
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
             closed_at, closed_recorded_at, resolution, evidence, due_at, withheld, team)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
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
    .bind(micros(due_at(exception.reason, exception.severity, commit.at, &commit.calendar)))
    .bind(commit.withheld.contains(&id))
    .bind(commit.teams.get(&id).map(String::as_str))
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

pub(crate) async fn act(
    db: &mut dyn Db,
    scope: Scope,
    id: ExceptionId,
    action: &ExceptionAction,
    at: Timestamp,
) -> Result<()> {
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
        ExceptionAction::Team { team } => {
            query("UPDATE exception SET team = ?1 WHERE id = ?2").bind(team).bind(id.0).execute(db).await?;
        }
        ExceptionAction::Unsnooze => {
            query("UPDATE exception SET snoozed_until = NULL WHERE id = ?1").bind(id.0).execute(db).await?;
        }
        ExceptionAction::Resolve => {
            decide(db, scope, exception.shipment, &Decision { at, what: Choice::Resolve { exception: id, evidence } })
                .await?
        }
        ExceptionAction::Reopen => {
            decide(db, scope, exception.shipment, &Decision { at, what: Choice::Reopen { exception: id, evidence } })
                .await?
        }
    }
    Ok(())
}

async fn decide(db: &mut dyn Db, scope: Scope, shipment: ShipmentId, decision: &Decision) -> Result<()> {
    query("INSERT INTO decision (company_id, shipment_id, at, body) VALUES (?1, ?2, ?3, ?4)")
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(micros(decision.at))
        .bind(json(decision))
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) fn exception_record(row: &Row) -> Result<ExceptionRecord> {
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
        closed_recorded_at: row.opt_at("closed_recorded_at")?,
        evidence: row.json("evidence")?,
        owner: row.opt_id("owner_id")?,
        team: row.opt_text("team")?,
        acknowledged_at: row.opt_at("acknowledged_at")?,
        snoozed_until: row.opt_at("snoozed_until")?,
        due_at: row.at("due_at")?,
        withheld: row.flag("withheld")?,
    })
}
