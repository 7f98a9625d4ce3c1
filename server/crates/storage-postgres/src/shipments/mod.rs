//! Shipments: what they are, their state, and what follows from it. Taking in orders is in [`import`], what a fold reads
//! in [`load`] and what it leaves in [`commit`], numbers that are in use again in [`recycled`], the list in [`list`].

/// The numbers of the open bindings `b`.
macro_rules! numbers_of {
    ($which:literal) => {
        concat!(
            "SELECT b.shipment_id, b.tracker_id, b.number_raw, b.piece, t.carrier, t.carrier_label
             FROM binding b JOIN tracker t ON t.id = b.tracker_id
             WHERE ",
            $which,
            " AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
             ORDER BY b.recorded_at, t.number, b.id"
        )
    };
}
mod bindings;
mod commit;
mod import;
mod linked;
mod list;
mod load;
mod recycled;
mod row;

use self::{
    bindings::term,
    row::{change, seen_in, shipment, state_change},
};
pub(crate) use self::{
    bindings::{NewBinding, bind, renew_number_terms},
    commit::Put,
    load::Load,
    row::{make_unclaimed, mark_sandbox},
};
use crate::{
    PostgresStore, Priority,
    codec::{Columns, SqlError, micros, row_limit},
    db::Pg,
    group::Grouped,
    lock,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, ShipmentId},
};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet, HashSet, btree_map::Entry};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    limits::CHANGE_ROWS,
    orders::{Amended, Imported, ImportedShipment},
    shipments::{
        Change, Commit, Committed, Loaded, NewLink, SameNumber, SeenIn, SetBack, ShipmentQuery, ShipmentRecord,
        ShipmentRow, Shipments, StateChange, TabCounts, WrittenValues,
    },
};
use storage_sql::keys;
use uuid::Uuid;

/// Shipments of one look for reviews that are due.
const DUE_ROWS: u32 = 1000;
/// Shipments that one number may name.
const FIND_ROWS: i64 = 50;
/// Changes that are numbered at once.
const NUMBERED_AT_ONCE: i64 = 5_000;
/// Rows of one read of what belongs to a shipment (effects, history, sightings): more than one ever has.
pub(crate) const OWN_ROWS: i64 = 10_000;

#[async_trait]
impl Shipments for PostgresStore {
    async fn import(&self, scope: Scope, shipments: Vec<ImportedShipment>, at: Timestamp) -> Result<Imported> {
        self.write(Priority::Batch, move |conn| {
            Box::pin(async move { import::import(conn, scope, &shipments, at).await })
        })
        .await
    }

    async fn amend(&self, scope: Scope, amended: Amended, at: Timestamp) -> Result<Option<ShipmentId>> {
        self.write(Priority::Batch, move |conn| Box::pin(async move { import::amend(conn, scope, &amended, at).await }))
            .await
    }

    async fn same_number(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>> {
        let mut read = self.moment().await?;
        Ok(linked::same_number(&mut read, scope, id).await?)
    }

    async fn link(&self, scope: Scope, link: NewLink, audit: AuditEntry) -> Result<()> {
        self.write(Priority::RealTime, move |conn| {
            Box::pin(async move { linked::link(conn, scope, &link, &audit).await })
        })
        .await
    }

    async fn known_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        let mut read = self.moment().await?;
        Ok(import::known_records(&mut read, scope, system, records).await?)
    }

    async fn open_records(&self, scope: Scope, system: &str, after: i64, limit: u32) -> Result<Vec<i64>> {
        let mut read = self.moment().await?;
        Ok(import::open_records(&mut read, scope, system, after, limit).await?)
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        if known_at.is_none() {
            return self.loading.join(Load { scope, id }).await;
        }
        let mut read = self.moment().await?;
        Ok(load::load(&mut read, &[(&scope, id)], known_at).await?.pop().flatten())
    }

    async fn shipment(&self, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
        let mut read = self.moment().await?;
        Ok(shipment(&mut read, scope, id).await?)
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        if commit::is_simple(&commit) {
            return self.putting.join(Put { scope, commit }).await?.ok_or(StoreError::NotFound("shipment"));
        }
        self.write(Priority::RealTime, move |conn| Box::pin(async move { commit::commit(conn, scope, &commit).await }))
            .await
    }

    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<ShipmentId>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT id FROM shipment WHERE company_id = $1 AND merged_into IS NULL AND review_at IS NOT NULL AND review_at <= $2
             ORDER BY review_at, id LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(micros(now))
        .bind(row_limit(limit, DUE_ROWS))
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().map(|row| row.id("id")).collect::<Result<_, SqlError>>()?)
    }

    async fn list(&self, scope: Scope, query: ShipmentQuery, now: Timestamp) -> Result<Page<ShipmentRow>> {
        let mut read = self.moment().await?;
        Ok(list::list(&mut read, scope, &query, now).await?)
    }

    async fn counts(&self, scope: Scope, _now: Timestamp) -> Result<TabCounts> {
        let mut read = self.moment().await?;
        Ok(list::counts(&mut read, scope).await?)
    }

    async fn find(&self, scope: Scope, text: &str) -> Result<Vec<ShipmentId>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT DISTINCT s.id FROM shipment_term t JOIN shipment s ON s.id = t.shipment_id
             WHERE t.company_id = $1 AND t.term = $2 AND t.kind <> 'customer' AND s.merged_into IS NULL ORDER BY s.id LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(term(text))
        .bind(FIND_ROWS)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().map(|row| row.id("id")).collect::<Result<_, SqlError>>()?)
    }

    async fn customer(&self, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>> {
        let mut read = self.moment().await?;
        let row = sqlx::query("SELECT customer_subject, customer FROM shipment WHERE company_id = $1 AND id = $2")
            .bind(scope.company.0)
            .bind(id.0)
            .fetch_optional(&mut *read)
            .await
            .map_err(SqlError::from)?;
        let Some(sealed) = row.map(|row| row.opt_sealed("customer_subject", "customer")).transpose()?.flatten() else {
            return Ok(None);
        };
        let key = keys::key(&mut Pg(&mut read), scope, sealed.subject).await?;
        Ok(Some((sealed, key)))
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()> {
        found(self.noting.join(Note { scope, at, what: Noted::Effect { effect: id, outcome } }).await?, "effect")
    }

    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()> {
        found(self.noting.join(Note { scope, at, what: Noted::Written { shipment: id, values } }).await?, "shipment")
    }

    async fn written_of(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<WrittenValues>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT s.* FROM (SELECT * FROM unnest($1::bigint[]) u (record) LIMIT cardinality($1)) r CROSS JOIN LATERAL (
                 SELECT id, origin_record, written FROM shipment
                 WHERE company_id = $2 AND origin_system = $3 AND origin_model = 'stock.picking' AND origin_record = r.record
                   AND origin IS NOT NULL LIMIT 1) s
             WHERE s.written IS NOT NULL ORDER BY s.origin_record",
        )
        .bind(&records)
        .bind(scope.company.0)
        .bind(system)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        let written = |row: &PgRow| {
            Ok(WrittenValues {
                record: row.int("origin_record")?,
                shipment: row.id("id")?,
                values: row.text("written")?,
            })
        };
        Ok(rows.iter().map(written).collect::<Result<_, SqlError>>()?)
    }

    async fn set_back(&self, scope: Scope, set_back: SetBack, at: Timestamp) -> Result<bool> {
        self.write(Priority::Batch, move |conn| {
            Box::pin(async move { commit::set_back(conn, scope, &set_back, at).await })
        })
        .await
    }

    async fn history(&self, scope: Scope, id: ShipmentId) -> Result<Vec<StateChange>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT * FROM state_change WHERE company_id = $1 AND shipment_id = $2 ORDER BY revision LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .bind(OWN_ROWS)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().map(state_change).collect::<Result<_, SqlError>>()?)
    }

    async fn seen_in(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SeenIn>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT f.observation_id, f.message_id, m.correlation, s.name AS source_name
             FROM (SELECT DISTINCT ON (g.observation_id) g.observation_id, g.message_id
                   FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
                   WHERE b.shipment_id = $2 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                   ORDER BY g.observation_id, g.recorded_at) f
             JOIN message m ON m.id = f.message_id AND m.company_id = $1
             JOIN connection s ON s.id = m.source_id
             ORDER BY f.observation_id LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .bind(OWN_ROWS)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().map(seen_in).collect::<Result<_, SqlError>>()?)
    }

    async fn changes(&self, scope: Scope, after: u64, limit: u32) -> Result<Vec<Change>> {
        self.number_changes().await?;
        let mut read = self.moment().await?;
        let rows = sqlx::query("SELECT * FROM change WHERE company_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
            .bind(scope.company.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(row_limit(limit, CHANGE_ROWS))
            .fetch_all(&mut *read)
            .await
            .map_err(SqlError::from)?;
        Ok(rows.iter().map(change).collect::<Result<_, SqlError>>()?)
    }

    async fn newest_change(&self, scope: Scope) -> Result<u64> {
        self.number_changes().await?;
        let mut read = self.moment().await?;
        let row = sqlx::query("SELECT coalesce(max(seq), 0) AS newest FROM change WHERE company_id = $1")
            .bind(scope.company.0)
            .fetch_one(&mut *read)
            .await
            .map_err(SqlError::from)?;
        Ok(row.count("newest")?)
    }
}

impl PostgresStore {
    /// Numbers the changes that have committed, one caller at a time: a number that is read is never followed by a
    /// smaller one.
    async fn number_changes(&self) -> Result<()> {
        let mut read = self.read_one().await?;
        let waiting = sqlx::query("SELECT 1 FROM change WHERE seq IS NULL LIMIT 1")
            .fetch_optional(&mut *read)
            .await
            .map_err(SqlError::from)?;
        read.give_back();
        if waiting.is_none() {
            return Ok(());
        }
        self.write(Priority::RealTime, |conn| {
            Box::pin(async move {
                lock::change_numbers(conn).await?;
                sqlx::query(
                    "UPDATE change SET seq = n.seq
                     FROM (SELECT id, nextval('change_seq') AS seq FROM (SELECT id FROM change WHERE seq IS NULL ORDER BY id LIMIT $1) w) n
                     WHERE change.id = n.id",
                )
                .bind(NUMBERED_AT_ONCE)
                .execute(conn)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

fn found(is_there: bool, what: &'static str) -> Result<()> {
    if is_there { Ok(()) } else { Err(StoreError::NotFound(what)) }
}

/// What was written to the order system.
pub(crate) struct Note {
    scope: Scope,
    at: Timestamp,
    what: Noted,
}

enum Noted {
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
             WHERE shipment.company_id IS NOT DISTINCT FROM w.company_id AND shipment.id = w.id RETURNING shipment.id),
         done AS (
             UPDATE effect SET done_at = coalesce(done_at, p.at), external = CASE WHEN p.value = 'completed' THEN p.value ELSE coalesce(external, p.value) END
             FROM (SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bigint[]) LIMIT cardinality($5)) p (company_id, id, value, at)
             WHERE effect.company_id IS NOT DISTINCT FROM p.company_id AND effect.id = p.id RETURNING effect.id)
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
