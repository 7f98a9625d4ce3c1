//! Figures, for the pages.

use super::{Asker, refused, times};
use app::contract::{
    Answer, When,
    overview::{Bucket, CarrierRow, Day, OverviewView},
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use storage::work::{Due, Figures};

/// Heard from within this time is current.
const CURRENT: SignedDuration = SignedDuration::from_hours(48);
/// The ages of the chart: label, up to so many hours.
const AGES: &[(&str, i64)] =
    &[("< 4 h", 4), ("4–8 h", 8), ("8–24 h", 24), ("1–2 d", 48), ("2–4 d", 96), ("> 4 d", i64::MAX)];

/// Figures.
pub struct OverviewPort(pub Asker);

#[async_trait]
impl app::contract::overview::OverviewPort for OverviewPort {
    async fn overview(&self) -> Answer<OverviewView> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        let now = tower.now();
        let since = now.checked_sub(CURRENT).unwrap_or(now);
        let figures = tower.store.work.figures(scope, now, since).await.map_err(|e| refused(tower, e))?;
        Ok(OverviewView { unmapped: super::unmapped(&self.0).await?, ..view(figures, now) })
    }
}

fn view(figures: Figures, now: Timestamp) -> OverviewView {
    OverviewView {
        as_of: clock(now),
        non_terminal: figures.non_terminal,
        current: figures.current,
        open: figures.open_exceptions.len() as u64,
        over: figures.open_exceptions.iter().filter(|(.., due)| *due == Due::Over).count() as u64,
        ageing: ageing(&figures, now),
        failed: figures.dead_jobs + figures.long_retrying,
        jobs: figures.jobs_7d,
        cases: figures.cases_7d,
        self_healed: figures.cases_self_healed_7d,
        exceptions_7d: figures.exceptions_7d,
        days: figures
            .days
            .iter()
            .map(|d| Day {
                label: d.day.strftime("%-d %b").to_string(),
                exceptions: d.exceptions,
                delivered: d.delivered,
                cases: d.cases,
            })
            .collect(),
        states: figures.by_state,
        carriers: figures
            .carriers
            .into_iter()
            .map(|c| CarrierRow {
                carrier: c.carrier,
                shipments: c.shipments,
                non_terminal: c.non_terminal,
                current: c.current,
                exceptions: c.open_exceptions,
                delivered: c.delivered,
            })
            .collect(),
        unmapped: 0,
    }
}

/// The time of day, for "as of".
fn clock(now: Timestamp) -> When {
    When { shown: now.strftime("%H:%M UTC").to_string(), ..times::ago(now, now) }
}

fn ageing(figures: &Figures, now: Timestamp) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> =
        AGES.iter().map(|(label, _)| Bucket { label: (*label).into(), within: 0, over: 0 }).collect();
    for (_, opened, due) in &figures.open_exceptions {
        let hours = now.duration_since(*opened).as_hours();
        let at = AGES.iter().position(|(_, up_to)| hours < *up_to).unwrap_or(AGES.len() - 1);
        match due {
            Due::Within => buckets[at].within += 1,
            Due::Over => buckets[at].over += 1,
        }
    }
    buckets
}
