//! Deliveries of the order system that could not be taken in, or only in part.

use crate::{
    Db, Engine, Row, Sql,
    codec::{clean, micros, row_limit},
    query,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{
    Result, Scope,
    jobs::Lane,
    order_problems::{Extent, NewOrderProblem, OrderProblem, OrderProblems, PROBLEM_ROWS, Tries},
};

#[async_trait]
impl<E: Engine> OrderProblems for Sql<E> {
    async fn note(
        &self,
        scope: Scope,
        system: &str,
        problems: Vec<NewOrderProblem>,
        well: Vec<i64>,
        at: Timestamp,
    ) -> Result<()> {
        let system = system.to_owned();
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    for problem in &problems {
                        keep(db, scope, &system, problem, at).await?;
                    }
                    query("DELETE FROM order_problem WHERE company_id = ?1 AND system = ?2 AND record {in ints ?3}")
                        .bind(scope.company.0)
                        .bind(&system)
                        .bind(well)
                        .execute(db)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn due(&self, scope: Scope, system: &str, now: Timestamp, limit: u32) -> Result<Vec<i64>> {
        let system = system.to_owned();
        self.0.look_up(move |db| Box::pin(async move { due(db, scope, &system, now, limit).await })).await
    }

    async fn among(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeMap<i64, NewOrderProblem>> {
        let system = system.to_owned();
        self.0.look_up(move |db| Box::pin(async move { among(db, scope, &system, records).await })).await
    }

    async fn list(&self, scope: Scope) -> Result<Vec<OrderProblem>> {
        self.0.look_up(move |db| Box::pin(async move { list(db, scope).await })).await
    }

    async fn hurry(&self, scope: Scope, at: Timestamp) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    query("UPDATE order_problem SET next_try = ?1 WHERE company_id = ?2")
                        .bind(micros(at))
                        .bind(scope.company.0)
                        .execute(db)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn due(db: &mut dyn Db, scope: Scope, system: &str, now: Timestamp, limit: u32) -> Result<Vec<i64>> {
    let rows = query(
        "SELECT record FROM order_problem WHERE company_id = ?1 AND system = ?2 AND record > 0 AND next_try <= ?3
         ORDER BY next_try, record LIMIT ?4",
    )
    .bind(scope.company.0)
    .bind(system)
    .bind(micros(now))
    .bind(row_limit(limit, PROBLEM_ROWS))
    .all(db)
    .await?;
    rows.iter().map(|row| row.int("record")).collect()
}

async fn among(
    db: &mut dyn Db,
    scope: Scope,
    system: &str,
    records: Vec<i64>,
) -> Result<BTreeMap<i64, NewOrderProblem>> {
    let rows = query("SELECT * FROM order_problem WHERE company_id = ?1 AND system = ?2 AND record {in ints ?3}")
        .bind(scope.company.0)
        .bind(system)
        .bind(records)
        .all(db)
        .await?;
    rows.iter().map(|row| Ok((row.int("record")?, seen(row)?))).collect()
}

async fn list(db: &mut dyn Db, scope: Scope) -> Result<Vec<OrderProblem>> {
    let rows = query(
        "SELECT * FROM order_problem WHERE company_id = ?1 ORDER BY first_seen DESC, record DESC, system LIMIT ?2",
    )
    .bind(scope.company.0)
    .bind(i64::from(PROBLEM_ROWS))
    .all(db)
    .await?;
    rows.iter().map(problem).collect()
}

async fn keep(db: &mut dyn Db, scope: Scope, system: &str, new: &NewOrderProblem, at: Timestamp) -> Result<()> {
    let known = query(
        "SELECT attempts, tried_at, next_try FROM order_problem WHERE company_id = ?1 AND system = ?2 AND record = ?3 {for update}",
    )
    .bind(scope.company.0)
    .bind(system)
    .bind(new.record)
    .optional(db)
    .await?;
    let known: Option<Result<Tries>> = known.map(|row| {
        Ok(Tries { attempts: row.count("attempts")?, tried_at: row.at("tried_at")?, next_try: row.at("next_try")? })
    });
    let tries = Tries::after(known.transpose()?, at);
    query(
        "INSERT INTO order_problem AS p (company_id, system, record, name, problem, imported, attempts, first_seen, tried_at, next_try)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (company_id, system, record) DO UPDATE SET name = coalesce(excluded.name, p.name), problem = excluded.problem,
             imported = excluded.imported, attempts = excluded.attempts, tried_at = excluded.tried_at, next_try = excluded.next_try",
    )
    .bind(scope.company.0)
    .bind(system)
    .bind(new.record)
    .bind(new.name.as_deref().map(|name| clean(name).into_owned()))
    .bind(&*clean(&new.problem))
    .bind(new.extent == Extent::Part)
    .bind(i64::from(tries.attempts))
    .bind(micros(at))
    .bind(micros(tries.tried_at))
    .bind(micros(tries.next_try))
    .execute(db)
    .await?;
    Ok(())
}

fn seen(row: &Row) -> Result<NewOrderProblem> {
    Ok(NewOrderProblem {
        record: row.int("record")?,
        name: row.opt_text("name")?,
        problem: row.text("problem")?,
        extent: if row.flag("imported")? { Extent::Part } else { Extent::Whole },
    })
}

fn problem(row: &Row) -> Result<OrderProblem> {
    Ok(OrderProblem {
        system: row.text("system")?,
        seen: seen(row)?,
        attempts: row.count("attempts")?,
        first_seen: row.at("first_seen")?,
        tried_at: row.at("tried_at")?,
        next_try: row.at("next_try")?,
    })
}
