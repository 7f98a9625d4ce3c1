//! What a person can do on the page.

use crate::{
    api::{
        AcknowledgeAlert, AssignAlert, BeginMaintenance, EndMaintenance, ResolveAlert, SetAlertRule, SnoozeAlert,
        TestChannels,
    },
    components::{Failed, Icon, action},
};
use leptos::prelude::*;

/// What a person can do here.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    pub(super) acknowledge: ServerAction<AcknowledgeAlert>,
    pub(super) assign: ServerAction<AssignAlert>,
    pub(super) snooze: ServerAction<SnoozeAlert>,
    pub(super) resolve: ServerAction<ResolveAlert>,
    pub(super) maintain: ServerAction<BeginMaintenance>,
    pub(super) end: ServerAction<EndMaintenance>,
    pub(super) rule: ServerAction<SetAlertRule>,
    pub(super) test: ServerAction<TestChannels>,
}

impl Acts {
    pub(super) fn new() -> Self {
        Self {
            acknowledge: action(),
            assign: action(),
            snooze: action(),
            resolve: action(),
            maintain: action(),
            end: action(),
            rule: action(),
            test: action(),
        }
    }

    /// How often something was done.
    pub(super) fn done(self) -> usize {
        let versions = [
            self.acknowledge.version(),
            self.assign.version(),
            self.snooze.version(),
            self.resolve.version(),
            self.maintain.version(),
            self.end.version(),
            self.rule.version(),
            self.test.version(),
        ];
        versions.into_iter().map(|version| version.get()).sum()
    }

    pub(super) fn failed(self) -> impl IntoView {
        [
            self.acknowledge.value().get().and_then(Result::err),
            self.assign.value().get().and_then(Result::err),
            self.snooze.value().get().and_then(Result::err),
            self.resolve.value().get().and_then(Result::err),
            self.maintain.value().get().and_then(Result::err),
            self.end.value().get().and_then(Result::err),
            self.rule.value().get().and_then(Result::err),
            self.test.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .map(|error| view! { <Failed error/> })
        .collect_view()
    }

    /// What the test of the channels came to.
    pub(super) fn tested(self) -> impl IntoView {
        self.test.value().get().and_then(Result::ok).map(|(passed, tested)| {
            let (class, icon) =
                if passed == tested { ("note note--ok", "check") } else { ("note note--warn", "alert") };
            let text = format!("{passed} of {tested} channels took the test message");
            view! { <div class=class role="status" data-testid="tested"><Icon name=icon/><div>{text}</div></div> }
        })
    }
}
