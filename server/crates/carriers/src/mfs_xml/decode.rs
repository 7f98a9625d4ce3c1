//! From a status transmission to statements.

use super::super::DecodeError;
use crate::formats::{
    times,
    xml::{self, child, child_text},
};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use roxmltree::Node;
use std::collections::HashSet;

/// Other documents of the same interface.
const OTHERS: &[&str] = &["Invoice", "Manifest", "Ship"];

/// Decodes a transmission.
pub(super) fn decode(raw: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    let text = xml::read(raw, &mut decoded.problems)?;
    let document = xml::parse(&text)?;
    let root = document.root_element();
    let name = root.tag_name().name();
    if name != "StatusTransmission" {
        return Err(match OTHERS.iter().any(|other| name.starts_with(other)) {
            true => DecodeError::NotTracking(format!("MFS document {name}")),
            false => DecodeError::Malformed {
                expected: "an MFS status transmission",
                reason: "the root element is not StatusTransmission".into(),
            },
        });
    }
    let stamp = stamp(root, &mut decoded.problems);
    let mut refused = None;
    for (n, shipment) in children(root, "Shipment").enumerate() {
        let at = format!("Shipment {}", n + 1);
        match report(shipment, &at, stamp, &mut decoded.problems) {
            Ok(report) => decoded.reports.push(report),
            Err(error) => {
                decoded.problems.push(Problem { at, message: error.to_string() });
                refused.get_or_insert(error);
            }
        }
    }
    match (decoded.reports.is_empty(), refused) {
        (true, Some(error)) => Err(error),
        (true, None) => Err(DecodeError::NotTracking("MFS transmission without a shipment".into())),
        (false, _) => Ok(decoded),
    }
}

fn children<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |c| c.is_element() && c.tag_name().name() == name)
}

fn instant(node: Node<'_, '_>, name: &str) -> Option<Timestamp> {
    let time = times::iso(child_text(node, name)?);
    time.utc.filter(|_| !time.sentinel)
}

/// The time of the list, by the field that has an offset of its own.
fn stamp(root: Node<'_, '_>, problems: &mut Vec<Problem>) -> Option<Timestamp> {
    let (local, utc) = (instant(root, "TransmissionDate"), instant(root, "TransmissionDateUTC"));
    let message = match (local, utc) {
        (Some(local), Some(utc)) if local != utc => "is not the instant of TransmissionDate, which is used",
        (None, Some(_)) => "is used, since TransmissionDate is missing: it may be half a day wrong",
        _ => return local,
    };
    problems.push(Problem { at: "TransmissionDateUTC".into(), message: message.into() });
    local.or(utc)
}

fn report(
    shipment: Node<'_, '_>,
    at: &str,
    stamp: Option<Timestamp>,
    problems: &mut Vec<Problem>,
) -> Result<TrackerReport, DecodeError> {
    let refs = references(shipment);
    if refs.get(RefKind::TrackingNumber).is_none() {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/ControlNumbers/BOL"),
            reason: "is missing, and so is TranID, so the shipment is unknown".into(),
        });
    }
    let mut observations: Vec<Observation> =
        statuses(shipment).filter_map(|status| of_status(status, shipment, at, problems)).collect();
    let listed = child(shipment, "Exceptions").into_iter().flat_map(|list| children(list, "Exception"));
    observations.extend(listed.filter_map(|exception| of_exception(exception, at, problems)));
    observations.extend(ending(shipment, &observations, stamp));
    observations.extend(appointment(shipment, at, stamp, problems));
    Ok(TrackerReport { refs, carrier: None, feed: Feed::Snapshot { stamp }, observations, test: false })
}

/// The bill of lading is what the carrier tracks by; its own transaction never changes.
fn references(shipment: Node<'_, '_>) -> References {
    let mut refs = References::default();
    let Some(numbers) = child(shipment, "ControlNumbers") else { return refs };
    for (kind, name) in [
        (RefKind::TrackingNumber, "BOL"),
        (RefKind::TrackingNumber, "TranID"),
        (RefKind::TrackerObject, "TranID"),
        (RefKind::BillOfLading, "BOL"),
        (RefKind::Shipment, "Ref"),
        (RefKind::PurchaseOrder, "PO"),
        (RefKind::Order, "SO"),
    ] {
        refs.add(kind, child_text(numbers, name));
    }
    refs
}

/// The list, and the current status where the list does not have it.
fn statuses<'a>(shipment: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    let of = |name| child(shipment, name).into_iter().flat_map(|list| children(list, "Status"));
    let mut seen = HashSet::new();
    let key = |status: &Node<'a, 'a>| {
        ["StatusID", "StatusType", "StatusTypeDesc", "StatusDateTime"].map(|name| child_text(*status, name))
    };
    of("StatusList").chain(of("CurrentStatus")).filter(move |status| seen.insert(key(status)))
}

fn of_status(
    status: Node<'_, '_>,
    shipment: Node<'_, '_>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Observation> {
    let id = child_text(status, "StatusID");
    let at = format!("{at}/StatusList/{}", id.unwrap_or("?"));
    let Some(code) = child_text(status, "StatusType") else {
        problems.push(Problem { at, message: "a status without StatusType has nothing that can be read".into() });
        return None;
    };
    let time = child_text(status, "StatusDateTime").map_or_else(|| EventTime::unknown(""), times::iso);
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem { at, message: "StatusDateTime is no time that can be used".into() });
    }
    let words = [child_text(status, "StatusTypeDesc"), child_text(status, "StatusNotes")];
    let description = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
    Some(Observation {
        // a closure has no id of its own: -1 stands for it on every shipment
        provider_event_id: id.filter(|id| !id.starts_with('-')).map(str::to_owned),
        location: child_text(status, "StatusLocation").and_then(location),
        description: Some(description).filter(|d| !d.is_empty()),
        signatory: words[1].and_then(|notes| notes.split_once("POD:")).map(|(_, name)| name.trim().to_owned()),
        ..Observation::new(codes(code, status, shipment), Classifier::Actual, time, Origin::Event)
    })
}

/// A closure has its result as text only: the text is the code.
fn codes(code: &str, status: Node<'_, '_>, shipment: Node<'_, '_>) -> Codes {
    if code == "Closure" {
        let stated = child_text(status, "StatusTypeDesc");
        let closed = child(shipment, "ServiceInfo").and_then(|service| child_text(service, "CloseType"));
        return closure(stated.or(closed).unwrap_or(code));
    }
    let reason = child_text(status, "StatusException").map(|reason| ProviderCode::new("mfs.exception", reason));
    Codes {
        raw: reason.as_ref().map_or_else(|| code.to_owned(), |reason| format!("{code}/{}", reason.value)),
        status: vec![ProviderCode::new("mfs.status_type", code)],
        reason,
        coarse: None,
    }
}

/// Whatever a shipment is closed as, other than delivered, is an exception.
fn closure(how: &str) -> Codes {
    Codes {
        raw: how.to_owned(),
        status: vec![ProviderCode::new("mfs.close_type", how.replace(['–', '—'], "-"))],
        reason: None,
        coarse: (how != "POD").then(|| ProviderCode::new("mfs.milestone", "Exception")),
    }
}

/// `Irvine, CA`; the country is not given.
fn location(text: &str) -> Option<Location> {
    let parts = text.split_once(',').map(|(city, region)| (city.trim(), region.trim()));
    let (city, region, raw) = match parts.filter(|(city, region)| !city.is_empty() && region.len() == 2) {
        Some((city, region)) => (Some(city), Some(region), None),
        None => (None, None, Some(text)),
    };
    let [city, region, raw] = [city, region, raw].map(|part| part.map(str::to_owned));
    Location { city, region, raw, ..Location::default() }.non_empty()
}

fn of_exception(exception: Node<'_, '_>, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    let at = format!("{at}/Exceptions");
    let Some(code) = child_text(exception, "ExceptionTypeID") else {
        problems
            .push(Problem { at, message: "an exception without ExceptionTypeID has nothing that can be read".into() });
        return None;
    };
    let time = child_text(exception, "ExceptionDate").map_or_else(|| EventTime::unknown(""), times::iso);
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem { at, message: "ExceptionDate is no time that can be used".into() });
    }
    let words = [child_text(exception, "ExceptionTypeName"), child_text(exception, "ExceptionNote")];
    let description = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let codes = Codes {
        raw: code.to_owned(),
        status: vec![ProviderCode::new("mfs.exception", code)],
        reason: None,
        coarse: None,
    };
    Some(Observation {
        description: Some(description).filter(|d| !d.is_empty()),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    })
}

/// The milestone is an event of its own only where there is no list, or where it reports an end that the list does not.
fn ending(shipment: Node<'_, '_>, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
    let milestone = child_text(shipment, "Milestone")?;
    let stated = |lists: &[&str], values: &[&str]| {
        let codes = || events.iter().flat_map(|e| &e.codes.status);
        codes().any(|c| lists.contains(&c.list.as_str()) && (values.is_empty() || values.contains(&c.value.as_str())))
    };
    let codes = match milestone.split_once(':') {
        Some((_, how)) if !stated(&["mfs.close_type"], &[]) => closure(how.trim()),
        None if milestone == "Delivered" && !stated(&["mfs.status_type", "mfs.close_type"], &["Delivery", "POD"]) => {
            of_milestone(milestone)
        }
        None if events.is_empty() => of_milestone(milestone),
        _ => return None,
    };
    let ends = codes.coarse.is_some() || milestone == "Delivered";
    let closed = child(shipment, "Dates").and_then(|dates| child_text(dates, "Closed")).filter(|_| ends);
    let time = closed.map_or_else(|| EventTime::unknown(""), times::iso);
    Some(Observation { stated_at: stamp, ..Observation::new(codes, Classifier::Actual, time, Origin::Summary) })
}

fn of_milestone(milestone: &str) -> Codes {
    let status = vec![ProviderCode::new("mfs.milestone", milestone)];
    Codes { raw: milestone.to_owned(), status, reason: None, coarse: None }
}

/// The date agreed with the recipient, at the end of its window. 1900 stands for none.
fn appointment(
    shipment: Node<'_, '_>,
    at: &str,
    stamp: Option<Timestamp>,
    problems: &mut Vec<Problem>,
) -> Option<Observation> {
    let time = times::iso(child_text(child(shipment, "Dates")?, "Schedule")?);
    if time.sort_key().is_none() {
        problems.push(Problem { at: format!("{at}/Dates/Schedule"), message: "is no time that can be used".into() });
    }
    if time.sentinel || time.sort_key().is_none() {
        return None;
    }
    let codes = Codes {
        raw: "Schedule".into(),
        status: vec![ProviderCode::new("milepost.field", "promised_delivery")],
        reason: None,
        coarse: None,
    };
    Some(Observation { stated_at: stamp, ..Observation::new(codes, Classifier::Planned, time, Origin::Summary) })
}
