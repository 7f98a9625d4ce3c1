//! Calls of one Odoo, by whichever of its two APIs it has: JSON-2 from 19 on, JSON-RPC before. What is called and what
//! errors mean is the same for both.

mod jsonrpc;
mod older;
mod version;

pub(super) use older::Made;
pub(super) use version::Server;
pub use version::Version;

use super::{config::Transport, fault};
use outbound::{CallError, CallKind, CallLog, Client, ErrorClass, Key, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use version::Api;

/// A method with its named arguments, `ids` among them.
struct Call<'a> {
    model: &'a str,
    method: &'a str,
    named: Value,
    kind: CallKind,
}

/// An Odoo at its address.
#[derive(Debug)]
pub(super) struct Link {
    http: Client,
    pub(super) base: String,
    pub(super) database: String,
    key: Key,
    login: Option<String>,
    wanted: Transport,
    /// Which Odoo answers: asked with the first call, and again after an answer that is of no API.
    server: Mutex<Option<Arc<Server>>>,
}

impl Link {
    /// Nothing is called yet.
    pub(super) fn new(
        http: Client,
        (base, database): (String, String),
        (key, login): (Key, Option<String>),
        wanted: Transport,
    ) -> Self {
        Self { http, base, database, key, login, wanted, server: Mutex::default() }
    }

    /// Which Odoo answers now; needs no key.
    pub(super) async fn version(&self, log: &dyn CallLog) -> Result<Version, CallError> {
        let version = version::ask(self, log).await?;
        self.remember(Server::of(&version, self.wanted));
        Ok(version)
    }

    /// The Odoo that answered last, where it was asked already.
    pub(super) fn known(&self) -> Option<Arc<Server>> {
        self.server.lock().expect("no panic while held").clone()
    }

    /// Which Odoo it is. What answers without saying it, a maintenance page perhaps, is called as the newest would be: its answer
    /// to the call says more.
    pub(super) async fn server(&self, log: &dyn CallLog) -> Result<Arc<Server>, CallError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        match version::ask(self, log).await {
            Ok(version) => Ok(self.remember(Server::of(&version, self.wanted))),
            Err(error) if error.status.is_some() && !version::is_too_old(&error) => {
                Ok(Arc::new(Server::newest(self.wanted)))
            }
            Err(error) => Err(error),
        }
    }

    fn remember(&self, server: Server) -> Arc<Server> {
        let mut known = self.server.lock().expect("no panic while held");
        match &*known {
            // the same as before keeps its user
            Some(before) if (before.major, before.api) == (server.major, server.api) => Arc::clone(before),
            _ => Arc::clone(known.insert(Arc::new(server))),
        }
    }

    fn forget(&self) {
        *self.server.lock().expect("no panic while held") = None;
    }

    /// Calls a method with named arguments, `ids` among them.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        named: Value,
        kind: CallKind,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let server = self.server(log).await?;
        let (method, named) = older::as_of(server.major, method, named);
        let call = Call { model, method, named, kind };
        let called = match server.api {
            Api::Json2 => self.json2(call, log).await,
            Api::JsonRpc => self.jsonrpc(&server, call, log).await,
        };
        if called.as_ref().is_err_and(fault::is_of_another_api) {
            self.forget();
        }
        called
    }

    async fn json2<T: DeserializeOwned>(&self, call: Call<'_>, log: &dyn CallLog) -> Result<T, CallError> {
        let Call { model, method, named, kind } = call;
        let operation = format!("{model}/{method}");
        let ask = Request {
            method: Method::POST,
            url: format!("{}/json/2/{operation}", self.base),
            operation,
            kind,
            authorization: Some(("bearer", self.key.clone())),
            headers: vec![("X-Odoo-Database", self.database.clone())],
            body: Some(named),
        };
        self.http
            .call(ask, log, |answer| match answer.status {
                200 => answer.json(),
                _ => Err(fault::of_answer(answer, kind)),
            })
            .await
    }

    /// Where the key is refused, once more with another that may be valid: what was refused was not applied.
    async fn jsonrpc<T: DeserializeOwned>(
        &self,
        server: &Server,
        call: Call<'_>,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let key = self.key.get();
        match self.execute(server, &key, &call, log).await {
            Err(error) if error.class == ErrorClass::Unauthorized && self.key.renew(&key) => {
                tracing::info!("Odoo refused the key: another key of this connection is tried");
                self.execute(server, &self.key.get(), &call, log).await
            }
            called => called,
        }
    }

    async fn execute<T: DeserializeOwned>(
        &self,
        server: &Server,
        key: &SecretString,
        call: &Call<'_>,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let Call { model, method, named, kind } = call;
        let key = key.expose_secret();
        let user = server.user.get_or_try_init(|| self.login(key, log)).await?;
        let (places, named) = jsonrpc::arguments(method, named.clone());
        let args = json!([self.database, user, key, model, method, places, named]);
        let ask = jsonrpc::request(&self.base, "object", "execute_kw", args, format!("{model}/{method}"), *kind);
        self.http.call(ask, log, |answer| jsonrpc::result(answer, *kind)).await
    }

    /// The user of the login, which JSON-RPC wants with every call.
    async fn login(&self, key: &str, log: &dyn CallLog) -> Result<i64, CallError> {
        let Some(login) = &self.login else {
            let text = "this Odoo takes an API key only together with the login of its user, which is not set";
            return Err(CallError::new(ErrorClass::Misconfigured, text).advising(LOGIN_MISSING));
        };
        let args = json!([self.database, login, key]);
        let ask = jsonrpc::request(&self.base, "common", "login", args, "common/login".into(), CallKind::Query);
        let interpret = |answer: &_| match jsonrpc::result(answer, CallKind::Query)? {
            Value::Number(user) if user.is_i64() => Ok(user.as_i64().unwrap_or_default()),
            // a bad login is no error there
            _ => Err(CallError::new(ErrorClass::Unauthorized, "Odoo does not accept the login with this key")
                .advising("the API key is wrong, expired or revoked, or it is not of this user")
                .of(answer)),
        };
        self.http.call(ask, log, interpret).await
    }

    /// The user whose key this is.
    pub(super) async fn user(&self, log: &dyn CallLog) -> Result<i64, CallError> {
        #[derive(serde::Deserialize)]
        struct Context {
            uid: Option<i64>,
        }
        let server = self.server(log).await?;
        // also where the user is known already: it shows whether the key is still good
        let context: Context = self.call("res.users", "context_get", json!({}), CallKind::Query, log).await?;
        let user = context.uid.or_else(|| server.user.get().copied());
        user.ok_or_else(|| CallError::new(ErrorClass::BadAnswer, "Odoo does not say whose key this is"))
    }
}

/// What to do where JSON-RPC lacks the login.
pub(super) const LOGIN_MISSING: &str = "enter the login of the integration user under User (login)";
