//! Brings what is stored of connections into this process, and what happened on them into the store.

use super::{
    catalogue,
    live::{Connection, DESK, ODOO, Snapshot},
    sources::SECRETS,
};
use crate::{config::Config, context::Context};
use domain::ids::SubjectId;
use outbound::{Key, template::Family};
use std::sync::Arc;
use storage::{WrappedKey, connections::ConnectionRecord};

/// Takes up what changed; whether anything did. Those that did not change stay connected.
///
/// # Errors
/// When the store fails.
pub async fn refresh(context: &Context) -> storage::Result<bool> {
    let (scope, before) = (context.scope(), context.connections.now());
    if context.store.connections.version(scope).await? == before.version() {
        return Ok(false);
    }
    let records = context.store.connections.all(scope).await?;
    let subjects = records.iter().map(|record| SubjectId(record.id.0)).collect();
    let mut keys = context.store.people.keys(scope, subjects).await?;
    let connections = records.into_iter().map(|record| {
        let key = keys.remove(&SubjectId(record.id.0)).flatten();
        match before.same(record.id, record.version) {
            Some(same) => Arc::clone(same),
            None => Arc::new(connect(context, record, key.as_ref())),
        }
    });
    context.connections.set(Snapshot::new(connections.collect()));
    context.sources.forget();
    context.breakers.forget();
    context.notifier.all_work();
    Ok(true)
}

/// A connection of a record; one whose secrets cannot be opened has none.
fn connect(context: &Context, record: ConnectionRecord, key: Option<&WrappedKey>) -> Connection {
    if catalogue::family(&record.connector).is_none_or(|family| family == Family::Carrier) {
        return Connection::new(&context.config, record, Vec::new(), None);
    }
    let secrets = key.and_then(|key| secrets_of(context, &record, key));
    let file = key_file(&context.config, &record);
    Connection::new(&context.config, record, secrets.unwrap_or_default(), file)
}

/// The secrets of a connection, newest first; none where they cannot be opened.
pub(crate) fn secrets_of(context: &Context, record: &ConnectionRecord, key: &WrappedKey) -> Option<Vec<String>> {
    let opened = context.vault.unwrap(key).ok()?.open(SECRETS, &record.secrets).ok()?;
    serde_json::from_slice(&opened).ok()
}

/// The key of the command line that a connection was made from: where it is in a file, that is read again.
fn key_file(config: &Config, record: &ConnectionRecord) -> Option<Key> {
    record.seeded.as_ref()?;
    match record.name.as_str() {
        ODOO => config.odoo.as_ref().map(|odoo| odoo.key.clone()),
        DESK => config.desk.as_ref().map(|desk| desk.token.clone()),
        _ => None,
    }
}

/// Keeps what was counted since the last time.
///
/// # Errors
/// When the store fails; what was counted until then is lost.
pub async fn flush(context: &Context) -> storage::Result<()> {
    let traffic = context.connections.take_traffic();
    if traffic.is_empty() {
        return Ok(());
    }
    context.store.connections.traffic(context.scope(), traffic).await
}
