//! Printing a description, in the order of RFC 8866 §5, lines ended by CRLF.
//!
//! Everything is written on one [`Page`]: octets, in one allocation as a rule. What is put on it is text, so that what
//! is taken from it is text.

use std::fmt;
use std::net::Ipv4Addr;

use crate::media::{Formats, Media};
use crate::session::Session;
use crate::text::Text;

/// What has been printed so far.
pub(crate) struct Page(Vec<u8>);

impl Page {
    pub(crate) fn new(octets: usize) -> Self {
        Self(Vec::with_capacity(octets))
    }

    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// What was kept, as it was written.
    #[inline]
    pub(crate) fn kept(&mut self, text: &Text) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// The same, or the `-` that says there is none.
    pub(crate) fn kept_or_dash(&mut self, text: &Text) {
        if text.is_empty() {
            self.text("-");
        } else {
            self.kept(text);
        }
    }

    /// Ends a line.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.0.extend_from_slice(b"\r\n");
    }

    /// A number in decimal digits.
    #[inline]
    pub(crate) fn number(&mut self, value: u64) {
        match value {
            0..10 => self.0.push(digit(value as u32)),
            10..100 => self.0.extend_from_slice(&pair(value as u32)),
            _ => self.long_number(value),
        }
    }

    fn long_number(&mut self, value: u64) {
        match value {
            0..1_000 => {
                let ([tens, ones], hundreds) = (pair(value as u32 % 100), value as u32 / 100);
                self.0.extend_from_slice(&[digit(hundreds), tens, ones]);
            }
            1_000..10_000 => self.four_digits(value as u32),
            _ => {
                self.number(value / 10_000);
                self.four_digits((value % 10_000) as u32);
            }
        }
    }

    /// A number below 10,000 with the zeros before it.
    fn four_digits(&mut self, value: u32) {
        let ([a, b], [c, d]) = (pair(value / 100), pair(value % 100));
        self.0.extend_from_slice(&[a, b, c, d]);
    }

    /// `192.0.2.1`
    pub(crate) fn ipv4(&mut self, ip: Ipv4Addr) {
        let [first, rest @ ..] = ip.octets();
        self.number(first.into());
        for octet in rest {
            self.text(".");
            self.number(octet.into());
        }
    }

    fn milliseconds(&mut self, name: &str, ms: Option<u16>) {
        if let Some(ms) = ms {
            self.text(name);
            self.number(ms.into());
            self.end();
        }
    }

    /// Shows what was printed.
    pub(crate) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("a page holds text"))
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// A number below 10.
const fn digit(value: u32) -> u8 {
    b'0' + value as u8
}

/// The two digits of a number below 100.
const fn pair(value: u32) -> [u8; 2] {
    [digit(value / 10), digit(value % 10)]
}

impl Session {
    /// The body of a message.
    pub fn to_body(&self) -> Vec<u8> {
        let mut page = Page::new(192 + 384 * self.media.len());
        self.print(&mut page);
        page.0
    }

    fn print(&self, page: &mut Page) {
        page.text("v=0\r\no=");
        self.origin.print(page);
        page.text("\r\ns=");
        page.kept_or_dash(&self.name);
        page.end();
        if let Some(connection) = &self.connection {
            connection.print(page);
        }
        self.bandwidth.iter().for_each(|bandwidth| bandwidth.print(page));
        if self.times.is_empty() {
            page.text("t=0 0\r\n");
        }
        self.times.iter().for_each(|timing| timing.print(page));
        if !self.zones.is_empty() {
            let mut before = "z=";
            for zone in &self.zones {
                page.text(before);
                zone.print(page);
                before = " ";
            }
            page.end();
        }
        page.milliseconds("a=ptime:", self.ptime_ms);
        page.milliseconds("a=maxptime:", self.max_ptime_ms);
        self.attributes.iter().for_each(|attribute| attribute.print(page));
        if let Some(direction) = self.direction {
            direction.print(page);
        }
        self.media.iter().for_each(|media| media.print(page));
    }
}

impl Media {
    fn print(&self, page: &mut Page) {
        page.text("m=");
        page.text(self.kind.name());
        page.text(" ");
        page.number(self.port.into());
        if let Some(ports) = self.ports {
            page.text("/");
            page.number(ports.into());
        }
        page.text(" ");
        page.text(self.protocol.name());
        match &self.formats {
            Formats::Rtp(payloads) => payloads.iter().for_each(|payload| {
                page.text(" ");
                page.number(payload.number.into());
            }),
            Formats::Other(text) if text.is_empty() => {}
            Formats::Other(text) => {
                page.text(" ");
                page.kept(text);
            }
        }
        page.end();
        if let Some(connection) = &self.connection {
            connection.print(page);
        }
        self.bandwidth.iter().for_each(|bandwidth| bandwidth.print(page));
        self.payloads().iter().for_each(|payload| payload.print(page));
        page.milliseconds("a=ptime:", self.ptime_ms);
        page.milliseconds("a=maxptime:", self.max_ptime_ms);
        if let Some(rtcp) = &self.rtcp {
            page.text("a=rtcp:");
            rtcp.print(page);
            page.end();
        }
        if self.rtcp_mux {
            page.text("a=rtcp-mux\r\n");
        }
        self.attributes.iter().for_each(|attribute| attribute.print(page));
        if let Some(direction) = self.direction {
            direction.print(page);
        }
    }
}

/// The whole body.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(192 + 384 * self.media.len());
        self.print(&mut page);
        page.show(f)
    }
}

/// The `m=` line and all lines that belong to it.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(0);
        self.print(&mut page);
        page.show(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_the_standard_library_prints_them() {
        let tens = (0..20).map(|power| 10u64.pow(power));
        let edges = tens.flat_map(|ten| [ten - 1, ten, ten + 1, ten / 2 * 3]);
        for value in edges.chain(0..300).chain([u64::MAX - 1, u64::MAX]) {
            let mut page = Page::new(0);
            page.number(value);
            assert_eq!(page.0, value.to_string().into_bytes());
        }
    }
}
