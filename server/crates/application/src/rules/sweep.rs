//! Rules that the clock starts: shipments that are under way are folded again, page by page, when such a rule is due. One walk at a
//! time, however long it takes.

use super::book::Book;
use crate::{context::Context, error::Result, people::settings};
use domain::{
    ids::ShipmentId,
    rule::{RuleId, Trigger},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// Shipments of one step.
const STEP_SHIPMENTS: u32 = 200;
/// A walk that made no step for so long is not going on any more: its job was given up.
const STEP_MAX: SignedDuration = SignedDuration::from_hours(2);
/// The setting that holds when rules were last due, and how the walk goes.
const SETTING: &str = "rules.sweep";

/// When rules were last due, and how the walk goes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    /// When a walk last began for each rule.
    #[serde(default)]
    started: BTreeMap<RuleId, Timestamp>,
    /// The last step of the walk that goes on; none where none does.
    #[serde(default)]
    step: Option<Timestamp>,
}

impl Sweep {
    /// Whether a walk goes on.
    fn goes_on(&self, now: Timestamp) -> bool {
        self.step.is_some_and(|step| step <= now && now.duration_since(step) < STEP_MAX)
    }

    /// The rules that are due: their minutes are over since a walk last began for them. A look that comes late makes none of them
    /// miss its turn.
    fn due<'a>(&self, book: &'a Book, now: Timestamp) -> Vec<&'a RuleId> {
        let is_due = |rule: &RuleId, minutes: u32| {
            // the clock itself comes round some seconds early or late
            let apart = SignedDuration::from_mins(i64::from(minutes).saturating_sub(1));
            self.started.get(rule).is_none_or(|at| *at > now || now.duration_since(*at) >= apart)
        };
        let by_clock = book.running.iter().filter_map(|rule| match rule.content.trigger {
            Trigger::Every { minutes } => Some((&rule.id, minutes)),
            _ => None,
        });
        by_clock.filter(|(rule, minutes)| is_due(rule, *minutes)).map(|(rule, _)| rule).collect()
    }

    async fn keep(&self, context: &Context, scope: Scope) -> Result<()> {
        let text = serde_json::to_string(self).expect("plain data serialises");
        Ok(context.store.people.put_setting(scope, SETTING, text).await?)
    }
}

/// Begins a walk where a rule is due, and none goes on.
///
/// # Errors
/// When the store fails.
pub async fn begin(context: &Context, scope: Scope) -> Result<()> {
    let now = context.now();
    let book = context.rules.book(&context.store, scope, now).await?;
    let mut sweep: Sweep = settings::read(context, scope, SETTING).await?.unwrap_or_default();
    let due = sweep.due(&book, now);
    if due.is_empty() || sweep.goes_on(now) {
        return Ok(());
    }
    sweep.started.extend(due.into_iter().map(|rule| (rule.clone(), now)));
    // of rules that are gone nothing is kept
    sweep.started.retain(|rule, _| book.rule(rule).is_some());
    walk(context, scope, sweep, None).await
}

/// Folds the next shipments behind one.
///
/// # Errors
/// When the store fails.
pub async fn step(context: &Context, scope: Scope, after: ShipmentId) -> Result<()> {
    let sweep = settings::read(context, scope, SETTING).await?.unwrap_or_default();
    walk(context, scope, sweep, Some(after)).await
}

async fn walk(context: &Context, scope: Scope, mut sweep: Sweep, after: Option<ShipmentId>) -> Result<()> {
    let ids = context.store.rules.under_way(scope, after, STEP_SHIPMENTS).await?;
    let more = ids.len() as u64 >= u64::from(STEP_SHIPMENTS);
    sweep.step = more.then(|| context.now());
    let Some(last) = ids.last().copied() else { return sweep.keep(context, scope).await };
    let correlation = context.correlation();
    let fold = |id: &ShipmentId| {
        let job = context.job(JobKind::FOLD, id, Cause::Live, correlation, Some(*id));
        NewJob { lane: Lane::Batch, ..job }
    };
    let mut jobs: Vec<NewJob> = ids.iter().map(fold).collect();
    if more {
        let next = context.job(JobKind::CHECK_RULES, last, Cause::Live, correlation, None);
        jobs.push(NewJob { lane: Lane::Batch, ..next });
    }
    // before it is kept that the walk began: of a process that ends in between the next look begins again, and no rule misses its turn
    context.store.jobs.enqueue(scope, jobs).await?;
    context.notifier.work(Lane::Batch);
    sweep.keep(context, scope).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        rule::{Action, Content, Limits},
        rules::Running,
    };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minutes * 60).unwrap()
    }

    fn book(minutes: u32) -> Book {
        let content = Content {
            name: "Daily".into(),
            trigger: Trigger::Every { minutes },
            when: "true".into(),
            then: vec![Action::UpdateOrder],
            severity: None,
            limits: Limits::default(),
        };
        let rule = Running::new("daily".parse().unwrap(), 1, content, Timestamp::MIN).unwrap();
        Book { running: vec![rule], held: Vec::new() }
    }

    #[test]
    fn a_rule_is_due_once_in_its_minutes_however_late_the_clock_looks() {
        for (minutes, looks, expected) in [
            // a day, with a look that comes hours late
            (1440, vec![0, 5, 1439, 1700, 1705, 3140], vec![0, 1439, 3140]),
            // between two looks of the clock
            (7, vec![0, 5, 10, 15, 20], vec![0, 10, 20]),
            (60, vec![0, 30, 58, 61, 120, 200], vec![0, 61, 120, 200]),
        ] {
            let (book, mut sweep, mut walks) = (book(minutes), Sweep::default(), Vec::new());
            for look in looks {
                let due: Vec<RuleId> = sweep.due(&book, at(look)).into_iter().cloned().collect();
                for rule in due {
                    sweep.started.insert(rule, at(look));
                    walks.push(look);
                }
            }
            assert_eq!(walks, expected, "every {minutes} min");
        }
    }

    #[test]
    fn one_walk_goes_on_at_a_time_and_one_that_was_given_up_stops_no_other() {
        let sweep = Sweep { step: Some(at(0)), ..Sweep::default() };
        assert!(sweep.goes_on(at(60)) && !sweep.goes_on(at(121)) && !sweep.goes_on(at(-1)));
        assert!(!Sweep::default().goes_on(at(0)));
    }
}
