//! The exceptions behind the rate of exceptions, one by one.

use super::{
    read::{ask, behind},
    row::dims_of,
};
use crate::{
    Db, Row,
    codec::id_list,
    exceptions::{exception_record, rank},
    query,
};
use domain::{Severity, fold::Resolution};
use kpi::{contribution::row::Part, definition::Kpi};
use std::collections::{BTreeSet, HashSet};
use storage::{
    Result, Scope,
    orders::Origin,
    reports::{TroubleQuery, TroubleRow, Troubles},
    rollups::UnitQuery,
};
use uuid::Uuid;

/// Shipments first, those with the newest day of the figure before others, so that what is left out is the oldest.
pub(crate) async fn troubles(db: &mut dyn Db, scope: Scope, wanted: TroubleQuery) -> Result<Troubles> {
    let units = UnitQuery {
        kpi: (Kpi::ExceptionRate, Kpi::ExceptionRate.version()),
        from: wanted.from,
        until: wanted.until,
        filter: wanted.filter,
        parts: vec![Part::Yes],
        open: None,
        cursor: None,
    };
    let first = wanted.from.to_string();
    let text = behind(&units, "c.unit, max(c.dims) AS dims, max(c.day) AS newest", "");
    let text = format!(
        "SELECT x.*, d.company, d.warehouse, d.carrier, d.country, d.segments, s.origin, k.id AS ticket
         FROM ({text} GROUP BY c.unit ORDER BY newest DESC, c.unit DESC LIMIT ?14) u
         JOIN exception x ON x.shipment_id = u.unit
         JOIN rollup_dims d ON d.company_id = ?1 AND d.id = u.dims JOIN shipment s ON s.id = x.shipment_id
         LEFT JOIN desk_case k ON k.exception_id = x.id
         WHERE x.opened_at >= ?15 AND x.opened_at < ?16 AND x.severity_rank >= ?17
         ORDER BY x.opened_at DESC, x.id"
    );
    let found = ask(scope, &units, (&first, Uuid::nil()), text)
        .bind(i64::from(wanted.shipments))
        .bind(wanted.begin)
        .bind(wanted.end)
        .bind(rank(Severity::Minor))
        .all(db)
        .await?;
    let text = format!("SELECT count(*) AS n FROM ({} LIMIT ?14) u", behind(&units, "DISTINCT c.unit", ""));
    let more = ask(scope, &units, (&first, Uuid::nil()), text).bind(i64::from(wanted.shipments) + 1).one(db).await?;
    let rows = found.iter().map(trouble).collect::<Result<Vec<_>>>()?;
    let rows = without_taken_back(db, scope, rows).await?;
    Ok(Troubles { cut: more.count::<u64>("n")? > u64::from(wanted.shipments), rows })
}

/// What the carrier took back is none. What the clock alone opened stays one when its condition is over: its evidence is nothing
/// that was reported.
async fn without_taken_back(db: &mut dyn Db, scope: Scope, rows: Vec<TroubleRow>) -> Result<Vec<TroubleRow>> {
    let is_cleared = |row: &TroubleRow| row.exception.closed.is_some_and(|(_, how)| how == Resolution::Cleared);
    let evidence: BTreeSet<Uuid> =
        rows.iter().filter(|row| is_cleared(row)).flat_map(|row| &row.exception.evidence).map(|id| id.0).collect();
    if evidence.is_empty() {
        return Ok(rows);
    }
    let found =
        query("SELECT o.id FROM {ids ?1 e} CROSS JOIN observation o WHERE o.company_id = ?2 AND o.id = e.value")
            .bind(id_list(evidence))
            .bind(scope.company.0)
            .all(db)
            .await?;
    let reported = found.iter().map(|row| row.id::<Uuid>("id")).collect::<Result<HashSet<_>>>()?;
    let is_taken_back =
        |row: &TroubleRow| is_cleared(row) && row.exception.evidence.iter().any(|id| reported.contains(&id.0));
    Ok(rows.into_iter().filter(|row| !is_taken_back(row)).collect())
}

fn trouble(row: &Row) -> Result<TroubleRow> {
    let origin: Option<Origin> = row.opt_json("origin")?;
    Ok(TroubleRow {
        exception: exception_record(row)?,
        dims: dims_of(row)?,
        customer: origin.and_then(|origin| Some((origin.system, origin.customer_record?))),
        ticket: row.opt_id::<Uuid>("ticket")?.is_some(),
    })
}
