//! How connections stand: for the pages and the command line.

use super::{
    catalogue,
    opened::{self, Opened, named},
};
use crate::{
    caller::Caller,
    context::Context,
    destinations::breaker::{Admission, admission},
    error::Result,
};
use domain::{access::Permission, routing::Takes};
use jiff::Timestamp;
use outbound::{
    Decision, ErrorClass,
    check::{CheckOutcome, Report, time_left},
    template::{Family, Template},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use storage::{
    connections::ConnectionRecord,
    destinations::Breaker,
    inbox::{MessageRecord, MessageSelection},
    jobs::{DestinationSummary, ErrorCount, JobFilter},
};

/// Hours of traffic that are shown.
pub const HOURS: usize = 24;

/// Whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKind {
    /// It fails: its jobs wait for the next probe, or it cannot be used at all.
    Broken,
    /// The other system limits the rate.
    RateLimited,
    /// It is in use, but its test or jobs that it was called for failed.
    Failing,
    /// It is in use, and its secret ends soon.
    Expiring,
    /// A person paused it.
    Paused,
    /// It is not in use.
    Disabled,
    /// It is in use.
    Active,
}

impl StateKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::RateLimited => "rate_limited",
            Self::Failing => "failing",
            Self::Expiring => "expiring",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Active => "active",
        }
    }
}

/// How a connection stands, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it works.
    pub is: StateKind,
    /// Since when; of a rate limit until when.
    pub since: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// How a connection stands.
pub fn state_of(record: &ConnectionRecord, unusable: Option<&str>, breaker: &Breaker, now: Timestamp) -> State {
    let state = |is, since, why: &str| State { is, since, why: why.to_owned() };
    if !record.enabled {
        return state(StateKind::Disabled, record.disabled_at, "");
    }
    if let Some(why) = unusable {
        return state(StateKind::Broken, None, why);
    }
    if let Some(pause) = &breaker.paused {
        return state(StateKind::Paused, Some(pause.at), &pause.why);
    }
    let health = &breaker.health;
    if let Some(until) = health.limited_until.filter(|until| *until > now) {
        return state(StateKind::RateLimited, Some(until), "the other system limits the rate of calls");
    }
    let failing = health.last_error.as_deref().map(|code| why_failing(record, code)).unwrap_or_default();
    match admission(breaker, now) {
        Admission::All => state(StateKind::Active, None, if health.failures > 0 { &failing } else { "" }),
        Admission::Probe | Admission::Nobody => state(StateKind::Broken, health.failing_since, &failing),
    }
}

/// Why calls of a connection fail that end with this class of error.
fn why_failing(record: &ConnectionRecord, code: &str) -> String {
    let Some(class) = ErrorClass::from_code(code) else { return String::new() };
    let name = &record.name;
    match (class, catalogue::family(&record.connector)) {
        (ErrorClass::Misconfigured, Some(Family::Orders)) => format!(
            "A field, an app or the database is missing in Odoo: test it to see which; `milepost odoo setup --connection {name}` makes \
             the fields"
        ),
        (ErrorClass::Misconfigured, _) => {
            "The queue or its fields are missing, or the settings are wrong: test it to see what is missing".to_owned()
        }
        (ErrorClass::MissingRight, _) => {
            "The user of its secret lacks a right: its test, or a job that waits, says which".to_owned()
        }
        _ => class.meaning().to_owned(),
    }
}

/// What answers may fail all the same: jobs that failed for good wait for a person, others for what its set-up lacks, and a test that
/// found a fault for both. And what works may soon do so no more, since its secret ends.
pub(super) fn with_failures(
    state: State,
    record: &ConnectionRecord,
    jobs: Option<&DestinationSummary>,
    report: Option<&Report>,
    now: Timestamp,
) -> State {
    let dead = jobs.map_or(0, |jobs| jobs.dead);
    let unready = jobs.map_or(0, waiting_for_setup);
    let why = match (state.is, dead, unready) {
        (StateKind::Active, 1, _) => "1 job failed for good".to_owned(),
        (StateKind::Active, 2.., _) => format!("{dead} jobs failed for good"),
        (StateKind::Active, 0, 1) => "1 job waits for a field or a right".to_owned(),
        (StateKind::Active, 0, 2..) => format!("{unready} jobs wait for a field or a right"),
        (StateKind::Active, 0, 0)
            if report.is_some_and(|report| !report.passed() && !is_outweighed(report, record)) =>
        {
            "its last test failed".to_owned()
        }
        (StateKind::Active, 0, 0) => match report.and_then(|report| expiry(record, report, now)) {
            Some(why) => return State { is: StateKind::Expiring, since: None, why },
            None => return state,
        },
        _ => return state,
    };
    State { is: StateKind::Failing, since: None, why }
}

/// Whether a test that got no answer was followed by a call that went well.
fn is_outweighed(report: &Report, record: &ConnectionRecord) -> bool {
    let mut checks = report.checks.iter().map(|check| check.outcome);
    let unreached = report.system.is_none()
        && checks.next() == Some(CheckOutcome::Failed)
        && checks.len() > 0
        && checks.all(|outcome| matches!(outcome, CheckOutcome::NotRun | CheckOutcome::Warning));
    unreached && record.last_ok_at.is_some_and(|at| at > report.at)
}

/// When the secret of a connection ends, where that is soon, as its last test found it.
fn expiry(record: &ConnectionRecord, report: &Report, now: Timestamp) -> Option<String> {
    let ends = report.secret_ends?;
    let left = time_left(ends, now)?;
    let label = catalogue::template(&record.connector).map_or("secret", |template| template.secret_label);
    Some(format!("its {label} ends on {}, {left}", ends.strftime("%Y-%m-%d")))
}

/// How many jobs wait until the connection is set up.
fn waiting_for_setup(jobs: &DestinationSummary) -> u64 {
    let is_setup = |class: &str| ErrorClass::from_code(class).is_some_and(|it| it.decision() == Decision::AwaitSetup);
    let waiting = jobs.errors.iter().filter(|error| error.filter == JobFilter::Retrying && is_setup(&error.class));
    waiting.map(|error| error.count).sum()
}

/// The kept report of a test.
pub(super) fn report_of(record: &ConnectionRecord) -> Option<Report> {
    record.tested.as_deref().and_then(|report| serde_json::from_str(report).ok())
}

/// A connection in the list.
#[derive(Clone, Debug)]
pub struct Overview {
    /// As it is stored.
    pub record: ConnectionRecord,
    /// Its connector; none where this version has no such one.
    pub template: Option<Template>,
    /// The settings.
    pub settings: Map<String, Value>,
    /// Which exceptions a desk takes.
    pub takes: Takes,
    /// How it stands.
    pub state: State,
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// Jobs that wait.
    pub waiting: u64,
    /// Of these, jobs that are tried again.
    pub retrying: u64,
    /// Jobs that failed or are tried again, by class.
    pub errors: Vec<ErrorCount>,
    /// Jobs that failed for good.
    pub dead: u64,
    /// What went well and what failed in each of the last [`HOURS`], oldest first.
    pub hours: Vec<(u64, u64)>,
    /// How many secrets are valid.
    pub secrets: usize,
    /// What its test last found.
    pub report: Option<Report>,
}

impl Overview {
    /// What went well and what failed in the last [`HOURS`].
    pub fn traffic(&self) -> (u64, u64) {
        self.hours.iter().fold((0, 0), |(ok, failed), hour| (ok + hour.0, failed + hour.1))
    }

    /// Whether jobs call it: all but sources, of which the keys are fetched at most.
    pub fn is_called(&self) -> bool {
        let sends = self.template.as_ref().is_none_or(|template| template.family == Family::Carrier);
        !sends || self.settings.get("keys_url").is_some_and(|url| !url.is_null())
    }

    /// The settings as they are typed.
    pub fn fields(&self) -> BTreeMap<String, String> {
        opened::fields_of(&self.record)
    }
}

/// Every connection, by name.
///
/// # Errors
/// When the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<Overview>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let all = opened::all(context, scope).await?;
    overviews(context, caller, all.into_iter().filter(|one| !one.is_removed()).collect()).await
}

async fn overviews(context: &Context, caller: &Caller, all: Vec<Opened>) -> Result<Vec<Overview>> {
    let (scope, now) = (caller.scope(), context.now());
    let newest = now.as_second().div_euclid(3_600);
    let oldest = newest - i64::try_from(HOURS).unwrap_or(i64::MAX) + 1;
    let hours = context.store.connections.hours(scope, oldest).await?;
    let mut breakers = context.store.destinations.breakers(scope).await?;
    let jobs = context.store.jobs.summary(scope, now).await?;
    let live = context.connections.now();
    let overview = |opened: Opened| {
        let secrets = opened.secrets().len();
        let Opened { record, secrets: readable, .. } = opened;
        let breaker = breakers.remove(&record.name).unwrap_or_default();
        let unusable = readable.err().or_else(|| live.get(&record.name).and_then(|connection| connection.unusable()));
        let mut shown = vec![(0, 0); HOURS];
        for hour in hours.iter().filter(|hour| hour.connection == record.name) {
            if let Some(place) = usize::try_from(hour.hour - oldest).ok().and_then(|place| shown.get_mut(place)) {
                *place = (hour.ok, hour.failed);
            }
        }
        let of_jobs = jobs.iter().find(|one| one.destination == record.name);
        let (dead, report) = (of_jobs.map_or(0, |one| one.dead), report_of(&record));
        Overview {
            template: catalogue::template(&record.connector),
            settings: serde_json::from_str(&record.settings).unwrap_or_default(),
            takes: serde_json::from_str(&record.takes).unwrap_or_default(),
            state: with_failures(state_of(&record, unusable, &breaker, now), &record, of_jobs, report.as_ref(), now),
            waiting: of_jobs.map_or(0, |one| one.pending),
            retrying: of_jobs.map_or(0, |one| one.retrying),
            errors: of_jobs.map(|one| one.errors.clone()).unwrap_or_default(),
            dead,
            hours: shown,
            secrets,
            report,
            breaker,
            record,
        }
    };
    Ok(all.into_iter().map(overview).collect())
}

/// A connection with its newest messages.
#[derive(Clone, Debug)]
pub struct Details {
    /// As in the list.
    pub overview: Overview,
    /// The newest messages of a source.
    pub messages: Vec<MessageRecord>,
}

/// A connection of this name.
///
/// # Errors
/// Where there is none.
pub async fn one(context: &Context, caller: &Caller, name: &str) -> Result<Details> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let found = named(context, scope, name).await?;
    if found.is_removed() {
        return Err(crate::UseCaseError::NotFound("connection"));
    }
    let id = found.record.id;
    let mut overview = overviews(context, caller, vec![found]).await?;
    let overview = overview.pop().ok_or(crate::UseCaseError::NotFound("connection"))?;
    let mut messages = Vec::new();
    if overview.template.as_ref().is_some_and(|template| template.family == Family::Carrier) {
        let which = MessageSelection { source: Some(id), ..MessageSelection::default() };
        messages = context.store.inbox.messages(scope, which, None).await?.rows;
    }
    Ok(Details { overview, messages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{SourceId, SubjectId};
    use outbound::check::Check;
    use storage::{
        Actor, Sealed,
        destinations::{Health, Pause},
    };
    use uuid::Uuid;

    #[test]
    fn a_call_that_went_well_outweighs_a_test_that_got_no_answer() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let id = Uuid::from_u128(1);
        let secrets = Sealed { subject: SubjectId(id), bytes: Vec::new() };
        let record = ConnectionRecord::new(SourceId(id), "odoo", "odoo", secrets, at(1));
        let check = |outcome| Check { what: String::new(), outcome, detail: String::new(), todo: None, millis: 0 };
        let is = |outcomes: &[CheckOutcome], system: Option<&str>, ok_at: Option<i64>| {
            let checks = outcomes.iter().copied().map(check).collect();
            let system = system.map(str::to_owned);
            let report = Report { at: at(10), system, secret_ends: None, clock_apart_s: None, checks };
            let record = ConnectionRecord { last_ok_at: ok_at.map(at), ..record.clone() };
            let active = state_of(&record, None, &Breaker::default(), at(20));
            with_failures(active, &record, None, Some(&report), at(20)).is
        };
        use CheckOutcome::{Failed, NotRun, Passed, Warning};
        let unreached = [Failed, NotRun, NotRun, Warning];
        assert_eq!(is(&unreached, None, None), StateKind::Failing);
        assert_eq!(is(&unreached, None, Some(9)), StateKind::Failing, "that was before");
        assert_eq!(is(&unreached, None, Some(11)), StateKind::Active);
        assert_eq!(
            is(&[Passed, Failed, NotRun], Some("Odoo 19.0"), Some(11)),
            StateKind::Failing,
            "the newest key is refused"
        );
        assert_eq!(is(&[Failed], None, Some(11)), StateKind::Failing, "of a source");
    }

    #[test]
    fn a_state_is_the_strongest_that_holds() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let later = now.checked_add(jiff::SignedDuration::from_secs(30)).unwrap();
        let id = Uuid::from_u128(1);
        let secrets = Sealed { subject: SubjectId(id), bytes: Vec::new() };
        let record = ConnectionRecord::new(SourceId(id), "odoo", "odoo", secrets, now);
        let is = |record: &ConnectionRecord, unusable, breaker: &Breaker| state_of(record, unusable, breaker, now).is;
        let mut breaker = Breaker::default();
        assert_eq!(is(&record, None, &breaker), StateKind::Active);
        breaker.health = Health { open_until: Some(later), failures: 5, ..Health::default() };
        assert_eq!(is(&record, None, &breaker), StateKind::Broken);
        breaker.health.limited_until = Some(later);
        assert_eq!(is(&record, None, &breaker), StateKind::RateLimited);
        breaker.paused = Some(Pause { at: now, by: Actor::Operator, why: "an upgrade".into() });
        assert_eq!(
            state_of(&record, None, &breaker, now),
            State { is: StateKind::Paused, since: Some(now), why: "an upgrade".into() }
        );
        assert_eq!(is(&record, Some("no database"), &breaker), StateKind::Broken);
        let disabled = ConnectionRecord { enabled: false, ..record };
        assert_eq!(is(&disabled, Some("no database"), &breaker), StateKind::Disabled);
    }
}
