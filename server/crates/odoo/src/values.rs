//! What an order is worth, and under which invoices: for claims against carriers.

use super::{OdooClient, transfers::ORDER, wire::short_text};
use domain::money::Money;
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Map, Value, json};

/// Every version from 16 on has these, with the app for sales.
const FIELDS: &[&str] = &["name", "amount_untaxed", "amount_total", "currency_id", "invoice_ids"];
const INVOICE: &str = "account.move";
/// Invoices of one order that are named.
const INVOICES_MAX: usize = 20;

/// The value of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderValue {
    /// The order's name.
    pub name: Option<String>,
    /// Without taxes.
    pub untaxed: Option<Money>,
    /// With taxes.
    pub total: Option<Money>,
    /// The names of its posted invoices.
    pub invoices: Vec<String>,
}

impl OdooClient {
    /// The value of a sales order; none where it is gone.
    ///
    /// # Errors
    /// When Odoo refuses or does not answer. Invoices that the key may not read are left out.
    pub async fn order_value(&self, order: i64, log: &dyn CallLog) -> Result<Option<OrderValue>, CallError> {
        let Some(row) = self.one(ORDER, order, FIELDS, log).await? else { return Ok(None) };
        let currency = row.get("currency_id").and_then(|link| link.get(1)).and_then(Value::as_str);
        let money = |field: &str| Money::read(&row.get(field)?.as_f64()?.to_string(), currency?).ok();
        let ids = row.get("invoice_ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let ids: Vec<i64> = ids.iter().filter_map(Value::as_i64).take(INVOICES_MAX).collect();
        let invoices = match self.invoice_names(&ids, log).await {
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::NotFound) => Vec::new(),
            named => named?,
        };
        Ok(Some(OrderValue {
            name: row.get("name").and_then(Value::as_str).and_then(short_text),
            untaxed: money("amount_untaxed"),
            total: money("amount_total"),
            invoices,
        }))
    }

    async fn invoice_names(&self, ids: &[i64], log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let domain = json!([["id", "in", ids], ["state", "=", "posted"], ["move_type", "=", "out_invoice"]]);
        let body = json!({"domain": domain, "fields": ["name"], "order": "id", "limit": INVOICES_MAX});
        let rows: Vec<Map<String, Value>> = self.ask_explained(INVOICE, "search_read", body, log).await?;
        Ok(rows.iter().filter_map(|row| row.get("name")?.as_str().and_then(short_text)).collect())
    }
}
