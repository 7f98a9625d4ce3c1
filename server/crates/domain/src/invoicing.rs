//! How, when and for what an order is invoiced once its goods have arrived.

use serde::{Deserialize, Serialize};

/// How an order is invoiced once its goods have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invoicing {
    /// Not by Milepost.
    #[default]
    Never,
    /// An activity asks accounting to do it.
    Release,
    /// A draft invoice is made.
    Draft,
    /// An invoice is made and posted.
    Post,
}

/// When an order is invoiced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceOn {
    /// As soon as the carrier reports the delivery.
    #[default]
    Delivered,
    /// When there is a proof of delivery too: a document, a signature, or the carrier's word that it has one.
    Pod,
}

/// Which deliveries of an order an invoice waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceFor {
    /// All of them: one invoice for the order.
    #[default]
    Order,
    /// Each by itself: an invoice for each delivery.
    Delivery,
}
