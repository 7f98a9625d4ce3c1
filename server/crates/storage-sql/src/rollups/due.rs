//! Units behind a figure with what is known of their shipments: for what is due today, and at risk.

use super::read::{ask, behind};
use crate::Db;
use domain::ids::ShipmentId;
use storage::{
    Result, Scope,
    rollups::{DueRow, UnitQuery},
};
use uuid::Uuid;

const COLUMNS: &str = "c.unit, c.bin, s.state, s.worst_reason, s.worst_severity, s.eta_time, s.promised_by";

pub(super) async fn due(db: &mut dyn Db, scope: Scope, wanted: &UnitQuery, limit: u32) -> Result<Vec<DueRow>> {
    let mut text = behind(wanted, COLUMNS, " JOIN shipment s ON s.company_id = c.company_id AND s.id = c.unit");
    text.push_str(" ORDER BY c.bin, c.unit LIMIT ?14");
    let found =
        ask(scope, wanted, (&wanted.from.to_string(), Uuid::nil()), text).bind(i64::from(limit)).all(db).await?;
    found
        .iter()
        .map(|row| {
            Ok(DueRow {
                shipment: ShipmentId(row.id("unit")?),
                late_from: i32::try_from(row.int("bin")?).ok().filter(|minute| *minute != i32::MIN),
                state: row.word("state")?,
                exception: row.opt_word("worst_reason")?.zip(row.opt_word("worst_severity")?),
                eta: row.opt_json("eta_time")?,
                promised_by: row.opt_at("promised_by")?,
            })
        })
        .collect()
}
