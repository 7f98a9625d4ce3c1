//! Light, dark, or as the system has it. Remembered in a cookie, so that the server renders it and no script runs first.

use crate::api::session::SetTheme;
use super::icon::Icon;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The cookie's name.
pub const COOKIE: &str = "milepost-theme";

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie.
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::System => "half",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }

    /// The theme in a `Cookie` header.
    pub fn from_cookies(header: &str) -> Self {
        let found = header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
        found.and_then(|(_, value)| Self::from_code(value)).unwrap_or_default()
    }

    /// What `Set-Cookie` says.
    pub fn cookie(self) -> String {
        const A_YEAR_S: u32 = 365 * 24 * 3600;
        format!("{COOKIE}={}; Path=/; Max-Age={A_YEAR_S}; SameSite=Lax", self.code())
    }
}

/// The theme of the request, on the server.
#[cfg(feature = "ssr")]
pub fn requested() -> Theme {
    use_context::<axum::http::request::Parts>()
        .and_then(|parts| parts.headers.get(axum::http::header::COOKIE).and_then(|v| v.to_str().ok().map(Theme::from_cookies)))
        .unwrap_or_default()
}

/// The switch: a form for each theme; in the browser it takes effect at once.
#[component]
pub fn ThemeSwitch(
    /// What is set.
    current: Theme,
) -> impl IntoView {
    let chosen = RwSignal::new(current);
    let options = Theme::ALL.map(|theme| {
        let on_click = move |event: leptos::ev::MouseEvent| {
            if apply(theme) {
                event.prevent_default();
                chosen.set(theme);
            }
        };
        view! {
            <form action=<SetTheme as server_fn::ServerFn>::PATH method="post">
                <input type="hidden" name="theme" value=theme.code()/>
                <button class="btn btn--s" type="submit" aria-pressed=move || if chosen.get() == theme { "true" } else { "false" } on:click=on_click>
                    <Icon name=theme.icon()/>
                    {theme.label()}
                </button>
            </form>
        }
    });
    view! { <div class="btn-group theme" role="group" aria-label="Colours">{options}</div> }
}

/// Sets it on this page; false where that is not possible and the form has to be sent.
#[cfg(feature = "hydrate")]
fn apply(theme: Theme) -> bool {
    use wasm_bindgen::JsCast;
    let Some(root) = document().document_element() else { return false };
    let set = match theme {
        Theme::System => root.remove_attribute("data-theme"),
        _ => root.set_attribute("data-theme", theme.code()),
    };
    let kept = document().dyn_ref::<web_sys::HtmlDocument>().is_some_and(|d| d.set_cookie(&theme.cookie()).is_ok());
    set.is_ok() && kept
}

#[cfg(not(feature = "hydrate"))]
fn apply(_: Theme) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_read_among_others() {
        assert_eq!(Theme::from_cookies("a=b; milepost-theme=dark; c=d"), Theme::Dark);
        assert_eq!(Theme::from_cookies("milepost-theme=pink"), Theme::System);
        assert_eq!(Theme::from_cookies(""), Theme::System);
        assert_eq!(Theme::from_cookies(&Theme::Light.cookie()), Theme::Light);
    }
}
