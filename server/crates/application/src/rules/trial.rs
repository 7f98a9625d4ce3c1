//! Dry runs: what a draft would have done in the last days, against the version that runs. Step by step in the batch lane; nothing is
//! sent and nothing changes.

use super::{manage, regard};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    exceptions::watch,
    words,
};
use domain::{
    access::Permission,
    fold::Resolution,
    ids::{ShipmentId, TrialId},
    rule::{Content, RuleId},
    rules::{
        Running, check,
        trial::{self, Hit, Tried},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    rules::{Trial, TrialRow, TrialState, TrialSum, TrialWalk},
    shipments::Loaded,
};

/// Days back, unless others are asked for.
pub const DAYS: u32 = 30;
/// The most days.
pub const DAYS_MAX: u32 = 90;
/// Shipments of one step.
const STEP_SHIPMENTS: u32 = 50;
/// Shipments of one dry run: what lies beyond is left out, and said so.
const SHIPMENTS_MAX: u64 = 20_000;
/// Rows of one dry run that are kept.
const ROWS_MAX: u64 = 10_000;

/// Begins a dry run of a rule's draft; of what runs where there is no draft.
///
/// # Errors
/// When the caller may not, the days are none, the draft has errors, or the store fails.
pub async fn begin(context: &Context, caller: &Caller, id: &RuleId, days: u32) -> Result<TrialId> {
    caller.require(Permission::Operate)?;
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(UseCaseError::Invalid { field: "days", message: format!("choose 1 to {DAYS_MAX} days") });
    }
    let (scope, now) = (caller.scope(), context.now());
    let rule = manage::found(context, scope, id).await?;
    let active = rule.active.as_ref().map(|(version, content, _)| (*version, content.clone()));
    let draft = rule.record.as_ref().and_then(|record| record.draft.as_ref()).map(|draft| draft.content.clone());
    let content = draft.or_else(|| active.as_ref().map(|(_, content)| content.clone()));
    let content = content.ok_or(UseCaseError::NotFound("version of the rule"))?;
    if let Some(wrong) = check::problems(&content).first() {
        return Err(UseCaseError::Invalid { field: "when", message: wrong.to_string() });
    }
    let since = back(now, days);
    let trial = Trial {
        id: TrialId(context.clock.id()),
        rule: id.clone(),
        content,
        active,
        days,
        by: scope.actor,
        at: now,
        state: TrialState::Running,
        total: context.store.rules.walk_total(scope, since).await?,
        shipments: 0,
        events: 0,
        draft_sum: TrialSum::default(),
        active_sum: TrialSum::default(),
        cursor: None,
        ended_at: None,
        step: 0,
    };
    let (trial_id, job) = (trial.id, next(context, trial.id));
    let audit = context.audit("rule.try", format!("rule:{id}"));
    context.store.rules.begin_trial(scope, trial, job, audit).await?;
    context.notifier.work(Lane::Batch);
    Ok(trial_id)
}

fn back(now: Timestamp, days: u32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

fn next(context: &Context, id: TrialId) -> NewJob {
    let job = context.job(JobKind::TRY_RULE, id, Cause::Replay, context.correlation(), None);
    NewJob { lane: Lane::Batch, ..job }
}

/// The next step of a dry run.
///
/// # Errors
/// When the store fails; the step is then made again.
pub async fn step(context: &Context, scope: Scope, id: TrialId) -> Result<()> {
    let Some(mut trial) = context.store.rules.trial(scope, id).await? else { return Ok(()) };
    if trial.state != TrialState::Running {
        return Ok(());
    }
    let since = back(trial.at, trial.days);
    let after = trial.cursor.as_deref().and_then(|cursor| cursor.parse::<ShipmentId>().ok());
    let ids = context.store.rules.walk(scope, TrialWalk { since, after }, STEP_SHIPMENTS).await?;
    let draft = running(&trial.rule, &trial.content)?;
    let active = trial.active.as_ref().map(|(_, content)| running(&trial.rule, content)).transpose()?;
    let mut rows = Vec::new();
    for id in &ids {
        let Some(mut loaded) = context.store.shipments.load(scope, *id, None).await? else { continue };
        loaded.input.watch = watch::of(context, scope, &loaded).await?;
        rows.extend(of_shipment(context, &loaded, (&draft, active.as_ref()), &mut trial));
    }
    let kept = trial.draft_sum.fired.saturating_sub(rows.len() as u64);
    rows.truncate(usize::try_from(ROWS_MAX.saturating_sub(kept)).unwrap_or(0));
    trial.step += 1;
    trial.cursor = ids.last().map(ToString::to_string);
    trial.state = match ids.len() as u64 {
        n if n < u64::from(STEP_SHIPMENTS) => TrialState::Done,
        _ if trial.shipments >= SHIPMENTS_MAX => TrialState::Cut,
        _ => TrialState::Running,
    };
    let goes_on = trial.state == TrialState::Running;
    trial.ended_at = (!goes_on).then(|| context.now());
    context.store.rules.step_trial(scope, trial, rows, goes_on.then(|| next(context, id))).await?;
    context.notifier.work(Lane::Batch);
    Ok(())
}

/// A dry run whose job is given up is shown as failed.
///
/// # Errors
/// When the store fails.
pub async fn fail(context: &Context, scope: Scope, id: TrialId) -> Result<()> {
    let Some(trial) = context.store.rules.trial(scope, id).await? else { return Ok(()) };
    let failed = Trial { state: TrialState::Failed, ended_at: Some(context.now()), step: trial.step + 1, ..trial };
    context.store.rules.step_trial(scope, failed, Vec::new(), None).await?;
    Ok(())
}

fn running(id: &RuleId, content: &Content) -> Result<Running> {
    Running::new(id.clone(), 0, content.clone(), Timestamp::MIN)
        .map_err(|message| UseCaseError::Invalid { field: "when", message })
}

fn of_shipment(
    context: &Context,
    loaded: &Loaded,
    (draft, active): (&Running, Option<&Running>),
    trial: &mut Trial,
) -> Vec<TrialRow> {
    let about = regard::about(loaded, regard::steps(context, loaded));
    let tried = Tried {
        shipment: loaded.shipment.id,
        input: &loaded.input,
        about: &about,
        bound_at: &loaded.bound_at,
        since: back(trial.at, trial.days),
        now: trial.at,
    };
    let policy = context.config.rules.policy();
    let by_draft = trial::try_on(&tried, draft, &policy);
    let by_active = active.map(|active| trial::try_on(&tried, active, &policy)).unwrap_or_default();
    trial.shipments += 1;
    trial.events += by_draft.moments;
    add(&mut trial.draft_sum, &by_draft);
    add(&mut trial.active_sum, &by_active);
    let too: BTreeSet<&str> = by_active.hits.iter().map(|hit| hit.key.as_str()).collect();
    by_draft.hits.iter().map(|hit| row(loaded, hit, too.contains(hit.key.as_str()))).collect()
}

fn add(sum: &mut TrialSum, trial: &trial::Trial) {
    sum.failed += u64::from(trial.failed);
    for hit in &trial.hits {
        sum.fired += 1;
        sum.healed += u64::from(hit.healed);
        sum.needed += u64::from(hit.needed);
        if hit.reason.is_some() {
            sum.lasted[trial::bucket(hit.lasted)] += 1;
        }
    }
}

fn row(loaded: &Loaded, hit: &Hit, active_too: bool) -> TrialRow {
    let shipment = &loaded.shipment;
    let number = shipment.numbers.first();
    TrialRow {
        shipment: shipment.id,
        number: number.map(|number| words::foreign(&number.number)).unwrap_or_default(),
        order: shipment.origin.as_ref().and_then(|origin| origin.order.as_deref()).map(words::foreign),
        carrier: number.and_then(|number| number.carrier_label.as_deref()).map(words::foreign),
        reason: hit.reason.map(|reason| reason.code().to_owned()),
        at: hit.at,
        lasted_minutes: hit.lasted.map(|lasted| lasted.as_secs() / 60),
        needed: hit.needed,
        ended: hit.ended.map(|how| ended(how).to_owned()),
        active_too,
    }
}

/// How something ended, for people.
fn ended(how: Resolution) -> &'static str {
    match how {
        Resolution::Progress => "Cleared by later scan",
        Resolution::Delivered => "Delivered",
        Resolution::Returned => "Returned",
        Resolution::Cancelled => "Cancelled",
        Resolution::Explicit => "Resolved by carrier",
        Resolution::Person => "Resolved by a person",
        Resolution::Cleared => "Auto-resolved",
    }
}
