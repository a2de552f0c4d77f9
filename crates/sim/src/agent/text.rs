//! A SIP message as text, read and written without any of tipring's own SIP code.

use std::fmt::Write as _;

/// A message split at its line ends: enough for an agent that trusts its network.
#[derive(Clone, Debug)]
pub struct Text {
    /// The request or status line.
    pub first: String,
    /// Header names as they stood, and their values.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: String,
}

impl Text {
    /// Splits a datagram; `None` when it has no header part.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self { first, headers, body: body.to_owned() })
    }

    /// The status code, when it is a response.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method, of the request line or of CSeq.
    pub fn method(&self) -> &str {
        match self.status() {
            Some(_) => self.header("CSeq").and_then(|v| v.split_whitespace().nth(1)).unwrap_or(""),
            None => self.first.split(' ').next().unwrap_or(""),
        }
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of that name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The number in CSeq, 0 when there is none.
    pub fn cseq(&self) -> u32 {
        self.header("CSeq")
            .and_then(|v| v.split_whitespace().next())
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }

    /// A parameter `;name=value` of a header, quotes kept.
    pub fn param(&self, header: &str, name: &str) -> Option<&str> {
        let value = self.header(header)?;
        let after = value.rsplit_once('>').map_or(value, |(_, params)| params);
        after.split(';').find_map(|p| p.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// The URI between the angle brackets of a header, or its bare form.
    pub fn uri(&self, header: &str) -> Option<&str> {
        self.header(header).map(inside)
    }

    /// The values of all headers of that name, in order, those that share a line taken apart.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(|line| line.split(',')).map(|v| v.trim().to_owned()).collect()
    }

    /// Sets the first header of that name, or adds it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The URI of the request line.
    pub fn request_uri(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// As it is sent.
    pub fn print(&self) -> String {
        let mut out = format!("{}\r\n", self.first);
        for (name, value) in &self.headers {
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out + "\r\n" + &self.body
    }

    /// A response to this request that copies what RFC 3261 §8.2.6.2 says.
    pub fn answer(
        &self,
        status: u16,
        reason: &str,
        to_tag: &str,
        extra: &str,
        body: &str,
    ) -> String {
        let mut out = format!("SIP/2.0 {status} {reason}\r\n");
        for (name, value) in &self.headers {
            let keep = ["via", "from", "call-id", "cseq", "record-route"];
            if keep.iter().any(|k| name.eq_ignore_ascii_case(k)) {
                let _ = write!(out, "{name}: {value}\r\n");
            } else if name.eq_ignore_ascii_case("to") {
                let tag =
                    if value.contains(";tag=") { String::new() } else { format!(";tag={to_tag}") };
                let _ = write!(out, "To: {value}{tag}\r\n");
            }
        }
        out.push_str(extra);
        finish(&mut out, body);
        out
    }
}

/// The URI of an address with angle brackets or without.
pub fn inside(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => value.split(';').next().unwrap_or_default(),
    }
}

/// Ends a message with its body's headers and the body.
pub fn finish(out: &mut String, body: &str) {
    if !body.is_empty() && !out.contains("Content-Type:") {
        out.push_str(match body.starts_with(DELIMITER) {
            true => "Content-Type: multipart/mixed; boundary=\"unique-1\"\r\n",
            false => "Content-Type: application/sdp\r\n",
        });
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n{body}", body.len());
}

const DELIMITER: &str = "--unique-1\r\n";

/// A session description between other parts of one body.
pub fn parts(description: &str, beside: &[String]) -> String {
    let mut out = String::new();
    for (at, part) in beside.iter().enumerate() {
        if at == beside.len() / 2 {
            let _ =
                write!(out, "{DELIMITER}Content-Type: application/sdp\r\n\r\n{description}\r\n");
        }
        let _ = write!(out, "{DELIMITER}{part}\r\n");
    }
    out + "--unique-1--\r\n"
}

/// The address and port of the audio stream of an SDP body.
pub fn sdp_address(body: &str) -> Option<std::net::SocketAddr> {
    let ip = body.lines().find_map(|l| l.trim().strip_prefix("c=IN IP4 "))?;
    let port = body.lines().find_map(|l| l.trim().strip_prefix("m=audio "))?.split(' ').next()?;
    format!("{}:{port}", ip.split('/').next()?).parse().ok()
}

/// The first payload type of the audio stream of an SDP body that is G.711; 0 when there is none.
pub fn sdp_payload_type(body: &str) -> u8 {
    let list = body.lines().find_map(|l| l.trim().strip_prefix("m=audio ")).unwrap_or("");
    list.split(' ').skip(2).find_map(|p| p.parse().ok().filter(|p| [0, 8].contains(p))).unwrap_or(0)
}
