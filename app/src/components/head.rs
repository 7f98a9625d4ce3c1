//! What a page puts into the head of the document.

use leptos::prelude::*;
use leptos_meta::Title;

/// What stands in the browser's tab: the page's name and the product's. leptos_meta writes a title into the document as it is,
/// so that every title goes through here.
#[component]
pub fn PageTitle(
    /// The page's name; none where it has none.
    #[prop(optional, into)]
    text: String,
) -> impl IntoView {
    let named = if text.is_empty() { "Milepost".to_owned() } else { format!("{text} · Milepost") };
    // the server writes markup; the browser sets a property, which is text
    let written = if cfg!(feature = "ssr") { escaped(&named) } else { named };
    title(written)
}

#[expect(clippy::disallowed_methods, reason = "the one place where a title is written; it is escaped by now")]
fn title(written: String) -> impl IntoView {
    // the server reads it when the page's signals are gone: it is plain text
    view! { <Title text=written/> }
}

/// Text as markup that shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_title_ends_no_element() {
        let written = super::escaped("T7</title><meta http-equiv=\"refresh\"> & more");
        assert_eq!(written, "T7&lt;/title&gt;&lt;meta http-equiv=&quot;refresh&quot;&gt; &amp; more");
    }
}
