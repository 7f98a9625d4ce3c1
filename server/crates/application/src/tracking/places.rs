//! Places as received. What of a place may name a person is kept sealed with the event's text, and opened for those who may
//! read personal data.

use super::normalise::StatementText;
use crate::{context::Context, error::Result, mask::Mask};
use domain::{
    fold::Fact,
    ids::{MessageId, ObservationId},
    observation::Location,
};
use std::collections::HashMap;
use storage::Scope;

/// Places of events as received.
#[derive(Default)]
pub struct Places(HashMap<ObservationId, Location>);

impl Places {
    /// Those of these events whose place is not wholly kept in clear; none for a caller from whom they are hidden. One that is
    /// damaged is left out: what is kept in clear of it is shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read<'a>(
        context: &Context,
        scope: Scope,
        mask: Mask,
        facts: impl Iterator<Item = &'a Fact>,
    ) -> Result<Self> {
        if mask.hides() {
            return Ok(Self::default());
        }
        let sealed = facts.filter(|fact| may_be_sealed(fact)).map(|fact| fact.id).collect();
        let mut places = HashMap::new();
        for sealed in context.store.facts.texts(scope, sealed).await? {
            let Ok(key) = context.vault.unwrap(&sealed.key) else {
                tracing::warn!(message = %MessageId(sealed.key.subject.0), "the key of a message cannot be opened");
                continue;
            };
            let location = StatementText::opened(&key, &sealed.text).and_then(|text| text.location);
            places.extend(location.map(|location| (sealed.observation, location)));
        }
        Ok(Self(places))
    }

    /// Whether a place was opened: that is a reading of what may be personal data.
    pub fn any_opened(&self) -> bool {
        !self.0.is_empty()
    }

    /// Where an event happened, as far as it is open.
    pub fn of<'a>(&'a self, fact: &'a Fact) -> Option<&'a Location> {
        self.0.get(&fact.id).or(fact.observation.location.as_ref())
    }
}

/// Whether the text may have more of the place than is kept in clear: what a person reads of a place begins with its city or
/// code.
fn may_be_sealed(fact: &Fact) -> bool {
    let named = |place: &Location| place.city.is_some() || place.unlocode.is_some() || place.facility.is_some();
    !fact.observation.location.as_ref().is_some_and(named)
}
