//! Server functions, a file for each area: they call the port, whose use case checks the permission. Their addresses are fixed, since
//! pages may be older than the server.
#![expect(missing_docs, reason = "the macro makes a struct of each function's arguments, which the function documents")]

#[cfg(feature = "ssr")]
mod access;
mod alerts;
mod analytics;
mod booking_rules;
mod calibration;
mod carriers;
mod claims;
mod connections;
mod exceptions;
mod figures;
mod mappings;
mod playbooks;
mod reconciliation;
mod reports;
mod rules;
mod session;
mod shipments;
mod start;
mod sync;

use crate::contract::session::Permission;

pub use alerts::*;
pub use analytics::*;
pub use booking_rules::*;
pub use calibration::*;
pub use carriers::*;
pub use claims::*;
pub use connections::*;
pub use exceptions::*;
pub use figures::*;
pub use mappings::*;
pub use playbooks::*;
pub use reconciliation::*;
pub use reports::*;
pub use rules::*;
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
    ("shipments/remedy", Some(Permission::Act)),
    ("shipments/correct", Some(Permission::Act)),
    ("shipments/booking", Some(Permission::Operate)),
    ("shipments/book", Some(Permission::Operate)),
    ("shipments/raw", Some(Permission::See)),
    ("exceptions", Some(Permission::See)),
    ("exceptions/one", Some(Permission::See)),
    ("exceptions/act", Some(Permission::Act)),
    ("overview", Some(Permission::Figures)),
    ("sla", Some(Permission::Figures)),
    ("figures/one", Some(Permission::Figures)),
    ("calibration", Some(Permission::Figures)),
    ("carriers", Some(Permission::Figures)),
    ("carriers/one", Some(Permission::Figures)),
    ("analytics", Some(Permission::Figures)),
    ("analytics/rows", Some(Permission::Figures)),
    ("reports", Some(Permission::Figures)),
    ("reports/one", Some(Permission::Figures)),
    ("reports/save", Some(Permission::Figures)),
    ("reports/act", Some(Permission::Figures)),
    ("targets", Some(Permission::Figures)),
    ("targets/set", Some(Permission::Operate)),
    ("targets/annotate", Some(Permission::Operate)),
    ("targets/remove-remark", Some(Permission::Operate)),
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
    ("alerts", Some(Permission::Operate)),
    ("alerts/acknowledge", Some(Permission::Operate)),
    ("alerts/assign", Some(Permission::Operate)),
    ("alerts/snooze", Some(Permission::Operate)),
    ("alerts/resolve", Some(Permission::Operate)),
    ("alerts/maintain", Some(Permission::Operate)),
    ("alerts/end-maintenance", Some(Permission::Operate)),
    ("alerts/rule", Some(Permission::Operate)),
    ("alerts/test", Some(Permission::Operate)),
    ("playbooks", Some(Permission::Operate)),
    ("playbooks/step", Some(Permission::Operate)),
    ("playbooks/team", Some(Permission::Operate)),
    ("playbooks/remove-team", Some(Permission::Operate)),
    ("playbooks/calendar", Some(Permission::Operate)),
    ("playbooks/day", Some(Permission::Operate)),
    ("reconciliation", Some(Permission::Operate)),
    ("reconciliation/start", Some(Permission::Operate)),
    ("reconciliation/stop", Some(Permission::Operate)),
    ("reconciliation/fix", Some(Permission::Operate)),
    ("reconciliation/decide", Some(Permission::Operate)),
    ("reconciliation/assign", Some(Permission::Operate)),
    ("booking-rules", Some(Permission::Operate)),
    ("booking-rules/save", Some(Permission::Operate)),
    ("booking-rules/change", Some(Permission::Operate)),
    ("rules", Some(Permission::See)),
    ("rules/one", Some(Permission::See)),
    ("rules/edit", Some(Permission::Operate)),
    ("rules/act", Some(Permission::Operate)),
    ("rules/four-eyes", Some(Permission::Operate)),
    ("claims", Some(Permission::See)),
    ("claims/one", Some(Permission::See)),
    ("claims/subject", Some(Permission::Act)),
    ("claims/raise", Some(Permission::Act)),
    ("claims/step", Some(Permission::Act)),
    ("claims/edit", Some(Permission::Act)),
    ("claims/remove-file", Some(Permission::Act)),
    ("claims/deadlines", Some(Permission::See)),
    ("claims/put-deadlines", Some(Permission::Operate)),
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
    ("connections/remove", Some(Permission::Operate)),
    ("connections/set-up", Some(Permission::Operate)),
];
