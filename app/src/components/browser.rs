//! What only the browser does: live updates, keys, copying. On the server all of this is nothing.

use leptos::prelude::*;
use std::collections::BTreeSet;

/// The cookie with the browser's time zone.
pub const ZONE_COOKIE: &str = "milepost-zone";
/// For a year.
#[cfg(feature = "hydrate")]
const ZONE_KEPT_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Marks the document once the browser's half has taken over.
pub fn mark_hydrated() {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "yes");
        }
    });
}

/// Keeps the browser's time zone for the server in a cookie. A page that was made in another zone
/// reloads, once.
pub fn tell_zone(shown: Option<&str>) {
    #[cfg(feature = "hydrate")]
    {
        let shown = shown.map(str::to_owned);
        Effect::new(move |_| {
            let Some(zone) = zone() else { return };
            let Some(kept) = keep_zone(&zone) else { return };
            // not again where the server did not take it
            if shown.as_ref().is_some_and(|shown| *shown != zone) && kept {
                let _ = window().location().reload();
            }
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = shown;
}

/// The browser's time zone.
#[cfg(feature = "hydrate")]
fn zone() -> Option<String> {
    use js_sys::{Function, Reflect, global};
    use leptos::wasm_bindgen::{JsCast, JsValue};
    // Intl.DateTimeFormat().resolvedOptions().timeZone
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let call = |of: &JsValue, name: &str| get(of, name)?.dyn_into::<Function>().ok()?.call0(of).ok();
    let format = call(&get(&global(), "Intl")?, "DateTimeFormat")?;
    get(&call(&format, "resolvedOptions")?, "timeZone")?.as_string()
}

/// Whether the cookie holds the zone now and did not before; none where there are no cookies.
#[cfg(feature = "hydrate")]
fn keep_zone(zone: &str) -> Option<bool> {
    use leptos::wasm_bindgen::JsCast;
    let document: web_sys::HtmlDocument = document().dyn_into().ok()?;
    let pair = format!("{ZONE_COOKIE}={zone}");
    let holds = || Some(document.cookie().ok()?.split(';').any(|cookie| cookie.trim() == pair));
    if holds()? {
        return Some(false);
    }
    document.set_cookie(&format!("{pair}; path=/; max-age={ZONE_KEPT_SECONDS}; samesite=lax")).ok()?;
    holds().filter(|holds| *holds)
}

/// How often something happened that the numbers beside the navigation may count; one for all pages.
#[derive(Clone, Copy)]
pub struct Happened(RwSignal<usize>);

impl Happened {
    /// For all pages.
    pub fn provide() {
        provide_context(Self(RwSignal::new(0)));
    }

    /// How often: a reactive read.
    pub fn times(self) -> usize {
        self.0.get()
    }

    /// How often by now.
    pub fn times_untracked(self) -> usize {
        self.0.get_untracked()
    }
}

/// A press that is longer holds nothing up any more.
#[cfg(feature = "hydrate")]
const PRESS_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// Whether the pointer is down: until it is up and what was pressed has acted, nothing moves under it.
#[derive(Clone, Copy)]
pub struct Pressed(RwSignal<bool>);

impl Pressed {
    /// For all pages.
    pub fn provide() {
        let pressed = RwSignal::new(false);
        provide_context(Self(pressed));
        #[cfg(feature = "hydrate")]
        Effect::new(move |_| {
            use leptos::ev::{pointercancel, pointerdown, pointerup};
            let release = move |after| {
                let up = move || {
                    pressed.try_set(false);
                };
                set_timeout(up, after);
            };
            let down = window_event_listener(pointerdown, move |_| {
                pressed.set(true);
                release(PRESS_MAX);
            });
            // the click comes after the pointer is up
            let up = window_event_listener(pointerup, move |_| release(std::time::Duration::ZERO));
            let off = window_event_listener(pointercancel, move |_| release(std::time::Duration::ZERO));
            on_cleanup(move || {
                down.remove();
                up.remove();
                off.remove();
            });
        });
    }

    /// Whether it is: a reactive read.
    pub fn is(self) -> bool {
        self.0.get()
    }
}

/// The values of the boxes of this form that are ticked in the page as it was sent.
pub fn ticked(form: &str) -> BTreeSet<String> {
    #[cfg(feature = "hydrate")]
    {
        use leptos::wasm_bindgen::JsCast;
        let selector = format!("input[type=checkbox][form={form}]:checked");
        let Ok(boxes) = document().query_selector_all(&selector) else { return BTreeSet::new() };
        let value = |n| Some(boxes.item(n)?.dyn_into::<web_sys::HtmlInputElement>().ok()?.value());
        (0..boxes.length()).filter_map(value).collect()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = form;
        BTreeSet::new()
    }
}

/// Counts an action on this page whenever `version` changes, and closes the small form that it was sent from.
pub fn acted(version: impl Fn() -> usize + 'static) {
    let happened = use_context();
    Effect::watch(
        version,
        move |_, _, _| {
            if let Some(Happened(times)) = happened {
                times.update(|times| *times += 1);
            }
            #[cfg(feature = "hydrate")]
            close_pops(leave);
        },
        false,
    );
}

/// Whether the live updates of the page that is shown are cut off; one for all pages.
#[derive(Clone, Copy)]
pub struct CutOff(RwSignal<bool>);

impl CutOff {
    /// For all pages.
    pub fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Whether they are: a reactive read.
    pub fn is(self) -> bool {
        self.0.get()
    }

    #[cfg(feature = "hydrate")]
    fn set(self, is: bool) {
        if self.0.try_get_untracked() == Some(!is) {
            self.0.try_set(is);
        }
    }
}

/// A page is read anew so often even if nothing changed: it says how long ago things were.
#[cfg(feature = "hydrate")]
const AGES_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// A stream that the server refused is asked for again after this time; one that broke off comes back by itself.
#[cfg(feature = "hydrate")]
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

/// Calls `changed` for each change that the server streams, and now and then; only while the page is shown, and when it is
/// shown again.
pub fn live(path: impl Fn() -> String + 'static, changed: impl Fn() + Clone + 'static) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::wasm_bindgen::{JsCast, closure::Closure};
        type Listener = Closure<dyn FnMut(web_sys::Event)>;
        let held = StoredValue::new_local(None::<(web_sys::EventSource, Vec<Listener>)>);
        let (happened, cut_off) = (use_context::<Happened>(), use_context::<CutOff>());
        let again = RwSignal::new(0_u32);
        let close = move || {
            held.try_update_value(|held| {
                if let Some((source, _)) = held.take() {
                    source.close();
                }
            });
        };
        let read = move || {
            if !document().hidden() {
                changed();
            }
        };
        let of_change = read.clone();
        Effect::new(move |_| {
            again.track();
            close();
            let Ok(source) = web_sys::EventSource::new(&path()) else { return };
            let read = of_change.clone();
            let change = Listener::new(move |_| {
                read();
                if let Some(Happened(times)) = happened.filter(|_| !document().hidden()) {
                    times.update(|times| *times += 1);
                }
            });
            let read = of_change.clone();
            let open = Listener::new(move |_| {
                // what came meanwhile
                if cut_off.is_some_and(|CutOff(is)| is.try_get_untracked() == Some(true)) {
                    read();
                }
                cut_off.inspect(|cut_off| cut_off.set(false));
            });
            let broken = source.clone();
            let error = Listener::new(move |_| {
                cut_off.inspect(|cut_off| cut_off.set(true));
                if broken.ready_state() == web_sys::EventSource::CLOSED {
                    let ask = move || {
                        again.try_update(|times| *times += 1);
                    };
                    set_timeout(ask, AGAIN_AFTER);
                }
            });
            let listeners = [("change", change), ("open", open), ("error", error)];
            for (name, listener) in &listeners {
                let _ = source.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
            }
            held.set_value(Some((source, listeners.into_iter().map(|(_, listener)| listener).collect())));
        });
        let ages = set_interval_with_handle(read.clone(), AGES_EVERY);
        let shown = window_event_listener_untyped("visibilitychange", move |_| read());
        on_cleanup(move || {
            close();
            cut_off.inspect(|cut_off| cut_off.set(false));
            shown.remove();
            if let Ok(ages) = ages {
                ages.clear();
            }
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (path, changed);
}

/// A page of which no stream tells is read anew so often.
#[cfg(feature = "hydrate")]
const READ_EVERY: std::time::Duration = std::time::Duration::from_secs(10);

/// Calls `read` every few seconds; only while the page is shown, and when it is shown again. The numbers beside the navigation are
/// read with it.
pub fn regularly(read: impl Fn() + Clone + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let happened = use_context::<Happened>();
        let read = move || {
            if !document().hidden() {
                read();
                if let Some(Happened(times)) = happened {
                    times.update(|times| *times += 1);
                }
            }
        };
        let timer = set_interval_with_handle(read.clone(), READ_EVERY);
        let shown = window_event_listener_untyped("visibilitychange", move |_| read());
        on_cleanup(move || {
            shown.remove();
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = read;
}

/// The second click of a double click sends no form: by then another button may be under the pointer.
pub fn no_double_clicks() {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| {
        use leptos::{ev::click, wasm_bindgen::JsCast};
        let handle = window_event_listener(click, |event| {
            let on = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let sends = on.and_then(|on| on.closest("form button").ok().flatten()).is_some();
            if sends && event.detail() > 1 {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// The name of small forms that open over a page, each a `details`: of one name one is open at a time.
pub const POP: &str = "pop";

/// The first input of a form that opens over the page has the focus; Escape and a click elsewhere close it. For all pages.
pub fn pops() {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| {
        use leptos::{
            ev::{click, keydown},
            wasm_bindgen::{JsCast, closure::Closure},
        };
        let opened = Closure::<dyn Fn(web_sys::Event)>::new(|event: web_sys::Event| {
            let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let pop = target.filter(|target| target.matches(&open_pops()).unwrap_or(false));
            let input = pop.and_then(|pop| pop.query_selector("input:not([type=hidden]), textarea").ok().flatten());
            if let Some(input) = input.and_then(|input| input.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = input.focus();
            }
        });
        // a toggle does not bubble
        let listener = opened.as_ref().unchecked_ref();
        let _ = window().add_event_listener_with_callback_and_bool("toggle", listener, true);
        // as long as the document
        opened.forget();
        let clicks = window_event_listener(click, |event| {
            let on = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
            close_pops(|pop| !pop.contains(on.as_ref()));
        });
        let escape = window_event_listener(keydown, |event| {
            if event.key() == "Escape" {
                close_pops(leave);
            }
        });
        on_cleanup(move || {
            clicks.remove();
            escape.remove();
        });
    });
}

/// What selects those that are open.
#[cfg(feature = "hydrate")]
fn open_pops() -> String {
    format!("details[name={POP}][open]")
}

/// Who was in it is at what opened it.
#[cfg(feature = "hydrate")]
fn leave(pop: &web_sys::Element) -> bool {
    use leptos::wasm_bindgen::JsCast;
    let inside = document().active_element().is_some_and(|active| pop.contains(Some(&active)));
    let summary = pop.query_selector("summary").ok().flatten().filter(|_| inside);
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = summary.focus();
    }
    true
}

#[cfg(feature = "hydrate")]
fn close_pops(closes: impl Fn(&web_sys::Element) -> bool) {
    use leptos::wasm_bindgen::JsCast;
    let Ok(open) = document().query_selector_all(&open_pops()) else { return };
    let pops = (0..open.length()).filter_map(|n| open.item(n)?.dyn_into::<web_sys::Element>().ok());
    for pop in pops.filter(|pop| closes(pop)) {
        let _ = pop.remove_attribute("open");
    }
}

/// `/` goes to the search box; `j` and `k` move over the rows of a list, Enter opens one.
pub fn keys() {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| {
        use leptos::{ev::keydown, wasm_bindgen::JsCast};
        let handle = window_event_listener(keydown, |event| {
            let typing = event
                .target()
                .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
                .is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            match event.key().as_str() {
                "/" => {
                    event.prevent_default();
                    focus("q");
                }
                "j" => step(1),
                "k" => step(-1),
                _ => {}
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Nothing is typed any more in the input of this id.
pub fn clear(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::wasm_bindgen::JsCast;
        let Some(element) = document().get_element_by_id(id) else { return };
        if let Some(input) = element.dyn_ref::<web_sys::HtmlInputElement>() {
            input.set_value("");
        } else if let Some(text) = element.dyn_ref::<web_sys::HtmlTextAreaElement>() {
            text.set_value("");
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// The element of this id has the focus.
pub fn focus_on(id: &str) {
    #[cfg(feature = "hydrate")]
    focus(id);
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Presses the button of this id, as a person would.
pub fn click_on(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::wasm_bindgen::JsCast;
        let button = document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(button) = button {
            button.click();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Where the caret stands in the text of this id, in units of UTF-16; none where something is selected, and on the server.
pub fn caret(id: &str) -> Option<usize> {
    #[cfg(feature = "hydrate")]
    {
        let text = text_area(id)?;
        let (from, to) = (text.selection_start().ok()??, text.selection_end().ok()??);
        (from == to).then(|| usize::try_from(from).ok())?
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = id;
        None
    }
}

/// Writes into the text of this id and puts the caret there, in units of UTF-16. At once: the next key is typed at the caret.
pub fn put_text(id: &str, written: &str, caret: usize) {
    #[cfg(feature = "hydrate")]
    if let (Some(text), Ok(caret)) = (text_area(id), u32::try_from(caret)) {
        text.set_value(written);
        let _ = text.set_selection_range(caret, caret);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (id, written, caret);
}

#[cfg(feature = "hydrate")]
fn text_area(id: &str) -> Option<web_sys::HtmlTextAreaElement> {
    use leptos::wasm_bindgen::JsCast;
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// The id of what has the focus; empty where that has none.
pub fn focused() -> String {
    #[cfg(feature = "hydrate")]
    {
        document().active_element().map(|element| element.id()).unwrap_or_default()
    }
    #[cfg(not(feature = "hydrate"))]
    String::new()
}

/// The element of this id has the focus as soon as the page has it.
pub fn focus_later(id: String) {
    #[cfg(feature = "hydrate")]
    request_animation_frame(move || focus(&id));
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// The element of this id is shown and has the focus, as soon as the page has it.
pub fn lead_to(id: &'static str) {
    #[cfg(feature = "hydrate")]
    request_animation_frame(move || focus(id));
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

#[cfg(feature = "hydrate")]
fn focus(id: &str) {
    use leptos::wasm_bindgen::JsCast;
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Moves the focus over the links that open a row.
#[cfg(feature = "hydrate")]
fn step(by: i32) {
    use leptos::wasm_bindgen::JsCast;
    let Ok(rows) = document().query_selector_all("a[data-row]") else { return };
    let active = document().active_element();
    let at = (0..rows.length())
        .find(|i| rows.item(*i).is_some_and(|r| active.as_ref().is_some_and(|a| r.is_same_node(Some(a)))));
    let next = match at {
        Some(at) => i32::try_from(at).unwrap_or_default() + by,
        None => 0,
    };
    let next = u32::try_from(next.max(0)).unwrap_or_default().min(rows.length().saturating_sub(1));
    if let Some(row) = rows.item(next).and_then(|r| r.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = row.focus();
    }
}

/// Copies text.
pub fn copy(text: &str) {
    #[cfg(feature = "hydrate")]
    drop(window().navigator().clipboard().write_text(text));
    #[cfg(not(feature = "hydrate"))]
    let _ = text;
}

/// Opens the browser's dialog for printing the page.
pub fn print() {
    #[cfg(feature = "hydrate")]
    let _ = window().print();
}
