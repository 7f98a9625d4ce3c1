//! Sources of messages: made, changed, their secrets rotated.

use super::{ingest::SECRETS, people::sealed_audit};
use crate::{tower::Tower, wire};
use anyhow::{Context, Result, bail, ensure};
use connectors::carriers::{self, Scheme, Settings};
use domain::ids::{SourceId, SubjectId};
use storage::{AuditEntry, Scope, inbox::SourceRecord};

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

/// Makes or changes a source. A changed secret stays valid beside the new one: that is how secrets are rotated.
///
/// # Errors
/// When name, connector or scheme are not right.
pub async fn put(tower: &Tower, scope: Scope, new: NewSource) -> Result<()> {
    let named = !new.name.is_empty()
        && new.name.len() <= 64
        && new.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    ensure!(named, "source name {:?}: lower case letters, digits, - and _ only", new.name);
    let Some(carrier) = carriers::by_id(&new.connector) else {
        let known: Vec<_> = carriers::ALL.iter().map(|c| c.manifest().id).collect();
        bail!("there is no connector {}: use one of {}", new.connector, known.join(", "));
    };
    let manifest = carrier.manifest();
    let scheme = match &new.scheme {
        None => *manifest.schemes.first().context("the connector has no scheme")?,
        Some(name) => Scheme::from_name(name).filter(|s| manifest.schemes.contains(s)).with_context(|| {
            let known: Vec<_> = manifest.schemes.iter().map(|s| s.name()).collect();
            format!("connector {} knows the schemes {}", new.connector, known.join(", "))
        })?,
    };
    check(&new, scheme)?;
    let now = tower.now();
    let existing = tower.store.inbox.sources(scope).await?.into_iter().find(|s| s.name == new.name);
    let id = existing.as_ref().map_or_else(|| SourceId(tower.clock.id()), |s| s.id);
    let subject = SubjectId(id.0);
    let kept = tower.store.people.key(scope, subject).await?;
    let (key, wrapped) = match kept {
        Some(kept) => (tower.vault.unwrap(&kept)?, kept),
        None => tower.vault.new_key(subject),
    };
    let mut secrets = vec![new.secret];
    if let Some(old) = &existing {
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

/// What is set must work before it is kept.
fn check(new: &NewSource, scheme: Scheme) -> Result<()> {
    let settings = &new.settings;
    match scheme {
        Scheme::IpAllowList => ensure!(!settings.networks.is_empty(), "the networks are the only proof: name them"),
        _ => ensure!(!new.secret.is_empty(), "the secret is empty"),
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
