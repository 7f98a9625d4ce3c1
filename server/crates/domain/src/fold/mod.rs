//! The fold: from everything known to one state that can say why. Pure, total, order-independent, idempotent.

mod input;
mod output;

pub use input::{Choice, Decision, Fact, FoldInput, Plan, Sighting, Snapshot, Trust};
pub use output::{
    Announcement, Anomaly, Counts, Folded, FoldedException, Resolution, Rule, ScheduleEntry, Standing, Verdict,
};
