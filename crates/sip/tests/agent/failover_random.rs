//! Servers that do anything at any time: the caller hears one end, and nothing is left behind.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;
use tipring_core::{Duration, Instant};
use tipring_sip::agent::Output;
use tipring_sip::message::Transport;
use tipring_sip::transaction::Path;

use crate::script::{Script, US, at, header, response};

const SERVERS: [&str; 3] = ["198.51.100.9:5060", "198.51.100.10:5060", "198.51.100.11:5060"];

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes, ms.
    Wait(u64),
    /// A server answers the last INVITE it was sent.
    Answer(usize, &'static str),
    /// The network does not reach a server.
    Unreachable(usize),
    /// The caller gives up.
    HangUp,
}

fn any_event() -> impl Strategy<Value = Event> {
    let answers = vec![
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "302 Moved",
        "408 Request Timeout",
        "486 Busy Here",
        "503 Service Unavailable",
        "600 Busy Everywhere",
    ];
    prop_oneof![
        4 => prop::sample::select(vec![1u64, 300, 1_000, 1_750, 5_000, 33_000]).prop_map(Event::Wait),
        5 => (0..SERVERS.len(), prop::sample::select(answers))
            .prop_map(|(server, answer)| Event::Answer(server, answer)),
        1 => (0..SERVERS.len()).prop_map(Event::Unreachable),
        1 => Just(Event::HangUp),
    ]
}

/// What a server does with a CANCEL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Obedience {
    /// 200, and 487 to the INVITE.
    #[default]
    Whole,
    /// 200, and never a final response to the INVITE.
    Feigned,
    /// Nothing.
    None,
}

fn any_obedience() -> impl Strategy<Value = Obedience> {
    prop::sample::select(vec![Obedience::Whole, Obedience::Feigned, Obedience::None])
}

/// The peers of a call.
#[derive(Default)]
struct Peers {
    obedience: Obedience,
    /// What each was sent last, and when it came first.
    invites: BTreeMap<SocketAddr, (String, Instant)>,
    /// Who has given a final answer; true for a 200 that was not hung up on.
    answered: BTreeMap<SocketAddr, bool>,
    tried: Vec<SocketAddr>,
}

impl Peers {
    /// Reads what was sent; peers answer BYE, and CANCEL as far as they obey.
    fn read(&mut self, script: &mut Script) {
        while let Some((to, text)) = script.sent.pop_front() {
            match text.split(' ').next().unwrap_or("") {
                "INVITE" if self.invites.get(&to).is_none_or(|(known, _)| *known != text) => {
                    self.tried.push(to);
                    self.invites.insert(to, (text, script.now));
                }
                "BYE" => {
                    self.answered.insert(to, false);
                    script.receive_from(&to.to_string(), &response(&text, "200 OK", "b", "", ""));
                }
                "CANCEL" if self.obedience != Obedience::None => {
                    let Some((invite, _)) = self.invites.get(&to).cloned() else { continue };
                    script.receive_from(&to.to_string(), &response(&text, "200 OK", "b", "", ""));
                    // Too late when it has answered; else it does as it is told.
                    if self.obedience == Obedience::Whole
                        && header(&invite, "Via") == header(&text, "Via")
                        && !self.answered.contains_key(&to)
                    {
                        let end = response(&invite, "487 Request Terminated", "b", "", "");
                        script.receive_from(&to.to_string(), &end);
                        self.answered.insert(to, false);
                    }
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_call_ends_once_and_nobody_is_left_ringing(
        servers in 1usize..=3,
        impatient: bool,
        obedience in any_obedience(),
        events in prop::collection::vec(any_event(), 0..24),
    ) {
        let mut script = Script::new();
        let mut peers = Peers { obedience, ..Peers::default() };
        let path = |server: &str| Path::new(Transport::Udp, at(US), at(server));
        let mut invite = crate::script::invite();
        invite.path = path(SERVERS[0]);
        invite.others = SERVERS[1..servers].iter().map(|server| path(server)).collect();
        invite.impatient = impatient;
        let id = script.act(|ua, now| ua.invite(now, invite)).expect("there is room");
        peers.read(&mut script);
        for event in events {
            match event {
                Event::Wait(ms) => {
                    // In steps, so that what is sent meanwhile is read in its time.
                    for _ in 0..ms.div_ceil(250) {
                        script.wait(ms.min(250));
                        peers.read(&mut script);
                    }
                }
                Event::Answer(server, status) => {
                    let server = SERVERS[server];
                    if let Some((invite, since)) = peers.invites.get(&at(server)).cloned() {
                        let contact = format!("Contact: <sip:bob@{server}>\n");
                        let body = if status.starts_with("200") { "v=0 answer" } else { "" };
                        // After 64·T1 nobody can expect to be heard.
                        let in_time = script.now - since < Duration::from_secs(31);
                        if !status.starts_with('1') {
                            let taken = status.starts_with("200") && in_time;
                            peers.answered.entry(at(server)).or_insert(taken);
                        }
                        script.receive_from(server, &response(&invite, status, "b", &contact, body));
                    }
                }
                Event::Unreachable(server) => {
                    // What did not arrive is not answered.
                    peers.invites.remove(&at(SERVERS[server]));
                    script.act(|ua, now| ua.handle_send_error(now, &path(SERVERS[server])));
                }
                Event::HangUp => {
                    let _ = script.act(|ua, now| ua.hang_up(now, id, None));
                }
            }
            peers.read(&mut script);
        }
        let _ = script.act(|ua, now| ua.hang_up(now, id, None));
        for _ in 0..80 {
            script.wait(5_000);
            peers.read(&mut script);
        }
        let ends = script.said.iter().filter(|said| matches!(said, Output::Ended { .. })).count();
        prop_assert_eq!(ends, 1, "{:?}", script.said);
        let answers = script.said.iter().filter(|said| matches!(said, Output::Answered { .. }));
        prop_assert!(answers.count() <= 1);
        // Whoever has lifted the handset in time was told that it is over.
        let waiting = peers.answered.iter().find(|(_, waits)| **waits);
        prop_assert_eq!(waiting, None);
        // Each server was asked once.
        let mut tried = peers.tried.clone();
        tried.sort();
        tried.dedup();
        prop_assert_eq!(tried.len(), peers.tried.len(), "{:?}", peers.tried);
        prop_assert_eq!(script.ua.counts(), Default::default());
    }
}
