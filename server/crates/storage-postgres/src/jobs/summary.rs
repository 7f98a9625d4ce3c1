//! How each destination stands: what waits, what failed, what was done.

use crate::codec::{Columns, SqlError, micros};
use domain::ids::CompanyId;
use jiff::Timestamp;
use sqlx::PgConnection;
use storage::{
    Result, Scope, figures,
    jobs::{Counted, DestinationSummary},
    limits::DONE_COUNTED,
};

/// The destinations that have finished jobs, each found by one step along their index.
pub(crate) async fn done_destinations(conn: &mut PgConnection, company: CompanyId) -> Result<Vec<String>, SqlError> {
    let names = sqlx::query_scalar(
        "WITH RECURSIVE names (name) AS (
             SELECT * FROM (SELECT coalesce(destination, 'inside') FROM job WHERE company_id = $1 AND status = 'done'
                            ORDER BY coalesce(destination, 'inside') LIMIT 1) first
             UNION ALL
             SELECT (SELECT coalesce(destination, 'inside') FROM job
                     WHERE company_id = $1 AND status = 'done' AND coalesce(destination, 'inside') > names.name
                     ORDER BY coalesce(destination, 'inside') LIMIT 1) FROM names WHERE names.name IS NOT NULL)
         SELECT name FROM names WHERE name IS NOT NULL",
    );
    Ok(names.bind(company.0).fetch_all(conn).await?)
}

/// What is not over is counted along the indexes of what is not over; of what is done, so much as is worth counting.
pub(super) async fn summary(
    conn: &mut PgConnection,
    scope: Scope,
    now: Timestamp,
) -> Result<Vec<DestinationSummary>, SqlError> {
    macro_rules! counted {
        ($status:literal) => {
            concat!(
                "SELECT coalesce(destination, 'inside') AS destination, status, class, count(*) AS number
                 FROM job WHERE company_id = $1 AND ",
                $status,
                " GROUP BY 1, 2, 3"
            )
        };
    }
    let rows = sqlx::query(concat!(
        counted!("status IN ('ready', 'retrying')"),
        " UNION ALL ",
        counted!("status = 'leased'"),
        " UNION ALL ",
        counted!("status = 'dead'")
    ))
    .bind(scope.company.0)
    .fetch_all(&mut *conn)
    .await?;
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        counts.push(Counted {
            destination: row.text("destination")?,
            status: row.word("status")?,
            class: row.opt_text("class")?,
            number: row.count("number")?,
        });
    }
    let names = done_destinations(&mut *conn, scope.company).await?;
    let rows = sqlx::query(
        "SELECT d.name,
                (SELECT count(*) FROM (SELECT 1 FROM job WHERE company_id = $1 AND coalesce(destination, 'inside') = d.name
                                       AND status = 'done' AND updated_at >= $3 LIMIT $4) n) AS done,
                (SELECT max(updated_at) FROM job WHERE company_id = $1 AND coalesce(destination, 'inside') = d.name AND status = 'done') AS last_ok
         FROM unnest($2::text[]) d (name)",
    )
    .bind(scope.company.0)
    .bind(names)
    .bind(micros(now.checked_sub(figures::DONE).unwrap_or(now)))
    .bind(i64::from(DONE_COUNTED))
    .fetch_all(conn)
    .await?;
    let done = rows.iter().map(|row| Ok((row.text("name")?, row.count("done")?, row.opt_at("last_ok")?)));
    Ok(DestinationSummary::of(counts, done.collect::<Result<_, SqlError>>()?))
}
