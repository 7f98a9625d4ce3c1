//! Where a poll goes on at a desk that gives a cursor of its own for each next page: what it began with, and that cursor.

use crate::PollFrom;
use jiff::Timestamp;
use outbound::{CallError, ErrorClass};

/// The longest cursor of a desk, in bytes.
const CURSOR_BYTES_MAX: usize = 1024;

/// Where a poll goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// What changed at this time or later is wanted.
    pub since: Timestamp,
    /// The desk's cursor; none on the first page.
    pub cursor: Option<String>,
}

impl Paging {
    /// Where to go on.
    ///
    /// # Errors
    /// `rejected` where it is not of our making.
    pub fn of(from: &PollFrom) -> Result<Self, CallError> {
        let odd = || CallError::new(ErrorClass::Rejected, "the poll's cursor cannot be read");
        let text = match from {
            PollFrom::Since(at) => return Ok(Self { since: *at, cursor: None }),
            PollFrom::After(text) => text,
        };
        let (since, cursor) = text.split_once(' ').ok_or_else(odd)?;
        let since = since.parse().map_err(|_| odd())?;
        let is_plain =
            !cursor.is_empty() && cursor.len() <= CURSOR_BYTES_MAX && cursor.bytes().all(|b| b.is_ascii_graphic());
        if is_plain { Ok(Self { since, cursor: Some(cursor.to_owned()) }) } else { Err(odd()) }
    }

    /// As [`crate::Changed::next`] keeps it, with the desk's cursor for the next page.
    pub fn next(&self, cursor: &str) -> String {
        format!("{} {cursor}", self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_an_odd_one_is_refused() {
        let at: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let start = Paging::of(&PollFrom::Since(at)).unwrap();
        assert_eq!(start, Paging { since: at, cursor: None });
        let next = Paging::of(&PollFrom::After(start.next("MTU3Ni4wfHw0Njd8=="))).unwrap();
        assert_eq!(next, Paging { since: at, cursor: Some("MTU3Ni4wfHw0Njd8==".into()) });
        for odd in [
            "",
            "x",
            "x y",
            "2026-03-10T12:00:00Z",
            "2026-03-10T12:00:00Z ",
            "2026-03-10T12:00:00Z a b",
            "2026-03-10T12:00:00Z \u{e4}",
        ] {
            assert!(Paging::of(&PollFrom::After(odd.into())).is_err(), "{odd}");
        }
        assert!(Paging::of(&PollFrom::After(start.next(&"x".repeat(2000)))).is_err());
    }
}
