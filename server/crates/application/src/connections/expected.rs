//! What a change of a connection expects to find, so that nobody overwrites what they have not seen.

use super::{checks::invalid, opened::Opened};
use crate::error::{Result, UseCaseError};

/// What a change expects to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    #[default]
    Any,
    /// No connection of this name.
    New,
    /// The connection as it was at this version.
    Version(u64),
}

impl Expected {
    pub(super) fn met_by(self, name: &str, known: Option<&Opened>) -> Result<()> {
        match (self, known) {
            // the name of one that was removed is free
            (Self::New, Some(known)) if !known.is_removed() => {
                Err(invalid("name", format!("there is a connection {name} already: choose another name")))
            }
            (Self::Version(_), None) => Err(UseCaseError::NotFound("connection")),
            (Self::Version(version), Some(known)) if known.record.version != version => {
                let message = format!("somebody else changed {name} meanwhile: load the page again, then change it");
                Err(UseCaseError::Conflict(message))
            }
            _ => Ok(()),
        }
    }
}
