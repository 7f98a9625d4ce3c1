//! Who owns which field: one table for the code, the documentation and the page. What an owner says counts; a field that two
//! systems may write has a rule beside it.

/// A system that owns fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The order system: what was sold, to whom, by when.
    Erp,
    /// Milepost, for the carriers: what happens to the goods.
    Logistics,
    /// The service desk: what people do about it.
    Service,
}

impl Owner {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Erp => "ERP (Odoo)",
            Self::Logistics => "Logistics (Milepost)",
            Self::Service => "Service desk",
        }
    }
}

/// What a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Record {
    /// A shipment.
    Shipment,
    /// A sales or purchase order.
    Order,
    /// A case at the service desk.
    Case,
}

impl Record {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Shipment, Self::Order, Self::Case];

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Shipment => "Shipment",
            Self::Order => "Order",
            Self::Case => "Case",
        }
    }
}

/// What becomes of a value that another system than the owner wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// No other system writes it; the owner's newest value is taken over.
    Taken,
    /// Milepost sets it back, with a note, three times a day at most.
    SetBack,
    /// A person's change holds until a newer physical event; until then the difference is listed for a decision.
    HoldsUntilEvent,
    /// An agent's word holds until a person or a new episode of the exception changes it.
    HoldsUntilEpisode,
    /// Milepost only compares; a person acts in the owner's system.
    Compared,
}

impl Rule {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Taken => "The owner's newest value counts",
            Self::SetBack => "A change by hand is set back, with a note, at most 3 times a day",
            Self::HoldsUntilEvent => "A change by hand holds until a newer physical event; until then a person decides",
            Self::HoldsUntilEpisode => "An agent's word holds until a person or a new episode changes it",
            Self::Compared => "Compared only; a person acts in the owner's system",
        }
    }
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it belongs to.
    pub record: Record,
    /// What people call it.
    pub label: &'static str,
    /// Where it is kept in the other system; empty where it is Milepost's alone.
    pub name: &'static str,
    /// Who owns it.
    pub owner: Owner,
    /// What becomes of another's value.
    pub rule: Rule,
}

const fn field(record: Record, label: &'static str, name: &'static str, owner: Owner, rule: Rule) -> Field {
    Field { record, label, name, owner, rule }
}

use Owner::{Erp, Logistics, Service};
use Record::{Case, Order, Shipment};
use Rule::{Compared, HoldsUntilEpisode, HoldsUntilEvent, SetBack, Taken};

/// Every field.
pub const FIELDS: &[Field] = &[
    field(Shipment, "Transfer and its name", "stock.picking: name", Erp, Taken),
    field(Shipment, "Transfer open, done or cancelled", "stock.picking: state", Erp, Compared),
    field(Shipment, "Deadline", "stock.picking: date_deadline", Erp, Taken),
    field(Shipment, "Scheduled date of a receipt", "stock.picking: scheduled_date", Erp, HoldsUntilEvent),
    field(Shipment, "Tracking numbers", "stock.picking: carrier_tracking_ref", Erp, HoldsUntilEvent),
    field(Shipment, "Carrier", "stock.picking: carrier_id", Erp, HoldsUntilEvent),
    field(Shipment, "Customer and destination", "res.partner", Erp, Taken),
    field(Shipment, "Delivery state (OCA)", "stock.picking: delivery_state", Logistics, HoldsUntilEvent),
    field(Shipment, "Status", "stock.picking: x_milepost_status", Logistics, SetBack),
    field(Shipment, "Exception", "stock.picking: x_milepost_exception", Logistics, SetBack),
    field(Shipment, "ETA", "stock.picking: x_milepost_eta", Logistics, SetBack),
    field(Shipment, "Delivered at", "stock.picking: x_milepost_delivered_at", Logistics, SetBack),
    field(Shipment, "Last event", "stock.picking: x_milepost_last_event", Logistics, SetBack),
    field(Shipment, "Tracking page", "stock.picking: x_milepost_url", Logistics, SetBack),
    field(Shipment, "Promised date, as Milepost shows it", "stock.picking: x_milepost_promised", Logistics, SetBack),
    field(Shipment, "Case", "stock.picking: x_milepost_case, x_milepost_case_url", Logistics, SetBack),
    field(Shipment, "Events and timeline", "", Logistics, Taken),
    field(Order, "Promised date", "sale.order: commitment_date", Erp, Taken),
    field(Order, "Order and its name", "sale.order: name", Erp, Taken),
    field(Order, "Invoice", "sale.order: invoice_status", Erp, Compared),
    field(Order, "Status of its shipments", "sale.order: x_milepost_…", Logistics, SetBack),
    field(Case, "Ticket open or closed", "ticket: status", Service, HoldsUntilEpisode),
    field(Case, "Ticket's queue, agent and priority", "ticket", Service, Taken),
    field(Case, "Exception behind the ticket", "", Logistics, Taken),
];

/// Whose value of a field counts that both may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The person who changed it.
    Person,
    /// What was reported of the goods since.
    Event,
}

/// Whose value counts: a person's change holds until a newer physical event. Times are in any unit that both share; a change
/// whose time is not known is taken for newer.
pub fn holder<T: PartialOrd>(changed: Option<T>, event: Option<T>) -> Holder {
    match (changed, event) {
        (Some(changed), Some(event)) if event > changed => Holder::Event,
        _ => Holder::Person,
    }
}

/// The table, as the documentation has it.
pub fn markdown() -> String {
    let rows = FIELDS.iter().map(|field| {
        let name = if field.name.is_empty() { String::new() } else { format!("`{}`", field.name) };
        format!(
            "| {} | {} | {name} | {} | {} |\n",
            field.record.label(),
            field.label,
            field.owner.label(),
            field.rule.label()
        )
    });
    let head = "| record | field | where | owner | when another system changes it |\n|---|---|---|---|---|\n";
    head.to_owned() + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_has_the_table() {
        let document = include_str!("../../../../docs/OWNERSHIP.md");
        assert!(document.contains(&markdown()), "docs/OWNERSHIP.md lacks this table:\n{}", markdown());
    }

    #[test]
    fn a_field_is_named_once_and_every_record_has_some() {
        let named: BTreeSet<_> = FIELDS.iter().map(|field| (field.record, field.label)).collect();
        assert_eq!(named.len(), FIELDS.len());
        assert!(Record::ALL.iter().all(|record| FIELDS.iter().any(|field| field.record == *record)));
    }

    #[test]
    fn what_milepost_writes_into_its_own_fields_is_set_back() {
        for field in FIELDS.iter().filter(|field| field.name.contains("x_milepost_")) {
            assert_eq!((field.owner, field.rule), (Logistics, SetBack), "{}", field.label);
        }
    }

    #[test]
    fn a_persons_change_holds_until_a_newer_event() {
        for (changed, event, expected) in [
            (Some(10), Some(9), Holder::Person),
            (Some(10), Some(10), Holder::Person),
            (Some(10), Some(11), Holder::Event),
            (Some(10), None, Holder::Person),
            (None, Some(11), Holder::Person),
            (None, None, Holder::Person),
        ] {
            assert_eq!(holder(changed, event), expected, "{changed:?} {event:?}");
        }
    }
}
