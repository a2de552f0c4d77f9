//! Two user agents that do at random whatever the moment allows, over a network that loses, doubles and reorders: every
//! INVITE gets exactly one final response, every call ends once at each end, and nothing is left over.

use std::collections::BTreeSet;

use tipring_core::{Duration, Rng};
use tipring_sip::agent::{Output, Reliability, SessionTimers, UaConfig};
use tipring_sip::message::{ReferTo, Status};
use tipring_sip::session::{EndedBy, SessionId, Transfer};

use crate::ages::Ages;
use crate::pair::{A, B, Pair, invite, uri};

/// How much is at stake in one run.
#[derive(Clone, Copy, Debug)]
struct Storm {
    seed: u64,
    loss: f64,
    reliability: Reliability,
}

impl Storm {
    fn config(&self) -> UaConfig {
        let session_timer = Some(SessionTimers {
            expires_s: 90,
            min_se_s: 90,
            refresh: self.seed.is_multiple_of(2),
        });
        UaConfig { reliability: self.reliability, session_timer, ..UaConfig::default() }
    }

    /// Plays calls both ways for ten minutes, then lets everything come to rest.
    fn blow(self) -> Pair {
        let mut chance = Rng::new(self.seed);
        let mut pair = Pair::with(self.seed, self.config());
        pair.loss = self.loss;
        pair.doubled = self.loss / 2.0;
        pair.delay = Duration::from_millis(200);
        let mut calls = Vec::new();
        let mut ages = [Ages::default(), Ages::default()];
        for _ in 0..4 {
            let body: &[u8] = if chance.chance(0.3) { b"" } else { b"v=0 offer" };
            calls.push(pair.act(A, |ua, now| ua.invite(now, invite(body))).expect("room"));
            for _ in 0..8 {
                pair.run_with(chance.below(20_000), |pair, who, output| {
                    react(pair, &mut chance, who, output);
                });
                stir(&mut pair, &mut chance);
                // Somebody rang, or may have.
                let (now, [a, b]) = (pair.now, &pair.agents);
                ages[A].check(now, now, a);
                ages[B].check(now, now, b);
            }
        }
        for (who, session) in sessions(&pair) {
            let _ = pair.act(who, |ua, now| ua.hang_up(now, session, None));
        }
        // What was lost at the end is ended by the timers of whoever is left.
        pair.run_with(600_000, |pair, who, output| {
            if let Output::Confirmed { session, .. } | Output::Answered { session, .. } = output {
                let session = *session;
                let _ = pair.act(who, |ua, now| ua.hang_up(now, session, None));
            }
            react(pair, &mut chance, who, output);
        });
        pair
    }
}

/// All sessions that anybody was told of.
fn sessions(pair: &Pair) -> Vec<(usize, SessionId)> {
    let of = |who: usize| {
        pair.said[who].iter().filter_map(move |output| match output {
            Output::Incoming { session, .. }
            | Output::Answered { session, .. }
            | Output::Progress { session, .. } => Some((who, *session)),
            _ => None,
        })
    };
    let mut all: Vec<_> = of(A).chain(of(B)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Answers what was asked, one way or another.
fn react(pair: &mut Pair, chance: &mut Rng, who: usize, output: &Output) {
    let lucky = chance.chance(0.8);
    match output {
        Output::Incoming { session, .. } => {
            let session = *session;
            if chance.chance(0.7) {
                let body = if chance.chance(0.5) { b"v=0 early".to_vec() } else { Vec::new() };
                let status = Status::SESSION_PROGRESS;
                let _ = pair.act(who, |ua, now| ua.progress(now, session, status, body));
                let _ =
                    pair.act(who, |ua, now| ua.progress(now, session, Status::RINGING, Vec::new()));
            }
            match chance.below(4) {
                0 => {
                    let busy = Status::BUSY_HERE;
                    let _ = pair.act(who, |ua, now| ua.reject(now, session, busy, &[]));
                }
                1 => {}
                _ => {
                    let _ = pair.act(who, |ua, now| ua.answer(now, session, b"v=0 x".to_vec()));
                }
            }
        }
        Output::Offer { session, fork, .. } => {
            let (session, fork) = (*session, *fork);
            let body = b"v=0 y".to_vec();
            let status = Status::NOT_ACCEPTABLE_HERE;
            let _ = pair.act(who, |ua, now| match lucky {
                true => ua.accept_fork_offer(now, session, fork, body),
                false => ua.reject_fork_offer(now, session, fork, status, &[]),
            });
        }
        // The callee's offer, when we made none.
        Output::Answered { session, .. } => {
            let session = *session;
            let _ = pair.act(who, |ua, now| ua.accept_offer(now, session, b"v=0 y".to_vec()));
        }
        Output::Refer { session, refer, .. } => {
            let (session, refer) = (*session, *refer);
            let _ = pair.act(who, |ua, now| match lucky {
                true => ua.accept_refer(now, session, refer),
                false => ua.reject_refer(now, session, refer, Status::DECLINE),
            });
            let _ = pair.act(who, |ua, now| ua.report_refer(now, session, refer, Status::OK));
        }
        _ => {}
    }
}

/// Somebody does something of their own accord.
fn stir(pair: &mut Pair, chance: &mut Rng) {
    let all = sessions(pair);
    let Some(&(who, session)) = all.get(usize::try_from(chance.below(16)).expect("small")) else {
        return;
    };
    let body = b"v=0 z".to_vec();
    match chance.below(8) {
        0 => {
            let _ = pair.act(who, |ua, now| ua.hang_up(now, session, None));
        }
        1 => {
            let _ = pair.act(who, |ua, now| ua.reinvite(now, session, body));
        }
        2 => {
            let _ = pair.act(who, |ua, now| ua.reinvite(now, session, Vec::new()));
        }
        3 => {
            let _ = pair.act(who, |ua, now| ua.update(now, session, 0, &[], body));
        }
        4 => {
            let _ = pair.act(who, |ua, now| ua.update(now, session, 0, &[], Vec::new()));
        }
        5 => {
            let _ =
                pair.act(who, |ua, now| ua.info(now, session, "application/dtmf", b"5".to_vec()));
        }
        6 => {
            let target = ReferTo::blind(uri("sip:carol@example.net"));
            let transfer = Transfer { target, referred_by: None, watch: chance.chance(0.7) };
            let _ = pair.act(who, |ua, now| ua.refer(now, session, transfer));
        }
        _ => {
            let _ = pair.act(who, |ua, now| ua.answer(now, session, body));
        }
    }
}

fn check(storm: Storm, seen: &mut BTreeSet<String>) {
    let mut pair = storm.blow();
    pair.assert_quiet();
    pair.assert_each_invite_ended_once();
    seen.extend(pair.ladder.iter().map(|(_, _, line, _)| line.clone()));
    for who in [A, B] {
        let mut ended: Vec<_> = pair.said[who]
            .iter()
            .filter_map(|output| match output {
                Output::Ended { session, .. } => Some(*session),
                _ => None,
            })
            .collect();
        let count = ended.len();
        ended.sort_unstable();
        ended.dedup();
        assert_eq!(ended.len(), count, "{storm:?}: a session ended twice");
        let known: Vec<_> = sessions(&pair).into_iter().filter(|(end, _)| *end == who).collect();
        for (_, session) in known {
            assert!(ended.contains(&session), "{storm:?}: {session} of {who} never ended");
        }
    }
}

#[test]
fn every_invite_gets_one_final_response_and_every_call_one_end() {
    let mut seen = BTreeSet::new();
    for reliability in [Reliability::Off, Reliability::Supported, Reliability::Required] {
        for (loss, seeds) in [(0.0, 15), (0.1, 25), (0.3, 25)] {
            for seed in 0..seeds {
                check(Storm { seed, loss, reliability }, &mut seen);
            }
        }
    }
    for line in [
        "PRACK", "UPDATE", "REFER", "NOTIFY", "CANCEL", "INFO", "BYE", "491 ", "500 ", "481 ",
        "486 ", "487 ", "488 ", "603 ",
    ] {
        assert!(seen.iter().any(|known| known.starts_with(line)), "no {line}in {seen:?}");
    }
}

#[test]
fn without_loss_no_call_ends_by_a_timer_but_the_ones_nobody_answers() {
    for seed in 0..30 {
        let pair = Storm { seed, loss: 0.0, reliability: Reliability::Supported }.blow();
        for output in pair.said.iter().flatten() {
            if let Output::Ended { by: EndedBy::Timeout, status, session, .. } = output {
                let unanswered =
                    [Some(Status::TEMPORARILY_UNAVAILABLE), Some(Status::REQUEST_TIMEOUT)];
                assert!(
                    unanswered.contains(status),
                    "seed {seed} {session}: {output:?}\n{:#?}",
                    pair.ladder
                );
            }
        }
    }
}
