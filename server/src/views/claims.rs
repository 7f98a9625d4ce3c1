//! Claims, for the pages.

use super::{
    Asker, given, id,
    times::Times,
    words::{money, route, sentence, who},
};
use app::contract::{
    ApiError, ApiResult,
    claims::{
        ClaimEdit, ClaimEvent, ClaimFileView, ClaimRow, ClaimTab, ClaimView, ClaimsQuery, ClaimsView, DeadlineView,
        DeadlinesView, DueView, EvidenceView, FigureView, FileAnswer, NewClaim, StepForm, SubjectView, Tone,
    },
    session::Permission,
};
use application::{
    caller::Caller,
    claims::{self, Change, Done, Listed, NewByHand, NewFile, Overview, Presence, ShownClaim, ShownFile, deadlines},
    tracking::read,
    words::{csv_cut, csv_line},
};
use async_trait::async_trait;
use domain::{
    carriers,
    claims::{ClaimNumber, ClaimReason, ClaimStatus, DeadlineRule, EvidenceKind, Stage, Step, StepKind, Totals},
    ids::{ClaimFileId, ShipmentId},
    money::{Currency, Money},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use storage::{
    claims::{ClaimQuery, ClaimRecord},
    shipments::ShipmentRecord,
};

/// Days before a deadline from which on it is urgent, and very urgent.
const WARN_DAYS: i32 = 7;
const BAD_DAYS: i32 = 2;

/// Claims.
pub struct ClaimsPort(pub Asker);

#[async_trait]
impl app::contract::claims::ClaimsPort for ClaimsPort {
    async fn view(&self, query: ClaimsQuery) -> ApiResult<ClaimsView> {
        let caller = self.0.caller(Permission::See)?;
        let asked = ClaimQuery { stage: stage(query.tab), cursor: given(query.cursor) };
        let overview = claims::overview(&self.0.context, &caller, asked).await.map_err(|e| self.0.refused(e))?;
        let first = overview.page.rows.first().map(|row| row.record.number);
        let chosen = query.claim.parse().ok().or(first);
        let selected = match chosen {
            Some(number) => match claims::claim(&self.0.context, &caller, number).await {
                Ok(claim) => Some(self.shown(claim)),
                // of an address that names none, or one that is gone
                Err(application::UseCaseError::NotFound(_)) => None,
                Err(error) => return Err(self.0.refused(error)),
            },
            None => None,
        };
        Ok(ClaimsView { selected, ..list(&overview) })
    }

    async fn one(&self, number: String) -> ApiResult<ClaimView> {
        let caller = self.0.caller(Permission::See)?;
        let claim = claims::claim(&self.0.context, &caller, id(&number)?).await.map_err(|e| self.0.refused(e))?;
        Ok(self.shown(claim))
    }

    async fn subject(&self, shipment: String) -> ApiResult<SubjectView> {
        let caller = self.0.caller(Permission::Act)?;
        let (context, shipment) = (&self.0.context, id(&shipment)?);
        let found = claims::subject(context, &caller, shipment).await.map_err(|e| self.0.refused(e))?;
        let found = found.ok_or(ApiError::NotFound)?;
        let claims = claims::of_shipment(context, &caller, found.id).await.map_err(|e| self.0.refused(e))?;
        Ok(subject(&found, &claims, context.now()))
    }

    async fn raise(&self, new: NewClaim) -> ApiResult<String> {
        let caller = self.0.caller(Permission::Act)?;
        let context = &self.0.context;
        let reason =
            ClaimReason::from_code(&new.reason).ok_or_else(|| invalid("reason", "Choose what the claim is for."))?;
        let shipment = match new.shipment.trim().parse::<ShipmentId>() {
            Ok(shipment) => Some(shipment),
            Err(_) => read::find(context, &caller, new.shipment.trim()).await.map_err(|e| self.0.refused(e))?,
        };
        let shipment = shipment.ok_or_else(|| {
            invalid("shipment", "No single shipment has this number: enter its tracking number, order or transfer.")
        })?;
        let amount = match new.amount.trim() {
            "" => None,
            amount => Some(read_amount(amount, &self.currency(&caller, &new, shipment).await?)?),
        };
        let by_hand = NewByHand { shipment, reason, amount, note: new.note };
        let number = claims::raise_by_hand(context, &caller, by_hand).await.map_err(|e| self.0.refused(e))?;
        Ok(number.to_string())
    }

    async fn step(&self, form: StepForm) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Act)?;
        let number: ClaimNumber = id(&form.number)?;
        let found = claims::record(&self.0.context, &caller, number).await.map_err(|e| self.0.refused(e))?;
        let step = step(&form, &found)?;
        let change = Change::Step { step, why: given(form.why) };
        let changed = claims::change(&self.0.context, &caller, number, Some(form.revision), change).await;
        changed.map(drop).map_err(|e| self.0.refused(e))
    }

    async fn edit(&self, form: ClaimEdit) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Act)?;
        let number: ClaimNumber = id(&form.number)?;
        let change = match form.what.as_str() {
            "amount" => Change::Amount(read_amount(&form.value, &form.currency)?),
            "note" => Change::Note(form.value),
            "take" => Change::Owner(caller.user()),
            "release" => Change::Owner(None),
            "refresh" => Change::Refresh,
            _ => return Err(invalid("what", "Choose what to change.")),
        };
        let changed = claims::change(&self.0.context, &caller, number, Some(form.revision), change).await;
        changed.map(drop).map_err(|e| self.0.refused(e))
    }

    async fn remove_file(&self, number: String, file: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Act)?;
        let (number, file): (ClaimNumber, ClaimFileId) = (id(&number)?, id(&file)?);
        claims::remove_file(&self.0.context, &caller, number, file).await.map_err(|e| self.0.refused(e))
    }

    async fn deadlines(&self) -> ApiResult<DeadlinesView> {
        let caller = self.0.caller(Permission::See)?;
        let (rules, shipped) = deadlines::rules(&self.0.context, &caller).await.map_err(|e| self.0.refused(e))?;
        let text = serde_json::to_string_pretty(&rules).unwrap_or_default();
        Ok(DeadlinesView { rules: rules.0.iter().map(deadline).collect(), shipped, text })
    }

    async fn put_deadlines(&self, text: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        deadlines::put_text(&self.0.context, &caller, &text).await.map_err(|e| self.0.refused(e))
    }

    async fn export(&self, tab: ClaimTab) -> ApiResult<String> {
        let caller = self.0.caller(Permission::See)?;
        let asked = ClaimQuery { stage: stage(tab), cursor: None };
        let (rows, more) = claims::export(&self.0.context, &caller, asked).await.map_err(|e| self.0.refused(e))?;
        let end = if more { csv_cut(rows.len()) } else { String::new() };
        Ok(csv(&rows) + &end)
    }

    async fn add_file(&self, number: String, kind: String, name: String, bytes: Vec<u8>) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Act)?;
        let number: ClaimNumber = id(&number)?;
        let kind = EvidenceKind::from_code(&kind).ok_or_else(|| invalid("kind", "Choose what the file shows."))?;
        let new = NewFile { kind, name, bytes };
        claims::add_file(&self.0.context, &caller, number, new).await.map_err(|e| self.0.refused(e))
    }

    async fn file(&self, number: String, file: String) -> ApiResult<FileAnswer> {
        let caller = self.0.caller(Permission::ReadPersonal)?;
        let (number, file): (ClaimNumber, ClaimFileId) = (id(&number)?, id(&file)?);
        let file = claims::file(&self.0.context, &caller, number, file).await.map_err(|e| self.0.refused(e))?;
        Ok(FileAnswer { name: file.name, media_type: file.format.mimetype(), bytes: file.bytes })
    }

    async fn bundle(&self, number: String) -> ApiResult<FileAnswer> {
        let caller = self.0.caller(Permission::ReadPersonal)?;
        let made = claims::bundle::bundle(&self.0.context, &caller, id(&number)?).await;
        let bundle = made.map_err(|e| self.0.refused(e))?;
        Ok(FileAnswer { name: bundle.name, media_type: "application/zip", bytes: bundle.bytes })
    }
}

impl ClaimsPort {
    /// The currency that was entered, else the order's.
    async fn currency(&self, caller: &Caller, new: &NewClaim, shipment: ShipmentId) -> ApiResult<String> {
        let entered = new.currency.trim();
        if !entered.is_empty() {
            return Ok(entered.to_owned());
        }
        let of = claims::subject(&self.0.context, caller, shipment).await.map_err(|e| self.0.refused(e))?;
        let value = of.and_then(|of| of.origin).and_then(|origin| origin.value);
        let known = value.map(|value| value.currency);
        let missing = || invalid("currency", "Enter the currency of the amount: the order's is not known.");
        known.map(|currency| currency.to_string()).ok_or_else(missing)
    }

    fn shown(&self, of: ShownClaim) -> ClaimView {
        let times = self.0.times();
        let me = self.0.user.as_ref().map(|user| user.id);
        let record = &of.record;
        let rule = record.about.rule.as_ref();
        let claimed = record.claim.claimed;
        ClaimView {
            row: row(record, of.today),
            revision: record.revision,
            facts: facts(record),
            source: rule.map(|rule| rule.source.clone()),
            check_contract: rule.is_some_and(|rule| rule.check_contract),
            owner: of.owner,
            mine: record.owner.is_some() && record.owner == me,
            amount: (
                claimed.map(|money| money.amount()).unwrap_or_default(),
                currency_of(record).map(|currency| currency.to_string()).unwrap_or_default(),
            ),
            evidence: of.evidence.iter().map(evidence).collect(),
            note: of.note.unwrap_or_default(),
            masked: of.masked,
            files: of.files.into_iter().map(|file| shown_file(file, &times)).collect(),
            files_open: record.claim.filed_on.is_none(),
            steps: record.claim.status.steps().to_vec(),
            history: of.history.into_iter().map(|done| event(done, &times)).collect(),
        }
    }
}

fn invalid(field: &str, message: &str) -> ApiError {
    ApiError::Invalid { field: field.into(), message: message.into() }
}

/// The currency of a claim: of what is claimed, else of the goods' value.
fn currency_of(of: &ClaimRecord) -> Option<Currency> {
    let value = of.about.goods.as_ref().and_then(|goods| goods.value);
    of.claim.claimed.or(value).map(|money| money.currency)
}

/// An amount as a person types it.
fn read_amount(amount: &str, currency: &str) -> ApiResult<Money> {
    Money::typed(amount, currency).map_err(|error| invalid("amount", &format!("The amount cannot be read: {error}.")))
}

fn step(form: &StepForm, of: &ClaimRecord) -> ApiResult<Step> {
    let kind = StepKind::from_code(&form.step).ok_or_else(|| invalid("step", "Choose what happened."))?;
    let day = match form.day.trim() {
        "" => None,
        text => Some(text.parse::<Date>().map_err(|_| invalid("day", "Enter the day as 2026-11-30."))?),
    };
    let amount = || {
        let missing = || invalid("amount", "Enter first what is claimed, with its currency.");
        read_amount(&form.amount, currency_of(of).ok_or_else(missing)?.code())
    };
    Ok(match kind {
        StepKind::File => Step::File { reference: given(form.reference.clone()), answer_by: day },
        StepKind::Offer => Step::Offer { amount: amount()?, accept_by: day },
        StepKind::Accept => Step::Accept,
        StepKind::Pay => Step::Pay { amount: amount()? },
        StepKind::Reject => Step::Reject,
        StepKind::Contest => Step::Contest { answer_by: day },
        StepKind::Close => Step::Close,
        StepKind::Reopen => Step::Reopen,
    })
}

const fn stage(tab: ClaimTab) -> Option<Stage> {
    match tab {
        ClaimTab::All => None,
        ClaimTab::ToFile => Some(Stage::ToFile),
        ClaimTab::Waiting => Some(Stage::Waiting),
        ClaimTab::Paid => Some(Stage::Paid),
        ClaimTab::Rejected => Some(Stage::Rejected),
        ClaimTab::Closed => Some(Stage::Closed),
    }
}

/// The day in UTC, by which deadlines go.
fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn sums(totals: &Totals) -> Vec<String> {
    totals.sums().map(money).collect()
}

fn list(overview: &Overview) -> ClaimsView {
    let figures = &overview.figures;
    let count = |stage: Stage| figures.counts.iter().filter(|(of, _)| *of == stage).map(|(_, n)| n).sum::<u64>();
    let open = count(Stage::ToFile) + count(Stage::Waiting);
    let all = figures.counts.iter().map(|(_, n)| n).sum();
    let tabs = ClaimTab::ALL.iter().map(|tab| (*tab, stage(*tab).map_or(all, count)));
    let rows: Vec<ClaimRow> = overview.page.rows.iter().map(|one| row(&one.record, overview.today)).collect();
    let of = |amount: fn(&ClaimRecord) -> Option<Money>| {
        let amounts = overview.page.rows.iter().filter_map(|one| amount(&one.record));
        sums(&amounts.collect())
    };
    ClaimsView {
        summary: format!("{open} open, {} to file within {WARN_DAYS} days", figures.soon),
        figures: cards(overview, open),
        tabs: tabs.collect(),
        rows,
        claimed: of(|record| record.claim.claimed),
        paid: of(|record| record.claim.paid),
        next: overview.page.next.clone(),
        selected: None,
    }
}

fn cards(overview: &Overview, open: u64) -> Vec<FigureView> {
    let figures = &overview.figures;
    let claimed: Totals =
        figures.claimed.iter().filter(|(stage, _)| stage.is_open()).map(|(_, amount)| *amount).collect();
    let of = figures.paid_of.sums().map(|whole| {
        let share = i128::from(figures.paid.of(whole.currency)) * 100 / i128::from(whole.minor.max(1));
        format!("{share} % of {} claimed", money(whole))
    });
    let first = figures.soon_first.map(|by| format!("first on {}", short_day(by)));
    let claims = |n: u64| if n == 1 { "1 claim".to_owned() } else { format!("{n} claims") };
    vec![
        FigureView { label: "Open".into(), values: sums(&claimed), note: claims(open), bad: false },
        FigureView {
            label: format!("To file within {WARN_DAYS} days"),
            values: sums(&figures.soon_of),
            bad: first.is_some(),
            note: first.unwrap_or_else(|| "none".into()),
        },
        FigureView {
            label: "Paid this year".into(),
            values: sums(&figures.paid),
            note: of.collect::<Vec<_>>().join(", "),
            bad: false,
        },
        FigureView {
            label: "Missed deadlines this year".into(),
            values: vec![figures.missed.to_string()],
            note: sums(&figures.missed_of).join(", "),
            bad: figures.missed > 0,
        },
    ]
}

fn short_day(day: Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

/// A day, with the year where that is not plain.
fn long_day(day: Date) -> String {
    day.strftime("%a %-d %b %Y").to_string()
}

fn subject(of: &ShipmentRecord, claims: &[Listed], now: Timestamp) -> SubjectView {
    let (number, origin) = (of.numbers.first(), of.origin.as_ref());
    let transfer = || origin.map_or_else(|| "no number".to_owned(), |origin| origin.name.clone());
    SubjectView {
        shipment: of.id.to_string(),
        number: number.map_or_else(transfer, |number| number.number.clone()),
        route: route(number.and_then(|number| number.carrier_label.as_deref()), of.destination.as_deref()),
        order: origin.and_then(|origin| origin.order.clone()),
        claims: rows(claims, now),
    }
}

/// Claims as a list shows them.
pub(super) fn rows(claims: &[Listed], now: Timestamp) -> Vec<ClaimRow> {
    let today = today(now);
    claims.iter().map(|one| row(&one.record, today)).collect()
}

fn row(record: &ClaimRecord, today: Date) -> ClaimRow {
    let claim = &record.claim;
    let about = &record.about;
    ClaimRow {
        number: record.number.to_string(),
        reason: claim.reason.label().into(),
        shipment: record.shipment.to_string(),
        tracking: about.tracking.clone().unwrap_or_else(|| "no number".into()),
        carrier: about.carrier.clone().unwrap_or_else(|| "Unknown carrier".into()),
        due: due(record, today),
        status: claim.status,
        evidence: about.evidence,
        claimed: claim.claimed.map(money),
        paid: claim.paid.map(money),
    }
}

fn due(record: &ClaimRecord, today: Date) -> DueView {
    let claim = &record.claim;
    if let Some(ended) = claim.ended_on {
        let day = match (claim.status, claim.filed_on.zip(claim.file_by)) {
            (ClaimStatus::Paid, _) => format!("paid {}", short_day(ended)),
            (_, Some((filed, by))) if filed > by => format!("filed {} days late", (filed - by).get_days()),
            _ => short_day(ended),
        };
        return DueView { words: "closed".into(), day, tone: Tone::Over };
    }
    let Some(by) = claim.due() else {
        let words = if claim.status == ClaimStatus::Draft { "no deadline known" } else { "no date" };
        return DueView { words: words.into(), day: String::new(), tone: Tone::Calm };
    };
    let left = (by - today).get_days();
    let tone = match left {
        left if left <= BAD_DAYS => Tone::Bad,
        left if left <= WARN_DAYS => Tone::Warn,
        _ => Tone::Calm,
    };
    let words = match (claim.status, left) {
        (ClaimStatus::Draft, 0) => "file today".to_owned(),
        (ClaimStatus::Draft, 1) => "file tomorrow".to_owned(),
        (ClaimStatus::Draft, left) if left > 0 => format!("file in {left} days"),
        (ClaimStatus::Draft, -1) => "missed by 1 day".to_owned(),
        (ClaimStatus::Draft, left) => format!("missed by {} days", -left),
        (ClaimStatus::Offer, _) => "accept by".to_owned(),
        (_, left) if left < 0 => "answer overdue".to_owned(),
        _ => "answer by".to_owned(),
    };
    DueView { words, day: short_day(by), tone }
}

fn facts(record: &ClaimRecord) -> Vec<(String, String)> {
    let (claim, about) = (&record.claim, &record.about);
    let goods = about.goods.as_ref();
    let listed = [
        ("Order", goods.and_then(|goods| goods.order.clone())),
        ("Transfer", goods.map(|goods| goods.delivery.clone())),
        ("Goods value", goods.and_then(|goods| goods.value).map(|value| valued(value, claim.claimed))),
        (
            "Shipping cost",
            (!about.shipping.is_empty()).then(|| sums(&about.shipping.iter().copied().collect()).join(", ")),
        ),
        ("File by", claim.file_by.map(long_day)),
        ("Rule", about.rule.as_ref().map(|rule| rule.words.clone())),
        ("Filed", claim.filed_on.map(long_day)),
        ("Carrier’s number", claim.reference.clone()),
        ("Offered", claim.offered.map(money)),
        ("Answer by", claim.answer_by.map(long_day)),
        ("Paid", claim.paid.map(money)),
        ("Ended", claim.ended_on.map(long_day)),
    ];
    listed.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?))).collect()
}

/// What the goods are worth, and what is odd about what is claimed for them.
fn valued(value: Money, claimed: Option<Money>) -> String {
    let odd = match claimed {
        Some(claimed) if claimed.currency != value.currency => " (the claim is in another currency)",
        Some(claimed) if claimed.minor > value.minor => " (less than is claimed)",
        _ => "",
    };
    format!("{}{odd}", money(value))
}

fn evidence(of: &claims::Evidence) -> EvidenceView {
    let (there, detail) = match &of.presence {
        Presence::Present(what) => (true, what),
        Presence::Missing(what) => (false, what),
    };
    let takes_files = of.kind.takes_files();
    EvidenceView { kind: of.kind, label: of.kind.label().into(), there, takes_files, detail: sentence(detail) }
}

fn shown_file(of: ShownFile, times: &Times) -> ClaimFileView {
    let kib = of.file.size.div_ceil(1024);
    ClaimFileView {
        id: of.file.id.to_string(),
        name: of.name,
        kind: of.file.kind.label().into(),
        about: format!("{}, {kib} KB", of.file.format.extension().to_uppercase()),
        added: times.ago(of.file.added_at),
        digest: of.file.digest,
    }
}

fn event(done: Done, times: &Times) -> ClaimEvent {
    let what = match done.action.as_str() {
        "claim.raise" => "Raised",
        "claim.file" => "Filed",
        "claim.offer" => "Offer recorded",
        "claim.accept" => "Offer accepted",
        "claim.pay" => "Payment recorded",
        "claim.reject" => "Rejected by the carrier",
        "claim.contest" => "Rejection contested",
        "claim.close" => "Closed without payment",
        "claim.reopen" => "Reopened",
        "claim.amount" => "Amount changed",
        "claim.note" => "Note changed",
        "claim.assign" => "Owner changed",
        "claim.refresh" => "Evidence collected once more",
        "claim.file_added" => "File added",
        "claim.file_removed" => "File removed",
        "claim.bundle" => "Bundle made",
        "claim.deadline_missed" => "Deadline missed",
        other => other,
    };
    ClaimEvent { when: times.ago(done.at), what: what.to_owned(), who: who(done.by), why: done.why }
}

fn deadline(rule: &DeadlineRule) -> DeadlineView {
    let carrier = rule.carrier.as_deref();
    let name = carrier.map(|code| carriers::known("odoo", code).map_or(code, |entry| entry.name.as_str()));
    let reasons = match rule.reasons.as_slice() {
        [] => "Every reason".to_owned(),
        reasons => reasons.iter().map(|reason| reason.label()).collect::<Vec<_>>().join(", "),
    };
    DeadlineView {
        carrier: name.unwrap_or("Every other carrier").to_owned(),
        reasons,
        words: rule.words(),
        answer: rule.answer_days.map(|days| format!("{days} days")),
        source: rule.source.clone(),
        check_contract: rule.check_contract,
    }
}

fn csv(rows: &[Listed]) -> String {
    let head = [
        "Claim",
        "Reason",
        "Tracking number",
        "Carrier",
        "Status",
        "File by",
        "Filed",
        "Answer by",
        "Ended",
        "Currency",
        "Claimed",
        "Offered",
        "Paid",
        "Carrier's number",
        "Owner",
        "Order",
        "Evidence",
        "Deadline missed",
    ];
    let mut text = csv_line(&head);
    for Listed { record, owner } in rows {
        let (claim, about) = (&record.claim, &record.about);
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let amount = |money: Option<Money>| money.map(|money| money.amount()).unwrap_or_default();
        text += &csv_line(&[
            record.number.to_string(),
            claim.reason.label().to_owned(),
            about.tracking.clone().unwrap_or_default(),
            about.carrier.clone().unwrap_or_default(),
            claim.status.label().to_owned(),
            day(claim.file_by),
            day(claim.filed_on),
            day(claim.answer_by),
            day(claim.ended_on),
            claim.claimed.map(|money| money.currency.to_string()).unwrap_or_default(),
            amount(claim.claimed),
            amount(claim.offered),
            amount(claim.paid),
            claim.reference.clone().unwrap_or_default(),
            owner.clone().unwrap_or_default(),
            about.goods.as_ref().and_then(|goods| goods.order.clone()).unwrap_or_default(),
            about.evidence.map(|(there, of)| format!("{there} of {of}")).unwrap_or_default(),
            if record.missed { "yes" } else { "no" }.to_owned(),
        ]);
    }
    text
}
