//! Sources of messages: made, changed, their secrets rotated.

use super::live::{DESK, ODOO};
use crate::caller::Caller;
use crate::{
    audit, config::Mode, connections::weaknesses, context::Context, error::UseCaseError, keys::sealed_audit,
    vault::DataKey,
};
use anyhow::{Context as _, anyhow, bail, ensure};
use carriers::{Scheme, Settings, keys};
use domain::access::Permission;
use domain::ids::{SourceId, SubjectId};
use outbound::{CallError, CallLog, Discard};
use storage::{
    Scope, WrappedKey,
    connections::ConnectionRecord,
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// The place of a source's secrets in the vault.
pub const SECRETS: &str = "source.secrets";

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
    check_name_form(name)?;
    let reserved = [ODOO, DESK, "inside", "keys"];
    ensure!(!reserved.contains(&name), "source name {name}: Milepost uses it itself; choose another");
    match carriers::by_id(connector) {
        Some(carrier) => Ok(carrier),
        None => {
            let known: Vec<_> = carriers::ALL.iter().map(|c| c.manifest().id).collect();
            bail!("there is no connector {connector}: use one of {}", known.join(", "))
        }
    }
}

/// Whether a connection may have this name.
pub(super) fn check_name_form(name: &str) -> anyhow::Result<()> {
    let named = !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    ensure!(named, "name {name:?}: lower case letters, digits, - and _ only, at most 64");
    Ok(())
}

/// Makes or changes a source. A changed secret stays valid beside the new one: that is how secrets are rotated. One that is
/// disabled stays so.
///
/// # Errors
/// When name, connector or scheme are not right.
pub async fn put(context: &Context, caller: &Caller, new: NewSource) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
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
    let now = context.now();
    let existing = all(context, scope).await?.into_iter().find(|s| s.name == new.name);
    let id = existing.as_ref().map_or_else(|| SourceId(context.clock.id()), |s| s.id);
    let subject = SubjectId(id.0);
    let kept = context.store.people.key(scope, subject).await?;
    let (key, wrapped) = match kept {
        Some(kept) => (context.vault.unwrap(&kept)?, kept),
        None => context.vault.new_key(subject),
    };
    let fetched = match &new.settings.keys_url {
        Some(url) if new.secret.is_empty() => Some(keys::fetch(url, &Discard).await.context("the published keys")?),
        _ => None,
    };
    let mut secrets = vec![fetched.unwrap_or(new.secret)];
    // one that was removed has no secrets
    let mut was_disabled = false;
    if let Some(old) = &existing {
        let before: Vec<String> = serde_json::from_slice(&key.open(SECRETS, &old.secrets)?)?;
        was_disabled = !old.enabled && !before.is_empty();
        let newest = secrets[0].clone();
        secrets.extend(before.into_iter().take(1).filter(|s| *s != newest));
    }
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets)?);
    let fresh = || ConnectionRecord::new(id, &new.name, &new.connector, sealed.clone(), now);
    let record = ConnectionRecord {
        connector: new.connector.clone(),
        scheme: scheme.name().to_owned(),
        settings: serde_json::to_string(&new.settings)?,
        secrets: sealed.clone(),
        secret_set_at: now,
        enabled: !was_disabled,
        disabled_at: if was_disabled { existing.as_ref().and_then(|known| known.disabled_at) } else { None },
        sandbox: context.config.mode == Mode::Demo,
        ..existing.unwrap_or_else(fresh)
    };
    let after = serde_json::json!({"name": record.name, "connector": record.connector, "scheme": record.scheme, "settings": new.settings});
    let after = sealed_audit(context, scope, &after).await?;
    let audit = context.audit("source.put", format!("source:{id}")).after(after);
    context.store.connections.put(scope, record, wrapped, audit).await?;
    Ok(())
}

const KEY_IS_GONE: &str = "its key is gone: remove it and put it again";

/// Every source: the connections that send messages.
pub(crate) async fn all(context: &Context, scope: Scope) -> storage::Result<Vec<ConnectionRecord>> {
    let connections = context.store.connections.all(scope).await?;
    Ok(connections.into_iter().filter(is_source).collect())
}

/// Whether a connection sends messages.
pub(crate) fn is_source(connection: &ConnectionRecord) -> bool {
    carriers::by_id(&connection.connector).is_some()
}

/// The sources that take messages.
///
/// # Errors
/// When the store fails.
pub async fn in_use(context: &Context, scope: Scope) -> storage::Result<Vec<ConnectionRecord>> {
    Ok(all(context, scope).await?.into_iter().filter(|source| source.enabled).collect())
}

/// Removes a source: what is posted there is refused, its secrets are forgotten, its messages stay. A server that runs
/// notices within seconds.
///
/// # Errors
/// When there is no such source, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str, why: Option<String>) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let source = named(context, caller, name).await?;
    let subject = SubjectId(source.id.0);
    let (key, wrapped) = match context.store.people.key(scope, subject).await? {
        Some(wrapped) => (context.vault.unwrap(&wrapped)?, wrapped),
        None => context.vault.new_key(subject),
    };
    let none: Vec<String> = Vec::new();
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&none)?);
    let why = why.map_or_else(|| source.name.clone(), |why| format!("{}: {why}", source.name));
    let why = audit::reason(context, scope, &why).await?;
    let audit = context.audit("source.remove", format!("source:{}", source.id)).why(Some(why));
    let source = ConnectionRecord { enabled: false, secrets: sealed, ..source };
    context.store.connections.put(scope, source, wrapped, audit).await?;
    Ok(())
}

/// The sources that were not removed, whether they take messages or not, each with the number of its secrets, or why they
/// cannot be opened.
///
/// # Errors
/// When the store fails.
pub async fn kept(
    context: &Context,
    caller: &Caller,
) -> anyhow::Result<Vec<(ConnectionRecord, anyhow::Result<usize>)>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let mut kept = Vec::new();
    for source in all(context, scope).await? {
        let secrets = secrets_of(context, scope, &source).await.map(|(.., secrets)| secrets.len());
        if source.enabled || !matches!(secrets, Ok(0)) {
            kept.push((source, secrets));
        }
    }
    Ok(kept)
}

/// Refuses what is posted to a source until it is enabled again. A server that runs notices within seconds.
///
/// # Errors
/// When there is no such source, or the store fails.
pub async fn disable(context: &Context, caller: &Caller, name: &str, why: Option<String>) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let source = named(context, caller, name).await?;
    let why = why.map_or_else(|| source.name.clone(), |why| format!("{}: {why}", source.name));
    switch(context, scope, ConnectionRecord { enabled: false, ..source }, "source.disable", &why).await
}

/// Takes what is posted to a source again.
///
/// # Errors
/// When there is no such source, or the store fails.
pub async fn enable(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let source = named(context, caller, name).await?;
    let why = source.name.clone();
    switch(context, scope, ConnectionRecord { enabled: true, ..source }, "source.enable", &why).await
}

/// Forgets the secret from before the last change. A server that runs notices within seconds.
///
/// # Errors
/// When there is no such source, it has one secret alone, or the store fails.
pub async fn drop_old_secret(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let source = named(context, caller, name).await?;
    let (key, _, mut secrets) = secrets_of(context, scope, &source).await?;
    ensure!(secrets.len() > 1, "source {name} has one secret alone: there is no old one to drop");
    secrets.truncate(1);
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets)?);
    let why = source.name.clone();
    switch(context, scope, ConnectionRecord { secrets: sealed, ..source }, "source.secret.drop_old", &why).await
}

async fn named(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<ConnectionRecord> {
    let kept = kept(context, caller).await?;
    let known: Vec<_> = kept.iter().map(|(source, _)| source.name.clone()).collect();
    match kept.into_iter().find(|(source, _)| source.name == name) {
        Some((source, _)) => Ok(source),
        None if known.is_empty() => bail!("there is no source {name}: there is none at all"),
        None => bail!("there is no source {name}: there are {}", known.join(", ")),
    }
}

/// How far the proof of a source can be trusted.
pub struct Proof {
    /// What is weak about it, each as a sentence.
    pub weaknesses: Vec<String>,
    /// Whether an admin has taken that in writing.
    pub known: bool,
    /// Whether the proof covers the body.
    pub covers_body: bool,
    /// Whether messages are taken from certain networks alone.
    pub networks: bool,
}

/// How far the proof of a source can be trusted.
///
/// # Errors
/// When the store fails, or what is kept of the source cannot be read.
pub async fn proof_of(context: &Context, scope: Scope, source: &ConnectionRecord) -> anyhow::Result<Proof> {
    let settings: Settings = serde_json::from_str(&source.settings)?;
    let scheme = Scheme::from_name(&source.scheme).with_context(|| format!("there is no scheme {}", source.scheme))?;
    let (.., secrets) = secrets_of(context, scope, source).await?;
    let mut weaknesses = Vec::new();
    for secret in &secrets {
        match weaknesses::refuse_no_proof(scheme, secret, &settings) {
            Err(error) => weaknesses.push(error.to_string()),
            Ok(()) => weaknesses.extend(weaknesses::weaknesses(scheme, secret, &settings)),
        }
    }
    weaknesses.dedup();
    Ok(Proof {
        weaknesses,
        known: settings.weakness_known,
        covers_body: scheme.covers().body,
        networks: !settings.networks.is_empty(),
    })
}

/// The key of a source, as it is in clear and as it is kept, and the secrets, newest first.
async fn secrets_of(
    context: &Context,
    scope: Scope,
    source: &ConnectionRecord,
) -> anyhow::Result<(DataKey, WrappedKey, Vec<String>)> {
    let wrapped = context.store.people.key(scope, SubjectId(source.id.0)).await?.context(KEY_IS_GONE)?;
    let key = context.vault.unwrap(&wrapped)?;
    let secrets = serde_json::from_slice(&key.open(SECRETS, &source.secrets)?)?;
    Ok((key, wrapped, secrets))
}

async fn switch(
    context: &Context,
    scope: Scope,
    source: ConnectionRecord,
    action: &'static str,
    why: &str,
) -> anyhow::Result<()> {
    let wrapped = context.store.people.key(scope, SubjectId(source.id.0)).await?.context(KEY_IS_GONE)?;
    let why = audit::reason(context, scope, why).await?;
    let audit = context.audit(action, format!("source:{}", source.id)).why(Some(why));
    context.store.connections.put(scope, source, wrapped, audit).await?;
    Ok(())
}

/// The setting in which a server leaves the address under which it is reached.
const PUBLIC_URL: &str = "server.public_url";

/// A server stores its public address: commands beside it print that.
///
/// # Errors
/// When the store fails.
pub async fn announce_public_url(context: &Context) -> storage::Result<()> {
    let (scope, url) = (context.scope(), context.config.public_url.clone());
    if context.store.people.setting(scope, PUBLIC_URL).await?.as_deref() == Some(url.as_str()) {
        return Ok(());
    }
    context.store.people.put_setting(scope, PUBLIC_URL, url).await
}

/// The address under which this installation is reached, and where that comes from.
///
/// # Errors
/// When the store fails.
pub async fn public_url(context: &Context, scope: Scope) -> storage::Result<(String, String)> {
    let own = context.config.public_url.clone();
    if context.config.public_url_is_set {
        return Ok((own, "(address: --public-url)".into()));
    }
    Ok(match context.store.people.setting(scope, PUBLIC_URL).await? {
        Some(url) => (url, "(address: as the server was last started)".into()),
        None => {
            (own, "(address: no server has run here yet; start it with --public-url, or give --public-url here)".into())
        }
    })
}

/// What is set must work before it is kept.
pub(super) fn check(new: &NewSource, scheme: Scheme) -> anyhow::Result<()> {
    let settings = &new.settings;
    match scheme {
        Scheme::IpAllowList => ensure!(!settings.networks.is_empty(), "the networks are the only proof: name them"),
        _ => ensure!(!new.secret.is_empty() || settings.keys_url.is_some(), "the secret is empty"),
    }
    if settings.keys_url.is_none() {
        weaknesses::refuse_no_proof(scheme, &new.secret, settings)?;
        let weak = weaknesses::weaknesses(scheme, &new.secret, settings);
        ensure!(
            weak.is_empty() || settings.weakness_known,
            "{}. If you take that risk, accept it (--i-know)",
            weak.join("; and ")
        );
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
        outbound::base_url(url).map_err(|e| anyhow!("{e}"))?;
        ensure!(
            !outbound::is_in_clear(url),
            "--keys-url {url}: keys that come over http:// may be anybody's; write https://"
        );
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
pub async fn with_published_keys(context: &Context, scope: Scope) -> storage::Result<Vec<String>> {
    let sources = all(context, scope).await?;
    Ok(sources.into_iter().filter(|s| s.enabled && keys_url(s).is_some()).map(|s| s.name).collect())
}

/// The names of all sources whose platforms may publish keys: also of those that are disabled or take none now, so that
/// what waits for one is done.
///
/// # Errors
/// When the store fails.
pub async fn key_publishers(context: &Context, scope: Scope) -> storage::Result<Vec<String>> {
    let publishes = |source: &ConnectionRecord| {
        carriers::by_id(&source.connector).is_some_and(|c| c.manifest().schemes.contains(&Scheme::ShipengineRsa))
    };
    let sources = all(context, scope).await?;
    Ok(sources.into_iter().filter(publishes).map(|source| source.name).collect())
}

/// The work of fetching a source's keys.
pub fn keys_job(context: &Context, source: &str) -> NewJob {
    let job = context.job(JobKind::FETCH_KEYS, source, Cause::Live, context.correlation(), None);
    NewJob { lane: Lane::Batch, ..job.to(source) }
}

fn keys_url(source: &ConnectionRecord) -> Option<String> {
    serde_json::from_str::<Settings>(&source.settings).ok()?.keys_url
}

/// Takes the keys that a platform publishes now; those known before stay valid beside them until the next change.
///
/// # Errors
/// When they cannot be had, or the store fails.
pub async fn fetch_keys(context: &Context, scope: Scope, name: &str, log: &dyn CallLog) -> Result<(), KeysError> {
    let Some((_, source, wrapped)) = context.store.connections.by_name(name).await.map_err(UseCaseError::from)? else {
        return Ok(());
    };
    let Some(url) = keys_url(&source) else { return Ok(()) };
    let published = keys::fetch(&url, log).await?;
    let internal = |e: String| UseCaseError::Internal(format!("source {name}: {e}"));
    let key = context.vault.unwrap(&wrapped).map_err(|e| internal(e.to_string()))?;
    let opened = key.open(SECRETS, &source.secrets).map_err(|e| internal(e.to_string()))?;
    let known: Vec<String> = serde_json::from_slice(&opened).map_err(|e| internal(e.to_string()))?;
    if known.first() == Some(&published) {
        return Ok(());
    }
    let secrets: Vec<String> = std::iter::once(published).chain(known.into_iter().take(1)).collect();
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets).map_err(|e| internal(e.to_string()))?);
    let now = context.now();
    let why = audit::reason(context, scope, &format!("published at {url}")).await?;
    let audit = context.audit("source.keys", format!("source:{}", source.id)).why(Some(why));
    let source = ConnectionRecord { secrets: sealed, secret_set_at: now, ..source };
    context.store.connections.put(scope, source, wrapped, audit).await.map_err(UseCaseError::from)?;
    Ok(())
}
