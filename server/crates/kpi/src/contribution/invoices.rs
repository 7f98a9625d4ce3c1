//! From the delivery to the invoice.

use super::row::{Bucket, Contributed, Part};
use crate::{definition::Kpi, learned::bins::Scale};
use jiff::{Timestamp, tz::TimeZone};

/// An order whose invoice is released by its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// When the last of it was delivered, at the latest: the end of the day where only that is known. None while it is not.
    pub delivered: Option<Timestamp>,
    /// When the invoice was posted.
    pub posted: Option<Timestamp>,
}

/// Its figure.
pub fn contribute(release: &Release, zone: &TimeZone, to: &mut Contributed) {
    match (release.delivered, release.posted) {
        (Some(delivered), Some(posted)) => {
            let bucket = Bucket::at(posted, zone);
            let took = posted.duration_since(delivered).as_secs_f64();
            to.binned(Kpi::InvoiceDelay, Part::Value, bucket, Scale::Relative.bin(took));
            if took < 0.0 {
                to.one(Kpi::InvoiceDelay, Part::Early, bucket);
            }
        }
        (Some(delivered), None) => to.one(Kpi::InvoiceDelay, Part::Open, Bucket::at(delivered, zone)),
        // invoiced without a delivery: listed, and no delay
        (None, Some(posted)) => to.one(Kpi::InvoiceDelay, Part::NotMeasurable, Bucket::at(posted, zone)),
        (None, None) => {}
    }
}
