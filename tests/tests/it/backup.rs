//! A backup that is made while carriers talk, and what a restore of it brings back. On SQLite; on PostgreSQL with
//! MILEPOST_TEST_ENGINE=postgres.

use anyhow::{Context, Result, ensure};
use domain::ids::{MessageId, SubjectId, content_id};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{AuditEntry, Scope, Store, chain::ChainCheck};
use tests::{
    Installation,
    chaos::engine::{Database, Engine},
    skipped, until,
};

const SECRET: &str = "a-secret-of-the-backup-test";
const CLIENTS: usize = 8;
/// Acknowledged before the backup begins.
const BEFORE: usize = 200;
/// And while it is made or after it.
const AFTER: usize = 400;

fn surroundings() -> Option<(PathBuf, Engine)> {
    let Some(binary) = std::env::var_os("MILEPOST_TEST_BIN") else {
        skipped("backup", "MILEPOST_TEST_BIN is not set");
        return None;
    };
    let postgres = std::env::var("MILEPOST_TEST_ENGINE").is_ok_and(|engine| engine == "postgres");
    Some((binary.into(), if postgres { Engine::Postgres } else { Engine::Sqlite }))
}

/// Carriers that send until they are stopped; what was acknowledged.
struct Talk {
    acknowledged: Arc<Mutex<Vec<MessageId>>>,
    stop: Arc<AtomicBool>,
    clients: tokio::task::JoinSet<Result<()>>,
}

impl Talk {
    fn start(base: &str) -> Self {
        let (acknowledged, stop) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..CLIENTS {
            let (url, kept, stop) = (format!("{base}/ingest/load"), Arc::clone(&acknowledged), Arc::clone(&stop));
            clients.spawn(async move {
                let http = reqwest::Client::new();
                for n in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let body = format!("ISA of client {client}, number {n}: {}", "x".repeat(1500));
                    let answer = http.post(&url).bearer_auth(SECRET).body(body).send().await?;
                    ensure!(answer.status() == 202, "{}", answer.status());
                    let answer: serde_json::Value = answer.json().await?;
                    let id = answer["message"].as_str().and_then(|id| id.parse().ok()).context("an id")?;
                    kept.lock().expect("no panic while held").push(id);
                }
                Ok(())
            });
        }
        Self { acknowledged, stop, clients }
    }

    fn acknowledged(&self) -> Vec<MessageId> {
        self.acknowledged.lock().expect("no panic while held").clone()
    }

    async fn reaches(&self, number: usize) -> Result<()> {
        until("messages to be acknowledged", || async { Ok((self.acknowledged().len() >= number).then_some(())) }).await
    }

    async fn end(mut self) -> Result<Vec<MessageId>> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(self.acknowledged())
    }
}

/// A subject with a key: somebody's data.
async fn subject(store: &Store, scope: Scope, name: &str) -> Result<SubjectId> {
    let subject = SubjectId(content_id("test subject", &[name.as_bytes()]));
    let key = storage::WrappedKey { subject, bytes: vec![7; 60] };
    store.people.put_key(scope, key, "2026-03-01T00:00:00Z".parse()?).await?;
    Ok(subject)
}

fn only_copy(folder: &Path) -> Result<PathBuf> {
    let mut copies: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    copies.retain(|path| path.extension().is_some_and(|ending| ending == "sqlite" || ending == "pgdump"));
    ensure!(copies.len() == 1, "{copies:?}");
    Ok(copies.remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_brings_back_what_was_acknowledged_before_it() -> Result<()> {
    let Some((binary, engine)) = surroundings() else { return Ok(()) };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (old_database, new_database) = (Database::fresh(engine)?, Database::fresh(engine)?);
    let mut old = Installation::of(&binary, old_database.settings())?;
    old.command(&["source", "put", "load", "--connector", "x12_214", "--scheme", "bearer", "--i-know"], Some(SECRET))?;
    old.start().await?;
    let talk = Talk::start(&old.base());
    talk.reaches(BEFORE).await?;

    let (store, scope) = old_database.open(old.data()).await?;
    let erased = subject(&store, scope, "erased after the backup").await?;
    let kept = subject(&store, scope, "kept").await?;
    let before = talk.acknowledged();
    let folder = old.data().join("copies");
    let said = old.command(&["backup", "--to", &folder.display().to_string(), "--keep", "2"], None)?;
    ensure!(said.contains("master key"), "{said}");
    let copy = only_copy(&folder)?;
    talk.reaches(before.len() + AFTER).await?;
    let all = talk.end().await?;

    // erased after the backup: the list, which is in no backup, knows it
    let audit = AuditEntry::new(old.vault()?.audit_key(), "2026-03-02T00:00:00Z".parse()?, "customer.erase", "test");
    store.people.destroy_key(scope, erased, audit).await?;
    drop(store);
    let key = old.data().join("master.key");
    old.kill()?;

    let mut settings = new_database.settings();
    settings.push(("MILEPOST_MASTER_KEY_FILE", key.display().to_string()));
    let mut new = Installation::of(&binary, settings)?;
    let file = copy.display().to_string();
    std::fs::write(copy.with_extension("torn"), std::fs::read(&copy)?.split_last().context("bytes")?.1)?;
    let torn = copy.with_extension("torn");
    std::fs::copy(format!("{file}.json"), format!("{}.json", torn.display()))?;
    let refused = new.command(&["restore", &torn.display().to_string()], None).expect_err("half a copy is refused");
    ensure!(refused.to_string().contains("not what was written"), "{refused}");
    let said = new.command(&["restore", &file], None)?;
    ensure!(said.contains("The audit trail holds"), "{said}");
    let refused = new.command(&["restore", &file], None).expect_err("what is there is not overwritten");
    ensure!(refused.to_string().contains("--replace"), "{refused}");
    new.command(&["restore", &file, "--replace"], None)?;

    let (store, scope) = new_database.open(new.data()).await?;
    for id in &before {
        ensure!(
            store.inbox.message(scope, *id).await?.is_some(),
            "{id} was acknowledged before the backup and is gone"
        );
        let body = store.inbox.message_and_body(scope, *id).await?.and_then(|(_, body)| body);
        ensure!(body.is_some(), "{id} has no body");
    }
    ensure!(all.len() > before.len());
    ensure!(store.people.key(scope, kept).await?.is_some());
    ensure!(
        matches!(storage::chain::check(&*store.people, scope, &new.vault()?.audit_key()).await?, ChainCheck::Sound(n) if n > 0)
    );
    drop(store);
    new.start().await?;
    let talk = Talk::start(&new.base());
    talk.reaches(20).await?;
    talk.end().await?;
    Ok(())
}
