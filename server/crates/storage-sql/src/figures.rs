//! The figures of the overview: each counts the rows of the list that `storage::counted` names for it. They are read from the
//! counters, and where they depend on the time of the question along an index of what is open.

use crate::{
    Db, Engine, Sql,
    codec::{from_word, micros},
    counter::{self, QUARTER_US},
    query, unknown,
};
use async_trait::async_trait;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::collections::HashMap;
use storage::{
    Result, Scope,
    figures::{AGES, AgeFigures, CarrierFigures, Figures, LONG_RETRYING, Overview, Span, WEEK, current_since, days},
};

#[async_trait]
impl<E: Engine> Overview for Sql<E> {
    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
        let zone = zone.clone();
        self.0.read(move |db| Box::pin(async move { figures(db, scope, now, &zone).await })).await
    }
}

async fn figures(db: &mut dyn Db, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
    let mut figures = Figures::default();
    shipments(db, scope, now, &mut figures).await?;
    exceptions(db, scope, now, &mut figures).await?;
    jobs(db, scope, now, &mut figures).await?;
    cases(db, scope, now, &mut figures).await?;
    figures.unknown = unknown::counts(db, scope).await?;
    figures.carriers = carriers(db, scope, now).await?;
    figures.days = delivered(db, scope, now, zone).await?;
    Ok(figures)
}

/// The bucket that begins then: windows begin on a full quarter of an hour.
fn bucket(at: Timestamp) -> i64 {
    micros(at).div_euclid(QUARTER_US)
}

async fn shipments(db: &mut dyn Db, scope: Scope, now: Timestamp, figures: &mut Figures) -> Result<()> {
    let since = bucket(current_since(now));
    let open = counter::read(db, scope, "tab").await?.into_iter().find(|(key, _)| key == "open");
    figures.open = open.map_or(0, |(_, number)| number);
    figures.current = counter::total_since(db, scope, "event_quarter", since).await?;
    figures.received = counter::total_since(db, scope, "heard_quarter", since).await?;
    let states = counter::read(db, scope, "state").await?;
    figures.by_state =
        states.into_iter().map(|(code, number)| Ok((from_word(&code)?, number))).collect::<Result<Vec<_>>>()?;
    figures.by_state.sort_unstable();
    Ok(())
}

async fn exceptions(db: &mut dyn Db, scope: Scope, now: Timestamp, figures: &mut Figures) -> Result<()> {
    for hours in AGES {
        let span = Span::age(*hours, now);
        let row = query(
            "SELECT count(*) AS number, count(*) FILTER (WHERE due_at < ?4) AS over FROM exception {indexed by exception_age}
             WHERE company_id = ?1 AND opened_at >= ?2 AND opened_at < ?3 AND closed_at IS NULL AND (snoozed_until IS NULL OR snoozed_until <= ?4)",
        )
        .bind(scope.company.0)
        .bind(micros(span.from))
        .bind(micros(span.until))
        .bind(micros(now))
        .one(db)
        .await?;
        let (number, over): (u64, u64) = (row.count("number")?, row.count("over")?);
        figures.ageing.push(AgeFigures { within: number - over, over });
    }
    figures.overdue = figures.ageing.iter().map(|age| age.over).sum();
    figures.exceptions = figures.overdue + figures.ageing.iter().map(|age| age.within).sum::<u64>();
    let row = query("SELECT count(*) AS snoozed FROM exception WHERE company_id = ?1 AND closed_at IS NULL AND snoozed_until IS NOT NULL AND snoozed_until > ?2")
        .bind(scope.company.0)
        .bind(micros(now))
        .one(db)
        .await?;
    figures.snoozed = row.count("snoozed")?;
    figures.exceptions_7d =
        counter::total_since(db, scope, "exception_quarter", bucket(Span::last(WEEK, now).from)).await?;
    Ok(())
}

async fn jobs(db: &mut dyn Db, scope: Scope, now: Timestamp, figures: &mut Figures) -> Result<()> {
    let row = query(
        "SELECT (SELECT count(*) FROM job WHERE company_id = ?1 AND status = 'dead') AS dead,
                (SELECT count(*) FROM job WHERE company_id = ?1 AND status IN ('ready', 'retrying') AND status = 'retrying' AND created_at <= ?2) AS retrying",
    )
    .bind(scope.company.0)
    .bind(micros(now.checked_sub(LONG_RETRYING).unwrap_or(now)))
    .one(db)
    .await?;
    (figures.dead_jobs, figures.long_retrying) = (row.count("dead")?, row.count("retrying")?);
    Ok(())
}

async fn cases(db: &mut dyn Db, scope: Scope, now: Timestamp, figures: &mut Figures) -> Result<()> {
    let since = Span::last(WEEK, now).from;
    let row = query(
        "SELECT count(*) AS healed FROM desk_case c JOIN exception x ON x.id = c.exception_id
         WHERE c.company_id = ?1 AND c.status = 'resolved' AND c.ended IS NULL AND NOT c.by_agent AND c.opened_at >= ?2 AND x.closed_at IS NOT NULL AND x.resolution <> 'person'",
    )
    .bind(scope.company.0)
    .bind(micros(since))
    .one(db)
    .await?;
    figures.cases_self_healed_7d = row.count("healed")?;
    figures.cases_7d = counter::total_since(db, scope, "case_quarter", bucket(since)).await?;
    Ok(())
}

async fn carriers(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<Vec<CarrierFigures>> {
    let mut counts = HashMap::new();
    for measure in ["carrier_open", "carrier_delivered", "carrier_exceptions"] {
        let of: HashMap<String, u64> = counter::read(db, scope, measure).await?.into_iter().collect();
        counts.insert(measure, of);
    }
    let current = counter::since(db, scope, "carrier_event_quarter", bucket(current_since(now))).await?;
    counts.insert("carrier_event_quarter", current.into_iter().collect());
    let number =
        |measure: &str, carrier: &str| counts.get(measure).and_then(|of| of.get(carrier)).copied().unwrap_or(0);
    let mut carriers: Vec<CarrierFigures> = counter::read(db, scope, "carrier")
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

async fn delivered(db: &mut dyn Db, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Vec<(Date, u64)>> {
    let mut days: Vec<_> = days(now, zone).into_iter().map(|day| (day, 0)).collect();
    let spans: Vec<Span> = days.iter().map(|(day, _)| Span::day(*day, zone)).collect();
    let Some(first) = spans.first() else { return Ok(days) };
    for (quarter, number) in counter::buckets(db, scope, "delivered_quarter", bucket(first.from)).await? {
        let day = spans.iter().position(|span| (bucket(span.from)..bucket(span.until)).contains(&quarter));
        if let Some(day) = day {
            days[day].1 += number;
        }
    }
    Ok(days)
}
