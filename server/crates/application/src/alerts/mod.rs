//! Operational alerts: `conditions` are looked at by the clock, other areas [`raise`] and [`clear`] theirs; `change` keeps what
//! follows, `send` notifies over channels, `acts` and `rules` are what people do.
//!
//! What other areas use is [`raise`] with a [`Raised`]: its kind and subject say which alert it is, so that the same cause and place
//! make one alert that grows.

mod acts;
pub mod backups;
mod change;
mod conditions;
mod evaluate;
mod maintenance;
mod read;
mod reasons;
mod rules;
mod send;

pub use acts::{Until, acknowledge, acknowledge_all, assign, resolve, snooze};
pub use change::{Count, Raised, clear, give_way, raise};
pub use evaluate::evaluate;
pub use maintenance::{Maintenance, UnderMaintenance, end_maintenance, maintain, maintained};
pub use read::{ChannelState, Entry, History, Listed, Overview, channels, count, overview};
pub use rules::{Rule, RuleChange, Rules, rules, set_rule};
pub use send::{SendError, Sent, channel_failed, failed, send};
