//! Who the integration is at a Zendesk, and what it needs there: custom fields, found by their titles, and a group.

use super::Zendesk;
use crate::{NewCase, rest::text};
use outbound::{CallError, CallLog, ErrorClass, missing::Missing};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The ids of our custom fields, by title.
pub(super) type Fields = BTreeMap<&'static str, u64>;

/// The field that holds the context.
pub(super) const CONTEXT: &str = "Shipment context";
const TRACKING: &str = "Tracking number";
const CARRIER: &str = "Carrier";
const EXCEPTION: &str = "Exception code";
const SHIPMENT: &str = "Shipment link";
/// Fields that are filled where they are there.
const TITLES: &[&str] = &[CONTEXT, TRACKING, CARRIER, EXCEPTION, SHIPMENT];
/// Groups and memberships of one list.
const PAGE: &str = "100";

fn missing_context() -> Missing {
    Missing {
        what: format!("ticket field \"{CONTEXT}\""),
        todo: "add a multi-line text field with this title in Admin Center under Objects and rules, Tickets, Fields; for agents alone"
            .into(),
    }
}

pub(super) fn no_context() -> CallError {
    CallError::new(ErrorClass::Misconfigured, format!("missing: {}", missing_context()))
}

/// What a new ticket's fields are given, as far as they are there.
pub(super) fn values(fields: &Fields, case: &NewCase) -> Value {
    let given = [
        (TRACKING, &case.tracking_number),
        (CARRIER, &case.carrier),
        (EXCEPTION, &case.exception_code),
        (SHIPMENT, &case.milepost_url),
    ];
    let known = given.iter().filter_map(|(title, value)| Some(json!({"id": fields.get(title)?, "value": value})));
    known.collect()
}

fn missing_group(name: &str) -> Missing {
    Missing { what: format!("group {name}"), todo: "spell it as Zendesk does, and activate it".into() }
}

impl Zendesk {
    async fn me(&self, log: &dyn CallLog) -> Result<Value, CallError> {
        let me = self.rest.get("users/me", "api/v2/users/me", &[], log).await?;
        // a visitor who is not signed in is a user without an id
        let odd = || CallError::new(ErrorClass::Unauthorized, "the desk does not know who signs in");
        if me["user"]["id"].is_u64() { Ok(me["user"].clone()) } else { Err(odd()) }
    }

    /// Our own id.
    pub(super) async fn us(&self, log: &dyn CallLog) -> Result<u64, CallError> {
        let id = || async { Ok(self.me(log).await?["id"].as_u64().unwrap_or_default()) };
        self.us.get_or_try_init(id).await.copied()
    }

    /// Our custom fields; kept once the one that is needed is there.
    pub(super) async fn fields(&self, log: &dyn CallLog) -> Result<Fields, CallError> {
        if let Some(fields) = self.fields.get() {
            return Ok(fields.clone());
        }
        let answer = self.rest.get("ticket_fields", "api/v2/ticket_fields", &[], log).await?;
        let mut fields = Fields::new();
        for field in
            answer["ticket_fields"].as_array().into_iter().flatten().filter(|field| field["active"] != json!(false))
        {
            let title = TITLES.iter().find(|title| title.eq_ignore_ascii_case(text(field, "/title").trim()));
            if let (Some(title), Some(id)) = (title, field["id"].as_u64()) {
                fields.entry(title).or_insert(id);
            }
        }
        if fields.contains_key(CONTEXT) {
            // another caller may have been first, with the same
            let _ = self.fields.set(fields.clone());
        }
        Ok(fields)
    }

    async fn group(&self, name: &str, log: &dyn CallLog) -> Result<Option<u64>, CallError> {
        let answer = self.rest.get("groups", "api/v2/groups", &[("per_page", PAGE)], log).await?;
        let mut groups = answer["groups"].as_array().into_iter().flatten();
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

    /// What is missing.
    pub(super) async fn missing(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let mut missing = Vec::new();
        let me = self.me(log).await?;
        if !matches!(text(&me, "/role"), "agent" | "admin") {
            let todo = "let an agent or administrator own the OAuth client or the token".to_owned();
            missing.push(Missing { what: "the role of an agent".into(), todo });
        }
        if !self.fields(log).await?.contains_key(CONTEXT) {
            missing.push(missing_context());
        }
        if self.group.is_empty() {
            return Ok(missing);
        }
        let Some(group) = self.group(&self.group, log).await? else {
            missing.push(missing_group(&self.group));
            return Ok(missing);
        };
        let path = format!("api/v2/users/{}/group_memberships", me["id"]);
        let answer = self.rest.get("group_memberships", &path, &[("per_page", PAGE)], log).await?;
        let mut memberships = answer["group_memberships"].as_array().into_iter().flatten();
        if !memberships.any(|membership| membership["group_id"].as_u64() == Some(group)) {
            let todo =
                "add the integration's agent to it: a ticket that is solved needs an agent of its group".to_owned();
            missing.push(Missing { what: format!("membership of group {}", self.group), todo });
        }
        Ok(missing)
    }
}
