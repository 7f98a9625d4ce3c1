//! What people take up again.

use crate::{
    SqliteStore, audit,
    codec::{Done, Fail, json, micros, stored_count, word},
    inbox, jobs,
    sql::{Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use domain::ids::ReplayId;
use rusqlite::Connection;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::{Lane, NewJob},
    limits::{REPLAY_ROWS, RETRY_JOBS},
    replays::{NewReplay, Replay, ReplayState, Replays, Selection, Step, Tally},
};

#[async_trait]
impl Replays for SqliteStore {
    async fn start(&self, scope: Scope, replay: NewReplay, job: NewJob, audit: AuditEntry) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            start(conn, scope, &replay)?;
            jobs::enqueue(conn, scope, &job, replay.at)?;
            audit::append(conn, scope, &audit)
        })
        .await
    }

    async fn step(&self, scope: Scope, id: ReplayId, step: Step) -> Result<Replay> {
        self.write(Turn::Batch, move |conn| one_step(conn, scope, id, &step)).await
    }

    async fn stop(&self, scope: Scope, id: ReplayId, audit: AuditEntry) -> Result<bool> {
        self.write(Turn::RealTime, move |conn| {
            let mut replay = found(conn, scope, id)?;
            if replay.state != ReplayState::Running {
                return Ok(false);
            }
            replay.state = ReplayState::Stopped;
            replay.ended_at = Some(audit.at);
            keep(conn, &replay)?;
            audit::append(conn, scope, &audit)?;
            Ok(true)
        })
        .await
    }

    async fn replay(&self, scope: Scope, id: ReplayId) -> Result<Option<Replay>> {
        self.read(move |conn| {
            let row = query("SELECT * FROM replay WHERE company_id = ?1 AND id = ?2")
                .bind(scope.company.0)
                .bind(id.0)
                .fetch_optional(conn)?;
            row.as_ref().map(replay).transpose()
        })
        .await
    }

    async fn newest(&self, scope: Scope) -> Result<Vec<Replay>> {
        self.read(move |conn| {
            let rows = query("SELECT * FROM replay WHERE company_id = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2")
                .bind(scope.company.0)
                .bind(i64::from(REPLAY_ROWS))
                .fetch_all(conn)?;
            rows.iter().map(replay).collect::<Done<_>>()
        })
        .await
    }
}

fn start(conn: &Connection, scope: Scope, replay: &NewReplay) -> Done<()> {
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
    .execute(conn)?;
    Ok(())
}

/// A replay, until the end of the transaction nobody else's.
fn found(conn: &Connection, scope: Scope, id: ReplayId) -> Done<Replay> {
    let row = query("SELECT * FROM replay WHERE company_id = ?1 AND id = ?2")
        .bind(scope.company.0)
        .bind(id.0)
        .fetch_optional(conn)?;
    row.as_ref().map(replay).transpose()?.ok_or(Fail(StoreError::NotFound("replay")))
}

fn one_step(conn: &Connection, scope: Scope, id: ReplayId, step: &Step) -> Done<Replay> {
    let mut replay = found(conn, scope, id)?;
    if replay.state != ReplayState::Running || replay.cursor != step.from {
        return Ok(replay);
    }
    let (done, last) = match &replay.selection {
        Selection::Jobs(which) => {
            let done = jobs::retry(conn, scope, which, Some(Lane::Batch), step.at)?;
            (done, done.take + done.skip < u64::from(RETRY_JOBS))
        }
        Selection::Messages(_) => {
            let take = u64::from(inbox::replay(conn, scope, &step.messages, step.at)?);
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
        jobs::enqueue(conn, scope, &step.next, step.at)?;
    }
    keep(conn, &replay)?;
    Ok(replay)
}

fn keep(conn: &Connection, replay: &Replay) -> Done<()> {
    query("UPDATE replay SET taken = ?1, skipped = ?2, cursor = ?3, state = ?4, ended_at = ?5 WHERE id = ?6")
        .bind(stored_count(replay.done.take))
        .bind(stored_count(replay.done.skip))
        .bind(&replay.cursor)
        .bind(word(replay.state))
        .bind(replay.ended_at.map(micros))
        .bind(replay.id.0)
        .execute(conn)?;
    Ok(())
}

fn replay(row: &Row) -> Done<Replay> {
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
