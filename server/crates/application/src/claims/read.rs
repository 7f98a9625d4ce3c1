//! Claims for people.

use super::{
    common::{shipment_of, today},
    evidence::{self, Evidence},
    sealing,
};
use crate::{
    audit::Opened,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::{PeopleNames, Who},
};
use domain::{access::Permission, claims::ClaimNumber, ids::ShipmentId};
use jiff::{Timestamp, ToSpan, civil::Date};
use storage::{
    Page, Scope,
    claims::{ClaimFigures, ClaimFile, ClaimQuery, ClaimRecord},
    shipments::ShipmentRecord,
};

/// Days that are near.
const SOON_DAYS: i64 = 7;
/// Claims of an export.
const EXPORT_MAX: usize = 10_000;
/// Steps of a claim's history.
const HISTORY_LINES: u32 = 100;

/// A claim with the name of who looks after it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// It.
    pub record: ClaimRecord,
    /// Who looks after it.
    pub owner: Option<String>,
}

/// What the list begins with.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What claims add up to.
    pub figures: ClaimFigures,
    /// The day that this is of, in UTC.
    pub today: Date,
    /// A page of them.
    pub page: Page<Listed>,
}

/// Something that was done with a claim.
#[derive(Clone, Debug)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Who,
    /// What: `claim.file`.
    pub action: String,
    /// Why, where it may be read.
    pub why: Option<String>,
}

/// A file of a claim.
#[derive(Clone, Debug)]
pub struct ShownFile {
    /// It.
    pub file: ClaimFile,
    /// The name that it came under; none where it may not be read, or was erased.
    pub name: Option<String>,
}

/// A claim with all that its page shows.
#[derive(Clone, Debug)]
pub struct ShownClaim {
    /// It.
    pub record: ClaimRecord,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What is written about it; none where nothing is, it may not be read, or it was erased.
    pub note: Option<String>,
    /// Its evidence.
    pub evidence: Vec<Evidence>,
    /// Its files.
    pub files: Vec<ShownFile>,
    /// Its history, newest first.
    pub history: Vec<Done>,
    /// Whether something is left out for this caller.
    pub masked: bool,
    /// The day that this is of, in UTC.
    pub today: Date,
}

/// A page of claims with what all of them add up to.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn overview(context: &Context, caller: &Caller, query: ClaimQuery) -> Result<Overview> {
    caller.require(Permission::See)?;
    let (scope, today) = (caller.scope(), today(context.now()));
    let figures = context.store.claims.figures(scope, today, today.saturating_add(SOON_DAYS.days())).await?;
    let names = PeopleNames::read(context, scope).await?;
    let page = context.store.claims.list(scope, query).await?;
    let rows = page.rows.into_iter().map(|record| listed(record, &names)).collect();
    Ok(Overview { figures, today, page: Page { rows, next: page.next } })
}

fn listed(record: ClaimRecord, names: &PeopleNames) -> Listed {
    Listed { owner: record.owner.and_then(|owner| names.of(owner)), record }
}

/// The claims of a shipment, newest first.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn of_shipment(context: &Context, caller: &Caller, shipment: ShipmentId) -> Result<Vec<Listed>> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let claims = context.store.claims.of_shipment(scope, shipment).await?;
    let names = PeopleNames::read(context, scope).await?;
    Ok(claims.into_iter().map(|record| listed(record, &names)).collect())
}

/// Every claim that a question selects, up to a limit; whether there are more.
///
/// # Errors
/// As [`overview`].
pub async fn export(context: &Context, caller: &Caller, query: ClaimQuery) -> Result<(Vec<Listed>, bool)> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let names = PeopleNames::read(context, scope).await?;
    let (mut rows, mut query) = (Vec::new(), query);
    loop {
        let page = context.store.claims.list(scope, query.clone()).await?;
        rows.extend(page.rows.into_iter().map(|record| listed(record, &names)));
        let Some(next) = page.next else { return Ok((rows, false)) };
        if rows.len() >= EXPORT_MAX {
            return Ok((rows, true));
        }
        query.cursor = Some(next);
    }
}

/// The shipment that a claim is about, before there is one; where it was merged into another, that one. None where there is none.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn subject(context: &Context, caller: &Caller, shipment: ShipmentId) -> Result<Option<ShipmentRecord>> {
    caller.require(Permission::See)?;
    shipment_of(context, caller.scope(), shipment).await
}

/// One claim without its evidence.
///
/// # Errors
/// When the caller may not, there is none of this number, or the store fails.
pub async fn record(context: &Context, caller: &Caller, number: ClaimNumber) -> Result<ClaimRecord> {
    caller.require(Permission::See)?;
    context.store.claims.numbered(caller.scope(), number).await?.ok_or(UseCaseError::NotFound("claim"))
}

/// One claim.
///
/// # Errors
/// When the caller may not, there is none of this number, or the store fails.
pub async fn claim(context: &Context, caller: &Caller, number: ClaimNumber) -> Result<ShownClaim> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let record = context.store.claims.numbered(scope, number).await?.ok_or(UseCaseError::NotFound("claim"))?;
    let known = evidence::known(context, scope, &record).await?;
    let personal = caller.may(Permission::ReadPersonal);
    let note = match &record.note {
        Some(sealed) if personal => sealing::opened_text(context, scope, sealing::NOTE, sealed).await?,
        _ => None,
    };
    let mut files = Vec::new();
    for file in &known.files {
        let name = match personal {
            true => sealing::opened_text(context, scope, sealing::FILE_NAME, &file.name).await?,
            false => None,
        };
        files.push(ShownFile { file: file.clone(), name });
    }
    let names = PeopleNames::read(context, scope).await?;
    Ok(ShownClaim {
        owner: record.owner.and_then(|owner| names.of(owner)),
        note,
        evidence: evidence::evidence(&known, &record),
        files,
        history: history(context, scope, &record, &names, personal).await?,
        masked: !personal,
        today: today(context.now()),
        record,
    })
}

async fn history(
    context: &Context,
    scope: Scope,
    of: &ClaimRecord,
    names: &PeopleNames,
    personal: bool,
) -> Result<Vec<Done>> {
    let lines = context.store.people.audit_trail(scope, Some(format!("claim:{}", of.id)), HISTORY_LINES).await?;
    let opened = Opened::read(context, scope, lines.iter().map(|line| &line.entry)).await?;
    let done = |line: storage::people::AuditRecord| Done {
        at: line.entry.at,
        by: names.who(line.actor),
        why: opened.why(line.entry.why.as_ref()).filter(|_| personal),
        action: line.entry.action,
    };
    Ok(lines.into_iter().map(done).collect())
}
