//! The calls that jobs make.

use crate::{
    codec::{SqlError, micros, month, stored_count, word},
    group::Grouped,
    partitions::{Monthly, Partitions},
};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use storage::{Result, Scope, Sealed, jobs::AttemptRecord};

/// A call to be kept.
pub(crate) struct Called {
    pub(crate) scope: Scope,
    pub(crate) attempt: AttemptRecord,
}

#[async_trait]
impl Grouped for Called {
    type Output = ();

    async fn prepare(batch: &[Self], partitions: &Partitions) -> Result<(), SqlError> {
        let months: BTreeSet<i64> = batch.iter().map(|called| month(called.attempt.started_at)).collect();
        partitions.ensure(Monthly::Attempt, months).await
    }

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<()>, SqlError> {
        put_attempts(conn, batch).await?;
        Ok(vec![(); batch.len()])
    }
}

async fn put_attempts(conn: &mut PgConnection, batch: &[Called]) -> Result<(), SqlError> {
    macro_rules! column {
        (|$called:ident| $value:expr) => {
            batch.iter().map(|$called| $value).collect::<Vec<_>>()
        };
    }
    // those of a job that is done are on the disk with its end
    sqlx::query(concat!(
        "WITH put AS (
             INSERT INTO attempt (month, id, company_id, job_id, correlation, shipment_id, destination, operation, started_at, duration_ms, status, outcome, request, response)
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
                                  $11::bigint[], $12::text[], $13::bytea[], $14::bytea[]))
         SELECT ", without_waiting!()
    ))
    .bind(column!(|c| month(c.attempt.started_at)))
    .bind(column!(|c| c.attempt.id.0))
    .bind(column!(|c| c.scope.company.0))
    .bind(column!(|c| c.attempt.job.0))
    .bind(column!(|c| c.attempt.correlation.0))
    .bind(column!(|c| c.attempt.shipment.map(|id| id.0)))
    .bind(column!(|c| c.attempt.destination.as_str()))
    .bind(column!(|c| c.attempt.operation.as_str()))
    .bind(column!(|c| micros(c.attempt.started_at)))
    .bind(column!(|c| stored_count(c.attempt.duration_ms)))
    .bind(column!(|c| c.attempt.status.map(i64::from)))
    .bind(column!(|c| word(c.attempt.outcome)))
    .bind(column!(|c| c.attempt.request.as_ref().map(Sealed::packed)))
    .bind(column!(|c| c.attempt.response.as_ref().map(Sealed::packed)))
    .execute(conn)
    .await?;
    Ok(())
}
