//! Microsoft Teams, by a workflow that posts what its webhook gets
//! (<https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>): one adaptive card.
//! Texts are text runs, which are not read as Markdown.

use crate::{Channel, ChannelConfig, Manifest, Message, hook::Hook, settings};
use async_trait::async_trait;
use domain::Severity;
use jiff::Timestamp;
use outbound::{
    CallError, CallLog,
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) static MANIFEST: Manifest = Manifest { id: "teams", label: "Microsoft Teams" };

/// Messages a second that a webhook takes: four, and other apps may use it too.
const RATE: u32 = 2;
/// A message has at most 28 KB; lines that would go beyond are left out.
const CARD_BYTES_MAX: usize = 24 * 1024;

struct Teams(Hook);

pub(super) fn template() -> Template {
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Channel,
        version: 1,
        fields: settings::of_every_channel().to_vec(),
        secret_label: "Webhook URL",
        secret_help: "In Teams: the channel's menu, Workflows, Post to a channel when a webhook request is received, Copy.",
        reads: "Nothing",
        writes: "Messages in one channel",
        signs_in: "Secret address",
    }
}

pub(super) fn connect(config: ChannelConfig) -> Result<Arc<dyn Channel>, CallError> {
    Ok(Arc::new(Teams(Hook::new(&config, RATE)?)))
}

fn run(text: &str, weight: &str, colour: &str) -> Value {
    json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight, "color": colour}]})
}

fn body(message: &Message) -> Value {
    let colour = match message.severity {
        Severity::Critical => "attention",
        Severity::Major => "warning",
        Severity::Minor | Severity::Info => "default",
    };
    let headline = message.headline();
    let mut rows = vec![run(&headline, "bolder", colour)];
    let mut bytes = headline.len();
    for line in message.body() {
        bytes += line.len() + 128;
        if bytes > CARD_BYTES_MAX {
            break;
        }
        rows.push(run(&line, "default", "default"));
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": headline,
        "body": rows,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Milepost", "url": message.link}],
        "msteams": {"width": "Full"},
    });
    json!({
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card}],
    })
}

#[async_trait]
impl Channel for Teams {
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
    fn a_card_is_within_its_size_and_reads_no_markdown() {
        let mut message = Message::test("id", "https://milepost.example", Timestamp::UNIX_EPOCH);
        message.title = "**bold** [here](https://evil.example)".into();
        message.lines = vec!["ü".repeat(500); 20];
        let body = body(&message);
        let card = &body["attachments"][0]["content"];
        assert_eq!(card["body"][0]["inlines"][0]["text"], "Test: **bold** [here](https://evil.example)");
        assert!(body.to_string().len() <= 28 * 1024, "{}", body.to_string().len());
        assert!(!body.to_string().contains("\"TextBlock\""));
    }
}
