//! The claims of a shipment, on its page.

use super::parts::{due_words, status_tag};
use crate::{
    components::may,
    contract::{claims::ClaimRow, session::Permission},
};
use leptos::prelude::*;

/// The panel; nothing where there is none and the viewer may raise none.
#[component]
pub fn ClaimsPanel(
    /// The shipment's id.
    shipment: String,
    /// Its claims.
    claims: Vec<ClaimRow>,
) -> impl IntoView {
    let may_raise = may(Permission::Act);
    (may_raise || !claims.is_empty()).then(|| {
        let new = format!("/claims/new?shipment={shipment}");
        view! {
            <section class="panel" data-testid="claims">
                <header><h2>"Claims"</h2></header>
                <div class="in stack stack--tight">
                    {claims.into_iter().map(claim_line).collect_view()}
                    {may_raise.then(|| view! { <div class="row"><a class="btn btn--s" href=new data-testid="raise-claim">"Raise claim"</a></div> })}
                </div>
            </section>
        }
    })
}

/// A claim of a shipment in a line.
pub(super) fn claim_line(row: ClaimRow) -> impl IntoView {
    let href = format!("/claims/{}", row.number);
    let amount = row.claimed.map(|amount| format!(" · {amount}"));
    view! {
        <dl class="facts">
            <dt><a class="id" href=href>{row.number}</a></dt>
            <dd>{row.reason}{amount}" "{status_tag(row.status)}" "<span class="small">{due_words(&row.due)}" "{row.due.day.clone()}</span></dd>
        </dl>
    }
}
