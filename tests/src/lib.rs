//! The harness of the whole-system tests: the real peers, an installation process that can be killed, a carrier that signs.

pub mod aftership;
pub mod bench;
pub mod chaos;
pub mod conformance;
pub mod fuzzing;
pub mod imports;
pub mod postgres;

use anyhow::{Context, Result, bail, ensure};
use application::{clock::SystemClock, vault::Vault};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value, json};
use server::config::parse_key;
use std::{
    future::Future,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a test waits for something that must come true.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long an installation may take to be idle. What a killed one held is free after 30 s, an unknown outcome settles for 20 s, and
/// the try after that may have to be repeated.
const IDLE_PATIENCE: Duration = Duration::from_secs(180);
/// Nothing left to do in so many looks in a row is idle.
const CALM_LOOKS: u32 = 8;
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);
/// Seconds between two imports, and two polls of the desk: on a slow machine one takes a second or two, and between two of
/// them the installation has to be seen idle.
const POLL_SECONDS: &str = "5";

/// What the whole-system tests need; a test that cannot have it says so and passes.
pub struct Surroundings {
    /// The server's binary.
    pub binary: PathBuf,
    /// The built site folder, where there is one.
    pub site: Option<PathBuf>,
    odoo: OdooPeer,
    rt_url: String,
    rt_token_file: PathBuf,
}

impl Surroundings {
    /// From the variables that `make test` sets; none (and a noted skip) where one is missing.
    pub fn find(test: &str) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        match Self::read() {
            Ok(found) => Some(found),
            Err(missing) => {
                skipped(test, &missing);
                None
            }
        }
    }

    fn read() -> std::result::Result<Self, String> {
        Ok(Self {
            binary: path("MILEPOST_TEST_BIN")?,
            site: path("MILEPOST_TEST_SITE").ok(),
            odoo: OdooPeer::find()?,
            rt_url: text("MILEPOST_TEST_RT_URL")?,
            rt_token_file: path("MILEPOST_TEST_RT_TOKEN_FILE")?,
        })
    }
}

fn text(name: &str) -> std::result::Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set"))
}

fn path(name: &str) -> std::result::Result<PathBuf, String> {
    text(name).map(PathBuf::from)
}

/// The real Odoo.
#[derive(Clone)]
pub struct OdooPeer {
    url: String,
    script: PathBuf,
    key_file: PathBuf,
    admin_key_file: PathBuf,
}

impl OdooPeer {
    /// From the variables that its script prints.
    ///
    /// # Errors
    /// Which one is missing.
    pub fn find() -> std::result::Result<Self, String> {
        Ok(Self {
            url: text("MILEPOST_TEST_ODOO_URL")?,
            script: path("MILEPOST_TEST_ODOO_PEER")?,
            key_file: path("MILEPOST_TEST_ODOO_KEY_FILE")?,
            admin_key_file: path("MILEPOST_TEST_ODOO_ADMIN_KEY_FILE")?,
        })
    }
}

/// Notes for the end of `make test` that a test could not be run here. With CI=1 that is a failure.
///
/// # Panics
/// With CI=1.
pub fn skipped(test: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("1"), "{test}: {why}, and with CI=1 nothing is skipped");
    println!("skipped: {test} ({why})");
    let Some(file) = std::env::var_os("MILEPOST_TEST_SKIPPED") else { return };
    if let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(file) {
        let _ = writeln!(file, "{test} ({why})");
    }
}

/// Waits until `probe` gives something; fails with `what` after [`PATIENCE`].
///
/// # Errors
/// When it does not come true in time, with the last failure.
pub async fn until<T, F: Future<Output = Result<Option<T>>>>(what: &str, mut probe: impl FnMut() -> F) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    let mut last = None;
    while Instant::now() < end {
        match probe().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(LOOK).await;
    }
    match last {
        Some(error) => Err(error.context(format!("waited {PATIENCE:?} for {what}"))),
        None => bail!("waited {PATIENCE:?} for {what}"),
    }
}

/// A database of the test's own in the real Odoo; dropped at the end.
pub struct Odoo {
    url: String,
    database: String,
    name: String,
    peer: PathBuf,
    /// The integration user's key file.
    pub key_file: PathBuf,
    /// The administrator's key file.
    pub admin_key_file: PathBuf,
    http: reqwest::Client,
}

impl Odoo {
    /// A copy of the fresh database.
    ///
    /// # Errors
    /// When the peer cannot make one.
    pub fn clone_database(around: &Surroundings, name: &str) -> Result<Self> {
        Self::clone_of(&around.odoo, name)
    }

    /// The same of this peer.
    ///
    /// # Errors
    /// When the peer cannot make one.
    pub fn clone_of(peer: &OdooPeer, name: &str) -> Result<Self> {
        let name = format!("{name}_{}", std::process::id());
        let made = Command::new(&peer.script).args(["clone", &name]).output()?;
        ensure!(made.status.success(), "odoo-peer clone: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Self {
            url: peer.url.clone(),
            database: format!("milepost_{name}"),
            name,
            peer: peer.script.clone(),
            key_file: peer.key_file.clone(),
            admin_key_file: peer.admin_key_file.clone(),
            http: reqwest::Client::new(),
        })
    }

    /// Installs more modules in it.
    ///
    /// # Errors
    /// When Odoo cannot.
    pub fn install(&self, modules: &str) -> Result<()> {
        let made = Command::new(&self.peer).args(["install", &self.name, modules]).output()?;
        ensure!(made.status.success(), "odoo-peer install: {}", String::from_utf8_lossy(&made.stderr));
        Ok(())
    }

    /// The address of its PostgreSQL database.
    ///
    /// # Errors
    /// When the peer does not say.
    pub fn sql(&self) -> Result<String> {
        let cluster = std::env::var("MILEPOST_TEST_ODOO_SQL").context("MILEPOST_TEST_ODOO_SQL is not set")?;
        Ok(format!("{cluster}/{}", self.database))
    }

    /// Calls a model's method as the administrator.
    ///
    /// # Errors
    /// With Odoo's own message.
    pub async fn call(&self, model: &str, method: &str, arguments: Value) -> Result<Value> {
        let key = std::fs::read_to_string(&self.admin_key_file)?;
        let answer = self
            .http
            .post(format!("{}/json/2/{model}/{method}", self.url))
            .bearer_auth(key.trim())
            .header("X-Odoo-Database", &self.database)
            .json(&arguments)
            .send()
            .await?;
        let status = answer.status();
        let body: Value = answer.json().await.with_context(|| format!("{model}/{method}: {status}"))?;
        ensure!(status.is_success(), "{model}/{method}: {status} {}", body["message"]);
        Ok(body)
    }

    /// Makes and confirms an order of a stocked product, and gives its delivery a tracking number: (order, delivery).
    ///
    /// # Errors
    /// With Odoo's own message.
    pub async fn order(&self, tracking_number: &str) -> Result<(i64, i64)> {
        let partner = first(
            &self
                .call(
                    "res.partner",
                    "create",
                    json!({"vals_list": [{"name": "Whole System", "city": "Lyon", "email": "whole@system.test"}]}),
                )
                .await?,
        )?;
        let products = self
            .call(
                "product.product",
                "search",
                json!({"domain": [["is_storable", "=", true], ["qty_available", ">", 5]], "limit": 1}),
            )
            .await?;
        let product = first(&products)?;
        let lines = json!([[0, 0, {"product_id": product, "product_uom_qty": 1}]]);
        let order = first(
            &self
                .call("sale.order", "create", json!({"vals_list": [{"partner_id": partner, "order_line": lines}]}))
                .await?,
        )?;
        self.call("sale.order", "action_confirm", json!({"ids": [order]})).await?;
        let pickings = self.call("sale.order", "read", json!({"ids": [order], "fields": ["picking_ids"]})).await?;
        let picking = pickings[0]["picking_ids"][0].as_i64().context("a confirmed order has a delivery")?;
        self.call(
            "stock.picking",
            "write",
            json!({"ids": [picking], "vals": {"carrier_tracking_ref": tracking_number}}),
        )
        .await?;
        Ok((order, picking))
    }

    /// Reads fields of a delivery.
    ///
    /// # Errors
    /// With Odoo's own message.
    pub async fn delivery(&self, id: i64, fields: &[&str]) -> Result<Value> {
        let rows = self.call("stock.picking", "read", json!({"ids": [id], "fields": fields})).await?;
        Ok(rows[0].clone())
    }

    /// The texts of Milepost's notes on a delivery, oldest first.
    ///
    /// # Errors
    /// With Odoo's own message.
    pub async fn notes(&self, delivery: i64) -> Result<Vec<String>> {
        self.notes_on("stock.picking", delivery).await
    }

    /// The same on a record of another model.
    ///
    /// # Errors
    /// With Odoo's own message.
    pub async fn notes_on(&self, model: &str, record: i64) -> Result<Vec<String>> {
        let domain = json!([["model", "=", model], ["res_id", "=", record], ["message_id", "like", "milepost-"]]);
        let rows = self
            .call("mail.message", "search_read", json!({"domain": domain, "fields": ["body"], "order": "id"}))
            .await?;
        Ok(rows
            .as_array()
            .context("a list")?
            .iter()
            .map(|row| row["body"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    /// Settings of an installation that works with this database.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MILEPOST_ODOO_URL", self.url.clone()),
            ("MILEPOST_ODOO_DATABASE", self.database.clone()),
            ("MILEPOST_ODOO_KEY_FILE", self.key_file.display().to_string()),
            ("MILEPOST_ODOO_IMPORT_SECONDS", POLL_SECONDS.into()),
        ]
    }
}

impl Drop for Odoo {
    fn drop(&mut self) {
        let _ = Command::new(&self.peer).args(["drop", &self.name]).output();
    }
}

fn first(ids: &Value) -> Result<i64> {
    ids[0].as_i64().with_context(|| format!("an id in {ids}"))
}

/// The real Request Tracker.
pub struct Desk {
    url: String,
    token_file: PathBuf,
    agent_token_file: PathBuf,
    http: reqwest::Client,
}

impl Desk {
    /// The peer's.
    pub fn new(around: &Surroundings) -> Self {
        Self {
            url: around.rt_url.clone(),
            agent_token_file: around.rt_token_file.with_file_name("agent.token"),
            token_file: around.rt_token_file.clone(),
            http: reqwest::Client::new(),
        }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let token = std::fs::read_to_string(&self.token_file)?;
        let address = reqwest::Url::parse_with_params(&format!("{}/REST/2.0/{path}", self.url), query)?;
        let request = self.http.get(address);
        let answer = request.header("Authorization", format!("token {}", token.trim())).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.json().await?)
    }

    /// The tickets of a tracking number: (number, status).
    ///
    /// # Errors
    /// When the desk does not answer.
    pub async fn tickets(&self, tracking_number: &str) -> Result<Vec<(String, String)>> {
        let query = format!("Queue='Shipments' AND CF.{{Tracking Number}}='{tracking_number}'");
        let found = self.get("tickets", &[("query", &query), ("fields", "Status")]).await?;
        let items = found["items"].as_array().context("a list")?;
        Ok(items
            .iter()
            .map(|t| {
                (t["id"].as_str().unwrap_or_default().to_owned(), t["Status"].as_str().unwrap_or_default().to_owned())
            })
            .collect())
    }

    /// An agent gives a ticket a status.
    ///
    /// # Errors
    /// When the desk does not take it.
    pub async fn agent_sets(&self, ticket: &str, status: &str) -> Result<()> {
        let token = std::fs::read_to_string(&self.agent_token_file)?;
        let request = self.http.put(format!("{}/REST/2.0/ticket/{ticket}", self.url));
        let request = request.header("Authorization", format!("token {}", token.trim()));
        let answer = request.json(&serde_json::json!({"Status": status})).send().await?.text().await?;
        ensure!(answer.contains("Status changed"), "{answer}");
        Ok(())
    }

    /// Settings of an installation that works with this desk: everything makes a case at once.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MILEPOST_DESK", "request_tracker".into()),
            ("MILEPOST_DESK_URL", self.url.clone()),
            ("MILEPOST_DESK_TOKEN_FILE", self.token_file.display().to_string()),
            ("MILEPOST_DESK_QUEUE", "Shipments".into()),
            ("MILEPOST_DESK_POLL_SECONDS", POLL_SECONDS.into()),
            ("MILEPOST_CASE_GRACE_MINUTES", "0".into()),
        ]
    }
}

/// An installation process, production start, with a database of its own.
pub struct Installation {
    binary: PathBuf,
    data: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
    _database: Option<postgres::Database>,
    launcher: Vec<String>,
    port: u16,
    child: Option<Child>,
    http: reqwest::Client,
}

impl Installation {
    /// Prepares an installation; it does not run yet.
    ///
    /// # Errors
    /// When the folder or the key cannot be made.
    pub fn prepare(around: &Surroundings, mut settings: Vec<(&'static str, String)>) -> Result<Self> {
        if let Some(site) = &around.site {
            settings.push(("MILEPOST_SITE", site.display().to_string()));
        }
        let database = postgres::Database::wanted()?;
        settings.extend(database.as_ref().map(|database| ("DATABASE_URL", database.url())));
        let mut installation = Self::of(&around.binary, settings)?;
        installation._database = database;
        Ok(installation)
    }

    /// The same with this binary and nothing but these settings. It makes a master key unless it is given one.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn of(binary: &Path, mut settings: Vec<(&'static str, String)>) -> Result<Self> {
        // the client needs it; the first caller installs it
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let has_key = settings.iter().any(|(name, _)| *name == "MILEPOST_MASTER_KEY_FILE");
        settings.push(("MILEPOST_DATA", data.path().display().to_string()));
        settings.push(("MILEPOST_ADDR", format!("127.0.0.1:{port}")));
        let (binary, http) = (binary.to_owned(), reqwest::Client::new());
        let installation =
            Self { binary, data, settings, _database: None, launcher: Vec::new(), port, child: None, http };
        if !has_key {
            installation.command(&["key", "new", &installation.master_key_file().display().to_string()], None)?;
        }
        Ok(installation)
    }

    /// Sets an environment variable of the server and the commands.
    pub fn set(&mut self, variable: &'static str, value: String) {
        self.settings.push((variable, value));
    }

    /// Has the server started by this command line, which must become the server itself: `env NAME=VALUE …`.
    pub fn launch_with(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Its master key.
    pub fn master_key_file(&self) -> PathBuf {
        self.data.path().join("master.key")
    }

    /// Its vault.
    ///
    /// # Errors
    /// When there is no master key.
    pub fn vault(&self) -> Result<Vault> {
        let named = self.settings.iter().rfind(|(name, _)| *name == "MILEPOST_MASTER_KEY_FILE");
        let file = named.map_or_else(|| self.master_key_file(), |(_, path)| path.into());
        let key = parse_key(&std::fs::read_to_string(&file).with_context(|| file.display().to_string())?)?;
        Ok(Vault::new(&key, Arc::new(SystemClock)))
    }

    /// Runs a subcommand with this installation's settings; its output.
    ///
    /// # Errors
    /// When it fails, with what it printed.
    pub fn command(&self, arguments: &[&str], input: Option<&str>) -> Result<String> {
        let mut child = Command::new(&self.binary)
            .args(arguments)
            .env_remove("DATABASE_URL")
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| self.binary.display().to_string())?;
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            writeln!(stdin, "{text}")?;
        }
        let done = child.wait_with_output()?;
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        ensure!(done.status.success(), "milepost {arguments:?}: {printed}{}", String::from_utf8_lossy(&done.stderr));
        Ok(printed)
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start(&mut self) -> Result<()> {
        self.spawn()?;
        self.ready().await
    }

    /// Starts it.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn spawn(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let binary = self.binary.display().to_string();
        let line: Vec<_> = self.launcher.iter().chain([&binary]).collect();
        let child = Command::new(line[0])
            .args(&line[1..])
            .arg("serve")
            .env_remove("DATABASE_URL")
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// The process, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn ready(&self) -> Result<()> {
        let ready = format!("{}/readyz", self.base());
        until("the installation to be ready", || async {
            Ok(self.http.get(&ready).send().await?.status().is_success().then_some(()))
        })
        .await
        .with_context(|| self.log())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When there is nothing to kill.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("it runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Its address.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    fn log_file(&self) -> PathBuf {
        self.data.path().join("server.log")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// A figure of its metrics, summed over the series that have all these labels.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.http.get(format!("{}/metrics", self.base())).send().await?.text().await?;
        let lines =
            text.lines().filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Waits until no job waits or is being tried again, and none is dead.
    ///
    /// # Errors
    /// When work is left over.
    pub async fn idle(&self) -> Result<()> {
        let end = Instant::now() + IDLE_PATIENCE;
        let mut calm = 0;
        while Instant::now() < end {
            let busy = self.metric("milepost_jobs{", &["status=\"pending\""]).await?
                + self.metric("milepost_jobs{", &["status=\"retrying\""]).await?;
            ensure!(
                self.metric("milepost_jobs{", &["status=\"dead\""]).await? == 0.0,
                "a job is dead:\n{}",
                self.log()
            );
            calm = if busy == 0.0 { calm + 1 } else { 0 };
            if calm >= CALM_LOOKS {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        let left = self.unfinished().await?;
        bail!("waited {IDLE_PATIENCE:?} for the installation to be idle; unfinished:\n{left}\n{}", self.log())
    }

    /// The lines of its metrics about jobs that are not done, for the message of a failure.
    async fn unfinished(&self) -> Result<String> {
        let text = self.http.get(format!("{}/metrics", self.base())).send().await?.text().await?;
        let left = text.lines().filter(|line| line.starts_with("milepost_jobs{") && !line.ends_with(" 0"));
        Ok(left.collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A carrier's platform that signs what it sends.
pub struct Platform {
    /// The source's name.
    pub source: &'static str,
    /// The shared secret.
    pub secret: &'static str,
    http: reqwest::Client,
}

impl Platform {
    /// One that posts to this source.
    pub fn new(source: &'static str, secret: &'static str) -> Self {
        Self { source, secret, http: reqwest::Client::new() }
    }

    /// Posts a message; the status.
    ///
    /// # Errors
    /// When nobody answers: the platform will send it again.
    pub async fn post(&self, base: &str, body: &[u8]) -> Result<u16> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes()), body);
        let request =
            self.http.post(format!("{base}/ingest/{}", self.source)).header("Content-Type", "application/json");
        let request = match self.source {
            "aftership" => request.header("aftership-hmac-sha256", STANDARD.encode(tag.as_ref())),
            "easypost" => {
                let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
                request.header("X-Hmac-Signature", format!("hmac-sha256-hex={hex}"))
            }
            _ => request.bearer_auth(self.secret),
        };
        Ok(request.body(body.to_vec()).send().await?.status().as_u16())
    }
}

/// A reproducible order: Fisher–Yates with SplitMix64.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    for i in (1..items.len()).rev() {
        let j = usize::try_from(next() % (i as u64 + 1)).expect("an index");
        items.swap(i, j);
    }
}
