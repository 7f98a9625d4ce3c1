//! The integration's user: one with just the rights that Milepost needs.

use super::{
    step::{Change, Part, Plan, Step},
    there::There,
};
use serde_json::json;

/// The login of the user that a set-up makes.
pub const LOGIN: &str = "milepost";

/// The groups of the user, each with what Odoo's user form calls it; those of apps that are not installed are left out.
pub(super) const GROUPS: &[(&str, &str)] = &[
    ("base.group_user", "Role: User"),
    ("stock.group_stock_user", "Inventory: User"),
    ("sales_team.group_sale_salesman_all_leads", "Sales: User: All Documents"),
    ("account.group_account_invoice", "Invoicing: Invoicing"),
];

pub(super) fn steps(there: &There, plan: &mut Plan) {
    let wanted: Vec<(i64, &str)> =
        GROUPS.iter().filter_map(|(id, label)| Some((*there.groups.get(*id)?, *label))).collect();
    let ids: Vec<i64> = wanted.iter().map(|(id, _)| *id).collect();
    match &there.user {
        None => {
            let mut row = json!({"name": "Milepost", "login": LOGIN});
            row[there.user_groups] = json!([[6, 0, ids]]);
            let labels: Vec<&str> = wanted.iter().map(|(_, label)| *label).collect();
            let what = format!("Make the user {LOGIN} with the groups {}", labels.join(", "));
            let change = Change::Create { model: "res.users", rows: vec![row], made: None };
            plan.steps.push(Step::new(Part::User, "", what, change));
        }
        Some(user) => {
            let lacking: Vec<(i64, &str)> = wanted.into_iter().filter(|(id, _)| !user.groups.contains(id)).collect();
            if lacking.is_empty() && user.active {
                return;
            }
            let add: Vec<_> = lacking.iter().map(|(id, _)| json!([4, id, 0])).collect();
            let mut vals = json!({"active": true});
            vals[there.user_groups] = json!(add);
            let labels: Vec<&str> = lacking.iter().map(|(_, label)| *label).collect();
            let what = match (user.active, labels.is_empty()) {
                (true, _) => format!("Give the user {LOGIN} the groups {}", labels.join(", ")),
                (false, true) => format!("Enable the user {LOGIN} again"),
                (false, false) => format!("Enable the user {LOGIN} again, with the groups {}", labels.join(", ")),
            };
            let change = Change::Write { model: "res.users", ids: vec![user.id], vals };
            plan.steps.push(Step::new(Part::User, "", what, change));
        }
    }
    plan.notes.push(format!(
        "Odoo lets no other user make the API key of {LOGIN}: set its password under Settings, Users, sign in as {LOGIN}, \
         and make the key under Preferences, Account Security, New API Key. Then save that key as the secret of this connection"
    ));
    plan.notes.push(format!(
        "The user {LOGIN} sees the administrator's company; for more, add them under Settings, Users, {LOGIN}, Companies"
    ));
}

/// The user is archived: its notes and writes name it still.
pub(super) fn removal(there: &There, plan: &mut Plan) {
    if let Some(user) = there.user.as_ref().filter(|user| user.active) {
        let what = format!("Archive the user {LOGIN}; a connection with its API key stops");
        let change = Change::Write { model: "res.users", ids: vec![user.id], vals: json!({"active": false}) };
        plan.steps.push(Step::new(Part::User, "", what, change));
    }
}
