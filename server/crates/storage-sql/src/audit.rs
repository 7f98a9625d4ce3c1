//! Lines of the audit trail. They are appended under a lock, so the chain has no forks.

use crate::{
    Db, Row,
    codec::{clean, json},
    lock, query,
};
use domain::ids::{ShipmentId, UserId};
use storage::{
    Actor, AuditEntry, Result, Scope,
    audit::{ACCEPTED, Line, SealedColumns, covering},
    people::{AuditLine, AuditRecord},
};

/// Audit lines of one read.
pub(crate) const AUDIT_ROWS: u32 = 500;

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
pub async fn lines(db: &mut dyn Db, scope: Scope, after: Option<i64>, limit: i64) -> Result<Vec<Line>> {
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
pub fn record(row: &Row) -> Result<AuditRecord> {
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
pub(crate) async fn audit_of(
    db: &mut dyn Db,
    scope: Scope,
    shipment: ShipmentId,
) -> Result<Vec<(AuditRecord, Option<String>)>> {
    let exceptions =
        query("SELECT id FROM exception {indexed by exception_shipment} WHERE company_id = ?1 AND shipment_id = ?2")
            .bind(scope.company.0)
            .bind(shipment.0)
            .all(db)
            .await?;
    let mut subjects = vec![format!("shipment:{shipment}")];
    for row in &exceptions {
        subjects.push(format!("exception:{}", row.id::<domain::ids::ExceptionId>("id")?));
    }
    let rows = query("SELECT a.* FROM {texts ?1 s} CROSS JOIN audit a WHERE a.company_id = ?2 AND a.subject = s.value ORDER BY a.seq LIMIT ?3")
        .bind(subjects)
        .bind(scope.company.0)
        .bind(i64::from(AUDIT_ROWS))
        .all(db)
        .await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        let line = record(row)?;
        let name = match line.actor {
            Actor::User(id) => name(db, scope, id).await?,
            Actor::Operator | Actor::System => None,
        };
        lines.push((line, name));
    }
    Ok(lines)
}

async fn name(db: &mut dyn Db, scope: Scope, id: UserId) -> Result<Option<String>> {
    let row = query("SELECT name FROM \"user\" WHERE company_id = ?1 AND id = ?2")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    row.map(|row| row.text("name")).transpose()
}
