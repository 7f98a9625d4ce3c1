//! ShipEngine's API (ShipStation API; ShipStation API v2 under its own address). The booking key is the shipment's external id, which
//! it takes once; a shipment that was created without an answer is found by it.

use super::wire;
use crate::{
    answers::{items, text},
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign, segment},
    booking::{
        BookIntent, BookKey, Booked, Booking, BookingManifest, BookingRef, Document, LabelFormat, Lookup, Mode, Quiet,
        RateRequest, Rated, VoidState,
    },
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

const BOOKING: BookingManifest = BookingManifest {
    key: BookKey::UniqueReference { chars_max: 50 },
    formats: &[LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl],
    needs_dimensions: false,
    tracks_labels: false,
    void_window: "The carrier's own, unused labels only; a void cannot be undone.",
};

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: 1,
    again: Again::Same,
    needs_carrier: true,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: true, on_exception: true, days: None, silent_days: None },
    ends_when: "On delivery, and on a delivery exception: after one, register again.",
};

/// Source: the carriers that ShipEngine/shipengine-openapi connects, and docs.shipstation.com, Start Tracking (`stamps_com` is USPS). A
/// carrier has to be connected to the account there.
const CARRIERS: &[(&str, &str)] = &[
    ("australia_post", "australia_post"),
    ("dhl_ecommerce", "dhl_ecommerce"),
    ("dhl_express", "dhl_express"),
    ("dpd", "dpd"),
    ("fedex", "fedex"),
    ("ontrac", "ontrac"),
    ("royal_mail", "royal_mail"),
    ("ups", "ups"),
    ("usps", "stamps_com"),
];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "shipengine",
    label: "ShipEngine",
    url: Some("https://api.shipengine.com/v1"),
    key_label: "API key",
    key_help: "In ShipEngine: API Management. A key that begins with TEST_ is for tests. For ShipStation API v2 set the address \
               https://api.shipstation.com/v2.",
    sign: Sign::Header("api-key"),
    mode_of_key,
    calls_per_second: NonZeroU32::new(3),
    backoff: Duration::from_secs(30),
    booking: Some(&BOOKING),
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(ShipengineApi::new(config)?)),
};

// only test keys have a prefix
fn mode_of_key(key: &str) -> Option<Mode> {
    Some(if key.starts_with("TEST_") { Mode::Test } else { Mode::Live })
}

struct ShipengineApi {
    client: ApiClient,
}

impl ShipengineApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    /// The shipment under its key, created where there is none.
    async fn shipment(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<String> {
        let ask = Ask::post("shipment/create", "shipments", wire::shipment(request));
        let mut duplicate = false;
        let created = self
            .client
            .change(ask, log, |answer| {
                duplicate = wire::is_duplicate(answer);
                wire::created(answer)
            })
            .await;
        if !duplicate {
            return created;
        }
        let path = format!("shipments/external_shipment_id/{}", request.key.as_str());
        match self.client.ask(Ask::get("shipment", path), log, |body| text(body, "shipment_id")).await {
            Ok(id) => Outcome::Done(id),
            // nothing was bought: the step may be repeated
            Err(error) => Outcome::NotSent(error),
        }
    }

    /// The carrier accounts that are asked for rates.
    async fn accounts(&self, log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        if !self.client.settings.accounts.is_empty() {
            return Ok(self.client.settings.accounts.clone());
        }
        let ids = |body: &Value| {
            body.get("carriers")?;
            Some(items(body, "carriers").iter().filter_map(|carrier| text(carrier, "carrier_id")).collect())
        };
        self.client.ask(Ask::get("carriers", "carriers"), log, ids).await
    }
}

fn tracking(number: &str, carrier: String) -> Vec<(&'static str, String)> {
    vec![("carrier_code", carrier), ("tracking_number", number.to_owned())]
}

fn no_carrier<T>() -> Outcome<T> {
    Refusal::new(RefusalCode::Carrier, "ShipEngine needs the carrier of a number").into()
}

#[async_trait]
impl Platform for ShipengineApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        self.client.ask(Ask::get("carriers", "carriers"), log, |body| body.get("carriers").map(drop)).await
    }

    fn booking(&self) -> Option<&dyn Booking> {
        Some(self)
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Booking for ShipengineApi {
    fn manifest(&self) -> &'static BookingManifest {
        &BOOKING
    }

    fn admits(&self, mode: Mode) -> Result<(), Refusal> {
        self.client.fits(mode)
    }

    async fn create(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated> {
        let accounts = match self.accounts(log).await {
            Ok(accounts) if accounts.is_empty() => {
                return Refusal::new(RefusalCode::Account, "ShipEngine has no carrier connected").into();
            }
            Ok(accounts) => accounts,
            Err(error) if error.class == ErrorClass::Unauthorized => return Outcome::Unauthorised(error),
            Err(error) => return Outcome::NotSent(error),
        };
        let id = match self.shipment(request, log).await {
            Outcome::Done(id) => id,
            other => return other.map(|shipment| Rated { shipment, rates: Vec::new(), messages: Vec::new() }),
        };
        let body = json!({"shipment_id": id, "rate_options": {"carrier_ids": accounts}});
        self.client.change(Ask::post("rates", "rates", body), log, |answer| wire::rated(answer, &id)).await
    }

    async fn buy(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked> {
        let Ok(rate) = segment(&intent.rate) else {
            return Refusal::new(RefusalCode::Rate, "the rate's id cannot be one").into();
        };
        let ask = Ask::post("label/create", format!("labels/rates/{rate}"), wire::purchase(intent.format));
        self.client.change(ask, log, |answer| wire::booked(answer, &intent.shipment)).await
    }

    async fn find_booking(&self, intent: &BookIntent, quiet: Quiet, log: &dyn CallLog) -> Result<Lookup, CallError> {
        let id = segment(&intent.shipment)?;
        // the labels first: one that is made in between shows in the state that is read after them
        let ask =
            Ask::get("labels", "labels").with(vec![("shipment_id", id.to_owned()), ("page_size", "100".to_owned())]);
        let labels = self.client.ask(ask, log, |body| body.get("labels")?.as_array().cloned()).await?;
        let ask = Ask::get("shipment", format!("shipments/{id}"));
        let status = self.client.ask(ask, log, |body| text(body, "shipment_status")).await?;
        Ok(wire::found(&status, &labels, quiet))
    }

    async fn void(&self, booking: &BookingRef, log: &dyn CallLog) -> Outcome<VoidState> {
        let Ok(id) = segment(&booking.label) else {
            return Refusal::new(RefusalCode::Gone, "the label's id cannot be one").into();
        };
        let ask = Ask::get("label/void", format!("labels/{id}/void")).by(Method::PUT);
        self.client.change(ask, log, wire::voided).await
    }

    async fn fetch_void(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<VoidState, CallError> {
        let ask = Ask::get("label", format!("labels/{}", segment(&booking.label)?));
        self.client.ask(ask, log, wire::void_state).await
    }

    async fn documents(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<Vec<Document>, CallError> {
        let ask = Ask::get("label", format!("labels/{}", segment(&booking.label)?));
        let (label, form) = self.client.ask(ask, log, wire::links).await?;
        self.client.documents(&label, form, log).await
    }
}

#[async_trait]
impl OneByOne for ShipengineApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        let Some(carrier) = &number.carrier else { return no_carrier() };
        let query = tracking(&number.number, carrier.clone());
        let ask = Ask::get("tracking/start", "tracking/start").by(Method::POST).with(query);
        self.client.change(ask, log, |answer| wire::registered(answer, carrier)).await
    }

    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()> {
        let Some(carrier) = &number.carrier else { return no_carrier() };
        let query = tracking(&number.number, carrier.clone());
        let ask = Ask::get("tracking/stop", "tracking/stop").by(Method::POST).with(query);
        self.client.change(ask, log, wire::switched).await
    }

    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError> {
        let missing = || CallError::new(ErrorClass::Rejected, "ShipEngine needs the carrier of a number");
        let carrier = number.carrier.clone().ok_or_else(missing)?;
        let ask = Ask::get("tracking", "tracking").with(tracking(&number.number, carrier));
        self.client.ask_raw(ask, log, |answer| Some(Snapshot(answer.body.clone()))).await
    }
}
