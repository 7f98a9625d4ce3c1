//! Reading roll-ups, and the rows behind a figure.

use super::row::{ids, key, narrowed_row, rollup_row};
use crate::{Db, codec::json, query};
use storage::{
    Page, Result, Scope,
    limits::PAGE_ROWS,
    rollups::{By, Filter, Grain, Open, RollupQuery, RollupRow, UnitQuery, UnitRow},
};
use uuid::Uuid;

/// What narrows, in SQL: the values ?6 to ?10.
const NARROWED: &str =
    "(?6 IS NULL OR d.company = ?6) AND (?7 IS NULL OR d.warehouse = ?7) AND (?8 IS NULL OR d.carrier = ?8)
               AND (?9 IS NULL OR d.country = ?9) AND (?10 IS NULL OR {position}(d.segments, ?10) > 0)";

/// A segment as it stands in the list of a row.
fn quoted(filter: &Filter) -> Option<String> {
    filter.segment.as_ref().map(json)
}

/// Rows as finely as they are asked for: what is kept more finely than that is added up here, not sent.
pub(super) async fn rows(db: &mut dyn Db, scope: Scope, wanted: &RollupQuery) -> Result<Vec<RollupRow>> {
    let grain = wanted.grain();
    let kept = "r.kpi, r.version, r.part, r.day, r.hour, r.bin";
    let (split, read): (_, fn(&crate::Row) -> Result<RollupRow>) = match wanted.by {
        By::Nothing => (None, rollup_row),
        By::Carrier => (Some(["d.carrier"].as_slice()), narrowed_row),
        By::Dims => {
            (Some(["d.carrier", "d.company", "d.warehouse", "d.country", "d.segments"].as_slice()), narrowed_row)
        }
    };
    let columns = match split {
        None => String::new(),
        Some([carrier]) => {
            format!(", {carrier}, NULL AS company, NULL AS warehouse, NULL AS country, '[]' AS segments")
        }
        Some(all) => format!(", {}", all.join(", ")),
    };
    let groups = split.map_or_else(String::new, |split| format!(", {}", split.join(", ")));
    let narrowed = !matches!(grain, Grain::Day | Grain::Month);
    let (joined, narrow) = match narrowed {
        true => ("JOIN rollup_dims d ON d.company_id = r.company_id AND d.id = r.dims", format!("AND {NARROWED}")),
        false => ("", String::new()),
    };
    let mut asked = query(format!(
        "SELECT {kept}, CAST(sum(r.n) AS BIGINT) AS n{columns} FROM rollup r {joined}
         WHERE r.company_id = ?1 AND r.grain = ?2 AND r.kpi {{in texts ?3}} AND r.day >= ?4 AND r.day < ?5 {narrow}
         GROUP BY {kept}{groups} HAVING sum(r.n) <> 0"
    ))
    .bind(scope.company.0)
    .bind(grain.code())
    .bind(ids(&wanted.kpis))
    .bind(wanted.from.to_string())
    .bind(wanted.until.to_string());
    if narrowed {
        asked = asked
            .bind(&wanted.filter.company)
            .bind(&wanted.filter.warehouse)
            .bind(&wanted.filter.carrier)
            .bind(&wanted.filter.country)
            .bind(quoted(&wanted.filter));
    }
    let found: Vec<RollupRow> = asked.all(db).await?.iter().map(read).collect::<Result<_>>()?;
    Ok(found.into_iter().filter(|row| wanted.kpis.contains(&(row.key.kpi, row.key.version))).collect())
}

/// The rows behind a figure, in SQL, with the values ?1 to ?13; with what else is joined to them.
pub(super) fn behind(wanted: &UnitQuery, columns: &str, joined: &str) -> String {
    let open = match wanted.open {
        None => "?13 = 0",
        Some(Open::LateBy(_)) => "(c.part <> 'open' OR (c.bin <= ?13 AND c.bin <> -2147483648))",
        Some(Open::NotLateBy(_)) => "(c.part <> 'open' OR c.bin > ?13 OR c.bin = -2147483648)",
    };
    format!(
        "SELECT {columns} FROM contribution c JOIN rollup_dims d ON d.company_id = c.company_id AND d.id = c.dims{joined}
         WHERE c.company_id = ?1 AND c.kpi = ?2 AND c.version = ?3 AND c.day >= ?4 AND c.day < ?5 AND {NARROWED}
           AND c.part {{in texts ?11}} AND (c.day, c.unit) > (?4, ?12) AND {open}"
    )
}

pub(super) fn ask(scope: Scope, wanted: &UnitQuery, from: (&str, Uuid), text: String) -> crate::Query {
    let minute = match wanted.open {
        None => 0,
        Some(Open::LateBy(minute) | Open::NotLateBy(minute)) => i64::from(minute),
    };
    query(text)
        .bind(scope.company.0)
        .bind(wanted.kpi.0.id())
        .bind(i64::from(wanted.kpi.1))
        .bind(from.0)
        .bind(wanted.until.to_string())
        .bind(&wanted.filter.company)
        .bind(&wanted.filter.warehouse)
        .bind(&wanted.filter.carrier)
        .bind(&wanted.filter.country)
        .bind(quoted(&wanted.filter))
        .bind(wanted.parts.iter().map(|part| part.code().to_owned()).collect::<Vec<_>>())
        .bind(from.1)
        .bind(minute)
}

/// Rows are read by whole units, so that a page ends between two of them.
pub(super) async fn units(db: &mut dyn Db, scope: Scope, wanted: &UnitQuery) -> Result<Page<UnitRow>> {
    let first = wanted.from.to_string();
    let (day, unit) = wanted
        .cursor
        .as_deref()
        .and_then(|cursor| cursor.split_once('/'))
        .and_then(|(day, unit)| Some((day.to_owned(), Uuid::try_parse(unit).ok()?)))
        .unwrap_or((first, Uuid::nil()));
    let columns = "c.kpi, c.version, c.part, c.day, c.hour, c.bin, c.unit, c.n";
    let mut text = behind(wanted, columns, "");
    text.push_str(" ORDER BY c.day, c.unit, c.part, c.hour, c.bin LIMIT ?14");
    let found = ask(scope, wanted, (&day, unit), text).bind(i64::from(PAGE_ROWS) + 1).all(db).await?;
    let mut rows = found
        .iter()
        .map(|row| Ok(UnitRow { shipment: row.id("unit")?, key: key(row)?, n: row.int("n")? }))
        .collect::<Result<Vec<_>>>()?;
    let mut next = None;
    if rows.len() > PAGE_ROWS as usize {
        // a unit has few rows in one figure: the last one goes to the next page whole
        let of = |row: &UnitRow| (row.key.bucket.day, row.shipment);
        let last = rows.last().map(of);
        let whole = rows.iter().position(|row| Some(of(row)) == last).unwrap_or(rows.len());
        rows.truncate(whole.max(1));
        next = rows.last().map(|row| format!("{}/{}", row.key.bucket.day, row.shipment.0));
    }
    Ok(Page { rows, next })
}

pub(super) async fn count(db: &mut dyn Db, scope: Scope, wanted: &UnitQuery) -> Result<i64> {
    let text = behind(wanted, "CAST(coalesce(sum(c.n), 0) AS BIGINT) AS n", "");
    ask(scope, wanted, (&wanted.from.to_string(), Uuid::nil()), text).one(db).await?.int("n")
}
