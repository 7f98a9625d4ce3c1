//! What a fold reads. An engine may gather the rows in its own way; what is made of them is the same.

use super::row::{numbers, record};
use crate::{
    Db, Row, cases,
    codec::{id_list, micros},
    exceptions, query,
};
use domain::{
    effects::EffectOutcome,
    fold::{Fact, FoldInput, OtherDelivery, Plan, Sighting, Snapshot, Trust},
    ids::{ObservationId, ShipmentId, SourceId, TrackerId},
    reading::Reading,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    Result, Scope,
    shipments::{EffectRecord, Loaded},
    trackers::NumberRecord,
};
use uuid::Uuid;

/// The rows of a shipment and of all that a fold reads, and of what follows from it.
#[derive(Debug)]
pub struct LoadedRows {
    /// The shipment with `folded` and `contributed`, and as `plan_then` its plan at the time asked for.
    pub shipment: Row,
    /// Its numbers.
    pub numbers: Vec<NumberRecord>,
    /// Its trackers' bindings: `tracker_id`, `piece`, `recorded_at`, `since`, `last`.
    pub bindings: Vec<Row>,
    /// What is recorded about the trackers.
    pub facts: FactRows,
    /// What people decided.
    pub decisions: Vec<Row>,
    /// The other deliveries under its numbers: `tracker_id`, `since`, `plan`.
    pub others: Vec<Row>,
    /// Its exceptions.
    pub exceptions: Vec<Row>,
    /// Its effects.
    pub effects: Vec<Row>,
    /// Its cases.
    pub cases: Vec<Row>,
}

impl LoadedRows {
    /// What they say, as it was known at a time.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub fn read(self, known_at: Option<Timestamp>) -> Result<Loaded> {
        let known = known_at.map_or(i64::MAX, micros);
        let mut shipment = record(&self.shipment, self.numbers)?;
        if known_at.is_some() {
            shipment.plan = self.shipment.opt_json("plan_then")?.unwrap_or_default();
        }
        let contributed = storage::rollups::Stored(self.shipment.opt_text("contributed")?);
        let bindings = self.bindings.iter().map(binding).collect::<Result<BTreeMap<_, _>>>()?;
        let input = FoldInput {
            plan: shipment.plan.clone(),
            facts: self.facts.facts(&bindings)?,
            snapshots: self.facts.snapshots()?,
            decisions: self.decisions.iter().map(|row| row.json("body")).collect::<Result<_>>()?,
            bound: bindings.iter().map(|(tracker, binding)| (*tracker, binding.since)).collect(),
            others: others(&self.others)?,
            watch: None,
        };
        Ok(Loaded {
            shipment,
            input,
            bound_last: bindings.iter().map(|(tracker, binding)| (*tracker, binding.last)).collect(),
            bound_at: bindings.iter().map(|(tracker, binding)| (*tracker, binding.recorded_at)).collect(),
            exceptions: self.exceptions.iter().map(|row| exceptions::then(row, known)).collect::<Result<_>>()?,
            effects: self.effects.iter().map(effect).collect::<Result<_>>()?,
            cases: self.cases.iter().map(cases::case).collect::<Result<_>>()?,
            contributed,
        })
    }
}

/// The rows of what is recorded about trackers: the statements on them, and those on others that take one of theirs back;
/// where each was seen, how each is read, and the lists they came in.
#[derive(Debug)]
pub struct FactRows {
    /// `id`, `tracker_id`, `body`.
    pub observations: Vec<Row>,
    /// `observation_id`, `position`, `snapshot_id`, `source_id`, `trust`, `recorded_at`.
    pub sightings: Vec<Row>,
    /// `observation_id`, `body`, the latest last.
    pub readings: Vec<Row>,
    /// `id`, `source_id`, `tracker_id`, `object`, `stamp`, `digest`, `recorded_at`.
    pub snapshots: Vec<Row>,
}

impl FactRows {
    fn facts(&self, bindings: &BTreeMap<TrackerId, Binding>) -> Result<Vec<Fact>> {
        let mut seen = seen(&self.sightings)?;
        // of several the latest stays
        let mut readings = HashMap::<ObservationId, Reading>::with_capacity(self.readings.len());
        for row in &self.readings {
            readings.insert(row.id("observation_id")?, row.json("body")?);
        }
        let mut facts = Vec::with_capacity(self.observations.len());
        for row in &self.observations {
            let (id, tracker) = (row.id::<ObservationId>("id")?, row.id::<TrackerId>("tracker_id")?);
            // not yet reported or not yet read at that time
            let (Some(seen), Some(reading)) = (seen.remove(&id), readings.remove(&id)) else { continue };
            let (_, source, trust) = seen.first;
            facts.push(Fact {
                id,
                observation: row.json("body")?,
                reading,
                tracker,
                piece: bindings.get(&tracker).and_then(|binding| binding.piece.clone()),
                source,
                trust,
                sightings: seen.sightings,
            });
        }
        Ok(facts)
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let snapshot = |row: &Row| {
            Ok(Snapshot {
                id: row.id("id")?,
                source: row.id("source_id")?,
                tracker: row.id("tracker_id")?,
                object: row.opt_text("object")?,
                stamp: row.opt_at("stamp")?,
                digest: row.text("digest")?,
                recorded_at: row.at("recorded_at")?,
            })
        };
        self.snapshots.iter().map(snapshot).collect()
    }
}

/// Where a statement was seen; when at first, and by whom.
struct Seen {
    first: (Timestamp, SourceId, Trust),
    sightings: Vec<Sighting>,
}

fn seen(rows: &[Row]) -> Result<HashMap<ObservationId, Seen>> {
    let mut seen: HashMap<ObservationId, Seen> = HashMap::new();
    for row in rows {
        let recorded_at = row.at("recorded_at")?;
        let who = (recorded_at, row.id("source_id")?, row.word("trust")?);
        let entry = seen.entry(row.id("observation_id")?).or_insert_with(|| Seen { first: who, sightings: Vec::new() });
        entry.first = entry.first.min(who);
        entry.sightings.push(Sighting {
            snapshot: row.opt_id("snapshot_id")?,
            position: row.count("position")?,
            recorded_at,
        });
    }
    for entry in seen.values_mut() {
        // in one order, whichever message was recorded first
        entry.sightings.sort_unstable();
    }
    Ok(seen)
}

/// A tracker's binding to the shipment.
struct Binding {
    piece: Option<String>,
    recorded_at: Timestamp,
    since: Timestamp,
    /// Since when the shipment is bound to the tracker that was bound last.
    last: Timestamp,
}

fn binding(row: &Row) -> Result<(TrackerId, Binding)> {
    let binding = Binding {
        piece: row.opt_text("piece")?,
        recorded_at: row.at("recorded_at")?,
        since: row.at("since")?,
        last: row.at("last")?,
    };
    Ok((row.id("tracker_id")?, binding))
}

fn others(rows: &[Row]) -> Result<BTreeMap<TrackerId, Vec<OtherDelivery>>> {
    let mut others: BTreeMap<TrackerId, Vec<OtherDelivery>> = BTreeMap::new();
    for row in rows {
        let plan: Option<Plan> = row.opt_json("plan")?;
        let other = OtherDelivery { standing: plan.unwrap_or_default().standing, since: row.at("since")? };
        others.entry(row.id("tracker_id")?).or_default().push(other);
    }
    Ok(others)
}

fn effect(row: &Row) -> Result<EffectRecord> {
    Ok(EffectRecord {
        id: row.id("id")?,
        target: row.word("kind")?,
        key: row.text("key")?,
        body: row.text("body")?,
        created_at: row.at("created_at")?,
        outcome: EffectOutcome::from_external(row.opt_text("external")?),
        done_at: row.opt_at("done_at")?,
    })
}

/// A shipment with all that a fold reads, in a fixed number of questions.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn load(
    db: &mut dyn Db,
    scope: Scope,
    id: ShipmentId,
    known_at: Option<Timestamp>,
) -> Result<Option<Loaded>> {
    let known = known_at.map_or(i64::MAX, micros);
    let shipment = query(
        "SELECT s.*, f.folded, f.contributed,
                (SELECT plan FROM plan_version p WHERE p.shipment_id = s.id AND p.recorded_at <= ?3 ORDER BY p.seq DESC LIMIT 1) AS plan_then
         FROM shipment s LEFT JOIN shipment_fold f ON f.shipment_id = s.id WHERE s.company_id = ?1 AND s.id = ?2",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(known)
    .optional(db)
    .await?;
    let Some(shipment) = shipment else { return Ok(None) };
    let numbers = numbers(db, [id.0]).await?.remove(&id).unwrap_or_default();
    let bindings = query(
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
    .all(db)
    .await?;
    let trackers = bindings.iter().map(|row| row.id("tracker_id")).collect::<Result<Vec<Uuid>>>()?;
    let others = query(
        "SELECT b.tracker_id, coalesce(b.valid_from, b.recorded_at) AS since,
                (SELECT plan FROM plan_version p WHERE p.shipment_id = s.id AND p.recorded_at <= ?3 ORDER BY p.seq DESC LIMIT 1) AS plan
         FROM {ids ?1 t} CROSS JOIN binding b JOIN shipment s ON s.id = b.shipment_id
         WHERE b.tracker_id = t.value AND b.shipment_id <> ?2 AND b.recorded_at <= ?3 AND s.origin IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at <= ?3)
         ORDER BY b.id LIMIT 100",
    )
    .bind(trackers.clone())
    .bind(id.0)
    .bind(known)
    .all(db)
    .await?;
    let own = |sql| query(sql).bind(id.0);
    let rows = LoadedRows {
        shipment,
        numbers,
        bindings,
        facts: fact_rows(db, trackers, known).await?,
        decisions: own("SELECT body FROM decision WHERE shipment_id = ? AND at <= ? ORDER BY seq")
            .bind(known)
            .all(db)
            .await?,
        others,
        exceptions: own(
            "SELECT * FROM exception WHERE shipment_id = ? AND recorded_at <= ? ORDER BY recorded_at, opened_at, id",
        )
        .bind(known)
        .all(db)
        .await?,
        effects: own("SELECT * FROM effect WHERE shipment_id = ? ORDER BY seq").all(db).await?,
        cases: own("SELECT * FROM desk_case WHERE shipment_id = ? ORDER BY opened_at, id").all(db).await?,
    };
    rows.read(known_at).map(Some)
}

/// What is recorded about one tracker.
pub(super) async fn facts_of(db: &mut dyn Db, tracker: TrackerId) -> Result<FoldInput> {
    let rows = fact_rows(db, vec![tracker.0], i64::MAX).await?;
    Ok(FoldInput { facts: rows.facts(&BTreeMap::new())?, snapshots: rows.snapshots()?, ..FoldInput::default() })
}

async fn fact_rows(db: &mut dyn Db, trackers: Vec<Uuid>, known: i64) -> Result<FactRows> {
    let snapshots = query(
        "SELECT s.* FROM {ids ? t} CROSS JOIN snapshot s WHERE s.tracker_id = t.value AND s.recorded_at <= ? ORDER BY s.id",
    )
    .bind(trackers.clone())
    .bind(known)
    .all(db)
    .await?;
    let mut rows = statements(db, trackers.clone(), known).await?;
    rows.snapshots = snapshots;
    let taken_back = query(
        "SELECT DISTINCT r.observation_id, r.tracker_id FROM {ids ?1 t} CROSS JOIN told_event e CROSS JOIN retraction r
         WHERE e.tracker_id = t.value AND r.company_id = e.company_id AND r.source_id = e.source_id AND r.event_id = e.event_id
           AND r.tracker_id NOT IN (SELECT value FROM {ids ?1 x})",
    )
    .bind(trackers)
    .all(db)
    .await?;
    if taken_back.is_empty() {
        return Ok(rows);
    }
    let mut wanted = HashSet::new();
    let mut elsewhere = BTreeSet::new();
    for row in &taken_back {
        wanted.insert(row.id::<Uuid>("observation_id")?);
        elsewhere.insert(row.id::<Uuid>("tracker_id")?);
    }
    let others = statements(db, id_list(elsewhere), known).await?;
    for row in others.observations {
        if wanted.contains(&row.id("id")?) {
            rows.observations.push(row);
        }
    }
    rows.sightings.extend(others.sightings);
    rows.readings.extend(others.readings);
    Ok(rows)
}

/// The statements on trackers.
async fn statements(db: &mut dyn Db, trackers: Vec<Uuid>, known: i64) -> Result<FactRows> {
    let observations = query(
        "SELECT o.id, o.tracker_id, o.body FROM {ids ? t} CROSS JOIN observation o WHERE o.tracker_id = t.value ORDER BY o.id",
    )
    .bind(trackers.clone())
    .all(db)
    .await?;
    let sightings = query(
        "SELECT g.observation_id, g.position, g.snapshot_id, g.source_id, g.trust, g.recorded_at
         FROM {ids ? t} CROSS JOIN sighting g WHERE g.tracker_id = t.value AND g.recorded_at <= ?",
    )
    .bind(trackers.clone())
    .bind(known)
    .all(db)
    .await?;
    // readings of a tracker lie together in SQLite
    let readings = db.dialect().pick(
        "SELECT r.observation_id, r.body FROM {ids ? t} CROSS JOIN reading r
         WHERE r.tracker_id = t.value AND r.recorded_at <= ? ORDER BY r.recorded_at, r.mapping",
        "SELECT r.observation_id, r.body FROM {ids ? t} CROSS JOIN observation o CROSS JOIN reading r
         WHERE o.tracker_id = t.value AND r.company_id = o.company_id AND r.observation_id = o.id AND r.recorded_at <= ?
         ORDER BY r.recorded_at, r.mapping",
    );
    let readings = query(readings).bind(trackers).bind(known).all(db).await?;
    Ok(FactRows { observations, sightings, readings, snapshots: Vec::new() })
}
