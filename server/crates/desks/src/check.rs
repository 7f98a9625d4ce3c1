//! The test of a service desk.

use crate::Desk;
use jiff::Timestamp;
use outbound::{
    CallLog, ErrorClass,
    check::{Building, RIGHTS, Report, Subject},
};

/// Tests a service desk: the address, the secret, and what its user needs.
pub async fn check(desk: &dyn Desk, subject: Subject<'_>, now: Timestamp, log: &dyn CallLog) -> Report {
    let key = format!("{} accepted", subject.secret_label);
    let mut report = Building::new(subject, now);
    match desk.version(log).await {
        Ok(version) => version.iter().for_each(|version| report.answered(version)),
        Err(error) if matches!(error.class, ErrorClass::Unauthorized | ErrorClass::Forbidden) => {
            report.passed("Address reached", subject.address);
            return report.failed(subject.refused(&error), &[RIGHTS]);
        }
        Err(error) => return report.failed(subject.unreached(&error), &[&key, RIGHTS]),
    }
    report.passed("Address reached", subject.address);
    report.passed(&key, "");
    match desk.check(log).await {
        Ok(missing) => report.rights(missing),
        Err(error) => report.failed(subject.refused(&error), &[]),
    }
}
