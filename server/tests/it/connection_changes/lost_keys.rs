//! A connection whose secrets cannot be opened any more: the others are there all the same, and a new secret mends it.

use super::{KEY, NewConnection, caller, odoo, put, record, refused, second_odoo};
use crate::world::systems::Systems;
use application::{
    connections::{self, StateKind},
    context::Context,
    error::UseCaseError,
};
use outbound::{Discard, check::CheckOutcome};
use storage::{Sealed, connections::ConnectionRecord};

/// Its secrets are other bytes than were sealed.
async fn damage(context: &Context, name: &str) {
    let record = record(context, name).await;
    let secrets = Sealed { bytes: vec![7; 60], ..record.secrets.clone() };
    let audit = context.audit("test", "connection");
    let damaged = ConnectionRecord { secrets, ..record };
    context.store.connections.put(context.scope(), damaged, None, audit).await.unwrap();
    connections::refresh(context).await.unwrap();
}

/// Its key is destroyed.
async fn destroy(context: &Context, name: &str) {
    let record = record(context, name).await;
    let audit = context.audit("test", "connection");
    context.store.people.destroy_key(context.scope(), record.secrets.subject, audit).await.unwrap();
    let touched = ConnectionRecord { owner: "somebody".into(), ..record };
    let audit = context.audit("test", "connection");
    context.store.connections.put(context.scope(), touched, None, audit).await.unwrap();
    connections::refresh(context).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_stops_no_other_and_is_mended_by_a_new_secret() {
    for lose in [true, false] {
        let systems = Systems::new().await;
        let (context, who) = (&systems.world.context, caller(&systems.world.context));
        let second = second_odoo().await;
        put(context, odoo("odoo-pl", &second.url())).await.unwrap();
        match lose {
            true => destroy(context, "odoo-pl").await,
            false => damage(context, "odoo-pl").await,
        }
        let list = connections::list(context, &who).await.unwrap();
        let states: Vec<_> = list.iter().map(|one| (one.record.name.as_str(), one.state.is)).collect();
        assert!(states.contains(&("odoo-pl", StateKind::Broken)), "{states:?}");
        for name in ["aftership", "desk", "odoo"] {
            assert!(states.contains(&(name, StateKind::Active)), "{states:?}");
        }
        assert!(context.odoo("odoo-pl").is_none(), "it is not called with an empty key");
        let report = connections::test(context, &who, "odoo-pl").await.unwrap();
        assert_eq!(report.checks[0].outcome, CheckOutcome::Failed);
        connections::switch(context, &who, "odoo-pl", false, "it is broken").await.unwrap();
        let enabled = connections::switch(context, &who, "odoo-pl", true, "").await;
        assert!(matches!(enabled, Err(UseCaseError::Invalid { field: "secret", .. })), "{enabled:?}");
        let unchanged = NewConnection { secret: None, ..odoo("odoo-pl", &second.url()) };
        assert_eq!(refused(context, unchanged).await.0, "secret");
        match lose {
            true => put(context, odoo("odoo-pl", &second.url())).await.unwrap(),
            false => {
                connections::rotate(context, &who, "odoo-pl", KEY).await.unwrap();
                connections::switch(context, &who, "odoo-pl", true, "").await.unwrap();
            }
        }
        context.odoo("odoo-pl").unwrap().health(&Discard).await.unwrap();
        assert_eq!(connections::one(context, &who, "odoo-pl").await.unwrap().overview.secrets, 1);
    }
}
