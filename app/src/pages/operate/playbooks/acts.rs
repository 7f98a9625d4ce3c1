//! What a person can do on the page, and the addresses of its parts.

use crate::{
    api::{PutTeam, RemoveTeam, SetCalendar, SetDay, SetStep},
    components::{Failed, action},
    contract::playbooks::PlaybooksQuery,
};
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

/// The address of a question.
pub(super) fn address(query: &PlaybooksQuery) -> String {
    let pairs =
        [("tab", query.tab.code()), ("reason", &query.reason), ("team", &query.team), ("country", &query.country)];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/playbooks{}", params.to_query_string())
}

/// What a person can do here.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    pub(super) step: ServerAction<SetStep>,
    pub(super) team: ServerAction<PutTeam>,
    pub(super) remove: ServerAction<RemoveTeam>,
    pub(super) calendar: ServerAction<SetCalendar>,
    pub(super) day: ServerAction<SetDay>,
}

impl Acts {
    pub(super) fn new() -> Self {
        Self { step: action(), team: action(), remove: action(), calendar: action(), day: action() }
    }

    /// How often something was done.
    pub(super) fn done(self) -> usize {
        let versions = [
            self.step.version(),
            self.team.version(),
            self.remove.version(),
            self.calendar.version(),
            self.day.version(),
        ];
        versions.into_iter().map(|version| version.get()).sum()
    }

    /// Why something was not done.
    pub(super) fn failed(self) -> impl IntoView {
        let errors = [
            self.step.value().get().and_then(Result::err),
            self.team.value().get().and_then(Result::err),
            self.remove.value().get().and_then(Result::err),
            self.calendar.value().get().and_then(Result::err),
            self.day.value().get().and_then(Result::err),
        ];
        errors.into_iter().flatten().map(|error| view! { <Failed error/> }).collect_view()
    }
}
