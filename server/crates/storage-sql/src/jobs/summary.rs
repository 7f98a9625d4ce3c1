//! How each destination stands: what waits, what failed, what was done.

use crate::{Db, Row, codec::micros, query};
use domain::ids::CompanyId;
use jiff::Timestamp;
use storage::{
    Result, Scope, figures,
    jobs::{Counted, DestinationSummary},
    limits::DONE_COUNTED,
};

/// The destinations that have finished jobs, each found by one step along their index.
///
/// # Errors
/// When the engine fails.
pub async fn done_destinations(db: &mut dyn Db, company: CompanyId) -> Result<Vec<String>> {
    let rows = query(
        "WITH RECURSIVE names (name) AS (
             SELECT * FROM (SELECT coalesce(destination, 'inside') FROM job WHERE company_id = ?1 AND status = 'done'
                            ORDER BY coalesce(destination, 'inside') LIMIT 1) first
             UNION ALL
             SELECT (SELECT coalesce(destination, 'inside') FROM job
                     WHERE company_id = ?1 AND status = 'done' AND coalesce(destination, 'inside') > names.name
                     ORDER BY coalesce(destination, 'inside') LIMIT 1) FROM names WHERE names.name IS NOT NULL)
         SELECT name FROM names WHERE name IS NOT NULL",
    )
    .bind(company.0)
    .all(db)
    .await?;
    rows.iter().map(|row| row.text("name")).collect()
}

/// What is not over is counted along the indexes of what is not over; of what is done, so much as is worth counting.
pub(super) async fn summary(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>> {
    macro_rules! counted {
        ($status:literal) => {
            concat!(
                "SELECT coalesce(destination, 'inside') AS destination, status, class, count(*) AS number
                 FROM job WHERE company_id = ?1 AND ",
                $status,
                " GROUP BY 1, 2, 3"
            )
        };
    }
    let rows = query(concat!(
        counted!("status IN ('ready', 'retrying')"),
        " UNION ALL ",
        counted!("status = 'leased'"),
        " UNION ALL ",
        counted!("status = 'dead'")
    ))
    .bind(scope.company.0)
    .all(db)
    .await?;
    let counted = |row: &Row| {
        Ok(Counted {
            destination: row.text("destination")?,
            status: row.word("status")?,
            class: row.opt_text("class")?,
            number: row.count("number")?,
        })
    };
    let counts = rows.iter().map(counted).collect::<Result<_>>()?;
    let rows = query(
        "SELECT d.value AS name,
                (SELECT count(*) FROM (SELECT 1 FROM job WHERE company_id = ?1 AND coalesce(destination, 'inside') = d.value
                                       AND status = 'done' AND updated_at >= ?3 LIMIT ?4) n) AS done,
                (SELECT max(updated_at) FROM job WHERE company_id = ?1 AND coalesce(destination, 'inside') = d.value AND status = 'done') AS last_ok
         FROM {texts ?2 d}",
    )
    .bind(scope.company.0)
    .bind(done_destinations(db, scope.company).await?)
    .bind(micros(now.checked_sub(figures::DONE).unwrap_or(now)))
    .bind(DONE_COUNTED)
    .all(db)
    .await?;
    let done = rows.iter().map(|row| Ok((row.text("name")?, row.count("done")?, row.opt_at("last_ok")?)));
    Ok(DestinationSummary::of(counts, done.collect::<Result<_>>()?))
}
