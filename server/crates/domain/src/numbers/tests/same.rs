//! When two texts are one number.

use super::{vectors::vectors, *};
use crate::carriers;

fn written<'a>(text: &'a str, carrier: Option<&'a str>) -> Written<'a> {
    Written { text, carrier }
}

/// Each is found by the other, whichever was there first.
fn agree(one: Written<'_>, other: Written<'_>) -> bool {
    let found = |new: Written<'_>, kept: Written<'_>| {
        let kept = normalise_of(kept.text, kept.carrier).unwrap();
        kept_under(new.text, new.carrier).contains(&kept)
    };
    let is = same(one, other);
    assert_eq!(is, same(other, one), "{one:?} {other:?}");
    assert!(!is || found(one, other) && found(other, one), "{one:?} {other:?} are not found");
    is
}

#[test]
fn every_form_of_a_number_is_kept_under_one_key_whoever_names_its_carrier() {
    for vector in vectors().iter().filter(|v| v.valid) {
        let family = vector.carrier.as_deref().and_then(|c| carriers::known("", c)).map(|e| e.family.as_str());
        let number = Number::read_with(&vector.number, Hints { carrier: family, country: None });
        let forms: Vec<String> = vector.forms.iter().cloned().chain(number.forms()).chain(number.twin()).collect();
        for form in &forms {
            assert_eq!(normalise(form), normalise(&vector.number), "{form}");
            for (a, b) in [(family, family), (family, None), (None, family), (None, None)] {
                assert!(agree(written(&vector.number, a), written(form, b)), "{} {a:?}, {form} {b:?}", vector.number);
            }
        }
    }
}

#[test]
fn pairs() {
    let imb = "9261299999998730503142";
    for (one, other, is) in [
        // what one carrier takes over from another
        ((imb, Some("usps")), (imb, Some("fedex")), true),
        ((imb, Some("ups")), (imb, Some("dhl")), true),
        ((imb, Some("usps")), ("61299999998730503142", Some("fedex")), true),
        (("420202609261299999998730503142", Some("usps")), ("61299999998730503142", None), true),
        (("MI999999ORDER0042A1", Some("ups")), ("mi 999999 order0042a1", Some("usps")), true),
        (("MI999999ORDER0042A1", Some("ups")), ("MI999999ORDER0042A1", Some("dhl")), false),
        (("1Z999AA10123456784", Some("ups")), ("UPS 1Z 999 AA1 01 2345 6784", Some("fedex")), true),
        (("RB123456785GB", Some("royal_mail")), ("RB 123 456 785 GB", Some("usps")), true),
        (("CD123456789", Some("ups")), ("CD123456789", Some("dhl")), false),
        // read as its carrier writes it, wherever that is named
        (("913411501389", Some("gls")), ("91341150138", Some("gls")), true),
        (("913411501389", None), ("91341150138", Some("gls")), true),
        (("913411501389", Some("gls")), ("91341150138", None), true),
        (("913411501389", Some("gls")), ("913411501389", None), true),
        (("GLS 913411501389", Some("gls")), ("91341150138", None), true),
        (("913411501389", Some("fedex")), ("91341150138", Some("gls")), false),
        (("913411501389", Some("fedex")), ("91341150138", None), false),
        (("00732879858041", Some("fedex")), ("732879858041", None), true),
        (("00732879858041", Some("hermes_de")), ("732879858041", Some("fedex")), false),
        (("00732879858041", Some("dpd")), ("732879858041", None), false),
        // twenty digits that GLS may use for itself, and a pallet's number
        (("00340123456467733949", Some("gls")), ("(00)340123456467733949", None), false),
        (("00340123456467733949", Some("gls")), ("340123456467733949", Some("gls")), false),
        (("00340123456467733949", Some("gls")), ("00 3401 2345 6467 7339 49", None), true),
        (("(00)340123456467733949", None), ("340123456467733949", Some("schenker")), true),
        (("340123456467733949", Some("schenker")), ("340123456467733949", Some("dsv")), false),
        // neither is part of the other
        (("12345678", None), ("0012345678", None), false),
        (("N1", Some("dhl")), ("N1", None), true),
        (("N1", Some("dhl")), ("N1", Some("ups")), false),
        (("CSQU3054383", Some("maersk")), ("CSQU3054383", Some("msc")), false),
    ] {
        assert_eq!(agree(written(one.0, one.1), written(other.0, other.1)), is, "{one:?} {other:?}");
    }
}

#[test]
fn most_numbers_are_kept_under_one_key() {
    for (text, carrier) in [
        ("1Z 999 AA1 01 2345 6784", Some("ups")),
        ("420202609400100000000544944941", None),
        ("9400100000000544944941", Some("fedex")),
        ("RB123456785GB", None),
        ("(00)340123456467733949", None),
        ("00340434161094042557", Some("dhl")),
        ("N1", Some("dhl")),
        ("JJD014600001234567890", None),
    ] {
        let keys = kept_under(text, carrier);
        let cleaned = Number::read(text).cleaned().to_owned();
        assert!(keys.len() == 1 || keys.len() == 2 && keys[1] == cleaned, "{text}: {keys:?}");
    }
}

#[test]
fn a_person_may_see_one_number_where_none_is_certain() {
    for (one, other, is) in [
        (("913411501389", Some("ups")), ("91341150138", Some("gls")), true),
        (("00732879858041", Some("hermes_de")), ("732879858041", Some("fedex")), true),
        (("N1", Some("dhl")), ("N1", Some("ups")), true),
        (("N1", Some("dhl")), ("N12", Some("ups")), false),
    ] {
        let finds = |new: (&str, Option<&str>), kept: (&str, Option<&str>)| {
            resembling(new.0, new.1).contains(&normalise_of(kept.0, kept.1).unwrap())
        };
        assert_eq!((finds(one, other), finds(other, one)), (is, is), "{one:?} {other:?}");
    }
}
