//! Taking in what the order system has.

use super::{
    bindings::{NewBinding, bind, close, put_term, renew_number_terms, term},
    recycled,
    row::{mark_sandbox, note_change},
};
use crate::{
    Db, Row,
    codec::{from_json, json, micros, row_limit, word},
    jobs::{self, FoldJob},
    keys, lock, query,
    trackers::{self, NewTracker},
};
use domain::{
    fold::{Folded, Plan, Resolution},
    ids::{BindingId, ShipmentId, TrackerId},
    observation::References,
};
use jiff::Timestamp;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};
use storage::{
    Result, Scope,
    jobs::{Cause, Lane},
    orders::{Amended, Amendment, Claim, Imported, ImportedShipment, Kept, OriginStanding},
};

/// One transaction: made or changed, bindings opened and closed, fold jobs.
///
/// # Errors
/// When the engine fails.
pub async fn import(db: &mut dyn Db, scope: Scope, shipments: &[ImportedShipment], at: Timestamp) -> Result<Imported> {
    let mut done = Imported::default();
    let claims = shipments.iter().flat_map(|shipment| &shipment.claims);
    let numbers: Vec<String> = claims.flat_map(|claim| claim.wanted().kept_under()).collect();
    lock::numbers(db, scope.company, numbers.iter().map(String::as_str)).await?;
    let mut known = known(db, scope, shipments).await?;
    for shipment in shipments {
        let before = known.remove(&identity(shipment));
        let id = match &before {
            Some(before) if before.digest == shipment.digest => {
                done.unchanged += 1;
                known.insert(identity(shipment), before.clone());
                continue;
            }
            Some(before) => {
                done.changed += 1;
                before.id
            }
            None => {
                done.created += 1;
                shipment.id
            }
        };
        let shipment = &*merged_with(before.as_ref(), shipment, at)?;
        let mut concerned = sharing(db, id).await?;
        if take_in(db, scope, id, before.as_ref(), shipment, at).await? == Facts::Changed {
            concerned.extend(sharing(db, id).await?);
            concerned.insert(id);
            let fold = FoldJob { lane: Lane::Batch, cause: shipment.cause, correlation: shipment.correlation, at };
            concerned.retain(|id| !done.to_fold.contains(id));
            for id in &concerned {
                jobs::enqueue_fold(db, scope, *id, &fold).await?;
            }
            done.to_fold.extend(concerned);
        }
        let revision = before.map_or(0, |before| before.revision);
        known.insert(identity(shipment), Before::of(id, revision, shipment));
    }
    Ok(done)
}

/// Deliveries under the numbers of one that are folded with it.
const SHARING_ROWS: i64 = 100;

/// The other deliveries under a shipment's numbers: whose parcel it is depends on where each of them stands.
async fn sharing(db: &mut dyn Db, id: ShipmentId) -> Result<BTreeSet<ShipmentId>> {
    let rows = query(
        "SELECT DISTINCT o.shipment_id FROM binding b JOIN binding o ON o.tracker_id = b.tracker_id JOIN shipment s ON s.id = o.shipment_id
         WHERE b.shipment_id = ?1 AND o.shipment_id <> ?1 AND s.origin IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id IN (b.id, o.id))
         ORDER BY o.shipment_id LIMIT ?2",
    )
    .bind(id.0)
    .bind(SHARING_ROWS)
    .all(db)
    .await?;
    rows.iter().map(|row| row.id("shipment_id")).collect()
}

/// Whether what a fold reads is another than before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facts {
    Changed,
    Same,
}

/// What a shipment was before it is taken in.
#[derive(Clone)]
struct Before {
    id: ShipmentId,
    revision: i64,
    origin: String,
    digest: String,
    plan: String,
    standing: String,
}

impl Before {
    fn of(id: ShipmentId, revision: i64, shipment: &ImportedShipment) -> Self {
        let (origin, plan, standing) = (json(&shipment.origin), json(&shipment.plan), word(shipment.standing));
        Self { id, revision, origin, digest: shipment.digest.clone(), plan, standing }
    }
}

/// What a shipment stands for: system, model and record.
type Identity = (String, String, i64);

fn identity(shipment: &ImportedShipment) -> Identity {
    let origin = &shipment.origin;
    (origin.system.clone(), origin.model.clone(), origin.record)
}

/// What there is of these shipments. Nearly always they are of one system and model.
async fn known(db: &mut dyn Db, scope: Scope, shipments: &[ImportedShipment]) -> Result<HashMap<Identity, Before>> {
    let mut records: BTreeMap<(&str, &str), BTreeSet<i64>> = BTreeMap::new();
    for origin in shipments.iter().map(|shipment| &shipment.origin) {
        records.entry((&origin.system, &origin.model)).or_default().insert(origin.record);
    }
    let mut known = HashMap::new();
    for ((system, model), records) in records {
        // PostgreSQL looks each record up for itself
        let sql = db.dialect().pick(
            "SELECT id, revision, origin, origin_digest, plan, standing, origin_record FROM shipment
             WHERE company_id = ?1 AND origin_system = ?2 AND origin_model = ?3 AND origin_record {in ints ?4} AND origin IS NOT NULL",
            "SELECT s.* FROM {ints ?4 r} CROSS JOIN LATERAL (
                 SELECT id, revision, origin, origin_digest, plan, standing, origin_record FROM shipment
                 WHERE company_id = ?1 AND origin_system = ?2 AND origin_model = ?3 AND origin_record = r.value AND origin IS NOT NULL LIMIT 1) s",
        );
        let rows = query(sql)
            .bind(scope.company.0)
            .bind(system)
            .bind(model)
            .bind(records.into_iter().collect::<Vec<i64>>())
            .all(db)
            .await?;
        for row in &rows {
            let before = Before {
                id: row.id("id")?,
                revision: row.int("revision")?,
                origin: row.text("origin")?,
                digest: row.text("origin_digest")?,
                plan: row.text("plan")?,
                standing: row.text("standing")?,
            };
            known.insert((system.to_owned(), model.to_owned(), row.int("origin_record")?), before);
        }
    }
    Ok(known)
}

/// A shipment merged with what is stored of it where something could not be read,
/// and with the promises that were made before.
fn merged_with<'a>(
    before: Option<&Before>,
    shipment: &'a ImportedShipment,
    at: Timestamp,
) -> Result<Cow<'a, ImportedShipment>> {
    let Some(before) = before else {
        return Ok(if shipment.kept.is_empty() {
            Cow::Borrowed(shipment)
        } else {
            Cow::Owned(shipment.merged_with(None))
        });
    };
    let plan: Plan = from_json(&before.plan)?;
    let mut merged = match shipment.kept.is_empty() {
        true => shipment.clone(),
        false => shipment.merged_with(Some((from_json(&before.origin)?, plan.clone()))),
    };
    merged.plan.continue_promises(&plan, at);
    Ok(Cow::Owned(merged))
}

async fn take_in(
    db: &mut dyn Db,
    scope: Scope,
    id: ShipmentId,
    before: Option<&Before>,
    shipment: &ImportedShipment,
    at: Timestamp,
) -> Result<Facts> {
    if let Some(key) = &shipment.key {
        keys::put_key(db, scope, key, at).await?;
    }
    let plan = json(&shipment.plan);
    let mut facts = Facts::Changed;
    let mut revision = 0;
    if let Some(before) = before {
        if before.plan == plan && before.standing == word(shipment.standing) {
            facts = Facts::Same;
        }
        revision = before.revision;
        change(db, id, shipment, &plan).await?;
    } else {
        create(db, scope, id, shipment, &plan, at).await?;
    }
    keep_plan(db, scope, id, &plan, at).await?;
    if settle_claims(db, scope, id, shipment, at).await? == Facts::Changed {
        facts = Facts::Changed;
    }
    renew_terms(db, scope, id, shipment).await?;
    note_change(db, scope, id, revision, at).await?;
    Ok(facts)
}

async fn create(
    db: &mut dyn Db,
    scope: Scope,
    id: ShipmentId,
    shipment: &ImportedShipment,
    plan: &str,
    at: Timestamp,
) -> Result<()> {
    let (origin, folded) = (&shipment.origin, Folded::default());
    query(
        "INSERT INTO shipment (id, company_id, origin, origin_system, origin_model, origin_record, origin_digest, standing, destination,
             plan, promised_by, customer_subject, customer, created_at, updated_at, state, visibility, direction)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16, ?17)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(json(origin))
    .bind(&origin.system)
    .bind(&origin.model)
    .bind(origin.record)
    .bind(&shipment.digest)
    .bind(word(shipment.standing))
    .bind(&shipment.destination)
    .bind(plan)
    .bind(shipment.plan.promised_by)
    .bind(shipment.customer.as_ref().map(|c| c.subject.0))
    .bind(shipment.customer.as_ref().map(|c| c.bytes.as_slice()))
    .bind(at)
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .bind(origin.transfer.direction.code())
    .execute(db)
    .await
    .map(drop)
}

async fn change(db: &mut dyn Db, id: ShipmentId, shipment: &ImportedShipment, plan: &str) -> Result<()> {
    query(
        "UPDATE shipment SET origin = ?1, origin_digest = ?2, standing = ?3, destination = CASE WHEN ?10 THEN destination ELSE ?4 END, plan = ?5,
             promised_by = ?6, customer_subject = CASE WHEN ?10 THEN customer_subject ELSE ?7 END, customer = CASE WHEN ?10 THEN customer ELSE ?8 END,
             direction = ?11
         WHERE id = ?9",
    )
    .bind(json(&shipment.origin))
    .bind(&shipment.digest)
    .bind(word(shipment.standing))
    .bind(&shipment.destination)
    .bind(plan)
    .bind(shipment.plan.promised_by)
    .bind(shipment.customer.as_ref().map(|c| c.subject.0))
    .bind(shipment.customer.as_ref().map(|c| c.bytes.as_slice()))
    .bind(id.0)
    .bind(shipment.kept.contains(&Kept::Customer))
    .bind(shipment.origin.transfer.direction.code())
    .execute(db)
    .await
    .map(drop)
}

/// A changed plan is a new version: what was planned at an earlier time can still be asked.
async fn keep_plan(db: &mut dyn Db, scope: Scope, id: ShipmentId, plan: &str, at: Timestamp) -> Result<()> {
    query(
        "INSERT INTO plan_version (company_id, shipment_id, recorded_at, seq, plan)
         SELECT ?1, ?2, ?3, 1 + (SELECT count(*) FROM plan_version WHERE shipment_id = ?2), ?4
         WHERE ?4 IS DISTINCT FROM (SELECT plan FROM plan_version WHERE shipment_id = ?2 ORDER BY seq DESC LIMIT 1)",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(at)
    .bind(plan)
    .execute(db)
    .await
    .map(drop)
}

/// Deliveries of one look at those that are not over.
const OPEN_ROWS: u32 = 1_000;

/// What became known of a delivery without its being read.
pub(super) async fn amend(
    db: &mut dyn Db,
    scope: Scope,
    amended: &Amended,
    at: Timestamp,
) -> Result<Option<ShipmentId>> {
    let row = query(
        "SELECT id, revision, plan, standing FROM shipment
         WHERE company_id = ? AND origin_system = ? AND origin_model = 'stock.picking' AND origin_record = ?
           AND origin IS NOT NULL AND merged_into IS NULL {for update}",
    )
    .bind(scope.company.0)
    .bind(&amended.system)
    .bind(amended.record)
    .optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(plan) = amended.amendment.applied(&row.json("plan")?, at) else { return Ok(None) };
    let (id, plan): (ShipmentId, _) = (row.id("id")?, json(&plan));
    let standing = match amended.amendment {
        Amendment::Deleted => word(OriginStanding::Cancelled),
        Amendment::Unread(_) => row.text("standing")?,
    };
    // no digest: whatever is read next is a change
    query("UPDATE shipment SET plan = ?, standing = ?, origin_digest = '' WHERE id = ?")
        .bind(&plan)
        .bind(standing)
        .bind(id.0)
        .execute(db)
        .await?;
    keep_plan(db, scope, id, &plan, at).await?;
    note_change(db, scope, id, row.int("revision")?, at).await?;
    let fold = FoldJob { lane: Lane::Batch, cause: Cause::Import, correlation: amended.correlation, at };
    for id in sharing(db, id).await?.into_iter().chain([id]) {
        jobs::enqueue_fold(db, scope, id, &fold).await?;
    }
    Ok(Some(id))
}

/// Which of these deliveries there are shipments of.
pub(super) async fn known_records(
    db: &mut dyn Db,
    scope: Scope,
    system: &str,
    records: Vec<i64>,
) -> Result<BTreeSet<i64>> {
    let known = query(of_records!("s.origin_record", "")).bind(records).bind(scope.company.0).bind(system);
    known.all(db).await?.iter().map(|row| row.int("origin_record")).collect()
}

/// Along an index of exactly these.
pub(super) async fn open_records(
    db: &mut dyn Db,
    scope: Scope,
    system: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>> {
    let rows = query(
        "SELECT origin_record FROM shipment {indexed by shipment_not_over}
         WHERE company_id = ? AND origin_system = ? AND origin_record > ? AND origin IS NOT NULL AND merged_into IS NULL
           AND ({not terminal} OR open_exceptions > 0)
           AND origin_model = 'stock.picking' AND {json plan} ->> 'standing' IS DISTINCT FROM 'deleted'
         ORDER BY origin_record LIMIT ?",
    )
    .bind(scope.company.0)
    .bind(system)
    .bind(after)
    .bind(row_limit(limit, OPEN_ROWS))
    .all(db)
    .await?;
    rows.iter().map(|row| row.int("origin_record")).collect()
}

/// Closes the bindings that the order system no longer names, and opens the new ones.
async fn settle_claims(
    db: &mut dyn Db,
    scope: Scope,
    id: ShipmentId,
    shipment: &ImportedShipment,
    at: Timestamp,
) -> Result<Facts> {
    let mut wanted: Vec<(TrackerId, Option<&str>, &Claim)> = Vec::new();
    for claim in &shipment.claims {
        let new = NewTracker {
            key: &claim.tracker,
            id: claim.tracker_id,
            number_raw: &claim.number_raw,
            carrier_label: claim.carrier_label.as_deref(),
            refs: json(&References::default()),
            at,
        };
        let tracker = trackers::find_or_make(db, scope, &new).await?;
        // a number named twice is claimed once
        if !wanted.iter().any(|(other, _, _)| *other == tracker) {
            wanted.push((tracker, claim.piece.as_deref(), claim));
        }
    }
    let mut facts = Facts::Same;
    let mut kept = Vec::new();
    let mut linked = Vec::new();
    for open in open_bindings(db, id).await? {
        let Open { binding, tracker, piece, number, by_person } = open;
        if let Some((.., claim)) = wanted.iter().find(|(t, p, _)| *t == tracker && p.map(str::to_owned) == piece) {
            trackers::follow(db, tracker, claim.carrier_label.as_deref()).await?;
            kept.push(tracker);
        } else if by_person && wanted.iter().any(|(.., claim)| claim.wanted().resembling().contains(&number)) {
            linked.push(number);
        } else {
            close(db, scope, binding, at).await?;
            facts = Facts::Changed;
        }
    }
    // what a person linked goes before the carrier that the order system names
    wanted.retain(|(tracker, _, claim)| {
        !kept.contains(tracker) && !claim.wanted().resembling().iter().any(|number| linked.contains(number))
    });
    // what left the house before its number was known here had it from then on
    let since = shipment.plan.expected_from.filter(|shipped| *shipped < at);
    for (tracker, piece, claim) in wanted {
        take_over(db, scope, &Taking { tracker, claimant: id, since: since.unwrap_or(at), at }).await?;
        let number_raw = &claim.number_raw;
        let binding = NewBinding { id: claim.binding_id, tracker, shipment: id, piece, number_raw, valid_from: since };
        bind(db, scope, &binding, at).await?;
        facts = Facts::Changed;
    }
    Ok(facts)
}

/// An open binding of a shipment.
struct Open {
    binding: BindingId,
    tracker: TrackerId,
    piece: Option<String>,
    /// As the tracker has it.
    number: String,
    /// Whether a person linked it.
    by_person: bool,
}

async fn open_bindings(db: &mut dyn Db, id: ShipmentId) -> Result<Vec<Open>> {
    let rows = query(
        "SELECT b.id, b.tracker_id, b.piece, b.linked, t.number FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .all(db)
    .await?;
    let open = |row: &Row| {
        Ok(Open {
            binding: row.id("id")?,
            tracker: row.id("tracker_id")?,
            piece: row.opt_text("piece")?,
            number: row.text("number")?,
            by_person: row.flag("linked")?,
        })
    };
    rows.iter().map(open).collect()
}

/// A claim on a tracker that may have an unclaimed shipment.
struct Taking {
    tracker: TrackerId,
    claimant: ShipmentId,
    /// Since when the claimant has the number.
    since: Timestamp,
    at: Timestamp,
}

/// A claimed tracker leaves the unclaimed shipment that was made for it; its history comes along with the tracker.
async fn take_over(db: &mut dyn Db, scope: Scope, taking: &Taking) -> Result<()> {
    let Some(unclaimed) = recycled::unclaimed_at(db, taking.tracker, taking.since).await? else { return Ok(()) };
    close(db, scope, unclaimed.binding, taking.at).await?;
    renew_number_terms(db, scope, unclaimed.shipment).await?;
    give_up(db, scope, unclaimed.shipment, taking.claimant, taking.at).await
}

/// An unclaimed shipment that has no number any more is part of the shipment that took them.
pub(super) async fn give_up(
    db: &mut dyn Db,
    scope: Scope,
    unclaimed: ShipmentId,
    claimant: ShipmentId,
    at: Timestamp,
) -> Result<()> {
    let row = query("SELECT revision, sandbox FROM shipment WHERE id = ?").bind(unclaimed.0).one(db).await?;
    if row.flag("sandbox")? {
        mark_sandbox(db, claimant).await?;
    }
    if open_bindings(db, unclaimed).await?.is_empty() {
        merge(db, scope, unclaimed, claimant, at).await?;
        note_change(db, scope, unclaimed, row.int("revision")?, at).await?;
    }
    Ok(())
}

/// The unclaimed shipment leaves lists, counts and the queue; its exceptions come anew on the claimant.
async fn merge(
    db: &mut dyn Db,
    scope: Scope,
    unclaimed: ShipmentId,
    claimant: ShipmentId,
    at: Timestamp,
) -> Result<()> {
    query("UPDATE shipment SET merged_into = ?, review_at = NULL WHERE id = ?")
        .bind(claimant.0)
        .bind(unclaimed.0)
        .execute(db)
        .await?;
    query(
        "UPDATE exception {indexed by exception_open_once} SET closed_at = ?1, closed_recorded_at = ?1, resolution = ?2
         WHERE company_id = ?3 AND shipment_id = ?4 AND closed_at IS NULL",
    )
    .bind(micros(at))
    .bind(word(Resolution::Cleared))
    .bind(scope.company.0)
    .bind(unclaimed.0)
    .execute(db)
    .await?;
    // what people settled stays settled
    query("INSERT INTO decision (company_id, shipment_id, at, body) SELECT company_id, ?1, at, body FROM decision WHERE shipment_id = ?2 ORDER BY seq")
        .bind(claimant.0)
        .bind(unclaimed.0)
        .execute(db)
        .await
        .map(drop)
}

async fn renew_terms(db: &mut dyn Db, scope: Scope, id: ShipmentId, shipment: &ImportedShipment) -> Result<()> {
    let kept = shipment.kept.contains(&Kept::Customer);
    query("DELETE FROM shipment_term WHERE shipment_id = ? AND kind <> 'number' AND (kind <> 'customer' OR NOT ?)")
        .bind(id.0)
        .bind(kept)
        .execute(db)
        .await?;
    put_term(db, scope, id, "record", &term(&shipment.origin.name)).await?;
    if let Some(order) = &shipment.origin.order {
        put_term(db, scope, id, "order", &term(order)).await?;
    }
    for token in shipment.tokens.iter().filter(|_| !kept) {
        put_term(db, scope, id, "customer", token).await?;
    }
    renew_number_terms(db, scope, id).await
}
