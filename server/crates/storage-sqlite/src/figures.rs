//! The figures of the overview: each counts the rows of the list that `storage::counted` names for it. They are read from the
//! counters, and where they depend on the time of the question along an index of what is open.

use crate::{
    codec::{Done, from_word, micros},
    counter::{self, QUARTER_US},
    sql::query,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::Connection;
use std::collections::HashMap;
use storage::{
    Scope,
    figures::{AGES, AgeFigures, CarrierFigures, Figures, LONG_RETRYING, Span, WEEK, current_since, days},
};

/// What the queue shows while nothing else is asked for: open, and not snoozed beyond a time that follows.
const OPEN_QUEUE: &str = " AND closed_at IS NULL AND (snoozed_until IS NULL OR snoozed_until <= ";

pub(crate) fn figures(conn: &Connection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Figures> {
    let mut figures = Figures::default();
    shipments(conn, scope, now, &mut figures)?;
    exceptions(conn, scope, now, &mut figures)?;
    jobs(conn, scope, now, &mut figures)?;
    cases(conn, scope, now, &mut figures)?;
    figures.carriers = carriers(conn, scope, now)?;
    figures.days = delivered(conn, scope, now, zone)?;
    Ok(figures)
}

/// The bucket that begins then: windows begin on a full quarter of an hour.
fn bucket(at: Timestamp) -> i64 {
    micros(at).div_euclid(QUARTER_US)
}

fn shipments(conn: &Connection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let since = bucket(current_since(now));
    let open = counter::read(conn, scope, "tab")?.into_iter().find(|(key, _)| key == "open");
    figures.open = open.map_or(0, |(_, number)| number);
    figures.current = counter::total_since(conn, scope, "event_quarter", since)?;
    figures.received = counter::total_since(conn, scope, "heard_quarter", since)?;
    let states = counter::read(conn, scope, "state")?;
    figures.by_state =
        states.into_iter().map(|(code, number)| Ok((from_word(&code)?, number))).collect::<Done<Vec<_>>>()?;
    figures.by_state.sort_unstable();
    Ok(())
}

fn exceptions(conn: &Connection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    for hours in AGES {
        let span = Span::age(*hours, now);
        let mut sql = query("SELECT count(*) AS number, coalesce(sum(due_at < ");
        sql.push_bind(micros(now)).push("), 0) AS over FROM exception INDEXED BY exception_age WHERE company_id = ");
        sql.push_bind(scope.company.0).push(" AND opened_at >= ").push_bind(micros(span.from));
        sql.push(" AND opened_at < ").push_bind(micros(span.until)).push(OPEN_QUEUE).push_bind(micros(now)).push(")");
        let row = sql.fetch_one(conn)?;
        let (number, over): (u64, u64) = (row.count("number")?, row.count("over")?);
        figures.ageing.push(AgeFigures { within: number - over, over });
    }
    figures.overdue = figures.ageing.iter().map(|age| age.over).sum();
    figures.exceptions = figures.overdue + figures.ageing.iter().map(|age| age.within).sum::<u64>();
    let row = query("SELECT count(*) AS snoozed FROM exception WHERE company_id = ? AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > ?")
        .bind(scope.company.0)
        .bind(micros(now))
        .fetch_one(conn)?;
    figures.snoozed = row.count("snoozed")?;
    figures.exceptions_7d = counter::total_since(conn, scope, "exception_quarter", bucket(Span::last(WEEK, now).from))?;
    Ok(())
}

fn jobs(conn: &Connection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let row = query(
        "SELECT (SELECT count(*) FROM job WHERE company_id = ?1 AND status = 'dead') AS dead,
                (SELECT count(*) FROM job WHERE company_id = ?1 AND status IN ('ready', 'retrying') AND status = 'retrying' AND created_at <= ?2) AS retrying",
    )
    .bind(scope.company.0)
    .bind(micros(now.checked_sub(LONG_RETRYING).unwrap_or(now)))
    .fetch_one(conn)?;
    (figures.dead_jobs, figures.long_retrying) = (row.count("dead")?, row.count("retrying")?);
    Ok(())
}

fn cases(conn: &Connection, scope: Scope, now: Timestamp, figures: &mut Figures) -> Done<()> {
    let since = Span::last(WEEK, now).from;
    let row = query(
        "SELECT count(*) AS healed FROM desk_case c JOIN exception x ON x.id = c.exception_id
         WHERE c.company_id = ? AND c.status = 'resolved' AND c.ended IS NULL AND NOT c.by_agent AND c.opened_at >= ? AND x.closed_at IS NOT NULL AND x.resolution <> 'person'",
    )
    .bind(scope.company.0)
    .bind(micros(since))
    .fetch_one(conn)?;
    figures.cases_self_healed_7d = row.count("healed")?;
    figures.cases_7d = counter::total_since(conn, scope, "case_quarter", bucket(since))?;
    Ok(())
}

fn carriers(conn: &Connection, scope: Scope, now: Timestamp) -> Done<Vec<CarrierFigures>> {
    let of = |measure| -> Done<HashMap<String, u64>> { Ok(counter::read(conn, scope, measure)?.into_iter().collect()) };
    let (open, delivered, exceptions) = (of("carrier_open")?, of("carrier_delivered")?, of("carrier_exceptions")?);
    let current = counter::since(conn, scope, "carrier_event_quarter", bucket(current_since(now)))?;
    let current: HashMap<String, u64> = current.into_iter().collect();
    let number = |counts: &HashMap<String, u64>, carrier: &str| counts.get(carrier).copied().unwrap_or(0);
    let mut carriers: Vec<CarrierFigures> = counter::read(conn, scope, "carrier")?
        .into_iter()
        .map(|(carrier, shipments)| CarrierFigures {
            shipments,
            open: number(&open, &carrier),
            current: number(&current, &carrier),
            exceptions: number(&exceptions, &carrier),
            delivered: number(&delivered, &carrier),
            carrier,
        })
        .collect();
    carriers.sort_by(|a, b| b.shipments.cmp(&a.shipments).then_with(|| a.carrier.cmp(&b.carrier)));
    Ok(carriers)
}

fn delivered(conn: &Connection, scope: Scope, now: Timestamp, zone: &TimeZone) -> Done<Vec<(Date, u64)>> {
    let mut days: Vec<_> = days(now, zone).into_iter().map(|day| (day, 0)).collect();
    let spans: Vec<Span> = days.iter().map(|(day, _)| Span::day(*day, zone)).collect();
    let Some(first) = spans.first() else { return Ok(days) };
    for (quarter, number) in counter::buckets(conn, scope, "delivered_quarter", bucket(first.from))? {
        let day = spans.iter().position(|span| (bucket(span.from)..bucket(span.until)).contains(&quarter));
        if let Some(day) = day {
            days[day].1 += number;
        }
    }
    Ok(days)
}
