//! Icons from the sprite that the shell puts at the end of the page.

use leptos::prelude::*;

/// All symbols, once per page, outside of what is hydrated.
pub const SPRITE: &str = include_str!("sprite.svg");

/// A symbol of the sprite; decoration only, the word stands beside it.
#[component]
pub fn Icon(
    /// The symbol's id.
    #[prop(into)]
    name: String,
    /// Further classes.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    let class = if class.is_empty() { "i".to_owned() } else { format!("i {class}") };
    view! {
        <svg class=class aria-hidden="true">
            <use href=format!("#{name}")></use>
        </svg>
    }
}

/// The wordmark's stone.
#[component]
pub fn Stone() -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M5 20.5V9.6a7 7 0 0 1 14 0v10.9z" fill="var(--ink)"></path>
            <path d="M6.3 9.6a5.7 5.7 0 0 1 11.4 0z" fill="var(--brand-cap)"></path>
            <path
                d="M9.2 17.6v-4.2l2.8 2.5 2.8-2.5v4.2"
                fill="none"
                stroke="var(--page)"
                stroke-width="1.7"
                stroke-linejoin="round"
                stroke-linecap="round"
            ></path>
            <path d="M2.4 21.4h19.2" stroke="var(--ink)" stroke-width="1.6" stroke-linecap="round"></path>
        </svg>
    }
}
