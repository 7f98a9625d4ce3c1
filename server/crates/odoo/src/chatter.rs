//! Notes on a delivery or its order, each exactly once: Odoo has no idempotency of its own, so a note goes out under our own
//! `message_id`, which Odoo keeps and can be searched.

use super::{OdooClient, record::Record, transport::Made, wire::Id};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};

/// Maximum length of markers in characters: `milepost-` and a UUID are 45.
const MARKER_CHARS_MAX: usize = 100;
/// Maximum size of a note's HTML in bytes.
const HTML_BYTES_MAX: usize = 32 * 1024;

impl OdooClient {
    /// Posts an internal note under this marker, unless it is there already; returns the message's id. `html` is taken
    /// as it is: whatever came from outside has to be escaped in it.
    ///
    /// # Errors
    /// `unknown_outcome` where no answer came: call again after a while, it looks first.
    pub async fn post_note(
        &self,
        on: Record,
        marker: &str,
        html: &str,
        log: &dyn CallLog,
    ) -> Result<String, CallError> {
        let marker = checked(marker, html)?;
        let message_id = format!("<{marker}@milepost>");
        let model = on.kind.model();
        let domain = json!([["message_id", "=", message_id], ["model", "=", model], ["res_id", "=", on.id]]);
        if let Some(found) = self.first("mail.message", domain, log).await? {
            return Ok(found.to_string());
        }
        let body = json!({
            "ids": [on.id],
            "body": html,
            "body_is_html": true,
            "message_id": message_id,
            "subtype_xmlid": "mail.mt_note",
        });
        let Made(made) = self.change(model, "message_post", body, log).await?;
        first_of(&made, "message_post")
    }

    /// The oldest record that fits, archived ones included.
    pub(super) async fn first(&self, model: &str, domain: Value, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let context = json!({"active_test": false});
        let body = json!({"domain": domain, "fields": ["id"], "limit": 1, "order": "id", "context": context});
        let found: Vec<Id> = self.ask_explained(model, "search_read", body, log).await?;
        Ok(found.first().map(|f| f.id))
    }
}

/// A marker goes into a message id, a class name and a search with wildcards: letters, digits and `-` only.
pub(super) fn checked<'a>(marker: &'a str, html: &str) -> Result<&'a str, CallError> {
    let plain = !marker.is_empty()
        && marker.len() <= MARKER_CHARS_MAX
        && marker.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain {
        return Err(CallError::new(ErrorClass::Rejected, "a marker has letters, digits and - only"));
    }
    if html.len() > HTML_BYTES_MAX {
        return Err(CallError::new(ErrorClass::Rejected, format!("the note has more than {HTML_BYTES_MAX} bytes")));
    }
    Ok(marker)
}

pub(super) fn first_of(made: &[i64], method: &str) -> Result<String, CallError> {
    let made = made.first().map(ToString::to_string);
    made.ok_or_else(|| CallError::new(ErrorClass::BadAnswer, format!("{method} answered without an id")))
}
