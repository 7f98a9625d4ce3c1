//! Deliveries of the order system that could not be taken in, or only in part.

use crate::{
    PostgresStore, Turn,
    codec::{Columns, Done, clean, micros, row_limit},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::BTreeMap;
use storage::{
    Result, Scope,
    order_problems::{Extent, NewOrderProblem, OrderProblem, OrderProblems, PROBLEM_ROWS, Tries},
};

#[async_trait]
impl OrderProblems for PostgresStore {
    async fn note(&self, scope: Scope, problems: Vec<NewOrderProblem>, well: Vec<i64>, at: Timestamp) -> Result<()> {
        self.write(Turn::Batch, move |conn| {
            Box::pin(async move {
                for problem in &problems {
                    keep(conn, scope, problem, at).await?;
                }
                sqlx::query("DELETE FROM order_problem WHERE company_id = $1 AND record = ANY ($2)")
                    .bind(scope.company.0)
                    .bind(well)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<i64>> {
        let mut read = self.read_one().await?;
        let due = due(&mut read, scope, now, limit).await?;
        read.give_back();
        Ok(due)
    }

    async fn among(&self, scope: Scope, records: Vec<i64>) -> Result<BTreeMap<i64, NewOrderProblem>> {
        let mut read = self.read_one().await?;
        let among = among(&mut read, scope, records).await?;
        read.give_back();
        Ok(among)
    }

    async fn list(&self, scope: Scope) -> Result<Vec<OrderProblem>> {
        let mut read = self.read_one().await?;
        let list = list(&mut read, scope).await?;
        read.give_back();
        Ok(list)
    }

    async fn hurry(&self, scope: Scope, at: Timestamp) -> Result<()> {
        self.write(Turn::RealTime, move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE order_problem SET next_try = $1 WHERE company_id = $2")
                    .bind(micros(at))
                    .bind(scope.company.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn due(conn: &mut PgConnection, scope: Scope, now: Timestamp, limit: u32) -> Done<Vec<i64>> {
    let rows = sqlx::query(
        "SELECT record FROM order_problem WHERE company_id = $1 AND record > 0 AND next_try <= $2 ORDER BY next_try, record LIMIT $3",
    )
    .bind(scope.company.0)
    .bind(micros(now))
    .bind(row_limit(limit, PROBLEM_ROWS))
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.int("record")).collect()
}

async fn among(conn: &mut PgConnection, scope: Scope, records: Vec<i64>) -> Done<BTreeMap<i64, NewOrderProblem>> {
    let rows = sqlx::query("SELECT * FROM order_problem WHERE company_id = $1 AND record = ANY ($2)")
        .bind(scope.company.0)
        .bind(records)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Ok((row.int("record")?, seen(row)?))).collect()
}

async fn list(conn: &mut PgConnection, scope: Scope) -> Done<Vec<OrderProblem>> {
    let rows =
        sqlx::query("SELECT * FROM order_problem WHERE company_id = $1 ORDER BY first_seen DESC, record DESC LIMIT $2")
            .bind(scope.company.0)
            .bind(i64::from(PROBLEM_ROWS))
            .fetch_all(conn)
            .await?;
    rows.iter().map(problem).collect()
}

async fn keep(conn: &mut PgConnection, scope: Scope, new: &NewOrderProblem, at: Timestamp) -> Done<()> {
    let known = sqlx::query(
        "SELECT attempts, tried_at, next_try FROM order_problem WHERE company_id = $1 AND record = $2 FOR UPDATE",
    )
    .bind(scope.company.0)
    .bind(new.record)
    .fetch_optional(&mut *conn)
    .await?;
    let known: Option<Done<Tries>> = known.map(|row| {
        Ok(Tries { attempts: row.count("attempts")?, tried_at: row.at("tried_at")?, next_try: row.at("next_try")? })
    });
    let tries = Tries::after(known.transpose()?, at);
    sqlx::query(
        "INSERT INTO order_problem AS p (company_id, record, name, problem, imported, attempts, first_seen, tried_at, next_try)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (company_id, record) DO UPDATE SET name = coalesce(excluded.name, p.name), problem = excluded.problem,
             imported = excluded.imported, attempts = excluded.attempts, tried_at = excluded.tried_at, next_try = excluded.next_try",
    )
    .bind(scope.company.0)
    .bind(new.record)
    .bind(new.name.as_deref().map(clean))
    .bind(clean(&new.problem))
    .bind(new.extent == Extent::Part)
    .bind(i64::from(tries.attempts))
    .bind(micros(at))
    .bind(micros(tries.tried_at))
    .bind(micros(tries.next_try))
    .execute(conn)
    .await?;
    Ok(())
}

fn seen(row: &PgRow) -> Done<NewOrderProblem> {
    Ok(NewOrderProblem {
        record: row.int("record")?,
        name: row.opt_text("name")?,
        problem: row.text("problem")?,
        extent: if row.flag("imported")? { Extent::Part } else { Extent::Whole },
    })
}

fn problem(row: &PgRow) -> Done<OrderProblem> {
    Ok(OrderProblem {
        seen: seen(row)?,
        attempts: row.count("attempts")?,
        first_seen: row.at("first_seen")?,
        tried_at: row.at("tried_at")?,
        next_try: row.at("next_try")?,
    })
}
