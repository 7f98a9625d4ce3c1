//! The ports behind the server functions, and what every answer goes through.

use crate::contract::{ApiError, Ports};
use domain::visible::visible;
use leptos::prelude::use_context;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};

/// The ports of this request.
pub fn ports() -> Result<Arc<Ports>, ApiError> {
    use_context().ok_or_else(|| ApiError::Unavailable { message: "the page has no server behind it".into() })
}

/// An answer as people see it: whatever text of it is foreign, what deceives unseen has a visible form. Every answer with
/// text goes through here, on its way into a page and on its way to the browser's half.
pub fn shown<T: Serialize + DeserializeOwned>(answer: Result<T, ApiError>) -> Result<T, ApiError> {
    match answer {
        Ok(view) => made_visible(view),
        Err(error) => Err(made_visible(error)?),
    }
}

fn made_visible<T: Serialize + DeserializeOwned>(view: T) -> Result<T, ApiError> {
    let internal = |_| ApiError::Internal { correlation: String::new() };
    let mut value = serde_json::to_value(&view).map_err(internal)?;
    if walk(&mut value) { serde_json::from_value(value).map_err(internal) } else { Ok(view) }
}

/// Whether something was changed.
fn walk(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let Cow::Owned(shown) = visible(text) else { return false };
            *text = shown;
            true
        }
        Value::Array(list) => list.iter_mut().map(walk).fold(false, |changed, this| changed | this),
        Value::Object(fields) => fields.values_mut().map(walk).fold(false, |changed, this| changed | this),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{
        connections::{ConnectionsQuery, Environment, Health, ListView},
        exceptions::{Age, Due, QueueQuery, QueueTab},
        mappings::SampleView,
        shipments::{Freshness, ListQuery, ListTab},
        sync::SyncQuery,
    };
    use domain::{Category, Severity, State};
    use serde_json::json;

    #[test]
    fn what_deceives_unseen_crosses_visibly() {
        let view = |number: &str| SampleView { shipment: "1".into(), number: number.into() };
        let shown = shown(Ok(vec![view("a\u{202E}b"), view("c")])).unwrap();
        assert_eq!(shown, [view("a⟨U+202E⟩b"), view("c")]);
        let error = super::shown::<()>(Err(ApiError::Conflict { message: "\u{1B}[2J".into() }));
        assert_eq!(error, Err(ApiError::Conflict { message: "⟨U+001B⟩[2J".into() }));
    }
    #[test]
    fn a_question_with_unknown_words_is_the_default_one() {
        fn read<T: DeserializeOwned>(question: Value) -> T {
            serde_json::from_value(question).unwrap()
        }
        let odd = json!({"tab": "tomorrow", "state": "AFLOAT", "fresh": "rotten", "linked": "x"});
        assert_eq!(read::<ListQuery>(odd), ListQuery::default());
        let known = json!({"tab": "late", "state": "DELIVERED", "fresh": "not_received"});
        let (tab, state) = (ListTab::Late, Some(State::Delivered));
        let wanted = ListQuery { tab, state, fresh: Freshness::NotReceived, ..ListQuery::default() };
        assert_eq!(read::<ListQuery>(known), wanted);
        let odd = json!({"view": "theirs", "category": "", "severity": "bad", "due": "soon", "age": "5"});
        assert_eq!(read::<QueueQuery>(odd), QueueQuery::default());
        assert_eq!(read::<SyncQuery>(json!({"view": "", "longer": "2h"})), SyncQuery::default());
        let odd = json!({"view": "mine", "environment": "moon", "health": "odd"});
        assert_eq!(read::<ConnectionsQuery>(odd), ConnectionsQuery::default());
        let known = json!({"view": "attention", "environment": "sandbox", "health": "paused"});
        let (view, environment, health) = (ListView::Attention, Environment::Sandbox, Some(Health::Paused));
        assert_eq!(
            read::<ConnectionsQuery>(known),
            ConnectionsQuery { view, environment, health, ..Default::default() }
        );
    }

    #[test]
    fn a_question_crosses_as_it_is() {
        let query = QueueQuery {
            view: QueueTab::Closed,
            category: Category::ALL.first().copied(),
            severity: Some(Severity::Critical),
            due: Due::Over,
            age: Age::From8,
            ..QueueQuery::default()
        };
        for query in [query, QueueQuery::default()] {
            let written = serde_json::to_string(&query).unwrap();
            assert_eq!(serde_json::from_str::<QueueQuery>(&written).unwrap(), query, "{written}");
        }
    }
}
