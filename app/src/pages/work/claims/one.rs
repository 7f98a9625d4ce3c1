//! One claim: its panel, steps, files, note and history.

use super::{
    panel::ClaimPanel,
    parts::{due_words, status_tag},
};
use crate::{
    api::{self, EditClaim, RemoveClaimFile, TakeClaimStep},
    components::{
        Copy, Failed, Frame, Icon, Masked, PageTitle, Time, action, browser,
        live::{followed, part},
        may,
    },
    contract::{
        ApiError, Record,
        claims::{ClaimEvent, ClaimFileView, ClaimView},
        session::Permission,
    },
};
use domain::claims::{EvidenceKind, StepKind};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};

/// The actions of the page.
#[derive(Clone, Copy)]
struct Acts {
    step: ServerAction<TakeClaimStep>,
    edit: ServerAction<EditClaim>,
    remove: ServerAction<RemoveClaimFile>,
}

impl Acts {
    fn new() -> Self {
        Self { step: action(), edit: action(), remove: action() }
    }

    fn done(self) -> usize {
        self.step.version().get() + self.edit.version().get() + self.remove.version().get()
    }

    fn failed(self) -> impl IntoView {
        let errors = [
            self.step.value().get().and_then(Result::err),
            self.edit.value().get().and_then(Result::err),
            self.remove.value().get().and_then(Result::err),
        ];
        errors.into_iter().flatten().map(|error| view! { <Failed error/> }).collect_view()
    }
}

/// The page.
#[component]
pub fn ClaimPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let number = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let refused = move || query.get().get("refused").and_then(|code| refused_file(&code));
    let wanted = Memo::new(move |_| query.get().get("kind").and_then(|code| EvidenceKind::from_code(&code)));
    let acts = Acts::new();
    let claim = Resource::new(
        move || (number.get(), acts.done()),
        |(number, _)| async move { api::get_claim(number).await.map_err(|error| error.of_page(Record::Claim)) },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || claim.refetch());
    view! {
        <Frame title="Claim">
            {move || acts.failed()}
            {move || refused().map(|error| view! { <Failed error/> })}
            {followed(claim, move |claim| view! { <Whole claim acts wanted/> })}
        </Frame>
    }
}

/// Why a file was not taken, by the code in the address; any other word says nothing.
fn refused_file(code: &str) -> Option<ApiError> {
    let message = match code {
        "file" => "Only PDF, PNG, JPEG, GIF, WebP and TIFF files of up to 10 MB can be added, and none that is empty.",
        "kind" => "Choose what the file shows.",
        "limit" => "The claim has as many files as one may have: remove one first.",
        "failed" => "The file was not added. Try again in a moment.",
        _ => return None,
    };
    Some(ApiError::Invalid { field: "file".into(), message: message.into() })
}

#[component]
fn Whole(claim: Signal<ClaimView>, acts: Acts, wanted: Memo<Option<EvidenceKind>>) -> impl IntoView {
    let head = part(claim, |claim| (claim.row.clone(), claim.masked));
    let panel = part(claim, Clone::clone);
    let steps =
        part(claim, |claim| (claim.row.number.clone(), claim.revision, claim.steps.clone(), claim.amount.clone()));
    let about = part(claim, |claim| {
        (
            claim.row.number.clone(),
            claim.revision,
            claim.amount.clone(),
            claim.note.clone(),
            claim.mine,
            claim.row.status,
        )
    });
    let files = part(claim, |claim| (claim.row.number.clone(), claim.files.clone(), claim.files_open));
    let history = part(claim, |claim| claim.history.clone());
    let may_act = may(Permission::Act);
    view! {
        {move || head.with(|(row, masked)| {
            let title = format!("{} {}", row.number, row.reason);
            view! {
                <PageTitle text=title/>
                <nav class="crumbs" aria-label="Where"><a href="/claims">"Claims"</a><Icon name="right"/><span>{row.number.clone()}</span></nav>
                <div class="page__head"><div>
                    <h1>{format!("{}: {}", row.number, row.reason)}</h1>
                    <p class="row row--tight">{status_tag(row.status)}<span>{due_words(&row.due)}{(!row.due.day.is_empty()).then(|| format!(" · {}", row.due.day))}</span></p>
                </div></div>
                {masked.then(|| view! { <Masked/> })}
            }
        })}
        <div class="cols cols--side">
            <div class="stack">
                {may_act.then(|| view! {
                    {move || steps.with(|(number, revision, kinds, amount)| next_steps(number, *revision, kinds, amount, acts))}
                })}
                {move || files.with(|(number, files, open)| file_panel(number, files.clone(), *open && may_act, may_act, wanted, acts))}
                {may_act.then(|| view! { {move || about.with(|about| edit_panel(about, acts))} })}
                {move || history_panel(history.get())}
            </div>
            <aside class="stack" aria-label="Claim">{move || view! { <ClaimPanel claim=panel.get() page=None/> }}</aside>
        </div>
    }
}

fn next_steps(
    number: &str,
    revision: u64,
    kinds: &[StepKind],
    amount: &(String, String),
    acts: Acts,
) -> impl IntoView + use<> {
    let one = |(place, kind): (usize, &StepKind)| step_form(number, revision, *kind, amount.clone(), acts, place == 0);
    let forms = kinds.iter().enumerate().map(one).collect_view();
    (!kinds.is_empty()).then(|| {
        view! { <section class="panel"><header><h2>"Next step"</h2></header><div class="in claim-steps">{forms}</div></section> }
    })
}

/// What a step is about: its button says what pressing it does.
const fn fold_label(kind: StepKind) -> &'static str {
    match kind {
        StepKind::File => "File it with the carrier",
        StepKind::Offer => "Record an offer",
        StepKind::Accept => "Accept the offer",
        StepKind::Pay => "Record a payment",
        StepKind::Reject => "Record a rejection",
        StepKind::Contest => "Contest the rejection",
        StepKind::Close => "Do not pursue it",
        StepKind::Reopen => "Pursue it again",
    }
}

fn step_form(
    number: &str,
    revision: u64,
    kind: StepKind,
    (amount, currency): (String, String),
    acts: Acts,
    open: bool,
) -> impl IntoView + use<> {
    let day_label = match kind {
        StepKind::Offer => "Accept by",
        _ => "Carrier answers by (empty: as usual)",
    };
    let class = if open { "btn btn--go" } else { "btn" };
    let number = number.to_owned();
    view! {
        <details open=open data-testid=format!("step-{}", kind.code())>
            <summary>{fold_label(kind)}<Icon name="down"/></summary>
            <ActionForm action=acts.step>
                <input type="hidden" name="form[number]" value=number/>
                <input type="hidden" name="form[revision]" value=revision.to_string()/>
                <input type="hidden" name="form[step]" value=kind.code()/>
                {kind.has_amount().then(|| view! { <label class="field"><span>{format!("Amount, {currency}")}</span><input class="input" name="form[amount]" inputmode="decimal" required maxlength="20" value=amount/></label> })}
                {(kind == StepKind::File).then(|| view! { <label class="field"><span>"The carrier’s claim number"</span><input class="input" name="form[reference]" maxlength="60"/></label> })}
                {kind.has_day().then(|| view! { <label class="field"><span>{day_label}</span><input class="input" type="date" name="form[day]"/></label> })}
                {matches!(kind, StepKind::Reject | StepKind::Close | StepKind::Contest).then(|| view! { <label class="field"><span>"Why"</span><input class="input" name="form[why]" maxlength="500"/></label> })}
                <div class="row"><button class=class type="submit">{kind.label()}</button></div>
            </ActionForm>
        </details>
    }
}

fn file_panel(
    number: &str,
    files: Vec<ClaimFileView>,
    removable: bool,
    may_add: bool,
    wanted: Memo<Option<EvidenceKind>>,
    acts: Acts,
) -> impl IntoView + use<> {
    let upload = format!("/claims/{number}/files");
    let (owner, none) = (number.to_owned(), files.is_empty());
    let rows = files.into_iter().map(move |file| file_line(&owner, file, removable, acts)).collect_view();
    let kinds = EvidenceKind::ALL.iter().filter(|kind| kind.takes_files());
    let chosen = move |kind: EvidenceKind| wanted.get() == Some(kind);
    let options = kinds
        .map(|kind| view! { <option value=kind.code() selected=move || chosen(*kind)>{kind.label()}</option> })
        .collect_view();
    view! {
        <section class="panel" id="files">
            <header><h2>"Files"</h2></header>
            {none.then(|| view! { <p class="in small muted">"No files yet: photos, the carrier’s report, the customer’s statement."</p> })}
            <ul class="lines lines--s">{rows}</ul>
            {may_add.then(|| view! {
                <form class="in row claim-upload" method="post" enctype="multipart/form-data" action=upload data-testid="upload">
                    <label class="field"><span>"What it shows"</span><select class="input" name="kind">{options}</select></label>
                    <label class="field"><span>"File, up to 10 MB"</span><input class="input" type="file" name="file" required accept="image/png,image/jpeg,image/gif,image/webp,image/tiff,application/pdf"/></label>
                    <button class="btn" type="submit">"Upload"</button>
                </form>
            })}
        </section>
    }
}

fn file_line(number: &str, file: ClaimFileView, removable: bool, acts: Acts) -> impl IntoView + use<> {
    let href = format!("/claims/{number}/files/{}", file.id);
    let name = match file.name {
        Some(name) => view! { <a href=href rel="external">{name}</a> }.into_any(),
        None => view! { <span class="masked">"name hidden"</span> }.into_any(),
    };
    let number = number.to_owned();
    view! {
        <li data-testid="claim-file">
            <Icon name="doc"/>
            <span>{name}<br/><span class="small muted">{file.kind}", "{file.about}", "<Time when=file.added/></span><br/><span class="small muted" title="SHA-256"><Copy text=file.digest/></span></span>
            {removable.then(|| view! {
                <ActionForm action=acts.remove attr:class="inline-form">
                    <input type="hidden" name="number" value=number/>
                    <input type="hidden" name="file" value=file.id/>
                    <button class="btn btn--s" type="submit">"Remove"</button>
                </ActionForm>
            })}
        </li>
    }
}

type About = (String, u64, (String, String), String, bool, domain::claims::ClaimStatus);

/// What an edit is of, for the person who saw this revision.
fn hidden(number: &str, revision: u64, what: &'static str) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="form[number]" value=number.to_owned()/>
        <input type="hidden" name="form[revision]" value=revision.to_string()/>
        <input type="hidden" name="form[what]" value=what/>
    }
}

fn edit_panel(about: &About, acts: Acts) -> impl IntoView + use<> {
    let (number, revision, (amount, currency), note, mine, status) = about.clone();
    let (owner, label) = if mine { ("release", "Unassign") } else { ("take", "Assign to me") };
    let [of_amount, of_note, of_owner, of_refresh] =
        ["amount", "note", owner, "refresh"].map(|what| hidden(&number, revision, what));
    view! {
        <section class="panel">
            <header><h2>"Amount and note"</h2></header>
            <div class="in stack">
                {status.is_open().then(|| view! {
                    <ActionForm action=acts.edit attr:class="claim-form" attr:data-testid="edit-amount">
                        {of_amount}
                        <div class="pair">
                            <label class="field"><span>"Amount claimed"</span><input class="input" name="form[value]" inputmode="decimal" required maxlength="20" value=amount/></label>
                            <label class="field"><span>"Currency"</span><input class="input" name="form[currency]" required maxlength="3" value=currency/></label>
                        </div>
                        <div class="row"><button class="btn" type="submit">"Save amount"</button></div>
                    </ActionForm>
                })}
                <ActionForm action=acts.edit attr:class="claim-form" attr:data-testid="edit-note">
                    {of_note}
                    <label class="field"><span>"What happened (goes into the bundle)"</span><textarea class="input" name="form[value]" maxlength="4000">{note}</textarea></label>
                    <div class="row"><button class="btn" type="submit">"Save note"</button></div>
                </ActionForm>
                <div class="row">
                    <ActionForm action=acts.edit attr:class="inline-form">{of_owner}<button class="btn" type="submit">{label}</button></ActionForm>
                    <ActionForm action=acts.edit attr:class="inline-form">{of_refresh}<button class="btn" type="submit">"Collect evidence again"</button></ActionForm>
                </div>
            </div>
        </section>
    }
}

fn history_panel(history: Vec<ClaimEvent>) -> impl IntoView {
    let line = |event: ClaimEvent| {
        let why = event.why.map(|why| view! { <br/><span class="small">{why}</span> });
        view! { <li data-testid="claim-event"><Icon name="clock"/><span><b>{event.what}</b>" · "{event.who}{why}</span><span class="small muted"><Time when=event.when/></span></li> }
    };
    view! {
        <section class="panel"><header><h2>"History"</h2></header>
            <ul class="lines lines--s">{history.into_iter().map(line).collect_view()}</ul>
        </section>
    }
}
