//! `milepost doctor`: checks an installation, and names what to do.

use crate::{
    bootstrap,
    config::{Config, Settings},
    http::{
        pages::NO_SITE,
        peer::{self, Fault},
    },
    log, own_files,
};
use anyhow::Result;
use application::{
    audit::anchor::{self, Report},
    caller::Caller,
    clock::{Clock, SystemClock},
    connections::{self, Overview, inbound},
    context::Context,
    destinations::{self, DESK, ODOO},
    governance::tombstones,
};
use jiff::SignedDuration;
use outbound::{
    Discard,
    check::{self, CheckOutcome},
    template::Family,
};
use std::{path::Path, process::ExitCode, sync::Arc};
use storage::{Scope, connections::ConnectionRecord};

/// Free bytes under which the disk is too full.
const DISK_FREE_MIN: u64 = 1024 * 1024 * 1024;
/// That a sender's address could not be read is news for so long.
const UNREADABLE_IS_NEWS: SignedDuration = SignedDuration::from_hours(24);

struct Findings(u32);

impl Findings {
    fn good(&self, what: &str, detail: impl std::fmt::Display) {
        say!("ok    {what}: {}", log::shown(&detail.to_string()));
    }

    fn bad(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.0 += 1;
        say!("FAIL  {what}: {}", log::shown(&detail.to_string()));
    }

    fn note(&self, what: &str, detail: impl std::fmt::Display) {
        say!("note  {what}: {}", log::shown(&detail.to_string()));
    }
}

/// Checks; exit code 1 when something is wrong.
pub async fn run(settings: Settings) -> Result<ExitCode> {
    let mut found = Findings(0);
    match settings.resolve() {
        Err(error) => found.bad("configuration", format!("{error:#}")),
        Ok(config) => all(&config, &mut found).await,
    }
    Ok(if found.0 == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn all(config: &Config, found: &mut Findings) {
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
    let kept = database(config, found).await;
    odoo(config, &kept, found).await;
    desk(config, &kept, found).await;
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
        found.good("files", format!("{}: only their owner can read them", config.data.display()));
    }
    for open in open {
        if open.ours { found.bad("files", open) } else { found.note("files", open) }
    }
}

fn site(config: &Config, found: &mut Findings) {
    match crate::http::pages::assets(config) {
        Ok(Some(assets)) => found.good("pages", format!("browser's half {}", assets.wasm)),
        Ok(None) => found.note("pages", NO_SITE),
        Err(error) => found.bad("pages", error),
    }
}

/// The names of the order systems and desks that are kept there.
async fn database(config: &Config, found: &mut Findings) -> Vec<String> {
    match bootstrap::beside(config.clone(), Arc::new(SystemClock)).await {
        Err(error) => {
            found.bad("database", format!("{error:#}"));
            Vec::new()
        }
        Ok(context) => {
            let scope = context.scope();
            match context.store.shipments.counts(scope, context.now()).await {
                Ok(counts) => found.good("database", format!("{} shipments", counts.all)),
                Err(error) => found.bad("database", error),
            }
            audit(&context, scope, found).await;
            match inbound::in_use(&context, scope).await {
                Ok(sources) if sources.is_empty() => found.note("sources", "none: make one with `milepost source put`"),
                Ok(sources) => {
                    for source in sources {
                        self::source(&context, scope, &source, found).await;
                    }
                }
                Err(error) => found.bad("sources", error),
            }
            senders(&context, found).await;
            called(&context, scope, found).await
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
    let proof = match inbound::proof_of(context, scope, source).await {
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

/// The order systems and desks, as they are kept: what the command line says of them may be older. Those in use are tested.
async fn called(context: &Context, scope: Scope, found: &mut Findings) -> Vec<String> {
    let caller = Caller::trusted(scope);
    let all = match connections::list(context, &caller).await {
        Ok(all) => all,
        Err(error) => {
            found.bad("connections", error);
            return Vec::new();
        }
    };
    match connections::overruled(context).await {
        Ok(overruled) => overruled.iter().for_each(|(name, fields)| {
            let fields = fields.join(", ");
            found.note("connection", format!("{name}: the command line says another {fields}; the connection counts"));
        }),
        Err(error) => found.bad("connections", error),
    }
    waiting(context, &caller, found).await;
    // the test of a channel is a message that people get: they send it themselves
    let is_left =
        |one: &Overview| one.template.as_ref().is_some_and(|it| matches!(it.family, Family::Carrier | Family::Channel));
    let called: Vec<_> = all.into_iter().filter(|one| !is_left(one)).collect();
    for one in called.iter().filter(|one| one.record.enabled) {
        let name = &one.record.name;
        let address = one.settings.get("url").and_then(|url| url.as_str()).unwrap_or_default();
        match connections::examine(context, &caller, name).await {
            Ok(report) => tested(&format!("{name} at {address}"), &report, found),
            Err(error) => found.bad("connection", format!("{name}: {error}")),
        }
    }
    called.into_iter().map(|one| one.record.name).collect()
}

/// Jobs that wait for a connection that is not there: nothing does them until one of its name is made.
async fn waiting(context: &Context, caller: &Caller, found: &mut Findings) {
    match destinations::without_connection(context, caller).await {
        Ok(waiting) => waiting.iter().for_each(|(name, jobs)| {
            let lacking = format!("{jobs} wait for {name}, and there is no connection of this name");
            found.bad("jobs", format!("{lacking}: make one named {name}, and they are done"));
        }),
        Err(error) => found.bad("jobs", error),
    }
}

fn tested(named: &str, report: &check::Report, found: &mut Findings) {
    for check in &report.checks {
        let text = format!("{named}: {}. {}", check.found(), check.todo.as_deref().unwrap_or_default());
        match check.outcome {
            CheckOutcome::Failed => found.bad("connection", text),
            CheckOutcome::Warning => found.note("connection", text),
            CheckOutcome::Passed | CheckOutcome::NotRun => {}
        }
    }
    if report.passed() {
        found.good("connection", format!("{named}, {}", report.system.as_deref().unwrap_or("tested")));
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

/// The Odoo that the command line names, where no server took it up yet.
async fn odoo(config: &Config, kept: &[String], found: &mut Findings) {
    let Some(named) = config.system.odoo.as_ref().filter(|_| !kept.iter().any(|name| name == ODOO)) else { return };
    let settings = odoo::OdooConfig::new(&named.url, &named.database, named.key.clone());
    let settings = odoo::OdooConfig { login: named.login.clone(), ..settings };
    let template = odoo::template();
    match odoo::OdooClient::new(settings) {
        Err(error) => found.bad("Odoo", error),
        Ok(client) => {
            let subject = check::Subject::of(&template, &named.url);
            let report = odoo::check(&client, subject, SystemClock.now(), &Discard).await;
            tested(&format!("Odoo at {}", named.url), &report, found);
        }
    }
}

/// The service desk that the command line names, where no server took it up yet.
async fn desk(config: &Config, kept: &[String], found: &mut Findings) {
    let Some(named) = config.system.desk.as_ref().filter(|_| !kept.iter().any(|name| name == DESK)) else { return };
    let settings = desks::DeskConfig::new(named.url.clone(), named.token.clone(), named.queue.clone());
    let template = desks::templates().find(|template| template.id == named.connector);
    match (desks::connect(&named.connector, settings), template) {
        (Err(error), _) => found.bad("service desk", error),
        (Ok(Some(client)), Some(template)) => {
            let subject = check::Subject::of(&template, &named.url);
            let report = desks::check(&*client, subject, SystemClock.now(), &Discard).await;
            tested(&format!("{} at {}, queue {}", template.label, named.url, named.queue), &report, found);
        }
        _ => found.bad("service desk", format!("there is no connector {}", named.connector)),
    }
}
