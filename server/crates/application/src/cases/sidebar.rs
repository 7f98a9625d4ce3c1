//! A page beside a ticket, inside the service desk: what the ticket's context says, as it is now. The desk's app asks for a link with the
//! connection's secret, which no browser sees; the link is signed, names one ticket and ends soon. It shows no personal data.

use super::{reports, texts::About};
use crate::{
    connections::live::Client,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::ids::ExceptionId;
use jiff::{SignedDuration, Timestamp};
use outbound::template::Family;
use storage::work::CaseStatus;

/// Where links begin, before the connection's name.
pub const PATH: &str = "/embed/desk";
/// A link is good for so long: the page is loaded once, with the ticket.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Longest number of a ticket in characters.
const NUMBER_CHARS_MAX: usize = 64;

/// A link to the page beside a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub url: String,
    /// Seconds until it ends.
    pub expires_in: i64,
}

/// What the page beside a ticket shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidebar {
    /// The ticket's exception in a line.
    pub title: String,
    /// The context, line by line.
    pub lines: Vec<String>,
    /// The shipment's page.
    pub page: String,
    /// The desk's site, which alone may show it.
    pub desk: String,
}

/// A link for a ticket, for the desk's app that has the connection's secret.
///
/// # Errors
/// `NotFound` where there is no such desk in use, or the secret is not its own: both look the same.
pub async fn link(context: &Context, connection: &str, secret: &str, number: &str) -> Result<Link> {
    site_of(context, connection)?;
    if !reports::is_own_secret(context, connection, secret).await? {
        return Err(UseCaseError::NotFound("address"));
    }
    let is_number = number.len() <= NUMBER_CHARS_MAX && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if number.is_empty() || !is_number {
        return Err(UseCaseError::Invalid { field: "ticket", message: "is no ticket's number".into() });
    }
    let until = context.now().checked_add(GOOD_FOR).unwrap_or(Timestamp::MAX).as_second();
    let proof = proof(context, connection, number, until);
    let public = &context.config.public_url;
    let url = format!("{public}{PATH}/{connection}/{number}?until={until}&proof={proof}");
    Ok(Link { url, expires_in: GOOD_FOR.as_secs() })
}

fn proof(context: &Context, connection: &str, number: &str, until: i64) -> String {
    context.vault.token("desk.sidebar", &format!("{}\0{connection}\0{number}\0{until}", context.company))
}

/// The page beside a ticket.
///
/// # Errors
/// `NotFound` where the link is not ours or has ended, or the ticket is none of ours.
pub async fn sidebar(context: &Context, connection: &str, number: &str, until: i64, given: &str) -> Result<Sidebar> {
    let gone = || UseCaseError::NotFound("page");
    let desk = site_of(context, connection)?;
    if !context.vault.is_same(&proof(context, connection, number, until), given) || context.now().as_second() > until {
        return Err(gone());
    }
    let scope = context.scope();
    let cases = context.store.work.cases_by_number(scope, connection.to_owned(), vec![number.to_owned()]).await?;
    let case = cases.into_iter().find(|case| case.status != CaseStatus::Pending).ok_or_else(gone)?;
    let loaded = context.store.shipments.load(scope, case.shipment, None).await?.ok_or_else(gone)?;
    let is_it = |id: ExceptionId| id == case.exception;
    let exception = loaded.exceptions.iter().find(|exception| is_it(exception.id)).ok_or_else(gone)?;
    let text = About { context, loaded: &loaded }.context_of(exception).replace(desks::marks::CONTEXT_MARK, "");
    let mut lines = text.lines().map(|line| line.trim().to_owned());
    let title = lines.next().unwrap_or_default();
    Ok(Sidebar { title, lines: lines.collect(), page: context.config.page_of(case.shipment), desk })
}

/// The site of a desk that is in use: scheme, host and port.
fn site_of(context: &Context, connection: &str) -> Result<String> {
    let connections = context.connections.now();
    let found = connections.in_use(Family::Desk).find(|desk| desk.record.name == connection);
    let found = found.filter(|desk| matches!(desk.client, Client::Desk(_)));
    let settings = found.and_then(|desk| serde_json::from_str::<serde_json::Value>(&desk.record.settings).ok());
    let url = settings.and_then(|settings| outbound::Url::parse(settings["url"].as_str()?).ok());
    url.map(|url| url.origin().ascii_serialization()).ok_or(UseCaseError::NotFound("address"))
}
