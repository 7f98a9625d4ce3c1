//! Published mappings, and what was said in the codes that they are for.

use crate::{
    PostgresStore, Turn, audit,
    codec::{Columns, Done, Fail, clean, id_list, json, micros},
    facts, jobs, lock,
};
use async_trait::async_trait;
use domain::{
    ids::ObservationId,
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reading},
};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::HashMap;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::NewJob,
    limits::{MAPPING_ROWS, REREAD_ROWS, SAMPLES},
    mappings::{Mappings, NewMapping, PublishedMapping, Reread, Sample, UnmappedCode},
};

/// Unmapped codes of one read.
const UNMAPPED_ROWS: i64 = 500;

/// The observations that name one of the codes (`$2`) in any place, as the mapping may look them up.
macro_rules! naming_a_code {
    ($columns:literal, $rest:literal) => {
        concat!("SELECT ", $columns, " FROM observation o WHERE o.company_id = $1 AND o.codes && $2 ", $rest)
    };
}

/// Every code that a statement names, as `list value`: no list has a space in it.
pub(crate) fn codes_of(body: &Observation) -> Vec<String> {
    let codes = &body.codes;
    codes.status.iter().chain(&codes.coarse).chain(&codes.reason).map(code_text).collect()
}

fn code_text(code: &ProviderCode) -> String {
    clean(&format!("{} {}", code.list, code.value)).into_owned()
}

fn code_texts(codes: &[ProviderCode]) -> Vec<String> {
    codes.iter().map(code_text).collect()
}

#[async_trait]
impl Mappings for PostgresStore {
    async fn publish(&self, scope: Scope, new: NewMapping, audit: AuditEntry) -> Result<MappingVersion> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                let version = publish(conn, scope, &new).await?;
                jobs::enqueue(conn, scope, &new.job, new.at).await?;
                audit::append(conn, scope, &audit).await?;
                Ok(version)
            })
        })
        .await
    }

    async fn newest(&self, scope: Scope) -> Result<Option<PublishedMapping>> {
        let mut read = self.read().await?;
        let row = sqlx::query("SELECT * FROM mapping_version WHERE company_id = $1 ORDER BY version DESC LIMIT 1")
            .bind(scope.company.0)
            .fetch_optional(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(row.as_ref().map(published).transpose()?)
    }

    async fn published(&self, scope: Scope, version: MappingVersion) -> Result<Option<PublishedMapping>> {
        let mut read = self.read().await?;
        let row = sqlx::query("SELECT * FROM mapping_version WHERE company_id = $1 AND version = $2")
            .bind(scope.company.0)
            .bind(i64::from(version))
            .fetch_optional(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(row.as_ref().map(published).transpose()?)
    }

    async fn history(&self, scope: Scope) -> Result<Vec<PublishedMapping>> {
        let mut read = self.read().await?;
        let rows = sqlx::query("SELECT * FROM mapping_version WHERE company_id = $1 ORDER BY version DESC LIMIT $2")
            .bind(scope.company.0)
            .bind(i64::from(MAPPING_ROWS))
            .fetch_all(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(rows.iter().map(published).collect::<Done<_>>()?)
    }

    async fn unmapped(&self, scope: Scope) -> Result<Vec<UnmappedCode>> {
        let mut read = self.read().await?;
        Ok(unmapped(&mut read, scope).await?)
    }

    async fn unmapped_count(&self, scope: Scope) -> Result<u64> {
        let mut read = self.read().await?;
        let row = sqlx::query(
            "SELECT count(*) AS codes FROM (SELECT DISTINCT list, value FROM unmapped WHERE company_id = $1) u",
        )
        .bind(scope.company.0)
        .fetch_one(&mut *read)
        .await
        .map_err(Fail::from)?;
        Ok(row.count("codes")?)
    }

    async fn count_with(&self, scope: Scope, codes: Vec<ProviderCode>) -> Result<u64> {
        let mut read = self.read().await?;
        let row = sqlx::query(naming_a_code!("count(*) AS observations", ""))
            .bind(scope.company.0)
            .bind(code_texts(&codes))
            .fetch_one(&mut *read)
            .await
            .map_err(Fail::from)?;
        Ok(row.count("observations")?)
    }

    async fn with(&self, scope: Scope, codes: Vec<ProviderCode>, after: Option<ObservationId>) -> Result<Vec<Reread>> {
        let mut read = self.read().await?;
        Ok(with(&mut read, scope, &codes, after).await?)
    }

    async fn reread(
        &self,
        scope: Scope,
        readings: Vec<(ObservationId, Reading)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.write(Turn::Batch, move |conn| Box::pin(async move { reread(conn, scope, &readings, at, &jobs).await }))
            .await
    }
}

/// The newest version of a company's mapping; 0 before the first.
macro_rules! newest_of {
    ($company:literal) => {
        concat!("(SELECT coalesce(max(version), 0) FROM mapping_version WHERE company_id = ", $company, ")")
    };
}
pub(crate) use newest_of;

async fn newest_version(conn: &mut PgConnection, scope: Scope) -> Done<MappingVersion> {
    sqlx::query(concat!("SELECT ", newest_of!("$1"), " AS newest"))
        .bind(scope.company.0)
        .fetch_one(conn)
        .await?
        .count("newest")
}

async fn publish(conn: &mut PgConnection, scope: Scope, new: &NewMapping) -> Done<MappingVersion> {
    lock::mapping_changes(conn, scope.company).await?;
    let newest = newest_version(conn, scope).await?;
    if newest != new.previous {
        return Err(Fail(StoreError::Conflict(format!(
            "mapping version {newest} was published meanwhile: look at it, then try again"
        ))));
    }
    let version = newest + 1;
    sqlx::query(
        "INSERT INTO mapping_version (company_id, version, overlay, why, actor, published_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope.company.0)
    .bind(i64::from(version))
    .bind(json(&new.overlay))
    .bind(&new.why)
    .bind(json(&scope.actor))
    .bind(micros(new.at))
    .execute(conn)
    .await?;
    Ok(version)
}

fn published(row: &PgRow) -> Done<PublishedMapping> {
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
pub(crate) fn check_newest<'a>(newest: MappingVersion, readings: impl Iterator<Item = &'a Reading>) -> Done<()> {
    match readings.map(|reading| reading.mapping).min() {
        Some(oldest) if oldest < newest => {
            Err(Fail(StoreError::Conflict(format!("mapping version {newest} was published meanwhile"))))
        }
        _ => Ok(()),
    }
}

async fn reread(
    conn: &mut PgConnection,
    scope: Scope,
    readings: &[(ObservationId, Reading)],
    at: Timestamp,
    jobs: &[NewJob],
) -> Done<()> {
    lock::mapping_stays(conn, scope.company).await?;
    check_newest(newest_version(conn, scope).await?, readings.iter().map(|(_, reading)| reading))?;
    let ids = id_list(readings.iter().map(|(id, _)| id.0));
    let rows = sqlx::query("SELECT o.id, o.body FROM unnest($2::uuid[]) f (id) CROSS JOIN LATERAL (SELECT id, body FROM observation WHERE company_id = $1 AND id = f.id LIMIT 1) o")
        .bind(scope.company.0)
        .bind(ids)
        .fetch_all(&mut *conn)
        .await?;
    let mut bodies: HashMap<ObservationId, Observation> =
        rows.iter().map(|row| Ok((row.id("id")?, row.json("body")?))).collect::<Done<_>>()?;
    let readings = readings
        .iter()
        .map(|(id, reading)| Ok((*id, bodies.remove(id).ok_or(StoreError::NotFound("observation"))?, reading)))
        .collect::<Done<Vec<_>>>()?;
    facts::put_readings(conn, scope, &readings, at).await?;
    jobs::enqueue_all(conn, scope, jobs, at).await.map(drop)
}

async fn with(
    conn: &mut PgConnection,
    scope: Scope,
    codes: &[ProviderCode],
    after: Option<ObservationId>,
) -> Done<Vec<Reread>> {
    // no observation has the smallest id
    let after = after.map_or(uuid::Uuid::nil(), |id| id.0);
    let rows = sqlx::query(naming_a_code!("o.id, o.body, o.tracker_id", "AND o.id > $3 ORDER BY o.id LIMIT $4"))
        .bind(scope.company.0)
        .bind(code_texts(codes))
        .bind(after)
        .bind(i64::from(REREAD_ROWS))
        .fetch_all(&mut *conn)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let shipments = facts::bound_to(conn, row.id("tracker_id")?).await?;
        found.push(Reread { id: row.id("id")?, body: row.json("body")?, shipments });
    }
    Ok(found)
}

async fn unmapped(conn: &mut PgConnection, scope: Scope) -> Done<Vec<UnmappedCode>> {
    let rows = sqlx::query(
        "SELECT u.list, u.value, count(DISTINCT u.observation_id) AS observations,
                count(DISTINCT b.shipment_id) AS shipments, min(o.recorded_at) AS first_seen, max(o.recorded_at) AS last_seen
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         LEFT JOIN binding b ON b.tracker_id = o.tracker_id
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         WHERE u.company_id = $1 GROUP BY u.list, u.value ORDER BY observations DESC, u.list, u.value LIMIT $2",
    )
    .bind(scope.company.0)
    .bind(UNMAPPED_ROWS)
    .fetch_all(&mut *conn)
    .await?;
    let mut codes = Vec::with_capacity(rows.len());
    for row in &rows {
        let code = ProviderCode::new(&row.text("list")?, row.text("value")?);
        codes.push(UnmappedCode {
            samples: samples(conn, scope, &code).await?,
            code,
            observations: row.count("observations")?,
            shipments: row.count("shipments")?,
            first_seen: row.at("first_seen")?,
            last_seen: row.at("last_seen")?,
        });
    }
    Ok(codes)
}

async fn samples(conn: &mut PgConnection, scope: Scope, code: &ProviderCode) -> Done<Vec<Sample>> {
    let rows = sqlx::query(
        "SELECT o.id, o.text_subject, o.text, t.number_raw,
                (SELECT b.shipment_id FROM binding b
                 WHERE b.tracker_id = o.tracker_id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                 ORDER BY b.recorded_at, b.id LIMIT 1) AS shipment
         FROM unmapped u
         JOIN observation o ON o.company_id = u.company_id AND o.id = u.observation_id
         JOIN tracker t ON t.id = o.tracker_id
         WHERE u.company_id = $1 AND u.list = $2 AND u.value = $3 ORDER BY o.recorded_at DESC, o.id DESC LIMIT $4",
    )
    .bind(scope.company.0)
    .bind(&code.list)
    .bind(&code.value)
    .bind(i64::from(SAMPLES))
    .fetch_all(conn)
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
