//! Plans: what is there and what is wanted give the steps, and nothing else does.

use super::{
    fields::FIELDS,
    hints::{WATCHED, name},
    there::{Action, Automation, FieldThere, Kind, Model, Rule, User, View},
    views, *,
};
use domain::State;
use std::collections::BTreeSet;

const URL: &str = "https://milepost.example.com/hooks/odoo/odoo/c2VjcmV0";

fn base(kind: Kind) -> View {
    let arch = match kind {
        Kind::Form => r#"<form><sheet><div name="button_box"/><notebook/></sheet></form>"#,
        Kind::List => r#"<list><field name="state"/></list>"#,
        Kind::Search => "<search/>",
    };
    View { id: 100 + kind as i64, arch: arch.into(), active: true, inherits: None }
}

fn model(id: i64, name: &'static str, label: &'static str, one: &'static str, shows_shipments: bool) -> Model {
    let watched = WATCHED.iter().find(|watched| watched.model == name).unwrap();
    let field = |(n, name): (usize, &&str)| {
        let id = id * 1_000 + i64::try_from(n).unwrap();
        ((*name).to_owned(), FieldThere { id, kind: "char".into(), manual: false })
    };
    let fields = watched.fields.iter().enumerate().map(field).collect();
    let base = Kind::ALL.into_iter().map(|kind| (kind, base(kind))).collect();
    Model { id, name, label, one, shows_shipments, fields, base, ..Model::default() }
}

/// An Odoo as it is installed.
fn fresh() -> There {
    There {
        major: 19,
        models: vec![
            model(1, "stock.picking", "transfers", "transfer", true),
            model(2, "sale.order", "sales orders", "sales order", true),
        ],
        automation: Automation::Ready,
        groups: [("base.group_user", 1), ("stock.group_stock_user", 2)].map(|(id, n)| (id.to_owned(), n)).into(),
        user_groups: "group_ids",
        action_groups: "group_ids",
        ..There::default()
    }
}

fn wanted() -> Wanted {
    let hints = Hints { url: URL.into(), shown: "https://milepost.example.com".into() };
    Wanted { hints: Some(hints), user: true }
}

/// What is there once the steps are taken, as Odoo does them.
fn after(mut there: There, plan: &Plan) -> There {
    let mut id = 10_000;
    let mut next = || {
        id += 1;
        id
    };
    let mut made = BTreeMap::new();
    for step in &plan.steps {
        match &step.change {
            Change::Create { model, rows, made: name } => {
                for row in rows {
                    let row = with_ids(row, made.get(step.about));
                    let id = next();
                    made.extend(name.zip(Some(id)));
                    create(&mut there, model, id, &row);
                }
            }
            Change::Delete { model, ids } => delete(&mut there, model, ids),
            Change::Write { .. } => panic!("nothing is there to be changed: {}", step.what),
        }
    }
    there
}

fn create(there: &mut There, model: &str, id: i64, row: &Value) {
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let of = |there: &There, model: i64| there.models.iter().position(|known| known.id == model).unwrap();
    match model {
        "ir.model.fields" => {
            let at = of(there, row["model_id"].as_i64().unwrap());
            let kind = text("ttype");
            if kind == "selection" {
                let values = row["selection_ids"].as_array().unwrap();
                let values = values.iter().map(|line| line[2]["value"].as_str().unwrap().to_owned());
                there.selections.insert(id, values.collect());
            }
            there.models[at].fields.insert(text("name"), FieldThere { id, kind, manual: true });
        }
        "ir.ui.view" => {
            let known = there.models.iter_mut().find(|known| known.name == row["model"]).unwrap();
            let kind = Kind::ALL.into_iter().find(|kind| views::name(known.name, *kind) == row["name"]).unwrap();
            let view = View { id, arch: text("arch_db"), active: true, inherits: row["inherit_id"].as_i64() };
            known.ours.insert(kind, view);
        }
        "ir.actions.server" => {
            let at = of(there, row["model_id"].as_i64().unwrap());
            there.models[at].timeline = Some(Action { id, code: text("code") });
        }
        "base.automation" => {
            let fields = row["trigger_field_ids"][0][2].as_array().unwrap();
            let webhook = &row["action_server_ids"][0][2];
            there.rules.push(Rule {
                id,
                name: text("name"),
                model: row["model_id"].as_i64().unwrap(),
                active: true,
                trigger: text("trigger"),
                fields: fields.iter().filter_map(Value::as_i64).collect(),
                domain: text("filter_domain"),
                webhooks: vec![(id, webhook["webhook_url"].as_str().unwrap().to_owned())],
            });
        }
        "res.users" => {
            let groups = row["group_ids"][0][2].as_array().unwrap();
            let groups = groups.iter().filter_map(Value::as_i64).collect();
            there.user = Some(User { id, active: true, groups });
        }
        other => panic!("a set-up makes no {other}"),
    }
}

fn delete(there: &mut There, model: &str, ids: &[i64]) {
    let gone = |id: i64| ids.contains(&id);
    match model {
        "ir.ui.view" => there.models.iter_mut().for_each(|known| known.ours.retain(|_, view| !gone(view.id))),
        "ir.actions.server" => {
            for known in &mut there.models {
                known.timeline = known.timeline.take().filter(|action| !gone(action.id));
            }
        }
        "base.automation" => there.rules.retain(|rule| !gone(rule.id)),
        "ir.model.fields" => there.models.iter_mut().for_each(|known| known.fields.retain(|_, field| !gone(field.id))),
        other => panic!("a removal deletes no {other}"),
    }
}

fn texts(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.what.as_str()).collect()
}

#[test]
fn a_fresh_odoo_gets_everything_and_a_second_set_up_does_nothing() {
    let there = fresh();
    let first = plan(&there, &wanted());
    let whats = texts(&first);
    assert_eq!(whats.len(), 2 + 2 * 4 + 2 + 1, "{whats:#?}");
    assert!(whats[0].starts_with("Make 10 fields on transfers: Shipment status, "), "{whats:#?}");
    assert!(whats[1].starts_with("Make 9 fields on sales orders"), "fields first: {whats:#?}");
    assert_eq!(whats.last(), Some(&"Make the user milepost with the groups Role: User, Inventory: User"));
    let there = after(there, &first);
    assert_eq!(texts(&plan(&there, &wanted())), Vec::<&str>::new());
    assert!(there.hint_urls().all(|url| url == URL) && there.hint_urls().count() == 2);
    for known in &there.models {
        let form = &known.ours[&Kind::Form];
        let action = known.timeline.as_ref().unwrap().id;
        assert!(form.arch.contains(&format!("name=\"{action}\"")), "the button leads to the action: {}", form.arch);
        assert_eq!(form.inherits, Some(known.base[&Kind::Form].id));
    }
}

#[test]
fn what_it_shows_of_itself_has_no_secret() {
    let plan = plan(&fresh(), &wanted());
    let shown = format!("{plan:?}{:?}{:?}", wanted(), after(fresh(), &plan));
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
}

#[test]
fn an_older_set_up_is_brought_up_to_date() {
    let mut there = after(fresh(), &plan(&fresh(), &wanted()));
    let transfers = &mut there.models[0];
    transfers.fields.remove("x_milepost_promised");
    let status = transfers.fields["x_milepost_status"].id;
    there.selections.get_mut(&status).unwrap().remove(State::Returned.code());
    transfers.ours.get_mut(&Kind::Form).unwrap().arch = "<data/>".into();
    transfers.ours.get_mut(&Kind::Search).unwrap().active = false;
    let rule = there.rules.iter_mut().find(|rule| rule.name == name("sale.order")).unwrap();
    rule.webhooks[0].1 = "https://old.example.com/hooks/odoo/odoo/old".into();
    there.user.as_mut().unwrap().groups = BTreeSet::from([1]);
    let plan = plan(&there, &wanted());
    assert_eq!(
        texts(&plan),
        [
            "Make 1 field on transfers: Promised delivery",
            "Add to the shipment status of transfers: Returned",
            "Update the form of transfers: a status bar, a button to the timeline and the page Shipment",
            "Update the search of transfers: the filters Shipment exception, In transit and Late, and a group-by for the status",
            "Update what reports changes of sales orders to https://milepost.example.com",
            "Give the user milepost the groups Inventory: User",
        ]
    );
    let Change::Write { vals, .. } = &plan.steps[4].change else { panic!("a rule is written") };
    assert_eq!(vals["action_server_ids"][0][0], 1, "the webhook that is there posts elsewhere from now on");
}

#[test]
fn what_an_odoo_lacks_is_said_and_stops_nothing_else() {
    for (automation, said) in [(Automation::Missing, "base_automation"), (Automation::NoWebhooks, "no webhooks")] {
        let there = There { automation, ..fresh() };
        let plan = plan(&there, &wanted());
        assert!(plan.notes.iter().any(|note| note.contains(said)), "{:?}", plan.notes);
        assert!(!texts(&plan).iter().any(|what| what.contains("Report")) && !plan.steps.is_empty());
    }
    let mut there = fresh();
    there.models.remove(1);
    there.models[0].base.remove(&Kind::List);
    there.models[0].base.get_mut(&Kind::Form).unwrap().arch = "<form/>".into();
    let other = FieldThere { id: 7, kind: "integer".into(), manual: true };
    there.models[0].fields.insert("x_milepost_eta".into(), other);
    let plan = plan(&there, &Wanted::default());
    assert_eq!(plan.notes.len(), 3, "{:?}", plan.notes);
    assert!(plan.notes[0].contains("x_milepost_eta of transfers is there as integer, not as datetime"));
    assert!(!texts(&plan).iter().any(|what| what.contains("form of") || what.contains("list of")));
}

#[test]
fn a_removal_takes_what_was_made_and_only_that_and_data_last() {
    let mut there = after(fresh(), &plan(&fresh(), &wanted()));
    there.models[0].filled = 12;
    // a module's field of our name, and a rule of somebody else's
    there.models[1].fields.get_mut("x_milepost_eta").unwrap().manual = false;
    let mut theirs = there.rules[0].clone();
    (theirs.id, theirs.name) = (77, "Theirs".into());
    there.rules.push(theirs);
    let kept = removal(&there, Extent::KeepFields);
    assert!(!texts(&kept).iter().any(|what| what.contains("field")), "{kept:?}");
    assert!(kept.notes[0].contains("transfers stay, with the values of 12 records"), "{:?}", kept.notes);
    let whole = removal(&there, Extent::WithFields);
    let whats = texts(&whole);
    assert_eq!(
        whats[whats.len() - 2..],
        ["Delete 10 fields of transfers; the values of 12 records are lost", "Delete 8 fields of sales orders"]
    );
    let archives = whole.steps.iter().filter(|step| matches!(step.change, Change::Write { .. })).count();
    assert_eq!(archives, 1, "the user is archived and not deleted");
    let deletions = Plan {
        steps: whole.steps.into_iter().filter(|step| !matches!(step.change, Change::Write { .. })).collect(),
        notes: Vec::new(),
    };
    let mut there = after(there, &deletions);
    there.user = None;
    assert_eq!(there.rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), [77]);
    assert!(removal(&there, Extent::WithFields).steps.is_empty());
    assert!(there.models[0].fields.contains_key("state") && there.models[1].fields.contains_key("x_milepost_eta"));
}

#[test]
fn every_field_has_a_name_of_ours() {
    assert!(FIELDS.iter().all(|field| field.name.starts_with("x_milepost_") && label(field.name).is_some()));
}
