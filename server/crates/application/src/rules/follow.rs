//! What of an outcome is let through: within the rate of each rule, and nothing again that was done.

use super::{
    book::Book,
    guard::{Admission, Firing, LOOP_MAX},
};
use crate::context::Context;
use domain::{
    effects::{EffectBody, EffectOutcome, EffectTarget},
    fold::Folded,
    ids::{ExceptionId, ShipmentId},
    rule::{RuleId, Trigger},
    rules::{Fired, Intent, Outcome},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use storage::shipments::EffectRecord;

/// Within this time the actions of a rule on one shipment are counted.
const LOOP_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What is let through of an outcome.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// What follows from the change.
    pub(crate) intents: Vec<Intent>,
    /// Of that what rules do by themselves, where nothing else changed.
    pub(crate) own: Vec<Intent>,
    /// What is counted.
    pub(crate) firings: Vec<Firing>,
}

/// Lets through what is within the limits; what is not is looked at again, at the shipment's next review.
pub(crate) fn admit(
    (context, admissions): (&Context, &mut Admissions),
    book: &Book,
    effects: &[EffectRecord],
    (shipment, outcome): (ShipmentId, Outcome),
    folded: &mut Folded,
) -> Admitted {
    let (guard, now) = (&context.rules.guard, context.now());
    for failed in outcome.failed.iter().filter(|failed| admissions.failed.insert(failed.rule.clone())) {
        guard.failed(&failed.rule, shipment, &failed.why, now);
    }
    review(folded, outcome.look_at);
    let mut admitted = Admitted { intents: outcome.always, ..Admitted::default() };
    for Fired { rule, intents, exceptions } in outcome.fired {
        let rate = book.rule(&rule).and_then(|rule| rule.content.limits.per_minute);
        let at_any_time = book.rule(&rule).is_some_and(|rule| rule.content.trigger != Trigger::Change);
        // a step that is wanted whatever the change is like what the rule does by itself
        let is_step = |target: &EffectTarget| matches!(target, EffectTarget::OrderInvoice | EffectTarget::OrderReturn);
        let own = |intent: &Intent| match intent {
            Intent::Effect { key, target, .. } => key.starts_with("rule/") || (at_any_time && is_step(target)),
            _ => false,
        };
        let known =
            |intent: &Intent| matches!(intent, Intent::Effect { id, .. } if effects.iter().any(|one| one.id == *id));
        let (own, mut others): (Vec<Intent>, Vec<Intent>) = intents.into_iter().partition(own);
        let mut own: Vec<Intent> = own.into_iter().filter(|intent| !known(intent)).collect();
        let opens = others.iter().any(|intent| matches!(intent, Intent::UpdateCase { urgent: true, .. }));
        if !own.is_empty()
            && let Some(until) = again_after(&rule, effects, now)
        {
            own.clear();
            review(folded, Some(until));
            if admissions.loops.insert(rule.clone()) && guard.loops(&rule, shipment, now) {
                context.rules.forget();
            }
        }
        if let Some(rate) = rate.filter(|_| !own.is_empty() || opens) {
            match admissions.of(context, &rule, shipment, rate) {
                Admission::Now => {}
                Admission::Later(at) => {
                    review(folded, Some(at).filter(|_| !own.is_empty()));
                    own.clear();
                    others.iter_mut().for_each(|intent| not_before(intent, at));
                }
                Admission::Stopped => {
                    own.clear();
                    others.retain(|intent| !matches!(intent, Intent::UpdateCase { urgent: true, .. }));
                }
            }
        }
        let acts = !own.is_empty() || others.iter().any(|intent| acts(intent) && !known(intent));
        admitted.intents.extend(others);
        admitted.own.extend(own);
        if acts {
            admitted.firings.push(Firing { rule, exceptions });
        }
    }
    let extra = follow_up(&admitted.own, now);
    admitted.own.extend(extra);
    admitted
}

/// Whether it is something that people would count.
fn acts(intent: &Intent) -> bool {
    match intent {
        Intent::Effect { outcome, .. } => *outcome == EffectOutcome::Pending,
        Intent::UpdateCase { urgent, .. } => *urgent,
        Intent::UpdateOrder { .. } => true,
        Intent::Withhold(_) | Intent::Act => false,
    }
}

/// A case is opened no earlier than this.
fn not_before(intent: &mut Intent, then: Timestamp) {
    if let Intent::UpdateCase { at, urgent: true, .. } = intent {
        *at = (*at).max(then);
    }
}

/// What the rules were let through for one fold, however often its commit has to be tried.
#[derive(Default)]
pub(crate) struct Admissions {
    given: BTreeMap<RuleId, Admission>,
    failed: BTreeSet<RuleId>,
    loops: BTreeSet<RuleId>,
}

impl Admissions {
    /// The place of a rule within its rate; taken once.
    fn of(&mut self, context: &Context, rule: &RuleId, shipment: ShipmentId, rate: u32) -> Admission {
        if let Some(given) = self.given.get(rule) {
            return *given;
        }
        let (guard, now) = (&context.rules.guard, context.now());
        let given = guard.admit(rule, shipment, rate, now);
        match given {
            Admission::Now => {}
            Admission::Later(_) => guard.delayed(rule, now),
            Admission::Stopped => {
                let why = format!(
                    "it would act on more than an hour's worth of its rate of {rate} a minute. Make its condition narrower or its \
                     rate higher, and publish it again"
                );
                guard.stop(rule, why);
                context.rules.forget();
            }
        }
        self.given.insert(rule.clone(), given);
        given
    }
}

/// Until when a rule waits that acts on a shipment again and again; none where it does not.
fn again_after(rule: &RuleId, effects: &[EffectRecord], now: Timestamp) -> Option<Timestamp> {
    let begins = format!("rule/{rule}/");
    let of_rule = effects.iter().filter(|one| one.key.starts_with(&begins)).map(|one| one.created_at);
    let mut lately: Vec<Timestamp> = of_rule.filter(|at| now.duration_since(*at) < LOOP_WITHIN).collect();
    lately.sort_unstable();
    let oldest = lately.get(lately.len().checked_sub(LOOP_MAX)?)?;
    oldest.checked_add(LOOP_WITHIN).ok()
}

fn review(folded: &mut Folded, at: Option<Timestamp>) {
    folded.review_at = folded.review_at.into_iter().chain(at).min();
}

/// The jobs that what rules do by themselves needs.
fn follow_up(own: &[Intent], now: Timestamp) -> Vec<Intent> {
    let (mut orders, mut others) = (None, None);
    let mut cases: BTreeMap<ExceptionId, Intent> = BTreeMap::new();
    for intent in own {
        let Intent::Effect { target, body, .. } = intent else { continue };
        match (target, body) {
            (EffectTarget::Case, EffectBody::ByRule { exception: Some(exception), .. }) => {
                let update = Intent::UpdateCase { exception: *exception, at: now, urgent: true, desk: None };
                cases.insert(*exception, update);
            }
            (target, _) if target.is_of_order_system() => orders = Some(Intent::UpdateOrder { urgent: true }),
            _ => others = Some(Intent::Act),
        }
    }
    orders.into_iter().chain(others).chain(cases.into_values()).collect()
}
