//! Canaries: unlike anything else, put in wherever personal data or a secret can come in, and looked for wherever it must not
//! come out: the database's files, a backup, the log, the metrics, pages; after an erasure also on pages that showed it, and
//! in what the master key opens. On SQLite, whose files can be read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use domain::ids::{ShipmentId, SubjectId};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use jiff::SignedDuration;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use server::{
    clock::{Clock, ManualClock},
    config::{LogFormat, Settings},
    log,
    usecases::{erasure, orders::IMPORT_PAGES_MAX},
    vault::{DataKey, Vault},
};
use simulator::{faults::Fault, journey::Place, odoo::NewOrder};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
};
use storage::{
    Sealed, WrappedKey,
    inbox::MessageSelection,
    jobs::{Cause, JobFilter, JobKind, JobSelection, Lane},
    people::RoleName,
    transfer::Value,
};
use storage_sqlite::{Options, SqliteStore, export};
use world::{SECRET, World, site::Site, systems::Systems};

const NUMBER: &str = "CANARY000001";
const OTHER: &str = "BYSTANDER001";
const NAME: &str = "Canaria Quellworth";
/// A part of the name, as a carrier writes it.
const SIGNER: &str = "QUELLWORTH C";
const STREET: &str = "Zebrafinkenweg 4711";
const MAIL: &str = "canaria@quellworth.test";
const WORDS: &str = "Handed to Mrs Goldammer at the back door";
/// In a field that nobody reads.
const NOTE: &str = "ring at Rotkehlchen";
/// In a message that cannot be read.
const UNREAD: &str = "unread for canaria quellworth";
/// Everything about the person who is erased.
const PERSON: &[&str] = &["Quellworth", "Canaria", "Zebrafinkenweg", MAIL, "Goldammer", "Rotkehlchen"];

const BYSTANDER: &str = "Other Bystander";
const BYSTANDERS_WORDS: &str = "Left with the Bystander concierge";

const WRONG_SECRET: &str = "wrong-secret-canary";
const QUERY: &str = "query-canary-8213";
const CORRELATION: &str = "correlation-canary-55";
const PASSWORD: &str = "a password of the tests";
const WHY: &str = "because Wendehals asked";
/// The key of the simulated systems.
const KEY: &str = "key-of-the-tests";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What other systems say when they refuse: everything that they know, our key too.
fn indiscreet() -> Fault {
    Fault::Error(format!("{NAME} <{MAIL}>, {STREET}: Authorization: bearer {KEY}, Basic dTpr is refused").leak())
}

struct Canaries {
    folder: tempfile::TempDir,
    /// The file's name.
    database: &'static str,
    log: Log,
    metrics: PrometheusHandle,
    site: Site,
    shipment: ShipmentId,
    other: ShipmentId,
    secrets: Vec<String>,
}

fn order(world: &World, number: &str, customer: &str) -> NewOrder {
    let now = world.clock.now();
    let place = Place { city: "Lyon", state: None, zip: "69001", country: "FR", country3: "FRA", zone: "Europe/Paris" };
    NewOrder {
        order: format!("S-{number}"),
        picking: format!("WH/OUT/{number}"),
        customer: customer.into(),
        place,
        carrier: "DHL",
        tracking: Some(number.into()),
        promised: now + SignedDuration::from_hours(24_000),
        shipped: Some(now - SignedDuration::from_hours(48)),
        written: now,
    }
}

fn tracking(number: &str, words: &str, last: &str, subtag: &str) -> serde_json::Value {
    let point = |subtag: &str, hour: u8| {
        json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": format!("2026-03-05T0{hour}:00:00"), "city": "Lyon",
            "message": words})
    };
    json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": subtag.split('_').next(), "subtag": subtag,
        "updated_at": format!("2026-03-05T0{}:00:00+00:00", last.len()), "checkpoints": [point("InTransit_003", 1), point(subtag, 4)]})
}

/// Messages about the person alone, about others too, about others alone, and one that cannot be read.
async fn messages(world: &World) {
    let mut delivered = tracking(NUMBER, WORDS, "xx", "Delivered_001");
    delivered["signed_by"] = SIGNER.into();
    let mut list = vec![tracking(OTHER, BYSTANDERS_WORDS, "x", "InTransit_007"), delivered.clone()];
    list[1]["customer_name"] = NAME.into();
    let mut alone = tracking(NUMBER, WORDS, "x", "Exception_012");
    alone["customer_note"] = NOTE.into();
    for body in [
        json!({"event_id": "alone", "msg": alone}),
        json!({"event_id": "several", "data": {"trackings": list}}),
        json!({"event_id": "other", "msg": tracking(OTHER, BYSTANDERS_WORDS, "xxx", "InTransit_003")}),
        json!({"event_id": "unread", "nobody": "knows", "what": UNREAD}),
    ] {
        world.offer(body.to_string().as_bytes()).await.unwrap();
    }
    world.offer(format!("{{\"broken\": \"{UNREAD}\", ").as_bytes()).await.unwrap();
}

impl Canaries {
    /// A tower that has heard them all.
    async fn sing(format: LogFormat) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let into = log.clone();
        tracing::subscriber::set_global_default(log::subscriber("debug", format, move || into.clone()).unwrap())
            .unwrap();
        let metrics = PrometheusBuilder::new().install_recorder().unwrap();
        let store = SqliteStore::open(&folder.path().join("tower.sqlite"), Options::server()).await.unwrap();
        let settings = Settings {
            addr: Some("127.0.0.1:0".parse().unwrap()),
            data: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let systems = Systems::on(settings, store).await;
        let picking = systems.odoo.add_order(&order(&systems.world, NUMBER, NAME));
        systems.odoo.edit_linked(picking, "partner_id", "street", json!(STREET));
        systems.odoo.edit_linked(picking, "partner_id", "email", json!(MAIL));
        systems.odoo.add_order(&order(&systems.world, OTHER, BYSTANDER));
        systems.import(IMPORT_PAGES_MAX).await;
        systems.world.settle().await;
        systems.odoo.fail(Some("stock.picking/write"), &indiscreet(), 2);
        systems.odoo.fail(Some("message_post"), &indiscreet(), 1);
        messages(&systems.world).await;
        systems.desk.fail(Some("ticket"), &indiscreet(), 1);
        systems.world.passes(5).await;
        // a job that concerns no shipment
        systems.odoo.fail(Some("search"), &indiscreet(), 1);
        let tower = &systems.world.tower;
        let mut import = tower.job(JobKind::ImportOrders, "odoo", Cause::Import, tower.correlation(), None);
        import.lane = Lane::Batch;
        tower.store.jobs.enqueue(tower.scope(), vec![import]).await.unwrap();
        systems.world.settle().await;
        let found = async |number: &str| {
            let words = format!("WH/OUT/{number}");
            tower.store.shipments.find(tower.scope(), &words).await.unwrap()[0]
        };
        let (shipment, other) = (found(NUMBER).await, found(OTHER).await);
        let site = Site::on(systems.world, "Anna Lind").await;
        let secrets = [SECRET, KEY, WRONG_SECRET, QUERY, CORRELATION, PASSWORD].map(str::to_owned).to_vec();
        Self { folder, database: "tower.sqlite", log, metrics, site, shipment, other, secrets }
    }

    /// Somebody knocks who is not who he says.
    async fn knock_wrongly(&self) {
        let request = Request::post(format!("/ingest/aftership?token={QUERY}"))
            .header("aftership-hmac-sha256", WRONG_SECRET)
            .header(header::AUTHORIZATION, format!("Bearer {WRONG_SECRET}"))
            .header("x-correlation-id", CORRELATION)
            .body(Full::from(format!("{{\"name\": \"{NAME}\"}}")))
            .unwrap();
        assert_eq!(self.site.ask(request).await.unwrap().status, StatusCode::UNAUTHORIZED);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn copy(&self, name: &str) -> PathBuf {
        let to = self.file(name);
        drop(std::fs::remove_file(&to));
        storage_sqlite::backup::copy(&self.file(self.database), &to).await.unwrap();
        to
    }

    /// Nothing of these in any file, in the log or in the metrics.
    async fn is_silent(&self, canaries: &[&str], when: &str) {
        let copy = self.copy(&format!("copy of {when}.sqlite")).await;
        let names = ["", "-wal", "-shm"].map(|end| format!("{}{end}", self.database));
        let names = names.into_iter().chain(["tombstones".to_owned(), "audit.anchor".to_owned()]);
        let files = names.map(|name| self.file(&name)).chain([copy]);
        let files = files.filter_map(|path| Some((path.display().to_string(), std::fs::read(&path).ok()?)));
        let said = [
            ("the log".to_owned(), self.log.0.lock().unwrap().clone()),
            ("the metrics".to_owned(), self.metrics.render().into_bytes()),
        ];
        let mut heard = Vec::new();
        for (place, bytes) in files.chain(said) {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for canary in canaries {
                if let Some(at) = text.find(&canary.to_lowercase()) {
                    let around: String =
                        text[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
                    heard.push(format!("{canary} in {place}: …{around}{canary}"));
                }
            }
        }
        let log = String::from_utf8_lossy(&self.log.0.lock().unwrap()).into_owned();
        for told in ["job failed", "quarantined", "rejected"] {
            assert!(log.contains(told), "what is to be logged is: {told}");
        }
        assert!(self.metrics.render().contains("milepost_calls_total"), "what is to be measured is");
        assert!(heard.is_empty(), "{when}:\n{}", heard.join("\n"));
    }

    /// Every page that shows a record, and the lists.
    async fn pages(&self, cookie: &str) -> Vec<(String, String)> {
        let (tower, scope) = (&self.site.world.tower, self.site.world.tower.scope());
        let mut addresses: Vec<String> = [
            "/overview",
            "/shipments?tab=all",
            "/exceptions?view=all",
            "/sync",
            "/sync?view=retrying",
            "/sync?view=pending",
            "/sync?view=done",
            "/sync?view=quarantine",
            "/sync?view=messages",
            "/mappings",
            "/mappings/unmapped",
        ]
        .map(str::to_owned)
        .into();
        addresses.extend([self.shipment, self.other].map(|id| format!("/shipments/{id}")));
        for fact in &self.site.world.load(self.shipment).await.input.facts {
            addresses.push(format!("/shipments/{}?event={}", self.shipment, fact.id));
        }
        for filter in [JobFilter::Failed, JobFilter::Retrying, JobFilter::Pending, JobFilter::Done] {
            for destination in [None, Some("inside".to_owned())] {
                let which = JobSelection { destination, ..JobSelection::default() };
                let jobs = tower.store.jobs.list(scope, filter, which, None).await.unwrap();
                addresses.extend(jobs.rows.iter().map(|row| format!("/sync/jobs/{}", row.job.id)));
            }
        }
        let messages = tower.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
        addresses.extend(messages.rows.iter().map(|message| format!("/sync/messages/{}", message.id)));
        let mut pages = Vec::new();
        for address in BTreeSet::from_iter(addresses) {
            let page = self.site.page(&address, Some(cookie)).await.unwrap();
            pages.push((address, page.body));
        }
        pages
    }

    /// Everything in the database that the master key opens.
    async fn opened(&self) -> Vec<(String, String)> {
        let copy = self.copy("to be opened.sqlite").await;
        let file = export::Export::open(&copy).await.unwrap();
        let mut rows = Vec::new();
        for table in file.tables().unwrap() {
            let mut after = export::After::START;
            loop {
                let read = file.rows(&table, &mut after).unwrap();
                if read.rows.is_empty() {
                    break;
                }
                rows.extend(read.rows.into_iter().map(|row| (table.clone(), read.columns.clone(), row)));
            }
        }
        let keys = keys(&rows);
        let blobs = rows.iter().flat_map(|(table, columns, row)| {
            let blobs = columns.iter().zip(row).filter_map(|(column, value)| match value {
                Value::Bytes(bytes) if bytes.len() > 28 => Some((format!("{table}.{column}"), bytes)),
                _ => None,
            });
            blobs.collect::<Vec<_>>()
        });
        blobs.filter_map(|(place, bytes)| Some((place, open(&keys, bytes)?))).collect()
    }
}

fn keys(rows: &[(String, Vec<String>, Vec<Value>)]) -> Vec<DataKey> {
    let vault = Vault::new(&[7; 32], ManualClock::at("2026-03-05T12:00:00Z".parse().unwrap()));
    let of = |columns: &[String], row: &[Value], name: &str| {
        let place = columns.iter().position(|column| column == name)?;
        if let Value::Bytes(bytes) = &row[place] { Some(bytes.clone()) } else { None }
    };
    let wrapped = rows.iter().filter_map(|(table, columns, row)| {
        let subject = match table.as_str() {
            "vault_key" => of(columns, row, "subject")?,
            "message" => of(columns, row, "id")?,
            _ => return None,
        };
        let subject = SubjectId(uuid::Uuid::from_slice(&subject).ok()?);
        Some(WrappedKey { subject, bytes: of(columns, row, "wrapped")? })
    });
    wrapped.map(|key| vault.unwrap(&key).unwrap()).collect()
}

/// Sealed bytes, whether or not their subject stands before them.
fn open(keys: &[DataKey], bytes: &[u8]) -> Option<String> {
    let places = [
        "message.body",
        "observation.text",
        "shipment.customer",
        "case.agent",
        "audit.value",
        "audit.why",
        "job.error",
        "attempt.request",
        "attempt.response",
        "message.reason",
    ];
    let subject = SubjectId(uuid::Uuid::nil());
    for sealed in [bytes, bytes.get(16..).unwrap_or_default()] {
        let sealed = Sealed { subject, bytes: sealed.to_vec() };
        for key in keys {
            if let Some(plain) = places.iter().find_map(|place| key.open(place, &sealed).ok()) {
                return Some(String::from_utf8_lossy(&plain).into_owned());
            }
        }
    }
    None
}

fn found(canaries: &[&str], in_texts: &[(String, String)]) -> Vec<String> {
    let mut heard = Vec::new();
    for (place, text) in in_texts {
        let text = text.to_lowercase();
        for canary in canaries.iter().filter(|canary| text.contains(&canary.to_lowercase())) {
            heard.push(format!("{canary} in {place}"));
        }
    }
    heard
}

fn is_on_sqlite() -> bool {
    std::env::var("MILEPOST_TEST_ENGINE").is_err()
}

async fn nothing_comes_out(format: LogFormat) {
    let mut all = Canaries::sing(format).await;
    let admin = all.site.sign_in().await;
    let executive = all.site.sign_in_as(RoleName::Executive).await;
    for cookie in [&admin, &executive] {
        all.secrets.push(cookie.split_once('=').unwrap().1.to_owned());
    }
    all.knock_wrongly().await;
    let secrets: Vec<String> = all.secrets.clone();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let mut hidden = [PERSON, &["Bystander concierge", "Wendehals"], &secrets].concat();

    let before = all.pages(&admin).await;
    for canary in PERSON {
        assert!(!found(&[canary], &before).is_empty(), "{canary} was put in, and those who may read see it");
    }
    assert_eq!(found(&secrets, &before), [""; 0], "secrets on pages");
    assert_eq!(found(PERSON, &all.pages(&executive).await), [""; 0], "on pages of somebody who may not see it");
    assert!(!found(PERSON, &all.opened().await).is_empty());
    assert_eq!(found(&[KEY, WRONG_SECRET, PASSWORD], &all.opened().await), [""; 0], "secrets in what is sealed");
    all.is_silent(&hidden, "before the erasure").await;

    let (tower, scope) = (&all.site.world.tower, all.site.world.tower.scope());
    erasure::erase_customer(tower, scope, all.shipment, WHY.into()).await.unwrap();
    hidden.extend(PERSON);
    let after = all.pages(&admin).await;
    assert_eq!(found(PERSON, &after), [""; 0], "on pages after the erasure");
    assert_eq!(found(PERSON, &all.opened().await), [""; 0], "in what the master key opens after the erasure");
    assert!(!found(&["Bystander concierge"], &after).is_empty(), "another's words stay");
    assert!(!found(&["Content erased"], &after).is_empty(), "and it is said");
    all.is_silent(&hidden, "after the erasure").await;
    erasure::erase_customer(tower, scope, all.shipment, WHY.into()).await.unwrap();
    assert!(!found(&["Bystander concierge"], &all.pages(&admin).await).is_empty(), "however often it is done");
    all.site.stop().await;
}

#[tokio::test]
async fn nothing_personal_and_no_secret_comes_out_and_the_log_is_text() {
    if is_on_sqlite() {
        nothing_comes_out(LogFormat::Text).await;
    }
}

#[tokio::test]
async fn nothing_personal_and_no_secret_comes_out_and_the_log_is_json() {
    if is_on_sqlite() {
        nothing_comes_out(LogFormat::Json).await;
    }
}

/// An older backup, put back: what was erased since is erased again, whatever it is.
#[tokio::test]
async fn an_older_backup_is_erased_again() {
    if !is_on_sqlite() {
        return;
    }
    let all = Canaries::sing(LogFormat::Text).await;
    let old = all.copy("older.sqlite").await;
    let (tower, scope) = (&all.site.world.tower, all.site.world.tower.scope());
    erasure::erase_customer(tower, scope, all.shipment, WHY.into()).await.unwrap();
    let config = tower.config.clone();
    let Canaries { folder, log, metrics, site, shipment, other, secrets, .. } = all;
    site.stop().await;
    let world = World::on(SqliteStore::open(&old, Options::server()).await.unwrap(), config).await;
    erasure::reapply(&world.tower).await.unwrap();
    let site = Site::again(world).await;
    let restored = Canaries { folder, database: "older.sqlite", log, metrics, site, shipment, other, secrets };
    let admin = restored.site.sign_in().await;
    assert_eq!(found(PERSON, &restored.pages(&admin).await), [""; 0]);
    assert_eq!(found(PERSON, &restored.opened().await), [""; 0]);
    restored.site.stop().await;
}
