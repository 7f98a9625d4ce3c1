//! The sections of a connection's page.

use super::chart::Hours;
use crate::{
    api::{RetireSecret, RotateConnection},
    components::{
        Copy, Icon, Time, browser,
        live::part,
        parts::{Empty, grouped},
    },
    contract::{
        ApiError,
        connections::{CallRow, ChangeView, CheckResult, ConnectionView, ErrorRow, Health, MessageRow},
    },
};
use leptos::{form::ActionForm, prelude::*};

/// Rows of a list on the overview.
const FEW: usize = 6;

/// Messages or calls by hour.
#[component]
pub fn Traffic(
    /// The connection.
    one: Signal<ConnectionView>,
) -> impl IntoView {
    let shown = part(one, |one| {
        (one.row.hours.clone(), one.row.ok, one.row.failed, one.row.called, one.row.label.clone(), one.span.clone())
    });
    let as_of = part(one, |one| one.as_of.clone());
    move || {
        let (hours, ok, failed, called, label, span) = shown.get();
        let (title, what) = if called {
            ("Calls by hour", format!("Calls to {label}"))
        } else {
            ("Messages by hour", format!("Messages of {label}"))
        };
        let body = if ok + failed == 0 {
            view! { <Empty title="Nothing in the last 24 hours">"What goes over it is counted here by hour."</Empty> }
                .into_any()
        } else {
            view! { <Hours hours what/> }.into_any()
        };
        view! {
            <section class="card" id="hours">
                <div class="card__head"><h2>{title}</h2><span class="push legend">
                    <span><svg class="sw" viewBox="0 0 12 12" aria-hidden="true"><rect class="b2" x="0.5" y="0.5" width="11" height="11"></rect></svg>{format!("succeeded {}", grouped(ok))}</span>
                    <span><svg class="sw" viewBox="0 0 12 12" aria-hidden="true"><rect class="bbad" x="0.5" y="0.5" width="11" height="11"></rect></svg>{format!("failed {}", grouped(failed))}</span>
                </span></div>
                {body}
                <p class="kfoot"><span>{span}</span><span class="push">"as of "<Time when=as_of.get()/></span></p>
            </section>
        }
    }
}

/// What failed, by class.
#[component]
pub fn Errors(
    /// The connection.
    one: Signal<ConnectionView>,
) -> impl IntoView {
    let errors = part(one, |one| (one.errors.clone(), one.row.name.clone(), one.row.called));
    move || {
        let (errors, name, called) = errors.get();
        if errors.is_empty() {
            let text = if called { "No job of it failed or is tried again." } else { "Every message could be read." };
            return view! { <section class="panel" id="errors"><header><h2>"Errors by class"</h2></header><p class="in small muted"><Icon name="check" class="ok inline-i"/>{text}</p></section> }.into_any();
        }
        let rows = errors.into_iter().map(|error| error_row(error, &name, called)).collect_view();
        view! {
            <section class="table-box" id="errors">
                <div class="row box-head"><h2>"Errors by class"</h2><span class="push small muted">"now"</span></div>
                <table class="table table--list table--lead table--ops">
                    <caption class="sr">"Errors by class"</caption>
                    <thead><tr><th>"Class"</th><th class="num">"Now"</th><th>"Status"</th><th><span class="sr">"Action"</span></th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
        .into_any()
    }
}

fn error_row(error: ErrorRow, name: &str, called: bool) -> impl IntoView + use<> {
    let ErrorRow { class, meaning, n, failed } = error;
    let href = match (called, failed) {
        (false, _) => format!("/sync?view=quarantine&source={name}"),
        (true, true) => format!("/sync?view=failed&destination={name}&class={class}"),
        (true, false) => format!("/sync?view=retrying&destination={name}&class={class}"),
    };
    let (tone, word) =
        if failed { ("nowrap c21 bad", "Failed, waits for you") } else { ("nowrap c21 muted", "Retrying") };
    view! {
        <tr data-testid="error-row">
            <th scope="row" class="two c11"><span class="mono">{class}</span><small class="thin">{meaning}</small></th>
            <td class="num c12">{grouped(n)}</td><td class=tone>{word}</td>
            <td class="num c22"><a class="btn btn--s btn--bare" href=href>{format!("Show {}", grouped(n))}</a></td>
        </tr>
    }
}

/// The newest calls.
#[component]
pub fn Calls(
    /// The connection.
    one: Signal<ConnectionView>,
    /// Every one that there is.
    all: bool,
) -> impl IntoView {
    let calls = part(one, |one| (one.calls.clone(), one.row.name.clone()));
    move || {
        let (calls, name) = calls.get();
        let (shown, total) = (if all { calls.len() } else { FEW.min(calls.len()) }, calls.len());
        let more = if all {
            view! { <span>{format!("the newest {total}; requests and responses are on the job's page, personal data masked")}</span> }.into_any()
        } else {
            view! { <span>{format!("{shown} of the newest {total}")}</span> }.into_any()
        };
        let body = if calls.is_empty() {
            view! { <Empty title="No calls yet">"Each call appears here with its result."</Empty> }.into_any()
        } else {
            let rows = calls.into_iter().take(shown).map(call_row).collect_view();
            view! {
                <table class="table table--list table--lead table--ops">
                    <caption class="sr">"Recent calls"</caption>
                    <thead><tr><th>"Time"</th><th>"Call"</th><th>"Object"</th><th>"Result"</th><th class="num">"Took"</th><th class="p2">"Correlation id"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
                <p class="foot">{more}<a class="push" href=format!("/sync?view=done&destination={name}")>"All jobs"</a></p>
            }
            .into_any()
        };
        view! { <section class="table-box" id="calls"><div class="row box-head"><h2>"Recent calls"</h2></div>{body}</section> }
    }
}

fn call_row(call: CallRow) -> impl IntoView {
    let CallRow { at, what, operation, shipment, result, ok, took, job, correlation, .. } = call;
    let object = shipment.map(|id| view! { <a href=format!("/shipments/{id}")>"Shipment"</a>" · " });
    let result = if ok {
        view! { <span class="muted">{result}</span> }.into_any()
    } else {
        view! { <span class="bad">{result}</span> }.into_any()
    };
    view! {
        <tr data-testid="call-row">
            <td class="nowrap c12 muted"><Time when=at/></td>
            <th scope="row" class="c11"><a href=format!("/sync/jobs/{job}")>{what}</a></th>
            <td class="c21 small wrap-any">{object}<span class="mono">{operation}</span></td>
            <td class="nowrap c22">{result}</td>
            <td class="num nowrap hide-s muted">{took}</td>
            <td class="hide-s p2 small"><Copy text=correlation/></td>
        </tr>
    }
}

/// The newest messages.
#[component]
pub fn Messages(
    /// The connection.
    one: Signal<ConnectionView>,
    /// Every one that there is.
    all: bool,
) -> impl IntoView {
    let messages = part(one, |one| (one.messages.clone(), one.row.name.clone()));
    move || {
        let (messages, name) = messages.get();
        let shown = if all { messages.len() } else { FEW.min(messages.len()) };
        let body = if messages.is_empty() {
            view! { <Empty title="No message yet">"What the platform sends appears here as it was received."</Empty> }
                .into_any()
        } else {
            let rows = messages.into_iter().take(shown).map(message_row).collect_view();
            view! {
                <table class="table table--list table--ops">
                    <caption class="sr">"Recent messages"</caption>
                    <thead><tr><th>"Received"</th><th>"Result"</th><th class="num">"Bytes"</th><th class="p2">"Correlation id"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
                <p class="foot"><span>{format!("the newest {shown}")}</span><a class="push" href=format!("/sync?view=messages&source={name}")>"All messages"</a></p>
            }
            .into_any()
        };
        view! { <section class="table-box" id="messages"><div class="row box-head"><h2>"Recent messages"</h2></div>{body}</section> }
    }
}

fn message_row(message: MessageRow) -> impl IntoView {
    let MessageRow { id, at, result, ok, size, correlation } = message;
    let tone = if ok { "c12" } else { "c12 bad" };
    view! {
        <tr data-testid="message-row">
            <th scope="row" class="nowrap c11"><a href=format!("/sync/messages/{id}")><Time when=at/></a></th>
            <td class=tone>{result}</td>
            <td class="num hide-s muted">{grouped(size)}</td>
            <td class="small p2 c2"><Copy text=correlation/></td>
        </tr>
    }
}

/// Which exceptions a desk takes.
#[component]
pub fn Routing(
    /// The connection.
    one: Signal<ConnectionView>,
) -> impl IntoView {
    let routing = part(one, |one| (one.routing.clone().unwrap_or_default(), one.row.name.clone()));
    move || {
        let (rows, name) = routing.get();
        let rows = rows
            .into_iter()
            .map(|(what, values)| view! { <tr><th scope="row" class="c11">{what}</th><td class="c12 wrap-any">{values}</td></tr> })
            .collect_view();
        view! {
            <section class="table-box" id="routing">
                <div class="row box-head"><h2>"Routing"</h2><a class="btn btn--s push" href=format!("/connections/{name}?tab=settings#c-takes")><Icon name="pen"/>"Edit"</a></div>
                <table class="table table--list table--ops">
                    <caption class="sr">"Which exceptions this desk takes"</caption>
                    <thead><tr><th>"Takes exceptions by"</th><th>"Of"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
                <p class="foot"><span>"Of several desks that take an exception, the one with the most conditions gets it. A ticket stays at its desk."</span></p>
            </section>
        }
    }
}

/// The settings, to read.
#[component]
pub fn SettingsList(
    /// The connection.
    one: Signal<ConnectionView>,
) -> impl IntoView {
    let settings = part(one, |one| (one.settings.clone(), one.row.name.clone(), one.saved.clone()));
    move || {
        let (settings, name, saved) = settings.get();
        let rows = settings
            .into_iter()
            .map(|(what, value)| view! { <dt>{what}</dt><dd class="wrap-any">{value}</dd> })
            .collect_view();
        let ingest = saved.ingest.map(|address| view! { <dt>"Webhook address"</dt><dd><Copy text=address/></dd> });
        let reports = saved.reports.map(|address| {
            view! {
                <dt>"Report address"</dt><dd data-testid="report-address"><Copy text=address/>
                    <span class="small muted">"Enter it at the desk as webhook, so that changed tickets come back at once. "<code>{format!("milepost connection reports {name}")}</code>" prints the secret."</span></dd>
            }
        });
        view! {
            <section class="panel">
                <header><h2>"Settings"</h2><span class="push"><a class="btn btn--s" href=format!("/connections/{name}?tab=settings")><Icon name="pen"/>"Edit"</a></span></header>
                <dl class="in facts">{rows}{ingest}{reports}</dl>
            </section>
        }
    }
}

/// The change log.
#[component]
pub fn ChangeLog(
    /// The connection.
    one: Signal<ConnectionView>,
    /// Every line that there is.
    all: bool,
) -> impl IntoView {
    let changes = part(one, |one| (one.changes.clone(), one.row.name.clone()));
    move || {
        let (changes, name) = changes.get();
        let (shown, total) = (if all { changes.len() } else { FEW.min(changes.len()) }, changes.len());
        let more = (!all && total > shown).then(|| view! { <p class="foot"><a href=format!("/connections/{name}?tab=log")>{format!("All {total}")}</a></p> });
        let lines = changes.into_iter().take(shown).map(change).collect_view();
        view! {
            <section class="panel" id="log">
                <header><h2>"Change log"</h2><span class="push">"from the audit trail"</span></header>
                <ul class="lines lines--s">{lines}</ul>
                {more}
            </section>
        }
    }
}

fn change(change: ChangeView) -> impl IntoView {
    let ChangeView { icon, what, values, who, at, .. } = change;
    let values = values
        .into_iter()
        .map(|(what, before, after)| {
            let before = (!before.is_empty()).then(|| view! { <del class="d">{before}</del>" " });
            let after = if after.is_empty() {
                view! { <span class="muted">"removed"</span> }.into_any()
            } else {
                view! { <ins class="d">{after}</ins> }.into_any()
            };
            view! { <br/><span class="small wrap-any">{what}" "{before}{after}</span> }
        })
        .collect_view();
    view! {
        <li data-testid="change">
            <Icon name=icon/>
            <span>{what}{values}<br/><span class="small muted wrap-any">{who}</span></span>
            <span class="small muted nowrap"><Time when=at/></span>
        </li>
    }
}

/// Rotating a secret, in three steps that pause nothing.
#[component]
pub fn Secrets(
    /// The connection.
    one: Signal<ConnectionView>,
    /// What sets a new one.
    rotate: ServerAction<RotateConnection>,
    /// What forgets the old one.
    retire: ServerAction<RetireSecret>,
) -> impl IntoView {
    let shown = part(one, |one| {
        let form = one.form.as_ref();
        let label = form.map_or_else(|| "Secret".to_owned(), |form| form.secret_label.clone());
        let help = form.map(|form| form.secret_help.clone()).unwrap_or_default();
        (one.row.name.clone(), label, help, one.row.called, one.row.health == Health::Draft)
    });
    let valid = part(one, |one| one.row.secrets);
    let refused =
        part(one, |one| one.saved.report.as_ref().is_some_and(|report| report.count(CheckResult::Failed) > 0));
    let wrong = move || match rotate.value().get() {
        Some(Err(ApiError::Invalid { field, message })) if field == "secret" => Some(message),
        _ => None,
    };
    let is_set = move || {
        matches!(rotate.value().get(), Some(Ok(()))).then(|| {
            let before = if valid.get() > 1 { "; the one before stays valid. Retire it once the new one works." } else { "." };
            view! { <div class="note note--ok" role="status"><Icon name="check"/><div>"The new secret is set"{before}</div></div> }
        })
    };
    Effect::watch(
        move || matches!(rotate.value().get(), Some(Ok(()))).then(|| rotate.version().get()),
        |done, _, _| {
            if done.is_some() {
                browser::clear("new-secret");
            }
        },
        false,
    );
    let set = move || {
        let (name, label, help, called, draft) = shown.get();
        let label = format!("New {label}");
        let about = if draft {
            "It takes the place of the one before: the connection was never in use. It is tested at once."
        } else if called {
            "Both secrets stay valid, so nothing pauses: a call that is refused with the newest is tried with the one before. The new one is tested at once."
        } else {
            "Both secrets stay valid, so nothing pauses: messages signed with either are taken."
        };
        view! {
            <ActionForm action=rotate attr:class="in stack stack--tight">
                <input type="hidden" name="name" value=name/>
                <p class="small">{about}</p>
                <div class="field">
                    <label for="new-secret">{label}</label>
                    {new_secret(called)}
                    <span id="new-secret-wrong" role="alert">{move || wrong().map(|text| view! { <span class="hint bad row row--tight keep" data-testid="fault"><Icon name="critical"/><span>{text}</span></span> })}</span>
                    <span class="hint" id="new-secret-help">{help}</span>
                </div>
                <div class="row"><button class="btn btn--go" type="submit" data-testid="rotate"><Icon name="key"/>"Rotate"</button></div>
            </ActionForm>
        }
    };
    let forget = move || {
        let (name, ..) = shown.get();
        (valid.get() > 1).then(|| {
            let warns = refused.get().then(|| view! { <p class="small bad">"The last test with the new secret failed: look at it before you retire the old one."</p> });
            view! {
                <ActionForm action=retire attr:class="in stack stack--tight">
                    <input type="hidden" name="name" value=name/>
                    {warns}
                    <div class="row"><button class="btn" type="submit" data-testid="retire">"Retire the old secret"</button><span class="small muted">"From then on only the newest is valid."</span></div>
                </ActionForm>
            }
        })
    };
    view! {
        {is_set}
        <section class="panel" id="secrets">
            <header><h2>"Secrets"</h2><span class="push">"stored encrypted, never shown"</span></header>
            <SecretLines one/>{forget}
        </section>
        <section class="panel"><header><h2>"Rotate without a pause"</h2></header>{set}</section>
    }
}

/// Keys that a platform signs with may have several lines.
fn new_secret(called: bool) -> AnyView {
    let described = "new-secret-wrong new-secret-help";
    if called {
        return view! { <input class="input" id="new-secret" name="secret" type="password" autocomplete="new-password" spellcheck="false" aria-describedby=described/> }.into_any();
    }
    view! { <textarea class="input secret-area" id="new-secret" name="secret" rows="2" autocomplete="off" spellcheck="false" aria-describedby=described></textarea> }.into_any()
}

#[component]
fn SecretLines(one: Signal<ConnectionView>) -> impl IntoView {
    let ages = part(one, |one| (one.row.secrets, one.row.secret_age.clone(), one.secret_set.clone()));
    let active = || view! { <span class="tag tag--ok"><Icon name="check"/>"active"</span> };
    move || {
        let (n, age, set) = ages.get();
        let newest = (n > 0).then(|| view! {
            <li><Icon name="key"/><span><b>"Newest"</b><br/><span class="small muted">"set "<Time when=set/>", age "{age}</span></span>{active()}</li>
        });
        let old = (n > 1).then(|| view! {
            <li><Icon name="key"/><span><b>"The one before"</b><br/><span class="small muted">"valid beside it until it is retired or the next one is set"</span></span>{active()}</li>
        });
        let none =
            (n == 0).then(|| view! { <li><Icon name="info"/><span>"No secret is kept"</span><span></span></li> });
        view! { <ul class="lines lines--s" data-testid="secrets">{none}{newest}{old}</ul> }
    }
}
