//! People: users, sign-in with throttling, the one-time set-up link.

use super::{Result, UseCaseError};
use crate::tower::Tower;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use domain::ids::{SubjectId, UserId};
use jiff::SignedDuration;
use storage::{
    Actor, AuditEntry, Scope,
    people::{RoleName, UserRecord},
};

/// Characters of the shortest password (NIST SP 800-63B allows 8 beside a second factor; there is none yet).
pub const PASSWORD_MIN: usize = 12;
/// Characters of the longest password: hashing must stay cheap to refuse.
pub const PASSWORD_MAX: usize = 200;
/// Failures of one login within [`THROTTLE_WINDOW`] before further tries are refused.
const LOGIN_FAILURES_MAX: u32 = 8;
/// Failures from one address within [`THROTTLE_WINDOW`].
const ADDRESS_FAILURES_MAX: u32 = 40;
/// The window in which failures count.
const THROTTLE_WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// The setting with the token of the one-time set-up link.
const SETUP: &str = "setup.token";
/// Where an audit value lies in the vault.
const AUDIT_VALUE: &str = "audit.value";

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What is typed to sign in.
    pub login: String,
    /// What others see.
    pub name: String,
    /// The password.
    pub password: String,
    /// What the person may do.
    pub roles: Vec<RoleName>,
}

/// Why a sign-in is refused. The same words for an unknown login and a wrong password.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong.
    #[error("login or password is not right")]
    Wrong,
    /// Too many tries.
    #[error("too many tries; try again in {0} minutes")]
    Throttled(i64),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for SignInError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// Makes a user.
///
/// # Errors
/// When the login is taken, or login or password do not meet the rules.
pub async fn add(tower: &Tower, scope: Scope, user: NewUser) -> Result<UserId> {
    let login = checked_login(&user.login)?;
    check_password(&user.password)?;
    if user.roles.is_empty() {
        return Err(UseCaseError::Invalid {
            field: "roles",
            message: "give at least one of agent, executive, admin".into(),
        });
    }
    if tower.store.people.user_by_login(&login).await?.is_some() {
        return Err(UseCaseError::Conflict(format!("there is a user {login} already")));
    }
    let now = tower.now();
    let record = UserRecord {
        id: UserId(tower.clock.id()),
        company: tower.company,
        name: if user.name.trim().is_empty() { login.clone() } else { user.name.trim().to_owned() },
        login,
        password: hash(tower, user.password).await?,
        roles: user.roles,
        enabled: true,
        created_at: now,
    };
    let id = record.id;
    let after = serde_json::json!({"login": record.login, "name": record.name, "roles": record.roles});
    let audit = AuditEntry {
        at: now,
        action: "user.add",
        subject: format!("user:{id}"),
        before: None,
        after: Some(sealed_audit(tower, scope, &after).await?),
        why: None,
    };
    tower.store.people.put_user(scope, record, audit).await?;
    Ok(id)
}

/// An audit value: it may hold personal data, so it is sealed under the company's audit key.
///
/// # Errors
/// When the store fails.
pub async fn sealed_audit(tower: &Tower, scope: Scope, value: &serde_json::Value) -> Result<storage::Sealed> {
    Ok(sealed_value(&company_key(tower, scope, "audit").await?, value))
}

/// An audit value under the key of the person that it names.
pub(super) fn sealed_value(key: &crate::vault::DataKey, value: &serde_json::Value) -> storage::Sealed {
    key.seal(AUDIT_VALUE, value.to_string().as_bytes())
}

/// An audit value, opened.
pub(super) fn value_of(key: &crate::vault::DataKey, sealed: &storage::Sealed) -> Option<serde_json::Value> {
    serde_json::from_slice(&key.open(AUDIT_VALUE, sealed).ok()?).ok()
}

/// A key of the company for one purpose, made on first use.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn company_key(tower: &Tower, scope: Scope, purpose: &str) -> Result<crate::vault::DataKey> {
    let subject = SubjectId(domain::ids::content_id("company key", &[scope.company.0.as_bytes(), purpose.as_bytes()]));
    let kept = match tower.store.people.key(scope, subject).await? {
        Some(kept) => kept,
        None => {
            let (_, wrapped) = tower.vault.new_key(subject);
            tower.store.people.put_key(scope, wrapped, tower.now()).await?
        }
    };
    tower.vault.unwrap(&kept).map_err(|e| UseCaseError::Internal(e.to_string()))
}

/// Checks login and password. Failures are counted by login and by address; a right password clears the login's.
///
/// # Errors
/// When either is wrong, or there were too many failures.
pub async fn sign_in(
    tower: &Tower,
    login: &str,
    password: String,
    address: &str,
) -> std::result::Result<UserRecord, SignInError> {
    let login = login.trim().to_lowercase();
    let (login_key, address_key) =
        (tower.vault.token("throttle.login", &login), tower.vault.token("throttle.address", address));
    let now = tower.now();
    let people = &tower.store.people;
    if people.throttle_count(&login_key, now).await? >= LOGIN_FAILURES_MAX
        || people.throttle_count(&address_key, now).await? >= ADDRESS_FAILURES_MAX
    {
        return Err(SignInError::Throttled(THROTTLE_WINDOW.as_mins()));
    }
    let user = people.user_by_login(&login).await?.filter(|u| u.enabled);
    // an unknown login costs as much time as a wrong password
    let stored = user.as_ref().map_or_else(|| UNKNOWN_LOGIN.to_owned(), |u| u.password.clone());
    let right = verify(stored, password).await?;
    match user.filter(|_| right) {
        Some(user) => {
            people.throttle_clear(&login_key).await?;
            let scope = Scope { company: user.company, actor: Actor::User(user.id) };
            people.audit(scope, plain_audit(now, "session.begin", format!("user:{}", user.id))).await?;
            Ok(user)
        }
        None => {
            let ends = now.checked_add(THROTTLE_WINDOW).unwrap_or(now);
            people.throttle_hit(&login_key, now, ends).await?;
            people.throttle_hit(&address_key, now, ends).await?;
            metrics::counter!("milepost_sign_in_failures_total").increment(1);
            Err(SignInError::Wrong)
        }
    }
}

/// An audit entry without values.
pub fn plain_audit(at: jiff::Timestamp, action: &'static str, subject: String) -> AuditEntry {
    AuditEntry { at, action, subject, before: None, after: None, why: None }
}

/// A one-time token with which the first admin is made; none once there is a user.
///
/// # Errors
/// When the store fails.
pub async fn setup_token(tower: &Tower) -> Result<Option<String>> {
    let scope = tower.scope();
    if !tower.store.people.users(scope).await?.is_empty() {
        return Ok(None);
    }
    let mut bytes = [0; 24];
    tower.clock.fill(&mut bytes);
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // stored hashed: whoever reads the database cannot become admin with it
    tower.store.people.put_setting(scope, SETUP, tower.vault.token("setup", &token)).await?;
    Ok(Some(token))
}

/// Makes the first admin with the one-time token.
///
/// # Errors
/// When the token is not right or was used, or the user cannot be made.
pub async fn set_up(tower: &Tower, token: &str, mut user: NewUser) -> Result<UserId> {
    let scope = tower.scope();
    let offered = tower.vault.token("setup", token);
    checked_login(&user.login)?;
    check_password(&user.password)?;
    if tower.store.people.setting(scope, SETUP).await?.as_deref() != Some(offered.as_str()) {
        return Err(UseCaseError::Forbidden("this set-up link is not valid, or was used"));
    }
    if tower.store.people.take_setting(scope, SETUP).await?.as_deref() != Some(offered.as_str()) {
        return Err(UseCaseError::Forbidden("this set-up link was used"));
    }
    user.roles = vec![RoleName::Admin, RoleName::Agent, RoleName::Executive];
    add(tower, scope, user).await
}

/// argon2id of a random string, for logins that do not exist (OWASP parameters, as `Argon2::default()`).
const UNKNOWN_LOGIN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWlsZXBvc3QtdW5rbm93bg$7yNTNGWEuOqFnT0pBhXCTcWGzKVb6vTGCkWmq7HkIhA";

async fn hash(tower: &Tower, password: String) -> Result<String> {
    let mut salt = [0; 16];
    tower.clock.fill(&mut salt);
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string())
    })
    .await;
    hashed.map_err(|e| UseCaseError::Internal(e.to_string()))?.map_err(|e| UseCaseError::Internal(e.to_string()))
}

async fn verify(stored: String, password: String) -> Result<bool> {
    if password.len() > PASSWORD_MAX * 4 {
        return Ok(false);
    }
    let checked = tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&stored).map_err(|e| e.to_string())?;
        Ok::<_, String>(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    checked.await.map_err(|e| UseCaseError::Internal(e.to_string()))?.map_err(UseCaseError::Internal)
}

fn checked_login(login: &str) -> Result<String> {
    let login = login.trim().to_lowercase();
    let fine =
        (2..=100).contains(&login.chars().count()) && login.chars().all(|c| c.is_alphanumeric() || "@._-+".contains(c));
    if fine {
        Ok(login)
    } else {
        Err(UseCaseError::Invalid { field: "login", message: "2 to 100 letters, digits or @ . _ - +".into() })
    }
}

fn check_password(password: &str) -> Result<()> {
    let length = password.chars().count();
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        return Ok(());
    }
    Err(UseCaseError::Invalid {
        field: "password",
        message: format!("{PASSWORD_MIN} to {PASSWORD_MAX} characters; a sentence is fine"),
    })
}
