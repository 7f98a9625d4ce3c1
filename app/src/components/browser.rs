//! What only the browser does: live updates, keys, copying. On the server all of this is nothing.

use leptos::prelude::*;

/// The cookie with the browser's time zone.
pub const ZONE_COOKIE: &str = "milepost-zone";

/// Tells whoever watches that the browser's half has taken over.
pub fn mark_hydrated() {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "yes");
        }
    });
}

/// How often something happened that the numbers beside the navigation may count; one for all pages.
#[derive(Clone, Copy)]
pub struct Happened(RwSignal<usize>);

impl Happened {
    /// For all pages.
    pub fn provide() {
        provide_context(Self(RwSignal::new(0)));
    }

    /// How often; whoever asks is told when that changes.
    pub fn times(self) -> usize {
        self.0.get()
    }

    /// How often by now.
    pub fn times_untracked(self) -> usize {
        self.0.get_untracked()
    }
}

/// Somebody did something on this page: as often as `version` says.
pub fn acted(version: impl Fn() -> usize + 'static) {
    if let Some(Happened(times)) = use_context() {
        Effect::watch(version, move |_, _, _| times.update(|times| *times += 1), false);
    }
}

/// Calls `changed` whenever the server says that something changed; only while the page is shown.
pub fn live(path: impl Fn() -> String + 'static, changed: impl Fn() + Clone + 'static) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::wasm_bindgen::{JsCast, closure::Closure};
        type Held = Option<(web_sys::EventSource, Closure<dyn FnMut(web_sys::MessageEvent)>)>;
        let held = StoredValue::new_local(Held::None);
        let happened = use_context::<Happened>();
        let close = move || {
            held.try_update_value(|held: &mut Held| {
                if let Some((source, _)) = held.take() {
                    source.close();
                }
            });
        };
        Effect::new(move |_| {
            close();
            let Ok(source) = web_sys::EventSource::new(&path()) else { return };
            let changed = changed.clone();
            let heard = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |_| {
                if !document().hidden() {
                    changed();
                    if let Some(Happened(times)) = happened {
                        times.update(|times| *times += 1);
                    }
                }
            });
            let _ = source.add_event_listener_with_callback("change", heard.as_ref().unchecked_ref());
            held.set_value(Some((source, heard)));
        });
        on_cleanup(move || {
            close();
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (path, changed);
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
