//! Small parts of the pages of rules.

use crate::{
    components::Icon,
    contract::rules::{EditorView, ProblemView, RuleStateView},
};
use leptos::prelude::*;

/// Where a rule stands.
pub(super) fn state_tag(state: &RuleStateView) -> impl IntoView + use<> {
    let (class, icon) = match state.code.as_str() {
        "active" => ("tag tag--ok", "check"),
        "stopped" => ("tag tag--bad", "critical"),
        "paused" => ("tag", "lock"),
        _ => ("tag tag--warn", "pen"),
    };
    view! { <span class=class data-testid="state"><Icon name=icon/>{state.label.clone()}</span> }
}

/// The problems of a part of the form: those of the field that are about this row, or about none.
pub(super) fn problems(
    editor: RwSignal<EditorView>,
    field: &'static str,
    row: Option<usize>,
) -> Memo<Vec<ProblemView>> {
    let fits = move |one: &&ProblemView| one.field == field && one.row == row;
    Memo::new(move |_| editor.with(|editor| editor.problems.iter().filter(fits).cloned().collect()))
}

/// What is wrong, beside where it is.
pub(super) fn wrong(problems: Memo<Vec<ProblemView>>) -> impl IntoView {
    let line = |one: ProblemView| {
        view! { <span class="hint bad row row--tight keep" data-testid="fault"><Icon name="critical"/><span>{sentence(&one.message)}</span></span> }
    };
    view! { <span class="wrong" role="alert">{move || problems.get().into_iter().map(line).collect_view()}</span> }
}

/// A message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// A choice of a form. What is chosen follows the page, whatever a person chose before.
pub(super) fn options(all: &[(String, String)], chosen: &str) -> impl IntoView + use<> {
    let known = all.iter().any(|(code, _)| code == chosen);
    // what was removed since stays to be seen
    let gone = (!known && !chosen.is_empty())
        .then(|| view! { <option value=chosen.to_owned() prop:selected=true selected=true>{format!("{chosen} (not there)")}</option> });
    let all = all
        .iter()
        .map(|(code, label)| view! { <option value=code.clone() prop:selected=code == chosen selected=code == chosen>{label.clone()}</option> })
        .collect_view();
    view! { {gone}{all} }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_is_a_sentence() {
        assert_eq!(super::sentence("choose 1 to 60 a minute"), "Choose 1 to 60 a minute.");
        assert_eq!(super::sentence("Did you mean that?"), "Did you mean that?");
        assert_eq!(super::sentence(""), ".");
    }
}
