//! Who the integration is at a Freshdesk, and what it needs there: custom fields and a group.

use super::Freshdesk;
use crate::{
    NewCase, SOMEBODY,
    rest::{is_gone, text},
};
use outbound::{CallError, CallLog, ErrorClass, missing::Missing};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The field that holds our key.
pub(super) const KEY: &str = "cf_shipment_key";
/// The field that holds the context.
pub(super) const CONTEXT: &str = "cf_shipment_context";
/// The field that holds the status that Milepost gave last.
pub(super) const STATUS: &str = "cf_shipment_status";
/// The fields that are needed, with label and type as Freshdesk's form names them.
const NEEDED: &[(&str, &str, &str)] = &[
    (KEY, "Shipment key", "single-line text"),
    (CONTEXT, "Shipment context", "multi-line text"),
    (STATUS, "Shipment status", "single-line text"),
];
const TRACKING: &str = "cf_tracking_number";
const CARRIER: &str = "cf_carrier";
const EXCEPTION: &str = "cf_exception_code";
const SHIPMENT: &str = "cf_shipment_link";
/// Groups of one list.
const PAGE: &str = "100";

/// The integration's agent.
#[derive(Debug)]
pub(super) struct Me {
    pub(super) email: String,
}

/// What a new ticket's fields are given, as far as they are there.
pub(super) fn values(fields: &BTreeSet<String>, case: &NewCase, key: &str, context: &str) -> Value {
    let given = [
        (KEY, key),
        (CONTEXT, context),
        (TRACKING, &case.tracking_number),
        (CARRIER, &case.carrier),
        (EXCEPTION, &case.exception_code),
        (SHIPMENT, &case.milepost_url),
    ];
    let known = given.into_iter().filter(|(name, _)| fields.contains(*name));
    Value::Object(known.map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>())
}

fn missing_fields(fields: &BTreeSet<String>) -> Vec<Missing> {
    let lacking = NEEDED.iter().filter(|(name, ..)| !fields.contains(*name));
    let missing = |(_, label, kind): &(&str, &str, &str)| Missing {
        what: format!("ticket field \"{label}\""),
        todo: format!("add it in Freshdesk under Admin, Ticket Fields ({kind}), for agents alone"),
    };
    lacking.map(missing).collect()
}

fn missing_group(name: &str) -> Missing {
    Missing { what: format!("group {name}"), todo: "spell it as Freshdesk does".into() }
}

impl Freshdesk {
    /// The integration's agent.
    pub(super) async fn me(&self, log: &dyn CallLog) -> Result<&Me, CallError> {
        let me = || async {
            let me = self.rest.get("agents/me", "api/v2/agents/me", &[], log).await?;
            let email = text(&me, "/contact/email").to_owned();
            let odd = CallError::new(ErrorClass::BadAnswer, "the answer names no agent");
            if email.is_empty() { Err(odd) } else { Ok(Me { email }) }
        };
        self.me.get_or_try_init(me).await
    }

    async fn field_names(&self, log: &dyn CallLog) -> Result<BTreeSet<String>, CallError> {
        let answer = self.rest.get("ticket_fields", "api/v2/ticket_fields", &[], log).await?;
        let fields = answer.as_array().into_iter().flatten();
        Ok(fields.map(|field| text(field, "/name").to_owned()).collect())
    }

    /// The ticket fields: no ticket is made without those that are needed.
    pub(super) async fn fields(&self, log: &dyn CallLog) -> Result<BTreeSet<String>, CallError> {
        let fields = || async {
            let fields = self.field_names(log).await?;
            match missing_fields(&fields).first() {
                None => Ok(fields),
                Some(missing) => {
                    Err(CallError::new(ErrorClass::Misconfigured, format!("no ticket is made: missing: {missing}")))
                }
            }
        };
        self.fields.get_or_try_init(fields).await.cloned()
    }

    async fn group(&self, name: &str, log: &dyn CallLog) -> Result<Option<u64>, CallError> {
        let answer = self.rest.get("groups", "api/v2/groups", &[("per_page", PAGE)], log).await?;
        let mut groups = answer.as_array().into_iter().flatten();
        Ok(groups.find(|group| text(group, "/name") == name).and_then(|group| group["id"].as_u64()))
    }

    /// The group that takes a ticket: this one, else the connection's; none where none is set.
    pub(super) async fn group_id(&self, name: Option<&str>, log: &dyn CallLog) -> Result<Option<u64>, CallError> {
        let name = name.unwrap_or(&self.group);
        if name.is_empty() {
            return Ok(None);
        }
        let id = || async {
            let error = || CallError::new(ErrorClass::Misconfigured, format!("missing: {}", missing_group(name)));
            self.group(name, log).await?.ok_or_else(error)
        };
        if name != self.group {
            return id().await.map(Some);
        }
        self.group_id.get_or_try_init(id).await.copied().map(Some)
    }

    /// What an id stands for: its name, where we may read it.
    async fn name(
        &self,
        path: &str,
        id: &Value,
        pointer: &str,
        log: &dyn CallLog,
    ) -> Result<Option<String>, CallError> {
        let Some(id) = id.as_u64() else { return Ok(None) };
        match self.rest.get(path, &format!("api/v2/{path}/{id}"), &[], log).await {
            Ok(answer) => Ok(Some(text(&answer, pointer).to_owned()).filter(|name| !name.is_empty())),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The agent who has a ticket.
    pub(super) async fn agent(&self, id: &Value, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        if id.is_null() {
            return Ok(None);
        }
        Ok(self.name("agents", id, "/contact/name", log).await?.or_else(|| Some(SOMEBODY.to_owned())))
    }

    /// The group that has a ticket.
    pub(super) async fn group_name(&self, id: &Value, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        if id.as_u64().is_some() && id.as_u64() == self.group_id.get().copied() {
            return Ok(Some(self.group.clone()));
        }
        self.name("groups", id, "/name", log).await
    }

    /// What is missing.
    pub(super) async fn missing(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let mut missing = missing_fields(&self.field_names(log).await?);
        if !self.group.is_empty() && self.group(&self.group, log).await?.is_none() {
            missing.push(missing_group(&self.group));
        }
        Ok(missing)
    }
}
