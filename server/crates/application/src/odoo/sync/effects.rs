//! What is to happen once for a delivery: each effect is done by its kind, and what became of it is kept.

use super::{
    activities, invoices, notes,
    posting::{Posted, Posting, marker},
    proofs, steps,
};
use crate::{error::UseCaseError, odoo::OrderError};
use domain::effects::{EffectBody, EffectOutcome, EffectTarget};
use outbound::Decision;
use storage::shipments::EffectRecord;

/// The first effect that was refused, where a set-up is missing that one.
pub(super) struct Refused(pub(super) Option<OrderError>);

/// Posts what is not posted yet. One that is refused holds up none of the others.
pub(super) async fn post_all(posting: &Posting<'_>) -> Result<Refused, OrderError> {
    let mut refused = None;
    for effect in posting.loaded.effects.iter().filter(|e| e.outcome == EffectOutcome::Pending) {
        match post(posting, effect).await {
            Ok(None) => {}
            Ok(Some(outcome)) => {
                let shipments = &posting.context.store.shipments;
                shipments.effect_done(posting.scope, effect.id, outcome, posting.context.now()).await?;
            }
            Err(OrderError::Call(error)) if matches!(error.class.decision(), Decision::Fail | Decision::AwaitSetup) => {
                if refused.is_none() || error.class.decision() == Decision::AwaitSetup {
                    refused = Some(error.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Refused(refused))
}

/// Posts one effect.
async fn post(posting: &Posting<'_>, effect: &EffectRecord) -> Posted {
    let body: EffectBody =
        serde_json::from_str(&effect.body).map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?;
    let marker = marker(effect);
    match (effect.target, body) {
        (EffectTarget::OrderNote, body) => {
            let html = notes::html(posting, &body).await?;
            let id = posting.odoo.post_note(posting.origin.record, &marker, &html, posting.calls).await?;
            Ok(Some(EffectOutcome::Posted(id)))
        }
        (EffectTarget::OrderActivity, EffectBody::Exception { id }) => activities::ask(posting, &marker, id).await,
        (EffectTarget::OrderActivity, EffectBody::InvoiceInDoubt { from, to }) => {
            invoices::ask_to_check(posting, &marker, (from, to)).await
        }
        (EffectTarget::OrderValidation, _) => steps::validate(posting).await,
        (EffectTarget::OrderReturn, _) => steps::make_return(posting).await,
        (EffectTarget::OrderProof, EffectBody::Proof { fact }) => proofs::attach(posting, &marker, fact).await,
        (EffectTarget::OrderInvoice, EffectBody::Invoice { how, on, of }) => {
            invoices::invoice(posting, &marker, how, (on, of)).await
        }
        (target, _) => {
            let text = format!("effect {} has a body that does not belong to {target:?}", effect.id);
            Err(UseCaseError::Internal(text).into())
        }
    }
}
