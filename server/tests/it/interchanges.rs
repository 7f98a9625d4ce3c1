//! Interchanges with many shipments: recorded in parts, folded one by one, never in the way of live messages.

use crate::world::World;
use application::tracking::normalise::normalise;
use async_trait::async_trait;
use domain::{
    State,
    ids::{ObservationId, ShipmentId},
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use storage::{
    Result, Scope, Store,
    facts::{Facts, ObservationRecord, Recorded, Recording, SealedText},
    inbox::MessageStatus,
    jobs::{Cause, Lane},
};
use tokio::sync::Notify;

const SETS: usize = 450;

/// One 214 interchange with a delivery for each of many shipments, each with a long remark.
fn interchange() -> String {
    let isa = "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*P*>~GS*QM*CMPO*RCV*20260310*1200*1*X*004010~";
    let remark = "BOXES ON PALLETS ".repeat(35);
    let sets = (0..SETS).map(|n| format!("ST*214*{n:04}~B10*PRO{n:05}*SHP{n:05}*CMPO~K1*{remark}~LX*1~AT7*D1*NS***20260304*1000*ET~MS1*BECKLEY*WV*US~SE*7*{n:04}~"));
    format!("{isa}{}GE*{SETS}*1~IEA*1*000000001~", sets.collect::<String>())
}

async fn edi() -> World {
    let world = World::new().await;
    world.source_of("edi", "x12_214", crate::world::SECRET, carriers::Settings::default()).await;
    world
}

#[tokio::test]
async fn live_messages_do_not_wait_for_an_interchange() {
    let world = edi().await;
    let shipment = world.order(1, &["N1"]).await;
    let receipt = world.bring("edi", interchange().as_bytes()).await;
    let kept =
        async || world.context.store.inbox.message(world.context.scope(), receipt.message).await.unwrap().unwrap();
    let message = serde_json::json!({"event_id": "e1", "msg": {"tracking_number": "N1", "slug": "dhl", "tag": "InTransit", "checkpoints":
        [{"tag": "InTransit", "subtag": "InTransit_002", "checkpoint_time": "2026-03-02T10:00:00"}]}});
    world.deliver(message.to_string().as_bytes()).await.unwrap();
    world.work(Lane::RealTime).await;
    assert_eq!(world.state(shipment).await, State::PickedUp);
    assert_eq!(kept().await.status, MessageStatus::Received, "the interchange waits in the batch lane");
    world.work(Lane::Batch).await;
    assert_eq!(world.unclaimed().await, SETS as u64, "every shipment of it has its state");
    for number in ["PRO00000", "PRO00199", "PRO00200", "PRO00449"] {
        let found = world.context.store.shipments.find(world.context.scope(), number).await.unwrap();
        assert_eq!(world.state(found[0]).await, State::Delivered, "{number}");
    }
}

/// A store whose first recording is kept, and whose second never ends.
struct FirstPart {
    facts: Arc<dyn Facts>,
    recordings: AtomicU32,
    second: Arc<Notify>,
}

#[async_trait]
impl Facts for FirstPart {
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        if self.recordings.fetch_add(1, Ordering::SeqCst) > 0 {
            self.second.notify_one();
            std::future::pending::<()>().await;
        }
        self.facts.record(scope, recording).await
    }

    async fn observation(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        id: ObservationId,
    ) -> Result<Option<ObservationRecord>> {
        self.facts.observation(scope, shipment, id).await
    }

    async fn texts(&self, scope: Scope, observations: Vec<ObservationId>) -> Result<Vec<SealedText>> {
        self.facts.texts(scope, observations).await
    }
}

#[tokio::test]
async fn an_interchange_goes_on_where_it_was_stopped() {
    let world = edi().await;
    let receipt = world.bring("edi", interchange().as_bytes()).await;
    let scope = world.context.scope();
    let kept = async || world.context.store.inbox.message(scope, receipt.message).await.unwrap().unwrap();
    let second = Arc::new(Notify::new());
    let facts = Arc::clone(&world.context.store.facts);
    let facts = FirstPart { facts, recordings: AtomicU32::new(0), second: Arc::clone(&second) };
    let node = world.with_store(Store { facts: Arc::new(facts), ..world.context.store.clone() }).await;
    tokio::select! {
        () = second.notified() => {}
        done = normalise(&node, scope, receipt.message, Cause::Live) => panic!("it was not stopped: {}", done.is_ok()),
    }
    let stopped = kept().await;
    assert_eq!(stopped.status, MessageStatus::Received, "it is not finished");
    assert!((1..SETS as u64).contains(&u64::from(stopped.cursor)), "a part is kept: {}", stopped.cursor);
    world.settle().await;
    let observations = u32::try_from(SETS).unwrap();
    assert_eq!(kept().await.status, MessageStatus::Normalised { observations, problems: 0 });
    assert_eq!(world.unclaimed().await, SETS as u64, "each once");
}
