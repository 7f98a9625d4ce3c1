//! Live streams (server-sent events): each event says which shipment has which revision, the newest of those that came
//! together, and the page reads again.
//! Streams resume from the change table by the event's id, and end at shutdown and with the session. Of one person's the oldest
//! makes room for a new one.

use super::{problem::Problem, session};
use application::context::Context;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::sse::{Event, KeepAlive, Sse},
};
use domain::ids::{ShipmentId, UserId};
use futures::{Stream, stream};
use session::SignedIn;
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use storage::{Scope, limits::CHANGE_ROWS, shipments::Change};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

/// A comment is sent this often, so that proxies keep the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Looks at the change table and at the session this often even if nobody said anything: another process may have committed.
const POLL: Duration = Duration::from_secs(2);
/// Between two events of a stream: a client that reads again at each sees all that came meanwhile.
const APART: Duration = Duration::from_millis(500);
/// Streams of one person in one process.
const STREAMS_OF_ONE: usize = 16;
/// A browser whose stream made room for another comes again after this.
const COME_AGAIN: Duration = Duration::from_secs(60);

/// What the streams share.
#[derive(Clone)]
pub struct LiveState {
    /// The installation.
    pub context: Arc<Context>,
    /// Ends the streams.
    pub shutdown: CancellationToken,
    /// The streams.
    pub streams: Arc<Streams>,
}

/// The streams that there are.
#[derive(Debug)]
pub struct Streams {
    seats: Mutex<Seats>,
    most: usize,
}

#[derive(Debug, Default)]
struct Seats {
    taken: usize,
    next: u64,
    of: HashMap<UserId, VecDeque<(u64, CancellationToken)>>,
}

/// The place of one stream, until it is dropped.
#[derive(Debug)]
struct Seat {
    streams: Arc<Streams>,
    user: UserId,
    number: u64,
    /// Another one took the place.
    lost: CancellationToken,
}

impl Streams {
    /// No more than so many at once.
    pub fn new(most: usize) -> Self {
        Self { seats: Mutex::default(), most }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().expect("no panic while held")
    }

    /// A place for a person's stream; none where there are too many.
    fn take(self: &Arc<Self>, user: UserId) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.of.get(&user).is_some_and(|own| own.len() >= STREAMS_OF_ONE) {
            if let Some((_, oldest)) = seats.of.get_mut(&user).and_then(VecDeque::pop_front) {
                oldest.cancel();
                seats.taken -= 1;
            }
        } else if seats.taken >= self.most {
            return None;
        }
        let (number, lost) = (seats.next, CancellationToken::new());
        seats.next += 1;
        seats.taken += 1;
        seats.of.entry(user).or_default().push_back((number, lost.clone()));
        Some(Seat { streams: Arc::clone(self), user, number, lost })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.streams.seats();
        let Some(own) = seats.of.get_mut(&self.user) else { return };
        let before = own.len();
        own.retain(|(number, _)| *number != self.number);
        let (freed, none_left) = (before - own.len(), own.is_empty());
        if none_left {
            seats.of.remove(&self.user);
        }
        seats.taken -= freed;
    }
}

/// Changes of every shipment.
pub async fn all(
    State(live): State<LiveState>,
    who: SignedIn,
    session: Session,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    follow(live, who, session, headers, None).await
}

/// Changes of one shipment.
pub async fn one(
    State(live): State<LiveState>,
    who: SignedIn,
    session: Session,
    id: Result<Path<ShipmentId>, PathRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Ok(Path(id)) = id else { return Err(Problem::nothing_here()) };
    follow(live, who, session, headers, Some(id)).await
}

async fn follow(
    live: LiveState,
    who: SignedIn,
    session: Session,
    headers: HeaderMap,
    only: Option<ShipmentId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let scope = who.scope();
    let unavailable = |why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why);
    let session = session::key_of(&live.context, &session)
        .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "nobody is signed in"))?;
    let seat = live
        .streams
        .take(who.0.id)
        .ok_or_else(|| unavailable("too many pages follow what happens; try again in a minute").retry_after(60))?;
    let resumed = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let after = match resumed {
        Some(seq) => seq,
        None => live.context.store.shipments.newest_change(scope).await.map_err(|error| {
            tracing::warn!("a live stream cannot begin: {error}");
            unavailable("the database does not answer").retry_after(1)
        })?,
    };
    let changes = live.context.notifier.changes();
    let reader = Reader { live, scope, only, after, session, seat, said: false, changes };
    let events = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await? {
            Said::Change(change) => {
                let data = serde_json::json!({ "shipment": change.shipment, "revision": change.revision }).to_string();
                Some((Ok(Event::default().id(change.seq.to_string()).event("change").data(data)), Some(reader)))
            }
            // the last word, so that two tabs do not take each other's place again and again
            Said::Evicted => Some((Ok(Event::default().retry(COME_AGAIN)), None)),
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// What a stream says next.
enum Said {
    Change(Change),
    /// Another stream took its place.
    Evicted,
}

struct Reader {
    live: LiveState,
    scope: Scope,
    only: Option<ShipmentId>,
    after: u64,
    /// Under what the session is kept with which it began.
    session: String,
    seat: Seat,
    /// Whether it has just said something.
    said: bool,
    changes: watch::Receiver<()>,
}

impl Reader {
    /// The newest of the changes that came; none at shutdown and when the session is over.
    async fn next(&mut self) -> Option<Said> {
        if std::mem::take(&mut self.said) {
            tokio::select! {
                () = self.live.shutdown.cancelled() => return None,
                () = self.seat.lost.cancelled() => return Some(Said::Evicted),
                () = tokio::time::sleep(APART) => {}
            }
        }
        let mut newest = None;
        loop {
            if self.live.shutdown.is_cancelled() {
                return None;
            }
            self.changes.mark_unchanged();
            let read = self
                .live
                .context
                .store
                .shipments
                .changes(self.scope, self.after, CHANGE_ROWS)
                .await
                .unwrap_or_default();
            if let Some(last) = read.last() {
                self.after = last.seq;
                let about = |change: &Change| self.only.is_none_or(|id| id == change.shipment);
                newest = read.into_iter().rfind(about).or(newest);
                continue;
            }
            // after the read: what is sent was still theirs to see
            if self.session_is_over().await {
                return None;
            }
            if let Some(newest) = newest {
                self.said = true;
                return Some(Said::Change(newest));
            }
            tokio::select! {
                () = self.live.shutdown.cancelled() => return None,
                () = self.seat.lost.cancelled() => return Some(Said::Evicted),
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Whether the person signed out, was signed out or may not sign in any more; not while nobody can tell.
    async fn session_is_over(&self) -> bool {
        let context = &self.live.context;
        matches!(context.store.people.session(&self.session, context.now()).await, Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_oldest_stream_of_a_person_makes_room() {
        let streams = Arc::new(Streams::new(100));
        let (anna, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let of_bob = streams.take(bob).unwrap();
        let mut of_anna: Vec<_> = (0..STREAMS_OF_ONE).map(|_| streams.take(anna).unwrap()).collect();
        assert!(of_anna.iter().all(|seat| !seat.lost.is_cancelled()));
        of_anna.push(streams.take(anna).unwrap());
        let lost: Vec<_> = of_anna.iter().map(|seat| seat.lost.is_cancelled()).collect();
        assert_eq!((lost[0], lost[1..].contains(&true)), (true, false));
        assert!(!of_bob.lost.is_cancelled());
        assert_eq!(streams.seats().taken, STREAMS_OF_ONE + 1);
        drop((of_anna, of_bob));
        let seats = streams.seats();
        assert_eq!((seats.taken, seats.of.len()), (0, 0));
    }

    #[test]
    fn there_is_an_end_to_all_streams() {
        let streams = Arc::new(Streams::new(50));
        let people = (0..50).map(|n| UserId(Uuid::from_u128(n)));
        let seats: Vec<_> = people.map(|user| streams.take(user).unwrap()).collect();
        assert!(streams.take(UserId(Uuid::from_u128(u128::MAX))).is_none());
        drop(seats);
        assert!(streams.take(UserId(Uuid::from_u128(u128::MAX))).is_some());
    }
}
