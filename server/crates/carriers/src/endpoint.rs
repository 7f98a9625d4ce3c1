//! What a sender expects of the endpoint: the status that it takes for success, and the handshake before its first message.

use http::{HeaderMap, Method};
use outbound::Url;

/// What a sender expects of the endpoint that it posts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The status that says that a message is kept: 202, or 200 for senders that take nothing else for success.
    pub accepted: u16,
    /// The handshakes that the sender may make before its first message.
    pub handshakes: &'static [Handshake],
    /// A signed time may differ so much from now, in minutes.
    pub tolerance_minutes: i64,
}

impl Endpoint {
    /// 202, no handshake.
    pub const USUAL: Self = Self { accepted: 202, handshakes: &[], tolerance_minutes: 5 };
    /// The same for a sender that takes only 200 for success, or may do so.
    pub const ONLY_OK: Self = Self { accepted: 200, ..Self::USUAL };
}

/// A request that a sender makes of an address before it sends messages to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// A check whether the address is reachable: GET or HEAD, answered with 200 and an empty body.
    Probe,
    /// GET with a parameter of this name, whose value is the answer.
    Echo(&'static str),
    /// CloudEvents, HTTP 1.1 Web Hooks for Event Delivery, section 4: OPTIONS with `WebHook-Request-Origin`.
    CloudEvents,
}

/// The answer to a handshake. It acknowledges no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeAnswer {
    /// The endpoint is reachable.
    Reachable,
    /// The value to give back.
    Echo(String),
    /// The origin may send, at any rate.
    Allowed(String),
}

/// Why a handshake is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The sender is not known to make this handshake.
    #[error("this source takes messages by {}", .0.allow())]
    NotSupported(Endpoint),
    /// The value to give back is not plain.
    #[error(
        "the value to give back is empty, longer than 512 characters, or has others than letters, digits and - . _ ~ + / = : , *"
    )]
    NotPlain,
}

/// The longest value that is given back.
const ECHO_MAX: usize = 512;

impl Endpoint {
    /// The methods that are answered, as the header `Allow` lists them.
    pub fn allow(&self) -> String {
        let asks = |wanted: fn(&Handshake) -> bool| self.handshakes.iter().any(wanted);
        let probe = asks(|h| *h == Handshake::Probe);
        let methods = [
            ("POST", true),
            ("GET", probe || asks(|h| matches!(h, Handshake::Echo(_)))),
            ("HEAD", probe),
            ("OPTIONS", asks(|h| *h == Handshake::CloudEvents)),
        ];
        methods.iter().filter(|(_, answered)| *answered).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The answer to a handshake.
    ///
    /// # Errors
    /// When the sender is not known to make this handshake, or the value to give back is not plain.
    pub fn answer_handshake(
        &self,
        method: &Method,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<HandshakeAnswer, HandshakeError> {
        let get = *method == Method::GET;
        let echo = self.handshakes.iter().find_map(|handshake| match handshake {
            Handshake::Echo(name) if get => parameter(query, name),
            _ => None,
        });
        if let Some(value) = echo {
            return plain(&value).map(HandshakeAnswer::Echo);
        }
        let probe = self.handshakes.contains(&Handshake::Probe);
        if probe && (get || *method == Method::HEAD) {
            return Ok(HandshakeAnswer::Reachable);
        }
        let origin = headers.get("webhook-request-origin");
        match origin {
            Some(origin) if *method == Method::OPTIONS && self.handshakes.contains(&Handshake::CloudEvents) => {
                plain(origin.to_str().unwrap_or_default()).map(HandshakeAnswer::Allowed)
            }
            _ => Err(HandshakeError::NotSupported(*self)),
        }
    }
}

/// The value of a query's parameter, without escapes.
fn parameter(query: &str, name: &str) -> Option<String> {
    let address = Url::parse(&format!("http://x/?{query}")).ok()?;
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Only characters that neither a browser nor a log interprets.
fn plain(value: &str) -> Result<String, HandshakeError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=:,*".contains(c);
    match !value.is_empty() && value.len() <= ECHO_MAX && value.chars().all(fits) {
        true => Ok(value.to_owned()),
        false => Err(HandshakeError::NotPlain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Endpoint = Endpoint {
        handshakes: &[Handshake::Probe, Handshake::Echo("challenge"), Handshake::CloudEvents],
        ..Endpoint::USUAL
    };

    fn shake(
        endpoint: Endpoint,
        method: Method,
        query: &str,
        origin: Option<&str>,
    ) -> Result<HandshakeAnswer, HandshakeError> {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert("webhook-request-origin", origin.parse().unwrap());
        }
        endpoint.answer_handshake(&method, query, &headers)
    }

    #[test]
    fn a_handshake_is_answered_where_the_sender_makes_it() {
        assert_eq!(shake(ALL, Method::GET, "", None), Ok(HandshakeAnswer::Reachable));
        assert_eq!(shake(ALL, Method::HEAD, "challenge=x", None), Ok(HandshakeAnswer::Reachable));
        assert_eq!(shake(ALL, Method::GET, "a=b&challenge=a%2Bb%3D", None), Ok(HandshakeAnswer::Echo("a+b=".into())));
        let origin = "eventemitter.example.com";
        assert_eq!(shake(ALL, Method::OPTIONS, "", Some(origin)), Ok(HandshakeAnswer::Allowed(origin.into())));
        for (method, query, origin) in
            [(Method::OPTIONS, "", None), (Method::PUT, "challenge=x", None), (Method::DELETE, "", Some(origin))]
        {
            assert_eq!(shake(ALL, method, query, origin), Err(HandshakeError::NotSupported(ALL)));
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let refused = shake(Endpoint::USUAL, method, "challenge=x", Some(origin));
            assert_eq!(refused, Err(HandshakeError::NotSupported(Endpoint::USUAL)));
        }
        assert_eq!((ALL.allow().as_str(), Endpoint::USUAL.allow().as_str()), ("POST, GET, HEAD, OPTIONS", "POST"));
    }

    #[test]
    fn only_plain_values_are_given_back() {
        for value in ["", "%3Cscript%3E", "a%0d%0aSet-Cookie:x", "%22", "a%20b", "%E2%80%AE", &"x".repeat(ECHO_MAX + 1)]
        {
            let refused = shake(ALL, Method::GET, &format!("challenge={value}"), None);
            assert_eq!(refused, Err(HandshakeError::NotPlain), "{value}");
        }
        assert_eq!(shake(ALL, Method::OPTIONS, "", Some("<b>")), Err(HandshakeError::NotPlain));
    }
}
