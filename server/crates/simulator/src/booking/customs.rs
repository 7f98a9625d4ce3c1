//! What is declared to customs: each platform has it in other words, and takes no parcel across a border of customs without it.

use serde_json::Value;

/// The European Union, one area of customs.
const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

/// A line of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: u64,
    /// What all of them are worth, in hundredths of the currency.
    pub cents: i64,
    /// The currency.
    pub currency: String,
    /// The tariff number.
    pub hs_code: Option<String>,
    /// Where it was made.
    pub origin: String,
}

/// Where a platform has what is declared: pointers into the body, then into a line.
pub(super) struct Words {
    pub from: &'static str,
    pub to: &'static str,
    pub lines: &'static str,
    pub description: &'static str,
    pub value: &'static str,
    /// Whether that is of one of them.
    pub value_of_each: bool,
    pub currency: &'static str,
    pub hs_code: &'static str,
    pub origin: &'static str,
}

impl Words {
    /// What is declared; none where nothing is and customs ask for it.
    pub fn declared(&self, body: &Value) -> Option<Vec<Declared>> {
        let lines = body.pointer(self.lines).and_then(Value::as_array);
        let declared: Vec<Declared> = lines.into_iter().flatten().filter_map(|line| self.line(line)).collect();
        let country = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let (from, to) = (country(self.from), country(self.to));
        let within = from == to || [from, to].iter().all(|one| EU.split(' ').any(|of| of == *one));
        (within || !declared.is_empty()).then_some(declared)
    }

    fn line(&self, line: &Value) -> Option<Declared> {
        let text = |at: &str| line.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let quantity = line.pointer("/quantity")?.as_u64()?;
        let value = line.pointer(self.value)?;
        let amount = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        #[expect(clippy::cast_possible_truncation, reason = "values of the sandbox are small")]
        let cents = (amount * 100.0).round() as i64;
        let times = if self.value_of_each { i64::try_from(quantity).ok()? } else { 1 };
        Some(Declared {
            description: text(self.description)?,
            quantity,
            cents: cents * times,
            currency: text(self.currency)?.to_ascii_uppercase(),
            hs_code: text(self.hs_code),
            origin: text(self.origin)?,
        })
    }
}
