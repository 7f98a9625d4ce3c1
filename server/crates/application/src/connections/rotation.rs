//! Secrets that change without a pause: two are valid at once, and the last one that works is never thrown away.

use super::{
    catalogue, checks,
    live::{Client, Connection},
    opened::{Opened, is_proven, named, not_used_yet, sealed, with_new},
    refresh::announce,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use carriers::{Scheme, Settings};
use domain::access::Permission;
use outbound::{Discard, ErrorClass, template::Family};
use secrecy::SecretString;
use storage::{Scope, connections::ConnectionRecord};

/// Whether the other system takes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It does.
    Yes,
    /// It refuses it.
    No,
    /// It cannot be said now, for this reason.
    Unknown(String),
}

/// Whether the system behind a connection takes this secret; of a source it shows with the next message.
pub(super) async fn accepts(context: &Context, record: &ConnectionRecord, secret: &str) -> Accepted {
    let connection = Connection::new(&context.config, record.clone(), vec![secret.to_owned()], None);
    let answer = match &connection.client {
        Client::Orders(odoo) => odoo.health(&Discard).await,
        Client::Desk(desk) => desk.version(&Discard).await.map(drop),
        Client::Inbound => return Accepted::Unknown("the next message shows it".into()),
        Client::Unusable(why) => return Accepted::Unknown(why.clone()),
    };
    match answer {
        Ok(()) => Accepted::Yes,
        Err(error) if matches!(error.class, ErrorClass::Unauthorized | ErrorClass::Forbidden) => Accepted::No,
        Err(error) => Accepted::Unknown(error.message),
    }
}

/// The secrets of a connection once it has a new one. Only where three are to choose from the system is asked.
pub(super) async fn beside(
    context: &Context,
    record: &ConnectionRecord,
    before: &[String],
    new: &str,
) -> Result<Vec<String>> {
    let is_choice = before.iter().filter(|one| *one != new).count() > 1;
    let newest_is_proven = match (catalogue::family(&record.connector), before.first()) {
        (Some(Family::Orders | Family::Desk), Some(newest)) if is_choice => {
            match accepts(context, record, newest).await {
                Accepted::Yes => true,
                Accepted::No => false,
                Accepted::Unknown(why) => {
                    let name = &record.name;
                    let message = format!(
                        "{name} has two secrets, and which of them works cannot be said now ({why}): test {name} and try again"
                    );
                    return Err(checks::invalid("secret", message));
                }
            }
        }
        _ => is_proven(record),
    };
    Ok(with_new(new, before, newest_is_proven))
}

/// Sets a new secret; whether the system takes it already. The one before stays valid, so that nothing pauses, until
/// [`retire_old`] or the next one.
///
/// # Errors
/// Where there is no such connection, or the secret is empty.
pub async fn rotate(context: &Context, caller: &Caller, name: &str, secret: &str) -> Result<Accepted> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    checks::is_kept(&known)?;
    let secret = checks::secret(Some(&SecretString::from(secret)))?;
    let secret = secret.ok_or_else(|| checks::invalid("secret", "is missing"))?;
    let record = &known.record;
    if let (Some(Family::Carrier), Some(scheme)) =
        (catalogue::family(&record.connector), Scheme::from_name(&record.scheme))
    {
        let settings: Settings = serde_json::from_str(&record.settings)
            .map_err(|error| UseCaseError::Internal(format!("the settings of {name}: {error}")))?;
        checks::source(&context.config, name, &record.connector, scheme, &secret, &settings)?;
    }
    let secrets = beside(context, record, known.secrets(), &secret).await?;
    let accepted = accepts(context, record, &secret).await;
    keep(context, caller.scope(), known, secrets, "connection.rotate").await?;
    Ok(accepted)
}

/// Forgets the secret from before the last change, once the newest is known to work.
///
/// # Errors
/// Where there is no such connection, it has one secret only, or the newest was not accepted yet.
pub async fn retire_old(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    let [newest, _, ..] = known.secrets() else {
        return Err(checks::invalid("secret", format!("{name} has one secret: rotate it first")));
    };
    let why = match catalogue::family(&known.record.connector) {
        Some(Family::Carrier) | None => (!is_proven(&known.record)).then(|| not_used_yet(name)),
        Some(Family::Orders | Family::Desk) => match accepts(context, &known.record, newest).await {
            Accepted::Yes => None,
            Accepted::No => Some(format!("{name} does not accept the newest secret, so the one before stays")),
            Accepted::Unknown(why) => {
                Some(format!("the newest secret of {name} cannot be tested now, so the one before stays: {why}"))
            }
        },
    };
    if let Some(why) = why {
        return Err(checks::invalid("secret", why));
    }
    let newest = vec![newest.clone()];
    keep(context, caller.scope(), known, newest, "connection.retire").await
}

async fn keep(
    context: &Context,
    scope: Scope,
    known: Opened,
    secrets: Vec<String>,
    action: &'static str,
) -> Result<()> {
    let is_new = secrets.first() != known.secrets().first();
    let (kept, key) = sealed(context, known.record.id, Some(&known), &secrets);
    let record = known.record;
    let secret_set_at = if is_new { context.now() } else { record.secret_set_at };
    let record = ConnectionRecord { secrets: kept, secret_set_at, ..record };
    let audit = context.audit(action, format!("connection:{}", record.id));
    context.store.connections.put(scope, record, key, audit).await?;
    announce(context).await
}
