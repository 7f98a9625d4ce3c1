//! Places as received. What of a place may name a person is kept sealed with the event's text, and opened for those who may
//! read personal data.

use super::normalise::{StatementText, TEXT};
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    mask::Mask,
};
use domain::{fold::Fact, ids::ObservationId, observation::Location};
use std::collections::HashMap;
use storage::Scope;

/// Places of events as received.
#[derive(Default)]
pub struct Places(HashMap<ObservationId, Location>);

impl Places {
    /// Those of these events whose place is not wholly kept in clear; none for a caller from whom they are hidden.
    ///
    /// # Errors
    /// When the store fails or the master key is another one.
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
            let internal = |e: String| UseCaseError::Internal(e);
            let key = context.vault.unwrap(&sealed.key).map_err(|e| internal(e.to_string()))?;
            let text = key.open(TEXT, &sealed.text).map_err(|e| internal(e.to_string()))?;
            let text: StatementText = serde_json::from_slice(&text).map_err(|e| internal(e.to_string()))?;
            places.extend(text.location.map(|location| (sealed.observation, location)));
        }
        Ok(Self(places))
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
