//! The gates in front of the destinations.

use crate::{Db, Engine, Sql, audit, codec::json, query};
use async_trait::async_trait;
use std::collections::BTreeMap;
use storage::{
    AuditEntry, Result, Scope,
    destinations::{Breaker, Destinations, Health, Pause},
    jobs::Lane,
};

#[async_trait]
impl<E: Engine> Destinations for Sql<E> {
    async fn breakers(&self, scope: Scope) -> Result<BTreeMap<String, Breaker>> {
        self.0.look_up(move |db| Box::pin(async move { breakers(db, scope).await })).await
    }

    async fn pause(&self, scope: Scope, destination: &str, pause: Option<Pause>, audit: AuditEntry) -> Result<()> {
        let destination = destination.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query(
                        "INSERT INTO destination (company_id, name, paused, health) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (company_id, name) DO UPDATE SET paused = excluded.paused,
                         health = CASE WHEN excluded.paused IS NULL THEN excluded.health ELSE destination.health END",
                    )
                    .bind(scope.company.0)
                    .bind(destination)
                    .bind(pause.as_ref().map(json))
                    .bind(json(&Health::default()))
                    .execute(db)
                    .await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn set_health(&self, scope: Scope, destination: &str, expected: Health, health: Health) -> Result<bool> {
        let destination = destination.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query(
                        "INSERT INTO destination (company_id, name, health) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    )
                    .bind(scope.company.0)
                    .bind(&destination)
                    .bind(json(&Health::default()))
                    .execute(db)
                    .await?;
                    let set =
                        query("UPDATE destination SET health = ?1 WHERE company_id = ?2 AND name = ?3 AND health = ?4")
                            .bind(json(&health))
                            .bind(scope.company.0)
                            .bind(destination)
                            .bind(json(&expected))
                            .execute(db)
                            .await?;
                    Ok(set == 1)
                })
            })
            .await
    }
}

async fn breakers(db: &mut dyn Db, scope: Scope) -> Result<BTreeMap<String, Breaker>> {
    let rows = query("SELECT name, paused, health FROM destination WHERE company_id = ?1")
        .bind(scope.company.0)
        .all(db)
        .await?;
    rows.iter()
        .map(|row| Ok((row.text("name")?, Breaker { paused: row.opt_json("paused")?, health: row.json("health")? })))
        .collect()
}
