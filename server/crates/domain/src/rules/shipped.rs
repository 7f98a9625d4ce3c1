//! The rules that come with the product, as version 0 of each. What they do, and under which ids, is what every installation has done
//! since its first day: people may change them, an update of the product never does so unseen.

use crate::rule::{Action, Content, Limits, RuleId, Trigger};

/// The rules that come with the product, in the order in which their effects are stored.
pub fn shipped() -> Vec<(RuleId, Content)> {
    let plain_activity = Action::ScheduleActivity { summary: None, login: None, due_days: None };
    let case = Action::OpenCase { desk: None, queue: None, grace_minutes: None };
    [
        ("note-milestones", "Milestones in the chatter", "true", Action::NoteMilestones),
        (
            "activities",
            "Serious exceptions need a person in Odoo",
            "exception.severity in [\"MAJOR\", \"CRITICAL\"]",
            plain_activity,
        ),
        ("note-corrections", "Corrections in the chatter", "true", Action::NoteCorrections),
        ("update-order", "Status in Odoo", "true", Action::UpdateOrder),
        (
            "cases",
            "Exceptions that last get a case",
            "exception.severity in [\"MINOR\", \"MAJOR\", \"CRITICAL\"]",
            case,
        ),
        ("validate-delivery", "First scan", "order.validates_at_first_scan", Action::ValidateDelivery),
        ("attach-proof", "Proof of delivery", "order.attaches_proofs", Action::AttachProof),
        ("invoice", "Delivered", "order.invoicing != \"NEVER\"", Action::Invoice { terms: None }),
        ("create-return", "Goods come back", "order.makes_returns", Action::CreateReturn),
    ]
    .into_iter()
    .filter_map(|(id, name, when, action)| {
        let content = Content {
            name: name.into(),
            trigger: Trigger::Change,
            when: when.into(),
            then: vec![action],
            severity: None,
            limits: Limits::default(),
        };
        Some((id.parse().ok()?, content))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check;

    #[test]
    fn every_shipped_rule_is_right() {
        let all = shipped();
        assert_eq!(all.len(), 9);
        for (id, content) in all {
            assert_eq!(check::problems(&content), Vec::new(), "{id}");
        }
    }
}
