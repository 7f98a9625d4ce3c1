//! Reports of a desk that tickets changed. Nothing in one is believed but which tickets to look at; without any, the polls find the
//! same, only later.

use crate::{
    caller::Caller,
    connections::live::Client,
    context::Context,
    error::{Result, UseCaseError},
    keys::company_key,
    people::settings,
};
use desks::{
    HookProof,
    hooks::{Hook, HookRefusal, NUMBERS_MAX},
};
use domain::{access::Permission, ids::SubjectId};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use outbound::template::Family;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::{
    Scope, Sealed,
    jobs::{Cause, JobKind, Lane},
    people::SettingChange,
    work::DeskReport,
};

/// Where reports are posted to, before the connection's name.
pub const PATH: &str = crate::connections::activity::REPORTS;
/// The place of a given secret in the vault.
const SECRET: &str = "desk.hook_secret";
/// The shortest secret that is taken from a platform, in characters.
const SECRET_CHARS_MIN: usize = 16;
/// How long our own secret still counts after it was renewed: the time to enter the new one at the desk.
pub const RENEWED_OVERLAP: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a report ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// These many tickets are looked at.
    Looks(usize),
    /// It was taken before.
    Again,
    /// It is about no ticket of ours, or about our own change.
    Nothing,
}

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no desk of this name that is in use.
    #[error("there is no such desk")]
    Unknown,
    /// The report itself.
    #[error(transparent)]
    Refused(#[from] HookRefusal),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for ReportError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// Whether there is a desk of this name that is in use; asked before anything of a report is read.
pub fn is_in_use(context: &Context, connection: &str) -> bool {
    context.desk(connection).is_some()
}

/// Takes a report of a desk.
///
/// # Errors
/// When there is no such desk, the report is not proven or cannot be read, or the store fails.
pub async fn take(
    context: &Context,
    connection: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> std::result::Result<Taken, ReportError> {
    let (scope, now) = (context.scope(), context.now());
    let desk = context.desk(connection).ok_or(ReportError::Unknown)?;
    let mut report = Err(HookRefusal::Unproven);
    for secret in secrets_of(context, scope, connection).await? {
        report = desk.read_hook(&Hook { headers, body, secret: &secret, now });
        if !matches!(report, Err(HookRefusal::Unproven)) {
            break;
        }
    }
    let report = report?;
    if report.numbers.is_empty() {
        return Ok(Taken::Nothing);
    }
    let numbers = report.numbers.into_iter().take(NUMBERS_MAX).collect();
    let known = context.store.work.cases_by_number(scope, connection.to_owned(), numbers).await?;
    if known.is_empty() {
        return Ok(Taken::Nothing);
    }
    let job = |case: &storage::work::CaseRecord| {
        let job =
            context.job(JobKind::SYNC_CASE, case.exception, Cause::Live, context.correlation(), Some(case.shipment));
        job.to(connection)
    };
    let jobs = known.iter().map(job).collect();
    let desk_report = DeskReport {
        desk: connection.to_owned(),
        delivery: report.delivery.map(|delivery| context.vault.token("desk.delivery", &delivery)),
        seen: known.iter().map(|case| (case.id, case.status)).collect(),
    };
    if !context.store.work.take_report(scope, desk_report, now, jobs).await? {
        return Ok(Taken::Again);
    }
    context.notifier.work(Lane::RealTime);
    Ok(Taken::Looks(known.len()))
}

/// A secret that a platform made itself, sealed.
#[derive(Serialize, Deserialize)]
struct Given {
    subject: SubjectId,
    bytes: Vec<u8>,
}

fn setting_of(connection: &str) -> String {
    format!("{connection}.hook_secret")
}

/// The secrets of a desk's reports: the one that the platform made, where it was given; else our own.
async fn secrets_of(context: &Context, scope: Scope, connection: &str) -> Result<Vec<SecretString>> {
    let Some(text) = given(context, scope, connection).await? else {
        return own_secrets(context, scope, connection).await;
    };
    let damaged = |_: String| UseCaseError::Internal("the secret of the desk's reports cannot be opened".into());
    let given: Given = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    let key = company_key(context, scope, SECRET).await?;
    let sealed = Sealed { subject: given.subject, bytes: given.bytes };
    let plain = key.open(SECRET, &sealed).map_err(|e| damaged(e.to_string()))?;
    let secret = String::from_utf8(plain).map_err(|e| damaged(e.to_string()))?;
    outbound::secrets::know(&secret);
    Ok(vec![secret.into()])
}

/// The secret that a platform made, as it is kept.
async fn given(context: &Context, scope: Scope, connection: &str) -> Result<Option<String>> {
    let kept = context.store.people.setting(scope, &setting_of(connection)).await?;
    Ok(kept.filter(|text| !text.is_empty()))
}

/// How often our own secret of a desk was renewed, and when last.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Renewals {
    count: u32,
    last: Option<Timestamp>,
}

fn renewals_of(connection: &str) -> String {
    format!("{connection}.hook_secret_renewals")
}

/// Our own secrets of a desk that count, the newest first: the one before it for a time after it was renewed.
async fn own_secrets(context: &Context, scope: Scope, connection: &str) -> Result<Vec<SecretString>> {
    let renewals: Renewals = settings::read(context, scope, &renewals_of(connection)).await?.unwrap_or_default();
    let mut secrets = vec![own_secret(context, connection, renewals.count)];
    let is_new = renewals.last.is_some_and(|last| context.now().duration_since(last) < RENEWED_OVERLAP);
    if let Some(before) = renewals.count.checked_sub(1).filter(|_| is_new) {
        secrets.push(own_secret(context, connection, before));
    }
    Ok(secrets)
}

/// Our own secret of a desk. It follows from the master key and how often it was renewed, so that no secret is kept and every
/// node has it.
fn own_secret(context: &Context, connection: &str, renewals: u32) -> SecretString {
    let renewed = if renewals == 0 { String::new() } else { format!("\0{renewals}") };
    let digest = context.vault.digest(format!("{SECRET}\0{}\0{connection}{renewed}", context.company).as_bytes());
    let secret: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    outbound::secrets::know(&secret);
    secret.into()
}

/// Whether this is our own secret of a desk.
pub(super) async fn is_own_secret(context: &Context, connection: &str, given: &str) -> Result<bool> {
    let own = own_secrets(context, context.scope(), connection).await?;
    Ok(own.iter().any(|own| context.vault.is_same(own.expose_secret(), given)))
}

/// Makes a new secret of our own for a desk; the one before it counts for [`RENEWED_OVERLAP`] more, the one before that no longer.
///
/// # Errors
/// When there is no such desk, others renew it at the same time, or the store fails.
pub async fn renew_secret(context: &Context, caller: &Caller, connection: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    proof_of(context, connection)?;
    let now = context.now();
    let line = ("connection.hook_secret", format!("connection:{connection}"));
    settings::amend(context, caller.scope(), renewals_of(connection), line, |renewals: &mut Renewals| {
        *renewals = Renewals { count: renewals.count.saturating_add(1), last: Some(now) };
        Ok(())
    })
    .await
}

/// How a desk reports changes to us.
pub struct Reporting {
    /// The address to enter there.
    pub address: String,
    /// How reports prove who sends them.
    pub proof: HookProof,
    /// Our own secret, to enter there; the page beside a ticket takes it too.
    pub secret: SecretString,
    /// Whether reports are proven with a secret that the platform made instead.
    pub is_given: bool,
}

/// What to enter at a desk so that it reports changes. Shows a secret.
///
/// # Errors
/// When there is no such desk that can be used, or the store fails.
pub async fn reporting(context: &Context, caller: &Caller, connection: &str) -> Result<Reporting> {
    caller.require(Permission::Operate)?;
    let proof = proof_of(context, connection)?;
    let is_given = given(context, caller.scope(), connection).await?.is_some();
    let (public, _) = crate::connections::inbound::public_url(context, caller.scope()).await?;
    let line = context.audit("connection.hook_secret_shown", format!("connection:{connection}"));
    context.store.people.audit(caller.scope(), line).await?;
    let newest = own_secrets(context, caller.scope(), connection).await?.into_iter().next();
    let secret = newest.unwrap_or_else(|| own_secret(context, connection, 0));
    Ok(Reporting { address: format!("{public}{PATH}/{connection}"), proof, secret, is_given })
}

/// Takes the secret that a platform made itself (Zendesk's signing secret, the client secret of an Intercom app), or, with none,
/// goes back to our own.
///
/// # Errors
/// When there is no such desk, the secret is too short, or the store fails.
pub async fn give_secret(
    context: &Context,
    caller: &Caller,
    connection: &str,
    secret: Option<SecretString>,
) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    proof_of(context, connection)?;
    let text = match secret {
        None => String::new(),
        Some(secret) => {
            let secret = secret.expose_secret().trim();
            if secret.chars().count() < SECRET_CHARS_MIN {
                let message = format!("has fewer than {SECRET_CHARS_MIN} characters: copy the whole of it");
                return Err(UseCaseError::Invalid { field: "secret", message });
            }
            outbound::secrets::know(secret);
            let sealed = company_key(context, scope, SECRET).await?.seal(SECRET, secret.as_bytes());
            let given = Given { subject: sealed.subject, bytes: sealed.bytes };
            serde_json::to_string(&given).expect("plain data serialises")
        }
    };
    let from = context.store.people.setting(scope, &setting_of(connection)).await?;
    let line = ("connection.hook_secret", format!("connection:{connection}"));
    let change = SettingChange { name: setting_of(connection).into(), from, to: text };
    settings::change_secret(context, scope, change, line).await
}

fn proof_of(context: &Context, connection: &str) -> Result<HookProof> {
    let connections = context.connections.now();
    let found = connections.get(connection).filter(|found| found.family == Some(Family::Desk));
    match found.map(|found| &found.client) {
        Some(Client::Desk(desk)) => Ok(desk.manifest().hooks),
        Some(Client::Unusable(why)) => Err(UseCaseError::Invalid { field: "connection", message: why.clone() }),
        _ => Err(UseCaseError::NotFound("service desk")),
    }
}
