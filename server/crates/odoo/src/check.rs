//! The test of an Odoo.

use crate::{KeyEnd, OdooClient};
use jiff::Timestamp;
use outbound::{
    CallLog, ErrorClass,
    check::{Building, RIGHTS, Report, Subject},
};

/// Tests an Odoo: the address, the secret and its end, and what its user needs.
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
    match client.health(log).await {
        Ok(()) => report.passed(&key, ""),
        // the address is right and its version too: what is left is the database, or the login beside the key
        Err(error) if error.class == ErrorClass::Misconfigured => {
            return report.failed(subject.unsuited(&error), &[&key, RIGHTS]);
        }
        Err(error) => return report.failed(subject.refused(&error), &[RIGHTS]),
    }
    match client.key_end(now, log).await {
        Ok(KeyEnd::At { at, of: 1 }) => report.expires(at, ""),
        Ok(KeyEnd::At { at, of }) => {
            report.expires(at, &format!("the earliest of {of} keys of its user, any of which it may be"))
        }
        Ok(KeyEnd::Never | KeyEnd::Unknown) => {}
        Err(error) => return report.failed(subject.refused(&error), &[RIGHTS]),
    }
    match client.worth_a_setup(log).await {
        Ok(Some((what, todo))) => report.warns(&what, todo),
        Ok(None) => {}
        Err(error) => return report.failed(subject.refused(&error), &[RIGHTS]),
    }
    match client.check(log).await {
        Ok(missing) => report.rights(missing),
        Err(error) => report.failed(subject.refused(&error), &[]),
    }
}
