//! Taking in what the order system has.

use super::{
    bindings::{NewBinding, bind, put_term, renew_number_terms, term},
    recycled,
    row::{self, note_change},
};
use crate::{
    codec::{SqlError, json, micros, opt_micros, row_limit, word},
    db::{Sqlite, drive},
    jobs::{self, FoldJob},
    sql::{Row, query},
    trackers::{self, NewTracker},
};
use domain::{
    fold::{Folded, Resolution},
    ids::{BindingId, ShipmentId, TrackerId},
    observation::References,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::{borrow::Cow, collections::BTreeSet};
use storage::{
    Scope,
    jobs::{Cause, Lane},
    orders::{Amended, Amendment, Imported, ImportedShipment, Kept, OriginStanding},
};
use storage_sql::keys;

/// One transaction: made or changed, bindings opened and closed, fold jobs.
pub(crate) fn import(
    conn: &mut Connection,
    scope: Scope,
    shipments: &[ImportedShipment],
    at: Timestamp,
) -> Result<Imported, SqlError> {
    let mut done = Imported::default();
    for shipment in shipments {
        let known = find(conn, scope, shipment)?;
        let id = match &known {
            Some(row) if row.text("origin_digest")? == shipment.digest => {
                done.unchanged += 1;
                continue;
            }
            Some(row) => {
                done.changed += 1;
                row.id("id")?
            }
            None => {
                done.created += 1;
                shipment.id
            }
        };
        let shipment = &*merged_with(known.as_ref(), shipment)?;
        let mut concerned = sharing(conn, id)?;
        if take_in(conn, scope, id, known, shipment, at)? == Facts::Changed {
            concerned.extend(sharing(conn, id)?);
            concerned.insert(id);
            let fold = FoldJob { lane: Lane::Batch, cause: shipment.cause, correlation: shipment.correlation, at };
            concerned.retain(|id| !done.to_fold.contains(id));
            for id in &concerned {
                jobs::enqueue_fold(conn, scope, *id, &fold)?;
            }
            done.to_fold.extend(concerned);
        }
    }
    Ok(done)
}

/// Deliveries under the numbers of one that are folded with it.
const SHARING_ROWS: i64 = 100;

/// The other deliveries under a shipment's numbers: whose parcel it is depends on where each of them stands.
fn sharing(conn: &mut Connection, id: ShipmentId) -> Result<BTreeSet<ShipmentId>, SqlError> {
    let rows = query(
        "SELECT DISTINCT o.shipment_id FROM binding b JOIN binding o ON o.tracker_id = b.tracker_id JOIN shipment s ON s.id = o.shipment_id
         WHERE b.shipment_id = ?1 AND o.shipment_id <> ?1 AND s.origin IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id IN (b.id, o.id))
         ORDER BY o.shipment_id LIMIT ?2",
    )
    .bind(id.0)
    .bind(SHARING_ROWS)
    .fetch_all(conn)?;
    rows.iter().map(|row| row.id("shipment_id")).collect()
}

/// Whether what a fold reads is another than before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facts {
    Changed,
    Same,
}

fn find(conn: &mut Connection, scope: Scope, shipment: &ImportedShipment) -> Result<Option<Row>, SqlError> {
    let origin = &shipment.origin;
    query(
        "SELECT id, revision, origin, origin_digest, plan, standing FROM shipment
         WHERE company_id = ? AND origin_system = ? AND origin_model = ? AND origin_record = ? AND origin IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(&origin.system)
    .bind(&origin.model)
    .bind(origin.record)
    .fetch_optional(conn)
}

/// A shipment merged with what is stored of it, where something could not be read.
fn merged_with<'a>(known: Option<&Row>, shipment: &'a ImportedShipment) -> Result<Cow<'a, ImportedShipment>, SqlError> {
    if shipment.kept.is_empty() {
        return Ok(Cow::Borrowed(shipment));
    }
    let stored = known.map(|row| Result::<_, SqlError>::Ok((row.json("origin")?, row.json("plan")?))).transpose()?;
    Ok(Cow::Owned(shipment.merged_with(stored)))
}

fn take_in(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    known: Option<Row>,
    shipment: &ImportedShipment,
    at: Timestamp,
) -> Result<Facts, SqlError> {
    if let Some(key) = &shipment.key {
        drive(keys::put_key(&mut Sqlite(conn), scope, key, at))?;
    }
    let plan = json(&shipment.plan);
    let mut facts = Facts::Changed;
    let mut revision = 0;
    if let Some(row) = &known {
        if row.text("plan")? == plan && row.text("standing")? == word(shipment.standing) {
            facts = Facts::Same;
        }
        revision = row.int("revision")?;
        change(conn, id, shipment, &plan)?;
    } else {
        create(conn, scope, id, shipment, &plan, at)?;
    }
    keep_plan(conn, scope, id, &plan, at)?;
    if settle_claims(conn, scope, id, shipment, at)? == Facts::Changed {
        facts = Facts::Changed;
    }
    renew_terms(conn, scope, id, shipment)?;
    note_change(conn, scope, id, revision, at)?;
    Ok(facts)
}

fn create(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    shipment: &ImportedShipment,
    plan: &str,
    at: Timestamp,
) -> Result<(), SqlError> {
    let (origin, folded) = (&shipment.origin, Folded::default());
    query(
        "INSERT INTO shipment (id, company_id, origin, origin_system, origin_model, origin_record, origin_digest, standing, destination,
             plan, promised_by, customer_subject, customer, created_at, updated_at, state, visibility)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16)",
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
    .bind(opt_micros(shipment.plan.promised_by))
    .bind(shipment.customer.as_ref().map(|c| c.subject.0))
    .bind(shipment.customer.as_ref().map(|c| c.bytes.as_slice()))
    .bind(micros(at))
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .execute(conn)?;
    Ok(())
}

fn change(conn: &mut Connection, id: ShipmentId, shipment: &ImportedShipment, plan: &str) -> Result<(), SqlError> {
    query(
        "UPDATE shipment SET origin = ?1, origin_digest = ?2, standing = ?3, destination = CASE WHEN ?10 THEN destination ELSE ?4 END, plan = ?5,
             promised_by = ?6, customer_subject = CASE WHEN ?10 THEN customer_subject ELSE ?7 END, customer = CASE WHEN ?10 THEN customer ELSE ?8 END
         WHERE id = ?9",
    )
    .bind(json(&shipment.origin))
    .bind(&shipment.digest)
    .bind(word(shipment.standing))
    .bind(&shipment.destination)
    .bind(plan)
    .bind(opt_micros(shipment.plan.promised_by))
    .bind(shipment.customer.as_ref().map(|c| c.subject.0))
    .bind(shipment.customer.as_ref().map(|c| c.bytes.as_slice()))
    .bind(id.0)
    .bind(shipment.kept.contains(&Kept::Customer))
    .execute(conn)?;
    Ok(())
}

/// A changed plan is a new version: what was planned at an earlier time can still be asked.
fn keep_plan(conn: &mut Connection, scope: Scope, id: ShipmentId, plan: &str, at: Timestamp) -> Result<(), SqlError> {
    query(
        "INSERT INTO plan_version (company_id, shipment_id, recorded_at, seq, plan)
         SELECT ?1, ?2, ?3, 1 + (SELECT count(*) FROM plan_version WHERE shipment_id = ?2), ?4
         WHERE ?4 IS NOT (SELECT plan FROM plan_version WHERE shipment_id = ?2 ORDER BY seq DESC LIMIT 1)",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(micros(at))
    .bind(plan)
    .execute(conn)?;
    Ok(())
}

/// Deliveries of one look at those that are not over.
const OPEN_ROWS: u32 = 1_000;

/// What became known of a delivery without its being read.
pub(super) fn amend(
    conn: &mut Connection,
    scope: Scope,
    amended: &Amended,
    at: Timestamp,
) -> Result<Option<ShipmentId>, SqlError> {
    let row = query(
        "SELECT id, revision, plan, standing FROM shipment
         WHERE company_id = ? AND origin_system = ? AND origin_model = 'stock.picking' AND origin_record = ?
           AND origin IS NOT NULL AND merged_into IS NULL",
    )
    .bind(scope.company.0)
    .bind(&amended.system)
    .bind(amended.record)
    .fetch_optional(conn)?;
    let Some(row) = row else { return Ok(None) };
    let Some(plan) = amended.amendment.applied(&row.json("plan")?, at) else { return Ok(None) };
    let (id, plan): (ShipmentId, _) = (row.id("id")?, json(&plan));
    let standing = match amended.amendment {
        Amendment::Deleted => word(OriginStanding::Cancelled),
        Amendment::Unread(_) => row.text("standing")?,
    };
    // no digest: whatever is read next is news
    query("UPDATE shipment SET plan = ?, standing = ?, origin_digest = '' WHERE id = ?")
        .bind(&plan)
        .bind(standing)
        .bind(id.0)
        .execute(conn)?;
    keep_plan(conn, scope, id, &plan, at)?;
    note_change(conn, scope, id, row.int("revision")?, at)?;
    let fold = FoldJob { lane: Lane::Batch, cause: Cause::Import, correlation: amended.correlation, at };
    for id in sharing(conn, id)?.into_iter().chain([id]) {
        jobs::enqueue_fold(conn, scope, id, &fold)?;
    }
    Ok(Some(id))
}

/// Which of these deliveries there are shipments of.
pub(super) fn known_records(
    conn: &mut Connection,
    scope: Scope,
    system: &str,
    records: &[i64],
) -> Result<BTreeSet<i64>, SqlError> {
    let rows = query(
        "SELECT s.origin_record FROM json_each(?1) r CROSS JOIN shipment s
         WHERE s.company_id = ?2 AND s.origin_system = ?3 AND s.origin_model = 'stock.picking' AND s.origin_record = r.value
           AND s.origin IS NOT NULL",
    )
    .bind(json(&records))
    .bind(scope.company.0)
    .bind(system)
    .fetch_all(conn)?;
    rows.iter().map(|row| row.int("origin_record")).collect()
}

/// Along an index of exactly these.
pub(super) fn open_records(
    conn: &mut Connection,
    scope: Scope,
    system: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, SqlError> {
    let rows = query(
        "SELECT origin_record FROM shipment INDEXED BY shipment_not_over
         WHERE company_id = ? AND origin_system = ? AND origin_record > ? AND origin IS NOT NULL AND merged_into IS NULL
           AND (terminal = 0 OR open_exceptions > 0)
           AND origin_model = 'stock.picking' AND json_extract(plan, '$.standing') IS NOT 'deleted'
         ORDER BY origin_record LIMIT ?",
    )
    .bind(scope.company.0)
    .bind(system)
    .bind(after)
    .bind(row_limit(limit, OPEN_ROWS))
    .fetch_all(conn)?;
    rows.iter().map(|row| row.int("origin_record")).collect()
}

/// Closes the bindings that the order system no longer names, and opens the new ones.
fn settle_claims(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    shipment: &ImportedShipment,
    at: Timestamp,
) -> Result<Facts, SqlError> {
    let mut wanted: Vec<(TrackerId, Option<&str>, &storage::orders::Claim)> = Vec::new();
    for claim in &shipment.claims {
        let new = NewTracker {
            key: &claim.tracker,
            id: claim.tracker_id,
            number_raw: &claim.number_raw,
            carrier_label: claim.carrier_label.as_deref(),
            refs: json(&References::default()),
            at,
        };
        let tracker = trackers::find_or_make_tracker(conn, scope, &new)?;
        // a number named twice is claimed once
        if !wanted.iter().any(|(other, _, _)| *other == tracker) {
            wanted.push((tracker, claim.piece.as_deref(), claim));
        }
    }
    let mut facts = Facts::Same;
    let mut kept = Vec::new();
    let mut linked = Vec::new();
    for open in open_bindings(conn, id)? {
        let Open { binding, tracker, piece, number, by_person } = open;
        if wanted.iter().any(|(t, p, _)| *t == tracker && p.map(str::to_owned) == piece) {
            kept.push(tracker);
        } else if by_person && wanted.iter().any(|(.., claim)| claim.wanted().resembling().contains(&number)) {
            linked.push(number);
        } else {
            close(conn, scope, binding, at)?;
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
        take_over(conn, scope, &Taking { tracker, claimant: id, since: since.unwrap_or(at), at })?;
        let number_raw = &claim.number_raw;
        let binding = NewBinding { id: claim.binding_id, tracker, shipment: id, piece, number_raw, valid_from: since };
        bind(conn, scope, &binding, at)?;
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

fn open_bindings(conn: &mut Connection, id: ShipmentId) -> Result<Vec<Open>, SqlError> {
    let rows = query(
        "SELECT b.id, b.tracker_id, b.piece, b.linked, t.number FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .fetch_all(conn)?;
    rows.iter()
        .map(|row| {
            Ok(Open {
                binding: row.id("id")?,
                tracker: row.id("tracker_id")?,
                piece: row.opt_text("piece")?,
                number: row.text("number")?,
                by_person: row.int("linked")? == 1,
            })
        })
        .collect()
}

pub(super) fn close(conn: &mut Connection, scope: Scope, binding: BindingId, at: Timestamp) -> Result<(), SqlError> {
    query("INSERT INTO binding_end (binding_id, company_id, recorded_at) VALUES (?, ?, ?)")
        .bind(binding.0)
        .bind(scope.company.0)
        .bind(micros(at))
        .execute(conn)?;
    Ok(())
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
fn take_over(conn: &mut Connection, scope: Scope, taking: &Taking) -> Result<(), SqlError> {
    let Some(unclaimed) = recycled::unclaimed_at(conn, taking.tracker, taking.since)? else { return Ok(()) };
    close(conn, scope, unclaimed.binding, taking.at)?;
    renew_number_terms(conn, scope, unclaimed.shipment)?;
    give_up(conn, scope, unclaimed.shipment, taking.claimant, taking.at)
}

/// An unclaimed shipment that has no number any more is part of the shipment that took them.
pub(super) fn give_up(
    conn: &mut Connection,
    scope: Scope,
    unclaimed: ShipmentId,
    claimant: ShipmentId,
    at: Timestamp,
) -> Result<(), SqlError> {
    let row = query("SELECT revision, sandbox FROM shipment WHERE id = ?").bind(unclaimed.0).fetch_one(conn)?;
    if row.int("sandbox")? == 1 {
        row::mark_sandbox(conn, claimant)?;
    }
    if open_bindings(conn, unclaimed)?.is_empty() {
        merge(conn, scope, unclaimed, claimant, at)?;
        note_change(conn, scope, unclaimed, row.int("revision")?, at)?;
    }
    Ok(())
}

/// The unclaimed shipment leaves lists, counts and the queue; its exceptions come anew on the claimant.
fn merge(
    conn: &mut Connection,
    scope: Scope,
    unclaimed: ShipmentId,
    claimant: ShipmentId,
    at: Timestamp,
) -> Result<(), SqlError> {
    query("UPDATE shipment SET merged_into = ?, review_at = NULL WHERE id = ?")
        .bind(claimant.0)
        .bind(unclaimed.0)
        .execute(conn)?;
    query(
        "UPDATE exception INDEXED BY exception_open_once SET closed_at = ?1, closed_recorded_at = ?1, resolution = ?2
         WHERE company_id = ?3 AND shipment_id = ?4 AND closed_at IS NULL",
    )
    .bind(micros(at))
    .bind(word(Resolution::Cleared))
    .bind(scope.company.0)
    .bind(unclaimed.0)
    .execute(conn)?;
    // what people settled stays settled
    query("INSERT INTO decision (company_id, shipment_id, at, body) SELECT company_id, ?1, at, body FROM decision WHERE shipment_id = ?2 ORDER BY seq")
        .bind(claimant.0)
        .bind(unclaimed.0)
        .execute(conn)?;
    Ok(())
}

fn renew_terms(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    shipment: &ImportedShipment,
) -> Result<(), SqlError> {
    let kept = shipment.kept.contains(&Kept::Customer);
    query("DELETE FROM shipment_term WHERE shipment_id = ? AND kind <> 'number' AND (kind <> 'customer' OR NOT ?)")
        .bind(id.0)
        .bind(kept)
        .execute(conn)?;
    put_term(conn, scope, id, "record", &term(&shipment.origin.name))?;
    if let Some(order) = &shipment.origin.order {
        put_term(conn, scope, id, "order", &term(order))?;
    }
    for token in shipment.tokens.iter().filter(|_| !kept) {
        put_term(conn, scope, id, "customer", token)?;
    }
    renew_number_terms(conn, scope, id)
}
