//! Who is connected: the address of the connection, or what a trusted reverse proxy says of it.
//!
//! Each proxy adds the address that it sees at the end of `X-Forwarded-For`, or of `Forwarded` (RFC 7239): the one that the
//! configuration names, else the first of them that is there. Read from its end, the sender is the first address that is not
//! a trusted proxy's; whatever stands before it anybody may have invented, and nothing in it changes how the rest is read.

use super::Front;
use crate::config::{ForwardedHeader, Proxies};
use application::context::Context;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, header::FORWARDED},
    middleware::Next,
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// An address that cannot be read is said at most so often.
const SAID_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// The setting that says when an address could last not be read.
const SETTING: &str = "ingest.unreadable_address";
/// Senders whose address is not known count together under this name.
const NOBODY: &str = "unreadable";

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// From this address.
    Known(IpAddr),
    /// A trusted proxy says it in a way that cannot be read.
    Unreadable,
    /// The connection has no address.
    NotConnected,
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::XForwardedFor => Self::Forwarded,
            Self::Forwarded => Self::XForwardedFor,
        }
    }
}

impl fmt::Display for ForwardedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        })
    }
}

/// What is wrong with what a reverse proxy writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// No address where one should be: it is nobody's.
    #[error(
        "the reverse proxy's {0} holds no address: have it write the sender's address there, as 192.0.2.1 or [2001:db8::1]:443"
    )]
    NoAddress(ForwardedHeader),
    /// It writes the header that is not looked at: the sender counts as the proxy.
    #[error("the reverse proxy does not write {0} but another header: have it write {0}, or set --forwarded-header")]
    OtherHeader(ForwardedHeader),
}

/// The sender's address; none where it is not known.
pub fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> Option<IpAddr> {
    match sender(extensions, headers, proxies) {
        Sender::Known(address) => Some(address),
        Sender::Unreadable | Sender::NotConnected => None,
    }
}

/// The same for logs: where it is not known, the connection's address is beside that.
pub fn shown(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> String {
    match (of(extensions, headers, proxies), connected(extensions)) {
        (Some(address), _) => address.to_string(),
        (None, Some(connected)) => format!("unknown, by way of {connected}"),
        (None, None) => "unknown".to_owned(),
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
pub fn counted_of(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> String {
    of(extensions, headers, proxies).map_or_else(|| NOBODY.to_owned(), counted)
}

/// Who a request comes from. What headers say counts only as far as trusted proxies wrote it.
pub fn sender(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> Sender {
    let Some(connected) = connected(extensions) else { return Sender::NotConnected };
    let mut found = connected;
    let header = proxies.header_of(headers);
    // the address in each element was written by the proxy before it
    for element in Elements::of(headers, header) {
        if !proxies.are(found) {
            break;
        }
        let element = String::from_utf8_lossy(element);
        let address = match header {
            ForwardedHeader::XForwardedFor => node(&element),
            ForwardedHeader::Forwarded => forwarded_for(&element),
        };
        match address {
            Some(address) => found = address,
            None => return Sender::Unreadable,
        }
    }
    Sender::Known(found)
}

fn connected(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// What is wrong with what a trusted proxy says of a request's sender.
fn fault(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> Option<Fault> {
    let header = proxies.header_of(headers);
    if sender(extensions, headers, proxies) == Sender::Unreadable {
        return Some(Fault::NoAddress(header));
    }
    let from_proxy = connected(extensions).is_some_and(|connected| proxies.are(connected));
    let other = from_proxy && !headers.contains_key(header.name()) && headers.contains_key(header.other().name());
    other.then_some(Fault::OtherHeader(header))
}

impl Proxies {
    /// Whether this is one of them.
    pub fn are(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The header that counts in a request.
    fn header_of(&self, headers: &HeaderMap) -> ForwardedHeader {
        let only_new = headers.contains_key(FORWARDED) && !headers.contains_key(X_FORWARDED_FOR);
        let found = if only_new { ForwardedHeader::Forwarded } else { ForwardedHeader::XForwardedFor };
        self.header.unwrap_or(found)
    }
}

/// The elements of a list that may go over several headers, the last one first.
struct Elements<'a> {
    lines: Vec<&'a [u8]>,
    quotes: bool,
}

impl<'a> Elements<'a> {
    fn of(headers: &'a HeaderMap, header: ForwardedHeader) -> Self {
        let lines = headers.get_all(header.name()).iter().map(HeaderValue::as_bytes).collect();
        Self { lines, quotes: header == ForwardedHeader::Forwarded }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while let Some(line) = self.lines.pop() {
            let element = match last_comma(line, self.quotes) {
                None => line,
                Some(at) => {
                    self.lines.push(&line[..at]);
                    &line[at + 1..]
                }
            };
            // empty elements of a list mean nothing (RFC 9110, 5.6.1)
            if !element.trim_ascii().is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// Where the last element of a list begins. Only what stands behind can say whether a comma is quoted: a quote that
/// somebody else opened before it closes nothing.
fn last_comma(line: &[u8], quotes: bool) -> Option<usize> {
    let mut quoted = false;
    (0..line.len()).rev().find(|&at| {
        let escaped = || line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        if quotes && line[at] == b'"' && !(quoted && escaped()) {
            quoted = !quoted;
        }
        line[at] == b',' && !quoted
    })
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

/// When a reverse proxy was last not understood, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFault {
    /// When.
    pub at: Timestamp,
    /// The connection's address.
    pub from: IpAddr,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for LastFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:.0}, by way of {}: {}", self.at, self.from, self.fault)
    }
}

/// When a reverse proxy was last not understood.
///
/// # Errors
/// When the store fails.
pub async fn last_fault(context: &Context) -> storage::Result<Option<LastFault>> {
    let kept = context.store.people.setting(context.scope(), SETTING).await?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
}

/// What watches for addresses that cannot be read.
#[derive(Clone)]
pub struct Watch {
    front: Front,
    said: Arc<Mutex<Option<Timestamp>>>,
}

impl Watch {
    /// Nothing was said yet.
    pub fn new(front: Front) -> Self {
        Self { front, said: Arc::default() }
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

/// Says in the log, and to `milepost doctor`, that the reverse proxy's word on a sender is not understood.
pub async fn watch(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let Front { context, config } = &watch.front;
    let now = context.now();
    if let Some(fault) = fault(request.extensions(), request.headers(), &config.proxies)
        && let Some(from) = connected(request.extensions())
        && watch.due(now)
    {
        metrics::counter!("milepost_unreadable_addresses_total").increment(1);
        match fault {
            Fault::NoAddress(_) => tracing::error!("a sender's address, by way of {from}: {fault}"),
            Fault::OtherHeader(_) => tracing::warn!("a sender's address, by way of {from}: {fault}"),
        }
        let reported = serde_json::to_string(&LastFault { at: now, from, fault }).unwrap_or_default();
        if let Err(error) = context.store.people.put_setting(context.scope(), SETTING, reported).await {
            tracing::warn!("doctor will not know of it: {error}");
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'a> = &'a [(&'static str, &'a [u8])];

    fn request(connected: &str, headers: Headers<'_>) -> (Extensions, HeaderMap) {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(connected.parse().unwrap(), 1)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        (extensions, map)
    }

    fn proxies(header: Option<ForwardedHeader>) -> Proxies {
        Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()], header }
    }

    fn asked(connected: &str, headers: Headers<'_>) -> Sender {
        let (extensions, map) = request(connected, headers);
        sender(&extensions, &map, &proxies(None))
    }

    fn known(address: &str) -> Sender {
        Sender::Known(address.parse().unwrap())
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(asked("192.0.2.1", &[(XFF, b"198.51.100.7")]), known("192.0.2.1"), "anybody can write the header");
        assert_eq!(asked("192.0.2.1", &[(XFF, b"nonsense")]), known("192.0.2.1"));
        let invented: Headers<'_> = &[(XFF, b"203.0.113.9, nonsense, 198.51.100.7"), (XFF, b"10.0.0.2")];
        assert_eq!(asked("10.0.0.1", invented), known("198.51.100.7"), "the rest is invented");
        assert_eq!(asked("::ffff:10.0.0.1", &[]), known("10.0.0.1"), "the proxy itself");
        assert_eq!(asked("10.0.0.1", &[(XFF, b"10.0.0.3, 10.0.0.2")]), known("10.0.0.3"), "proxies only");
        let both: Headers<'_> = &[("forwarded", b"for=203.0.113.9"), (XFF, b"198.51.100.7")];
        assert_eq!(asked("10.0.0.1", both), known("198.51.100.7"), "the proxy passes on what it does not write");
        assert_eq!(sender(&Extensions::new(), &HeaderMap::new(), &Proxies::default()), Sender::NotConnected);
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
            assert_eq!(asked("10.0.0.1", &[(XFF, value.as_bytes())]), Sender::Unreadable, "{value}");
        }
        for value in ["for=unknown", "for=_x", "proto=https", "198.51.100.7", "for=\"[2001:db8::1\"", "for="] {
            assert_eq!(asked("10.0.0.1", &[("forwarded", value.as_bytes())]), Sender::Unreadable, "{value}");
        }
        assert_eq!(asked("10.0.0.1", &[(XFF, b"198.51.100.7"), (XFF, b"\xff")]), Sender::Unreadable);
    }

    /// Whatever somebody sends stands before what the proxy adds, in the same header or in one before it.
    #[test]
    fn nobody_hides_behind_what_he_writes_himself() {
        let invented: &[&[u8]] = &[
            b"\"",
            b"\"\"\"",
            b"\\",
            b"\\\"",
            b"\"\\",
            b"for=\"",
            b"for=\"\\",
            b"for=\"203.0.113.9",
            b"\xff\xfe",
            b"unknown",
            b"_hidden;\"",
            b",,\",",
            b"for=203.0.113.9",
            b"203.0.113.9",
            b"for=\"[2001:db8::9]:1\", for=\"x,\\\"",
            b"",
        ];
        for (name, added) in [
            (XFF, "198.51.100.7"),
            (XFF, "198.51.100.7:4711"),
            (XFF, "198.51.100.7, 10.0.0.2"),
            ("forwarded", "for=198.51.100.7"),
            ("forwarded", "for=\"198.51.100.7:4711\";host=\"a,b\\\",for=203.0.113.9;\\\\\";by=10.0.0.1"),
            ("forwarded", "host=\"\\\"\";for=198.51.100.7, for=10.0.0.2;host=\",\\\\\""),
        ] {
            for sent in invented {
                let one = [sent, &b", "[..], added.as_bytes()].concat();
                let other = if name == XFF { "forwarded" } else { XFF };
                let ways: [Headers<'_>; 3] = [
                    &[(name, &one)],
                    &[(name, sent), (name, added.as_bytes())],
                    &[(name, &one), (other, sent), (other, b"for=203.0.113.9")],
                ];
                for way in ways {
                    let (extensions, map) = request("10.0.0.1", way);
                    let header = if name == XFF { None } else { Some(ForwardedHeader::Forwarded) };
                    let sender = sender(&extensions, &map, &proxies(header));
                    assert_eq!(sender, known("198.51.100.7"), "{}", String::from_utf8_lossy(&one));
                }
            }
        }
    }

    #[test]
    fn a_proxy_that_writes_the_other_header_is_told_of() {
        for (header, name, other) in
            [(ForwardedHeader::XForwardedFor, XFF, "forwarded"), (ForwardedHeader::Forwarded, "forwarded", XFF)]
        {
            let asked = |connected: &str, headers: Headers<'_>| {
                let (extensions, map) = request(connected, headers);
                (sender(&extensions, &map, &proxies(Some(header))), fault(&extensions, &map, &proxies(Some(header))))
            };
            let right: &[u8] = if name == XFF { b"198.51.100.7" } else { b"for=198.51.100.7" };
            let reported = asked("10.0.0.1", &[(other, right)]);
            assert_eq!(reported, (known("10.0.0.1"), Some(Fault::OtherHeader(header))));
            assert_eq!(asked("10.0.0.1", &[(name, right), (other, b"\"")]), (known("198.51.100.7"), None));
            assert_eq!(asked("10.0.0.1", &[]), (known("10.0.0.1"), None));
            assert_eq!(asked("192.0.2.1", &[(other, right)]), (known("192.0.2.1"), None));
            let last = LastFault {
                at: Timestamp::new(1_772_359_200, 123_456_789).unwrap(),
                from: "10.0.0.1".parse().unwrap(),
                fault: Fault::OtherHeader(header),
            };
            assert!(last.to_string().starts_with("at 2026-03-01T10:00:00Z, by way of 10.0.0.1: "), "{last}");
            let unreadable = asked("10.0.0.1", &[(name, b"unknown")]);
            assert_eq!(unreadable, (Sender::Unreadable, Some(Fault::NoAddress(header))));
        }
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
        let proxies = proxies(Some(ForwardedHeader::XForwardedFor));
        assert_eq!(counted_of(&extensions, &headers, &proxies), "unreadable");
        assert_eq!(shown(&extensions, &headers, &proxies), "unknown, by way of 10.0.0.1");
    }
}
