//! Lines of the audit trail. They are appended by the one writer, so the chain has no forks.

use crate::{
    codec::{Done, json},
    sql::{Row, query},
};
use rusqlite::Connection;
use storage::{
    AuditEntry, Scope,
    audit::{ACCEPTED, Line, SealedColumns, covering},
    people::{AuditLine, AuditRecord},
};

/// Appends a line.
pub(crate) fn append(conn: &Connection, scope: Scope, entry: &AuditEntry) -> Done<()> {
    let last = query("SELECT seq, mac FROM audit WHERE company_id = ? ORDER BY seq DESC LIMIT 1")
        .bind(scope.company.0)
        .fetch_optional(conn)?;
    let (seq, previous) = match last {
        Some(row) => match row.opt_bytes("mac")? {
            Some(mac) if entry.action != ACCEPTED => (row.int("seq")? + 1, mac),
            _ => (row.int("seq")? + 1, covering(&lines(conn, scope, None, i64::MAX)?, &entry.key)),
        },
        None => (1, Vec::new()),
    };
    let line = Line::of(entry, scope, seq, json(&scope.actor), entry.subject.clone());
    let mac = line.mac_behind(&previous, &entry.key);
    query(
        "INSERT INTO audit (company_id, seq, at, actor, action, subject, before_subject, before_bytes, after_subject, after_bytes, why_subject, why_bytes, mac)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    .execute(conn)?;
    Ok(())
}

/// Lines behind one, oldest first.
pub(crate) fn lines(conn: &Connection, scope: Scope, after: Option<i64>, limit: i64) -> Done<Vec<Line>> {
    let rows = query("SELECT * FROM audit WHERE company_id = ? AND seq > ? ORDER BY seq LIMIT ?")
        .bind(scope.company.0)
        .bind(after.unwrap_or(i64::MIN))
        .bind(limit)
        .fetch_all(conn)?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Done<Line> {
    let sealed = |subject: &str, bytes: &str| -> Done<SealedColumns> { Ok((row.get(subject)?, row.opt_bytes(bytes)?)) };
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
pub(crate) fn record(row: &Row) -> Done<AuditRecord> {
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
