//! People and what belongs to them, area by area: [`users`](crate::users), [`sessions`](crate::sessions), [`keys`](crate::keys),
//! [`settings`](crate::settings) and the [audit trail](crate::audit).

pub use crate::{
    audit::{AuditLine, AuditRecord, AuditTrail},
    keys::Keys,
    sessions::{Pace, SessionRecord, Sessions, Try},
    settings::{SettingChange, Settings},
    users::{UserRecord, Users},
};

/// All of them.
pub trait People: Users + Sessions + Keys + Settings + AuditTrail {}

impl<T: Users + Sessions + Keys + Settings + AuditTrail> People for T {}
