//! The test of a channel: a short message that says that it is one.

use crate::{Channel, Message};
use jiff::Timestamp;
use outbound::{
    CallLog, ErrorClass,
    check::{Building, Report, Subject},
};

const DELIVERED: &str = "Test message delivered";

/// Tests a channel by sending a message over it.
pub async fn check(
    channel: &dyn Channel,
    subject: Subject<'_>,
    message: &Message,
    now: Timestamp,
    log: &dyn CallLog,
) -> Report {
    let accepted = format!("{} accepted", subject.secret_label);
    let mut report = Building::new(subject, now);
    match channel.send(message, now, log).await {
        Ok(()) => {
            report.passed("Address reached", subject.address);
            report.passed(&accepted, "");
            report.passed(DELIVERED, "look for it there");
            report.end()
        }
        Err(error) => match error.class {
            ErrorClass::Unauthorized | ErrorClass::Forbidden => {
                report.passed("Address reached", subject.address);
                report.failed(subject.refused(&error), &[DELIVERED])
            }
            ErrorClass::Misconfigured | ErrorClass::Rejected | ErrorClass::NotFound => {
                report.failed(subject.unsuited(&error), &[DELIVERED])
            }
            _ => report.failed(subject.unreached(&error), &[&accepted, DELIVERED]),
        },
    }
}
