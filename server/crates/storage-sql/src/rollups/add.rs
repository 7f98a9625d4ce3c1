//! Adding up what waits.

use super::row::{ALL, flat, id_of};
use crate::{
    Db,
    codec::{from_json, json},
    query,
    rows::{Rows, hex_id},
};
use kpi::{
    contribution::row::{Bucket, Contributed, Dims, Key},
    definition::Kind,
};
use serde_json::json as object;
use std::collections::BTreeMap;
use storage::{Result, Scope, rollups::Grain};
use uuid::Uuid;

/// Rows of one statement.
const TOGETHER: usize = 2_000;

/// What a batch of changes adds up to.
#[derive(Default)]
struct Sums {
    dims: BTreeMap<i64, Dims>,
    rollups: BTreeMap<(i64, Key, i64), i64>,
    units: BTreeMap<(Uuid, Key, i64), i64>,
}

impl Sums {
    fn add(&mut self, unit: Uuid, changes: &[Contributed]) {
        for changed in changes {
            let by_carrier = changed.dims.by_carrier();
            let (all, carrier) = (id_of(&changed.dims), id_of(&by_carrier));
            self.dims.insert(carrier, by_carrier);
            self.dims.insert(all, changed.dims.clone());
            for (key, n) in &changed.rows {
                let definition = key.kpi.definition();
                let grains = if definition.kind == Kind::Snapshot { Grain::SNAPSHOT } else { Grain::FLOW };
                for grain in grains {
                    let dims = match grain {
                        Grain::Day | Grain::Hour | Grain::Month => ALL,
                        Grain::DayCarrier | Grain::MonthCarrier => carrier,
                        Grain::DayDims | Grain::MonthDims => all,
                    };
                    *self.rollups.entry((grain.code(), coarser(key, *grain), dims)).or_default() += n;
                }
                if definition.is_listed() {
                    *self.units.entry((unit, *key, all)).or_default() += n;
                }
            }
        }
    }
}

/// The key of a grain: without what it does not tell apart.
fn coarser(key: &Key, grain: Grain) -> Key {
    let bucket = match grain {
        Grain::Hour => key.bucket,
        _ if grain.is_monthly() => Bucket::day(key.bucket.day.first_of_month()),
        _ => Bucket::day(key.bucket.day),
    };
    let bin = key.bin.filter(|_| !grain.is_monthly());
    Key { bucket, bin, ..*key }
}

/// Adds up the oldest changes that wait; how many.
pub(super) async fn add_up(db: &mut dyn Db, scope: Scope, limit: u32) -> Result<u64> {
    let taken = query(
        "DELETE FROM rollup_delta WHERE seq IN (SELECT seq FROM rollup_delta WHERE company_id = ?1 ORDER BY seq LIMIT ?2)
         RETURNING unit, changes",
    )
    .bind(scope.company.0)
    .bind(i64::from(limit))
    .all(db)
    .await?;
    let mut sums = Sums::default();
    for row in &taken {
        sums.add(row.id("unit")?, &from_json::<Vec<Contributed>>(row.str("changes")?)?);
    }
    put_dims(db, scope, &sums.dims).await?;
    put_rollups(db, scope, &sums.rollups).await?;
    put_units(db, scope, &sums.units).await?;
    Ok(taken.len() as u64)
}

async fn put_dims(db: &mut dyn Db, scope: Scope, dims: &BTreeMap<i64, Dims>) -> Result<()> {
    let rows: Vec<_> = dims
        .iter()
        .map(|(id, of)| {
            object!({"id": id, "by_carrier": id_of(&of.by_carrier()), "company": of.company, "warehouse": of.warehouse,
                     "carrier": of.carrier, "country": of.country, "segments": json(&of.segments)})
        })
        .collect();
    for chunk in rows.chunks(TOGETHER) {
        query(
            "INSERT INTO rollup_dims (company_id, id, by_carrier, company, warehouse, carrier, country, segments)
             SELECT ?1, r.id, r.by_carrier, r.company, r.warehouse, r.carrier, r.country, r.segments
             FROM {rows ?2 r (id int, by_carrier int, company text, warehouse text, carrier text, country text, segments text)}
             WHERE true ON CONFLICT (company_id, id) DO NOTHING",
        )
        .bind(scope.company.0)
        .bind(Rows::from_iter(chunk.iter().cloned()))
        .execute(db)
        .await?;
    }
    Ok(())
}

async fn put_rollups(db: &mut dyn Db, scope: Scope, sums: &BTreeMap<(i64, Key, i64), i64>) -> Result<()> {
    let rows: Vec<_> = sums
        .iter()
        .filter(|(_, n)| **n != 0)
        .map(|((grain, key, dims), n)| {
            let mut row = flat(key, *dims, *n);
            row["grain"] = object!(grain);
            row
        })
        .collect();
    for chunk in rows.chunks(TOGETHER) {
        query(
            "INSERT INTO rollup (company_id, grain, kpi, version, day, part, hour, bin, dims, n)
             SELECT ?1, r.grain, r.kpi, r.version, r.day, r.part, r.hour, r.bin, r.dims, r.n
             FROM {rows ?2 r (grain int, kpi text, version int, day text, part text, hour int, bin int, dims int, n int)}
             WHERE true ON CONFLICT (company_id, grain, kpi, day, version, part, hour, bin, dims) DO UPDATE SET n = rollup.n + excluded.n",
        )
        .bind(scope.company.0)
        .bind(Rows::from_iter(chunk.iter().cloned()))
        .execute(db)
        .await?;
    }
    query("DELETE FROM rollup WHERE company_id = ? AND n = 0").bind(scope.company.0).execute(db).await.map(drop)
}

async fn put_units(db: &mut dyn Db, scope: Scope, sums: &BTreeMap<(Uuid, Key, i64), i64>) -> Result<()> {
    let rows: Vec<_> = sums
        .iter()
        .filter(|(_, n)| **n != 0)
        .map(|((unit, key, dims), n)| {
            let mut row = flat(key, *dims, *n);
            row["unit"] = object!(hex_id(*unit));
            row
        })
        .collect();
    for chunk in rows.chunks(TOGETHER) {
        query(
            "INSERT INTO contribution (company_id, kpi, version, day, unit, part, hour, bin, dims, n)
             SELECT ?1, r.kpi, r.version, r.day, r.unit, r.part, r.hour, r.bin, r.dims, r.n
             FROM {rows ?2 r (unit id, kpi text, version int, day text, part text, hour int, bin int, dims int, n int)}
             WHERE true ON CONFLICT (company_id, kpi, version, day, unit, part, hour, bin, dims) DO UPDATE SET n = contribution.n + excluded.n",
        )
        .bind(scope.company.0)
        .bind(Rows::from_iter(chunk.iter().cloned()))
        .execute(db)
        .await?;
    }
    query("DELETE FROM contribution WHERE company_id = ? AND n = 0").bind(scope.company.0).execute(db).await.map(drop)
}
