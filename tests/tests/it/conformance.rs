//! The connectors and the fold agree with what others say.

use tests::conformance;

#[test]
fn the_connectors_and_the_fold_conform() {
    let collection = conformance::collection();
    if collection.is_none() {
        println!("the larger collection of payloads is not there: only what ships is compared");
    }
    let report = conformance::run(collection.as_deref()).expect("what ships can be read");
    assert!(report.scenarios.total >= 18, "{} scenarios", report.scenarios.total);
    assert!(report.signatures.total >= 24, "{} vectors", report.signatures.total);
    let json = serde_json::to_string_pretty(&report).expect("a report is JSON");
    assert!(report.ok, "{json}");
}
