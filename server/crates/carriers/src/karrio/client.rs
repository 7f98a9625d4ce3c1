//! Karrio's API, of one's own server or its cloud. A bought shipment is not bought again, but two purchases at one moment pass, so one is
//! sent at a time; a draft after a failure proves nothing.

use super::wire;
use crate::{
    answers::text,
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign, segment},
    booking::{
        BookIntent, BookKey, Booked, Booking, BookingManifest, BookingRef, Document, LabelFormat, Lookup, Mode, Paper,
        Quiet, RateRequest, Rated, VoidState,
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
use std::{sync::Arc, time::Duration};

const BOOKING: BookingManifest = BookingManifest {
    key: BookKey::ObjectGuard,
    formats: &[LabelFormat::Pdf, LabelFormat::Zpl, LabelFormat::Png],
    needs_dimensions: false,
    tracks_labels: true,
    void_window: "The carrier's own; connectors of some carriers do not ask the carrier.",
};

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: 1,
    again: Again::Same,
    needs_carrier: true,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: false, on_exception: false, days: None, silent_days: None },
    ends_when: "Never by itself.",
};

/// Source: the connectors of karrioapi/karrio, each of which has its carrier's name. DHL as a whole is tracked by the connector of DHL's
/// API for all divisions.
const CARRIERS: &[(&str, &str)] = &[
    ("australia_post", "australiapost"),
    ("austrian_post", "postat"),
    ("bpost", "bpost"),
    ("canada_post", "canadapost"),
    ("chronopost", "chronopost"),
    ("dhl", "dhl_universal"),
    ("dhl_express", "dhl_express"),
    ("dhl_parcel_de", "dhl_parcel_de"),
    ("dpd", "dpd"),
    ("fedex", "fedex"),
    ("gls", "gls"),
    ("hermes_de", "hermes"),
    ("landmark", "landmark"),
    ("purolator", "purolator"),
    ("ups", "ups"),
    ("usps", "usps"),
];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "karrio",
    label: "Karrio",
    url: None,
    key_label: "API key",
    key_help: "In Karrio: Developers, API Keys. Switch to test mode there for a test key.",
    sign: Sign::Scheme("Token"),
    mode_of_key: |_| None,
    calls_per_second: None,
    backoff: Duration::from_secs(60),
    booking: Some(&BOOKING),
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(KarrioApi::new(config)?)),
};

/// What a request is found by at Karrio: the same one for all of one booking, since the last one is kept.
const REQUEST_ID: &str = "X-Request-ID";

struct KarrioApi {
    client: ApiClient,
}

impl KarrioApi {
    fn new(mut config: ApiConfig) -> Result<Self, CallError> {
        // people copy the address from its API's pages
        let base = |url: String| url.trim_end_matches('/').trim_end_matches("/v1").to_owned();
        config.settings.url = config.settings.url.map(base);
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    async fn tracker(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        let ask = Ask::get("trackers", "v1/trackers")
            .with(vec![("tracking_number", number.to_owned()), ("limit", "100".into())]);
        let of = |body: &Value| body.get("results")?.as_array().map(|_| wire::tracker_of(body, number));
        self.client.ask(ask, log, of).await
    }

    async fn paper(&self, id: &str, paper: Paper, log: &dyn CallLog) -> Result<Document, CallError> {
        let name = match paper {
            Paper::Label => "label",
            Paper::Customs => "invoice",
        };
        let ask = Ask::get(name, format!("v1/shipments/{id}/documents/{name}")).by(Method::POST);
        let bytes = self.client.ask(ask, log, wire::paper).await?;
        self.client.as_document(paper, bytes)
    }
}

#[async_trait]
impl Platform for KarrioApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::get("shipments", "v1/shipments").with(vec![("limit", "1".into())]);
        self.client.ask(ask, log, |body| body.get("results")?.as_array().map(|_| ())).await
    }

    fn booking(&self) -> Option<&dyn Booking> {
        Some(self)
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Booking for KarrioApi {
    fn manifest(&self) -> &'static BookingManifest {
        &BOOKING
    }

    fn admits(&self, mode: Mode) -> Result<(), Refusal> {
        self.client.fits(mode)
    }

    async fn create(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated> {
        let body = wire::shipment(request, &self.client.settings.accounts);
        let mode = request.mode;
        let ask = Ask {
            headers: vec![(REQUEST_ID, request.key.as_str().to_owned())],
            ..Ask::post("shipment/create", "v1/shipments", body)
        };
        self.client.change(ask, log, |answer| wire::rated(answer, mode)).await
    }

    async fn buy(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked> {
        let Ok(id) = segment(&intent.shipment) else {
            return Refusal::new(RefusalCode::Gone, "the shipment's id cannot be one").into();
        };
        let ask = Ask {
            headers: vec![(REQUEST_ID, intent.key.as_str().to_owned())],
            ..Ask::post("shipment/purchase", format!("v1/shipments/{id}/purchase"), wire::purchase(intent))
        };
        self.client.change(ask, log, |answer| wire::booked(answer, id)).await
    }

    async fn find_booking(&self, intent: &BookIntent, quiet: Quiet, log: &dyn CallLog) -> Result<Lookup, CallError> {
        let ask = Ask::get("shipment", format!("v1/shipments/{}", segment(&intent.shipment)?));
        self.client.ask(ask, log, |body| text(body, "id").map(|_| wire::found(body, quiet))).await
    }

    async fn void(&self, booking: &BookingRef, log: &dyn CallLog) -> Outcome<VoidState> {
        let Ok(id) = segment(&booking.shipment) else {
            return Refusal::new(RefusalCode::Gone, "the shipment's id cannot be one").into();
        };
        let ask = Ask::post("shipment/cancel", format!("v1/shipments/{id}/cancel"), json!({}));
        self.client.change(ask, log, wire::voided).await
    }

    async fn fetch_void(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<VoidState, CallError> {
        let ask = Ask::get("shipment", format!("v1/shipments/{}", segment(&booking.shipment)?));
        self.client.ask(ask, log, wire::void_state).await
    }

    async fn documents(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<Vec<Document>, CallError> {
        let id = segment(&booking.shipment)?;
        let ask = Ask::get("shipment", format!("v1/shipments/{id}"));
        let has_invoice =
            self.client.ask(ask, log, |body| text(body, "id").map(|_| text(body, "invoice_url").is_some())).await?;
        let mut documents = vec![self.paper(id, Paper::Label, log).await?];
        if has_invoice {
            documents.push(self.paper(id, Paper::Customs, log).await?);
        }
        Ok(documents)
    }
}

#[async_trait]
impl OneByOne for KarrioApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        let TrackedNumber { number, carrier, .. } = number;
        let Some(carrier) = carrier else {
            return Refusal::new(RefusalCode::Carrier, "Karrio needs the carrier of a number").into();
        };
        let body = json!({"tracking_number": number, "carrier_name": carrier});
        // without the flag a number that the carrier does not know yet is refused
        let query = vec![("pending_pickup", "true".to_owned())];
        let ask = Ask::post("tracker/create", "v1/trackers", body).with(query);
        self.client.change(ask, log, |answer| wire::registered(answer, number.as_str())).await
    }

    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()> {
        match segment(number.id.as_deref().unwrap_or(&number.number)) {
            Ok(id) => {
                let ask = Ask::get("tracker/stop", format!("v1/trackers/{id}")).by(Method::DELETE);
                self.client.change(ask, log, wire::stopped).await
            }
            Err(_) => Refusal::new(RefusalCode::Number, "the number cannot be one").into(),
        }
    }

    // the list: a single tracker is shown to every account of the server
    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError> {
        let missing = || CallError::new(ErrorClass::NotFound, "Karrio has no tracker of this number");
        let tracker = self.tracker(&number.number, log).await?;
        tracker.map(|tracker| Snapshot(tracker.to_string().into_bytes())).ok_or_else(missing)
    }
}
