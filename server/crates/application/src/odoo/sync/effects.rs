//! What is to happen once for a delivery: each effect is done by its kind, and what became of it is kept.

use super::{
    activities, by_rule, invoices, notes,
    posting::{Posted, Posting, marker},
    proofs, steps,
};
use crate::{
    error::UseCaseError,
    odoo::OrderError,
    rules::turn::{Turn, runs},
};
use domain::effects::{EffectBody, EffectOutcome, EffectTarget, Invoicing};
use jiff::Timestamp;
use odoo::Record;
use outbound::Decision;
use storage::shipments::EffectRecord;

/// What is left over of what was to be posted.
#[derive(Default)]
pub(super) struct Left {
    /// Why the first one was not posted that was refused or cannot be read; where a set-up is missing, that one.
    pub(super) failed: Option<OrderError>,
    /// When what a paused rule wanted is looked at again.
    pub(super) later: Option<Timestamp>,
}

/// Posts what is not posted yet of a delivery; what is for its order is the order's own update. One that is refused or cannot be
/// read holds up none of the others.
pub(super) async fn post_all(posting: &Posting<'_>) -> Result<Left, OrderError> {
    let waits = |effect: &EffectRecord| {
        effect.outcome == EffectOutcome::Pending
            && effect.target.is_of_order_system()
            && effect.target != EffectTarget::SalesOrderNote
    };
    post_these(posting, waits).await
}

/// Posts these effects.
pub(super) async fn post_these(
    posting: &Posting<'_>,
    which: impl Fn(&EffectRecord) -> bool,
) -> Result<Left, OrderError> {
    let mut left = Left::default();
    for effect in posting.loaded.effects.iter().filter(|effect| which(effect)) {
        match if_its_turn(posting, effect, &mut left.later).await {
            Ok(None) => {}
            Ok(Some(outcome)) => {
                let shipments = &posting.context.store.shipments;
                shipments.effect_done(posting.scope, effect.id, outcome, posting.context.now()).await?;
            }
            Err(OrderError::Call(error)) if matches!(error.class.decision(), Decision::Fail | Decision::AwaitSetup) => {
                if left.failed.is_none() || error.class.decision() == Decision::AwaitSetup {
                    left.failed = Some(error.into());
                }
            }
            // it is damaged, which the others are not
            Err(OrderError::Ours(error @ UseCaseError::Internal(_))) => {
                left.failed = left.failed.or_else(|| Some(error.into()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(left)
}

/// Posts one effect, unless the rule that wants it is held back.
async fn if_its_turn(posting: &Posting<'_>, effect: &EffectRecord, later: &mut Option<Timestamp>) -> Posted {
    let context = posting.context;
    let body: EffectBody =
        serde_json::from_str(&effect.body).map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?;
    if let Some(rule) = body.rule() {
        let book = context.rules.book(&context.store, posting.scope, context.now()).await?;
        match runs(&book, rule, context.now()) {
            Turn::Now(_) => {}
            Turn::At(at) => {
                *later = later.iter().copied().chain([at]).min();
                return Ok(None);
            }
            Turn::Never(why) => return Ok(Some(EffectOutcome::not_possible(why))),
        }
    }
    post(posting, effect, body).await
}

/// Posts one effect.
async fn post(posting: &Posting<'_>, effect: &EffectRecord, body: EffectBody) -> Posted {
    let marker = marker(effect);
    match (effect.target, body) {
        (EffectTarget::OrderNote, body) => note(posting, Record::delivery(posting.origin.record), &marker, &body).await,
        (EffectTarget::SalesOrderNote, body) => match posting.origin.sales_order() {
            Some(order) => note(posting, Record::order(order), &marker, &body).await,
            None => Ok(Some(EffectOutcome::NotNeeded)),
        },
        (EffectTarget::OrderActivity | EffectTarget::OrderField, EffectBody::ByRule { action, exception, .. }) => {
            by_rule::act(posting, &marker, &action, exception).await
        }
        (EffectTarget::OrderActivity, EffectBody::Exception { id }) => activities::ask(posting, &marker, id).await,
        (EffectTarget::OrderActivity, EffectBody::InvoiceInDoubt { from, to }) => {
            invoices::ask_to_check(posting, &marker, (from, to)).await
        }
        (EffectTarget::OrderValidation, _) => steps::validate(posting).await,
        (EffectTarget::OrderReturn, body) => {
            let by_rule = matches!(body, EffectBody::Return { by: Some(_) });
            let wish = if by_rule { steps::Wish::OfRule } else { steps::Wish::OfCarrier };
            steps::make_return(posting, wish).await
        }
        (EffectTarget::OrderProof, EffectBody::Proof { fact }) => proofs::attach(posting, &marker, fact).await,
        (EffectTarget::OrderInvoice, EffectBody::Invoice { how, on, of, by }) => {
            // the terms of the connection count only while it still has some
            let is_off = posting.settings.is_none_or(|settings| settings.invoice == Invoicing::Never);
            match by.is_none() && is_off {
                true => Ok(Some(EffectOutcome::NotNeeded)),
                false => invoices::invoice(posting, effect, how, (on, of)).await,
            }
        }
        (target, _) => {
            let text = format!("effect {} has a body that does not belong to {target:?}", effect.id);
            Err(UseCaseError::Internal(text).into())
        }
    }
}

async fn note(posting: &Posting<'_>, on: Record, marker: &str, body: &EffectBody) -> Posted {
    let html = notes::html(posting, body).await?;
    let id = posting.odoo.post_note(on, marker, &html, posting.calls).await?;
    Ok(Some(EffectOutcome::Posted(id)))
}
