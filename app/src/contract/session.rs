//! Who is signed in, and what they may do.

use super::{Answer, Instant};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What a person's work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks after shipments and exceptions.
    Agent,
    /// Reads figures.
    Executive,
    /// Runs the installation.
    Admin,
}

impl Role {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Agent => "Agent",
            Self::Executive => "Executive",
            Self::Admin => "Admin",
        }
    }
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See shipments, timelines, and why a state is what it is.
    ReadShipments,
    /// See raw messages (personal data masked).
    ReadRaw,
    /// See the exception queue.
    ReadExceptions,
    /// Acknowledge, assign, snooze, resolve and reopen exceptions.
    WorkExceptions,
    /// See the executive figures.
    ReadOverview,
    /// See jobs, calls and quarantined messages.
    ReadSync,
    /// Retry jobs, replay messages.
    OperateSync,
}

/// The one table of what each role may do.
pub const fn allows(role: Role, permission: Permission) -> bool {
    use Permission::{OperateSync, ReadExceptions, ReadOverview, ReadRaw, ReadShipments, ReadSync, WorkExceptions};
    match role {
        Role::Agent => matches!(permission, ReadShipments | ReadRaw | ReadExceptions | WorkExceptions | ReadSync),
        Role::Executive => matches!(permission, ReadShipments | ReadExceptions | ReadOverview),
        Role::Admin => matches!(permission, ReadShipments | ReadRaw | ReadExceptions | WorkExceptions | ReadOverview | ReadSync | OperateSync),
    }
}

/// Whoever is signed in. Server functions find `Option<Viewer>` in their context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The user's id.
    pub user_id: String,
    /// What others see.
    pub name: String,
    /// What is typed to sign in.
    pub login: String,
    /// The person's roles.
    pub roles: Vec<Role>,
}

impl Viewer {
    /// Whether one of the roles allows it.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| allows(*role, permission))
    }

    /// Two letters for the avatar.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }

    /// The page to begin with.
    pub fn home(&self) -> &'static str {
        if self.may(Permission::WorkExceptions) || !self.may(Permission::ReadOverview) { "/shipments" } else { "/overview" }
    }
}

/// The first letters of the first and the last word of a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|w| w.chars().next());
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// Whether what is shown is real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Real carriers, Odoo and desk.
    #[default]
    Live,
    /// Everything outside is simulated: a banner says so on every page.
    Demo,
}

/// The installation, for the shell. The server provides it as Leptos context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The company's name.
    pub company: String,
    /// The version of the server.
    pub version: String,
    /// Whether it is the demo.
    pub mode: Mode,
}

/// What the shell knows before anything is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub viewer: Option<Viewer>,
    /// Where.
    pub installation: Installation,
}

/// What the shell shows on every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// When this was read.
    pub now: Instant,
    /// When the newest fact was recorded.
    pub newest_fact: Option<Instant>,
    /// Open exceptions, snoozed ones left out.
    pub open_exceptions: u64,
    /// Jobs that a person has to look at, and quarantined messages.
    pub failed_syncs: u64,
}

/// What is typed to sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Login, usually an e-mail address.
    pub login: String,
    /// The password.
    pub password: String,
}

/// The first admin, made with the one-time token of the set-up link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// The token of the link.
    pub token: String,
    /// What is typed to sign in.
    pub login: String,
    /// What others see.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Signing in and out. The implementation belongs to one request: it knows the browser's session and address.
#[async_trait]
pub trait SessionPort: Send + Sync {
    /// Checks login and password and begins a session.
    ///
    /// # Errors
    /// `Invalid { field: "password" }` when they do not match or there were too many tries (the message says which).
    async fn sign_in(&self, form: SignIn) -> Answer<Viewer>;

    /// Ends the session. Does nothing when there is none.
    async fn sign_out(&self) -> Answer<()>;

    /// Makes the first admin and begins a session.
    ///
    /// # Errors
    /// `Forbidden` when the token is not right or was used; `Invalid` for login or password.
    async fn set_up(&self, form: SetUp) -> Answer<Viewer>;

    /// What the shell shows: newest fact, open exceptions, failed syncs.
    async fn pulse(&self, viewer: &Viewer) -> Answer<Pulse>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(roles: &[Role]) -> Viewer {
        Viewer { user_id: "1".into(), name: "Ines Maria Morel".into(), login: "ines".into(), roles: roles.to_vec() }
    }

    #[test]
    fn roles_allow_what_they_need_and_no_more() {
        assert!(viewer(&[Role::Agent]).may(Permission::WorkExceptions));
        assert!(!viewer(&[Role::Agent]).may(Permission::OperateSync));
        assert!(!viewer(&[Role::Executive]).may(Permission::ReadRaw));
        assert!(viewer(&[Role::Executive, Role::Agent]).may(Permission::ReadRaw));
        assert!(!viewer(&[]).may(Permission::ReadShipments));
        assert!(viewer(&[Role::Admin]).may(Permission::OperateSync));
    }

    #[test]
    fn people_begin_where_their_work_is() {
        assert_eq!(viewer(&[Role::Agent]).home(), "/shipments");
        assert_eq!(viewer(&[Role::Executive]).home(), "/overview");
        assert_eq!(viewer(&[Role::Admin]).home(), "/shipments");
    }

    #[test]
    fn initials_are_the_outer_words() {
        assert_eq!(viewer(&[]).initials(), "IM");
        assert_eq!(initials("prometheus"), "P");
        assert_eq!(initials("  "), "");
    }
}
