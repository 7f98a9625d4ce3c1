//! How exceptions are worked on: the next step of each reason, teams, and the company's working days.

use super::{ApiResult, When, choice::choice};
use async_trait::async_trait;
use domain::{Category, ExceptionReason};
use serde::{Deserialize, Serialize};

choice! {
    /// A part of the page.
    PlaybookTab {
        /// Next steps.
        Steps = "",
        /// Teams.
        Teams = "teams",
        /// Working days.
        Calendar = "calendar",
    }
}

impl PlaybookTab {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Steps => "Next steps",
            Self::Teams => "Teams",
            Self::Calendar => "Calendar",
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlaybooksQuery {
    /// Which part.
    pub tab: PlaybookTab,
    /// Of next steps: the reason that is edited, by its code.
    pub reason: String,
    /// Of teams: the one that is edited; `+` is a new one.
    pub team: String,
    /// Of the calendar: the country whose holidays are shown; empty: the company's.
    pub country: String,
}

/// Characters of a next step.
pub const STEP_CHARS_MAX: usize = 500;

/// What stands for a new team.
pub const NEW_TEAM: &str = "+";

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybooksView {
    /// How many reasons, teams and own days there are.
    pub tabs: Vec<(PlaybookTab, u64)>,
    /// The next steps.
    pub steps: Vec<StepRow>,
    /// The teams.
    pub teams: Vec<TeamRow>,
    /// The team that is edited.
    pub form: Option<TeamEdit>,
    /// The calendar; none on another part of the page.
    pub calendar: Option<CalendarView>,
}

/// The next step of a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// The reason.
    pub reason: ExceptionReason,
    /// Its category.
    pub category: Category,
    /// What to do.
    pub text: String,
    /// The shipped text, where the company has its own.
    pub shipped: Option<String>,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRow {
    /// Its name.
    #[serde(with = "super::verbatim")]
    pub name: String,
    /// Its members' names.
    pub members: Vec<String>,
    /// Which new exceptions it gets by itself; empty: none.
    pub gets: String,
    /// How many open exceptions it has.
    pub open: u64,
}

/// What can be chosen of, and whether it is.
pub type Options = Vec<(String, String, bool)>;

/// A team that is edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamEdit {
    /// Its name; empty: a new one.
    #[serde(with = "super::verbatim")]
    pub name: String,
    /// People: id, name, whether they are members.
    pub people: Options,
    /// Carriers: family, name, whether it gets theirs.
    pub carriers: Options,
    /// Reasons: code, label, whether it gets those.
    pub reasons: Options,
    /// The mark of the team as it is; empty: a new one.
    pub mark: String,
}

/// A team as a person sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TeamForm {
    /// Its name.
    pub name: String,
    /// The mark of the team as the form showed it; empty: a new one.
    pub mark: String,
    /// Members, by their ids.
    pub members: Vec<String>,
    /// Families of carriers.
    pub carriers: Vec<String>,
    /// Codes of reasons.
    pub reasons: Vec<String>,
}

/// The company's working days and hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarView {
    /// As it is set.
    pub form: CalendarForm,
    /// Countries that can be chosen: code and name, whether it is the company's.
    pub countries: Options,
    /// The days on which work is done: `Mon to Fri`.
    pub week: String,
    /// By when an exception that opens now is due: severity and time.
    pub due: Vec<(String, When)>,
    /// The company's own days.
    pub days: Vec<OwnDay>,
    /// The country whose holidays are shown, and their year.
    pub holidays_of: String,
    /// Its public holidays, this year's and next year's that are still to come.
    pub holidays: Vec<String>,
}

/// Hours and place of the calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalendarForm {
    /// The country, two letters; empty: none, so no public holidays.
    pub country: String,
    /// The time zone, by its IANA name.
    pub zone: String,
    /// When work begins: `08:00`.
    pub opens: String,
    /// When it ends.
    pub closes: String,
    /// What comes later than this counts from the next working day.
    pub cut_off: String,
}

/// A day of the company's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDay {
    /// `2026-12-24`.
    pub day: String,
    /// `Thu 24 Dec 2026`.
    pub shown: String,
    /// Of which place: a country's code, or `company`.
    pub place: String,
    /// What a person reads for that.
    pub place_label: String,
    /// Whether work is done on it.
    pub works: bool,
}

choice! {
    /// What becomes of a day.
    DayChange {
        /// No work is done on it.
        Closed = "",
        /// Work is done although it is a weekend or a holiday.
        Working = "working",
        /// It is as every other day.
        Usual = "usual",
    }
}

/// How exceptions are worked on.
#[async_trait]
pub trait PlaybooksPort: Send + Sync {
    /// The page.
    async fn view(&self, query: PlaybooksQuery) -> ApiResult<PlaybooksView>;
    /// Sets the next step of a reason; an empty text is the shipped one again.
    async fn set_step(&self, reason: String, text: String) -> ApiResult<()>;
    /// Makes or changes a team.
    async fn put_team(&self, team: TeamForm) -> ApiResult<()>;
    /// Removes one; exceptions keep its name.
    async fn remove_team(&self, name: String) -> ApiResult<()>;
    /// Sets hours and place of the calendar.
    async fn set_calendar(&self, form: CalendarForm) -> ApiResult<()>;
    /// Changes a day, of the company or of a country.
    async fn set_day(&self, day: String, place: String, change: DayChange) -> ApiResult<()>;
}
