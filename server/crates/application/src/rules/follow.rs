//! What of an outcome is let through: within the rate of each rule, and nothing again that was done.

use super::{
    book::Book,
    guard::{Admission, Firing, LOOP_MAX},
};
use crate::context::Context;
use domain::{
    effects::{EffectOutcome, EffectTarget},
    fold::Folded,
    ids::ShipmentId,
    rule::RuleId,
    rules::{Fired, Intent, Outcome},
};
use jiff::{SignedDuration, Timestamp};
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
    context: &Context,
    book: &Book,
    effects: &[EffectRecord],
    (shipment, outcome): (ShipmentId, Outcome),
    folded: &mut Folded,
) -> Admitted {
    let (guard, now) = (&context.rules.guard, context.now());
    for failed in &outcome.failed {
        guard.failed(&failed.rule, &failed.why, now);
    }
    review(folded, outcome.look_at);
    let mut admitted = Admitted { intents: outcome.always, ..Admitted::default() };
    for Fired { rule, intents, exceptions } in outcome.fired {
        let own = |intent: &Intent| matches!(intent, Intent::Effect { key, .. } if key.starts_with("rule/"));
        let known =
            |intent: &Intent| matches!(intent, Intent::Effect { id, .. } if effects.iter().any(|one| one.id == *id));
        let (own, others): (Vec<Intent>, Vec<Intent>) = intents.into_iter().partition(own);
        let own: Vec<Intent> = own.into_iter().filter(|intent| !known(intent)).collect();
        let own =
            if own.is_empty() { own } else { within_limits(context, book, (shipment, &rule, own), effects, folded) };
        let acts = !own.is_empty() || others.iter().any(|intent| acts(intent) && !known(intent));
        admitted.intents.extend(others);
        admitted.own.extend(own);
        if acts {
            admitted.firings.push(Firing { rule, exceptions });
        }
    }
    let extra = follow_up(&admitted.own);
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

fn within_limits(
    context: &Context,
    book: &Book,
    (shipment, rule, own): (ShipmentId, &RuleId, Vec<Intent>),
    effects: &[EffectRecord],
    folded: &mut Folded,
) -> Vec<Intent> {
    let (guard, now) = (&context.rules.guard, context.now());
    let begins = format!("rule/{rule}/");
    let lately = |one: &&EffectRecord| one.key.starts_with(&begins) && now.duration_since(one.created_at) < LOOP_WITHIN;
    if effects.iter().filter(lately).count() >= LOOP_MAX {
        let why = format!(
            "it acted {LOOP_MAX} times on one shipment within an hour. Make its condition narrower, or let it act once for each \
             shipment, and publish it again"
        );
        guard.stop(rule, why);
        context.rules.forget();
        return Vec::new();
    }
    let Some(rate) = book.rule(rule).and_then(|rule| rule.content.limits.per_minute) else { return own };
    match guard.admit(rule, shipment, rate, now) {
        Admission::Now => own,
        Admission::Later(at) => {
            guard.delayed(rule, now);
            review(folded, Some(at));
            Vec::new()
        }
        Admission::Stopped => {
            let why = format!(
                "it would act on more than an hour's worth of its rate of {rate} a minute. Make its condition narrower or its rate \
                 higher, and publish it again"
            );
            guard.stop(rule, why);
            context.rules.forget();
            Vec::new()
        }
    }
}

fn review(folded: &mut Folded, at: Option<Timestamp>) {
    folded.review_at = folded.review_at.into_iter().chain(at).min();
}

/// The jobs that what rules do by themselves needs.
fn follow_up(own: &[Intent]) -> Vec<Intent> {
    let targets = own.iter().filter_map(|intent| match intent {
        Intent::Effect { target, .. } => Some(*target),
        _ => None,
    });
    let (orders, others): (Vec<EffectTarget>, Vec<EffectTarget>) =
        targets.partition(|target| target.is_of_order_system());
    let orders = (!orders.is_empty()).then_some(Intent::UpdateOrder { urgent: true });
    let others = (!others.is_empty()).then_some(Intent::Act);
    orders.into_iter().chain(others).collect()
}
