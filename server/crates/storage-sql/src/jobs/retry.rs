//! Jobs that a person or a replay starts again.

use super::chosen;
use crate::{Db, codec::word, query};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    Result, Scope,
    jobs::{JobSelection, Lane},
    limits::RETRY_JOBS,
    tally::Tally,
};
use uuid::Uuid;

/// Whether the target of the dead job `d` has work that waits, is being done, or was finished after the job died.
macro_rules! succeeded_later {
    () => {
        "({is d.succeeded_later}
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status IN ('ready', 'retrying'))
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status = 'leased'))"
    };
}

pub(super) async fn count(db: &mut dyn Db, scope: Scope, which: &JobSelection) -> Result<Tally> {
    // of several for one target the newest is the one to take up
    let sql = concat!(
        "WITH dead AS (SELECT *, row_number() OVER (PARTITION BY kind, target ORDER BY updated_at DESC, seq DESC) AS place
                       FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        ") SELECT count(*) AS number, count(*) FILTER (WHERE place > 1 OR ",
        succeeded_later!(),
        ") AS skip FROM dead d"
    );
    let row = chosen(sql, scope, which).one(db).await?;
    let (number, skip): (u64, u64) = (row.count("number")?, row.count("skip")?);
    Ok(Tally { take: number.saturating_sub(skip), skip })
}

/// Takes up the newest dead jobs, in the lane given or the one that they had. That they were tried is remembered: what the
/// last try left behind may not be known.
///
/// # Errors
/// When the engine fails.
pub async fn retry(
    db: &mut dyn Db,
    scope: Scope,
    which: &JobSelection,
    lane: Option<Lane>,
    now: Timestamp,
) -> Result<Tally> {
    let sql = concat!(
        "SELECT id FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        " ORDER BY updated_at DESC, seq DESC LIMIT ?9 {for update}"
    );
    let dead = chosen(sql, scope, which).bind(RETRY_JOBS).all(db).await?;
    let dead = dead.iter().map(|row| row.id("id")).collect::<Result<Vec<Uuid>>>()?;
    let sql = concat!(
        "SELECT d.id, d.kind, d.target, ",
        succeeded_later!(),
        " AS later FROM {ids ? x} CROSS JOIN job d WHERE d.id = x.value ORDER BY d.updated_at DESC, d.seq DESC"
    );
    let (mut targets, mut taken, mut dropped) = (BTreeSet::new(), Vec::new(), Vec::new());
    for row in query(sql).bind(dead).all(db).await? {
        // of several for one target the newest goes
        let first = targets.insert((row.text("kind")?, row.text("target")?));
        let list = if row.flag("later")? || !first { &mut dropped } else { &mut taken };
        list.push(row.id::<Uuid>("id")?);
    }
    let tally = Tally { take: taken.len() as u64, skip: dropped.len() as u64 };
    query("DELETE FROM job WHERE id {in ids ?}").bind(dropped).execute(db).await?;
    query(
        "UPDATE job SET status = 'ready', attempts = 1, run_at = ?1, updated_at = ?1, lane = coalesce(?2, lane)
         WHERE id {in ids ?3}",
    )
    .bind(now)
    .bind(lane.map(word))
    .bind(taken)
    .execute(db)
    .await?;
    Ok(tally)
}
