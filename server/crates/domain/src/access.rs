//! What people may do: permissions, and the roles that have them.

use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See shipments and exceptions.
    See,
    /// Act on exceptions.
    Act,
    /// See figures.
    Figures,
    /// See and retry jobs, change connections, mappings, rules and people.
    Operate,
    /// Read what may name people: raw messages, free text, names and addresses; find shipments by a person.
    ReadPersonal,
}

impl Permission {
    /// All of them.
    pub const ALL: &[Self] = &[Self::See, Self::Act, Self::Figures, Self::Operate, Self::ReadPersonal];
}

/// The roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works the queue.
    Agent,
    /// Reads the figures.
    Executive,
    /// Runs the installation.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Agent, Self::Executive, Self::Admin];

    /// The name, as stored and as typed.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Executive => "executive",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.code() == code)
    }

    /// The only table of what roles may.
    pub const fn permissions(self) -> Permissions {
        use Permission::{Act, Figures, Operate, ReadPersonal, See};
        match self {
            Self::Agent => Permissions::of(&[See, Act, ReadPersonal]),
            Self::Executive => Permissions::of(&[See, Figures]),
            Self::Admin => Permissions::of(&[See, Act, Figures, Operate, ReadPersonal]),
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    /// All of them.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// Exactly these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut set = 0;
        let mut rest = permissions;
        while let [permission, others @ ..] = rest {
            set |= 1 << *permission as u16;
            rest = others;
        }
        Self(set)
    }

    /// What a user with these roles may do.
    pub fn of_roles(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |set, role| set | role.permissions().0))
    }

    /// Whether it is one of them.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_table_says() {
        use Permission::{Act, Figures, Operate, ReadPersonal, See};
        let table = [
            (Role::Agent, [(See, true), (Act, true), (Figures, false), (Operate, false), (ReadPersonal, true)]),
            (Role::Executive, [(See, true), (Act, false), (Figures, true), (Operate, false), (ReadPersonal, false)]),
            (Role::Admin, [(See, true), (Act, true), (Figures, true), (Operate, true), (ReadPersonal, true)]),
        ];
        for (role, permissions) in table {
            for (permission, may) in permissions {
                assert_eq!(role.permissions().contains(permission), may, "{role:?} {permission:?}");
            }
        }
        assert!(Permission::ALL.iter().all(|permission| Permissions::ALL.contains(*permission)));
        assert_eq!(Permissions::of_roles(&[]), Permissions::default());
        let both = Permissions::of_roles(&[Role::Agent, Role::Executive]);
        assert!(both.contains(Act) && both.contains(Figures) && !both.contains(Operate));
    }

    #[test]
    fn a_role_is_stored_by_its_code() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{}\"", role.code()));
            assert_eq!(Role::from_code(role.code()), Some(*role));
        }
        assert_eq!(Role::from_code("Admin"), None);
    }
}
