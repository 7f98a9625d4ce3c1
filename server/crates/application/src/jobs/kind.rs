//! What a kind of work is: its name, what it calls, how much of it is done at once, what it does.

use super::{CallKeeper, Finish, together::Written};
use crate::{connections::inbound, context::Context};
use futures::future::BoxFuture;
use outbound::template::Family;
use std::sync::Arc;
use storage::jobs::{JobKind, Lane, LeasedJob};

/// A kind of work. To add one: a file with a `KIND`, and its line in [`super::registry::ALL`].
pub struct Kind {
    /// Its stable name.
    pub name: JobKind,
    /// What it does, for people.
    pub label: &'static str,
    /// What its jobs call.
    pub calls: Calls,
    /// How many of its jobs are done at once, in each lane and node.
    pub budget: Budget,
    /// What starts it.
    pub start: Start,
    /// Does one.
    pub(super) run: for<'a> fn(Job<'a>) -> BoxFuture<'a, Finish>,
}

/// What jobs of a kind call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Nothing: work inside.
    Nothing,
    /// An order system.
    Orders,
    /// An order system, or nothing: some of it is work inside.
    OrdersAndInside,
    /// A service desk.
    Desks,
    /// The API of a platform.
    Platforms,
    /// A channel.
    Channels,
    /// A platform that publishes its keys, by the source that they are for.
    Sources,
}

/// What starts jobs of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Other work, a message or a person.
    OnDemand,
    /// The clock, unless a person sets another schedule.
    Clock(&'static str),
    /// The clock, by the settings of the connection.
    Connection,
}

/// How many jobs of a kind are done at once: each kind and destination has a budget of its own, so that one that is slow
/// leaves the others alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many in each lane.
    Each {
        /// In the real-time lane.
        real_time: usize,
        /// In the batch lane.
        batch: usize,
    },
    /// So many for each call that the destination may get at once.
    Concurrency(usize),
}

/// One at a time.
pub(super) const ONE: Budget = Budget::Each { real_time: 1, batch: 1 };

/// A job to be done.
pub(super) struct Job<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) leased: &'a LeasedJob,
    pub(super) calls: &'a CallKeeper,
    /// What was done of it together with others.
    pub(super) written: Option<Written>,
}

impl Calls {
    /// The destinations whose jobs are claimed here; `None` is work inside.
    pub(super) async fn destinations(self, context: &Context) -> storage::Result<Vec<Option<String>>> {
        Ok(match self {
            Self::Nothing => vec![None],
            Self::Orders => in_use(context, Family::Orders),
            Self::OrdersAndInside => in_use(context, Family::Orders).into_iter().chain([None]).collect(),
            Self::Desks => in_use(context, Family::Desk),
            Self::Platforms => in_use(context, Family::Shipping),
            Self::Channels => in_use(context, Family::Channel),
            Self::Sources => inbound::key_publishers(context, context.scope()).await?.into_iter().map(Some).collect(),
        })
    }
}

/// The connections of a family that are in use; the jobs of others wait.
fn in_use(context: &Context, family: Family) -> Vec<Option<String>> {
    context.connections.now().in_use(family).map(|connection| Some(connection.record.name.clone())).collect()
}

impl Budget {
    /// How many at once in a lane, where the destination may get so many calls at once.
    pub(super) fn in_lane(self, lane: Lane, concurrency: usize) -> usize {
        match (self, lane) {
            (Self::Each { real_time, .. }, Lane::RealTime) => real_time,
            (Self::Each { batch, .. }, Lane::Batch) => batch,
            (Self::Concurrency(times), _) => times * concurrency,
        }
    }
}
