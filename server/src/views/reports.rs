//! Saved reports, targets and remarks, for the pages.

use super::{
    Asker,
    figures::choice::{asked, carrier_name},
    given, id,
    times::Times,
    words::who,
};
use app::contract::{
    ApiError, ApiResult,
    claims::FileAnswer,
    figures::{ChoiceView, DefinitionView, FiguresQuery, Length, Narrowing},
    reports::{
        RemarkForm, RemarkRow, ReportForm, ReportQuery, ReportRow, ReportView, ReportsView, RunView, TargetRow,
        TargetsView,
    },
    session::Permission,
};
use application::{
    exceptions::calendar,
    kpi::{
        annotations::{self, NewAnnotation},
        period::Period,
        read,
    },
    reports::{self, Act, Edited, Listed, MailingForm, extension},
};
use async_trait::async_trait;
use jiff::{ToSpan as _, civil::Date};
use kpi::{
    definition::{Definition, Direction, Kind, Kpi},
    report::{Content, Narrowed, Relative, Rhythm, Split},
};
use storage::reports::{Format, Learning, ReportRun, RunState, Sharing};

/// Days of which remarks are listed.
const REMARK_DAYS: i32 = 500;
/// The figures of a new report.
const USUAL: [Kpi; 4] = [Kpi::OnTime, Kpi::TransitTime, Kpi::ExceptionRate, Kpi::FirstAttempt];
const FORMATS: [Format; 3] = [Format::Html, Format::Xlsx, Format::Csv];

/// Saved reports, targets, remarks.
pub struct ReportsPort(pub Asker);

#[async_trait]
impl app::contract::reports::ReportsPort for ReportsPort {
    async fn list(&self) -> ApiResult<ReportsView> {
        let caller = self.0.caller(Permission::Figures)?;
        let rows = reports::all(&self.0.context, &caller).await.map_err(|e| self.0.refused(e))?;
        let times = self.0.times();
        Ok(ReportsView {
            rows: rows.into_iter().map(|listed| row(listed, &times)).collect(),
            mail: reports::mail_channel(&self.0.context).is_some(),
            zone: self.zone(&caller).await?,
        })
    }

    async fn one(&self, query: ReportQuery) -> ApiResult<ReportView> {
        let caller = self.0.caller(Permission::Figures)?;
        let choice = asked(&self.0, &caller, query.from.clone()).await?.view;
        let view = ReportView {
            mail: reports::mail_channel(&self.0.context).is_some(),
            zone: self.zone(&caller).await?,
            ..offered(choice)
        };
        if query.id.is_empty() {
            return Ok(ReportView { form: blank(&query), ..view });
        }
        let of = id(&query.id)?;
        let shown = reports::one(&self.0.context, &caller, of).await.map_err(|e| self.0.refused(e))?;
        let times = self.0.times();
        Ok(ReportView {
            form: entered(&shown),
            runs: shown.runs.iter().map(|run| run_view(run, &times)).collect(),
            row: Some(row(shown.listed, &times)),
            ..view
        })
    }

    async fn save(&self, form: ReportForm) -> ApiResult<String> {
        let caller = self.0.caller(Permission::Figures)?;
        let edited = edited(form)?;
        let id = reports::save(&self.0.context, &caller, edited).await.map_err(|e| self.0.refused(e))?;
        Ok(id.to_string())
    }

    async fn act(&self, of: String, act: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Figures)?;
        let act = match act.as_str() {
            "pause" => Act::Pause,
            "resume" => Act::Resume,
            "send" => Act::Send,
            "delete" => Act::Remove,
            _ => return Err(invalid("act", "Choose what to do with the report.")),
        };
        reports::act(&self.0.context, &caller, id(&of)?, act).await.map_err(|e| self.0.refused(e))
    }

    async fn file(&self, of: String, file: String) -> ApiResult<FileAnswer> {
        let caller = self.0.caller(Permission::Figures)?;
        let format = FORMATS.into_iter().find(|format| file == format!("report.{}", extension(*format)));
        let format = format.ok_or(ApiError::NotFound)?;
        let made = reports::file(&self.0.context, &caller, id(&of)?, format).await.map_err(|e| self.0.refused(e))?;
        Ok(FileAnswer { name: made.name, media_type: made.media_type, bytes: made.bytes })
    }

    async fn targets(&self) -> ApiResult<TargetsView> {
        let caller = self.0.caller(Permission::Figures)?;
        let context = &self.0.context;
        let today = read::today(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let days = (today.saturating_sub(REMARK_DAYS.days()), Date::MAX);
        let remarks = annotations::list(context, &caller, days, None).await.map_err(|e| self.0.refused(e))?;
        let set = read::set_targets(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let choice = asked(&self.0, &caller, FiguresQuery::default()).await?.view;
        let times = self.0.times();
        let kind = |kind| Narrowing { code: kind_code(kind), label: annotations::label(kind).into() };
        Ok(TargetsView {
            rows: Kpi::ALL.iter().map(|kpi| target(kpi.definition(), set.get(kpi).copied())).collect(),
            remarks: remarks.into_iter().map(|one| remark(one, &times)).collect(),
            kinds: annotations::KINDS.iter().copied().map(kind).collect(),
            carriers: choice.carriers,
            today: today.to_string(),
        })
    }

    async fn set_target(&self, figure: String, target: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let kpi = Kpi::from_id(&figure).ok_or(ApiError::NotFound)?;
        let number = |text: &str| text.parse::<f64>().map_err(|_| invalid("target", "Enter a number of 0 or more."));
        // a comma before three digits may be one of thousands
        if target.trim().rsplit_once(',').is_some_and(|(_, digits)| digits.len() == 3) {
            return Err(invalid("target", "Enter a number of 0 or more, without separators of thousands."));
        }
        let target = given(target.trim().replace(',', ".")).map(|text| number(&text)).transpose()?;
        read::set_target(&self.0.context, &caller, kpi, target).await.map_err(|e| self.0.refused(e))
    }

    async fn annotate(&self, form: RemarkForm) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let day = |field, text: &str| text.parse::<Date>().map_err(|_| invalid(field, "Enter the day as 2026-11-30."));
        let kind = annotations::KINDS.iter().copied().find(|kind| kind_code(*kind) == form.kind);
        let from = day("first", &form.first)?;
        let new = NewAnnotation {
            kind: kind.ok_or_else(|| invalid("kind", "Choose what it is about."))?,
            from,
            to: if form.last.is_empty() { from } else { day("to", &form.last)? },
            carrier: given(form.carrier),
            text: form.text,
            learning: if form.left_out.is_empty() { Learning::Learned } else { Learning::LeftOut },
        };
        annotations::add(&self.0.context, &caller, new).await.map_err(|e| self.0.refused(e))
    }

    async fn remove_remark(&self, of: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        annotations::remove(&self.0.context, &caller, id(&of)?).await.map_err(|e| self.0.refused(e))
    }
}

impl ReportsPort {
    async fn zone(&self, caller: &application::caller::Caller) -> ApiResult<String> {
        let company = calendar::company(&self.0.context, caller.scope()).await.map_err(|e| self.0.refused(e))?;
        Ok(company.zone.clone())
    }
}

fn invalid(field: &str, message: &str) -> ApiError {
    ApiError::Invalid { field: field.into(), message: message.into() }
}

fn kind_code(kind: storage::reports::AnnotationKind) -> String {
    annotations::label(kind).to_lowercase().replace(' ', "_")
}

/// What a report can be made of.
fn offered(choice: ChoiceView) -> ReportView {
    let figure = |kpi: &Kpi| Narrowing { code: kpi.id().into(), label: kpi.definition().title.into() };
    let counted = Kpi::ALL.iter().filter(|kpi| kpi.definition().is_counted());
    let period = |one: &Relative| Narrowing { code: one.code().into(), label: one.label().into() };
    let split = |one: &Split| Narrowing { code: one.code().into(), label: one.label().into() };
    ReportView {
        figures: counted.map(figure).collect(),
        periods: Relative::ALL.iter().map(period).collect(),
        splits: Split::ALL.iter().map(split).collect(),
        companies: choice.companies,
        warehouses: choice.warehouses,
        carriers: choice.carriers,
        countries: choice.countries,
        segments: choice.segments,
        ..ReportView::default()
    }
}

/// A new report, about what the page that it comes from shows.
fn blank(query: &ReportQuery) -> ReportForm {
    let known = query.figures.split(',').filter_map(Kpi::from_id).filter(|kpi| kpi.definition().is_counted());
    let asked: Vec<String> = known.map(|kpi| kpi.id().into()).collect();
    let period = match query.from.length {
        Length::Day => Relative::Yesterday,
        Length::Week => Relative::LastWeek,
        Length::Month => Relative::LastMonth,
        Length::Quarter => Relative::LastQuarter,
        Length::Days => Relative::Last28Days,
    };
    let from = query.from.clone();
    ReportForm {
        figures: if asked.is_empty() { USUAL.iter().map(|kpi| kpi.id().into()).collect() } else { asked },
        period: period.code().into(),
        company: from.company,
        warehouse: from.warehouse,
        carrier: from.carrier,
        country: from.country,
        segment: from.segment,
        weekday: "1".into(),
        day: "1".into(),
        hour: "7".into(),
        format: extension(Format::Html).into(),
        ..ReportForm::default()
    }
}

/// A report as it stands in its form.
fn entered(of: &reports::Shown) -> ReportForm {
    let record = &of.listed.record;
    let Narrowed { company, warehouse, carrier, country, segment } = record.content.narrowed.clone();
    let rhythm = record.mailing.as_ref().map(|mailing| mailing.rhythm);
    let (every, weekday, day) = match rhythm {
        None => ("", 1, 1),
        Some(Rhythm::Day { .. }) => ("day", 1, 1),
        Some(Rhythm::Week { weekday, .. }) => ("week", weekday, 1),
        Some(Rhythm::Month { day, .. }) => ("month", 1, day),
    };
    let format = record.mailing.as_ref().map(|mailing| mailing.format).unwrap_or_default();
    ReportForm {
        id: record.id.to_string(),
        revision: record.revision,
        name: record.name.clone(),
        sharing: if record.sharing == Sharing::Team { "team".into() } else { String::new() },
        figures: record.content.figures.iter().map(|kpi| kpi.id().into()).collect(),
        period: record.content.period.code().into(),
        company: company.unwrap_or_default(),
        warehouse: warehouse.unwrap_or_default(),
        carrier: carrier.unwrap_or_default(),
        country: country.unwrap_or_default(),
        segment: segment.unwrap_or_default(),
        split: record.content.split.map(Split::code).unwrap_or_default().into(),
        every: every.into(),
        weekday: weekday.to_string(),
        day: day.to_string(),
        hour: rhythm.map_or(7, Rhythm::hour).to_string(),
        to: of.to.join(", "),
        format: extension(format).into(),
    }
}

fn edited(form: ReportForm) -> ApiResult<Edited> {
    let figures = form.figures.iter().map(|id| Kpi::from_id(id)).collect::<Option<Vec<_>>>();
    let period = Relative::from_code(&form.period).ok_or_else(|| invalid("period", "Choose a period."))?;
    let split = given(form.split.clone()).map(|code| Split::from_code(&code).ok_or(code)).transpose();
    let number = |text: &str, field| text.trim().parse::<i8>().map_err(|_| invalid(field, "Choose a day and an hour."));
    let hour = || number(&form.hour, "rhythm");
    let rhythm = match form.every.as_str() {
        "" => None,
        "day" => Some(Rhythm::Day { hour: hour()? }),
        "week" => Some(Rhythm::Week { weekday: number(&form.weekday, "rhythm")?, hour: hour()? }),
        "month" => Some(Rhythm::Month { day: number(&form.day, "rhythm")?, hour: hour()? }),
        _ => return Err(invalid("rhythm", "Choose how often the report goes out.")),
    };
    let format = FORMATS.into_iter().find(|format| extension(*format) == form.format).unwrap_or_default();
    let to = || form.to.split([',', ';', '\n']).map(str::to_owned).collect();
    Ok(Edited {
        id: given(form.id.clone()).map(|text| id(&text)).transpose()?,
        revision: form.revision,
        mailing: rhythm.map(|rhythm| MailingForm { rhythm, format, to: to() }),
        name: form.name,
        sharing: if form.sharing == "team" { Sharing::Team } else { Sharing::Private },
        content: Content {
            figures: figures.ok_or_else(|| invalid("figures", "Choose figures of the list."))?,
            period,
            narrowed: Narrowed {
                company: given(form.company),
                warehouse: given(form.warehouse),
                carrier: given(form.carrier),
                country: given(form.country),
                segment: given(form.segment),
            },
            split: split.map_err(|_| invalid("split", "Choose by what the figures are split."))?,
        },
    })
}

fn row(of: Listed, times: &Times) -> ReportRow {
    let Listed { record, owner, may_change, recipients, last } = of;
    let content = &record.content;
    let figures = match content.figures.as_slice() {
        [one] => one.definition().title.to_owned(),
        several => format!("{} figures", several.len()),
    };
    let split = content.split.map(|split| format!(" by {}", split.label().to_lowercase())).unwrap_or_default();
    let narrowed = content.narrowed.clone();
    let carrier = narrowed.carrier.map(|family| carrier_name(&family));
    let by = [narrowed.company, narrowed.warehouse, carrier, narrowed.country, narrowed.segment];
    let parts = [Some(content.period.label().to_owned()), Some(format!("{figures}{split}"))];
    let mailing = record.mailing.as_ref();
    ReportRow {
        id: record.id.to_string(),
        owner: owner
            .unwrap_or_else(|| if record.owner.is_some() { "a former user" } else { "the command line" }.into()),
        team: record.sharing == Sharing::Team,
        shows: parts.into_iter().chain(by).flatten().collect::<Vec<_>>().join(" · "),
        rhythm: mailing.map(|mailing| mailing.rhythm.words()),
        recipients: recipients as u64,
        paused: mailing.is_some_and(|mailing| mailing.next_at.is_none()),
        next: mailing.and_then(|mailing| mailing.next_at).map(|at| times.dated(at)),
        last: last.as_ref().map(|run| run_view(run, times)),
        may_change,
        name: record.name,
    }
}

fn run_view(run: &ReportRun, times: &Times) -> RunView {
    let (state, bad) = match run.state {
        RunState::Waiting if run.note.is_empty() => ("Waiting", false),
        RunState::Waiting => ("Retrying", true),
        RunState::Sending => ("Being sent", false),
        RunState::Sent => ("Sent", false),
        RunState::Unknown => ("Unknown: it may have arrived", true),
        RunState::Failed => ("Failed", true),
    };
    let (when, due) = (times.ago(run.at), times.dated(run.due_at));
    RunView { when, due, state: state.into(), note: run.note.clone(), bad }
}

fn target(of: &'static Definition, set: Option<f64>) -> TargetRow {
    let usual = match of.direction {
        Direction::Up => "at least",
        Direction::Down => "at most",
        Direction::Near => "near",
    };
    let way = of.target.map_or(usual, |target| target.of);
    TargetRow {
        id: of.kpi.id().into(),
        title: of.title.into(),
        unit: of.unit.sign().into(),
        way: way.into(),
        usual: of.target.map(|target| format!("{} {}", target.of, target.value)).unwrap_or_default(),
        set: set.map(|value| value.to_string()).unwrap_or_default(),
        definition: DefinitionView {
            version: of.version,
            reads: of.reads.into(),
            counts: of.counts.into(),
            bucket: of.bucket.into(),
            restated: of.kind == Kind::Flow,
            source: of.source.into(),
        },
    }
}

fn remark(of: annotations::Listed, times: &Times) -> RemarkRow {
    let annotations::Listed { record, by } = of;
    let days = Period { from: record.from, until: record.to.saturating_add(1.day()) };
    RemarkRow {
        id: record.id.to_string(),
        kind: annotations::label(record.kind).into(),
        days: days.days_in_full(),
        carrier: record.carrier.as_deref().map_or_else(|| "All carriers".to_owned(), carrier_name),
        text: record.text,
        left_out: record.learning == Learning::LeftOut,
        by: who(by),
        when: times.ago(record.at),
    }
}
