//! Rules: what Milepost does by itself.

use super::{ApiResult, When, choice::choice};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

choice! {
    /// What the list shows.
    RulesTab {
        /// Every rule.
        All = "",
        /// Those that run.
        Active = "active",
        /// Those with a draft.
        Draft = "draft",
        /// Those that are paused or stopped.
        Paused = "paused",
        /// What was published of late.
        History = "history",
    }
}

impl RulesTab {
    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Active => "Active",
            Self::Draft => "Draft",
            Self::Paused => "Paused",
            Self::History => "History",
        }
    }
}

/// What the list asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesQuery {
    /// Which.
    #[serde(default)]
    pub view: RulesTab,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesView {
    /// How many each tab has, in the order of [`RulesTab::ALL`]; none for the history.
    pub counts: Vec<Option<u64>>,
    /// The rules of the tab.
    pub rules: Vec<RuleRow>,
    /// What was published of late, newest first, where the tab asks for it: the rule's id and name, the version.
    pub published: Vec<(String, String, VersionView)>,
    /// Alerts of rules that put several shipments together.
    pub storms: Vec<StormView>,
    /// Whether publishing needs a second person.
    pub four_eyes: bool,
    /// As of when.
    pub as_of: String,
    /// Whether the viewer may change rules.
    pub may_edit: bool,
}

/// An alert that stands for several shipments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StormView {
    /// `37 shipments, Leipzig, made 1 alert`.
    pub title: String,
    /// Since when, and by which rule.
    pub text: String,
    /// The alert's page; none for a viewer who may not see it.
    pub href: Option<String>,
}

/// A rule in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its id; empty for a new one.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it looks and under which condition, in words.
    pub when: String,
    /// What it does, in words.
    pub then: String,
    /// Where it stands.
    pub state: RuleStateView,
    /// How often it acted in seven days; none where it never ran.
    pub fired: Option<u64>,
    /// Of the exceptions because of which it acted, the share in percent that ended before anybody acted.
    pub auto_resolved: Option<u8>,
    /// Changes on which it could not be run, in seven days.
    pub failed: u64,
    /// Actions that were moved to a later minute by its rate, in seven days.
    pub delayed: u64,
    /// Who looks after it.
    pub owner: Option<String>,
}

/// Where a rule stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStateView {
    /// `active`, `draft`, `paused`, `stopped`.
    pub code: String,
    /// What a person reads: `Active`.
    pub label: String,
    /// The version that runs; 0 is the built-in one, none where it was never published.
    pub version: Option<u32>,
    /// The version that the draft will be, where there is one.
    pub draft: Option<u32>,
    /// Whether a second person is asked to publish the draft.
    pub asked: bool,
    /// Why it is stopped, and what to do; until when it is paused, by whom.
    pub why: String,
}

/// What the page of a rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleQuery {
    /// Its id; empty for a new rule.
    #[serde(default)]
    pub id: String,
    /// The version to compare with; empty: none is compared.
    #[serde(default)]
    pub compare: String,
    /// Whether what was typed last in this session is shown instead of the draft.
    #[serde(default)]
    pub typed: bool,
}

/// A rule with its editor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    /// The rule; a new one has no id.
    pub row: RuleRow,
    /// Since when its version runs, how often it acted, who saved the draft.
    pub summary: String,
    /// What is edited.
    pub editor: EditorView,
    /// What its fields can take.
    pub choices: ChoicesView,
    /// The versions, newest first; the built-in one last.
    pub history: Vec<VersionView>,
    /// What differs from the version that is compared.
    pub compared: Option<CompareView>,
    /// The newest dry run.
    pub trial: Option<TrialView>,
    /// The id of who looks after it; empty: no person.
    pub owner: String,
    /// Who may: id, name.
    pub people: Vec<(String, String)>,
    /// Whether publishing needs a second person.
    pub four_eyes: bool,
    /// Why the viewer may not publish, where that is so.
    pub needs_second: Option<String>,
    /// Whether the viewer may change rules.
    pub may_edit: bool,
}

/// What the fields of the editor can take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoicesView {
    /// Every field of conditions.
    pub fields: Vec<FieldView>,
    /// Every kind of action.
    pub actions: Vec<ActionKindView>,
    /// When a rule can look: code, label, what its number counts.
    pub triggers: Vec<(String, String, String)>,
    /// Severities: code, label.
    pub severities: Vec<(String, String)>,
}

/// The editor: what was typed, and what it comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditorView {
    /// What is edited.
    pub form: RuleForm,
    /// What is wrong with it.
    pub problems: Vec<ProblemView>,
    /// What the actions come to in words, in their order: what, how.
    pub actions: Vec<(String, String)>,
    /// When it looks, in words.
    pub looks: String,
    /// Whether it differs from what is kept.
    pub unsaved: bool,
    /// The element that the last step was about: it gets the focus.
    pub focus: String,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// `name`, `trigger`, `when`, `then`, `limits`.
    pub field: String,
    /// Which row of the condition or of the actions, from 0, where it is about one.
    pub row: Option<usize>,
    /// Line and column in the condition, from 1, where it is about that.
    pub at: Option<(usize, usize)>,
    /// What, and what to do.
    pub message: String,
    /// What stands there and what should, where that is known.
    pub instead: Option<(String, String)>,
}

/// A field that a condition may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldView {
    /// `shipment.status`.
    pub path: String,
    /// What people call it.
    pub label: String,
    /// What it holds: `text`, `number`, `true or false`, `code`, `list of codes`, `list of texts`.
    pub kind: String,
    /// What it means.
    pub about: String,
    /// Its codes: code, label.
    pub codes: Vec<(String, String)>,
    /// The operators that fit: code, label.
    pub operators: Vec<(String, String)>,
}

/// A kind of action with its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionKindView {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub label: String,
    /// Its icon.
    pub icon: String,
    /// Its fields.
    pub fields: Vec<ActionFieldView>,
    /// The words that stand in braces in its texts: word, meaning.
    pub words: Vec<(String, String)>,
}

/// A field of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionFieldView {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// `line`, `text`, `number`, `choice`.
    pub input: String,
    /// What is to be known of it.
    pub hint: String,
    /// What a choice offers: value, label; the first is for none.
    pub options: Vec<(String, String)>,
}

/// A rule as a form posts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    /// Its id; empty for a new one.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `change`, `event`, `exception`, `open_for`, `every`.
    pub trigger: String,
    /// Hours or minutes of the trigger.
    pub number: String,
    /// What was kept when the form was shown: where another person has saved since, it is refused.
    pub basis: String,
    /// The condition in CEL.
    pub when: String,
    /// The condition as the page had it: where `when` is another one, that was edited and counts; else the rows do.
    pub was: String,
    /// The rows of the condition.
    pub rows: Vec<RowForm>,
    /// The actions.
    pub then: Vec<ActionForm>,
    /// The severity's code; empty: as the reason has it.
    pub severity: String,
    /// Actions in a minute; empty: no limit.
    pub per_minute: String,
    /// Quiet hours, `20:00`; empty: none.
    pub quiet_from: String,
    /// Until when.
    pub quiet_to: String,
    /// Their time zone.
    pub quiet_zone: String,
    /// The field that puts alerts together; empty: none.
    pub group_by: String,
    /// The kind of the action that is added.
    pub new_action: String,
    /// Days of a dry run.
    pub days: String,
    /// What the form is sent for: `check`, `add-row`, `add-any`, `drop-row:2`, `replace`, `add-action`, `drop-action:2`,
    /// `raise-action:2`, `lower-action:2`, `save`, `try`, `ask`, `publish`.
    pub step: String,
}

/// A row of the condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowForm {
    /// The field's path; empty where the row is text that the form cannot show.
    pub field: String,
    /// The operator's code.
    pub operator: String,
    /// The codes that are chosen.
    pub values: Vec<String>,
    /// What is typed: a text, a number or another field's path; several texts by commas.
    pub typed: String,
    /// What the form cannot show.
    pub text: String,
    /// The line of that.
    pub line: usize,
}

/// An action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionForm {
    /// The code of its kind.
    pub kind: String,
    /// Its fields by name.
    pub fields: BTreeMap<String, String>,
}

/// What came of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The editor as it is now.
    pub editor: EditorView,
    /// What was done, in a sentence; none where it was a step in the editor.
    pub done: Option<String>,
    /// Where to go; none: the page stays.
    pub to: Option<String>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its number; 0 is the built-in one.
    pub version: u32,
    /// Whether it runs.
    pub active: bool,
    /// Who wrote it.
    pub by: String,
    /// Who published it, where that was somebody else.
    pub approved_by: Option<String>,
    /// When; none for the built-in one.
    pub at: Option<When>,
    /// The version that it goes back to.
    pub back_to: Option<u32>,
    /// Its condition and actions in words.
    pub says: String,
}

/// What differs between a version and what is edited or runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareView {
    /// The version.
    pub version: u32,
    /// What it is compared with: `draft v5`, `v4`.
    pub with: String,
    /// What differs: what, there, here.
    pub lines: Vec<(String, String, String)>,
}

/// A dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialView {
    /// `running`, `done`, `cut`, `failed`.
    pub state: String,
    /// Days back.
    pub days: u32,
    /// When it was started, by whom.
    pub started: String,
    /// How far it has come, in percent.
    pub percent: u8,
    /// What it would have done.
    pub draft: TrialSumView,
    /// What the active version would have done, with its number.
    pub active: Option<(u32, TrialSumView)>,
    /// How long what it acted on lasted: label, count; under 1, 2, 3, 4, 8, 24 hours, longer.
    pub lasted: Vec<(String, u64)>,
    /// The hours of grace where all that it acts on has one grace.
    pub grace: String,
    /// How many of the first bars lie within the grace.
    pub within: usize,
    /// Those that needed a person first.
    pub rows: Vec<TrialRowView>,
    /// Moments that were gone through, and how long that took.
    pub cost: String,
    /// Whether what was tried is not what is kept now.
    pub outdated: bool,
}

/// What a version would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialSumView {
    /// How often it would have acted.
    pub fired: u64,
    /// Ended by themselves within the grace.
    pub healed: u64,
    /// Needed a person.
    pub needed: u64,
    /// Shipments on which it could not be run.
    pub failed: u64,
}

/// One thing that the tried version would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRowView {
    /// The shipment's id.
    pub shipment: String,
    /// Its number.
    pub number: String,
    /// Order and carrier.
    pub of: String,
    /// How long it lasted; empty where it is about no exception.
    pub lasted: String,
    /// What happened: reason, and how it ended.
    pub what: String,
    /// Whether a person was needed.
    pub needed: bool,
    /// Whether the version that runs would not have acted on it.
    pub fresh: bool,
}

/// Rules.
#[async_trait]
pub trait RulesPort: Send + Sync {
    /// The list.
    async fn list(&self, query: RulesQuery) -> ApiResult<RulesView>;
    /// A rule with its editor; a new one where there is no id.
    async fn view(&self, query: RuleQuery) -> ApiResult<RuleView>;
    /// A step in the editor, or what is done with what was typed.
    async fn edit(&self, form: RuleForm) -> ApiResult<Edited>;
    /// Acts on a rule: `discard`, `pause` (with until when; empty: until it is resumed), `resume`, `roll_back` (with the version),
    /// `owner` (with who; empty: no person).
    async fn act(&self, id: String, act: String, with: String) -> ApiResult<()>;
    /// Sets whether publishing needs a second person.
    async fn four_eyes(&self, on: bool) -> ApiResult<()>;
    /// All rules as CSV.
    async fn export(&self) -> ApiResult<String>;
    /// All rows of the newest dry run, as CSV.
    async fn trial_csv(&self, id: String) -> ApiResult<String>;
}
