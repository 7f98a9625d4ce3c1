//! A mail server of a few commands (RFC 5321): it keeps what it takes and delivers nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A line has at most so many bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients that were taken.
    pub to: Vec<String>,
    /// Headers and text.
    pub text: String,
}

/// What goes wrong with one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// The user and password are refused.
    Unauthorized,
    /// The sender is refused.
    SenderRefused,
    /// The first recipient is refused, the others are taken.
    FirstRecipientRefused,
    /// Every recipient is to come again later (greylisting).
    Greylisted,
    /// The message is refused.
    MessageRefused,
    /// The message is taken, and the connection ends without an answer.
    EndsAfterMessage,
    /// The server has no time.
    Busy,
}

#[derive(Default)]
struct Inner {
    mails: Mutex<Vec<Mail>>,
    faults: Mutex<VecDeque<MailFault>>,
}

/// The mail server.
pub struct SandboxMail {
    inner: Arc<Inner>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// The user whom it knows, and the password.
const LOGIN: (&str, &str) = ("milepost", "sandbox-mail-password");

impl SandboxMail {
    /// Starts it on this machine; it encrypts nothing.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (inner, address) = (Arc::new(Inner::default()), listener.local_addr()?);
        let of_task = Arc::clone(&inner);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&of_task);
                // a client that leaves in the middle ends its own connection
                tokio::spawn(async move { drop(Session::new(inner).serve(stream).await) });
            }
        });
        Ok(Self { inner, address, task })
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The user and password that it takes.
    pub const fn login(&self) -> (&'static str, &'static str) {
        LOGIN
    }

    /// What it took, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        locked(&self.inner.mails).clone()
    }

    /// The next connections go wrong like this.
    pub fn fail(&self, fault: MailFault, count: usize) {
        locked(&self.inner.faults).extend(std::iter::repeat_n(fault, count));
    }
}

impl Drop for SandboxMail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Session {
    inner: Arc<Inner>,
    fault: Option<MailFault>,
    from: String,
    to: Vec<String>,
    seen: usize,
}

impl Session {
    fn new(inner: Arc<Inner>) -> Self {
        let fault = locked(&inner.faults).pop_front();
        Self { inner, fault, from: String::new(), to: Vec::new(), seen: 0 }
    }

    async fn serve(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        let greeting = if self.fault == Some(MailFault::Busy) { "421 too busy\r\n" } else { "220 sandbox ESMTP\r\n" };
        write.write_all(greeting.as_bytes()).await?;
        let mut line = String::new();
        loop {
            line.clear();
            if read.read_line(&mut line).await? == 0 || line.len() > LINE_BYTES_MAX {
                return Ok(());
            }
            let answer = self.answer(line.trim_end());
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
            if answer.starts_with("354") {
                let text = message(&mut read).await?;
                let Some(answer) = self.take(text) else { return Ok(()) };
                write.write_all(format!("{answer}\r\n").as_bytes()).await?;
            }
            if answer.starts_with("221") {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, line: &str) -> &'static str {
        let upper = line.to_ascii_uppercase();
        let address = || line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
        match upper.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-sandbox\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" if self.fault == Some(MailFault::Unauthorized) || !is_login(line) => "535 5.7.8 credentials invalid",
            "AUTH" => "235 2.7.0 accepted",
            "MAIL" if self.fault == Some(MailFault::SenderRefused) => "550 5.7.1 sender not allowed",
            "MAIL" => {
                self.from = address().unwrap_or_default().to_owned();
                "250 2.1.0 sender ok"
            }
            "RCPT" => {
                self.seen += 1;
                match self.fault {
                    Some(MailFault::Greylisted) => "450 4.7.1 come again later",
                    Some(MailFault::FirstRecipientRefused) if self.seen == 1 => "550 5.1.1 no such user",
                    _ => {
                        self.to.extend(address().map(str::to_owned));
                        "250 2.1.5 recipient ok"
                    }
                }
            }
            "DATA" => "354 end with a dot",
            "QUIT" => "221 bye",
            "NOOP" | "RSET" => "250 ok",
            _ => "502 5.5.1 not here",
        }
    }

    /// The answer to a message; none where the connection ends.
    fn take(&mut self, text: String) -> Option<&'static str> {
        if self.fault == Some(MailFault::MessageRefused) {
            return Some("554 5.6.0 refused");
        }
        let mail = Mail { from: std::mem::take(&mut self.from), to: std::mem::take(&mut self.to), text };
        locked(&self.inner.mails).push(mail);
        (self.fault != Some(MailFault::EndsAfterMessage)).then_some("250 2.0.0 queued")
    }
}

fn is_login(line: &str) -> bool {
    let given = line.split(' ').nth(2).and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    given == format!("\0{}\0{}", LOGIN.0, LOGIN.1).as_bytes()
}

/// A message up to the line with the dot alone.
async fn message(read: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let (mut text, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if read.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
