//! Configuration: one documented struct. The command line wins over the environment, the environment over the file.

use crate::files::require_private;
use anyhow::{Context, Result, bail, ensure};
use application::config::{
    CallLimits, Config as System, DESK_POLL_SECONDS, DeskSettings, Keep, Mode, OdooSettings, Rules, UPDATE_SECONDS,
};
use application::vault::KEY_BYTES;
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use ipnet::IpNet;
use outbound::{Key, base_url, is_in_clear};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// What a user may set, in any of the three layers.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// File with settings (TOML, the same names with underscores).
    #[arg(long, env = "MILEPOST_CONFIG", value_name = "FILE", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The same file where it holds a password.
    #[arg(skip)]
    #[serde(skip)]
    pub secret_config: Option<PathBuf>,
    /// Directory of the database and the master key.
    #[arg(long, env = "MILEPOST_DATA", value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// PostgreSQL instead of the SQLite file in the data directory: postgres://user:password@host/database. Any number of
    /// servers may share it.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// File with the master key (32 bytes in base64); default: master.key in the data directory.
    #[arg(long, env = "MILEPOST_MASTER_KEY_FILE", value_name = "FILE", global = true)]
    pub master_key_file: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "MILEPOST_ADDR", value_name = "HOST:PORT", global = true)]
    pub addr: Option<SocketAddr>,
    /// Address under which people and carriers reach this server, e.g. https://tower.example.com.
    #[arg(long, env = "MILEPOST_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,
    /// A network (CIDR) of reverse proxies that are believed who sends (--forwarded-header); may be given several times.
    #[arg(
        long = "trusted-proxy",
        env = "MILEPOST_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        global = true
    )]
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which the reverse proxies write whom they pass on; the other one is then not looked at. Without it
    /// x-forwarded-for counts, and forwarded where there is none.
    #[arg(long, env = "MILEPOST_FORWARDED_HEADER", value_name = "NAME", global = true)]
    pub forwarded_header: Option<ForwardedHeader>,
    /// Take http:// addresses of Odoo and the service desk on other machines: keys and customers' data then travel readable.
    #[arg(long, env = "MILEPOST_ALLOW_PLAIN_HTTP", global = true)]
    pub allow_plain_http: bool,
    /// Folder with style, icons and the browser's half of the pages; without it they have no style and no live updates.
    #[arg(long, env = "MILEPOST_SITE", value_name = "DIR", global = true)]
    pub site: Option<PathBuf>,
    /// Name of the company; without it an admin names it in the browser.
    #[arg(long, env = "MILEPOST_COMPANY", value_name = "NAME", global = true)]
    pub company: Option<String>,
    /// Odoo: address, e.g. https://odoo.example.com.
    #[arg(long, env = "MILEPOST_ODOO_URL", value_name = "URL", global = true)]
    pub odoo_url: Option<String>,
    /// Odoo: database.
    #[arg(long, env = "MILEPOST_ODOO_DATABASE", value_name = "NAME", global = true)]
    pub odoo_database: Option<String>,
    /// Odoo: file with the API key of the integration user.
    #[arg(long, env = "MILEPOST_ODOO_KEY_FILE", value_name = "FILE", global = true)]
    pub odoo_key_file: Option<PathBuf>,
    /// Odoo 16 to 18: login of the integration user. Odoo 19 needs the key alone.
    #[arg(long, env = "MILEPOST_ODOO_LOGIN", value_name = "LOGIN", global = true)]
    pub odoo_login: Option<String>,
    /// Odoo: seconds between two imports of changed deliveries.
    #[arg(long, env = "MILEPOST_ODOO_IMPORT_SECONDS", value_name = "N", global = true)]
    pub odoo_import_seconds: Option<u64>,
    /// Odoo: name in the note about a delivery who signed for it. Personal data that Milepost can then not erase there.
    #[arg(long, env = "MILEPOST_ODOO_SIGNATORY", global = true)]
    pub odoo_signatory: bool,
    /// Odoo: jobs at once, in each lane and process (8).
    #[arg(long, env = "MILEPOST_ODOO_CONCURRENCY", value_name = "N", global = true)]
    pub odoo_concurrency: Option<NonZeroU32>,
    /// Odoo: calls a second at most, in each process; without it Odoo's own limits count.
    #[arg(long, env = "MILEPOST_ODOO_CALLS_PER_SECOND", value_name = "N", global = true)]
    pub odoo_calls_per_second: Option<NonZeroU32>,
    /// Service desk: connector, e.g. request_tracker.
    #[arg(long, env = "MILEPOST_DESK", value_name = "NAME", global = true)]
    pub desk: Option<String>,
    /// Service desk: address.
    #[arg(long, env = "MILEPOST_DESK_URL", value_name = "URL", global = true)]
    pub desk_url: Option<String>,
    /// Service desk: file with the token.
    #[arg(long, env = "MILEPOST_DESK_TOKEN_FILE", value_name = "FILE", global = true)]
    pub desk_token_file: Option<PathBuf>,
    /// Service desk: queue or group that takes the cases.
    #[arg(long, env = "MILEPOST_DESK_QUEUE", value_name = "NAME", global = true)]
    pub desk_queue: Option<String>,
    /// Service desk: seconds between two looks at what agents did there (30).
    #[arg(long, env = "MILEPOST_DESK_POLL_SECONDS", value_name = "N", global = true)]
    pub desk_poll_seconds: Option<u64>,
    /// Service desk: jobs at once, in each lane and process (8).
    #[arg(long, env = "MILEPOST_DESK_CONCURRENCY", value_name = "N", global = true)]
    pub desk_concurrency: Option<NonZeroU32>,
    /// Service desk: calls a second at most, in each process; without it the desk's own limits count.
    #[arg(long, env = "MILEPOST_DESK_CALLS_PER_SECOND", value_name = "N", global = true)]
    pub desk_calls_per_second: Option<NonZeroU32>,
    /// Minutes that a major exception may heal by itself before a case is opened.
    #[arg(long, env = "MILEPOST_CASE_GRACE_MINUTES", value_name = "N", global = true)]
    pub case_grace_minutes: Option<u64>,
    /// Hours that a minor exception may last before a case is opened.
    #[arg(long, env = "MILEPOST_CASE_MINOR_HOURS", value_name = "N", global = true)]
    pub case_minor_hours: Option<u64>,
    /// Days for which an exception is news: one that is older when its delivery is first known makes no activity and no
    /// ticket (7).
    #[arg(long, env = "MILEPOST_NEWS_DAYS", value_name = "N", global = true)]
    pub news_days: Option<u32>,
    /// Hours after which a shipment of which nothing is heard counts as silent.
    #[arg(long, env = "MILEPOST_SILENCE_HOURS", value_name = "N", global = true)]
    pub silence_hours: Option<u32>,
    /// Hours by which a delivery may leave later than Odoo's deadline for it before it counts as late to ship (24).
    #[arg(long, env = "MILEPOST_SHIP_GRACE_HOURS", value_name = "N", global = true)]
    pub ship_grace_hours: Option<u32>,
    /// Months for which the bodies of messages are kept (13; 0 for ever).
    #[arg(long, env = "MILEPOST_KEEP_BODIES_MONTHS", value_name = "N", global = true)]
    pub keep_bodies_months: Option<u32>,
    /// Months for which calls to other systems are kept (6; 0 for ever).
    #[arg(long, env = "MILEPOST_KEEP_ATTEMPTS_MONTHS", value_name = "N", global = true)]
    pub keep_attempts_months: Option<u32>,
    /// Days for which finished jobs are kept (30; 0 for ever).
    #[arg(long, env = "MILEPOST_KEEP_DONE_DAYS", value_name = "N", global = true)]
    pub keep_done_days: Option<u32>,
    /// File of what was erased, to be erased again after a restore; default: tombstones in the data directory. Keep it
    /// apart from the backups.
    #[arg(long, env = "MILEPOST_TOMBSTONES", value_name = "FILE", global = true)]
    pub tombstones: Option<PathBuf>,
    /// File with the newest line of the audit trail, by which a trail that was cut or written anew is noticed; default:
    /// audit.anchor in the data directory. Best on another disk, and in no backup of the database.
    #[arg(long, env = "MILEPOST_AUDIT_ANCHOR", value_name = "FILE", global = true)]
    pub audit_anchor: Option<PathBuf>,
    /// File with the token that /metrics asks for (Authorization: Bearer). Without it /metrics answers this machine alone.
    #[arg(long, env = "MILEPOST_METRICS_TOKEN_FILE", value_name = "FILE", global = true)]
    pub metrics_token_file: Option<PathBuf>,
    /// Address on which /metrics listens by itself, e.g. 10.0.0.5:9464; it is then not answered elsewhere.
    #[arg(long, env = "MILEPOST_METRICS_ADDR", value_name = "HOST:PORT", global = true)]
    pub metrics_addr: Option<SocketAddr>,
    /// Log filter, e.g. info or milepost=debug.
    #[arg(long, env = "MILEPOST_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// Log form: text or json.
    #[arg(long, env = "MILEPOST_LOG_FORMAT", value_name = "FORM", global = true)]
    pub log_format: Option<LogFormat>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// What the server runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What use cases go by.
    pub system: System,
    /// Directory of the database and the master key.
    pub data: PathBuf,
    /// Where everything is kept.
    pub database: Database,
    /// File with the master key.
    pub master_key_file: PathBuf,
    /// Address to listen on.
    pub addr: SocketAddr,
    /// Reverse proxies whose word on who is connected counts.
    pub proxies: Proxies,
    /// Folder with the browser's half.
    pub site: Option<PathBuf>,
    /// The token that metrics ask for.
    pub metrics_token: Option<SecretString>,
    /// Where metrics listen by themselves.
    pub metrics_addr: Option<SocketAddr>,
    /// The files with secrets that were read, beside the master key.
    pub secret_files: Vec<PathBuf>,
}

/// The header in which reverse proxies write whom they pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, as most proxies write it.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The reverse proxies in front of the server.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Their networks.
    pub trusted: Vec<IpNet>,
    /// Where they write who sends; without it in `X-Forwarded-For`, else in `Forwarded`.
    pub header: Option<ForwardedHeader>,
}

/// Where everything is kept.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file of one server.
    Sqlite(PathBuf),
    /// A server for any number of us; the address holds a password.
    Postgres(SecretString),
}

impl Settings {
    /// Puts the file under what the command line and the environment say.
    ///
    /// # Errors
    /// When the file cannot be read or has a setting that does not exist.
    pub fn layered(self) -> Result<Self> {
        let Some(path) = &self.config else { return Ok(self) };
        let text = std::fs::read_to_string(path).with_context(|| format!("settings file {}", path.display()))?;
        let file: Self = toml::from_str(&text).with_context(|| format!("settings file {}", path.display()))?;
        // the database's address holds its password
        let secret_config = file.database_url.is_some().then(|| path.clone());
        if let Some(path) = &secret_config {
            require_private(path)?;
        }
        Ok(Self { secret_config, ..self.over(file) })
    }

    fn over(self, below: Self) -> Self {
        Self {
            config: self.config,
            secret_config: self.secret_config,
            data: self.data.or(below.data),
            database_url: self.database_url.or(below.database_url),
            master_key_file: self.master_key_file.or(below.master_key_file),
            addr: self.addr.or(below.addr),
            public_url: self.public_url.or(below.public_url),
            trusted_proxies: if self.trusted_proxies.is_empty() { below.trusted_proxies } else { self.trusted_proxies },
            forwarded_header: self.forwarded_header.or(below.forwarded_header),
            allow_plain_http: self.allow_plain_http || below.allow_plain_http,
            site: self.site.or(below.site),
            company: self.company.or(below.company),
            odoo_url: self.odoo_url.or(below.odoo_url),
            odoo_database: self.odoo_database.or(below.odoo_database),
            odoo_key_file: self.odoo_key_file.or(below.odoo_key_file),
            odoo_login: self.odoo_login.or(below.odoo_login),
            odoo_import_seconds: self.odoo_import_seconds.or(below.odoo_import_seconds),
            odoo_signatory: self.odoo_signatory || below.odoo_signatory,
            odoo_concurrency: self.odoo_concurrency.or(below.odoo_concurrency),
            odoo_calls_per_second: self.odoo_calls_per_second.or(below.odoo_calls_per_second),
            desk: self.desk.or(below.desk),
            desk_url: self.desk_url.or(below.desk_url),
            desk_token_file: self.desk_token_file.or(below.desk_token_file),
            desk_queue: self.desk_queue.or(below.desk_queue),
            desk_poll_seconds: self.desk_poll_seconds.or(below.desk_poll_seconds),
            desk_concurrency: self.desk_concurrency.or(below.desk_concurrency),
            desk_calls_per_second: self.desk_calls_per_second.or(below.desk_calls_per_second),
            case_grace_minutes: self.case_grace_minutes.or(below.case_grace_minutes),
            case_minor_hours: self.case_minor_hours.or(below.case_minor_hours),
            news_days: self.news_days.or(below.news_days),
            silence_hours: self.silence_hours.or(below.silence_hours),
            ship_grace_hours: self.ship_grace_hours.or(below.ship_grace_hours),
            keep_bodies_months: self.keep_bodies_months.or(below.keep_bodies_months),
            keep_attempts_months: self.keep_attempts_months.or(below.keep_attempts_months),
            keep_done_days: self.keep_done_days.or(below.keep_done_days),
            tombstones: self.tombstones.or(below.tombstones),
            audit_anchor: self.audit_anchor.or(below.audit_anchor),
            metrics_token_file: self.metrics_token_file.or(below.metrics_token_file),
            metrics_addr: self.metrics_addr.or(below.metrics_addr),
            log: self.log.or(below.log),
            log_format: self.log_format.or(below.log_format),
        }
    }

    /// The configuration, with defaults; refuses what is half-set.
    ///
    /// # Errors
    /// Says which setting is missing and how to set it.
    pub fn resolve(self) -> Result<Config> {
        let (odoo, desk) = (self.odoo()?, self.service_desk()?);
        let data = self.data.unwrap_or_else(|| PathBuf::from("data"));
        let addr = self.addr.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let secret_files = [&self.secret_config, &self.odoo_key_file, &self.desk_token_file, &self.metrics_token_file];
        let secret_files = secret_files.into_iter().flatten().cloned().collect();
        let system = System {
            tombstones: self.tombstones.unwrap_or_else(|| data.join("tombstones")),
            audit_anchor: self.audit_anchor.unwrap_or_else(|| data.join("audit.anchor")),
            public_url_is_set: self.public_url.is_some(),
            public_url: match self.public_url {
                Some(url) => read_address("--public-url", &url)?,
                None => format!("http://{addr}"),
            },
            company: self.company,
            odoo,
            desk,
            rules: Rules {
                major_grace_minutes: self.case_grace_minutes.unwrap_or(120),
                minor_hours: self.case_minor_hours.unwrap_or(24),
                news_days: self.news_days.unwrap_or(7),
                signatory_in_odoo: self.odoo_signatory,
                update_seconds: UPDATE_SECONDS,
                silence_hours: self.silence_hours.unwrap_or(72),
                ship_grace_hours: self.ship_grace_hours.unwrap_or(24),
            },
            keep: Keep {
                bodies_months: self.keep_bodies_months.unwrap_or(13),
                attempts_months: self.keep_attempts_months.unwrap_or(6),
                done_days: self.keep_done_days.unwrap_or(30),
            },
            allow_plain_http: self.allow_plain_http,
            mode: Mode::Production,
        };
        Ok(Config {
            system,
            database: database(self.database_url, &data)?,
            master_key_file: self.master_key_file.unwrap_or_else(|| data.join("master.key")),
            data,
            addr,
            proxies: Proxies { trusted: of_proxies(self.trusted_proxies)?, header: self.forwarded_header },
            site: self.site,
            metrics_token: match self.metrics_token_file {
                Some(file) => Some(metrics_token(&file).context("--metrics-token-file")?),
                None => None,
            },
            metrics_addr: self.metrics_addr,
            secret_files,
        })
    }

    /// Odoo; none where nothing of it is set.
    fn odoo(&self) -> Result<Option<OdooSettings>> {
        match (&self.odoo_url, &self.odoo_database, &self.odoo_key_file) {
            (None, None, None) => Ok(None),
            (Some(url), Some(database), Some(key_file)) => Ok(Some(OdooSettings {
                url: address("--odoo-url", &odoo_site(url), self.allow_plain_http)?,
                database: database.clone(),
                key: key_in_file("--odoo-key-file", key_file.clone())?,
                login: self.odoo_login.clone(),
                import_seconds: self.odoo_import_seconds.unwrap_or(60).max(1),
                limits: CallLimits::of(self.odoo_concurrency, self.odoo_calls_per_second),
            })),
            (url, database, key_file) => bail!(
                "Odoo is set in part: --odoo-url, --odoo-database and --odoo-key-file belong together; missing: {}",
                missing(&[
                    ("--odoo-url", url.is_some()),
                    ("--odoo-database", database.is_some()),
                    ("--odoo-key-file", key_file.is_some())
                ])
            ),
        }
    }

    /// The service desk; none where neither its address nor its token is set.
    fn service_desk(&self) -> Result<Option<DeskSettings>> {
        let connector = self.desk.clone().unwrap_or_else(|| "request_tracker".into());
        ensure!(
            desks::names().contains(&connector.as_str()),
            "--desk {connector}: there is no such service desk; Milepost knows {}",
            desks::names().join(", ")
        );
        match (&self.desk_url, &self.desk_token_file) {
            (None, None) => Ok(None),
            (Some(url), Some(token_file)) => Ok(Some(DeskSettings {
                connector,
                url: address("--desk-url", url, self.allow_plain_http)?,
                token: key_in_file("--desk-token-file", token_file.clone())?,
                queue: self.desk_queue.clone().unwrap_or_else(|| "Shipments".into()),
                poll_seconds: self.desk_poll_seconds.unwrap_or(DESK_POLL_SECONDS).max(1),
                limits: CallLimits::of(self.desk_concurrency, self.desk_calls_per_second),
            })),
            (url, token_file) => bail!(
                "the service desk is set in part: --desk-url and --desk-token-file belong together; missing: {}",
                missing(&[("--desk-url", url.is_some()), ("--desk-token-file", token_file.is_some())])
            ),
        }
    }
}

/// Networks of reverse proxies; not everybody.
fn of_proxies(networks: Vec<IpNet>) -> Result<Vec<IpNet>> {
    /// An /8 of IPv4, a /16 of IPv6.
    const WIDEST: (u8, u8) = (8, 16);
    for network in &networks {
        let narrow = match network {
            IpNet::V4(network) => network.prefix_len() >= WIDEST.0,
            IpNet::V6(network) => network.prefix_len() >= WIDEST.1,
        };
        ensure!(
            narrow,
            "--trusted-proxy {network}: anybody there could say who sends; name the proxies' own networks, at most an IPv4 /{} or an \
             IPv6 /{}",
            WIDEST.0,
            WIDEST.1
        );
    }
    Ok(networks)
}

fn metrics_token(file: &Path) -> Result<SecretString> {
    const CHARACTERS_MIN: usize = 16;
    let token = secret_file(file)?;
    ensure!(
        token.expose_secret().chars().count() >= CHARACTERS_MIN,
        "the token can be guessed: take {CHARACTERS_MIN} random letters and digits or more"
    );
    Ok(token)
}

impl Config {
    /// Refuses to run where that would be insecure.
    ///
    /// # Errors
    /// Says what is insecure and what to do.
    pub fn require_secure(&self) -> Result<()> {
        let local = self.addr.ip().is_loopback();
        ensure!(
            self.secure_cookies() || (local && !is_in_clear(&self.system.public_url)),
            "people would sign in over plain HTTP: set --public-url to the https:// address of the reverse proxy in front \
             (this server listens on {} and is reached as {})",
            self.addr,
            self.system.public_url
        );
        Ok(())
    }

    /// The master key.
    ///
    /// # Errors
    /// When the file is missing, readable by others, or no key.
    pub fn master_key(&self) -> Result<[u8; KEY_BYTES]> {
        let path = &self.master_key_file;
        let text = std::fs::read_to_string(path).with_context(|| {
            format!(
                "master key {}: make one with `milepost key new {}` and keep a copy apart from the backups",
                path.display(),
                path.display()
            )
        })?;
        require_private(path)?;
        parse_key(&text).with_context(|| format!("master key {}", path.display()))
    }

    /// Whether cookies may travel over HTTPS only.
    pub fn secure_cookies(&self) -> bool {
        self.system.public_url.starts_with("https://")
    }
}

/// A key file's text.
///
/// # Errors
/// When it is not 32 bytes in base64.
pub fn parse_key(text: &str) -> Result<[u8; KEY_BYTES]> {
    let bytes = STANDARD.decode(text.trim()).context("not base64")?;
    bytes.try_into().map_err(|b: Vec<u8>| anyhow::anyhow!("{} bytes, must be {KEY_BYTES}", b.len()))
}

/// Writes a new key file that only its owner can read; never overwrites one.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn write_key(path: &Path, key: &[u8; KEY_BYTES]) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(|| match path
            .exists()
        {
            true => format!("{} is there already: a key file is never overwritten", path.display()),
            false => format!("master key {} cannot be written", path.display()),
        })?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all().context("master key")
}

/// Of these settings those that are not set.
fn missing(settings: &[(&str, bool)]) -> String {
    settings.iter().filter(|(_, set)| !set).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A key in a file, which is read again when the key is refused.
fn key_in_file(setting: &'static str, path: PathBuf) -> Result<Key> {
    let now = secret_file(&path).with_context(|| setting)?;
    Ok(Key::reloading(now, move || match secret_file(&path) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!("{setting}: {error:#}");
            None
        }
    }))
}

/// The address of another system.
fn address(setting: &str, url: &str, plain_http: bool) -> Result<String> {
    let read = read_address(setting, url)?;
    ensure!(
        plain_http || !is_in_clear(&read),
        "{setting} {url}: what goes to another machine over http:// can be read on the way, keys and customers' data too; \
         write https://, or set --allow-plain-http where the network is yours alone"
    );
    Ok(read)
}

fn read_address(setting: &str, url: &str) -> Result<String> {
    base_url(url).map_err(|error| anyhow::anyhow!("{setting} {url}: {error}; write it like https://odoo.example.com"))
}

/// Odoo's address; people copy that of a page.
fn odoo_site(url: &str) -> String {
    let site = odoo::site(url);
    if site != url.trim().trim_end_matches('/') {
        tracing::info!("--odoo-url {url} is a page of Odoo: {site} is taken");
    }
    site
}

/// What a key file holds.
///
/// # Errors
/// Says which file cannot be read, can be read by others, or is empty.
pub fn secret_file(path: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read: write the key into this file", path.display()))?;
    require_private(path)?;
    // a token file may be written as NAME=value, as desks' own tools do
    let value = text.lines().next().unwrap_or_default().trim();
    let value = value
        .split_once('=')
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map_or(value, |(_, v)| v);
    ensure!(!value.is_empty(), "{} is empty: write the key into this file", path.display());
    Ok(value.to_owned().into())
}

fn database(url: Option<String>, data: &Path) -> Result<Database> {
    match url {
        None => Ok(Database::Sqlite(data.join("milepost.sqlite"))),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Database::Postgres(url.into()))
        }
        // the address may hold a password, so it is not shown
        Some(_) => bail!(
            "DATABASE_URL must begin with postgres://; without it everything is kept in {}",
            data.join("milepost.sqlite").display()
        ),
    }
}

#[cfg(test)]
mod tests;
