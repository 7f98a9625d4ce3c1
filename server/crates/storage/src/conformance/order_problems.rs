//! Deliveries that could not be read.

use super::{World, at};
use crate::{
    Store,
    order_problems::{Extent, NewOrderProblem, PROBLEM_ROWS},
};

pub async fn a_problem_is_kept_tried_again_later_and_forgotten(store: Store) {
    let world = World::new(store).await;
    let (problems, scope) = (&world.store.order_problems, world.scope);
    let problem = |record, name: Option<&str>, extent| NewOrderProblem {
        record,
        name: name.map(str::to_owned),
        problem: format!("state: odd\0 {record}"),
        extent,
    };
    let new = vec![problem(1, Some("WH/OUT/1"), Extent::Part), problem(2, None, Extent::Whole)];
    problems.note(scope, "odoo", new, Vec::new(), at(0)).await.unwrap();
    assert_eq!(problems.due(scope, "odoo", at(4), 10).await.unwrap(), Vec::<i64>::new());
    assert_eq!(problems.due(scope, "odoo", at(5), 10).await.unwrap(), [1, 2]);
    // met again before it is due: no try; then a try, whose name is not known any more
    problems.note(scope, "odoo", vec![problem(1, None, Extent::Whole)], Vec::new(), at(1)).await.unwrap();
    problems.note(scope, "odoo", vec![problem(2, Some("WH/OUT/2"), Extent::Whole)], Vec::new(), at(6)).await.unwrap();
    let listed = problems.list(scope).await.unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|p| {
            (p.seen.record, p.seen.name.as_deref(), p.seen.extent, p.attempts, p.first_seen, p.tried_at, p.next_try)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (2, Some("WH/OUT/2"), Extent::Whole, 2, at(0), at(6), at(16)),
            (1, Some("WH/OUT/1"), Extent::Whole, 1, at(0), at(0), at(5)),
        ]
    );
    problems.hurry(scope, at(7)).await.unwrap();
    assert_eq!(problems.due(scope, "odoo", at(7), 1).await.unwrap(), [1], "no more than asked for");
    problems.note(scope, "odoo", Vec::new(), vec![1, 99], at(8)).await.unwrap();
    assert_eq!(problems.list(scope).await.unwrap().iter().map(|p| p.seen.record).collect::<Vec<_>>(), [2]);
    problems.note(scope, "odoo", vec![problem(0, None, Extent::Whole)], Vec::new(), at(8)).await.unwrap();
    assert_eq!(problems.due(scope, "odoo", at(600), 10).await.unwrap(), [2], "what has no id cannot be asked for");
    assert_eq!(problems.list(scope).await.unwrap().len(), 2);
    let among = problems.among(scope, "odoo", vec![77, 2, 0, 1]).await.unwrap();
    assert_eq!(among.keys().copied().collect::<Vec<_>>(), [0, 2]);
    let seen = problems.list(scope).await.unwrap().into_iter().map(|known| (known.seen.record, known.seen));
    assert_eq!(among, seen.collect(), "as they were seen last");
    let other = crate::Scope { company: world.id(), ..scope };
    assert_eq!(problems.list(other).await.unwrap(), []);
    assert!(problems.among(other, "odoo", vec![0, 2]).await.unwrap().is_empty());
}

pub async fn more_problems_than_a_list_shows_are_all_known_and_forgotten(store: Store) {
    let world = World::new(store).await;
    let (problems, scope) = (&world.store.order_problems, world.scope);
    let records: Vec<i64> = (1..=i64::from(PROBLEM_ROWS) + 50).collect();
    let problem = |record| NewOrderProblem { record, name: None, problem: "state: odd".into(), extent: Extent::Whole };
    problems.note(scope, "odoo", records.iter().copied().map(problem).collect(), Vec::new(), at(0)).await.unwrap();
    assert_eq!(problems.list(scope).await.unwrap().len(), PROBLEM_ROWS as usize);
    let among = problems.among(scope, "odoo", records.clone()).await.unwrap();
    assert_eq!(among.into_keys().collect::<Vec<_>>(), records);
    problems.note(scope, "odoo", Vec::new(), records.clone(), at(1)).await.unwrap();
    assert!(problems.among(scope, "odoo", records).await.unwrap().is_empty());
}

pub async fn problems_of_two_order_systems_are_kept_apart(store: Store) {
    let world = World::new(store).await;
    let (problems, scope) = (&world.store.order_problems, world.scope);
    let problem = |what: &str| NewOrderProblem { record: 1, name: None, problem: what.into(), extent: Extent::Whole };
    problems.note(scope, "odoo", vec![problem("of the first")], Vec::new(), at(0)).await.unwrap();
    problems.note(scope, "odoo-pl", vec![problem("of the second")], Vec::new(), at(1)).await.unwrap();
    let listed = problems.list(scope).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|p| (p.system.as_str(), p.seen.problem.as_str(), p.attempts)).collect();
    assert_eq!(shown, [("odoo-pl", "of the second", 1), ("odoo", "of the first", 1)]);
    problems.note(scope, "odoo-pl", Vec::new(), vec![1], at(2)).await.unwrap();
    assert!(problems.among(scope, "odoo-pl", vec![1]).await.unwrap().is_empty());
    assert_eq!(problems.due(scope, "odoo", at(60), 10).await.unwrap(), [1]);
    assert_eq!(problems.due(scope, "odoo-pl", at(60), 10).await.unwrap(), Vec::<i64>::new());
}
