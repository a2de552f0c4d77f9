//! The agent as a router whose SIP application layer gateway rewrites what passes.
//!
//! ```text
//!   inside 192.168.0.2                    10.0.5.1 outside
//!   REGISTER, INVITE, RTP ──► every address inside becomes ours ──► gateway
//!                         ◄── ours becomes that inside          ◄──
//! ```
//!
//! It is no element of SIP: it adds no Via and answers nothing.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::text::{self, Text};
use super::{Agent, Parcel};

/// Who is behind the router.
#[derive(Clone, Debug)]
pub struct Alg {
    /// The SIP address of the phone inside. Its audio has the port of the router's audio.
    pub inside: SocketAddr,
    /// The audio address of the phone inside.
    pub inside_rtp: SocketAddr,
    outside_rtp: Option<SocketAddr>,
}

impl Alg {
    /// For the phone at `inside`, whose audio is at `inside_rtp`.
    pub fn new(inside: SocketAddr, inside_rtp: SocketAddr) -> Self {
        Self { inside, inside_rtp, outside_rtp: None }
    }
}

impl Agent {
    pub(super) fn pass_through(&mut self, parcel: &Parcel) {
        let Some(alg) = self.alg.clone() else { return };
        if parcel.to == self.rtp {
            let out = parcel.from == alg.inside_rtp;
            let to = if out { alg.outside_rtp } else { Some(alg.inside_rtp) };
            if let Some(to) = to {
                self.send(Parcel { from: self.rtp, to, bytes: parcel.bytes.clone() });
            }
            return;
        }
        let Some(mut text) = Text::parse(&parcel.bytes).filter(|_| parcel.to == self.sip) else {
            return;
        };
        self.received.push(text.clone());
        let out = parcel.from == alg.inside;
        let (inside, outside) = (alg.inside.ip().to_string(), self.sip.ip().to_string());
        let (from, to) = if out { (&inside, &outside) } else { (&outside, &inside) };
        text.first = text.first.replace(from, to);
        for (_, value) in &mut text.headers {
            *value = value.replace(from, to);
        }
        text.body = text.body.replace(from, to);
        if let Some(audio) = text::sdp_address(&text.body).filter(|_| !out) {
            // Audio of the far end comes by us too.
            self.alg = Some(Alg { outside_rtp: Some(audio), ..alg.clone() });
            text.body = relayed(&text.body, self.rtp);
        }
        let length = text.body.len().to_string();
        text.set("Content-Length", &length);
        let to = if out { self.gateway } else { alg.inside };
        self.post_to(text.print(), to);
    }
}

/// A session description whose audio comes by `relay`.
fn relayed(body: &str, relay: SocketAddr) -> String {
    let mut out = String::new();
    for line in body.lines() {
        let _ = match line.strip_prefix("m=audio ").and_then(|rest| rest.split_once(' ')) {
            Some((_, rest)) => write!(out, "m=audio {} {rest}\r\n", relay.port()),
            None if line.starts_with("c=IN ") => write!(out, "c=IN IP4 {}\r\n", relay.ip()),
            None => write!(out, "{line}\r\n"),
        };
    }
    out
}
