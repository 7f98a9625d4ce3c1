//! What a call does, whichever API it comes by, and how both describe what went wrong.

use super::{Inner, OdooError, Rights, admin, admin::ids_of, methods::perform};
use serde_json::{Value, json};
use std::sync::Arc;

/// The first version with JSON-2, and with `/web/version`.
pub(super) const FIRST_JSON2: u32 = 19;
/// What changes a delivery or an activity.
const CHANGING: &[&str] = &[
    "stock.picking/write",
    "stock.picking/button_validate",
    "stock.picking/message_post",
    "stock.picking/activity_schedule",
    "mail.activity/action_feedback",
    "sale.order/write",
    "sale.order/activity_schedule",
    "account.move/action_post",
];

/// Calls a method, and notes what it changed.
pub(super) fn called(
    inner: &Arc<Inner>,
    lacks: &Rights,
    model: &str,
    method: &str,
    body: &Value,
) -> Result<Value, OdooError> {
    let value = perform(inner, lacks, model, method, body)?;
    admin::send(inner);
    let operation = format!("{model}/{method}");
    if CHANGING.contains(&operation.as_str()) {
        let mut data = inner.lock();
        ids_of(body).into_iter().for_each(|id| data.changes.push(&operation, id));
    }
    Ok(value)
}

impl OdooError {
    /// As both APIs describe it.
    pub(super) fn described(&self) -> Value {
        let Self(status, name, message) = self;
        let arguments = match name.starts_with("werkzeug.") {
            true => json!([message, status.as_u16()]),
            false => json!([message]),
        };
        json!({"name": name, "message": message, "arguments": arguments, "context": {}, "debug": "Traceback (most recent call last):\n  sandbox\n"})
    }
}
