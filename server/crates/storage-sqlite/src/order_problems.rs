//! Deliveries of the order system that could not be taken in, or only in part.

use crate::{
    SqliteStore,
    codec::{Done, json, micros, row_limit},
    sql::{Row, query},
    writer::Turn,
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use storage::{
    Result, Scope,
    order_problems::{Extent, NewOrderProblem, OrderProblem, OrderProblems, PROBLEM_ROWS, Tries},
};

#[async_trait]
impl OrderProblems for SqliteStore {
    async fn note(&self, scope: Scope, problems: Vec<NewOrderProblem>, well: Vec<i64>, at: Timestamp) -> Result<()> {
        self.write(Turn::Batch, move |conn| {
            for problem in &problems {
                keep(conn, scope, problem, at)?;
            }
            for record in &well {
                query("DELETE FROM order_problem WHERE company_id = ? AND record = ?")
                    .bind(scope.company.0)
                    .bind(*record)
                    .execute(conn)?;
            }
            Ok(())
        })
        .await
    }

    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<i64>> {
        self.read(move |conn| {
            let rows = query("SELECT record FROM order_problem WHERE company_id = ? AND record > 0 AND next_try <= ? ORDER BY next_try, record LIMIT ?")
                .bind(scope.company.0)
                .bind(micros(now))
                .bind(row_limit(limit, PROBLEM_ROWS))
                .fetch_all(conn)?;
            rows.iter().map(|row| row.int("record")).collect::<Done<_>>()
        })
        .await
    }

    async fn among(&self, scope: Scope, records: Vec<i64>) -> Result<BTreeMap<i64, NewOrderProblem>> {
        self.read(move |conn| {
            let rows = query("SELECT p.* FROM json_each(?1) r CROSS JOIN order_problem p WHERE p.company_id = ?2 AND p.record = r.value")
                .bind(json(&records))
                .bind(scope.company.0)
                .fetch_all(conn)?;
            rows.iter().map(|row| Ok((row.int("record")?, seen(row)?))).collect::<Done<_>>()
        })
        .await
    }

    async fn list(&self, scope: Scope) -> Result<Vec<OrderProblem>> {
        self.read(move |conn| {
            let rows =
                query("SELECT * FROM order_problem WHERE company_id = ? ORDER BY first_seen DESC, record DESC LIMIT ?")
                    .bind(scope.company.0)
                    .bind(i64::from(PROBLEM_ROWS))
                    .fetch_all(conn)?;
            rows.iter().map(problem).collect::<Done<_>>()
        })
        .await
    }

    async fn hurry(&self, scope: Scope, at: Timestamp) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            query("UPDATE order_problem SET next_try = ? WHERE company_id = ?")
                .bind(micros(at))
                .bind(scope.company.0)
                .execute(conn)
                .map(drop)
        })
        .await
    }
}

fn keep(conn: &Connection, scope: Scope, new: &NewOrderProblem, at: Timestamp) -> Done<()> {
    let known = query("SELECT attempts, tried_at, next_try FROM order_problem WHERE company_id = ? AND record = ?")
        .bind(scope.company.0)
        .bind(new.record)
        .fetch_optional(conn)?;
    let known: Option<Done<Tries>> = known.map(|row| {
        Ok(Tries { attempts: row.count("attempts")?, tried_at: row.at("tried_at")?, next_try: row.at("next_try")? })
    });
    let tries = Tries::after(known.transpose()?, at);
    query(
        "INSERT INTO order_problem (company_id, record, name, problem, imported, attempts, first_seen, tried_at, next_try)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (company_id, record) DO UPDATE SET name = coalesce(excluded.name, name), problem = excluded.problem,
             imported = excluded.imported, attempts = excluded.attempts, tried_at = excluded.tried_at, next_try = excluded.next_try",
    )
    .bind(scope.company.0)
    .bind(new.record)
    .bind(&new.name)
    .bind(&new.problem)
    .bind(new.extent == Extent::Part)
    .bind(i64::from(tries.attempts))
    .bind(micros(at))
    .bind(micros(tries.tried_at))
    .bind(micros(tries.next_try))
    .execute(conn)?;
    Ok(())
}

fn seen(row: &Row) -> Done<NewOrderProblem> {
    Ok(NewOrderProblem {
        record: row.int("record")?,
        name: row.opt_text("name")?,
        problem: row.text("problem")?,
        extent: if row.int("imported")? == 1 { Extent::Part } else { Extent::Whole },
    })
}

fn problem(row: &Row) -> Done<OrderProblem> {
    Ok(OrderProblem {
        seen: seen(row)?,
        attempts: row.count("attempts")?,
        first_seen: row.at("first_seen")?,
        tried_at: row.at("tried_at")?,
        next_try: row.at("next_try")?,
    })
}
