//! Times as providers write them: with an offset, with a zone, with neither. Never a guessed instant.

use domain::{
    Classifier,
    event_time::{EventTime, Precision, ZoneSource},
    observation::{Decoded, Feed, Observation},
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    fmt::rfc2822,
    tz::{Offset, TimeZone},
};

/// A time as found in the wild. ISO 8601: `2026-03-02T10:00:00`, compact, with a blank for the `T` or a comma before the
/// fraction, with `Z`, an offset (`+01:00`, `+0100`, `+01`), a zone in brackets (RFC 9557), or a mere day. RFC 2822:
/// `Mon, 02 Mar 2026 10:00:00 +0100`. Seconds or milliseconds since 1970 in ten or thirteen digits. A leap second is the
/// last one of its minute, 24:00 the next midnight.
pub(super) fn iso(raw: &str) -> EventTime {
    let text = raw.trim();
    let since_1970 = || digits_since_1970(text);
    let of_clock = || written(text).map(|written| written.time(raw));
    since_1970().or_else(of_clock).or_else(|| rfc_2822(raw, text)).unwrap_or_else(|| EventTime::unknown(raw))
}

/// What a text in the manner of ISO 8601 says.
struct Written<'a> {
    local: DateTime,
    precision: Precision,
    offset: Option<Stated>,
    zone: Option<&'a str>,
}

/// What follows the clock.
#[derive(Clone, Copy)]
enum Stated {
    /// `Z`, or `-00:00` (RFC 3339: the instant is known, the wall clock is not).
    Utc,
    /// A numeric offset.
    Offset(Offset),
}

fn written(text: &str) -> Option<Written<'_>> {
    let (text, zone) = match text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((text, zone)) => (text.trim_end(), Some(zone)),
        None => (text, None),
    };
    let (date, rest) = leading_date(text)?;
    // digits that follow the date at once are a whole clock, or none
    let joined = rest.bytes().take_while(u8::is_ascii_digit).count();
    let clock =
        if matches!(joined, 0 | 4 | 6) { rest.strip_prefix(['T', 't']).unwrap_or(rest).trim_start() } else { "" };
    let (local, precision, rest) = match leading_clock(clock) {
        Some(clock) => (clock.on(date)?, clock.precision, clock.rest),
        None => (date.at(0, 0, 0, 0), Precision::Date, rest),
    };
    let offset = match rest.trim() {
        "" => None,
        word if ["Z", "UTC", "GMT"].iter().any(|utc| word.eq_ignore_ascii_case(utc)) => Some(Stated::Utc),
        "-00:00" | "-0000" | "-00" => Some(Stated::Utc),
        other => Some(Stated::Offset(offset(other)?)),
    };
    Some(Written { local, precision, offset, zone })
}

impl Written<'_> {
    fn time(self, raw: &str) -> EventTime {
        let mut time = EventTime::floating(raw, self.local, self.precision);
        let fixed = match (self.offset, self.zone) {
            (Some(Stated::Utc), _) => Offset::UTC,
            (Some(Stated::Offset(offset)), _) => offset,
            (None, Some(name)) => return in_named_zone(time, name),
            (None, None) => return time,
        };
        // an offset goes before the zone beside it
        let utc = fixed.to_timestamp(self.local).ok().filter(|_| self.precision > Precision::Date);
        match (self.offset, utc) {
            (Some(Stated::Utc), Some(utc)) => EventTime::instant(raw, utc, self.precision),
            _ => {
                (time.utc, time.zone, time.zone_source) = (utc, Some(offset_text(fixed)), Some(ZoneSource::Payload));
                time
            }
        }
    }
}

fn in_named_zone(time: EventTime, name: &str) -> EventTime {
    let (Ok(zone), Some(local)) = (TimeZone::get(name), time.local) else { return time };
    EventTime::zoned(time.raw, local, &zone, name, time.precision, ZoneSource::Payload)
}

/// `2026-03-02` or `20260302`, and what follows. Other signs between the numbers say nothing of their order.
fn leading_date(text: &str) -> Option<(Date, &str)> {
    if text.as_bytes().get(4) != Some(&b'-') {
        let (date, rest) = text.split_at_checked(8)?;
        return Some((compact_date(date)?, rest));
    }
    let (date, rest) = text.split_at_checked(10)?;
    Some((date.parse().ok()?, rest))
}

/// A time of day, and what follows.
struct Clock<'a> {
    hour: i8,
    time: Time,
    precision: Precision,
    rest: &'a str,
}

/// Words for the halves of the day, without dots and blanks; they stand behind the clock or before it.
const HALVES: &[(&str, Half)] = &[
    ("AM", Half::Morning),
    ("PM", Half::Evening),
    ("A", Half::Morning),
    ("P", Half::Evening),
    ("上午", Half::Morning),
    ("下午", Half::Evening),
    ("午前", Half::Morning),
    ("午後", Half::Evening),
    ("오전", Half::Morning),
    ("오후", Half::Evening),
];

/// A half of the day.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Evening,
}

/// `A.M.`, `pm`, `p. m.`, whatever the blanks (ICU writes U+202F), and what follows. A letter that goes on is none.
fn leading_half(text: &str) -> Option<(Half, &str)> {
    let text = text.trim_start();
    let skipped = |c: char| c == '.' || c.is_whitespace();
    HALVES.iter().find_map(|(word, half)| {
        let mut rest = text;
        for letter in word.chars() {
            let c = rest.trim_start_matches(skipped).chars().next().filter(|c| c.to_ascii_uppercase() == letter)?;
            rest = &rest.trim_start_matches(skipped)[c.len_utf8()..];
        }
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        (!rest.starts_with(char::is_alphabetic) || !word.is_ascii()).then_some((*half, rest))
    })
}

/// `10.53` and `10.53.07`, as some countries write a clock; and what follows.
fn dotted(text: &str) -> Option<(&str, &str)> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let hour = digits(0);
    let part = |at: usize| (text[at..].starts_with('.') && digits(at + 1) == 2).then_some(at + 3);
    let minute = part(hour).filter(|_| matches!(hour, 1 | 2))?;
    Some(text.split_at(part(minute).unwrap_or(minute)))
}

/// `10:00`, `9:05`, `9:05:7`, `10.53`, `10:00:00.000`, `10:00:00,5`, `930`, `1000`, `100000`, `10000050` (hundredths), `10:53 P.M.`,
/// `9 PM`. Beyond twelve the hour says it all, whatever half stands beside it.
fn leading_clock(text: &str) -> Option<Clock<'_>> {
    let (before, text) = leading_half(text)
        .filter(|(_, rest)| !rest.is_empty())
        .map_or((None, text), |(half, rest)| (Some(half), rest.trim_start()));
    let (clock, rest) = dotted(text)
        .unwrap_or_else(|| text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len())));
    let parted = clock.matches([':', '.']).count();
    // of anything but seconds a fraction is another sign between hours and minutes
    let (fraction_ns, rest) = if parted == 2 || parted == 0 && clock.len() > 4 { fraction(rest) } else { (0, rest) };
    let (half, rest) = match (before, leading_half(rest)) {
        (None, Some((half, rest))) => (Some(half), rest),
        (before, _) => (before, rest),
    };
    let parts: Vec<&str> = match clock.split([':', '.']).collect::<Vec<_>>()[..] {
        [compact] => match compact.len() {
            1 | 2 if half.is_some() => vec![compact],
            3 | 5 => [&compact[..1]].into_iter().chain(compact.as_bytes()[1..].chunks(2).map(ascii)).collect(),
            4 | 6 => compact.as_bytes().chunks(2).map(ascii).collect(),
            7 | 8 => compact.as_bytes()[..6].chunks(2).map(ascii).collect(),
            _ => return None,
        },
        [hour, minute] => vec![hour, minute],
        [hour, minute, second] => vec![hour, minute, second],
        _ => return None,
    };
    if parts.iter().any(|part| !matches!(part.len(), 1 | 2)) {
        return None;
    }
    let number = |place: usize| parts.get(place).map_or(Some(0), |part| part.parse::<i8>().ok());
    let (hour, minute, second) = (number(0)?, number(1)?, number(2).filter(|second| *second <= 60)?.min(59));
    let hour = match (half, hour) {
        (Some(Half::Morning), 12) => 0,
        (Some(Half::Evening), 0..12) => hour + 12,
        _ => hour,
    };
    let ends_the_day = hour == 24 && (minute, second, fraction_ns) == (0, 0, 0);
    let time = Time::new(if ends_the_day { 0 } else { hour }, minute, second, fraction_ns).ok()?;
    let precision = if parts.len() > 2 { Precision::Second } else { Precision::Minute };
    Some(Clock { hour, time, precision, rest })
}

/// A time of day that stands by itself, in any of the forms that [`iso`] reads behind a date; 24:00 is the eve of midnight.
pub(super) fn time_of_day(text: &str) -> Option<(Time, Precision)> {
    let clock = leading_clock(text.trim()).filter(|clock| clock.rest.trim().is_empty())?;
    let time = if clock.hour == 24 { Time::new(23, 59, 0, 0).ok()? } else { clock.time };
    Some((time, clock.precision))
}

impl Clock<'_> {
    fn on(&self, date: Date) -> Option<DateTime> {
        let date = if self.hour == 24 { date.tomorrow().ok()? } else { date };
        Some(date.to_datetime(self.time))
    }
}

fn ascii(digits: &[u8]) -> &str {
    str::from_utf8(digits).unwrap_or_default()
}

/// `.123` or `,5` in nanoseconds, and what follows; finer digits are dropped.
fn fraction(text: &str) -> (i32, &str) {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let nine: String = digits[..end].chars().chain("000000000".chars()).take(9).collect();
    (nine.parse().unwrap_or_default(), &digits[end..])
}

fn rfc_2822(raw: &str, text: &str) -> Option<EventTime> {
    let zoned = rfc2822::DateTimeParser::new().parse_zoned(text).ok()?;
    let precision = if text.matches(':').count() >= 2 { Precision::Second } else { Precision::Minute };
    let offset = if text.ends_with(|c: char| c.is_ascii_alphabetic()) && zoned.offset() == Offset::UTC {
        Stated::Utc
    } else {
        Stated::Offset(zoned.offset())
    };
    Some(Written { local: zoned.datetime(), precision, offset: Some(offset), zone: None }.time(raw))
}

/// Ten or thirteen digits of the years 2001 to 2033; anything else may be a date of another form.
fn digits_since_1970(text: &str) -> Option<EventTime> {
    let now = matches!(text.len(), 10 | 13) && text.starts_with('1') && text.bytes().all(|b| b.is_ascii_digit());
    now.then(|| epoch(text))
}

/// Seconds since 1970, or milliseconds (from a size on that as seconds would be the year 5138); a fraction is dropped.
pub(super) fn epoch(raw: &str) -> EventTime {
    const MILLISECONDS_FROM: u64 = 100_000_000_000;
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
    let instant = || match whole.parse::<i64>().ok().filter(|_| fraction.bytes().all(|b| b.is_ascii_digit()))? {
        number if number.unsigned_abs() < MILLISECONDS_FROM => Timestamp::from_second(number).ok(),
        number => Timestamp::from_millisecond(number).ok(),
    };
    instant().map_or_else(|| EventTime::unknown(raw), |utc| EventTime::instant(raw, utc, Precision::Second))
}

/// The offset at the end, if there is one: after the time of day, so that a date's hyphens are none.
fn offset_of(text: &str) -> Option<&str> {
    let time_at = text.find(['T', 't', ' '])?;
    let at = text[time_at..].find(['Z', 'z', '+']).or_else(|| text[time_at..].rfind('-'))?;
    Some(&text[time_at + at..])
}

/// `CCYYMMDD`, or `YYMMDD` of before 2000.
pub(super) fn compact_date(text: &str) -> Option<Date> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (year, at) = match text.len() {
        8 if digits => (number(0, 4)?, 4),
        6 if digits => (number(0, 2).map(|y| if y >= 70 { 1900 + y } else { 2000 + y })?, 2),
        _ => return None,
    };
    Date::new(year, number(at, at + 2)?.try_into().ok()?, number(at + 2, at + 4)?.try_into().ok()?).ok()
}

/// A day that stands by itself: `CCYYMMDD`, `YYMMDD` of before 2000, or with hyphens.
pub(super) fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    compact_date(text).or_else(|| text.parse().ok().filter(|_| text.len() == 10))
}

/// An offset as it is written: `-04:00`.
pub(super) fn offset_text(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A text that names its own offset: the wall clock is in it for all to read.
pub(super) fn names_offset(text: &str) -> bool {
    offset_of(text.trim()).is_some_and(|offset| !matches!(offset, "Z" | "z"))
}

/// A text whose `Z` is known to stand for nothing: the wall clock that it shows. A numeric offset is believed.
pub(super) fn disregarding_z(raw: &str) -> EventTime {
    match raw.trim().strip_suffix(['Z', 'z']) {
        Some(local) => EventTime { raw: raw.to_owned(), ..iso(local) },
        None => iso(raw),
    }
}

/// Estimates are days; some write them as midnight, in whatever zone.
pub(super) fn day_if_midnight(time: EventTime) -> EventTime {
    match time.wall_clock() {
        Some(clock) if clock.time() == Time::midnight() => EventTime::floating(time.raw, clock, Precision::Date),
        _ => time,
    }
}

/// A whole list takes its place among the earlier and later ones by its stamp; where the provider gives none, by its
/// newest event. A message without any time has no place among lists: it adds.
pub(super) fn snapshot(stamp: Option<Timestamp>, observations: &[Observation]) -> Feed {
    let happened = |o: &&Observation| o.classifier == Classifier::Actual && !o.time.sentinel;
    let newest = || observations.iter().filter(happened).filter_map(|o| o.time.sort_key()).max();
    match stamp.or_else(newest) {
        Some(stamp) => Feed::Snapshot { stamp: Some(stamp) },
        None => Feed::Delta,
    }
}

/// An offset that stands by itself: `+02:00`, `-0600`, `+01`, `Z`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let digits = rest.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize| digits.get(from..from + 2).and_then(|n| n.parse::<i32>().ok()).unwrap_or_default();
    let seconds = number(0) * 3600 + number(2) * 60;
    match sign {
        "+" => Offset::from_seconds(seconds).ok(),
        "-" => Offset::from_seconds(-seconds).ok(),
        _ => None,
    }
}

/// Midnight on every event of a message is a date in disguise.
pub(super) fn days_in_disguise(decoded: &mut Decoded) {
    let events = || decoded.reports.iter().flat_map(|r| &r.observations);
    let midnight = |o: &Observation| o.time.local.is_some_and(|l| l.time() == Time::midnight());
    if events().count() < 2 || !events().all(midnight) {
        return;
    }
    for observation in decoded.reports.iter_mut().flat_map(|r| &mut r.observations) {
        (observation.time.precision, observation.time.utc) = (Precision::Date, None);
    }
}

/// X12 element 623, the time code, as far as it names a zone. The general ones (ET) follow daylight saving by date, the
/// others (ES, ED) are fixed. Source: X12 004010 element 623; ISO-like codes 01–24 are offsets from UTC.
pub(super) enum Zone {
    /// Local time: no zone is said.
    Local,
    /// This zone.
    Known(TimeZone, String),
    /// Nobody here knows the code.
    Unknown,
}

pub(super) fn x12_zone(code: &str) -> Zone {
    let named = |name: &str| TimeZone::get(name).map_or(Zone::Unknown, |zone| Zone::Known(zone, name.to_owned()));
    let fixed = |hours: i8| Zone::Known(TimeZone::fixed(jiff::tz::offset(hours)), format!("{hours:+03}:00"));
    match code.trim() {
        "" | "LT" => Zone::Local,
        "ET" => named("America/New_York"),
        "CT" => named("America/Chicago"),
        "MT" => named("America/Denver"),
        "PT" => named("America/Los_Angeles"),
        "AT" => named("America/Anchorage"),
        "HT" => named("Pacific/Honolulu"),
        "NT" => named("America/St_Johns"),
        "TT" => named("America/Halifax"),
        "ES" => fixed(-5),
        "ED" => fixed(-4),
        "CS" => fixed(-6),
        "CD" => fixed(-5),
        "MS" => fixed(-7),
        "MD" => fixed(-6),
        "PS" => fixed(-8),
        "PD" => fixed(-7),
        "AS" => fixed(-9),
        "AD" => fixed(-8),
        "HS" => fixed(-10),
        "HD" => fixed(-9),
        "TS" => fixed(-4),
        "TD" => fixed(-3),
        "UT" | "GM" => fixed(0),
        code => match code.parse::<i8>() {
            Ok(hours @ 1..=12) => fixed(hours),
            Ok(hours @ 13..=24) => fixed(hours - 25),
            _ => Zone::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_source_says_and_no_more() {
        let floating = iso("2026-03-02T10:00:00");
        assert_eq!((floating.local.is_some(), floating.utc, floating.precision), (true, None, Precision::Second));
        let utc = iso("2026-03-04T15:20:00.000Z");
        assert_eq!((utc.local, utc.utc.map(|t| t.to_string()).as_deref()), (None, Some("2026-03-04T15:20:00Z")));
        let offset = iso("2026-03-11T15:00:00+01:00");
        assert_eq!(
            (offset.local.map(|l| l.to_string()).as_deref(), offset.utc.map(|t| t.to_string()).as_deref()),
            (Some("2026-03-11T15:00:00"), Some("2026-03-11T14:00:00Z"))
        );
        assert_eq!(iso("2026-03-11T15:00-05:00").utc.map(|t| t.to_string()).as_deref(), Some("2026-03-11T20:00:00Z"));
        assert_eq!(iso("2026-03-11").precision, Precision::Date);
        assert_eq!(iso("yesterday"), EventTime::unknown("yesterday"));
        assert!(iso("9999-12-31T23:59:59").sentinel);
        assert_eq!(
            iso("2016-12-31T23:59:60").local.map(|l| l.second()),
            Some(59),
            "a leap second is the last one of the minute"
        );
    }

    /// Text, wall clock, instant, precision; `-` for none.
    fn shown(text: &str) -> String {
        let time = iso(text);
        assert_eq!(time.raw, text);
        let part = |part: Option<String>| part.unwrap_or_else(|| "-".into());
        let (local, utc) = (part(time.local.map(|l| l.to_string())), part(time.utc.map(|u| u.to_string())));
        let sentinel = if time.sentinel { " sentinel" } else { "" };
        format!("{local} {utc} {:?}{sentinel}", time.precision)
    }

    #[test]
    fn one_time_in_many_hands() {
        for (text, said) in [
            ("2026-03-02T10:00:00-0500", "2026-03-02T10:00:00 2026-03-02T15:00:00Z Second"),
            ("2026-03-02T10:00:00+01", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
            ("2026-03-02 10:00:00 +0100", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
            ("2026-03-02T10:00:00,5Z", "- 2026-03-02T10:00:00.5Z Second"),
            ("2026-03-02t10:00:00.123456789z", "- 2026-03-02T10:00:00.123456789Z Second"),
            ("2026-03-02 10:00:00 UTC", "- 2026-03-02T10:00:00Z Second"),
            ("2026-03-02T10:00:00-00:00", "- 2026-03-02T10:00:00Z Second"),
            ("2026-03-02T10:00+00:00", "2026-03-02T10:00:00 2026-03-02T10:00:00Z Minute"),
            ("2026-03-02T10:00+01:00[Europe/Berlin]", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Minute"),
            ("2026-03-02T10:00[Europe/Berlin]", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Minute"),
            ("2026-10-25T02:30[Europe/Berlin]", "2026-10-25T02:30:00 - Minute"),
            ("2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T02:30:00 2026-10-25T01:30:00Z Minute"),
            ("2026-03-02T10:00[Nowhere]", "2026-03-02T10:00:00 - Minute"),
            ("2026-03-02 9:05", "2026-03-02T09:05:00 - Minute"),
            ("2026-03-02 9:05:7", "2026-03-02T09:05:07 - Second"),
            ("2026-03-02T16:58:1Z", "- 2026-03-02T16:58:01Z Second"),
            ("2026-03-02 10:53 P.M.", "2026-03-02T22:53:00 - Minute"),
            ("2026-03-02 10:53:07 pm", "2026-03-02T22:53:07 - Second"),
            ("2026-03-02 10:53\u{202f}PM", "2026-03-02T22:53:00 - Minute"),
            ("2026-03-02 12:05 a. m. +01:00", "2026-03-02T00:05:00 2026-03-01T23:05:00Z Minute"),
            ("2026-03-02 下午10:53", "2026-03-02T22:53:00 - Minute"),
            ("2026-03-02 930", "2026-03-02T09:30:00 - Minute"),
            ("1771123100000", "- 2026-02-15T02:38:20Z Second"),
            ("20260302T100000Z", "- 2026-03-02T10:00:00Z Second"),
            ("20260302100000", "2026-03-02T10:00:00 - Second"),
            ("202603021000", "2026-03-02T10:00:00 - Minute"),
            ("20260302", "2026-03-02T00:00:00 - Date"),
            ("2026-03-02+01:00", "2026-03-02T00:00:00 - Date"),
            ("2026-03-02Z", "2026-03-02T00:00:00 - Date"),
            ("Mon, 02 Mar 2026 10:00:00 +0100", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
            ("Mon, 2 Mar 2026 10:00:00 GMT", "- 2026-03-02T10:00:00Z Second"),
            ("1772445600", "- 2026-03-02T10:00:00Z Second"),
            ("1772445600000", "- 2026-03-02T10:00:00Z Second"),
            ("2026-12-31T24:00:00", "2027-01-01T00:00:00 - Second"),
            ("2026-12-31T24:00:00Z", "- 2027-01-01T00:00:00Z Second"),
            ("2026-06-30T23:59:60Z", "- 2026-06-30T23:59:59Z Second"),
            ("2026-06-30T23:59:60+02:00", "2026-06-30T23:59:59 2026-06-30T21:59:59Z Second"),
        ] {
            assert_eq!(shown(text), said, "{text}");
        }
    }

    #[test]
    fn what_stands_for_unknown_is_no_time() {
        for text in [
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00Z",
            "00010101",
            "1970-01-01T00:00:00Z",
            "1970-01-01 00:00:00",
            "1969-12-31T19:00:00-05:00",
            "1970-01-01T01:00:00+01:00",
            "1900-01-01",
            "19000101000000",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "2100-01-01",
            "9999-12-31T23:59:59Z",
            "9999-12-31",
        ] {
            assert!(iso(text).sentinel, "{text}: {:?}", iso(text));
        }
        assert!(epoch("0").sentinel && epoch("-62135596800").sentinel);
        for text in [
            "",
            "0",
            "0000-00-00 00:00:00",
            "yesterday",
            "2026-13-01",
            "2026-03-02T25:00",
            "2026-03-02T10:00:61",
            "2026-03-02T24:01",
            "2026-03-02T10:00 CET",
            "2026-3-2",
            "2026/03/02 09:05",
            "02.03.2026",
            "2026030210",
            "2603021000",
            "ä026-03-02",
            "2026-03-02T10:00:00+99:00",
            "2026-03-02T1",
            "2026-03-02T10",
            "2026-03-02T10:53 QM",
            "20260302930",
            "[",
            "]",
            "2026-03-02T10:00:ä",
        ] {
            assert_eq!(iso(text), EventTime::unknown(text), "{text}");
        }
        assert_eq!(epoch("1.5e9"), EventTime::unknown("1.5e9"));
        assert_eq!(epoch("1772445600.25").utc.map(|t| t.to_string()).as_deref(), Some("2026-03-02T10:00:00Z"));
    }

    #[test]
    fn times_of_day_by_themselves() {
        let read = |text: &str| time_of_day(text).map(|(time, precision)| format!("{time} {precision:?}"));
        for (text, said) in [
            ("08:02 AM", "08:02:00 Minute"),
            ("16:11 PM", "16:11:00 Minute"),
            ("12:30 AM", "00:30:00 Minute"),
            ("12:30PM", "12:30:00 Minute"),
            ("10:53 P.M.", "22:53:00 Minute"),
            ("10:53p", "22:53:00 Minute"),
            ("10.53 PM", "22:53:00 Minute"),
            ("22.53.07", "22:53:07 Second"),
            ("22:53:07.25", "22:53:07.25 Second"),
            ("PM 10:53", "22:53:00 Minute"),
            ("9 PM", "21:00:00 Minute"),
            ("930", "09:30:00 Minute"),
            ("0930", "09:30:00 Minute"),
            ("93015", "09:30:15 Second"),
            ("093015", "09:30:15 Second"),
            ("09301599", "09:30:15 Second"),
            ("9:5", "09:05:00 Minute"),
            ("9:05:7", "09:05:07 Second"),
            ("2400", "23:59:00 Minute"),
        ] {
            assert_eq!(read(text).as_deref(), Some(said), "{text}");
        }
        for nonsense in [
            "",
            "9",
            "25:00",
            "2024-06-10",
            "noon",
            "10:53 X",
            "09:30 CT",
            "1:2:3:4",
            "123456789",
            "PM",
            "9:",
            ":",
            "10.5 PM",
            "10:53.5",
            "10.533",
        ] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn days_by_themselves() {
        for text in ["20260310", "260310", "2026-03-10"] {
            assert_eq!(day(text).map(|d| d.to_string()).as_deref(), Some("2026-03-10"), "{text}");
        }
        assert!(["2026-3-10", "10.03.2026", "2026031", ""].iter().all(|text| day(text).is_none()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in ".{0,30}", near in "[0-9]{4}-?[0-9]{2}-?[0-9]{2}[Tt ]?[0-9:.,]{0,12}[Zz+-]?[0-9:]{0,6}") {
            for text in [&text, &near] {
                proptest::prop_assert_eq!(&iso(text).raw, text);
                let _ = epoch(text);
            }
        }
    }

    #[test]
    fn a_z_that_stands_for_nothing_leaves_the_wall_clock() {
        let time = disregarding_z("2026-03-10T08:02:00.000Z");
        assert_eq!((time.local.map(|l| l.to_string()).as_deref(), time.utc), (Some("2026-03-10T08:02:00"), None));
        assert_eq!(time.raw, "2026-03-10T08:02:00.000Z");
        assert!(disregarding_z("2026-03-10T08:02:00+01:00").utc.is_some());
        let day = day_if_midnight(iso("2026-03-10T00:00:00Z"));
        assert_eq!((day.precision, day.utc), (Precision::Date, None));
        assert_eq!(day_if_midnight(iso("2026-03-10T00:01:00Z")).precision, Precision::Second);
    }

    #[test]
    fn offsets_by_themselves() {
        for (text, seconds) in [("+02:00", 7200), ("-0530", -19_800), ("+01", 3600), ("Z", 0)] {
            assert_eq!(offset(text).map(Offset::seconds), Some(seconds), "{text}");
        }
        assert!(["", "CET", "+2", "02:00", "+99:00", "+é"].iter().all(|text| offset(text).is_none()));
    }

    #[test]
    fn general_time_codes_follow_daylight_saving() {
        let Zone::Known(zone, _) = x12_zone("ET") else { panic!("a zone") };
        let at = |text: &str| zone.to_timestamp(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(at("2026-03-09T22:00"), "2026-03-10T02:00:00Z");
        assert_eq!(at("2026-01-09T22:00"), "2026-01-10T03:00:00Z");
        assert!(matches!(x12_zone("LT"), Zone::Local));
        assert!(matches!(x12_zone("QQ"), Zone::Unknown));
    }
}
