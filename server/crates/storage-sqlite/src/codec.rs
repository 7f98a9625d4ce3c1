//! Between rows and records: times are microseconds, ids are bytes, words are the serialised names of enums, structured
//! values are JSON. And between database errors and what callers can act on.

use jiff::Timestamp;
use rusqlite::ffi;
use serde::{
    Serialize,
    de::{self, DeserializeOwned, IntoDeserializer},
};
use storage::StoreError;
use uuid::Uuid;

/// An error on its way out of a query. Its own type, so that `?` takes both kinds.
#[derive(Debug)]
pub(crate) struct Fail(pub(crate) StoreError);

/// What a query gives.
pub(crate) type Done<T> = Result<T, Fail>;

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Fail> for StoreError {
    fn from(fail: Fail) -> Self {
        fail.0
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(cause, _) = &error else {
            return Self(StoreError::Damaged(error.to_string()));
        };
        Self(match cause.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                StoreError::Conflict(error.to_string())
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::NotFound("row that is referred to"),
            ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_CHECK => StoreError::Damaged(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        })
    }
}

/// A time as it is stored.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An optional time as it is stored.
pub(crate) fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(micros)
}

/// A stored time.
pub(crate) fn timestamp(micros: i64) -> Done<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|e| Fail(StoreError::Damaged(format!("time: {e}"))))
}

/// The month of a time, as partitions are named: 202611.
pub(crate) fn month(at: Timestamp) -> i64 {
    let day = at.to_zoned(jiff::tz::TimeZone::UTC);
    i64::from(day.year()) * 100 + i64::from(day.month())
}

/// A structured value as it is stored.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data serialises")
}

/// A stored structured value.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Done<T> {
    serde_json::from_str(text)
        .map_err(|e| Fail(StoreError::Damaged(format!("{}: {}", std::any::type_name::<T>(), misread(&e)))))
}

/// An enum without data, as it is stored: its serialised name.
pub(crate) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("only enums without data are words"),
    }
}

/// A stored enum without data.
pub(crate) fn from_word<T: DeserializeOwned>(word: &str) -> Done<T> {
    let read = T::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(word));
    read.map_err(|_| Fail(StoreError::Damaged(format!("{} is another word", std::any::type_name::<T>()))))
}

/// What is wrong with JSON, without the value that is: it may be anybody's words.
fn misread(error: &serde_json::Error) -> String {
    format!("{:?} at column {}", error.classify(), error.column())
}

/// Ids as a JSON list of hexadecimal texts, for `unhex` over `json_each`: one statement for any number of them.
pub(crate) fn id_list(ids: impl IntoIterator<Item = Uuid>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.simple().to_string()).collect();
    json(&ids)
}

/// A count as it is stored.
pub(crate) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A wish for a number of rows, within a named limit.
pub(crate) fn row_limit(wished: u32, most: u32) -> i64 {
    i64::from(wished.min(most))
}

/// Where a page ended, as an opaque word: the sort values of its last row. What cannot be read (somebody changed it)
/// begins at the first page.
pub(crate) mod cursor {
    use super::{DeserializeOwned, Serialize};

    pub(crate) fn encode<T: Serialize>(last: &T) -> String {
        serde_json::to_vec(last).expect("plain data serialises").iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(crate) fn decode<T: DeserializeOwned>(word: Option<&str>) -> Option<T> {
        let word = word?;
        let digits = Some(word.as_bytes()).filter(|digits| digits.is_ascii())?;
        let bytes: Option<Vec<u8>> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

/// Cuts a result that was asked for one row too many into a page.
pub(crate) fn page<T>(mut rows: Vec<T>, last: impl FnOnce(&T) -> String) -> storage::Page<T> {
    let size = storage::limits::PAGE_ROWS as usize;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(last);
    storage::Page { rows, next }
}

/// One row more than a page, to see whether there is a next one.
pub(crate) const PAGE_AND_ONE: i64 = storage::limits::PAGE_ROWS as i64 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_tampered_one_is_none() {
        let word = cursor::encode(&(3_i64, "x".to_owned()));
        assert_eq!(cursor::decode::<(i64, String)>(Some(&word)), Some((3, "x".into())));
        for bad in ["", "zz", "5b33", "é", "5b332c2278225", "+1+1"] {
            assert_eq!(cursor::decode::<(i64, String)>(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_month_names_its_partition() {
        assert_eq!(month("2026-11-30T23:59:59Z".parse().unwrap()), 202_611);
    }
}
