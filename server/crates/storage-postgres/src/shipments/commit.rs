//! What a fold leaves: state, exceptions, effects, jobs and the change, together under the revision that was loaded.

use crate::{
    codec::{SqlError, json, micros, opt_micros, word},
    db::{Pg, rows_of},
    group::Grouped,
};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::LazyLock,
};
use storage::{
    Scope, StoreError,
    jobs::{Cause, NewJob},
    shipments::{Commit, Committed},
};
use storage_sql::{
    Dialect, Row, enqueueing, exceptions,
    jobs::{SETTLE_US, is_stronger_fold_waiting, job_rows, merged},
    lock, shipments, stronger_cause, unknown,
};
use uuid::Uuid;

/// Whether a commit is one statement, which is a transaction of its own. Most are.
pub(crate) fn is_simple(commit: &Commit) -> bool {
    commit.exceptions.is_empty() && commit.next_uses.is_empty() && commit.unknown.is_none()
}

/// A commit with exceptions, numbers in use again, or another reason for not knowing the status, in a transaction. The shipment is
/// held before anything is written.
pub(crate) async fn commit(conn: &mut PgConnection, scope: Scope, commit: &Commit) -> Result<Committed, SqlError> {
    // numbers before rows, as everybody takes them
    lock::numbers_of(&mut Pg(conn), scope.company, commit.next_uses.iter().map(|next| next.tracker.0)).await?;
    let (revision, merged): (i64, Option<Uuid>) = sqlx::query_as(
        "SELECT revision, merged_into FROM shipment WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE",
    )
    .bind(scope.company.0)
    .bind(commit.shipment.0)
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StoreError::NotFound("shipment"))?;
    if revision != expected(commit)? || merged.is_some() {
        return Ok(Committed::Conflict);
    }
    if commit.cause != Cause::Live
        && is_stronger_fold_waiting(&mut Pg(conn), scope, commit.shipment, commit.cause).await?
    {
        return Ok(Committed::Superseded);
    }
    exceptions::apply(&mut Pg(conn), scope, commit).await?;
    unknown::apply(&mut Pg(conn), scope, commit).await?;
    let committed = put(conn, &[(&scope, commit)], Stronger::GoesAlong).await?;
    for next in &commit.next_uses {
        shipments::follow(&mut Pg(conn), scope, commit, next).await?;
    }
    committed.into_iter().next().flatten().ok_or(SqlError(StoreError::NotFound("shipment")))
}

/// What a fold with a stronger cause that waits means for a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stronger {
    /// The commit is left to it.
    GoesFirst,
    /// Nothing (any more).
    GoesAlong,
}

fn expected(commit: &Commit) -> Result<i64, SqlError> {
    i64::try_from(commit.expected).map_err(|_| SqlError(StoreError::Damaged("revision".into())))
}

/// A commit that is one statement.
pub(crate) struct Put {
    pub(crate) scope: Scope,
    pub(crate) commit: Commit,
}

#[async_trait]
impl Grouped for Put {
    /// None when there is no such shipment.
    type Output = Option<Committed>;

    const TOGETHER: usize = 32;

    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Option<Committed>>, SqlError> {
        let mut answers: Vec<Option<Committed>> = vec![None; batch.len()];
        let mut left: Vec<(usize, &Self)> = batch.iter().enumerate().collect();
        // of one shipment one at a time
        while !left.is_empty() {
            let mut taken = BTreeMap::new();
            left.retain(|(place, one)| match taken.entry(one.commit.shipment) {
                Entry::Vacant(entry) => {
                    entry.insert((*place, *one));
                    false
                }
                Entry::Occupied(_) => true,
            });
            let commits: Vec<_> = taken.values().map(|(_, one)| (&one.scope, &one.commit)).collect();
            let committed = put(conn, &commits, Stronger::GoesFirst).await?;
            for ((place, _), committed) in taken.into_values().zip(committed) {
                if let Some(answer) = answers.get_mut(place) {
                    *answer = committed;
                }
            }
        }
        Ok(answers)
    }
}

/// Commits in one statement; see [`put`].
static PUT: LazyLock<String> = LazyLock::new(|| {
    Dialect::Postgres.of(concat!(
    "WITH given AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::boolean[], $8::text[], $9::bigint[], $10::bigint[],
                                  $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::uuid[], $18::boolean[],
                                  $27::text[], $28::text[], $29::text[], $30::text[])
                 WITH ORDINALITY g (company_id, shipment_id, expected, at, folded, state, terminal, visibility, heard_at, eta,
                                    delivered_at, last_event, last_event_at, review_at, moved_at, cause, correlation, waits,
                                    eta_time, delivered_time, contributed, delta, place) LIMIT cardinality($1)),
         stronger AS (
             SELECT g.place FROM given g WHERE g.waits AND (
                 EXISTS (SELECT 1 FROM job WHERE company_id = g.company_id AND kind = 'fold' AND target = g.shipment_id::text
                           AND status IN ('ready', 'retrying') AND ",
    stronger_cause!("job.cause", "g.cause"),
    ")
                 OR EXISTS (SELECT 1 FROM job WHERE company_id = g.company_id AND kind = 'fold' AND target = g.shipment_id::text
                              AND status = 'leased' AND ",
    stronger_cause!("job.cause", "g.cause"),
    "))),
         before AS (
             SELECT g.place, s.state FROM given g CROSS JOIN LATERAL (
                 SELECT state FROM shipment WHERE company_id = g.company_id AND id = g.shipment_id LIMIT 1) s),
         put AS (
             UPDATE shipment SET revision = g.expected + 1, updated_at = g.at, state = g.state, terminal = g.terminal,
                 visibility = g.visibility, heard_at = g.heard_at, eta = g.eta, delivered_at = g.delivered_at, last_event = g.last_event,
                 last_event_at = g.last_event_at, review_at = g.review_at, worst_reason = trouble.reason, worst_severity = trouble.severity,
                 open_exceptions = trouble.open, late = trouble.late, silent = trouble.silent, need = trouble.rank * 2 + trouble.late::int,
                 moved_at = g.moved_at, eta_time = g.eta_time, delivered_time = g.delivered_time
             FROM given g CROSS JOIN LATERAL (
                 SELECT count(*) AS open, coalesce(bool_or(reason = 'LATE'), false) AS late, coalesce(bool_or(reason = 'SILENCE'), false) AS silent,
                        coalesce(max(severity_rank) + 1, 0) AS rank,
                        (array_agg(reason ORDER BY severity_rank DESC, opened_at, id))[1] AS reason,
                        (array_agg(severity ORDER BY severity_rank DESC, opened_at, id))[1] AS severity
                 FROM exception WHERE shipment_id = g.shipment_id AND closed_at IS NULL) trouble
             WHERE shipment.company_id = g.company_id AND shipment.id = g.shipment_id AND shipment.revision = g.expected AND merged_into IS NULL
               AND NOT EXISTS (SELECT 1 FROM stronger WHERE stronger.place = g.place)
             RETURNING shipment.id, g.place, g.company_id, g.expected + 1 AS revision, g.at, g.cause, g.correlation, g.state, g.folded, g.contributed, g.delta),
         folds AS (
             INSERT INTO shipment_fold (shipment_id, company_id, folded, contributed) SELECT id, company_id, folded, contributed FROM put
             ON CONFLICT (shipment_id) DO UPDATE
             SET folded = excluded.folded, contributed = coalesce(excluded.contributed, shipment_fold.contributed)),
         deltas AS (
             INSERT INTO rollup_delta (company_id, unit, at, changes) SELECT company_id, id, at, delta FROM put WHERE delta IS NOT NULL),
         notified AS (
             INSERT INTO change (company_id, shipment_id, revision, at) SELECT company_id, id, revision, at FROM put),
         changed AS (
             INSERT INTO state_change (shipment_id, revision, company_id, at, cause, correlation, from_state, to_state)
             SELECT put.id, put.revision, put.company_id, put.at, put.cause, put.correlation, before.state, put.state
             FROM put JOIN before ON before.place = put.place WHERE before.state <> put.state),
         effects AS (
             INSERT INTO effect (id, company_id, shipment_id, kind, key, body, created_at, done_at, external)
             SELECT e.id, put.company_id, put.id, e.kind, e.key, e.body, put.at, CASE WHEN e.external IS NOT NULL THEN put.at END, e.external
             FROM unnest($19::uuid[], $20::uuid[], $21::text[], $22::text[], $23::text[], $24::text[]) e (shipment_id, id, kind, key, body, external)
             JOIN put ON put.id = e.shipment_id
             ON CONFLICT (shipment_id, kind, key) DO NOTHING),
         jobs AS (",
enqueueing!("$25", "put.company_id", "put.at", "$26", " JOIN put ON put.id = j.shipment_id"),
    ")
         SELECT EXISTS (SELECT 1 FROM before WHERE before.place = g.place) AS there, EXISTS (SELECT 1 FROM put WHERE put.place = g.place) AS put,
                EXISTS (SELECT 1 FROM stronger WHERE stronger.place = g.place) AS overtaken
         FROM given g ORDER BY g.place"
    )).into_owned()
});

/// States, effects, jobs and changes of different shipments in one statement, in the order of their ids, so that two of
/// them never wait for each other; of each nothing unless the revision is the one that was loaded. None where there is no
/// such shipment. A state goes with a row lock, and one that changed meanwhile is looked at again: so says PostgreSQL of
/// UPDATE under READ COMMITTED, <https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED>.
async fn put(
    conn: &mut PgConnection,
    commits: &[(&Scope, &Commit)],
    stronger: Stronger,
) -> Result<Vec<Option<Committed>>, SqlError> {
    let last_event_at = |commit: &Commit| commit.last_event.as_ref().and_then(|event| event.at);
    let jobs: Vec<NewJob> = commits.iter().flat_map(|(_, commit)| commit.jobs.iter().cloned()).collect();
    let jobs = job_rows(&merged(&jobs));
    let effects: Vec<_> =
        commits.iter().flat_map(|(_, commit)| commit.effects.iter().map(|effect| (commit.shipment, effect))).collect();
    let expected = commits.iter().map(|(_, commit)| expected(commit)).collect::<Result<Vec<_>, SqlError>>()?;
    macro_rules! given {
        (|$commit:ident| $value:expr) => {
            commits.iter().map(|(_, $commit)| $value).collect::<Vec<_>>()
        };
    }
    macro_rules! effects {
        (|$shipment:pat_param, $effect:pat_param| $value:expr) => {
            effects.iter().map(|($shipment, $effect)| $value).collect::<Vec<_>>()
        };
    }
    let rows = sqlx::query(PUT.as_str())
        .bind(commits.iter().map(|(scope, _)| scope.company.0).collect::<Vec<_>>())
        .bind(given!(|commit| commit.shipment.0))
        .bind(&expected)
        .bind(given!(|commit| micros(commit.at)))
        .bind(given!(|commit| json(&commit.folded)))
        .bind(given!(|commit| commit.folded.state.code()))
        .bind(given!(|commit| commit.folded.state.is_terminal()))
        .bind(given!(|commit| commit.folded.visibility.code()))
        .bind(given!(|commit| opt_micros(commit.folded.heard_at)))
        .bind(given!(|commit| opt_micros(commit.folded.eta.as_ref().and_then(|t| t.sort_key()))))
        .bind(given!(|commit| opt_micros(commit.folded.delivered_at.as_ref().and_then(|t| t.sort_key()))))
        .bind(given!(|commit| commit.last_event.as_ref().map(json)))
        .bind(given!(|commit| opt_micros(last_event_at(commit))))
        .bind(given!(|commit| opt_micros(commit.folded.review_at)))
        .bind(given!(|commit| opt_micros(last_event_at(commit).or(commit.folded.heard_at)).unwrap_or(0)))
        .bind(given!(|commit| word(commit.cause)))
        .bind(given!(|commit| commit.correlation.0))
        .bind(given!(|commit| commit.cause != Cause::Live && stronger == Stronger::GoesFirst))
        .bind(effects!(|shipment, _| shipment.0))
        .bind(effects!(|_, effect| effect.id.0))
        .bind(effects!(|_, effect| word(effect.target)))
        .bind(effects!(|_, effect| effect.key.as_str()))
        .bind(effects!(|_, effect| effect.body.as_str()))
        .bind(effects!(|_, effect| effect.outcome.external()))
        .bind(jobs.text())
        .bind(SETTLE_US)
        .bind(given!(|commit| commit.folded.eta.as_ref().map(json)))
        .bind(given!(|commit| commit.folded.delivered_at.as_ref().map(json)))
        .bind(given!(|commit| commit.contributed.as_ref().and_then(|new| new.after.0.clone())))
        .bind(given!(|commit| commit
            .contributed
            .as_ref()
            .filter(|new| !new.changes.is_empty())
            .map(|new| json(&new.changes))))
        .fetch_all(conn)
        .await?;
    let committed = |(row, expected): (&Row, &i64)| {
        Ok(match (row.flag("there")?, row.flag("put")?, row.flag("overtaken")?) {
            (false, _, _) => None,
            (_, true, _) => Some(Committed::Done((expected + 1).unsigned_abs())),
            (_, false, true) => Some(Committed::Superseded),
            (_, false, false) => Some(Committed::Conflict),
        })
    };
    rows_of(&rows)?.iter().zip(&expected).map(committed).collect()
}
