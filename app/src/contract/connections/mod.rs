//! Connections to other systems.

mod form;
mod list;
mod one;
mod setup;

use super::ApiResult;
use async_trait::async_trait;

pub use form::*;
pub use list::*;
pub use one::*;
pub use setup::*;

/// Connections.
#[async_trait]
pub trait ConnectionsPort: Send + Sync {
    /// The list.
    async fn list(&self, query: ConnectionsQuery) -> ApiResult<ConnectionsView>;
    /// One; with what was typed last where the form was refused.
    async fn one(&self, name: String, refused: bool) -> ApiResult<ConnectionView>;
    /// The guide: for a new connection of a connector, or for one that was saved.
    async fn guide(&self, connector: String, connection: String, refused: bool) -> ApiResult<GuideView>;
    /// Makes or changes one.
    async fn put(&self, form: ConnectionForm) -> ApiResult<Kept>;
    /// Tests one.
    async fn test(&self, name: String) -> ApiResult<()>;
    /// Sets a new secret, and tests it.
    async fn rotate(&self, name: String, secret: String) -> ApiResult<()>;
    /// Forgets the secret from before.
    async fn retire(&self, name: String) -> ApiResult<()>;
    /// Lets its jobs wait.
    async fn pause(&self, name: String, why: String) -> ApiResult<()>;
    /// Lets its jobs go on.
    async fn resume(&self, name: String) -> ApiResult<()>;
    /// Sets an Odoo up, takes that away, or says what either would do.
    async fn set_up(&self, form: SetupForm) -> ApiResult<()>;
    /// Turns it on or off.
    async fn switch(&self, name: String, on: bool, why: String) -> ApiResult<()>;
    /// Removes one that is disabled.
    async fn remove(&self, name: String, why: String) -> ApiResult<()>;
}
