//! Simulated receivers of notifications: the incoming webhooks of Slack, Teams and Mattermost, a signed webhook, and a mail server. They
//! keep what they get and answer as the real ones do.

mod chats;
mod smtp;

pub use chats::{Post, SandboxHooks};
pub use smtp::{Mail, MailFault, SandboxMail};
