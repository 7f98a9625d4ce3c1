//! Channels against the simulated receivers.

mod chats;
mod mail;
mod webhook;
