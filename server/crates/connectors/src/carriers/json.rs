//! What JSON connectors share: reading with limits, times, countries, and numbers that must be text.

use super::{DecodeError, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{Codes, Decoded, Observation, Origin, Problem, ProviderCode, TrackerReport},
    place,
};
use jiff::Timestamp;
use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// Reads a body. A byte order mark is skipped; nesting beyond the parser's limit of 128 is refused; of a key that is there
/// twice the last counts.
pub(super) fn parse(raw: &[u8]) -> Result<Value, DecodeError> {
    serde_json::from_slice(without_mark(raw))
        .map_err(|e| DecodeError::Malformed { expected: "JSON", reason: position(&e) })
}

/// The text of one field of a body, as [`text`] reads it from what [`parse`] reads; the other fields are passed over, since
/// the request path asks for no more than that.
pub(super) fn text_of(raw: &[u8], key: &str) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(without_mark(raw));
    let value = reader.deserialize_map(Field(key)).ok()?;
    reader.end().ok()?;
    plain(&value?)
}

/// The value of this field of an object; of several the last.
struct Field<'k>(&'k str);

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(key) = fields.next_key::<String>()? {
            if key == self.0 {
                value = Some(fields.next_value()?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(value)
    }
}

/// A byte order mark belongs to the signed bytes, not to the JSON.
fn without_mark(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw)
}

/// Reads a body whose keys may come as `tracking_number`, `trackingNumber` or `TrackingNumber`: the vendor's own
/// libraries write them their language's way. All become the first.
pub(super) fn parse_snake(raw: &[u8]) -> Result<Value, DecodeError> {
    Ok(snake(parse(raw)?))
}

/// Recursion ends: the parser has refused deep nesting.
fn snake(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(snake).collect(),
        Value::Object(fields) => {
            let mut renamed = Map::new();
            for (key, value) in fields {
                renamed.entry(snake_key(&key)).or_insert_with(|| snake(value));
            }
            Value::Object(renamed)
        }
        other => other,
    }
}

/// A capital begins a word, except among capitals: those are a word themselves.
fn snake_key(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 4);
    let mut within = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && within {
            name.push('_');
        }
        within = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Reads each tracker of a message. One that cannot be read is a problem beside the others, and an error alone.
pub(super) fn each(
    trackers: &[&Value],
    at: &str,
    read: impl Fn(&Value, &str, &mut Vec<Problem>) -> Result<TrackerReport, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    for (n, tracker) in trackers.iter().enumerate() {
        let at = if trackers.len() > 1 { format!("{at}/{n}") } else { at.to_owned() };
        match read(tracker, &at, &mut decoded.problems) {
            Ok(report) => decoded.reports.push(report),
            Err(error) if trackers.len() == 1 => return Err(error),
            Err(error) => decoded.problems.push(Problem { at, message: error.to_string() }),
        }
    }
    Ok(decoded)
}

/// Where parsing stopped and why, without a piece of the content.
fn position(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ if error.to_string().contains("recursion") => "it is nested too deeply",
        _ => "the syntax is wrong",
    };
    format!("{kind} at line {}, column {}", error.line(), error.column())
}

/// A field's text; none where it is missing, null or blank. NUL and other control characters are dropped, since no
/// database column and no page takes them.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    plain(value.get(key)?)
}

/// A value that is a text, cleaned likewise.
pub(super) fn plain(value: &Value) -> Option<String> {
    let clean: String = value.as_str()?.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A number that names something. As a JSON number it may have lost leading zeros or digits: refused, never rounded.
pub(super) fn number(value: &Value, key: &str, at: &str) -> Result<Option<String>, DecodeError> {
    match value.get(key) {
        Some(Value::Number(_)) => Err(DecodeError::Incomplete {
            at: format!("{at}/{key}"),
            reason: "is a JSON number, which may have lost digits or leading zeros; it has to be sent as text".into(),
        }),
        _ => Ok(text(value, key)),
    }
}

/// A code: text, or a whole number that some write where others write text.
pub(super) fn code(value: &Value, key: &str) -> Option<String> {
    text(value, key).or_else(|| value.get(key)?.as_i64().map(|number| number.to_string()))
}

/// The codes in a list of complaints, for an error answer's reason.
pub(super) fn complaints(list: &[Value], key: &str) -> String {
    let codes: Vec<String> = list.iter().filter_map(|complaint| code(complaint, key)).collect();
    if codes.is_empty() { "it gives no code".to_owned() } else { codes.join(", ") }
}

/// A field that says when the delivery is expected; midnight stands for the day.
pub(super) fn expected_delivery(value: &Value, key: &str, stated_at: Option<Timestamp>) -> Option<Observation> {
    let time = times::day_if_midnight(time(value, key)?);
    let codes = Codes {
        raw: key.to_owned(),
        status: vec![ProviderCode::new("milepost.field", "expected_delivery")],
        reason: None,
        coarse: None,
    };
    let usable = time.sort_key().is_some() && !time.sentinel;
    usable.then(|| Observation { stated_at, ..Observation::new(codes, Classifier::Estimated, time, Origin::Summary) })
}

/// The first of these fields that has a text: names change from one version to the next.
pub(super) fn first(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(value, key))
}

/// When something happened: the first of these fields that is there. What cannot be used as a time is a problem.
pub(super) fn event_time(value: &Value, keys: &[&str], at: &str, problems: &mut Vec<Problem>) -> EventTime {
    let time = keys.iter().find_map(|key| time(value, key)).unwrap_or_else(|| EventTime::unknown(""));
    if time.sentinel || time.sort_key().is_none() {
        let named = keys.first().copied().unwrap_or_default();
        problems.push(Problem { at: format!("{at}/{named}"), message: "is no time that can be used".into() });
    }
    time
}

/// A field's time: text, or the seconds or milliseconds since 1970 that some write.
pub(super) fn time(value: &Value, key: &str) -> Option<EventTime> {
    match value.get(key)? {
        Value::Number(number) => Some(times::epoch(&number.to_string())),
        other => plain(other).map(|raw| times::iso(&raw)),
    }
}

/// A field's instant: only where the source says which.
pub(super) fn instant(value: &Value, key: &str) -> Option<Timestamp> {
    time(value, key).filter(|t| !t.sentinel).and_then(|t| t.utc)
}

/// ISO 3166-1 alpha-2 of a country's code or name; none for anything else.
pub(super) fn country(word: &str) -> Option<String> {
    place::country(word).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_text() {
        assert_eq!(country("DEU").as_deref(), Some("DE"));
        assert_eq!(country("us").as_deref(), Some("US"));
        assert_eq!(country("Germany").as_deref(), Some("DE"));
        assert_eq!(country("QQ"), None);
        let value = serde_json::json!({"a": " x\u{0}y ", "b": "", "n": 12});
        assert_eq!(text(&value, "a").as_deref(), Some("xy"));
        assert_eq!(text(&value, "b"), None);
        assert!(number(&value, "n", "").is_err());
        assert_eq!(code(&value, "n").as_deref(), Some("12"));
    }

    #[test]
    fn one_field_is_read_as_from_the_whole() {
        for body in [
            r#"{"id":"a","data":{"id":"b","list":[1,null,{"x":"\u00e9"}]}}"#,
            r#"{"data":{"id":"b"},"id":"a","id":" c\u0000 "}"#,
            r#"{"\u0069d":"escaped"}"#,
            "\u{FEFF}{\"id\":\"marked\"}",
            r#"{"id":12}"#,
            r#"{"id":null}"#,
            r#"{"id":""}"#,
            r#"{"id":"a"} more"#,
            r#"{"id":"a","x":}"#,
            r#"{"id":"a""#,
            r#"[{"id":"a"}]"#,
            r#""id""#,
            "",
        ] {
            let whole = parse(body.as_bytes()).ok().and_then(|value| text(&value, "id"));
            assert_eq!(text_of(body.as_bytes(), "id"), whole, "{body}");
        }
        assert_eq!(text_of(br#"{"a":1,"id":"a"}"#, "id").as_deref(), Some("a"));
    }

    #[test]
    fn keys_of_any_style_are_read_the_same() {
        for key in ["tracking_number", "trackingNumber", "TrackingNumber"] {
            assert_eq!(snake_key(key), "tracking_number");
        }
        assert_eq!(snake_key("countryISO3"), "country_iso3");
        let value = parse_snake(br#"{"data":[{"statusCode":"DE"}]}"#).unwrap();
        assert_eq!(value.pointer("/data/0/status_code").and_then(Value::as_str), Some("DE"));
    }

    #[test]
    fn one_bad_tracker_does_not_lose_the_others() {
        let read = |tracker: &Value, at: &str, _: &mut Vec<Problem>| match text(tracker, "n") {
            Some(_) => Ok(TrackerReport {
                refs: Default::default(),
                carrier: None,
                feed: domain::observation::Feed::Delta,
                observations: Vec::new(),
            }),
            None => Err(DecodeError::Incomplete { at: at.into(), reason: "no number".into() }),
        };
        let (good, bad) = (serde_json::json!({"n": "1"}), serde_json::json!({}));
        let both = each(&[&good, &bad], "/results", read).unwrap();
        assert_eq!((both.reports.len(), both.problems[0].at.as_str()), (1, "/results/1"));
        assert!(each(&[&bad], "/data", read).is_err());
    }
}
