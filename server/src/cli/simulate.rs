//! `milepost simulate`: fills a database with a simulated history.

use super::{history, migrate};
use crate::{
    bootstrap,
    config::{Config, Database, Settings},
};
use anyhow::{Context, Result, ensure};
use application::{
    clock::{Clock, SystemClock},
    config::Mode,
    operations::simulate::Simulation,
};
use clap::Args;
use secrecy::ExposeSecret;
use simulator::history::{History, Wanted};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};
use storage::transfer::Filled;
use storage::{Actor, Scope};
use storage_sqlite::fill::Fill;

/// Shipments of one transaction.
const BATCH: u64 = 250;
/// Batches that are ready before they are written.
const AHEAD: usize = 4;
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// Whose orders they are: as on an installation with one Odoo.
const SYSTEM: &str = "odoo";

/// Fill a database with a simulated history (marked as sandbox): orders of some companies and warehouses, carriers whose transit
/// times are known, a storm, a strike, an outage, a bad carrier, and what goes wrong. Refuses a database with shipments that are not
/// simulated. On PostgreSQL the database must be empty: the history is made in a file and taken over.
#[derive(Args)]
pub struct Simulate {
    /// How many shipments.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    shipments: u64,
    /// Over how many days until now.
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Another seed makes other shipments.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Of a hundred shipments, how many were ordered in the last two days and so are mostly on their way [default: as many as on
    /// any other days].
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=95))]
    open_percent: Option<u64>,
    /// The database: a folder, whose file is milepost.sqlite, or a postgres:// address [default: as for the server].
    #[arg(long, value_name = "DATABASE")]
    into: Option<String>,
    /// Write what is truly so of each shipment to this file, a line of JSON for each.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

impl Simulate {
    /// Fills it.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let mut config = into(settings, self.into.as_deref()).resolve()?;
        // simulated sources are marked so
        config.system.mode = Mode::Demo;
        let (file, url) = match &config.database {
            Database::Sqlite(file) => (file.clone(), None),
            Database::Postgres(url) => (config.data.join("simulated.sqlite"), Some(url.expose_secret().to_owned())),
        };
        let Some(url) = url else { return self.fill(config, &file).await };
        ensure!(!file.exists(), "{} is in the way: remove it", file.display());
        let done = self.into_postgres(config, &file, &url).await;
        for end in ["", "-wal", "-shm", ".lock"] {
            let mut name = file.clone().into_os_string();
            name.push(end);
            // what is not there need not be removed
            drop(std::fs::remove_file(PathBuf::from(name)));
        }
        done
    }

    async fn into_postgres(self, config: Config, file: &Path, url: &str) -> Result<()> {
        let over_there = Config { database: Database::Sqlite(file.to_owned()), ..config.clone() };
        self.fill(over_there, file).await?;
        migrate::take_over(&config, url, file).await
    }

    async fn fill(self, config: Config, file: &Path) -> Result<()> {
        std::fs::create_dir_all(&config.data).with_context(|| format!("data directory {}", config.data.display()))?;
        let truth = self
            .truth
            .as_deref()
            .map(|path| File::create(path).map(BufWriter::new).with_context(|| format!("--truth {}", path.display())));
        let truth = truth.transpose()?;
        // refuses before anything is made
        let fill = Fill::open(file).await?;
        let first = fill.shipments()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = bootstrap::beside(config, Arc::clone(&clock)).await?;
        let scope = Scope { company: context.company, actor: Actor::Operator };
        let sources = history::make_sources(&context, scope).await?;
        let (shipments, until) = (self.shipments, context.now());
        let history = History::new(Wanted {
            seed: self.seed,
            shipments,
            days: self.days,
            until,
            lately_percent: self.open_percent,
        });
        let simulation = Simulation::new(context, SYSTEM, sources).await?;
        let (send, receive) = sync_channel::<Result<Vec<Filled>>>(AHEAD);
        let making = tokio::task::spawn_blocking(move || Making { history, simulation, first, truth }.run(&send));
        let filling = tokio::task::spawn_blocking(move || written(fill, scope, &receive, shipments));
        let made = filling.await??;
        making.await??;
        say!("{made:>12}  shipments made");
        Ok(())
    }
}

/// The settings with the database that is named.
fn into(settings: Settings, database: Option<&str>) -> Settings {
    match database {
        None => settings,
        Some(url) if url.contains("://") => Settings { database_url: Some(url.to_owned()), ..settings },
        Some(folder) => Settings { data: Some(folder.into()), database_url: None, ..settings },
    }
}

struct Making {
    history: History,
    simulation: Simulation,
    first: u64,
    truth: Option<BufWriter<File>>,
}

impl Making {
    /// Makes batch after batch, until nobody takes them.
    fn run(mut self, send: &SyncSender<Result<Vec<Filled>>>) -> Result<()> {
        let all = self.history.len();
        for from in (0..all).step_by(BATCH as usize) {
            let batch = (from..(from + BATCH).min(all)).map(|number| self.shipment(number)).collect();
            if send.send(batch).is_err() {
                break;
            }
        }
        if let Some(mut file) = self.truth {
            file.flush().context("--truth")?;
        }
        Ok(())
    }

    fn shipment(&mut self, number: u64) -> Result<Filled> {
        let shipment = self.history.shipment(number);
        if let Some(file) = &mut self.truth {
            serde_json::to_writer(&mut *file, &shipment.truth()).context("--truth")?;
            file.write_all(b"\n").context("--truth")?;
        }
        self.simulation.filled(&history::story(&shipment, self.first)?)
    }
}

/// Writes what is made; how many that were.
fn written(mut fill: Fill, scope: Scope, made: &Receiver<Result<Vec<Filled>>>, all: u64) -> Result<u64> {
    let (begun, mut said, mut count) = (Instant::now(), Instant::now(), 0_u64);
    for batch in made {
        let batch = batch?;
        fill.add(scope, &batch)?;
        count += batch.len() as u64;
        if said.elapsed() >= PROGRESS_EVERY {
            said = Instant::now();
            let a_minute = u128::from(count) * 60_000 / begun.elapsed().as_millis().max(1);
            eprintln!("{count:>12}  of {all} shipments, {a_minute} a minute");
        }
    }
    fill.finish()?;
    Ok(count)
}
