//! Everything around the installation: a simulated Odoo and desk that remember what was done to them, the stories that the
//! carriers tell, and a production installation that works with them.

use super::{
    engine::Database,
    now,
    story::{Plot, Story},
};
use crate::{Installation, until};
use anyhow::{Context, Result};
use serde_json::Value;
use simulator::{
    SourceSecrets,
    desk::{SandboxDesk, Ticket},
    odoo::SandboxOdoo,
    rng::Rng,
};
use std::{path::Path, sync::Arc};

const KEY: &str = "sandbox-key-of-the-integration-user";
const TOKEN: &str = "1-14-sandbox-token";
/// A delivery is imported in less than this many shipments a second even on a slow machine.
const IMPORT_SECONDS: &str = "2";

/// The systems outside, and what happens in the world.
pub struct Outside {
    /// The order system.
    pub odoo: SandboxOdoo,
    /// The service desk.
    pub desk: SandboxDesk,
    /// What carriers sign with.
    pub secrets: SourceSecrets,
    /// What happens.
    pub stories: Vec<Story>,
}

impl Outside {
    /// Odoo and the desk, with a delivery for each of so many stories.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(seed: u64, stories: usize, plots: &[Plot]) -> Result<Arc<Self>> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut rng = Rng::new(seed);
        let mut secret = || format!("sandbox-{:016x}", rng.draw());
        let secrets = SourceSecrets { aftership: secret(), easypost: secret(), x12_214: secret() };
        let odoo = SandboxOdoo::start(KEY, Arc::new(now)).await?;
        let desk = SandboxDesk::start(TOKEN).await?;
        let mut stories: Vec<_> =
            (0..stories).map(|i| Story::new(plots[i % plots.len()], i, rng.draw(), now())).collect();
        for story in &mut stories {
            story.picking = odoo.add_order(&story.order(now()));
        }
        Ok(Arc::new(Self { odoo, desk, secrets, stories }))
    }

    /// An installation on this database, set up and not yet running. Odoo and the desk are reached at these addresses.
    ///
    /// # Errors
    /// When a command fails, with what it printed.
    pub fn installation(&self, binary: &Path, database: &Database, odoo: &str, desk: &str) -> Result<Installation> {
        // the commands talk to what runs in this process: others go on with that meanwhile
        tokio::task::block_in_place(|| self.set_up(binary, database, odoo, desk))
    }

    fn set_up(&self, binary: &Path, database: &Database, odoo: &str, desk: &str) -> Result<Installation> {
        let installation = self.node(binary, database, odoo, desk, Vec::new())?;
        installation.command(&["odoo", "setup", "--admin-key-file", &key_file(&installation, "odoo.key")], None)?;
        for (name, connector, scheme, secret) in [
            ("aftership", "aftership", "hmac", &self.secrets.aftership),
            ("easypost", "easypost", "hmac", &self.secrets.easypost),
            ("freight-214", "x12_214", "bearer", &self.secrets.x12_214),
        ] {
            let line = ["source", "put", name, "--connector", connector];
            let scheme: &[&str] = if scheme == "bearer" { &["--scheme", "bearer", "--i-know"] } else { &[] };
            installation.command(&[&line, scheme].concat(), Some(secret))?;
        }
        Ok(installation)
    }

    /// A node of an installation that is set up.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn node(
        &self,
        binary: &Path,
        database: &Database,
        odoo: &str,
        desk: &str,
        further: Vec<(&'static str, String)>,
    ) -> Result<Installation> {
        let mut settings = vec![
            ("MILEPOST_ODOO_URL", odoo.to_owned()),
            ("MILEPOST_ODOO_DATABASE", simulator::odoo::DATABASE.to_owned()),
            ("MILEPOST_ODOO_IMPORT_SECONDS", IMPORT_SECONDS.to_owned()),
            ("MILEPOST_DESK_URL", desk.to_owned()),
            ("MILEPOST_DESK_QUEUE", simulator::desk::QUEUE.to_owned()),
            // no exception is waited for, and silence is none
            ("MILEPOST_CASE_GRACE_MINUTES", "0".into()),
            ("MILEPOST_CASE_MINOR_HOURS", "0".into()),
            ("MILEPOST_SILENCE_HOURS", "8000".into()),
            ("MILEPOST_LOG", "warn".into()),
        ];
        settings.extend(database.settings());
        settings.extend(further);
        // the files lie in the installation's own folder, which is known once it is there
        let mut installation = Installation::of(binary, settings)?;
        for (name, variable, text) in
            [("odoo.key", "MILEPOST_ODOO_KEY_FILE", KEY), ("desk.token", "MILEPOST_DESK_TOKEN_FILE", TOKEN)]
        {
            write_private(&installation.data().join(name), text)?;
            let path = key_file(&installation, name);
            installation.set(variable, path);
        }
        Ok(installation)
    }

    /// Waits until the installation has every delivery.
    ///
    /// # Errors
    /// When one is missing.
    pub async fn imported(&self, installation: &Installation) -> Result<()> {
        until("every delivery to be imported", || async {
            let here = |s: &&Story| self.odoo.value(s.picking, "x_milepost_url") != Value::Bool(false);
            Ok((self.stories.iter().filter(here).count() == self.stories.len()).then_some(()))
        })
        .await
        .with_context(|| installation.log())
    }

    /// The tickets about a shipment.
    pub fn tickets<'a>(&self, all: &'a [Ticket], story: &Story) -> Vec<&'a Ticket> {
        let about = |t: &&Ticket| t.fields.get("Tracking Number").is_some_and(|v| v.contains(&story.shipment.number));
        all.iter().filter(about).collect()
    }
}

/// A key lies in a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

fn key_file(installation: &Installation, name: &str) -> String {
    installation.data().join(name).display().to_string()
}
