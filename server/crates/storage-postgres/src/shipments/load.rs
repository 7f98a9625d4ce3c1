//! What a fold reads, in one trip.

use crate::{
    codec::{SqlError, id_list, micros, parts, rows_as},
    db::rows_of,
    group::Grouped,
};
use async_trait::async_trait;
use domain::ids::ShipmentId;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::HashMap;
use storage::{Scope, shipments::Loaded};
use storage_sql::{
    Row,
    shipments::{FactRows, LoadedRows, number},
};

/// A shipment to be loaded.
pub(crate) struct Load {
    pub(crate) scope: Scope,
    pub(crate) id: ShipmentId,
}

#[async_trait]
impl Grouped for Load {
    type Output = Option<Loaded>;

    const TOGETHER: usize = 16;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Option<Loaded>>, SqlError> {
        let which: Vec<_> = batch.iter().map(|load| (&load.scope, load.id)).collect();
        load(conn, &which, None).await
    }
}

/// Shipments with all that a fold reads and all that follows it, in one query: it sees one moment, and a trip to the
/// database costs more than most of the questions.
pub(crate) async fn load(
    conn: &mut PgConnection,
    which: &[(&Scope, ShipmentId)],
    known_at: Option<Timestamp>,
) -> Result<Vec<Option<Loaded>>, SqlError> {
    let rows = sqlx::query(concat!(
        "SELECT w.place, l.* FROM (SELECT * FROM unnest($1::uuid[], $3::uuid[]) WITH ORDINALITY LIMIT cardinality($1)) w (id, company_id, place)
         CROSS JOIN LATERAL (",
        "WITH bound AS MATERIALIZED (SELECT b.tracker_id, b.piece, b.recorded_at, coalesce(b.valid_from, b.recorded_at) AS since,
                    (SELECT max(coalesce(o.valid_from, o.recorded_at)) FROM binding o
                     WHERE o.tracker_id = b.tracker_id AND o.recorded_at <= $2
                       AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = o.id AND e.recorded_at <= $2)) AS last
             FROM binding b
             WHERE b.shipment_id = w.id AND b.recorded_at <= $2
               AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= $2)),
             observed AS MATERIALIZED (
                 SELECT o.company_id, o.id, o.tracker_id, o.body FROM bound JOIN observation o ON o.tracker_id = bound.tracker_id
                 UNION ALL
                 SELECT o.company_id, o.id, o.tracker_id, o.body
                 FROM (SELECT DISTINCT r.company_id, r.observation_id
                       FROM bound JOIN told_event e ON e.tracker_id = bound.tracker_id
                       JOIN retraction r ON r.company_id = e.company_id AND r.source_id = e.source_id AND r.event_id = e.event_id
                       WHERE r.tracker_id NOT IN (SELECT tracker_id FROM bound)) elsewhere
                 JOIN observation o ON o.company_id = elsewhere.company_id AND o.id = elsewhere.observation_id)
             SELECT ",
            rows_as!("observations", "SELECT id, tracker_id, body FROM observed ORDER BY id"), ", ",
            rows_as!(
                "sightings",
                "SELECT g.observation_id, g.position, g.snapshot_id, g.source_id, g.trust, g.recorded_at
                 FROM observed o JOIN sighting g ON g.company_id = o.company_id AND g.observation_id = o.id WHERE g.recorded_at <= $2"
            ), ", ",
            rows_as!(
                "readings",
                "SELECT r.observation_id, r.body FROM observed o JOIN reading r ON r.company_id = o.company_id AND r.observation_id = o.id
                 WHERE r.recorded_at <= $2 ORDER BY r.recorded_at, r.mapping"
            ), ", ",
            rows_as!(
                "snapshots",
                "SELECT s.id, s.source_id, s.tracker_id, s.object, s.stamp, s.digest, s.recorded_at
                 FROM bound JOIN snapshot s ON s.tracker_id = bound.tracker_id WHERE s.recorded_at <= $2 ORDER BY s.id"
            ),
            ", ",
            rows_as!("bindings", "SELECT * FROM bound"), ", ",
            rows_as!(
                "others",
                "SELECT b.tracker_id, coalesce(b.valid_from, b.recorded_at) AS since,
                        (SELECT plan FROM plan_version p WHERE p.shipment_id = s.id AND p.recorded_at <= $2 ORDER BY p.seq DESC LIMIT 1) AS plan
                 FROM bound JOIN binding b ON b.tracker_id = bound.tracker_id JOIN shipment s ON s.id = b.shipment_id
                 WHERE b.shipment_id <> w.id AND b.recorded_at <= $2 AND s.origin IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= $2)
                 ORDER BY b.id LIMIT 100"
            ), ", ",
            rows_as!(
                "numbers",
                "SELECT b.shipment_id, b.tracker_id, b.number_raw, b.piece, t.carrier, t.carrier_label
                 FROM binding b JOIN tracker t ON t.id = b.tracker_id
                 WHERE b.shipment_id = w.id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                 ORDER BY b.recorded_at, t.number, b.id"
            ), ", ",
            rows_as!("decisions", "SELECT body FROM decision WHERE shipment_id = w.id AND at <= $2 ORDER BY seq"), ", ",
            rows_as!("exceptions", "SELECT * FROM exception WHERE shipment_id = w.id AND recorded_at <= $2 ORDER BY recorded_at, opened_at, id"), ", ",
            rows_as!("effects", "SELECT * FROM effect WHERE shipment_id = w.id ORDER BY seq"), ", ",
            rows_as!("cases", "SELECT * FROM desk_case WHERE shipment_id = w.id ORDER BY opened_at, id"), ", ",
            "fold.folded, fold.contributed,
             (SELECT plan FROM plan_version WHERE shipment_id = w.id AND recorded_at <= $2 ORDER BY seq DESC LIMIT 1) AS plan_then,
             shipment.* FROM shipment LEFT JOIN shipment_fold fold ON fold.shipment_id = shipment.id
             WHERE shipment.company_id = w.company_id AND shipment.id = w.id",
        ") l"
    ))
    .bind(id_list(which.iter().map(|(_, id)| id.0)))
    .bind(known_at.map_or(i64::MAX, micros))
    .bind(id_list(which.iter().map(|(scope, _)| scope.company.0)))
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<usize, Loaded> = HashMap::new();
    for row in rows_of(&rows)? {
        found.insert(row.count("place")?, loaded(row, known_at)?);
    }
    Ok((1..=which.len()).map(|place| found.remove(&place)).collect())
}

fn loaded(row: Row, known_at: Option<Timestamp>) -> Result<Loaded, SqlError> {
    let part = |name| parts(row.str(name)?);
    let rows = LoadedRows {
        numbers: part("numbers")?.iter().map(number).collect::<storage::Result<_>>()?,
        bindings: part("bindings")?,
        facts: FactRows {
            observations: part("observations")?,
            sightings: part("sightings")?,
            readings: part("readings")?,
            snapshots: part("snapshots")?,
        },
        decisions: part("decisions")?,
        others: part("others")?,
        exceptions: part("exceptions")?,
        effects: part("effects")?,
        cases: part("cases")?,
        shipment: row,
    };
    Ok(rows.read(known_at)?)
}
