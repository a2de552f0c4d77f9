//! A call on a test bench: the legs are lists of what they were told.

use std::collections::BTreeMap;

use tipring_call::{
    Call, CallConfig, Cdr, Event, LegTarget, Output, Plan, Release, RouteRequest, Setup, Target,
};
use tipring_core::{CallId, Cause, Duration, Instant, LegId, Number};

pub struct Bench {
    pub call: Call,
    pub now: Instant,
    /// What each leg was told.
    pub told: BTreeMap<LegId, Vec<Event>>,
    /// The terminating legs placed, with their names.
    pub placed: Vec<(LegId, String)>,
    pub requests: Vec<RouteRequest>,
    pub joined: Option<(LegId, LegId)>,
    pub cdrs: Vec<Cdr>,
    /// Transfers asked for: by whom, of whom, where to.
    pub transfers: Vec<(LegId, LegId, String)>,
    pub handed_over: Vec<LegId>,
}

pub fn number(text: &str) -> Number {
    Number::new(text).expect("a number")
}

pub fn line(name: &str) -> LegTarget {
    LegTarget { target: Target::Line(name.into()), number: number("101"), address: None }
}

pub fn contact(address: &str) -> LegTarget {
    LegTarget { target: Target::Address, number: number("101"), address: Some(address.into()) }
}

pub fn hunt(groups: &[&[&str]]) -> Plan {
    let hunt = groups.iter().map(|names| names.iter().map(|name| line(name)).collect()).collect();
    Plan { route: Some("1".into()), hunt }
}

pub fn release(cause: Cause) -> Event {
    Event::Release(Release::new(cause, "test"))
}

impl Bench {
    /// A call from the line `kitchen`, not routed yet.
    pub fn new() -> Self {
        let now = Instant::from_millis(1000);
        let setup = Setup { calling: Some(number("100")), ..Setup::new(number("95551234")) };
        let config = CallConfig::default();
        let call = Call::new(now, CallId(7), config, "kitchen".into(), setup);
        let mut bench = Self {
            call,
            now,
            told: BTreeMap::new(),
            placed: Vec::new(),
            requests: Vec::new(),
            joined: None,
            cdrs: Vec::new(),
            transfers: Vec::new(),
            handed_over: Vec::new(),
        };
        bench.drain();
        bench
    }

    pub fn routed(groups: &[&[&str]]) -> Self {
        let mut bench = Self::new();
        bench.route(Ok(hunt(groups)));
        bench
    }

    /// In a call between `kitchen` and `attic`.
    pub fn answered() -> Self {
        let mut bench = Self::routed(&[&["attic"]]);
        let b = bench.b(0);
        bench.says(b, Event::Alerting { early_media: false });
        bench.wait_s(4);
        bench.says(b, Event::Answer);
        bench.told.clear();
        bench
    }

    pub fn route(&mut self, plan: Result<Plan, Release>) {
        self.call.handle_route(self.now, plan);
        self.drain();
    }

    pub fn a(&self) -> LegId {
        self.call.a_leg()
    }

    pub fn b(&self, at: usize) -> LegId {
        self.placed[at].0
    }

    pub fn says(&mut self, leg: LegId, event: Event) {
        self.call.handle_event(self.now, leg, event);
        self.drain();
    }

    pub fn wait_s(&mut self, s: u64) {
        let end = self.now + Duration::from_secs(s);
        while let Some(at) = self.call.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.call.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// What a leg was told since the last look.
    pub fn heard(&mut self, leg: LegId) -> Vec<Event> {
        self.told.remove(&leg).unwrap_or_default()
    }

    pub fn cdr(&self) -> &Cdr {
        assert_eq!(self.cdrs.len(), 1, "one CDR");
        &self.cdrs[0]
    }

    pub fn names(&self) -> Vec<&str> {
        self.placed.iter().map(|(_, name)| name.as_str()).collect()
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.call.poll_output() {
            match output {
                Output::Route(request) => self.requests.push(request),
                Output::PlaceLeg { leg, target, .. } => {
                    self.placed.push((leg, target.name().to_owned()));
                }
                Output::Send { leg, event } => self.told.entry(leg).or_default().push(event),
                Output::Join { a, b, .. } => self.joined = Some((a, b)),
                Output::Unjoin { a, b } => {
                    assert_eq!(self.joined.take(), Some((a, b)), "only what is joined parts");
                }
                Output::Transfer { by, party, to } => self.transfers.push((by, party, to)),
                Output::HandOver { leg } => self.handed_over.push(leg),
                Output::Cdr(cdr) => self.cdrs.push(*cdr),
            }
        }
    }
}
