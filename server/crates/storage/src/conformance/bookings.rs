//! Bookings, their labels, and registered numbers.

use super::{World, at, counters::rows};
use crate::{
    Scope, Store,
    bookings::{
        BookingOrder, BookingRecord, KeptDocument, OrderedLabel, Registration, RegistrationRecord, Tracking,
        WantedLabel,
    },
    jobs::JobKind,
    shipments::{ShipmentQuery, ShipmentTab},
};
use domain::{
    booking::{Choice, ParcelOf, Phase, Purchase},
    ids::{BookingId, ShipmentId},
    labels::LabelState,
};

fn planned(world: &World, key: &str, record: i64, minutes: i64) -> BookingRecord {
    let wanted = WantedLabel {
        name: format!("WH/OUT/{record}"),
        parcel: 0,
        of: ParcelOf::Package(7),
        generation: 1,
        rule: Some("all".into()),
        choice: Choice::default(),
        mode: "test".into(),
        format: "pdf".into(),
        digest: "0".into(),
    };
    BookingRecord {
        id: world.id(),
        key: key.into(),
        connection: "easypost".into(),
        system: "odoo".into(),
        record,
        shipment: world.id(),
        wanted,
        request: Some(world.sealed(b"an address").0),
        purchase: Purchase::default(),
        written: None,
        created_at: at(minutes),
        updated_at: at(minutes),
        revision: 0,
    }
}

pub async fn a_booking_is_planned_once_and_saved_from_what_was_read(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    let first = planned(&world, "k1", 7, 0);
    let job = world.job(JobKind::BOOK_SHIPMENT, first.id, 0);
    assert!(bookings.plan(scope, first.clone(), vec![job.clone()]).await.unwrap());
    let elsewhere = BookingRecord { id: world.id(), connection: "shippo".into(), ..first.clone() };
    let other = world.job(JobKind::BOOK_SHIPMENT, elsewhere.id, 0);
    assert!(!bookings.plan(scope, elsewhere.clone(), vec![other.clone()]).await.unwrap(), "one label for each key");
    assert_eq!(bookings.booking(scope, elsewhere.id).await.unwrap(), None);
    assert_eq!(bookings.booking(scope, first.id).await.unwrap(), Some(first.clone()));

    let purchase = Purchase { phase: Phase::Sending, attempts: 1, sent_at: Some(at(1)), ..Purchase::default() };
    let next = BookingRecord { purchase, updated_at: at(1), ..first.clone() };
    assert!(bookings.save(scope, next.clone(), Vec::new(), None).await.unwrap());
    assert!(!bookings.save(scope, next.clone(), Vec::new(), None).await.unwrap(), "it was read before that");
    let kept = bookings.booking(scope, first.id).await.unwrap().unwrap();
    assert_eq!(kept, BookingRecord { revision: 1, ..next });
    let done = BookingRecord { request: None, written: Some(Phase::Booked), ..kept };
    let audit = world.audit("booking.adopt", format!("booking:{}", done.id), 2);
    assert!(bookings.save(scope, done.clone(), Vec::new(), Some(audit)).await.unwrap());
    assert_eq!(bookings.booking(scope, first.id).await.unwrap(), Some(BookingRecord { revision: 2, ..done }));
    let other = Scope { company: world.id(), ..scope };
    assert_eq!(bookings.booking(other, first.id).await.unwrap(), None);
}

pub async fn bookings_are_found_by_delivery_shipment_and_phase(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    for n in 0..60_i64 {
        let mut new = planned(&world, &format!("k{n}"), n % 3, n);
        new.purchase.phase = if n % 2 == 0 { Phase::Booked } else { Phase::Refused };
        bookings.plan(scope, new, Vec::new()).await.unwrap();
    }
    let of = bookings.of_records(scope, "odoo", vec![0, 2]).await.unwrap();
    assert_eq!(of.len(), 40);
    assert!(of.iter().all(|one| one.record != 1) && of.is_sorted_by(|a, b| a.created_at >= b.created_at));
    assert!(bookings.of_records(scope, "elsewhere", vec![0]).await.unwrap().is_empty());
    let mine = bookings.of_shipment(scope, of[0].shipment).await.unwrap();
    assert_eq!(mine, of[..1]);
    let first = bookings.list(scope, None, None).await.unwrap();
    let second = bookings.list(scope, None, first.next.clone()).await.unwrap();
    let all: Vec<_> = first.rows.iter().chain(&second.rows).map(|one| one.key.clone()).collect();
    assert_eq!(all, (0..60).rev().map(|n| format!("k{n}")).collect::<Vec<_>>());
    assert_eq!(second.next, None);
    let refused = bookings.list(scope, Some(Phase::Refused), None).await.unwrap();
    assert_eq!((refused.rows.len(), refused.next), (30, None));
}

pub async fn a_label_is_kept_with_its_booking(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    let one = planned(&world, "k1", 7, 0);
    bookings.plan(scope, one.clone(), Vec::new()).await.unwrap();
    let document = |paper: &str, bytes: &[u8]| KeptDocument {
        paper: paper.into(),
        format: "pdf".into(),
        digest: format!("{}", bytes.len()),
        content: world.sealed(bytes).0,
    };
    let kept = vec![document("label", b"%PDF-1"), document("customs", b"%PDF-12")];
    bookings.keep_documents(scope, one.id, vec![document("label", b"%PDF-0 earlier")]).await.unwrap();
    bookings.keep_documents(scope, one.id, kept.clone()).await.unwrap();
    assert_eq!(bookings.documents(scope, one.id).await.unwrap(), kept);
    assert!(bookings.documents(scope, BookingId(world.id())).await.unwrap().is_empty());
}

pub async fn a_number_is_registered_once_for_each_connection(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    let shipment: ShipmentId = world.id();
    let new = |connection: &str| RegistrationRecord {
        connection: connection.into(),
        number: "1Z1".into(),
        shipment,
        tracking: Tracking::Wanted,
        about: Registration { carrier: Some("ups".into()), ..Registration::default() },
        due_at: None,
        updated_at: at(0),
        revision: 0,
    };
    assert!(bookings.want(scope, new("aftership"), Vec::new()).await.unwrap());
    assert!(!bookings.want(scope, new("aftership"), Vec::new()).await.unwrap());
    assert!(bookings.want(scope, new("17track"), Vec::new()).await.unwrap());
    let read = bookings.registration(scope, "aftership", "1Z1").await.unwrap().unwrap();
    assert_eq!(read, new("aftership"));
    let sent = RegistrationRecord { tracking: Tracking::Registered, updated_at: at(1), ..read };
    assert!(bookings.save_registration(scope, sent.clone(), Vec::new()).await.unwrap());
    assert!(!bookings.save_registration(scope, sent.clone(), Vec::new()).await.unwrap());
    for (connection, found) in [("aftership", true), ("17track", true), ("trackingmore", false)] {
        assert_eq!(bookings.any_at(scope, connection).await.unwrap(), found, "{connection}");
    }
    let all = bookings.registrations(scope, shipment).await.unwrap();
    assert_eq!(all, [new("17track"), RegistrationRecord { revision: 1, ..sent }]);
}

pub async fn registered_numbers_are_looked_at_when_their_time_comes(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    let new = |number: &str, due: Option<i64>| RegistrationRecord {
        connection: "17track".into(),
        number: number.into(),
        shipment: world.id(),
        tracking: Tracking::Registered,
        about: Registration::default(),
        due_at: due.map(at),
        updated_at: at(0),
        revision: 0,
    };
    for (number, due) in [("1Z1", Some(30)), ("1Z2", None), ("1Z3", Some(10)), ("1Z4", Some(31))] {
        bookings.want(scope, new(number, due), Vec::new()).await.unwrap();
    }
    let due = async |minutes, limit| {
        let due = bookings.registrations_due(scope, at(minutes), limit).await.unwrap();
        due.into_iter().map(|one| one.number).collect::<Vec<_>>()
    };
    assert_eq!(due(9, 9).await, Vec::<String>::new());
    assert_eq!((due(30, 9).await, due(30, 1).await), (vec!["1Z3".into(), "1Z1".into()], vec!["1Z3".into()]));
    let first = bookings.registration(scope, "17track", "1Z3").await.unwrap().unwrap();
    assert_eq!(first.due_at, Some(at(10)));
    bookings.save_registration(scope, RegistrationRecord { due_at: None, ..first }, Vec::new()).await.unwrap();
    assert_eq!(due(90, 9).await, ["1Z1", "1Z4"]);
    let other = Scope { company: world.id(), ..scope };
    assert!(bookings.registrations_due(other, at(90), 9).await.unwrap().is_empty());
}

pub async fn what_a_person_books_is_kept_until_it_is_settled(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope, shipment) = (&world.store.bookings, world.scope, world.id());
    let order = |connection: &str, minutes| BookingOrder {
        shipment,
        with: OrderedLabel {
            connection: connection.into(),
            choice: Choice { carrier: Some("UPS".into()), ..Choice::default() },
            format: "pdf".into(),
            size_mm: Some([300, 200, 100]),
        },
        mode: Some("test".into()),
        refused: None,
        ordered_at: at(minutes),
    };
    let audit = |minutes| world.audit("booking.book", format!("shipment:{shipment}"), minutes);
    let (first, second) = (order("easypost", 1), order("shippo", 2));
    let job = world.job(JobKind::SYNC_BOOKING, "odoo/7", 1);
    bookings.order(scope, first.clone(), vec![job], audit(1)).await.unwrap();
    assert_eq!(bookings.ordered(scope, shipment).await.unwrap(), Some(first.clone()));
    bookings.order(scope, second.clone(), Vec::new(), audit(2)).await.unwrap();
    // the first one is settled too late
    bookings.settle_order(scope, BookingOrder { refused: Some("gone".into()), ..first.clone() }).await.unwrap();
    bookings.settle_order(scope, first).await.unwrap();
    assert_eq!(bookings.ordered(scope, shipment).await.unwrap(), Some(second.clone()));
    let refused = BookingOrder { refused: Some("it has a number".into()), ..second.clone() };
    bookings.settle_order(scope, refused.clone()).await.unwrap();
    assert_eq!(bookings.ordered(scope, shipment).await.unwrap(), Some(refused));
    bookings.settle_order(scope, second).await.unwrap();
    assert_eq!(bookings.ordered(scope, shipment).await.unwrap(), None);
}

pub async fn shipments_are_chosen_by_the_newest_label_of_a_parcel(store: Store) {
    let world = World::new(store).await;
    let (bookings, scope) = (&world.store.bookings, world.scope);
    assert!(!bookings.any(scope).await.unwrap());
    let mut shipments = Vec::new();
    for n in 1..=4 {
        shipments.push(world.import(world.order(n, &[]), 1).await);
    }
    let book = async |n: usize, parcel: u32, generation: u32, phase: Phase| {
        let record = i64::try_from(n).unwrap();
        let mut new = planned(&world, &format!("{n}/{parcel}/{generation}"), record, i64::from(generation));
        (new.shipment, new.wanted.parcel, new.wanted.generation) = (shipments[n], parcel, generation);
        new.purchase.phase = phase;
        bookings.plan(scope, new, Vec::new()).await.unwrap();
    };
    book(0, 0, 1, Phase::Refused).await;
    book(0, 0, 2, Phase::Booked).await;
    book(1, 0, 1, Phase::Refused).await;
    book(2, 0, 1, Phase::Booked).await;
    book(2, 1, 1, Phase::Refused).await;
    assert!(bookings.any(scope).await.unwrap());
    assert!(bookings.any_at(scope, "easypost").await.unwrap());
    assert!(!bookings.any_at(scope, "shippo").await.unwrap());
    let chosen = async |state, text: Option<&str>| {
        let labels = Some(state);
        let text = text.map(str::to_owned);
        let query = ShipmentQuery { tab: ShipmentTab::All, labels, text, ..ShipmentQuery::default() };
        let mut found: Vec<_> = rows(&world, query).await.into_iter().map(|row| row.id).collect();
        found.sort_unstable();
        found
    };
    let of = |places: &[usize]| {
        let mut of: Vec<_> = places.iter().map(|place| shipments[*place]).collect();
        of.sort_unstable();
        of
    };
    assert_eq!(chosen(LabelState::Booked, None).await, of(&[0, 2]));
    assert_eq!(chosen(LabelState::Refused, None).await, of(&[1, 2]), "the first one was booked again");
    assert_eq!(chosen(LabelState::Undecided, None).await, []);
    assert_eq!(chosen(LabelState::Booked, Some("WH/OUT")).await, of(&[0, 2]), "with a search too");
}
