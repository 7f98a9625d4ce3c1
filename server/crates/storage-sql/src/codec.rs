//! Between columns and records: times are microseconds, words are the serialised names of enums, structured values are JSON.

use jiff::Timestamp;
use serde::{
    Serialize,
    de::{self, DeserializeOwned, IntoDeserializer},
};
use std::borrow::Cow;
use storage::{Page, Result, StoreError, limits::PAGE_ROWS};
use uuid::Uuid;

/// One row more than a page, to see whether there is a next one.
pub const PAGE_AND_ONE: i64 = PAGE_ROWS as i64 + 1;

/// A time as it is stored.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An optional time as it is stored.
pub fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(micros)
}

/// A stored time.
///
/// # Errors
/// `Damaged` when it is none, as for the others.
pub fn timestamp(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Damaged(format!("time: {error}")))
}

/// The month of a time, as partitions are named: 202611.
pub fn month(at: Timestamp) -> i64 {
    let day = at.to_zoned(jiff::tz::TimeZone::UTC);
    i64::from(day.year()) * 100 + i64::from(day.month())
}

/// A structured value as it is stored.
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data serialises")
}

/// A stored structured value.
///
/// # Errors
/// As [`timestamp`]; the message does not quote the value.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    let damaged = |error: serde_json::Error| {
        let (class, column) = (error.classify(), error.column());
        StoreError::Damaged(format!("{}: {class:?} at column {column}", std::any::type_name::<T>()))
    };
    serde_json::from_str(text).map_err(damaged)
}

/// An enum without data, as it is stored: its serialised name.
pub fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("only enums without data are words"),
    }
}

/// A stored enum without data.
///
/// # Errors
/// As [`timestamp`].
pub fn from_word<T: DeserializeOwned>(word: &str) -> Result<T> {
    let read = T::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(word));
    read.map_err(|_| StoreError::Damaged(format!("{} is another word", std::any::type_name::<T>())))
}

/// Ids, for `{ids ?}`.
pub fn id_list(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    ids.into_iter().collect()
}

/// Text that others sent, without the one character that PostgreSQL cannot keep.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A count as it is stored.
pub fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A wish for a number of rows, within a named limit.
pub fn row_limit(wished: u32, most: u32) -> i64 {
    i64::from(wished.min(most))
}

/// Where a page ended, as an opaque word: the sort values of its last row. What cannot be read (somebody changed it)
/// begins at the first page.
pub mod cursor {
    use serde::{Serialize, de::DeserializeOwned};

    /// The word.
    pub fn encode<T: Serialize>(last: &T) -> String {
        super::to_hex(&serde_json::to_vec(last).expect("plain data serialises"))
    }

    /// What it says.
    pub fn decode<T: DeserializeOwned>(word: Option<&str>) -> Option<T> {
        serde_json::from_slice(&super::from_hex(word?)?).ok()
    }
}

/// Bytes as hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that were written as hexadecimal digits.
pub fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = Some(digits.as_bytes()).filter(|digits| digits.is_ascii())?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// Cuts a result that was asked for one row too many into a page.
pub fn page<T>(mut rows: Vec<T>, last: impl FnOnce(&T) -> String) -> Page<T> {
    let more = rows.len() > PAGE_ROWS as usize;
    rows.truncate(PAGE_ROWS as usize);
    let next = rows.last().filter(|_| more).map(last);
    Page { rows, next }
}

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
