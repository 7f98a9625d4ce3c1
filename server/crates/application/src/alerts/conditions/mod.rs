//! The conditions that are shipped. Each looks at the store and gives what holds now; it changes nothing.

mod connections;
mod jobs;
mod machine;
mod shipments;

use super::{Raised, Rules};
use crate::{context::Context, error::Result};
use domain::alerts::AlertKind;
use futures::future::BoxFuture;
use storage::Scope;

/// What a look goes by.
#[derive(Clone, Copy)]
pub(super) struct Looking<'a> {
    pub(super) context: &'a Context,
    pub(super) scope: Scope,
    pub(super) rules: &'a Rules,
}

/// Conditions that are looked at together.
pub(super) struct Condition {
    /// The kinds of what it finds: an open alert of one of them that is not found again is clear.
    pub(super) kinds: &'static [AlertKind],
    /// Looks.
    pub(super) look: for<'a> fn(Looking<'a>) -> BoxFuture<'a, Result<Vec<Raised>>>,
}

/// Every condition.
pub(super) const ALL: &[Condition] = &[
    connections::HEALTH,
    connections::TRAFFIC,
    connections::SECRETS,
    jobs::QUEUES,
    jobs::DEAD_LETTERS,
    jobs::UNMAPPED_CODES,
    machine::DISK,
    machine::DATABASE,
    machine::BACKUP,
    machine::CLOCKS,
    shipments::HELD,
    shipments::AGREEMENT,
];

/// Whether a condition of this kind is looked at by the clock; the others are raised by other areas.
pub(super) fn is_looked_at(kind: AlertKind) -> bool {
    ALL.iter().any(|condition| condition.kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_a_number_is_looked_at_by_one_condition() {
        for kind in AlertKind::ALL {
            let by = ALL.iter().filter(|condition| condition.kinds.contains(kind)).count();
            assert!(by <= 1, "{kind:?}");
            assert!(by == 1 || kind.shipped().threshold.is_none(), "{kind:?}");
        }
        for raised in [AlertKind::RuleStopped, AlertKind::RuleAlert, AlertKind::ChannelFailed] {
            assert!(!is_looked_at(raised));
        }
    }
}
