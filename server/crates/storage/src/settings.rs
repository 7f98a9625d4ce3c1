//! Values that outlive restarts.

use crate::{AuditEntry, Result, Scope};
use async_trait::async_trait;
use std::borrow::Cow;

/// A value on its way from what was read to what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What was read.
    pub from: Option<String>,
    /// What it should be.
    pub to: String,
}

/// Such values.
#[async_trait]
pub trait Settings: Send + Sync {
    /// A value that outlives restarts (cursors, one-time links, the check value of the master key).
    async fn setting(&self, scope: Scope, name: &str) -> Result<Option<String>>;

    /// Keeps such a value.
    async fn put_setting(&self, scope: Scope, name: &str, value: String) -> Result<()>;

    /// Changes a value from what was read (none: there was none); the audit entry commits with it.
    ///
    /// # Errors
    /// `Conflict` when it is another by now.
    async fn change_setting(&self, scope: Scope, change: SettingChange, audit: AuditEntry) -> Result<()>;

    /// Changes a setting of the system's own, which no person decides, unless another one did meanwhile; whether it did.
    async fn swap_setting(&self, scope: Scope, change: SettingChange) -> Result<bool>;

    /// Takes a value out, at most once: of two callers one gets it.
    async fn take_setting(&self, scope: Scope, name: &str) -> Result<Option<String>>;
}
