//! Access tokens of OAuth 2.0 clients (RFC 6749): fetched when first needed and when one is refused, by one caller at a time, since
//! some desks end the earlier token with each new one.

use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, FORM, Key, Method, Request, Response, class_of_status,
    class_of_stranger, secrets,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// How the endpoint takes what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBody {
    /// As a form, as the standard says.
    Form,
    /// As JSON.
    Json,
}

/// One OAuth client of a desk, by the grant `client_credentials`.
#[derive(Debug)]
pub struct OAuth {
    http: Client,
    endpoint: String,
    body: TokenBody,
    client_id: String,
    /// The client's secret.
    secret: Key,
    /// What else is asked, such as the scope.
    more: Vec<(&'static str, String)>,
    now: Mutex<Option<SecretString>>,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
}

fn bearing(ask: Request, token: &SecretString) -> Request {
    Request { authorization: Some(("Bearer", token.clone().into())), ..ask }
}

impl OAuth {
    /// A client; nothing is called yet.
    pub fn new(http: Client, endpoint: String, body: TokenBody, client_id: &str, secret: Key) -> Self {
        let client_id = client_id.to_owned();
        Self { http, endpoint, body, client_id, secret, more: Vec::new(), now: Mutex::new(None) }
    }

    /// The same, asking for this too.
    #[must_use]
    pub fn asking(mut self, name: &'static str, value: &str) -> Self {
        self.more.push((name, value.to_owned()));
        self
    }

    /// A token: the one that is there, unless it is the one that was refused.
    ///
    /// # Errors
    /// When the endpoint does not give one.
    pub async fn token(&self, refused: Option<&SecretString>, log: &dyn CallLog) -> Result<SecretString, CallError> {
        let mut now = self.now.lock().await;
        let refused = refused.map(ExposeSecret::expose_secret);
        if let Some(token) = now.as_ref().filter(|token| Some(token.expose_secret()) != refused) {
            return Ok(token.clone());
        }
        let token = self.fetch(log).await?;
        *now = Some(token.clone());
        Ok(token)
    }

    /// Makes a call with a token, and once more where that was refused: tokens end without notice, and what was refused was not
    /// applied.
    ///
    /// # Errors
    /// When no token is given, or the call fails.
    pub async fn call<T>(
        &self,
        http: &Client,
        ask: Request,
        log: &dyn CallLog,
        interpret: impl Fn(&Response) -> Result<T, CallError> + Send + Sync,
    ) -> Result<T, CallError> {
        let token = self.token(None, log).await?;
        match http.call(bearing(ask.clone(), &token), log, &interpret).await {
            Err(error) if error.class == ErrorClass::Unauthorized => {
                let next = self.token(Some(&token), log).await?;
                http.call(bearing(ask, &next), log, &interpret).await
            }
            done => done,
        }
    }

    async fn fetch(&self, log: &dyn CallLog) -> Result<SecretString, CallError> {
        let secret = self.secret.get();
        let mut body = json!({
            "grant_type": "client_credentials", "client_id": self.client_id, "client_secret": secret.expose_secret(),
        });
        for (name, value) in &self.more {
            body[*name] = Value::from(value.as_str());
        }
        let mut headers = vec![("Accept", "application/json".to_owned())];
        if self.body == TokenBody::Form {
            headers.push((FORM.0, FORM.1.to_owned()));
        }
        let request = Request {
            method: Method::POST,
            url: self.endpoint.clone(),
            operation: "oauth/token".into(),
            // a token that did not arrive is asked for again
            kind: CallKind::Query,
            authorization: None,
            headers,
            body: Some(body),
        };
        let fetched = self.http.call(request, log, |answer| {
            let Some(class) = class_of_status(answer.status, CallKind::Query) else {
                let given: Given = answer.json()?;
                secrets::know(&given.access_token);
                return Ok(SecretString::from(given.access_token));
            };
            let known = answer.value().is_some_and(|value| value.get("error").is_some());
            // invalid_client and invalid_grant come as 400 as well
            let class = match class {
                _ if known && matches!(answer.status, 400 | 401 | 403) => ErrorClass::Unauthorized,
                ErrorClass::RateLimited | ErrorClass::ServerError => class,
                _ => class_of_stranger(answer.status, CallKind::Query),
            };
            let said = answer.value().map(|value| {
                ["error", "error_description"]
                    .map(|name| value[name].as_str().unwrap_or_default().to_owned())
                    .join(": ")
            });
            let error = CallError::new(class, format!("no access token was given: {}", answer.status));
            Err(error.saying(&said.unwrap_or_default()).of(answer))
        });
        match fetched.await {
            Err(error) if error.class == ErrorClass::Unauthorized => {
                // the file or another secret of the connection may be good by now
                self.secret.renew(&secret);
                Err(error.advising("check the client id and the client secret"))
            }
            done => done,
        }
    }
}
