//! `milepost connection`: the systems that messages come from and that Milepost calls.

use super::admin::secret_from_stdin;
use crate::log;
use anyhow::{Result, anyhow, bail, ensure};
use application::{
    caller::Caller,
    cases::reports,
    connections::catalogue,
    connections::{self, Expected, NewConnection, Overview, overview::HOURS},
    context::Context,
    destinations::breaker::{Admission, admission},
    error::UseCaseError,
    jobs::errors,
};
use clap::{Args, Subcommand};
use desks::{HookProof, hooks::SECRET_HEADER};
use domain::{Severity, routing::Takes};
use jiff::Timestamp;
use outbound::check::{Check, CheckOutcome, Report};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Arc;
use storage::{Scope, destinations::Breaker};

/// Connections to other systems: sources of messages, order systems, service desks.
#[derive(Subcommand)]
pub enum Connection {
    /// Show the connections and their status.
    List {
        /// As JSON, for machines.
        #[arg(long)]
        json: bool,
    },
    /// Show one connection.
    Show {
        /// Its name.
        name: String,
        /// As JSON, for machines.
        #[arg(long)]
        json: bool,
    },
    /// Make or change a connection; its secret is read from standard input. A new one is not in use before it is enabled.
    Put(Box<Put>),
    /// Test a connection: address, secret, rights.
    Test {
        /// Its name.
        name: String,
        /// As JSON, for machines.
        #[arg(long)]
        json: bool,
    },
    /// Set a new secret, read from standard input, and test it; the one before stays valid beside it.
    Rotate {
        /// Its name.
        name: String,
        /// Instead: forget the secret from before the last change, once the newest is as good.
        #[arg(long)]
        retire_old: bool,
    },
    /// Let its jobs wait; nothing is lost.
    Pause {
        /// Its name.
        name: String,
        /// The reason, for others and for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let its jobs go on.
    Resume {
        /// Its name.
        name: String,
    },
    /// Enable it.
    Enable {
        /// Its name.
        name: String,
    },
    /// Disable it: its messages are refused, its jobs wait.
    Disable {
        /// Its name.
        name: String,
        /// The reason, for the audit trail.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// Remove one that is disabled: its secret is forgotten, its waiting work and its open differences end, and its deliveries that are not
    /// over count as deleted in Odoo.
    Remove {
        /// Its name.
        name: String,
        /// The reason, for the audit trail.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// Show what to enter at a service desk so that it reports changes: an address and a secret.
    Reports {
        /// The desk's name.
        name: String,
        /// Take the secret that the platform made itself; it is read from standard input.
        #[arg(long, conflicts_with = "own")]
        given: bool,
        /// Go back to the secret that Milepost makes.
        #[arg(long)]
        own: bool,
        /// Make a new secret; the one before it counts for 7 more days.
        #[arg(long, conflicts_with_all = ["given", "own"])]
        renew: bool,
    },
    /// Show the connectors, or the settings of one.
    Templates {
        /// The connector.
        connector: Option<String>,
    },
}

/// A connection as an admin sets it.
#[derive(Args)]
pub struct Put {
    /// Its name: lower case letters, digits, hyphens; it is never changed.
    name: String,
    /// The connector, e.g. odoo, request_tracker, aftership (`milepost connection templates` shows all).
    #[arg(long)]
    connector: Option<String>,
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// It leads to a test system.
    #[arg(long, conflicts_with = "production")]
    sandbox: bool,
    /// It leads to the real system.
    #[arg(long)]
    production: bool,
    /// A setting, e.g. url=https://odoo.example.com; may be given several times. Empty: as if it were not set.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Who looks after it.
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// A link to what to do when it fails.
    #[arg(long, value_name = "URL")]
    runbook: Option<String>,
    /// A kind of data that goes over it; may be given several times.
    #[arg(long = "data-class", value_name = "TEXT")]
    data_classes: Vec<String>,
    /// Which exceptions a service desk takes: company=, warehouse=, carrier=, severity=; may be given several times.
    /// `any` alone: every one.
    #[arg(long = "takes", value_name = "WHAT=VALUE")]
    takes: Vec<String>,
    /// Keep the secret that it has; none is read.
    #[arg(long)]
    keep_secret: bool,
    /// The same system, with the same records, is reached at another address or under another name of its database now. Without
    /// it a connection that was used leads to no other place.
    #[arg(long, conflicts_with = "keep_secret")]
    moved: bool,
    /// Use it at once.
    #[arg(long)]
    on: bool,
}

impl Connection {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List { json } => list(&context, &caller, json).await?,
            Self::Show { name, json } => show(&context, &caller, &name, json).await?,
            Self::Put(put) => put.run(&context, &caller).await?,
            Self::Test { name, json } => {
                let report = connections::test(&context, &caller, &name).await.map_err(of(&name))?;
                if json {
                    say!("{}", serde_json::to_string(&report)?);
                } else {
                    print(&report);
                }
                let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed).count();
                ensure!(failed == 0, "{name}: {failed} {} failed", if failed == 1 { "check" } else { "checks" });
            }
            Self::Rotate { name, retire_old: true } => {
                connections::retire_old(&context, &caller, &name).await.map_err(of(&name))?;
                say!("{name} has one secret again; its test finds:");
                print(&connections::test(&context, &caller, &name).await?);
            }
            Self::Rotate { name, retire_old: false } => {
                let secret = secret_from_stdin("new secret")?;
                let valid = connections::rotate(&context, &caller, &name, &secret).await.map_err(of(&name))?;
                say!("{name} has a new secret; its test finds:");
                print(&connections::test(&context, &caller, &name).await?);
                if valid > 1 {
                    say!("the one before stays valid until `milepost connection rotate {name} --retire-old`");
                }
            }
            Self::Pause { name, why } => {
                connections::pause(&context, &caller, &name, &why).await.map_err(of(&name))?;
                say!("{name} is paused: its jobs wait");
            }
            Self::Resume { name } => {
                let before = connections::one(&context, &caller, &name).await.map_err(of(&name))?.overview.breaker;
                connections::resume(&context, &caller, &name).await?;
                match before.paused {
                    Some(_) => say!("{name} is resumed: its jobs go on"),
                    None => {
                        say!("{name} was not paused; where its calls failed or were limited, they are tried again now")
                    }
                }
            }
            Self::Enable { name } => enable(&context, &caller, &name).await?,
            Self::Disable { name, why } => {
                connections::switch(&context, &caller, &name, false, &why).await.map_err(of(&name))?;
                say!("{name} is disabled: its messages are refused, its jobs wait");
            }
            Self::Remove { name, why } => {
                connections::remove(&context, &caller, &name, &why).await.map_err(of(&name))?;
                say!("{name} is removed: its secret is forgotten, what waited for it has ended");
            }
            Self::Reports { name, given, own, renew } => {
                if renew {
                    reports::renew_secret(&context, &caller, &name).await.map_err(of(&name))?;
                }
                if given || own {
                    let secret = if given { Some(secret_from_stdin("secret of the reports")?.into()) } else { None };
                    reports::give_secret(&context, &caller, &name, secret).await.map_err(of(&name))?;
                }
                let desk = reports::reporting(&context, &caller, &name).await.map_err(of(&name))?;
                say!("address: {}", desk.address);
                let secret = desk.secret.expose_secret();
                match (desk.is_given, desk.proof) {
                    (true, _) => say!(
                        "secret:  {secret} (for the page beside a ticket; reports have the platform's own, as given)"
                    ),
                    (false, HookProof::Signature) => say!("secret:  {secret} (the platform signs with it)"),
                    (false, HookProof::SharedSecret) => say!(
                        "secret:  {secret} (in the header {SECRET_HEADER}; where none can be sent, ?secret=… behind the address)"
                    ),
                }
            }
            Self::Templates { connector } => templates(connector.as_deref())?,
        }
        Ok(())
    }
}

impl Put {
    async fn run(self, context: &Context, caller: &Caller) -> Result<()> {
        let known = connections::list(context, caller).await?.into_iter().find(|one| one.record.name == self.name);
        let name = self.name.clone();
        let secret = if self.keep_secret { None } else { Some(secret_from_stdin("secret")?) };
        connections::put(context, caller, self.changed(known.as_ref(), secret)?).await?;
        let kept = connections::one(context, caller, &name).await?;
        match kept.overview.record.enabled {
            true => say!("{name} is kept and in use"),
            false => say!(
                "{name} is kept; nothing is read or sent before `milepost connection enable {name}` (test it first: `milepost connection test {name}`)"
            ),
        }
        Ok(())
    }

    /// The connection that was read, with what the command changes.
    fn changed(self, known: Option<&Overview>, secret: Option<String>) -> Result<NewConnection> {
        let Some(connector) = self.connector.clone().or_else(|| known.map(|one| one.record.connector.clone())) else {
            bail!("{} is new: name its --connector (`milepost connection templates` shows them)", self.name);
        };
        let mut fields = known.map(Overview::fields).unwrap_or_default();
        for set in &self.set {
            let Some((field, value)) = set.split_once('=') else { bail!("--set {set}: write FIELD=VALUE") };
            fields.insert(field.trim().to_owned(), value.to_owned());
        }
        let record = known.map(|one| &one.record);
        let kept = |given: Option<String>, before: fn(&storage::connections::ConnectionRecord) -> &str| {
            given.unwrap_or_else(|| record.map(before).unwrap_or_default().to_owned())
        };
        Ok(NewConnection {
            // a secret is typed meanwhile, and what others change in that time stays
            expected: record.map_or(Expected::New, |record| Expected::Version(record.version)),
            label: kept(self.label, |record| &record.label),
            connector,
            sandbox: self.sandbox || (!self.production && record.is_some_and(|record| record.sandbox)),
            owner: kept(self.owner, |record| &record.owner),
            purpose: kept(self.purpose, |record| &record.purpose),
            runbook: kept(self.runbook, |record| &record.runbook),
            data_classes: match record {
                Some(record) if self.data_classes.is_empty() => record.data_classes.clone(),
                _ => self.data_classes,
            },
            takes: match known {
                Some(known) if self.takes.is_empty() => known.takes.clone(),
                _ => takes(&self.takes)?,
            },
            fields,
            secret: secret.map(Into::into),
            moved: self.moved,
            enabled: self.on.then_some(true),
            name: self.name,
        })
    }
}

async fn enable(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    connections::switch(context, caller, name, true, "").await.map_err(of(name))?;
    say!("{name} is enabled");
    Ok(())
}

/// What went wrong with the connection of this name; of one that is not there which are.
fn of(name: &str) -> impl Fn(UseCaseError) -> anyhow::Error {
    move |error| match error {
        UseCaseError::NotFound("connection") => {
            anyhow!("there is no connection {name}: `milepost connection list` shows those that there are")
        }
        error => error.into(),
    }
}

/// Which exceptions a desk takes, out of `what=value`.
fn takes(given: &[String]) -> Result<Takes> {
    let mut takes = Takes::default();
    if given == ["any"] {
        return Ok(takes);
    }
    for one in given {
        let Some((what, value)) = one.split_once('=') else { bail!("--takes {one}: write WHAT=VALUE, or any") };
        match what.trim() {
            "company" => takes.companies.push(value.trim().to_owned()),
            "warehouse" => takes.warehouses.push(value.trim().to_owned()),
            "carrier" => takes.carriers.push(value.trim().to_owned()),
            "severity" => takes.severities.push(severity(value.trim())?),
            _ => bail!("--takes {one}: there are company, warehouse, carrier and severity"),
        }
    }
    Ok(takes)
}

fn severity(word: &str) -> Result<Severity> {
    let named = serde_json::from_value(Value::String(word.to_uppercase()));
    named.map_err(|_| anyhow::anyhow!("severity {word}: there are minor, major and critical"))
}

async fn list(context: &Context, caller: &Caller, json: bool) -> Result<()> {
    let all = connections::list(context, caller).await?;
    if json {
        let all: Vec<Value> = all.iter().map(as_json).collect();
        say!("{}", json!({ "connections": all }));
        return Ok(());
    }
    for one in &all {
        let (ok, failed) = one.traffic();
        let record = &one.record;
        say!(
            "{}\t{}\t{}\t{}{}\t{ok} ok, {failed} failed in {HOURS} h",
            record.name,
            log::shown(&record.label),
            record.connector,
            one.state.is.code(),
            if one.state.why.is_empty() { String::new() } else { format!(": {}", log::shown(&one.state.why)) },
        );
    }
    if all.is_empty() {
        say!("no connections yet: make one with `milepost connection put`");
    }
    Ok(())
}

async fn show(context: &Context, caller: &Caller, name: &str, json: bool) -> Result<()> {
    let one = connections::one(context, caller, name).await.map_err(of(name))?.overview;
    if json {
        say!("{}", as_json(&one));
        return Ok(());
    }
    let record = &one.record;
    let (ok, failed) = one.traffic();
    say!("{} ({}), {}", record.name, log::shown(&record.label), record.connector);
    say!("state: {} {}", one.state.is.code(), log::shown(&one.state.why));
    if one.is_called() {
        let now = context.now();
        say!("calls: {}", log::shown(&calls_words(&one.breaker, admission(&one.breaker, now), now)));
    }
    say!("environment: {}", environment(&one));
    one.fields().iter().for_each(|(field, value)| say!("{field}: {}", log::shown(value)));
    say!("secrets: {}, newest of {:.0}", one.secrets, record.secret_set_at);
    say!("last {HOURS} h: {ok} ok, {failed} failed; {} jobs wait, {} failed for good", one.waiting, one.dead);
    for (what, value) in [("owner", &record.owner), ("purpose", &record.purpose), ("runbook", &record.runbook)] {
        if !value.is_empty() {
            say!("{what}: {}", log::shown(value));
        }
    }
    if let Some(report) = &one.report {
        say!("tested {:.0}:", report.at);
        print(report);
    }
    Ok(())
}

/// How the calls of a connection go: why not, since when, and what comes next.
fn calls_words(breaker: &Breaker, admission: Admission, now: Timestamp) -> String {
    let health = &breaker.health;
    let since = health.failing_since.map(|at| format!(" since {at:.0}")).unwrap_or_default();
    let error = health.last_error.as_deref().map(|class| {
        let meaning = errors::class(class).map_or("", |class| class.meaning).trim_end_matches('.');
        format!("; last error: {class} ({meaning})")
    });
    let error = error.unwrap_or_default();
    let failing = format!("failed {} times in a row{since}", health.failures);
    match (&breaker.paused, admission) {
        (Some(pause), _) => format!("paused since {:.0}: {}", pause.at, pause.why),
        (None, Admission::All) if health.failures > 0 => format!("go out; {failing}{error}"),
        (None, Admission::All) => "go out".into(),
        (None, Admission::Probe) => format!("suspended: {failing}{error}; one job runs next as a probe"),
        (None, Admission::Nobody) => match (health.limited_until, health.open_until) {
            (Some(until), _) if until > now => format!("rate limited until {until:.0}, as the system asked"),
            (_, Some(until)) if until > now => format!("suspended: {failing}{error}; next probe at {until:.0}"),
            _ => format!("suspended: {failing}{error}; a probe is under way"),
        },
    }
}

fn environment(one: &Overview) -> &'static str {
    if one.record.sandbox { "sandbox" } else { "production" }
}

/// A connection for machines; without its secrets.
fn as_json(one: &Overview) -> Value {
    let record = &one.record;
    let (ok, failed) = one.traffic();
    let template = one.template.as_ref();
    json!({
        "name": record.name,
        "label": record.label,
        "connector": record.connector,
        "family": template.map(|template| template.family.code()),
        "direction": template.map(|template| template.family.direction().code()),
        "environment": environment(one),
        "state": {"is": one.state.is.code(), "since": one.state.since, "why": one.state.why},
        "settings": one.fields(),
        "secrets": {"active": one.secrets, "newest_set_at": record.secret_set_at},
        "owner": record.owner,
        "purpose": record.purpose,
        "runbook": record.runbook,
        "data_classes": record.data_classes,
        "takes": one.takes,
        "schema_version": template.map(|template| template.version),
        "system_version": one.report.as_ref().and_then(|report| report.system.clone()),
        "last_success": record.last_ok_at,
        "last_error": record.last_failed_at.map(|at| json!({"at": at, "class": record.last_failure})),
        "last_24_h": {"ok": ok, "failed": failed},
        "waiting": one.waiting,
        "failed_jobs": one.dead,
        "tested_at": one.report.as_ref().map(|report| report.at),
    })
}

fn print(report: &Report) {
    report.system.iter().for_each(|system| say!("  {}", log::shown(system)));
    for Check { what, outcome, detail, todo, millis } in &report.checks {
        let word = match outcome {
            CheckOutcome::Passed => "ok",
            CheckOutcome::Failed => "failed",
            CheckOutcome::Warning => "warning",
            CheckOutcome::NotRun => "not run",
        };
        say!("  {word}\t{}\t{millis} ms", log::shown(what));
        for more in [detail, todo.as_deref().unwrap_or_default()].into_iter().filter(|more| !more.is_empty()) {
            say!("  \t{}", log::shown(more));
        }
    }
}

/// Shows the connectors, or the settings of one; it needs no installation.
pub(super) fn templates(connector: Option<&str>) -> Result<()> {
    let all = catalogue::catalogue();
    let Some(connector) = connector else {
        for template in all {
            say!("{}\t{}\t{}\t{}", template.id, template.label, template.family.label(), template.signs_in);
        }
        return Ok(());
    };
    let Some(template) = all.into_iter().find(|template| template.id == connector) else {
        bail!("there is no connector {connector}: `milepost connection templates` shows them");
    };
    say!("{} ({})", template.label, template.family.label());
    for field in template.fields {
        let needed = if field.required { " (required)" } else { "" };
        let default = field.default.map(|default| format!(" [{default}]")).unwrap_or_default();
        say!("  {}{needed}{default}\t{}", field.name, field.help);
    }
    say!("  secret, on standard input\t{}: {}", template.secret_label, template.secret_help);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::{
        connections::{State, StateKind},
        destinations::breaker::{Outcome, after},
    };
    use clap::FromArgMatches;
    use domain::ids::{SourceId, SubjectId};
    use storage::{Sealed, connections::ConnectionRecord, destinations::Health};
    use uuid::Uuid;

    #[test]
    fn a_change_is_of_the_version_that_was_read() {
        let put = |args: &[&str]| {
            let matches = Put::augment_args(clap::Command::new("put")).get_matches_from(args);
            Put::from_arg_matches(&matches).unwrap()
        };
        let id = Uuid::from_u128(1);
        let secrets = Sealed { subject: SubjectId(id), bytes: Vec::new() };
        let record = ConnectionRecord::new(SourceId(id), "odoo", "odoo", secrets, Timestamp::UNIX_EPOCH);
        let known = Overview {
            template: catalogue::template("odoo"),
            settings: serde_json::Map::new(),
            takes: Takes::default(),
            state: State { is: StateKind::Active, since: None, why: String::new() },
            breaker: Breaker::default(),
            waiting: 0,
            retrying: 0,
            errors: Vec::new(),
            dead: 0,
            hours: Vec::new(),
            secrets: 1,
            report: None,
            record: ConnectionRecord { version: 7, owner: "Anna".into(), ..record },
        };
        let changed = put(&["put", "odoo", "--purpose", "deliveries"]).changed(Some(&known), None).unwrap();
        assert_eq!(changed.expected, Expected::Version(7));
        assert_eq!((changed.owner.as_str(), changed.purpose.as_str()), ("Anna", "deliveries"));
        let new = put(&["put", "odoo-pl", "--connector", "odoo"]).changed(None, Some("a key".into())).unwrap();
        assert_eq!(new.expected, Expected::New);
    }

    #[test]
    fn what_a_desk_takes_is_read() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let read =
            takes(&words(&["carrier=dhl", "severity=critical", "severity=Major", "company=A & B GmbH"])).unwrap();
        assert_eq!(read.companies, words(&["A & B GmbH"]));
        assert_eq!((read.carriers, read.severities), (words(&["dhl"]), vec![Severity::Critical, Severity::Major]));
        assert_eq!(takes(&words(&["any"])).unwrap(), Takes::default());
        for bad in ["dhl", "colour=red", "severity=bad"] {
            assert!(takes(&words(&[bad])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_connection_that_is_suspended_says_why_since_when_and_what_comes() {
        let at = |second: i64| Timestamp::new(1_772_359_200 + second, 123_456_789).unwrap();
        let mut health = Health::default();
        assert_eq!(calls_words(&Breaker::default(), Admission::All, at(0)), "go out");
        for second in 0..5 {
            health = after(&health, Outcome::Failure, at(second), 127);
        }
        health.last_error = Some("unreachable".into());
        let breaker = Breaker { paused: None, health };
        for (second, expected) in [(5, "next probe at 2026-03-01T10:00:0"), (60, "as a probe")] {
            let words = calls_words(&breaker, admission(&breaker, at(second)), at(second));
            assert!(!words.contains("00.1"), "to the second: {words:?}");
            for part in [
                "suspended",
                "failed 5 times",
                "since 2026-03-01T10:00:00Z",
                "unreachable (The system cannot be reached)",
                expected,
            ] {
                assert!(words.contains(part), "{words:?} lacks {part:?}");
            }
        }
    }
}
