//! ANSI X12: interchanges (ISA…IEA) of transaction sets (ST…SE). The ISA segment has a fixed width and names its own
//! delimiters (X12.5).

use super::super::{
    DecodeError,
    times::{self, Zone, x12_zone},
};
use super::{MESSAGES_MAX, Reading, head, say};
use domain::{
    event_time::{EventTime, Precision, ZoneSource},
    observation::{Decoded, Problem, TrackerReport},
};
use jiff::{Timestamp, civil::DateTime};
use std::borrow::Cow;

/// Characters of an ISA segment up to and including the component separator, without the terminator.
const ISA_CHARS: usize = 105;
/// Characters of an interchange in which its delimiters must show themselves: ISA, GS and ST.
const HEAD_CHARS: usize = 1_000;

/// A segment: its tag and its elements, without blanks at their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Segment<'a> {
    text: Cow<'a, str>,
    separator: char,
    /// Its place in the file, counted from 1.
    pub place: usize,
}

impl Segment<'_> {
    /// `AT7`.
    pub fn tag(&self) -> &str {
        self.element(0).unwrap_or_default()
    }

    /// The element of this number, counted from 1 as the standard does; blank ones are none.
    pub fn element(&self, number: usize) -> Option<&str> {
        self.text.split(self.separator).nth(number).map(str::trim).filter(|e| !e.is_empty())
    }

    /// Where a problem is.
    pub fn at(&self) -> String {
        format!("segment {}", self.place)
    }
}

/// A transaction set: what stands between ST and SE.
#[derive(Clone, Debug)]
pub(in super::super) struct Set<'a> {
    /// `214`.
    pub kind: String,
    /// When its group was written (GS-04, GS-05). They name no zone: good for the order of what one partner says, and
    /// for nothing else.
    pub written: Option<Timestamp>,
    body: Segments<'a>,
    end: usize,
}

impl<'a> Set<'a> {
    /// Its segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let end = self.end;
        self.body.clone().take_while(move |segment| segment.place < end)
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(in super::super) struct Interchanges<'a> {
    /// The sets, in order.
    pub sets: Vec<Set<'a>>,
    /// What is wrong with the envelopes.
    pub problems: Vec<Problem>,
}

/// Decodes a file whose channel is about sets of one kind: each is read by `report`, the others are none of ours.
pub(in super::super) fn decode(
    text: &str,
    kind: &str,
    mut report: impl FnMut(&Set<'_>, &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let Interchanges { sets, problems } = read(text)?;
    if sets.is_empty() {
        return Err(DecodeError::Incomplete { at: "ST".into(), reason: "there is no transaction set in it".into() });
    }
    let mut reading = Reading::new(if sets.iter().any(|s| s.kind == kind) { problems } else { Vec::new() });
    for set in &sets {
        if set.kind == kind {
            let reports = report(set, reading.problems());
            reading.add(reports);
        } else {
            reading.other(format!("X12 set {}", set.kind));
        }
    }
    reading.finish("an X12 set")
}

/// Reads every interchange of a file.
pub(in super::super) fn read(text: &str) -> Result<Interchanges<'_>, DecodeError> {
    let mut rest = text.trim_start();
    if !rest.starts_with("ISA") {
        return Err(malformed("it does not begin with ISA"));
    }
    let mut all = Interchanges::default();
    let mut place = 0;
    loop {
        let mut segments = Segments::of_interchange(rest, place)?;
        envelope(&mut segments, &mut all)?;
        (rest, place) = (segments.rest, segments.place);
        if rest.is_empty() {
            return Ok(all);
        }
    }
}

fn malformed(reason: &str) -> DecodeError {
    DecodeError::Malformed { expected: "X12", reason: reason.into() }
}

/// The segments of an interchange, up to the next one.
#[derive(Clone, Debug)]
struct Segments<'a> {
    rest: &'a str,
    separator: char,
    terminator: char,
    place: usize,
    /// An ISA has been given: the next one begins another interchange.
    begun: bool,
}

impl<'a> Segments<'a> {
    fn of_interchange(text: &'a str, place: usize) -> Result<Self, DecodeError> {
        let separator = text.chars().nth(3).filter(|c| !c.is_alphanumeric());
        let separator = separator.ok_or_else(|| malformed("ISA names no element separator"))?;
        let terminator = terminator(head(text, HEAD_CHARS), separator).ok_or_else(|| malformed("ISA is cut short"))?;
        Ok(Self { rest: text, separator, terminator, place, begun: false })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\0' || c == self.terminator);
            if self.rest.is_empty() || (self.begun && begins_interchange(self.rest)) {
                return None;
            }
            self.begun = true;
            let (text, rest) = self.rest.split_once(self.terminator).unwrap_or((self.rest, ""));
            self.rest = rest;
            let text = unwrapped(text);
            if !text.trim().is_empty() {
                self.place += 1;
                return Some(Segment { text, separator: self.separator, place: self.place });
            }
        }
    }
}

/// A file that was wrapped at some width has line ends inside its segments.
fn unwrapped(text: &str) -> Cow<'_, str> {
    let stray = |c: char| matches!(c, '\r' | '\n' | '\0');
    let text = text.trim_end_matches(stray);
    if text.contains(stray) { text.replace(stray, "").into() } else { text.into() }
}

/// `ISA` inside a name is no interchange: the authorisation qualifier follows.
fn begins_interchange(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("ISA") else { return false };
    let mut chars = rest.chars();
    chars.next().is_some_and(|c| !c.is_alphanumeric())
        && chars.by_ref().take(2).filter(char::is_ascii_digit).count() == 2
}

/// The character after the component separator, ISA16. Blanks in ISA may have been trimmed or the file wrapped: then it
/// is what stands before the first GS.
fn terminator(head: &str, separator: char) -> Option<char> {
    let line_end = |c: char| if c == '\r' { '\n' } else { c };
    let sixteen = head.chars().take(ISA_CHARS).filter(|c| *c == separator).count() == 16;
    let fixed = head.chars().nth(ISA_CHARS).filter(|c| sixteen && !c.is_alphanumeric() && *c != separator);
    fixed
        .map(line_end)
        .filter(|candidate| head.matches(*candidate).nth(2).is_some())
        .or_else(|| head.splitn(17, separator).nth(16)?.chars().nth(1).map(line_end))
}

fn envelope<'a>(segments: &mut Segments<'a>, all: &mut Interchanges<'a>) -> Result<(), DecodeError> {
    let (mut open, mut closed, mut written): (Option<Set<'a>>, bool, Option<Timestamp>) = (None, false, None);
    while let Some(segment) = segments.next() {
        let tag = segment.tag();
        // a set that is not closed ends where the next one begins, or the interchange ends
        if let Some(mut set) = open.take_if(|_| matches!(tag, "ST" | "SE" | "GE" | "IEA")) {
            set.end = segment.place;
            close(set, Some(&segment).filter(|_| tag == "SE"), all);
        }
        match tag {
            "GS" => written = time(segment.element(4), segment.element(5), None).sort_key(),
            "IEA" => closed = true,
            "ST" if all.sets.len() >= MESSAGES_MAX => {
                return Err(malformed("it has too many transaction sets: split the file"));
            }
            "ST" => {
                let kind = segment.element(1).unwrap_or_default().to_owned();
                open = Some(Set { kind, written, body: segments.clone(), end: usize::MAX });
            }
            _ => {}
        }
    }
    if let Some(set) = open {
        close(set, None, all);
    }
    if !closed {
        say(&mut all.problems, "IEA", "the interchange is not closed: part of it may be missing");
    }
    Ok(())
}

/// Ends a set, by its SE or without.
fn close<'a>(set: Set<'a>, end: Option<&Segment<'_>>, all: &mut Interchanges<'a>) {
    match end {
        Some(end) => count(&set, end, &mut all.problems),
        None => say(&mut all.problems, "SE", "a set is not closed: part of it may be missing"),
    }
    all.sets.push(set);
}

fn count(set: &Set<'_>, end: &Segment<'_>, problems: &mut Vec<Problem>) {
    let found = end.place - set.body.place + 1;
    let said = end.element(1).and_then(|n| n.parse::<usize>().ok());
    if let Some(said) = said.filter(|said| *said != found) {
        say(problems, end.at(), format!("SE counts {said} segments, the set has {found}"));
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
        for end in ["~", "\n", "~\r\n", "…", "\r\n"] {
            let text = format!("{ISA}{end}GS*QM*A*B{end}ST*214*1{end}B10*X*Y*Z{end}SE*3*1{end}GE*1*1{end}IEA*1*1{end}");
            let read = read(&text).unwrap();
            assert_eq!(read.sets.len(), 1, "{end:?}");
            let first = read.sets[0].segments().next().unwrap();
            assert_eq!(first.element(3), Some("Z"), "{end:?}");
            assert_eq!(read.sets[0].segments().count(), 1, "{end:?}");
            assert!(read.problems.is_empty(), "{end:?}: {:?}", read.problems);
        }
    }

    #[test]
    fn what_is_wrong_with_an_envelope_is_said_and_nothing_is_lost() {
        let text = format!("{ISA}~GS*QM~ST*214*1~B10*X~SE*9*1~{ISA}~ST*214*2~B10*Y~");
        let read = read(&text).unwrap();
        assert_eq!(read.sets.len(), 2);
        assert_eq!(read.problems.len(), 4, "{:?}", read.problems);
    }

    #[test]
    fn each_interchange_has_its_own_delimiters_and_a_name_begins_none() {
        let second = ISA.replace('*', "|");
        let text = format!(
            "{ISA}~ST*214*1~N1*SH*ISA*00*LTD~B10*LISA*ISAAC~SE*4*1~IEA*1*1~\n{second}!ST|214|2!B10|Y!SE|3|2!IEA|1|1!"
        );
        let read = read(&text).unwrap();
        let numbers: Vec<_> =
            read.sets.iter().flat_map(Set::segments).map(|s| s.element(1).map(str::to_owned)).collect();
        assert_eq!(numbers, ["SH", "LISA", "Y"].map(|n| Some(n.to_owned())));
        assert!(read.problems.is_empty(), "{:?}", read.problems);
    }

    #[test]
    fn a_set_that_is_not_closed_ends_where_the_next_begins() {
        let text = format!("{ISA}~ST*214*1~B10*X~ST*214*2~B10*Y~SE*3*2~IEA*1*1~");
        let read = read(&text).unwrap();
        assert_eq!(read.sets.iter().map(|s| s.segments().count()).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn wrapped_files_are_joined() {
        let text = format!("{ISA}~GS*QM~ST*214*1~B10*X*Y*Z~SE*3*1~IEA*1*1~");
        let wrapped: String =
            text.as_bytes().chunks(80).map(|c| format!("{}\r\n", String::from_utf8_lossy(c))).collect();
        let read = read(&wrapped).unwrap();
        assert_eq!(read.sets[0].segments().next().unwrap().element(3), Some("Z"));
        assert!(read.problems.is_empty(), "{:?}", read.problems);
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in ["UNB+UNOC", "ISA", "ISA*", "ISA*00", "ISA*00*"] {
            assert!(read(garbage).is_err(), "{garbage}");
        }
    }
}
