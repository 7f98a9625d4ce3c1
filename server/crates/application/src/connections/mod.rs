//! The systems that messages come from and that jobs go out to: kept as records, in use on every node as soon as they change.

pub mod activity;
mod address;
pub mod attention;
pub mod catalogue;
mod checks;
mod command_line;
mod expected;
pub mod first_steps;
pub mod inbound;
pub mod live;
pub mod manage;
mod opened;
pub mod overview;
pub mod probe;
pub mod refresh;
pub mod removal;
pub mod rotation;
pub mod seed;
pub mod sources;
mod system;
pub mod weaknesses;

pub use activity::{Activity, Change, Difference, Names, activity};
pub use attention::{attention, free_name, needs_attention, pausing};
pub use expected::Expected;
pub use live::{Client, Connection, Live, Snapshot};
pub use manage::{KeptAs, NewConnection, pause, put, resume, switch};
pub use overview::{Details, Overview, State, StateKind, list, one, state_of};
pub use probe::{examine, test};
pub use refresh::{flush, refresh};
pub use removal::{DELIVERIES_COUNTED, Removal, removal, remove};
pub use rotation::{retire_old, rotate};
pub use seed::{overruled, seed, seeded};
