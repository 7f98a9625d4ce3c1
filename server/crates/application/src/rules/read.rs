//! Rules as people see them.

use super::{
    book::{self, Rule},
    manage::{self, FourEyes},
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    words::csv_line,
};
use domain::{
    access::Permission,
    alerts::AlertKind,
    ids::UserId,
    rule::{Content, RuleId, RuleVersion},
    rules::check::Wrong,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use storage::{
    Actor, Page,
    alerts::AlertRecord,
    rules::{PublishedRule, RuleFigures, Trial, TrialRow},
};

/// Alerts for several shipments that are shown.
const STORMS_MAX: usize = 3;
/// Published versions of all rules that are shown.
const PUBLISHED_ROWS: u32 = 50;
/// Days of the figures.
pub const FIGURE_DAYS: i64 = 7;
/// Pages of rows of a dry run that are read for its file.
const TRIAL_PAGES_MAX: usize = 200;
/// The columns of that file.
const CSV_COLUMNS: &[&str] =
    &["number", "carrier", "order", "reason", "at", "lasted_minutes", "ended", "needed_a_person", "active_version_too"];

/// All rules with what they came to.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Them, in their order.
    pub rules: Vec<(Rule, RuleFigures)>,
    /// The names of people.
    pub people: BTreeMap<UserId, String>,
    /// Whether publishing needs a second person.
    pub four_eyes: FourEyes,
    /// Why rules are stopped that are not kept as stopped yet.
    pub now: Timestamp,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Shown {
    /// It.
    pub rule: Rule,
    /// What it came to.
    pub figures: RuleFigures,
    /// Its versions, newest first; the built-in one is not among them.
    pub history: Vec<PublishedRule>,
    /// What is wrong with its draft.
    pub wrong: Vec<Wrong>,
    /// Its newest dry run, with the first rows.
    pub trial: Option<(Trial, Vec<TrialRow>)>,
    /// The names of people.
    pub people: BTreeMap<UserId, String>,
    /// Whether publishing needs a second person.
    pub four_eyes: FourEyes,
    /// As of when.
    pub now: Timestamp,
}

impl Shown {
    /// The draft, else what runs.
    pub fn content(&self) -> Option<&Content> {
        let draft = self.rule.record.as_ref().and_then(|record| record.draft.as_ref()).map(|draft| &draft.content);
        draft.or_else(|| self.rule.active.as_ref().map(|(_, content, _)| content))
    }
}

/// The name of who did something.
pub fn who(people: &BTreeMap<UserId, String>, actor: Actor) -> String {
    match actor {
        Actor::User(id) => people.get(&id).cloned().unwrap_or_else(|| "A person who left".into()),
        Actor::Operator => "Command line".into(),
        Actor::System => "Milepost".into(),
    }
}

async fn people(context: &Context, caller: &Caller) -> Result<BTreeMap<UserId, String>> {
    let users = context.store.people.users(caller.scope()).await?;
    Ok(users.into_iter().map(|user| (user.id, user.name)).collect())
}

async fn figures(context: &Context, caller: &Caller) -> Result<BTreeMap<RuleId, RuleFigures>> {
    let now = context.now();
    let since = now.checked_sub(SignedDuration::from_hours(24 * FIGURE_DAYS)).unwrap_or(now);
    Ok(context.store.rules.figures(caller.scope(), since).await?.into_iter().collect())
}

/// Every rule.
///
/// # Errors
/// When the caller may not see them, or the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Listed> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let mut figures = figures(context, caller).await?;
    let rules = book::all(context.store.rules.all(scope).await?);
    let with = |rule: Rule| {
        let of_it = figures.remove(&rule.id).unwrap_or_default();
        (rule, of_it)
    };
    Ok(Listed {
        rules: rules.into_iter().map(with).collect(),
        people: people(context, caller).await?,
        four_eyes: manage::four_eyes(context, scope).await?,
        now: context.now(),
    })
}

/// One rule.
///
/// # Errors
/// When the caller may not see it, there is none, or the store fails.
pub async fn show(context: &Context, caller: &Caller, id: &RuleId) -> Result<Shown> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let rule = manage::found(context, scope, id).await?;
    let draft = rule.record.as_ref().and_then(|record| record.draft.as_ref());
    let wrong = draft.map(|draft| manage::problems(context, &draft.content)).unwrap_or_default();
    let trial = match context.store.rules.newest_trial(scope, id).await? {
        Some(trial) => {
            let rows = context.store.rules.trial_rows(scope, trial.id, None).await?.rows;
            Some((trial, rows))
        }
        None => None,
    };
    Ok(Shown {
        figures: figures(context, caller).await?.remove(id).unwrap_or_default(),
        history: context.store.rules.history(scope, id).await?,
        wrong,
        trial,
        people: people(context, caller).await?,
        four_eyes: manage::four_eyes(context, scope).await?,
        now: context.now(),
        rule,
    })
}

/// What was published of all rules, newest first.
///
/// # Errors
/// When the caller may not see them, or the store fails.
pub async fn published(context: &Context, caller: &Caller) -> Result<Vec<PublishedRule>> {
    caller.require(Permission::See)?;
    Ok(context.store.rules.published(caller.scope(), PUBLISHED_ROWS).await?)
}

/// The open alerts of rules that stand for several shipments, the largest first.
///
/// # Errors
/// When the caller may not see rules, or the store fails.
pub async fn storms(context: &Context, caller: &Caller) -> Result<Vec<AlertRecord>> {
    caller.require(Permission::See)?;
    let open = context.store.alerts.open(caller.scope()).await?.into_iter();
    let mut storms: Vec<_> =
        open.filter(|alert| alert.kind == AlertKind::RuleAlert && alert.standing.affects > 1).collect();
    storms.sort_by_key(|alert| std::cmp::Reverse(alert.standing.affects));
    storms.truncate(STORMS_MAX);
    Ok(storms)
}

/// A version of a rule, 0 for the built-in one.
///
/// # Errors
/// When the caller may not see it, there is none, or the store fails.
pub async fn version(context: &Context, caller: &Caller, id: &RuleId, wanted: RuleVersion) -> Result<Content> {
    caller.require(Permission::See)?;
    manage::version(context, caller.scope(), id, wanted).await
}

/// A page of what the newest dry run of a rule would have done.
///
/// # Errors
/// When the caller may not see it, there is none, or the store fails.
pub async fn trial_rows(
    context: &Context,
    caller: &Caller,
    id: &RuleId,
    cursor: Option<String>,
) -> Result<Page<TrialRow>> {
    caller.require(Permission::See)?;
    let trial = context.store.rules.newest_trial(caller.scope(), id).await?;
    let trial = trial.ok_or(UseCaseError::NotFound("dry run"))?;
    Ok(context.store.rules.trial_rows(caller.scope(), trial.id, cursor).await?)
}

/// All of what the newest dry run of a rule would have done, as CSV.
///
/// # Errors
/// When the caller may not see it, there is none, or the store fails.
pub async fn trial_csv(context: &Context, caller: &Caller, id: &RuleId) -> Result<String> {
    caller.require(Permission::See)?;
    let mut csv = csv_line(CSV_COLUMNS);
    let mut cursor = None;
    for _ in 0..TRIAL_PAGES_MAX {
        let page = trial_rows(context, caller, id, cursor).await?;
        for row in &page.rows {
            let lasted = row.lasted_minutes.map(|minutes| minutes.to_string()).unwrap_or_default();
            let (needed, too) = (row.needed.to_string(), row.active_too.to_string());
            let fields = [
                row.number.as_str(),
                row.carrier.as_deref().unwrap_or_default(),
                row.order.as_deref().unwrap_or_default(),
                row.reason.as_deref().unwrap_or_default(),
                &row.at.to_string(),
                &lasted,
                row.ended.as_deref().unwrap_or_default(),
                &needed,
                &too,
            ];
            csv += &csv_line(&fields);
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(csv)
}
