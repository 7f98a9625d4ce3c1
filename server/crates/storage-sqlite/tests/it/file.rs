//! What is SQLite's own: the lock of the file, tampering, reopening, migrations on data, and a process that is killed.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use domain::ids::{CompanyId, MessageId, SourceId, SubjectId, content_id};
use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use storage::{
    Actor, AuditEntry, AuditKey, Scope, Sealed, Store, StoreError, WrappedKey,
    chain::ChainCheck,
    connections::ConnectionRecord,
    inbox::{MessageSelection, NewMessage},
    jobs::{Cause, ClaimRequest, JobKind, Lane, NewJob, Wanted},
};
use storage_sqlite::{Options, SqliteStore};
use uuid::Uuid;

/// A directory that goes with its test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("milepost-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("milepost.sqlite")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Opens again, once the writer of the store before has ended.
async fn reopen(path: &Path) -> Store {
    for _ in 0..500 {
        match SqliteStore::open(path, Options::server()).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{} stays locked", path.display());
}

fn morning() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

async fn scope(store: &Store) -> Scope {
    let company = store.people.company(CompanyId(Uuid::from_u128(1)), "Acme", morning()).await.unwrap();
    Scope { company, actor: Actor::System }
}

/// A key that is none, but of which every byte counts.
fn audit_key() -> AuditKey {
    AuditKey::new(|line| {
        let mut mac = [7_u8; 32];
        for (n, byte) in line.iter().enumerate() {
            mac[n % 32] = mac[n % 32].rotate_left(3) ^ byte ^ mac[(n + 31) % 32];
        }
        mac
    })
}

fn audit(subject: &str) -> AuditEntry {
    AuditEntry::new(audit_key(), morning(), "test", subject)
}

#[tokio::test]
async fn a_second_server_is_refused_and_a_tool_is_not() {
    let directory = Directory::new("lock");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let Err(StoreError::Unavailable(why)) = SqliteStore::open(&directory.file(), Options::server()).await else {
        panic!("opened twice")
    };
    assert!(why.contains("another server") && why.contains("stop that one first"), "{why}");
    let tool = SqliteStore::open(&directory.file(), Options::tool()).await.unwrap();
    let scope = scope(&tool).await;
    tool.people.put_setting(scope, "by", "the tool".into()).await.unwrap();
    assert_eq!(store.people.setting(scope, "by").await.unwrap().as_deref(), Some("the tool"));
    drop((store, tool));
    assert_eq!(reopen(&directory.file()).await.people.setting(scope, "by").await.unwrap().as_deref(), Some("the tool"));
}

#[tokio::test]
async fn while_another_process_holds_the_file_everybody_is_told_after_one_wait_and_then_all_goes_on() {
    let directory = Directory::new("held");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let scope = scope(&store).await;
    let options = SqliteConnectOptions::new().filename(directory.file());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..20 {
        let store = store.clone();
        waiting.spawn(async move { store.people.put_setting(scope, &format!("held {n}"), "x".into()).await });
    }
    // one wait for the file is 10 s; twenty of them would be more than three minutes
    let replies = tokio::time::timeout(Duration::from_secs(25), waiting.join_all()).await.unwrap();
    assert!(replies.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{replies:?}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    store.people.put_setting(scope, "held 0", "after".into()).await.unwrap();
    assert_eq!(store.people.setting(scope, "held 0").await.unwrap().as_deref(), Some("after"));
}

#[tokio::test]
async fn a_log_that_somebody_reads_is_cut_off_when_nobody_does() {
    let directory = Directory::new("settled");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let scope = scope(&store).await;
    let options = SqliteConnectOptions::new().filename(directory.file());
    let mut reader = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    sqlx::query("SELECT count(*) FROM setting").fetch_all(&mut reader).await.unwrap();
    store.people.put_setting(scope, "name", "value".into()).await.unwrap();
    assert!(!store.erasure.settle().await.unwrap());
    sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
    assert!(store.erasure.settle().await.unwrap());
}

#[tokio::test]
async fn a_tampered_audit_line_is_found() {
    let directory = Directory::new("audit");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let scope = scope(&store).await;
    for n in 0..5 {
        store.people.audit(scope, audit(&format!("thing:{n}"))).await.unwrap();
    }
    let mut direct =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(directory.file())).await.unwrap();
    for refused in ["UPDATE audit SET action = 'x'", "DELETE FROM audit"] {
        let error = sqlx::query(refused).execute(&mut direct).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert_eq!(storage::chain::check(&*store.people, scope, &audit_key()).await.unwrap(), ChainCheck::Sound(5));
    sqlx::raw_sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; UPDATE audit SET subject = 'thing:9' WHERE seq = 3").execute(&mut direct).await.unwrap();
    assert_eq!(storage::chain::check(&*store.people, scope, &audit_key()).await.unwrap(), ChainCheck::Broken(3));
    sqlx::raw_sql("UPDATE audit SET subject = 'thing:2' WHERE seq = 3").execute(&mut direct).await.unwrap();
    assert_eq!(storage::chain::check(&*store.people, scope, &audit_key()).await.unwrap(), ChainCheck::Sound(5));
    sqlx::raw_sql("DELETE FROM audit WHERE seq = 2").execute(&mut direct).await.unwrap();
    assert_eq!(storage::chain::check(&*store.people, scope, &audit_key()).await.unwrap(), ChainCheck::Broken(2));
}

#[tokio::test]
async fn figures_that_were_falsified_are_made_anew() {
    let directory = Directory::new("figures");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let mut direct =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(directory.file())).await.unwrap();
    let falsify = async |sql| _ = sqlx::query(sql).execute(&mut direct).await.unwrap();
    storage::conformance::rollups::what_was_falsified_is_made_anew(store, falsify).await;
}

#[tokio::test]
async fn what_is_immutable_refuses_changes() {
    let directory = Directory::new("immutable");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let world = storage::conformance::World::new(store).await;
    let source = world.source("shop").await;
    world.say(source, storage::conformance::Said::of("NUM1", &["A"], 1)).await;
    world.import(world.order(1, &["NUM1"]), 2).await;
    let mut direct =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(directory.file())).await.unwrap();
    for (sql, why) in [
        ("UPDATE observation SET body = '{}'", "immutable"),
        ("UPDATE reading SET body = '{}'", "immutable"),
        ("UPDATE binding SET piece = 'x'", "append-only"),
        ("UPDATE binding_end SET recorded_at = 0", "append-only"),
    ] {
        let error = sqlx::query(sql).execute(&mut direct).await.unwrap_err();
        assert!(error.to_string().contains(why), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_destroyed_key_is_not_left_in_the_file() {
    let directory = Directory::new("erase");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let scope = scope(&store).await;
    let subject = SubjectId(Uuid::from_u128(5));
    let secret = b"0123456789-wrapped-key-of-a-person";
    store.people.put_key(scope, WrappedKey { subject, bytes: secret.to_vec() }, morning()).await.unwrap();
    store.people.destroy_key(scope, subject, audit("key")).await.unwrap();
    drop(store);
    // the last connection to close writes the log back and removes it
    drop(reopen(&directory.file()).await);
    drop(reopen(&directory.file()).await);
    let file = std::fs::read(directory.file()).unwrap();
    assert!(!file.windows(secret.len()).any(|w| w == secret));
}

#[tokio::test]
async fn a_copy_is_found_and_checked_whatever_its_folder_is_called() {
    let directory = Directory::new("100%25 #1 sure?");
    let store = SqliteStore::open(&directory.file(), Options::server()).await.unwrap();
    let scope = scope(&store).await;
    store.people.put_setting(scope, "kept", "in the copy".into()).await.unwrap();
    let copy = directory.0.join("copy?.sqlite");
    storage_sqlite::backup::copy(&directory.file(), &copy).await.unwrap();
    storage_sqlite::backup::check(&copy).await.unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&copy, bytes).unwrap();
    let cut = storage_sqlite::backup::check(&copy).await;
    assert!(matches!(cut, Err(StoreError::Damaged(_))), "{cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_told_to_come_back_and_batch_work_still_moves() {
    let world = std::sync::Arc::new(storage::conformance::World::new(SqliteStore::temporary().await.unwrap()).await);
    let source = world.source("shop").await;
    let mut offers = tokio::task::JoinSet::new();
    for n in 0..20_000_u32 {
        let world = std::sync::Arc::clone(&world);
        offers.spawn(async move {
            let message = world.message(source, &n.to_string(), 1);
            let job = world.job(JobKind::NORMALISE, message.id, 1);
            world.store.inbox.accept(world.scope, message, job).await
        });
    }
    let swept = tokio::time::timeout(Duration::from_secs(30), world.store.people.sweep(morning())).await;
    assert!(matches!(swept, Ok(Ok(0))));
    let answers = offers.join_all().await;
    let (kept, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(refused.iter().all(|answer| matches!(answer, Err(StoreError::Busy))), "only ever busy");
    let due = world.store.jobs.summary(world.scope, morning()).await.unwrap();
    assert_eq!(due[0].pending, kept.len() as u64, "every acknowledged one has its job, and no other");
}

/// Set in the child: the file that it writes to.
const CHILD: &str = "MILEPOST_TEST_KILLED_CHILD";

/// Not a test by itself: accepts messages, and says the id of each once it is acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let path = PathBuf::from(path);
    let store = SqliteStore::open(&path, Options::server()).await.unwrap();
    let scope = scope(&store).await;
    let round = store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap().rows.len() as u32;
    let source = SourceId(Uuid::from_u128(2));
    let key = WrappedKey { subject: SubjectId(source.0), bytes: vec![1] };
    let secrets = Sealed { subject: key.subject, bytes: vec![1] };
    let record = ConnectionRecord::new(source, "shop", "aftership", secrets, morning());
    store.connections.put(scope, record, Some(key), audit("source")).await.unwrap();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8_u32 {
        let store = store.clone();
        clients.spawn(async move {
            for n in 0..u32::MAX {
                let id = MessageId(content_id(
                    "test message",
                    &[&std::process::id().to_be_bytes(), &round.to_be_bytes(), &client.to_be_bytes(), &n.to_be_bytes()],
                ));
                store.inbox.accept(scope, message(id, source), job(id)).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "kept {id}").unwrap();
                out.flush().unwrap();
            }
        });
    }
    clients.join_all().await;
}

fn message(id: MessageId, source: SourceId) -> NewMessage {
    let subject = SubjectId(id.0);
    NewMessage {
        id,
        source,
        correlation: id.0.into(),
        received_at: morning(),
        digest: id.0,
        headers: "{}".into(),
        content_type: None,
        verified_by: "hmac".into(),
        size: 2000,
        body: Sealed { subject, bytes: vec![7; 2000] },
        key: WrappedKey { subject, bytes: vec![8; 60] },
    }
}

fn job(id: MessageId) -> NewJob {
    NewJob {
        id: content_id("test job", &[id.0.as_bytes()]).into(),
        kind: JobKind::NORMALISE,
        target: id.to_string(),
        destination: None,
        lane: Lane::RealTime,
        cause: Cause::Live,
        run_at: morning(),
        correlation: id.0.into(),
        shipment: None,
    }
}

/// Kills of one run of the test.
const KILLS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_outlives_kill_9() {
    let directory = Directory::new("kill");
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file::killed_child", "--nocapture"])
            .env(CHILD, directory.file())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // each round ends at another number of messages, always with many under way
        let enough = acknowledged.len() + 100 + 37 * round;
        while acknowledged.len() < enough {
            let line = lines.next().expect("the child runs until it is killed").unwrap();
            acknowledged.extend(line.split("kept ").nth(1).map(|id| id.trim().parse::<MessageId>().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // what it had said before it died
        for line in lines.map_while(Result::ok) {
            acknowledged.extend(line.split("kept ").nth(1).and_then(|id| id.trim().parse::<MessageId>().ok()));
        }
    }
    let store = reopen(&directory.file()).await;
    let scope = scope(&store).await;
    for id in &acknowledged {
        assert!(store.inbox.message(scope, *id).await.unwrap().is_some(), "{id} was acknowledged and is gone");
        let (_, body) = store.inbox.message_and_body(scope, *id).await.unwrap().unwrap();
        assert!(body.is_some(), "{id} has no body");
    }
    let mut jobs = std::collections::HashSet::new();
    loop {
        let request = ClaimRequest {
            owner: "test".into(),
            lane: Lane::RealTime,
            wanted: vec![Wanted { kind: JobKind::NORMALISE, destination: None, at_most: 64 }],
            now: morning(),
            until: "2026-03-02T00:00:00Z".parse().unwrap(),
            held: Vec::new(),
        };
        let leased = store.jobs.claim(request).await.unwrap();
        if leased.is_empty() {
            break;
        }
        jobs.extend(leased.into_iter().map(|leased| leased.job.target));
    }
    assert!(acknowledged.iter().all(|id| jobs.contains(&id.to_string())), "each has its job");
    assert!(acknowledged.len() >= KILLS * 100);
}
