//! What is there in an Odoo of what a set-up makes. Where versions name things differently, the server is asked.

use std::collections::{BTreeMap, BTreeSet};

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// The version: `19`.
    pub(super) major: u32,
    /// The models that this Odoo has.
    pub(super) models: Vec<Model>,
    /// Values of selections, by the field's id.
    pub(super) selections: BTreeMap<i64, BTreeSet<String>>,
    pub(super) automation: Automation,
    /// Automation rules of ours.
    pub(super) rules: Vec<Rule>,
    /// Groups by external id.
    pub(super) groups: BTreeMap<String, i64>,
    /// The user that a set-up makes.
    pub(super) user: Option<User>,
    /// The field of a user's groups: `group_ids` since 19, `groups_id` before.
    pub(super) user_groups: &'static str,
    /// The same of an action.
    pub(super) action_groups: &'static str,
}

impl There {
    /// Addresses that our automation rules post to, each with its secret.
    pub fn hint_urls(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.webhooks.iter().map(|(_, url)| url.as_str()))
    }
}

/// A model.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) id: i64,
    pub(super) name: &'static str,
    /// What people call its records, and one of them.
    pub(super) label: &'static str,
    pub(super) one: &'static str,
    /// Whether it has our fields and views.
    pub(super) shows_shipments: bool,
    /// Ours, and those that are watched.
    pub(super) fields: BTreeMap<String, FieldThere>,
    /// Odoo's own views.
    pub(super) base: BTreeMap<Kind, View>,
    /// What extends them.
    pub(super) ours: BTreeMap<Kind, View>,
    /// What opens the timeline.
    pub(super) timeline: Option<Action>,
    /// Records with a value in our fields.
    pub(super) filled: u64,
}

/// A field.
#[derive(Clone, Debug)]
pub(super) struct FieldThere {
    pub(super) id: i64,
    pub(super) kind: String,
    /// Whether it was made in the database; a module's is not ours.
    pub(super) manual: bool,
}

/// A view.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) id: i64,
    pub(super) arch: String,
    pub(super) active: bool,
    pub(super) inherits: Option<i64>,
}

/// An action.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) id: i64,
    pub(super) code: String,
}

/// Whether there are automation rules that can post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Automation {
    /// The module is not installed.
    #[default]
    Missing,
    /// Its rules post nothing.
    NoWebhooks,
    Ready,
}

/// An automation rule.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) model: i64,
    pub(super) active: bool,
    pub(super) trigger: String,
    pub(super) fields: BTreeSet<i64>,
    pub(super) domain: String,
    /// Its webhooks: id, and the address with its secret.
    pub(super) webhooks: Vec<(i64, String)>,
}

// the addresses have a secret in them
impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A user.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) active: bool,
    /// Its groups, with those that follow from them.
    pub(super) groups: BTreeSet<i64>,
}

/// A kind of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Form,
    List,
    Search,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Form, Self::List, Self::Search];

    /// The last part of our view's name.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::List => "list",
            Self::Search => "search",
        }
    }

    /// What Odoo calls it; a list was a tree before version 18, which the server says itself.
    pub(super) const fn odoo(self, list: &'static str) -> &'static str {
        match self {
            Self::List => list,
            other => other.code(),
        }
    }
}
