//! Sessions: tower-sessions on our own storage. The cookie's value is stored hashed only; rights are read anew on every
//! request, so that a change of roles counts at once.

use crate::tower::Tower;
use async_trait::async_trait;
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
};
use domain::ids::UserId;
use jiff::Timestamp;
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

/// A session ends after this many hours without a request.
const IDLE_HOURS: i64 = 12;
/// The key under which the session holds the user.
const USER: &str = "user";

/// The session layer of the router.
pub fn layer(tower: &Arc<Tower>) -> SessionManagerLayer<StoredSessions> {
    let secure = tower.config.secure_cookies();
    SessionManagerLayer::new(StoredSessions(Arc::clone(tower)))
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
pub async fn begin(session: &Session, user: UserId) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.insert(USER, user).await
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
pub async fn user(tower: &Tower, session: &Session) -> Result<Option<UserRecord>, StatusCode> {
    let away = |error: &dyn std::fmt::Display| {
        tracing::warn!("a session cannot be read: {error}");
        StatusCode::SERVICE_UNAVAILABLE
    };
    let Some(id) = session.get::<UserId>(USER).await.map_err(|error| away(&error))? else { return Ok(None) };
    Ok(tower.store.people.user(id).await.map_err(|error| away(&error))?.filter(|user| user.enabled))
}

/// Whoever is signed in; a request of nobody is refused.
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
        let (Some(tower), Some(session)) = (parts.extensions.get::<Arc<Tower>>(), parts.extensions.get::<Session>())
        else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        };
        Ok(user(tower, session).await?.map(Self))
    }
}

/// Sessions in our own storage.
#[derive(Clone)]
pub struct StoredSessions(Arc<Tower>);

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSessions")
    }
}

impl StoredSessions {
    fn key(&self, id: &Id) -> String {
        self.0.vault.token("session", &id.to_string())
    }

    async fn put(&self, record: &Record) -> session_store::Result<()> {
        // the id is the secret that the cookie holds: what is stored has a blank one
        let blank = Record { id: Id(0), ..record.clone() };
        let data = serde_json::to_string(&blank).map_err(|e| session_store::Error::Encode(e.to_string()))?;
        let ends = Timestamp::from_second(record.expiry_date.unix_timestamp())
            .map_err(|e| session_store::Error::Encode(e.to_string()))?;
        let kept = SessionRecord { key: self.key(&record.id), data, expires_at: ends };
        self.0.store.people.put_session(kept).await.map_err(|e| session_store::Error::Backend(e.to_string()))
    }
}

#[async_trait]
impl SessionStore for StoredSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // ids are 128 random bits: a clash is not worth a look
        self.put(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.put(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let kept = self.0.store.people.session(&self.key(id), self.0.now()).await;
        let Some(kept) = kept.map_err(|e| session_store::Error::Backend(e.to_string()))? else { return Ok(None) };
        let mut record: Record =
            serde_json::from_str(&kept.data).map_err(|e| session_store::Error::Decode(e.to_string()))?;
        record.id = *id;
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.store.people.drop_session(&self.key(id)).await.map_err(|e| session_store::Error::Backend(e.to_string()))
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
