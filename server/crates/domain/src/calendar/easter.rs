//! Easter Sunday of the Western churches, from which the movable feasts are counted.

use jiff::civil::{Date, date};

/// Easter Sunday of a year of the Gregorian calendar (1583 to 4099). Source: the anonymous Gregorian algorithm, Nature
/// 13 (1876) p. 487, as in J. Meeus, Astronomical Algorithms, chapter 8.
pub(super) fn easter(year: i16) -> Date {
    let year_ = i32::from(year);
    let (a, b, c) = (year_ % 19, year_ / 100, year_ % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let days = h + l - 7 * m + 114;
    let small = |n: i32| i8::try_from(n).expect("a month or a day of a month");
    date(year, small(days / 31), small(days % 31 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: the tables of the Church of England and of the US Census Bureau.
    #[test]
    fn easter_is_where_the_tables_have_it() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1943, 4, 25),
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2028, 4, 16),
            (2038, 4, 25),
        ] {
            assert_eq!(easter(year), date(year, month, day));
        }
    }
}
