//! How senders want to be answered: the status that they take for success, and what some of them ask before they send.

use http::{HeaderMap, Method};
use outbound::Url;

/// How a sender wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The status that says that a message is kept: 202, or 200 for senders that take nothing else for success.
    pub accepted: u16,
    /// What is asked of the address before anything is sent to it.
    pub handshakes: &'static [Handshake],
    /// A signed time may differ so much from now, in minutes.
    pub tolerance_minutes: i64,
}

impl Door {
    /// 202, no questions.
    pub const USUAL: Self = Self { accepted: 202, handshakes: &[], tolerance_minutes: 5 };
    /// The same for a sender that takes nothing but 200, or may.
    pub const ONLY_OK: Self = Self { accepted: 200, ..Self::USUAL };
}

/// A question that some senders ask of an address before they send anything to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// A look whether somebody is there: GET or HEAD, answered with 200 and nothing else.
    Look,
    /// GET with a parameter of this name, whose value is the answer.
    Echo(&'static str),
    /// CloudEvents, HTTP 1.1 Web Hooks for Event Delivery, section 4: OPTIONS with `WebHook-Request-Origin`.
    CloudEvents,
}

/// What a question is answered with. No message is acknowledged by any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Somebody is there.
    Here,
    /// The value that was asked back.
    Echo(String),
    /// The origin may send, at whatever rate.
    Allowed(String),
}

/// Why a question is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGreeting {
    /// The sender asks no such question.
    #[error("this source takes messages by {}", .0.allow())]
    NotAsked(Door),
    /// What should be given back is no plain value.
    #[error(
        "the value to give back is empty, longer than 512 characters, or has others than letters, digits and - . _ ~ + / = : , *"
    )]
    NotPlain,
}

/// The longest value that is given back.
const ECHO_MAX: usize = 512;

impl Door {
    /// The methods that are answered, as the header `Allow` lists them.
    pub fn allow(&self) -> String {
        let asks = |wanted: fn(&Handshake) -> bool| self.handshakes.iter().any(wanted);
        let look = asks(|h| *h == Handshake::Look);
        let methods = [
            ("POST", true),
            ("GET", look || asks(|h| matches!(h, Handshake::Echo(_)))),
            ("HEAD", look),
            ("OPTIONS", asks(|h| *h == Handshake::CloudEvents)),
        ];
        methods.iter().filter(|(_, answered)| *answered).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// When the sender asks no such question, or what it wants back cannot be given.
    pub fn greet(&self, method: &Method, query: &str, headers: &HeaderMap) -> Result<Greeting, NoGreeting> {
        let get = *method == Method::GET;
        let echo = self.handshakes.iter().find_map(|handshake| match handshake {
            Handshake::Echo(name) if get => parameter(query, name),
            _ => None,
        });
        if let Some(value) = echo {
            return plain(&value).map(Greeting::Echo);
        }
        let look = self.handshakes.contains(&Handshake::Look);
        if look && (get || *method == Method::HEAD) {
            return Ok(Greeting::Here);
        }
        let origin = headers.get("webhook-request-origin");
        match origin {
            Some(origin) if *method == Method::OPTIONS && self.handshakes.contains(&Handshake::CloudEvents) => {
                plain(origin.to_str().unwrap_or_default()).map(Greeting::Allowed)
            }
            _ => Err(NoGreeting::NotAsked(*self)),
        }
    }
}

/// The value of a query's parameter, without escapes.
fn parameter(query: &str, name: &str) -> Option<String> {
    let address = Url::parse(&format!("http://x/?{query}")).ok()?;
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Nothing that a browser or a log could take for more than a value.
fn plain(value: &str) -> Result<String, NoGreeting> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=:,*".contains(c);
    match !value.is_empty() && value.len() <= ECHO_MAX && value.chars().all(fits) {
        true => Ok(value.to_owned()),
        false => Err(NoGreeting::NotPlain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Door =
        Door { handshakes: &[Handshake::Look, Handshake::Echo("challenge"), Handshake::CloudEvents], ..Door::USUAL };

    fn asked(door: Door, method: Method, query: &str, origin: Option<&str>) -> Result<Greeting, NoGreeting> {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert("webhook-request-origin", origin.parse().unwrap());
        }
        door.greet(&method, query, &headers)
    }

    #[test]
    fn questions_are_answered_where_the_sender_asks_them() {
        assert_eq!(asked(ALL, Method::GET, "", None), Ok(Greeting::Here));
        assert_eq!(asked(ALL, Method::HEAD, "challenge=x", None), Ok(Greeting::Here));
        assert_eq!(asked(ALL, Method::GET, "a=b&challenge=a%2Bb%3D", None), Ok(Greeting::Echo("a+b=".into())));
        let origin = "eventemitter.example.com";
        assert_eq!(asked(ALL, Method::OPTIONS, "", Some(origin)), Ok(Greeting::Allowed(origin.into())));
        for (method, query, origin) in
            [(Method::OPTIONS, "", None), (Method::PUT, "challenge=x", None), (Method::DELETE, "", Some(origin))]
        {
            assert_eq!(asked(ALL, method, query, origin), Err(NoGreeting::NotAsked(ALL)));
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let refused = asked(Door::USUAL, method, "challenge=x", Some(origin));
            assert_eq!(refused, Err(NoGreeting::NotAsked(Door::USUAL)));
        }
        assert_eq!((ALL.allow().as_str(), Door::USUAL.allow().as_str()), ("POST, GET, HEAD, OPTIONS", "POST"));
    }

    #[test]
    fn only_plain_values_are_given_back() {
        for value in ["", "%3Cscript%3E", "a%0d%0aSet-Cookie:x", "%22", "a%20b", "%E2%80%AE", &"x".repeat(ECHO_MAX + 1)]
        {
            let refused = asked(ALL, Method::GET, &format!("challenge={value}"), None);
            assert_eq!(refused, Err(NoGreeting::NotPlain), "{value}");
        }
        assert_eq!(asked(ALL, Method::OPTIONS, "", Some("<b>")), Err(NoGreeting::NotPlain));
    }
}
