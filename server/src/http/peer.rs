//! Who is connected: the address of the connection, or what a trusted reverse proxy says of it.

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The sender's address; none where the connection's is not known. A proxy's header counts only as far as trusted
/// proxies wrote it: the last address in it that is not one of theirs.
pub fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_proxy(&connected) {
        return Some(connected);
    }
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
    let mut sender = connected;
    for word in lines.iter().flat_map(|line| line.split(',')).rev() {
        let Ok(address) = word.trim().parse::<IpAddr>() else { break };
        sender = address.to_canonical();
        if !is_proxy(&sender) {
            break;
        }
    }
    Some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn asked(connected: &str, forwarded: &[&'static str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(connected.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        of(&extensions, &headers, &["10.0.0.0/8".parse().unwrap()]).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(asked("192.0.2.1", &["198.51.100.7"]), "192.0.2.1", "anybody can write the header");
        assert_eq!(asked("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            asked("10.0.0.1", &["203.0.113.9, 198.51.100.7", "10.0.0.2"]),
            "198.51.100.7",
            "the rest is invented"
        );
        assert_eq!(asked("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(asked("::ffff:10.0.0.1", &[]), "10.0.0.1");
    }
}
