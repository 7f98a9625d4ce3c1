//! What codes mean, for the pages.

use super::{Asker, refused, times::Times};
use app::components::parts::grouped;
use app::contract::{
    ApiError, ApiResult,
    mappings::{AskedCode, ChangeView, CodeView, MappingQuery, MappingsView, NewMeaning, SampleView, VersionView},
    session::Permission,
};
use application::{
    context::Context,
    error::{Result, UseCaseError},
    governance::messages,
    tracking::{
        mappings::{self, Change, ChangedCode},
        normalise::{StatementText, TEXT},
    },
};
use async_trait::async_trait;
use domain::{
    mapping::{Mapping, Meaning, Overlay},
    observation::ProviderCode,
    reading::Reader,
};
use std::collections::HashMap;
use storage::{
    Actor, Scope,
    mappings::{PublishedMapping, Sample, UnmappedCode},
};

/// Codes of one page.
const CODES_SHOWN: usize = 100;
/// Changes shown of one version.
const CHANGES_SHOWN: usize = 10;

/// Mappings.
pub struct MappingsPort(pub Asker);

#[async_trait]
impl app::contract::mappings::MappingsPort for MappingsPort {
    async fn view(&self, query: MappingQuery) -> ApiResult<MappingsView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::Operate)?);
        view(context, scope, query, &self.0.times()).await.map_err(|e| refused(context, e))
    }

    async fn publish(&self, meaning: NewMeaning) -> ApiResult<u32> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        caller.require(Permission::Operate).map_err(|e| refused(context, e))?;
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
        mappings::publish(context, &caller, change).await.map_err(|e| refused(context, e))
    }

    async fn roll_back(&self, version: u32, why: String) -> ApiResult<u32> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        mappings::roll_back(context, &caller, version, why).await.map_err(|e| refused(context, e))
    }
}

async fn view(context: &Context, scope: Scope, query: MappingQuery, times: &Times) -> Result<MappingsView> {
    let all = context.store.mappings.unmapped(scope).await?;
    let history = context.store.mappings.history(scope).await?;
    let total = context.store.mappings.unmapped_count(scope).await?;
    let mut codes = Vec::new();
    let named = |code: &&UnmappedCode| code.samples.iter().any(|sample| sample.text.is_some());
    if !times.mask.hides() && all.iter().take(CODES_SHOWN).any(|code| named(&code)) {
        messages::note_words_read(context, scope).await?;
    }
    for code in all.iter().take(CODES_SHOWN) {
        codes.push(code_view(context, scope, code, times).await?);
    }
    let asked = match (query.list.as_str(), query.value.as_str()) {
        ("", _) | (_, "") => None,
        (list, value) => Some(asked(context, scope, ProviderCode::new(list, value), &codes, history.first()).await?),
    };
    Ok(MappingsView {
        version: history.first().map_or(0, |newest| newest.version),
        total,
        codes,
        asked,
        versions: versions(context, scope, &history, times).await?,
    })
}

async fn code_view(context: &Context, scope: Scope, code: &UnmappedCode, times: &Times) -> Result<CodeView> {
    let mut words: Vec<String> = Vec::new();
    for sample in code.samples.iter().filter(|_| !times.mask.hides()) {
        if let Some(text) = words_of(context, scope, sample).await?.filter(|text| !words.contains(text)) {
            words.push(text);
        }
    }
    let sample =
        |s: &Sample| s.shipment.map(|shipment| SampleView { shipment: shipment.to_string(), number: s.number.clone() });
    let mut samples: Vec<_> = code.samples.iter().filter_map(sample).collect();
    samples.dedup();
    Ok(CodeView {
        list: code.code.list.clone(),
        value: code.code.value.clone(),
        seen: code.observations,
        shipments: code.shipments,
        first: times.ago(code.first_seen),
        last: times.ago(code.last_seen),
        words,
        samples,
    })
}

/// The provider's words; none where there are none or their key is destroyed.
async fn words_of(context: &Context, scope: Scope, sample: &Sample) -> Result<Option<String>> {
    let Some(sealed) = &sample.text else { return Ok(None) };
    let Some(wrapped) = context.store.people.key(scope, sealed.subject).await? else { return Ok(None) };
    let key = context.vault.unwrap(&wrapped).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let opened = key.open(TEXT, sealed).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    Ok(serde_json::from_slice::<StatementText>(&opened).ok().and_then(|text| text.description))
}

async fn asked(
    context: &Context,
    scope: Scope,
    code: ProviderCode,
    shown: &[CodeView],
    newest: Option<&PublishedMapping>,
) -> Result<AskedCode> {
    let ours = newest.is_some_and(|n| n.overlay.get(&code.list).is_some_and(|codes| codes.contains_key(&code.value)));
    let words = shown.iter().find(|c| c.list == code.list && c.value == code.value).map(|c| c.words.clone());
    Ok(AskedCode {
        observations: context.store.mappings.count_with(scope, vec![code.clone()]).await?,
        means: context.mapping().look_up(&code).map(in_words),
        ours,
        words: words.unwrap_or_default(),
        list: code.list,
        value: code.value,
    })
}

fn in_words(meaning: Meaning) -> String {
    let milestone = meaning.milestone.label();
    match meaning.reason {
        Some(reason) => format!("{milestone}, with the exception {}", reason.label().to_lowercase()),
        None => milestone.to_owned(),
    }
}

/// Every version with what it changed, newest first; what ships with the product is the last.
async fn versions(
    context: &Context,
    scope: Scope,
    history: &[PublishedMapping],
    times: &Times,
) -> Result<Vec<VersionView>> {
    let people: HashMap<_, _> =
        context.store.people.users(scope).await?.into_iter().map(|user| (user.id, user.name)).collect();
    let who = |actor: Actor| match actor {
        Actor::User(id) => people.get(&id).cloned().unwrap_or_else(|| "a former user".into()),
        Actor::Operator => "the command line".into(),
        Actor::System => "Milepost".into(),
    };
    let nothing = Overlay::new();
    let base = Mapping::base();
    let mut views = Vec::with_capacity(history.len() + 1);
    for (at, published) in history.iter().enumerate() {
        let before = history.get(at + 1).map(|earlier| &earlier.overlay);
        // the oldest that is shown may have an earlier one that is not
        let changes = match before.or_else(|| (published.version == 1).then_some(&nothing)) {
            Some(before) => mappings::changes(before, &published.overlay),
            None => Vec::new(),
        };
        views.push(VersionView {
            version: published.version,
            who: who(published.actor),
            when: Some(times.ago(published.at)),
            why: published.why.clone(),
            more: changes.len().saturating_sub(CHANGES_SHOWN),
            changes: changes.into_iter().take(CHANGES_SHOWN).map(|c| change(c, &base)).collect(),
        });
    }
    let (lists, codes) = base.size();
    views.push(VersionView {
        version: base.version(),
        who: format!("{} codes in {lists} lists", grouped(codes as u64)),
        when: None,
        why: String::new(),
        changes: Vec::new(),
        more: 0,
    });
    Ok(views)
}

fn change(change: ChangedCode, base: &Mapping) -> ChangeView {
    let means = match &change.after {
        Some(said) => Meaning::parse(said).map_or_else(|| said.clone(), in_words),
        None => base.look_up(&change.code).map_or_else(
            || "mapping removed, unmapped again".to_owned(),
            |shipped| format!("mapping removed, again {}", in_words(shipped)),
        ),
    };
    ChangeView { list: change.code.list, value: change.code.value, means }
}
