//! What colleagues are sent on a schedule: a report. Who gets it is personal data: it is in no log and no error.

use jiff::Timestamp;
use std::fmt;

/// Recipients of a mailing.
pub const RECIPIENTS_MAX: usize = 20;

/// A file beside a mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, ASCII.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A mail to several people. The same id is the same mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailing {
    /// Its id.
    pub id: String,
    /// The addresses.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Plain text, for programs that show no HTML.
    pub text: String,
    /// The same as a document.
    pub html: String,
    /// What comes with it.
    pub file: Option<Attachment>,
    /// When it was written.
    pub at: Timestamp,
    /// Whether it waited long enough for recipients that are refused for now.
    pub late: Late,
}

/// Whether a mail waited long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// No: while one recipient is refused for now, none gets it, and it is tried again.
    #[default]
    No,
    /// Yes: those that are taken get it.
    Waited,
}

impl fmt::Debug for Mailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailing").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether this is a mail address.
pub fn is_address(text: &str) -> bool {
    text.trim().parse::<lettre::Address>().is_ok()
}
