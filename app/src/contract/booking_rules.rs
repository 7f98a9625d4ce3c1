//! Which deliveries are booked where: the ordered list of rules, and what it would do with a delivery.

use super::{ApiResult, When};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A question to the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BookingRulesQuery {
    /// The rule that is edited, by its name.
    pub edit: String,
    /// Whether a rule is added: `1`.
    pub add: String,
    /// The delivery that the rules are tried on, by its name or a number.
    pub delivery: String,
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRulesView {
    /// What names this state of the list.
    pub version: String,
    /// The rules, the first first.
    pub rules: Vec<RuleRow>,
    /// Connections that book labels: name and label.
    pub books: Vec<(String, String)>,
    /// Connections that track numbers.
    pub registers: Vec<(String, String)>,
    /// The rule that is edited or added.
    pub form: Option<RuleForm>,
    /// What the rules would do with the delivery.
    pub trial: Option<TrialView>,
    /// Why they could not be tried.
    pub trial_problem: Option<String>,
}

/// A rule of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// Which deliveries, in words.
    pub when: String,
    /// What is done, in words.
    pub then: String,
    /// What is wrong with it now.
    pub problem: Option<String>,
    /// Since when it is so: it books what became ready since then.
    pub since: Option<When>,
}

/// A rule as it is typed; what is empty fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    /// The state of the list that was seen.
    pub version: String,
    /// The rule that is edited, by its name; empty: a new one.
    pub of: String,
    /// Its name.
    pub name: String,
    /// A word of the shipping method.
    pub method: String,
    /// The warehouse's short name.
    pub warehouse: String,
    /// Countries, with commas or spaces between them.
    pub countries: String,
    /// From this weight on, in kg.
    pub from_kg: String,
    /// Below this weight, in kg.
    pub below_kg: String,
    /// `book`, `register`, `nothing`.
    pub does: String,
    /// The connection that books.
    pub books_at: String,
    /// The connection that registers.
    pub registers_at: String,
    /// Only this carrier.
    pub carrier: String,
    /// Only this carrier account.
    pub account: String,
    /// Only this service.
    pub service: String,
    /// Days to delivery at most.
    pub days: String,
    /// `fastest`, else the cheapest.
    pub offer: String,
    /// The label's form.
    pub format: String,
    /// `done`, else as soon as it is ready.
    pub when: String,
    /// Of parcels without dimensions, in millimetres.
    pub length: String,
    /// The same.
    pub width: String,
    /// The same.
    pub height: String,
}

/// What the rules would do with a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialView {
    /// The delivery's name.
    pub delivery: String,
    /// Its shipment.
    pub shipment: String,
    /// What rules look at: label and value.
    pub facts: Vec<(String, String)>,
    /// What would happen, in words.
    pub outcome: String,
    /// Each rule: its name, whether it decides, and why it does not fit.
    pub rules: Vec<(String, bool, Vec<String>)>,
}

/// The booking rules.
#[async_trait]
pub trait BookingRulesPort: Send + Sync {
    /// The page.
    async fn view(&self, query: BookingRulesQuery) -> ApiResult<BookingRulesView>;
    /// Keeps a rule that was added or edited.
    async fn save(&self, rule: RuleForm) -> ApiResult<()>;
    /// Moves or removes the rule of this name in the list that was seen: `raise`, `lower`, `remove`.
    async fn change(&self, version: String, name: String, act: String) -> ApiResult<()>;
}
