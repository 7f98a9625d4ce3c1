//! `milepost demo`: the installation with a simulated world around it. The carrier's webhooks are signed and come through the
//! real ingest endpoint; nothing leaves this machine.

use super::{history, serve};
use crate::http::Front;
use crate::{
    bootstrap,
    config::{self, Config, Database, Settings},
};
use anyhow::{Context as _, Result, ensure};
use application::caller::Caller;
use application::{
    booking::rules,
    clock::{Clock, SystemClock},
    config::{CallLimits, DeskSettings, Mode, OdooSettings},
    connections::{self, NewConnection, sources},
    context::Context,
    destinations,
    odoo::setup::{self, SetupAct, SetupRequest},
    people::{self, NewUser},
    vault::KEY_BYTES,
};
use clap::Args;
use domain::{
    access::Role,
    booking::{Action, BookingRule, Choice, When},
};
use simulator::{SourceSecrets, World, WorldConfig, booking::LABELS_OF, channels::SandboxHooks};
use std::{path::Path, sync::Arc, time::Duration};
use storage::{Actor, Scope, jobs::INSIDE};

/// The people of the demo. Their passwords are printed at the start and made anew with each database.
const PEOPLE: &[(&str, &str, &str, &[Role])] = &[
    ("agent", "ines@northwind.test", "Ines Morel", &[Role::Agent]),
    ("executive", "clara@northwind.test", "Clara Hoffmann", &[Role::Executive]),
    ("admin", "tomasz@northwind.test", "Tomasz Lis", &[Role::Admin, Role::Agent, Role::Executive]),
];
/// Role, login, password.
type LogIn = (&'static str, &'static str, String);
/// The orders come from here.
const ODOO: &str = "odoo";
/// Labels are booked here.
const BOOKS: &str = "easypost-labels";
/// The past is folded within half a minute, or the orders come before it is.
const LOOKS_MAX: usize = 300;
const LOOK: Duration = Duration::from_millis(100);
/// The file that remembers what the demo made up, next to its database.
const MADE_UP: &str = "demo.json";

/// Run a demo: a simulated carrier, Odoo and desk; nothing leaves this machine.
#[derive(Args)]
pub struct Demo {
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Days of history, which are loaded while the demo runs; 0: nothing but its own orders of two weeks.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(0..=365))]
    history_days: u32,
}

impl Demo {
    /// Runs until SIGINT or SIGTERM.
    pub async fn run(self, settings: Settings) -> Result<()> {
        let config = settings.resolve()?;
        ensure!(
            config.addr.ip().is_loopback(),
            "the demo has printed passwords and listens on this machine only: set --addr to 127.0.0.1:PORT"
        );
        ensure!(
            config.system.odoo.is_none() && config.system.desk.is_none(),
            "the demo brings its own Odoo and desk: leave out --odoo-* and --desk-*"
        );
        ensure!(
            matches!(config.database, Database::Sqlite(_)),
            "the demo makes its database anew at each start and keeps it in a file: leave DATABASE_URL out"
        );
        fresh_folder(&config.data)?;
        let Installed { world, context, config, passwords, _chat } =
            Installed::new(config, Arc::new(SystemClock), self.seed).await?;
        let (front_data, database) = (config.data.clone(), config.database.clone());
        let (seed, days) = (self.seed, self.history_days);
        let front = Front { context: Arc::clone(&context), config: Arc::new(config) };
        let running = serve::Running::start(front, serve::NodeRole::All, serve::prometheus()?).await?;
        announce(&running, &passwords);
        announce_second(&world, &front_data);
        let endpoint = World::endpoint(&format!("http://{}", running.address))?;
        let worldly = tokio::spawn(async move {
            world.post_past(&endpoint).await;
            past_folded(&context).await;
            if let Err(error) = release_orders(&context).await {
                tracing::error!("the demo's orders are not imported: {error:#}");
            }
            let past = async {
                if let (Database::Sqlite(file), 1..) = (database, days) {
                    match history::load(&context, file, (seed, days), world.sources().clone()).await {
                        Ok(coming) => history::go_on(coming, &context, &endpoint).await,
                        Err(error) => tracing::error!("the demo's history is not loaded: {error:#}"),
                    }
                }
            };
            tokio::join!(world.go_on(&endpoint), past);
        });
        running.until_signal().await?;
        worldly.abort();
        Ok(())
    }
}

/// A demo before it serves: the simulated systems, and Milepost connected with them.
pub struct Installed {
    /// The simulated systems.
    pub world: World,
    /// Milepost.
    pub context: Arc<Context>,
    config: Config,
    passwords: Vec<LogIn>,
    /// Takes messages for as long as the demo runs.
    _chat: SandboxHooks,
}

impl Installed {
    /// Makes one in an empty data directory. Its orders wait until [`release_orders`]: a delivery imported without the events
    /// that carriers reported so far would be late or without updates for a second.
    ///
    /// # Errors
    /// When there is no port, or the database cannot be made.
    pub async fn new(mut config: Config, clock: Arc<dyn Clock>, seed: u64) -> Result<Self> {
        config.system.mode = Mode::Demo;
        config.system.company = Some(simulator::COMPANY.into());
        let secrets = secrets(&*clock);
        let now = Arc::clone(&clock);
        let world =
            World::start(WorldConfig { seed, sources: secrets.clone(), now: Arc::new(move || now.now()) }).await?;
        let (context, passwords) = seed_demo(config.clone(), clock, &world, &secrets).await?;
        let chat = SandboxHooks::start().await?;
        alert_chat(&context, &chat).await?;
        let scope = Scope { company: context.company, actor: Actor::Operator };
        destinations::pause(&context, &Caller::trusted(scope), ODOO, "The demo loads its history first")
            .await
            .context("hold the demo's orders")?;
        Ok(Self { world, context, config, passwords, _chat: chat })
    }
}

/// The orders come: when all of the past is folded, and, too, where that cannot be learned.
///
/// # Errors
/// When the store fails.
pub async fn release_orders(context: &Context) -> Result<()> {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    Ok(destinations::resume(context, &Caller::trusted(scope), ODOO).await?)
}

async fn past_folded(context: &Context) {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    for _ in 0..LOOKS_MAX {
        match context.store.jobs.summary(scope, context.now()).await {
            Ok(summary) if summary.iter().any(|one| one.destination == INSIDE && one.pending > 0) => {}
            Ok(_) => return,
            Err(error) => return tracing::warn!("whether the demo's past is folded cannot be learned: {error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A demo's folder holds nothing but a demo: anything else is not touched.
fn fresh_folder(data: &Path) -> Result<()> {
    let marker = data.join(MADE_UP);
    if data.join("milepost.sqlite").exists() {
        ensure!(
            marker.exists(),
            "{} holds a real database: the demo wants a folder of its own (--data)",
            data.display()
        );
        std::fs::remove_dir_all(data).with_context(|| format!("old demo in {}", data.display()))?;
    }
    std::fs::create_dir_all(data)?;
    std::fs::write(marker, "{}\n")?;
    Ok(())
}

fn word(clock: &dyn Clock, bytes: usize) -> String {
    let mut random = vec![0; bytes];
    clock.fill(&mut random);
    random.iter().map(|b| format!("{b:02x}")).collect()
}

fn secrets(clock: &dyn Clock) -> SourceSecrets {
    SourceSecrets { aftership: word(clock, 16), easypost: word(clock, 16), x12_214: word(clock, 16) }
}

/// Orders that come without a number get their label at the simulated EasyPost, of the carrier that their shipping method names.
async fn book_labels(context: &Context, caller: &Caller, world: &World) -> Result<()> {
    let fields = [("url", world.booking().url("easypost")), ("mode", "test".to_owned())];
    let new = NewConnection {
        name: BOOKS.into(),
        label: "EasyPost labels".into(),
        connector: "easypost_api".into(),
        sandbox: true,
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        secret: Some(world.booking().test_key("easypost").into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(context, caller, new).await?;
    let rule = |carrier: &&str| BookingRule {
        name: format!("{carrier} from WH"),
        method: Some((*carrier).to_owned()),
        warehouse: Some("WH".into()),
        countries: Vec::new(),
        from_g: None,
        below_g: None,
        action: Action::Book {
            connection: BOOKS.into(),
            choice: Choice { carrier: Some((*carrier).to_owned()), ..Choice::default() },
            format: "pdf".into(),
            when: When::Ready,
            size_mm: None,
        },
        since: None,
    };
    Ok(rules::put(context, caller, LABELS_OF.iter().map(rule).collect()).await?)
}

/// Deliveries are validated in Odoo when the carrier first scans their goods.
async fn validate_at_first_scan(context: &Context, caller: &Caller) -> Result<()> {
    let (_, record, _) = context.store.connections.by_name(ODOO).await?.context("the demo's Odoo")?;
    let mut odoo = NewConnection::of(&record);
    odoo.fields.insert("validate_on".into(), "first_scan".into());
    connections::put(context, caller, odoo).await?;
    Ok(())
}

/// Alerts go to a simulated Mattermost.
async fn alert_chat(context: &Context, chat: &SandboxHooks) -> Result<()> {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    let fields = [("severity", "minor"), ("quiet", "20:00-07:00"), ("zone", "Europe/Berlin")];
    let new = NewConnection {
        name: "operations-chat".into(),
        label: "Operations chat".into(),
        connector: "mattermost".into(),
        sandbox: true,
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
        secret: Some(chat.url("mattermost").into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(context, &Caller::trusted(scope), new).await?;
    Ok(())
}

async fn seed_demo(
    mut config: Config,
    clock: Arc<dyn Clock>,
    world: &World,
    secrets: &SourceSecrets,
) -> Result<(Arc<Context>, Vec<LogIn>)> {
    config.system.odoo = Some(OdooSettings {
        url: world.odoo_url(),
        database: world.odoo_database(),
        key: world.odoo_key().into(),
        login: None,
        import_seconds: 5,
        limits: CallLimits::default(),
    });
    config.system.desk = Some(DeskSettings {
        connector: "request_tracker".into(),
        url: world.desk_url(),
        token: world.desk_token().into(),
        queue: world.desk_queue(),
        poll_seconds: application::config::DESK_POLL_SECONDS,
        limits: CallLimits::default(),
    });
    let mut master = [0; KEY_BYTES];
    clock.fill(&mut master);
    config::write_key(&config.master_key_file, &master)?;
    let context = bootstrap::context(config, clock).await?;
    let scope = Scope { company: context.company, actor: Actor::Operator };
    let set_up = SetupRequest {
        act: SetupAct::Apply,
        key: world.odoo_key().into(),
        login: None,
        hints: true,
        renew: false,
        user: false,
        fields: false,
    };
    setup::set_up(&context, &Caller::trusted(scope), ODOO, set_up).await?;
    for (name, connector, scheme, secret) in [
        ("aftership", "aftership", None, &secrets.aftership),
        ("easypost", "easypost", None, &secrets.easypost),
        ("freight-214", "x12_214", Some("bearer"), &secrets.x12_214),
    ] {
        let source = sources::NewSource {
            name: name.into(),
            connector: connector.into(),
            scheme: scheme.map(str::to_owned),
            secret: secret.clone(),
            settings: carriers::Settings { weakness_known: true, ..Default::default() },
        };
        sources::put(&context, &Caller::trusted(scope), source).await?;
    }
    validate_at_first_scan(&context, &Caller::trusted(scope)).await?;
    book_labels(&context, &Caller::trusted(scope), world).await?;
    let mut passwords = Vec::new();
    for (role, login, name, roles) in PEOPLE {
        let password = format!("{role}-{}", word(&*context.clock, 6));
        let user =
            NewUser { login: (*login).into(), name: (*name).into(), password: password.clone(), roles: roles.to_vec() };
        people::add(&context, &Caller::trusted(scope), user).await?;
        passwords.push((*role, *login, password));
    }
    Ok((context, passwords))
}

fn announce(running: &serve::Running, passwords: &[LogIn]) {
    say!("\nThe Milepost demo listens on http://{}\n", running.address);
    say!("Everything in it is simulated; nothing leaves this machine. Sign in as:\n");
    for (role, login, password) in passwords {
        say!("  {role:<10} {login:<22} {password}");
    }
}

/// What an admin can connect in the browser: it runs, and nothing is connected with it.
fn announce_second(world: &World, data: &Path) {
    let second = world.second();
    say!("\nA second company's systems run too. Connect them as admin, under Connections:\n");
    say!("  Odoo            {}", second.odoo.url());
    say!("    database      {}", world.odoo_database());
    say!("    API key       {}", second.odoo.key());
    say!("    limited key   {} (its user may not write deliveries)", second.limited_key());
    say!("  Service desk    {} (Request Tracker)", second.desk.url());
    say!("    queue         {}", world.desk_queue());
    say!("    token         {}", second.desk.token());
    say!(
        "\nThe second Odoo lacks Milepost's fields, and its test says so. Once it is a connection, this makes them:\n"
    );
    say!("  echo API_KEY | milepost odoo setup --data {} --connection NAME", data.display());
    say!("\nCtrl-C stops all.\n");
}
