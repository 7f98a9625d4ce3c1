//! The frame of every page for signed-in people: banner, navigation, search, live mark, account.

use super::{
    icon::{Icon, Stone},
    keys::{self, HELP_BUTTON_ID, HELP_ID, SEARCH_ID},
    live::{LiveMark, provide_live, set_clock},
    states::Failure,
    status::count,
    theme::ThemeSwitch,
};
use crate::{
    api::session::{SignOutForm, pulse},
    contract::{
        ApiError,
        session::{Mode, Permission, Session, Viewer},
    },
    root::Boot,
};
use leptos::prelude::*;
use leptos_router::{
    components::{Form, Outlet},
    hooks::{use_location, use_query_map},
};
use server_fn::ServerFn;

const ACCOUNT_ID: &str = "account";

/// A page of the navigation.
struct Place {
    group: &'static str,
    path: &'static str,
    label: &'static str,
    icon: &'static str,
    permission: Permission,
}

const PLACES: [Place; 4] = [
    Place { group: "Work", path: "/shipments", label: "Shipments", icon: "box", permission: Permission::ReadShipments },
    Place { group: "Work", path: "/exceptions", label: "Exceptions", icon: "alert", permission: Permission::ReadExceptions },
    Place { group: "Insight", path: "/overview", label: "Overview", icon: "chart", permission: Permission::ReadOverview },
    Place { group: "Run", path: "/sync", label: "Sync", icon: "sync", permission: Permission::ReadSync },
];

/// The session of this page.
pub fn session() -> Session {
    use_context::<Boot>().map(|boot| boot.session).unwrap_or_default()
}

/// Whether the person may; for leaving out what the server would refuse anyway.
pub fn may(permission: Permission) -> bool {
    session().viewer.is_some_and(|v| v.may(permission))
}

/// The frame. Whoever is not signed in is sent to the sign-in page.
#[component]
pub fn Frame() -> impl IntoView {
    match session().viewer {
        Some(viewer) => view! { <SignedInFrame viewer/> }.into_any(),
        None => {
            #[cfg(feature = "ssr")]
            to_sign_in();
            view! { <main class="page"><Failure error=ApiError::Unauthenticated/></main> }.into_any()
        }
    }
}

#[cfg(feature = "ssr")]
fn to_sign_in() {
    // while the routes are listed there is no request
    let Some(parts) = use_context::<axum::http::request::Parts>() else { return };
    let wanted = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let next = super::url::local_path(wanted).filter(|p| *p != "/");
    leptos_axum::redirect(&super::url::Address::new("/sign-in").maybe("next", next).to_string());
}

#[component]
fn SignedInFrame(viewer: Viewer) -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let installation = boot.session.installation.clone();
    let pathname = use_location().pathname;
    let live = provide_live(pathname);
    keys::listen();
    let pulse = Resource::new_blocking(move || live.version.get(), |_| pulse());
    Effect::new(move |_| {
        if let Some(Ok(pulse)) = pulse.get() {
            set_clock(pulse.now);
        }
    });
    let banner = (installation.mode == Mode::Demo).then(|| {
        view! {
            <div class="banner" role="note" data-testid="demo-banner">
                <Icon name="info"/>
                <span>
                    <b>"Demo."</b>
                    " Simulated carriers, Odoo and desk"
                    <span class="wide-only">"; nothing leaves this machine"</span>
                    "."
                </span>
            </div>
        }
    });
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <div class="app">
            {banner}
            <nav class="nav" aria-label="Main">
                <a class="brand" href=viewer.home()><Stone/>"Milepost"</a>
                <Places viewer=viewer.clone() pulse/>
                <p class="nav__foot">{installation.company}<br/>{format!("Milepost {}", installation.version)}</p>
            </nav>
            <div class="main">
                <header class="top">
                    <Search/>
                    <Transition fallback=|| view! { <span class="live live--off push"><span>"…"</span></span> }>
                        {move || Suspend::new(async move { pulse.await.ok().map(|pulse| view! { <LiveMark pulse/> }) })}
                    </Transition>
                    <button class="btn btn--bare btn--icon key-help" type="button" id=HELP_BUTTON_ID popovertarget=HELP_ID aria-label="Keyboard shortcuts">
                        <kbd>"?"</kbd>
                    </button>
                    <button class="btn btn--bare btn--icon" type="button" popovertarget=ACCOUNT_ID aria-label=format!("{}: account", viewer.name)>
                        <span class="avatar" aria-hidden="true">{viewer.initials()}</span>
                    </button>
                </header>
                <main class="page" id="main" tabindex="-1">
                    <Outlet/>
                </main>
            </div>
        </div>
        <Account viewer/>
        <Help/>
    }
}

#[component]
fn Places(viewer: Viewer, pulse: Resource<Result<crate::contract::session::Pulse, ApiError>>) -> impl IntoView {
    let pathname = use_location().pathname;
    let mut group = "";
    PLACES
        .iter()
        .filter(|place| viewer.may(place.permission))
        .map(|place| {
            let head = (place.group != group).then(|| view! { <h2>{place.group}</h2> });
            group = place.group;
            let path = place.path;
            let current = move || (pathname.with(|p| p == path || p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))).then_some("page");
            let badge = move || {
                Suspend::new(async move {
                    let pulse = pulse.await.ok()?;
                    let (n, class, word) = match path {
                        "/exceptions" => (pulse.open_exceptions, "n n--bad", " open"),
                        "/sync" => (pulse.failed_syncs, "n n--bad", " failed"),
                        _ => return None,
                    };
                    (n > 0).then(|| view! { <span class=class>{count(n)}<span class="sr">{word}</span></span> })
                })
            };
            view! {
                {head}
                <a href=path aria-current=current>
                    <Icon name=place.icon/>
                    <span>{place.label}</span>
                    <Transition>{badge}</Transition>
                </a>
            }
        })
        .collect_view()
}

#[component]
fn Search() -> impl IntoView {
    let query = use_query_map();
    view! {
        <Form method="GET" action="/find" attr:class="search" attr:role="search">
            <Icon name="search"/>
            <label class="sr" for=SEARCH_ID>"Find a shipment by tracking number, order or transfer"</label>
            <input
                class="input"
                id=SEARCH_ID
                name="q"
                type="search"
                autocomplete="off"
                maxlength="2000"
                data-testid="search-box"
                value=move || query.with(|q| q.get("q").unwrap_or_default())
                placeholder="Find anything, or paste tracking numbers"
            />
            <span class="keys"><kbd>"/"</kbd></span>
        </Form>
    }
}

#[component]
fn Account(viewer: Viewer) -> impl IntoView {
    let theme = use_context::<Boot>().unwrap_or_default().theme;
    let roles = viewer.roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", ");
    view! {
        <div class="pop pop--account" id=ACCOUNT_ID popover="auto" role="dialog" aria-label="Account">
            <div class="in">
                <p><b>{viewer.name.clone()}</b></p>
                <p class="small muted">{viewer.login.clone()}</p>
                <p class="small muted">{roles}</p>
            </div>
            <div class="in">
                <p class="label">"Colours"</p>
                <ThemeSwitch current=theme/>
            </div>
            <form class="in" method="post" action=<SignOutForm as ServerFn>::PATH>
                <button class="btn" type="submit" data-testid="sign-out">
                    <Icon name="leave"/>
                    "Sign out"
                </button>
            </form>
        </div>
    }
}

#[component]
fn Help() -> impl IntoView {
    let keys = [("/", "search"), ("j", "next row"), ("k", "row before"), ("Enter", "open the row"), ("?", "this help"), ("Esc", "close")];
    view! {
        <div class="pop pop--help dialog" id=HELP_ID popover="auto" role="dialog" aria-labelledby="help-title">
            <header><h2 id="help-title">"Keyboard"</h2></header>
            <dl class="in facts">
                {keys.map(|(key, what)| view! { <dt><kbd>{key}</kbd></dt><dd>{what}</dd> })}
            </dl>
            <p class="in small muted">
                "Times are UTC, or the clock at the place where the carrier sent it; a zone that nobody stated is marked. Hover or focus a time for all that is known."
            </p>
        </div>
    }
}
