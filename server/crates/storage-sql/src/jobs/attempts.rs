//! The calls that jobs make.

use crate::{
    Db, Query, Row,
    codec::{month, stored_count, word},
    query,
};
use storage::{Result, Scope, Sealed, StoreError, jobs::AttemptRecord};
use uuid::Uuid;

/// Calls of one read.
const ATTEMPT_ROWS: i64 = 500;

/// The newest calls of a job or a shipment, in their order.
pub(super) async fn newest(db: &mut dyn Db, sql: &'static str, scope: Scope, of: Uuid) -> Result<Vec<AttemptRecord>> {
    let rows = query(sql).bind(scope.company.0).bind(of).bind(ATTEMPT_ROWS).all(db).await?;
    rows.iter().rev().map(record).collect()
}

/// Keeps a call.
pub fn put(scope: Scope, attempt: &AttemptRecord) -> Query {
    query(
        "INSERT INTO attempt (month, id, company_id, job_id, correlation, shipment_id, destination, operation, started_at, duration_ms, status, outcome, request, response)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(month(attempt.started_at))
    .bind(attempt.id.0)
    .bind(scope.company.0)
    .bind(attempt.job.0)
    .bind(attempt.correlation.0)
    .bind(attempt.shipment.map(|id| id.0))
    .bind(&attempt.destination)
    .bind(&attempt.operation)
    .bind(attempt.started_at)
    .bind(stored_count(attempt.duration_ms))
    .bind(attempt.status.map(i64::from))
    .bind(word(attempt.outcome))
    .bind(attempt.request.as_ref().map(Sealed::packed))
    .bind(attempt.response.as_ref().map(Sealed::packed))
}

fn record(row: &Row) -> Result<AttemptRecord> {
    Ok(AttemptRecord {
        id: row.id("id")?,
        job: row.id("job_id")?,
        correlation: row.id("correlation")?,
        shipment: row.opt_id("shipment_id")?,
        destination: row.text("destination")?,
        operation: row.text("operation")?,
        started_at: row.at("started_at")?,
        duration_ms: row.count("duration_ms")?,
        status: row
            .opt_int("status")?
            .map(u16::try_from)
            .transpose()
            .map_err(|_| StoreError::Damaged("HTTP status".into()))?,
        outcome: row.word("outcome")?,
        request: row.opt_packed("request")?,
        response: row.opt_packed("response")?,
    })
}
