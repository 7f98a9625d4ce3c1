//! Which of the two helpdesks an Odoo has, and what is named otherwise in each. Odoo's own: stages that are folded are closed. OCA's:
//! stages say so.

use crate::DeskStatus;
use odoo::OdooClient;
use outbound::{CallError, CallLog, ErrorClass, missing::Missing};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The model of tickets, in both.
pub(super) const MODEL: &str = "helpdesk.ticket";
/// Stages that are read.
const STAGES_MAX: u32 = 500;

/// A helpdesk.
#[derive(Clone, Debug)]
pub(super) struct Edition {
    /// The model of its teams.
    pub(super) teams: &'static str,
    /// The model of its tags.
    pub(super) tags: &'static str,
    /// The field of a ticket with the time of its stage, where it has one.
    pub(super) moved: Option<&'static str>,
    /// Its stages in order.
    stages: Vec<Stage>,
    /// The kinds of messages that customers do not see.
    pub(super) note_subtypes: BTreeSet<i64>,
}

/// A stage.
#[derive(Clone, Debug)]
struct Stage {
    id: i64,
    status: DeskStatus,
}

/// Fields with the time of a ticket's stage: OCA's, Odoo's own.
const MOVED: [&str; 2] = ["last_stage_update", "date_last_stage_update"];

/// OCA's tickets have these fields, Odoo's own have not.
fn is_oca(fields: &Value) -> bool {
    fields.get("closed").is_some() || fields.get("unattended").is_some()
}

fn no_helpdesk() -> Missing {
    Missing {
        what: "helpdesk".into(),
        todo: "install Odoo's Helpdesk, or OCA's helpdesk_mgmt, and give the integration's user all tickets".into(),
    }
}

impl Edition {
    /// Asks an Odoo. A closed stage with one of these names, in small letters, is that of rejected tickets.
    pub(super) async fn read(odoo: &OdooClient, rejected: &[String], log: &dyn CallLog) -> Result<Self, CallError> {
        let fields = odoo.query(MODEL, "fields_get", json!({"attributes": ["type"]}), log).await?;
        let (teams, tags, stages, closed) = match is_oca(&fields) {
            true => ("helpdesk.ticket.team", "helpdesk.ticket.tag", "helpdesk.ticket.stage", "closed"),
            false => ("helpdesk.team", "helpdesk.tag", "helpdesk.stage", "fold"),
        };
        let moved = MOVED.into_iter().find(|field| fields.get(field).is_some());
        let body = json!({"domain": [], "fields": [closed, "name"], "order": "sequence, id", "limit": STAGES_MAX});
        let rows = odoo.query(stages, "search_read", body, log).await?;
        let stage = |row: &Value| {
            let name = row["name"].as_str().unwrap_or_default().trim().to_lowercase();
            let status = match row[closed].as_bool()? {
                true if rejected.contains(&name) => DeskStatus::Rejected,
                true => DeskStatus::Resolved,
                false => DeskStatus::Open,
            };
            Some(Stage { id: row["id"].as_i64()?, status })
        };
        let stages = rows.as_array().into_iter().flatten().filter_map(stage).collect();
        let body = json!({"domain": [["internal", "=", true]], "fields": ["id"], "limit": STAGES_MAX});
        let rows = odoo.query("mail.message.subtype", "search_read", body, log).await?;
        let note_subtypes = rows.as_array().into_iter().flatten().filter_map(|row| row["id"].as_i64()).collect();
        Ok(Self { teams, tags, moved, stages, note_subtypes })
    }

    /// Where a ticket in this stage stands; none where the stage was not there when Odoo was asked.
    pub(super) fn status(&self, stage: i64) -> Option<DeskStatus> {
        self.stages.iter().find(|known| known.id == stage).map(|known| known.status)
    }

    /// The first stage of tickets that stand so.
    ///
    /// # Errors
    /// `misconfigured` where there is none.
    pub(super) fn stage(&self, status: DeskStatus) -> Result<i64, CallError> {
        let none = || CallError::new(ErrorClass::Misconfigured, format!("missing: {}", lacking(status)));
        self.stages.iter().find(|stage| stage.status == status).map(|stage| stage.id).ok_or_else(none)
    }

    /// The kinds of stages that there are none of.
    pub(super) fn lacks_stages(&self) -> impl Iterator<Item = Missing> {
        let needed = [DeskStatus::Resolved, DeskStatus::Open];
        needed.into_iter().filter(|status| self.stage(*status).is_err()).map(lacking)
    }
}

fn lacking(status: DeskStatus) -> Missing {
    match status {
        DeskStatus::Open => {
            Missing { what: "an open stage".into(), todo: "add a stage that is neither closed nor folded".into() }
        }
        _ => Missing {
            what: "a closing stage".into(),
            todo: "mark one as closed (OCA), or as folded (Enterprise), beside those of rejected tickets".into(),
        },
    }
}

/// The team of this name.
pub(super) async fn team(
    odoo: &OdooClient,
    edition: &Edition,
    name: &str,
    log: &dyn CallLog,
) -> Result<Option<i64>, CallError> {
    let body = json!({"domain": [["name", "=", name]], "fields": ["id"], "order": "id", "limit": 1});
    let rows = odoo.query(edition.teams, "search_read", body, log).await?;
    Ok(rows.get(0).and_then(|row| row["id"].as_i64()))
}

/// What of the app, the team and the rights is missing.
pub(super) async fn missing(odoo: &OdooClient, name: &str, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
    let edition = match Edition::read(odoo, &[], log).await {
        Ok(edition) => edition,
        Err(error)
            if matches!(error.class, ErrorClass::Misconfigured | ErrorClass::Forbidden | ErrorClass::NotFound) =>
        {
            return Ok(vec![no_helpdesk()]);
        }
        Err(error) => return Err(error),
    };
    let mut missing = Vec::new();
    if team(odoo, &edition, name, log).await?.is_none() {
        let todo = "spell it as Odoo does, and let the integration's user see it".to_owned();
        missing.push(Missing { what: format!("helpdesk team {name}"), todo });
    }
    missing.extend(missing_rights(odoo, log).await?);
    Ok(missing)
}

/// Whether the integration's user may do this with records of a model. Record rules may still say no.
pub(super) async fn may(odoo: &OdooClient, model: &str, operation: &str, log: &dyn CallLog) -> Result<bool, CallError> {
    let may = odoo.query(model, "has_access", json!({"ids": [], "operation": operation}), log).await?;
    Ok(may == json!(true))
}

/// The rights to tickets that the integration's user lacks.
pub(super) async fn missing_rights(odoo: &OdooClient, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
    let mut missing = Vec::new();
    for operation in ["create", "write"] {
        if !may(odoo, MODEL, operation, log).await? {
            let todo = "give the integration's user the group \"User\" of the Helpdesk app".to_owned();
            missing.push(Missing { what: format!("right to {operation} helpdesk.ticket"), todo });
        }
    }
    Ok(missing)
}
