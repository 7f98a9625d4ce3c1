//! UN/EDIFACT: interchanges (UNB…UNZ) of messages (UNH…UNT), with or without groups (UNG…UNE). UNA names the delimiters
//! where they are not the usual ones (ISO 9735, syntax versions 1 to 4).

use super::super::{DecodeError, times};
use super::{MESSAGES_MAX, Reading, say};
use domain::{
    event_time::{EventTime, Precision, ZoneSource},
    observation::{Decoded, Problem, TrackerReport},
};
use jiff::{
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use std::borrow::Cow;

/// The delimiters of an interchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delimiters {
    component: char,
    element: char,
    release: Option<char>,
    repetition: Option<char>,
    terminator: char,
}

impl Delimiters {
    /// Where no UNA says otherwise.
    const USUAL: Self = Self { component: ':', element: '+', release: Some('?'), repetition: None, terminator: '\'' };

    /// `UNA:+.? '`: component, element, decimal mark, release, repetition (blank before syntax 4), terminator. Blank
    /// stands for none. What follows them is returned, too.
    fn of_una(una: &str) -> Option<(Self, &str)> {
        let mut chars = una.strip_prefix("UNA")?.chars();
        let mut next = || chars.next();
        let (component, element, _decimal, release, repetition, terminator) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let some = |c: char| Some(c).filter(|c| !c.is_whitespace());
        let delimiters = Self { component, element, release: some(release), repetition: some(repetition), terminator };
        Some((delimiters, chars.as_str()))
    }

    /// The text before the first of this character that is not released, and what follows it.
    fn split<'a>(&self, text: &'a str, at: char) -> (&'a str, Option<&'a str>) {
        let mut released = false;
        for (place, c) in text.char_indices() {
            if released {
                released = false;
            } else if Some(c) == self.release {
                released = true;
            } else if c == at {
                return (&text[..place], Some(&text[place + c.len_utf8()..]));
            }
        }
        (text, None)
    }

    /// The part of this number, counted from 0.
    fn part<'a>(&self, text: &'a str, by: char, number: usize) -> Option<&'a str> {
        let mut rest = Some(text);
        for _ in 0..number {
            rest = self.split(rest?, by).1;
        }
        rest.map(|rest| self.split(rest, by).0)
    }

    /// Without release characters.
    fn plain<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(release) = self.release.filter(|r| text.contains(*r)) else { return text.trim().into() };
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            plain.extend(if c == release { chars.next() } else { Some(c) });
        }
        plain.trim().to_owned().into()
    }
}

/// A segment: its tag and its elements of components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Segment<'a> {
    text: &'a str,
    delimiters: Delimiters,
    /// Its place in the file, counted from 1.
    pub place: usize,
}

impl<'a> Segment<'a> {
    /// `STS`.
    pub fn tag(&self) -> &'a str {
        self.delimiters
            .split(self.delimiters.split(self.text, self.delimiters.element).0, self.delimiters.component)
            .0
            .trim()
    }

    /// A component of an element (of its first repetition), both counted from 1; blank ones are none.
    pub fn component(&self, element: usize, component: usize) -> Option<Cow<'a, str>> {
        let delimiters = &self.delimiters;
        let element = delimiters.part(self.text, delimiters.element, element)?;
        let first = delimiters.repetition.map_or(element, |repetition| delimiters.split(element, repetition).0);
        let part = delimiters.part(first, delimiters.component, component.checked_sub(1)?)?;
        Some(delimiters.plain(part)).filter(|text| !text.is_empty())
    }

    /// The first component of an element.
    pub fn element(&self, element: usize) -> Option<Cow<'a, str>> {
        self.component(element, 1)
    }

    /// Where a problem is.
    pub fn at(&self) -> String {
        format!("segment {}", self.place)
    }
}

/// A message: what stands between UNH and UNT.
#[derive(Clone, Debug)]
pub(in super::super) struct Message<'a> {
    /// `IFTSTA`.
    pub kind: String,
    /// Where its UNH is.
    pub at: String,
    body: Segments<'a>,
    end: usize,
}

impl<'a> Message<'a> {
    /// Its segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let end = self.end;
        self.body.clone().take_while(move |segment| segment.place < end)
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(in super::super) struct Interchanges<'a> {
    /// The messages, in order.
    pub messages: Vec<Message<'a>>,
    /// What is wrong with the envelopes.
    pub problems: Vec<Problem>,
}

/// Decodes a file whose channel is about messages of one kind: each is read by `report`, the others are none of ours.
pub(in super::super) fn decode(
    text: &str,
    kind: &str,
    mut report: impl FnMut(&Message<'_>, &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let Interchanges { messages, problems } = read(text)?;
    if messages.is_empty() {
        return Err(DecodeError::Incomplete { at: "UNH".into(), reason: "there is no message in it".into() });
    }
    let mut reading = Reading::new(if messages.iter().any(|m| m.kind == kind) { problems } else { Vec::new() });
    for message in &messages {
        if message.kind == kind {
            let reports = report(message, reading.problems());
            reading.add(reports);
        } else {
            reading.other(format!("EDIFACT message {}", message.kind));
        }
    }
    reading.finish("an EDIFACT message")
}

/// Reads every interchange of a file.
pub(in super::super) fn read(text: &str) -> Result<Interchanges<'_>, DecodeError> {
    let text = text.trim_start();
    if !["UNA", "UNB", "UNH"].iter().any(|tag| text.starts_with(tag)) {
        return Err(malformed("it begins neither with UNA nor with UNB"));
    }
    let mut segments = Segments { rest: text, delimiters: Delimiters::USUAL, place: 0 };
    let mut all = Interchanges::default();
    let (mut open, mut in_interchange): (Option<Message<'_>>, bool) = (None, false);
    while let Some(segment) = segments.next() {
        let tag = segment.tag();
        if let Some(mut message) = open.take_if(|_| matches!(tag, "UNB" | "UNH" | "UNT" | "UNE" | "UNZ")) {
            message.end = segment.place;
            close(message, Some(&segment).filter(|_| tag == "UNT"), &mut all);
        }
        match tag {
            "UNB" => {
                if std::mem::replace(&mut in_interchange, true) {
                    unclosed(&mut all.problems);
                }
                // syntax 4 has a repetition separator of its own where no UNA names one
                let repeats = segment.component(1, 2).as_deref() == Some("4");
                segments.delimiters.repetition = segments.delimiters.repetition.or(repeats.then_some('*'));
            }
            "UNZ" => in_interchange = false,
            "UNH" if all.messages.len() >= MESSAGES_MAX => {
                return Err(malformed("it has too many messages: split the file"));
            }
            "UNH" => {
                let kind = segment.component(2, 1).unwrap_or_default().to_ascii_uppercase();
                open = Some(Message { kind, at: segment.at(), body: segments.clone(), end: usize::MAX });
            }
            _ => {}
        }
    }
    if let Some(message) = open {
        close(message, None, &mut all);
    }
    if in_interchange {
        unclosed(&mut all.problems);
    }
    Ok(all)
}

fn malformed(reason: &str) -> DecodeError {
    DecodeError::Malformed { expected: "EDIFACT", reason: reason.into() }
}

fn unclosed(problems: &mut Vec<Problem>) {
    say(problems, "UNZ", "the interchange is not closed: part of it may be missing");
}

/// Ends a message, by its UNT or without.
fn close<'a>(message: Message<'a>, end: Option<&Segment<'_>>, all: &mut Interchanges<'a>) {
    let found = message.end.saturating_sub(message.body.place) + 1;
    match end.map(|end| (end, end.element(1).and_then(|n| n.parse::<usize>().ok()))) {
        None => say(&mut all.problems, &*message.at, "the message is not closed: part of it may be missing"),
        Some((end, Some(said))) if said != found => {
            say(&mut all.problems, end.at(), format!("UNT counts {said} segments, the message has {found}"));
        }
        Some(_) => {}
    }
    all.messages.push(message);
}

/// The segments of a file; each UNA changes the delimiters of what follows.
#[derive(Clone, Debug)]
struct Segments<'a> {
    rest: &'a str,
    delimiters: Delimiters,
    place: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            // a line for each segment, or one terminator too many
            let terminator = self.delimiters.terminator;
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\0' || c == terminator);
            if let Some((delimiters, rest)) = Delimiters::of_una(self.rest) {
                (self.delimiters, self.rest) = (delimiters, rest);
                continue;
            }
            if self.rest.is_empty() {
                return None;
            }
            let (text, rest) = self.delimiters.split(self.rest, terminator);
            self.rest = rest.unwrap_or_default();
            self.place += 1;
            return Some(Segment { text, delimiters: self.delimiters, place: self.place });
        }
    }
}

/// A date, time or period (C507: value 2380, format 2379). A zone stands behind the digits: as an offset (`+01`,
/// `+0100`) or as `UTC`. What other names of zones mean where is not said: such a time stays a wall clock.
pub(in super::super) fn time(value: &str, format: Option<&str>) -> EventTime {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (clock, zone) = (&value[..digits], value[digits..].trim());
    let Some((local, precision)) = wall_clock(clock, format) else { return EventTime::unknown(value) };
    match offset(zone).filter(|_| precision > Precision::Date) {
        Some(offset) => {
            let zone = TimeZone::fixed(offset);
            EventTime::zoned(value, local, &zone, offset.to_string(), precision, ZoneSource::Payload)
        }
        None => EventTime::floating(value, local, precision),
    }
}

/// By format, or by the number of digits where none is given.
fn wall_clock(digits: &str, format: Option<&str>) -> Option<(DateTime, Precision)> {
    let date_digits = match (format, digits.len()) {
        (Some("2"), 6) => return day(&format!("{}{}{}", &digits[4..], &digits[2..4], &digits[..2])),
        (Some("3"), 6) => return day(&format!("{}{}", &digits[4..], &digits[..4])),
        (Some("101"), 6) | (Some("201" | "301"), 10) | (Some("202" | "302"), 12) => 6,
        (Some("102"), 8) | (Some("203" | "205" | "303"), 12) | (Some("204" | "304"), 14) => 8,
        (None, 6 | 10) => 6,
        (None, 8 | 12 | 14) => 8,
        _ => return None,
    };
    let date = times::compact_date(&digits[..date_digits])?;
    if digits.len() == date_digits {
        return Some((date.at(0, 0, 0, 0), Precision::Date));
    }
    let (clock, precision) = times::compact_clock(&digits[date_digits..])?;
    Some((DateTime::from_parts(date, clock), precision))
}

fn day(date: &str) -> Option<(DateTime, Precision)> {
    times::compact_date(date).map(|date| (date.at(0, 0, 0, 0), Precision::Date))
}

fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone.to_ascii_uppercase().as_str(), "Z" | "UTC" | "GMT") {
        return Some(Offset::UTC);
    }
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let digits = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let part = |from: usize| digits.get(from..from + 2).and_then(|d| d.parse::<i32>().ok());
    let minutes = match digits.len() {
        2 => 0,
        4 => part(2).filter(|m| *m < 60)?,
        _ => return None,
    };
    Offset::from_seconds(sign * (part(0)? * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_come_from_una_and_released_ones_are_text() {
        let usual =
            "UNB+UNOC:3+A:ZZ+B:ZZ+260310:1200+1'UNH+1+IFTSTA:D:01B:UN'FTX+AAI+++it?'s 3 ?+ 4?? ?: 7'UNT+3+1'UNZ+1+1'";
        let other = "UNA|^,!*~\r\nUNB^UNOC|3^A|ZZ^B|ZZ^260310|1200^1~\r\nUNH^1^IFTSTA|D|01B|UN~\r\nFTX^AAI^^^it's 3 + 4? : 7*again~\r\nUNT^3^1~\r\nUNZ^1^1~\r\n";
        for text in [usual, other, &format!("UNA:+.? '{usual}")] {
            let read = read(text).unwrap();
            assert_eq!((read.messages.len(), read.messages[0].kind.as_str()), (1, "IFTSTA"), "{text}");
            let ftx = read.messages[0].segments().next().unwrap();
            assert_eq!(ftx.component(4, 1).as_deref(), Some("it's 3 + 4? : 7"), "{text}");
            assert_eq!((ftx.tag(), ftx.component(4, 2), ftx.component(9, 1)), ("FTX", None, None));
            assert!(read.problems.is_empty(), "{:?}", read.problems);
        }
    }

    #[test]
    fn what_is_wrong_with_an_envelope_is_said_and_nothing_is_lost() {
        let text = "UNB+UNOC:3+A+B'UNH+1+IFTSTA:D:96A:UN'BGM+23'UNT+9+1'UNH+2+IFTSTA:D:96A:UN'BGM+23'UNB+UNOC:3+A+B'UNH+3+CONTRL:D:3:UN'";
        let read = read(text).unwrap();
        assert_eq!(read.messages.iter().map(|m| m.segments().count()).collect::<Vec<_>>(), [1, 1, 0]);
        // a wrong count, two messages and two interchanges that are not closed
        assert_eq!(read.problems.len(), 5, "{:?}", read.problems);
    }

    #[test]
    fn groups_and_a_message_without_an_interchange() {
        let grouped = "UNB+UNOA:1+A+B'UNG+IFTSTA+A+B'UNH+1+IFTSTA:D:07B:UN'BGM+23'UNT+3+1'UNE+1+1'UNZ+1+1'";
        let read_grouped = read(grouped).unwrap();
        assert_eq!((read_grouped.messages.len(), read_grouped.problems.len()), (1, 0));
        assert_eq!(read("UNH+1+IFTSTA:D:07B:UN'BGM+23'UNT+3+1'").unwrap().messages.len(), 1);
    }

    #[test]
    fn times_of_every_format() {
        let of = |value: &str, format: &str| {
            let time = time(value, Some(format).filter(|f| !f.is_empty()));
            (time.local.map(|l| l.to_string()), time.utc.map(|u| u.to_string()), time.precision)
        };
        let day = |d: &str| (Some(format!("{d}T00:00:00")), None, Precision::Date);
        let local = |d: &str, precision| (Some(d.to_owned()), None, precision);
        assert_eq!(of("20260310", "102"), day("2026-03-10"));
        assert_eq!(of("260310", "101"), day("2026-03-10"));
        assert_eq!(of("100326", "2"), day("2026-03-10"));
        assert_eq!(of("031026", "3"), day("2026-03-10"));
        assert_eq!(of("2603101512", "201"), local("2026-03-10T15:12:00", Precision::Minute));
        assert_eq!(of("202603101512", "203"), local("2026-03-10T15:12:00", Precision::Minute));
        assert_eq!(of("20260310151207", "204"), local("2026-03-10T15:12:07", Precision::Second));
        assert_eq!(of("202603101512", ""), local("2026-03-10T15:12:00", Precision::Minute));
        assert_eq!(of("202603101512EST", "303"), local("2026-03-10T15:12:00", Precision::Minute), "whose EST?");
        for (value, format, utc) in [
            ("202603101512+01", "205", "2026-03-10T14:12:00Z"),
            ("202603101512-0530", "205", "2026-03-10T20:42:00Z"),
            ("202603101512UTC", "303", "2026-03-10T15:12:00Z"),
            ("20260310151207GMT", "304", "2026-03-10T15:12:07Z"),
        ] {
            assert_eq!(of(value, format).1.as_deref(), Some(utc), "{value}");
        }
        for nonsense in ["", "20261310", "2026031015", "soon", "20260310-20260311", "€", "202603101512+0199"] {
            assert_eq!(of(nonsense, "102").1, None, "{nonsense}");
        }
        assert_eq!(of("20261310", "102").2, Precision::None);
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in ["", "ISA*00", "{}", "UN"] {
            assert!(read(garbage).is_err(), "{garbage}");
        }
        assert!(read("UNA").unwrap().messages.is_empty());
    }
}
