//! How much of the list of erasures is known. The database and every backup keep it, so that a list that is
//! missing, an older copy or another one is noticed before a restore brings back what was erased.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    governance::list,
    vault::Vault,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The setting in which the database remembers it.
pub const SEEN: &str = "erasures.seen";

/// The list up to one of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// So many lines.
    pub lines: usize,
    /// What seals them all.
    pub tag: String,
}

impl Seen {
    fn of(lines: &[String], vault: &Vault) -> Self {
        let tag =
            if lines.is_empty() { String::new() } else { vault.file_mac("tombstones", lines.join("\n").as_bytes()) };
        Self { lines: lines.len(), tag }
    }

    /// As a setting has it; nothing where there is none.
    pub fn parsed(setting: Option<&str>) -> Self {
        setting.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// Why a list is not the one that is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lacking {
    /// There is no file.
    #[error(
        "the list of erasures {file} is missing, and {lines} of its lines are known: put it there, or name it with --tombstones"
    )]
    Missing {
        /// Where it should be.
        file: String,
        /// So many.
        lines: usize,
    },
    /// Lines are gone, or others.
    #[error(
        "the list of erasures {file} has {found} lines, and {lines} are known, of which it has not all: it is an older copy, was \
         cut, or is of another installation; put the newest one there, or name it with --tombstones"
    )]
    Older {
        /// The file.
        file: String,
        /// So many are known.
        lines: usize,
        /// So many are there.
        found: usize,
    },
}

/// Whether a list has everything that is known.
///
/// # Errors
/// When the list was tampered with or cannot be read.
pub fn lacks(path: &Path, vault: &Vault, known: &Seen) -> Result<Option<Lacking>> {
    if known.lines == 0 {
        return Ok(None);
    }
    let file = path.display().to_string();
    if !path.exists() {
        return Ok(Some(Lacking::Missing { file, lines: known.lines }));
    }
    let lines = list::lines(path, vault)?;
    let there = lines.get(..known.lines).is_some_and(|first| Seen::of(first, vault) == *known);
    Ok((!there).then_some(Lacking::Older { file, lines: known.lines, found: lines.len() }))
}

/// What the database remembers.
///
/// # Errors
/// When the store fails.
pub async fn known(context: &Context) -> Result<Seen> {
    Ok(Seen::parsed(context.store.people.setting(context.scope(), SEEN).await?.as_deref()))
}

/// What the list of this installation lacks.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn check(context: &Context) -> Result<Option<Lacking>> {
    lacks(&context.config.tombstones, &context.vault, &known(context).await?)
}

/// Refuses to go on with a list that lacks something.
///
/// # Errors
/// When it does.
pub async fn require(context: &Context) -> Result<()> {
    match check(context).await? {
        None => Ok(()),
        Some(lacking) => Err(UseCaseError::Unavailable(format!(
            "{lacking}; if it is lost, accept that with `milepost audit accept`: a restored backup then shows again what was erased"
        ))),
    }
}

/// The database remembers the list as it is.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn remember(context: &Context) -> Result<()> {
    let seen = Seen::of(&list::lines(&context.config.tombstones, &context.vault)?, &context.vault);
    if known(context).await? != seen {
        let text = serde_json::to_string(&seen).expect("plain data serialises");
        context.store.people.put_setting(context.scope(), SEEN, text).await?;
    }
    Ok(())
}
