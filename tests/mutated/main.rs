//! Damaged messages, a million of them where the compiler has optimised, for the whole gateway: calls, registrations,
//! transfers and subscriptions go on among them, over datagrams and a stream, on virtual time. What it keeps afterwards is
//! what it kept before, to a mebibyte; and nothing that anybody sends takes it more than 10 ms.
//!
//! Nothing here is chance: whoever sees a failure sees it again.

use std::collections::BTreeSet;

use rustix::time::{ClockId, clock_gettime};
use tipring_bridge_proto::LineEvent;
use tipring_core::Duration;

use crate::damage::{below, damage};
use crate::octets::held;
use crate::peers::Peers;
use crate::play::{PEERS, Play, address};

mod damage;
mod octets;
mod peers;
mod play;
#[path = "../../crates/sip/tests/torture/mod.rs"]
mod torture;

/// How many there are.
const MESSAGES: u64 = if cfg!(debug_assertions) { 15_000 } else { 1_000_000 };
/// How much more the gateway may hold after them, in octets.
const GROWTH: usize = 1 << 20;
/// The time of a processor that any of them may take.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 10 });
const SEED: u64 = 4475;

#[test]
fn what_damaged_messages_leave_behind_is_less_than_a_mebibyte() {
    // What is made once for all gateways is none of it.
    drop(run(SEED, 1000));
    let before = held();
    let fresh = Play::new(SEED);
    let empty = held() - before;
    drop(fresh);
    let (mut play, slow) = run(SEED, MESSAGES);
    let busy = held() - before;
    let counts = play.settle();
    let kept = held() - before;
    let calls = play.calls;
    drop(play);
    let slow = slow_again(slow);
    let left = held() - before;
    assert_eq!(slow, BTreeSet::new(), "they take longer than {LONGEST:?} each time");
    assert_eq!(left, 0, "octets outlive the gateway");
    println!(
        "{MESSAGES} messages, {calls} calls; octets: {empty} before, {busy} at their end, {kept} when all was over"
    );
    assert!(calls > MESSAGES / 100, "{calls} calls came about");
    let of_calls = (counts.calls, counts.legs, counts.streams, counts.rtp_ports);
    assert_eq!(of_calls, (0, 0, 0, 0), "{counts:?}");
    assert_eq!(
        (counts.sip.sessions, counts.sip.dialogs, counts.unsettled),
        (0, 0, 0),
        "{counts:?}"
    );
    assert!(kept <= empty + GROWTH, "{kept} octets are kept: {counts:?}");
}

/// The time that this thread has had of a processor.
fn worked() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("not before it began")
}

/// Those that are slow whenever they come: what a virtual machine is stopped for counts as its processor's time, but
/// that does not happen at the same message three times.
fn slow_again(mut slow: BTreeSet<u64>) -> BTreeSet<u64> {
    for _ in 0..2 {
        let Some(last) = slow.last() else { break };
        let again = run(SEED, *last).1;
        slow.retain(|number| again.contains(number));
    }
    slow
}

/// Plays so many messages; gives the numbers of those that took too long.
fn run(seed: u64, messages: u64) -> (Play, BTreeSet<u64>) {
    let known: Vec<Vec<u8>> = torture::rfc_4475()
        .into_iter()
        .chain(torture::rfc_5118())
        .map(|(_, bytes)| bytes)
        .collect();
    let (mut play, mut peers, mut slow) = (Play::new(seed), Peers::default(), BTreeSet::new());
    while play.messages < messages {
        let chance = &mut play.chance;
        let turn = chance.below(10);
        let said = match turn {
            0 => None,
            1 => Some(peers.begin(chance)),
            2 | 3 => peers.go_on(chance),
            _ => play.heard.pop_front().and_then(|heard| peers.answer(chance, &heard)),
        };
        let (peer, mut bytes) = match said {
            Some((peer, text)) => (peer, text.into_bytes()),
            None if turn > 3 => {
                let (peer, text) = peers.begin(chance);
                (peer, text.into_bytes())
            }
            None => (address(PEERS[3]), known[below(chance, known.len())].clone()),
        };
        // Without some that are whole nothing would come about that could be harmed.
        if chance.chance(0.6) {
            damage(&mut bytes, chance);
        }
        let began = worked();
        play.give(peer, &bytes);
        if worked() - began > LONGEST {
            slow.insert(play.messages);
        }
        if play.chance.chance(0.02) {
            let off = play.chance.chance(0.5);
            play.person(if off { LineEvent::Flash { ms: 200 } } else { LineEvent::Hook { off } });
        }
        let pause = play.chance.below(100);
        play.wait(Duration::from_millis(pause));
    }
    (play, slow)
}
