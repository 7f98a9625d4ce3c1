//! Targets of figures, and remarks about days that were unlike others.

use crate::{
    api::{self, Annotate, RemoveRemark, SetTarget},
    components::{Failed, Frame, Icon, Time, action, figures::Definition, live::followed, may},
    contract::{
        figures::Narrowing,
        reports::{RemarkRow, TargetRow, TargetsView},
        session::Permission,
    },
};
use leptos::{form::ActionForm, prelude::*};

/// The page.
#[component]
pub fn TargetsPage() -> impl IntoView {
    let (set, annotate, remove) = (action::<SetTarget>(), action::<Annotate>(), action::<RemoveRemark>());
    let asked = Resource::new(
        move || (set.version().get(), annotate.version().get(), remove.version().get()),
        |_| api::get_targets(),
    );
    let failed = move || {
        let errors = [
            set.value().get().and_then(Result::err),
            annotate.value().get().and_then(Result::err),
            remove.value().get().and_then(Result::err),
        ];
        errors.into_iter().flatten().next().map(|error| view! { <Failed error/> })
    };
    view! {
        <Frame title="Targets and remarks">
            <nav class="crumbs" aria-label="Where"><a href="/reports">"Reports"</a><Icon name="right"/><span>"Targets and remarks"</span></nav>
            <div class="page__head"><div><h1>"Targets and remarks"</h1><p>"What each figure means and should reach, and which days were unlike others."</p></div></div>
            {failed}
            {followed(asked, move |asked| move || page(asked.get(), set, annotate, remove))}
        </Frame>
    }
}

fn page(
    view: TargetsView,
    set: ServerAction<SetTarget>,
    annotate: ServerAction<Annotate>,
    remove: ServerAction<RemoveRemark>,
) -> AnyView {
    let rows: Vec<AnyView> = view.rows.iter().map(|row| target(row, set)).collect();
    let remarks: Vec<AnyView> = view.remarks.iter().map(|row| remark(row, remove)).collect();
    let none = remarks.is_empty().then(|| view! { <p class="in muted" data-testid="no-remarks">"No remarks yet. A strike or a storm that is noted here stands on the charts of those days."</p> });
    let add = may(Permission::Operate).then(|| remark_form(&view, annotate));
    view! {
        <section class="panel" id="remarks"><header><h2>"Remarks about days"</h2></header>
            {none}
            <ul class="remarks">{remarks}</ul>
            {add}
        </section>
        <section class="table-box">
            <table class="table table--list"><caption class="sr">"Targets of figures"</caption>
                <thead><tr><th>"Figure"</th><th>"Usual target"</th><th>"Target"</th><th>"Definition"</th></tr></thead>
                <tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}

fn target(row: &TargetRow, set: ServerAction<SetTarget>) -> AnyView {
    let unit = row.unit.clone();
    let usual = if row.usual.is_empty() { "none".to_owned() } else { format!("{} {unit}", row.usual) };
    let now = match (row.set.is_empty(), may(Permission::Operate)) {
        (true, false) => "as usual".to_owned(),
        (false, false) => format!("{} {} {unit}", row.way, row.set),
        (_, true) => String::new(),
    };
    let label = format!("Target of {}", row.title);
    let form = may(Permission::Operate).then(|| {
        let (id, set_to, test) = (row.id.clone(), row.set.clone(), format!("set-{}", row.id));
        view! {
            <ActionForm action=set attr:class="row row--tight">
                <input type="hidden" name="figure" value=id/>
                <input class="input input--s" name="target" inputmode="decimal" value=set_to placeholder="as usual" aria-label=label maxlength="12"/>
                <span class="small muted">{unit}</span>
                <button class="btn btn--s" type="submit" data-testid=test>"Set"</button>
            </ActionForm>
        }
    });
    view! {
        <tr id=format!("figure-{}", row.id) data-testid="target">
            <th scope="row" class="c11">{row.title.clone()}</th><td class="c12">{usual}</td>
            <td class="c21">{now}{form}</td><td class="c22"><Definition definition=row.definition.clone()/></td>
        </tr>
    }
    .into_any()
}

fn remark(row: &RemarkRow, remove: ServerAction<RemoveRemark>) -> AnyView {
    let words = if row.text.is_empty() { String::new() } else { format!(": {}", row.text) };
    let left_out = row.left_out.then(|| view! { <span class="tag">"Not learned from"</span> });
    let away = may(Permission::Operate).then(|| {
        let (id, label) = (row.id.clone(), format!("Remove {} of {}", row.kind, row.days));
        view! {
            <ActionForm action=remove><input type="hidden" name="id" value=id/>
                <button class="btn btn--s btn--bare" type="submit" aria-label=label data-testid="remove-remark"><Icon name="x"/></button></ActionForm>
        }
    });
    view! {
        <li class="row" data-testid="remark"><div><b>{row.kind.clone()}</b>{words}" "{left_out}
            <p class="small muted">{format!("{} · {} · {} ", row.days, row.carrier, row.by)}<Time when=row.when.clone()/></p></div>
            <span class="push">{away}</span></li>
    }
    .into_any()
}

fn remark_form(view: &TargetsView, annotate: ServerAction<Annotate>) -> AnyView {
    let option = |one: &Narrowing| view! { <option value=one.code.clone()>{one.label.clone()}</option> }.into_any();
    let kinds: Vec<AnyView> = view.kinds.iter().map(option).collect();
    let carriers: Vec<AnyView> = view.carriers.iter().map(option).collect();
    let (first, last) = (view.today.clone(), view.today.clone());
    view! {
        <ActionForm action=annotate attr:class="in report-form__row" attr:data-testid="annotate">
            <label class="field"><span>"About"</span><select class="input" name="form[kind]">{kinds}</select></label>
            <label class="field"><span>"First day"</span><input class="input" type="date" name="form[first]" value=first required/></label>
            <label class="field"><span>"Last day"</span><input class="input" type="date" name="form[last]" value=last/></label>
            <label class="field"><span>"Carrier"</span><select class="input" name="form[carrier]"><option value="">"All carriers"</option>{carriers}</select></label>
            <label class="field"><span>"In a few words"</span><input class="input" name="form[text]" maxlength="80" placeholder="Depot strike, north"/></label>
            <label class="row row--tight"><input type="checkbox" name="form[left_out]" value="on"/><span>"Do not learn transit times from these days"</span></label>
            <div class="row"><button class="btn btn--go" type="submit" data-testid="add-remark">"Add remark"</button></div>
        </ActionForm>
    }
    .into_any()
}
