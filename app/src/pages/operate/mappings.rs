//! Codes without a mapping: what they are, how often they come, and the form that maps them.

use crate::{
    api::{self, PublishMeaning, RollBackMapping},
    components::{
        Failed, Frame, Icon, Time, action, browser,
        live::{followed, part, rows},
        parts::{Empty, grouped},
    },
    contract::{
        ApiError,
        mappings::{AskedCode, ChangeView, CodeView, MappingQuery, MappingsView, SampleView, VersionView},
    },
};
use domain::{ExceptionReason, Milestone, visible::visible};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

/// The page's address.
pub const UNMAPPED: &str = "/mappings/unmapped";

fn question(params: &ParamsMap) -> MappingQuery {
    let part = |name: &str| params.get(name).unwrap_or_default();
    MappingQuery { list: part("list"), value: part("code") }
}

/// Where a code gets its meaning.
pub(crate) fn form_of(list: &str, value: &str) -> String {
    let mut params = ParamsMap::new();
    params.insert("list", list.to_owned());
    params.insert("code", value.to_owned());
    format!("{UNMAPPED}{}#means", params.to_query_string())
}

/// The page of unmapped codes.
#[component]
pub fn MappingsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let (publish, back) = (action::<PublishMeaning>(), action::<RollBackMapping>());
    let mappings = Resource::new(
        move || (query.get(), publish.version().get() + back.version().get()),
        |(query, _)| api::get_mappings(query),
    );
    browser::acted(move || publish.version().get() + back.version().get());
    let failed = move || {
        [publish.value().get().and_then(Result::err), back.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .map(|error: ApiError| view! { <Failed error/> })
            .collect_view()
    };
    let published = move || {
        params.get().get("published").and_then(|version| version.parse::<u32>().ok()).map(|version| {
            view! {
                <div class="note note--ok" role="status">
                    <Icon name="check"/>
                    <div>{format!("Version {version} is published. Affected events are being reprocessed. No notifications are sent.")}</div>
                </div>
            }
        })
    };
    view! {
        <Frame title="Unmapped codes">
            <div class="page__head"><div>
                <h1>"Unmapped codes"</h1>
                <p>"Carrier codes without a mapping. Events are stored and counted, never guessed."</p>
            </div></div>
            {failed}{published}
            {followed(mappings, move |view| view! { <Mappings view publish back/> })}
        </Frame>
    }
}

#[component]
fn Mappings(
    view: Signal<MappingsView>,
    publish: ServerAction<PublishMeaning>,
    back: ServerAction<RollBackMapping>,
) -> impl IntoView {
    let none = part(view, |view| view.total == 0);
    let newest = part(view, |view| view.version);
    let asked = part(view, |view| view.asked.clone());
    let more = part(view, |view| usize::try_from(view.total).unwrap_or(usize::MAX).saturating_sub(view.codes.len()));
    let codes = part(view, |view| view.codes.clone());
    let code = move |code: CodeView| {
        let this = |asked: &AskedCode| asked.list == code.list && asked.value == code.value;
        let open = asked.with(|asked| asked.as_ref().is_some_and(this));
        view! { <OneCode code open/> }
    };
    let history = rows(
        part(view, |view| view.versions.clone()),
        |version| version.version,
        move |version| view! { <OneVersion newest=newest.get() version back/> },
    );
    view! {
        {move || asked.get().map(|code| view! { <Means code publish/> })}
        <section class="table-box">
            {move || if none.get() {
                view! { <Empty title="No unmapped codes">"Carrier codes without a mapping appear here, with the shipments that have them."</Empty> }.into_any()
            } else {
                view! {
                    <table class="table table--list">
                        <caption class="sr">"Unmapped codes, most frequent first"</caption>
                        <thead><tr>
                            <th>"Code"</th><th>"Carrier description"</th><th class="num">"Occurrences"</th><th class="num">"Shipments"</th>
                            <th class="p3">"First seen"</th><th>"Last seen"</th><th>"Samples"</th><th><span class="sr">"Actions"</span></th>
                        </tr></thead>
                        <tbody>{rows(codes, |code| (code.list.clone(), code.value.clone()), code)}</tbody>
                    </table>
                }.into_any()
            }}
            {move || Some(more.get()).filter(|more| *more > 0).map(|more| view! { <div class="pager"><span>{format!("{more} rarer codes are not shown")}</span></div> })}
        </section>
        <section class="panel">
            <header><h2>"Published versions"</h2></header>
            {history}
        </section>
    }
}

#[component]
fn OneCode(code: CodeView, open: bool) -> impl IntoView {
    let CodeView { list, value, seen, shipments, first, last, words, samples } = code;
    let href = form_of(&list, &value);
    let (list, value) = (visible(&list).into_owned(), visible(&value).into_owned());
    let label = format!("Map {list} {value}");
    view! {
        <tr data-testid="unmapped-row" aria-selected=open.then_some("true")>
            <th scope="row" class="two c11"><span class="mono wrap-any">{value}</span><small>{list}</small></th>
            <td class="c2">{words_view(words)}</td>
            <td class="num hide-s">{grouped(seen)}</td>
            <td class="num hide-s">{grouped(shipments)}</td>
            <td class="nowrap hide-s p3"><Time when=first/></td>
            <td class="nowrap c12"><Time when=last/><span class="only-s muted">{format!(" · {} occurrences", grouped(seen))}</span></td>
            <td class="c3"><Samples samples/></td>
            <td class="wide-s"><a class="btn btn--s" href=href aria-label=label data-testid="map">"Map"</a></td>
        </tr>
    }
}

fn words_view(words: Vec<String>) -> AnyView {
    if words.is_empty() {
        return view! { <span class="muted">"none"</span> }.into_any();
    }
    words.into_iter().map(|text| view! { <span class="words">{format!("“{text}”")}</span> }).collect_view().into_any()
}

#[component]
fn Samples(samples: Vec<SampleView>) -> impl IntoView {
    let links = samples
        .into_iter()
        .map(|s| view! { <a class="id" href=format!("/shipments/{}", s.shipment)>{s.number}</a> })
        .collect_view();
    view! { <span class="samples">{links}</span> }
}

/// The form that gives a code its meaning.
#[component]
fn Means(code: AskedCode, publish: ServerAction<PublishMeaning>) -> impl IntoView {
    let AskedCode { list, value, observations, means, ours, words } = code;
    let title = format!("Map {}", visible(&value));
    let shown_list = visible(&list).into_owned();
    let take_back = ours.then(|| view! { <TakeBack list=list.clone() value=value.clone() publish/> });
    let now = means.map_or_else(|| "Not mapped.".to_owned(), |means| format!("Now: {means}."));
    let again = match observations {
        0 => "No event has this code yet.".to_owned(),
        1 => "1 event will be reprocessed.".to_owned(),
        n => format!("{} events will be reprocessed.", grouped(n)),
    };
    view! {
        <section class="panel" id="means" data-testid="means">
            <header><h2>{title}</h2><span class="push mono">{shown_list}</span></header>
            <div class="in stack">
                <p class="small">{now}" "{(!words.is_empty()).then(|| words_view(words))}</p>
                <ActionForm action=publish attr:class="means">
                    <input type="hidden" name="meaning[list]" value=list.clone()/>
                    <input type="hidden" name="meaning[value]" value=value.clone()/>
                    <div class="field">
                        <label for="milestone">"Milestone"</label>
                        <select class="input" id="milestone" name="meaning[milestone]" required>
                            <option value="" selected>"Choose a milestone"</option>
                            {Milestone::ALL.iter().map(|m| view! { <option value=m.code() title=m.definition()>{m.label()}</option> }).collect_view()}
                        </select>
                    </div>
                    <div class="field">
                        <label for="reason">"Exception, if it reports one"</label>
                        <select class="input" id="reason" name="meaning[reason]">
                            <option value="" selected>"None"</option>
                            {ExceptionReason::ALL.iter().map(|r| view! { <option value=r.code()>{r.label()}</option> }).collect_view()}
                        </select>
                    </div>
                    <div class="field">
                        <label for="why">"Reason"</label>
                        <input class="input" id="why" name="meaning[why]" maxlength="500" required placeholder="Source, e.g. carrier documentation"/>
                    </div>
                    <div class="row">
                        <button class="btn btn--go" type="submit" data-testid="publish">"Publish"</button>
                        <a class="btn btn--bare" href=UNMAPPED>"Cancel"</a>
                        <span class="small muted" data-testid="again">{again}" Odoo fields are updated; no notes or tickets."</span>
                    </div>
                </ActionForm>
                {take_back}
            </div>
        </section>
    }
}

/// Removes what an admin published for a code: the built-in mapping applies again.
#[component]
fn TakeBack(list: String, value: String, publish: ServerAction<PublishMeaning>) -> impl IntoView {
    view! {
        <details>
            <summary class="small">"Remove mapping"</summary>
            <ActionForm action=publish attr:class="row">
                <input type="hidden" name="meaning[list]" value=list/>
                <input type="hidden" name="meaning[value]" value=value/>
                <input type="hidden" name="meaning[milestone]" value=""/>
                <label class="sr" for="why-back">"Why"</label>
                <input class="input" id="why-back" name="meaning[why]" maxlength="500" required placeholder="Why"/>
                <button class="btn btn--s" type="submit">"Remove mapping"</button>
            </ActionForm>
        </details>
    }
}

#[component]
fn OneVersion(version: VersionView, newest: u32, back: ServerAction<RollBackMapping>) -> impl IntoView {
    let VersionView { version, who, when, why, changes, more } = version;
    let current = version == newest;
    let title = if version == 0 { "Built-in mapping".to_owned() } else { format!("Version {version}") };
    let changes = changes.into_iter().map(change).collect_view();
    view! {
        <div class="in version" data-testid="version">
            <div class="row">
                <b>{title}</b>
                {current.then(|| view! { <span class="tag tag--ok">"Active"</span> })}
                <span class="small muted">{who}{when.map(|when| view! { " · "<Time when/> })}</span>
            </div>
            {(!why.is_empty()).then(|| view! { <p class="small wrap-any">{why}</p> })}
            <ul class="changes small">{changes}{(more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> })}</ul>
            {(!current).then(|| view! { <RollBack version back/> })}
        </div>
    }
}

fn change(change: ChangeView) -> impl IntoView {
    let href = form_of(&change.list, &change.value);
    view! {
        <li><a class="mono wrap-any" href=href>{visible(&change.value).into_owned()}</a><span class="muted">{format!(" in {}: ", visible(&change.list))}</span>{change.means}</li>
    }
}

#[component]
fn RollBack(version: u32, back: ServerAction<RollBackMapping>) -> impl IntoView {
    let id = format!("back-{version}");
    let label = format!("Reason for the roll-back to version {version}");
    view! {
        <details>
            <summary class="small" data-testid="roll-back">"Roll back to this version"</summary>
            <ActionForm action=back attr:class="row">
                <input type="hidden" name="version" value=version/>
                <label class="sr" for=id.clone()>{label}</label>
                <input class="input" id=id name="why" maxlength="500" required placeholder="Why"/>
                <button class="btn btn--s" type="submit">"Roll back"</button>
            </ActionForm>
        </details>
    }
}
