//! What saving and sending share: the channel, the zone, who gets a report.

use crate::{context::Context, error::Result, exceptions::calendar, rules::message::channel_of, texts::Slot};
use jiff::tz::TimeZone;
use storage::{Scope, reports::ReportRecord};

/// The mail channel that reports go out over.
pub fn mail_channel(context: &Context) -> Option<String> {
    channel_of(context, None)
}

/// Who gets a report; none where it goes out to none, or the addresses can no longer be opened.
pub fn recipients_of(context: &Context, record: &ReportRecord) -> Option<Vec<String>> {
    let sealed = &record.mailing.as_ref()?.to;
    let opened = context.texts.open(Slot::Recipients, Some(sealed))?;
    Some(opened.lines().map(str::to_owned).collect())
}

/// The company's zone.
pub(super) async fn zone(context: &Context, scope: Scope) -> Result<TimeZone> {
    let company = calendar::company(context, scope).await?;
    Ok(TimeZone::get(&company.zone).unwrap_or(TimeZone::UTC))
}
