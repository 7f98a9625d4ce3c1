//! The systems that messages come from and that jobs go out to: kept as records, in use on every node as soon as they change.

mod address;
pub mod catalogue;
pub mod live;
pub mod manage;
pub mod overview;
pub mod probe;
pub mod refresh;
pub mod seed;
pub mod sources;
pub mod weaknesses;

pub use live::{Client, Connection, Live, Snapshot};
pub use manage::{NewConnection, pause, put, resume, retire_old, rotate, switch};
pub use overview::{Details, Overview, State, StateKind, list, one, state_of};
pub use probe::{examine, test};
pub use refresh::{flush, refresh};
pub use seed::seed;
