//! A peer that never does what ends things: it answers no request finally, or with the same refusal for ever, and never
//! acknowledges. Whatever it is, each call ends once, each INVITE of the peer gets exactly one final response, no
//! transaction lives past its timer, what we send is bounded, and nothing is left over.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tipring_core::Instant;
use tipring_sip::agent::{Output, SessionTimers, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{ReferTo, Status};
use tipring_sip::session::Transfer;

use crate::ages::Ages;
use crate::peer::{CONTACT, Peer};
use crate::script::{header, uri};

/// What the peer answers to every request of a kind, each time that it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    Silent,
    /// 100, and nothing else.
    Trying,
    /// 180 or 183, and nothing else; reliably, where it says so.
    Ringing,
    Reliable,
    Ok,
    /// 422, with a Min-SE one higher each time.
    TooSmall,
    /// 401, with another nonce each time.
    Stale,
    Pending,
    Unwell,
    Refused,
}

use Habit::{
    Ok as Okay, Pending, Refused, Reliable, Ringing, Silent, Stale, TooSmall, Trying, Unwell,
};

const TO_INVITE: [Habit; 9] =
    [Silent, Trying, Ringing, Reliable, Okay, TooSmall, Stale, Pending, Refused];
const TO_CANCEL: [Habit; 3] = [Silent, Trying, Okay];
const TO_OTHERS: [Habit; 8] = [Silent, Trying, Okay, TooSmall, Stale, Pending, Unwell, Refused];

fn one_of<const N: usize>(habits: [Habit; N]) -> impl Strategy<Value = Habit> {
    prop::sample::select(habits.to_vec())
}

#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    /// It changes its mind about re-INVITEs.
    Becomes(Habit),
    WeReinvite(bool),
    WeUpdate,
    WeInform,
    WeRefer,
    WeAccept,
    WeHangUp,
    /// The peer's request, which it never acknowledges.
    Asks(&'static str, &'static str, &'static str),
}

fn any_event() -> impl Strategy<Value = Event> {
    let asks: Vec<(&str, &str, &str)> = vec![
        ("INVITE", CONTACT, "v=0 theirs"),
        ("INVITE", CONTACT, ""),
        ("UPDATE", CONTACT, "v=0 theirs"),
        ("REFER", "Refer-To: <sip:carol@example.net>\nContact: <sip:bob@198.51.100.9>\n", ""),
        ("INFO", "", ""),
        ("PRACK", "RAck: 1 1 INVITE\n", ""),
    ];
    prop_oneof![
        6 => prop::sample::select(vec![10u64, 700, 4_000, 20_000, 33_000, 100_000])
            .prop_map(Event::Wait),
        2 => one_of(TO_INVITE).prop_map(Event::Becomes),
        2 => any::<bool>().prop_map(Event::WeReinvite),
        2 => Just(Event::WeUpdate),
        1 => Just(Event::WeInform),
        1 => Just(Event::WeRefer),
        2 => Just(Event::WeAccept),
        1 => Just(Event::WeHangUp),
        3 => prop::sample::select(asks).prop_map(|(m, h, b)| Event::Asks(m, h, b)),
    ]
}

/// The peer and what is known of what was sent.
struct World {
    peer: Peer,
    invite: Habit,
    cancel: Habit,
    others: Habit,
    ages: Ages,
    rung: Instant,
    /// How many answers it has given.
    answers: u32,
    /// Requests of ours by their first line, Via and CSeq: each once, however often it was sent again.
    requests: BTreeSet<String>,
    /// The final responses to each INVITE of the peer, by its branch.
    invites: BTreeMap<String, BTreeSet<String>>,
}

impl World {
    /// Reads what was sent and answers as is its habit, until nothing new is said.
    fn read(&mut self) {
        while let Some((_, text)) = self.peer.script.sent.pop_front() {
            if let Some(status) = text.strip_prefix("SIP/2.0 ") {
                let invited = header(&text, "CSeq").ends_with(" INVITE");
                if invited && !status.starts_with('1') {
                    let codes = self.invites.entry(header(&text, "Via").to_owned()).or_default();
                    codes.insert(status[..3].to_owned());
                }
                continue;
            }
            let method = text.split(' ').next().unwrap_or("").to_owned();
            if method == "ACK" {
                continue;
            }
            self.requests.insert(format!("{method} {}", header(&text, "Via")));
            let habit = match method.as_str() {
                "INVITE" => self.invite,
                "CANCEL" => self.cancel,
                _ => self.others,
            };
            self.answer(&method, &text, habit);
        }
        self.ages.check(self.peer.script.now, self.rung, &self.peer.script.ua);
    }

    fn answer(&mut self, method: &str, request: &str, habit: Habit) {
        self.answers += 1;
        let (n, invited) = (self.answers, method == "INVITE");
        let rings = || if invited { "180 Ringing" } else { "100 Trying" };
        if invited && matches!(habit, Trying | Ringing | Reliable) {
            self.rung = self.peer.script.now;
        }
        let body = if invited { "v=0 theirs" } else { "" };
        let peer = &mut self.peer;
        match habit {
            Silent => {}
            Trying => peer.reply(request, "100 Trying", "", ""),
            Ringing => peer.reply(request, rings(), "", ""),
            Reliable => {
                let more = format!("Require: 100rel\nRSeq: {n}\nAllow: INVITE, UPDATE, PRACK\n");
                peer.reply(request, "183 Session Progress", &more, "v=0 early");
            }
            Okay => {
                let more = "Allow: INVITE, UPDATE\nSession-Expires: 90;refresher=uac\n";
                peer.reply(request, "200 OK", more, body);
            }
            TooSmall => {
                let more = format!("Min-SE: {}\n", 90 + n);
                peer.reply(request, "422 Session Interval Too Small", &more, "");
            }
            Stale => {
                let more = format!(
                    "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"{n}\", stale=true\n"
                );
                peer.reply(request, "401 Unauthorized", &more, "");
            }
            Pending => peer.reply(request, "491 Request Pending", "", ""),
            Unwell => peer.reply(request, "500 Unwell", "Retry-After: 0\n", ""),
            Refused => peer.reply(request, "488 Not Acceptable Here", "", ""),
        }
    }

    fn wait(&mut self, ms: u64) {
        let step = ms.clamp(1, 500);
        for _ in 0..ms.div_ceil(step) {
            self.peer.script.wait(step);
            self.read();
        }
    }

    fn happens(&mut self, event: Event) {
        let (id, script) = (self.peer.id, &mut self.peer.script);
        let body = b"v=0 ours".to_vec();
        match event {
            Event::Wait(ms) => self.wait(ms),
            Event::Becomes(habit) => self.invite = habit,
            Event::WeReinvite(offers) => {
                let body = if offers { body } else { Vec::new() };
                let _ = script.act(|ua, now| ua.reinvite(now, id, body));
            }
            Event::WeUpdate => {
                let _ = script.act(|ua, now| ua.update(now, id, 0, &[], body));
            }
            Event::WeInform => {
                let _ = script.act(|ua, now| ua.info(now, id, "application/dtmf", b"5".to_vec()));
            }
            Event::WeRefer => {
                let target = ReferTo::blind(uri("sip:carol@example.net"));
                let transfer = Transfer { target, referred_by: None, watch: true };
                let _ = script.act(|ua, now| ua.refer(now, id, transfer));
            }
            Event::WeAccept => {
                let _ = script.act(|ua, now| ua.accept_offer(now, id, body.clone()));
                let _ = script.act(|ua, now| ua.answer(now, id, body));
            }
            Event::WeHangUp => {
                let _ = script.act(|ua, now| ua.hang_up(now, id, None));
            }
            Event::Asks(method, more, body) => {
                let text = self.peer.ask(method, more, body);
                if method == "INVITE" {
                    self.asked(&text);
                }
            }
        }
        self.read();
    }

    /// The peer has sent an INVITE.
    fn asked(&mut self, invite: &str) {
        // As our responses repeat it.
        let via = header(invite, "Via");
        let via = via.replace(";rport", ";rport=5060;received=198.51.100.9");
        self.invites.entry(via).or_default();
    }

    /// Lets everything come to rest, and holds it to what is promised.
    fn rest(mut self, events: usize) -> Result<(), TestCaseError> {
        self.happens(Event::WeHangUp);
        for _ in 0..600 {
            self.peer.script.wait(1_000);
            self.read();
        }
        let script = &self.peer.script;
        let ends = script.said.iter().filter(|said| matches!(said, Output::Ended { .. })).count();
        prop_assert_eq!(ends, 1, "{:?}", script.said);
        for (via, codes) in &self.invites {
            prop_assert_eq!(codes.len(), 1, "INVITE {}: {:?}", via, codes);
        }
        let most = 40 * (events + 1);
        prop_assert!(self.requests.len() <= most, "{} requests", self.requests.len());
        let left: Vec<_> = script.ua.describe().collect();
        prop_assert_eq!(script.ua.counts(), Default::default(), "{:?}", left);
        Ok(())
    }
}

fn config() -> UaConfig {
    let session_timer = Some(SessionTimers { expires_s: 90, min_se_s: 90, refresh: true });
    UaConfig { session_timer, ..UaConfig::default() }
}

fn world(peer: Peer, invite: Habit, cancel: Habit, others: Habit) -> World {
    let rung = peer.script.now;
    let (requests, invites) = (BTreeSet::new(), BTreeMap::new());
    World {
        peer,
        invite,
        cancel,
        others,
        ages: Ages::default(),
        rung,
        answers: 0,
        requests,
        invites,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_call_to_a_stubborn_peer_ends(
        invite in one_of(TO_INVITE),
        cancel in one_of(TO_CANCEL),
        others in one_of(TO_OTHERS),
        offers: bool,
        events in prop::collection::vec(any_event(), 0..16),
    ) {
        let peer = Peer::called(config(), |call| {
            if !offers {
                call.body.clear();
            }
            call.credentials = Some(Account {
                username: "alice".to_owned(),
                secret: Secret::Password("secret".to_owned()),
                realms: vec!["example.net".to_owned()],
            });
        });
        let first = peer.invite.clone();
        let mut world = world(peer, invite, cancel, others);
        world.peer.script.sent.push_back((crate::script::at(crate::script::PEER), first));
        world.read();
        let count = events.len();
        for event in events {
            world.happens(event);
        }
        world.rest(count)?;
    }

    #[test]
    fn a_call_of_a_stubborn_peer_ends(
        invite in one_of(TO_INVITE),
        others in one_of(TO_OTHERS),
        early in prop::sample::select(vec!["", "v=0 early"]),
        reliable: bool,
        events in prop::collection::vec(any_event(), 0..16),
    ) {
        let more = if reliable { "Require: 100rel\n" } else { "" };
        let more = format!("{more}Supported: timer\nAllow: INVITE, UPDATE\n");
        let mut peer = Peer::calls(config(), &more, "v=0 offer");
        peer.progress(Status::SESSION_PROGRESS, early);
        let ringing = peer.script.sent.front().map(|(_, text)| text.clone());
        peer.hear(&ringing.expect("a 183"));
        let first = peer.invite.clone();
        let mut world = world(peer, invite, Silent, others);
        world.asked(&first);
        world.read();
        let count = events.len();
        for event in events {
            world.happens(event);
        }
        world.rest(count)?;
    }
}
