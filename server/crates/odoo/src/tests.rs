use super::{
    fault::of_answer as fault,
    status::changed,
    wire::{Maybe, datetime, instant},
    *,
};
use jiff::Timestamp;
use outbound::{CallKind, ErrorClass, Response};
use serde_json::json;

fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() }
}

#[test]
fn an_error_is_judged_by_its_name_not_by_its_status() {
    for (status, name, message, class) in [
        (500, "psycopg2.errors.SerializationFailure", "could not serialize", ErrorClass::Conflict),
        (409, "odoo.exceptions.LockError", "locked", ErrorClass::Conflict),
        (500, "psycopg2.OperationalError", "server closed the connection", ErrorClass::ServerError),
        (500, "builtins.ValueError", "Wrong value for stock.picking.x: 'y'", ErrorClass::Rejected),
        (500, "builtins.ValueError", "Invalid field 'x_milepost_eta' on 'stock.picking'", ErrorClass::Misconfigured),
        (500, "builtins.TypeError", "unexpected keyword", ErrorClass::Rejected),
        (401, "werkzeug.exceptions.Unauthorized", "Invalid apikey", ErrorClass::Unauthorized),
        (403, "odoo.exceptions.AccessError", "no", ErrorClass::Forbidden),
        (404, "odoo.exceptions.MissingError", "gone", ErrorClass::NotFound),
        (404, "werkzeug.exceptions.NotFound", "no such model", ErrorClass::Misconfigured),
        (422, "odoo.exceptions.UserError", "not now", ErrorClass::Rejected),
    ] {
        let body = json!({"name": name, "message": message, "debug": "Traceback"}).to_string();
        let error = fault(&answer(status, &body), CallKind::Command);
        assert_eq!((error.class, error.status), (class, Some(status)), "{name}");
        assert!(!error.message.contains("Traceback"));
    }
}

#[test]
fn an_answer_that_is_not_of_the_api_is_the_connections_fault() {
    for (status, class) in [
        (301, ErrorClass::BadAnswer),
        (403, ErrorClass::BadAnswer),
        (404, ErrorClass::BadAnswer),
        (405, ErrorClass::BadAnswer),
        (410, ErrorClass::BadAnswer),
        (401, ErrorClass::Unauthorized),
        (413, ErrorClass::Rejected),
        (429, ErrorClass::RateLimited),
        (503, ErrorClass::ServerError),
        (504, ErrorClass::UnknownOutcome),
    ] {
        let error = fault(&answer(status, "<!DOCTYPE html>"), CallKind::Command);
        assert_eq!((error.class, error.status), (class, Some(status)), "{status}");
        let of_one_record = class == ErrorClass::Rejected;
        assert!(
            of_one_record || error.class.decision() != outbound::Decision::Fail,
            "{status}: other jobs fare no better"
        );
    }
}

#[test]
fn empty_is_false_and_times_are_naive_utc() {
    let at: Timestamp = "2026-03-01T09:08:07Z".parse().unwrap();
    assert_eq!(datetime(at), "2026-03-01 09:08:07");
    assert_eq!(instant("2026-03-01 09:08:07"), Some(at));
    assert_eq!(instant("2026-03-01T09:08:07Z"), None);
    assert_eq!(serde_json::from_str::<Maybe<String>>("false").unwrap().0, None);
    assert_eq!(serde_json::from_str::<Maybe<String>>("\"x\"").unwrap().0.as_deref(), Some("x"));
    assert!(serde_json::from_str::<Maybe<String>>("true").is_err());
}

#[test]
fn only_what_differs_is_written_and_ocas_field_in_its_own_words() {
    let values =
        StatusValues { status: "FAILED".into(), delivery_state: Some("incident".into()), ..StatusValues::default() };
    assert_eq!(changed(&values, None, &[]).len(), 9);
    assert!(changed(&values, Some(&values), &[]).is_empty());
    let cleared = changed(&values, Some(&StatusValues { exception: Some("Lost".into()), ..values.clone() }), &[]);
    assert_eq!(serde_json::Value::Object(cleared), json!({"x_milepost_exception": false}));
    let new = changed(&values, None, &["in_transit".into(), "incident".into()]);
    assert_eq!(new["delivery_state"], "incident");
    let old = changed(&values, None, &["in_transit".into(), "incidence".into()]);
    assert_eq!(old["delivery_state"], "incidence");
}
