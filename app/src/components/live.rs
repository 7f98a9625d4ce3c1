//! What is live: a stream of changes while the page is visible, and the clock that moves relative times on.

use super::time::{Ticker, relative};
use crate::contract::{Instant, session::Pulse};
use leptos::prelude::*;

/// Whether changes arrive by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// The browser has not taken over (or never will).
    #[default]
    Off,
    /// They do.
    Open,
    /// The connection is being made again.
    Broken,
    /// Nobody is looking at the page.
    Paused,
}

/// What pages read again on.
#[derive(Clone, Copy)]
pub struct Live {
    /// Grows with every change that was told, and with what the person did: resources depend on it.
    pub version: RwSignal<u64>,
    /// Whether changes arrive.
    pub stream: RwSignal<Stream>,
}

impl Live {
    /// The live part of this page; a quiet one outside the shell.
    pub fn here() -> Self {
        use_context::<Self>().unwrap_or_else(|| Self { version: RwSignal::new(0), stream: RwSignal::new(Stream::Off) })
    }

    /// Reads everything on the page again.
    pub fn refresh(self) {
        self.version.update(|n| *n += 1);
    }
}

/// The stream that tells about what is on this page.
pub fn stream_path(page: &str) -> String {
    match page.strip_prefix("/shipments/").filter(|id| !id.is_empty() && !id.contains('/')) {
        Some(id) => format!("/live/shipments/{id}"),
        None => "/live/shipments".to_owned(),
    }
}

/// Makes the live part of a page and starts it once the browser has taken over.
pub fn provide_live(pathname: Memo<String>) -> Live {
    let live = Live { version: RwSignal::new(0), stream: RwSignal::new(Stream::Off) };
    provide_context(live);
    provide_context(Ticker(RwSignal::new(None)));
    #[cfg(feature = "hydrate")]
    browser::follow(live, pathname);
    #[cfg(not(feature = "hydrate"))]
    let _ = pathname;
    live
}

/// Sets the ticking clock by the server's.
pub fn set_clock(now: Instant) {
    #[cfg(feature = "hydrate")]
    browser::set_clock(now);
    #[cfg(not(feature = "hydrate"))]
    let _ = now;
}

/// Whether the page is live, and how old the newest fact is.
#[component]
pub fn LiveMark(
    /// What the shell knows.
    pulse: Pulse,
) -> impl IntoView {
    let live = Live::here();
    let current = super::time::now_or_later(pulse.now);
    let class = move || match live.stream.get() {
        Stream::Open => "live push",
        Stream::Broken => "live live--broken push",
        Stream::Off | Stream::Paused => "live live--off push",
    };
    let word = move || match live.stream.get() {
        Stream::Open => "Live · ",
        Stream::Broken => "Reconnecting · ",
        Stream::Paused => "Paused · ",
        Stream::Off => "",
    };
    let fact = move || match pulse.newest_fact {
        Some(at) => format!("newest fact {}", relative(at, current.get())),
        None => "no facts yet".to_owned(),
    };
    view! {
        <span class=class data-testid="live-indicator" data-stream=move || format!("{:?}", live.stream.get()).to_lowercase()>
            <span>{word}{fact}</span>
        </span>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Live, Stream, stream_path};
    use crate::{components::time::Ticker, contract::Instant};
    use leptos::prelude::*;
    use std::time::Duration;
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{EventSource, VisibilityState};

    /// Changes that arrive within this time are read together.
    const GATHER: Duration = Duration::from_millis(700);
    /// Relative times move on this often.
    const TICK: Duration = Duration::from_secs(1);

    /// An open stream; dropping it closes it.
    struct Subscription {
        source: EventSource,
        _heard: Closure<dyn FnMut()>,
        _opened: Closure<dyn FnMut()>,
        _broken: Closure<dyn FnMut()>,
    }

    impl Drop for Subscription {
        fn drop(&mut self) {
            self.source.close();
        }
    }

    /// What the server's clock is ahead of ours, in milliseconds.
    #[derive(Clone, Copy)]
    struct Skew(StoredValue<Option<i64>>);

    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    fn here_ms() -> i64 {
        js_sys::Date::now() as i64
    }

    pub fn set_clock(now: Instant) {
        if let (Some(skew), Some(ticker)) = (use_context::<Skew>(), use_context::<Ticker>()) {
            skew.0.set_value(Some(now.0 - here_ms()));
            ticker.0.set(Some(now.0));
        }
    }

    pub fn follow(live: Live, pathname: Memo<String>) {
        let skew = StoredValue::new(None::<i64>);
        provide_context(Skew(skew));
        let ticker = use_context::<Ticker>();
        let visible = RwSignal::new(true);
        let look = move || document().visibility_state() == VisibilityState::Visible;
        let on_visibility = window_event_listener_untyped("visibilitychange", move |_| visible.set(look()));
        // the document's event bubbles to the window
        on_cleanup(move || on_visibility.remove());

        // effects run in the browser only, after it has taken over
        Effect::new(move |_| {
            let tick = set_interval_with_handle(
                move || {
                    if let (Some(ticker), Some(ahead), true) = (ticker, skew.get_value(), visible.get_untracked()) {
                        ticker.0.set(Some(here_ms() + ahead));
                    }
                },
                TICK,
            );
            if let Ok(handle) = tick {
                on_cleanup(move || handle.clear());
            }
        });
        let stream_of_page = Memo::new(move |_| stream_path(&pathname.get()));
        Effect::new(move |before: Option<Option<Subscription>>| {
            drop(before);
            let path = stream_of_page.get();
            if visible.get() {
                subscribe(live, &path)
            } else {
                live.stream.set(Stream::Paused);
                None
            }
        });
        // what happened while nobody looked
        Effect::new(move |before: Option<bool>| {
            let now = visible.get();
            if before == Some(false) && now {
                live.refresh();
            }
            now
        });
    }

    fn subscribe(live: Live, path: &str) -> Option<Subscription> {
        let source = EventSource::new(path).ok()?;
        let waiting = StoredValue::new(false);
        let heard = Closure::<dyn FnMut()>::new(move || {
            if !waiting.get_value() {
                waiting.set_value(true);
                set_timeout(
                    move || {
                        // the page may be gone by now
                        if waiting.try_set_value(false).is_none() {
                            live.refresh();
                        }
                    },
                    GATHER,
                );
            }
        });
        let opened = Closure::<dyn FnMut()>::new(move || live.stream.set(Stream::Open));
        let broken = Closure::<dyn FnMut()>::new(move || live.stream.set(Stream::Broken));
        for name in ["change", "message"] {
            source.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref()).ok()?;
        }
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onerror(Some(broken.as_ref().unchecked_ref()));
        Some(Subscription { source, _heard: heard, _opened: opened, _broken: broken })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipments_page_follows_that_shipment() {
        assert_eq!(stream_path("/shipments/0198"), "/live/shipments/0198");
        assert_eq!(stream_path("/shipments"), "/live/shipments");
        assert_eq!(stream_path("/shipments/"), "/live/shipments");
        assert_eq!(stream_path("/overview"), "/live/shipments");
    }
}
