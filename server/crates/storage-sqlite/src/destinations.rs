//! The gates in front of the destinations.

use crate::{
    SqliteStore, audit,
    codec::{Done, json},
    sql::query,
    writer::Turn,
};
use async_trait::async_trait;
use rusqlite::Connection;
use std::collections::BTreeMap;
use storage::{
    AuditEntry, Result, Scope,
    destinations::{Destinations, Gate, Health, Pause},
};

#[async_trait]
impl Destinations for SqliteStore {
    async fn gates(&self, scope: Scope) -> Result<BTreeMap<String, Gate>> {
        self.read(move |conn| gates(conn, scope)).await
    }

    async fn pause(&self, scope: Scope, destination: &str, pause: Option<Pause>, audit: AuditEntry) -> Result<()> {
        let destination = destination.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query(
                "INSERT INTO destination (company_id, name, paused, health) VALUES (?, ?, ?, ?)
                 ON CONFLICT (company_id, name) DO UPDATE SET paused = excluded.paused",
            )
            .bind(scope.company.0)
            .bind(&destination)
            .bind(pause.as_ref().map(json))
            .bind(json(&Health::default()))
            .execute(conn)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn set_health(&self, scope: Scope, destination: &str, expected: Health, health: Health) -> Result<bool> {
        let destination = destination.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("INSERT INTO destination (company_id, name, health) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(scope.company.0)
                .bind(&destination)
                .bind(json(&Health::default()))
                .execute(conn)?;
            let set = query("UPDATE destination SET health = ? WHERE company_id = ? AND name = ? AND health = ?")
                .bind(json(&health))
                .bind(scope.company.0)
                .bind(&destination)
                .bind(json(&expected))
                .execute(conn)?;
            Ok(set == 1)
        })
        .await
    }
}

fn gates(conn: &Connection, scope: Scope) -> Done<BTreeMap<String, Gate>> {
    let rows = query("SELECT name, paused, health FROM destination WHERE company_id = ?")
        .bind(scope.company.0)
        .fetch_all(conn)?;
    rows.iter()
        .map(|row| Ok((row.text("name")?, Gate { paused: row.opt_json("paused")?, health: row.json("health")? })))
        .collect()
}
