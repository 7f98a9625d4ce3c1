//! Booking a shipment at a platform: the same steps at every one. Create the shipment and get its rates; keep its id; buy one
//! rate; after an unknown outcome look first. No step is repeated inside: what is safe to repeat is said here, and who calls
//! keeps the intent before each call.

use crate::outcome::{Outcome, Refusal, RefusalCode};
use async_trait::async_trait;
use domain::money::Money;
use jiff::civil::Date;
use outbound::{CallError, CallLog, Foreign};
use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};

/// What a platform's booking is like.
#[derive(Clone, Copy, Debug)]
pub struct BookingManifest {
    /// What keeps a second purchase of one intent from making a second label.
    pub key: BookKey,
    /// Label formats, the usual one first.
    pub formats: &'static [LabelFormat],
    /// Whether a rate needs the parcel's dimensions.
    pub needs_dimensions: bool,
    /// Whether it reports about its own labels without being asked: to register one would be a second report of everything.
    pub tracks_labels: bool,
    /// What a void means there and how long it is possible, for people.
    pub void_window: &'static str,
}

/// What keeps a second purchase of one intent from making a second label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookKey {
    /// The booking key is a reference on the shipment that the platform takes once.
    UniqueReference {
        /// Longer ones are cut by the platform.
        chars_max: usize,
    },
    /// The platform refuses to buy one shipment object twice.
    ObjectGuard,
    /// Nothing: only looking before each try does.
    None,
}

/// Whether a booking is for real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Labels that no carrier takes; nothing is paid.
    #[default]
    Test,
    /// Labels that are paid.
    Live,
}

impl Mode {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// The form of a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelFormat {
    /// A page of about 10 by 15 cm.
    #[default]
    Pdf,
    /// A picture.
    Png,
    /// For label printers.
    Zpl,
}

impl LabelFormat {
    /// The ending of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Zpl => "zpl",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Zpl => "text/plain",
        }
    }

    /// What these bytes are; none where they are no label, an error page say.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |with: &[u8]| bytes.trim_ascii_start().starts_with(with);
        match () {
            () if begins(b"%PDF-") => Some(Self::Pdf),
            () if begins(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            () if begins(b"^XA") || begins(b"${^XA") || begins(b"CT~~CD,") => Some(Self::Zpl),
            () => None,
        }
    }
}

/// What one booking is known by, everywhere and for ever: one label for each. A new one only after a proven void or refusal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookingKey(String);

/// Characters of a booking key: every platform keeps so many.
const KEY_CHARS: usize = 32;

impl BookingKey {
    /// The key of what these name together: company, database, delivery, parcel, generation.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in parts {
            // with their lengths, so that no two lists of parts run together
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex(&hash.finish().as_ref()[..KEY_CHARS / 2]))
    }

    /// A key as it was kept.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == KEY_CHARS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// As it is kept and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// A sender or recipient. Neither `Debug` nor an error shows it.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of an address, named as such")]
pub struct Address {
    pub name: Option<String>,
    pub company: Option<String>,
    pub street1: String,
    pub street2: Option<String>,
    pub city: String,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// Two capital letters (ISO 3166-1).
    pub country: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Whether it is a home, where that is known.
    pub residential: Option<bool>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}, …)", self.country)
    }
}

/// A parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its weight.
    pub weight_g: u32,
    /// Length, width and height, where they are known.
    pub size_mm: Option<[u32; 3]>,
}

/// What customs want to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Customs {
    /// What it is.
    pub contents: Contents,
    /// What becomes of it when it cannot be delivered.
    pub undeliverable: Undeliverable,
    /// Three letters: `DAP`, `DDP`.
    pub incoterm: Option<String>,
    /// The invoice's number.
    pub invoice: Option<String>,
    /// Who signs the declaration.
    pub signer: String,
    /// What is in it.
    pub items: Vec<CustomsItem>,
}

impl fmt::Debug for Customs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Customs({:?}, {} items)", self.contents, self.items.len())
    }
}

/// What a shipment is to customs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "plain words")]
pub enum Contents {
    Merchandise,
    Gift,
    Documents,
    ReturnedGoods,
    Sample,
}

/// What becomes of a shipment that cannot be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "plain words")]
pub enum Undeliverable {
    Return,
    Abandon,
}

/// A line of a customs declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomsItem {
    /// What it is, in English.
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// Of all of them together.
    pub net_weight_g: u32,
    /// Of one of them.
    pub unit_value: Money,
    /// The tariff number.
    pub hs_code: Option<String>,
    /// Where it was made: two capital letters.
    pub origin: String,
    /// The article's number.
    pub sku: Option<String>,
}

impl CustomsItem {
    /// Of all of them together.
    pub fn value(&self) -> Money {
        Money { minor: self.unit_value.minor.saturating_mul(i64::from(self.quantity)), ..self.unit_value }
    }
}

/// What is to be booked: one parcel. A delivery of several is several bookings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateRequest {
    /// What the booking is known by.
    pub key: BookingKey,
    /// Whether it is for real.
    pub mode: Mode,
    /// The recipient.
    pub to: Address,
    /// The sender.
    pub from: Address,
    /// The parcel.
    pub parcel: Parcel,
    /// For customs, where the shipment crosses a border of theirs.
    pub customs: Option<Customs>,
    /// What is printed on the label for the warehouse, at most [`REFERENCES_MAX`]: the delivery, the order.
    pub references: Vec<String>,
    /// Whether the recipient signs.
    pub signature: bool,
    /// The label's form.
    pub format: LabelFormat,
    /// The day on which the carrier takes it, where it is not today.
    pub ship_on: Option<Date>,
}

/// References that are printed.
pub const REFERENCES_MAX: usize = 2;

impl RateRequest {
    /// Whether it can be sent to a platform at all.
    ///
    /// # Errors
    /// Says which part is missing or wrong.
    pub fn check(&self, manifest: &BookingManifest) -> Result<(), Refusal> {
        checked_address(&self.to, "the recipient's address")?;
        checked_address(&self.from, "the sender's address")?;
        let parcel = |what: &str| Err(Refusal::new(RefusalCode::Parcel, what));
        match self.parcel {
            Parcel { weight_g: 0, .. } => return parcel("the parcel has no weight"),
            Parcel { size_mm: Some(sides), .. } if sides.contains(&0) => return parcel("a side of the parcel is 0 mm"),
            Parcel { size_mm: None, .. } if manifest.needs_dimensions => {
                return parcel("the parcel needs length, width and height for this platform");
            }
            Parcel { .. } => {}
        }
        if !manifest.formats.contains(&self.format) {
            let text = format!("this platform makes no {} labels", self.format.extension());
            return Err(Refusal::new(RefusalCode::Content, text));
        }
        self.customs.as_ref().map_or(Ok(()), checked_customs)
    }
}

fn checked_address(address: &Address, whose: &str) -> Result<(), Refusal> {
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    let missing = match () {
        () if blank(&address.name) && blank(&address.company) => "a name",
        () if address.street1.trim().is_empty() => "a street",
        () if address.city.trim().is_empty() => "a city",
        () if !is_country(&address.country) => "a country of two capital letters",
        () => return Ok(()),
    };
    Err(Refusal::new(RefusalCode::Address, format!("{whose} needs {missing}")))
}

fn checked_customs(customs: &Customs) -> Result<(), Refusal> {
    let refused = |what: String| Err(Refusal::new(RefusalCode::Customs, what));
    if customs.items.is_empty() {
        return refused("the customs declaration has no items".into());
    }
    for (n, item) in (1..).zip(&customs.items) {
        let missing = match () {
            () if item.description.trim().is_empty() => "a description",
            () if item.quantity == 0 => "a quantity",
            () if item.net_weight_g == 0 => "a weight",
            () if !is_country(&item.origin) => "a country of origin of two capital letters",
            () => continue,
        };
        return refused(format!("item {n} of the customs declaration needs {missing}"));
    }
    Ok(())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// A shipment at the platform, not bought yet, with what carriers would take for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// The platform's id of the shipment: keep it before anything is bought.
    pub shipment: String,
    /// What is offered; may be empty.
    pub rates: Vec<Rate>,
    /// Carriers that offer nothing, and why.
    pub messages: Vec<CarrierMessage>,
}

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The platform's id.
    pub id: String,
    /// The carrier, as the platform calls it.
    pub carrier: String,
    /// The carrier account, where the platform says it.
    pub account: Option<String>,
    /// The service's code.
    pub service: String,
    /// What it costs.
    pub price: Money,
    /// Days to delivery, where the carrier says them.
    pub days: Option<u16>,
}

/// What one carrier says instead of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierMessage {
    /// The carrier, where it is named.
    pub carrier: Option<String>,
    /// Its code, where it has one.
    pub code: Option<String>,
    /// Its words.
    pub said: Foreign,
}

/// One purchase. It is kept before it is sent, and one is sent at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookIntent {
    /// What the booking is known by.
    pub key: BookingKey,
    /// The platform's id of the shipment.
    pub shipment: String,
    /// The rate to buy.
    pub rate: String,
    /// Whether it is for real.
    pub mode: Mode,
    /// The label's form.
    pub format: LabelFormat,
    /// What a pending purchase is known by: see [`Outcome::Pending`].
    pub handle: Option<String>,
}

/// A shipment that is bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The platform's ids.
    pub booking: BookingRef,
    /// The carrier's number.
    pub tracking_number: String,
    /// The carrier, as the platform calls it, where it says it.
    pub carrier: Option<String>,
    /// The service's code, where the platform says it.
    pub service: Option<String>,
    /// What is charged, where the platform says it; the rate has what was offered.
    pub charged: Option<Money>,
    /// The tracker that the platform made by itself, where it did.
    pub tracker: Option<String>,
}

/// What a bought shipment is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BookingRef {
    /// The platform's id of the shipment.
    pub shipment: String,
    /// The platform's id of the label or purchase; the shipment's where it has none of its own.
    pub label: String,
}

/// Whether the quiet period of a purchase (`domain::booking::QUIET_PERIOD`) is over: a carrier may still take it from a queue before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// It may still come.
    Waiting,
    /// What is not there now was not bought.
    Over,
}

/// What a look for a purchase finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is bought.
    Found(Booked),
    /// It is bought more than once, oldest first: keep the first, void the others, and notify a person.
    Several(Vec<Booked>),
    /// The platform refused it.
    Refused(Refusal),
    /// Not there yet: look again.
    NotYet,
    /// It is not bought: the same purchase may be sent again.
    ProvenAbsent,
    /// The platform cannot say: a person decides. Never send it again without one.
    CannotTell,
}

/// Where a void stands. It is a request at first, and may be refused weeks later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoidState {
    /// It was not asked for.
    NotRequested,
    /// It was asked for; the carrier decides.
    Requested,
    /// The label is void, or its price paid back.
    Voided,
    /// Refused: the label stays paid.
    Rejected {
        /// Why, in the platform's words.
        said: Foreign,
    },
    /// There is nothing to pay back: the carrier bills what it scans.
    NotApplicable,
    /// The platform counts it as void, but its connector does not ask the carrier: that is left to a person.
    NotAtCarrier,
}

impl VoidState {
    /// Whether it changes no more.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::NotRequested | Self::Requested)
    }
}

/// What a paper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// The label.
    Label,
    /// A paper for customs.
    Customs,
}

/// A file of a bought shipment.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub paper: Paper,
    /// Its form.
    pub format: LabelFormat,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Document {
    /// Its SHA-256 in hexadecimal digits.
    pub fn digest(&self) -> String {
        hex(digest(&SHA256, &self.bytes).as_ref())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}, {} bytes)", self.paper, self.format.extension(), self.bytes.len())
    }
}

/// Booking at one platform.
#[async_trait]
pub trait Booking: Send + Sync {
    /// What it is like there.
    fn manifest(&self) -> &'static BookingManifest;

    /// Whether bookings of this mode may be made with the connection and its key.
    ///
    /// # Errors
    /// Says which of the two is for other ones.
    fn admits(&self, mode: Mode) -> Result<(), Refusal>;

    /// Creates the shipment, unless the platform has it under its key, and gets its rates. Safe to repeat: nothing is bought.
    async fn rate(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated> {
        match self.admits(request.mode).and_then(|()| request.check(self.manifest())) {
            Ok(()) => self.create(request, log).await,
            Err(refusal) => refusal.into(),
        }
    }

    /// The same for a request that is admitted and checked.
    async fn create(&self, request: &RateRequest, log: &dyn CallLog) -> Outcome<Rated>;

    /// Buys, once. The intent has to be kept before.
    async fn book(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked> {
        match self.admits(intent.mode) {
            Ok(()) => self.buy(intent, log).await,
            Err(refusal) => refusal.into(),
        }
    }

    /// The same for an intent that is admitted.
    async fn buy(&self, intent: &BookIntent, log: &dyn CallLog) -> Outcome<Booked>;

    /// Looks for what became of a purchase. Safe to repeat.
    ///
    /// # Errors
    /// When the platform does not answer as it should: look again.
    async fn find_booking(&self, intent: &BookIntent, quiet: Quiet, log: &dyn CallLog) -> Result<Lookup, CallError>;

    /// Asks for a label to be voided, once; see [`Booking::fetch_void`] for what becomes of it.
    async fn void(&self, booking: &BookingRef, log: &dyn CallLog) -> Outcome<VoidState>;

    /// Where a void stands. Safe to repeat.
    ///
    /// # Errors
    /// When the platform does not answer as it should.
    async fn fetch_void(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<VoidState, CallError>;

    /// The label, and papers for customs. Links to them expire, so they are read anew each time. Safe to repeat.
    ///
    /// # Errors
    /// When the platform does not answer as it should, or a file is none.
    async fn documents(&self, booking: &BookingRef, log: &dyn CallLog) -> Result<Vec<Document>, CallError>;
}

#[cfg(test)]
mod tests;
