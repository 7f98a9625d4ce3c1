//! A process whose time and memory are looked at, and this process's own.

use anyhow::{Context, Result};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The kernel counts processor time in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of a process so far.
pub fn cpu(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // the name may hold anything, but ends with the last parenthesis
    let fields: Vec<&str> = stat.rsplit_once(')').map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
}

/// The most memory that a process has had, in MB; 0 where it is gone.
pub fn peak_mb(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    peak.unwrap_or(0.0) * 1024.0 / 1e6
}

/// Which part of the machine's processor time this process used.
pub struct Share {
    begun: std::time::Instant,
    before: Duration,
}

impl Share {
    /// From now on.
    pub fn start() -> Self {
        Self { begun: std::time::Instant::now(), before: cpu("self") }
    }

    /// In percent of all cores.
    pub fn percent(&self) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let used = cpu("self").saturating_sub(self.before).as_secs_f64();
        100.0 * used / (self.begun.elapsed().as_secs_f64() * cores)
    }
}

/// A process of ours that prints its address when it is ready; ended when dropped.
pub struct Served {
    child: Child,
    /// `http://…`.
    pub address: String,
}

impl Served {
    /// Starts this program again with these words.
    ///
    /// # Errors
    /// When it does not print an address.
    pub fn start(words: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        let address = line.trim().to_owned();
        let served = Self { child, address };
        anyhow::ensure!(served.address.starts_with("http://"), "{words:?} did not start");
        Ok(served)
    }

    /// The most memory that it has had, in MB.
    pub fn peak_mb(&self) -> f64 {
        peak_mb(self.child.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
