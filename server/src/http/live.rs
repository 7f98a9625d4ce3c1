//! Live streams (server-sent events): each event says which shipment has which revision, and the page reads again.
//! Streams resume from the change table by the event's id, and end at shutdown.

use super::session::SignedIn;
use crate::tower::Tower;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use domain::ids::ShipmentId;
use futures::{Stream, stream};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use storage::{Scope, limits::CHANGE_ROWS, shipments::Change};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A comment is sent this often, so that proxies keep the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Looks at the change table this often even if nobody said anything: another process may have committed.
const POLL: Duration = Duration::from_secs(2);

/// What the streams share.
#[derive(Clone)]
pub struct LiveState {
    /// The installation.
    pub tower: Arc<Tower>,
    /// Ends the streams.
    pub shutdown: CancellationToken,
}

/// Changes of every shipment.
pub async fn all(
    State(live): State<LiveState>,
    who: SignedIn,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    follow(live, who, headers, None).await
}

/// Changes of one shipment.
pub async fn one(
    State(live): State<LiveState>,
    who: SignedIn,
    Path(id): Path<ShipmentId>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    follow(live, who, headers, Some(id)).await
}

async fn follow(
    live: LiveState,
    who: SignedIn,
    headers: HeaderMap,
    only: Option<ShipmentId>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let scope = who.scope();
    let resumed = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let after = match resumed {
        Some(seq) => seq,
        None => live.tower.store.shipments.newest_change(scope).await.unwrap_or_default(),
    };
    let changes = live.tower.wake.changes();
    let reader = Reader { live, scope, only, after, waiting: VecDeque::new(), changes };
    let events = stream::unfold(reader, |mut reader| async move {
        let change = reader.next().await?;
        let data = serde_json::json!({ "shipment": change.shipment, "revision": change.revision }).to_string();
        Some((Ok(Event::default().id(change.seq.to_string()).event("change").data(data)), reader))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Reader {
    live: LiveState,
    scope: Scope,
    only: Option<ShipmentId>,
    after: u64,
    waiting: VecDeque<Change>,
    changes: watch::Receiver<()>,
}

impl Reader {
    /// The next change; none at shutdown.
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.waiting.pop_front() {
                return Some(change);
            }
            if self.live.shutdown.is_cancelled() {
                return None;
            }
            self.changes.mark_unchanged();
            let read =
                self.live.tower.store.shipments.changes(self.scope, self.after, CHANGE_ROWS).await.unwrap_or_default();
            if let Some(last) = read.last() {
                self.after = last.seq;
                self.waiting.extend(read.into_iter().filter(|c| self.only.is_none_or(|id| id == c.shipment)));
                continue;
            }
            tokio::select! {
                () = self.live.shutdown.cancelled() => return None,
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}
