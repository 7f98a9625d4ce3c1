//! An identifier with a button that copies it. Without JavaScript it is plain text.

use super::icon::Icon;
use leptos::prelude::*;

/// An identifier that can be copied.
#[component]
pub fn Copy(
    /// The text.
    #[prop(into)]
    text: String,
    /// A mark for tests.
    #[prop(optional, into)]
    testid: Option<&'static str>,
) -> impl IntoView {
    let done = RwSignal::new(false);
    let label = format!("Copy {text}");
    let copied = text.clone();
    let on_click = move |_| {
        to_clipboard(&copied);
        done.set(true);
        set_timeout(move || done.set(false), std::time::Duration::from_millis(1600));
    };
    view! {
        <span class="copied">
            <span class="id" data-testid=testid>{text}</span>
            <button class="copy" type="button" aria-label=label on:click=on_click>
                <Show when=move || done.get() fallback=|| view! { <Icon name="copy"/> }>
                    <Icon name="check" class="ok"/>
                </Show>
            </button>
            <span class="sr" role="status">{move || if done.get() { "Copied" } else { "" }}</span>
        </span>
    }
}

#[cfg(feature = "hydrate")]
fn to_clipboard(text: &str) {
    // the promise is not awaited: where the browser refuses, the text is still there to be selected
    let _ = window().navigator().clipboard().write_text(text);
}

#[cfg(not(feature = "hydrate"))]
fn to_clipboard(_: &str) {}
