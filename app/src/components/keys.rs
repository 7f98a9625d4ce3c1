//! The keyboard: `/` search, `j` and `k` through rows, Enter opens, `?` help.

/// The search field's id.
pub const SEARCH_ID: &str = "q";
/// The help dialog's id.
pub const HELP_ID: &str = "help";
/// The id of the button that opens it.
pub const HELP_BUTTON_ID: &str = "help-open";

/// Listens, once the browser has taken over.
pub fn listen() {
    #[cfg(feature = "hydrate")]
    browser::listen();
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{HELP_BUTTON_ID, SEARCH_ID};
    use leptos::{ev, prelude::*};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent, ScrollIntoViewOptions, ScrollLogicalPosition};

    enum Step {
        Down,
        Up,
    }

    pub fn listen() {
        let handle = window_event_listener(ev::keydown, |event| {
            if on_key(&event) {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    }

    fn on_key(event: &KeyboardEvent) -> bool {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(event) {
            return false;
        }
        match event.key().as_str() {
            "/" => focus_search(),
            "?" => click(HELP_BUTTON_ID),
            "j" => move_cursor(&Step::Down),
            "k" => move_cursor(&Step::Up),
            _ => false,
        }
    }

    fn is_typing(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
        target.is_some_and(|t| matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || t.is_content_editable())
    }

    fn focus_search() -> bool {
        let Some(field) = document().get_element_by_id(SEARCH_ID).and_then(|e| e.dyn_into::<HtmlInputElement>().ok()) else { return false };
        field.select();
        field.focus().is_ok()
    }

    fn click(id: &str) -> bool {
        let Some(button) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) else { return false };
        button.click();
        true
    }

    /// Moves the bar to the next row and the focus to its link, so that Enter opens it.
    fn move_cursor(step: &Step) -> bool {
        let Ok(found) = document().query_selector_all("[data-row]") else { return false };
        let rows: Vec<Element> = (0..found.length()).filter_map(|i| found.get(i)?.dyn_into().ok()).collect();
        if rows.is_empty() {
            return false;
        }
        let at = rows.iter().position(|row| row.class_list().contains("cursor"));
        let next = match (at, step) {
            (None, _) => 0,
            (Some(at), Step::Down) => (at + 1).min(rows.len() - 1),
            (Some(at), Step::Up) => at.saturating_sub(1),
        };
        for (i, row) in rows.iter().enumerate() {
            // a class that is not there cannot fail to be removed
            let _ = if i == next { row.class_list().add_1("cursor") } else { row.class_list().remove_1("cursor") };
        }
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        rows[next].scroll_into_view_with_scroll_into_view_options(&options);
        if let Ok(Some(link)) = rows[next].query_selector("a[href]") {
            if let Ok(link) = link.dyn_into::<HtmlElement>() {
                let _ = link.focus();
            }
        }
        true
    }
}
