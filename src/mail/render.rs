//! From a mail's template and data to what is sent.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::{Mail, Template};
use crate::problem::Fault;

/// A mail as its reader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The three files of each mail.
macro_rules! files {
    ($name:literal) => {
        [
            include_str!(concat!("templates/", $name, "/subject.txt")),
            include_str!(concat!("templates/", $name, "/text.txt")),
            include_str!(concat!("templates/", $name, "/html.html")),
        ]
    };
}

const fn sources(template: Template) -> [&'static str; 3] {
    match template {
        Template::VerifyEmail => files!("verify_email"),
        Template::EmailTaken => files!("email_taken"),
        Template::PasswordReset => files!("password_reset"),
        Template::PasswordChanged => files!("password_changed"),
        Template::EmailChanged => files!("email_changed"),
    }
}

impl Rendered {
    /// Renders a mail; `public_url` is the address that its links begin with, without a slash at its end.
    ///
    /// # Errors
    /// When the mail lacks a word that its template needs.
    pub fn new(mail: &Mail, public_url: &str) -> Result<Self, Fault> {
        let mut data = mail.data.clone();
        data.insert("public_url".to_owned(), public_url.to_owned());
        let [subject, text, html] = sources(mail.template);
        Ok(Self {
            subject: render(subject, "subject.txt", &data)?.trim().to_owned(),
            text: render(text, "text.txt", &data)?,
            html: render(html, "html.html", &data)?,
        })
    }
}

fn render(source: &str, name: &str, data: &std::collections::BTreeMap<String, String>) -> Result<String, Fault> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let is_html = name.starts_with("html");
    environment.set_auto_escape_callback(move |_| if is_html { AutoEscape::Html } else { AutoEscape::None });
    environment
        .render_named_str(name, source, data.clone())
        .map_err(|error| Fault::internal(format!("mail {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_renders_and_shows_its_link_on_a_line_of_its_own() {
        for template in Template::ALL {
            let data =
                [("username", "arthur"), ("token", "abc")].map(|(key, value)| (key.to_owned(), value.to_owned()));
            let mail = Mail { to: "a@example.org".to_owned(), template, data: data.into() };
            let rendered = Rendered::new(&mail, "https://example.org").unwrap();
            assert!(!rendered.subject.is_empty() && !rendered.subject.contains('\n'), "{}", template.name());
            if rendered.text.contains("#token=") {
                assert!(rendered.text.lines().any(|line| line.starts_with("https://") && line.ends_with("#token=abc")));
            }
        }
    }

    #[test]
    fn a_name_is_text_in_html() {
        let mut mail = Mail::password_changed("a@example.org", "x");
        mail.data.insert("username".to_owned(), "<b>".to_owned());
        let rendered = Rendered::new(&mail, "https://example.org").unwrap();
        assert!(rendered.html.contains("&lt;b&gt;") && rendered.text.contains("<b>"));
    }
}
