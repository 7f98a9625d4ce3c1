//! `milepost playbook`, `milepost team`, `milepost calendar`: how exceptions are worked on.

use anyhow::{Context as _, Result, anyhow};
use application::{
    caller::Caller,
    context::Context,
    exceptions::{calendar, playbook, teams},
};
use clap::Subcommand;
use domain::{ExceptionReason, calendar::COMPANY, exceptions::teams::Team as ExceptionTeam};
use jiff::civil::{Date, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::Scope;

/// What to do next about an exception, by its reason. A text of your own goes before the shipped one.
#[derive(Subcommand)]
pub enum Playbook {
    /// Show the next step of every reason.
    List,
    /// Set the next step of a reason.
    Set {
        /// The reason's code, e.g. SILENCE.
        reason: String,
        /// What to do; empty: the shipped text again.
        text: String,
    },
}

impl Playbook {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List => {
                for step in playbook::list(&context, &caller).await? {
                    let own = if step.own { "own" } else { "shipped" };
                    say!("{}\t{own}\t{}", step.reason.code(), step.text);
                }
            }
            Self::Set { reason, text } => {
                let reason = self::reason(&reason)?;
                playbook::set(&context, &caller, reason, &text).await?;
                say!("the next step of {} is kept", reason.code());
            }
        }
        Ok(())
    }
}

fn reason(code: &str) -> Result<ExceptionReason> {
    let code = code.to_uppercase();
    ExceptionReason::from_code(&code).ok_or_else(|| anyhow!("{code} is no reason: milepost playbook list shows them"))
}

/// Teams that look after exceptions.
#[derive(Subcommand)]
pub enum Team {
    /// Show the teams.
    List,
    /// Make a team, or give one other members.
    Put {
        /// Its name.
        name: String,
        /// A member, by the user's login; repeatable.
        #[arg(long = "member", value_name = "LOGIN")]
        members: Vec<String>,
        /// A carrier whose new exceptions it gets, by its family, e.g. dhl; repeatable.
        #[arg(long = "carrier", value_name = "FAMILY")]
        carriers: Vec<String>,
        /// A reason of which it gets new exceptions, by its code, e.g. DAMAGED; repeatable.
        #[arg(long = "reason", value_name = "CODE")]
        reasons: Vec<String>,
    },
    /// Remove a team.
    Remove {
        /// Its name.
        name: String,
    },
}

impl Team {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List => {
                let people: BTreeMap<_, _> = teams::people(&context, &caller).await?.into_iter().collect();
                for (name, team) in teams::list(&context, &caller).await? {
                    let members: Vec<_> = team.members.iter().filter_map(|id| people.get(id)).cloned().collect();
                    let carriers: Vec<_> = team.carriers.iter().map(String::as_str).collect();
                    let reasons: Vec<_> = team.reasons.iter().map(|reason| reason.code()).collect();
                    let (carriers, reasons) = (carriers.join(","), reasons.join(","));
                    say!("{name}\tmembers {}\tcarriers {carriers}\treasons {reasons}", members.join(", "));
                }
            }
            Self::Put { name, members, carriers, reasons } => {
                let mut ids = BTreeSet::new();
                for login in &members {
                    let user = context.store.people.user_by_login(login).await?;
                    ids.insert(user.with_context(|| format!("there is no user {login}: milepost user list"))?.id);
                }
                let reasons = reasons.iter().map(|code| reason(code)).collect::<Result<_>>()?;
                let team = ExceptionTeam { members: ids, carriers: carriers.into_iter().collect(), reasons };
                teams::put(&context, &caller, &name, team, teams::Replaces::Any).await?;
                say!("team {name} has {} members", members.len());
            }
            Self::Remove { name } => {
                teams::remove(&context, &caller, &name).await?;
                say!("team {name} is removed");
            }
        }
        Ok(())
    }
}

/// The company's working days and hours: by these exceptions are due, and silence is counted.
#[derive(Subcommand)]
pub enum Calendar {
    /// Show the calendar.
    Show,
    /// Change the calendar; what is not given stays.
    Set {
        /// Country (two letters): its weekend and public holidays.
        #[arg(long, value_name = "CODE")]
        country: Option<String>,
        /// Time zone, e.g. Europe/Berlin.
        #[arg(long, value_name = "NAME")]
        zone: Option<String>,
        /// When work begins, e.g. 08:00.
        #[arg(long, value_name = "TIME")]
        opens: Option<Time>,
        /// When work ends.
        #[arg(long, value_name = "TIME")]
        closes: Option<Time>,
        /// What comes later than this counts from the next working day.
        #[arg(long, value_name = "TIME")]
        cut_off: Option<Time>,
    },
    /// A day on which no work is done beside weekends and public holidays.
    Close {
        /// The day, e.g. 2026-12-24.
        day: Date,
        /// Of every place in this country (two letters); else of the company alone.
        #[arg(long, value_name = "CODE")]
        country: Option<String>,
    },
    /// A day on which work is done although it is a weekend or a holiday.
    Open {
        /// The day.
        day: Date,
        /// In every place of this country (two letters); else in the company alone.
        #[arg(long, value_name = "CODE")]
        country: Option<String>,
    },
}

impl Calendar {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        let place = |country: Option<String>| country.map_or_else(|| COMPANY.to_owned(), |code| code.to_uppercase());
        match self {
            Self::Show => {
                let calendar = calendar::show(&context, &caller).await?;
                say!("country\t{}", calendar.country.as_deref().unwrap_or("none: no public holidays"));
                say!("zone\t{}", calendar.zone);
                say!("hours\t{} to {}, cut-off {}", calendar.opens, calendar.closes, calendar.cut_off);
                for (word, days) in [("closed", &calendar.closed), ("working", &calendar.working)] {
                    for (place, day) in days.iter().flat_map(|(place, days)| days.iter().map(move |day| (place, day))) {
                        say!("{word}\t{day}\t{place}");
                    }
                }
                return Ok(());
            }
            Self::Set { country, zone, opens, closes, cut_off } => {
                calendar::set(&context, &caller, |calendar| {
                    if country.is_some() {
                        calendar.country.clone_from(&country);
                    }
                    if let Some(zone) = &zone {
                        calendar.zone.clone_from(zone);
                    }
                    calendar.opens = opens.unwrap_or(calendar.opens);
                    calendar.closes = closes.unwrap_or(calendar.closes);
                    calendar.cut_off = cut_off.unwrap_or(calendar.cut_off);
                })
                .await?;
            }
            Self::Close { day, country } => {
                let place = place(country);
                calendar::set(&context, &caller, |calendar| {
                    calendar.closed.entry(place.clone()).or_default().insert(day);
                    calendar.working.entry(place.clone()).or_default().remove(&day);
                })
                .await?;
            }
            Self::Open { day, country } => {
                let place = place(country);
                calendar::set(&context, &caller, |calendar| {
                    calendar.working.entry(place.clone()).or_default().insert(day);
                    calendar.closed.entry(place.clone()).or_default().remove(&day);
                })
                .await?;
            }
        }
        say!("the calendar is kept; what is due from now on follows it");
        Ok(())
    }
}
