//! The figures of the overview: each counts the rows of the list that `storage::counted` names for it. They are read from the
//! counters, and where they depend on the time of the question along an index of what is open.

use crate::{
    codec::{Columns, Done, from_word, micros},
    counter::{self, QUARTER_US},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::PgConnection;
use std::collections::HashMap;
use storage::{
    Scope,
    figures::{AGES, AgeFigures, CarrierFigures, Figures, LONG_RETRYING, Span, WEEK, current_since, days},
};

pub(crate) async fn figures(conn: &mut PgConnection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Figures> {
    let mut figures = Figures::default();
    shipments(&mut *conn, scope, now, &mut figures).await?;
    exceptions(&mut *conn, scope, now, &mut figures).await?;
    jobs(&mut *conn, scope, now, &mut figures).await?;
    cases(&mut *conn, scope, now, &mut figures).await?;
    figures.carriers = carriers(&mut *conn, scope, now).await?;
    figures.days = delivered(conn, scope, now, zone).await?;
    Ok(figures)
}

/// The bucket that begins then: windows begin on a full quarter of an hour.
fn bucket(at: Timestamp) -> i64 {
    micros(at).div_euclid(QUARTER_US)
}

async fn shipments(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let since = bucket(current_since(now));
    let open = counter::read(&mut *conn, scope, "tab").await?.into_iter().find(|(key, _)| key == "open");
    figures.open = open.map_or(0, |(_, number)| number);
    figures.current = counter::total_since(&mut *conn, scope, "event_quarter", since).await?;
    figures.received = counter::total_since(&mut *conn, scope, "heard_quarter", since).await?;
    let states = counter::read(conn, scope, "state").await?;
    figures.by_state =
        states.into_iter().map(|(code, number)| Ok((from_word(code)?, number))).collect::<Done<Vec<_>>>()?;
    figures.by_state.sort_unstable();
    Ok(())
}

async fn exceptions(conn: &mut PgConnection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let spans: Vec<Span> = AGES.iter().map(|hours| Span::age(*hours, now)).collect();
    let rows = sqlx::query(
        "SELECT o.number, o.over FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY a (since, until, place) CROSS JOIN LATERAL (
             SELECT count(*) AS number, count(*) FILTER (WHERE due_at < $4) AS over FROM exception
             WHERE company_id = $1 AND closed_at IS NULL AND opened_at >= a.since AND opened_at < a.until
               AND (snoozed_until IS NULL OR snoozed_until <= $4)) o
         ORDER BY a.place",
    )
    .bind(scope.company.0)
    .bind(spans.iter().map(|span| micros(span.from)).collect::<Vec<_>>())
    .bind(spans.iter().map(|span| micros(span.until)).collect::<Vec<_>>())
    .bind(micros(now))
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let (number, over): (u64, u64) = (row.count("number")?, row.count("over")?);
        figures.ageing.push(AgeFigures { within: number - over, over });
    }
    figures.overdue = figures.ageing.iter().map(|age| age.over).sum();
    figures.exceptions = figures.overdue + figures.ageing.iter().map(|age| age.within).sum::<u64>();
    let row = sqlx::query("SELECT count(*) AS snoozed FROM exception WHERE company_id = $1 AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > $2")
        .bind(scope.company.0)
        .bind(micros(now))
        .fetch_one(&mut *conn)
        .await?;
    figures.snoozed = row.count("snoozed")?;
    figures.exceptions_7d =
        counter::total_since(conn, scope, "exception_quarter", bucket(Span::last(WEEK, now).from)).await?;
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
    let since = Span::last(WEEK, now).from;
    let row = sqlx::query(
        "SELECT count(*) AS healed FROM desk_case c JOIN exception x ON x.id = c.exception_id
         WHERE c.company_id = $1 AND c.status = 'resolved' AND c.ended IS NULL AND NOT c.by_agent AND c.opened_at >= $2 AND x.closed_at IS NOT NULL AND x.resolution <> 'person'",
    )
    .bind(scope.company.0)
    .bind(micros(since))
    .fetch_one(&mut *conn)
    .await?;
    figures.cases_self_healed_7d = row.count("healed")?;
    figures.cases_7d = counter::total_since(conn, scope, "case_quarter", bucket(since)).await?;
    Ok(())
}

async fn carriers(conn: &mut PgConnection, scope: Scope, now: Timestamp) -> Done<Vec<CarrierFigures>> {
    let mut counts = HashMap::new();
    for measure in ["carrier_open", "carrier_delivered", "carrier_exceptions"] {
        let of: HashMap<String, u64> = counter::read(&mut *conn, scope, measure).await?.into_iter().collect();
        counts.insert(measure, of);
    }
    let current = counter::since(&mut *conn, scope, "carrier_event_quarter", bucket(current_since(now))).await?;
    counts.insert("carrier_event_quarter", current.into_iter().collect());
    let number =
        |measure: &str, carrier: &str| counts.get(measure).and_then(|of| of.get(carrier)).copied().unwrap_or(0);
    let mut carriers: Vec<CarrierFigures> = counter::read(conn, scope, "carrier")
        .await?
        .into_iter()
        .map(|(carrier, shipments)| CarrierFigures {
            shipments,
            open: number("carrier_open", &carrier),
            current: number("carrier_event_quarter", &carrier),
            exceptions: number("carrier_exceptions", &carrier),
            delivered: number("carrier_delivered", &carrier),
            carrier,
        })
        .collect();
    carriers.sort_by(|a, b| b.shipments.cmp(&a.shipments).then_with(|| a.carrier.cmp(&b.carrier)));
    Ok(carriers)
}

async fn delivered(conn: &mut PgConnection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Vec<(Date, u64)>> {
    let mut days: Vec<_> = days(now, zone).into_iter().map(|day| (day, 0)).collect();
    let spans: Vec<Span> = days.iter().map(|(day, _)| Span::day(*day, zone)).collect();
    let Some(first) = spans.first() else { return Ok(days) };
    for (quarter, number) in counter::buckets(conn, scope, "delivered_quarter", bucket(first.from)).await? {
        let day = spans.iter().position(|span| (bucket(span.from)..bucket(span.until)).contains(&quarter));
        if let Some(day) = day {
            days[day].1 += number;
        }
    }
    Ok(days)
}
