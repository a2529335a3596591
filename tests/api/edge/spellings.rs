//! Texts, numbers and instants that programs of others spell differently.

use serde_json::{Value, json};

use crate::support::{Actor, TestApp, string};

pub async fn unique_numbers_are_compared_by_value(app: TestApp) {
    let operator = app.operator().await;
    let assign = async |number: &str, parameters: &str| {
        // The text keeps the notation of the number.
        let parameters: Value = serde_json::from_str(parameters).unwrap();
        operator.assigns("pager", number, "user", parameters).await
    };
    let first = assign("6101", r#"{"ric": 77.0, "baud": 5.12e2}"#).await.ok();
    assert_eq!(first["extension"]["parameters"]["ric"].to_string(), "77");
    assert_eq!(first["extension"]["parameters"]["baud"].to_string(), "512");
    for same in ["77", "77.0", "7.7e1", "770e-1"] {
        let refused = assign("6102", &format!("{{\"ric\": {same}}}")).await;
        assert_eq!(refused.refusal(), "ALREADY_EXISTS at parameters.ric", "{same}");
    }
    assign("6103", r#"{"ric": -0.0}"#).await.ok();
    assert_eq!(assign("6104", r#"{"ric": 0}"#).await.code(), "ALREADY_EXISTS");
    let admin = app.admin().await;
    let rendered = admin.get("/render/demo/pager/pagers.csv").send().await.unwrap().text().await.unwrap();
    assert!(rendered.contains("\n77,\"D\",512,") && !rendered.contains(".0,"), "{rendered}");
    let properties = json!({
        "name": { "type": "string", "x-unique": "EVENT" },
        "any": { "x-unique": "EVENT" },
        "port": { "type": "integer", "x-unique": "EVENT", "x-secret": true },
    });
    admin.creates_service_type("odd", properties).await.ok();
    admin.mutate("updateEvent", json!({ "slug": "demo", "serviceTypes": all_types(&admin).await }), "").await.ok();
    operator.assigns("odd", "6110", "user", json!({ "name": "\u{e4}A", "any": [1, "\u{e4}"], "port": 5 })).await.ok();
    for (parameters, path) in [
        (json!({ "name": "a\u{308}a" }), "parameters.name"),
        (json!({ "any": [1.0, "a\u{308}"] }), "parameters.any"),
        (json!({ "port": 5.0 }), "parameters.port"),
    ] {
        let refused = operator.assigns("odd", "6111", "user", parameters.clone()).await;
        assert_eq!(refused.refusal(), format!("ALREADY_EXISTS at {path}"), "{parameters}");
    }
}

async fn all_types(admin: &Actor) -> Value {
    let types = admin.query("{ serviceTypes { slug } }").await.ok();
    types.as_array().unwrap().iter().map(|one| one["slug"].clone()).collect()
}

pub async fn names_need_a_visible_character(app: TestApp) {
    let user = app.user().await;
    for name in ["\u{2800}", "\u{115f}\u{1160}", "\u{ffa0}", "\u{34f}", "\u{fe0f}", "\u{e0041}", "\u{206a}", "\u{301}"]
    {
        let refused = user.registers_with(json!({ "number": "2342", "label": name })).await;
        assert_eq!(refused.refusal(), "INVALID at label", "{name:?}");
        assert_eq!(refused["errors"][0]["rule"], "name.empty", "{name:?}");
    }
    let refused = user.registers_with(json!({ "number": "2342", "label": "M\u{fffd}ller" })).await;
    assert_eq!(
        (refused.refusal().as_str(), &refused["errors"][0]["rule"]),
        ("INVALID at label", &json!("name.decoding"))
    );
    let input =
        json!({ "username": "blank", "displayName": "\u{2800}", "email": "b@example.org", "password": "numberwang" });
    assert_eq!(app.guest().mutate("registerAccount", input, "").await.refusal(), "INVALID at displayName");
}

pub async fn invisible_characters_of_copied_numbers_are_dropped(app: TestApp) {
    let user = app.user().await;
    let registered =
        user.registers_with(json!({ "number": "\u{202d}6200\u{202c}", "visibility": "PUBLIC" })).await.ok();
    assert_eq!(registered["extension"]["number"], "6200");
    let id = string(&registered["extension"]["id"]);
    let changed = user.sets_fallback(id, Some("\u{200e}+44 20 7946\u{200b}0018\u{202c}")).await.ok();
    assert_eq!(changed["extension"]["fallbackNumber"], "+442079460018");
    for wrong in ["+120255501234", "+1 202 555 0123 x5", "+4411449601239", "+3361234567890", "+441144960123x5"] {
        let refused = user.sets_fallback(id, Some(wrong)).await;
        assert_eq!(refused.refusal(), "INVALID at fallbackNumber", "{wrong}");
        assert_eq!(refused["errors"][0]["rule"], "number.country", "{wrong}");
    }
    user.registers_with(json!({ "number": "6201", "label": "M\u{fc}ller \u{1f408}", "visibility": "PUBLIC" }))
        .await
        .ok();
    for (search, found) in [
        ("\u{202d}6200\u{202c}", 1),
        ("mueller", 1),
        ("muller", 1),
        ("M\u{fc}\u{200b}ller", 1),
        ("\u{1f408}", 1),
        ("\u{1f415}", 0),
    ] {
        let query = "query($search: String!) { directory(event: \"demo\", search: $search) { totalCount } }";
        let directory = user.query_with(query, json!({ "search": search })).await.ok();
        assert_eq!(directory["totalCount"], found, "{search:?}");
    }
}

pub async fn time_zones_and_instants_do_not_depend_on_the_host(app: TestApp) {
    let admin = app.admin().await;
    for zone in ["localtime", "Factory", "posixrules", "Etc/Unknown", ""] {
        let refused = admin.creates_event("zoned", json!({ "serviceTypes": [], "timeZone": zone })).await;
        assert_eq!(refused.refusal(), "INVALID at timeZone", "{zone}");
    }
    let refused =
        admin.creates_event("zoned", json!({ "serviceTypes": [], "startsAt": "-000001-01-01T00:00:00Z" })).await;
    assert_eq!(refused.rejection(), "BAD_USER_INPUT");
    admin
        .creates_event(
            "zoned",
            json!({ "serviceTypes": [], "timeZone": "Europe/Berlin", "startsAt": "2026-12-27T09:00:00+01:00" }),
        )
        .await
        .ok();
    let input = json!({ "label": "x", "scopes": ["READ_CONFIG"], "serviceTypes": ["sip"], "events": ["demo"],
                        "expiresAt": "9999-12-31T23:59:59Z" });
    let created = admin.mutate("createApiKey", input, "apiKey { expiresAt }").await.ok();
    assert_eq!(created["apiKey"]["expiresAt"], "9999-12-30T22:00:00Z");
}

pub async fn a_mac_address_has_one_reader(app: TestApp) {
    let operator = app.operator().await;
    let assign =
        async |number: &str, mac: &str| operator.assigns("deskphone", number, "user", json!({ "mac": mac })).await;
    let extension = assign("6301", "0015.65AA.bb01").await.id();
    for same in ["00:15:65:aa:bb:01", "00-15-65-AA-BB-01", "001565aabb01", "00 15 65 aa bb 01"] {
        assert_eq!(assign("6302", same).await.refusal(), "ALREADY_EXISTS at parameters.mac", "{same}");
    }
    let link = async |mac: &str| {
        let input = json!({ "extension": extension, "template": "yealink.cfg", "mac": mac });
        operator.mutate("createDeskPhoneLink", input, "url").await
    };
    for wrong in ["00:15:65:AA-BB:02", "001565aabb0", "0:01:5:65:aa:bb:01"] {
        assert_eq!(assign("6303", wrong).await.refusal(), "SCHEMA_VIOLATION at parameters.mac", "{wrong}");
        assert_eq!(link(wrong).await.refusal(), "INVALID at mac", "{wrong}");
    }
    let created = link("00:15:65:aa:bb:01").await.ok();
    let address = string(&created["url"]).to_owned();
    let folder = address.rsplit_once('/').unwrap().0.split_once("/device/").unwrap().1.to_owned();
    for file in
        ["00:15:65:AA:BB:01.cfg", "00%3A15%3A65%3AAA%3ABB%3A01.cfg", "00-15-65-AA-BB-01.cfg", "001565AABB01.cfg"]
    {
        let response = app.guest().get(&format!("/device/{folder}/{file}")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{file}");
    }
    let other = app.guest().get(&format!("/device/{folder}/00:15:65:AA:BB:02.cfg")).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 404);
}

pub async fn files_of_spreadsheets_are_imported(app: TestApp) {
    let operator = app.operator().await;
    let import = async |csv: String| {
        let input = json!({ "event": "demo", "csv": csv, "dryRun": false });
        operator.mutate("importExtensions", input, "created updated unchanged failures { line column message }").await
    };
    let names = "Number;Service Type;Owner;Label;Visibility;Permissions;Fallback Number;Parameters;Members";
    let text = format!(
        "\u{feff}sep=;\r\n{names}\r\n7001;sip;user;Tent;PUBLIC;;;;\r\n;;;;;;;;\r\n\u{202d}7002\u{202c};sip;user;=1+1;PUBLIC;;;;\r\n"
    );
    let imported = import(text).await.ok();
    assert_eq!((&imported["created"], &imported["failures"]), (&json!(2), &json!([])), "{imported}");
    let tabs = names.replace(';', "\t") + "\n7003\tsip\tuser\tx;=1+1\tPUBLIC\t\t\t\t\n";
    assert_eq!(import(tabs).await.ok()["created"], 1);
    let unknown = import(names.replace(';', "|") + "\n7004|sip|user|x|||||\n").await.ok();
    assert_eq!(unknown["failures"].as_array().unwrap().len(), 1, "{unknown}");
    let twice = names.to_owned() + "\n7004;sip;user;x;;;;\"{\"\"max_contacts\"\":3,\"\"max_contacts\"\":4}\";\n";
    assert_eq!(import(twice).await.ok()["failures"][0]["column"], "parameters");
    let directory = app.guest().get("/directory/demo.csv").send().await.unwrap().text().await.unwrap();
    assert!(directory.contains("\n7002,'=1+1,sip,") && directory.contains("\n7003,x;'=1+1,sip,"), "{directory}");
    let contacts = app.guest().get("/directory/demo.vcf").send().await.unwrap().text().await.unwrap();
    assert!(contacts.contains("\r\nFN:x\\;=1+1\r\nN:x\\;=1+1;;;;\r\n"), "{contacts}");
}
