//! Users, sessions, keys, settings and the audit trail.

use crate::{
    SqliteStore, audit,
    codec::{Done, Fail, id_list, json, micros, row_limit},
    sql::{Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, ShipmentId, SubjectId, UserId};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use storage::{
    Actor, AuditEntry, Result, Scope, StoreError, WrappedKey,
    audit::Line,
    people::{
        AuditRecord, Pace, People, SessionRecord, SettingChange, Try, UserRecord, changed_meanwhile, last_admin,
        span_micros,
    },
};

/// Audit lines of one read.
const AUDIT_ROWS: u32 = 500;

#[async_trait]
impl People for SqliteStore {
    async fn company(&self, id: CompanyId, name: &str, at: Timestamp) -> Result<CompanyId> {
        let name = name.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("INSERT INTO company (id, name, created_at) SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM company)")
                .bind(id.0)
                .bind(&name)
                .bind(micros(at))
                .execute(conn)?;
            query("SELECT id FROM company ORDER BY created_at, id LIMIT 1").fetch_one(conn)?.id("id")
        })
        .await
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>> {
        let login = login.to_owned();
        self.read(move |conn| {
            let row = query("SELECT * FROM user WHERE login = ?").bind(login).fetch_optional(conn)?;
            row.as_ref().map(user).transpose()
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>> {
        self.read(move |conn| {
            let row = query("SELECT * FROM user WHERE id = ?").bind(id.0).fetch_optional(conn)?;
            row.as_ref().map(user).transpose()
        })
        .await
    }

    async fn users(&self, scope: Scope) -> Result<Vec<UserRecord>> {
        self.read(move |conn| {
            let rows = query("SELECT * FROM user WHERE company_id = ? ORDER BY login")
                .bind(scope.company.0)
                .fetch_all(conn)?;
            rows.iter().map(user).collect::<Done<_>>()
        })
        .await
    }

    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            put_user(conn, scope, None, &user)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn change_user(&self, scope: Scope, read: UserRecord, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            put_user(conn, scope, Some(&read), &user)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn session(&self, key: &str, now: Timestamp) -> Result<Option<SessionRecord>> {
        let key = key.to_owned();
        self.read(move |conn| {
            let row = query("SELECT * FROM session WHERE key = ? AND expires_at > ?")
                .bind(key)
                .bind(micros(now))
                .fetch_optional(conn)?;
            row.as_ref().map(session).transpose()
        })
        .await
    }

    async fn sessions(&self, scope: Scope, now: Timestamp) -> Result<Vec<SessionRecord>> {
        self.read(move |conn| {
            let rows = query(
                "SELECT s.* FROM user u JOIN session s ON s.user_id = u.id
                 WHERE u.company_id = ? AND s.expires_at > ? ORDER BY s.made_at, s.key",
            )
            .bind(scope.company.0)
            .bind(micros(now))
            .fetch_all(conn)?;
            rows.iter().map(session).collect::<Done<_>>()
        })
        .await
    }

    async fn put_session(&self, session: SessionRecord) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            query("INSERT INTO session (key, user_id, made_at, seen_at, expires_at, data) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(&session.key)
                .bind(session.user.0)
                .bind(micros(session.made_at))
                .bind(micros(session.seen_at))
                .bind(micros(session.expires_at))
                .bind(&session.data)
                .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn renew_session(&self, session: SessionRecord) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            query("UPDATE session SET seen_at = ?, expires_at = ?, data = ? WHERE key = ? AND user_id = ?")
                .bind(micros(session.seen_at))
                .bind(micros(session.expires_at))
                .bind(&session.data)
                .bind(&session.key)
                .bind(session.user.0)
                .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn drop_session(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("DELETE FROM session WHERE key = ?").bind(&key).execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn end_sessions(&self, scope: Scope, keys: Vec<String>, audit: AuditEntry) -> Result<u64> {
        self.write(Turn::RealTime, move |conn| {
            let ended = query(
                "DELETE FROM session WHERE key IN (SELECT value FROM json_each(?))
                     AND user_id IN (SELECT id FROM user WHERE company_id = ?)",
            )
            .bind(json(&keys))
            .bind(scope.company.0)
            .execute(conn)?;
            audit::append(conn, scope, &audit)?;
            Ok(ended)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64> {
        self.write(Turn::Batch, move |conn| {
            let sessions = query("DELETE FROM session WHERE expires_at <= ?").bind(micros(now)).execute(conn)?;
            let counters = query("DELETE FROM throttle WHERE window_ends <= ?").bind(micros(now)).execute(conn)?;
            Ok(sessions + counters)
        })
        .await
    }

    async fn throttle(&self, key: &str, pace: Pace, now: Timestamp) -> Result<Try> {
        let key = key.to_owned();
        self.write(Turn::RealTime, move |conn| {
            // a time to wait that is longer than any was set before the clock was set back
            let counted = query(
                "INSERT INTO throttle (key, hits, free_at, window_ends) VALUES (?1, 1, ?2, ?2 + ?5)
                 ON CONFLICT (key) DO UPDATE SET
                     hits = CASE WHEN window_ends <= ?2 THEN 1 ELSE hits + 1 END,
                     free_at = ?2 + CASE WHEN window_ends <= ?2 OR hits + 1 < ?3 THEN 0
                         ELSE min(?4, 1000000 * (1 << min(hits + 2 - ?3, 30))) END,
                     window_ends = ?2 + ?5
                 WHERE window_ends <= ?2 OR free_at <= ?2 OR free_at > ?2 + ?4
                 RETURNING hits",
            )
            .bind(&key)
            .bind(micros(now))
            .bind(i64::from(pace.free))
            .bind(span_micros(pace.longest))
            .bind(span_micros(pace.window))
            .fetch_optional(conn)?;
            if let Some(row) = counted {
                return Ok(Try::Free(row.count("hits")?));
            }
            Ok(Try::Wait(
                query("SELECT free_at FROM throttle WHERE key = ?").bind(&key).fetch_one(conn)?.at("free_at")?,
            ))
        })
        .await
    }

    async fn throttled(&self, key: &str, now: Timestamp) -> Result<Option<(u32, Timestamp)>> {
        let key = key.to_owned();
        self.read(move |conn| {
            let row = query("SELECT hits, free_at FROM throttle WHERE key = ? AND window_ends > ?")
                .bind(key)
                .bind(micros(now))
                .fetch_optional(conn)?;
            row.map(|row| Ok((row.count("hits")?, row.at("free_at")?))).transpose()
        })
        .await
    }

    async fn throttle_forgive(&self, key: &str, count: u32, at: Timestamp) -> Result<()> {
        let key = key.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("UPDATE throttle SET hits = hits - 1, free_at = CASE WHEN hits = ?2 THEN ?3 ELSE free_at END WHERE key = ?1 AND hits > 0")
                .bind(&key)
                .bind(i64::from(count))
                .bind(micros(at))
                .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn throttle_clear(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("DELETE FROM throttle WHERE key = ?").bind(&key).execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn key(&self, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>> {
        self.read(move |conn| key(conn, scope, subject)).await
    }

    async fn put_key(&self, scope: Scope, key: WrappedKey, at: Timestamp) -> Result<WrappedKey> {
        self.write(Turn::RealTime, move |conn| put_key(conn, scope, &key, at)).await
    }

    async fn keys(&self, scope: Scope, subjects: Vec<SubjectId>) -> Result<BTreeMap<SubjectId, Option<WrappedKey>>> {
        self.read(move |conn| {
            let rows = query("SELECT k.subject, k.wrapped FROM json_each(?2) s CROSS JOIN vault_key k ON k.company_id = ?1 AND k.subject = unhex(s.value)")
                .bind(scope.company.0)
                .bind(id_list(subjects.iter().map(|subject| subject.0)))
                .fetch_all(conn)?;
            let key = |row: &Row| {
                let subject = row.id("subject")?;
                Ok((subject, row.opt_bytes("wrapped")?.map(|bytes| WrappedKey { subject, bytes })))
            };
            rows.iter().map(key).collect::<Done<_>>()
        })
        .await
    }

    async fn bury_key(&self, scope: Scope, subject: SubjectId, at: Timestamp) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            query("INSERT INTO vault_key (company_id, subject, wrapped, created_at, destroyed_at) VALUES (?1, ?2, NULL, ?3, ?3) ON CONFLICT DO NOTHING")
                .bind(scope.company.0)
                .bind(subject.0)
                .bind(micros(at))
                .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn destroy_key(&self, scope: Scope, subject: SubjectId, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            let mut destroyed = query("UPDATE vault_key SET wrapped = NULL, destroyed_at = ? WHERE company_id = ? AND subject = ? AND wrapped IS NOT NULL")
                .bind(micros(audit.at))
                .bind(scope.company.0)
                .bind(subject.0)
                .execute(conn)?;
            destroyed += query("UPDATE message SET wrapped = NULL WHERE company_id = ? AND id = ? AND wrapped IS NOT NULL")
                .bind(scope.company.0)
                .bind(subject.0)
                .execute(conn)?;
            if destroyed == 0 {
                return Err(Fail(StoreError::NotFound("key")));
            }
            forget_customer(conn, scope, subject)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read(move |conn| {
            let row = query("SELECT value FROM setting WHERE company_id = ? AND name = ?")
                .bind(scope.company.0)
                .bind(name)
                .fetch_optional(conn)?;
            row.map(|row| row.text("value")).transpose()
        })
        .await
    }

    async fn put_setting(&self, scope: Scope, name: &str, value: String) -> Result<()> {
        let name = name.to_owned();
        self.write(Turn::RealTime, move |conn| {
            query("INSERT INTO setting (company_id, name, value) VALUES (?, ?, ?) ON CONFLICT (company_id, name) DO UPDATE SET value = excluded.value")
                .bind(scope.company.0)
                .bind(&name)
                .bind(&value)
                .execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn change_setting(&self, scope: Scope, change: SettingChange, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            change_setting(conn, scope, &change)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn take_setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.write(Turn::RealTime, move |conn| {
            let row = query("DELETE FROM setting WHERE company_id = ? AND name = ? RETURNING value")
                .bind(scope.company.0)
                .bind(&name)
                .fetch_optional(conn)?;
            row.map(|row| row.text("value")).transpose()
        })
        .await
    }

    async fn audit(&self, scope: Scope, entry: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| audit::append(conn, scope, &entry)).await
    }

    async fn audit_before(
        &self,
        scope: Scope,
        subject: Option<String>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let sql = match subject {
            None => "SELECT * FROM audit WHERE company_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            Some(_) => "SELECT * FROM audit WHERE company_id = ? AND seq < ? AND subject = ? ORDER BY seq DESC LIMIT ?",
        };
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        self.read(move |conn| {
            let mut query = query(sql).bind(scope.company.0).bind(before);
            if let Some(subject) = subject {
                query = query.bind(subject);
            }
            let rows = query.bind(row_limit(limit, AUDIT_ROWS)).fetch_all(conn)?;
            rows.iter().map(audit::record).collect::<Done<_>>()
        })
        .await
    }

    async fn audit_lines(&self, scope: Scope, after: Option<i64>, limit: u32) -> Result<Vec<Line>> {
        self.read(move |conn| audit::lines(conn, scope, after, row_limit(limit, AUDIT_ROWS))).await
    }

    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>> {
        self.read(move |conn| audit_of(conn, scope, shipment)).await
    }
}

fn change_setting(conn: &Connection, scope: Scope, change: &SettingChange) -> Done<()> {
    let changed = match &change.from {
        Some(from) => query("UPDATE setting SET value = ?3 WHERE company_id = ?1 AND name = ?2 AND value = ?4")
            .bind(scope.company.0)
            .bind(change.name)
            .bind(&change.to)
            .bind(from)
            .execute(conn)?,
        None => query("INSERT INTO setting (company_id, name, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(scope.company.0)
            .bind(change.name)
            .bind(&change.to)
            .execute(conn)?,
    };
    if changed == 0 {
        return Err(Fail(StoreError::Conflict("it was changed by somebody else meanwhile".into())));
    }
    Ok(())
}

fn put_user(conn: &Connection, scope: Scope, read: Option<&UserRecord>, user: &UserRecord) -> Done<()> {
    let taken = query("SELECT 1 FROM user WHERE login = ? AND id <> ?")
        .bind(&user.login)
        .bind(user.id.0)
        .fetch_optional(conn)?;
    if taken.is_some() {
        return Err(Fail(StoreError::Conflict(format!("there is another user {}", user.login))));
    }
    let before = query("SELECT * FROM user WHERE id = ? AND company_id = ?")
        .bind(user.id.0)
        .bind(scope.company.0)
        .fetch_optional(conn)?;
    let before = before.as_ref().map(self::user).transpose()?;
    if read.is_some() && before.as_ref() != read {
        return Err(Fail(StoreError::Conflict(changed_meanwhile(&user.login))));
    }
    if let Some(before) = before {
        follow_change(conn, scope, &before, user)?;
    }
    let put = query(
        "INSERT INTO user (id, company_id, login, name, password, roles, enabled, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
             login = excluded.login, name = excluded.name, password = excluded.password, roles = excluded.roles, enabled = excluded.enabled
         WHERE company_id = excluded.company_id",
    )
    .bind(user.id.0)
    .bind(scope.company.0)
    .bind(&user.login)
    .bind(&user.name)
    .bind(&user.password)
    .bind(json(&user.roles))
    .bind(user.enabled)
    .bind(micros(user.created_at))
    .execute(conn)?;
    if put == 0 { Err(Fail(StoreError::NotFound("user"))) } else { Ok(()) }
}

/// What follows when a user becomes another: somebody stays who runs the installation, and sessions end.
fn follow_change(conn: &Connection, scope: Scope, before: &UserRecord, user: &UserRecord) -> Done<()> {
    if before.is_admin() && !user.is_admin() {
        let other = query(
            "SELECT 1 FROM user WHERE company_id = ? AND id <> ? AND enabled AND roles LIKE '%\"admin\"%' LIMIT 1",
        )
        .bind(scope.company.0)
        .bind(user.id.0)
        .fetch_optional(conn)?;
        if other.is_none() {
            return Err(Fail(StoreError::Conflict(last_admin(&before.login))));
        }
    }
    if !user.keeps_sessions_of(before) {
        query("DELETE FROM session WHERE user_id = ?").bind(user.id.0).execute(conn)?;
    }
    Ok(())
}

/// A subject's key, which lies with the message where that is the subject; none once destroyed.
pub(crate) fn key(conn: &Connection, scope: Scope, subject: SubjectId) -> Done<Option<WrappedKey>> {
    let row = query(
        "SELECT wrapped FROM vault_key WHERE company_id = ?1 AND subject = ?2 AND wrapped IS NOT NULL
         UNION ALL SELECT wrapped FROM message WHERE company_id = ?1 AND id = ?2 AND wrapped IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .fetch_optional(conn)?;
    row.map(|row| Ok(WrappedKey { subject, bytes: row.bytes("wrapped")? })).transpose()
}

/// Keeps a subject's key, unless it has one; the one that is kept. After a key was destroyed a new one begins: what was
/// sealed under the old one stays noise.
pub(crate) fn put_key(conn: &Connection, scope: Scope, key: &WrappedKey, at: Timestamp) -> Done<WrappedKey> {
    let put = query(
        "INSERT INTO vault_key (company_id, subject, wrapped, created_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (company_id, subject) DO UPDATE SET wrapped = excluded.wrapped, created_at = excluded.created_at, destroyed_at = NULL
         WHERE wrapped IS NULL",
    )
    .bind(scope.company.0)
    .bind(key.subject.0)
    .bind(&key.bytes)
    .bind(micros(at))
    .execute(conn)?;
    if put == 1 {
        return Ok(key.clone());
    }
    self::key(conn, scope, key.subject)?.ok_or(Fail(StoreError::NotFound("key")))
}

/// What was sealed is noise now, and the words under which a customer was found go too.
fn forget_customer(conn: &Connection, scope: Scope, subject: SubjectId) -> Done<()> {
    query(
        "DELETE FROM shipment_term WHERE kind = 'customer' AND shipment_id IN
             (SELECT id FROM shipment WHERE company_id = ? AND customer_subject = ?)",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .execute(conn)?;
    query("UPDATE shipment SET customer = NULL, customer_subject = NULL WHERE company_id = ? AND customer_subject = ?")
        .bind(scope.company.0)
        .bind(subject.0)
        .execute(conn)?;
    Ok(())
}

fn audit_of(conn: &Connection, scope: Scope, shipment: ShipmentId) -> Done<Vec<(AuditRecord, Option<String>)>> {
    let exceptions =
        query("SELECT id FROM exception INDEXED BY exception_shipment WHERE company_id = ? AND shipment_id = ?")
            .bind(scope.company.0)
            .bind(shipment.0)
            .fetch_all(conn)?;
    let mut subjects = vec![format!("shipment:{shipment}")];
    for row in &exceptions {
        subjects.push(format!("exception:{}", row.id::<domain::ids::ExceptionId>("id")?));
    }
    let rows = query(
        "SELECT a.* FROM json_each(?) s CROSS JOIN audit a ON a.company_id = ? AND a.subject = s.value ORDER BY a.seq LIMIT ?",
    )
    .bind(json(&subjects))
    .bind(scope.company.0)
    .bind(i64::from(AUDIT_ROWS))
    .fetch_all(conn)?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        let line = audit::record(row)?;
        let name = match line.actor {
            Actor::User(id) => name(conn, scope, id)?,
            Actor::Operator | Actor::System => None,
        };
        lines.push((line, name));
    }
    Ok(lines)
}

fn name(conn: &Connection, scope: Scope, id: UserId) -> Done<Option<String>> {
    let row = query("SELECT name FROM user WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(conn)?;
    row.map(|row| row.text("name")).transpose()
}

fn session(row: &Row) -> Done<SessionRecord> {
    Ok(SessionRecord {
        key: row.text("key")?,
        user: row.id("user_id")?,
        made_at: row.at("made_at")?,
        seen_at: row.at("seen_at")?,
        expires_at: row.at("expires_at")?,
        data: row.text("data")?,
    })
}

fn user(row: &Row) -> Done<UserRecord> {
    Ok(UserRecord {
        id: row.id("id")?,
        company: row.id("company_id")?,
        login: row.text("login")?,
        name: row.text("name")?,
        password: row.text("password")?,
        roles: row.json("roles")?,
        enabled: row.int("enabled")? == 1,
        created_at: row.at("created_at")?,
    })
}
