//! Hints: Odoo's automation rules post that a record changed. Nothing in a hint is believed but which record to read again; it
//! becomes a job that does that. Without any hint the imports find the same, only later.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::access::Permission;
use jiff::{SignedDuration, Timestamp};
use outbound::{CallLog, template::Family};
use serde::{Deserialize, Serialize};
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    settings::SettingChange,
};

use super::{OrderError, import_these, pace::Course};

/// Where hints are posted to, before the connection's name and the secret.
pub const PATH: &str = "/hooks/odoo";
/// One change in Odoo posts several hints, the first ones in the midst of it: the record is read a little later, once.
const SETTLES: SignedDuration = SignedDuration::from_secs(2);
/// An import that is brought forward begins so much later: the hints of that second are in what it reads.
const IMPORT_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// Secrets that are valid at once: the one that Odoo has, and the one that a set-up is about to give it.
const TOKENS_MAX: usize = 2;
/// How often a change of them begins again because another one was faster.
const CHANGES_MAX: usize = 10;
/// Random bytes of a secret.
const TOKEN_BYTES: usize = 32;
/// Rules that were set up so long ago and never posted are a fault.
const SILENT_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The secrets of a connection's address for hints: digests, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    digests: Vec<String>,
    /// When the rules were set up.
    set_at: Option<Timestamp>,
}

fn tokens_of(connection: &str) -> String {
    format!("{connection}.hints")
}

fn last_of(connection: &str) -> String {
    format!("{connection}.hinted")
}

impl Tokens {
    pub(super) async fn read(context: &Context, scope: Scope, connection: &str) -> storage::Result<Self> {
        let kept = context.store.people.setting(scope, &tokens_of(connection)).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Changes those that are kept; where another set-up changed them at the same time, the same again on what it left. What stays the same
    /// is not written.
    ///
    /// # Errors
    /// When others are faster each time, or the store fails.
    pub(super) async fn change(
        context: &Context,
        scope: Scope,
        connection: &str,
        make: impl Fn(&Self) -> Self + Send + Sync,
    ) -> Result<()> {
        let name = tokens_of(connection);
        for _ in 0..CHANGES_MAX {
            let from = context.store.people.setting(scope, &name).await?;
            let kept: Self = from.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            let next = make(&kept);
            if next == kept {
                return Ok(());
            }
            let to = serde_json::to_string(&next).expect("plain data serialises");
            let change = SettingChange { name: name.clone().into(), from, to };
            if context.store.people.swap_setting(scope, change).await? {
                return Ok(());
            }
        }
        Err(UseCaseError::Conflict(
            "the address for reports was changed by another set-up at the same time: try again".into(),
        ))
    }

    /// Whether this one is valid. Digests under our own key are compared: how long that takes says nothing of the secret.
    pub(super) fn has(&self, context: &Context, connection: &str, token: &str) -> bool {
        let digest = digest(context, connection, token);
        self.digests.contains(&digest)
    }

    /// With a new one beside the one so far.
    pub(super) fn with(&self, context: &Context, connection: &str, token: &str) -> Self {
        let mut digests = self.digests.clone();
        digests.insert(0, digest(context, connection, token));
        digests.truncate(TOKENS_MAX);
        Self { digests, set_at: Some(context.now()) }
    }

    /// With this one alone.
    pub(super) fn only(&self, context: &Context, connection: &str, token: &str) -> Self {
        Self { digests: vec![digest(context, connection, token)], set_at: self.set_at.or(Some(context.now())) }
    }
}

fn digest(context: &Context, connection: &str, token: &str) -> String {
    let digest = context.vault.digest(format!("hints\0{connection}\0{token}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new secret. From now on it is in no log.
pub(super) fn new_token(context: &Context) -> String {
    let mut random = [0; TOKEN_BYTES];
    context.clock.fill(&mut random);
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    outbound::secrets::know(&token);
    token
}

/// A hint, as far as it is read: which record of which model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hint {
    /// The model.
    #[serde(rename = "_model")]
    model: String,
    /// The record.
    #[serde(rename = "_id")]
    id: i64,
}

impl Hint {
    /// What this body says; none where it is no hint.
    pub fn read(body: &[u8]) -> Option<Self> {
        let hint: Self = serde_json::from_slice(body).ok()?;
        (hint.id > 0 && ::odoo::gives_hints(&hint.model)).then_some(hint)
    }

    /// The job's target, by which several hints of one record are one job.
    fn target(&self, connection: &str) -> String {
        format!("{connection}/{}/{}", self.model, self.id)
    }

    /// The hint of a target.
    pub(crate) fn of_target(target: &str) -> Option<Self> {
        let (before, id) = target.rsplit_once('/')?;
        let (_, model) = before.rsplit_once('/')?;
        Some(Self { model: model.to_owned(), id: id.parse().ok()? })
    }
}

/// Whether hints of a connection may be posted with this secret.
///
/// # Errors
/// `NotFound` where there is no such connection that is in use, or the secret is not its own: both look the same.
pub async fn may_post(context: &Context, connection: &str, token: &str) -> Result<()> {
    let unknown = Err(UseCaseError::NotFound("address"));
    let snapshot = context.connections.now();
    if !snapshot.in_use(Family::Orders).any(|odoo| odoo.record.name == connection) {
        return unknown;
    }
    match Tokens::read(context, context.scope(), connection).await?.has(context, connection, token) {
        true => {
            outbound::secrets::know(token);
            Ok(())
        }
        false => unknown,
    }
}

/// Takes a hint of a connection; its job reads the record.
///
/// # Errors
/// When the store fails.
pub async fn take(context: &Context, connection: &str, hint: &Hint) -> Result<()> {
    let (scope, now) = (context.scope(), context.now());
    let (course, is_due) = context.hints.count(connection, now);
    let at = |wait: SignedDuration| now.checked_add(wait).unwrap_or(now);
    let job = |kind, target: String, wait| {
        let job = context.job(kind, target, Cause::Import, context.correlation(), None).to(connection);
        NewJob { run_at: at(wait), ..job }
    };
    let job = match course {
        Course::Single => {
            let job = job(JobKind::READ_ORDER, hint.target(connection), SETTLES);
            Some(NewJob { lane: Lane::RealTime, ..job })
        }
        Course::Together => Some(job(JobKind::IMPORT_ORDERS, connection.to_owned(), IMPORT_AFTER)),
        Course::Included => None,
    };
    if let Some(job) = job {
        let lane = job.lane;
        context.store.jobs.enqueue(scope, vec![job]).await?;
        context.notifier.work(lane);
    }
    if is_due {
        context.store.people.put_setting(scope, &last_of(connection), now.to_string()).await?;
    }
    Ok(())
}

/// Reads what a hint is about: the transfer, or those of the order or the package. Returns how many changed here.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails.
pub(crate) async fn follow(
    context: &Context,
    scope: Scope,
    connection: &str,
    hint: &Hint,
    correlation: domain::ids::CorrelationId,
    calls: &dyn CallLog,
) -> std::result::Result<u64, OrderError> {
    let odoo = context.odoo(connection).ok_or(OrderError::NotInUse)?;
    let ids = odoo.transfers_of(&hint.model, hint.id, calls).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let done = import_these(context, scope, connection, &ids, correlation, calls).await?;
    Ok(u64::from(done.created) + u64::from(done.changed))
}

/// How hints of a connection stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HintState {
    /// When the rules were set up; none: they were not.
    pub set_at: Option<Timestamp>,
    /// When the last hint came.
    pub last_at: Option<Timestamp>,
}

impl HintState {
    /// Whether they were set up long ago and none came since.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        match (self.set_at, self.last_at) {
            (Some(set), None) => now.duration_since(set) >= SILENT_AFTER,
            (Some(set), Some(last)) => last < set && now.duration_since(set) >= SILENT_AFTER,
            (None, _) => false,
        }
    }
}

/// How hints of a connection stand.
///
/// # Errors
/// When the store fails.
pub async fn hint_state(context: &Context, caller: &Caller, connection: &str) -> Result<HintState> {
    caller.require(Permission::Operate)?;
    state_of(context, caller.scope(), connection).await.map_err(UseCaseError::from)
}

pub(crate) async fn state_of(context: &Context, scope: Scope, connection: &str) -> storage::Result<HintState> {
    let tokens = Tokens::read(context, scope, connection).await?;
    let last = context.store.people.setting(scope, &last_of(connection)).await?;
    let set_at = tokens.set_at.filter(|_| !tokens.digests.is_empty());
    Ok(HintState { set_at, last_at: last.and_then(|at| at.parse().ok()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_model_and_id_are_read_and_only_of_what_gives_hints() {
        let read = |body: &str| Hint::read(body.as_bytes());
        let hint =
            read(r#"{"_action": "x(#5)", "_id": 62, "_model": "stock.picking", "id": 7, "name": "<b>"}"#).unwrap();
        assert_eq!(hint, Hint { model: "stock.picking".into(), id: 62 });
        assert_eq!(hint.target("odoo-pl"), "odoo-pl/stock.picking/62");
        assert_eq!(Hint::of_target("odoo-pl/stock.picking/62"), Some(hint));
        for odd in [
            "",
            "[]",
            "null",
            r#"{"_id": 62}"#,
            r#"{"_id": "62", "_model": "stock.picking"}"#,
            r#"{"_id": -1, "_model": "stock.picking"}"#,
            r#"{"_id": 9223372036854775808, "_model": "stock.picking"}"#,
            r#"{"_id": 62, "_model": "res.users"}"#,
            r#"{"_id": 62, "_model": "stock.picking/../x"}"#,
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn rules_that_never_posted_are_noticed_after_a_day() {
        let at = |hour: i64| Timestamp::from_second(hour * 3_600).unwrap();
        let state = |set: Option<i64>, last: Option<i64>| HintState { set_at: set.map(at), last_at: last.map(at) };
        for (of, silent) in [
            (state(None, None), false),
            (state(Some(10), None), true),
            (state(Some(30), None), false),
            (state(Some(10), Some(5)), true),
            (state(Some(10), Some(11)), false),
        ] {
            assert_eq!(of.is_silent(at(40)), silent, "{of:?}");
        }
    }
}
