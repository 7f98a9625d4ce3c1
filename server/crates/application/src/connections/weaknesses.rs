//! How far a source's proof can be trusted: what is refused in any case, and what an admin has to take in writing.

use anyhow::{Context, ensure};
use carriers::{Scheme, Settings};
use ipnet::IpNet;

/// Secrets of fewer characters can be guessed.
const SECRET_CHARACTERS: usize = 8;
/// So can those of fewer different ones.
const DIFFERENT_CHARACTERS: usize = 5;
/// The widest networks that still identify the sender.
const V4_PREFIX_MIN: u8 = 8;
const V6_PREFIX_MIN: u8 = 16;
/// So many of the widest together do still.
const WIDEST_MAX: u128 = 16;

/// Refuses what proves nothing at all.
///
/// # Errors
/// Says what, and what to do.
pub fn refuse_no_proof(scheme: Scheme, secret: &str, settings: &Settings) -> anyhow::Result<()> {
    let secret_of_ours = kept_secret(scheme, secret)?;
    if let Some(secret) = secret_of_ours {
        ensure!(
            different(secret) > 1,
            "the secret is one character, repeated: have the platform make one, or take 32 random letters and digits"
        );
    }
    networks(&settings.networks)
}

/// What has to be taken in writing (`--i-know`), each as a sentence. No secret is shown.
pub fn weaknesses(scheme: Scheme, secret: &str, settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    if !scheme.covers().body && settings.networks.is_empty() {
        found.push(format!(
            "{} does not cover the body: anybody who saw one message can send others; name the networks that it comes from \
             (--network)",
            scheme.name()
        ));
    }
    if let Ok(Some(secret)) = kept_secret(scheme, secret)
        && (secret.chars().count() < SECRET_CHARACTERS || different(secret) < DIFFERENT_CHARACTERS)
    {
        found.push(format!(
            "the secret can be guessed: take one of at least {SECRET_CHARACTERS} characters, {DIFFERENT_CHARACTERS} of them \
             different"
        ));
    }
    found
}

/// The secret part of a source's secret; none for public keys and networks.
///
/// # Errors
/// When there should be one, and is not.
pub(crate) fn kept_secret(scheme: Scheme, secret: &str) -> anyhow::Result<Option<&str>> {
    Ok(match scheme {
        Scheme::ShipengineRsa | Scheme::StandardWebhooksV1a | Scheme::IpAllowList => None,
        Scheme::Basic => {
            let (_, password) = secret.split_once(':').context("for basic the secret is USER:PASSWORD")?;
            ensure!(!password.is_empty(), "the password behind USER: is empty");
            Some(password)
        }
        Scheme::StandardWebhooks => Some(secret.strip_prefix("whsec_").unwrap_or(secret)),
        _ => Some(secret),
    })
}

fn different(secret: &str) -> usize {
    let mut characters: Vec<char> = secret.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters.len()
}

fn networks(networks: &[IpNet]) -> anyhow::Result<()> {
    let (mut v4, mut v6) = (0_u128, 0_u128);
    for network in networks {
        let (own, bits, prefix_min) = match network {
            IpNet::V4(_) => (&mut v4, 32, V4_PREFIX_MIN),
            IpNet::V6(inner) => {
                let mapped = inner.network().to_ipv4_mapped().is_some();
                ensure!(!mapped, "--network {network}: write IPv4 networks as IPv4, like 192.0.2.0/24");
                (&mut v6, 128, V6_PREFIX_MIN)
            }
        };
        ensure!(
            network.prefix_len() >= prefix_min,
            "--network {network} says nothing of who sends: name networks that the platform publishes, at most as wide as an \
             IPv4 /{V4_PREFIX_MIN} or an IPv6 /{V6_PREFIX_MIN}"
        );
        *own += 1_u128 << (bits - network.prefix_len());
    }
    ensure!(
        v4 <= WIDEST_MAX << (32 - V4_PREFIX_MIN) && v6 <= WIDEST_MAX << (128 - V6_PREFIX_MIN),
        "so many networks together say nothing of who sends: name those that the platform publishes"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(networks: &[&str]) -> Settings {
        Settings { networks: networks.iter().map(|n| n.parse().unwrap()).collect(), ..Settings::default() }
    }

    const GOOD: &str = "a secret of the tests";

    #[test]
    fn what_proves_nothing_is_refused() {
        for scheme in Scheme::ALL.iter().copied() {
            let public = matches!(scheme, Scheme::ShipengineRsa | Scheme::StandardWebhooksV1a | Scheme::IpAllowList);
            for secret in ["x", "xxxxxxxxxxxxxxxxxxxxxxxx", "u:0", "u:000000000000000000000000"] {
                let refused = refuse_no_proof(scheme, secret, &from(&["192.0.2.0/24"])).is_err();
                let one_letter = scheme == Scheme::Basic || !secret.contains(':');
                assert_eq!(refused, !public && one_letter, "{} {secret}", scheme.name());
            }
        }
        assert!(refuse_no_proof(Scheme::Basic, "no colon in this", &from(&[])).is_err());
        assert!(refuse_no_proof(Scheme::Basic, "user:", &from(&[])).is_err());
    }

    #[test]
    fn networks_that_are_everybody_are_refused() {
        let all: Vec<String> = (0..256).map(|n| format!("{n}.0.0.0/8")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        for wide in [
            &all[..],
            &["0.0.0.0/0"],
            &["::/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["10.0.0.0/7"],
            &["::/16", "0::/17", "2000::/3"],
            &["2000::/3"],
            &["2001::/15"],
            &["192.0.2.0/24", "::/0"],
            &["::ffff:0:0/96"],
            &["::ffff:192.0.2.0/120"],
        ] {
            assert!(refuse_no_proof(Scheme::IpAllowList, "", &from(wide)).is_err(), "{wide:?}");
            assert!(
                refuse_no_proof(Scheme::Bearer, GOOD, &from(wide)).is_err(),
                "a second lock that is none: {wide:?}"
            );
        }
        for narrow in [
            &["10.0.0.0/8", "203.0.113.0/24"][..],
            &["2001::/16"],
            &["192.0.2.7/32", "2001:db8::/32"],
            &["52.1.0.0/16", "52.2.0.0/16"],
        ] {
            assert!(refuse_no_proof(Scheme::IpAllowList, "", &from(narrow)).is_ok(), "{narrow:?}");
        }
    }

    #[test]
    fn weaknesses_are_reported() {
        let count = |scheme: Scheme, secret: &str, networks: &[&str]| weaknesses(scheme, secret, &from(networks)).len();
        for scheme in Scheme::ALL.iter().copied() {
            let secret = format!("user:{GOOD}");
            let open = usize::from(!scheme.covers().body);
            assert_eq!(count(scheme, &secret, &[]), open, "{}", scheme.name());
            assert_eq!(count(scheme, &secret, &["192.0.2.0/24"]), 0, "{}", scheme.name());
        }
        for guessed in ["x", "7 signs", "abababababababababab"] {
            assert_eq!(count(Scheme::HmacHex, guessed, &[]), 1, "{guessed}");
        }
        assert_eq!(count(Scheme::Basic, "a long name of a user:short", &["192.0.2.0/24"]), 1);
        assert_eq!(count(Scheme::StandardWebhooks, "whsec_c2hv", &[]), 1);
        assert_eq!(count(Scheme::Trackingmore, GOOD, &[]), 1);
    }
}
