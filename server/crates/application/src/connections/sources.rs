//! Sources of messages: made, changed, their secrets rotated.

use super::{
    address, catalogue,
    live::{DESK, ODOO},
    opened::{
        self, Opened, audit_of_change, is_proven, not_used_yet, of_same_publisher, opened, sealed, shown_in_audit,
        with_new,
    },
};
use crate::caller::Caller;
use crate::{
    audit,
    config::{Config, Mode},
    connections::weaknesses,
    context::Context,
    error::UseCaseError,
};
use anyhow::{Context as _, anyhow, bail, ensure};
use carriers::{Scheme, Settings, keys};
use domain::access::Permission;
use domain::ids::SourceId;
use outbound::{CallError, CallLog, Discard, template::Family};
use storage::{
    Scope,
    connections::ConnectionRecord,
    jobs::{Cause, JobKind, Lane, NewJob},
};

pub use super::opened::SECRETS;

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
    check(&context.config, &new, scheme)?;
    let now = context.now();
    let existing = opened(context, scope, &new.name).await?;
    if let Some(known) = existing.as_ref().filter(|known| !is_source(&known.record)) {
        bail!("there is a connection {} to {} already: choose another name", new.name, known.record.connector);
    }
    let id = existing.as_ref().map_or_else(|| SourceId(context.clock.id()), |known| known.record.id);
    let newest = match &new.settings.keys_url {
        Some(url) if new.secret.is_empty() => keys::fetch(url, &Discard).await.context("the published keys")?,
        _ => new.secret.clone(),
    };
    let before = existing.as_ref().map(|known| of_same_publisher(known, &new.settings)).unwrap_or_default();
    let newest_is_proven = existing.as_ref().is_some_and(|known| is_proven(&known.record));
    let (sealed, key) = sealed(context, id, existing.as_ref(), &with_new(&newest, before, newest_is_proven));
    // one that was removed is there again, one that is disabled stays so
    let enabled = existing.as_ref().is_none_or(|known| known.record.enabled || known.is_removed());
    let is_new_secret = existing.as_ref().is_none_or(|known| known.secrets().first() != Some(&newest));
    let before = existing.map(|known| known.record);
    let record = before.clone().unwrap_or_else(|| {
        let fresh = ConnectionRecord::new(id, &new.name, &new.connector, sealed.clone(), now);
        ConnectionRecord { sandbox: context.config.mode == Mode::Demo, ..fresh }
    });
    let record = ConnectionRecord {
        connector: new.connector.clone(),
        scheme: scheme.name().to_owned(),
        settings: serde_json::to_string(&new.settings)?,
        secrets: sealed,
        secret_set_at: now,
        ..record
    };
    let record = record.switched(enabled, now);
    let mut after = shown_in_audit(&record);
    after["new_secret"] = is_new_secret.into();
    let audit = context.audit("source.put", format!("source:{id}"));
    let audit = audit_of_change(context, scope, audit, before.as_ref(), &after).await?;
    context.store.connections.put(scope, record, key, audit).await?;
    Ok(())
}

/// Every source: the connections that send messages.
pub(crate) async fn all(context: &Context, scope: Scope) -> storage::Result<Vec<ConnectionRecord>> {
    let connections = context.store.connections.all(scope).await?;
    Ok(connections.into_iter().filter(is_source).collect())
}

/// Whether a connection sends messages; also one whose connector this version does not have: only messages are verified.
pub(crate) fn is_source(connection: &ConnectionRecord) -> bool {
    match catalogue::family(&connection.connector) {
        Some(family) => family == Family::Carrier,
        None => !connection.scheme.is_empty(),
    }
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
    let (sealed, key) = sealed(context, source.record.id, Some(&source), &[]);
    let why = why.map_or_else(|| name.to_owned(), |why| format!("{name}: {why}"));
    let why = audit::reason(context, scope, &why).await?;
    let audit = context.audit("source.remove", format!("source:{}", source.record.id)).why(Some(why));
    let source = ConnectionRecord { secrets: sealed, ..source.record }.switched(false, context.now());
    context.store.connections.put(scope, source, key, audit).await?;
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
    let kept = there(context, caller.scope()).await?;
    Ok(kept.map(|one| (one.record, one.secrets.map(|secrets| secrets.len()).map_err(anyhow::Error::msg))).collect())
}

async fn there(context: &Context, scope: Scope) -> storage::Result<impl Iterator<Item = Opened>> {
    let all = opened::all(context, scope).await?;
    Ok(all.into_iter().filter(|one| is_source(&one.record) && !one.is_removed()))
}

/// Refuses what is posted to a source until it is enabled again. A server that runs notices within seconds.
///
/// # Errors
/// When there is no such source, or the store fails.
pub async fn disable(context: &Context, caller: &Caller, name: &str, why: Option<String>) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let source = named(context, caller, name).await?.record;
    let why = why.map_or_else(|| name.to_owned(), |why| format!("{name}: {why}"));
    change(context, caller.scope(), source.switched(false, context.now()), "source.disable", &why).await
}

/// Takes what is posted to a source again.
///
/// # Errors
/// When there is no such source, its secrets cannot be opened, or the store fails.
pub async fn enable(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let source = named(context, caller, name).await?;
    if let Err(why) = source.secrets {
        bail!("{name}: {why}");
    }
    change(context, caller.scope(), source.record.switched(true, context.now()), "source.enable", name).await
}

/// Forgets the secret from before the last change. A server that runs notices within seconds.
///
/// # Errors
/// When there is no such source, it has one secret alone, no message came with the newest yet, or the store fails.
pub async fn drop_old_secret(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let source = named(context, caller, name).await?;
    let [newest, _, ..] = source.secrets() else {
        bail!("source {name} has one secret alone: there is no old one to drop");
    };
    ensure!(is_proven(&source.record), not_used_yet(name));
    let (sealed, _) = sealed(context, source.record.id, Some(&source), std::slice::from_ref(newest));
    let source = ConnectionRecord { secrets: sealed, ..source.record };
    change(context, caller.scope(), source, "source.secret.drop_old", name).await
}

async fn named(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<Opened> {
    let (found, others): (Vec<_>, Vec<_>) =
        there(context, caller.scope()).await?.partition(|one| one.record.name == name);
    match found.into_iter().next() {
        Some(source) => Ok(source),
        None if others.is_empty() => bail!("there is no source {name}: there is none at all"),
        None => {
            let known: Vec<_> = others.iter().map(|one| one.record.name.as_str()).collect();
            bail!("there is no source {name}: there are {}", known.join(", "))
        }
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
    let key = context.store.people.key(scope, source.secrets.subject).await?;
    let secrets = Opened::of(context, source.clone(), key).secrets.map_err(anyhow::Error::msg)?;
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

async fn change(
    context: &Context,
    scope: Scope,
    source: ConnectionRecord,
    action: &'static str,
    why: &str,
) -> anyhow::Result<()> {
    let why = audit::reason(context, scope, why).await?;
    let audit = context.audit(action, format!("source:{}", source.id)).why(Some(why));
    context.store.connections.put(scope, source, None, audit).await?;
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

/// Whether keys may be fetched there.
pub(super) fn check_keys_url(config: &Config, scheme: Scheme, url: &str) -> anyhow::Result<()> {
    let of_keys = Scheme::ShipengineRsa;
    ensure!(scheme == of_keys, "only the scheme {} takes published keys", of_keys.name());
    outbound::base_url(url).map_err(|error| anyhow!("{error}"))?;
    ensure!(
        !outbound::is_in_clear(url),
        "--keys-url {url}: keys that come over http:// may be anybody's; write https://"
    );
    if let Some(why) = address::refused(config, url) {
        bail!(why);
    }
    Ok(())
}

/// What is set must work before it is kept.
pub(super) fn check(config: &Config, new: &NewSource, scheme: Scheme) -> anyhow::Result<()> {
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
        check_keys_url(config, scheme, url)?;
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

pub(super) fn keys_url(source: &ConnectionRecord) -> Option<String> {
    serde_json::from_str::<Settings>(&source.settings).ok()?.keys_url
}

/// Takes the keys that a platform publishes now; those known before stay valid beside them until the next change.
///
/// # Errors
/// When they cannot be had, or the store fails.
pub async fn fetch_keys(context: &Context, scope: Scope, name: &str, log: &dyn CallLog) -> Result<(), KeysError> {
    let Some(known) = opened(context, scope, name).await? else { return Ok(()) };
    let Some(url) = keys_url(&known.record).filter(|_| known.record.enabled) else { return Ok(()) };
    let newest = known.secrets().first();
    // one that was removed meanwhile has none, and gets none
    if newest.is_none() && known.secrets.is_ok() {
        return Ok(());
    }
    let published = keys::fetch(&url, log).await?;
    if newest == Some(&published) {
        return Ok(());
    }
    let secrets = with_new(&published, known.secrets(), true);
    let (sealed, key) = sealed(context, known.record.id, Some(&known), &secrets);
    let why = audit::reason(context, scope, &format!("published at {url}")).await?;
    let audit = context.audit("source.keys", format!("source:{}", known.record.id)).why(Some(why));
    let source = ConnectionRecord { secrets: sealed, secret_set_at: context.now(), ..known.record };
    context.store.connections.put(scope, source, key, audit).await.map_err(UseCaseError::from)?;
    Ok(())
}
