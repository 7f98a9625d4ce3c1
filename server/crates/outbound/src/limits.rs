//! How long a platform asks not to be called: `Retry-After`, and the rate-limit headers that platforms send.
//!
//! No clock is needed: times of day are counted from the answer's own `Date`, which is the clock that they were made by.

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822};
use std::time::Duration;

/// The longest wait that is believed.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A number above this is a time since 1970 and no number of seconds to wait.
const EPOCH_MIN: u64 = 1_000_000_000;
/// From here on it is in milliseconds.
const EPOCH_MS_MIN: u64 = 1_000_000_000_000;

/// Names of what is left, each with when it is full again. The draft's: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>;
/// `X-RateLimit-*` as GitHub, Zendesk, Freshdesk, Intercom and others document it.
const BUDGETS: &[(&str, &str)] = &[
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
];

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, header::RETRY_AFTER.as_str())?;
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => until(headers, rfc2822::parse(text).ok()?.timestamp()),
    };
    Some(wait.min(WAIT_MAX))
}

/// How long a spent budget asks to wait; none where something of it is left, or nobody says.
pub fn spent(headers: &HeaderMap) -> Option<Duration> {
    let of_pair = |(remaining, reset): &(&str, &str)| {
        let left: f64 = text(headers, remaining)?.parse().ok()?;
        (left < 1.0).then(|| when(headers, text(headers, reset)?))?
    };
    let wait = BUDGETS.iter().filter_map(of_pair).chain(draft(headers)).max()?;
    Some(wait.min(WAIT_MAX))
}

/// `RateLimit: "name";r=0;t=30`: what is left and in how many seconds it is full again.
fn draft(headers: &HeaderMap) -> Option<Duration> {
    let items = text(headers, "ratelimit")?.split(',');
    let spent = items.filter_map(|item| {
        let parameter = |name: &str| {
            let value = item.split(';').find_map(|p| p.trim().strip_prefix(name)?.trim().strip_prefix('='));
            value.and_then(|v| v.trim().parse::<u64>().ok())
        };
        (parameter("r")? == 0).then(|| parameter("t").map(Duration::from_secs))?
    });
    spent.max()
}

/// Seconds to wait, or a time since 1970 in seconds or milliseconds.
fn when(headers: &HeaderMap, text: &str) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: not negative; a cast saturates"
    )]
    let whole = number.ceil() as u64;
    let seconds = match whole {
        EPOCH_MS_MIN.. => whole / 1000,
        EPOCH_MIN.. => whole,
        _ => return Some(Duration::from_secs(whole)),
    };
    Some(until(headers, Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?))
}

/// From the answer's own time; nothing where it does not say it.
fn until(headers: &HeaderMap, end: Timestamp) -> Duration {
    let now = text(headers, header::DATE.as_str()).and_then(|date| rfc2822::parse(date).ok());
    now.and_then(|now| Duration::try_from(end.duration_since(now.timestamp())).ok()).unwrap_or_default()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap())).collect()
    }

    const DATE: (&str, &str) = ("date", "Sun, 01 Mar 2026 10:00:00 GMT");

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |pairs: &[(&str, &str)]| retry_after(&headers(pairs)).map(|d| d.as_secs());
        assert_eq!(of(&[("retry-after", "90")]), Some(90));
        assert_eq!(of(&[("retry-after", "Sun, 01 Mar 2026 10:02:00 GMT"), DATE]), Some(120));
        assert_eq!(of(&[("retry-after", "Sun, 01 Mar 2026 09:00:00 GMT"), DATE]), Some(0), "over already");
        assert_eq!(of(&[("retry-after", "999999999")]), Some(24 * 3600), "nobody waits for years");
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_spent_budget_says_when_it_is_full_again() {
        let of = |pairs: &[(&str, &str)]| spent(&headers(pairs)).map(|d| d.as_secs());
        for (pairs, expected) in [
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "37")][..], Some(37)),
            (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "37")], None),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1772359230"), DATE], Some(30)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1772359230000"), DATE], Some(30)),
            (&[("x-ratelimit-remaining", "0.0"), ("x-ratelimit-reset", "1.5")], Some(2)),
            (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "5")], Some(5)),
            (&[("ratelimit", "\"minute\";r=0;t=12, \"day\";r=50;t=4000")], Some(12)),
            (&[("ratelimit", "\"minute\";r=3;t=12")], None),
            (&[("x-ratelimit-remaining", "0")], None),
            (&[("x-ratelimit-remaining", "none"), ("x-ratelimit-reset", "-3")], None),
        ] {
            assert_eq!(of(pairs), expected, "{pairs:?}");
        }
    }
}
