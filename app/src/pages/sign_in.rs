//! Sign-in.

use crate::{
    api::{self, SignIn},
    components::{Icon, PageTitle, action, browser},
    contract::session::local_page,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_location, location::Url};

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let action = action::<SignIn>();
    let failed = move || action.value().get().and_then(Result::err).map(|error| error.to_string());
    let search = use_location().search;
    let next = move || search.with(|search| next(search));
    let installation = Resource::new_blocking(|| (), |()| api::get_installation());
    browser::tell_zone(None);
    view! {
        <PageTitle text="Sign in"/>
        <div class="gate">
            <main class="gate__form" id="main">
                <span class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><use href="/icons.svg#brand"></use></svg>"Milepost"</span>
                <div>
                    <h1>"Sign in"</h1>
                    <Suspense fallback=|| ()>
                        {move || Suspend::new(async move {
                            let installation = installation.await.unwrap_or_default();
                            let demo = installation.demo.then(|| view! { <p class="small muted">"Demo: find the sign-in details in the terminal."</p> });
                            view! { <p class="muted">{installation.company}</p>{demo} }
                        })}
                    </Suspense>
                </div>
                <ActionForm action attr:class="stack">
                    {move || next().map(|next| view! { <input type="hidden" name="next" value=next/> })}
                    <div class="field">
                        <label for="login">"Email"</label>
                        <input class="input" id="login" name="login" autocomplete="username" autocapitalize="none" required data-testid="login"/>
                    </div>
                    <div class="field">
                        <label for="password">"Password"</label>
                        <input class="input" id="password" name="password" type="password" autocomplete="current-password" required data-testid="password"
                            aria-invalid=move || failed().is_some().then_some("true") aria-describedby="refused"/>
                        <span id="refused" role="alert">
                            {move || failed().map(|text| view! { <span class="hint bad row row--tight keep"><Icon name="critical"/><span>{text}</span></span> })}
                        </span>
                    </div>
                    <button class="btn btn--go" type="submit" data-testid="sign-in">"Sign in"</button>
                    <p class="small muted">"Sessions end after 12 hours without use. Every sign-in is in the audit trail."</p>
                </ActionForm>
            </main>
            <aside class="gate__side" aria-label="About Milepost">
                <p class="lead">"One truthful state per shipment, and the reason for it."</p>
            </aside>
        </div>
    }
}

/// The page that was asked for. Of the address as it stands: the router's parameters are decoded twice, so that a query in them
/// would be another one.
fn next(search: &str) -> Option<String> {
    let pair = search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("next="))?;
    Some(Url::unescape(pair)).filter(|next| local_page(next).is_some())
}
