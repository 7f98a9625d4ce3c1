//! One connection: how it stands, what went over it, its settings, secrets and changes.

use super::{
    form::{SettingsForm, Use},
    parts::{TestButton, TestPanel, page},
    removal::Remove,
    sections::{Calls, ChangeLog, Errors, Messages, Routing, Secrets, SettingsList, Traffic},
    setup::SetUp,
};
use crate::{
    api::{
        self, PauseConnection, PutConnection, RemoveConnection, ResumeConnection, RetireSecret, RotateConnection,
        SetUpOdoo, SwitchConnection, TestConnection,
    },
    components::{
        Copy, Failed, Frame, HealthTag, Icon, Outside, PageTitle, Time, action,
        browser::{self, POP},
        live::{followed, part, rows},
        parts::{Empty, grouped},
    },
    contract::{
        ApiError, Record,
        connections::{ConnectionRow, ConnectionView, Health, percent},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Overview,
    /// Calls of what Milepost calls, messages of a source.
    Traffic,
    Settings,
    Secrets,
    Setup,
    Routing,
    Log,
}

impl Tab {
    const ALL: &[Self] =
        &[Self::Overview, Self::Traffic, Self::Settings, Self::Secrets, Self::Setup, Self::Routing, Self::Log];

    const fn code(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Traffic => "traffic",
            Self::Settings => "settings",
            Self::Secrets => "secrets",
            Self::Setup => "setup",
            Self::Routing => "routing",
            Self::Log => "log",
        }
    }

    fn of(code: &str) -> Self {
        Self::ALL.iter().copied().find(|tab| tab.code() == code).unwrap_or_default()
    }

    const fn label(self, called: bool) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Traffic if called => "Calls",
            Self::Traffic => "Messages",
            Self::Settings => "Settings",
            Self::Secrets => "Secrets",
            Self::Setup => "Set up Odoo",
            Self::Routing => "Routing",
            Self::Log => "Change log",
        }
    }

    fn address(self, name: &str) -> String {
        match self {
            Self::Overview => page(name),
            tab => format!("{}?tab={}", page(name), tab.code()),
        }
    }
}

/// What a person can do here.
#[derive(Clone, Copy)]
struct Acts {
    put: ServerAction<PutConnection>,
    test: ServerAction<TestConnection>,
    rotate: ServerAction<RotateConnection>,
    retire: ServerAction<RetireSecret>,
    pause: ServerAction<PauseConnection>,
    resume: ServerAction<ResumeConnection>,
    switch: ServerAction<SwitchConnection>,
    /// It leads to the list: the page does not read it again.
    remove: ServerAction<RemoveConnection>,
    set_up: ServerAction<SetUpOdoo>,
}

impl Acts {
    fn new() -> Self {
        Self {
            put: action(),
            test: action(),
            rotate: action(),
            retire: action(),
            pause: action(),
            resume: action(),
            switch: action(),
            remove: action(),
            set_up: action(),
        }
    }

    fn done(self) -> usize {
        [
            self.put.version(),
            self.test.version(),
            self.rotate.version(),
            self.retire.version(),
            self.pause.version(),
            self.resume.version(),
            self.switch.version(),
            self.set_up.version(),
        ]
        .into_iter()
        .map(|version| version.get())
        .sum()
    }

    /// What went wrong; forms show what is wrong with their fields themselves.
    fn failed(self) -> Vec<ApiError> {
        let of_field = |error: &ApiError| matches!(error, ApiError::Invalid { field, .. } if field == "secret");
        [
            self.test.value().get().and_then(Result::err),
            self.rotate.value().get().and_then(Result::err).filter(|error| !of_field(error)),
            self.retire.value().get().and_then(Result::err),
            self.pause.value().get().and_then(Result::err),
            self.resume.value().get().and_then(Result::err),
            self.switch.value().get().and_then(Result::err),
            self.remove.value().get().and_then(Result::err),
            self.set_up.value().get().and_then(Result::err).filter(|error| !matches!(error, ApiError::Invalid { .. })),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The page.
#[component]
pub fn ConnectionPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let acts = Acts::new();
    let name = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let tab = Memo::new(move |_| Tab::of(&query.get().get("tab").unwrap_or_default()));
    // a form that was sent before the browser's half had come, and was refused: the server has what was typed
    let refused = acts.put.value().with_untracked(|value| matches!(value, Some(Err(_))));
    let one = Resource::new(
        move || (name.get(), acts.done()),
        move |(name, _)| async move {
            api::get_connection(name, refused).await.map_err(|error| error.of_page(Record::Connection))
        },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || one.refetch());
    let failed = move || acts.failed().into_iter().map(|error| view! { <Failed error/> }).collect_view();
    view! {
        <Frame title="Connection">
            {followed(one, move |one| view! { <Whole one tab failed acts/> })}
        </Frame>
    }
}

#[component]
fn Whole<F, V>(one: Signal<ConnectionView>, tab: Memo<Tab>, failed: F, acts: Acts) -> impl IntoView
where
    F: Fn() -> V + Copy + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let label = part(one, |one| one.row.label.clone());
    let title = rows(Memo::new(move |_| vec![label.get()]), String::clone, |label| view! { <PageTitle text=label/> });
    let head = part(one, |one| {
        (one.row.clone(), one.why.clone(), one.purpose.clone(), one.runbook.clone(), one.data_classes.clone())
    });
    let figures = part(one, |one| (one.row.clone(), one.retrying, one.dead));
    let stands =
        part(one, |one| (one.row.name.clone(), one.row.label.clone(), one.row.health, one.row.called, one.enabled));
    let counts = part(one, counts);
    // an address may name a part that this connection does not have
    let tab = Memo::new(move |_| {
        counts.with(|(_, _, lacking, _)| if lacking.contains(&tab.get()) { Tab::Overview } else { tab.get() })
    });
    let links = move || counts.with(|counts| tabs(counts, tab.get()));
    view! {
        {title}
        <nav class="crumbs" aria-label="Breadcrumb"><a href="/connections">"Connections"</a><Icon name="right"/><span>{label}</span></nav>
        {failed}
        <section class="card">
            <div class="row head-row">
                {move || head.with(|(row, ..)| view! { <h1>{row.label.clone()}</h1><HealthTag health=row.health/> })}
                <span class="row push acts">{move || stands.with(|(name, label, health, called, enabled)| view! { <Buttons name=name.clone() label=label.clone() health=*health called=*called enabled=*enabled acts/> })}</span>
            </div>
            {move || head.with(|(row, why, purpose, runbook, classes)| brief(row, why, purpose, runbook, classes))}
            {move || figures.with(|(row, retrying, dead)| quad(row, *retrying, *dead))}
        </section>
        <nav class="tabs" aria-label="Sections">{links}</nav>
        {move || match tab.get() {
            Tab::Overview => view! { <Overview one acts/> }.into_any(),
            Tab::Traffic => view! { <Recent one/> }.into_any(),
            Tab::Settings => view! { <Settings one acts/> }.into_any(),
            Tab::Secrets => view! { <SecretsTab one acts/> }.into_any(),
            Tab::Setup => view! { <SetUp one act=acts.set_up/> }.into_any(),
            Tab::Routing => view! { <Routing one/> }.into_any(),
            Tab::Log => view! { <ChangeLog one all=true/> }.into_any(),
        }}
    }
}

/// What the tabs say: the connection's name, whether it is called, those that it does not have, and their counts.
type Counts = (String, bool, Vec<Tab>, Vec<(Tab, u64)>);

fn counts(one: &ConnectionView) -> Counts {
    let counts = vec![(Tab::Traffic, one.row.ok + one.row.failed), (Tab::Secrets, one.row.secrets)];
    let lacking = [(Tab::Routing, one.routing.is_none()), (Tab::Setup, one.setup.is_none())];
    let lacking = lacking.into_iter().filter(|(_, lacks)| *lacks).map(|(tab, _)| tab).collect();
    (one.row.name.clone(), one.row.called, lacking, counts)
}

fn tabs((name, called, lacking, counts): &Counts, now: Tab) -> impl IntoView + use<> {
    Tab::ALL
        .iter()
        .filter(|tab| !lacking.contains(tab))
        .map(|tab| {
            let n = counts
                .iter()
                .find(|(of, n)| of == tab && *n > 0)
                .map(|(_, n)| view! { " "<span class="n">{grouped(*n)}</span> });
            view! { <a href=tab.address(name) aria-current=(*tab == now).then_some("page")>{tab.label(*called)}{n}</a> }
        })
        .collect_view()
}

/// What can be done as it stands.
#[component]
fn Buttons(name: String, label: String, health: Health, called: bool, enabled: bool, acts: Acts) -> impl IntoView {
    let secrets = Tab::Secrets.address(&name);
    let pause = match (called && enabled, health) {
        (false, _) => ().into_any(),
        (true, Health::Paused) => {
            let name = name.clone();
            view! {
                <ActionForm action=acts.resume attr:class="inline-form"><input type="hidden" name="name" value=name/>
                    <button class="btn btn--go" type="submit" data-testid="resume">"Resume"</button></ActionForm>
            }
            .into_any()
        }
        (true, _) => {
            let about = format!("Jobs of {label} wait until it is resumed; nothing is lost.");
            let name = name.clone();
            reasoned("pause", "Pause", about, true, move |fields| view! {
                <ActionForm action=acts.pause attr:class="stack stack--tight"><input type="hidden" name="name" value=name/>{fields}</ActionForm>
            }.into_any())
            .into_any()
        }
    };
    let switch = if enabled {
        let about = if called {
            format!("{label} is called no more; its jobs wait.")
        } else {
            format!("Messages of {label} are refused from now on; the platform sends them again later, if it does.")
        };
        let name = name.clone();
        reasoned("disable", "Disable", about, false, move |fields| view! {
            <ActionForm action=acts.switch attr:class="stack stack--tight"><input type="hidden" name="name" value=name/><input type="hidden" name="on" value="false"/>{fields}</ActionForm>
        }.into_any())
        .into_any()
    } else {
        let name = name.clone();
        let word = if health == Health::Draft { "Turn on" } else { "Enable" };
        view! {
            <ActionForm action=acts.switch attr:class="inline-form"><input type="hidden" name="name" value=name/><input type="hidden" name="on" value="true"/>
                <button class="btn btn--go" type="submit" data-testid="enable">{word}</button></ActionForm>
        }
        .into_any()
    };
    view! {
        <TestButton name label="Test" test=acts.test class="btn"/>
        {pause}
        <a class="btn" href=secrets><Icon name="key"/>"Rotate secret"</a>
        {switch}
    }
}

/// A button that opens a form with a reason.
fn reasoned(
    id: &'static str,
    word: &'static str,
    about: String,
    required: bool,
    form: impl FnOnce(AnyView) -> AnyView,
) -> impl IntoView {
    let label = if required { "Reason" } else { "Reason (optional)" };
    let input = format!("{id}-why");
    let fields = view! {
        <p class="small">{about}</p>
        <div class="field"><label for=input.clone()>{label}</label><input class="input" id=input name="why" maxlength="500" required=required/></div>
        <div class="row"><button class="btn btn--stop" type="submit" data-testid=format!("{id}-now")>{word}</button></div>
    };
    let icon = if id == "pause" { "pause" } else { "lock" };
    view! {
        <details class="pop" name=POP>
            <summary class="btn" data-testid=id><Icon name=icon/>{format!("{word} …")}</summary>
            <div class="pop__in">{form(fields.into_any())}</div>
        </details>
    }
}

fn brief(row: &ConnectionRow, why: &str, purpose: &str, runbook: &str, classes: &str) -> impl IntoView + use<> {
    let environment = if row.sandbox { "Sandbox" } else { "Production" };
    let named = |label: &'static str, text: &str| {
        (!text.is_empty()).then(|| view! { <span class="wrap-any">{label}" "{text.to_owned()}</span> })
    };
    let runbook =
        (!runbook.is_empty()).then(|| view! { <span><Outside href=runbook.to_owned() text="Runbook"/></span> });
    let purpose = (!purpose.is_empty()).then(|| view! { <p class="small muted wrap-any">{purpose.to_owned()}</p> });
    view! {
        <div>
            <p class="brief__why" data-testid="why">{why.to_owned()}</p>
            {purpose}
            <p class="idline">
                <span class="wrap-any">{row.about.clone()}</span><span>{row.direction.clone()}</span><span>{environment}</span>
                <span><Copy text=row.name.clone()/></span>{named("Owner", &row.owner)}{named("Data:", classes)}{runbook}
            </p>
        </div>
    }
}

/// Four figures; of a source, which has no queue, three.
fn quad(row: &ConnectionRow, retrying: u64, dead: u64) -> impl IntoView + use<> {
    let all = row.ok + row.failed;
    let success = if all == 0 { "–".to_owned() } else { format!("{} %", percent(row.ok, all)) };
    let of = if all == 0 {
        "nothing in 24 h".to_owned()
    } else {
        format!("{} failed of {}", grouped(row.failed), grouped(all))
    };
    let queue = row.called.then(|| {
        let more = if retrying > 0 { format!("{} retrying", grouped(retrying)) } else { "none retrying".into() };
        view! { <div><h3 class="thin">"Jobs waiting"</h3><b>{grouped(row.waiting)}</b>{more}</div> }
    });
    let (word, href) = if row.called {
        ("Failed for good", format!("/sync?view=failed&destination={}", row.name))
    } else {
        ("In quarantine", format!("/sync?view=quarantine&source={}", row.name))
    };
    let dead = if dead == 0 {
        view! { <div><h3 class="thin">{word}</h3><b>"0"</b>"nothing waits for you"</div> }.into_any()
    } else {
        view! { <div><h3 class="thin">{word}</h3><b><a class="count bad" href=href>{grouped(dead)}</a></b>"wait for you"</div> }.into_any()
    };
    let last = match row.last_ok.clone() {
        Some(when) => view! { <b><Time when/></b> }.into_any(),
        None => view! { <b>"never"</b> }.into_any(),
    };
    let about = if row.called { "last call that succeeded" } else { "last message taken" };
    view! {
        <div class="quad">
            <div><h3 class="thin">"Success, 24 h"</h3><b>{success}</b>{of}</div>
            {queue}{dead}
            <div><h3 class="thin">"Last success"</h3>{last}{about}</div>
        </div>
    }
}

#[component]
fn Overview(one: Signal<ConnectionView>, acts: Acts) -> impl IntoView {
    let called = part(one, |one| one.row.called);
    let recent = move || {
        if called.get() {
            view! { <Calls one all=false/> }.into_any()
        } else {
            view! { <Messages one all=false/> }.into_any()
        }
    };
    let routed = part(one, |one| one.routing.is_some());
    let saved = part(one, |one| one.saved.clone());
    view! {
        <div class="cols cols--side">
            <div class="stack">
                <Traffic one/>
                <Errors one/>
                {recent}
                {move || routed.get().then(|| view! { <Routing one/> })}
                <ChangeLog one all=false/>
            </div>
            <aside class="stack" aria-label="Test, secrets and settings">
                {move || view! { <TestPanel name=saved.get().name report=saved.get().report test=acts.test/> }}
                <SecretsSide one/>
                <SettingsList one/>
            </aside>
        </div>
    }
}

/// Secrets, and beside them whether the newest one works.
#[component]
fn SecretsTab(one: Signal<ConnectionView>, acts: Acts) -> impl IntoView {
    let saved = part(one, |one| one.saved.clone());
    view! {
        <div class="cols cols--add">
            <div class="stack"><Secrets one rotate=acts.rotate retire=acts.retire/></div>
            <div class="stack" id="test-side">{move || view! { <TestPanel name=saved.get().name report=saved.get().report test=acts.test/> }}</div>
        </div>
    }
}

#[component]
fn SecretsSide(one: Signal<ConnectionView>) -> impl IntoView {
    let secrets =
        part(one, |one| (one.row.name.clone(), one.row.secrets, one.row.secret_age.clone(), one.secret_set.clone()));
    move || {
        let (name, n, age, set) = secrets.get();
        let age = (n > 0).then(|| view! { <li><Icon name="key"/><span>"Newest secret"<br/><span class="small muted">"set "<Time when=set/>", age "{age}</span></span><span></span></li> });
        let old = (n > 1).then(|| view! { <li><Icon name="clock"/><span>"The one before"<br/><span class="small muted">"valid beside it until it is retired"</span></span><span></span></li> });
        let none =
            (n == 0).then(|| view! { <li><Icon name="info"/><span>"No secret is kept"</span><span></span></li> });
        view! {
            <section class="panel">
                <header><h2>"Secrets"</h2><span class="push">{format!("{n} active")}</span></header>
                <ul class="lines lines--s">{none}{age}{old}</ul>
                <p class="foot"><span>"Rotate without a pause"</span><a class="push" href=Tab::Secrets.address(&name)>"Rotate"</a></p>
            </section>
        }
    }
}

#[component]
fn Recent(one: Signal<ConnectionView>) -> impl IntoView {
    let called = part(one, |one| one.row.called);
    move || {
        if called.get() {
            view! { <Calls one all=true/> }.into_any()
        } else {
            view! { <Messages one all=true/> }.into_any()
        }
    }
}

#[component]
fn Settings(one: Signal<ConnectionView>, acts: Acts) -> impl IntoView {
    let which = part(one, |one| one.form.is_some().then(|| one.row.name.clone()));
    let saved = part(one, |one| one.saved.clone());
    let form = move |_| {
        match one.with_untracked(|one| one.form.clone()) {
            Some(form) => view! { <SettingsForm form put=acts.put used=Use::Change/> }.into_any(),
            None => view! { <section class="panel"><Empty title="This version has no such connector">"Its settings cannot be changed here."</Empty></section> }.into_any(),
        }
    };
    let ingest = move || {
        saved.get().ingest.map(|address| view! {
        <section class="panel">
            <header><h2>"Webhook address"</h2></header>
            <div class="in stack stack--tight"><p class="secret"><Copy text=address/></p><p class="small muted">"Enter it at the platform. Messages are refused while the connection is disabled."</p></div>
        </section>
    })
    };
    view! {
        <div class="cols cols--add">
            <For each=move || [which.get()] key=Clone::clone children=form/>
            <div class="stack" id="test-side">{move || view! { <TestPanel name=saved.get().name report=saved.get().report test=acts.test/> }}{ingest}<Remove one act=acts.remove/></div>
        </div>
    }
}
