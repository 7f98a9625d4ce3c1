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
    path::Path,
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
/// On their way, of a hundred.
const OPEN_PERCENT: u64 = 10;
/// One in so many has an open exception.
const TROUBLED: u64 = 50;
/// Events in a second.
const RATE: u32 = 100;
/// The readers that ask at once.
const READERS: [usize; 2] = [1, 16];
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
type Page = (&'static str, fn(&Seen) -> String);

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

/// The bare indexed query of a page's rows, on each engine.
struct BareQuery {
    sqlite: &'static str,
    postgres: &'static str,
}

const OPEN_SHIPMENTS: BareQuery = BareQuery {
    sqlite: "SELECT id, origin, destination, state, visibility, worst_reason, eta, promised_by, delivered_at, last_event, heard_at
             FROM shipment WHERE company_id = (SELECT id FROM company) AND merged_into IS NULL AND origin IS NOT NULL AND standing <> 'cancelled'
             AND terminal = 0 ORDER BY need DESC, moved_at DESC, id DESC LIMIT 50",
    postgres: "SELECT id, origin, destination, state, visibility, worst_reason, eta, promised_by, delivered_at, last_event, heard_at
             FROM shipment WHERE company_id = (SELECT id FROM company) AND merged_into IS NULL AND origin IS NOT NULL AND standing <> 'cancelled'
             AND NOT terminal ORDER BY need DESC, moved_at DESC, id DESC LIMIT 50",
};

/// The queue's rows: exceptions with their shipments.
const OPEN_EXCEPTIONS: &str = "SELECT x.id, x.reason, x.severity, x.responsible, x.opened_at, x.due_at, x.owner_id, s.state, s.origin, s.destination
             FROM exception x JOIN shipment s ON s.id = x.shipment_id
             WHERE x.company_id = (SELECT id FROM company) AND x.closed_at IS NULL ORDER BY x.severity_rank DESC, x.due_at, x.id LIMIT 50";
const QUEUE: BareQuery = BareQuery { sqlite: OPEN_EXCEPTIONS, postgres: OPEN_EXCEPTIONS };
/// The queue's page takes no more than so many times its bare query.
const QUEUE_GOAL: f64 = 5.0;

/// An installation with so many shipments.
struct Site {
    installation: Installation,
    database: Database,
    shipments: u64,
    seen: Seen,
    client: reqwest::Client,
    cookie: String,
}

/// What there is to be seen.
#[derive(Clone, Debug, Default)]
struct Seen {
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
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut sites = Vec::new();
    for shipments in [FEW.min(shipments), shipments] {
        let begun = Instant::now();
        sites.push(Site::new(engine, binary, shipments).await?);
        println!("{}: {shipments} shipments were made in {:.0} s", engine.name(), begun.elapsed().as_secs_f64());
    }
    let mut took = vec![vec![vec![Vec::new(); sites.len()]; READERS.len()]; PAGES.len()];
    let feeds: Vec<_> = sites.iter().map(Site::feed).collect();
    for round in 0..=ROUNDS {
        for (page, (_, address)) in PAGES.iter().enumerate() {
            for (crowd, readers) in READERS.into_iter().enumerate() {
                // in turn, so that both have whatever else the machine does
                for (place, site) in sites.iter().enumerate() {
                    let median = site.visit(&address(&site.seen), readers, VISITS[crowd]).await?;
                    // the first round warms up
                    if round > 0 {
                        took[page][crowd][place].push(median);
                    }
                }
            }
        }
    }
    for feed in feeds {
        feed.abort();
    }
    let (name, large) = (engine.name(), sites.last().context("a site")?);
    let mut lines = Vec::new();
    for ((page, _), took) in PAGES.iter().zip(&took) {
        for (readers, took) in READERS.iter().zip(took) {
            let (few, many) = (median(took[0].clone()), median(took[1].clone()));
            let readers = if *readers == 1 { "1 reader".to_owned() } else { format!("{readers} readers") };
            lines.push(Line::info(
                format!("{name}: page {page}, {} shipments, {readers}", large.shipments),
                many,
                "ms",
            ));
            lines.push(Line::at_most(
                format!("{name}: the same against {} shipments", sites[0].shipments),
                many / few,
                "×",
                GOAL,
            ));
        }
    }
    let bare = large.bare(&OPEN_SHIPMENTS).await?;
    let queue = large.bare(&QUEUE).await?;
    let of = |page: &str| {
        let place = PAGES.iter().position(|(name, _)| *name == page).unwrap_or_default();
        median(took[place][0][1].clone())
    };
    lines.push(Line::info(format!("{name}: the bare indexed query of the open shipments"), bare, "ms"));
    lines.push(Line::info(format!("{name}: its share of the page"), 100.0 * bare / of("shipments, open"), "%"));
    lines.push(Line::info(format!("{name}: the bare indexed query of the queue's rows"), queue, "ms"));
    lines.push(Line::at_most(
        format!("{name}: the exceptions' page against it"),
        of("exceptions") / queue,
        "×",
        QUEUE_GOAL,
    ));
    for site in &sites {
        peaks.push(peak_mb(site.installation.process().context("it runs")?));
    }
    Ok(lines)
}

impl Site {
    async fn new(engine: Engine, binary: &Path, shipments: u64) -> Result<Self> {
        let database = Database::fresh(engine)?;
        let mut settings = database.settings();
        settings.push(("MILEPOST_LOG", "warn".into()));
        let mut installation = Installation::of(binary, settings)?;
        let (wanted, troubled) = (shipments.to_string(), (shipments / TROUBLED).to_string());
        tokio::task::block_in_place(|| -> Result<()> {
            let open = OPEN_PERCENT.to_string();
            let line = ["simulate", "--shipments", &wanted, "--open-percent", &open, "--exceptions", &troubled];
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

    /// What a list's query alone takes on a connection of its own, in milliseconds.
    async fn bare(&self, query: &BareQuery) -> Result<f64> {
        let mut took = Vec::new();
        match &self.database {
            Database::File => {
                let conn = rusqlite::Connection::open(self.installation.data().join("milepost.sqlite"))?;
                let mut statement = conn.prepare(query.sqlite)?;
                let columns = statement.column_count();
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
            }
            Database::Server(server) => {
                let mut conn = PgConnection::connect(&server.url()).await?;
                for _ in 0..ASKED {
                    let begun = Instant::now();
                    let rows = sqlx::query(sqlx::AssertSqlSafe(query.postgres)).fetch_all(&mut conn).await?;
                    ensure!(!rows.is_empty(), "no row");
                    took.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
            }
        }
        Ok(median(took))
    }
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
