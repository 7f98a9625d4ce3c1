//! What agents do at the service desk is learned by looking: first what changed since the last time, then, in bounded batches,
//! whether the tickets at work are still there, since a search does not show what was deleted or moved away. Here a difference
//! is only noticed; the case's own job looks at the ticket and acts.

use super::{CaseError, routing, status_of};
use crate::context::Context;
use desks::{Change, Desk, PollFrom, SHOWN_MAX};
use domain::ids::{CaseId, CorrelationId};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, Decision, ErrorClass};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane},
    work::{CaseRecord, CaseStatus},
};

/// Pages of changes in one poll; the next one goes on behind them.
const PAGES_MAX: u32 = 20;
/// Batches of open tickets in one poll; those that were not polled for longest come first.
const BATCHES_MAX: usize = 5;
/// What a long transaction of the desk commits late is found by looking back.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);
/// The first poll looks back so far: the desk's clock may differ from ours.
const FIRST: SignedDuration = SignedDuration::from_hours(1);

/// How far the polls have come, by the desk's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PollCursor {
    /// Everything before is known.
    since: Option<Timestamp>,
    /// The page behind which a poll of many pages goes on.
    after: Option<String>,
    /// The newest change so far: the next poll begins there.
    newest: Option<Timestamp>,
}

impl PollCursor {
    fn from(&self, now: Timestamp) -> PollFrom {
        match &self.after {
            Some(cursor) => PollFrom::After(cursor.clone()),
            None => {
                let (since, back) = self.since.map_or((now, FIRST), |since| (since, OVERLAP));
                PollFrom::Since(since.checked_sub(back).unwrap_or(since))
            }
        }
    }

    async fn keep(&self, context: &Context, scope: Scope, setting: &str) -> storage::Result<()> {
        let text = serde_json::to_string(self).expect("plain data serialises");
        context.store.people.put_setting(scope, setting, text).await
    }
}

/// Looks at the desk once; how many cases differ from what is known here.
///
/// # Errors
/// When the desk is not in use, or the desk or the store fails; the next poll then begins where this one did.
pub async fn poll(
    context: &Context,
    scope: Scope,
    name: &str,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<usize, CaseError> {
    let desk = context.desk(name).ok_or(CaseError::NotInUse)?;
    let routed = routing::catch_up(context, scope, name, correlation).await?;
    if routed > 0 {
        tracing::info!(routed, desk = name, "exceptions without a ticket go to the desk that takes them now");
    }
    let poll = Poll { context, scope, name, desk: &*desk, correlation, calls };
    let differing = poll.changes().await? + poll.at_work().await?;
    if differing > 0 {
        context.notifier.work(Lane::RealTime);
    }
    Ok(differing)
}

struct Poll<'a> {
    context: &'a Context,
    scope: Scope,
    /// The connection's name.
    name: &'a str,
    desk: &'a dyn Desk,
    correlation: CorrelationId,
    calls: &'a dyn CallLog,
}

impl Poll<'_> {
    fn desk_name(&self) -> String {
        self.name.to_owned()
    }

    async fn changes(&self) -> Result<usize, CaseError> {
        let setting = format!("desk.poll.{}", self.name);
        let kept = self.context.store.people.setting(self.scope, &setting).await?;
        let begun: PollCursor = kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (mut cursor, mut kept, mut differing) = (begun.clone(), begun, 0);
        let now = self.context.now();
        for _ in 0..PAGES_MAX {
            let page = match self.desk.changed(&cursor.from(now), self.calls).await {
                Ok(page) => page,
                Err(error) => {
                    // a cursor that the desk does not take would stop every poll
                    if cursor.after.take().is_some() && error.class.decision() == Decision::Fail {
                        cursor.keep(self.context, self.scope, &setting).await?;
                    }
                    return Err(error.into());
                }
            };
            differing += self.notice_changes(&page.cases).await?;
            cursor.newest = cursor.newest.max(page.newest);
            cursor.after = page.next;
            let ended = cursor.after.is_none();
            if ended {
                // where nothing has changed yet, the next poll begins where this one did, however late it comes
                cursor.since = cursor.newest.or(cursor.since).or(now.checked_sub(FIRST).ok());
            }
            if cursor != kept {
                cursor.keep(self.context, self.scope, &setting).await?;
                kept = cursor.clone();
            }
            if ended {
                break;
            }
        }
        Ok(differing)
    }

    async fn notice_changes(&self, seen: &[Change]) -> Result<usize, CaseError> {
        if seen.is_empty() {
            return Ok(0);
        }
        let numbers = seen.iter().map(|change| change.case.number.clone()).collect();
        let known = self.context.store.work.cases_by_number(self.scope, self.desk_name(), numbers).await?;
        let now: HashMap<&str, &Change> = seen.iter().map(|change| (change.case.number.as_str(), change)).collect();
        // a change of ours is looked at as well, once: whose it was shows then
        let news = known.iter().filter_map(|case| {
            let change = now.get(case.number.as_deref()?)?;
            let status = status_of(change.case.status);
            (status != case.status || change.at > case.ticket.looked_at).then_some((case, status))
        });
        self.keep(&news.collect::<Vec<_>>(), Vec::new()).await
    }

    /// Whether the tickets at work are still there.
    async fn at_work(&self) -> Result<usize, CaseError> {
        let limit = SHOWN_MAX * BATCHES_MAX;
        let asked = u32::try_from(limit).unwrap_or(u32::MAX);
        let known = self.context.store.work.cases_to_poll(self.scope, self.desk_name(), asked).await?;
        let mut differing = 0;
        for batch in known.chunks(SHOWN_MAX) {
            let numbers: Vec<String> = batch.iter().filter_map(|case| case.number.clone()).collect();
            let shown = self.desk.shown(&numbers, self.calls).await?;
            if shown.is_empty() {
                self.require_sight().await?;
            }
            let now: HashMap<&str, CaseStatus> =
                shown.iter().map(|case| (case.number.as_str(), status_of(case.status))).collect();
            let (mut news, mut same) = (Vec::new(), Vec::new());
            for case in batch {
                let status = case.number.as_deref().and_then(|n| now.get(n)).copied().unwrap_or(CaseStatus::Hidden);
                if status != case.status {
                    news.push((case, status));
                } else {
                    same.push(case.id);
                }
            }
            // with fewer cases than one poll takes there is no order to keep
            if known.len() < limit {
                same.clear();
            }
            differing += self.keep(&news, same).await?;
        }
        Ok(differing)
    }

    /// Where not one ticket is there it may be the token that lost its rights, and no ticket its place.
    async fn require_sight(&self) -> Result<(), CaseError> {
        let missing = self.desk.check(self.calls).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        let text = format!("no ticket can be seen at the service desk; missing: {}", missing.join("; "));
        Err(CallError::new(ErrorClass::Misconfigured, text).into())
    }

    /// Keeps what was seen, with a job for each case that differs.
    async fn keep(&self, news: &[(&CaseRecord, CaseStatus)], same: Vec<CaseId>) -> Result<usize, CaseError> {
        if news.is_empty() && same.is_empty() {
            return Ok(0);
        }
        let jobs = news
            .iter()
            .map(|(case, _)| {
                let (kind, shipment) = (JobKind::SYNC_CASE, case.shipment);
                self.context.job(kind, case.exception, Cause::Live, self.correlation, Some(shipment)).to(self.name)
            })
            .collect();
        let seen = news.iter().map(|(case, status)| (case.id, Some(*status)));
        let seen = seen.chain(same.into_iter().map(|id| (id, None))).collect();
        self.context.store.work.polled(self.scope, seen, self.context.now(), jobs).await?;
        Ok(news.len())
    }
}
