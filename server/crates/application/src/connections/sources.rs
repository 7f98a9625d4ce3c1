//! Sources of messages, as the command line sets them.

use super::{
    catalogue::SCHEME,
    inbound::{self, is_source},
    manage::{self, NewConnection},
    opened::{self, Opened, opened, sealed},
    rotation,
};
use crate::{audit, caller::Caller, config::Mode, context::Context};
use anyhow::{Context as _, bail};
use carriers::{Scheme, Settings};
use domain::access::Permission;
use outbound::schema;
use serde_json::Value;
use storage::{Scope, connections::ConnectionRecord};

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

/// Makes or changes a source: a connection that is in use at once. A changed secret stays valid beside the new one: that is how
/// secrets are rotated. One that is disabled stays so; one that was removed is there again.
///
/// # Errors
/// When name, connector, scheme, secret or settings are not right.
pub async fn put(context: &Context, caller: &Caller, new: NewSource) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    let manifest = inbound::check_name(&new.name, &new.connector)?.manifest();
    let scheme = match &new.scheme {
        None => *manifest.schemes.first().context("the connector has no scheme")?,
        Some(name) => Scheme::from_name(name)
            .filter(|s| manifest.schemes.contains(s) || *s == Scheme::IpAllowList)
            .with_context(|| {
                let known: Vec<_> = manifest.schemes.iter().map(|s| s.name()).collect();
                format!("connector {} knows the schemes {}", new.connector, known.join(", "))
            })?,
    };
    inbound::check(&context.config, scheme, &new.secret, &new.settings)?;
    let known = opened(context, caller.scope(), &new.name).await?;
    if let Some(known) = known.as_ref().filter(|known| !is_source(&known.record)) {
        bail!("there is a connection {} to {} already: choose another name", new.name, known.record.connector);
    }
    let begins = known.as_ref().is_none_or(Opened::is_removed);
    let as_it_is = known.map_or_else(
        || NewConnection { sandbox: context.config.mode == Mode::Demo, ..NewConnection::default() },
        |known| NewConnection::of(&known.record),
    );
    let Value::Object(mut settings) = serde_json::to_value(&new.settings)? else {
        bail!("the settings of a source are no object");
    };
    settings.insert(SCHEME.to_owned(), scheme.name().into());
    let changed = NewConnection {
        name: new.name,
        connector: new.connector,
        fields: schema::shown(&carriers::template::template(manifest).fields, &settings),
        secret: Some(new.secret.into()),
        enabled: begins.then_some(true),
        ..as_it_is
    };
    manage::put(context, caller, changed).await?;
    Ok(())
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
    named(context, caller, name).await?;
    Ok(manage::switch(context, caller, name, false, &why.unwrap_or_default()).await?)
}

/// Takes what is posted to a source again.
///
/// # Errors
/// When there is no such source, it cannot be used as it is, or the store fails.
pub async fn enable(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    named(context, caller, name).await?;
    Ok(manage::switch(context, caller, name, true, "").await?)
}

/// Forgets the secret from before the last change. A server that runs notices within seconds.
///
/// # Errors
/// When there is no such source, it has one secret alone, no message came with the newest yet, or the store fails.
pub async fn drop_old_secret(context: &Context, caller: &Caller, name: &str) -> anyhow::Result<()> {
    caller.require(Permission::Operate)?;
    named(context, caller, name).await?;
    Ok(rotation::retire_old(context, caller, name).await?)
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
