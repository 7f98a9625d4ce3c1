//! The connections as this process works with them: as they are stored, and connected.

use super::{address, catalogue};
use crate::config::{CallLimits, Config};
use carriers::{
    api::{ApiConfig, ApiSettings, Platform},
    api_template,
    booking::Mode,
};
use channels::{Channel, ChannelConfig};
use desks::{Desk, DeskConfig};
use domain::{
    alerts::route::Route,
    ids::SourceId,
    routing::{self, Subject, Takes},
};
use jiff::Timestamp;
use odoo::{OdooClient, OdooConfig};
use outbound::{Key, template::Family};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, RwLock},
};
use storage::{
    connections::{ConnectionRecord, Hour, Traffic},
    jobs::INSIDE,
};

/// The name of the first order system.
pub const ODOO: &str = "odoo";
/// The name of the first service desk.
pub const DESK: &str = "desk";

/// The connections of this process.
#[derive(Default)]
pub struct Live {
    now: RwLock<Arc<Snapshot>>,
    traffic: Mutex<BTreeMap<(String, i64), Traffic>>,
}

/// The connections at one moment.
#[derive(Default)]
pub struct Snapshot {
    version: u64,
    all: Vec<Arc<Connection>>,
}

/// One of them.
pub struct Connection {
    /// As it is stored; its secrets are not opened here.
    pub record: ConnectionRecord,
    /// What it is for; none where this version has no such connector.
    pub family: Option<Family>,
    /// What is called.
    pub client: Client,
    /// How hard it may be worked.
    pub limits: CallLimits,
    /// Seconds between two imports or polls.
    pub seconds: u64,
    /// Whether notes name who signed for a delivery.
    pub signatory: bool,
    /// Whether cases of a desk name the customer.
    pub requester: bool,
    /// What an order system is set to.
    pub orders: Option<Box<odoo::Settings>>,
    /// Which exceptions a desk takes.
    pub takes: Takes,
    /// Whether an API is for tests or live.
    pub mode: Mode,
}

/// What of a connection is called.
pub enum Client {
    /// An order system.
    Orders(Arc<OdooClient>),
    /// A service desk.
    Desk(Arc<dyn Desk>),
    /// The API of a platform.
    Shipping(Arc<dyn Platform>),
    /// A channel, and what it takes.
    Channel(Arc<dyn Channel>, Route),
    /// Nothing: it sends.
    Inbound,
    /// It cannot be, for this reason.
    Unusable(String),
}

impl Connection {
    /// A connection of this record, with its secrets, newest first. Nothing is called.
    pub fn new(config: &Config, record: ConnectionRecord, secrets: Vec<String>, file: Option<Key>) -> Self {
        let family = catalogue::family(&record.connector);
        let takes = serde_json::from_str::<Takes>(&record.takes);
        let mut new = Self {
            family,
            client: Client::Inbound,
            limits: CallLimits::default(),
            seconds: 0,
            signatory: false,
            requester: false,
            orders: None,
            takes: takes.as_ref().cloned().unwrap_or_default(),
            mode: Mode::Test,
            record,
        };
        let valid = secrets.iter().map(|secret| SecretString::from(secret.as_str())).collect();
        let key = || Key::first_of(secrets.iter().map(|secret| SecretString::from(secret.as_str())).collect(), file);
        let connected = match family {
            Some(Family::Orders) => new.connect_orders(config, key()),
            // a desk without its conditions would take everything
            Some(Family::Desk) => takes
                .map_err(|error| format!("which exceptions it takes cannot be read: {error}"))
                .and_then(|_| new.connect_desk(config, key())),
            Some(Family::Shipping) => new.connect_platform(config, key()),
            Some(Family::Channel) => new.connect_channel(config, valid),
            Some(Family::Carrier) => Ok(Client::Inbound),
            None => Err(format!("this version has no connector {}", new.record.connector)),
        };
        new.client = connected.unwrap_or_else(Client::Unusable);
        new
    }

    fn connect_orders(&mut self, config: &Config, api_key: Key) -> Result<Client, String> {
        let settings: odoo::Settings = read(&self.record.settings)?;
        address::refused(config, &settings.url).map_or(Ok(()), Err)?;
        self.limits = CallLimits::of(settings.concurrency, settings.calls_per_second);
        (self.seconds, self.signatory) = (settings.import_seconds.max(1), settings.signatory);
        self.orders = Some(Box::new(settings.clone()));
        let calls_per_second = self.limits.calls_per_second;
        let config = OdooConfig {
            login: settings.login,
            calls_per_second,
            ..OdooConfig::new(settings.url, settings.database, api_key)
        };
        OdooClient::new(config).map(|client| Client::Orders(Arc::new(client))).map_err(|error| error.message)
    }

    fn connect_desk(&mut self, config: &Config, token: Key) -> Result<Client, String> {
        let settings: desks::Settings = read(&self.record.settings)?;
        address::refused(config, &settings.url).map_or(Ok(()), Err)?;
        self.limits = CallLimits::of(settings.concurrency, settings.calls_per_second);
        self.seconds = settings.poll_seconds.max(1);
        let calls_per_second = self.limits.calls_per_second;
        self.requester = settings.requester;
        let desks::Settings { url, queue, options, .. } = settings;
        let config = DeskConfig { url, token, queue, calls_per_second, options };
        match desks::connect(&self.record.connector, config) {
            Ok(Some(desk)) => Ok(Client::Desk(desk)),
            Ok(None) => Err(format!("there is no desk connector {}", self.record.connector)),
            Err(error) => Err(error.message),
        }
    }

    fn connect_platform(&mut self, config: &Config, key: Key) -> Result<Client, String> {
        let connector = &self.record.connector;
        let manifest = api_template::manifest(connector).ok_or_else(|| format!("there is no connector {connector}"))?;
        let settings: ApiSettings = read(&self.record.settings)?;
        let url = settings.url.as_deref().or(manifest.url).unwrap_or_default();
        address::refused(config, url).map_or(Ok(()), Err)?;
        self.limits = CallLimits::of(settings.concurrency, settings.calls_per_second);
        self.mode = settings.mode;
        let connected = (manifest.connect)(ApiConfig { settings, key });
        connected.map(Client::Shipping).map_err(|error| error.message)
    }

    fn connect_channel(&mut self, config: &Config, secrets: Vec<SecretString>) -> Result<Client, String> {
        let settings: channels::Settings = read(&self.record.settings)?;
        let route = settings.route()?;
        self.limits = CallLimits::of(settings.concurrency, settings.calls_per_second);
        let connected = ChannelConfig { settings, secrets, public_url: config.public_url.clone() };
        match channels::connect(&self.record.connector, connected) {
            Ok(Some(channel)) => {
                address::refused(config, &channel.address()).map_or(Ok(()), Err)?;
                Ok(Client::Channel(channel, route))
            }
            Ok(None) => Err(format!("there is no channel {}", self.record.connector)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Why it cannot be used.
    pub fn unusable(&self) -> Option<&str> {
        match &self.client {
            Client::Unusable(why) => Some(why.as_str()),
            _ => None,
        }
    }

    fn is_in_use(&self) -> bool {
        self.record.enabled && self.unusable().is_none()
    }
}

fn read<T: serde::de::DeserializeOwned>(settings: &str) -> Result<T, String> {
    serde_json::from_str(settings).map_err(|error| format!("its settings cannot be read: {error}"))
}

impl Snapshot {
    /// The connections, by name.
    pub fn new(all: Vec<Arc<Connection>>) -> Self {
        Self { version: all.iter().map(|connection| connection.record.version).sum(), all }
    }

    /// Another number after each change.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Every one, by name.
    pub fn all(&self) -> &[Arc<Connection>] {
        &self.all
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Connection>> {
        self.all.iter().find(|connection| connection.record.name == name)
    }

    /// Whether jobs of this destination can be done at all, now or once it is in use: there is one of this name, or it is work
    /// inside.
    pub fn has(&self, destination: &str) -> bool {
        destination == INSIDE || self.get(destination).is_some()
    }

    /// The one with this id and version.
    pub fn same(&self, id: SourceId, version: u64) -> Option<&Arc<Connection>> {
        self.all.iter().find(|connection| connection.record.id == id && connection.record.version == version)
    }

    /// Those of a family that are in use: enabled, and nothing hinders that they are called. The jobs of others wait.
    pub fn in_use(&self, family: Family) -> impl Iterator<Item = &Arc<Connection>> {
        self.all.iter().filter(move |connection| connection.family == Some(family) && connection.is_in_use())
    }

    /// The channels that are in use, each with what it takes.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &Route)> {
        self.in_use(Family::Channel).filter_map(|connection| match &connection.client {
            Client::Channel(_, route) => Some((connection.record.name.as_str(), route)),
            _ => None,
        })
    }

    /// The desk that takes an exception; none where none does.
    pub fn desk_for(&self, subject: &Subject) -> Option<&str> {
        let desks = self.in_use(Family::Desk).map(|desk| (desk.record.name.as_str(), &desk.takes));
        routing::choose(desks, subject)
    }

    /// Whether there are several of a family, in use or not: a ticket's number alone does not say which desk has it.
    pub fn has_several(&self, family: Family) -> bool {
        self.all.iter().filter(|connection| connection.family == Some(family)).count() > 1
    }

    /// What people call a connection, and work inside. One to which nobody gave a label has its connector's, where it is named
    /// after that.
    pub fn label(&self, name: &str) -> String {
        let given = self.get(name).map(|connection| connection.record.label.as_str()).filter(|label| *label != name);
        match given {
            Some(label) => label.to_owned(),
            None if name == INSIDE => "Internal processing".to_owned(),
            None => catalogue::label(name).to_owned(),
        }
    }
}

impl Live {
    /// The connections now.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.read().expect("no panic while held"))
    }

    /// From now on these.
    pub fn set(&self, snapshot: Snapshot) {
        *self.now.write().expect("no panic while held") = Arc::new(snapshot);
    }

    /// An order system that is in use.
    pub fn odoo(&self, name: &str) -> Option<Arc<OdooClient>> {
        match &self.now().get(name).filter(|connection| connection.is_in_use())?.client {
            Client::Orders(odoo) => Some(Arc::clone(odoo)),
            _ => None,
        }
    }

    /// A service desk that is in use.
    pub fn desk(&self, name: &str) -> Option<Arc<dyn Desk>> {
        match &self.now().get(name).filter(|connection| connection.is_in_use())?.client {
            Client::Desk(desk) => Some(Arc::clone(desk)),
            _ => None,
        }
    }

    /// The API of a platform that is in use, and whether it is for tests or live.
    pub fn platform(&self, name: &str) -> Option<(Arc<dyn Platform>, Mode)> {
        let now = self.now();
        let connection = now.get(name).filter(|connection| connection.is_in_use())?;
        match &connection.client {
            Client::Shipping(platform) => Some((Arc::clone(platform), connection.mode)),
            _ => None,
        }
    }

    /// A channel that is in use.
    pub fn channel(&self, name: &str) -> Option<Arc<dyn Channel>> {
        match &self.now().get(name).filter(|connection| connection.is_in_use())?.client {
            Client::Channel(channel, _) => Some(Arc::clone(channel)),
            _ => None,
        }
    }

    /// Counts a message or a call; of one that failed with its class.
    pub fn count(&self, name: &str, failed: Option<&str>, now: Timestamp) {
        let hour = now.as_second().div_euclid(3_600);
        let mut traffic = self.traffic.lock().expect("no panic while held");
        let one = traffic.entry((name.to_owned(), hour)).or_insert_with(|| Traffic {
            hour: Hour { connection: name.to_owned(), hour, ok: 0, failed: 0 },
            last_ok_at: None,
            last_failed: None,
            accepted: None,
        });
        match failed {
            None => {
                one.hour.ok += 1;
                one.last_ok_at = Some(now);
            }
            Some(class) => {
                one.hour.failed += 1;
                one.last_failed = Some((now, class.to_owned()));
            }
        }
    }

    /// What was just counted came with the newest secret of this record.
    pub fn accepted(&self, record: &ConnectionRecord, now: Timestamp) {
        let hour = now.as_second().div_euclid(3_600);
        let mut traffic = self.traffic.lock().expect("no panic while held");
        if let Some(one) = traffic.get_mut(&(record.name.clone(), hour)) {
            one.accepted = Some((record.version, now));
        }
    }

    /// What was counted and is not kept yet.
    pub fn take_traffic(&self) -> Vec<Traffic> {
        std::mem::take(&mut *self.traffic.lock().expect("no panic while held")).into_values().collect()
    }
}
