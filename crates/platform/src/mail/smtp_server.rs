//! SMTP server (RFC 5321) for tests, which records the received mails.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// Behaviour of the server.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Accept,
    /// Answers every recipient with this code and quotes the address.
    RefuseRecipient(u16),
}

/// An accepted mail.
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
                tokio::spawn(serve_session(stream, answer, Arc::clone(&mailbox)));
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

async fn serve_session(stream: TcpStream, answer: Answer, mailbox: Arc<Mutex<Vec<Received>>>) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let mut mail = Received::default();
    send(&mut stream, "220 smtp.example ready").await?;
    loop {
        let line = read_line(&mut stream).await?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let path = rest.split_once(':').map_or("", |(_, path)| path).split(' ').next().unwrap_or("").to_owned();
        let reply = match (verb, answer) {
            ("EHLO", _) => "250-smtp.example\r\n250 8BITMIME".to_owned(),
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
                send(&mut stream, "354 go on").await?;
                mail.data = read_data(&mut stream).await?;
                mailbox.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken".to_owned()
            }
            ("QUIT", _) => {
                send(&mut stream, "221 bye").await?;
                return Some(());
            }
            ("RSET" | "NOOP", _) => "250 ok".to_owned(),
            _ => "502 what".to_owned(),
        };
        send(&mut stream, &reply).await?;
    }
}

async fn send(stream: &mut BufStream<TcpStream>, line: &str) -> Option<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn read_line(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}

/// Reads lines up to a single dot and undoes dot stuffing (RFC 5321, section 4.5.2).
async fn read_data(stream: &mut BufStream<TcpStream>) -> Option<String> {
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
