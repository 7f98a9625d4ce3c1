//! The browser's half: takes over the pages that the server has rendered.

// views are nested types
#![recursion_limit = "512"]

/// Takes over the page.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
