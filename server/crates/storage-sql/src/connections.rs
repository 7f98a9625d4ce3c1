//! Connections.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{json, micros, opt_micros, stored_count},
    keys, query,
};
use async_trait::async_trait;
use domain::ids::SourceId;
use storage::{
    Actor, AuditEntry, Result, Scope, StoreError, WrappedKey,
    connections::{ConnectionRecord, Connections, Hour, TRAFFIC_HOURS, Traffic},
    destinations::Health,
    jobs::Lane,
};

#[async_trait]
impl<E: Engine> Connections for Sql<E> {
    async fn all(&self, scope: Scope) -> Result<Vec<ConnectionRecord>> {
        self.0.look_up(move |db| Box::pin(async move { all(db, scope).await })).await
    }

    async fn by_name(&self, name: &str) -> Result<Option<(Scope, ConnectionRecord, Option<WrappedKey>)>> {
        let name = name.to_owned();
        self.0.look_up(move |db| Box::pin(async move { by_name(db, name).await })).await
    }

    async fn put(
        &self,
        scope: Scope,
        record: ConnectionRecord,
        key: Option<WrappedKey>,
        audit: AuditEntry,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    if let Some(key) = &key {
                        keys::put_key(db, scope, key, audit.at).await?;
                    }
                    put(db, scope, &record).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn is_used(&self, scope: Scope, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.0.look_up(move |db| Box::pin(async move { is_used(db, scope, name).await })).await
    }

    async fn end_work(&self, scope: Scope, name: &str) -> Result<u64> {
        let name = name.to_owned();
        self.0.write(Lane::Batch, move |db| Box::pin(async move { end_work(db, scope, &name).await })).await
    }

    async fn version(&self, scope: Scope) -> Result<u64> {
        self.0.look_up(move |db| Box::pin(async move { version(db, scope).await })).await
    }

    async fn tested(&self, scope: Scope, id: SourceId, version: u64, report: String, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let kept =
                        query("UPDATE connection SET tested = ?1 WHERE company_id = ?2 AND id = ?3 AND version = ?4")
                            .bind(report)
                            .bind(scope.company.0)
                            .bind(id.0)
                            .bind(stored_count(version))
                            .execute(db)
                            .await?;
                    if kept == 0 {
                        return Err(StoreError::Conflict(
                            "the connection was changed while it was tested: test it again".into(),
                        ));
                    }
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn traffic(&self, scope: Scope, traffic: Vec<Traffic>) -> Result<()> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    for one in &traffic {
                        add(db, scope, one).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn hours(&self, scope: Scope, since: i64) -> Result<Vec<Hour>> {
        self.0.look_up(move |db| Box::pin(async move { hours(db, scope, since).await })).await
    }
}

async fn all(db: &mut dyn Db, scope: Scope) -> Result<Vec<ConnectionRecord>> {
    let rows =
        query("SELECT * FROM connection WHERE company_id = ?1 ORDER BY name").bind(scope.company.0).all(db).await?;
    rows.iter().map(record).collect()
}

async fn by_name(db: &mut dyn Db, name: String) -> Result<Option<(Scope, ConnectionRecord, Option<WrappedKey>)>> {
    let Some(row) = query("SELECT * FROM connection WHERE name = ?1").bind(name).optional(db).await? else {
        return Ok(None);
    };
    let record = record(&row)?;
    let scope = Scope { company: row.id("company_id")?, actor: Actor::System };
    let key = keys::key(db, scope, record.secrets.subject).await?;
    Ok(Some((scope, record, key)))
}

async fn is_used(db: &mut dyn Db, scope: Scope, name: String) -> Result<bool> {
    let found = query(
        "SELECT 1 AS used WHERE
             EXISTS (SELECT 1 FROM shipment WHERE company_id = ?1 AND origin_system = ?2 AND origin IS NOT NULL)
             OR EXISTS (SELECT 1 FROM order_problem WHERE company_id = ?1 AND system = ?2)
             OR EXISTS (SELECT 1 FROM desk_case WHERE company_id = ?1 AND desk = ?2)",
    )
    .bind(scope.company.0)
    .bind(name)
    .optional(db)
    .await?;
    Ok(found.is_some())
}

async fn end_work(db: &mut dyn Db, scope: Scope, name: &str) -> Result<u64> {
    query("DELETE FROM order_problem WHERE company_id = ?1 AND system = ?2")
        .bind(scope.company.0)
        .bind(name)
        .execute(db)
        .await?;
    query("DELETE FROM job WHERE company_id = ?1 AND destination = ?2 AND status IN ('ready', 'retrying', 'dead')")
        .bind(scope.company.0)
        .bind(name)
        .execute(db)
        .await
}

async fn version(db: &mut dyn Db, scope: Scope) -> Result<u64> {
    query("SELECT CAST(coalesce(sum(version), 0) AS BIGINT) AS version FROM connection WHERE company_id = ?1")
        .bind(scope.company.0)
        .one(db)
        .await?
        .count("version")
}

async fn put(db: &mut dyn Db, scope: Scope, record: &ConnectionRecord) -> Result<()> {
    let conflict = |what: String| Err(StoreError::Conflict(what));
    let taken = query("SELECT 1 AS taken FROM connection WHERE name = ?1 AND id <> ?2")
        .bind(&record.name)
        .bind(record.id.0)
        .optional(db)
        .await?;
    if taken.is_some() {
        return conflict(format!("there is another connection {}", record.name));
    }
    let known = query(
        "SELECT company_id, version, scheme, settings, secrets_subject, secrets FROM connection WHERE id = ?1 {for update}",
    )
    .bind(record.id.0)
    .optional(db)
    .await?;
    let (mut other_secrets, mut other_settings) = (false, false);
    if let Some(known) = known {
        other_secrets = known.opt_sealed("secrets_subject", "secrets")?.as_ref() != Some(&record.secrets);
        other_settings = known.text("settings")? != record.settings || known.text("scheme")? != record.scheme;
        if known.id::<domain::ids::CompanyId>("company_id")? != scope.company {
            return Err(StoreError::NotFound("connection"));
        }
        if record.version > 0 && known.count::<u64>("version")? != record.version {
            return conflict(format!("connection {} was changed by somebody else meanwhile", record.name));
        }
    }
    query(
        "INSERT INTO connection AS c (id, company_id, name, label, connector, scheme, settings, secrets_subject, secrets, secret_set_at,
             enabled, disabled_at, sandbox, owner, purpose, runbook, data_classes, takes, seeded, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
         ON CONFLICT (id) DO UPDATE SET
             name = excluded.name, label = excluded.label, connector = excluded.connector, scheme = excluded.scheme,
             settings = excluded.settings, secrets_subject = excluded.secrets_subject, secrets = excluded.secrets,
             secret_set_at = excluded.secret_set_at, enabled = excluded.enabled, disabled_at = excluded.disabled_at,
             sandbox = excluded.sandbox, owner = excluded.owner, purpose = excluded.purpose, runbook = excluded.runbook,
             data_classes = excluded.data_classes, takes = excluded.takes, seeded = excluded.seeded, version = c.version + 1",
    )
    .bind(record.id.0)
    .bind(scope.company.0)
    .bind(&record.name)
    .bind(&record.label)
    .bind(&record.connector)
    .bind(&record.scheme)
    .bind(&record.settings)
    .bind(record.secrets.subject.0)
    .bind(record.secrets.bytes.clone())
    .bind(micros(record.secret_set_at))
    .bind(record.enabled)
    .bind(opt_micros(record.disabled_at))
    .bind(record.sandbox)
    .bind(&record.owner)
    .bind(&record.purpose)
    .bind(&record.runbook)
    .bind(json(&record.data_classes))
    .bind(&record.takes)
    .bind(record.seeded.clone())
    .bind(micros(record.created_at))
    .execute(db)
    .await?;
    if other_secrets {
        query("UPDATE connection SET secret_accepted_at = NULL WHERE id = ?1").bind(record.id.0).execute(db).await?;
    }
    if other_secrets || other_settings {
        query("UPDATE connection SET tested = NULL WHERE id = ?1").bind(record.id.0).execute(db).await?;
        query("UPDATE destination SET health = ?1 WHERE company_id = ?2 AND name = ?3")
            .bind(json(&Health::default()))
            .bind(scope.company.0)
            .bind(&record.name)
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn add(db: &mut dyn Db, scope: Scope, traffic: &Traffic) -> Result<()> {
    let hour = &traffic.hour;
    query(
        "INSERT INTO connection_hour AS h (company_id, connection, hour, ok, failed) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (company_id, connection, hour) DO UPDATE SET ok = h.ok + excluded.ok, failed = h.failed + excluded.failed",
    )
    .bind(scope.company.0)
    .bind(&hour.connection)
    .bind(hour.hour)
    .bind(stored_count(hour.ok))
    .bind(stored_count(hour.failed))
    .execute(db)
    .await?;
    query("DELETE FROM connection_hour WHERE company_id = ?1 AND connection = ?2 AND hour < ?3")
        .bind(scope.company.0)
        .bind(&hour.connection)
        .bind(hour.hour - TRAFFIC_HOURS)
        .execute(db)
        .await?;
    if let Some(at) = traffic.last_ok_at {
        query(
            "UPDATE connection SET last_ok_at = {max}(coalesce(last_ok_at, ?1), ?1) WHERE company_id = ?2 AND name = ?3",
        )
        .bind(micros(at))
        .bind(scope.company.0)
        .bind(&hour.connection)
        .execute(db)
        .await?;
    }
    if let Some((version, at)) = traffic.accepted {
        query(
            "UPDATE connection SET secret_accepted_at = ?1
             WHERE company_id = ?2 AND name = ?3 AND version = ?4 AND secret_accepted_at IS NULL",
        )
        .bind(micros(at))
        .bind(scope.company.0)
        .bind(&hour.connection)
        .bind(stored_count(version))
        .execute(db)
        .await?;
    }
    if let Some((at, class)) = &traffic.last_failed {
        query(
            "UPDATE connection SET last_failed_at = ?1, last_failure = ?2
             WHERE company_id = ?3 AND name = ?4 AND coalesce(last_failed_at, ?1) <= ?1",
        )
        .bind(micros(*at))
        .bind(class)
        .bind(scope.company.0)
        .bind(&hour.connection)
        .execute(db)
        .await?;
    }
    Ok(())
}

async fn hours(db: &mut dyn Db, scope: Scope, since: i64) -> Result<Vec<Hour>> {
    let rows = query("SELECT * FROM connection_hour WHERE company_id = ?1 AND hour >= ?2 ORDER BY connection, hour")
        .bind(scope.company.0)
        .bind(since)
        .all(db)
        .await?;
    let hour = |row: &Row| {
        Ok(Hour {
            connection: row.text("connection")?,
            hour: row.int("hour")?,
            ok: row.count("ok")?,
            failed: row.count("failed")?,
        })
    };
    rows.iter().map(hour).collect()
}

fn record(row: &Row) -> Result<ConnectionRecord> {
    let secrets = row.opt_sealed("secrets_subject", "secrets")?;
    Ok(ConnectionRecord {
        id: row.id("id")?,
        name: row.text("name")?,
        label: row.text("label")?,
        connector: row.text("connector")?,
        scheme: row.text("scheme")?,
        settings: row.text("settings")?,
        secrets: secrets.ok_or_else(|| StoreError::Damaged("a connection without secrets".into()))?,
        secret_set_at: row.at("secret_set_at")?,
        secret_accepted_at: row.opt_at("secret_accepted_at")?,
        enabled: row.flag("enabled")?,
        disabled_at: row.opt_at("disabled_at")?,
        sandbox: row.flag("sandbox")?,
        owner: row.text("owner")?,
        purpose: row.text("purpose")?,
        runbook: row.text("runbook")?,
        data_classes: row.json("data_classes")?,
        takes: row.text("takes")?,
        tested: row.opt_text("tested")?,
        seeded: row.opt_text("seeded")?,
        version: row.count("version")?,
        last_ok_at: row.opt_at("last_ok_at")?,
        last_failed_at: row.opt_at("last_failed_at")?,
        last_failure: row.opt_text("last_failure")?,
        created_at: row.at("created_at")?,
    })
}
