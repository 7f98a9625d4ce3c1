//! How Odoo writes values: empty is `false`, times are naive UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// The form of a Datetime field, in and out; an ISO time with `T…Z` is answered with 500.
const DATETIME: &str = "%Y-%m-%d %H:%M:%S";

/// A time as Odoo writes it.
pub(super) fn datetime(at: Timestamp) -> String {
    at.strftime(DATETIME).to_string()
}

/// A time as Odoo wrote it.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime(DATETIME, text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
}

/// A value where `false` means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub Option<T>);

// written out: a derived one would ask for `T: Default`
impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Empty(bool),
            Null(()),
            Value(T),
        }
        match Either::<T>::deserialize(from)? {
            Either::Empty(false) | Either::Null(()) => Ok(Self(None)),
            Either::Empty(true) => Err(D::Error::custom("true where a value or false is expected")),
            Either::Value(value) => Ok(Self(Some(value))),
        }
    }
}

/// A text that is not blank.
pub(super) fn text(value: Maybe<String>) -> Option<String> {
    value.0.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// A moment.
pub(super) fn moment(value: &Maybe<String>) -> Option<Timestamp> {
    value.0.as_deref().and_then(instant)
}

/// The body of an error (all of it but `debug`, which is a traceback).
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub name: String,
    #[serde(default)]
    pub message: Value,
}

/// Another record: its id and its name.
#[derive(Debug, Deserialize)]
pub(super) struct Link(pub i64, pub String);

/// A delivery, `stock.picking`.
#[derive(Debug, Deserialize)]
pub(super) struct Picking {
    pub id: i64,
    pub name: String,
    pub state: String,
    #[serde(default)]
    pub origin: Maybe<String>,
    #[serde(default)]
    pub sale_id: Maybe<Link>,
    #[serde(default)]
    pub carrier_id: Maybe<Link>,
    #[serde(default)]
    pub carrier_tracking_ref: Maybe<String>,
    #[serde(default)]
    pub scheduled_date: Maybe<String>,
    #[serde(default)]
    pub date_deadline: Maybe<String>,
    #[serde(default)]
    pub date_done: Maybe<String>,
    pub write_date: String,
    #[serde(default)]
    pub partner_id: Maybe<Link>,
}

/// What is read of a sales order.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    #[serde(default)]
    pub commitment_date: Maybe<String>,
}

/// A contact.
#[derive(Debug, Deserialize)]
pub(super) struct Partner {
    #[serde(default)]
    pub name: Maybe<String>,
    #[serde(default)]
    pub street: Maybe<String>,
    #[serde(default)]
    pub city: Maybe<String>,
    #[serde(default)]
    pub zip: Maybe<String>,
    #[serde(default)]
    pub country_code: Maybe<String>,
    #[serde(default)]
    pub lang: Maybe<String>,
    #[serde(default)]
    pub tz: Maybe<String>,
    #[serde(default)]
    pub email: Maybe<String>,
}

/// Who looks after a delivery or an order.
#[derive(Debug, Deserialize)]
pub(super) struct Responsible {
    #[serde(default)]
    pub user_id: Maybe<Link>,
    #[serde(default)]
    pub sale_id: Maybe<Link>,
}

/// A record of which only the id matters.
#[derive(Debug, Deserialize)]
pub(super) struct Id {
    pub id: i64,
}
