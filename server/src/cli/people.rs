//! `milepost user` and `milepost session`: people who sign in, and where they are signed in.

use super::admin::secret_from_stdin;
use anyhow::{Result, bail};
use application::caller::Caller;
use application::{
    context::Context,
    error::UseCaseError,
    people::{self, Change, NewUser, passwords},
};
use clap::{Args, Subcommand};
use domain::access::Role;
use domain::visible::visible_line;
use std::sync::Arc;
use storage::{
    Scope,
    people::{SessionRecord, UserRecord},
};

/// Signs of a session's key by which it is named; the shortest that may be typed.
const KEY_SHOWN: usize = 12;
const KEY_TYPED_MIN: usize = 6;

/// Users.
#[derive(Subcommand)]
pub enum User {
    /// Make a user; the password is read from standard input.
    Add {
        /// What is typed to sign in.
        login: String,
        /// What others see.
        #[arg(long, default_value = "")]
        name: String,
        /// A role (give several times).
        #[arg(long = "role", value_parser = role, required = true)]
        roles: Vec<Role>,
        /// Make the password here and show it once.
        #[arg(long)]
        generate: bool,
    },
    /// Show the users.
    List,
    /// Disable a user: no sign-in any more, and every session ends at once.
    Disable {
        /// What is typed to sign in.
        login: String,
    },
    /// Enable a user again.
    Enable {
        /// What is typed to sign in.
        login: String,
    },
    /// Set another password, read from standard input; every session of the user ends at once.
    Password {
        /// What is typed to sign in.
        login: String,
        /// Make the password here and show it once.
        #[arg(long)]
        generate: bool,
    },
    /// Set the roles of a user; every session of the user ends at once.
    Roles {
        /// What is typed to sign in.
        login: String,
        /// A role from now on (give several times).
        #[arg(long = "role", value_parser = role, required = true)]
        roles: Vec<Role>,
    },
}

/// A role, as typed.
fn role(code: &str) -> std::result::Result<Role, String> {
    let all = || Role::ALL.iter().map(|role| role.code()).collect::<Vec<_>>().join(", ");
    Role::from_code(code).ok_or_else(|| format!("there is no role {code}; the roles are {}", all()))
}

impl User {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::Add { login, name, roles, generate } => {
                let password = password(&context, generate)?;
                let user = NewUser { login: login.clone(), name, password, roles };
                people::add(&context, &Caller::trusted(scope), user).await?;
                say!("user {login} made");
            }
            Self::List => list(&context, scope).await?,
            Self::Disable { login } => {
                change(&context, scope, &login, Change::Disable).await?;
                say!("user {login} is disabled and signed out everywhere");
            }
            Self::Enable { login } => {
                change(&context, scope, &login, Change::Enable).await?;
                say!("user {login} may sign in");
            }
            Self::Password { login, generate } => {
                // whether there is such a user is said before anybody types a password
                of_login(&context, scope, &login).await?;
                let password = password(&context, generate)?;
                change(&context, scope, &login, Change::Password(password)).await?;
                say!("the password of {login} is set; the person is signed out everywhere");
            }
            Self::Roles { login, roles } => {
                let user = change(&context, scope, &login, Change::Roles(roles)).await?;
                say!("user {login} is {}", in_words(&user.roles));
            }
        }
        Ok(())
    }
}

fn in_words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.code()).collect::<Vec<_>>().join(", ")
}

/// The password that is typed, or one that is made and shown.
fn password(context: &Context, generate: bool) -> Result<String> {
    if !generate {
        return secret_from_stdin("password");
    }
    let password = passwords::make(context);
    say!("password: {password}");
    Ok(password)
}

async fn list(context: &Context, scope: Scope) -> Result<()> {
    let users = context.store.people.users(scope).await?;
    if users.is_empty() {
        say!("no user yet: make one with `milepost user add you@example.com --role admin`");
    }
    for user in users {
        let enabled = if user.enabled { "enabled" } else { "disabled" };
        say!("{}\t{}\t{}\t{enabled}", user.login, visible_line(&user.name), in_words(&user.roles));
    }
    Ok(())
}

async fn change(context: &Context, scope: Scope, login: &str, change: Change) -> Result<UserRecord> {
    match people::change(context, &Caller::trusted(scope), login, change).await {
        Err(UseCaseError::NotFound(_)) => nobody(login),
        other => Ok(other?),
    }
}

pub(super) async fn of_login(context: &Context, scope: Scope, login: &str) -> Result<UserRecord> {
    match people::of_login(context, scope, login).await {
        Err(UseCaseError::NotFound(_)) => nobody(login),
        other => Ok(other?),
    }
}

fn nobody<T>(login: &str) -> Result<T> {
    bail!("there is no user {login}: `milepost user list` shows who there is")
}

/// Where people are signed in.
#[derive(Subcommand)]
pub enum Session {
    /// Show who is signed in: the session, who, since when, when last seen, when it ends.
    List,
    /// End a session, all of one person, or all.
    End(EndSession),
}

/// Which sessions to end.
#[derive(Args)]
pub struct EndSession {
    /// The session, as `session list` names it.
    #[arg(required_unless_present_any = ["user", "all"], conflicts_with_all = ["user", "all"])]
    session: Option<String>,
    /// All sessions of the user with this login.
    #[arg(long, value_name = "LOGIN", conflicts_with = "all")]
    user: Option<String>,
    /// All sessions of everybody.
    #[arg(long)]
    all: bool,
}

impl Session {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List => {
                let sessions = people::sessions(&context, &Caller::trusted(scope)).await?;
                if sessions.is_empty() {
                    say!("no one is signed in");
                }
                for (session, user) in sessions {
                    say!(
                        "{}\t{}\tsince {:.0}\tseen {:.0}\tends {:.0}",
                        shown(&session),
                        user.login,
                        session.made_at,
                        session.seen_at,
                        session.expires_at
                    );
                }
                Ok(())
            }
            Self::End(which) => which.run(&context, scope).await,
        }
    }
}

impl EndSession {
    async fn run(self, context: &Context, scope: Scope) -> Result<()> {
        let sessions = people::sessions(context, &Caller::trusted(scope)).await?;
        let (sessions, subject): (Vec<_>, _) = match (self.session, self.user) {
            (Some(typed), _) => {
                let typed = typed.to_lowercase();
                let found: Vec<_> = sessions.into_iter().filter(|(s, _)| s.key.starts_with(&typed)).collect();
                let [(_, user)] = &found[..] else {
                    bail!("there is no session {typed}: `milepost session list` shows which there are")
                };
                if typed.len() < KEY_TYPED_MIN {
                    bail!("{typed} is too short: type the session as `milepost session list` shows it");
                }
                let subject = format!("user:{}", user.id);
                (found, subject)
            }
            (None, Some(login)) => {
                let user = of_login(context, scope, &login).await?;
                (sessions.into_iter().filter(|(s, _)| s.user == user.id).collect(), format!("user:{}", user.id))
            }
            (None, None) => (sessions, "users".to_owned()),
        };
        let keys = sessions.into_iter().map(|(session, _)| session.key).collect();
        match people::end_sessions(context, &Caller::trusted(scope), keys, subject).await? {
            1 => say!("1 session is ended"),
            number => say!("{number} sessions are ended"),
        }
        Ok(())
    }
}

/// What of a session's key is shown: enough to name it.
fn shown(session: &SessionRecord) -> &str {
    session.key.get(..KEY_SHOWN).unwrap_or(&session.key)
}
