//! Published mappings, and what was said in the codes that they are for.

use crate::{
    Db, Dialect, Engine, Row, Sql, Value, audit,
    codec::{clean, id_list, json, micros},
    jobs, lock, query,
    rows::{Rows, hex_id},
};
use async_trait::async_trait;
use domain::{
    ids::{ObservationId, ShipmentId, TrackerId},
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reading},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use storage::{
    AuditEntry, Result, Scope, StoreError,
    facts::listed_code,
    jobs::{Lane, NewJob},
    limits::{MAPPING_ROWS, REREAD_ROWS, SAMPLES},
    mappings::{Mappings, NewMapping, PublishedMapping, Reread, Sample, UnmappedCode},
};
use uuid::Uuid;

/// Unmapped codes of one read.
const UNMAPPED_ROWS: i64 = 500;

/// Whether the observation `o` names one of the codes (`?2`) in any place, as the mapping may look them up.
fn naming_a_code(dialect: Dialect) -> &'static str {
    dialect.pick(
        "o.company_id = ?1 AND EXISTS (
             SELECT 1 FROM json_each(?2) w
             WHERE (w.value ->> 'list', w.value ->> 'value') IN (
                 SELECT s.value ->> 'list', s.value ->> 'value' FROM json_each(o.body, '$.codes.status') s
                 UNION ALL SELECT o.body ->> '$.codes.coarse.list', o.body ->> '$.codes.coarse.value'
                 UNION ALL SELECT o.body ->> '$.codes.reason.list', o.body ->> '$.codes.reason.value'))",
        // its codes are kept in a column of their own, with an index
        "o.company_id = ?1 AND o.codes && ?2",
    )
}

/// The codes as the engine compares them.
fn code_list(dialect: Dialect, codes: &[ProviderCode]) -> Value {
    match dialect {
        Dialect::Sqlite => json(&codes).into(),
        Dialect::Postgres => codes.iter().map(code_text).collect::<Vec<_>>().into(),
    }
}

/// Every code that a statement names, as `list value`: no list has a space in it.
pub fn codes_of(body: &Observation) -> Vec<String> {
    let codes = &body.codes;
    codes.status.iter().chain(&codes.coarse).chain(&codes.reason).map(code_text).collect()
}

fn code_text(code: &ProviderCode) -> String {
    clean(&format!("{} {}", code.list, code.value)).into_owned()
}

#[async_trait]
impl<E: Engine> Mappings for Sql<E> {
    async fn publish(&self, scope: Scope, new: NewMapping, audit: AuditEntry) -> Result<MappingVersion> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let version = publish(db, scope, &new).await?;
                    jobs::enqueue(db, scope, &new.job, new.at).await?;
                    audit::append(db, scope, &audit).await?;
                    Ok(version)
                })
            })
            .await
    }

    async fn newest(&self, scope: Scope) -> Result<Option<PublishedMapping>> {
        let newest = query("SELECT * FROM mapping_version WHERE company_id = ? ORDER BY version DESC LIMIT 1");
        self.row(newest.bind(scope.company.0), published).await
    }

    async fn published(&self, scope: Scope, version: MappingVersion) -> Result<Option<PublishedMapping>> {
        let found = query("SELECT * FROM mapping_version WHERE company_id = ? AND version = ?");
        self.row(found.bind(scope.company.0).bind(version), published).await
    }

    async fn history(&self, scope: Scope) -> Result<Vec<PublishedMapping>> {
        let newest = query("SELECT * FROM mapping_version WHERE company_id = ? ORDER BY version DESC LIMIT ?");
        self.rows(newest.bind(scope.company.0).bind(MAPPING_ROWS), published).await
    }

    async fn unmapped(&self, scope: Scope) -> Result<Vec<UnmappedCode>> {
        self.0.read(move |db| Box::pin(async move { unmapped(db, scope).await })).await
    }

    async fn unmapped_count(&self, scope: Scope) -> Result<u64> {
        let sql = "SELECT count(*) AS codes FROM (SELECT DISTINCT list, value FROM unmapped WHERE company_id = ?) u";
        Ok(self.row(query(sql).bind(scope.company.0), |row| row.count("codes")).await?.unwrap_or(0))
    }

    async fn count_with(&self, scope: Scope, codes: Vec<ProviderCode>) -> Result<u64> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let dialect = db.dialect();
                    let row = query(format!(
                        "SELECT count(*) AS observations FROM observation o WHERE {}",
                        naming_a_code(dialect)
                    ))
                    .bind(scope.company.0)
                    .bind(code_list(dialect, &codes))
                    .one(db)
                    .await?;
                    row.count("observations")
                })
            })
            .await
    }

    async fn with(&self, scope: Scope, codes: Vec<ProviderCode>, after: Option<ObservationId>) -> Result<Vec<Reread>> {
        self.0.read(move |db| Box::pin(async move { with(db, scope, &codes, after).await })).await
    }

    async fn reread(
        &self,
        scope: Scope,
        readings: Vec<(ObservationId, Reading)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::Batch, move |db| Box::pin(async move { reread(db, scope, &readings, at, &jobs).await }))
            .await
    }
}

async fn newest_version(db: &mut dyn Db, scope: Scope) -> Result<MappingVersion> {
    query("SELECT coalesce(max(version), 0) AS newest FROM mapping_version WHERE company_id = ?1")
        .bind(scope.company.0)
        .one(db)
        .await?
        .count("newest")
}

async fn publish(db: &mut dyn Db, scope: Scope, new: &NewMapping) -> Result<MappingVersion> {
    lock::mapping_changes(db, scope.company).await?;
    let newest = newest_version(db, scope).await?;
    if newest != new.previous {
        return Err(StoreError::Conflict(format!(
            "mapping version {newest} was published meanwhile: look at it, then try again"
        )));
    }
    let version = newest + 1;
    query(
        "INSERT INTO mapping_version (company_id, version, overlay, why, actor, published_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(scope.company.0)
    .bind(i64::from(version))
    .bind(json(&new.overlay))
    .bind(&new.why)
    .bind(json(&scope.actor))
    .bind(micros(new.at))
    .execute(db)
    .await?;
    Ok(version)
}

fn published(row: &Row) -> Result<PublishedMapping> {
    Ok(PublishedMapping {
        version: row.count("version")?,
        overlay: row.json("overlay")?,
        why: row.text("why")?,
        actor: row.json("actor")?,
        at: row.at("published_at")?,
    })
}

/// What a mapping made of statements is kept only while it is the newest: else a statement that comes while another
/// version is published would be read by neither.
pub async fn check_newest<'a>(
    db: &mut dyn Db,
    scope: Scope,
    readings: impl Iterator<Item = &'a Reading>,
) -> Result<()> {
    let Some(oldest) = readings.map(|reading| reading.mapping).min() else { return Ok(()) };
    is_newest(newest_version(db, scope).await?, oldest)
}

/// The same where the newest is known.
pub fn is_newest(newest: MappingVersion, oldest: MappingVersion) -> Result<()> {
    if oldest < newest {
        return Err(StoreError::Conflict(format!("mapping version {newest} was published meanwhile")));
    }
    Ok(())
}

async fn reread(
    db: &mut dyn Db,
    scope: Scope,
    readings: &[(ObservationId, Reading)],
    at: Timestamp,
    jobs: &[NewJob],
) -> Result<()> {
    lock::mapping_stays(db, scope.company).await?;
    check_newest(db, scope, readings.iter().map(|(_, reading)| reading)).await?;
    put_readings(db, scope, readings, at).await?;
    jobs::enqueue_all(db, scope, jobs, at).await.map(drop)
}

/// Keeps readings, once for each mapping version, and the list of unmapped codes in step with the latest.
async fn put_readings(
    db: &mut dyn Db,
    scope: Scope,
    readings: &[(ObservationId, Reading)],
    at: Timestamp,
) -> Result<()> {
    let found = query("SELECT id, tracker_id, body FROM observation WHERE company_id = ?1 AND id {in ids ?2}")
        .bind(scope.company.0)
        .bind(id_list(readings.iter().map(|(id, _)| id.0)))
        .all(db)
        .await?;
    let mut observed: HashMap<ObservationId, (TrackerId, Observation)> = HashMap::new();
    for row in &found {
        observed.insert(row.id("id")?, (row.id("tracker_id")?, row.json("body")?));
    }
    let mut rows = Rows::default();
    for (id, reading) in readings {
        let (tracker, _) = observed.get(id).ok_or(StoreError::NotFound("observation"))?;
        rows.push(serde_json::json!({
            "id": hex_id(id.0), "tracker": hex_id(tracker.0), "mapping": reading.mapping, "body": json(reading),
        }));
    }
    // readings of a tracker lie together in SQLite
    let put = db.dialect().pick(
        "INSERT INTO reading (company_id, tracker_id, observation_id, mapping, recorded_at, body)
         SELECT ?1, r.tracker, r.id, r.mapping, ?2, r.body FROM {rows ?3 r (id id, tracker id, mapping int, body text)} WHERE TRUE
         ON CONFLICT DO NOTHING RETURNING observation_id",
        "INSERT INTO reading (company_id, observation_id, mapping, recorded_at, body)
         SELECT ?1, r.id, r.mapping, ?2, r.body FROM {rows ?3 r (id id, mapping int, body text)} WHERE TRUE
         ON CONFLICT DO NOTHING RETURNING observation_id",
    );
    let put = query(put).bind(scope.company.0).bind(at).bind(rows).all(db).await?;
    let new = put.iter().map(|row| row.id("observation_id")).collect::<Result<BTreeSet<ObservationId>>>()?;
    let (mut unmapped, mut mapped) = (BTreeMap::new(), Vec::new());
    for (id, reading) in readings.iter().filter(|(id, _)| new.contains(id)) {
        let code = observed.get(id).and_then(|(_, body)| body.codes.status.first()).filter(|_| reading.unmapped);
        match code {
            Some(code) => drop(unmapped.insert(*id, code)),
            None => mapped.push(id.0),
        }
    }
    let row = |(id, code): (ObservationId, &ProviderCode)| {
        let [list, value] = [&code.list, &code.value].map(|text| clean(listed_code(text)).into_owned());
        serde_json::json!({ "id": hex_id(id.0), "list": list, "value": value })
    };
    query(
        "INSERT INTO unmapped (company_id, observation_id, list, value, recorded_at)
         SELECT ?1, r.id, r.list, r.value, ?2 FROM {rows ?3 r (id id, list text, value text)} WHERE TRUE
         ON CONFLICT (company_id, observation_id) DO UPDATE SET list = excluded.list, value = excluded.value",
    )
    .bind(scope.company.0)
    .bind(at)
    .bind(unmapped.into_iter().map(row).collect::<Rows>())
    .execute(db)
    .await?;
    query("DELETE FROM unmapped WHERE company_id = ?1 AND observation_id {in ids ?2}")
        .bind(scope.company.0)
        .bind(mapped)
        .execute(db)
        .await
        .map(drop)
}

async fn with(
    db: &mut dyn Db,
    scope: Scope,
    codes: &[ProviderCode],
    after: Option<ObservationId>,
) -> Result<Vec<Reread>> {
    // no observation has the smallest id
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let dialect = db.dialect();
    let rows = query(format!(
        "SELECT o.id, o.body, o.tracker_id FROM observation o WHERE {} AND o.id > ?3 ORDER BY o.id LIMIT ?4",
        naming_a_code(dialect)
    ))
    .bind(scope.company.0)
    .bind(code_list(dialect, codes))
    .bind(after)
    .bind(i64::from(REREAD_ROWS))
    .all(db)
    .await?;
    let trackers = rows.iter().map(|row| row.id("tracker_id")).collect::<Result<BTreeSet<Uuid>>>()?;
    let bound = query(
        "SELECT DISTINCT b.tracker_id, b.shipment_id FROM {ids ? t} CROSS JOIN binding b
         WHERE b.tracker_id = t.value AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    );
    let mut shipments: HashMap<TrackerId, Vec<ShipmentId>> = HashMap::new();
    for row in bound.bind(id_list(trackers)).all(db).await? {
        shipments.entry(row.id("tracker_id")?).or_default().push(row.id("shipment_id")?);
    }
    let reread = |row: &Row| {
        let shipments = shipments.get(&row.id("tracker_id")?).cloned().unwrap_or_default();
        Ok(Reread { id: row.id("id")?, body: row.json("body")?, shipments })
    };
    rows.iter().map(reread).collect()
}

async fn unmapped(db: &mut dyn Db, scope: Scope) -> Result<Vec<UnmappedCode>> {
    let rows = query(
        "SELECT u.list, u.value, count(DISTINCT u.observation_id) AS observations,
                count(DISTINCT b.shipment_id) AS shipments, min(o.recorded_at) AS first_seen, max(o.recorded_at) AS last_seen
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         LEFT JOIN binding b ON b.tracker_id = o.tracker_id
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         WHERE u.company_id = ?1 GROUP BY u.list, u.value ORDER BY observations DESC, u.list, u.value LIMIT ?2",
    )
    .bind(scope.company.0)
    .bind(UNMAPPED_ROWS)
    .all(db)
    .await?;
    let mut codes = Vec::with_capacity(rows.len());
    for row in &rows {
        let code = ProviderCode::new(&row.text("list")?, row.text("value")?);
        codes.push(UnmappedCode {
            samples: samples(db, scope, &code).await?,
            code,
            observations: row.count("observations")?,
            shipments: row.count("shipments")?,
            first_seen: row.at("first_seen")?,
            last_seen: row.at("last_seen")?,
        });
    }
    Ok(codes)
}

async fn samples(db: &mut dyn Db, scope: Scope, code: &ProviderCode) -> Result<Vec<Sample>> {
    let rows = query(
        "SELECT o.id, o.text_subject, o.text, t.number_raw,
                (SELECT b.shipment_id FROM binding b
                 WHERE b.tracker_id = o.tracker_id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                 ORDER BY b.recorded_at, b.id LIMIT 1) AS shipment
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         JOIN tracker t ON t.id = o.tracker_id
         WHERE u.company_id = ?1 AND u.list = ?2 AND u.value = ?3 ORDER BY o.recorded_at DESC, o.id DESC LIMIT ?4",
    )
    .bind(scope.company.0)
    .bind(&code.list)
    .bind(&code.value)
    .bind(i64::from(SAMPLES))
    .all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Sample {
                observation: row.id("id")?,
                shipment: row.opt_id("shipment")?,
                number: row.text("number_raw")?,
                text: row.opt_sealed("text_subject", "text")?,
            })
        })
        .collect()
}
