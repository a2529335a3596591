//! Two SIP clients: a REGISTER client (RFC 3261, section 10; digest of RFC 2617 without qop) that returns every status
//! code, and sipp.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::net::UdpSocket;

/// The realm of the demo's SIP service.
pub const REALM: &str = "demo.example";

/// A phone with its own socket.
pub struct Phone {
    socket: UdpSocket,
    number: String,
}

impl Phone {
    /// A phone that uses the registrar at this port.
    pub async fn new(registrar: u16, number: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(("127.0.0.1", registrar)).await.unwrap();
        Self { socket, number: number.to_owned() }
    }

    /// Sends a REGISTER; returns the status code of the first response and of the response to the answered challenge.
    pub async fn register(&self, password: &str) -> Vec<u16> {
        let first = self.send("REGISTER", 1, "").await;
        let mut codes = vec![status_code(&first)];
        if let Some(nonce) = quoted_field(&first, "nonce=") {
            let response = digest(&self.number, password, "REGISTER", &nonce);
            let authorization = format!(
                "Authorization: Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"sip:{REALM}\", \
                    response=\"{response}\"\r\n",
                self.number
            );
            codes.push(status_code(&self.send("REGISTER", 2, &authorization).await));
        }
        codes
    }

    /// Whether the registrar answers an OPTIONS request.
    pub async fn ping(&self) -> bool {
        let request = self.request("OPTIONS", 1, "");
        drop(self.socket.send(request.as_bytes()).await);
        let mut response = [0; 2048];
        let received = tokio::time::timeout(Duration::from_millis(200), self.socket.recv(&mut response)).await;
        matches!(received, Ok(Ok(_)))
    }

    async fn send(&self, method: &str, sequence: u32, authorization: &str) -> String {
        let request = self.request(method, sequence, authorization);
        let mut response = vec![0; 4096];
        for _ in 0..10 {
            self.socket.send(request.as_bytes()).await.unwrap();
            // A request that was sent twice has two responses; the CSeq assigns a response to its request.
            while let Ok(Ok(length)) =
                tokio::time::timeout(Duration::from_millis(500), self.socket.recv(&mut response)).await
            {
                let text = String::from_utf8_lossy(&response[..length]).into_owned();
                if text.contains(&format!("CSeq: {sequence} {method}")) {
                    return text;
                }
            }
        }
        panic!("the registrar does not answer");
    }

    fn request(&self, method: &str, sequence: u32, authorization: &str) -> String {
        let (number, port) = (&self.number, self.socket.local_addr().unwrap().port());
        let mut text = format!("{method} sip:{REALM} SIP/2.0\r\n");
        write!(
            text,
            "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}x{sequence}x{number}\r\nMax-Forwards: 70\r\n\
             From: <sip:{number}@{REALM}>;tag=t{port}\r\nTo: <sip:{number}@{REALM}>\r\n\
             Call-ID: c{port}-{number}-{:p}\r\nCSeq: {sequence} {method}\r\n\
             Contact: <sip:{number}@127.0.0.1:{port}>\r\nExpires: 300\r\n\
             {authorization}Content-Length: 0\r\n\r\n",
            &raw const self.number
        )
        .unwrap();
        text
    }
}

/// `response` of digest authentication without qop (RFC 2617, section 3.2.2.1).
pub fn digest(user: &str, password: &str, method: &str, nonce: &str) -> String {
    let md5 = |text: String| hex::encode(Md5::digest(text));
    let (ha1, ha2) = (md5(format!("{user}:{REALM}:{password}")), md5(format!("{method}:sip:{REALM}")));
    md5(format!("{ha1}:{nonce}:{ha2}"))
}

fn status_code(response: &str) -> u16 {
    let code = response.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("not a SIP response: {response}"))
}

fn quoted_field(response: &str, field: &str) -> Option<String> {
    let rest = response.split_once(field)?.1.strip_prefix('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

const SCENARIO: &str = r#"<?xml version="1.0" encoding="us-ascii"?>
<scenario name="register">
  <send retrans="200"><![CDATA[
REGISTER sip:REALM SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[service]@REALM>;tag=[call_number]
To: <sip:[service]@REALM>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[service]@[local_ip]:[local_port]>
Expires: 300
Content-Length: 0

  ]]></send>
  <recv response="401" auth="true"/>
  <send retrans="200"><![CDATA[
REGISTER sip:REALM SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[service]@REALM>;tag=[call_number]
To: <sip:[service]@REALM>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:[service]@[local_ip]:[local_port]>
Expires: 300
[authentication username=NUMBER password=PASSWORD]
Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"#;

/// Whether sipp registers successfully: 401, then 200.
pub async fn sipp_registers(folder: &Path, registrar: u16, number: &str, password: &str) -> bool {
    let scenario = folder.join("register.xml");
    // sipp expands [keywords] in a scenario, which is XML.
    assert!(!password.contains(['[', ']', '<', '&']), "the password must be escaped for sipp");
    let text = SCENARIO.replace("REALM", REALM).replace("NUMBER", number).replace("PASSWORD", password);
    std::fs::write(&scenario, text).unwrap();
    let mut command = Command::new("sipp");
    command.arg(format!("127.0.0.1:{registrar}")).arg("-sf").arg(&scenario);
    command.args(["-s", number, "-i", "127.0.0.1", "-m", "1", "-timeout", "5s", "-recv_timeout", "2000", "-nostdin"]);
    let command = command.current_dir(folder).stdin(std::process::Stdio::null()).output();
    command.is_ok_and(|output| output.status.success())
}
