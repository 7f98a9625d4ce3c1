//! What crosses the wire: view types, errors, and one port for each area. The server implements the ports.

pub mod exceptions;
pub mod mappings;
pub mod overview;
pub mod session;
pub mod shipments;
pub mod sync;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Why a page cannot show or do what was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ApiError {
    /// Nobody is signed in.
    Unauthenticated,
    /// The person may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is no record for this page.
    Missing {
        /// Which kind.
        what: Record,
    },
    /// Somebody else was faster.
    Conflict {
        /// What happened.
        message: String,
    },
    /// The input is wrong.
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Try again later.
    Unavailable {
        /// Why.
        message: String,
    },
    /// Our fault; the thread is in the logs.
    Internal {
        /// The thread.
        correlation: String,
    },
}

/// A kind of record that has a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A shipment.
    Shipment,
    /// A job.
    Job,
    /// A message.
    Message,
}

impl Record {
    /// Where the others are, and what the link to them says.
    pub const fn list(self) -> (&'static str, &'static str) {
        match self {
            Self::Shipment => ("/shipments", "Back to shipments"),
            Self::Job => ("/sync", "Back to integrations"),
            Self::Message => ("/sync?view=messages", "Back to messages"),
        }
    }
}

impl ApiError {
    /// This error on the page of such a record: what is not found is the record.
    #[must_use]
    pub fn of_page(self, what: Record) -> Self {
        if self == Self::NotFound { Self::Missing { what } } else { self }
    }

    /// The HTTP status of an answer that refuses for this reason.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::Missing { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Invalid { .. } => 422,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("Please sign in."),
            Self::Forbidden => f.write_str("Your role does not allow this. An admin can change it."),
            Self::NotFound => f.write_str("This does not exist."),
            Self::Missing { what: Record::Shipment } => f.write_str("This shipment does not exist."),
            Self::Missing { what: Record::Job } => f.write_str("This job does not exist."),
            Self::Missing { what: Record::Message } => f.write_str("This message does not exist."),
            Self::Conflict { message } | Self::Invalid { message, .. } | Self::Unavailable { message } => {
                f.write_str(message)
            }
            Self::Internal { correlation } => {
                write!(f, "Something went wrong on our side. Quote {correlation} when you ask for help.")
            }
        }
    }
}

impl std::error::Error for ApiError {}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            ServerFnErrorErr::Request(_) => Self::Unavailable {
                message: "The server cannot be reached. Check the connection and try again.".into(),
            },
            ServerFnErrorErr::Args(e) | ServerFnErrorErr::MissingArg(e) => {
                Self::Invalid { field: String::new(), message: e }
            }
            other => Self::Unavailable { message: other.to_string() },
        }
    }
}

/// What a port gives.
pub type Answer<T> = Result<T, ApiError>;

/// The ports, for one request of one viewer.
#[derive(Clone)]
pub struct Ports {
    /// Signing in and out.
    pub session: Arc<dyn session::SessionPort>,
    /// Shipments.
    pub shipments: Arc<dyn shipments::ShipmentsPort>,
    /// The exception queue.
    pub exceptions: Arc<dyn exceptions::ExceptionsPort>,
    /// Figures.
    pub overview: Arc<dyn overview::OverviewPort>,
    /// What codes mean.
    pub mappings: Arc<dyn mappings::MappingsPort>,
    /// Calls to other systems.
    pub sync: Arc<dyn sync::SyncPort>,
}

/// A time as shown, in the viewer's zone: the server makes the words, so that both halves of a page agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// For `datetime`.
    pub iso: String,
    /// Short: `3 h ago`, `Wed 25 Nov`.
    pub shown: String,
    /// In full, with the zone or the word that there is none.
    pub full: String,
    /// The event's own clock, where it differs from the viewer's.
    #[serde(default)]
    pub own: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Record};

    #[test]
    fn every_error_has_the_status_that_it_means() {
        let message = || "why".to_owned();
        for (error, status) in [
            (ApiError::Unauthenticated, 401),
            (ApiError::Forbidden, 403),
            (ApiError::NotFound, 404),
            (ApiError::NotFound.of_page(Record::Job), 404),
            (ApiError::Forbidden.of_page(Record::Job), 403),
            (ApiError::Conflict { message: message() }, 409),
            (ApiError::Invalid { field: "field".into(), message: message() }, 422),
            (ApiError::Internal { correlation: "id".into() }, 500),
            (ApiError::Unavailable { message: message() }, 503),
        ] {
            assert_eq!(error.status(), status, "{error:?}");
        }
    }
}
