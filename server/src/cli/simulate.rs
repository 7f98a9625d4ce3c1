//! `milepost simulate`: fills a database with simulated shipments.

use super::migrate;
use crate::{
    bootstrap,
    config::{Database, Settings},
};
use anyhow::{Context, Result, ensure};
use application::caller::Caller;
use application::{
    clock::{Clock, SystemClock},
    config::Mode,
    connections::sources::{self, NewSource},
    operations::simulate::{Simulation, Wanted},
};
use clap::Args;
use secrecy::ExposeSecret;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
};
use storage::transfer::Filled;
use storage::{Actor, Scope};
use storage_sqlite::fill::Fill;

/// Shipments of one transaction.
const BATCH: u64 = 500;
/// Batches that are ready before they are written.
const AHEAD: usize = 4;
/// Progress is printed after this number of shipments.
const PROGRESS_EVERY: u64 = 100_000;
/// The source that their messages come from.
const SOURCE: &str = "simulated";

/// Fill a database with simulated shipments (marked as sandbox) and everything that belongs to them. Refuses a database with
/// shipments that are not simulated. On PostgreSQL the database must be empty: they are made in a file and taken over.
#[derive(Args)]
pub struct Simulate {
    /// How many shipments.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    shipments: u64,
    /// How many of a hundred are on their way.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=100))]
    open_percent: u64,
    /// About how many of those on their way have an open exception.
    #[arg(long, value_name = "N", default_value_t = 200)]
    exceptions: u64,
    /// Another seed makes other shipments.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

impl Simulate {
    /// Fills it.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let on_their_way = self.shipments / 100 * self.open_percent + self.shipments % 100 * self.open_percent / 100;
        ensure!(
            self.exceptions <= on_their_way,
            "{} open exceptions need as many shipments on their way, and {on_their_way} are: raise --shipments or --open-percent",
            self.exceptions
        );
        let mut config = settings.resolve()?;
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

    async fn into_postgres(self, config: crate::config::Config, file: &Path, url: &str) -> Result<()> {
        let over_there = crate::config::Config { database: Database::Sqlite(file.to_owned()), ..config.clone() };
        self.fill(over_there, file).await?;
        migrate::take_over(&config, url, file).await
    }

    async fn fill(self, config: crate::config::Config, file: &Path) -> Result<()> {
        std::fs::create_dir_all(&config.data).with_context(|| format!("data directory {}", config.data.display()))?;
        // refuses before anything is made
        let fill = Fill::open(file).await?;
        let first = fill.shipments()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = bootstrap::beside(config, Arc::clone(&clock)).await?;
        let scope = Scope { company: context.company, actor: Actor::Operator };
        let mut secret = [0; 16];
        clock.fill(&mut secret);
        let source = NewSource {
            name: SOURCE.into(),
            connector: "aftership".into(),
            scheme: None,
            secret: secret.iter().map(|b| format!("{b:02x}")).collect(),
            settings: Default::default(),
        };
        sources::put(&context, &Caller::trusted(scope), source).await?;
        let source =
            context.store.connections.all(scope).await?.into_iter().find(|s| s.name == SOURCE).context("the source")?;
        let wanted = Wanted {
            first,
            shipments: self.shipments,
            open_percent: self.open_percent,
            exceptions: self.exceptions,
            seed: self.seed,
        };
        let simulation = Simulation::new(context, source.id, wanted);
        let (send, receive) = sync_channel::<Result<Vec<Filled>>>(AHEAD);
        let shipments = self.shipments;
        let making = tokio::task::spawn_blocking(move || {
            for from in (0..shipments).step_by(BATCH as usize) {
                let batch = (from..(from + BATCH).min(shipments)).map(|n| simulation.shipment(n)).collect();
                if send.send(batch).is_err() {
                    return;
                }
            }
        });
        let filling = tokio::task::spawn_blocking(move || {
            let mut fill = fill;
            let mut made = 0;
            for batch in receive {
                let batch = batch?;
                fill.add(scope, &batch)?;
                let before = made / PROGRESS_EVERY;
                made += batch.len() as u64;
                if made / PROGRESS_EVERY > before {
                    eprintln!("{made:>12}  shipments");
                }
            }
            fill.finish()?;
            anyhow::Ok(made)
        });
        let made = filling.await??;
        making.await?;
        say!("{made:>12}  shipments made");
        Ok(())
    }
}
