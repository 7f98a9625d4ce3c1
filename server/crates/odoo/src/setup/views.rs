//! What shows our fields: on the forms a status bar, a button to the timeline and a page, in the lists columns, in the
//! searches filters and a group-by. Each extends Odoo's own view; nothing of that is replaced.

use super::{
    fields::{BOOKING, STATUS, of_model},
    step::{Change, Part, Plan, Step},
    there::{Kind, Model, There, View},
};
use domain::State;
use serde_json::json;

/// From this version on a view says `invisible="…"`; before it said `attrs="…"`.
const PLAIN_CONDITIONS: u32 = 17;
/// Stands in a view for the id of the action that opens the timeline.
pub(super) const TIMELINE: &str = "{milepost_timeline}";
/// What opens the timeline: the page that the record names, and no other kind of address.
const OPEN: &str = "url = record.x_milepost_url or ''
if url.startswith('https://') or url.startswith('http://'):
    action = {'type': 'ir.actions.act_url', 'url': url, 'target': 'new'}";

const fn shows(kind: Kind) -> &'static str {
    match kind {
        Kind::Form => "a status bar, a button to the timeline and the page Shipment",
        Kind::List => "columns for status, expected delivery and exception",
        Kind::Search => "the filters Shipment exception, In transit and Late, and a group-by for the status",
    }
}

/// The name of our view of a model.
pub(super) fn name(model: &str, kind: Kind) -> String {
    format!("milepost.{model}.{}", kind.code())
}

/// The name of the action that opens the timeline of a model's record.
pub(super) fn action_name(model: &Model) -> String {
    format!("Milepost: shipment of a {}", model.one)
}

pub(super) fn steps(there: &There, model: &Model, plan: &mut Plan) {
    let action = button(there, model, plan);
    for kind in Kind::ALL {
        let Some(base) = model.base.get(&kind) else {
            plan.notes.push(format!("Odoo has no {} of {} that could show the shipment", kind.code(), model.label));
            continue;
        };
        let Some(arch) = arch(there, model.name, kind, &base.arch) else {
            plan.notes.push(format!(
                "The {} of {} has no place for the shipment (it was changed): add the fields there by hand",
                kind.code(),
                model.label
            ));
            continue;
        };
        let arch = action.map_or(arch.clone(), |id| arch.replace(TIMELINE, &id.to_string()));
        let what = |verb: &str| format!("{verb} the {} of {}: {}", kind.code(), model.label, shows(kind));
        match model.ours.get(&kind) {
            Some(view) if is_current(view, base, &arch) => {}
            Some(view) => {
                let vals = json!({"arch_db": arch, "inherit_id": base.id, "active": true});
                let change = Change::Write { model: "ir.ui.view", ids: vec![view.id], vals };
                plan.steps.push(Step::new(Part::Views, model.name, what("Update"), change));
            }
            None => {
                let row = json!({
                    "name": name(model.name, kind), "model": model.name, "inherit_id": base.id, "mode": "extension",
                    "arch_db": arch,
                });
                let change = Change::Create { model: "ir.ui.view", rows: vec![row], made: None };
                plan.steps.push(Step::new(Part::Views, model.name, what("Extend"), change));
            }
        }
    }
}

/// Whether our view is as it would be made now. One with the place of an action that is not there yet never is.
fn is_current(ours: &View, base: &View, arch: &str) -> bool {
    ours.active && ours.inherits == Some(base.id) && plain(&ours.arch) == plain(arch)
}

/// A view without what Odoo writes otherwise than it was sent.
fn plain(arch: &str) -> String {
    let words: Vec<&str> = arch.split_whitespace().collect();
    words.join(" ").replace("> <", "><").replace(" />", "/>").replace("&gt;", ">")
}

/// The action behind the button: its id, where it is there.
fn button(there: &There, model: &Model, plan: &mut Plan) -> Option<i64> {
    let name = action_name(model);
    // who may see the record may open its page: without a group, a right to write would be asked for
    let users = there.groups.get("base.group_user").map(|id| json!([[6, 0, [id]]])).unwrap_or(json!([]));
    match model.timeline.as_ref() {
        Some(action) if action.code.trim() == OPEN => Some(action.id),
        Some(action) => {
            let mut vals = json!({"state": "code", "code": OPEN});
            vals[there.action_groups] = users;
            let what = format!("Update the button to the timeline of {}", model.label);
            let change = Change::Write { model: "ir.actions.server", ids: vec![action.id], vals };
            plan.steps.push(Step::new(Part::Views, model.name, what, change));
            Some(action.id)
        }
        None => {
            let mut row = json!({"name": name, "model_id": model.id, "state": "code", "code": OPEN});
            row[there.action_groups] = users;
            let what = format!("Make what opens the timeline of {}", model.label);
            let change = Change::Create { model: "ir.actions.server", rows: vec![row], made: Some(model.name) };
            plan.steps.push(Step::new(Part::Views, model.name, what, change));
            None
        }
    }
}

pub(super) fn removal(model: &Model, plan: &mut Plan) {
    let views: Vec<i64> = model.ours.values().map(|view| view.id).collect();
    if !views.is_empty() {
        let what = format!("Take the shipment off form, list and search of {}", model.label);
        let change = Change::Delete { model: "ir.ui.view", ids: views };
        plan.steps.push(Step::new(Part::Views, model.name, what, change));
    }
    // after the view whose button leads to it
    if let Some(action) = &model.timeline {
        let what = format!("Delete what opens the timeline of {}", model.label);
        let change = Change::Delete { model: "ir.actions.server", ids: vec![action.id] };
        plan.steps.push(Step::new(Part::Views, model.name, what, change));
    }
}

/// Our part of a view; none where Odoo's has no place for it.
fn arch(there: &There, model: &str, kind: Kind, base: &str) -> Option<String> {
    match kind {
        Kind::Form => form(there.major, model, base),
        Kind::List => list(model, base),
        Kind::Search => Some(search()),
    }
}

/// Hidden while a field is empty.
fn unless_set(major: u32, field: &str) -> String {
    if major >= PLAIN_CONDITIONS {
        format!(r#"invisible="not {field}""#)
    } else {
        format!(r#"attrs="{{'invisible': [('{field}', '=', False)]}}""#)
    }
}

fn form(major: u32, model: &str, base: &str) -> Option<String> {
    if !base.contains(r#"name="button_box""#) {
        return None;
    }
    let hidden = |field: &str| unless_set(major, field);
    let on_the_way: Vec<&str> =
        [State::Registered, State::PickedUp, State::InTransit, State::OutForDelivery, State::Delivered]
            .map(State::code)
            .to_vec();
    let mut arch = format!(
        r#"<data>
<xpath expr="//div[@name='button_box']" position="inside">
<button type="action" name="{TIMELINE}" class="oe_stat_button" icon="fa-truck" {url}>
<div class="o_stat_info"><span class="o_stat_value"><field name="{STATUS}" readonly="1"/></span><span class="o_stat_text">Shipment</span></div>
</button>
</xpath>
<xpath expr="//div[@name='button_box']" position="after">
<div class="mb-2" {status}><field name="{STATUS}" widget="statusbar" statusbar_visible="{visible}" readonly="1"/></div>
<div class="alert alert-warning mb-2" role="alert" {exception}><field name="x_milepost_exception" readonly="1"/></div>
</xpath>
"#,
        url = hidden("x_milepost_url"),
        status = hidden(STATUS),
        exception = hidden("x_milepost_exception"),
        visible = on_the_way.join(","),
    );
    if base.contains("<notebook") {
        arch += &format!(
            "<xpath expr=\"//notebook\" position=\"inside\">\n<page string=\"Shipment\" name=\"milepost\" {}>\n<group><group>\n",
            hidden(STATUS)
        );
        for field in of_model(model) {
            if field.name == "x_milepost_url" {
                arch += "</group><group>\n";
            }
            let widget = if field.name.ends_with("_url") { r#" widget="url""# } else { "" };
            arch += &format!("<field name=\"{}\" readonly=\"1\"{widget} {}/>\n", field.name, hidden(field.name));
        }
        arch += "</group></group>\n</page>\n</xpath>\n";
    }
    Some(arch + "</data>")
}

/// Columns that our list shows unless a person hides them; the others are hidden unless a person shows them.
const SHOWN: &[&str] = &[STATUS, "x_milepost_eta", "x_milepost_exception"];
/// Columns of the list, beside those.
const MORE: &[&str] =
    &["x_milepost_promised", "x_milepost_delivered_at", "x_milepost_last_event", "x_milepost_case", BOOKING];

fn list(model: &str, base: &str) -> Option<String> {
    let anchors = ["state", "invoice_status", "name"];
    let anchor = anchors.into_iter().find(|field| base.contains(&format!(r#"<field name="{field}""#)))?;
    let codes = |of: &[State]| of.iter().map(|state| format!("'{}'", state.code())).collect::<Vec<_>>().join(", ");
    let mut arch = format!("<data>\n<xpath expr=\"//field[@name='{anchor}']\" position=\"before\">\n");
    let has = |name: &&&str| of_model(model).any(|field| field.name == **name);
    for name in SHOWN.iter().chain(MORE).filter(has) {
        let optional = if SHOWN.contains(name) { "show" } else { "hide" };
        let look = if *name == STATUS {
            format!(
                r#" widget="badge" decoration-success="{STATUS} == '{}'" decoration-danger="{STATUS} in ({})" decoration-info="{STATUS} in ({})""#,
                State::Delivered.code(),
                codes(&[State::Failed, State::Returning, State::Returned]),
                codes(&on_the_way()),
            )
        } else {
            String::new()
        };
        arch += &format!("<field name=\"{name}\" optional=\"{optional}\" readonly=\"1\"{look}/>\n");
    }
    Some(arch + "</xpath>\n</data>")
}

/// The carrier has it, and it is still to come.
fn on_the_way() -> Vec<State> {
    State::ALL.iter().copied().filter(|state| state.has_left() && state.awaits_delivery()).collect()
}

fn search() -> String {
    let codes = |of: &[State]| of.iter().map(|state| format!("'{}'", state.code())).collect::<Vec<_>>().join(", ");
    let over: Vec<State> = State::ALL.iter().copied().filter(|state| !state.awaits_delivery()).collect();
    // the one form of "now" that every version from 16 on takes in a filter
    let today =
        "datetime.datetime.combine(context_today(), datetime.time(0, 0, 0)).to_utc().strftime('%Y-%m-%d %H:%M:%S')";
    format!(
        r#"<data>
<xpath expr="/search" position="inside">
<field name="x_milepost_last_event" string="Shipment"/>
<separator/>
<filter name="x_milepost_exception" string="Shipment exception" domain="[('x_milepost_exception', '!=', False)]"/>
<filter name="x_milepost_in_transit" string="In transit" domain="[('{STATUS}', 'in', ({transit}))]"/>
<filter name="x_milepost_late" string="Late" help="Promised before today and not delivered" domain="[('x_milepost_promised', '&lt;', {today}), ('{STATUS}', 'not in', ({over}))]"/>
<separator/>
<filter name="group_x_milepost_status" string="Shipment status" context="{{'group_by': '{STATUS}'}}"/>
</xpath>
</data>"#,
        transit = codes(&on_the_way()),
        over = codes(&over),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = r#"<form><sheet><div class="oe_button_box" name="button_box"/><notebook/></sheet></form>"#;

    #[test]
    fn a_form_gets_what_it_has_places_for_in_the_words_of_its_version() {
        let new = form(19, "stock.picking", FORM).unwrap();
        assert!(new.contains(r#"invisible="not x_milepost_url""#) && !new.contains("attrs="), "{new}");
        let old = form(16, "stock.picking", FORM).unwrap();
        assert!(old.contains("attrs=\"{'invisible': [('x_milepost_url', '=', False)]}\""), "{old}");
        assert!(!old.contains("invisible=\"not"), "{old}");
        for field in of_model("stock.picking") {
            assert!(new.contains(&format!("name=\"{}\"", field.name)), "{}", field.name);
        }
        let without_pages = form(19, "stock.picking", r#"<form><div name="button_box"/></form>"#).unwrap();
        assert!(without_pages.contains("statusbar") && !without_pages.contains("notebook"));
        assert!(
            new.contains(BOOKING) && !form(19, "sale.order", FORM).unwrap().contains(BOOKING),
            "an order has no label"
        );
        assert_eq!(form(19, "stock.picking", "<form/>"), None);
    }

    #[test]
    fn a_list_gets_columns_beside_one_that_it_has() {
        let transfers =
            list("stock.picking", r#"<list><field name="name"/><field name="state" optional="show"/></list>"#).unwrap();
        assert!(transfers.contains("//field[@name='state']"), "{transfers}");
        assert!(
            list("stock.picking", r#"<tree><field name="name"/></tree>"#).unwrap().contains("//field[@name='name']")
        );
        assert_eq!(list("stock.picking", "<list/>"), None);
    }

    #[test]
    fn what_odoo_writes_otherwise_is_no_difference() {
        assert_eq!(plain("<data>\n  <a b=\"1\" />\n</data>"), plain("<data><a b=\"1\"/></data>"));
        assert_ne!(plain("<data><a/></data>"), plain("<data><b/></data>"));
    }
}
