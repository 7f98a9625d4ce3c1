//! A person links an order's shipment to an unlinked one of the same number while the order is imported again.

use super::{Said, World, at};
use crate::{Store, orders::ImportedShipment, shipments::NewLink};

/// What comes first.
#[derive(Clone, Copy, Debug)]
enum First {
    Link,
    Import,
    Neither,
}

pub async fn a_link_and_an_import_of_the_same_number_end_the_same_in_either_order(store: Store) {
    let world = World::new(store).await;
    let (shipments, scope) = (&world.store.shipments, world.scope);
    let source = world.source("platform").await;
    let rounds = [
        ("N1", First::Link),
        ("N2", First::Import),
        ("N3", First::Neither),
        ("N4", First::Neither),
        ("N5", First::Neither),
    ];
    for ((number, first), record) in rounds.into_iter().zip(1..) {
        let claims = || vec![world.claimed(Some("ups"), number)];
        let order = ImportedShipment { claims: claims(), ..world.order(record, &[]) };
        let claimed = world.import(order.clone(), 0).await;
        let unlinked = world.say(source, Said::of(number, &["AF"], 1)).await.shipments[0];
        let link = NewLink { claimed, unlinked, binding: world.id(), correlation: world.id() };
        let link = shipments.link(scope, link, world.audit("shipment.link", format!("shipment:{claimed}"), 5));
        let again = ImportedShipment { claims: claims(), digest: "changed".into(), ..order };
        let import = shipments.import(scope, vec![again], at(5));
        match first {
            First::Link => {
                link.await.unwrap();
                import.await.unwrap();
            }
            First::Import => {
                import.await.unwrap();
                link.await.unwrap();
            }
            First::Neither => {
                let (linked, imported) = tokio::join!(link, import);
                linked.unwrap();
                imported.unwrap();
            }
        }
        let (one, other) = (shipments.shipment(scope, claimed).await, shipments.shipment(scope, unlinked).await);
        let merged = (one.unwrap().unwrap().merged_into, other.unwrap().unwrap().merged_into);
        assert_eq!(merged, (None, Some(claimed)), "{first:?}");
        let loaded = shipments.load(scope, claimed, None).await.unwrap().unwrap();
        assert_eq!((loaded.input.facts.len(), loaded.shipment.numbers.len()), (1, 1), "{first:?}: nothing doubled");
        for id in [claimed, unlinked] {
            assert_eq!(shipments.same_number(scope, id).await.unwrap().len(), 0, "{first:?}");
        }
    }
}
