//! Answers that are remembered: for their time, and beyond it while the DNS is silent (RFC 2308, RFC 8767).

use std::collections::{BTreeMap, BTreeSet};

use tipring_core::{Duration, Instant};

use super::{Answer, Question};

/// Answers that are remembered; the one that was of no use for the longest time gives way.
pub(super) const MAX_ENTRIES: usize = 2048;

/// An answer holds for 5 s at least, so that a domain with a TTL of 0 is not asked for with every call, and for a day
/// at most.
const LEAST: Duration = Duration::from_secs(5);
const MOST: Duration = Duration::from_secs(86_400);
/// A negative answer holds for 15 min at most, and for a minute where it does not say (RFC 2308 §5).
const MOST_NEGATIVE: Duration = Duration::from_secs(900);
const NEGATIVE: Duration = Duration::from_secs(60);
/// After a failure the question is not asked again for so long: RFC 8767 §5 where something is remembered, else a moment
/// in which a burst of calls is not a burst of questions.
const RECHECK: Duration = Duration::from_secs(30);
const RECHECK_UNKNOWN: Duration = Duration::from_secs(2);

/// What is remembered of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It holds, or asking again would be too early.
    Fresh(Answer),
    /// It has run out: ask again, and use it when no answer comes.
    Stale(Answer),
    /// Nothing.
    Nothing,
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Question, Entry>,
    by_use: BTreeSet<(u64, Question)>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    until: Instant,
    used: u64,
}

impl Cache {
    /// What is known of `question`.
    pub(super) fn get(&mut self, now: Instant, question: &Question) -> Known {
        self.touch(question);
        match self.entries.get(question) {
            None => Known::Nothing,
            Some(entry) if entry.until > now => Known::Fresh(entry.answer.clone()),
            Some(Entry { answer: Answer::Failed(_), .. }) => Known::Nothing,
            Some(entry) => Known::Stale(entry.answer.clone()),
        }
    }

    /// What was found out last, however old; nothing when that is a failure.
    pub(super) fn stale(&self, question: &Question) -> Option<&Answer> {
        let answer = &self.entries.get(question)?.answer;
        (!matches!(answer, Answer::Failed(_))).then_some(answer)
    }

    /// Remembers an answer. A failure takes nothing away from what was known; it is only not asked again at once.
    pub(super) fn put(&mut self, now: Instant, question: &Question, answer: &Answer) {
        let until = now + hold(answer);
        if let Answer::Failed(_) = answer
            && let Some(entry) = self.entries.get_mut(question)
            && !matches!(entry.answer, Answer::Failed(_))
        {
            entry.until = now + RECHECK;
            return;
        }
        if !self.entries.contains_key(question)
            && self.entries.len() >= MAX_ENTRIES
            && let Some((_, idle)) = self.by_use.pop_first()
        {
            self.entries.remove(&idle);
        }
        let used = self.entries.get(question).map_or(0, |entry| entry.used);
        self.by_use.insert((used, question.clone()));
        self.entries.insert(question.clone(), Entry { answer: answer.clone(), until, used });
        self.touch(question);
    }

    fn touch(&mut self, question: &Question) {
        if let Some(entry) = self.entries.get_mut(question) {
            self.by_use.remove(&(entry.used, question.clone()));
            self.uses += 1;
            entry.used = self.uses;
            self.by_use.insert((entry.used, question.clone()));
        }
    }

    /// How many answers there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn hold(answer: &Answer) -> Duration {
    let seconds = |ttl: u32| Duration::from_secs(u64::from(ttl));
    match answer {
        Answer::Found { ttl, .. } => seconds(*ttl).clamp(LEAST, MOST),
        Answer::NoData { ttl } | Answer::NoName { ttl } => {
            ttl.map_or(NEGATIVE, seconds).clamp(LEAST, MOST_NEGATIVE)
        }
        Answer::Failed(_) => RECHECK_UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::{DomainName, Failure, Record, RecordType};

    fn question(name: &str) -> Question {
        Question::new(DomainName::new(name).expect("a name"), RecordType::A)
    }

    fn found(ttl: u32) -> Answer {
        Answer::Found { records: vec![Record::A([192, 0, 2, 1].into())], ttl }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn an_answer_holds_for_its_time_and_is_stale_afterwards() {
        let mut cache = Cache::default();
        cache.put(at(0), &question("a.example"), &found(60));
        assert_eq!(cache.get(at(59), &question("a.example")), Known::Fresh(found(60)));
        assert_eq!(cache.get(at(60), &question("a.example")), Known::Stale(found(60)));
        assert_eq!(cache.get(at(10_000_000), &question("a.example")), Known::Stale(found(60)));
        assert_eq!(cache.get(at(0), &question("b.example")), Known::Nothing);
    }

    #[test]
    fn times_are_held_within_bounds() {
        let mut cache = Cache::default();
        let none = |ttl| Answer::NoName { ttl };
        for (answer, holds) in [
            (found(0), 5),
            (found(u32::MAX), 86_400),
            (none(Some(0)), 5),
            (none(Some(86_400)), 900),
            (none(None), 60),
        ] {
            cache.put(at(0), &question("a.example"), &answer);
            assert_eq!(
                cache.get(at(holds - 1), &question("a.example")),
                Known::Fresh(answer.clone())
            );
            assert_eq!(cache.get(at(holds), &question("a.example")), Known::Stale(answer));
        }
    }

    #[test]
    fn a_failure_leaves_what_was_known_and_spares_the_server_for_30_s() {
        let mut cache = Cache::default();
        cache.put(at(0), &question("a.example"), &found(60));
        cache.put(at(100), &question("a.example"), &Answer::Failed(Failure::Timeout));
        assert_eq!(cache.get(at(129), &question("a.example")), Known::Fresh(found(60)));
        assert_eq!(cache.get(at(130), &question("a.example")), Known::Stale(found(60)));
    }

    #[test]
    fn a_failure_alone_is_remembered_for_2_s() {
        let mut cache = Cache::default();
        let failed = Answer::Failed(Failure::Server);
        cache.put(at(0), &question("a.example"), &failed);
        assert_eq!(cache.get(at(1), &question("a.example")), Known::Fresh(failed));
        assert_eq!(cache.get(at(2), &question("a.example")), Known::Nothing);
    }

    #[test]
    fn the_answer_unused_for_longest_gives_way() {
        let mut cache = Cache::default();
        for at_once in 0..MAX_ENTRIES {
            cache.put(at(0), &question(&format!("n{at_once}.example")), &found(60));
        }
        cache.get(at(1), &question("n0.example"));
        cache.put(at(1), &question("one-more.example"), &found(60));
        assert_eq!(cache.len(), MAX_ENTRIES);
        assert_eq!(cache.get(at(1), &question("n0.example")), Known::Fresh(found(60)));
        assert_eq!(cache.get(at(1), &question("n1.example")), Known::Nothing);
    }
}
