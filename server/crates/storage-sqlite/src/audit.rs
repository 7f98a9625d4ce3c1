//! The audit trail's hash chain. Lines are appended by the one writer, so the chain has no forks.

use crate::codec::{Done, json, micros};
use crate::sql::{Row, query};
use domain::ids::CompanyId;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use storage::{
    AuditEntry, Scope,
    people::{AuditLine, AuditRecord, ChainCheck},
};
use uuid::Uuid;

/// Lines read at once when the chain is walked.
const WALK_ROWS: i64 = 500;

/// Everything of a line that the chain seals.
struct Line<'a> {
    company: CompanyId,
    seq: i64,
    at: i64,
    actor: &'a str,
    action: &'a str,
    subject: &'a str,
    before: Option<(Uuid, &'a [u8])>,
    after: Option<(Uuid, &'a [u8])>,
    why: Option<&'a str>,
}

impl Line<'_> {
    /// The hash over the line before and this one; every part with its length, so that none can flow into the next.
    fn hash(&self, previous: &str) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: Option<&[u8]>| match bytes {
            Some(bytes) => {
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
            None => hash.update(u64::MAX.to_be_bytes()),
        };
        part(Some(previous.as_bytes()));
        part(Some(self.company.0.as_bytes()));
        part(Some(&self.seq.to_be_bytes()));
        part(Some(&self.at.to_be_bytes()));
        part(Some(self.actor.as_bytes()));
        part(Some(self.action.as_bytes()));
        part(Some(self.subject.as_bytes()));
        for sealed in [&self.before, &self.after] {
            part(sealed.as_ref().map(|(subject, _)| subject.as_bytes().as_slice()));
            part(sealed.as_ref().map(|(_, bytes)| *bytes));
        }
        part(self.why.map(str::as_bytes));
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Appends a line.
pub(crate) fn append(conn: &Connection, scope: Scope, entry: &AuditEntry) -> Done<()> {
    let last = query("SELECT seq, hash FROM audit WHERE company_id = ? ORDER BY seq DESC LIMIT 1")
        .bind(scope.company.0)
        .fetch_optional(conn)?;
    let (seq, previous) = match last {
        Some(row) => (row.int("seq")? + 1, row.text("hash")?),
        None => (1, String::new()),
    };
    let actor = json(&scope.actor);
    let line = Line {
        company: scope.company,
        seq,
        at: micros(entry.at),
        actor: &actor,
        action: entry.action,
        subject: &entry.subject,
        before: entry.before.as_ref().map(|s| (s.subject.0, s.bytes.as_slice())),
        after: entry.after.as_ref().map(|s| (s.subject.0, s.bytes.as_slice())),
        why: entry.why.as_deref(),
    };
    let hash = line.hash(&previous);
    query(
        "INSERT INTO audit (company_id, seq, at, actor, action, subject, before_subject, before_bytes, after_subject, after_bytes, why, previous, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(scope.company.0)
    .bind(seq)
    .bind(line.at)
    .bind(&actor)
    .bind(entry.action)
    .bind(&entry.subject)
    .bind(line.before.map(|(subject, _)| subject))
    .bind(line.before.map(|(_, bytes)| bytes))
    .bind(line.after.map(|(subject, _)| subject))
    .bind(line.after.map(|(_, bytes)| bytes))
    .bind(&entry.why)
    .bind(&previous)
    .bind(&hash)
    .execute(conn)?;
    Ok(())
}

/// Walks the chain from its first line.
pub(crate) fn check(conn: &Connection, scope: Scope) -> Done<ChainCheck> {
    let (mut seq, mut previous) = (0_i64, String::new());
    loop {
        let rows = query("SELECT * FROM audit WHERE company_id = ? AND seq > ? ORDER BY seq LIMIT ?")
            .bind(scope.company.0)
            .bind(seq)
            .bind(WALK_ROWS)
            .fetch_all(conn)?;
        if rows.is_empty() {
            return Ok(ChainCheck::Sound(seq.unsigned_abs()));
        }
        for row in &rows {
            let hash = row.text("hash")?;
            // a line that is missing is found as the gap in the numbers
            if row.int("seq")? != seq + 1
                || row.text("previous")? != previous
                || hash_of(row, scope.company, &previous)? != hash
            {
                return Ok(ChainCheck::Broken((seq + 1).unsigned_abs()));
            }
            seq += 1;
            previous = hash;
        }
    }
}

fn hash_of(row: &Row, company: CompanyId, previous: &str) -> Done<String> {
    let (actor, action, subject, why) =
        (row.text("actor")?, row.text("action")?, row.text("subject")?, row.opt_text("why")?);
    let before = row.opt_sealed("before_subject", "before_bytes")?;
    let after = row.opt_sealed("after_subject", "after_bytes")?;
    let line = Line {
        company,
        seq: row.int("seq")?,
        at: row.int("at")?,
        actor: &actor,
        action: &action,
        subject: &subject,
        before: before.as_ref().map(|s| (s.subject.0, s.bytes.as_slice())),
        after: after.as_ref().map(|s| (s.subject.0, s.bytes.as_slice())),
        why: why.as_deref(),
    };
    Ok(line.hash(previous))
}

/// A line as it is read back.
pub(crate) fn record(row: &Row) -> Done<AuditRecord> {
    Ok(AuditRecord {
        seq: row.count("seq")?,
        actor: row.json("actor")?,
        entry: AuditLine {
            at: row.at("at")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            after: row.opt_sealed("after_subject", "after_bytes")?,
            why: row.opt_text("why")?,
        },
        previous: row.text("previous")?,
        hash: row.text("hash")?,
    })
}
