//! What callers read of codes: those that no mapping knows, and the versions that admins published.

use super::{mappings, normalise::StatementText};
use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    governance::messages,
    mask::Mask,
    people::{PeopleNames, Who},
};
use domain::{
    access::Permission,
    ids::MessageId,
    mapping::{Mapping, Meaning, Overlay},
    observation::ProviderCode,
    reading::MappingVersion,
};
use jiff::Timestamp;
use storage::{
    Scope,
    mappings::{PublishedMapping, Sample, UnmappedCode},
};

/// Codes of one page.
const CODES_SHOWN: usize = 100;

/// Unmapped codes and published versions.
#[derive(Clone, Debug)]
pub struct Codes {
    /// The newest version; 0 where nothing was published.
    pub version: MappingVersion,
    /// How many codes no mapping knows.
    pub total: u64,
    /// The most frequent of them.
    pub unmapped: Vec<ShownCode>,
    /// The code that is about to get a meaning.
    pub asked: Option<AskedCode>,
    /// What was published, newest first.
    pub versions: Vec<ShownVersion>,
    /// How many lists, and codes in them, the mapping has that ships with the product.
    pub built_in: (usize, usize),
}

/// A code that no mapping knows.
#[derive(Clone, Debug)]
pub struct ShownCode {
    /// The code, with where it was seen.
    pub record: UnmappedCode,
    /// The provider's words, each once, where they may be read.
    pub words: Vec<String>,
}

/// A code that is about to get a meaning.
#[derive(Clone, Debug)]
pub struct AskedCode {
    /// The code.
    pub code: ProviderCode,
    /// The observations that will be read again.
    pub observations: u64,
    /// What it means now.
    pub means: Option<Meaning>,
    /// Whether an admin published that and may take it back.
    pub ours: bool,
    /// The provider's words, where they may be read.
    pub words: Vec<String>,
}

/// A published version.
#[derive(Clone, Debug)]
pub struct ShownVersion {
    /// Its number.
    pub version: MappingVersion,
    /// Who published it.
    pub who: Who,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// What it changed.
    pub changes: Vec<ShownChange>,
}

/// A code of which a version says something else than the one before.
#[derive(Clone, Debug)]
pub struct ShownChange {
    /// The code.
    pub code: ProviderCode,
    /// What it means since.
    pub since: Since,
}

/// What a code means since a version.
#[derive(Clone, Debug)]
pub enum Since {
    /// This.
    Means(Meaning),
    /// Something that this version of the product does not know.
    Unknown(String),
    /// What the mapping says that ships with the product; nothing where it does not know the code.
    BuiltIn(Option<Meaning>),
}

/// Unmapped codes and published versions; with one code that is about to get a meaning. Who reads carriers' words leaves a line in
/// the audit trail.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn codes(context: &Context, caller: &Caller, asked: Option<ProviderCode>) -> Result<Codes> {
    caller.require(Permission::Operate)?;
    let (mappings, scope, mask) = (&context.store.mappings, caller.scope(), Mask::of(caller));
    let mut records = mappings.unmapped(scope).await?;
    let history = mappings.history(scope).await?;
    let total = mappings.unmapped_count(scope).await?;
    records.truncate(CODES_SHOWN);
    if !mask.hides() && records.iter().flat_map(|code| &code.samples).any(|sample| sample.text.is_some()) {
        messages::note_words_read(context, scope).await?;
    }
    let mut unmapped = Vec::with_capacity(records.len());
    for record in records {
        unmapped.push(ShownCode { words: words(context, scope, &record.samples, mask).await?, record });
    }
    let asked = match asked {
        Some(code) => Some(asked_code(context, scope, code, &unmapped, history.first()).await?),
        None => None,
    };
    let base = Mapping::base();
    Ok(Codes {
        version: history.first().map_or(0, |newest| newest.version),
        total,
        unmapped,
        asked,
        versions: versions(context, scope, history, &base).await?,
        built_in: base.size(),
    })
}

/// The provider's words in these samples, each once.
async fn words(context: &Context, scope: Scope, samples: &[Sample], mask: Mask) -> Result<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for sample in samples.iter().filter(|_| !mask.hides()) {
        if let Some(text) = words_of(context, scope, sample).await?.filter(|text| !words.contains(text)) {
            words.push(text);
        }
    }
    Ok(words)
}

/// None where there are none, their key is destroyed, or they are damaged.
async fn words_of(context: &Context, scope: Scope, sample: &Sample) -> Result<Option<String>> {
    let Some(sealed) = &sample.text else { return Ok(None) };
    let Some(wrapped) = context.store.people.key(scope, sealed.subject).await? else { return Ok(None) };
    let Ok(key) = context.vault.unwrap(&wrapped) else {
        tracing::warn!(message = %MessageId(sealed.subject.0), "the key of a message cannot be opened");
        return Ok(None);
    };
    Ok(StatementText::opened(&key, sealed).and_then(|text| text.description))
}

async fn asked_code(
    context: &Context,
    scope: Scope,
    code: ProviderCode,
    shown: &[ShownCode],
    newest: Option<&PublishedMapping>,
) -> Result<AskedCode> {
    let ours = newest.is_some_and(|n| n.overlay.get(&code.list).is_some_and(|codes| codes.contains_key(&code.value)));
    let words = shown.iter().find(|known| known.record.code == code).map(|known| known.words.clone());
    Ok(AskedCode {
        observations: context.store.mappings.count_with(scope, vec![code.clone()]).await?,
        means: context.mapping().look_up(&code),
        ours,
        words: words.unwrap_or_default(),
        code,
    })
}

/// Every version with what it changed, newest first.
async fn versions(
    context: &Context,
    scope: Scope,
    history: Vec<PublishedMapping>,
    base: &Mapping,
) -> Result<Vec<ShownVersion>> {
    let people = PeopleNames::read(context, scope).await?;
    let nothing = Overlay::new();
    let version = |(at, published): (usize, &PublishedMapping)| {
        let before = history.get(at + 1).map(|earlier| &earlier.overlay);
        // the oldest that is read may have an earlier one that is not
        let before = before.or_else(|| (published.version == 1).then_some(&nothing));
        let changes = before.map_or_else(Vec::new, |before| mappings::changes(before, &published.overlay));
        ShownVersion {
            version: published.version,
            who: people.who(published.actor),
            at: published.at,
            why: published.why.clone(),
            changes: changes.into_iter().map(|change| since(change.code, change.after, base)).collect(),
        }
    };
    Ok(history.iter().enumerate().map(version).collect())
}

fn since(code: ProviderCode, published: Option<String>, base: &Mapping) -> ShownChange {
    let since = match published {
        Some(said) => Meaning::parse(&said).map_or(Since::Unknown(said), Since::Means),
        None => Since::BuiltIn(base.look_up(&code)),
    };
    ShownChange { code, since }
}
