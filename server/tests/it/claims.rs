//! Claims: raised once, followed to their end, with their evidence, files and bundle; what an erasure takes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    systems::{Systems, delivery},
};
use app::contract::claims::{ClaimEdit, ClaimTab, ClaimsQuery, NewClaim, StepForm, Tone};
use application::{
    UseCaseError, alerts,
    caller::Caller,
    claims::{self, Change, FILE_BYTES_MAX, NewByHand, NewFile, Presence, bundle, deadlines},
    clock::Clock,
    governance::erasure,
    odoo::IMPORT_PAGES_MAX,
};
use domain::{
    Severity,
    access::Role,
    alerts::AlertKind,
    claims::{ClaimNumber, ClaimReason, ClaimStatus, Deadlines, EvidenceKind, Step},
    ids::ShipmentId,
    money::Money,
};
use jiff::Span;
use serde_json::Value;
use server::config::Settings;
use sha2_of::sha256;
use simulator::odoo::NewGoods;
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};
use storage::claims::{ClaimQuery, ClaimRecord};

mod sha2_of {
    use ring::digest;

    /// In hexadecimal digits.
    pub fn sha256(bytes: &[u8]) -> String {
        digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a photo of the door of Mrs Goldammer";
const DAMAGED: &str = "Exception_012";

fn euro(amount: &str) -> Money {
    Money::read(amount, "EUR").unwrap()
}

struct Claims {
    _folder: tempfile::TempDir,
    systems: Systems,
}

impl Claims {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { tombstones: Some(folder.path().join("tombstones")), ..Settings::default() };
        Self { systems: Systems::configured(settings).await, _folder: folder }
    }

    fn world(&self) -> &World {
        &self.systems.world
    }

    fn person(&self) -> Caller {
        Caller::trusted(self.world().context.scope())
    }

    /// A delivery with goods that DHL Express picked up, and that was delivered by this time.
    async fn shipment(&self, number: &str, delivered: Option<&str>) -> ShipmentId {
        let picking = self.systems.order(number).await;
        self.systems.odoo.add_goods(
            picking,
            &NewGoods {
                name: "Espresso machine",
                sku: "EM-1",
                hs_code: "8516",
                origin: "IT",
                weight_kg: 4.2,
                price: 420.17,
                sold: None,
                packed: &[(2.0, None)],
            },
        );
        let mut points = vec![("InTransit_002", "2026-03-03T09:00:00"), ("InTransit_003", "2026-03-04T10:00:00")];
        points.extend(delivered.map(|at| ("Delivered_001", at)));
        self.world().receives(number, &points).await;
        self.systems.shipment(number).await
    }

    async fn raise(&self, shipment: ShipmentId, reason: ClaimReason) -> ClaimNumber {
        let context = &self.world().context;
        let new = NewByHand { shipment, reason, amount: None, note: "The box of Mrs Goldammer is crushed".into() };
        let number = claims::raise_by_hand(context, &self.person(), new).await.unwrap();
        self.world().settle().await;
        number
    }

    async fn record(&self, number: ClaimNumber) -> ClaimRecord {
        let context = &self.world().context;
        context.store.claims.numbered(context.scope(), number).await.unwrap().unwrap()
    }

    async fn change(&self, number: ClaimNumber, change: Change) -> Result<ClaimRecord, UseCaseError> {
        claims::change(&self.world().context, &self.person(), number, None, change).await
    }

    async fn step(&self, number: ClaimNumber, step: Step) -> ClaimRecord {
        self.change(number, Change::Step { step, why: None }).await.unwrap()
    }

    async fn add(&self, number: ClaimNumber, kind: EvidenceKind, bytes: &[u8]) -> Result<(), UseCaseError> {
        let new = NewFile { kind, name: "door of Goldammer.exe".into(), bytes: bytes.to_vec() };
        claims::add_file(&self.world().context, &self.person(), number, new).await
    }

    /// Which evidence is there.
    async fn evidence(&self, number: ClaimNumber) -> BTreeMap<EvidenceKind, bool> {
        let shown = claims::claim(&self.world().context, &self.person(), number).await.unwrap();
        let there = |piece: claims::Evidence| (piece.kind, matches!(piece.presence, Presence::Present(_)));
        shown.evidence.into_iter().map(there).collect()
    }

    /// The open alerts about claims: title, and whether it is critical.
    async fn alerts(&self) -> Vec<(String, bool)> {
        let context = &self.world().context;
        let open = context.store.alerts.open(context.scope()).await.unwrap().into_iter();
        let of_claims = open.filter(|open| open.kind == AlertKind::ClaimDeadline);
        of_claims.map(|open| (open.title, open.standing.severity == Severity::Critical)).collect()
    }

    /// The same, once what is over had time to end.
    async fn alerts_later(&self) -> Vec<(String, bool)> {
        for _ in 0..2 {
            self.world().clock.advance(Span::new().minutes(11));
            alerts::evaluate(&self.world().context, self.world().context.scope()).await.unwrap();
        }
        self.alerts().await
    }
}

fn files_of(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

#[tokio::test]
async fn a_claim_is_raised_once_with_deadline_value_and_goods() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00001", Some("2026-03-05T10:00:00")).await;
    let context = &claims.world().context;
    let number = claims.raise(shipment, ClaimReason::Damaged).await;
    assert_eq!(number.to_string(), "CL-0001");
    let record = claims.record(number).await;
    assert_eq!(record.claim.claimed, Some(euro("840.34")), "what Odoo says of the order without taxes");
    let goods = record.about.goods.clone().unwrap();
    assert_eq!((goods.lines.len(), goods.lines[0].quantity, goods.total), (1, 2, Some(euro("1000"))));
    assert_eq!(record.claim.file_by.unwrap().to_string(), "2026-03-12", "of a DHL that is not named further: 7 days");
    assert!(record.about.rule.as_ref().unwrap().check_contract);
    let evidence = claims.evidence(number).await;
    for (kind, there) in [
        (EvidenceKind::Events, true),
        (EvidenceKind::Messages, true),
        (EvidenceKind::InvoiceValue, true),
        (EvidenceKind::PackingList, true),
        (EvidenceKind::CarrierReport, false),
        (EvidenceKind::Photos, false),
    ] {
        assert_eq!(evidence.get(&kind), Some(&there), "{kind:?}");
    }
    let there = u32::try_from(evidence.values().filter(|there| **there).count()).unwrap();
    assert_eq!(record.about.evidence, Some((there, 8)));

    let scope = context.scope();
    for _ in 0..2 {
        assert_eq!(claims::raise(context, scope, shipment, None, ClaimReason::Damaged).await.unwrap(), number);
    }
    let again = NewByHand { shipment, reason: ClaimReason::Damaged, amount: None, note: String::new() };
    let refused = claims::raise_by_hand(context, &claims.person(), again).await;
    assert!(matches!(&refused, Err(UseCaseError::Conflict(why)) if why.contains("CL-0001")), "{refused:?}");
    let late = claims::raise(context, scope, shipment, None, ClaimReason::LateGuaranteed).await.unwrap();
    assert_eq!(late.to_string(), "CL-0002");
    claims.world().settle().await;
    assert_eq!(claims.record(late).await.about.raised_by.as_deref(), Some("rule"));
    let of = claims::of_shipment(context, &claims.person(), shipment).await.unwrap();
    assert_eq!(of.iter().map(|one| one.record.number.0).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn of_an_order_that_goes_in_parts_a_claim_asks_for_the_goods_of_its_delivery() {
    let claims = Claims::new().await;
    let picking = claims.systems.order("CLAIM00015").await;
    let goods = NewGoods {
        name: "Espresso machine",
        sku: "EM-1",
        hs_code: "8516",
        origin: "IT",
        weight_kg: 4.2,
        price: 420.17,
        sold: None,
        packed: &[(1.0, None)],
    };
    claims.systems.odoo.add_goods(picking, &goods);
    claims.world().receives("CLAIM00015", &[("InTransit_002", "2026-03-03T09:00:00")]).await;
    let number = claims.raise(claims.systems.shipment("CLAIM00015").await, ClaimReason::Lost).await;
    let record = claims.record(number).await;
    let goods = record.about.goods.unwrap();
    assert_eq!(
        (record.claim.claimed, goods.value),
        (Some(euro("420.17")), Some(euro("420.17"))),
        "one of the order's two"
    );
    assert_eq!(goods.total, Some(euro("1000")), "of the whole order, with taxes");
}

#[tokio::test]
async fn a_claim_for_an_exception_counts_from_its_event_and_names_the_carriers_report() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00002", None).await;
    claims.world().receives("CLAIM00002", &[(DAMAGED, "2026-03-05T08:00:00")]).await;
    let loaded = claims.world().load(shipment).await;
    let exception = loaded.exceptions.iter().find(|e| ClaimReason::of(e.reason) == Some(ClaimReason::Damaged)).unwrap();
    let context = &claims.world().context;
    let raised =
        claims::raise(context, context.scope(), shipment, Some(exception.id), ClaimReason::Damaged).await.unwrap();
    claims.world().settle().await;
    let record = claims.record(raised).await;
    assert_eq!(record.exception, Some(exception.id));
    assert_eq!(
        record.claim.file_by.unwrap().to_string(),
        "2026-03-12",
        "7 days after the report, since nothing is delivered"
    );
    assert!(claims.evidence(raised).await[&EvidenceKind::CarrierReport]);
}

#[tokio::test]
async fn a_claim_goes_to_its_end_and_every_step_is_in_its_history() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00003", Some("2026-03-05T10:00:00")).await;
    let number = claims.raise(shipment, ClaimReason::Damaged).await;
    let filed = claims.step(number, Step::File { reference: Some(" D-77 ".into()), answer_by: None }).await;
    assert_eq!(filed.claim.reference.as_deref(), Some("D-77"));
    assert_eq!(filed.claim.answer_by.unwrap().to_string(), "2026-04-04", "30 days, as usual");
    claims.step(number, Step::Offer { amount: euro("500"), accept_by: None }).await;
    let stale = claims::change(&claims.world().context, &claims.person(), number, Some(0), Change::Refresh).await;
    assert!(matches!(stale, Err(UseCaseError::Conflict(_))), "{stale:?}");
    let dollars = Step::Pay { amount: Money::read("5", "USD").unwrap() };
    let refused = claims.change(number, Change::Step { step: dollars, why: None }).await;
    assert!(matches!(refused, Err(UseCaseError::Invalid { field: "amount", .. })), "{refused:?}");
    let why = Some("Goldammer agrees".to_owned());
    claims.change(number, Change::Step { step: Step::Accept, why }).await.unwrap();
    let paid = claims.step(number, Step::Pay { amount: euro("500") }).await;
    assert_eq!((paid.claim.status, paid.claim.paid), (ClaimStatus::Paid, Some(euro("500"))));
    assert!(claims.change(number, Change::Amount(euro("7"))).await.is_err(), "it is over");

    let shown = claims::claim(&claims.world().context, &claims.person(), number).await.unwrap();
    let actions: Vec<_> = shown.history.iter().rev().map(|done| done.action.as_str()).collect();
    assert_eq!(actions, ["claim.raise", "claim.file", "claim.offer", "claim.accept", "claim.pay"]);
    assert_eq!(shown.history[1].why.as_deref(), Some("Goldammer agrees"));
    let overview = claims::overview(&claims.world().context, &claims.person(), ClaimQuery::default()).await.unwrap();
    assert_eq!(overview.figures.paid.sums().collect::<Vec<_>>(), [euro("500")]);
    assert_eq!(overview.figures.paid_of.sums().collect::<Vec<_>>(), [euro("840.34")]);
}

#[tokio::test]
async fn reminders_are_alerts_that_end_when_the_claim_is_filed() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00004", Some("2026-03-05T10:00:00")).await;
    let number = claims.raise(shipment, ClaimReason::Damaged).await;
    claims.world().passes(1).await;
    let said = [("7 days left", false), ("2 days left", false), ("passed", true)];
    for (said, is_critical) in said {
        let open = claims.alerts().await;
        let [(title, critical)] = &open[..] else { panic!("one, and the reminder before gave way: {open:?}") };
        assert!(title.contains("CL-0001") && title.contains(said) && *critical == is_critical, "{said}: {open:?}");
        claims.world().passes(24 * if said.starts_with('7') { 5 } else { 3 }).await;
    }
    let record = claims.record(number).await;
    assert!(record.missed && record.remind_on.is_none());
    let overview = claims::overview(&claims.world().context, &claims.person(), ClaimQuery::default()).await.unwrap();
    assert_eq!(overview.figures.missed, 1);
    let filed = claims.step(number, Step::File { reference: None, answer_by: None }).await;
    assert!(filed.missed, "it was filed late");
    assert_eq!(claims.alerts_later().await, [], "it is over, though the deadline was missed");
    let view = claims.world().ports(Role::Agent).claims.view(ClaimsQuery::default()).await.unwrap();
    assert_eq!(view.figures[3].values, ["1"]);
}

/// Before each reminder and after it: filing or closing ends what is open, and so does the next look where the process stopped in between.
#[tokio::test]
async fn whenever_a_claim_ends_its_reminder_ends() {
    for (n, days) in [(1, 0), (2, 8)] {
        for end in [Step::File { reference: None, answer_by: None }, Step::Close] {
            let claims = Claims::new().await;
            let shipment = claims.shipment(&format!("CLAIM0010{n}"), Some("2026-03-05T10:00:00")).await;
            let number = claims.raise(shipment, ClaimReason::Damaged).await;
            claims.world().passes(24 * days + 1).await;
            assert_eq!(claims.alerts().await.len(), 1, "after {days} days");
            let context = &claims.world().context;
            let before = claims.record(number).await;
            let today = before.claim.file_by.unwrap();
            // kept without what follows, as by a process that stopped
            let ended = ClaimRecord { claim: before.claim.after(&end, today).unwrap(), remind_on: None, ..before };
            assert!(context.store.claims.save(context.scope(), ended, Vec::new(), None).await.unwrap());
            claims::remind(context, context.scope()).await.unwrap();
            assert_eq!(claims.alerts_later().await, [], "after {days} days, {end:?}");
        }
    }
}

#[tokio::test]
async fn a_file_is_taken_by_what_it_is_sealed_and_read_with_a_line_in_the_audit_trail() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00005", None).await;
    let number = claims.raise(shipment, ClaimReason::Damaged).await;
    let context = &claims.world().context;
    for (bytes, kind, field) in [
        (&b""[..], EvidenceKind::Photos, "file"),
        (b"MZ an executable", EvidenceKind::Photos, "file"),
        (b"<html>", EvidenceKind::Photos, "file"),
        (PNG, EvidenceKind::Events, "kind"),
        (&[vec![0x89], PNG[1..].to_vec(), vec![0; FILE_BYTES_MAX]].concat(), EvidenceKind::Photos, "file"),
    ] {
        let refused = claims.add(number, kind, bytes).await;
        assert!(matches!(&refused, Err(UseCaseError::Invalid { field: of, .. }) if *of == field), "{refused:?}");
    }
    let there = async || claims.record(number).await.about.evidence.unwrap().0;
    let before = there().await;
    claims.add(number, EvidenceKind::Photos, PNG).await.unwrap();
    assert!(claims.evidence(number).await[&EvidenceKind::Photos]);
    assert_eq!(there().await, before + 1, "the list counts what is uploaded");
    let record = claims.record(number).await;
    let kept = context.store.claims.files(context.scope(), record.id).await.unwrap();
    let (file, content) = context.store.claims.file(context.scope(), record.id, kept[0].id).await.unwrap().unwrap();
    for sealed in [&file.name.bytes, &content.bytes, &record.note.clone().unwrap().bytes] {
        assert!(!sealed.windows(9).any(|part| part == b"Goldammer"), "sealed at rest");
    }
    assert_eq!(file.digest, sha256(PNG));
    let opened = claims::file(context, &claims.person(), number, file.id).await.unwrap();
    assert_eq!((opened.name.as_str(), opened.bytes.as_slice()), ("door of Goldammer.png", PNG));
    let subject = format!("claim_file:{}", file.id);
    let lines = context.store.people.audit_trail(context.scope(), Some(subject), 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.entry.action.as_str()).collect::<Vec<_>>(), ["claim.file_read"]);
    let executive = claims.world().ports(Role::Executive);
    assert!(executive.claims.file(number.to_string(), file.id.to_string()).await.is_err());
    let masked = executive.claims.one(number.to_string()).await.unwrap();
    assert!(masked.masked && masked.note.is_empty() && masked.files[0].name.is_none(), "{masked:?}");
    claims.step(number, Step::File { reference: None, answer_by: None }).await;
    let refused = claims::remove_file(context, &claims.person(), number, file.id).await;
    assert!(matches!(refused, Err(UseCaseError::Forbidden(_))), "it was filed with it: {refused:?}");
}

#[tokio::test]
async fn the_bundle_has_everything_and_a_manifest_that_is_true() {
    let claims = Claims::new().await;
    let shipment = claims.shipment("CLAIM00006", Some("2026-03-05T10:00:00")).await;
    let number = claims.raise(shipment, ClaimReason::Damaged).await;
    claims.add(number, EvidenceKind::Photos, PNG).await.unwrap();
    let context = &claims.world().context;
    let made = bundle::bundle(context, &claims.person(), number).await.unwrap();
    assert_eq!(made.name, "CL-0001.zip");
    let again = bundle::bundle(context, &claims.person(), number).await.unwrap();
    assert!(made.bytes == again.bytes, "the same content gives the same bytes");
    let files = files_of(&made.bytes);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let listed: BTreeMap<_, _> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["file"].as_str().unwrap(), f["sha256"].as_str().unwrap()))
        .collect();
    assert_eq!(listed.len() + 1, files.len(), "all but itself: {listed:?}");
    for (name, digest) in &listed {
        assert_eq!(sha256(&files[*name]), *digest, "{name}");
    }
    assert_eq!(files["documents/01-photos-door of Goldammer.png"], PNG);
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let events = text("events.csv");
    assert_eq!(events.lines().count(), 4, "{events}");
    assert!(
        events.contains("2026-03-05T10:00:00") && events.contains("Delivered") && events.contains("Lyon"),
        "{events}"
    );
    let messages = text("messages.csv");
    assert!(messages.contains("Signature verified (HMAC)"), "{messages}");
    let kept = context.store.shipments.seen_in(context.scope(), shipment).await.unwrap();
    let (_, body) =
        application::tracking::normalise::opened(context, context.scope(), kept[0].message).await.unwrap().unwrap();
    assert!(messages.contains(&sha256(&body.unwrap().1)), "the digest is of what was received");
    let cover = text("index.html");
    for said in ["Claim CL-0001: Damaged", "840.34 EUR", "Mrs Goldammer", "Espresso machine", "CLAIM00006", "8.400 kg"]
    {
        assert!(cover.contains(said), "{said}: {cover}");
    }
    for loads in ["<script", "<link", "<img", "src=", "href=", "url("] {
        assert!(!cover.contains(loads), "{loads}: the page loads nothing: {cover}");
    }
    assert!(cover.contains("@page"), "for print: {cover}");
    assert!(text("packing_list.csv").contains("EM-1"));
    let claim: Value = serde_json::from_slice(&files["claim.json"]).unwrap();
    assert_eq!((&claim["claim"], &claim["reason"]), (&"CL-0001".into(), &"damaged".into()));
    let lines = context.store.people.audit_trail(context.scope(), None, 50).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.entry.action == "claim.bundle").count(), 2);
    assert!(claims.world().ports(Role::Executive).claims.bundle(number.to_string()).await.is_err());
}

#[tokio::test]
async fn an_erasure_takes_notes_files_and_keys_and_leaves_the_amounts() {
    let claims = Claims::new().await;
    let context = &claims.world().context;
    let of_customer = claims.shipment("CLAIM00007", None).await;
    // one without an order has no customer, so that its claim is sealed under a key of its own
    claims.world().receives("CLAIM00008", &[("InTransit_003", "2026-03-04T10:00:00")]).await;
    let unlinked = claims.systems.shipment("CLAIM00008").await;
    for shipment in [of_customer, unlinked] {
        let number = claims.raise(shipment, ClaimReason::Damaged).await;
        claims.change(number, Change::Amount(euro("70"))).await.unwrap();
        claims.add(number, EvidenceKind::Photos, PNG).await.unwrap();
        let (before, note) = (claims.record(number).await, claims.record(number).await.note.unwrap());
        erasure::erase_customer(context, &claims.person(), shipment, "asked for it".into()).await.unwrap();
        let after = claims.record(number).await;
        assert_eq!((after.note, &after.claim), (None, &before.claim), "{shipment}");
        assert!(context.store.claims.files(context.scope(), after.id).await.unwrap().is_empty());
        assert_eq!(context.store.people.key(context.scope(), note.subject).await.unwrap(), None, "copies are noise");
        claims::claim(context, &claims.person(), number).await.unwrap();
        bundle::bundle(context, &claims.person(), number).await.unwrap();
    }
}

#[tokio::test]
async fn a_claim_follows_its_shipment_into_the_orders() {
    let claims = Claims::new().await;
    claims.world().receives("CLAIM00014", &[("InTransit_003", "2026-03-04T10:00:00")]).await;
    let unlinked = claims.systems.shipment("CLAIM00014").await;
    let number = claims.raise(unlinked, ClaimReason::Lost).await;
    claims.add(number, EvidenceKind::Photos, PNG).await.unwrap();
    assert_eq!(claims.record(number).await.about.goods, None);
    claims.systems.order("CLAIM00014").await;
    let linked = claims.systems.shipment("CLAIM00014").await;
    let context = &claims.world().context;
    let of = claims::of_shipment(context, &claims.person(), linked).await.unwrap();
    assert_eq!(of.iter().map(|one| one.record.number).collect::<Vec<_>>(), [number]);
    claims.change(number, Change::Refresh).await.unwrap();
    claims.world().settle().await;
    let record = claims.record(number).await;
    assert_eq!(record.claim.claimed, Some(euro("840.34")), "what the order is worth");
    let before = record.note.unwrap().subject;
    erasure::erase_customer(context, &claims.person(), linked, "asked for it".into()).await.unwrap();
    assert!(context.store.claims.files(context.scope(), record.id).await.unwrap().is_empty());
    assert_eq!(context.store.people.key(context.scope(), before).await.unwrap(), None);
}

#[tokio::test]
async fn rules_for_deadlines_are_put_by_an_admin_and_count_from_then_on() {
    let claims = Claims::new().await;
    let context = &claims.world().context;
    let (first, second) = (claims.shipment("CLAIM00009", None).await, claims.shipment("CLAIM00010", None).await);
    let before = claims.raise(first, ClaimReason::Lost).await;
    let mut rules = Deadlines::default();
    rules.0.retain(|rule| rule.carrier.is_none() && rule.reasons.contains(&ClaimReason::Lost));
    rules.0[0].days = 10;
    let text = serde_json::to_string(&rules).unwrap();
    let agent = claims.world().ports(Role::Agent);
    assert!(agent.claims.put_deadlines(text.clone()).await.is_err(), "an agent may not");
    for bad in ["none", "[{}]", &text.replace("10", "0")] {
        let refused = claims.world().ports(Role::Admin).claims.put_deadlines(bad.into()).await;
        assert!(refused.is_err(), "{bad}");
    }
    deadlines::put_text(context, &claims.person(), &text).await.unwrap();
    let after = claims.raise(second, ClaimReason::Lost).await;
    let by = async |number| claims.record(number).await.claim.file_by.unwrap().to_string();
    assert_eq!((by(before).await.as_str(), by(after).await.as_str()), ("2027-03-03", "2026-03-13"));
    let view = agent.claims.deadlines().await.unwrap();
    assert_eq!((view.shipped, view.rules.len(), view.rules[0].carrier.as_str()), (false, 1, "Every other carrier"));
    let lines = context.store.people.audit_trail(context.scope(), Some("claims:deadlines".into()), 10).await.unwrap();
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn the_page_lists_by_deadline_adds_up_and_exports() {
    let claims = Claims::new().await;
    let agent = claims.world().ports(Role::Agent).claims;
    for (n, reason) in [(11, "damaged"), (12, "lost"), (13, "missing_pieces")] {
        claims.shipment(&format!("CLAIM000{n}"), Some("2026-03-05T10:00:00")).await;
        let (shipment, amount) = (format!("CLAIM000{n}"), if n == 13 { "1234,5" } else { "" });
        let new = NewClaim {
            shipment,
            reason: reason.into(),
            amount: amount.into(),
            currency: "EUR".into(),
            note: String::new(),
        };
        agent.raise(new).await.unwrap();
        claims.world().settle().await;
    }
    let view = agent.view(ClaimsQuery::default()).await.unwrap();
    let rows: Vec<_> =
        view.rows.iter().map(|row| (row.number.as_str(), row.due.day.as_str(), row.claimed.as_deref())).collect();
    assert_eq!(
        rows,
        [
            ("CL-0001", "Thu 12 Mar", Some("€ 840.34")),
            ("CL-0003", "Thu 12 Mar", Some("€ 1,234.50")),
            ("CL-0002", "Wed 3 Mar", Some("€ 840.34")),
        ]
    );
    assert_eq!((view.rows[0].due.words.as_str(), view.rows[0].due.tone), ("file in 7 days", Tone::Warn));
    assert_eq!(view.summary, "3 open, 2 to file within 7 days");
    assert_eq!(view.figures[0].values, ["€ 2,915.18"]);
    assert_eq!(
        (view.figures[1].values.as_slice(), view.figures[1].note.as_str()),
        (&["€ 2,074.84".to_owned()][..], "first on Thu 12 Mar")
    );
    assert_eq!(view.claimed, ["€ 2,915.18"]);
    assert_eq!(view.selected.as_ref().unwrap().row.number, "CL-0001");
    let form = StepForm {
        number: "CL-0002".into(),
        revision: agent.one("CL-0002".into()).await.unwrap().revision,
        step: "file".into(),
        ..StepForm::default()
    };
    agent.step(form).await.unwrap();
    let edit = ClaimEdit {
        number: "CL-0001".into(),
        revision: agent.one("CL-0001".into()).await.unwrap().revision,
        what: "take".into(),
        ..ClaimEdit::default()
    };
    assert!(agent.edit(edit).await.is_err(), "who is no user");
    let waiting = agent.view(ClaimsQuery { tab: ClaimTab::Waiting, ..ClaimsQuery::default() }).await.unwrap();
    assert_eq!(waiting.rows.iter().map(|row| row.number.as_str()).collect::<Vec<_>>(), ["CL-0002"]);
    assert_eq!(waiting.tabs.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [3, 2, 1, 0, 0, 0]);
    let csv = agent.export(ClaimTab::All).await.unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.contains("\"CL-0003\",\"Missing pieces\",\"CLAIM00013\"") && csv.contains("\"1234.50\""), "{csv}");
    assert_eq!(claims.world().clock.now().duration_since("2026-03-05T12:00:00Z".parse().unwrap()).as_hours(), 0);
    claims.world().clock.advance(Span::new().hours(1));
}

#[tokio::test]
async fn of_a_late_delivery_promise_and_delay_are_said() {
    let claims = Claims::new().await;
    let now = claims.world().clock.now();
    let promised = "2026-03-03T08:00:00Z".parse().unwrap();
    let order = simulator::odoo::NewOrder { promised, ..delivery("LATE000001", now) };
    claims.systems.odoo.add_order(&order);
    claims.systems.import(IMPORT_PAGES_MAX).await;
    claims.world().settle().await;
    claims.world().receives("LATE000001", &[("Delivered_001", "2026-03-05T10:00:00")]).await;
    let shipment = claims.systems.shipment("LATE000001").await;
    let number = claims.raise(shipment, ClaimReason::LateGuaranteed).await;
    let shown = claims::claim(&claims.world().context, &claims.person(), number).await.unwrap();
    let promise = shown.evidence.iter().find(|piece| piece.kind == EvidenceKind::Promise).unwrap();
    let said =
        matches!(&promise.presence, Presence::Present(said) if said.contains("2026-03-03") && said.contains("late"));
    assert!(said, "{promise:?}");
    let evidence = claims.evidence(number).await;
    assert!(!evidence[&EvidenceKind::ShippingCost], "the label was bought elsewhere");
    assert_eq!(claims.record(number).await.claim.claimed, None);
    let refused =
        claims.change(number, Change::Step { step: Step::File { reference: None, answer_by: None }, why: None }).await;
    assert!(matches!(refused, Err(UseCaseError::Invalid { field: "amount", .. })), "{refused:?}");
}
