//! Promise rules: by when a shipment should arrive where its order promises nothing. Shipped with cautious ones, off.

use crate::caller::Caller;
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    exceptions::calendar,
    people::settings,
};
use domain::access::Permission;
use domain::{
    carriers,
    place::country,
    promise::{DAYS_MAX, EU, PromiseRule, PromiseRules, Promises, RULES_MAX},
};
use storage::Scope;

/// The setting that holds them.
const RULES: &str = "promise.rules";
/// Characters of a name or a word of a service.
const WORD_CHARS_MAX: usize = 60;

/// The rules as they are now.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn rules(context: &Context, scope: Scope) -> Result<PromiseRules> {
    Ok(settings::read(context, scope, RULES).await?.unwrap_or_default())
}

/// The rules with the calendar that they count by.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn promises(context: &Context, scope: Scope) -> Result<Promises> {
    let calendar = calendar::company(context, scope).await?;
    Ok(Promises { rules: rules(context, scope).await?, calendar: calendar.as_ref().clone() })
}

/// Makes a rule, or replaces the one of this name.
///
/// # Errors
/// When a field is not right, there are too many, or the store fails.
pub async fn put(context: &Context, caller: &Caller, rule: PromiseRule) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let rule = checked(rule)?;
    let subject = rule.name.clone();
    change(context, scope, "promise.put", &subject, |rules| {
        rules.rules.retain(|other| other.name != rule.name);
        if rules.rules.len() >= RULES_MAX {
            return Err(UseCaseError::Conflict(format!("there are {RULES_MAX} rules already: remove one first")));
        }
        rules.rules.push(rule.clone());
        Ok(())
    })
    .await
}

/// Removes a rule.
///
/// # Errors
/// When there is none of this name, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    change(context, scope, "promise.remove", name, |rules| {
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.name != name);
        if rules.rules.len() == before {
            return Err(UseCaseError::NotFound("promise rule"));
        }
        Ok(())
    })
    .await
}

/// Whether the rules count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// Switches the rules on or off.
///
/// # Errors
/// When there is no rule to switch on, or the store fails.
pub async fn switch(context: &Context, caller: &Caller, to: Switch) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let action = if to == Switch::On { "promise.on" } else { "promise.off" };
    change(context, scope, action, "all", |rules| {
        if to == Switch::On && rules.rules.is_empty() {
            return Err(UseCaseError::Conflict("there is no rule: make one first (milepost promise put)".into()));
        }
        rules.on = to == Switch::On;
        Ok(())
    })
    .await
}

async fn change(
    context: &Context,
    scope: Scope,
    action: &'static str,
    subject: &str,
    make: impl Fn(&mut PromiseRules) -> Result<()>,
) -> Result<()> {
    settings::amend(context, scope, RULES, (action, format!("promise:{subject}")), make).await
}

fn checked(rule: PromiseRule) -> Result<PromiseRule> {
    let invalid = |field, message: String| Err(UseCaseError::Invalid { field, message });
    let name = rule.name.trim().to_owned();
    if !(1..=WORD_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return invalid("name", format!("the name of a rule has 1 to {WORD_CHARS_MAX} characters"));
    }
    if rule.days > DAYS_MAX {
        return invalid("days", format!("a rule has 0 to {DAYS_MAX} working days"));
    }
    let carrier = match rule.carrier.as_deref().map(str::trim) {
        None => None,
        Some(word) => match carriers::known("odoo", word) {
            Some(entry) => Some(entry.family.clone()),
            None => return invalid("carrier", format!("the carrier directory has no {word}: e.g. dhl, ups, gls")),
        },
    };
    let service = rule.service.map(|word| word.trim().to_owned());
    if service.as_ref().is_some_and(|word| !(1..=WORD_CHARS_MAX).contains(&word.chars().count())) {
        return invalid(
            "service",
            format!("the service is a word of the shipping method, of 1 to {WORD_CHARS_MAX} characters"),
        );
    }
    let country = match rule.country.as_deref().map(str::trim) {
        None => None,
        Some(word) if word.eq_ignore_ascii_case(EU) => Some(EU.to_owned()),
        Some(word) => match country(word) {
            Some(code) => Some(code.to_owned()),
            None => return invalid("country", format!("{word} is no country: two letters, e.g. DE, or {EU}")),
        },
    };
    Ok(PromiseRule { name, carrier, service, country, days: rule.days })
}
