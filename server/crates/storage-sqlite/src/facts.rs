//! What messages say about trackers, recorded, and whom it concerns.

use crate::db::{Run as _, Sqlite, drive};
use domain::{
    ids::{ObservationId, ShipmentId, TrackerId},
    observation::Observation,
    reading::Reading,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeSet;
use storage::{
    Result, Scope,
    facts::{NewObservation, NewReport, Progress, Recorded, Recording, event_key, listed_code},
};
use storage_sql::{
    codec::{json, word},
    facts::bound_to,
    inbox,
    jobs::{self, FoldJob},
    mappings, query,
    shipments::{self, NewBinding},
    trackers::{self, NewTracker},
};

/// Whether a write brought something that was not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    Known,
}

impl Inserted {
    const fn of(rows: u64) -> Self {
        if rows == 0 { Self::Known } else { Self::New }
    }
}

pub(crate) fn record(conn: &mut Connection, scope: Scope, recording: &Recording) -> Result<Recorded> {
    let readings = recording.reports.iter().flat_map(|report| &report.observations).map(|said| &said.reading);
    drive(mappings::check_newest(&mut Sqlite(conn), scope, readings))?;
    let sandbox = is_sandbox(conn, scope, recording)?;
    let mut concerned = BTreeSet::new();
    let mut new_observations = 0;
    for report in &recording.reports {
        let tracker = tracker_of(conn, scope, recording, report)?;
        let (changes, new) = record_report(conn, scope, recording, report, tracker)?;
        new_observations += new;
        if changes == Inserted::New {
            concerned.extend(concerned_by(conn, scope, recording, report, tracker)?);
            concerned.extend(taken_back_from(conn, scope, recording, report)?);
        }
    }
    let fold = FoldJob {
        lane: recording.lane,
        cause: recording.cause,
        correlation: recording.correlation,
        at: recording.recorded_at,
    };
    for shipment in &concerned {
        if sandbox {
            drive(shipments::mark_sandbox(&mut Sqlite(conn), *shipment))?;
        }
        drive(jobs::enqueue_fold(&mut Sqlite(conn), scope, *shipment, &fold))?;
    }
    let progress = match &recording.progress {
        Progress::Whole(status) => inbox::conclude(scope, recording.message, status),
        // how many of its reports are recorded; more follow
        Progress::Part(reports) => query("UPDATE message SET cursor = ? WHERE company_id = ? AND id = ?")
            .bind(*reports)
            .bind(scope.company.0)
            .bind(recording.message.0),
    };
    inbox::found(progress.run(conn)?)?;
    Ok(Recorded { shipments: concerned.into_iter().collect(), new_observations })
}

/// Whether the source of a message is simulated.
fn is_sandbox(conn: &Connection, scope: Scope, recording: &Recording) -> Result<bool> {
    let row = query("SELECT sandbox FROM connection WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(recording.source.0)
        .first(conn)?;
    row.map_or(Ok(false), |row| row.flag("sandbox"))
}

/// The tracker of a report. A statement that was recorded before stays on its tracker, whatever trackers came since, and
/// what is reported with it belongs to that one.
fn tracker_of(conn: &mut Connection, scope: Scope, recording: &Recording, report: &NewReport) -> Result<TrackerId> {
    for said in &report.observations {
        if let Some(tracker) = tracker_of_observation(conn, scope, said.id)? {
            return Ok(tracker);
        }
    }
    let new = NewTracker {
        key: &report.tracker,
        id: report.tracker_id,
        number_raw: &report.number_raw,
        carrier_label: report.carrier_label.as_deref(),
        refs: json(&report.refs),
        at: recording.recorded_at,
    };
    drive(trackers::find_or_make(&mut Sqlite(conn), scope, &new))
}

/// On which tracker a statement was recorded, where it was.
fn tracker_of_observation(conn: &mut Connection, scope: Scope, id: ObservationId) -> Result<Option<TrackerId>> {
    let row = query("SELECT tracker_id FROM observation WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(id.0)
        .first(conn)?;
    row.map(|row| row.id("tracker_id")).transpose()
}

fn record_report(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
    tracker: TrackerId,
) -> Result<(Inserted, u32)> {
    let mut changes = record_snapshot(conn, scope, recording, report, tracker)?;
    let mut new_observations = 0;
    for said in &report.observations {
        let mut tracker = tracker;
        match record_observation(conn, scope, recording, said, tracker)? {
            Inserted::New => {
                new_observations += 1;
                changes = Inserted::New;
            }
            Inserted::Known => {
                if let Some(of) = tracker_of_observation(conn, scope, said.id)? {
                    tracker = of;
                }
            }
        }
        let statement = Statement { id: said.id, tracker, body: &said.body };
        let reading = put_reading(conn, scope, &statement, &said.reading, recording.recorded_at)?;
        let sighting = record_sighting(conn, scope, recording, report, said, tracker)?;
        record_event(conn, scope, recording, said, tracker)?;
        if reading == Inserted::New || sighting == Inserted::New {
            changes = Inserted::New;
        }
    }
    Ok((changes, new_observations))
}

/// The same list from two messages is one; the earlier recording counts, whichever was written first.
fn record_snapshot(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
    tracker: TrackerId,
) -> Result<Inserted> {
    let Some(snapshot) = &report.snapshot else { return Ok(Inserted::Known) };
    let written = query(
        "INSERT INTO snapshot (id, company_id, source_id, tracker_id, object, stamp, digest, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tracker_id, id) DO UPDATE SET recorded_at = excluded.recorded_at WHERE excluded.recorded_at < recorded_at",
    )
    .bind(snapshot.id.0)
    .bind(scope.company.0)
    .bind(recording.source.0)
    .bind(tracker.0)
    .bind(&snapshot.object)
    .bind(snapshot.stamp)
    .bind(&snapshot.digest)
    .bind(recording.recorded_at)
    .run(conn)?;
    Ok(Inserted::of(written))
}

fn record_observation(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    said: &NewObservation,
    tracker: TrackerId,
) -> Result<Inserted> {
    let written = query(
        "INSERT INTO observation (id, company_id, tracker_id, body, text_subject, text, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(said.id.0)
    .bind(scope.company.0)
    .bind(tracker.0)
    .bind(json(&said.body))
    .bind(said.text.as_ref().map(|text| text.subject.0))
    .bind(said.text.as_ref().map(|text| text.bytes.as_slice()))
    .bind(recording.recorded_at)
    .run(conn)?;
    Ok(Inserted::of(written))
}

fn record_sighting(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
    said: &NewObservation,
    tracker: TrackerId,
) -> Result<Inserted> {
    let written = query(
        "INSERT INTO sighting (company_id, observation_id, message_id, position, tracker_id, snapshot_id, source_id, trust, recorded_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(scope.company.0)
    .bind(said.id.0)
    .bind(recording.message.0)
    .bind(said.position)
    .bind(tracker.0)
    .bind(report.snapshot.as_ref().map(|snapshot| snapshot.id.0))
    .bind(recording.source.0)
    .bind(word(recording.trust))
    .bind(recording.recorded_at)
    .run(conn)?;
    Ok(Inserted::of(written))
}

/// Events that have an id can be taken back by it, whatever comes first and wherever it hangs.
fn record_event(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    said: &NewObservation,
    tracker: TrackerId,
) -> Result<()> {
    let reported =
        "INSERT OR IGNORE INTO told_event (company_id, source_id, event_id, tracker_id) VALUES (?1, ?2, ?3, ?5)";
    let taken_back = "INSERT OR IGNORE INTO retraction (company_id, source_id, event_id, observation_id, tracker_id)
         VALUES (?1, ?2, ?3, ?4, ?5)";
    let (sql, event) = match (&said.body.retracts, &said.body.provider_event_id) {
        (Some(event), _) => (taken_back, event),
        (None, Some(event)) => (reported, event),
        (None, None) => return Ok(()),
    };
    query(sql)
        .bind(scope.company.0)
        .bind(recording.source.0)
        .bind(event_key(event))
        .bind(said.id.0)
        .bind(tracker.0)
        .run(conn)?;
    Ok(())
}

/// The shipments from which a report takes something back.
fn taken_back_from(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
) -> Result<Vec<ShipmentId>> {
    let mut shipments = Vec::new();
    for event in report.observations.iter().filter_map(|said| said.body.retracts.as_deref()) {
        let rows = query(
            "SELECT DISTINCT b.shipment_id FROM told_event e JOIN binding b ON b.tracker_id = e.tracker_id
             WHERE e.company_id = ? AND e.source_id = ? AND e.event_id = ?
               AND NOT EXISTS (SELECT 1 FROM binding_end n WHERE n.binding_id = b.id)",
        )
        .bind(scope.company.0)
        .bind(recording.source.0)
        .bind(event_key(event))
        .rows(conn)?;
        for row in &rows {
            shipments.push(row.id("shipment_id")?);
        }
    }
    Ok(shipments)
}

/// A statement that is recorded.
pub(crate) struct Statement<'a> {
    pub(crate) id: ObservationId,
    pub(crate) tracker: TrackerId,
    pub(crate) body: &'a Observation,
}

/// Keeps a reading, once for each mapping version, and the list of unmapped codes in step with the latest.
pub(crate) fn put_reading(
    conn: &mut Connection,
    scope: Scope,
    of: &Statement<'_>,
    reading: &Reading,
    at: Timestamp,
) -> Result<Inserted> {
    let written = query("INSERT INTO reading (company_id, tracker_id, observation_id, mapping, recorded_at, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(scope.company.0)
        .bind(of.tracker.0)
        .bind(of.id.0)
        .bind(reading.mapping)
        .bind(at)
        .bind(json(reading))
        .run(conn)?;
    if written == 0 {
        return Ok(Inserted::Known);
    }
    match of.body.codes.status.first().filter(|_| reading.unmapped) {
        Some(code) => {
            query(
                "INSERT INTO unmapped (company_id, observation_id, list, value, recorded_at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (company_id, observation_id) DO UPDATE SET list = excluded.list, value = excluded.value",
            )
            .bind(scope.company.0)
            .bind(of.id.0)
            .bind(listed_code(&code.list))
            .bind(listed_code(&code.value))
            .bind(at)
            .run(conn)?;
        }
        None => {
            query("DELETE FROM unmapped WHERE company_id = ? AND observation_id = ?")
                .bind(scope.company.0)
                .bind(of.id.0)
                .run(conn)?;
        }
    }
    Ok(Inserted::New)
}

/// The shipments that a tracker concerns; an unclaimed one is made where there is none, unless the report only takes
/// back: that is about what was reported before, or will be.
fn concerned_by(
    conn: &mut Connection,
    scope: Scope,
    recording: &Recording,
    report: &NewReport,
    tracker: TrackerId,
) -> Result<Vec<ShipmentId>> {
    let bound = drive(bound_to(&mut Sqlite(conn), tracker))?;
    if !bound.is_empty() {
        return Ok(bound);
    }
    if report.observations.iter().all(|said| said.body.retracts.is_some()) {
        return Ok(Vec::new());
    }
    let db = &mut Sqlite(conn);
    drive(shipments::make_unclaimed(db, scope, report.unclaimed_id, recording.recorded_at))?;
    let binding = NewBinding {
        id: report.binding_id,
        tracker,
        shipment: report.unclaimed_id,
        piece: None,
        number_raw: &report.number_raw,
        valid_from: None,
    };
    drive(shipments::bind(db, scope, &binding, recording.recorded_at))?;
    drive(shipments::renew_number_terms(db, scope, report.unclaimed_id))?;
    Ok(vec![report.unclaimed_id])
}
