//! What keeps a store small and whole: dropping what is old, and putting right what a restored backup cannot know.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;

/// What may go. Months are numbers as partitions have them: 202611; whatever lies before goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Old {
    /// Bodies of messages of earlier months; those that are not processed yet stay.
    pub bodies: Option<u32>,
    /// Calls of earlier months.
    pub attempts: Option<u32>,
    /// Jobs that were done before.
    pub jobs: Option<Timestamp>,
    /// Changes before; live streams that were cut off for longer begin anew.
    pub changes: Option<Timestamp>,
}

/// What a step dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bodies, or partitions of them.
    pub bodies: u64,
    /// Calls, or partitions of them.
    pub attempts: u64,
    /// Jobs.
    pub jobs: u64,
    /// Changes.
    pub changes: u64,
    /// Whether there may be more to drop at once.
    pub more: bool,
}

/// The number of a time's month; 0 before our era, so that nothing lies before it.
pub fn month_of(at: Timestamp) -> u32 {
    let day = at.to_zoned(jiff::tz::TimeZone::UTC);
    u32::try_from(i32::from(day.year()) * 100 + i32::from(day.month())).unwrap_or(0)
}

/// Upkeep.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Deletes some of what is old: a small step, so that nothing waits.
    async fn prune(&self, old: Old) -> Result<Pruned>;

    /// Makes what must be there before its time, so that nothing waits for it then: the partitions of this month and the
    /// next, where there are partitions.
    async fn prepare(&self, now: Timestamp) -> Result<()>;

    /// A backup was just restored: no session is open, nothing is leased, and changes are numbered above any that was
    /// ever given, since browsers remember theirs.
    async fn restored(&self, now: Timestamp) -> Result<()>;
}
