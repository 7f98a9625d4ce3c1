//! Commands that look at connections go by what is kept; the command line counts until something is.

use anyhow::{Context, Result, ensure};
use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};
use tests::{
    Installation,
    chaos::engine::{Database, Engine},
    skipped,
};

/// Nothing listens there.
const KEPT: &str = "http://127.0.0.1:9";
const OF_COMMAND_LINE: &str = "http://127.0.0.1:11";

struct Ground {
    binary: PathBuf,
    installation: Installation,
    _database: Database,
}

impl Ground {
    fn new(test: &str) -> Result<Option<Self>> {
        let Some(binary) = std::env::var_os("MILEPOST_TEST_BIN").map(PathBuf::from) else {
            skipped(test, "MILEPOST_TEST_BIN is not set");
            return Ok(None);
        };
        let postgres = std::env::var("MILEPOST_TEST_ENGINE").is_ok_and(|engine| engine == "postgres");
        let database = Database::fresh(if postgres { Engine::Postgres } else { Engine::Sqlite })?;
        let mut installation = Installation::of(&binary, database.settings())?;
        let key = installation.data().join("odoo.key");
        std::fs::write(&key, "a-key-of-the-test")?;
        std::fs::set_permissions(&key, Permissions::from_mode(0o600))?;
        for (variable, value) in [
            ("MILEPOST_ODOO_URL", OF_COMMAND_LINE.to_owned()),
            ("MILEPOST_ODOO_DATABASE", "none".to_owned()),
            ("MILEPOST_ODOO_KEY_FILE", key.display().to_string()),
        ] {
            installation.set(variable, value);
        }
        Ok(Some(Self { binary, installation, _database: database }))
    }

    /// What a command says that fails, since nothing listens.
    fn says(&self, command: &[&str]) -> Result<String> {
        Ok(self
            .installation
            .command(command, None)
            .err()
            .with_context(|| format!("{command:?} goes well"))?
            .to_string())
    }
}

#[test]
fn commands_go_by_the_connection_that_is_kept() -> Result<()> {
    let Some(ground) = Ground::new("commands_go_by_the_connection_that_is_kept")? else { return Ok(()) };
    let admin_key = ground.installation.data().join("odoo.key").display().to_string();
    let setup = ["odoo", "setup", "--admin-key-file", &admin_key];
    for command in [&["doctor"][..], &["odoo", "check"], &setup] {
        let says = ground.says(command)?;
        ensure!(says.contains("127.0.0.1:11"), "before anything is kept, {command:?}: {says}");
    }
    let odoo = ["connection", "put", "odoo", "--connector", "odoo", "--set", "database=none", "--on", "--set"];
    ground.installation.command(&[&odoo[..], &[&format!("url={KEPT}")]].concat(), Some("another-key"))?;
    for command in [&["doctor"][..], &["odoo", "check"], &setup] {
        let says = ground.says(command)?;
        ensure!(says.contains("127.0.0.1:9") && !says.contains("127.0.0.1:11"), "{command:?}: {says}");
    }
    let says = ground.says(&["doctor"])?;
    ensure!(says.contains("the command line says another url"), "{says}");
    ensure!(says.contains("note  pages: no site folder (--site): pages have no style"), "{says}");
    // one that is not in use is not tested
    ground.installation.command(&["connection", "disable", "odoo"], None)?;
    let says = ground.installation.command(&["doctor"], None).unwrap_or_else(|error| error.to_string());
    ensure!(!says.contains("Cannot reach"), "{says}");
    Ok(())
}

#[test]
fn a_connection_that_is_not_there_is_named_and_the_catalogue_needs_no_installation() -> Result<()> {
    let Some(ground) = Ground::new("a_connection_that_is_not_there_is_named")? else { return Ok(()) };
    for command in [&["show"][..], &["test"], &["resume"], &["enable"], &["rotate", "--retire-old"]] {
        let says = ground.says(&[&["connection"], command, &["odoo-pl"]].concat())?;
        ensure!(says.contains("there is no connection odoo-pl: `milepost connection list`"), "{command:?}: {says}");
    }
    let nowhere = ground.installation.data().join("nothing");
    let templates = Command::new(&ground.binary)
        .args(["connection", "templates", "odoo", "--data"])
        .arg(&nowhere)
        .output()
        .context("templates")?;
    let says = String::from_utf8_lossy(&templates.stdout);
    ensure!(templates.status.success() && says.contains("Odoo (Order system)"), "{templates:?}");
    ensure!(!nowhere.exists(), "a look at the catalogue makes nothing");
    Ok(())
}
