//! What is kept of a call that is up and of a transaction that waits, in octets asked of the allocator, and that all of
//! it is given back.
//!
//! Each bound is the figure of `docs/BENCHMARKS.md` and a third of it: what costs more than that has changed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;

use tipring_core::{Duration, Instant, Rng};
use tipring_sip::agent::{Counts, Datagram, Output, UaConfig, UserAgent};
use tipring_sip::message::wire::View;
use tipring_sip::message::{Message, Request, Response, Status, Transport};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::{Arrival, Path, TimerValues, Transactions};

/// Counts the octets that a thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a thread-local cell without a
// destructor, which allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get().wrapping_add(layout.size()));
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is given back when `thing` goes.
fn weight<T>(thing: T) -> usize {
    let held = HELD.get();
    drop(thing);
    held.wrapping_sub(HELD.get())
}

const MANY: usize = 1000;
const START: Instant = Instant::from_millis(1000);

/// Holds what each of many weighs to its figure, octets.
fn assert_weight(what: &str, each: usize, figure: usize) {
    println!("{what}: {each} octets each");
    assert!(each <= figure + figure / 3, "{what}: {each} octets each instead of {figure}");
}

#[test]
fn the_counter_counts() {
    assert_eq!(weight(vec![0u8; 300]), 300);
}

const A: usize = 0;
const B: usize = 1;

/// A calls B, and nothing takes time but waiting.
struct Pair {
    agents: [UserAgent; 2],
    now: Instant,
    said: VecDeque<(usize, Output)>,
    up: Vec<SessionId>,
}

impl Pair {
    fn new() -> Self {
        let mut rng = Rng::from_key([1; 32]);
        let config = UaConfig { session_timer: None, ..UaConfig::default() };
        let agents = [(); 2].map(|()| UserAgent::new(config.clone(), rng.fork()));
        Self { agents, now: START, said: VecDeque::new(), up: Vec::new() }
    }

    /// With calls that are up, and nothing else.
    fn with_calls(calls: usize) -> Self {
        let mut pair = Self::new();
        for _ in 0..calls {
            pair.act(A, |agent, now| agent.invite(now, invite()).map(drop).expect("room"));
        }
        assert_eq!(pair.up.len(), calls);
        pair.wait();
        let idle = Counts { sessions: calls, dialogs: calls, ..Counts::default() };
        assert_eq!(pair.agents.each_ref().map(UserAgent::counts), [idle; 2]);
        pair
    }

    /// Waits until all transactions are over.
    fn wait(&mut self) {
        self.now += Duration::from_secs(40);
        for who in [A, B] {
            self.act(who, UserAgent::handle_timeout);
        }
    }

    /// Lets `who` do something, and both what follows from it.
    fn act(&mut self, who: usize, act: impl FnOnce(&mut UserAgent, Instant)) {
        self.let_act(who, act);
        while let Some((who, output)) = self.said.pop_front() {
            match output {
                Output::Transmit { path, bytes } => self.let_act(1 - who, |agent, now| {
                    let Path { transport, local, remote, .. } = path;
                    let (local, remote, bytes) = (remote, local, &bytes);
                    agent.handle_datagram(now, Datagram { transport, local, remote, bytes });
                }),
                Output::Incoming { session, .. } => self.let_act(who, |agent, now| {
                    agent.answer(now, session, SDP.as_bytes().to_vec()).expect("it rings");
                }),
                Output::Answered { session, .. } => self.up.push(session),
                _ => {}
            }
        }
    }

    fn let_act(&mut self, who: usize, act: impl FnOnce(&mut UserAgent, Instant)) {
        act(&mut self.agents[who], self.now);
        self.said.extend(std::iter::from_fn(|| self.agents[who].poll_output().map(|o| (who, o))));
    }
}

#[test]
fn a_call_that_is_up_weighs_what_its_dialog_and_our_description_weigh() {
    let [caller, callee] = Pair::with_calls(MANY).agents.map(weight);
    let [bare_caller, bare_callee] = Pair::new().agents.map(weight);
    assert_weight("dialog of a caller", (caller - bare_caller) / MANY, DIALOG_OF_CALLER);
    assert_weight("dialog of a callee", (callee - bare_callee) / MANY, DIALOG_OF_CALLEE);
}

#[test]
fn calls_that_are_over_leave_nothing() {
    let mut pair = Pair::with_calls(MANY);
    for session in std::mem::take(&mut pair.up) {
        pair.act(A, |agent, now| agent.hang_up(now, session, None).expect("it is up"));
    }
    pair.wait();
    assert_eq!(pair.agents.each_ref().map(UserAgent::counts), [Counts::default(); 2]);
    // Room that tables keep for the next: far below what the calls were.
    for left in pair.agents.map(weight) {
        assert_weight("kept after all calls", left, ROOM_KEPT);
    }
}

/// Weighs one of many transactions that `begin` begins, each by its number.
fn transaction(begin: impl Fn(&mut Transactions, usize)) -> usize {
    let all = |many| {
        let mut transactions = Transactions::new(TimerValues::default(), MANY);
        for number in 0..many {
            begin(&mut transactions, number);
            while transactions.poll_output().is_some() {}
        }
        let counts = transactions.counts();
        assert_eq!(counts.clients + counts.servers, many);
        weight(transactions)
    };
    (all(MANY) - all(0)) / MANY
}

#[test]
fn a_client_transaction_keeps_what_it_may_send_again() {
    let sent = |code: Option<u16>, method: &'static str| {
        transaction(move |all, number| {
            let request = request(method, number);
            let answer = code.map(|code| response(&request, code));
            all.request(START, path(), request).expect("room");
            assert!(answer.is_none_or(|answer| all.handle_response(START, answer)));
        })
    };
    assert_weight("INVITE client, calling", sent(None, "INVITE"), INVITE_CLIENT_CALLING);
    assert_weight("INVITE client, ringing", sent(Some(180), "INVITE"), INVITE_CLIENT_RINGING);
    assert_weight("INVITE client, accepted", sent(Some(200), "INVITE"), INVITE_CLIENT_ACCEPTED);
    assert_weight("INVITE client, refused", sent(Some(486), "INVITE"), INVITE_CLIENT_REFUSED);
    assert_weight("BYE client, trying", sent(None, "BYE"), CLIENT_TRYING);
    assert_weight("BYE client, answered", sent(Some(200), "BYE"), CLIENT_ANSWERED);
}

#[test]
fn a_server_transaction_keeps_what_it_may_send_again() {
    let received = |code: u16, method: &'static str| {
        transaction(move |all, number| {
            let request = request(method, number);
            let Arrival::New(id) = all.handle_request(START, &path(), &request) else {
                panic!("it is new");
            };
            assert!(all.respond(START, id, &response(&request, code)));
        })
    };
    assert_weight("INVITE server, ringing", received(180, "INVITE"), INVITE_SERVER_RINGING);
    assert_weight("INVITE server, accepted", received(200, "INVITE"), INVITE_SERVER_ACCEPTED);
    assert_weight("INVITE server, refused", received(486, "INVITE"), INVITE_SERVER_REFUSED);
    assert_weight("BYE server, answered", received(200, "BYE"), SERVER_ANSWERED);
}

/// Octets each, as measured; the messages are those below.
const DIALOG_OF_CALLER: usize = 3_600;
const DIALOG_OF_CALLEE: usize = 3_060;
const INVITE_CLIENT_CALLING: usize = 1870;
const INVITE_CLIENT_RINGING: usize = 1090;
const INVITE_CLIENT_ACCEPTED: usize = 540;
const INVITE_CLIENT_REFUSED: usize = 900;
const CLIENT_TRYING: usize = 1080;
const CLIENT_ANSWERED: usize = 560;
const INVITE_SERVER_RINGING: usize = 940;
const INVITE_SERVER_ACCEPTED: usize = 730;
const INVITE_SERVER_REFUSED: usize = 990;
const SERVER_ANSWERED: usize = 980;
/// Octets that a user agent may keep for later after 1,000 calls.
const ROOM_KEPT: usize = 290_000;

fn path() -> Path {
    let address = |text: &str| text.parse().expect("an address");
    Path::new(Transport::Udp, address("192.0.2.1:5060"), address("192.0.2.2:5060"))
}

fn invite() -> Invite {
    Invite {
        target: "sip:bob@192.0.2.2".parse().expect("a URI"),
        path: path(),
        others: Vec::new(),
        impatient: false,
        contact: None,
        from: "Alice <sip:alice@192.0.2.1>".parse().expect("an address"),
        to: "<sip:bob@192.0.2.2>".parse().expect("an address"),
        route: Vec::new(),
        headers: Vec::new(),
        body: SDP.as_bytes().to_vec(),
        call_id: None,
        credentials: None,
        max_forwards: 70,
        tried: Vec::new(),
    }
}

fn response(request: &Request, code: u16) -> Response {
    Response::new(request, Status::new(code).expect("a status"), Some("314159"))
}

/// A request of 12 fields; an INVITE with a description of one stream.
fn request(method: &str, number: usize) -> Request {
    let body = if method == "INVITE" { SDP } else { "" };
    let text = format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{number:016x};rport\r\n\
         Max-Forwards: 70\r\n\
         From: Alice <sip:alice@192.0.2.1>;tag={number:016x}\r\n\
         To: <sip:bob@192.0.2.2>\r\n\
         Call-ID: {number:032x}\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:alice@192.0.2.1:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, PRACK, REFER\r\n\
         Supported: 100rel, timer, replaces, norefersub, tdialog, 199\r\n\
         User-Agent: Phone/1.0 rv1.2.3\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    match View::parse(text.as_bytes()).expect("framed").to_message().expect("good") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request"),
    }
}

const SDP: &str = "v=0\r\n\
o=- 4711 1 IN IP4 192.0.2.1\r\n\
s=-\r\n\
c=IN IP4 192.0.2.1\r\n\
t=0 0\r\n\
m=audio 30000 RTP/AVP 0 8 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n";
