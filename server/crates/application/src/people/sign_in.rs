//! Signing in. Wrong tries make the next ones slow and lock nobody out: a try is counted in the statement that asks for it,
//! by login and address together, and by login and network. A person elsewhere is not concerned by it: what is beyond the
//! usual number of a login or an address in all waits for its turn in the slow lane.

use super::passwords;
use crate::keys::sealed_audit;
use crate::{context::Context, error::UseCaseError};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;
use storage::{
    Actor, Scope,
    people::{Pace, Try, UserRecord},
};

/// Tries of one login from one address: five are free, then one waits 2 s, 4 s, 8 s … 5 minutes.
const PAIR: Pace = Pace { free: 5, longest: SignedDuration::from_mins(5), window: SignedDuration::from_hours(1) };
/// Tries of one login from one network, from addresses from which it never signed in: one person can have very many addresses.
const NETWORK: Pace = Pace { free: 50, longest: SignedDuration::from_secs(5), window: SignedDuration::from_hours(1) };
/// Bits of an address that are one network: IPv4, IPv6.
const NETWORK_BITS: (u8, u8) = (16, 48);
/// Tries of one login from all addresses from which it never signed in; more go through the slow lane.
const LOGIN: Pace = Pace { free: 50, longest: SignedDuration::from_secs(5), window: SignedDuration::from_hours(1) };
/// Tries from one address with logins that never signed in there; more go through the slow lane.
const ADDRESS: Pace = Pace { free: 200, longest: SignedDuration::from_secs(2), window: SignedDuration::from_hours(1) };
/// For how long it is remembered that a login signed in from an address.
const KNOWN: Pace = Pace { free: u32::MAX, longest: SignedDuration::ZERO, window: SignedDuration::from_hours(30 * 24) };
/// Lines about refused sign-ins in the audit trail: a client that tries many logins does not fill it.
const LINES: Pace = Pace { free: 200, longest: SignedDuration::from_mins(1), window: SignedDuration::from_hours(1) };

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address, for the log and the audit trail.
    pub address: String,
    /// As what it counts: of IPv6 the network.
    pub counted: String,
}

/// Why a sign-in is refused. The same words for an unknown login and a wrong password.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong.
    #[error("login or password is not right")]
    Wrong,
    /// Too many tries.
    #[error("too many tries; wait {0} seconds")]
    Throttled(u64),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for SignInError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// Under what a try is counted.
struct Keys {
    login: String,
    address: String,
    pair: String,
    of_network: String,
    known: String,
    /// The network as it is; in the slow lane it has one place.
    network: String,
}

/// The network of what counts as an address.
fn network_of(counted: &str) -> String {
    let address = counted.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
    let network = address.and_then(|address| {
        let bits = if address.is_ipv4() { NETWORK_BITS.0 } else { NETWORK_BITS.1 };
        IpNet::new(address, bits).ok()
    });
    network.map_or_else(|| counted.to_owned(), |network| network.trunc().to_string())
}

impl Keys {
    fn of(context: &Context, login: &str, origin: &Origin) -> Self {
        let pair = format!("{}\0{login}", origin.counted);
        let network = network_of(&origin.counted);
        Self {
            login: context.vault.token("throttle.login", login),
            address: context.vault.token("throttle.address", &origin.counted),
            pair: context.vault.token("throttle.pair", &pair),
            of_network: context.vault.token("throttle.network", &format!("{network}\0{login}")),
            known: context.vault.token("signed.in", &pair),
            network,
        }
    }
}

/// A try that may be made.
struct Admitted {
    /// Tries of this login from this address, with this one.
    count: u32,
    /// Under which keys it was counted, and as which one; that of login and address first.
    counted: Vec<(String, u32)>,
    /// Whether it is beyond the usual number.
    slow: bool,
}

/// Checks login and password.
///
/// # Errors
/// When either is wrong, when it is too soon after wrong tries, or when too many sign in at once.
pub async fn sign_in(
    context: &Context,
    login: &str,
    password: &str,
    origin: &Origin,
) -> Result<UserRecord, SignInError> {
    let login = login.trim().to_lowercase();
    let keys = Keys::of(context, &login, origin);
    let now = context.now();
    let people = &context.store.people;
    let admitted = admit(context, &keys, now).await?;
    let user = people.user_by_login(&login).await?;
    // an unknown login costs as much time as a wrong password
    let kept = user.as_ref().filter(|user| user.enabled).map_or(passwords::DUMMY_HASH, |user| user.password.as_str());
    let right = match verify(context, kept.to_owned(), password, Some(&keys.network).filter(|_| admitted.slow)).await {
        Ok(right) => right,
        Err(error) => {
            // nothing was tried
            forgive(context, &admitted.counted, now).await?;
            return Err(error.into());
        }
    };
    match user.as_ref().filter(|user| user.enabled && right) {
        Some(user) => {
            succeeded(context, user, &keys, &admitted.counted, now).await?;
            Ok(user.clone())
        }
        None => {
            failed(context, user.as_ref(), &keys, origin, admitted.count).await?;
            Err(SignInError::Wrong)
        }
    }
}

/// Checks the password, of what is beyond the usual number in the slow lane.
async fn verify(context: &Context, kept: String, password: &str, slow: Option<&String>) -> Result<bool, UseCaseError> {
    let turn = match slow {
        Some(network) => Some(context.slow_lane.turn(network).await?),
        None => None,
    };
    passwords::verify(context, kept, password, turn).await
}

/// Takes back what was counted at that time.
async fn forgive(context: &Context, counted: &[(String, u32)], at: Timestamp) -> Result<(), SignInError> {
    for (key, count) in counted {
        context.store.people.throttle_forgive(key, *count, at).await?;
    }
    Ok(())
}

/// Counts the try, if it may be made.
async fn admit(context: &Context, keys: &Keys, now: Timestamp) -> Result<Admitted, SignInError> {
    let people = &context.store.people;
    // a client that has to wait is answered without a write
    if let Some((_, free_at)) = people.throttled(&keys.pair, now).await?
        && free_at > now
        && free_at.duration_since(now) <= PAIR.longest
    {
        return Err(throttled(free_at, now));
    }
    let known = people.throttled(&keys.known, now).await?.is_some();
    // the narrowest first: whom that refuses is not counted where others are
    let count = match people.throttle(&keys.pair, PAIR, now).await? {
        Try::Free(count) => count,
        Try::Wait(until) => return Err(throttled(until, now)),
    };
    let mut admitted = Admitted { count, counted: vec![(keys.pair.clone(), count)], slow: false };
    if known {
        return Ok(admitted);
    }
    match people.throttle(&keys.of_network, NETWORK, now).await? {
        Try::Free(count) => admitted.counted.push((keys.of_network.clone(), count)),
        Try::Wait(until) => {
            forgive(context, &admitted.counted, now).await?;
            return Err(throttled(until, now));
        }
    }
    for (key, pace) in [(&keys.address, ADDRESS), (&keys.login, LOGIN)] {
        match people.throttle(key, pace, now).await? {
            Try::Free(count) => admitted.counted.push((key.clone(), count)),
            Try::Wait(_) => admitted.slow = true,
        }
    }
    Ok(admitted)
}

fn throttled(until: Timestamp, now: Timestamp) -> SignInError {
    metrics::counter!("milepost_sign_in_throttled_total").increment(1);
    let seconds = until.duration_since(now).as_millis().max(0).unsigned_abs().div_ceil(1000);
    SignInError::Throttled(u64::try_from(seconds).unwrap_or(u64::MAX).max(1))
}

/// A right password takes back what was counted, and the address is known from now on.
async fn succeeded(
    context: &Context,
    user: &UserRecord,
    keys: &Keys,
    counted: &[(String, u32)],
    at: Timestamp,
) -> Result<(), SignInError> {
    let people = &context.store.people;
    forgive(context, counted, at).await?;
    people.throttle_clear(&keys.pair).await?;
    people.throttle(&keys.known, KNOWN, context.now()).await?;
    let scope = Scope { company: user.company, actor: Actor::User(user.id) };
    people.audit(scope, context.audit("session.begin", format!("user:{}", user.id))).await?;
    Ok(())
}

/// What is kept of a wrong try: a line in the log, and in the audit trail one at the 1st, 10th, 100th … of a login and address.
async fn failed(
    context: &Context,
    user: Option<&UserRecord>,
    keys: &Keys,
    origin: &Origin,
    count: u32,
) -> Result<(), SignInError> {
    metrics::counter!("milepost_sign_in_failures_total").increment(1);
    // what was typed as a login may be a password
    let who = user.map_or_else(|| format!("login:{}", keys.login), |user| format!("user:{}", user.id));
    tracing::warn!(%who, address = %origin.address, count, "sign-in refused");
    let tenfold = count > 0 && 10_u32.pow(count.ilog10()) == count;
    let lines = context.vault.token("throttle.lines", "sign-in");
    if !tenfold || matches!(context.store.people.throttle(&lines, LINES, context.now()).await?, Try::Wait(_)) {
        return Ok(());
    }
    let scope = context.scope();
    let after = serde_json::json!({"address": origin.address, "count": count});
    let entry = context.audit("session.refused", who).after(sealed_audit(context, scope, &after).await?);
    context.store.people.audit(scope, entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_one_person_can_have() {
        for (counted, network) in [
            ("2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("198.51.100.7", "198.51.0.0/16"),
            ("unreadable", "unreadable"),
            ("", ""),
        ] {
            assert_eq!(network_of(counted), network);
        }
    }
}
