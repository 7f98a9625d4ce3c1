//! Steps in Odoo that follow the goods: a delivery is validated, a return made.

use super::posting::{Posted, Posting};
use domain::effects::EffectOutcome;
use odoo::{Returning, Returns, ValidateOn, Validation};
use storage::orders::OriginStanding;

/// Validates the delivery, unless it is validated.
pub(super) async fn validate(posting: &Posting<'_>) -> Posted {
    let wanted = posting.settings.is_some_and(|settings| settings.validate_on == ValidateOn::FirstScan);
    // what the delivery shows may be our own doing, of a try whose end was not seen
    if !wanted || (posting.loaded.shipment.standing == OriginStanding::Done && posting.tries == 0) {
        return Ok(Some(EffectOutcome::NotNeeded));
    }
    let record = posting.origin.record;
    Ok(Some(match posting.odoo.validate(record, posting.calls).await? {
        Validation::Now(name) => EffectOutcome::named(record, &name),
        Validation::Before(name) if posting.tries > 0 => EffectOutcome::named(record, &name),
        Validation::Before(_) | Validation::Cancelled => EffectOutcome::NotNeeded,
    }))
}

/// Who wants a return.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The carrier brings the goods back.
    OfCarrier,
    /// A rule, whatever the carrier does.
    OfRule,
}

/// Makes the return of the delivery, unless there is one; it waits until the delivery has left in Odoo.
pub(super) async fn make_return(posting: &Posting<'_>, wish: Wish) -> Posted {
    if wish == Wish::OfCarrier {
        if !posting.settings.is_some_and(|settings| settings.returns == Returns::Create) {
            return Ok(Some(EffectOutcome::NotNeeded));
        }
        if posting.loaded.shipment.folded.state.awaits_delivery() {
            return Ok(None); // the carrier has taken it back: it goes to the customer again
        }
    }
    Ok(match posting.odoo.make_return(posting.origin.record, posting.calls).await? {
        Returning::Made { id, name } => Some(EffectOutcome::named(id, &name)),
        Returning::Cancelled => Some(EffectOutcome::NotNeeded),
        Returning::NotLeft => None,
    })
}
