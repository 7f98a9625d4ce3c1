//! What a rule says of the case of an exception: at which desk, and how long the exception may heal by itself.

use domain::{
    effects::{EffectBody, EffectTarget},
    exceptions::exception_key,
    ids::ExceptionId,
    rule::Action,
};
use jiff::SignedDuration;
use storage::shipments::EffectRecord;

/// What a rule says of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The desk; none: the one that takes such shipments.
    pub(crate) desk: Option<String>,
    /// How long the exception may heal by itself; none: as its severity says.
    pub(crate) grace: Option<SignedDuration>,
}

/// That of an exception; none where the rules say no more than its severity does.
pub(crate) fn of(effects: &[EffectRecord], exception: ExceptionId) -> Option<Opening> {
    let key = exception_key(exception);
    let effect = effects.iter().find(|effect| effect.target == EffectTarget::Case && effect.key == key)?;
    read(&effect.body)
}

/// That of an effect's body.
pub(crate) fn read(body: &str) -> Option<Opening> {
    match serde_json::from_str(body).ok()? {
        EffectBody::ByRule { action: Action::OpenCase { desk, grace_minutes }, .. } => {
            let grace = grace_minutes.map(|minutes| SignedDuration::from_mins(minutes.into()));
            Some(Opening { desk, grace })
        }
        _ => None,
    }
}
