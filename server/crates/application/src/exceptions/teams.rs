//! Teams: who looks after exceptions together.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{
    access::Permission,
    carriers::family_name,
    commit::ExceptionChange,
    exceptions::teams::{Team, Teams, team_for},
    ids::{ExceptionId, UserId},
};
use std::collections::BTreeMap;
use storage::{Scope, shipments::Loaded};

/// The setting that holds them.
const TEAMS: &str = "exceptions.teams";
/// Teams.
const TEAMS_MAX: usize = 100;
/// Members of a team.
const MEMBERS_MAX: usize = 200;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 60;

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

/// How many open exceptions each team has, snoozed ones left out.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn open(context: &Context, caller: &Caller) -> Result<BTreeMap<String, u64>> {
    caller.require(Permission::See)?;
    Ok(context.store.work.team_counts(caller.scope(), context.now()).await?)
}

/// Who can be a member, by name.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn people(context: &Context, caller: &Caller) -> Result<Vec<(UserId, String)>> {
    caller.require(Permission::Operate)?;
    let users = context.store.people.users(caller.scope()).await?;
    let mut people: Vec<_> = users.into_iter().map(|user| (user.id, user.name)).collect();
    people.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(people)
}

/// The teams that get the exceptions that a commit opens.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub(crate) async fn of_new(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    changes: &[ExceptionChange],
) -> Result<BTreeMap<ExceptionId, String>> {
    let opened = changes.iter().filter_map(|change| match change {
        ExceptionChange::Open { id, exception } => Some((*id, exception.reason)),
        ExceptionChange::Keep { .. } | ExceptionChange::Close { .. } => None,
    });
    let opened: Vec<_> = opened.collect();
    if opened.is_empty() {
        return Ok(BTreeMap::new());
    }
    let teams = all(context, scope).await?;
    let carriers: Vec<&str> = loaded.shipment.numbers.iter().filter_map(|number| number.carrier.as_deref()).collect();
    let given = |(id, reason)| Some((id, team_for(&teams, reason, &carriers)?.to_owned()));
    Ok(opened.into_iter().filter_map(given).collect())
}

/// What a team replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// None: it is new.
    None,
    /// The one of its name as it was seen, by its [`mark`].
    Seen(String),
    /// Any of its name.
    Any,
}

/// The mark of a team as it is: another one once it changes.
pub fn mark(context: &Context, team: &Team) -> String {
    context.vault.token("team", &serde_json::to_string(team).expect("plain data serialises"))
}

/// Makes a team, or changes one: its members, and what it gets by itself from now on.
///
/// # Errors
/// When the caller may not, the name is not right, or taken by a new one, `Conflict` where another person changed it since it was
/// seen, when there are too many, or the store fails.
pub async fn put(context: &Context, caller: &Caller, name: &str, team: Team, replaces: Replaces) -> Result<()> {
    caller.require(Permission::Operate)?;
    let name = name.trim().to_owned();
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let message = format!("the name of a team has 1 to {NAME_CHARS_MAX} characters");
        return Err(UseCaseError::Invalid { field: "name", message });
    }
    if let Some(unknown) = team.carriers.iter().find(|family| family_name(family).is_none()) {
        let message = format!("there is no carrier {unknown}: name its family, e.g. dhl");
        return Err(UseCaseError::Invalid { field: "carriers", message });
    }
    if team.members.len() > MEMBERS_MAX {
        let message = format!("a team has {MEMBERS_MAX} members at most");
        return Err(UseCaseError::Invalid { field: "members", message });
    }
    let audited = ("team.put", format!("team:{name}"));
    settings::amend(context, caller.scope(), TEAMS, audited, |teams: &mut Teams| {
        let there = teams.insert(name.clone(), team.clone());
        match (&replaces, &there) {
            (Replaces::None, Some(_)) => {
                let message = format!("there is a team {name} already: choose another name, or edit that one");
                return Err(UseCaseError::Invalid { field: "name", message });
            }
            (Replaces::Seen(seen), there)
                if there.as_ref().map(|there| mark(context, there)).as_ref() != Some(seen) =>
            {
                let message = format!("another person changed or removed {name} meanwhile: load the page again");
                return Err(UseCaseError::Conflict(message));
            }
            _ => {}
        }
        match teams.len() > TEAMS_MAX {
            true => Err(UseCaseError::Conflict(format!("there are {TEAMS_MAX} teams already: remove one first"))),
            false => Ok(()),
        }
    })
    .await
}

/// Removes a team; open exceptions that it has are of no team from then on. What a removal that was cut short left behind, the next
/// one finds.
///
/// # Errors
/// When the caller may not, there is no such team, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let audited = ("team.remove", format!("team:{name}"));
    let removed = settings::amend(context, caller.scope(), TEAMS, audited, |teams: &mut Teams| {
        teams.remove(name).map(drop).ok_or(UseCaseError::NotFound("team"))
    })
    .await;
    if !matches!(removed, Ok(()) | Err(UseCaseError::NotFound(_))) {
        return removed;
    }
    let left = context.store.work.without_team(caller.scope(), name.to_owned()).await?;
    if left > 0 { Ok(()) } else { removed }
}
