//! Trackers, what was said about them, and whom they concern.

use crate::{
    PostgresStore, Turn,
    codec::{Bytes, Columns, Done, Fail, clean, id_list, json, micros, opt_micros, parts, rows_as, word},
    inbox,
    jobs::{self, FoldJob},
    lock, mappings,
    shipments::{self, NewBinding},
};
use async_trait::async_trait;
use domain::{
    ids::{ObservationId, ShipmentId, SnapshotId, TrackerId},
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reading},
};
use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    Result, Scope, StoreError,
    facts::{
        Facts, NewObservation, NewReport, NewSnapshot, ObservationRecord, Recorded, Recording, TrackerKey, event_key,
        listed_code,
    },
    jobs::Lane,
};
use uuid::Uuid;

#[async_trait]
impl Facts for PostgresStore {
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        let turn = match recording.lane {
            Lane::RealTime => Turn::RealTime,
            Lane::Batch => Turn::Batch,
        };
        self.write(turn, move |conn| Box::pin(async move { record(conn, scope, &recording).await })).await
    }

    async fn observation(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        id: ObservationId,
    ) -> Result<Option<ObservationRecord>> {
        let mut read = self.read().await?;
        Ok(observation(&mut read, scope, shipment, id).await?)
    }
}

/// Records what one message says. However much it says, the trips to the database are the same few.
async fn record(conn: &mut PgConnection, scope: Scope, recording: &Recording) -> Done<Recorded> {
    let numbers = recording.reports.iter().map(|report| report.tracker.number.as_str());
    lock::recording(conn, scope.company, numbers).await?;
    let mut known = Known::read(conn, scope, recording).await?;
    let readings = recording.reports.iter().flat_map(|report| &report.observations).map(|said| &said.reading);
    mappings::check_newest(known.mapping, readings)?;
    let mut trackers = Vec::with_capacity(recording.reports.len());
    for report in &recording.reports {
        trackers.push(known.tracker_of(conn, scope, recording, report).await?);
    }
    let news = put(conn, scope, recording, &trackers).await?;
    let mut concerned = BTreeSet::new();
    for (report, tracker) in recording.reports.iter().zip(trackers).filter(|(report, _)| news.are_in(report)) {
        concerned.extend(known.concerned_by(conn, scope, recording, report, tracker).await?);
        concerned.extend(taken_back_from(conn, scope, recording, report).await?);
    }
    if known.sandbox {
        for shipment in &concerned {
            shipments::mark_sandbox(conn, *shipment).await?;
        }
    }
    let fold = FoldJob {
        lane: recording.lane,
        cause: recording.cause,
        correlation: recording.correlation,
        at: recording.recorded_at,
    };
    jobs::enqueue_folds(conn, scope, &concerned, &fold).await?;
    Ok(Recorded { shipments: concerned.into_iter().collect(), new_observations: news.observations })
}

/// What is there before a message is recorded, as far as it concerns it. Each row is looked up for itself (LATERAL), so
/// that no plan goes through all of a company's.
struct Known {
    mapping: MappingVersion,
    sandbox: bool,
    /// The trackers of the reports' first observations: a statement that was recorded before stays on its tracker,
    /// whatever trackers came since.
    observed: HashMap<ObservationId, TrackerId>,
    /// The trackers of the reports' numbers.
    trackers: HashMap<String, Vec<KnownTracker>>,
    /// Whom all these are bound to.
    bound: HashMap<TrackerId, BTreeSet<ShipmentId>>,
}

impl Known {
    async fn read(conn: &mut PgConnection, scope: Scope, recording: &Recording) -> Done<Self> {
        let firsts = recording.reports.iter().filter_map(|report| report.observations.first());
        let row = sqlx::query(concat!(
            "SELECT ",
            mappings::newest_of!("$1"), " AS mapping,
             coalesce((SELECT sandbox FROM source WHERE company_id = $1 AND id = $2), false) AS sandbox, ",
            rows_as!(
                "observed",
                "SELECT o.id, o.tracker_id FROM unnest($3::uuid[]) f (id) CROSS JOIN LATERAL (SELECT id, tracker_id FROM observation WHERE company_id = $1 AND id = f.id LIMIT 1) o"
            ), ", ",
            rows_as!(
                "trackers",
                "SELECT DISTINCT t.id, t.number, t.carrier, t.carrier_label
                 FROM unnest($4::text[]) n (number) CROSS JOIN LATERAL (SELECT * FROM tracker WHERE company_id = $1 AND number = n.number OFFSET 0) t"
            ), ", ",
            rows_as!(
                "bound",
                "SELECT DISTINCT b.tracker_id, b.shipment_id
                 FROM (SELECT t.id FROM unnest($4::text[]) n (number) CROSS JOIN LATERAL (SELECT * FROM tracker WHERE company_id = $1 AND number = n.number OFFSET 0) t
                       UNION
                       SELECT o.tracker_id FROM unnest($3::uuid[]) f (id) CROSS JOIN LATERAL (SELECT id, tracker_id FROM observation WHERE company_id = $1 AND id = f.id LIMIT 1) o) t (id)
                 JOIN binding b ON b.tracker_id = t.id
                 WHERE NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)"
            )
        ))
        .bind(scope.company.0)
        .bind(recording.source.0)
        .bind(id_list(firsts.map(|said| said.id.0)))
        .bind(recording.reports.iter().map(|report| report.tracker.number.as_str()).collect::<Vec<_>>())
        .fetch_one(conn)
        .await?;
        let mut trackers: HashMap<String, Vec<KnownTracker>> = HashMap::new();
        for part in &parts(&row, "trackers")? {
            trackers.entry(part.text("number")?).or_default().push(KnownTracker::of(part)?);
        }
        let mut bound: HashMap<TrackerId, BTreeSet<ShipmentId>> = HashMap::new();
        for part in &parts(&row, "bound")? {
            bound.entry(part.id("tracker_id")?).or_default().insert(part.id("shipment_id")?);
        }
        let observed = parts(&row, "observed")?;
        Ok(Self {
            mapping: row.count("mapping")?,
            sandbox: row.flag("sandbox")?,
            observed: observed.iter().map(|part| Ok((part.id("id")?, part.id("tracker_id")?))).collect::<Done<_>>()?,
            trackers,
            bound,
        })
    }

    /// The tracker of a report, made where there is none.
    async fn tracker_of(
        &mut self,
        conn: &mut PgConnection,
        scope: Scope,
        recording: &Recording,
        report: &NewReport,
    ) -> Done<TrackerId> {
        let said_before = report.observations.first().and_then(|first| self.observed.get(&first.id)).copied();
        let tracker = match said_before {
            Some(tracker) => tracker,
            None => {
                let new = NewTracker {
                    key: &report.tracker,
                    id: report.tracker_id,
                    number_raw: &report.number_raw,
                    carrier_label: report.carrier_label.as_deref(),
                    refs: json(&report.refs),
                    at: recording.recorded_at,
                };
                let known = self.trackers.entry(report.tracker.number.clone()).or_default();
                choose_or_make(conn, scope, known, &new).await?
            }
        };
        for said in &report.observations {
            self.observed.entry(said.id).or_insert(tracker);
        }
        Ok(tracker)
    }

    /// The shipments that a tracker concerns; an unclaimed one is made where there is none, unless the report only takes
    /// back: that is about what was told before, or will be.
    async fn concerned_by(
        &mut self,
        conn: &mut PgConnection,
        scope: Scope,
        recording: &Recording,
        report: &NewReport,
        tracker: TrackerId,
    ) -> Done<BTreeSet<ShipmentId>> {
        if let Some(bound) = self.bound.get(&tracker) {
            return Ok(bound.clone());
        }
        if report.observations.iter().all(|said| said.body.retracts.is_some()) {
            return Ok(BTreeSet::new());
        }
        shipments::make_unclaimed(conn, scope, report.unclaimed_id, recording.recorded_at).await?;
        let binding = NewBinding {
            id: report.binding_id,
            tracker,
            shipment: report.unclaimed_id,
            piece: None,
            number_raw: &report.number_raw,
            valid_from: None,
        };
        shipments::bind(conn, scope, &binding, recording.recorded_at).await?;
        shipments::renew_number_terms(conn, scope, report.unclaimed_id).await?;
        Ok(self.bound.entry(tracker).or_insert(BTreeSet::from([report.unclaimed_id])).clone())
    }
}

/// A tracker of a number.
struct KnownTracker {
    id: TrackerId,
    carrier: Option<String>,
    carrier_label: Option<String>,
}

impl KnownTracker {
    fn of(row: &impl Columns) -> Done<Self> {
        Ok(Self { id: row.id("id")?, carrier: row.opt_text("carrier")?, carrier_label: row.opt_text("carrier_label")? })
    }
}

/// A tracker, should it have to be made.
pub(crate) struct NewTracker<'a> {
    pub(crate) key: &'a TrackerKey,
    pub(crate) id: TrackerId,
    pub(crate) number_raw: &'a str,
    pub(crate) carrier_label: Option<&'a str>,
    pub(crate) refs: String,
    pub(crate) at: Timestamp,
}

/// The tracker that [`choose_or_make`] says.
pub(crate) async fn find_or_make_tracker(
    conn: &mut PgConnection,
    scope: Scope,
    new: &NewTracker<'_>,
) -> Done<TrackerId> {
    let rows = sqlx::query("SELECT id, carrier, carrier_label FROM tracker WHERE company_id = $1 AND number = $2")
        .bind(scope.company.0)
        .bind(&new.key.number)
        .fetch_all(&mut *conn)
        .await?;
    let mut known = rows.iter().map(KnownTracker::of).collect::<Done<Vec<_>>>()?;
    choose_or_make(conn, scope, &mut known, new).await
}

/// The tracker of exactly this carrier and number; else the only one of the number, where either side does not name a
/// carrier; else a new one. A carrier that was missing is filled in.
async fn choose_or_make(
    conn: &mut PgConnection,
    scope: Scope,
    known: &mut Vec<KnownTracker>,
    new: &NewTracker<'_>,
) -> Done<TrackerId> {
    let exact = known.iter().position(|known| known.carrier == new.key.carrier);
    let only = match known.as_slice() {
        [one] if one.carrier.is_none() || new.key.carrier.is_none() => Some(0),
        _ => None,
    };
    if let Some(chosen) = exact.or(only).and_then(|index| known.get_mut(index)) {
        fill_in(conn, chosen, new).await?;
        return Ok(chosen.id);
    }
    sqlx::query("INSERT INTO tracker (id, company_id, carrier, number, number_raw, carrier_label, refs, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(new.id.0)
        .bind(scope.company.0)
        .bind(&new.key.carrier)
        .bind(&new.key.number)
        .bind(clean(new.number_raw))
        .bind(new.carrier_label.map(clean))
        .bind(&new.refs)
        .bind(micros(new.at))
        .execute(conn)
        .await?;
    let (carrier, carrier_label) = (new.key.carrier.clone(), new.carrier_label.map(str::to_owned));
    known.push(KnownTracker { id: new.id, carrier, carrier_label });
    Ok(new.id)
}

async fn fill_in(conn: &mut PgConnection, known: &mut KnownTracker, new: &NewTracker<'_>) -> Done<()> {
    let carrier = known.carrier.clone().or_else(|| new.key.carrier.clone());
    let label = known.carrier_label.clone().or_else(|| new.carrier_label.map(|label| clean(label).into_owned()));
    if (&carrier, &label) == (&known.carrier, &known.carrier_label) {
        return Ok(());
    }
    sqlx::query(
        "UPDATE tracker SET carrier = coalesce(carrier, $1), carrier_label = coalesce(carrier_label, $2) WHERE id = $3",
    )
    .bind(&carrier)
    .bind(&label)
    .bind(known.id.0)
    .execute(conn)
    .await?;
    (known.carrier, known.carrier_label) = (carrier, label);
    Ok(())
}

/// Of what a message says, what was not there.
struct News {
    /// Statements that were said, or read, or read by this mapping, for the first time.
    said: HashSet<ObservationId>,
    /// Lists that were not there, or are older than was known.
    snapshots: HashSet<SnapshotId>,
    /// How many statements were never said before.
    observations: u32,
}

impl News {
    fn are_in(&self, report: &NewReport) -> bool {
        report.snapshot.as_ref().is_some_and(|snapshot| self.snapshots.contains(&snapshot.id))
            || report.observations.iter().any(|said| self.said.contains(&said.id))
    }
}

/// Keeps the readings of `said` (id, mapping, reading, list and value of an unmapped code, place), once for each mapping
/// version, and the list of unmapped codes in step with the latest. `$1` is the company, `$2` the time.
macro_rules! readings {
    () => {
        "read AS (
             INSERT INTO reading (company_id, observation_id, mapping, recorded_at, body)
             SELECT $1, id, mapping, $2, reading FROM said ORDER BY place ON CONFLICT DO NOTHING RETURNING observation_id),
         unmapped_now AS (
             INSERT INTO unmapped (company_id, observation_id, list, value, recorded_at)
             SELECT DISTINCT ON (said.id) $1, said.id, list, value, $2 FROM said JOIN read ON read.observation_id = said.id WHERE list IS NOT NULL
             ON CONFLICT (company_id, observation_id) DO UPDATE SET list = excluded.list, value = excluded.value),
         mapped_now AS (
             DELETE FROM unmapped USING said JOIN read ON read.observation_id = said.id
             WHERE said.list IS NULL AND unmapped.company_id = $1 AND unmapped.observation_id = said.id)"
    };
}

/// Everything that a message says, and what became of the message, in one statement. What is there already stays as it
/// is; of a list that two messages brought the earlier recording counts, whichever was written first.
async fn put(conn: &mut PgConnection, scope: Scope, recording: &Recording, trackers: &[TrackerId]) -> Done<News> {
    let reports = || recording.reports.iter().zip(trackers);
    let said: Vec<(&NewReport, &TrackerId, &NewObservation)> = reports()
        .flat_map(|(report, tracker)| report.observations.iter().map(move |said| (report, tracker, said)))
        .collect();
    let snapshots: BTreeMap<SnapshotId, (&NewSnapshot, &TrackerId)> = reports()
        .filter_map(|(report, tracker)| report.snapshot.as_ref().map(|snapshot| (snapshot.id, (snapshot, tracker))))
        .collect();
    macro_rules! said {
        (|$report:pat_param, $tracker:pat_param, $said:pat_param| $value:expr) => {
            said.iter().map(|($report, $tracker, $said)| $value).collect::<Vec<_>>()
        };
    }
    macro_rules! lists {
        (|$list:pat_param, $tracker:pat_param| $value:expr) => {
            snapshots.values().map(|($list, $tracker)| $value).collect::<Vec<_>>()
        };
    }
    let after = inbox::After::of(&recording.progress);
    let row = sqlx::query(concat!(
        "WITH said AS (
             SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::bytea[], $9::bigint[], $10::uuid[], $11::bigint[], $12::text[],
                                  $13::text[], $14::text[], $15::text[], $16::text[])
                 WITH ORDINALITY s (id, tracker_id, body, codes, text_subject, text, position, snapshot_id, mapping, reading, list, value, event_id, retracts, place)),
         lists AS (
             INSERT INTO snapshot (id, company_id, source_id, tracker_id, object, stamp, digest, recorded_at)
             SELECT id, $1, $17, tracker_id, object, stamp, digest, $2
             FROM unnest($18::uuid[], $19::uuid[], $20::text[], $21::bigint[], $22::text[]) l (id, tracker_id, object, stamp, digest)
             ON CONFLICT (company_id, id) DO UPDATE SET recorded_at = excluded.recorded_at WHERE excluded.recorded_at < snapshot.recorded_at
             RETURNING id),
         observed AS (
             INSERT INTO observation (id, company_id, tracker_id, body, text_subject, text, recorded_at, codes)
             SELECT id, $1, tracker_id, body, text_subject, text, $2, ARRAY(SELECT json_array_elements_text(codes::json)) FROM said ORDER BY place
             ON CONFLICT DO NOTHING RETURNING id), ",
        readings!(), ",
         seen AS (
             INSERT INTO sighting (company_id, observation_id, message_id, position, tracker_id, snapshot_id, source_id, trust, recorded_at)
             SELECT $1, id, $23, position, tracker_id, snapshot_id, $17, $24, $2 FROM said
             ON CONFLICT DO NOTHING RETURNING observation_id),
         -- events that have an id can be taken back by it, whatever comes first and wherever it hangs
         told AS (
             INSERT INTO told_event (company_id, source_id, event_id, tracker_id)
             SELECT DISTINCT $1::uuid, $17::uuid, event_id, tracker_id FROM said WHERE event_id IS NOT NULL AND retracts IS NULL
             ON CONFLICT DO NOTHING),
         taken_back AS (
             INSERT INTO retraction (company_id, source_id, event_id, observation_id, tracker_id)
             SELECT $1, $17, retracts, id, tracker_id FROM said WHERE retracts IS NOT NULL
             ON CONFLICT DO NOTHING),
         concluded AS (
             UPDATE message SET status = coalesce($25, status), observations = coalesce($26, observations), problems = coalesce($27, problems),
                 reason = CASE WHEN $25 IS NULL THEN reason ELSE $28 END, cursor = coalesce($29, cursor)
             WHERE company_id = $1 AND id = $23 RETURNING id)
         SELECT EXISTS (SELECT 1 FROM concluded) AS concluded, ARRAY(SELECT id FROM observed) AS observed,
                ARRAY(SELECT observation_id FROM read UNION SELECT observation_id FROM seen) AS said, ARRAY(SELECT id FROM lists) AS lists"
    ))
    .bind(scope.company.0)
    .bind(micros(recording.recorded_at))
    .bind(said!(|_, _, said| said.id.0))
    .bind(said!(|_, tracker, _| tracker.0))
    .bind(said!(|_, _, said| json(&said.body)))
    .bind(said!(|_, _, said| json(&mappings::codes_of(&said.body))))
    .bind(said!(|_, _, said| said.text.as_ref().map(|text| text.subject.0)))
    .bind(said!(|_, _, said| said.text.as_ref().map(|text| text.bytes.as_slice())))
    .bind(said!(|_, _, said| i64::from(said.position)))
    .bind(said!(|report, _, _| report.snapshot.as_ref().map(|snapshot| snapshot.id.0)))
    .bind(said!(|_, _, said| i64::from(said.reading.mapping)))
    .bind(said!(|_, _, said| json(&said.reading)))
    .bind(said!(|_, _, said| unmapped(&said.body, &said.reading).map(|code| clean(listed_code(&code.list)))))
    .bind(said!(|_, _, said| unmapped(&said.body, &said.reading).map(|code| clean(listed_code(&code.value)))))
    .bind(said!(|_, _, said| said.body.provider_event_id.as_deref().map(event_name)))
    .bind(said!(|_, _, said| said.body.retracts.as_deref().map(event_name)))
    .bind(recording.source.0)
    .bind(lists!(|list, _| list.id.0))
    .bind(lists!(|_, tracker| tracker.0))
    .bind(lists!(|list, _| list.object.as_deref().map(clean)))
    .bind(lists!(|list, _| opt_micros(list.stamp)))
    .bind(lists!(|list, _| list.digest.as_str()))
    .bind(recording.message.0)
    .bind(word(recording.trust))
    .bind(after.status)
    .bind(after.observations)
    .bind(after.problems)
    .bind(after.reason)
    .bind(after.cursor)
    .fetch_one(conn)
    .await?;
    if !row.flag("concluded")? {
        return Err(Fail(StoreError::NotFound("message")));
    }
    let (observed, mut said): (Vec<Uuid>, Vec<Uuid>) = (row.try_get("observed")?, row.try_get("said")?);
    let observations = u32::try_from(observed.len()).unwrap_or(u32::MAX);
    said.extend(observed);
    let lists: Vec<Uuid> = row.try_get("lists")?;
    Ok(News {
        said: said.into_iter().map(ObservationId).collect(),
        snapshots: lists.into_iter().map(SnapshotId).collect(),
        observations,
    })
}

/// The name under which an event is found.
fn event_name(id: &str) -> String {
    clean(&event_key(id)).into_owned()
}

/// The code for which the mapping has no meaning, where there is one.
fn unmapped<'a>(body: &'a Observation, reading: &Reading) -> Option<&'a ProviderCode> {
    body.codes.status.first().filter(|_| reading.unmapped)
}

/// Keeps readings of statements that are there, by another mapping.
pub(crate) async fn put_readings(
    conn: &mut PgConnection,
    scope: Scope,
    readings: &[(ObservationId, Observation, &Reading)],
    at: Timestamp,
) -> Done<()> {
    macro_rules! column {
        (|$id:pat_param, $body:pat_param, $reading:pat_param| $value:expr) => {
            readings.iter().map(|($id, $body, $reading)| $value).collect::<Vec<_>>()
        };
    }
    sqlx::query(concat!(
        "WITH said AS (
             SELECT * FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY s (id, mapping, reading, list, value, place)), ",
        readings!(),
        " SELECT 1"
    ))
    .bind(scope.company.0)
    .bind(micros(at))
    .bind(column!(|id, _, _| id.0))
    .bind(column!(|_, _, reading| i64::from(reading.mapping)))
    .bind(column!(|_, _, reading| json(reading)))
    .bind(column!(|_, body, reading| unmapped(body, reading).map(|code| clean(listed_code(&code.list)))))
    .bind(column!(|_, body, reading| unmapped(body, reading).map(|code| clean(listed_code(&code.value)))))
    .execute(conn)
    .await?;
    Ok(())
}

/// The shipments from which a report takes something back.
async fn taken_back_from(
    conn: &mut PgConnection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
) -> Done<Vec<ShipmentId>> {
    let mut shipments = Vec::new();
    for event in report.observations.iter().filter_map(|said| said.body.retracts.as_deref()) {
        let rows = sqlx::query(
            "SELECT DISTINCT b.shipment_id FROM told_event e JOIN binding b ON b.tracker_id = e.tracker_id
             WHERE e.company_id = $1 AND e.source_id = $2 AND e.event_id = $3
               AND NOT EXISTS (SELECT 1 FROM binding_end n WHERE n.binding_id = b.id)",
        )
        .bind(scope.company.0)
        .bind(recording.source.0)
        .bind(event_name(event))
        .fetch_all(&mut *conn)
        .await?;
        for row in &rows {
            shipments.push(row.id("shipment_id")?);
        }
    }
    Ok(shipments)
}

/// The shipments that a tracker is bound to now.
pub(crate) async fn bound_to(conn: &mut PgConnection, tracker: TrackerId) -> Done<Vec<ShipmentId>> {
    let rows = sqlx::query(
        "SELECT DISTINCT b.shipment_id FROM binding b
         WHERE b.tracker_id = $1 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(tracker.0)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.id("shipment_id")).collect()
}

async fn observation(
    conn: &mut PgConnection,
    scope: Scope,
    shipment: ShipmentId,
    id: ObservationId,
) -> Done<Option<ObservationRecord>> {
    let row = sqlx::query(
        "SELECT o.*, t.number, r.body AS reading
         FROM observation o
         JOIN tracker t ON t.id = o.tracker_id
         JOIN reading r ON r.company_id = o.company_id AND r.observation_id = o.id
         WHERE o.company_id = $1 AND o.id = $2
           AND EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = o.tracker_id AND b.shipment_id = $3)
         ORDER BY r.recorded_at DESC, r.mapping DESC LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(shipment.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let seen = sqlx::query(
        "SELECT message_id, position, recorded_at FROM sighting WHERE company_id = $1 AND observation_id = $2
         ORDER BY recorded_at DESC, message_id DESC, position",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .fetch_all(conn)
    .await?;
    Ok(Some(ObservationRecord {
        id,
        body: row.json("body")?,
        text: row.opt_sealed("text_subject", "text")?,
        reading: row.json("reading")?,
        tracker: row.id("tracker_id")?,
        number: row.text("number")?,
        seen: seen
            .iter()
            .map(|row| Ok((row.id("message_id")?, row.count("position")?, row.at("recorded_at")?)))
            .collect::<Done<_>>()?,
    }))
}
