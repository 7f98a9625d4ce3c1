//! The booking rules: an ordered list, of which the first that fits a delivery decides. Without rules nothing is booked.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use carriers::{api_template, booking::LabelFormat};
use domain::{
    access::Permission,
    booking::{Action, BookingRule, RULES_MAX},
    place::country,
    promise::EU,
};
use std::collections::BTreeSet;
use storage::{Scope, people::SettingChange};

/// The setting that holds them.
const RULES: &str = "booking.rules";
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

/// The rules, for a person.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<BookingRule>> {
    caller.require(Permission::Operate)?;
    rules(context, caller.scope()).await
}

/// Puts this list in place of the one that is there. It counts for deliveries that change from then on.
///
/// # Errors
/// When a rule is not right, or somebody else changed the list at the same time.
pub async fn put(context: &Context, caller: &Caller, rules: Vec<BookingRule>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    check(context, &rules)?;
    let from = context.store.people.setting(scope, RULES).await?;
    let to = serde_json::to_string(&rules).expect("plain data serialises");
    let change = SettingChange { name: RULES, from, to };
    settings::change(context, scope, change, ("booking.rules", "booking:rules".to_owned())).await
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
    let invalid = |message: String| Err(UseCaseError::Invalid { field: "rules", message });
    let connections = context.connections.now();
    let (connection, books) = match &rule.action {
        Action::Book { connection, format, .. } => {
            if format_of(format).is_none() {
                return invalid(format!("{name}: a label is pdf, png or zpl, not {format:?}"));
            }
            (connection, true)
        }
        Action::Register { connection } => (connection, false),
        Action::Nothing => return Ok(()),
    };
    let known = connections.get(connection);
    let Some(manifest) = known.and_then(|known| api_template::manifest(&known.record.connector)) else {
        return invalid(format!("{name}: there is no connection {connection} to the API of a platform: make it first"));
    };
    match books {
        true if manifest.booking.is_none() => invalid(format!("{name}: {} books no labels", manifest.label)),
        false if manifest.registering.is_none() => invalid(format!("{name}: {} tracks no numbers", manifest.label)),
        _ => Ok(()),
    }
}

/// A label's form by its word.
pub(super) fn format_of(word: &str) -> Option<LabelFormat> {
    [LabelFormat::Pdf, LabelFormat::Png, LabelFormat::Zpl].into_iter().find(|format| format.extension() == word)
}
