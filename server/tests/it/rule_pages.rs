//! The pages of rules without the browser's half: forms that are sent, steps in the editor, what is shown again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    site::{Reply, Site},
};
use app::contract::{
    ApiError,
    rules::{ActionForm, RowForm, RuleForm, RuleQuery, RulesQuery, RulesTab},
};
use domain::access::Role;
use http::{StatusCode, header};

fn encoded(pairs: &[(&str, &str)]) -> String {
    // as browsers do: what is a letter or digit stays
    let one = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    let percent = |text: &str| text.bytes().map(one).collect::<String>();
    pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect::<Vec<_>>().join("&")
}

fn location(reply: &Reply) -> String {
    reply.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The page behind a form, without what the browser's half reads.
async fn shown(site: &Site, path: &str, cookie: &str) -> String {
    let path = path.split('#').next().unwrap();
    let page = site.page(path, Some(cookie)).await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
    page.body.split("<script").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_written_and_published_by_forms_alone() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let list = shown(&site, "/rules", &cookie).await;
    assert!(list.contains("Exceptions that last get a case") && list.contains("href=\"/rules/new\""), "{list}");
    let text = "exception.severity in [\"MAJOR\", \"CRITICAL\"]";
    let base =
        [("rule[id]", ""), ("rule[name]", "Held at the hub"), ("rule[trigger]", "exception"), ("rule[was]", text)];
    let with = |more: &[(&'static str, &'static str)]| encoded(&[&base[..], more].concat());
    // a step keeps what was typed and changes nothing
    let row = [
        ("rule[when]", text),
        ("rule[rows][0][field]", "exception.severity"),
        ("rule[rows][0][operator]", "one_of"),
        ("rule[rows][0][values][]", "MAJOR"),
        ("rule[rows][0][values][]", "MINOR"),
    ];
    let form = with(&[&row[..], &[("rule[step]", "add-action"), ("rule[new_action]", "alert")]].concat());
    let answer = site.submit("/rules/new", "rules/edit", &form, &cookie).await;
    let back = location(&answer);
    assert!(back.starts_with("/rules/new?typed=true#action-0"), "{answer:?}");
    let page = shown(&site, &back, &cookie).await;
    assert!(page.contains("value=\"Held at the hub\""), "the name is not lost: {page}");
    assert!(
        page.contains("exception.severity in [&quot;MINOR&quot;, &quot;MAJOR&quot;]")
            || page.contains("[\"MAJOR\", \"MINOR\"]")
            || page.contains("&quot;MAJOR&quot;, &quot;MINOR&quot;"),
        "the text follows the row: {page}"
    );
    assert!(
        page.contains("rule[then][0][kind]") && page.contains("A text has 1 to"),
        "the new action has its form: {page}"
    );
    // saved, with an error by line and column
    let wrong = "exception.severity == \"MAJOR\"\r\n&& order.delivry != \"x\"";
    let action = [("rule[then][0][kind]", "alert"), ("rule[then][0][fields][text]", "{number} is held at {place}")];
    let form = with(&[&[("rule[when]", wrong), ("rule[step]", "publish")], &action[..]].concat());
    let answer = site.submit("/rules/new", "rules/edit", &form, &cookie).await;
    assert_eq!(location(&answer), "/rules/held-at-the-hub#problems", "{answer:?}");
    let page = shown(&site, "/rules/held-at-the-hub", &cookie).await;
    for said in ["Line 2, column 4:", "Did you mean order.delivery?", "1 error to fix", "Never published"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    // corrected by its own suggestion, then published
    let own = |when: &str, step: &str| {
        let pairs = [
            ("rule[id]", "held-at-the-hub"),
            ("rule[name]", "Held at the hub"),
            ("rule[trigger]", "exception"),
            ("rule[was]", "true"),
            ("rule[when]", when),
            ("rule[step]", step),
            action[0],
            action[1],
        ];
        encoded(&pairs)
    };
    let answer = site.submit("/rules/held-at-the-hub", "rules/edit", &own(wrong, "replace"), &cookie).await;
    let page = shown(&site, &location(&answer), &cookie).await;
    assert!(page.contains("order.delivery != ") && !page.contains("order.delivry"), "{page}");
    let right = wrong.replace("delivry", "delivery");
    let answer = site.submit("/rules/held-at-the-hub", "rules/edit", &own(&right, "publish"), &cookie).await;
    assert_eq!(location(&answer), "/rules/held-at-the-hub", "{answer:?}");
    let page = shown(&site, "/rules/held-at-the-hub", &cookie).await;
    assert!(page.contains("v1 runs since") && page.contains("data-version=\"1\""), "{page}");
    // the name is taken
    let form = with(&[&[("rule[when]", text), ("rule[step]", "save")], &action[..]].concat());
    let answer = site.submit("/rules/new", "rules/edit", &form, &cookie).await;
    let page = shown(&site, &location(&answer), &cookie).await;
    assert!(page.contains("There is a rule held-at-the-hub already"), "{page}");
    let csv = site.page("/rules/export.csv", Some(&cookie)).await.unwrap();
    assert!(csv.body.contains("held-at-the-hub") && csv.body.lines().count() == 11, "{}", csv.body);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_paused_given_to_a_person_and_rolled_back_by_forms() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let act = async |act: &str, with: &str| {
        let form = encoded(&[("id", "cases"), ("act", act), ("with", with)]);
        let answer = site.submit("/rules/cases", "rules/act", &form, &cookie).await;
        (location(&answer), shown(&site, "/rules/cases", &cookie).await)
    };
    let (to, page) = act("pause", "").await;
    assert!(to == "/rules/cases" && page.contains("data-testid=\"resume\"") && page.contains("by Anna Lind"), "{page}");
    let (to, _) = act("pause", "2001-01-01T10:00").await;
    assert!(to.contains("__err="), "a time that is over: {to}");
    let (_, page) = act("resume", "").await;
    assert!(page.contains("data-testid=\"pausing\""), "{page}");
    let person = page.split("id=\"rule-owner\"").nth(1).unwrap().split("</select>").next().unwrap();
    let id = person.split("value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    act("owner", &id).await;
    assert!(shown(&site, "/rules", &cookie).await.contains("Anna Lind"));
    let (_, page) = act("roll_back", "0").await;
    assert!(page.contains("data-version=\"1\"") && page.contains("back to built-in version"), "{page}");
    let compared = shown(&site, "/rules/cases?compare=0", &cookie).await;
    assert!(compared.contains("They are the same."), "{compared}");
    let history = shown(&site, "/rules?view=history", &cookie).await;
    assert!(history.contains("data-testid=\"published\""), "{history}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_change_rules_sees_them_and_no_button() {
    let site = Site::start().await;
    let agent = site.sign_in_as(Role::Agent).await;
    let list = shown(&site, "/rules", &agent).await;
    assert!(list.contains("rule-row") && !list.contains("/rules/new") && !list.contains("four-eyes\""), "{list}");
    let page = shown(&site, "/rules/cases", &agent).await;
    assert!(page.contains("exception.severity"), "{page}");
    for button in ["\"save\"", "\"publish\"", "\"try\"", "\"add-row\"", "\"pausing\"", "\"roll-back\""] {
        assert!(!page.contains(&format!("data-testid={button}")), "{button}: {page}");
    }
    site.stop().await;
}

#[tokio::test]
async fn many_rows_and_actions_keep_their_order() {
    let world = World::new().await;
    let rules = world.ports(Role::Admin).rules;
    let row = |n: usize| RowForm {
        field: "shipment.attempts".into(),
        operator: "more".into(),
        typed: n.to_string(),
        ..RowForm::default()
    };
    let form = RuleForm {
        name: "Many".into(),
        trigger: "change".into(),
        when: "true".into(),
        was: "true".into(),
        rows: (0..12).map(row).collect(),
        then: vec![ActionForm { kind: "raise_claim".into(), ..ActionForm::default() }],
        step: "save".into(),
        ..RuleForm::default()
    };
    let edited = rules.edit(form).await.unwrap();
    let wanted: Vec<String> = (0..12).map(|n| format!("shipment.attempts > {n}")).collect();
    assert_eq!(edited.editor.form.when, wanted.join("\n&& "));
    assert_eq!(edited.to.as_deref(), Some("/rules/many"));
    assert_eq!(edited.editor.problems.len(), 1, "a claim needs an exception: {:?}", edited.editor.problems);
    let view = rules.view(RuleQuery { id: "many".into(), ..RuleQuery::default() }).await.unwrap();
    assert_eq!(view.editor.form.rows.len(), 12);
    let drafts = rules.list(RulesQuery { view: RulesTab::Draft }).await.unwrap();
    assert_eq!(drafts.rules.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["many"]);
    assert_eq!(drafts.counts, [Some(10), Some(9), Some(1), Some(0), None]);
}

#[tokio::test]
async fn a_dry_run_is_started_from_the_page_and_shown_on_it() {
    let world = World::new().await;
    let rules = world.ports(Role::Admin).rules;
    let shipped = rules.view(RuleQuery { id: "cases".into(), ..RuleQuery::default() }).await.unwrap();
    let form =
        |step: &str, days: &str| RuleForm { step: step.into(), days: days.into(), ..shipped.editor.form.clone() };
    let refused = rules.edit(form("try", "many")).await;
    assert!(matches!(refused, Err(ApiError::Invalid { field, .. }) if field == "days"));
    rules.edit(form("try", "7")).await.unwrap();
    let running = rules.view(RuleQuery { id: "cases".into(), ..RuleQuery::default() }).await.unwrap().trial.unwrap();
    assert_eq!((running.state.as_str(), running.days, running.outdated), ("running", 7, false));
    world.settle().await;
    let done = rules.view(RuleQuery { id: "cases".into(), ..RuleQuery::default() }).await.unwrap();
    assert_eq!(done.trial.unwrap().state, "done");
    assert!(rules.trial_csv("cases".into()).await.unwrap().starts_with("\"number\""));
    assert!(matches!(rules.edit(form("publish", "")).await, Err(ApiError::Conflict { .. })), "nothing to publish");
}
