//! What was written to the order system: many notes at once.

use crate::{
    codec::{SqlError, micros},
    group::Grouped,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, ShipmentId},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashSet, btree_map::Entry};
use storage::Scope;
use uuid::Uuid;

/// What was written to the order system.
pub(crate) struct Note {
    pub(crate) scope: Scope,
    pub(crate) at: Timestamp,
    pub(crate) what: Noted,
}

/// What of it.
pub(crate) enum Noted {
    /// The delivery shows these values; none: nobody knows which.
    Written { shipment: ShipmentId, values: Option<String> },
    /// This became of the effect.
    Effect { effect: EffectId, outcome: EffectOutcome },
}

impl Note {
    fn id(&self) -> Uuid {
        match &self.what {
            Noted::Written { shipment, .. } => shipment.0,
            Noted::Effect { effect, .. } => effect.0,
        }
    }
}

#[async_trait]
impl Grouped for Note {
    /// Whether there is such a shipment, or effect.
    type Output = bool;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<bool>, SqlError> {
        let mut there = HashSet::new();
        let mut left: Vec<&Self> = batch.iter().collect();
        // of one thing one note at a time, in their order
        while !left.is_empty() {
            let mut taken = BTreeMap::new();
            left.retain(|note| match taken.entry(note.id()) {
                Entry::Vacant(entry) => {
                    entry.insert(*note);
                    false
                }
                Entry::Occupied(_) => true,
            });
            there.extend(note(conn, taken.into_values()).await?);
        }
        Ok(batch.iter().map(|note| there.contains(&note.id())).collect())
    }
}

/// Keeps notes about different things in one statement; those of which there is such a thing.
async fn note(conn: &mut PgConnection, notes: impl Iterator<Item = &Note>) -> Result<Vec<Uuid>, SqlError> {
    let (mut written, mut done) = (Vec::new(), Vec::new());
    for note in notes {
        match &note.what {
            Noted::Written { shipment, values } => written.push((note, shipment.0, values.as_deref())),
            Noted::Effect { effect, outcome } => done.push((note, effect.0, outcome.external())),
        }
    }
    macro_rules! column {
        ($of:ident, |$note:pat_param, $id:pat_param, $value:pat_param| $column:expr) => {
            $of.iter().map(|($note, $id, $value)| $column).collect::<Vec<_>>()
        };
    }
    // the first answer stays: the message at the target is that one
    let there = sqlx::query_scalar(
        "WITH written AS (
             UPDATE shipment SET written = w.value, written_at = w.at
             FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) LIMIT cardinality($1)) w (company_id, id, value, at)
             WHERE shipment.company_id = w.company_id AND shipment.id = w.id RETURNING shipment.id),
         done AS (
             UPDATE effect SET done_at = coalesce(done_at, p.at), external = CASE WHEN p.value = 'completed' THEN p.value ELSE coalesce(external, p.value) END
             FROM (SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bigint[]) LIMIT cardinality($5)) p (company_id, id, value, at)
             WHERE effect.company_id = p.company_id AND effect.id = p.id RETURNING effect.id)
         SELECT id FROM written UNION ALL SELECT id FROM done",
    )
    .bind(column!(written, |note, _, _| note.scope.company.0))
    .bind(column!(written, |_, id, _| *id))
    .bind(column!(written, |_, _, values| *values))
    .bind(column!(written, |note, _, _| micros(note.at)))
    .bind(column!(done, |note, _, _| note.scope.company.0))
    .bind(column!(done, |_, id, _| *id))
    .bind(column!(done, |_, _, external| *external))
    .bind(column!(done, |note, _, _| micros(note.at)))
    .fetch_all(conn)
    .await?;
    Ok(there)
}
