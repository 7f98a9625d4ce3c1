//! The condition as a form: a row for each of its terms.

use super::{
    parts::{options, problems, wrong},
    text::WHEN,
};
use crate::{
    components::{Icon, browser, live::rows as keyed},
    contract::rules::{ChoicesView, EditorView, FieldView, RowForm},
};
use leptos::prelude::*;

/// The numbers with which a number can be compared.
const NUMBERS: &str = "numbers";

/// The rows with all that belongs to them.
pub(super) fn side(editor: RwSignal<EditorView>, choices: StoredValue<ChoicesView>, may_edit: bool) -> impl IntoView {
    let list =
        Memo::new(move |_| editor.with(|editor| editor.form.rows.iter().cloned().enumerate().collect::<Vec<_>>()));
    let none = move || {
        list.with(Vec::is_empty)
            .then(|| view! { <li class="small muted">"No condition: it acts whenever it looks."</li> })
    };
    let numbers = choices.with_value(|choices| {
        let numbers = choices.fields.iter().filter(|field| field.kind == "number");
        numbers.map(|field| view! { <option value=field.label.clone()></option> }).collect_view()
    });
    let add = may_edit.then(|| {
        view! {
            <p class="in row">
                <button class="btn btn--s" type="submit" name="rule[step]" value="add-row" id="add-row" data-testid="add-row"><Icon name="plus"/>"Condition"</button>
                <button class="btn btn--s btn--bare" type="submit" name="rule[step]" value="add-any"><Icon name="plus"/>"Any of…"</button>
                <button class="btn btn--s btn--bare plain-only" type="submit" name="rule[step]" value="check">"Apply to both sides"</button>
            </p>
        }
    });
    view! {
        <div class="cond-side">
            <h3>"Form"<span class="push">"all of these"</span></h3>
            <ol class="conds">{none}{keyed(list, |(n, _)| *n, move |(n, row)| one(n, row, editor, choices, may_edit))}</ol>
            <datalist id=NUMBERS>{numbers}</datalist>
            {add}
        </div>
    }
}

fn one(
    n: usize,
    row: RowForm,
    editor: RwSignal<EditorView>,
    choices: StoredValue<ChoicesView>,
    may_edit: bool,
) -> impl IntoView {
    let drop = may_edit.then(|| {
        let label = format!("Remove condition {}", n + 1);
        view! { <button class="btn btn--bare btn--icon" type="submit" name="rule[step]" value=format!("drop-row:{n}") aria-label=label><Icon name="x"/></button> }
    });
    if row.field.is_empty() {
        return text_row(n, row, editor, drop).into_any();
    }
    let fault = problems(editor, "when", Some(n));
    let name = |part: &str| format!("rule[rows][{n}][{part}]");
    let field = choices.with_value(|choices| choices.fields.iter().find(|field| field.path == row.field).cloned());
    let fields: Vec<(String, String)> = choices
        .with_value(|choices| choices.fields.iter().map(|field| (field.path.clone(), field.label.clone())).collect());
    let operators = field.as_ref().map(|field| field.operators.clone()).unwrap_or_default();
    let nth = n + 1;
    view! {
        <li class="cond" data-testid="condition">
            <select class="input" id=format!("row-{n}-field") name=name("field") aria-label=format!("Condition {nth}, field")>{options(&fields, &row.field)}</select>
            <select class="input" id=format!("row-{n}-operator") name=name("operator") aria-label=format!("Condition {nth}, comparison")>{options(&operators, &row.operator)}</select>
            {value(n, &row, field)}
            {drop}
            {wrong(fault)}
        </li>
    }
    .into_any()
}

/// What the field is compared with.
fn value(n: usize, row: &RowForm, field: Option<FieldView>) -> impl IntoView + use<> {
    let Some(field) = field else { return ().into_any() };
    let (id, label) = (format!("row-{n}-value"), format!("Condition {}, value", n + 1));
    let (typed, values) = (format!("rule[rows][{n}][typed]"), format!("rule[rows][{n}][values][]"));
    match (row.operator.as_str(), field.codes.is_empty()) {
        ("yes" | "no", _) => view! { <span class="cond__none"></span> }.into_any(),
        ("one_of" | "not_one_of", false) => {
            let chosen: Vec<String> = field
                .codes
                .iter()
                .filter(|(code, _)| row.values.contains(code))
                .map(|(_, label)| label.clone())
                .collect();
            let shown = if chosen.is_empty() { "Choose…".to_owned() } else { chosen.join(", ") };
            let boxes = field
                .codes
                .into_iter()
                .map(|(code, label)| {
                    let on = row.values.contains(&code);
                    view! { <label><input type="checkbox" name=values.clone() value=code prop:checked=on checked=on/>{label}</label> }
                })
                .collect_view();
            let said = format!("{label}: {shown}");
            view! {
                <details class="multi" name=browser::POP><summary class="input" id=id aria-label=said><span>{shown}</span><Icon name="down"/></summary>
                    <div class="multi__in" role="group" aria-label=label>{boxes}</div></details>
            }
            .into_any()
        }
        (_, false) => {
            let chosen = row.values.first().cloned().unwrap_or_default();
            view! { <select class="input" id=id name=values aria-label=label>{options(&field.codes, &chosen)}</select> }
                .into_any()
        }
        (operator, true) => {
            let is_number = field.kind == "number";
            let hint = match (is_number, operator) {
                (true, _) => "24",
                (false, "one_of" | "not_one_of") => "DE, AT",
                (false, _) => "",
            };
            let list = is_number.then_some(NUMBERS);
            view! { <input class="input" id=id name=typed prop:value=row.typed.clone() value=row.typed.clone() list=list placeholder=hint maxlength="500" autocomplete="off" aria-label=label/> }
                .into_any()
        }
    }
}

/// What the form cannot show.
fn text_row(n: usize, row: RowForm, editor: RwSignal<EditorView>, drop: Option<impl IntoView>) -> impl IntoView {
    let bad = move || editor.with(|editor| editor.problems.iter().any(|one| one.row == Some(n) && one.at.is_some()));
    let line = row.line;
    let mark = move || {
        if bad() {
            view! { <Icon name="critical" class="bad"/> }.into_any()
        } else {
            view! { <Icon name="doc"/> }.into_any()
        }
    };
    let words = move || match (bad(), line) {
        (true, line) => format!("Line {line} has an error and is shown as text only"),
        (false, line) => format!("Line {line} is text only: the form cannot show it"),
    };
    view! {
        <li class="cond cond--text" class:cond--bad=bad data-testid="text-row">
            <input type="hidden" name=format!("rule[rows][{n}][text]") value=row.text/>
            <input type="hidden" name=format!("rule[rows][{n}][line]") value=line.to_string()/>
            {mark}<span>{words}</span><a href=format!("#{WHEN}")>{format!("Go to line {line}")}</a>{drop}
        </li>
    }
}
