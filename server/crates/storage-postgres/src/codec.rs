//! Between rows and records: times are microseconds, ids are bytes, words are the serialised names of enums, structured
//! values are JSON. And between database errors and what callers can act on.

use domain::ids::SubjectId;
use jiff::Timestamp;
use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned, IntoDeserializer},
};
use serde_json::Value;
use sqlx::{
    Row,
    error::{DatabaseError, ErrorKind},
    postgres::PgRow,
};
use std::{borrow::Cow, collections::HashMap};
use storage::{Sealed, StoreError};
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

impl From<sqlx::Error> for Fail {
    fn from(error: sqlx::Error) -> Self {
        Self(match error {
            sqlx::Error::Database(error) => refused(&*error),
            sqlx::Error::RowNotFound => StoreError::NotFound("row"),
            sqlx::Error::PoolTimedOut => StoreError::Unavailable("no connection to the database is to be had".into()),
            sqlx::Error::ColumnDecode { index, .. } | sqlx::Error::ColumnNotFound(index) => {
                StoreError::Damaged(format!("column {index} cannot be read"))
            }
            sqlx::Error::Decode(_) => StoreError::Damaged("a value cannot be read".into()),
            other => StoreError::Unavailable(other.to_string()),
        })
    }
}

/// PostgreSQL ended one of two transactions that waited for each other, or asks to come again.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const COME_AGAIN: &[&str] = &["40001", "40P01", "55P03"];
/// The classes of errors that are the command's own: data that it cannot take, limits that it exceeds, statements that it
/// cannot run.
const ITS_OWN: &[&str] = &["22", "42", "54"];

/// The database's own message may quote a value: only what and where it was is said.
fn refused(error: &dyn DatabaseError) -> StoreError {
    let told = || {
        let place = error.constraint().or_else(|| error.table()).map(|name| format!(" at {name}")).unwrap_or_default();
        format!("SQLSTATE {}{place}", error.code().unwrap_or(Cow::Borrowed("unknown")))
    };
    if error.code().is_some_and(|code| COME_AGAIN.contains(&&*code)) {
        return StoreError::Busy;
    }
    match error.kind() {
        ErrorKind::UniqueViolation => StoreError::Conflict(told()),
        ErrorKind::ForeignKeyViolation => StoreError::NotFound("row that is referred to"),
        ErrorKind::NotNullViolation | ErrorKind::CheckViolation => StoreError::Damaged(told()),
        _ if error.code().is_some_and(|code| ITS_OWN.iter().any(|class| code.starts_with(class))) => {
            StoreError::Damaged(told())
        }
        _ => StoreError::Unavailable(told()),
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
        Ok(Value::String(word)) => word,
        _ => unreachable!("only enums without data are words"),
    }
}

/// A stored enum without data.
pub(crate) fn from_word<T: DeserializeOwned>(word: String) -> Done<T> {
    let read = T::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(word));
    read.map_err(|_| Fail(StoreError::Damaged(format!("{} is another word", std::any::type_name::<T>()))))
}

/// What is wrong with JSON, without the value that is: it may be anybody's words.
fn misread(error: &serde_json::Error) -> String {
    format!("{:?} at column {}", error.classify(), error.column())
}

/// Ids as an array: one statement for any number of them.
pub(crate) fn id_list(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    ids.into_iter().collect()
}

/// Text that others sent, without the one character that PostgreSQL cannot keep.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A count as it is stored.
pub(crate) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A wish for a number of rows, within a named limit.
pub(crate) fn row_limit(wished: u32, most: u32) -> i64 {
    i64::from(wished.min(most))
}

/// Reads columns by name, of a row and of a [`Part`] of one.
pub(crate) trait Columns {
    fn opt_uuid(&self, column: &str) -> Done<Option<Uuid>>;
    fn opt_text(&self, column: &str) -> Done<Option<String>>;
    fn opt_int(&self, column: &str) -> Done<Option<i64>>;
    fn opt_bytes(&self, column: &str) -> Done<Option<Vec<u8>>>;
    fn flag(&self, column: &str) -> Done<bool>;

    fn id<T: From<Uuid>>(&self, column: &str) -> Done<T> {
        there(self.opt_id(column)?, column)
    }

    fn opt_id<T: From<Uuid>>(&self, column: &str) -> Done<Option<T>> {
        Ok(self.opt_uuid(column)?.map(Into::into))
    }

    fn at(&self, column: &str) -> Done<Timestamp> {
        timestamp(self.int(column)?)
    }

    fn opt_at(&self, column: &str) -> Done<Option<Timestamp>> {
        self.opt_int(column)?.map(timestamp).transpose()
    }

    fn text(&self, column: &str) -> Done<String> {
        there(self.opt_text(column)?, column)
    }

    fn int(&self, column: &str) -> Done<i64> {
        there(self.opt_int(column)?, column)
    }

    fn count<T: TryFrom<i64>>(&self, column: &str) -> Done<T> {
        let count = self.int(column)?;
        T::try_from(count).map_err(|_| Fail(StoreError::Damaged(format!("{column} is {count}"))))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Done<T> {
        from_json(&self.text(column)?)
    }

    fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Done<Option<T>> {
        self.opt_text(column)?.as_deref().map(from_json).transpose()
    }

    fn word<T: DeserializeOwned>(&self, column: &str) -> Done<T> {
        from_word(self.text(column)?)
    }

    fn opt_word<T: DeserializeOwned>(&self, column: &str) -> Done<Option<T>> {
        self.opt_text(column)?.map(from_word).transpose()
    }

    fn bytes(&self, column: &str) -> Done<Vec<u8>> {
        there(self.opt_bytes(column)?, column)
    }

    /// Sealed bytes, from the column of their subject and their own.
    fn opt_sealed(&self, subject: &str, bytes: &str) -> Done<Option<Sealed>> {
        let subject: Option<SubjectId> = self.opt_id(subject)?;
        let bytes = self.opt_bytes(bytes)?;
        Ok(subject.zip(bytes).map(|(subject, bytes)| Sealed { subject, bytes }))
    }

    /// Sealed bytes, from a column that holds all of them.
    fn opt_packed(&self, column: &str) -> Done<Option<Sealed>> {
        let Some(packed) = self.opt_bytes(column)? else { return Ok(None) };
        let sealed = Sealed::unpacked(&packed);
        sealed.map(Some).ok_or_else(|| Fail(StoreError::Damaged(format!("{column} is no sealed value"))))
    }
}

fn there<T>(value: Option<T>, column: &str) -> Done<T> {
    value.ok_or_else(|| Fail(StoreError::Damaged(format!("{column} is not there"))))
}

impl Columns for PgRow {
    fn opt_uuid(&self, column: &str) -> Done<Option<Uuid>> {
        Ok(self.try_get(column)?)
    }

    fn opt_text(&self, column: &str) -> Done<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn opt_int(&self, column: &str) -> Done<Option<i64>> {
        Ok(self.try_get(column)?)
    }

    fn opt_bytes(&self, column: &str) -> Done<Option<Vec<u8>>> {
        Ok(self.try_get(column)?)
    }

    fn flag(&self, column: &str) -> Done<bool> {
        Ok(self.try_get(column)?)
    }
}

/// A row of another question that was answered within a row, by [`rows_as!`]: one trip for many questions.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Part(HashMap<String, Value>);

impl Part {
    fn damaged<T>(column: &str) -> Done<T> {
        Err(Fail(StoreError::Damaged(format!("{column} is of another type"))))
    }
}

impl Columns for Part {
    fn opt_uuid(&self, column: &str) -> Done<Option<Uuid>> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).or_else(|_| Self::damaged(column))
    }

    fn opt_text(&self, column: &str) -> Done<Option<String>> {
        match self.0.get(column) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            _ => Self::damaged(column),
        }
    }

    fn opt_int(&self, column: &str) -> Done<Option<i64>> {
        match self.0.get(column) {
            Some(Value::Number(number)) => number.as_i64().map_or_else(|| Self::damaged(column), |n| Ok(Some(n))),
            Some(Value::Null) => Ok(None),
            _ => Self::damaged(column),
        }
    }

    /// JSON has them as `\x` and hexadecimal digits.
    fn opt_bytes(&self, column: &str) -> Done<Option<Vec<u8>>> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.strip_prefix("\\x").and_then(from_hex).map_or_else(|| Self::damaged(column), |bytes| Ok(Some(bytes)))
    }

    fn flag(&self, column: &str) -> Done<bool> {
        self.0.get(column).and_then(Value::as_bool).map_or_else(|| Self::damaged(column), Ok)
    }
}

/// The rows of a question as a column `name`, for [`parts`].
macro_rules! rows_as {
    ($name:literal, $question:expr) => {
        concat!("(SELECT coalesce(json_agg(q), '[]')::text FROM (", $question, ") q) AS ", $name)
    };
}
pub(crate) use rows_as;

/// The rows in a column that [`rows_as!`] made.
pub(crate) fn parts(row: &PgRow, name: &str) -> Done<Vec<Part>> {
    row.json(name)
}

/// Where a page ended, as an opaque word: the sort values of its last row. What cannot be read (somebody changed it)
/// begins at the first page.
pub(crate) mod cursor {
    use super::{DeserializeOwned, Serialize};

    pub(crate) fn encode<T: Serialize>(last: &T) -> String {
        serde_json::to_vec(last).expect("plain data serialises").iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(crate) fn decode<T: DeserializeOwned>(word: Option<&str>) -> Option<T> {
        serde_json::from_slice(&super::from_hex(word?)?).ok()
    }
}

/// Bytes that were written as hexadecimal digits.
fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = Some(digits.as_bytes()).filter(|digits| digits.is_ascii())?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok();
    digits.chunks(2).map(byte).collect()
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
