//! An older database with data: its tables are brought up to date, and nothing in them is lost or doubled.

use super::{at, seconds, world::wanted};
use crate::{
    Actor, Scope, Store,
    inbox::MessageSelection,
    jobs::{ClaimRequest, JobFilter, JobKind, JobSelection, Lane},
};
use domain::ids::CompanyId;
use uuid::Uuid;

/// The version of the tables that [`data`] is for.
pub const VERSION: i64 = 36;

/// Data of that version, as the engine writes ids, bytes, yes and no.
pub fn data(id: impl Fn(Uuid) -> String, bytes: &str, yes: &str, no: &str) -> String {
    let mut text = include_str!("version_36.sql").replace("{bytes}", bytes).replace("{yes}", yes).replace("{no}", no);
    for number in 1..40 {
        text = text.replace(&format!("{{id {number}}}"), &id(Uuid::from_u128(number)));
    }
    text
}

/// What becomes of [`data`].
pub async fn nothing_is_lost_or_doubled(store: Store) {
    let scope = Scope { company: CompanyId(Uuid::from_u128(1)), actor: Actor::System };
    let sources = store.connections.all(scope).await.unwrap();
    assert_eq!(sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["ship", "shop"]);
    assert_eq!(store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap().rows.len(), 1);
    assert_eq!(store.people.setting(scope, "odoo.import").await.unwrap().as_deref(), Some("a cursor"));
    assert_eq!(store.order_problems.list(scope).await.unwrap().len(), 1);
    let paused: Vec<_> = store.destinations.breakers(scope).await.unwrap().into_iter().collect();
    let paused: Vec<_> =
        paused.iter().map(|(name, b)| (name.as_str(), b.paused.as_ref().unwrap().why.as_str())).collect();
    assert_eq!(paused, [("odoo", "upgrade"), ("ship", "they move")]);
    let figures = store.jobs.summary(scope, at(0)).await.unwrap();
    let figures: Vec<_> = figures.iter().map(|f| (f.destination.as_str(), f.pending, f.retrying, f.dead)).collect();
    assert_eq!(figures, [("desk", 2, 0, 0), ("inside", 3, 1, 0), ("odoo", 2, 0, 1), ("ship", 1, 0, 0)]);
    for (name, done) in [("desk", 1), ("ship", 1), ("odoo", 0)] {
        let which = JobSelection { destination: Some(name.into()), ..JobSelection::default() };
        assert_eq!(store.jobs.list(scope, JobFilter::Done, which, None).await.unwrap().rows.len(), done, "{name}");
    }
    let mut claimed = Vec::new();
    for lane in [Lane::RealTime, Lane::Batch] {
        let request = ClaimRequest {
            owner: "the new version".into(),
            lane,
            wanted: vec![
                wanted(JobKind::NORMALISE, None),
                wanted(JobKind::FOLD, None),
                wanted(JobKind::SYNC_ORDER, Some("odoo")),
                wanted(JobKind::SYNC_CASE, Some("desk")),
                wanted(JobKind::POLL_DESK, Some("desk")),
                wanted(JobKind::IMPORT_ORDERS, Some("odoo")),
                wanted(JobKind::FETCH_KEYS, Some("ship")),
                wanted(JobKind::REREAD, None),
                wanted(JobKind::REPLAY, None),
            ],
            now: at(0),
            until: seconds(at(0), 30),
            held: Vec::new(),
        };
        claimed.extend(store.jobs.claim(request).await.unwrap());
    }
    let mut claimed: Vec<_> = claimed.iter().map(|l| (l.job.kind.code(), l.job.target.as_str(), l.attempts)).collect();
    claimed.sort_unstable();
    assert_eq!(
        claimed,
        [
            ("fetch_keys", "ship", 0),
            ("fold", "s", 2),
            ("import_orders", "odoo", 0),
            ("normalise", "m", 0),
            ("poll_desk", "desk", 0),
            ("replay", "r", 0),
            ("reread", "1", 0),
            ("sync_case", "e", 0),
            ("sync_order", "s", 1),
        ]
    );
}
