//! Keys that end, are revoked and replaced, and a company that a key may not see. Each test has a database of its own.

use super::Peer;
use jiff::{SignedDuration, Timestamp};
use odoo::{KeyEnd, OdooClient, OdooConfig, Transport};
use outbound::{
    Discard, ErrorClass, Key,
    check::{CheckOutcome, Subject},
};
use serde_json::{Value, json};
use std::process::Command;

const PASSWORD: &str = "a-password-of-the-tests";
/// Each test makes its database in the one installation.
const TESTS: &[Transport] = &[Transport::Json2, Transport::JsonRpc];

/// A database of this test alone; it is removed in the end.
struct Own {
    peer: Peer,
    script: String,
    name: &'static str,
}

impl Own {
    fn find(name: &'static str) -> Option<Self> {
        let mut peer = Peer::find(name, Transport::Auto)?;
        let script = std::env::var("MILEPOST_TEST_ODOO_PEER").unwrap();
        let made = Command::new(&script).args(["clone", name]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        peer.database = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        Some(Self { peer, script, name })
    }

    async fn admin(&self, path: &str, body: Value) -> Value {
        self.peer.raw(&self.peer.admin_key, path, body).await
    }

    /// A user with the rights of the integration's, in these companies; none: the first.
    async fn user(&self, login: &str, companies: &[i64]) -> User<'_> {
        let bot = json!({"domain": [["login", "=", "milepost-bot"]], "fields": ["group_ids"]});
        let groups = self.admin("res.users/search_read", bot).await[0]["group_ids"].clone();
        let mut vals = json!({"name": login, "login": login, "password": PASSWORD, "group_ids": [[6, 0, groups]]});
        if let Some(first) = companies.first() {
            vals["company_id"] = json!(first);
            vals["company_ids"] = json!([[6, 0, companies]]);
        }
        let made = self.admin("res.users/create", json!({"vals_list": [vals]})).await;
        assert!(made[0].is_i64());
        let params = json!({"db": self.peer.database, "login": login, "password": PASSWORD});
        let request = reqwest::Client::new().post(format!("{}/web/session/authenticate", self.peer.url));
        let answer = request.json(&json!({"jsonrpc": "2.0", "params": params})).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let session = cookie.split(';').next().unwrap().to_owned();
        User { own: self, login: login.to_owned(), session }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).args(["drop", self.name]).output();
    }
}

/// Somebody who makes and removes API keys in Odoo's preferences.
struct User<'a> {
    own: &'a Own,
    login: String,
    session: String,
}

impl User<'_> {
    /// What a page of Odoo calls; keys are made by pages only.
    async fn call(&self, model: &str, method: &str, args: Value, named: Value) -> Value {
        let peer = &self.own.peer;
        let params = json!({"model": model, "method": method, "args": args, "kwargs": named});
        let request = reqwest::Client::new().post(format!("{}/web/dataset/call_kw/{model}/{method}", peer.url));
        let body = json!({"jsonrpc": "2.0", "method": "call", "id": 1, "params": params});
        let answer = request.header("Cookie", &self.session).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{model}/{method}: {}", answer["error"]["data"]["message"]);
        answer["result"].clone()
    }

    /// Odoo wants the password before it makes or removes a key, and for some minutes no more.
    async fn confirmed(&self, action: Value) -> Value {
        if action["res_model"] != "res.users.identitycheck" {
            return action;
        }
        let named = json!({"context": {"password": PASSWORD}});
        self.call("res.users.identitycheck", "run_check", json!([[action["res_id"]]]), named).await
    }

    async fn make_key(&self, name: &str, days: &str) -> String {
        let vals = json!({"name": name, "duration": days});
        let made = self.call("res.users.apikeys.description", "create", json!([vals]), json!({})).await;
        let made = self.call("res.users.apikeys.description", "make_key", json!([[made]]), json!({})).await;
        self.confirmed(made).await["context"]["default_key"].as_str().unwrap().to_owned()
    }

    async fn remove_keys(&self, name: &str) {
        let found = self.call("res.users.apikeys", "search", json!([[["name", "=", name]]]), json!({})).await;
        assert_eq!(found.as_array().unwrap().len(), 1, "{name}");
        let removed = self.call("res.users.apikeys", "remove", json!([found]), json!({})).await;
        self.confirmed(removed).await;
    }

    fn client(&self, key: impl Into<Key>, transport: Transport) -> OdooClient {
        let peer = &self.own.peer;
        let config = OdooConfig::new(&peer.url, &peer.database, key);
        OdooClient::new(OdooConfig { login: Some(self.login.clone()), transport, ..config }).unwrap()
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "Odoo writes by the machine's clock")]
async fn the_end_of_a_key_is_known_and_announced() {
    let Some(own) = Own::find("key_end") else { return };
    let user = own.user("key-end", &[]).await;
    let now = Timestamp::now();
    let within = |end: KeyEnd, days: i64, keys: usize| match end {
        KeyEnd::At { at, of } => {
            let apart = at.duration_since(now.checked_add(SignedDuration::from_hours(days * 24)).unwrap()).abs();
            of == keys && apart < SignedDuration::from_hours(25)
        }
        KeyEnd::Never | KeyEnd::Unknown => false,
    };
    let week = user.make_key("scripts", "7").await;
    let client = user.client(week.as_str(), Transport::Auto);
    let end = client.key_end(now, &Discard).await.unwrap();
    assert!(within(end, 7, 1), "{end:?}");
    let subject = Subject { label: "Odoo", address: &own.peer.url, secret_label: "API key", secret_help: "Make one." };
    let report = odoo::check(&client, subject, now, &Discard).await;
    assert!(report.secret_ends.is_some());
    let warning = report.checks.iter().find(|check| check.outcome == CheckOutcome::Warning).unwrap();
    assert!(warning.what.starts_with("API key ends on ") && warning.todo.is_some(), "{warning:?}");
    // of two without a name that says it, the earlier end counts; a key that is named after Milepost is the one
    user.make_key("other scripts", "30").await;
    for transport in TESTS {
        let end = user.client(week.as_str(), *transport).key_end(now, &Discard).await.unwrap();
        assert!(within(end, 7, 2), "{end:?}");
    }
    let ours = user.make_key("Milepost", "30").await;
    let end = user.client(ours.as_str(), Transport::Auto).key_end(now, &Discard).await.unwrap();
    assert!(within(end, 30, 1), "{end:?}");
    // keys without an end; the administrator, who sees those of all, asks for their own
    assert_eq!(own.peer.bot().key_end(now, &Discard).await.unwrap(), KeyEnd::Never);
    let admin = own.peer.client(&own.peer.admin_key);
    assert_eq!(admin.key_end(now, &Discard).await.unwrap(), KeyEnd::Never);
}

#[tokio::test]
async fn a_revoked_key_gives_way_to_the_other_one_that_is_valid() {
    let Some(own) = Own::find("key_revoked") else { return };
    for (n, transport) in TESTS.iter().enumerate() {
        let user = own.user(&format!("rotating-{n}"), &[]).await;
        let (old, new) = (user.make_key("old", "7").await, user.make_key("new", "7").await);
        let both = Key::first_of(vec![new.into(), old.into()], None);
        let client = user.client(both.clone(), *transport);
        // over JSON-RPC Odoo remembers a key that it accepted, and takes it when it is revoked: until then it must not be used
        if *transport == Transport::Json2 {
            client.health(&Discard).await.unwrap();
        }
        user.remove_keys("new").await;
        client.health(&Discard).await.unwrap();
        user.remove_keys("old").await;
        let error = user.client(both, *transport).health(&Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unauthorized, "{transport:?}: {error}");
    }
}

/// A confirmed order of another company; its delivery.
async fn order_of(own: &Own, company: i64) -> i64 {
    let product =
        json!({"domain": [["type", "=", "consu"], ["sale_ok", "=", true], ["company_id", "=", false]], "limit": 1});
    let product = own.admin("product.product/search", product).await[0].clone();
    let partner =
        json!({"domain": [["is_company", "=", true], ["city", "!=", false], ["company_id", "=", false]], "limit": 1});
    let partner = own.admin("res.partner/search", partner).await[0].clone();
    let context = json!({"allowed_company_ids": [company]});
    let line = json!([0, 0, {"product_id": product, "product_uom_qty": 1}]);
    let vals = json!({"partner_id": partner, "company_id": company, "order_line": [line]});
    let order = own.admin("sale.order/create", json!({"vals_list": [vals], "context": context})).await[0].clone();
    own.admin("sale.order/action_confirm", json!({"ids": [order], "context": context})).await;
    let domain = json!([["sale_id", "=", order]]);
    own.admin("stock.picking/search", json!({"domain": domain, "context": context})).await[0].as_i64().unwrap()
}

#[tokio::test]
async fn a_company_that_the_key_may_not_see_is_left_alone_and_a_user_of_both_sees_both() {
    let Some(own) = Own::find("second_company") else { return };
    // the one that the bot sees
    let first = own.peer.raw(&own.peer.key, "res.company/search", json!({"domain": []})).await[0].as_i64().unwrap();
    let vals = json!({"name": "Milepost Polska", "currency_id": own.admin("res.currency/search", json!({"domain": [], "limit": 1})).await[0]});
    let second = own.admin("res.company/create", json!({"vals_list": [vals]})).await[0].as_i64().unwrap();
    let admin = own.admin("res.users/search", json!({"domain": [["login", "=", "admin"]]})).await;
    own.admin("res.users/write", json!({"ids": admin, "vals": {"company_ids": [[4, second]]}})).await;
    let warehouse = json!({"name": "Łódź", "code": "LDZ", "company_id": second});
    let context = json!({"allowed_company_ids": [second]});
    own.admin("stock.warehouse/create", json!({"vals_list": [warehouse], "context": context})).await;
    let hidden = order_of(&own, second).await;
    let (_, seen) = own.peer.order(None).await;
    let ids = async |client: &OdooClient| {
        let (mut ids, mut after) = (Vec::new(), 0);
        loop {
            let page = client.changed_deliveries(None, after, 500, &Discard).await.unwrap();
            assert!(page.unreadable.is_empty(), "{:?}", page.unreadable);
            ids.extend(page.deliveries.iter().map(|delivery| delivery.id));
            match page.last.filter(|_| page.more) {
                Some(last) => after = last,
                None => return ids,
            }
        }
    };
    let mine = ids(&own.peer.bot()).await;
    assert!(mine.contains(&seen) && !mine.contains(&hidden));
    // where it is named it is refused, and neither an error nor deleted
    let page = own.peer.bot().deliveries(&[seen, hidden], &Discard).await.unwrap();
    assert_eq!(page.deliveries.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [seen]);
    assert!(page.unreadable[0].problem.starts_with(odoo::NO_ACCESS), "{:?}", page.unreadable);
    assert!(own.peer.bot().deleted(&[seen, hidden], &Discard).await.unwrap().is_empty());
    // no `allowed_company_ids` is needed: a user of several companies sees all of theirs
    let user = own.user("both-companies", &[first, second]).await;
    let key = user.make_key("Milepost", "7").await;
    for transport in TESTS {
        let both = ids(&user.client(key.as_str(), *transport)).await;
        assert!(both.contains(&seen) && both.contains(&hidden), "{transport:?}");
    }
    let other = own.user("second-company", &[second]).await;
    let key = other.make_key("Milepost", "7").await;
    let theirs = ids(&other.client(key.as_str(), Transport::Auto)).await;
    assert!(!theirs.contains(&seen) && theirs.contains(&hidden));
}
