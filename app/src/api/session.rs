//! Signing in and out, and what the shell shows.

#[cfg(feature = "ssr")]
use super::guard;
use crate::{
    components::theme::Theme,
    contract::{ApiError, session::Pulse},
};
use leptos::{prelude::*, server};

/// Signs in with login and password, and goes on to `next` or the page where the person's work is.
#[server(name = SignInForm, prefix = "/api", endpoint = "session/sign-in")]
pub async fn sign_in(login: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    use crate::{components::url::local_path, contract::session::SignIn};
    let viewer = guard::ports()?.session.sign_in(SignIn { login, password }).await?;
    leptos_axum::redirect(local_path(&next).unwrap_or_else(|| viewer.home()));
    Ok(())
}

/// Signs out.
#[server(name = SignOutForm, prefix = "/api", endpoint = "session/sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    guard::ports()?.session.sign_out().await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// Makes the first admin with the one-time token.
#[server(name = SetUpForm, prefix = "/api", endpoint = "session/set-up")]
pub async fn set_up(token: String, login: String, #[server(default)] name: String, password: String, again: String) -> Result<(), ApiError> {
    use crate::contract::session::SetUp;
    if password != again {
        return Err(ApiError::invalid("again", "The two passwords are not the same."));
    }
    let viewer = guard::ports()?.session.set_up(SetUp { token, login, name, password }).await?;
    leptos_axum::redirect(viewer.home());
    Ok(())
}

/// What the shell shows on every page.
#[server(name = ReadPulse, prefix = "/api", endpoint = "session/pulse", input = server_fn::codec::GetUrl)]
pub async fn pulse() -> Result<Pulse, ApiError> {
    let viewer = guard::viewer()?;
    guard::ports()?.session.pulse(&viewer).await
}

/// Remembers light or dark in a cookie. Anybody may.
#[server(name = SetTheme, prefix = "/api", endpoint = "session/theme")]
pub async fn set_theme(theme: Theme) -> Result<(), ApiError> {
    use axum::http::{HeaderValue, header};
    if let (Some(response), Ok(value)) = (use_context::<leptos_axum::ResponseOptions>(), HeaderValue::from_str(&theme.cookie())) {
        response.append_header(header::SET_COOKIE, value);
    }
    Ok(())
}
