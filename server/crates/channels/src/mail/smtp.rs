//! One delivery to a mail server, step by step: up to the message nothing was sent, so every failure until then is certain.

use crate::Security;
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use outbound::{CONNECT_TIMEOUT, CallError, ErrorClass, TOTAL_TIMEOUT};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error as _;
use tokio::time::timeout;

/// A mail server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    /// User and password; none where it asks for none.
    pub(super) login: Option<(String, SecretString)>,
    /// The name that this side says.
    pub(super) own: String,
    /// What it means that every recipient is refused for good.
    pub(super) refused: ErrorClass,
    /// Whether a mail waits for recipients that are refused for now.
    pub(super) waits: Waits,
}

/// What happens when the server refuses a recipient for now (4yz, RFC 5321: greylisting, a full mailbox).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Waits {
    /// The others get it.
    #[default]
    ForNone,
    /// Nothing is sent, and all get it later.
    ForAll,
}

/// A step of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    SignIn,
    Sender,
    Recipient,
    Content,
}

impl Server {
    /// Delivers a message; how many recipients the server refused, while it took it for others.
    pub(super) async fn deliver(&self, from: &Address, to: &[Address], mail: &[u8]) -> Result<usize, CallError> {
        let ready = timeout(TOTAL_TIMEOUT, self.ready(from, to)).await;
        let (mut connection, refused) = ready.unwrap_or_else(|_| {
            Err(CallError::new(
                ErrorClass::TimeoutBeforeSend,
                "the mail server does not answer in time; nothing was sent",
            ))
        })?;
        match timeout(TOTAL_TIMEOUT, connection.message(mail)).await {
            Ok(Ok(_)) => {}
            // it answered, so it is certain that it did not take it
            Ok(Err(error)) if error.status().is_some() => return Err(self.failed(Step::Content, &error)),
            Ok(Err(_)) | Err(_) => {
                let text = "the mail server did not answer to the end of the message: it may have taken it";
                return Err(CallError::new(ErrorClass::UnknownOutcome, text));
            }
        }
        // the message is there whether the server answers to the farewell or not
        let _ = timeout(CONNECT_TIMEOUT, connection.quit()).await;
        Ok(refused)
    }

    /// A connection that waits for the message, and how many recipients were refused.
    async fn ready(&self, from: &Address, to: &[Address]) -> Result<(AsyncSmtpConnection, usize), CallError> {
        let mut connection = self.connected().await?;
        let sender = Mail::new(Some(from.clone()), Vec::new());
        connection.command(sender).await.map_err(|error| self.failed(Step::Sender, &error))?;
        let (mut refused, mut last) = (0, None);
        for one in to {
            match connection.command(Rcpt::new(one.clone(), Vec::new())).await {
                Ok(_) => {}
                // nothing is sent yet: all of them get it when this one is taken too
                Err(error) if self.waits == Waits::ForAll && error.is_transient() => {
                    return Err(self.failed(Step::Recipient, &error));
                }
                // the others get it all the same
                Err(error) if error.status().is_some() => {
                    refused += 1;
                    last = Some(error);
                }
                Err(error) => return Err(self.failed(Step::Recipient, &error)),
            }
        }
        if let Some(error) = last.filter(|_| refused == to.len()) {
            return Err(self.failed(Step::Recipient, &error));
        }
        connection.command(Data).await.map_err(|error| self.failed(Step::Sender, &error))?;
        Ok((connection, refused))
    }

    /// Connected, encrypted as it is set, and signed in.
    async fn connected(&self) -> Result<AsyncSmtpConnection, CallError> {
        let own = ClientId::Domain(self.own.clone());
        let tls = || TlsParameters::new(self.host.clone()).map_err(|error| self.failed(Step::Connect, &error));
        let at_once = if self.security == Security::Tls { Some(tls()?) } else { None };
        let address = (self.host.as_str(), self.port);
        let connected = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &own, at_once, None).await;
        let mut connection = connected.map_err(|error| self.failed(Step::Connect, &error))?;
        if self.security == Security::Starttls {
            if !connection.can_starttls() {
                connection.abort().await;
                let text = format!("{}:{} does not offer STARTTLS; nothing was sent", self.host, self.port);
                return Err(CallError::new(ErrorClass::Misconfigured, text)
                    .advising("check the port, or choose TLS from the first byte"));
            }
            connection.starttls(tls()?, &own).await.map_err(|error| self.failed(Step::Connect, &error))?;
        }
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|error| self.failed(Step::SignIn, &error))?;
        }
        Ok(connection)
    }

    /// What a failure at a step means (RFC 5321, 4.2; RFC 4954, 6). The server's words may name people: they stay foreign.
    fn failed(&self, step: Step, error: &Error) -> CallError {
        let place = format!("{}:{}", self.host, self.port);
        let Some(code) = error.status().map(u16::from) else { return without_answer(&place, step, error) };
        let class = match (code, step) {
            (421 | 454, _) => ErrorClass::ServerError,
            (400..=499, _) => ErrorClass::RateLimited,
            (535, _) => ErrorClass::Unauthorized,
            (_, Step::Content) => ErrorClass::Rejected,
            (_, Step::Recipient) => self.refused,
            _ => ErrorClass::Misconfigured,
        };
        let what = match step {
            Step::Connect => "does not take the connection",
            Step::SignIn => "does not accept the user and password",
            Step::Sender => "does not take mail from this sender",
            Step::Recipient => "does not take mail for any of the recipients",
            Step::Content => "refused the message",
        };
        let advice = match (class, step) {
            (ErrorClass::Misconfigured, Step::Sender) => {
                Some("check From, and whether the server asks for a user and password")
            }
            (ErrorClass::Misconfigured, Step::Recipient) => {
                Some("check To, and whether the server asks for a user and password")
            }
            (ErrorClass::Misconfigured, Step::SignIn) => {
                Some("check which sign-in the mail server takes, and the encryption")
            }
            _ => None,
        };
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let error = CallError::new(class, format!("{place} {what} ({code})")).saying(&said);
        CallError { advice, status: Some(code), ..error }
    }
}

/// A failure without an answer of the server: nothing was sent yet.
fn without_answer(place: &str, step: Step, error: &Error) -> CallError {
    let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    if error.is_timeout() {
        return CallError::new(ErrorClass::TimeoutBeforeSend, format!("no answer from {place} in time"));
    }
    if error.is_tls() {
        return CallError::new(ErrorClass::Unreachable, format!("no encrypted connection to {place}{why}"))
            .advising("check the host, the port, and the server's certificate");
    }
    match (step, error.is_client()) {
        (Step::SignIn, true) => {
            CallError::new(ErrorClass::Misconfigured, format!("{place} offers no sign-in by password{why}"))
                .advising("leave user and password empty, or check the port")
        }
        _ => CallError::new(ErrorClass::Unreachable, format!("{place} cannot be reached{why}"))
            .advising("check that the mail server runs, its host and port"),
    }
}
