//! What is particular to connections that send messages: their names, proofs, published keys and addresses.

use super::{
    address, catalogue,
    live::{DESK, ODOO},
    opened::{Opened, opened, sealed, with_new},
    weaknesses,
};
use crate::{audit, config::Config, context::Context, error::UseCaseError};
use anyhow::{Context as _, anyhow, bail, ensure};
use carriers::{Scheme, Settings, keys};
use outbound::{CallError, CallLog, template::Family};
use storage::{
    Scope, Store,
    connections::ConnectionRecord,
    jobs::{Cause, JobKind, Lane, NewJob},
};

pub use super::opened::SECRETS;

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
    let named =
        name.len() <= 64 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    let form = "use lower case letters, digits and hyphens only, at most 64";
    ensure!(!name.is_empty(), "the name is missing: {form}");
    ensure!(named, "the name {name:?} cannot be used: {form}");
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

/// The address with which the server was last started here.
///
/// # Errors
/// When the store fails.
pub async fn announced_public_url(store: &Store, scope: Scope) -> storage::Result<Option<String>> {
    store.people.setting(scope, PUBLIC_URL).await
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
    Ok(match announced_public_url(&context.store, scope).await? {
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
pub(super) fn check(config: &Config, scheme: Scheme, secret: &str, settings: &Settings) -> anyhow::Result<()> {
    match scheme {
        Scheme::IpAllowList => ensure!(!settings.networks.is_empty(), "the networks are the only proof: name them"),
        _ => ensure!(!secret.is_empty() || settings.keys_url.is_some(), "the secret is missing"),
    }
    if settings.keys_url.is_none() {
        weaknesses::refuse_no_proof(scheme, secret, settings)?;
        let weak = weaknesses::weaknesses(scheme, secret, settings);
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
