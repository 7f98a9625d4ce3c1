//! What the bench starts as processes of their own: the ingest endpoint without the workers behind it, and the barest endpoints
//! that verify and keep nothing, or two rows.

use super::{
    bare::{Bare, Rows},
    load::{SECRET, SOURCE},
};
use anyhow::{Context as _, Result};
use application::caller::Caller;
use application::{
    clock::{Clock, SystemClock},
    connections::sources::{self, NewSource},
    context::Context,
};
use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use carriers::{RawRequest, Secrets, Settings as SourceSettings};
use domain::ids::content_id;
use server::{
    bootstrap,
    cli::serve::{NodeRole, Running, prometheus},
    config::Settings,
    http::Front,
};
use std::{path::Path, sync::Arc};
use storage::Store;
use storage_postgres::PostgresStore;
use storage_sqlite::{Options, SqliteStore};
use tokio::net::TcpListener;

/// Serves an installation in this role on any free port until the process is ended; prints the address.
///
/// # Errors
/// When it cannot be served.
pub async fn installation(role: NodeRole, data: &Path, database_url: Option<String>) -> Result<()> {
    let running = Running::start(front(data, database_url).await?, role, prometheus()?).await?;
    println!("http://{}", running.address);
    running.until_signal().await
}

/// An installation with the carrier's source, on a file in this folder or on this database.
///
/// # Errors
/// When the database cannot be used.
pub async fn assembled(data: &Path, database_url: Option<String>) -> Result<Arc<Context>> {
    Ok(front(data, database_url).await?.context)
}

async fn front(data: &Path, database_url: Option<String>) -> Result<Front> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = opened(data, database_url.as_deref()).await?;
    let settings = Settings {
        data: Some(data.to_owned()),
        database_url,
        addr: Some(([127, 0, 0, 1], 0).into()),
        ..Settings::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let config = settings.resolve()?;
    let context = bootstrap::assemble(config.clone(), clock, store, &[7; 32]).await?;
    let source = NewSource {
        name: SOURCE.into(),
        connector: SOURCE.into(),
        scheme: None,
        secret: SECRET.to_owned(),
        settings: SourceSettings::default(),
    };
    sources::put(&context, &Caller::trusted(context.scope()), source).await?;
    Ok(Front { context, config: Arc::new(config) })
}

async fn opened(data: &Path, database_url: Option<&str>) -> Result<Store> {
    Ok(match database_url {
        Some(url) => PostgresStore::open(url).await?,
        None => SqliteStore::open(&data.join("milepost.sqlite"), Options::server()).await?,
    })
}

/// Serves a endpoint that verifies, commits what it verified as the barest loop does where it is given one, and answers; prints
/// the address.
///
/// # Errors
/// When it cannot be served.
pub async fn verifying(rows: Option<Rows>) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let carrier = carriers::by_id(SOURCE).context("the connector")?;
    let scheme = *carrier.manifest().schemes.first().context("a scheme")?;
    let secrets = Secrets { scheme, active: vec![SECRET.to_owned().into()], header: None, networks: Vec::new() };
    let endpoint = Endpoint { secrets: Arc::new(secrets), rows };
    let router = Router::new().route(&format!("/ingest/{SOURCE}"), post(verify)).with_state(endpoint);
    Ok(axum::serve(listener, router).await?)
}

/// Serves a endpoint that verifies and commits two rows in plain tables, and nothing of ours.
///
/// # Errors
/// When it cannot be served.
pub async fn committing(data: &Path, database_url: Option<String>) -> Result<()> {
    let bare = match database_url {
        Some(url) => Bare::postgres(&url).await?,
        None => Bare::sqlite(&data.join("bare.sqlite"))?,
    };
    let (rows, _loops) = bare.start();
    verifying(Some(rows)).await
}

#[derive(Clone)]
struct Endpoint {
    secrets: Arc<Secrets>,
    rows: Option<Rows>,
}

async fn verify(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<serde_json::Value>) {
    let request = RawRequest { method: "POST", path: "/ingest", query: "", peer: None, headers: &headers, body: &body };
    let carrier = carriers::by_id(SOURCE).expect("it was there at the start");
    let key = match carrier.verify(&endpoint.secrets, &request, SystemClock.now()) {
        Ok(verified) => verified.key,
        Err(no) => return (StatusCode::UNAUTHORIZED, Json(serde_json::json!({ "no": no.to_string() }))),
    };
    if let Some(rows) = &endpoint.rows
        && let Err(no) = rows.keep(content_id("bare", &[&body]), body.to_vec()).await
    {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "no": no.to_string() })));
    }
    (StatusCode::ACCEPTED, Json(serde_json::json!({ "key": key.0 })))
}
