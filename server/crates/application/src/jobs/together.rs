//! Deliveries whose jobs are claimed together: of those that get equal values the fields are written in one call. A call
//! that is refused is split: each of its jobs then writes for itself.

use crate::{context::Context, jobs::retry, odoo::Update};
use domain::ids::{CorrelationId, JobId};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, join_all},
};
use odoo::{Fields, OdooClient, RecordKind};
use outbound::{Call, CallError, CallLog, Decision, ErrorClass};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use storage::jobs::{JobKind, LeasedJob};
use tokio::sync::Semaphore;

/// Jobs for deliveries that a worker has at once, for each call to Odoo that it may make at once.
pub(super) const TOGETHER: usize = 8;

/// Whether jobs of this kind write fields, and of those that get equal values several at once.
pub(super) fn is_written_together(kind: JobKind) -> bool {
    matches!(kind, JobKind::SYNC_ORDER | JobKind::SYNC_SALES_ORDER)
}

/// What of a job was done in a call for several.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) update: Arc<Update>,
    pub(super) result: Result<(), CallError>,
    pub(super) calls: Vec<Call>,
    /// One of the jobs of a call reports the destination's health.
    pub(super) speaks: bool,
}

impl Written {
    /// Whether another job of the call reports its failure: one call that failed is one failure. Where the set-up is missing, each of
    /// these jobs fails by itself.
    pub(super) fn is_anothers_failure(&self) -> bool {
        let one_call = |error: &CallError| error.class.decision() != Decision::AwaitSetup;
        !self.speaks && self.result.as_ref().is_err_and(one_call)
    }
}

/// Writing that several jobs wait for.
pub(super) type Writing = Shared<BoxFuture<'static, Arc<HashMap<JobId, Written>>>>;

/// Begins to write for jobs of a destination that were claimed together. Each call takes a permit.
pub(super) fn begin(
    context: &Arc<Context>,
    destination: &str,
    jobs: &[LeasedJob],
    permits: &Arc<Semaphore>,
) -> Writing {
    let (context, destination) = (Arc::clone(context), destination.to_owned());
    let (jobs, permits) = (jobs.to_vec(), Arc::clone(permits));
    // a task of its own: a panic in it leaves each job to itself
    let task = tokio::spawn(async move { write(&context, &destination, &jobs, &permits).await });
    async move { Arc::new(task.await.unwrap_or_default()) }.boxed().shared()
}

/// A job of a call.
struct Member {
    job: JobId,
    kind: JobKind,
    correlation: CorrelationId,
    update: Arc<Update>,
}

/// Writes for jobs that were claimed together; those that are not named in the answer are left to themselves.
pub(super) async fn write(
    context: &Context,
    destination: &str,
    jobs: &[LeasedJob],
    permits: &Semaphore,
) -> HashMap<JobId, Written> {
    let Some(odoo) = context.odoo(destination) else { return HashMap::new() };
    let to = (destination, &odoo);
    let tried = jobs.iter().filter(|job| !retry::is_hopeless(job.attempts));
    let updates = join_all(tried.map(|job| member(context, to, job)));
    let mut groups: BTreeMap<(RecordKind, String), (Fields, Vec<Member>)> = BTreeMap::new();
    let mut asked = Vec::new();
    for member in updates.await.into_iter().flatten() {
        // which fields there are is read once; a job reports a failure of that
        let kept = Kept::of(context, destination, &member);
        let Ok(fields) = member.update.fields(&kept).await else { break };
        asked.extend(kept.calls.into_inner().unwrap_or_default());
        let equal = serde_json::to_string(&fields).expect("plain data serialises");
        groups.entry((member.update.record().kind, equal)).or_insert_with(|| (fields, Vec::new())).1.push(member);
    }
    let groups = groups.into_iter().map(|((kind, _), (fields, members))| (kind, fields, members));
    let several = groups.filter(|(_, fields, members)| !fields.is_empty() && members.len() > 1);
    let write = |(kind, fields, members)| write_one(context, to, (kind, fields), members, permits);
    let written = join_all(several.map(write)).await;
    let mut written: HashMap<JobId, Written> = written.into_iter().flatten().collect();
    if let Some(one) = written.values_mut().find(|one| one.speaks) {
        one.calls.splice(0..0, asked);
    }
    written
}

async fn member(context: &Context, to: (&str, &Arc<OdooClient>), leased: &LeasedJob) -> Option<Member> {
    let (destination, odoo) = to;
    let update = Update::of(context, leased, Arc::clone(odoo)).await.ok()??;
    if update.sets_back() || update.system() != destination {
        return None;
    }
    Some(Member {
        job: leased.job.id,
        kind: leased.job.kind,
        correlation: leased.job.correlation,
        update: Arc::new(update),
    })
}

/// One call for deliveries that get equal values.
async fn write_one(
    context: &Context,
    (destination, odoo): (&str, &Arc<OdooClient>),
    (kind, fields): (RecordKind, Fields),
    members: Vec<Member>,
    permits: &Semaphore,
) -> Vec<(JobId, Written)> {
    let (Some(first), Ok(_permit)) = (members.first(), permits.acquire().await) else { return Vec::new() };
    let kept = Kept::of(context, destination, first);
    let records: Vec<i64> = members.iter().map(|member| member.update.record().id).collect();
    let missing = match odoo.write_fields_of(kind, &records, &fields, &kept).await {
        Ok(missing) => Ok(missing),
        // whichever it is about
        Err(error) if error.class.decision() == Decision::Fail => return Vec::new(),
        Err(error) => Err(error),
    };
    let calls = kept.calls.into_inner().unwrap_or_default();
    let result = |record: i64| match &missing {
        Ok(missing) if missing.contains(&record) => {
            Err(CallError::new(ErrorClass::NotFound, format!("Odoo has no {} {record} any more", kind.noun())))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.clone()),
    };
    let written = |(place, member): (usize, Member)| {
        let result = result(member.update.record().id);
        (member.job, Written { result, calls: calls.clone(), speaks: place == 0, update: member.update })
    };
    members.into_iter().enumerate().map(written).collect()
}

/// The calls of one write.
struct Kept<'a> {
    context: &'a Context,
    destination: &'a str,
    kind: JobKind,
    correlation: CorrelationId,
    calls: Mutex<Vec<Call>>,
}

impl<'a> Kept<'a> {
    fn of(context: &'a Context, destination: &'a str, member: &Member) -> Self {
        let (kind, correlation) = (member.kind, member.correlation);
        Self { context, destination, kind, correlation, calls: Mutex::default() }
    }
}

impl CallLog for Kept<'_> {
    fn correlation(&self) -> String {
        self.correlation.to_string()
    }

    fn record(&self, call: Call) {
        crate::jobs::count(self.context, &call, self.destination, self.kind);
        self.calls.lock().expect("no panic while held").push(call);
    }
}
