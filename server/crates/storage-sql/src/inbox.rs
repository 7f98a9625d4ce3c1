//! Messages as received.

use crate::{
    Db, HotPath, Query, Row, Sql, audit,
    codec::{PAGE_AND_ONE, cursor, id_list, micros, month, page, stored_count, word},
    jobs, query,
};
use async_trait::async_trait;
use domain::ids::{MessageId, SubjectId};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    inbox::{
        Accepted, Inbox, MessageBody, MessageRecord, MessageSelection, MessageState, MessageStatus, NewMessage, Novelty,
    },
    jobs::{Lane, NewJob},
    tally::Tally,
};
use uuid::Uuid;

/// Whether everything holds that a selection says; its values are the first seven. The test of the state is given as text,
/// since the messages in quarantine have an index of their own.
macro_rules! which_messages {
    ($state:literal) => {
        concat!(
            "m.company_id = ?1 AND (?7 OR m.id {in ids ?2}) AND (?3 IS NULL OR m.source_id = ?3) AND ",
            $state,
            " AND m.received_at >= ?5 AND m.received_at < ?6"
        )
    };
}

/// A statement of a selection, for its state.
macro_rules! of_state {
    ($state:expr, $sql:ident) => {
        match $state {
            Some(MessageState::Quarantined) => $sql!("?4 IS NOT NULL AND m.status = 'quarantined'"),
            _ => $sql!("(?4 IS NULL OR m.status = ?4)"),
        }
    };
}

#[async_trait]
impl<E: HotPath> Inbox for Sql<E> {
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        self.0.accept(scope, message, job).await
    }

    async fn message(&self, scope: Scope, id: MessageId) -> Result<Option<MessageRecord>> {
        let sql = "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN connection s ON s.id = m.source_id
                   WHERE m.company_id = ? AND m.id = ?";
        self.0
            .look_up(move |db| {
                Box::pin(async move {
                    let row = query(sql).bind(scope.company.0).bind(id.0).optional(db).await?;
                    row.as_ref().map(record).transpose()
                })
            })
            .await
    }

    async fn several(&self, scope: Scope, ids: Vec<MessageId>) -> Result<Vec<MessageRecord>> {
        let sql = "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN connection s ON s.id = m.source_id
                   WHERE m.company_id = ?1 AND m.id {in ids ?2} ORDER BY m.received_at, m.id";
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let asked = query(sql).bind(scope.company.0).bind(id_list(ids.iter().map(|id| id.0)));
                    let rows = asked.all(db).await?;
                    rows.iter().map(record).collect()
                })
            })
            .await
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        self.0.message_and_body(scope, id).await
    }

    async fn conclude(&self, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
        found(self.0.write_one(Lane::RealTime, conclude(scope, id, &status)).await?)
    }

    async fn messages(
        &self,
        scope: Scope,
        which: MessageSelection,
        cursor: Option<String>,
    ) -> Result<Page<MessageRecord>> {
        macro_rules! page_of {
            ($state:literal) => {
                concat!(
                    "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN connection s ON s.id = m.source_id WHERE ",
                    which_messages!($state),
                    " AND (m.received_at, m.id) < (?8, ?9) ORDER BY m.received_at DESC, m.id DESC LIMIT ?10"
                )
            };
        }
        let (at, id): (i64, Uuid) = cursor::decode(cursor.as_deref()).unwrap_or((i64::MAX, Uuid::max()));
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let sql = of_state!(which.state, page_of);
                    let rows = chosen(sql, scope, &which).bind(at).bind(id).bind(PAGE_AND_ONE).all(db).await?;
                    let rows = rows.iter().map(record).collect::<Result<Vec<_>>>()?;
                    Ok(page(rows, |last| cursor::encode(&(micros(last.received_at), last.id.0))))
                })
            })
            .await
    }

    async fn count(&self, scope: Scope, which: MessageSelection) -> Result<Tally> {
        macro_rules! count_of {
            ($state:literal) => {
                concat!(
                    "SELECT count(*) AS number, count(b.message_id) FILTER (WHERE {not m.rewritten}) AS kept
                     FROM message m LEFT JOIN message_body b ON b.month = {month m.received_at} AND b.message_id = m.id WHERE ",
                    which_messages!($state)
                )
            };
        }
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = chosen(of_state!(which.state, count_of), scope, &which).one(db).await?;
                    let (number, kept): (u64, u64) = (row.count("number")?, row.count("kept")?);
                    Ok(Tally { take: kept, skip: number.saturating_sub(kept) })
                })
            })
            .await
    }

    async fn replay(&self, scope: Scope, messages: Vec<(MessageId, NewJob)>, audit: AuditEntry) -> Result<u32> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let replayed = replay(db, scope, &messages, audit.at).await?;
                    audit::append(db, scope, &audit).await?;
                    Ok(replayed)
                })
            })
            .await
    }
}

fn chosen(sql: &'static str, scope: Scope, which: &MessageSelection) -> Query {
    query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.messages.iter().map(|id| id.0)))
        .bind(which.source.map(|id| id.0))
        .bind(which.state.map(word))
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
        .bind(which.messages.is_empty())
}

/// Reads messages again whose bodies are kept; how many.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn replay(db: &mut dyn Db, scope: Scope, messages: &[(MessageId, NewJob)], at: Timestamp) -> Result<u32> {
    let rows = query(
        "UPDATE message AS m SET status = 'received', reason = NULL, cursor = 0 WHERE (m.company_id = ?1) IS TRUE AND m.id {in ids ?2}
           AND {not m.rewritten} AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = {month m.received_at} AND b.message_id = m.id)
         RETURNING id",
    )
    .bind(scope.company.0)
    .bind(id_list(messages.iter().map(|(id, _)| id.0)))
    .all(db)
    .await?;
    let replayed = rows.iter().map(|row| row.id("id")).collect::<Result<BTreeSet<MessageId>>>()?;
    let jobs: Vec<NewJob> =
        messages.iter().filter(|(id, _)| replayed.contains(id)).map(|(_, job)| job.clone()).collect();
    jobs::enqueue_all(db, scope, &jobs, at).await?;
    Ok(u32::try_from(replayed.len()).unwrap_or(u32::MAX))
}

/// Keeps a message with its body and its job; one that was kept before is counted.
///
/// # Errors
/// As [`replay`].
pub async fn accept(db: &mut dyn Db, scope: Scope, message: &NewMessage, job: &NewJob) -> Result<Accepted> {
    let new = query(
        "INSERT INTO message (id, company_id, source_id, correlation, received_at, digest, headers, content_type, verified_by, size, wrapped)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(message.id.0)
    .bind(scope.company.0)
    .bind(message.source.0)
    .bind(message.correlation.0)
    .bind(message.received_at)
    .bind(message.digest)
    .bind(&message.headers)
    .bind(&message.content_type)
    .bind(&message.verified_by)
    .bind(stored_count(message.size))
    .bind(&message.key.bytes)
    .execute(db)
    .await?;
    if new == 0 {
        return repeated(db, scope, message).await;
    }
    query("INSERT INTO message_body (month, message_id, company_id, bytes) VALUES (?, ?, ?, ?)")
        .bind(month(message.received_at))
        .bind(message.id.0)
        .bind(scope.company.0)
        .bind(&message.body.bytes)
        .execute(db)
        .await?;
    jobs::enqueue(db, scope, job, message.received_at).await?;
    Ok(Accepted { message: message.id, correlation: message.correlation, novelty: Novelty::New })
}

/// Counts a message that is kept.
///
/// # Errors
/// As [`replay`]; `NotFound` where it is another company's.
pub async fn repeated(db: &mut dyn Db, scope: Scope, message: &NewMessage) -> Result<Accepted> {
    let sql = "UPDATE message SET repeats = repeats + 1 WHERE digest = ? AND company_id = ? RETURNING id, correlation";
    let kept = query(sql).bind(message.digest).bind(scope.company.0).one(db).await?;
    Ok(Accepted { message: kept.id("id")?, correlation: kept.id("correlation")?, novelty: Novelty::Repeated })
}

/// A message with its body.
///
/// # Errors
/// As [`replay`].
pub async fn message_and_body(
    db: &mut dyn Db,
    scope: Scope,
    id: MessageId,
) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
    let row = query(
        "SELECT m.*, s.name AS source_name, s.connector, s.settings, b.bytes AS body
         FROM message m JOIN connection s ON s.id = m.source_id
         LEFT JOIN message_body b ON b.month = {month m.received_at} AND b.message_id = m.id AND m.wrapped IS NOT NULL
         WHERE m.company_id = ? AND m.id = ?",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .optional(db)
    .await?;
    row.map(|row| with_body(&row)).transpose()
}

/// A row of `message` with its body.
///
/// # Errors
/// When a column is missing or of another type, as for [`record`].
pub fn with_body(row: &Row) -> Result<(MessageRecord, Option<MessageBody>)> {
    let subject = SubjectId(row.id::<MessageId>("id")?.0);
    let kept = row.opt_bytes("body")?.zip(row.opt_bytes("wrapped")?);
    let body = kept.map(|(body, key)| MessageBody {
        body: Sealed { subject, bytes: body },
        key: WrappedKey { subject, bytes: key },
    });
    Ok((record(row)?, body))
}

/// What a message is afterwards.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The status.
    pub status: &'static str,
    /// How many statements it made.
    pub observations: i64,
    /// How many parts could not be read.
    pub problems: i64,
    /// Why it is not read, sealed.
    pub reason: Option<Vec<u8>>,
}

impl Outcome {
    /// Of a message with this status.
    pub fn of(status: &MessageStatus) -> Self {
        let (status, observations, problems, reason) = match status {
            MessageStatus::Received => ("received", 0, 0, None),
            MessageStatus::Normalised { observations, problems } => ("normalised", *observations, *problems, None),
            MessageStatus::Ignored { reason } => ("ignored", 0, 0, reason.as_ref()),
            MessageStatus::Quarantined { reason } => ("quarantined", 0, 0, reason.as_ref()),
        };
        let (observations, problems) = (i64::from(observations), i64::from(problems));
        Self { status, observations, problems, reason: reason.map(Sealed::packed) }
    }
}

/// Keeps what became of a message.
pub fn conclude(scope: Scope, id: MessageId, status: &MessageStatus) -> Query {
    let outcome = Outcome::of(status);
    query("UPDATE message SET status = ?, observations = ?, problems = ?, reason = ? WHERE company_id = ? AND id = ?")
        .bind(outcome.status)
        .bind(outcome.observations)
        .bind(outcome.problems)
        .bind(outcome.reason)
        .bind(scope.company.0)
        .bind(id.0)
}

/// Whether there was such a message.
///
/// # Errors
/// `NotFound` where there was none.
pub fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(StoreError::NotFound("message")) } else { Ok(()) }
}

/// A row of `message`.
///
/// # Errors
/// When a column is missing or of another type.
pub fn record(row: &Row) -> Result<MessageRecord> {
    let reason = row.opt_packed("reason")?;
    let status = match row.str("status")? {
        "received" => MessageStatus::Received,
        "normalised" => {
            MessageStatus::Normalised { observations: row.count("observations")?, problems: row.count("problems")? }
        }
        "ignored" => MessageStatus::Ignored { reason },
        _ => MessageStatus::Quarantined { reason },
    };
    Ok(MessageRecord {
        id: row.id("id")?,
        source: row.id("source_id")?,
        source_name: row.text("source_name")?,
        connector: row.text("connector")?,
        settings: row.text("settings")?,
        correlation: row.id("correlation")?,
        received_at: row.at("received_at")?,
        verified_by: row.text("verified_by")?,
        size: row.count("size")?,
        repeats: row.count("repeats")?,
        status,
        cursor: row.count("cursor")?,
        read_before: row.int("observations")? > 0,
        erased: row.opt_slice("wrapped")?.is_none(),
        rewritten: row.flag("rewritten")?,
    })
}
