//! The session as a table: every state met with every event, from both sides.
//!
//! A line reads: state, event, then what is sent (›), what the application hears (!), and the state afterwards.

use std::fmt::Write;

use tipring_sip::message::{HeaderName, Status};
use tipring_sip::session::SessionId;

use crate::script::{Script, header, param, response};

const CONTACT: &str = "Contact: <sip:bob@198.51.100.9>\n";

/// A script with one session, and what its peer knows of it.
struct Scene {
    script: Script,
    id: SessionId,
    /// The last of our INVITEs (caller) or the peer's (callee), as the peer has it.
    invite: String,
    bye: String,
    tag: String,
    cseq: u32,
    branch: u32,
}

type Event = (&'static str, fn(&mut Scene));

impl Scene {
    fn calling() -> Self {
        let mut script = Script::new();
        let (id, invite) = script.call(|_| {});
        Self { script, id, invite, bye: String::new(), tag: String::new(), cseq: 1, branch: 0 }
    }

    fn ringing() -> Self {
        let mut script = Script::new();
        script.receive(INVITE);
        let id = script.incoming();
        let invite = INVITE.trim_start().replace('\n', "\r\n");
        script.act(|ua, now| ua.progress(now, id, Status::RINGING, Vec::new())).expect("rings");
        script.expect("SIP/2.0 100");
        let tag = param(header(&script.next(), "To"), "tag").to_owned();
        Self { script, id, invite, bye: String::new(), tag, cseq: 1, branch: 0 }
    }

    /// Remembers our last INVITE and BYE.
    fn look(&mut self) {
        for (_, text) in &self.script.sent {
            if text.starts_with("INVITE") {
                self.invite.clone_from(text);
            } else if text.starts_with("BYE") {
                self.bye.clone_from(text);
            }
        }
    }

    fn answers(&mut self, status: &str, body: &str) {
        self.look();
        let text = response(&self.invite.clone(), status, "b", CONTACT, body);
        self.script.receive(&text);
    }

    /// The peer's request in the dialog.
    fn asks(&mut self, method: &str, body: &str) {
        self.look();
        let (from, to, call_id) = if self.tag.is_empty() {
            let from = format!("{};tag=b", header(&self.invite, "To").trim_end_matches(";tag=b"));
            (from, header(&self.invite, "From").to_owned(), header(&self.invite, "Call-ID"))
        } else {
            let to = format!("<sip:101@192.0.2.1>;tag={}", self.tag);
            ("<sip:bob@198.51.100.9>;tag=b".to_owned(), to, "c")
        };
        self.branch += 1;
        if method != "ACK" {
            self.cseq += 1;
        }
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let text = format!(
            "{method} sip:x@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK{};rport
From: {from}
To: {to}
Call-ID: {call_id}
CSeq: {} {method}
{CONTACT}{kind}Content-Length: {}

{body}",
            self.branch,
            self.cseq,
            body.len()
        );
        self.script.receive(&text);
    }

    fn command(
        &mut self,
        command: impl FnOnce(
            &mut tipring_sip::agent::UserAgent,
            tipring_core::Instant,
            SessionId,
        ) -> Result<(), tipring_sip::agent::SessionError>,
    ) {
        let id = self.id;
        if let Err(error) = self.script.act(|ua, now| command(ua, now, id)) {
            self.script
                .sent
                .push_back((crate::script::at(crate::script::PEER), format!("({error})")));
        }
    }

    fn state(&self) -> String {
        let line = self.script.ua.describe().find(|line| line.starts_with("session"));
        let Some(line) = line else {
            return "gone".to_owned();
        };
        let words: Vec<_> = line.split(' ').skip(2).take_while(|word| *word != "UDP").collect();
        words.join(" ")
    }
}

const INVITE: &str = "
INVITE sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKi;rport
From: <sip:bob@198.51.100.9>;tag=b
To: <sip:101@192.0.2.1>
Call-ID: c
CSeq: 1 INVITE
Contact: <sip:bob@198.51.100.9>
Content-Type: application/sdp
Content-Length: 9

v=0 offer";

const PEER_ASKS: &[Event] = &[
    ("BYE", |s| s.asks("BYE", "")),
    ("INVITE", |s| s.asks("INVITE", "v=0")),
    ("UPDATE", |s| s.asks("UPDATE", "")),
    ("UPDATE offer", |s| s.asks("UPDATE", "v=0")),
    ("INFO", |s| s.asks("INFO", "")),
    ("ACK", |s| s.asks("ACK", "")),
];

const WE_DO: &[Event] = &[
    ("hang up", |s| s.command(|ua, now, id| ua.hang_up(now, id, None))),
    ("re-INVITE", |s| s.command(|ua, now, id| ua.reinvite(now, id, b"v=0".to_vec()))),
    ("accept", |s| s.command(|ua, now, id| ua.accept_offer(now, id, b"v=0".to_vec()))),
    ("decline", |s| {
        s.command(|ua, now, id| ua.reject_offer(now, id, Status::NOT_ACCEPTABLE_HERE, &[]));
    }),
];

const CALLER: &[Event] = &[
    ("100", |s| s.answers("100 Trying", "")),
    ("180", |s| s.answers("180 Ringing", "")),
    ("200", |s| s.answers("200 OK", "v=0")),
    ("302", |s| s.answers("302 Moved Temporarily", "")),
    ("486", |s| s.answers("486 Busy Here", "")),
    ("491", |s| s.answers("491 Request Pending", "")),
];

const CALLEE: &[Event] = &[
    ("ring", |s| s.command(|ua, now, id| ua.progress(now, id, Status::RINGING, Vec::new()))),
    ("answer", |s| s.command(|ua, now, id| ua.answer(now, id, b"v=0".to_vec()))),
    ("reject", |s| {
        let none: &[(HeaderName, String)] = &[];
        s.command(|ua, now, id| ua.reject(now, id, Status::BUSY_HERE, none));
    }),
    ("CANCEL", |s| {
        let text =
            INVITE.replace("INVITE", "CANCEL").replace("\nContact: <sip:bob@198.51.100.9>", "");
        s.script.receive(&text);
    }),
];

fn table(new: fn() -> Scene, states: &[(&str, &[Event])], events: &[&[Event]]) -> String {
    let mut text = String::new();
    let bye_answered: Event = ("200 to BYE", |s| {
        s.look();
        if !s.bye.is_empty() {
            let ok = response(&s.bye.clone(), "200 OK", "", "", "");
            s.script.receive(&ok);
        }
    });
    let silence: Event = ("silence", |s| s.script.wait(220_000));
    for (name, way) in states {
        for (event_name, event) in events.concat().iter().chain([&bye_answered, &silence]) {
            let mut scene = new();
            way.iter().for_each(|(_, step)| step(&mut scene));
            scene.look();
            let before = scene.state();
            scene.script.sent.clear();
            scene.script.said.clear();
            event(&mut scene);
            row(&mut text, &format!("{name} {before}"), event_name, &scene);
        }
    }
    text
}

fn row(text: &mut String, before: &str, event: &str, scene: &Scene) {
    let mut sent: Vec<String> = Vec::new();
    for (_, message) in &scene.script.sent {
        let line = message.lines().next().unwrap_or("").trim_start_matches("SIP/2.0 ");
        let word = if line.starts_with('(') { line } else { line.split(' ').next().unwrap_or("") };
        if sent.last().is_none_or(|last| last != word) {
            sent.push(word.to_owned());
        }
    }
    let said = scene.script.said.iter().map(|output| {
        let text = format!("{output:?}");
        let name = text.split([' ', '{']).next().unwrap_or("").to_owned();
        if name == "Ended" { format!("Ended {}", scene.script.ended()) } else { name }
    });
    let said: Vec<String> = said.collect();
    writeln!(
        text,
        "{before:33} | {event:12} | › {} ! {} | {}",
        sent.join(" "),
        said.join(", "),
        scene.state()
    )
    .expect("writing to a String cannot fail");
}

fn event(list: &[Event], name: &str) -> Event {
    *list.iter().find(|(known, _)| *known == name).expect("an event of the list")
}

#[test]
fn the_caller() {
    let (ringing, ok) = (event(CALLER, "180"), event(CALLER, "200"));
    let (hang_up, change) = (event(WE_DO, "hang up"), event(WE_DO, "re-INVITE"));
    let states: &[(&str, &[Event])] = &[
        ("new", &[]),
        ("rings", &[ringing]),
        ("cancel waits", &[hang_up]),
        ("cancelled", &[ringing, hang_up]),
        ("up", &[ok]),
        ("changing", &[ok, change]),
        ("glare", &[ok, change, event(CALLER, "491")]),
        ("offered", &[ok, event(PEER_ASKS, "INVITE")]),
        ("accepted", &[ok, event(PEER_ASKS, "INVITE"), event(WE_DO, "accept")]),
        ("leaving", &[ok, hang_up]),
        ("left", &[ok, event(PEER_ASKS, "BYE")]),
    ];
    insta::assert_snapshot!(table(Scene::calling, states, &[CALLER, PEER_ASKS, WE_DO]));
}

#[test]
fn the_callee() {
    let answer = event(CALLEE, "answer");
    let (ack, hang_up) = (event(PEER_ASKS, "ACK"), event(WE_DO, "hang up"));
    let states: &[(&str, &[Event])] = &[
        ("rings", &[]),
        ("answered", &[answer]),
        ("bye waits", &[answer, hang_up]),
        ("up", &[answer, ack]),
        ("leaving", &[answer, ack, hang_up]),
        ("left", &[answer, ack, event(PEER_ASKS, "BYE")]),
    ];
    insta::assert_snapshot!(table(Scene::ringing, states, &[CALLEE, PEER_ASKS, WE_DO]));
}
