//! Comparing roll-ups with the rows behind them. Both are written together, so that changes which wait make no difference.

use super::row::day;
use crate::{Db, query};
use jiff::{Timestamp, ToSpan, civil::Date};
use kpi::definition::Kpi;
use storage::{
    Result, Scope,
    rollups::{Grain, RollupDifference},
};

/// A roll-up of days, as it is made from the rows behind it.
struct Made {
    grain: Grain,
    hour: &'static str,
    dims: &'static str,
    /// By what, beside day, part and bin.
    by: &'static str,
}

const MADE: [Made; 4] = [
    Made { grain: Grain::Day, hour: "-1", dims: "0", by: "" },
    Made { grain: Grain::Hour, hour: "c.hour", dims: "0", by: ", c.hour" },
    Made { grain: Grain::DayCarrier, hour: "-1", dims: "d.by_carrier", by: ", d.by_carrier" },
    Made { grain: Grain::DayDims, hour: "-1", dims: "c.dims", by: ", c.dims" },
];

impl Made {
    /// The rows of days of a figure, from those behind it: day, part, hour, bin, dims, n.
    fn rows(&self) -> String {
        let Self { hour, dims, by, .. } = self;
        format!(
            "SELECT c.day, c.part, {hour} AS hour, c.bin, {dims} AS dims, CAST(sum(c.n) AS BIGINT) AS n
             FROM contribution c JOIN rollup_dims d ON d.company_id = c.company_id AND d.id = c.dims
             WHERE c.company_id = ?1 AND c.kpi = ?2 AND c.version = ?3 AND c.day >= ?4 AND c.day < ?5
             GROUP BY c.day, c.part, c.bin{by}"
        )
    }
}

/// The days of a figure on which they differ, in any of its rows.
pub(super) async fn differing(
    db: &mut dyn Db,
    scope: Scope,
    (kpi, version): (Kpi, u16),
    (from, until): (Date, Date),
    at: Timestamp,
) -> Result<Vec<RollupDifference>> {
    let mut found: Vec<RollupDifference> = Vec::new();
    for made in &MADE {
        let rows = query(format!(
            "SELECT day, CAST(sum(r) AS BIGINT) AS rolled_up, CAST(sum(c) AS BIGINT) AS contributed FROM (
                 SELECT day, sum(r) AS r, sum(c) AS c FROM (
                     SELECT day, part, hour, bin, dims, n AS r, 0 AS c FROM rollup
                     WHERE company_id = ?1 AND grain = ?6 AND kpi = ?2 AND version = ?3 AND day >= ?4 AND day < ?5
                     UNION ALL
                     SELECT day, part, hour, bin, dims, 0 AS r, n AS c FROM ({}) made) sides
                 GROUP BY day, part, hour, bin, dims HAVING sum(r) <> sum(c)) other
             GROUP BY day ORDER BY day",
            made.rows()
        ))
        .bind(scope.company.0)
        .bind(kpi.id())
        .bind(i64::from(version))
        .bind(from.to_string())
        .bind(until.to_string())
        .bind(made.grain.code())
        .all(db)
        .await?;
        for row in &rows {
            let day = day(row)?;
            if found.iter().all(|one| one.day != day) {
                let (rolled_up, contributed) = (row.int("rolled_up")?, row.int("contributed")?);
                found.push(RollupDifference { found_at: at, kpi: (kpi, version), day, rolled_up, contributed });
            }
        }
    }
    found.sort_by_key(|one| one.day);
    Ok(found)
}

/// Makes the roll-ups of a day from the rows behind them, and keeps the difference; none where there is none any more.
pub(super) async fn mend(
    db: &mut dyn Db,
    scope: Scope,
    kpi: (Kpi, u16),
    day: Date,
    at: Timestamp,
) -> Result<Option<RollupDifference>> {
    let Some(different) = differing(db, scope, kpi, (day, day.saturating_add(1.day())), at).await?.pop() else {
        return Ok(None);
    };
    make_anew(db, scope, kpi, day).await?;
    query(
        "INSERT INTO rollup_difference (company_id, found_at, kpi, version, day, rolled_up, contributed) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(scope.company.0)
    .bind(at)
    .bind(kpi.0.id())
    .bind(i64::from(kpi.1))
    .bind(day.to_string())
    .bind(different.rolled_up)
    .bind(different.contributed)
    .execute(db)
    .await?;
    Ok(Some(different))
}

async fn make_anew(db: &mut dyn Db, scope: Scope, (kpi, version): (Kpi, u16), day: Date) -> Result<()> {
    for made in &MADE {
        let code = made.grain.code();
        query("DELETE FROM rollup WHERE company_id = ?1 AND grain = ?2 AND kpi = ?3 AND version = ?4 AND day = ?5")
            .bind(scope.company.0)
            .bind(code)
            .bind(kpi.id())
            .bind(i64::from(version))
            .bind(day.to_string())
            .execute(db)
            .await?;
        query(format!(
            "INSERT INTO rollup (company_id, grain, kpi, version, day, part, hour, bin, dims, n)
             SELECT ?1, {code}, ?2, ?3, day, part, hour, bin, dims, n FROM ({}) made",
            made.rows()
        ))
        .bind(scope.company.0)
        .bind(kpi.id())
        .bind(i64::from(version))
        .bind(day.to_string())
        .bind(day.saturating_add(1.day()).to_string())
        .execute(db)
        .await?;
    }
    Ok(())
}
