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
use storage::{Result, Scope, StoreError, rollups::Grain};
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

/// The oldest changes that wait, and what they come to, as it is written. Adding up is work: it is done where no other write
/// waits for it.
#[derive(Default)]
pub(super) struct Batch {
    seqs: Vec<i64>,
    dims: Vec<String>,
    rollups: Vec<String>,
    units: Vec<String>,
    /// Those of them that may be nothing afterwards.
    rollups_out: Vec<String>,
    units_out: Vec<String>,
}

/// Reads a batch of so many changes at most.
pub(super) async fn batch(db: &mut dyn Db, scope: Scope, limit: u32) -> Result<Batch> {
    let waiting = query("SELECT seq, unit, changes FROM rollup_delta WHERE company_id = ? ORDER BY seq LIMIT ?")
        .bind(scope.company.0)
        .bind(i64::from(limit))
        .all(db)
        .await?;
    let mut sums = Sums::default();
    for row in &waiting {
        sums.add(row.id("unit")?, &from_json::<Vec<Contributed>>(row.str("changes")?)?);
    }
    let seqs = waiting.iter().map(|row| row.int("seq")).collect::<Result<_>>()?;
    let rollups = || sums.rollups.iter().filter(|(_, n)| **n != 0);
    let units = || sums.units.iter().filter(|(_, n)| **n != 0);
    // only what goes down comes to nothing; numbers of what is known at an hour are below 0 themselves
    let falls = |key: &Key, n: i64| n < 0 || key.kpi.definition().kind == Kind::Snapshot;
    let rollup = |((grain, key, dims), n): (&(i64, Key, i64), &i64)| {
        let mut row = flat(key, *dims, *n);
        row["grain"] = object!(grain);
        row
    };
    let unit = |((unit, key, dims), n): (&(Uuid, Key, i64), &i64)| {
        let mut row = flat(key, *dims, *n);
        row["unit"] = object!(hex_id(*unit));
        row
    };
    Ok(Batch {
        seqs,
        dims: texts(sums.dims.iter().map(|(id, of)| {
            object!({"id": id, "by_carrier": id_of(&of.by_carrier()), "company": of.company, "warehouse": of.warehouse,
                     "carrier": of.carrier, "country": of.country, "segments": json(&of.segments)})
        })),
        rollups: texts(rollups().map(rollup)),
        rollups_out: texts(rollups().filter(|((_, key, _), n)| falls(key, **n)).map(rollup)),
        units: texts(units().map(unit)),
        units_out: texts(units().filter(|((_, key, _), n)| falls(key, **n)).map(unit)),
    })
}

/// Rows as the values of statements.
fn texts(rows: impl Iterator<Item = serde_json::Value>) -> Vec<String> {
    let rows: Vec<_> = rows.collect();
    rows.chunks(TOGETHER).map(|chunk| Rows::from_iter(chunk.iter().cloned()).text()).collect()
}

impl Batch {
    /// How many changes.
    pub(super) fn changes(&self) -> usize {
        self.seqs.len()
    }

    /// Writes the batch in the place of the changes.
    pub(super) async fn put(&self, db: &mut dyn Db, scope: Scope) -> Result<()> {
        let taken = query("DELETE FROM rollup_delta WHERE company_id = ?1 AND seq {in ints ?2}")
            .bind(scope.company.0)
            .bind(self.seqs.clone())
            .execute(db)
            .await?;
        if taken != self.seqs.len() as u64 {
            return Err(StoreError::Conflict("changes of figures were added up meanwhile".into()));
        }
        for (sql, rows) in [
            (PUT_DIMS, &self.dims),
            (PUT_ROLLUPS, &self.rollups),
            (DROP_ROLLUPS, &self.rollups_out),
            (PUT_UNITS, &self.units),
            (DROP_UNITS, &self.units_out),
        ] {
            for text in rows {
                query(sql).bind(scope.company.0).bind(text).execute(db).await?;
            }
        }
        Ok(())
    }
}

const PUT_DIMS: &str =
    "INSERT INTO rollup_dims (company_id, id, by_carrier, company, warehouse, carrier, country, segments)
    SELECT ?1, r.id, r.by_carrier, r.company, r.warehouse, r.carrier, r.country, r.segments
    FROM {rows ?2 r (id int, by_carrier int, company text, warehouse text, carrier text, country text, segments text)}
    WHERE true ON CONFLICT (company_id, id) DO NOTHING";

const PUT_ROLLUPS: &str = "INSERT INTO rollup (company_id, grain, kpi, version, day, part, hour, bin, dims, n)
    SELECT ?1, r.grain, r.kpi, r.version, r.day, r.part, r.hour, r.bin, r.dims, r.n
    FROM {rows ?2 r (grain int, kpi text, version int, day text, part text, hour int, bin int, dims int, n int)}
    WHERE true ON CONFLICT (company_id, grain, kpi, day, version, part, hour, bin, dims) DO UPDATE SET n = rollup.n + excluded.n";

const DROP_ROLLUPS: &str =
    "DELETE FROM rollup WHERE company_id = ?1 AND n = 0 AND (grain, kpi, day, version, part, hour, bin, dims) IN
    (SELECT r.grain, r.kpi, r.day, r.version, r.part, r.hour, r.bin, r.dims
     FROM {rows ?2 r (grain int, kpi text, version int, day text, part text, hour int, bin int, dims int)})";

const PUT_UNITS: &str = "INSERT INTO contribution (company_id, kpi, version, day, unit, part, hour, bin, dims, n)
    SELECT ?1, r.kpi, r.version, r.day, r.unit, r.part, r.hour, r.bin, r.dims, r.n
    FROM {rows ?2 r (unit id, kpi text, version int, day text, part text, hour int, bin int, dims int, n int)}
    WHERE true ON CONFLICT (company_id, kpi, version, day, unit, part, hour, bin, dims) DO UPDATE SET n = contribution.n + excluded.n";

const DROP_UNITS: &str =
    "DELETE FROM contribution WHERE company_id = ?1 AND n = 0 AND (kpi, version, day, unit, part, hour, bin, dims) IN
    (SELECT r.kpi, r.version, r.day, r.unit, r.part, r.hour, r.bin, r.dims
     FROM {rows ?2 r (unit id, kpi text, version int, day text, part text, hour int, bin int, dims int)})";
