//! Handing a mail over: to a mail server, or to a folder.

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

/// How long one step of the conversation may take, and how long all of it.
const STEP: Duration = Duration::from_secs(15);
const WHOLE: Duration = Duration::from_secs(60);

/// Why a mail was not handed over. The words name no address, so they may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Trying again does not help: the address is refused, or the mail cannot be made.
    #[error("the mail cannot be sent: {0}")]
    Permanent(String),
    /// Trying again later may help.
    #[error("the mail cannot be sent now: {0}")]
    Temporary(String),
}

/// Sends mails.
pub struct Mailer {
    way: Way,
    from: Mailbox,
    public_url: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

impl Mailer {
    /// A mailer that hands mails to a mail server. `from` is an address, with or without a name; links in mails begin
    /// with `public_url`, which has no slash at its end.
    ///
    /// # Errors
    /// When `from` is no address, or the server's name cannot be in a certificate.
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
            .timeout(Some(STEP));
        if let Some((user, password)) = &server.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Self::new(Way::Smtp(Box::new(builder.build())), from, public_url, clock, rng)
    }

    /// A mailer that writes mails into `folder`, one `<UUIDv7>.eml` each, for whoever has no mail server.
    ///
    /// # Errors
    /// When `from` is no address.
    pub fn files(
        folder: &Path,
        from: &str,
        public_url: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InternalError> {
        Self::new(Way::Folder(folder.to_owned()), from, public_url, clock, rng)
    }

    fn new(
        way: Way,
        from: &str,
        public_url: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InternalError> {
        let from = from.parse().map_err(|_| InternalError::new("the sender of mails is no address"))?;
        Ok(Self { way, from, public_url: public_url.to_owned(), clock, rng })
    }

    /// Renders a mail and hands it over. Once this returns, the mail server or the disk has it. Sending a mail twice
    /// does no harm.
    ///
    /// # Errors
    /// [`SendError`], which says whether to try again.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let give_up = |fault: InternalError| SendError::Permanent(fault.to_string());
        let rendered = Rendered::new(mail, &self.public_url).map_err(give_up)?;
        let message =
            rendered.message(&self.from, &mail.to, self.clock.as_ref(), self.rng.as_ref()).map_err(give_up)?;
        match &self.way {
            Way::Smtp(transport) => match tokio::time::timeout(WHOLE, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) if error.is_client() && !mail.to.is_ascii() => {
                    Err(SendError::Permanent("the mail server does not support such an address (SMTPUTF8)".to_owned()))
                }
                Ok(Err(error)) => Err(verdict(&error)),
                Err(_) => Err(SendError::Temporary("the mail server takes too long".to_owned())),
            },
            Way::Folder(folder) => {
                let name = self.rng.uuid(self.clock.now()).to_string();
                write(folder, &name, &message).await.map_err(|error| SendError::Temporary(error.to_string()))
            }
        }
    }
}

/// What a failed conversation means. The server's sentence is left out: it often quotes the address.
fn verdict(error: &lettre::transport::smtp::Error) -> SendError {
    let Some(code) = error.status().map(u16::from) else {
        // Cause by cause: the outer error says no more than "Connection error".
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        return SendError::Temporary(causes.last().map(ToString::to_string).unwrap_or_default());
    };
    let words = format!("the mail server answered {code}");
    // 530 to 538 speak of the login (RFC 4954, section 6) and 421, 454 of the moment: the operator mends them,
    // and the mails must not be gone by then.
    if error.is_permanent() && !(530..=538).contains(&code) {
        SendError::Permanent(words)
    } else {
        SendError::Temporary(words)
    }
}

/// Writes beside and renames, so that whoever watches the folder never sees half a mail.
async fn write(folder: &Path, name: &str, message: &Message) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await?;
    let beside = folder.join(format!(".{name}.new"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).await?;
    file.write_all(&message.formatted()).await?;
    file.sync_all().await?;
    fs::rename(&beside, folder.join(format!("{name}.eml"))).await?;
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

    fn over(url: &str) -> Mailer {
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
    async fn a_folder_gets_a_private_file_for_each_mail() {
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
    async fn a_folder_that_cannot_be_written_is_tried_again() {
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
        assert!(matches!(mailer.send(&mail()).await, Err(SendError::Temporary(_))));
    }

    #[tokio::test]
    async fn a_mail_server_gets_envelope_and_message() {
        let server = SmtpServer::start(Answer::Accept).await;
        over(&server.url()).send(&mail()).await.unwrap();
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].from, "<sb@example.org>");
        assert_eq!(received[0].to, ["<arthur@example.org>"]);
        assert!(received[0].data.contains("Subject: Verify your e-mail address\r\n"));
        assert!(received[0].data.contains("\r\nhttp://localhost/verify#token=dG9rZW4\r\n"));
    }

    #[tokio::test]
    async fn refusals_are_permanent_or_temporary() {
        for (code, permanent) in [(550, true), (553, true), (450, false), (421, false), (530, false)] {
            let server = SmtpServer::start(Answer::RefuseRecipient(code)).await;
            let error = over(&server.url()).send(&mail()).await.unwrap_err();
            assert_eq!(matches!(error, SendError::Permanent(_)), permanent, "{code}: {error}");
            assert!(error.to_string().contains(&code.to_string()) && !error.to_string().contains("arthur"), "{error}");
            assert!(server.received().is_empty());
        }
    }

    #[tokio::test]
    async fn encryption_that_is_required_and_not_offered_sends_nothing() {
        let server = SmtpServer::start(Answer::Accept).await;
        let error = over(&format!("{}?tls=required", server.url())).send(&mail()).await.unwrap_err();
        assert!(matches!(error, SendError::Temporary(_)), "{error}");
        assert!(server.received().is_empty());
    }

    #[tokio::test]
    async fn no_server_at_all_is_temporary() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = over(&format!("smtp://127.0.0.1:{port}")).send(&mail()).await.unwrap_err();
        assert!(matches!(error, SendError::Temporary(_)), "{error}");
    }
}
