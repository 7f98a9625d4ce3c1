//! What a fold reads.

use super::row;
use crate::{
    codec::{SqlError, id_list, micros},
    db::{Sqlite, drive},
    sql::query,
};
use domain::{
    fold::{Decision, Fact, FoldInput, OtherDelivery, Plan, Sighting, Snapshot, Trust},
    ids::{ObservationId, ShipmentId, SourceId, TrackerId},
    reading::Reading,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    Scope,
    shipments::{EffectRecord, Loaded},
};
use storage_sql::{cases, exceptions};

/// Other deliveries under the numbers of one that are looked at.
const OTHER_ROWS: i64 = 100;

/// A shipment with all that a fold reads, in a fixed number of queries.
pub(super) fn load(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    known_at: Option<Timestamp>,
) -> Result<Option<Loaded>, SqlError> {
    let Some(mut shipment) = row::shipment(conn, scope, id)? else { return Ok(None) };
    let known = known_at.map_or(i64::MAX, micros);
    if known_at.is_some() {
        shipment.plan = plan_at(conn, id, known)?.unwrap_or_default();
    }
    let bindings = bindings(conn, id, known)?;
    let trackers = id_list(bindings.keys().map(|tracker| tracker.0));
    let mut facts_known = facts(conn, &trackers, &bindings, known)?;
    facts_known.extend(retractions_elsewhere(conn, &trackers, &bindings, known)?);
    let input = FoldInput {
        plan: shipment.plan.clone(),
        facts: facts_known,
        snapshots: snapshots(conn, &trackers, known)?,
        decisions: decisions(conn, id, known)?,
        bound: bindings.iter().map(|(tracker, binding)| (*tracker, binding.since)).collect(),
        others: others(conn, id, &trackers, known)?,
    };
    let bound_last = bindings.iter().map(|(tracker, binding)| (*tracker, binding.last)).collect();
    let exceptions = drive(exceptions::of_shipment(&mut Sqlite(conn), id, known))?;
    let (effects, cases) = (effects(conn, id)?, drive(cases::of_shipment(&mut Sqlite(conn), id))?);
    let bound_at = bindings.iter().map(|(tracker, binding)| (*tracker, binding.recorded_at)).collect();
    Ok(Some(Loaded { shipment, input, bound_last, bound_at, exceptions, effects, cases }))
}

fn effects(conn: &mut Connection, id: ShipmentId) -> Result<Vec<EffectRecord>, SqlError> {
    let rows = query("SELECT * FROM effect WHERE shipment_id = ? ORDER BY seq").bind(id.0).fetch_all(conn)?;
    rows.iter().map(row::effect).collect()
}

/// What is recorded about one tracker.
pub(super) fn facts_of(conn: &mut Connection, tracker: TrackerId) -> Result<FoldInput, SqlError> {
    let trackers = id_list([tracker.0]);
    let facts = facts(conn, &trackers, &BTreeMap::new(), i64::MAX)?;
    let snapshots = snapshots(conn, &trackers, i64::MAX)?;
    Ok(FoldInput { facts, snapshots, ..FoldInput::default() })
}

fn plan_at(conn: &mut Connection, id: ShipmentId, known: i64) -> Result<Option<Plan>, SqlError> {
    let row =
        query("SELECT plan FROM plan_version WHERE shipment_id = ? AND recorded_at <= ? ORDER BY seq DESC LIMIT 1")
            .bind(id.0)
            .bind(known)
            .fetch_optional(conn)?;
    row.map(|row| row.json("plan")).transpose()
}

/// A tracker's binding to the shipment.
struct Binding {
    piece: Option<String>,
    recorded_at: Timestamp,
    since: Timestamp,
    /// Since when the shipment is bound to the tracker that was bound last.
    last: Timestamp,
}

/// The trackers bound at that time.
fn bindings(conn: &mut Connection, id: ShipmentId, known: i64) -> Result<BTreeMap<TrackerId, Binding>, SqlError> {
    let rows = query(
        "SELECT b.tracker_id, b.piece, b.recorded_at, coalesce(b.valid_from, b.recorded_at) AS since,
                (SELECT max(coalesce(o.valid_from, o.recorded_at)) FROM binding o
                 WHERE o.tracker_id = b.tracker_id AND o.recorded_at <= ?2
                   AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = o.id AND e.recorded_at <= ?2)) AS last
         FROM binding b
         WHERE b.shipment_id = ?1 AND b.recorded_at <= ?2
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= ?2)",
    )
    .bind(id.0)
    .bind(known)
    .fetch_all(conn)?;
    rows.iter()
        .map(|row| {
            let binding = Binding {
                piece: row.opt_text("piece")?,
                recorded_at: row.at("recorded_at")?,
                since: row.at("since")?,
                last: row.at("last")?,
            };
            Ok((row.id("tracker_id")?, binding))
        })
        .collect()
}

/// The other deliveries that were bound to these trackers at that time.
fn others(
    conn: &mut Connection,
    id: ShipmentId,
    trackers: &str,
    known: i64,
) -> Result<BTreeMap<TrackerId, Vec<OtherDelivery>>, SqlError> {
    let rows = query(
        "SELECT b.tracker_id, coalesce(b.valid_from, b.recorded_at) AS since,
                (SELECT plan FROM plan_version p WHERE p.shipment_id = s.id AND p.recorded_at <= ?3 ORDER BY p.seq DESC LIMIT 1) AS plan
         FROM json_each(?1) t CROSS JOIN binding b ON b.tracker_id = unhex(t.value) JOIN shipment s ON s.id = b.shipment_id
         WHERE b.shipment_id <> ?2 AND b.recorded_at <= ?3 AND s.origin IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= ?3)
         ORDER BY b.id LIMIT ?4",
    )
    .bind(trackers)
    .bind(id.0)
    .bind(known)
    .bind(OTHER_ROWS)
    .fetch_all(conn)?;
    let mut others: BTreeMap<TrackerId, Vec<OtherDelivery>> = BTreeMap::new();
    for row in &rows {
        let plan: Option<Plan> = row.opt_json("plan")?;
        let other = OtherDelivery { standing: plan.unwrap_or_default().standing, since: row.at("since")? };
        others.entry(row.id("tracker_id")?).or_default().push(other);
    }
    Ok(others)
}

/// Who said something, and when, at first.
struct Said {
    first: (Timestamp, SourceId, Trust),
    sightings: Vec<Sighting>,
}

/// What takes back an event of these trackers, and hangs on another.
fn retractions_elsewhere(
    conn: &mut Connection,
    trackers: &str,
    bindings: &BTreeMap<TrackerId, Binding>,
    known: i64,
) -> Result<Vec<Fact>, SqlError> {
    let rows = query(
        "SELECT DISTINCT r.observation_id, r.tracker_id FROM json_each(?1) t
         CROSS JOIN told_event e ON e.tracker_id = unhex(t.value)
         JOIN retraction r ON r.company_id = e.company_id AND r.source_id = e.source_id AND r.event_id = e.event_id
         WHERE r.tracker_id NOT IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(trackers)
    .fetch_all(conn)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = HashSet::new();
    let mut elsewhere = BTreeSet::new();
    for row in &rows {
        wanted.insert(row.id::<ObservationId>("observation_id")?);
        elsewhere.insert(row.id::<TrackerId>("tracker_id")?.0);
    }
    let mut found = facts(conn, &id_list(elsewhere), bindings, known)?;
    found.retain(|fact| wanted.contains(&fact.id));
    Ok(found)
}

fn facts(
    conn: &mut Connection,
    trackers: &str,
    bindings: &BTreeMap<TrackerId, Binding>,
    known: i64,
) -> Result<Vec<Fact>, SqlError> {
    let mut said = sightings(conn, trackers, known)?;
    let mut readings = readings(conn, trackers, known)?;
    let rows = query(
        "SELECT o.id, o.tracker_id, o.body FROM json_each(?) t CROSS JOIN observation o ON o.tracker_id = unhex(t.value) ORDER BY o.id",
    )
    .bind(trackers)
    .fetch_all(conn)?;
    let mut facts = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, tracker) = (row.id::<ObservationId>("id")?, row.id::<TrackerId>("tracker_id")?);
        // not yet said or not yet read at that time
        let (Some(said), Some(reading)) = (said.remove(&id), readings.remove(&id)) else { continue };
        let (_, source, trust) = said.first;
        facts.push(Fact {
            id,
            observation: row.json("body")?,
            reading,
            tracker,
            piece: bindings.get(&tracker).and_then(|binding| binding.piece.clone()),
            source,
            trust,
            sightings: said.sightings,
        });
    }
    Ok(facts)
}

fn sightings(conn: &mut Connection, trackers: &str, known: i64) -> Result<HashMap<ObservationId, Said>, SqlError> {
    let rows = query(
        "SELECT g.observation_id, g.position, g.snapshot_id, g.source_id, g.trust, g.recorded_at
         FROM json_each(?) t CROSS JOIN sighting g ON g.tracker_id = unhex(t.value)
         WHERE g.recorded_at <= ?",
    )
    .bind(trackers)
    .bind(known)
    .fetch_all(conn)?;
    let mut said: HashMap<ObservationId, Said> = HashMap::new();
    for row in &rows {
        let recorded_at = row.at("recorded_at")?;
        let who = (recorded_at, row.id("source_id")?, row.word("trust")?);
        let entry = said.entry(row.id("observation_id")?).or_insert_with(|| Said { first: who, sightings: Vec::new() });
        entry.first = entry.first.min(who);
        entry.sightings.push(Sighting {
            snapshot: row.opt_id("snapshot_id")?,
            position: row.count("position")?,
            recorded_at,
        });
    }
    for entry in said.values_mut() {
        // in one order, whichever message was recorded first
        entry.sightings.sort_unstable();
    }
    Ok(said)
}

fn readings(conn: &mut Connection, trackers: &str, known: i64) -> Result<HashMap<ObservationId, Reading>, SqlError> {
    let rows = query(
        "SELECT r.observation_id, r.body
         FROM json_each(?) t CROSS JOIN reading r ON r.tracker_id = unhex(t.value)
         WHERE r.recorded_at <= ? ORDER BY r.recorded_at, r.mapping",
    )
    .bind(trackers)
    .bind(known)
    .fetch_all(conn)?;
    // of several the latest stays
    rows.iter().map(|row| Ok((row.id("observation_id")?, row.json("body")?))).collect()
}

fn snapshots(conn: &mut Connection, trackers: &str, known: i64) -> Result<Vec<Snapshot>, SqlError> {
    let rows = query(
        "SELECT s.* FROM json_each(?) t CROSS JOIN snapshot s ON s.tracker_id = unhex(t.value) WHERE s.recorded_at <= ? ORDER BY s.id",
    )
    .bind(trackers)
    .bind(known)
    .fetch_all(conn)?;
    rows.iter()
        .map(|row| {
            Ok(Snapshot {
                id: row.id("id")?,
                source: row.id("source_id")?,
                tracker: row.id("tracker_id")?,
                object: row.opt_text("object")?,
                stamp: row.opt_at("stamp")?,
                digest: row.text("digest")?,
                recorded_at: row.at("recorded_at")?,
            })
        })
        .collect()
}

fn decisions(conn: &mut Connection, id: ShipmentId, known: i64) -> Result<Vec<Decision>, SqlError> {
    let rows = query("SELECT body FROM decision WHERE shipment_id = ? AND at <= ? ORDER BY seq")
        .bind(id.0)
        .bind(known)
        .fetch_all(conn)?;
    rows.iter().map(|row| row.json("body")).collect()
}
