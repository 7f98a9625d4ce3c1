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
pub(crate) fn iso(raw: &str) -> EventTime {
    let text = raw.trim();
    let since_1970 = || digits_since_1970(text);
    let of_clock = || written(text).map(|written| written.time(raw));
    since_1970().or_else(of_clock).or_else(|| rfc_2822(raw, text)).unwrap_or_else(|| EventTime::unknown(raw))
}

/// The content of a text in the manner of ISO 8601.
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

/// `2026-03-02` or `20260302`, and what follows. Other signs between the numbers do not decide their order.
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

/// Words for the halves of the day, without dots and blanks; they come after the clock or before it.
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

/// `A.M.`, `pm`, `p. m.`, with any blanks (ICU writes U+202F), and what follows. A letter that goes on is none.
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
/// `9 PM`. Beyond twelve the hour decides, whatever half is beside it.
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

/// A time of day by itself, in any of the forms that [`iso`] reads behind a date; 24:00 is the eve of midnight.
pub(crate) fn time_of_day(text: &str) -> Option<(Time, Precision)> {
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
pub(crate) fn epoch(raw: &str) -> EventTime {
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
pub(crate) fn compact_date(text: &str) -> Option<Date> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (year, at) = match text.len() {
        8 if digits => (number(0, 4)?, 4),
        6 if digits => (number(0, 2).map(|y| if y >= 70 { 1900 + y } else { 2000 + y })?, 2),
        _ => return None,
    };
    Date::new(year, number(at, at + 2)?.try_into().ok()?, number(at + 2, at + 4)?.try_into().ok()?).ok()
}

/// A day by itself: `CCYYMMDD`, `YYMMDD` of before 2000, or with hyphens.
pub(crate) fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    compact_date(text).or_else(|| text.parse().ok().filter(|_| text.len() == 10))
}

/// An offset as it is written: `-04:00`.
pub(crate) fn offset_text(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A text that names its own offset: the wall clock is in it for all to read.
pub(crate) fn names_offset(text: &str) -> bool {
    offset_of(text.trim()).is_some_and(|offset| !matches!(offset, "Z" | "z"))
}

/// A text whose `Z` is known to mean nothing: the local time that it shows. A numeric offset is used.
pub(crate) fn disregarding_z(raw: &str) -> EventTime {
    match raw.trim().strip_suffix(['Z', 'z']) {
        Some(local) => EventTime { raw: raw.to_owned(), ..iso(local) },
        None => iso(raw),
    }
}

/// Estimates are days; some write them as midnight, in any zone.
pub(crate) fn day_if_midnight(time: EventTime) -> EventTime {
    match time.wall_clock() {
        Some(clock) if clock.time() == Time::midnight() => EventTime::floating(time.raw, clock, Precision::Date),
        _ => time,
    }
}

/// A whole list takes its place among the earlier and later ones by its stamp; where the provider gives none, by its
/// newest event. A message without any time has no place among lists: it adds.
pub(crate) fn snapshot(stamp: Option<Timestamp>, observations: &[Observation]) -> Feed {
    let happened = |o: &&Observation| o.classifier == Classifier::Actual && !o.time.sentinel;
    let newest = || observations.iter().filter(happened).filter_map(|o| o.time.sort_key()).max();
    match stamp.or_else(newest) {
        Some(stamp) => Feed::Snapshot { stamp: Some(stamp) },
        None => Feed::Delta,
    }
}

/// An offset by itself: `+02:00`, `-0600`, `+01`, `Z`.
pub(crate) fn offset(text: &str) -> Option<Offset> {
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
pub(crate) fn days_in_disguise(decoded: &mut Decoded) {
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
pub(crate) enum Zone {
    /// Local time: no zone is given.
    Local,
    /// This zone.
    Known(TimeZone, String),
    /// Nobody here knows the code.
    Unknown,
}

pub(crate) fn x12_zone(code: &str) -> Zone {
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
mod tests;
