//! Ids that are stored in every installation, in its order system and at its desk: each follows from what its row says, by an
//! implementation that shares no code with the product.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;
use uuid::Uuid;

const MOVED: (&str, &str) = ("InTransit_003", "2026-03-05T01:00:00");
const DAMAGED: (&str, &str) = ("Exception_012", "2026-03-05T08:00:00");
const DELIVERED: (&str, &str) = ("Delivered_001", "2026-03-05T11:00:00");

/// The first half of the SHA-256 of the parts, each behind its length.
fn id(domain: &str, parts: &[&[u8]]) -> Uuid {
    let mut hash = Context::new(&SHA256);
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Uuid::from_slice(&hash.finish().as_ref()[..16]).unwrap()
}

#[tokio::test]
async fn ids_of_effects_exceptions_and_cases_follow_from_what_they_are() {
    let systems = Systems::new().await;
    let picking = systems.order("N1").await;
    for checkpoints in [&[MOVED, DAMAGED][..], &[MOVED, DAMAGED, DELIVERED]] {
        systems.world.receives("N1", checkpoints).await;
    }
    systems.odoo.edit(picking, "x_milepost_status", "mine".into());
    systems.import(9).await;
    systems.world.settle().await;
    systems.world.passes(3).await;
    let shipment = systems.shipment("N1").await;
    let loaded = systems.world.load(shipment).await;

    let mut words = Vec::new();
    for effect in &loaded.effects {
        let word = serde_json::to_string(&effect.target).unwrap();
        let parts = [shipment.0.as_bytes(), word.as_bytes(), effect.key.as_bytes()];
        assert_eq!(effect.id.0, id("effect", &parts), "{effect:?}");
        words.push(format!("{word} {}", effect.key.split('/').next().unwrap()));
    }
    for kind in ["\"order_note\" DELIVERED", "\"order_activity\" exception", "\"order_note\" set_back"] {
        assert!(words.iter().any(|word| word == kind), "no {kind} in {words:?}");
    }

    assert!(!loaded.exceptions.is_empty());
    let mut numbers = BTreeMap::<_, u64>::new();
    for exception in &loaded.exceptions {
        let (reason, piece) = (exception.reason.code(), exception.piece.as_deref().unwrap_or_default());
        let number = numbers.entry((reason, piece)).or_default();
        let parts = [shipment.0.as_bytes(), reason.as_bytes(), piece.as_bytes(), &number.to_be_bytes()];
        assert_eq!(exception.id.0, id("exception", &parts), "{exception:?}");
        *number += 1;
    }

    assert!(!loaded.cases.is_empty());
    let company = systems.world.context.company;
    for case in &loaded.cases {
        let key = id("case", &[company.0.as_bytes(), case.exception.0.as_bytes()]).simple().to_string();
        assert_eq!(case.external_key, key, "{case:?}");
    }
}
