//! A message's body as pages show it: JSON indented, EDI with a line for each segment. To a caller who may not read personal data
//! only what is known to be harmless is shown: codes, times, numbers, places, and of JSON only where every field around them is
//! known to hold events. Nothing of a body of any other kind.

use serde_json::Value;

/// Bytes of a body shown on a page.
const SHOWN_MAX: usize = 20_000;
/// What stands in the place of what is not shown.
const MASK: &str = "••••";
/// The longest value that is shown without the permission.
const VALUE_MAX: usize = 48;
/// The longest name of a field that is shown without it.
const NAME_MAX: usize = 40;

/// JSON fields with codes, times and numbers; in small letters, without `_` and `-`.
const HARMLESS: &str = "carrier carriercode checkpointtime code courier couriercode createdat created date datetime delivereddate \
    estimateddelivery estimateddeliverydate eta event eventcode eventid eventtime eventtimestamp eventtype \
    expecteddelivery expecteddeliverydate id mode msgtype number object objectid occurredat offset reasoncode \
    scac service servicecode shipmentid slug status statuscategory statuscode statusdate statustype substatus \
    subtag tag test time timestamp timeiso timeutc timezone trackingcode trackingid trackingnumber type \
    updatedat updated uuid version";
/// JSON fields with places that are no addresses.
const PLACES: &str = "city country countrycode countryiso2 countryiso3 countryregion region state";
/// JSON fields around events and their places. Whatever is under another field (a customer, custom fields, meta data, names that
/// somebody chose) is not shown, however harmless its own name is.
const AROUND: &str = "accepted activitylocation activitystatus bizlocation carrier carrierdetail checkpoint checkpoints courier \
    customestimateddeliverydate data datetimes destinationinfo epcisbody event eventlist eventlocation events \
    firstestimateddelivery latestestimateddelivery latestevent lateststatus location locationdetails milestone msg \
    nextcouriers origininfo origintrackinglocation parcel payload port provider providers queryresults readpoint \
    result resultsbody shipment shipments state status substatus terminal trackers trackinfo tracking trackingdetails \
    trackinghistory trackinglocation trackings trackingstatus vessel";
/// EDI segments whose elements are codes, times, numbers and counts.
const SEGMENTS: &str = "AT7 AT8 B10 B4 BGM BSN CNI CNT DTM EQD GE GS HL IEA ISA LX MS2 Q2 R4 SE SG ST STS TDT UNA UNB UNE UNG UNH \
    UNT UNZ";

/// The body; what may be personal is hidden from those who may not read it.
pub(super) fn shown(body: &[u8], hides: bool) -> String {
    let json = serde_json::from_slice::<Value>(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)).ok();
    let text = match (json, hides) {
        (Some(value), false) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        (Some(mut value), true) => {
            mask(&mut value, Field { around: true, holds: None });
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        (None, false) => match Edi::of(&String::from_utf8_lossy(body)) {
            Some(edi) => edi.segments().collect::<Vec<_>>().join("\n"),
            None => String::from_utf8_lossy(body).into_owned(),
        },
        (None, true) => match Edi::of(&String::from_utf8_lossy(body)) {
            Some(edi) => edi.segments().map(|segment| edi.masked(segment)).collect::<Vec<_>>().join("\n"),
            None => MASK.to_owned(),
        },
    };
    cut(text)
}

fn cut(mut text: String) -> String {
    if text.len() > SHOWN_MAX {
        let cut = (0..=SHOWN_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(cut);
        text.push_str("\n… cut here");
    }
    text
}

/// What a field's value may be.
#[derive(Clone, Copy)]
enum Holds {
    Codes,
    Places,
}

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// What may be shown of a field: fields in it, and its own value.
#[derive(Clone, Copy)]
struct Field {
    around: bool,
    holds: Option<Holds>,
}

impl Field {
    fn of(name: &str) -> Self {
        let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-')).collect::<String>().to_ascii_lowercase();
        let places = is_in(PLACES, &plain).then_some(Holds::Places);
        let holds = if is_in(HARMLESS, &plain) { Some(Holds::Codes) } else { places };
        Self { around: is_in(AROUND, &plain), holds }
    }
}

/// Masks every value but those that are known to be harmless.
fn mask(value: &mut Value, of: Field) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Object(fields) if of.around => {
            let taken = std::mem::take(fields);
            for (name, mut value) in taken {
                mask(&mut value, Field::of(&name));
                fields.insert(if is_name(&name) { name } else { MASK.to_owned() }, value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mask(value, of)),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) if of.holds.is_some_and(|holds| is_harmless(text, holds)) => {}
        Value::Number(_) if matches!(of.holds, Some(Holds::Codes)) => {}
        other => *other = Value::from(MASK),
    }
}

/// Whether this is what a program names a field, and no person or address.
fn is_name(name: &str) -> bool {
    let lettered = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    lettered
        && digits <= 4
        && name.len() <= NAME_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

fn is_harmless(text: &str, holds: Holds) -> bool {
    let of = |fits: fn(char) -> bool| text.len() <= VALUE_MAX && text.chars().all(fits);
    match holds {
        // one word, or a time with a space in it
        Holds::Codes => {
            of(|c| c.is_ascii_alphanumeric() || "_-.:/+#".contains(c))
                || of(|c| c.is_ascii_digit() || " -:.+/TZ".contains(c))
        }
        Holds::Places => of(|c| c.is_alphabetic() || " -'’.".contains(c)),
    }
}

/// An interchange in X12 or EDIFACT, with its own separators.
struct Edi<'a> {
    text: &'a str,
    element: char,
    component: char,
    segment: char,
    release: Option<char>,
}

impl<'a> Edi<'a> {
    /// What the envelope says of the separators; nothing where there is none.
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
        let at = |n: usize| text.chars().nth(n);
        if text.starts_with("ISA") {
            let (element, component, segment) = (at(3)?, at(104)?, at(105)?);
            return Some(Self { text, element, component, segment, release: None });
        }
        let (component, element, release, segment) = match (text.starts_with("UNA"), text.starts_with("UNB")) {
            (true, _) => (at(3)?, at(4)?, at(6)?, at(8)?),
            (false, true) => (':', '+', '?', '\''),
            (false, false) => return None,
        };
        Some(Self { text, element, component, segment, release: Some(release).filter(|c| *c != ' ') })
    }

    /// The segments, each with its end.
    fn segments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (mut rest, segment, release) = (self.text, self.segment, self.release);
        // the separators themselves
        let mut skip = if rest.starts_with("UNA") { 8 } else { 0 };
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(['\r', '\n']);
            if rest.is_empty() {
                return None;
            }
            let mut released = false;
            let end = rest.char_indices().enumerate().find(|(n, (_, c))| {
                let ends = *c == segment && !released && *n >= skip;
                released = !released && Some(*c) == release;
                ends
            });
            skip = 0;
            let (one, more) = rest.split_at(end.map_or(rest.len(), |(_, (at, c))| at + c.len_utf8()));
            rest = more;
            Some(one)
        })
    }

    /// A segment without what is not known to be harmless.
    fn masked(&self, segment: &str) -> String {
        let end = self.segment;
        let inside = segment.strip_suffix(end).unwrap_or(segment);
        let tag = inside.split(self.element).next().unwrap_or_default();
        if tag.starts_with("UNA") {
            return segment.to_owned();
        }
        let known = tag.len() <= 3 && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        if !known || !is_in(SEGMENTS, tag) {
            return format!("{}{}{MASK}{end}", if known { tag } else { MASK }, self.element);
        }
        let part = |text: &str| if is_harmless(text.trim(), Holds::Codes) { text.to_owned() } else { MASK.to_owned() };
        let element =
            |text: &str| text.split(self.component).map(part).collect::<Vec<_>>().join(&self.component.to_string());
        let elements = inside.split(self.element).map(element).collect::<Vec<_>>();
        format!("{}{end}", elements.join(&self.element.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a viewer without the permission never sees, wherever it stands.
    const PERSONAL: &[&str] = &["Jane", "Doe", "jane@doe.test", "+33 6 12", "33612345678", "12 Rue de la Paix", "dog"];

    fn holds_nothing_personal(body: &[u8]) -> String {
        let text = shown(body, true);
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
        text
    }

    #[test]
    fn json_is_shown_as_far_as_it_is_harmless() {
        let body = br#"{"tracking_number":"1Z999","tag":"InTransit","checkpoint_time":"2026-03-04T10:00:00+01:00",
            "city":"Lyon","signed_by":"Jane","status":"Left with Jane Doe","customer":{"first":"Jane","phone":33612345678},
            "emails":["jane@doe.test"],"jane@doe.test":{"x":1},"message":"beware of the dog","code":"jane@doe.test",
            "address":"12 Rue de la Paix","anything":{"deep":[{"to":"Jane Doe"},"Doe",33612345678]},"active":true}"#;
        let text = holds_nothing_personal(body);
        for harmless in ["1Z999", "InTransit", "2026-03-04T10:00:00+01:00", "Lyon", "customer", "true"] {
            assert!(text.contains(harmless), "{harmless}: {text}");
        }
        let all = shown(body, false);
        assert!(PERSONAL.iter().all(|personal| all.contains(personal) || *personal == "+33 6 12"));
    }

    /// Every harmless name under every field that is not known to hold events, directly or under one that is.
    #[test]
    fn under_a_field_that_is_not_known_nothing_is_shown() {
        let unknown = "customer custom custom_fields customFields meta metadata recipient Recipient-Address consignee shipper sender \
            receiver contact person user buyer address address_to signature signed_by notes attributes properties extra references \
            id name tag number type code city event_ data.customer eventss Jane";
        let known = HARMLESS
            .split_whitespace()
            .map(|name| (name, "Jane"))
            .chain(PLACES.split_whitespace().map(|name| (name, "Doe")));
        for (name, personal) in known {
            for value in [json!(personal), json!([personal]), json!(33_612_345_678_u64), json!({ name: personal })] {
                for parent in unknown.split_whitespace().filter(|parent| !Field::of(parent).around) {
                    let held = json!({ name: value });
                    for held in [
                        held.clone(),
                        json!([held]),
                        json!([[held]]),
                        json!({ "data": held }),
                        json!({"event": [held]}),
                    ] {
                        let deep = json!({"data": {"events": [{ parent: held.clone() }]}});
                        for body in [json!({ parent: held.clone() }), json!([{ parent: held }]), deep] {
                            let text = shown(body.to_string().as_bytes(), true);
                            let inside = text.replacen(&format!("\"{parent}\""), "", 1);
                            assert!(
                                ["Jane", "Doe", "33612345678"].iter().all(|it| !inside.contains(it)),
                                "{body}: {text}"
                            );
                        }
                    }
                }
            }
        }
        for around in AROUND.split_whitespace() {
            let text = shown(json!({ around: [{"status_code": "IT", "city": "Lyon"}] }).to_string().as_bytes(), true);
            assert!(text.contains("IT") && text.contains("Lyon"), "{text}");
        }
    }

    #[test]
    fn edi_is_shown_as_far_as_it_is_harmless() {
        let isa =
            format!("ISA*00*{:10}*00*{:10}*ZZ*{:15}*ZZ*{:15}*260304*1000*U*00401*000000001*0*P*>~", "", "", "A", "B");
        let x12 = format!(
            "{isa}\nST*214*0001~N1*CN*JANE~N1*CN*Jane Doe~N3*12 Rue de la Paix~AT7*X1*NS***20260304*1000~K1*beware of the dog~"
        );
        let text = holds_nothing_personal(x12.as_bytes());
        assert!(
            text.contains("AT7*X1*NS***20260304*1000~") && text.contains("N1*••••~") && !text.contains("JANE"),
            "{text}"
        );
        let edifact = b"UNA:+.? 'UNB+UNOC:3+A+B+260304:1000+1'NAD+CN+++Jane Doe+12 Rue de la Paix'STS+1+21'FTX+AAI+++beware?'s dog'UNZ+1+1'";
        let text = holds_nothing_personal(edifact);
        assert!(
            text.contains("STS+1+21'") && text.contains("FTX+••••'") && text.starts_with("UNA:+.? '\nUNB+"),
            "{text}"
        );
        assert_eq!(shown(edifact, false).lines().count(), 6);
    }

    #[test]
    fn of_anything_else_nothing_is_shown() {
        for body in [
            &b"<to name=\"Jane Doe\">12 Rue de la Paix</to>"[..],
            b"Jane;Doe",
            b"{\"to\": \"Jane\"",
            b"\"Jane\"",
            b"\xff\xfe",
        ] {
            let text = shown(body, true);
            assert_eq!(text.replace('"', ""), MASK, "{text}");
        }
    }
}
