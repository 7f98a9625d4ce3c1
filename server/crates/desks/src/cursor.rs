//! Where a poll goes on that pages by time of change: behind the last case, by its time and id. More may have changed within one
//! moment than a page has, so the pages of that moment are counted.

use crate::PollFrom;
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, ErrorClass};

/// Where a poll goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What changed at this time or later.
    pub since: Timestamp,
    /// The last case of the page before, of those that changed at that very time; none: every one is new.
    pub after: Option<String>,
    /// Pages of that time that were read.
    pub page: u32,
}

impl Cursor {
    /// Where to go on.
    ///
    /// # Errors
    /// `rejected` where the cursor is not one of ours.
    pub fn of(from: &PollFrom) -> Result<Self, CallError> {
        let text = match from {
            PollFrom::Since(at) => return Ok(Self { since: *at, after: None, page: 0 }),
            PollFrom::After(text) => text,
        };
        let odd = || CallError::new(ErrorClass::Rejected, "the poll's cursor cannot be read");
        let [since, after, page] = text.splitn(3, '/').collect::<Vec<_>>().try_into().map_err(|_| odd())?;
        let is_id =
            !after.is_empty() && after.len() <= 64 && after.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let since = since.parse().map_err(|_| odd())?;
        let page = page.parse().map_err(|_| odd())?;
        if is_id { Ok(Self { since, after: Some(after.to_owned()), page }) } else { Err(odd()) }
    }

    /// As [`crate::Changed::next`] keeps it.
    pub fn text(&self) -> String {
        format!("{}/{}/{}", self.since, self.after.as_deref().unwrap_or("-"), self.page)
    }

    /// The time a second earlier, for desks that search for what is later only.
    pub fn before(&self) -> Timestamp {
        self.since.checked_sub(SignedDuration::from_secs(1)).unwrap_or(self.since)
    }

    /// Whether a case with this time and id was on an earlier page. Ids are compared as the desk sorts them.
    pub fn is_behind(&self, at: Timestamp, id: &str) -> bool {
        let after = self.after.as_deref();
        at < self.since || (at == self.since && after.is_some_and(|after| order(id) <= order(after)))
    }

    /// Where the next page begins, behind the last case of a full one.
    pub fn next(&self, last: Option<(Timestamp, &str)>) -> Self {
        match last {
            Some((at, id)) if at > self.since => Self { since: at, after: Some(id.to_owned()), page: 0 },
            Some((at, id)) => Self { since: at, after: Some(id.to_owned()), page: self.page + 1 },
            None => Self { page: self.page + 1, ..self.clone() },
        }
    }
}

/// Numbers by their value, others by their text.
fn order(id: &str) -> (Option<u64>, &str) {
    match id.parse() {
        Ok(number) => (Some(number), ""),
        Err(_) => (None, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_an_odd_one_is_refused() {
        let at: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let start = Cursor::of(&PollFrom::Since(at)).unwrap();
        assert!(!start.is_behind(at, "1") && start.is_behind(start.before(), "9"));
        let next = start.next(Some((at, "9")));
        assert_eq!(Cursor::of(&PollFrom::After(next.text())).unwrap(), next);
        assert!(next.is_behind(at, "9") && next.is_behind(at, "8") && !next.is_behind(at, "10"));
        assert_eq!((next.page, next.next(None).page, next.next(Some((at, "12"))).page), (1, 2, 2));
        for odd in
            ["", "x", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z/1", "x/1/0", "2026-03-10T12:00:00Z/' OR 1=1/0"]
        {
            assert!(Cursor::of(&PollFrom::After(odd.into())).is_err(), "{odd}");
        }
    }
}
