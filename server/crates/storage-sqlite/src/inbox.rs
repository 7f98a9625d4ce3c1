//! Sources and messages as received.

use crate::{
    SqliteStore, audit,
    codec::{Columns, Done, Fail, PAGE_AND_ONE, cursor, id_list, micros, month, page, stored_count, word},
    group::Grouped,
    jobs, people,
    writer::Turn,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, MessageId};
use jiff::Timestamp;
use sqlx::{QueryBuilder, SqliteConnection, query::Query, sqlite::SqliteRow};
use std::collections::HashSet;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError, WrappedKey,
    inbox::{
        Accepted, Inbox, MessageBody, MessageRecord, MessageSelection, MessageState, MessageStatus, NewMessage,
        Novelty, SourceRecord,
    },
    jobs::NewJob,
    replays::Tally,
};
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
    async fn sources(&self, scope: Scope) -> Result<Vec<SourceRecord>> {
        let mut read = self.read().await?;
        let rows = sqlx::query("SELECT * FROM source WHERE company_id = ? ORDER BY name")
            .bind(scope.company.0)
            .fetch_all(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(rows.iter().map(source).collect::<Done<_>>()?)
    }

    async fn source_by_name(&self, name: &str) -> Result<Option<(Scope, SourceRecord, WrappedKey)>> {
        let mut read = self.read().await?;
        let row = sqlx::query("SELECT * FROM source WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *read)
            .await
            .map_err(Fail::from)?;
        let Some(row) = row else { return Ok(None) };
        let record = source(&row)?;
        let scope = Scope { company: row.id("company_id")?, actor: Actor::System };
        let key = people::key(&mut read, scope, record.secrets.subject).await?;
        Ok(key.map(|key| (scope, record, key)))
    }

    async fn put_source(&self, scope: Scope, source: SourceRecord, key: WrappedKey, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                people::put_key(conn, scope, &key, audit.at).await?;
                put_source(conn, scope, &source).await?;
                audit::append(conn, scope, &audit).await
            })
        })
        .await
    }

    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        self.accepting.join(&self.writer, Accept { scope, message, job }).await
    }

    async fn message(&self, scope: Scope, id: MessageId) -> Result<Option<MessageRecord>> {
        let mut read = self.read().await?;
        let row = sqlx::query(
            "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN source s ON s.id = m.source_id
             WHERE m.company_id = ? AND m.id = ?",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(&mut *read)
        .await
        .map_err(Fail::from)?;
        Ok(row.as_ref().map(record).transpose()?)
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        let mut read = self.read().await?;
        let row = sqlx::query(concat!(
            "SELECT m.*, s.name AS source_name, s.connector, s.settings, b.subject AS body_subject, b.bytes AS body_bytes, k.wrapped
             FROM message m JOIN source s ON s.id = m.source_id
             LEFT JOIN message_body b ON b.month = ", month_of!(), " AND b.message_id = m.id
             LEFT JOIN vault_key k ON k.company_id = m.company_id AND k.subject = b.subject
             WHERE m.company_id = ?1 AND m.id = ?2"
        ))
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(&mut *read)
        .await
        .map_err(Fail::from)?;
        Ok(row.map(|row| Ok::<_, Fail>((record(&row)?, body(&row)?))).transpose()?)
    }

    async fn conclude(&self, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
        self.write(Turn::RealTime, move |conn| Box::pin(async move { conclude(conn, scope, id, &status).await })).await
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
                    "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN source s ON s.id = m.source_id WHERE ",
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
        let mut read = self.read().await?;
        let rows = chosen(sql, scope, &which)
            .bind(at)
            .bind(id)
            .bind(PAGE_AND_ONE)
            .fetch_all(&mut *read)
            .await
            .map_err(Fail::from)?;
        let rows = rows.iter().map(record).collect::<Done<Vec<_>>>()?;
        Ok(page(rows, |last| cursor::encode(&(micros(last.received_at), last.id.0))))
    }

    async fn count(&self, scope: Scope, which: MessageSelection) -> Result<Tally> {
        macro_rules! count_of {
            ($state:literal) => {
                concat!(
                    "SELECT count(*) AS number, count(b.message_id) AS kept
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
        let mut read = self.read().await?;
        let row = chosen(sql, scope, &which).fetch_one(&mut *read).await.map_err(Fail::from)?;
        let (number, kept): (u64, u64) = (row.count("number")?, row.count("kept")?);
        Ok(Tally { take: kept, skip: number.saturating_sub(kept) })
    }

    async fn replay(&self, scope: Scope, messages: Vec<(MessageId, NewJob)>, audit: AuditEntry) -> Result<u32> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                let replayed = replay(conn, scope, &messages, audit.at).await?;
                audit::append(conn, scope, &audit).await?;
                Ok(replayed)
            })
        })
        .await
    }
}

fn chosen<'q>(
    sql: &'static str,
    scope: Scope,
    which: &MessageSelection,
) -> Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    sqlx::query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.messages.iter().map(|id| id.0)))
        .bind(which.source.map(|id| id.0))
        .bind(which.state.map(word))
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
}

/// Reads messages again whose bodies are kept; how many.
pub(crate) async fn replay(
    conn: &mut SqliteConnection,
    scope: Scope,
    messages: &[(MessageId, NewJob)],
    at: Timestamp,
) -> Done<u32> {
    let mut replayed = 0;
    for (id, job) in messages {
        let found = sqlx::query(concat!(
            "UPDATE message AS m SET status = 'received', reason = NULL, cursor = 0 WHERE m.company_id = ?1 AND m.id = ?2
               AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ", month_of!(), " AND b.message_id = m.id)"
        ))
        .bind(scope.company.0)
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
        if found.rows_affected() == 1 {
            jobs::enqueue(conn, scope, job, at).await?;
            replayed += 1;
        }
    }
    Ok(replayed)
}

async fn put_source(conn: &mut SqliteConnection, scope: Scope, source: &SourceRecord) -> Done<()> {
    let taken = sqlx::query("SELECT 1 FROM source WHERE name = ? AND id <> ?")
        .bind(&source.name)
        .bind(source.id.0)
        .fetch_optional(&mut *conn)
        .await?;
    if taken.is_some() {
        return Err(Fail(StoreError::Conflict(format!("there is another source {}", source.name))));
    }
    let put = sqlx::query(
        "INSERT INTO source (id, company_id, name, connector, scheme, settings, secrets_subject, secrets, secret_set_at, enabled, sandbox, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
             name = excluded.name, connector = excluded.connector, scheme = excluded.scheme, settings = excluded.settings,
             secrets_subject = excluded.secrets_subject, secrets = excluded.secrets, secret_set_at = excluded.secret_set_at,
             enabled = excluded.enabled, sandbox = excluded.sandbox
         WHERE company_id = excluded.company_id",
    )
    .bind(source.id.0)
    .bind(scope.company.0)
    .bind(&source.name)
    .bind(&source.connector)
    .bind(&source.scheme)
    .bind(&source.settings)
    .bind(source.secrets.subject.0)
    .bind(&source.secrets.bytes)
    .bind(micros(source.secret_set_at))
    .bind(source.enabled)
    .bind(source.sandbox)
    .bind(micros(source.created_at))
    .execute(conn)
    .await?;
    if put.rows_affected() == 0 { Err(Fail(StoreError::NotFound("source"))) } else { Ok(()) }
}

/// A message to be kept with its job.
pub(crate) struct Accept {
    scope: Scope,
    message: NewMessage,
    job: NewJob,
}

#[async_trait]
impl Grouped for Accept {
    type Answer = Accepted;

    async fn run(batch: &[Self], conn: &mut SqliteConnection) -> Done<Vec<Accepted>> {
        let new = insert_new(batch, conn).await?;
        let mut answers = Vec::with_capacity(batch.len());
        for accept in batch {
            let message = &accept.message;
            answers.push(if new.contains(&message.id) {
                Accepted { message: message.id, correlation: message.correlation, novelty: Novelty::New }
            } else {
                repeated(conn, accept.scope, message).await?
            });
        }
        Ok(answers)
    }
}

/// Messages, and of those that were new bodies, keys and jobs: each statement is a trip to another thread, and this is the
/// path that a flood takes. Those that were new.
async fn insert_new(batch: &[Accept], conn: &mut SqliteConnection) -> Done<HashSet<MessageId>> {
    let mut messages = QueryBuilder::new(
        "INSERT INTO message (id, company_id, source_id, correlation, received_at, delivery_key, digest, headers, content_type, verified_by, size) ",
    );
    messages.push_values(batch, |mut row, Accept { scope, message, .. }| {
        row.push_bind(message.id.0)
            .push_bind(scope.company.0)
            .push_bind(message.source.0)
            .push_bind(message.correlation.0)
            .push_bind(micros(message.received_at))
            .push_bind(&message.delivery_key)
            .push_bind(message.digest.as_slice())
            .push_bind(&message.headers)
            .push_bind(&message.content_type)
            .push_bind(&message.verified_by)
            .push_bind(stored_count(message.size));
    });
    messages.push(
        " ON CONFLICT (company_id, source_id, digest, delivery_key) WHERE delivery_key IS NOT NULL DO NOTHING
          ON CONFLICT (company_id, source_id, digest) WHERE delivery_key IS NULL DO NOTHING",
    );
    let ids = batch.iter().map(|accept| accept.message.id);
    let inserted = messages.build().execute(&mut *conn).await?.rows_affected();
    // each row that is asked for is a trip too, and nearly always all are new
    let new = if inserted == batch.len() as u64 { ids.collect() } else { kept(conn, ids).await? };
    let fresh: Vec<&Accept> = batch.iter().filter(|accept| new.contains(&accept.message.id)).collect();
    if fresh.is_empty() {
        return Ok(new);
    }
    let mut bodies = QueryBuilder::new("INSERT INTO message_body (month, message_id, company_id, subject, bytes) ");
    bodies.push_values(&fresh, |mut row, Accept { scope, message, .. }| {
        row.push_bind(month(message.received_at))
            .push_bind(message.id.0)
            .push_bind(scope.company.0)
            .push_bind(message.body.subject.0)
            .push_bind(&message.body.bytes);
    });
    bodies.push("; INSERT INTO vault_key (company_id, subject, wrapped, created_at) ");
    bodies.push_values(&fresh, |mut row, Accept { scope, message, .. }| {
        row.push_bind(scope.company.0)
            .push_bind(message.key.subject.0)
            .push_bind(&message.key.bytes)
            .push_bind(micros(message.received_at));
    });
    bodies.push(" ON CONFLICT DO NOTHING; ");
    let jobs: Vec<_> = fresh.iter().map(|accept| (accept.scope, &accept.job, accept.message.received_at)).collect();
    jobs::push_enqueue(&mut bodies, &jobs);
    bodies.build().execute(&mut *conn).await?;
    Ok(new)
}

/// Those of these messages that are kept.
async fn kept(conn: &mut SqliteConnection, ids: impl Iterator<Item = MessageId>) -> Done<HashSet<MessageId>> {
    let rows = sqlx::query("SELECT id FROM message WHERE id IN (SELECT unhex(value) FROM json_each(?))")
        .bind(id_list(ids.map(|id| id.0)))
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

async fn repeated(conn: &mut SqliteConnection, scope: Scope, message: &NewMessage) -> Done<Accepted> {
    let sql = match message.delivery_key {
        Some(_) => {
            "UPDATE message SET repeats = repeats + 1
             WHERE company_id = ? AND source_id = ? AND digest = ? AND delivery_key = ?
             RETURNING id, correlation"
        }
        None => {
            "UPDATE message SET repeats = repeats + 1
             WHERE company_id = ? AND source_id = ? AND digest = ? AND delivery_key IS NULL
             RETURNING id, correlation"
        }
    };
    let mut query = sqlx::query(sql).bind(scope.company.0).bind(message.source.0).bind(message.digest.as_slice());
    if let Some(key) = &message.delivery_key {
        query = query.bind(key);
    }
    let kept = query.fetch_one(conn).await?;
    Ok(Accepted { message: kept.id("id")?, correlation: kept.id("correlation")?, novelty: Novelty::Repeated })
}

fn body(row: &SqliteRow) -> Done<Option<MessageBody>> {
    let Some(body) = row.opt_sealed("body_subject", "body_bytes")? else { return Ok(None) };
    let key = row.opt_bytes("wrapped")?.map(|bytes| WrappedKey { subject: body.subject, bytes });
    Ok(Some(MessageBody { body, key }))
}

/// Says what became of a message.
pub(crate) async fn conclude(
    conn: &mut SqliteConnection,
    scope: Scope,
    id: MessageId,
    status: &MessageStatus,
) -> Done<()> {
    let (word, observations, problems, reason) = match status {
        MessageStatus::Received => ("received", 0, 0, None),
        MessageStatus::Normalised { observations, problems } => ("normalised", *observations, *problems, None),
        MessageStatus::Ignored { reason } => ("ignored", 0, 0, Some(reason)),
        MessageStatus::Quarantined { reason } => ("quarantined", 0, 0, Some(reason)),
    };
    let found = sqlx::query(
        "UPDATE message SET status = ?, observations = ?, problems = ?, reason = ? WHERE company_id = ? AND id = ?",
    )
    .bind(word)
    .bind(observations)
    .bind(problems)
    .bind(reason)
    .bind(scope.company.0)
    .bind(id.0)
    .execute(conn)
    .await?;
    if found.rows_affected() == 0 { Err(Fail(StoreError::NotFound("message"))) } else { Ok(()) }
}

/// How many of a message's reports are recorded, while others still have to be.
pub(crate) async fn remember(conn: &mut SqliteConnection, scope: Scope, id: MessageId, reports: u32) -> Done<()> {
    let found = sqlx::query("UPDATE message SET cursor = ? WHERE company_id = ? AND id = ?")
        .bind(reports)
        .bind(scope.company.0)
        .bind(id.0)
        .execute(conn)
        .await?;
    if found.rows_affected() == 0 { Err(Fail(StoreError::NotFound("message"))) } else { Ok(()) }
}

/// Whether a company has a source of this id that is simulated.
pub(crate) async fn is_sandbox(conn: &mut SqliteConnection, company: CompanyId, source: Uuid) -> Done<bool> {
    let row = sqlx::query("SELECT sandbox FROM source WHERE company_id = ? AND id = ?")
        .bind(company.0)
        .bind(source)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| row.int("sandbox")).transpose()? == Some(1))
}

fn source(row: &SqliteRow) -> Done<SourceRecord> {
    Ok(SourceRecord {
        id: row.id("id")?,
        name: row.text("name")?,
        connector: row.text("connector")?,
        scheme: row.text("scheme")?,
        settings: row.text("settings")?,
        secrets: row
            .opt_sealed("secrets_subject", "secrets")?
            .ok_or(StoreError::Damaged("source without secrets".into()))?,
        secret_set_at: row.at("secret_set_at")?,
        enabled: row.int("enabled")? == 1,
        sandbox: row.int("sandbox")? == 1,
        created_at: row.at("created_at")?,
    })
}

fn record(row: &SqliteRow) -> Done<MessageRecord> {
    let reason = row.opt_text("reason")?.unwrap_or_default();
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
    })
}
