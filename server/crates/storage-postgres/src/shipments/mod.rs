//! Shipments: what they are, their state, and what follows from it. Taking in orders is in [`import`], what a fold reads
//! and leaves in [`fold`], numbers that are in use again in [`recycled`], the list in [`list`].

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
mod fold;
mod import;
mod linked;
mod list;
mod recycled;

pub(crate) use self::fold::{Load, Put};
use crate::{
    PostgresStore, Priority,
    codec::{Columns, SqlError, clean, json, micros, opt_micros, row_limit},
    db::Pg,
    group::Grouped,
    lock,
};
use async_trait::async_trait;
use domain::{
    fold::Plan,
    ids::{BindingId, EffectId, ShipmentId, TrackerId},
};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map::Entry};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    facts::TrackerKey,
    limits::CHANGE_ROWS,
    shipments::{
        Amended, Change, Commit, Committed, Imported, ImportedShipment, Loaded, NewLink, NumberRecord, SameNumber,
        SeenIn, SetBack, ShipmentQuery, ShipmentRecord, ShipmentRow, Shipments, StateChange, TabCounts, WrittenValues,
    },
    trackers::Wanted,
};
use storage_sql::people;
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

    async fn known_records(&self, scope: Scope, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        let mut read = self.moment().await?;
        Ok(import::known_records(&mut read, scope, records).await?)
    }

    async fn open_records(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<i64>> {
        let mut read = self.moment().await?;
        Ok(import::open_records(&mut read, scope, after, limit).await?)
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        if known_at.is_none() {
            return self.loading.join(Load { scope, id }).await;
        }
        let mut read = self.moment().await?;
        Ok(fold::load(&mut read, &[(&scope, id)], known_at).await?.pop().flatten())
    }

    async fn shipment(&self, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
        let mut read = self.moment().await?;
        Ok(shipment(&mut read, scope, id).await?)
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        if fold::is_simple(&commit) {
            return self.putting.join(Put { scope, commit }).await?.ok_or(StoreError::NotFound("shipment"));
        }
        self.write(Priority::RealTime, move |conn| Box::pin(async move { fold::commit(conn, scope, &commit).await }))
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
        let key = people::key(&mut Pg(&mut read), scope, sealed.subject).await?;
        Ok(Some((sealed, key)))
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, external: String, at: Timestamp) -> Result<()> {
        found(self.noting.join(Note { scope, at, what: Noted::Posted { effect: id, external } }).await?, "effect")
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
            Box::pin(async move { fold::set_back(conn, scope, &set_back, at).await })
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
             JOIN source s ON s.id = m.source_id
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
    /// The effect is there under this id.
    Posted { effect: EffectId, external: String },
}

impl Note {
    fn id(&self) -> Uuid {
        match &self.what {
            Noted::Written { shipment, .. } => shipment.0,
            Noted::Posted { effect, .. } => effect.0,
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
    let (mut written, mut posted) = (Vec::new(), Vec::new());
    for note in notes {
        match &note.what {
            Noted::Written { shipment, values } => written.push((note, shipment.0, values.as_deref())),
            Noted::Posted { effect, external } => posted.push((note, effect.0, external.as_str())),
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
         posted AS (
             UPDATE effect SET done_at = coalesce(done_at, p.at), external = CASE WHEN p.value = 'completed' THEN p.value ELSE coalesce(external, p.value) END
             FROM (SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bigint[]) LIMIT cardinality($5)) p (company_id, id, value, at)
             WHERE effect.company_id IS NOT DISTINCT FROM p.company_id AND effect.id = p.id RETURNING effect.id)
         SELECT id FROM written UNION ALL SELECT id FROM posted",
    )
    .bind(column!(written, |note, _, _| note.scope.company.0))
    .bind(column!(written, |_, id, _| *id))
    .bind(column!(written, |_, _, values| *values))
    .bind(column!(written, |note, _, _| micros(note.at)))
    .bind(column!(posted, |note, _, _| note.scope.company.0))
    .bind(column!(posted, |_, id, _| *id))
    .bind(column!(posted, |_, _, external| *external))
    .bind(column!(posted, |note, _, _| micros(note.at)))
    .fetch_all(conn)
    .await?;
    Ok(there)
}

/// Letters and digits in upper case: how numbers and names are compared when people look for them.
pub(crate) fn term(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// A binding to be opened.
pub(crate) struct NewBinding<'a> {
    pub(crate) id: BindingId,
    pub(crate) tracker: TrackerId,
    pub(crate) shipment: ShipmentId,
    pub(crate) piece: Option<&'a str>,
    pub(crate) number_raw: &'a str,
    /// Since when it concerns the shipment, where that is not since now.
    pub(crate) valid_from: Option<Timestamp>,
}

/// Opens a binding.
pub(crate) async fn bind(
    conn: &mut PgConnection,
    scope: Scope,
    binding: &NewBinding<'_>,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query("INSERT INTO binding (id, company_id, tracker_id, shipment_id, piece, number_raw, recorded_at, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(binding.id.0)
        .bind(scope.company.0)
        .bind(binding.tracker.0)
        .bind(binding.shipment.0)
        .bind(binding.piece.map(clean))
        .bind(clean(binding.number_raw))
        .bind(micros(at))
        .bind(opt_micros(binding.valid_from))
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes a shipment for a tracker that nobody claims.
pub(crate) async fn make_unclaimed(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    at: Timestamp,
) -> Result<(), SqlError> {
    let folded = domain::fold::Folded::default();
    sqlx::query(
        "INSERT INTO shipment (id, company_id, plan, created_at, updated_at, state, visibility) VALUES ($1, $2, $3, $4, $4, $5, $6)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(json(&Plan::default()))
    .bind(micros(at))
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .execute(conn)
    .await?;
    Ok(())
}

/// What a simulated source speaks about is simulated.
pub(crate) async fn mark_sandbox(conn: &mut PgConnection, id: ShipmentId) -> Result<(), SqlError> {
    sqlx::query("UPDATE shipment SET sandbox = true WHERE id = $1 AND NOT sandbox").bind(id.0).execute(conn).await?;
    Ok(())
}

/// Brings the numbers under which a shipment is found in step with its open bindings: each as it is kept, and as it is written.
pub(crate) async fn renew_number_terms(conn: &mut PgConnection, scope: Scope, id: ShipmentId) -> Result<(), SqlError> {
    sqlx::query("DELETE FROM shipment_term WHERE shipment_id = $1 AND kind = 'number'")
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query(
        "SELECT DISTINCT t.number, t.carrier, b.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = $1 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        for number in (Wanted { key: &key, number_raw: &row.text("number_raw")? }).kept_under() {
            put_term(conn, scope, id, "number", &term(&number)).await?;
        }
    }
    Ok(())
}

async fn put_term(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    kind: &'static str,
    term: &str,
) -> Result<(), SqlError> {
    if term.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO shipment_term (company_id, term, kind, shipment_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(scope.company.0)
    .bind(term)
    .bind(kind)
    .bind(id.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells live streams.
async fn note_change(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    revision: i64,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query("INSERT INTO change (company_id, shipment_id, revision, at) VALUES ($1, $2, $3, $4)")
        .bind(scope.company.0)
        .bind(id.0)
        .bind(revision)
        .bind(micros(at))
        .execute(conn)
        .await?;
    Ok(())
}

/// A shipment alone.
pub(crate) async fn shipment(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
) -> Result<Option<ShipmentRecord>, SqlError> {
    let row = sqlx::query(
        "SELECT s.*, f.folded FROM shipment s LEFT JOIN shipment_fold f ON f.shipment_id = s.id WHERE s.company_id = $1 AND s.id = $2",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let numbers = numbers(conn, [id.0]).await?.remove(&id).unwrap_or_default();
    Ok(Some(record(&row, numbers)?))
}

/// The numbers of open bindings, shipment by shipment.
pub(crate) async fn numbers(
    conn: &mut PgConnection,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<ShipmentId, Vec<NumberRecord>>, SqlError> {
    let rows =
        sqlx::query(numbers_of!("b.shipment_id = ANY ($1)")).bind(crate::codec::id_list(ids)).fetch_all(conn).await?;
    let mut numbers: HashMap<ShipmentId, Vec<NumberRecord>> = HashMap::new();
    for row in &rows {
        numbers.entry(row.id("shipment_id")?).or_default().push(number(row)?);
    }
    Ok(numbers)
}

fn number(row: &impl Columns) -> Result<NumberRecord, SqlError> {
    Ok(NumberRecord {
        tracker: row.id("tracker_id")?,
        number: row.text("number_raw")?,
        carrier: row.opt_text("carrier")?,
        carrier_label: row.opt_text("carrier_label")?,
        piece: row.opt_text("piece")?,
    })
}

fn record(row: &PgRow, numbers: Vec<NumberRecord>) -> Result<ShipmentRecord, SqlError> {
    Ok(ShipmentRecord {
        id: row.id("id")?,
        revision: row.count("revision")?,
        origin: row.opt_json("origin")?,
        standing: row.word("standing")?,
        numbers,
        destination: row.opt_text("destination")?,
        plan: row.json("plan")?,
        folded: row.opt_json("folded")?.unwrap_or_default(),
        written: row.opt_text("written")?,
        sandbox: row.flag("sandbox")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        merged_into: row.opt_id("merged_into")?,
    })
}

fn state_change(row: &PgRow) -> Result<StateChange, SqlError> {
    Ok(StateChange {
        revision: row.count("revision")?,
        at: row.at("at")?,
        cause: row.word("cause")?,
        correlation: row.id("correlation")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
    })
}

fn seen_in(row: &PgRow) -> Result<SeenIn, SqlError> {
    Ok(SeenIn {
        observation: row.id("observation_id")?,
        message: row.id("message_id")?,
        correlation: row.id("correlation")?,
        source_name: row.text("source_name")?,
    })
}

fn change(row: &PgRow) -> Result<Change, SqlError> {
    Ok(Change {
        seq: row.count("seq")?,
        shipment: row.id("shipment_id")?,
        revision: row.count("revision")?,
        at: row.at("at")?,
    })
}
