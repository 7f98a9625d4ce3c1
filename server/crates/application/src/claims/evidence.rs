//! What is there of the evidence that a carrier asks for, and what to do about what is missing.

use super::common::zone_there;
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    tracking::proof,
};
use carriers::Scheme;
use domain::{
    Classifier, State,
    claims::{ClaimReason, EvidenceKind},
    fold::{self, Fact, Folded},
    ids::{MessageId, ObservationId},
    punctuality::{Delay, Facts, Moment, Punctuality, punctuality},
};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use storage::{
    Scope,
    claims::{ClaimFile, ClaimRecord},
    inbox::MessageRecord,
    shipments::Loaded,
};

/// Messages of one shipment that are looked at.
const MESSAGES_MAX: usize = 200;

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which.
    pub kind: EvidenceKind,
    /// Whether it is there.
    pub presence: Presence,
}

/// Whether a piece of evidence is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is: what it is.
    Present(String),
    /// It is not: what to do.
    Missing(String),
}

/// A message that said something of the shipment.
pub(super) struct SeenMessage {
    pub(super) id: MessageId,
    /// The source, as people call it.
    pub(super) source: String,
    pub(super) received_at: Timestamp,
    pub(super) size: u64,
    /// How it was verified, in words; none where it was not.
    pub(super) verified: Option<String>,
}

/// What Milepost has recorded of a claim's shipment.
pub(super) struct Known {
    pub(super) loaded: Loaded,
    pub(super) folded: Folded,
    pub(super) messages: Vec<SeenMessage>,
    /// The message that said an event first.
    pub(super) said_in: HashMap<ObservationId, MessageId>,
    /// Names of who signed.
    pub(super) signed_by: Vec<String>,
    pub(super) files: Vec<ClaimFile>,
}

/// Reads it.
pub(super) async fn known(context: &Context, scope: Scope, of: &ClaimRecord) -> Result<Known> {
    let shipments = &context.store.shipments;
    let missing = || UseCaseError::NotFound("shipment");
    let mut loaded = shipments.load(scope, of.shipment, None).await?.ok_or_else(missing)?;
    if let Some(target) = loaded.shipment.merged_into {
        loaded = shipments.load(scope, target, None).await?.ok_or_else(missing)?;
    }
    let folded = fold::fold(&loaded.input, context.now());
    let seen = shipments.seen_in(scope, loaded.shipment.id).await?;
    let said_in = seen.iter().map(|seen| (seen.observation, seen.message)).collect();
    let ids: BTreeSet<MessageId> = seen.iter().map(|seen| seen.message).collect();
    let connections = context.connections.now();
    let shown = |message: MessageRecord| SeenMessage {
        id: message.id,
        source: connections.label(&message.source_name),
        received_at: message.received_at,
        size: message.size,
        verified: Scheme::from_name(&message.verified_by).and_then(|scheme| {
            let is_proof = message.verified_by != UNSIGNED;
            is_proof.then(|| scheme.verified().to_owned())
        }),
    };
    let ids = ids.into_iter().take(MESSAGES_MAX).collect();
    let messages = context.store.inbox.several(scope, ids).await?.into_iter().map(shown).collect();
    let proofs = proof::of(context, scope, &loaded, &folded).await?;
    let signed_by = proofs.named.into_iter().map(|proof| proof.signed_by).collect();
    let files = context.store.claims.files(scope, of.id).await?;
    Ok(Known { loaded, folded, messages, said_in, signed_by, files })
}

/// The scheme of messages without a signature.
const UNSIGNED: &str = "unsigned";

/// What is there and what is missing, in the order in which it is asked for.
pub(super) fn evidence(known: &Known, of: &ClaimRecord) -> Vec<Evidence> {
    let piece = |kind: &EvidenceKind| Evidence { kind: *kind, presence: presence(known, of, *kind) };
    of.claim.reason.evidence().iter().map(piece).collect()
}

/// How many are there, and how many are asked for.
pub(super) fn counted(evidence: &[Evidence]) -> (u32, u32) {
    let there = evidence.iter().filter(|piece| matches!(piece.presence, Presence::Present(_))).count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (count(there), count(evidence.len()))
}

fn presence(known: &Known, of: &ClaimRecord, kind: EvidenceKind) -> Presence {
    let recorded = match kind {
        EvidenceKind::Events => events(known),
        EvidenceKind::Messages => messages(known),
        EvidenceKind::Promise => promise(known),
        EvidenceKind::Proof => signed(known),
        EvidenceKind::CarrierReport => report(known, of.claim.reason),
        EvidenceKind::InvoiceValue => value(of),
        EvidenceKind::PackingList => packing(of),
        EvidenceKind::ShippingCost => shipping(of),
        EvidenceKind::Photos | EvidenceKind::InnerPackaging | EvidenceKind::Statement | EvidenceKind::Other => None,
    };
    let files = known.files.iter().filter(|file| file.kind == kind).count();
    let uploaded = match files {
        0 => None,
        1 => Some("1 file".to_owned()),
        n => Some(format!("{n} files")),
    };
    match (recorded, uploaded) {
        (Some(recorded), Some(files)) => Presence::Present(format!("{recorded}; {files}")),
        (Some(what), None) | (None, Some(what)) => Presence::Present(what),
        (None, None) => Presence::Missing(what_to_do(kind).to_owned()),
    }
}

const fn what_to_do(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Events => "No carrier has reported an event: check the tracking number and its connection.",
        EvidenceKind::Messages => "The messages are no longer kept: ask the carrier for its own history.",
        EvidenceKind::Promise => "No promised date is known: enter a delivery date on the order.",
        EvidenceKind::Proof => "Ask the carrier for the proof of delivery and upload it.",
        EvidenceKind::CarrierReport => "Ask the carrier for its report and upload it.",
        EvidenceKind::InvoiceValue => "The order system gave no value: upload the invoice.",
        EvidenceKind::PackingList => "The order system gave no goods or weight: upload the packing list.",
        EvidenceKind::ShippingCost => "The label was not bought here: upload the carrier's invoice.",
        EvidenceKind::Photos => "Ask the customer for photos of the damage and all sides of the box.",
        EvidenceKind::InnerPackaging => "Ask the customer for a photo of the inner packaging.",
        EvidenceKind::Statement => "Ask the customer for a written statement.",
        EvidenceKind::Other => "",
    }
}

/// Events that happened, as the carrier reports them.
pub(super) fn actual(known: &Known) -> impl Iterator<Item = &Fact> {
    known.loaded.input.facts.iter().filter(|fact| fact.observation.classifier == Classifier::Actual)
}

fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

fn events(known: &Known) -> Option<String> {
    let events = actual(known).count();
    let sources: BTreeSet<_> = known.messages.iter().map(|message| message.source.as_str()).collect();
    let sources: Vec<_> = sources.into_iter().collect();
    (events > 0).then(|| format!("{} from {}", plural(events, "event"), sources.join(", ")))
}

fn messages(known: &Known) -> Option<String> {
    let all = known.messages.len();
    let verified = known.messages.iter().filter(|message| message.verified.is_some()).count();
    (all > 0).then(|| format!("{}, {verified} verified", plural(all, "message")))
}

/// How late it was against the promise, in words.
pub(super) fn promise(known: &Known) -> Option<String> {
    let zone = zone_there(&known.loaded);
    let at = known.loaded.input.plan.promised_by?;
    let promised = Moment::promised(at, &zone);
    let delivered = known.folded.delivered_at.as_ref().and_then(Moment::of);
    let said = match promised {
        Moment::Instant(at) => format!("promised by {}", at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z")),
        Moment::Day(day) => format!("promised for {day}"),
    };
    let facts = Facts {
        state: State::Delivered,
        in_trouble: false,
        promised: Some(promised),
        delivered,
        eta: None,
        now: Timestamp::UNIX_EPOCH,
        zone: &zone,
    };
    let late = match punctuality(&facts) {
        Punctuality::Late(Delay::Exact(by)) => format!("delivered {} minutes late", by.as_mins()),
        Punctuality::Late(Delay::Days(1)) => "delivered 1 day late".to_owned(),
        Punctuality::Late(Delay::Days(days)) => format!("delivered {days} days late"),
        Punctuality::OnTime => "delivered in time".to_owned(),
        _ => "not delivered".to_owned(),
    };
    Some(format!("{said}, {late}"))
}

fn signed(known: &Known) -> Option<String> {
    let delivered = known.folded.delivered_at.is_some();
    match known.signed_by.len() {
        0 => None,
        _ if delivered => Some("the carrier names who signed".to_owned()),
        _ => None,
    }
}

/// The carrier's events that report what is claimed.
pub(super) fn reports(known: &Known, reason: ClaimReason) -> impl Iterator<Item = &Fact> {
    let is_of = move |fact: &&Fact| fact.reading.exception.and_then(ClaimReason::of) == Some(reason);
    actual(known).filter(is_of)
}

fn report(known: &Known, reason: ClaimReason) -> Option<String> {
    let last = reports(known, reason).max_by_key(|fact| fact.observation.time.sort_key())?;
    let label = last.reading.exception.map(domain::ExceptionReason::label)?;
    // a code of one word says nothing about a person
    let code = crate::mask::Mask::FULL.code(&last.observation.codes.raw).to_owned();
    Some(format!("the carrier reports “{label}”, code {code}"))
}

fn value(of: &ClaimRecord) -> Option<String> {
    let goods = of.about.goods.as_ref()?;
    let value = goods.value.or(goods.total)?;
    let order = goods.order.as_deref().unwrap_or(&goods.delivery);
    let invoices = if goods.invoices.is_empty() { String::new() } else { format!(", {}", goods.invoices.join(", ")) };
    Some(format!("{value}, {order}{invoices}"))
}

fn packing(of: &ClaimRecord) -> Option<String> {
    let goods = of.about.goods.as_ref()?;
    let grams: u64 = goods.parcels_g.iter().map(|grams| u64::from(*grams)).sum();
    let there = !goods.lines.is_empty() && grams > 0;
    there.then(|| format!("{}, {}, {}", weight(grams), plural(goods.lines.len(), "line"), goods.delivery))
}

/// A weight in kilograms.
pub(super) fn weight(grams: u64) -> String {
    format!("{}.{:03} kg", grams / 1_000, grams % 1_000)
}

fn shipping(of: &ClaimRecord) -> Option<String> {
    let costs: Vec<_> = of.about.shipping.iter().map(ToString::to_string).collect();
    (!costs.is_empty()).then(|| costs.join(", "))
}
