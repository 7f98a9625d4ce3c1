//! What pages of figures share: the addresses that keep period and filters, the bar that changes them, and how a figure is shown.

mod bar;
mod tile;

pub use bar::{FigureHead, FilterBar};
pub use tile::{Change, Definition, FigureTile, Fresh, Goal, Number, Parts, Trend, trend_chart};

use crate::contract::figures::{FigureQuery, FiguresQuery};
use leptos_router::params::ParamsMap;

/// The question in the parameters of an address.
pub fn query(params: &ParamsMap) -> FiguresQuery {
    FiguresQuery::of(|name| params.get(name))
}

/// The address of a page with a question.
pub fn address(path: &str, query: &FiguresQuery) -> String {
    format!("{path}{}", parameters(query, &[]).to_query_string())
}

/// The address of a page with a question and further parameters; empty ones are left out.
pub fn address_with(path: &str, query: &FiguresQuery, more: &[(&'static str, &str)]) -> String {
    format!("{path}{}", parameters(query, more).to_query_string())
}

/// The address of a figure's page, at some of its rows.
pub fn figure_address(query: &FigureQuery) -> String {
    let more = [("tab", query.tab.as_str()), ("cursor", query.cursor.as_str())];
    format!("/figures/{}{}", query.kpi, parameters(&query.figures, &more).to_query_string())
}

/// The address of some of the rows behind a figure.
pub fn rows(kpi: &str, tab: &str, query: &FiguresQuery) -> String {
    figure_address(&FigureQuery { kpi: kpi.into(), tab: tab.into(), cursor: String::new(), figures: query.clone() })
}

fn parameters(query: &FiguresQuery, more: &[(&'static str, &str)]) -> ParamsMap {
    let mut params = ParamsMap::new();
    query.pairs().into_iter().for_each(|(name, value)| params.insert(name, value));
    more.iter()
        .filter(|(_, value)| !value.is_empty())
        .for_each(|(name, value)| params.insert(*name, (*value).to_owned()));
    params
}
