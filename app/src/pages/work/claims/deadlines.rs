//! Until when carriers take claims: the rules with their sources, and the form that replaces them.

use crate::{
    api::{self, PutDeadlines},
    components::{
        Failed, Frame, Icon, action,
        live::{followed, part},
        may,
    },
    contract::{
        claims::{DeadlineView, DeadlinesView},
        session::Permission,
    },
};
use leptos::{form::ActionForm, prelude::*};

/// The page.
#[component]
pub fn DeadlinesPage() -> impl IntoView {
    let put = action::<PutDeadlines>();
    let asked = Resource::new(move || put.version().get(), |_| api::get_deadlines());
    let failed = move || put.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Deadlines for claims">
            {failed}
            {followed(asked, move |asked| view! { <Page asked put/> })}
        </Frame>
    }
}

#[component]
fn Page(asked: Signal<DeadlinesView>, put: ServerAction<PutDeadlines>) -> impl IntoView {
    let rules = part(asked, |view| view.rules.clone());
    let shipped = part(asked, |view| view.shipped);
    let text = part(asked, |view| view.text.clone());
    view! {
        <nav class="crumbs" aria-label="Where"><a href="/claims">"Claims"</a><Icon name="right"/><span>"Deadlines"</span></nav>
        <div class="page__head"><div>
            <h1>"Deadlines for claims"</h1>
            <p>{move || if shipped.get() { "As they come with Milepost: published terms and laws, 2026. Your contract goes before them." } else { "As your administrator set them." }}</p>
        </div></div>
        <section class="table-box">
            <table class="table table--list">
                <caption class="sr">"Deadlines by carrier and reason"</caption>
                <thead><tr><th>"Carrier"</th><th>"Reason"</th><th>"File within"</th><th class="p3">"Answer within"</th><th>"Source"</th></tr></thead>
                <tbody>{move || rules.get().into_iter().map(line).collect_view()}</tbody>
            </table>
        </section>
        {may(Permission::Operate).then(|| view! {
            <section class="panel">
                <header><h2>"Change the rules"</h2></header>
                <div class="in">
                    <p class="small muted">"Open claims keep their deadline. The most precise rule counts: brand before family before every carrier, then a rule for the reason before one for all."</p>
                    <ActionForm action=put attr:class="stack stack--tight" attr:data-testid="put-deadlines">
                        <label class="field"><span>"Rules as JSON"</span><textarea class="input code" name="text" spellcheck="false" prop:value=move || text.get()>{text.get_untracked()}</textarea></label>
                        <div class="row"><button class="btn btn--go" type="submit">"Save rules"</button></div>
                    </ActionForm>
                </div>
            </section>
        })}
    }
}

fn line(rule: DeadlineView) -> impl IntoView {
    view! {
        <tr data-testid="deadline">
            <th scope="row" class="c11">{rule.carrier}</th>
            <td class="c21">{rule.reasons}</td>
            <td class="c12">{rule.words}</td>
            <td class="hide-s p3">{rule.answer}</td>
            <td class="hide-s small">{rule.source}{rule.check_contract.then(|| view! { " "<span class="tag tag--warn">"check your contract"</span> })}</td>
        </tr>
    }
}
