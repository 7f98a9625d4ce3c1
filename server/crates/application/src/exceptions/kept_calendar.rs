//! The company's calendar as it was read a moment ago: every fold asks for it.

use domain::calendar::CompanyCalendar;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, RwLock};

/// For how long it is kept before it is read again: other nodes and the command line change it too.
const KEPT: SignedDuration = SignedDuration::from_secs(5);

/// The calendar, and when it was read.
#[derive(Default)]
pub struct KeptCalendar(RwLock<Option<(Timestamp, Arc<CompanyCalendar>)>>);

impl KeptCalendar {
    /// The calendar as it was read; none where that is too long ago.
    pub(crate) fn get(&self, now: Timestamp) -> Option<Arc<CompanyCalendar>> {
        let kept = self.0.read().expect("no panic while held");
        let (at, calendar) = kept.as_ref()?;
        // a clock that was set back ends it too
        (SignedDuration::ZERO..KEPT).contains(&now.duration_since(*at)).then(|| Arc::clone(calendar))
    }

    /// Keeps what was read.
    pub(crate) fn put(&self, now: Timestamp, calendar: Arc<CompanyCalendar>) {
        *self.0.write().expect("no panic while held") = Some((now, calendar));
    }

    /// From now on what is stored counts.
    pub(crate) fn forget(&self) {
        *self.0.write().expect("no panic while held") = None;
    }
}
