//! Schedules.

use crate::{Db, Engine, Row, Sql, audit, codec::micros, jobs, query};
use async_trait::async_trait;
use jiff::Timestamp;
use storage::{
    AuditEntry, Result, Scope,
    jobs::{Lane, NewJob},
    schedules::{Schedule, Schedules},
};

#[async_trait]
impl<E: Engine> Schedules for Sql<E> {
    async fn all(&self, scope: Scope) -> Result<Vec<Schedule>> {
        self.0.look_up(move |db| Box::pin(async move { all(db, scope).await })).await
    }

    async fn put(&self, scope: Scope, schedule: Schedule, audit: Option<AuditEntry>) -> Result<()> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    put(db, scope, &schedule).await?;
                    match audit {
                        Some(audit) => audit::append(db, scope, &audit).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    async fn start(
        &self,
        scope: Scope,
        name: &str,
        expected: Timestamp,
        next: Timestamp,
        job: NewJob,
        now: Timestamp,
    ) -> Result<bool> {
        let name = name.to_owned();
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    let started = query(
                        "UPDATE schedule SET next_at = ?1, last_at = ?2 WHERE company_id = ?3 AND name = ?4 AND next_at = ?5",
                    )
                    .bind(micros(next))
                    .bind(micros(now))
                    .bind(scope.company.0)
                    .bind(&name)
                    .bind(micros(expected))
                    .execute(db)
                    .await?;
                    if started == 1 {
                        jobs::enqueue(db, scope, &job, now).await?;
                    }
                    Ok(started == 1)
                })
            })
            .await
    }

    async fn hurry(&self, scope: Scope, now: Timestamp) -> Result<()> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    query("UPDATE schedule SET next_at = ?1 WHERE company_id = ?2")
                        .bind(micros(now))
                        .bind(scope.company.0)
                        .execute(db)
                        .await
                        .map(drop)
                })
            })
            .await
    }
}

async fn all(db: &mut dyn Db, scope: Scope) -> Result<Vec<Schedule>> {
    let rows =
        query("SELECT * FROM schedule WHERE company_id = ?1 ORDER BY name").bind(scope.company.0).all(db).await?;
    rows.iter().map(schedule).collect()
}

async fn put(db: &mut dyn Db, scope: Scope, schedule: &Schedule) -> Result<()> {
    query(
        "INSERT INTO schedule (company_id, name, kind, target, destination, expression, zone, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (company_id, name) DO UPDATE SET kind = excluded.kind, target = excluded.target, destination = excluded.destination,
             expression = excluded.expression, zone = excluded.zone, next_at = excluded.next_at",
    )
    .bind(scope.company.0)
    .bind(&schedule.name)
    .bind(schedule.kind.code())
    .bind(&schedule.target)
    .bind(&schedule.destination)
    .bind(&schedule.expression)
    .bind(&schedule.zone)
    .bind(micros(schedule.next_at))
    .execute(db)
    .await
    .map(drop)
}

fn schedule(row: &Row) -> Result<Schedule> {
    Ok(Schedule {
        name: row.text("name")?,
        kind: row.word("kind")?,
        target: row.text("target")?,
        destination: row.opt_text("destination")?,
        expression: row.text("expression")?,
        zone: row.text("zone")?,
        next_at: row.at("next_at")?,
        last_at: row.opt_at("last_at")?,
    })
}
