//! What codes mean: an admin's changes are published as versions, and what was said in the codes concerned is read
//! again. No notification is sent for what only a new reading brings to light: its folds have the cause *replay*.

use crate::caller::Caller;
use crate::{
    audit,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use domain::access::Permission;
use domain::{
    ids::{CorrelationId, ObservationId, ShipmentId},
    mapping::{Mapping, Overlay},
    observation::ProviderCode,
    reading::{MappingVersion, Reader},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    limits::REREAD_ROWS,
    mappings::NewMapping,
};

/// The longest name of a list or code.
const NAME_CHARS: usize = 200;
/// The longest reason.
const WHY_CHARS: usize = 500;
/// Codes that an overlay may have.
const OVERLAY_CODES: usize = 20_000;

/// What an admin says about one code.
#[derive(Clone, Debug)]
pub struct Change {
    /// The code.
    pub code: ProviderCode,
    /// What it means, as `MILESTONE` or `MILESTONE|REASON`; none takes back what an admin said before.
    pub meaning: Option<String>,
    /// Why.
    pub why: String,
}

/// A code of which two overlays say something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCode {
    /// The code.
    pub code: ProviderCode,
    /// What the earlier one says; none where it leaves the code to the base.
    pub before: Option<String>,
    /// What the later one says.
    pub after: Option<String>,
}

/// Publishes what a code means; the new version. It counts at once.
///
/// # Errors
/// When the code, its meaning or the reason are not right, it means that already, or somebody else was faster.
pub async fn publish(context: &Context, caller: &Caller, change: Change) -> Result<MappingVersion> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let code = checked(change.code)?;
    let (previous, before) = newest(context, scope).await?;
    let mut overlay = before.clone();
    match change.meaning {
        Some(meaning) => {
            overlay.entry(code.list).or_default().insert(code.value, meaning.trim().to_owned());
        }
        None => {
            overlay.entry(code.list).or_default().remove(&code.value);
            overlay.retain(|_, codes| !codes.is_empty());
        }
    }
    put(context, scope, Overlays { previous, before, after: overlay }, change.why).await
}

/// Publishes what an earlier version said as a new one; 0 is the base that ships with the product.
///
/// # Errors
/// When there is no such version, it says what the newest says, or somebody else was faster.
pub async fn roll_back(
    context: &Context,
    caller: &Caller,
    version: MappingVersion,
    why: String,
) -> Result<MappingVersion> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let (previous, before) = newest(context, scope).await?;
    let after = overlay_of(context, scope, version).await?;
    put(context, scope, Overlays { previous, before, after }, why).await
}

/// The newest overlay and what is to follow it.
struct Overlays {
    previous: MappingVersion,
    before: Overlay,
    after: Overlay,
}

async fn put(context: &Context, scope: Scope, overlays: Overlays, why: String) -> Result<MappingVersion> {
    let Overlays { previous, before, after } = overlays;
    let why = checked_why(&why)?;
    if after.values().map(|codes| codes.len()).sum::<usize>() > OVERLAY_CODES {
        return Err(invalid("value", format!("an overlay has at most {OVERLAY_CODES} codes")));
    }
    Mapping::with_overlay(previous + 1, &after).map_err(|bad| invalid("meaning", bad.to_string()))?;
    let changes = changes(&before, &after);
    if changes.is_empty() {
        return Err(invalid("meaning", "that is what is published already".into()));
    }
    let said = |of: fn(&ChangedCode) -> Option<&String>| {
        let named = changes.iter().map(|c| (name(&c.code), of(c).map_or(Value::Null, |m| Value::String(m.clone()))));
        Value::Object(named.collect::<Map<_, _>>())
    };
    let audit = context
        .audit("mapping.publish", format!("mapping:{}", previous + 1))
        .before(sealed_audit(context, scope, &said(|c| c.before.as_ref())).await?)
        .after(sealed_audit(context, scope, &said(|c| c.after.as_ref())).await?)
        .why(Some(audit::reason(context, scope, &why).await?));
    let job = job(context, Progress { version: previous + 1, after: None }, context.correlation());
    let new = NewMapping { previous, overlay: after, why, at: context.now(), job };
    let version = context.store.mappings.publish(scope, new, audit).await?;
    refresh(context).await?;
    context.notifier.work(Lane::Batch);
    Ok(version)
}

/// The newest version with its overlay.
async fn newest(context: &Context, scope: Scope) -> Result<(MappingVersion, Overlay)> {
    let newest = context.store.mappings.newest(scope).await?;
    Ok(newest.map_or_else(|| (0, Overlay::new()), |newest| (newest.version, newest.overlay)))
}

async fn overlay_of(context: &Context, scope: Scope, version: MappingVersion) -> Result<Overlay> {
    if version == 0 {
        return Ok(Overlay::new());
    }
    let published = context.store.mappings.published(scope, version).await?;
    Ok(published.ok_or(UseCaseError::NotFound("mapping version"))?.overlay)
}

/// The codes of which two overlays say something else, in order.
pub fn changes(before: &Overlay, after: &Overlay) -> Vec<ChangedCode> {
    let codes = |overlay: &Overlay| {
        overlay
            .iter()
            .flat_map(|(list, codes)| codes.keys().map(|value| ProviderCode::new(list, value.clone())))
            .collect::<Vec<_>>()
    };
    let said = |overlay: &Overlay, code: &ProviderCode| overlay.get(&code.list)?.get(&code.value).cloned();
    let all: BTreeSet<_> = codes(before).into_iter().chain(codes(after)).collect();
    all.into_iter()
        .map(|code| ChangedCode { before: said(before, &code), after: said(after, &code), code })
        .filter(|change| change.before != change.after)
        .collect()
}

fn name(code: &ProviderCode) -> String {
    format!("{}/{}", code.list, code.value)
}

fn checked(code: ProviderCode) -> Result<ProviderCode> {
    let code = ProviderCode::new(code.list.trim(), code.value.trim());
    for (field, text) in [("list", &code.list), ("value", &code.value)] {
        if text.is_empty() || text.chars().count() > NAME_CHARS {
            return Err(invalid(field, format!("the {field} of a code has 1 to {NAME_CHARS} characters")));
        }
    }
    Ok(code)
}

fn checked_why(why: &str) -> Result<String> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS {
        return Err(invalid("why", format!("say why, in 1 to {WHY_CHARS} characters: others will want to know")));
    }
    Ok(why.to_owned())
}

fn invalid(field: &'static str, message: String) -> UseCaseError {
    UseCaseError::Invalid { field, message }
}

/// Takes up what was published since, here or by a command beside this process.
///
/// # Errors
/// When the store fails, or holds a meaning that this version of the product does not know.
pub async fn refresh(context: &Context) -> Result<()> {
    if let Some(newest) = context.store.mappings.newest(context.scope()).await?
        && newest.version > context.mapping().version()
    {
        let mapping = Mapping::with_overlay(newest.version, &newest.overlay);
        context.adopt(mapping.map_err(|bad| UseCaseError::Internal(bad.to_string()))?);
    }
    Ok(())
}

/// How far a version's reading again has come. As a job's target: the version, and the last observation read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    version: MappingVersion,
    after: Option<ObservationId>,
}

impl Progress {
    fn target(self) -> String {
        match self.after {
            None => self.version.to_string(),
            Some(after) => format!("{}:{after}", self.version),
        }
    }

    fn parse(target: &str) -> Option<Self> {
        Some(match target.split_once(':') {
            None => Self { version: target.parse().ok()?, after: None },
            Some((version, after)) => Self { version: version.parse().ok()?, after: Some(after.parse().ok()?) },
        })
    }
}

fn job(context: &Context, progress: Progress, correlation: CorrelationId) -> NewJob {
    context.job(JobKind::REREAD, progress.target(), Cause::Replay, correlation, None)
}

/// Reads again the next observations that name a code of which a version says something new. Their readings, the folds
/// of their shipments and the job that goes on from there commit together.
///
/// # Errors
/// When the target is none, the store fails, or another version was published meanwhile.
pub async fn reprocess(context: &Context, scope: Scope, target: &str, correlation: CorrelationId) -> Result<()> {
    let progress = Progress::parse(target).ok_or_else(|| invalid("target", format!("{target:?} is no version")))?;
    let before = overlay_of(context, scope, progress.version.saturating_sub(1)).await?;
    let after = overlay_of(context, scope, progress.version).await?;
    let codes = changes(&before, &after).into_iter().map(|change| change.code).collect();
    let found = context.store.mappings.with(scope, codes, progress.after).await?;
    let Some(last) = found.last().map(|said| said.id) else { return Ok(()) };
    refresh(context).await?;
    let mapping = context.mapping();
    let readings = found.iter().map(|said| (said.id, mapping.read(&said.body))).collect();
    let shipments: BTreeSet<ShipmentId> = found.iter().flat_map(|said| said.shipments.iter().copied()).collect();
    let folds = shipments.into_iter().map(|id| context.job(JobKind::FOLD, id, Cause::Replay, correlation, Some(id)));
    let more = (found.len() >= REREAD_ROWS as usize)
        .then(|| job(context, Progress { after: Some(last), ..progress }, correlation));
    let jobs = folds.chain(more).collect();
    context.store.mappings.reread(scope, readings, context.now(), jobs).await?;
    context.notifier.work(Lane::Batch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn overlay(codes: &[(&str, &str)]) -> Overlay {
        let codes = codes.iter().map(|(code, meaning)| ((*code).to_owned(), (*meaning).to_owned())).collect();
        BTreeMap::from([("a.list".to_owned(), codes)])
    }

    #[test]
    fn what_was_added_changed_and_taken_back_is_a_change() {
        let before = overlay(&[("SAME", "INFO"), ("OTHER", "INFO"), ("GONE", "INFO")]);
        let after = overlay(&[("SAME", "INFO"), ("OTHER", "DELIVERED"), ("NEW", "RETURNED")]);
        let changes = changes(&before, &after);
        let said: Vec<_> =
            changes.iter().map(|c| (c.code.value.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
        assert_eq!(
            said,
            [("GONE", Some("INFO"), None), ("NEW", None, Some("RETURNED")), ("OTHER", Some("INFO"), Some("DELIVERED"))]
        );
    }

    #[test]
    fn progress_is_a_target_and_back() {
        let id = ObservationId(domain::ids::content_id("observation", &[b"x"]));
        for progress in [Progress { version: 3, after: None }, Progress { version: 12, after: Some(id) }] {
            assert_eq!(Progress::parse(&progress.target()), Some(progress));
        }
        assert_eq!(Progress::parse("x"), None);
        assert_eq!(Progress::parse("3:nobody"), None);
    }
}
