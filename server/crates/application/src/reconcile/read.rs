//! What pages and the command line show of reconciliation.

use super::{
    run::{Phase, Place, STEP_FIXES, WINDOW},
    target::target,
};
use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    jobs::schedules,
    people::{PeopleNames, Who},
};
use domain::{access::Permission, ids::ReconciliationId};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use outbound::template::Family;
use std::collections::BTreeMap;
use storage::{
    Page,
    jobs::JobKind,
    reconciliations::{Difference, DifferenceCounts, DifferenceQuery, Run, RunState, Share},
};

/// Days of the history.
const DAYS: i64 = 14;
/// Differences of an export.
const EXPORT_MAX: usize = 10_000;

/// A difference with the name of who looks after it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// It.
    pub difference: Difference,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The record in the order system, for people.
    pub url: Option<String>,
}

/// How a step of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Done.
    Done,
    /// At work.
    Now,
    /// Still to come.
    Waits,
}

/// How far a run that goes on has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The run.
    pub id: ReconciliationId,
    /// Since when.
    pub started_at: Timestamp,
    /// Who started it.
    pub by: Who,
    /// Whether it mends nothing.
    pub dry_run: bool,
    /// Compared so far.
    pub compared: u64,
    /// To be compared, as far as is known.
    pub total: u64,
    /// Differences opened so far.
    pub opened: u64,
    /// Fixes started so far.
    pub fixes: u64,
    /// Tickets compared so far.
    pub tickets: u64,
    /// Its steps, in words, with how each stands.
    pub steps: Vec<(&'static str, StepState)>,
    /// How long it still takes, as far as can be said.
    pub left: Option<SignedDuration>,
    /// The order system that it waits for.
    pub waits_for: Option<String>,
}

/// A run that ended, or goes on.
#[derive(Clone, Debug)]
pub struct RunView {
    /// It.
    pub run: Run,
    /// Who started it.
    pub by: Who,
}

/// The page.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The share of the last run that was done.
    pub last: Option<Share>,
    /// The last share of each day, oldest first.
    pub days: Vec<(Date, Share)>,
    /// What should agree, in hundredths of a percent.
    pub target: u64,
    /// The run that goes on.
    pub running: Option<Progress>,
    /// How many differences there are.
    pub counts: DifferenceCounts,
    /// Runs, newest first.
    pub runs: Vec<RunView>,
    /// When a run starts by itself, as the schedule says it; none where there is no order system.
    pub every: Option<String>,
    /// Whether an order system is connected.
    pub connected: bool,
    /// The systems that differences can be of: name and label.
    pub systems: Vec<(String, String)>,
    /// The carriers of open differences.
    pub carriers: Vec<String>,
    /// How far back a run looks where nothing else is asked for.
    pub window: SignedDuration,
    /// Fixes of a second at most.
    pub fixes_per_second: usize,
}

/// The page, with days as in this zone.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn overview(context: &Context, caller: &Caller, zone: &TimeZone) -> Result<Overview> {
    caller.require(Permission::Operate)?;
    let (store, scope, now) = (&context.store.reconciliations, caller.scope(), context.now());
    let names = PeopleNames::read(context, scope).await?;
    let runs = store.runs(scope).await?;
    let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(now);
    let history = store.history(scope, since).await?;
    let last = match history.last() {
        Some(last) => Some(*last),
        None => runs.iter().find(|run| run.state == RunState::Done).and_then(share),
    };
    let running = runs.iter().find(|run| run.state == RunState::Running);
    let running = running.map(|run| progress(context, run, names.who(run.by)));
    let connections = context.connections.now();
    let of = |family: Family| connections.in_use(family).map(|one| one.record.name.clone());
    let systems: Vec<_> = of(Family::Orders).chain(of(Family::Desk)).collect();
    let every = schedules(context, caller).await?.into_iter().find(|one| one.kind == JobKind::RECONCILE);
    Ok(Overview {
        last,
        days: by_day(&history, zone),
        target: target(context, scope).await?,
        running,
        counts: store.counts(scope, midnight(now, zone)).await?,
        runs: runs.into_iter().map(|run| RunView { by: names.who(run.by), run }).collect(),
        every: every.map(|schedule| schedule.expression),
        connected: of(Family::Orders).next().is_some(),
        systems: systems.iter().map(|name| (name.clone(), connections.label(name))).collect(),
        carriers: store.carriers(scope).await?,
        window: WINDOW,
        fixes_per_second: STEP_FIXES,
    })
}

/// When this day began.
fn midnight(now: Timestamp, zone: &TimeZone) -> Timestamp {
    now.to_zoned(zone.clone()).start_of_day().map_or(now, |start| start.timestamp())
}

fn share(run: &Run) -> Option<Share> {
    Some(Share { at: run.ended_at?, compared: run.counts.compared, differing: run.counts.differing })
}

/// The last share of each day.
fn by_day(history: &[Share], zone: &TimeZone) -> Vec<(Date, Share)> {
    let days: BTreeMap<Date, Share> =
        history.iter().map(|share| (share.at.to_zoned(zone.clone()).date(), *share)).collect();
    days.into_iter().collect()
}

fn progress(context: &Context, run: &Run, by: Who) -> Progress {
    let place = Place::read(&run.cursor);
    let phase = place.as_ref().map_or(Phase::Open, |place| place.phase);
    let at = match phase {
        Phase::Open | Phase::Ended | Phase::Left => 0,
        Phase::Missing => 1,
        Phase::Unlinked => 2,
        Phase::Fix => 3,
    };
    let mut steps = vec![
        "Compare shipments with Odoo and the desk",
        "Look for deliveries that Milepost does not have",
        "Look for numbers without an order",
    ];
    if !run.dry_run {
        steps.push("Fix what is safe");
    }
    let stands = |step: usize| match step.cmp(&at) {
        std::cmp::Ordering::Less => StepState::Done,
        std::cmp::Ordering::Equal => StepState::Now,
        std::cmp::Ordering::Greater => StepState::Waits,
    };
    let steps = steps.into_iter().enumerate().map(|(step, words)| (words, stands(step))).collect();
    let took = context.now().duration_since(run.started_at);
    let left = run.total.saturating_sub(run.counts.compared);
    let pace = |took: SignedDuration| {
        let millis = u64::try_from(took.as_millis()).ok()?.checked_mul(left)?.checked_div(run.counts.compared)?;
        Some(SignedDuration::from_millis(i64::try_from(millis).ok()?))
    };
    let system = place.and_then(|place| place.systems.get(place.at).cloned());
    let connections = context.connections.now();
    let away = system.filter(|name| at < 2 && context.odoo(name).is_none());
    Progress {
        id: run.id,
        started_at: run.started_at,
        by,
        dry_run: run.dry_run,
        compared: run.counts.compared,
        total: run.total,
        opened: run.counts.opened,
        fixes: run.counts.fixes,
        tickets: run.counts.tickets,
        steps,
        left: pace(took).filter(|_| at == 0),
        waits_for: away.map(|name| connections.label(&name)),
    }
}

/// A page of the differences.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn differences(context: &Context, caller: &Caller, query: DifferenceQuery) -> Result<Page<Listed>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let page = context.store.reconciliations.list(scope, query).await?;
    let names = PeopleNames::read(context, scope).await?;
    let listed = |difference: Difference| Listed {
        owner: difference.owner.and_then(|owner| names.of(owner)),
        url: url(context, &difference),
        difference,
    };
    Ok(Page { rows: page.rows.into_iter().map(listed).collect(), next: page.next })
}

/// The delivery's page in the order system.
fn url(context: &Context, difference: &Difference) -> Option<String> {
    let subject = &difference.found.subject;
    let record = subject.record.parse().ok()?;
    context.odoo(&subject.system).map(|odoo| odoo.page(record))
}

/// Every difference that a question selects, up to a limit; whether there are more.
///
/// # Errors
/// As [`differences`].
pub async fn export(context: &Context, caller: &Caller, query: DifferenceQuery) -> Result<(Vec<Listed>, bool)> {
    caller.require(Permission::Operate)?;
    let (mut rows, mut query) = (Vec::new(), query);
    loop {
        let page = differences(context, caller, query.clone()).await?;
        rows.extend(page.rows);
        let Some(next) = page.next else { return Ok((rows, false)) };
        if rows.len() >= EXPORT_MAX {
            return Ok((rows, true));
        }
        query.cursor = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_share_of_a_day_is_the_days() {
        let share = |at: &str, differing| Share { at: at.parse().unwrap(), compared: 10, differing };
        let history = [
            share("2026-11-22T08:00:00Z", 5),
            share("2026-11-22T22:30:00Z", 4),
            share("2026-11-22T23:30:00Z", 3),
            share("2026-11-24T08:00:00Z", 1),
        ];
        let days = |zone: &str| -> Vec<(String, u64)> {
            let days = by_day(&history, &TimeZone::get(zone).unwrap());
            days.into_iter().map(|(day, share)| (day.to_string(), share.differing)).collect()
        };
        assert_eq!(days("UTC"), [("2026-11-22".into(), 3), ("2026-11-24".into(), 1)]);
        let berlin = [("2026-11-22".into(), 4), ("2026-11-23".into(), 3), ("2026-11-24".into(), 1)];
        assert_eq!(days("Europe/Berlin"), berlin);
    }
}
