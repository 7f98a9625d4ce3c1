//! A secret goes only to the address for which it was given, and the last one that works is never thrown away.

use super::{KEY, Refusing, caller, fields, odoo, put, record, refused, second_odoo};
use crate::world::{World, systems::Systems};
use application::{
    clock::Clock,
    connections::{self, NewConnection},
    context::Context,
    odoo::IMPORT_PAGES_MAX,
};
use outbound::{Discard, Key};
use simulator::odoo::DATABASE;
use std::sync::Arc;

const OTHER: &str = "a secret for elsewhere";

async fn import(context: &Context, name: &str) -> bool {
    let (scope, correlation) = (context.scope(), context.correlation());
    application::odoo::import(context, scope, name, correlation, IMPORT_PAGES_MAX, &Discard).await.is_ok()
}

#[tokio::test]
async fn a_changed_address_gets_no_earlier_secret() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (second, elsewhere) = (second_odoo().await, Refusing::start().await);
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    assert!(import(context, "odoo-pl").await);
    // two of them: a rotation was going on
    connections::rotate(context, &caller(context), "odoo-pl", "a key to come").await.unwrap();
    put(context, NewConnection { secret: None, ..odoo("odoo-pl", &second.url()) }).await.unwrap();
    assert!(import(context, "odoo-pl").await, "the same address keeps both");
    put(context, NewConnection { secret: Some(OTHER.into()), ..odoo("odoo-pl", &elsewhere.url) }).await.unwrap();
    assert!(!import(context, "odoo-pl").await);
    connections::test(context, &caller(context), "odoo-pl").await.unwrap();
    assert!(elsewhere.received(OTHER), "it was called");
    for secret in [KEY, "a key to come"] {
        assert!(!elsewhere.received(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_key_file_counts_for_the_address_of_the_command_line_alone() {
    const OF_FILE: &str = "the key in the file";
    let (first, elsewhere) = (Refusing::start().await, Refusing::start().await);
    let systems = Systems::new().await;
    let mut config = (*systems.world.config).clone();
    let named = config.system.odoo.as_mut().unwrap();
    (named.url, named.key) = (first.url.clone(), Key::reloading(KEY.into(), || Some(OF_FILE.into())));
    let world = World::with(config).await;
    let context = &world.context;
    assert!(!import(context, "odoo").await);
    assert!(first.received(KEY) && first.received(OF_FILE), "it is read again where a key is refused");
    put(context, NewConnection { secret: Some(OTHER.into()), ..odoo("odoo", &elsewhere.url) }).await.unwrap();
    assert!(!import(context, "odoo").await);
    connections::test(context, &caller(context), "odoo").await.unwrap();
    assert!(elsewhere.received(OTHER) && !elsewhere.received(OF_FILE) && !elsewhere.received(KEY));
}

#[tokio::test]
async fn another_address_on_the_command_line_gets_no_earlier_secret() {
    let (first, elsewhere) = (second_odoo().await, Refusing::start().await);
    let systems = Systems::new().await;
    let mut config = (*systems.world.config).clone();
    let named = config.system.odoo.as_mut().unwrap();
    (named.url, named.key) = (first.url(), KEY.into());
    let world = World::with(config.clone()).await;
    let named = config.system.odoo.as_mut().unwrap();
    (named.url, named.key) = (elsewhere.url.clone(), OTHER.into());
    let clock: Arc<dyn Clock> = world.clock.clone();
    let store = world.context.store.clone();
    let context = server::bootstrap::assemble(config, clock, store, &[7; 32]).await.unwrap();
    connections::seed(&context).await.unwrap();
    assert!(record(&context, "odoo").await.settings.contains(&elsewhere.url));
    assert!(!import(&context, "odoo").await);
    assert!(elsewhere.received(OTHER) && !elsewhere.received(KEY));
}

#[tokio::test]
async fn a_valid_secret_is_never_thrown_away_for_one_that_is_not() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let second = second_odoo().await;
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    let who = caller(context);
    let rotate = async |secret: &str| connections::rotate(context, &who, "odoo-pl", secret).await;
    let secrets = async || connections::one(context, &who, "odoo-pl").await.unwrap().overview.secrets;
    for mistyped in ["a typing error", "another one", "a third one"] {
        assert_eq!(rotate(mistyped).await.unwrap(), 2);
        let report = connections::test(context, &who, "odoo-pl").await.unwrap();
        assert!(report.checks.iter().any(|check| check.what == "API key not accepted"), "{report:?}");
        assert_eq!(secrets().await, 2);
        let kept = connections::retire_old(context, &who, "odoo-pl").await.unwrap_err();
        assert!(kept.to_string().contains("does not accept"), "{kept}");
        assert!(import(context, "odoo-pl").await, "after {mistyped}");
    }
    // setting it by the form is a rotation too
    put(context, NewConnection { secret: Some("typed in the form".into()), ..odoo("odoo-pl", &second.url()) })
        .await
        .unwrap();
    assert!(import(context, "odoo-pl").await);
    rotate(KEY).await.unwrap();
    connections::retire_old(context, &who, "odoo-pl").await.unwrap();
    assert_eq!(secrets().await, 1);
    assert!(import(context, "odoo-pl").await);
}

/// It signs in, but its user may not do all that Milepost does.
#[tokio::test]
async fn a_limited_secret_does_not_take_the_place_of_one_with_every_right() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (second, who) = (second_odoo().await, caller(context));
    second.add_key("limited", [("stock.picking", "write")]);
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    let rotate = async |secret: &str| connections::rotate(context, &who, "odoo-pl", secret).await;
    let is_tested_well = async || connections::test(context, &who, "odoo-pl").await.unwrap().passed();
    rotate("limited").await.unwrap();
    assert!(!is_tested_well().await);
    let kept = connections::retire_old(context, &who, "odoo-pl").await.unwrap_err().to_string();
    assert!(kept.contains("accepts the newest secret, but its test finds: Missing in Odoo: right to write"), "{kept}");
    // of the two the limited one gives way
    rotate("a typing error").await.unwrap();
    assert!(import(context, "odoo-pl").await);
    rotate(KEY).await.unwrap();
    connections::retire_old(context, &who, "odoo-pl").await.unwrap();
    assert!(is_tested_well().await);
    // where both lack the same the newest is as good
    second.add_key("of another user", []);
    second.remove_fields();
    rotate("of another user").await.unwrap();
    connections::retire_old(context, &who, "odoo-pl").await.unwrap();
    assert_eq!(connections::one(context, &who, "odoo-pl").await.unwrap().overview.secrets, 1);
}

#[tokio::test]
async fn what_was_mistyped_before_the_first_use_is_not_valid_beside_the_right_one() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (second, who) = (second_odoo().await, caller(context));
    let draft =
        |secret: &str| NewConnection { secret: Some(secret.into()), enabled: None, ..odoo("odoo-pl", &second.url()) };
    let secrets = async || connections::one(context, &who, "odoo-pl").await.unwrap().overview.secrets;
    for secret in ["a typing error", "another one", KEY] {
        put(context, draft(secret)).await.unwrap();
        assert_eq!(secrets().await, 1, "{secret}");
    }
    assert_eq!(connections::rotate(context, &who, "odoo-pl", "a third one").await.unwrap(), 1);
    connections::rotate(context, &who, "odoo-pl", KEY).await.unwrap();
    connections::switch(context, &who, "odoo-pl", true, "").await.unwrap();
    assert!(import(context, "odoo-pl").await);
    // once it was in use the one that works stays, also while it is disabled
    connections::switch(context, &who, "odoo-pl", false, "moving").await.unwrap();
    assert_eq!(connections::rotate(context, &who, "odoo-pl", "a fourth one").await.unwrap(), 2);
}

#[tokio::test]
async fn an_empty_secret_is_missing_by_the_name_that_people_read() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    for (name, says) in
        [("odoo", "API key is missing. "), ("desk", "Token is missing. "), ("aftership", "Secret is missing. ")]
    {
        let empty = connections::rotate(context, &caller(context), name, " ").await.unwrap_err();
        assert!(empty.to_string().starts_with(says), "{name}: {empty}");
    }
}

#[tokio::test]
async fn where_the_system_does_not_answer_nothing_is_thrown_away() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let who = caller(context);
    let away = fields(&[("url", "http://127.0.0.1:1"), ("database", DATABASE)]);
    put(context, NewConnection { fields: away, ..odoo("odoo-pl", "") }).await.unwrap();
    let rotate = async |secret: &str| connections::rotate(context, &who, "odoo-pl", secret).await;
    assert_eq!(rotate("second").await.unwrap(), 2);
    let third = rotate("third").await.unwrap_err();
    assert!(third.to_string().contains("two secrets"), "{third}");
    let kept = connections::retire_old(context, &who, "odoo-pl").await.unwrap_err();
    assert!(kept.to_string().contains("cannot be tested now"), "{kept}");
    assert_eq!(connections::one(context, &who, "odoo-pl").await.unwrap().overview.secrets, 2);
}

#[tokio::test]
async fn a_secret_is_not_shown_by_what_holds_it() {
    let new = odoo("odoo-pl", "https://odoo.example.com");
    assert!(!format!("{new:?}").contains(KEY));
    let systems = Systems::new().await;
    let long = NewConnection { secret: Some("x".repeat(17_000).into()), ..odoo("odoo-pl", "http://127.0.0.1:1") };
    assert_eq!(refused(&systems.world.context, long).await.0, "secret");
}

#[tokio::test]
async fn what_a_test_found_is_forgotten_with_what_it_tested() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (second, third) = (second_odoo().await, second_odoo().await);
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    let report = async || connections::one(context, &caller(context), "odoo-pl").await.unwrap().overview.report;
    assert!(connections::test(context, &caller(context), "odoo-pl").await.unwrap().passed());
    put(context, NewConnection { secret: None, owner: "Ines".into(), ..odoo("odoo-pl", &second.url()) }).await.unwrap();
    assert!(report().await.is_some_and(|report| report.passed()), "its owner is not what was tested");
    put(context, odoo("odoo-pl", &third.url())).await.unwrap();
    assert_eq!(report().await, None);
    connections::test(context, &caller(context), "odoo-pl").await.unwrap();
    connections::rotate(context, &caller(context), "odoo-pl", "another").await.unwrap();
    assert_eq!(report().await, None);
}
