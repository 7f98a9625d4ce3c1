//! Why a use case does not do what it is asked to.

use domain::access::Permission;
use storage::StoreError;

/// Why a use case did not do what was asked. HTTP, pages and the command line turn it into problem+json or a page.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// There is no such thing, for this company.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The role of the caller lacks this permission.
    #[error("this role may not do that: it lacks the permission {0:?}")]
    NotPermitted(Permission),
    /// Nobody may, as things are.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// Somebody else was faster, or it is there already.
    #[error("{0}")]
    Conflict(String),
    /// The input is wrong: which field, and how to mend it.
    #[error("{message}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong and what to do; it says what it is about.
        message: String,
    },
    /// Try again later.
    #[error("{0}")]
    Unavailable(String),
    /// Our fault.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<StoreError> for UseCaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Conflict(what) => Self::Conflict(what),
            StoreError::Busy => Self::Unavailable("the store is busy; try again in a moment".into()),
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Damaged(why) => Self::Internal(why),
        }
    }
}

/// What a use case gives.
pub type Result<T> = std::result::Result<T, UseCaseError>;
