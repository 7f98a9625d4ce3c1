//! Spoiled messages: one field of a good message is replaced by what senders are known to write, and all that does not
//! follow from that field is read as before.

use super::{
    ALL, Carrier, DecodeError, FILE_MAX_BYTES, Settings,
    generic_json::{EventFields, Fields, GenericJson, TimeField},
};
use domain::observation::{Decoded, Observation};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Fields of one fixture that are spoiled in every way. Where there are more, all are spoiled, each in some of the ways, in turn.
const FIELDS_MAX: usize = 16;
/// Larger fixtures are left out: they have what the others have, more often.
const FIXTURE_MAX_BYTES: usize = 24 * 1024;
/// Stands where a value goes that is no JSON.
const MARK: &str = "\"the-spoiled-field\"";

fn read(carrier: &dyn Carrier, raw: &[u8]) -> Result<Decoded, DecodeError> {
    super::read(carrier, &Settings::default(), raw)
}

/// What a message says, each with what it is said of.
fn statements(decoded: &Decoded) -> Vec<Said<'_>> {
    let of = |r: &domain::observation::TrackerReport| r.refs.tracker().map(|(_, number)| number.to_owned());
    decoded.reports.iter().flat_map(|r| r.observations.iter().map(move |o| (of(r), o))).collect()
}

/// A statement, and what it is said of.
type Said<'a> = (Option<String>, &'a Observation);

/// What is said with the field, without it, and with another text in it, does not follow from it.
fn kept<'a>(good: &'a Decoded, others: &[Decoded]) -> Vec<Said<'a>> {
    let others: Vec<_> = others.iter().map(statements).collect();
    statements(good).into_iter().filter(|s| others.iter().all(|o| o.contains(s))).collect()
}

/// What does not follow from the field is said with the spoiled field, too.
fn holds(carrier: &dyn Carrier, kept: &[Said<'_>], spoiled: &[u8], what: &str) {
    let spoiled = match read(carrier, spoiled) {
        Ok(spoiled) => spoiled,
        // what a message is about may be what the field says
        Err(DecodeError::NotTracking(_)) => return,
        Err(_) if kept.is_empty() => return,
        Err(error) => panic!("{what}: {error}"),
    };
    let said = statements(&spoiled);
    for statement in kept {
        assert!(said.contains(statement), "{what}: {statement:?} is lost\n{said:#?}\n{:?}", spoiled.problems);
    }
}

/// Readings of the message with other values of the field; none where the field is needed for any reading.
fn all_read<const N: usize>(carrier: &dyn Carrier, others: [Vec<u8>; N]) -> Option<Vec<Decoded>> {
    others.iter().map(|raw| read(carrier, raw).ok()).collect()
}

fn fixtures(carrier: &dyn Carrier, endings: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(carrier.manifest().id).join("fixtures");
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let wanted = |name: &str| endings.iter().any(|e| name.ends_with(e)) && !name.ends_with(".expected.json");
    files
        .into_iter()
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .filter(|(name, raw)| wanted(name) && raw.len() <= FIXTURE_MAX_BYTES)
        .collect()
}

/// How the field at this place, of so many, is spoiled.
fn tried<T>(place: usize, fields: usize, spoilings: &[T]) -> impl Iterator<Item = &T> {
    let step = fields.div_ceil(FIELDS_MAX).clamp(1, spoilings.len());
    spoilings.iter().skip(place % step).step_by(step)
}

/// Pointers to every field of every object.
fn fields(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            (0..).zip(list).for_each(|(n, item): (usize, _)| fields(item, &format!("{at}/{n}"), found))
        }
        Value::Object(members) => {
            for (key, member) in members {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(at.clone());
                fields(member, &at, found);
            }
        }
        _ => {}
    }
}

fn without(body: &Value, pointer: &str) -> Value {
    let mut body = body.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    body.pointer_mut(parent).and_then(Value::as_object_mut).map(|fields| fields.remove(&key));
    body
}

fn with(body: &Value, pointer: &str, raw: &str) -> String {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap() = serde_json::from_str(MARK).unwrap();
    body.to_string().replace(MARK, raw)
}

fn spoilings() -> Vec<String> {
    let long = format!("\"{}\"", "x".repeat(100_000));
    let odd = ["12345", "-1.5", "true", "[]", "{}", "[null, 7]", "null", "\"\"", "NaN", "-Infinity", "1e999"];
    let texts = ["\"half \\ud83c\"", "\"\\udf81\"", "\"raw \u{1}\ttab\"", "\" \"", "\"\u{202E}\""];
    odd.into_iter().chain(texts).map(str::to_owned).chain([long]).collect()
}

fn json_holds(carrier: &dyn Carrier, name: &str, body: &Value) {
    let Ok(good) = read(carrier, body.to_string().as_bytes()) else { return };
    let mut pointers = Vec::new();
    fields(body, "", &mut pointers);
    let spoilings = spoilings();
    for (place, pointer) in pointers.iter().enumerate() {
        let another = match body.pointer(pointer) {
            Some(Value::Number(_)) => "98765".to_owned(),
            Some(Value::Bool(flag)) => (!flag).to_string(),
            _ => "\"X1\"".to_owned(),
        };
        let others = [without(body, pointer).to_string(), with(body, pointer, &another)];
        let Some(others) = all_read(carrier, others.map(String::into_bytes)) else { continue };
        let kept = kept(&good, &others);
        for spoiling in tried(place, pointers.len(), &spoilings) {
            let spoiled = with(body, pointer, spoiling);
            let shown: String = spoiling.chars().take(20).collect();
            let what = format!("{} {name} {pointer} = {shown}", carrier.manifest().id);
            holds(carrier, &kept, spoiled.as_bytes(), &what);
        }
    }
}

#[test]
fn a_spoiled_field_of_json_costs_no_other() {
    for carrier in ALL {
        for (name, raw) in fixtures(*carrier, &[".json"]) {
            if let Ok(body) = serde_json::from_slice::<Value>(&raw) {
                json_holds(*carrier, &name, &body);
            }
        }
    }
}

#[test]
fn a_spoiled_field_of_mapped_json_costs_no_other() {
    let at = |pointer: &str| Some(pointer.to_owned());
    let fields = Fields {
        reports: at("/shipments"),
        tracking_number: at("/number"),
        refs: [(domain::observation::RefKind::Order, "/order".to_owned())].into(),
        events: at("/events"),
        event: EventFields {
            status: at("/code"),
            time: TimeField { at: at("/when"), ..TimeField::default() },
            city: at("/city"),
            description: at("/words"),
            ..EventFields::default()
        },
        ..Fields::default()
    };
    let event = |code: &str, day: u8| json!({"code": code, "when": format!("2026-03-0{day}T10:00:00Z"), "city": "Köln", "words": "x"});
    let shipment = |number: &str| json!({"number": number, "order": "S1", "events": [event("a", 1), event("b", 2)]});
    json_holds(&GenericJson { fields }, "inline", &json!({"shipments": [shipment("A1"), shipment("A2")]}));
}

/// A list of messages without an envelope: the spoiled one costs itself at most.
#[test]
fn a_spoiled_message_in_a_list_costs_no_other() {
    for carrier in ALL {
        for (name, raw) in fixtures(*carrier, &[".json"]) {
            let Ok(body) = serde_json::from_slice::<Value>(&raw) else { continue };
            let Some(good) = read(*carrier, &raw).ok().filter(|_| body.is_object()) else { continue };
            let mut pointers = Vec::new();
            fields(&body, "", &mut pointers);
            for (place, pointer) in pointers.iter().enumerate() {
                for spoiling in tried(place, pointers.len(), &["7", "{}", "NaN"]) {
                    let list = format!("[{},{}]", with(&body, pointer, spoiling), body);
                    let what = format!("{} {name} {pointer} = {spoiling}", carrier.manifest().id);
                    let read = read(*carrier, list.as_bytes()).unwrap_or_else(|e| panic!("{what}: {e}"));
                    let said = statements(&read);
                    let lost = statements(&good).into_iter().find(|s| !said.contains(s));
                    assert!(lost.is_none(), "{what}: {lost:?} is lost: {:?}", read.problems);
                }
            }
        }
    }
}

/// Segments that say how the others are to be read.
const ENVELOPES: &[&str] = &["ISA", "GS", "ST", "SE", "GE", "IEA", "UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"];

#[test]
fn a_spoiled_element_of_edi_costs_no_other() {
    let half = "\u{1F381}".as_bytes()[..3].to_vec();
    let spoilings = [b"NaN".to_vec(), vec![b'A'; 100_000], b"\x01".to_vec(), half, b"20269999".to_vec()];
    for carrier in ALL {
        for (name, raw) in fixtures(*carrier, &[".edi"]) {
            let x12 = carrier.manifest().id.starts_with("x12");
            let Ok(text) = std::str::from_utf8(&raw) else { continue };
            let (separator, terminator) = if x12 { ('*', '~') } else { ('+', '\'') };
            let Some(good) = read(*carrier, text.as_bytes()).ok().filter(|_| text.contains(terminator)) else {
                continue;
            };
            let segments: Vec<&str> = text.split(terminator).collect();
            let places = segments.iter().enumerate().flat_map(|(n, segment)| {
                let of = segment.trim().split(separator).next().unwrap_or_default();
                let elements = if segment.contains("ISA*") || ENVELOPES.iter().any(|tag| of.starts_with(tag)) {
                    0
                } else {
                    segment.matches(separator).count()
                };
                (1..=elements).map(move |element| (n, element))
            });
            let places: Vec<_> = places.collect();
            for (place, &(segment, element)) in places.iter().enumerate() {
                let replaced = |by: &[u8]| {
                    let mut all: Vec<Vec<u8>> = segments.iter().map(|s| s.as_bytes().to_vec()).collect();
                    let mut elements: Vec<&[u8]> = segments[segment].split(separator).map(str::as_bytes).collect();
                    elements[element] = by;
                    all[segment] = elements.join(&(separator as u8));
                    all.join(&(terminator as u8))
                };
                let Some(others) = all_read(*carrier, [replaced(b""), replaced(b"X1")]) else { continue };
                let kept = kept(&good, &others);
                for spoiling in tried(place, places.len(), &spoilings) {
                    let what = format!("{} {name} {} {element}", carrier.manifest().id, segments[segment].trim());
                    holds(*carrier, &kept, &replaced(spoiling), &what);
                }
            }
        }
    }
}

#[test]
fn a_spoiled_text_of_xml_costs_no_other() {
    let half = "\u{1F381}".as_bytes()[..3].to_vec();
    let spoilings = [b"NaN".to_vec(), vec![b'A'; 100_000], b"\x01".to_vec(), half, b"A & B &#xD83C;".to_vec()];
    for carrier in ALL {
        for (name, raw) in fixtures(*carrier, &[".xml"]) {
            let (Ok(text), Ok(good)) = (std::str::from_utf8(&raw), read(*carrier, &raw)) else { continue };
            let texts = text.match_indices('>').filter_map(|(at, _)| {
                let end = text[at..].find('<')? + at;
                (!text[at + 1..end].trim().is_empty()).then_some((at + 1, end))
            });
            let texts: Vec<_> = texts.collect();
            for (place, &(from, to)) in texts.iter().enumerate() {
                let replaced = |by: &[u8]| [&raw[..from], by, &raw[to..]].concat();
                let Some(others) = all_read(*carrier, [replaced(b""), replaced(b"X1")]) else { continue };
                let kept = kept(&good, &others);
                for spoiling in tried(place, texts.len(), &spoilings) {
                    let what = format!("{} {name} byte {from}", carrier.manifest().id);
                    holds(*carrier, &kept, &replaced(spoiling), &what);
                }
            }
        }
    }
}

fn only(carrier: &str, raw: &[u8]) -> Decoded {
    assert!(raw.len() < FILE_MAX_BYTES);
    read(super::by_id(carrier).unwrap(), raw).unwrap()
}

/// Number and city of the only statement.
fn summary(decoded: &Decoded) -> (&str, Option<&str>) {
    let report = &decoded.reports[0];
    let city = report.observations[0].location.as_ref().and_then(|l| l.city.as_deref());
    (report.refs.tracker().unwrap().1, city)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What stands in a message is read as it stands there, or a problem says that it is not.
    #[test]
    fn nothing_is_cut_short_in_silence(
        number in "[A-Z0-9][A-Z0-9*^|~/\\-]{0,20}[A-Z0-9]",
        city in "[A-Z][A-Za-zÄÖÜäöüß*^|~/ \\-]{0,20}[a-z]",
        una in prop::sample::select(vec!["", "UNA:+.? '", "UNA:+.?*'", "UNA:+.?^'"]),
        version in "[1-4]",
    ) {
        let whole = |decoded: &Decoded| {
            let said = summary(decoded) == (&number, Some(&city));
            said || !decoded.problems.is_empty()
        };
        let edifact = format!(
            "{una}UNB+UNOC:{version}+A+B+260310:1405+1'UNH+1+IFTSTA:D:01B:UN'CNI+1+{number}'STS+1+21'\
             DTM+334:202603101330:203'LOC+14+:::{city}'UNT+6+1'UNZ+1+1'"
        );
        prop_assert!(whole(&only("edifact_iftsta", edifact.as_bytes())), "{edifact}");
        let separators = [(';', '\n'), ('|', '!'), ('+', '\'')];
        for (separator, end) in separators.into_iter().filter(|(s, _)| !number.contains(*s) && !city.contains(*s)) {
            let isa = "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*P*>";
            let x12 = format!("{isa}%GS*QM*A*B%ST*214*1%B10*#N*S*C%AT7*D1*NS***20260310*0930*CT%MS1*#C*OK*US%SE*5*1%GE*1*1%IEA*1*1%");
            let x12 = x12.replace('*', &separator.to_string()).replace('%', &end.to_string());
            let x12 = x12.replace("#N", &number).replace("#C", &city);
            prop_assert!(whole(&only("x12_214", x12.as_bytes())), "{x12}");
        }
        let aftership = json!({"msg": {"tracking_number": number, "checkpoints": [
            {"tag": "Delivered", "subtag": "Delivered_001", "checkpoint_time": "2026-03-03T10:10:00", "city": city}]}});
        prop_assert!(whole(&only("aftership", aftership.to_string().as_bytes())), "{aftership}");
    }

    /// A time of day in whatever dress is read, or a problem says that it is not.
    #[test]
    fn no_time_of_day_is_dropped_in_silence(clock in "[0-9]{1,6}|[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?( ?[AaPp][.]?[Mm]?[.]?)?|[0-9A-Z:. ]{1,8}") {
        let x12 = format!(
            "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*P*>~\
             GS*QM*A*B~ST*214*1~B10*N1*S*C~AT7*D1*NS***20260310*{clock}*CT~SE*4*1~GE*1*1~IEA*1*1~"
        );
        let karrio = json!({"tracking_number": "N1", "carrier_name": "x", "events": [
            {"date": "2026-03-10", "time": clock, "code": "delivered", "status": "delivered"}]});
        let ups = json!({"trackingNumber": "N1", "localActivityDate": "20260310", "localActivityTime": clock,
            "activityStatus": {"type": "D", "code": "KB"}});
        for (carrier, raw) in [("x12_214", x12), ("karrio", karrio.to_string()), ("ups_track_alert", ups.to_string())] {
            let decoded = only(carrier, raw.as_bytes());
            let read = decoded.reports[0].observations[0].time.precision > domain::event_time::Precision::Date;
            prop_assert!(read || clock.trim().is_empty() || !decoded.problems.is_empty(), "{carrier} {clock}");
        }
    }
}
