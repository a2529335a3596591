//! Rendering of templates to a message.

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

/// Returns the sources of subject, text and HTML.
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

/// A rendered mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text, with each link on its own line.
    pub text: String,
    /// The same content as HTML.
    pub html: String,
}

impl Rendered {
    /// Renders the templates with the variables of `mail` and the URL of the web pages.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn new(mail: &Mail, public_url: &str) -> Result<Self, InternalError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let variables = mail.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let variables = Value::from_pairs(variables.chain([("public_url", public_url)]));
        let [subject, text, html] = source(mail.template);
        environment.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
        let render = |name: &'static str, source: &str| {
            let rendered = environment.render_named_str(name, source, variables.clone());
            rendered.map_err(|error| InternalError::new(format!("mail {}, {name}: {error}", mail.template.name())))
        };
        Ok(Self {
            subject: one_line(&render("subject", subject)?),
            text: render("text", text)?,
            html: render("html", html)?,
        })
    }

    /// Creates the message (RFC 5322) with a new id and the current date.
    ///
    /// # Errors
    /// When `to` is not an address.
    pub fn message(self, from: &Mailbox, to: &str, clock: &dyn Clock, rng: &dyn Rng) -> Result<Message, InternalError> {
        let now = clock.now();
        // Parsing rejects a line break, which would inject a header.
        let to: lettre::Address =
            to.parse().map_err(|_| InternalError::new("the recipient of a mail is not a valid address"))?;
        let micros = u64::try_from(now.0).unwrap_or(0);
        let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(encode_body(&self.html));
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(encode_body(&self.text));
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

/// Encodes a body as 7bit where possible: quoted-printable would break a long link in mails that are read as files.
fn encode_body(text: &str) -> Body {
    let lines: Vec<&str> = text.lines().collect();
    // RFC 5322, section 2.1.1: at most 998 characters per line. lettre uses 7bit up to 76 characters only.
    let is_plain = |line: &&str| line.len() <= 998 && line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if lines.iter().all(is_plain) {
        return Body::dangerous_pre_encoded(
            (lines.join("\r\n") + "\r\n").into_bytes(),
            ContentTransferEncoding::SevenBit,
        );
    }
    Body::new(text.to_owned())
}

/// Replaces control characters and line breaks by spaces, so a variable cannot inject a header.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Auto-Submitted: auto-generated` (RFC 3834, section 5), which suppresses automatic replies.
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

    fn format_message(mail: &Mail) -> String {
        let rendered = Rendered::new(mail, "http://localhost:8080").unwrap();
        let from = "Switchboard <switchboard@example.org>".parse().unwrap();
        let clock = ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap());
        let message = rendered.message(&from, &mail.to, &clock, &SeededRng::new(1)).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn every_template_renders() {
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
    fn links_are_on_their_own_lines() {
        let mail = &every_mail()[0];
        let rendered = Rendered::new(mail, "https://numbers.example.org").unwrap();
        assert!(rendered.text.lines().any(|line| line == "https://numbers.example.org/verify#token=dG9rZW4"));
        let long = Secret::new("x".repeat(43));
        let raw = format_message(&Mail::password_reset("a@example.org", "arthur", &long));
        assert!(raw.contains(&format!("\r\nhttp://localhost:8080/reset#token={}\r\n", long.expose())), "{raw}");
    }

    #[test]
    fn a_missing_variable_is_an_error() {
        let mut mail = every_mail().remove(0);
        mail.variables.remove("token");
        assert!(Rendered::new(&mail, "http://localhost").is_err());
    }

    #[test]
    fn variables_are_escaped_in_html_only() {
        let mail = Mail::email_changed("a@example.org", "<b>&\"arthur");
        let rendered = Rendered::new(&mail, "http://localhost").unwrap();
        assert!(rendered.html.contains("&lt;b&gt;&amp;&quot;arthur") && !rendered.html.contains("<b>"));
        assert!(rendered.text.contains("<b>&\"arthur"));
    }

    #[test]
    fn headers_are_deterministic() {
        let raw = format_message(&every_mail()[0]);
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
        assert_eq!(raw, format_message(&every_mail()[0]));
    }

    #[test]
    fn a_variable_cannot_inject_a_header() {
        let malicious = "arthur\r\nBcc: b@example.org\r\n\r\n<h1>";
        for mail in every_mail() {
            let mut mail = mail;
            mail.variables.insert("username".to_owned(), malicious.to_owned());
            let raw = format_message(&mail);
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
