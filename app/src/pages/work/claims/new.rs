//! Raises a claim by hand.

use super::of_shipment::claim_line;
use crate::{
    api::{self, RaiseClaim},
    components::{Failed, Frame, Icon, action, live::followed, may},
    contract::{ApiError, Record, claims::SubjectView, is_id, session::Permission},
};
use domain::claims::ClaimReason;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map};

/// The page.
#[component]
pub fn NewClaimPage() -> impl IntoView {
    view! { <Frame title="New claim"><Whole/></Frame> }
}

/// The form; where the address names a shipment it is about that one.
#[component]
fn Whole() -> impl IntoView {
    if !may(Permission::Act) {
        return view! { <Failed error=ApiError::Forbidden/> }.into_any();
    }
    let query = use_query_map();
    let of = move |key: &'static str| query.with(|query| query.get(key).unwrap_or_default());
    let shipment = Memo::new(move |_| of("shipment"));
    let reason = Memo::new(move |_| ClaimReason::from_code(&of("reason")));
    let raise = action::<RaiseClaim>();
    let failed = move || raise.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(Ok(number)) = raise.value().get() {
            navigate(&format!("/claims/{number}"), NavigateOptions::default());
        }
    });
    let subject = Resource::new(
        move || shipment.get(),
        |shipment| async move {
            if !is_id(&shipment) {
                return Ok(None);
            }
            api::get_claim_subject(shipment).await.map(Some).map_err(|error| error.of_page(Record::Shipment))
        },
    );
    view! {
        <nav class="crumbs" aria-label="Where"><a href="/claims">"Claims"</a><Icon name="right"/><span>"New claim"</span></nav>
        <div class="page__head"><div><h1>"New claim"</h1><p>"The deadline follows from the carrier and the reason; value, goods and shipping cost come from Odoo."</p></div></div>
        {failed}
        {followed(subject, move |subject| view! { {move || form(subject.get(), shipment.get_untracked(), reason.get(), raise)} })}
    }
    .into_any()
}

fn form(
    subject: Option<SubjectView>,
    typed: String,
    reason: Option<ClaimReason>,
    raise: ServerAction<RaiseClaim>,
) -> impl IntoView {
    let options = ClaimReason::ALL
        .iter()
        .map(|one| view! { <option value=one.code() selected={reason == Some(*one)}>{one.label()}</option> })
        .collect_view();
    let about = match subject {
        Some(subject) => about(subject).into_any(),
        None => view! {
            <label class="field"><span>"Shipment"</span><input class="input" name="new[shipment]" value=typed required maxlength="60" placeholder="Tracking number, order or transfer"/></label>
        }
        .into_any(),
    };
    view! {
        <section class="panel"><div class="in">
            <ActionForm action=raise attr:class="claim-form" attr:data-testid="raise-claim">
                {about}
                <label class="field"><span>"Reason"</span><select class="input" name="new[reason]" required><option value="">"Choose"</option>{options}</select></label>
                <div class="pair">
                    <label class="field"><span>"Amount (empty: by the reason)"</span><input class="input" name="new[amount]" inputmode="decimal" maxlength="20" aria-describedby="by-reason"/></label>
                    <label class="field"><span>"Currency (empty: the order’s)"</span><input class="input" name="new[currency]" maxlength="3" pattern="[A-Za-z]{3}"/></label>
                </div>
                <p class="small muted" id="by-reason">"Empty: for damaged and lost goods what this delivery is worth without taxes, as Odoo says; for a late delivery what its labels cost. Of missing pieces you know the amount."</p>
                <label class="field"><span>"What happened"</span><textarea class="input" name="new[note]" maxlength="4000"></textarea></label>
                <div class="row"><button class="btn btn--go" type="submit">"Raise claim"</button><a class="btn" href="/claims">"Cancel"</a></div>
            </ActionForm>
        </div></section>
    }
}

/// The shipment that it is about, with the claims that are there for it.
fn about(subject: SubjectView) -> impl IntoView {
    let SubjectView { shipment, number, route, order, claims } = subject;
    let href = format!("/shipments/{shipment}");
    let there = (!claims.is_empty()).then(|| {
        view! { <div class="note note--warn" data-testid="claims-there"><Icon name="alert"/><div><b>"There are claims for this shipment:"</b>{claims.into_iter().map(claim_line).collect_view()}</div></div> }
    });
    view! {
        <input type="hidden" name="new[shipment]" value=shipment/>
        <dl class="facts" data-testid="claim-subject">
            <dt>"Shipment"</dt><dd><a class="id" href=href>{number}</a><br/><span class="small muted">{route}</span></dd>
            {order.map(|order| view! { <dt>"Order"</dt><dd class="id">{order}</dd> })}
        </dl>
        {there}
    }
}
