//! What an event is about: which containers, bookings and transport documents it names, and so on which trackers it
//! hangs.

use super::words;
use crate::formats::json;
use domain::observation::{Problem, RefKind, References};
use serde_json::Value;

/// Where the dialects list numbers with their types.
const LISTS: &[&str] = &[
    "document_references",
    "related_document_references",
    "additional_document_references",
    "references",
    "shipment_references",
];

/// The numbers that an event names.
#[derive(Default)]
pub(super) struct Named {
    containers: Vec<String>,
    bookings: Vec<String>,
    bills: Vec<String>,
    /// Of requests and instructions: they name a consignment only while nothing better does.
    requests: Vec<String>,
    instructions: Vec<String>,
    others: References,
}

impl Named {
    /// Reads the numbers of an event.
    pub(super) fn of(event: &Value, at: &str, problems: &mut Vec<Problem>) -> Self {
        let mut named = Self::default();
        let mut add = |value: &Value, key: &str, kind: Option<String>| match json::number(value, key, at) {
            Ok(Some(number)) => named.add(words::code(&kind.unwrap_or_default()), number),
            Ok(None) => {}
            Err(error) => problems.push(Problem { at: at.to_owned(), message: error.to_string() }),
        };
        add(event, "equipment_reference", Some("EQ".into()));
        add(event, "carrier_booking_reference", Some("BKG".into()));
        add(event, "transport_document_reference", Some("TRD".into()));
        let document = json::first(event, &["document_type_code", "document_type"]);
        add(event, "document_id", document.clone());
        add(event, "document_reference", document);
        let listed = LISTS.iter().filter_map(|list| event.get(list)?.as_array()).flatten();
        for item in event.get("document_reference").into_iter().chain(listed).filter(|item| item.is_object()) {
            let kind = json::first(item, &["type_code", "type", "document_reference_type", "reference_type"]);
            for key in ["reference", "value", "document_reference_value", "reference_value"] {
                add(item, key, kind.clone());
            }
        }
        // an equipment event concerns its own container only
        if json::text(event, "equipment_reference").is_some() {
            named.containers.truncate(1);
        }
        named
    }

    fn add(&mut self, kind: &str, number: String) {
        let list = match kind {
            "EQ" => &mut self.containers,
            "BKG" => &mut self.bookings,
            "TRD" => &mut self.bills,
            "CBR" => &mut self.requests,
            "SHI" => &mut self.instructions,
            "PO" => return self.others.add(RefKind::PurchaseOrder, Some(&number)),
            "CR" | "SI" => return self.others.add(RefKind::Order, Some(&number)),
            _ => return,
        };
        if !list.contains(&number) {
            list.push(number);
        }
    }

    /// The trackers that the event hangs on, each with the further numbers. Containers, where it names any; one
    /// consignment, where it names at most one booking and one transport document; else each document by itself,
    /// for it is unknown which belong together.
    pub(super) fn trackers(mut self) -> Vec<References> {
        if self.bookings.is_empty() && self.bills.is_empty() {
            self.bookings = self.requests;
        }
        let nothing = self.containers.is_empty() && self.bookings.is_empty() && self.bills.is_empty();
        if nothing {
            self.others.add(RefKind::Shipment, self.instructions.first().map(String::as_str));
        }
        let only = |list: &[String]| (list.len() == 1).then(|| list[0].clone());
        let (booking, bill) = (only(&self.bookings), only(&self.bills));
        let with = |kind: RefKind, number: Option<&str>, base: &References| {
            let mut refs = base.clone();
            refs.add(kind, number);
            refs
        };
        let several = self.bookings.len() > 1 || self.bills.len() > 1;
        if several && self.containers.is_empty() {
            let bookings = self.bookings.iter().map(|number| with(RefKind::Booking, Some(number), &self.others));
            let bills = self.bills.iter().map(|number| with(RefKind::BillOfLading, Some(number), &self.others));
            return bookings.chain(bills).collect();
        }
        let consignment = with(RefKind::Booking, booking.as_deref(), &self.others);
        let consignment = with(RefKind::BillOfLading, bill.as_deref(), &consignment);
        if self.containers.is_empty() {
            return vec![consignment];
        }
        self.containers.iter().map(|number| with(RefKind::Container, Some(number), &consignment)).collect()
    }
}
