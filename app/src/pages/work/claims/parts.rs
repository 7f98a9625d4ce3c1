//! What the pages of claims share.

use crate::{
    components::Icon,
    contract::claims::{DueView, EvidenceView, Tone},
};
use domain::claims::ClaimStatus;
use leptos::prelude::*;

/// How a claim stands.
pub fn status_tag(status: ClaimStatus) -> impl IntoView {
    let class = match status {
        ClaimStatus::Draft | ClaimStatus::Offer => "tag tag--warn",
        ClaimStatus::Filed | ClaimStatus::Accepted => "tag tag--info",
        ClaimStatus::Paid => "tag tag--ok",
        ClaimStatus::Rejected | ClaimStatus::Closed => "tag",
    };
    view! { <span class=class data-testid="claim-status">{status.label()}</span> }
}

/// The day that counts, in words.
pub fn due_words(due: &DueView) -> impl IntoView + use<> {
    let class = match due.tone {
        Tone::Calm => "",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Over => "muted",
    };
    view! { <span class=class>{due.words.clone()}</span> }
}

/// How much of the evidence is there.
pub fn meter((there, of): (u32, u32)) -> impl IntoView {
    let percent = (there * 100).checked_div(of).unwrap_or_default();
    let label = format!("{there} of {of}");
    view! {
        <span class="row keep clock">
            <svg class="meter meter--calm" role="img" aria-label=label><line x1="0" y1="3" x2=format!("{percent}%") y2="3"></line></svg>
            <span class="muted">{format!("{there}/{of}")}</span>
        </span>
    }
}

/// An amount, or a dash.
pub fn amount(of: Option<String>) -> impl IntoView {
    match of {
        Some(amount) => view! { {amount} }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    }
}

/// The pieces of evidence; `add`: the claim's page, where what is missing can be added.
pub fn checklist(evidence: Vec<EvidenceView>, add: Option<&str>) -> impl IntoView + use<> {
    let add = add.map(str::to_owned);
    let line = move |piece: EvidenceView| {
        let add = add.as_ref().filter(|_| !piece.there && piece.takes_files).map(|page| {
            let href = format!("{page}?kind={}#files", piece.kind.code());
            let label = format!("Add a file: {}", piece.label);
            view! { <a class="btn btn--s" href=href aria-label=label data-testid="add-evidence">"Add"</a> }
        });
        let (icon, class, said) = if piece.there { ("check", "ok", "there") } else { ("clock", "warn", "missing") };
        view! {
            <li data-testid="evidence" data-there=piece.there.to_string()>
                <Icon name=icon class=class/>
                <span>{piece.label}<span class="sr">{format!(" ({said})")}</span><br/><span class="small muted">{piece.detail}</span></span>
                <span>{add}</span>
            </li>
        }
    };
    view! { <ul class="lines lines--s checklist">{evidence.into_iter().map(line).collect_view()}</ul> }
}
