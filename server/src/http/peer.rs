//! Who is connected: the address of the connection, or what a trusted reverse proxy says of it.
//!
//! Each proxy adds the address that it sees at the end of `X-Forwarded-For` or of `Forwarded` (RFC 7239). Read from there,
//! the sender is the first address that is not a trusted proxy's; whatever stands before it anybody may have invented.
//! What cannot be read is nobody's address, and neither are two headers that name two senders: a proxy that writes one of
//! them passes on the other as it came.

use crate::tower::Tower;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderName, header::FORWARDED},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// An address that cannot be read is said at most so often.
const SAID_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// The setting that says when an address could last not be read.
const SETTING: &str = "door.unreadable_address";
/// Senders whose address is not known count together under this name.
const NOBODY: &str = "unreadable";

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// From this address.
    Known(IpAddr),
    /// A trusted proxy says it in a way that cannot be read.
    Unreadable(Unreadable),
    /// The connection has no address.
    NotConnected,
}

/// Why a sender's address cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No address where one should be.
    #[error(
        "the reverse proxy's {0} holds no address: have it write the sender's address there, as 192.0.2.1 or [2001:db8::1]:443"
    )]
    NoAddress(&'static str),
    /// Two headers, two senders.
    #[error(
        "X-Forwarded-For and Forwarded name two different senders: have the reverse proxy remove the one that it does not write"
    )]
    TwoSenders,
}

/// The sender's address; none where it is not known.
pub fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    match sender(extensions, headers, trusted) {
        Sender::Known(address) => Some(address),
        Sender::Unreadable(_) | Sender::NotConnected => None,
    }
}

/// The name under which a sender's requests are counted: an IPv6 sender has a whole /64.
pub fn counted(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// The same for a request. Those whose address is not known count together.
pub fn counted_of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> String {
    of(extensions, headers, trusted).map_or_else(|| NOBODY.to_owned(), counted)
}

/// Who a request comes from. What headers say counts only as far as trusted proxies wrote it.
pub fn sender(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Sender {
    let Some(ConnectInfo(connected)) = extensions.get::<ConnectInfo<SocketAddr>>() else { return Sender::NotConnected };
    let connected = connected.ip().to_canonical();
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_proxy(&connected) {
        return Sender::Known(connected);
    }
    let read = |name: HeaderName, shown: &'static str, address: fn(&str) -> Option<IpAddr>| {
        let mut found = None;
        for element in elements(headers, &name).ok_or(Unreadable::NoAddress(shown))?.iter().rev() {
            let address = address(element).ok_or(Unreadable::NoAddress(shown))?;
            found = Some(address);
            if !is_proxy(&address) {
                break;
            }
        }
        Ok(found)
    };
    let old = read(X_FORWARDED_FOR, "X-Forwarded-For", node);
    let new = read(FORWARDED, "Forwarded", forwarded_for);
    match (old, new) {
        (Ok(None), Ok(None)) => Sender::Known(connected),
        (Ok(Some(address)), Ok(None)) | (Ok(None), Ok(Some(address))) => Sender::Known(address),
        (Ok(Some(one)), Ok(Some(other))) if one == other => Sender::Known(one),
        (Ok(Some(_)), Ok(Some(_))) => Sender::Unreadable(Unreadable::TwoSenders),
        (Err(why), _) | (_, Err(why)) => Sender::Unreadable(why),
    }
}

/// The elements of a list that may go over several headers; none where it is no text. Commas in quotes divide nothing.
fn elements(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for line in headers.get_all(name) {
        found.extend(split(line.to_str().ok()?, ','));
    }
    // empty elements of a list mean nothing (RFC 9110, 5.6.1)
    Some(found.into_iter().map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect())
}

fn split(text: &str, by: char) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if quoted || c != by => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

/// Whom an element of `Forwarded` is for.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').into_iter();
    pairs.find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value))
    })?
}

/// An address with or without port, quotes and brackets: `192.0.2.1:4711`, `[2001:db8::1]`, `"[2001:db8::1]:4711"`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).replace('\\', "");
    let (address, rest) = match bare.strip_prefix('[') {
        Some(inner) => {
            let (address, rest) = inner.split_once(']')?;
            (IpAddr::V6(address.parse().ok()?), rest)
        }
        None => match bare.parse() {
            Ok(address) => (address, ""),
            Err(_) => {
                let at = bare.find(':')?;
                (IpAddr::V4(bare[..at].parse().ok()?), &bare[at..])
            }
        },
    };
    let port = |port: &str| {
        !port.is_empty() && port.strip_prefix('_').is_some_and(|p| !p.is_empty()) || port.parse::<u16>().is_ok()
    };
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(port)).then(|| address.to_canonical())
}

/// When an address could last not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUnreadable {
    /// When.
    pub at: Timestamp,
    /// Why, and what to do.
    pub why: String,
}

/// When an address could last not be read.
///
/// # Errors
/// When the store fails.
pub async fn last_unreadable(tower: &Tower) -> storage::Result<Option<LastUnreadable>> {
    let kept = tower.store.people.setting(tower.scope(), SETTING).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
}

/// What watches for addresses that cannot be read.
#[derive(Clone)]
pub struct Watch {
    tower: Arc<Tower>,
    said: Arc<Mutex<Option<Timestamp>>>,
}

impl Watch {
    /// Nothing was said yet.
    pub fn new(tower: Arc<Tower>) -> Self {
        Self { tower, said: Arc::default() }
    }

    /// Whether it is time to say something.
    fn due(&self, now: Timestamp) -> bool {
        let mut said = self.said.lock().expect("no panic while held");
        let due = said.is_none_or(|last| !(SignedDuration::ZERO..SAID_EVERY).contains(&now.duration_since(last)));
        if due {
            *said = Some(now);
        }
        due
    }
}

/// Says in the log, and to `milepost doctor`, that the reverse proxy's word on a sender cannot be read.
pub async fn watch(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let tower = &watch.tower;
    let now = tower.now();
    if let Sender::Unreadable(why) = sender(request.extensions(), request.headers(), &tower.config.trusted_proxies)
        && watch.due(now)
    {
        metrics::counter!("milepost_unreadable_addresses_total").increment(1);
        tracing::error!("a sender's address: {why}");
        let last = serde_json::json!({ "at": now, "why": why.to_string() }).to_string();
        if let Err(error) = tower.store.people.put_setting(tower.scope(), SETTING, last).await {
            tracing::warn!("doctor will not know of it: {error}");
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn asked(connected: &str, headers: &[(&'static str, &'static [u8])]) -> Sender {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(connected.parse().unwrap(), 1)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        sender(&extensions, &map, &["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    fn known(address: &str) -> Sender {
        Sender::Known(address.parse().unwrap())
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(asked("192.0.2.1", &[(XFF, b"198.51.100.7")]), known("192.0.2.1"), "anybody can write the header");
        assert_eq!(asked("192.0.2.1", &[(XFF, b"nonsense")]), known("192.0.2.1"));
        let invented: &[(&str, &[u8])] = &[(XFF, b"203.0.113.9, nonsense, 198.51.100.7"), (XFF, b"10.0.0.2")];
        assert_eq!(asked("10.0.0.1", invented), known("198.51.100.7"), "the rest is invented");
        assert_eq!(asked("::ffff:10.0.0.1", &[]), known("10.0.0.1"), "the proxy itself");
        assert_eq!(asked("10.0.0.1", &[(XFF, b"10.0.0.3, 10.0.0.2")]), known("10.0.0.3"), "proxies only");
        assert_eq!(sender(&Extensions::new(), &HeaderMap::new(), &[]), Sender::NotConnected);
    }

    #[test]
    fn every_way_of_writing_an_address_is_read() {
        for (value, address) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:5678", "198.51.100.7"),
            (" \"198.51.100.7:5678\" ", "198.51.100.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:_port\"", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
            (",, 198.51.100.7 ,", "198.51.100.7"),
            ("198.51.100.7, [fd00::2]:80", "198.51.100.7"),
        ] {
            assert_eq!(asked("10.0.0.1", &[(XFF, value.as_bytes())]), known(address), "{value}");
        }
        for (value, address) in [
            ("for=198.51.100.7", "198.51.100.7"),
            ("For=\"[2001:db8::1]:4711\";proto=https", "2001:db8::1"),
            ("proto=http; by=203.0.113.43 ; FOR = 198.51.100.7:80", "198.51.100.7"),
            ("for=unknown, for=198.51.100.7;host=\"a,b;c\", for=10.0.0.2", "198.51.100.7"),
            ("for=\"198\\.51.100.7\"", "198.51.100.7"),
        ] {
            assert_eq!(asked("10.0.0.1", &[("forwarded", value.as_bytes())]), known(address), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_nobodys_address() {
        for value in [
            "nonsense",
            "unknown",
            "_hidden",
            "198.51.100",
            "198.51.100.7:",
            "198.51.100.7:http",
            "198.51.100.7:99999",
            "[2001:db8::1",
            "[2001:db8::1]443",
            "2001:db8::1]:443",
            "[198.51.100.7]",
            "198.51.100.7, unknown",
            "198.51.100.7, nonsense, 10.0.0.2",
        ] {
            let refused = Sender::Unreadable(Unreadable::NoAddress("X-Forwarded-For"));
            assert_eq!(asked("10.0.0.1", &[(XFF, value.as_bytes())]), refused, "{value}");
        }
        for value in ["for=unknown", "for=_x", "proto=https", "198.51.100.7", "for=\"[2001:db8::1\"", "for="] {
            let refused = Sender::Unreadable(Unreadable::NoAddress("Forwarded"));
            assert_eq!(asked("10.0.0.1", &[("forwarded", value.as_bytes())]), refused, "{value}");
        }
        let no_text = asked("10.0.0.1", &[(XFF, b"198.51.100.7"), (XFF, b"\xff")]);
        assert_eq!(no_text, Sender::Unreadable(Unreadable::NoAddress("X-Forwarded-For")));
    }

    #[test]
    fn two_headers_have_to_agree() {
        let both = |forwarded: &'static [u8]| asked("10.0.0.1", &[(XFF, b"198.51.100.7:80"), ("forwarded", forwarded)]);
        assert_eq!(both(b"for=\"198.51.100.7\""), known("198.51.100.7"));
        assert_eq!(
            both(b"for=203.0.113.9"),
            Sender::Unreadable(Unreadable::TwoSenders),
            "one is as the sender wrote it"
        );
        assert_eq!(both(b"for=unknown"), Sender::Unreadable(Unreadable::NoAddress("Forwarded")));
    }

    #[test]
    fn an_ipv6_sender_counts_once() {
        let counted = |address: &str| counted(address.parse().unwrap());
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(counted("2001:db8:1:2::9"), counted("2001:db8:1:2:ffff::1"));
        assert_ne!(counted("2001:db8:1:2::9"), counted("2001:db8:1:3::9"));
        assert_eq!(counted("::ffff:198.51.100.7"), "198.51.100.7");
        let mut headers = HeaderMap::new();
        headers.insert(XFF, HeaderValue::from_static("unknown"));
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1))));
        assert_eq!(counted_of(&extensions, &headers, &["10.0.0.0/8".parse().unwrap()]), "unreadable");
    }
}
