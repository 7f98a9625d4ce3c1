//! Web sessions, and how fast somebody may try to sign in.

use crate::{Engine, Row, Sql, audit, codec::micros, query};
use async_trait::async_trait;
use jiff::Timestamp;
use storage::{
    AuditEntry, Result, Scope,
    jobs::Lane,
    sessions::{Pace, SessionRecord, Sessions, Try, span_micros},
};

#[async_trait]
impl<E: Engine> Sessions for Sql<E> {
    async fn session(&self, key: &str, now: Timestamp) -> Result<Option<SessionRecord>> {
        let found = query("SELECT * FROM session WHERE key = ? AND expires_at > ?").bind(key).bind(now);
        self.row(found, session).await
    }

    async fn sessions(&self, scope: Scope, now: Timestamp) -> Result<Vec<SessionRecord>> {
        let found = query(
            "SELECT s.* FROM \"user\" u JOIN session s ON s.user_id = u.id
             WHERE u.company_id = ? AND s.expires_at > ? ORDER BY s.made_at, s.key",
        );
        self.rows(found.bind(scope.company.0).bind(now), session).await
    }

    async fn put_session(&self, session: SessionRecord) -> Result<()> {
        let put =
            query("INSERT INTO session (key, user_id, made_at, seen_at, expires_at, data) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(session.key)
                .bind(session.user.0)
                .bind(session.made_at)
                .bind(session.seen_at)
                .bind(session.expires_at)
                .bind(session.data);
        self.0.write_one(Lane::RealTime, put).await.map(drop)
    }

    async fn renew_session(&self, session: SessionRecord) -> Result<()> {
        let renew = query("UPDATE session SET seen_at = ?, expires_at = ?, data = ? WHERE key = ? AND user_id = ?")
            .bind(session.seen_at)
            .bind(session.expires_at)
            .bind(session.data)
            .bind(session.key)
            .bind(session.user.0);
        self.0.write_one(Lane::RealTime, renew).await.map(drop)
    }

    async fn drop_session(&self, key: &str) -> Result<()> {
        self.0.write_one(Lane::RealTime, query("DELETE FROM session WHERE key = ?").bind(key)).await.map(drop)
    }

    async fn end_sessions(&self, scope: Scope, keys: Vec<String>, audit: AuditEntry) -> Result<u64> {
        let end = query(
            "DELETE FROM session WHERE key {in texts ?1} AND user_id IN (SELECT id FROM \"user\" WHERE company_id = ?2)",
        );
        let end = end.bind(keys).bind(scope.company.0);
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let ended = end.execute(db).await?;
                    audit::append(db, scope, &audit).await?;
                    Ok(ended)
                })
            })
            .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64> {
        let sessions = query("DELETE FROM session WHERE expires_at <= ?").bind(now);
        let counters = query("DELETE FROM throttle WHERE window_ends <= ?").bind(now);
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move { Ok(sessions.execute(db).await? + counters.execute(db).await?) })
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
        let stands = query("SELECT hits, free_at FROM throttle WHERE key = ? AND window_ends > ?").bind(key).bind(now);
        self.row(stands, |row| Ok((row.count("hits")?, row.at("free_at")?))).await
    }

    async fn throttle_forgive(&self, key: &str, count: u32, at: Timestamp) -> Result<()> {
        let forgive = query(
            "UPDATE throttle SET hits = hits - 1, free_at = CASE WHEN hits = ?2 THEN ?3 ELSE free_at END WHERE key = ?1 AND hits > 0",
        );
        self.0.write_one(Lane::RealTime, forgive.bind(key).bind(count).bind(at)).await.map(drop)
    }

    async fn throttle_clear(&self, key: &str) -> Result<()> {
        self.0.write_one(Lane::RealTime, query("DELETE FROM throttle WHERE key = ?").bind(key)).await.map(drop)
    }
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
