//! Secrets that change without a pause: two are valid at once, and the last one that works is never thrown away.

use super::{
    catalogue, checks,
    live::{Client, Connection},
    opened::{Opened, is_proven, named, not_used_yet, sealed, with_new},
    probe,
    refresh::announce,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use carriers::{Scheme, Settings};
use domain::access::Permission;
use outbound::{Discard, ErrorClass, check::CheckOutcome, template::Family};
use secrecy::SecretString;
use std::collections::BTreeSet;
use storage::{Scope, connections::ConnectionRecord};

/// How far a secret leads.
#[derive(Debug)]
enum Accepted {
    /// The other system takes it; the test of the connection finds these faults with it.
    Yes(BTreeSet<String>),
    /// The other system refuses it.
    No,
    /// It cannot be said now, for this reason.
    Unknown(String),
}

impl Accepted {
    /// Whether nothing fails with it that does not fail with this older one.
    fn is_as_good_as(&self, older: &Self) -> bool {
        match (self, older) {
            (Self::Yes(faults), Self::Yes(older)) => faults.is_subset(older),
            (Self::Yes(_), Self::No) => true,
            (Self::Yes(faults), Self::Unknown(_)) => faults.is_empty(),
            (Self::No | Self::Unknown(_), _) => false,
        }
    }
}

/// How far this secret leads; of a source it shows with the next message.
async fn accepts(context: &Context, scope: Scope, record: &ConnectionRecord, secret: &str) -> Accepted {
    let connection = Connection::new(&context.config, record.clone(), vec![secret.to_owned()], None);
    let answer = match &connection.client {
        Client::Orders(odoo) => odoo.health(&Discard).await,
        Client::Desk(desk) => desk.version(&Discard).await.map(drop),
        Client::Shipping(platform) => platform.probe(&Discard).await,
        // its test says it: a message, and the only question that a channel answers
        Client::Channel(..) => Ok(()),
        Client::Inbound => return Accepted::Unknown("the next message shows it".into()),
        Client::Unusable(why) => return Accepted::Unknown(why.clone()),
    };
    match answer {
        Ok(()) => {}
        Err(error) if matches!(error.class, ErrorClass::Unauthorized | ErrorClass::Forbidden) => return Accepted::No,
        Err(error) => return Accepted::Unknown(error.to_string()),
    }
    let report = probe::with_secret(context, scope, record, secret).await;
    let failed = report.checks.into_iter().filter(|check| check.outcome == CheckOutcome::Failed);
    Accepted::Yes(failed.map(|check| check.found()).collect())
}

/// Whether the newest of two secrets of a system is as good as the older one; or why that cannot be said now.
pub(super) async fn is_newest_as_good(
    context: &Context,
    scope: Scope,
    record: &ConnectionRecord,
    (newest, older): (&str, &str),
) -> std::result::Result<bool, String> {
    match accepts(context, scope, record, newest).await {
        Accepted::Unknown(why) => Err(why),
        newest => Ok(newest.is_as_good_as(&accepts(context, scope, record, older).await)),
    }
}

/// The secrets of a connection once it has a new one. One that was never in use keeps none beside it: what was mistyped would be
/// valid. Only where three are to choose from the system is asked.
pub(super) async fn beside(
    context: &Context,
    scope: Scope,
    record: &ConnectionRecord,
    before: &[String],
    new: &str,
) -> Result<Vec<String>> {
    if record.is_draft() {
        return Ok(vec![new.to_owned()]);
    }
    let is_choice = before.iter().filter(|one| *one != new).count() > 1;
    let newest_is_proven = match (catalogue::family(&record.connector), before) {
        (Some(Family::Orders | Family::Desk | Family::Shipping), [newest, older, ..]) if is_choice => is_newest_as_good(
            context,
            scope,
            record,
            (newest, older),
        )
        .await
        .map_err(|why| {
            let name = &record.name;
            let message = format!(
                "{name} has two secrets, and which of them works cannot be said now ({why}): test {name} and try again"
            );
            checks::invalid("secret", message)
        })?,
        _ => is_proven(record),
    };
    Ok(with_new(new, before, newest_is_proven))
}

/// Sets a new secret; how many are valid now. The one before stays valid, so that nothing pauses, until [`retire_old`] or the next
/// one; of a connection that was never in use it is replaced. Whether the new one works its test says.
///
/// # Errors
/// Where there is no such connection, or the secret is empty.
pub async fn rotate(context: &Context, caller: &Caller, name: &str, secret: &str) -> Result<usize> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    checks::is_kept(&known)?;
    let record = &known.record;
    let secret = checks::secret(Some(&SecretString::from(secret)))?;
    let secret = secret.ok_or_else(|| checks::no_secret(catalogue::template(&record.connector).as_ref()))?;
    if let (Some(Family::Carrier), Some(scheme)) =
        (catalogue::family(&record.connector), Scheme::from_name(&record.scheme))
    {
        let settings: Settings = serde_json::from_str(&record.settings)
            .map_err(|error| UseCaseError::Internal(format!("the settings of {name}: {error}")))?;
        checks::source(&context.config, scheme, &secret, &settings)?;
    }
    if catalogue::family(&record.connector) == Some(Family::Channel) {
        let connected = Connection::new(&context.config, record.clone(), vec![secret.clone()], None);
        connected.unusable().map_or(Ok(()), |why| Err(checks::invalid("secret", why)))?;
    }
    let secrets = beside(context, caller.scope(), record, known.secrets(), &secret).await?;
    let valid = secrets.len();
    keep(context, caller.scope(), known, secrets, "connection.rotate").await?;
    Ok(valid)
}

/// Forgets the secret from before the last change, once nothing fails with the newest that does not fail with it.
///
/// # Errors
/// Where there is no such connection, it has one secret only, or the newest does not work as well yet.
pub async fn retire_old(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let known = named(context, scope, name).await?;
    let [newest, older, ..] = known.secrets() else {
        return Err(checks::invalid("secret", format!("{name} has one secret: rotate it first")));
    };
    let why = match catalogue::family(&known.record.connector) {
        Some(Family::Carrier) | None => (!is_proven(&known.record)).then(|| not_used_yet(name)),
        Some(Family::Orders | Family::Desk | Family::Shipping | Family::Channel) => {
            why_it_stays(context, scope, &known.record, newest, older).await
        }
    };
    if let Some(why) = why {
        return Err(checks::invalid("secret", why));
    }
    let newest = vec![newest.clone()];
    keep(context, scope, known, newest, "connection.retire").await
}

/// Why the older secret of a system stays; none where the newest is as good.
async fn why_it_stays(
    context: &Context,
    scope: Scope,
    record: &ConnectionRecord,
    newest: &str,
    older: &str,
) -> Option<String> {
    let name = &record.name;
    match accepts(context, scope, record, newest).await {
        Accepted::No => Some(format!("{name} does not accept the newest secret, so the one before stays")),
        Accepted::Unknown(why) => {
            Some(format!("the newest secret of {name} cannot be tested now, so the one before stays: {why}"))
        }
        Accepted::Yes(faults) if faults.is_empty() => None,
        Accepted::Yes(faults) => {
            let found = faults.iter().cloned().collect::<Vec<_>>().join("; ");
            let is_as_good = Accepted::Yes(faults).is_as_good_as(&accepts(context, scope, record, older).await);
            (!is_as_good).then(|| {
                format!("{name} accepts the newest secret, but its test finds: {found}. The one before stays until that is mended")
            })
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_gives_way_only_to_one_that_is_as_good() {
        let yes = |faults: &[&str]| Accepted::Yes(faults.iter().map(|fault| (*fault).to_owned()).collect());
        let unknown = || Accepted::Unknown("away".into());
        for (newest, older, gives_way) in [
            (yes(&[]), yes(&[]), true),
            (yes(&[]), unknown(), true),
            (yes(&["fields"]), yes(&["fields", "right"]), true),
            (yes(&["right"]), yes(&["fields"]), false),
            (yes(&["right"]), yes(&[]), false),
            (yes(&["right"]), Accepted::No, true),
            (yes(&["right"]), unknown(), false),
            (Accepted::No, Accepted::No, false),
            (unknown(), Accepted::No, false),
        ] {
            assert_eq!(newest.is_as_good_as(&older), gives_way, "{newest:?} for {older:?}");
        }
    }
}
