//! UN/EDIFACT: interchanges (UNB…UNZ) of messages (UNH…UNT), with or without groups (UNG…UNE). UNA names the delimiters
//! where they are not the usual ones (ISO 9735, syntax versions 1 to 4).

use crate::formats::edi::{MESSAGES_MAX, Reading, charset::Text, say};
use crate::{DecodeError, formats::times};
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
    /// Only in syntax version 4; its place in the UNA of an earlier one is ignored.
    repetition: Option<char>,
    terminator: char,
}

impl Delimiters {
    /// Without a UNA.
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

    /// Without release characters, and without the line ends of a file that was wrapped at some width.
    fn plain<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let release = self.release.filter(|r| text.contains(*r));
        if release.is_none() && !text.contains(char::is_control) {
            return text.trim().into();
        }
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars().filter(|c| !c.is_control());
        while let Some(c) = chars.next() {
            plain.extend(if Some(c) == release { chars.next() } else { Some(c) });
        }
        plain.trim().to_owned().into()
    }

    /// Where a line begins that begins with a tag: the terminator before it is missing.
    fn next_line(&self, text: &str) -> Option<usize> {
        let begins = |at: &usize| {
            let mut chars = text[*at..].chars();
            let tag = chars
                .by_ref()
                .take(3)
                .enumerate()
                .filter(|(n, c)| c.is_ascii_uppercase() || *n > 0 && c.is_ascii_digit());
            tag.count() == 3 && chars.next() == Some(self.element)
        };
        text.match_indices(['\n', '\r']).map(|(at, _)| at + 1).find(begins)
    }
}

/// A segment: its tag and its elements of components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    text: &'a str,
    delimiters: Delimiters,
    /// Its place in the file, counted from 1.
    pub place: usize,
    /// It ends with its line, without a terminator.
    unterminated: bool,
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

    /// Whether an element is in it more than once; only the first is read.
    fn repeats(&self) -> bool {
        let repetition = self.delimiters.repetition.filter(|repetition| self.text.contains(*repetition));
        repetition.is_some_and(|repetition| self.delimiters.split(self.text, repetition).1.is_some())
    }

    /// Where a problem is.
    pub fn at(&self) -> String {
        format!("segment {}", self.place)
    }
}

/// A message: the segments between UNH and UNT.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    /// `IFTSTA`.
    pub kind: String,
    /// Where its UNH is.
    pub at: String,
    /// Who sends it, as UNB and UNG name them.
    pub sender: Option<String>,
    /// Whether the interchange is marked as a test (UNB, data element 0035).
    test: bool,
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
pub(crate) struct Interchanges<'a> {
    /// The messages, in order.
    pub messages: Vec<Message<'a>>,
    /// What is wrong with the envelopes.
    pub problems: Vec<Problem>,
}

/// Decodes a file whose channel is about messages of one kind: each is read by `report`, the others are none of ours.
pub(crate) fn decode(
    file: &Text<'_>,
    kind: &str,
    mut report: impl FnMut(&Message<'_>, &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let Interchanges { messages, mut problems } = read(&file.text)?;
    problems.splice(0..0, file.problems.iter().cloned());
    if messages.is_empty() {
        return Err(DecodeError::Incomplete { at: "UNH".into(), reason: "there is no message in it".into() });
    }
    let mut reading = Reading::new(if messages.iter().any(|m| m.kind == kind) { problems } else { Vec::new() });
    for message in &messages {
        if message.kind == kind {
            for segment in message.segments().filter(Segment::repeats) {
                say(reading.problems(), segment.at(), "an element is repeated: only the first is read");
            }
            let reports = report(message, reading.problems());
            reading.add(reports, message.test);
        } else {
            reading.other(format!("EDIFACT message {}", message.kind));
        }
    }
    reading.finish("an EDIFACT message")
}

/// Reads every interchange of a file.
pub(crate) fn read(text: &str) -> Result<Interchanges<'_>, DecodeError> {
    let mut all = Interchanges::default();
    let rest = beginning(text, &mut all.problems)?;
    let mut segments = Segments { rest, delimiters: Delimiters::USUAL, una: None, place: 0 };
    let (mut open, mut in_interchange): (Option<Message<'_>>, bool) = (None, false);
    let mut envelope = Envelope::default();
    while let Some(segment) = segments.next() {
        let tag = segment.tag();
        if segment.unterminated {
            say(&mut all.problems, segment.at(), format!("{tag} ends with its line, without a terminator"));
        }
        if let Some(mut message) = open.take_if(|_| matches!(tag, "UNB" | "UNH" | "UNT" | "UNE" | "UNZ")) {
            message.end = segment.place;
            close(message, Some(&segment).filter(|_| tag == "UNT"), &mut all);
        }
        match tag {
            "UNB" => {
                if std::mem::replace(&mut in_interchange, true) {
                    unclosed(&mut all.problems);
                }
                // without a UNA, not even with a blank
                let repeats = segment.component(1, 2).is_some_and(|version| version.starts_with('4'));
                segments.delimiters.repetition = segments.una.unwrap_or(Some('*')).filter(|_| repeats);
                envelope = Envelope::of(&segment);
            }
            "UNG" => envelope.group = segment.element(2).map(Cow::into_owned),
            "UNE" => envelope.group = None,
            "UNZ" => {
                in_interchange = false;
                envelope = Envelope::default();
            }
            "UNH" if all.messages.len() >= MESSAGES_MAX => {
                return Err(malformed("it has too many messages: split the file"));
            }
            "UNH" => {
                let kind = segment.component(2, 1).unwrap_or_default().to_ascii_uppercase();
                let (at, body) = (segment.at(), segments.clone());
                open =
                    Some(Message { kind, at, sender: envelope.sender(), test: envelope.test, body, end: usize::MAX });
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

/// From where on a file is EDIFACT. Stray terminators and what mailboxes write before it are passed over.
fn beginning<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Result<&'a str, DecodeError> {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let begins = |at: &usize| {
        let Some((tag @ ("UNA" | "UNB" | "UNH"), rest)) = text[*at..].split_at_checked(3) else { return false };
        let separated = rest.starts_with(|c: char| !c.is_alphanumeric() && !blank(c));
        // alone at the beginning of a file, a tag may be all that is left of it
        separated
            && (tag != "UNA"
                || Delimiters::of_una(&text[*at..])
                    .is_some_and(|(_, rest)| rest.trim_start_matches(blank).starts_with("UN")))
    };
    let rest = text.trim_start_matches(blank);
    if ["UNA", "UNB", "UNH"].iter().any(|tag| rest.starts_with(tag)) {
        return Ok(rest);
    }
    let Some(at) = text.match_indices("UN").map(|(at, _)| at).find(begins) else {
        return Err(malformed("it has neither UNA nor UNB"));
    };
    if text[..at].contains(|c: char| !blank(c)) {
        say(problems, "UNB", format!("{at} bytes before the beginning are none of EDIFACT and are passed over"));
    }
    Ok(&text[at..])
}

/// The envelope of a message.
#[derive(Default)]
struct Envelope {
    interchange: Option<String>,
    group: Option<String>,
    test: bool,
}

impl Envelope {
    /// UNB: sender (S002) with its internal address, and the test indicator (0035), where 1 and 2 are tests.
    fn of(unb: &Segment<'_>) -> Self {
        let (name, internal) = (unb.component(2, 1), unb.component(2, 3));
        let test = unb.element(11).is_some_and(|indicator| matches!(&*indicator, "1" | "2"));
        Self { interchange: super::sender([name.as_deref(), internal.as_deref()]), group: None, test }
    }

    fn sender(&self) -> Option<String> {
        super::sender([self.interchange.as_deref(), self.group.as_deref()])
    }
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
    /// The repetition separator that a UNA names, or that it names none; nothing where there is no UNA.
    una: Option<Option<char>>,
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
                self.una = Some(delimiters.repetition);
                (self.delimiters, self.rest) = (Delimiters { repetition: None, ..delimiters }, rest);
                continue;
            }
            if self.rest.is_empty() {
                return None;
            }
            let (text, rest) = self.delimiters.split(self.rest, terminator);
            let line = self.delimiters.next_line(text);
            let text = line.map_or(text, |at| &text[..at]);
            self.rest = line.map_or(rest.unwrap_or_default(), |at| &self.rest[at..]);
            self.place += 1;
            return Some(Segment {
                text,
                delimiters: self.delimiters,
                place: self.place,
                unterminated: line.is_some(),
            });
        }
    }
}

/// A date, time or period (C507: value 2380, format 2379). A zone follows the digits: as an offset (`+01`,
/// `+0100`) or as `UTC`. What other names of zones mean where is not said: such a time stays a wall clock. What of it
/// cannot be read is said beside it.
pub(crate) fn time(value: &str, format: Option<&str>) -> (EventTime, Option<&'static str>) {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (clock, zone) = (&value[..digits], value[digits..].trim());
    let Some((local, precision)) = wall_clock(clock, format) else {
        return (EventTime::unknown(value), Some("a date or time cannot be read"));
    };
    match offset(zone).filter(|_| precision > Precision::Date) {
        Some(offset) => {
            let zone = TimeZone::fixed(offset);
            (EventTime::zoned(value, local, &zone, offset.to_string(), precision, ZoneSource::Payload), None)
        }
        None if zone.is_empty() => (EventTime::floating(value, local, precision), None),
        None => {
            let unread = "the text after a time names no known zone: the time is kept as a local time";
            (EventTime::floating(value, local, precision), Some(unread))
        }
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
    let (clock, precision) = times::time_of_day(&digits[date_digits..])?;
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
        let other = "UNA|^,!*~\r\nUNB^UNOC|4^A|ZZ^B|ZZ^260310|1200^1~\r\nUNH^1^IFTSTA|D|01B|UN~\r\nFTX^AAI^^^it's 3 + 4? : 7*again~\r\nUNT^3^1~\r\nUNZ^1^1~\r\n";
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
            let (time, _) = time(value, Some(format).filter(|f| !f.is_empty()));
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

    #[test]
    fn a_repetition_separator_is_one_only_in_syntax_4_and_where_una_does_not_say_that_there_is_none() {
        for (una, version, value, repeats) in [
            ("UNA:+.?*'", "3", "AB*7", false),
            ("UNA:+.? '", "4", "AB*7", false),
            ("", "3", "AB*7", false),
            ("", "4", "AB", true),
            ("UNA:+.?*'", "4", "AB", true),
            ("UNA:+.?^'", "4", "AB*7", false),
        ] {
            let text = format!("{una}UNB+UNOA:{version}+A+B'UNH+1+IFTSTA:D:01B:UN'CNI+1+AB*7'UNT+3+1'UNZ+1+1'");
            let read = read(&text).unwrap();
            let cni = read.messages[0].segments().next().unwrap();
            assert_eq!((cni.element(2).as_deref(), cni.repeats()), (Some(value), repeats), "{text}");
        }
    }

    #[test]
    fn what_stands_before_the_beginning_is_passed_over_and_said() {
        let one = "UNB+UNOA:3+A:ZZ:X+B'UNH+1+IFTSTA:D:01B:UN'BGM+23'UNT+3+1'UNZ+1+1'";
        for (before, problems) in
            [("'", 1), ("\r\n", 0), ("''\r\nUNA:+.? '", 1), ("MAILBOX UNIT 7\r\n", 1), ("'UNA:+.? '\n", 1)]
        {
            let text = format!("{before}{one}");
            let read = read(&text).unwrap();
            assert_eq!((read.messages.len(), read.problems.len()), (1, problems), "{text}: {:?}", read.problems);
            assert_eq!(read.messages[0].sender.as_deref(), Some("A/X"));
        }
    }

    #[test]
    fn a_segment_that_ends_with_its_line_is_read() {
        let text = "UNA:+.? '\nUNB+UNOA:3+A+B+260310:1405+1\nUNH+1+IFTSTA:D:01B:UN'\r\nFTX+AAI+++of two\nlines'UNT+3+1'UNZ+1+1'";
        let read = read(text).unwrap();
        assert_eq!((read.messages.len(), read.problems.len()), (1, 1), "{:?}", read.problems);
        let ftx = read.messages[0].segments().next().unwrap();
        assert_eq!(ftx.component(4, 1).as_deref(), Some("of twolines"), "wrapped at some width");
    }

    #[test]
    fn a_test_says_so() {
        let of = |indicator: &str| {
            let text = format!("UNB+UNOA:3+A+B+260310:1405+1+++++{indicator}'UNH+1+IFTSTA:D:01B:UN'UNT+2+1'UNZ+1+1'");
            read(&text).unwrap().messages[0].test
        };
        assert_eq!((of(""), of("0"), of("+1")), (false, false, true));
    }
}
