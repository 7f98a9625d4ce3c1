//! ANSI X12: interchanges (ISA…IEA) of transaction sets (ST…SE). The ISA segment has a fixed width and names its own
//! delimiters (X12.5).

use super::super::{
    DecodeError,
    times::{self, Zone, x12_zone},
};
use domain::{
    event_time::{EventTime, Precision, ZoneSource},
    observation::Problem,
};
use jiff::civil::DateTime;

/// Characters of an ISA segment up to and including the component separator, without the terminator.
const ISA_CHARS: usize = 105;
/// Segments of the longest interchange that is read.
const SEGMENTS_MAX: usize = 200_000;

/// A segment: its tag and its elements, without blanks at their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Segment {
    elements: Vec<String>,
    /// Its place in the file, counted from 1.
    pub place: usize,
}

impl Segment {
    /// `AT7`.
    pub fn tag(&self) -> &str {
        &self.elements[0]
    }

    /// The element of this number, counted from 1 as the standard does; blank ones are none.
    pub fn element(&self, number: usize) -> Option<&str> {
        self.elements.get(number).map(String::as_str).filter(|e| !e.is_empty())
    }
}

/// A transaction set.
#[derive(Clone, Debug)]
pub(in super::super) struct Set {
    /// `214`.
    pub kind: String,
    /// Between ST and SE.
    pub segments: Vec<Segment>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(in super::super) struct Interchanges {
    /// The sets, in order.
    pub sets: Vec<Set>,
    /// What is wrong with the envelopes.
    pub problems: Vec<Problem>,
}

/// Reads every interchange of a file.
pub(in super::super) fn read(raw: &[u8]) -> Result<Interchanges, DecodeError> {
    let text = String::from_utf8_lossy(raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw)).into_owned();
    let mut rest = text.trim_start();
    if !rest.starts_with("ISA") {
        return Err(DecodeError::Malformed { expected: "X12", reason: "it does not begin with ISA".into() });
    }
    let mut all = Interchanges::default();
    let mut place = 0;
    while let Some(at) = rest.find("ISA") {
        let end = rest[at + 3..]
            .find("ISA")
            .filter(|next| begins_interchange(&rest[at + 3 + next..]))
            .map_or(rest.len(), |next| at + 3 + next);
        let segments = segments(&rest[at..end], &mut place)?;
        envelope(segments, &mut all);
        rest = &rest[end..];
        if end == rest.len() && rest.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// `ISA` inside a name is no interchange: the authorisation qualifier follows.
fn begins_interchange(text: &str) -> bool {
    let mut chars = text.chars().skip(3);
    let separator = chars.next();
    let qualifier: String = chars.take(2).collect();
    separator.is_some_and(|c| !c.is_alphanumeric())
        && qualifier.len() == 2
        && qualifier.bytes().all(|b| b.is_ascii_digit())
}

fn segments(interchange: &str, place: &mut usize) -> Result<Vec<Segment>, DecodeError> {
    let malformed = |reason: &str| DecodeError::Malformed { expected: "X12", reason: reason.into() };
    let separator = interchange
        .chars()
        .nth(3)
        .filter(|c| !c.is_alphanumeric())
        .ok_or_else(|| malformed("ISA names no element separator"))?;
    let terminator = terminator(interchange, separator).ok_or_else(|| malformed("ISA is cut short"))?;
    let mut segments = Vec::new();
    for text in interchange.split(terminator) {
        // a file that was wrapped at some width, or has a line for each segment
        let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        *place += 1;
        if *place > SEGMENTS_MAX {
            return Err(malformed("it has too many segments"));
        }
        segments
            .push(Segment { elements: text.split(separator).map(|e| e.trim().to_owned()).collect(), place: *place });
    }
    Ok(segments)
}

/// The character after the component separator, ISA16. Blanks in ISA may have been trimmed or the file wrapped: then it
/// is what stands before the first GS.
fn terminator(interchange: &str, separator: char) -> Option<char> {
    let fixed: Vec<char> = interchange.chars().take(ISA_CHARS + 1).collect();
    let sixteen = fixed.iter().filter(|c| **c == separator).count() == 16;
    if let Some(candidate) =
        fixed.get(ISA_CHARS).copied().filter(|c| sixteen && !c.is_alphanumeric() && *c != separator)
    {
        let candidate = if candidate == '\r' { '\n' } else { candidate };
        if interchange.matches(candidate).count() > 2 {
            return Some(candidate);
        }
    }
    let elements: Vec<&str> = interchange.splitn(17, separator).collect();
    elements.get(16)?.chars().nth(1).map(|c| if c == '\r' { '\n' } else { c })
}

fn envelope(segments: Vec<Segment>, all: &mut Interchanges) {
    let (mut open, mut closed): (Option<Set>, bool) = (None, false);
    for segment in segments {
        match segment.tag() {
            "ISA" | "GS" | "GE" => {}
            "IEA" => closed = true,
            "ST" => {
                all.sets.extend(open.take());
                open = Some(Set { kind: segment.element(1).unwrap_or_default().to_owned(), segments: Vec::new() });
            }
            "SE" => {
                if let Some(set) = open.take() {
                    count(&set, &segment, &mut all.problems);
                    all.sets.push(set);
                }
            }
            _ => {
                if let Some(set) = &mut open {
                    set.segments.push(segment);
                }
            }
        }
    }
    if let Some(set) = open {
        all.problems
            .push(Problem { at: "SE".into(), message: "the last set is not closed: part of it may be missing".into() });
        all.sets.push(set);
    }
    if !closed {
        all.problems.push(Problem {
            at: "IEA".into(),
            message: "the interchange is not closed: part of it may be missing".into(),
        });
    }
}

fn count(set: &Set, end: &Segment, problems: &mut Vec<Problem>) {
    let found = set.segments.len() + 2;
    let said = end.element(1).and_then(|n| n.parse::<usize>().ok());
    if said.is_some_and(|said| said != found) {
        problems.push(Problem {
            at: format!("segment {}", end.place),
            message: format!("SE counts {} segments, the set has {found}", said.unwrap_or_default()),
        });
    }
}

/// A time in two elements and a time code (373, 337, 623): a wall clock, in the zone that the code names. A date without
/// a time is a day.
pub(in super::super) fn time(date: Option<&str>, clock: Option<&str>, code: Option<&str>) -> EventTime {
    let raw = [date, clock, code].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let Some(date) = date.and_then(times::compact_date) else { return EventTime::unknown(raw) };
    let Some((clock, precision)) = clock.and_then(times::compact_clock) else {
        return EventTime::floating(raw, date.at(0, 0, 0, 0), Precision::Date);
    };
    let local = DateTime::from_parts(date, clock);
    match x12_zone(code.unwrap_or_default()) {
        Zone::Known(zone, name) => EventTime::zoned(raw, local, &zone, name, precision, ZoneSource::Payload),
        Zone::Local | Zone::Unknown => EventTime::floating(raw, local, precision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &str =
        "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>";

    #[test]
    fn delimiters_come_from_the_isa() {
        for end in ["~", "\n", "~\r\n", "…"] {
            let text = format!("{ISA}{end}GS*QM*A*B{end}ST*214*1{end}B10*X*Y*Z{end}SE*3*1{end}GE*1*1{end}IEA*1*1{end}");
            let read = read(text.as_bytes()).unwrap();
            assert_eq!(read.sets.len(), 1, "{end:?}");
            assert_eq!(read.sets[0].segments[0].element(3), Some("Z"), "{end:?}");
            assert!(read.problems.is_empty(), "{end:?}: {:?}", read.problems);
        }
    }

    #[test]
    fn what_is_wrong_with_an_envelope_is_said_and_nothing_is_lost() {
        let read = read(format!("{ISA}~GS*QM~ST*214*1~B10*X~SE*9*1~{ISA}~ST*214*2~B10*Y~").as_bytes()).unwrap();
        assert_eq!(read.sets.len(), 2);
        assert_eq!(read.problems.len(), 4, "{:?}", read.problems);
    }

    #[test]
    fn garbage_is_refused() {
        assert!(read(b"UNB+UNOC").is_err());
        assert!(read(b"ISA").is_err());
        assert!(read(b"ISA*").is_err());
    }
}
