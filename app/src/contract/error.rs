//! The one error that pages know.

use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use std::fmt;

/// Why something was not done, as a decision for the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ApiError {
    /// There is no such thing, or it is not yours to see.
    NotFound,
    /// You may not.
    Forbidden,
    /// Sign in first.
    Unauthenticated,
    /// Somebody else changed it meanwhile, or it exists already.
    Conflict {
        /// What is in the way.
        message: String,
    },
    /// What was entered cannot be taken.
    Invalid {
        /// The field's name.
        field: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// Try again later.
    Unavailable,
    /// Our fault. The id leads to the log.
    Internal {
        /// The thread of the request.
        correlation_id: String,
    },
}

impl ApiError {
    /// What was entered cannot be taken.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// Somebody was faster.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    /// The HTTP status of a page that shows it.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Forbidden => 403,
            Self::Unauthenticated => 401,
            Self::Conflict { .. } => 409,
            Self::Invalid { .. } => 422,
            Self::Unavailable => 503,
            Self::Internal { .. } => 500,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("This does not exist, or you may not see it."),
            Self::Forbidden => f.write_str("Your role does not allow this. An admin can change that."),
            Self::Unauthenticated => f.write_str("Your session has ended. Sign in again."),
            Self::Conflict { message } | Self::Invalid { message, .. } => f.write_str(message),
            Self::Unavailable => f.write_str("Milepost cannot answer just now. Try again in a minute; nothing is lost."),
            Self::Internal { correlation_id } if correlation_id.is_empty() => f.write_str("Something went wrong on our side."),
            Self::Internal { correlation_id } => write!(f, "Something went wrong on our side. Quote {correlation_id} when you report it."),
        }
    }
}

impl std::error::Error for ApiError {}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unavailable,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::invalid("", "This form could not be read. Reload the page and try again.")
            }
            _ => Self::Internal { correlation_id: String::new() },
        }
    }
}
