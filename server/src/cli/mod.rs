//! The command line: one file for each subcommand. It serves admins and tests alike.

#![deny(
    clippy::print_stdout,
    reason = "a reader who has seen enough would end the command with a panic: print with say!"
)]

#[macro_use]
mod out;

mod admin;
mod alert;
mod audit;
mod backup;
mod booking;
mod claim;
mod connection;
mod customer;
mod decode;
pub mod demo;
mod doctor;
mod fold;
pub mod history;
mod mapping;
mod migrate;
mod number;
mod odoo;
mod people;
mod playbook;
mod promise;
mod reconcile;
mod replay;
mod rule;
mod schedule;
pub mod serve;
mod simulate;
mod verify;

use crate::{config::Settings, files, log};
use anyhow::{Context as _, Result};
use application::context::Context;
use clap::{Parser, Subcommand};
use std::{io::ErrorKind, process::ExitCode, sync::Arc};
use storage::Scope;

/// The shipment control installation for companies that run Odoo.
#[derive(Parser)]
#[command(name = "milepost", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Run a demo: a simulated carrier, Odoo and desk; nothing leaves this machine.
    Demo(demo::Demo),
    /// Bring the database's tables up to date, or take a SQLite installation over into PostgreSQL.
    Migrate(migrate::Migrate),
    /// Fill a database with simulated shipments, to see how it behaves when it is large.
    Simulate(simulate::Simulate),
    /// Copy the database while servers write to it.
    Backup(backup::Backup),
    /// Put a copy in the place of the database.
    Restore(backup::Restore),
    /// Erase the customer of a shipment, or the name of an agent, for good.
    Erase(admin::Erase),
    /// Check configuration, database, disk, clock and each integration.
    Doctor,
    /// Users.
    #[command(subcommand)]
    User(people::User),
    /// Where people are signed in: list, end.
    #[command(subcommand)]
    Session(people::Session),
    /// Connections to other systems: order systems, service desks, sources of messages.
    #[command(subcommand)]
    Connection(connection::Connection),
    /// Sources of messages.
    #[command(subcommand)]
    Source(admin::Source),
    /// Keys.
    #[command(subcommand)]
    Key(admin::Key),
    /// When the clock starts which work: list, change.
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// Failed jobs: list, show, retry.
    #[command(subcommand)]
    Dead(replay::Dead),
    /// Messages as received: list, reprocess.
    #[command(subcommand)]
    Message(replay::Message),
    /// Bulk retries: list, stop.
    #[command(subcommand)]
    Replay(replay::Replay),
    /// Operational alerts: list, acknowledge, snooze, resolve; test channels; change rules.
    #[command(subcommand)]
    Alert(alert::Alert),
    /// Compare Odoo, Milepost and the service desk, fix what is safe and list the rest.
    Reconcile(reconcile::Reconcile),
    /// Mappings of carrier codes: list, unmapped codes, publish, roll back.
    #[command(subcommand)]
    Mapping(mapping::Mapping),
    /// Rules: list, show, dry run, publish, roll back, pause.
    #[command(subcommand)]
    Rule(rule::Rule),
    /// Whether a customer wants messages by rule.
    #[command(subcommand)]
    Customer(customer::Customer),
    /// Bookings: labels that were bought by rule, decisions about them, the rules.
    #[command(subcommand)]
    Booking(booking::Booking),
    /// Claims against carriers: list, raise, file, bundle; deadlines.
    #[command(subcommand)]
    Claim(claim::Claim),
    /// Promise rules: by when shipments should arrive whose orders promise nothing.
    #[command(subcommand)]
    Promise(promise::Promise),
    /// The next step for each reason of an exception.
    #[command(subcommand)]
    Playbook(playbook::Playbook),
    /// Teams that look after exceptions.
    #[command(subcommand)]
    Team(playbook::Team),
    /// The company's working days and hours.
    #[command(subcommand)]
    Calendar(playbook::Calendar),
    /// Odoo.
    #[command(subcommand)]
    Odoo(odoo::Odoo),
    /// The audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Read messages with a connector and print what they say, one JSON object a file.
    Decode(decode::Decode),
    /// Explain tracking numbers: canonical form, carriers, check digits, other forms.
    Number(number::Number),
    /// Check the authenticity of a message.
    Verify(verify::Verify),
    /// Fold a scenario and print the state after each input and at the end.
    Fold(fold::FoldScenario),
}

/// Runs the command line; what the process returns.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    files::make_private();
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(cli).and_then(|code| out::finish().context("the output cannot be written").map(|()| code)) {
        Ok(code) => code,
        // the reader of our output has seen enough
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("milepost: {}", log::shown(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    // these read what they are given and print; no configuration, no log
    match cli.command {
        Command::Decode(decode) => return decode.run(),
        Command::Number(number) => return number.run(),
        Command::Verify(verify) => return verify.run(),
        Command::Fold(fold) => return fold.run(),
        Command::Connection(connection::Connection::Templates { connector }) => {
            return connection::templates(connector.as_deref()).map(|()| ExitCode::SUCCESS);
        }
        _ => {}
    }
    let settings = cli.settings.layered()?;
    log::begin(settings.log.as_deref().unwrap_or(log::USUAL), settings.log_format.unwrap_or_default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        match cli.command {
            Command::Serve(serve) => serve.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Demo(demo) => demo.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate(migrate) => migrate.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Simulate(simulate) => simulate.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Backup(backup) => backup.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Restore(restore) => restore.run(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Erase(erase) => on_installation(settings, |context, scope| erase.run(context, scope)).await,
            Command::Doctor => doctor::run(settings).await,
            Command::User(user) => on_installation(settings, |context, scope| user.run(context, scope)).await,
            Command::Session(session) => on_installation(settings, |context, scope| session.run(context, scope)).await,
            Command::Connection(it) => on_installation(settings, |context, scope| it.run(context, scope)).await,
            Command::Source(source) => on_installation(settings, |context, scope| source.run(context, scope)).await,
            Command::Key(key) => key.run().map(|()| ExitCode::SUCCESS),
            Command::Schedule(it) => on_installation(settings, |context, scope| it.run(context, scope)).await,
            Command::Dead(dead) => on_installation(settings, |context, scope| dead.run(context, scope)).await,
            Command::Message(message) => on_installation(settings, |context, scope| message.run(context, scope)).await,
            Command::Replay(replay) => on_installation(settings, |context, scope| replay.run(context, scope)).await,
            Command::Alert(alert) => on_installation(settings, |context, scope| alert.run(context, scope)).await,
            Command::Reconcile(it) => on_installation(settings, |context, scope| it.run(context, scope)).await,
            Command::Customer(it) => on_installation(settings, |context, scope| it.run(context, scope)).await,
            Command::Rule(rule) => on_installation(settings, |context, scope| rule.run(context, scope)).await,
            Command::Mapping(mapping) => on_installation(settings, |context, scope| mapping.run(context, scope)).await,
            Command::Booking(booking) => on_installation(settings, |context, scope| booking.run(context, scope)).await,
            Command::Claim(claim) => on_installation(settings, |context, scope| claim.run(context, scope)).await,
            Command::Promise(promise) => on_installation(settings, |context, scope| promise.run(context, scope)).await,
            Command::Playbook(playbook) => {
                on_installation(settings, |context, scope| playbook.run(context, scope)).await
            }
            Command::Team(team) => on_installation(settings, |context, scope| team.run(context, scope)).await,
            Command::Calendar(calendar) => {
                on_installation(settings, |context, scope| calendar.run(context, scope)).await
            }
            Command::Odoo(odoo) => odoo.run(settings).await,
            Command::Audit(audit) => audit.run(settings).await,
            Command::Decode(_) | Command::Number(_) | Command::Verify(_) | Command::Fold(_) => {
                unreachable!("done above")
            }
        }
    })
}

/// Runs a command on an installation, beside its servers or without one. What it wrote into the audit trail is anchored, however
/// it ended.
async fn on_installation(
    settings: Settings,
    command: impl AsyncFnOnce(Arc<Context>, Scope) -> Result<()>,
) -> Result<ExitCode> {
    let (context, scope) = admin::context(settings).await?;
    let done = command(Arc::clone(&context), scope).await;
    audit::anchored(&context).await;
    done.map(|()| ExitCode::SUCCESS)
}
