//! Rules: what Milepost does by itself.

use super::{ApiResult, When, choice::choice};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

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
    /// How many each tab has, in the order of [`RulesTab::ALL`].
    pub counts: Vec<u64>,
    /// The rules of the tab.
    pub rules: Vec<RuleRow>,
    /// Whether publishing needs a second person.
    pub four_eyes: bool,
    /// As of when.
    pub as_of: String,
    /// Whether the viewer may change rules.
    pub may_edit: bool,
}

/// A rule in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its id.
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
    /// What a person reads: `Active`, `Paused until 1 Dec`.
    pub label: String,
    /// The version that runs; 0 is the built-in one, none where it was never published.
    pub version: Option<u32>,
    /// The version that the draft will be, where there is one.
    pub draft: Option<u32>,
    /// Whether a second person is asked to publish the draft.
    pub asked: bool,
    /// Why it is stopped, and what to do; who paused it.
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
    /// What of it is shown beside the editor: `history`, else nothing.
    #[serde(default)]
    pub show: String,
}

/// A rule with its editor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    /// The rule; a new one has no id.
    pub row: RuleRow,
    /// Since when its version runs, by whom it was published.
    pub since: String,
    /// Who saved the draft, and when.
    pub draft_by: Option<(String, When)>,
    /// What is edited.
    pub form: RuleForm,
    /// The condition in the form, row by row.
    pub terms: Vec<TermView>,
    /// What is wrong with it.
    pub problems: Vec<ProblemView>,
    /// What the actions come to in words: what, how.
    pub actions: Vec<(String, String)>,
    /// Every field of the schema.
    pub fields: Vec<FieldView>,
    /// The words that stand in braces in texts: word, meaning.
    pub words: Vec<(String, String)>,
    /// The versions, newest first; the built-in one last.
    pub history: Vec<VersionView>,
    /// What differs from the version that is compared: what, there, here.
    pub compared: Vec<(String, String, String)>,
    /// The newest dry run.
    pub trial: Option<TrialView>,
    /// Names of desks and of channels, for actions.
    pub desks: Vec<String>,
    /// The same of channels.
    pub channels: Vec<String>,
    /// Who may look after it: id, name.
    pub people: Vec<(String, String)>,
    /// Whether publishing needs a second person, and the viewer wrote the draft.
    pub needs_second: bool,
    /// Whether the viewer may change rules.
    pub may_edit: bool,
}

/// A term of the condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TermView {
    /// A row of the form: field's path, operator's code, values.
    Row {
        /// The field's path.
        field: String,
        /// The operator's code.
        operator: String,
        /// The values: codes, texts, a number or another field's path.
        values: Vec<String>,
    },
    /// What the form cannot show.
    Text {
        /// As it is written.
        text: String,
        /// Its line.
        line: usize,
    },
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// `name`, `trigger`, `when`, `then`, `limits`.
    pub field: String,
    /// Line and column in the condition, from 1; (0, 0) where it is not about that.
    pub at: (usize, usize),
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

/// A rule as a form posts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleForm {
    /// Its id; empty for a new one.
    #[serde(default)]
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `change`, `event`, `exception`, `open_for`, `every`.
    #[serde(default)]
    pub trigger: String,
    /// Hours or minutes of the trigger.
    #[serde(default)]
    pub number: String,
    /// The condition in CEL; with `terms_count` above 0 the rows of the form count.
    #[serde(default)]
    pub when: String,
    /// `form` where the rows of the form are posted, else the text counts.
    #[serde(default)]
    pub side: String,
    /// Rows of the form: field's path.
    #[serde(default)]
    pub field: Vec<String>,
    /// Rows of the form: operator's code; `text` where the value is text that the form cannot show.
    #[serde(default)]
    pub operator: Vec<String>,
    /// Rows of the form: values, separated by commas.
    #[serde(default)]
    pub value: Vec<String>,
    /// The actions, each as JSON (`{"do":"open_case","desk":"zendesk"}`).
    #[serde(default)]
    pub then: Vec<String>,
    /// The severity's code; empty: as the reason has it.
    #[serde(default)]
    pub severity: String,
    /// Actions in a minute; empty: no limit.
    #[serde(default)]
    pub per_minute: String,
    /// Quiet hours, `20:00`; empty: none.
    #[serde(default)]
    pub quiet_from: String,
    /// Until when.
    #[serde(default)]
    pub quiet_to: String,
    /// Their time zone.
    #[serde(default)]
    pub quiet_zone: String,
    /// The field that puts alerts together; empty: none.
    #[serde(default)]
    pub group_by: String,
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

/// A dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialView {
    /// `running`, `done`, `cut`, `failed`.
    pub state: String,
    /// Days back.
    pub days: u32,
    /// When it was started, by whom.
    pub started: (When, String),
    /// How far it has come, in percent.
    pub percent: u8,
    /// What it would have done.
    pub draft: TrialSumView,
    /// What the active version would have done, with its number.
    pub active: Option<(u32, TrialSumView)>,
    /// How long what it acted on lasted: label, count; under 1, 2, 3, 4, 8, 24 hours, longer.
    pub lasted: Vec<(String, u64)>,
    /// Those that needed a person first.
    pub rows: Vec<TrialRowView>,
    /// Moments that were gone through, and how long that took.
    pub cost: String,
    /// Whether the draft was changed since.
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
    /// How long it lasted; empty while it goes on or where it is about no exception.
    pub lasted: String,
    /// What happened: reason, and how it ended.
    pub what: String,
    /// Whether a person was needed.
    pub needed: bool,
    /// Whether the active version would have acted too.
    pub active_too: bool,
}

/// Rules.
#[async_trait]
pub trait RulesPort: Send + Sync {
    /// The list.
    async fn list(&self, query: RulesQuery) -> ApiResult<RulesView>;
    /// A rule with its editor; a new one where there is no id.
    async fn view(&self, query: RuleQuery) -> ApiResult<RuleView>;
    /// What is wrong with a form, its text and its rows, without keeping it.
    async fn check(&self, form: RuleForm) -> ApiResult<(RuleForm, Vec<TermView>, Vec<ProblemView>)>;
    /// Keeps a draft; its id.
    async fn save(&self, form: RuleForm) -> ApiResult<String>;
    /// Acts on a rule: `discard`, `ask`, `publish`, `pause`, `resume`; of `pause` until when, `roll_back` to which version, `owner`
    /// who.
    async fn act(&self, id: String, act: String, with: String) -> ApiResult<()>;
    /// Begins a dry run over some days.
    async fn try_out(&self, id: String, days: u32) -> ApiResult<()>;
    /// All rows of the newest dry run, as CSV.
    async fn csv(&self, id: String) -> ApiResult<String>;
    /// Sets whether publishing needs a second person.
    async fn four_eyes(&self, on: bool) -> ApiResult<()>;
}
