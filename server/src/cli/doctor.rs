//! `milepost doctor`: checks what an installation stands on, and says what to do.

use crate::{
    clock::{Clock, SystemClock},
    config::{Config, Settings},
    usecases::sources,
    wire,
};
use anyhow::Result;
use connectors::call::{Discard, ErrorClass};
use jiff::SignedDuration;
use std::{path::Path, process::ExitCode, sync::Arc};
use storage::people::ChainCheck;

/// Free bytes under which the disk is too full.
const DISK_FREE_MIN: u64 = 1024 * 1024 * 1024;
/// A clock that differs from Odoo's by more is wrong.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);

struct Findings(u32);

impl Findings {
    fn good(&self, what: &str, detail: impl std::fmt::Display) {
        println!("ok    {what}: {detail}");
    }

    fn bad(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.0 += 1;
        println!("FAIL  {what}: {detail}");
    }

    fn note(&self, what: &str, detail: impl std::fmt::Display) {
        println!("note  {what}: {detail}");
    }
}

/// Checks; exit code 1 when something is wrong.
pub async fn run(settings: Settings) -> Result<ExitCode> {
    let mut found = Findings(0);
    match settings.resolve() {
        Err(error) => found.bad("configuration", format!("{error:#}")),
        Ok(config) => check(&config, &mut found).await,
    }
    Ok(if found.0 == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(config: &Config, found: &mut Findings) {
    match config.require_secure() {
        Ok(()) => found.good("configuration", format!("listens on {}, reached as {}", config.addr, config.public_url)),
        Err(error) => found.bad("configuration", error),
    }
    match config.master_key() {
        Ok(_) => found.good("master key", config.master_key_file.display()),
        Err(error) => found.bad("master key", format!("{error:#}")),
    }
    disk(&config.data, found);
    site(config, found);
    database(config, found).await;
    odoo(config, found).await;
    desk(config, found).await;
}

fn disk(data: &Path, found: &mut Findings) {
    let folder = data.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    // df is everywhere; a crate for one number is not worth it
    let answer = std::process::Command::new("df").args(["-B1", "--output=avail"]).arg(folder).output();
    let free = answer
        .ok()
        .and_then(|o| String::from_utf8(o.stdout).ok())
        .and_then(|t| t.lines().nth(1).and_then(|l| l.trim().parse::<u64>().ok()));
    match free {
        Some(free) if free >= DISK_FREE_MIN => {
            found.good("disk", format!("{} GB free at {}", free / 1_000_000_000, folder.display()))
        }
        Some(free) => {
            found.bad("disk", format!("only {} MB free at {}: make room", free / 1_000_000, folder.display()))
        }
        None => found.note("disk", "free space could not be read"),
    }
}

fn site(config: &Config, found: &mut Findings) {
    match crate::http::pages::assets(config) {
        Ok(Some(assets)) => found.good("pages", format!("browser's half {}", assets.wasm)),
        Ok(None) => found.note("pages", "no browser's half (--site): pages work without live updates"),
        Err(error) => found.bad("pages", error),
    }
}

async fn database(config: &Config, found: &mut Findings) {
    match wire::beside(config.clone(), Arc::new(SystemClock)).await {
        Err(error) => found.bad("database", format!("{error:#}")),
        Ok(tower) => {
            let scope = tower.scope();
            match tower.store.shipments.counts(scope, tower.now()).await {
                Ok(counts) => found.good("database", format!("{} shipments", counts.all)),
                Err(error) => found.bad("database", error),
            }
            match tower.store.people.audit_check(scope).await {
                Ok(ChainCheck::Sound(lines)) => found.good("audit trail", format!("{lines} lines, the chain holds")),
                Ok(ChainCheck::Broken(line)) => found.bad("audit trail", format!("line {line} was changed")),
                Err(error) => found.bad("audit trail", error),
            }
            match sources::in_use(&tower, scope).await {
                Ok(sources) if sources.is_empty() => found.note("sources", "none: make one with `milepost source put`"),
                Ok(sources) => {
                    for source in sources {
                        let age = tower.now().duration_since(source.secret_set_at).as_hours() / 24;
                        found.good(
                            "source",
                            format!("{} ({}, {}), secret {age} days old", source.name, source.connector, source.scheme),
                        );
                    }
                }
                Err(error) => found.bad("sources", error),
            }
        }
    }
}

async fn odoo(config: &Config, found: &mut Findings) {
    let Some(odoo) = &config.odoo else { return found.note("Odoo", "not set up") };
    let settings = connectors::odoo::OdooConfig {
        url: odoo.url.clone(),
        database: odoo.database.clone(),
        api_key: odoo.key.clone(),
        calls_per_second: None,
    };
    let client = match connectors::odoo::OdooClient::new(settings) {
        Ok(client) => client,
        Err(error) => return found.bad("Odoo", error),
    };
    match client.version(&Discard).await {
        Err(error) => return found.bad("Odoo", error),
        Ok(version) => {
            found.good("Odoo", format!("{} at {}", version.version, odoo.url));
            if let Some(their_time) = version.server_time {
                let skew = SystemClock.now().duration_since(their_time).abs();
                if skew > CLOCK_SKEW_MAX {
                    found.bad(
                        "clock",
                        format!("differs from Odoo's by {} s: set up time synchronisation", skew.as_secs()),
                    );
                } else {
                    found.good("clock", "agrees with Odoo's");
                }
            }
        }
    }
    match client.check(&Discard).await {
        Ok(missing) if missing.is_empty() => found.good("Odoo rights and fields", "complete"),
        Ok(missing) => {
            missing.iter().for_each(|one| found.bad("Odoo rights and fields", format!("missing {one}")));
        }
        Err(error) if error.class == ErrorClass::Unauthorized => {
            found.bad("Odoo rights and fields", format!("{error}: make a new API key and put it into --odoo-key-file"))
        }
        Err(error) => found.bad("Odoo rights and fields", error),
    }
}

async fn desk(config: &Config, found: &mut Findings) {
    let Some(desk) = &config.desk else { return found.note("service desk", "not set up") };
    let settings = connectors::desks::DeskConfig {
        url: desk.url.clone(),
        token: desk.token.clone(),
        queue: desk.queue.clone(),
        calls_per_second: None,
    };
    match connectors::desks::connect(&desk.connector, settings) {
        Err(error) => found.bad("service desk", error),
        Ok(None) => found.bad("service desk", format!("there is no connector {}", desk.connector)),
        Ok(Some(client)) => match client.check(&Discard).await {
            Ok(missing) if missing.is_empty() => {
                found.good("service desk", format!("{} at {}, queue {}", desk.connector, desk.url, desk.queue))
            }
            Ok(missing) => missing.iter().for_each(|one| found.bad("service desk", format!("missing {one}"))),
            Err(error) if error.class == ErrorClass::Unauthorized => {
                found.bad("service desk", format!("{error}: make a new token and put it into --desk-token-file"))
            }
            Err(error) => found.bad("service desk", error),
        },
    }
}
