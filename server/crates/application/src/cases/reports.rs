//! Reports of a desk that tickets changed. Nothing in one is believed but which tickets to look at; without any, the polls find the
//! same, only later.

use crate::{
    caller::Caller,
    connections::live::Client,
    context::Context,
    error::{Result, UseCaseError},
    keys::company_key,
};
use desks::{
    HookProof,
    hooks::{Hook, HookRefusal, NUMBERS_MAX},
};
use domain::{access::Permission, ids::SubjectId};
use http::HeaderMap;
use outbound::template::Family;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::{
    Scope, Sealed,
    jobs::{Cause, JobKind, Lane},
    work::DeskReport,
};

/// Where reports are posted to, before the connection's name.
pub const PATH: &str = "/hooks/desk";
/// The place of a given secret in the vault.
const SECRET: &str = "desk.hook_secret";
/// The shortest secret that is taken from a platform, in characters.
const SECRET_CHARS_MIN: usize = 16;

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
    let secret = secret_of(context, scope, connection).await?;
    let report = desk.read_hook(&Hook { headers, body, secret: &secret, now })?;
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

/// The secret of a desk's reports: the one that the platform made, where it was given; else one of our own, the same for good.
async fn secret_of(context: &Context, scope: Scope, connection: &str) -> Result<SecretString> {
    let Some(text) = given(context, scope, connection).await? else { return Ok(own_secret(context, connection)) };
    let damaged = |_: String| UseCaseError::Internal("the secret of the desk's reports cannot be opened".into());
    let given: Given = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    let key = company_key(context, scope, SECRET).await?;
    let sealed = Sealed { subject: given.subject, bytes: given.bytes };
    let plain = key.open(SECRET, &sealed).map_err(|e| damaged(e.to_string()))?;
    let secret = String::from_utf8(plain).map_err(|e| damaged(e.to_string()))?;
    outbound::secrets::know(&secret);
    Ok(secret.into())
}

/// The secret that a platform made, as it is kept.
async fn given(context: &Context, scope: Scope, connection: &str) -> Result<Option<String>> {
    let kept = context.store.people.setting(scope, &setting_of(connection)).await?;
    Ok(kept.filter(|text| !text.is_empty()))
}

/// Our own secret of a desk's reports. It follows from the master key, so that nothing is kept and every node has it.
fn own_secret(context: &Context, connection: &str) -> SecretString {
    let digest = context.vault.digest(format!("{SECRET}\0{}\0{connection}", context.company).as_bytes());
    let secret: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    outbound::secrets::know(&secret);
    secret.into()
}

/// Whether this is our own secret of a desk. Digests under our own key are compared.
pub(super) fn is_own_secret(context: &Context, connection: &str, given: &str) -> bool {
    let digest = |secret: &str| context.vault.digest(secret.as_bytes());
    digest(own_secret(context, connection).expose_secret()) == digest(given)
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
    let secret = own_secret(context, connection);
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
    context.store.people.put_setting(scope, &setting_of(connection), text).await?;
    let line = context.audit("connection.hook_secret", format!("connection:{connection}"));
    context.store.people.audit(scope, line).await?;
    Ok(())
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
