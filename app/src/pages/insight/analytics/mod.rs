//! Exceptions by reason, by who is responsible, by place and hour; service impact; sync health.

mod charts;
pub mod page;
pub mod rows;

use crate::contract::analytics::TroublesQuery;
use leptos_router::params::ParamsMap;

/// The address of some exceptions.
fn troubles_address(query: &TroublesQuery) -> String {
    let mut params = ParamsMap::new();
    for (name, value) in query.figures.pairs().into_iter().chain(query.pairs()) {
        params.insert(name, value);
    }
    format!("/analytics/exceptions{}", params.to_query_string())
}
