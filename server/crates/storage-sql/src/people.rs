//! Users, sessions, keys, settings and the audit trail.

use crate::{
    Db, Engine, Row, Sql,
    audit::{self, AUDIT_ROWS, audit_of},
    codec::{id_list, json, micros, row_limit},
    keys::{forget_customer, key, put_key},
    lock, query,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, ShipmentId, SubjectId, UserId};
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{
    AuditEntry, Result, Scope, StoreError, WrappedKey,
    audit::Line,
    jobs::Lane,
    people::{
        AuditRecord, Pace, People, SessionRecord, SettingChange, Try, UserRecord, changed_meanwhile, last_admin,
        span_micros,
    },
};

#[async_trait]
impl<E: Engine> People for Sql<E> {
    async fn company(&self, id: CompanyId, name: &str, at: Timestamp) -> Result<CompanyId> {
        let name = name.to_owned();
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                lock::company(db).await?;
                query("INSERT INTO company (id, name, created_at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM company)")
                    .bind(id.0)
                    .bind(name)
                    .bind(micros(at))
                    .execute(db)
                    .await?;
                query("SELECT id FROM company ORDER BY created_at, id LIMIT 1").one(db).await?.id("id")
            })
        })
        .await
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>> {
        let login = login.to_owned();
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query("SELECT * FROM \"user\" WHERE login = ?1").bind(login).optional(db).await?;
                    row.as_ref().map(user).transpose()
                })
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query("SELECT * FROM \"user\" WHERE id = ?1").bind(id.0).optional(db).await?;
                    row.as_ref().map(user).transpose()
                })
            })
            .await
    }

    async fn users(&self, scope: Scope) -> Result<Vec<UserRecord>> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let rows = query("SELECT * FROM \"user\" WHERE company_id = ?1 ORDER BY login")
                        .bind(scope.company.0)
                        .all(db)
                        .await?;
                    rows.iter().map(user).collect()
                })
            })
            .await
    }

    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    // of two admins who disable each other at once, one is left
                    lock::company(db).await?;
                    put_user(db, scope, None, &user).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn change_user(&self, scope: Scope, read: UserRecord, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    lock::company(db).await?;
                    put_user(db, scope, Some(&read), &user).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn session(&self, key: &str, now: Timestamp) -> Result<Option<SessionRecord>> {
        let key = key.to_owned();
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query("SELECT * FROM session WHERE key = ?1 AND expires_at > ?2")
                        .bind(key)
                        .bind(micros(now))
                        .optional(db)
                        .await?;
                    row.as_ref().map(session).transpose()
                })
            })
            .await
    }

    async fn sessions(&self, scope: Scope, now: Timestamp) -> Result<Vec<SessionRecord>> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let rows = query(
                        "SELECT s.* FROM \"user\" u JOIN session s ON s.user_id = u.id
             WHERE u.company_id = ?1 AND s.expires_at > ?2 ORDER BY s.made_at, s.key",
                    )
                    .bind(scope.company.0)
                    .bind(micros(now))
                    .all(db)
                    .await?;
                    rows.iter().map(session).collect()
                })
            })
            .await
    }

    async fn put_session(&self, session: SessionRecord) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                query(
                    "INSERT INTO session (key, user_id, made_at, seen_at, expires_at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .bind(session.key)
                .bind(session.user.0)
                .bind(micros(session.made_at))
                .bind(micros(session.seen_at))
                .bind(micros(session.expires_at))
                .bind(session.data)
                .execute(db)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn renew_session(&self, session: SessionRecord) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query(
                        "UPDATE session SET seen_at = ?1, expires_at = ?2, data = ?3 WHERE key = ?4 AND user_id = ?5",
                    )
                    .bind(micros(session.seen_at))
                    .bind(micros(session.expires_at))
                    .bind(session.data)
                    .bind(session.key)
                    .bind(session.user.0)
                    .execute(db)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn drop_session(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query("DELETE FROM session WHERE key = ?1").bind(key).execute(db).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn end_sessions(&self, scope: Scope, keys: Vec<String>, audit: AuditEntry) -> Result<u64> {
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                let ended = query(
                    "DELETE FROM session WHERE key IN (SELECT value FROM {texts ?1 k}) AND user_id IN (SELECT id FROM \"user\" WHERE company_id = ?2)",
                )
                .bind(keys)
                .bind(scope.company.0)
                .execute(db)
                .await?;
                audit::append(db, scope, &audit).await?;
                Ok(ended)
            })
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    let sessions =
                        query("DELETE FROM session WHERE expires_at <= ?1").bind(micros(now)).execute(db).await?;
                    let counters =
                        query("DELETE FROM throttle WHERE window_ends <= ?1").bind(micros(now)).execute(db).await?;
                    Ok(sessions + counters)
                })
            })
            .await
    }

    async fn throttle(&self, key: &str, pace: Pace, now: Timestamp) -> Result<Try> {
        let key = key.to_owned();
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                // a time to wait that is longer than any was set before the clock was set back
                let counted = query(
                    "INSERT INTO throttle AS t (key, hits, free_at, window_ends) VALUES (?1, 1, ?2, ?2 + ?5)
                     ON CONFLICT (key) DO UPDATE SET
                         hits = CASE WHEN t.window_ends <= ?2 THEN 1 ELSE t.hits + 1 END,
                         free_at = ?2 + CASE WHEN t.window_ends <= ?2 OR t.hits + 1 < ?3 THEN 0
                             ELSE {min}(?4, 1000000 * (CAST(1 AS BIGINT) << CAST({min}(t.hits + 2 - ?3, 30) AS INTEGER))) END,
                         window_ends = ?2 + ?5
                     WHERE t.window_ends <= ?2 OR t.free_at <= ?2 OR t.free_at > ?2 + ?4
                     RETURNING hits",
                )
                .bind(&key)
                .bind(micros(now))
                .bind(i64::from(pace.free))
                .bind(span_micros(pace.longest))
                .bind(span_micros(pace.window))
                .optional(db)
                .await?;
                if let Some(row) = counted {
                    return Ok(Try::Free(row.count("hits")?));
                }
                // who was let in meanwhile may have cleared it
                let row =
                    query("SELECT free_at FROM throttle WHERE key = ?1").bind(&key).optional(db).await?;
                Ok(Try::Wait(row.map_or(Ok(now), |row| row.at("free_at"))?))
            })
        })
        .await
    }

    async fn throttled(&self, key: &str, now: Timestamp) -> Result<Option<(u32, Timestamp)>> {
        let key = key.to_owned();
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query("SELECT hits, free_at FROM throttle WHERE key = ?1 AND window_ends > ?2")
                        .bind(key)
                        .bind(micros(now))
                        .optional(db)
                        .await?;
                    row.map(|row| Ok((row.count("hits")?, row.at("free_at")?))).transpose()
                })
            })
            .await
    }

    async fn throttle_forgive(&self, key: &str, count: u32, at: Timestamp) -> Result<()> {
        let key = key.to_owned();
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                query("UPDATE throttle SET hits = hits - 1, free_at = CASE WHEN hits = ?2 THEN ?3 ELSE free_at END WHERE key = ?1 AND hits > 0")
                    .bind(key)
                    .bind(i64::from(count))
                    .bind(micros(at))
                    .execute(db)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn throttle_clear(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query("DELETE FROM throttle WHERE key = ?1").bind(key).execute(db).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn key(&self, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>> {
        self.0.read(move |db| Box::pin(async move { key(db, scope, subject).await })).await
    }

    async fn put_key(&self, scope: Scope, key: WrappedKey, at: Timestamp) -> Result<WrappedKey> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { put_key(db, scope, &key, at).await })).await
    }

    async fn keys(&self, scope: Scope, subjects: Vec<SubjectId>) -> Result<BTreeMap<SubjectId, Option<WrappedKey>>> {
        self.0.look_up(move |db| Box::pin(async move {
        let rows = query("SELECT k.subject, k.wrapped FROM {ids ?2 s} CROSS JOIN vault_key k WHERE k.company_id = ?1 AND k.subject = s.value")
            .bind(scope.company.0)
            .bind(id_list(subjects.iter().map(|subject| subject.0)))
            .all(db)
            .await?;
                let key = |row: &Row| {
            let subject = row.id("subject")?;
            Ok((subject, row.opt_bytes("wrapped")?.map(|bytes| WrappedKey { subject, bytes })))
        };
        rows.iter().map(key).collect()
        })).await
    }

    async fn tombstone_key(&self, scope: Scope, subject: SubjectId, at: Timestamp) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                query("INSERT INTO vault_key (company_id, subject, wrapped, created_at, destroyed_at) VALUES (?1, ?2, NULL, ?3, ?3) ON CONFLICT DO NOTHING")
                    .bind(scope.company.0)
                    .bind(subject.0)
                    .bind(micros(at))
                    .execute(db)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn destroy_key(&self, scope: Scope, subject: SubjectId, audit: AuditEntry) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                let destroyed = query("UPDATE vault_key SET wrapped = NULL, destroyed_at = ?1 WHERE company_id = ?2 AND subject = ?3 AND wrapped IS NOT NULL")
                    .bind(micros(audit.at))
                    .bind(scope.company.0)
                    .bind(subject.0)
                    .execute(db)
                    .await?;
                let of_message = query("UPDATE message SET wrapped = NULL WHERE company_id = ?1 AND id = ?2 AND wrapped IS NOT NULL")
                    .bind(scope.company.0)
                    .bind(subject.0)
                    .execute(db)
                    .await?;
                if destroyed + of_message == 0 {
                    return Err(StoreError::NotFound("key"));
                }
                forget_customer(db, scope, subject).await?;
                audit::append(db, scope, &audit).await
            })
        })
        .await
    }

    async fn setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let row = query("SELECT value FROM setting WHERE company_id = ?1 AND name = ?2")
                        .bind(scope.company.0)
                        .bind(name)
                        .optional(db)
                        .await?;
                    row.map(|row| row.text("value")).transpose()
                })
            })
            .await
    }

    async fn put_setting(&self, scope: Scope, name: &str, value: String) -> Result<()> {
        let name = name.to_owned();
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                query("INSERT INTO setting (company_id, name, value) VALUES (?1, ?2, ?3) ON CONFLICT (company_id, name) DO UPDATE SET value = excluded.value")
                    .bind(scope.company.0)
                    .bind(name)
                    .bind(value)
                    .execute(db)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn change_setting(&self, scope: Scope, change: SettingChange, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    change_setting(db, scope, &change).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn take_setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let row = query("DELETE FROM setting WHERE company_id = ?1 AND name = ?2 RETURNING value")
                        .bind(scope.company.0)
                        .bind(name)
                        .optional(db)
                        .await?;
                    row.map(|row| row.text("value")).transpose()
                })
            })
            .await
    }

    async fn audit(&self, scope: Scope, entry: AuditEntry) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { audit::append(db, scope, &entry).await })).await
    }

    async fn audit_before(
        &self,
        scope: Scope,
        subject: Option<String>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let sql = match subject {
            None => "SELECT * FROM audit WHERE company_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
            Some(_) => {
                "SELECT * FROM audit WHERE company_id = ?1 AND seq < ?2 AND subject = ?3 ORDER BY seq DESC LIMIT ?4"
            }
        };
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let mut query = query(sql).bind(scope.company.0).bind(before);
                    if let Some(subject) = subject {
                        query = query.bind(subject);
                    }
                    let rows = query.bind(row_limit(limit, AUDIT_ROWS)).all(db).await?;
                    rows.iter().map(audit::record).collect()
                })
            })
            .await
    }

    async fn audit_lines(&self, scope: Scope, after: Option<i64>, limit: u32) -> Result<Vec<Line>> {
        self.0
            .read(move |db| Box::pin(async move { audit::lines(db, scope, after, row_limit(limit, AUDIT_ROWS)).await }))
            .await
    }

    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>> {
        self.0.read(move |db| Box::pin(async move { audit_of(db, scope, shipment).await })).await
    }
}

/// Of two who read the same value the later one waits here for the other, and then finds another value.
async fn change_setting(db: &mut dyn Db, scope: Scope, change: &SettingChange) -> Result<()> {
    let changed = match &change.from {
        Some(from) => {
            query("UPDATE setting SET value = ?3 WHERE company_id = ?1 AND name = ?2 AND value = ?4")
                .bind(scope.company.0)
                .bind(change.name)
                .bind(&change.to)
                .bind(from)
                .execute(db)
                .await?
        }
        None => {
            query("INSERT INTO setting (company_id, name, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
                .bind(scope.company.0)
                .bind(change.name)
                .bind(&change.to)
                .execute(db)
                .await?
        }
    };
    if changed == 0 {
        return Err(StoreError::Conflict("it was changed by somebody else meanwhile".into()));
    }
    Ok(())
}

async fn put_user(db: &mut dyn Db, scope: Scope, read: Option<&UserRecord>, user: &UserRecord) -> Result<()> {
    let taken = query("SELECT 1 FROM \"user\" WHERE login = ?1 AND id <> ?2")
        .bind(&user.login)
        .bind(user.id.0)
        .optional(db)
        .await?;
    if taken.is_some() {
        return Err(StoreError::Conflict(format!("there is another user {}", user.login)));
    }
    let before = query("SELECT * FROM \"user\" WHERE id = ?1 AND company_id = ?2")
        .bind(user.id.0)
        .bind(scope.company.0)
        .optional(db)
        .await?;
    let before = before.as_ref().map(self::user).transpose()?;
    if read.is_some() && before.as_ref() != read {
        return Err(StoreError::Conflict(changed_meanwhile(&user.login)));
    }
    if let Some(before) = before {
        follow_change(db, scope, &before, user).await?;
    }
    let put = query(
        "INSERT INTO \"user\" (id, company_id, login, name, password, roles, enabled, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET
             login = excluded.login, name = excluded.name, password = excluded.password, roles = excluded.roles, enabled = excluded.enabled
         WHERE \"user\".company_id = excluded.company_id",
    )
    .bind(user.id.0)
    .bind(scope.company.0)
    .bind(&user.login)
    .bind(&user.name)
    .bind(&user.password)
    .bind(json(&user.roles))
    .bind(user.enabled)
    .bind(micros(user.created_at))
    .execute(db)
    .await?;
    if put == 0 { Err(StoreError::NotFound("user")) } else { Ok(()) }
}

/// What follows when a user becomes another: somebody stays who runs the installation, and sessions end.
async fn follow_change(db: &mut dyn Db, scope: Scope, before: &UserRecord, user: &UserRecord) -> Result<()> {
    if before.is_admin() && !user.is_admin() {
        let other = query(
            "SELECT 1 FROM \"user\" WHERE company_id = ?1 AND id <> ?2 AND enabled AND roles LIKE '%\"admin\"%' LIMIT 1",
        )
        .bind(scope.company.0)
        .bind(user.id.0)
        .optional(db)
        .await?;
        if other.is_none() {
            return Err(StoreError::Conflict(last_admin(&before.login)));
        }
    }
    if !user.keeps_sessions_of(before) {
        query("DELETE FROM session WHERE user_id = ?1").bind(user.id.0).execute(db).await?;
    }
    Ok(())
}

fn session(row: &Row) -> Result<SessionRecord> {
    Ok(SessionRecord {
        key: row.text("key")?,
        user: row.id("user_id")?,
        made_at: row.at("made_at")?,
        seen_at: row.at("seen_at")?,
        expires_at: row.at("expires_at")?,
        data: row.text("data")?,
    })
}

fn user(row: &Row) -> Result<UserRecord> {
    Ok(UserRecord {
        id: row.id("id")?,
        company: row.id("company_id")?,
        login: row.text("login")?,
        name: row.text("name")?,
        password: row.text("password")?,
        roles: row.json("roles")?,
        enabled: row.flag("enabled")?,
        created_at: row.at("created_at")?,
    })
}
