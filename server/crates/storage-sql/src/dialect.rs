//! The points where the engines' SQL differs. A text is written once, with these words in braces:
//!
//! | written | SQLite | PostgreSQL |
//! |---|---|---|
//! | `?`, `?2` | the same | `$1`, `$2` |
//! | `{ids ?2 x}`, `{texts ?2 x}`, `{ints ?2 x}` | `json_each` as table `x (value)` | `unnest` as table `x (value)` |
//! | `x {in ids ?2}`, with `texts` and `ints` | `IN` over `json_each` | `= ANY` |
//! | `{rows ? r (a id, b text)}` | a JSON list of objects as table `r (a, b)`; types: id, text, int, bytes | the same |
//! | `{for update}` | nothing: there is one writer | `FOR UPDATE` |
//! | `{indexed by i}` | `INDEXED BY i` | nothing |
//! | `{+}` | `+`: no index for this term | nothing |
//! | `{is x}`, `{not x}` | `x = 1`, `x = 0`, as in partial indexes | `x`, `NOT x` |
//! | `{min}`, `{max}` | `min`, `max` | `least`, `greatest` |
//! | `{position}` (in, what) | `instr` | `strpos` |
//! | `{character}` (number) | `char` | `chr` |
//! | `{json x}` | `x` | `x::json` |
//! | `{month x}` | the month of a time, as partitions are named | the same |

use std::{borrow::Cow, fmt::Write as _};

/// How an engine wants its SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

impl Dialect {
    /// One of two texts, where a statement has to be another on each.
    pub const fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    /// A text as the engine takes it.
    pub fn of(self, text: &str) -> Cow<'_, str> {
        if self == Self::Sqlite && !text.contains('{') {
            return Cow::Borrowed(text);
        }
        let mut made = String::with_capacity(text.len() + 64);
        let (mut rest, mut values) = (text, 0);
        while let Some(place) = rest.find(['?', '{']) {
            let (before, found) = rest.split_at(place);
            made.push_str(before);
            let word = found[1..].split_once('}').filter(|(word, _)| is_word(word));
            rest = match word {
                Some((word, behind)) if found.starts_with('{') => {
                    self.word(&mut made, word, &mut values);
                    behind
                }
                _ if found.starts_with('?') => self.value(&mut made, found, &mut values),
                _ => {
                    made.push('{');
                    &found[1..]
                }
            };
        }
        made.push_str(rest);
        Cow::Owned(made)
    }

    /// A value's place; what is behind it.
    fn value<'t>(self, made: &mut String, found: &'t str, values: &mut u32) -> &'t str {
        let behind = found[1..].trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &found[1..found.len() - behind.len()];
        match self {
            Self::Sqlite => made.push_str(&found[..=number.len()]),
            Self::Postgres if number.is_empty() => {
                *values += 1;
                let _ = write!(made, "${values}");
            }
            Self::Postgres => {
                let _ = write!(made, "${number}");
            }
        }
        behind
    }

    fn word(self, made: &mut String, word: &str, values: &mut u32) {
        let (name, of) = word.split_once(' ').unwrap_or((word, ""));
        let _ = match (name, self) {
            ("ids" | "texts" | "ints", _) => {
                let (value, table) = of.split_once(' ').unwrap_or((of, "list"));
                let mut place = String::new();
                self.value(&mut place, value, values);
                match (name, self) {
                    ("ids", Self::Sqlite) => {
                        write!(made, "(SELECT unhex(value) AS value FROM json_each({place})) {table}")
                    }
                    (_, Self::Sqlite) => write!(made, "(SELECT value FROM json_each({place})) {table}"),
                    ("ids", Self::Postgres) => write!(made, "unnest({place}::uuid[]) {table} (value)"),
                    ("texts", Self::Postgres) => write!(made, "unnest({place}::text[]) {table} (value)"),
                    (_, Self::Postgres) => write!(made, "unnest({place}::bigint[]) {table} (value)"),
                }
            }
            ("in", _) => {
                let (kind, value) = of.split_once(' ').unwrap_or((of, "?"));
                let mut place = String::new();
                self.value(&mut place, value, values);
                match (kind, self) {
                    ("ids", Self::Sqlite) => write!(made, "IN (SELECT unhex(value) FROM json_each({place}))"),
                    (_, Self::Sqlite) => write!(made, "IN (SELECT value FROM json_each({place}))"),
                    ("ids", Self::Postgres) => write!(made, "= ANY ({place}::uuid[])"),
                    ("texts", Self::Postgres) => write!(made, "= ANY ({place}::text[])"),
                    (_, Self::Postgres) => write!(made, "= ANY ({place}::bigint[])"),
                }
            }
            ("rows", _) => {
                self.rows(made, of, values);
                Ok(())
            }
            ("for", Self::Postgres) => write!(made, "FOR UPDATE"),
            ("indexed", Self::Sqlite) => write!(made, "INDEXED BY {}", of.trim_start_matches("by ")),
            ("+", Self::Sqlite) => write!(made, "+"),
            ("is", Self::Sqlite) => write!(made, "{of} = 1"),
            ("not", Self::Sqlite) => write!(made, "{of} = 0"),
            ("is" | "json", _) if self == Self::Sqlite || name == "is" => write!(made, "{of}"),
            ("not", Self::Postgres) => write!(made, "NOT {of}"),
            ("json", Self::Postgres) => write!(made, "{of}::json"),
            ("min", _) => write!(made, "{}", self.pick("min", "least")),
            ("max", _) => write!(made, "{}", self.pick("max", "greatest")),
            ("position", _) => write!(made, "{}", self.pick("instr", "strpos")),
            ("character", _) => write!(made, "{}", self.pick("char", "chr")),
            ("month", Self::Sqlite) => {
                write!(made, "CAST(strftime('%Y%m', {of} / 1000000, 'unixepoch') AS INTEGER)")
            }
            ("month", Self::Postgres) => {
                write!(made, "to_char(to_timestamp({of} / 1000000) AT TIME ZONE 'UTC', 'YYYYMM')::bigint")
            }
            _ => Ok(()),
        };
    }
}

impl Dialect {
    /// A JSON list of objects as a table: `?1 r (a id, b text)`.
    fn rows(self, made: &mut String, of: &str, values: &mut u32) {
        let (value, table) = of.split_once(' ').unwrap_or((of, ""));
        let (table, columns) = table.split_once(" (").unwrap_or((table, ""));
        let columns = || columns.trim_end_matches(')').split(", ").filter_map(|column| column.split_once(' '));
        let (mut selected, mut types) = (Vec::new(), Vec::new());
        for (name, kind) in columns() {
            selected.push(match (kind, self) {
                ("id" | "bytes", Self::Sqlite) => format!("unhex(value ->> '{name}') AS {name}"),
                (_, Self::Sqlite) => format!("value ->> '{name}' AS {name}"),
                ("bytes", Self::Postgres) => format!("decode({name}, 'hex') AS {name}"),
                (_, Self::Postgres) => name.to_owned(),
            });
            let column = match kind {
                "id" => "uuid",
                "int" => "bigint",
                _ => "text",
            };
            types.push(format!("{name} {column}"));
        }
        let mut place = String::new();
        self.value(&mut place, value, values);
        let selected = selected.join(", ");
        let _ = match self {
            Self::Sqlite => write!(made, "(SELECT {selected} FROM json_each({place})) {table}"),
            // the limit makes the planner expect a short list: it then looks each row up instead of scanning the table
            Self::Postgres => write!(
                made,
                "(SELECT {selected} FROM json_to_recordset({place}::json) AS l ({}) LIMIT json_array_length({place}::json)) {table}",
                types.join(", ")
            ),
        };
    }
}

/// Whether it is one of the words: `'{}'` is JSON, and an array.
fn is_word(word: &str) -> bool {
    word == "+" || word.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_for_each_engine() {
        for (text, sqlite, postgres) in [
            ("a = ? AND b = ?", "a = ? AND b = ?", "a = $1 AND b = $2"),
            ("a = ?2 AND b = ?1", "a = ?2 AND b = ?1", "a = $2 AND b = $1"),
            ("h = '{}' AND a = ?", "h = '{}' AND a = ?", "h = '{}' AND a = $1"),
            ("x = 1 {for update}", "x = 1 ", "x = 1 FOR UPDATE"),
            ("{+}x {is s.late} {not s.terminal}", "+x s.late = 1 s.terminal = 0", "x s.late NOT s.terminal"),
            ("FROM e {indexed by e_i} WHERE", "FROM e INDEXED BY e_i WHERE", "FROM e  WHERE"),
            ("{json p} ->> 'a' {min}(1, 2)", "p ->> 'a' min(1, 2)", "p::json ->> 'a' least(1, 2)"),
            (
                "FROM {rows ?2 r (a id, b bytes, c int)}",
                "FROM (SELECT unhex(value ->> 'a') AS a, unhex(value ->> 'b') AS b, value ->> 'c' AS c FROM json_each(?2)) r",
                "FROM (SELECT a, decode(b, 'hex') AS b, c FROM json_to_recordset($2::json) AS l (a uuid, b text, c bigint) LIMIT json_array_length($2::json)) r",
            ),
            ("a {in ids ?2}", "a IN (SELECT unhex(value) FROM json_each(?2))", "a = ANY ($2::uuid[])"),
            (
                "{ids ?2 x}, {texts ? y}",
                "(SELECT unhex(value) AS value FROM json_each(?2)) x, (SELECT value FROM json_each(?)) y",
                "unnest($2::uuid[]) x (value), unnest($1::text[]) y (value)",
            ),
        ] {
            assert_eq!(Dialect::Sqlite.of(text), sqlite);
            assert_eq!(Dialect::Postgres.of(text), postgres);
        }
    }
}
