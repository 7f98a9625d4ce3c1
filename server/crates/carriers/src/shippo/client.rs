//! Shippo's API: shipments, transactions, tracks. Nothing of it keeps a second purchase of one rate from making a second label, so a
//! rate is bought by one intent alone, and its transactions are read before anything is sent again.

use super::wire;
use crate::{
    api::{ApiClient, ApiConfig, ApiManifest, Ask, Platform, Sign, segment},
    booking::{
        BookIntent, BookKey, Booked, Booking, BookingManifest, BookingRef, Document, LabelFormat, Lookup, Mode, Quiet,
        RateRequest, Rated, VoidState,
    },
    outcome::{Outcome, Refusal, RefusalCode},
    registering::{
        Again, OneByOne, Registered, RegisteredNumber, Registering, RegisteringManifest, Snapshot, Standing,
        TrackedNumber,
    },
};
use async_trait::async_trait;
use domain::booking::Ends;
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

const BOOKING: BookingManifest = BookingManifest {
    key: BookKey::None,
    formats: &[LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl],
    needs_dimensions: true,
    tracks_labels: true,
    void_window: "The carrier's own, unused labels only; decided within 14 days.",
};

const REGISTERING: RegisteringManifest = RegisteringManifest {
    batch_max: 1,
    again: Again::Doubles,
    needs_carrier: true,
    carriers: CARRIERS,
    stops: false,
    fetches: true,
    ends: Ends { on_delivery: false, on_exception: false, days: None, silent_days: None },
    ends_when: "Never by itself; a webhook has to exist before a number is registered.",
};

/// Source: docs.goshippo.com, Tracking Carriers. DHL, DPD and GLS have a token for each country or division there: only brands that
/// name theirs are in the list.
const CARRIERS: &[(&str, &str)] = &[
    ("aramex", "aramex"),
    ("australia_post", "australia_post"),
    ("bring", "bring"),
    ("canada_post", "canada_post"),
    ("chronopost", "chronopost"),
    ("colissimo", "colissimo"),
    ("correos", "correos_espana"),
    ("deutsche_post", "deutsche_post"),
    ("dhl_ecommerce", "dhl_ecommerce"),
    ("dhl_express", "dhl_express"),
    ("dhl_parcel_de", "dhl_germany"),
    ("evri", "hermes_uk"),
    ("fedex", "fedex"),
    ("mondial_relay", "mondial_relay"),
    ("ontrac", "ontrac"),
    ("poste_italiane", "poste_italiane"),
    ("posti", "posti"),
    ("purolator", "purolator"),
    ("royal_mail", "royal_mail"),
    ("ups", "ups"),
    ("usps", "usps"),
];

/// The API.
pub(super) static API: ApiManifest = ApiManifest {
    id: "shippo",
    label: "Shippo",
    url: Some("https://api.goshippo.com"),
    key_label: "API token",
    key_help: "In Shippo: Settings, API. A token that begins with shippo_test_ is for tests, one with shippo_live_ is live.",
    sign: Sign::Scheme("ShippoToken"),
    mode_of_key,
    calls_per_second: NonZeroU32::new(8),
    backoff: Duration::from_secs(60),
    booking: Some(&BOOKING),
    registering: Some(&REGISTERING),
    connect: |config| Ok(Arc::new(ShippoApi::new(config)?)),
};

/// The version of the API that this is written for.
const VERSION: &str = "2018-02-08";
/// Transactions of a page, and pages of the recent list that are looked through; the list may be asked 50 times a minute.
const PAGE: &str = "100";
const PAGES_MAX: usize = 3;

fn mode_of_key(key: &str) -> Option<Mode> {
    match () {
        () if key.starts_with("shippo_test_") => Some(Mode::Test),
        () if key.starts_with("shippo_live_") => Some(Mode::Live),
        () => None,
    }
}

struct ShippoApi {
    client: ApiClient,
}

impl ShippoApi {
    fn new(config: ApiConfig) -> Result<Self, CallError> {
        let client = ApiClient::new(&API, config, wire::complaint)?;
        Ok(Self { client: client.with_header("SHIPPO-API-VERSION", VERSION) })
    }

    async fn transactions(
        &self,
        query: Vec<(&'static str, String)>,
        log: &dyn CallLog,
    ) -> Result<Vec<Value>, CallError> {
        let ask = Ask::get("transactions", "transactions/").with(query);
        self.client.ask(ask, log, |body| body.get("results")?.as_array().cloned()).await
    }

    /// What it means that no transaction is listed at the end.
    fn unlisted(&self, mode: Mode) -> Lookup {
        match mode {
            Mode::Live if !self.client.settings.resend_unlisted => Lookup::CannotTell,
            Mode::Live | Mode::Test => Lookup::ProvenAbsent,
        }
    }
}

#[async_trait]
impl Platform for ShippoApi {
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let ask = Ask::get("carrier accounts", "carrier_accounts/").with(vec![("results", "1".into())]);
        self.client.ask(ask, log, |body| body.get("results").map(drop)).await
    }

    fn booking(&self) -> Option<&dyn Booking> {
        Some(self)
    }

    fn registering(&self) -> Option<&dyn Registering> {
        Some(self)
    }
}

#[async_trait]
impl Booking for ShippoApi {
    fn manifest(&self) -> &'static BookingManifest {
        &BOOKING
    }

    fn admits(&self, mode: Mode) -> Result<(), Refusal> {
        self.client.fits(mode)
    }

    async fn create(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated> {
        let body = wire::shipment(request, &self.client.settings.accounts);
        let mode = request.mode;
        self.client.change(Ask::post("shipment/create", "shipments/", body), log, |a| wire::rated(a, mode)).await
    }

    async fn buy(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked> {
        let ask = Ask::post("transaction/create", "transactions/", wire::purchase(intent));
        self.client.change(ask, log, |answer| wire::booked(answer, intent)).await
    }

    async fn find_booking(&self, intent: &BookIntent, quiet: Quiet, log: &dyn CallLog) -> Result<Lookup, CallError> {
        if let Some(handle) = &intent.handle {
            let ask = Ask::get("transaction", format!("transactions/{}", segment(handle)?));
            let one = self.client.ask(ask, log, |body| body.get("object_id").map(|_| body.clone())).await?;
            return Ok(wire::found(&[one], intent, quiet, Lookup::CannotTell));
        }
        let query = vec![("rate", intent.rate.clone()), ("results", PAGE.to_owned())];
        let mut listed = self.transactions(query, log).await?;
        // the filter is known to have found nothing where something was; the whole list is dear, so it is read at the end alone
        if listed.is_empty() && quiet == Quiet::Over {
            for page in 1..=PAGES_MAX {
                let query = vec![("results", PAGE.to_owned()), ("page", page.to_string())];
                let more = self.transactions(query, log).await?;
                let is_last = more.len() < 100;
                listed.extend(more.into_iter().filter(|body| wire::is_ours(body, intent)));
                if is_last || !listed.is_empty() {
                    break;
                }
            }
        }
        Ok(wire::found(&listed, intent, quiet, self.unlisted(intent.mode)))
    }

    async fn void(&self, booking: &BookingRef, log: &dyn CallLog) -> Outcome<VoidState> {
        let body = json!({"transaction": booking.label, "async": false});
        self.client.change(Ask::post("refund/create", "refunds/", body), log, wire::voided).await
    }

    async fn fetch_void(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<VoidState, CallError> {
        let ask = Ask::get("transaction", format!("transactions/{}", segment(&booking.label)?));
        self.client.ask(ask, log, wire::void_state).await
    }

    async fn documents(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<Vec<Document>, CallError> {
        let ask = Ask::get("transaction", format!("transactions/{}", segment(&booking.label)?));
        let (label, invoice) = self.client.ask(ask, log, wire::links).await?;
        self.client.documents(&label, invoice, log).await
    }
}

#[async_trait]
impl OneByOne for ShippoApi {
    fn manifest(&self) -> &'static RegisteringManifest {
        &REGISTERING
    }

    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered> {
        if number.carrier.is_none() {
            return Refusal::new(RefusalCode::Carrier, "Shippo needs the carrier of a number").into();
        }
        let ask = Ask::post("track/create", "tracks/", wire::track(number));
        self.client.change(ask, log, |answer| wire::registered(answer, number)).await
    }

    async fn stop_one(&self, _number: &RegisteredNumber, _log: &dyn CallLog) -> Outcome<()> {
        Refusal::new(RefusalCode::State, "Shippo has no way to stop reports about a number").into()
    }

    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError> {
        let missing = || CallError::new(ErrorClass::Rejected, "Shippo needs the carrier of a number");
        let carrier = segment(number.carrier.as_deref().ok_or_else(missing)?)?;
        let ask = Ask::get("track", format!("tracks/{carrier}/{}", segment(&number.number)?));
        self.client.ask_raw(ask, log, |answer| Some(Snapshot(answer.body.clone()))).await
    }

    // it reads the carrier for everyone who asks: only the words that came with our registration show that there is one
    async fn standing_of(&self, number: &TrackedNumber, log: &dyn CallLog) -> Result<Standing, CallError> {
        let Some(carrier) = &number.carrier else { return Ok(Standing::CannotTell) };
        let path = format!("tracks/{}/{}", segment(carrier)?, segment(&number.number)?);
        self.client.ask(Ask::get("track", path), log, |body| wire::standing(body, number)).await
    }
}
