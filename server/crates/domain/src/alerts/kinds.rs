//! The kinds of alerts: each with its severity, its threshold as shipped, and the first step of its runbook.

use crate::Severity;
use serde::{Deserialize, Serialize};

/// A number that decides when a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// As shipped.
    pub shipped: u32,
    /// The least that may be set.
    pub least: u32,
    /// The most that may be set.
    pub most: u32,
    /// What follows the number: `min`, `% free`.
    pub unit: &'static str,
    /// The condition, with `{}` for the number.
    pub condition: &'static str,
}

/// A kind of alert as shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The stable code.
    pub code: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// How much a person is needed.
    pub severity: Severity,
    /// When its condition holds; none of what other areas raise.
    pub threshold: Option<Threshold>,
    /// The first step of the runbook.
    pub first_step: &'static str,
}

macro_rules! kinds {
    ($($(#[$about:meta])* $variant:ident = $code:literal, $label:literal, $severity:ident, $threshold:expr, $step:literal;)*) => {
        /// A kind of alert.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum AlertKind {
            $($(#[$about])* #[serde(rename = $code)] $variant,)*
        }

        impl AlertKind {
            /// Every kind, in the order of the page.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// It as shipped.
            pub const fn shipped(self) -> Shipped {
                match self {
                    $(Self::$variant => Shipped {
                        code: $code,
                        label: $label,
                        severity: Severity::$severity,
                        threshold: $threshold,
                        first_step: $step,
                    },)*
                }
            }

            /// The kind with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

impl AlertKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        self.shipped().code
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        self.shipped().label
    }

    /// Whether its alerts are each about a connection, whose name is their subject.
    pub const fn is_of_connection(self) -> bool {
        match self {
            Self::ConnectionSuspended
            | Self::RateLimited
            | Self::SourceSilent
            | Self::ErrorRate
            | Self::DeadLetters
            | Self::SecretExpires
            | Self::ConnectionUnusable
            | Self::ChannelFailed => true,
            Self::QueueOld
            | Self::Backlog
            | Self::UnmappedCodes
            | Self::DiskSpace
            | Self::DatabaseSize
            | Self::BackupFailed
            | Self::ClockOff
            | Self::AgreementLow
            | Self::HeldAtHub
            | Self::RuleStopped
            | Self::RuleAlert
            | Self::ClaimDeadline => false,
        }
    }
}

const fn number(
    shipped: u32,
    (least, most): (u32, u32),
    unit: &'static str,
    condition: &'static str,
) -> Option<Threshold> {
    Some(Threshold { shipped, least, most, unit, condition })
}

kinds! {
    /// The circuit breaker of a connection is open.
    ConnectionSuspended = "connection_suspended", "Connection suspended", Critical,
        number(5, (1, 1_440), "min", "fails for longer than {} min"),
        "Test the connection: the test says what fails and what to do. Updates wait and go out once it works.";
    /// Another system limits the rate.
    RateLimited = "rate_limited", "Connection rate-limited", Major,
        number(5, (1, 1_440), "min", "for longer than {} min"),
        "Wait: it resumes by itself. If it lasts, lower the calls per second of the connection, or ask for a higher limit.";
    /// A source is silent for longer than it usually is.
    SourceSilent = "source_silent", "Carrier stopped sending", Critical,
        number(3, (2, 50), "times the usual gap", "{} times the usual gap"),
        "Look at the platform: is its webhook still enabled, and does it report failed deliveries to Milepost?";
    /// Many calls of a connection fail.
    ErrorRate = "error_rate", "Many errors of a connection", Major,
        number(20, (1, 100), "% of calls", "more than {} % of calls or messages in an hour"),
        "Open the connection and look at its newest failed calls: their class says what to do.";
    /// Jobs that are due wait too long.
    QueueOld = "queue_old", "Queue too old", Major,
        number(10, (1, 1_440), "min", "oldest due job over {} min"),
        "Check that the server runs and the database answers; then look under Integrations which jobs wait.";
    /// Many jobs that are due wait.
    Backlog = "backlog", "Backlog", Major,
        number(5_000, (10, 1_000_000), "jobs", "more than {} due jobs in a lane"),
        "Look under Integrations for what made them: an import or a bulk retry works itself off, a storm of messages does not.";
    /// Jobs failed for good.
    DeadLetters = "dead_letters", "Failed jobs", Major,
        number(1, (1, 100_000), "jobs", "{} or more of a connection"),
        "Open Integrations, Failed: read the error of the newest, mend its cause, then retry them.";
    /// Codes without a mapping come in.
    UnmappedCodes = "unmapped_codes", "Unmapped codes", Minor,
        number(10, (1, 100_000), "events", "{} events or more with one code"),
        "Open Mappings and publish what the code means; its events are read again.";
    /// A key or secret ends soon.
    SecretExpires = "secret_expires", "Key expires", Minor,
        number(14, (1, 90), "days", "{} days before, major 3 days before"),
        "Make a new key in the other system and rotate it on the connection's page; both work side by side.";
    /// A connection cannot be used at all, or its test fails.
    ConnectionUnusable = "connection_unusable", "Connection cannot be used", Critical, None,
        "Open the connection and correct what it names; its jobs wait until then.";
    /// The disk fills up.
    DiskSpace = "disk_space", "Disk almost full", Critical,
        number(10, (1, 90), "% free", "less than {} % free"),
        "Make room on the disk of the data directory: remove old copies, then shorten what is kept.";
    /// The database has grown.
    DatabaseSize = "database_size", "Database size", Minor,
        number(50, (1, 100_000), "GB", "more than {} GB"),
        "Shorten how long bodies and calls are kept (--keep-bodies-months, --keep-attempts-months), or plan for more disk.";
    /// A backup failed, or is late.
    BackupFailed = "backup_failed", "Backup failed or late", Critical,
        number(26, (1, 720), "h", "failed, or none for {} h"),
        "Run `milepost backup` by hand and read its message; check the disk of the copies and the timer that starts it.";
    /// Two clocks differ.
    ClockOff = "clock_off", "Clock is off", Major,
        number(60, (5, 3_600), "s", "differs by more than {} s"),
        "Set up time synchronisation on the machine that is off.";
    /// The systems agree less than they should.
    AgreementLow = "agreement_low", "Agreement below target", Major,
        number(2, (1, 48), "runs", "{} runs in a row"),
        "Open Reconciliation: by cause it shows what differs, with a fix for each.";
    /// Many shipments are held at one place.
    HeldAtHub = "held_at_hub", "Many shipments held at a hub", Major,
        number(10, (2, 100_000), "shipments", "{} or more at one place, grouped"),
        "Ask the carrier about the place, then inform the customers concerned; the shipments need no ticket each.";
    /// A rule was stopped: it failed, went round in circles, or made too much.
    RuleStopped = "rule_stopped", "Rule stopped", Critical, None,
        "Open the rule: its page says why it was stopped. Correct it, dry-run it, publish it.";
    /// A rule alerts.
    RuleAlert = "rule_alert", "Alert by a rule", Major, None,
        "Open what the alert is about, and do what the rule's text says.";
    /// A claim has to be filed soon, or its deadline was missed.
    ClaimDeadline = "claim_deadline", "Claim to be filed", Major, None,
        "Open the claim: complete its evidence, file the bundle with the carrier, and mark it as filed.";
    /// A channel does not deliver.
    ChannelFailed = "channel_failed", "Notification not delivered", Major, None,
        "Test the channel under Connections: the test says what is wrong.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_has_every_kind() {
        let document = include_str!("../../../../../docs/ALERTS.md");
        let head = "| kind | severity | condition | first step |\n|---|---|---|---|\n";
        let (_, table) = document.split_once(head).expect("docs/ALERTS.md has the table of what is looked at");
        let written: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let row = |kind: &AlertKind| {
            let shipped = kind.shipped();
            let condition = shipped.threshold.map_or("as soon as it happens".to_owned(), |threshold| {
                threshold.condition.replace("{}", &threshold.shipped.to_string())
            });
            let severity = shipped.severity.label().to_lowercase();
            format!("| `{}` | {severity} | {}: {condition} | {} |", shipped.code, shipped.label, shipped.first_step)
        };
        assert_eq!(written, AlertKind::ALL.iter().map(row).collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_has_its_own_code_and_a_threshold_within_its_limits() {
        let codes: BTreeSet<_> = AlertKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), AlertKind::ALL.len());
        for kind in AlertKind::ALL {
            let shipped = kind.shipped();
            assert_eq!(AlertKind::from_code(shipped.code), Some(*kind));
            assert!(!shipped.first_step.is_empty() && shipped.severity > Severity::Info);
            if let Some(threshold) = shipped.threshold {
                assert!((threshold.least..=threshold.most).contains(&threshold.shipped), "{kind:?}");
                assert!(threshold.condition.contains("{}"), "{kind:?}");
            }
        }
    }
}
