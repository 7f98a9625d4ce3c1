//! Composed answers of platforms, in tables: each with where its shape is documented, and what it means.

use crate::{
    booking::{
        Address, BookingKey, Contents, Customs, CustomsItem, LabelFormat, Mode, Parcel, RateRequest, Undeliverable,
    },
    outcome::Outcome,
};
use domain::money::Money;
use outbound::Response;
use serde::Deserialize;
use serde_json::Value;

/// A line of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Composed {
    /// What it is about.
    pub case: String,
    /// Which call it answers.
    pub of: String,
    pub status: u16,
    /// Where its shape is documented.
    pub provenance: String,
    /// A text is sent as it is, anything else as JSON.
    pub body: Value,
    /// What it means: see [`word`].
    pub expect: String,
}

impl Composed {
    /// As it comes over the wire.
    pub fn answer(&self) -> Response {
        let body = match &self.body {
            Value::String(text) => text.clone().into_bytes(),
            Value::Null => Vec::new(),
            other => other.to_string().into_bytes(),
        };
        Response { status: self.status, headers: http::HeaderMap::new(), body }
    }
}

/// The lines of a table.
pub(crate) fn table(text: &str) -> Vec<Composed> {
    let lines: Vec<Composed> = serde_json::from_str(text).unwrap();
    for line in &lines {
        assert!(line.provenance.len() > 10, "{}: where is its shape documented?", line.case);
    }
    lines
}

/// Reads every line with `read`, which says what it means.
pub(crate) fn agree(text: &str, read: impl Fn(&Composed) -> String) {
    let lines = table(text);
    assert!(lines.len() >= 5, "{} lines", lines.len());
    for line in &lines {
        assert_eq!(read(line), line.expect, "{} ({})", line.case, line.of);
    }
}

/// The line of this case.
pub(crate) fn case(text: &str, case: &str) -> Composed {
    table(text).into_iter().find(|line| line.case == case).unwrap_or_else(|| panic!("no case {case}"))
}

/// An outcome in a word; what is done, by `done`.
pub(crate) fn word<T>(outcome: &Outcome<T>, done: impl Fn(&T) -> String) -> String {
    match outcome {
        Outcome::Done(of) => done(of),
        Outcome::Pending { .. } => "pending".into(),
        Outcome::Refused(refusal) => format!("refused {}", refusal.code.code()),
        Outcome::NotSent(_) => "not sent".into(),
        Outcome::Unknown(_) => "unknown".into(),
        Outcome::Unauthorised(_) => "unauthorised".into(),
    }
}

/// A request with everything that it may have.
pub(crate) fn request() -> RateRequest {
    let address = |name: &str, city: &str, postal_code: &str, country: &str| Address {
        name: Some(name.into()),
        street1: "Sandbox Street 1".into(),
        street2: Some(String::new()),
        city: city.into(),
        postal_code: Some(postal_code.into()),
        country: country.into(),
        ..Address::default()
    };
    let item = CustomsItem {
        description: "Pump".into(),
        quantity: 2,
        net_weight_g: 900,
        unit_value: Money::read("12.25", "EUR").unwrap(),
        hs_code: Some("8413.70".into()),
        origin: "DE".into(),
        sku: None,
    };
    RateRequest {
        key: BookingKey::of(&["composed"]),
        mode: Mode::Live,
        to: address("Jane Doe", "Lyon", "69001", "FR"),
        from: address("Northwind", "Hannover", "30159", "DE"),
        parcel: Parcel { weight_g: 1250, size_mm: Some([302, 200, 100]) },
        customs: Some(Customs {
            contents: Contents::Merchandise,
            undeliverable: Undeliverable::Return,
            incoterm: Some("DAP".into()),
            invoice: None,
            signer: "Sam Smith".into(),
            items: vec![item],
        }),
        references: vec!["WH/OUT/1".into(), "S1".into()],
        signature: true,
        format: LabelFormat::Pdf,
        ship_on: None,
    }
}
