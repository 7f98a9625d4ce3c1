//! The exception queue.

#[cfg(feature = "ssr")]
use super::guard::authorise;
#[cfg(feature = "ssr")]
use crate::contract::{exceptions::Action, session::Permission};
use crate::contract::{
    ApiError, ExceptionId,
    exceptions::{QueueQuery, QueueView},
};
use leptos::{prelude::*, server};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Seen.
    Acknowledge,
    /// The viewer looks after it.
    Take,
    /// Nobody looks after it any more.
    GiveBack,
    /// Out of the queue for `hours`.
    Snooze,
    /// Settled, because of `why`.
    Resolve,
    /// Not settled after all.
    Reopen,
}

impl ActKind {
    /// The word in the form.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Take => "take",
            Self::GiveBack => "give_back",
            Self::Snooze => "snooze",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
        }
    }
}

/// A page of the queue.
#[server(prefix = "/api", endpoint = "exceptions/queue", input = Json)]
pub async fn list_exceptions(query: QueueQuery) -> Result<QueueView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadExceptions)?;
    ports.exceptions.queue(&viewer, query).await
}

/// A person acts on an exception.
#[server(name = ActOnException, prefix = "/api", endpoint = "exceptions/act")]
pub async fn act_on_exception(
    exception: ExceptionId,
    kind: ActKind,
    #[server(default)] hours: Option<u32>,
    #[server(default)] why: Option<String>,
) -> Result<(), ApiError> {
    const HOURS_MAX: u32 = 720;
    const WHY_MAX_CHARS: usize = 500;
    let (ports, viewer) = authorise(Permission::WorkExceptions)?;
    let why: String = why.unwrap_or_default().trim().chars().take(WHY_MAX_CHARS).collect();
    let action = match kind {
        ActKind::Acknowledge => Action::Acknowledge,
        ActKind::Take => Action::AssignToMe,
        ActKind::GiveBack => Action::GiveBack,
        ActKind::Snooze => match hours {
            Some(hours @ 1..=HOURS_MAX) => Action::Snooze { hours },
            _ => return Err(ApiError::invalid("hours", "Snooze for 1 hour to 30 days.")),
        },
        ActKind::Resolve if why.is_empty() => return Err(ApiError::invalid("why", "Say in a few words how it was settled; the audit trail keeps it.")),
        ActKind::Resolve => Action::Resolve { why },
        ActKind::Reopen => Action::Reopen { why },
    };
    ports.exceptions.act(&viewer, &exception, action).await
}
