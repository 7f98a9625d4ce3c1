//! What an order system has of a delivery, and what becomes of it here.

use crate::{Sealed, WrappedKey, facts::TrackerKey, jobs::Cause, trackers::Wanted};
use domain::{
    Direction,
    fold::{DeliveryStanding, Plan, PromiseSource},
    ids::{BindingId, CorrelationId, ShipmentId, TrackerId},
    money::Money,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The record of a shipment in the order system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The system: `odoo`.
    pub system: String,
    /// The record's model: `stock.picking`.
    pub model: String,
    /// The record's id there.
    pub record: i64,
    /// The record's name: `WH/OUT/00042`.
    pub name: String,
    /// The order's name: `S00123`.
    pub order: Option<String>,
    /// The order's id there.
    pub order_record: Option<i64>,
    /// The customer's id there: whose name, address and destination are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_record: Option<i64>,
    /// The company whose record it is, as the system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// What the order is worth, with taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The segments of the customer: the names of its tags there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub segments: BTreeSet<String>,
    /// A page for people.
    pub url: Option<String>,
    /// What kind of transfer it is.
    #[serde(default, skip_serializing_if = "Transfer::is_plain")]
    pub transfer: Transfer,
}

/// What kind of transfer a record is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer {
    /// Which way it goes.
    #[serde(default, skip_serializing_if = "Direction::is_outbound")]
    pub direction: Direction,
    /// What its order is.
    #[serde(default, skip_serializing_if = "OrderKind::is_sale")]
    pub order: OrderKind,
    /// The name of the transfer whose goods it brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_of: Option<String>,
    /// The name of the transfer that left its goods for later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backorder_of: Option<String>,
}

impl Transfer {
    /// The whole of an order on its way to a customer.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// What the order of a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// A customer's.
    #[default]
    Sale,
    /// The company's own at a vendor.
    Purchase,
}

impl OrderKind {
    const fn is_sale(&self) -> bool {
        matches!(self, Self::Sale)
    }
}

impl Origin {
    /// The id of the sales order there; none where the order is a purchase.
    pub fn sales_order(&self) -> Option<i64> {
        self.order_record.filter(|_| self.transfer.order.is_sale())
    }

    /// The warehouse that it leaves or comes to: Odoo's transfers are named `WAREHOUSE/OPERATION/NUMBER`.
    pub fn warehouse(&self) -> Option<&str> {
        self.name.split_once('/').map(|(warehouse, _)| warehouse)
    }
}

/// A shipment as the order system has it.
#[derive(Clone, Debug)]
pub struct ImportedShipment {
    /// Id, if it has to be made.
    pub id: ShipmentId,
    /// Its record in the order system; its identity.
    pub origin: Origin,
    /// Digest of all below: an equal one changes nothing.
    pub digest: String,
    /// Numbers it goes under. What is no longer named is closed, what is new is opened.
    pub claims: Vec<Claim>,
    /// What was meant to happen.
    pub plan: Plan,
    /// Whether the order system has it cancelled.
    pub standing: OriginStanding,
    /// Place of destination for lists: city and country, no address.
    pub destination: Option<String>,
    /// Sealed JSON with the customer's name, address, language.
    pub customer: Option<Sealed>,
    /// That key, if the subject is new.
    pub key: Option<WrappedKey>,
    /// HMAC tokens under which the customer can be found.
    pub tokens: Vec<String>,
    /// The correlation id of the import.
    pub correlation: CorrelationId,
    /// Why its shipment is folded: `Import`, or `History` for the first import of all.
    pub cause: Cause,
    /// What could not be read: of a shipment that is there already it stays as it is.
    pub kept: BTreeSet<Kept>,
}

/// What of a shipment stays while the order system does not let it be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Which order it is of, and what that promised.
    Order,
    /// The customer, the destination, and the words to find the customer by.
    Customer,
    /// When it should leave, and when it left.
    Dates,
    /// What a rule promised.
    RulePromise,
}

impl ImportedShipment {
    /// Merged with what is stored: what could not be read stays as it is stored, unless it is of another order or customer.
    /// A new shipment has what could be read.
    #[must_use]
    pub fn merged_with(&self, stored: Option<(Origin, Plan)>) -> Self {
        let mut merged = self.clone();
        let Some((origin, plan)) = stored else {
            merged.kept.clear();
            return merged;
        };
        // every record has one: without it, it could not be read
        merged.origin.company = merged.origin.company.or(origin.company);
        let of_order = self.kept.contains(&Kept::Order);
        if of_order && self.origin.order_record.is_none() {
            merged.origin.transfer.order = origin.transfer.order;
        }
        if of_order && self.origin.order_record.is_none_or(|order| origin.order_record == Some(order)) {
            merged.origin.order_record = origin.order_record;
            merged.origin.order = merged.origin.order.or(origin.order);
            merged.origin.value = merged.origin.value.or(origin.value);
        }
        let other_customer =
            self.origin.customer_record.zip(origin.customer_record).is_some_and(|(now, stored)| now != stored);
        if other_customer {
            merged.kept.retain(|kept| !matches!(kept, Kept::Customer | Kept::RulePromise));
        }
        if merged.kept.contains(&Kept::Customer) {
            merged.origin.customer_record = origin.customer_record;
            merged.origin.segments = origin.segments;
        }
        if self.kept.contains(&Kept::Dates) {
            merged.plan.ship_by = merged.plan.ship_by.or(plan.ship_by);
            merged.plan.expected_from = merged.plan.expected_from.or(plan.expected_from);
        }
        let promise_stays = match &plan.promise {
            _ if plan.promised_by.is_none() => false,
            Some(PromiseSource::Rule { .. }) => {
                merged.kept.contains(&Kept::RulePromise) && self.plan.promise != Some(PromiseSource::Commitment)
            }
            // what another order promised is not this one's
            Some(PromiseSource::Commitment) | None => of_order && merged.origin.order_record == origin.order_record,
        };
        if promise_stays {
            (merged.plan.promised_by, merged.plan.promise) = (plan.promised_by, plan.promise);
            merged.plan.promises = plan.promises;
        }
        merged
    }
}

/// Where the order system has the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginStanding {
    /// Not yet validated.
    Open,
    /// Validated.
    Done,
    /// Cancelled.
    Cancelled,
}

/// A number that a shipment goes under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The tracker.
    pub tracker: TrackerKey,
    /// Id, if it has to be made.
    pub tracker_id: TrackerId,
    /// Id of the binding, if it has to be made.
    pub binding_id: BindingId,
    /// The piece of the plan.
    pub piece: Option<String>,
    /// The number as written.
    pub number_raw: String,
    /// The carrier as written.
    pub carrier_label: Option<String>,
}

impl Claim {
    /// The tracker that is asked for.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { key: &self.tracker, number_raw: &self.number_raw }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// New shipments.
    pub created: u32,
    /// Changed ones.
    pub changed: u32,
    /// Equal ones.
    pub unchanged: u32,
    /// Shipments to fold; their jobs are enqueued.
    pub to_fold: Vec<ShipmentId>,
}

/// What becomes known of a delivery without its being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// It was deleted in the order system.
    Deleted,
    /// It could not be read, for these reasons: what is known of it stays.
    Unread(Vec<String>),
}

/// An amendment of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// The order system: the name of its connection.
    pub system: String,
    /// The record in the order system.
    pub record: i64,
    /// What becomes known.
    pub amendment: Amendment,
    /// The correlation id of the import.
    pub correlation: CorrelationId,
}

impl Amendment {
    /// The plan with it; none where it has it already.
    pub fn applied(&self, plan: &Plan, at: Timestamp) -> Option<Plan> {
        match self {
            Self::Deleted if plan.standing == DeliveryStanding::Deleted => None,
            Self::Deleted => Some(Plan {
                standing: DeliveryStanding::Deleted,
                standing_since: Some(at),
                unread: Vec::new(),
                unread_since: None,
                ..plan.clone()
            }),
            Self::Unread(problems) if plan.unread == *problems => None,
            Self::Unread(problems) => {
                Some(Plan { unread: problems.clone(), unread_since: plan.unread_since.or(Some(at)), ..plan.clone() })
            }
        }
    }
}
