//! The first order system and the first desk are made from the command line, and again whenever that says something else than
//! before. What a person changes in between stays until then.

use super::{
    catalogue,
    live::{DESK, ODOO},
    refresh::refresh,
    sources::SECRETS,
};
use crate::{
    config::{Config, Mode},
    context::Context,
    keys::sealed_audit,
};
use anyhow::{Context as _, ensure};
use domain::ids::{SourceId, SubjectId};
use outbound::Key;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::num::NonZeroU32;
use storage::{Actor, Scope, StoreError, connections::ConnectionRecord};

/// What the command line says of a connection.
struct Seed {
    name: &'static str,
    label: &'static str,
    connector: String,
    settings: Value,
    key: Key,
}

/// Makes or changes what the command line names.
///
/// # Errors
/// When the store fails, or one of the names is taken by something else.
pub async fn seed(context: &Context) -> anyhow::Result<()> {
    for seed in seeds(&context.config) {
        put(context, seed).await?;
    }
    refresh(context).await?;
    Ok(())
}

fn seeds(config: &Config) -> Vec<Seed> {
    let concurrency = |at_once: usize| u32::try_from(at_once).ok().and_then(NonZeroU32::new);
    let of_odoo = config.odoo.as_ref().map(|set| {
        let settings = odoo::Settings {
            url: set.url.clone(),
            database: set.database.clone(),
            import_seconds: set.import_seconds,
            concurrency: concurrency(set.limits.at_once),
            calls_per_second: set.limits.calls_per_second,
            signatory: config.rules.signatory_in_odoo,
        };
        let settings = serde_json::to_value(settings).expect("plain data serialises");
        Seed { name: ODOO, label: "Odoo", connector: odoo::ID.into(), settings, key: set.key.clone() }
    });
    let of_desk = config.desk.as_ref().map(|set| {
        let settings = desks::Settings {
            url: set.url.clone(),
            queue: set.queue.clone(),
            poll_seconds: set.poll_seconds,
            concurrency: concurrency(set.limits.at_once),
            calls_per_second: set.limits.calls_per_second,
        };
        let settings = serde_json::to_value(settings).expect("plain data serialises");
        let connector = set.connector.clone();
        Seed { name: DESK, label: "Service desk", connector, settings, key: set.token.clone() }
    });
    of_odoo.into_iter().chain(of_desk).collect()
}

async fn put(context: &Context, seed: Seed) -> anyhow::Result<()> {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    let secret = seed.key.get().expose_secret().to_owned();
    let plain = serde_json::to_vec(&(&seed.connector, &seed.settings, &secret)).expect("plain data serialises");
    // keyed, since it is made of a secret
    let digest: String = context.vault.digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
    let known = context.store.connections.by_name(seed.name).await?;
    if let Some((_, known, _)) = &known {
        let wanted = catalogue::family(&seed.connector);
        ensure!(
            catalogue::family(&known.connector) == wanted,
            "--{0}-* names the {1} {0}, but there is a source {0} of {2} already: put the source again under another name, then \
             start again",
            seed.name,
            seed.label,
            known.connector
        );
        if known.seeded.as_ref() == Some(&digest) {
            return Ok(());
        }
    }
    let now = context.now();
    let id = known.as_ref().map_or_else(|| SourceId(context.clock.id()), |(_, known, _)| known.id);
    let (key, wrapped) = match &known {
        Some((.., wrapped)) => (context.vault.unwrap(wrapped)?, wrapped.clone()),
        None => context.vault.new_key(SubjectId(id.0)),
    };
    let mut secrets = vec![secret];
    if let Some((_, known, _)) = &known {
        let before: Vec<String> = serde_json::from_slice(&key.open(SECRETS, &known.secrets)?).context("its secrets")?;
        secrets.extend(before.into_iter().filter(|before| *before != secrets[0]).take(1).collect::<Vec<_>>());
    }
    let secrets = key.seal(SECRETS, &serde_json::to_vec(&secrets)?);
    let record = match known {
        Some((_, known, _)) => ConnectionRecord { connector: seed.connector, secrets, secret_set_at: now, ..known },
        None => ConnectionRecord {
            label: seed.label.into(),
            owner: "Command line".into(),
            ..ConnectionRecord::new(id, seed.name, &seed.connector, secrets, now)
        },
    };
    let settings = seed.settings.to_string();
    let sandbox = context.config.mode == Mode::Demo || record.sandbox;
    let record = ConnectionRecord { settings, sandbox, seeded: Some(digest), ..record };
    let after = serde_json::json!({"name": record.name, "connector": record.connector, "settings": seed.settings});
    let after = sealed_audit(context, scope, &after).await?;
    let audit = context.audit("connection.seed", format!("connection:{id}")).after(after);
    match context.store.connections.put(scope, record, wrapped, audit).await {
        // another node was faster
        Err(StoreError::Conflict(_)) => Ok(()),
        other => Ok(other?),
    }
}
