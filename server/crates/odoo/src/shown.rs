//! What deliveries show in our fields, and where that is not what was written there.

use super::{
    OdooClient,
    deliveries::{PICKING, Refusals, SINGLE_READS_MAX},
    status::{Fields, StatusValues, WRITE_MAX, changed},
};
use outbound::{CallError, CallLog};
use serde_json::{Value, json};
use std::collections::HashMap;

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
    /// What deliveries show in our fields, by their ids; those that are gone or may not be read are left out, and nothing
    /// is named of fields that were not set up.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn shown(&self, pickings: &[i64], log: &dyn CallLog) -> Result<HashMap<i64, Fields>, CallError> {
        let fields = self.our_fields(log).await?;
        let mut shown = HashMap::new();
        if fields.is_empty() {
            return Ok(shown);
        }
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let mut reads = SINGLE_READS_MAX;
        for chunk in pickings.chunks(WRITE_MAX) {
            let ids = chunk.iter().copied().collect();
            let read = self.read_each(PICKING, ids, &fields, Refusals::Sampled, &mut reads, log).await?;
            shown.extend(read.rows);
        }
        Ok(shown)
    }

    /// Those of our fields that Odoo has. Asked until they are there.
    async fn our_fields(&self, log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        if let Some(fields) = self.our_fields.get() {
            return Ok(fields.clone());
        }
        let wanted: Vec<String> =
            changed(&StatusValues::default(), None, &[]).into_iter().map(|(name, _)| name).collect();
        let body = json!({"allfields": wanted, "attributes": ["type"]});
        let found: Fields = self.ask(PICKING, "fields_get", body, log).await?;
        let there: Vec<String> = wanted.into_iter().filter(|name| found.contains_key(name)).collect();
        if !there.is_empty() {
            return Ok(self.our_fields.get_or_init(|| async { there }).await.clone());
        }
        Ok(there)
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
