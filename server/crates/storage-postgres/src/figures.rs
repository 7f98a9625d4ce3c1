//! The figures of the overview: each counts the rows of the list that `storage::figures` names for it.

use crate::{
    codec::{Columns, Done, micros},
    work::OPEN_QUEUE,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use storage::{
    Scope,
    figures::{AGES, AgeFigures, CarrierFigures, Figures, LONG_RETRYING, Span, WEEK, current_since, days},
};

/// Linked to an order, and not ended.
macro_rules! open {
    () => {
        "origin IS NOT NULL AND NOT terminal AND standing <> 'cancelled'"
    };
}

pub(crate) async fn figures(conn: &mut PgConnection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Figures> {
    let mut figures = Figures::default();
    shipments(conn, scope, now, &mut figures).await?;
    exceptions(conn, scope, now, &mut figures).await?;
    jobs(conn, scope, now, &mut figures).await?;
    cases(conn, scope, now, &mut figures).await?;
    figures.carriers = carriers(conn, scope, now).await?;
    figures.days = delivered(conn, scope, now, zone).await?;
    Ok(figures)
}

async fn shipments(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let row = sqlx::query(concat!(
        "SELECT count(*) AS open, count(*) FILTER (WHERE last_event_at >= $2) AS current, count(*) FILTER (WHERE heard_at >= $2) AS received
         FROM shipment WHERE company_id = $1 AND merged_into IS NULL AND ",
        open!()
    ))
    .bind(scope.company.0)
    .bind(micros(current_since(now)))
    .fetch_one(&mut *conn)
    .await?;
    (figures.open, figures.current, figures.received) =
        (row.count("open")?, row.count("current")?, row.count("received")?);
    let rows = sqlx::query("SELECT state, count(*) AS number FROM shipment WHERE company_id = $1 AND merged_into IS NULL AND origin IS NOT NULL GROUP BY state")
        .bind(scope.company.0)
        .fetch_all(conn)
        .await?;
    figures.by_state = rows.iter().map(|row| Ok((row.word("state")?, row.count("number")?))).collect::<Done<_>>()?;
    figures.by_state.sort_unstable();
    Ok(())
}

/// The place of a time among steps that ascend: how many of them it has reached.
fn reached(sql: &mut QueryBuilder<Postgres>, column: &str, steps: impl Iterator<Item = Timestamp>) {
    sql.push("(0");
    for step in steps {
        sql.push(" + (").push(column).push(" >= ").push_bind(micros(step)).push(")::int");
    }
    sql.push(")::bigint");
}

async fn exceptions(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    // the youngest have reached every step
    reached(&mut sql, "opened_at", AGES.iter().skip(1).rev().map(|age| Span::age(*age, now).until));
    sql.push(" AS steps, due_at < ").push_bind(micros(now));
    sql.push(" AS over, count(*) AS number FROM exception WHERE company_id = ").push_bind(scope.company.0);
    sql.push(OPEN_QUEUE).push_bind(micros(now)).push(") GROUP BY 1, 2");
    figures.ageing = vec![AgeFigures::default(); AGES.len()];
    for row in &sql.build().fetch_all(&mut *conn).await? {
        let (steps, number): (usize, u64) = (row.count("steps")?, row.count("number")?);
        let age = &mut figures.ageing[AGES.len() - 1 - steps];
        if row.flag("over")? { age.over += number } else { age.within += number }
    }
    figures.overdue = figures.ageing.iter().map(|age| age.over).sum();
    figures.exceptions = figures.overdue + figures.ageing.iter().map(|age| age.within).sum::<u64>();
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM exception WHERE company_id = $1 AND closed_at IS NULL AND snoozed_until > $2) AS snoozed,
                (SELECT count(*) FROM exception WHERE company_id = $1 AND recorded_at >= $3) AS recorded",
    )
    .bind(scope.company.0)
    .bind(micros(now))
    .bind(micros(Span::last(WEEK, now).from))
    .fetch_one(conn)
    .await?;
    (figures.snoozed, figures.exceptions_7d) = (row.count("snoozed")?, row.count("recorded")?);
    Ok(())
}

async fn jobs(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM job WHERE company_id = $1 AND status = 'dead') AS dead,
                (SELECT count(*) FROM job WHERE company_id = $1 AND status IN ('ready', 'retrying') AND status = 'retrying' AND created_at <= $2) AS retrying",
    )
    .bind(scope.company.0)
    .bind(micros(now.checked_sub(LONG_RETRYING).unwrap_or(now)))
    .fetch_one(conn)
    .await?;
    (figures.dead_jobs, figures.long_retrying) = (row.count("dead")?, row.count("retrying")?);
    Ok(())
}

async fn cases(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let row = sqlx::query(
        "SELECT count(*) AS cases, count(*) FILTER (WHERE c.status = 'resolved' AND x.closed_at IS NOT NULL AND x.resolution <> 'person') AS healed
         FROM desk_case c JOIN exception x ON x.id = c.exception_id WHERE c.company_id = $1 AND c.opened_at >= $2",
    )
    .bind(scope.company.0)
    .bind(micros(Span::last(WEEK, now).from))
    .fetch_one(conn)
    .await?;
    (figures.cases_7d, figures.cases_self_healed_7d) = (row.count("cases")?, row.count("healed")?);
    Ok(())
}

async fn carriers(conn: &mut PgConnection, scope: Scope, now: Timestamp) -> Done<Vec<CarrierFigures>> {
    // a shipment with several numbers of one carrier is one
    let rows = sqlx::query(concat!(
        "SELECT carrier, count(*) AS shipments, count(*) FILTER (WHERE going) AS open, count(*) FILTER (WHERE going AND last_event_at >= $2) AS current,
                count(*) FILTER (WHERE open_exceptions > 0) AS exceptions, count(*) FILTER (WHERE state = 'DELIVERED') AS delivered
         FROM (SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier, s.id, s.last_event_at, s.state, s.open_exceptions, ",
        open!(),
        " AS going
               FROM shipment s JOIN binding b ON b.shipment_id = s.id JOIN tracker t ON t.id = b.tracker_id
               WHERE s.company_id = $1 AND s.merged_into IS NULL AND s.origin IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)) c
         WHERE carrier IS NOT NULL GROUP BY carrier ORDER BY shipments DESC, carrier"
    ))
    .bind(scope.company.0)
    .bind(micros(current_since(now)))
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(CarrierFigures {
                carrier: row.text("carrier")?,
                shipments: row.count("shipments")?,
                open: row.count("open")?,
                current: row.count("current")?,
                exceptions: row.count("exceptions")?,
                delivered: row.count("delivered")?,
            })
        })
        .collect()
}

async fn delivered(conn: &mut PgConnection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Vec<(Date, u64)>> {
    let mut days: Vec<_> = days(now, zone).into_iter().map(|day| (day, 0)).collect();
    let spans: Vec<Span> = days.iter().map(|(day, _)| Span::day(*day, zone)).collect();
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(days) };
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    reached(&mut sql, "delivered_at", spans.iter().skip(1).map(|span| span.from));
    sql.push(" AS day, count(*) AS number FROM shipment WHERE company_id = ").push_bind(scope.company.0);
    sql.push(" AND merged_into IS NULL AND origin IS NOT NULL AND state = 'DELIVERED' AND delivered_at >= ");
    sql.push_bind(micros(first.from)).push(" AND delivered_at < ").push_bind(micros(last.until)).push(" GROUP BY 1");
    for row in &sql.build().fetch_all(conn).await? {
        let day: usize = row.count("day")?;
        days[day].1 = row.count("number")?;
    }
    Ok(days)
}
