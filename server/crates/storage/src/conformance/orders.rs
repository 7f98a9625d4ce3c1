//! Orders: what an order system has of deliveries, taken in.

use super::{
    Said, World, at,
    shipments::{facts, search, tab},
};
use crate::{
    Store,
    jobs::{Cause, JobKind, Lane},
    orders::{Amended, Amendment, Imported, ImportedShipment, Kept, OriginStanding},
    shipments::{NewLink, ShipmentQuery, ShipmentTab},
};
use domain::{
    Direction, ExceptionReason, State,
    fold::{DeliveryStanding, PromiseSource},
};
use std::collections::{BTreeMap, BTreeSet};

pub async fn import_is_idempotent(store: Store) {
    let world = World::new(store).await;
    let order = world.order(1, &["NUM1"]);
    let import = async |order| world.store.shipments.import(world.scope, vec![order], at(1)).await.unwrap();
    assert_eq!(import(order.clone()).await, Imported { created: 1, to_fold: vec![order.id], ..Imported::default() });
    let leased = world.claim_in("a", Lane::Batch, &[JobKind::FOLD], at(1)).await;
    assert_eq!(
        leased.iter().map(|l| (l.job.target.clone(), l.job.cause)).collect::<Vec<_>>(),
        [(order.id.to_string(), Cause::Import)]
    );
    // the next import offers other ids
    let again = world.order(1, &["NUM1"]);
    assert_eq!(import(again).await, Imported { unchanged: 1, ..Imported::default() });
    let mut renamed = world.order(1, &["NUM1"]);
    renamed.digest = "other".into();
    renamed.destination = Some("Bonn, DE".into());
    assert_eq!(import(renamed).await, Imported { changed: 1, ..Imported::default() }, "nothing that a fold reads");
    let mut planned = world.order(1, &["NUM1"]);
    planned.digest = "planned".into();
    planned.plan.promised_by = Some(at(700));
    assert_eq!(import(planned).await.to_fold, [order.id]);
    let record = world.store.shipments.shipment(world.scope, order.id).await.unwrap().unwrap();
    assert_eq!((record.plan.promised_by, record.numbers.len(), record.origin.unwrap().record), (Some(at(700)), 1, 1));
    let (customer, key) = world.store.shipments.customer(world.scope, order.id).await.unwrap().unwrap();
    assert_eq!((customer.bytes.as_slice(), key.unwrap().subject), (b"customer".as_slice(), customer.subject));
}

pub async fn each_direction_is_found(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    world.say(source, Said::of("STRAY", &["A"], 1)).await;
    let mut expected = BTreeMap::new();
    for (record, direction) in (1..).zip(Direction::ALL) {
        let mut order = world.order(record, &[]);
        order.origin.transfer.direction = *direction;
        expected.insert(*direction, world.import(order, 1).await);
    }
    let found = async |tab| {
        let mut found = BTreeMap::new();
        for direction in Direction::ALL {
            let query = ShipmentQuery { tab, direction: Some(*direction), ..ShipmentQuery::default() };
            for row in world.store.shipments.list(world.scope, query, at(2)).await.unwrap().rows {
                assert_eq!(row.origin.unwrap().transfer.direction, *direction);
                assert_eq!(found.insert(*direction, row.id), None, "each is found once");
            }
        }
        found
    };
    assert_eq!(found(ShipmentTab::All).await, expected, "one without an order goes no way");
    assert_eq!(found(ShipmentTab::Open).await, expected);
    assert_eq!(found(ShipmentTab::Delivered).await, BTreeMap::new());
    let mut sent_back = world.order(1, &[]);
    (sent_back.origin.transfer.direction, sent_back.digest) = (Direction::Return, "other".into());
    world.import(sent_back, 3).await;
    let of = |direction| ShipmentQuery { direction: Some(direction), ..ShipmentQuery::default() };
    let list =
        async |direction| world.store.shipments.list(world.scope, of(direction), at(4)).await.unwrap().rows.len();
    assert_eq!((list(Direction::Outbound).await, list(Direction::Return).await), (0, 2), "it is another one now");
}

pub async fn a_claim_takes_over_the_unclaimed_shipment(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let unclaimed = world.say(source, Said::of("NUM1", &["A"], 1)).await.shipments[0];
    world.trouble(unclaimed, &[ExceptionReason::Damaged], 2).await;
    let claimed = world.import(world.order(1, &["NUM1"]), 3).await;
    assert_eq!(facts(&world, claimed).await, ["A"], "its history came along");
    assert_eq!(facts(&world, unclaimed).await, [""; 0]);
    let gone = world.store.shipments.shipment(world.scope, unclaimed).await.unwrap().unwrap();
    assert_eq!((gone.merged_into, gone.numbers.len()), (Some(claimed), 0));
    assert_eq!(tab(&world, ShipmentTab::All).await, [claimed]);
    let counts = world.store.shipments.counts(world.scope, at(4)).await.unwrap();
    assert_eq!((counts.all, counts.unclaimed, counts.exceptions), (1, 0, 0));
    assert_eq!(world.store.work.queue_counts(world.scope, at(4)).await.unwrap(), []);
    assert_eq!(search(&world, "NUM1", &[]).await, BTreeSet::from([claimed]));
    let next = world.say(source, Said::of("NUM1", &["BB"], 5)).await;
    assert_eq!(next.shipments, [claimed]);
    let before = world.store.shipments.load(world.scope, unclaimed, Some(at(2))).await.unwrap().unwrap();
    assert_eq!(before.input.facts.len(), 1, "as it was known then");
}

pub async fn a_corrected_number_closes_its_binding(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.import(world.order(1, &["WRONG", "BOTH"]), 1).await;
    for number in ["WRONG", "BOTH", "RIGHT"] {
        world.say(source, Said::of(number, &["A"], 2)).await;
    }
    assert_eq!(facts(&world, shipment).await.len(), 2);
    world.drain(Lane::Batch, JobKind::FOLD).await;
    let mut corrected = world.order(1, &["BOTH", "RIGHT"]);
    corrected.claims[0].tracker.carrier = None;
    assert_eq!(world.store.shipments.import(world.scope, vec![corrected], at(5)).await.unwrap().to_fold, [shipment]);
    let record = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap();
    assert_eq!(record.numbers.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(), ["both", "right"]);
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    assert_eq!(
        loaded.input.facts.iter().map(|f| f.tracker).collect::<BTreeSet<_>>(),
        record.numbers.iter().map(|n| n.tracker).collect()
    );
    assert_eq!(search(&world, "WRONG", &[]).await, BTreeSet::new());
    let stray = world.say(source, Said::of("WRONG", &["BB"], 6)).await.shipments[0];
    assert_ne!(stray, shipment, "the wrong number is nobody's now");
    assert_eq!(facts(&world, stray).await, ["A", "BB"]);
}

pub async fn one_container_concerns_many_orders(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut orders = Vec::new();
    for record in 1..=20 {
        let mut order = world.order(record, &["CONT1"]);
        order.claims[0].piece = Some(format!("piece {record}"));
        orders.push(order);
    }
    world.store.shipments.import(world.scope, orders, at(1)).await.unwrap();
    assert_eq!(world.drain(Lane::Batch, JobKind::FOLD).await.len(), 20);
    let said = world.say(source, Said::of("CONT1", &["A"], 2)).await;
    assert_eq!(said.shipments.len(), 20);
    assert_eq!(world.store.shipments.find(world.scope, "cont1").await.unwrap().len(), 20);
    let loaded = world.store.shipments.load(world.scope, said.shipments[7], None).await.unwrap().unwrap();
    assert_eq!(loaded.input.facts[0].piece, loaded.shipment.numbers[0].piece);
    assert!(loaded.input.facts[0].piece.is_some());
    // of more than a page none is left out
    let more = (101..=160).map(|record| world.order(record, &["CONT2"])).collect();
    world.store.shipments.import(world.scope, more, at(3)).await.unwrap();
    let (mut all, mut after) = (BTreeSet::new(), None);
    loop {
        let page = world.store.shipments.find_after(world.scope, "cont2", after).await.unwrap();
        after = page.last().copied();
        all.extend(page);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 60);
}

pub async fn deliveries_under_one_number_are_folded_with_each_other(store: Store) {
    let world = World::new(store).await;
    let delivery = |record, standing| {
        let mut order = world.order(record, &["N1"]);
        order.plan.standing = standing;
        ImportedShipment { digest: format!("{record} {standing:?}"), ..order }
    };
    let others = async |id| {
        let input = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap().input;
        input.others.into_values().flatten().map(|other| other.standing).collect::<Vec<_>>()
    };
    let backorder = world.import(delivery(1, DeliveryStanding::Open), 1).await;
    assert_eq!(others(backorder).await, []);
    let sent = world.import(delivery(2, DeliveryStanding::Open), 2).await;
    world.drain(Lane::Batch, JobKind::FOLD).await;
    // it leaves the house: what the other one is depends on that
    let done =
        world.store.shipments.import(world.scope, vec![delivery(2, DeliveryStanding::Done)], at(3)).await.unwrap();
    assert_eq!(done.to_fold.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&backorder, &sent]));
    assert_eq!(world.drain(Lane::Batch, JobKind::FOLD).await.len(), 2);
    assert_eq!(
        (others(backorder).await, others(sent).await),
        (vec![DeliveryStanding::Done], vec![DeliveryStanding::Open])
    );
    let then = world.store.shipments.load(world.scope, backorder, Some(at(2))).await.unwrap().unwrap().input.others;
    assert_eq!(then.into_values().flatten().map(|o| o.standing).collect::<Vec<_>>(), [DeliveryStanding::Open]);
    // and again when it gives the number up, or is deleted
    let amended = Amended { system: "odoo".into(), record: 2, amendment: Amendment::Deleted, correlation: world.id() };
    world.store.shipments.amend(world.scope, amended, at(4)).await.unwrap();
    assert_eq!(world.drain(Lane::Batch, JobKind::FOLD).await.len(), 2);
    assert_eq!(others(backorder).await, [DeliveryStanding::Deleted]);
    world
        .import(
            ImportedShipment { digest: "none".into(), claims: Vec::new(), ..delivery(2, DeliveryStanding::Done) },
            5,
        )
        .await;
    assert_eq!((world.drain(Lane::Batch, JobKind::FOLD).await.len(), others(backorder).await), (2, vec![]));
}

pub async fn a_cancelled_order_stays(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &["NUM1"]), 1).await;
    assert_eq!(tab(&world, ShipmentTab::Open).await, [shipment]);
    let mut cancelled = world.order(1, &["NUM1"]);
    cancelled.digest = "cancelled".into();
    cancelled.standing = OriginStanding::Cancelled;
    assert_eq!(world.import(cancelled, 2).await, shipment);
    let record = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap();
    assert_eq!((record.standing, record.numbers.len()), (OriginStanding::Cancelled, 1));
    assert_eq!((tab(&world, ShipmentTab::Open).await, tab(&world, ShipmentTab::All).await), (vec![], vec![shipment]));
}

pub async fn what_becomes_known_of_a_delivery_amends_its_plan(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let order = world.order(1, &["N1"]);
    let id = world.import(order.clone(), 0).await;
    world.drain(Lane::Batch, JobKind::FOLD).await;
    let amend = |record, amendment| {
        let amended = Amended { system: "odoo".into(), record, amendment, correlation: world.id() };
        async move { shipments.amend(scope, amended, at(5)).await.unwrap() }
    };
    let unread = || Amendment::Unread(vec!["state: odd".into()]);
    assert_eq!(amend(2, unread()).await, None, "there is no such shipment");
    assert_eq!(amend(1, unread()).await, Some(id));
    assert_eq!(amend(1, unread()).await, None, "it is known already");
    assert_eq!(world.drain(Lane::Batch, JobKind::FOLD).await.len(), 1);
    let plan = async || shipments.shipment(scope, id).await.unwrap().unwrap().plan;
    assert_eq!((plan().await.unread, plan().await.promised_by), (vec!["state: odd".to_owned()], Some(at(600))));
    assert_eq!(amend(1, Amendment::Deleted).await, Some(id));
    assert_eq!(amend(1, Amendment::Deleted).await, None);
    let record = shipments.shipment(scope, id).await.unwrap().unwrap();
    assert_eq!((record.plan.standing, record.standing), (DeliveryStanding::Deleted, OriginStanding::Cancelled));
    assert_eq!(record.numbers.len(), 1, "its history stays");
    let before = shipments.load(scope, id, Some(at(4))).await.unwrap().unwrap();
    assert_eq!(before.input.plan.standing, DeliveryStanding::Open, "as it was known then");
    let again = shipments.import(scope, vec![order], at(9)).await.unwrap();
    assert_eq!((again.changed, plan().await.standing), (1, DeliveryStanding::Open), "the same content is news");
}

pub async fn what_could_not_be_read_stays_as_it_is_stored(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let rule = |name: &str| Some(PromiseSource::Rule { name: name.into() });
    let unread = |digest: &str, kept: &[Kept]| {
        let mut order = world.order(1, &["N1"]);
        (order.digest, order.kept) = (digest.into(), kept.iter().copied().collect());
        (order.destination, order.customer, order.key, order.tokens) = (None, None, None, Vec::new());
        (order.plan.promised_by, order.plan.ship_by) = (None, None);
        order
    };
    let known = async |id| {
        let record = shipments.shipment(scope, id).await.unwrap().unwrap();
        let promise = (record.plan.promised_by, record.plan.promise.clone());
        (record.destination.clone(), promise, record.plan.ship_by, record.origin.unwrap())
    };
    // nothing is stored that could stay
    let id = world.import(unread("new", &[Kept::Customer, Kept::Order, Kept::Dates, Kept::RulePromise]), 0).await;
    let (destination, promise, ..) = known(id).await;
    assert_eq!((destination, promise), (None, (None, None)));
    assert!(shipments.customer(scope, id).await.unwrap().is_none());
    // it can be read
    let mut whole = world.order(1, &["N1"]);
    whole.digest = "whole".into();
    (whole.plan.promise, whole.plan.ship_by) = (Some(PromiseSource::Commitment), Some(at(500)));
    world.import(whole.clone(), 1).await;
    let stored = known(id).await;
    assert_eq!(
        (&stored.0, &stored.1),
        (&Some("Leipzig, DE".into()), &(Some(at(600)), Some(PromiseSource::Commitment)))
    );
    // it cannot any more, not even which order it is of
    let mut refused = unread("refused", &[Kept::Customer, Kept::Order, Kept::Dates]);
    (refused.origin.order, refused.origin.order_record, refused.origin.company) = (None, None, None);
    refused.plan.unread = vec!["order: refused".into()];
    world.import(refused.clone(), 2).await;
    assert_eq!(known(id).await, stored);
    assert_eq!(shipments.shipment(scope, id).await.unwrap().unwrap().plan.unread, ["order: refused"]);
    let (customer, _) = shipments.customer(scope, id).await.unwrap().unwrap();
    assert_eq!(Some(customer), whole.customer);
    assert_eq!(search(&world, "nothing", &["token-1"]).await, BTreeSet::from([id]));
    assert_eq!(shipments.find(scope, "S00001").await.unwrap(), [id]);
    assert_eq!(shipments.import(scope, vec![refused], at(3)).await.unwrap().unchanged, 1);
    // what another order promised is not this one's, and a rule goes before nothing
    let mut other = unread("other order", &[Kept::Order]);
    (other.origin.order, other.origin.order_record) = (Some("S2".into()), Some(2));
    (other.plan.promised_by, other.plan.promise) = (Some(at(700)), rule("new"));
    world.import(other, 4).await;
    let (destination, promise, ship_by, origin) = known(id).await;
    assert_eq!((destination, ship_by, origin.order.as_deref()), (None, None, Some("S2")));
    assert_eq!(promise, (Some(at(700)), rule("new")));
    assert!(search(&world, "nothing", &["token-1"]).await.is_empty(), "the customer could be read, and is empty");
    // a rule's promise stays, but not against the order's own
    let mut again = unread("no carrier", &[Kept::RulePromise]);
    (again.plan.promised_by, again.plan.promise) = (Some(at(800)), rule("for any carrier"));
    world.import(again.clone(), 5).await;
    assert_eq!(known(id).await.1, (Some(at(700)), rule("new")));
    again.digest = "no carrier, a date".into();
    (again.plan.promised_by, again.plan.promise) = (Some(at(900)), Some(PromiseSource::Commitment));
    world.import(again, 6).await;
    assert_eq!(known(id).await.1, (Some(at(900)), Some(PromiseSource::Commitment)));
    world.import(unread("all read", &[]), 7).await;
    assert_eq!(known(id).await.1, (None, None));
}

pub async fn what_is_of_another_customer_or_can_be_read_does_not_stay(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let whole = |digest: &str, customer: Option<i64>| {
        let mut order = world.order(1, &["N1"]);
        (order.digest, order.origin.customer_record) = (digest.into(), customer);
        order.plan.promise = Some(PromiseSource::Rule { name: "by country".into() });
        (order.plan.ship_by, order.plan.expected_from) = (Some(at(500)), Some(at(510)));
        order
    };
    let unread = |digest: &str, customer: Option<i64>, kept: &[Kept]| {
        let mut order = whole(digest, customer);
        order.kept = kept.iter().copied().collect();
        (order.destination, order.customer, order.key, order.tokens) = (None, None, None, Vec::new());
        (order.plan.promised_by, order.plan.promise) = (None, None);
        order
    };
    let id = world.import(whole("whole", Some(7)), 0).await;
    // whose data is kept, and whether each part of it is: destination, promise, customer, the words to find it by
    let known = async || {
        let record = shipments.shipment(scope, id).await.unwrap().unwrap();
        let customer = shipments.customer(scope, id).await.unwrap();
        let found = !search(&world, "nothing", &["token-1"]).await.is_empty();
        let parts = [record.destination.is_some(), record.plan.promised_by.is_some(), customer.is_some(), found];
        (record.origin.unwrap().customer_record, parts)
    };
    let of_customer = [Kept::Customer, Kept::RulePromise];
    world.import(unread("same", Some(7), &of_customer), 1).await;
    assert_eq!(known().await, (Some(7), [true; 4]));
    world.import(unread("nobody knows", None, &of_customer), 2).await;
    assert_eq!(known().await, (Some(7), [true; 4]));
    world.import(unread("another", Some(8), &of_customer), 3).await;
    assert_eq!(known().await, (Some(8), [false; 4]), "what is of another customer");
    // as an older version stored it
    world.import(whole("whole again", None), 4).await;
    world.import(unread("after an older version", Some(8), &of_customer), 5).await;
    assert_eq!(known().await, (None, [true; 4]));
    // read, but how it goes there is not: what a rule promised for another country does not stay
    world.import(whole("of the first", Some(7)), 6).await;
    let mut sent_elsewhere = unread("of the second", Some(8), &[Kept::RulePromise]);
    sent_elsewhere.destination = Some("Lyon, FR".into());
    world.import(sent_elsewhere, 7).await;
    assert_eq!(known().await, (Some(8), [true, false, false, false]));
    // of the dates one can be read, and goes before the one that is stored
    let mut dated = whole("dates", Some(8));
    dated.kept = BTreeSet::from([Kept::Dates]);
    (dated.plan.ship_by, dated.plan.expected_from) = (Some(at(550)), None);
    world.import(dated, 8).await;
    let plan = shipments.shipment(scope, id).await.unwrap().unwrap().plan;
    assert_eq!((plan.ship_by, plan.expected_from), (Some(at(550)), Some(at(510))));
}

pub async fn deliveries_that_are_not_over_are_walked_by_record(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let mut ids = Vec::new();
    for record in [3, 1, 2, 4] {
        ids.push(world.import(world.order(record, &[]), 0).await);
    }
    let ended = world.commit(ids[0], 0, world.folded(State::Delivered), 1);
    shipments.commit(scope, ended).await.unwrap();
    world.trouble(ids[1], &[ExceptionReason::Damaged], 1).await;
    let over = shipments.shipment(scope, ids[1]).await.unwrap().unwrap();
    let delivered = world.commit(ids[1], over.revision, world.folded(State::Delivered), 2);
    shipments.commit(scope, delivered).await.unwrap();
    assert_eq!(shipments.open_records(scope, "odoo", 0, 10).await.unwrap(), [1, 2, 4], "3 has ended without trouble");
    assert_eq!(shipments.open_records(scope, "odoo", 1, 1).await.unwrap(), [2]);
    let known = shipments.known_records(scope, "odoo", vec![9, 3, 1, 77]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(shipments.open_records(scope, "odoo", 4, 10).await.unwrap(), Vec::<i64>::new());
    assert_eq!(shipments.open_records(scope, "odoo-pl", 0, 10).await.unwrap(), Vec::<i64>::new(), "of another system");
    assert!(shipments.known_records(scope, "odoo-pl", vec![1]).await.unwrap().is_empty());
    let deleted = Amended { system: "odoo".into(), record: 2, amendment: Amendment::Deleted, correlation: world.id() };
    shipments.amend(scope, deleted, at(5)).await.unwrap();
    assert_eq!(shipments.open_records(scope, "odoo", 0, 10).await.unwrap(), [1, 4], "2 is known to be deleted");
}

pub async fn a_person_links_one_number_of_two_carriers(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let mut order = world.order(1, &[]);
    order.claims = vec![world.claimed(Some("ups"), "N1")];
    let claimed = world.import(order.clone(), 0).await;
    let source = world.source("platform").await;
    let unlinked = world.say(source, Said::of("N1", &["AF"], 1)).await.shipments[0];
    assert_ne!(claimed, unlinked);
    let proposed = async |id| {
        let others = shipments.same_number(scope, id).await.unwrap();
        others.into_iter().map(|o| (o.shipment, o.origin.map(|o| o.record), o.number)).collect::<Vec<_>>()
    };
    assert_eq!(proposed(claimed).await, [(unlinked, None, "n1".into())]);
    assert_eq!(proposed(unlinked).await, [(claimed, Some(1), "n1".into())]);
    world.drain(Lane::RealTime, JobKind::FOLD).await;
    let link = |claimed, unlinked| {
        let link = NewLink { claimed, unlinked, binding: world.id(), correlation: world.id() };
        shipments.link(scope, link, world.audit("shipment.link", format!("shipment:{claimed}"), 5))
    };
    assert!(link(unlinked, claimed).await.is_err(), "the other way round is none");
    link(claimed, unlinked).await.unwrap();
    assert!(link(claimed, unlinked).await.is_err(), "it is linked");
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 1);
    assert_eq!((proposed(claimed).await.len(), proposed(unlinked).await.len()), (0, 0));
    assert_eq!(shipments.shipment(scope, unlinked).await.unwrap().unwrap().merged_into, Some(claimed));
    let loaded = shipments.load(scope, claimed, None).await.unwrap().unwrap();
    assert_eq!((loaded.input.facts.len(), loaded.shipment.numbers.len()), (1, 1), "its history came along");
    // the order system still names the other carrier: the link stays while the number does
    order.digest = "changed".into();
    order.claims = vec![world.claimed(Some("ups"), "N1")];
    shipments.import(scope, vec![order.clone()], at(6)).await.unwrap();
    assert_eq!(shipments.load(scope, claimed, None).await.unwrap().unwrap().input.facts.len(), 1);
    order.digest = "another number".into();
    order.claims = vec![world.claimed(Some("ups"), "N2")];
    shipments.import(scope, vec![order], at(7)).await.unwrap();
    let loaded = shipments.load(scope, claimed, None).await.unwrap().unwrap();
    assert_eq!((loaded.input.facts.len(), loaded.shipment.numbers[0].number.as_str()), (0, "n2"));
    let trail = world.store.people.audit_trail(scope, Some(format!("shipment:{claimed}")), 10).await.unwrap();
    assert_eq!(trail.len(), 1, "a refused one leaves no line");
}

pub async fn what_was_written_to_an_order_is_kept_for_each_system(store: Store) {
    let world = World::new(store).await;
    let shipments = &world.store.shipments;
    let keep = async |system, order, values: Option<&str>, second| {
        let values = values.map(str::to_owned);
        shipments.keep_order_fields(world.scope, system, order, values, at(second)).await.unwrap();
    };
    let kept = async |system, order| {
        let fields = shipments.order_fields(world.scope, system, order).await.unwrap();
        (fields.values, fields.at)
    };
    assert_eq!(kept("odoo", 1).await, (None, None), "nothing is known");
    keep("odoo", 1, Some("a"), 2).await;
    keep("odoo", 2, Some("b"), 3).await;
    keep("other", 1, Some("c"), 4).await;
    assert_eq!(kept("odoo", 1).await, (Some("a".into()), Some(at(2))));
    assert_eq!(kept("odoo", 2).await, (Some("b".into()), Some(at(3))));
    assert_eq!(kept("other", 1).await, (Some("c".into()), Some(at(4))));
    keep("odoo", 1, None, 5).await;
    assert_eq!(kept("odoo", 1).await, (None, Some(at(5))), "what it shows is not known any more");
}
