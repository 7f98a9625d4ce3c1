//! What is wanted of a set-up, and the steps that it takes.

use serde_json::Value;

/// What is wanted of a set-up, beside fields and views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The address that changes are reported to, for people without its secret; none: Milepost only asks by itself.
    pub hints: Option<Hints>,
    /// A user with just the rights that Milepost needs.
    pub user: bool,
}

/// Where Odoo reports changes to.
#[derive(Clone, PartialEq, Eq)]
pub struct Hints {
    /// The address with its secret.
    pub url: String,
    /// The same for people.
    pub shown: String,
}

// the address has a secret in it
impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// What a removal takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Views, automation rules and the user; fields stay with their values.
    KeepFields,
    /// The fields too, and with them their values.
    WithFields,
}

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Fields, which all but hints and users need.
    Fields,
    /// What shows them.
    Views,
    /// Automation rules.
    Hints,
    /// The integration's user.
    User,
}

/// One thing to do.
#[derive(Clone, PartialEq)]
pub struct Step {
    /// What it does, for people.
    pub what: String,
    pub(super) part: Part,
    /// The model that it is about; empty where it is about none.
    pub(super) about: &'static str,
    pub(super) change: Change,
}

// what is written may hold the address of hints
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Step").field(&self.what).finish()
    }
}

/// What it writes.
#[derive(Clone, PartialEq)]
pub(super) enum Change {
    /// New records; `made`: where the first one's id is needed, by this name.
    Create { model: &'static str, rows: Vec<Value>, made: Option<&'static str> },
    /// Values of records that are there.
    Write { model: &'static str, ids: Vec<i64>, vals: Value },
    /// Records that go.
    Delete { model: &'static str, ids: Vec<i64> },
}

impl Step {
    pub(super) fn new(part: Part, about: &'static str, what: String, change: Change) -> Self {
        Self { what, part, about, change }
    }
}

impl Plan {
    /// Whether it makes or deletes fields: what was written to records counts no more.
    pub fn changes_fields(&self) -> bool {
        let changes = |step: &Step| matches!(step.change, Change::Create { .. } | Change::Delete { .. });
        self.steps.iter().any(|step| step.part == Part::Fields && changes(step))
    }
}

/// What is to be done, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps, in their order; none: everything is as it should be.
    pub steps: Vec<Step>,
    /// What is left out, and why; and what a person has to do.
    pub notes: Vec<String>,
}
