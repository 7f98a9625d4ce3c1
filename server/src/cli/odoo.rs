//! `milepost odoo`: sets an Odoo up, takes that away, checks it.

use super::admin::secret_from_stdin;
use crate::{
    bootstrap,
    config::{self, Config, Database, Settings},
    log,
};
use anyhow::{Context as _, Result, bail};
use application::{
    caller::Caller,
    clock::{Clock as _, SystemClock},
    config::OdooSettings,
    connections,
    context::Context,
    destinations::ODOO,
    error::UseCaseError,
    odoo::setup::{SetupAct, SetupReport, SetupRequest, SetupStep, set_up},
};
use clap::{Args, Subcommand};
use odoo::{Ended, Extent, OdooClient, OdooConfig, Wanted};
use outbound::{
    CallError, Discard, ErrorClass,
    check::{Check, CheckOutcome},
};
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, process::ExitCode, sync::Arc};
use storage::{Actor, Scope};

/// The variable with the administrator's key, where there is neither a file nor somebody who types.
const KEY_VARIABLE: &str = "MILEPOST_ODOO_ADMIN_KEY";

/// Odoo.
#[derive(Subcommand)]
pub enum Odoo {
    /// Make fields, views and automation rules in Odoo; needs an administrator's API key once. Running it again changes nothing.
    Setup(Setup),
    /// Check that Odoo is reached and has the fields (`milepost connection test` does it for any connection).
    Check,
}

/// What is set up.
#[derive(Args)]
pub struct Setup {
    /// File with the administrator's API key; without it the key is taken from MILEPOST_ODOO_ADMIN_KEY or read from standard input.
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// The administrator's login: Odoo 16 to 18 ask for it.
    #[arg(long, value_name = "LOGIN")]
    admin_login: Option<String>,
    /// The connection; default: odoo. Before a server took it up: the Odoo of --odoo-url.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Show the steps and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Make no automation rules: changes in Odoo are only found by the imports.
    #[arg(long, conflicts_with = "remove")]
    no_hints: bool,
    /// Give the address that Odoo reports changes to a new secret.
    #[arg(long, conflicts_with_all = ["no_hints", "remove"])]
    renew_hints: bool,
    /// Make the user milepost with just the rights that Milepost needs.
    #[arg(long, conflicts_with = "remove")]
    user: bool,
    /// Take away what was made, and only that; the fields stay with their values.
    #[arg(long)]
    remove: bool,
    /// With --remove: delete the fields too. Their values are lost; --dry-run says of how many records.
    #[arg(long, requires = "remove")]
    delete_data: bool,
}

impl Odoo {
    /// Does it.
    pub async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.resolve()?;
        let name = match &self {
            Self::Setup(Setup { connection: Some(name), .. }) => name.clone(),
            _ => ODOO.to_owned(),
        };
        // what is kept counts: the command line may be older
        let kept = match is_started(&config) {
            true => kept(&config, &name).await?,
            false => None,
        };
        let named = config.system.odoo.as_ref().filter(|_| name == ODOO);
        match (self, kept, named) {
            (Self::Setup(setup), Some((context, caller)), _) => setup.of_kept(&context, &caller, &name).await,
            (Self::Setup(setup), None, Some(named)) => setup.of_named(named).await,
            (Self::Check, Some((context, caller)), _) => check_kept(&context, &caller).await,
            (Self::Check, None, Some(named)) => check_named(named).await,
            (_, None, None) => {
                bail!(
                    "Odoo is not set up: give --odoo-url, --odoo-database and --odoo-key-file, or make a connection {name}"
                )
            }
        }
    }
}

/// Whether a server was started with these settings, so that something is kept.
fn is_started(config: &Config) -> bool {
    match &config.database {
        Database::Sqlite(file) => file.exists(),
        Database::Postgres(_) => config.master_key().is_ok(),
    }
}

/// The installation, where it has a connection of this name to an Odoo.
async fn kept(config: &Config, name: &str) -> Result<Option<(Arc<Context>, Caller)>> {
    let context = bootstrap::beside(config.clone(), Arc::new(SystemClock)).await?;
    let caller = Caller::trusted(Scope { company: context.company, actor: Actor::Operator });
    let all = connections::list(&context, &caller).await?;
    let Some(found) = all.into_iter().find(|one| one.record.name == name) else { return Ok(None) };
    if found.record.connector != odoo::ID {
        bail!("{name} is a connection to {}, not to Odoo", found.record.connector);
    }
    Ok(Some((context, caller)))
}

impl Setup {
    fn act(&self) -> SetupAct {
        match (self.remove, self.dry_run) {
            (false, false) => SetupAct::Apply,
            (false, true) => SetupAct::Preview,
            (true, false) => SetupAct::Remove,
            (true, true) => SetupAct::PreviewRemoval,
        }
    }

    fn key(&self) -> Result<SecretString> {
        match (&self.admin_key_file, std::env::var(KEY_VARIABLE)) {
            (Some(file), _) => config::secret_file(file).context("--admin-key-file"),
            (None, Ok(key)) if !key.trim().is_empty() => Ok(key.into()),
            (None, _) => Ok(secret_from_stdin("administrator's API key")?.into()),
        }
    }

    async fn of_kept(self, context: &Context, caller: &Caller, name: &str) -> Result<ExitCode> {
        let request = SetupRequest {
            act: self.act(),
            key: self.key()?,
            login: self.admin_login.clone(),
            hints: !self.no_hints,
            renew: self.renew_hints,
            user: self.user,
            fields: self.delete_data,
        };
        let report = set_up(context, caller, name, request).await.map_err(|error| match error {
            UseCaseError::Invalid { message, .. } => anyhow::anyhow!("{message}"),
            other => anyhow::anyhow!("{name}: {other}"),
        })?;
        Ok(print(&report))
    }

    /// Before a server took the connection up: there is nothing yet that Odoo could report to.
    async fn of_named(self, named: &OdooSettings) -> Result<ExitCode> {
        let config = OdooConfig {
            login: self.admin_login.clone(),
            ..OdooConfig::new(&named.url, &named.database, self.key()?.expose_secret().to_owned())
        };
        let client = OdooClient::new(config)?;
        let there = client.look(&Discard).await.map_err(|error| refused(&named.url, &error))?;
        let (act, wanted) = (self.act(), Wanted { hints: None, user: self.user });
        let extent = if self.delete_data { Extent::WithFields } else { Extent::KeepFields };
        let mut plan = if self.remove { odoo::removal(&there, extent) } else { odoo::plan(&there, &wanted) };
        if !self.remove && !self.no_hints {
            plan.notes.push("Odoo reports no changes yet: start Milepost, then run this again".into());
        }
        let ended: Vec<Option<Ended>> = match act.changes() {
            true => {
                let ended = client.apply(&plan, &Discard).await.map_err(|error| refused(&named.url, &error))?;
                ended.into_iter().map(Some).collect()
            }
            false => vec![None; plan.steps.len()],
        };
        let steps = plan.steps.into_iter().zip(ended).map(|(step, ended)| SetupStep { what: step.what, ended });
        Ok(print(&SetupReport { at: SystemClock.now(), act, steps: steps.collect(), notes: plan.notes }))
    }
}

fn refused(url: &str, error: &CallError) -> anyhow::Error {
    let what = match error.class {
        ErrorClass::Forbidden | ErrorClass::MissingRight => "belongs to a user who may not make fields",
        ErrorClass::Unauthorized => "is not accepted: it is wrong, expired or revoked",
        _ => return error.clone().into(),
    };
    anyhow::anyhow!(
        "the key {what}. Sign in to {url} as an administrator (group Role: Administrator), make an API key under Preferences, \
         Account Security, and give that one; it is needed only this once ({error})"
    )
}

/// The steps and what became of them; failure where one was refused.
fn print(report: &SetupReport) -> ExitCode {
    if report.steps.is_empty() {
        say!("nothing to do: everything is as it should be");
    }
    for SetupStep { what, ended } in &report.steps {
        let line = match ended {
            None => format!("would      {what}"),
            Some(Ended::Done) => format!("done       {what}"),
            Some(Ended::Refused(why)) => format!("REFUSED    {what}: {why}"),
            Some(Ended::Left) => format!("left out   {what}: it needs what was refused"),
        };
        say!("{}", log::shown(&line));
    }
    for note in &report.notes {
        say!("note       {}", log::shown(note));
    }
    if !report.act.changes() {
        say!("nothing was changed");
    }
    if report.refused() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn check_kept(context: &Context, caller: &Caller) -> Result<ExitCode> {
    let report = connections::examine(context, caller, ODOO).await?;
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    let line = |check: &Check| format!("{}. {}", check.found(), check.todo.as_deref().unwrap_or_default());
    Ok(checked(failed.map(line).collect()))
}

async fn check_named(named: &OdooSettings) -> Result<ExitCode> {
    let OdooSettings { url, database, key, login, .. } = named.clone();
    let config = OdooConfig { login, ..OdooConfig::new(url, database, key) };
    let missing = OdooClient::new(config)?.check(&Discard).await?;
    Ok(checked(missing.iter().map(|one| format!("missing: {one}")).collect()))
}

fn checked(missing: Vec<String>) -> ExitCode {
    missing.iter().for_each(|line| say!("{line}"));
    if !missing.is_empty() {
        return ExitCode::FAILURE;
    }
    say!("Odoo has what Milepost needs");
    ExitCode::SUCCESS
}
