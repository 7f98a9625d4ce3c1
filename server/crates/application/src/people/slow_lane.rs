//! How many passwords are worked on at once, and where tries wait that are beyond the usual number.

use crate::error::{Result, UseCaseError};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hashes at once: each takes a core and some 20 MiB for a moment.
pub const HASHES_AT_ONCE: usize = 3;
/// How long one waits for its turn.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(1);

/// Where tries wait that are beyond the usual number: one is worked on at a time, and of each network one waits, so that nobody
/// fills the queue for the others.
#[derive(Debug)]
pub struct SlowLane {
    place: Arc<Semaphore>,
    networks: Mutex<HashSet<String>>,
}

/// The turn of a try in the slow lane, until it is dropped.
#[derive(Debug)]
pub struct SlowTurn {
    _place: OwnedSemaphorePermit,
    _entry: Entry,
}

#[derive(Debug)]
struct Entry {
    lane: Arc<SlowLane>,
    network: String,
}

impl Default for SlowLane {
    fn default() -> Self {
        Self { place: Arc::new(Semaphore::new(1)), networks: Mutex::default() }
    }
}

impl SlowLane {
    /// Waits for a turn.
    ///
    /// # Errors
    /// When somebody of the same network waits, or too many others do.
    pub async fn turn(self: &Arc<Self>, network: &str) -> Result<SlowTurn> {
        if !self.networks.lock().expect("no panic while held").insert(network.to_owned()) {
            return Err(busy());
        }
        let entry = Entry { lane: Arc::clone(self), network: network.to_owned() };
        match tokio::time::timeout(TURN_MAX, Arc::clone(&self.place).acquire_owned()).await {
            Ok(Ok(place)) => Ok(SlowTurn { _place: place, _entry: entry }),
            _ => Err(busy()),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.lane.networks.lock().expect("no panic while held").remove(&self.network);
    }
}

/// The refusal of a try that would wait too long.
pub(crate) fn busy() -> UseCaseError {
    metrics::counter!("milepost_sign_in_busy_total").increment(1);
    UseCaseError::Unavailable("Many people sign in right now. Try again in a moment.".into())
}
