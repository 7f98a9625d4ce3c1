//! What an erasure reads and rewrites.

use crate::{
    Db, Engine, Row, Sql,
    codec::{cursor, id_list, micros, to_hex},
    query,
    rows::{Rows, hex_id},
};
use async_trait::async_trait;
use domain::ids::{MessageId, ObservationId, ShipmentId, TrackerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use storage::{
    Page, Result, Scope, Sealed, WrappedKey,
    erasure::{About, ERASED, Erasure, Loose, LooseId, Own, Rewritten},
    jobs::Lane,
    limits::{ERASED_MESSAGES, ERASED_TEXTS},
};
use uuid::Uuid;

/// The shipment, and what was merged into it.
macro_rules! its {
    () => {
        "(SELECT s.id FROM shipment s WHERE s.company_id = ?1 AND (s.id = ?2 OR s.merged_into = ?2))"
    };
}

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

/// Where a page of what hangs on no shipment ended.
#[derive(Serialize, Deserialize)]
enum Cursor {
    Attempt(i64, Uuid),
    Job(i64),
}

#[async_trait]
impl<E: Engine> Erasure for Sql<E> {
    async fn erased(&self, scope: Scope, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>> {
        self.0.read(move |db| Box::pin(async move { erased(db, scope, after).await })).await
    }

    async fn shared(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<TrackerId>> {
        self.0.read(move |db| Box::pin(async move { shared(db, scope, shipment).await })).await
    }

    async fn about(&self, scope: Scope, own: Own, since: Timestamp, after: Option<MessageId>) -> Result<Vec<About>> {
        self.0.read(move |db| Box::pin(async move { about(db, scope, &own, since, after).await })).await
    }

    async fn unread(&self, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>> {
        self.0.read(move |db| Box::pin(async move { unread(db, scope, after).await })).await
    }

    async fn texts_under(
        &self,
        scope: Scope,
        message: MessageId,
        trackers: Vec<TrackerId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        self.0.read(move |db| Box::pin(async move { texts_under(db, scope, message, trackers).await })).await
    }

    async fn texts_about(
        &self,
        scope: Scope,
        own: Own,
        after: Option<ObservationId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        self.0.read(move |db| Box::pin(async move { texts_about(db, scope, &own, after).await })).await
    }

    async fn erase_message(&self, scope: Scope, message: MessageId) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let found = query(
                        "UPDATE message SET wrapped = NULL, headers = '{}', content_type = NULL, reason = NULL
                     WHERE company_id = ?1 AND id = ?2 AND status <> 'received'",
                    )
                    .bind(scope.company.0)
                    .bind(message.0)
                    .execute(db)
                    .await?;
                    let found = found > 0;
                    if found {
                        drop_body(db, scope, message).await?;
                    }
                    Ok(found)
                })
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
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move { rewrite(db, scope, message, &read_with, &rewritten).await })
            })
            .await
    }

    async fn empty(&self, scope: Scope, own: Own) -> Result<bool> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { empty(db, scope, &own).await })).await
    }

    async fn loose(&self, scope: Scope, after: Option<String>) -> Result<Page<Loose>> {
        self.0.read(move |db| Box::pin(async move { loose(db, scope, after.as_deref()).await })).await
    }

    async fn empty_loose(&self, scope: Scope, of: Vec<LooseId>) -> Result<()> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { empty_loose(db, scope, &of).await })).await
    }

    async fn settle(&self) -> Result<bool> {
        self.0.settle().await
    }
}

fn texts(rows: &[Row]) -> Result<Vec<(ObservationId, Sealed)>> {
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(text) = row.opt_sealed("text_subject", "text")? {
            texts.push((row.id("id")?, text));
        }
    }
    Ok(texts)
}

async fn erased(db: &mut dyn Db, scope: Scope, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>> {
    // the column has the database's collation, of which the range must not depend
    let name = db.dialect().pick("name", "name COLLATE \"C\"");
    let rows = query(format!(
        "SELECT name FROM setting WHERE company_id = ?1 AND {name} > ?2 AND {name} < ?3 ORDER BY {name} LIMIT ?4"
    ))
    .bind(scope.company.0)
    .bind(after.map_or_else(|| ERASED.to_owned(), |id| format!("{ERASED}{id}")))
    .bind(format!("{ERASED}~"))
    .bind(i64::from(ERASED_TEXTS))
    .all(db)
    .await?;
    let ids = rows.iter().map(|row| Ok(row.text("name")?.strip_prefix(ERASED).and_then(|id| id.parse().ok())));
    Ok(ids.collect::<Result<Vec<Option<ShipmentId>>>>()?.into_iter().flatten().collect())
}

async fn shared(db: &mut dyn Db, scope: Scope, shipment: ShipmentId) -> Result<Vec<TrackerId>> {
    let rows = query(concat!(
        "SELECT DISTINCT b.tracker_id FROM binding b JOIN binding x ON x.tracker_id = b.tracker_id
         WHERE b.company_id = ?1 AND b.shipment_id IN ",
        its!(),
        " AND x.shipment_id NOT IN ",
        its!()
    ))
    .bind(scope.company.0)
    .bind(shipment.0)
    .all(db)
    .await?;
    rows.iter().map(|row| row.id("tracker_id")).collect()
}

async fn about(
    db: &mut dyn Db,
    scope: Scope,
    own: &Own,
    since: Timestamp,
    after: Option<MessageId>,
) -> Result<Vec<About>> {
    let rows = query(concat!(
        "SELECT g.message_id, min(g.recorded_at) AS recorded_at, m.status = 'received' AS unfinished
         FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
         JOIN message m ON m.company_id = g.company_id AND m.id = g.message_id AND m.wrapped IS NOT NULL
         WHERE b.company_id = ?1 AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("g.recorded_at"),
        " AND (g.recorded_at >= ?5 OR b.recorded_at >= ?5) AND g.message_id > ?3 AND g.observation_id NOT IN (SELECT value FROM {ids ?6 x})
         GROUP BY g.message_id, m.status ORDER BY g.message_id LIMIT ?4"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_MESSAGES))
    .bind(micros(since))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .all(db)
    .await?;
    let mut about: BTreeMap<MessageId, About> = BTreeMap::new();
    for row in &rows {
        let (message, recorded_at) = (row.id("message_id")?, row.at("recorded_at")?);
        let unfinished = row.flag("unfinished")?;
        about.insert(message, About { message, others: Vec::new(), recorded_at, unfinished });
    }
    if about.is_empty() {
        return Ok(Vec::new());
    }
    // there is no index by message: every recording would pay for it, and nothing else uses it
    let others = query(concat!(
        "SELECT DISTINCT g.message_id, g.tracker_id FROM sighting g
         WHERE g.company_id = ?1 AND g.message_id {in ids ?3}
         AND (NOT EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id IN ",
        its!(),
        ") OR EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id NOT IN ",
        its!(),
        "))"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(id_list(about.keys().map(|id| id.0)))
    .all(db)
    .await?;
    for row in &others {
        if let Some(about) = about.get_mut(&row.id("message_id")?) {
            about.others.push(row.id("tracker_id")?);
        }
    }
    Ok(about.into_values().collect())
}

async fn unread(db: &mut dyn Db, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>> {
    let rows = query(concat!(
        "SELECT m.id FROM message m WHERE m.company_id = ?1 AND m.id > ?2 AND m.observations = 0 AND m.status <> 'received'
         AND m.wrapped IS NOT NULL AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ",
        "{month m.received_at}",
        " AND b.message_id = m.id) ORDER BY m.id LIMIT ?3"
    ))
    .bind(scope.company.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_MESSAGES))
    .all(db)
    .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

async fn texts_under(
    db: &mut dyn Db,
    scope: Scope,
    message: MessageId,
    trackers: Vec<TrackerId>,
) -> Result<Vec<(ObservationId, Sealed)>> {
    let rows = query(
        "SELECT o.id, o.text_subject, o.text FROM {ids ?3 x} CROSS JOIN observation o
         WHERE o.tracker_id = x.value AND o.company_id = ?1 AND o.text_subject = ?2 AND o.text IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(message.0)
    .bind(id_list(trackers.iter().map(|id| id.0)))
    .all(db)
    .await?;
    texts(&rows)
}

async fn texts_about(
    db: &mut dyn Db,
    scope: Scope,
    own: &Own,
    after: Option<ObservationId>,
) -> Result<Vec<(ObservationId, Sealed)>> {
    let rows = query(concat!(
        "SELECT DISTINCT o.id, o.text_subject, o.text FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
         WHERE b.company_id = ?1 AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("o.recorded_at"),
        " AND o.text IS NOT NULL AND o.id > ?3 AND o.id NOT IN (SELECT value FROM {ids ?5 x}) ORDER BY o.id LIMIT ?4"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_TEXTS))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .all(db)
    .await?;
    texts(&rows)
}

async fn drop_body(db: &mut dyn Db, scope: Scope, message: MessageId) -> Result<()> {
    query(
        "DELETE FROM message_body WHERE message_id = ?2
             AND month = (SELECT {month m.received_at} FROM message m WHERE m.company_id = ?1 AND m.id = ?2)",
    )
    .bind(scope.company.0)
    .bind(message.0)
    .execute(db)
    .await?;
    Ok(())
}

async fn rewrite(
    db: &mut dyn Db,
    scope: Scope,
    message: MessageId,
    read_with: &WrappedKey,
    rewritten: &Rewritten,
) -> Result<bool> {
    let found = query(
        "UPDATE message SET wrapped = ?1, reason = NULL, rewritten = TRUE
         WHERE company_id = ?2 AND id = ?3 AND wrapped = ?4 AND status <> 'received'",
    )
    .bind(&rewritten.key.bytes)
    .bind(scope.company.0)
    .bind(message.0)
    .bind(&read_with.bytes)
    .execute(db)
    .await?;
    if found == 0 {
        return Ok(false);
    }
    match &rewritten.body {
        None => drop_body(db, scope, message).await?,
        Some(body) => {
            query(
                "UPDATE message_body SET bytes = ?3 WHERE message_id = ?2
                     AND month = (SELECT {month m.received_at} FROM message m WHERE m.company_id = ?1 AND m.id = ?2)",
            )
            .bind(scope.company.0)
            .bind(message.0)
            .bind(&body.bytes)
            .execute(db)
            .await?;
        }
    }
    // the company comes with each row: SQLite goes through all of its observations otherwise
    let company = hex_id(scope.company.0);
    let row = |(id, text): &(ObservationId, Sealed)| json!({ "company": company, "id": hex_id(id.0), "text": to_hex(&text.bytes) });
    query(
        "UPDATE observation AS o SET text = r.text FROM {rows ?1 r (company id, id id, text bytes)}
         WHERE o.company_id = r.company AND o.id = r.id AND o.text_subject = ?2",
    )
    .bind(rewritten.texts.iter().map(row).collect::<Rows>())
    .bind(message.0)
    .execute(db)
    .await?;
    Ok(true)
}

async fn empty(db: &mut dyn Db, scope: Scope, own: &Own) -> Result<bool> {
    let words = query(concat!(
        "UPDATE observation SET text = NULL, text_subject = NULL WHERE company_id = ?1 AND id IN (
             SELECT o.id FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
             WHERE b.company_id = ?1 AND o.text IS NOT NULL AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("o.recorded_at"),
        " AND o.id NOT IN (SELECT value FROM {ids ?4 x}) LIMIT ?3)"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(i64::from(ERASED_TEXTS))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .execute(db)
    .await?;
    let mut more = words > 0;
    // SQLite looks up pairs by their first part alone
    let attempts = db.dialect().pick(
        concat!(
            "UPDATE attempt SET request = NULL, response = NULL WHERE rowid IN (
                 SELECT a.rowid FROM attempt a
                 WHERE a.company_id = ?1 AND (a.request IS NOT NULL OR a.response IS NOT NULL) AND a.shipment_id IN ",
            its!(),
            " LIMIT ?3)"
        ),
        concat!(
            "UPDATE attempt SET request = NULL, response = NULL WHERE (month, id) IN (
                 SELECT a.month, a.id FROM attempt a
                 WHERE a.company_id = ?1 AND (a.request IS NOT NULL OR a.response IS NOT NULL) AND a.shipment_id IN ",
            its!(),
            " LIMIT ?3)"
        ),
    );
    for sql in [
        attempts,
        concat!(
            "UPDATE job SET error = NULL WHERE seq IN (
                 SELECT j.seq FROM job j WHERE j.company_id = ?1 AND j.error IS NOT NULL AND j.shipment_id IN ",
            its!(),
            " LIMIT ?3)"
        ),
    ] {
        let emptied =
            query(sql).bind(scope.company.0).bind(own.shipment.0).bind(i64::from(ERASED_TEXTS)).execute(db).await?;
        more |= emptied > 0;
    }
    Ok(more)
}

async fn loose(db: &mut dyn Db, scope: Scope, after: Option<&str>) -> Result<Page<Loose>> {
    match cursor::decode(after) {
        Some(Cursor::Job(seq)) => loose_jobs(db, scope, seq).await,
        Some(Cursor::Attempt(month, id)) => loose_attempts(db, scope, month, id).await,
        None => loose_attempts(db, scope, 0, Uuid::nil()).await,
    }
}

async fn loose_attempts(db: &mut dyn Db, scope: Scope, month: i64, id: Uuid) -> Result<Page<Loose>> {
    let rows = query(
        "SELECT month, id, request, response FROM attempt WHERE company_id = ?1
         AND (shipment_id IS NULL OR outcome <> 'ok') AND (request IS NOT NULL OR response IS NOT NULL) AND (month, id) > (?2, ?3) ORDER BY month, id LIMIT ?4",
    )
    .bind(scope.company.0)
    .bind(month)
    .bind(id)
    .bind(i64::from(ERASED_TEXTS))
    .all(db)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let texts = row.opt_packed("request")?.into_iter().chain(row.opt_packed("response")?);
        found.push(Loose { of: LooseId::Attempt(row.id("id")?), texts: texts.collect() });
    }
    let next = match rows.last() {
        Some(last) if rows.len() == ERASED_TEXTS as usize => Cursor::Attempt(last.int("month")?, last.id("id")?),
        _ => Cursor::Job(0),
    };
    Ok(Page { rows: found, next: Some(cursor::encode(&next)) })
}

async fn loose_jobs(db: &mut dyn Db, scope: Scope, after: i64) -> Result<Page<Loose>> {
    let rows = query(
        "SELECT seq, id, error FROM job WHERE company_id = ?1 AND error IS NOT NULL AND seq > ?2
         ORDER BY seq LIMIT ?3",
    )
    .bind(scope.company.0)
    .bind(after)
    .bind(i64::from(ERASED_TEXTS))
    .all(db)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(Loose { of: LooseId::Job(row.id("id")?), texts: row.opt_packed("error")?.into_iter().collect() });
    }
    let last = rows.last().filter(|_| rows.len() == ERASED_TEXTS as usize);
    let next = last.map(|row| row.int("seq")).transpose()?;
    Ok(Page { rows: found, next: next.map(|seq| cursor::encode(&Cursor::Job(seq))) })
}

async fn empty_loose(db: &mut dyn Db, scope: Scope, of: &[LooseId]) -> Result<()> {
    let attempts = of.iter().filter_map(|id| if let LooseId::Attempt(id) = id { Some(id.0) } else { None });
    query("UPDATE attempt SET request = NULL, response = NULL WHERE company_id = ?1 AND id {in ids ?2}")
        .bind(scope.company.0)
        .bind(id_list(attempts))
        .execute(db)
        .await?;
    let jobs = of.iter().filter_map(|id| if let LooseId::Job(id) = id { Some(id.0) } else { None });
    query("UPDATE job SET error = NULL WHERE company_id = ?1 AND id {in ids ?2}")
        .bind(scope.company.0)
        .bind(id_list(jobs))
        .execute(db)
        .await?;
    Ok(())
}
