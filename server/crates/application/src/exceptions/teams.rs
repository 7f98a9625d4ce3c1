//! Teams: who looks after exceptions together.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{access::Permission, ids::UserId};
use std::collections::{BTreeMap, BTreeSet};
use storage::Scope;

/// The setting that holds them.
const TEAMS: &str = "exceptions.teams";
/// Teams.
const TEAMS_MAX: usize = 100;
/// Members of a team.
const MEMBERS_MAX: usize = 200;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 60;

/// The members of each team, by its name.
pub type Teams = BTreeMap<String, BTreeSet<UserId>>;

/// All teams.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn all(context: &Context, scope: Scope) -> Result<Teams> {
    Ok(settings::read(context, scope, TEAMS).await?.unwrap_or_default())
}

/// All teams, for who may see them.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Teams> {
    caller.require(Permission::See)?;
    all(context, caller.scope()).await
}

/// Makes a team, or gives one other members.
///
/// # Errors
/// When the caller may not, the name is not right, there are too many, or the store fails.
pub async fn put(context: &Context, caller: &Caller, name: &str, members: BTreeSet<UserId>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let name = name.trim().to_owned();
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let message = format!("the name of a team has 1 to {NAME_CHARS_MAX} characters");
        return Err(UseCaseError::Invalid { field: "name", message });
    }
    if members.len() > MEMBERS_MAX {
        let message = format!("a team has {MEMBERS_MAX} members at most");
        return Err(UseCaseError::Invalid { field: "members", message });
    }
    let audited = ("team.put", format!("team:{name}"));
    settings::amend(context, caller.scope(), TEAMS, audited, |teams: &mut Teams| {
        teams.insert(name.clone(), members.clone());
        match teams.len() > TEAMS_MAX {
            true => Err(UseCaseError::Conflict(format!("there are {TEAMS_MAX} teams already: remove one first"))),
            false => Ok(()),
        }
    })
    .await
}

/// Removes a team; exceptions that it has keep its name.
///
/// # Errors
/// When the caller may not, there is no such team, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let audited = ("team.remove", format!("team:{name}"));
    settings::amend(context, caller.scope(), TEAMS, audited, |teams: &mut Teams| {
        teams.remove(name).map(drop).ok_or(UseCaseError::NotFound("team"))
    })
    .await
}
