//! The circuit breakers of the destinations: whether jobs for one may run now. One row for each, shared by all nodes.

use crate::{Actor, AuditEntry, Result, Scope, jobs::JobKind};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The circuit breaker of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Set while a person has stopped it.
    pub paused: Option<Pause>,
    /// The state that follows from its calls.
    pub health: Health,
}

/// A person stopped a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// Why.
    pub why: String,
}

/// What the breaker counts. Decisions are made elsewhere; the stored names are those of earlier versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Failures of the destination itself since the last success.
    pub failures: u32,
    /// How often the breaker opened since then.
    #[serde(rename = "closed_off")]
    pub times_opened: u32,
    /// The breaker is open until then; none while it is closed.
    #[serde(rename = "shut_until")]
    pub open_until: Option<Timestamp>,
    /// Until when the half-open probe may take.
    pub probe_until: Option<Timestamp>,
    /// Rate limited until.
    #[serde(rename = "held_until")]
    pub limited_until: Option<Timestamp>,
    /// Since when it limits the rate without a success in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_since: Option<Timestamp>,
    /// Since when it fails. Not written where it does not: rows of older versions are compared as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// The class of its newest failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Jobs of this kind fail because the connection is not set up: only one of them shows that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<JobKind>,
}

/// Circuit breakers.
#[async_trait]
pub trait Destinations: Send + Sync {
    /// The breakers by destination; one that is not named is closed.
    async fn breakers(&self, scope: Scope) -> Result<BTreeMap<String, Breaker>>;

    /// A person stops a destination, or lets it go on, whatever its health was; the audit entry commits with it.
    async fn pause(&self, scope: Scope, destination: &str, pause: Option<Pause>, audit: AuditEntry) -> Result<()>;

    /// Keeps another health where the expected one is still kept; whether it did.
    async fn set_health(&self, scope: Scope, destination: &str, expected: Health, health: Health) -> Result<bool>;
}
