//! Printing a description, in the order of RFC 8866 §5, lines ended by CRLF.

use std::fmt;
use std::net::Ipv4Addr;

use crate::media::{Formats, Media};
use crate::session::Session;

impl Session {
    /// The body of a message.
    pub fn to_body(&self) -> Vec<u8> {
        self.print().into_bytes()
    }

    fn print(&self) -> String {
        let mut out = String::with_capacity(192 + 384 * self.media.len());
        out.push_str("v=0\r\no=");
        self.origin.print(&mut out);
        out.push_str("\r\ns=");
        out.push_str(if self.name.is_empty() { "-" } else { &self.name });
        out.push_str("\r\n");
        if let Some(connection) = &self.connection {
            out.push_str("c=");
            connection.print(&mut out);
            out.push_str("\r\n");
        }
        self.bandwidth.iter().for_each(|bandwidth| bandwidth.print(&mut out));
        if self.times.is_empty() {
            out.push_str("t=0 0\r\n");
        }
        self.times.iter().for_each(|timing| timing.print(&mut out));
        if !self.zones.is_empty() {
            let mut before = "z=";
            for zone in &self.zones {
                out.push_str(before);
                zone.print(&mut out);
                before = " ";
            }
            out.push_str("\r\n");
        }
        milliseconds(&mut out, "a=ptime:", self.ptime_ms);
        milliseconds(&mut out, "a=maxptime:", self.max_ptime_ms);
        self.attributes.iter().for_each(|attribute| attribute.print(&mut out));
        if let Some(direction) = self.direction {
            line(&mut out, "a=", direction.name());
        }
        self.media.iter().for_each(|media| media.print(&mut out));
        out
    }
}

impl Media {
    fn print(&self, out: &mut String) {
        out.push_str("m=");
        out.push_str(self.kind.name());
        out.push(' ');
        number(out, self.port.into());
        if let Some(ports) = self.ports {
            out.push('/');
            number(out, ports.into());
        }
        out.push(' ');
        out.push_str(self.protocol.name());
        match &self.formats {
            Formats::Rtp(payloads) => payloads.iter().for_each(|payload| {
                out.push(' ');
                number(out, payload.number.into());
            }),
            Formats::Other(text) if text.is_empty() => {}
            Formats::Other(text) => {
                out.push(' ');
                out.push_str(text);
            }
        }
        out.push_str("\r\n");
        if let Some(connection) = &self.connection {
            out.push_str("c=");
            connection.print(out);
            out.push_str("\r\n");
        }
        self.bandwidth.iter().for_each(|bandwidth| bandwidth.print(out));
        self.payloads().iter().for_each(|payload| payload.print(out));
        milliseconds(out, "a=ptime:", self.ptime_ms);
        milliseconds(out, "a=maxptime:", self.max_ptime_ms);
        if let Some(rtcp) = &self.rtcp {
            out.push_str("a=rtcp:");
            rtcp.print(out);
            out.push_str("\r\n");
        }
        if self.rtcp_mux {
            out.push_str("a=rtcp-mux\r\n");
        }
        self.attributes.iter().for_each(|attribute| attribute.print(out));
        if let Some(direction) = self.direction {
            line(out, "a=", direction.name());
        }
    }
}

/// Appends a number in decimal digits.
pub(crate) fn number(out: &mut String, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).expect("digits are ASCII"));
}

/// Appends `192.0.2.1`.
pub(crate) fn ipv4(out: &mut String, ip: Ipv4Addr) {
    let [first, rest @ ..] = ip.octets();
    number(out, first.into());
    for octet in rest {
        out.push('.');
        number(out, octet.into());
    }
}

fn milliseconds(out: &mut String, name: &str, ms: Option<u16>) {
    if let Some(ms) = ms {
        out.push_str(name);
        number(out, ms.into());
        out.push_str("\r\n");
    }
}

fn line(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(value);
    out.push_str("\r\n");
}

/// The whole body.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print())
    }
}

/// The `m=` line and all lines that belong to it.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.print(&mut out);
        f.write_str(&out)
    }
}
