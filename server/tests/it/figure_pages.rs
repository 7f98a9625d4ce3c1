//! Pages of figures: each number leads to exactly its rows, whatever the period and the filters; what needs a decision is said.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site};
use app::contract::{
    ApiError,
    figures::{FigureQuery, FigureView, FiguresQuery, Leads, Length, OverviewView, Standing},
};
use application::kpi::keep;
use domain::{access::Role, ids::ShipmentId};
use jiff::civil::{Date, date};
use kpi::{
    contribution::row::{Bucket, Contributed, Dims, Part},
    definition::Kpi,
    figure::minute,
};
use storage::rollups::NewContribution;

/// A day of the week before the one that the tests' clock stands in.
const LAST_WEEK: Date = date(2026, 2, 25);
/// The day that it stands in.
const TODAY: Date = date(2026, 3, 5);

fn contributed(carrier: &str, country: &str, day: Date, part: Part, bin: Option<i32>) -> Contributed {
    let dims = Dims {
        carrier: Some(carrier.into()),
        country: Some(country.into()),
        warehouse: Some("WH".into()),
        segments: [if country == "DE" { "Retail" } else { "Key accounts" }.to_owned()].into(),
        ..Dims::default()
    };
    let mut one = Contributed { dims, ..Contributed::default() };
    one.add(Kpi::OnTime, part, Bucket::day(day), bin, 1);
    if part == Part::Yes {
        one.add(Kpi::TransitTime, Part::Value, Bucket::day(day), Some(24 * i32::from(day.day() % 5)), 1);
    }
    one
}

/// A company with what its shipments add to figures.
struct Company {
    world: World,
    records: i64,
}

impl Company {
    async fn new() -> Self {
        Self { world: World::new().await, records: 0 }
    }

    async fn adds(&mut self, count: usize, what: &Contributed) -> Vec<ShipmentId> {
        let (context, scope) = (&self.world.context, self.world.context.scope());
        let mut ids = Vec::new();
        for _ in 0..count {
            self.records += 1;
            let number = format!("NUMBER{}", self.records);
            let id = self.world.order(self.records, &[&number]).await;
            let loaded = self.world.load(id).await;
            let new = NewContribution::since(what.clone(), &loaded.contributed).unwrap().unwrap();
            let revision = loaded.shipment.revision;
            assert!(context.store.rollups.replace(scope, id, revision, new, context.now()).await.unwrap());
            ids.push(id);
        }
        while keep::add_up(context, scope).await.unwrap() == keep::Step::More {}
        ids
    }

    /// One carrier is bad to one country; the others are good.
    async fn of_a_bad_lane() -> Self {
        let mut company = Self::new().await;
        for (count, carrier, country, part) in [
            (20, "gls", "DE", Part::Yes),
            (12, "gls", "DE", Part::No),
            (60, "dpd", "DE", Part::Yes),
            (1, "dpd", "DE", Part::No),
            (31, "dpd", "AT", Part::Yes),
            (2, "dpd", "AT", Part::NoPromise),
        ] {
            company.adds(count, &contributed(carrier, country, LAST_WEEK, part, None)).await;
        }
        company
    }

    async fn overview(&self, query: FiguresQuery) -> OverviewView {
        self.world.ports(Role::Executive).figures.overview(query).await.unwrap()
    }

    /// The rows of a part, page by page, and what they come to.
    async fn rows(&self, kpi: &str, tab: &str, figures: &FiguresQuery) -> i64 {
        let ports = self.world.ports(Role::Executive);
        let (mut cursor, mut n) = (String::new(), 0);
        loop {
            let query = FigureQuery { kpi: kpi.into(), tab: tab.into(), cursor, figures: figures.clone() };
            let page = ports.figures.one(query).await.unwrap();
            assert_eq!(page.tab, tab);
            n += page.rows.iter().map(|row| row.n).sum::<i64>();
            match page.next {
                Some(next) => cursor = next,
                None => return n,
            }
        }
    }

    async fn agree(&self, figure: &FigureView, query: &FiguresQuery) {
        for part in &figure.parts {
            let rows = self.rows(&figure.id, &part.code, query).await;
            assert_eq!(u64::try_from(rows).unwrap(), part.count, "{} {}", figure.id, part.code);
            let asked = FigureQuery {
                kpi: figure.id.clone(),
                tab: part.code.clone(),
                cursor: String::new(),
                figures: query.clone(),
            };
            let csv = self.world.ports(Role::Executive).figures.rows_csv(asked).await.unwrap();
            assert_eq!(csv.lines().count() as u64, part.count + 1, "a line for each, and the head");
        }
    }
}

#[tokio::test]
async fn every_number_is_that_of_its_rows() {
    let company = Company::of_a_bad_lane().await;
    let all = FiguresQuery::default();
    for query in [
        all.clone(),
        FiguresQuery { carrier: "gls".into(), ..all.clone() },
        FiguresQuery { segment: "Key accounts".into(), ..all.clone() },
        FiguresQuery { country: "AT".into(), warehouse: "WH".into(), ..all.clone() },
        all.at(Length::Day, LAST_WEEK.to_string()),
        all.at(Length::Month, LAST_WEEK.to_string()),
        all.at(Length::Day, TODAY.to_string()),
    ] {
        let view = company.overview(query.clone()).await;
        company.agree(&view.on_time, &query).await;
        for tile in &view.tiles {
            company.agree(tile, &query).await;
        }
    }
    let view = company.overview(all).await;
    let counts: Vec<_> = view.on_time.parts.iter().map(|part| (part.code.as_str(), part.count)).collect();
    assert_eq!(counts, [("for", 111), ("against", 13), ("outside-no_promise", 2)]);
    assert_eq!((view.on_time.shown.as_str(), view.on_time.unit.as_str()), ("89.5", "%"));
    assert_eq!(view.on_time.target.unwrap().missed, "missed by 5.5 pt");
}

#[tokio::test]
async fn the_overview_says_what_to_decide() {
    let company = Company::of_a_bad_lane().await;
    let view = company.overview(FiguresQuery::default()).await;
    let said = &view.decisions[0];
    assert!(said.question.starts_with("Keep GLS from WH to DE"), "{said:?}");
    let Leads::Rows(rows) = &said.page else { panic!("{said:?}") };
    assert_eq!(company.rows(&rows.kpi, &rows.tab, &rows.figures).await, 12);
    let without = view.without.unwrap();
    assert_eq!((without.late, without.shown.as_str(), without.makes_the_difference), (12, "98.9", true));
    assert_eq!(company.rows("on_time", "against", &without.query).await, 12);
    assert_eq!(without.values.last().unwrap().unwrap().round(), 99.0);
    // of the good carrier alone there is nothing to decide, and nothing without which it would be better
    let good = company.overview(FiguresQuery { carrier: "dpd".into(), ..FiguresQuery::default() }).await;
    assert_eq!((good.decisions.len(), good.without), (0, None));
    assert_eq!(good.on_time.target.unwrap().met, Some(true));
}

#[tokio::test]
async fn nothing_measured_is_no_data_and_few_are_not_judged() {
    let mut company = Company::new().await;
    let empty = company.overview(FiguresQuery::default()).await;
    assert_eq!((empty.on_time.standing, empty.on_time.shown.as_str()), (Standing::NoData, "No data"));
    assert_eq!((empty.decisions.len(), empty.due.due), (0, 0));
    let board = company.world.ports(Role::Executive).figures.sla(FiguresQuery::default()).await.unwrap();
    assert_eq!((board.groups.len(), board.at_risk.len()), (0, 0));
    company.adds(29, &contributed("gls", "DE", LAST_WEEK, Part::No, None)).await;
    let few = company.overview(FiguresQuery::default()).await;
    assert_eq!((few.on_time.standing, few.on_time.of), (Standing::Few, 29));
    assert_eq!(few.on_time.target.unwrap().met, None);
    assert_eq!(few.on_time.change, None);
}

#[tokio::test]
async fn the_board_splits_and_shows_what_is_due_today() {
    let mut company = Company::of_a_bad_lane().await;
    let now = minute(company.world.context.now());
    let over = company.adds(2, &contributed("gls", "DE", TODAY, Part::Open, Some(now - 5))).await;
    company.adds(3, &contributed("dpd", "AT", TODAY, Part::Open, Some(now + 60))).await;
    company.adds(4, &contributed("dpd", "AT", TODAY, Part::Yes, None)).await;
    let board = company.world.ports(Role::Executive).figures.sla(FiguresQuery::default()).await.unwrap();
    let due = &board.due;
    assert_eq!((due.due, due.delivered, due.on_track, due.at_risk, due.breached), (9, 4, 3, 0, 2));
    assert_eq!((due.least.as_deref(), due.met), (Some("77.8"), Some(false)));
    let shown: Vec<_> = board.at_risk.iter().map(|row| (row.id.clone(), row.breached)).collect();
    let mut expected: Vec<_> = over.iter().map(|id| (id.to_string(), true)).collect();
    expected.sort();
    assert_eq!(shown, expected);
    let titles: Vec<_> = board.groups.iter().map(|group| group.title.as_str()).collect();
    assert_eq!(titles, ["Customer segment", "Carrier", "Lane"]);
    for group in &board.groups {
        let late: u64 = group.rows.iter().map(|row| row.late).sum();
        assert_eq!(late, 13, "{}: the same shipments, split", group.title);
        let today: u64 = group.rows.iter().map(|row| row.today.0 + row.today.1 + row.today.2).sum();
        assert_eq!(today, due.due, "{}", group.title);
        for row in group.rows.iter().filter(|row| row.late > 0) {
            let rows = company.rows("on_time", "against", row.query.as_ref().unwrap()).await;
            assert_eq!(u64::try_from(rows).unwrap(), row.late, "{} {}", group.title, row.name);
        }
    }
    let worst = &board.groups[1].rows[0];
    assert_eq!((worst.name.as_str(), worst.on_time.as_str(), worst.met), ("GLS", "62.5 %", Some(false)));
    let today = company.overview(FiguresQuery::default()).await;
    assert!(today.decisions[0].question.starts_with("Tell 2 customers"), "{:?}", today.decisions);
}

#[tokio::test]
async fn what_is_no_figure_is_not_found() {
    let world = World::new().await;
    let one = async |kpi: &str, role: Role| {
        let query = FigureQuery { kpi: kpi.into(), ..FigureQuery::default() };
        world.ports(role).figures.one(query).await.map(drop)
    };
    assert_eq!(one("nothing", Role::Executive).await, Err(ApiError::NotFound));
    for kpi in Kpi::ALL {
        one(kpi.id(), Role::Executive).await.unwrap();
    }
    let long = FiguresQuery {
        length: Length::Days,
        from: "2020-01-01".into(),
        until: "2026-01-01".into(),
        ..FiguresQuery::default()
    };
    let refused = world.ports(Role::Executive).figures.overview(long).await;
    assert!(matches!(refused, Err(ApiError::Invalid { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_come_as_a_file_to_those_who_may() {
    let site = Site::start().await;
    let admin = site.sign_in().await;
    let path = "/figures/on_time/rows.csv?tab=for&period=month";
    let csv = site.page(path, Some(&admin)).await.unwrap();
    assert!(csv.status.is_success() && csv.body.starts_with("\"Day\",\"Number\""), "{csv:?}");
    let without = site.page(path, None).await.unwrap();
    assert_eq!(without.status.as_u16(), 401);
    let nothing = site.page("/figures/nothing/rows.csv?tab=for", Some(&admin)).await.unwrap();
    assert_eq!(nothing.status.as_u16(), 404);
    let tab = site.page("/figures/on_time/rows.csv?tab=sideways", Some(&admin)).await.unwrap();
    assert_eq!(tab.status.as_u16(), 404);
    site.stop().await;
}
