//! Registering numbers at the simulated platforms through our own clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::booking::{connected, manifest, sandbox, settings};
use carriers::{
    api::{ApiSettings, Platform},
    booking::Mode,
    outcome::{Outcome, RefusalCode},
    registering::{Again, Registered, RegisteredNumber, TrackedNumber},
};
use domain::observation::RefKind;
use outbound::{Discard, ErrorClass};
use simulator::{booking::SandboxBooking, faults::Fault};
use std::sync::Arc;

/// Every platform that registers, with a carrier in its own word.
const PLATFORMS: [(&str, &str); 7] = [
    ("aftership", "ups"),
    ("easypost", "UPS"),
    ("17track", "100002"),
    ("shippo", "ups"),
    ("shipengine", "ups"),
    ("karrio", "ups"),
    ("trackingmore", "ups"),
];
const NUMBER: &str = "1Z999AA10123456784";

fn open(sandbox: &SandboxBooking, platform: &str) -> Arc<dyn Platform> {
    connected(sandbox, platform, settings(Mode::Live), sandbox.live_key(platform))
}

fn tracked(number: &str, carrier: &str) -> TrackedNumber {
    TrackedNumber {
        number: number.into(),
        carrier: Some(carrier.into()),
        reference: Some("WH/OUT/00042".into()),
        ..TrackedNumber::default()
    }
}

async fn register(platform: &dyn Platform, number: TrackedNumber) -> Outcome<Registered> {
    let outcomes = platform.registering().unwrap().register(&[number], &Discard).await;
    let [one] = <[_; 1]>::try_from(outcomes).unwrap();
    one
}

fn registered(outcome: Outcome<Registered>) -> Registered {
    match outcome {
        Outcome::Done(registered) => registered,
        other => panic!("not registered: {other:?}"),
    }
}

#[tokio::test]
async fn a_number_is_registered_fetched_and_stopped() {
    for (platform, carrier) in PLATFORMS {
        let sandbox = sandbox().await;
        let open = open(&sandbox, platform);
        open.probe(&Discard).await.unwrap();
        let one = registered(register(open.as_ref(), tracked(NUMBER, carrier)).await);
        assert_eq!((one.carrier.as_deref(), one.known), (Some(carrier), false), "{platform}");
        let by_id = RegisteredNumber { number: NUMBER.into(), carrier: Some(carrier.into()), id: one.id };
        let by_number = RegisteredNumber { id: None, ..by_id.clone() };
        let registering = open.registering().unwrap();
        for number in [&by_id, &by_number] {
            let fetched = registering.fetch(std::slice::from_ref(number), &Discard).await;
            let snapshot = fetched[0].as_ref().unwrap_or_else(|e| panic!("{platform}: {e}"));
            let decoded = carriers::by_id(platform).unwrap().decode(&snapshot.0).unwrap();
            assert_eq!(decoded.reports[0].refs.get(RefKind::TrackingNumber), Some(NUMBER), "{platform}");
            assert!(!decoded.reports[0].observations.is_empty(), "{platform}");
        }
        let stopped = registering.stop(std::slice::from_ref(&by_number), &Discard).await;
        if manifest(platform).registering.unwrap().stops {
            assert_eq!(stopped[0], Outcome::Done(()), "{platform}");
            assert!(sandbox.trackers()[0].stopped);
            // what is stopped is stopped
            assert_eq!(registering.stop(&[by_number], &Discard).await[0], Outcome::Done(()), "{platform}");
        } else {
            assert!(matches!(&stopped[0], Outcome::Refused(why) if why.code == RefusalCode::State), "{platform}");
        }
    }
}

#[tokio::test]
async fn registering_again_changes_nothing_but_where_the_manifest_warns() {
    for (platform, carrier) in PLATFORMS {
        let sandbox = sandbox().await;
        let open = open(&sandbox, platform);
        let first = registered(register(open.as_ref(), tracked(NUMBER, carrier)).await);
        let again = registered(register(open.as_ref(), tracked(NUMBER, carrier)).await);
        assert_eq!(sandbox.trackers().len(), 1, "{platform}");
        if matches!(platform, "aftership" | "17track" | "trackingmore") {
            assert!(again.known, "{platform} says so");
        }
        if matches!(platform, "aftership" | "easypost" | "karrio") {
            assert_eq!(first.id, again.id, "{platform}");
        }
        let doubles = manifest(platform).registering.unwrap().again == Again::Doubles;
        assert_eq!(doubles, platform == "shippo");
        // a registration without an answer is not sent again by itself
        sandbox.fail(Some("POST"), &Fault::ResetAfterApply, 1);
        let unknown = register(open.as_ref(), tracked("1Z999AA10123456793", carrier)).await;
        assert!(matches!(unknown, Outcome::Unknown(_)), "{platform}: {unknown:?}");
        assert_eq!(sandbox.trackers()[1].registrations, 1);
    }
}

#[tokio::test]
async fn one_bad_number_does_not_stop_the_others() {
    for (platform, carrier) in [("17track", "100002"), ("trackingmore", "ups"), ("aftership", "ups")] {
        let sandbox = sandbox().await;
        let open = open(&sandbox, platform);
        let numbers: Vec<_> = (0..95)
            .map(|n| if n == 41 { tracked("NOTANUMBER", carrier) } else { tracked(&format!("NUMBER{n:04}"), carrier) })
            .collect();
        let outcomes = open.registering().unwrap().register(&numbers, &Discard).await;
        assert_eq!(outcomes.len(), 95);
        for (n, outcome) in outcomes.iter().enumerate() {
            assert_eq!(matches!(outcome, Outcome::Done(_)), n != 41, "{platform} {n}: {outcome:?}");
        }
        assert!(matches!(outcomes[41], Outcome::Refused(_)));
        assert_eq!(sandbox.trackers().len(), 94);
    }
}

#[tokio::test]
async fn a_number_without_its_carrier_is_refused_where_the_platform_needs_one() {
    for (platform, _) in PLATFORMS {
        let sandbox = sandbox().await;
        let open = open(&sandbox, platform);
        let outcome = register(open.as_ref(), TrackedNumber { carrier: None, ..tracked(NUMBER, "") }).await;
        match manifest(platform).registering.unwrap().needs_carrier {
            true => assert!(
                matches!(&outcome, Outcome::Refused(why) if why.code == RefusalCode::Carrier),
                "{platform}: {outcome:?}"
            ),
            false => assert!(registered(outcome).carrier.is_some(), "{platform} finds the carrier"),
        }
    }
}

#[tokio::test]
async fn limits_and_failures_are_what_they_are() {
    for (platform, carrier) in PLATFORMS {
        let sandbox = sandbox().await;
        let open = open(&sandbox, platform);
        let of = async |fault: Fault| {
            sandbox.heal();
            sandbox.fail(Some("POST"), &fault, 1);
            register(open.as_ref(), tracked(NUMBER, carrier)).await
        };
        let limited = of(Fault::RateLimited(1)).await;
        assert!(
            matches!(&limited, Outcome::NotSent(e) if e.class == ErrorClass::RateLimited),
            "{platform}: {limited:?}"
        );
        let refused = of(Fault::Refused).await;
        assert!(matches!(refused, Outcome::Refused(_)), "{platform}: {refused:?}");
        for fault in [Fault::Page(503), Fault::Page(429), Fault::Reset] {
            let unknown = of(fault).await;
            assert!(matches!(unknown, Outcome::Unknown(_)), "{platform}: {unknown:?}");
        }
        assert_eq!(sandbox.trackers().len(), 0);
    }
}

#[tokio::test]
async fn a_wrong_key_waits_for_a_person() {
    for (platform, carrier) in PLATFORMS {
        let sandbox = sandbox().await;
        let wrong = connected(&sandbox, platform, settings(Mode::Test), "wrong-wrong-wrong");
        let outcome = register(wrong.as_ref(), tracked(NUMBER, carrier)).await;
        assert!(matches!(outcome, Outcome::Unauthorised(_)), "{platform}: {outcome:?}");
        assert_eq!(wrong.probe(&Discard).await.unwrap_err().class, ErrorClass::Unauthorized, "{platform}");
    }
}

#[test]
fn every_api_says_what_it_does_and_asks_for_what_it_needs() {
    for carrier in carriers::ALL {
        let Some(api) = carrier.api() else { continue };
        assert_eq!(api.id, carrier.manifest().id);
        assert!(carrier.manifest().label.starts_with(api.label), "{}", api.label);
        let names: Vec<_> = api.fields().iter().map(|field| field.name).collect();
        assert_eq!(names.contains(&"mode"), api.booking.is_some(), "{}", api.id);
        assert_eq!(names.contains(&"resend_unlisted"), api.id == "shippo");
        assert!(
            api.registering.is_none_or(|registering| registering.batch_max > 0 && registering.ends_when.ends_with('.'))
        );
        assert!(api.key_help.ends_with('.'), "{}", api.id);
        // what the form gives is what a connection is set to
        let typed = [("url".to_owned(), "https://api.example.com".to_owned())].into();
        let settings = outbound::schema::read(&api.fields(), &typed).unwrap();
        serde_json::from_value::<ApiSettings>(settings.into()).unwrap();
    }
}
