//! `vectors.json`, composed for this: see SOURCE.md beside it.

use super::*;
use crate::carriers;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub(super) struct Vector {
    pub(super) number: String,
    pub(super) carrier: Option<String>,
    format: Option<String>,
    pub(super) valid: bool,
    canonical: Option<String>,
    pub(super) forms: Vec<String>,
    check: String,
    #[serde(default)]
    delivered_by: Option<String>,
    #[serde(default)]
    also: Option<Vec<String>>,
}

pub(super) fn vectors() -> Vec<Vector> {
    let read: Vectors = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(read.vectors.len() > 100);
    read.vectors
}

/// It has a wrong check digit as DHL's Identcode, and by chance the right one of a FedEx number.
const ANOTHERS: &str = "259879690810";

#[test]
fn every_vector_reads_as_it_should() {
    let mut wrong = Vec::new();
    for vector in vectors().into_iter().filter(|v| v.number != ANOTHERS) {
        let number = Number::read(&vector.number);
        if number.is_valid() != vector.valid || number.canonical() != vector.canonical.as_deref() {
            wrong.push(format!("{}: {:?} {:?}", vector.number, number.canonical(), number.problem()));
        }
        for form in &vector.forms {
            if Number::read(form).canonical() != vector.canonical.as_deref() {
                wrong.push(format!("{} as {form:?}: {:?}", vector.number, Number::read(form)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_number_of_one_carrier_may_be_a_right_one_of_another() {
    let number = Number::read(ANOTHERS);
    let checks: Vec<_> = number.formats().iter().map(|c| (c.format.id.as_str(), c.check)).collect();
    assert_eq!(checks[0], ("fedex_12", Check::Good));
    assert!(checks.contains(&("dhl_de_identcode", Check::Bad)), "{checks:?}");
    assert!(!Number::read_with(ANOTHERS, Hints { carrier: Some("dhl"), country: None }).is_valid());
}

#[test]
fn every_vector_has_its_format_and_carrier() {
    let mut wrong = Vec::new();
    for vector in vectors().iter().filter(|v| v.valid) {
        let number = Number::read(&vector.number);
        let (format, carrier) = (vector.format.as_deref().unwrap(), vector.carrier.as_deref().unwrap());
        let also = vector.also.clone().unwrap_or_default();
        let own = number.formats().iter().find(|c| c.format.id == format && c.carrier == carrier);
        let good = if vector.check == "none" || own.is_some_and(|c| c.format.check_name().is_none()) {
            Check::None
        } else {
            Check::Good
        };
        let first = ids(&number).first().copied().unwrap_or_default();
        // where two formats have a right check digit, the context decides which is meant
        let ranked = first == format || also.iter().any(|other| other == first);
        let all = also.iter().all(|other| ids(&number).contains(&other.as_str()));
        if own.is_none_or(|own| own.check != good) || !ranked || !all {
            wrong.push(format!("{}: {} not in {:?}", vector.number, format, number.formats()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_delivers_is_said_where_it_is_known() {
    for vector in vectors().iter().filter(|v| v.valid) {
        let Some(by) = &vector.delivered_by else { continue };
        let number = Number::read(&vector.number);
        let said = serde_json::to_value(NumberReport::new(&vector.number, &number)).unwrap();
        for part in by.split(" or ") {
            let listed = said["formats"][0]["delivered_by"].as_array().unwrap();
            assert!(listed.iter().any(|one| one == part), "{}: {part} not in {listed:?}", vector.number);
        }
    }
}

#[test]
fn a_named_carrier_goes_before_chance() {
    for vector in vectors().iter().filter(|v| v.valid) {
        let Some(family) = carriers::known("", vector.carrier.as_deref().unwrap()).map(|e| e.family.as_str()) else {
            continue;
        };
        let number = Number::read_with(&vector.number, Hints { carrier: Some(family), country: None });
        let first = number.formats().first().unwrap();
        assert!(number.is_valid() && first.family == Some(family), "{}: {:?}", vector.number, number.formats());
    }
}
