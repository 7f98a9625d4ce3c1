//! What an erasure reads and rewrites.

use crate::{
    PostgresStore, Turn,
    codec::{Columns, Done, cursor, id_list, micros},
    inbox::month_of,
};
use async_trait::async_trait;
use domain::ids::{MessageId, ObservationId, ShipmentId, TrackerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::BTreeMap;
use storage::{
    Page, Result, Scope, Sealed, WrappedKey,
    erasure::{About, ERASED, Erasure, Loose, LooseId, Own, Rewritten},
    limits::{ERASED_MESSAGES, ERASED_TEXTS},
};
use uuid::Uuid;

/// The shipment, and what was merged into it.
macro_rules! its {
    () => {
        "(SELECT s.id FROM shipment s WHERE s.company_id = $1 AND (s.id = $2 OR s.merged_into = $2))"
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
enum Place {
    Attempt(i64, Uuid),
    Job(i64),
}

#[async_trait]
impl Erasure for PostgresStore {
    async fn erased(&self, scope: Scope, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>> {
        let mut read = self.read().await?;
        Ok(erased(&mut read, scope, after).await?)
    }

    async fn shared(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<TrackerId>> {
        let mut read = self.read().await?;
        Ok(shared(&mut read, scope, shipment).await?)
    }

    async fn about(&self, scope: Scope, own: Own, since: Timestamp, after: Option<MessageId>) -> Result<Vec<About>> {
        let mut read = self.read().await?;
        Ok(about(&mut read, scope, &own, since, after).await?)
    }

    async fn unread(&self, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>> {
        let mut read = self.read().await?;
        Ok(unread(&mut read, scope, after).await?)
    }

    async fn texts_under(
        &self,
        scope: Scope,
        message: MessageId,
        trackers: Vec<TrackerId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        let mut read = self.read().await?;
        Ok(texts_under(&mut read, scope, message, trackers).await?)
    }

    async fn texts_about(
        &self,
        scope: Scope,
        own: Own,
        after: Option<ObservationId>,
    ) -> Result<Vec<(ObservationId, Sealed)>> {
        let mut read = self.read().await?;
        Ok(texts_about(&mut read, scope, &own, after).await?)
    }

    async fn erase_message(&self, scope: Scope, message: MessageId) -> Result<bool> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                let found = sqlx::query(
                    "UPDATE message SET wrapped = NULL, headers = '{}', content_type = NULL, reason = NULL
                     WHERE company_id = $1 AND id = $2 AND status <> 'received'",
                )
                .bind(scope.company.0)
                .bind(message.0)
                .execute(&mut *conn)
                .await?;
                let found = found.rows_affected() > 0;
                if found {
                    drop_body(conn, scope, message).await?;
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
        self.write(Turn::Batch, move |conn| {
            Box::pin(async move { rewrite(conn, scope, message, &read_with, &rewritten).await })
        })
        .await
    }

    async fn empty(&self, scope: Scope, own: Own) -> Result<bool> {
        self.write(Turn::Batch, move |conn| Box::pin(async move { empty(conn, scope, &own).await })).await
    }

    async fn loose(&self, scope: Scope, after: Option<String>) -> Result<Page<Loose>> {
        let mut read = self.read().await?;
        let loose = match cursor::decode(after.as_deref()) {
            Some(Place::Job(seq)) => loose_jobs(&mut read, scope, seq).await,
            Some(Place::Attempt(month, id)) => loose_attempts(&mut read, scope, month, id).await,
            None => loose_attempts(&mut read, scope, 0, Uuid::nil()).await,
        };
        Ok(loose?)
    }

    async fn empty_loose(&self, scope: Scope, of: Vec<LooseId>) -> Result<()> {
        self.write(Turn::Batch, move |conn| Box::pin(async move { empty_loose(conn, scope, &of).await })).await
    }

    /// Rows as they were stay in the tables until they are vacuumed, and in archives of the log.
    async fn settle(&self) -> Result<bool> {
        Ok(true)
    }
}

fn texts(rows: &[PgRow]) -> Done<Vec<(ObservationId, Sealed)>> {
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(text) = row.opt_sealed("text_subject", "text")? {
            texts.push((row.id("id")?, text));
        }
    }
    Ok(texts)
}

async fn erased(conn: &mut PgConnection, scope: Scope, after: Option<ShipmentId>) -> Done<Vec<ShipmentId>> {
    let rows = sqlx::query(
        r#"SELECT name FROM setting WHERE company_id = $1 AND name COLLATE "C" > $2 AND name COLLATE "C" < $3
           ORDER BY name COLLATE "C" LIMIT $4"#,
    )
    .bind(scope.company.0)
    .bind(after.map_or_else(|| ERASED.to_owned(), |id| format!("{ERASED}{id}")))
    .bind(format!("{ERASED}~"))
    .bind(i64::from(ERASED_TEXTS))
    .fetch_all(conn)
    .await?;
    let ids = rows.iter().map(|row| Ok(row.text("name")?.strip_prefix(ERASED).and_then(|id| id.parse().ok())));
    Ok(ids.collect::<Done<Vec<Option<ShipmentId>>>>()?.into_iter().flatten().collect())
}

async fn shared(conn: &mut PgConnection, scope: Scope, shipment: ShipmentId) -> Done<Vec<TrackerId>> {
    let rows = sqlx::query(concat!(
        "SELECT DISTINCT b.tracker_id FROM binding b JOIN binding x ON x.tracker_id = b.tracker_id
         WHERE b.company_id = $1 AND b.shipment_id IN ",
        its!(),
        " AND x.shipment_id NOT IN ",
        its!()
    ))
    .bind(scope.company.0)
    .bind(shipment.0)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.id("tracker_id")).collect()
}

async fn about(
    conn: &mut PgConnection,
    scope: Scope,
    own: &Own,
    since: Timestamp,
    after: Option<MessageId>,
) -> Done<Vec<About>> {
    let rows = sqlx::query(concat!(
        "SELECT g.message_id, min(g.recorded_at) AS recorded_at, m.status = 'received' AS unfinished
         FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
         JOIN message m ON m.company_id = g.company_id AND m.id = g.message_id AND m.wrapped IS NOT NULL
         WHERE b.company_id = $1 AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("g.recorded_at"),
        " AND (g.recorded_at >= $5 OR b.recorded_at >= $5) AND g.message_id > $3 AND g.observation_id <> ALL ($6)
         GROUP BY g.message_id, m.status ORDER BY g.message_id LIMIT $4"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_MESSAGES))
    .bind(micros(since))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .fetch_all(&mut *conn)
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
    // there is no index by message: whoever records would pay for it, and nobody else asks
    let others = sqlx::query(concat!(
        "SELECT DISTINCT g.message_id, g.tracker_id FROM sighting g
         WHERE g.company_id = $1 AND g.message_id = ANY ($3)
         AND (NOT EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id IN ",
        its!(),
        ") OR EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = g.tracker_id AND b.shipment_id NOT IN ",
        its!(),
        "))"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(id_list(about.keys().map(|id| id.0)))
    .fetch_all(conn)
    .await?;
    for row in &others {
        if let Some(about) = about.get_mut(&row.id("message_id")?) {
            about.others.push(row.id("tracker_id")?);
        }
    }
    Ok(about.into_values().collect())
}

async fn unread(conn: &mut PgConnection, scope: Scope, after: Option<MessageId>) -> Done<Vec<MessageId>> {
    let rows = sqlx::query(concat!(
        "SELECT m.id FROM message m WHERE m.company_id = $1 AND m.id > $2 AND m.observations = 0 AND m.status <> 'received'
         AND m.wrapped IS NOT NULL AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = ",
        month_of!(),
        " AND b.message_id = m.id) ORDER BY m.id LIMIT $3"
    ))
    .bind(scope.company.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_MESSAGES))
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

async fn texts_under(
    conn: &mut PgConnection,
    scope: Scope,
    message: MessageId,
    trackers: Vec<TrackerId>,
) -> Done<Vec<(ObservationId, Sealed)>> {
    let rows = sqlx::query(
        "SELECT o.id, o.text_subject, o.text FROM observation o
         WHERE o.tracker_id = ANY ($3) AND o.company_id = $1 AND o.text_subject = $2 AND o.text IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(message.0)
    .bind(id_list(trackers.iter().map(|id| id.0)))
    .fetch_all(conn)
    .await?;
    texts(&rows)
}

async fn texts_about(
    conn: &mut PgConnection,
    scope: Scope,
    own: &Own,
    after: Option<ObservationId>,
) -> Done<Vec<(ObservationId, Sealed)>> {
    let rows = sqlx::query(concat!(
        "SELECT DISTINCT o.id, o.text_subject, o.text FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
         WHERE b.company_id = $1 AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("o.recorded_at"),
        " AND o.text IS NOT NULL AND o.id > $3 AND o.id <> ALL ($5) ORDER BY o.id LIMIT $4"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(after.map(|id| id.0).unwrap_or_default())
    .bind(i64::from(ERASED_TEXTS))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .fetch_all(conn)
    .await?;
    texts(&rows)
}

async fn drop_body(conn: &mut PgConnection, scope: Scope, message: MessageId) -> Done<()> {
    sqlx::query(concat!(
        "DELETE FROM message_body b USING message m
         WHERE m.company_id = $1 AND m.id = $2 AND b.message_id = m.id AND b.month = ",
        month_of!()
    ))
    .bind(scope.company.0)
    .bind(message.0)
    .execute(conn)
    .await?;
    Ok(())
}

async fn rewrite(
    conn: &mut PgConnection,
    scope: Scope,
    message: MessageId,
    read_with: &WrappedKey,
    rewritten: &Rewritten,
) -> Done<bool> {
    let found = sqlx::query(
        "UPDATE message SET wrapped = $1, reason = NULL, rewritten = TRUE
         WHERE company_id = $2 AND id = $3 AND wrapped = $4 AND status <> 'received'",
    )
    .bind(&rewritten.key.bytes)
    .bind(scope.company.0)
    .bind(message.0)
    .bind(&read_with.bytes)
    .execute(&mut *conn)
    .await?;
    if found.rows_affected() == 0 {
        return Ok(false);
    }
    match &rewritten.body {
        None => drop_body(&mut *conn, scope, message).await?,
        Some(body) => {
            sqlx::query(concat!(
                "UPDATE message_body b SET bytes = $3 FROM message m
                 WHERE m.company_id = $1 AND m.id = $2 AND b.message_id = m.id AND b.month = ",
                month_of!()
            ))
            .bind(scope.company.0)
            .bind(message.0)
            .bind(&body.bytes)
            .execute(&mut *conn)
            .await?;
        }
    }
    sqlx::query(
        "UPDATE observation SET text = t.text FROM unnest($3::uuid[], $4::bytea[]) t (id, text)
         WHERE observation.company_id = $1 AND observation.id = t.id AND observation.text_subject = $2",
    )
    .bind(scope.company.0)
    .bind(message.0)
    .bind(rewritten.texts.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(rewritten.texts.iter().map(|(_, text)| text.bytes.as_slice()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(true)
}

async fn empty(conn: &mut PgConnection, scope: Scope, own: &Own) -> Done<bool> {
    let words = sqlx::query(concat!(
        "UPDATE observation SET text = NULL, text_subject = NULL WHERE company_id = $1 AND id IN (
             SELECT o.id FROM binding b JOIN observation o ON o.tracker_id = b.tracker_id
             WHERE b.company_id = $1 AND o.text IS NOT NULL AND b.shipment_id IN ",
        its!(),
        " AND NOT ",
        ended_before!("o.recorded_at"),
        " AND o.id <> ALL ($4) LIMIT $3)"
    ))
    .bind(scope.company.0)
    .bind(own.shipment.0)
    .bind(i64::from(ERASED_TEXTS))
    .bind(id_list(own.except.iter().map(|id| id.0)))
    .execute(&mut *conn)
    .await?;
    let mut more = words.rows_affected() > 0;
    for sql in [
        concat!(
            "UPDATE attempt SET request = NULL, response = NULL WHERE (month, id) IN (
                 SELECT a.month, a.id FROM attempt a
                 WHERE a.company_id = $1 AND (a.request IS NOT NULL OR a.response IS NOT NULL) AND a.shipment_id IN ",
            its!(),
            " LIMIT $3)"
        ),
        concat!(
            "UPDATE job SET error = NULL WHERE seq IN (
                 SELECT j.seq FROM job j WHERE j.company_id = $1 AND j.error IS NOT NULL AND j.shipment_id IN ",
            its!(),
            " LIMIT $3)"
        ),
    ] {
        let emptied = sqlx::query(sql)
            .bind(scope.company.0)
            .bind(own.shipment.0)
            .bind(i64::from(ERASED_TEXTS))
            .execute(&mut *conn)
            .await?;
        more |= emptied.rows_affected() > 0;
    }
    Ok(more)
}

async fn loose_attempts(conn: &mut PgConnection, scope: Scope, month: i64, id: Uuid) -> Done<Page<Loose>> {
    let rows = sqlx::query(
        "SELECT month, id, request, response FROM attempt WHERE company_id = $1 AND shipment_id IS NULL
         AND (request IS NOT NULL OR response IS NOT NULL) AND (month, id) > ($2, $3) ORDER BY month, id LIMIT $4",
    )
    .bind(scope.company.0)
    .bind(month)
    .bind(id)
    .bind(i64::from(ERASED_TEXTS))
    .fetch_all(conn)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let texts = row.opt_packed("request")?.into_iter().chain(row.opt_packed("response")?);
        found.push(Loose { of: LooseId::Attempt(row.id("id")?), texts: texts.collect() });
    }
    let next = match rows.last() {
        Some(last) if rows.len() == ERASED_TEXTS as usize => Place::Attempt(last.int("month")?, last.id("id")?),
        _ => Place::Job(0),
    };
    Ok(Page { rows: found, next: Some(cursor::encode(&next)) })
}

async fn loose_jobs(conn: &mut PgConnection, scope: Scope, after: i64) -> Done<Page<Loose>> {
    let rows = sqlx::query(
        "SELECT seq, id, error FROM job WHERE company_id = $1 AND shipment_id IS NULL AND error IS NOT NULL AND seq > $2
         ORDER BY seq LIMIT $3",
    )
    .bind(scope.company.0)
    .bind(after)
    .bind(i64::from(ERASED_TEXTS))
    .fetch_all(conn)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(Loose { of: LooseId::Job(row.id("id")?), texts: row.opt_packed("error")?.into_iter().collect() });
    }
    let last = rows.last().filter(|_| rows.len() == ERASED_TEXTS as usize);
    let next = last.map(|row| row.int("seq")).transpose()?;
    Ok(Page { rows: found, next: next.map(|seq| cursor::encode(&Place::Job(seq))) })
}

async fn empty_loose(conn: &mut PgConnection, scope: Scope, of: &[LooseId]) -> Done<()> {
    let attempts = of.iter().filter_map(|id| if let LooseId::Attempt(id) = id { Some(id.0) } else { None });
    sqlx::query("UPDATE attempt SET request = NULL, response = NULL WHERE company_id = $1 AND id = ANY ($2)")
        .bind(scope.company.0)
        .bind(id_list(attempts))
        .execute(&mut *conn)
        .await?;
    let jobs = of.iter().filter_map(|id| if let LooseId::Job(id) = id { Some(id.0) } else { None });
    sqlx::query("UPDATE job SET error = NULL WHERE company_id = $1 AND id = ANY ($2)")
        .bind(scope.company.0)
        .bind(id_list(jobs))
        .execute(conn)
        .await?;
    Ok(())
}
