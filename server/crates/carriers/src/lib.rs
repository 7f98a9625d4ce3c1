//! Carriers and visibility platforms: one folder each, one shape, one constant list.

mod aftership;
mod answers;
pub mod api;
pub mod api_template;
pub mod booking;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod composed;
mod dcsa;
mod easypost;
mod easyship;
mod edifact_iftsta;
mod endpoint;
mod epcis;
mod formats;
mod fourkites;
pub mod generic_json;
mod karrio;
pub mod keys;
mod mfs_xml;
pub mod outcome;
pub mod present;
mod project44;
pub mod registering;
pub mod scenarios;
mod sendcloud;
#[path = "17track/mod.rs"]
mod seventeen_track;
mod shipengine;
mod shippo;
#[cfg(test)]
mod spoiled;
pub mod template;
mod terminal49;
mod tidy;
mod trackingmore;
mod ups_track_alert;
mod verify;
mod x12_214;
mod x12_315;
mod x12_322;
mod x12_856;

use domain::{
    event_time::is_zone,
    fold::Trust,
    numbers,
    observation::{Decoded, Problem, TrackerReport},
    place,
};
use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

pub use endpoint::{Endpoint, Handshake, HandshakeAnswer, HandshakeError};
pub use verify::{Covers, Material, Scheme, verify_named};

/// Every carrier and platform.
pub const ALL: &[&dyn Carrier] = &[
    &aftership::Aftership,
    &dcsa::Dcsa,
    &easypost::Easypost,
    &easyship::Easyship,
    &edifact_iftsta::Iftsta,
    &epcis::Epcis,
    &fourkites::Fourkites,
    &generic_json::GenericJson::UNMAPPED,
    &karrio::Karrio,
    &mfs_xml::MfsXml,
    &project44::Project44,
    &sendcloud::Sendcloud,
    &seventeen_track::SeventeenTrack,
    &shipengine::Shipengine,
    &shippo::Shippo,
    &terminal49::Terminal49,
    &trackingmore::Trackingmore,
    &ups_track_alert::UpsTrackAlert,
    &x12_214::X12214,
    &x12_315::X12315,
    &x12_322::X12322,
    &x12_856::X12856,
];

/// What a source of messages is set to, beside its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The carrier of everything that names none: a word of the carrier directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The IANA zone of wall clocks for which neither the message nor the place names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The header that holds a shared secret, where it is not the platform's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The only networks (CIDR) from which requests are taken; every one where the list is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<IpNet>,
    /// Where the platform publishes its keys (JWKS); then they are fetched, and again when they change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_url: Option<String>,
    /// Where a generic JSON source has what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<generic_json::Fields>,
    /// How messages that are marked as tests are processed.
    #[serde(skip_serializing_if = "Tests::are_shown")]
    pub tests: Tests,
    /// An admin knows what is weak about the proof, and accepts it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub weakness_known: bool,
}

/// How messages that are marked as tests are processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tests {
    /// They are kept and shown, and change no shipment.
    #[default]
    Shown,
    /// They are processed as if they had happened: for installations that are themselves for testing.
    Taken,
}

impl Tests {
    fn are_shown(&self) -> bool {
        *self == Self::Shown
    }
}

impl Settings {
    /// Whether a source can be set so.
    ///
    /// # Errors
    /// Says what is wrong, and how it is written.
    pub fn check(&self) -> Result<(), String> {
        match &self.zone {
            Some(zone) if !is_zone(zone) => {
                Err(format!("{zone:?} is no time zone: write its name in the IANA database, like Europe/Berlin"))
            }
            _ => Ok(()),
        }
    }
}

/// The connector of a source.
pub enum Configured {
    /// The same for every source.
    Fixed(&'static dyn Carrier),
    /// Reads as its source is set.
    Mapped(Box<generic_json::GenericJson>),
}

impl Configured {
    /// The connector of this id, as a source is set; none where there is no such connector. Whether mapped fields can be
    /// used is said by [`generic_json::Fields::check`], before they are stored, and by each decoding.
    pub fn new(id: &str, settings: &Settings) -> Option<Self> {
        match &settings.fields {
            Some(fields) if id == generic_json::ID => {
                Some(Self::Mapped(Box::new(generic_json::GenericJson { fields: fields.clone() })))
            }
            _ => by_id(id).map(Self::Fixed),
        }
    }

    /// The connector.
    pub fn carrier(&self) -> &dyn Carrier {
        match self {
            Self::Fixed(carrier) => *carrier,
            Self::Mapped(carrier) => carrier.as_ref(),
        }
    }
}

/// Reads the statements out of a message, with places and zones settled.
///
/// # Errors
/// When nothing can be read, or the message is none about tracking.
pub fn read(carrier: &dyn Carrier, settings: &Settings, raw: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoded = carrier.decode(raw)?;
    for report in &mut decoded.reports {
        if report.carrier.is_none() {
            report.carrier.clone_from(&settings.carrier);
        }
    }
    tidy::tidy(&mut decoded);
    place::settle(&mut decoded, settings.zone.as_deref());
    decoded.problems.extend(decoded.reports.iter().enumerate().filter_map(|(n, report)| unusable_number(n, report)));
    let tests = decoded.reports.iter().filter(|report| report.test).count();
    decoded
        .problems
        .extend((tests > 0).then(|| Problem { at: String::new(), message: test_message(tests, settings.tests) }));
    Ok(decoded)
}

fn test_message(tests: usize, taken: Tests) -> String {
    let moved = match taken {
        Tests::Shown => "they are shown and change no shipment",
        Tests::Taken => "the source is set to process them as if they had happened",
    };
    format!("the message is marked as a test, of {tests} report(s): {moved}")
}

/// Takes out of a message what moves no shipment. What is left, and why nothing is where the message was a test.
pub fn moving(mut decoded: Decoded, settings: &Settings) -> Result<Decoded, DecodeError> {
    if settings.tests == Tests::Shown {
        let reports = decoded.reports.len();
        decoded.reports.retain(|report| !report.test);
        if decoded.reports.is_empty() && reports > 0 {
            return Err(DecodeError::NotTracking("marked as a test message: it changes no shipment".into()));
        }
    }
    Ok(decoded)
}

/// A report without a usable number belongs to no shipment: it becomes a problem, and is not silently dropped later.
fn unusable_number(n: usize, report: &TrackerReport) -> Option<Problem> {
    let (kind, number) = report.refs.tracker()?;
    let bad = numbers::normalise(number).err()?;
    let kind = serde_json::to_value(kind).ok()?;
    Some(Problem { at: format!("report {n}, {}", kind.as_str().unwrap_or_default()), message: bad.to_string() })
}

/// The connector of this id.
pub fn by_id(id: &str) -> Option<&'static dyn Carrier> {
    ALL.iter().copied().find(|carrier| carrier.manifest().id == id)
}

/// The largest file (interchange, document) that is taken, in bytes; a message of JSON may have a mebibyte.
pub const FILE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The fixed properties of a carrier's connector.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// Its name in configuration and on the command line: that of its folder.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// How far it is trusted against other sources (R11).
    pub trust: Trust,
    /// The schemes that it can be verified by; the first is the default. No default is insecure: a source without
    /// any scheme has to be allowed in writing.
    pub schemes: &'static [Scheme],
    /// How the platform signs its messages by itself: the first that fits a request counts where no scheme is named.
    pub usual: &'static [Scheme],
    /// The header that carries the proof, where the scheme leaves its name to the platform and the platform has its own.
    pub proof_header: Option<&'static str>,
    /// The largest body taken, in bytes.
    pub max_body_bytes: usize,
    /// How its senders want to be answered.
    pub endpoint: Endpoint,
}

/// A request as received: verification works on these bytes, before any parsing.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, without the query; empty where it is not known.
    pub path: &'a str,
    /// The query, without the question mark. Never kept, never logged: it may hold a token.
    pub query: &'a str,
    /// Who is connected; none where that is not known.
    pub peer: Option<IpAddr>,
    /// The headers.
    pub headers: &'a http::HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// What a source is verified with.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The scheme the admin chose.
    pub scheme: Scheme,
    /// One, or two while a secret is being rotated. For Basic `user:password`, for RSA the JWKS, for ed25519 the public
    /// key; empty only where the networks are the proof.
    pub active: Vec<SecretString>,
    /// The header that holds a shared secret, where the admin named another one than the platform's usual.
    pub header: Option<String>,
    /// The only networks from which requests are taken; every one where there is none.
    pub networks: Vec<IpNet>,
}

impl Secrets {
    /// Secrets, newest first, under the platform's usual header and from any network.
    pub fn new(scheme: Scheme, active: Vec<SecretString>) -> Self {
        Self { scheme, active, header: None, networks: Vec::new() }
    }
}

/// What tells one delivery from another: the provider's event id where it has one. Authentic bytes that cannot be
/// parsed have none, and differ by their digest alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryKey(pub Option<String>);

/// A request that was proved to come from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What tells it from other deliveries.
    pub key: DeliveryKey,
    /// Where the proof covers a time and not the body, and no networks say who sends: what it is known by, since it is good
    /// for one message only.
    pub once: Option<String>,
}

/// Why a request is refused. The text names no secret and no expected value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header that the scheme needs is not there.
    #[error("header {0} is missing")]
    MissingHeader(&'static str),
    /// A header is there more than once with different values.
    #[error("header {0} is given more than once")]
    RepeatedHeader(&'static str),
    /// A header, or the field of the body that stands for one, cannot be read.
    #[error("{0} is malformed: {1}")]
    MalformedHeader(&'static str, &'static str),
    /// The signature or secret is not right.
    #[error("the {0} does not match")]
    Mismatch(&'static str),
    /// The time stamp is too far from now.
    #[error("the time stamp is {0} s away from now; at most {1} s are allowed")]
    Stale(i64, i64),
    /// It names a key that is not among the known keys of the platform.
    #[error("the key it is signed with is not known")]
    UnknownKey,
    /// It comes from a network that the admin did not allow.
    #[error("the address {0} is in none of the networks of the source")]
    Elsewhere(IpAddr),
    /// The connector does not know the scheme, or has no secret for it.
    #[error("{0}")]
    NotConfigured(&'static str),
}

/// Why a message cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the format it should be.
    #[error("not {expected}: {reason}")]
    Malformed {
        /// What was expected.
        expected: &'static str,
        /// What was found, without content.
        reason: String,
    },
    /// Well-formed, but not a tracking message: nothing to do.
    #[error("not a tracking message: {0}")]
    NotTracking(String),
    /// A needed part is missing or of the wrong kind.
    #[error("{at}: {reason}")]
    Incomplete {
        /// Where.
        at: String,
        /// What is missing and what to do.
        reason: String,
    },
}

impl DecodeError {
    /// What kind of refusal it is, in a word that is safe to log: the texts may quote the message.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::NotTracking(_) => "not_tracking",
            Self::Incomplete { .. } => "incomplete",
        }
    }
}

/// One carrier or platform.
pub trait Carrier: Sync {
    /// What is fixed about it.
    fn manifest(&self) -> &'static Manifest;

    /// What its API does beside: booking, registering numbers. None where that is nothing.
    fn api(&self) -> Option<&'static api::ApiManifest> {
        None
    }

    /// Proves that the request comes from the source, over the raw bytes.
    ///
    /// # Errors
    /// Says why not; fails closed.
    fn verify(&self, secrets: &Secrets, request: &RawRequest<'_>, now: Timestamp) -> Result<Verified, Rejected> {
        let once = verify::with_secrets(self.manifest(), secrets, request, now)?;
        Ok(Verified { key: self.delivery_key(request.body), once })
    }

    /// The delivery's own id in a body; none where the provider gives none or the body cannot be parsed.
    fn delivery_key(&self, _raw: &[u8]) -> DeliveryKey {
        DeliveryKey(None)
    }

    /// Reads the statements out of a message. Pure; never guesses.
    ///
    /// # Errors
    /// When nothing can be read, or the message is none about tracking.
    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError>;
}
