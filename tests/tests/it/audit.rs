//! Writing into the database, its backups or the files beside it does not go unnoticed: lines of the audit trail that
//! are changed, removed, reordered or made anew, backups and their manifests, lists of erasures. On SQLite; on PostgreSQL with
//! MILEPOST_TEST_ENGINE=postgres.

use anyhow::{Context, Result, ensure};
use domain::{
    fold::Plan,
    ids::{CorrelationId, ShipmentId, SubjectId, content_id},
};
use std::{
    future::Future,
    path::{Path, PathBuf},
};
use storage::{
    AuditKey, Scope, Store,
    audit::Line,
    jobs::Cause,
    orders::{ImportedShipment, Origin, OriginStanding, Transfer},
};
use tests::{
    Installation,
    chaos::engine::{Database, Engine},
    skipped, until,
};

/// What a reason must not be found as.
const REASON: &str = "Jane Doe of 12 Canary Street asked";

/// An installation with a trail of some lines, and its database, as somebody who has the file or the password sees it.
struct Ground {
    installation: Installation,
    database: Database,
    binary: PathBuf,
}

fn surroundings(test: &str) -> Option<(PathBuf, Engine)> {
    let Some(binary) = std::env::var_os("MILEPOST_TEST_BIN") else {
        skipped(test, "MILEPOST_TEST_BIN is not set");
        return None;
    };
    let postgres = std::env::var("MILEPOST_TEST_ENGINE").is_ok_and(|engine| engine == "postgres");
    Some((binary.into(), if postgres { Engine::Postgres } else { Engine::Sqlite }))
}

/// Makes a connection to nothing.
const PUT_ODOO: &[&str] =
    &["connection", "put", "odoo", "--connector", "odoo", "--set", "url=http://127.0.0.1:9", "--set", "database=none"];

impl Ground {
    fn new(test: &str) -> Result<Option<Self>> {
        let Some((binary, engine)) = surroundings(test) else { return Ok(None) };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Database::fresh(engine)?;
        let ground = Self { installation: Installation::of(&binary, database.settings())?, database, binary };
        ground.installation.command(PUT_ODOO, Some("a-key-of-the-test"))?;
        for _ in 0..3 {
            ground.installation.command(&["connection", "pause", "odoo", "--why", REASON], None)?;
            ground.installation.command(&["connection", "resume", "odoo"], None)?;
        }
        Ok(Some(ground))
    }

    /// Another machine, which has this one's master key and nothing else.
    fn elsewhere(&self) -> Result<Self> {
        let database = Database::fresh(match self.database {
            Database::File => Engine::Sqlite,
            Database::Server(_) => Engine::Postgres,
        })?;
        let mut settings = database.settings();
        settings.push(("MILEPOST_MASTER_KEY_FILE", self.installation.master_key_file().display().to_string()));
        Ok(Self { installation: Installation::of(&self.binary, settings)?, database, binary: self.binary.clone() })
    }

    fn sql(&self, sql: &str) -> Result<()> {
        match &self.database {
            Database::File => {
                let file = rusqlite::Connection::open(self.installation.data().join("milepost.sqlite"))?;
                Ok(file.execute_batch(sql)?)
            }
            Database::Server(server) => server.ask(sql).map(drop),
        }
    }

    /// The trail can be changed from now on, and put back.
    fn unlock(&self) -> Result<()> {
        self.sql(match self.database {
            Database::File => "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete",
            Database::Server(_) => "ALTER TABLE audit DISABLE TRIGGER USER",
        })?;
        self.sql("CREATE TABLE audit_kept AS SELECT * FROM audit")
    }

    fn put_back(&self) -> Result<()> {
        self.sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM audit_kept")
    }

    fn check(&self) -> Result<String> {
        self.installation.command(&["audit", "check"], None)
    }

    /// The check says that something is wrong, in these words.
    fn refused(&self, attack: &str, words: &str) -> Result<()> {
        let said = self.check().err().with_context(|| format!("{attack} goes unnoticed"))?.to_string();
        ensure!(said.contains(words), "{attack}: {said}");
        let said = self
            .installation
            .command(&["doctor"], None)
            .err()
            .with_context(|| format!("{attack}: doctor"))?
            .to_string();
        ensure!(said.contains(words), "{attack}: doctor says {said}");
        Ok(())
    }

    fn anchor(&self) -> PathBuf {
        self.installation.data().join("audit.anchor")
    }

    fn list(&self) -> PathBuf {
        self.installation.data().join("tombstones")
    }

    /// An installation of the version before the chain, with three lines.
    async fn of_before_the_chain(&self) -> Result<()> {
        self.installation.command(&["migrate"], None)?;
        let (store, scope) = self.open().await?;
        drop(store);
        let (company, blob) = match self.database {
            Database::File => (format!("X'{}'", scope.company.0.simple()), "BLOB"),
            Database::Server(_) => (format!("'{}'", scope.company.0), "BYTEA"),
        };
        for seq in 1..=3 {
            self.sql(&format!(
                r#"INSERT INTO audit (company_id, seq, at, actor, action, subject) VALUES ({company}, {seq}, {seq}, '{{"kind":"system"}}', 'old', 'it')"#
            ))?;
        }
        for column in ["mac", "why_bytes", "why_subject"] {
            self.sql(&format!("ALTER TABLE audit DROP COLUMN {column}"))?;
        }
        for column in ["why TEXT".to_owned(), format!("previous {blob}"), format!("hash {blob}")] {
            self.sql(&format!("ALTER TABLE audit ADD COLUMN {column}"))?;
        }
        self.sql("DELETE FROM _sqlx_migrations WHERE version = 34")
    }

    async fn open(&self) -> Result<(Store, Scope)> {
        self.database.open(self.installation.data()).await
    }

    async fn lines(&self) -> Result<Vec<Line>> {
        let (store, scope) = self.open().await?;
        Ok(store.people.audit_lines(scope, None, 500).await?)
    }

    /// A shipment with a customer.
    async fn customer(&self, record: i64) -> Result<SubjectId> {
        aside(self.customer_made(record))
    }

    async fn customer_made(&self, record: i64) -> Result<SubjectId> {
        let (store, scope) = self.open().await?;
        let subject = SubjectId(content_id("customer of the test", &[&record.to_be_bytes()]));
        let (key, wrapped) = self.installation.vault()?.new_key(subject);
        let customer = serde_json::json!({"name": "Jane Doe", "street": "12 Canary Street"});
        let origin = Origin {
            system: "odoo".into(),
            model: "stock.picking".into(),
            record,
            name: format!("WH/OUT/{record:05}"),
            order: None,
            order_record: None,
            customer_record: None,
            value: None,
            segments: std::collections::BTreeSet::new(),
            company: None,
            url: None,
            transfer: Transfer::default(),
        };
        let imported = ImportedShipment {
            id: ShipmentId(content_id("shipment of the test", &[&record.to_be_bytes()])),
            origin,
            digest: "1".into(),
            claims: Vec::new(),
            plan: Plan::default(),
            standing: OriginStanding::Open,
            destination: None,
            customer: Some(key.seal(application::odoo::CUSTOMER, customer.to_string().as_bytes())),
            key: Some(wrapped),
            tokens: Vec::new(),
            correlation: CorrelationId(content_id("correlation", &[])),
            cause: Cause::Import,
            kept: std::collections::BTreeSet::new(),
        };
        store.shipments.import(scope, vec![imported], "2026-03-01T00:00:00Z".parse()?).await?;
        Ok(subject)
    }

    fn erase(&self, record: i64) -> Result<()> {
        self.installation.command(&["erase", &format!("WH/OUT/{record:05}"), "--why", REASON], None).map(drop)
    }

    async fn is_erased(&self, subject: SubjectId) -> Result<bool> {
        aside(async {
            let (store, scope) = self.open().await?;
            Ok(store.people.key(scope, subject).await?.is_none())
        })
    }

    /// A backup; the names of two of the same second would be one.
    fn backup(&self, folder: &str) -> Result<PathBuf> {
        let folder = self.installation.data().join(folder);
        self.installation.command(&["backup", "--to", &folder.display().to_string()], None)?;
        let copies = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
        let is_copy = |path: &PathBuf| path.extension().is_some_and(|end| end == "sqlite" || end == "pgdump");
        copies.into_iter().find(is_copy).context("a copy")
    }

    fn restore(&self, copy: &Path, options: &[&str]) -> Result<String> {
        if let Database::Server(_) = self.database {
            // our own connections, which count as servers
            self.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )?;
        }
        let copy = copy.display().to_string();
        self.installation.command(&[&["restore", copy.as_str()], options].concat(), None)
    }

    fn restore_refused(&self, copy: &Path, options: &[&str], words: &str) -> Result<()> {
        let said = self.restore(copy, options).err().with_context(|| format!("not refused: {words}"))?.to_string();
        ensure!(said.contains(words), "{words}: {said}");
        Ok(())
    }
}

/// In a runtime of its own, which leaves no connection behind.
fn aside<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let done = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work);
    std::thread::scope(|threads| threads.spawn(done).join()).expect("no panic")
}

fn beside(copy: &Path) -> PathBuf {
    format!("{}.json", copy.display()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The chain computed by somebody who knows how, and has another key or none.
fn computed(lines: &[Line], key: &AuditKey, engine: &Database) -> String {
    let mut previous = Vec::new();
    let mut sql = Vec::new();
    for line in lines {
        previous = line.mac_behind(&previous, key).to_vec();
        let mac = match engine {
            Database::File => format!("X'{}'", hex(&previous)),
            Database::Server(_) => format!("decode('{}', 'hex')", hex(&previous)),
        };
        sql.push(format!("UPDATE audit SET subject = '{}', mac = {mac} WHERE seq = {}", line.subject, line.seq));
    }
    sql.join("; ")
}

#[tokio::test]
async fn a_trail_that_was_tampered_with_is_noticed() -> Result<()> {
    let Some(ground) = Ground::new("audit")? else { return Ok(()) };
    let said = ground.check()?;
    ensure!(said.contains("the chain holds, 7 lines"), "{said}");
    let dump = format!("{:?}", ground.lines().await?);
    ensure!(!dump.contains(REASON) && !dump.contains(&format!("{:?}", REASON.as_bytes())), "the reason is in clear");
    ground.unlock()?;
    let copy = "company_id, at, actor, action, subject, before_subject, before_bytes, after_subject, after_bytes, why_subject, why_bytes, mac";
    let swap = "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 99";
    let more = |seq: i64| format!("INSERT INTO audit (seq, {copy}) SELECT {seq}, {copy} FROM audit WHERE seq = 7");
    let attacks: Vec<(&str, String, &str)> = vec![
        ("an edited action", "UPDATE audit SET action = 'x' WHERE seq = 3".into(), "line 3 does not follow"),
        ("an edited actor", r#"UPDATE audit SET actor = '{"kind":"system"}' WHERE seq = 4"#.into(), "line 4 does not follow"),
        ("an edited subject", "UPDATE audit SET subject = 'x' WHERE seq = 1".into(), "line 1 does not follow"),
        ("an edited time", "UPDATE audit SET at = at + 1 WHERE seq = 7".into(), "line 7 does not follow"),
        ("a cleared reason", "UPDATE audit SET why_bytes = NULL WHERE seq = 2".into(), "line 2 does not follow"),
        ("an exchanged reason", "UPDATE audit SET why_bytes = (SELECT why_bytes FROM audit WHERE seq = 4) WHERE seq = 2".into(), "line 2 does not follow"),
        ("an edited value", "UPDATE audit SET after_bytes = why_bytes, after_subject = why_subject WHERE seq = 2".into(), "line 2 does not follow"),
        ("no MAC", "UPDATE audit SET mac = NULL WHERE seq = 5".into(), "line 5 does not follow"),
        ("no MAC on the first lines", "UPDATE audit SET mac = NULL WHERE seq < 5".into(), "line 5 does not follow"),
        ("no MACs at all", "UPDATE audit SET mac = NULL".into(), "none of the 7 lines carries a MAC"),
        ("no MACs at all, and begun anew", "UPDATE audit SET mac = NULL; UPDATE audit SET action = 'audit.begun_anew' WHERE seq = 7".into(), "none of the 7 lines carries a MAC"),
        ("a removed line", "DELETE FROM audit WHERE seq = 3".into(), "line 3 does not follow"),
        ("a removed line, and no gap", "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = -seq WHERE seq > 3; UPDATE audit SET seq = -seq - 1 WHERE seq < 0".into(), "line 3 does not follow"),
        ("the first line removed", "DELETE FROM audit WHERE seq = 1".into(), "line 1 does not follow"),
        ("lines in another order", swap.into(), "line 3 does not follow"),
        ("the newest line removed", "DELETE FROM audit WHERE seq = 7".into(), "lines were removed"),
        ("the end removed", "DELETE FROM audit WHERE seq > 2".into(), "lines were removed"),
        ("everything removed", "DELETE FROM audit".into(), "lines were removed"),
        ("a line at the end", more(8), "line 8 does not follow"),
        ("a line before the first", more(0), "line 1 does not follow"),
    ];
    for (attack, sql, words) in &attacks {
        ground.sql(sql).with_context(|| (*attack).to_owned())?;
        ground.refused(attack, words)?;
        ground.put_back()?;
        ground.check().with_context(|| format!("after {attack} was undone"))?;
    }
    // all of it again, with one line changed
    let mut lines = ground.lines().await?;
    lines[1].subject = "destination:desk".into();
    let plain = AuditKey::new(|line| {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, line).as_ref());
        digest
    });
    ground.sql(&computed(&lines, &plain, &ground.database))?;
    ground.refused("a chain computed without the key", "line 1 does not follow")?;
    ground.put_back()?;
    // even by somebody who has the key
    ground.sql(&computed(&lines, &ground.installation.vault()?.audit_key(), &ground.database))?;
    ground.refused("a chain computed with the key", "the trail was written anew")?;
    ground.put_back()?;
    let said = ground.check()?;
    ensure!(said.contains("the chain holds, 7 lines"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_before_the_chain_are_kept_and_covered_by_its_first() -> Result<()> {
    let Some((binary, engine)) = surroundings("audit of earlier versions") else { return Ok(()) };
    let database = Database::fresh(engine)?;
    let mut ground = Ground { installation: Installation::of(&binary, database.settings())?, database, binary };
    ground.of_before_the_chain().await?;
    ground.installation.command(&["migrate"], None)?;
    ground.installation.command(PUT_ODOO, Some("a-key-of-the-test"))?;
    ground.refused("no server has begun the anchor", "is missing")?;
    ground.installation.start().await?;
    ground.check()?;
    let listed = ground.installation.command(&["audit", "list"], None)?;
    let actions: Vec<_> = listed.lines().rev().filter_map(|line| line.split('\t').nth(3)).collect();
    ensure!(actions == ["old", "old", "old", "audit.begun_anew", "connection.put", "audit.anchor_begun"], "{listed}");
    ground.installation.kill()?;
    ground.unlock()?;
    ground.sql("UPDATE audit SET action = 'other' WHERE seq = 2")?;
    ground.refused("an edited line of before the chain", "line 4 does not follow")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trail_of_before_the_chain_begins_where_it_is_taken_over_or_put_in_place() -> Result<()> {
    let Some((binary, engine)) = surroundings("audit of earlier versions elsewhere") else { return Ok(()) };
    let database = Database::fresh(engine)?;
    let mut ground = Ground { installation: Installation::of(&binary, database.settings())?, database, binary };
    ground.of_before_the_chain().await?;
    // where another trail was anchored
    let other = Ground::new("audit of another")?.context("surroundings")?;
    std::fs::copy(other.anchor(), ground.anchor())?;
    ground.installation.start().await?;
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(listed.contains("audit.begun_anew"), "{listed}");
    ground.refused("the anchor of another", "was changed, or is of another installation")?;
    ground.installation.command(&["audit", "accept", "--why", "an earlier version was put in place"], None)?;
    ground.check()?;
    ground.installation.kill()?;

    if let Database::Server(_) = ground.database {
        let file = Database::fresh(Engine::Sqlite)?;
        let old = Ground {
            installation: Installation::of(&ground.binary, file.settings())?,
            database: file,
            binary: ground.binary,
        };
        old.of_before_the_chain().await?;
        let server = Database::fresh(engine)?;
        let mut settings = server.settings();
        settings.push(("MILEPOST_MASTER_KEY_FILE", old.installation.master_key_file().display().to_string()));
        let file = old.installation.data().join("milepost.sqlite").display().to_string();
        let said = Installation::of(&old.binary, settings)?.command(&["migrate", "--from-sqlite", &file], None)?;
        ensure!(said.contains("4  lines of the audit trail, the chain holds"), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_vouches_for_lines_whose_macs_were_removed() -> Result<()> {
    let Some(mut ground) = Ground::new("removed MACs")? else { return Ok(()) };
    ground.unlock()?;
    ground.sql("UPDATE audit SET subject = 'destination:desk', mac = NULL")?;
    // a node, or a machine with an empty folder, that has never seen the trail
    std::fs::remove_file(ground.anchor())?;
    ground.refused("removed MACs", "none of the 7 lines carries a MAC")?;
    ground.installation.start().await?;
    until("the notice", || async { Ok(ground.installation.log().contains("none of the 7 lines").then_some(())) })
        .await?;
    ground.installation.command(&["connection", "pause", "odoo", "--why", REASON], None)?;
    ground.installation.command(&["migrate"], None).ok();
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(!listed.contains("begun"), "{listed}");
    ensure!(!ground.anchor().exists(), "it is anchored as if nothing had happened");
    ground.refused("removed MACs under a new line", "line 8 does not follow")?;
    ground.installation.command(&["audit", "accept", "--why", "no backup has them"], None)?;
    ground.check()?;
    ground.sql("UPDATE audit SET subject = 'destination:odoo' WHERE seq = 3")?;
    ground.refused("a line that was changed after it was accepted", "does not follow")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trail_that_is_broken_can_be_accepted_as_it_is() -> Result<()> {
    let Some(ground) = Ground::new("accepted trail")? else { return Ok(()) };
    ground.unlock()?;
    let more = "INSERT INTO audit (company_id, seq, at, actor, action, subject) SELECT company_id, 0, at, actor, action, subject FROM audit WHERE seq = 1";
    let accepted = ["audit", "accept", "--why", "we know who it was"];
    for (attack, sql) in [
        ("an edited line", "UPDATE audit SET action = 'x' WHERE seq = 3"),
        ("a removed line", "DELETE FROM audit WHERE seq = 5"),
        ("no MAC", "UPDATE audit SET mac = NULL WHERE seq = (SELECT max(seq) FROM audit)"),
        ("a line before the first", more),
        (
            "the line that was accepted last, edited",
            "UPDATE audit SET subject = 'x' WHERE seq = (SELECT max(seq) FROM audit)",
        ),
        ("a line that looks accepted", "UPDATE audit SET action = 'audit.accepted' WHERE seq = 7"),
    ] {
        ground.sql(sql).with_context(|| attack.to_owned())?;
        ensure!(ground.check().is_err(), "{attack} goes unnoticed");
        ground.installation.command(&accepted, None).with_context(|| attack.to_owned())?;
        ground.check().with_context(|| format!("{attack}, accepted"))?;
        ground.installation.command(&["connection", "resume", "odoo"], None)?;
        ground.check().with_context(|| format!("{attack}, accepted, and it goes on"))?;
    }
    // a copy that was made while it was broken
    ground.sql("UPDATE audit SET subject = 'y' WHERE seq = 2")?;
    let copy = ground.backup("broken")?;
    ground.installation.command(&accepted, None)?;
    ground.restore_refused(&copy, &["--replace"], "does not follow")?;
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(listed.lines().next().is_some_and(|line| line.contains("backup.restored")), "{listed}");
    ground.installation.command(&accepted, None)?;
    ground.check().map(drop)
}

#[tokio::test]
async fn every_command_anchors_what_it_wrote_and_is_done_whatever_the_anchor_is() -> Result<()> {
    let Some(ground) = Ground::new("commands and the anchor")? else { return Ok(()) };
    let kept = std::fs::read_to_string(ground.anchor())?;
    let password = Some("a-long-password-of-the-test");
    ground.installation.command(&["user", "add", "jane", "--name", "Jane", "--role", "admin"], password)?;
    let added = std::fs::read_to_string(ground.anchor())?;
    ensure!(added != kept, "the user is not anchored");
    // a folder in its place can be neither read nor written
    std::fs::remove_file(ground.anchor())?;
    std::fs::create_dir(ground.anchor())?;
    ground.installation.command(&["connection", "pause", "odoo", "--why", REASON], None)?;
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(listed.lines().next().is_some_and(|line| line.contains("destination.pause")), "{listed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_anchors_within_seconds_and_notices_a_cut_at_its_start() -> Result<()> {
    let Some(mut ground) = Ground::new("audit of a server")? else { return Ok(()) };
    let anchored = |ground: &Ground| std::fs::read_to_string(ground.anchor());
    ground.installation.start().await?;
    let before = anchored(&ground)?;
    // as a server's page does, and not as a command: nobody but the server anchors it
    let (store, scope) = ground.open().await?;
    let line = storage::AuditEntry::new(
        ground.installation.vault()?.audit_key(),
        "2026-03-01T00:00:00Z".parse()?,
        "test",
        "it",
    );
    store.people.audit(scope, line).await?;
    drop(store);
    until("the line to be anchored", || async { Ok((anchored(&ground)? != before).then_some(())) }).await?;
    ground.check()?;
    ground.installation.kill()?;
    ground.unlock()?;
    ground.sql("DELETE FROM audit WHERE seq >= 6")?;
    let kept = anchored(&ground)?;
    ground.installation.start().await?;
    until("the notice", || async { Ok(ground.installation.log().contains("lines were removed").then_some(())) })
        .await?;
    // more lines do not hide it, and the anchor stays
    for _ in 0..3 {
        ground.installation.command(&["connection", "pause", "odoo", "--why", REASON], None)?;
        ground.installation.command(&["connection", "resume", "odoo"], None)?;
    }
    ground.refused("a cut tail that grew again", "the trail was written anew")?;
    ensure!(anchored(&ground)? == kept, "the anchor moved");
    ground.installation.command(&["audit", "accept", "--why", "we know who it was"], None)?;
    let said = ground.check()?;
    ensure!(said.contains("(audit.accepted)"), "{said}");
    let exported = ground.installation.command(&["audit", "export"], None)?;
    let last: serde_json::Value = serde_json::from_str(exported.lines().last().context("lines")?)?;
    ensure!(last["why"] == "we know who it was" && last["after"]["found"][0].is_string(), "{last}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchor_that_was_changed_replaced_or_removed_is_noticed() -> Result<()> {
    let Some(mut ground) = Ground::new("anchor")? else { return Ok(()) };
    let kept = std::fs::read_to_string(ground.anchor())?;
    let earlier: serde_json::Value = serde_json::from_str(&kept)?;
    let mut lowered = earlier.clone();
    lowered["anchor"]["head"]["line"] = 3.into();
    let mut cleared = earlier.clone();
    cleared["anchor"]["head"]["line"] = 0.into();
    cleared["anchor"]["head"]["mac"] = "".into();
    let other = Ground::new("anchor of another")?.context("surroundings")?;
    let attacks = [
        ("lowered", lowered.to_string()),
        ("cleared", cleared.to_string()),
        ("emptied", String::new()),
        ("no JSON", "{".into()),
        ("of another installation", std::fs::read_to_string(other.anchor())?),
    ];
    for (attack, text) in attacks {
        std::fs::write(ground.anchor(), &text)?;
        ground.refused(attack, "was changed, or is of another installation")?;
        // and stays as it is, as evidence
        ground.installation.command(&["connection", "resume", "odoo"], None)?;
        ensure!(std::fs::read_to_string(ground.anchor())? == text, "{attack}: written over");
    }
    std::fs::remove_file(ground.anchor())?;
    ground.refused("removed", "is missing")?;
    ground.installation.start().await?;
    until("the notice", || async {
        Ok(ground.installation.log().contains("a new anchor starts at the newest line").then_some(()))
    })
    .await?;
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(listed.contains("audit.anchor_begun"), "{listed}");
    ground.check()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_backup_or_manifest_is_refused() -> Result<()> {
    let Some(mut ground) = Ground::new("edited backup")? else { return Ok(()) };
    let copy = ground.backup("one")?;
    ground.installation.command(&["connection", "pause", "odoo", "--why", REASON], None)?;
    let later = ground.backup("two")?;
    let (manifest, bytes) = (std::fs::read_to_string(beside(&copy))?, std::fs::read(&copy)?);
    let mut edited = bytes.clone();
    let middle = edited.len() / 2;
    edited[middle] ^= 1;
    std::fs::write(&copy, &edited)?;
    ground.restore_refused(&copy, &["--replace"], "not what was written")?;
    // with a manifest that fits it
    let digest = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    std::fs::write(beside(&copy), manifest.replace(&digest(&bytes), &digest(&edited)))?;
    ground.restore_refused(&copy, &["--replace"], "was changed, or is of an installation with another master key")?;
    std::fs::write(&copy, &bytes)?;
    let json: serde_json::Value = serde_json::from_str(&manifest)?;
    for (field, value) in [
        ("made_at", serde_json::json!("2020-01-01T00:00:00Z")),
        ("version", serde_json::json!("9.9.9")),
        ("erasures", serde_json::json!({"lines": 7, "tag": "x"})),
        ("mac", serde_json::json!("")),
        ("mac", serde_json::Value::Null),
    ] {
        let mut changed = json.clone();
        changed[field] = value;
        std::fs::write(beside(&copy), changed.to_string())?;
        ground.restore(&copy, &["--replace"]).err().with_context(|| format!("{field} was changed"))?;
    }
    let mut without = json.clone();
    without.as_object_mut().context("an object")?.remove("mac");
    std::fs::write(beside(&copy), without.to_string())?;
    ground.restore_refused(&copy, &["--replace"], "carries no MAC: it was changed")?;
    // as one of before there was either
    without.as_object_mut().context("an object")?.remove("erasures");
    std::fs::write(beside(&copy), without.to_string())?;
    ground.restore_refused(&copy, &["--replace"], "of a version that made none")?;
    // that of another copy
    std::fs::copy(beside(&later), beside(&copy))?;
    ground.restore_refused(&copy, &["--replace"], "not what was written")?;
    std::fs::write(beside(&copy), &manifest)?;
    // of another installation
    let other = Ground::new("edited backup of another")?.context("surroundings")?;
    other.restore_refused(&copy, &["--replace"], "another master key")?;

    // as it was: restored, and what came since stays visible
    let said = ground.restore(&copy, &["--replace"])?;
    ensure!(said.contains("The audit trail holds"), "{said}");
    let said = ground.check()?;
    ensure!(said.contains("line 8 was the newest") && said.contains("(backup.restored)"), "{said}");
    let listed = ground.installation.command(&["audit", "list"], None)?;
    ensure!(listed.lines().next().is_some_and(|line| line.contains("backup.restored")), "{listed}");
    ground.installation.start().await?;
    ground.check()?;
    ensure!(!ground.installation.log().contains("audit trail:"), "{}", ground.installation.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_without_the_newest_list_of_erasures_is_refused() -> Result<()> {
    let Some(ground) = Ground::new("list of erasures")? else { return Ok(()) };
    let [first, second] = [ground.customer(1).await?, ground.customer(2).await?];
    let never = ground.backup("never")?;
    ground.elsewhere()?.restore(&never, &[])?;
    ground.erase(1)?;
    let once = ground.backup("once")?;
    let list_of_one = std::fs::read_to_string(ground.list())?;
    ground.erase(2)?;
    let list_of_two = std::fs::read_to_string(ground.list())?;
    let second_line = list_of_two.strip_prefix(&list_of_one).context("a second line")?;
    ensure!(ground.is_erased(first).await? && ground.is_erased(second).await?);

    // the database here knows of both, the copy of one
    let lists = [
        ("missing", None),
        ("emptied", Some(String::new())),
        ("older", Some(list_of_one.clone())),
        ("its first line gone", Some(second_line.to_owned())),
        ("its second line gone", Some(format!("{list_of_one}{list_of_one}"))),
    ];
    for (list, text) in &lists {
        match text {
            None => std::fs::remove_file(ground.list())?,
            Some(text) => std::fs::write(ground.list(), text)?,
        }
        for copy in [&never, &once] {
            ground.restore_refused(copy, &["--replace"], "the list of erasures").with_context(|| (*list).to_owned())?;
        }
        // nor does an erasure begin another list
        ensure!(ground.erase(1).is_err(), "{list}");
        ensure!(ground.installation.command(&["doctor"], None).is_err(), "{list}");
    }
    // another machine has no list
    let elsewhere = ground.elsewhere()?;
    elsewhere.restore_refused(&once, &[], "--without-erasures")?;
    std::fs::write(elsewhere.list(), &list_of_one)?;
    elsewhere.restore(&once, &[])?;
    ensure!(elsewhere.is_erased(first).await?);

    // given otherwise
    std::fs::remove_file(ground.list())?;
    let said = ground.restore(&never, &["--replace", "--without-erasures"])?;
    ensure!(said.contains("Without all erasures"), "{said}");
    ensure!(!ground.is_erased(first).await?);
    ground.installation.command(&["audit", "check"], None)?;
    // the newest list
    std::fs::write(ground.list(), &list_of_two)?;
    ground.restore(&never, &["--replace"])?;
    ensure!(ground.is_erased(first).await? && ground.is_erased(second).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_start_with_a_list_that_was_cut() -> Result<()> {
    let Some(mut ground) = Ground::new("list at the start")? else { return Ok(()) };
    ground.customer(1).await?;
    ground.customer(2).await?;
    ground.erase(1)?;
    let older = std::fs::read_to_string(ground.list())?;
    ground.erase(2)?;
    let newest = std::fs::read_to_string(ground.list())?;
    std::fs::write(ground.list(), &older)?;
    ground.installation.spawn()?;
    until("the refusal", || async {
        Ok(ground.installation.log().contains("it is an older copy, was cut").then_some(()))
    })
    .await?;
    std::fs::write(ground.list(), newest)?;
    ground.installation.start().await?;
    Ok(())
}
