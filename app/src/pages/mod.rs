//! The pages, one file each, by whom they are for.

pub mod errors;
pub mod insight;
pub mod operate;
pub mod set_up;
pub mod sign_in;
pub mod work;

use crate::{api, components::Failed};
use leptos::prelude::*;
use leptos_router::components::Redirect;

/// `/` leads to where the person's work begins.
#[component]
pub fn HomePage() -> impl IntoView {
    let frame = Resource::new_blocking(|| (), |()| api::get_frame());
    view! {
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                match frame.await {
                    Ok(frame) => view! { <Redirect path=frame.home()/> }.into_any(),
                    Err(error) => view! { <Failed error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}
