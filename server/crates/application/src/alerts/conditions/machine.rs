//! The machine and the database: room, copies, clocks.

use super::{Condition, Looking};
use crate::{
    alerts::{
        Count, Raised,
        backups::{self, Backups},
    },
    error::{Result, UseCaseError},
    machine::Room,
    words::span,
};
use domain::{alerts::AlertKind, visible::visible_line};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use outbound::check::Report;
use std::path::Path;

pub(super) const DISK: Condition = Condition { kinds: &[AlertKind::DiskSpace], look: |looking| disk(looking).boxed() };

pub(super) const DATABASE: Condition =
    Condition { kinds: &[AlertKind::DatabaseSize], look: |looking| database(looking).boxed() };

pub(super) const BACKUP: Condition =
    Condition { kinds: &[AlertKind::BackupFailed], look: |looking| backup(looking).boxed() };

pub(super) const CLOCKS: Condition =
    Condition { kinds: &[AlertKind::ClockOff], look: |looking| clocks(looking).boxed() };

fn of(kind: AlertKind, subject: &str, title: String, detail: String, link: &str) -> Raised {
    Raised {
        kind,
        subject: subject.to_owned(),
        severity: None,
        title,
        detail,
        count: Count::Total(1),
        unit: "installation".into(),
        link: link.to_owned(),
        channels: Vec::new(),
    }
}

/// What cannot be asked leaves the alert as it is.
async fn disk(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, rules, .. } = looking;
    let folder = context.config.tombstones.parent().unwrap_or(Path::new("/"));
    let unknown =
        |error: std::io::Error| UseCaseError::Unavailable(format!("the room of {}: {error}", folder.display()));
    let room = context.machine.room(folder).await.map_err(unknown)?;
    Ok(too_full(room, u64::from(rules.threshold(AlertKind::DiskSpace))).into_iter().collect())
}

fn too_full(room: Room, least_percent: u64) -> Option<Raised> {
    let percent = (room.free_bytes.saturating_mul(100)).checked_div(room.all_bytes)?;
    (percent < least_percent).then(|| {
        let why = format!("{percent} % free ({} GB) where the data lie", tenths(room.free_bytes));
        of(AlertKind::DiskSpace, "data", "The disk is almost full".into(), why, "/alerts")
    })
}

async fn database(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let bytes = looking.context.machine.engine(&looking.context.store).await?.bytes;
    let most = u64::from(looking.rules.threshold(AlertKind::DatabaseSize));
    Ok(too_large(bytes, most).into_iter().collect())
}

/// Gigabytes with one place behind the point.
fn tenths(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn too_large(bytes: u64, most_gb: u64) -> Option<Raised> {
    let gb = bytes / 1_000_000_000;
    (gb >= most_gb).then(|| {
        let why = format!("It has {gb} GB");
        of(AlertKind::DatabaseSize, "database", "The database has grown".into(), why, "/alerts")
    })
}

async fn backup(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let last = backups::last(looking.context, looking.scope).await?;
    let late = SignedDuration::from_hours(i64::from(looking.rules.threshold(AlertKind::BackupFailed)));
    Ok(missing(last, late, looking.context.now()).into_iter().collect())
}

/// An installation that is copied by other means was never copied by ours, and is not alarmed.
fn missing(last: Backups, late: SignedDuration, now: Timestamp) -> Option<Raised> {
    let ok = last.ok_at.map_or("none was ever finished".to_owned(), |at| {
        format!("the last good one is of {}", at.strftime("%Y-%m-%d %H:%M UTC"))
    });
    let (title, why) = match (last.failed_at, last.ok_at) {
        (Some(failed), _) => {
            ("The backup failed", format!("It failed at {}; {ok}", failed.strftime("%Y-%m-%d %H:%M UTC")))
        }
        (None, Some(at)) if now.duration_since(at) >= late => {
            ("The backup is late", format!("No copy for {}; {ok}", span(now.duration_since(at))))
        }
        _ => return None,
    };
    Some(of(AlertKind::BackupFailed, "backup", title.to_owned(), why, "/alerts"))
}

/// Seconds of some minutes, else a length of time.
fn difference(apart: SignedDuration) -> String {
    if apart < SignedDuration::from_mins(10) { format!("{} s", apart.as_secs()) } else { span(apart) }
}

/// The clock of the database, and those of other systems as their tests found them.
async fn clocks(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let most = i64::from(rules.threshold(AlertKind::ClockOff));
    let mut found = Vec::new();
    if let Some(theirs) = context.machine.engine(&context.store).await?.clock {
        let apart = theirs.duration_since(context.now()).abs();
        if apart.as_secs() > most {
            let why = format!("It differs from this server's by {}", difference(apart));
            found.push(of(AlertKind::ClockOff, "database", "The clock of the database is off".into(), why, "/alerts"));
        }
    }
    for record in context.store.connections.all(scope).await? {
        let report = record.tested.as_deref().and_then(|text| serde_json::from_str::<Report>(text).ok());
        let Some(apart) = report.and_then(|report| report.clock_apart_s).filter(|_| record.enabled) else { continue };
        if apart.abs() > most {
            let title = format!("The clock of {} is off", visible_line(&record.label));
            let by = difference(SignedDuration::from_secs(apart.abs()));
            let why = format!("It differed by {by} when the connection was last tested");
            let link = format!("/connections/{}", record.name);
            found.push(of(AlertKind::ClockOff, &record.name, title, why, &link));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_too_full_below_its_share() {
        let room = |free_bytes| Room { free_bytes, all_bytes: 1_000 };
        assert_eq!(too_full(room(100), 10).map(|raised| raised.kind), None);
        assert_eq!(too_full(room(99), 10).map(|raised| raised.kind), Some(AlertKind::DiskSpace));
        assert!(too_full(Room { free_bytes: 0, all_bytes: 0 }, 10).is_none(), "nothing is known");
    }

    #[test]
    fn a_database_has_grown_from_its_size_on() {
        assert!(too_large(49_999_999_999, 50).is_none());
        assert!(too_large(50_000_000_000, 50).is_some());
    }

    #[test]
    fn a_copy_that_failed_or_is_late_is_missing() {
        let at = |text: &str| Some(text.parse().unwrap());
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let title = |ok_at, failed_at| {
            missing(Backups { ok_at, failed_at }, SignedDuration::from_hours(26), now).map(|raised| raised.title)
        };
        assert_eq!(title(None, None), None, "copied by other means");
        assert_eq!(title(at("2026-03-09T12:00:00Z"), None), None);
        assert_eq!(title(at("2026-03-09T09:00:00Z"), None).as_deref(), Some("The backup is late"));
        assert_eq!(title(at("2026-03-10T02:00:00Z"), at("2026-03-10T11:00:00Z")).as_deref(), Some("The backup failed"));
        assert_eq!(title(None, at("2026-03-10T11:00:00Z")).as_deref(), Some("The backup failed"));
    }
}
