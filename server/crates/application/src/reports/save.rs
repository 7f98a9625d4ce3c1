//! Saved reports: who sees and changes which, and what a person does with one.

use super::{
    common::{recipients_of, zone},
    send::new_run,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    people::PeopleNames,
    texts::Slot,
};
use channels::{RECIPIENTS_MAX, is_address};
use domain::{
    access::Permission,
    ids::{ReportId, UserId},
};
use jiff::{SignedDuration, tz::TimeZone};
use kpi::report::{Content, FIGURES_MAX, Rhythm};
use serde_json::json;
use storage::{
    AuditEntry, Scope, Sealed,
    jobs::Lane,
    reports::{Format, Mailing, ReportRecord, ReportRun, Sharing},
};

/// Mails of one report within a day.
const MAILS_A_DAY: usize = 10;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 80;

/// To whom and how often a report goes out, as a person enters it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailingForm {
    /// When.
    pub rhythm: Rhythm,
    /// As what.
    pub format: Format,
    /// The addresses.
    pub to: Vec<String>,
}

/// A report as a person saves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Which; none: a new one.
    pub id: Option<ReportId>,
    /// The revision that the person saw.
    pub revision: u64,
    /// What it is called.
    pub name: String,
    /// Who sees it.
    pub sharing: Sharing,
    /// What it shows.
    pub content: Content,
    /// To whom it goes out; none: to none.
    pub mailing: Option<MailingForm>,
}

/// A saved report in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// It.
    pub record: ReportRecord,
    /// Its owner's name; none: the command line's, or of a former user.
    pub owner: Option<String>,
    /// Whether the caller may change it.
    pub may_change: bool,
    /// How many get it.
    pub recipients: usize,
    /// Its newest mailing.
    pub last: Option<ReportRun>,
}

/// A saved report.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As in the list.
    pub listed: Listed,
    /// Who gets it; none for who may not change it.
    pub to: Vec<String>,
    /// Its mailings, newest first.
    pub runs: Vec<ReportRun>,
}

/// What a person does with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// No mails until it is resumed.
    Pause,
    /// Mails again.
    Resume,
    /// Delete it.
    Remove,
    /// Mail it now.
    Send,
}

/// The saved reports that the caller sees, by name.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn all(context: &Context, caller: &Caller) -> Result<Vec<Listed>> {
    caller.require(Permission::Figures)?;
    let scope = caller.scope();
    let names = PeopleNames::read(context, scope).await?;
    let newest = context.store.reports.newest_runs(scope).await?;
    let seen = context.store.reports.all(scope).await?.into_iter().filter(|record| may_see(caller, record));
    let listed = seen.map(|record| {
        let last = newest.iter().find(|run| run.report == record.id).cloned();
        listed(context, caller, &names, record, last)
    });
    Ok(listed.collect())
}

/// One of them.
///
/// # Errors
/// When the caller may not see it, it is not there, or the store fails.
pub async fn one(context: &Context, caller: &Caller, id: ReportId) -> Result<Shown> {
    caller.require(Permission::Figures)?;
    let scope = caller.scope();
    let record = visible(context, caller, id).await?;
    let runs = context.store.reports.runs(scope, id).await?;
    let names = PeopleNames::read(context, scope).await?;
    let to = recipients_of(context, &record).filter(|_| may_change(caller, &record)).unwrap_or_default();
    let listed = listed(context, caller, &names, record, runs.first().cloned());
    Ok(Shown { listed, to, runs })
}

/// Keeps a report, new or changed; its id.
///
/// # Errors
/// When the caller may not, something of it cannot be used, another changed it meanwhile, or the store fails.
pub async fn save(context: &Context, caller: &Caller, edited: Edited) -> Result<ReportId> {
    caller.require(Permission::Figures)?;
    let scope = caller.scope();
    let before = match edited.id {
        Some(id) => Some(changeable(context, caller, id).await?),
        None => None,
    };
    let name = checked_name(&edited.name)?;
    let content = checked_content(edited.content)?;
    let zone = zone(context, scope).await?;
    let to = edited.mailing.as_ref().map(|mailing| mailing.to.clone()).unwrap_or_default();
    let mailing = match edited.mailing {
        Some(form) => Some(checked_mailing(context, form, before.as_ref(), &zone)?),
        None => None,
    };
    let record = ReportRecord {
        id: edited.id.unwrap_or_else(|| ReportId(context.clock.id())),
        owner: before.as_ref().map_or(caller.user(), |before| before.owner),
        sharing: edited.sharing,
        name,
        content,
        mailing,
        updated_at: context.now(),
        revision: before.as_ref().map_or(0, |_| edited.revision),
    };
    let id = record.id;
    let mut audit = entry(context, scope, "report.save", &record, &to).await?;
    if let Some(before) = &before {
        let to = recipients_of(context, before).unwrap_or_default();
        audit = audit.before(sealed_audit(context, scope, &shown(before, &to)).await?);
    }
    match context.store.reports.save(scope, record, audit).await? {
        true => Ok(id),
        false => Err(changed_meanwhile()),
    }
}

/// Pauses, resumes, removes or sends a report.
///
/// # Errors
/// When the caller may not change it, it goes out to none, another changed it meanwhile, or the store fails.
pub async fn act(context: &Context, caller: &Caller, id: ReportId, act: Act) -> Result<()> {
    caller.require(Permission::Figures)?;
    let scope = caller.scope();
    let record = changeable(context, caller, id).await?;
    let subject = format!("report:{id}");
    let reports = &context.store.reports;
    let Some(mailing) = record.mailing.clone().filter(|_| act != Act::Remove) else {
        if act == Act::Remove {
            return match reports.remove(scope, id, context.audit("report.remove", subject)).await? {
                true => Ok(()),
                false => Err(UseCaseError::NotFound("report")),
            };
        }
        let message = "this report has no recipients: enter when and to whom it goes out".to_owned();
        return Err(UseCaseError::Invalid { field: "to", message });
    };
    let (next_at, action) = match act {
        Act::Pause => (None, "report.pause"),
        Act::Resume => (mailing.rhythm.next_after(context.now(), &zone(context, scope).await?), "report.resume"),
        Act::Send | Act::Remove => {
            return send_now(context, scope, id).await;
        }
    };
    let changed = ReportRecord { mailing: Some(Mailing { next_at, ..mailing }), updated_at: context.now(), ..record };
    match reports.save(scope, changed, context.audit(action, subject)).await? {
        true => Ok(()),
        false => Err(changed_meanwhile()),
    }
}

/// Mails a report now: not while a mail of it is on its way, and so often in a day at most.
async fn send_now(context: &Context, scope: Scope, id: ReportId) -> Result<()> {
    let reports = &context.store.reports;
    let now = context.now();
    let day_ago = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(now);
    let lately = reports.runs(scope, id).await?.iter().filter(|run| run.due_at > day_ago).count();
    if lately >= MAILS_A_DAY {
        let message =
            format!("this report was mailed {MAILS_A_DAY} times within a day: download it, or mail it tomorrow");
        return Err(UseCaseError::Conflict(message));
    }
    let audit = context.audit("report.send", format!("report:{id}"));
    if !reports.send_now(scope, new_run(context, id, now), audit).await? {
        return Err(UseCaseError::Conflict("a mail of this report is on its way: wait until it is sent".into()));
    }
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// A report that the caller sees.
pub(super) async fn visible(context: &Context, caller: &Caller, id: ReportId) -> Result<ReportRecord> {
    let found = context.store.reports.report(caller.scope(), id).await?;
    found.filter(|record| may_see(caller, record)).ok_or(UseCaseError::NotFound("report"))
}

/// A report that the caller may change.
async fn changeable(context: &Context, caller: &Caller, id: ReportId) -> Result<ReportRecord> {
    let record = visible(context, caller, id).await?;
    match may_change(caller, &record) {
        true => Ok(record),
        false => Err(UseCaseError::Forbidden("only its owner, or an administrator, changes a report")),
    }
}

fn owns(caller: &Caller, record: &ReportRecord) -> bool {
    caller.user().is_some_and(|user: UserId| record.owner == Some(user))
}

fn may_change(caller: &Caller, record: &ReportRecord) -> bool {
    owns(caller, record) || caller.may(Permission::Operate)
}

fn may_see(caller: &Caller, record: &ReportRecord) -> bool {
    record.sharing == Sharing::Team || may_change(caller, record)
}

fn listed(
    context: &Context,
    caller: &Caller,
    names: &PeopleNames,
    record: ReportRecord,
    last: Option<ReportRun>,
) -> Listed {
    Listed {
        owner: record.owner.and_then(|owner| names.of(owner)),
        may_change: may_change(caller, &record),
        recipients: recipients_of(context, &record).map_or(0, |to| to.len()),
        last,
        record,
    }
}

fn changed_meanwhile() -> UseCaseError {
    UseCaseError::Conflict("another person changed this report meanwhile: open it again".into())
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        let message = format!("a name has 1 to {NAME_CHARS_MAX} characters in one line");
        return Err(UseCaseError::Invalid { field: "name", message });
    }
    Ok(name.to_owned())
}

fn checked_content(content: Content) -> Result<Content> {
    let invalid = |message: String| Err(UseCaseError::Invalid { field: "figures", message });
    if content.figures.is_empty() || content.figures.len() > FIGURES_MAX {
        return invalid(format!("choose 1 to {FIGURES_MAX} figures"));
    }
    if let Some(odd) = content.figures.iter().find(|kpi| !kpi.definition().is_counted()) {
        return invalid(format!("{} is not counted yet: choose another figure", odd.definition().title));
    }
    Ok(content)
}

/// A mailing as it is kept. One that was paused stays so.
fn checked_mailing(
    context: &Context,
    form: MailingForm,
    before: Option<&ReportRecord>,
    zone: &TimeZone,
) -> Result<Mailing> {
    let rhythm = form.rhythm.checked();
    let rhythm = rhythm.map_err(|odd| UseCaseError::Invalid { field: "rhythm", message: odd.to_string() })?;
    let to: Vec<&str> = form.to.iter().map(|to| to.trim()).filter(|to| !to.is_empty()).collect();
    if to.is_empty() || to.len() > RECIPIENTS_MAX || !to.iter().all(|to| is_address(to)) {
        let message = format!("enter 1 to {RECIPIENTS_MAX} mail addresses, separated by commas");
        return Err(UseCaseError::Invalid { field: "to", message });
    }
    let paused = before.and_then(|before| before.mailing.as_ref()).is_some_and(|mailing| mailing.next_at.is_none());
    let sealed: Sealed = context.texts.seal(Slot::Recipients, &to.join("\n"));
    let next_at = if paused { None } else { rhythm.next_after(context.now(), zone) };
    Ok(Mailing { rhythm, format: form.format, to: sealed, next_at })
}

async fn entry(
    context: &Context,
    scope: Scope,
    action: &'static str,
    record: &ReportRecord,
    to: &[String],
) -> Result<AuditEntry> {
    let audit = context.audit(action, format!("report:{}", record.id));
    Ok(audit.after(sealed_audit(context, scope, &shown(record, to)).await?))
}

fn shown(of: &ReportRecord, to: &[String]) -> serde_json::Value {
    let mailing =
        of.mailing.as_ref().map(|mailing| json!({"rhythm": mailing.rhythm, "format": mailing.format, "to": to}));
    json!({"name": of.name, "sharing": of.sharing, "content": of.content, "mailing": mailing})
}
