//! Annotations: what was unlike other days, a strike or a storm, so that who reads a chart knows. They are for all who see figures, and
//! have no personal data.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    people::{PeopleNames, Who},
};
use domain::{access::Permission, ids::AnnotationId, visible::visible_line};
use jiff::civil::Date;
use serde_json::json;
use storage::reports::{AnnotationKind, AnnotationRecord, Learning};

/// Characters of an annotation.
pub const TEXT_CHARS_MAX: usize = 80;
/// Days that one may have.
pub const DAYS_MAX: i32 = 120;

/// An annotation with the name of who added it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// It.
    pub record: AnnotationRecord,
    /// Who added it.
    pub by: Who,
}

/// A new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnnotation {
    /// What it is about.
    pub kind: AnnotationKind,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The carrier's family; none: all.
    pub carrier: Option<String>,
    /// A few words.
    pub text: String,
    /// Whether transit times are learned from these days.
    pub learning: Learning,
}

/// What a person reads.
pub const fn label(kind: AnnotationKind) -> &'static str {
    match kind {
        AnnotationKind::Strike => "Strike",
        AnnotationKind::Storm => "Storm",
        AnnotationKind::Holiday => "Holiday",
        AnnotationKind::Outage => "Outage",
        AnnotationKind::Peak => "Peak season",
        AnnotationKind::Other => "Other",
    }
}

/// All of them.
pub const KINDS: &[AnnotationKind] = &[
    AnnotationKind::Strike,
    AnnotationKind::Storm,
    AnnotationKind::Holiday,
    AnnotationKind::Outage,
    AnnotationKind::Peak,
    AnnotationKind::Other,
];

/// The short name on a chart: its text, else what it is about.
pub fn words(record: &AnnotationRecord) -> String {
    if record.text.is_empty() { label(record.kind).to_owned() } else { visible_line(&record.text).into_owned() }
}

/// Those with a day in this time (first and last day), the newest first; of a carrier those of all and its own.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(
    context: &Context,
    caller: &Caller,
    (from, to): (Date, Date),
    carrier: Option<&str>,
) -> Result<Vec<Listed>> {
    caller.require(Permission::Figures)?;
    let scope = caller.scope();
    let names = PeopleNames::read(context, scope).await?;
    let all = context.store.reports.annotations(scope, from, to).await?;
    let concerns = |record: &AnnotationRecord| match (carrier, &record.carrier) {
        (Some(asked), Some(of)) => asked == of,
        _ => true,
    };
    let listed = all.into_iter().filter(concerns).map(|record| Listed { by: names.who(record.by), record });
    Ok(listed.collect())
}

/// Adds one.
///
/// # Errors
/// When the caller may not, it is not usable, or the store fails.
pub async fn add(context: &Context, caller: &Caller, new: NewAnnotation) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let record = AnnotationRecord {
        id: AnnotationId(context.clock.id()),
        kind: new.kind,
        from: new.from,
        to: new.to,
        carrier: new.carrier,
        text: checked(&new.text, new.from, new.to)?,
        learning: new.learning,
        by: scope.actor,
        at: context.now(),
    };
    let audit = context.audit("annotation.add", format!("annotation:{}", record.id));
    let audit = audit.after(sealed_audit(context, scope, &shown(&record)).await?);
    Ok(context.store.reports.annotate(scope, record, audit).await?)
}

/// Removes one.
///
/// # Errors
/// When the caller may not, it is not there, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, id: AnnotationId) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let audit = context.audit("annotation.remove", format!("annotation:{id}"));
    match context.store.reports.remove_annotation(scope, id, audit).await? {
        true => Ok(()),
        false => Err(UseCaseError::NotFound("annotation")),
    }
}

fn checked(text: &str, from: Date, to: Date) -> Result<String> {
    let invalid = |field, message| Err(UseCaseError::Invalid { field, message });
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
        return invalid("text", format!("the words are one line of {TEXT_CHARS_MAX} characters at most"));
    }
    let days = (to - from).get_days();
    if !(0..DAYS_MAX).contains(&days) {
        return invalid(
            "to",
            format!("the last day is the first one or comes after it, {DAYS_MAX} days in all at most"),
        );
    }
    Ok(text.to_owned())
}

fn shown(of: &AnnotationRecord) -> serde_json::Value {
    json!({
        "kind": of.kind, "from": of.from.to_string(), "to": of.to.to_string(), "carrier": of.carrier, "text": of.text,
        "learning": of.learning,
    })
}
