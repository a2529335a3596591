//! From templates to a message.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::{Mail, Template};
use crate::clock::{Clock, Rng};
use crate::error::InternalError;

macro_rules! source {
    ($name:literal) => {
        [
            include_str!(concat!("templates/", $name, "/subject.txt")),
            include_str!(concat!("templates/", $name, "/text.txt")),
            include_str!(concat!("templates/", $name, "/html.html")),
        ]
    };
}

/// Subject, text and HTML.
const fn source(template: Template) -> [&'static str; 3] {
    match template {
        Template::VerifyEmail => source!("verify_email"),
        Template::EmailTaken => source!("email_taken"),
        Template::PasswordReset => source!("password_reset"),
        Template::PasswordChanged => source!("password_changed"),
        Template::EmailChanged => source!("email_changed"),
        Template::AccountDeleted => source!("account_deleted"),
    }
}

/// A mail with its words put in.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text; links stand on lines of their own.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

impl Rendered {
    /// Puts the words of `mail` and the address of the web pages into its templates.
    ///
    /// # Errors
    /// When a word is missing.
    pub fn new(mail: &Mail, public_url: &str) -> Result<Self, InternalError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let words = mail.data.iter().map(|(name, word)| (name.as_str(), word.as_str()));
        let words = Value::from_pairs(words.chain([("public_url", public_url)]));
        let [subject, text, html] = source(mail.template);
        environment.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
        let render = |name: &'static str, source: &str| {
            let rendered = environment.render_named_str(name, source, words.clone());
            rendered.map_err(|error| InternalError::new(format!("mail {}, {name}: {error}", mail.template.name())))
        };
        Ok(Self {
            subject: one_line(&render("subject", subject)?),
            text: render("text", text)?,
            html: render("html", html)?,
        })
    }

    /// The message to send (RFC 5322): from `from`, to `to`, with an id and a date of its own.
    ///
    /// # Errors
    /// When `to` is no address.
    pub fn message(self, from: &Mailbox, to: &str, clock: &dyn Clock, rng: &dyn Rng) -> Result<Message, InternalError> {
        let now = clock.now();
        // The address is parsed, not pasted: a line break in it is an error here.
        let to: lettre::Address = to.parse().map_err(|_| InternalError::new("the address of a mail cannot be read"))?;
        let micros = u64::try_from(now.0).unwrap_or(0);
        let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(body(&self.html));
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body(&self.text));
        let parts = MultiPart::alternative().boundary(hex::encode(rng.bytes::<16>())).singlepart(text).singlepart(html);
        let message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(self.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{}>", rng.uuid(now), from.email.domain())))
            .header(AutoSubmitted)
            .multipart(parts);
        message.map_err(InternalError::new)
    }
}

/// As it stands where that is possible: quoted-printable breaks a long link in two, and some people read raw mails.
fn body(text: &str) -> Body {
    let lines: Vec<&str> = text.lines().collect();
    // RFC 5322, section 2.1.1: at most 998 characters in a line. lettre's own check stops at 76.
    let is_plain = |line: &&str| line.len() <= 998 && line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if lines.iter().all(is_plain) {
        return Body::dangerous_pre_encoded(
            (lines.join("\r\n") + "\r\n").into_bytes(),
            ContentTransferEncoding::SevenBit,
        );
    }
    Body::new(text.to_owned())
}

/// A subject is one line whatever the words in it are.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Auto-Submitted: auto-generated` (RFC 3834, section 5): an absence notice does not answer such a mail.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, SeededRng, Timestamp};
    use crate::secrets::Secret;

    fn every_mail() -> Vec<Mail> {
        let token = Secret::new("dG9rZW4");
        vec![
            Mail::verify_email("a@example.org", "arthur", &token),
            Mail::email_taken("a@example.org", "arthur"),
            Mail::password_reset("a@example.org", "arthur", &token),
            Mail::password_changed("a@example.org", "arthur"),
            Mail::email_changed("a@example.org", "arthur"),
            Mail::account_deleted("a@example.org", "arthur"),
        ]
    }

    fn raw(mail: &Mail) -> String {
        let rendered = Rendered::new(mail, "http://localhost:8080").unwrap();
        let from = "Switchboard <switchboard@example.org>".parse().unwrap();
        let clock = ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap());
        let message = rendered.message(&from, &mail.to, &clock, &SeededRng::new(1)).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn every_template_has_a_mail_that_fills_it() {
        assert_eq!(every_mail().iter().map(|mail| mail.template).collect::<Vec<_>>(), Template::ALL);
        for mail in every_mail() {
            let rendered = Rendered::new(&mail, "https://numbers.example.org").unwrap();
            for text in [&rendered.subject, &rendered.text, &rendered.html] {
                assert!(!text.is_empty() && !text.contains("{{"), "{text}");
            }
            assert!(rendered.text.contains("arthur") && rendered.html.contains("arthur"));
            assert_eq!(serde_json::to_value(mail.template).unwrap(), mail.template.name());
        }
    }

    #[test]
    fn links_stand_on_lines_of_their_own() {
        let mail = &every_mail()[0];
        let rendered = Rendered::new(mail, "https://numbers.example.org").unwrap();
        assert!(rendered.text.lines().any(|line| line == "https://numbers.example.org/verify#token=dG9rZW4"));
        let long = Secret::new("x".repeat(43));
        let raw = raw(&Mail::password_reset("a@example.org", "arthur", &long));
        assert!(raw.contains(&format!("\r\nhttp://localhost:8080/reset#token={}\r\n", long.expose())), "{raw}");
    }

    #[test]
    fn a_missing_word_is_an_error() {
        let mut mail = every_mail().remove(0);
        mail.data.remove("token");
        assert!(Rendered::new(&mail, "http://localhost").is_err());
    }

    #[test]
    fn words_are_escaped_in_html_only() {
        let mail = Mail::email_changed("a@example.org", "<b>&\"arthur");
        let rendered = Rendered::new(&mail, "http://localhost").unwrap();
        assert!(rendered.html.contains("&lt;b&gt;&amp;&quot;arthur") && !rendered.html.contains("<b>"));
        assert!(rendered.text.contains("<b>&\"arthur"));
    }

    #[test]
    fn headers_come_from_the_clock_and_the_generator() {
        let raw = raw(&every_mail()[0]);
        let (head, _) = raw.split_once("\r\n\r\n").unwrap();
        for line in [
            "To: a@example.org",
            "Subject: Verify your e-mail address",
            "Date: Thu, 20 Aug 2026 09:30:00 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(head.lines().any(|header| header == line), "{line} in {head}");
        }
        assert!(head.contains("Message-ID: <0") && head.contains("@example.org>"), "{head}");
        assert_eq!(raw, self::raw(&every_mail()[0]));
    }

    #[test]
    fn no_word_becomes_a_header() {
        let evil = "arthur\r\nBcc: everybody@example.org\r\n\r\n<h1>";
        for mail in every_mail() {
            let mut mail = mail;
            mail.data.insert("username".to_owned(), evil.to_owned());
            let raw = raw(&mail);
            let (head, _) = raw.split_once("\r\n\r\n").unwrap();
            assert!(!head.contains("Bcc"), "{head}");
        }
        assert_eq!(one_line("Hello\r\nBcc: x@y\u{85}z\n"), "Hello Bcc: x@y z");
        let rendered = Rendered::new(&every_mail()[0], "http://localhost").unwrap();
        let clock = ManualClock::new(Timestamp(0));
        let from = "switchboard@example.org".parse().unwrap();
        assert!(rendered.message(&from, "a@example.org\r\nBcc: b@example.org", &clock, &SeededRng::new(1)).is_err());
    }
}
