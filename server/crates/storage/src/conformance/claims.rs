//! Claims: one that is open for each shipment and reason, numbers without gaps, figures, files.

use super::{World, at};
use crate::{
    Scope, Store, StoreError,
    claims::{ClaimAbout, ClaimFile, ClaimQuery, ClaimRecord, FILES_MAX, Raised},
    jobs::{JobKind, Lane},
};
use domain::{
    claims::{Claim, ClaimNumber, ClaimReason, ClaimStatus, EvidenceKind, Stage, Step, Totals},
    documents::FileFormat,
    ids::{ClaimFileId, ShipmentId},
    money::Money,
};
use jiff::civil::Date;
use std::collections::BTreeMap;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn euro(minor: i64) -> Money {
    Money { minor, currency: "EUR".parse().unwrap() }
}

fn draft(world: &World, reason: ClaimReason, file_by: &str) -> ClaimRecord {
    let claim = Claim { claimed: Some(euro(10_000)), ..Claim::new(reason, Some(day(file_by))) };
    ClaimRecord {
        id: world.id(),
        number: ClaimNumber(0),
        shipment: world.id(),
        exception: None,
        remind_on: claim.remind_after(None),
        claim,
        missed: false,
        about: ClaimAbout { carrier: Some("UPS".into()), ..ClaimAbout::default() },
        note: Some(world.sealed(b"the corner is dented").0),
        owner: None,
        created_at: at(0),
        updated_at: at(0),
        revision: 0,
    }
}

async fn raise(world: &World, new: &ClaimRecord) -> Raised {
    let audit = world.audit("claim.raise", format!("claim:{}", new.id), 0);
    world.store.claims.raise(world.scope, new.clone(), Vec::new(), audit).await.unwrap()
}

async fn raised(world: &World, new: &ClaimRecord) -> ClaimRecord {
    let Raised::New(number) = raise(world, new).await else { panic!("one is open") };
    world.store.claims.numbered(world.scope, number).await.unwrap().unwrap()
}

async fn save(world: &World, of: &ClaimRecord) -> bool {
    world.store.claims.save(world.scope, of.clone(), Vec::new(), None).await.unwrap()
}

/// The claim after steps on this day.
fn after(of: &ClaimRecord, steps: &[Step], today: &str) -> ClaimRecord {
    let claim = steps.iter().fold(of.claim.clone(), |claim, step| claim.after(step, day(today)).unwrap());
    ClaimRecord {
        missed: claim.missed(day(today)),
        remind_on: claim.remind_after(None),
        claim,
        revision: of.revision,
        ..of.clone()
    }
}

const FILE: Step = Step::File { reference: None, answer_by: None };

pub async fn one_open_claim_for_each_shipment_and_reason(store: Store) {
    let world = World::new(store).await;
    let (claims, scope) = (&world.store.claims, world.scope);
    let first = draft(&world, ClaimReason::Damaged, "2026-03-09");
    let job = world.job(JobKind::FOLD, first.shipment, 0);
    let audit = world.audit("claim.raise", format!("claim:{}", first.id), 0);
    let made = claims.raise(scope, first.clone(), vec![job.clone()], audit).await.unwrap();
    assert_eq!(made, Raised::New(ClaimNumber(1)));
    let kept = claims.claim(scope, first.id).await.unwrap().unwrap();
    assert_eq!(kept, ClaimRecord { number: ClaimNumber(1), ..first.clone() });
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await, [job.id], "its work came with it");

    let again = ClaimRecord { id: world.id(), ..first.clone() };
    assert_eq!(raise(&world, &again).await, Raised::Open(ClaimNumber(1)));
    assert_eq!(claims.claim(scope, again.id).await.unwrap(), None);
    let lost = ClaimRecord { id: world.id(), claim: Claim::new(ClaimReason::Lost, None), ..first.clone() };
    assert_eq!(raise(&world, &lost).await, Raised::New(ClaimNumber(2)), "for another reason; numbers have no gap");
    assert!(save(&world, &after(&kept, &[FILE, Step::Reject], "2026-03-02")).await);
    assert_eq!(raise(&world, &again).await, Raised::New(ClaimNumber(3)), "the first one is over");
    let rejected = claims.claim(scope, first.id).await.unwrap().unwrap();
    let contested = after(&rejected, &[Step::Contest { answer_by: None }], "2026-03-03");
    let refused = claims.save(scope, contested, Vec::new(), None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let other = Scope { company: world.id(), ..scope };
    assert_eq!(claims.numbered(other, ClaimNumber(1)).await.unwrap(), None);
    let lines = world.store.people.audit_trail(scope, None, 10).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.entry.action == "claim.raise").count(), 3);

    let parallel = draft(&world, ClaimReason::Damaged, "2026-03-09");
    let tries: Vec<_> = (0..12).map(|_| ClaimRecord { id: world.id(), ..parallel.clone() }).collect();
    let all = futures_of(tries.iter().map(|new| raise(&world, new))).await;
    assert_eq!(all.iter().filter(|made| matches!(made, Raised::New(_))).count(), 1, "{all:?}");
    assert_eq!(claims.of_shipment(scope, parallel.shipment).await.unwrap().len(), 1);
}

async fn futures_of<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

pub async fn a_claim_is_saved_from_what_was_read(store: Store) {
    let world = World::new(store).await;
    let (claims, scope) = (&world.store.claims, world.scope);
    let first = raised(&world, &draft(&world, ClaimReason::Lost, "2026-03-09")).await;
    let filed = after(&first, &[FILE], "2026-03-02");
    let audit = world.audit("claim.file", format!("claim:{}", first.id), 1);
    assert!(claims.save(scope, filed.clone(), Vec::new(), Some(audit)).await.unwrap());
    assert!(!save(&world, &filed).await, "it was read before that");
    let kept = claims.claim(scope, first.id).await.unwrap().unwrap();
    assert_eq!(kept, ClaimRecord { revision: 1, ..filed });
    let owned = ClaimRecord { owner: Some(world.id()), note: None, exception: None, ..kept };
    assert!(save(&world, &owned).await);
    assert_eq!(claims.of_shipment(scope, first.shipment).await.unwrap(), [ClaimRecord { revision: 2, ..owned }]);
    let other = Scope { company: world.id(), ..scope };
    assert!(
        !claims.save(other, claims.claim(scope, first.id).await.unwrap().unwrap(), Vec::new(), None).await.unwrap()
    );
}

pub async fn claims_are_listed_by_deadline_and_paged(store: Store) {
    let world = World::new(store).await;
    let (claims, scope) = (&world.store.claims, world.scope);
    let mut kept = Vec::new();
    for n in 0..70_u8 {
        let by = format!("2026-04-{:02}", 1 + n % 28);
        let one = raised(&world, &draft(&world, ClaimReason::Damaged, &by)).await;
        let one = match n % 5 {
            0 => after(&one, &[FILE], "2026-03-02"),
            1 => after(&one, &[FILE, Step::Pay { amount: euro(500) }], "2026-03-02"),
            _ => one,
        };
        save(&world, &one).await;
        kept.push(one);
    }
    let mut wanted: Vec<_> = kept.iter().map(|one| (one.claim.rank(one.number), one.number)).collect();
    wanted.sort();
    let first = claims.list(scope, ClaimQuery::default()).await.unwrap();
    let second = claims.list(scope, ClaimQuery { cursor: first.next.clone(), stage: None }).await.unwrap();
    let all: Vec<_> = first.rows.iter().chain(&second.rows).map(|one| one.number).collect();
    assert_eq!(all, wanted.iter().map(|(_, number)| *number).collect::<Vec<_>>());
    assert_eq!(second.next, None);
    for (stage, rows) in [(Stage::ToFile, 42), (Stage::Waiting, 14), (Stage::Paid, 14), (Stage::Rejected, 0)] {
        let page = claims.list(scope, ClaimQuery { stage: Some(stage), cursor: None }).await.unwrap();
        assert_eq!(page.rows.len(), rows, "{stage:?}");
        assert!(page.rows.iter().all(|one| one.claim.status.stage() == stage));
    }
}

pub async fn figures_are_what_the_rows_add_up_to(store: Store) {
    let world = World::new(store).await;
    let (claims, scope, today) = (&world.store.claims, world.scope, "2026-03-10");
    let yen = Money { minor: 900, currency: "JPY".parse().unwrap() };
    let paid = [FILE, Step::Pay { amount: euro(4_000) }];
    for (by, steps, on, claimed) in [
        ("2026-03-10", &[][..], today, Some(euro(10_000))),
        ("2026-03-17", &[], today, Some(yen)),
        ("2026-03-18", &[], today, Some(euro(1))),
        ("2026-03-09", &[], today, Some(euro(300))),
        ("2026-03-12", &[], today, None),
        ("2026-03-20", &[FILE], today, Some(euro(70))),
        ("2026-03-08", &[FILE], today, Some(euro(600))),
        ("2026-03-20", &paid, today, Some(euro(5_000))),
        ("2025-03-20", &paid, "2025-03-10", Some(euro(5_000))),
        ("2026-03-20", &[Step::Close], today, Some(euro(1))),
    ] {
        let new = draft(&world, ClaimReason::Damaged, by);
        let claim = Claim { claimed, ..new.claim.clone() };
        let one = raised(&world, &ClaimRecord { claim, ..new }).await;
        assert!(save(&world, &after(&one, steps, on)).await);
    }
    let figures = claims.figures(scope, day(today), day("2026-03-17")).await.unwrap();
    let counts: BTreeMap<_, _> = figures.counts.iter().copied().collect();
    let wanted = [(Stage::ToFile, 5), (Stage::Waiting, 2), (Stage::Paid, 2), (Stage::Closed, 1)];
    assert_eq!(counts, wanted.into_iter().collect());
    let open: Totals = figures.claimed.iter().filter(|(stage, _)| stage.is_open()).map(|(_, sum)| *sum).collect();
    assert_eq!(open, [euro(10_000 + 1 + 300 + 70 + 600), yen].into_iter().collect());
    assert_eq!((figures.soon, figures.soon_first), (3, Some(day("2026-03-10"))));
    assert_eq!(figures.soon_of, [euro(10_000), yen].into_iter().collect());
    assert_eq!(
        (&figures.paid, &figures.paid_of),
        (&Totals::from_iter([euro(4_000)]), &Totals::from_iter([euro(5_000)]))
    );
    assert_eq!((figures.missed, figures.missed_of), (2, [euro(900)].into_iter().collect()));
    assert_eq!(claims.open(scope).await.unwrap(), 7);
    let other = Scope { company: world.id(), ..scope };
    let none = claims.figures(other, day(today), day("2026-03-17")).await.unwrap();
    assert!(none.counts.is_empty() && none.missed == 0 && none.soon == 0, "{none:?}");
}

pub async fn reminders_are_due_by_their_day(store: Store) {
    let world = World::new(store).await;
    let (claims, scope) = (&world.store.claims, world.scope);
    let first = raised(&world, &draft(&world, ClaimReason::Damaged, "2026-03-20")).await;
    raised(&world, &draft(&world, ClaimReason::Damaged, "2026-04-20")).await;
    assert!(claims.to_remind(scope, day("2026-03-12")).await.unwrap().is_empty());
    let due = claims.to_remind(scope, day("2026-03-13")).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&first));
    let next = ClaimRecord { remind_on: first.claim.remind_after(Some(day("2026-03-13"))), ..first };
    assert!(save(&world, &next).await);
    assert!(claims.to_remind(scope, day("2026-03-17")).await.unwrap().is_empty());
    assert_eq!(claims.to_remind(scope, day("2026-05-17")).await.unwrap().len(), 2);
}

pub async fn files_are_kept_with_their_claim_until_they_are_erased(store: Store) {
    let world = World::new(store).await;
    let (claims, scope) = (&world.store.claims, world.scope);
    let one = raised(&world, &draft(&world, ClaimReason::Damaged, "2026-03-20")).await;
    let other = raised(&world, &draft(&world, ClaimReason::Damaged, "2026-03-20")).await;
    let content = world.sealed(b"\x89PNG").0;
    let file = |minutes| ClaimFile {
        id: world.id(),
        kind: EvidenceKind::Photos,
        format: FileFormat::Png,
        size: 4,
        digest: "00".into(),
        name: world.sealed(b"door of Jane.png").0,
        added_at: at(minutes),
    };
    let keep = async |of: &ClaimRecord, file: &ClaimFile| {
        let audit = world.audit("claim.file_added", format!("claim:{}", of.id), 1);
        claims.keep_file(scope, of.id, file.clone(), content.clone(), audit).await
    };
    let (first, second) = (file(1), file(2));
    for new in [&second, &first] {
        keep(&one, new).await.unwrap();
    }
    assert_eq!(claims.files(scope, one.id).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(claims.file(scope, one.id, first.id).await.unwrap(), Some((first.clone(), content.clone())));
    assert_eq!(claims.file(scope, other.id, first.id).await.unwrap(), None);
    let audit = || world.audit("claim.file_removed", format!("claim:{}", one.id), 3);
    assert!(claims.remove_file(scope, one.id, first.id, audit()).await.unwrap());
    assert!(!claims.remove_file(scope, one.id, first.id, audit()).await.unwrap());
    for n in 1..i64::try_from(FILES_MAX).unwrap() {
        keep(&one, &file(2 + n)).await.unwrap();
    }
    assert!(matches!(keep(&one, &file(90)).await, Err(StoreError::Conflict(_))), "there is a limit");
    keep(&other, &file(1)).await.unwrap();

    assert_eq!(claims.erase(scope, one.shipment).await.unwrap(), FILES_MAX as u64);
    let erased = claims.claim(scope, one.id).await.unwrap().unwrap();
    assert_eq!(erased, ClaimRecord { note: None, ..one.clone() }, "what names no person stays");
    assert!(claims.files(scope, one.id).await.unwrap().is_empty());
    assert_eq!(claims.files(scope, other.id).await.unwrap().len(), 1);
    assert!(claims.claim(scope, other.id).await.unwrap().unwrap().note.is_some());
    assert_eq!(claims.erase(scope, ShipmentId(world.id())).await.unwrap(), 0);
    assert_eq!(claims.file(scope, one.id, ClaimFileId(world.id())).await.unwrap(), None);
    assert_eq!(erased.claim.status, ClaimStatus::Draft);
}
