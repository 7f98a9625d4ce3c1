//! Claims against carriers: what is claimed and why, until when it has to be filed, how it goes on from there.

mod number;
mod words;

#[cfg(feature = "model")]
mod deadlines;
#[cfg(feature = "model")]
mod machine;
#[cfg(feature = "model")]
mod totals;

#[cfg(feature = "model")]
pub use deadlines::{DAYS_MAX, DeadlineRule, Deadlines, From, Moments, RULES_MAX, UnusableRule};
#[cfg(feature = "model")]
pub use machine::{Claim, NotPossible, Reminder, Step};
pub use number::ClaimNumber;
#[cfg(feature = "model")]
pub use totals::Totals;
pub use words::{ClaimReason, ClaimStatus, EvidenceKind, Stage, StepKind};
