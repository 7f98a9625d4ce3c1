//! The list of shipments: tabs, search, keyset pages.

use super::{numbers, term};
use crate::codec::{Columns, Done, PAGE_AND_ONE, cursor, id_list, micros, page};
use domain::{State, ids::ShipmentId};
use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder, postgres::PgRow};
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

pub(super) async fn list(
    conn: &mut PgConnection,
    scope: Scope,
    query: &ShipmentQuery,
    now: Timestamp,
) -> Done<Page<ShipmentRow>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT s.* FROM ");
    matching(&mut sql, scope, query);
    sql.push("shipment s WHERE s.company_id = ").push_bind(scope.company.0);
    sql.push(" AND s.merged_into IS NULL").push(tab(query.tab));
    if query.text.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        sql.push(" AND s.id = m.shipment_id");
    }
    if !query.states.is_empty() {
        let codes: Vec<_> = query.states.iter().map(|state| State::code(*state)).collect();
        sql.push(" AND s.state = ANY (").push_bind(codes).push(")");
    }
    narrowed(&mut sql, query, now);
    if let Some((need, moved_at, id)) = cursor::decode::<Place>(query.cursor.as_deref()) {
        sql.push(" AND (s.need, s.moved_at, s.id) < (")
            .push_bind(need)
            .push(", ")
            .push_bind(moved_at)
            .push(", ")
            .push_bind(id)
            .push(")");
    }
    sql.push(" ORDER BY s.need DESC, s.moved_at DESC, s.id DESC LIMIT ").push_bind(PAGE_AND_ONE);
    let rows = sql.build().fetch_all(&mut *conn).await?;
    let page = page(rows.iter().map(|row| Ok((place(row)?, row))).collect::<Done<Vec<_>>>()?, |(place, _)| {
        cursor::encode(place)
    });
    let ids: Vec<Uuid> = page.rows.iter().map(|((_, _, id), _)| *id).collect();
    let mut numbers = numbers(conn, ids.iter().copied()).await?;
    let mut cases = open_cases(conn, &ids).await?;
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
        ShipmentTab::Open => " AND s.origin IS NOT NULL AND NOT s.terminal AND s.standing <> 'cancelled'",
        ShipmentTab::Exceptions => " AND s.open_exceptions > 0",
        ShipmentTab::Late => " AND s.late",
        ShipmentTab::Silent => " AND s.silent",
        ShipmentTab::Delivered => " AND s.state = 'DELIVERED'",
        ShipmentTab::Unclaimed => " AND s.origin IS NULL",
        ShipmentTab::All => "",
    }
}

/// What a figure counts beside its tab.
fn narrowed(sql: &mut QueryBuilder<Postgres>, query: &ShipmentQuery, now: Timestamp) {
    if query.linked {
        sql.push(" AND s.origin IS NOT NULL");
    }
    if let Some(carrier) = &query.carrier {
        sql.push(
            " AND EXISTS (SELECT 1 FROM binding b JOIN tracker t ON t.id = b.tracker_id
                          WHERE b.shipment_id = s.id AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                            AND coalesce(t.carrier_label, t.carrier) = ",
        )
        .push_bind(carrier.clone())
        .push(")");
    }
    let since = micros(current_since(now));
    match query.freshness {
        None => {}
        Some(Freshness::Current) => {
            sql.push(" AND s.last_event_at >= ").push_bind(since);
        }
        Some(Freshness::Outdated) => {
            sql.push(" AND coalesce(s.last_event_at < ").push_bind(since).push(", true)");
        }
        Some(Freshness::Received) => {
            sql.push(" AND s.heard_at >= ").push_bind(since);
        }
        Some(Freshness::NotReceived) => {
            sql.push(" AND coalesce(s.heard_at < ").push_bind(since).push(", true)");
        }
    }
    if let Some(span) = query.delivered {
        sql.push(" AND s.delivered_at >= ").push_bind(micros(span.from));
        sql.push(" AND s.delivered_at < ").push_bind(micros(span.until));
    }
}

/// Any of the words: a number, order or record that is it or begins with it; or any of the customer tokens. What is found
/// comes first in the join, so that a rare word costs as little as it finds.
fn matching(sql: &mut QueryBuilder<Postgres>, scope: Scope, query: &ShipmentQuery) {
    let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return };
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
    let prefixes: Vec<String> = words.iter().filter(|word| word.chars().count() >= PREFIX_CHARS).cloned().collect();
    sql.push("(SELECT t.shipment_id FROM unnest(")
        .push_bind(words.clone())
        .push(") w(value) JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        .push(" AND t.term = w.value WHERE t.kind <> 'customer' UNION SELECT t.shipment_id FROM unnest(")
        .push_bind(prefixes)
        .push(") w(value) JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        // the highest code point ends every prefix
        .push(" AND t.term > w.value AND t.term < w.value || chr(1114111) WHERE t.kind <> 'customer' UNION SELECT t.shipment_id FROM unnest(")
        .push_bind(query.tokens.clone())
        .push(") w(value) JOIN shipment_term t ON t.company_id = ")
        .push_bind(scope.company.0)
        .push(" AND t.term = w.value WHERE t.kind = 'customer') m, ");
}

fn place(row: &PgRow) -> Done<Place> {
    Ok((row.int("need")?, row.int("moved_at")?, row.id("id")?))
}

async fn open_cases(conn: &mut PgConnection, ids: &[Uuid]) -> Done<HashMap<ShipmentId, String>> {
    let rows = sqlx::query(
        "SELECT c.shipment_id, c.number FROM unnest($1::uuid[]) s(value) JOIN desk_case c ON c.shipment_id = s.value
         WHERE c.status <> 'resolved' AND c.number IS NOT NULL ORDER BY c.opened_at",
    )
    .bind(id_list(ids.iter().copied()))
    .fetch_all(conn)
    .await?;
    // of several the newest stays
    rows.iter().map(|row| Ok((row.id("shipment_id")?, row.text("number")?))).collect()
}

pub(super) async fn counts(conn: &mut PgConnection, scope: Scope) -> Done<TabCounts> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE origin IS NOT NULL AND NOT terminal AND standing <> 'cancelled') AS open,
                count(*) FILTER (WHERE open_exceptions > 0) AS exceptions, count(*) FILTER (WHERE late) AS late, count(*) FILTER (WHERE silent) AS silent,
                count(*) FILTER (WHERE state = 'DELIVERED') AS delivered, count(*) FILTER (WHERE origin IS NULL) AS unclaimed, count(*) AS all_of_them
         FROM shipment WHERE company_id = $1 AND merged_into IS NULL",
    )
    .bind(scope.company.0)
    .fetch_one(conn)
    .await?;
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
