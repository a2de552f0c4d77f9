//! A dialog with a hand-written peer: it remembers tags and numbers so that tests write what matters.

use tipring_sip::agent::UaConfig;
use tipring_sip::message::Status;
use tipring_sip::session::{Invite, SessionId};

use crate::script::{Script, header, response};

/// The peer's Contact.
pub const CONTACT: &str = "Contact: <sip:bob@198.51.100.9>\n";

fn typed(more: &str) -> bool {
    more.contains("Content-Type")
}

/// A script with one call, and what its peer knows of it.
pub struct Peer {
    pub script: Script,
    pub id: SessionId,
    /// The INVITE of the call, ours or the peer's.
    pub invite: String,
    /// From, To and Call-ID of the peer's requests.
    from: String,
    to: String,
    call_id: String,
    cseq: u32,
    branch: u32,
}

impl Peer {
    /// We call the peer.
    pub fn called(config: UaConfig, change: impl FnOnce(&mut Invite)) -> Self {
        let mut script = Script::with(config);
        let (id, invite) = script.call(change);
        let from = format!("{};tag=b", header(&invite, "To"));
        let to = header(&invite, "From").to_owned();
        let call_id = header(&invite, "Call-ID").to_owned();
        Self { script, id, invite, from, to, call_id, cseq: 100, branch: 0 }
    }

    /// The peer calls us; `more` are further lines of its INVITE.
    pub fn calls(config: UaConfig, more: &str, body: &str) -> Self {
        let mut peer = Self {
            script: Script::with(config),
            id: SessionId(0),
            invite: String::new(),
            from: "<sip:bob@198.51.100.9>;tag=b".to_owned(),
            to: "<sip:101@192.0.2.1>".to_owned(),
            call_id: "c".to_owned(),
            cseq: 0,
            branch: 0,
        };
        peer.invite = peer.ask("INVITE", &format!("{CONTACT}{more}"), body);
        if peer.script.heard("Incoming") {
            peer.id = peer.script.incoming();
            peer.script.expect("SIP/2.0 100");
        }
        peer
    }

    /// The peer's callee side answers: we called, now the call is up.
    pub fn up(config: UaConfig, more: &str) -> Self {
        let mut peer = Self::called(config, |_| {});
        peer.answer("200 OK", more, "v=0 answer");
        peer.script.expect("ACK ");
        assert!(peer.script.heard("Answered"));
        peer.script.said.clear();
        peer
    }

    /// The peer called with `more`, we answered with what is given too: the call is up.
    pub fn taken(config: UaConfig, more: &str) -> (Self, String) {
        let mut peer = Self::calls(config, more, "v=0 offer");
        let id = peer.id;
        peer.script.act(|ua, now| ua.answer(now, id, b"v=0 answer".to_vec())).expect("rings");
        let ok = peer.script.expect("SIP/2.0 200");
        peer.hear(&ok);
        peer.ask("ACK", "", "");
        assert!(peer.script.heard("Confirmed"));
        peer.script.said.clear();
        (peer, ok)
    }

    /// Takes our tag from a response of ours.
    pub fn hear(&mut self, text: &str) {
        self.to = header(text, "To").to_owned();
    }

    /// The peer's response to our INVITE, by the fork `b`.
    pub fn answer(&mut self, status: &str, more: &str, body: &str) {
        self.answer_as("b", status, more, body);
    }

    pub fn answer_as(&mut self, tag: &str, status: &str, more: &str, body: &str) {
        let kind = if body.is_empty() || typed(more) { "" } else { "c: application/sdp\n" };
        let text = response(&self.invite, status, tag, &format!("{CONTACT}{more}{kind}"), body);
        self.script.receive(&text);
    }

    /// The peer's response to any request of ours.
    pub fn reply(&mut self, request: &str, status: &str, more: &str, body: &str) {
        let kind = if body.is_empty() || typed(more) { "" } else { "c: application/sdp\n" };
        let text = response(request, status, "b", &format!("{CONTACT}{more}{kind}"), body);
        self.script.receive(&text);
    }

    /// The peer's request in the dialog; gives its text.
    pub fn ask(&mut self, method: &str, more: &str, body: &str) -> String {
        if method != "ACK" {
            self.cseq += 1;
        }
        self.ask_numbered(method, self.cseq, more, body)
    }

    pub fn ask_numbered(&mut self, method: &str, cseq: u32, more: &str, body: &str) -> String {
        let text = self.text(method, cseq, more, body);
        self.script.receive_octets(crate::script::PEER, text.as_bytes());
        text
    }

    /// A request of the peer in the dialog, not sent yet.
    pub fn text(&mut self, method: &str, cseq: u32, more: &str, body: &str) -> String {
        self.branch += 1;
        let kind =
            if body.is_empty() || typed(more) { "" } else { "Content-Type: application/sdp\n" };
        let head = format!(
            "{method} sip:x@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKpeer{};rport
From: {}
To: {}
Call-ID: {}
CSeq: {cseq} {method}
{more}{kind}Content-Length: {}

",
            self.branch,
            self.from,
            self.to,
            self.call_id,
            body.len()
        );
        format!("{}{body}", head.replace('\n', "\r\n"))
    }

    /// The RAck for a reliable response of ours.
    pub fn prack(&mut self, ringing: &str, body: &str) {
        self.hear(ringing);
        let number = header(ringing, "CSeq").split(' ').next().unwrap_or("");
        let rack = format!("RAck: {} {number} INVITE\n", header(ringing, "RSeq"));
        self.ask("PRACK", &rack, body);
    }

    pub fn progress(&mut self, status: Status, body: &str) {
        let id = self.id;
        self.script
            .act(|ua, now| ua.progress(now, id, status, body.as_bytes().to_vec()))
            .expect("rings");
    }

    /// Passes the longest timers and finds nothing left.
    pub fn assert_quiet(&mut self) {
        self.script.wait(300_000);
        let left: Vec<_> = self.script.ua.describe().collect();
        assert_eq!(self.script.ua.counts(), Default::default(), "{left:?}");
    }
}
