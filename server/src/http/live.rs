//! Live streams (server-sent events): each event says which shipment has which revision, the newest of those that came
//! together, and the page reads again.
//! Streams resume from the change table by the event's id, and end at shutdown.

use super::{problem::Problem, session::SignedIn};
use crate::tower::Tower;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::sse::{Event, KeepAlive, Sse},
};
use domain::ids::ShipmentId;
use futures::{Stream, stream};
use std::{convert::Infallible, sync::Arc, time::Duration};
use storage::{Scope, limits::CHANGE_ROWS, shipments::Change};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A comment is sent this often, so that proxies keep the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Looks at the change table this often even if nobody said anything: another process may have committed.
const POLL: Duration = Duration::from_secs(2);
/// Between two events of a stream: whoever reads again at each sees all that came meanwhile.
const APART: Duration = Duration::from_millis(500);

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
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    follow(live, who, headers, None).await
}

/// Changes of one shipment.
pub async fn one(
    State(live): State<LiveState>,
    who: SignedIn,
    Path(id): Path<ShipmentId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    follow(live, who, headers, Some(id)).await
}

async fn follow(
    live: LiveState,
    who: SignedIn,
    headers: HeaderMap,
    only: Option<ShipmentId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let scope = who.scope();
    let resumed = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let after = match resumed {
        Some(seq) => seq,
        None => live.tower.store.shipments.newest_change(scope).await.map_err(|error| {
            tracing::warn!("a live stream cannot begin: {error}");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the database does not answer").retry_after(1)
        })?,
    };
    let changes = live.tower.wake.changes();
    let reader = Reader { live, scope, only, after, said: false, changes };
    let events = stream::unfold(reader, |mut reader| async move {
        let change = reader.next().await?;
        let data = serde_json::json!({ "shipment": change.shipment, "revision": change.revision }).to_string();
        Some((Ok(Event::default().id(change.seq.to_string()).event("change").data(data)), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Reader {
    live: LiveState,
    scope: Scope,
    only: Option<ShipmentId>,
    after: u64,
    /// Whether it has just said something.
    said: bool,
    changes: watch::Receiver<()>,
}

impl Reader {
    /// The newest of the changes that came; none at shutdown.
    async fn next(&mut self) -> Option<Change> {
        if std::mem::take(&mut self.said) {
            tokio::select! {
                () = self.live.shutdown.cancelled() => return None,
                () = tokio::time::sleep(APART) => {}
            }
        }
        let mut newest = None;
        loop {
            if self.live.shutdown.is_cancelled() {
                return None;
            }
            self.changes.mark_unchanged();
            let read =
                self.live.tower.store.shipments.changes(self.scope, self.after, CHANGE_ROWS).await.unwrap_or_default();
            if let Some(last) = read.last() {
                self.after = last.seq;
                let about = |change: &Change| self.only.is_none_or(|id| id == change.shipment);
                newest = read.into_iter().rfind(about).or(newest);
                continue;
            }
            if newest.is_some() {
                self.said = true;
                return newest;
            }
            tokio::select! {
                () = self.live.shutdown.cancelled() => return None,
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}
