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
use std::collections::BTreeMap;
use storage::{
    Page, Result, Scope, Sealed, StoreError, WrappedKey,
    erasure::{About, Erasure, Loose, LooseId, Rewritten},
    limits::{ERASED_MESSAGES, ERASED_TEXTS},
};

/// The shipment, and what was merged into it.
const ITS: &str = "SELECT id FROM shipment WHERE company_id = ?1 AND (id = ?2 OR merged_into = ?2)";

/// Where a page of what hangs on no shipment ended.
#[derive(Serialize, Deserialize)]
enum Place {
    Attempt(i64, Vec<u8>),
    Job(i64),
}

#[async_trait]
impl Erasure for SqliteStore {
    async fn about(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        since: Timestamp,
        after: Option<MessageId>,
    ) -> Result<Vec<About>> {
        self.read(move |conn| about(conn, scope, shipment, since, after)).await
    }

    async fn unread(&self, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>> {
        self.read(move |conn| {
            let rows = query(concat!(
                "SELECT m.id FROM message m WHERE m.company_id = ?1 AND m.id > ?2 AND m.observations = 0 AND m.wrapped IS NOT NULL
                 AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ", month_of!(), " AND b.message_id = m.id)
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
        shipment: ShipmentId,
        after: Option<ObservationId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        self.read(move |conn| {
            let rows = query(&format!(
                "SELECT DISTINCT o.id, o.text_subject, o.text FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
                 WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND o.text IS NOT NULL AND o.id > ?3 ORDER BY o.id LIMIT ?4"
            ))
            .bind(scope.company.0)
            .bind(shipment.0)
            .bind(after.map(|id| id.0).unwrap_or_default())
            .bind(ERASED_TEXTS)
            .fetch_all(conn)?;
            texts(&rows)
        })
        .await
    }

    async fn erase_message(&self, scope: Scope, message: MessageId) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            query("UPDATE message SET wrapped = NULL, headers = '{}', content_type = NULL, reason = NULL WHERE company_id = ? AND id = ?")
                .bind(scope.company.0)
                .bind(message.0)
                .execute(conn)?;
            drop_body(conn, scope, message)
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

    async fn empty(&self, scope: Scope, shipment: ShipmentId) -> Result<bool> {
        self.write(Turn::Batch, move |conn| empty(conn, scope, shipment)).await
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

    /// The log is brought into the file and cut off: what was overwritten is not in it any more.
    async fn settle(&self) -> Result<()> {
        let path = self.readers.path().to_owned();
        let cut = tokio::task::spawn_blocking(move || {
            let conn = connection::writing(&path, crate::Durability::Full)?;
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        });
        let unavailable = |why: String| StoreError::Unavailable(format!("the log is not cut off: {why}"));
        cut.await.map_err(|e| unavailable(e.to_string()))?.map_err(|e| unavailable(e.to_string()))
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

fn about(
    conn: &Connection,
    scope: Scope,
    shipment: ShipmentId,
    since: Timestamp,
    after: Option<MessageId>,
) -> Done<Vec<About>> {
    let rows = query(&format!(
        "SELECT DISTINCT g.message_id FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
         JOIN message m ON m.company_id = g.company_id AND m.id = g.message_id AND m.wrapped IS NOT NULL AND m.received_at >= ?5
         WHERE b.company_id = ?1 AND b.shipment_id IN ({ITS}) AND g.message_id > ?3 ORDER BY g.message_id LIMIT ?4"
    ))
    .bind(scope.company.0)
    .bind(shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(ERASED_MESSAGES)
    .bind(micros(since))
    .fetch_all(conn)?;
    let mut about: BTreeMap<MessageId, Vec<TrackerId>> = BTreeMap::new();
    for row in &rows {
        about.insert(row.id("message_id")?, Vec::new());
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
    .bind(shipment.0)
    .bind(id_list(about.keys().map(|id| id.0)))
    .fetch_all(conn)?;
    for row in &others {
        about.entry(row.id("message_id")?).or_default().push(row.id("tracker_id")?);
    }
    Ok(about.into_iter().map(|(message, others)| About { message, others }).collect())
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
    let found = query("UPDATE message SET wrapped = ?, reason = NULL WHERE company_id = ? AND id = ? AND wrapped = ?")
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

fn empty(conn: &Connection, scope: Scope, shipment: ShipmentId) -> Done<bool> {
    let mut more = false;
    for (table, set, which) in [
        (
            "observation",
            "text = NULL, text_subject = NULL",
            "t.text IS NOT NULL AND t.tracker_id IN (SELECT b.tracker_id FROM binding b WHERE b.company_id = ?1 AND b.shipment_id IN",
        ),
        (
            "attempt",
            "request = NULL, response = NULL",
            "(t.request IS NOT NULL OR t.response IS NOT NULL) AND (t.shipment_id IN",
        ),
        ("job", "error = NULL", "t.error IS NOT NULL AND (t.shipment_id IN"),
    ] {
        let sql = format!(
            "UPDATE {table} SET {set} WHERE rowid IN (
                 SELECT t.rowid FROM {table} t WHERE t.company_id = ?1 AND {which} ({ITS})) LIMIT ?3)"
        );
        let emptied = query(&sql).bind(scope.company.0).bind(shipment.0).bind(ERASED_TEXTS).execute(conn)?;
        more |= emptied >= u64::from(ERASED_TEXTS);
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
