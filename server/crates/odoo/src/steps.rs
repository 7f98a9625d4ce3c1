//! What a person sets of the steps that Milepost takes in Odoo: which ones, when, and who is asked.

use outbound::schema::{Field, FieldKind};
use serde::{Deserialize, Serialize};

/// When a delivery is validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidateOn {
    /// Not by Milepost.
    #[default]
    Never,
    /// When the carrier first scans the goods.
    FirstScan,
}

/// What becomes of a proof of delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proofs {
    /// It is attached to the delivery.
    #[default]
    Attach,
    /// It stays in Milepost.
    Never,
}

/// What becomes of goods that come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// Nothing by Milepost.
    #[default]
    Never,
    /// A return is made.
    Create,
}

/// The fields of the form.
pub(super) fn fields() -> Vec<Field> {
    let choice = |name, label, options: &[(&'static str, &'static str)], help| {
        Field::new(name, label, FieldKind::Choice(options.to_vec()), help).or(options[0].0)
    };
    vec![
        choice(
            "validate_on",
            "Validate deliveries",
            &[("never", "Never"), ("first_scan", "On the carrier's first scan")],
            "Milepost validates the delivery in Odoo once the carrier has scanned the goods. What Odoo has no stock for \
             becomes a backorder.",
        ),
        choice(
            "proofs",
            "Proof of delivery",
            &[("attach", "Attach to the delivery"), ("never", "Leave in Milepost")],
            "Signatures and photos that the carrier sends. They are personal data, which Milepost cannot erase in Odoo.",
        ),
        choice(
            "invoice",
            "Invoice orders",
            &[
                ("never", "Never"),
                ("release", "Ask accounting to invoice"),
                ("draft", "Make a draft invoice"),
                ("post", "Make and post the invoice"),
            ],
            "What Milepost does in Odoo when the goods have arrived. An invoice is never changed afterwards: if the carrier \
             retracts the delivery, an activity asks to check it.",
        ),
        choice(
            "invoice_on",
            "Invoice when",
            &[("delivered", "Delivered"), ("pod", "Delivered, with proof of delivery")],
            "A proof is a document, a signature, or the carrier's word that it has one.",
        ),
        choice(
            "invoice_for",
            "One invoice for",
            &[("order", "The order, when all of it has arrived"), ("delivery", "Each delivery")],
            "What an order of several deliveries waits for.",
        ),
        choice(
            "returns",
            "Returns",
            &[("never", "Leave to the warehouse"), ("create", "Create a return in Odoo")],
            "When the carrier brings goods back, Milepost makes the return of the delivery; the warehouse validates it on \
             arrival. Odoo 18 or later.",
        ),
        Field::new(
            "accounting_user",
            "Accounting user",
            FieldKind::Text,
            "Login in Odoo of who is asked about invoices. If empty, the order's salesperson.",
        ),
        Field::new(
            "warehouse_users",
            "Warehouse users",
            FieldKind::List,
            "Who is asked about deliveries without a salesperson, for each warehouse: WH=anna@example.com.",
        ),
        Field::new(
            "fallback_user",
            "Fallback user",
            FieldKind::Text,
            "Login in Odoo of who is asked if neither the order nor the warehouse has a person.",
        ),
    ]
}
