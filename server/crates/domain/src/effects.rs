//! Effects: what must happen once in another system, with target, content and outcome.

use crate::{
    State,
    fold::Announcement,
    ids::{EffectId, ExceptionId, ObservationId, ShipmentId, content_id},
    rule::{Action, RuleId, RuleVersion},
};
use serde::{Deserialize, Serialize};

pub use crate::invoicing::{InvoiceFor, InvoiceOn, Invoicing};

/// Where an effect goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectTarget {
    /// A note in the order system's chatter.
    OrderNote,
    /// A note on the sales order itself.
    SalesOrderNote,
    /// An activity for a person in the order system.
    OrderActivity,
    /// The delivery is validated in the order system.
    OrderValidation,
    /// A proof of delivery is attached to the delivery.
    OrderProof,
    /// The order is invoiced, or released for it.
    OrderInvoice,
    /// A return is made for what the carrier brings back.
    OrderReturn,
    /// A field of the delivery is written in the order system.
    OrderField,
    /// The case of an exception is added to, or closed, by a rule.
    Case,
    /// A team is alerted.
    Alert,
    /// A claim is raised.
    Claim,
    /// The customer gets a mail.
    Customer,
}

impl EffectTarget {
    /// Whether it is posted to the order system.
    pub const fn is_of_order_system(self) -> bool {
        !matches!(self, Self::Case | Self::Alert | Self::Claim | Self::Customer)
    }
}

/// The content of an effect: codes and times; the text is made when it is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EffectBody {
    /// A milestone was reached.
    Milestone {
        /// What is announced.
        announcement: Announcement,
    },
    /// What was announced before is retracted.
    Correction {
        /// The state announced before.
        from: State,
        /// The state now.
        to: State,
    },
    /// An exception needs a person.
    Exception {
        /// Which.
        id: ExceptionId,
    },
    /// Fields that were changed in the other system were set back.
    SetBack {
        /// Their names.
        fields: Vec<String>,
    },
    /// Fields that keep being changed in the other system are left as they are.
    LeftChanged {
        /// Their names.
        fields: Vec<String>,
    },
    /// The carrier has scanned the goods for the first time: they have left.
    FirstScan,
    /// What the carrier gave as proof of a delivery.
    Proof {
        /// The delivery.
        fact: ObservationId,
    },
    /// The goods have arrived.
    Invoice {
        /// What is made.
        how: Invoicing,
        /// When.
        on: InvoiceOn,
        /// For what.
        of: InvoiceFor,
        /// The rule whose own terms these are; none: they are those of the connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<RuleId>,
    },
    /// The delivery for which an invoice was made is retracted.
    InvoiceInDoubt {
        /// The state announced before.
        from: State,
        /// The state now.
        to: State,
    },
    /// The goods come back to the sender.
    Return {
        /// The rule that wants them back; none: the carrier brings them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<RuleId>,
    },
    /// What a rule does.
    ByRule {
        /// The rule.
        rule: RuleId,
        /// Its version.
        version: RuleVersion,
        /// The exception that it is about.
        exception: Option<ExceptionId>,
        /// What it does.
        action: Action,
    },
}

impl EffectBody {
    /// The rule that wants it by itself; none where it follows from the change, or from the settings of a connection.
    pub const fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::ByRule { rule, .. } => Some(rule),
            Self::Invoice { by, .. } | Self::Return { by } => by.as_ref(),
            Self::Milestone { .. }
            | Self::Correction { .. }
            | Self::Exception { .. }
            | Self::SetBack { .. }
            | Self::LeftChanged { .. }
            | Self::FirstScan
            | Self::Proof { .. }
            | Self::InvoiceInDoubt { .. } => None,
        }
    }
}

/// What became of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectOutcome {
    /// It is still to be posted.
    Pending,
    /// It is posted, under this id at the target.
    Posted(String),
    /// It is about history: it is never posted, and no later fold posts it.
    Withheld,
    /// What it is about was over before it was posted.
    NotNeeded,
    /// It was posted, and is over.
    Completed,
    /// What it waited for did not come in time.
    Expired,
    /// It is being done where nothing can be looked up: one that is found so after a crash may have been done.
    Started,
    /// It may have been done, and is not tried again.
    Uncertain,
    /// It cannot be done, and is not tried again.
    NotPossible(NotPossible),
}

/// Why something cannot be done, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPossible(String);

impl NotPossible {
    /// Why, for people.
    pub fn why(&self) -> &str {
        self.0.strip_prefix(NOT_POSSIBLE).unwrap_or(&self.0)
    }
}

const WITHHELD: &str = "withheld";
const NOT_NEEDED: &str = "not needed";
const COMPLETED: &str = "completed";
const EXPIRED: &str = "expired";
const STARTED: &str = "started";
const UNCERTAIN: &str = "uncertain";
const NOT_POSSIBLE: &str = "not possible: ";
const SENT: &str = "sent: ";

impl EffectOutcome {
    /// How it is stored: the id at the target, or a word in its place; none while it is pending.
    pub fn external(&self) -> Option<&str> {
        match self {
            Self::Pending => None,
            Self::Posted(id) => Some(id),
            Self::Withheld => Some(WITHHELD),
            Self::NotNeeded => Some(NOT_NEEDED),
            Self::Completed => Some(COMPLETED),
            Self::Expired => Some(EXPIRED),
            Self::Started => Some(STARTED),
            Self::Uncertain => Some(UNCERTAIN),
            Self::NotPossible(NotPossible(stored)) => Some(stored),
        }
    }

    /// It cannot be done, for this reason.
    pub fn not_possible(why: &str) -> Self {
        Self::NotPossible(NotPossible(format!("{NOT_POSSIBLE}{why}")))
    }

    /// The outcome that is stored so.
    pub fn from_external(external: Option<String>) -> Self {
        let Some(external) = external else { return Self::Pending };
        match external.as_str() {
            WITHHELD => Self::Withheld,
            NOT_NEEDED => Self::NotNeeded,
            COMPLETED => Self::Completed,
            EXPIRED => Self::Expired,
            STARTED => Self::Started,
            UNCERTAIN => Self::Uncertain,
            text if text.starts_with(NOT_POSSIBLE) => Self::NotPossible(NotPossible(external)),
            _ => Self::Posted(external),
        }
    }

    /// Whether it is posted as a record that can be completed. An activity that somebody dealt with before its id was known
    /// is stored under words, not a number.
    pub fn is_open_record(&self) -> bool {
        matches!(self, Self::Posted(id) if id.parse::<i64>().is_ok())
    }

    /// A message is sent, under this subject. What people write is never read as an outcome.
    pub fn sent(subject: &str) -> Self {
        Self::Posted(format!("{SENT}{subject}"))
    }

    /// The subject under which a message is sent.
    pub fn subject(&self) -> Option<&str> {
        let Self::Posted(posted) = self else { return None };
        Some(posted.strip_prefix(SENT).unwrap_or(posted))
    }

    /// It is posted as a record that has a name for people: `57 INV/2026/00010`.
    pub fn named(id: i64, name: &str) -> Self {
        Self::Posted(format!("{id} {name}"))
    }

    /// The name of the record as which it is posted, where it has one.
    pub fn name(&self) -> Option<&str> {
        let Self::Posted(posted) = self else { return None };
        let (id, name) = posted.split_once(' ')?;
        id.parse::<i64>().is_ok().then_some(name)
    }
}

/// The id of an effect follows from what it is: after the restore of an older backup the same one comes out, and what was
/// posted under it is found.
pub fn effect_id(shipment: ShipmentId, target: EffectTarget, key: &str) -> EffectId {
    // with the quotes, as JSON has it: ids that are stored were made so
    let target = match target {
        EffectTarget::OrderNote => r#""order_note""#,
        EffectTarget::SalesOrderNote => r#""sales_order_note""#,
        EffectTarget::OrderActivity => r#""order_activity""#,
        EffectTarget::OrderValidation => r#""order_validation""#,
        EffectTarget::OrderProof => r#""order_proof""#,
        EffectTarget::OrderInvoice => r#""order_invoice""#,
        EffectTarget::OrderReturn => r#""order_return""#,
        EffectTarget::OrderField => r#""order_field""#,
        EffectTarget::Case => r#""case""#,
        EffectTarget::Alert => r#""alert""#,
        EffectTarget::Claim => r#""claim""#,
        EffectTarget::Customer => r#""customer""#,
    };
    EffectId(content_id("effect", &[shipment.0.as_bytes(), target.as_bytes(), key.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptions::exception_key;
    use uuid::Uuid;

    /// Computed outside of this code, by SHA-256 over length-prefixed parts. Ids like these are stored in every installation
    /// and in its order system: they never change.
    #[test]
    fn ids_of_effects_never_change() {
        let shipment = ShipmentId(Uuid::from_u128(1));
        let exception = exception_key("81a2986e-ef3c-fb31-ec55-a5280cfa3037".parse().unwrap());
        let again = format!("{exception}/7");
        for (target, key, id) in [
            (EffectTarget::OrderNote, "DELIVERED/-/1", "595e2835-288f-d01d-3815-30c1b4e5e278"),
            (EffectTarget::OrderNote, "DELIVERY_ATTEMPTED/2 of 3/2", "ee02d56e-280f-97ba-9d20-62afd24eacc4"),
            (EffectTarget::OrderNote, "correction/4", "53e450d4-e3ad-0d3e-5fbd-31e66866fe45"),
            (EffectTarget::OrderNote, "set_back/1", "170b4645-1d64-4279-5d74-05e302fba6c6"),
            (EffectTarget::SalesOrderNote, "set_back/1", "b6b006d5-e93f-8071-e73d-aa79aa1e4663"),
            (EffectTarget::OrderActivity, &exception, "171f89b2-e71c-4b9a-3515-1528d2785851"),
            (EffectTarget::OrderActivity, &again, "546ad7bc-f9f0-7639-2938-ec541326390c"),
            (EffectTarget::OrderValidation, "1", "c27402e4-c7e8-d9c7-ad66-6bfca6e55d65"),
            (EffectTarget::OrderProof, "DELIVERED/-/1", "91e45a99-02e7-ca73-16e6-ca6cd6b6d0f6"),
            (EffectTarget::OrderInvoice, "1", "c8d20f9b-720d-7cd3-bd47-386b21582fd1"),
            (EffectTarget::OrderReturn, "1", "2fd6f419-d677-216d-c235-c92541a6f17e"),
        ] {
            assert_eq!(effect_id(shipment, target, key).to_string(), id, "{key}");
        }
    }

    #[test]
    fn every_outcome_is_read_as_it_is_stored() {
        use EffectOutcome::{Completed, Expired, NotNeeded, Pending, Posted, Started, Uncertain, Withheld};
        for (outcome, external, open) in [
            (Pending, None, false),
            (Posted("17".into()), Some("17"), true),
            // somebody dealt with the activity before its id was known
            (Posted("done 17".into()), Some("done 17"), false),
            (Withheld, Some("withheld"), false),
            (NotNeeded, Some("not needed"), false),
            (Completed, Some("completed"), false),
            (Expired, Some("expired"), false),
            (Started, Some("started"), false),
            (Uncertain, Some("uncertain"), false),
            (EffectOutcome::not_possible("no address"), Some("not possible: no address"), false),
            (EffectOutcome::sent("completed"), Some("sent: completed"), false),
            (EffectOutcome::named(57, "INV/2026/00010"), Some("57 INV/2026/00010"), false),
        ] {
            assert_eq!(outcome.external(), external);
            assert_eq!(EffectOutcome::from_external(external.map(str::to_owned)), outcome);
            assert_eq!(outcome.is_open_record(), open, "{outcome:?}");
        }
        assert_eq!(EffectOutcome::named(57, "INV/2026/00010").name(), Some("INV/2026/00010"));
        for nameless in [Posted("17".into()), Posted("done 17".into()), Pending] {
            assert_eq!(nameless.name(), None, "{nameless:?}");
        }
    }
}
