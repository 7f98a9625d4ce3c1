//! The guide to a new connection: connector, settings and test, webhook address, turn on. Nothing is read or sent before it is
//! turned on.

use super::{
    form::{SettingsForm, TITLE, Use},
    parts::{TestPanel, page},
};
use crate::{
    api::{self, PutConnection, SwitchConnection, TestConnection},
    components::{
        Copy, Failed, Frame, Icon, Time, action, browser,
        live::{followed, part},
        parts::{Empty, grouped},
    },
    contract::{
        ApiError, Record,
        connections::{CheckResult, GuideView, SavedView, TemplateView},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

/// What the address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Question {
    connector: String,
    connection: String,
    kind: String,
    text: String,
}

fn question(params: &ParamsMap) -> Question {
    let text = |name: &str| params.get(name).unwrap_or_default();
    Question { connector: text("connector"), connection: text("connection"), kind: text("kind"), text: text("text") }
}

/// The guide for a connector, or its choice from one kind.
fn address(connector: &str, kind: &str) -> String {
    let mut params = ParamsMap::new();
    let pairs = [("connector", connector), ("kind", kind)];
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .for_each(|(name, value)| params.insert(name, value.to_owned()));
    format!("/connections/new{}", params.to_query_string())
}

#[derive(Clone, Copy)]
struct Acts {
    put: ServerAction<PutConnection>,
    test: ServerAction<TestConnection>,
    switch: ServerAction<SwitchConnection>,
}

impl Acts {
    fn done(self) -> usize {
        self.put.version().get() + self.test.version().get() + self.switch.version().get()
    }

    /// What went wrong beside the form, which shows its own.
    fn failed(self) -> Vec<ApiError> {
        [self.test.value().get().and_then(Result::err), self.switch.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The page.
#[component]
pub fn NewConnectionPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let asked = Memo::new(move |_| query.with(|query| (query.connector.clone(), query.connection.clone())));
    let acts = Acts { put: action(), test: action(), switch: action() };
    // a form that was sent before the browser's half had come, and was refused: the server has what was typed
    let refused = acts.put.value().with_untracked(|value| matches!(value, Some(Err(_))));
    let guide = Resource::new(
        move || (asked.get(), acts.done()),
        move |((connector, connection), _)| async move {
            let guide = api::get_guide(connector, connection, refused).await;
            guide.map_err(|error| error.of_page(Record::Connection))
        },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || guide.refetch());
    let failed = move || acts.failed().into_iter().map(|error| view! { <Failed error/> }).collect_view();
    view! {
        <Frame title="Add a connection">
            <nav class="crumbs" aria-label="Breadcrumb"><a href="/connections">"Connections"</a><Icon name="right"/><span>"Add"</span></nav>
            <div class="page__head">
                <div><h1>"Add a connection"</h1><p>"From a template; nothing is read or sent before you turn it on"</p></div>
                <div class="row push"><a class="btn btn--bare" href="/connections">"Cancel"</a></div>
            </div>
            {failed}
            {followed(guide, move |guide| view! { <Guide guide query acts/> })}
        </Frame>
    }
}

#[component]
fn Guide(guide: Signal<GuideView>, query: Memo<Question>, acts: Acts) -> impl IntoView {
    let saved = part(guide, |guide| guide.saved.clone());
    let chosen =
        part(guide, |guide| guide.form.as_ref().map(|form| (form.connector.clone(), form.connector_label.clone())));
    // another form where another connection is meant; what is typed stays where it is the same
    let form_of = part(guide, |guide| {
        guide.form.as_ref().map(|form| (form.connector.clone(), form.version == 0, form.typed.name.clone()))
    });
    let form = move |_| {
        let form = guide.with_untracked(|guide| guide.form.clone());
        form.map(|form| view! { <SettingsForm form put=acts.put used=Use::Guide/> })
    };
    let test = move || {
        match saved.get() {
        Some(saved) => view! { <TestPanel name=saved.name report=saved.report test=acts.test/> }.into_any(),
        None => view! {
            <section class="panel" id="test">
                <header><h2>"Test connection"</h2></header>
                <div class="blank"><Icon name="test"/><b>"Save and test"</b><span>"The test says what is missing and what to do. It reads only, and writes nothing."</span></div>
            </section>
        }
        .into_any(),
    }
    };
    let fixed = Memo::new(move |_| saved.with(Option::is_some));
    // once one is chosen its form is next: on a phone the others fill several screens
    let picker = move || match (fixed.get(), chosen.get()) {
        (true, _) => ().into_any(),
        (false, Some((_, label))) => view! { <Picked label/> }.into_any(),
        (false, None) => view! { <Picks guide query/> }.into_any(),
    };
    Effect::watch(
        move || chosen.get(),
        |chosen, before, _| {
            if chosen.is_some() && before.is_some_and(|before| before != chosen) {
                browser::lead_to(TITLE);
            }
        },
        false,
    );
    view! {
        {move || view! { <Steps chosen=chosen.get().map(|(_, label)| label) saved=saved.get()/> }}
        {picker}
        <div class="cols cols--add">
            <For each=move || form_of.get() key=Clone::clone children=form/>
            {move || chosen.with(Option::is_some).then(test)}
            {move || saved.get().and_then(|saved| saved.ingest.clone().map(|address| view! { <Ingest address saved/> }))}
        </div>
        {move || saved.get().map(|saved| view! { <TurnOn saved acts/> })}
    }
}

/// How a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    Here,
    ToDo,
}

#[component]
fn Steps(chosen: Option<String>, saved: Option<SavedView>) -> impl IntoView {
    let failed = saved.as_ref().and_then(|saved| saved.report.as_ref()).map(|report| report.count(CheckResult::Failed));
    let enabled = saved.as_ref().is_some_and(|saved| saved.enabled);
    let tested = match (&chosen, failed) {
        (None, _) => "after the connector".to_owned(),
        (_, None) => "not tested yet".to_owned(),
        (_, Some(0)) => "all checks passed".to_owned(),
        (_, Some(1)) => "1 check failed".to_owned(),
        (_, Some(n)) => format!("{n} checks failed"),
    };
    let is_bad = failed.is_some_and(|n| n > 0);
    let second = match (&chosen, failed) {
        (None, _) => Step::ToDo,
        (_, Some(0)) => Step::Done,
        _ => Step::Here,
    };
    let last = match (enabled, failed) {
        (true, _) => Step::Done,
        (_, Some(0)) => Step::Here,
        _ => Step::ToDo,
    };
    let step = |name: &'static str, word: String, step: Step, bad: bool| {
        let class = match (step, bad) {
            (Step::Done, _) => "done",
            (Step::Here, true) => "here bad",
            (Step::Here, false) => "here",
            (Step::ToDo, _) => "todo",
        };
        view! { <li class=class aria-current=(step == Step::Here).then_some("step")><b>{name}</b><span>{word}</span></li> }
    };
    let source = saved.as_ref().filter(|saved| saved.ingest.is_some()).map(|saved| {
        let word = if saved.last_ok.is_some() { "messages arrive" } else { "enter it at the platform" };
        let how = if saved.last_ok.is_some() { Step::Done } else { Step::Here };
        step("Webhook address", word.into(), how, false)
    });
    let first = if chosen.is_some() { Step::Done } else { Step::Here };
    view! {
        <section class="card"><ol class="rail" aria-label="Steps">
            {step("Connector", chosen.unwrap_or_else(|| "choose one".into()), first, false)}
            {step("Settings and test", tested, second, is_bad)}
            {source}
            {step("Turn on", if enabled { "in use".into() } else { "after the test".into() }, last, false)}
        </ol></section>
    }
}

/// The two letters that stand for a connector.
fn mark(label: &str) -> String {
    let mut words = label.split_whitespace().filter_map(|word| word.chars().next());
    match (words.next(), words.next()) {
        (Some(first), Some(second)) => format!("{first}{second}"),
        _ => label.chars().take(2).collect(),
    }
}

/// The connector that is chosen, and the way back to the others.
#[component]
fn Picked(label: String) -> impl IntoView {
    view! {
        <section class="panel" id="connector">
            <header><h2><span class="stepno">"1 "</span>"Connector"</h2><span class="push">{label}<a class="btn btn--s" href=address("", "") data-testid="choose-another">"Choose another"</a></span></header>
        </section>
    }
}

#[component]
fn Picks(guide: Signal<GuideView>, query: Memo<Question>) -> impl IntoView {
    let templates = guide.with_untracked(|guide| guide.templates.clone());
    let all = templates.len();
    let mut kinds: Vec<(String, String, usize)> = Vec::new();
    for template in &templates {
        match kinds.iter_mut().find(|(kind, ..)| *kind == template.family) {
            Some((.., n)) => *n += 1,
            None => kinds.push((template.family.clone(), template.family_label.clone(), 1)),
        }
    }
    let text = RwSignal::new(query.with_untracked(|query| query.text.clone()));
    let chip = move |kind: String, label: String| {
        let href = address("", &kind);
        let on = move || query.with(|query| query.kind == kind);
        let current = on.clone();
        view! { <a class="chip" class:chip--on=on aria-current=move || current().then_some("true") href=href>{label}</a> }
    };
    let chips = std::iter::once(chip(String::new(), format!("All {all}")))
        .chain(kinds.into_iter().map(|(kind, label, n)| chip(kind, format!("{label} {n}"))))
        .collect_view();
    let templates = StoredValue::new(templates);
    let shown = move || {
        let wanted = text.get().to_lowercase();
        let kind = query.with(|query| query.kind.clone());
        let fits = |template: &TemplateView| {
            (kind.is_empty() || template.family == kind)
                && [&template.label, &template.id, &template.family_label]
                    .iter()
                    .any(|words| words.to_lowercase().contains(wanted.trim()))
        };
        let picks: Vec<_> = templates.with_value(|all| all.iter().filter(|template| fits(template)).cloned().collect());
        if picks.is_empty() {
            return view! { <Empty title="No connector matches">"Clear the search, or use the connector for any JSON."</Empty> }.into_any();
        }
        let picks = picks.into_iter().map(pick).collect_view();
        view! { <div class="picks">{picks}</div> }.into_any()
    };
    view! {
        <section class="panel" id="connector">
            <header><h2><span class="stepno">"1 "</span>"Connector"</h2></header>
            <div class="in stack stack--tight">
                <div class="row">
                    <form class="search" role="search" method="get" action="/connections/new">
                        <Icon name="search"/>
                        <label class="sr" for="connector-search">"Search connectors"</label>
                        <input class="input" id="connector-search" name="text" type="search" placeholder=format!("Search {all} connectors")
                            value=text.get_untracked() on:input=move |event| text.set(event_target_value(&event))/>
                    </form>
                    <nav class="chips" aria-label="Kind">{chips}</nav>
                </div>
                {shown}
            </div>
            <p class="foot"><span class="row row--tight"><Icon name="down2"/>"reads"</span><span class="row row--tight"><Icon name="up2"/>"writes"</span><span class="row row--tight"><Icon name="key"/>"how it signs in"</span></p>
        </section>
    }
}

fn pick(template: TemplateView) -> impl IntoView {
    let TemplateView { id, label, family_label, reads, writes, signs_in, .. } = template;
    let href = format!("{}#settings", address(&id, ""));
    let writes = (!writes.is_empty()).then(|| view! { <Icon name="up2"/><span>{writes}</span> });
    view! {
        <a class="pick" href=href data-testid="pick">
            <span class="mono-mark" aria-hidden="true">{mark(&label)}</span>
            <span><b>{label}</b>{family_label}</span>
            <span class="pick__caps"><Icon name="down2"/><span>{reads}</span>{writes}<Icon name="key"/><span>{signs_in}</span></span>
        </a>
    }
}

#[component]
fn Ingest(address: String, saved: SavedView) -> impl IntoView {
    let arrived = match saved.last_ok {
        Some(when) => {
            view! { <span class="row row--tight"><Icon name="check" class="ok"/>"Last message "<Time when/></span> }
                .into_any()
        }
        None => {
            view! { <span class="row row--tight"><Icon name="clock"/>"Waiting for the first message"</span> }.into_any()
        }
    };
    view! {
        <section class="panel" id="ingest">
            <header><h2><span class="stepno">"3 "</span>"Webhook address"</h2></header>
            <div class="in stack stack--tight">
                <p class="small muted">"The platform sends its messages to this address. They are refused until the connection is turned on."</p>
                <p class="secret"><Copy text=address/></p>
            </div>
            <div class="in"><ol class="steps-n">
                <li><span>"At the platform, make a webhook with this address"</span></li>
                <li><span>"Let it sign messages as chosen under "<b>"Verification"</b>", with the same secret"</span></li>
                <li><span>"Turn the connection on here, then send a test message from the platform"</span></li>
            </ol></div>
            <p class="foot">{arrived}</p>
        </section>
    }
}

/// Turns on what was saved. A person may know better than a test that failed; what cannot be used at all is not turned on.
#[component]
fn TurnOn(saved: SavedView, acts: Acts) -> impl IntoView {
    let SavedView { name, label, enabled, unusable, report, .. } = saved;
    let failed = report.as_ref().map(|report| report.count(CheckResult::Failed));
    let (tone, says) = match (enabled, unusable.is_empty(), failed) {
        (true, ..) => ("ok", "is in use.".to_owned()),
        (_, false, _) => ("bad", format!("cannot be turned on: {unusable}")),
        (.., None) => ("warn", "is not tested yet.".to_owned()),
        (.., Some(0)) => ("ok", "passed its test.".to_owned()),
        (.., Some(1)) => ("bad", "1 check failed: it may not work.".to_owned()),
        (.., Some(n)) => {
            ("bad", format!("{} checks failed: it may not work.", grouped(u64::try_from(n).unwrap_or(u64::MAX))))
        }
    };
    let good = failed == Some(0);
    let turn_on = match (enabled, unusable.is_empty()) {
        (true, _) => view! { <a class="btn btn--go" href=page(&name)>"Show connection"</a> }.into_any(),
        (false, false) => view! {
            <button class="btn" type="button" aria-disabled="true" aria-describedby="off"><Icon name="lock"/>"Turn on"</button>
        }
        .into_any(),
        (false, true) => {
            let name = name.clone();
            let (class, word) = if good { ("btn btn--go", "Turn on") } else { ("btn", "Turn on anyway") };
            view! {
                <ActionForm action=acts.switch attr:class="inline-form">
                    <input type="hidden" name="name" value=name/><input type="hidden" name="on" value="true"/>
                    <button class=class type="submit" aria-describedby="off" data-testid="turn-on">{word}</button>
                </ActionForm>
            }
            .into_any()
        }
    };
    let later = (!enabled).then(|| view! { <a class="btn btn--bare" href=page(&name)>"Later"</a> });
    view! {
        <div class="pubbar">
            <span id="off"><b>{label}</b>" "<span class=tone>{says}</span></span>
            <span class="row push">{later}{turn_on}</span>
        </div>
    }
}
