//! One number under two carriers: proposes to link an order's shipment with the one that has no order.

use crate::{
    api::LinkNumber,
    components::{Failed, Icon, action, may},
    contract::{session::Permission, shipments::SameNumberView},
};
use leptos::{form::ActionForm, prelude::*};

/// The shipments under the same number, each with a button that links it.
#[component]
pub fn SameNumber(
    /// The proposals.
    proposals: Vec<SameNumberView>,
) -> impl IntoView {
    let link = action::<LinkNumber>();
    let may_link = may(Permission::Act);
    let failed = move || link.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    let notes = proposals
        .into_iter()
        .map(|other| {
            let carrier = other.carrier.unwrap_or_else(|| "an unknown carrier".into());
            let (text, button) = match other.order {
                Some(order) => {
                    (format!("Order {order} has this number with another carrier ({carrier})."), "Link to this order")
                }
                None => (
                    format!("{carrier} sends tracking updates for {}, which are not linked to an order.", other.number),
                    "Link tracking updates",
                ),
            };
            view! {
                <div class="note note--warn" role="status" data-testid="same-number">
                    <Icon name="alert"/>
                    <div>{text}" "<a href=format!("/shipments/{}", other.id)>"Show"</a></div>
                    {may_link.then(|| view! {
                        <ActionForm action=link>
                            <input type="hidden" name="claimed" value=other.claimed/>
                            <input type="hidden" name="unlinked" value=other.unlinked/>
                            <button class="btn btn--s" type="submit">{button}</button>
                        </ActionForm>
                    })}
                </div>
            }
        })
        .collect_view();
    view! { {notes}{failed} }
}
