//! What the command line says of the first Odoo and the first desk, at the starts of several nodes.

use super::{KEY, caller, odoo, put, record, second_odoo};
use crate::world::systems::Systems;
use application::{
    clock::Clock,
    config::{CallLimits, OdooSettings},
    connections::{self, NewConnection},
    context::Context,
};
use outbound::Discard;
use std::sync::Arc;

/// A node that starts with another command line.
async fn start(systems: &Systems, change: impl FnOnce(&mut OdooSettings)) -> Arc<Context> {
    let mut config = (*systems.world.config).clone();
    change(config.system.odoo.as_mut().unwrap());
    let clock: Arc<dyn Clock> = systems.world.clock.clone();
    let store = systems.world.context.store.clone();
    let context = server::bootstrap::assemble(config, clock, store, &[7; 32]).await.unwrap();
    connections::seed(&context).await.unwrap();
    context
}

async fn setting(context: &Context, field: &str) -> Option<String> {
    let one = connections::one(context, &caller(context), "odoo").await.unwrap();
    one.overview.fields().remove(field)
}

/// A person changes one setting of the first Odoo.
async fn set(context: &Context, field: &str, value: &str) {
    let mut fields = connections::one(context, &caller(context), "odoo").await.unwrap().overview.fields();
    fields.insert(field.into(), value.into());
    put(context, NewConnection { fields, secret: None, ..odoo("odoo", "") }).await.unwrap();
}

#[tokio::test]
async fn starts_of_nodes_with_different_limits_undo_nothing() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let limited = |odoo: &mut OdooSettings| odoo.limits = CallLimits { at_once: 3, ..CallLimits::default() };
    start(&systems, limited).await;
    assert_eq!(setting(context, "concurrency").await.as_deref(), Some("3"));
    start(&systems, |_| {}).await;
    assert_eq!(setting(context, "concurrency").await.as_deref(), Some("3"), "not to name it says nothing");
    set(context, "import_seconds", "77").await;
    let version = record(context, "odoo").await.version;
    for _ in 0..2 {
        start(&systems, limited).await;
        start(&systems, |_| {}).await;
    }
    assert_eq!(setting(context, "import_seconds").await.as_deref(), Some("77"));
    assert_eq!(record(context, "odoo").await.version, version);
}

#[tokio::test]
async fn what_changes_on_the_command_line_changes_nothing_else() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    set(context, "import_seconds", "77").await;
    start(&systems, |odoo| odoo.key = "renewed in its file".into()).await;
    assert_eq!(setting(context, "import_seconds").await.as_deref(), Some("77"));
    let secrets = async || connections::one(context, &caller(context), "odoo").await.unwrap().overview.secrets;
    assert_eq!(secrets().await, 2);
    start(&systems, |odoo| odoo.import_seconds = 30).await;
    assert_eq!((setting(context, "import_seconds").await.as_deref(), secrets().await), (Some("30"), 2));
    // a node that was not started anew yet has the older command line
    set(context, "import_seconds", "88").await;
    start(&systems, |_| {}).await;
    assert_eq!(setting(context, "import_seconds").await.as_deref(), Some("88"));
}

#[tokio::test]
async fn the_key_of_the_command_line_stays_with_its_address() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let second = second_odoo().await;
    put(context, odoo("odoo", &second.url())).await.unwrap();
    let sealed = record(context, "odoo").await.secrets;
    let again = start(&systems, |odoo| odoo.key = "renewed in its file".into()).await;
    assert_eq!(record(context, "odoo").await.secrets, sealed, "it is for the address that a person replaced");
    assert_eq!(setting(context, "url").await, Some(second.url()));
    again.odoo("odoo").unwrap().health(&Discard).await.unwrap();
}

#[tokio::test]
async fn the_command_line_leads_no_used_connection_elsewhere() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let second = second_odoo().await;
    systems.order("DE1").await;
    let before = record(context, "odoo").await;
    let moved = |odoo: &mut OdooSettings| (odoo.url, odoo.key) = (second.url(), KEY.into());
    for _ in 0..2 {
        start(&systems, moved).await;
        assert_eq!(record(context, "odoo").await, before, "nothing of it is taken over");
    }
    start(&systems, |odoo| odoo.database = "staging".into()).await;
    assert_eq!(record(context, "odoo").await.settings, before.settings);
    // a person says that it is the same system
    put(context, NewConnection { moved: true, ..odoo("odoo", &second.url()) }).await.unwrap();
    start(&systems, moved).await;
    assert_eq!(setting(context, "url").await, Some(second.url()));
}

#[tokio::test]
async fn the_command_line_makes_no_second_connection_to_a_system() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let second = second_odoo().await;
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    start(&systems, |odoo| (odoo.url, odoo.key) = (second.url(), KEY.into())).await;
    assert_eq!(setting(context, "url").await, Some(systems.odoo.url()));
}
