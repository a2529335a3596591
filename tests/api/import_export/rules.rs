//! A row of a file is refused for the same reasons as a single request.

use serde_json::{Value, json};

use super::HEADER;
use super::mutation::{Counts, NOTHING, counts, created, csv, failures, import, import_valid_rows};
use crate::support::{Response, TestApp};

/// An extension that is refused, by an assignment and by an import.
struct Refused {
    number: &'static str,
    service_type: &'static str,
    permissions: &'static [&'static str],
    parameters: Value,
    /// As `COLUMN CODE`, sorted.
    reasons: &'static [&'static str],
}

/// Every problem of an assignment as `COLUMN CODE`, sorted.
fn problems(response: &Response) -> Vec<String> {
    let errors = response["errors"].as_array().unwrap_or_else(|| panic!("{response}"));
    let column = |error: &Value| match error["path"][0].as_str().unwrap() {
        "serviceType" => "service_type".to_owned(),
        field => field.to_owned(),
    };
    let mut found: Vec<_> =
        errors.iter().map(|error| format!("{} {}", column(error), error["code"].as_str().unwrap())).collect();
    found.sort();
    found
}

pub async fn an_import_and_an_assignment_refuse_the_same(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    operator.bars("2409").await.ok();
    let held = operator.registers("sip", "2410").await.id();
    operator.deletes(&held).await.ok();
    operator.assigns("sip", "91234", "user", json!({})).await.ok();
    user.registers("sip", "2411").await.ok();
    admin.updates_service_type("pots", json!({ "retired": true })).await.ok();
    let refused = |number, service_type, permissions, parameters, reasons| Refused {
        number,
        service_type,
        permissions,
        parameters,
        reasons,
    };
    for refused in [
        refused(
            "1125",
            "sip",
            &["shouting", "external", "whistling"],
            json!({ "max_contacts": 9, "codec": "morse" }),
            &[
                "number NUMBER_OUT_OF_RANGE",
                "parameters SCHEMA_VIOLATION",
                "parameters SCHEMA_VIOLATION",
                "permissions NOT_FOUND",
                "permissions NOT_FOUND",
            ],
        ),
        refused(
            "2409",
            "cellular",
            &[],
            json!({ "imsi": "001010000000001" }),
            &["number RESTRICTED", "parameters FEATURE_DENIED"],
        ),
        refused(
            "2410",
            "pager",
            &["shouting"],
            json!({ "ric": 133_701 }),
            &["number NUMBER_UNAVAILABLE", "parameters ALREADY_EXISTS", "permissions NOT_FOUND"],
        ),
        refused(
            "20",
            "pots",
            &[],
            json!({}),
            &["number CONFLICT", "parameters SCHEMA_VIOLATION", "service_type CONFLICT"],
        ),
        refused("9123", "sip", &[], json!({ "line": 1 }), &["number CONFLICT", "parameters SCHEMA_VIOLATION"]),
    ] {
        let Refused { number, service_type, permissions, parameters, reasons } = refused;
        let reasons: Vec<String> = reasons.iter().map(|&reason| reason.to_owned()).collect();
        let quoted = parameters.to_string().replace('"', "\"\"");
        let row = format!("{number},{service_type},user,A,,{},,\"{quoted}\",", permissions.join(" "));
        let imported = import(&operator, &csv(&[&row])).await;
        let mut failed: Vec<_> =
            failures(&imported).iter().map(|failure| failure.trim_start_matches("2 ").to_owned()).collect();
        failed.sort();
        assert_eq!((counts(&imported), &failed), (NOTHING, &reasons), "{row}: {imported}");
        let input = json!({ "serviceType": service_type, "number": number, "owner": "user", "label": "A",
                            "permissions": permissions, "parameters": parameters });
        let assigned = operator.assigns_with(input).await;
        assert_eq!(problems(&assigned), reasons, "{row}: {assigned}");
    }
}

pub async fn an_imported_invitation_is_checked_for_call_loops_unless_it_is_restored(app: TestApp) {
    let operator = app.operator().await;
    let members = |pending: bool| format!("\"[{{\"\"number\"\":\"\"2501\"\",\"\"pending\"\":{pending}}}]\"");
    let rows = |pending: bool| {
        csv(&[&format!("2500,group,operator,Choir,,,,,{}", members(pending)), "2501,sip,user,Alto,,,2500,,"])
    };
    // The owner of 2501 would have to accept, as with `inviteToGroup`, which refuses the loop as well.
    for pending in [false, true] {
        let refused = import(&operator, &rows(pending)).await;
        assert_eq!((counts(&refused), failures(&refused)), (NOTHING, vec!["2 members GROUP_LOOP".to_owned()]));
    }
    // An event can have an open invitation whose member falls back to the group since then.
    let file = app.write_file("active.csv", rows(false));
    let refused = app.run_command(&["import", &file, "--event", "demo"]).await;
    assert!(!refused.is_success && refused.stderr.contains("Calls would go round for ever"), "{refused:?}");
    let file = app.write_file("pending.csv", rows(true));
    let report = app.run_command_ok(&["import", &file, "--event", "demo"]).await;
    assert_eq!(report, "2 created, 0 updated, 0 unchanged\n");
    assert_eq!(operator.extension("2500").await["members"][0]["membership"], "PENDING");
    let exported = app.run_command_ok(&["export", "--event", "demo"]).await;
    let file = app.write_file("again.csv", &exported);
    let report = app.run_command_ok(&["import", &file, "--event", "demo"]).await;
    assert!(report.starts_with("0 created, 0 updated, "), "{report}");
    assert!(exported.starts_with(HEADER));
}

pub async fn a_call_loop_is_reported_at_the_rows_that_close_it(app: TestApp) {
    let operator = app.operator().await;
    let existing = ["2400,sip,user,A,,,2401,,", "2401,sip,user,B,,,,,"];
    assert_eq!(counts(&import(&operator, &csv(&existing)).await), created(2));
    // The first row is as before; the second one closes the loop.
    let partial = import_valid_rows(&operator, &csv(&[existing[0], "2401,sip,user,B,,,2400,,"])).await;
    assert_eq!(failures(&partial), ["3 fallback_number GROUP_LOOP"], "{partial}");
    assert_eq!(counts(&partial), Counts { unchanged: 1, ..NOTHING });
    assert!(operator.extension("2401").await["fallbackNumber"].is_null());
}
