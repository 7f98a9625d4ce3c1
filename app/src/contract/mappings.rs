//! What codes mean: those that nobody mapped, and the versions that admins published.

use super::{ApiResult, When};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A question to the page of unmapped codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingQuery {
    /// The list of the code that is about to get a meaning; empty for none.
    #[serde(default)]
    pub list: String,
    /// That code.
    #[serde(default)]
    pub value: String,
}

/// The mapping of a code, as an admin gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMeaning {
    /// The code's list.
    pub list: String,
    /// The code.
    pub value: String,
    /// The milestone's code; empty removes the mapping that an admin published.
    #[serde(default)]
    pub milestone: String,
    /// The code of the exception that it reports; empty for none.
    #[serde(default)]
    pub reason: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingsView {
    /// The newest version; 0 where nothing was published.
    pub version: u32,
    /// How many codes are unmapped.
    pub total: u64,
    /// The most frequent of them.
    pub codes: Vec<CodeView>,
    /// The code that is about to get a meaning.
    pub asked: Option<AskedCode>,
    /// What was published, newest first.
    pub versions: Vec<VersionView>,
}

/// A code that no mapping knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeView {
    /// The list.
    #[serde(with = "super::verbatim")]
    pub list: String,
    /// The code.
    #[serde(with = "super::verbatim")]
    pub value: String,
    /// How often it was seen.
    pub seen: u64,
    /// On how many shipments.
    pub shipments: u64,
    /// When first.
    pub first: When,
    /// When last.
    pub last: When,
    /// The provider's words, each once.
    pub words: Vec<String>,
    /// Where it was seen last.
    pub samples: Vec<SampleView>,
}

/// A place where a code was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleView {
    /// The shipment.
    pub shipment: String,
    /// Its number.
    pub number: String,
}

/// A code that is about to get a meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedCode {
    /// The list.
    #[serde(with = "super::verbatim")]
    pub list: String,
    /// The code.
    #[serde(with = "super::verbatim")]
    pub value: String,
    /// The observations that will be read again.
    pub observations: u64,
    /// Its mapping now, in words; none without one.
    pub means: Option<String>,
    /// Whether an admin published it and may remove it.
    pub ours: bool,
    /// The provider's words.
    pub words: Vec<String>,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its number; 0 is what ships with the product.
    pub version: u32,
    /// Who published it.
    pub who: String,
    /// When; none for what ships with the product.
    pub when: Option<When>,
    /// Why.
    pub why: String,
    /// What it changed.
    pub changes: Vec<ChangeView>,
    /// How many changes are not shown.
    pub more: usize,
}

/// A code whose meaning a version changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// The list.
    #[serde(with = "super::verbatim")]
    pub list: String,
    /// The code.
    #[serde(with = "super::verbatim")]
    pub value: String,
    /// What it means since, in words.
    pub means: String,
}

/// Mappings.
#[async_trait]
pub trait MappingsPort: Send + Sync {
    /// The page.
    async fn view(&self, query: MappingQuery) -> ApiResult<MappingsView>;
    /// Publishes what a code means; the new version.
    async fn publish(&self, meaning: NewMeaning) -> ApiResult<u32>;
    /// Publishes an earlier version again; returns the new version.
    async fn roll_back(&self, version: u32, why: String) -> ApiResult<u32>;
}
