//! The set-up of an Odoo: with an administrator's key that is used once and neither kept nor logged. A preview changes nothing.

use super::{
    hints::{self, Tokens},
    refill,
};
use crate::{
    caller::Caller,
    connections::{self, Client, Connection},
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use ::odoo::{Ended, Extent, Hints, OdooClient, OdooConfig, Plan, Settings, There, Wanted};
use domain::access::Permission;
use jiff::Timestamp;
use outbound::{CallError, Discard, ErrorClass, template::Family};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupAct {
    /// Say what a set-up would do.
    Preview,
    /// Set up.
    Apply,
    /// Say what a removal would do.
    PreviewRemoval,
    /// Take away what was made.
    Remove,
}

impl SetupAct {
    /// Whether it changes anything.
    pub const fn changes(self) -> bool {
        matches!(self, Self::Apply | Self::Remove)
    }

    const fn removes(self) -> bool {
        matches!(self, Self::PreviewRemoval | Self::Remove)
    }
}

/// What is asked of a set-up.
pub struct SetupRequest {
    /// What is to be done.
    pub act: SetupAct,
    /// The administrator's API key.
    pub key: SecretString,
    /// The administrator's login, which Odoo 16 to 18 ask for.
    pub login: Option<String>,
    /// Whether Odoo reports changes at once.
    pub hints: bool,
    /// Whether the address that it reports to gets a new secret.
    pub renew: bool,
    /// Whether a user with just the needed rights is made.
    pub user: bool,
    /// Whether a removal takes the fields too, with their values.
    pub fields: bool,
}

/// A step for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupStep {
    /// What it does.
    pub what: String,
    /// What became of it; none in a preview.
    pub ended: Option<Ended>,
}

/// What a set-up did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupReport {
    /// When.
    pub at: Timestamp,
    /// What was asked for.
    pub act: SetupAct,
    /// The steps; none: nothing is to be done.
    pub steps: Vec<SetupStep>,
    /// What is left out, and what a person has to do.
    pub notes: Vec<String>,
}

impl SetupReport {
    /// Steps that were not done though they should.
    pub fn refused(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.ended, Some(Ended::Refused(_) | Ended::Left))).count()
    }
}

/// Sets an Odoo up, takes that away, or says what either would do. Audited where it changes something, without the key.
///
/// # Errors
/// `Invalid` where the key is not accepted or its user may not do this; `Unavailable` where Odoo does not answer.
pub async fn set_up(context: &Context, caller: &Caller, name: &str, request: SetupRequest) -> Result<SetupReport> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let snapshot = context.connections.now();
    let connection = snapshot.get(name).filter(|known| known.family == Some(Family::Orders));
    let connection = connection.ok_or(UseCaseError::NotFound("connection"))?;
    let odoo = administrator(connection, &request)?;
    let there = odoo.look(&Discard).await.map_err(|error| explained(&error))?;
    let tokens = Tokens::read(context, scope, name).await?;
    let act = request.act;
    let (plan, token) = match act.removes() {
        true => {
            let extent = if request.fields { Extent::WithFields } else { Extent::KeepFields };
            (::odoo::removal(&there, extent), None)
        }
        false => {
            let address = request.hints.then(|| Address::of(context, name, &there, &tokens, request.renew));
            let (hints, token) = address.map(|address| (address.hints, address.token)).unzip();
            (::odoo::plan(&there, &Wanted { hints, user: request.user }), token)
        }
    };
    if act == SetupAct::Apply
        && let Some(token) = &token
        && !tokens.has(context, name, token)
    {
        // valid before Odoo has it: no hint is refused in between
        Tokens::change(context, scope, name, |kept| kept.with(context, name, token)).await?;
    }
    let ended = match act.changes() {
        true => {
            let subject = format!("connection:{}", connection.record.id);
            let fields = plan.changes_fields();
            if fields {
                // no import compares what is there in between with what was written before
                refill::forget(context, scope, name).await?;
            }
            let ended = apply(context, caller, &odoo, &plan, (act, subject)).await;
            if fields {
                refill::forget(context, scope, name).await?;
            }
            if fields && act == SetupAct::Apply {
                refill::begin(context, scope, name).await?;
            }
            ended?.into_iter().map(Some).collect()
        }
        false => vec![None; plan.steps.len()],
    };
    let steps = plan.steps.iter().map(|step| step.what.clone()).zip(ended);
    let steps = steps.map(|(what, ended)| SetupStep { what, ended }).collect();
    let report = SetupReport { at: context.now(), act, steps, notes: plan.notes };
    match (act, token) {
        (SetupAct::Apply, Some(token)) if report.refused() == 0 => {
            Tokens::change(context, scope, name, |kept| kept.only(context, name, &token)).await?;
        }
        (SetupAct::Remove, _) if report.refused() == 0 => {
            Tokens::change(context, scope, name, |_| Tokens::default()).await?;
        }
        _ => {}
    }
    // what waited for a field or a right goes on, and the page shows how it stands now
    if act.changes()
        && let Err(error) = connections::test(context, caller, name).await
    {
        tracing::warn!(connection = name, "it is set up, but could not be tested: {error}");
    }
    Ok(report)
}

/// Where hints go to: as Odoo has it where that is still valid, else with a new secret.
struct Address {
    hints: Hints,
    token: String,
}

impl Address {
    fn of(context: &Context, name: &str, there: &There, tokens: &Tokens, renew: bool) -> Self {
        let before = format!("{}{}/{name}/", context.config.public_url, hints::PATH);
        let known = there.hint_urls().filter_map(|url| url.strip_prefix(&before));
        let known = known.map(str::to_owned).find(|token| !renew && tokens.has(context, name, token));
        let token = known.unwrap_or_else(|| hints::new_token(context));
        let hints = Hints { url: format!("{before}{token}"), shown: context.config.public_url.clone() };
        Self { hints, token }
    }
}

/// The Odoo of a connection with the administrator's key, for this once.
fn administrator(connection: &Arc<Connection>, request: &SetupRequest) -> Result<OdooClient> {
    if let Client::Unusable(why) = &connection.client {
        return Err(UseCaseError::Conflict(format!("the connection cannot be used: {why}")));
    }
    if request.key.expose_secret().trim().is_empty() {
        return Err(invalid("give the API key of an administrator"));
    }
    let settings: Settings = serde_json::from_str(&connection.record.settings)
        .map_err(|error| UseCaseError::Internal(format!("its settings cannot be read: {error}")))?;
    let login = request.login.as_deref().map(str::trim).filter(|login| !login.is_empty()).map(str::to_owned);
    let key = request.key.expose_secret().trim().to_owned();
    let config = OdooConfig { login, ..OdooConfig::new(settings.url, settings.database, key) };
    OdooClient::new(config).map_err(|error| explained(&error))
}

/// Takes the steps. Who begins what is kept before anything is changed, whatever becomes of the request; and afterwards how each
/// step ended.
async fn apply(
    context: &Context,
    caller: &Caller,
    odoo: &OdooClient,
    plan: &Plan,
    (act, subject): (SetupAct, String),
) -> Result<Vec<Ended>> {
    let action = if act == SetupAct::Remove { "odoo.remove" } else { "odoo.setup" };
    let start = if act == SetupAct::Remove { "odoo.remove.start" } else { "odoo.setup.start" };
    let keep = async |action, lines: Vec<String>| {
        let after = sealed_audit(context, caller.scope(), &json!({ "steps": lines })).await?;
        let line = context.audit(action, subject.clone()).after(after);
        Ok::<_, UseCaseError>(context.store.people.audit(caller.scope(), line).await?)
    };
    if !plan.steps.is_empty() {
        keep(start, plan.steps.iter().map(|step| step.what.clone()).collect()).await?;
    }
    let ended = odoo.apply(plan, &Discard).await;
    let outcome = |n: usize| match ended.as_ref().map(|ended| ended.get(n)) {
        Ok(Some(Ended::Done)) => "done",
        Ok(Some(Ended::Refused(_))) => "refused",
        Ok(Some(Ended::Left) | None) => "left out",
        Err(_) => "unknown",
    };
    if !plan.steps.is_empty() {
        let lines: Vec<_> =
            plan.steps.iter().enumerate().map(|(n, step)| format!("{}: {}", outcome(n), step.what)).collect();
        keep(action, lines).await?;
    }
    ended.map_err(|error| explained(&error))
}

fn invalid(message: impl Into<String>) -> UseCaseError {
    UseCaseError::Invalid { field: "key", message: message.into() }
}

/// Why Odoo does not do it.
fn explained(error: &CallError) -> UseCaseError {
    let how = "Sign in to Odoo as an administrator (group Role: Administrator), make an API key under Preferences, Account \
               Security, and give that one; it is needed only this once";
    match error.class {
        ErrorClass::Unauthorized => invalid(format!(
            "Odoo does not accept this key: it is wrong, expired or revoked, or the login is another user's ({error}). {how}"
        )),
        ErrorClass::Forbidden | ErrorClass::MissingRight => {
            invalid(format!("the user of this key may not set up Odoo ({error}). {how}"))
        }
        ErrorClass::Misconfigured | ErrorClass::Rejected | ErrorClass::NotFound => {
            UseCaseError::Conflict(error.to_string())
        }
        _ => UseCaseError::Unavailable(format!("Odoo does not answer as it should: {error}")),
    }
}
