//! Automation rules that report changes to Milepost at once. What they send is a hint: Milepost reads the record itself.
//!
//! Odoo posts after the commit, waits one second for the answer, and does not try again; so a hint replaces no import, it only
//! comes sooner. The rules watch fields that people and Odoo write, none of ours: what Milepost writes gives no hint.

use super::{
    super::OdooClient,
    step::{Change, Hints, Part, Plan, Step},
    there::{Automation, Model, Rule, There},
};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// When a rule fires.
const TRIGGER: &str = "on_create_or_write";
/// Transfers of one order that are read at once; the import finds further ones.
const TRANSFERS_MAX: u32 = 200;

/// What is watched of a model.
pub(super) struct Watched {
    pub(super) model: &'static str,
    pub(super) fields: &'static [&'static str],
    /// Which records, as Odoo writes domains; empty: all.
    pub(super) domain: &'static str,
}

/// Where a package has a carrier's number: its name, or what modules add.
const PACKAGE_FIELDS: &[&str] = &["name", "parcel_tracking", "carrier_tracking_ref"];

/// What gives hints. Packages have another model since 19.
pub(super) const WATCHED: &[Watched] = &[
    Watched {
        model: "stock.picking",
        fields: &[
            "state",
            "carrier_id",
            "carrier_tracking_ref",
            "partner_id",
            "scheduled_date",
            "date_deadline",
            "date_done",
            "sale_id",
            "company_id",
        ],
        domain: "[('picking_type_code', '!=', 'internal')]",
    },
    Watched {
        model: "sale.order",
        fields: &["state", "commitment_date", "partner_shipping_id", "user_id"],
        domain: "[('state', 'in', ('sale', 'done', 'cancel'))]",
    },
    Watched {
        model: "purchase.order",
        fields: &["state", "date_planned", "partner_id"],
        domain: "[('state', 'in', ('purchase', 'done', 'cancel'))]",
    },
    Watched { model: "stock.package", fields: PACKAGE_FIELDS, domain: "" },
    Watched { model: "stock.quant.package", fields: PACKAGE_FIELDS, domain: "" },
];

/// Whether Odoo gives hints of this model.
pub fn gives_hints(model: &str) -> bool {
    WATCHED.iter().any(|watched| watched.model == model)
}

impl OdooClient {
    /// The transfers that a hint of a record is about: itself, or those of the order or the package.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn transfers_of(&self, model: &str, id: i64, log: &dyn CallLog) -> Result<Vec<i64>, CallError> {
        let link = match model {
            "sale.order" => "sale_id",
            "purchase.order" => "purchase_id",
            "stock.package" | "stock.quant.package" => "move_line_ids.result_package_id",
            _ => return Ok(vec![id]),
        };
        let body = json!({"domain": [[link, "=", id]], "order": "id", "limit": TRANSFERS_MAX});
        match self.ask("stock.picking", "search", body, log).await {
            // an Odoo without purchases has no transfers of them
            Err(error)
                if error.class == ErrorClass::Misconfigured && error.status.is_some_and(|status| status != 404) =>
            {
                Ok(Vec::new())
            }
            found => found,
        }
    }
}

/// The name of the rule of a model.
pub(super) fn name(model: &str) -> String {
    format!("Milepost: changes of {model}")
}

pub(super) fn steps(there: &There, hints: &Hints, plan: &mut Plan) {
    let lacking = match there.automation {
        Automation::Ready => None,
        Automation::Missing => Some("the app Automation Rules (base_automation) is not installed"),
        Automation::NoWebhooks => {
            Some("this version of Odoo has no webhooks in its automation rules (17.0 and later have)")
        }
    };
    if let Some(lacking) = lacking {
        plan.notes
            .push(format!("Odoo does not report changes at once: {lacking}. Milepost reads changes at its usual pace"));
        return;
    }
    for watched in WATCHED {
        let Some(model) = there.models.iter().find(|model| model.name == watched.model) else { continue };
        let fields: BTreeSet<i64> =
            watched.fields.iter().filter_map(|field| model.fields.get(*field)).map(|field| field.id).collect();
        let of_model = |rule: &&Rule| rule.model == model.id && rule.name == name(model.name);
        plan.steps.extend(match there.rules.iter().find(of_model) {
            None => Some(make(model, watched, &fields, hints)),
            Some(rule) => change(model, watched, &fields, hints, rule),
        });
    }
}

fn make(model: &Model, watched: &Watched, fields: &BTreeSet<i64>, hints: &Hints) -> Step {
    let row = json!({
        "name": name(model.name), "model_id": model.id, "trigger": TRIGGER,
        "trigger_field_ids": [[6, 0, fields]], "filter_domain": watched.domain,
        "action_server_ids": [[0, 0, webhook(model, hints)]],
    });
    let what = format!("Report changes of {} to {}", model.label, hints.shown);
    let change = Change::Create { model: "base.automation", rows: vec![row], made: None };
    Step::new(Part::Hints, model.name, what, change)
}

/// Nothing but the record's model and id is sent: no personal data leaves Odoo by this way.
fn webhook(model: &Model, hints: &Hints) -> Value {
    json!({
        "name": name(model.name), "model_id": model.id, "state": "webhook", "usage": "base_automation",
        "webhook_url": hints.url, "webhook_field_ids": [[6, 0, []]],
    })
}

fn change(model: &Model, watched: &Watched, fields: &BTreeSet<i64>, hints: &Hints, rule: &Rule) -> Option<Step> {
    let posts = rule.webhooks.iter().any(|(_, url)| *url == hints.url);
    let others: Vec<i64> = rule.webhooks.iter().filter(|(_, url)| *url != hints.url).map(|(id, _)| *id).collect();
    let is_current = rule.active && rule.trigger == TRIGGER && rule.domain == watched.domain && rule.fields == *fields;
    if is_current && posts && others.is_empty() {
        return None;
    }
    let mut actions: Vec<Value> = Vec::new();
    for (n, id) in others.iter().enumerate() {
        // one that posts elsewhere would make people in Odoo wait for an address that is no more
        actions.push(match n {
            0 if !posts => json!([1, id, {"webhook_url": hints.url}]),
            _ => json!([2, id, 0]),
        });
    }
    if !posts && others.is_empty() {
        actions.push(json!([0, 0, webhook(model, hints)]));
    }
    let vals = json!({
        "active": true, "trigger": TRIGGER, "trigger_field_ids": [[6, 0, fields]], "filter_domain": watched.domain,
        "action_server_ids": actions,
    });
    let what = format!("Update what reports changes of {} to {}", model.label, hints.shown);
    let change = Change::Write { model: "base.automation", ids: vec![rule.id], vals };
    Some(Step::new(Part::Hints, model.name, what, change))
}

pub(super) fn removal(there: &There, plan: &mut Plan) {
    for watched in WATCHED {
        let ids: Vec<i64> =
            there.rules.iter().filter(|rule| rule.name == name(watched.model)).map(|rule| rule.id).collect();
        if !ids.is_empty() {
            // its action goes with it
            let what = format!("Stop reporting changes of {}", label(there, watched.model));
            let change = Change::Delete { model: "base.automation", ids };
            plan.steps.push(Step::new(Part::Hints, watched.model, what, change));
        }
    }
}

fn label<'a>(there: &'a There, model: &'a str) -> &'a str {
    there.models.iter().find(|known| known.name == model).map_or(model, |known| known.label)
}
