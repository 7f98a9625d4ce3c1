//! What is to be done in an Odoo, as a list of steps: made of what is there and what is wanted, and nothing else.

use super::{
    fields, hints,
    step::{Extent, Plan, Wanted},
    there::There,
    user, views,
};

/// What brings Odoo from what is there to what is wanted.
pub fn plan(there: &There, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    for model in there.models.iter().filter(|model| model.shows_shipments) {
        plan.steps.extend(fields::steps(there, model, &mut plan.notes));
    }
    for model in there.models.iter().filter(|model| model.shows_shipments) {
        views::steps(there, model, &mut plan);
    }
    if let Some(hints) = &wanted.hints {
        hints::steps(there, hints, &mut plan);
    }
    if wanted.user {
        user::steps(there, &mut plan);
    }
    plan
}

/// What takes away what Milepost made, and only that. Data goes last.
pub fn removal(there: &There, extent: Extent) -> Plan {
    let mut plan = Plan::default();
    hints::removal(there, &mut plan);
    let shown: Vec<_> = there.models.iter().filter(|model| model.shows_shipments).collect();
    for model in &shown {
        views::removal(model, &mut plan);
    }
    user::removal(there, &mut plan);
    match extent {
        Extent::WithFields => plan.steps.extend(shown.iter().filter_map(|model| fields::removal(model))),
        Extent::KeepFields => {
            for model in shown.iter().filter(|model| fields::removal(model).is_some()) {
                let records = fields::counted(model.filled, "record");
                plan.notes.push(format!("The fields of {} stay, with the values of {records}", model.label));
            }
        }
    }
    plan
}
