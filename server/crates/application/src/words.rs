//! Sentences for people outside: notes, cases. Times without a zone say so; what deceives unseen in foreign words has a visible
//! form.

use domain::{
    event_time::{EventTime, Precision},
    fold::Announcement,
    visible::visible_line,
};
use jiff::{SignedDuration, Timestamp};
use storage::trackers::NumberRecord;

/// Foreign words inside a sentence.
pub fn foreign(text: &str) -> String {
    visible_line(text).into_owned()
}

/// An instant, in UTC.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// An event's time, as certain as it is.
pub fn event_time(time: &EventTime) -> String {
    match (time.local, time.utc, time.precision) {
        (_, _, Precision::None) => "time not known".into(),
        (Some(local), _, Precision::Date) => local.date().to_string(),
        (None, Some(utc), Precision::Date) => utc.strftime("%Y-%m-%d").to_string(),
        (Some(local), Some(_), _) => {
            format!("{} {}", local.strftime("%Y-%m-%d %H:%M"), time.zone.as_deref().unwrap_or("UTC"))
        }
        (Some(local), None, _) => {
            let zone = time.zone.as_ref().map(|zone| format!(" ({zone})")).unwrap_or_default();
            format!("{} local time{zone}", local.strftime("%Y-%m-%d %H:%M"))
        }
        (None, Some(utc), _) => instant(utc),
        (None, None, _) => "time not known".into(),
    }
}

/// A line of comma-separated values. What a spreadsheet would take for a formula begins with an apostrophe.
pub fn csv_line<T: AsRef<str>>(cells: &[T]) -> String {
    let cell = |text: &T| {
        let text = text.as_ref();
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = visible_line(text).replace('"', "\"\"");
        format!("\"{}{text}\"", if formula { "'" } else { "" })
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

/// The last line of a list that goes on behind what is in the file.
pub fn csv_cut(rows: usize) -> String {
    csv_line(&[format!("There are more: these are the first {rows}. Choose fewer on the page to get the others.")])
}

/// A length of time in its two largest units: `4 h 52 min`.
pub fn span(span: SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A number and its carrier.
pub fn number(number: &NumberRecord) -> String {
    let carrier = number.carrier_label.as_ref().map(|carrier| format!(", {}", foreign(carrier))).unwrap_or_default();
    format!("{}{carrier}", foreign(&number.number))
}

/// What is announced, with its ordinal from the second on.
pub fn announcement(announcement: &Announcement) -> String {
    let nth = if announcement.ordinal > 1 { format!(" (number {})", announcement.ordinal) } else { String::new() };
    let piece = announcement.piece.as_ref().map(|p| format!(", piece {}", foreign(p))).unwrap_or_default();
    format!("{}{nth}{piece}", announcement.milestone.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_ends_no_line() {
        let cells = ["a \"b\"", "=1+1", "-2", "x\u{1b}y"].map(str::to_owned);
        assert_eq!(csv_line(&cells), "\"a \"\"b\"\"\",\"'=1+1\",\"'-2\",\"x⟨U+001B⟩y\"\r\n");
    }

    #[test]
    fn a_length_of_time_is_said_in_its_two_largest_units() {
        for (minutes, words) in
            [(0, "0 min"), (59, "59 min"), (60, "1 h"), (292, "4 h 52 min"), (1_440, "1 d"), (28_681, "19 d 22 h")]
        {
            assert_eq!(span(SignedDuration::from_mins(minutes)), words);
        }
    }
}
