//! Booking at the simulated platforms through our own clients: each platform by what it guarantees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use carriers::{
    api::{ApiConfig, ApiManifest, ApiSettings, Platform},
    booking::{
        Address, BookIntent, Booked, Booking, BookingKey, BookingRef, Contents, Customs, CustomsItem, LabelFormat,
        Lookup, Mode, Paper, Parcel, Quiet, RateRequest, Undeliverable, VoidState,
    },
    outcome::{Outcome, RefusalCode},
};
use domain::money::Money;
use jiff::Timestamp;
use outbound::{Call, CallLog, Discard, ErrorClass};
use simulator::{
    booking::{Declared, REFUSED_CITY, SandboxBooking, Void},
    faults::{Fault, Hold},
};
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

/// Every platform that books.
const PLATFORMS: [&str; 4] = ["easypost", "shippo", "shipengine", "karrio"];

pub(super) fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

pub(super) async fn sandbox() -> SandboxBooking {
    let _ = rustls::crypto::ring::default_provider().install_default();
    SandboxBooking::start(7, Arc::new(now)).await.unwrap()
}

pub(super) fn manifest(platform: &str) -> &'static ApiManifest {
    carriers::by_id(platform).unwrap().api().unwrap()
}

pub(super) fn connected(
    sandbox: &SandboxBooking,
    platform: &str,
    settings: ApiSettings,
    key: &str,
) -> Arc<dyn Platform> {
    let settings = ApiSettings { url: Some(sandbox.url(platform)), ..settings };
    (manifest(platform).connect)(ApiConfig { settings, key: key.into() }).unwrap()
}

/// For this mode, as fast as can be.
pub(super) fn settings(mode: Mode) -> ApiSettings {
    ApiSettings { mode, calls_per_second: NonZeroU32::new(100_000), ..ApiSettings::default() }
}

fn live(sandbox: &SandboxBooking, platform: &str) -> Arc<dyn Platform> {
    connected(sandbox, platform, settings(Mode::Live), sandbox.live_key(platform))
}

fn test(sandbox: &SandboxBooking, platform: &str) -> Arc<dyn Platform> {
    connected(sandbox, platform, settings(Mode::Test), sandbox.test_key(platform))
}

pub(super) fn address(name: &str, city: &str) -> Address {
    Address {
        name: Some(name.into()),
        street1: "Sandbox Street 1".into(),
        city: city.into(),
        postal_code: Some("30159".into()),
        country: "DE".into(),
        ..Address::default()
    }
}

fn request(name: &str, mode: Mode) -> RateRequest {
    RateRequest {
        key: BookingKey::of(&[name]),
        mode,
        to: address("Jane Doe", "Hamburg"),
        from: address("Northwind", "Hannover"),
        parcel: Parcel { weight_g: 1250, size_mm: Some([300, 200, 100]) },
        customs: None,
        references: vec!["WH/OUT/00042".into(), "S00101".into()],
        signature: false,
        format: LabelFormat::Pdf,
        ship_on: None,
    }
}

/// The intent to buy the cheapest rate.
async fn intent(booking: &dyn Booking, request: &RateRequest) -> BookIntent {
    let rated = match booking.rate(request, &Discard).await {
        Outcome::Done(rated) => rated,
        other => panic!("not rated: {other:?}"),
    };
    assert_eq!((rated.rates.len(), rated.messages.len()), (7, 1));
    assert!(rated.messages[0].said.open().contains("sandbox"));
    let cheapest = rated.rates.iter().min_by_key(|rate| rate.price.minor).unwrap();
    assert_eq!((cheapest.price.to_string().as_str(), cheapest.days), ("7.58 USD", Some(2)));
    BookIntent {
        key: request.key.clone(),
        shipment: rated.shipment,
        rate: cheapest.id.clone(),
        mode: request.mode,
        format: request.format,
        handle: None,
    }
}

fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

async fn bought(booking: &dyn Booking, name: &str) -> (BookIntent, Booked) {
    let intent = intent(booking, &request(name, Mode::Live)).await;
    let booked = done(booking.book(&intent, &Discard).await);
    (intent, booked)
}

#[tokio::test]
async fn a_booking_gives_number_price_and_label_and_is_found_again() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        for (connected, mode) in [(live(&sandbox, platform), Mode::Live), (test(&sandbox, platform), Mode::Test)] {
            connected.probe(&Discard).await.unwrap();
            let booking = connected.booking().unwrap();
            let request = request("a", mode);
            let intent = intent(booking, &request).await;
            let booked = done(booking.book(&intent, &Discard).await);
            let labels = sandbox.valid_labels(request.key.as_str());
            let label = labels.last().unwrap();
            assert_eq!(
                (&booked.tracking_number, &booked.booking.shipment),
                (&label.number, &intent.shipment),
                "{platform}"
            );
            assert!(domain::numbers::Number::read(&booked.tracking_number).is_valid(), "{}", booked.tracking_number);
            if platform != "shippo" {
                assert_eq!(booked.charged.unwrap().to_string(), "7.58 USD");
                assert!(booked.carrier.as_deref().unwrap().eq_ignore_ascii_case("ups"));
            }
            assert_eq!(booked.tracker.is_some(), matches!(platform, "easypost" | "karrio"));
            let found = booking.find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap();
            let Lookup::Found(found) = found else { panic!("{platform}: {found:?}") };
            assert_eq!((&found.booking, &found.tracking_number), (&booked.booking, &booked.tracking_number));
            let documents = booking.documents(&booked.booking, &Discard).await.unwrap();
            assert_eq!((documents.len(), documents[0].paper, documents[0].format), (1, Paper::Label, LabelFormat::Pdf));
            assert!(String::from_utf8_lossy(&documents[0].bytes).contains("sandbox label"));
            assert_eq!(documents[0].digest().len(), 64);
        }
        assert_eq!(sandbox.labels().len(), 2, "one live, one for tests");
    }
}

#[tokio::test]
async fn labels_come_in_the_form_that_was_asked_for() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        for format in [LabelFormat::Png, LabelFormat::Zpl] {
            let request = RateRequest { format, ..request(format.extension(), Mode::Live) };
            let intent = intent(booking, &request).await;
            let booked = done(booking.book(&intent, &Discard).await);
            let documents = booking.documents(&booked.booking, &Discard).await.unwrap();
            assert_eq!(documents[0].format, format, "{platform}");
        }
    }
}

#[tokio::test]
async fn what_the_platform_or_the_carrier_refuses_is_certainly_not_bought() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let nowhere = RateRequest { to: address("Jane Doe", REFUSED_CITY), ..request("nowhere", Mode::Live) };
        let refused = booking.rate(&nowhere, &Discard).await;
        assert!(
            matches!(&refused, Outcome::Refused(why) if why.code == RefusalCode::Address),
            "{platform}: {refused:?}"
        );
        let intent = intent(booking, &request("b", Mode::Live)).await;
        sandbox.fail(Some(purchase(platform)), &Fault::Refused, 1);
        let refused = booking.book(&intent, &Discard).await;
        let Outcome::Refused(why) = &refused else { panic!("{platform}: {refused:?}") };
        assert!(!format!("{refused:?}").contains("Jane"), "{why:?}");
        assert_eq!(sandbox.labels().len(), 0);
        // the same shipment may be bought after that
        done(booking.book(&intent, &Discard).await);
        assert_eq!(sandbox.labels().len(), 1, "{platform}");
    }
}

/// The purchase, as faults name it.
fn purchase(platform: &str) -> &'static str {
    match platform {
        "easypost" => "/buy",
        "shippo" => "POST shippo/transactions",
        "shipengine" => "POST shipengine/labels",
        _ => "/purchase",
    }
}

#[tokio::test]
async fn without_an_answer_after_the_purchase_exactly_one_is_found() {
    for platform in PLATFORMS {
        for fault in [Fault::ResetAfterApply, Fault::ErrorAfterApply] {
            let sandbox = sandbox().await;
            let connected = live(&sandbox, platform);
            let booking = connected.booking().unwrap();
            let intent = intent(booking, &request("c", Mode::Live)).await;
            sandbox.fail(Some(purchase(platform)), &fault, 1);
            let unknown = booking.book(&intent, &Discard).await;
            assert!(
                matches!(&unknown, Outcome::Unknown(e) if e.class == ErrorClass::UnknownOutcome),
                "{platform}: {unknown:?}"
            );
            for quiet in [Quiet::Waiting, Quiet::Over] {
                let found = booking.find_booking(&intent, quiet, &Discard).await.unwrap();
                let Lookup::Found(found) = found else { panic!("{platform}: {found:?}") };
                assert_eq!(found.tracking_number, sandbox.labels()[0].number);
            }
            assert_eq!(sandbox.labels().len(), 1);
        }
    }
}

/// What it means that nothing is found in the end: the table of docs/BOOKING.md.
fn in_the_end(platform: &str, mode: Mode) -> Lookup {
    match (platform, mode) {
        ("easypost" | "shipengine", _) | ("shippo", Mode::Test) => Lookup::ProvenAbsent,
        _ => Lookup::CannotTell,
    }
}

#[tokio::test]
async fn without_an_answer_before_the_purchase_its_absence_is_proven_or_not_as_documented() {
    for platform in PLATFORMS {
        for fault in [Fault::Reset, Fault::Page(502), Fault::Page(429), Fault::Page(200), Fault::Page(404)] {
            let sandbox = sandbox().await;
            for (connected, mode) in [(live(&sandbox, platform), Mode::Live), (test(&sandbox, platform), Mode::Test)] {
                let booking = connected.booking().unwrap();
                let intent = intent(booking, &request("d", mode)).await;
                sandbox.fail(Some(purchase(platform)), &fault, 1);
                let unknown = booking.book(&intent, &Discard).await;
                assert!(matches!(unknown, Outcome::Unknown(_)), "{platform} {fault:?}: {unknown:?}");
                assert_eq!(booking.find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap(), Lookup::NotYet);
                let found = booking.find_booking(&intent, Quiet::Over, &Discard).await.unwrap();
                assert_eq!(found, in_the_end(platform, mode), "{platform} {mode:?}");
            }
            assert_eq!(sandbox.labels().len(), 0);
        }
    }
}

#[tokio::test]
async fn a_live_purchase_that_shippo_does_not_list_counts_as_not_made_where_the_connection_says_so() {
    let sandbox = sandbox().await;
    let settings = ApiSettings { mode: Mode::Live, resend_unlisted: true, ..ApiSettings::default() };
    let connected = connected(&sandbox, "shippo", settings, sandbox.live_key("shippo"));
    let booking = connected.booking().unwrap();
    let intent = intent(booking, &request("e", Mode::Live)).await;
    assert_eq!(booking.find_booking(&intent, Quiet::Over, &Discard).await.unwrap(), Lookup::ProvenAbsent);
}

#[tokio::test]
async fn nothing_went_out_where_nothing_listens_and_a_limit_of_the_platform_is_no_failure() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let intent = intent(booking, &request("f", Mode::Live)).await;
        sandbox.fail(Some(purchase(platform)), &Fault::RateLimited(30), 1);
        let limited = booking.book(&intent, &Discard).await;
        assert!(
            matches!(&limited, Outcome::NotSent(e) if e.class == ErrorClass::RateLimited),
            "{platform}: {limited:?}"
        );
        let settings =
            ApiSettings { url: Some("http://127.0.0.1:9".into()), mode: Mode::Live, ..ApiSettings::default() };
        let closed =
            (manifest(platform).connect)(ApiConfig { settings, key: sandbox.live_key(platform).into() }).unwrap();
        let gone = closed.booking().unwrap().book(&intent, &Discard).await;
        assert!(matches!(&gone, Outcome::NotSent(e) if e.class == ErrorClass::Unreachable), "{platform}: {gone:?}");
    }
}

#[tokio::test]
async fn a_second_purchase_makes_no_second_label_where_the_platform_guards() {
    for platform in ["easypost", "karrio"] {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let (intent, booked) = bought(connected.booking().unwrap(), "g").await;
        let again = connected.booking().unwrap().book(&intent, &Discard).await;
        assert!(matches!(again, Outcome::Unknown(_)), "bought already: look. {platform}: {again:?}");
        let found = connected.booking().unwrap().find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap();
        let Lookup::Found(found) = found else { panic!("{found:?}") };
        assert_eq!(found.tracking_number, booked.tracking_number);
        assert_eq!(sandbox.labels().len(), 1);
    }
}

#[tokio::test]
async fn where_nothing_guards_a_second_label_is_found_and_the_first_stays() {
    for platform in ["shippo", "shipengine"] {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let (intent, booked) = bought(booking, "h").await;
        let second = done(booking.book(&intent, &Discard).await);
        let several = booking.find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap();
        let Lookup::Several(several) = several else { panic!("{platform}: {several:?}") };
        let numbers: Vec<_> = several.iter().map(|of| of.tracking_number.as_str()).collect();
        assert_eq!(numbers.len(), 2);
        assert!(numbers.contains(&booked.tracking_number.as_str()), "{platform}");
        // the one too many is voided
        booking.void(&second.booking, &Discard).await;
        sandbox.settle();
        assert_eq!(sandbox.valid_labels(intent.key.as_str()).len(), 1);
    }
}

#[tokio::test]
async fn a_shipment_that_was_created_without_an_answer_is_taken_up_under_its_key() {
    let sandbox = sandbox().await;
    let connected = live(&sandbox, "shipengine");
    let booking = connected.booking().unwrap();
    sandbox.fail(Some("POST shipengine/shipments"), &Fault::ResetAfterApply, 1);
    let request = request("i", Mode::Live);
    assert!(matches!(booking.rate(&request, &Discard).await, Outcome::Unknown(_)));
    let (one, other) = (intent(booking, &request).await, intent(booking, &request).await);
    assert_eq!(one, other, "one shipment, however often it is asked for");
}

#[tokio::test]
async fn what_takes_long_is_pending_and_found_when_it_is_done() {
    for platform in ["shippo", "shipengine"] {
        let sandbox = sandbox().await;
        sandbox.take_long();
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let mut intent = intent(booking, &request("j", Mode::Live)).await;
        let pending = booking.book(&intent, &Discard).await;
        let Outcome::Pending { handle, .. } = pending else { panic!("{platform}: {pending:?}") };
        for handle in [None, handle] {
            intent.handle = handle;
            assert_eq!(booking.find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap(), Lookup::NotYet);
            assert_eq!(
                booking.find_booking(&intent, Quiet::Over, &Discard).await.unwrap(),
                Lookup::CannotTell,
                "{platform}"
            );
        }
        sandbox.settle();
        assert!(matches!(booking.find_booking(&intent, Quiet::Waiting, &Discard).await.unwrap(), Lookup::Found(_)));
    }
}

#[tokio::test]
async fn a_carrier_that_did_not_answer_the_platform_is_unknown() {
    let sandbox = sandbox().await;
    for (platform, code) in [("shippo", "carrier_timeout"), ("easypost", "SHIPMENT.POSTAGE.TIMED_OUT"), ("karrio", "")]
    {
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let intent = intent(booking, &request("k", Mode::Live)).await;
        sandbox.fail(Some(purchase(platform)), &Fault::Error(code), 1);
        let unknown = booking.book(&intent, &Discard).await;
        assert!(matches!(unknown, Outcome::Unknown(_)), "{platform}: {unknown:?}");
    }
}

#[tokio::test]
async fn an_error_inside_an_answer_of_success_is_an_error() {
    let sandbox = sandbox().await;
    let connected = live(&sandbox, "shipengine");
    let booking = connected.booking().unwrap();
    let intent = intent(booking, &request("l", Mode::Live)).await;
    sandbox.fail(Some(purchase("shipengine")), &Fault::Error("insufficient_funds"), 1);
    let refused = booking.book(&intent, &Discard).await;
    assert!(matches!(&refused, Outcome::Refused(why) if why.code == RefusalCode::Funds), "{refused:?}");
}

#[tokio::test]
async fn a_void_is_a_request_first_and_granted_or_refused_later() {
    for platform in PLATFORMS {
        for refuses in [false, true] {
            let sandbox = sandbox().await;
            let connected = live(&sandbox, platform);
            let booking = connected.booking().unwrap();
            let (intent, booked) = bought(booking, "m").await;
            assert_eq!(booking.fetch_void(&booked.booking, &Discard).await.unwrap(), VoidState::NotRequested);
            if refuses {
                sandbox.refuse_voids();
            }
            let asked = booking.void(&booked.booking, &Discard).await;
            match (platform, refuses) {
                // asks the carrier at once
                ("karrio", true) => assert!(matches!(asked, Outcome::Refused(_)), "{asked:?}"),
                ("karrio", false) => assert_eq!(done(asked), VoidState::Voided),
                ("shipengine", true) => assert!(matches!(done(asked), VoidState::Rejected { .. })),
                _ => assert_eq!(done(asked), VoidState::Requested, "{platform}"),
            }
            sandbox.settle();
            let state = booking.fetch_void(&booked.booking, &Discard).await.unwrap();
            match (platform, refuses) {
                (_, false) => assert_eq!(state, VoidState::Voided, "{platform}"),
                ("karrio" | "shipengine", true) => assert_eq!(state, VoidState::NotRequested),
                (_, true) => assert!(matches!(state, VoidState::Rejected { .. }), "{platform}: {state:?}"),
            }
            let valid = sandbox.valid_labels(intent.key.as_str()).len();
            assert_eq!(valid, usize::from(refuses), "{platform}: what is refused stays paid");
        }
    }
}

#[tokio::test]
async fn a_void_without_an_answer_is_looked_up() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let (_, booked) = bought(booking, "n").await;
        let operation = ["/refund", "/void", "/cancel"].map(|path| {
            sandbox.fail(Some(path), &Fault::ResetAfterApply, 1);
            path
        });
        assert!(
            matches!(booking.void(&booked.booking, &Discard).await, Outcome::Unknown(_)),
            "{platform} {operation:?}"
        );
        sandbox.settle();
        assert_eq!(booking.fetch_void(&booked.booking, &Discard).await.unwrap(), VoidState::Voided, "{platform}");
    }
}

#[tokio::test]
async fn a_carrier_that_karrio_does_not_ask_is_left_to_a_person() {
    let sandbox = sandbox().await;
    let connected = live(&sandbox, "karrio");
    let booking = connected.booking().unwrap();
    let Outcome::Done(rated) = booking.rate(&request("o", Mode::Live), &Discard).await else { panic!("not rated") };
    let rate = rated.rates.iter().find(|rate| rate.carrier == "dhl_express").unwrap();
    let intent = BookIntent {
        key: BookingKey::of(&["o"]),
        shipment: rated.shipment,
        rate: rate.id.clone(),
        mode: Mode::Live,
        format: LabelFormat::Pdf,
        handle: None,
    };
    let booked = done(booking.book(&intent, &Discard).await);
    assert!(domain::numbers::Number::read(&booked.tracking_number).is_valid());
    assert_eq!(done(booking.void(&booked.booking, &Discard).await), VoidState::NotAtCarrier);
}

#[tokio::test]
async fn a_test_key_books_nothing_live_and_a_live_key_nothing_for_tests() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        for (key, set, wanted) in [
            (sandbox.test_key(platform), Mode::Live, Mode::Live),
            (sandbox.live_key(platform), Mode::Test, Mode::Test),
            (sandbox.test_key(platform), Mode::Test, Mode::Live),
            (sandbox.live_key(platform), Mode::Live, Mode::Test),
        ] {
            let connected = connected(&sandbox, platform, settings(set), key);
            let booking = connected.booking().unwrap();
            let refused = booking.rate(&request("p", wanted), &Discard).await;
            assert!(
                matches!(&refused, Outcome::Refused(why) if why.code == RefusalCode::Mode),
                "{platform} {key}: {refused:?}"
            );
            if platform == "karrio" && set == wanted {
                continue; // its keys say nothing: only a shipment does, and there is none of the other mode
            }
            let intent = BookIntent {
                key: BookingKey::of(&["p"]),
                shipment: "shp_1".into(),
                rate: "rate_1".into(),
                mode: wanted,
                format: LabelFormat::Pdf,
                handle: None,
            };
            let refused = booking.book(&intent, &Discard).await;
            assert!(
                matches!(&refused, Outcome::Refused(why) if why.code == RefusalCode::Mode),
                "{platform} {key}: {refused:?}"
            );
        }
        assert_eq!(sandbox.labels().len(), 0);
    }
}

#[tokio::test]
async fn a_wrong_key_waits_for_a_person() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let wrong = match platform {
            "easypost" => "EZAKwrong",
            "shippo" => "shippo_live_wrong",
            _ => "wrong-wrong-wrong",
        };
        let connected = connected(&sandbox, platform, settings(Mode::Live), wrong);
        let outcome = connected.booking().unwrap().rate(&request("q", Mode::Live), &Discard).await;
        assert!(matches!(outcome, Outcome::Unauthorised(_)), "{platform}: {outcome:?}");
        assert_eq!(connected.probe(&Discard).await.unwrap_err().class, ErrorClass::Unauthorized);
    }
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let sandbox = sandbox().await;
    let connected = live(&sandbox, "easypost");
    let hold = Hold::default();
    let held = intent(connected.booking().unwrap(), &request("r", Mode::Live)).await;
    sandbox.fail(Some("/buy"), &Fault::Held(hold.clone()), 1);
    let buying = {
        let connected = Arc::clone(&connected);
        let held = held.clone();
        tokio::spawn(async move { connected.booking().unwrap().book(&held, &Discard).await })
    };
    hold.arrived().await;
    assert_eq!(
        connected.booking().unwrap().find_booking(&held, Quiet::Waiting, &Discard).await.unwrap(),
        Lookup::NotYet
    );
    hold.release();
    done(buying.await.unwrap());
}

#[derive(Default)]
struct Kept(Mutex<Vec<Call>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "c".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

#[tokio::test]
async fn calls_are_kept_without_addresses_and_keys() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let connected = live(&sandbox, platform);
        let booking = connected.booking().unwrap();
        let kept = Kept::default();
        let Outcome::Done(rated) = booking.rate(&request("s", Mode::Live), &kept).await else { panic!("not rated") };
        let intent = BookIntent {
            key: BookingKey::of(&["s"]),
            shipment: rated.shipment,
            rate: rated.rates[0].id.clone(),
            mode: Mode::Live,
            format: LabelFormat::Pdf,
            handle: None,
        };
        let booked = done(booking.book(&intent, &kept).await);
        booking.documents(&booked.booking, &kept).await.unwrap();
        let calls = kept.0.into_inner().unwrap();
        assert!(calls.len() >= 3, "{platform}: {}", calls.len());
        for call in calls {
            let texts = format!("{} {} {}", call.operation, call.request.open(), call.response.open());
            for secret in ["Jane", "Northwind", "Sandbox Street", "30159", "Hamburg", sandbox.live_key(platform)] {
                assert!(!texts.contains(secret), "{platform} {secret}: {texts}");
            }
            assert_eq!(call.destination, platform);
        }
    }
}

#[tokio::test]
async fn booked_parcels_are_tracked_by_the_simulated_carriers() {
    let sandbox = sandbox().await;
    let connected = live(&sandbox, "easypost");
    let (_, booked) = bought(connected.booking().unwrap(), "t").await;
    let journeys = sandbox.journeys(7, now());
    assert_eq!(journeys.len(), 1);
    let secrets = simulator::SourceSecrets { aftership: "one".into(), easypost: "two".into(), x12_214: "three".into() };
    let message = simulator::carrier::compose(&journeys[0], 2, now(), &secrets);
    let decoded = carriers::by_id(message.source).unwrap().decode(&message.body).unwrap();
    let number = decoded.reports[0].refs.get(domain::observation::RefKind::TrackingNumber);
    assert_eq!(number, Some(booked.tracking_number.as_str()));
    // what is void goes nowhere
    connected.booking().unwrap().void(&booked.booking, &Discard).await;
    assert!(sandbox.journeys(7, now()).is_empty());
    assert_eq!(sandbox.labels()[0].void, Void::Requested);
}

/// What an engine does with one booking, in the order of docs/BOOKING.md: the intent first, a look before each further try, nothing
/// sent again that may be bought. Time passes as it likes.
async fn drive(booking: &dyn Booking, request: &RateRequest, steps: usize) -> Option<BookingRef> {
    let mut intent: Option<BookIntent> = None;
    let mut unknown = false;
    for step in 0..steps {
        let Some(known) = &mut intent else {
            if let Outcome::Done(rated) = booking.rate(request, &Discard).await {
                intent = rated.rates.first().map(|rate| BookIntent {
                    key: request.key.clone(),
                    shipment: rated.shipment.clone(),
                    rate: rate.id.clone(),
                    mode: request.mode,
                    format: request.format,
                    handle: None,
                });
            }
            continue;
        };
        if unknown {
            let quiet = if step % 3 == 2 { Quiet::Over } else { Quiet::Waiting };
            match booking.find_booking(known, quiet, &Discard).await {
                Ok(Lookup::Found(booked)) => return Some(booked.booking),
                Ok(Lookup::ProvenAbsent | Lookup::Refused(_)) => unknown = false,
                Ok(Lookup::CannotTell) => return None, // a person decides
                Ok(Lookup::Several(all)) => panic!("bought {} times", all.len()),
                Ok(Lookup::NotYet) | Err(_) => {}
            }
            continue;
        }
        match booking.book(known, &Discard).await {
            Outcome::Done(booked) => return Some(booked.booking),
            Outcome::Pending { handle, .. } => {
                known.handle = handle;
                unknown = true;
            }
            Outcome::Unknown(_) => unknown = true,
            Outcome::Refused(_) | Outcome::NotSent(_) | Outcome::Unauthorised(_) => {}
        }
    }
    None
}

#[tokio::test]
async fn whatever_goes_wrong_there_is_at_most_one_label_for_a_booking() {
    const SEQUENCES: u64 = 60;
    const FAULTS: [Fault; 9] = [
        Fault::Reset,
        Fault::ResetAfterApply,
        Fault::ErrorAfterApply,
        Fault::Page(502),
        Fault::Page(200),
        Fault::Page(429),
        Fault::Refused,
        Fault::RateLimited(0),
        Fault::Error("carrier_timeout"),
    ];
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let settings = ApiSettings { resend_unlisted: true, ..settings(Mode::Live) };
        let connected = connected(&sandbox, platform, settings, sandbox.live_key(platform));
        let (mut booked, mut rng) = (0, simulator::rng::Rng::new(11));
        for sequence in 0..SEQUENCES {
            sandbox.heal();
            for _ in 0..rng.range(0, 7) {
                let fault = rng.pick(&FAULTS).clone();
                let operation = if rng.one_in(3) { None } else { Some(purchase(platform)) };
                sandbox.fail(operation, &fault, 1);
            }
            let request = request(&format!("sequence {sequence}"), Mode::Live);
            let found = drive(connected.booking().unwrap(), &request, 40).await;
            let labels = sandbox.valid_labels(request.key.as_str());
            assert!(labels.len() <= 1, "{platform}, sequence {sequence}: {labels:?}");
            assert!(found.is_none() || labels.len() == 1, "{platform}: {found:?} has no label");
            booked += usize::from(found.is_some());
        }
        assert!(booked > 20, "{platform}: only {booked} of {SEQUENCES} were booked");
    }
}

fn item(description: &str, quantity: u32, each: &str, hs_code: Option<&str>, origin: &str) -> CustomsItem {
    CustomsItem {
        description: description.into(),
        quantity,
        net_weight_g: 400,
        unit_value: Money::read(each, "EUR").unwrap(),
        hs_code: hs_code.map(str::to_owned),
        origin: origin.into(),
        sku: None,
    }
}

#[tokio::test]
async fn each_platform_is_given_what_customs_ask_for() {
    for platform in PLATFORMS {
        let sandbox = sandbox().await;
        let platform_api = live(&sandbox, platform);
        let booking = platform_api.booking().unwrap();
        let abroad = Address { country: "CH".into(), ..address("Jane Doe", "Basel") };
        let items = vec![item("Bearing", 2, "12.25", Some("848210"), "DE"), item("Seal", 10, "0.30", None, "CN")];
        let customs = Customs {
            contents: Contents::Merchandise,
            undeliverable: Undeliverable::Return,
            incoterm: None,
            invoice: Some("S00101".into()),
            signer: "Northwind".into(),
            items,
        };
        let declared = RateRequest { to: abroad.clone(), customs: Some(customs), ..request("declared", Mode::Live) };
        let intent = intent(booking, &declared).await;
        done(booking.book(&intent, &Discard).await);
        let line = |description: &str, quantity, cents, hs_code: Option<&str>, origin: &str| Declared {
            description: description.into(),
            quantity,
            cents,
            currency: "EUR".into(),
            hs_code: hs_code.map(str::to_owned),
            origin: origin.into(),
        };
        let wanted = [line("Bearing", 2, 2_450, Some("848210"), "DE"), line("Seal", 10, 300, None, "CN")];
        assert_eq!(sandbox.labels()[0].declared, wanted, "{platform}");
        // what is not declared does not cross the border, and the refusal says why
        let silent = RateRequest { to: abroad, ..request("silent", Mode::Live) };
        let refused = booking.rate(&silent, &Discard).await;
        assert!(
            matches!(&refused, Outcome::Refused(why) if why.code == RefusalCode::Customs),
            "{platform}: {refused:?}"
        );
        assert_eq!(sandbox.labels().len(), 1, "{platform}");
    }
}
