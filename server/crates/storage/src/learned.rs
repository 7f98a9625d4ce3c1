//! What is learned of transit times: what each shipment adds, all of it added up by cell and week, and the models that are published
//! of that. What the words mean is in `kpi::learned`.

use crate::{Result, Scope};
use async_trait::async_trait;
use domain::ids::ShipmentId;
use jiff::Timestamp;
use kpi::learned::{
    count::{Count, What},
    kept::Kept,
    outlook::Published,
};

/// How many in a bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What is counted.
    pub count: Count,
    /// How many.
    pub n: i64,
}

/// What a model has of a topic of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedCell {
    /// The cell by its name.
    pub cell: String,
    /// The topic, as what ended.
    pub what: What,
    /// What is known of it.
    pub published: Published,
}

/// Periods, the first and the last.
pub type Periods = (i32, i32);

/// What is learned.
#[async_trait]
pub trait Learned: Send + Sync {
    /// What is kept of these shipments; those of which nothing is, or nothing that can be read, are left out.
    async fn kept(&self, scope: Scope, shipments: Vec<ShipmentId>) -> Result<Vec<(ShipmentId, Kept)>>;

    /// Keeps what is known of shipments as of a time, in place of what was kept, and adds up what that changes, in one transaction.
    /// One at a time: what was kept is read before it.
    async fn keep(&self, scope: Scope, kept: Vec<(ShipmentId, Kept)>, as_of: Timestamp) -> Result<()>;

    /// Shipments after one, in the order of their ids, that were under way when they were last kept, before a time.
    async fn open_after(
        &self,
        scope: Scope,
        after: Option<ShipmentId>,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ShipmentId>>;

    /// The names of cells after one, in order; scores are none.
    async fn cells_after(&self, scope: Scope, after: String, limit: u32) -> Result<Vec<String>>;

    /// All counts of a cell in some weeks.
    async fn counts(&self, scope: Scope, cell: String, weeks: Periods) -> Result<Vec<Counted>>;

    /// The scores of some days, added up over them: the period of each is the first day.
    async fn scores(&self, scope: Scope, days: Periods) -> Result<Vec<Counted>>;

    /// Scores of some kinds in one bin, day by day.
    async fn scores_by_day(&self, scope: Scope, what: Vec<What>, bin: i32, days: Periods) -> Result<Vec<Counted>>;

    /// Adds to a model that is being made; what it has already is replaced.
    async fn publish(&self, scope: Scope, model: u32, cells: Vec<PublishedCell>) -> Result<()>;

    /// What a model has of these cells.
    async fn published(&self, scope: Scope, model: u32, cells: Vec<String>) -> Result<Vec<PublishedCell>>;

    /// The cells of a model with the most of what ended, the largest first.
    async fn largest(&self, scope: Scope, model: u32, what: What, limit: u32) -> Result<Vec<PublishedCell>>;

    /// Removes what models before one have, so many cells at most; how many it removed.
    async fn forget_models(&self, scope: Scope, model: u32, limit: u32) -> Result<u64>;

    /// Removes the counts of these cells before a week.
    async fn forget_weeks(&self, scope: Scope, cells: Vec<String>, week: i32) -> Result<()>;

    /// Removes what is kept of shipments that have ended and were last kept before a time, so many at most; how many it removed.
    /// What they added stays.
    async fn forget_shipments(&self, scope: Scope, before: Timestamp, limit: u32) -> Result<u64>;
}
