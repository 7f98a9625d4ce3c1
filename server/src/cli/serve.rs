//! `milepost serve`: the production start.

use crate::http::Front;
use crate::{
    bootstrap,
    config::{Database, Settings},
    http,
};
use anyhow::{Context as _, Result, bail};
use application::{
    clock::SystemClock,
    connections::{self, inbound},
    jobs::{self, Runner},
    people,
};
use clap::{Args, ValueEnum};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use storage::jobs::Lane;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a shutdown may take before the process leaves anyway; leases then end by themselves.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);

/// Run the server.
#[derive(Args)]
pub struct Serve {
    /// What this process does: answer requests, work, or both. On PostgreSQL there may be any number of each; SQLite
    /// takes only one process: all.
    #[arg(long, value_enum, default_value_t = NodeRole::All)]
    role: NodeRole,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NodeRole {
    /// Answers requests.
    Web,
    /// Works.
    Worker,
    /// Both.
    All,
}

impl Serve {
    /// Runs until SIGINT or SIGTERM.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let config = settings.resolve()?;
        if self.role != NodeRole::All && matches!(config.database, Database::Sqlite(_)) {
            bail!(
                "the database is SQLite, which takes one process only: leave --role out, or set DATABASE_URL to a PostgreSQL database"
            );
        }
        config.require_secure()?;
        let context = bootstrap::context(config.clone(), Arc::new(SystemClock)).await?;
        inbound::announce_public_url(&context).await?;
        for (name, is_named) in connections::seeded(&context) {
            if is_named {
                tracing::info!("connection {name} was made from --{name}-…, and is again when those settings change");
            } else {
                tracing::warn!(
                    "connection {name} was made from --{name}-…, which are not given any more: it stays as it is; to end it: milepost \
                     connection disable {name}"
                );
            }
        }
        if let Some(token) = people::setup_token(&context).await? {
            say!(
                "There is no user yet. Make the first admin here (the link works once):\n  {}/set-up?token={token}",
                context.config.public_url
            );
        }
        let running = Running::start(Front { context, config: Arc::new(config) }, self.role, prometheus()?).await?;
        say!("Milepost listens on http://{}", running.address);
        running.until_signal().await
    }
}

/// Prometheus metrics of this process.
///
/// # Errors
/// When a recorder is installed already.
pub fn prometheus() -> Result<PrometheusHandle> {
    let buckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
    PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder().context("metrics")
}

/// An installation that answers, works, or both.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Listens, and starts the workers and the schedule. A worker answers those who watch it and nobody else.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(front: Front, role: NodeRole, metrics: PrometheusHandle) -> Result<Self> {
        http::serve::allow_files();
        let Front { context, config } = &front;
        let listener = bind(config.addr, "--addr").await?;
        let proxies = config.proxies.clone();
        let address = listener.local_addr()?;
        let shutdown = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (listening, stop) = (Arc::clone(context), shutdown.clone());
        tasks.spawn(async move { listening.notifier.listen(stop).await });
        tasks.spawn(jobs::run_upkeep(Arc::clone(context), shutdown.clone()));
        if role != NodeRole::Web {
            for lane in [Lane::RealTime, Lane::Batch] {
                tasks.spawn(Runner::new(Arc::clone(context), lane).run(shutdown.clone()));
            }
            tasks.spawn(jobs::run_schedule(Arc::clone(context), shutdown.clone()));
        }
        if let Some(address) = config.metrics_addr {
            let listener = bind(address, "--metrics-addr").await?;
            let (router, stopped) = (http::metrics_router(front.clone(), metrics.clone()), shutdown.clone());
            tasks.spawn(http::serve::serve(listener, router, stopped, proxies.clone()));
        }
        let router = match role {
            NodeRole::Worker => http::worker_router(front, metrics),
            NodeRole::Web | NodeRole::All => http::router(front, metrics, shutdown.clone()),
        };
        tasks.spawn(http::serve::serve(listener, router, shutdown.clone(), proxies));
        tasks.close();
        Ok(Self { address, shutdown, tasks })
    }

    /// Runs until SIGINT or SIGTERM, then finishes or gives back what it works on.
    pub async fn until_signal(self) -> Result<()> {
        signal().await?;
        tracing::info!("shutting down");
        self.stop().await;
        Ok(())
    }

    /// Stops.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if tokio::time::timeout(SHUTDOWN_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!("not everything ended in time; leases end by themselves");
        }
    }
}

async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another server running there? Set {setting}"))
}

async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
