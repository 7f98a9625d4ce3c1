//! The form with which a person books a label beside the rules.

use crate::{
    api::BookShipment,
    components::{Failed, Icon},
    contract::bookings::PlatformView,
};
use leptos::{form::ActionForm, prelude::*};

/// The form, folded in until it is wanted.
#[component]
pub(super) fn BookLabel(
    /// The shipment.
    shipment: String,
    /// Where a label can be booked.
    platforms: Vec<PlatformView>,
    /// What books it.
    book: ServerAction<BookShipment>,
) -> impl IntoView {
    let error = move || book.value().get().and_then(Result::err);
    let failed = move || error().map(|error| view! { <Failed error/> });
    // an error of this form is shown in the open form
    let open = book.value().with_untracked(|value| matches!(value, Some(Err(_))));
    let live = platforms.iter().any(|one| one.live);
    let needing: Vec<String> = platforms.iter().filter(|one| one.needs_size).map(|one| one.label.clone()).collect();
    let mut formats: Vec<String> = Vec::new();
    for format in platforms.iter().flat_map(|one| &one.formats) {
        if !formats.contains(format) {
            formats.push(format.clone());
        }
    }
    let options = platforms
        .into_iter()
        .map(|one| {
            let kind = if one.live { "live labels" } else { "test labels" };
            view! { <option value=one.name>{format!("{} ({kind})", one.label)}</option> }
        })
        .collect_view();
    let formats = formats
        .into_iter()
        .map(|format| view! { <option value=format.clone()>{format.to_uppercase()}</option> })
        .collect_view();
    let size_help = match needing.as_slice() {
        [] => "in mm, for parcels without a package type".to_owned(),
        [one] => format!("in mm, for parcels without a package type; {one} needs them"),
        several => format!("in mm, for parcels without a package type; {} need them", several.join(" and ")),
    };
    let confirm = live.then(|| {
        view! {
            <label class="check"><input type="checkbox" name="new[confirmed]" value="true"/>
                <span>"A live label is paid; I want to buy it"</span></label>
        }
    });
    view! {
        <details class="fold" open=open data-testid="book-label">
            <summary class="btn btn--s"><Icon name="plus"/>"Book a label"</summary>
            <ActionForm action=book attr:class="stack stack--tight">
                {failed}
                <input type="hidden" name="new[shipment]" value=shipment/>
                <label class="field"><span>"Platform"</span><select class="input" name="new[connection]" required>{options}</select></label>
                <label class="field"><span>"Offer"</span>
                    <select class="input" name="new[offer]"><option value="cheapest">"The cheapest"</option><option value="fastest">"The fastest"</option></select></label>
                <label class="field"><span>"Only this carrier"</span><input class="input" name="new[carrier]" maxlength="60" placeholder="any"/></label>
                <label class="field"><span>"Only this service"</span><input class="input" name="new[service]" maxlength="60" placeholder="any"/></label>
                <label class="field"><span>"Days to delivery, at most"</span><input class="input" name="new[days]" inputmode="numeric" maxlength="3" placeholder="any"/></label>
                <label class="field"><span>"Label"</span><select class="input" name="new[format]">{formats}</select></label>
                <fieldset class="field"><legend>"Length, width, height"</legend>
                    <div class="sizes">
                        <input class="input" name="new[length]" placeholder="length" aria-label="Length in mm" inputmode="numeric" maxlength="4"/>
                        <input class="input" name="new[width]" placeholder="width" aria-label="Width in mm" inputmode="numeric" maxlength="4"/>
                        <input class="input" name="new[height]" placeholder="height" aria-label="Height in mm" inputmode="numeric" maxlength="4"/>
                    </div>
                    <span class="small muted">{size_help}</span>
                </fieldset>
                {confirm}
                <div class="row">
                    <button class="btn btn--go" type="submit">"Book a label for each parcel"</button>
                </div>
            </ActionForm>
        </details>
    }
}
