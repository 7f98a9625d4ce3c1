//! The list of rules: when each looks, what it does, where it stands, what it came to.

use super::parts::state_tag;
use crate::{
    api::{self, SetFourEyes},
    components::{
        Failed, Frame, Icon, Time, action, browser,
        live::{followed, part, rows as keyed},
        parts::{Empty, grouped},
    },
    contract::rules::{RuleRow, RulesQuery, RulesTab, RulesView, StormView, VersionView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

/// From this share on the figure asks for a longer grace.
const MUCH_PERCENT: u8 = 80;

type Asked = (RulesQuery, RulesView);

/// The page.
#[component]
pub fn RulesPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| RulesQuery { view: RulesTab::of(&params.get().get("view").unwrap_or_default()) });
    let four_eyes = action::<SetFourEyes>();
    let asked = Resource::new(
        move || (query.get(), four_eyes.version().get()),
        |(query, _)| async move { api::get_rules(query.clone()).await.map(|view| (query, view)) },
    );
    browser::regularly(move || asked.refetch());
    let failed = move || four_eyes.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Rules">
            {failed}
            {followed(asked, move |asked| view! { <Page asked four_eyes/> })}
        </Frame>
    }
}

#[component]
fn Page(asked: Signal<Asked>, four_eyes: ServerAction<SetFourEyes>) -> impl IntoView {
    let may_edit = part(asked, |(_, view)| view.may_edit);
    let storms = part(asked, |(_, view)| view.storms.clone());
    let tabs = part(asked, |(query, view)| (query.view, view.counts.clone()));
    let second = part(asked, |(_, view)| (view.four_eyes, view.may_edit));
    let shown = part(asked, |(query, view)| (query.view, view.rules.is_empty()));
    let published = part(asked, |(_, view)| view.published.clone());
    let new = move || {
        may_edit.get().then(|| view! { <a class="btn btn--go" href="/rules/new" data-testid="new-rule"><Icon name="plus"/>"New rule"</a> })
    };
    view! {
        <div class="page__head">
            <div><h1>"Rules"</h1><p>"What Milepost does by itself, checked on every new event"</p></div>
            <div class="row push"><a class="btn" href="/rules/export.csv" rel="external" download="rules.csv" data-testid="export"><Icon name="csv"/>"Export"</a>{new}</div>
        </div>
        {move || storms.get().into_iter().map(storm).collect_view()}
        <nav class="tabs" aria-label="Rules">{move || tabs.with(|(here, counts)| tab_links(*here, counts))}</nav>
        {move || match shown.get() {
            (RulesTab::History, _) => published.with(|published| history(published)).into_any(),
            (tab, true) => none(tab).into_any(),
            (_, false) => table(asked).into_any(),
        }}
        {move || { let (on, may_edit) = second.get(); four_eyes_setting(on, may_edit, four_eyes) }}
    }
}

fn storm(storm: StormView) -> impl IntoView {
    let link =
        storm.href.map(|href| view! { <div class="row"><a class="btn btn--s" href=href>"Show the alert"</a></div> });
    view! { <div class="note" data-testid="storm"><Icon name="bolt"/><div><b>{storm.title}</b>" "{storm.text}</div>{link}</div> }
}

fn tab_links(here: RulesTab, counts: &[Option<u64>]) -> impl IntoView + use<> {
    let counts: Vec<Option<u64>> = counts.to_vec();
    RulesTab::ALL
        .iter()
        .zip(counts)
        .map(|(tab, n)| {
            let href = if tab.code().is_empty() { "/rules".to_owned() } else { format!("/rules?view={}", tab.code()) };
            let n = n.map(|n| view! { " "<span class="n">{grouped(n)}</span> });
            view! { <a href=href aria-current=(here == *tab).then_some("page")>{tab.label()}{n}</a> }
        })
        .collect_view()
}

fn table(asked: Signal<Asked>) -> impl IntoView {
    let list = part(asked, |(_, view)| view.rules.clone());
    let as_of = part(asked, |(_, view)| view.as_of.clone());
    view! {
        <div class="table-box"><table class="table table--list table--lead table--rules">
            <caption class="sr">"Rules"</caption>
            <thead><tr><th>"Rule"</th><th>"When"</th><th>"Then"</th><th>"State"</th><th class="num">"Fired, 7 days"</th><th>"Auto-resolved"</th><th class="p2">"Owner"</th></tr></thead>
            <tbody>{keyed(list, |row| row.id.clone(), row)}</tbody>
        </table>
        <p class="pager"><span>"Auto-resolved: the exception cleared before anybody acted. A high share asks for a longer grace period."</span><span class="push">{move || format!("as of {}", as_of.get())}</span></p></div>
    }
}

fn row(row: RuleRow) -> impl IntoView {
    let href = format!("/rules/{}", row.id);
    let state = &row.state;
    let version = match state.version {
        Some(0) => "built in".to_owned(),
        Some(version) => format!("v{version}"),
        None => state.draft.map(|draft| format!("v{draft}")).unwrap_or_default(),
    };
    let draft = state
        .draft
        .filter(|_| state.version.is_some())
        .map(|draft| if state.asked { format!("draft v{draft} asks for approval") } else { format!("draft v{draft}") });
    let why = (!state.why.is_empty()).then(|| view! { <small class="clamp">{state.why.clone()}</small> });
    let draft = draft.map(|draft| view! { <small class="wide-block"><a href=href.clone()>{draft}</a></small> });
    let share = row.auto_resolved.map(|share| format!(", {share} % auto-resolved")).unwrap_or_default();
    let trouble = trouble(&row);
    let short = row
        .fired
        .map(|fired| view! { <span class="only-s small rr">{format!("{} in 7 days{share}", grouped(fired))}</span> });
    let fired = row
        .fired
        .map_or_else(|| view! { <span class="faint">"–"</span> }.into_any(), |fired| grouped(fired).into_any());
    let tag = state_tag(state);
    view! {
        <tr data-testid="rule-row" data-rule=row.id.clone()>
            <th scope="row" class="c11"><a href=href data-row="">{row.name}</a></th>
            <td class="c2"><span class="clamp inl">{row.when}</span></td>
            <td class="c3"><span class="only-s muted">"Then "</span><span class="clamp inl">{row.then}</span>{short}</td>
            <td class="two c12"><span class="nowrap">{tag}" "<span class="id muted">{version}</span></span>{why}{draft}</td>
            <td class="num hide-s">{fired}{trouble}</td>
            <td class="hide-s">{resolved(row.auto_resolved)}</td>
            <td class="nowrap hide-s p2">{owner(row.owner)}</td>
        </tr>
    }
}

/// What failed or was delayed.
fn trouble(row: &RuleRow) -> impl IntoView + use<> {
    let part = |n: u64, word: &'static str, class: &'static str| {
        (n > 0).then(|| view! { <small class=class>{format!("{} {word}", grouped(n))}</small> })
    };
    view! { {part(row.failed, "failed", "blk bad")}{part(row.delayed, "delayed", "blk muted")} }
}

fn resolved(share: Option<u8>) -> impl IntoView {
    let Some(share) = share else { return view! { <span class="faint">"–"</span> }.into_any() };
    let class = if share >= MUCH_PERCENT { "strong" } else { "muted" };
    view! {
        <span class="row keep clock"><svg class="meter meter--calm" role="img" aria-label=format!("{share} % auto-resolved")><line x1="0" y1="3" x2=format!("{share}%") y2="3"></line></svg>
            <span class=class>{format!("{share} %")}</span></span>
    }
    .into_any()
}

fn owner(name: Option<String>) -> impl IntoView {
    let Some(name) = name else { return view! { <span class="faint">"–"</span> }.into_any() };
    let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
    view! { <span class="row row--tight keep"><span class="avatar avatar--s" aria-hidden="true">{initials}</span><span>{name}</span></span> }.into_any()
}

/// What was published of late.
fn history(published: &[(String, String, VersionView)]) -> impl IntoView + use<> {
    if published.is_empty() {
        return view! { <div class="table-box"><Empty title="Nothing was published yet">"The built-in versions run. What people publish appears here."</Empty></div> }.into_any();
    }
    let row = |(id, name, one): &(String, String, VersionView)| {
        let href = format!("/rules/{id}?compare={}#compare", one.version);
        let back = match one.back_to {
            Some(0) => ", back to the built-in version".to_owned(),
            Some(to) => format!(", back to v{to}"),
            None => String::new(),
        };
        let by = one.approved_by.as_ref().map(|by| format!(", published by {by}"));
        let runs = one.active.then(|| view! { <span class="tag tag--ok"><Icon name="check"/>"Active"</span> });
        view! {
            <tr data-testid="published">
                <th scope="row" class="c11"><a href=href>{name.clone()}</a></th>
                <td class="nowrap c12">{format!("v{}{back}", one.version)}" "{runs}</td>
                <td class="c2"><span class="clamp inl">{one.says.clone()}</span></td>
                <td class="c3">{one.by.clone()}{by}</td>
                <td class="nowrap hide-s">{one.at.clone().map(|at| view! { <Time when=at/> })}</td>
            </tr>
        }
    };
    let rows = published.iter().map(row).collect_view();
    view! {
        <div class="table-box"><table class="table table--list table--lead"><caption class="sr">"What was published, newest first"</caption>
            <thead><tr><th>"Rule"</th><th>"Version"</th><th>"What it says"</th><th>"By"</th><th>"When"</th></tr></thead><tbody>{rows}</tbody></table></div>
    }
    .into_any()
}

fn none(tab: RulesTab) -> impl IntoView {
    let (title, text) = match tab {
        RulesTab::Draft => ("No drafts", "A change of a rule is a draft until it is published."),
        RulesTab::Paused => ("Nothing is paused", "Rules that a person paused, or that Milepost stopped, appear here."),
        _ => ("No rule runs", "Every rule is paused or a draft: Milepost does nothing by itself."),
    };
    view! { <div class="table-box"><Empty title=title>{text}</Empty></div> }
}

/// Whether publishing needs a second person.
fn four_eyes_setting(on: bool, may_edit: bool, act: ServerAction<SetFourEyes>) -> impl IntoView {
    let words = if on {
        "A second person publishes: not the one who wrote the draft."
    } else {
        "Who wrote a draft may publish it."
    };
    let switch = may_edit.then(|| {
        let label = if on { "Four eyes: switch off" } else { "Four eyes: switch on" };
        view! {
            <ActionForm action=act attr:class="inline-form">
                <input type="hidden" name="on" value=(!on).to_string()/>
                <button class="switch" class:switch--on=on type="submit" role="switch" aria-checked=on.to_string() aria-label=label data-testid="four-eyes"></button>
            </ActionForm>
        }
    });
    view! {
        <section class="panel" aria-labelledby="four-eyes-title">
            <ul class="switches"><li><span><b id="four-eyes-title">"Four eyes"</b><br/><span class="small muted">{words}</span></span>{switch}</li></ul>
        </section>
    }
}
