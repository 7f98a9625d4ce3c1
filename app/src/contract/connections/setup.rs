//! Setting up an Odoo.

use super::form::CheckResult;
use crate::contract::When;
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupAct {
    /// Say what a set-up would do.
    #[default]
    Preview,
    /// Set up.
    Apply,
    /// Say what a removal would do.
    PreviewRemoval,
    /// Take away what was made.
    Remove,
}

/// What is asked of a set-up.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetupForm {
    /// The connection's name.
    pub name: String,
    /// What is to be done.
    pub act: SetupAct,
    /// The administrator's API key: used once, neither kept nor shown.
    pub key: String,
    /// The administrator's login, which Odoo 16 to 18 ask for.
    pub login: String,
    /// Whether Odoo reports changes at once.
    pub hints: bool,
    /// Whether the address that it reports to gets a new secret.
    pub renew: bool,
    /// Whether a user with just the needed rights is made.
    pub user: bool,
    /// Whether a removal takes the fields too, with their values.
    pub fields: bool,
}

// the key is in it
impl std::fmt::Debug for SetupForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetupForm").field("name", &self.name).field("act", &self.act).finish_non_exhaustive()
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupStepView {
    /// What it does.
    pub what: String,
    /// What became of it; `NotRun` in a preview.
    pub result: CheckResult,
    /// Why it was not done; empty else.
    pub why: String,
}

/// What a set-up did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupReportView {
    /// What it is: `Preview: 12 steps`.
    pub title: String,
    /// When.
    pub at: When,
    /// Whether nothing was changed.
    pub preview: bool,
    /// The steps.
    pub steps: Vec<SetupStepView>,
    /// What is left out, and what a person has to do.
    pub notes: Vec<String>,
}

/// The set-up of an Odoo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupView {
    /// How its reports of changes stand, in a sentence.
    pub hints: String,
    /// Whether something is wrong with them.
    pub silent: bool,
    /// What was done or previewed last in this session.
    pub report: Option<SetupReportView>,
    /// What was wrong with what was sent last, where the page has no other way to say so; empty for nothing.
    pub wrong: String,
}
