//! Brings what is stored of connections into this process, and what happened on them into the store.

use super::{
    catalogue,
    command_line::key_file,
    live::{Client, Connection, Snapshot},
    opened::{self, Opened},
};
use crate::context::Context;
use outbound::template::Family;
use std::sync::Arc;

/// Takes up what changed; whether anything did. Those that did not change stay connected.
///
/// # Errors
/// When the store fails.
pub async fn refresh(context: &Context) -> storage::Result<bool> {
    let (scope, before) = (context.scope(), context.connections.now());
    if context.store.connections.version(scope).await? == before.version() {
        return Ok(false);
    }
    let all = opened::all(context, scope).await?;
    let connections = all.into_iter().map(|opened| match before.same(opened.record.id, opened.record.version) {
        Some(same) => Arc::clone(same),
        None => Arc::new(connect(context, opened)),
    });
    context.connections.set(Snapshot::new(connections.collect()));
    context.sources.forget();
    context.breakers.forget();
    context.notifier.all_work();
    Ok(true)
}

/// This node takes up a change before the person has an answer, the others as soon as they notice.
pub(super) async fn announce(context: &Context) -> crate::Result<()> {
    refresh(context).await?;
    context.notifier.connections();
    Ok(())
}

/// A connection as it is worked with; one whose secrets cannot be opened is not.
fn connect(context: &Context, opened: Opened) -> Connection {
    let Opened { record, secrets, .. } = opened;
    let is_source = catalogue::family(&record.connector).is_none_or(|family| family == Family::Carrier);
    let file = key_file(&context.config, &record);
    match secrets {
        // those of a source are opened when a message comes
        _ if is_source => Connection::new(&context.config, record, Vec::new(), None),
        Ok(secrets) => Connection::new(&context.config, record, secrets, file),
        Err(why) => {
            let connection = Connection::new(&context.config, record, Vec::new(), None);
            Connection { client: Client::Unusable(why.to_owned()), ..connection }
        }
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
