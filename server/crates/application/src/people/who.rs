//! Who did something, by name.

use crate::{context::Context, error::Result};
use domain::ids::UserId;
use std::collections::HashMap;
use storage::{Actor, Scope};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person of this name.
    Person(String),
    /// A person who is no user any more.
    Former,
    /// The operator, at the command line.
    Operator,
    /// The system itself.
    System,
}

impl Who {
    fn of(actor: Actor, name: impl FnOnce(UserId) -> Option<String>) -> Self {
        match actor {
            Actor::User(id) => name(id).map_or(Self::Former, Self::Person),
            Actor::Operator => Self::Operator,
            Actor::System => Self::System,
        }
    }

    /// One who did something.
    pub(crate) async fn one(context: &Context, actor: Actor) -> Result<Self> {
        let user = match actor {
            Actor::User(id) => context.store.people.user(id).await?,
            Actor::Operator | Actor::System => None,
        };
        Ok(Self::of(actor, |_| user.map(|user| user.name)))
    }
}

/// The names of the company's people.
pub(crate) struct PeopleNames(HashMap<UserId, String>);

impl PeopleNames {
    /// All of them.
    pub(crate) async fn read(context: &Context, scope: Scope) -> Result<Self> {
        let users = context.store.people.users(scope).await?;
        Ok(Self(users.into_iter().map(|user| (user.id, user.name)).collect()))
    }

    /// The name of a person.
    pub(crate) fn of(&self, user: UserId) -> Option<String> {
        self.0.get(&user).cloned()
    }

    /// Who did something.
    pub(crate) fn who(&self, actor: Actor) -> Who {
        Who::of(actor, |user| self.of(user))
    }
}
