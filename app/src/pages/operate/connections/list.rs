//! Connections: every system that Milepost is connected to, with its health.

use super::parts::{TestButton, Volume, page};
use crate::{
    api::{self, ResumeConnection, TestConnection},
    components::{
        Failed, Frame, HealthTag, Icon, Time, action, browser,
        live::{followed, part, rows},
        parts::{Empty, grouped},
    },
    contract::connections::{
        ConnectionRow, ConnectionsQuery, ConnectionsView, Environment, Group, Health, HealthCount, ListView,
    },
};
use domain::visible::visible;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map, params::ParamsMap};

/// Where a new connection is made.
pub const NEW: &str = "/connections/new";

fn question(params: &ParamsMap) -> ConnectionsQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    ConnectionsQuery {
        view: ListView::of(&text("view")),
        environment: Environment::of(&text("environment")),
        health: Health::of(&text("health")),
        connector: text("connector"),
        owner: text("owner"),
    }
}

/// The address of a question.
pub fn address(query: &ConnectionsQuery) -> String {
    let pairs = [
        ("view", query.view.code()),
        ("environment", query.environment.code()),
        ("health", query.health.map_or("", Health::code)),
        ("connector", &query.connector),
        ("owner", &query.owner),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/connections{}", params.to_query_string())
}

type Asked = (ConnectionsQuery, ConnectionsView);

/// The page.
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let (test, resume) = (action::<TestConnection>(), action::<ResumeConnection>());
    let done = move || test.version().get() + resume.version().get();
    let list = Resource::new(
        move || (query.get(), done()),
        |(query, _)| async move { api::list_connections(query.clone()).await.map(|view| (query, view)) },
    );
    browser::acted(done);
    browser::regularly(move || list.refetch());
    let failed = move || {
        [test.value().get().and_then(Result::err), resume.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .map(|error| view! { <Failed error/> })
            .collect_view()
    };
    view! {
        <Frame title="Connections">
            {failed}
            {followed(list, move |list| view! { <List list test resume/> })}
        </Frame>
    }
}

#[component]
fn List(
    list: Signal<Asked>,
    test: ServerAction<TestConnection>,
    resume: ServerAction<ResumeConnection>,
) -> impl IntoView {
    let query = part(list, |(query, _)| query.clone());
    let counts = part(list, |(_, view)| view.counts.clone());
    let total = part(list, |(_, view)| view.counts.first().map_or(0, |(_, n)| *n));
    let traffic = part(list, |(_, view)| view.traffic);
    let failing = part(list, |(_, view)| view.failing.clone());
    let figures = part(list, |(_, view)| view.figures.clone());
    let choices = part(list, |(_, view)| (view.connectors.clone(), view.owners.clone()));
    let none = part(list, |(_, view)| view.groups.is_empty());
    let as_of = part(list, |(_, view)| view.as_of.clone());
    let lines = part(list, |(_, view)| view.groups.iter().flat_map(lines).collect::<Vec<_>>());
    let line = move |line: Line| {
        match line {
        Line::Heading(title, n) => view! {
            <tr class="group"><th colspan="8" scope="rowgroup" class="wide-s">{title}" "<span class="muted thin">{n}</span></th></tr>
        }
        .into_any(),
        Line::Row(row) => view! { <One row=*row test resume/> }.into_any(),
    }
    };
    let head = move || {
        let words = if total.get() == 1 { "connection" } else { "connections" };
        format!("{} {words}, {} messages and calls in 24 hours", grouped(total.get()), grouped(traffic.get()))
    };
    let table = move || {
        view! {
            <table class="table table--list table--lead table--ops">
                <caption class="sr">"Connections"</caption>
                <thead><tr><th>"Connection"</th><th class="p3">"Direction"</th><th>"Health"</th><th>"Volume and errors, 24 h"</th><th class="p2">"Last success"</th><th>"Secret"</th><th class="p2">"Owner"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{rows(lines, Line::key, line)}</tbody>
            </table>
            <p class="foot"><span>"Blue: messages and calls by hour. Red: failed, drawn on top."</span><span class="push">"as of "{move || view! { <Time when=as_of.get()/> }}</span></p>
        }
    };
    view! {
        <div class="page__head">
            <div><h1>"Connections"</h1><p>{head}</p></div>
            <div class="row push"><a class="btn btn--go" href=NEW data-testid="add"><Icon name="plus"/>"Add connection"</a></div>
        </div>
        {move || failing.with(|failing| failing.first().map(|first| banner(first, failing.len(), test)))}
        {move || (total.get() > 0).then(|| figures.with(|figures| query.with(|query| cards(figures, query))))}
        <nav class="tabs" aria-label="Connections">{move || query.with(|query| counts.with(|counts| tabs(query, counts)))}</nav>
        {move || (total.get() > 0).then(|| query.with(|query| choices.with(|choices| view! { <Filters query=query.clone() choices=choices.clone()/> })))}
        <section class="table-box">
            {move || match (total.get(), none.get()) {
                (0, _) => first_use().into_any(),
                (_, true) => view! { <Empty title="No connections match these filters"><a class="btn" href="/connections">"Clear filters"</a></Empty> }.into_any(),
                _ => table().into_any(),
            }}
        </section>
    }
}

fn first_use() -> impl IntoView {
    view! {
        <div class="blank">
            <Icon name="plug"/>
            <b>"No connections yet"</b>
            <span>"Start with Odoo: orders and deliveries come from there. Carriers and the service desk follow."</span>
            <a class="btn btn--go" href=format!("{NEW}?connector=odoo")><Icon name="plus"/>"Connect Odoo"</a>
        </div>
    }
}

/// A line of the table.
#[derive(Clone, PartialEq)]
enum Line {
    Heading(String, usize),
    Row(Box<ConnectionRow>),
}

impl Line {
    fn key(&self) -> String {
        match self {
            Self::Heading(title, _) => format!("heading {title}"),
            Self::Row(row) => row.name.clone(),
        }
    }
}

fn lines(group: &Group) -> Vec<Line> {
    let heading = std::iter::once(Line::Heading(group.title.clone(), group.rows.len()));
    heading.chain(group.rows.iter().map(|row| Line::Row(Box::new(row.clone())))).collect()
}

/// What fails now: since when, why, and what happens to the work meanwhile.
fn banner(first: &ConnectionRow, count: usize, test: ServerAction<TestConnection>) -> impl IntoView + use<> {
    let (class, icon, word) = match first.health {
        Health::RateLimited => ("note note--warn", "major", "rate-limited"),
        Health::Failing => ("note note--bad", "critical", "failing"),
        Health::Expiring => ("note note--warn", "clock", "in use"),
        _ => ("note note--bad", "critical", "suspended"),
    };
    let since = first.since.clone().map(|when| {
        let word = if first.health == Health::RateLimited { " until " } else { " since " };
        view! { {word}<Time when/> }
    });
    let why = (!first.detail.is_empty()).then(|| format!(": {}", first.detail));
    let waiting = match first.waiting {
        _ if first.health == Health::Expiring => {
            "Make a new one there and rotate it here before: nothing pauses.".to_owned()
        }
        _ if first.health == Health::Failing => {
            "Mend the cause; jobs that failed for good are retried under Integrations.".to_owned()
        }
        0 => "Its jobs wait and are done in order once it answers.".to_owned(),
        1 => "1 job waits and is done once it answers.".to_owned(),
        n => format!("{} jobs wait and are done in order once it answers.", grouped(n)),
    };
    let waiting = first.called.then_some(waiting);
    let more = (count > 1).then(|| {
        let href = address(&ConnectionsQuery { view: ListView::Attention, ..ConnectionsQuery::default() });
        view! { <br/><a href=href>{format!("{} more need attention", count - 1)}</a> }
    });
    view! {
        <div class=class role="status" data-testid="failing">
            <Icon name=icon/>
            <div><b>{first.label.clone()}" is "{word}{since}{why}"."</b>" "{waiting}{more}</div>
            <div class="row"><TestButton name=first.name.clone() label="Test now" test/><a class="btn btn--s" href=page(&first.name)>"Details"</a></div>
        </div>
    }
}

fn cards(figures: &[HealthCount], query: &ConnectionsQuery) -> impl IntoView + use<> {
    let cards = figures
        .iter()
        .map(|HealthCount { health, n, detail }| {
            let on = query.health == Some(*health);
            let href = address(&ConnectionsQuery { health: (!on).then_some(*health), ..query.clone() });
            let tone = match health {
                Health::Suspended | Health::Failing if *n > 0 => "small bad",
                Health::RateLimited | Health::Expiring if *n > 0 => "small warn",
                _ => "small muted",
            };
            view! {
                <a class="card cat" href=href aria-current=on.then_some("true")>
                    <span class="small muted">{health.label()}</span><span class="cat__n">{grouped(*n)}</span><span class=tone>{detail.clone()}</span>
                </a>
            }
        })
        .collect_view();
    view! { <div class="cols cards-x cards-health">{cards}</div> }
}

fn tabs(query: &ConnectionsQuery, counts: &[(ListView, u64)]) -> impl IntoView + use<> {
    counts
        .iter()
        .map(|(view, n)| {
            let href = address(&ConnectionsQuery { view: *view, ..query.clone() });
            view! { <a href=href aria-current=(query.view == *view).then_some("page")>{view.label()}" "<span class="n">{grouped(*n)}</span></a> }
        })
        .collect_view()
}

/// What narrows the list. A plain form: its button is there until the browser's half is.
#[component]
fn Filters(query: ConnectionsQuery, choices: (Vec<(String, String)>, Vec<String>)) -> impl IntoView {
    let navigate = use_navigate();
    let asked = StoredValue::new(query.clone());
    let set = Callback::new(move |(name, value): (&'static str, String)| {
        let mut query = asked.get_value();
        match name {
            "environment" => query.environment = Environment::of(&value),
            "health" => query.health = Health::of(&value),
            "connector" => query.connector = value,
            _ => query.owner = value,
        }
        navigate(&address(&query), NavigateOptions::default());
    });
    let select = |name: &'static str, label: &'static str, value: &str, options: Vec<(String, String)>| {
        // of the address, which anybody can write
        let other = (!value.is_empty() && options.iter().all(|(option, _)| option != value)).then(|| {
            view! { <option value=value.to_owned() selected=true>{format!("{label}: {}", visible(value))}</option> }
        });
        let options = options
            .into_iter()
            .map(|(option, words)| {
                let selected = option == value;
                view! { <option value=option selected=selected>{format!("{label}: {words}")}</option> }
            })
            .collect_view();
        let class = if value.is_empty() { "chip" } else { "chip chip--on" };
        view! {
            <select class=class name=name aria-label=label on:change=move |event| set.run((name, event_target_value(&event)))>
                <option value="">{label}</option>{other}{options}
            </select>
        }
    };
    let (connectors, owners) = choices;
    let environments = [Environment::Production, Environment::Sandbox].map(Environment::code);
    let environments = environments.map(|code| (code.to_owned(), code.to_owned())).to_vec();
    let healths = Health::ALL.iter().map(|health| (health.code().to_owned(), health.label().to_lowercase())).collect();
    let owners = owners.into_iter().map(|owner| (owner.clone(), owner)).collect();
    let any = ConnectionsQuery { view: query.view, ..ConnectionsQuery::default() };
    let clear = (query != any)
        .then(|| view! { <a class="chip chip--on" href=address(&any)>"Clear filters"<Icon name="x"/></a> });
    view! {
        <form class="chips" method="get" action="/connections" aria-label="Filters">
            <input type="hidden" name="view" value=query.view.code()/>
            {select("environment", "Environment", query.environment.code(), environments)}
            {select("health", "Health", query.health.map_or("", Health::code), healths)}
            {select("connector", "Connector", &query.connector, connectors)}
            {select("owner", "Owner", &query.owner, owners)}
            <button class="btn btn--s before-hydration" type="submit">"Filter"</button>
            {clear}
            <span class="push small muted wide-only">"Grouped by kind, attention first"</span>
        </form>
    }
}

#[component]
fn One(
    row: ConnectionRow,
    test: ServerAction<TestConnection>,
    resume: ServerAction<ResumeConnection>,
) -> impl IntoView {
    let href = page(&row.name);
    let (icon, environment) = (
        if row.called { "both" } else { "down2" },
        if row.sandbox {
            view! { <small><span class="tag tag--info">"Sandbox"</span></small> }.into_any()
        } else {
            view! { <small>"Production"</small> }.into_any()
        },
    );
    let why = (!row.detail.is_empty()).then(|| row.detail.clone());
    let detail = why.clone().map(|why| view! { <small class="wide-block clamp">{why}</small> });
    let last = row.last_ok.clone().map_or_else(
        || view! { <span class="faint">"never"</span> }.into_any(),
        |when| view! { <Time when/> }.into_any(),
    );
    let secrets = match row.secrets {
        0 => "None".to_owned(),
        1 => "1 active".to_owned(),
        n => format!("{n} active"),
    };
    let age = (row.secrets > 0).then(|| {
        let word = if row.secrets > 1 { "newest" } else { "age" };
        view! { <small>{format!("{word} {}", row.secret_age)}</small> }
    });
    let owner = (!row.owner.is_empty()).then(|| {
        let initials: String = row.owner.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        view! { <span class="row row--tight keep"><span class="avatar avatar--s" aria-hidden="true">{initials}</span><span class="cut owner">{row.owner.clone()}</span></span> }
    });
    let name = row.name.clone();
    let resume_label = format!("Resume {}", row.label);
    let act = match row.health {
        Health::Paused => view! {
            <ActionForm action=resume attr:class="inline-form"><input type="hidden" name="name" value=name/>
                <button class="btn btn--s" type="submit" aria-label=resume_label>"Resume"</button></ActionForm>
        }
        .into_any(),
        Health::Suspended | Health::Failing | Health::Expiring => view! { <a class="btn btn--s" href=href.clone() aria-label=format!("Fix {}", row.label)>"Fix"</a> }.into_any(),
        Health::Draft => view! {
            <a class="btn btn--s" href=format!("{NEW}?connection={name}") aria-label=format!("Continue {}", row.label)>"Continue"</a>
        }
        .into_any(),
        _ => view! { <TestButton name label="Test" test/> }.into_any(),
    };
    view! {
        <tr data-testid="connection-row" data-name=row.name.clone()>
            <th scope="row" class="two fill c11"><a href=href data-row="">{row.label.clone()}</a><small class="thin cut">{row.about.clone()}</small></th>
            <td class="two nowrap hide-s p3"><span class="dir"><Icon name=icon/>{row.direction.clone()}</span>{environment}</td>
            <td class="two c12 health"><HealthTag health=row.health/>{detail}</td>
            <td class="c21"><Volume row=row.clone()/></td>
            <td class="nowrap hide-s p2">{last}</td>
            <td class="two nowrap c22">{secrets}{age}</td>
            <td class="nowrap hide-s p2">{owner}</td>
            <td class="num nowrap wide-s">{act}</td>
            <td class="why-s small muted c3">{why}</td>
        </tr>
    }
}
