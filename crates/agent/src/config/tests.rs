use super::*;

const FEED: &str =
    "[feed]\nurl = \"https://n.example/\"\nevent = \"demo\"\nservice_type = \"sip\"\nconsumer = \"sip-1\"\n";
const SQL: &str = r#"[sql]
database = "sqlite:k.db"
delete = ["DELETE FROM s WHERE u = :number"]
upsert = ["INSERT INTO s VALUES (:number, :digests.password.ha1)"]
"#;

fn read_error(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    std::fs::write(&file, text).unwrap();
    let Err(message) = Config::read(&file, Some(Secret::new("swb_topsecret"))) else { panic!("no error for {text}") };
    assert!(!message.contains("topsecret"), "{message}");
    message.rsplit_once("agent.toml").unwrap().1.to_owned()
}

#[test]
fn reads_valid_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    std::fs::write(folder.path().join("key"), "swb_a_b\n").unwrap();
    std::fs::write(&file, format!("{FEED}key_file = \"key\"\n{SQL}[guard]\npercent = 50\n")).unwrap();
    let config = Config::read(&file, None).unwrap_or_else(|message| panic!("{message}"));
    assert_eq!((config.feed.url.as_str(), config.feed.key.expose()), ("https://n.example", "swb_a_b"));
    assert_eq!(config.guard, GuardConfig { percent: 50, floor: 10 });
    let Driver::Sql(sql) = config.driver else { panic!("another driver") };
    assert_eq!(sql.database.expose(), format!("sqlite:{}", folder.path().join("k.db").display()));
    assert_eq!(sql.upsert[0].paths[1], ["digests", "password", "ha1"]);
}

#[test]
fn plain_http_beyond_this_machine_requires_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    let read = |url: &str, more: &str| {
        std::fs::write(&file, format!("{}{more}{SQL}", FEED.replace("https://n.example/", url))).unwrap();
        Config::read(&file, Some(Secret::new("k"))).map(|config| config.feed.url.clone())
    };
    for local in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        assert_eq!(read(local, "").as_deref(), Ok(local));
    }
    for remote in ["http://192.0.2.1", "http://numbers.lan:8080", "http://localhost.example.org"] {
        assert!(read(remote, "").is_err(), "{remote}");
        assert_eq!(read(remote, "plain_http = true\n").as_deref(), Ok(remote));
    }
}

#[test]
fn credentials_in_clear_text_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    std::fs::write(folder.path().join("password"), "Basic eA==").unwrap();
    let is_clear = |url: &str, credentials: &str| {
        let request = format!("url = \"{url}\"\n{credentials}");
        let text = format!("{FEED}[http]\nstate = \"s\"\n[http.put]\n{request}[http.delete]\n{request}");
        std::fs::write(&file, text).unwrap();
        let config = Config::read(&file, Some(Secret::new("k"))).unwrap();
        config.requests().iter().any(|request| request.sends_clear_credentials)
    };
    let credentials = "authorization_file = \"password\"\n";
    for url in ["http://192.0.2.1/{{ number }}", "http://pbx.lan:8080/x", "http://{{ parameters.host }}/x"] {
        assert!(is_clear(url, credentials) && !is_clear(url, ""), "{url}");
    }
    for url in ["https://pbx.lan/x", "http://127.0.0.1:8080/{{ number }}", "http://localhost/x"] {
        assert!(!is_clear(url, credentials), "{url}");
    }
}

#[test]
fn reports_the_line_of_an_invalid_setting() {
    let cases = [
        ("[feed".to_owned(), ", line 1: "),
        (FEED.replace("demo", "de mo") + SQL, ", line 3: this is not a slug"),
        (FEED.replace("https", "gopher") + SQL, ", line 2: this is not the base URL"),
        (FEED.replace("https", "http") + SQL, ", line 2: http:// would send the key in clear text"),
        (FEED.to_owned() + &SQL.replace("sqlite:k.db", "postgres://u@h/d?sslmode=all"), ", line 7: sslmode is one of"),
        (FEED.to_owned() + &SQL.replace(":digests", ":digest"), ", line 9: `:digest.password.ha1` is not among"),
        (FEED.to_owned() + &SQL.replace("u = :number", "u = :label"), ", line 8: `:label` is not among"),
        (FEED.to_owned() + &SQL.replace("sqlite:", "mysql:"), ", line 7: a database is"),
        (FEED.to_owned() + &SQL.replace("upsert", "insert"), ", line 9: unknown field `insert`"),
        (FEED.to_owned(), ": exactly one of"),
        (
            format!("{FEED}[script]\nstate = \"s\"\naddress = \"h:1\"\nprompt = \"(\"\ndelete = []\nupsert = []\n"),
            ", line 9: this is not a regular expression",
        ),
        (
            format!(
                "{FEED}[script]\nstate = \"s\"\naddress = \"h:1\"\nprompt = \">\"\ndelete = []\n\
                 upsert = [{{ send = \"{{{{ x\" }}]\n"
            ),
            ", line 11: syntax error",
        ),
        (
            format!("{FEED}[file]\nstate = \"s\"\npath = \"p\"\nmode = \"999\"\ntemplate = \"t\"\n"),
            ", line 9: a mode is three octal digits",
        ),
        (format!("{FEED}[file]\nstate = \"s\"\npath = \"p\"\ntemplate_file = \"nowhere\"\n"), ", line 9: "),
    ];
    for (text, expected) in cases {
        let message = read_error(&text);
        assert!(message.starts_with(expected), "{message:?} does not start with {expected:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    std::fs::write(&file, format!("{FEED}{SQL}")).unwrap();
    assert!(Config::read(&file, None).is_err_and(|message| message.contains("the key is missing")));
}
