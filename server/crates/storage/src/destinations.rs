//! The gates in front of the destinations: whether jobs for one may go out now. One row for each, shared by all nodes.

use crate::{Actor, AuditEntry, Result, Scope};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The gate of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Set while a person has stopped it.
    pub paused: Option<Pause>,
    /// What its calls say of it.
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

/// What a destination's calls say of it. What follows from that is decided elsewhere; here it is only kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Failures of the destination itself since something last went well.
    pub failures: u32,
    /// How often it was closed off since then.
    pub closed_off: u32,
    /// Nothing goes out before; none while it is well.
    pub shut_until: Option<Timestamp>,
    /// Until when the one that is let through to see how it is has time to come back.
    pub probe_until: Option<Timestamp>,
    /// The destination asked not to be called before.
    pub held_until: Option<Timestamp>,
    /// Since when it fails. Not written where it does not: rows of older versions are compared as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// The class of its newest failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Gates.
#[async_trait]
pub trait Destinations: Send + Sync {
    /// The gates by destination; one that is not named is open.
    async fn gates(&self, scope: Scope) -> Result<BTreeMap<String, Gate>>;

    /// A person stops a destination, or lets it go on; the audit entry commits with it.
    async fn pause(&self, scope: Scope, destination: &str, pause: Option<Pause>, audit: AuditEntry) -> Result<()>;

    /// Keeps another health where the expected one is still kept; whether it did.
    async fn set_health(&self, scope: Scope, destination: &str, expected: Health, health: Health) -> Result<bool>;
}
