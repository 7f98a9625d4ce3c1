//! The audit trail: what a line says, and the chain that its lines make.
//!
//! Each line carries a MAC over every column of it and over the MAC of the line before. The key is not kept in the database:
//! the writer of a line brings it ([`AuditKey`]), so that nobody can make a line or mend the chain with the database alone.

use crate::{Actor, Result, Scope, Sealed};
use async_trait::async_trait;
use domain::ids::{CompanyId, ExceptionId, ShipmentId, SubjectId};
use jiff::Timestamp;
use std::{fmt, sync::Arc};
use uuid::Uuid;

/// The action of the line with which the chain begins behind lines that carry no MAC, those of before migration 0034. Its MAC
/// covers them all.
pub const BEGUN_ANEW: &str = "audit.begun_anew";
/// The action of the line with which somebody accepts the lines before it as they are. Its MAC covers them all, as they are, and
/// not the MAC of the line before, so that the chain holds from it on.
pub const ACCEPTED: &str = "audit.accepted";

/// A message authentication code.
pub type Mac = [u8; 32];

/// Makes the MACs of lines under a key that stays outside of the store.
#[derive(Clone)]
pub struct AuditKey(Arc<MacOf>);

type MacOf = dyn Fn(&[u8]) -> Mac + Send + Sync;

impl AuditKey {
    /// By this function.
    pub fn new(mac: impl Fn(&[u8]) -> Mac + Send + Sync + 'static) -> Self {
        Self(Arc::new(mac))
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

/// What happened and why, for the audit trail. `before`, `after` (JSON) and `why` are sealed: they may name people.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What was done, as a stable word: `exception.resolve`.
    pub action: &'static str,
    /// To what: `exception:<id>`.
    pub subject: String,
    /// Before.
    pub before: Option<Sealed>,
    /// After.
    pub after: Option<Sealed>,
    /// The person's reason.
    pub why: Option<Sealed>,
    /// Seals the line.
    pub key: AuditKey,
}

impl AuditEntry {
    /// An entry without values and reason.
    pub fn new(key: AuditKey, at: Timestamp, action: &'static str, subject: impl Into<String>) -> Self {
        Self { at, action, subject: subject.into(), before: None, after: None, why: None, key }
    }

    /// With what was there before.
    #[must_use]
    pub fn before(self, value: Sealed) -> Self {
        Self { before: Some(value), ..self }
    }

    /// With what is there now.
    #[must_use]
    pub fn after(self, value: Sealed) -> Self {
        Self { after: Some(value), ..self }
    }

    /// With the reason.
    #[must_use]
    pub fn why(self, reason: Option<Sealed>) -> Self {
        Self { why: reason, ..self }
    }
}

/// A sealed value as its two columns have it.
pub type SealedColumns = (Option<Uuid>, Option<Vec<u8>>);

/// A line as the table has it, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The company.
    pub company: CompanyId,
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, in microseconds.
    pub at: i64,
    /// Who, as JSON.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Before.
    pub before: SealedColumns,
    /// After.
    pub after: SealedColumns,
    /// The reason.
    pub why: SealedColumns,
    /// Its MAC; none of lines of before migration 0034.
    pub mac: Option<Vec<u8>>,
}

impl Line {
    /// A new line behind one, of an entry; actor and subject as the table has them.
    pub fn of(entry: &AuditEntry, scope: Scope, seq: i64, actor: String, subject: String) -> Self {
        let columns =
            |sealed: &Option<Sealed>| (sealed.as_ref().map(|s| s.subject.0), sealed.as_ref().map(|s| s.bytes.clone()));
        Self {
            company: scope.company,
            seq,
            at: entry.at.as_microsecond(),
            actor,
            action: entry.action.to_owned(),
            subject,
            before: columns(&entry.before),
            after: columns(&entry.after),
            why: columns(&entry.why),
            mac: None,
        }
    }

    /// Before, after and why, where they are there.
    pub fn sealed(&self) -> [Option<Sealed>; 3] {
        [&self.before, &self.after, &self.why]
            .map(|(subject, bytes)| Some(Sealed { subject: SubjectId(*subject.as_ref()?), bytes: bytes.clone()? }))
    }

    /// Its MAC: over that of the line before (empty before the first) and every column, each with its length, so that none
    /// can flow into the next.
    pub fn mac_behind(&self, previous: &[u8], key: &AuditKey) -> Mac {
        let mut bytes = Vec::new();
        let mut part = |part: Option<&[u8]>| match part {
            Some(part) => {
                bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
                bytes.extend_from_slice(part);
            }
            None => bytes.extend_from_slice(&u64::MAX.to_be_bytes()),
        };
        part(Some(previous));
        part(Some(self.company.0.as_bytes()));
        part(Some(&self.seq.to_be_bytes()));
        part(Some(&self.at.to_be_bytes()));
        part(Some(self.actor.as_bytes()));
        part(Some(self.action.as_bytes()));
        part(Some(self.subject.as_bytes()));
        for (subject, sealed) in [&self.before, &self.after, &self.why] {
            part(subject.as_ref().map(|subject| subject.as_bytes().as_slice()));
            part(sealed.as_deref());
        }
        key.0(&bytes)
    }
}

/// The MAC that the next line follows which covers all these, oldest first, as they are.
pub fn covering(lines: &[Line], key: &AuditKey) -> Vec<u8> {
    lines.iter().fold(Vec::new(), |previous, line| line.mac_behind(&previous, key).to_vec())
}

/// A line of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub entry: AuditLine,
    /// Its MAC; none of lines of before migration 0034.
    pub mac: Option<Vec<u8>>,
}

/// An entry as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Before, sealed.
    pub before: Option<Sealed>,
    /// After, sealed.
    pub after: Option<Sealed>,
    /// The person's reason, sealed.
    pub why: Option<Sealed>,
}

/// What a person, or an agent at the service desk, resolves an exception by.
pub const RESOLVED: [&str; 2] = ["exception.resolve", "case.resolved"];

/// The audit trail.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Appends to the audit trail.
    async fn audit(&self, scope: Scope, entry: AuditEntry) -> Result<()>;

    /// The newest lines of the audit trail, of one subject where given.
    async fn audit_trail(&self, scope: Scope, subject: Option<String>, limit: u32) -> Result<Vec<AuditRecord>> {
        self.audit_before(scope, subject, None, limit).await
    }

    /// The same of the lines before one.
    async fn audit_before(
        &self,
        scope: Scope,
        subject: Option<String>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>>;

    /// The lines behind one (none: all), oldest first, as the table has them.
    async fn audit_lines(&self, scope: Scope, after: Option<i64>, limit: u32) -> Result<Vec<Line>>;

    /// The audit lines about a shipment and its exceptions, oldest first, with the actor's name.
    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>>;

    /// Of each of these exceptions the last line by which it was [resolved](RESOLVED), where there is one, with the actor's name.
    async fn resolutions(
        &self,
        scope: Scope,
        exceptions: Vec<ExceptionId>,
    ) -> Result<Vec<(AuditRecord, Option<String>)>>;
}
