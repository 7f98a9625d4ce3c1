//! (b) Every fault at every destination: nothing is lost, nothing is doubled, and the other destination gets its work as
//! fast as ever.

use super::{
    Part, Run,
    crowd::{Crowd, Post},
    engine::{Database, Engine},
    findings::{DeadLetters, drained, examine},
    outside::Outside,
    proxy::{Fault, Proxy},
    story::Plot,
};
use anyhow::{Context, Result};
use simulator::{Change, rng::Rng};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Installations that are spoiled at once.
const AT_ONCE: usize = 4;
/// Between two messages.
const EVERY: Duration = Duration::from_millis(25);
/// A destination stays sick for so long after the last message.
const SICK: Duration = Duration::from_secs(3);
/// Whatever the fault was, everything is done within this time: a call waits 60 s for its answer, an unknown outcome
/// settles for 20 s, and tries grow apart.
const DRAIN: Duration = Duration::from_secs(360);
/// While one destination is sick the other's p99 may be so many times what it was, and [`Scale::floor_ms`] more.
const P99_FACTOR: f64 = 2.0;
/// An event that is not at its destination within this time was not brought there while the other was sick.
const NEVER_MS: f64 = 60_000.0;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Shipments sent while all is well, and as many while a destination fails.
    stories: usize,
    /// So many milliseconds of p99 are the machine's own doing, which does other things too.
    floor_ms: f64,
}

impl Scale {
    /// For a measurement.
    pub const FULL: Self = Self { stories: 24, floor_ms: 60.0 };
    /// For a test beside others: what waits for the sick one waits longer than this.
    pub const SHORT: Self = Self { stories: 6, floor_ms: 1000.0 };
}

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sick {
    /// The order system.
    Odoo,
    /// The service desk.
    Desk,
}

/// All of these faults at both destinations, several installations side by side.
///
/// # Errors
/// When a step fails that is not what is tested.
pub async fn faults(run: &Run, engine: Engine, faults: &[Fault], scale: Scale) -> Result<Part> {
    let mut whole = Part::new(&format!("faults {}", engine.name()), run.seed);
    let (room, mut scenes) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for (fault, sick) in faults.iter().flat_map(|f| [(*f, Sick::Odoo), (*f, Sick::Desk)]) {
        let (run, room) = (run.clone(), Arc::clone(&room));
        scenes.spawn(async move {
            let _room = room.acquire().await?;
            scene(&run, engine, fault, sick, scale).await.with_context(|| format!("{fault:?} at {sick:?}"))
        });
    }
    let mut seen = Vec::new();
    while let Some(scene) = scenes.join_next().await {
        match scene? {
            Ok(scene) => {
                whole.rounds += 1;
                whole.findings.add(scene.findings.clone());
                seen.push(scene);
            }
            Err(error) => whole.wrong(format!("{error:#}")),
        }
    }
    let spoiled: u64 = seen.iter().map(|s| s.spoiled).sum();
    whole.figure("spoiled_calls", spoiled as f64);
    whole.figure("taken_up", seen.iter().map(|s| s.taken_up).sum::<u64>() as f64);
    for sick in [Sick::Odoo, Sick::Desk] {
        compare(&mut whole, sick, scale, seen.iter().filter(|s| s.sick == sick));
    }
    Ok(whole)
}

/// The other destination's p99 over all scenes in which this one was sick.
fn compare<'a>(whole: &mut Part, sick: Sick, scale: Scale, scenes: impl Iterator<Item = &'a Scene> + Clone) {
    let other = if sick == Sick::Odoo { "desk" } else { "odoo" };
    let well = p99(scenes.clone().flat_map(|s| s.well.clone()).collect());
    let while_sick = p99(scenes.clone().flat_map(|s| s.while_sick.clone()).collect());
    whole.figure(&format!("{other}_p99_ms"), well);
    whole.figure(&format!("{other}_p99_ms_while_{sick:?}_is_sick").to_lowercase(), while_sick);
    if while_sick > well * P99_FACTOR + scale.floor_ms {
        let each = scenes.map(|s| format!("{:?} {:.0}→{:.0}", s.fault, p99(s.well.clone()), p99(s.while_sick.clone())));
        let each = each.collect::<Vec<_>>().join(", ");
        whole.wrong(format!("{other} slows down while {sick:?} is sick: {well:.0} ms → {while_sick:.0} ms ({each})"));
    }
}

struct Scene {
    fault: Fault,
    sick: Sick,
    findings: super::findings::Findings,
    spoiled: u64,
    taken_up: u64,
    /// Milliseconds from the post to the other destination, while all is well.
    well: Vec<f64>,
    while_sick: Vec<f64>,
}

/// One fault at one destination: stories while all is well, as many while it is sick, and then it gets well.
async fn scene(run: &Run, engine: Engine, fault: Fault, sick: Sick, scale: Scale) -> Result<Scene> {
    let database = Database::fresh(engine)?;
    // every other one calls for somebody: Odoo and the desk both have work
    let outside = Outside::start(run.seed, 2 * scale.stories, &[Plot::Damaged, Plot::Refused, Plot::Plain]).await?;
    let (odoo, desk) = (Proxy::start(&outside.odoo.url()).await?, Proxy::start(&outside.desk.url()).await?);
    let mut installation = outside.installation(&run.binary, &database, &odoo.url(), &desk.url())?;
    installation.start().await?;
    outside.imported(&installation).await?;
    let crowd = Crowd::new(&outside, vec![installation.base()], &mut Rng::new(run.seed))?;
    let (store, scope) = database.open(installation.data()).await?;
    drained(&store, scope, DRAIN, DeadLetters::None, &installation).await?;

    let said = send(&outside, &crowd, 0..scale.stories).await?;
    drained(&store, scope, DRAIN, DeadLetters::None, &installation).await?;
    let well = delays(&outside, sick, &said);

    let spoiled = if sick == Sick::Odoo { &odoo } else { &desk };
    spoiled.set(Some(fault));
    let said = send(&outside, &crowd, scale.stories..2 * scale.stories).await?;
    tokio::time::sleep(SICK).await;
    let while_sick = delays(&outside, sick, &said);
    spoiled.set(None);

    let letters = if fault.looks_final() { DeadLetters::TakenUp } else { DeadLetters::None };
    let mut taken_up = drained(&store, scope, DRAIN, letters, &installation).await?;
    // what waited for its ticket
    for (index, story) in outside.stories.iter().enumerate().filter(|(_, s)| s.plot.ends_after_ticket()) {
        crowd.insist(Post { story: index, known: story.len() }, SICK).await?;
    }
    taken_up += drained(&store, scope, DRAIN, letters, &installation).await?;
    drop(store);
    let (mut findings, _) = examine(&outside, &database, &installation, &crowd.acknowledged()).await?;
    name(&mut findings, fault, sick);
    Ok(Scene { fault, sick, findings, spoiled: spoiled.spoiled(), taken_up, well, while_sick })
}

fn name(findings: &mut super::findings::Findings, fault: Fault, sick: Sick) {
    for list in [&mut findings.lost, &mut findings.doubled, &mut findings.wrong] {
        list.iter_mut().for_each(|finding| *finding = format!("{fault:?} at {sick:?}: {finding}"));
    }
}

/// A message that was acknowledged, and when it was sent.
struct Sent {
    post: Post,
    at: Instant,
}

/// Tells these stories side by side, each in its order, one message after the other; the last message of a story that
/// waits for its ticket is left out.
async fn send(outside: &Outside, crowd: &Crowd, stories: std::ops::Range<usize>) -> Result<Vec<Sent>> {
    let longest = outside.stories.iter().map(super::story::Story::len).max().unwrap_or(0);
    let mut sent = Vec::new();
    for known in 1..=longest {
        for index in stories.clone() {
            let story = &outside.stories[index];
            if known > story.len() || (story.plot.ends_after_ticket() && known == story.len()) {
                continue;
            }
            let post = Post { story: index, known };
            let at = Instant::now();
            crowd.insist(post, SICK).await?;
            sent.push(Sent { post, at });
            tokio::time::sleep(EVERY.saturating_sub(at.elapsed())).await;
        }
    }
    Ok(sent)
}

/// Milliseconds from each message to the first change that the well destination then saw on that shipment.
fn delays(outside: &Outside, sick: Sick, sent: &[Sent]) -> Vec<f64> {
    let tickets = outside.desk.tickets();
    let changes = if sick == Sick::Odoo { outside.desk.changes() } else { outside.odoo.changes() };
    let delay = |sent: &Sent| {
        let story = &outside.stories[sent.post.story];
        let record = if sick == Sick::Odoo {
            // what calls nobody changes nothing at the desk; the pick-up is not reported there
            if !story.plot.reaches_desk(sent.post.known) {
                return None;
            }
            match outside.tickets(&tickets, story).first() {
                Some(ticket) => i64::try_from(ticket.number).ok()?,
                None => return Some(NEVER_MS),
            }
        } else {
            story.picking
        };
        let seen = |change: &&Change| change.record == record && change.at >= sent.at;
        let first = changes.iter().find(seen);
        Some(first.map_or(NEVER_MS, |change| change.at.duration_since(sent.at).as_secs_f64() * 1000.0))
    };
    sent.iter().filter_map(delay).collect()
}

/// The 99th percentile; 0 where there is nothing.
fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * 99).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or(0.0)
}
