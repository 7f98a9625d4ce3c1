//! What codes mean, for the pages.

use super::{Asker, times::Times, words::who};
use app::components::parts::grouped;
use app::contract::{
    ApiError, ApiResult,
    mappings::{AskedCode, ChangeView, CodeView, MappingQuery, MappingsView, NewMeaning, SampleView, VersionView},
    session::Permission,
};
use application::tracking::{
    codes::{self, Codes, ShownChange, ShownCode, ShownVersion, Since},
    mappings::{self, Change},
};
use async_trait::async_trait;
use domain::{mapping::Meaning, observation::ProviderCode};
use storage::mappings::Sample;

/// Changes shown of one version.
const CHANGES_SHOWN: usize = 10;

/// Mappings.
pub struct MappingsPort(pub Asker);

#[async_trait]
impl app::contract::mappings::MappingsPort for MappingsPort {
    async fn view(&self, query: MappingQuery) -> ApiResult<MappingsView> {
        let caller = self.0.caller(Permission::Operate)?;
        let is_asked = !query.list.is_empty() && !query.value.is_empty();
        let asked = is_asked.then(|| ProviderCode::new(&query.list, query.value));
        let codes = codes::codes(&self.0.context, &caller, asked).await;
        Ok(view(codes.map_err(|e| self.0.refused(e))?, &self.0.times()))
    }

    async fn publish(&self, meaning: NewMeaning) -> ApiResult<u32> {
        let caller = self.0.caller(Permission::Operate)?;
        let means = match (meaning.milestone.as_str(), meaning.reason.as_str()) {
            ("", "") => None,
            ("", _) => {
                let message = "choose a milestone; Info where the code only reports the exception".into();
                return Err(ApiError::Invalid { field: "milestone".into(), message });
            }
            (milestone, "") => Some(milestone.to_owned()),
            (milestone, reason) => Some(format!("{milestone}|{reason}")),
        };
        let change = Change { code: ProviderCode::new(&meaning.list, meaning.value), meaning: means, why: meaning.why };
        mappings::publish(&self.0.context, &caller, change).await.map_err(|e| self.0.refused(e))
    }

    async fn roll_back(&self, version: u32, why: String) -> ApiResult<u32> {
        let caller = self.0.caller(Permission::Operate)?;
        mappings::roll_back(&self.0.context, &caller, version, why).await.map_err(|e| self.0.refused(e))
    }
}

fn view(codes: Codes, times: &Times) -> MappingsView {
    let (lists, built_in) = codes.built_in;
    let built_in = VersionView {
        version: 0,
        who: format!("{} codes in {lists} lists", grouped(built_in as u64)),
        when: None,
        why: String::new(),
        changes: Vec::new(),
        more: 0,
    };
    MappingsView {
        version: codes.version,
        total: codes.total,
        codes: codes.unmapped.into_iter().map(|code| code_view(code, times)).collect(),
        asked: codes.asked.map(asked),
        versions: codes.versions.into_iter().map(|version| version_view(version, times)).chain([built_in]).collect(),
    }
}

fn code_view(code: ShownCode, times: &Times) -> CodeView {
    let ShownCode { record, words } = code;
    let sample = |s: Sample| s.shipment.map(|shipment| SampleView { shipment: shipment.to_string(), number: s.number });
    let mut samples: Vec<_> = record.samples.into_iter().filter_map(sample).collect();
    samples.dedup();
    CodeView {
        list: record.code.list,
        value: record.code.value,
        seen: record.observations,
        shipments: record.shipments,
        first: times.ago(record.first_seen),
        last: times.ago(record.last_seen),
        words,
        samples,
    }
}

fn asked(code: codes::AskedCode) -> AskedCode {
    AskedCode {
        list: code.code.list,
        value: code.code.value,
        observations: code.observations,
        means: code.means.map(in_words),
        ours: code.ours,
        words: code.words,
    }
}

fn in_words(meaning: Meaning) -> String {
    let milestone = meaning.milestone.label();
    match meaning.reason {
        Some(reason) => format!("{milestone}, with the exception {}", reason.label().to_lowercase()),
        None => milestone.to_owned(),
    }
}

fn version_view(version: ShownVersion, times: &Times) -> VersionView {
    VersionView {
        version: version.version,
        who: who(version.who),
        when: Some(times.ago(version.at)),
        why: version.why,
        more: version.changes.len().saturating_sub(CHANGES_SHOWN),
        changes: version.changes.into_iter().take(CHANGES_SHOWN).map(change).collect(),
    }
}

fn change(change: ShownChange) -> ChangeView {
    let means = match change.since {
        Since::Means(meaning) => in_words(meaning),
        Since::Unknown(said) => said,
        Since::BuiltIn(None) => "mapping removed, unmapped again".to_owned(),
        Since::BuiltIn(Some(meaning)) => format!("mapping removed, again {}", in_words(meaning)),
    };
    ChangeView { list: change.code.list, value: change.code.value, means }
}
