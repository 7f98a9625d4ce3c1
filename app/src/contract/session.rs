//! Who is signed in, and what they may do.

use super::Answer;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works the queue.
    Agent,
    /// Reads the figures.
    Executive,
    /// Runs the installation.
    Admin,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See shipments and exceptions.
    See,
    /// Act on exceptions.
    Act,
    /// See figures.
    Figures,
    /// See and retry syncs, see raw messages.
    Operate,
}

impl Role {
    /// Whether the role has the permission.
    pub const fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::See => true,
            Permission::Act => matches!(self, Self::Agent | Self::Admin),
            Permission::Figures => matches!(self, Self::Executive | Self::Admin),
            Permission::Operate => matches!(self, Self::Admin),
        }
    }
}

/// Whoever is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Id.
    pub user_id: String,
    /// Name.
    pub name: String,
    /// Login.
    pub login: String,
    /// Roles.
    pub roles: Vec<Role>,
}

impl Viewer {
    /// Whether any of the roles has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.allows(permission))
    }

    /// Where the person's work begins.
    pub fn home(&self) -> &'static str {
        if self.may(Permission::Act) { "/shipments" } else { "/overview" }
    }
}

/// The installation, as everybody may know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The company's name.
    pub company: String,
    /// Whether everything is simulated.
    pub demo: bool,
    /// The product's version.
    pub version: String,
}

/// What the frame of every page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Whoever is signed in.
    pub viewer: Viewer,
    /// The installation.
    pub installation: Installation,
    /// The name of the zone in which the page's times are.
    pub zone: String,
    /// That zone, in words.
    pub zone_label: String,
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Codes without a mapping; zero for a viewer who may not map them.
    pub unmapped: u64,
}

/// Signing in and out.
#[async_trait]
pub trait SessionPort: Send + Sync {
    /// The frame of the signed-in person.
    async fn frame(&self) -> Answer<Frame>;
    /// Signs in; where to go then.
    async fn sign_in(&self, login: String, password: String) -> Answer<String>;
    /// Signs out.
    async fn sign_out(&self) -> Answer<()>;
    /// Makes the first admin with the one-time token.
    async fn set_up(&self, token: String, login: String, name: String, password: String) -> Answer<()>;
}
