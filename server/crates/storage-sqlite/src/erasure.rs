//! What an erasure reads and rewrites.

use crate::{
    SqliteStore,
    codec::{Done, cursor, id_list, micros},
    connection,
    inbox::month_of,
    sql::{Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::ids::{MessageId, ObservationId, ShipmentId, SubjectId, TrackerId};
use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use storage::{
    Page, Result, Scope, Sealed, StoreError, WrappedKey,
    erasure::{About, ERASED, Erasure, Loose, LooseId, Own, Rewritten},
    limits::{ERASED_MESSAGES, ERASED_TEXTS},
};

/// The shipment, and what was merged into it.
const ITS: &str = "SELECT id FROM shipment WHERE company_id = ?1 AND (id = ?2 OR merged_into = ?2)";

/// Whether a binding `b` is another's by the time when something was recorded: ended, where another shipment has the tracker too.
macro_rules! ended_before {
    ($recorded_at:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id AND e.recorded_at < ",
            $recorded_at,
            " AND EXISTS (SELECT 1 FROM binding x WHERE x.tracker_id = b.tracker_id AND x.shipment_id <> b.shipment_id))"
        )
    };
}

/// How long cutting off the log waits for those who read: so long nobody writes.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(500);

/// Where a page of what hangs on no shipment ended.
#[derive(Serialize, Deserialize)]
enum Place {
    Attempt(i64, Vec<u8>),
    Job(i64),
}

#[async_trait]
impl Erasure for SqliteStore {
    async fn erased(&self, scope: Scope, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>> {
        self.read(move |conn| {
            let rows =
                query("SELECT name FROM setting WHERE company_id = ? AND name > ? AND name < ? ORDER BY name LIMIT ?")
                    .bind(scope.company.0)
                    .bind(after.map_or_else(|| ERASED.to_owned(), |id| format!("{ERASED}{id}")))
                    .bind(format!("{ERASED}~"))
                    .bind(ERASED_TEXTS)
                    .fetch_all(conn)?;
            let ids = rows.iter().map(|row| Ok(row.text("name")?.strip_prefix(ERASED).and_then(|id| id.parse().ok())));
            Ok(ids.collect::<Done<Vec<Option<ShipmentId>>>>()?.into_iter().flatten().collect())
        })
        .await
    }

    async fn shared(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<TrackerId>> {
        self.read(move |conn| {
            let rows = query(&format!(
                "SELECT DISTINCT b.tracker_id FROM binding b JOIN binding x ON x.tracker_id = b.tracker_id
                 WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND x.shipment_id NOT IN ({ITS})"
            ))
            .bind(scope.company.0)
            .bind(shipment.0)
            .fetch_all(conn)?;
            rows.iter().map(|row| row.id("tracker_id")).collect::<Done<_>>()
        })
        .await
    }

    async fn about(&self, scope: Scope, own: Own, since: Timestamp, after: Option<MessageId>) -> Result<Vec<About>> {
        self.read(move |conn| about(conn, scope, &own, since, after)).await
    }

    async fn unread(&self, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>> {
        self.read(move |conn| {
            let rows = query(concat!(
                "SELECT m.id FROM message m WHERE m.company_id = ?1 AND m.id > ?2 AND m.observations = 0 AND m.status <> 'received'
                 AND m.wrapped IS NOT NULL AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ", month_of!(), " AND b.message_id = m.id)
                 ORDER BY m.id LIMIT ?3"
            ))
            .bind(scope.company.0)
            .bind(after.map(|id| id.0).unwrap_or_default())
            .bind(ERASED_MESSAGES)
            .fetch_all(conn)?;
            rows.iter().map(|row| row.id("id")).collect::<Done<_>>()
        })
        .await
    }

    async fn texts_under(
        &self,
        scope: Scope,
        message: MessageId,
        trackers: Vec<TrackerId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        self.read(move |conn| {
            let rows = query(
                "SELECT o.id, o.text_subject, o.text FROM json_each(?3) t CROSS JOIN observation o ON o.tracker_id = unhex(t.value)
                 WHERE o.company_id = ?1 AND o.text_subject = ?2 AND o.text IS NOT NULL",
            )
            .bind(scope.company.0)
            .bind(message.0)
            .bind(id_list(trackers.iter().map(|id| id.0)))
            .fetch_all(conn)?;
            texts(&rows)
        })
        .await
    }

    async fn texts_about(
        &self,
        scope: Scope,
        own: Own,
        after: Option<ObservationId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        self.read(move |conn| {
            let rows = query(&format!(
                "SELECT DISTINCT o.id, o.text_subject, o.text FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
                 WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND NOT {} AND o.text IS NOT NULL AND o.id > ?3
                 AND o.id NOT IN (SELECT unhex(value) FROM json_each(?5)) ORDER BY o.id LIMIT ?4",
                ended_before!("o.recorded_at")
            ))
            .bind(scope.company.0)
            .bind(own.shipment.0)
            .bind(after.map(|id| id.0).unwrap_or_default())
            .bind(ERASED_TEXTS)
            .bind(id_list(own.except.iter().map(|id| id.0)))
            .fetch_all(conn)?;
            texts(&rows)
        })
        .await
    }

    async fn erase_message(&self, scope: Scope, message: MessageId) -> Result<bool> {
        self.write(Turn::RealTime, move |conn| {
            let found = query(
                "UPDATE message SET wrapped = NULL, headers = '{}', content_type = NULL, reason = NULL
                 WHERE company_id = ? AND id = ? AND status <> 'received'",
            )
            .bind(scope.company.0)
            .bind(message.0)
            .execute(conn)?;
            if found > 0 {
                drop_body(conn, scope, message)?;
            }
            Ok(found > 0)
        })
        .await
    }

    async fn rewrite_message(
        &self,
        scope: Scope,
        message: MessageId,
        read_with: WrappedKey,
        rewritten: Rewritten,
    ) -> Result<bool> {
        self.write(Turn::Batch, move |conn| rewrite(conn, scope, message, &read_with, &rewritten)).await
    }

    async fn empty(&self, scope: Scope, own: Own) -> Result<bool> {
        self.write(Turn::Batch, move |conn| empty(conn, scope, &own)).await
    }

    async fn loose(&self, scope: Scope, after: Option<String>) -> Result<Page<Loose>> {
        self.read(move |conn| loose(conn, scope, after.as_deref())).await
    }

    async fn empty_loose(&self, scope: Scope, of: Vec<LooseId>) -> Result<()> {
        self.write(Turn::Batch, move |conn| {
            let attempts = of.iter().filter_map(|id| if let LooseId::Attempt(id) = id { Some(id.0) } else { None });
            query("UPDATE attempt SET request = NULL, response = NULL WHERE company_id = ? AND id IN (SELECT unhex(value) FROM json_each(?))")
                .bind(scope.company.0)
                .bind(id_list(attempts))
                .execute(conn)?;
            let jobs = of.iter().filter_map(|id| if let LooseId::Job(id) = id { Some(id.0) } else { None });
            query("UPDATE job SET error = NULL WHERE company_id = ? AND id IN (SELECT unhex(value) FROM json_each(?))")
                .bind(scope.company.0)
                .bind(id_list(jobs))
                .execute(conn)
                .map(drop)
        })
        .await
    }

    /// The log is brought into the file and cut off, unless somebody reads what stands in it for longer: what was overwritten is
    /// not in it any more.
    async fn settle(&self) -> Result<bool> {
        let path = self.readers.path().to_owned();
        let cut = tokio::task::spawn_blocking(move || {
            let conn = connection::writing(&path, crate::Durability::Full)?;
            conn.busy_timeout(SETTLE_TIMEOUT)?;
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0))
        });
        let unavailable = |why: String| StoreError::Unavailable(format!("the log is not cut off: {why}"));
        let busy = cut.await.map_err(|e| unavailable(e.to_string()))?.map_err(|e| unavailable(e.to_string()))?;
        Ok(busy == 0)
    }
}

fn texts(rows: &[Row]) -> Done<Vec<(ObservationId, Sealed)>> {
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(text) = row.opt_sealed("text_subject", "text")? {
            texts.push((row.id("id")?, text));
        }
    }
    Ok(texts)
}

fn about(conn: &Connection, scope: Scope, own: &Own, since: Timestamp, after: Option<MessageId>) -> Done<Vec<About>> {
    let rows = query(&format!(
        "SELECT g.message_id, min(g.recorded_at) AS recorded_at, m.status = 'received' AS unfinished
         FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
         JOIN message m ON m.company_id = g.company_id AND m.id = g.message_id AND m.wrapped IS NOT NULL
         WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND NOT {} AND (g.recorded_at >= ?5 OR b.recorded_at >= ?5)
         AND g.message_id > ?3 AND g.observation_id NOT IN (SELECT unhex(value) FROM json_each(?6))
         GROUP BY g.message_id, m.status ORDER BY g.message_id LIMIT ?4",
        ended_before!("g.recorded_at")
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(ERASED_MESSAGES)
    .bind(micros(since))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .fetch_all(conn)?;
    let mut about: BTreeMap<MessageId, About> = BTreeMap::new();
    for row in &rows {
        let (message, recorded_at) = (row.id("message_id")?, row.at("recorded_at")?);
        let unfinished = row.int("unfinished")? != 0;
        about.insert(message, About { message, others: Vec::new(), recorded_at, unfinished });
    }
    if about.is_empty() {
        return Ok(Vec::new());
    }
    // there is no index by message: whoever records would pay for it, and nobody else asks
    let others = query(&format!(
        "SELECT DISTINCT g.message_id, g.tracker_id FROM sighting g
         WHERE g.company_id = ?1 AND g.message_id IN (SELECT unhex(value) FROM json_each(?3))
         AND (NOT EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id IN ({ITS}))
              OR EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id NOT IN ({ITS})))"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(id_list(about.keys().map(|id| id.0)))
    .fetch_all(conn)?;
    for row in &others {
        if let Some(about) = about.get_mut(&row.id("message_id")?) {
            about.others.push(row.id("tracker_id")?);
        }
    }
    Ok(about.into_values().collect())
}

fn drop_body(conn: &Connection, scope: Scope, message: MessageId) -> Done<()> {
    query(concat!(
        "DELETE FROM message_body WHERE message_id = ?2 AND month = (SELECT ",
        month_of!(),
        " FROM message m WHERE m.company_id = ?1 AND m.id = ?2)"
    ))
    .bind(scope.company.0)
    .bind(message.0)
    .execute(conn)
    .map(drop)
}

fn rewrite(
    conn: &Connection,
    scope: Scope,
    message: MessageId,
    read_with: &WrappedKey,
    rewritten: &Rewritten,
) -> Done<bool> {
    let found = query(
        "UPDATE message SET wrapped = ?, reason = NULL, rewritten = 1
         WHERE company_id = ? AND id = ? AND wrapped = ? AND status <> 'received'",
    )
    .bind(&rewritten.key.bytes)
    .bind(scope.company.0)
    .bind(message.0)
    .bind(&read_with.bytes)
    .execute(conn)?;
    if found == 0 {
        return Ok(false);
    }
    match &rewritten.body {
        None => drop_body(conn, scope, message)?,
        Some(body) => {
            query(concat!(
                "UPDATE message_body SET bytes = ?3 WHERE message_id = ?2 AND month = (SELECT ",
                month_of!(),
                " FROM message m WHERE m.company_id = ?1 AND m.id = ?2)"
            ))
            .bind(scope.company.0)
            .bind(message.0)
            .bind(&body.bytes)
            .execute(conn)?;
        }
    }
    for (id, text) in &rewritten.texts {
        query("UPDATE observation SET text = ? WHERE company_id = ? AND id = ? AND text_subject = ?")
            .bind(&text.bytes)
            .bind(scope.company.0)
            .bind(id.0)
            .bind(SubjectId(message.0).0)
            .execute(conn)?;
    }
    Ok(true)
}

fn empty(conn: &Connection, scope: Scope, own: &Own) -> Done<bool> {
    let words = query(&format!(
        "UPDATE observation SET text = NULL, text_subject = NULL WHERE rowid IN (
             SELECT o.rowid FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
             WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND NOT {} AND o.text IS NOT NULL
             AND o.id NOT IN (SELECT unhex(value) FROM json_each(?4)) LIMIT ?3)",
        ended_before!("o.recorded_at")
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(ERASED_TEXTS)
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .execute(conn)?;
    let mut more = words > 0;
    for (table, set, which) in [
        ("attempt", "request = NULL, response = NULL", "(t.request IS NOT NULL OR t.response IS NOT NULL)"),
        ("job", "error = NULL", "t.error IS NOT NULL"),
    ] {
        let sql = format!(
            "UPDATE {table} SET {set} WHERE rowid IN (
                 SELECT t.rowid FROM {table} t WHERE t.company_id = ?1 AND {which} AND t.shipment_id IN ({ITS}) LIMIT ?3)"
        );
        let emptied = query(&sql).bind(scope.company.0).bind(own.shipment.0).bind(ERASED_TEXTS).execute(conn)?;
        more |= emptied > 0;
    }
    Ok(more)
}

fn loose(conn: &Connection, scope: Scope, after: Option<&str>) -> Done<Page<Loose>> {
    let full = ERASED_TEXTS as usize;
    let (month, id) = match cursor::decode(after) {
        Some(Place::Job(seq)) => return loose_jobs(conn, scope, seq),
        Some(Place::Attempt(month, id)) => (month, id),
        None => (0, Vec::new()),
    };
    let rows = query(
        "SELECT month, id, request, response FROM attempt WHERE company_id = ?1 AND shipment_id IS NULL
         AND (request IS NOT NULL OR response IS NOT NULL) AND (month, id) > (?2, ?3) ORDER BY month, id LIMIT ?4",
    )
    .bind(scope.company.0)
    .bind(month)
    .bind(id)
    .bind(ERASED_TEXTS)
    .fetch_all(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let texts = row.opt_packed("request")?.into_iter().chain(row.opt_packed("response")?);
        found.push(Loose { of: LooseId::Attempt(row.id("id")?), texts: texts.collect() });
    }
    let next = match rows.last() {
        Some(last) if rows.len() == full => Place::Attempt(last.int("month")?, last.bytes("id")?),
        _ => Place::Job(0),
    };
    Ok(Page { rows: found, next: Some(cursor::encode(&next)) })
}

fn loose_jobs(conn: &Connection, scope: Scope, after: i64) -> Done<Page<Loose>> {
    let rows = query(
        "SELECT seq, id, error FROM job WHERE company_id = ?1 AND shipment_id IS NULL AND error IS NOT NULL AND seq > ?2 ORDER BY seq LIMIT ?3",
    )
    .bind(scope.company.0)
    .bind(after)
    .bind(ERASED_TEXTS)
    .fetch_all(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(Loose { of: LooseId::Job(row.id("id")?), texts: row.opt_packed("error")?.into_iter().collect() });
    }
    let last = rows.last().filter(|_| rows.len() == ERASED_TEXTS as usize);
    let next = last.map(|row| row.int("seq")).transpose()?;
    Ok(Page { rows: found, next: next.map(|seq| cursor::encode(&Place::Job(seq))) })
}
