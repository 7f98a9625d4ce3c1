//! ANSI X12: interchanges (ISA…IEA) of transaction sets (ST…SE). The ISA segment has a fixed width and names its own
//! delimiters (X12.5). Where it has been lost on the way, they show themselves between GS, ST and SE.

use crate::formats::edi::{MESSAGES_MAX, Reading, charset::Text, head, say};
use crate::{
    DecodeError,
    formats::times::{self, Zone, x12_zone},
};
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
pub(crate) struct Segment<'a> {
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

    /// The element of this number as a code: senders write them in small letters, too.
    pub fn code(&self, number: usize) -> Option<String> {
        self.element(number).map(str::to_ascii_uppercase)
    }

    /// Where a problem is.
    pub fn at(&self) -> String {
        format!("segment {}", self.place)
    }
}

/// A transaction set: the segments between ST and SE.
#[derive(Clone, Debug)]
pub(crate) struct Set<'a> {
    /// `214`.
    pub kind: String,
    /// When its group was written (GS-04, GS-05). They name no zone: good for the order of one partner's events, and
    /// for nothing else.
    pub written: Option<Timestamp>,
    /// Who sends it: ISA-06 and GS-02.
    pub sender: Option<String>,
    /// Whether the interchange is marked as a test (ISA-15).
    test: bool,
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
pub(crate) struct Interchanges<'a> {
    /// The sets, in order.
    pub sets: Vec<Set<'a>>,
    /// What is wrong with the envelopes.
    pub problems: Vec<Problem>,
}

/// Decodes a file whose channel is about sets of one kind: each is read by `report`, the others are none of ours.
pub(crate) fn decode(
    file: &Text<'_>,
    kind: &str,
    mut report: impl FnMut(&Set<'_>, &mut Vec<Problem>) -> Result<Vec<TrackerReport>, DecodeError>,
) -> Result<Decoded, DecodeError> {
    let Interchanges { sets, mut problems } = read(&file.text)?;
    problems.splice(0..0, file.problems.iter().cloned());
    if sets.is_empty() {
        return Err(DecodeError::Incomplete { at: "ST".into(), reason: "there is no transaction set in it".into() });
    }
    let mut reading = Reading::new(if sets.iter().any(|s| s.kind == kind) { problems } else { Vec::new() });
    for set in &sets {
        if set.kind == kind {
            let reports = report(set, reading.problems());
            reading.add(reports, set.test);
        } else {
            reading.other(format!("X12 set {}", set.kind));
        }
    }
    reading.finish("an X12 set")
}

/// Reads every interchange of a file.
pub(crate) fn read(text: &str) -> Result<Interchanges<'_>, DecodeError> {
    let mut all = Interchanges::default();
    let (mut rest, mut place) = (beginning(text, &mut all.problems)?, 0);
    loop {
        let mut segments = Segments::of_interchange(rest, place)?;
        if !begins_interchange(rest) && !rest.starts_with("ISA") {
            say(&mut all.problems, "ISA", "is missing: the sender, and whether this is a test, are unknown");
        }
        envelope(&mut segments, &mut all)?;
        (rest, place) = (segments.rest, segments.place);
        if rest.is_empty() {
            return Ok(all);
        }
    }
}

/// From where on a file is X12. Lines of mailboxes and stray signs before it are passed over. A file without any ISA
/// begins with its first group or set.
fn beginning<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Result<&'a str, DecodeError> {
    let rest = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    if rest.starts_with("ISA") || is_headless(rest) {
        return Ok(rest);
    }
    let line = |(at, _): &(usize, &str)| rest[..*at].ends_with(['\n', '\r']) && is_headless(&rest[*at..]);
    let headless = || rest.match_indices(['G', 'S']).find(line).map(|(at, _)| at);
    let Some(at) = next_interchange(rest).or_else(headless) else {
        return Err(malformed("it has neither ISA nor a group or set without one"));
    };
    say(problems, "ISA", format!("{at} bytes before the beginning are none of X12 and are passed over"));
    Ok(&rest[at..])
}

/// Where the next interchange begins.
fn next_interchange(text: &str) -> Option<usize> {
    text.match_indices("ISA").map(|(at, _)| at).find(|at| begins_interchange(&text[*at..]))
}

/// A group or set without ISA: `GS*QM*…`, `ST*214*…`.
fn is_headless(text: &str) -> bool {
    let after = |tag: &str| text.strip_prefix(tag).and_then(|rest| rest.chars().next());
    after("GS")
        .or_else(|| after("ST"))
        .is_some_and(|separator| !separator.is_alphanumeric() && !separator.is_whitespace())
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
        let tag = if text.starts_with("ISA") { 3 } else { 2 };
        let separator = text.chars().nth(tag).filter(|c| !c.is_alphanumeric());
        let separator = separator.ok_or_else(|| malformed("ISA names no element separator"))?;
        let head = head(text, HEAD_CHARS);
        let terminator = match tag {
            3 => terminator(head, separator).ok_or_else(|| malformed("ISA is cut short"))?,
            _ => terminator_before(text, separator)
                .ok_or_else(|| malformed("without ISA nothing shows how segments end"))?,
        };
        Ok(Self { rest: text, separator, terminator, place, begun: false })
    }

    /// After the end of an interchange: what a mailbox writes before the next one is passed over. Whether there was any.
    fn pass_over(&mut self) -> bool {
        let noise = next_interchange(self.rest).filter(|at| !self.rest[..*at].contains(self.terminator));
        let Some(at) = noise.filter(|at| !self.rest[..*at].trim().is_empty()) else { return false };
        self.rest = &self.rest[at..];
        true
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
    chars.next().is_some_and(|c| !c.is_alphanumeric() && !c.is_whitespace())
        && chars.by_ref().take(2).filter(char::is_ascii_digit).count() == 2
}

/// The character after the component separator, ISA16. Blanks in ISA may have been trimmed or the file wrapped: then it
/// is what stands before the first GS.
fn terminator(head: &str, separator: char) -> Option<char> {
    let line_end = |c: char| if c == '\r' && head.contains('\n') { '\n' } else { c };
    let sixteen = head.chars().take(ISA_CHARS).filter(|c| *c == separator).count() == 16;
    let fixed = head.chars().nth(ISA_CHARS).filter(|c| sixteen && !c.is_alphanumeric() && *c != separator);
    fixed
        .map(line_end)
        .filter(|candidate| head.matches(*candidate).nth(2).is_some())
        .or_else(|| head.splitn(17, separator).nth(16)?.chars().nth(1).map(line_end))
}

/// What stands before the next ST or SE is how segments end: a sign, perhaps with a line end behind it, or the line end.
fn terminator_before(text: &str, separator: char) -> Option<char> {
    let next = ["ST", "SE"].iter().filter_map(|tag| {
        let tag = format!("{tag}{separator}");
        text.match_indices(&tag)
            .map(|(at, _)| at)
            .find(|at| *at > 0 && !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == separator))
    });
    let before = &text[..next.min()?];
    let sign = before.trim_end().chars().next_back().filter(|c| !c.is_alphanumeric() && *c != separator);
    sign.or_else(|| before.chars().next_back().filter(|c| matches!(c, '\n' | '\r')))
}

fn envelope<'a>(segments: &mut Segments<'a>, all: &mut Interchanges<'a>) -> Result<(), DecodeError> {
    let (mut open, mut closed, mut written): (Option<Set<'a>>, bool, Option<Timestamp>) = (None, false, None);
    let (mut interchange, mut group, mut test): (Option<String>, Option<String>, bool) = (None, None, false);
    while let Some(segment) = segments.next() {
        let tag = segment.tag();
        // a set that is not closed ends where the next one begins, or the interchange ends
        if let Some(mut set) = open.take_if(|_| matches!(tag, "ST" | "SE" | "GE" | "IEA")) {
            set.end = segment.place;
            close(set, Some(&segment).filter(|_| tag == "SE"), all);
        }
        match tag {
            "ISA" => {
                interchange = segment.element(6).map(str::to_owned);
                test = segment.code(15).as_deref() == Some("T");
            }
            "GS" => {
                written = wall_clock(segment.element(4), segment.element(5), None).0.sort_key();
                group = segment.element(2).map(str::to_owned);
            }
            "IEA" => {
                closed = true;
                if segments.pass_over() {
                    say(&mut all.problems, segment.at(), "what follows is none of X12, up to the next ISA");
                }
            }
            "ST" if all.sets.len() >= MESSAGES_MAX => {
                return Err(malformed("it has too many transaction sets: split the file"));
            }
            "ST" => {
                let kind = segment.element(1).unwrap_or_default().to_owned();
                let sender = super::sender([interchange.as_deref(), group.as_deref()]);
                open = Some(Set { kind, written, sender, test, body: segments.clone(), end: usize::MAX });
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
/// a time is a day. What of it cannot be read is a problem.
pub(crate) fn time(segment: &Segment<'_>, [date, clock, code]: [usize; 3], problems: &mut Vec<Problem>) -> EventTime {
    let code = segment.code(code);
    let (time, unread) = wall_clock(segment.element(date), segment.element(clock), code.as_deref());
    if let Some(unread) = unread {
        say(problems, segment.at(), unread);
    }
    time
}

fn wall_clock(date: Option<&str>, clock: Option<&str>, code: Option<&str>) -> (EventTime, Option<&'static str>) {
    let raw = [date, clock, code].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let Some(date) = date.and_then(times::day) else {
        let unread = clock.or(date).map(|_| "a date cannot be read, nor a time of day without one");
        return (EventTime::unknown(raw), unread);
    };
    let Some((of_day, precision)) = clock.and_then(times::time_of_day) else {
        let unread = clock.map(|_| "a time of day cannot be read: only the day counts");
        return (EventTime::floating(raw, date.at(0, 0, 0, 0), Precision::Date), unread);
    };
    let local = DateTime::from_parts(date, of_day);
    match x12_zone(code.unwrap_or_default()) {
        Zone::Known(zone, name) => (EventTime::zoned(raw, local, &zone, name, precision, ZoneSource::Payload), None),
        Zone::Local => (EventTime::floating(raw, local, precision), None),
        Zone::Unknown => (
            EventTime::floating(raw, local, precision),
            Some("a time code names no zone that is known: the time stays a wall clock"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &str =
        "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>";

    #[test]
    fn delimiters_come_from_the_isa() {
        for end in ["~", "\n", "~\r\n", "…", "\r\n", "\r"] {
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
    fn what_stands_around_interchanges_is_passed_over_and_said() {
        let one = format!("{ISA}~GS*QM*A*B~ST*214*1~B10*X~SE*3*1~GE*1*1~IEA*1*1~");
        for (text, problems) in [
            (format!("\r\n\0{one}"), 0),
            (format!("//MAILBOX ISA 260310//\r\n{one}"), 1),
            (format!("'{one}"), 1),
            (format!("{one}\n//MAILBOX//\r\n{one}"), 1),
        ] {
            let read = read(&text).unwrap();
            assert_eq!(read.problems.len(), problems, "{text}: {:?}", read.problems);
            assert!(read.sets.iter().all(|set| set.test && set.sender.as_deref() == Some("CMPO/A")));
            assert_eq!(read.sets.len(), text.matches("ST*").count());
        }
    }

    #[test]
    fn without_isa_the_delimiters_show_themselves() {
        for end in ["~", "\n", "~\r\n", "\r\n", "\r", "'"] {
            for head in ["", &format!("GS*QM*A*B*20260310*1200*1*X*004010{end}"), "Line\r\n"] {
                let text = format!("{head}ST*214*1{end}B10*X*Y*Z{end}N1*ST*{end}SE*4*1{end}");
                let read = read(&text).unwrap();
                assert_eq!(read.sets.len(), 1, "{text:?}");
                assert_eq!(read.sets[0].segments().next().unwrap().element(3), Some("Z"), "{text:?}");
                assert!(read.problems.iter().any(|p| p.at == "ISA"));
            }
        }
    }

    #[test]
    fn what_of_a_time_cannot_be_read_is_said() {
        let read = |date, clock, code| {
            let (time, unread) = wall_clock(Some(date), Some(clock), Some(code));
            (time.local.map(|l| l.to_string()), time.precision, unread.is_some())
        };
        let at = |text: &str, precision, unread| (Some(text.to_owned()), precision, unread);
        for clock in ["0930", "930", "09:30", "9:30 AM"] {
            assert_eq!(read("20260310", clock, "CT"), at("2026-03-10T09:30:00", Precision::Minute, false), "{clock}");
        }
        assert_eq!(read("20260310", "9x30", "CT"), at("2026-03-10T00:00:00", Precision::Date, true));
        assert_eq!(read("20260310", "0930", "QQ"), at("2026-03-10T09:30:00", Precision::Minute, true));
        assert_eq!(read("soon", "0930", "CT"), (None, Precision::None, true));
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in
            ["UNB+UNOC", "ISA", "ISA*", "ISA*00", "ISA*00*", "", "GS*", "GS*QM", "ST 214", "STOP", "a GS*QM~ST*"]
        {
            assert!(read(garbage).is_err(), "{garbage}");
        }
    }
}
