//! The rights of the integration's user: which it needs, and which it lacks.

use super::super::OdooClient;
use outbound::{CallError, CallLog, ErrorClass, missing::Missing};
use serde_json::json;

/// The rights that the integration's user needs: model, operation, and the group that has it, as Odoo's user form names it.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("stock.picking", "read", "Inventory: User"),
    ("stock.picking", "write", "Inventory: User"),
    ("sale.order", "read", "Sales: User: All Documents"),
    ("res.partner", "read", "Role: User (an internal user, no portal user)"),
    (ACTIVITY, "create", "Role: User (an internal user, no portal user)"),
];
/// The model of activities, and the method that makes one.
pub(crate) const ACTIVITY: &str = "mail.activity";
pub(crate) const SCHEDULE: &str = "activity_schedule";

impl OdooClient {
    /// The rights to these models that the user lacks.
    pub(super) async fn missing_rights(
        &self,
        of: impl Fn(&str) -> bool + Send,
        log: &dyn CallLog,
    ) -> Result<Vec<Missing>, CallError> {
        let mut missing = Vec::new();
        for (model, operation, group) in RIGHTS.iter().filter(|(model, ..)| of(model)) {
            // of the class, not of a record: record rules may still say no
            let may: Result<bool, _> =
                self.ask(model, "has_access", json!({"ids": [], "operation": operation}), log).await;
            match may {
                Ok(true) => {}
                Err(e) if !matches!(e.class, ErrorClass::Forbidden | ErrorClass::Misconfigured) => return Err(e),
                Ok(false) | Err(_) => missing.push(Missing {
                    what: format!("right to {operation} {model}"),
                    todo: format!("give the integration's user the group \"{group}\""),
                }),
            }
        }
        Ok(missing)
    }

    /// What it means that a method is forbidden, which the error's name does not say: where the user lacks a right to the model, it is
    /// not about one record.
    pub(crate) async fn refusal(&self, model: &str, method: &str, error: CallError, log: &dyn CallLog) -> CallError {
        if error.class != ErrorClass::Forbidden {
            return error;
        }
        let needed = |of: &str| of == model || (method == SCHEDULE && of == ACTIVITY);
        match self.missing_rights(needed, log).await {
            Ok(missing) => match missing.first() {
                Some(first) => CallError {
                    class: ErrorClass::MissingRight,
                    message: format!("{}; missing: {first}", error.message),
                    ..error
                },
                None => error,
            },
            // asked again, it may say it
            Err(unanswered) => unanswered,
        }
    }
}
