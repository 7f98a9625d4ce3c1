//! Sources of messages: made, changed, their secrets rotated.

use super::{UseCaseError, ingest::SECRETS, people::sealed_audit};
use crate::{tower::Tower, wire};
use anyhow::{Context, anyhow, bail, ensure};
use connectors::{
    call::{self, CallError, CallLog, Discard},
    carriers::{self, Scheme, Settings, keys},
};
use domain::ids::{SourceId, SubjectId};
use storage::{
    AuditEntry, Scope,
    inbox::SourceRecord,
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// A source to be made.
pub struct NewSource {
    /// The name in the path.
    pub name: String,
    /// The connector.
    pub connector: String,
    /// The scheme; none for the connector's usual one.
    pub scheme: Option<String>,
    /// The secret: for RSA the platform's JWKS, for ed25519 its public key; empty only where networks are the proof.
    pub secret: String,
    /// How its messages are read and where they may come from.
    pub settings: Settings,
}

/// The connector, where the source's name and the connector's are right.
///
/// # Errors
/// Says what is wrong with which, and what there is.
pub fn check_name(name: &str, connector: &str) -> anyhow::Result<&'static dyn carriers::Carrier> {
    let named = !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    ensure!(named, "source name {name:?}: lower case letters, digits, - and _ only, at most 64");
    match carriers::by_id(connector) {
        Some(carrier) => Ok(carrier),
        None => {
            let known: Vec<_> = carriers::ALL.iter().map(|c| c.manifest().id).collect();
            bail!("there is no connector {connector}: use one of {}", known.join(", "))
        }
    }
}

/// Makes or changes a source. A changed secret stays valid beside the new one: that is how secrets are rotated.
///
/// # Errors
/// When name, connector or scheme are not right.
pub async fn put(tower: &Tower, scope: Scope, new: NewSource) -> anyhow::Result<()> {
    let carrier = check_name(&new.name, &new.connector)?;
    let manifest = carrier.manifest();
    let scheme = match &new.scheme {
        None => *manifest.schemes.first().context("the connector has no scheme")?,
        Some(name) => Scheme::from_name(name)
            .filter(|s| manifest.schemes.contains(s) || *s == Scheme::IpAllowList)
            .with_context(|| {
                let known: Vec<_> = manifest.schemes.iter().map(|s| s.name()).collect();
                format!("connector {} knows the schemes {}", new.connector, known.join(", "))
            })?,
    };
    check(&new, scheme)?;
    let now = tower.now();
    let existing = tower.store.inbox.sources(scope).await?.into_iter().find(|s| s.name == new.name);
    // one that was removed begins anew, without its old secrets
    let id = existing.as_ref().map_or_else(|| SourceId(tower.clock.id()), |s| s.id);
    let subject = SubjectId(id.0);
    let kept = tower.store.people.key(scope, subject).await?;
    let (key, wrapped) = match kept {
        Some(kept) => (tower.vault.unwrap(&kept)?, kept),
        None => tower.vault.new_key(subject),
    };
    let fetched = match &new.settings.keys_url {
        Some(url) if new.secret.is_empty() => Some(keys::fetch(url, &Discard).await.context("the published keys")?),
        _ => None,
    };
    let mut secrets = vec![fetched.unwrap_or(new.secret)];
    if let Some(old) = existing.as_ref().filter(|old| old.enabled) {
        let before: Vec<String> = serde_json::from_slice(&key.open(SECRETS, &old.secrets)?)?;
        let newest = secrets[0].clone();
        secrets.extend(before.into_iter().take(1).filter(|s| *s != newest));
    }
    let record = SourceRecord {
        id,
        name: new.name,
        connector: new.connector,
        scheme: scheme.name().to_owned(),
        settings: serde_json::to_string(&new.settings)?,
        secrets: key.seal(SECRETS, &serde_json::to_vec(&secrets)?),
        secret_set_at: now,
        enabled: true,
        sandbox: wire::is_demo(&tower.config),
        created_at: existing.map_or(now, |s| s.created_at),
    };
    let after = serde_json::json!({"name": record.name, "connector": record.connector, "scheme": record.scheme, "settings": new.settings});
    let audit = AuditEntry {
        at: now,
        action: "source.put",
        subject: format!("source:{id}"),
        before: None,
        after: Some(sealed_audit(tower, scope, &after).await?),
        why: None,
    };
    tower.store.inbox.put_source(scope, record, wrapped, audit).await?;
    Ok(())
}

/// The sources that take messages.
///
/// # Errors
/// When the store fails.
pub async fn in_use(tower: &Tower, scope: Scope) -> storage::Result<Vec<SourceRecord>> {
    Ok(tower.store.inbox.sources(scope).await?.into_iter().filter(|source| source.enabled).collect())
}

/// Removes a source: what is posted there is refused, its secrets are forgotten, its messages stay. A server that runs
/// notices within seconds.
///
/// # Errors
/// When there is no such source, or the store fails.
pub async fn remove(tower: &Tower, scope: Scope, name: &str, why: Option<String>) -> anyhow::Result<()> {
    let sources = in_use(tower, scope).await?;
    let known: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
    let Some(source) = sources.into_iter().find(|source| source.name == name) else {
        match known.is_empty() {
            true => bail!("there is no source {name}: there is none at all"),
            false => bail!("there is no source {name}: there are {}", known.join(", ")),
        }
    };
    let subject = SubjectId(source.id.0);
    let wrapped = tower.store.people.key(scope, subject).await?.context("the source's key is gone")?;
    let none: Vec<String> = Vec::new();
    let sealed = tower.vault.unwrap(&wrapped)?.seal(SECRETS, &serde_json::to_vec(&none)?);
    let audit = AuditEntry {
        at: tower.now(),
        action: "source.remove",
        subject: format!("source:{}", source.id),
        before: None,
        after: None,
        why: Some(why.map_or_else(|| source.name.clone(), |why| format!("{}: {why}", source.name))),
    };
    let source = SourceRecord { enabled: false, secrets: sealed, ..source };
    tower.store.inbox.put_source(scope, source, wrapped, audit).await?;
    Ok(())
}

/// The setting in which a server leaves the address under which it is reached.
const PUBLIC_URL: &str = "server.public_url";

/// A server says under which address it is reached: commands beside it name that.
///
/// # Errors
/// When the store fails.
pub async fn announce_public_url(tower: &Tower) -> storage::Result<()> {
    let (scope, url) = (tower.scope(), tower.config.public_url.clone());
    if tower.store.people.setting(scope, PUBLIC_URL).await?.as_deref() == Some(url.as_str()) {
        return Ok(());
    }
    tower.store.people.put_setting(scope, PUBLIC_URL, url).await
}

/// The address under which this installation is reached, and where that comes from.
///
/// # Errors
/// When the store fails.
pub async fn public_url(tower: &Tower, scope: Scope) -> storage::Result<(String, String)> {
    let own = tower.config.public_url.clone();
    if tower.config.public_url_is_set {
        return Ok((own, "(address: --public-url)".into()));
    }
    Ok(match tower.store.people.setting(scope, PUBLIC_URL).await? {
        Some(url) => (url, "(address: as the server was last started)".into()),
        None => {
            (own, "(address: no server has run here yet; start it with --public-url, or give --public-url here)".into())
        }
    })
}

/// What is set must work before it is kept.
fn check(new: &NewSource, scheme: Scheme) -> anyhow::Result<()> {
    let settings = &new.settings;
    match scheme {
        Scheme::IpAllowList => ensure!(!settings.networks.is_empty(), "the networks are the only proof: name them"),
        _ => ensure!(!new.secret.is_empty() || settings.keys_url.is_some(), "the secret is empty"),
    }
    settings.check().map_err(|bad| anyhow!(bad))?;
    if let Some(fields) = &settings.fields {
        fields.check().map_err(|bad| anyhow!("{bad}"))?;
    }
    if let Some(url) = &settings.keys_url {
        ensure!(
            scheme == Scheme::ShipengineRsa,
            "only the scheme {} takes published keys",
            Scheme::ShipengineRsa.name()
        );
        call::base_url(url).map_err(|e| anyhow!("{e}"))?;
    }
    if let Some(header) = &settings.header {
        ensure!(
            scheme == Scheme::SharedSecretHeader,
            "only the scheme {} takes a header's name",
            Scheme::SharedSecretHeader.name()
        );
        header.parse::<http::HeaderName>().with_context(|| format!("{header:?} is no header's name"))?;
    }
    Ok(())
}

/// Why published keys were not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They could not be had.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Our fault.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

/// The names of the sources whose keys are published.
///
/// # Errors
/// When the store fails.
pub async fn with_published_keys(tower: &Tower, scope: Scope) -> storage::Result<Vec<String>> {
    let sources = tower.store.inbox.sources(scope).await?;
    Ok(sources.into_iter().filter(|s| s.enabled && keys_url(s).is_some()).map(|s| s.name).collect())
}

/// The work of fetching a source's keys.
pub fn keys_job(tower: &Tower, source: &str) -> NewJob {
    NewJob { lane: Lane::Batch, ..tower.job(JobKind::FetchKeys, source, Cause::Live, tower.correlation(), None) }
}

fn keys_url(source: &SourceRecord) -> Option<String> {
    serde_json::from_str::<Settings>(&source.settings).ok()?.keys_url
}

/// Takes the keys that a platform publishes now; those known before stay valid beside them until the next change.
///
/// # Errors
/// When they cannot be had, or the store fails.
pub async fn fetch_keys(tower: &Tower, scope: Scope, name: &str, log: &dyn CallLog) -> Result<(), KeysError> {
    let Some((_, source, wrapped)) = tower.store.inbox.source_by_name(name).await.map_err(UseCaseError::from)? else {
        return Ok(());
    };
    let Some(url) = keys_url(&source) else { return Ok(()) };
    let published = keys::fetch(&url, log).await?;
    let internal = |e: String| UseCaseError::Internal(format!("source {name}: {e}"));
    let key = tower.vault.unwrap(&wrapped).map_err(|e| internal(e.to_string()))?;
    let opened = key.open(SECRETS, &source.secrets).map_err(|e| internal(e.to_string()))?;
    let known: Vec<String> = serde_json::from_slice(&opened).map_err(|e| internal(e.to_string()))?;
    if known.first() == Some(&published) {
        return Ok(());
    }
    let secrets: Vec<String> = std::iter::once(published).chain(known.into_iter().take(1)).collect();
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets).map_err(|e| internal(e.to_string()))?);
    let now = tower.now();
    let audit = AuditEntry {
        at: now,
        action: "source.keys",
        subject: format!("source:{}", source.id),
        before: None,
        after: None,
        why: Some(format!("published at {url}")),
    };
    let source = SourceRecord { secrets: sealed, secret_set_at: now, ..source };
    tower.store.inbox.put_source(scope, source, wrapped, audit).await.map_err(UseCaseError::from)?;
    Ok(())
}
