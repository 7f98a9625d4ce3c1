//! The queue: how work comes in, is claimed, and ends.

mod attempts;
mod finish;

pub(crate) use self::{attempts::Called, finish::End};

use crate::{
    codec::{SqlError, id_list, micros, row_limit, word},
    db::{Pg, rows_of},
};
use domain::ids::ShipmentId;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{ClaimRequest, INSIDE, LeasedJob, NewJob},
    limits::CLAIM_JOBS,
};
use storage_sql::jobs::{FoldJob, enqueue_all, enqueue_fold, leased};

/// Adds fold jobs for shipments.
pub(crate) async fn enqueue_folds(
    conn: &mut PgConnection,
    scope: Scope,
    folds: &[(ShipmentId, FoldJob)],
) -> Result<(), SqlError> {
    let Some(at) = folds.iter().map(|(_, fold)| fold.at).min() else { return Ok(()) };
    let jobs: Vec<NewJob> = folds.iter().map(|(shipment, fold)| fold.of(*shipment, 0)).collect();
    let targets: BTreeSet<ShipmentId> = folds.iter().map(|(shipment, _)| *shipment).collect();
    if enqueue_all(&mut Pg(conn), scope, &jobs, at).await? == targets.len() as u64 {
        return Ok(());
    }
    // of some there was one by this very name
    for (shipment, fold) in folds {
        enqueue_fold(&mut Pg(conn), scope, *shipment, fold).await?;
    }
    Ok(())
}

/// Leases, for each kind and destination along the index; leases that have ended are looked for once, among what is leased. What another
/// node is claiming is passed over.
pub(crate) async fn claim(conn: &mut PgConnection, request: &ClaimRequest) -> Result<Vec<LeasedJob>, SqlError> {
    let kinds: Vec<&str> = request.wanted.iter().map(|wanted| wanted.kind.code()).collect();
    let destinations: Vec<&str> =
        request.wanted.iter().map(|wanted| wanted.destination.as_deref().unwrap_or(INSIDE)).collect();
    let most: Vec<i64> = request.wanted.iter().map(|wanted| row_limit(wanted.at_most, CLAIM_JOBS)).collect();
    // an ended lease counts as a try
    let rows = sqlx::query(
        "WITH ended AS MATERIALIZED (
             SELECT kind, coalesce(destination, 'inside') AS destination, run_at, id FROM job
             WHERE lane = $1 AND status = 'leased' AND lease_until <= $3 AND id <> ALL ($7) ORDER BY lease_until FOR UPDATE SKIP LOCKED),
         oldest AS (
             SELECT j.id FROM unnest($2::text[], $8::text[], $4::bigint[]) k (kind, destination, at_most) CROSS JOIN LATERAL (
                 SELECT * FROM (SELECT run_at, id FROM ended WHERE kind = k.kind AND destination = k.destination LIMIT k.at_most) ended
                 UNION ALL
                 SELECT * FROM (
                     SELECT run_at, id FROM job w
                     WHERE lane = $1 AND kind = k.kind AND coalesce(destination, 'inside') = k.destination
                       AND status IN ('ready', 'retrying') AND run_at <= $3
                       AND NOT EXISTS (SELECT 1 FROM job l WHERE l.target = w.target AND l.kind = w.kind
                                       AND l.company_id = w.company_id AND l.status = 'leased')
                     ORDER BY run_at, id LIMIT k.at_most FOR UPDATE SKIP LOCKED) due
                 ORDER BY run_at, id LIMIT k.at_most) j)
         UPDATE job SET attempts = attempts + CASE WHEN status = 'leased' THEN 1 ELSE 0 END, status = 'leased', owner = $5, lease_until = $6, updated_at = $3
         FROM oldest WHERE job.id = oldest.id
         RETURNING company_id, job.id AS id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, attempts",
    )
    .bind(word(request.lane))
    .bind(kinds)
    .bind(micros(request.now))
    .bind(most)
    .bind(&request.owner)
    .bind(micros(request.until))
    .bind(id_list(request.held.iter().map(|id| id.0)))
    .bind(destinations)
    .fetch_all(conn)
    .await?;
    Ok(leased(&rows_of(&rows)?)?)
}
