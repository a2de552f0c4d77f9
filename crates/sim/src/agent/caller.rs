//! What the agent sends by itself: calls, re-INVITEs, BYE, REGISTER; and how it takes the
//! responses.

use std::fmt::Write as _;

use tipring_core::Instant;

use super::text::{self, Text};
use super::{Agent, Dialog, Phase, Repeated, Scheduled, digest};

/// Which of its dialogs the agent speaks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    Call,
    Errand,
}

impl Dialog {
    /// The request URI and the Route lines of its requests (RFC 3261 §12.2.1.1).
    fn path(&self) -> (String, String) {
        let line = |route: &String| format!("Route: {route}\r\n");
        match self.routes.split_first() {
            Some((first, rest)) if !first.contains(";lr") => {
                let target = format!("<{}>", self.target);
                let routes = rest.iter().chain([&target]).map(line).collect();
                (text::inside(first).to_owned(), routes)
            }
            _ => (self.target.clone(), self.routes.iter().map(line).collect()),
        }
    }
}

impl Agent {
    /// Calls `user` at the gateway.
    pub fn call(&mut self, now: Instant, user: &str) {
        self.call_with(now, user, "");
    }

    /// Calls with extra header lines, each ended with CR LF.
    pub fn call_with(&mut self, now: Instant, user: &str, extra: &str) {
        self.call_uri(now, format!("sip:{user}@{}", self.gateway), extra);
    }

    /// Calls a URI by its outbound proxy.
    pub fn call_uri(&mut self, now: Instant, target: String, extra: &str) {
        let tag = self.token();
        self.dialog = Dialog {
            call_id: format!("{}@{}", self.token(), self.sip.ip()),
            local: format!("<sip:{}@{}>;tag={tag}", self.user(), self.domain()),
            remote: format!("<{target}>"),
            target,
            cseq: 1,
            ..Dialog::default()
        };
        self.phase = Phase::Calling;
        self.cancelled = false;
        let body = if self.late_offer { String::new() } else { self.sdp("sendrecv") };
        self.send_request(now, In::Call, "INVITE", extra, &body);
    }

    /// Sends CANCEL for the INVITE that it has sent.
    pub fn cancel(&mut self, now: Instant) {
        self.cancelled = true;
        let branch = self.dialog.invite_branch.clone();
        let text = self.request_text(&self.dialog, "CANCEL", &branch, "", "");
        self.post(text.clone());
        self.repeat(now, Repeated::Request(format!("{branch} CANCEL")), text);
    }

    /// Ends its call: BYE, CANCEL, or a refusal while it rings.
    pub fn hang_up(&mut self, now: Instant) {
        match self.phase {
            // RFC 3261 §15: who was called sends no BYE before the ACK to its 2xx has come.
            Phase::Talking if self.awaits_ack() => self.leaving = true,
            Phase::Talking => {
                self.leaving = false;
                self.send_request(now, In::Call, "BYE", "", "");
                self.end();
            }
            Phase::Ringing => {
                let refuse = Scheduled { at: now, status: 603, with_body: false };
                self.respond_to_invite(now, &refuse);
            }
            Phase::Calling => self.cancel(now),
            Phase::Idle => {}
        }
    }

    fn awaits_ack(&self) -> bool {
        let answer = Repeated::Final(self.dialog.call_id.clone());
        self.repeats.iter().any(|repeat| repeat.what == answer)
    }

    /// Sends a re-INVITE with this direction: `sendonly` holds, `sendrecv` resumes.
    pub fn reinvite(&mut self, now: Instant, direction: &str) {
        let body = self.sdp(direction);
        self.media.set_sending(direction.starts_with("send"));
        self.send_request(now, In::Call, "INVITE", "", &body);
    }

    /// Sends a request in its dialog.
    pub fn request(&mut self, now: Instant, method: &str, extra: &str, body: &str) {
        self.send_request(now, In::Call, method, extra, body);
    }

    /// Sends a request outside of dialogs: OPTIONS.
    pub fn ask(&mut self, now: Instant, method: &str) {
        self.begin_errand();
        self.send_request(now, In::Errand, method, "", "");
    }

    /// Sends a request outside of dialogs with extra header lines, each ended with CR LF.
    pub fn ask_with(&mut self, now: Instant, method: &str, extra: &str) {
        self.begin_errand();
        self.send_request(now, In::Errand, method, extra, "");
    }

    /// Asks whether a call to `user` at the gateway would be taken (OPTIONS).
    pub fn ask_about(&mut self, now: Instant, user: &str) {
        self.begin_errand();
        self.errand.target = format!("sip:{user}@{}", self.gateway);
        self.errand.remote = format!("<{}>", self.errand.target);
        self.send_request(now, In::Errand, "OPTIONS", "", "");
    }

    /// Writes a MESSAGE to `user` at the gateway; `extra` tells its type.
    pub fn write(&mut self, now: Instant, user: &str, extra: &str, text: &str) {
        self.begin_errand();
        self.errand.target = format!("sip:{user}@{}", self.gateway);
        self.errand.remote = format!("<{}>", self.errand.target);
        self.send_request(now, In::Errand, "MESSAGE", extra, text);
    }

    /// Registers its address at the gateway for `expires` seconds.
    pub fn register(&mut self, now: Instant, expires: u32) {
        self.begin_errand();
        let extra = format!("Expires: {expires}\r\n");
        self.send_request(now, In::Errand, "REGISTER", &extra, "");
    }

    fn begin_errand(&mut self) {
        let aor = format!("<sip:{}@{}>", self.user(), self.gateway.ip());
        self.errand = Dialog {
            call_id: self.token(),
            local: format!("{aor};tag={}", self.token()),
            remote: aor,
            target: format!("sip:{}", self.gateway),
            ..Dialog::default()
        };
    }

    /// The host of its address.
    fn domain(&self) -> String {
        self.domain.clone().unwrap_or_else(|| self.gateway.ip().to_string())
    }

    fn dialog_mut(&mut self, which: In) -> &mut Dialog {
        match which {
            In::Call => &mut self.dialog,
            In::Errand => &mut self.errand,
        }
    }

    fn request_text(
        &self,
        d: &Dialog,
        method: &str,
        branch: &str,
        extra: &str,
        body: &str,
    ) -> String {
        let (uri, routes) = d.path();
        let mut out = format!("{method} {uri} SIP/2.0\r\n");
        let at = self.registers.filter(|_| method == "REGISTER").unwrap_or(self.sip);
        let _ = write!(
            out,
            "Via: SIP/2.0/{} {};branch={branch};rport\r\n{routes}Max-Forwards: 70\r\nFrom: {}\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <{}>\r\n\
             User-Agent: sim\r\n{extra}",
            self.transport,
            self.sip,
            d.local,
            d.remote,
            d.call_id,
            d.cseq,
            self.contact_uri(at)
        );
        text::finish(&mut out, body);
        out
    }

    fn send_request(&mut self, now: Instant, which: In, method: &str, extra: &str, body: &str) {
        let branch = format!("z9hG4bK{}", self.token());
        let dialog = self.dialog_mut(which);
        dialog.cseq += 1;
        dialog.sent = (method.to_owned(), extra.to_owned(), body.to_owned());
        if method == "INVITE" {
            dialog.invite_branch.clone_from(&branch);
        }
        let dialog = dialog.clone();
        let out = self.request_text(&dialog, method, &branch, extra, body);
        self.post(out.clone());
        self.repeat(now, Repeated::Request(format!("{branch} {method}")), out);
    }

    fn send_ack(&mut self, branch: Option<&str>, cseq: u32, body: &str) {
        let branch = branch.map_or_else(|| format!("z9hG4bK{}", self.token()), str::to_owned);
        let dialog = Dialog { cseq, ..self.dialog.clone() };
        let text = self.request_text(&dialog, "ACK", &branch, "", body);
        self.post(text);
    }

    pub(super) fn on_response(&mut self, now: Instant, text: &Text, status: u16) {
        self.log.push(format!("{status} {}", text.method()));
        let which = match text.header("Call-ID") {
            Some(id) if id == self.dialog.call_id => In::Call,
            Some(id) if id == self.errand.call_id => In::Errand,
            _ => return,
        };
        if status >= 200 || text.method() == "INVITE" {
            let branch = text.param("Via", "branch").unwrap_or_default();
            self.stop(&Repeated::Request(format!("{branch} {}", text.method())));
        }
        if status == 401 || status == 407 {
            return self.authenticate(now, which, text, status);
        }
        if text.method() != "INVITE" {
            return;
        }
        match status {
            101..=199 => self.learn_media(text),
            200..=299 => self.on_accepted(now, text),
            300..=699 => {
                self.ack_failure(text);
                if self.phase == Phase::Calling && text.cseq() == self.dialog.cseq {
                    self.end();
                }
            }
            _ => {}
        }
    }

    fn on_accepted(&mut self, now: Instant, text: &Text) {
        let first = self.phase == Phase::Calling;
        if let Some(to) = text.header("To").filter(|_| first) {
            to.clone_into(&mut self.dialog.remote);
            // RFC 3261 §12.1.2: the other way round than the response had it.
            self.dialog.routes = text.list("Record-Route").into_iter().rev().collect();
        }
        if let Some(contact) = text.uri("Contact") {
            contact.clone_into(&mut self.dialog.target);
        }
        if self.forget_acks > 0 {
            self.forget_acks -= 1;
        } else {
            let asked = self.dialog.sent.2.is_empty() && self.dialog.sent.0 == "INVITE";
            // A reliable provisional response may have held the offer already.
            let answer =
                if asked && !text.body.is_empty() { self.sdp("sendrecv") } else { String::new() };
            self.send_ack(None, text.cseq(), &answer);
        }
        if first {
            self.phase = Phase::Talking;
            if self.cancelled {
                // RFC 3261 §9.1: the CANCEL came too late, so the session is ended like any other.
                return self.hang_up(now);
            }
        }
        if self.phase == Phase::Talking {
            self.learn_media(text);
        }
    }

    fn ack_failure(&mut self, text: &Text) {
        // RFC 3261 §17.1.1.3: the response's To, the INVITE's branch.
        let branch = text.param("Via", "branch").unwrap_or_default().to_owned();
        let before = self.dialog.remote.clone();
        if let Some(to) = text.header("To") {
            to.clone_into(&mut self.dialog.remote);
        }
        self.send_ack(Some(&branch), text.cseq(), "");
        self.dialog.remote = before;
    }

    fn authenticate(&mut self, now: Instant, which: In, text: &Text, status: u16) {
        let method = text.method().to_owned();
        if method == "INVITE" {
            self.ack_failure(text);
        }
        if text.cseq() != self.dialog_mut(which).cseq {
            return; // The challenge of a request that was sent again with an answer to it.
        }
        let (asked, answer) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let challenge = text.all(asked).find(|value| digest::is_md5(value)).map(str::to_owned);
        let dialog = self.dialog_mut(which);
        dialog.tries += 1;
        let (tries, target, sent) = (dialog.tries, dialog.target.clone(), dialog.sent.clone());
        let (Some(password), Some(challenge), true) =
            (self.password.clone(), challenge, tries <= 2 && sent.0 == method)
        else {
            if which == In::Call && self.phase == Phase::Calling {
                self.end();
            }
            return;
        };
        let value = digest::answer(&challenge, self.user(), &password, &method, &target);
        let mut extra: String =
            sent.1.split_inclusive("\r\n").filter(|line| !line.contains("Digest ")).collect();
        let _ = write!(extra, "{answer}: {value}\r\n");
        self.send_request(now, which, &method, &extra, &sent.2);
    }

    fn learn_media(&mut self, text: &Text) {
        if let Some(peer) = text::sdp_address(&text.body) {
            self.media.set_peer(Some(peer));
            self.media.set_payload_type(text::sdp_payload_type(&text.body));
        }
    }
}
