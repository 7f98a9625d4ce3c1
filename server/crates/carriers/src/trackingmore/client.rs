//! TrackingMore's API, version 4. After a rate limit nothing may be sent for two minutes.

use super::wire;
use crate::{
    answers::code,
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign, segment},
    outcome::{Outcome, Refusal, RefusalCode},
    registering::{Again, Registered, RegisteredNumber, Registering, RegisteringManifest, Snapshot, TrackedNumber},
};
use async_trait::async_trait;
use domain::booking::Ends;
use outbound::{CallError, CallLog, ErrorClass, Method};
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// Numbers of one call.
const BATCH_MAX: usize = 40;

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: BATCH_MAX,
    again: Again::Same,
    needs_carrier: true,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: true, on_exception: false, days: None, silent_days: None },
    ends_when: "When the parcel is delivered.",
};

/// Source: trackingmore.com, help article 60, Courier code; `gls` and `dpd` as clients of version 4 write them.
const CARRIERS: &[(&str, &str)] = &[
    ("australia_post", "australia-post"),
    ("austrian_post", "austria-post"),
    ("bpost", "belgium-post"),
    ("canada_post", "canada-post"),
    ("china_post", "china-post"),
    ("dhl_express", "dhl"),
    ("dpd", "dpd"),
    ("fedex", "fedex"),
    ("gls", "gls"),
    ("parcelforce", "parcel-force"),
    ("poste_italiane", "poste-italiane"),
    ("postnl", "postnl-parcels"),
    ("postnord", "sweden-posten"),
    ("royal_mail", "royal-mail"),
    ("singapore_post", "singapore-post"),
    ("swiss_post", "swiss-post"),
    ("tnt", "tnt"),
    ("ups", "ups"),
    ("usps", "usps"),
];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "trackingmore",
    label: "TrackingMore",
    url: Some("https://api.trackingmore.com/v4"),
    key_label: "API key",
    key_help: "In TrackingMore: Developer, API Key.",
    sign: Sign::Header("tracking-api-key"),
    mode_of_key: |_| None,
    calls_per_second: NonZeroU32::new(3),
    backoff: Duration::from_secs(120),
    booking: None,
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(TrackingmoreApi::new(config)?)),
};

struct TrackingmoreApi {
    client: ApiClient,
}

impl TrackingmoreApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    /// What is known of these numbers.
    async fn trackings(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Result<Value, CallError> {
        let all: Vec<&str> = numbers.iter().map(|of| of.number.as_str()).collect();
        let ask = Ask::get("trackings", "trackings/get").with(vec![("tracking_numbers", all.join(","))]);
        self.client.ask(ask, log, |body| body.get("data")?.as_array().map(|_| body.clone())).await
    }

    async fn restart_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        let named = RegisteredNumber { number: number.number.clone(), carrier: number.carrier.clone(), id: None };
        let id = match self.trackings(&[named], log).await {
            Ok(body) => wire::tracking_of(&body, &number.number, number.carrier.as_deref()),
            Err(error) => return Outcome::NotSent(error),
        };
        let Some(id) = id.and_then(|tracking| code(&tracking, "id")) else {
            let registered = self.register(std::slice::from_ref(number), log).await;
            return registered.into_iter().next().expect("one for the one number");
        };
        match segment(&id) {
            Ok(segment) => {
                let ask = Ask::post("tracking/retrack", format!("trackings/retrack/{segment}"), json!({}));
                self.client.change(ask, log, |answer| wire::restarted(answer, &id, number)).await
            }
            Err(_) => Refusal::new(RefusalCode::Gone, "the tracking's id cannot be one").into(),
        }
    }

    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()> {
        let id = match &number.id {
            Some(id) => id.clone(),
            None => match self.trackings(std::slice::from_ref(number), log).await {
                Ok(body) => match wire::tracking_of(&body, &number.number, number.carrier.as_deref()) {
                    Some(tracking) => code(&tracking, "id").unwrap_or_default(),
                    None => return Outcome::Done(()),
                },
                Err(error) => return Outcome::NotSent(error),
            },
        };
        match segment(&id) {
            Ok(id) => {
                let ask = Ask::get("tracking/delete", format!("trackings/delete/{id}")).by(Method::DELETE);
                self.client.change(ask, log, wire::stopped).await
            }
            Err(_) => Refusal::new(RefusalCode::Gone, "the tracking's id cannot be one").into(),
        }
    }
}

#[async_trait]
impl Platform for TrackingmoreApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::get("trackings", "trackings/get").with(vec![("items_amount", "1".into())]);
        self.client.ask(ask, log, |body| body.get("data")?.as_array().map(|_| ())).await
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Registering for TrackingmoreApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(BATCH_MAX) {
            let named: Vec<TrackedNumber> = batch.iter().filter(|of| of.carrier.is_some()).cloned().collect();
            let mut answered = Vec::new();
            if !named.is_empty() {
                let ask = Ask::post("trackings/batch", "trackings/batch", wire::registration(&named));
                answered =
                    self.client.change_each(ask, log, named.len(), |answer| wire::registered(answer, &named)).await;
            }
            let mut answered = answered.into_iter();
            outcomes.extend(batch.iter().map(|of| match of.carrier {
                Some(_) => answered.next().expect("one for each that has a carrier"),
                None => Refusal::new(RefusalCode::Carrier, "TrackingMore needs the carrier of a number").into(),
            }));
        }
        outcomes
    }

    async fn restart(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for number in numbers {
            outcomes.push(self.restart_one(number, log).await);
        }
        outcomes
    }

    async fn stop(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Outcome<()>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for number in numbers {
            outcomes.push(self.stop_one(number, log).await);
        }
        outcomes
    }

    async fn fetch(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Result<Snapshot, CallError>> {
        let mut snapshots = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(BATCH_MAX) {
            let body = self.trackings(batch, log).await;
            snapshots.extend(batch.iter().map(|of| {
                let missing = || CallError::new(ErrorClass::NotFound, "TrackingMore does not have this number");
                let body = body.as_ref().map_err(Clone::clone)?;
                let tracking = wire::tracking_of(body, &of.number, of.carrier.as_deref()).ok_or_else(missing)?;
                Ok(Snapshot(json!({"data": [tracking]}).to_string().into_bytes()))
            }));
        }
        snapshots
    }
}
