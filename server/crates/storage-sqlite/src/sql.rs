//! Statements: a text with its values; and rows, whose columns are read by name.

use crate::codec::SqlError;
use domain::ids::SubjectId;
use jiff::Timestamp;
use rusqlite::{
    Connection, Statement, ToSql, params_from_iter,
    types::{FromSql, Value, ValueRef},
};
use serde::de::DeserializeOwned;
use std::{borrow::Cow, fmt::Display, rc::Rc};
use storage::{Sealed, StoreError};
use storage_sql::codec::{from_json, from_word, timestamp};
use uuid::Uuid;

/// A statement and its values.
pub(crate) struct Query<'q> {
    text: Cow<'q, str>,
    values: Vec<Box<dyn ToSql + 'q>>,
}

/// A statement without values yet.
pub(crate) fn query(text: &str) -> Query<'_> {
    Query { text: Cow::Borrowed(text), values: Vec::new() }
}

impl<'q> Query<'q> {
    /// With one value more.
    pub(crate) fn bind(mut self, value: impl ToSql + 'q) -> Self {
        self.values.push(Box::new(value));
        self
    }

    /// More of the text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// The place of a value, and the value.
    pub(crate) fn push_bind(&mut self, value: impl ToSql + 'q) -> &mut Self {
        self.text.to_mut().push('?');
        self.values.push(Box::new(value));
        self
    }

    /// All rows that it gives.
    pub(crate) fn fetch_all(self, conn: &Connection) -> Result<Vec<Row>, SqlError> {
        self.fetch(conn, usize::MAX)
    }

    /// The first row, where there is one.
    pub(crate) fn fetch_optional(self, conn: &Connection) -> Result<Option<Row>, SqlError> {
        Ok(self.fetch(conn, 1)?.pop())
    }

    /// The first row; none is an error.
    pub(crate) fn fetch_one(self, conn: &Connection) -> Result<Row, SqlError> {
        self.fetch_optional(conn)?.ok_or(SqlError(StoreError::NotFound("row")))
    }

    /// Does it; how many rows it changed.
    pub(crate) fn execute(self, conn: &Connection) -> Result<u64, SqlError> {
        let changed = conn.prepare_cached(&self.text)?.execute(params_from_iter(self.values))?;
        Ok(changed as u64)
    }

    fn fetch(self, conn: &Connection, at_most: usize) -> Result<Vec<Row>, SqlError> {
        let mut statement = conn.prepare_cached(&self.text)?;
        let mut names = None;
        let mut rows = statement.query(params_from_iter(self.values))?;
        let mut fetched = Vec::new();
        while fetched.len() < at_most
            && let Some(row) = rows.next()?
        {
            let names = names.get_or_insert_with(|| names_of(row.as_ref()));
            let values = (0..names.len()).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
            fetched.push(Row { names: Rc::clone(names), values });
        }
        Ok(fetched)
    }
}

fn names_of(statement: &Statement<'_>) -> Rc<[String]> {
    statement.column_names().into_iter().map(str::to_owned).collect()
}

/// A row by itself.
pub(crate) struct Row {
    names: Rc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: FromSql>(&self, column: &str) -> Result<T, SqlError> {
        T::column_result(self.value(column)?).map_err(|error| damaged(column, &error))
    }

    /// The text of a column.
    pub(crate) fn str(&self, column: &str) -> Result<&str, SqlError> {
        self.value(column)?.as_str().map_err(|error| damaged(column, &error))
    }

    /// The text of a column that may be empty.
    pub(crate) fn opt_str(&self, column: &str) -> Result<Option<&str>, SqlError> {
        self.value(column)?.as_str_or_null().map_err(|error| damaged(column, &error))
    }

    pub(crate) fn id<T: From<Uuid>>(&self, column: &str) -> Result<T, SqlError> {
        Ok(self.get::<Uuid>(column)?.into())
    }

    pub(crate) fn opt_id<T: From<Uuid>>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.get::<Option<Uuid>>(column)?.map(Into::into))
    }

    pub(crate) fn at(&self, column: &str) -> Result<Timestamp, SqlError> {
        Ok(timestamp(self.get(column)?)?)
    }

    pub(crate) fn opt_at(&self, column: &str) -> Result<Option<Timestamp>, SqlError> {
        Ok(self.get::<Option<i64>>(column)?.map(timestamp).transpose()?)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, SqlError> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, SqlError> {
        self.get(column)
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, SqlError> {
        self.get(column)
    }

    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, SqlError> {
        self.get(column)
    }

    pub(crate) fn count<T: TryFrom<i64>>(&self, column: &str) -> Result<T, SqlError> {
        let count = self.int(column)?;
        T::try_from(count).map_err(|_| SqlError(StoreError::Damaged(format!("{column} is {count}"))))
    }

    pub(crate) fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, SqlError> {
        self.get(column)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, SqlError> {
        Ok(from_json(self.str(column)?)?)
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.opt_str(column)?.map(from_json).transpose()?)
    }

    pub(crate) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, SqlError> {
        Ok(from_word(self.str(column)?)?)
    }

    pub(crate) fn opt_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, SqlError> {
        Ok(self.opt_str(column)?.map(from_word).transpose()?)
    }

    /// Sealed bytes, from the column of their subject and their own.
    pub(crate) fn opt_sealed(&self, subject: &str, bytes: &str) -> Result<Option<Sealed>, SqlError> {
        let subject: Option<SubjectId> = self.opt_id(subject)?;
        let bytes = self.opt_bytes(bytes)?;
        Ok(subject.zip(bytes).map(|(subject, bytes)| Sealed { subject, bytes }))
    }

    /// Sealed bytes, from a column that holds all of them.
    pub(crate) fn opt_packed(&self, column: &str) -> Result<Option<Sealed>, SqlError> {
        let Some(packed) = self.opt_bytes(column)? else { return Ok(None) };
        Sealed::unpacked(&packed).map(Some).ok_or_else(|| damaged(column, &"it is no sealed value"))
    }

    /// The values, column by column.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values
    }

    fn value(&self, column: &str) -> Result<ValueRef<'_>, SqlError> {
        let place = self.names.iter().position(|name| name == column);
        let value = place.and_then(|place| self.values.get(place));
        value.map(ValueRef::from).ok_or_else(|| damaged(column, &"there is none"))
    }
}

fn damaged(column: &str, what: &dyn Display) -> SqlError {
    SqlError(StoreError::Damaged(format!("column {column}: {what}")))
}
