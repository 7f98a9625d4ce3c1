//! `milepost booking`: labels that were bought by rule, what a person decides about them, and the rules.

use anyhow::{Context as _, Result, bail};
use application::{
    booking::{
        decide::{self, Decision},
        order, read, rules, trial,
    },
    caller::Caller,
    context::Context,
};
use carriers::booking::Mode;
use clap::{Args, Subcommand};
use domain::{
    booking::{BookingRule, Choice, Phase},
    ids::{BookingId, ShipmentId},
};
use std::{fs, path::PathBuf, sync::Arc};
use storage::{
    Scope,
    bookings::{BookingRecord, OrderedLabel},
};

/// Bookings. A delivery in Odoo that is ready gets its label by the first rule that fits it; without rules nothing is booked.
#[derive(Subcommand)]
pub enum Booking {
    /// List the newest bookings.
    List {
        /// Only those that stand so: planned, sending, pending, unknown, undecided, refused, booked, voiding, voided, not_voided,
        /// cancelled.
        #[arg(long, value_name = "PHASE")]
        phase: Option<String>,
    },
    /// Show one.
    Show {
        /// Its id, or the name of its delivery.
        id: String,
    },
    /// Write the label and papers of one into a folder. They have names and addresses: that they were read is in the audit trail.
    Label {
        /// Its id, or the name of its delivery.
        id: String,
        /// The folder.
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        to: PathBuf,
    },
    /// Void the label of one.
    Void {
        /// Its id, or the name of its delivery.
        id: String,
    },
    /// Book a label for each parcel of a delivery that has none, whatever the rules say.
    Book(Book),
    /// Decide about one of which the platform cannot tell whether it was bought: there is a label, and this is its number.
    Adopt {
        /// Its id, or the name of its delivery.
        id: String,
        /// The tracking number.
        number: String,
    },
    /// Decide about such a one: there is no label; buy it again.
    Again {
        /// Its id, or the name of its delivery.
        id: String,
    },
    /// Decide about such a one: there is no label, and none is wanted.
    GiveUp {
        /// Its id, or the name of its delivery.
        id: String,
    },
    /// Which deliveries are booked where.
    #[command(subcommand)]
    Rules(Rules),
}

/// Which label is booked for which delivery.
#[derive(Args)]
pub struct Book {
    /// The delivery: its name, a number of it, or the id of its shipment.
    delivery: String,
    /// The connection to the platform.
    #[arg(long, value_name = "NAME")]
    connection: String,
    /// Only this carrier, as the platform calls it.
    #[arg(long)]
    carrier: Option<String>,
    /// Only this service, as the platform calls it.
    #[arg(long)]
    service: Option<String>,
    /// Only with at most so many days to delivery.
    #[arg(long)]
    days: Option<u16>,
    /// The fastest offer instead of the cheapest.
    #[arg(long)]
    fastest: bool,
    /// The label's form: pdf, png, zpl.
    #[arg(long, default_value = "pdf")]
    format: String,
    /// Length, width and height in millimetres of parcels whose package type has none.
    #[arg(long, value_names = ["LENGTH", "WIDTH", "HEIGHT"], num_args = 3)]
    size: Option<Vec<u32>>,
    /// Confirm that a live label is paid; a connection with live labels needs it.
    #[arg(long)]
    live: bool,
}

impl Book {
    async fn run(self, context: &Context, caller: &Caller) -> Result<()> {
        let shipment = match self.delivery.parse::<ShipmentId>() {
            Ok(id) => id,
            Err(_) => match context.store.shipments.find(caller.scope(), &self.delivery).await?[..] {
                [only] => only,
                [] => bail!("no shipment goes under {:?}", self.delivery),
                [..] => bail!("several shipments go under {:?}: give the id of one", self.delivery),
            },
        };
        let choice = Choice {
            carrier: self.carrier,
            account: None,
            service: self.service,
            days: self.days,
            fastest: self.fastest,
        };
        let size_mm = self.size.and_then(|sides| <[u32; 3]>::try_from(sides).ok());
        let with = OrderedLabel { connection: self.connection, choice, format: self.format, size_mm };
        let confirmed = if self.live { Mode::Live } else { Mode::Test };
        order::book(context, caller, shipment, with, confirmed).await?;
        say!("kept; the label of shipment {shipment} is booked by the server: see `milepost booking list`");
        Ok(())
    }
}

/// The rules: a JSON list, of which the first rule that fits a delivery decides.
#[derive(Subcommand)]
pub enum Rules {
    /// Write the rules out.
    Show,
    /// Try the rules on a delivery as it is in Odoo now: which decides, and why the others do not. Nothing is booked.
    Test {
        /// The delivery: its name, or a number of it.
        delivery: String,
    },
    /// Put the rules of this file in place of those that are there; an empty list books nothing. See docs/BOOKING.md.
    Put {
        /// A JSON file.
        file: PathBuf,
    },
}

impl Booking {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        let decision = match self {
            Self::List { phase } => return list(&context, &caller, phase.as_deref()).await,
            Self::Show { id } => {
                let id = named(&context, &caller, &id).await?;
                show(&read::one(&context, &caller, id).await?);
                return Ok(());
            }
            Self::Label { id, to } => {
                let id = named(&context, &caller, &id).await?;
                for file in read::files(&context, &caller, id).await? {
                    let path = to.join(&file.name);
                    fs::write(&path, &file.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
                    say!("{}", path.display());
                }
                return Ok(());
            }
            Self::Rules(rules) => return rules.run(&context, &caller).await,
            Self::Book(book) => return book.run(&context, &caller).await,
            Self::Void { id } => (id, Decision::Void),
            Self::Adopt { id, number } => (id, Decision::Adopt(number)),
            Self::Again { id } => (id, Decision::SendAgain),
            Self::GiveUp { id } => (id, Decision::GiveUp),
        };
        let (id, decision) = decision;
        let id = named(&context, &caller, &id).await?;
        decide::decide(&context, &caller, id, decision).await?;
        say!("kept; the booking is now {}", read::one(&context, &caller, id).await?.purchase.phase.code());
        Ok(())
    }
}

/// The booking that goes under an id, or the newest of the delivery of a name.
async fn named(context: &Context, caller: &Caller, text: &str) -> Result<BookingId> {
    if let Ok(id) = text.parse::<BookingId>() {
        return Ok(id);
    }
    let found = read::of_delivery(context, caller, text).await?;
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => bail!(
            "no booking goes under {text:?}: give an id as `milepost booking list` shows it, or the name of a delivery that has one"
        ),
        several => {
            let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
            bail!("{text} has several bookings: give the id of one ({})", ids.join(", "))
        }
    }
}

async fn list(context: &Context, caller: &Caller, phase: Option<&str>) -> Result<()> {
    let wanted = match phase {
        None => None,
        Some(word) => match Phase::ALL.iter().find(|phase| phase.code() == word) {
            Some(phase) => Some(*phase),
            None => bail!("{word:?} is no phase of a booking: see --help"),
        },
    };
    let page = read::list(context, caller, wanted, None).await?;
    for booking in &page.rows {
        let number = booking.purchase.label.as_ref().map_or("-", |label| label.number.as_str());
        let (name, phase) = (&booking.wanted.name, booking.purchase.phase.code());
        say!("{}\t{name}\t{}\t{phase}\t{number}", booking.id, booking.connection);
    }
    if page.rows.is_empty() {
        say!("no bookings");
    }
    Ok(())
}

fn show(booking: &BookingRecord) {
    let BookingRecord { id, key, connection, system, record, wanted, purchase, .. } = booking;
    say!("booking {id}: {}", purchase.phase.label());
    say!("delivery {} ({system}, record {record}), parcel {}", wanted.name, wanted.parcel + 1);
    let by = wanted.rule.as_ref().map_or_else(|| "by hand".to_owned(), |rule| format!("by the rule {rule}"));
    say!("at {connection} {by}, a {} label, key {key}", wanted.mode);
    if let Some(rate) = &purchase.rate {
        say!("offered by {} {} for {}", rate.carrier, rate.service, rate.price);
    }
    if let Some(label) = &purchase.label {
        let charged = label.charged.map(|money| format!(", charged {money}")).unwrap_or_default();
        say!("number {}{charged}", label.number);
    }
    if let Some(refused) = &purchase.refused {
        say!("refused ({}): {}. {}", refused.code, refused.what, refused.todo);
    }
    if let Some(at) = purchase.next_at {
        say!("next at {at}");
    }
}

impl Rules {
    async fn run(self, context: &Context, caller: &Caller) -> Result<()> {
        match self {
            Self::Show => {
                let listed = rules::list(context, caller).await?;
                say!("{}", serde_json::to_string_pretty(&listed.rules)?);
            }
            Self::Test { delivery } => {
                let trial = trial::on(context, caller, &delivery).await?;
                for (rule, misfits) in &trial.rules {
                    let why: Vec<&str> = misfits.iter().map(|misfit| misfit.label()).collect();
                    let decides = trial.deciding().is_some_and(|deciding| deciding.name == rule.name);
                    match (decides, why.is_empty()) {
                        (true, _) => say!("decides\t{}", rule.name),
                        (false, true) => say!("fits\t{}", rule.name),
                        (false, false) => say!("-\t{}\t{}", rule.name, why.join("; ")),
                    }
                }
                match (trial.settled(), trial.deciding()) {
                    (Some(why), _) => say!("nothing is booked or registered for {}: {why}", trial.delivery),
                    (None, None) => say!("no rule decides about {}: nothing is booked or registered", trial.delivery),
                    (None, Some(_)) => {}
                }
            }
            Self::Put { file } => {
                let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
                let parsed: Vec<BookingRule> =
                    serde_json::from_str(&text).with_context(|| format!("{} is no list of rules", file.display()))?;
                let count = parsed.len();
                rules::put(context, caller, parsed).await?;
                say!("{count} booking rule(s) are kept; they count for deliveries that change from now on");
            }
        }
        Ok(())
    }
}
