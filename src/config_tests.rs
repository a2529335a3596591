use clap::Parser as _;
use proptest::prelude::*;

use super::*;
use crate::cli::Cli;

fn cli(arguments: &[&str]) -> Cli {
    Cli::try_parse_from([&["switchboard"], arguments].concat()).unwrap()
}

fn check(arguments: &[&str]) -> Result<Serving, String> {
    let serving = cli(arguments).serving;
    serving.check().map(|()| serving)
}

#[test]
fn defaults_to_the_embedded_database_on_a_loopback_address() {
    let cli = cli(&[]);
    assert_eq!(cli.serving.check(), Ok(()));
    assert_eq!(cli.installation.database().unwrap().to_string(), "sqlite:./data/switchboard.db");
    assert_eq!(cli.serving.public_url(), "http://127.0.0.1:8080");
    assert_eq!(cli.serving.mail_from(), "switchboard@localhost");
    assert_eq!(cli.serving.mail_server(), Ok(None));
}

#[test]
fn parses_database_urls() {
    let parse = |text: &str| text.parse::<DatabaseUrl>().map(|url| url.to_string());
    assert_eq!(parse("sqlite:a/b.db").unwrap(), "sqlite:a/b.db");
    assert_eq!(parse("sqlite:///var/lib/b.db").unwrap(), "sqlite:/var/lib/b.db");
    assert_eq!(parse("SQLITE:b.db").unwrap(), "sqlite:b.db");
    assert_eq!(parse("postgresql://sb:hunter22@db.example:5433/numbers").unwrap(), "postgres://db.example/numbers");
    assert_eq!(
        parse("postgres:///numbers?host=/run/postgresql&user=sb").unwrap(),
        "postgres:///run/postgresql/numbers"
    );
    assert!(
        parse("mysql://root:hunter22@db/numbers")
            .unwrap_err()
            .to_string()
            .contains("\"mysql\" is not supported; use sqlite:PATH")
    );
    for text in [
        "",
        "numbers.db",
        "sqlite",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
        "sqlite:a?mode=ro",
        "postgres:numbers",
        "postgres://db:port/x",
        "hunter22@db:5432",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn passwords_are_not_in_output_or_errors() {
    let valid = cli(&[
        "--database-url",
        "postgres://sb:hunter22@db/numbers",
        "--smtp-url",
        "smtps://sb:hunter33@mail.example.org",
    ]);
    let invalid =
        cli(&["--database-url", "postgres://sb:hunter22@db:x/numbers", "--smtp-url", "smtp//sb:hunter33@mail"]);
    let texts = [
        format!("{valid:?} {:?} {:?}", valid.installation.database(), valid.serving.mail_server()),
        format!("{invalid:?} {:?} {:?}", invalid.installation.database(), invalid.serving.mail_server()),
        invalid.installation.database().unwrap_err(),
        invalid.serving.check().unwrap_err(),
    ];
    for text in texts {
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn the_demo_requires_a_loopback_address() {
    for listen in ["127.0.0.1:0", "127.0.0.2:80", "[::1]:8080"] {
        assert!(check(&["--demo", "--listen", listen]).is_ok(), "{listen}");
    }
    for listen in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
        assert!(check(&["--demo", "--listen", listen]).unwrap_err().contains("well-known passwords"));
        assert!(check(&["--listen", listen]).is_ok(), "{listen}");
    }
    assert!(check(&["--demo", "--public-url", "http://localhost:8080/"]).is_ok());
    assert!(check(&["--demo", "--public-url", "https://phones.example.org"]).unwrap_err().contains("well-known"));
}

#[test]
fn an_address_that_no_browser_can_open_is_in_no_link_and_is_reported() {
    let serving = check(&["--listen", "0.0.0.0:8080"]).unwrap();
    assert_eq!(serving.public_url(), "http://localhost:8080");
    let warnings = serving.warnings();
    assert!(warnings.len() == 2 && warnings[0].contains("--public-url") && warnings[1].contains("cannot sign in"));
    let count = |arguments: &[&str]| check(arguments).unwrap().warnings().len();
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&["--listen", "[::]:80", "--public-url", "https://phones.example.org"]), 0);
    assert_eq!(count(&["--listen", "[::]:80", "--plain-http-lan", "--public-url", "http://10.0.0.1"]), 0);
    assert_eq!(count(&["--listen", "192.0.2.1:80", "--plain-http-lan"]), 1);
}

#[test]
fn listens_on_an_address_and_a_port() {
    assert_eq!(cli(&["--listen", "localhost:80"]).serving.listen.to_string(), "127.0.0.1:80");
    for text in ["localhost", "example.org:80", ":8080", "8080", "127.0.0.1:99999"] {
        let error = Cli::try_parse_from(["switchboard", "--listen", text]).unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:8080"), "{error}");
    }
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    create_data_dir(&data).unwrap();
    for mode in [0o777, 0o720, 0o1777] {
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = create_data_dir(&data).unwrap_err();
        assert!(refused.contains(&format!("(mode {mode:04o})")) && refused.contains("chmod go-w"), "{refused}");
    }
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    create_data_dir(&data).unwrap();
    std::fs::write(data.join("file"), "").unwrap();
    let refused = create_data_dir(&data.join("file")).unwrap_err();
    assert!(refused.starts_with("--data-dir: the folder ") && refused.contains("/file cannot be created"), "{refused}");
}

#[test]
fn plain_http_requires_a_loopback_host_or_the_flag() {
    let url = |arguments: &[&str]| check(arguments).map(|serving| serving.public_url());
    assert_eq!(url(&["--public-url", "https://numbers.example.org/"]).unwrap(), "https://numbers.example.org");
    assert!(url(&["--public-url", "http://localhost:3000"]).is_ok());
    assert!(url(&["--public-url", "http://[::1]:3000"]).is_ok());
    assert!(url(&["--public-url", "http://192.0.2.1"]).unwrap_err().contains("--plain-http-lan"));
    assert!(url(&["--public-url", "http://192.0.2.1", "--plain-http-lan"]).is_ok());
    for text in [
        "numbers.example.org",
        "ftp://example.org",
        "https://u:p@example.org",
        "https://example.org/?x",
        "https://example.org/#x",
        "https://example.org/phones",
    ] {
        assert!(url(&["--public-url", text]).is_err(), "{text}");
    }
}

#[test]
fn derives_the_sender_of_mails() {
    let from = |arguments: &[&str]| check(arguments).map(|serving| serving.mail_from());
    assert_eq!(from(&["--public-url", "https://numbers.example.org"]).unwrap(), "switchboard@numbers.example.org");
    assert_eq!(from(&["--mail-from", "poc@example.org"]).unwrap(), "poc@example.org");
    assert_eq!(from(&["--mail-from", "Phone Team <poc@example.org>"]).unwrap(), "Phone Team <poc@example.org>");
    for sender in ["a@b\r\nBcc: c@d", "a@b.example\nX: y", "Phone Team", "Phone Team <>", "<"] {
        assert!(from(&["--mail-from", sender]).is_err(), "{sender}");
    }
    for listen in ["192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80"] {
        assert_eq!(from(&["--listen", listen]).unwrap(), "switchboard@localhost");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let mut cli = cli(&[]);
    cli.installation.database_url = Some(Secret::new(""));
    cli.serving.smtp_url = Some(Secret::new(""));
    cli.serving.public_url = Some(String::new());
    cli.serving.mail_from = Some(String::new());
    assert_eq!(cli.serving.check(), Ok(()));
    assert_eq!(cli.serving.mail_server(), Ok(None));
    assert_eq!(cli.serving.public_url(), "http://127.0.0.1:8080");
    assert_eq!(cli.serving.public_url_at("[::1]:9".parse().unwrap()), "http://[::1]:9");
    assert!(matches!(cli.installation.database(), Ok(DatabaseUrl::Sqlite(_))));
}

proptest! {
    #[test]
    fn parsers_accept_any_text(text in "\\PC*", scheme in "(sqlite|postgres|postgresql|https?|smtp):(//)?") {
        for text in [text.clone(), format!("{scheme}{text}")] {
            if let Ok(url) = text.parse::<DatabaseUrl>() {
                let _ = url.to_string();
            }
            let _ = check_public_url(&text, true);
        }
    }

    #[test]
    fn output_never_contains_the_password(
        password in "[a-z]{12}",
        scheme in "[a-rt-z][a-z]{0,11}|postgres",
        host in "[a-z.:/]{0,8}",
    ) {
        let url = format!("{scheme}://user:{password}@{host}/x").parse::<DatabaseUrl>();
        let shown = format!("{url:?}");
        prop_assert!(scheme.contains(&password) || !shown.contains(&password), "{}", shown);
    }
}
