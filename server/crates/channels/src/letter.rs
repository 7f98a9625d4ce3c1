//! What a customer is sent. Who gets it is personal data: it is in no log and no error.

use jiff::Timestamp;
use std::fmt;

/// A message to one customer. The same id is the same message.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The language of both, `de`; none: not said.
    pub language: Option<String>,
    /// When it was written.
    pub at: Timestamp,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}
