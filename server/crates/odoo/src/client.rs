//! Calls over JSON-2 and what their errors mean.

use super::{OdooConfig, wire::Fault};
use jiff::{Timestamp, fmt::rfc2822};
use outbound::Method;
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Key, Request, Response, base_url, class_of_status,
    class_of_stranger, site_of,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The first version with JSON-2.
const OLDEST: u64 = 19;

/// A connected Odoo.
#[derive(Debug)]
pub struct OdooClient {
    http: Client,
    base: String,
    database: String,
    key: Key,
    /// What values OCA's `delivery_state` takes; empty where that module is not installed. Asked once.
    pub(super) delivery_states: OnceCell<Vec<String>>,
    /// Those of our fields that it has. Asked until they are there.
    pub(super) our_fields: OnceCell<Vec<String>>,
    /// The user whose key this is. Asked once.
    user: OnceCell<i64>,
}

/// Paths of Odoo's own pages and APIs.
pub(super) const PAGES: &[&str] = &["odoo", "web", "json", "jsonrpc", "xmlrpc"];

/// Odoo's address, also out of the address of one of its pages (`https://odoo.example.com/odoo/inventory`).
pub fn site(address: &str) -> String {
    site_of(address, PAGES)
}

/// Which Odoo it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `19.0`.
    pub version: String,
    /// What time its clock shows.
    pub server_time: Option<Timestamp>,
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
        Ok(Self {
            http: Client::new("odoo")?.paced(config.calls_per_second),
            base: base_url(&site(&config.url))?,
            database: config.database.trim().to_owned(),
            key: config.api_key,
            delivery_states: OnceCell::new(),
            our_fields: OnceCell::new(),
            user: OnceCell::new(),
        })
    }

    /// Address and database.
    pub fn place(&self) -> (&str, &str) {
        (&self.base, &self.database)
    }

    /// The page of a delivery, for people. `/odoo/<model>/<id>` is the address that the web client of 18 and later
    /// makes for a record that is opened without a menu (its `router.js`).
    pub fn page(&self, picking: i64) -> String {
        format!("{}/odoo/stock.picking/{picking}", self.base)
    }

    /// Which Odoo answers; needs no key.
    ///
    /// # Errors
    /// When it does not answer, or is too old.
    pub async fn version(&self, log: &dyn CallLog) -> Result<Version, CallError> {
        #[derive(Deserialize)]
        struct Body {
            version: String,
            version_info: Vec<Value>,
        }
        let ask = Request {
            method: Method::GET,
            url: format!("{}/web/version", self.base),
            operation: "version".into(),
            kind: CallKind::Query,
            authorization: None,
            headers: Vec::new(),
            body: None,
        };
        self.http
            .call(ask, log, |answer| {
                if let Some(class) = class_of_status(answer.status, CallKind::Query) {
                    return Err(CallError::new(class, format!("/web/version answered {}", answer.status))
                        .advising("is this the address of an Odoo?")
                        .of(answer));
                }
                let body: Body = answer.json()?;
                // Odoo Online writes "saas~19" there
                let major = body.version_info.first().map(ToString::to_string).unwrap_or_default();
                let major: String = major.chars().filter(char::is_ascii_digit).collect();
                if major.parse::<u64>().unwrap_or(0) < OLDEST {
                    let text = format!("this is Odoo {major}: Milepost needs {OLDEST}.0 or later (JSON-2)");
                    return Err(CallError::new(ErrorClass::Misconfigured, text));
                }
                let date = answer.headers.get(http::header::DATE).and_then(|d| d.to_str().ok());
                let server_time = date.and_then(|d| rfc2822::parse(d).ok()).map(|z| z.timestamp());
                Ok(Version { version: body.version, server_time })
            })
            .await
    }

    /// Whether the key is good.
    ///
    /// # Errors
    /// When it is not, or Odoo does not answer.
    pub async fn health(&self, log: &dyn CallLog) -> Result<(), CallError> {
        self.whoami(log).await.map(drop)
    }

    /// The id of the user whose key this is.
    pub(super) async fn user(&self, log: &dyn CallLog) -> Result<i64, CallError> {
        self.user.get_or_try_init(|| self.whoami(log)).await.copied()
    }

    async fn whoami(&self, log: &dyn CallLog) -> Result<i64, CallError> {
        #[derive(Deserialize)]
        struct Context {
            uid: i64,
        }
        let context: Context = self.ask("res.users", "context_get", json!({}), log).await?;
        Ok(context.uid)
    }

    /// Asks something.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        self.json2(model, method, body, CallKind::Query, log).await
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
        match self.json2(model, method, body, CallKind::Command, log).await {
            Err(error) => Err(self.refusal(model, method, error, log).await),
            done => done,
        }
    }

    async fn json2<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        body: Value,
        kind: CallKind,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let operation = format!("{model}/{method}");
        let ask = Request {
            method: Method::POST,
            url: format!("{}/json/2/{operation}", self.base),
            operation,
            kind,
            authorization: Some(("bearer", self.key.clone())),
            headers: vec![("X-Odoo-Database", self.database.clone())],
            body: Some(body),
        };
        self.http
            .call(ask, log, |answer| match answer.status {
                200 => answer.json(),
                _ => Err(fault(answer, kind)),
            })
            .await
    }
}

/// What an error means. Odoo answers 500 both for what will never work (an unknown field) and for what works the next
/// time (a collision), so its `name` decides; the status only where there is none.
pub(super) fn fault(answer: &Response, kind: CallKind) -> CallError {
    let Ok(fault) = serde_json::from_slice::<Fault>(&answer.body) else { return without_name(answer, kind) };
    let message = fault.message.as_str().map_or_else(|| fault.message.to_string(), str::to_owned);
    let class = match short(&fault.name) {
        "Unauthorized" | "AccessDenied" | "SessionExpiredException" => ErrorClass::Unauthorized,
        "AccessError" | "Forbidden" => ErrorClass::Forbidden,
        "MissingError" => ErrorClass::NotFound,
        // a model or method that is not there: a module is missing
        "NotFound" | "UnsupportedMediaType" | "MethodNotAllowed" => ErrorClass::Misconfigured,
        "UserError" | "ValidationError" | "RedirectWarning" | "UnprocessableEntity" | "BadRequest" => {
            ErrorClass::Rejected
        }
        "SerializationFailure"
        | "LockNotAvailable"
        | "DeadlockDetected"
        | "LockError"
        | "ConcurrencyError"
        | "TransactionRollbackError" => ErrorClass::Conflict,
        "OperationalError"
        | "InterfaceError"
        | "AdminShutdown"
        | "QueryCanceled"
        | "TooManyConnections"
        | "PoolError"
        | "ServiceUnavailable"
        | "InternalServerError"
        | "MemoryError" => ErrorClass::ServerError,
        "TooManyRequests" => ErrorClass::RateLimited,
        "ValueError" if message.contains("Invalid field") => ErrorClass::Misconfigured,
        _ => ErrorClass::Rejected,
    };
    let advice = if message.contains("Invalid field") && message.contains("x_milepost") {
        Some("run `milepost odoo setup --connection NAME`")
    } else if class == ErrorClass::Unauthorized {
        Some("the API key is wrong, expired or revoked")
    } else {
        None
    };
    // the name of a Python class is a word; anything else is somebody's text
    let name = short(&fault.name);
    let name = if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') { name } else { "an error" };
    let error = CallError::new(class, format!("Odoo answered {}: {name}", answer.status));
    CallError { advice, ..error }.saying(&message).of(answer)
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What an answer means that is not of Odoo's JSON-2: an HTML page, of Odoo without such a database, or of what stands before it.
fn without_name(answer: &Response, kind: CallKind) -> CallError {
    let class = class_of_stranger(answer.status, kind);
    let advice = match answer.status {
        404 | 410 => Some("check the address and the database's name"),
        403 => Some("check what stands before Odoo, a proxy or a firewall"),
        300..=400 | 405 => Some("is this the address of Odoo, without /odoo or /web?"),
        _ => None,
    };
    let error = CallError::new(class, format!("Odoo answered {}", answer.status));
    CallError { advice, ..error }.of(answer)
}
