//! All locations of a user agent: what is remembered, what is asked, what is parked.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tipring_core::{Duration, Instant, Rng, Timers};

use super::cache::{Cache, Known};
use super::lookup::Lookup;
use super::parking::Parking;
use super::{Answer, Destination, Failure, Question, Reach, Target, Unlocated};
use crate::transaction::Path;

/// Locations under way, and questions that wait for their answers; beyond that a location fails at once.
const MAX_LOOKUPS: usize = 1024;
const MAX_ASKED: usize = 512;

/// An answer that has run out is used when no new one has come after this time (RFC 8767 §5 has 1.8 s; a caller waits).
const STALE_PATIENCE: Duration = Duration::from_millis(500);
/// No answer will come after this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// A location. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupId(u64);

/// The targets, best first, those parked last and at least one; or why there are none.
pub type Located = Result<Vec<Target>, Unlocated>;

/// What the locator wants, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the DNS.
    Ask(Question),
    /// A location is over.
    Located {
        /// Which.
        id: LookupId,
        /// What it found.
        located: Located,
    },
}

/// What is alive and remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocatorCounts {
    /// Locations under way.
    pub lookups: usize,
    /// Questions that wait for an answer.
    pub asked: usize,
    /// Answers remembered.
    pub remembered: usize,
    /// Targets parked.
    pub parked: usize,
}

/// The machine.
#[derive(Debug)]
pub struct Locator {
    reach: Reach,
    rng: Rng,
    last_id: u64,
    cache: Cache,
    parking: Parking,
    lookups: BTreeMap<LookupId, Lookup>,
    asked: BTreeMap<Question, Asked>,
    timers: Timers<Question>,
    output: VecDeque<Output>,
}

/// A question on its way.
#[derive(Debug)]
struct Asked {
    since: Instant,
    waiting: BTreeSet<LookupId>,
}

impl Locator {
    /// Knows nothing yet.
    pub fn new(reach: Reach, rng: Rng) -> Self {
        Self {
            reach,
            rng,
            last_id: 0,
            cache: Cache::default(),
            parking: Parking::default(),
            lookups: BTreeMap::new(),
            asked: BTreeMap::new(),
            timers: Timers::new(),
            output: VecDeque::new(),
        }
    }

    /// Locates a destination; [`Output::Located`] says what was found, at once when nothing must be asked.
    pub fn locate(
        &mut self,
        now: Instant,
        destination: Result<Destination, Unlocated>,
    ) -> LookupId {
        self.last_id += 1;
        let id = LookupId(self.last_id);
        let room = self.lookups.len() < MAX_LOOKUPS;
        match destination.and_then(|found| if room { Ok(found) } else { Err(Unlocated::Busy) }) {
            Ok(destination) => {
                let lookup = Lookup::new(destination, &self.reach, &mut self.rng);
                self.lookups.insert(id, lookup);
                self.work(now, id);
            }
            Err(reason) => self.output.push_back(Output::Located { id, located: Err(reason) }),
        }
        id
    }

    /// Forgets a location that nobody waits for any longer.
    pub fn forget(&mut self, id: LookupId) {
        self.lookups.remove(&id);
        for asked in self.asked.values_mut() {
            asked.waiting.remove(&id);
        }
    }

    /// Answers what is known, asks the rest; says Located when nothing is left to ask.
    fn work(&mut self, now: Instant, id: LookupId) {
        while let Some(lookup) = self.lookups.get_mut(&id) {
            if let Some(located) = lookup.result() {
                let located = located.clone().map(|targets| self.in_order(now, targets));
                self.lookups.remove(&id);
                self.output.push_back(Output::Located { id, located });
                return;
            }
            let waits = |question: &&Question| {
                self.asked.get(question).is_some_and(|asked| asked.waiting.contains(&id))
            };
            let Some(question) = lookup.questions().find(|question| !waits(question)).cloned()
            else {
                return;
            };
            if let Some(answer) = self.known(now, id, &question)
                && let Some(lookup) = self.lookups.get_mut(&id)
            {
                lookup.handle_answer(&question, answer, &self.reach, &mut self.rng);
            }
        }
    }

    /// The answer, when it can be given now; else the question is asked.
    fn known(&mut self, now: Instant, id: LookupId, question: &Question) -> Option<Answer> {
        let known = self.cache.get(now, question);
        let stale = match known {
            Known::Fresh(answer) => return Some(answer),
            Known::Stale(answer) => Some(answer),
            Known::Nothing => None,
        };
        let full = self.asked.len() >= MAX_ASKED;
        match self.asked.get_mut(question) {
            // Others have waited for it long enough.
            Some(asked) if stale.is_some() && now - asked.since >= STALE_PATIENCE => return stale,
            Some(asked) => {
                asked.waiting.insert(id);
            }
            None if full => {
                return stale.or(Some(Answer::Failed(Failure::Timeout)));
            }
            None => {
                let asked = Asked { since: now, waiting: BTreeSet::from([id]) };
                self.asked.insert(question.clone(), asked);
                let patience = if stale.is_some() { STALE_PATIENCE } else { PATIENCE };
                self.timers.set(question.clone(), now + patience);
                self.output.push_back(Output::Ask(question.clone()));
            }
        }
        None
    }

    /// The DNS has answered. An answer that nobody waits for any longer is remembered all the same; one that was never
    /// asked for is passed over.
    pub fn handle_answer(&mut self, now: Instant, question: &Question, answer: &Answer) {
        let Some(Asked { waiting, .. }) = self.asked.remove(question) else {
            return;
        };
        self.timers.cancel(question);
        let empty = |answer: &Answer| match answer {
            Answer::Found { records, .. } => {
                !records.iter().any(|record| record.record_type() == question.record)
            }
            Answer::NoData { .. } | Answer::NoName { .. } | Answer::Failed(_) => false,
        };
        let answer = if empty(answer) { Answer::NoData { ttl: None } } else { answer.clone() };
        self.cache.put(now, question, &answer);
        let answer = match answer {
            Answer::Failed(_) => self.cache.stale(question).cloned().unwrap_or(answer),
            Answer::Found { .. } | Answer::NoData { .. } | Answer::NoName { .. } => answer,
        };
        self.give(now, question, &answer, waiting);
    }

    fn give(
        &mut self,
        now: Instant,
        question: &Question,
        answer: &Answer,
        waiting: BTreeSet<LookupId>,
    ) {
        for id in waiting {
            if let Some(lookup) = self.lookups.get_mut(&id) {
                lookup.handle_answer(question, answer.clone(), &self.reach, &mut self.rng);
                self.work(now, id);
            }
        }
    }

    /// Uses what is remembered where no answer comes, and gives up where nothing is.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(question) = self.timers.pop_expired(now) {
            let Some(asked) = self.asked.get_mut(&question) else { continue };
            let late = asked.since + PATIENCE;
            if late <= now {
                self.handle_answer(now, &question, &Answer::Failed(Failure::Timeout));
                continue;
            }
            let waiting = core::mem::take(&mut asked.waiting);
            self.timers.set(question.clone(), late);
            if let Some(answer) = self.cache.stale(&question).cloned() {
                self.give(now, &question, &answer, waiting);
            } else if let Some(asked) = self.asked.get_mut(&question) {
                asked.waiting = waiting;
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// Those that are parked come last, the one that is let out first before the others.
    fn in_order(&self, now: Instant, mut targets: Vec<Target>) -> Vec<Target> {
        targets.sort_by_key(|target| self.parking.until(now, (target.transport, target.address)));
        targets
    }

    /// The way to a target from our socket; `None` where we have none.
    pub fn path_to(&self, target: &Target) -> Option<Path> {
        let Target { transport, address, .. } = *target;
        let local = self.reach.socket(transport, address.ip())?;
        let domain = transport.is_secure().then(|| target.domain.clone());
        Some(Path { domain, ..Path::new(transport, local, address) })
    }

    /// A target has answered anything at all: it is not parked any longer.
    pub fn note_alive(&mut self, path: &Path) {
        self.parking.alive((path.transport, path.remote));
    }

    /// A target did not answer, or could not be reached: it is parked, for 30 s the first time and 5 min at most.
    pub fn note_dead(&mut self, now: Instant, path: &Path) {
        self.parking.dead(now, (path.transport, path.remote));
    }

    /// A target said 503 with Retry-After: it is parked for that time, an hour at most.
    pub fn note_busy(&mut self, now: Instant, path: &Path, seconds: u32) {
        self.parking.busy(now, (path.transport, path.remote), seconds);
    }

    /// A target that is parked because it did not answer stays so for `time` at least; false when it is not.
    pub fn hold(&mut self, now: Instant, path: &Path, time: Duration) -> bool {
        self.parking.hold(now, (path.transport, path.remote), time)
    }

    /// Whether a target is parked.
    pub fn is_parked(&self, now: Instant, path: &Path) -> bool {
        self.parking.until(now, (path.transport, path.remote)).is_some()
    }

    /// Locations under way.
    pub fn lookups(&self) -> usize {
        self.lookups.len()
    }

    /// How much is alive and remembered.
    pub fn counts(&self, now: Instant) -> LocatorCounts {
        LocatorCounts {
            lookups: self.lookups.len(),
            asked: self.asked.len(),
            remembered: self.cache.len(),
            parked: self.parking.count(now),
        }
    }
}

impl fmt::Display for LookupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lookup-{}", self.0)
    }
}
