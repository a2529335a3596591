//! As little HTTP as a client needs, so that what is measured is the server.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::measure::wall;

/// One connection, which is kept.
pub struct Client {
    socket: BufReader<TcpStream>,
    /// The line that was read last.
    line: String,
}

/// What came back.
#[derive(Default)]
pub struct Answer {
    pub status: u16,
    pub etag: String,
    /// From the request to the first byte of the body.
    pub first_byte: Duration,
    pub body_bytes: u64,
}

/// How a body ends.
enum Body {
    None,
    Sized(u64),
    Chunked,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        Ok(Self { socket: BufReader::with_capacity(64 * 1024, socket), line: String::new() })
    }

    /// Asks, and reads the body to its end.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let began = wall();
        self.socket.get_mut().write_all(format!("{request}\r\n").as_bytes())?;
        let (mut answer, body) = self.head()?;
        if !matches!(body, Body::None | Body::Sized(0)) {
            self.socket.fill_buf()?;
        }
        answer.first_byte = wall() - began;
        match body {
            Body::None => {}
            Body::Sized(length) => answer.body_bytes = self.pass_over(length)?,
            Body::Chunked => loop {
                let length = u64::from_str_radix(self.line()?, 16).map_err(io::Error::other)?;
                answer.body_bytes += self.pass_over(length)?;
                self.line()?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(answer)
    }

    fn head(&mut self) -> io::Result<(Answer, Body)> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status"))?;
        let (mut answer, mut body) = (Answer { status, ..Answer::default() }, Body::None);
        loop {
            let line = self.line()?;
            // The server writes the names in small letters (RFC 9112, section 5: either way they mean the same).
            let Some((name, value)) = line.split_once(": ") else { return Ok((answer, body)) };
            match name {
                "etag" => value.clone_into(&mut answer.etag),
                "transfer-encoding" => body = Body::Chunked,
                "content-length" if status != 304 => body = Body::Sized(value.parse().map_err(io::Error::other)?),
                _ => {}
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<&str> {
        self.line.clear();
        if self.socket.read_line(&mut self.line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.line.trim_end())
    }

    fn pass_over(&mut self, length: u64) -> io::Result<u64> {
        io::copy(&mut (&mut self.socket).take(length), &mut io::sink())
    }
}
