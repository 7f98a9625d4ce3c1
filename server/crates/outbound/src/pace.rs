//! How fast a destination is called.

use std::{
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

/// At most so many calls a second: each takes the next free moment and waits for it.
#[derive(Debug)]
pub(crate) struct Pace {
    apart: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn of(calls_per_second: NonZeroU32) -> Self {
        Self { apart: Duration::from_secs(1) / calls_per_second.get(), next: Mutex::new(Instant::now()) }
    }

    pub(crate) async fn wait(&self) {
        let now = Instant::now();
        let mine = {
            let mut next = self.next.lock().expect("no panic while held");
            let mine = (*next).max(now);
            *next = mine + self.apart;
            mine
        };
        tokio::time::sleep_until(mine.into()).await;
    }
}
