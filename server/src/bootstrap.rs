//! Puts the parts together.

use crate::{
    config::{Config, Database},
    machine::ThisMachine,
    own_files,
};
use anyhow::{Context as _, Result, bail};
use application::{
    audit::{self, anchor},
    clock::Clock,
    connections::{self, Live, inbound},
    context::{Context, FILES_AT_ONCE, Notifier, ROOM_KIB},
    destinations::breaker::Breakers,
    exceptions::kept_calendar::KeptCalendar,
    governance::{
        erasure,
        tombstones::{self, Lacking},
    },
    installation::UNNAMED,
    learned::kept_model::KeptModel,
    odoo::pace::Hints,
    people::slow_lane::HASHES_AT_ONCE,
    texts::Texts,
    tracking::{mappings, source_cache::SourceCache},
    vault::Vault,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    ids::{CompanyId, content_id},
    mapping::Mapping,
};
use outbound::secrets;
use secrecy::ExposeSecret;
use std::sync::{Arc, RwLock};
use storage::{Actor, Scope, Store};
use storage_postgres::PostgresStore;
use storage_sqlite::{Options, SqliteStore};
use tokio::sync::Semaphore;

/// The setting by which a wrong master key is noticed before anything is sealed under it.
const MASTER_CHECK: &str = "master.check";

/// The installation of this configuration, on its database, as a server starts it.
///
/// # Errors
/// When the database, the master key or the list of erasures cannot be used, with what to do.
pub async fn context(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Context>> {
    let shared = matches!(config.database, Database::Postgres(_));
    let context = alone(config, clock).await?;
    anchor::start(&context).await?;
    connections::seed(&context).await?;
    // of several nodes those on which nobody erases have no list
    match tombstones::check(&context).await? {
        Some(lacking @ Lacking::Missing { .. }) if shared => {
            tracing::error!("{lacking}");
            return Ok(context);
        }
        _ => tombstones::require(&context).await?,
    }
    // should this be a backup that was put in place by hand
    let again = erasure::reapply(&context).await?;
    if again > 0 {
        tracing::warn!("{again} erasures were applied again: the database is older than they are");
    }
    tombstones::remember(&context).await?;
    Ok(context)
}

/// The same before anything of it is checked: for a restore.
///
/// # Errors
/// When the database or the master key cannot be used, with what to do.
pub async fn alone(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Context>> {
    let master = config.master_key()?;
    std::fs::create_dir_all(&config.data).with_context(|| format!("data directory {}", config.data.display()))?;
    own_files::close_to_others(&config)?;
    let store = match &config.database {
        Database::Sqlite(file) => SqliteStore::open(file, Options::server()).await?,
        Database::Postgres(url) => PostgresStore::open(url.expose_secret()).await?,
    };
    assemble(config, clock, store, &master).await
}

/// The same for a command that runs beside a server.
///
/// # Errors
/// As [`tower`].
pub async fn beside(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Context>> {
    let master = config.master_key()?;
    std::fs::create_dir_all(&config.data).with_context(|| format!("data directory {}", config.data.display()))?;
    let store = match &config.database {
        Database::Sqlite(file) => SqliteStore::open(file, Options::tool()).await?,
        Database::Postgres(url) => PostgresStore::connect(url.expose_secret()).await?,
    };
    let mut config = config;
    if !config.system.public_url_is_set {
        let scope = Scope { company: company(&store, &config, &*clock).await?, actor: Actor::System };
        // links in messages and at desks lead to the server that runs here
        if let Some(url) = inbound::announced_public_url(&store, scope).await? {
            config.system.public_url = url;
        }
    }
    let context = assemble(config, clock, store, &master).await?;
    anchor::prepare(&context).await?;
    Ok(context)
}

/// An installation on any store.
///
/// # Errors
/// When the master key is not the one the store was sealed under, or an integration is set up wrongly.
pub async fn assemble(config: Config, clock: Arc<dyn Clock>, store: Store, master: &[u8; 32]) -> Result<Arc<Context>> {
    let company = company(&store, &config, &*clock).await?;
    let vault = Vault::new(master, Arc::clone(&clock));
    check_master(&store, company, &vault).await?;
    know_secrets(&config, master);
    let texts = Texts::of(&store, &vault, Scope { company, actor: Actor::System }, clock.now()).await?;
    let context = Arc::new(Context {
        published: RwLock::new(Arc::new(Mapping::base())),
        connections: Live::default(),
        notifier: Notifier::new(Arc::clone(&store.signals)),
        sources: SourceCache::default(),
        learned: KeptModel::default(),
        calendar: KeptCalendar::default(),
        breakers: Breakers::new(Arc::clone(&store.destinations), Arc::clone(&clock)),
        files: Semaphore::new(FILES_AT_ONCE),
        room: Semaphore::new(ROOM_KIB),
        hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        slow_lane: Arc::default(),
        rules: application::rules::book::Rules::default(),
        hints: Hints::default(),
        machine: Arc::new(ThisMachine::default()),
        store,
        clock,
        vault,
        texts,
        company,
        config: config.system,
    });
    audit::begin(&context.store, context.scope(), &context.vault, context.now()).await?;
    mappings::refresh(&context).await?;
    connections::refresh(&context).await?;
    Ok(context)
}

/// The company of this configuration.
///
/// # Errors
/// When the store fails.
pub async fn company(store: &Store, config: &Config, clock: &dyn Clock) -> Result<CompanyId> {
    let id = CompanyId(content_id("company", &[b"only"]));
    let name = config.system.company.as_deref().unwrap_or(UNNAMED);
    Ok(store.people.company(id, name, clock.now()).await?)
}

/// What is never kept and never logged. Keys of other systems and secrets of sources are known from when they are read.
fn know_secrets(config: &Config, master: &[u8; 32]) {
    secrets::know(&master.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    secrets::know(&STANDARD.encode(master));
    if let Database::Postgres(url) = &config.database {
        secrets::know_address(url.expose_secret());
    }
}

async fn check_master(store: &Store, company: CompanyId, vault: &Vault) -> Result<()> {
    let scope = Scope { company, actor: Actor::System };
    let expected = vault.token("master", "check");
    match store.people.setting(scope, MASTER_CHECK).await? {
        None => store.people.put_setting(scope, MASTER_CHECK, expected).await.context("first start"),
        Some(kept) if kept == expected => Ok(()),
        Some(_) => {
            bail!("this is not the master key that the database was sealed under: put the right file in its place")
        }
    }
}
