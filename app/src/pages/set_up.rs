//! The first admin, by a link that works once.

use crate::{
    api::SetUp,
    components::{Icon, PageTitle, action},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

/// The set-up page.
#[component]
pub fn SetUpPage() -> impl IntoView {
    let action = action::<SetUp>();
    let failed = move || action.value().get().and_then(Result::err).map(|error| error.to_string());
    let query = use_query_map();
    let token = move || query.get().get("token").unwrap_or_default();
    view! {
        <PageTitle text="Set up"/>
        <main class="gate__form" id="main">
            <span class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><use href="/icons.svg#brand"></use></svg>"Milepost"</span>
            <div><h1>"Make the first admin"</h1><p class="muted">"This link works once. Further users: milepost user add."</p></div>
            <ActionForm action attr:class="stack">
                <input type="hidden" name="token" value=token/>
                <div class="field"><label for="name">"Name"</label><input class="input" id="name" name="name" autocomplete="name" required/></div>
                <div class="field"><label for="login">"Login"</label><input class="input" id="login" name="login" autocomplete="username" autocapitalize="none" required/></div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <input class="input" id="password" name="password" type="password" autocomplete="new-password" minlength="12" required/>
                    <span class="hint">"12 characters or more; a sentence is fine."</span>
                </div>
                <span role="alert">
                    {move || failed().map(|text| view! { <span class="hint bad row row--tight keep"><Icon name="critical"/><span>{text}</span></span> })}
                </span>
                <button class="btn btn--go" type="submit">"Make admin"</button>
            </ActionForm>
        </main>
    }
}
