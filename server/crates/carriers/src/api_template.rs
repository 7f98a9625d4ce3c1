//! The APIs of platforms as connectors of their own: what is called has another key, other limits and another health than what
//! sends messages.

use crate::{Carrier, api::ApiManifest, api::Platform, by_id};
use jiff::Timestamp;
use outbound::{
    CallLog, ErrorClass,
    check::{Building, Report, Subject},
    template::{Family, Template},
};

/// The connectors, by their ids, with the carriers whose API they are.
const CONNECTORS: &[(&str, &str)] = &[
    ("17track_api", "17track"),
    ("aftership_api", "aftership"),
    ("easypost_api", "easypost"),
    ("karrio_api", "karrio"),
    ("shipengine_api", "shipengine"),
    ("shippo_api", "shippo"),
    ("trackingmore_api", "trackingmore"),
];

/// What people call them.
const LABELS: &[(&str, &str)] = &[
    ("17track_api", "17TRACK API"),
    ("aftership_api", "AfterShip API"),
    ("easypost_api", "EasyPost API"),
    ("karrio_api", "Karrio API"),
    ("shipengine_api", "ShipEngine API"),
    ("shippo_api", "Shippo API"),
    ("trackingmore_api", "TrackingMore API"),
];

/// The API behind a connector; none where there is no such connector.
pub fn manifest(connector: &str) -> Option<&'static ApiManifest> {
    let (_, carrier) = CONNECTORS.iter().find(|(id, _)| *id == connector)?;
    by_id(carrier).and_then(Carrier::api)
}

/// What people call a connector.
pub fn label(connector: &str) -> Option<&'static str> {
    LABELS.iter().find(|(id, _)| *id == connector).map(|(_, label)| *label)
}

/// The APIs as a person chooses them.
pub fn templates() -> Vec<Template> {
    let of = |(id, _): &(&'static str, &str)| Some(template(id, manifest(id)?, label(id)?));
    CONNECTORS.iter().filter_map(of).collect()
}

fn template(id: &'static str, manifest: &'static ApiManifest, label: &'static str) -> Template {
    let (reads, writes) = match (manifest.booking.is_some(), manifest.registering.is_some()) {
        (true, true) => ("Rates, labels", "Bookings, numbers to track"),
        (true, false) => ("Rates, labels", "Bookings"),
        _ => ("Nothing", "Numbers to track"),
    };
    Template {
        id,
        label,
        family: Family::Shipping,
        version: 1,
        fields: manifest.fields(),
        secret_label: manifest.key_label,
        secret_help: manifest.key_help,
        reads,
        writes,
        signs_in: "API key",
    }
}

/// Tests a connection: the address, and the key.
pub async fn check(platform: &dyn Platform, subject: Subject<'_>, now: Timestamp, log: &dyn CallLog) -> Report {
    let key = format!("{} accepted", subject.secret_label);
    let mut report = Building::new(subject, now);
    match platform.probe(log).await {
        Ok(()) => {
            report.passed("Address reached", subject.address);
            report.passed(&key, "");
            report.rights(Vec::new())
        }
        Err(error) if matches!(error.class, ErrorClass::Unauthorized | ErrorClass::Forbidden) => {
            report.passed("Address reached", subject.address);
            report.failed(subject.refused(&error), &[])
        }
        Err(error) => report.failed(subject.unreached(&error), &[&key]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ALL;

    #[test]
    fn every_api_is_a_connector() {
        let with_api: Vec<&str> =
            ALL.iter().filter(|carrier| carrier.api().is_some()).map(|carrier| carrier.manifest().id).collect();
        for carrier in &with_api {
            assert!(CONNECTORS.iter().any(|(_, of)| of == carrier), "{carrier}");
        }
        assert_eq!(templates().len(), with_api.len());
        for template in templates() {
            assert_eq!(template.family, Family::Shipping);
            assert!(by_id(template.id).is_none(), "{} is no source", template.id);
        }
    }
}
