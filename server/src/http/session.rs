//! Sessions: tower-sessions on our own storage. The cookie's value is stored hashed only; who it is is read anew on every
//! request, so that a disabled user is signed out at once.

use super::Front;
use application::context::Context;
use async_trait::async_trait;
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
};
use domain::ids::UserId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage::{
    Actor, Scope,
    people::{SessionRecord, UserRecord},
};
use tower_sessions::{
    ExpiredDeletion, Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store,
};

/// A session ends after this many hours without a request…
const IDLE_HOURS: i64 = 12;
/// … and after so many days in any case.
const DAYS_MAX: i64 = 30;
/// That somebody was seen is written down at most so often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// The key under which the session holds who signed in.
const PERSON: &str = "person";

/// Who signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Person {
    user: UserId,
    made_at: Timestamp,
    seen_at: Timestamp,
    /// A token of the password: with another one this is nobody any more, however close the two came.
    password: String,
}

impl Person {
    fn ends_at(&self) -> Timestamp {
        let after =
            |from: Timestamp, hours| from.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
        after(self.seen_at, IDLE_HOURS).min(after(self.made_at, DAYS_MAX * 24))
    }
}

fn password_token(context: &Context, user: &UserRecord) -> String {
    context.vault.token("session.password", &user.password)
}

/// Under what a session is kept.
fn key(context: &Context, id: &Id) -> String {
    context.vault.token("session", &id.to_string())
}

/// Under what this session is kept; none where there is none.
pub fn key_of(context: &Context, session: &Session) -> Option<String> {
    session.id().map(|id| key(context, &id))
}

/// The session layer of the router.
pub fn layer(front: &Front) -> SessionManagerLayer<StoredSessions> {
    let secure = front.config.secure_cookies();
    SessionManagerLayer::new(StoredSessions(Arc::clone(&front.context)))
        .with_name(if secure { "__Host-milepost" } else { "milepost" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::hours(IDLE_HOURS)))
}

/// Begins a session for a user; the id changes, so that a planted one is worth nothing.
///
/// # Errors
/// When the store fails.
pub async fn begin(
    context: &Context,
    session: &Session,
    user: &UserRecord,
) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    let now = context.now();
    let person = Person { user: user.id, made_at: now, seen_at: now, password: password_token(context, user) };
    session.insert(PERSON, person).await
}

/// Ends a session.
///
/// # Errors
/// When the store fails.
pub async fn end(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.flush().await
}

/// The user of a session, if there is one who may still sign in.
///
/// # Errors
/// 503 when the store does not answer: nobody is signed out by that.
pub async fn user(context: &Context, session: &Session) -> Result<Option<UserRecord>, StatusCode> {
    let away = |error: &dyn std::fmt::Display| {
        tracing::warn!("a session cannot be read: {error}");
        StatusCode::SERVICE_UNAVAILABLE
    };
    let Some(person) = session.get::<Person>(PERSON).await.map_err(|error| away(&error))? else { return Ok(None) };
    let user = context.store.people.user(person.user).await.map_err(|error| away(&error))?;
    let same = |user: &UserRecord| user.enabled && password_token(context, user) == person.password;
    let Some(user) = user.filter(same) else { return Ok(None) };
    let now = context.now();
    if now.duration_since(person.seen_at) >= SEEN_EVERY {
        session.insert(PERSON, Person { seen_at: now, ..person }).await.map_err(|error| away(&error))?;
    }
    Ok(Some(user))
}

/// The person who is signed in; a request without a session is refused.
#[derive(Clone, Debug)]
pub struct SignedIn(pub UserRecord);

impl SignedIn {
    /// What the person sees.
    pub fn scope(&self) -> Scope {
        Scope { company: self.0.company, actor: Actor::User(self.0.id) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?.ok_or(StatusCode::UNAUTHORIZED)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        let (Some(context), Some(session)) =
            (parts.extensions.get::<Arc<Context>>(), parts.extensions.get::<Session>())
        else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        };
        Ok(user(context, session).await?.map(Self))
    }
}

/// Sessions in our own storage.
#[derive(Clone)]
pub struct StoredSessions(Arc<Context>);

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSessions")
    }
}

impl StoredSessions {
    /// What is kept of a session; none of one in which nobody signed in.
    fn kept(&self, record: &Record) -> session_store::Result<Option<SessionRecord>> {
        let encode = |e: serde_json::Error| session_store::Error::Encode(e.to_string());
        let Some(person) = record.data.get(PERSON) else { return Ok(None) };
        let person = Person::deserialize(person).map_err(encode)?;
        // the id is the secret that the cookie holds: what is stored has a blank one
        let blank = Record { id: Id(0), ..record.clone() };
        Ok(Some(SessionRecord {
            key: key(&self.0, &record.id),
            user: person.user,
            made_at: person.made_at,
            seen_at: person.seen_at,
            expires_at: person.ends_at(),
            data: serde_json::to_string(&blank).map_err(encode)?,
        }))
    }
}

#[async_trait]
impl SessionStore for StoredSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // ids are 128 random bits: a clash is not worth a look
        let Some(kept) = self.kept(record)? else { return Ok(()) };
        self.0.store.people.put_session(kept).await.map_err(|e| session_store::Error::Backend(e.to_string()))
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let Some(kept) = self.kept(record)? else { return Ok(()) };
        if let Err(error) = self.0.store.people.renew_session(kept).await {
            // what was asked for is answered all the same
            tracing::warn!("a session is not prolonged: {error}");
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let kept = self.0.store.people.session(&key(&self.0, id), self.0.now()).await;
        let Some(kept) = kept.map_err(|e| session_store::Error::Backend(e.to_string()))? else { return Ok(None) };
        let mut record: Record =
            serde_json::from_str(&kept.data).map_err(|e| session_store::Error::Decode(e.to_string()))?;
        record.id = *id;
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0
            .store
            .people
            .drop_session(&key(&self.0, id))
            .await
            .map_err(|e| session_store::Error::Backend(e.to_string()))
    }
}

#[async_trait]
impl ExpiredDeletion for StoredSessions {
    async fn delete_expired(&self) -> session_store::Result<()> {
        self.0
            .store
            .people
            .sweep(self.0.now())
            .await
            .map(|_| ())
            .map_err(|e| session_store::Error::Backend(e.to_string()))
    }
}
