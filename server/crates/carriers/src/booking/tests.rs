use super::*;
use domain::money::Money;

const MANIFEST: BookingManifest = BookingManifest {
    key: BookKey::ObjectGuard,
    formats: &[LabelFormat::Pdf],
    needs_dimensions: true,
    tracks_labels: false,
    void_window: "",
};

fn address() -> Address {
    Address {
        name: Some("Jane Doe".into()),
        street1: "Main St 1".into(),
        city: "Lyon".into(),
        country: "FR".into(),
        ..Address::default()
    }
}

fn request() -> RateRequest {
    RateRequest {
        key: BookingKey::of(&["a"]),
        mode: Mode::Test,
        to: address(),
        from: address(),
        parcel: Parcel { weight_g: 1200, size_mm: Some([300, 200, 100]) },
        customs: None,
        references: Vec::new(),
        signature: false,
        format: LabelFormat::Pdf,
        ship_on: None,
    }
}

#[test]
fn a_key_is_of_all_its_parts_and_fits_everywhere() {
    let key = BookingKey::of(&["acme", "prod", "42", "1", "0"]);
    assert_eq!(key.as_str().len(), 32);
    assert_eq!(BookingKey::parse(key.as_str()), Some(key.clone()));
    for other in
        [&["acme", "prod", "42", "1", "1"][..], &["acme", "prod", "421", "", "0"], &["acmeprod", "", "42", "1", "0"]]
    {
        assert_ne!(BookingKey::of(other), key, "{other:?}");
    }
    for wrong in ["", "abc", &"A".repeat(32), &"g".repeat(32), &"a".repeat(33)] {
        assert_eq!(BookingKey::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_no_platform_could_book_is_refused_before_anything_is_sent() {
    request().check(&MANIFEST).unwrap();
    type Spoil = fn(&mut RateRequest);
    let item = || CustomsItem {
        description: "Pump".into(),
        quantity: 1,
        net_weight_g: 900,
        unit_value: Money::read("12", "EUR").unwrap(),
        hs_code: None,
        origin: "DE".into(),
        sku: None,
    };
    let cases: [(Spoil, RefusalCode, &str); 8] = [
        (|r| r.to.name = Some(" ".into()), RefusalCode::Address, "the recipient's address needs a name"),
        (|r| r.from.street1.clear(), RefusalCode::Address, "the sender's address needs a street"),
        (|r| r.to.city.clear(), RefusalCode::Address, "needs a city"),
        (|r| r.to.country = "fr".into(), RefusalCode::Address, "two capital letters"),
        (|r| r.parcel.weight_g = 0, RefusalCode::Parcel, "no weight"),
        (|r| r.parcel.size_mm = None, RefusalCode::Parcel, "length, width and height"),
        (|r| r.parcel.size_mm = Some([300, 0, 100]), RefusalCode::Parcel, "0 mm"),
        (|r| r.format = LabelFormat::Zpl, RefusalCode::Content, "no zpl labels"),
    ];
    for (spoil, code, words) in cases {
        let mut spoiled = request();
        spoil(&mut spoiled);
        let refusal = spoiled.check(&MANIFEST).unwrap_err();
        assert_eq!(refusal.code, code);
        assert!(refusal.error.message.contains(words), "{}", refusal.error);
    }
    let customs = |items| Customs {
        contents: Contents::Merchandise,
        undeliverable: Undeliverable::Return,
        incoterm: None,
        invoice: None,
        signer: "Jane Doe".into(),
        items,
    };
    let of = |items| RateRequest { customs: Some(customs(items)), ..request() }.check(&MANIFEST);
    of(vec![item()]).unwrap();
    assert!(of(Vec::new()).is_err());
    let error = of(vec![item(), CustomsItem { quantity: 0, ..item() }]).unwrap_err().error;
    assert!(error.message.contains("item 2") && error.message.contains("a quantity"), "{error}");
}

#[test]
fn neither_debug_nor_a_refusal_shows_a_person() {
    let mut request = request();
    request.to.country = "x".into();
    let texts = format!("{request:?} {:?}", request.check(&MANIFEST).unwrap_err());
    assert!(!texts.contains("Jane") && !texts.contains("Main St"), "{texts}");
}

#[test]
fn a_label_is_known_by_its_first_bytes() {
    assert_eq!(LabelFormat::of(b"%PDF-1.4\n"), Some(LabelFormat::Pdf));
    assert_eq!(LabelFormat::of(b"\x89PNG\r\n\x1a\n\0"), Some(LabelFormat::Png));
    assert_eq!(LabelFormat::of(b"\n^XA^FX"), Some(LabelFormat::Zpl));
    for other in [&b"<html>expired</html>"[..], b"", b"{\"error\":\"expired\"}"] {
        assert_eq!(LabelFormat::of(other), None);
    }
}
