//! Promise rules: by when a shipment should arrive where its order promises nothing. Shipped with cautious ones, off.

use super::{Result, UseCaseError, people::sealed_audit};
use crate::tower::Tower;
use domain::{
    carriers,
    place::country,
    promise::{DAYS_MAX, EU, PromiseRule, PromiseRules, RULES_MAX},
};
use storage::{AuditEntry, Scope};

/// The setting that holds them.
const RULES: &str = "promise.rules";
/// Characters of a name or a word of a service.
const WORD_CHARS_MAX: usize = 60;

/// The rules as they are now.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn rules(tower: &Tower, scope: Scope) -> Result<PromiseRules> {
    let Some(kept) = tower.store.people.setting(scope, RULES).await? else { return Ok(PromiseRules::default()) };
    serde_json::from_str(&kept).map_err(|error| UseCaseError::Internal(format!("the promise rules: {error}")))
}

/// Makes a rule, or replaces the one of this name.
///
/// # Errors
/// When a field is not right, there are too many, or the store fails.
pub async fn put(tower: &Tower, scope: Scope, rule: PromiseRule) -> Result<()> {
    let rule = checked(rule)?;
    let mut now = rules(tower, scope).await?;
    now.rules.retain(|other| other.name != rule.name);
    if now.rules.len() >= RULES_MAX {
        return Err(UseCaseError::Conflict(format!("there are {RULES_MAX} rules already: remove one first")));
    }
    let subject = rule.name.clone();
    now.rules.push(rule);
    keep(tower, scope, &now, "promise.put", subject).await
}

/// Removes a rule.
///
/// # Errors
/// When there is none of this name, or the store fails.
pub async fn remove(tower: &Tower, scope: Scope, name: &str) -> Result<()> {
    let mut now = rules(tower, scope).await?;
    let before = now.rules.len();
    now.rules.retain(|rule| rule.name != name);
    if now.rules.len() == before {
        return Err(UseCaseError::NotFound("promise rule"));
    }
    keep(tower, scope, &now, "promise.remove", name.to_owned()).await
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
pub async fn switch(tower: &Tower, scope: Scope, to: Switch) -> Result<()> {
    let mut now = rules(tower, scope).await?;
    if to == Switch::On && now.rules.is_empty() {
        return Err(UseCaseError::Conflict("there is no rule: make one first (milepost promise put)".into()));
    }
    now.on = to == Switch::On;
    let action = if now.on { "promise.on" } else { "promise.off" };
    keep(tower, scope, &now, action, "all".to_owned()).await
}

/// The audit line goes first: a line without an effect is better than the other way round.
async fn keep(tower: &Tower, scope: Scope, rules: &PromiseRules, action: &'static str, subject: String) -> Result<()> {
    let value = serde_json::to_value(rules).expect("plain data serialises");
    let after = Some(sealed_audit(tower, scope, &value).await?);
    let subject = format!("promise:{subject}");
    let audit = AuditEntry { at: tower.now(), action, subject, before: None, after, why: None };
    tower.store.people.audit(scope, audit).await?;
    tower.store.people.put_setting(scope, RULES, value.to_string()).await?;
    Ok(())
}

fn checked(rule: PromiseRule) -> Result<PromiseRule> {
    let invalid = |field, message: String| Err(UseCaseError::Invalid { field, message });
    let name = rule.name.trim().to_owned();
    if !(1..=WORD_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return invalid("name", format!("1 to {WORD_CHARS_MAX} characters"));
    }
    if rule.days > DAYS_MAX {
        return invalid("days", format!("0 to {DAYS_MAX} working days"));
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
        return invalid("service", format!("a word of the shipping method, 1 to {WORD_CHARS_MAX} characters"));
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
