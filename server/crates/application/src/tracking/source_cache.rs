//! Sources that were read a moment ago, ready to verify what is posted to them.

use carriers::{Configured, Secrets};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};
use storage::{Scope, connections::ConnectionRecord};

/// For how long a source's configuration is kept before it is read again.
const SOURCE_KEPT: SignedDuration = SignedDuration::from_secs(5);
/// Names that nobody configured are remembered too, but no more than this many.
const SOURCES_KEPT: usize = 1_000;
/// Keys are asked for at most so often because a message names an unknown one.
const KEYS_ASKED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A configured source, ready to verify.
pub struct ReadySource {
    /// Whose.
    pub scope: Scope,
    /// The configuration.
    pub record: ConnectionRecord,
    /// The connector.
    pub connector: Configured,
    /// What it is verified with.
    pub secrets: Secrets,
    /// Whether the platform publishes its keys, so that an unknown one may be a new one.
    pub keys_published: bool,
}

/// Sources that were read a moment ago. The request path reads the store once per source and [`SOURCE_KEPT`].
#[derive(Default)]
pub struct SourceCache {
    kept: RwLock<HashMap<String, Kept>>,
    /// When keys were last asked for because somebody named an unknown one: anybody can do that.
    keys_asked: RwLock<HashMap<String, Timestamp>>,
}

/// When a name was read, and the source of that name, if there is one.
type Kept = (Timestamp, Option<Arc<ReadySource>>);

impl SourceCache {
    /// From now on what is stored counts.
    pub(crate) fn forget(&self) {
        self.kept.write().expect("no panic while held").clear();
    }

    /// The source of this name as it was read; none where that is too long ago.
    pub(crate) fn get(&self, name: &str, now: Timestamp) -> Option<Option<Arc<ReadySource>>> {
        let cache = self.kept.read().expect("no panic while held");
        let (read_at, source) = cache.get(name)?;
        // a clock that was set back ends it too
        (SignedDuration::ZERO..SOURCE_KEPT).contains(&now.duration_since(*read_at)).then(|| source.clone())
    }

    /// Whether keys may be asked for again; at most every [`KEYS_ASKED_EVERY`] for a source.
    pub(crate) fn may_ask_for_keys(&self, name: &str, now: Timestamp) -> bool {
        let mut asked = self.keys_asked.write().expect("no panic while held");
        if asked
            .get(name)
            .is_some_and(|last| (SignedDuration::ZERO..KEYS_ASKED_EVERY).contains(&now.duration_since(*last)))
        {
            return false;
        }
        asked.insert(name.to_owned(), now);
        true
    }

    /// Keeps what was read under this name.
    pub(crate) fn put(&self, name: &str, now: Timestamp, source: Option<Arc<ReadySource>>) {
        let mut cache = self.kept.write().expect("no panic while held");
        if cache.len() >= SOURCES_KEPT {
            cache.clear();
        }
        cache.insert(name.to_owned(), (now, source));
    }
}
