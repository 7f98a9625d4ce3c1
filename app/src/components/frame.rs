//! The frame around the pages of a signed-in viewer: navigation, search, the demo's banner.

use super::{
    Failed, Icon, PageTitle, action, browser,
    parts::{Empty, grouped},
};
use crate::{
    api::{self, SignOut},
    contract::session::{Frame as FrameView, Permission, START, Viewer},
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};
use leptos_router::hooks::{use_location, use_query_map};
use std::{sync::Arc, time::Duration};

/// The frame. Without a session it leads to the sign-in.
#[component]
pub fn Frame(
    /// The page's name.
    #[prop(into)]
    title: String,
    /// The page.
    children: ChildrenFn,
) -> impl IntoView {
    let frame = Resource::new_blocking(|| (), |()| api::get_frame());
    browser::keys();
    view! {
        <PageTitle text=title/>
        <Transition fallback=|| ()>
            {move || {
                let children = Arc::clone(&children);
                Suspend::new(async move {
                    match frame.await {
                        Ok(frame) => view! { <Framed frame>{children()}</Framed> }.into_any(),
                        Err(error) => view! { <main class="page" id="main"><Failed error/></main> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// How far the installation is connected; known inside the frame.
#[derive(Clone, Copy, Debug)]
struct Connected {
    anything: bool,
    guided: bool,
}

/// What stands where nothing can be shown because nothing is connected; none where something is.
pub fn not_connected() -> Option<AnyView> {
    let Connected { anything: false, guided } = use_context()? else { return None };
    let admin = may(Permission::Operate);
    let advice = match (guided, admin) {
        (true, _) => view! { <a class="btn btn--go" href=START>"Getting started"</a> }.into_any(),
        (false, true) => view! { "Connect Odoo or a carrier: "<a href=START>"getting started"</a> }.into_any(),
        (false, false) => view! { "Ask an administrator to connect Odoo or a carrier." }.into_any(),
    };
    Some(view! { <Empty title="Nothing is connected yet">"Shipments come from Odoo and from carriers’ messages."<br/>{advice}</Empty> }.into_any())
}

/// Whether the signed-in person has this permission; known inside the frame. Actions without permission are not shown.
pub fn may(permission: Permission) -> bool {
    use_context::<Viewer>().is_some_and(|viewer| viewer.may(permission))
}

/// The shortest time between two requests for the frame.
const FRAME_EVERY: Duration = Duration::from_secs(2);

/// What the frame shows now: the numbers beside the navigation, the company's name. It is fetched again after a change, once for all
/// changes until the answer; the page in the frame stays as it is.
fn renewed(first: &FrameView) -> RwSignal<FrameView> {
    let shown = RwSignal::new(first.clone());
    let Some(happened) = use_context::<browser::Happened>() else { return shown };
    let asking = RwSignal::new(false);
    let answered = StoredValue::new(happened.times_untracked());
    Effect::watch(
        move || (happened.times(), asking.get()),
        move |(times, asks), _, _| {
            if *asks || *times == answered.get_value() {
                return;
            }
            answered.set_value(*times);
            asking.set(true);
            spawn_local(async move {
                // without an answer it stays what it was; the page says what is wrong
                if let Ok(frame) = api::get_frame().await {
                    shown.try_set(frame);
                }
                let rested = move || {
                    asking.try_set(false);
                };
                set_timeout(rested, FRAME_EVERY);
            });
        },
        false,
    );
    shown
}

#[component]
fn Framed(frame: FrameView, children: Children) -> impl IntoView {
    let shown = renewed(&frame);
    let count = move |of: fn(&FrameView) -> u64| Signal::derive(move || shown.with(of));
    let is_guided = Memo::new(move |_| shown.with(|frame| frame.guided));
    let company = move || shown.with(|frame| frame.installation.company.clone());
    let FrameView { viewer, installation, zone, zone_label, connected, guided, .. } = frame;
    browser::tell_zone(Some(&zone));
    provide_context(viewer.clone());
    provide_context(Connected { anything: connected, guided });
    let initials: String = viewer.name.split_whitespace().filter_map(|w| w.chars().next()).take(2).collect();
    let out = action::<SignOut>();
    let banner = installation.demo.then(|| {
        view! {
            <aside class="banner" aria-label="Demo">
                <Icon name="info"/>
                <span><b>"Demo."</b>" Simulated carriers, Odoo and desk"<span class="wide-only">"; nothing leaves this system"</span>"."</span>
            </aside>
        }
    });
    let is_cut_off = use_context::<browser::CutOff>();
    let cut_off = move || {
        is_cut_off.is_some_and(browser::CutOff::is).then(|| {
            view! {
                <div class="note note--warn" role="status" data-testid="cut-off">
                    <Icon name="alert"/>
                    <div>"Not live: the connection to Milepost is lost. What is shown may be out of date; it is connected again by itself."</div>
                </div>
            }
        })
    };
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <div class="app">
            {banner}
            <nav class="nav" aria-label="Main">
                <a class="brand" href="/"><svg aria-hidden="true" viewBox="0 0 24 24"><use href="/icons.svg#brand"></use></svg>"Milepost"</a>
                <h2>"Work"</h2>
                <NavLink href="/shipments" icon="box" label="Shipments"/>
                <NavLink href="/exceptions" icon="alert" label="Exceptions" count=count(|frame| frame.exceptions) bad=true/>
                <NavLink href="/claims" icon="claim" label="Claims" count=count(|frame| frame.claims)/>
                {viewer.may(Permission::Figures).then(|| view! { <h2>"Analytics"</h2><NavLink href="/overview" icon="chart" label="Overview"/><NavLink href="/sla" icon="clock" label="Service levels"/><NavLink href="/analytics" icon="filter" label="Exception analysis"/><NavLink href="/reports" icon="doc" label="Reports"/><NavLink href="/carriers" icon="truck" label="Carriers"/><NavLink href="/calibration" icon="pin" label="ETA accuracy"/> })}
                {viewer.may(Permission::Operate).then(|| view! {
                    <h2>"Operations"</h2>
                    {move || is_guided.get().then(|| view! { <NavLink href=START icon="check" label="Getting started"/> })}
                    <NavLink href="/connections" icon="plug" label="Connections" count=count(|frame| frame.connections) bad=true/>
                    <NavLink href="/booking-rules" icon="rule" label="Booking rules"/>
                    <NavLink href="/playbooks" icon="doc" label="Playbooks"/>
                    <NavLink href="/sync" icon="sync" label="Integrations" count=count(|frame| frame.failed) bad=true/>
                    <NavLink href="/reconciliation" icon="equal" label="Reconciliation" count=count(|frame| frame.differences)/>
                    <NavLink href="/alerts" icon="bell" label="Alerts" count=count(|frame| frame.alerts)/>
                    <NavLink href="/mappings/unmapped" icon="map" label="Mappings" count=count(|frame| frame.unmapped) bad=true/>
                    <NavLink href="/rules" icon="rule" label="Rules"/>
                })}
                {(!viewer.may(Permission::Operate)).then(|| view! { <h2>"Operations"</h2><NavLink href="/rules" icon="rule" label="Rules"/> })}
                <p class="nav__foot">{company}<br/>{format!("v{}", installation.version)}</p>
            </nav>
            <div class="main">
                <header class="top">
                    <SearchBox/>
                    <span class="account push">
                        <span class="avatar" aria-hidden="true">{initials}</span>
                        <span class="small name">{viewer.name}</span>
                        <ActionForm action=out attr:class="inline-form">
                            <button class="btn btn--s btn--bare" type="submit">"Sign out"</button>
                        </ActionForm>
                    </span>
                </header>
                <main class="page" id="main" tabindex="-1">{cut_off}{children()}<p class="zone small muted" data-testid="zone" data-zone=zone>{format!("Times in {zone_label}")}</p></main>
            </div>
        </div>
    }
}

#[component]
fn NavLink(
    href: &'static str,
    icon: &'static str,
    label: &'static str,
    #[prop(optional, into)] count: Signal<u64>,
    #[prop(optional)] bad: bool,
) -> impl IntoView {
    let path = use_location().pathname;
    let current = move || path.get().starts_with(href).then_some("page");
    let badge = move || {
        (count.get() > 0).then(|| {
            let class = if bad { "n n--bad" } else { "n" };
            view! { <span class=class>{grouped(count.get())}<span class="sr">" open"</span></span> }
        })
    };
    view! {
        <a href=href aria-current=current title=label data-count=move || (count.get() > 0).then(|| count.get().to_string())>
            <Icon name=icon/>
            <span>{label}</span>
            {badge}
        </a>
    }
}

/// What a shipment is found by; a person's name only for those who may read such.
pub fn searched_by(personal: bool) -> &'static str {
    if personal {
        "tracking number, order, transfer or full customer name"
    } else {
        "tracking number, order or transfer"
    }
}

/// A plain form: it works before the browser's half has come.
#[component]
fn SearchBox() -> impl IntoView {
    let query = use_query_map();
    let text = move || query.get().get("q").unwrap_or_default();
    let what = searched_by(may(Permission::ReadPersonal));
    let placeholder = format!("{}{}", what[..1].to_uppercase(), &what[1..]);
    view! {
        <form class="search" role="search" action="/shipments" method="get">
            <Icon name="search"/>
            <label class="sr" for="q">{format!("Find a shipment by {what}")}</label>
            <input class="input" id="q" name="q" type="search" value=text data-testid="search-box" placeholder=placeholder/>
            <input type="hidden" name="find" value="1"/>
            <span class="keys" aria-hidden="true"><kbd>"/"</kbd></span>
        </form>
    }
}
