//! Scenarios with the connectors at hand: messages in order of arrival, decoded, read by the base mapping, folded.

use super::{Settings, by_id, read};
use domain::{mapping::Mapping, scenario};
use std::path::Path;

/// Folds a scenario's text; payload files are looked up from the scenario's folder upwards.
///
/// # Errors
/// When the scenario cannot be read, or names a provider that has no connector.
pub fn fold(path: &Path, text: &[u8]) -> Result<serde_json::Value, String> {
    // published specimens say that they are tests: here they count like any message
    let settings = Settings::default();
    let decode = |provider: &str, payload: &[u8]| {
        let carrier = by_id(provider).ok_or_else(|| format!("there is no connector {provider}"))?;
        read(carrier, &settings, payload).map_err(|e| e.to_string())
    };
    let trust = |provider: &str| by_id(provider).map(|c| c.manifest().trust);
    let file = |name: &str| {
        let found = path.ancestors().skip(1).map(|folder| folder.join(name)).find(|file| file.is_file());
        found
            .ok_or_else(|| format!("payload file {name} is not found"))
            .and_then(|file| std::fs::read(file).map_err(|e| e.to_string()))
    };
    let delivery_key = |provider: &str, payload: &[u8]| by_id(provider).and_then(|c| c.delivery_key(payload).0);
    let mapping = Mapping::base();
    let around = scenario::Surroundings {
        reader: &mapping,
        decode: &decode,
        delivery_key: &delivery_key,
        trust: &trust,
        read: &file,
    };
    scenario::run(text, &around)
}
