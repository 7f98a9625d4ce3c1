//! Rules: listed, shown, tried, published and rolled back from the command line. A running server takes them up within seconds.

use anyhow::{Context as _, Result, bail};
use application::{
    caller::Caller,
    context::Context,
    rules::{
        manage::{self, FourEyes},
        read, trial,
    },
};
use clap::Subcommand;
use domain::{
    rule::{Content, RuleId, RuleVersion},
    rules::{check, words},
};
use jiff::{SignedDuration, Timestamp};
use std::{path::PathBuf, sync::Arc};
use storage::{
    Scope,
    rules::{Halt, Trial, TrialState},
};

/// Between two looks at how far a dry run has come.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);
/// Rows of a dry run that are printed.
const ROWS: usize = 20;

/// Rules.
#[derive(Subcommand)]
pub enum Rule {
    /// List the rules.
    List,
    /// Show a rule as JSON: its draft where it has one, else what runs; and its versions.
    Show {
        /// The rule, e.g. cases.
        id: RuleId,
        /// A version instead; 0 is the built-in one.
        #[arg(long)]
        version: Option<RuleVersion>,
    },
    /// Keep a draft from a JSON file, as `show` prints it; `-` reads it from the standard input.
    Draft {
        /// The rule; none makes a new one, with an id from its name.
        #[arg(long)]
        id: Option<RuleId>,
        /// The file.
        file: PathBuf,
    },
    /// Dry run: what the draft would have done in the last days. Nothing is sent. It is carried out by the running server.
    Test {
        /// The rule.
        id: RuleId,
        /// Days back.
        #[arg(long, default_value_t = trial::DAYS)]
        days: u32,
        /// Write every row to this CSV file.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Give up waiting after so many seconds; the dry run goes on.
        #[arg(long, default_value_t = 600)]
        wait: u64,
    },
    /// Publish the draft: from now on it runs.
    Publish {
        /// The rule.
        id: RuleId,
    },
    /// Roll back to an earlier version; 0 is the built-in one.
    RollBack {
        /// The rule.
        id: RuleId,
        /// The version.
        version: RuleVersion,
    },
    /// Pause a rule.
    Pause {
        /// The rule.
        id: RuleId,
        /// Until then, e.g. 2026-12-01T08:00:00Z; else until it is resumed.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
    },
    /// Let a rule run again that was paused or stopped.
    Resume {
        /// The rule.
        id: RuleId,
    },
    /// Throw the draft away.
    Discard {
        /// The rule.
        id: RuleId,
    },
    /// Say who looks after a rule.
    Owner {
        /// The rule.
        id: RuleId,
        /// The person's login; none: it has no owner.
        login: Option<String>,
    },
    /// Whether a second person has to publish.
    FourEyes {
        /// Switch it on.
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// Switch it off.
        #[arg(long)]
        off: bool,
    },
}

impl Rule {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List => list(&context, &caller).await,
            Self::Show { id, version } => show(&context, &caller, &id, version).await,
            Self::Draft { id, file } => draft(&context, &caller, id, &file).await,
            Self::Test { id, days, csv, wait } => {
                let wait = SignedDuration::from_secs(i64::try_from(wait).unwrap_or(i64::MAX));
                let trial = trial::begin(&context, &caller, &id, days).await?;
                let done = wait_for(&context, scope, trial, wait).await?;
                print(&done);
                for row in read::trial_rows(&context, &caller, &id, None).await?.rows.iter().take(ROWS) {
                    let lasted = row.lasted_minutes.map_or("goes on".into(), |minutes| format!("{minutes} min"));
                    let needed = if row.needed { "needed a person" } else { "" };
                    say!("{}\t{}\t{lasted}\t{needed}", row.number, row.reason.as_deref().unwrap_or("-"));
                }
                if let Some(file) = csv {
                    let text = read::trial_csv(&context, &caller, &id).await?;
                    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
                    say!("every row is in {}", file.display());
                }
                Ok(())
            }
            Self::Publish { id } => {
                say!("version {} of {id} runs now", manage::publish(&context, &caller, &id).await?);
                Ok(())
            }
            Self::RollBack { id, version } => {
                let new = manage::roll_back(&context, &caller, &id, version).await?;
                say!("version {new} of {id} runs now; it is the same as version {version}");
                Ok(())
            }
            Self::Pause { id, until } => {
                manage::pause(&context, &caller, &id, until).await?;
                match until {
                    Some(until) => say!("{id} is paused until {until}"),
                    None => say!("{id} is paused; resume it with: milepost rule resume {id}"),
                }
                Ok(())
            }
            Self::Resume { id } => {
                manage::resume(&context, &caller, &id).await?;
                say!("{id} runs again");
                Ok(())
            }
            Self::Discard { id } => {
                manage::discard(&context, &caller, &id).await?;
                say!("the draft of {id} is discarded");
                Ok(())
            }
            Self::Owner { id, login } => set_owner(&context, &caller, &id, login).await,
            Self::FourEyes { on, off } => {
                let to = [(on, FourEyes::On), (off, FourEyes::Off)].into_iter().find(|(set, _)| *set);
                four_eyes(&context, &caller, to.map(|(_, to)| to)).await
            }
        }
    }
}

async fn set_owner(context: &Context, caller: &Caller, id: &RuleId, login: Option<String>) -> Result<()> {
    let users = context.store.people.users(caller.scope()).await?;
    let owner = login.as_deref().map(|login| {
        let user = users.iter().find(|user| user.login == login);
        user.map(|user| user.id).with_context(|| format!("there is no person with the login {login}"))
    });
    manage::set_owner(context, caller, id, owner.transpose()?).await?;
    match login {
        Some(login) => say!("{login} looks after {id}"),
        None => say!("{id} has no owner"),
    }
    Ok(())
}

async fn four_eyes(context: &Context, caller: &Caller, to: Option<FourEyes>) -> Result<()> {
    if let Some(to) = to {
        manage::set_four_eyes(context, caller, to).await?;
    }
    match manage::four_eyes(context, caller.scope()).await? {
        FourEyes::On => say!("a second person has to publish"),
        FourEyes::Off => say!("who wrote a draft may publish it"),
    }
    Ok(())
}

async fn list(context: &Context, caller: &Caller) -> Result<()> {
    let listed = read::list(context, caller).await?;
    for (rule, figures) in &listed.rules {
        let record = rule.record.as_ref();
        let state = match record.and_then(|record| record.halt.as_ref()) {
            Some(Halt::Stopped { why, .. }) => format!("stopped: {why}"),
            Some(Halt::Paused { until, .. }) if rule.is_halted(listed.now) => {
                until.map_or("paused".into(), |until| format!("paused until {until}"))
            }
            _ if rule.active.is_none() => "draft".into(),
            _ => "active".into(),
        };
        let content = rule.active.as_ref().map(|(_, content, _)| content);
        let content = content.or_else(|| record.and_then(|record| record.draft.as_ref()).map(|draft| &draft.content));
        let (when, then) = content.map(|content| (words::when(content), words::then(content))).unwrap_or_default();
        let version = rule.active.as_ref().map_or("-".into(), |(version, ..)| format!("v{version}"));
        let draft = if record.is_some_and(|record| record.draft.is_some()) { ", draft" } else { "" };
        say!("{}\t{version}\t{state}{draft}\t{} in 7 days\tWhen: {when}\tThen: {then}", rule.id, figures.fired);
    }
    Ok(())
}

async fn show(context: &Context, caller: &Caller, id: &RuleId, version: Option<RuleVersion>) -> Result<()> {
    let shown = read::show(context, caller, id).await?;
    let content = match version {
        Some(version) => Some(read::version(context, caller, id, version).await?),
        None => shown.content().cloned(),
    };
    let content = content.context("the rule has neither a draft nor a version")?;
    say!("{}", serde_json::to_string_pretty(&content)?);
    for wrong in &shown.wrong {
        say!("# draft: {wrong}");
    }
    for one in &shown.history {
        let back = one.back_to.map(|to| format!(", back to {to}")).unwrap_or_default();
        say!("# version {}\t{:.0}\t{}{back}", one.version, one.at, read::who(&shown.people, one.by));
    }
    if shown.rule.shipped {
        say!("# version 0\tbuilt in");
    }
    Ok(())
}

async fn draft(context: &Context, caller: &Caller, id: Option<RuleId>, file: &PathBuf) -> Result<()> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    // what `show` prints below the rule
    let rule: String = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let content: Content = serde_json::from_str(&rule).context("this is no rule: see docs/RULES.md for its form")?;
    let wrong = check::problems(&content);
    let id = match id {
        Some(id) => {
            manage::save_draft(context, caller, &id, content).await?;
            id
        }
        None => manage::create(context, caller, content).await?,
    };
    say!("the draft of {id} is kept");
    for wrong in &wrong {
        say!("{wrong}");
    }
    if !wrong.is_empty() {
        bail!("the draft has errors: correct them before it is published");
    }
    Ok(())
}

async fn wait_for(context: &Context, scope: Scope, id: domain::ids::TrialId, wait: SignedDuration) -> Result<Trial> {
    let until = context.now().checked_add(wait).unwrap_or(Timestamp::MAX);
    loop {
        let trial = context.store.rules.trial(scope, id).await?.context("the dry run is gone")?;
        if trial.state != TrialState::Running {
            return Ok(trial);
        }
        if context.now() >= until {
            bail!(
                "the dry run is at {} of {} shipments and goes on: is the server running?",
                trial.shipments,
                trial.total
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn print(trial: &Trial) {
    let sum = &trial.draft_sum;
    let state = match trial.state {
        TrialState::Running | TrialState::Done => "",
        TrialState::Cut => " (it came to its limit of shipments)",
        TrialState::Failed => " (it failed)",
    };
    say!("{} shipments, {} moments in {} days{state}; nothing was sent", trial.shipments, trial.events, trial.days);
    say!("would have acted\t{}", sum.fired);
    say!("auto-resolved within the grace\t{}", sum.healed);
    say!("needed a person\t{}", sum.needed);
    if sum.failed > 0 {
        say!("could not be run on\t{} shipments", sum.failed);
    }
    if let Some((version, _)) = &trial.active {
        let active = &trial.active_sum;
        say!(
            "version {version}: acted {}, auto-resolved {}, needed a person {}",
            active.fired,
            active.healed,
            active.needed
        );
    }
}
