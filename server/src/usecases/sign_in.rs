//! Signing in. Wrong tries make the next ones slow and lock nobody out: a try is counted in the statement that asks for it,
//! by login and address together; a person elsewhere is not concerned by it.

use super::{UseCaseError, passwords, people::sealed_audit};
use crate::tower::Tower;
use jiff::{SignedDuration, Timestamp};
use storage::{
    Actor, Scope,
    people::{Pace, Try, UserRecord},
};

/// Tries of one login from one address: five are free, then one waits 2 s, 4 s, 8 s … 5 minutes.
const PAIR: Pace = Pace { free: 5, longest: SignedDuration::from_mins(5), window: SignedDuration::from_hours(1) };
/// Tries of one login from all addresses from which it never signed in.
const LOGIN: Pace = Pace { free: 50, longest: SignedDuration::from_secs(5), window: SignedDuration::from_hours(1) };
/// Tries from one address with logins that never signed in there.
const ADDRESS: Pace = Pace { free: 200, longest: SignedDuration::from_secs(2), window: SignedDuration::from_hours(1) };
/// For how long it is remembered that a login signed in from an address.
const KNOWN: Pace = Pace { free: u32::MAX, longest: SignedDuration::ZERO, window: SignedDuration::from_hours(30 * 24) };
/// Lines about refused sign-ins in the audit trail: whoever tries many logins does not fill it.
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
    known: String,
}

impl Keys {
    fn of(tower: &Tower, login: &str, origin: &Origin) -> Self {
        let pair = format!("{}\0{login}", origin.counted);
        Self {
            login: tower.vault.token("throttle.login", login),
            address: tower.vault.token("throttle.address", &origin.counted),
            pair: tower.vault.token("throttle.pair", &pair),
            known: tower.vault.token("signed.in", &pair),
        }
    }
}

/// A try that may be made.
struct Admitted {
    /// Tries of this login from this address, with this one.
    count: u32,
    /// Whether the login signed in from this address before.
    known: bool,
}

/// Checks login and password.
///
/// # Errors
/// When either is wrong, when it is too soon after wrong tries, or when too many sign in at once.
pub async fn sign_in(tower: &Tower, login: &str, password: &str, origin: &Origin) -> Result<UserRecord, SignInError> {
    let login = login.trim().to_lowercase();
    let keys = Keys::of(tower, &login, origin);
    let now = tower.now();
    let people = &tower.store.people;
    let admitted = admit(tower, &keys, now).await?;
    let user = people.user_by_login(&login).await?;
    // an unknown login costs as much time as a wrong password
    let kept = user.as_ref().filter(|user| user.enabled).map_or(passwords::OF_NOBODY, |user| user.password.as_str());
    let right = match passwords::verify(tower, kept.to_owned(), password).await {
        Err(error @ UseCaseError::Unavailable(_)) => {
            // nothing was tried
            people.throttle_forgive(&keys.pair).await?;
            return Err(error.into());
        }
        checked => checked?,
    };
    match user.as_ref().filter(|user| user.enabled && right) {
        Some(user) => {
            welcome(tower, user, &keys, admitted.known).await?;
            Ok(user.clone())
        }
        None => {
            refused(tower, user.as_ref(), &keys, origin, admitted.count).await?;
            Err(SignInError::Wrong)
        }
    }
}

/// Counts the try, if it may be made.
async fn admit(tower: &Tower, keys: &Keys, now: Timestamp) -> Result<Admitted, SignInError> {
    let people = &tower.store.people;
    // whoever has to wait is answered without a write
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
    let mut counted = vec![&keys.pair];
    let wider = if known { &[][..] } else { &[(&keys.address, ADDRESS), (&keys.login, LOGIN)][..] };
    for (key, pace) in wider {
        if let Try::Wait(until) = people.throttle(key, *pace, now).await? {
            for key in counted {
                people.throttle_forgive(key).await?;
            }
            return Err(throttled(until, now));
        }
        counted.push(key);
    }
    Ok(Admitted { count, known })
}

fn throttled(until: Timestamp, now: Timestamp) -> SignInError {
    metrics::counter!("milepost_sign_in_throttled_total").increment(1);
    let seconds = until.duration_since(now).as_millis().max(0).unsigned_abs().div_ceil(1000);
    SignInError::Throttled(u64::try_from(seconds).unwrap_or(u64::MAX).max(1))
}

/// A right password takes back what was counted, and the address is known from now on.
async fn welcome(tower: &Tower, user: &UserRecord, keys: &Keys, known: bool) -> Result<(), SignInError> {
    let (people, now) = (&tower.store.people, tower.now());
    people.throttle_clear(&keys.pair).await?;
    if !known {
        people.throttle_forgive(&keys.address).await?;
        people.throttle_forgive(&keys.login).await?;
    }
    people.throttle(&keys.known, KNOWN, now).await?;
    let scope = Scope { company: user.company, actor: Actor::User(user.id) };
    people.audit(scope, tower.audit("session.begin", format!("user:{}", user.id))).await?;
    Ok(())
}

/// What is kept of a wrong try: a line in the log, and in the audit trail one at the 1st, 10th, 100th … of a login and address.
async fn refused(
    tower: &Tower,
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
    let lines = tower.vault.token("throttle.lines", "sign-in");
    if !tenfold || matches!(tower.store.people.throttle(&lines, LINES, tower.now()).await?, Try::Wait(_)) {
        return Ok(());
    }
    let scope = tower.scope();
    let after = serde_json::json!({"address": origin.address, "count": count});
    let entry = tower.audit("session.refused", who).after(sealed_audit(tower, scope, &after).await?);
    tower.store.people.audit(scope, entry).await?;
    Ok(())
}
