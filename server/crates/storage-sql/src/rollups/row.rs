//! Rows of roll-ups as they are stored.

use crate::{Row, codec::json};
use domain::ids::content_id;
use jiff::civil::Date;
use kpi::{
    contribution::row::{Bucket, Dims, Key, Part},
    definition::Kpi,
};
use serde_json::json as object;
use storage::{
    Result, StoreError,
    rollups::{RollupDifference, RollupRow},
};

/// An hour that is none.
pub(super) const NO_HOUR: i64 = -1;
/// A bin that is none.
pub(super) const NO_BIN: i64 = i32::MIN as i64;
/// Everything together.
pub(super) const ALL: i64 = 0;

/// The id of what narrows, which follows from its content; 0 of nothing.
pub(super) fn id_of(dims: &Dims) -> i64 {
    if *dims == Dims::default() {
        return ALL;
    }
    let id = content_id("dims", &[json(dims).as_bytes()]);
    let (first, _) = id.as_bytes().split_first_chunk::<8>().expect("an id has 16 bytes");
    i64::from_be_bytes(*first)
}

pub(super) fn flat(key: &Key, dims: i64, n: i64) -> serde_json::Value {
    object!({
        "kpi": key.kpi.id(),
        "version": key.version,
        "day": key.bucket.day.to_string(),
        "part": key.part.code(),
        "hour": key.bucket.hour.map_or(NO_HOUR, i64::from),
        "bin": key.bin.map_or(NO_BIN, i64::from),
        "dims": dims,
        "n": n,
    })
}

pub(super) fn ids(kpis: &[(Kpi, u16)]) -> Vec<String> {
    kpis.iter().map(|(kpi, _)| kpi.id().to_owned()).collect()
}

pub(super) fn rollup_row(row: &Row) -> Result<RollupRow> {
    Ok(RollupRow { dims: Dims::default(), key: key(row)?, n: row.int("n")? })
}

pub(super) fn narrowed_row(row: &Row) -> Result<RollupRow> {
    Ok(RollupRow { dims: dims_of(row)?, key: key(row)?, n: row.int("n")? })
}

pub(super) fn dims_of(row: &Row) -> Result<Dims> {
    Ok(Dims {
        company: row.opt_text("company")?,
        warehouse: row.opt_text("warehouse")?,
        carrier: row.opt_text("carrier")?,
        country: row.opt_text("country")?,
        segments: row.json("segments")?,
    })
}

pub(super) fn kpi(row: &Row) -> Result<Kpi> {
    Kpi::from_id(row.str("kpi")?).ok_or_else(|| StoreError::Damaged("column kpi: no such figure".into()))
}

pub(super) fn day(row: &Row) -> Result<Date> {
    row.str("day")?.parse().map_err(|error| StoreError::Damaged(format!("column day: {error}")))
}

pub(super) fn key(row: &Row) -> Result<Key> {
    let part = Part::from_code(row.str("part")?);
    let (hour, bin) = (row.int("hour")?, row.int("bin")?);
    Ok(Key {
        kpi: kpi(row)?,
        version: row.count("version")?,
        part: part.ok_or_else(|| StoreError::Damaged("column part: no such part".into()))?,
        bucket: Bucket { day: day(row)?, hour: i8::try_from(hour).ok().filter(|hour| *hour >= 0) },
        bin: (bin != NO_BIN).then(|| i32::try_from(bin)).and_then(std::result::Result::ok),
    })
}

pub(super) fn difference(row: &Row) -> Result<RollupDifference> {
    Ok(RollupDifference {
        found_at: row.at("found_at")?,
        kpi: (kpi(row)?, row.count("version")?),
        day: day(row)?,
        rolled_up: row.int("rolled_up")?,
        contributed: row.int("contributed")?,
    })
}
