//! What JSON connectors share: reading with limits, lists, times, countries, and numbers that must be text.

mod repair;

use crate::{DecodeError, formats::times};
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

/// How the keys of a message are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Always the same.
    AsWritten,
    /// As `tracking_number`, `trackingNumber` or `TrackingNumber`: the vendor's own libraries write them their language's
    /// way. All become the first.
    Snake,
}

/// Fields that mark a message as a test: `"test": true`, `"mode": "test"`, `"livemode": false`. Sources:
/// EasyPost (`mode`), Shippo (`test`), Karrio (`test_mode`) in their API references.
const TEST_FLAGS: &[&str] = &["test", "test_mode", "testMode", "is_test", "isTest"];
const LIVE_FLAGS: &[&str] = &["livemode", "live_mode", "liveMode"];

/// Reads the statements out of a body. What had to be mended before it could be parsed is a problem; a list of messages
/// without an envelope is each of them; a message that is marked as a test stays marked.
pub(crate) fn decode(
    raw: &[u8],
    keys: Keys,
    read: impl Fn(&Value) -> Result<Decoded, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let (body, mended) = parse(raw, keys)?;
    let whole = read(&body);
    let listed = body.as_array().filter(|list| !list.is_empty() && says_nothing(&whole));
    let listed = listed.map(|list| one_by_one(list, &read)).filter(|listed| !says_nothing(listed));
    let mut decoded = listed.unwrap_or(whole)?;
    if is_test(&body) {
        decoded.reports.iter_mut().for_each(|report| report.test = true);
    }
    decoded.problems.splice(0..0, mended);
    Ok(decoded)
}

fn says_nothing(read: &Result<Decoded, DecodeError>) -> bool {
    read.as_ref().map_or(true, |decoded| decoded.reports.is_empty())
}

/// A list whose items are messages. One that cannot be read is a problem beside the others.
fn one_by_one(list: &[Value], read: impl Fn(&Value) -> Result<Decoded, DecodeError>) -> Result<Decoded, DecodeError> {
    let (mut all, mut refused, mut read_any) = (Decoded::default(), None, false);
    for (n, item) in list.iter().enumerate() {
        match read(item) {
            Ok(mut decoded) => {
                read_any = true;
                if is_test(item) {
                    decoded.reports.iter_mut().for_each(|report| report.test = true);
                }
                all.reports.extend(decoded.reports);
                let there = |problem: Problem| Problem { at: format!("/{n}{}", problem.at), ..problem };
                all.problems.extend(decoded.problems.into_iter().map(there));
            }
            Err(error) => {
                all.problems.push(Problem { at: format!("/{n}"), message: error.to_string() });
                refused.get_or_insert(error);
            }
        }
    }
    match refused {
        Some(error) if !read_any => Err(error),
        _ => Ok(all),
    }
}

/// Whether an object is marked as a test.
fn is_test(value: &Value) -> bool {
    let flag = |key: &&str| value.get(*key).and_then(Value::as_bool);
    let mode = || text(value, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("test"));
    TEST_FLAGS.iter().any(|key| flag(key) == Some(true))
        || LIVE_FLAGS.iter().any(|key| flag(key) == Some(false))
        || mode()
}

/// A body, where it can be parsed: for what is needed of it before it is decoded.
pub(crate) fn body(raw: &[u8], keys: Keys) -> Option<Value> {
    parse(raw, keys).ok().map(|(body, _)| body)
}

/// Reads a body, with the problems of what had to be repaired for it. A byte order mark is skipped; nesting beyond the parser's limit
/// of 128 is refused; of a key that is there twice the last counts.
pub(crate) fn parse(raw: &[u8], keys: Keys) -> Result<(Value, Vec<Problem>), DecodeError> {
    let raw = without_mark(raw);
    let (body, problems) = match serde_json::from_slice(raw) {
        Ok(body) => (body, Vec::new()),
        Err(error) => {
            let again = repair::mended(raw).and_then(|(text, said)| Some((serde_json::from_str(&text).ok()?, said)));
            again.ok_or_else(|| DecodeError::Malformed { expected: "JSON", reason: position(&error) })?
        }
    };
    Ok((if keys == Keys::Snake { snake(body) } else { body }, problems))
}

/// The text of one field of a body, as [`text`] reads it from what [`parse`] reads; the other fields are passed over, since
/// the request path asks for no more than that.
pub(crate) fn text_of(raw: &[u8], key: &str) -> Option<String> {
    let raw = without_mark(raw);
    match field_of(raw, key) {
        Ok(value) => plain(&value?),
        Err(_) => plain(&field_of(repair::mended(raw)?.0.as_bytes(), key).ok()??),
    }
}

fn field_of(raw: &[u8], key: &str) -> Result<Option<Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(raw);
    let value = reader.deserialize_map(Field(key))?;
    reader.end()?;
    Ok(value)
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
pub(crate) fn each(
    trackers: &[&Value],
    at: &str,
    read: impl Fn(&Value, &str, &mut Vec<Problem>) -> Result<TrackerReport, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    for (n, tracker) in trackers.iter().enumerate() {
        let at = if trackers.len() > 1 { format!("{at}/{n}") } else { at.to_owned() };
        match read(tracker, &at, &mut decoded.problems) {
            Ok(report) => decoded.reports.push(TrackerReport { test: report.test || is_test(tracker), ..report }),
            Err(error) if trackers.len() == 1 => return Err(error),
            Err(error) => decoded.problems.push(Problem { at, message: error.to_string() }),
        }
    }
    Ok(decoded)
}

/// The items of a list of objects, each with its place. Some write the only item without its list, or a list as an
/// object of numbered items, or an empty one as an empty object. What is no item is a problem, and costs no other.
pub(crate) fn items<'v>(
    value: &'v Value,
    key: &str,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, &'v Value)> {
    let list: Vec<&Value> = match value.get(key) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Object(fields)) => match numbered(fields) {
            Some(items) => items,
            None => value.get(key).into_iter().collect(),
        },
        Some(Value::String(text)) if text.trim().is_empty() => Vec::new(),
        Some(_) => {
            problems
                .push(Problem { at: format!("{at}/{key}"), message: "is no list: nothing is read out of it".into() });
            Vec::new()
        }
    };
    let placed = list.into_iter().enumerate().map(|(n, item)| (format!("{at}/{key}/{n}"), item));
    let (objects, others): (Vec<_>, Vec<_>) = placed.partition(|(_, item)| item.is_object());
    let no_item = |(at, _)| Problem { at, message: "is no object: nothing is read out of it".into() };
    problems.extend(others.into_iter().map(no_item));
    objects
}

/// The values of an object whose keys are numbers, in their order.
fn numbered(fields: &Map<String, Value>) -> Option<Vec<&Value>> {
    let keyed: Option<Vec<(u32, &Value)>> =
        fields.iter().map(|(key, value)| Some((key.parse().ok()?, value))).collect();
    let mut keyed = keyed?;
    keyed.sort_by_key(|(key, _)| *key);
    Some(keyed.into_iter().map(|(_, value)| value).collect())
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
pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    plain(value.get(key)?)
}

/// A value that is a text, cleaned likewise.
pub(crate) fn plain(value: &Value) -> Option<String> {
    let clean: String = value.as_str()?.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A number that names something. As a JSON number it may have lost leading zeros or digits: refused, never rounded.
pub(crate) fn number(value: &Value, key: &str, at: &str) -> Result<Option<String>, DecodeError> {
    match value.get(key) {
        Some(Value::Number(_)) => Err(DecodeError::Incomplete {
            at: format!("{at}/{key}"),
            reason: "is a JSON number, which may have lost digits or leading zeros; it has to be sent as text".into(),
        }),
        _ => Ok(text(value, key)),
    }
}

/// A further number of something that is known already: what is no text is a problem, and not a reason to lose the rest.
pub(crate) fn further_number(value: &Value, key: &str, at: &str, problems: &mut Vec<Problem>) -> Option<String> {
    number(value, key, at).unwrap_or_else(|error| {
        problems.push(Problem { at: at.to_owned(), message: error.to_string() });
        None
    })
}

/// A code: text, or a whole number that some write where others write text.
pub(crate) fn code(value: &Value, key: &str) -> Option<String> {
    text(value, key).or_else(|| value.get(key)?.as_i64().map(|number| number.to_string()))
}

/// The codes in a list of complaints, for an error answer's reason.
pub(crate) fn complaints(list: &[Value], key: &str) -> String {
    let codes: Vec<String> = list.iter().filter_map(|complaint| code(complaint, key)).collect();
    if codes.is_empty() { "it gives no code".to_owned() } else { codes.join(", ") }
}

/// A field with the expected delivery; midnight means the day. What cannot be used as a time is a problem.
pub(crate) fn expected_delivery(
    value: &Value,
    key: &str,
    stated_at: Option<Timestamp>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Observation> {
    let time = times::day_if_midnight(usable(time(value, key)?, key, at, problems)?);
    let codes = Codes {
        raw: key.to_owned(),
        status: vec![ProviderCode::new("milepost.field", "expected_delivery")],
        reason: None,
        coarse: None,
    };
    Some(Observation { stated_at, ..Observation::new(codes, Classifier::Estimated, time, Origin::Summary) })
}

/// The time, if it can be used as one; a problem if not.
pub(crate) fn usable(time: EventTime, key: &str, at: &str, problems: &mut Vec<Problem>) -> Option<EventTime> {
    let usable = time.sort_key().is_some() && !time.sentinel;
    if !usable {
        problems.push(Problem { at: format!("{at}/{key}"), message: "is no time that can be used".into() });
    }
    usable.then_some(time)
}

/// The first of these fields that has a text: names change from one version to the next.
pub(crate) fn first(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(value, key))
}

/// When something happened: the first of these fields that is there. What cannot be used as a time is a problem.
pub(crate) fn event_time(value: &Value, keys: &[&str], at: &str, problems: &mut Vec<Problem>) -> EventTime {
    let time = keys.iter().find_map(|key| time(value, key)).unwrap_or_else(|| EventTime::unknown(""));
    let named = keys.iter().find(|key| value.get(key).is_some()).or(keys.first()).copied().unwrap_or_default();
    usable(time.clone(), named, at, problems).unwrap_or(time)
}

/// A field's time: text, or the seconds or milliseconds since 1970 that some write.
pub(crate) fn time(value: &Value, key: &str) -> Option<EventTime> {
    match value.get(key)? {
        Value::Number(number) => Some(times::epoch(&number.to_string())),
        other => plain(other).map(|raw| times::iso(&raw)),
    }
}

/// A field's instant: only where the source gives an offset or zone.
pub(crate) fn instant(value: &Value, key: &str) -> Option<Timestamp> {
    time(value, key).filter(|t| !t.sentinel).and_then(|t| t.utc)
}

/// ISO 3166-1 alpha-2 of a country's code or name; none for anything else.
pub(crate) fn country(word: &str) -> Option<String> {
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
            r#"{"id":"a","title":"half \ud83c"}"#,
            r#"{"id":"half \ud83c","weight":NaN}"#,
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
            let whole = super::body(body.as_bytes(), Keys::AsWritten).and_then(|value| text(&value, "id"));
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
        let value = body(br#"{"data":[{"statusCode":"DE"}]}"#, Keys::Snake).unwrap();
        assert_eq!(value.pointer("/data/0/status_code").and_then(Value::as_str), Some("DE"));
    }

    #[test]
    fn lists_in_every_dress() {
        let read = |list: Value| {
            let mut problems = Vec::new();
            let value = serde_json::json!({"l": list});
            let places: Vec<_> = items(&value, "l", "/x", &mut problems).into_iter().map(|(at, _)| at).collect();
            (places, problems.len())
        };
        let one = vec!["/x/l/0".to_owned()];
        assert_eq!(read(serde_json::json!([{"a": 1}, null, "b"])), (one.clone(), 2));
        assert_eq!(read(serde_json::json!({"a": 1})), (one.clone(), 0));
        assert_eq!(read(serde_json::json!({"3": {"a": 1}})), (one, 0));
        for empty in [serde_json::json!(null), serde_json::json!([]), serde_json::json!({}), serde_json::json!("")] {
            assert_eq!(read(empty), (Vec::new(), 0));
        }
        assert_eq!(read(serde_json::json!(7)), (Vec::new(), 1));
    }

    #[test]
    fn a_test_says_so_in_many_ways() {
        for yes in [r#"{"mode":"test"}"#, r#"{"test":true}"#, r#"{"testMode":true}"#, r#"{"livemode":false}"#] {
            assert!(is_test(&serde_json::from_str(yes).unwrap()), "{yes}");
        }
        for no in [r#"{"mode":"LTL"}"#, r#"{"test":false}"#, r#"{"test":"no"}"#, "{}", "[]"] {
            assert!(!is_test(&serde_json::from_str(no).unwrap()), "{no}");
        }
    }

    #[test]
    fn one_bad_tracker_does_not_lose_the_others() {
        let read = |tracker: &Value, at: &str, _: &mut Vec<Problem>| match text(tracker, "n") {
            Some(_) => Ok(TrackerReport {
                refs: Default::default(),
                carrier: None,
                feed: domain::observation::Feed::Delta,
                observations: Vec::new(),
                test: false,
            }),
            None => Err(DecodeError::Incomplete { at: at.into(), reason: "no number".into() }),
        };
        let (good, bad) = (serde_json::json!({"n": "1"}), serde_json::json!({}));
        let both = each(&[&good, &bad], "/results", read).unwrap();
        assert_eq!((both.reports.len(), both.problems[0].at.as_str()), (1, "/results/1"));
        assert!(each(&[&bad], "/data", read).is_err());
    }
}
