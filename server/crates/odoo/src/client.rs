//! A connected Odoo: what every call of the other files goes through.

use super::{
    address::site,
    config::OdooConfig,
    field_names::FieldNames,
    transfers::KnownShape,
    transport::{Link, Server, Version},
};
use outbound::{CallError, CallKind, CallLog, Client, ErrorClass, base_url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The first version whose pages have addresses without `#`.
const PLAIN_PAGES: u32 = 18;

/// A connected Odoo.
#[derive(Debug)]
pub struct OdooClient {
    link: Link,
    /// What values OCA's `delivery_state` takes; empty where that module is not installed. Asked once.
    pub(super) delivery_states: OnceCell<Vec<String>>,
    /// Those of our fields that it has.
    pub(super) our_fields: FieldNames,
    /// What it has of transfers.
    pub(super) known_shape: KnownShape,
    /// The user whose key this is. Asked once.
    user: OnceCell<i64>,
}

impl OdooClient {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// `misconfigured` where the address or the key cannot be used.
    pub fn new(config: OdooConfig) -> Result<Self, CallError> {
        if config.api_key.is_empty() || config.database.trim().is_empty() {
            return Err(CallError::new(ErrorClass::Misconfigured, "Odoo needs a database and an API key"));
        }
        let http = Client::new("odoo")?.paced(config.calls_per_second);
        let place = (base_url(&site(&config.url))?, config.database.trim().to_owned());
        let login = config.login.map(|login| login.trim().to_owned()).filter(|login| !login.is_empty());
        Ok(Self {
            link: Link::new(http, place, (config.api_key, login), config.transport),
            delivery_states: OnceCell::new(),
            our_fields: FieldNames::default(),
            known_shape: KnownShape::default(),
            user: OnceCell::new(),
        })
    }

    /// Address and database.
    pub fn place(&self) -> (&str, &str) {
        (&self.link.base, &self.link.database)
    }

    /// The page of a delivery, for people. `/odoo/<model>/<id>` is the address that the web client of 18 and later
    /// makes for a record that is opened without a menu (its `router.js`).
    pub fn page(&self, picking: i64) -> String {
        let base = &self.link.base;
        match self.link.known() {
            Some(server) if server.major < PLAIN_PAGES => {
                format!("{base}/web#id={picking}&model=stock.picking&view_type=form")
            }
            _ => format!("{base}/odoo/stock.picking/{picking}"),
        }
    }

    /// Which Odoo answers; needs no key.
    ///
    /// # Errors
    /// When it does not answer, or is too old.
    pub async fn version(&self, log: &dyn CallLog) -> Result<Version, CallError> {
        self.link.version(log).await
    }

    /// The version that answered last, asked for where that is not known yet: `19`. For what older ones name otherwise;
    /// methods that they lack are known in `transport`.
    pub(super) async fn major(&self, log: &dyn CallLog) -> Result<u32, CallError> {
        self.link.server(log).await.map(|server: Arc<Server>| server.major)
    }

    /// Whether the key is good.
    ///
    /// # Errors
    /// When it is not, or Odoo does not answer.
    pub async fn health(&self, log: &dyn CallLog) -> Result<(), CallError> {
        self.link.user(log).await.map(drop)
    }

    /// The id of the user whose key this is.
    pub(super) async fn user(&self, log: &dyn CallLog) -> Result<i64, CallError> {
        self.user.get_or_try_init(|| self.link.user(log)).await.copied()
    }

    /// Asks something of a model that is none of the deliveries' own, with named arguments (`ids` among them).
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn query(&self, model: &str, method: &str, named: Value, log: &dyn CallLog) -> Result<Value, CallError> {
        self.link.call(model, method, named, CallKind::Query, log).await
    }

    /// The same, where it changes something.
    ///
    /// # Errors
    /// As [`OdooClient::query`]; `unknown_outcome` where no answer came.
    pub async fn command(
        &self,
        model: &str,
        method: &str,
        named: Value,
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        self.link.call(model, method, named, CallKind::Command, log).await
    }

    /// The id of the user whose key this is.
    ///
    /// # Errors
    /// When the key is not good, or Odoo does not answer.
    pub async fn own_user(&self, log: &dyn CallLog) -> Result<i64, CallError> {
        self.user(log).await
    }

    /// Asks something.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        self.link.call(model, method, body, CallKind::Query, log).await
    }

    /// The same; where it is forbidden, the error says whether that is about the record.
    pub(super) async fn ask_explained<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        match self.ask(model, method, body, log).await {
            Err(error) => Err(self.refusal(model, method, error, log).await),
            answered => answered,
        }
    }

    /// Changes something. One call is one transaction. Where it is forbidden, the error says whether that is about the record.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        match self.link.call(model, method, body, CallKind::Command, log).await {
            Err(error) => Err(self.refusal(model, method, error, log).await),
            done => done,
        }
    }
}
