//! Whether customers were notified.

use super::row::{Bucket, Contributed, Part};
use crate::definition::Kpi;
use jiff::{Timestamp, tz::TimeZone};

/// An announcement for which a rule wants a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// When it was recorded.
    pub at: Timestamp,
    /// What became of the message.
    pub message: Message,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The channel accepted it, and it did not bounce.
    Accepted,
    /// It failed, or bounced.
    Failed,
    /// It waits.
    Waiting,
    /// There is no address, or no consent.
    NotPossible,
}

/// Its figure.
pub fn contribute(announced: &Announced, zone: &TimeZone, to: &mut Contributed) {
    let part = match announced.message {
        Message::Accepted => Part::Yes,
        Message::Failed | Message::Waiting => Part::No,
        Message::NotPossible => Part::NotMeasurable,
    };
    to.one(Kpi::NotificationReach, part, Bucket::at(announced.at, zone));
}
