//! Pages of a large database against those of a small one, in one run, while events come in. No page may cost more because
//! there are more rows than it shows.

use super::{Line, child::peak_mb, load, median};
use crate::{
    Installation,
    chaos::engine::{Database, Engine},
};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use storage::shipments::{ShipmentQuery, ShipmentTab};
use tokio::task::{JoinHandle, JoinSet};

/// Shipments of the large database, unless MILEPOST_BENCH_LISTED says otherwise.
pub const SHIPMENTS: u64 = 1_000_000;
/// Of the small one.
const FEW: u64 = 10_000;
/// Ordered in the last two days, of a hundred.
const OPEN_PERCENT: u64 = 10;
/// Events in a second.
const RATE: u32 = 100;
/// The readers that ask at once.
pub(super) const READERS: [usize; 2] = [1, 16];
/// Visits of a page by each reader of a round.
const VISITS: [usize; 2] = [12, 4];
const ROUNDS: usize = 3;
/// A page of the large one takes no more than so many times what it takes of the small one.
const GOAL: f64 = 2.0;
/// Of the bare query.
const ASKED: usize = 200;
/// Shipments on their way of which events tell.
const LISTED: usize = 400;
const LOGIN: &str = "bench@milepost.test";
const PASSWORD: &str = "a password of the bench";

/// A page: its name and its address, from what is there to be seen.
pub(super) type Page = (&'static str, fn(&Seen) -> String);

const PAGES: &[Page] = &[
    ("overview", |_| "/overview".into()),
    ("shipments, open", |_| "/shipments".into()),
    ("shipments, with exceptions", |_| "/shipments?tab=exceptions".into()),
    ("shipments, late", |_| "/shipments?tab=late".into()),
    ("shipments, silent", |_| "/shipments?tab=silent".into()),
    ("shipments, delivered", |_| "/shipments?tab=delivered".into()),
    ("shipments, unclaimed", |_| "/shipments?tab=unclaimed".into()),
    ("shipments, all", |_| "/shipments?tab=all".into()),
    ("shipments of one state", |_| "/shipments?tab=all&state=RETURNED".into()),
    ("search: a number", |seen| format!("/shipments?q={}", seen.number)),
    ("search: the beginning of an order", |_| "/shipments?q=S00".into()),
    ("search: a customer", |_| "/shipments?q=Customer%20000012".into()),
    ("shipment", |seen| format!("/shipments/{}", seen.shipment)),
    ("exceptions", |_| "/exceptions".into()),
    ("sync", |_| "/sync".into()),
    ("sync, messages", |_| "/sync?view=messages".into()),
    ("unmapped codes", |_| "/mappings/unmapped".into()),
];

/// A statement of each engine.
pub(super) struct Statement {
    /// Of SQLite.
    pub sqlite: &'static str,
    /// Of PostgreSQL.
    pub postgres: &'static str,
}

/// The bare indexed query of the open shipments.
const OPEN_SHIPMENTS: Statement = Statement {
    sqlite: "SELECT id, origin, destination, state, visibility, worst_reason, eta, promised_by, delivered_at, last_event, heard_at
             FROM shipment WHERE company_id = (SELECT id FROM company) AND merged_into IS NULL AND origin IS NOT NULL AND standing <> 'cancelled'
             AND terminal = 0 ORDER BY need DESC, moved_at DESC, id DESC LIMIT 50",
    postgres: "SELECT id, origin, destination, state, visibility, worst_reason, eta, promised_by, delivered_at, last_event, heard_at
             FROM shipment WHERE company_id = (SELECT id FROM company) AND merged_into IS NULL AND origin IS NOT NULL AND standing <> 'cancelled'
             AND NOT terminal ORDER BY need DESC, moved_at DESC, id DESC LIMIT 50",
};

/// An installation with so many shipments.
pub(super) struct Site {
    installation: Installation,
    database: Database,
    shipments: u64,
    seen: Seen,
    client: reqwest::Client,
    cookie: String,
}

/// What there is to be seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    shipment: String,
    number: String,
    /// Numbers and carriers of shipments on their way.
    on_their_way: Arc<Vec<(String, String)>>,
}

/// Each page at both sizes.
///
/// # Errors
/// When a step fails, or a page is not answered as it should be.
pub async fn pages(engine: Engine, binary: &Path, shipments: u64, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let sites = Sites::new(engine, binary, shipments).await?;
    let took = sites.compare(PAGES).await?;
    let mut lines = took.lines(engine, &sites);
    let name = engine.name();
    let bare = sites.large.bare(&OPEN_SHIPMENTS, 1).await?;
    lines.push(Line::info(format!("{name}: the bare indexed query of the open shipments"), bare, "ms"));
    let share = 100.0 * bare / took.of("shipments, open", 0);
    lines.push(Line::info(format!("{name}: its share of the page"), share, "%"));
    sites.peaks(peaks)?;
    Ok(lines)
}

/// A small and a large one.
pub(super) struct Sites {
    /// With [`FEW`] shipments.
    pub small: Site,
    /// With many.
    pub large: Site,
}

/// What pages took, in milliseconds: by page, crowd and size each round's middle.
pub(super) struct Took {
    pages: &'static [Page],
    rounds: Vec<[[Vec<f64>; 2]; READERS.len()]>,
}

impl Sites {
    /// Both, made anew.
    pub async fn new(engine: Engine, binary: &Path, shipments: u64) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = async |shipments| {
            let begun = Instant::now();
            let site = Site::new(engine, binary, shipments).await?;
            println!("{}: {shipments} shipments were made in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
            anyhow::Ok(site)
        };
        Ok(Self { small: made(FEW.min(shipments)).await?, large: made(shipments).await? })
    }

    /// Asks both for each page in turn, while events come in.
    pub async fn compare(&self, pages: &'static [Page]) -> Result<Took> {
        let mut rounds: Vec<_> = pages.iter().map(|_| <[[Vec<f64>; 2]; READERS.len()]>::default()).collect();
        let feeds = [self.small.feed(), self.large.feed()];
        for round in 0..=ROUNDS {
            for ((_, address), took) in pages.iter().zip(&mut rounds) {
                for (crowd, readers) in READERS.into_iter().enumerate() {
                    // in turn, so that both have whatever else the machine does
                    for (place, site) in [&self.small, &self.large].into_iter().enumerate() {
                        let median = site.visit(&address(&site.seen), readers, VISITS[crowd]).await?;
                        // the first round warms up
                        if round > 0 {
                            took[crowd][place].push(median);
                        }
                    }
                }
            }
        }
        feeds.into_iter().for_each(|feed| feed.abort());
        Ok(Took { pages, rounds })
    }

    /// The most memory that each has had.
    pub fn peaks(&self, peaks: &mut Vec<f64>) -> Result<()> {
        for site in [&self.small, &self.large] {
            peaks.push(peak_mb(site.installation.process().context("it runs")?));
        }
        Ok(())
    }
}

impl Took {
    /// Each page of the large one, and against the small one.
    pub fn lines(&self, engine: Engine, sites: &Sites) -> Vec<Line> {
        let (name, mut lines) = (engine.name(), Vec::new());
        for ((page, _), took) in self.pages.iter().zip(&self.rounds) {
            for (crowd, [few, many]) in took.iter().enumerate() {
                let (few, many) = (median(few.clone()), median(many.clone()));
                let page = format!("{name}: page {page}, {} shipments, {}", sites.large.shipments, crowd_name(crowd));
                lines.push(Line::info(page, many, "ms"));
                let against = format!("{name}: the same against {} shipments", sites.small.shipments);
                lines.push(Line::at_most(against, many / few, "×", GOAL));
            }
        }
        lines
    }

    /// What a page of the large one took a crowd, by its place in [`READERS`].
    pub fn of(&self, page: &str, crowd: usize) -> f64 {
        let place = self.pages.iter().position(|(name, _)| *name == page).unwrap_or_default();
        median(self.rounds[place][crowd][1].clone())
    }
}

/// A crowd in words, by its place in [`READERS`].
pub(super) fn crowd_name(crowd: usize) -> String {
    match READERS[crowd] {
        1 => "1 reader".to_owned(),
        readers => format!("{readers} readers"),
    }
}

impl Site {
    async fn new(engine: Engine, binary: &Path, shipments: u64) -> Result<Self> {
        let database = Database::fresh(engine)?;
        let mut settings = database.settings();
        settings.push(("MILEPOST_LOG", "warn".into()));
        let mut installation = Installation::of(binary, settings)?;
        let wanted = shipments.to_string();
        tokio::task::block_in_place(|| -> Result<()> {
            let open = OPEN_PERCENT.to_string();
            let line = ["simulate", "--shipments", &wanted, "--open-percent", &open];
            installation.command(&line, None)?;
            let roles = ["--role", "admin", "--role", "agent", "--role", "executive"];
            installation.command(&[&["user", "add", LOGIN][..], &roles].concat(), Some(PASSWORD))?;
            installation.command(&["source", "put", load::SOURCE, "--connector", load::SOURCE], Some(load::SECRET))?;
            Ok(())
        })?;
        installation.start().await?;
        let (store, scope) = database.open(installation.data()).await?;
        let mut seen = Seen::default();
        let (mut cursor, mut on_their_way) = (None, Vec::new());
        while on_their_way.len() < LISTED {
            let query = ShipmentQuery { tab: ShipmentTab::Open, cursor, ..ShipmentQuery::default() };
            let page = store.shipments.list(scope, query, Timestamp::UNIX_EPOCH).await?;
            for row in page.rows {
                let number = row.numbers.first().context("a number")?;
                (seen.shipment, seen.number) = (row.id.to_string(), number.number.clone());
                on_their_way.push((number.number.clone(), number.carrier.clone().unwrap_or_default()));
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        seen.on_their_way = Arc::new(on_their_way);
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut site = Self { installation, database, shipments, seen, client, cookie: String::new() };
        site.sign_in().await?;
        Ok(site)
    }

    async fn sign_in(&mut self) -> Result<()> {
        let body = format!("login={}&password={}", LOGIN.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let request = self.client.post(format!("{}/api/sign-in", self.installation.base()));
        let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await?;
        let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        self.cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("no session")?.to_owned();
        Ok(())
    }

    /// The middle of what the visits of so many readers took, in milliseconds.
    async fn visit(&self, page: &str, readers: usize, visits: usize) -> Result<f64> {
        let mut running = JoinSet::new();
        for _ in 0..readers {
            let (client, cookie) = (self.client.clone(), self.cookie.clone());
            let address = format!("{}{page}", self.installation.base());
            running.spawn(async move {
                let mut took = Vec::new();
                for _ in 0..visits {
                    let begun = Instant::now();
                    let answer = client.get(&address).header("cookie", &cookie).send().await?;
                    let status = answer.status();
                    let text = answer.text().await?;
                    took.push(begun.elapsed().as_secs_f64() * 1000.0);
                    ensure!(status.is_success() && text.contains("</html>"), "{address}: {status} {text:.300}");
                }
                anyhow::Ok(took)
            });
        }
        let mut took = Vec::new();
        while let Some(reader) = running.join_next().await {
            took.extend(reader??);
        }
        Ok(median(took))
    }

    /// Events about shipments on their way, at their times, until it is ended.
    fn feed(&self) -> JoinHandle<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (base, listed) = (self.installation.base(), Arc::clone(&self.seen.on_their_way));
        tokio::spawn(async move {
            let begun = Instant::now();
            for number in 0.. {
                tokio::time::sleep_until((begun + Duration::from_secs(1) * number / RATE).into()).await;
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                let (tracking, carrier) = &listed[usize::try_from(next).unwrap_or_default() % listed.len()];
                let (body, base) = (scan(tracking, carrier, next), base.clone());
                tokio::spawn(async move {
                    if let Err(error) = load::post(&base, body).await {
                        println!("an event was not taken: {error:#}");
                    }
                });
            }
        })
    }

    /// What each fold took of some durations of the metrics, in seconds, while events come in for a time.
    pub async fn spent<const N: usize>(&self, lasting: Duration, of: [(&str, &[&str]); N]) -> Result<[f64; N]> {
        let sums = async || {
            let mut sums = [0.0; N];
            for (sum, (name, labels)) in sums.iter_mut().zip(of) {
                *sum = self.installation.metric(&format!("{name}_sum"), labels).await?;
            }
            anyhow::Ok((sums, self.installation.metric("milepost_fold_seconds_count", &[]).await?))
        };
        let (before, folds_before) = sums().await?;
        let feed = self.feed();
        tokio::time::sleep(lasting).await;
        feed.abort();
        self.installation.idle().await?;
        let (after, folds) = sums().await?;
        ensure!(folds > folds_before, "no event was folded");
        Ok(std::array::from_fn(|place| (after[place] - before[place]) / (folds - folds_before)))
    }

    /// What a query alone takes as many readers as there are, each on a connection of its own, in milliseconds.
    pub async fn bare(&self, query: &Statement, readers: usize) -> Result<f64> {
        let mut running = JoinSet::new();
        for _ in 0..readers {
            match &self.database {
                Database::File => {
                    let (file, text) = (self.file(), query.sqlite);
                    running.spawn_blocking(move || asked_file(&file, text));
                }
                Database::Server(server) => {
                    let (url, text) = (server.url(), query.postgres);
                    running.spawn(async move { asked_server(&url, text).await });
                }
            }
        }
        let mut took = Vec::new();
        while let Some(reader) = running.join_next().await {
            took.extend(reader??);
        }
        Ok(median(took))
    }

    /// Changes rows as no command does.
    pub async fn change(&self, statement: &Statement) -> Result<()> {
        match &self.database {
            Database::File => {
                let conn = rusqlite::Connection::open(self.file())?;
                conn.busy_timeout(Duration::from_secs(30))?;
                conn.execute_batch(statement.sqlite)?;
            }
            Database::Server(server) => {
                let mut conn = PgConnection::connect(&server.url()).await?;
                sqlx::raw_sql(sqlx::AssertSqlSafe(statement.postgres)).execute(&mut conn).await?;
            }
        }
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.installation.data().join("milepost.sqlite")
    }
}

/// What a query takes in a file, time after time.
fn asked_file(file: &Path, text: &str) -> Result<Vec<f64>> {
    let conn = rusqlite::Connection::open(file)?;
    let mut statement = conn.prepare(text)?;
    let (columns, mut took) = (statement.column_count(), Vec::new());
    for _ in 0..ASKED {
        let begun = Instant::now();
        let mut rows = statement.query(())?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let _: rusqlite::types::Value = row.get(column)?;
            }
            read += 1;
        }
        ensure!(read > 0, "no row");
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

/// What a query takes at a server, time after time.
async fn asked_server(url: &str, text: &'static str) -> Result<Vec<f64>> {
    let (mut conn, mut took) = (PgConnection::connect(url).await?, Vec::new());
    for _ in 0..ASKED {
        let begun = Instant::now();
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut conn).await?;
        ensure!(!rows.is_empty(), "no row");
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

/// The next scan of a parcel, as of now.
fn scan(number: &str, carrier: &str, event: u64) -> Vec<u8> {
    let now = crate::chaos::now();
    serde_json::json!({"event_id": format!("{number}-{event}"), "msg": {"id": number, "tracking_number": number, "slug": carrier,
        "tag": "InTransit", "subtag": "InTransit_003", "updated_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "checkpoints": [{"tag": "InTransit", "subtag": "InTransit_003", "city": "Lyon", "country_region": "FR",
            "checkpoint_time": now.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()}]}})
    .to_string()
    .into_bytes()
}
