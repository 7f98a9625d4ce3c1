//! What records show in our fields, and where that is not what was written there.

use super::{
    OdooClient,
    deliveries::{Refusals, SINGLE_READS_MAX},
    record::RecordKind,
    status::{Fields, StatusValues, WRITE_MAX, changed},
};
use outbound::{CallError, CallLog};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

/// How our fields begin.
const OURS: &str = "x_milepost_";

/// A field that shows something else than was written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name: `x_milepost_exception`.
    pub field: String,
    /// What it shows, as text; none: nothing.
    pub shows: Option<String>,
    /// What was written, as text; none: nothing.
    pub written: Option<String>,
}

impl OdooClient {
    /// What records of a kind show in our fields, by their ids; those that are gone or may not be read are left out, and nothing
    /// is named of fields that were not set up.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn shown(
        &self,
        kind: RecordKind,
        records: &[i64],
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, Fields>, CallError> {
        let mut shown = HashMap::new();
        if records.is_empty() {
            return Ok(shown);
        }
        let fields = self.our_fields(kind, log).await?;
        if fields.is_empty() {
            return Ok(shown);
        }
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let mut reads = SINGLE_READS_MAX;
        for chunk in records.chunks(WRITE_MAX) {
            let ids = chunk.iter().copied().collect();
            let read = self.read_each(kind.model(), ids, &fields, Refusals::Sampled, &mut reads, log).await?;
            shown.extend(read.rows);
        }
        Ok(shown)
    }

    /// These values as a record shows them: without those whose fields this Odoo lacks, as far as that is known.
    pub fn as_shown(&self, kind: RecordKind, values: &StatusValues) -> StatusValues {
        let Some(there) = self.our_fields.last(kind) else { return values.clone() };
        values.within(|field| there.iter().any(|name| name == field))
    }

    /// Those of our fields that Odoo has on a kind of record.
    pub(super) async fn our_fields(&self, kind: RecordKind, log: &dyn CallLog) -> Result<Arc<[String]>, CallError> {
        if let Some(fields) = self.our_fields.known(kind) {
            return Ok(fields);
        }
        let wanted: Vec<String> =
            changed(&StatusValues::default(), None, &[]).into_iter().map(|(name, _)| name).collect();
        let body = json!({"allfields": wanted, "attributes": ["type"]});
        let found: Fields = self.ask(kind.model(), "fields_get", body, log).await?;
        let there = wanted.iter().filter(|name| found.contains_key(*name)).cloned().collect();
        Ok(self.our_fields.keep(kind, there, wanted.len()))
    }
}

/// The fields that show something else than was written last.
pub fn changed_by_others(shown: &Fields, written: &StatusValues) -> Vec<Changed> {
    let text = |value: &Value| value.as_str().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let ours = changed(written, None, &[]);
    let both = ours.iter().filter(|(name, _)| name.starts_with(OURS)).filter_map(|(name, written)| {
        let (shows, written) = (text(shown.get(name)?), text(written));
        (shows != written).then(|| Changed { field: name.clone(), shows, written })
    });
    both.collect()
}

/// What people call one of our fields.
pub fn label(field: &str) -> &str {
    super::setup::label(field).unwrap_or(field)
}
