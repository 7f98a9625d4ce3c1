//! Tracking numbers of the packages that a transfer goes in.

use super::{
    OdooClient,
    deliveries::{Refusals, is_about_records},
    numbers::split_numbers,
    records::{Fields, Packed, Read, linked},
    rows::Row,
    transfers::{INTO, LINE, Shape},
};
use outbound::{CallError, CallLog};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Lines in packages that are read for one page of transfers; more of them are left out.
const LINES_MAX: u32 = 5_000;

impl OdooClient {
    /// The numbers of the packages of these transfers.
    pub(super) async fn packed(
        &self,
        shape: &Shape,
        transfers: &[i64],
        reads: &mut usize,
        log: &dyn CallLog,
    ) -> Result<Packed, CallError> {
        let mut packed = Packed::default();
        let Some((model, fields)) = shape.packages.as_ref().filter(|_| !transfers.is_empty()) else {
            return Ok(packed);
        };
        let lines = self.packed_lines(transfers, reads, log).await?;
        let pair = |line: &Fields| Some((linked(line, "picking_id")?, linked(line, INTO)?));
        let pairs: BTreeSet<(i64, i64)> = lines.rows.values().filter_map(pair).collect();
        let packages: BTreeSet<i64> = pairs.iter().map(|(_, package)| *package).collect();
        let names: Vec<&str> = ["name"].into_iter().chain(fields.iter().copied()).collect();
        let read = self.read_each(model, packages, &names, Refusals::Sampled, reads, log).await?;
        for (transfer, package) in pairs {
            match read.rows.get(&package) {
                Some(row) => packed.numbers.entry(transfer).or_default().extend(numbers_of(row, fields)),
                None => drop(packed.unread.insert(transfer)),
            }
        }
        Ok(packed)
    }

    /// The lines of these transfers that go into packages; those that Odoo refuses one by one are left out.
    async fn packed_lines(&self, transfers: &[i64], reads: &mut usize, log: &dyn CallLog) -> Result<Read, CallError> {
        let fields = ["picking_id", INTO];
        let domain = json!([["picking_id", "in", transfers], [INTO, "!=", false]]);
        let body = json!({"domain": domain, "fields": fields, "order": "id", "limit": LINES_MAX});
        match self.ask::<Vec<Value>>(LINE, "search_read", body, log).await {
            Ok(rows) => {
                let mut read = Read::default();
                read.add(&rows);
                Ok(read)
            }
            Err(error) if is_about_records(&error) => {
                let body = json!({"domain": domain, "order": "id", "limit": LINES_MAX});
                let ids: BTreeSet<i64> = self.ask(LINE, "search", body, log).await?;
                self.read_each(LINE, ids, &fields, Refusals::Sampled, reads, log).await
            }
            Err(error) => Err(error),
        }
    }
}

/// The numbers of a package: what a module's field has, else its name where that is surely a carrier's number.
fn numbers_of(row: &Fields, fields: &[&'static str]) -> Vec<String> {
    let mut row = Row::new(row, "package: ");
    for field in fields {
        let numbers = row.text(field).map(|text| split_numbers(&text)).unwrap_or_default();
        if !numbers.is_empty() {
            return numbers;
        }
    }
    row.text("name").filter(|name| domain::numbers::only_maker(name).is_some()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_piece_where_its_name_or_field_is_a_number() {
        let numbers = |row: Value| numbers_of(row.as_object().unwrap(), &["parcel_tracking"]);
        assert_eq!(numbers(json!({"id": 1, "name": "1Z999AA10123456784"})), ["1Z999AA10123456784"]);
        assert_eq!(numbers(json!({"id": 1, "name": "00340434161094042557"})), ["00340434161094042557"]);
        for name in ["PACK0000001", "PACK0000012", "Box 3", "1Z999AA10123456785", "123456789012", "2026-0001"] {
            assert_eq!(numbers(json!({"id": 1, "name": name})), [""; 0], "{name}");
        }
        let with_field = json!({"id": 1, "name": "PACK0000001", "parcel_tracking": "N1"});
        assert_eq!(numbers(with_field), ["N1"], "a field for it has whatever the carrier gave");
        let empty = json!({"id": 1, "name": "1Z999AA10123456784", "parcel_tracking": false});
        assert_eq!(numbers(empty), ["1Z999AA10123456784"]);
    }
}
