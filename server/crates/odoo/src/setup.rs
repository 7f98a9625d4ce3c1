//! What Milepost needs in Odoo: six fields on deliveries and a view that shows them.

use super::{OdooClient, wire::Id};
use domain::State;
use outbound::{CallError, CallLog, Decision, ErrorClass, missing::Missing};
use serde::Deserialize;
use serde_json::{Value, json};

/// The name of our view.
const VIEW: &str = "milepost.stock.picking.form";
/// Name, type and label of each field.
const FIELDS: &[(&str, &str, &str)] = &[
    ("x_milepost_status", "selection", "Shipment status"),
    ("x_milepost_last_event", "char", "Last shipment event"),
    ("x_milepost_eta", "datetime", "Expected delivery"),
    ("x_milepost_delivered_at", "datetime", "Delivered at"),
    ("x_milepost_exception", "char", "Shipment exception"),
    ("x_milepost_url", "char", "Shipment timeline"),
];
/// What the view adds to the delivery's form, after its source document.
const ARCH: &str = r#"<data><xpath expr="//field[@name='origin']" position="after">
<field name="x_milepost_status" readonly="1" invisible="not x_milepost_status"/>
<field name="x_milepost_last_event" readonly="1" invisible="not x_milepost_last_event"/>
<field name="x_milepost_eta" readonly="1" invisible="not x_milepost_eta"/>
<field name="x_milepost_delivered_at" readonly="1" invisible="not x_milepost_delivered_at"/>
<field name="x_milepost_exception" readonly="1" invisible="not x_milepost_exception"/>
<field name="x_milepost_url" readonly="1" widget="url" invisible="not x_milepost_url"/>
</xpath></data>"#;
/// The rights that the integration's user needs: model, operation, and the group that has it, as Odoo's user form names it.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("stock.picking", "read", "Inventory: User"),
    ("stock.picking", "write", "Inventory: User"),
    ("sale.order", "read", "Sales: User: All Documents"),
    ("res.partner", "read", "Role: User (an internal user, no portal user)"),
    (ACTIVITY, "create", "Role: User (an internal user, no portal user)"),
];
/// The model of activities, and the method that makes one.
pub(super) const ACTIVITY: &str = "mail.activity";
pub(super) const SCHEDULE: &str = "activity_schedule";
/// What makes the fields.
const SETUP: &str = "run `milepost odoo setup --connection NAME` with an administrator's key";

/// What people call one of our fields.
pub(super) fn label(field: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, ..)| *name == field).map(|(_, _, label)| *label)
}

#[derive(Deserialize)]
struct FieldRow {
    id: i64,
    name: String,
    ttype: String,
}

#[derive(Deserialize)]
struct SelectionRow {
    value: String,
}

#[derive(Deserialize)]
struct ViewRow {
    id: i64,
    arch_db: String,
}

impl OdooClient {
    /// Makes the fields and the view where they are missing, and says what it did. Needs the key of an administrator,
    /// once; running it again changes nothing.
    ///
    /// # Errors
    /// `forbidden` with another user's key; `misconfigured` where the inventory module is missing, or one of the fields
    /// is there with another type.
    pub async fn setup(&self, log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        let model = json!({"domain": [["model", "=", "stock.picking"]], "fields": ["id"], "limit": 1});
        let model: Vec<Id> = self.ask("ir.model", "search_read", model, log).await?;
        let Some(model) = model.first() else {
            return Err(CallError::new(
                ErrorClass::Misconfigured,
                "Odoo has no deliveries: install the Inventory and Sales apps",
            ));
        };
        let mut done = Vec::new();
        self.make_fields(model.id, &mut done, log).await?;
        self.make_view(&mut done, log).await?;
        if !done.is_empty() {
            self.drop_caches(log).await?;
        }
        Ok(done)
    }

    /// Lets Odoo forget what it keeps in memory. A new field makes Odoo build its models anew; a question answered in
    /// that moment can leave an access rule in its cache that refers to the old ones, and from then on deliveries that
    /// are there are "missing" (seen on 19.0: `MissingError` out of `_check_access`, for all but administrators).
    async fn drop_caches(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let dropped = self.change::<Value>("ir.model.access", "call_cache_clearing_methods", json!({}), log).await;
        match dropped {
            // another version names it otherwise: a restart does the same, and mostly neither is needed
            Err(e) if matches!(e.class.decision(), Decision::Fail | Decision::AwaitSetup) => Ok(()),
            other => other.map(drop),
        }
    }

    /// What is missing; empty where nothing is.
    ///
    /// # Errors
    /// When Odoo does not answer, or the key is not good.
    pub async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let names: Vec<_> = FIELDS.iter().map(|f| f.0).chain(["carrier_tracking_ref", "sale_id"]).collect();
        let body = json!({"allfields": names, "attributes": ["type", "selection"]});
        let there: Value = self.ask("stock.picking", "fields_get", body, log).await?;
        let mut missing = missing_fields(&there);
        missing.extend(self.missing_rights(|_| true, log).await?);
        Ok(missing)
    }

    /// The rights to these models that the user lacks.
    async fn missing_rights(
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
    pub(super) async fn refusal(&self, model: &str, method: &str, error: CallError, log: &dyn CallLog) -> CallError {
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

    async fn make_fields(&self, model: i64, done: &mut Vec<String>, log: &dyn CallLog) -> Result<(), CallError> {
        let names: Vec<_> = FIELDS.iter().map(|f| f.0).collect();
        let body =
            json!({"domain": [["model", "=", "stock.picking"], ["name", "in", names]], "fields": ["name", "ttype"]});
        let there: Vec<FieldRow> = self.ask("ir.model.fields", "search_read", body, log).await?;
        for (name, kind, label) in FIELDS {
            match there.iter().find(|f| f.name == *name) {
                Some(field) if field.ttype != *kind => {
                    let text = format!("field {name} is there with another type than {kind}: rename or remove it");
                    return Err(CallError::new(ErrorClass::Misconfigured, text).saying(&field.ttype));
                }
                Some(field) => {
                    if *kind == "selection" {
                        self.add_states(field.id, done, log).await?;
                    }
                }
                None => {
                    let mut vals = json!({"model_id": model, "name": name, "field_description": label, "ttype": kind, "state": "manual", "copied": false});
                    if *kind == "selection" {
                        let states = State::ALL.iter().map(|s| json!([0, 0, selection(*s)])).collect();
                        vals["selection_ids"] = Value::Array(states);
                    }
                    self.change::<Vec<i64>>("ir.model.fields", "create", json!({"vals_list": [vals]}), log).await?;
                    done.push(format!("made field {name} ({label})"));
                }
            }
        }
        Ok(())
    }

    /// A newer Milepost may know states that an older one did not.
    async fn add_states(&self, field: i64, done: &mut Vec<String>, log: &dyn CallLog) -> Result<(), CallError> {
        let body = json!({"domain": [["field_id", "=", field]], "fields": ["value"]});
        let there: Vec<SelectionRow> = self.ask("ir.model.fields.selection", "search_read", body, log).await?;
        for state in State::ALL.iter().filter(|s| !there.iter().any(|row| row.value == s.code())) {
            let mut vals = selection(*state);
            vals["field_id"] = json!(field);
            self.change::<Vec<i64>>("ir.model.fields.selection", "create", json!({"vals_list": [vals]}), log).await?;
            done.push(format!("added {} to x_milepost_status", state.code()));
        }
        Ok(())
    }

    async fn make_view(&self, done: &mut Vec<String>, log: &dyn CallLog) -> Result<(), CallError> {
        let body = json!({"domain": [["name", "=", VIEW], ["model", "=", "stock.picking"]], "fields": ["arch_db"], "limit": 1});
        let there: Vec<ViewRow> = self.ask("ir.ui.view", "search_read", body, log).await?;
        if let Some(view) = there.first() {
            if !FIELDS.iter().all(|(name, ..)| view.arch_db.contains(name)) {
                self.change::<Value>("ir.ui.view", "write", json!({"ids": [view.id], "vals": {"arch_db": ARCH}}), log)
                    .await?;
                done.push("brought the delivery form up to date".into());
            }
            return Ok(());
        }
        let domain = json!([
            ["model", "=", "stock.picking"],
            ["type", "=", "form"],
            ["mode", "=", "primary"],
            ["inherit_id", "=", false]
        ]);
        let body = json!({"domain": domain, "fields": ["id"], "order": "priority, id", "limit": 1});
        let form: Vec<Id> = self.ask("ir.ui.view", "search_read", body, log).await?;
        let Some(form) = form.first() else {
            return Err(CallError::new(ErrorClass::Misconfigured, "Odoo has no form for deliveries"));
        };
        let vals = json!({"name": VIEW, "model": "stock.picking", "inherit_id": form.id, "mode": "extension", "arch_db": ARCH});
        self.change::<Vec<i64>>("ir.ui.view", "create", json!({"vals_list": [vals]}), log).await?;
        done.push("showed the fields on the delivery form".into());
        Ok(())
    }
}

/// What is missing of apps and fields.
fn missing_fields(there: &Value) -> Vec<Missing> {
    let missing = |what: String, todo: &str| Missing { what, todo: todo.to_owned() };
    let mut found = Vec::new();
    if there["sale_id"].is_null() {
        found.push(missing("the Sales app (deliveries have no order)".into(), "install it in Odoo"));
    }
    if there["carrier_tracking_ref"].is_null() {
        let what = "the Delivery Costs app (deliveries have no tracking reference)";
        found.push(missing(what.into(), "install it in Odoo"));
    }
    for (name, kind, _) in FIELDS {
        match there[name]["type"].as_str() {
            None => found.push(missing(format!("field {name} of stock.picking"), SETUP)),
            Some(other) if other != *kind => {
                let what = format!("field {name} as {kind} (it is {other})");
                found.push(missing(what, &format!("rename or remove it, then {SETUP}")));
            }
            Some(_) => {}
        }
    }
    if let Some(selection) = there["x_milepost_status"]["selection"].as_array() {
        let has = |code: &str| selection.iter().any(|pair| pair[0] == code);
        let lacking = State::ALL.iter().filter(|state| !has(state.code()));
        found.extend(lacking.map(|state| missing(format!("value {} of x_milepost_status", state.code()), SETUP)));
    }
    found
}

fn selection(state: State) -> Value {
    json!({"value": state.code(), "name": state.label(), "sequence": state.rank()})
}
