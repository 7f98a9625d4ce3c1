//! Mattermost, by an incoming webhook (<https://developers.mattermost.com/integrate/webhooks/incoming/>). Its messages are Markdown:
//! every character that means something there is escaped, and nothing in a text mentions people.

use crate::{Channel, ChannelConfig, Manifest, Message, hook::Hook, message::cut, settings};
use async_trait::async_trait;
use jiff::Timestamp;
use outbound::{
    CallError, CallLog,
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) static MANIFEST: Manifest = Manifest { id: "mattermost", label: "Mattermost" };

/// Messages a second: a server takes ten of a client as it is installed.
const RATE: u32 = 5;
/// A message has at most 16,383 characters.
const TEXT_CHARS_MAX: usize = 16_000;

struct Mattermost(Hook);

pub(super) fn template() -> Template {
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Channel,
        version: 1,
        fields: settings::of_every_channel().to_vec(),
        secret_label: "Webhook URL",
        secret_help: "In Mattermost: Integrations, Incoming Webhooks, Add, choose the channel, copy its URL.",
        reads: "Nothing",
        writes: "Messages in one channel",
        signs_in: "Secret address",
    }
}

pub(super) fn connect(config: ChannelConfig) -> Result<Arc<dyn Channel>, CallError> {
    Ok(Arc::new(Mattermost(Hook::new(&config, RATE)?)))
}

/// A text as Mattermost shows it letter by letter. A mention is no Markdown: its sign is followed by a mark of no width.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '<' | '>' | '~' | '@'
        ) {
            out.push('\\');
        }
        out.push(c);
        if c == '@' {
            out.push('\u{2060}');
        }
    }
    out
}

fn body(message: &Message) -> Value {
    let lines: Vec<_> = message.body().iter().map(|line| escaped(line)).collect();
    let text =
        format!("**{}**\n{}\n[Open in Milepost]({})", escaped(&message.headline()), lines.join("\n"), message.link);
    json!({"text": cut(&text, TEXT_CHARS_MAX), "username": "Milepost"})
}

#[async_trait]
impl Channel for Mattermost {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn address(&self) -> String {
        self.0.site()
    }

    fn knows_repeats(&self) -> bool {
        false
    }

    async fn send(&self, message: &Message, _now: Timestamp, log: &dyn CallLog) -> Result<(), CallError> {
        self.0.post(body(message), log, |_| None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_mentions_people_or_formats() {
        for (text, shown) in [
            ("@channel", "\\@\u{2060}channel"),
            ("[here](https://evil.example)", "\\[here\\]\\(https://evil.example\\)"),
            ("**bold** `code`", "\\*\\*bold\\*\\* \\`code\\`"),
            ("37 shipments, 5 %", "37 shipments, 5 %"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }
}
