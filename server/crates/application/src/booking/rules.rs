//! The booking rules: an ordered list, of which the first that fits a delivery decides. Without rules nothing is booked.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use carriers::{api::ApiManifest, booking::LabelFormat};
use domain::{
    access::Permission,
    booking::{Action, BookingRule, RULES_MAX},
    place::country,
    promise::EU,
};
use std::collections::BTreeSet;
use storage::{Scope, bookings::OrderedLabel, people::SettingChange};

/// The setting that holds them.
const RULES: &str = "booking.rules";
/// Bytes of the digest that names a state of the list.
const VERSION_BYTES: usize = 8;
/// Characters of a name or a word at most.
const WORD_CHARS_MAX: usize = 60;

/// The rules as they are now, the first first.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn rules(context: &Context, scope: Scope) -> Result<Vec<BookingRule>> {
    parsed(context.store.people.setting(scope, RULES).await?.as_deref())
}

fn parsed(kept: Option<&str>) -> Result<Vec<BookingRule>> {
    let Some(kept) = kept else { return Ok(Vec::new()) };
    serde_json::from_str(kept).map_err(|error| UseCaseError::Internal(format!("the booking rules: {error}")))
}

/// The list as a person saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The rules, the first first.
    pub rules: Vec<BookingRule>,
    /// What names this state of the list.
    pub version: String,
}

/// The rules, for a person.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Listed> {
    caller.require(Permission::Operate)?;
    let kept = context.store.people.setting(caller.scope(), RULES).await?;
    Ok(Listed { rules: parsed(kept.as_deref())?, version: version(context, kept.as_deref()) })
}

fn version(context: &Context, kept: Option<&str>) -> String {
    let digest = context.vault.digest(kept.unwrap_or_default().as_bytes());
    digest.iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Puts this list in place of the one that is there. It counts for deliveries that change from then on.
///
/// # Errors
/// When a rule is not right, or somebody else changed the list at the same time.
pub async fn put(context: &Context, caller: &Caller, rules: Vec<BookingRule>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let from = context.store.people.setting(caller.scope(), RULES).await?;
    keep(context, caller, from, &rules).await
}

/// A change of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A rule comes last.
    Add(BookingRule),
    /// This rule comes in place of the one of this name.
    Replace(String, BookingRule),
    /// The rule of this name goes before the one above it.
    Raise(String),
    /// It goes behind the one below it.
    Lower(String),
    /// It goes.
    Remove(String),
}

/// Changes the list that a person saw as this version.
///
/// # Errors
/// `Conflict` where the list changed since then; `NotFound` where it has no such rule; `Invalid` where a rule is not right.
pub async fn change(context: &Context, caller: &Caller, seen: &str, change: Change) -> Result<()> {
    caller.require(Permission::Operate)?;
    let from = context.store.people.setting(caller.scope(), RULES).await?;
    if version(context, from.as_deref()) != seen {
        return Err(UseCaseError::Conflict("the rules changed meanwhile: look at them again".into()));
    }
    let mut rules = parsed(from.as_deref())?;
    let place = |name: &str| {
        let found = rules.iter().position(|rule| rule.name == name);
        found.ok_or(UseCaseError::NotFound("booking rule"))
    };
    match change {
        Change::Add(rule) => rules.push(rule),
        Change::Replace(name, rule) => {
            let at = place(&name)?;
            rules[at] = rule;
        }
        Change::Remove(name) => {
            let at = place(&name)?;
            rules.remove(at);
        }
        Change::Raise(name) => {
            let at = place(&name)?;
            rules.swap(at, at.saturating_sub(1));
        }
        Change::Lower(name) => {
            let at = place(&name)?;
            let below = (at + 1).min(rules.len() - 1);
            rules.swap(at, below);
        }
    }
    keep(context, caller, from, &rules).await
}

async fn keep(context: &Context, caller: &Caller, from: Option<String>, rules: &[BookingRule]) -> Result<()> {
    check(context, rules)?;
    let rules = dated(context, &parsed(from.as_deref())?, rules);
    let to = serde_json::to_string(&rules).expect("plain data serialises");
    let change = SettingChange { name: RULES.into(), from, to };
    settings::change(context, caller.scope(), change, ("booking.rules", "booking:rules".to_owned())).await
}

/// These rules, each with since when it is so: a rule that is as it was stays as old, wherever it stands in the list; a new or changed one
/// counts from now on, so that what was ready long before is not booked all at once.
fn dated(context: &Context, known: &[BookingRule], rules: &[BookingRule]) -> Vec<BookingRule> {
    // another name makes it no other rule
    let undated = |rule: &BookingRule| BookingRule { since: None, name: String::new(), ..rule.clone() };
    let dated = |rule: &BookingRule| {
        let before = known.iter().find(|one| undated(one) == undated(rule));
        BookingRule { since: before.map_or(Some(context.now()), |before| before.since), ..rule.clone() }
    };
    rules.iter().map(dated).collect()
}

fn check(context: &Context, rules: &[BookingRule]) -> Result<()> {
    let invalid = |message: String| Err(UseCaseError::Invalid { field: "rules", message });
    if rules.len() > RULES_MAX {
        return invalid(format!("there are more than {RULES_MAX} rules"));
    }
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule.name.trim();
        if name.is_empty() || name.chars().count() > WORD_CHARS_MAX {
            return invalid(format!("a rule needs a name of at most {WORD_CHARS_MAX} characters"));
        }
        if !names.insert(name.to_lowercase()) {
            return invalid(format!("two rules are called {name:?}: give one of them another name"));
        }
        if let Some(odd) = rule.countries.iter().find(|word| country(word).is_none() && !word.eq_ignore_ascii_case(EU))
        {
            return invalid(format!("{name}: {odd:?} is no country: write two letters, like DE, or EU"));
        }
        if rule.from_g.zip(rule.below_g).is_some_and(|(from, below)| from >= below) {
            return invalid(format!("{name}: no weight is from from_g on and below below_g"));
        }
        check_action(context, rule)?;
    }
    Ok(())
}

fn check_action(context: &Context, rule: &BookingRule) -> Result<()> {
    let name = &rule.name;
    let wrong = |message: String| UseCaseError::Invalid { field: "rules", message };
    let (connection, books) = match &rule.action {
        Action::Book { connection, format, .. } => {
            check_format(format).map_err(|what| wrong(format!("{name}: {what}")))?;
            (connection, true)
        }
        Action::Register { connection } => (connection, false),
        Action::Nothing => return Ok(()),
    };
    let manifest = platform(context, connection).map_err(|what| wrong(format!("{name}: {what}")))?;
    match books {
        true if manifest.booking.is_none() => Err(wrong(format!("{name}: {} books no labels", manifest.label))),
        false if manifest.registering.is_none() => Err(wrong(format!("{name}: {} tracks no numbers", manifest.label))),
        _ => Ok(()),
    }
}

fn check_format(format: &str) -> std::result::Result<(), String> {
    match format_of(format) {
        Some(_) => Ok(()),
        None => Err(format!("a label is pdf, png or zpl, not {format:?}")),
    }
}

fn platform(context: &Context, connection: &str) -> std::result::Result<&'static ApiManifest, String> {
    let missing = || format!("there is no connection {connection} to the API of a platform: make it first");
    super::platform_at(context, connection).ok_or_else(missing)
}

/// Whether a label can be booked so.
///
/// # Errors
/// Says what is wrong.
pub(super) fn check_label(context: &Context, label: &OrderedLabel) -> std::result::Result<(), String> {
    check_format(&label.format)?;
    let manifest = platform(context, &label.connection)?;
    match manifest.booking {
        Some(_) => Ok(()),
        None => Err(format!("{} books no labels", manifest.label)),
    }
}

/// A label's form by its word.
pub(super) fn format_of(word: &str) -> Option<LabelFormat> {
    [LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl].into_iter().find(|format| format.extension() == word)
}
