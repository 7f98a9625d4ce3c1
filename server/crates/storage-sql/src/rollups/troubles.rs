//! The exceptions behind the rate of exceptions, one by one.

use super::{
    read::{ask, behind},
    row::dims_of,
};
use crate::{
    Db, Row,
    exceptions::{exception_record, rank},
};
use domain::{Severity, fold::Resolution};
use kpi::{contribution::row::Part, definition::Kpi};
use std::collections::HashSet;
use storage::{
    Result, Scope,
    orders::Origin,
    reports::{TroubleQuery, TroubleRow, Troubles},
    rollups::UnitQuery,
};
use uuid::Uuid;

/// Shipments first: those that have a row of the figure in the period, so that nothing else is read.
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
    let shipments = behind(&units, "DISTINCT c.unit, c.dims", "");
    let text = format!(
        "SELECT x.*, d.company, d.warehouse, d.carrier, d.country, d.segments, s.origin, k.id AS ticket
         FROM ({shipments} LIMIT ?14) u JOIN exception x ON x.shipment_id = u.unit
         JOIN rollup_dims d ON d.company_id = ?1 AND d.id = u.dims JOIN shipment s ON s.id = x.shipment_id
         LEFT JOIN desk_case k ON k.exception_id = x.id
         WHERE x.opened_at >= ?15 AND x.opened_at < ?16 AND x.severity_rank >= ?17
         ORDER BY x.opened_at DESC, x.id"
    );
    let found = ask(scope, &units, (&wanted.from.to_string(), Uuid::nil()), text)
        .bind(i64::from(wanted.shipments))
        .bind(wanted.begin)
        .bind(wanted.end)
        .bind(rank(Severity::Minor))
        .all(db)
        .await?;
    let (mut rows, mut shipments, mut seen) = (Vec::with_capacity(found.len()), HashSet::new(), HashSet::new());
    for row in &found {
        let row = trouble(row)?;
        shipments.insert(row.exception.shipment);
        // a shipment whose carrier changed within the period is there under both
        if !is_taken_back(&row) && seen.insert(row.exception.id) {
            rows.push(row);
        }
    }
    Ok(Troubles { cut: shipments.len() >= wanted.shipments as usize, rows })
}

/// What the carrier took back is none; what the clock alone opened stays one when its condition is over.
fn is_taken_back(row: &TroubleRow) -> bool {
    let exception = &row.exception;
    exception.closed.is_some_and(|(_, how)| how == Resolution::Cleared) && !exception.evidence.is_empty()
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
