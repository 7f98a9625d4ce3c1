//! The gates in front of the destinations.

use crate::{
    PostgresStore, Turn, audit,
    codec::{Columns, Done, json},
};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use storage::{
    AuditEntry, Result, Scope,
    destinations::{Destinations, Gate, Health, Pause},
};

#[async_trait]
impl Destinations for PostgresStore {
    async fn gates(&self, scope: Scope) -> Result<BTreeMap<String, Gate>> {
        let mut read = self.read_one().await?;
        let gates = gates(&mut read, scope).await?;
        read.give_back();
        Ok(gates)
    }

    async fn pause(&self, scope: Scope, destination: &str, pause: Option<Pause>, audit: AuditEntry) -> Result<()> {
        let destination = destination.to_owned();
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO destination (company_id, name, paused, health) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (company_id, name) DO UPDATE SET paused = excluded.paused",
                )
                .bind(scope.company.0)
                .bind(destination)
                .bind(pause.as_ref().map(json))
                .bind(json(&Health::default()))
                .execute(&mut *conn)
                .await?;
                audit::append(conn, scope, &audit).await
            })
        })
        .await
    }

    async fn set_health(&self, scope: Scope, destination: &str, expected: Health, health: Health) -> Result<bool> {
        let destination = destination.to_owned();
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO destination (company_id, name, health) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                )
                .bind(scope.company.0)
                .bind(&destination)
                .bind(json(&Health::default()))
                .execute(&mut *conn)
                .await?;
                let set = sqlx::query(
                    "UPDATE destination SET health = $1 WHERE company_id = $2 AND name = $3 AND health = $4",
                )
                .bind(json(&health))
                .bind(scope.company.0)
                .bind(destination)
                .bind(json(&expected))
                .execute(conn)
                .await?;
                Ok(set.rows_affected() == 1)
            })
        })
        .await
    }
}

async fn gates(conn: &mut PgConnection, scope: Scope) -> Done<BTreeMap<String, Gate>> {
    let rows = sqlx::query("SELECT name, paused, health FROM destination WHERE company_id = $1")
        .bind(scope.company.0)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.text("name")?, Gate { paused: row.opt_json("paused")?, health: row.json("health")? })))
        .collect()
}
