//! Who asks, and what they may.

use crate::error::{Result, UseCaseError};
use domain::{
    access::{Permission, Permissions},
    ids::UserId,
};
use storage::{Actor, Scope, people::UserRecord};

/// Who asks for a use case.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    scope: Scope,
    permissions: Permissions,
}

impl Caller {
    /// A person who signed in.
    pub fn of(user: &UserRecord) -> Self {
        let scope = Scope { company: user.company, actor: Actor::User(user.id) };
        Self { scope, permissions: Permissions::of_roles(&user.roles) }
    }

    /// The operator at the command line, or the system itself: may do everything.
    pub const fn trusted(scope: Scope) -> Self {
        Self { scope, permissions: Permissions::ALL }
    }

    /// The company, and who acts in it.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The person; none where it is the operator or the system.
    pub const fn user(&self) -> Option<UserId> {
        match self.scope.actor {
            Actor::User(user) => Some(user),
            Actor::Operator | Actor::System => None,
        }
    }

    /// Whether the caller has the permission.
    pub const fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Refuses a caller without the permission.
    ///
    /// # Errors
    /// `NotPermitted`.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) { Ok(()) } else { Err(UseCaseError::NotPermitted(permission)) }
    }
}
