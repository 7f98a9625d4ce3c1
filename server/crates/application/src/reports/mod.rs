//! Saved reports: some figures of a period that moves with the day, kept under a name, made at any time as a file, and sent by mail on
//! a schedule. [`save`] keeps and changes them, [`build`] makes one, [`send`] mails it once.

mod build;
mod common;
mod csv;
mod html;
mod save;
mod send;
mod table;
mod xlsx;

pub use build::{Built, Line, Of, build};
pub use common::{mail_channel, recipients_of};
pub use save::{Act, Edited, Listed, MailingForm, NAME_CHARS_MAX, Shown, act, all, one, save};
pub use send::{SendError, begin_due, failed, send};

use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    kpi::{
        period::{Compared, Length, Period},
        read::{Dimension, Question},
    },
};
use domain::{access::Permission, ids::ReportId};
use kpi::report::{Narrowed, Relative, Split};
use storage::{
    reports::{Format, ReportRecord},
    rollups::Filter,
};

/// A report as a file.
#[derive(Clone)]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A report as a file, of now.
///
/// # Errors
/// When the caller may not see it, it is not there, or the store fails.
pub async fn file(context: &Context, caller: &Caller, id: ReportId, format: Format) -> Result<ReportFile> {
    caller.require(Permission::Figures)?;
    let report = save::visible(context, caller, id).await?;
    let built = build(context, caller, &report, context.now()).await?;
    written(&built, format)
}

/// A built report in a format.
pub(crate) fn written(built: &Built, format: Format) -> Result<ReportFile> {
    let (media_type, bytes) = match format {
        Format::Csv => ("text/csv; charset=utf-8", csv::text(built).into_bytes()),
        Format::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx::workbook(built)?),
        Format::Html => ("text/html; charset=utf-8", html::document(built).into_bytes()),
    };
    Ok(ReportFile { name: format!("{}.{}", built.file_name(), extension(format)), media_type, bytes })
}

/// What a file in a format ends with.
pub const fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Xlsx => "xlsx",
        Format::Html => "html",
    }
}

/// What narrows a report, for the store.
fn filter(of: &Narrowed) -> Filter {
    let Narrowed { company, warehouse, carrier, country, segment } = of.clone();
    Filter { company, warehouse, carrier, country, segment }
}

const fn dimension(of: Split) -> Dimension {
    match of {
        Split::Carrier => Dimension::Carrier,
        Split::Country => Dimension::Country,
        Split::Warehouse => Dimension::Warehouse,
        Split::Segment => Dimension::Segment,
        Split::Company => Dimension::Company,
    }
}

/// The question of a report, seen from a day.
fn question(of: &ReportRecord, today: jiff::civil::Date) -> Question {
    let (from, until) = of.content.period.days(today);
    let period = Period { from, until };
    let length = match of.content.period {
        Relative::Yesterday => Length::Day,
        Relative::LastWeek => Length::Week,
        Relative::LastMonth => Length::Month,
        Relative::LastQuarter => Length::Quarter,
        Relative::Last28Days | Relative::MonthToDate => Length::Days,
    };
    // as the pages compare
    let compared = period.compared(length, Compared::Before);
    Question { period, compared, filter: filter(&of.content.narrowed) }
}
