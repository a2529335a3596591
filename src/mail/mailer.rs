//! Where mails go: a mail server, or files that an admin reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Mail, Rendered};
use crate::clock::{Clock, Rng};
use crate::problem::Fault;

/// How long a mail server may take for one mail.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mails by SMTP, or writes them as `.eml` files.
pub struct Mailer {
    way: Way,
    public_url: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Files(PathBuf),
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It will not help to try again: the address or the mail itself is refused.
    #[error("refused for good: {0}")]
    Permanent(String),
    /// The server is away or busy: try again later.
    #[error("not now: {0}")]
    Temporary(String),
}

/// Tells other programs not to answer by themselves (RFC 3834, section 5).
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

impl Mailer {
    /// Sends through the server of an `smtp://` or `smtps://` URL.
    ///
    /// # Errors
    /// When the URL is not understood.
    pub fn smtp(url: &str, public_url: &str, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, Fault> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| Fault::internal(format!("--smtp-url: {error}")))?;
        let transport = builder.timeout(Some(SMTP_TIMEOUT)).build();
        Ok(Self { way: Way::Smtp(Box::new(transport)), public_url: public_url.to_owned(), clock, rng })
    }

    /// Writes each mail as a file of this folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn files(folder: &Path, public_url: &str, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { way: Way::Files(folder.to_owned()), public_url: public_url.to_owned(), clock, rng })
    }

    /// Renders a mail and sends it.
    ///
    /// # Errors
    /// [`SendError`], which tells whether to try again.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Smtp(transport) => match transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(SendError::Permanent(error.to_string())),
                Err(error) => Err(SendError::Temporary(error.to_string())),
            },
            Way::Files(folder) => write(folder, self.id(), message.formatted())
                .await
                .map_err(|error| SendError::Temporary(error.to_string())),
        }
    }

    fn id(&self) -> uuid::Uuid {
        self.rng.uuid(self.clock.now())
    }

    fn message(&self, mail: &Mail) -> Result<Message, SendError> {
        let permanent = |error: &dyn std::fmt::Display| SendError::Permanent(error.to_string());
        let rendered = Rendered::new(mail, &self.public_url).map_err(|error| permanent(&error))?;
        let to: Address = mail.to.parse().map_err(|error| permanent(&error))?;
        let host = url::Url::parse(&self.public_url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "localhost".to_owned());
        let domain =
            if host.contains(':') || host.parse::<std::net::IpAddr>().is_ok() { "localhost".to_owned() } else { host };
        let from = Address::new("switchboard", &domain).map_err(|error| permanent(&error))?;
        let seconds = u64::try_from(self.clock.now().millis() / 1000).unwrap_or(0);
        Message::builder()
            .from(Mailbox::new(Some("Switchboard".to_owned()), from))
            .to(Mailbox::new(None, to))
            .subject(rendered.subject)
            .message_id(Some(format!("<{}@{domain}>", self.id().simple())))
            .date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
            .header(AutoSubmitted)
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, rendered.text))
                    .singlepart(part(ContentType::TEXT_HTML, rendered.html)),
            )
            .map_err(|error| permanent(&error))
    }
}

/// A part of a mail, as it stands where it can be: a link that quoted-printable has broken is no use to whoever reads the file.
fn part(content_type: ContentType, body: String) -> SinglePart {
    // RFC 5322, section 2.1.1: a line has at most 998 characters. lettre's own check stops at 76.
    let is_plain = body.is_ascii() && !body.contains('\0') && body.lines().all(|line| line.len() <= 998);
    let body = if is_plain {
        Body::dangerous_pre_encoded(body.replace('\n', "\r\n").into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(body)
    };
    SinglePart::builder().header(content_type).header(body.encoding()).body(body)
}

/// Writes a file that is there whole or not at all, for its owner's eyes alone: it holds a token.
async fn write(folder: &Path, id: uuid::Uuid, bytes: Vec<u8>) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let (unfinished, finished) = (folder.join(format!(".{id}.tmp")), folder.join(format!("{id}.eml")));
    let written = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &finished)
    });
    written.await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::token::Token;
    use crate::clock::{ManualClock, SeededRng, Timestamp};

    #[tokio::test]
    async fn a_mail_on_disk_shows_its_link_unbroken() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_790_000_000_000_000)));
        let mailer =
            Mailer::files(folder.path(), "https://sb.example.org", clock, Arc::new(SeededRng::new(1))).unwrap();
        let token = Token::generate(&SeededRng::new(2));
        mailer.send(&Mail::verify_email("arthur@example.org", "arthur", &token)).await.unwrap();
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        let link = format!("https://sb.example.org/verify#token={}", token.reveal().expose());
        assert!(text.lines().any(|line| line == link), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"));
    }
}
