//! When the form of a rule is read again while a person edits it.

use super::acts::Acts;
use crate::components::browser;
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use std::time::Duration;

/// The button that has the form read again.
pub(super) const CHECK: &str = "rule-check";
/// What is typed or chosen is checked after so long a rest: a button that is pressed right after it comes first.
const REST: Duration = Duration::from_millis(350);

/// Has the form read again when a person rests. A step that is taken before that reads it as well.
#[derive(Clone, Copy)]
pub(super) struct Check {
    acts: Acts,
    timer: StoredValue<Option<TimeoutHandle>>,
}

impl Check {
    /// For the form of these actions.
    pub(super) fn new(acts: Acts) -> Self {
        let check = Self { acts, timer: StoredValue::new(None) };
        Effect::watch(
            move || acts.edit.pending().get(),
            move |pending, _, _| {
                if *pending {
                    check.no_more();
                }
            },
            false,
        );
        on_cleanup(move || check.no_more());
        check
    }

    /// What was to be read is read.
    fn no_more(self) {
        if let Some(Some(timer)) = self.timer.try_get_value() {
            timer.clear();
        }
    }

    /// After a rest from now.
    pub(super) fn soon(self) {
        self.no_more();
        let now = move || {
            if self.acts.edit.pending().get_untracked() {
                self.soon();
            } else {
                browser::click_on(CHECK);
            }
        };
        self.timer.set_value(set_timeout_with_handle(now, REST).ok());
    }
}
