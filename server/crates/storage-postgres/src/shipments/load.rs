//! What a fold reads.

use super::row;
use crate::{
    codec::{Columns, Part, SqlError, id_list, micros, parts, rows_as},
    group::Grouped,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    fold::{Fact, FoldInput, OtherDelivery, Plan, Sighting, Snapshot, Trust},
    ids::{ObservationId, ShipmentId, SourceId, TrackerId},
    reading::Reading,
};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::{BTreeMap, HashMap};
use storage::{
    Scope,
    shipments::{EffectRecord, Loaded},
};
use storage_sql::{cases, exceptions};

/// What is recorded about the trackers `bound`: the statements on them, and those on others that take one of theirs back; who
/// said each, how each is read, and the lists they came in. `$2` is what was known when.
macro_rules! known_facts {
    ($bound:literal, $($more:tt)*) => {
        concat!(
            "WITH bound AS MATERIALIZED (", $bound, "),
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
            $($more)*
        )
    };
}

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
pub(super) async fn load(
    conn: &mut PgConnection,
    which: &[(&Scope, ShipmentId)],
    known_at: Option<Timestamp>,
) -> Result<Vec<Option<Loaded>>, SqlError> {
    let rows = sqlx::query(concat!(
        "SELECT w.place, l.* FROM (SELECT * FROM unnest($1::uuid[], $3::uuid[]) WITH ORDINALITY LIMIT cardinality($1)) w (id, company_id, place)
         CROSS JOIN LATERAL (",
        known_facts!(
            "SELECT b.tracker_id, b.piece, b.recorded_at, coalesce(b.valid_from, b.recorded_at) AS since,
                    (SELECT max(coalesce(o.valid_from, o.recorded_at)) FROM binding o
                     WHERE o.tracker_id = b.tracker_id AND o.recorded_at <= $2
                       AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = o.id AND e.recorded_at <= $2)) AS last
             FROM binding b
             WHERE b.shipment_id = w.id AND b.recorded_at <= $2
               AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= $2)",
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
            rows_as!("numbers", numbers_of!("b.shipment_id = w.id")), ", ",
            rows_as!("decisions", "SELECT body FROM decision WHERE shipment_id = w.id AND at <= $2 ORDER BY seq"), ", ",
            rows_as!("exceptions", "SELECT * FROM exception WHERE shipment_id = w.id AND recorded_at <= $2 ORDER BY recorded_at, opened_at, id"), ", ",
            rows_as!("effects", "SELECT * FROM effect WHERE shipment_id = w.id ORDER BY seq"), ", ",
            rows_as!("cases", "SELECT * FROM desk_case WHERE shipment_id = w.id ORDER BY opened_at, id"), ", ",
            "(SELECT folded FROM shipment_fold f WHERE f.shipment_id = w.id) AS folded,
             (SELECT plan FROM plan_version WHERE shipment_id = w.id AND recorded_at <= $2 ORDER BY seq DESC LIMIT 1) AS plan_then,
             shipment.* FROM shipment WHERE shipment.company_id IS NOT DISTINCT FROM w.company_id AND shipment.id = w.id"
        ),
        ") l"
    ))
    .bind(id_list(which.iter().map(|(_, id)| id.0)))
    .bind(known_at.map_or(i64::MAX, micros))
    .bind(id_list(which.iter().map(|(scope, _)| scope.company.0)))
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<usize, Loaded> = HashMap::new();
    for row in &rows {
        found.insert(row.count("place")?, loaded(row, known_at)?);
    }
    Ok((1..=which.len()).map(|place| found.remove(&place)).collect())
}

fn loaded(row: &PgRow, known_at: Option<Timestamp>) -> Result<Loaded, SqlError> {
    let known = known_at.map_or(i64::MAX, micros);
    let mut shipment =
        row::record(row, parts(row, "numbers")?.iter().map(row::number).collect::<Result<_, SqlError>>()?)?;
    if known_at.is_some() {
        shipment.plan = row.opt_json("plan_then")?.unwrap_or_default();
    }
    let bindings = parts(row, "bindings")?.iter().map(binding).collect::<Result<BTreeMap<_, _>, SqlError>>()?;
    let input = FoldInput {
        plan: shipment.plan.clone(),
        facts: facts(row, &bindings)?,
        snapshots: snapshots(row)?,
        decisions: parts(row, "decisions")?.iter().map(|part| part.json("body")).collect::<Result<_, SqlError>>()?,
        bound: bindings.iter().map(|(tracker, binding)| (*tracker, binding.since)).collect(),
        others: others(row)?,
    };
    Ok(Loaded {
        shipment,
        input,
        bound_last: bindings.iter().map(|(tracker, binding)| (*tracker, binding.last)).collect(),
        bound_at: bindings.iter().map(|(tracker, binding)| (*tracker, binding.recorded_at)).collect(),
        exceptions: parts(row, "exceptions")?
            .iter()
            .map(|part| exceptions::then(&part.row(), known))
            .collect::<storage::Result<_>>()?,
        effects: parts(row, "effects")?.iter().map(effect).collect::<Result<_, SqlError>>()?,
        cases: parts(row, "cases")?.iter().map(|part| cases::case(&part.row())).collect::<storage::Result<_>>()?,
    })
}

/// What is recorded about one tracker.
pub(super) async fn facts_of(conn: &mut PgConnection, tracker: TrackerId) -> Result<FoldInput, SqlError> {
    let row = sqlx::query(known_facts!("SELECT $1::uuid AS tracker_id",))
        .bind(tracker.0)
        .bind(i64::MAX)
        .fetch_one(conn)
        .await?;
    Ok(FoldInput { facts: facts(&row, &BTreeMap::new())?, snapshots: snapshots(&row)?, ..FoldInput::default() })
}

/// A tracker's binding to the shipment.
struct Binding {
    piece: Option<String>,
    recorded_at: Timestamp,
    since: Timestamp,
    /// Since when the shipment is bound to the tracker that was bound last.
    last: Timestamp,
}

fn binding(part: &Part) -> Result<(TrackerId, Binding), SqlError> {
    let binding = Binding {
        piece: part.opt_text("piece")?,
        recorded_at: part.at("recorded_at")?,
        since: part.at("since")?,
        last: part.at("last")?,
    };
    Ok((part.id("tracker_id")?, binding))
}

/// The other deliveries that were bound to the same trackers.
fn others(row: &PgRow) -> Result<BTreeMap<TrackerId, Vec<OtherDelivery>>, SqlError> {
    let mut others: BTreeMap<TrackerId, Vec<OtherDelivery>> = BTreeMap::new();
    for part in &parts(row, "others")? {
        let plan: Option<Plan> = part.opt_json("plan")?;
        let other = OtherDelivery { standing: plan.unwrap_or_default().standing, since: part.at("since")? };
        others.entry(part.id("tracker_id")?).or_default().push(other);
    }
    Ok(others)
}

/// Who said something, and when, at first.
struct Said {
    first: (Timestamp, SourceId, Trust),
    sightings: Vec<Sighting>,
}

fn facts(row: &PgRow, bindings: &BTreeMap<TrackerId, Binding>) -> Result<Vec<Fact>, SqlError> {
    let (mut said, mut readings) = (sightings(row)?, readings(row)?);
    let mut facts = Vec::new();
    for part in &parts(row, "observations")? {
        let (id, tracker) = (part.id::<ObservationId>("id")?, part.id::<TrackerId>("tracker_id")?);
        // not yet said or not yet read at that time
        let (Some(said), Some(reading)) = (said.remove(&id), readings.remove(&id)) else { continue };
        let (_, source, trust) = said.first;
        facts.push(Fact {
            id,
            observation: part.json("body")?,
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

fn sightings(row: &PgRow) -> Result<HashMap<ObservationId, Said>, SqlError> {
    let mut said: HashMap<ObservationId, Said> = HashMap::new();
    for part in &parts(row, "sightings")? {
        let recorded_at = part.at("recorded_at")?;
        let who = (recorded_at, part.id("source_id")?, part.word("trust")?);
        let entry =
            said.entry(part.id("observation_id")?).or_insert_with(|| Said { first: who, sightings: Vec::new() });
        entry.first = entry.first.min(who);
        entry.sightings.push(Sighting {
            snapshot: part.opt_id("snapshot_id")?,
            position: part.count("position")?,
            recorded_at,
        });
    }
    for entry in said.values_mut() {
        // in one order, whichever message was recorded first
        entry.sightings.sort_unstable();
    }
    Ok(said)
}

/// Of several the latest stays.
fn readings(row: &PgRow) -> Result<HashMap<ObservationId, Reading>, SqlError> {
    parts(row, "readings")?.iter().map(|part| Ok((part.id("observation_id")?, part.json("body")?))).collect()
}

fn snapshots(row: &PgRow) -> Result<Vec<Snapshot>, SqlError> {
    let snapshot = |part: &Part| {
        Ok(Snapshot {
            id: part.id("id")?,
            source: part.id("source_id")?,
            tracker: part.id("tracker_id")?,
            object: part.opt_text("object")?,
            stamp: part.opt_at("stamp")?,
            digest: part.text("digest")?,
            recorded_at: part.at("recorded_at")?,
        })
    };
    parts(row, "snapshots")?.iter().map(snapshot).collect()
}

fn effect(part: &Part) -> Result<EffectRecord, SqlError> {
    Ok(EffectRecord {
        id: part.id("id")?,
        target: part.word("kind")?,
        key: part.text("key")?,
        body: part.text("body")?,
        created_at: part.at("created_at")?,
        outcome: EffectOutcome::from_external(part.opt_text("external")?),
        done_at: part.opt_at("done_at")?,
    })
}
