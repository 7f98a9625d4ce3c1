//! AfterShip's tracking API: numbers are registered, found, removed.

use super::wire;
use crate::{
    answers::text,
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign, segment},
    outcome::{Outcome, Refusal, RefusalCode},
    registering::{
        Again, OneByOne, Registered, RegisteredNumber, Registering, RegisteringManifest, Snapshot, TrackedNumber,
    },
};
use async_trait::async_trait;
use domain::booking::Ends;
use outbound::{CallError, CallLog, ErrorClass, Method};
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: 1,
    again: Again::Same,
    needs_carrier: false,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: false, on_exception: false, days: Some(120), silent_days: None },
    ends_when: "After 120 days, from when on a number can be registered, and counted, again.",
};

/// Source: aftership.com/docs/tracking, Supported Couriers and Slug Groups. Carriers with a slug for each country are found by AfterShip.
const CARRIERS: &[(&str, &str)] = &[("fedex", "fedex"), ("ups", "ups"), ("usps", "usps")];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "aftership",
    label: "AfterShip",
    url: Some("https://api.aftership.com/tracking/2026-07"),
    key_label: "API key",
    key_help: "In AfterShip: Settings, API keys. It needs the right to read and write trackings.",
    sign: Sign::Header("as-api-key"),
    mode_of_key: |_| None,
    calls_per_second: NonZeroU32::new(5),
    backoff: Duration::from_secs(5),
    booking: None,
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(AftershipApi::new(config)?)),
};

struct AftershipApi {
    client: ApiClient,
}

impl AftershipApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    /// The tracking of a number, where it is registered.
    async fn tracking(&self, number: &str, slug: Option<&str>, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        let mut query = vec![("tracking_numbers", number.to_owned())];
        query.extend(slug.map(|slug| ("slug", slug.to_owned())));
        let of = |body: &Value| {
            body.get("data")?.get("trackings")?.as_array()?;
            Some(wire::tracking_of(body, number, slug).cloned())
        };
        self.client.ask(Ask::get("trackings", "trackings").with(query), log, of).await
    }
}

#[async_trait]
impl Platform for AftershipApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::get("trackings", "trackings").with(vec![("limit", "1".into())]);
        self.client.ask(ask, log, |body| body.get("data")?.get("trackings").map(drop)).await
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl OneByOne for AftershipApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        let ask = Ask::post("tracking/create", "trackings", wire::tracking(number));
        let mut exists = false;
        let outcome = self
            .client
            .change(ask, log, |answer| match wire::registered(answer, &number.number) {
                wire::Answered::New(registered) => Outcome::Done(registered),
                wire::Answered::Exists => {
                    exists = true;
                    Outcome::Done(Registered { id: None, carrier: number.carrier.clone(), known: true })
                }
                wire::Answered::Other(outcome) => outcome,
            })
            .await;
        if !exists {
            return outcome;
        }
        // it is registered, whether its id can be had now or not
        match self.tracking(&number.number, number.carrier.as_deref(), log).await {
            Ok(found) => found.as_ref().and_then(wire::known).map_or(outcome, Outcome::Done),
            Err(_) => outcome,
        }
    }

    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()> {
        let id = match &number.id {
            Some(id) => id.clone(),
            None => match self.tracking(&number.number, number.carrier.as_deref(), log).await {
                Ok(Some(tracking)) => text(&tracking, "id").unwrap_or_default(),
                Ok(None) => return Outcome::Done(()),
                Err(error) => return Outcome::NotSent(error),
            },
        };
        match segment(&id) {
            Ok(id) => {
                let ask = Ask::get("tracking/remove", format!("trackings/{id}")).by(Method::DELETE);
                self.client.change(ask, log, wire::stopped).await
            }
            Err(_) => Refusal::new(RefusalCode::Gone, "the tracking's id cannot be one").into(),
        }
    }

    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError> {
        let found = self.tracking(&number.number, number.carrier.as_deref(), log).await?;
        let missing = || CallError::new(ErrorClass::NotFound, "AfterShip does not have this number");
        let tracking = found.ok_or_else(missing)?;
        Ok(Snapshot(json!({"data": {"trackings": [tracking]}}).to_string().into_bytes()))
    }
}
