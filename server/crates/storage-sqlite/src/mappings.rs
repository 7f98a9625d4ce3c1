//! Published mappings, and what was said in the codes that they are for.

use crate::{
    SqliteStore, audit,
    codec::{Done, Fail, json, micros},
    facts, jobs,
    sql::{Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::{
    ids::ObservationId,
    observation::ProviderCode,
    reading::{MappingVersion, Reading},
};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::NewJob,
    limits::{MAPPING_ROWS, REREAD_ROWS, SAMPLES},
    mappings::{Mappings, NewMapping, PublishedMapping, Reread, Sample, UnmappedCode},
};

/// Unmapped codes of one read.
const UNMAPPED_ROWS: i64 = 500;

/// The observations that name one of the codes (`?2`, a JSON list) in any place, as the mapping may look them up.
macro_rules! naming_a_code {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM observation o
             WHERE o.company_id = ?1 AND EXISTS (
                 SELECT 1 FROM json_each(?2) w
                 WHERE (w.value ->> 'list', w.value ->> 'value') IN (
                     SELECT s.value ->> 'list', s.value ->> 'value' FROM json_each(o.body, '$.codes.status') s
                     UNION ALL SELECT o.body ->> '$.codes.coarse.list', o.body ->> '$.codes.coarse.value'
                     UNION ALL SELECT o.body ->> '$.codes.reason.list', o.body ->> '$.codes.reason.value')) ",
            $rest
        )
    };
}

#[async_trait]
impl Mappings for SqliteStore {
    async fn publish(&self, scope: Scope, new: NewMapping, audit: AuditEntry) -> Result<MappingVersion> {
        self.write(Turn::RealTime, move |conn| {
            let version = publish(conn, scope, &new)?;
            jobs::enqueue(conn, scope, &new.job, new.at)?;
            audit::append(conn, scope, &audit)?;
            Ok(version)
        })
        .await
    }

    async fn newest(&self, scope: Scope) -> Result<Option<PublishedMapping>> {
        self.read(move |conn| {
            let row = query("SELECT * FROM mapping_version WHERE company_id = ? ORDER BY version DESC LIMIT 1")
                .bind(scope.company.0)
                .fetch_optional(conn)?;
            row.as_ref().map(published).transpose()
        })
        .await
    }

    async fn published(&self, scope: Scope, version: MappingVersion) -> Result<Option<PublishedMapping>> {
        self.read(move |conn| {
            let row = query("SELECT * FROM mapping_version WHERE company_id = ? AND version = ?")
                .bind(scope.company.0)
                .bind(version)
                .fetch_optional(conn)?;
            row.as_ref().map(published).transpose()
        })
        .await
    }

    async fn history(&self, scope: Scope) -> Result<Vec<PublishedMapping>> {
        self.read(move |conn| {
            let rows = query("SELECT * FROM mapping_version WHERE company_id = ? ORDER BY version DESC LIMIT ?")
                .bind(scope.company.0)
                .bind(MAPPING_ROWS)
                .fetch_all(conn)?;
            rows.iter().map(published).collect::<Done<_>>()
        })
        .await
    }

    async fn unmapped(&self, scope: Scope) -> Result<Vec<UnmappedCode>> {
        self.read(move |conn| unmapped(conn, scope)).await
    }

    async fn unmapped_count(&self, scope: Scope) -> Result<u64> {
        self.read(move |conn| {
            let row =
                query("SELECT count(*) AS codes FROM (SELECT DISTINCT list, value FROM unmapped WHERE company_id = ?)")
                    .bind(scope.company.0)
                    .fetch_one(conn)?;
            row.count("codes")
        })
        .await
    }

    async fn count_with(&self, scope: Scope, codes: Vec<ProviderCode>) -> Result<u64> {
        self.read(move |conn| {
            let row = query(naming_a_code!("count(*) AS observations", ""))
                .bind(scope.company.0)
                .bind(json(&codes))
                .fetch_one(conn)?;
            row.count("observations")
        })
        .await
    }

    async fn with(&self, scope: Scope, codes: Vec<ProviderCode>, after: Option<ObservationId>) -> Result<Vec<Reread>> {
        self.read(move |conn| with(conn, scope, &codes, after)).await
    }

    async fn reread(
        &self,
        scope: Scope,
        readings: Vec<(ObservationId, Reading)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::Batch, move |conn| reread(conn, scope, &readings, at, &jobs)).await
    }
}

fn newest_version(conn: &Connection, scope: Scope) -> Done<MappingVersion> {
    query("SELECT coalesce(max(version), 0) AS newest FROM mapping_version WHERE company_id = ?")
        .bind(scope.company.0)
        .fetch_one(conn)?
        .count("newest")
}

fn publish(conn: &Connection, scope: Scope, new: &NewMapping) -> Done<MappingVersion> {
    let newest = newest_version(conn, scope)?;
    if newest != new.previous {
        return Err(Fail(StoreError::Conflict(format!(
            "mapping version {newest} was published meanwhile: look at it, then try again"
        ))));
    }
    let version = newest + 1;
    query(
        "INSERT INTO mapping_version (company_id, version, overlay, why, actor, published_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(scope.company.0)
    .bind(version)
    .bind(json(&new.overlay))
    .bind(&new.why)
    .bind(json(&scope.actor))
    .bind(micros(new.at))
    .execute(conn)?;
    Ok(version)
}

fn published(row: &Row) -> Done<PublishedMapping> {
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
pub(crate) fn check_newest<'a>(
    conn: &Connection,
    scope: Scope,
    readings: impl Iterator<Item = &'a Reading>,
) -> Done<()> {
    let Some(oldest) = readings.map(|reading| reading.mapping).min() else { return Ok(()) };
    let newest = newest_version(conn, scope)?;
    if oldest < newest {
        return Err(Fail(StoreError::Conflict(format!("mapping version {newest} was published meanwhile"))));
    }
    Ok(())
}

fn reread(
    conn: &Connection,
    scope: Scope,
    readings: &[(ObservationId, Reading)],
    at: Timestamp,
    jobs: &[NewJob],
) -> Done<()> {
    check_newest(conn, scope, readings.iter().map(|(_, reading)| reading))?;
    for (id, reading) in readings {
        let row = query("SELECT tracker_id, body FROM observation WHERE company_id = ? AND id = ?")
            .bind(scope.company.0)
            .bind(id.0)
            .fetch_optional(conn)?
            .ok_or(StoreError::NotFound("observation"))?;
        let statement = facts::Statement { id: *id, tracker: row.id("tracker_id")?, body: &row.json("body")? };
        facts::put_reading(conn, scope, &statement, reading, at)?;
    }
    for job in jobs {
        jobs::enqueue(conn, scope, job, at)?;
    }
    Ok(())
}

fn with(conn: &Connection, scope: Scope, codes: &[ProviderCode], after: Option<ObservationId>) -> Done<Vec<Reread>> {
    // no id is smaller than the empty one
    let after = after.map(|id| id.0.as_bytes().to_vec()).unwrap_or_default();
    let rows = query(naming_a_code!("o.id, o.body, o.tracker_id", "AND o.id > ?3 ORDER BY o.id LIMIT ?4"))
        .bind(scope.company.0)
        .bind(json(&codes))
        .bind(after)
        .bind(REREAD_ROWS)
        .fetch_all(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let shipments = facts::bound_to(conn, row.id("tracker_id")?)?;
        found.push(Reread { id: row.id("id")?, body: row.json("body")?, shipments });
    }
    Ok(found)
}

fn unmapped(conn: &Connection, scope: Scope) -> Done<Vec<UnmappedCode>> {
    let rows = query(
        "SELECT u.list, u.value, count(DISTINCT u.observation_id) AS observations,
                count(DISTINCT b.shipment_id) AS shipments, min(o.recorded_at) AS first_seen, max(o.recorded_at) AS last_seen
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         LEFT JOIN binding b ON b.tracker_id = o.tracker_id
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         WHERE u.company_id = ? GROUP BY u.list, u.value ORDER BY observations DESC, u.list, u.value LIMIT ?",
    )
    .bind(scope.company.0)
    .bind(UNMAPPED_ROWS)
    .fetch_all(conn)?;
    let mut codes = Vec::with_capacity(rows.len());
    for row in &rows {
        let code = ProviderCode::new(&row.text("list")?, row.text("value")?);
        codes.push(UnmappedCode {
            samples: samples(conn, scope, &code)?,
            code,
            observations: row.count("observations")?,
            shipments: row.count("shipments")?,
            first_seen: row.at("first_seen")?,
            last_seen: row.at("last_seen")?,
        });
    }
    Ok(codes)
}

fn samples(conn: &Connection, scope: Scope, code: &ProviderCode) -> Done<Vec<Sample>> {
    let rows = query(
        "SELECT o.id, o.text_subject, o.text, t.number_raw,
                (SELECT b.shipment_id FROM binding b
                 WHERE b.tracker_id = o.tracker_id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                 ORDER BY b.recorded_at, b.id LIMIT 1) AS shipment
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         JOIN tracker t ON t.id = o.tracker_id
         WHERE u.company_id = ? AND u.list = ? AND u.value = ? ORDER BY o.recorded_at DESC, o.id DESC LIMIT ?",
    )
    .bind(scope.company.0)
    .bind(&code.list)
    .bind(&code.value)
    .bind(SAMPLES)
    .fetch_all(conn)?;
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
