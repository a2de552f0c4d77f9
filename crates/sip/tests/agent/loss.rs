//! Calls over a network that loses, doubles and reorders: whatever happens, each call ends once at each end and nothing
//! is left over.

use tipring_core::{Duration, Rng};
use tipring_sip::agent::{Output, UserAgent};
use tipring_sip::message::Status;

use crate::pair::{A, ANSWER, B, Pair};

/// How one call goes, if the network lets it.
#[derive(Clone, Copy, Debug)]
enum Plot {
    CallerHangsUp,
    CalleeHangsUp,
    CallerCancels,
    CalleeRejects,
    Change,
}

const PLOTS: [Plot; 5] = [
    Plot::CallerHangsUp,
    Plot::CalleeHangsUp,
    Plot::CallerCancels,
    Plot::CalleeRejects,
    Plot::Change,
];

/// Plays a call and tells how it ended at A and at B.
fn play(seed: u64, loss: f64, plot: Plot) -> (String, String) {
    let mut chance = Rng::new(seed);
    let mut pair = Pair::new(seed);
    pair.loss = loss;
    pair.doubled = loss / 2.0;
    pair.delay = Duration::from_millis(40);
    let a = pair.call();
    let hang_up_after = chance.below(3000);
    if matches!(plot, Plot::CallerCancels) {
        pair.run_with(hang_up_after, |pair, who, output| callee(pair, who, output, plot));
        let _ = pair.act(A, |ua, now| ua.hang_up(now, a, None));
    }
    pair.run_with(40_000, |pair, who, output| callee(pair, who, output, plot));
    // Whoever still has a call ends it.
    for who in [A, B] {
        let sessions: Vec<_> = pair.said[who].iter().filter_map(answered).collect();
        for session in sessions {
            let _ = pair.act(who, |ua, now| ua.hang_up(now, session, None));
        }
        let _ = pair.act(A, |ua, now| ua.hang_up(now, a, None));
    }
    pair.run(250_000);
    pair.assert_quiet();
    let rang = pair.heard(B, "Incoming");
    let ends = (pair.ended(A), pair.ended(B));
    assert!(ends.0 != "not ended", "seed {seed} {plot:?}: {:?}", pair.said[A]);
    assert_eq!(ends.1 != "not ended", rang, "seed {seed} {plot:?}: {:?}", pair.said[B]);
    assert!(pair.count(B, "Incoming") <= 1, "seed {seed}: rang twice");
    assert!(pair.count(A, "Answered") <= 1, "seed {seed}: answered twice");
    ends
}

fn answered(output: &Output) -> Option<tipring_sip::session::SessionId> {
    match output {
        Output::Incoming { session, .. }
        | Output::Answered { session, .. }
        | Output::Confirmed { session, .. } => Some(*session),
        _ => None,
    }
}

/// B's part, and what both do once the call is up.
fn callee(pair: &mut Pair, who: usize, output: &Output, plot: Plot) {
    match (output, plot) {
        (Output::Incoming { session, .. }, Plot::CalleeRejects) => {
            let session = *session;
            pair.act(B, |ua, now| ua.reject(now, session, Status::BUSY_HERE, &[])).expect("rings");
        }
        (Output::Incoming { session, .. }, _) => {
            let session = *session;
            let ring =
                |ua: &mut UserAgent, now| ua.progress(now, session, Status::RINGING, Vec::new());
            pair.act(B, ring).expect("rings");
            pair.act(B, |ua, now| ua.answer(now, session, ANSWER.to_vec())).expect("rings");
        }
        (Output::Confirmed { session, .. }, Plot::CalleeHangsUp)
        | (Output::Answered { session, .. }, Plot::CallerHangsUp)
        | (Output::OfferAnswered { session, .. }, Plot::Change) => {
            let session = *session;
            let _ = pair.act(who, |ua, now| ua.hang_up(now, session, None));
        }
        (Output::Answered { session, .. } | Output::Confirmed { session, .. }, Plot::Change) => {
            let session = *session;
            let change =
                |ua: &mut UserAgent, now| ua.reinvite(now, session, b"v=0 change".to_vec());
            let changed = pair.act(who, change);
            assert!(changed.is_ok() || pair.loss > 0.0, "{changed:?}");
        }
        (Output::Offer { session, .. }, _) => {
            let session = *session;
            let _ = pair.act(who, |ua, now| ua.accept_offer(now, session, ANSWER.to_vec()));
        }
        _ => {}
    }
}

#[test]
fn every_call_ends_once_at_both_ends_and_leaves_nothing_behind() {
    for (loss, seeds) in [(0.0, 10), (0.1, 30), (0.3, 40)] {
        for seed in 0..seeds {
            for plot in PLOTS {
                play(seed, loss, plot);
            }
        }
    }
}

#[test]
fn without_loss_each_plot_ends_as_written() {
    let end = |plot| play(99, 0.0, plot);
    let ends = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(end(Plot::CallerHangsUp), ends("Local", "Remote"));
    assert_eq!(end(Plot::CalleeHangsUp), ends("Remote", "Local"));
    assert_eq!(end(Plot::CalleeRejects), ends("Remote 486", "Local 486"));
    for seed in 0..40 {
        // Whoever hears first that its change was taken hangs up.
        let changed = play(seed, 0.0, Plot::Change);
        let either = [ends("Local", "Remote"), ends("Remote", "Local")];
        assert!(either.contains(&changed), "seed {seed}: {changed:?}");
        // A CANCEL that comes before the answer, or a BYE after it.
        let cancelled = play(seed, 0.0, Plot::CallerCancels);
        let either = [ends("Local 487", "Remote 487"), ends("Local", "Remote")];
        assert!(either.contains(&cancelled), "seed {seed}: {cancelled:?}");
    }
}

#[test]
fn a_tenth_of_all_datagrams_lost_does_not_lose_a_call() {
    for seed in 1000..1040 {
        assert_eq!(play(seed, 0.1, Plot::CallerHangsUp).0, "Local", "seed {seed}");
    }
}
