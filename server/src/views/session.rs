//! Signing in and out, for the pages.

use super::Asker;
use crate::http::session as web;
use app::contract::{
    ApiError, ApiResult,
    session::{Frame, Installation, Permission, START, Viewer},
};
use application::{
    config::Mode,
    connections::first_steps,
    context::Context,
    installation,
    operations::overview,
    people::{
        self, NewUser,
        sign_in::{self, Origin, SignInError},
    },
};
use async_trait::async_trait;
use storage::people::UserRecord;
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
    /// Whether it loads a page anew for each form: its half of Milepost does not run.
    pub loads_pages: bool,
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
///
/// # Errors
/// When the store fails.
pub async fn installation(context: &Context) -> storage::Result<Installation> {
    let company = installation::company(context).await?.name;
    let demo = context.config.mode == Mode::Demo;
    Ok(Installation { company, demo, version: env!("CARGO_PKG_VERSION").into() })
}

#[async_trait]
impl app::contract::session::SessionPort for SessionPort {
    async fn frame(&self) -> ApiResult<Frame> {
        let context = &self.asker.context;
        let caller = self.asker.caller(Permission::See)?;
        let user = self.asker.user.as_ref().ok_or(ApiError::Unauthenticated)?;
        let waiting = overview::attention(context, &caller).await.map_err(|e| self.asker.refused(e))?;
        let connected = first_steps::connected(context, caller.scope()).await.map_err(|e| self.asker.refused(e))?;
        Ok(Frame {
            viewer: viewer(user),
            installation: installation(context).await.map_err(|e| self.asker.refused(e))?,
            zone: self.asker.zone.iana_name().unwrap_or("UTC").to_owned(),
            zone_label: self.asker.times().zone_in_words(),
            exceptions: waiting.exceptions,
            connections: waiting.connections,
            failed: waiting.failed,
            claims: waiting.claims,
            differences: waiting.differences,
            alerts: waiting.alerts,
            unmapped: waiting.unmapped,
            connected: connected.anything,
            guided: connected.guided && caller.may(Permission::Operate),
        })
    }

    async fn sign_in(&self, login: String, password: String) -> ApiResult<String> {
        let context = &self.asker.context;
        let wrong = |field: &str, message: String| ApiError::Invalid { field: field.into(), message };
        let user = match sign_in::sign_in(context, &login, &password, &self.browser.origin).await {
            Ok(user) => user,
            Err(SignInError::Ours(error)) => return Err(self.asker.refused(error)),
            Err(SignInError::Wrong) => return Err(wrong("password", "Incorrect email or password.".into())),
            Err(SignInError::Throttled(seconds)) => return Err(ApiError::TooMany { seconds }),
        };
        let session = self
            .browser
            .session
            .as_ref()
            .ok_or_else(|| ApiError::Unavailable { message: "there is no session".into() })?;
        web::begin(context, session, &user).await.map_err(|e| ApiError::Unavailable { message: e.to_string() })?;
        let viewer = viewer(&user);
        let connected = first_steps::connected(context, context.scope()).await.map_err(|e| self.asker.refused(e))?;
        let guided = connected.guided && viewer.may(Permission::Operate);
        Ok(if guided { START } else { viewer.home() }.to_owned())
    }

    async fn sign_out(&self) -> ApiResult<()> {
        if let Some(session) = &self.browser.session {
            web::end(session).await.map_err(|e| ApiError::Unavailable { message: e.to_string() })?;
        }
        if let Some(caller) = &self.asker.signed_in {
            people::signed_out(&self.asker.context, caller).await.map_err(|e| self.asker.refused(e))?;
        }
        Ok(())
    }

    async fn set_up_is_open(&self, token: String) -> ApiResult<bool> {
        people::set_up_is_open(&self.asker.context, &token).await.map_err(|e| self.asker.refused(e))
    }

    async fn set_up(&self, token: String, login: String, name: String, password: String) -> ApiResult<()> {
        let user = NewUser { login, name, password, roles: Vec::new() };
        people::set_up(&self.asker.context, &token, user).await.map(drop).map_err(|e| self.asker.refused(e))
    }
}
