//! The list of shipments: tabs, search, keyset pages.

use super::{bindings::term, row::numbers};
use crate::{
    Db, Dialect, Query, Row,
    codec::{PAGE_AND_ONE, cursor, id_list, json, micros, page},
    counter, query,
};
use domain::{Direction, State, booking::Phase, ids::ShipmentId, labels::LabelState, unknown::Cause};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use storage::{
    Page, Result, Scope,
    figures::current_since,
    shipments::{Freshness, ShipmentQuery, ShipmentRow, ShipmentTab, TabCounts},
    trackers::numbers_in,
};
use uuid::Uuid;

/// Words of one search; what is pasted beyond them is not looked for.
const SEARCH_WORDS: usize = 200;
/// A word shorter than this finds only what it is, not what begins with it.
const PREFIX_CHARS: usize = 3;
/// Shipments that a search may find to be sorted by need for action. One that finds more is so common that it is looked
/// for along the list.
const FOUND_MAX: usize = 2_000;
/// Rows of a list that one page looks through for what a question chooses among them; the next page goes on behind them.
const WALK_ROWS: i64 = 10_000;
/// The highest code point: it ends every prefix.
const LAST: char = char::MAX;

/// Where a page ended: need for action, newest event, id; or delivery, nothing, id.
type Cursor = (i64, i64, Uuid);

/// What a row of a list reads.
const SELECT: &str =
    "SELECT s.id, s.need, s.moved_at, s.revision, s.origin, s.destination, s.state, s.visibility, s.worst_reason, s.worst_severity,
            s.eta_time, s.promised_by, s.delivered_at, s.delivered_time, s.last_event, s.heard_at FROM ";

/// Whether a page leaves out rows that a walk passes.
fn is_narrowed(wanted: &ShipmentQuery, search: Option<&Search>) -> bool {
    search.is_some()
        || wanted.carrier.is_some()
        || wanted.freshness.is_some()
        || wanted.labels.is_some()
        || wanted.unknown.is_some()
}

pub(super) async fn list(
    db: &mut dyn Db,
    scope: Scope,
    wanted: &ShipmentQuery,
    now: Timestamp,
) -> Result<Page<ShipmentRow>> {
    if is_contradiction(wanted) {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    let search = Search::of(wanted);
    let found = match (&search, wanted.labels, wanted.unknown) {
        (Some(search), ..) => found(db, scope, search).await?,
        (None, Some(state), _) => labelled(db, scope, state).await?,
        (None, None, Some(cause)) => unknown(db, scope, cause).await?,
        (None, None, None) => None,
    };
    let (sort, dialect) = (Sort::of(wanted), db.dialect());
    let walks = found.is_none() && is_narrowed(wanted, search.as_ref());
    let mut sql = query(SELECT);
    match found {
        // what is found comes first in the join, so that a rare word costs as little as it finds
        Some(found) => {
            sql = sql.bind(id_list(found));
            sql.push(dialect.pick(
                "{ids ? f} CROSS JOIN shipment s WHERE s.id = f.value AND ",
                "(SELECT * FROM shipment WHERE id = ANY (?) OFFSET 0) s WHERE ",
            ));
            listed(&mut sql, scope, wanted);
            narrowed(&mut sql, dialect, wanted, now);
            sql.push(&sort.order("s"));
        }
        None => {
            sql.push("(SELECT s.id, s.need, s.moved_at, s.delivered_at FROM shipment s WHERE ");
            listed(&mut sql, scope, wanted);
            sql.push(&sort.order("s")).push(" LIMIT ").push_bind(WALK_ROWS);
            // row by row in the order of the walk: nothing is sorted again
            sql.push(dialect.pick(
                ") w CROSS JOIN shipment s WHERE s.id = w.id",
                ") w CROSS JOIN LATERAL (SELECT * FROM shipment WHERE id = w.id OFFSET 0) s WHERE true",
            ));
            narrowed(&mut sql, dialect, wanted, now);
            if let Some(search) = &search {
                sql.push(" AND ");
                goes_under(&mut sql, search);
            }
            sql.push(&sort.order("w"));
        }
    }
    sql.push(" LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.all(db).await?;
    let mut page =
        page(rows.iter().map(|row| Ok((sort.place(row)?, row))).collect::<Result<Vec<_>>>()?, |(place, _)| {
            cursor::encode(place)
        });
    if walks && page.next.is_none() {
        page.next = walked(db, scope, wanted).await?.map(|place| cursor::encode(&place));
    }
    filled(db, page).await
}

/// Rows by their ids.
pub(super) async fn rows_of(db: &mut dyn Db, scope: Scope, ids: Vec<ShipmentId>) -> Result<Vec<ShipmentRow>> {
    let ids: BTreeSet<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let mut sql = query(SELECT);
    sql = sql.bind(id_list(ids));
    sql.push(db.dialect().pick(
        "{ids ? f} CROSS JOIN shipment s WHERE s.id = f.value AND ",
        "(SELECT * FROM shipment WHERE id = ANY (?) OFFSET 0) s WHERE ",
    ));
    sql.push("s.company_id = ").push_bind(scope.company.0);
    let rows = sql.all(db).await?;
    let placed = rows.iter().map(|row| Ok((Sort::Need.place(row)?, row))).collect::<Result<Vec<_>>>()?;
    Ok(filled(db, Page { rows: placed, next: None }).await?.rows)
}

/// The rows of a page with their numbers and open cases.
async fn filled(db: &mut dyn Db, page: Page<(Cursor, &Row)>) -> Result<Page<ShipmentRow>> {
    let ids: Vec<Uuid> = page.rows.iter().map(|((_, _, id), _)| *id).collect();
    let mut numbers = numbers(db, ids.iter().copied()).await?;
    let mut cases = open_cases(db, &ids).await?;
    let rows = page
        .rows
        .iter()
        .map(|((_, _, id), row)| {
            let id = ShipmentId(*id);
            Ok(ShipmentRow {
                id,
                revision: row.count("revision")?,
                origin: row.opt_json("origin")?,
                numbers: numbers.remove(&id).unwrap_or_default(),
                destination: row.opt_text("destination")?,
                state: row.word("state")?,
                visibility: row.word("visibility")?,
                exception: row.opt_word("worst_reason")?.zip(row.opt_word("worst_severity")?),
                eta: row.opt_json("eta_time")?,
                promised_by: row.opt_at("promised_by")?,
                delivered_at: row.opt_json("delivered_time")?,
                last_event: row.opt_json("last_event")?,
                heard_at: row.opt_at("heard_at")?,
                case: cases.remove(&id),
            })
        })
        .collect::<Result<_>>()?;
    Ok(Page { rows, next: page.next })
}

const fn tab(tab: ShipmentTab) -> &'static str {
    match tab {
        ShipmentTab::Open => " AND s.origin IS NOT NULL AND {not s.terminal} AND s.standing <> 'cancelled'",
        ShipmentTab::Exceptions => " AND s.open_exceptions > 0 AND s.need > 0",
        ShipmentTab::Late => " AND {is s.late} AND s.need > 0",
        ShipmentTab::Silent => " AND {is s.silent} AND s.need > 0",
        ShipmentTab::Delivered => " AND s.state = 'DELIVERED'",
        ShipmentTab::Unclaimed => " AND s.origin IS NULL",
        ShipmentTab::All => "",
    }
}

/// Whether a view has none of the wanted states: nothing has to be looked through for that.
fn is_contradiction(wanted: &ShipmentQuery) -> bool {
    let excluded = |state: &State| match wanted.tab {
        ShipmentTab::Delivered => *state != State::Delivered,
        ShipmentTab::Open => state.is_terminal(),
        _ => false,
    };
    !wanted.states.is_empty() && wanted.states.iter().all(excluded)
}

/// What a list has behind a place: along the index of its view or of its state.
fn listed(sql: &mut Query, scope: Scope, wanted: &ShipmentQuery) {
    sql.push("s.company_id = ").push_bind(scope.company.0);
    sql.push(" AND s.merged_into IS NULL").push(tab(wanted.tab));
    match &wanted.states[..] {
        [] => {}
        [one] => {
            sql.push(" AND s.state = ").push_bind(one.code());
        }
        several => {
            sql.push(" AND s.state IN (");
            for (place, state) in several.iter().enumerate() {
                sql.push(if place == 0 { "" } else { ", " }).push_bind(state.code());
            }
            sql.push(")");
        }
    }
    if wanted.linked && wanted.tab != ShipmentTab::Open {
        sql.push(" AND s.origin IS NOT NULL");
    }
    match wanted.direction {
        None => {}
        Some(Direction::Outbound) => {
            sql.push(" AND s.direction = 'outbound' AND s.origin IS NOT NULL");
        }
        // the second condition is that of the index
        Some(other) => {
            sql.push(" AND s.direction = ").push_bind(other.code()).push(" AND s.direction <> 'outbound'");
        }
    }
    if let Some(span) = wanted.delivered {
        sql.push(" AND s.delivered_at >= ").push_bind(micros(span.from));
        sql.push(" AND s.delivered_at < ").push_bind(micros(span.until));
    }
    if let Some((first, second, id)) = cursor::decode::<Cursor>(wanted.cursor.as_deref()) {
        match Sort::of(wanted) {
            Sort::Need => sql.push(" AND (s.need, s.moved_at, s.id) < (").push_bind(first).push(", ").push_bind(second),
            Sort::Delivered => sql.push(" AND (s.delivered_at, s.id) < (").push_bind(first),
        };
        sql.push(", ").push_bind(id).push(")");
    }
}

/// How a list sorts.
#[derive(Clone, Copy)]
enum Sort {
    /// By need for action, then the newest event.
    Need,
    /// What was delivered within a time: the last first.
    Delivered,
}

impl Sort {
    const fn of(wanted: &ShipmentQuery) -> Self {
        match wanted.delivered {
            Some(_) => Self::Delivered,
            None => Self::Need,
        }
    }

    /// The order of the rows under this name.
    fn order(self, of: &str) -> String {
        match self {
            Self::Need => format!(" ORDER BY {of}.need DESC, {of}.moved_at DESC, {of}.id DESC"),
            Self::Delivered => format!(" ORDER BY {of}.delivered_at DESC, {of}.id DESC"),
        }
    }

    fn place(self, row: &Row) -> Result<Cursor> {
        Ok(match self {
            Self::Need => (row.int("need")?, row.int("moved_at")?, row.id("id")?),
            Self::Delivered => (row.int("delivered_at")?, 0, row.id("id")?),
        })
    }
}

/// What a figure counts beside its tab, and no index leads to.
fn narrowed(sql: &mut Query, dialect: Dialect, wanted: &ShipmentQuery, now: Timestamp) {
    match (&wanted.carrier, dialect) {
        (None, _) => {}
        // most rows differ by the text alone
        (Some(carrier), Dialect::Sqlite) => {
            sql.push(" AND instr(s.carriers, ").push_bind(json(carrier));
            sql.push(") > 0 AND EXISTS (SELECT 1 FROM json_each(s.carriers) WHERE value = ")
                .push_bind(carrier)
                .push(")");
        }
        (Some(carrier), Dialect::Postgres) => {
            sql.push(" AND jsonb_exists(s.carriers::jsonb, ").push_bind(carrier).push(")");
        }
    }
    if let Some(cause) = wanted.unknown {
        sql.push(" AND EXISTS (SELECT 1 FROM unknown_status n WHERE n.shipment_id = s.id AND n.cause = ");
        sql.push_bind(cause.code()).push(")");
    }
    if let Some(state) = wanted.labels {
        sql.push(
            " AND EXISTS (SELECT 1 FROM booking b WHERE b.company_id = s.company_id AND b.shipment_id = s.id AND b.newest = 1 AND ",
        );
        in_phases(sql, state);
        sql.push(")");
    }
    let since = micros(current_since(now));
    match wanted.freshness {
        None => {}
        Some(Freshness::Current) => {
            sql.push(" AND s.last_event_at >= ").push_bind(since);
        }
        Some(Freshness::Outdated) => {
            sql.push(" AND coalesce(s.last_event_at < ").push_bind(since).push(", TRUE)");
        }
        Some(Freshness::Received) => {
            sql.push(" AND s.heard_at >= ").push_bind(since);
        }
        Some(Freshness::NotReceived) => {
            sql.push(" AND coalesce(s.heard_at < ").push_bind(since).push(", TRUE)");
        }
    }
}

fn in_phases(sql: &mut Query, state: LabelState) {
    sql.push("phase IN (");
    let phases = Phase::ALL.iter().filter(|phase| phase.state() == Some(state));
    for (place, phase) in phases.enumerate() {
        sql.push(if place == 0 { "" } else { ", " }).push_bind(phase.code());
    }
    sql.push(")");
}

/// The shipments with a label that stands so; none where they are too many to be sorted.
async fn labelled(db: &mut dyn Db, scope: Scope, state: LabelState) -> Result<Option<BTreeSet<Uuid>>> {
    let mut sql = query("SELECT shipment_id FROM booking WHERE company_id = ");
    sql.push_bind(scope.company.0).push(" AND newest = 1 AND ");
    in_phases(&mut sql, state);
    sql.push(" LIMIT ").push_bind(i64::try_from(FOUND_MAX).unwrap_or(i64::MAX) + 1);
    let rows = sql.all(db).await?;
    let found = rows.iter().map(|row| row.id("shipment_id")).collect::<Result<BTreeSet<Uuid>>>()?;
    Ok(Some(found).filter(|_| rows.len() <= FOUND_MAX))
}

/// The shipments of which nothing current is known for a cause; none where there are too many to be sorted.
async fn unknown(db: &mut dyn Db, scope: Scope, cause: Cause) -> Result<Option<BTreeSet<Uuid>>> {
    let rows = query("SELECT shipment_id FROM unknown_status WHERE company_id = ?1 AND cause = ?2 LIMIT ?3")
        .bind(scope.company.0)
        .bind(cause.code())
        .bind(i64::try_from(FOUND_MAX).unwrap_or(i64::MAX) + 1)
        .all(db)
        .await?;
    let found = rows.iter().map(|row| row.id("shipment_id")).collect::<Result<BTreeSet<Uuid>>>()?;
    Ok(Some(found).filter(|_| rows.len() <= FOUND_MAX))
}

/// Where a page that looked through as many rows as it may ended; none where the list did.
async fn walked(db: &mut dyn Db, scope: Scope, wanted: &ShipmentQuery) -> Result<Option<Cursor>> {
    let mut sql = query("SELECT s.need, s.moved_at, s.delivered_at, s.id FROM shipment s WHERE ");
    listed(&mut sql, scope, wanted);
    let sort = Sort::of(wanted);
    // the last row of the walk, and one behind it
    sql.push(&sort.order("s")).push(" LIMIT 2 OFFSET ").push_bind(WALK_ROWS - 1);
    match &sql.all(db).await?[..] {
        [last, _] => Ok(Some(sort.place(last)?)),
        _ => Ok(None),
    }
}

/// Any of the words: a number, order or record that is it or begins with it; or any of the customer tokens.
struct Search {
    words: Vec<String>,
    prefixes: Vec<String>,
    tokens: Vec<String>,
}

impl Search {
    fn of(wanted: &ShipmentQuery) -> Option<Self> {
        let text = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let mut words: Vec<String> = text
            .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
            .map(term)
            .filter(|word| !word.is_empty())
            .take(SEARCH_WORDS)
            .collect();
        if words.len() > 1 {
            // a number that is written in groups
            words.push(term(text));
        }
        for number in numbers_in(text, SEARCH_WORDS).iter().map(|number| term(number)) {
            if !number.is_empty() && !words.contains(&number) {
                words.push(number);
            }
        }
        let prefixes = words.iter().filter(|word| word.chars().count() >= PREFIX_CHARS).cloned().collect();
        Some(Self { prefixes, words, tokens: wanted.tokens.clone() })
    }
}

/// What a search finds along the index of the terms; none where that is too much to be sorted.
async fn found(db: &mut dyn Db, scope: Scope, search: &Search) -> Result<Option<BTreeSet<Uuid>>> {
    // the highest code point ends every prefix; on PostgreSQL each word is looked up for itself
    let sql = db.dialect().pick(
        "SELECT * FROM (SELECT t.shipment_id FROM {texts ?2 w} CROSS JOIN shipment_term t
                        WHERE t.company_id = ?1 AND t.term = w.value AND t.kind <> 'customer' LIMIT ?5)
         UNION ALL
         SELECT * FROM (SELECT t.shipment_id FROM {texts ?3 w} CROSS JOIN shipment_term t
                        WHERE t.company_id = ?1 AND t.term > w.value AND t.term < w.value || char(1114111) AND t.kind <> 'customer' LIMIT ?5)
         UNION ALL
         SELECT * FROM (SELECT t.shipment_id FROM {texts ?4 w} CROSS JOIN shipment_term t
                        WHERE t.company_id = ?1 AND t.term = w.value AND t.kind = 'customer' LIMIT ?5)",
        "(SELECT t.shipment_id FROM {texts ?2 w} CROSS JOIN LATERAL (
              SELECT shipment_id FROM shipment_term WHERE company_id = ?1 AND term = w.value AND kind <> 'customer' LIMIT ?5) t LIMIT ?5)
         UNION ALL
         (SELECT t.shipment_id FROM {texts ?3 w} CROSS JOIN LATERAL (
              SELECT shipment_id FROM shipment_term WHERE company_id = ?1 AND term > w.value AND term < w.value || chr(1114111) AND kind <> 'customer'
              LIMIT ?5) t LIMIT ?5)
         UNION ALL
         (SELECT t.shipment_id FROM {texts ?4 w} CROSS JOIN LATERAL (
              SELECT shipment_id FROM shipment_term WHERE company_id = ?1 AND term = w.value AND kind = 'customer' LIMIT ?5) t LIMIT ?5)",
    );
    let most = i64::try_from(FOUND_MAX).unwrap_or(i64::MAX) + 1;
    let rows = query(sql)
        .bind(scope.company.0)
        .bind(search.words.as_slice())
        .bind(search.prefixes.as_slice())
        .bind(search.tokens.as_slice())
        .bind(most)
        .all(db)
        .await?;
    let found = rows.iter().map(|row| row.id("shipment_id")).collect::<Result<BTreeSet<Uuid>>>()?;
    Ok(Some(found).filter(|found| rows.len() <= FOUND_MAX && found.len() <= FOUND_MAX))
}

/// Whether a shipment of a list is one that a search finds. Counted for each row, so that PostgreSQL does not go through all
/// terms instead.
fn goes_under(sql: &mut Query, search: &Search) {
    sql.push("(SELECT count(*) FROM (SELECT 1 FROM shipment_term t WHERE t.shipment_id = w.id AND (t.kind <> 'customer' AND (false");
    for word in &search.words {
        sql.push(" OR t.term = ").push_bind(word);
    }
    for prefix in &search.prefixes {
        sql.push(" OR t.term > ").push_bind(prefix);
        sql.push(" AND t.term < ").push_bind(format!("{prefix}{LAST}"));
    }
    sql.push(") OR t.kind = 'customer' AND (false");
    for token in &search.tokens {
        sql.push(" OR t.term = ").push_bind(token);
    }
    sql.push(")) LIMIT 1) t) = 1");
}

async fn open_cases(db: &mut dyn Db, ids: &[Uuid]) -> Result<HashMap<ShipmentId, String>> {
    let rows = query(
        "SELECT c.shipment_id, c.number FROM {ids ? s} CROSS JOIN desk_case c
         WHERE c.shipment_id = s.value AND c.status <> 'resolved' AND c.number IS NOT NULL ORDER BY c.opened_at",
    )
    .bind(ids.to_vec())
    .all(db)
    .await?;
    // of several the newest stays
    rows.iter().map(|row| Ok((row.id("shipment_id")?, row.text("number")?))).collect()
}

pub(super) async fn counts(db: &mut dyn Db, scope: Scope) -> Result<TabCounts> {
    let counts: HashMap<String, u64> = counter::read(db, scope, "tab").await?.into_iter().collect();
    let of = |key: &str| counts.get(key).copied().unwrap_or(0);
    Ok(TabCounts {
        open: of("open"),
        exceptions: of("exceptions"),
        late: of("late"),
        silent: of("silent"),
        delivered: of("delivered"),
        unclaimed: of("unclaimed"),
        all: of("all"),
    })
}
