//! Implements the pages' ports: use case → view type. Words and times for people are made here, so that the server's and
//! the browser's half of a page agree.

pub mod exceptions;
pub mod mappings;
mod named;
pub mod overview;
mod raw;
pub mod session;
pub mod shipments;
pub mod sync;
mod times;

use app::contract::{ApiError, Ports, session::Permission};
use application::{cases::agents::Names, context::Context, error::UseCaseError};
use jiff::tz::TimeZone;
use std::sync::Arc;
use storage::{
    Actor, Scope,
    people::{AuditLine, UserRecord},
    work::CaseRecord,
};

/// The ports of one request: they know who asks.
pub fn all(context: &Arc<Context>, user: Option<&UserRecord>, browser: &session::BrowserSession) -> Ports {
    let asker = Asker { context: Arc::clone(context), user: user.cloned(), zone: times::zone_of(&browser.zone) };
    Ports {
        session: Arc::new(session::SessionPort { asker: asker.clone(), browser: browser.clone() }),
        shipments: Arc::new(shipments::ShipmentsPort(asker.clone())),
        exceptions: Arc::new(exceptions::ExceptionsPort(asker.clone())),
        overview: Arc::new(overview::OverviewPort(asker.clone())),
        mappings: Arc::new(mappings::MappingsPort(asker.clone())),
        sync: Arc::new(sync::SyncPort(asker)),
    }
}

/// Who asks.
#[derive(Clone)]
pub struct Asker {
    context: Arc<Context>,
    user: Option<UserRecord>,
    /// The zone of their browser; UTC until that is known.
    zone: TimeZone,
}

impl Asker {
    /// The times of their page.
    fn times(&self) -> times::Times {
        times::Times { now: self.context.now(), zone: self.zone.clone(), may_see: self.may(Permission::ReadPersonal) }
    }

    /// Whether they have this permission.
    fn may(&self, permission: Permission) -> bool {
        self.user.as_ref().is_some_and(|user| session::viewer(user).may(permission))
    }

    /// Opens the names of agents in cases and audit lines, if the person may see them.
    async fn agents<'a>(
        &self,
        cases: impl Iterator<Item = &'a CaseRecord>,
        lines: impl Iterator<Item = &'a AuditLine>,
    ) -> Result<Names, UseCaseError> {
        let Some(user) = self.user.as_ref().filter(|_| self.may(Permission::ReadPersonal)) else {
            return Ok(Names::default());
        };
        let scope = Scope { company: user.company, actor: Actor::User(user.id) };
        Names::read(&self.context, scope, cases, lines).await
    }

    /// What the person sees; nobody sees nothing.
    fn scope(&self) -> Result<Scope, ApiError> {
        let user = self.user.as_ref().ok_or(ApiError::Unauthenticated)?;
        Ok(Scope { company: user.company, actor: Actor::User(user.id) })
    }
}

/// Codes that no mapping knows, for a viewer who can map them.
async fn unmapped(asker: &Asker) -> Result<u64, ApiError> {
    if !asker.may(Permission::Operate) {
        return Ok(0);
    }
    asker.context.store.mappings.unmapped_count(asker.scope()?).await.map_err(|e| refused(&asker.context, e))
}

/// An error for a page. What went wrong inside is for the logs, under a correlation id that the page shows.
fn refused(context: &Context, error: impl Into<UseCaseError>) -> ApiError {
    match error.into() {
        UseCaseError::NotFound(_) => ApiError::NotFound,
        // what a role may do was settled before; this is about the thing itself
        UseCaseError::Forbidden(why) => ApiError::Refused { message: why.into() },
        UseCaseError::Conflict(message) => ApiError::Conflict { message },
        UseCaseError::Invalid { field, message } => ApiError::Invalid { field: field.into(), message },
        UseCaseError::Unavailable(message) => ApiError::Unavailable { message },
        UseCaseError::Internal(why) => {
            let correlation = context.correlation();
            tracing::error!(%correlation, "page: {why}");
            ApiError::Internal { correlation: correlation.to_string() }
        }
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// A cursor of the address; an empty one is none.
fn cursor(text: String) -> Option<String> {
    Some(text).filter(|c| !c.is_empty())
}
