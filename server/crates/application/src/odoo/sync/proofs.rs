//! What the carrier gave as proof of a delivery is attached to it: pictures and papers as they came, links as links. Nothing
//! is made up where the carrier gave nothing.

use super::posting::{Posted, Posting};
use crate::{context::Context, tracking::proof};
use domain::{
    Milestone,
    documents::{Content, Document},
    effects::EffectOutcome,
    fold::{Fact, Standing},
    ids::{ObservationId, content_id},
};
use jiff::SignedDuration;
use odoo::Proofs;
use storage::Scope;

/// For so long a proof is awaited after its delivery was reported; one that comes later stays in Milepost.
pub const PROOF_AWAITED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Ends the wait for proofs that did not come in time, some at a time; how many.
///
/// # Errors
/// When the store fails.
pub async fn expire(context: &Context, scope: Scope) -> crate::Result<u64> {
    let now = context.now();
    let before = now.checked_sub(PROOF_AWAITED).unwrap_or(now);
    let expired = context.store.shipments.expire_proofs(scope, before, now).await?;
    if expired > 0 {
        context.notifier.changed();
    }
    Ok(expired)
}

/// Attaches the documents of a delivery; it waits where there are none yet.
pub(super) async fn attach(posting: &Posting<'_>, marker: &str, fact: ObservationId) -> Posted {
    if !posting.settings.is_some_and(|settings| settings.proofs == Proofs::Attach) {
        return Ok(Some(EffectOutcome::NotNeeded));
    }
    if !counts(posting, fact) {
        return Ok(None); // it is retracted
    }
    let shipment = posting.loaded.shipment.id;
    let mut documents = proof::documents(posting.context, posting.scope, shipment, fact).await?;
    for other in further(posting, fact) {
        if !documents.is_empty() {
            break;
        }
        documents = proof::documents(posting.context, posting.scope, shipment, other).await?;
    }
    let mut first = None;
    for (place, document) in documents.iter().enumerate() {
        let name = name(posting, fact, document, place);
        let marker = format!("{marker}-{}", digest(document));
        let content = match &document.content {
            Content::Link(url) => odoo::Content::Link(url),
            Content::File { base64, format } => odoo::Content::File { base64, mimetype: format.mimetype() },
        };
        let record = posting.origin.record;
        let id = posting.odoo.attach(record, &marker, (&name, content), posting.calls).await?;
        first.get_or_insert(EffectOutcome::named(id, &name));
    }
    Ok(first)
}

/// Further events of the same delivery, which have no proof of their own to be attached: carriers report it again, with what was signed.
fn further(posting: &Posting<'_>, fact: ObservationId) -> Vec<ObservationId> {
    let (facts, folded) = (&posting.loaded.input.facts, &posting.loaded.shipment.folded);
    let Some(of) = facts.iter().find(|one| one.id == fact) else { return Vec::new() };
    let same = |one: &&Fact| {
        one.id != fact
            && (one.tracker, &one.piece) == (of.tracker, &of.piece)
            && one.reading.milestone == Milestone::Delivered
            && counts(posting, one.id)
            && !folded.announcements.iter().any(|announced| announced.fact == one.id)
    };
    facts.iter().filter(same).map(|one| one.id).collect()
}

/// Whether there is a proof of delivery: a document, a signature, or the carrier's word that it has one.
pub(super) async fn is_proved(posting: &Posting<'_>) -> Result<bool, crate::odoo::OrderError> {
    let (loaded, shipment) = (posting.loaded, posting.loaded.shipment.id);
    let available =
        |id| loaded.input.facts.iter().any(|f| f.id == id && f.reading.milestone == Milestone::PodAvailable);
    if loaded.shipment.folded.verdicts.iter().any(|v| available(v.fact) && counts(posting, v.fact)) {
        return Ok(true);
    }
    let delivered = loaded.shipment.folded.announcements.iter().filter(|one| one.milestone == Milestone::Delivered);
    for announcement in delivered {
        for fact in std::iter::once(announcement.fact).chain(further(posting, announcement.fact)) {
            if !proof::documents(posting.context, posting.scope, shipment, fact).await?.is_empty() {
                return Ok(true);
            }
        }
    }
    let named = proof::of(posting.context, posting.scope, loaded, &loaded.shipment.folded).await?.named;
    Ok(!named.is_empty())
}

/// Whether an event counts: it was not taken back.
fn counts(posting: &Posting<'_>, fact: ObservationId) -> bool {
    use Standing::{OtherUse, Quarantined, Retracted, Retraction, Superseded};
    let verdict = posting.loaded.shipment.folded.verdicts.iter().find(|verdict| verdict.fact == fact);
    verdict.is_some_and(|verdict| {
        !matches!(verdict.standing, Superseded | Retracted | Retraction | Quarantined | OtherUse)
    })
}

/// What tells one document from another.
fn digest(document: &Document) -> String {
    let content = match &document.content {
        Content::Link(url) => url,
        Content::File { base64, .. } => base64,
    };
    content_id("proof", &[content.as_bytes()]).simple().to_string().chars().take(12).collect()
}

/// `Signature 00340434161094042557.png`; of several of a kind with their place.
fn name(posting: &Posting<'_>, fact: ObservationId, document: &Document, place: usize) -> String {
    let announced = posting.loaded.shipment.folded.announcements.iter().find(|one| one.fact == fact);
    let piece = announced.and_then(|one| one.piece.as_deref());
    let number = crate::odoo::number_of(posting.loaded, piece, &[fact]);
    let number = number.map(|number| format!(" {}", number.number)).unwrap_or_default();
    let place = if place == 0 { String::new() } else { format!(" ({})", place + 1) };
    let extension = match &document.content {
        Content::Link(_) => String::new(),
        Content::File { format, .. } => format!(".{}", format.extension()),
    };
    format!("{}{number}{place}{extension}", document.kind.label())
}
