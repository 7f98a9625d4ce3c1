//! What the test of a connection finds: each thing that is needed, whether it is there, and what to do where it is not. A report is
//! kept in clear, so it has our own words alone.

use crate::{CallError, ErrorClass, missing::Missing, template::Template};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Clocks may differ by so much.
pub const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);

/// A secret that ends is announced so long before.
pub const EXPIRY_NOTICE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it was run.
    pub at: Timestamp,
    /// Which system answered: `Odoo 19.0`.
    #[serde(default)]
    pub system: Option<String>,
    /// When the secret ends; none where it does not, or the system does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ends: Option<Timestamp>,
    /// By how many seconds the other system's clock is ahead of ours; none where it was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_apart_s: Option<i64>,
    /// Each check, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != CheckOutcome::Failed)
    }
}

/// One thing that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was found.
    pub what: String,
    /// How it is.
    pub outcome: CheckOutcome,
    /// The details.
    #[serde(default)]
    pub detail: String,
    /// What a person can do.
    #[serde(default)]
    pub todo: Option<String>,
    /// How long it took.
    #[serde(default)]
    pub millis: u64,
}

impl Check {
    /// What was found, with the details.
    pub fn found(&self) -> String {
        match self.detail.as_str() {
            "" => self.what.clone(),
            detail => format!("{} ({detail})", self.what),
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It is as it should be.
    Passed,
    /// It is not: the connection does not work.
    Failed,
    /// It works, but a person should look.
    Warning,
    /// It needs what failed before.
    NotRun,
}

/// What is tested, for people.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The connector's label: `Odoo`.
    pub label: &'a str,
    /// The address.
    pub address: &'a str,
    /// What the secret is called: `API key`.
    pub secret_label: &'a str,
    /// Where the secret is found.
    pub secret_help: &'a str,
}

/// The check of what the connection's user needs.
pub const RIGHTS: &str = "Rights and fields";

/// What went wrong, in short and in detail, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    what: String,
    detail: String,
    todo: String,
}

impl Explained {
    fn new(what: String, detail: &str, todo: &str) -> Self {
        Self { what, detail: capital(detail), todo: todo.to_owned() }
    }
}

impl<'a> Subject<'a> {
    /// A system of this connector at this address.
    pub const fn of(template: &'a Template, address: &'a str) -> Self {
        let Template { label, secret_label, secret_help, .. } = template;
        Self { label, address, secret_label, secret_help }
    }
}

impl Subject<'_> {
    /// Why the address is not the system's.
    pub fn unreached(&self, error: &CallError) -> Explained {
        let (Self { label, address, .. }, detail) = (self, error.message.as_str());
        match error.class {
            ErrorClass::Unreachable => {
                let todo = error.advice.map(|advice| format!("{}.", capital(advice)));
                let todo = todo.unwrap_or_else(|| "Check the URL, and that this server may reach it.".into());
                Explained::new(format!("Cannot reach {address}"), detail, &todo)
            }
            ErrorClass::TimeoutBeforeSend | ErrorClass::NoAnswer => {
                let todo = "Check the URL, the network, and the load of the system.";
                Explained::new(format!("No answer from {address} in time"), "", todo)
            }
            ErrorClass::ServerError | ErrorClass::RateLimited | ErrorClass::Conflict => {
                let what = format!("{label} at {address} does not answer properly");
                Explained::new(what, detail, error.class.what_to_do())
            }
            // it answered, and says itself that it is too old
            ErrorClass::Misconfigured if error.status == Some(200) => {
                Explained::new(format!("This {label} cannot be used"), detail, &format!("Update {label}."))
            }
            _ => {
                let todo = format!("Use the address under which you open {label}, and check its host, port and path.");
                Explained::new(format!("No {label} answers at {address}"), detail, &todo)
            }
        }
    }

    /// Why the system, which answers under its address, does not take the settings.
    pub fn unsuited(&self, error: &CallError) -> Explained {
        let todo = error.advice.map(|advice| format!("{}.", capital(advice)));
        let todo = todo.unwrap_or_else(|| "Check the settings, first the name of the database or queue.".into());
        Explained::new(format!("{} does not accept the settings", self.label), &error.message, &todo)
    }

    /// Why the system does not do what is asked of it.
    pub fn refused(&self, error: &CallError) -> Explained {
        let (Self { label, secret_label, secret_help, .. }, detail) = (self, error.message.as_str());
        match error.class {
            ErrorClass::Unauthorized => Explained::new(format!("{secret_label} not accepted"), detail, secret_help),
            ErrorClass::Forbidden | ErrorClass::MissingRight => {
                let todo = format!("Grant the right in {label}, then test again.");
                Explained::new(format!("{secret_label}: its user lacks a right"), detail, &todo)
            }
            // it answered before under this address
            ErrorClass::Misconfigured | ErrorClass::NotFound | ErrorClass::BadAnswer if error.status != Some(200) => {
                self.unsuited(&CallError { advice: None, ..error.clone() })
            }
            _ => self.unreached(error),
        }
    }
}

/// A report that is being made. Each check lasts from the one before it.
pub struct Building<'a> {
    subject: Subject<'a>,
    at: Timestamp,
    system: Option<String>,
    secret_ends: Option<Timestamp>,
    clock_apart_s: Option<i64>,
    checks: Vec<Check>,
    started: Instant,
}

impl<'a> Building<'a> {
    /// Nothing is checked yet.
    pub fn new(subject: Subject<'a>, at: Timestamp) -> Self {
        Self {
            subject,
            at,
            system: None,
            secret_ends: None,
            clock_apart_s: None,
            checks: Vec::new(),
            started: Instant::now(),
        }
    }

    fn add(&mut self, what: &str, outcome: CheckOutcome, detail: &str, todo: Option<String>) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started = Instant::now();
        self.checks.push(Check { what: what.to_owned(), outcome, detail: detail.to_owned(), todo, millis });
    }

    /// This version of the system answered. What is no version is a text of somebody else's, and is not kept.
    pub fn answered(&mut self, version: &str) {
        let label = self.subject.label;
        self.system = is_version(version).then(|| format!("{label} {version}"));
    }

    /// Something is as it should be.
    pub fn passed(&mut self, what: &str, detail: &str) {
        self.add(what, CheckOutcome::Passed, detail, None);
    }

    /// Something is not, so that these cannot be checked.
    pub fn failed(mut self, Explained { what, detail, todo }: Explained, not_run: &[&str]) -> Report {
        self.add(&what, CheckOutcome::Failed, &detail, Some(todo));
        for what in not_run {
            self.checks.push(Check {
                what: (*what).to_owned(),
                outcome: CheckOutcome::NotRun,
                detail: String::new(),
                todo: None,
                millis: 0,
            });
        }
        self.end()
    }

    /// How far the two clocks differ.
    pub fn clock(&mut self, apart: SignedDuration) {
        self.clock_apart_s = Some(apart.as_secs());
        let seconds = apart.abs().as_secs();
        if apart.abs() > CLOCK_SKEW_MAX {
            let what = format!("The clocks differ by {seconds} s");
            let todo = "Set up time synchronisation on both machines.".to_owned();
            self.add(&what, CheckOutcome::Warning, "", Some(todo));
        } else {
            self.passed("Clock in step", "");
        }
    }

    /// When the secret ends; the detail says how far that is known.
    pub fn expires(&mut self, at: Timestamp, detail: &str) {
        self.secret_ends = Some(at);
        let (label, day) = (self.subject.secret_label, at.strftime("%Y-%m-%d"));
        match time_left(at, self.at) {
            None => self.passed(&format!("{label} valid until {day}"), detail),
            Some(left) => {
                let system = self.subject.label;
                let todo =
                    format!("Make a new one in {system} and rotate it here, then remove the old one in {system}.");
                self.add(&format!("{label} ends on {day}, {left}"), CheckOutcome::Warning, detail, Some(todo));
            }
        }
    }

    /// It works, and a person should look all the same.
    pub fn warns(&mut self, what: &str, todo: &str) {
        self.add(what, CheckOutcome::Warning, "", Some(capital(todo)));
    }

    /// What the connection's user lacks; the last check. What one thing mends is one fault.
    pub fn rights(mut self, missing: Vec<Missing>) -> Report {
        if missing.is_empty() {
            self.passed(RIGHTS, "complete");
        }
        let mut faults: Vec<(String, Vec<String>)> = Vec::new();
        for Missing { what, todo } in missing {
            match faults.iter_mut().find(|(known, _)| *known == todo) {
                Some((_, all)) => all.push(what),
                None => faults.push((todo, vec![what])),
            }
        }
        for (todo, all) in faults {
            let (more, detail) = match all.len() {
                1 => (String::new(), String::new()),
                n => (format!(" and {} more", n - 1), all[1..].join(", ")),
            };
            let what = format!("Missing in {}: {}{more}", self.subject.label, all[0]);
            self.add(&what, CheckOutcome::Failed, &detail, Some(capital(&todo)));
        }
        self.end()
    }

    /// Everything was checked.
    pub fn end(self) -> Report {
        let Self { at, system, secret_ends, clock_apart_s, checks, .. } = self;
        Report { at, system, secret_ends, clock_apart_s, checks }
    }
}

/// In what time a secret ends, where that is to be announced: `in 9 days`.
pub fn time_left(ends: Timestamp, now: Timestamp) -> Option<String> {
    let left = ends.duration_since(now);
    let days = left.as_hours() / 24;
    match days {
        _ if left > EXPIRY_NOTICE => None,
        _ if left <= SignedDuration::ZERO => Some("which is over".into()),
        0 => Some("in less than a day".into()),
        1 => Some("in 1 day".into()),
        _ => Some(format!("in {days} days")),
    }
}

/// Words that stand alone.
fn capital(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// Characters of a version.
const VERSION_CHARS_MAX: usize = 40;

fn is_version(text: &str) -> bool {
    let of_versions = |c: char| c.is_ascii_alphanumeric() || ".~+-".contains(c);
    (1..=VERSION_CHARS_MAX).contains(&text.len()) && text.chars().all(of_versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_ends_is_announced_two_weeks_ahead() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        for (ends, left) in [
            ("2026-03-24T12:00:01Z", None),
            ("2026-03-24T12:00:00Z", Some("in 14 days")),
            ("2026-03-19T13:00:00Z", Some("in 9 days")),
            ("2026-03-11T12:00:00Z", Some("in 1 day")),
            ("2026-03-10T13:00:00Z", Some("in less than a day")),
            ("2026-03-10T12:00:00Z", Some("which is over")),
        ] {
            assert_eq!(time_left(ends.parse().unwrap(), now).as_deref(), left, "{ends}");
        }
    }

    #[test]
    fn only_a_version_is_kept_of_what_a_system_says_of_itself() {
        for version in ["19.0", "saas~18.2+e", "5.0.7", "19.0-20261101"] {
            assert!(is_version(version), "{version}");
        }
        let markup = "<b>19.0</b>".repeat(100_000);
        for text in ["", "19.0 of Jane Doe", "19.0\n", "19.0\u{202e}", &"9".repeat(41), &markup] {
            assert!(!is_version(text), "{}", text.len());
        }
    }
}
