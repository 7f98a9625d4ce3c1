//! People who sign in.

use crate::{AuditEntry, Result, Scope};
use async_trait::async_trait;
use domain::{
    access::Role,
    ids::{CompanyId, UserId},
};
use jiff::Timestamp;

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Its id.
    pub id: UserId,
    /// The company.
    pub company: CompanyId,
    /// What is typed to sign in; lower case, unique in an installation.
    pub login: String,
    /// What others see.
    pub name: String,
    /// PHC string of the password (argon2id).
    pub password: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl UserRecord {
    /// Whether this person runs the installation.
    pub fn is_admin(&self) -> bool {
        self.enabled && self.roles.contains(&Role::Admin)
    }

    /// Whether the sessions of the person as they were before go on.
    pub fn keeps_sessions_of(&self, before: &Self) -> bool {
        self.enabled && self.password == before.password && self.roles == before.roles
    }
}

/// Why a user is not changed.
pub fn changed_meanwhile(login: &str) -> String {
    format!("{login} was changed by somebody else at the same time: look at `milepost user list` and try again")
}

/// Why a user stays an admin.
pub fn last_admin(login: &str) -> String {
    format!("{login} is the last admin who can sign in: make another one first")
}

/// The company and its users.
#[async_trait]
pub trait Users: Send + Sync {
    /// The installation's only company, made on first use with this id.
    async fn company(&self, id: CompanyId, name: &str, at: Timestamp) -> Result<CompanyId>;

    /// A user by login, whichever company.
    async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>>;

    /// A user by id.
    async fn user(&self, id: UserId) -> Result<Option<UserRecord>>;

    /// Every user of the company.
    async fn users(&self, scope: Scope) -> Result<Vec<UserRecord>>;

    /// Makes or replaces a user; the audit entry commits with it. A new password, other roles or an end of the right to sign in
    /// end the person's sessions.
    ///
    /// # Errors
    /// `Conflict` when another user has the login, or when nobody would be left to run the installation.
    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()>;

    /// The same for a user as it was read, so that of two changes at the same time none undoes the other.
    ///
    /// # Errors
    /// `Conflict` also when the user is another by now.
    async fn change_user(&self, scope: Scope, read: UserRecord, user: UserRecord, audit: AuditEntry) -> Result<()>;
}
