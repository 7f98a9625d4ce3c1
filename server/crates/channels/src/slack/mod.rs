//! Slack, by an incoming webhook (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>). A message is plain
//! text in blocks, which Slack does not read for mentions or formatting; the fallback text is escaped as
//! <https://docs.slack.dev/messaging/formatting-message-text> has it. One message a second for each webhook.

use crate::{
    Channel, ChannelConfig, Manifest, Message,
    hook::{Hook, word},
    message::cut,
    settings,
};
use async_trait::async_trait;
use jiff::Timestamp;
use outbound::{
    CallError, CallLog, ErrorClass, Response,
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) static MANIFEST: Manifest = Manifest { id: "slack", label: "Slack" };

/// Messages a second that a webhook takes (<https://docs.slack.dev/apis/web-api/rate-limits>).
const RATE: u32 = 1;
/// A section's text has at most so many characters.
const SECTION_CHARS_MAX: usize = 3_000;

struct Slack(Hook);

pub(super) fn template() -> Template {
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Channel,
        version: 1,
        fields: settings::of_every_channel().to_vec(),
        secret_label: "Webhook URL",
        secret_help: "In Slack: your app, Incoming Webhooks, Add New Webhook to Workspace, choose the channel, Copy.",
        reads: "Nothing",
        writes: "Messages in one channel",
        signs_in: "Secret address",
    }
}

pub(super) fn connect(config: ChannelConfig) -> Result<Arc<dyn Channel>, CallError> {
    Ok(Arc::new(Slack(Hook::new(&config, RATE)?)))
}

/// The three characters that Slack reads as its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn body(message: &Message) -> Value {
    let plain = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
    let text = cut(&message.body().join("\n"), SECTION_CHARS_MAX);
    let mut blocks = vec![json!({"type": "header", "text": plain(message.headline())})];
    if !text.is_empty() {
        blocks.push(json!({"type": "section", "text": plain(text)}));
    }
    blocks.push(json!({"type": "actions", "elements": [
        {"type": "button", "text": plain("Open in Milepost".into()), "url": message.link},
    ]}));
    json!({"text": escaped(&message.headline()), "mrkdwn": false, "blocks": blocks})
}

/// Slack's own words for what is wrong with a webhook; a wrong payload is one message's fault.
fn refused(answer: &Response) -> Option<CallError> {
    let word = word(answer);
    let class = match word {
        "invalid_payload" | "invalid_blocks" | "too_many_attachments" => ErrorClass::Rejected,
        "channel_not_found"
        | "channel_is_archived"
        | "no_service"
        | "no_service_id"
        | "no_team"
        | "no_active_hooks"
        | "action_prohibited"
        | "posting_to_general_channel_denied"
        | "invalid_token"
        | "user_not_found"
        | "team_disabled" => ErrorClass::Misconfigured,
        "rollup_error" => ErrorClass::ServerError,
        _ => return None,
    };
    let error = CallError::new(class, format!("Slack answered {} {word}", answer.status));
    Some(match class {
        ErrorClass::Misconfigured => {
            error.advising("make a new webhook in Slack and rotate the secret of this connection")
        }
        _ => error,
    })
}

#[async_trait]
impl Channel for Slack {
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
        self.0.post(body(message), log, refused).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_mentions_people_or_links() {
        let mut message = Message::test("id", "https://milepost.example", Timestamp::UNIX_EPOCH);
        message.title = "<!channel> & <https://evil.example|here>".into();
        let body = body(&message);
        assert_eq!(body["text"], "Test: &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;");
        assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
        assert_eq!(body["blocks"][0]["text"]["text"], "Test: <!channel> & <https://evil.example|here>");
    }
}
