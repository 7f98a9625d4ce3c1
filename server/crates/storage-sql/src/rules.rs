//! Rules, their versions, counts and dry runs.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{cursor, json, micros, page, stored_count},
    jobs, query,
};
use async_trait::async_trait;
use domain::{
    ids::{ShipmentId, TrialId},
    rule::RuleId,
};
use jiff::Timestamp;
use storage::{
    AuditEntry, Page, Result, Scope,
    jobs::{Lane, NewJob},
    limits::PAGE_ROWS,
    rules::{
        PublishedRule, RULES_MAX, RuleCount, RuleFigures, RuleFiring, RuleRecord, Rules, TRIAL_ROWS, Trial, TrialRow,
        TrialWalk, VERSION_ROWS,
    },
};
use uuid::Uuid;

const DAY_US: i64 = 24 * 3600 * 1_000_000;

#[async_trait]
impl<E: Engine> Rules for Sql<E> {
    async fn all(&self, scope: Scope) -> Result<Vec<(RuleRecord, Option<PublishedRule>)>> {
        let sql = query(
            "SELECT r.*, v.version, v.content, v.written_by, v.approved_by, v.published_at, v.back_to
             FROM rule r LEFT JOIN rule_version v ON v.company_id = r.company_id AND v.rule_id = r.id AND v.version = r.active
             WHERE r.company_id = ?1 ORDER BY r.id LIMIT ?2",
        );
        let read = |row: &Row| {
            let version = row.opt_int("version")?.map(|_| published(row, "id")).transpose()?;
            Ok((rule(row)?, version))
        };
        self.rows(sql.bind(scope.company.0).bind(RULES_MAX), read).await
    }

    async fn rule(&self, scope: Scope, id: &RuleId) -> Result<Option<RuleRecord>> {
        let sql = query("SELECT * FROM rule WHERE company_id = ?1 AND id = ?2");
        self.row(sql.bind(scope.company.0).bind(id.as_str()), rule).await
    }

    async fn save(
        &self,
        scope: Scope,
        rule: RuleRecord,
        published: Option<PublishedRule>,
        audit: Option<AuditEntry>,
    ) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    if !save(db, scope, &rule).await? {
                        return Ok(false);
                    }
                    if let Some(published) = &published {
                        publish(db, scope, published).await?;
                    }
                    if let Some(audit) = &audit {
                        audit::append(db, scope, audit).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn remove(&self, scope: Scope, id: &RuleId, audit: AuditEntry) -> Result<bool> {
        let id = id.clone();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let removed = query("DELETE FROM rule WHERE company_id = ?1 AND id = ?2 AND active IS NULL")
                        .bind(scope.company.0)
                        .bind(id.as_str())
                        .execute(db)
                        .await?;
                    if removed > 0 {
                        audit::append(db, scope, &audit).await?;
                    }
                    Ok(removed > 0)
                })
            })
            .await
    }

    async fn history(&self, scope: Scope, id: &RuleId) -> Result<Vec<PublishedRule>> {
        let sql =
            query("SELECT * FROM rule_version WHERE company_id = ?1 AND rule_id = ?2 ORDER BY version DESC LIMIT ?3");
        let sql = sql.bind(scope.company.0).bind(id.as_str()).bind(VERSION_ROWS);
        self.rows(sql, |row| published(row, "rule_id")).await
    }

    async fn published(&self, scope: Scope, limit: u32) -> Result<Vec<PublishedRule>> {
        let sql = query(
            "SELECT * FROM rule_version WHERE company_id = ?1 ORDER BY published_at DESC, rule_id, version DESC LIMIT ?2",
        );
        self.rows(sql.bind(scope.company.0).bind(limit), |row| published(row, "rule_id")).await
    }

    async fn count(
        &self,
        scope: Scope,
        counts: Vec<RuleCount>,
        firings: Vec<RuleFiring>,
        forget_before: Timestamp,
    ) -> Result<()> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move { count(db, scope, &counts, &firings, forget_before).await })
            })
            .await
    }

    async fn figures(&self, scope: Scope, since: Timestamp) -> Result<Vec<(RuleId, RuleFigures)>> {
        self.0.read(move |db| Box::pin(async move { figures(db, scope, since).await })).await
    }

    async fn begin_trial(&self, scope: Scope, trial: Trial, job: NewJob, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    begin_trial(db, scope, &trial).await?;
                    jobs::enqueue(db, scope, &job, trial.at).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn step_trial(&self, scope: Scope, trial: Trial, rows: Vec<TrialRow>, job: Option<NewJob>) -> Result<bool> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move { step_trial(db, scope, &trial, &rows, job.as_ref()).await })
            })
            .await
    }

    async fn trial(&self, scope: Scope, id: TrialId) -> Result<Option<Trial>> {
        let sql = query("SELECT * FROM rule_trial WHERE company_id = ?1 AND id = ?2");
        self.row(sql.bind(scope.company.0).bind(id.0), trial).await
    }

    async fn newest_trial(&self, scope: Scope, rule: &RuleId) -> Result<Option<Trial>> {
        let sql = query(
            "SELECT * FROM rule_trial WHERE company_id = ?1 AND rule_id = ?2 ORDER BY started_at DESC, id DESC LIMIT 1",
        );
        self.row(sql.bind(scope.company.0).bind(rule.as_str()), trial).await
    }

    async fn trial_rows(&self, scope: Scope, id: TrialId, from: Option<String>) -> Result<Page<TrialRow>> {
        let from: (i64, i64) = cursor::decode(from.as_deref()).unwrap_or((i64::MIN, i64::MIN));
        let sql = query(
            "SELECT * FROM rule_trial_row WHERE company_id = ?1 AND trial_id = ?2 AND (rank, place) > (?3, ?4)
             ORDER BY rank, place LIMIT ?5",
        );
        let sql = sql.bind(scope.company.0).bind(id.0).bind(from.0).bind(from.1).bind(i64::from(PAGE_ROWS) + 1);
        let rows = self.rows(sql, |row| Ok((row.int("rank")?, row.int("place")?, row.json::<TrialRow>("data")?)));
        let page = page(rows.await?, |(rank, place, _)| cursor::encode(&(*rank, *place)));
        Ok(Page { rows: page.rows.into_iter().map(|(.., row)| row).collect(), next: page.next })
    }

    async fn walk(&self, scope: Scope, walk: TrialWalk, limit: u32) -> Result<Vec<ShipmentId>> {
        let sql = query(
            "SELECT s.id FROM shipment s
             WHERE s.company_id = ?1 AND s.id > ?2 AND s.updated_at >= ?3 AND s.origin IS NOT NULL AND s.merged_into IS NULL
             ORDER BY s.id LIMIT ?4",
        );
        let after = walk.after.map_or_else(Uuid::nil, |id| id.0);
        self.rows(sql.bind(scope.company.0).bind(after).bind(walk.since).bind(limit), |row| row.id("id")).await
    }

    async fn walk_total(&self, scope: Scope, since: Timestamp) -> Result<u64> {
        let sql = query(
            "SELECT count(*) AS n FROM shipment s
             WHERE s.company_id = ?1 AND s.updated_at >= ?2 AND s.origin IS NOT NULL AND s.merged_into IS NULL",
        );
        Ok(self.row(sql.bind(scope.company.0).bind(since), |row| row.count("n")).await?.unwrap_or(0))
    }

    async fn under_way(&self, scope: Scope, after: Option<ShipmentId>, limit: u32) -> Result<Vec<ShipmentId>> {
        let sql = query(
            "SELECT s.id FROM shipment s
             WHERE s.company_id = ?1 AND s.id > ?2 AND {not s.terminal} AND s.origin IS NOT NULL AND s.merged_into IS NULL
             ORDER BY s.id LIMIT ?3",
        );
        let after = after.map_or_else(Uuid::nil, |id| id.0);
        self.rows(sql.bind(scope.company.0).bind(after).bind(limit), |row| row.id("id")).await
    }
}

async fn save(db: &mut dyn Db, scope: Scope, rule: &RuleRecord) -> Result<bool> {
    let sql = if rule.revision == 0 {
        "INSERT INTO rule (company_id, id, owner, active, halt, draft, created_at, updated_at, revision)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 + 1
         WHERE (SELECT count(*) FROM rule WHERE company_id = ?1) < ?10 ON CONFLICT (company_id, id) DO NOTHING"
    } else {
        "UPDATE rule SET owner = ?3, active = ?4, halt = ?5, draft = ?6, created_at = ?7, updated_at = ?8, revision = ?9 + 1
         WHERE company_id = ?1 AND id = ?2 AND revision = ?9 AND ?10 > 0"
    };
    let saved = query(sql)
        .bind(scope.company.0)
        .bind(rule.id.as_str())
        .bind(rule.owner.map(|owner| owner.0))
        .bind(rule.active.map(i64::from))
        .bind(rule.halt.as_ref().map(json))
        .bind(rule.draft.as_ref().map(json))
        .bind(micros(rule.created_at))
        .bind(micros(rule.updated_at))
        .bind(stored_count(rule.revision))
        .bind(RULES_MAX)
        .execute(db)
        .await?;
    Ok(saved > 0)
}

async fn publish(db: &mut dyn Db, scope: Scope, version: &PublishedRule) -> Result<()> {
    query(
        "INSERT INTO rule_version (company_id, rule_id, version, content, written_by, approved_by, published_at, back_to)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(scope.company.0)
    .bind(version.rule.as_str())
    .bind(version.version)
    .bind(json(&version.content))
    .bind(json(&version.by))
    .bind(version.approved_by.as_ref().map(json))
    .bind(micros(version.at))
    .bind(version.back_to.map(i64::from))
    .execute(db)
    .await?;
    Ok(())
}

async fn count(
    db: &mut dyn Db,
    scope: Scope,
    counts: &[RuleCount],
    firings: &[RuleFiring],
    forget_before: Timestamp,
) -> Result<()> {
    for one in counts {
        query(
            "INSERT INTO rule_day (company_id, rule_id, day, fired, failed, postponed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (company_id, rule_id, day) DO UPDATE SET fired = rule_day.fired + excluded.fired,
                 failed = rule_day.failed + excluded.failed, postponed = rule_day.postponed + excluded.postponed",
        )
        .bind(scope.company.0)
        .bind(one.rule.as_str())
        .bind(one.day)
        .bind(stored_count(one.fired))
        .bind(stored_count(one.failed))
        .bind(stored_count(one.delayed))
        .execute(db)
        .await?;
    }
    for one in firings {
        query(
            "INSERT INTO rule_firing (company_id, rule_id, exception_id, shipment_id, fired_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )
        .bind(scope.company.0)
        .bind(one.rule.as_str())
        .bind(one.exception.0)
        .bind(one.shipment.0)
        .bind(micros(one.at))
        .execute(db)
        .await?;
    }
    query("DELETE FROM rule_firing WHERE company_id = ?1 AND fired_at < ?2")
        .bind(scope.company.0)
        .bind(forget_before)
        .execute(db)
        .await?;
    query("DELETE FROM rule_day WHERE company_id = ?1 AND day < ?2")
        .bind(scope.company.0)
        .bind(forget_before.as_microsecond() / DAY_US)
        .execute(db)
        .await?;
    Ok(())
}

async fn figures(db: &mut dyn Db, scope: Scope, since: Timestamp) -> Result<Vec<(RuleId, RuleFigures)>> {
    let days = query(
        "SELECT rule_id, CAST(sum(fired) AS BIGINT) AS fired, CAST(sum(failed) AS BIGINT) AS failed,
                CAST(sum(postponed) AS BIGINT) AS postponed
         FROM rule_day
         WHERE company_id = ?1 AND day >= ?2 GROUP BY rule_id ORDER BY rule_id",
    )
    .bind(scope.company.0)
    .bind(since.as_microsecond().div_euclid(DAY_US))
    .all(db)
    .await?;
    let exceptions = query(
        "SELECT f.rule_id, count(*) AS n,
                sum(CASE WHEN e.closed_at IS NOT NULL AND e.resolution <> 'person' AND e.owner_id IS NULL AND e.acknowledged_at IS NULL
                    THEN 1 ELSE 0 END) AS healed
         FROM rule_firing f JOIN exception e ON e.id = f.exception_id
         WHERE f.company_id = ?1 AND f.fired_at >= ?2 GROUP BY f.rule_id",
    )
    .bind(scope.company.0)
    .bind(since)
    .all(db)
    .await?;
    let mut figures = Vec::new();
    for row in &days {
        let id = row.text("rule_id")?;
        let of_it = exceptions.iter().find(|other| other.str("rule_id").is_ok_and(|other| other == id));
        let of = |column: &str| of_it.map_or(Ok(0), |row| row.count(column));
        let of_rule = RuleFigures {
            fired: row.count("fired")?,
            failed: row.count("failed")?,
            delayed: row.count("postponed")?,
            exceptions: of("n")?,
            auto_resolved: of("healed")?,
        };
        figures.push((rule_id(&id)?, of_rule));
    }
    Ok(figures)
}

async fn begin_trial(db: &mut dyn Db, scope: Scope, trial: &Trial) -> Result<()> {
    query("INSERT INTO rule_trial (id, company_id, rule_id, data, started_at, step) VALUES (?1, ?2, ?3, ?4, ?5, 0)")
        .bind(trial.id.0)
        .bind(scope.company.0)
        .bind(trial.rule.as_str())
        .bind(json(trial))
        .bind(micros(trial.at))
        .execute(db)
        .await?;
    query(
        "DELETE FROM rule_trial WHERE company_id = ?1 AND rule_id = ?2 AND id NOT IN (
             SELECT id FROM rule_trial WHERE company_id = ?1 AND rule_id = ?2 ORDER BY started_at DESC, id DESC LIMIT ?3)",
    )
    .bind(scope.company.0)
    .bind(trial.rule.as_str())
    .bind(TRIAL_ROWS)
    .execute(db)
    .await?;
    Ok(())
}

async fn step_trial(
    db: &mut dyn Db,
    scope: Scope,
    trial: &Trial,
    rows: &[TrialRow],
    job: Option<&NewJob>,
) -> Result<bool> {
    let kept = query("UPDATE rule_trial SET data = ?1, step = ?2 WHERE company_id = ?3 AND id = ?4 AND step = ?2 - 1")
        .bind(json(trial))
        .bind(stored_count(trial.step))
        .bind(scope.company.0)
        .bind(trial.id.0)
        .execute(db)
        .await?;
    if kept == 0 {
        return Ok(false);
    }
    for (n, row) in rows.iter().enumerate() {
        query("INSERT INTO rule_trial_row (company_id, trial_id, rank, place, data) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(scope.company.0)
            .bind(trial.id.0)
            .bind(rank(row))
            // steps are far apart: no two rows have one place
            .bind(stored_count(trial.step * 1_000_000 + n as u64))
            .bind(json(row))
            .execute(db)
            .await?;
    }
    if let Some(job) = job {
        jobs::enqueue(db, scope, job, job.run_at).await?;
    }
    Ok(true)
}

/// Those that needed a person first, then the longest; what goes on has lasted longest.
fn rank(row: &TrialRow) -> i64 {
    let lasted = row.lasted_minutes.unwrap_or(i64::from(i32::MAX)).clamp(0, i64::from(i32::MAX));
    i64::from(!row.needed) * (1 << 40) - lasted
}

fn rule_id(text: &str) -> Result<RuleId> {
    text.parse().map_err(storage::StoreError::Damaged)
}

fn rule(row: &Row) -> Result<RuleRecord> {
    Ok(RuleRecord {
        id: rule_id(row.str("id")?)?,
        owner: row.opt_id("owner")?,
        active: row.opt_int("active")?.and_then(|version| version.try_into().ok()),
        halt: row.opt_json("halt")?,
        draft: row.opt_json("draft")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}

fn published(row: &Row, id: &str) -> Result<PublishedRule> {
    Ok(PublishedRule {
        rule: rule_id(row.str(id)?)?,
        version: row.count("version")?,
        content: row.json("content")?,
        by: row.json("written_by")?,
        approved_by: row.opt_json("approved_by")?,
        at: row.at("published_at")?,
        back_to: row.opt_int("back_to")?.and_then(|version| version.try_into().ok()),
    })
}

fn trial(row: &Row) -> Result<Trial> {
    row.json("data")
}
