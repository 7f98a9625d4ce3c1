//! Differences: what a look keeps, what is decided, and the list.

use crate::{
    Db, Query, Row,
    codec::{PAGE_AND_ONE, clean, cursor, id_list, json, micros, page},
    query,
};
use domain::{
    ids::{DifferenceId, ReconciliationId},
    reconcile::{Cause, Choice, Fix, Topic},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    Page, Result, Scope, StoreError,
    reconciliations::{Counts, Decided, Decision, Difference, DifferenceQuery, Found, Look, Requested, Subject, Which},
};
use uuid::Uuid;

/// Where a page ended: when the last one was opened or closed, and its id.
type Place = (i64, Uuid);

/// What a decision is about: where the values are others, it is void. When something was is no value.
fn values(found: &Found) -> String {
    json(&(&found.odoo.what, &found.ours.what, &found.desk.what))
}

/// Keeps what a look found: opens, goes on with or closes differences of its records.
pub(super) async fn keep(db: &mut dyn Db, scope: Scope, look: &Look, at: Timestamp) -> Result<Counts> {
    let mut counts = Counts::default();
    if let Some(run) = look.run {
        stay(db, scope, &look.unread, run).await?;
    }
    let mut open = open_of(db, scope, &look.subjects).await?;
    let ((mut kept, mut over), mut standing) = (kept_of(db, scope, &look.subjects).await?, Vec::new());
    let mut differing = BTreeSet::new();
    for found in &look.found {
        let key = (found.subject.clone(), found.topic);
        let let_stand = kept.get(&key).filter(|kept| kept.is_of(found)).map(|kept| kept.id);
        match (open.remove(&key), let_stand) {
            (Some(known), _) => go_on(db, scope, (&known, found), look, at).await?,
            (None, Some(id)) => {
                standing.push(id);
                kept.remove(&key);
                continue;
            }
            (None, None) => counts.opened += open_one(db, scope, found, look, at).await?,
        }
        // several topics of a shipment are one shipment
        let of = found.shipment.map_or_else(|| found.subject.record.clone(), |shipment| shipment.to_string());
        differing.insert(of);
    }
    counts.differing = differing.len() as u64;
    for stays in &look.stays {
        standing.extend(kept.remove(stays).map(|kept| kept.id));
        let Some(known) = open.remove(stays) else { continue };
        let sql = "UPDATE difference SET seen_run = coalesce(?1, seen_run) WHERE company_id = ?2 AND id = ?3";
        query(sql).bind(look.run.map(|run| run.0)).bind(scope.company.0).bind(known.found.id.0).execute(db).await?;
    }
    for gone in open.into_values() {
        close(db, scope, gone.found.id, at).await?;
        counts.closed += 1;
    }
    if let Some(run) = look.run {
        seen(db, scope, standing, run).await?;
    }
    over.extend(kept.into_values().map(|kept| kept.id));
    end_kept(db, scope, over, at).await?;
    Ok(counts)
}

fn by_system(subjects: &[Subject]) -> BTreeMap<&str, Vec<String>> {
    let mut by_system = BTreeMap::<&str, Vec<String>>::new();
    for subject in subjects {
        by_system.entry(&subject.system).or_default().push(subject.record.clone());
    }
    by_system
}

/// What differs of records that this run could not read is not closed by it.
async fn stay(db: &mut dyn Db, scope: Scope, unread: &[Subject], run: ReconciliationId) -> Result<()> {
    for (system, records) in by_system(unread) {
        query(
            "UPDATE difference SET seen_run = ?1
             WHERE company_id = ?2 AND system = ?3 AND record {in texts ?4} AND (closed_at IS NULL OR resolution = 'kept')",
        )
        .bind(run.0)
        .bind(scope.company.0)
        .bind(system)
        .bind(records)
        .execute(db)
        .await?;
    }
    Ok(())
}

/// The open differences of some records.
async fn open_of(
    db: &mut dyn Db,
    scope: Scope,
    subjects: &[Subject],
) -> Result<BTreeMap<(Subject, Topic), Difference>> {
    let mut open = BTreeMap::new();
    for (system, records) in by_system(subjects) {
        let rows = query(
            "SELECT * FROM difference WHERE company_id = ?1 AND system = ?2 AND record {in texts ?3} AND closed_at IS NULL {for update}",
        )
        .bind(scope.company.0)
        .bind(system)
        .bind(records)
        .all(db)
        .await?;
        for row in &rows {
            let known = difference(row)?;
            open.insert((known.found.subject.clone(), known.found.topic), known);
        }
    }
    Ok(open)
}

/// What a person let stand.
struct Kept {
    id: Uuid,
    said: String,
    at: Timestamp,
}

impl Kept {
    /// Whether that is this difference, with the same values and no newer event.
    fn is_of(&self, found: &Found) -> bool {
        self.said == clean(&values(found)) && found.event_at.is_none_or(|event| event <= self.at)
    }
}

/// What a person let stand of some records: the newest of each topic, and those that it came in place of.
async fn kept_of(
    db: &mut dyn Db,
    scope: Scope,
    subjects: &[Subject],
) -> Result<(BTreeMap<(Subject, Topic), Kept>, Vec<Uuid>)> {
    let (mut kept, mut earlier) = (BTreeMap::new(), Vec::new());
    for (system, records) in by_system(subjects) {
        let rows = query(
            "SELECT id, record, topic, said, closed_at FROM difference
             WHERE company_id = ?1 AND system = ?2 AND record {in texts ?3} AND resolution = 'kept' ORDER BY closed_at, id",
        )
        .bind(scope.company.0)
        .bind(system)
        .bind(records)
        .all(db)
        .await?;
        for row in &rows {
            let subject = Subject { system: system.to_owned(), record: row.text("record")? };
            // a topic of a newer version is not ours to end
            let Some(topic) = Topic::from_code(row.str("topic")?) else { continue };
            let one = Kept { id: row.id("id")?, said: row.text("said")?, at: row.at("closed_at")? };
            earlier.extend(kept.insert((subject, topic), one).map(|before: Kept| before.id));
        }
    }
    Ok((kept, earlier))
}

/// A run found what a person let stand.
async fn seen(db: &mut dyn Db, scope: Scope, ids: Vec<Uuid>, run: ReconciliationId) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let seen =
        query("UPDATE difference SET seen_run = ?1 WHERE company_id = ?2 AND id IN (SELECT i.value FROM {ids ?3 i})");
    seen.bind(run.0).bind(scope.company.0).bind(id_list(ids)).execute(db).await.map(drop)
}

/// What a person let stand ends with its cause: should it come again, it is another difference.
async fn end_kept(db: &mut dyn Db, scope: Scope, ids: Vec<Uuid>, at: Timestamp) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let end = query(
        "UPDATE difference SET resolution = 'gone', closed_at = ?1, revision = revision + 1
         WHERE company_id = ?2 AND resolution = 'kept' AND id IN (SELECT i.value FROM {ids ?3 i})",
    );
    end.bind(at).bind(scope.company.0).bind(id_list(ids)).execute(db).await.map(drop)
}

async fn open_one(db: &mut dyn Db, scope: Scope, found: &Found, look: &Look, at: Timestamp) -> Result<u64> {
    query(
        "INSERT INTO difference (id, company_id, system, record, topic, shipment_id, name, order_name, carrier, class, cause, fix, odoo, ours,
             desk, said, event_at, opened_at, seen_at, seen_run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18, ?19)
         ON CONFLICT (company_id, system, record, topic) WHERE closed_at IS NULL DO NOTHING",
    )
    .bind(found.id.0)
    .bind(scope.company.0)
    .bind(&found.subject.system)
    .bind(&found.subject.record)
    .bind(found.topic.code())
    .bind(found.shipment.map(|id| id.0))
    .bind(clean(&found.name))
    .bind(found.order.as_deref().map(|order| clean(order).into_owned()))
    .bind(found.carrier.as_deref().map(|carrier| clean(carrier).into_owned()))
    .bind(found.fix.group().code())
    .bind(found.cause.code())
    .bind(found.fix.code())
    .bind(clean(&json(&found.odoo)))
    .bind(clean(&json(&found.ours)))
    .bind(clean(&json(&found.desk)))
    .bind(clean(&values(found)))
    .bind(found.event_at)
    .bind(at)
    .bind(look.run.map(|run| run.0))
    .execute(db)
    .await
}

/// A difference is still there. A fix that was carried out and mended nothing is over, unless an update is still on its way.
async fn go_on(
    db: &mut dyn Db,
    scope: Scope,
    (known, found): (&Difference, &Found),
    look: &Look,
    at: Timestamp,
) -> Result<()> {
    let over = known.requested.is_some_and(|requested| requested.applied) && found.cause != Cause::Queued;
    query(
        "UPDATE difference SET shipment_id = ?1, name = ?2, order_name = ?3, carrier = ?4, class = ?5, cause = ?6, fix = ?7, odoo = ?8,
             ours = ?9, desk = ?10, said = ?11, event_at = ?12, seen_at = ?13, seen_run = coalesce(?14, seen_run),
             requested_at = CASE WHEN ?15 THEN NULL ELSE requested_at END, choice = CASE WHEN ?15 THEN NULL ELSE choice END,
             applied = CASE WHEN ?15 THEN FALSE ELSE applied END, revision = revision + ?16
         WHERE company_id = ?17 AND id = ?18",
    )
    .bind(found.shipment.map(|id| id.0))
    .bind(clean(&found.name))
    .bind(found.order.as_deref().map(|order| clean(order).into_owned()))
    .bind(found.carrier.as_deref().map(|carrier| clean(carrier).into_owned()))
    .bind(found.fix.group().code())
    .bind(found.cause.code())
    .bind(found.fix.code())
    .bind(clean(&json(&found.odoo)))
    .bind(clean(&json(&found.ours)))
    .bind(clean(&json(&found.desk)))
    .bind(clean(&values(found)))
    .bind(found.event_at)
    .bind(at)
    .bind(look.run.map(|run| run.0))
    .bind(over)
    // a person who decides has seen these values
    .bind(i64::from(over || values(&known.found) != values(found) || known.found.fix != found.fix))
    .bind(scope.company.0)
    .bind(known.found.id.0)
    .execute(db)
    .await
    .map(drop)
}

async fn close(db: &mut dyn Db, scope: Scope, id: DifferenceId, at: Timestamp) -> Result<()> {
    query(
        "UPDATE difference SET closed_at = ?1, revision = revision + 1,
             resolution = CASE WHEN requested_at IS NULL THEN 'gone' ELSE 'fixed' END
         WHERE company_id = ?2 AND id = ?3 AND closed_at IS NULL",
    )
    .bind(at)
    .bind(scope.company.0)
    .bind(id.0)
    .execute(db)
    .await
    .map(drop)
}

/// Decides about one, unless it is closed or another one by now.
pub(super) async fn decide(db: &mut dyn Db, scope: Scope, decision: &Decision) -> Result<bool> {
    let Decision { id, revision, decided, at, .. } = decision;
    let revision = i64::try_from(*revision).unwrap_or(i64::MAX);
    let of = |sql: &'static str| query(sql).bind(scope.company.0).bind(id.0).bind(revision);
    let done = match decided {
        Decided::Assign(owner) => of("UPDATE difference SET owner_id = ?4, revision = revision + 1
             WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND closed_at IS NULL")
        .bind(owner.map(|owner| owner.0)),
        Decided::Request(choice) => {
            of("UPDATE difference SET requested_at = ?4, choice = ?5, applied = FALSE, revision = revision + 1
             WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND closed_at IS NULL")
            .bind(*at)
            .bind(choice.map(Choice::code))
        }
        Decided::Applied => of("UPDATE difference SET applied = TRUE, revision = revision + 1
             WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND closed_at IS NULL AND requested_at IS NOT NULL"),
        Decided::Withdrawn => {
            of("UPDATE difference SET requested_at = NULL, choice = NULL, applied = FALSE, revision = revision + 1
             WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND closed_at IS NULL AND requested_at IS NOT NULL")
        }
        Decided::Keep => of("UPDATE difference SET closed_at = ?4, resolution = 'kept', revision = revision + 1
             WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND closed_at IS NULL")
        .bind(*at),
    };
    Ok(done.execute(db).await? > 0)
}

/// A page of the list.
pub(super) async fn list(db: &mut dyn Db, scope: Scope, wanted: &DifferenceQuery) -> Result<Page<Difference>> {
    let mut sql = query("SELECT d.* FROM difference d WHERE d.company_id = ");
    sql.push_bind(scope.company.0);
    match wanted.which {
        Which::Open => sql.push(" AND d.closed_at IS NULL"),
        Which::Of(group) => sql.push(" AND d.closed_at IS NULL AND d.class = ").push_bind(group.code()),
        Which::FixedSince(since) => {
            sql.push(" AND d.resolution = 'fixed' AND d.closed_at >= ").push_bind(micros(since))
        }
    };
    narrowed(&mut sql, wanted);
    let fixed = matches!(wanted.which, Which::FixedSince(_));
    let after = cursor::decode::<Place>(wanted.cursor.as_deref());
    let (column, order) = if fixed { ("closed_at", " DESC") } else { ("opened_at", "") };
    if let Some((at, id)) = after {
        sql.push(if fixed { " AND (d.closed_at, d.id) < (" } else { " AND (d.opened_at, d.id) > (" });
        sql.push_bind(at).push(", ").push_bind(id).push(")");
    }
    sql.push(&format!(" ORDER BY d.{column}{order}, d.id{order} LIMIT ")).push_bind(PAGE_AND_ONE);
    let rows = sql.all(db).await?;
    let placed = rows.iter().map(|row| Ok(((row.int(column)?, row.id("id")?), row)));
    let page = page(placed.collect::<Result<Vec<(Place, &Row)>>>()?, |(place, _)| cursor::encode(place));
    let rows = page.rows.iter().map(|(_, row)| difference(row)).collect::<Result<_>>()?;
    Ok(Page { rows, next: page.next })
}

fn narrowed(sql: &mut Query, wanted: &DifferenceQuery) {
    if let Some(topic) = wanted.topic {
        sql.push(" AND d.topic = ").push_bind(topic.code());
    }
    if let Some(system) = &wanted.system {
        sql.push(" AND d.system = ").push_bind(system);
    }
    if let Some(cause) = wanted.cause {
        sql.push(" AND d.cause = ").push_bind(cause.code());
    }
    if let Some(carrier) = &wanted.carrier {
        sql.push(" AND d.carrier = ").push_bind(carrier);
    }
    match wanted.owner {
        None => {}
        Some(None) => {
            sql.push(" AND d.owner_id IS NULL");
        }
        Some(Some(owner)) => {
            sql.push(" AND d.owner_id = ").push_bind(owner.0);
        }
    }
    if let Some(before) = wanted.opened_before {
        sql.push(" AND d.opened_at < ").push_bind(micros(before));
    }
    if let Some(since) = wanted.opened_since {
        sql.push(" AND d.opened_at >= ").push_bind(micros(since));
    }
}

/// A row of `difference`.
pub(super) fn difference(row: &Row) -> Result<Difference> {
    fn known<T>(word: &str, from_code: fn(&str) -> Option<T>) -> Result<T> {
        from_code(word).ok_or_else(|| StoreError::Damaged(format!("{word} is no word of reconciliation")))
    }
    let requested = row.opt_at("requested_at")?;
    let choice = row.opt_str("choice")?.map(|choice| known(choice, Choice::from_code)).transpose()?;
    let applied = row.flag("applied")?;
    let closed = row.opt_at("closed_at")?;
    let resolution = row.opt_word("resolution")?;
    Ok(Difference {
        found: Found {
            id: row.id("id")?,
            subject: Subject { system: row.text("system")?, record: row.text("record")? },
            topic: known(row.str("topic")?, Topic::from_code)?,
            shipment: row.opt_id("shipment_id")?,
            name: row.text("name")?,
            order: row.opt_text("order_name")?,
            carrier: row.opt_text("carrier")?,
            cause: known(row.str("cause")?, Cause::from_code)?,
            fix: known(row.str("fix")?, Fix::from_code)?,
            odoo: row.json("odoo")?,
            ours: row.json("ours")?,
            desk: row.json("desk")?,
            event_at: row.opt_at("event_at")?,
        },
        opened_at: row.at("opened_at")?,
        seen_at: row.at("seen_at")?,
        closed: closed.zip(resolution),
        requested: requested.map(|at| Requested { at, choice, applied }),
        owner: row.opt_id("owner_id")?,
        revision: row.count("revision")?,
    })
}
