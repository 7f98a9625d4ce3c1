//! The next step of each reason: a company's own text goes before the shipped one.

use super::acts::{Acts, address};
use crate::contract::playbooks::{PlaybooksQuery, STEP_CHARS_MAX, StepRow};
use domain::Category;
use leptos::{form::ActionForm, prelude::*};

/// The list, a group for each category; the reason that is edited has a form.
pub(super) fn list(edited: &str, rows: Vec<StepRow>, acts: Acts) -> impl IntoView + use<> {
    let edited = edited.to_owned();
    // 80 reasons are a long page: it begins with its parts
    let parts =
        Category::ALL.iter().filter(|category| rows.iter().any(|row| row.category == **category)).map(|category| {
            view! { <a class="chip" href=format!("#category-{}", category.code())>{category.label()}</a> }
        });
    let parts = parts.collect_view();
    let groups = Category::ALL
        .iter()
        .filter_map(|category| {
            let of: Vec<_> = rows.iter().filter(|row| row.category == *category).cloned().collect();
            (!of.is_empty()).then(|| group(*category, of, &edited, acts))
        })
        .collect_view();
    view! {
        <nav class="chips" aria-label="Categories">{parts}</nav>
        <div class="table-box">
            <table class="table table--list table--lead table--top steps">
                <caption class="sr">"Next steps by category of the reason"</caption>
                <thead><tr><th>"Reason"</th><th>"Next step"</th><th>"Text"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{groups}</tbody>
            </table>
        </div>
    }
}

fn group(category: Category, rows: Vec<StepRow>, edited: &str, acts: Acts) -> impl IntoView + use<> {
    let number = rows.len();
    let rows = rows.into_iter().map(|row| step(row, edited, acts)).collect_view();
    view! {
        <tr class="group" id=format!("category-{}", category.code())><th colspan="4" scope="rowgroup" class="wide-s">{category.label()}" "<span class="muted thin">{number}</span></th></tr>
        {rows}
    }
}

fn step(row: StepRow, edited: &str, acts: Acts) -> impl IntoView + use<> {
    let code = row.reason.code();
    let own = row.shipped.is_some();
    let text = match edited == code {
        true => form(row.clone(), acts).into_any(),
        false => view! { <span data-testid="step-text">{row.text.clone()}</span> }.into_any(),
    };
    let href = format!("{}#{code}", address(&PlaybooksQuery { reason: code.to_owned(), ..PlaybooksQuery::default() }));
    let label = format!("Edit the next step of {}", row.reason.label());
    view! {
        <tr id=code data-testid="step" data-reason=code>
            <th scope="row" class="two nowrap c11">{row.reason.label()}<small class="mono thin hide-s">{code}</small></th>
            <td class="fill c2">{text}</td>
            <td class="nowrap c12">{own.then(|| view! { <span class="tag tag--info">"Own text"</span> })}</td>
            <td class="num wide-s">{(edited != code).then(|| view! { <a class="btn btn--s" href=href aria-label=label data-testid="edit-step">"Edit"</a> })}</td>
        </tr>
    }
}

fn form(row: StepRow, acts: Acts) -> impl IntoView {
    let code = row.reason.code();
    let label = format!("Next step of {}", row.reason.label());
    let shipped = row.shipped.clone().map(|text| view! { <p class="small muted">"Shipped text: "{text}</p> });
    let back = row.shipped.is_some().then(|| {
        view! {
            <ActionForm action=acts.step attr:class="inline-form">
                <input type="hidden" name="reason" value=code/><input type="hidden" name="text" value=""/>
                <button class="btn btn--s" type="submit" data-testid="shipped-step">"Use the shipped text"</button>
            </ActionForm>
        }
    });
    view! {
        <div class="stack stack--tight">
            <ActionForm action=acts.step attr:class="stack stack--tight">
                <input type="hidden" name="reason" value=code/>
                <textarea class="input" name="text" rows="3" maxlength=STEP_CHARS_MAX.to_string() required aria-label=label>{row.text.clone()}</textarea>
                <div class="row"><button class="btn btn--s btn--go" type="submit" data-testid="save-step">"Save"</button><a class="btn btn--s btn--bare" href="/playbooks">"Cancel"</a></div>
            </ActionForm>
            {shipped}{back}
        </div>
    }
}
