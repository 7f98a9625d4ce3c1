//! The simulated history in the words of the application: stories and their sources; the demo's history, which is loaded while it
//! runs.

use anyhow::{Context as _, Result};
use application::{
    caller::Caller,
    connections::sources::{self, NewSource},
    context::Context,
    learned::learn,
    operations::simulate::{Received, Simulation, Story},
};
use domain::{
    ids::{CorrelationId, SourceId},
    punctuality::Moment,
};
use jiff::{SignedDuration, Timestamp};
use simulator::{
    SourceSecrets,
    carrier::Message,
    history::{History, Promise, Shipment, Wanted},
    journey::Feed,
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use storage::{
    Actor, Scope,
    jobs::{Cause, JobKind},
};
use storage_sqlite::fill::Fill;

/// Shipments of a day of the demo's history.
const A_DAY: u64 = 35;
/// Its order system, which is not connected: nothing of it is compared or written.
const ARCHIVE: &str = "archive";
/// Its shipments of one transaction: the server writes in between.
const BATCH: u64 = 10;
/// After each of them: SQLite looks every 100 ms whether it may write.
const PAUSE: Duration = Duration::from_millis(150);
/// Between two lines of progress, in shipments.
const PROGRESS_EVERY: u64 = 1_000;
/// What was ordered longer ago has ended.
const GOES_ON: SignedDuration = SignedDuration::from_hours(45 * 24);
/// A carrier's word comes this late at most after the clock says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The sources of a history that has none: what comes from each, by its connector.
const SOURCES: &[(&str, &str)] = &[("simulated", "aftership"), ("simulated-easypost", "easypost")];

/// The connector of a feed; histories have no other ones.
const fn connector(feed: Feed) -> &'static str {
    match feed {
        Feed::Aftership => "aftership",
        Feed::Easypost => "easypost",
        Feed::Freight => "x12_214",
    }
}

/// Makes the sources of a history, each with a secret that is not kept.
///
/// # Errors
/// When the store fails.
pub async fn make_sources(context: &Context, scope: Scope) -> Result<BTreeMap<String, SourceId>> {
    for (name, connector) in SOURCES {
        let mut secret = [0; 16];
        context.clock.fill(&mut secret);
        let source = NewSource {
            name: (*name).into(),
            connector: (*connector).into(),
            scheme: None,
            secret: secret.iter().map(|b| format!("{b:02x}")).collect(),
            settings: carriers::Settings::default(),
        };
        sources::put(context, &Caller::trusted(scope), source).await?;
    }
    let names: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
    sources_of(context, scope, &names).await
}

/// The sources of these names, by their connectors.
///
/// # Errors
/// When the store fails, or one of them is missing.
pub async fn sources_of(context: &Context, scope: Scope, names: &[&str]) -> Result<BTreeMap<String, SourceId>> {
    let all = context.store.connections.all(scope).await?;
    let id = |name: &&str| {
        let found = all.iter().find(|source| source.name == *name).with_context(|| format!("the source {name}"))?;
        Ok((found.connector.clone(), found.id))
    };
    names.iter().map(id).collect()
}

/// A shipment's story, as the `first`-th and those after it of an installation.
///
/// # Errors
/// When a message of it has no scans, a fault of the history.
pub fn story(shipment: &Shipment, first: u64) -> Result<Story> {
    let zone = shipment.to.time_zone();
    let due = |promise: Promise| match promise {
        Promise::Day(day) => Moment::Day(day),
        Promise::Instant(at) => Moment::Instant(at),
    };
    let received = |report| {
        let body = shipment.body(report).context("the body of a message")?;
        Ok(Received { at: report.received, connector: connector(shipment.feed()), body })
    };
    let number = first + shipment.number;
    Ok(Story {
        number,
        delivery: format!("{}/OUT/{:07}", shipment.from.code, number + 1),
        order: format!("S{:07}", number + 1),
        company: shipment.from.company.into(),
        segment: shipment.segment.into(),
        customer: format!("Customer {:06}", shipment.customer),
        to: (shipment.to.city.into(), shipment.to.country.into()),
        from_country: shipment.from.place.country.into(),
        carrier: shipment.carrier().label.into(),
        numbers: shipment.pieces.iter().map(|piece| piece.number.clone()).collect(),
        ordered: shipment.ordered,
        left: shipment.handed_over(),
        cancelled: shipment.cancelled,
        promised: shipment.promise.map(|promise| (due(promise), promise.by(&zone))),
        messages: shipment.reports.iter().map(received).collect::<Result<_>>()?,
        desk: Some((shipment.desk.first_action, shipment.desk.solved)),
    })
}

/// A message that is still to come.
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// It.
    pub message: Message,
}

/// Loads the demo's history into the file of the server that runs, the newest shipments first; what will still be reported of them, by
/// time.
///
/// # Errors
/// When a source is missing, or the file cannot be written.
pub async fn load(
    context: &Arc<Context>,
    file: PathBuf,
    (seed, days): (u64, u32),
    secrets: SourceSecrets,
) -> Result<Vec<Coming>> {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    let sources = sources_of(context, scope, &["aftership", "easypost"]).await?;
    let (until, shipments) = (context.now(), A_DAY * u64::from(days));
    let history = History::new(Wanted { seed, shipments, days, until, lately_percent: None });
    let simulation = Simulation::new(Arc::clone(context), ARCHIVE, sources).await?;
    let loading = Arc::clone(context);
    let coming = tokio::task::spawn_blocking(move || {
        let context = loading;
        let mut fill = Fill::beside_server(&file)?;
        let (mut coming, mut made) = (Vec::new(), 0);
        for from in (0..shipments).step_by(BATCH as usize).collect::<Vec<_>>().into_iter().rev() {
            let mut batch = Vec::new();
            for number in from..(from + BATCH).min(shipments) {
                let shipment = history.shipment(number);
                let later = still_to_come(&history, &shipment, until, &secrets);
                let story = story(&shipment, 0)?;
                // a ticket of a shipment that still moves would wait for an agent
                let desk = story.desk.filter(|_| later.is_empty());
                let mut filled = simulation.filled(&Story { desk, ..story })?;
                filled.done.clear();
                batch.push(filled);
                coming.extend(later);
            }
            fill.add(scope, &batch)?;
            context.notifier.changed();
            let before = made / PROGRESS_EVERY;
            made += batch.len() as u64;
            if made / PROGRESS_EVERY > before || made == shipments {
                say!("History: {made} of {shipments} shipments");
            }
            std::thread::sleep(PAUSE);
        }
        coming.sort_by_key(|coming| coming.at);
        Ok::<_, anyhow::Error>(coming)
    })
    .await??;
    // what it teaches of transit times is not for tomorrow
    learn::anew(context, scope).await?;
    let correlation = CorrelationId(context.clock.id());
    let kind = JobKind::LEARN_TRANSIT;
    let learn = context.job(kind, kind.code(), Cause::History, correlation, None);
    context.store.jobs.enqueue(scope, vec![learn]).await?;
    context.notifier.all_work();
    Ok(coming)
}

fn still_to_come(history: &History, shipment: &Shipment, until: Timestamp, secrets: &SourceSecrets) -> Vec<Coming> {
    if until.duration_since(shipment.ordered) > GOES_ON {
        return Vec::new();
    }
    let end = until.checked_add(GOES_ON).unwrap_or(until);
    let whole = history.shipment_known(shipment.number, end);
    let later = whole.reports.iter().filter(|report| report.received > until);
    later.filter_map(|report| Some(Coming { at: report.received, message: whole.message(report, secrets)? })).collect()
}

/// What is still to be reported is reported when it is time.
pub async fn go_on(coming: Vec<Coming>, context: &Context, endpoint: &simulator::Endpoint) {
    for next in coming {
        while context.now() < next.at {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        endpoint.post(&next.message).await;
    }
}
