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
    /// Our last reliable provisional response and our last UPDATE.
    reliable: String,
    update: String,
    tag: String,
    cseq: u32,
    branch: u32,
}

type Event = (&'static str, fn(&mut Scene));

impl Scene {
    fn new(script: Script, id: SessionId, invite: String, tag: String) -> Self {
        let (bye, reliable, update) = (String::new(), String::new(), String::new());
        Self { script, id, invite, bye, reliable, update, tag, cseq: 1, branch: 0 }
    }

    fn calling() -> Self {
        let mut script = Script::new();
        let (id, invite) = script.call(|_| {});
        Self::new(script, id, invite, String::new())
    }

    fn ringing() -> Self {
        let mut script = Script::new();
        script.receive(INVITE);
        let id = script.incoming();
        let invite = INVITE.trim_start().replace('\n', "\r\n");
        script.act(|ua, now| ua.progress(now, id, Status::RINGING, Vec::new())).expect("rings");
        script.expect("SIP/2.0 100");
        let tag = param(header(&script.next(), "To"), "tag").to_owned();
        Self::new(script, id, invite, tag)
    }

    /// Remembers our last INVITE and BYE.
    fn look(&mut self) {
        for (_, text) in &self.script.sent {
            if text.starts_with("INVITE") {
                self.invite.clone_from(text);
            } else if text.starts_with("BYE") {
                self.bye.clone_from(text);
            } else if text.starts_with("UPDATE") {
                self.update.clone_from(text);
            } else if text.contains("\r\nRSeq: ") {
                self.reliable.clone_from(text);
            }
        }
    }

    fn answers(&mut self, status: &str, body: &str) {
        self.look();
        self.answers_with(status, "", body);
    }

    fn answers_with(&mut self, status: &str, more: &str, body: &str) {
        self.look();
        let more = format!("{CONTACT}{more}");
        let text = response(&self.invite.clone(), status, "b", &more, body);
        self.script.receive(&text);
    }

    fn acknowledges(&mut self, body: &str) {
        self.look();
        let rseq = crate::script::find(&self.reliable, "RSeq").unwrap_or("1").to_owned();
        self.asks_with("PRACK", &format!("RAck: {rseq} 1 INVITE\n"), body);
    }

    /// The peer's request in the dialog.
    fn asks(&mut self, method: &str, body: &str) {
        self.asks_with(method, "", body);
    }

    fn asks_with(&mut self, method: &str, more: &str, body: &str) {
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
{CONTACT}{more}{kind}Content-Length: {}

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
Supported: 100rel
Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK
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
    ("PRACK", |s| s.acknowledges("")),
    ("PRACK offer", |s| s.acknowledges("v=0 second")),
    ("REFER", |s| s.asks_with("REFER", "Refer-To: <sip:carol@example.net>\n", "")),
    ("NOTIFY", |s| {
        s.asks_with("NOTIFY", "Event: refer\nSubscription-State: terminated\n", "");
    }),
];

const WE_DO: &[Event] = &[
    ("hang up", |s| s.command(|ua, now, id| ua.hang_up(now, id, None))),
    ("re-INVITE", |s| s.command(|ua, now, id| ua.reinvite(now, id, b"v=0".to_vec()))),
    ("we UPDATE", |s| {
        s.command(|ua, now, id| ua.update(now, id, 0, &[], b"v=0 update".to_vec()));
    }),
    ("accept", |s| s.command(|ua, now, id| ua.accept_offer(now, id, b"v=0".to_vec()))),
    ("decline", |s| {
        s.command(|ua, now, id| ua.reject_offer(now, id, Status::NOT_ACCEPTABLE_HERE, &[]));
    }),
    ("200 to UPDATE", |s| {
        s.look();
        if !s.update.is_empty() {
            let ok = response(&s.update.clone(), "200 OK", "", CONTACT, "v=0");
            s.script.receive(&ok);
        }
    }),
];

const CALLER: &[Event] = &[
    ("100", |s| s.answers("100 Trying", "")),
    ("180", |s| s.answers("180 Ringing", "")),
    ("183 reliable", |s| {
        let more = "Require: 100rel\nRSeq: 1\nAllow: INVITE, UPDATE\n";
        s.answers_with("183 Session Progress", more, "v=0");
    }),
    ("200", |s| s.answers("200 OK", "v=0")),
    ("302", |s| s.answers("302 Moved Temporarily", "")),
    ("486", |s| s.answers("486 Busy Here", "")),
    ("491", |s| s.answers("491 Request Pending", "")),
];

const CALLEE: &[Event] = &[
    ("ring", |s| s.command(|ua, now, id| ua.progress(now, id, Status::RINGING, Vec::new()))),
    ("early answer", |s| {
        let body = b"v=0".to_vec();
        s.command(|ua, now, id| ua.progress(now, id, Status::SESSION_PROGRESS, body));
    }),
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
            row(&mut text, &format!("{name}: {before}"), event_name, &scene);
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
        "{before:41} | {event:13} | › {} ! {} | {}",
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
    let reliable = event(CALLER, "183 reliable");
    let states: &[(&str, &[Event])] = &[
        ("new", &[]),
        ("rings", &[ringing]),
        ("early answer", &[reliable]),
        ("early change", &[reliable, event(WE_DO, "we UPDATE")]),
        ("early offer", &[reliable, event(PEER_ASKS, "UPDATE offer")]),
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
    let (early, prack) = (event(CALLEE, "early answer"), event(PEER_ASKS, "PRACK"));
    let second = event(PEER_ASKS, "PRACK offer");
    let states: &[(&str, &[Event])] = &[
        ("rings", &[]),
        ("waits for PRACK", &[early]),
        ("answer waits", &[early, answer]),
        ("second offer", &[early, second]),
        ("early dialog", &[early, prack]),
        ("early change", &[early, prack, event(WE_DO, "we UPDATE")]),
        ("answered", &[answer]),
        ("bye waits", &[answer, hang_up]),
        ("up", &[answer, ack]),
        ("leaving", &[answer, ack, hang_up]),
        ("left", &[answer, ack, event(PEER_ASKS, "BYE")]),
    ];
    insta::assert_snapshot!(table(Scene::ringing, states, &[CALLEE, PEER_ASKS, WE_DO]));
}
