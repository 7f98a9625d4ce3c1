//! Lines of the audit trail. They are appended under a lock, so the chain has no forks.

use crate::{
    Db, Engine, Row, Sql,
    codec::{clean, id_list, json, row_limit},
    lock, query,
};
use async_trait::async_trait;
use domain::ids::{ExceptionId, ShipmentId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    Actor, AuditEntry, Result, Scope,
    audit::{ACCEPTED, AuditLine, AuditRecord, AuditTrail, Line, RESOLVED, SealedColumns, covering},
    jobs::Lane,
};

/// Audit lines of one read.
const AUDIT_ROWS: u32 = 500;

#[async_trait]
impl<E: Engine> AuditTrail for Sql<E> {
    async fn audit(&self, scope: Scope, entry: AuditEntry) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { append(db, scope, &entry).await })).await
    }

    async fn audit_before(
        &self,
        scope: Scope,
        subject: Option<String>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let sql = match subject {
            None => "SELECT * FROM audit WHERE company_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
            Some(_) => {
                "SELECT * FROM audit WHERE company_id = ?1 AND seq < ?2 AND subject = ?3 ORDER BY seq DESC LIMIT ?4"
            }
        };
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let mut question = query(sql).bind(scope.company.0).bind(before);
        if let Some(subject) = subject {
            question = question.bind(subject);
        }
        self.rows(question.bind(row_limit(limit, AUDIT_ROWS)), record).await
    }

    async fn audit_lines(&self, scope: Scope, after: Option<i64>, limit: u32) -> Result<Vec<Line>> {
        self.0
            .read(move |db| Box::pin(async move { lines(db, scope, after, row_limit(limit, AUDIT_ROWS)).await }))
            .await
    }

    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>> {
        self.0.read(move |db| Box::pin(async move { audit_of(db, scope, shipment).await })).await
    }

    async fn resolutions(
        &self,
        scope: Scope,
        exceptions: Vec<ExceptionId>,
    ) -> Result<Vec<(AuditRecord, Option<String>)>> {
        if exceptions.is_empty() {
            return Ok(Vec::new());
        }
        self.0.read(move |db| Box::pin(async move { resolutions(db, scope, &exceptions).await })).await
    }
}

/// Appends a line.
pub async fn append(db: &mut dyn Db, scope: Scope, entry: &AuditEntry) -> Result<()> {
    lock::audit(db, scope.company).await?;
    let last = query("SELECT seq, mac FROM audit WHERE company_id = ?1 ORDER BY seq DESC LIMIT 1")
        .bind(scope.company.0)
        .optional(db)
        .await?;
    let (seq, previous) = match last {
        Some(row) => match row.opt_bytes("mac")? {
            Some(mac) if entry.action != ACCEPTED => (row.int("seq")? + 1, mac),
            _ => (row.int("seq")? + 1, covering(&lines(db, scope, None, i64::MAX).await?, &entry.key)),
        },
        None => (1, Vec::new()),
    };
    let line = Line::of(entry, scope, seq, json(&scope.actor), clean(&entry.subject).into_owned());
    let mac = line.mac_behind(&previous, &entry.key);
    query(
        "INSERT INTO audit (company_id, seq, at, actor, action, subject, before_subject, before_bytes, after_subject, after_bytes, why_subject, why_bytes, mac)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(scope.company.0)
    .bind(seq)
    .bind(line.at)
    .bind(line.actor)
    .bind(line.action)
    .bind(line.subject)
    .bind(line.before.0)
    .bind(line.before.1)
    .bind(line.after.0)
    .bind(line.after.1)
    .bind(line.why.0)
    .bind(line.why.1)
    .bind(mac.as_slice())
    .execute(db)
    .await?;
    Ok(())
}

/// Lines behind one, oldest first.
async fn lines(db: &mut dyn Db, scope: Scope, after: Option<i64>, limit: i64) -> Result<Vec<Line>> {
    let rows = query("SELECT * FROM audit WHERE company_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
        .bind(scope.company.0)
        .bind(after.unwrap_or(i64::MIN))
        .bind(limit)
        .all(db)
        .await?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line> {
    let sealed =
        |subject: &str, bytes: &str| -> Result<SealedColumns> { Ok((row.opt_id(subject)?, row.opt_bytes(bytes)?)) };
    Ok(Line {
        company: row.id("company_id")?,
        seq: row.int("seq")?,
        at: row.int("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        before: sealed("before_subject", "before_bytes")?,
        after: sealed("after_subject", "after_bytes")?,
        why: sealed("why_subject", "why_bytes")?,
        mac: row.opt_bytes("mac")?,
    })
}

/// A line as people see it.
fn record(row: &Row) -> Result<AuditRecord> {
    Ok(AuditRecord {
        seq: row.count("seq")?,
        actor: row.json("actor")?,
        entry: AuditLine {
            at: row.at("at")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            before: row.opt_sealed("before_subject", "before_bytes")?,
            after: row.opt_sealed("after_subject", "after_bytes")?,
            why: row.opt_sealed("why_subject", "why_bytes")?,
        },
        mac: row.opt_bytes("mac")?,
    })
}

/// The lines about a shipment and its exceptions, oldest first, with the actor's name.
async fn audit_of(db: &mut dyn Db, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>> {
    let exceptions =
        query("SELECT id FROM exception {indexed by exception_shipment} WHERE company_id = ?1 AND shipment_id = ?2")
            .bind(scope.company.0)
            .bind(shipment.0)
            .all(db)
            .await?;
    let mut subjects = vec![format!("shipment:{shipment}")];
    for row in &exceptions {
        subjects.push(format!("exception:{}", row.id::<ExceptionId>("id")?));
    }
    let rows = query(
        "SELECT a.* FROM {texts ?1 s} CROSS JOIN audit a WHERE a.company_id = ?2 AND a.subject = s.value
         ORDER BY a.seq LIMIT ?3",
    )
    .bind(subjects)
    .bind(scope.company.0)
    .bind(i64::from(AUDIT_ROWS))
    .all(db)
    .await?;
    named(db, scope, &rows).await
}

async fn resolutions(
    db: &mut dyn Db,
    scope: Scope,
    exceptions: &[ExceptionId],
) -> Result<Vec<(AuditRecord, Option<String>)>> {
    let subjects: Vec<_> = exceptions.iter().map(|id| format!("exception:{id}")).collect();
    let actions: Vec<_> = RESOLVED.iter().map(|action| (*action).to_owned()).collect();
    let rows = query(
        "SELECT a.* FROM {texts ?1 s} CROSS JOIN audit a WHERE a.company_id = ?2 AND a.subject = s.value
         AND a.seq = (SELECT l.seq FROM audit l WHERE l.company_id = ?2 AND l.subject = s.value AND l.action {in texts ?3}
                      ORDER BY l.seq DESC LIMIT 1)",
    )
    .bind(subjects)
    .bind(scope.company.0)
    .bind(actions)
    .all(db)
    .await?;
    named(db, scope, &rows).await
}

/// Lines with the names of the people who did what they record, which are asked for together.
async fn named(db: &mut dyn Db, scope: Scope, rows: &[Row]) -> Result<Vec<(AuditRecord, Option<String>)>> {
    let lines = rows.iter().map(record).collect::<Result<Vec<_>>>()?;
    let user = |line: &AuditRecord| match line.actor {
        Actor::User(id) => Some(id),
        Actor::Operator | Actor::System => None,
    };
    let users: BTreeSet<UserId> = lines.iter().filter_map(user).collect();
    let mut names = BTreeMap::new();
    if !users.is_empty() {
        let rows = query("SELECT id, name FROM \"user\" WHERE company_id = ?1 AND id {in ids ?2}")
            .bind(scope.company.0)
            .bind(id_list(users.iter().map(|id| id.0)))
            .all(db)
            .await?;
        for row in &rows {
            names.insert(row.id::<UserId>("id")?, row.text("name")?);
        }
    }
    let with_name = |line: AuditRecord| {
        let name = user(&line).and_then(|id| names.get(&id).cloned());
        (line, name)
    };
    Ok(lines.into_iter().map(with_name).collect())
}
