//! Saved reports and their mailings; targets of figures and remarks about days.

use super::{
    ApiResult, When,
    claims::FileAnswer,
    figures::{DefinitionView, FiguresQuery, Narrowing},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How a mailing stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// When it came to this.
    pub when: When,
    /// The time that its period is seen from.
    pub due: When,
    /// In words.
    pub state: String,
    /// What there is to be said about it.
    pub note: String,
    /// Whether it did not arrive.
    pub bad: bool,
}

/// A saved report in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Whether all who see figures see it.
    pub team: bool,
    /// `Last week · 3 figures by carrier · GLS`.
    pub shows: String,
    /// `Mondays at 07:00`; none where it goes out to none.
    pub rhythm: Option<String>,
    /// How many get it.
    pub recipients: u64,
    /// Whether its mails are paused.
    pub paused: bool,
    /// When it goes out next.
    pub next: Option<When>,
    /// Its newest mailing.
    pub last: Option<RunView>,
    /// Whether the viewer may change it.
    pub may_change: bool,
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsView {
    /// The reports.
    pub rows: Vec<ReportRow>,
    /// Whether a mail channel is connected.
    pub mail: bool,
    /// The zone of the hours.
    pub zone: String,
}

/// Which report, or what a new one begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportQuery {
    /// Its id; empty: a new one.
    pub id: String,
    /// Figures of a new one, separated by commas.
    pub figures: String,
    /// Period and filters of the page that it comes from.
    pub from: FiguresQuery,
}

/// A report as it is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportForm {
    /// Its id; empty: a new one.
    pub id: String,
    /// The revision that the person saw.
    pub revision: u64,
    /// What it is called.
    pub name: String,
    /// `team` or empty.
    pub sharing: String,
    /// The figures.
    pub figures: Vec<String>,
    /// The period.
    pub period: String,
    /// What narrows it.
    #[serde(with = "super::verbatim")]
    pub company: String,
    /// The warehouse.
    #[serde(with = "super::verbatim")]
    pub warehouse: String,
    /// The carrier's family.
    #[serde(with = "super::verbatim")]
    pub carrier: String,
    /// The country.
    pub country: String,
    /// The segment.
    #[serde(with = "super::verbatim")]
    pub segment: String,
    /// By what it is split; empty: not.
    pub split: String,
    /// `day`, `week`, `month`; empty: it goes out to none.
    pub every: String,
    /// The day of the week, 1 is Monday.
    pub weekday: String,
    /// The day of the month.
    pub day: String,
    /// The hour.
    pub hour: String,
    /// The addresses.
    pub to: String,
    /// As what it is sent.
    pub format: String,
}

/// One report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportView {
    /// As in the list; none of a new one.
    pub row: Option<ReportRow>,
    /// What is entered.
    pub form: ReportForm,
    /// The figures that there are.
    pub figures: Vec<Narrowing>,
    /// The periods.
    pub periods: Vec<Narrowing>,
    /// By what it can be split.
    pub splits: Vec<Narrowing>,
    /// The companies.
    pub companies: Vec<Narrowing>,
    /// The warehouses.
    pub warehouses: Vec<Narrowing>,
    /// The carriers.
    pub carriers: Vec<Narrowing>,
    /// The countries.
    pub countries: Vec<Narrowing>,
    /// The segments.
    pub segments: Vec<Narrowing>,
    /// Its mailings, newest first.
    pub runs: Vec<RunView>,
    /// Whether a mail channel is connected.
    pub mail: bool,
    /// The zone of the hours.
    pub zone: String,
}

/// The target of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRow {
    /// The figure's id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Its unit.
    pub unit: String,
    /// `at least`, `at most`, `near`.
    pub way: String,
    /// The definition's target: `P50 24`; empty: none.
    pub usual: String,
    /// What a person set, as it is typed; empty: the definition's counts.
    pub set: String,
    /// Its definition.
    pub definition: DefinitionView,
}

/// A remark about some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemarkRow {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// `Mon 2 to Wed 4 March 2026`.
    pub days: String,
    /// The carrier; `All carriers`.
    pub carrier: String,
    /// A few words.
    pub text: String,
    /// Whether transit times are not learned from these days.
    pub left_out: bool,
    /// Who added it.
    pub by: String,
    /// When.
    pub when: When,
}

/// Targets and remarks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetsView {
    /// The figures.
    pub rows: Vec<TargetRow>,
    /// The remarks, newest first.
    pub remarks: Vec<RemarkRow>,
    /// What a remark may be about: code and label.
    pub kinds: Vec<Narrowing>,
    /// The carriers.
    pub carriers: Vec<Narrowing>,
    /// The company's day.
    pub today: String,
}

/// A remark as it is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemarkForm {
    /// What it is about.
    pub kind: String,
    /// The first day.
    pub first: String,
    /// The last day.
    pub last: String,
    /// The carrier's family; empty: all.
    #[serde(with = "super::verbatim")]
    pub carrier: String,
    /// A few words.
    pub text: String,
    /// `on`: transit times are not learned from these days.
    pub left_out: String,
}

/// Saved reports, targets, remarks.
#[async_trait]
pub trait ReportsPort: Send + Sync {
    /// The list.
    async fn list(&self) -> ApiResult<ReportsView>;
    /// One of them, or a new one.
    async fn one(&self, query: ReportQuery) -> ApiResult<ReportView>;
    /// Keeps one; its id.
    async fn save(&self, form: ReportForm) -> ApiResult<String>;
    /// `pause`, `resume`, `send`, `delete`.
    async fn act(&self, id: String, act: String) -> ApiResult<()>;
    /// A report as a file: `report.csv`, `report.xlsx`, `report.html`.
    async fn file(&self, id: String, file: String) -> ApiResult<FileAnswer>;
    /// Targets and remarks.
    async fn targets(&self) -> ApiResult<TargetsView>;
    /// Sets a target; empty: the definition's again.
    async fn set_target(&self, figure: String, target: String) -> ApiResult<()>;
    /// Adds a remark.
    async fn annotate(&self, form: RemarkForm) -> ApiResult<()>;
    /// Removes one.
    async fn remove_remark(&self, id: String) -> ApiResult<()>;
}
