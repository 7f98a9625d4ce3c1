//! What an erasure reaches, what it leaves, and what comes later.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, systems::Systems};
use application::caller::Caller;
use application::{error::UseCaseError, governance::erasure, operations::replays, tracking::normalise};
use domain::ids::{MessageId, ObservationId, ShipmentId};
use jiff::Span;
use serde_json::{Value, json};
use server::config::Settings;
use storage::{
    Sealed, WrappedKey,
    erasure::Rewritten,
    inbox::{MessageSelection, MessageStatus},
    jobs::Lane,
};

const WHY: &str = "asked for it";
const WORDS: &str = "Left with Mrs Goldammer";
const THEIRS: &str = "Left with the concierge";

fn tracking(number: &str, words: &str, day: &str) -> Value {
    json!({"id": format!("t-{number}-{day}"), "tracking_number": number, "slug": "dhl", "tag": "Delivered", "subtag": "Delivered_001",
        "updated_at": format!("{day}T12:00:00+00:00"), "signed_by": "Q Goldammer",
        "checkpoints": [{"tag": "InTransit", "subtag": "InTransit_003", "checkpoint_time": format!("{day}T01:00:00"), "city": "Lyon"},
            {"tag": "Delivered", "subtag": "Delivered_001", "checkpoint_time": format!("{day}T04:00:00"), "city": "Lyon", "message": words}]})
}

struct Erasing {
    _folder: tempfile::TempDir,
    systems: Systems,
}

impl Erasing {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { tombstones: Some(folder.path().join("tombstones")), ..Settings::default() };
        Self { systems: Systems::configured(settings).await, _folder: folder }
    }

    fn world(&self) -> &World {
        &self.systems.world
    }

    /// A delivery with a customer.
    async fn order(&self, number: &str) -> ShipmentId {
        self.systems.order(number).await;
        let context = &self.world().context;
        context.store.shipments.find(context.scope(), number).await.unwrap()[0]
    }

    async fn says(&self, trackings: &[Value]) -> MessageId {
        let body = match trackings {
            [one] => json!({"event_id": one["id"], "msg": one}),
            several => json!({"event_id": several[0]["id"], "data": {"trackings": several}}),
        };
        self.world().offer(body.to_string().as_bytes()).await.unwrap().message
    }

    async fn body(&self, message: MessageId) -> Option<String> {
        let context = &self.world().context;
        let (_, body) = normalise::opened(context, context.scope(), message).await.unwrap().unwrap();
        body.map(|(_, body)| String::from_utf8(body).unwrap())
    }

    async fn words(&self, shipment: ShipmentId) -> Vec<ObservationId> {
        let context = &self.world().context;
        let texts = context.store.erasure.texts_about(context.scope(), shipment.into(), None).await.unwrap();
        texts.into_iter().map(|(id, _)| id).collect()
    }

    async fn erase(&self, shipment: ShipmentId) -> erasure::Left {
        let context = &self.world().context;
        erasure::erase_customer(context, &Caller::trusted(context.scope()), shipment, WHY.into()).await.unwrap()
    }

    async fn passes(&self, hours: i64) {
        self.world().clock.advance(Span::new().hours(hours));
        erasure::follow(&self.world().context).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_that_comes_later_names_nobody() {
    let all = Erasing::new().await;
    let (shipment, other) = (all.order("N1").await, all.order("B1").await);
    all.says(&[tracking("N1", "Delivered", "2026-03-03")]).await;
    all.erase(shipment).await;
    let both = all.says(&[tracking("N1", WORDS, "2026-03-04"), tracking("B1", THEIRS, "2026-03-04")]).await;
    let theirs = all.says(&[tracking("B1", THEIRS, "2026-03-05")]).await;
    all.passes(1).await;
    assert_eq!(all.body(both).await, None, "nobody knows any more whom to look for");
    assert!(all.body(theirs).await.is_some());
    assert_eq!((all.words(shipment).await.len(), all.words(other).await.len()), (0, 2));
}

#[tokio::test]
async fn without_a_customers_record_no_shared_body_is_kept() {
    let all = Erasing::new().await;
    // the delivery is not in Odoo
    all.world().leaves_jobs();
    let shipment = all.world().order(1, &["N1"]).await;
    let both = all.says(&[tracking("N1", WORDS, "2026-03-04"), tracking("B1", THEIRS, "2026-03-04")]).await;
    all.erase(shipment).await;
    assert_eq!(all.body(both).await, None);
}

/// As on another node than the one on which somebody erased.
#[tokio::test]
async fn the_database_knows_what_is_erased_where_the_list_is_not() {
    let all = Erasing::new().await;
    let shipment = all.order("N1").await;
    all.erase(shipment).await;
    std::fs::remove_file(&all.world().context.config.tombstones).unwrap();
    let later = all.says(&[tracking("N1", WORDS, "2026-03-04")]).await;
    all.passes(1).await;
    assert_eq!((all.body(later).await, all.words(shipment).await), (None, vec![]));
}

#[tokio::test]
async fn a_message_that_cannot_be_opened_stops_nothing() {
    let all = Erasing::new().await;
    let shipment = all.order("N1").await;
    let broken = all.says(&[tracking("N1", WORDS, "2026-03-04"), tracking("B1", THEIRS, "2026-03-04")]).await;
    let after = all.says(&[tracking("N1", WORDS, "2026-03-05"), tracking("B1", THEIRS, "2026-03-05")]).await;
    let (context, scope) = (&all.world().context, all.world().context.scope());
    let (_, stored) = context.store.inbox.message_and_body(scope, broken).await.unwrap().unwrap();
    let key = stored.unwrap().key;
    let body = Some(Sealed { subject: key.subject, bytes: vec![1; 40] });
    let noise = Rewritten { body, key: WrappedKey { bytes: vec![1; 60], ..key }, texts: Vec::new() };
    assert!(context.store.erasure.rewrite_message(scope, broken, key.clone(), noise).await.unwrap());
    assert_eq!(all.erase(shipment).await.unopened, 1);
    assert!(!all.body(after).await.unwrap().contains("Goldammer"));
    assert_eq!(erasure::reapply(context).await.unwrap(), 0, "a start goes on");
}

#[tokio::test]
async fn a_message_that_is_still_to_be_read_is_erased_when_it_is() {
    let all = Erasing::new().await;
    let shipment = all.order("N1").await;
    let message = all.says(&[tracking("N1", WORDS, "2026-03-04"), tracking("B1", THEIRS, "2026-03-04")]).await;
    let (context, scope) = (&all.world().context, all.world().context.scope());
    replays::reprocess(context, &Caller::trusted(scope), message).await.unwrap();
    all.world().clock.advance(Span::new().hours(5));
    assert_eq!(all.erase(shipment).await.unfinished, 1);
    assert!(all.body(message).await.is_some(), "not all that it speaks of is known");
    all.passes(2).await;
    assert!(all.body(message).await.is_some());
    all.world().work(Lane::RealTime).await;
    all.world().settle().await;
    all.passes(1).await;
    assert_eq!((all.body(message).await, all.words(shipment).await), (None, vec![]));
}

#[tokio::test]
async fn of_a_number_in_its_next_use_only_the_parcel_that_is_erased_loses_its_words() {
    for later_is_erased in [false, true] {
        let all = Erasing::new().await;
        let first = all.order("N1").await;
        let old = all.says(&[tracking("N1", WORDS, "2026-03-04")]).await;
        all.world().clock.advance(Span::new().hours(24 * 200));
        // the delivery is not in Odoo
        all.world().leaves_jobs();
        let second = all.world().order(2, &["N1"]).await;
        let new = all.says(&[tracking("N1", THEIRS, "2026-09-20")]).await;
        all.world().settle().await;
        assert_eq!(all.words(second).await.len(), 2);
        all.erase(if later_is_erased { second } else { first }).await;
        all.passes(1).await;
        for (message, is_erased) in [(old, !later_is_erased), (new, later_is_erased)] {
            let names_somebody = all.body(message).await.is_some_and(|body| body.contains("Goldammer"));
            assert_eq!(names_somebody, !is_erased, "the later one is erased: {later_is_erased}");
        }
        assert_eq!(all.words(first).await.len(), 1);
    }
}

#[tokio::test]
async fn a_rewritten_message_is_not_read_again() {
    let all = Erasing::new().await;
    let shipment = all.order("N1").await;
    let both = all.says(&[tracking("N1", WORDS, "2026-03-04"), tracking("B1", THEIRS, "2026-03-04")]).await;
    all.erase(shipment).await;
    let body = all.body(both).await.unwrap();
    assert!(body.contains("ERASED") && !body.contains("Goldammer") && body.contains(THEIRS), "{body}");
    let (context, scope) = (&all.world().context, all.world().context.scope());
    let refused = replays::reprocess(context, &Caller::trusted(scope), both).await.unwrap_err();
    assert!(matches!(&refused, UseCaseError::Invalid { message, .. } if message.contains("erasure")), "{refused}");
    let every = MessageSelection { messages: vec![both], ..MessageSelection::default() };
    assert_eq!(context.store.inbox.count(scope, every).await.unwrap().take, 0);
    let kept = context.store.inbox.message(scope, both).await.unwrap().unwrap();
    assert!(matches!(kept.status, MessageStatus::Normalised { .. }));
}

/// The formats in which messages about several shipments come, each with the customer's name and words about the parcel.
#[tokio::test]
async fn in_every_format_nobody_is_named_any_more() {
    let isa = "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*P*>~GS*QM*CMPO*RCV*20260310*1200*1*X*004010~";
    let x12 = |number: &str, name: &str, n: u8| {
        format!(
            "ST*214*{n:04}~B10*{number}*SHP{n}*DHLG~N1*CN*{name}~K1*{WORDS}~LX*1~AT7*D1*NS***20260304*1000*ET~MS1*BECKLEY*WV*US~SE*8*{n:04}~"
        )
    };
    let unb = "UNB+UNOC:3+CARR:ZZ+RCV:ZZ+260310:1200+1'";
    let edifact = |number: &str, name: &str, n: u8| {
        format!(
            "UNH+{n}+IFTSTA:D:01B:UN'BGM+23+{n}+9'DTM+137:202603041200:203'NAD+CA+DHLG:172:182'NAD+CN+++{name}'CNI+1+{number}'LOC+7+DEHAM::6'STS+1+21'DTM+78:202603041512:203'FTX+AAI+++{WORDS}'UNT+10+{n}'"
        )
    };
    let two =
        |set: &dyn Fn(&str, &str, u8) -> String| set("PRO00001", "SOMEBODY", 1) + &set("PRO00002", "BYSTANDER", 2);
    for (connector, body) in [
        ("x12_214", format!("{isa}{}GE*2*1~IEA*1*000000001~", two(&x12))),
        ("edifact_iftsta", format!("{unb}{}UNZ+2+1'", two(&edifact))),
    ] {
        let all = Erasing::new().await;
        all.world().source_of("edi", connector, crate::world::SECRET, carriers::Settings::default()).await;
        let shipment = all.order("PRO00001").await;
        let message = all.world().bring("edi", body.as_bytes()).await.message;
        all.world().settle().await;
        let (context, scope) = (&all.world().context, all.world().context.scope());
        let kept = context.store.inbox.message(scope, message).await.unwrap().unwrap();
        assert!(
            matches!(kept.status, MessageStatus::Normalised { observations: 2, .. }),
            "{connector}: {:?}",
            kept.status
        );
        let about =
            context.store.erasure.about(scope, shipment.into(), jiff::Timestamp::UNIX_EPOCH, None).await.unwrap();
        assert_eq!(about.len(), 1, "{connector} is about the order's parcel");
        all.erase(shipment).await;
        let body = all.body(message).await.unwrap();
        assert!(
            !body.contains("SOMEBODY") && body.contains("ERASED") && body.contains("BYSTANDER"),
            "{connector}: {body}"
        );
        assert!(all.words(shipment).await.is_empty());
    }
}

#[tokio::test]
async fn the_tags_of_an_erased_customer_go_and_do_not_come_back() {
    let all = Erasing::new().await;
    let picking = all.systems.add_order("N1");
    all.systems.odoo.tag_customer(picking, "Debtor");
    all.systems.import(9).await;
    let context = &all.world().context;
    let shipment = context.store.shipments.find(context.scope(), "N1").await.unwrap()[0];
    let tags = async || all.world().load(shipment).await.shipment.origin.unwrap().segments.len();
    assert_eq!(tags().await, 1);
    all.erase(shipment).await;
    assert_eq!(tags().await, 0);
    // Odoo has them still, and the delivery changes there
    all.systems.odoo.edit(picking, "origin", json!("S-N1"));
    all.systems.import(9).await;
    all.systems.world.settle().await;
    assert_eq!(tags().await, 0);
}
