//! The list of shipments: tabs, search, keyset pages.

use super::{numbers, term};
use crate::codec::{Done, PAGE_AND_ONE, cursor, id_list, json, micros, page};
use crate::sql::{Query, Row, query};
use domain::{State, ids::ShipmentId};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::HashMap;
use storage::{
    Page, Scope,
    figures::current_since,
    shipments::{Freshness, ShipmentQuery, ShipmentRow, ShipmentTab, TabCounts},
};
use uuid::Uuid;

/// Words of one search; what is pasted beyond them is not looked for.
const SEARCH_WORDS: usize = 200;
/// A word shorter than this finds only what it is, not what begins with it.
const PREFIX_CHARS: usize = 3;

/// Where a page ended: need for action, newest event, id.
type Place = (i64, i64, Uuid);

pub(super) fn list(conn: &Connection, scope: Scope, wanted: &ShipmentQuery, now: Timestamp) -> Done<Page<ShipmentRow>> {
    let mut sql = query("SELECT s.* FROM ");
    matching(&mut sql, scope, wanted);
    sql.push("shipment s WHERE s.company_id = ").push_bind(scope.company.0);
    sql.push(" AND s.merged_into IS NULL").push(tab(wanted.tab));
    if wanted.text.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        sql.push(" AND s.id = m.shipment_id");
    }
    if !wanted.states.is_empty() {
        let codes: Vec<_> = wanted.states.iter().map(|state| State::code(*state)).collect();
        sql.push(" AND s.state IN (SELECT value FROM json_each(").push_bind(json(&codes)).push("))");
    }
    narrowed(&mut sql, wanted, now);
    if let Some((need, moved_at, id)) = cursor::decode::<Place>(wanted.cursor.as_deref()) {
        sql.push(" AND (s.need, s.moved_at, s.id) < (")
            .push_bind(need)
            .push(", ")
            .push_bind(moved_at)
            .push(", ")
            .push_bind(id)
            .push(")");
    }
    sql.push(" ORDER BY s.need DESC, s.moved_at DESC, s.id DESC LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.fetch_all(conn)?;
    let page = page(rows.iter().map(|row| Ok((place(row)?, row))).collect::<Done<Vec<_>>>()?, |(place, _)| {
        cursor::encode(place)
    });
    let ids: Vec<Uuid> = page.rows.iter().map(|((_, _, id), _)| *id).collect();
    let mut numbers = numbers(conn, ids.iter().copied())?;
    let mut cases = open_cases(conn, &ids)?;
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
        .collect::<Done<_>>()?;
    Ok(Page { rows, next: page.next })
}

const fn tab(tab: ShipmentTab) -> &'static str {
    match tab {
        ShipmentTab::Open => " AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled'",
        ShipmentTab::Exceptions => " AND s.open_exceptions > 0",
        ShipmentTab::Late => " AND s.late = 1",
        ShipmentTab::Silent => " AND s.silent = 1",
        ShipmentTab::Delivered => " AND s.state = 'DELIVERED'",
        ShipmentTab::Unclaimed => " AND s.origin IS NULL",
        ShipmentTab::All => "",
    }
}

/// What a figure counts beside its tab.
fn narrowed(sql: &mut Query<'_>, wanted: &ShipmentQuery, now: Timestamp) {
    if wanted.linked {
        sql.push(" AND s.origin IS NOT NULL");
    }
    if let Some(carrier) = &wanted.carrier {
        sql.push(
            " AND EXISTS (SELECT 1 FROM binding b JOIN tracker t ON t.id = b.tracker_id
                          WHERE b.shipment_id = s.id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                            AND coalesce(t.carrier_label, t.carrier) = ",
        )
        .push_bind(carrier.clone())
        .push(")");
    }
    let since = micros(current_since(now));
    match wanted.freshness {
        None => {}
        Some(Freshness::Current) => {
            sql.push(" AND s.last_event_at >= ").push_bind(since);
        }
        Some(Freshness::Outdated) => {
            sql.push(" AND coalesce(s.last_event_at < ").push_bind(since).push(", 1)");
        }
        Some(Freshness::Received) => {
            sql.push(" AND s.heard_at >= ").push_bind(since);
        }
        Some(Freshness::NotReceived) => {
            sql.push(" AND coalesce(s.heard_at < ").push_bind(since).push(", 1)");
        }
    }
    if let Some(span) = wanted.delivered {
        sql.push(" AND s.delivered_at >= ").push_bind(micros(span.from));
        sql.push(" AND s.delivered_at < ").push_bind(micros(span.until));
    }
}

/// Any of the words: a number, order or record that is it or begins with it; or any of the customer tokens. What is found
/// comes first in the join, so that a rare word costs as little as it finds.
fn matching(sql: &mut Query<'_>, scope: Scope, wanted: &ShipmentQuery) {
    let Some(text) = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return };
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
    let prefixes: Vec<_> = words.iter().filter(|word| word.chars().count() >= PREFIX_CHARS).collect();
    sql.push("(SELECT t.shipment_id FROM json_each(")
        .push_bind(json(&words))
        .push(") w CROSS JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        .push(" AND t.term = w.value WHERE t.kind <> 'customer' UNION SELECT t.shipment_id FROM json_each(")
        .push_bind(json(&prefixes))
        .push(") w CROSS JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        // the highest code point ends every prefix
        .push(" AND t.term > w.value AND t.term < w.value || char(1114111) WHERE t.kind <> 'customer' UNION SELECT t.shipment_id FROM json_each(")
        .push_bind(json(&wanted.tokens))
        .push(") w CROSS JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        .push(" AND t.term = w.value WHERE t.kind = 'customer') m CROSS JOIN ");
}

fn place(row: &Row) -> Done<Place> {
    Ok((row.int("need")?, row.int("moved_at")?, row.id("id")?))
}

fn open_cases(conn: &Connection, ids: &[Uuid]) -> Done<HashMap<ShipmentId, String>> {
    let rows = query(
        "SELECT c.shipment_id, c.number FROM json_each(?) s CROSS JOIN desk_case c ON c.shipment_id = unhex(s.value)
         WHERE c.status <> 'resolved' AND c.number IS NOT NULL ORDER BY c.opened_at",
    )
    .bind(id_list(ids.iter().copied()))
    .fetch_all(conn)?;
    // of several the newest stays
    rows.iter().map(|row| Ok((row.id("shipment_id")?, row.text("number")?))).collect()
}

pub(super) fn counts(conn: &Connection, scope: Scope) -> Done<TabCounts> {
    let row = query(
        "SELECT coalesce(sum(origin IS NOT NULL AND terminal = 0 AND standing <> 'cancelled'), 0) AS open,
                coalesce(sum(open_exceptions > 0), 0) AS exceptions, coalesce(sum(late), 0) AS late, coalesce(sum(silent), 0) AS silent,
                coalesce(sum(state = 'DELIVERED'), 0) AS delivered, coalesce(sum(origin IS NULL), 0) AS unclaimed, count(*) AS all_of_them
         FROM shipment WHERE company_id = ? AND merged_into IS NULL",
    )
    .bind(scope.company.0)
    .fetch_one(conn)?;
    Ok(TabCounts {
        open: row.count("open")?,
        exceptions: row.count("exceptions")?,
        late: row.count("late")?,
        silent: row.count("silent")?,
        delivered: row.count("delivered")?,
        unclaimed: row.count("unclaimed")?,
        all: row.count("all_of_them")?,
    })
}
