//! Remarks about days, as charts show them.

use crate::views::Asker;
use app::contract::{ApiResult, figures::AnnotationView};
use application::{
    caller::Caller,
    kpi::{
        annotations::{self, Listed},
        period::Period,
    },
};

/// Those that concern the points of a chart, and a carrier where it is of one.
///
/// # Errors
/// When the caller may not, or the store fails.
pub(in crate::views) async fn marks(
    asker: &Asker,
    caller: &Caller,
    points: &[Period],
    carrier: Option<&str>,
) -> ApiResult<Vec<AnnotationView>> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(Vec::new()) };
    let all = annotations::list(&asker.context, caller, (first.from, last.last()), carrier).await;
    Ok(all.map_err(|error| asker.refused(error))?.iter().filter_map(|one| mark(one, points)).collect())
}

/// Its first and last point; none where it lies between two.
fn mark(of: &Listed, points: &[Period]) -> Option<AnnotationView> {
    let record = &of.record;
    let within = |point: &Period| record.from < point.until && record.to >= point.from;
    let from = points.iter().position(within)?;
    let until = points.iter().rposition(within)?;
    Some(AnnotationView { from, until, words: annotations::words(record) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::{kpi::period::Length, people::Who};
    use jiff::civil::date;
    use storage::{
        Actor,
        reports::{AnnotationKind, AnnotationRecord, Learning},
    };

    #[test]
    fn a_remark_covers_the_points_that_have_a_day_of_it() {
        let week = Period::around(date(2026, 11, 18), Length::Week);
        let points = week.course(Length::Week, 4);
        let listed = |from, to| Listed {
            by: Who::Operator,
            record: AnnotationRecord {
                id: uuid::Uuid::nil().into(),
                kind: AnnotationKind::Storm,
                from,
                to,
                carrier: None,
                text: String::new(),
                learning: Learning::Learned,
                by: Actor::Operator,
                at: jiff::Timestamp::UNIX_EPOCH,
            },
        };
        let covered = |from, to| mark(&listed(from, to), &points).map(|mark| (mark.from, mark.until));
        assert_eq!(covered(date(2026, 11, 8), date(2026, 11, 9)), Some((1, 2)), "Sunday and Monday");
        assert_eq!(covered(date(2026, 11, 16), date(2027, 1, 1)), Some((3, 3)));
        assert_eq!(covered(date(2026, 10, 1), date(2026, 12, 1)), Some((0, 3)));
        assert_eq!(covered(date(2026, 11, 23), date(2026, 11, 24)), None);
        assert_eq!(mark(&listed(date(2026, 11, 16), date(2026, 11, 16)), &points).unwrap().words, "Storm");
    }
}
