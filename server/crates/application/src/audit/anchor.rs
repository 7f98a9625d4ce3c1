//! The anchor: the newest line of the audit trail, kept in a file outside of the database and its backups. A trail whose end
//! was cut off, or that was written anew, has that line no longer. The file is sealed under the master key and never goes
//! back; where a restore or a person goes on from another line, it keeps what was anchored before.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    vault::Vault,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use storage::{
    Scope,
    chain::{self, Position, Walked},
};

/// What the file's MAC is of.
const KIND: &str = "audit anchor";
/// The action of the line where a server found no anchor beside a trail that has lines.
const BEGUN: &str = "audit.anchor_begun";
/// Former anchors that are kept.
const FORMER: usize = 100;

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The newest line.
    pub head: Head,
    /// Newest lines of before the trail went on from another one, oldest first.
    pub former: Vec<Former>,
}

/// A line of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number; 0 where there is none yet.
    pub line: i64,
    /// Its MAC, in hexadecimal.
    pub mac: String,
    /// When it was seen.
    pub at: Timestamp,
}

/// A newest line that the trail may not have any more, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The line.
    pub head: Head,
    /// The action of the line about what happened: `backup.restored`.
    pub action: String,
    /// From which line the trail went on.
    pub from: i64,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    anchor: Anchor,
    mac: String,
}

/// What is wrong with the trail or its anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The chain.
    #[error(
        "line {0} does not follow from the one before: it, or one before it, was changed or removed; restore a backup, or go on with \
         the lines as they are with `milepost audit accept`"
    )]
    Broken(i64),
    /// No chain.
    #[error(
        "none of the {0} lines carries a MAC: somebody removed them, or an upgrade was interrupted before the chain was begun; go \
         on with the lines as they are with `milepost audit accept`"
    )]
    NotBegun(i64),
    /// The end is gone.
    #[error("the trail ends at line {newest}, and line {} was there at {:.0}: lines were removed{}", .head.line, .head.at, explain())]
    Cut {
        /// Its newest line.
        newest: i64,
        /// The one that was there.
        head: Head,
    },
    /// Another chain.
    #[error("line {} is not the one that was there at {:.0}: the trail was written anew{}", .0.line, .0.at, explain())]
    WrittenAnew(Head),
    /// The file.
    #[error(
        "{0} was changed, or is of another installation or master key: put back the file as it was, or if it is lost, accept the trail \
         as it is with `milepost audit accept`"
    )]
    Changed(PathBuf),
    /// No file.
    #[error(
        "{0} is missing, so that a trail whose end was cut off is not noticed: put it back, or name it with --audit-anchor; a \
         server begins a new one at its start"
    )]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    Unusable(PathBuf, String),
}

const fn explain() -> &'static str {
    "; after a backup that was put in place by hand, accept it with `milepost audit accept`"
}

/// What a check of everything found.
#[derive(Debug)]
pub struct Report {
    /// The newest line.
    pub lines: i64,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The anchor, where it can be read.
    pub anchor: Option<Anchor>,
}

/// Walks the whole chain, and holds it against the anchor.
///
/// # Errors
/// When the store fails.
pub async fn check(context: &Context, scope: Scope) -> Result<Report> {
    // first of all: beside a server that goes on writing, the trail has by the time it is read whatever was anchored before
    let anchored = read(&context.config.audit_anchor, &context.vault);
    let newest = newest(context, scope).await?;
    let mut faults: Vec<Fault> = walk(context, scope, Position::default()).await?.err().into_iter().collect();
    let anchor = match anchored {
        Ok(Some(anchor)) => {
            faults.extend(held(context, scope, &anchor.head, newest.seq).await?);
            Some(anchor)
        }
        Ok(None) => {
            // a trail that has not begun has nothing to be held against
            faults.extend((newest.seq > 0).then(|| Fault::Missing(context.config.audit_anchor.clone())));
            None
        }
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    Ok(Report { lines: newest.seq, faults, anchor })
}

/// Walks the chain from a place; where it ends.
///
/// # Errors
/// When the store fails.
pub async fn walk(context: &Context, scope: Scope, from: Position) -> Result<std::result::Result<Position, Fault>> {
    Ok(match chain::walk(&*context.store.people, scope, &context.vault.audit_key(), from).await? {
        Walked::Through(place) => Ok(place),
        Walked::Broken(line) => Err(Fault::Broken(line)),
        Walked::NotBegun(lines) => Err(Fault::NotBegun(lines)),
    })
}

/// Makes the anchor of a trail that has no line yet.
///
/// # Errors
/// When the store fails or the file cannot be written.
pub async fn prepare(context: &Context) -> Result<()> {
    if !context.config.audit_anchor.exists() && newest(context, context.scope()).await? == Position::default() {
        advance(context, &Position::default()).map_err(unusable)?;
    }
    Ok(())
}

/// What follows the trail, look by look.
#[derive(Debug, Default)]
pub struct Follower {
    anchored: Option<Position>,
    fault: Option<Fault>,
}

impl Follower {
    /// Looks at what is new, and anchors it; what is wrong is logged once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(&mut self, context: &Context) -> Result<()> {
        let newest = newest(context, context.scope()).await?;
        if self.anchored.as_ref() == Some(&newest) {
            return Ok(());
        }
        let found = match follow(context).await? {
            Ok(anchored) => {
                self.anchored = Some(anchored);
                None
            }
            Err(fault) => Some(fault),
        };
        metrics::gauge!("milepost_audit_faults").set(f64::from(u8::from(found.is_some())));
        if let Some(fault) = found.as_ref().filter(|fault| self.fault.as_ref() != Some(fault)) {
            tracing::error!("audit trail: {fault}");
        }
        self.fault = found;
        Ok(())
    }
}

/// Checks what came since the anchor, and moves it on; the line where it is then. Without one it stays as it is.
///
/// # Errors
/// When the store fails.
pub async fn follow(context: &Context) -> Result<std::result::Result<Position, Fault>> {
    let scope = context.scope();
    let anchor = match read(&context.config.audit_anchor, &context.vault) {
        Ok(Some(anchor)) => anchor,
        Ok(None) => return Ok(Err(Fault::Missing(context.config.audit_anchor.clone()))),
        Err(fault) => return Ok(Err(fault)),
    };
    let newest = newest(context, scope).await?.seq;
    if let Some(fault) = held(context, scope, &anchor.head, newest).await? {
        return Ok(Err(fault));
    }
    let Some(from) = anchor.head.place() else {
        return Ok(Err(Fault::Changed(context.config.audit_anchor.clone())));
    };
    Ok(walk(context, scope, from).await?.and_then(|place| advance(context, &place).map(|()| place)))
}

/// At a server's start: makes the anchor where there is none, with a line in the trail, if the chain is intact; otherwise does what
/// [`follow`] does.
///
/// # Errors
/// When the store fails.
pub async fn start(context: &Context) -> Result<()> {
    let scope = context.scope();
    if !context.config.audit_anchor.exists() && newest(context, scope).await?.seq > 0 {
        if let Err(fault) = walk(context, scope, Position::default()).await? {
            tracing::error!("audit trail: {fault}");
            return Ok(());
        }
        let file = context.config.audit_anchor.display().to_string();
        tracing::warn!(
            "audit trail: {file} is missing; a new anchor starts at the newest line, so lines cut off before are not noticed"
        );
        let why = crate::audit::reason(context, scope, &format!("{file} was not there")).await?;
        context.store.people.audit(scope, context.audit(BEGUN, "audit").why(Some(why))).await?;
        anew(context, scope, BEGUN).await?;
    }
    prepare(context).await?;
    Follower::default().look(context).await
}

/// Goes on from the newest line, whatever was anchored; that is kept. The line with the reason has been written before.
///
/// # Errors
/// When the store fails or the file cannot be written.
pub async fn anew(context: &Context, scope: Scope, action: &str) -> Result<()> {
    let (path, newest) = (&context.config.audit_anchor, newest(context, scope).await?);
    let _locked = lock(path).map_err(|error| unusable(Fault::Unusable(path.clone(), error.to_string())))?;
    let mut former = match read(path, &context.vault) {
        Ok(Some(anchor)) => {
            let mut former = anchor.former;
            former.push(Former { head: anchor.head, action: action.to_owned(), from: newest.seq });
            former
        }
        Ok(None) => Vec::new(),
        Err(_) => {
            let aside = format!("{}.before-{}", path.display(), context.now().strftime("%Y%m%d%H%M%S"));
            std::fs::rename(path, aside).map_err(|error| unusable(Fault::Unusable(path.clone(), error.to_string())))?;
            Vec::new()
        }
    };
    former.drain(..former.len().saturating_sub(FORMER));
    let anchor = Anchor { head: Head::of(&newest, context.now()), former };
    write(path, &context.vault, anchor).map_err(|error| unusable(Fault::Unusable(path.clone(), error.to_string())))
}

impl Head {
    fn of(place: &Position, at: Timestamp) -> Self {
        Self { line: place.seq, mac: place.mac.iter().map(|b| format!("{b:02x}")).collect(), at }
    }

    fn place(&self) -> Option<Position> {
        let digits = self.mac.as_bytes().chunks(2);
        let mac: Option<Vec<u8>> =
            digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        Some(Position { seq: self.line, mac: mac? })
    }
}

/// Whether the trail has a line that it had once.
async fn held(context: &Context, scope: Scope, head: &Head, newest: i64) -> Result<Option<Fault>> {
    if head.line == 0 {
        return Ok(None);
    }
    if newest < head.line {
        return Ok(Some(Fault::Cut { newest, head: head.clone() }));
    }
    let line = context.store.people.audit_lines(scope, Some(head.line - 1), 1).await?.pop();
    Ok(match line.filter(|line| line.seq == head.line) {
        None => Some(Fault::Broken(head.line)),
        Some(line) if line.mac != head.place().map(|place| place.mac) => Some(Fault::WrittenAnew(head.clone())),
        Some(_) => None,
    })
}

async fn newest(context: &Context, scope: Scope) -> Result<Position> {
    let newest = context.store.people.audit_trail(scope, None, 1).await?.pop();
    Ok(newest.map_or_else(Position::default, |line| Position {
        seq: i64::try_from(line.seq).unwrap_or(i64::MAX),
        mac: line.mac.unwrap_or_default(),
    }))
}

/// Moves the anchor on; never back.
fn advance(context: &Context, place: &Position) -> std::result::Result<(), Fault> {
    let path = &context.config.audit_anchor;
    let unusable = |error: std::io::Error| Fault::Unusable(path.clone(), error.to_string());
    let _locked = lock(path).map_err(unusable)?;
    // another process may have moved it meanwhile
    let former = match read(path, &context.vault)? {
        Some(anchor) if anchor.head.line >= place.seq => return Ok(()),
        Some(anchor) => anchor.former,
        None => Vec::new(),
    };
    write(path, &context.vault, Anchor { head: Head::of(place, context.now()), former }).map_err(unusable)
}

/// The content of the file; none where there is no file.
fn read(path: &Path, vault: &Vault) -> std::result::Result<Option<Anchor>, Fault> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::Unusable(path.to_owned(), error.to_string())),
    };
    let sealed = serde_json::from_slice::<Sealed>(&bytes).ok();
    let sealed = sealed.filter(|sealed| mac(vault, &sealed.anchor) == sealed.mac);
    sealed.map(|sealed| Some(sealed.anchor)).ok_or_else(|| Fault::Changed(path.to_owned()))
}

fn write(path: &Path, vault: &Vault, anchor: Anchor) -> std::io::Result<()> {
    let sealed = Sealed { mac: mac(vault, &anchor), anchor };
    let new = beside(path, ".new");
    let mut file = private().truncate(true).open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(&sealed)?)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    // the new name has to be on the disk too
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn mac(vault: &Vault, anchor: &Anchor) -> String {
    vault.file_mac(KIND, &serde_json::to_vec(anchor).expect("plain data serialises"))
}

/// Of several processes one writes.
fn lock(path: &Path) -> std::io::Result<File> {
    let file = private().truncate(false).open(beside(path, ".lock"))?;
    file.lock()?;
    Ok(file)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn unusable(fault: Fault) -> UseCaseError {
    UseCaseError::Unavailable(format!("the anchor of the audit trail: {fault}"))
}
