//! How jobs are claimed.

use crate::{SqliteStore, db::Run as _, writer::Priority};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Result,
    jobs::{ClaimRequest, INSIDE, Lane, LeasedJob, Wanted},
    limits::CLAIM_JOBS,
};
use storage_sql::{
    codec::{id_list, json, row_limit, word},
    jobs, query,
};

/// Most looks find nothing: those need no turn of the writer.
pub(crate) async fn claim(store: &SqliteStore, mut request: ClaimRequest) -> Result<Vec<LeasedJob>> {
    let (lane, now, pairs) = (request.lane, request.now, pairs(&request.wanted));
    let due = store.readers.ask(move |conn| due(conn, lane, now, pairs)).await?;
    let mut place = 0..;
    request.wanted.retain(|_| place.next().is_some_and(|place| due.contains(&place)));
    if request.wanted.is_empty() {
        return Ok(Vec::new());
    }
    store.writer.write(Priority::of(lane), move |conn| lease(conn, &request)).await
}

/// Kinds with their destinations, as a list.
fn pairs(wanted: &[Wanted]) -> String {
    json(&wanted.iter().map(|w| (w.kind.code(), w.destination.as_deref().unwrap_or(INSIDE))).collect::<Vec<_>>())
}

/// The places of those pairs of which something in a lane can be claimed now, as far as a look tells: those whose jobs all
/// wait for a target that another has are named too.
fn due(conn: &Connection, lane: Lane, now: Timestamp, pairs: String) -> Result<Vec<i64>> {
    let rows = query(
        "SELECT k.key AS place FROM json_each(?3) k
         WHERE EXISTS (SELECT 1 FROM job INDEXED BY job_due
                       WHERE lane = ?1 AND kind = k.value ->> 0 AND coalesce(destination, 'inside') = k.value ->> 1
                         AND status IN ('ready', 'retrying') AND run_at <= ?2)
            OR EXISTS (SELECT 1 FROM job INDEXED BY job_lease
                       WHERE lane = ?1 AND kind = k.value ->> 0 AND status = 'leased' AND lease_until <= ?2
                         AND coalesce(destination, 'inside') = k.value ->> 1)",
    )
    .bind(word(lane))
    .bind(now)
    .bind(pairs)
    .rows(conn)?;
    rows.iter().map(|row| row.int("place")).collect()
}

/// Leases, for each kind and destination along the index.
fn lease(conn: &Connection, request: &ClaimRequest) -> Result<Vec<LeasedJob>> {
    let held = id_list(request.held.iter().map(|id| id.0));
    let mut candidates = Vec::new();
    for wanted in &request.wanted {
        let rows = query(
            "SELECT * FROM (
                 SELECT seq, run_at, id FROM job INDEXED BY job_lease
                 WHERE lane = ?1 AND kind = ?2 AND status = 'leased' AND lease_until <= ?3 AND coalesce(destination, 'inside') = ?6
                   AND id NOT IN (SELECT unhex(value) FROM json_each(?5))
                 ORDER BY lease_until LIMIT ?4)
             UNION ALL
             SELECT * FROM (
                 SELECT seq, run_at, id FROM job w INDEXED BY job_due
                 WHERE lane = ?1 AND kind = ?2 AND coalesce(destination, 'inside') = ?6 AND status IN ('ready', 'retrying') AND run_at <= ?3
                   AND NOT EXISTS (SELECT 1 FROM job l WHERE l.company_id = w.company_id AND l.kind = w.kind AND l.target = w.target AND l.status = 'leased')
                 ORDER BY run_at, id LIMIT ?4)
             ORDER BY run_at, id LIMIT ?4",
        )
        .bind(word(request.lane))
        .bind(wanted.kind.code())
        .bind(request.now)
        .bind(row_limit(wanted.at_most, CLAIM_JOBS))
        .bind(held.clone())
        .bind(wanted.destination.as_deref().unwrap_or(INSIDE))
        .rows(conn)?;
        for row in &rows {
            candidates.push(row.int("seq")?);
        }
    }
    // an ended lease counts as a try
    let rows = query(
        "UPDATE job SET attempts = attempts + (status = 'leased'), status = 'leased', owner = ?, lease_until = ?, updated_at = ?
         WHERE seq IN (SELECT value FROM json_each(?)) RETURNING *",
    )
    .bind(&request.owner)
    .bind(request.until)
    .bind(request.now)
    .bind(candidates)
    .rows(conn)?;
    jobs::leased(&rows)
}
