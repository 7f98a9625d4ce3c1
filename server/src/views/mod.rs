//! Implements the pages' ports: use case → view type. Words and times for people are made here, so that the server's and
//! the browser's half of a page agree.

pub mod exceptions;
mod locale;
pub mod mappings;
mod named;
pub mod overview;
pub mod session;
pub mod shipments;
pub mod sync;
mod times;
mod words;

use app::contract::{ApiError, Ports, session::Permission};
use application::{caller::Caller, cases::agents::Names, context::Context, error::UseCaseError, mask::Mask};
use jiff::tz::TimeZone;
use std::sync::Arc;
use storage::{
    Scope,
    people::{AuditLine, UserRecord},
    work::CaseRecord,
};

/// The ports of one request: they know who asks.
pub fn ports(context: &Arc<Context>, user: Option<&UserRecord>, browser: &session::BrowserSession) -> Ports {
    let caller = user.map(Caller::of);
    let zone = times::zone_of(&browser.zone);
    let asker = Asker { context: Arc::clone(context), user: user.cloned(), caller, zone };
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
    caller: Option<Caller>,
    /// The zone of their browser; UTC until that is known.
    zone: TimeZone,
}

impl Asker {
    /// The times of their page.
    fn times(&self) -> times::Times {
        times::Times { now: self.context.now(), zone: self.zone.clone(), mask: self.mask() }
    }

    /// What is hidden from them.
    fn mask(&self) -> Mask {
        self.caller.map_or(Mask::FULL, |caller| Mask::of(&caller))
    }

    /// Whether they have this permission.
    fn may(&self, permission: Permission) -> bool {
        self.caller.is_some_and(|caller| caller.may(permission))
    }

    /// Opens the names of agents in cases and audit lines, if the person may see them.
    async fn agents<'a>(
        &self,
        cases: impl Iterator<Item = &'a CaseRecord>,
        lines: impl Iterator<Item = &'a AuditLine>,
    ) -> Result<Names, UseCaseError> {
        let Some(caller) = self.caller.filter(|caller| caller.may(Permission::ReadPersonal)) else {
            return Ok(Names::default());
        };
        Names::read(&self.context, caller.scope(), cases, lines).await
    }

    /// Whom use cases are asked for.
    fn caller(&self) -> Result<Caller, ApiError> {
        self.caller.ok_or(ApiError::Unauthenticated)
    }

    /// Where somebody with this permission reads.
    fn scope(&self, permission: Permission) -> Result<Scope, ApiError> {
        let caller = self.caller()?;
        caller.require(permission).map_err(|error| refused(&self.context, error))?;
        Ok(caller.scope())
    }
}

/// Codes that no mapping knows, for a viewer who can map them.
async fn unmapped(asker: &Asker) -> Result<u64, ApiError> {
    if !asker.may(Permission::Operate) {
        return Ok(0);
    }
    asker
        .context
        .store
        .mappings
        .unmapped_count(asker.scope(Permission::Operate)?)
        .await
        .map_err(|e| refused(&asker.context, e))
}

/// An error for a page. What went wrong inside is for the logs, under a correlation id that the page shows.
fn refused(context: &Context, error: impl Into<UseCaseError>) -> ApiError {
    match error.into() {
        UseCaseError::NotFound(_) => ApiError::NotFound,
        UseCaseError::NotPermitted(_) => ApiError::Forbidden,
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
