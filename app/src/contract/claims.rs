//! Claims against carriers: the list with what it adds up to, one claim, the deadlines.

use super::{ApiResult, When, choice::choice};
use async_trait::async_trait;
use domain::claims::{ClaimStatus, EvidenceKind, StepKind};
use serde::{Deserialize, Serialize};

choice! {
    /// What the list shows.
    ClaimTab {
        /// Every claim.
        All = "",
        /// Those that are still to be filed.
        ToFile = "to_file",
        /// Those that are with the carrier.
        Waiting = "waiting",
        /// Those that were paid.
        Paid = "paid",
        /// Those that the carrier rejected.
        Rejected = "rejected",
        /// Those that are not pursued any more.
        Closed = "closed",
    }
}

impl ClaimTab {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::ToFile => "To file",
            Self::Waiting => "Waiting for the carrier",
            Self::Paid => "Paid",
            Self::Rejected => "Rejected",
            Self::Closed => "Closed",
        }
    }
}

/// A question to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsQuery {
    /// The tab.
    #[serde(default)]
    pub tab: ClaimTab,
    /// Where the page begins.
    #[serde(default)]
    pub cursor: String,
    /// The number of the claim beside the list; empty: the first of it.
    #[serde(default)]
    pub claim: String,
}

/// How urgent something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Not at all.
    #[default]
    Calm,
    /// Soon.
    Warn,
    /// At once, or too late.
    Bad,
    /// It is over.
    Over,
}

/// The day that counts for a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueView {
    /// `file in 7 days`.
    pub words: String,
    /// `Mon 30 Nov`.
    pub day: String,
    /// How urgent it is.
    pub tone: Tone,
}

/// A claim in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// `CL-0031`.
    pub number: String,
    /// What for.
    pub reason: String,
    /// Its shipment's id.
    pub shipment: String,
    /// The tracking number.
    pub tracking: String,
    /// The carrier.
    pub carrier: String,
    /// The day that counts.
    pub due: DueView,
    /// How it stands.
    pub status: ClaimStatus,
    /// Evidence that is there, and that is asked for.
    pub evidence: Option<(u32, u32)>,
    /// The amount.
    pub claimed: Option<String>,
    /// What was paid.
    pub paid: Option<String>,
}

/// A figure above the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureView {
    /// What it is of.
    pub label: String,
    /// The figure: an amount of each currency, or a number.
    pub values: Vec<String>,
    /// What is to be said about it.
    pub note: String,
    /// Whether it needs attention.
    pub bad: bool,
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsView {
    /// `5 open, 2 to file within 7 days`.
    pub summary: String,
    /// The figures.
    pub figures: Vec<FigureView>,
    /// How many are under each tab.
    pub tabs: Vec<(ClaimTab, u64)>,
    /// The rows.
    pub rows: Vec<ClaimRow>,
    /// What the rows claim, by currency.
    pub claimed: Vec<String>,
    /// What was paid for them.
    pub paid: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The claim beside the list.
    pub selected: Option<ClaimView>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// Which.
    pub kind: EvidenceKind,
    /// What it is called.
    pub label: String,
    /// Whether it is there.
    pub there: bool,
    /// Whether a file can be added for it.
    pub takes_files: bool,
    /// What it is, or what to do.
    pub detail: String,
}

/// A file of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFileView {
    /// Its id.
    pub id: String,
    /// Its name; none where it may not be read.
    pub name: Option<String>,
    /// What it is evidence of.
    pub kind: String,
    /// `PNG, 1.2 MB`.
    pub about: String,
    /// When it was added.
    pub added: When,
    /// Its SHA-256.
    pub digest: String,
}

/// A step of a claim's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimEvent {
    /// When.
    pub when: When,
    /// What.
    pub what: String,
    /// Who.
    pub who: String,
    /// Why.
    pub why: Option<String>,
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimView {
    /// As in the list.
    pub row: ClaimRow,
    /// Its revision.
    pub revision: u64,
    /// Facts about it: label and value.
    pub facts: Vec<(String, String)>,
    /// The source of the rule for its deadline.
    pub source: Option<String>,
    /// Whether that says only what is general.
    pub check_contract: bool,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether that is the viewer.
    pub mine: bool,
    /// The amount as it is typed, and the currency.
    pub amount: (String, String),
    /// The evidence.
    pub evidence: Vec<EvidenceView>,
    /// What is written about it.
    pub note: String,
    /// Whether something is left out for this viewer.
    pub masked: bool,
    /// Its files.
    pub files: Vec<ClaimFileView>,
    /// Whether files may still be removed.
    pub files_open: bool,
    /// What can happen next.
    pub steps: Vec<StepKind>,
    /// Its history, newest first.
    pub history: Vec<ClaimEvent>,
}

/// What a new claim is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectView {
    /// The shipment's id.
    pub shipment: String,
    /// Its tracking number, else its transfer.
    pub number: String,
    /// Where it goes, and with whom.
    pub route: String,
    /// Its order.
    pub order: Option<String>,
    /// Claims that are there for it.
    pub claims: Vec<ClaimRow>,
}

/// A claim that is raised by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClaim {
    /// The shipment: its id, tracking number, order or transfer.
    #[serde(default)]
    pub shipment: String,
    /// What for, by its code.
    #[serde(default)]
    pub reason: String,
    /// The amount; empty: as Odoo says.
    #[serde(default)]
    pub amount: String,
    /// Its currency.
    #[serde(default)]
    pub currency: String,
    /// What happened.
    #[serde(default)]
    pub note: String,
}

/// A step that a person takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepForm {
    /// The claim's number.
    #[serde(default)]
    pub number: String,
    /// The revision that the person saw.
    #[serde(default)]
    pub revision: u64,
    /// Which step, by its code.
    #[serde(default)]
    pub step: String,
    /// The amount, where the step has one.
    #[serde(default)]
    pub amount: String,
    /// The day, where the step has one: `2026-11-30`.
    #[serde(default)]
    pub day: String,
    /// The carrier's number for it.
    #[serde(default)]
    pub reference: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What a person enters about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimEdit {
    /// The claim's number.
    #[serde(default)]
    pub number: String,
    /// The revision that the person saw.
    #[serde(default)]
    pub revision: u64,
    /// What: `amount`, `note`, `take`, `release`, `refresh`.
    #[serde(default)]
    pub what: String,
    /// The amount or the note.
    #[serde(default)]
    pub value: String,
    /// The currency of an amount.
    #[serde(default)]
    pub currency: String,
}

/// A rule for deadlines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineView {
    /// The carrier; `Every carrier`.
    pub carrier: String,
    /// What for.
    pub reasons: String,
    /// `30 days after shipping`.
    pub words: String,
    /// Within how long the carrier usually answers.
    pub answer: Option<String>,
    /// The text that says so.
    pub source: String,
    /// Whether the contract should be checked.
    pub check_contract: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlinesView {
    /// The rules.
    pub rules: Vec<DeadlineView>,
    /// Whether they are those that come with Milepost.
    pub shipped: bool,
    /// The same as the text that is edited.
    pub text: String,
}

/// A file to be sent to the browser. Not for pages.
#[derive(Clone)]
pub struct FileAnswer {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Claims.
#[async_trait]
pub trait ClaimsPort: Send + Sync {
    /// The page.
    async fn view(&self, query: ClaimsQuery) -> ApiResult<ClaimsView>;
    /// One claim.
    async fn one(&self, number: String) -> ApiResult<ClaimView>;
    /// What a new claim on this shipment is about.
    async fn subject(&self, shipment: String) -> ApiResult<SubjectView>;
    /// Raises one; its number.
    async fn raise(&self, new: NewClaim) -> ApiResult<String>;
    /// Takes a step.
    async fn step(&self, form: StepForm) -> ApiResult<()>;
    /// Changes what is known of it.
    async fn edit(&self, form: ClaimEdit) -> ApiResult<()>;
    /// Removes a file.
    async fn remove_file(&self, number: String, file: String) -> ApiResult<()>;
    /// The deadlines.
    async fn deadlines(&self) -> ApiResult<DeadlinesView>;
    /// Puts deadlines in place of those that are there.
    async fn put_deadlines(&self, text: String) -> ApiResult<()>;
    /// The list as comma-separated values.
    async fn export(&self, tab: ClaimTab) -> ApiResult<String>;
    /// Adds a file.
    async fn add_file(&self, number: String, kind: String, name: String, bytes: Vec<u8>) -> ApiResult<()>;
    /// A file.
    async fn file(&self, number: String, file: String) -> ApiResult<FileAnswer>;
    /// The bundle.
    async fn bundle(&self, number: String) -> ApiResult<FileAnswer>;
}
