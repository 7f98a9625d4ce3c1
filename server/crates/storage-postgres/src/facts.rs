//! What messages say about trackers, recorded, and whom it concerns.

use crate::{
    PostgresStore,
    codec::{SqlError, clean, id_list, json, micros, opt_micros, parts, rows_as, word},
    db::Pg,
    group::Grouped,
    inbox, jobs, lock,
};
use async_trait::async_trait;
use domain::{
    ids::{CompanyId, MessageId, ObservationId, ShipmentId, SnapshotId, SourceId, TrackerId},
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reading},
};
use sqlx::{Connection, PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use storage::{
    Actor, Result, Scope, StoreError,
    facts::{NewObservation, NewReport, NewSnapshot, Recorded, Recording, event_key, listed_code},
    jobs::Lane,
    trackers::{KnownTracker, Wanted},
};
use storage_sql::{
    jobs::FoldJob,
    mappings,
    shipments::{self, NewBinding},
    trackers::{NewTracker, choose_or_make, known},
};
use uuid::Uuid;

/// Records with others what is short and happens now.
pub(crate) async fn record_in_lane(store: &PostgresStore, scope: Scope, recording: Recording) -> Result<Recorded> {
    let lane = recording.lane;
    let few = recording.reports.len() <= FEW_REPORTS;
    let record_alone = Record::of(scope, recording);
    if lane == Lane::RealTime && few {
        return store.recording.join(record_alone).await;
    }
    store
        .write(lane, move |conn| {
            Box::pin(async move {
                let mut recorded = record(conn, scope, &[&record_alone]).await?;
                recorded.pop().ok_or(SqlError(StoreError::NotFound("message")))
            })
        })
        .await
}

/// A recording of more reports has a transaction of its own.
const FEW_REPORTS: usize = 8;

/// What a message says, to be recorded.
pub(crate) struct Record {
    scope: Scope,
    recording: Recording,
    /// The numbers under which each report's tracker may be kept: worked out before there is a transaction that others wait for.
    kept_under: Vec<Vec<String>>,
}

impl Record {
    fn of(scope: Scope, recording: Recording) -> Self {
        let kept_under = recording.reports.iter().map(|report| wanted(report).kept_under()).collect();
        Self { scope, recording, kept_under }
    }
}

#[async_trait]
impl Grouped for Record {
    type Output = Recorded;

    const TOGETHER: usize = 16;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Recorded>, SqlError> {
        let companies: BTreeSet<CompanyId> = batch.iter().map(|record| record.scope.company).collect();
        let mut recorded = HashMap::new();
        let mut transaction = conn.begin().await?;
        for company in companies {
            let ours: Vec<&Self> = batch.iter().filter(|record| record.scope.company == company).collect();
            let scope = Scope { company, actor: Actor::System };
            let messages = ours.iter().map(|record| record.recording.message);
            recorded.extend(messages.zip(record(&mut transaction, scope, &ours).await?));
        }
        transaction.commit().await?;
        let of = |record: &Self| recorded.get(&record.recording.message).cloned();
        batch.iter().map(|record| of(record).ok_or(SqlError(StoreError::NotFound("message")))).collect()
    }
}

/// Records what messages say, in their order. However much they say, the trips to the database are the same few.
async fn record(conn: &mut PgConnection, scope: Scope, records: &[&Record]) -> Result<Vec<Recorded>, SqlError> {
    let recordings: &[&Recording] = &records.iter().map(|record| &record.recording).collect::<Vec<_>>();
    let (mut all, mut kept_under) = (Vec::new(), Vec::<&Vec<String>>::new());
    for record in records {
        all.extend(record.recording.reports.iter().map(|report| (&record.recording, report)));
        kept_under.extend(&record.kept_under);
    }
    let numbers = || kept_under.iter().flat_map(|keys| keys.iter()).map(String::as_str);
    lock::recording(conn, scope.company, numbers()).await?;
    let mut known = Known::read(conn, scope, recordings, numbers().collect()).await?;
    let read_by = all.iter().flat_map(|(_, r)| &r.observations).map(|said| said.reading.mapping).min();
    read_by.map_or(Ok(()), |oldest| mappings::is_newest(known.mapping, oldest))?;
    let mut reports = Vec::with_capacity(all.len());
    for ((recording, report), kept_under) in all.into_iter().zip(&kept_under) {
        reports.push((recording, report, known.tracker_of(conn, scope, recording, report, kept_under).await?));
    }
    let mut changes = put(conn, scope, recordings, &reports).await?;
    let (mut recorded, mut folds) = (Vec::with_capacity(recordings.len()), Vec::new());
    let mut reports = reports.into_iter().peekable();
    for recording in recordings {
        let mut concerned = BTreeSet::new();
        let mut new_observations = 0;
        while let Some((_, report, tracker)) = reports.next_if(|(of, _, _)| of.message == recording.message) {
            new_observations += changes.count_first_said_in(report);
            if changes.are_in(report) {
                concerned.extend(known.concerned_by(conn, scope, recording, report, tracker).await?);
                concerned.extend(taken_back_from(conn, scope, recording, report).await?);
            }
        }
        if known.sandboxes.contains(&recording.source) {
            for shipment in &concerned {
                shipments::mark_sandbox(&mut Pg(conn), *shipment).await?;
            }
        }
        let fold = FoldJob {
            lane: recording.lane,
            cause: recording.cause,
            correlation: recording.correlation,
            at: recording.recorded_at,
        };
        folds.extend(concerned.iter().map(|shipment| (*shipment, fold)));
        recorded.push(Recorded { shipments: concerned.into_iter().collect(), new_observations });
    }
    jobs::enqueue_folds(conn, scope, &folds).await?;
    Ok(recorded)
}

/// What is there before messages are recorded, as far as it concerns them. Each row is looked up for itself (LATERAL), so
/// that no plan goes through all of a company's.
struct Known {
    mapping: MappingVersion,
    /// The sources that are simulated.
    sandboxes: HashSet<SourceId>,
    /// The trackers of the reports' observations: a statement that was recorded before stays on its tracker, whatever
    /// trackers came since, and what is reported with it belongs to that one.
    observed: HashMap<ObservationId, TrackerId>,
    /// The trackers by the number that they are kept under.
    trackers: HashMap<String, Vec<KnownTracker>>,
    /// Whom all these are bound to.
    bound: HashMap<TrackerId, BTreeSet<ShipmentId>>,
}

impl Known {
    async fn read(
        conn: &mut PgConnection,
        scope: Scope,
        recordings: &[&Recording],
        numbers: BTreeSet<&str>,
    ) -> Result<Self, SqlError> {
        let reports = || recordings.iter().flat_map(|recording| &recording.reports);
        let said: BTreeSet<Uuid> = reports().flat_map(|report| &report.observations).map(|said| said.id.0).collect();
        let sources: BTreeSet<Uuid> = recordings.iter().map(|recording| recording.source.0).collect();
        let row = sqlx::query(concat!(
            "SELECT ",
            "(SELECT coalesce(max(version), 0) FROM mapping_version WHERE company_id = $1) AS mapping,
             ARRAY(SELECT s.id FROM unnest($2::uuid[]) w (id) CROSS JOIN LATERAL (SELECT id FROM connection WHERE company_id = $1 AND id = w.id AND sandbox LIMIT 1) s) AS sandboxes, ",
            rows_as!(
                "observed",
                "SELECT o.id, o.tracker_id FROM unnest($3::uuid[]) f (id) CROSS JOIN LATERAL (SELECT id, tracker_id FROM observation WHERE company_id = $1 AND id = f.id LIMIT 1) o"
            ), ", ",
            rows_as!(
                "trackers",
                "SELECT t.id, t.number, t.number_raw, t.carrier, t.carrier_label
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
        .bind(id_list(sources))
        .bind(id_list(said))
        .bind(numbers.into_iter().collect::<Vec<_>>())
        .fetch_one(conn)
        .await?;
        let mut trackers: HashMap<String, Vec<KnownTracker>> = HashMap::new();
        for row in &parts(row.try_get("trackers")?)? {
            trackers.entry(row.text("number")?).or_default().push(known(row)?);
        }
        let mut bound: HashMap<TrackerId, BTreeSet<ShipmentId>> = HashMap::new();
        for row in &parts(row.try_get("bound")?)? {
            bound.entry(row.id("tracker_id")?).or_default().insert(row.id("shipment_id")?);
        }
        let mut observed = HashMap::new();
        for row in &parts(row.try_get("observed")?)? {
            observed.insert(row.id("id")?, row.id("tracker_id")?);
        }
        let sandboxes: Vec<Uuid> = row.try_get("sandboxes")?;
        let mapping: i64 = row.try_get("mapping")?;
        let mapping = MappingVersion::try_from(mapping);
        Ok(Self {
            mapping: mapping.map_err(|_| StoreError::Damaged("mapping version".into()))?,
            sandboxes: sandboxes.into_iter().map(SourceId).collect(),
            observed,
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
        kept_under: &[String],
    ) -> Result<TrackerId, SqlError> {
        let said_before = report.observations.iter().find_map(|said| self.observed.get(&said.id)).copied();
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
                let known = kept_under.iter().filter_map(|number| self.trackers.get(number)).flatten().cloned();
                let tracker = choose_or_make(&mut Pg(conn), scope, known.collect(), &new).await?;
                let id = tracker.id;
                let of_number = self.trackers.entry(tracker.number.clone()).or_default();
                of_number.retain(|known| known.id != id);
                of_number.push(tracker);
                id
            }
        };
        for said in &report.observations {
            self.observed.entry(said.id).or_insert(tracker);
        }
        Ok(tracker)
    }

    /// The shipments that a tracker concerns; an unclaimed one is made where there is none, unless the report only takes
    /// back: that is about what was reported before, or will be.
    async fn concerned_by(
        &mut self,
        conn: &mut PgConnection,
        scope: Scope,
        recording: &Recording,
        report: &NewReport,
        tracker: TrackerId,
    ) -> Result<BTreeSet<ShipmentId>, SqlError> {
        if let Some(bound) = self.bound.get(&tracker) {
            return Ok(bound.clone());
        }
        if report.observations.iter().all(|said| said.body.retracts.is_some()) {
            return Ok(BTreeSet::new());
        }
        let db = &mut Pg(conn);
        shipments::make_unclaimed(db, scope, report.unclaimed_id, recording.recorded_at).await?;
        let binding = NewBinding {
            id: report.binding_id,
            tracker,
            shipment: report.unclaimed_id,
            piece: None,
            number_raw: &report.number_raw,
            valid_from: None,
        };
        shipments::bind(db, scope, &binding, recording.recorded_at).await?;
        shipments::renew_number_terms(db, scope, report.unclaimed_id).await?;
        Ok(self.bound.entry(tracker).or_insert(BTreeSet::from([report.unclaimed_id])).clone())
    }
}

fn wanted(report: &NewReport) -> Wanted<'_> {
    Wanted { key: &report.tracker, number_raw: &report.number_raw }
}

/// Of what messages say, what was not there.
struct Changes {
    /// Statements that were said, or read, or read by this mapping, for the first time.
    said: HashSet<ObservationId>,
    /// Lists that were not there, or are older than was known.
    snapshots: HashSet<SnapshotId>,
    /// Those that were never said before, and are not counted yet.
    first_said: HashSet<ObservationId>,
}

impl Changes {
    fn are_in(&self, report: &NewReport) -> bool {
        report.snapshot.as_ref().is_some_and(|snapshot| self.snapshots.contains(&snapshot.id))
            || report.observations.iter().any(|said| self.said.contains(&said.id))
    }

    /// How many statements of a report were never said before; each counts once.
    fn count_first_said_in(&mut self, report: &NewReport) -> u32 {
        report.observations.iter().map(|said| u32::from(self.first_said.remove(&said.id))).sum()
    }
}

/// Keeps the readings of `said` (id, mapping, reading, list and value of an unmapped code, at, place), once for each mapping
/// version, and the list of unmapped codes in step with the latest. `$1` is the company.
macro_rules! readings {
    () => {
        "read AS (
             INSERT INTO reading (company_id, observation_id, mapping, recorded_at, body)
             SELECT $1, id, mapping, at, reading FROM said ORDER BY place ON CONFLICT DO NOTHING RETURNING observation_id),
         unmapped_now AS (
             INSERT INTO unmapped (company_id, observation_id, list, value, recorded_at)
             SELECT DISTINCT ON (said.id) $1, said.id, list, value, at FROM said JOIN read ON read.observation_id = said.id WHERE list IS NOT NULL
             ORDER BY said.id, place
             ON CONFLICT (company_id, observation_id) DO UPDATE SET list = excluded.list, value = excluded.value),
         mapped_now AS (
             DELETE FROM unmapped USING said JOIN read ON read.observation_id = said.id
             WHERE said.list IS NULL AND unmapped.company_id = $1 AND unmapped.observation_id = said.id)"
    };
}

/// What messages say, in one statement; see [`put`].
const RECORD: &str = concat!(
    "WITH said AS (
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::bytea[], $8::bigint[], $9::uuid[], $10::bigint[], $11::text[],
                                  $12::text[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::uuid[], $18::text[], $19::bigint[])
                 WITH ORDINALITY s (id, tracker_id, body, codes, text_subject, text, position, snapshot_id, mapping, reading, list, value, event_id, retracts,
                                    message_id, source_id, trust, at, place) LIMIT cardinality($2)),
         lists AS (
             INSERT INTO snapshot (id, company_id, source_id, tracker_id, object, stamp, digest, recorded_at)
             SELECT id, $1, source_id, tracker_id, object, stamp, digest, at
             FROM unnest($20::uuid[], $21::uuid[], $22::uuid[], $23::text[], $24::bigint[], $25::text[], $26::bigint[])
                 l (id, source_id, tracker_id, object, stamp, digest, at)
             ON CONFLICT (company_id, id) DO UPDATE SET recorded_at = excluded.recorded_at WHERE excluded.recorded_at < snapshot.recorded_at
             RETURNING id),
         observed AS (
             INSERT INTO observation (id, company_id, tracker_id, body, text_subject, text, recorded_at, codes)
             SELECT id, $1, tracker_id, body, text_subject, text, at, ARRAY(SELECT json_array_elements_text(codes::json)) FROM said ORDER BY place
             ON CONFLICT DO NOTHING RETURNING id), ",
    readings!(), ",
         seen AS (
             INSERT INTO sighting (company_id, observation_id, message_id, position, tracker_id, snapshot_id, source_id, trust, recorded_at)
             SELECT $1, id, message_id, position, tracker_id, snapshot_id, source_id, trust, at FROM said
             ON CONFLICT DO NOTHING RETURNING observation_id),
         -- events that have an id can be taken back by it, whatever comes first and wherever it hangs
         reported_event AS (
             INSERT INTO told_event (company_id, source_id, event_id, tracker_id)
             SELECT DISTINCT $1::uuid, source_id, event_id, tracker_id FROM said WHERE event_id IS NOT NULL AND retracts IS NULL
             ON CONFLICT DO NOTHING),
         taken_back AS (
             INSERT INTO retraction (company_id, source_id, event_id, observation_id, tracker_id)
             SELECT $1, source_id, retracts, id, tracker_id FROM said WHERE retracts IS NOT NULL
             ON CONFLICT DO NOTHING),
         concluded AS (
             UPDATE message SET status = coalesce(c.status, message.status), observations = coalesce(c.observations, message.observations),
                 problems = coalesce(c.problems, message.problems), reason = CASE WHEN c.status IS NULL THEN message.reason ELSE c.reason END,
                 cursor = coalesce(c.cursor, message.cursor)
             FROM (SELECT * FROM unnest($27::uuid[], $28::text[], $29::bigint[], $30::bigint[], $31::bytea[], $32::bigint[]) LIMIT cardinality($27))
                 c (id, status, observations, problems, reason, cursor)
             WHERE message.company_id IS NOT DISTINCT FROM $1 AND message.id = c.id RETURNING message.id)
         SELECT (SELECT count(*) FROM concluded) AS concluded, ARRAY(SELECT id FROM observed) AS observed,
                ARRAY(SELECT observation_id FROM read UNION SELECT observation_id FROM seen) AS said, ARRAY(SELECT id FROM lists) AS lists"
    );

/// Everything that messages say, and what became of the messages, in one statement. What is there already stays as it
/// is; of a list that two messages brought the earlier recording counts, whichever was written first.
async fn put(
    conn: &mut PgConnection,
    scope: Scope,
    recordings: &[&Recording],
    reports: &[(&Recording, &NewReport, TrackerId)],
) -> Result<Changes, SqlError> {
    let said: Vec<(&Recording, &NewReport, TrackerId, &NewObservation)> = reports
        .iter()
        .flat_map(|(of, report, tracker)| report.observations.iter().map(move |said| (*of, *report, *tracker, said)))
        .collect();
    let mut snapshots: BTreeMap<SnapshotId, (&Recording, &NewSnapshot, TrackerId)> = BTreeMap::new();
    for (of, report, tracker) in reports {
        let Some(snapshot) = &report.snapshot else { continue };
        let earlier = snapshots.entry(snapshot.id).or_insert((of, snapshot, *tracker));
        if of.recorded_at < earlier.0.recorded_at {
            *earlier = (of, snapshot, *tracker);
        }
    }
    macro_rules! said {
        (|$of:pat_param, $report:pat_param, $tracker:pat_param, $said:pat_param| $value:expr) => {
            said.iter().map(|($of, $report, $tracker, $said)| $value).collect::<Vec<_>>()
        };
    }
    macro_rules! lists {
        (|$of:pat_param, $list:pat_param, $tracker:pat_param| $value:expr) => {
            snapshots.values().map(|($of, $list, $tracker)| $value).collect::<Vec<_>>()
        };
    }
    let messages: BTreeMap<MessageId, inbox::After> =
        recordings.iter().map(|recording| (recording.message, inbox::After::of(&recording.progress))).collect();
    macro_rules! messages {
        (|$after:ident| $value:expr) => {
            messages.values().map(|$after| $value).collect::<Vec<_>>()
        };
    }
    let row = sqlx::query(RECORD)
        .bind(scope.company.0)
        .bind(said!(|_, _, _, said| said.id.0))
        .bind(said!(|_, _, tracker, _| tracker.0))
        .bind(said!(|_, _, _, said| json(&said.body)))
        .bind(said!(|_, _, _, said| json(&mappings::codes_of(&said.body))))
        .bind(said!(|_, _, _, said| said.text.as_ref().map(|text| text.subject.0)))
        .bind(said!(|_, _, _, said| said.text.as_ref().map(|text| text.bytes.as_slice())))
        .bind(said!(|_, _, _, said| i64::from(said.position)))
        .bind(said!(|_, report, _, _| report.snapshot.as_ref().map(|snapshot| snapshot.id.0)))
        .bind(said!(|_, _, _, said| i64::from(said.reading.mapping)))
        .bind(said!(|_, _, _, said| json(&said.reading)))
        .bind(said!(|_, _, _, said| unmapped(&said.body, &said.reading).map(|code| clean(listed_code(&code.list)))))
        .bind(said!(|_, _, _, said| unmapped(&said.body, &said.reading).map(|code| clean(listed_code(&code.value)))))
        .bind(said!(|_, _, _, said| said.body.provider_event_id.as_deref().map(event_name)))
        .bind(said!(|_, _, _, said| said.body.retracts.as_deref().map(event_name)))
        .bind(said!(|of, _, _, _| of.message.0))
        .bind(said!(|of, _, _, _| of.source.0))
        .bind(said!(|of, _, _, _| word(of.trust)))
        .bind(said!(|of, _, _, _| micros(of.recorded_at)))
        .bind(lists!(|_, list, _| list.id.0))
        .bind(lists!(|of, _, _| of.source.0))
        .bind(lists!(|_, _, tracker| tracker.0))
        .bind(lists!(|_, list, _| list.object.as_deref().map(clean)))
        .bind(lists!(|_, list, _| opt_micros(list.stamp)))
        .bind(lists!(|_, list, _| list.digest.as_str()))
        .bind(lists!(|of, _, _| micros(of.recorded_at)))
        .bind(messages.keys().map(|id| id.0).collect::<Vec<_>>())
        .bind(messages!(|after| after.outcome.as_ref().map(|outcome| outcome.status)))
        .bind(messages!(|after| after.outcome.as_ref().map(|outcome| outcome.observations)))
        .bind(messages!(|after| after.outcome.as_ref().map(|outcome| outcome.problems)))
        .bind(messages!(|after| after.outcome.as_ref().and_then(|outcome| outcome.reason.as_deref())))
        .bind(messages!(|after| after.cursor))
        .fetch_one(conn)
        .await?;
    let concluded: i64 = row.try_get("concluded")?;
    if concluded.unsigned_abs() < messages.len() as u64 {
        return Err(SqlError(StoreError::NotFound("message")));
    }
    let ids = |column: &str| -> Result<Vec<Uuid>, SqlError> { Ok(row.try_get(column)?) };
    let first_said: HashSet<ObservationId> = ids("observed")?.into_iter().map(ObservationId).collect();
    Ok(Changes {
        said: ids("said")?.into_iter().map(ObservationId).chain(first_said.iter().copied()).collect(),
        snapshots: ids("lists")?.into_iter().map(SnapshotId).collect(),
        first_said,
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

/// The shipments from which a report takes something back.
async fn taken_back_from(
    conn: &mut PgConnection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
) -> Result<Vec<ShipmentId>, SqlError> {
    let mut shipments = Vec::new();
    for event in report.observations.iter().filter_map(|said| said.body.retracts.as_deref()) {
        let found: Vec<Uuid> = sqlx::query_scalar(
            "SELECT DISTINCT b.shipment_id FROM told_event e JOIN binding b ON b.tracker_id = e.tracker_id
             WHERE e.company_id = $1 AND e.source_id = $2 AND e.event_id = $3
               AND NOT EXISTS (SELECT 1 FROM binding_end n WHERE n.binding_id = b.id)",
        )
        .bind(scope.company.0)
        .bind(recording.source.0)
        .bind(event_name(event))
        .fetch_all(&mut *conn)
        .await?;
        shipments.extend(found.into_iter().map(ShipmentId));
    }
    Ok(shipments)
}
