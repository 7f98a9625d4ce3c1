//! Messages as received: many at once.

use crate::{
    codec::{SqlError, clean, id_list, micros, month, stored_count, word},
    db::{Pg, rows_of},
    group::Grouped,
    partitions::{Monthly, Partitions},
};
use async_trait::async_trait;
use domain::ids::{CompanyId, MessageId};
use sqlx::{
    Arguments, Encode, PgConnection, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgTypeInfo, types::PgRecordEncoder},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    Result, Scope,
    facts::Progress,
    inbox::{Accepted, MessageBody, MessageRecord, NewMessage, Novelty},
    jobs::NewJob,
};
use storage_sql::inbox::{Outcome, repeated, with_body};
use uuid::Uuid;

/// A message to be kept with its job.
pub(crate) struct Accept {
    pub(crate) scope: Scope,
    pub(crate) message: NewMessage,
    pub(crate) job: NewJob,
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
                repeated(&mut Pg(conn), accept.scope, message).await?
            });
        }
        Ok(answers)
    }
}

/// Messages, bodies and jobs of the whole batch in one statement, which waits for the disk. Those that were new.
///
/// In the order of their digests, so that two batches with the same messages never wait for each other. A message that
/// another node keeps meanwhile is a conflict, after which it is seen: that costs less than `ON CONFLICT`, which writes
/// every row twice. Nearly always all are new, and then what belongs to them is not looked for among those that are, one by
/// one.
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
             WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.digest = g.digest)
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
    pub(crate) scope: Scope,
    pub(crate) id: MessageId,
}

#[async_trait]
impl Grouped for Open {
    type Output = Option<(MessageRecord, Option<MessageBody>)>;

    const TOGETHER: usize = 16;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Self::Output>, SqlError> {
        let rows = sqlx::query(
            "SELECT w.place, m.*, s.name AS source_name, s.connector, s.settings, b.bytes AS body
             FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY LIMIT cardinality($1)) w (company_id, id, place)
             JOIN message m ON m.company_id IS NOT DISTINCT FROM w.company_id AND m.id = w.id
             JOIN connection s ON s.id = m.source_id
             LEFT JOIN message_body b ON b.month = to_char(to_timestamp(m.received_at / 1000000) AT TIME ZONE 'UTC', 'YYYYMM')::bigint AND b.message_id = m.id AND m.wrapped IS NOT NULL",
        )
        .bind(id_list(batch.iter().map(|open| open.scope.company.0)))
        .bind(id_list(batch.iter().map(|open| open.id.0)))
        .fetch_all(conn)
        .await?;
        let mut found = HashMap::new();
        for row in &rows_of(&rows)? {
            found.insert(row.count::<usize>("place")?, with_body(row)?);
        }
        Ok((1..=batch.len()).map(|place| found.remove(&place)).collect())
    }
}

/// What a message is afterwards; what is none stays as it is.
pub(crate) struct After {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) cursor: Option<i64>,
}

impl After {
    pub(crate) fn of(progress: &Progress) -> Self {
        match progress {
            Progress::Whole(status) => Self { outcome: Some(Outcome::of(status)), cursor: None },
            Progress::Part(reports) => Self { outcome: None, cursor: Some(i64::from(*reports)) },
        }
    }
}
