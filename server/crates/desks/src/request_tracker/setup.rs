//! What the queue lacks for Milepost, and whether a refusal is about that or about one ticket.

use super::{
    FIELDS, KEY_FIELD, RequestTracker, SEVERITY_FIELD, TAGS_FIELD, hashed,
    wire::{self, Ticket, has_field, priority, status_of},
};
use crate::{DeskStatus, Labels};
use outbound::{CallError, CallLog, ErrorClass, Method, missing::Missing};
use serde_json::json;
use std::sync::PoisonError;

/// Whether a queue's tickets keep our key, as far as that is known.
#[derive(Clone, Debug)]
pub(super) enum KeyField {
    /// The queue has the field.
    There,
    /// This ticket did not keep it, though the queue has the field.
    Dropped(String),
}

fn missing_queue(name: &str) -> Missing {
    let todo = "spell it as the desk does, and grant the token's user the right SeeQueue".to_owned();
    Missing { what: format!("queue {name}"), todo }
}

/// The queue has the field, and its tickets do not keep it.
pub(super) fn drops_key(queue: &str) -> CallError {
    let text = format!(
        "queue {queue} does not keep the field \"{KEY_FIELD}\": no ticket would be found again; grant the token's user the right \
         ModifyCustomField, and check the field's type and values"
    );
    CallError::new(ErrorClass::Misconfigured, text)
}

fn missing_field(name: &str, queue: &str) -> Missing {
    Missing {
        what: format!("field \"{name}\" of queue {queue}"),
        todo: "add it to the queue, and grant the token's user the right SeeCustomField".into(),
    }
}

impl RequestTracker {
    /// A queue; none where the token's user does not see it.
    async fn queue(&self, name: &str, log: &dyn CallLog) -> Result<Option<wire::Queue>, CallError> {
        if name.contains(['/', '?', '#']) {
            return Ok(None);
        }
        let path = format!("queue/{}", name.replace(' ', "%20"));
        match self.client.get::<wire::Queue>("queue", &path, &[], log).await {
            Ok(queue) => Ok(Some(queue)),
            // an unknown queue is answered with 403 too
            Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// What is missing of the queue and its fields.
    pub(super) async fn missing(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let Some(queue) = self.queue(&self.queue, log).await? else { return Ok(vec![missing_queue(&self.queue)]) };
        let mut missing = Vec::new();
        if queue.name.as_deref() != Some(self.queue.as_str()) {
            let todo = "spell it as the desk does".to_owned();
            missing.push(Missing { what: format!("queue {}", self.queue), todo });
        }
        missing.extend(FIELDS.iter().filter(|name| !queue.has(name)).map(|name| missing_field(name, &self.queue)));
        Ok(missing)
    }

    /// Looks whether a new ticket would keep our key, before one is made: without it none is found again, and each try would make
    /// another one.
    pub(super) async fn require_key(&self, name: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let known = self.key_fields.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if matches!(known, Some(KeyField::There)) {
            return Ok(());
        }
        // whether a queue that is not seen takes tickets shows when one is made
        if self.queue(name, log).await?.is_some_and(|queue| !queue.has(KEY_FIELD)) {
            let missing = missing_field(KEY_FIELD, name);
            return Err(CallError::new(ErrorClass::Misconfigured, format!("no ticket is made: missing: {missing}")));
        }
        if let Some(KeyField::Dropped(ticket)) = known
            && !self.keeps_key_now(&ticket, log).await?
        {
            return Err(drops_key(name));
        }
        self.remember_key(name, KeyField::There);
        Ok(())
    }

    pub(super) fn remember_key(&self, queue: &str, field: KeyField) {
        self.key_fields.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned(), field);
    }

    /// Whether a ticket that did not keep our key keeps one now; so does one that is out of sight, as far as can be said.
    pub(super) async fn keeps_key_now(&self, number: &str, log: &dyn CallLog) -> Result<bool, CallError> {
        let (path, value) = (format!("ticket/{number}"), hashed(&format!("test {number}")));
        let fields = json!({"CustomFields": {KEY_FIELD: value}});
        let tested = match self.client.change("ticket/field", Method::PUT, &path, fields, log).await {
            Ok(()) => self.ticket(number, log).await,
            Err(error) => Err(error),
        };
        match tested {
            Ok(ticket) => Ok(has_field(&ticket, KEY_FIELD, &value)),
            Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// What it means that no ticket was made: a queue that is not there, or a right that is missing, is not about this one.
    pub(super) async fn refused_ticket(&self, queue: &str, error: CallError, log: &dyn CallLog) -> CallError {
        if !matches!(error.class, ErrorClass::Forbidden | ErrorClass::Rejected) {
            return error;
        }
        match self.queue(queue, log).await {
            Ok(None) => {
                let message = format!("{}; missing: {}", error.message, missing_queue(queue));
                CallError { class: ErrorClass::Misconfigured, message, ..error }
            }
            Ok(Some(_)) if error.class == ErrorClass::Forbidden => {
                let right = "CreateTicket in queue";
                let message =
                    format!("{}; grant the token's user the right {right} {queue}, and enable it", error.message);
                CallError { class: ErrorClass::MissingRight, message, ..error }
            }
            Ok(Some(_)) => error,
            Err(unanswered) => unanswered,
        }
    }

    /// What it means that a ticket was not changed, for which the token's user lacks this right: in our queue that is not about this
    /// ticket; people move tickets to others.
    pub(super) async fn refused_change(
        &self,
        ticket: &Ticket,
        right: &str,
        error: CallError,
        log: &dyn CallLog,
    ) -> CallError {
        match self.queue(&self.queue, log).await {
            Ok(Some(queue)) if ticket.queue.as_ref().is_some_and(|of| of.id == queue.id) => {
                let message =
                    format!("{}; grant the token's user the right {right} in queue {}", error.message, self.queue);
                CallError { class: ErrorClass::MissingRight, message, ..error }
            }
            Ok(_) => error,
            Err(unanswered) => unanswered,
        }
    }

    /// See [`crate::Desk::label`]. Tags that are given replace those that are there: these are given again.
    pub(super) async fn put_labels(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let ticket = self.ticket(number, log).await?;
        if matches!(status_of(&ticket.status), DeskStatus::Gone | DeskStatus::Hidden) {
            return Ok(());
        }
        let had = ticket.fields.iter().filter(|field| field.name.as_deref() == Some(TAGS_FIELD));
        let had = had.flat_map(|field| &field.values);
        let mut tags: Vec<String> = had.filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
        let before = tags.len();
        for tag in &labels.tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        let mut change = json!({"CustomFields": {}});
        if tags.len() > before {
            change["CustomFields"][TAGS_FIELD] = json!(tags);
        }
        if let Some(severity) = labels.severity {
            change["Priority"] = priority(severity);
            change["CustomFields"][SEVERITY_FIELD] = json!(severity.label());
        }
        if change == json!({"CustomFields": {}}) {
            return Ok(());
        }
        self.client.change("ticket/labels", Method::PUT, &format!("ticket/{number}"), change, log).await
    }
}
