//! EasyPost's API: shipments and trackers. It makes no promise about a repeated purchase but one: a shipment is bought once.

use super::wire;
use crate::{
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
    key: BookKey::ObjectGuard,
    formats: &[LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl],
    needs_dimensions: false,
    tracks_labels: true,
    void_window: "USPS 30 days, UPS and FedEx 90 days, while unscanned; the carrier decides within 30 days.",
};

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: 1,
    again: Again::Same,
    needs_carrier: false,
    carriers: CARRIERS,
    stops: true,
    fetches: true,
    ends: Ends { on_delivery: false, on_exception: false, days: None, silent_days: None },
    ends_when: "A number registered again after three months is a new tracker, and charged.",
};

/// Source: docs.easypost.com, Trackers. What else there is is found by EasyPost.
const CARRIERS: &[(&str, &str)] = &[("fedex", "FedEx"), ("ups", "UPS"), ("usps", "USPS")];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "easypost",
    label: "EasyPost",
    url: Some("https://api.easypost.com/v2"),
    key_label: "API key",
    key_help: "In EasyPost: Account Settings, API Keys. A key that begins with EZTK is for tests, one with EZAK is live.",
    sign: Sign::Scheme("Basic"),
    mode_of_key,
    calls_per_second: NonZeroU32::new(5),
    backoff: Duration::from_secs(5),
    booking: Some(&BOOKING),
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(EasypostApi::new(config)?)),
};

fn mode_of_key(key: &str) -> Option<Mode> {
    match key.get(..4) {
        Some("EZTK") => Some(Mode::Test),
        Some("EZAK") => Some(Mode::Live),
        _ => None,
    }
}

struct EasypostApi {
    client: ApiClient,
}

impl EasypostApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        Ok(Self { client: ApiClient::new(&API, config, wire::complaint)? })
    }

    async fn shipment(&self, id: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let path = format!("shipments/{}", segment(id)?);
        self.client.ask(Ask::get("shipment", path), log, |body| body.get("id").is_some().then(|| body.clone())).await
    }

    /// The tracker of a number, where it is registered.
    async fn tracker(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        let mut query = vec![("tracking_code", number.number.clone()), ("page_size", "100".to_owned())];
        query.extend(number.carrier.clone().map(|carrier| ("carrier", carrier)));
        let ask = Ask::get("trackers", "trackers").with(query);
        let of = |body: &Value| {
            body.get("trackers")?.as_array()?;
            Some(wire::tracker_of(body, &number.number, number.carrier.as_deref()))
        };
        self.client.ask(ask, log, of).await
    }
}

#[async_trait]
impl Platform for EasypostApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::get("shipments", "shipments").with(vec![("page_size", "1".into())]);
        self.client.ask(ask, log, |body| body.get("shipments").map(drop)).await
    }

    fn booking(&self) -> Option<&dyn Booking> {
        Some(self)
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Booking for EasypostApi {
    fn manifest(&self) -> &'static BookingManifest {
        &BOOKING
    }

    fn admits(&self, mode: Mode) -> Result<(), Refusal> {
        self.client.fits(mode)
    }

    async fn create(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated> {
        let body = wire::shipment(request, &self.client.settings.accounts);
        let mode = request.mode;
        self.client.change(Ask::post("shipment/create", "shipments", body), log, |a| wire::rated(a, mode)).await
    }

    async fn buy(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked> {
        let Ok(id) = segment(&intent.shipment) else {
            return Refusal::new(RefusalCode::Gone, "the shipment's id cannot be one").into();
        };
        let ask = Ask::post("shipment/buy", format!("shipments/{id}/buy"), json!({"rate": {"id": intent.rate}}));
        self.client.change(ask, log, |answer| wire::booked(answer, id)).await
    }

    async fn find_booking(&self, intent: &BookIntent, quiet: Quiet, log: &dyn CallLog) -> Result<Lookup, CallError> {
        Ok(wire::found(&self.shipment(&intent.shipment, log).await?, quiet))
    }

    async fn void(&self, booking: &BookingRef, log: &dyn CallLog) -> Outcome<VoidState> {
        let Ok(id) = segment(&booking.shipment) else {
            return Refusal::new(RefusalCode::Gone, "the shipment's id cannot be one").into();
        };
        let ask = Ask::post("shipment/refund", format!("shipments/{id}/refund"), json!({}));
        self.client.change(ask, log, wire::voided).await
    }

    async fn fetch_void(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<VoidState, CallError> {
        let ask = Ask::get("shipment", format!("shipments/{}", segment(&booking.shipment)?));
        self.client.ask(ask, log, wire::void_state).await
    }

    async fn documents(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<Vec<Document>, CallError> {
        let ask = Ask::get("shipment", format!("shipments/{}", segment(&booking.shipment)?));
        let (label, papers) = self.client.ask(ask, log, wire::links).await?;
        self.client.documents(&label, papers, log).await
    }
}

#[async_trait]
impl OneByOne for EasypostApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        let TrackedNumber { number, carrier, .. } = number;
        let tracker = crate::answers::compact(json!({"tracker": {"tracking_code": number, "carrier": carrier}}));
        let ask = Ask::post("tracker/create", "trackers", tracker);
        self.client.change(ask, log, |answer| wire::registered(answer, number)).await
    }

    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()> {
        let id = match &number.id {
            Some(id) => id.clone(),
            None => match self.tracker(number, log).await {
                Ok(Some(tracker)) => tracker["id"].as_str().unwrap_or_default().to_owned(),
                Ok(None) => return Outcome::Done(()),
                Err(error) => return Outcome::NotSent(error),
            },
        };
        match segment(&id) {
            Ok(id) => {
                let ask = Ask::get("tracker/stop", format!("trackers/{id}")).by(Method::DELETE);
                self.client.change(ask, log, wire::stopped).await
            }
            Err(_) => Refusal::new(RefusalCode::Gone, "the tracker's id cannot be one").into(),
        }
    }

    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError> {
        if let Some(id) = &number.id {
            let ask = Ask::get("tracker", format!("trackers/{}", segment(id)?));
            return self.client.ask_raw(ask, log, |answer| Some(Snapshot(answer.body.clone()))).await;
        }
        let tracker = self.tracker(number, log).await?;
        let missing = || CallError::new(ErrorClass::NotFound, "EasyPost has no tracker of this number");
        tracker.map(|tracker| Snapshot(tracker.to_string().into_bytes())).ok_or_else(missing)
    }
}
