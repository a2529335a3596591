//! The far side of a conversation over SMTP (RFC 5321), for tests: it listens on a port, speaks, and remembers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with mails.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Accept,
    /// Answers every recipient with this code, and quotes him.
    RefuseRecipient(u16),
}

/// A mail that was accepted.
#[derive(Clone, Default)]
pub(super) struct Received {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) data: String,
}

pub(super) struct SmtpServer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl SmtpServer {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let mailbox = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, answer, Arc::clone(&mailbox)));
            }
        });
        Self { address, received }
    }

    pub(super) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, answer: Answer, mailbox: Arc<Mutex<Vec<Received>>>) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let mut mail = Received::default();
    say(&mut stream, "220 far.example ready").await?;
    loop {
        let line = hear(&mut stream).await?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let path = rest.split_once(':').map_or("", |(_, path)| path).split(' ').next().unwrap_or("").to_owned();
        let reply = match (verb, answer) {
            ("EHLO", _) => "250-far.example\r\n250 8BITMIME".to_owned(),
            ("MAIL", _) => {
                mail.from = path;
                "250 ok".to_owned()
            }
            ("RCPT", Answer::RefuseRecipient(code)) => format!("{code} no {path} here"),
            ("RCPT", Answer::Accept) => {
                mail.to.push(path);
                "250 ok".to_owned()
            }
            ("DATA", _) => {
                say(&mut stream, "354 go on").await?;
                mail.data = hear_data(&mut stream).await?;
                mailbox.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken".to_owned()
            }
            ("QUIT", _) => {
                say(&mut stream, "221 bye").await?;
                return Some(());
            }
            ("RSET" | "NOOP", _) => "250 ok".to_owned(),
            _ => "502 what".to_owned(),
        };
        say(&mut stream, &reply).await?;
    }
}

async fn say(stream: &mut BufStream<TcpStream>, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}

/// Lines up to a single dot, with doubled dots undone (RFC 5321, section 4.5.2).
async fn hear_data(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
