//! How Odoo writes values: empty is `false`, times are naive UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error};

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

/// A text without blanks around it; none where nothing is left.
pub(super) fn short_text(text: &str) -> Option<String> {
    Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned)
}

/// What people call a record; one without a name is known by its id.
pub(super) fn named(name: Option<&str>, id: i64) -> String {
    name.map_or_else(|| format!("#{id}"), str::to_owned)
}

/// A record of which only the id matters.
#[derive(Debug, Deserialize)]
pub(super) struct Id {
    pub id: i64,
}
