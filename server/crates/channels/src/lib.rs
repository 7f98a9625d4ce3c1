//! Channels over which people are notified: one folder each, one trait, one constant list. A channel sends a [`Message`]; how it is
//! written, what is escaped and what an answer means is the channel's own matter.

mod check;
mod hook;
mod mail;
mod mattermost;
mod message;
mod settings;
mod slack;
mod teams;
mod webhook;

use async_trait::async_trait;
use jiff::Timestamp;
use outbound::{CallError, CallLog, template::Template};
use secrecy::SecretString;
use std::sync::Arc;

pub use check::check;
pub use message::{Kind, Message};
pub use settings::{Least, Security, Settings};

/// What is fixed about a channel's connector.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// The folder's name, as configuration and the command line write it.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
}

/// How to reach a channel.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// What it is set to.
    pub settings: Settings,
    /// The valid secrets, newest first.
    pub secrets: Vec<SecretString>,
    /// The page of this installation, which notifications lead to.
    pub public_url: String,
}

/// One channel.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What is fixed about it.
    fn manifest(&self) -> &'static Manifest;

    /// Where it sends to, without secrets: `https://hooks.example.com`, of mail `smtp://` where nothing is encrypted, else
    /// `smtps://`.
    fn address(&self) -> String;

    /// Whether a message that is sent again under the same id is recognised as the same one by who gets it. Where it is not, a
    /// message whose outcome is unknown is not sent again.
    fn knows_repeats(&self) -> bool;

    /// Sends a message.
    ///
    /// # Errors
    /// `unknown_outcome` where it may have been delivered; `misconfigured` where the channel does not exist there, or its settings
    /// are wrong; the others as [`outbound::ErrorClass`] has them.
    async fn send(&self, message: &Message, now: Timestamp, log: &dyn CallLog) -> Result<(), CallError>;
}

type Connect = fn(ChannelConfig) -> Result<Arc<dyn Channel>, CallError>;

/// A channel's connector: what is fixed about it, how a person chooses it, and how to connect it.
type Connector = (&'static Manifest, fn() -> Template, Connect);

/// Every channel.
const CHANNELS: &[Connector] = &[
    (&mail::MANIFEST, mail::template, mail::connect),
    (&slack::MANIFEST, slack::template, slack::connect),
    (&teams::MANIFEST, teams::template, teams::connect),
    (&mattermost::MANIFEST, mattermost::template, mattermost::connect),
    (&webhook::MANIFEST, webhook::template, webhook::connect),
];

/// The channel with this id, connected; none where there is no such connector. Nothing is called yet.
///
/// # Errors
/// `misconfigured` where the settings or the secret cannot be used.
pub fn connect(id: &str, config: ChannelConfig) -> Result<Option<Arc<dyn Channel>>, CallError> {
    CHANNELS.iter().find(|(manifest, ..)| manifest.id == id).map(|(.., connect)| connect(config)).transpose()
}

/// The ids of every channel.
pub fn names() -> Vec<&'static str> {
    CHANNELS.iter().map(|(manifest, ..)| manifest.id).collect()
}

/// Every channel, as a person chooses it.
pub fn templates() -> impl Iterator<Item = Template> {
    CHANNELS.iter().map(|(_, template, _)| template())
}

/// Whether the secret of this channel is an address: it belongs to no other one.
pub fn secret_is_address(id: &str) -> bool {
    [slack::MANIFEST.id, teams::MANIFEST.id, mattermost::MANIFEST.id].contains(&id)
}

/// Whether this channel works without a secret: a mail server that takes mail from its own network.
pub fn works_without_secret(id: &str) -> bool {
    id == mail::MANIFEST.id
}
