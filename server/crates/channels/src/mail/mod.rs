//! Mail over SMTP (RFC 5321), plain text. The server's answer to the end of the message decides: without it the outcome is unknown, and
//! the same message goes out again under the same `Message-ID`, by which mail systems know a repeat. Messages about one alert are one
//! thread.

mod smtp;

use crate::{Channel, ChannelConfig, Late, Letter, Mailing, Manifest, Message, Security, message::Kind, settings};
use async_trait::async_trait;
use domain::{alerts::machine::Notice, visible::visible_line};
use jiff::Timestamp;
use lettre::{
    Address, Message as Mail,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use outbound::{
    Call, CallError, CallLog, ErrorClass, Outcome, is_in_clear,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use secrecy::{ExposeSecret, SecretString};
use smtp::{Server, Waits};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) static MANIFEST: Manifest = Manifest { id: "mail", label: "Mail (SMTP)" };

/// Recipients of a channel.
const RECIPIENTS_MAX: usize = 50;

struct MailChannel {
    server: Server,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// What ids of messages end with: the host of this installation.
    host: String,
}

pub(super) fn template() -> Template {
    let securities = vec![("starttls", "STARTTLS"), ("tls", "TLS from the first byte"), ("none", "Not encrypted")];
    let port = FieldKind::Number { least: 1, most: 65_535 };
    let fields = [
        Field::new("host", "Mail server", FieldKind::Text, "Its host name, like smtp.example.com.").required(),
        Field::new("port", "Port", port, "If empty: 587 with STARTTLS, 465 with TLS, 25 without encryption.").upfront(),
        Field::new(
            "security",
            "Encryption",
            FieldKind::Choice(securities),
            "With STARTTLS nothing is sent to a server that does not offer it.",
        )
        .or("starttls")
        .upfront(),
        Field::new("login", "User", FieldKind::Text, "Empty where the server takes mail without signing in.").upfront(),
        Field::new("from", "From", FieldKind::Text, "The sender, like Milepost <milepost@example.com>.").required(),
        Field::new("to", "To", FieldKind::List, "Who gets the alerts, separated by commas.").required(),
    ];
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Channel,
        version: 1,
        fields: fields.into_iter().chain(settings::of_every_channel()).collect(),
        secret_label: "Password",
        secret_help: "The password of the user at the mail server, or an app password; none where it asks for no sign-in.",
        reads: "Nothing",
        writes: "Mails",
        signs_in: "User and password",
    }
}

pub(super) fn connect(config: ChannelConfig) -> Result<Arc<dyn Channel>, CallError> {
    let wrong = |text: String| CallError::new(ErrorClass::Misconfigured, text);
    let set = &config.settings;
    let host = set.host.trim();
    if host.is_empty() || host.contains(['/', ' ', '@', ':']) {
        return Err(wrong("the mail server is a host name, like smtp.example.com".into()));
    }
    // the text is a person's: which one it is is said by its place
    let mailbox = |text: &str, which: &str| {
        text.trim().parse::<Mailbox>().map_err(|_| wrong(format!("{which} is no mail address")))
    };
    let from = mailbox(&set.from, "the sender (From)")?;
    let to = set.to.iter().enumerate().map(|(n, text)| mailbox(text, &format!("recipient {} (To)", n + 1)));
    let to = to.collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() || to.len() > RECIPIENTS_MAX {
        return Err(wrong(format!("a mail channel has 1 to {RECIPIENTS_MAX} recipients")));
    }
    let password = config.secrets.first().map(|secret| secret.expose_secret().trim()).unwrap_or_default();
    outbound::secrets::know(password);
    let login = set.login.trim();
    if login.is_empty() != password.is_empty() {
        let text = "a user and a password belong together: give both, or neither where the server asks for none";
        return Err(wrong(text.into()));
    }
    if !login.is_empty() && set.security == Security::None && is_in_clear(&format!("http://{host}")) {
        let text = "the password would go unencrypted over the network: choose STARTTLS or TLS, or a server that needs no sign-in";
        return Err(wrong(text.into()));
    }
    let login = (!login.is_empty()).then(|| (login.to_owned(), SecretString::from(password)));
    let port = set.port.unwrap_or(match set.security {
        Security::Starttls => 587,
        Security::Tls => 465,
        Security::None => 25,
    });
    let public = outbound::Url::parse(&config.public_url).ok();
    let own = public.as_ref().and_then(outbound::Url::host_str).unwrap_or("localhost").to_owned();
    let refused = ErrorClass::Misconfigured;
    let server = Server {
        host: host.to_owned(),
        port,
        security: set.security,
        login,
        own: own.clone(),
        refused,
        waits: Waits::ForNone,
    };
    Ok(Arc::new(MailChannel { server, from, to, host: own }))
}

impl MailChannel {
    /// The mail as it goes out.
    fn written(&self, message: &Message) -> Result<Vec<u8>, CallError> {
        let text = format!("{}\n\n{}\n", message.body().join("\n\n"), message.link);
        let id = |id: &str| format!("<{id}@{}>", self.host);
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(message.headline())
            .date(
                std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(message.at.as_second()).unwrap_or_default()),
            )
            .message_id(Some(id(&message.id)));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        if !matches!(message.kind, Kind::Test | Kind::Alert(Notice::Opened)) {
            mail = mail.in_reply_to(id(&message.thread)).references(id(&message.thread));
        }
        let mail = mail.singlepart(SinglePart::plain(text)).map_err(unwritable)?;
        Ok(automatic(mail))
    }

    /// The mail to a customer as it goes out.
    fn addressed(&self, letter: &Letter, to: Address) -> Result<Vec<u8>, CallError> {
        let date = Duration::from_secs(u64::try_from(letter.at.as_second()).unwrap_or_default());
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(visible_line(&letter.subject))
            .date(std::time::UNIX_EPOCH + date)
            .message_id(Some(format!("<{}@{}>", letter.id, self.host)));
        let mut mail = mail.singlepart(SinglePart::plain(letter.text.clone())).map_err(unwritable)?;
        if let Some(language) = &letter.language {
            let name = HeaderName::new_from_ascii_str("Content-Language");
            mail.headers_mut().insert_raw(HeaderValue::new(name, language.replace('_', "-")));
        }
        Ok(automatic(mail))
    }
}

impl MailChannel {
    /// The mail to several people as it goes out.
    fn mailed(&self, mailing: &Mailing, to: &[Address]) -> Result<Vec<u8>, CallError> {
        let date = Duration::from_secs(u64::try_from(mailing.at.as_second()).unwrap_or_default());
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(visible_line(&mailing.subject))
            .date(std::time::UNIX_EPOCH + date)
            .message_id(Some(format!("<{}@{}>", mailing.id, self.host)));
        for to in to {
            mail = mail.to(Mailbox::new(None, to.clone()));
        }
        // of a mail that is sent again the same
        let boundary = |part: &str| format!("{part}-{}", mailing.id);
        let both = MultiPart::alternative()
            .boundary(boundary("text"))
            .singlepart(SinglePart::plain(mailing.text.clone()))
            .singlepart(SinglePart::html(mailing.html.clone()));
        let whole = match &mailing.file {
            None => both,
            Some(file) => {
                let media_type = ContentType::parse(file.media_type).map_err(unwritable)?;
                let part = Attachment::new(file.name.clone()).body(file.bytes.clone(), media_type);
                MultiPart::mixed().boundary(boundary("all")).multipart(both).singlepart(part)
            }
        };
        Ok(automatic(mail.multipart(whole).map_err(unwritable)?))
    }
}

fn unwritable<E>(_: E) -> CallError {
    CallError::new(ErrorClass::Rejected, "the mail cannot be written")
}

/// The mail as it goes out, marked so that no out-of-office notes come back (RFC 3834).
fn automatic(mut mail: Mail) -> Vec<u8> {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".into()));
    mail.formatted()
}

#[async_trait]
impl Channel for MailChannel {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn address(&self) -> String {
        let scheme = if self.server.security == Security::None { "smtp" } else { "smtps" };
        format!("{scheme}://{}:{}", self.server.host, self.server.port)
    }

    fn knows_repeats(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message, _now: Timestamp, log: &dyn CallLog) -> Result<(), CallError> {
        let mail = self.written(message)?;
        let to: Vec<Address> = self.to.iter().map(|mailbox| mailbox.email.clone()).collect();
        let started = Instant::now();
        let result = self.server.deliver(&self.from.email, &to, &mail).await;
        let (outcome, response) = match &result {
            Ok(refused) if *refused == 0 => (Outcome::Ok, String::new()),
            Ok(refused) => (Outcome::Ok, format!("{refused} of {} recipients refused", to.len())),
            Err(error) if error.class == ErrorClass::UnknownOutcome => {
                (Outcome::Unknown, error.whole().open().to_owned())
            }
            Err(error) => (Outcome::Failed, error.whole().open().to_owned()),
        };
        log.record(Call {
            destination: "channel",
            operation: "mail".into(),
            duration: started.elapsed(),
            status: result.as_ref().err().and_then(|error| error.status),
            outcome,
            // who gets it is a person's address
            request: format!("mail of {} bytes to {} recipients", mail.len(), to.len()).into(),
            response: response.into(),
            wait: None,
        });
        result.map(drop)
    }

    async fn send_letter(&self, letter: &Letter, log: &dyn CallLog) -> Result<(), CallError> {
        let odd = |_| CallError::new(ErrorClass::Rejected, "the customer's address is no mail address");
        let to = letter.to.trim().parse::<Address>().map_err(odd)?;
        let mail = self.addressed(letter, to.clone())?;
        let started = Instant::now();
        // an address that is refused is this customer's matter
        let server = Server { refused: ErrorClass::Rejected, ..self.server.clone() };
        let result = server.deliver(&self.from.email, &[to], &mail).await;
        // the server's own words name whom the mail is for
        let result = result.map_err(|error| error.saying("")).map(drop);
        let (outcome, response) = match &result {
            Ok(()) => (Outcome::Ok, String::new()),
            Err(error) if error.class == ErrorClass::UnknownOutcome => (Outcome::Unknown, error.message.clone()),
            Err(error) => (Outcome::Failed, error.message.clone()),
        };
        log.record(Call {
            destination: "channel",
            operation: "mail/customer".into(),
            duration: started.elapsed(),
            status: result.as_ref().err().and_then(|error| error.status),
            outcome,
            request: format!("mail of {} bytes to a customer", mail.len()).into(),
            response: response.into(),
            wait: None,
        });
        result
    }

    async fn send_mailing(&self, mailing: &Mailing, log: &dyn CallLog) -> Result<usize, CallError> {
        let odd = |_| CallError::new(ErrorClass::Rejected, "a recipient's address is no mail address");
        let to =
            mailing.to.iter().map(|to| to.trim().parse::<Address>()).collect::<Result<Vec<_>, _>>().map_err(odd)?;
        let mail = self.mailed(mailing, &to)?;
        let started = Instant::now();
        let waits = match mailing.late {
            Late::Waited => Waits::ForNone,
            Late::No => Waits::ForAll,
        };
        let server = Server { refused: ErrorClass::Rejected, waits, ..self.server.clone() };
        // the server's own words name whom the mail is for
        let result = server.deliver(&self.from.email, &to, &mail).await.map_err(|error| error.saying(""));
        let (outcome, response) = match &result {
            Ok(0) => (Outcome::Ok, String::new()),
            Ok(refused) => (Outcome::Ok, format!("{refused} of {} recipients refused", to.len())),
            Err(error) if error.class == ErrorClass::UnknownOutcome => (Outcome::Unknown, error.message.clone()),
            Err(error) => (Outcome::Failed, error.message.clone()),
        };
        log.record(Call {
            destination: "channel",
            operation: "mail/report".into(),
            duration: started.elapsed(),
            status: result.as_ref().err().and_then(|error| error.status),
            outcome,
            request: format!("mail of {} bytes to {} recipients", mail.len(), to.len()).into(),
            response: response.into(),
            wait: None,
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn config(change: impl FnOnce(&mut Settings)) -> ChannelConfig {
        let mut settings = Settings {
            host: "smtp.example.com".into(),
            from: "Milepost <milepost@example.com>".into(),
            to: vec!["duty@example.com".into(), "Ops <ops@example.com>".into()],
            login: "milepost".into(),
            ..Settings::default()
        };
        change(&mut settings);
        ChannelConfig { settings, secrets: vec!["a password".into()], public_url: "https://tower.example.com".into() }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        assert_eq!(connect(config(|_| ())).unwrap().address(), "smtps://smtp.example.com:587");
        let changes: [fn(&mut Settings); 5] = [
            |set| set.host = "https://smtp.example.com".into(),
            |set| set.from = "nobody".into(),
            |set| set.to = vec!["a@example.com\r\nBcc: b".into()],
            |set| set.to = Vec::new(),
            |set| set.login = String::new(),
        ];
        for change in changes {
            let error = connect(config(change)).err().unwrap();
            assert_eq!(error.class, ErrorClass::Misconfigured);
            assert!(!error.message.contains("Bcc"), "{error}");
        }
    }
}
