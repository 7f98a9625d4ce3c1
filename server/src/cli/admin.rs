//! Small commands for admins: sources, keys, erasures. They run beside a server.

use crate::{
    bootstrap,
    config::{self, Settings},
};
use anyhow::{Result, bail, ensure};
use application::caller::Caller;
use application::{
    clock::{Clock, SystemClock},
    connections::{inbound, sources},
    context::Context,
    error::UseCaseError,
    governance::erasure,
    vault::KEY_BYTES,
};
use carriers::Scheme;
use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    sync::Arc,
};
use storage::{Actor, Scope};

/// The installation for a command, and on whose behalf it acts.
pub(super) async fn context(settings: Settings) -> Result<(Arc<Context>, Scope)> {
    let context = bootstrap::beside(settings.resolve()?, Arc::new(SystemClock)).await?;
    let scope = Scope { company: context.company, actor: Actor::Operator };
    Ok((context, scope))
}

/// Reads a secret from standard input, so that it is in no history and no process list.
pub(super) fn secret_from_stdin(what: &str) -> Result<String> {
    let mut line = String::new();
    if std::io::stdin().is_terminal() {
        eprint!("{what} (not shown as you type): ");
        let hidden = Hidden::begin()?;
        let read = std::io::stdin().lock().read_line(&mut line);
        drop(hidden);
        eprintln!();
        read?;
    } else {
        std::io::stdin().lock().read_line(&mut line)?;
    }
    let secret = line.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!secret.is_empty(), "no {what} on standard input: type it when asked, or pipe it in: command < FILE");
    Ok(secret)
}

/// The terminal does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // what was typed before was shown: it is no part of the secret
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0) {
            eprintln!("the terminal still hides what is typed ({error}): run `stty echo`");
        }
    }
}

/// Sources of messages.
#[derive(Subcommand)]
pub enum Source {
    /// Make or change a source; the secret is read from standard input.
    Put(Box<PutSource>),
    /// Remove a source: its messages are refused. Messages received before stay; under the same name one can be made
    /// again.
    Remove {
        /// Its name.
        name: String,
        /// The reason, for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
    /// Refuse its messages, until it is enabled again; its secrets are kept.
    Disable {
        /// Its name.
        name: String,
        /// The reason, for the audit trail.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
    /// Accept its messages again.
    Enable {
        /// Its name.
        name: String,
    },
    /// Its secrets.
    #[command(subcommand)]
    Secret(Secret),
    /// Show the sources.
    List,
}

/// The secrets of a source.
#[derive(Subcommand)]
pub enum Secret {
    /// Refuse the secret from before the last change, which is valid beside the new one until then.
    DropOld {
        /// The name of the source.
        name: String,
    },
}

/// A source as an admin sets it.
#[derive(Args)]
pub struct PutSource {
    /// The name in /ingest/NAME: lower case letters, digits, hyphens.
    name: String,
    /// The connector, e.g. aftership, x12_214, generic_json (`milepost decode --help` shows all).
    #[arg(long)]
    connector: String,
    /// How it proves who it is; default: the connector's usual way.
    #[arg(long)]
    scheme: Option<String>,
    /// The header that holds a shared secret, where it is not the platform's usual one.
    #[arg(long, value_name = "NAME")]
    header: Option<String>,
    /// A network (CIDR) from which requests are taken; may be given several times. Default: every one.
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<ipnet::IpNet>,
    /// The carrier of messages that name none, e.g. dhl.
    #[arg(long)]
    carrier: Option<String>,
    /// The zone of times for which neither the message nor the place names one, e.g. Europe/Berlin.
    #[arg(long)]
    zone: Option<String>,
    /// Process messages that are marked as tests as if they had happened. Only where the installation is for testing.
    #[arg(long)]
    take_tests: bool,
    /// Where the platform publishes its keys (JWKS); they are fetched instead of read from standard input.
    #[arg(long, value_name = "URL")]
    keys_url: Option<String>,
    /// I know that the proof of this source is weak, and accept the risk: it does not cover the body and no --network is
    /// named, or its secret can be guessed.
    #[arg(long)]
    i_know: bool,
    /// File with the fields of a generic JSON source (docs/GENERIC_JSON.md).
    #[arg(long, value_name = "FILE")]
    fields: Option<PathBuf>,
}

impl Source {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::Put(source) => {
                // what is wrong is said before anybody types a secret
                inbound::check_name(&source.name, &source.connector)?;
                let source = source.read()?;
                let name = source.name.clone();
                sources::put(&context, &Caller::trusted(scope), source).await?;
                let (url, whence) = inbound::public_url(&context, scope).await?;
                say!("carriers post to {url}/ingest/{name}");
                say!("{whence}");
            }
            Self::Remove { name, why } => {
                sources::remove(&context, &Caller::trusted(scope), &name, why).await?;
                say!("source {name} is removed: what is posted there is refused from now on; its messages are kept");
            }
            Self::Disable { name, why } => {
                sources::disable(&context, &Caller::trusted(scope), &name, why).await?;
                say!("source {name} is disabled: a running server refuses its messages within seconds");
            }
            Self::Enable { name } => {
                sources::enable(&context, &Caller::trusted(scope), &name).await?;
                say!("source {name} accepts messages again");
            }
            Self::Secret(Secret::DropOld { name }) => {
                sources::drop_old_secret(&context, &Caller::trusted(scope), &name).await?;
                say!("source {name} accepts its newest secret only: a running server does so within seconds");
            }
            Self::List => list_sources(&context, scope).await?,
        }
        Ok(())
    }
}

async fn list_sources(context: &Context, scope: Scope) -> Result<()> {
    let sources = sources::kept(context, &Caller::trusted(scope)).await?;
    if sources.is_empty() {
        say!("no source yet: make one with `milepost source put NAME --connector CONNECTOR`");
    }
    for (source, secrets) in sources {
        let enabled = if source.enabled { "enabled" } else { "disabled" };
        let old = match secrets {
            Ok(0 | 1) => String::new(),
            Ok(_) => ", the one before is valid too".into(),
            Err(error) => format!(", which cannot be opened: {error:#}"),
        };
        say!(
            "{}\t{}\t{}\t{enabled}\tsecret set {}{old}",
            source.name,
            source.connector,
            source.scheme,
            source.secret_set_at
        );
    }
    Ok(())
}

impl PutSource {
    /// With its fields and its secret read.
    fn read(self) -> Result<sources::NewSource> {
        let Self { name, connector, scheme, header, networks, carrier, zone, keys_url, fields, take_tests, i_know } =
            self;
        let fields = fields.as_deref().map(super::decode::fields_of).transpose()?;
        let no_secret = keys_url.is_some() || scheme.as_deref() == Some(Scheme::IpAllowList.name());
        let tests = if take_tests { carriers::Tests::Taken } else { carriers::Tests::Shown };
        let settings =
            carriers::Settings { carrier, zone, header, networks, keys_url, fields, tests, weakness_known: i_know };
        let secret = if no_secret { String::new() } else { secret_from_stdin("secret")? };
        Ok(sources::NewSource { name, connector, scheme, secret, settings })
    }
}

/// Keys.
#[derive(Subcommand)]
pub enum Key {
    /// Make a master key file (readable by its owner only; an existing file is never overwritten).
    New {
        /// The file.
        file: PathBuf,
    },
}

impl Key {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let Self::New { file } = self;
        if let Some(folder) = file.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut key = [0; KEY_BYTES];
        SystemClock.fill(&mut key);
        config::write_key(&file, &key)?;
        say!(
            "master key written to {}; keep a copy apart from the backups: without it they cannot be read",
            file.display()
        );
        Ok(())
    }
}

/// Erase the customer of a shipment for good: name, address, mail, and the words under which they were found. The order
/// system has them still: erase them there too; what it says of them is not taken in again. Or erase the name of an agent.
#[derive(Args)]
pub struct Erase {
    /// The shipment: its number, order, delivery or id.
    #[arg(required_unless_present = "agent", conflicts_with = "agent")]
    shipment: Option<String>,
    /// The agent of the service desk, by the login there.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// The reason, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    why: String,
}

impl Erase {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self { agent: Some(name), why, .. } => erase_agent(&context, scope, &name, why).await,
            Self { shipment: Some(words), why, .. } => erase_customer(&context, scope, &words, why).await,
            Self { .. } => bail!("name a shipment, or an agent with --agent"),
        }
    }
}

async fn erase_customer(context: &Context, scope: Scope, words: &str, why: String) -> Result<()> {
    let found = match words.parse() {
        Ok(id) => vec![id],
        Err(_) => context.store.shipments.find(scope, words).await?,
    };
    let [id] = found[..] else {
        match found.len() {
            0 => bail!("no shipment matches {words}: give its number, order, delivery or id"),
            n => bail!("{n} shipments match {words}: name one by its id"),
        }
    };
    let left = erasure::erase_customer(context, &Caller::trusted(scope), id, why).await?;
    say!("the customer of shipment {id} is erased, and will be again after a restore");
    if left.unfinished > 0 {
        say!("{} messages about it are still to be read: the server erases them when they are", left.unfinished);
    }
    if left.unopened > 0 {
        say!("{} messages about it are not opened by the master key, and stay as they are", left.unopened);
    }
    if left.is_in_log {
        say!(
            "erased texts may still be in the log beside the database, since a reader is active: the server truncates it later"
        );
    }
    Ok(())
}

async fn erase_agent(context: &Context, scope: Scope, name: &str, why: String) -> Result<()> {
    match erasure::erase_agent(context, &Caller::trusted(scope), name, why).await {
        Err(UseCaseError::NotFound(_)) => {
            bail!(
                "no name of an agent {name} is kept: give the login at the service desk, exactly as it is written there"
            )
        }
        other => other?,
    }
    say!("the name of agent {name} is erased, and will be again after a restore");
    Ok(())
}
