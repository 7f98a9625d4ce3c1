//! What a person can do on the page of a rule.

use crate::{
    api::{ActOnRule, EditRule},
    components::{Failed, Icon, action},
    contract::rules::Edited,
};
use leptos::prelude::*;

/// What a person can do here.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    pub(super) edit: ServerAction<EditRule>,
    pub(super) act: ServerAction<ActOnRule>,
    /// How often something was kept by the editor.
    kept: RwSignal<usize>,
}

impl Acts {
    pub(super) fn new() -> Self {
        let acts = Self { edit: action(), act: action(), kept: RwSignal::new(0) };
        Effect::watch(
            move || acts.edit.value().get(),
            move |value, _, _| {
                if matches!(value, Some(Ok(Edited { done: Some(_), .. }))) {
                    acts.kept.update(|kept| *kept += 1);
                }
            },
            false,
        );
        acts
    }

    /// How often something changed that the page shows.
    pub(super) fn done(self) -> usize {
        self.act.version().get() + self.kept.get()
    }

    pub(super) fn failed(self) -> impl IntoView {
        [self.edit.value().get().and_then(Result::err), self.act.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .map(|error| view! { <Failed error/> })
            .collect_view()
    }

    /// What the last form came to.
    pub(super) fn said(self) -> impl IntoView {
        let done = self.edit.value().with(|value| match value {
            Some(Ok(edited)) => edited.done.clone(),
            _ => None,
        });
        done.map(|done| view! { <div class="note note--ok" role="status" data-testid="done"><Icon name="check"/><div>{done}</div></div> })
    }
}
