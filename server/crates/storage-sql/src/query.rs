//! A statement and its values.

use crate::{Db, Dialect, Row};
use jiff::Timestamp;
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};
use storage::{Result, StoreError, transfer};
use uuid::Uuid;

/// Constant texts as engines take them, by engine, address and length: each is made once.
static CONSTANTS: LazyLock<RwLock<Constants>> = LazyLock::new(RwLock::default);

type Constants = HashMap<(Dialect, usize, usize), Arc<str>>;

/// A statement and its values.
#[derive(Clone, Debug)]
pub struct Query {
    /// The text, in the writing of [`crate::dialect`].
    pub text: Cow<'static, str>,
    /// The values, in their order.
    pub values: Vec<Value>,
}

/// A statement without values yet.
pub fn query(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

impl Query {
    /// With one value more.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More of the text. Values go through [`Query::push_bind`].
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// A value, in its place.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.text.to_mut().push('?');
        self.values.push(value.into());
        self
    }

    /// The text as an engine takes it.
    pub fn text_for(&self, dialect: Dialect) -> Arc<str> {
        let Cow::Borrowed(constant) = self.text else { return dialect.of(&self.text).into() };
        let key = (dialect, constant.as_ptr().addr(), constant.len());
        if let Some(made) = CONSTANTS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(made);
        }
        let made: Arc<str> = dialect.of(constant).into();
        CONSTANTS.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        made
    }

    /// All rows that it gives.
    ///
    /// # Errors
    /// When the engine fails, as for the others.
    pub async fn all(self, db: &mut dyn Db) -> Result<Vec<Row>> {
        db.all(self).await
    }

    /// The first row, where there is one.
    ///
    /// # Errors
    /// As [`Query::all`].
    pub async fn optional(self, db: &mut dyn Db) -> Result<Option<Row>> {
        Ok(db.all(self).await?.into_iter().next())
    }

    /// The first row.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn one(self, db: &mut dyn Db) -> Result<Row> {
        self.optional(db).await?.ok_or(StoreError::NotFound("row"))
    }

    /// Does it; how many rows it changed.
    ///
    /// # Errors
    /// As [`Query::all`].
    pub async fn execute(self, db: &mut dyn Db) -> Result<u64> {
        db.execute(self).await
    }
}

/// A value of a statement. Each knows its type also where it is none: PostgreSQL asks for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, or a time in microseconds.
    Int(Option<i64>),
    /// Yes or no.
    Flag(bool),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// An id.
    Id(Option<Uuid>),
    /// Ids, for `{ids ?}`.
    Ids(Vec<Uuid>),
    /// Texts, for `{texts ?}`.
    Texts(Vec<String>),
    /// Numbers, for `{ints ?}`.
    Ints(Vec<i64>),
}

macro_rules! values {
    ($($from:ty => $variant:ident, |$value:pat_param| $as:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($as)
            }
        })*
    };
}

values! {
    i64 => Int, |value| Some(value);
    Option<i64> => Int, |value| value;
    u16 => Int, |value| Some(value.into());
    u32 => Int, |value| Some(value.into());
    Timestamp => Int, |value| Some(value.as_microsecond());
    Option<Timestamp> => Int, |value| value.map(Timestamp::as_microsecond);
    bool => Flag, |value| value;
    &str => Text, |value| Some(value.to_owned());
    String => Text, |value| Some(value);
    &String => Text, |value| Some(value.clone());
    Option<&str> => Text, |value| value.map(str::to_owned);
    Option<String> => Text, |value| value;
    &Option<String> => Text, |value| value.clone();
    Cow<'_, str> => Text, |value| Some(value.into_owned());
    &[u8] => Bytes, |value| Some(value.to_vec());
    Vec<u8> => Bytes, |value| Some(value);
    &Vec<u8> => Bytes, |value| Some(value.clone());
    Option<&[u8]> => Bytes, |value| value.map(<[u8]>::to_vec);
    Option<Vec<u8>> => Bytes, |value| value;
    Uuid => Id, |value| Some(value);
    Option<Uuid> => Id, |value| value;
    Vec<Uuid> => Ids, |value| value;
    Vec<String> => Texts, |value| value;
    &[String] => Texts, |value| value.to_vec();
    Vec<i64> => Ints, |value| value;
}

impl From<transfer::Value> for Value {
    fn from(value: transfer::Value) -> Self {
        match value {
            transfer::Value::Null => Self::Text(None),
            transfer::Value::Int(number) => Self::Int(Some(number)),
            transfer::Value::Text(text) => Self::Text(Some(text)),
            transfer::Value::Bytes(bytes) => Self::Bytes(Some(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_made_once_for_each_engine() {
        const TEXT: &str = "a = ? {for update}";
        let made = |dialect| query(TEXT).text_for(dialect);
        assert!(Arc::ptr_eq(&made(Dialect::Postgres), &made(Dialect::Postgres)));
        assert_eq!((&*made(Dialect::Sqlite), &*made(Dialect::Postgres)), ("a = ? ", "a = $1 FOR UPDATE"));
        assert_eq!(&*query(TEXT.to_owned()).text_for(Dialect::Postgres), "a = $1 FOR UPDATE");
    }
}
