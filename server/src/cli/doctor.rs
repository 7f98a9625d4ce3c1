//! `milepost doctor`: checks what an installation stands on, and says what to do.

use crate::{
    bootstrap,
    config::{Config, Settings},
    http::peer::{self, Fault},
    log, own_files,
};
use anyhow::Result;
use application::{
    audit::anchor::{self, Report},
    caller::Caller,
    clock::{Clock, SystemClock},
    connections::{self, Overview, sources},
    context::Context,
    destinations::{DESK, ODOO},
    governance::tombstones,
};
use jiff::SignedDuration;
use outbound::{Discard, ErrorClass, check::CheckOutcome, template::Family};
use std::{path::Path, process::ExitCode, sync::Arc};
use storage::{Scope, connections::ConnectionRecord};

/// Free bytes under which the disk is too full.
const DISK_FREE_MIN: u64 = 1024 * 1024 * 1024;
/// A clock that differs from Odoo's by more is wrong.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);
/// That a sender's address could not be read is news for so long.
const UNREADABLE_IS_NEWS: SignedDuration = SignedDuration::from_hours(24);

struct Findings(u32);

impl Findings {
    fn good(&self, what: &str, detail: impl std::fmt::Display) {
        println!("ok    {what}: {}", log::shown(&detail.to_string()));
    }

    fn bad(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.0 += 1;
        println!("FAIL  {what}: {}", log::shown(&detail.to_string()));
    }

    fn note(&self, what: &str, detail: impl std::fmt::Display) {
        println!("note  {what}: {}", log::shown(&detail.to_string()));
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
        Ok(()) => {
            found.good("configuration", format!("listens on {}, reached as {}", config.addr, config.system.public_url))
        }
        Err(error) => found.bad("configuration", error),
    }
    match config.master_key() {
        Ok(_) => found.good("master key", config.master_key_file.display()),
        Err(error) => found.bad("master key", format!("{error:#}")),
    }
    disk(&config.data, found);
    private_files(config, found);
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

fn private_files(config: &Config, found: &mut Findings) {
    let open = own_files::open_to_others(config);
    if open.is_empty() {
        found.good("files", format!("{}: nobody but their owner can read them", config.data.display()));
    }
    for open in open {
        if open.ours { found.bad("files", open) } else { found.note("files", open) }
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
    match bootstrap::beside(config.clone(), Arc::new(SystemClock)).await {
        Err(error) => found.bad("database", format!("{error:#}")),
        Ok(context) => {
            let scope = context.scope();
            match context.store.shipments.counts(scope, context.now()).await {
                Ok(counts) => found.good("database", format!("{} shipments", counts.all)),
                Err(error) => found.bad("database", error),
            }
            audit(&context, scope, found).await;
            match sources::in_use(&context, scope).await {
                Ok(sources) if sources.is_empty() => found.note("sources", "none: make one with `milepost source put`"),
                Ok(sources) => {
                    for source in sources {
                        self::source(&context, scope, &source, found).await;
                    }
                }
                Err(error) => found.bad("sources", error),
            }
            called(&context, scope, config, found).await;
            senders(&context, found).await;
        }
    }
}

async fn audit(context: &Context, scope: Scope, found: &mut Findings) {
    match anchor::check(context, scope).await {
        Ok(Report { lines, faults, .. }) if faults.is_empty() => {
            found.good("audit trail", format!("{lines} lines, the chain holds"));
        }
        Ok(report) => report.faults.iter().for_each(|fault| found.bad("audit trail", fault)),
        Err(error) => found.bad("audit trail", error),
    }
    match tombstones::check(context).await {
        Ok(None) => found.good("erasures", context.config.tombstones.display()),
        Ok(Some(lacking)) => found.bad("erasures", lacking),
        Err(error) => found.bad("erasures", error),
    }
}

async fn source(context: &Context, scope: Scope, source: &ConnectionRecord, found: &mut Findings) {
    let age = context.now().duration_since(source.secret_set_at).as_hours() / 24;
    let named = format!("{} ({}, {})", source.name, source.connector, source.scheme);
    let proof = match sources::proof_of(context, scope, source).await {
        Ok(proof) => proof,
        Err(error) => return found.bad("source", format!("{named}: {error:#}")),
    };
    if !proof.covers_body && proof.networks {
        found.note("source", format!("{named}: its proof does not cover the body; its networks are checked"));
    }
    for weak in &proof.weaknesses {
        match proof.known {
            true => found.note("source", format!("{named}: taken as known: {weak}")),
            false => found.bad("source", format!("{named}: {weak}; or put it again with --i-know")),
        }
    }
    if proof.weaknesses.is_empty() {
        found.good("source", format!("{named}, secret {age} days old"));
    }
}

/// The order systems and desks in use, but for those that the settings here name: these are checked by themselves.
async fn called(context: &Context, scope: Scope, config: &Config, found: &mut Findings) {
    let caller = Caller::trusted(scope);
    let all = match connections::list(context, &caller).await {
        Ok(all) => all,
        Err(error) => return found.bad("connections", error),
    };
    let named = [(ODOO, config.system.odoo.is_some()), (DESK, config.system.desk.is_some())];
    let is_source = |one: &Overview| one.template.as_ref().is_some_and(|it| it.family == Family::Carrier);
    for one in all.into_iter().filter(|one| one.record.enabled && !is_source(one)) {
        let name = one.record.name;
        if named.contains(&(name.as_str(), true)) {
            continue;
        }
        let report = match connections::examine(context, &caller, &name).await {
            Ok((_, report)) => report,
            Err(error) => {
                found.bad("connection", format!("{name}: {error}"));
                continue;
            }
        };
        for check in report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed) {
            let todo = check.todo.as_deref().unwrap_or_default();
            found.bad("connection", format!("{name}: {}. {todo}", check.what));
        }
        if report.passed() {
            found.good("connection", format!("{name}, {}", report.system.as_deref().unwrap_or("tested")));
        }
    }
}

/// Whether the reverse proxy says who sends in a way that can be read.
async fn senders(context: &Context, found: &mut Findings) {
    match peer::last_fault(context).await {
        Ok(Some(last)) if context.now().duration_since(last.at) < UNREADABLE_IS_NEWS => match last.fault {
            Fault::NoAddress(_) => found.bad("senders' addresses", last),
            Fault::OtherHeader(_) => found.note("senders' addresses", last),
        },
        Ok(_) => {}
        Err(error) => found.bad("senders' addresses", error),
    }
}

async fn odoo(config: &Config, found: &mut Findings) {
    let Some(odoo) = &config.system.odoo else { return found.note("Odoo", "not set up") };
    let settings = odoo::OdooConfig {
        url: odoo.url.clone(),
        database: odoo.database.clone(),
        api_key: odoo.key.clone(),
        calls_per_second: None,
    };
    let client = match odoo::OdooClient::new(settings) {
        Ok(client) => client,
        Err(error) => return found.bad("Odoo", error),
    };
    match client.version(&Discard).await {
        Err(error) => return found.bad("Odoo", error.whole().open()),
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
        Err(error) if error.class == ErrorClass::Unauthorized => found.bad(
            "Odoo rights and fields",
            format!("{}: make a new API key and put it into --odoo-key-file", error.whole().open()),
        ),
        Err(error) => found.bad("Odoo rights and fields", error.whole().open()),
    }
}

async fn desk(config: &Config, found: &mut Findings) {
    let Some(desk) = &config.system.desk else { return found.note("service desk", "not set up") };
    let settings = desks::DeskConfig {
        url: desk.url.clone(),
        token: desk.token.clone(),
        queue: desk.queue.clone(),
        calls_per_second: None,
    };
    match desks::connect(&desk.connector, settings) {
        Err(error) => found.bad("service desk", error),
        Ok(None) => found.bad("service desk", format!("there is no connector {}", desk.connector)),
        Ok(Some(client)) => match client.check(&Discard).await {
            Ok(missing) if missing.is_empty() => {
                found.good("service desk", format!("{} at {}, queue {}", desk.connector, desk.url, desk.queue))
            }
            Ok(missing) => missing.iter().for_each(|one| found.bad("service desk", format!("missing {one}"))),
            Err(error) if error.class == ErrorClass::Unauthorized => found.bad(
                "service desk",
                format!("{}: make a new token and put it into --desk-token-file", error.whole().open()),
            ),
            Err(error) => found.bad("service desk", error.whole().open()),
        },
    }
}
