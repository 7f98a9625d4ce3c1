//! Channels over which people are notified: one folder each, one trait, one constant list. A channel sends a [`Message`]; how it is
//! written, what is escaped and what an answer means is the channel's own matter.

mod check;
mod hook;
mod letter;
mod mail;
mod mailing;
mod mattermost;
mod message;
mod settings;
mod slack;
mod teams;
mod webhook;

use async_trait::async_trait;
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass, template::Template};
use secrecy::SecretString;
use std::sync::Arc;

pub use check::check;
pub use letter::Letter;
pub use mailing::{Attachment, Late, Mailing, RECIPIENTS_MAX, is_address};
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

    /// Sends a message to a customer. Neither the error nor the log says to whom, or what the other side says of that.
    ///
    /// # Errors
    /// `rejected` where the address is none, or is refused for good; the others as [`Channel::send`] has them. `misconfigured` where
    /// this channel reaches no customers.
    async fn send_letter(&self, letter: &Letter, log: &dyn CallLog) -> Result<(), CallError> {
        let _ = (letter, log);
        Err(CallError::new(ErrorClass::Misconfigured, "this channel reaches no customers: choose one for mail"))
    }

    /// Sends a mail to several people; how many of them the other side refused, while it took it for others. Neither the error nor
    /// the log says to whom.
    ///
    /// # Errors
    /// `rejected` where an address is none, or every one is refused for good; the others as [`Channel::send`] has them.
    /// `misconfigured` where this channel sends no mail.
    async fn send_mailing(&self, mailing: &Mailing, log: &dyn CallLog) -> Result<usize, CallError> {
        let _ = (mailing, log);
        Err(CallError::new(ErrorClass::Misconfigured, "this channel sends no mail: choose one that does"))
    }
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

/// Whether this channel reaches a customer by the address that an order has.
pub fn reaches_customers(id: &str) -> bool {
    id == mail::MANIFEST.id
}

/// Whether this channel works without a secret: a mail server that takes mail from its own network.
pub fn works_without_secret(id: &str) -> bool {
    id == mail::MANIFEST.id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_channel() {
        let document = include_str!("../../../../docs/ALERTS.md");
        let head = "| connector | secret | what goes out | when the outcome is unknown |\n|---|---|---|---|\n";
        let (_, table) = document.split_once(head).expect("docs/ALERTS.md has the table of channels");
        let written: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let all: Vec<Template> = templates().collect();
        assert_eq!(written.len(), all.len(), "{written:?}");
        for (line, channel) in written.iter().zip(all) {
            let row = format!("| `{}` | {} | {} | ", channel.id, channel.secret_label, channel.writes);
            assert!(line.starts_with(&row), "{line}, and not {row}");
        }
    }
}
