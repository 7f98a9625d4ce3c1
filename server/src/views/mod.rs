//! Implements the pages' ports: use case → view type. Words and times for people are made here, so that the server's and
//! the browser's half of a page agree.

pub mod alerts;
pub mod analytics;
pub mod booking_rules;
pub mod calibration;
pub mod carriers;
pub mod claims;
pub mod connections;
pub mod exceptions;
pub mod figures;
mod locale;
pub mod mappings;
mod named;
pub mod playbooks;
pub mod reconciliation;
pub mod reports;
pub mod rules;
pub mod session;
pub mod shipments;
pub mod start;
pub mod sync;
mod times;
mod words;

use app::contract::{ApiError, Ports, session::Permission};
use application::{caller::Caller, context::Context, error::UseCaseError};
use jiff::tz::TimeZone;
use std::{str::FromStr, sync::Arc};
use storage::people::UserRecord;

/// The ports of one request: they know who asks.
pub fn ports(context: &Arc<Context>, user: Option<&UserRecord>, browser: &session::BrowserSession) -> Ports {
    let asker = Asker {
        context: Arc::clone(context),
        user: user.cloned(),
        signed_in: user.map(Caller::of),
        zone: times::zone_of(&browser.zone),
    };
    Ports {
        session: Arc::new(session::SessionPort { asker: asker.clone(), browser: browser.clone() }),
        shipments: Arc::new(shipments::ShipmentsPort(asker.clone())),
        exceptions: Arc::new(exceptions::ExceptionsPort(asker.clone())),
        figures: Arc::new(figures::FiguresPort(asker.clone())),
        calibration: Arc::new(calibration::CalibrationPort(asker.clone())),
        carriers: Arc::new(carriers::CarriersPort(asker.clone())),
        start: Arc::new(start::StartPort(asker.clone())),
        booking_rules: Arc::new(booking_rules::BookingRulesPort(asker.clone())),
        mappings: Arc::new(mappings::MappingsPort(asker.clone())),
        claims: Arc::new(claims::ClaimsPort(asker.clone())),
        reports: Arc::new(reports::ReportsPort(asker.clone())),
        analytics: Arc::new(analytics::AnalyticsPort(asker.clone())),
        connections: Arc::new(connections::ConnectionsPort { asker: asker.clone(), browser: browser.clone() }),
        rules: Arc::new(rules::RulesPort { asker: asker.clone(), browser: browser.clone() }),
        playbooks: Arc::new(playbooks::PlaybooksPort(asker.clone())),
        alerts: Arc::new(alerts::AlertsPort(asker.clone())),
        reconciliation: Arc::new(reconciliation::ReconciliationPort(asker.clone())),
        sync: Arc::new(sync::SyncPort(asker)),
    }
}

/// Who asks.
#[derive(Clone)]
pub struct Asker {
    context: Arc<Context>,
    user: Option<UserRecord>,
    signed_in: Option<Caller>,
    /// The zone of their browser; UTC until that is known.
    zone: TimeZone,
}

impl Asker {
    /// The caller, who has this permission. Ports begin with it, before they read their arguments, so that who may not learns
    /// nothing about them.
    fn caller(&self, permission: Permission) -> Result<Caller, ApiError> {
        let caller = self.signed_in.ok_or(ApiError::Unauthenticated)?;
        caller.require(permission).map_err(|error| self.refused(error))?;
        Ok(caller)
    }

    /// The times of their page.
    fn times(&self) -> times::Times {
        times::Times { now: self.context.now(), zone: self.zone.clone() }
    }

    /// An error of a use case, for their page.
    fn refused(&self, error: impl Into<UseCaseError>) -> ApiError {
        refused(&self.context, error)
    }
}

/// An error for a page. What went wrong inside is for the logs, under a correlation id that the page shows.
fn refused(context: &Context, error: impl Into<UseCaseError>) -> ApiError {
    let said = |message: String| words::sentence(&message);
    match error.into() {
        UseCaseError::NotFound(_) => ApiError::NotFound,
        UseCaseError::NotPermitted(_) => ApiError::Forbidden,
        UseCaseError::Forbidden(why) => ApiError::Refused { message: said(why.into()) },
        UseCaseError::Conflict(message) => ApiError::Conflict { message: said(message) },
        UseCaseError::Invalid { field, message } => ApiError::Invalid { field: field.into(), message: said(message) },
        UseCaseError::Unavailable(message) => ApiError::Unavailable { message: said(message) },
        UseCaseError::Internal(why) => {
            let correlation = context.correlation();
            tracing::error!(%correlation, "page: {why}");
            ApiError::Internal { correlation: correlation.to_string() }
        }
    }
}

/// An id of the address; where it is malformed there is nothing of this id.
fn id<T: FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// A text of the address; an empty one is none.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
