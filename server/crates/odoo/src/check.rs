//! The test of an Odoo.

use crate::OdooClient;
use jiff::Timestamp;
use outbound::{
    CallLog,
    check::{Building, RIGHTS, Report, Subject},
};

/// Tests an Odoo: the address, the secret, and what its user needs.
pub async fn check(client: &OdooClient, subject: Subject<'_>, now: Timestamp, log: &dyn CallLog) -> Report {
    let key = format!("{} accepted", subject.secret_label);
    let mut report = Building::new(subject, now);
    let version = match client.version(log).await {
        Ok(version) => version,
        Err(error) => return report.failed(subject.unreached(&error), &[&key, RIGHTS]),
    };
    report.passed("Address reached", subject.address);
    report.answered(&version.version);
    if let Some(theirs) = version.server_time {
        report.clock(now.duration_since(theirs));
    }
    if let Err(error) = client.health(log).await {
        return report.failed(subject.refused(&error), &[RIGHTS]);
    }
    report.passed(&key, "");
    match client.check(log).await {
        Ok(missing) => report.rights(missing),
        Err(error) => report.failed(subject.refused(&error), &[]),
    }
}
