//! Texts that may be another system's: errors, requests and answers, why a message cannot be read. They are kept sealed under
//! a key of the company, without any known secret, and opened for those who may read personal data.

use crate::{
    mask::Mask,
    vault::{DataKey, Vault},
};
use anyhow::Result;
use domain::{
    ids::{SubjectId, content_id},
    visible::visible,
};
use jiff::Timestamp;
use outbound::secrets;
use storage::{Scope, Sealed, Store};

/// Where a text is kept; one cannot be put in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A job's error.
    Error,
    /// The request of a call.
    Request,
    /// The response.
    Response,
    /// Why a message is not read.
    Reason,
    /// Who gets a report.
    Recipients,
}

impl Slot {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "job.error",
            Self::Request => "attempt.request",
            Self::Response => "attempt.response",
            Self::Reason => "message.reason",
            Self::Recipients => "report.recipients",
        }
    }
}

/// Seals and opens.
pub struct Texts(DataKey);

impl Texts {
    /// With the company's key, made on first use.
    ///
    /// # Errors
    /// When the store fails or the master key is another one.
    pub async fn of(store: &Store, vault: &Vault, scope: Scope, now: Timestamp) -> Result<Self> {
        let subject = SubjectId(content_id("company key", &[scope.company.0.as_bytes(), b"texts"]));
        let kept = match store.people.key(scope, subject).await? {
            Some(kept) => kept,
            None => store.people.put_key(scope, vault.new_key(subject).1, now).await?,
        };
        Ok(Self(vault.unwrap(&kept)?))
    }

    /// A text as it is kept.
    pub fn seal(&self, place: Slot, text: &str) -> Sealed {
        self.0.seal(place.name(), secrets::hidden(text).as_bytes())
    }

    /// A kept text; none where it was erased.
    pub fn open(&self, place: Slot, sealed: Option<&Sealed>) -> Option<String> {
        String::from_utf8(self.0.open(place.name(), sealed?).ok()?).ok()
    }

    /// A kept text for people, with a visible form of what deceives unseen; none where it was erased or is hidden.
    pub fn shown(&self, mask: Mask, place: Slot, sealed: Option<&Sealed>) -> Option<String> {
        let sealed = sealed.filter(|_| !mask.hides());
        self.open(place, sealed).map(|text| visible(&text).into_owned())
    }

    /// A kept text of any kind.
    pub fn open_any(&self, sealed: &Sealed) -> Option<String> {
        let places = [Slot::Error, Slot::Request, Slot::Response, Slot::Reason];
        places.into_iter().find_map(|place| self.open(place, Some(sealed)))
    }
}
