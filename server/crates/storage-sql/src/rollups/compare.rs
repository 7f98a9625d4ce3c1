//! Comparing roll-ups with the rows behind them.

use super::{
    add::add_up,
    row::{day, kpi},
};
use crate::{Db, query};
use jiff::{Timestamp, civil::Date};
use kpi::definition::Kpi;
use storage::{
    Result, Scope,
    rollups::{Grain, RollupDifference},
};

/// Changes that are added up at once before.
const CHANGES_AT_ONCE: u32 = 2_000;

/// Finds the days on which they differ, and makes those anew.
pub(super) async fn compare(
    db: &mut dyn Db,
    scope: Scope,
    (from, until): (Date, Date),
    at: Timestamp,
) -> Result<Vec<RollupDifference>> {
    while add_up(db, scope, CHANGES_AT_ONCE).await? > 0 {}
    let listed: Vec<String> =
        Kpi::ALL.iter().filter(|kpi| kpi.definition().is_listed()).map(|kpi| kpi.id().to_owned()).collect();
    let rows = query(
        "SELECT kpi, version, day, CAST(sum(rolled_up) AS BIGINT) AS rolled_up, CAST(sum(contributed) AS BIGINT) AS contributed FROM (
             SELECT kpi, version, day, part, sum(n) AS rolled_up, 0 AS contributed FROM rollup
             WHERE company_id = ?1 AND grain = ?2 AND kpi {in texts ?3} AND day >= ?4 AND day < ?5 GROUP BY kpi, version, day, part
             UNION ALL
             SELECT kpi, version, day, part, 0 AS rolled_up, sum(n) AS contributed FROM contribution
             WHERE company_id = ?1 AND kpi {in texts ?3} AND day >= ?4 AND day < ?5 GROUP BY kpi, version, day, part) sides
         GROUP BY kpi, version, day HAVING sum(rolled_up) <> sum(contributed) ORDER BY day, kpi, version",
    )
    .bind(scope.company.0)
    .bind(Grain::DayDims.code())
    .bind(listed)
    .bind(from.to_string())
    .bind(until.to_string())
    .all(db)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let different = RollupDifference {
            found_at: at,
            kpi: (kpi(row)?, row.count("version")?),
            day: day(row)?,
            rolled_up: row.int("rolled_up")?,
            contributed: row.int("contributed")?,
        };
        make_anew(db, scope, different.kpi, different.day).await?;
        query(
            "INSERT INTO rollup_difference (company_id, found_at, kpi, version, day, rolled_up, contributed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(scope.company.0)
        .bind(at)
        .bind(different.kpi.0.id())
        .bind(i64::from(different.kpi.1))
        .bind(different.day.to_string())
        .bind(different.rolled_up)
        .bind(different.contributed)
        .execute(db)
        .await?;
        found.push(different);
    }
    Ok(found)
}

/// Makes the roll-ups of a day from the rows behind them.
async fn make_anew(db: &mut dyn Db, scope: Scope, (kpi, version): (Kpi, u16), day: Date) -> Result<()> {
    let of_day = |text: &'static str| {
        query(text).bind(scope.company.0).bind(kpi.id()).bind(i64::from(version)).bind(day.to_string())
    };
    of_day("DELETE FROM rollup WHERE company_id = ?1 AND kpi = ?2 AND version = ?3 AND day = ?4").execute(db).await?;
    for (grain, hour, dims) in [
        (Grain::Day, "-1", "0"),
        (Grain::Hour, "c.hour", "0"),
        (Grain::DayCarrier, "-1", "d.by_carrier"),
        (Grain::DayDims, "-1", "c.dims"),
    ] {
        let text = format!(
            "INSERT INTO rollup (company_id, grain, kpi, version, day, part, hour, bin, dims, n)
             SELECT c.company_id, {}, c.kpi, c.version, c.day, c.part, {hour}, c.bin, {dims}, sum(c.n)
             FROM contribution c JOIN rollup_dims d ON d.company_id = c.company_id AND d.id = c.dims
             WHERE c.company_id = ?1 AND c.kpi = ?2 AND c.version = ?3 AND c.day = ?4
             GROUP BY c.company_id, c.kpi, c.version, c.day, c.part, {}c.bin{}",
            grain.code(),
            if grain == Grain::Hour { "c.hour, " } else { "" },
            match grain {
                Grain::DayCarrier => ", d.by_carrier",
                Grain::DayDims => ", c.dims",
                _ => "",
            },
        );
        query(text)
            .bind(scope.company.0)
            .bind(kpi.id())
            .bind(i64::from(version))
            .bind(day.to_string())
            .execute(db)
            .await?;
    }
    Ok(())
}
