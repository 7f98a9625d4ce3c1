//! The list of differences: what each system says, side by side, and what mends it.

use super::acts::{Acts, PREVIEW};
use crate::{
    components::{Icon, Outside, StateMark, Time, browser::POP},
    contract::reconciliation::{DifferenceView, SaidView},
};
use domain::reconcile::Choice;
use leptos::{form::ActionForm, prelude::*};

/// What one system says.
fn said(name: &'static str, said: SaidView) -> impl IntoView {
    let SaidView { text, state, odd, note } = said;
    let value = match state {
        Some(state) => view! { <StateMark state/> }.into_any(),
        None => text.into_any(),
    };
    let value = if odd { view! { <span class="odd">{value}</span> }.into_any() } else { value };
    let note = (!note.is_empty()).then(|| view! { <small>{note}</small> });
    view! { <td class="says wide-s"><span class="only-s muted">{name}</span><span>{value}</span>{note}</td> }
}

/// The number and what leads to its pages.
fn identity(row: &DifferenceView) -> impl IntoView + use<> {
    let (name, order) = (row.name.clone(), row.order.clone());
    let name = match &row.shipment {
        Some(id) => view! { <a class="id" href=format!("/shipments/{id}")>{name}</a> }.into_any(),
        None => view! { <span class="id">{name}</span> }.into_any(),
    };
    let order = (!order.is_empty()).then(|| view! { <span class="id wide-only">" · "{order}</span> });
    view! { <small class="thin nowrap">{name}{order}</small> }
}

/// What a person can do about it.
fn action(row: DifferenceView, acts: Acts) -> impl IntoView {
    if !row.state.is_empty() {
        return view! { <span class="tag" data-testid="difference-state">{row.state}</span> }.into_any();
    }
    if row.choosable {
        let id = row.id;
        return view! {
            <ActionForm action=acts.fix attr:class="inline-form"><input type="hidden" name="chosen[ids][]" value=id/>
                <button class="btn btn--s" type="submit" data-testid="fix-one">{row.action}</button></ActionForm>
        }
        .into_any();
    }
    if row.choices.is_empty() {
        return view! { <span class="small muted">"Nothing to do"</span> }.into_any();
    }
    let (id, revision) = (row.id, row.revision);
    let choices_between_values = row.choices.len() > 1 && !row.topic.is_act();
    let choices = row
        .choices
        .into_iter()
        .map(|(choice, words)| {
            let value = match (choice, choices_between_values) {
                (_, false) => String::new(),
                (Choice::Keep, true) => row.odoo.text.clone(),
                (Choice::Write, true) => row.ours.text.clone(),
            };
            let class = if choice == Choice::Write { "btn btn--s btn--go" } else { "btn btn--s" };
            let id = id.clone();
            let beside = (!value.is_empty()).then(|| view! { <span class="small muted">{value}</span> });
            view! {
                <ActionForm action=acts.decide attr:class="row">
                    <input type="hidden" name="id" value=id/><input type="hidden" name="revision" value=revision.to_string()/>
                    <input type="hidden" name="choice" value=choice.code()/>
                    <button class=class type="submit" data-testid=format!("choose-{}", choice.code())>{words}</button>{beside}
                </ActionForm>
            }
        })
        .collect_view();
    let outside = row.url.map(|href| view! { <Outside href text="Open in Odoo"/> });
    let link = row.shipment.filter(|_| row.fix == "link_order").map(|id| {
        view! { <a class="btn btn--s btn--go" href=format!("/shipments/{id}")>"Link order"</a> }
    });
    view! {
        <details class="pop" name=POP>
            <summary class="btn btn--s" data-testid="decide">{row.action}</summary>
            <div class="pop__in stack stack--tight">{link}{choices}{outside}</div>
        </details>
    }
    .into_any()
}

fn owner(row: &DifferenceView, acts: Acts) -> impl IntoView + use<> {
    let id = row.id.clone();
    if !row.state.is_empty() && row.owner.is_none() {
        return view! { <span class="faint">"–"</span> }.into_any();
    }
    match row.owner.clone() {
        Some(name) => {
            let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
            let give_up = row.mine.then(|| view! {
                <ActionForm action=acts.assign attr:class="inline-form"><input type="hidden" name="id" value=id/><input type="hidden" name="mine" value="false"/>
                    <button class="linkish" type="submit">"Unassign"</button></ActionForm>
            });
            view! { <span class="row row--tight keep"><span class="avatar avatar--s" aria-hidden="true">{initials}</span><span class="cut owner">{name}</span>{give_up}</span> }.into_any()
        }
        None => view! {
            <ActionForm action=acts.assign attr:class="inline-form"><input type="hidden" name="id" value=id/><input type="hidden" name="mine" value="true"/>
                <button class="linkish" type="submit" data-testid="assign">"Assign to me"</button></ActionForm>
        }
        .into_any(),
    }
}

/// A row; `chosen`: a fix of it is previewed.
pub(super) fn row(row: DifferenceView, chosen: bool, acts: Acts) -> impl IntoView {
    let select = row.choosable.then(|| {
        let label = format!("Select {}, {}", row.title, row.name);
        view! { <input type="checkbox" form=PREVIEW name="preview" value=row.id.clone() aria-label=label checked=chosen/> }
    });
    let (title, cause) = (row.title.clone(), row.cause.label());
    let (identity, owner) = (identity(&row), owner(&row, acts));
    let (odoo, ours, desk) = (row.odoo.clone(), row.ours.clone(), row.desk.clone());
    let age = view! { <time datetime=row.since.iso.clone() title=row.since.full.clone()>{row.age.clone()}</time> };
    let topic = row.topic.code();
    view! {
        <tr data-testid="difference" data-topic=topic aria-selected=chosen.then_some("true")>
            <td class="hide-s">{select}</td>
            <th scope="row" class="two c11">{title}{identity}</th>
            {said("Odoo", odoo)}{said("Milepost", ours)}{said("Desk", desk)}
            <td class="num nowrap c12">{age}</td>
            <td class="hide-s p2 small muted">{cause}</td>
            <td class="nowrap hide-s p2">{owner}</td>
            <td class="num nowrap wide-s rec-act"><span class="only-s small muted">{cause}</span>{action(row, acts)}</td>
        </tr>
    }
}

/// The head of the table.
pub(super) fn head() -> impl IntoView {
    view! {
        <thead><tr>
            <th><span class="sr">"Select"</span></th><th>"Difference"</th><th>"Odoo says"</th><th>"Milepost says"</th><th>"Desk says"</th>
            <th class="num" aria-sort="descending">"Age"</th><th class="p2">"Cause"</th><th class="p2">"Owner"</th><th><span class="sr">"Fix"</span></th>
        </tr></thead>
    }
}

/// What a fix of the chosen ones comes to.
pub(super) fn fixbar(
    preview: crate::contract::reconciliation::PreviewView,
    acts: Acts,
    cancel: String,
) -> impl IntoView {
    let fixes = preview.fixes();
    let hidden = preview
        .ids
        .iter()
        .map(|id| view! { <input type="hidden" name="chosen[ids][]" value=id.clone()/> })
        .collect_view();
    let selected = format!("{} selected", preview.ids.len());
    let short = format!("{fixes} fixes, {} skipped, no customer is notified", preview.skipped);
    let skipped = (preview.skipped > 0).then(
        || view! { <span><b class="warn">{preview.skipped}</b>"skipped: fixed, changed or to be decided"</span> },
    );
    let figure = |n: u64, words: &'static str| view! { <span><b>{n}</b>{words}</span> };
    view! {
        <div class="fixbar" role="region" aria-label="Preview of the fix" data-testid="preview">
            <span><b>{selected}</b><br/><span class="small muted wide-only">"Preview of "<Time when=preview.at/></span><span class="small muted only-s">{short}</span></span>
            <span class="fixbar__n">{figure(preview.updates, "updates in Odoo")}{figure(preview.tickets, "tickets")}{figure(preview.taken, "taken from Odoo")}{skipped}{figure(0, "customers notified")}</span>
            <span class="row fixbar__do"><a class="btn btn--bare" href=cancel>"Cancel"</a>
                <ActionForm action=acts.fix attr:class="inline-form">{hidden}
                    <button class="btn btn--go" type="submit" disabled={fixes == 0} data-testid="fix-all"><Icon name="check"/>{format!("Fix {fixes}")}</button></ActionForm></span>
        </div>
    }
}
