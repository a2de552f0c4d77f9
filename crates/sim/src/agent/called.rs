//! How the agent takes requests: calls to it, and what comes in a call.

use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use super::text::{self, Text};
use super::{Agent, Answering, Dialog, Phase, Repeated, Scheduled};

impl Agent {
    pub(super) fn on_request(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        self.log.push(text.method().to_owned());
        self.requests.insert(text.method().to_owned(), text.clone());
        let ours = text.header("Call-ID") == Some(&self.dialog.call_id);
        let known = ours && self.phase != Phase::Idle;
        match text.method() {
            "INVITE" if ours && self.is_repeated(text) => {
                if let Some(answer) = self.answer.clone() {
                    self.post_to(answer, from);
                }
            }
            "INVITE" if known => self.on_reinvite(now, text, from),
            // A call that it has forgotten.
            "INVITE" if text.param("To", "tag").is_some() => {
                let gone = "Call/Transaction Does Not Exist";
                self.post_to(text.answer(481, gone, "", "", ""), from);
            }
            "INVITE" => self.on_invite(now, text, from),
            "ACK" => {
                let call_id = text.header("Call-ID").unwrap_or_default().to_owned();
                self.stop(&Repeated::Final(call_id));
                if self.leaving && ours {
                    self.hang_up(now);
                }
            }
            "BYE" if known => {
                self.post_to(text.answer(200, "OK", "", "", ""), from);
                self.end();
            }
            "PRACK" if known => {
                self.post_to(text.answer(200, "OK", "", "", ""), from);
                self.stop(&Repeated::Provisional(self.dialog.call_id.clone()));
                if let Answering::Reliable { answer, .. } = self.answering {
                    let ok = Scheduled { at: now + answer, status: 200, with_body: false };
                    self.scheduled.push(ok);
                }
            }
            "BYE" if self.joined => {
                self.post_to(text.answer(200, "OK", "", "", ""), from);
                self.leave();
            }
            "CANCEL" if known && self.phase == Phase::Ringing => {
                self.post_to(text.answer(200, "OK", &self.tag, "", ""), from);
                let terminated = Scheduled { at: now, status: 487, with_body: false };
                self.respond_to_invite(now, &terminated);
            }
            "CANCEL" if ours => self.post_to(text.answer(200, "OK", &self.tag, "", ""), from),
            "BYE" | "CANCEL" | "UPDATE" | "INFO" if !known => {
                let tag = self.token();
                let gone = "Call/Transaction Does Not Exist";
                self.post_to(text.answer(481, gone, &tag, "", ""), from);
            }
            "INFO" if self.refuses_infos.is_some() => {
                let status = self.refuses_infos.unwrap_or(415);
                self.post_to(text.answer(status, "Unsupported Media Type", "", "", ""), from);
            }
            "REGISTER" => self.on_register(text, from),
            "MESSAGE" if self.refuses_texts.is_some() => {
                let (tag, status) = (self.token(), self.refuses_texts.unwrap_or(488));
                self.post_to(text.answer(status, "Not Acceptable Here", &tag, "", ""), from);
            }
            _ => {
                let tag = self.token();
                self.post_to(text.answer(200, "OK", &tag, "", ""), from);
            }
        }
    }

    fn is_repeated(&self, text: &Text) -> bool {
        self.invite.as_ref().is_some_and(|invite| {
            text.header("Call-ID") == invite.header("Call-ID") && text.cseq() <= invite.cseq()
        })
    }

    fn on_invite(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        if self.answering == Answering::Recited {
            return;
        }
        if self.phase != Phase::Idle {
            let tag = self.token();
            return self.post_to(text.answer(486, "Busy Here", &tag, "", ""), from);
        }
        if let Some(challenge) = self.provider.challenge_invite(text) {
            let tag = self.token();
            let status = self.provider.invite_status();
            let answer = text.answer(status, "Prove It", &tag, &challenge, "");
            return self.post_to(answer, from);
        }
        self.tag = self.token();
        self.answer = None;
        self.dialog = Dialog {
            call_id: text.header("Call-ID").unwrap_or_default().to_owned(),
            local: format!("{};tag={}", text.header("To").unwrap_or_default(), self.tag),
            remote: text.header("From").unwrap_or_default().to_owned(),
            target: text.uri("Contact").unwrap_or_default().to_owned(),
            // RFC 3261 §12.1.1: as the request had it.
            routes: text.list("Record-Route"),
            cseq: 100,
            ..Dialog::default()
        };
        self.invite = Some(text.clone());
        self.invite_from = from;
        self.phase = Phase::Ringing;
        let at = |delay, status, with_body| Scheduled { at: now + delay, status, with_body };
        let zero = Duration::ZERO;
        self.scheduled = match self.answering.clone() {
            Answering::After { ring, answer } => vec![at(answer, 200, true), at(ring, 180, false)],
            Answering::RingForever => vec![at(zero, 180, false)],
            Answering::EarlyMedia { answer } => vec![at(answer, 200, true), at(zero, 183, true)],
            Answering::Reliable { status, .. } => vec![at(zero, status, true)],
            Answering::Refuse(status, _) => vec![at(zero, status, false)],
            Answering::Redirect(_) => vec![at(zero, 302, false)],
            Answering::Moved(_) => vec![at(zero, 301, false)],
            Answering::Elsewhere(status, _) => vec![at(zero, status, false)],
            Answering::Silent | Answering::Recited => Vec::new(),
        };
    }

    /// Answers the INVITE that rings, whatever was planned.
    pub fn pick_up(&mut self, now: Instant) {
        if self.phase == Phase::Ringing {
            self.respond_to_invite(now, &Scheduled { at: now, status: 200, with_body: true });
        }
    }

    fn on_reinvite(&mut self, now: Instant, text: &Text, from: SocketAddr) {
        self.invite = Some(text.clone());
        self.invite_from = from;
        self.media.set_peer(text::sdp_address(&text.body));
        let direction = match () {
            () if text.body.contains("a=sendonly") => "recvonly",
            () if text.body.contains("a=inactive") => "inactive",
            () if text.body.contains("a=recvonly") => "sendonly",
            () => "sendrecv",
        };
        self.media.set_sending(direction.starts_with("send"));
        let contact = format!("Contact: <{}>\r\n", self.contact_uri(self.contact()));
        let body = self.sdp(direction);
        let answer = text.answer(200, "OK", "", &contact, &body);
        self.answer = Some(answer.clone());
        self.post_to(answer.clone(), from);
        self.repeat(now, Repeated::Final(self.dialog.call_id.clone()), answer);
    }

    pub(super) fn respond_to_invite(&mut self, now: Instant, due: &Scheduled) {
        let Some(invite) = self.invite.clone() else { return };
        let mut extra = format!("Contact: <{}>\r\n", self.contact_uri(self.contact()));
        let reason = match (due.status, &self.answering) {
            (302, Answering::Redirect(contact)) => {
                extra = format!("Contact: <{contact}>\r\n");
                "Moved Temporarily"
            }
            (301, Answering::Moved(contact)) => {
                extra = format!("Contact: <{contact}>\r\n");
                "Moved Permanently"
            }
            (300..400, Answering::Elsewhere(_, contact)) => {
                extra = format!("Contact: <{contact}>\r\n");
                "Elsewhere"
            }
            (..200, Answering::Reliable { .. }) => {
                extra.push_str("Require: 100rel\r\nRSeq: 1\r\n");
                if due.status == 180 { "Ringing" } else { "Session Progress" }
            }
            (_, Answering::Refuse(_, reason)) => reason,
            (180, _) => "Ringing",
            (183, _) => "Session Progress",
            (487, _) => "Request Terminated",
            (603, _) => "Decline",
            _ => "OK",
        };
        let body = if due.with_body { self.sdp("sendrecv") } else { String::new() };
        if due.with_body {
            self.media.set_peer(text::sdp_address(&invite.body));
            self.media.set_payload_type(*self.codecs.first().unwrap_or(&0));
        }
        let text = invite.answer(due.status, reason, &self.tag, &extra, &body);
        self.answer = Some(text.clone());
        self.post_to(text.clone(), self.invite_from);
        if due.status < 200 {
            if text.contains("RSeq:") {
                let unheard = Repeated::Provisional(self.dialog.call_id.clone());
                self.repeat(now, unheard, text);
            }
            return;
        }
        self.stop(&Repeated::Provisional(self.dialog.call_id.clone()));
        self.scheduled.clear();
        self.repeat(now, Repeated::Final(self.dialog.call_id.clone()), text);
        match due.status {
            ..300 => self.phase = Phase::Talking,
            _ => self.end(),
        }
    }
}
