//! Sources and messages as received.

use crate::{
    SqliteStore,
    codec::{PAGE_AND_ONE, SqlError, cursor, id_list, micros, month, page, stored_count, word},
    db::{Sqlite, drive},
    jobs,
    sql::{Query, Row, query},
    writer::Priority,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, MessageId, SubjectId};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    inbox::{
        Accepted, Inbox, MessageBody, MessageRecord, MessageSelection, MessageState, MessageStatus, NewMessage, Novelty,
    },
    jobs::NewJob,
    tally::Tally,
};
use storage_sql::audit;
use uuid::Uuid;

/// Whether everything holds that a selection says; its values are the first six. The test of the state is given as text,
/// since the messages in quarantine have an index of their own.
macro_rules! which_messages {
    ($state:literal) => {
        concat!(
            "m.company_id = ?1 AND (?2 = '[]' OR m.id IN (SELECT unhex(value) FROM json_each(?2))) AND (?3 IS NULL OR m.source_id = ?3) AND ",
            $state,
            " AND m.received_at >= ?5 AND m.received_at < ?6"
        )
    };
}

/// The month in which the body of the message `m` lies.
macro_rules! month_of {
    () => {
        "CAST(strftime('%Y%m', m.received_at / 1000000, 'unixepoch') AS INTEGER)"
    };
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        self.write(Priority::Ingest, move |conn| accept(conn, scope, &message, &job)).await
    }

    async fn message(&self, scope: Scope, id: MessageId) -> Result<Option<MessageRecord>> {
        self.read(move |conn| {
            let row = query(
                "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN connection s ON s.id = m.source_id
                 WHERE m.company_id = ? AND m.id = ?",
            )
            .bind(scope.company.0)
            .bind(id.0)
            .fetch_optional(conn)?;
            row.as_ref().map(record).transpose()
        })
        .await
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        self.read(move |conn| {
            let row = query(concat!(
                "SELECT m.*, s.name AS source_name, s.connector, s.settings, b.bytes AS body
                 FROM message m JOIN connection s ON s.id = m.source_id
                 LEFT JOIN message_body b ON b.month = ",
                month_of!(),
                " AND b.message_id = m.id AND m.wrapped IS NOT NULL
                 WHERE m.company_id = ?1 AND m.id = ?2"
            ))
            .bind(scope.company.0)
            .bind(id.0)
            .fetch_optional(conn)?;
            row.map(|row| Ok::<_, SqlError>((record(&row)?, body(&row)?))).transpose()
        })
        .await
    }

    async fn conclude(&self, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
        self.write(Priority::RealTime, move |conn| conclude(conn, scope, id, &status)).await
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
                    " AND (m.received_at, m.id) < (?7, ?8) ORDER BY m.received_at DESC, m.id DESC LIMIT ?9"
                )
            };
        }
        let sql = match which.state {
            Some(MessageState::Quarantined) => page_of!("?4 IS NOT NULL AND m.status = 'quarantined'"),
            _ => page_of!("(?4 IS NULL OR m.status = ?4)"),
        };
        let (at, id): (i64, Uuid) = cursor::decode(cursor.as_deref()).unwrap_or((i64::MAX, Uuid::max()));
        self.read(move |conn| {
            let rows = chosen(sql, scope, &which).bind(at).bind(id).bind(PAGE_AND_ONE).fetch_all(conn)?;
            let rows = rows.iter().map(record).collect::<Result<Vec<_>, SqlError>>()?;
            Ok(page(rows, |last| cursor::encode(&(micros(last.received_at), last.id.0))))
        })
        .await
    }

    async fn count(&self, scope: Scope, which: MessageSelection) -> Result<Tally> {
        macro_rules! count_of {
            ($state:literal) => {
                concat!(
                    "SELECT count(*) AS number, count(b.message_id) FILTER (WHERE m.rewritten = 0) AS kept
                     FROM message m LEFT JOIN message_body b ON b.month = ",
                    month_of!(),
                    " AND b.message_id = m.id WHERE ",
                    which_messages!($state)
                )
            };
        }
        let sql = match which.state {
            Some(MessageState::Quarantined) => count_of!("?4 IS NOT NULL AND m.status = 'quarantined'"),
            _ => count_of!("(?4 IS NULL OR m.status = ?4)"),
        };
        self.read(move |conn| {
            let row = chosen(sql, scope, &which).fetch_one(conn)?;
            let (number, kept): (u64, u64) = (row.count("number")?, row.count("kept")?);
            Ok(Tally { take: kept, skip: number.saturating_sub(kept) })
        })
        .await
    }

    async fn replay(&self, scope: Scope, messages: Vec<(MessageId, NewJob)>, audit: AuditEntry) -> Result<u32> {
        self.write(Priority::RealTime, move |conn| {
            let replayed = replay(conn, scope, &messages, audit.at)?;
            drive(audit::append(&mut Sqlite(conn), scope, &audit))?;
            Ok(replayed)
        })
        .await
    }
}

fn chosen<'q>(sql: &'static str, scope: Scope, which: &MessageSelection) -> Query<'q> {
    query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.messages.iter().map(|id| id.0)))
        .bind(which.source.map(|id| id.0))
        .bind(which.state.map(word))
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
}

/// Reads messages again whose bodies are kept; how many.
pub(crate) fn replay(
    conn: &mut Connection,
    scope: Scope,
    messages: &[(MessageId, NewJob)],
    at: Timestamp,
) -> Result<u32, SqlError> {
    let mut replayed = 0;
    for (id, job) in messages {
        let found = query(concat!(
            "UPDATE message AS m SET status = 'received', reason = NULL, cursor = 0 WHERE m.company_id = ?1 AND m.id = ?2
               AND m.rewritten = 0 AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ", month_of!(), " AND b.message_id = m.id)"
        ))
        .bind(scope.company.0)
        .bind(id.0)
        .execute(conn)?;
        if found == 1 {
            jobs::enqueue(conn, scope, job, at)?;
            replayed += 1;
        }
    }
    Ok(replayed)
}

/// Keeps a message with its body and its job; one that was kept before is counted.
fn accept(conn: &mut Connection, scope: Scope, message: &NewMessage, job: &NewJob) -> Result<Accepted, SqlError> {
    let new = query(
        "INSERT INTO message (id, company_id, source_id, correlation, received_at, digest, headers, content_type, verified_by, size, wrapped)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(message.id.0)
    .bind(scope.company.0)
    .bind(message.source.0)
    .bind(message.correlation.0)
    .bind(micros(message.received_at))
    .bind(message.digest)
    .bind(&message.headers)
    .bind(&message.content_type)
    .bind(&message.verified_by)
    .bind(stored_count(message.size))
    .bind(&message.key.bytes)
    .execute(conn)?;
    if new == 0 {
        return repeated(conn, scope, message);
    }
    query("INSERT INTO message_body (month, message_id, company_id, bytes) VALUES (?, ?, ?, ?)")
        .bind(month(message.received_at))
        .bind(message.id.0)
        .bind(scope.company.0)
        .bind(&message.body.bytes)
        .execute(conn)?;
    jobs::enqueue(conn, scope, job, message.received_at)?;
    Ok(Accepted { message: message.id, correlation: message.correlation, novelty: Novelty::New })
}

fn repeated(conn: &mut Connection, scope: Scope, message: &NewMessage) -> Result<Accepted, SqlError> {
    let kept =
        query("UPDATE message SET repeats = repeats + 1 WHERE company_id = ? AND digest = ? RETURNING id, correlation")
            .bind(scope.company.0)
            .bind(message.digest)
            .fetch_one(conn)?;
    Ok(Accepted { message: kept.id("id")?, correlation: kept.id("correlation")?, novelty: Novelty::Repeated })
}

fn body(row: &Row) -> Result<Option<MessageBody>, SqlError> {
    let subject = SubjectId(row.id::<MessageId>("id")?.0);
    let kept = row.opt_bytes("body")?.zip(row.opt_bytes("wrapped")?);
    Ok(kept.map(|(body, key)| MessageBody {
        body: Sealed { subject, bytes: body },
        key: WrappedKey { subject, bytes: key },
    }))
}

/// Says what became of a message.
pub(crate) fn conclude(
    conn: &mut Connection,
    scope: Scope,
    id: MessageId,
    status: &MessageStatus,
) -> Result<(), SqlError> {
    let (word, observations, problems, reason) = match status {
        MessageStatus::Received => ("received", 0, 0, None),
        MessageStatus::Normalised { observations, problems } => ("normalised", *observations, *problems, None),
        MessageStatus::Ignored { reason } => ("ignored", 0, 0, reason.as_ref()),
        MessageStatus::Quarantined { reason } => ("quarantined", 0, 0, reason.as_ref()),
    };
    let found = query(
        "UPDATE message SET status = ?, observations = ?, problems = ?, reason = ? WHERE company_id = ? AND id = ?",
    )
    .bind(word)
    .bind(observations)
    .bind(problems)
    .bind(reason.map(Sealed::packed))
    .bind(scope.company.0)
    .bind(id.0)
    .execute(conn)?;
    if found == 0 { Err(SqlError(StoreError::NotFound("message"))) } else { Ok(()) }
}

/// How many of a message's reports are recorded, while others still have to be.
pub(crate) fn remember(conn: &mut Connection, scope: Scope, id: MessageId, reports: u32) -> Result<(), SqlError> {
    let found = query("UPDATE message SET cursor = ? WHERE company_id = ? AND id = ?")
        .bind(reports)
        .bind(scope.company.0)
        .bind(id.0)
        .execute(conn)?;
    if found == 0 { Err(SqlError(StoreError::NotFound("message"))) } else { Ok(()) }
}

/// Whether a company has a source of this id that is simulated.
pub(crate) fn is_sandbox(conn: &mut Connection, company: CompanyId, source: Uuid) -> Result<bool, SqlError> {
    let row = query("SELECT sandbox FROM connection WHERE company_id = ? AND id = ?")
        .bind(company.0)
        .bind(source)
        .fetch_optional(conn)?;
    Ok(row.map(|row| row.int("sandbox")).transpose()? == Some(1))
}

fn record(row: &Row) -> Result<MessageRecord, SqlError> {
    let reason = row.opt_packed("reason")?;
    let status = match row.text("status")?.as_str() {
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
        erased: row.opt_bytes("wrapped")?.is_none(),
        rewritten: row.int("rewritten")? != 0,
    })
}
