//! Exceptions of a period by reason, by who is responsible, by place and hour; what they cost the service; how the systems keep up.

use super::{
    ApiResult, When,
    choice::choice,
    figures::{AnnotationView, Bucket, ChoiceView, FigureView, FiguresQuery},
};
use async_trait::async_trait;
use domain::Severity;
use serde::{Deserialize, Serialize};

choice! {
    /// What the page shows.
    AnalyticsTab {
        /// Exceptions.
        Exceptions = "",
        /// Tickets, and work that is saved.
        Impact = "impact",
        /// How the connected systems keep up.
        Sync = "sync",
    }
}

impl AnalyticsTab {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Exceptions => "Exceptions",
            Self::Impact => "Service impact",
            Self::Sync => "Sync health",
        }
    }
}

/// The question of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalyticsQuery {
    /// What it shows.
    pub tab: AnalyticsTab,
    /// The period, and what narrows it.
    pub figures: FiguresQuery,
}

/// How many there are of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedView {
    /// As in the address.
    #[serde(with = "super::verbatim")]
    pub code: String,
    /// As people read it.
    pub label: String,
    /// How many.
    pub count: u64,
    /// How many in the period that it is compared with.
    pub before: u64,
    /// Over the points of the trend.
    pub course: Vec<u64>,
    /// The most frequent reason.
    pub mostly: String,
}

/// A customer with repeated exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// As in the address.
    #[serde(with = "super::verbatim")]
    pub code: String,
    /// The name, masked for who may not read it; none where it was erased.
    pub name: Option<String>,
    /// Where the customer is.
    pub place: String,
    /// How many exceptions.
    pub times: u64,
    /// On how many shipments.
    pub shipments: u64,
    /// The most frequent reason.
    pub mostly: String,
    /// What would help against it.
    pub helps: String,
}

/// The exceptions of a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TroublesView {
    /// How many began.
    pub opened: u64,
    /// Of these, those that ended.
    pub ended: u64,
    /// How many began in the period that it is compared with.
    pub before: u64,
    /// Whether there are more than were read.
    pub cut: bool,
    /// Shipments that are read at most.
    pub limit: u64,
    /// What each point of the trend is: "Week".
    pub of: String,
    /// What the points are called.
    pub labels: Vec<String>,
    /// By kind of reason, over the points of the trend.
    pub kinds: Vec<CountedView>,
    /// By reason.
    pub reasons: Vec<CountedView>,
    /// By who is responsible.
    pub parties: Vec<CountedView>,
    /// By weekday from Monday on, and by two hours.
    pub hours: Vec<Vec<u64>>,
    /// How long those that ended took: the counts between the edges.
    pub took: Vec<u64>,
    /// The edges, in words.
    pub edges: Vec<String>,
    /// The median and P90, in words and as a place between the edges.
    pub markers: Vec<(String, f64)>,
    /// By carrier.
    pub carriers: Vec<CountedView>,
    /// By country of destination.
    pub countries: Vec<CountedView>,
    /// By lane: warehouse and country.
    pub lanes: Vec<CountedView>,
    /// Customers with repeated exceptions over the whole trend.
    pub customers: Vec<CustomerView>,
    /// How many those are.
    pub repeated: u64,
    /// Whether names are masked.
    pub masked: bool,
    /// Those that are open now, by age.
    pub ageing: Vec<Bucket>,
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalyticsView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// What it shows.
    pub tab: AnalyticsTab,
    /// The figures.
    pub tiles: Vec<FigureView>,
    /// What was unlike other times.
    pub annotations: Vec<AnnotationView>,
    /// The exceptions; none on the other tabs.
    pub troubles: Option<TroublesView>,
}

/// Which exceptions of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TroublesQuery {
    /// The period, and what narrows it.
    pub figures: FiguresQuery,
    /// The kind of reason.
    pub kind: String,
    /// The reason.
    pub reason: String,
    /// Who is responsible.
    pub party: String,
    /// The lane.
    #[serde(with = "super::verbatim")]
    pub lane: String,
    /// The weekday and the first of two hours: `4-16` is Friday from 16:00.
    pub hours: String,
    /// How long it took: the number of the bar; `open`: not ended.
    pub took: String,
    /// The customer.
    #[serde(with = "super::verbatim")]
    pub customer: String,
    /// Where the page begins: the number of rows before it.
    pub cursor: String,
}

impl TroublesQuery {
    /// The names under which it stands in an address, beside those of the period.
    pub const NAMES: [&'static str; 8] = ["kind", "reason", "party", "lane", "hours", "took", "customer", "cursor"];

    /// Out of the parameters of an address.
    pub fn of(value: impl Fn(&str) -> Option<String>) -> Self {
        let [kind, reason, party, lane, hours, took, customer, cursor] =
            Self::NAMES.map(|name| value(name).unwrap_or_default());
        Self { figures: FiguresQuery::of(value), kind, reason, party, lane, hours, took, customer, cursor }
    }

    /// Its own parameters, without those that are empty.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let Self { kind, reason, party, lane, hours, took, customer, cursor, .. } = self;
        let values = [kind, reason, party, lane, hours, took, customer, cursor];
        let pairs = Self::NAMES.into_iter().zip(values);
        pairs.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }
}

/// An exception in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleView {
    /// Its id.
    pub id: String,
    /// Its shipment's id.
    pub shipment: String,
    /// Why.
    pub reason: String,
    /// How much a person is needed.
    pub severity: Severity,
    /// Who is responsible.
    pub party: String,
    /// The carrier.
    pub carrier: String,
    /// Where it goes.
    pub country: String,
    /// When it began, in the company's zone.
    pub opened: When,
    /// How long it took; `open`.
    pub took: String,
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleRowsView {
    /// The period, and what narrows it.
    pub choice: ChoiceView,
    /// What else narrows the list, in words.
    pub narrowed: Vec<String>,
    /// How many there are.
    pub total: u64,
    /// A page of them, newest first.
    pub rows: Vec<TroubleView>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Whether there are more than were read.
    pub cut: bool,
}

/// Analysis.
#[async_trait]
pub trait AnalyticsPort: Send + Sync {
    /// The page.
    async fn view(&self, query: AnalyticsQuery) -> ApiResult<AnalyticsView>;
    /// Some exceptions of a period.
    async fn rows(&self, query: TroublesQuery) -> ApiResult<TroubleRowsView>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_rows() {
        let query = TroublesQuery {
            figures: FiguresQuery { carrier: "gls".into(), ..FiguresQuery::default() },
            kind: "DELAY".into(),
            reason: "LATE".into(),
            party: "CARRIER".into(),
            lane: "WH > DE".into(),
            hours: "4-16".into(),
            took: "2".into(),
            customer: "odoo/7".into(),
            cursor: "50".into(),
        };
        let pairs: Vec<_> = query.pairs().into_iter().chain(query.figures.pairs()).collect();
        let read =
            TroublesQuery::of(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()));
        assert_eq!(read, query);
        assert!(TroublesQuery::default().pairs().is_empty());
    }
}
