//! Notes and activities on a delivery, each exactly once.
//!
//! Odoo has no idempotency of its own. A note goes out under our own `message_id`, which Odoo keeps and can be searched.
//! An activity has no such field: our marker is a class name in its note. A person sees nothing of it, Odoo's HTML
//! cleaning leaves it in, and it stays searchable whatever becomes of the activity: 19 archives a done one, older ones
//! delete it and quote its note in the chatter. One that was cancelled by hand leaves no trace; a caller who remembers that
//! it was scheduled must not schedule it again.

use super::{
    OdooClient,
    setup::{ACTIVITY, SCHEDULE},
    wire::{Id, Responsible},
};
use jiff::civil::Date;
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};

/// Maximum length of markers in characters: `milepost-` and a UUID are 45.
const MARKER_CHARS_MAX: usize = 100;
/// Maximum size of a note's HTML in bytes.
const HTML_BYTES_MAX: usize = 32 * 1024;
/// Activities with one marker; there is one, or none.
const SAME_MARKER_MAX: u32 = 10;

impl OdooClient {
    /// Posts an internal note under this marker, unless it is there already; returns the message's id. `html` is taken
    /// as it is: whatever came from outside has to be escaped in it.
    ///
    /// # Errors
    /// `unknown_outcome` where no answer came: call again after a while, it looks first.
    pub async fn post_note(
        &self,
        picking: i64,
        marker: &str,
        html: &str,
        log: &dyn CallLog,
    ) -> Result<String, CallError> {
        let marker = checked(marker, html)?;
        let message_id = format!("<{marker}@milepost>");
        let domain =
            json!([["message_id", "=", message_id], ["model", "=", "stock.picking"], ["res_id", "=", picking]]);
        if let Some(found) = self.first("mail.message", domain, log).await? {
            return Ok(found.to_string());
        }
        let body = json!({
            "ids": [picking],
            "body": html,
            "body_is_html": true,
            "message_id": message_id,
            "subtype_xmlid": "mail.mt_note",
        });
        let made: Vec<i64> = self.change("stock.picking", "message_post", body, log).await?;
        first_of(&made, "message_post")
    }

    /// Schedules a to-do under this marker, unless it is or was there already; returns the activity's id, or the words
    /// `done` and the message's id for one that somebody has dealt with. It is assigned to the person responsible for the
    /// delivery, else for the order, else to nobody in particular.
    ///
    /// # Errors
    /// As [`Self::post_note`].
    pub async fn schedule_activity(
        &self,
        picking: i64,
        marker: &str,
        summary: &str,
        note_html: &str,
        deadline: Date,
        log: &dyn CallLog,
    ) -> Result<String, CallError> {
        let marker = checked(marker, note_html)?;
        if let Some(found) = self.first(ACTIVITY, activity_of(picking, marker), log).await? {
            return Ok(found.to_string());
        }
        let quoted = json!([["model", "=", "stock.picking"], ["res_id", "=", picking], ["body", "ilike", marker]]);
        if let Some(found) = self.first("mail.message", quoted, log).await? {
            return Ok(format!("done {found}"));
        }
        let user = self.responsible(picking, log).await?;
        let mut body = json!({
            "ids": [picking],
            "act_type_xmlid": "mail.mail_activity_data_todo",
            "summary": summary,
            "note": format!("<div class=\"{marker}\">{note_html}</div>"),
            "date_deadline": deadline.to_string(),
        });
        if let Some(user) = user {
            body["user_id"] = json!(user);
        }
        match self.change::<Vec<i64>>("stock.picking", SCHEDULE, body.clone(), log).await {
            // that user may not see the delivery: nobody in particular is better than nothing
            Err(error) if user.is_some() && matches!(error.class, ErrorClass::Rejected | ErrorClass::Forbidden) => {
                body["user_id"] = json!(false);
                first_of(&self.change::<Vec<i64>>("stock.picking", SCHEDULE, body, log).await?, SCHEDULE)
            }
            made => first_of(&made?, SCHEDULE),
        }
    }

    /// Marks the activity with this marker as done; nothing where it is done or gone already.
    ///
    /// # Errors
    /// As [`Self::post_note`].
    pub async fn complete_activity(&self, picking: i64, marker: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let marker = checked(marker, "")?;
        let body = json!({"domain": activity_of(picking, marker), "limit": SAME_MARKER_MAX});
        let open: Vec<i64> = self.ask_explained(ACTIVITY, "search", body, log).await?;
        if open.is_empty() {
            return Ok(());
        }
        let body = json!({"ids": open, "feedback": "Milepost: this is over."});
        match self.change::<Value>(ACTIVITY, "action_feedback", body, log).await {
            // somebody was faster
            Err(error) if error.class == ErrorClass::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// The oldest record that fits, archived ones included.
    async fn first(&self, model: &str, domain: Value, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let context = json!({"active_test": false});
        let body = json!({"domain": domain, "fields": ["id"], "limit": 1, "order": "id", "context": context});
        let found: Vec<Id> = self.ask_explained(model, "search_read", body, log).await?;
        Ok(found.first().map(|f| f.id))
    }

    async fn responsible(&self, picking: i64, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let body = json!({"ids": [picking], "fields": ["user_id", "sale_id"]});
        let mut found: Vec<Responsible> = self.ask_explained("stock.picking", "read", body, log).await?;
        let Some(delivery) = found.pop() else {
            return Err(CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {picking} any more")));
        };
        let Some(order) = delivery.sale_id.0.filter(|_| delivery.user_id.0.is_none()) else {
            return Ok(delivery.user_id.0.map(|u| u.0));
        };
        let body = json!({"ids": [order.0], "fields": ["user_id"]});
        match self.ask::<Vec<Responsible>>("sale.order", "read", body, log).await {
            Ok(mut found) => Ok(found.pop().and_then(|o| o.user_id.0).map(|u| u.0)),
            // an order that may not be read names nobody
            Err(error) if error.class == ErrorClass::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn activity_of(picking: i64, marker: &str) -> Value {
    json!([["res_model", "=", "stock.picking"], ["res_id", "=", picking], ["note", "ilike", marker]])
}

/// A marker goes into a message id, a class name and a search with wildcards: letters, digits and `-` only.
fn checked<'a>(marker: &'a str, html: &str) -> Result<&'a str, CallError> {
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

fn first_of(made: &[i64], method: &str) -> Result<String, CallError> {
    let made = made.first().map(ToString::to_string);
    made.ok_or_else(|| CallError::new(ErrorClass::BadAnswer, format!("{method} answered without an id")))
}
