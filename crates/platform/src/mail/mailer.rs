//! Delivery of mails to a mail server or into a folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::smtp_url::Encryption;
use super::{Mail, Rendered, SmtpUrl};
use crate::clock::{Clock, Rng};
use crate::error::InternalError;
use crate::jobs::JobError;

/// Time limit of one SMTP command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);
/// Time limit of the SMTP session.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);

/// Error of a delivery. The messages contain no address and can be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Retrying does not help: the address was refused or the mail is invalid.
    #[error("the mail cannot be sent: {0}")]
    Permanent(String),
    /// Retrying later can succeed.
    #[error("the mail cannot be sent at present: {0}")]
    Transient(String),
}

impl From<SendError> for JobError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Permanent(_) => Self::Permanent(error.to_string()),
            SendError::Transient(_) => Self::Transient(error.to_string()),
        }
    }
}

/// Renders and delivers mails.
pub struct Mailer {
    transport: Transport,
    from: Mailbox,
    public_url: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

enum Transport {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

impl Mailer {
    /// Creates a mailer for a mail server. `from` is an address with an optional display name. Links in mails begin
    /// with `public_url`, which has no trailing slash.
    ///
    /// # Errors
    /// When `from` is invalid or the server's name is not a valid DNS name for TLS.
    pub fn smtp(
        server: &SmtpUrl,
        from: &str,
        public_url: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InternalError> {
        let parameters = || TlsParameters::new(server.host.clone()).map_err(InternalError::new);
        let tls = match server.encryption {
            Encryption::Offered => Tls::Opportunistic(parameters()?),
            Encryption::Required => Tls::Required(parameters()?),
            Encryption::Implicit => Tls::Wrapper(parameters()?),
            Encryption::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT));
        if let Some(login) = &server.login {
            builder = builder.credentials(Credentials::new(login.user.clone(), login.password.expose().to_owned()));
        }
        Self::new(Transport::Smtp(Box::new(builder.build())), from, public_url, clock, rng)
    }

    /// Creates a mailer that writes each mail to `<UUIDv7>.eml` in `folder`, for installations without a mail server.
    ///
    /// # Errors
    /// When `from` is invalid.
    pub fn files(
        folder: &Path,
        from: &str,
        public_url: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InternalError> {
        Self::new(Transport::Folder(folder.to_owned()), from, public_url, clock, rng)
    }

    fn new(
        transport: Transport,
        from: &str,
        public_url: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InternalError> {
        let from = from.parse().map_err(|_| InternalError::new("the sender of mails is not a valid address"))?;
        Ok(Self { transport, from, public_url: public_url.to_owned(), clock, rng })
    }

    /// Renders and delivers a mail. On return the mail server has accepted it or the file is durable. Sending a mail
    /// twice is harmless.
    ///
    /// # Errors
    /// [`SendError`], which tells whether a retry can succeed.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let permanent = |error: InternalError| SendError::Permanent(error.to_string());
        let rendered = Rendered::new(mail, &self.public_url).map_err(permanent)?;
        let message =
            rendered.message(&self.from, &mail.to, self.clock.as_ref(), self.rng.as_ref()).map_err(permanent)?;
        match &self.transport {
            Transport::Smtp(smtp) => match tokio::time::timeout(SESSION_TIMEOUT, smtp.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(classify(&error)),
                Err(_) => Err(SendError::Transient("timeout of the mail server".to_owned())),
            },
            Transport::Folder(folder) => {
                let name = self.rng.uuid(self.clock.now()).to_string();
                write(folder, &name, &message).await.map_err(|error| SendError::Transient(error.to_string()))
            }
        }
    }
}

/// Classifies an SMTP error. The server's message is omitted, as it often quotes the address.
fn classify(error: &lettre::transport::smtp::Error) -> SendError {
    let Some(code) = error.status().map(u16::from) else {
        // The outermost error is only "Connection error".
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        return SendError::Transient(causes.last().map(ToString::to_string).unwrap_or_default());
    };
    let message = format!("the mail server answered {code}");
    // 530 to 538 concern the credentials (RFC 4954, section 6), which the operator can correct: such mails are kept.
    if error.is_permanent() && !(530..=538).contains(&code) {
        SendError::Permanent(message)
    } else {
        SendError::Transient(message)
    }
}

/// Writes a temporary file and renames it, so a reader of the folder never sees an incomplete mail.
async fn write(folder: &Path, name: &str, message: &Message) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await?;
    let temporary = folder.join(format!(".{name}.new"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).await?;
    file.write_all(&message.formatted()).await?;
    file.sync_all().await?;
    fs::rename(&temporary, folder.join(format!("{name}.eml"))).await?;
    fs::File::open(folder).await?.sync_all().await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::smtp_server::{Answer, SmtpServer};
    use super::*;
    use crate::clock::{ManualClock, SeededRng, Timestamp};
    use crate::secrets::Secret;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap()))
    }

    fn mail() -> Mail {
        Mail::verify_email("arthur@example.org", "arthur", &Secret::new("dG9rZW4"))
    }

    fn smtp_mailer(url: &str) -> Mailer {
        Mailer::smtp(
            &url.parse().unwrap(),
            "Switchboard <sb@example.org>",
            "http://localhost",
            clock(),
            Arc::new(SeededRng::new(1)),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn writes_a_private_file_for_each_mail() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        let mailer =
            Mailer::files(&folder, "sb@example.org", "http://localhost", clock(), Arc::new(SeededRng::new(1))).unwrap();
        mailer.send(&mail()).await.unwrap();
        mailer.send(&mail()).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 2);
        for file in files {
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(file.extension().unwrap(), "eml");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains("\r\nhttp://localhost/verify#token=dG9rZW4\r\n"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_transient() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("mail"), "a file").unwrap();
        let mailer = Mailer::files(
            &data.path().join("mail"),
            "sb@example.org",
            "http://localhost",
            clock(),
            Arc::new(SeededRng::new(1)),
        )
        .unwrap();
        assert!(matches!(mailer.send(&mail()).await, Err(SendError::Transient(_))));
    }

    #[tokio::test]
    async fn sends_envelope_and_message_to_the_mail_server() {
        let server = SmtpServer::start(Answer::Accept).await;
        smtp_mailer(&server.url()).send(&mail()).await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].from, "<sb@example.org>");
        assert_eq!(received[0].to, ["<arthur@example.org>"]);
        assert!(received[0].data.contains("Subject: Verify your e-mail address\r\n"));
        assert!(received[0].data.contains("\r\nhttp://localhost/verify#token=dG9rZW4\r\n"));
    }

    #[tokio::test]
    async fn classifies_refusals() {
        for (code, permanent) in [(550, true), (553, true), (450, false), (421, false), (530, false)] {
            let server = SmtpServer::start(Answer::RefuseRecipient(code)).await;
            let error = smtp_mailer(&server.url()).send(&mail()).await.unwrap_err();
            assert_eq!(matches!(error, SendError::Permanent(_)), permanent, "{code}: {error}");
            assert!(error.to_string().contains(&code.to_string()) && !error.to_string().contains("arthur"), "{error}");
            assert!(server.received().is_empty());
        }
    }

    #[tokio::test]
    async fn does_not_send_without_required_encryption() {
        let server = SmtpServer::start(Answer::Accept).await;
        let error = smtp_mailer(&format!("{}?tls=required", server.url())).send(&mail()).await.unwrap_err();
        assert!(matches!(error, SendError::Transient(_)), "{error}");
        assert!(server.received().is_empty());
    }

    #[tokio::test]
    async fn an_unreachable_server_is_transient() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = smtp_mailer(&format!("smtp://127.0.0.1:{port}")).send(&mail()).await.unwrap_err();
        assert!(matches!(error, SendError::Transient(_)), "{error}");
    }
}
