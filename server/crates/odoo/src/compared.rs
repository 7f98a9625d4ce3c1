//! What a comparison reads of deliveries and their orders beside what an import does: fields that both sides may write.

use super::{
    OdooClient,
    deliveries::{PICKING, Refusals, SINGLE_READS_MAX},
    numbers::split_numbers,
    record::RecordKind,
    rows::Row,
    status::{Fields, OCA_FIELD},
    wire::{datetime, instant},
};
use jiff::Timestamp;
use outbound::{CallError, CallLog};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Deliveries of one reading at most.
pub const SHOWN_MAX: usize = 200;
/// Shipping methods of an Odoo that are read.
const CARRIERS_MAX: u32 = 500;
const REFERENCE: &str = "carrier_tracking_ref";
const SCHEDULED: &str = "scheduled_date";
const INVOICE_STATUS: &str = "invoice_status";

impl OdooClient {
    /// What deliveries show in OCA's `delivery_state`, by their ids; nothing where that module is not installed. Those that are
    /// gone or may not be read are left out.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn delivery_state_of(
        &self,
        pickings: &[i64],
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, Option<String>>, CallError> {
        if pickings.is_empty() || self.delivery_states(log).await?.is_empty() {
            return Ok(HashMap::new());
        }
        self.texts_of(PICKING, pickings, OCA_FIELD, log).await
    }

    /// The numbers in a delivery's tracking reference, each as written: without those of its packages.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn tracking_reference_of(&self, picking: i64, log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        let text = self.texts_of(PICKING, &[picking], REFERENCE, log).await?.remove(&picking).flatten();
        Ok(text.as_deref().map(split_numbers).unwrap_or_default())
    }

    /// When deliveries are scheduled, by their ids.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn scheduled_of(
        &self,
        pickings: &[i64],
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, Option<Timestamp>>, CallError> {
        let texts = self.texts_of(PICKING, pickings, SCHEDULED, log).await?;
        Ok(texts.into_iter().map(|(id, text)| (id, text.as_deref().and_then(instant))).collect())
    }

    /// Schedules a delivery; whether it is still there. Scheduling it twice for one time does no harm.
    ///
    /// # Errors
    /// When Odoo refuses or does not answer.
    pub async fn schedule(&self, picking: i64, at: Timestamp, log: &dyn CallLog) -> Result<bool, CallError> {
        let fields = Fields::from_iter([(SCHEDULED.to_owned(), json!(datetime(at)))]);
        Ok(self.write_fields_of(RecordKind::Delivery, &[picking], &fields, log).await?.is_empty())
    }

    /// The invoice status of orders, by their ids: `to invoice`, `invoiced`, `no`.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn invoice_status_of(
        &self,
        orders: &[i64],
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, Option<String>>, CallError> {
        self.texts_of(RecordKind::Order.model(), orders, INVOICE_STATUS, log).await
    }

    /// The shipping methods, by id, as they are called.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn carriers(&self, log: &dyn CallLog) -> Result<Vec<(i64, String)>, CallError> {
        #[derive(Deserialize)]
        struct Carrier {
            id: i64,
            name: Value,
        }
        let body = json!({"domain": [], "fields": ["name"], "order": "id", "limit": CARRIERS_MAX});
        let found: Vec<Carrier> = self.ask("delivery.carrier", "search_read", body, log).await?;
        let named = |carrier: Carrier| Some((carrier.id, carrier.name.as_str()?.to_owned()));
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// One field of some records.
    async fn texts_of(
        &self,
        model: &str,
        ids: &[i64],
        field: &'static str,
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, Option<String>>, CallError> {
        let mut reads = SINGLE_READS_MAX;
        let mut texts = HashMap::new();
        for chunk in ids.chunks(SHOWN_MAX) {
            let ids: BTreeSet<i64> = chunk.iter().copied().collect();
            let read = self.read_each(model, ids, &[field], Refusals::Sampled, &mut reads, log).await?;
            texts.extend(read.rows.iter().map(|(id, row)| (*id, Row::new(row, "").text(field))));
        }
        Ok(texts)
    }
}
