//! Canaries: unlike anything else, put in wherever personal data or a secret can come in, and looked for wherever it must not
//! come out: what the database has on the disk, a backup, the log, the metrics, pages; after an erasure also on pages that
//! showed it, and in what the master key opens. On either engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kept;
mod voices;

use crate::world::{SECRET, World, site::Site, systems::Systems};
use aho_corasick::AhoCorasick;
use application::caller::Caller;
use application::{
    clock::ManualClock,
    governance::erasure,
    vault::{DataKey, Vault},
};
use domain::access::Role;
use domain::ids::{ShipmentId, SubjectId};
use http::{Request, StatusCode, header};
use http_body_util::Full;
use kept::{Kept, Place, Row};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::{
    config::{LogFormat, Settings},
    log,
};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
};
use storage::{
    Sealed, WrappedKey,
    inbox::MessageSelection,
    jobs::{JobFilter, JobSelection},
    transfer::Value,
};
use voices::{AGENT, AGENTS, KEY, NUMBER, OTHER, PERSON};

const WRONG_SECRET: &str = "wrong-secret-canary";
const QUERY: &str = "query-canary-8213";
const CORRELATION: &str = "correlation-canary-55";
const PASSWORD: &str = "a password of the tests";
const WHY: &str = "because Wendehals asked";
/// What is shown of a place that a canary is found in.
const AROUND_BYTES: usize = 120;

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

struct Canaries {
    site: Site,
    kept: Kept,
    folder: tempfile::TempDir,
    log: Log,
    metrics: PrometheusHandle,
    shipment: ShipmentId,
    other: ShipmentId,
    secrets: Vec<String>,
}

impl Canaries {
    /// An installation that has heard them all.
    async fn sing(format: LogFormat) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let into = log.clone();
        tracing::subscriber::set_global_default(log::subscriber("debug", format, move || into.clone()).unwrap())
            .unwrap();
        let metrics = PrometheusBuilder::new().install_recorder().unwrap();
        let (kept, store) = Kept::new(folder.path()).await;
        let settings = Settings {
            addr: Some("127.0.0.1:0".parse().unwrap()),
            data: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let systems = Systems::on(settings, store).await;
        // calls fail for good, so that their errors are kept
        systems.world.leaves_jobs();
        voices::sing(&systems).await;
        let context = &systems.world.context;
        let found = async |number: &str| {
            let words = format!("WH/OUT/{number}");
            context.store.shipments.find(context.scope(), &words).await.unwrap()[0]
        };
        let (shipment, other) = (found(NUMBER).await, found(OTHER).await);
        // the server starts what is scheduled, and fails: the other systems are gone by then
        context.store.schedules.hurry(context.scope(), context.now()).await.unwrap();
        let site = Site::on(systems.world, "Anna Lind").await;
        let secrets = [SECRET, KEY, WRONG_SECRET, QUERY, CORRELATION, PASSWORD].map(str::to_owned).to_vec();
        Self { site, kept, folder, log, metrics, shipment, other, secrets }
    }

    /// A request with a wrong signature.
    async fn deliver_unsigned(&self) {
        let request = Request::post(format!("/ingest/aftership?token={QUERY}"))
            .header("aftership-hmac-sha256", WRONG_SECRET)
            .header(header::AUTHORIZATION, format!("Bearer {WRONG_SECRET}"))
            .header("x-correlation-id", CORRELATION)
            .body(Full::from(format!("{{\"name\": \"{}\"}}", PERSON[0])))
            .unwrap();
        assert_eq!(self.site.ask(request).await.unwrap().status, StatusCode::UNAUTHORIZED);
    }

    async fn backup(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        self.kept.backup(&to).await;
        to
    }

    /// What no page shows and anybody may come to see: every file, a backup with its rows, the log, the metrics.
    async fn places(&self, when: &str) -> Vec<Place> {
        let backup = self.backup(&format!("backup of {when}")).await;
        let mut places = self.kept.on_disk();
        let beside = ["tombstones", "audit.anchor"].map(|name| self.folder.path().join(name));
        places.extend(beside.iter().chain([&backup]).filter_map(|file| kept::read(file)));
        places.extend(kept::rows(&self.kept, &backup).await.iter().flat_map(values));
        places.push(("the log".to_owned(), self.log.0.lock().unwrap().clone()));
        places.push(("the metrics".to_owned(), self.metrics.render().into_bytes()));
        places
    }

    /// Nothing of these in any of them.
    async fn is_silent(&self, canaries: &[&str], when: &str) {
        let places = self.places(when).await;
        for (place, expected) in [
            ("the log", "job failed"),
            ("the log", "quarantined"),
            ("the log", "rejected"),
            ("the metrics", "milepost_calls_total"),
        ] {
            let there =
                heard(&[expected], &places).iter().any(|heard| heard.starts_with(&format!("{expected} in {place}")));
            assert!(there, "what is to be in {place} is: {expected}");
        }
        let heard = heard(canaries, &places);
        assert!(heard.is_empty(), "{when}:\n{}", heard.join("\n"));
    }

    /// Every page that shows a record, and the lists.
    async fn pages(&self, cookie: &str) -> Vec<Place> {
        let (context, scope) = (&self.site.world.context, self.site.world.context.scope());
        let mut addresses: Vec<String> = [
            "/overview",
            "/sla",
            "/figures/on_time?period=month",
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
                let jobs = context.store.jobs.list(scope, filter, which, None).await.unwrap();
                addresses.extend(jobs.rows.iter().map(|row| format!("/sync/jobs/{}", row.job.id)));
            }
        }
        let messages = context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
        addresses.extend(messages.rows.iter().map(|message| format!("/sync/messages/{}", message.id)));
        let mut pages = Vec::new();
        for address in BTreeSet::from_iter(addresses) {
            let page = self.site.page(&address, Some(cookie)).await.unwrap();
            pages.push((address, page.body.into_bytes()));
        }
        pages
    }

    /// Everything in the database that the master key opens.
    async fn opened(&self) -> Vec<Place> {
        let backup = self.backup("to be opened").await;
        let rows = kept::rows(&self.kept, &backup).await;
        let keys = keys(&rows);
        // what is sealed is no text: to try every key on every text takes most of this test
        let may_be_sealed = |bytes: &[u8]| bytes.len() > 28 && std::str::from_utf8(bytes).is_err();
        let opened = rows.iter().flat_map(values).filter(|(_, bytes)| may_be_sealed(bytes));
        let opened: Vec<_> = opened.filter_map(|(place, bytes)| Some((place, open(&keys, &bytes)?))).collect();
        assert!(opened.len() > 20, "sealed values are found: {}", opened.len());
        opened
    }
}

/// The values of a row that have bytes or text.
fn values(row: &Row) -> Vec<Place> {
    let all = row.values.iter().filter_map(|(column, value)| {
        let bytes = match value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Text(text) => text.clone().into_bytes(),
            Value::Int(_) | Value::Null => return None,
        };
        Some((format!("{}.{column}", row.table), bytes))
    });
    all.collect()
}

/// The keys of subjects and of messages, unwrapped.
fn keys(rows: &[Row]) -> Vec<DataKey> {
    let vault = Vault::new(&[7; 32], ManualClock::at("2026-03-05T12:00:00Z".parse().unwrap()));
    let of = |row: &Row, name: &str| {
        row.values.iter().find_map(|(column, value)| match value {
            Value::Bytes(bytes) if column == name => Some(bytes.clone()),
            // an id
            Value::Text(text) if column == name => Some(uuid::Uuid::try_parse(text).ok()?.into_bytes().to_vec()),
            _ => None,
        })
    };
    let wrapped = rows.iter().filter_map(|row| {
        let subject = match row.table.as_str() {
            "vault_key" => of(row, "subject")?,
            "message" => of(row, "id")?,
            _ => return None,
        };
        let subject = SubjectId(uuid::Uuid::from_slice(&subject).ok()?);
        Some(WrappedKey { subject, bytes: of(row, "wrapped")? })
    });
    let keys: Vec<_> = wrapped.map(|key| vault.unwrap(&key).unwrap()).collect();
    assert!(!keys.is_empty(), "there are keys");
    keys
}

/// Sealed bytes, whether or not their subject stands before them.
fn open(keys: &[DataKey], bytes: &[u8]) -> Option<Vec<u8>> {
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
                return Some(plain.to_vec());
            }
        }
    }
    None
}

/// Which of these are where, each with what stands before it. In any case of their letters.
fn heard(canaries: &[&str], places: &[Place]) -> Vec<String> {
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).build(canaries).unwrap();
    let mut heard = Vec::new();
    for (place, bytes) in places {
        let mut of_place = BTreeSet::new();
        for found in finder.find_overlapping_iter(bytes).filter(|found| of_place.insert(found.pattern())) {
            let before = &bytes[found.start().saturating_sub(AROUND_BYTES)..found.end()];
            let canary = canaries[found.pattern().as_usize()];
            heard.push(format!("{canary} in {place}: …{}", before.escape_ascii()));
        }
    }
    heard
}

async fn nothing_comes_out(format: LogFormat) {
    let mut all = Canaries::sing(format).await;
    let admin = all.site.sign_in().await;
    let executive = all.site.sign_in_as(Role::Executive).await;
    for cookie in [&admin, &executive] {
        all.secrets.push(cookie.split_once('=').unwrap().1.to_owned());
    }
    all.deliver_unsigned().await;
    let secrets: Vec<String> = all.secrets.clone();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let hidden = [PERSON, AGENTS, &["Bystander concierge", "Wendehals"], &secrets].concat();
    let none: &[String] = &[];

    let before = all.pages(&admin).await;
    for canary in PERSON.iter().chain(AGENTS) {
        assert!(!heard(&[canary], &before).is_empty(), "{canary} was put in, and those who may read see it");
    }
    assert_eq!(heard(&secrets, &before), none, "secrets on pages");
    let personal = [PERSON, AGENTS].concat();
    assert_eq!(heard(&personal, &all.pages(&executive).await), none, "on pages of somebody who may not see it");
    let sealed = all.opened().await;
    for canary in PERSON.iter().chain(AGENTS) {
        assert!(!heard(&[canary], &sealed).is_empty(), "{canary} is sealed");
    }
    assert_eq!(heard(&[KEY, WRONG_SECRET, PASSWORD], &sealed), none, "secrets in what is sealed");
    all.is_silent(&hidden, "before the erasure").await;

    let (context, scope) = (&all.site.world.context, all.site.world.context.scope());
    erasure::erase_customer(context, &Caller::trusted(scope), all.shipment, WHY.into()).await.unwrap();
    let after = all.pages(&admin).await;
    assert_eq!(heard(PERSON, &after), none, "on pages after the erasure");
    assert_eq!(heard(PERSON, &all.opened().await), none, "in what the master key opens after the erasure");
    assert!(!heard(&["Bystander concierge"], &after).is_empty(), "another's words stay");
    assert!(!heard(&["Content erased"], &after).is_empty(), "and it is said");
    all.is_silent(&hidden, "after the erasure").await;
    erasure::erase_customer(context, &Caller::trusted(scope), all.shipment, WHY.into()).await.unwrap();
    assert!(!heard(&["Bystander concierge"], &all.pages(&admin).await).is_empty(), "however often it is done");

    erasure::erase_agent(context, &Caller::trusted(scope), AGENT, WHY.into()).await.unwrap();
    assert_eq!(heard(AGENTS, &all.pages(&admin).await), none, "on pages after the agent's erasure");
    assert_eq!(heard(AGENTS, &all.opened().await), none, "in what the master key opens after the agent's erasure");
    all.is_silent(&hidden, "after the agent's erasure").await;
    all.site.stop().await;
}

#[tokio::test]
async fn nothing_personal_and_no_secret_comes_out_and_the_log_is_text() {
    nothing_comes_out(LogFormat::Text).await;
}

#[tokio::test]
async fn nothing_personal_and_no_secret_comes_out_and_the_log_is_json() {
    nothing_comes_out(LogFormat::Json).await;
}

/// What is written in clear would be found: on the disk, in the log of the database, in a backup, in the log.
#[tokio::test]
async fn a_canary_in_clear_is_heard() {
    const LOOSE: &str = "Feldlerche";
    let all = Canaries::sing(LogFormat::Text).await;
    let (context, scope) = (&all.site.world.context, all.site.world.context.scope());
    assert!(heard(&[LOOSE], &all.places("silence").await).is_empty());
    context.store.people.put_setting(scope, "canary", format!("{}{LOOSE}", "a tree ".repeat(100))).await.unwrap();
    tracing::error!("a canary: {LOOSE}");
    let heard = heard(&[LOOSE], &all.places("song").await).join("\n");
    let named = all.kept.places_of_a_setting().into_iter().chain(["setting.value", "the log"].map(str::to_owned));
    for place in named {
        let said = format!("{LOOSE} in {place}");
        assert!(heard.lines().any(|line| line.starts_with(&said)), "in {place}:\n{heard}");
    }
    all.site.stop().await;
}

/// An older backup, put back: what was erased since is erased again, whatever it is.
#[tokio::test]
async fn an_older_backup_is_erased_again() {
    let all = Canaries::sing(LogFormat::Text).await;
    let old = all.backup("older").await;
    let (context, scope) = (&all.site.world.context, all.site.world.context.scope());
    erasure::erase_customer(context, &Caller::trusted(scope), all.shipment, WHY.into()).await.unwrap();
    let config = server::config::Config::clone(&all.site.world.config);
    let Canaries { folder, log, metrics, site, kept, shipment, other, secrets } = all;
    site.stop().await;
    drop(kept);
    let (kept, store) = Kept::restored(&old).await;
    let world = World::on(store, config).await;
    world.leaves_jobs();
    erasure::reapply(&world.context).await.unwrap();
    let site = Site::again(world).await;
    let restored = Canaries { site, kept, folder, log, metrics, shipment, other, secrets };
    let admin = restored.site.sign_in().await;
    let none: &[String] = &[];
    assert_eq!(heard(PERSON, &restored.pages(&admin).await), none);
    assert_eq!(heard(PERSON, &restored.opened().await), none);
    restored.site.stop().await;
}
