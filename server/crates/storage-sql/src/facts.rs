//! What messages say about trackers.

use crate::{Db, HotPath, Row, Sql, codec::id_list, query};
use async_trait::async_trait;
use domain::ids::{ObservationId, ShipmentId, TrackerId};
use storage::{
    Result, Scope, StoreError, WrappedKey,
    facts::{Facts, ObservationRecord, Recorded, Recording, SealedText},
};

#[async_trait]
impl<E: HotPath> Facts for Sql<E> {
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        self.0.record(scope, recording).await
    }

    async fn observation(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        id: ObservationId,
    ) -> Result<Option<ObservationRecord>> {
        self.0.read(move |db| Box::pin(async move { observation(db, scope, shipment, id).await })).await
    }

    async fn texts(&self, scope: Scope, observations: Vec<ObservationId>) -> Result<Vec<SealedText>> {
        self.0.read(move |db| Box::pin(async move { texts(db, scope, observations).await })).await
    }
}

/// The sealed texts of observations.
async fn texts(db: &mut dyn Db, scope: Scope, observations: Vec<ObservationId>) -> Result<Vec<SealedText>> {
    let rows = query(
        "SELECT o.id, o.text_subject, o.text, m.wrapped
         FROM {ids ?1 s} CROSS JOIN observation o JOIN message m ON m.company_id = o.company_id AND m.id = o.text_subject
         WHERE o.id = s.value AND o.company_id = ?2 AND o.text IS NOT NULL AND m.wrapped IS NOT NULL",
    )
    .bind(id_list(observations.iter().map(|id| id.0)))
    .bind(scope.company.0)
    .all(db)
    .await?;
    let text = |row: &Row| {
        let text = row.opt_sealed("text_subject", "text")?.ok_or(StoreError::NotFound("text"))?;
        let key = WrappedKey { subject: text.subject, bytes: row.bytes("wrapped")? };
        Ok(SealedText { observation: row.id("id")?, text, key })
    };
    rows.iter().map(text).collect()
}

/// The shipments that a tracker is bound to now.
///
/// # Errors
/// When the engine fails.
pub async fn bound_to(db: &mut dyn Db, tracker: TrackerId) -> Result<Vec<ShipmentId>> {
    let rows = query(
        "SELECT DISTINCT b.shipment_id FROM binding b
         WHERE b.tracker_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(tracker.0)
    .all(db)
    .await?;
    rows.iter().map(|row| row.id("shipment_id")).collect()
}

async fn observation(
    db: &mut dyn Db,
    scope: Scope,
    shipment: ShipmentId,
    id: ObservationId,
) -> Result<Option<ObservationRecord>> {
    // readings and sightings of a tracker lie together in SQLite
    let sql = db.dialect().pick(
        "SELECT o.id, o.tracker_id, o.body, o.text_subject, o.text, t.number, r.body AS reading FROM observation o
         JOIN tracker t ON t.id = o.tracker_id
         JOIN reading r ON r.tracker_id = o.tracker_id AND r.observation_id = o.id
         WHERE o.company_id = ?1 AND o.id = ?2
           AND EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = o.tracker_id AND b.shipment_id = ?3)
         ORDER BY r.recorded_at DESC, r.mapping DESC LIMIT 1",
        "SELECT o.id, o.tracker_id, o.body, o.text_subject, o.text, t.number, r.body AS reading FROM observation o
         JOIN tracker t ON t.id = o.tracker_id
         JOIN reading r ON r.company_id = o.company_id AND r.observation_id = o.id
         WHERE o.company_id = ?1 AND o.id = ?2
           AND EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = o.tracker_id AND b.shipment_id = ?3)
         ORDER BY r.recorded_at DESC, r.mapping DESC LIMIT 1",
    );
    let row = query(sql).bind(scope.company.0).bind(id.0).bind(shipment.0).optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let tracker: TrackerId = row.id("tracker_id")?;
    let seen = query(
        "SELECT message_id, position, recorded_at FROM sighting WHERE {+}company_id = ?1 AND tracker_id = ?2 AND observation_id = ?3
         ORDER BY recorded_at DESC, message_id DESC, position",
    )
    .bind(scope.company.0)
    .bind(tracker.0)
    .bind(id.0)
    .all(db)
    .await?;
    let seen_at = |row: &Row| Ok((row.id("message_id")?, row.count("position")?, row.at("recorded_at")?));
    Ok(Some(ObservationRecord {
        id,
        body: row.json("body")?,
        text: row.opt_sealed("text_subject", "text")?,
        reading: row.json("reading")?,
        tracker,
        number: row.text("number")?,
        seen: seen.iter().map(seen_at).collect::<Result<_>>()?,
    }))
}
