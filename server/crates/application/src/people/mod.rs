//! People: users, their sessions, the one-time set-up link.

pub mod passwords;
pub(crate) mod settings;
pub mod sign_in;
pub mod slow_lane;
mod who;

pub(crate) use who::PeopleNames;
pub use who::Who;

use crate::caller::Caller;
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use domain::access::Permission;
use domain::access::Role;
use domain::ids::UserId;
use storage::{
    Scope,
    people::{SessionRecord, UserRecord},
};

/// The setting with the token of the one-time set-up link.
const SETUP: &str = "setup.token";

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
    pub roles: Vec<Role>,
}

/// Makes a user.
///
/// # Errors
/// When the login is taken, or login or password do not meet the rules.
pub async fn add(context: &Context, caller: &Caller, user: NewUser) -> Result<UserId> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let record = record_of(context, user).await?;
    put(context, scope, record).await
}

/// The user to be kept, with the password hashed.
async fn record_of(context: &Context, user: NewUser) -> Result<UserRecord> {
    let login = checked_login(&user.login)?;
    passwords::check(&user.password)?;
    check_roles(&user.roles)?;
    if context.store.people.user_by_login(&login).await?.is_some() {
        return Err(UseCaseError::Conflict(format!("there is a user {login} already")));
    }
    Ok(UserRecord {
        id: UserId(context.clock.id()),
        company: context.company,
        name: if user.name.trim().is_empty() { login.clone() } else { user.name.trim().to_owned() },
        login,
        password: passwords::hash(context, &user.password).await?,
        roles: user.roles,
        enabled: true,
        created_at: context.now(),
    })
}

async fn put(context: &Context, scope: Scope, record: UserRecord) -> Result<UserId> {
    let id = record.id;
    let after = serde_json::json!({"login": record.login, "name": record.name, "roles": record.roles});
    let after = sealed_audit(context, scope, &after).await?;
    let audit = context.audit("user.add", format!("user:{id}")).after(after);
    context.store.people.put_user(scope, record, audit).await?;
    Ok(id)
}

/// A one-time token with which the first admin is made; none once there is a user.
///
/// # Errors
/// When the store fails.
pub async fn setup_token(context: &Context) -> Result<Option<String>> {
    let scope = context.scope();
    if !context.store.people.users(scope).await?.is_empty() {
        return Ok(None);
    }
    let mut bytes = [0; 24];
    context.clock.fill(&mut bytes);
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // stored hashed: a reader of the database cannot become admin with it
    context.store.people.put_setting(scope, SETUP, context.vault.token("setup", &token)).await?;
    Ok(Some(token))
}

/// Whether the first admin can be made with this one-time token: nobody made one with it, and no newer one was given out.
///
/// # Errors
/// When the store fails.
pub async fn set_up_is_open(context: &Context, token: &str) -> Result<bool> {
    let kept = context.store.people.setting(context.scope(), SETUP).await?;
    Ok(kept.is_some_and(|kept| kept == context.vault.token("setup", token)))
}

/// Makes the first admin with the one-time token.
///
/// # Errors
/// When the token is not right or was used, or the user cannot be made.
pub async fn set_up(context: &Context, token: &str, mut user: NewUser) -> Result<UserId> {
    let scope = context.scope();
    let offered = context.vault.token("setup", token);
    checked_login(&user.login)?;
    passwords::check(&user.password)?;
    if !set_up_is_open(context, token).await? {
        return Err(UseCaseError::Forbidden("this set-up link is not valid, or was used"));
    }
    user.roles = vec![Role::Admin, Role::Agent, Role::Executive];
    // the link is used up only by a user that can be kept
    let record = record_of(context, user).await?;
    if context.store.people.take_setting(scope, SETUP).await?.as_deref() != Some(offered.as_str()) {
        return Err(UseCaseError::Forbidden("this set-up link was used"));
    }
    put(context, scope, record).await
}

/// How a user becomes another.
#[derive(Clone, Debug)]
pub enum Change {
    /// May sign in again.
    Enable,
    /// May not sign in any more.
    Disable,
    /// Has another password.
    Password(String),
    /// Has these roles.
    Roles(Vec<Role>),
}

/// Changes a user. Who is disabled, has a new password or other roles is signed out everywhere at once.
///
/// # Errors
/// When there is no such user, the password does not meet the rules, nobody would be left to run the installation, or somebody
/// else changed the user at the same time.
pub async fn change(context: &Context, caller: &Caller, login: &str, change: Change) -> Result<UserRecord> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let before = of_login(context, scope, login).await?;
    let (action, user) = match change {
        Change::Enable => ("user.enable", UserRecord { enabled: true, ..before.clone() }),
        Change::Disable => ("user.disable", UserRecord { enabled: false, ..before.clone() }),
        Change::Password(password) => {
            passwords::check(&password)?;
            ("user.password", UserRecord { password: passwords::hash(context, &password).await?, ..before.clone() })
        }
        Change::Roles(mut roles) => {
            check_roles(&roles)?;
            roles.sort_unstable();
            roles.dedup();
            ("user.roles", UserRecord { roles, ..before.clone() })
        }
    };
    let said = |user: &UserRecord| serde_json::json!({"enabled": user.enabled, "roles": user.roles});
    let audit = context
        .audit(action, format!("user:{}", user.id))
        .before(sealed_audit(context, scope, &said(&before)).await?)
        .after(sealed_audit(context, scope, &said(&user)).await?);
    context.store.people.change_user(scope, before, user.clone(), audit).await?;
    Ok(user)
}

/// The company's user with this login.
///
/// # Errors
/// When there is none.
pub async fn of_login(context: &Context, scope: Scope, login: &str) -> Result<UserRecord> {
    let user = context.store.people.user_by_login(&login.trim().to_lowercase()).await?;
    user.filter(|user| user.company == scope.company).ok_or(UseCaseError::NotFound("user"))
}

/// The sessions that have not ended, oldest first, and whose they are.
///
/// # Errors
/// When the store fails.
pub async fn sessions(context: &Context, caller: &Caller) -> Result<Vec<(SessionRecord, UserRecord)>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let users = context.store.people.users(scope).await?;
    let sessions = context.store.people.sessions(scope, context.now()).await?;
    let with_user = |session: SessionRecord| {
        let user = users.iter().find(|user| user.id == session.user)?.clone();
        Some((session, user))
    };
    Ok(sessions.into_iter().filter_map(with_user).collect())
}

/// Ends sessions: the next request with one of them is nobody's, and their live streams end.
///
/// # Errors
/// When the store fails.
pub async fn end_sessions(context: &Context, caller: &Caller, keys: Vec<String>, subject: String) -> Result<u64> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    Ok(context.store.people.end_sessions(scope, keys, context.audit("session.end", subject)).await?)
}

/// A person has signed out: their own session, for which nobody needs a permission.
///
/// # Errors
/// When the store fails.
pub async fn signed_out(context: &Context, caller: &Caller) -> Result<()> {
    let Some(user) = caller.user() else { return Ok(()) };
    Ok(context.store.people.audit(caller.scope(), context.audit("session.end", format!("user:{user}"))).await?)
}

fn check_roles(roles: &[Role]) -> Result<()> {
    if roles.is_empty() {
        return Err(UseCaseError::Invalid {
            field: "roles",
            message: "give at least one of agent, executive, admin".into(),
        });
    }
    Ok(())
}

fn checked_login(login: &str) -> Result<String> {
    let login = login.trim().to_lowercase();
    let fine =
        (2..=100).contains(&login.chars().count()) && login.chars().all(|c| c.is_alphanumeric() || "@._-+".contains(c));
    if fine {
        Ok(login)
    } else {
        Err(UseCaseError::Invalid {
            field: "login",
            message: "a login has 2 to 100 letters, digits or @ . _ - +".into(),
        })
    }
}
