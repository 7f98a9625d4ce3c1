//! The carrier directory: one list, with the words that sources use for a carrier. How numbers are written is in
//! `numbers`.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

/// Characters of the longest carrier word that is kept as a code of its own.
const WORD_MAX: usize = 40;

/// A carrier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CarrierEntry {
    /// What distinguishes trackers: the brands of one network share their numbers.
    pub family: String,
    /// The brand.
    pub code: String,
    /// What a person reads.
    pub name: String,
    /// Its names, in any source.
    #[serde(default)]
    aliases: Vec<String>,
    /// Words for it that only this source uses.
    #[serde(default)]
    sources: BTreeMap<String, Vec<String>>,
    /// Its codes in EDI (SCAC, and the house codes that partners use), by how far they are known: A seen in public documents
    /// and messages, B trade use. NMFTA's own directory was not read.
    #[serde(default)]
    scacs: BTreeMap<Confidence, Vec<String>>,
}

/// How far an EDI code is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Confidence {
    A,
    B,
}

struct Directory {
    entries: Vec<CarrierEntry>,
    by_word: HashMap<String, usize>,
    by_source_word: HashMap<(String, String), usize>,
    by_scac: HashMap<String, usize>,
}

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let entries: Vec<CarrierEntry> =
        serde_json::from_str(include_str!("carriers.json")).expect("the shipped directory is JSON");
    let (mut by_word, mut by_source_word, mut by_scac) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (index, entry) in entries.iter().enumerate() {
        for word in [&entry.code, &entry.name].into_iter().chain(&entry.aliases) {
            by_word.entry(folded(word)).or_insert(index);
        }
        for (source, words) in &entry.sources {
            by_source_word.extend(words.iter().map(|word| ((source.clone(), folded(word)), index)));
        }
        by_scac.extend(entry.scacs.values().flatten().map(|code| (code.clone(), index)));
    }
    Directory { entries, by_word, by_source_word, by_scac }
});

/// Letters and digits in lower case: `DHL-Express` and `dhl express` are one word.
fn folded(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || *c == '+').flat_map(char::to_lowercase).collect()
}

/// The carrier that a source names, if the directory has it.
pub fn known(source: &str, word: &str) -> Option<&'static CarrierEntry> {
    let plain = folded(word);
    let index = DIRECTORY.by_source_word.get(&(source.to_owned(), plain.clone()));
    let index = index.or_else(|| DIRECTORY.by_word.get(&plain)).or_else(|| by_scac(word.trim()))?;
    DIRECTORY.entries.get(*index)
}

/// The carrier of an EDI code, with or without a partner's suffix for the service (`UPSN_CG`): the longest code that it
/// begins with. Codes are in capitals: a word in small letters is none.
fn by_scac(word: &str) -> Option<&'static usize> {
    let mut code = word;
    loop {
        if let Some(index) = DIRECTORY.by_scac.get(code) {
            return Some(index);
        }
        code = code.rsplit_once(|c: char| !c.is_ascii_alphabetic())?.0;
    }
}

/// The carrier that a source names. An unknown name is a carrier of its own: never an error, never a guess.
pub fn resolve(source: &str, word: &str) -> CarrierEntry {
    if let Some(entry) = known(source, word) {
        return entry.clone();
    }
    let code: String = folded(word).chars().take(WORD_MAX).collect();
    let name: String = word.trim().chars().filter(|c| !c.is_control()).take(WORD_MAX).collect();
    CarrierEntry {
        family: code.clone(),
        code,
        name,
        aliases: Vec::new(),
        sources: BTreeMap::new(),
        scacs: BTreeMap::new(),
    }
}

/// Every family of the directory, each once, with what people call it.
pub fn families() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut seen = BTreeSet::new();
    DIRECTORY
        .entries
        .iter()
        .map(|entry| (entry.family.as_str(), entry.name.as_str()))
        .filter(move |(family, _)| seen.insert(*family))
}

/// What people call a family.
pub fn family_name(family: &str) -> Option<&'static str> {
    DIRECTORY.entries.iter().find(|entry| entry.family == family).map(|entry| entry.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_words_lead_to_one_carrier() {
        for word in ["DHLExpress", "dhl_express", "DHL Express", "dhl-express"] {
            assert_eq!(known("easypost", word).map(|e| e.code.as_str()), Some("dhl_express"), "{word}");
        }
        assert_eq!(known("17track", "100002").map(|e| e.family.as_str()), Some("ups"));
        assert_eq!(known("aftership", "100002"), None, "a number means something to its source only");
        assert_eq!(resolve("aftership", "Blue Bikes!").family, "bluebikes");
    }

    #[test]
    fn edi_codes_lead_to_carriers_with_and_without_a_service() {
        for (code, family) in [
            ("UPSN", "ups"),
            ("UPSN_CG", "ups"),
            ("FDEG", "fedex"),
            ("FXSP", "fedex"),
            ("FXFE", "fedex_freight"),
            ("DHLG", "dhl"),
            ("RDWY", "yrc"),
            ("UPS3", "ups"),
            ("MAEU", "maersk"),
        ] {
            assert_eq!(known("x12_214", code).map(|e| e.family.as_str()), Some(family), "{code}");
        }
        for other in ["WARDROBE", "UPSNX", "upsn", "ur", "_", ""] {
            assert_eq!(known("x12_214", other).map(|e| &e.code), None, "{other}");
        }
    }

    #[test]
    fn words_are_unique() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for entry in &DIRECTORY.entries {
            for word in &entry.aliases {
                if let Some(other) = seen.insert(folded(word), &entry.code) {
                    assert_eq!(other, entry.code, "{word} is used twice");
                }
            }
            for code in entry.scacs.values().flatten() {
                assert_eq!(
                    DIRECTORY.by_scac.get(code).map(|n| &DIRECTORY.entries[*n].code),
                    Some(&entry.code),
                    "{code}"
                );
            }
        }
    }
}
