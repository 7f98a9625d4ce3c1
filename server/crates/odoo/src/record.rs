//! The records of Odoo on which Milepost shows something.

/// A kind of record that shows a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A delivery.
    Delivery,
    /// The sales order that deliveries are of.
    Order,
}

impl RecordKind {
    /// Odoo's model of it.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Delivery => "stock.picking",
            Self::Order => "sale.order",
        }
    }

    /// What people call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Order => "sales order",
        }
    }
}

/// A record that shows a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// Its id in Odoo.
    pub id: i64,
}

impl Record {
    /// A delivery.
    pub const fn delivery(id: i64) -> Self {
        Self { kind: RecordKind::Delivery, id }
    }

    /// A sales order.
    pub const fn order(id: i64) -> Self {
        Self { kind: RecordKind::Order, id }
    }
}
