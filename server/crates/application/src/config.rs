//! What use cases go by. The server reads it from flags, environment and file.

use domain::{exceptions::Grace, ids::ShipmentId, rules::Policy};
use jiff::SignedDuration;
use outbound::Key;
use std::{num::NonZeroU32, path::PathBuf};

/// What use cases go by.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address under which the server is reached.
    pub public_url: String,
    /// Whether that was set; else it follows from the address to listen on.
    pub public_url_is_set: bool,
    /// Name of the company; none: an admin names it.
    pub company: Option<String>,
    /// Odoo, where there is one.
    pub odoo: Option<OdooSettings>,
    /// The service desk, where there is one.
    pub desk: Option<DeskSettings>,
    /// The rules of thumb.
    pub rules: Rules,
    /// For how long things are kept.
    pub keep: Keep,
    /// The file of what was erased.
    pub tombstones: PathBuf,
    /// The file with the newest line of the audit trail.
    pub audit_anchor: PathBuf,
    /// Whether addresses of systems on other machines may be http://.
    pub allow_plain_http: bool,
    /// Whether this is the demo.
    pub mode: Mode,
}

impl Config {
    /// The page of a shipment, for people.
    pub fn page_of(&self, shipment: ShipmentId) -> String {
        format!("{}/shipments/{shipment}", self.public_url)
    }
}

/// Demo or the real thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Real.
    Production,
    /// Everything is simulated; the pages say so.
    Demo,
}

/// How to reach Odoo.
#[derive(Clone, Debug)]
pub struct OdooSettings {
    /// Address.
    pub url: String,
    /// Database.
    pub database: String,
    /// API key of the integration user.
    pub key: Key,
    /// The login of that user, which Odoo 16 to 18 wants with it.
    pub login: Option<String>,
    /// Seconds between two imports.
    pub import_seconds: u64,
    /// How hard it may be worked.
    pub limits: CallLimits,
}

/// How to reach the desk.
#[derive(Clone, Debug)]
pub struct DeskSettings {
    /// The connector.
    pub connector: String,
    /// Address.
    pub url: String,
    /// Token.
    pub token: Key,
    /// Queue or group.
    pub queue: String,
    /// Seconds between two looks at what agents did there.
    pub poll_seconds: u64,
    /// How hard it may be worked.
    pub limits: CallLimits,
}

/// How hard another system may be worked by one process.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Jobs at once, in each lane; at most [`CONCURRENCY_MAX`].
    pub at_once: usize,
    /// Calls a second.
    pub calls_per_second: Option<NonZeroU32>,
}

/// Seconds between two looks at the desk, unless it is set.
pub const DESK_POLL_SECONDS: u64 = 30;
/// Seconds between two updates of the fields of one delivery in Odoo, unless set: a burst of events takes few of them.
pub const UPDATE_SECONDS: u64 = 10;

/// Jobs at once for one destination, in each lane, unless it is set.
const AT_ONCE: usize = 8;

/// The most of them.
pub const CONCURRENCY_MAX: usize = 64;

impl Default for CallLimits {
    fn default() -> Self {
        Self::of(None, None)
    }
}

impl CallLimits {
    /// With these, where they are set.
    pub fn of(at_once: Option<NonZeroU32>, calls_per_second: Option<NonZeroU32>) -> Self {
        let at_once = at_once.map_or(AT_ONCE, |n| usize::try_from(n.get()).unwrap_or(CONCURRENCY_MAX));
        Self { at_once: at_once.min(CONCURRENCY_MAX), calls_per_second }
    }
}

/// For how long things are kept; 0 is for ever.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Months for bodies of messages.
    pub bodies_months: u32,
    /// Months for calls to other systems.
    pub attempts_months: u32,
    /// Days for finished jobs.
    pub done_days: u32,
}

/// Times that decide when somebody is called.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Minutes before a major exception makes a case.
    pub major_grace_minutes: u64,
    /// Hours before a minor exception makes a case.
    pub minor_hours: u64,
    /// Days for which an exception is news.
    pub news_days: u32,
    /// Whether notes in Odoo name who signed.
    pub signatory_in_odoo: bool,
    /// Seconds between two updates of the fields of one delivery or order in Odoo: what comes meanwhile is written together.
    pub update_seconds: u64,
    /// Hours of silence before it is an exception.
    pub silence_hours: u32,
    /// Hours after the day of shipping before it is an exception.
    pub ship_grace_hours: u32,
}

impl Rules {
    /// How long an exception may heal by itself before a case is opened.
    pub fn grace(&self) -> Grace {
        let seconds =
            |n: u64, unit: i64| SignedDuration::from_secs(i64::try_from(n).unwrap_or(i64::MAX).saturating_mul(unit));
        Grace { minor: seconds(self.minor_hours, 3600), major: seconds(self.major_grace_minutes, 60) }
    }

    /// The numbers in the rules for what follows from a fold.
    pub fn policy(&self) -> Policy {
        Policy { recent_days: self.news_days, grace: self.grace() }
    }
}
