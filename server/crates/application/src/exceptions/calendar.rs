//! The company's calendar: its country, hours, cut-off and days of its own.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{
    access::Permission,
    calendar::{COMPANY, CompanyCalendar, OWN_DAYS_MAX},
    place::country,
};
use jiff::tz::TimeZone;
use std::sync::Arc;
use storage::Scope;

/// The setting that holds it.
const CALENDAR: &str = "calendar";

/// The calendar as it is now.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn company(context: &Context, scope: Scope) -> Result<Arc<CompanyCalendar>> {
    let now = context.now();
    if let Some(calendar) = context.calendar.get(now) {
        return Ok(calendar);
    }
    let calendar: Arc<CompanyCalendar> = Arc::new(settings::read(context, scope, CALENDAR).await?.unwrap_or_default());
    context.calendar.put(now, Arc::clone(&calendar));
    Ok(calendar)
}

/// The calendar, for who may see it.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn show(context: &Context, caller: &Caller) -> Result<CompanyCalendar> {
    caller.require(Permission::See)?;
    Ok(company(context, caller.scope()).await?.as_ref().clone())
}

/// Changes the calendar; what is due from now on follows it.
///
/// # Errors
/// When the caller may not, a field is not right, or the store fails.
pub async fn set(context: &Context, caller: &Caller, make: impl Fn(&mut CompanyCalendar)) -> Result<()> {
    caller.require(Permission::Operate)?;
    let audited = ("calendar.set", "calendar".to_owned());
    settings::amend(context, caller.scope(), CALENDAR, audited, |calendar: &mut CompanyCalendar| {
        make(calendar);
        check(calendar)
    })
    .await?;
    context.calendar.forget();
    Ok(())
}

fn check(calendar: &mut CompanyCalendar) -> Result<()> {
    let invalid = |field, message: String| Err(UseCaseError::Invalid { field, message });
    if let Some(word) = &calendar.country {
        let Some(code) = country(word) else {
            return invalid("country", format!("{word} is no country: two letters, e.g. DE"));
        };
        calendar.country = Some(code.to_owned());
    }
    if TimeZone::get(&calendar.zone).is_err() {
        return invalid("zone", format!("{} is no time zone: its IANA name, e.g. Europe/Berlin", calendar.zone));
    }
    if calendar.opens >= calendar.closes {
        return invalid("closes", "work ends after it begins: e.g. 08:00 to 18:00".into());
    }
    for days in [&calendar.closed, &calendar.working] {
        if days.values().map(std::collections::BTreeSet::len).sum::<usize>() > OWN_DAYS_MAX {
            return invalid("days", format!("a calendar has {OWN_DAYS_MAX} days of its own at most"));
        }
        if let Some(word) = days.keys().find(|word| *word != COMPANY && country(word) != Some(word.as_str())) {
            return invalid("days", format!("{word} is no country: two capital letters, e.g. DE, or {COMPANY}"));
        }
    }
    Ok(())
}
