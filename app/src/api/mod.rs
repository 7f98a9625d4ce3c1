//! Server functions, a file for each area: they call the port, whose use case checks the permission. Their addresses are fixed, since
//! pages may be older than the server.
#![expect(missing_docs, reason = "the macro makes a struct of each function's arguments, which the function documents")]

#[cfg(feature = "ssr")]
mod access;
mod connections;
mod exceptions;
mod mappings;
mod overview;
mod reconciliation;
mod session;
mod shipments;
mod start;
mod sync;

use crate::contract::session::Permission;

pub use connections::*;
pub use exceptions::*;
pub use mappings::*;
pub use overview::*;
pub use reconciliation::*;
pub use session::*;
pub use shipments::*;
pub use start::*;
pub use sync::*;

/// Every server function by the end of its address, with the permission that its use case asks for; none: open to everybody.
pub const FUNCTIONS: &[(&str, Option<Permission>)] = &[
    ("installation", None),
    ("frame", Some(Permission::See)),
    ("sign-in", None),
    ("sign-out", None),
    ("set-up/open", None),
    ("set-up", None),
    ("shipments", Some(Permission::See)),
    ("shipments/find", Some(Permission::See)),
    ("shipments/one", Some(Permission::See)),
    ("shipments/link", Some(Permission::Act)),
    ("shipments/booking", Some(Permission::Operate)),
    ("shipments/raw", Some(Permission::See)),
    ("exceptions", Some(Permission::See)),
    ("exceptions/act", Some(Permission::Act)),
    ("overview", Some(Permission::Figures)),
    ("start", Some(Permission::Operate)),
    ("start/company", Some(Permission::Operate)),
    ("start/skip", Some(Permission::Operate)),
    ("sync", Some(Permission::Operate)),
    ("sync/retry", Some(Permission::Operate)),
    ("sync/read-deliveries", Some(Permission::Operate)),
    ("sync/job", Some(Permission::Operate)),
    ("sync/message", Some(Permission::Operate)),
    ("sync/start-replay", Some(Permission::Operate)),
    ("sync/stop-replay", Some(Permission::Operate)),
    ("sync/pause", Some(Permission::Operate)),
    ("sync/resume", Some(Permission::Operate)),
    ("sync/replay", Some(Permission::Operate)),
    ("reconciliation", Some(Permission::Operate)),
    ("reconciliation/start", Some(Permission::Operate)),
    ("reconciliation/stop", Some(Permission::Operate)),
    ("reconciliation/fix", Some(Permission::Operate)),
    ("reconciliation/decide", Some(Permission::Operate)),
    ("reconciliation/assign", Some(Permission::Operate)),
    ("mappings", Some(Permission::Operate)),
    ("mappings/publish", Some(Permission::Operate)),
    ("mappings/roll-back", Some(Permission::Operate)),
    ("connections", Some(Permission::Operate)),
    ("connections/one", Some(Permission::Operate)),
    ("connections/templates", Some(Permission::Operate)),
    ("connections/put", Some(Permission::Operate)),
    ("connections/test", Some(Permission::Operate)),
    ("connections/rotate", Some(Permission::Operate)),
    ("connections/retire", Some(Permission::Operate)),
    ("connections/pause", Some(Permission::Operate)),
    ("connections/resume", Some(Permission::Operate)),
    ("connections/switch", Some(Permission::Operate)),
    ("connections/set-up", Some(Permission::Operate)),
];
