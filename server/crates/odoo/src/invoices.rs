//! An order is invoiced once its goods have arrived.
//!
//! Odoo has no idempotency of its own, so the order is looked at first. An invoice is ours when our user made it: a draft of
//! another user is left alone.

use super::{
    OdooClient,
    deliveries::PICKING,
    record::RecordKind,
    transport::Made,
    wire::{Maybe, instant, named},
};
use domain::effects::InvoiceFor;
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, ErrorClass};
use serde::Deserialize;
use serde_json::{Value, json};

const MOVE: &str = "account.move";
const WIZARD: &str = "sale.advance.payment.inv";
/// Deliveries and invoices of one order that are looked at.
const OF_ORDER_MAX: u32 = 200;

/// What becomes of an invoice that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invoice {
    /// It stays a draft.
    Draft,
    /// It is posted, where it was made since this moment, at which it was wanted: an older draft is left to accounting.
    Posted(Timestamp),
}

/// What became of invoicing an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invoiced {
    /// There is an invoice that Milepost made.
    Made {
        /// Its id.
        id: i64,
        /// Its name: `INV/2026/00010`; none of a draft.
        name: Option<String>,
    },
    /// Others have invoiced all of it.
    ByOthers,
    /// A delivery of the order is not validated in Odoo yet: its name.
    Waits(String),
    /// The order is cancelled, or not confirmed.
    NotSold,
}

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    name: Maybe<String>,
    state: String,
    #[serde(default)]
    invoice_status: Maybe<String>,
    #[serde(default)]
    invoice_ids: Vec<i64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Document {
    id: i64,
    #[serde(default)]
    name: Maybe<String>,
    state: String,
    #[serde(default)]
    create_date: Maybe<String>,
}

/// How far the clock of the other system may be behind ours.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(10);

impl Document {
    /// Whether it is a draft that is to be posted. One that Odoo does not give a date of is not.
    fn is_to_be_posted(&self, invoice: Invoice) -> bool {
        let Invoice::Posted(since) = invoice else { return false };
        let made = self.create_date.0.as_deref().and_then(instant);
        self.state == "draft" && made.is_some_and(|made| since.duration_since(made) <= CLOCKS_APART)
    }
}

impl OdooClient {
    /// Invoices what is delivered of an order and not invoiced, once. With [`InvoiceFor::Order`] it waits until each of the
    /// order's deliveries has left in Odoo, and makes no second invoice; else it waits for this delivery alone.
    ///
    /// # Errors
    /// `rejected` where Odoo has nothing to invoice or refuses; `unknown_outcome` where no answer came: call again after a
    /// while, it looks first.
    pub async fn invoice(
        &self,
        (order, picking): (i64, i64),
        invoice: Invoice,
        of: InvoiceFor,
        log: &dyn CallLog,
    ) -> Result<Invoiced, CallError> {
        let sold = self.order_to_invoice(order, log).await?;
        if sold.state != "sale" && sold.state != "done" {
            return Ok(Invoiced::NotSold);
        }
        if let Some(waits) = self.not_left((order, picking), of, log).await? {
            return Ok(Invoiced::Waits(waits));
        }
        let ours = self.own_invoices(&sold.invoice_ids, log).await?;
        let to_invoice = sold.invoice_status.0.as_deref() == Some("to invoice");
        if to_invoice && (ours.is_empty() || of == InvoiceFor::Delivery) {
            self.create_invoices(order, &sold, log).await?;
        } else if ours.is_empty() {
            return match sold.invoice_status.0.as_deref() {
                Some("invoiced" | "upselling") => Ok(Invoiced::ByOthers),
                _ => Err(sold.nothing_to_invoice(order, None)),
            };
        }
        let invoice_ids = self.order_to_invoice(order, log).await?.invoice_ids;
        let mut ours = self.own_invoices(&invoice_ids, log).await?;
        if let Invoice::Posted(_) = invoice {
            for draft in ours.iter().filter(|one| one.is_to_be_posted(invoice)) {
                self.change::<Value>(MOVE, "action_post", json!({"ids": [draft.id]}), log).await?;
            }
            ours = self.own_invoices(&invoice_ids, log).await?;
        }
        match ours.pop() {
            None => Ok(Invoiced::ByOthers),
            Some(last) if last.is_to_be_posted(invoice) => {
                let text = format!("Odoo does not post the invoice of {}", sold.label(order));
                Err(CallError::new(ErrorClass::Rejected, text).advising("look at the draft invoice in Odoo"))
            }
            Some(Document { id, name, state, .. }) => {
                Ok(Invoiced::Made { id, name: name.0.filter(|_| state != "draft") })
            }
        }
    }

    async fn create_invoices(&self, order: i64, sold: &Order, log: &dyn CallLog) -> Result<(), CallError> {
        let vals = json!({"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order]]]});
        let Made(wizard) = self.change(WIZARD, "create", json!({"vals_list": [vals]}), log).await?;
        match self.change::<Value>(WIZARD, "create_invoices", json!({"ids": wizard}), log).await {
            Err(error) if error.class == ErrorClass::Rejected => {
                // another job was faster
                let now = self.order_to_invoice(order, log).await?;
                let made = now.invoice_ids.len() > sold.invoice_ids.len();
                if made { Ok(()) } else { Err(sold.nothing_to_invoice(order, Some(&error))) }
            }
            other => other.map(drop),
        }
    }

    async fn order_to_invoice(&self, order: i64, log: &dyn CallLog) -> Result<Order, CallError> {
        let body = json!({"ids": [order], "fields": ["name", "state", "invoice_status", "invoice_ids"]});
        let mut found: Vec<Order> = self.ask_explained(RecordKind::Order.model(), "read", body, log).await?;
        let gone = || CallError::new(ErrorClass::NotFound, format!("Odoo has no sales order {order} any more"));
        found.pop().ok_or_else(gone)
    }

    /// The first delivery that has not left in Odoo: of the order, or this one alone.
    async fn not_left(
        &self,
        (order, picking): (i64, i64),
        of: InvoiceFor,
        log: &dyn CallLog,
    ) -> Result<Option<String>, CallError> {
        let which = match of {
            InvoiceFor::Order => json!([["sale_id", "=", order], ["picking_type_code", "=", "outgoing"]]),
            InvoiceFor::Delivery => json!([["id", "=", picking]]),
        };
        let body = json!({"domain": which, "fields": ["name", "state"], "order": "id", "limit": OF_ORDER_MAX});
        let found: Vec<Document> = self.ask_explained(PICKING, "search_read", body, log).await?;
        let waits = found.into_iter().find(|delivery| !matches!(delivery.state.as_str(), "done" | "cancel"));
        Ok(waits.map(|delivery| named(delivery.name.0.as_deref(), delivery.id)))
    }

    /// Those of these invoices that our user made and that are not cancelled, oldest first.
    async fn own_invoices(&self, ids: &[i64], log: &dyn CallLog) -> Result<Vec<Document>, CallError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let user = self.user(log).await?;
        let domain = json!([
            ["id", "in", ids],
            ["create_uid", "=", user],
            ["move_type", "=", "out_invoice"],
            ["state", "!=", "cancel"]
        ]);
        let fields = ["name", "state", "create_date"];
        let body = json!({"domain": domain, "fields": fields, "order": "id", "limit": OF_ORDER_MAX});
        self.ask_explained(MOVE, "search_read", body, log).await
    }
}

impl Order {
    fn label(&self, order: i64) -> String {
        named(self.name.0.as_deref(), order)
    }

    fn nothing_to_invoice(&self, order: i64, refused: Option<&CallError>) -> CallError {
        let text = format!("Odoo has nothing to invoice for {}, though it has arrived", self.label(order));
        let error = CallError::new(ErrorClass::Rejected, text)
            .advising("check the invoicing policy of its products and what it says is delivered, then retry");
        match refused {
            Some(refused) => CallError { said: refused.said.clone(), status: refused.status, ..error },
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_draft_that_was_made_since_it_was_wanted_is_posted() {
        let since = "2026-03-05T12:00:00Z".parse().unwrap();
        for (state, made, expected) in [
            ("draft", Some("2026-03-05 12:00:03"), true),
            ("draft", Some("2026-03-05 11:55:00"), true),
            ("draft", Some("2026-03-05 11:30:00"), false),
            ("draft", None, false),
            ("posted", Some("2026-03-05 12:00:03"), false),
        ] {
            let made = Maybe(made.map(str::to_owned));
            let document = Document { id: 1, name: Maybe(None), state: state.into(), create_date: made };
            assert_eq!(document.is_to_be_posted(Invoice::Posted(since)), expected, "{document:?}");
            assert!(!document.is_to_be_posted(Invoice::Draft));
        }
    }
}
