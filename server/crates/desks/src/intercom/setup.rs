//! Who the integration is at an Intercom, and what it needs there: a ticket type for the back office, with its attributes.

use super::Intercom;
use crate::{DeskStatus, NewCase, hooks::number_of, rest::text};
use domain::Severity;
use outbound::{CallError, CallLog, ErrorClass, missing::Missing};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The attribute that holds our key.
pub(super) const KEY: &str = "Shipment key";
/// The attribute that holds the context.
pub(super) const CONTEXT: &str = "Shipment context";
/// The attributes that are needed, and of which type.
const NEEDED: &[(&str, &str)] = &[(KEY, "text"), (CONTEXT, "text, multi-line")];
const SEVERITY: &str = "Severity";
const TRACKING: &str = "Tracking number";
const CARRIER: &str = "Carrier";
const EXCEPTION: &str = "Exception code";
const SHIPMENT: &str = "Shipment link";

/// The integration's admin.
#[derive(Debug)]
pub(super) struct Me {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) workspace: String,
}

/// The ticket type.
#[derive(Clone, Debug)]
pub(super) struct TicketType {
    pub(super) id: String,
    /// The id of the attribute that holds our key.
    pub(super) key: String,
    /// The names of its attributes.
    attributes: BTreeSet<String>,
}

impl TicketType {
    /// What a new ticket's attributes are given, as far as they are there: others are refused.
    pub(super) fn attributes_of(&self, case: &NewCase, key: &str) -> Map<String, Value> {
        let given = [
            (KEY, key),
            (SEVERITY, case.severity.label()),
            (TRACKING, &case.tracking_number),
            (CARRIER, &case.carrier),
            (EXCEPTION, &case.exception_code),
            (SHIPMENT, &case.milepost_url),
        ];
        let known = given.into_iter().filter(|(name, _)| self.attributes.contains(*name));
        known.map(|(name, value)| (name.to_owned(), json!(value))).collect()
    }

    /// What says how severe a ticket is; none where the type has no attribute for it.
    pub(super) fn severity(&self, severity: Severity) -> Option<Value> {
        self.attributes.contains(SEVERITY).then(|| json!({SEVERITY: severity.label()}))
    }
}

fn names(kind: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let attributes = kind.pointer("/ticket_type_attributes/data").and_then(Value::as_array).into_iter().flatten();
    let active = attributes.filter(|attribute| attribute["archived"] != json!(true));
    active.map(|attribute| (text(attribute, "/name"), &attribute["id"]))
}

impl Intercom {
    /// The admin whose token it is.
    pub(super) async fn me(&self, log: &dyn CallLog) -> Result<&Me, CallError> {
        let me = || async {
            let me = self.rest.get("me", "me", &[], log).await?;
            let odd = || CallError::new(ErrorClass::BadAnswer, "the answer names no admin");
            let id = number_of(&me["id"]).ok_or_else(odd)?;
            let (email, workspace) = (text(&me, "/email").to_owned(), text(&me, "/app/id_code").to_owned());
            Ok(Me { id, email, workspace })
        };
        self.me.get_or_try_init(me).await
    }

    fn missing_type(&self) -> Missing {
        Missing {
            what: format!("ticket type {}", self.ticket_type),
            todo: "add it in Intercom under Settings, Tickets, or spell it as there".into(),
        }
    }

    /// The ticket type as the desk has it, with what it lacks; none where there is no such type.
    async fn found(&self, log: &dyn CallLog) -> Result<Option<(Value, Vec<Missing>)>, CallError> {
        let answer = self.rest.get("ticket_types", "ticket_types", &[], log).await?;
        let mut types = answer["data"].as_array().into_iter().flatten();
        let named = |kind: &&Value| text(kind, "/name") == self.ticket_type && kind["archived"] != json!(true);
        let Some(kind) = types.find(named) else { return Ok(None) };
        let mut missing = Vec::new();
        if text(kind, "/category") != "Back-office" {
            let todo = "choose a ticket type of the category back-office: customers are notified of others".to_owned();
            missing.push(Missing { what: format!("ticket type {} for the back office", self.ticket_type), todo });
        }
        for (name, form) in NEEDED.iter().filter(|(name, _)| !names(kind).any(|(had, _)| had == *name)) {
            let todo = format!("add it to the ticket type {} ({form})", self.ticket_type);
            missing.push(Missing { what: format!("ticket attribute \"{name}\""), todo });
        }
        Ok(Some((kind.clone(), missing)))
    }

    /// The ticket type: no ticket is made where something of it is missing.
    pub(super) async fn kind(&self, log: &dyn CallLog) -> Result<&TicketType, CallError> {
        let kind = || async {
            let lacks = |missing: &Missing| {
                CallError::new(ErrorClass::Misconfigured, format!("no ticket is made: missing: {missing}"))
            };
            let (kind, missing) = self.found(log).await?.ok_or_else(|| lacks(&self.missing_type()))?;
            if let Some(missing) = missing.first() {
                return Err(lacks(missing));
            }
            let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no ticket type");
            let key = names(&kind).find(|(name, _)| *name == KEY).and_then(|(_, id)| number_of(id)).ok_or_else(odd)?;
            let attributes = names(&kind).map(|(name, _)| name.to_owned()).collect();
            Ok(TicketType { id: number_of(&kind["id"]).ok_or_else(odd)?, key, attributes })
        };
        self.kind.get_or_try_init(kind).await
    }

    /// The states of tickets, as the desk lists them.
    async fn states(&self, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let answer = self.rest.get("ticket_states", "ticket_states", &[], log).await?;
        Ok(answer["data"].as_array().cloned().unwrap_or_default())
    }

    /// The id of the first state that means this; read each time, since administrators change them.
    pub(super) async fn state(&self, wanted: DeskStatus, log: &dyn CallLog) -> Result<String, CallError> {
        let category = category(wanted);
        let states = self.states(log).await?;
        let lacking = || CallError::new(ErrorClass::Misconfigured, format!("missing: {}", missing_state(category)));
        find(&states, category).ok_or_else(lacking)
    }

    /// What is missing.
    pub(super) async fn missing(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let Some((_, mut missing)) = self.found(log).await? else { return Ok(vec![self.missing_type()]) };
        let states = self.states(log).await?;
        let categories = [DeskStatus::Open, DeskStatus::Resolved].map(category);
        missing.extend(categories.into_iter().filter(|category| find(&states, category).is_none()).map(missing_state));
        Ok(missing)
    }
}

const fn category(wanted: DeskStatus) -> &'static str {
    match wanted {
        DeskStatus::Open => "in_progress",
        DeskStatus::Resolved | DeskStatus::Rejected | DeskStatus::Gone | DeskStatus::Hidden => "resolved",
    }
}

fn find(states: &[Value], category: &str) -> Option<String> {
    let fits = |state: &&Value| text(state, "/category") == category && state["archived"] != json!(true);
    states.iter().find(fits).and_then(|state| number_of(&state["id"]))
}

fn missing_state(category: &str) -> Missing {
    Missing {
        what: format!("ticket state of the category {category}"),
        todo: "add one in Intercom under Settings, Tickets, Ticket states".into(),
    }
}
