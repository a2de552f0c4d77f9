//! The agent's calls: what it sends and how it reacts.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tipring_core::Instant;

use super::text::{self, Text};
use super::{Agent, Answering, Dialog, Phase, Repeated, Scheduled, digest};

impl Agent {
    /// Calls `user` at the gateway.
    pub fn call(&mut self, now: Instant, user: &str) {
        let target = format!("sip:{user}@{}", self.gateway);
        self.dialog = Dialog {
            call_id: format!("{}@{}", self.token(), self.sip.ip()),
            local: format!("<sip:{}@{}>;tag={}", self.name, self.gateway.ip(), self.token()),
            remote: format!("<{target}>"),
            target,
            cseq: 1,
            invite: None,
            branch: String::new(),
            called: false,
        };
        self.phase = Phase::Calling;
        self.tries = 0;
        let body = self.sdp("sendrecv");
        self.send_request(now, "INVITE", "", &body);
    }

    /// Sends CANCEL for the INVITE that it has sent.
    pub fn cancel(&mut self) {
        let branch = self.dialog.branch.clone();
        let text = self.request_text("CANCEL", &branch, "", "");
        self.post(text);
    }

    /// Ends its call: BYE, or a refusal while it rings.
    pub fn hang_up(&mut self, now: Instant) {
        match self.phase {
            Phase::Talking => {
                self.send_request(now, "BYE", "", "");
                self.end();
            }
            Phase::Ringing => {
                let refuse = Scheduled { at: now, status: 603, with_body: false };
                self.respond_to_invite(now, &refuse);
            }
            Phase::Calling => self.cancel(),
            Phase::Idle => {}
        }
    }

    /// Sends a re-INVITE with this direction: `sendonly` holds, `sendrecv` resumes.
    pub fn reinvite(&mut self, now: Instant, direction: &str) {
        let body = self.sdp(direction);
        self.send_request(now, "INVITE", "", &body);
    }

    /// Sends any request in its dialog or out of one.
    pub fn request(&mut self, now: Instant, method: &str, extra: &str, body: &str) {
        if self.dialog.call_id.is_empty() {
            self.fresh_dialog();
        }
        self.send_request(now, method, extra, body);
    }

    /// Registers its address at the gateway for `expires` seconds.
    pub fn register(&mut self, now: Instant, expires: u32) {
        self.fresh_dialog();
        self.registering = true;
        self.tries = 0;
        self.send_request(now, "REGISTER", &format!("Expires: {expires}\r\n"), "");
    }

    /// Sends raw bytes from its SIP address, as an attacker or a broken phone would.
    pub fn raw(&mut self, bytes: &[u8]) {
        let (from, to) = (self.sip, self.gateway);
        self.outbox.push(crate::net::Parcel { from, to, bytes: bytes.to_vec() });
    }

    fn fresh_dialog(&mut self) {
        let aor = format!("<sip:{}@{}>", self.name, self.gateway.ip());
        self.dialog = Dialog {
            call_id: self.token(),
            local: format!("{aor};tag={}", self.token()),
            remote: aor,
            target: format!("sip:{}", self.gateway),
            ..Dialog::default()
        };
    }

    fn request_text(&self, method: &str, branch: &str, extra: &str, body: &str) -> String {
        let d = &self.dialog;
        let mut out = format!("{method} {} SIP/2.0\r\n", d.target);
        let _ = write!(
            out,
            "Via: SIP/2.0/UDP {};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:{}@{}>\r\nUser-Agent: sim\r\n{extra}",
            self.sip, d.local, d.remote, d.call_id, d.cseq, self.name, self.sip
        );
        text::finish(&mut out, body);
        out
    }

    fn send_request(&mut self, now: Instant, method: &str, extra: &str, body: &str) {
        self.dialog.cseq += 1;
        let branch = format!("z9hG4bK{}", self.token());
        let out = self.request_text(method, &branch, extra, body);
        if method == "INVITE" {
            self.dialog.branch.clone_from(&branch);
            self.dialog.invite = Text::parse(out.as_bytes());
        }
        self.post(out.clone());
        self.repeat(now, Repeated::Request(self.dialog.cseq), out);
    }

    fn send_ack(&mut self, branch: Option<&str>) {
        let branch = branch.map_or_else(|| format!("z9hG4bK{}", self.token()), str::to_owned);
        let text = self.request_text("ACK", &branch, "", "");
        self.post(text);
    }

    pub(super) fn on_message(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        match text.status() {
            Some(status) => self.on_response(now, text, status),
            None => self.on_request(now, text, from),
        }
    }

    fn on_response(&mut self, now: Instant, text: &Text, status: u16) {
        self.log.push(format!("{status} {}", text.method()));
        if text.header("Call-ID") != Some(&self.dialog.call_id) {
            return;
        }
        if status >= 200 || text.method() == "INVITE" {
            self.stop(Repeated::Request(text.cseq()));
        }
        if status == 401 || status == 407 {
            return self.authenticate(now, text, status);
        }
        match (text.method(), status) {
            ("INVITE", 101..=199) => self.learn_media(text),
            ("INVITE", 200..=299) => {
                self.learn_dialog(text);
                self.learn_media(text);
                if self.phase == Phase::Calling {
                    self.phase = Phase::Talking;
                }
                if self.forget_acks > 0 {
                    self.forget_acks -= 1;
                } else {
                    self.send_ack(None);
                }
            }
            ("INVITE", 300..=699) => {
                let branch = self.dialog.branch.clone();
                if let Some(to) = text.header("To") {
                    to.clone_into(&mut self.dialog.remote);
                }
                self.send_ack(Some(&branch));
                if self.phase == Phase::Calling {
                    self.end();
                }
            }
            ("REGISTER", 200..=299) => self.registering = false,
            _ => {}
        }
    }

    fn authenticate(&mut self, now: Instant, text: &Text, status: u16) {
        let method = text.method().to_owned();
        if method == "INVITE" {
            let branch = self.dialog.branch.clone();
            self.send_ack(Some(&branch));
        }
        let (challenge, answer) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let (Some(password), Some(challenge)) = (self.password.clone(), text.header(challenge)) else {
            return self.end();
        };
        self.tries += 1;
        if self.tries > 2 {
            return self.end();
        }
        let value = digest::answer(challenge, &self.name, &password, &method, &self.dialog.target);
        let body = if method == "INVITE" { self.sdp("sendrecv") } else { String::new() };
        let expires = if self.registering { "Expires: 600\r\n" } else { "" };
        self.send_request(now, &method, &format!("{answer}: {value}\r\n{expires}"), &body);
    }

    fn on_request(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        self.log.push(text.method().to_owned());
        let known = text.header("Call-ID") == Some(&self.dialog.call_id) && self.phase != Phase::Idle;
        match text.method() {
            "INVITE" if known => self.on_reinvite(text, from),
            "INVITE" => self.on_invite(now, text, from),
            "ACK" => self.stop(Repeated::Final),
            "BYE" if known => {
                self.post_to(text.answer(200, "OK", "", "", ""), from);
                self.end();
            }
            "CANCEL" if known && self.phase == Phase::Ringing => {
                self.post_to(text.answer(200, "OK", "", "", ""), from);
                let terminated = Scheduled { at: now, status: 487, with_body: false };
                self.respond_to_invite(now, &terminated);
            }
            "BYE" | "CANCEL" => {
                let tag = self.token();
                self.post_to(text.answer(481, "Call/Transaction Does Not Exist", &tag, "", ""), from);
            }
            _ => {
                let tag = self.token();
                self.post_to(text.answer(200, "OK", &tag, "", ""), from);
            }
        }
    }

    fn on_invite(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        if self.phase != Phase::Idle {
            let tag = self.token();
            return self.post_to(text.answer(486, "Busy Here", &tag, "", ""), from);
        }
        let tag = self.token();
        self.dialog = Dialog {
            call_id: text.header("Call-ID").unwrap_or_default().to_owned(),
            local: format!("{};tag={tag}", text.header("To").unwrap_or_default()),
            remote: text.header("From").unwrap_or_default().to_owned(),
            target: text.uri("Contact").unwrap_or_default().to_owned(),
            cseq: 100,
            invite: Some(text.clone()),
            branch: tag,
            called: true,
        };
        self.media.set_peer(text::sdp_address(&text.body));
        self.phase = Phase::Ringing;
        let at = |delay, status, with_body| Scheduled { at: now + delay, status, with_body };
        let zero = tipring_core::Duration::ZERO;
        self.scheduled = match self.answering.clone() {
            Answering::After { ring, answer } => vec![at(answer, 200, true), at(ring, 180, false)],
            Answering::RingForever => vec![at(zero, 180, false)],
            Answering::EarlyMedia { answer } => vec![at(answer, 200, true), at(zero, 183, true)],
            Answering::Refuse(status, _) => vec![at(zero, status, false)],
            Answering::Redirect(_) => vec![at(zero, 302, false)],
            Answering::Silent => Vec::new(),
        };
    }

    fn on_reinvite(&mut self, text: &Text, from: SocketAddr) {
        if text.cseq() <= self.dialog.invite.as_ref().map_or(0, Text::cseq) && self.dialog.called {
            return; // A retransmission: the repeated 200 answers it.
        }
        self.dialog.invite = Some(text.clone());
        self.media.set_peer(text::sdp_address(&text.body));
        let direction = match () {
            () if text.body.contains("a=sendonly") => "recvonly",
            () if text.body.contains("a=inactive") => "inactive",
            () => "sendrecv",
        };
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.name, self.sip);
        let body = self.sdp(direction);
        self.post_to(text.answer(200, "OK", "", &contact, &body), from);
    }

    pub(super) fn respond_to_invite(&mut self, now: Instant, due: &Scheduled) {
        let Some(invite) = self.dialog.invite.clone() else { return };
        let tag = self.dialog.branch.clone();
        let mut extra = format!("Contact: <sip:{}@{}>\r\n", self.name, self.sip);
        let reason = match (due.status, &self.answering) {
            (302, Answering::Redirect(contact)) => {
                extra = format!("Contact: <{contact}>\r\n");
                "Moved Temporarily"
            }
            (_, Answering::Refuse(_, reason)) => reason,
            (180, _) => "Ringing",
            (183, _) => "Session Progress",
            (487, _) => "Request Terminated",
            (603, _) => "Decline",
            _ => "OK",
        };
        let body = if due.with_body { self.sdp("sendrecv") } else { String::new() };
        let text = invite.answer(due.status, reason, &tag, &extra, &body);
        self.post(text.clone());
        if due.status >= 200 {
            self.scheduled.clear();
            self.repeat(now, Repeated::Final, text);
            if due.status < 300 {
                self.phase = Phase::Talking;
            } else {
                self.phase = Phase::Idle;
            }
        }
    }

    fn learn_dialog(&mut self, text: &Text) {
        if let Some(to) = text.header("To") {
            to.clone_into(&mut self.dialog.remote);
        }
        if let Some(contact) = text.uri("Contact") {
            contact.clone_into(&mut self.dialog.target);
        }
    }

    fn learn_media(&mut self, text: &Text) {
        if let Some(peer) = text::sdp_address(&text.body) {
            self.media.set_peer(Some(peer));
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Idle;
        self.scheduled.clear();
        self.media.set_peer(None);
    }
}
