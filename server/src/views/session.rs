//! Signing in and out, for the pages.

use super::{Asker, refused};
use crate::http::session as web;
use app::contract::{
    ApiError, ApiResult,
    session::{Frame, Installation, Permission, Viewer},
};
use application::{
    context::Context,
    people::{
        self, NewUser,
        sign_in::{self, Origin, SignInError},
    },
};
use async_trait::async_trait;
use storage::{jobs::DestinationSummary, people::UserRecord};
use tower_sessions::Session;

/// The browser's session and where it comes from.
#[derive(Clone, Debug, Default)]
pub struct BrowserSession {
    /// The session.
    pub session: Option<Session>,
    /// Where its requests come from.
    pub origin: Origin,
    /// The browser's time zone, as it says; empty until it does.
    pub zone: String,
}

/// Signing in and out.
pub struct SessionPort {
    /// Who asks.
    pub asker: Asker,
    /// Their session.
    pub browser: BrowserSession,
}

/// A user as pages know it.
pub fn viewer(user: &UserRecord) -> Viewer {
    Viewer {
        user_id: user.id.to_string(),
        name: user.name.clone(),
        login: user.login.clone(),
        roles: user.roles.clone(),
    }
}

/// What everybody may know.
pub fn installation(context: &Context, demo: bool) -> Installation {
    Installation { company: context.config.company.clone(), demo, version: env!("CARGO_PKG_VERSION").into() }
}

/// Jobs that a person has to look at: as many as the list of failed ones has.
pub(super) fn failed(summary: &[DestinationSummary]) -> u64 {
    summary.iter().map(|d| d.dead).sum()
}

#[async_trait]
impl app::contract::session::SessionPort for SessionPort {
    async fn frame(&self) -> ApiResult<Frame> {
        let context = &self.asker.context;
        let scope = self.asker.scope(Permission::See)?;
        let user = self.asker.user.as_ref().ok_or(ApiError::Unauthenticated)?;
        let now = context.now();
        let counts = context.store.work.queue_counts(scope, now).await.map_err(|e| refused(context, e))?;
        let summary = context.store.jobs.summary(scope, now).await.map_err(|e| refused(context, e))?;
        Ok(Frame {
            viewer: viewer(user),
            installation: installation(context, context.config.mode == application::config::Mode::Demo),
            zone: self.asker.zone.iana_name().unwrap_or("UTC").to_owned(),
            zone_label: self.asker.times().zone_in_words(),
            exceptions: counts.iter().map(|(_, _, n)| n).sum(),
            failed: failed(&summary),
            unmapped: super::unmapped(&self.asker).await?,
        })
    }

    async fn sign_in(&self, login: String, password: String) -> ApiResult<String> {
        let context = &self.asker.context;
        let wrong = |field: &str, message: String| ApiError::Invalid { field: field.into(), message };
        let user = match sign_in::sign_in(context, &login, &password, &self.browser.origin).await {
            Ok(user) => user,
            Err(SignInError::Ours(error)) => return Err(refused(context, error)),
            Err(SignInError::Wrong) => return Err(wrong("password", "Incorrect email or password.".into())),
            Err(SignInError::Throttled(seconds)) => return Err(ApiError::TooMany { seconds }),
        };
        let session = self
            .browser
            .session
            .as_ref()
            .ok_or_else(|| ApiError::Unavailable { message: "there is no session".into() })?;
        web::begin(context, session, &user).await.map_err(|e| ApiError::Unavailable { message: e.to_string() })?;
        Ok(viewer(&user).home().to_owned())
    }

    async fn sign_out(&self) -> ApiResult<()> {
        if let Some(session) = &self.browser.session {
            web::end(session).await.map_err(|e| ApiError::Unavailable { message: e.to_string() })?;
        }
        if let (Ok(caller), Some(user)) = (self.asker.caller(), &self.asker.user) {
            let entry = self.asker.context.audit("session.end", format!("user:{}", user.id));
            self.asker
                .context
                .store
                .people
                .audit(caller.scope(), entry)
                .await
                .map_err(|e| refused(&self.asker.context, e))?;
        }
        Ok(())
    }

    async fn set_up_is_open(&self, token: String) -> ApiResult<bool> {
        people::set_up_is_open(&self.asker.context, &token).await.map_err(|e| refused(&self.asker.context, e))
    }

    async fn set_up(&self, token: String, login: String, name: String, password: String) -> ApiResult<()> {
        let user = NewUser { login, name, password, roles: Vec::new() };
        people::set_up(&self.asker.context, &token, user).await.map(drop).map_err(|e| refused(&self.asker.context, e))
    }
}
