//! A minimal HTTP/1.1 client: its own cost is small, so a figure shows the server's.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::measure::wall_time;

/// A persistent connection.
pub struct Client {
    socket: BufReader<TcpStream>,
    /// The buffer of the last line.
    line: String,
}

/// The parts of a response that the benches need.
#[derive(Default)]
pub struct Response {
    pub status: u16,
    pub etag: String,
    /// The time from the request to the first byte of the body.
    pub first_byte: Duration,
    pub body_bytes: u64,
}

/// The framing of a body (RFC 9112, section 6).
enum Body {
    None,
    Sized(u64),
    Chunked,
}

impl Client {
    /// Connects to a server.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        Ok(Self { socket: BufReader::with_capacity(64 * 1024, socket), line: String::new() })
    }

    /// Sends a GET request, and reads the body to its end.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let start = wall_time();
        self.socket.get_mut().write_all(format!("{request}\r\n").as_bytes())?;
        let (mut response, body) = self.head()?;
        if !matches!(body, Body::None | Body::Sized(0)) {
            self.socket.fill_buf()?;
        }
        response.first_byte = wall_time() - start;
        match body {
            Body::None => {}
            Body::Sized(length) => response.body_bytes = self.skip(length)?,
            Body::Chunked => loop {
                let length = u64::from_str_radix(self.line()?, 16).map_err(io::Error::other)?;
                response.body_bytes += self.skip(length)?;
                self.line()?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(response)
    }

    fn head(&mut self) -> io::Result<(Response, Body)> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status code"))?;
        let (mut response, mut body) = (Response { status, ..Response::default() }, Body::None);
        loop {
            let line = self.line()?;
            // The server writes field names in lower case; they are case-insensitive (RFC 9110, section 5.1).
            let Some((name, value)) = line.split_once(": ") else { return Ok((response, body)) };
            match name {
                "etag" => value.clone_into(&mut response.etag),
                "transfer-encoding" => body = Body::Chunked,
                "content-length" if status != 304 => body = Body::Sized(value.parse().map_err(io::Error::other)?),
                _ => {}
            }
        }
    }

    /// Reads the next line, without its line break.
    fn line(&mut self) -> io::Result<&str> {
        self.line.clear();
        if self.socket.read_line(&mut self.line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.line.trim_end())
    }

    fn skip(&mut self, length: u64) -> io::Result<u64> {
        io::copy(&mut (&mut self.socket).take(length), &mut io::sink())
    }
}
