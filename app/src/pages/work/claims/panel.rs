//! A claim in short: beside the list, and at the top of its page.

use super::parts::checklist;
use crate::{
    components::{Icon, may},
    contract::{claims::ClaimView, session::Permission},
};
use leptos::prelude::*;

/// The panel; with a link to the claim's page where it stands beside the list.
#[component]
pub fn ClaimPanel(
    /// The claim.
    claim: ClaimView,
    /// Where its page is; none on that page.
    #[prop(optional_no_strip)]
    page: Option<String>,
) -> impl IntoView {
    let row = claim.row;
    let there = claim.evidence.iter().filter(|piece| piece.there).count();
    let (of, missing) = (claim.evidence.len(), claim.evidence.len() - there);
    let shipment = format!("/shipments/{}", row.shipment);
    let bundle = format!("/claims/{}/bundle.zip", row.number);
    // as long as it is not filed, its bundle grows
    let add = (may(Permission::Act) && claim.files_open).then(|| format!("/claims/{}", row.number));
    let claimed = row.claimed.unwrap_or_else(|| "no amount yet".into());
    let note = match missing {
        0 => String::new(),
        1 => "1 piece of evidence is missing.".to_owned(),
        n => format!("{n} pieces of evidence are missing."),
    };
    view! {
        <section class="panel" data-testid="claim-panel">
            <header><h2>{row.reason}</h2><span class="push small muted">{format!("evidence {there} of {of}")}</span></header>
            <div class="in stack stack--tight">
                <p class="small"><span class="id">{row.number}</span>" · "{row.carrier}" · "<a class="id" href=shipment>{row.tracking}</a></p>
                <dl class="facts">
                    <dt>"Claimed"</dt><dd><b>{claimed}</b></dd>
                    {claim.facts.into_iter().map(|(label, value)| view! { <dt>{label}</dt><dd>{value}</dd> }).collect_view()}
                    <dt>"Owner"</dt><dd>{claim.owner.unwrap_or_else(|| "Unassigned".into())}</dd>
                </dl>
                {claim.source.map(|source| view! { <p class="small muted">{source}</p> })}
                {claim.check_contract.then(|| view! { <p class="small warn" data-testid="check-contract">"Only general: check your contract with the carrier."</p> })}
            </div>
            {checklist(claim.evidence, add.as_deref())}
            <div class="in stack stack--tight">
                <div class="row">
                    {page.map(|page| view! { <a class="btn btn--go" href=page data-testid="open-claim">"Open claim"</a> })}
                    {may(Permission::ReadPersonal).then(|| view! {
                        <a class="btn" href=bundle rel="external" download="" data-testid="bundle"><Icon name="csv"/>"Bundle, ZIP"</a>
                    })}
                </div>
                {(!note.is_empty()).then(|| view! { <p class="small muted">{note}</p> })}
            </div>
        </section>
    }
}
