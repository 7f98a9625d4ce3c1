//! Where one text fits several carriers, and other questions of which it is.

use super::*;

#[test]
fn what_collides_is_ranked_by_evidence() {
    for (text, first, others) in [
        // ten digits: DHL's check digit, else the freight bill's
        ("7777777770", "dhl_express_10", &["pro_yrc"][..]),
        ("1003403979", "pro_yrc", &["dhl_express_10"]),
        // eleven: an airline's prefix, then GLS' products; DHL's eleven never first
        ("61894723930", "awb", &["gls_11"]),
        ("20109317895", "gls_11", &["awb"]),
        ("76581451181", "gls_11", &["dhl_express_11"]),
        ("77891835249", "pro_odfl", &["gls_11"]),
        // twelve: FedEx, then the others whose check digit is right
        ("385930204131", "fedex_12", &["gls_11", "purolator_12"]),
        ("201298452277", "fedex_12", &["dhl_de_identcode", "gls_11"]),
        ("563102430313", "dhl_de_identcode", &["fedex_12"]),
        // fourteen: a routing code only with a real region and product
        ("53113994131000", "dp_leitcode", &["hermes_de_14", "dpd_14"]),
        ("04374379463954", "hermes_de_14", &["dp_leitcode", "dpd_14"]),
        ("01487881553788", "dpd_14", &[]),
        // sixteen and eighteen
        ("7023210039414604", "canadapost_16", &["evri_16"]),
        ("990012345612345678", "swisspost_18", &["sscc"]),
        ("801626761204649799", "ups_mi_sequence", &["sscc"]),
        // twenty and more: the first digits
        ("00340434161094015902", "dhl_de_20", &["sscc"]),
        ("61299999998730503142", "fedex_smartpost_20", &[]),
        ("1085853914953413566129", "austrianpost_22", &[]),
        ("9611019067686661092230", "fedex_ground_96", &[]),
        ("664391582290634389999119", "inpost_24", &[]),
        ("323212345659900040669030", "bpost_24", &[]),
        // 420 with a right number inside goes before FedEx' thirty-four digits
        ("4202026092612999999999179044769754", "usps_impb", &[]),
        // JD is DHL's and Yodel's
        ("JJD014600001234567890", "dhl_piece", &[]),
        ("JD0002123456789012", "yodel_jd", &[]),
        ("JJD0002123456789012", "yodel_jd", &[]),
        // letters at both ends
        ("LX995854810GB", "s10", &[]),
        ("LX12345678", "lasership", &[]),
    ] {
        let number = Number::read(text);
        assert_eq!(ids(&number).first(), Some(&first), "{text}: {:?}", ids(&number));
        assert!(number.is_valid(), "{text}");
        for other in others {
            assert!(ids(&number).contains(other), "{text} is no {other}: {:?}", ids(&number));
        }
    }
    assert_eq!(Number::read("LX12345678").certain().map(|c| c.carrier), Some("lasership"));
    assert!(Number::read("385930204131").certain().is_none(), "a guess is not presented as fact");
    assert!(Number::read("957332973").certain().is_none(), "a length is a hint");
    assert_eq!(Number::read("1Z999AA10123456784").certain().map(|c| c.family), Some(Some("ups")));
}

#[test]
fn the_accounts_country_breaks_ties() {
    let at = |country| {
        let number = Number::read_with("201298452277", Hints { carrier: None, country: Some(country) });
        ids(&number)[0].to_owned()
    };
    assert_eq!((at("DE").as_str(), at("US").as_str()), ("dhl_de_identcode", "fedex_12"));
}

#[test]
fn what_is_no_number_says_why() {
    for (text, why) in [
        ("", "the number is empty"),
        (" -/ ", "the number is empty"),
        ("A\u{0}B", "the number has a control character"),
        ("1.23457E+21", "a spreadsheet has rounded this number, its last digits are lost: enter it again as text"),
        ("4006381333931", "this is a product's number (GTIN), not a shipment's"),
        ("(01)04006381333931(21)1", "this is a product's number (GTIN), not a shipment's"),
        ("123456789", "digits that repeat or count are a placeholder or a counter, not a number"),
        ("SO12345", "this looks like the number of an order or a document"),
        ("WH/OUT/00012", "this looks like the number of an order or a document"),
        ("1Z999AA10123456785", "the check digit is wrong: for ups_1z it should be 4"),
        (
            "1Z999AA1O123456784",
            "the check digit is wrong: for ups_1z it should be 8; 1Z999AA10123456784 would be right",
        ),
        (
            "1Z999AA10123456784/1Z06X6100100004951",
            "the text holds several numbers: 1Z999AA10123456784, 1Z06X6100100004951",
        ),
        (
            "1Z999AA10123456784 and 1Z06X6100100004951",
            "the text holds several numbers: 1Z999AA10123456784, 1Z06X6100100004951",
        ),
        ("to be announced", "no known carrier writes numbers of this form"),
        ("53113994131000", "this is a routing code for sorting machines: it says where to, not which shipment"),
        ("]C142012345", "this is a routing code for sorting machines: it says where to, not which shipment"),
        ("IMO 9788241", "this number is a ship's, not a shipment's"),
    ] {
        let number = Number::read(text);
        assert_eq!(number.problem().map(ToString::to_string).as_deref(), Some(why), "{text:?}");
    }
    assert_eq!(Number::read(&"9".repeat(65)).problem(), Some(&NotANumber::TooLong));
}

#[test]
fn numbers_are_found_in_other_text() {
    for (text, canonical, carrier) in [
        ("UPS 1Z999AA10123456784", "1Z999AA10123456784", Some("ups")),
        ("UPS: 1Z 999 AA1 01 2345 6784", "1Z999AA10123456784", Some("ups")),
        ("UPS-1Z999AA10123456784", "1Z999AA10123456784", None),
        ("1Z999AA10123456784 (UPS)", "1Z999AA10123456784", None),
        ("sent yesterday with 1Z999AA10123456784, thanks", "1Z999AA10123456784", None),
        ("1Z/999AA1/01+2345+6784", "1Z999AA10123456784", None),
        ("FedEx 7328 7985 8041", "732879858041", Some("fedex")),
        ("Tracking no.: 732879858041", "732879858041", None),
        ("DHL Sendungsnummer 00340434161094015902", "00340434161094015902", Some("dhl")),
        ("https://www.ups.com/track?tracknum=1Z999AA10123456784&loc=en", "1Z999AA10123456784", Some("ups")),
        ("https://www.fedex.com/fedextrack/?trknbr=732879858041", "732879858041", Some("fedex")),
        ("#1Z999AA10123456784;", "1Z999AA10123456784", None),
        ("\"732879858041\"", "732879858041", None),
        ("732879858041, 732879858041", "732879858041", None),
        ("TNT 957332973", "957332973", Some("tnt")),
        ("732879858041.0", "732879858041", None),
    ] {
        let number = Number::read(text);
        assert_eq!(number.canonical(), Some(canonical), "{text}: {:?}", number.problem());
        if carrier.is_some() {
            assert_eq!(number.carrier_in_text(), carrier, "{text}");
        }
    }
    for text in
        ["order 4711 of 732879858041 pieces", "FedEx", "UPS tracking", "retraction of 0c6a6c0e5bb34a5d8f2b3c1d9e7f6a5b"]
    {
        assert_eq!(Number::read(text).canonical(), None, "{text}");
    }
}

#[test]
fn a_field_with_several_numbers_is_split() {
    for (field, numbers) in [
        ("1Z999AA10123456784+1Z06X6100100004951", &["1Z999AA10123456784", "1Z06X6100100004951"][..]),
        ("732879858041/894241753839", &["732879858041", "894241753839"]),
        ("00340434161094015902 00340434776625387689", &["00340434161094015902", "00340434776625387689"]),
        ("1Z999/AA1/0123456784", &["1Z999/AA1/0123456784"]),
        ("125-8617/7781", &["125-8617/7781"]),
        ("7328 7985 8041", &["7328 7985 8041"]),
        ("ABC+DEF", &["ABC+DEF"]),
    ] {
        assert_eq!(split(field), numbers, "{field}");
    }
}

#[test]
fn a_number_is_kept_with_a_wrong_check_digit() {
    for (text, key) in [
        ("1z 999-aa1.01\u{200B} 2345 ", "1Z999AA1012345"),
        ("(00)390123456139763423", "390123456139763423"),
        ("1Z999AA10123456785", "1Z999AA10123456785"),
        ("SO/12345", "SO12345"),
        ("JJD014600001234567890", "JD014600001234567890"),
        ("4006381333931", "4006381333931"),
        ("Müller#1", "MÜLLER#1"),
    ] {
        assert_eq!(normalise(text).as_deref(), Ok(key), "{text}");
    }
    assert_eq!(normalise("1.23457E+21"), Err(NotANumber::Damaged));
    assert_eq!(normalise(" - "), Err(NotANumber::Empty));
    // a container's number without its check digit
    let number = Number::read("CSQU305438");
    assert_eq!(number.canonical(), Some("CSQU3054383"));
    assert_eq!(number.remarks(), ["the check digit was left out; with it the number is CSQU3054383"]);
    assert_eq!(Number::read("RB123456785ZZ").remarks(), ["ZZ is no country or issuer of postal numbers that is known"]);
}

#[test]
fn a_named_carrier_decides() {
    let hints = Hints { carrier: Some("gls"), country: None };
    let number = Number::read_with("913411501389", hints);
    assert_eq!((number.canonical(), ids(&number)[0]), (Some("91341150138"), "gls_11"));
    assert!(number.keys().contains(&"913411501389".to_owned()), "found from every source: {:?}", number.keys());
    // a length that only its carrier uses
    let aramex = Number::read_with("31234567890", Hints { carrier: Some("aramex"), country: None });
    assert!(aramex.is_valid() && ids(&aramex)[0] == "aramex");
    // a check digit of which the table is not certain refuses nothing then
    assert!(!Number::read("394761091006").is_valid());
    assert!(Number::read_with("394761091006", Hints { carrier: Some("purolator"), country: None }).is_valid());
    assert!(!Number::read_with("958406828483", Hints { carrier: Some("fedex"), country: None }).is_valid());
}

#[test]
fn one_number_has_several_forms() {
    for (text, form) in [
        ("340123456467733949", "00340123456467733949"),
        ("340123456467733949", "(00)340123456467733949"),
        ("00340434161094015902", "340434161094015902"),
        ("JD014600001234567890", "JJD014600001234567890"),
        ("420202609400100000000544944941", "420202609400100000000544944941"),
        ("1001439964366392026000732879858041", "732879858041"),
        ("02081140743", "020-81140743"),
        ("20109317895", "201093178952"),
        ("09980000020034", "09980000020034D"),
        ("1Z999AA10123456784", "1Z 999 AA1 01 2345 6784"),
    ] {
        let number = Number::read(text);
        assert!(number.forms().contains(&form.to_owned()), "{text}: {:?}", number.forms());
    }
    let twins =
        [("61299999998730503142", "9261299999998730503142"), ("71969999999736479202", "9171969999999736479202")];
    for (one, other) in twins {
        assert_eq!(Number::read(one).twin().as_deref(), Some(other));
        assert_eq!(Number::read(other).twin().as_deref(), Some(one));
    }
}

#[test]
fn the_networks_that_deliver_are_named() {
    let delivering = |text: &str| Number::read(text).formats()[0].delivering();
    assert_eq!(delivering("1Z999AA10123456784"), ["ups"]);
    assert_eq!(delivering("61299999998730503142"), ["usps"]);
    assert_eq!(delivering("MI999999ORDER0042A1"), ["usps"]);
    let sure_post = format!(
        "1Z999AA1YW1234567{}",
        "0123456789".chars().find(|c| { Number::read(&format!("1Z999AA1YW1234567{c}")).is_valid() }).unwrap()
    );
    assert_eq!(delivering(&sure_post), ["ups", "usps"]);
    assert!(delivering("340123456467733949").is_empty());
}

#[test]
fn a_form_that_one_carrier_makes_names_it() {
    for (number, maker) in [
        ("1Z999AA10123456784", Some("ups")),
        ("1Z999AA10123456785", None), // the check digit is wrong
        ("1Z999AA1012345678", None),
        ("00340434161094042557", Some("dhl")),
        ("00340434161094042558", None),
        ("JD014600003889000000", Some("dhl")),
        ("JJD014600003889000000", Some("dhl")),
        ("JD00099999999", Some("dhl")),
        ("JD0002123456789012", None), // Yodel
        ("JJD0099999999", None),
        ("JD01", None),
        ("TBA000000000000", Some("amazon")),
        ("9400110200881234567890", None), // USPS carries for many
        ("RB123456785GB", None),
        ("123456789012", None),
        ("", None),
        ("1Zéééééééé", None),
        ("003404341610940425é7", None),
    ] {
        assert_eq!(only_maker(number), maker, "{number}");
        assert!(maker.is_none_or(|family| crate::carriers::family_name(family).is_some()));
    }
}

#[test]
fn the_report_has_the_keys_that_are_promised() {
    let said =
        serde_json::to_string(&NumberReport::new("1z999aa10123456784", &Number::read("1z999aa10123456784"))).unwrap();
    assert_eq!(
        said,
        r#"{"input":"1z999aa10123456784","canonical":"1Z999AA10123456784","valid":true,"formats":[{"format":"ups_1z","carrier":"ups","delivered_by":["ups"],"check":"good"}],"forms":["1Z999AA10123456784","1Z 999 AA1 01 2345 6784"]}"#
    );
    let said = serde_json::to_value(NumberReport::new("x", &Number::read("x"))).unwrap();
    assert_eq!(said, serde_json::json!({"input":"x","canonical":null,"valid":false,"formats":[],"forms":[]}));
}
