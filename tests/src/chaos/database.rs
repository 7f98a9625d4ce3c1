//! (c) The database stops, the disk is full, the clock jumps: ingest answers 503 with `Retry-After`, nothing that was
//! acknowledged is lost, and all goes on by itself once the trouble is over.

use super::{
    Part, Run,
    crowd::{Answered, Crowd, Post},
    engine::{Database, Engine},
    findings::{DeadLetters, drained, examine, tail},
    outside::Outside,
    proxy::{Fault, Proxy},
    story::Plot,
};
use crate::{Installation, until};
use anyhow::{Context, Result, ensure};
use simulator::rng::Rng;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const STORIES: usize = 24;
/// Shipments for each crash.
const STORIES_PER_CRASH: usize = 4;
/// PostgreSQL is left alone so long at most between two crashes.
const LIFE_MS: u64 = 800;
/// A carrier that comes while nothing can be stored is answered within this time.
const REFUSED_WITHIN: Duration = Duration::from_secs(14);
/// The first acknowledgement comes within this time after the trouble is over.
const RECOVERED: Duration = Duration::from_secs(15);
/// And the last.
const ACKNOWLEDGED: Duration = Duration::from_secs(60);
const DRAIN: Duration = Duration::from_secs(180);
/// Between two requests.
const ATTEMPT_EVERY: Duration = Duration::from_millis(200);
/// Calls are under way for so long before the clock jumps.
const UNDER_WAY: Duration = Duration::from_millis(1500);
/// A process under this limit can add to no file, its log included: the disk is full.
const FULL_BYTES: u64 = 1;
/// Debian's libfaketime.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// SQLite: another process holds the file. PostgreSQL: the server is stopped.
    Stopped,
    /// Nothing can be written any more.
    DiskFull,
}

/// An installation with its carriers, in the middle of their talk.
struct Scene {
    outside: Arc<Outside>,
    odoo: Proxy,
    database: Database,
    installation: Installation,
    crowd: Arc<Crowd>,
    rng: Rng,
    clients: tokio::task::JoinSet<()>,
}

impl Scene {
    async fn start(run: &Run, database: Database, stories: usize, launcher: &[&str]) -> Result<Self> {
        let outside = Outside::start(run.seed, stories, Plot::ALL).await?;
        let odoo = Proxy::start(&outside.odoo.url()).await?;
        let mut installation = outside.installation(&run.binary, &database, &odoo.url(), &outside.desk.url())?;
        installation.launch_with(launcher);
        installation.start().await?;
        outside.imported(&installation).await?;
        let mut rng = Rng::new(run.seed);
        let crowd = Crowd::new(&outside, vec![installation.base()], &mut rng)?;
        let clients = crowd.start(run.seed);
        Ok(Self { outside, odoo, database, installation, crowd, rng, clients })
    }

    /// Some of what is left is said now.
    async fn go_on(&mut self, part: usize) -> Result<()> {
        let before = self.crowd.left();
        let some = before / part;
        self.crowd.release(some);
        until("some messages to be acknowledged", || async {
            Ok((self.crowd.left() + some / 2 <= before).then_some(()))
        })
        .await
        .with_context(|| self.installation.log())
    }

    /// Everything is said and done, and looked at.
    async fn finish(mut self, part: &mut Part) -> Result<()> {
        self.crowd.release(self.crowd.left());
        self.crowd.all_sent(ACKNOWLEDGED).await.with_context(|| tail(&self.installation.log()))?;
        self.clients.abort_all();
        {
            let (store, scope) = self.database.open(self.installation.data()).await?;
            // what is left over is one finding, and what it left undone are others
            if let Err(left) = drained(&store, scope, DRAIN, DeadLetters::None, &self.installation).await {
                part.wrong(left.to_string());
            }
        }
        let acknowledged = self.crowd.acknowledged();
        let (findings, effects) = examine(&self.outside, &self.database, &self.installation, &acknowledged).await?;
        part.figure("acknowledged", acknowledged.len() as f64);
        part.figure("effects", effects as f64);
        part.findings.add(findings);
        Ok(())
    }

    /// Sends requests until the trouble is over; what was answered.
    async fn attempt(&mut self, lasting: Duration) -> Vec<Answered> {
        let (end, mut answers) = (Instant::now() + lasting, Vec::new());
        while Instant::now() < end {
            let post = Post { story: usize::try_from(self.rng.range(0, STORIES as u64)).unwrap_or(0), known: 1 };
            if let Ok(answer) = self.crowd.post(post).await {
                answers.push(answer);
            }
            tokio::time::sleep(ATTEMPT_EVERY).await;
        }
        answers
    }
}

/// The trouble lasts for so long while carriers talk; then it is over.
///
/// # Errors
/// When a step fails that is not what is tested.
pub async fn trouble(run: &Run, engine: Engine, kind: Trouble, lasting: Duration) -> Result<Part> {
    let mut part = Part::new(&format!("database {} {kind:?}", engine.name()).to_lowercase(), run.seed);
    let mut cluster = None;
    let database = match (engine, kind) {
        (Engine::Postgres, Trouble::Stopped) => {
            let own = Cluster::start()?;
            let database = Database::on(&own.url()?)?;
            cluster = Some(own);
            database
        }
        _ => Database::fresh(engine)?,
    };
    // a write beyond the limit fails instead of killing the process
    let mut scene = Scene::start(run, database, STORIES, &["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]).await?;
    scene.go_on(3).await?;
    let process = scene.installation.process().context("it runs")?;

    let held = begin(kind, &scene, cluster.as_ref()).await?;
    let waiting = scene.crowd.left() / 2;
    scene.crowd.release(waiting);
    let answers = scene.attempt(lasting).await;
    let unready = !is_ready(&scene.installation).await;
    drop(held);
    end(kind, &scene, cluster.as_ref()).await?;
    let over = Instant::now();

    refused_clearly(&mut part, &answers, lasting);
    part.note(format!("ready={}", if unready { "no" } else { "yes" }));
    let first = loop {
        let answers = scene.attempt(ATTEMPT_EVERY).await;
        if answers.iter().any(|a| a.status == 202) {
            break over.elapsed();
        }
        ensure!(
            over.elapsed() < RECOVERED,
            "not back after {RECOVERED:?}: {answers:?}\n{}",
            tail(&scene.installation.log())
        );
    };
    part.figure("back_after_s", first.as_secs_f64());
    ensure!(scene.installation.process() == Some(process), "it was restarted");
    part.rounds += 1;
    scene.finish(&mut part).await?;
    Ok(part)
}

/// While nothing can be stored every answer is a 503 that says when to come again; an acknowledgement would be a lie.
/// A trouble that is shorter than the wait for the file is only slow.
fn refused_clearly(part: &mut Part, answers: &[Answered], lasting: Duration) {
    let slowest = answers.iter().map(|a| a.took).max().unwrap_or_default();
    part.figure("told_no", answers.iter().filter(|a| a.status == 503).count() as f64);
    part.figure("slowest_s", slowest.as_secs_f64());
    if answers.is_empty() || slowest > REFUSED_WITHIN {
        part.wrong(format!(
            "ingest does not answer: {} answers in {lasting:?}, the slowest after {slowest:?}",
            answers.len()
        ));
    }
    for answer in answers.iter().filter(|a| a.status != 503 || a.retry_after.is_none()) {
        // the last one may have come when it was over
        if answer.status != 202 || answer.took < lasting / 10 {
            part.wrong(format!("while nothing can be stored: {} {}", answer.status, answer.body));
        }
    }
    if let Some(unclear) = answers.iter().find(|a| a.status == 503 && a.content_type != "application/problem+json") {
        part.wrong(format!("a 503 that says nothing: {} {}", unclear.content_type, unclear.body));
    }
}

async fn is_ready(installation: &Installation) -> bool {
    let answer = reqwest::get(format!("{}/readyz", installation.base())).await;
    answer.is_ok_and(|a| a.status().is_success())
}

/// What is held while the trouble lasts.
type Held = Option<sqlx::SqliteConnection>;

async fn begin(kind: Trouble, scene: &Scene, cluster: Option<&Cluster>) -> Result<Held> {
    match (kind, cluster) {
        (Trouble::Stopped, Some(cluster)) => cluster.peer("down").map(|_| None),
        (Trouble::Stopped, None) => {
            let file = scene.installation.data().join("milepost.sqlite");
            let mut held = SqliteConnectOptions::new().filename(file).busy_timeout(RECOVERED).connect().await?;
            sqlx::query("BEGIN IMMEDIATE").execute(&mut held).await?;
            Ok(Some(held))
        }
        (Trouble::DiskFull, _) => limit(scene, &FULL_BYTES.to_string()).map(|()| None),
    }
}

async fn end(kind: Trouble, scene: &Scene, cluster: Option<&Cluster>) -> Result<()> {
    match (kind, cluster) {
        (Trouble::Stopped, Some(cluster)) => cluster.peer("up").map(drop),
        (Trouble::Stopped, None) => Ok(()),
        (Trouble::DiskFull, _) => limit(scene, "unlimited"),
    }
}

/// Maximum size of a file that the process can write, in bytes.
fn limit(scene: &Scene, bytes: &str) -> Result<()> {
    let process = scene.installation.process().context("it runs")?.to_string();
    // the soft limit alone, which may be raised again
    let done = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).output()?;
    ensure!(done.status.success(), "prlimit: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// PostgreSQL crashes again and again, and loses what was not on the disk: every step inside that did not wait for it. What
/// was acknowledged is there, and what was recorded in other systems is not recorded again.
///
/// # Errors
/// As [`trouble`].
pub async fn crashes(run: &Run, rounds: u32) -> Result<Part> {
    let mut part = Part::new("database postgres crashed", run.seed);
    let cluster = Cluster::start()?;
    let database = Database::on(&cluster.url()?)?;
    let stories = (rounds as usize * STORIES_PER_CRASH).max(STORIES);
    let mut scene = Scene::start(run, database, stories, &[]).await?;
    let process = scene.installation.process().context("it runs")?;
    for round in 0..rounds {
        scene.crowd.release(scene.crowd.left().div_ceil((rounds - round) as usize));
        let life = scene.rng.range(0, LIFE_MS);
        tokio::time::sleep(Duration::from_millis(life)).await;
        cluster.peer("crash")?;
        cluster.peer("up")?;
        part.rounds += 1;
    }
    ensure!(scene.installation.process() == Some(process), "it was restarted");
    scene.finish(&mut part).await?;
    Ok(part)
}

/// The clock of the installation jumps ahead and back, while carriers talk and calls are under way. What waits for a time that
/// has become a later one by a jump back waits so much longer, and no more is allowed.
///
/// # Errors
/// As [`trouble`]; also where libfaketime is not there.
pub async fn clock(run: &Run, engine: Engine, jumps: &[i64]) -> Result<Part> {
    let mut part = Part::new(&format!("clock {}", engine.name()), run.seed);
    let library = faketime().context("libfaketime is not there")?;
    let folder = tempfile::tempdir()?;
    let offset = folder.path().join("offset");
    jump(&offset, 0)?;
    let environment = [
        "env".to_owned(),
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", offset.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        // what is measured in seconds that pass goes on as it does on any machine
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    let launcher: Vec<_> = environment.iter().map(String::as_str).collect();
    let mut scene = Scene::start(run, Database::fresh(engine)?, STORIES, &launcher).await?;
    for (n, seconds) in jumps.iter().enumerate() {
        scene.go_on(jumps.len() + 2 - n).await?;
        // calls are under way while the clock jumps
        scene.odoo.set(Some(Fault::Slow));
        scene.crowd.release(scene.crowd.left() / 4);
        scene.attempt(UNDER_WAY).await;
        jump(&offset, *seconds)?;
        let answers = scene.attempt(UNDER_WAY * 2).await;
        scene.odoo.set(None);
        if let Some(refused) = answers.iter().find(|a| a.status != 202) {
            part.wrong(format!("after a jump to {seconds} s: {} {}", refused.status, refused.body));
        }
        part.rounds += 1;
    }
    scene.finish(&mut part).await?;
    Ok(part)
}

fn jump(offset: &Path, seconds: i64) -> Result<()> {
    // written aside and moved, so that it is never read half
    let aside = offset.with_extension("new");
    std::fs::write(&aside, format!("{seconds:+}\n"))?;
    Ok(std::fs::rename(aside, offset)?)
}

/// Debian's libfaketime, where it is installed.
pub fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    folders.filter_map(|folder| Some(folder.ok()?.path().join(FAKETIME))).find(|library| library.exists())
}

/// A PostgreSQL of one's own, to be stopped and started.
struct Cluster {
    name: String,
    port: u16,
}

impl Cluster {
    fn start() -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Self { name: format!("chaos-{}-{port}", std::process::id()), port };
        cluster.peer("up")?;
        Ok(cluster)
    }

    fn url(&self) -> Result<String> {
        let env = self.peer("env")?;
        let url = env.trim().rsplit('=').next().context("an address")?;
        Ok(url.to_owned())
    }

    fn peer(&self, command: &str) -> Result<String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/postgres-peer.sh");
        let done = Command::new(script)
            .arg(command)
            .env("MILEPOST_POSTGRES_NAME", &self.name)
            .env("MILEPOST_POSTGRES_PORT", self.port.to_string())
            .env("MILEPOST_POSTGRES_DURABLE", "1")
            .output()?;
        ensure!(done.status.success(), "postgres-peer {command}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.peer("remove");
    }
}
