//! What a caller may read of personal data: all of it, or only what is harmless.

mod body;

use crate::caller::Caller;
use domain::{
    access::Permission,
    observation::{Location, Observation, ProviderCode},
};

/// What stands in the place of a code that may be a text.
const HIDDEN: &str = "••••";
/// The longest code, in bytes.
const CODE_MAX: usize = 48;

/// What is hidden of personal data from one caller.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    hides: bool,
}

impl Mask {
    /// Hides nothing.
    pub const NONE: Self = Self { hides: false };
    /// Hides all that is not harmless.
    pub const FULL: Self = Self { hides: true };

    /// What is hidden from this caller.
    pub const fn of(caller: &Caller) -> Self {
        if caller.may(Permission::ReadPersonal) { Self::NONE } else { Self::FULL }
    }

    /// Whether anything is hidden.
    pub const fn hides(self) -> bool {
        self.hides
    }

    /// A provider's code. Some write sentences there: only codes of one word are harmless.
    pub fn code(self, raw: &str) -> &str {
        let is_code = raw.len() <= CODE_MAX && raw.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/+#".contains(c));
        if self.hides && !is_code { HIDDEN } else { raw }
    }

    /// A name or an address: the first letter of each word, then dots, so that it never looks like a value.
    pub fn name(self, text: String) -> String {
        if !self.hides {
            return text;
        }
        let word = |word: &str| word.chars().take(1).chain("••••".chars()).collect::<String>();
        text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Free text, which may name somebody; none where it is hidden.
    pub fn text(self, text: Option<String>) -> Option<String> {
        text.filter(|_| !self.hides)
    }

    /// Where something happened, without free text where it is hidden.
    pub fn place(self, location: &Location) -> Option<String> {
        let label = if self.hides { location.in_parts().label() } else { location.label() };
        Some(label).filter(|label| !label.is_empty())
    }

    /// A statement: without free text, and with codes of one word only, where that is hidden.
    #[must_use]
    pub fn statement(self, said: &Observation) -> Observation {
        if !self.hides {
            return said.clone();
        }
        let mut said = said.without_personal();
        said.codes.raw = self.code(&said.codes.raw).to_owned();
        let named = |code: &mut ProviderCode| code.value = self.code(&code.value).to_owned();
        said.codes.status.iter_mut().chain(&mut said.codes.reason).chain(&mut said.codes.coarse).for_each(named);
        said.time.raw = String::new();
        said
    }

    /// A message's body as text.
    pub fn body(self, body: &[u8]) -> String {
        body::shown(body, self.hides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        Classifier,
        event_time::EventTime,
        observation::{Codes, Origin},
    };

    #[test]
    fn a_masked_name_never_looks_like_a_value() {
        assert_eq!(Mask::FULL.name("Jane Doe".into()), "J•••• D••••");
        assert_eq!(Mask::NONE.name("Jane Doe".into()), "Jane Doe");
    }

    #[test]
    fn a_masked_statement_has_nothing_that_was_written_freely() {
        let code = |value: &str| ProviderCode::new("list", value);
        let said = Observation {
            provider_event_id: None,
            retracts: None,
            codes: Codes {
                raw: "Handed to Hans".into(),
                status: vec![code("D1"), code("with Hans")],
                reason: Some(code("ask Hans")),
                coarse: Some(code("Delivered")),
            },
            classifier: Classifier::Actual,
            time: EventTime::unknown("when Hans wakes up"),
            stated_at: None,
            location: Some(Location { raw: Some("behind the shed of Hans".into()), ..Location::default() }),
            piece: None,
            stop: None,
            origin: Origin::Event,
            description: Some("Hans".into()),
            signatory: Some("Hans".into()),
            documents: Vec::new(),
        };
        let masked = Mask::FULL.statement(&said);
        assert!(!format!("{masked:?}").contains("Hans"), "{masked:?}");
        assert_eq!((&masked.codes.status[0], masked.codes.coarse.as_ref()), (&code("D1"), Some(&code("Delivered"))));
        assert_eq!(Mask::NONE.statement(&said), said);
    }

    #[test]
    fn a_code_that_may_be_a_sentence_is_hidden() {
        for written in ["InTransit_003", "D1", "pre-transit", "9.1", "NS/AG"] {
            assert_eq!((Mask::FULL.code(written), Mask::NONE.code(written)), (written, written));
        }
        for written in ["Handed to Hans 0171 555", "MÜLLER", "a@b.test", "two words", &"x".repeat(CODE_MAX + 1)] {
            assert_eq!((Mask::FULL.code(written), Mask::NONE.code(written)), (HIDDEN, written));
        }
    }
}
