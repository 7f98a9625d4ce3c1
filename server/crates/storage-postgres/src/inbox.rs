//! Sources and messages as received.

use crate::{
    PostgresStore, Priority,
    codec::{Columns, PAGE_AND_ONE, SqlError, clean, cursor, id_list, micros, month, page, stored_count, word},
    db::Pg,
    group::Grouped,
    jobs,
    partitions::{Monthly, Partitions},
};
use async_trait::async_trait;
use domain::ids::{CompanyId, MessageId, SubjectId};
use jiff::Timestamp;
use sqlx::{
    Arguments, Encode, PgConnection, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, types::PgRecordEncoder},
    query::Query,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    facts::Progress,
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
            "m.company_id = $1 AND (cardinality($2::uuid[]) = 0 OR m.id = ANY ($2)) AND ($3::uuid IS NULL OR m.source_id = $3) AND ",
            $state,
            " AND m.received_at >= $5 AND m.received_at < $6"
        )
    };
}

/// The month in which the body of the message `m` lies.
macro_rules! month_of {
    () => {
        "to_char(to_timestamp(m.received_at / 1000000) AT TIME ZONE 'UTC', 'YYYYMM')::bigint"
    };
}

#[async_trait]
impl Inbox for PostgresStore {
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        self.accepting.join(Accept { scope, message, job }).await
    }

    async fn message(&self, scope: Scope, id: MessageId) -> Result<Option<MessageRecord>> {
        let mut read = self.read_one().await?;
        let row = sqlx::query(
            "SELECT m.*, s.name AS source_name, s.connector, s.settings FROM message m JOIN connection s ON s.id = m.source_id
             WHERE m.company_id = $1 AND m.id = $2",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(&mut *read)
        .await
        .map_err(SqlError::from)?;
        read.give_back();
        Ok(row.as_ref().map(record).transpose()?)
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        self.opening.join(Open { scope, id }).await
    }

    async fn conclude(&self, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
        self.write_one(Priority::RealTime, move |conn| {
            Box::pin(async move { conclude(conn, scope, id, &status).await })
        })
        .await
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
                    " AND (m.received_at, m.id) < ($7, $8) ORDER BY m.received_at DESC, m.id DESC LIMIT $9"
                )
            };
        }
        let sql = match which.state {
            Some(MessageState::Quarantined) => page_of!("$4::text IS NOT NULL AND m.status = 'quarantined'"),
            _ => page_of!("($4::text IS NULL OR m.status = $4)"),
        };
        let (at, id): (i64, Uuid) = cursor::decode(cursor.as_deref()).unwrap_or((i64::MAX, Uuid::max()));
        let mut read = self.moment().await?;
        let rows = chosen(sql, scope, &which)
            .bind(at)
            .bind(id)
            .bind(PAGE_AND_ONE)
            .fetch_all(&mut *read)
            .await
            .map_err(SqlError::from)?;
        let rows = rows.iter().map(record).collect::<Result<Vec<_>, SqlError>>()?;
        Ok(page(rows, |last| cursor::encode(&(micros(last.received_at), last.id.0))))
    }

    async fn count(&self, scope: Scope, which: MessageSelection) -> Result<Tally> {
        macro_rules! count_of {
            ($state:literal) => {
                concat!(
                    "SELECT count(*) AS number, count(b.message_id) FILTER (WHERE NOT m.rewritten) AS kept
                     FROM message m LEFT JOIN message_body b ON b.month = ",
                    month_of!(),
                    " AND b.message_id = m.id WHERE ",
                    which_messages!($state)
                )
            };
        }
        let sql = match which.state {
            Some(MessageState::Quarantined) => count_of!("$4::text IS NOT NULL AND m.status = 'quarantined'"),
            _ => count_of!("($4::text IS NULL OR m.status = $4)"),
        };
        let mut read = self.moment().await?;
        let row = chosen(sql, scope, &which).fetch_one(&mut *read).await.map_err(SqlError::from)?;
        let (number, kept): (u64, u64) = (row.count("number")?, row.count("kept")?);
        Ok(Tally { take: kept, skip: number.saturating_sub(kept) })
    }

    async fn replay(&self, scope: Scope, messages: Vec<(MessageId, NewJob)>, audit: AuditEntry) -> Result<u32> {
        self.write(Priority::RealTime, move |conn| {
            Box::pin(async move {
                let replayed = replay(conn, scope, &messages, audit.at).await?;
                audit::append(&mut Pg(conn), scope, &audit).await?;
                Ok(replayed)
            })
        })
        .await
    }
}

fn chosen<'q>(sql: &'static str, scope: Scope, which: &MessageSelection) -> Query<'q, Postgres, PgArguments> {
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
    conn: &mut PgConnection,
    scope: Scope,
    messages: &[(MessageId, NewJob)],
    at: Timestamp,
) -> Result<u32, SqlError> {
    let mut replayed = 0;
    for (id, job) in messages {
        let found = sqlx::query(concat!(
            "UPDATE message AS m SET status = 'received', reason = NULL, cursor = 0 WHERE m.company_id = $1 AND m.id = $2
               AND NOT m.rewritten AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ", month_of!(), " AND b.message_id = m.id)"
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

/// A message to be kept with its job.
pub(crate) struct Accept {
    scope: Scope,
    message: NewMessage,
    job: NewJob,
}

#[async_trait]
impl Grouped for Accept {
    type Output = Accepted;

    async fn prepare(batch: &[Self], partitions: &Partitions) -> Result<(), SqlError> {
        let months: BTreeSet<i64> = batch.iter().map(|accept| month(accept.message.received_at)).collect();
        partitions.ensure(Monthly::Body, months).await
    }

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Accepted>, SqlError> {
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

/// Messages, bodies and jobs of the whole batch in one statement, which waits for the disk. Those that were new.
///
/// In the order of their digests, so that two batches with the same messages never wait for each other. A message that
/// another node keeps meanwhile is a conflict, after which it is seen: that costs less than `ON CONFLICT`, which writes
/// every row twice. `OFFSET 0` keeps the question what it is, one look into an index for each message. Nearly always all
/// are new, and then what belongs to them is not looked for among those that are, one by one.
async fn insert_new(batch: &[Accept], conn: &mut PgConnection) -> Result<HashSet<MessageId>, SqlError> {
    let mut first = BTreeMap::new();
    for Accept { scope, message, job } in batch {
        first.entry(message.digest).or_insert(Incoming { company: scope.company, message, job });
    }
    let incoming: Vec<Incoming> = first.into_values().collect();
    let mut given = PgArguments::default();
    given.reserve(1, incoming.iter().map(Incoming::bytes).sum());
    given.add(&incoming).map_err(sqlx::Error::Encode)?;
    let row = sqlx::query_with(
        "WITH given AS (SELECT * FROM unnest($1) LIMIT cardinality($1)),
         new AS (
             INSERT INTO message (id, company_id, source_id, correlation, received_at, digest, headers, content_type, verified_by, size, wrapped)
             SELECT id, company_id, source_id, correlation, received_at, digest, headers, content_type, verified_by, size, wrapped FROM given g
             WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.digest = g.digest OFFSET 0)
             RETURNING id),
         all_new AS (SELECT count(*) = cardinality($1) AS said FROM new),
         body AS (
             INSERT INTO message_body (month, message_id, company_id, bytes)
             SELECT month, id, company_id, bytes FROM given WHERE (SELECT said FROM all_new) OR id IN (SELECT id FROM new)),
         job AS (
             INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, created_at, updated_at)
             SELECT job_id, company_id, kind, target, destination, lane, cause, run_at, job_correlation, received_at, received_at
             FROM given WHERE (SELECT said FROM all_new) OR id IN (SELECT id FROM new))
         SELECT CASE WHEN count(*) < cardinality($1) THEN coalesce(array_agg(id), '{}') END AS some FROM new",
        given,
    )
    .fetch_one(conn)
    .await?;
    // nearly always all are
    let all = || incoming.iter().map(|one| one.message.id).collect();
    let some: Option<Vec<Uuid>> = row.try_get("some")?;
    Ok(some.map_or_else(all, |some| some.into_iter().map(MessageId).collect()))
}

/// A message with its job as one value of the database's type `incoming`: a list of them is gone through once, where lists
/// of its columns would be gone through one by one, which is felt where the most comes in.
struct Incoming<'a> {
    company: CompanyId,
    message: &'a NewMessage,
    job: &'a NewJob,
}

impl Incoming<'_> {
    /// About so many does it take up on its way.
    fn bytes(&self) -> usize {
        const SHORT_COLUMNS: usize = 768;
        self.message.body.bytes.len() + self.message.headers.len() + SHORT_COLUMNS
    }
}

impl Type<Postgres> for Incoming<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("incoming")
    }
}

impl PgHasArrayType for Incoming<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("incoming")
    }
}

impl<'q> Encode<'q, Postgres> for Incoming<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        let Self { company, message, job } = self;
        let mut columns = PgRecordEncoder::new(buffer);
        columns
            .encode(message.id.0)?
            .encode(company.0)?
            .encode(message.source.0)?
            .encode(message.correlation.0)?
            .encode(micros(message.received_at))?
            .encode(message.digest)?
            .encode(&*clean(&message.headers))?
            .encode(message.content_type.as_deref().map(clean).as_deref())?
            .encode(message.verified_by.as_str())?
            .encode(stored_count(message.size))?
            .encode(message.key.bytes.as_slice())?
            .encode(month(message.received_at))?
            .encode(message.body.bytes.as_slice())?
            .encode(job.id.0)?
            .encode(job.kind.code())?
            .encode(job.target.as_str())?
            .encode(job.destination.as_deref())?
            .encode(word(job.lane).as_str())?
            .encode(word(job.cause).as_str())?
            .encode(micros(job.run_at))?
            .encode(job.correlation.0)?;
        columns.finish();
        Ok(IsNull::No)
    }
}

/// A message to be read with its body.
pub(crate) struct Open {
    scope: Scope,
    id: MessageId,
}

#[async_trait]
impl Grouped for Open {
    type Output = Option<(MessageRecord, Option<MessageBody>)>;

    const TOGETHER: usize = 16;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Self::Output>, SqlError> {
        let rows = sqlx::query(concat!(
            "SELECT w.place, m.*, s.name AS source_name, s.connector, s.settings, b.bytes AS body
             FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY LIMIT cardinality($1)) w (company_id, id, place)
             JOIN message m ON m.company_id IS NOT DISTINCT FROM w.company_id AND m.id = w.id
             JOIN connection s ON s.id = m.source_id
             LEFT JOIN message_body b ON b.month = ", month_of!(), " AND b.message_id = m.id AND m.wrapped IS NOT NULL"
        ))
        .bind(id_list(batch.iter().map(|open| open.scope.company.0)))
        .bind(id_list(batch.iter().map(|open| open.id.0)))
        .fetch_all(conn)
        .await?;
        let mut found = HashMap::new();
        for row in &rows {
            found.insert(row.count::<usize>("place")?, (record(row)?, body(row)?));
        }
        Ok((1..=batch.len()).map(|place| found.remove(&place)).collect())
    }
}

async fn repeated(conn: &mut PgConnection, scope: Scope, message: &NewMessage) -> Result<Accepted, SqlError> {
    let kept = sqlx::query(
        "UPDATE message SET repeats = repeats + 1 WHERE company_id IS NOT DISTINCT FROM $1 AND digest = $2
         RETURNING id, correlation",
    )
    .bind(scope.company.0)
    .bind(message.digest)
    .fetch_one(conn)
    .await?;
    Ok(Accepted { message: kept.id("id")?, correlation: kept.id("correlation")?, novelty: Novelty::Repeated })
}

fn body(row: &PgRow) -> Result<Option<MessageBody>, SqlError> {
    let subject = SubjectId(row.id::<MessageId>("id")?.0);
    let kept = row.opt_bytes("body")?.zip(row.opt_bytes("wrapped")?);
    Ok(kept.map(|(body, key)| MessageBody {
        body: Sealed { subject, bytes: body },
        key: WrappedKey { subject, bytes: key },
    }))
}

/// What a message is afterwards; what is none stays as it is.
#[derive(Default)]
pub(crate) struct After {
    pub(crate) status: Option<&'static str>,
    pub(crate) observations: Option<i64>,
    pub(crate) problems: Option<i64>,
    pub(crate) reason: Option<Vec<u8>>,
    pub(crate) cursor: Option<i64>,
}

impl After {
    pub(crate) fn of(progress: &Progress) -> Self {
        match progress {
            Progress::Whole(status) => Self::status(status),
            Progress::Part(reports) => Self { cursor: Some(i64::from(*reports)), ..Self::default() },
        }
    }

    fn status(status: &MessageStatus) -> Self {
        let (word, observations, problems, reason) = match status {
            MessageStatus::Received => ("received", 0, 0, None),
            MessageStatus::Normalised { observations, problems } => ("normalised", *observations, *problems, None),
            MessageStatus::Ignored { reason } => ("ignored", 0, 0, reason.as_ref()),
            MessageStatus::Quarantined { reason } => ("quarantined", 0, 0, reason.as_ref()),
        };
        let (observations, problems) = (Some(i64::from(observations)), Some(i64::from(problems)));
        Self { status: Some(word), observations, problems, reason: reason.map(Sealed::packed), cursor: None }
    }
}

/// Says what became of a message.
async fn conclude(
    conn: &mut PgConnection,
    scope: Scope,
    id: MessageId,
    status: &MessageStatus,
) -> Result<(), SqlError> {
    let after = After::status(status);
    let found = sqlx::query(
        "UPDATE message SET status = $1, observations = $2, problems = $3, reason = $4 WHERE company_id = $5 AND id = $6",
    )
    .bind(after.status)
    .bind(after.observations)
    .bind(after.problems)
    .bind(after.reason)
    .bind(scope.company.0)
    .bind(id.0)
    .execute(conn)
    .await?;
    if found.rows_affected() == 0 { Err(SqlError(StoreError::NotFound("message"))) } else { Ok(()) }
}

fn record(row: &PgRow) -> Result<MessageRecord, SqlError> {
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
        rewritten: row.flag("rewritten")?,
    })
}
