//! What a rule does: its actions in words, each with its form.

use super::parts::{options, problems, wrong};
use crate::{
    components::{Icon, live::rows as keyed},
    contract::rules::{ActionFieldView, ActionForm, ActionKindView, ChoicesView, EditorView},
};
use leptos::prelude::*;

/// An action in its place: its form, in words, whether it is shown open.
type Placed = (usize, ActionForm, (String, String), bool);

/// The panel.
pub(super) fn panel(editor: RwSignal<EditorView>, choices: StoredValue<ChoicesView>, may_edit: bool) -> impl IntoView {
    let list = Memo::new(move |before| editor.with(|editor| placed(editor, before)));
    let count = Memo::new(move |_| list.with(Vec::len));
    let said = move || match count.get() {
        0 => "nothing yet".to_owned(),
        1 => "1 action".to_owned(),
        n => format!("{n} actions, in this order"),
    };
    let row = move |(n, form, words, open): Placed| {
        let kind = choices.with_value(|all| all.actions.iter().find(|kind| kind.code == form.kind).cloned());
        let quiet = editor.with_untracked(|editor| !editor.form.quiet_from.is_empty())
            && matches!(form.kind.as_str(), "alert" | "message_customer");
        let last = n + 1 == count.get_untracked();
        action(n, form, words, Shown { kind, quiet, open, last, may_edit }, editor).into_any()
    };
    let add = may_edit.then(|| {
        let kinds = choices.with_value(|all| {
            all.actions.iter().map(|kind| (kind.code.clone(), kind.label.clone())).collect::<Vec<_>>()
        });
        view! {
            <p class="in row">
                <select class="input input--auto" name="rule[new_action]" aria-label="Kind of action" data-testid="new-action">{options(&kinds, "open_case")}</select>
                <button class="btn btn--s" type="submit" name="rule[step]" value="add-action" id="add-action" data-testid="add-action"><Icon name="plus"/>"Action"</button>
            </p>
        }
    });
    view! {
        <section class="panel" id="then">
            <header><h2>"Then"</h2><span class="push">{said}</span></header>
            <ol class="acts-l">{keyed(list, |(n, ..)| *n, row)}</ol>
            <div class="in in--wrong">{wrong(problems(editor, "then", None))}</div>
            {add}
        </section>
    }
}

/// An action that was opened for its error stays open when that is corrected: somewhere in it a person types.
fn placed(editor: &EditorView, before: Option<&Vec<Placed>>) -> Vec<Placed> {
    let was_open = |n: usize, kind: &str| {
        before.and_then(|before| before.get(n)).is_some_and(|(_, form, _, open)| *open && form.kind == kind)
    };
    let bad = |n: usize| editor.problems.iter().any(|one| one.field == "then" && one.row == Some(n));
    let of = |(n, form): (usize, &ActionForm)| {
        let words = editor.actions.get(n).cloned().unwrap_or_default();
        let open = bad(n) || editor.focus == format!("action-{n}") || was_open(n, &form.kind);
        (n, form.clone(), words, open)
    };
    editor.form.then.iter().enumerate().map(of).collect()
}

struct Shown {
    kind: Option<ActionKindView>,
    quiet: bool,
    open: bool,
    last: bool,
    may_edit: bool,
}

fn action(
    n: usize,
    form: ActionForm,
    (what, how): (String, String),
    shown: Shown,
    editor: RwSignal<EditorView>,
) -> impl IntoView {
    let Shown { kind, quiet, open, last, may_edit } = shown;
    let icon = kind.as_ref().map_or_else(|| "bolt".to_owned(), |kind| kind.icon.clone());
    let (fields, known) = kind.map(|kind| (kind.fields, kind.words)).unwrap_or_default();
    let has_text = fields.iter().any(|field| field.input == "text");
    let inputs = fields.into_iter().map(|field| input(n, field, &form)).collect_view();
    let words = has_text.then(|| {
        let words = known
            .into_iter()
            .map(|(word, about)| view! { <dt class="mono">{format!("{{{word}}}")}</dt><dd>{about}</dd> })
            .collect_view();
        view! { <details class="known"><summary>"Words in braces"<Icon name="down"/></summary><dl class="known__list">{words}</dl></details> }
    });
    let step = move |what: &str, label: &str, icon: &'static str, off: bool| {
        let label = format!("{label} action {}", n + 1);
        view! { <button class="btn btn--s btn--icon" type="submit" name="rule[step]" value=format!("{what}:{n}") disabled=off aria-label=label><Icon name=icon/></button> }
    };
    let steps = may_edit.then(|| {
        view! { <div class="row row--tight">{step("raise-action", "Move up", "up", n == 0)}{step("lower-action", "Move down", "down", last)}{step("drop-action", "Remove", "x", false)}</div> }
    });
    let quiet = quiet.then(|| view! { <span class="tag"><Icon name="snooze"/>"quiet hours"</span> });
    view! {
        <li data-testid="action" data-kind=form.kind.clone()>
            <input type="hidden" name=format!("rule[then][{n}][kind]") value=form.kind.clone()/>
            <details open=open>
                <summary id=format!("action-{n}")><Icon name=icon/>
                    <span><span class="act__t">{what}</span><br/><span class="small muted wrap-any">{how}</span></span>
                    <span class="row row--tight keep">{quiet}<Icon name="pen"/></span></summary>
                <div class="act__in fields">{inputs}</div>
                {words}
                {wrong(problems(editor, "then", Some(n)))}
                {steps}
            </details>
        </li>
    }
}

fn input(n: usize, field: ActionFieldView, form: &ActionForm) -> impl IntoView + use<> {
    let ActionFieldView { name, label, input, hint, options: all } = field;
    let id = format!("action-{n}-{}", name.replace('.', "-"));
    let sent_as = format!("rule[then][{n}][fields][{name}]");
    let value = form.fields.get(&name).cloned().unwrap_or_default();
    let described = (!hint.is_empty()).then(|| format!("{id}-hint"));
    let wide = if input == "text" { "field field--wide" } else { "field" };
    // one text has 1000 characters; translations are many
    let most = if name == "text" { "1000" } else { "30000" };
    let control = match input.as_str() {
        "choice" => view! { <select class="input" id=id.clone() name=sent_as aria-describedby=described.clone()>{options(&all, &value)}</select> }.into_any(),
        "text" => view! { <textarea class="input" id=id.clone() name=sent_as rows="2" maxlength=most aria-describedby=described.clone() prop:value=value.clone()>{value.clone()}</textarea> }.into_any(),
        "number" => view! { <input class="input" id=id.clone() name=sent_as inputmode="numeric" maxlength="6" prop:value=value.clone() value=value aria-describedby=described.clone()/> }.into_any(),
        _ => view! { <input class="input" id=id.clone() name=sent_as maxlength="100" prop:value=value.clone() value=value aria-describedby=described.clone()/> }.into_any(),
    };
    let hint = described.map(|id| view! { <span class="hint" id=id>{hint}</span> });
    view! { <div class=wide><label for=id>{label}</label>{control}{hint}</div> }
}
