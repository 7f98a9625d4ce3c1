//! What people do with rules: drafts, publishing, going back, pausing. Each change is in the audit trail with what was there and what
//! is there.

use super::{
    act,
    book::{self, Rule},
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    people::settings,
};
use domain::{
    access::Permission,
    ids::UserId,
    rule::{Action, Content, RuleId, RuleVersion},
    rules::check::{self, Wrong},
};
use jiff::Timestamp;
use outbound::template::Family;
use storage::{
    Actor, AuditEntry, Scope,
    people::SettingChange,
    rules::{Draft, Halt, PublishedRule, RuleRecord},
};

/// The setting by which publishing needs a second person.
const FOUR_EYES: &str = "rules.four_eyes";
/// Its value where it does.
const ON: &str = "on";
/// How often a change begins again because somebody else was faster.
const CHANGES_MAX: usize = 5;

/// Whether publishing needs a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FourEyes {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// Whether publishing needs a second person.
///
/// # Errors
/// When the store fails.
pub async fn four_eyes(context: &Context, scope: Scope) -> Result<FourEyes> {
    let kept = context.store.people.setting(scope, FOUR_EYES).await?;
    Ok(if kept.as_deref() == Some(ON) { FourEyes::On } else { FourEyes::Off })
}

/// Sets whether publishing needs a second person.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn set_four_eyes(context: &Context, caller: &Caller, to: FourEyes) -> Result<()> {
    caller.require(Permission::Operate)?;
    let from = context.store.people.setting(caller.scope(), FOUR_EYES).await?;
    let to = if to == FourEyes::On { ON } else { "off" };
    let change = SettingChange { name: FOUR_EYES.into(), from, to: to.into() };
    settings::change(context, caller.scope(), change, ("rule.four_eyes", "rules".into())).await
}

/// A rule, built in or made.
///
/// # Errors
/// `NotFound`, or when the store fails.
pub(super) async fn found(context: &Context, scope: Scope, id: &RuleId) -> Result<Rule> {
    let rules = book::all(context.store.rules.all(scope).await?);
    rules.into_iter().find(|rule| rule.id == *id).ok_or(UseCaseError::NotFound("rule"))
}

/// What is said of a name whose id another rule has.
pub fn taken(id: &RuleId) -> String {
    format!("there is a rule {id} already: choose another name")
}

/// Makes a rule, as a draft.
///
/// # Errors
/// When the caller may not, its name is none or taken, or there are too many.
pub async fn create(context: &Context, caller: &Caller, content: Content) -> Result<RuleId> {
    caller.require(Permission::Operate)?;
    let invalid = |message: &str| UseCaseError::Invalid { field: "name", message: message.into() };
    let id = RuleId::from_name(&content.name).ok_or_else(|| invalid("give the rule a name with letters or digits"))?;
    match found(context, caller.scope(), &id).await {
        Ok(_) => return Err(UseCaseError::Conflict(taken(&id))),
        Err(UseCaseError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    save_draft(context, caller, &id, content).await?;
    Ok(id)
}

/// Keeps a draft of a rule: it may still have errors, and runs nowhere.
///
/// # Errors
/// When the caller may not, it is too large, or the store fails.
pub async fn save_draft(context: &Context, caller: &Caller, id: &RuleId, content: Content) -> Result<()> {
    caller.require(Permission::Operate)?;
    within_limits(&content)?;
    change(context, caller, id, "rule.draft", |record, now| {
        record.owner = record.owner.or(caller.user());
        let draft = Draft { content: content.clone(), by: caller.scope().actor, at: now, asked_at: None };
        record.draft = Some(draft);
        Ok(None)
    })
    .await
}

/// A draft that is no rule yet is kept all the same, within limits of size.
fn within_limits(content: &Content) -> Result<()> {
    let long = serde_json::to_string(content).map_or(usize::MAX, |text| text.len());
    if long > DRAFT_BYTES_MAX {
        let message = format!("a rule has at most {DRAFT_BYTES_MAX} bytes: shorten its condition or texts");
        return Err(UseCaseError::Invalid { field: "when", message });
    }
    Ok(())
}

/// Maximum size of a rule in bytes.
const DRAFT_BYTES_MAX: usize = 20_000;

/// Throws a draft away; a rule that was never published goes with it.
///
/// # Errors
/// When the caller may not, there is no draft, or the store fails.
pub async fn discard(context: &Context, caller: &Caller, id: &RuleId) -> Result<()> {
    caller.require(Permission::Operate)?;
    let rule = found(context, caller.scope(), id).await?;
    let record = rule.record.filter(|record| record.draft.is_some()).ok_or(UseCaseError::NotFound("draft"))?;
    if rule.active.is_none() {
        let audit = context.audit("rule.discard", format!("rule:{id}"));
        return match context.store.rules.remove(caller.scope(), id, audit).await? {
            true => Ok(()),
            false => Err(UseCaseError::Conflict("it was published meanwhile: look at it again".into())),
        };
    }
    drop(record);
    change(context, caller, id, "rule.discard", |record, _| {
        record.draft = None;
        Ok(None)
    })
    .await
}

/// Asks a second person to publish a draft.
///
/// # Errors
/// When the caller may not, there is no draft or it has errors, or the store fails.
pub async fn ask_for_approval(context: &Context, caller: &Caller, id: &RuleId) -> Result<()> {
    caller.require(Permission::Operate)?;
    change(context, caller, id, "rule.ask", |record, now| {
        let draft = record.draft.as_mut().ok_or(UseCaseError::NotFound("draft"))?;
        right(context, &draft.content)?;
        draft.asked_at = Some(now);
        Ok(None)
    })
    .await
}

/// All that is wrong with a rule here: with what it says, and with the connections that it names.
pub fn problems(context: &Context, content: &Content) -> Vec<Wrong> {
    let mut all = check::problems(content);
    for (n, action) in content.then.iter().enumerate() {
        all.extend(not_connected(context, action).map(|message| Wrong::of_action(n, &message)));
    }
    all
}

/// The channels that reach customers: name, and what people call it.
pub fn mail_channels(context: &Context) -> Vec<(String, String)> {
    let connections = context.connections.now();
    let mail = connections.in_use(Family::Channel).filter(|one| channels::reaches_customers(&one.record.connector));
    mail.map(|one| (one.record.name.clone(), one.record.label.clone())).collect()
}

/// What is wrong with the connections that an action names.
fn not_connected(context: &Context, action: &Action) -> Option<String> {
    let connections = context.connections.now();
    let of = |name: &str, family: Family| {
        let connection = connections.get(name).filter(|connection| connection.family == Some(family));
        connection.map(|connection| connection.record.connector.clone())
    };
    match action {
        Action::OpenCase { desk: Some(desk), queue, .. } => {
            let Some(connector) = of(desk, Family::Desk) else {
                return Some(format!("there is no service desk {desk}: choose one of the connections"));
            };
            let has_none = queue.is_some() && desks::queues(&connector).is_none();
            has_none.then(|| {
                let label = connections.label(desk);
                format!("{label} has no queues that a case is made in: leave the queue empty, and route cases there")
            })
        }
        Action::Alert { channel: Some(channel), .. } if of(channel, Family::Channel).is_none() => {
            Some(format!("there is no channel {channel}: choose one of the connections"))
        }
        Action::MessageCustomer { channel: Some(channel), .. } => {
            let reaches = of(channel, Family::Channel).is_some_and(|connector| channels::reaches_customers(&connector));
            (!reaches).then(|| format!("{channel} is no mail channel: choose one for mail"))
        }
        Action::MessageCustomer { channel: None, .. } => {
            let mut mail = connections.all().iter().filter(|one| channels::reaches_customers(&one.record.connector));
            mail.next().is_none().then(|| "connect a mail channel first: customers are sent mails".to_owned())
        }
        _ => None,
    }
}

fn right(context: &Context, content: &Content) -> Result<()> {
    match problems(context, content).first() {
        None => Ok(()),
        Some(wrong) => Err(UseCaseError::Invalid { field: wrong.field, message: wrong.to_string() }),
    }
}

/// Publishes a draft as it is now: from now on it runs.
///
/// # Errors
/// When the caller may not, the draft is the caller's own while a second person is needed, it has errors, or the store fails.
pub async fn publish(context: &Context, caller: &Caller, id: &RuleId) -> Result<RuleVersion> {
    caller.require(Permission::Operate)?;
    published(context, caller, id, None).await
}

/// Publishes a draft that was looked at; not one that says something else meanwhile.
///
/// # Errors
/// As [`publish`], and `Conflict` where the draft says something else.
pub async fn publish_seen(context: &Context, caller: &Caller, id: &RuleId, seen: &Content) -> Result<RuleVersion> {
    caller.require(Permission::Operate)?;
    published(context, caller, id, Some(seen)).await
}

async fn published(context: &Context, caller: &Caller, id: &RuleId, seen: Option<&Content>) -> Result<RuleVersion> {
    let (scope, actor) = (caller.scope(), caller.scope().actor);
    let needs_second = four_eyes(context, scope).await? == FourEyes::On;
    let next = next_version(context, scope, id).await?;
    change(context, caller, id, "rule.publish", |record, now| {
        let draft = record.draft.take().ok_or(UseCaseError::NotFound("draft"))?;
        if let Some(why) = one_person(draft.by, actor).filter(|_| needs_second) {
            return Err(UseCaseError::Forbidden(why));
        }
        if seen.is_some_and(|seen| *seen != draft.content) {
            let message = "the draft was changed meanwhile: load the page again and look at it, then publish it";
            return Err(UseCaseError::Conflict(message.into()));
        }
        right(context, &draft.content)?;
        record.active = Some(next);
        record.halt = None;
        Ok(Some(PublishedRule {
            rule: id.clone(),
            version: next,
            content: draft.content,
            by: draft.by,
            approved_by: (draft.by != actor).then_some(actor),
            at: now,
            back_to: None,
        }))
    })
    .await?;
    runs_again(context, scope, id).await;
    Ok(next)
}

/// Why a draft is not published by two people; none where it is. Who uses the command line is not known.
fn one_person(author: Actor, publisher: Actor) -> Option<&'static str> {
    match (author, publisher) {
        (_, Actor::Operator | Actor::System) => Some(
            "a second person publishes it, signed in on the page: who uses the command line is not known (setting four eyes)",
        ),
        (Actor::Operator | Actor::System, _) => Some(
            "it was written at the command line, by whom is not known: save it on the page, and let another person publish it",
        ),
        (Actor::User(author), Actor::User(publisher)) => (author == publisher)
            .then_some("a second person publishes it: who wrote the draft cannot (setting four eyes)"),
    }
}

async fn next_version(context: &Context, scope: Scope, id: &RuleId) -> Result<RuleVersion> {
    Ok(context.store.rules.history(scope, id).await?.first().map_or(1, |newest| newest.version + 1))
}

/// Goes back to an earlier version, 0 for the built-in one: it is published again as the next version.
///
/// # Errors
/// When the caller may not, there is no such version, or the store fails.
pub async fn roll_back(context: &Context, caller: &Caller, id: &RuleId, to: RuleVersion) -> Result<RuleVersion> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let content = version(context, scope, id, to).await?;
    right(context, &content)?;
    let next = next_version(context, scope, id).await?;
    change(context, caller, id, "rule.roll_back", |record, now| {
        record.active = Some(next);
        record.halt = None;
        let by = caller.scope().actor;
        let content = content.clone();
        Ok(Some(PublishedRule {
            rule: id.clone(),
            version: next,
            content,
            by,
            approved_by: None,
            at: now,
            back_to: Some(to),
        }))
    })
    .await?;
    runs_again(context, scope, id).await;
    Ok(next)
}

/// A version of a rule.
///
/// # Errors
/// `NotFound`, or when the store fails.
pub async fn version(context: &Context, scope: Scope, id: &RuleId, wanted: RuleVersion) -> Result<Content> {
    let built_in =
        || domain::rules::shipped().into_iter().find(|(shipped, _)| shipped == id).map(|(_, content)| content);
    let found = match wanted {
        0 => built_in(),
        _ => {
            let history = context.store.rules.history(scope, id).await?;
            history.into_iter().find(|one| one.version == wanted).map(|one| one.content)
        }
    };
    found.ok_or(UseCaseError::NotFound("version of the rule"))
}

/// Pauses a rule until a time, or until it is resumed.
///
/// # Errors
/// When the caller may not, the time is over, or the store fails.
pub async fn pause(context: &Context, caller: &Caller, id: &RuleId, until: Option<Timestamp>) -> Result<()> {
    caller.require(Permission::Operate)?;
    if until.is_some_and(|until| until <= context.now()) {
        return Err(UseCaseError::Invalid { field: "until", message: "choose a time to come".into() });
    }
    change(context, caller, id, "rule.pause", |record, _| {
        record.halt = Some(Halt::Paused { until, by: caller.scope().actor });
        Ok(None)
    })
    .await
}

/// Lets a rule run again that was paused or stopped.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn resume(context: &Context, caller: &Caller, id: &RuleId) -> Result<()> {
    caller.require(Permission::Operate)?;
    change(context, caller, id, "rule.resume", |record, _| {
        record.halt = None;
        Ok(None)
    })
    .await?;
    runs_again(context, caller.scope(), id).await;
    Ok(())
}

/// Says who looks after a rule.
///
/// # Errors
/// When the caller may not, there is no such person, or the store fails.
pub async fn set_owner(context: &Context, caller: &Caller, id: &RuleId, owner: Option<UserId>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let users = context.store.people.users(caller.scope()).await?;
    if owner.is_some_and(|owner| !users.iter().any(|user| user.id == owner && user.enabled)) {
        return Err(UseCaseError::NotFound("person"));
    }
    change(context, caller, id, "rule.owner", |record, _| {
        record.owner = owner;
        Ok(None)
    })
    .await
}

async fn runs_again(context: &Context, scope: Scope, id: &RuleId) {
    context.rules.guard.renew(id);
    context.rules.forget();
    act::all_clear(context, scope, id).await;
}

/// Changes a rule from what it is now, with its audit line.
async fn change(
    context: &Context,
    caller: &Caller,
    id: &RuleId,
    action: &'static str,
    make: impl Fn(&mut RuleRecord, Timestamp) -> Result<Option<PublishedRule>>,
) -> Result<()> {
    let scope = caller.scope();
    for _ in 0..CHANGES_MAX {
        let now = context.now();
        let kept = context.store.rules.rule(scope, id).await?;
        let is_shipped = domain::rules::shipped().iter().any(|(shipped, _)| shipped == id);
        if kept.is_none() && !is_shipped && action != "rule.draft" {
            return Err(UseCaseError::NotFound("rule"));
        }
        let new = || RuleRecord {
            id: id.clone(),
            owner: None,
            active: is_shipped.then_some(0),
            halt: None,
            draft: None,
            created_at: now,
            updated_at: now,
            revision: 0,
        };
        let before = kept.unwrap_or_else(new);
        let mut after = RuleRecord { updated_at: now, ..before.clone() };
        let published = make(&mut after, now)?;
        let audit = audited(context, scope, action, (&before, &after)).await?;
        if context.store.rules.save(scope, after, published, Some(audit)).await? {
            context.rules.forget();
            context.notifier.changed();
            return Ok(());
        }
    }
    Err(UseCaseError::Conflict("somebody else changed the rule at the same time: look at it again".into()))
}

async fn audited(
    context: &Context,
    scope: Scope,
    action: &'static str,
    (before, after): (&RuleRecord, &RuleRecord),
) -> Result<AuditEntry> {
    let shown = |record: &RuleRecord| {
        serde_json::json!({
            "active": record.active,
            "halt": record.halt,
            "draft": record.draft.as_ref().map(|draft| &draft.content),
            "owner": record.owner,
        })
    };
    let audit = context.audit(action, format!("rule:{}", after.id));
    let audit = audit.before(sealed_audit(context, scope, &shown(before)).await?);
    Ok(audit.after(sealed_audit(context, scope, &shown(after)).await?))
}
