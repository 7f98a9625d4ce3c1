//! What a person can do on the page.

use crate::{
    api::{AssignDifference, DecideDifference, FixDifferences, StartReconciliation, StopReconciliation},
    components::{Failed, Icon, action},
};
use leptos::prelude::*;

/// The form of the rows that are chosen; their boxes lie outside of it.
pub(super) const PREVIEW: &str = "preview-form";
/// What a person can do here.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    pub(super) fix: ServerAction<FixDifferences>,
    pub(super) decide: ServerAction<DecideDifference>,
    pub(super) assign: ServerAction<AssignDifference>,
    pub(super) start: ServerAction<StartReconciliation>,
    pub(super) stop: ServerAction<StopReconciliation>,
}

impl Acts {
    pub(super) fn new() -> Self {
        Self { fix: action(), decide: action(), assign: action(), start: action(), stop: action() }
    }

    /// How often something was done.
    pub(super) fn done(self) -> usize {
        let versions = [
            self.fix.version(),
            self.decide.version(),
            self.assign.version(),
            self.start.version(),
            self.stop.version(),
        ];
        versions.into_iter().map(|version| version.get()).sum()
    }

    pub(super) fn failed(self) -> impl IntoView {
        [
            self.fix.value().get().and_then(Result::err),
            self.decide.value().get().and_then(Result::err),
            self.assign.value().get().and_then(Result::err),
            self.start.value().get().and_then(Result::err),
            self.stop.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .map(|error| view! { <Failed error/> })
        .collect_view()
    }

    pub(super) fn started(self) -> impl IntoView {
        self.fix.value().get().and_then(Result::ok).map(|fixes| {
            let text = format!("{fixes} fixes started; each is looked at again");
            view! { <div class="note note--ok" role="status"><Icon name="check"/><div>{text}</div></div> }
        })
    }
}
