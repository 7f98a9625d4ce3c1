//! The first admin, by a link that works once.

use crate::{
    api::{self, SetUp},
    components::{Failed, Icon, PageTitle, action},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

/// The set-up page.
#[component]
pub fn SetUpPage() -> impl IntoView {
    let action = action::<SetUp>();
    let query = use_query_map();
    let token = Memo::new(move |_| query.get().get("token").unwrap_or_default());
    let open = Resource::new_blocking(move || token.get(), api::set_up_is_open);
    view! {
        <PageTitle text="Set up"/>
        <main class="gate__form" id="main">
            <span class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><use href="/icons.svg#brand"></use></svg>"Milepost"</span>
            <div><h1>"Create administrator"</h1><p class="muted">"This link works once. Further users: milepost user add."</p></div>
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    match open.await {
                        Ok(true) => view! { <FirstAdmin action token=token.get_untracked()/> }.into_any(),
                        Ok(false) => view! { <UsedUp/> }.into_any(),
                        Err(error) => view! { <Failed error/> }.into_any(),
                    }
                })}
            </Suspense>
        </main>
    }
}

#[component]
fn FirstAdmin(action: ServerAction<SetUp>, token: String) -> impl IntoView {
    let failed = move || action.value().get().and_then(Result::err).map(|error| error.to_string());
    view! {
        <ActionForm action attr:class="stack">
            <input type="hidden" name="token" value=token/>
            <div class="field"><label for="name">"Name"</label><input class="input" id="name" name="name" autocomplete="name" required/></div>
            <div class="field"><label for="login">"Email"</label><input class="input" id="login" name="login" autocomplete="username" autocapitalize="none" required/></div>
            <div class="field">
                <label for="password">"Password"</label>
                <input class="input" id="password" name="password" type="password" autocomplete="new-password" minlength="12" required/>
                <span class="hint">"12 characters or more; a sentence is fine."</span>
            </div>
            <span role="alert">
                {move || failed().map(|text| view! { <span class="hint bad row row--tight keep"><Icon name="critical"/><span>{text}</span></span> })}
            </span>
            <button class="btn btn--go" type="submit">"Create administrator"</button>
        </ActionForm>
    }
}

#[component]
fn UsedUp() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::GONE);
    }
    view! {
        <div class="note note--bad" role="alert">
            <Icon name="critical"/>
            <div>
                <b>"This link does not work any more"</b>
                <br/>
                "An admin was made with it, or the server printed a newer one when it was started again. Sign in if you have a login. \
                 Otherwise use the newest link, or ask somebody with access to the server to make a user: "
                <code>"milepost user add LOGIN --role admin"</code>
            </div>
        </div>
        <a class="btn" href="/sign-in">"Sign in"</a>
    }
}
