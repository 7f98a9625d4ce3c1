//! 17TRACK's API: up to forty numbers a call. A number that is deleted and registered again is charged again, so it is stopped.

use super::wire;
use crate::{
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign},
    outcome::Outcome,
    registering::{Again, Registered, RegisteredNumber, Registering, RegisteringManifest, Snapshot, TrackedNumber},
};
use async_trait::async_trait;
use domain::booking::Ends;
use outbound::{CallError, CallLog, ErrorClass, Response};
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// Numbers of one call.
const BATCH_MAX: usize = 40;

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: BATCH_MAX,
    again: Again::Same,
    needs_carrier: false,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: true, on_exception: false, days: None, silent_days: Some(30) },
    ends_when: "15 days after delivery, or after 30 days without an event; its data is deleted 90 days later.",
};

/// Source: 17TRACK's list of carriers (res.17track.net, apicarrier). What else there is is found by 17TRACK.
const CARRIERS: &[(&str, &str)] =
    &[("dhl_express", "100001"), ("dhl_parcel_de", "7041"), ("fedex", "100003"), ("ups", "100002"), ("usps", "21051")];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "17track",
    label: "17TRACK",
    url: Some("https://api.17track.net/track/v2.2"),
    key_label: "Security key",
    key_help: "In 17TRACK: API, Settings, Security. A changed key works after five minutes.",
    sign: Sign::Header("17token"),
    mode_of_key: |_| None,
    calls_per_second: NonZeroU32::new(3),
    backoff: Duration::from_secs(5),
    booking: None,
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(SeventeenTrackApi::new(config)?)),
};

struct SeventeenTrackApi {
    client: ApiClient,
}

impl SeventeenTrackApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    /// Calls once for each batch.
    async fn batches<N: Sync, T: Send>(
        &self,
        operation: &str,
        numbers: &[N],
        body: impl Fn(&[N]) -> Value + Sync,
        decode: impl Fn(&Response, &[N]) -> Vec<Outcome<T>> + Sync,
        log: &dyn CallLog,
    ) -> Vec<Outcome<T>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(BATCH_MAX) {
            let ask = Ask::post(operation, operation, body(batch));
            outcomes.extend(self.client.change_each(ask, log, batch.len(), |answer| decode(answer, batch)).await);
        }
        outcomes
    }
}

#[async_trait]
impl Platform for SeventeenTrackApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::post("getquota", "getquota", json!([]));
        let quota = |body: &Value| match wire::complaint(body) {
            Some(complaint) => Some(Err(complaint)),
            None => body.get("data").map(|_| Ok(())),
        };
        match self.client.ask(ask, log, quota).await? {
            Ok(()) => Ok(()),
            Err(complaint) => {
                let text = format!("17TRACK does not accept the key ({})", complaint.code.unwrap_or_default());
                Err(CallError::new(ErrorClass::Unauthorized, text).saying(&complaint.words))
            }
        }
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Registering for SeventeenTrackApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        self.batches("register", numbers, wire::registration, wire::registered, log).await
    }

    async fn restart(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        // a tag is set once, when a number is registered
        let bare: Vec<_> = numbers.iter().map(|of| TrackedNumber { reference: None, ..of.clone() }).collect();
        self.batches("retrack", &bare, wire::registration, wire::restarted, log).await
    }

    async fn stop(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Outcome<()>> {
        self.batches("stoptrack", numbers, wire::named, wire::stopped, log).await
    }

    async fn fetch(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Result<Snapshot, CallError>> {
        let fetched = self.batches("gettrackinfo", numbers, wire::named, wire::snapshots, log).await;
        fetched.into_iter().map(snapshot).collect()
    }
}

fn snapshot(outcome: Outcome<Value>) -> Result<Snapshot, CallError> {
    match outcome {
        Outcome::Done(item) => Ok(Snapshot(json!({"code": 0, "data": {"accepted": [item]}}).to_string().into_bytes())),
        other => Err(other
            .error()
            .cloned()
            .unwrap_or_else(|| CallError::new(ErrorClass::BadAnswer, "17TRACK has no answer yet"))),
    }
}
