//! Damaged messages in the middle of calls: nothing panics, nothing grows, nothing stays.

use tipring_core::Rng;
use tipring_sip::agent::{Counts, Output};

use crate::script::{PEER, Script, response};

const REQUESTS: [&str; 4] = ["INVITE", "BYE", "OPTIONS", "CANCEL"];

fn request(method: &str, n: u64) -> String {
    format!(
        "{method} sip:101@192.0.2.1 SIP/2.0\r
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK{n};rport\r
Record-Route: <sip:198.51.100.8;lr>\r
Max-Forwards: 70\r
From: \"A\" <sip:a@198.51.100.9>;tag=t{n}\r
To: <sip:101@192.0.2.1>\r
Call-ID: {n}@x\r
CSeq: {n} {method}\r
Contact: <sip:a@198.51.100.9:5062>\r
Reason: Q.850;cause=16\r
Content-Type: application/sdp\r
Content-Length: 3\r
\r
v=0"
    )
}

/// Flips, drops, doubles or replaces some octets.
fn damage(bytes: &mut Vec<u8>, chance: &mut Rng) {
    for _ in 0..=chance.below(6) {
        let length = bytes.len() as u64;
        let at = usize::try_from(chance.below(length.max(1))).expect("small");
        let piece = usize::try_from(chance.below(20)).expect("small");
        let end = (at + piece).min(bytes.len());
        match chance.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes.truncate(at),
            _ => {
                const WORDS: [&[u8]; 8] =
                    [b"\r\n", b"<", b">", b"\"", b";tag=", b",", b"99999999999", b"\0\xFF"];
                let word = WORDS[usize::try_from(chance.below(8)).expect("small")];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
}

#[test]
fn damaged_messages_do_no_harm() {
    let mut chance = Rng::new(4475);
    let mut script = Script::new();
    let (_, invite) = script.call(|_| {});
    for n in 1..6000 {
        let method = REQUESTS[usize::try_from(chance.below(4)).expect("small")];
        let mut bytes = if chance.chance(0.7) {
            request(method, n).into_bytes()
        } else {
            let status = ["180 Ringing", "200 OK", "302 Moved", "401 No", "100 Trying"];
            let status = status[usize::try_from(chance.below(5)).expect("small")];
            response(&invite, status, "b", "Contact: <sip:b@198.51.100.7>\n", "v=0").into_bytes()
        };
        damage(&mut bytes, &mut chance);
        script.receive_octets(PEER, &bytes);
        for output in std::mem::take(&mut script.said) {
            if let Output::Incoming { session, .. } = output {
                let _ = script.act(|ua, now| match chance.below(3) {
                    0 => ua.answer(now, session, b"v=0".to_vec()),
                    1 => ua.hang_up(now, session, None),
                    _ => Ok(()),
                });
            }
        }
        script.skip();
        script.wait(chance.below(100));
    }
    let counters = script.ua.counters();
    assert!(counters.malformed > 500 && counters.datagrams == 5999, "{counters:?}");
    // Whoever rings is given up by timer C, the rest by BYE that nobody answers.
    script.wait(400_000);
    assert_eq!(script.ua.counts(), Counts::default());
}
