//! Every kind of work, in one list. To add one: a file with a `KIND`, and its line here.

use super::{
    add_up_figures, ask_customer, ask_tracking, book_shipment, check_connection, check_rules, claim_deadlines,
    evaluate_alerts, expire_proofs, fetch_keys, fix_difference, fold, follow_erasures, import_orders, kind::Kind,
    learn_transit, message_customer, normalise, plan_reports, poll_desk, prepare_claim, prune, read_order, reconcile,
    recount_figures, register_tracking, renew_tracking, replay, reread, rule_actions, send_alert, send_report, sweep,
    sync_booking, sync_case, sync_order, try_rule, void_booking,
};
use storage::jobs::JobKind;

/// Every kind.
pub const ALL: &[&Kind] = &[
    &normalise::KIND,
    &fold::KIND,
    &sync_order::KIND,
    &sync_order::SALES_ORDER,
    &sync_case::KIND,
    &poll_desk::KIND,
    &import_orders::KIND,
    &read_order::KIND,
    &fetch_keys::KIND,
    &check_connection::KIND,
    &sync_booking::KIND,
    &book_shipment::KIND,
    &void_booking::KIND,
    &register_tracking::KIND,
    &ask_tracking::KIND,
    &renew_tracking::KIND,
    &expire_proofs::KIND,
    &reconcile::KIND,
    &fix_difference::KIND,
    &evaluate_alerts::KIND,
    &send_alert::KIND,
    &plan_reports::KIND,
    &send_report::KIND,
    &check_rules::KIND,
    &rule_actions::KIND,
    &ask_customer::KIND,
    &message_customer::KIND,
    &try_rule::KIND,
    &prepare_claim::KIND,
    &claim_deadlines::KIND,
    &reread::KIND,
    &replay::KIND,
    &prune::KIND,
    &sweep::KIND,
    &follow_erasures::KIND,
    &add_up_figures::KIND,
    &recount_figures::KIND,
    &learn_transit::KIND,
];

/// The kind of this name; none where a newer version made it.
pub fn of(name: JobKind) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::kind::Budget;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_name_that_is_enqueued_is_a_kind() {
        let names: BTreeSet<_> = ALL.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), ALL.len());
        for name in [
            JobKind::NORMALISE,
            JobKind::FOLD,
            JobKind::SYNC_ORDER,
            JobKind::SYNC_SALES_ORDER,
            JobKind::SYNC_CASE,
            JobKind::POLL_DESK,
            JobKind::IMPORT_ORDERS,
            JobKind::READ_ORDER,
            JobKind::FETCH_KEYS,
            JobKind::CHECK_CONNECTION,
            JobKind::REREAD,
            JobKind::REPLAY,
            JobKind::RECONCILE,
            JobKind::CHECK_RULES,
            JobKind::RULE_ACTIONS,
            JobKind::MESSAGE_CUSTOMER,
            JobKind::TRY_RULE,
            JobKind::EVALUATE_ALERTS,
            JobKind::SEND_ALERT,
            JobKind::SEND_REPORT,
            JobKind::FIX_DIFFERENCE,
            JobKind::SYNC_BOOKING,
            JobKind::BOOK_SHIPMENT,
            JobKind::VOID_BOOKING,
            JobKind::REGISTER_TRACKING,
            JobKind::PREPARE_CLAIM,
            JobKind::RENEW_TRACKING,
            JobKind::LEARN_TRANSIT,
        ] {
            assert!(of(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_document_has_every_kind() {
        let document = include_str!("../../../../../docs/LANES.md");
        for kind in ALL {
            let at_once = match kind.budget {
                Budget::Each { real_time, batch } if real_time == batch => real_time.to_string(),
                Budget::Each { real_time, batch } => format!("{real_time}; batch {batch}"),
                Budget::Concurrency(1) => "its concurrency".to_owned(),
                Budget::Concurrency(times) => format!("{times} times its concurrency"),
            };
            let row = document.lines().find(|line| line.contains(&format!("`{}`", kind.name)));
            let row = row.unwrap_or_else(|| panic!("docs/LANES.md lacks `{}`", kind.name));
            assert!(row.ends_with(&format!("| {at_once} |")), "docs/LANES.md: `{}` is {at_once} at once", kind.name);
        }
    }
}
