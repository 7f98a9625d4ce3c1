//! Raises a claim by hand.

use crate::{
    api::RaiseClaim,
    components::{Failed, Frame, Icon, action, may},
    contract::{ApiError, session::Permission},
};
use domain::claims::ClaimReason;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map};

/// The page.
#[component]
pub fn NewClaimPage() -> impl IntoView {
    view! { <Frame title="New claim"><Form/></Frame> }
}

#[component]
fn Form() -> impl IntoView {
    if !may(Permission::Act) {
        return view! { <Failed error=ApiError::Forbidden/> }.into_any();
    }
    let query = use_query_map();
    let of = |key: &'static str| query.with_untracked(|query| query.get(key).unwrap_or_default());
    let (shipment, reason) = (of("shipment"), ClaimReason::from_code(&of("reason")));
    let raise = action::<RaiseClaim>();
    let failed = move || raise.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(Ok(number)) = raise.value().get() {
            navigate(&format!("/claims/{number}"), NavigateOptions::default());
        }
    });
    let options = ClaimReason::ALL
        .iter()
        .map(|one| view! { <option value=one.code() selected={reason == Some(*one)}>{one.label()}</option> })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Where"><a href="/claims">"Claims"</a><Icon name="right"/><span>"New claim"</span></nav>
        <div class="page__head"><div><h1>"New claim"</h1><p>"The deadline follows from the carrier and the reason; value, goods and shipping cost come from Odoo."</p></div></div>
        {failed}
        <section class="panel"><div class="in">
            <ActionForm action=raise attr:class="claim-form" attr:data-testid="raise-claim">
                <label class="field"><span>"Shipment"</span><input class="input" name="new[shipment]" value=shipment required maxlength="60" placeholder="Tracking number, order or transfer"/></label>
                <label class="field"><span>"Reason"</span><select class="input" name="new[reason]" required><option value="">"Choose"</option>{options}</select></label>
                <div class="pair">
                    <label class="field"><span>"Amount (empty: as Odoo says)"</span><input class="input" name="new[amount]" inputmode="decimal" maxlength="20"/></label>
                    <label class="field"><span>"Currency (empty: the order’s)"</span><input class="input" name="new[currency]" maxlength="3" pattern="[A-Za-z]{3}"/></label>
                </div>
                <label class="field"><span>"What happened"</span><textarea class="input" name="new[note]" maxlength="4000"></textarea></label>
                <div class="row"><button class="btn btn--go" type="submit">"Raise claim"</button><a class="btn" href="/claims">"Cancel"</a></div>
            </ActionForm>
        </div></section>
    }
    .into_any()
}
