//! Times for people: relative, with the absolute time on hover and focus. The `now` is part of what is shown, so that
//! the server's rendering and the browser's agree; once the browser has taken over, a ticking clock moves them on.

use crate::contract::{EventTime, Instant, Precision, Wall, ZoneCertainty};
use leptos::prelude::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEKDAYS_LONG: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTHS_LONG: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
];

/// A moment taken apart (proleptic Gregorian calendar).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// 1 to 12.
    pub month: usize,
    /// 1 to 31.
    pub day: i64,
    /// 0 is Monday.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

impl Civil {
    /// From milliseconds since 1970.
    pub fn from_ms(ms: i64) -> Self {
        let days = ms.div_euclid(DAY);
        let rest = ms.rem_euclid(DAY);
        // Howard Hinnant's civil-from-days: eras of 400 years that begin in March
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            weekday: usize::try_from((days + 3).rem_euclid(7)).unwrap_or(0),
            hour: rest / HOUR,
            minute: rest % HOUR / MINUTE,
            second: rest % MINUTE / 1000,
        }
    }

    /// `Wed 25 Nov`.
    pub fn day_short(&self) -> String {
        format!("{} {} {}", WEEKDAYS[self.weekday], self.day, MONTHS[self.month - 1])
    }

    /// `Wed 25`.
    pub fn day_tiny(&self) -> String {
        format!("{} {}", WEEKDAYS[self.weekday], self.day)
    }

    /// `Sunday 22 November`.
    pub fn day_long(&self) -> String {
        format!("{} {} {}", WEEKDAYS_LONG[self.weekday], self.day, MONTHS_LONG[self.month - 1])
    }

    /// `14:10`.
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// `14:10:05`.
    pub fn clock_seconds(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }
}

/// `2026-11-25T14:10:00Z`, for `<time datetime>`.
pub fn iso(at: Instant) -> String {
    let c = Civil::from_ms(at.0);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// `Wed 25 Nov 2026, 14:10:05 UTC`.
pub fn absolute(at: Instant) -> String {
    let c = Civil::from_ms(at.0);
    format!("{} {}, {} UTC", c.day_short(), c.year, c.clock_seconds())
}

/// `Wed 25 Nov`, with the year where it is not this one.
pub fn day(at: Instant, now: Instant) -> String {
    let (c, n) = (Civil::from_ms(at.0), Civil::from_ms(now.0));
    if c.year == n.year { c.day_short() } else { format!("{} {}", c.day_short(), c.year) }
}

/// `14:10` today, `Wed 25 Nov, 14:10` else.
pub fn moment(at: Instant, now: Instant) -> String {
    let c = Civil::from_ms(at.0);
    if at.0.div_euclid(DAY) == now.0.div_euclid(DAY) { c.clock() } else { format!("{}, {}", day(at, now), c.clock()) }
}

/// A length of time in at most two units: `2 d 4 h`, `58 min`, `4 s`.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let two = |big: i64, unit: &str, rest: i64, small: &str| if rest == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {rest} {small}") };
    match ms {
        _ if ms < MINUTE => format!("{} s", ms / 1000),
        _ if ms < HOUR => format!("{} min", ms / MINUTE),
        _ if ms < 10 * HOUR => two(ms / HOUR, "h", ms % HOUR / MINUTE, "min"),
        _ if ms < 2 * DAY => format!("{} h", ms / HOUR),
        _ if ms < 10 * DAY => two(ms / DAY, "d", ms % DAY / HOUR, "h"),
        _ => format!("{} d", ms / DAY),
    }
}

/// The same in one unit.
pub fn duration_short(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        _ if ms < MINUTE => format!("{} s", ms / 1000),
        _ if ms < HOUR => format!("{} min", ms / MINUTE),
        _ if ms < 2 * DAY => format!("{} h", ms / HOUR),
        _ => format!("{} d", ms / DAY),
    }
}

/// `4 s ago`, `in 2 h`.
pub fn relative(at: Instant, now: Instant) -> String {
    let apart = now.0 - at.0;
    match apart {
        -999..=999 => "now".into(),
        1000.. => format!("{} ago", duration_short(apart)),
        _ => format!("in {}", duration_short(-apart)),
    }
}

/// What stands for a zone beside a wall clock, and why it may be doubted.
pub fn zone_note(time: &EventTime) -> (String, Option<&'static str>) {
    let zone = time.zone.clone();
    match time.certainty {
        _ if time.precision == Precision::None => ("no time".into(), None),
        _ if time.precision == Precision::Date => ("that day".into(), None),
        ZoneCertainty::Stated => (zone.map_or_else(|| "UTC".into(), |z| short_zone(&z)), None),
        ZoneCertainty::FromPlace => (format!("{}?", zone.map_or_else(|| "local".into(), |z| short_zone(&z))), Some("The carrier sent no zone; this is the zone of the place.")),
        ZoneCertainty::CarrierDefault => (format!("{}?", zone.map_or_else(|| "local".into(), |z| short_zone(&z))), Some("The carrier sent no zone; this is the one it usually means.")),
        ZoneCertainty::Unknown => ("local?".into(), Some("The carrier sent no zone. The clock is the one at the place; the instant is not known.")),
    }
}

/// `Europe/Berlin` does not fit beside a clock: `Berlin` does.
fn short_zone(zone: &str) -> String {
    match zone {
        "UTC" | "Etc/UTC" | "+00:00" | "Z" => "UTC".into(),
        _ => zone.rsplit('/').next().unwrap_or(zone).replace('_', " "),
    }
}

/// The milliseconds by which an event's time is shown: the wall clock of the place, else UTC.
pub fn shown_ms(time: &EventTime) -> Option<i64> {
    time.wall.map(|Wall(ms)| ms).or(time.instant.map(|i| i.0))
}

/// An event's time in words: `Wed 25 Nov, 14:10`.
pub fn event_moment(time: &EventTime, now: Instant) -> String {
    match (shown_ms(time), time.precision) {
        (None, _) | (_, Precision::None) => time.raw.clone().unwrap_or_else(|| "not known".into()),
        (Some(ms), Precision::Date) => day(Instant(ms), now),
        (Some(ms), _) => moment(Instant(ms), now),
    }
}

/// An event's day: `Wed 25 Nov`.
pub fn event_day(time: &EventTime, now: Instant) -> String {
    shown_ms(time).map_or_else(|| "not known".into(), |ms| day(Instant(ms), now))
}

/// All that is known about an event's time, for the tooltip.
pub fn event_absolute(time: &EventTime) -> String {
    let mut parts = Vec::new();
    if let Some(Wall(ms)) = time.wall {
        let c = Civil::from_ms(ms);
        let zone = time.zone.as_deref().unwrap_or("local time, zone not known");
        let clock = if time.precision == Precision::Date { String::new() } else { format!(", {}", c.clock()) };
        parts.push(format!("{} {}{clock} {zone}", c.day_short(), c.year));
    }
    if let Some(at) = time.instant.filter(|_| time.wall.is_none() || time.zone.as_deref() != Some("UTC")) {
        parts.push(absolute(at));
    }
    if let Some(doubt) = zone_note(time).1 {
        parts.push(doubt.to_owned());
    }
    if parts.is_empty() {
        parts.push(time.raw.clone().unwrap_or_else(|| "time not known".into()));
    }
    parts.join(" · ")
}

/// The browser's clock on the server's time; none while rendering on the server and until the browser has taken over.
#[derive(Clone, Copy)]
pub struct Ticker(pub RwSignal<Option<i64>>);

/// The later of the time that the view was made at and the ticking clock.
pub fn now_or_later(now: Instant) -> Signal<Instant> {
    let ticker = use_context::<Ticker>();
    Signal::derive(move || {
        let ticked = ticker.and_then(|t| t.0.get()).unwrap_or(now.0);
        Instant(ticked.max(now.0))
    })
}

/// A relative time; the absolute one shows on hover and focus.
#[component]
pub fn Ago(
    /// When.
    at: Instant,
    /// When the view was made.
    now: Instant,
) -> impl IntoView {
    let current = now_or_later(now);
    view! {
        <time class="tip" datetime=iso(at) data-tip=absolute(at)>
            {move || relative(at, current.get())}
        </time>
    }
}

/// How long something has been going on: `2 d 4 h`.
#[component]
pub fn Since(
    /// When it began.
    at: Instant,
    /// When the view was made.
    now: Instant,
) -> impl IntoView {
    let current = now_or_later(now);
    view! {
        <time class="tip" datetime=iso(at) data-tip=format!("since {}", absolute(at))>
            {move || duration(current.get().0 - at.0)}
        </time>
    }
}

/// An event's time, marked where its zone is assumed.
#[component]
pub fn When(
    /// The time.
    time: EventTime,
    /// When the view was made.
    now: Instant,
) -> impl IntoView {
    let words = event_moment(&time, now);
    let (zone, doubt) = zone_note(&time);
    let machine = time.instant.map(iso);
    let mark = doubt.map(|why| {
        view! {
            " "
            <span class="tag tag--warn">{zone}</span>
            <span class="sr">" "{why}</span>
        }
    });
    view! {
        <time class="tip" tabindex="0" datetime=machine data-tip=event_absolute(&time)>{words}</time>
        {mark}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_442_645_000; // 2026-11-23T14:04:05Z

    #[test]
    fn the_calendar_is_right() {
        assert_eq!(iso(Instant(AT)), "2026-11-23T14:04:05Z");
        assert_eq!(iso(Instant(0)), "1970-01-01T00:00:00Z");
        assert_eq!(iso(Instant(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(iso(Instant(-1000)), "1969-12-31T23:59:59Z");
        assert_eq!(absolute(Instant(AT)), "Mon 23 Nov 2026, 14:04:05 UTC");
    }

    #[test]
    fn times_read_as_people_say_them() {
        let now = Instant(AT);
        assert_eq!(relative(Instant(AT - 4_000), now), "4 s ago");
        assert_eq!(relative(Instant(AT - 61 * HOUR), now), "2 d ago");
        assert_eq!(relative(Instant(AT + 2 * HOUR), now), "in 2 h");
        assert_eq!(relative(now, now), "now");
        assert_eq!(duration(52 * HOUR), "2 d 4 h");
        assert_eq!(duration(3 * HOUR + 2 * MINUTE), "3 h 2 min");
        assert_eq!(duration(-5), "0 s");
        assert_eq!(moment(Instant(AT + 2 * DAY), now), "Wed 25 Nov, 14:04");
        assert_eq!(day(Instant(AT + 40 * DAY), now), "Sat 2 Jan 2027");
    }

    #[test]
    fn a_zone_that_nobody_stated_is_marked() {
        let mut time = EventTime { wall: Some(Wall(AT)), instant: None, zone: None, certainty: ZoneCertainty::Unknown, precision: Precision::Minute, raw: None };
        assert_eq!(zone_note(&time).0, "local?");
        assert!(event_absolute(&time).contains("zone not known"));
        time.zone = Some("Europe/Berlin".into());
        time.certainty = ZoneCertainty::FromPlace;
        assert_eq!(zone_note(&time).0, "Berlin?");
        time.certainty = ZoneCertainty::Stated;
        assert_eq!(zone_note(&time), ("Berlin".into(), None));
    }
}
