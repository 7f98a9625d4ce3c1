//! The fields that Milepost has on transfers and orders: which there are, and which are missing.

use super::{
    step::{Change, Part, Step},
    there::{Model, There},
};
use domain::State;
use outbound::missing::Missing;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What makes the fields.
pub(super) const SETUP: &str = "run `milepost odoo setup --connection NAME` with an administrator's key";

/// A field of ours; transfers and orders have the same ones, where it is not said otherwise.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Odoo's type of it.
    pub(super) kind: &'static str,
    pub(super) label: &'static str,
    /// What it shows, as Odoo's tooltip.
    pub(super) help: &'static str,
    /// Whether it was there from the first version on: Milepost does not work without it.
    pub(super) first: bool,
    /// The only model that has it.
    pub(super) only: Option<&'static str>,
}

const fn field(name: &'static str, kind: &'static str, label: &'static str, help: &'static str, first: bool) -> Field {
    Field { name, kind, label, help, first, only: None }
}

/// The fields, in the order in which they are shown.
pub(super) const FIELDS: &[Field] = &[
    field(
        "x_milepost_status",
        "selection",
        "Shipment status",
        "Where the shipment stands, by the carrier's events.",
        true,
    ),
    field("x_milepost_last_event", "char", "Last shipment event", "The latest event of the carrier.", true),
    field("x_milepost_eta", "datetime", "Expected delivery", "When the shipment is expected to arrive.", true),
    field("x_milepost_promised", "datetime", "Promised delivery", "When the shipment is promised to arrive.", false),
    field(
        "x_milepost_delivered_at",
        "datetime",
        "Delivered at",
        "When the shipment was delivered, by the carrier.",
        true,
    ),
    field(
        "x_milepost_exception",
        "char",
        "Shipment exception",
        "What is wrong with the shipment; empty: nothing.",
        true,
    ),
    field("x_milepost_url", "char", "Shipment timeline", "The page of the shipment in Milepost.", true),
    field("x_milepost_case", "char", "Shipment case", "The ticket at the service desk.", false),
    field("x_milepost_case_url", "char", "Link to the case", "The page of that ticket.", false),
    Field {
        only: Some("stock.picking"),
        ..field(
            BOOKING,
            "char",
            "Label booking",
            "Whether the label was booked, refused or voided, at which platform and for how much.",
            false,
        )
    },
];

/// The field that says what became of the labels of a transfer.
pub(crate) const BOOKING: &str = "x_milepost_booking";

/// The fields of a model.
pub(super) fn of_model(model: &str) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| field.only.is_none_or(|only| only == model))
}

/// The field that says where a shipment stands.
pub(super) const STATUS: &str = "x_milepost_status";

/// What people call one of our fields.
pub(crate) fn label(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.name == name).map(|field| field.label)
}

/// What makes the fields of a model that it lacks; in one call, since Odoo builds its models anew after each.
pub(super) fn steps(there: &There, model: &Model, skipped: &mut Vec<String>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut missing = Vec::new();
    for field in of_model(model.name) {
        match model.fields.get(field.name) {
            None => missing.push(field),
            Some(found) if found.kind != field.kind => skipped.push(format!(
                "Field {} of {} is there as {}, not as {}: rename or remove it in Odoo, then set up again",
                field.name, model.label, found.kind, field.kind
            )),
            Some(_) => {}
        }
    }
    if !missing.is_empty() {
        let labels: Vec<&str> = missing.iter().map(|field| field.label).collect();
        let what = format!("Make {} on {}: {}", counted(missing.len() as u64, "field"), model.label, labels.join(", "));
        let rows = missing.iter().map(|field| row(model.id, field)).collect();
        let change = Change::Create { model: "ir.model.fields", rows, made: None };
        steps.push(Step::new(Part::Fields, model.name, what, change));
    }
    steps.extend(new_states(there, model));
    steps
}

fn row(model: i64, field: &Field) -> Value {
    let mut row = json!({
        "model_id": model, "name": field.name, "field_description": field.label, "help": field.help,
        "ttype": field.kind, "state": "manual", "copied": false,
    });
    if field.kind == "selection" {
        row["selection_ids"] = State::ALL.iter().map(|state| json!([0, 0, selection(*state)])).collect();
    }
    row
}

/// A newer Milepost may know states that an older one did not.
fn new_states(there: &There, model: &Model) -> Option<Step> {
    let field = model.fields.get(STATUS).filter(|field| field.kind == "selection")?;
    let known = there.selections.get(&field.id)?;
    let lacking: Vec<State> = State::ALL.iter().copied().filter(|state| !known.contains(state.code())).collect();
    if lacking.is_empty() {
        return None;
    }
    let row = |state: &State| {
        let mut row = selection(*state);
        row["field_id"] = json!(field.id);
        row
    };
    let labels: Vec<&str> = lacking.iter().map(|state| state.label()).collect();
    let what = format!("Add to the shipment status of {}: {}", model.label, labels.join(", "));
    let rows = lacking.iter().map(row).collect();
    let change = Change::Create { model: "ir.model.fields.selection", rows, made: None };
    Some(Step::new(Part::Fields, model.name, what, change))
}

fn selection(state: State) -> Value {
    json!({"value": state.code(), "name": state.label(), "sequence": state.rank()})
}

/// What takes our fields away. Only those that were made by hand or by us go: a module's field of that name stays.
pub(super) fn removal(model: &Model) -> Option<Step> {
    let ours = FIELDS.iter().filter_map(|field| model.fields.get(field.name)).filter(|field| field.manual);
    let ids: Vec<i64> = ours.map(|field| field.id).collect();
    if ids.is_empty() {
        return None;
    }
    let fields = counted(ids.len() as u64, "field");
    let what = match model.filled {
        0 => format!("Delete {fields} of {}", model.label),
        filled => format!("Delete {fields} of {}; the values of {} are lost", model.label, counted(filled, "record")),
    };
    Some(Step::new(Part::Fields, model.name, what, Change::Delete { model: "ir.model.fields", ids }))
}

/// A count with its noun: `1 record`, `3 records`.
pub(super) fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Names of what the check asks for, beside what Odoo has itself.
pub(super) fn asked() -> Vec<&'static str> {
    FIELDS.iter().map(|field| field.name).chain(["carrier_tracking_ref", "sale_id"]).collect()
}

/// What is missing of apps and fields: what Milepost does not work without, by what `fields_get` of transfers answers.
pub(super) fn missing(there: &Value) -> Vec<Missing> {
    let missing = |what: String, todo: &str| Missing { what, todo: todo.to_owned() };
    let mut found = Vec::new();
    if there["sale_id"].is_null() {
        found.push(missing("the Sales app (deliveries have no order)".into(), "install it in Odoo"));
    }
    if there["carrier_tracking_ref"].is_null() {
        let what = "the Delivery Costs app (deliveries have no tracking reference)";
        found.push(missing(what.into(), "install it in Odoo"));
    }
    for Field { name, kind, first, .. } in FIELDS {
        match there[name]["type"].as_str() {
            None if *first => found.push(missing(format!("field {name} of stock.picking"), SETUP)),
            Some(other) if other != *kind => {
                let what = format!("field {name} as {kind} (it is {other})");
                found.push(missing(what, &format!("rename or remove it, then {SETUP}")));
            }
            _ => {}
        }
    }
    if let Some(selection) = there[STATUS]["selection"].as_array() {
        let known: BTreeSet<&str> = selection.iter().filter_map(|pair| pair[0].as_str()).collect();
        let lacking = State::ALL.iter().filter(|state| !known.contains(state.code()));
        found.extend(lacking.map(|state| missing(format!("value {} of {STATUS}", state.code()), SETUP)));
    }
    found
}

/// Fields that came with later versions and are not there: Milepost works without them and shows less.
pub(super) fn later_ones(there: &Value) -> Vec<&'static str> {
    if FIELDS.iter().any(|field| field.first && there[field.name].is_null()) {
        return Vec::new(); // without those it does not work at all, which says more
    }
    FIELDS.iter().filter(|field| !field.first && there[field.name].is_null()).map(|field| field.label).collect()
}
