//! Replays.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{json, micros, stored_count, word},
    inbox, jobs, query,
};
use async_trait::async_trait;
use domain::ids::ReplayId;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::{Lane, NewJob},
    limits::{REPLAY_ROWS, RETRY_JOBS},
    replays::{NewReplay, Replay, ReplayState, Replays, Selection, Step},
    tally::Tally,
};

#[async_trait]
impl<E: Engine> Replays for Sql<E> {
    async fn start(&self, scope: Scope, replay: NewReplay, job: NewJob, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    start(db, scope, &replay).await?;
                    jobs::enqueue(db, scope, &job, replay.at).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn step(&self, scope: Scope, id: ReplayId, step: Step) -> Result<Replay> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { one_step(db, scope, id, &step).await })).await
    }

    async fn stop(&self, scope: Scope, id: ReplayId, audit: AuditEntry) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let mut replay = found(db, scope, id).await?;
                    if replay.state != ReplayState::Running {
                        return Ok(false);
                    }
                    replay.state = ReplayState::Stopped;
                    replay.ended_at = Some(audit.at);
                    keep(db, &replay).await?;
                    audit::append(db, scope, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn replay(&self, scope: Scope, id: ReplayId) -> Result<Option<Replay>> {
        let found = query("SELECT * FROM replay WHERE company_id = ? AND id = ?").bind(scope.company.0).bind(id.0);
        self.row(found, replay).await
    }

    async fn newest(&self, scope: Scope) -> Result<Vec<Replay>> {
        let newest = query("SELECT * FROM replay WHERE company_id = ? ORDER BY started_at DESC, id DESC LIMIT ?");
        self.rows(newest.bind(scope.company.0).bind(REPLAY_ROWS), replay).await
    }
}

async fn start(db: &mut dyn Db, scope: Scope, replay: &NewReplay) -> Result<()> {
    query(
        "INSERT INTO replay (id, company_id, selection, started_by, started_at, take, skip) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(replay.id.0)
    .bind(scope.company.0)
    .bind(json(&replay.selection))
    .bind(json(&scope.actor))
    .bind(micros(replay.at))
    .bind(stored_count(replay.planned.take))
    .bind(stored_count(replay.planned.skip))
    .execute(db)
    .await?;
    Ok(())
}

/// A replay, until the end of the transaction nobody else's.
async fn found(db: &mut dyn Db, scope: Scope, id: ReplayId) -> Result<Replay> {
    let row = query("SELECT * FROM replay WHERE company_id = ?1 AND id = ?2 {for update}")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    row.as_ref().map(replay).transpose()?.ok_or(StoreError::NotFound("replay"))
}

async fn one_step(db: &mut dyn Db, scope: Scope, id: ReplayId, step: &Step) -> Result<Replay> {
    let mut replay = found(db, scope, id).await?;
    if replay.state != ReplayState::Running || replay.cursor != step.from {
        return Ok(replay);
    }
    let (done, last) = match &replay.selection {
        Selection::Jobs(which) => {
            let done = jobs::retry(db, scope, which, Some(Lane::Batch), step.at).await?;
            (done, done.take + done.skip < u64::from(RETRY_JOBS))
        }
        Selection::Messages(_) => {
            let take = u64::from(inbox::replay(db, scope, &step.messages, step.at).await?);
            let skip = (step.messages.len() as u64).saturating_sub(take);
            (Tally { take, skip }, step.to.is_none())
        }
    };
    replay.done.take += done.take;
    replay.done.skip += done.skip;
    replay.cursor.clone_from(&step.to);
    if last {
        replay.state = ReplayState::Done;
        replay.ended_at = Some(step.at);
    } else {
        jobs::enqueue(db, scope, &step.next, step.at).await?;
    }
    keep(db, &replay).await?;
    Ok(replay)
}

async fn keep(db: &mut dyn Db, replay: &Replay) -> Result<()> {
    query("UPDATE replay SET taken = ?1, skipped = ?2, cursor = ?3, state = ?4, ended_at = ?5 WHERE id = ?6")
        .bind(stored_count(replay.done.take))
        .bind(stored_count(replay.done.skip))
        .bind(&replay.cursor)
        .bind(word(replay.state))
        .bind(replay.ended_at.map(micros))
        .bind(replay.id.0)
        .execute(db)
        .await?;
    Ok(())
}

fn replay(row: &Row) -> Result<Replay> {
    Ok(Replay {
        id: row.id("id")?,
        selection: row.json("selection")?,
        by: row.json("started_by")?,
        at: row.at("started_at")?,
        planned: Tally { take: row.count("take")?, skip: row.count("skip")? },
        done: Tally { take: row.count("taken")?, skip: row.count("skipped")? },
        cursor: row.opt_text("cursor")?,
        state: row.word("state")?,
        ended_at: row.opt_at("ended_at")?,
    })
}
