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
fn nothing_set_is_an_embedded_server_on_this_machine() {
    let cli = cli(&[]);
    assert_eq!(cli.serving.check(), Ok(()));
    assert_eq!(cli.installation.database().unwrap().to_string(), "sqlite:./data/switchboard.db");
    assert_eq!(cli.serving.public_url(), "http://127.0.0.1:8080");
    assert_eq!(cli.serving.mail_from(), "switchboard@localhost");
    assert_eq!(cli.serving.mail_server(), Ok(None));
}

#[test]
fn databases_are_known_or_refused() {
    let shown = |text: &str| text.parse::<DatabaseUrl>().map(|url| url.to_string());
    assert_eq!(shown("sqlite:a/b.db").unwrap(), "sqlite:a/b.db");
    assert_eq!(shown("sqlite:///var/lib/b.db").unwrap(), "sqlite:/var/lib/b.db");
    assert_eq!(shown("SQLITE:b.db").unwrap(), "sqlite:b.db");
    assert_eq!(shown("postgresql://sb:hunter22@db.example:5433/numbers").unwrap(), "postgres://db.example/numbers");
    assert_eq!(
        shown("postgres:///numbers?host=/run/postgresql&user=sb").unwrap(),
        "postgres:///run/postgresql/numbers"
    );
    assert!(
        shown("mysql://root:hunter22@db/numbers")
            .unwrap_err()
            .to_string()
            .contains("\"mysql\" is not known; known are sqlite:PATH")
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
        assert!(shown(text).is_err(), "{text}");
    }
}

#[test]
fn passwords_are_in_no_print_and_no_error() {
    let good = cli(&[
        "--database-url",
        "postgres://sb:hunter22@db/numbers",
        "--smtp-url",
        "smtps://sb:hunter33@mail.example.org",
    ]);
    let bad = cli(&["--database-url", "postgres://sb:hunter22@db:x/numbers", "--smtp-url", "smtp//sb:hunter33@mail"]);
    let texts = [
        format!("{good:?} {:?} {:?}", good.installation.database(), good.serving.mail_server()),
        format!("{bad:?} {:?} {:?}", bad.installation.database(), bad.serving.mail_server()),
        bad.installation.database().unwrap_err().to_string(),
        bad.serving.check().unwrap_err(),
    ];
    for text in texts {
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn the_demo_stays_on_this_machine() {
    for listen in ["127.0.0.1:0", "127.0.0.2:80", "[::1]:8080"] {
        assert!(check(&["--demo", "--listen", listen]).is_ok(), "{listen}");
    }
    for listen in ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"] {
        assert!(check(&["--demo", "--listen", listen]).unwrap_err().contains("well-known passwords"));
        assert!(check(&["--listen", listen]).is_ok(), "{listen}");
    }
}

#[test]
fn plain_http_is_for_this_machine_unless_it_is_wanted() {
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
    ] {
        assert!(url(&["--public-url", text]).is_err(), "{text}");
    }
}

#[test]
fn mails_come_from_somewhere() {
    let from = |arguments: &[&str]| check(arguments).map(|serving| serving.mail_from());
    assert_eq!(from(&["--public-url", "https://numbers.example.org"]).unwrap(), "switchboard@numbers.example.org");
    assert_eq!(from(&["--mail-from", "poc@example.org"]).unwrap(), "poc@example.org");
    assert!(from(&["--mail-from", "a@b\r\nBcc: c@d"]).is_err());
    for listen in ["192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80"] {
        assert_eq!(from(&["--listen", listen]).unwrap(), "switchboard@localhost");
    }
}

#[test]
fn a_variable_set_to_nothing_is_not_set() {
    let mut cli = cli(&[]);
    cli.installation.database_url = Some(Secret::new(""));
    cli.serving.smtp_url = Some(Secret::new(""));
    cli.serving.public_url = Some(String::new());
    cli.serving.mail_from = Some(String::new());
    assert_eq!(cli.serving.check(), Ok(()));
    assert_eq!(cli.serving.mail_server(), Ok(None));
    assert_eq!(cli.serving.public_url(), "http://127.0.0.1:8080");
    assert!(matches!(cli.installation.database(), Ok(DatabaseUrl::Sqlite(_))));
}

proptest! {
    #[test]
    fn no_url_breaks_the_parsers(text in "\\PC*", scheme in "(sqlite|postgres|postgresql|https?|smtp):(//)?") {
        for text in [text.clone(), format!("{scheme}{text}")] {
            if let Ok(url) = text.parse::<DatabaseUrl>() {
                let _ = url.to_string();
            }
            let _ = check_public_url(&text, true);
        }
    }

    #[test]
    fn no_password_shows(password in "[a-z]{12}", scheme in "[a-rt-z][a-z]{0,11}|postgres", host in "[a-z.:/]{0,8}") {
        let url = format!("{scheme}://user:{password}@{host}/x").parse::<DatabaseUrl>();
        let shown = format!("{url:?}");
        prop_assert!(scheme.contains(&password) || !shown.contains(&password), "{}", shown);
    }
}
