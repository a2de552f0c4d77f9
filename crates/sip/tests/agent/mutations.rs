//! Damaged messages in the middle of calls: nothing panics, nothing grows, nothing stays.

use tipring_core::Rng;
use tipring_sip::agent::{Counts, Output, UaConfig};
use tipring_sip::message::{Status, Substate};

use crate::peer::Peer;
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

/// Requests inside a call, with their own fields and bodies.
const IN_A_CALL: [(&str, &str, &str); 8] = [
    ("PRACK", "RAck: 7 1 INVITE\n", "v=0"),
    ("UPDATE", "Supported: timer\nSession-Expires: 90;refresher=uac\nMin-SE: 90\n", "v=0"),
    ("INVITE", "Session-Expires: 4294967295\nRequire: timer\n", "v=0"),
    ("REFER", "Refer-To: <sip:c@h?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\nRefer-Sub: false\n", ""),
    ("REFER", "Refer-To: \"C\" <sip:c@h;method=INVITE>\nReferred-By: <sip:b@h>\n", ""),
    ("NOTIFY", "Event: refer;id=1\nSubscription-State: active;expires=9\n", "SIP/2.0 180 Ringing"),
    ("INFO", "Content-Type: application/dtmf-relay\n", "Signal=5\r\nDuration=160\r\n"),
    ("INFO", "Info-Package: x\nContent-Disposition: info-package\n", "x"),
];

#[test]
fn damaged_requests_in_a_call_do_no_harm() {
    let mut chance = Rng::new(5589);
    let mut peer = Peer::up(UaConfig::default(), "");
    let id = peer.id;
    let (mut taken, mut timed) = (0, false);
    for n in 0..6000u32 {
        let (method, more, body) = IN_A_CALL[usize::try_from(chance.below(8)).expect("small")];
        let more = format!("{}{more}", crate::peer::CONTACT);
        let mut bytes = peer.text(method, 1000 + n, &more, body).into_bytes();
        if chance.chance(0.8) {
            damage(&mut bytes, &mut chance);
        }
        peer.script.receive_octets(PEER, &bytes);
        for output in std::mem::take(&mut peer.script.said) {
            taken += 1;
            let _ = match output {
                Output::Offer { session, fork, .. } => peer
                    .script
                    .act(|ua, now| ua.accept_fork_offer(now, session, fork, b"v=0".to_vec())),
                Output::Refer { session, refer, .. } => peer.script.act(|ua, now| {
                    ua.accept_refer(now, session, refer)?;
                    ua.report_refer(now, session, refer, Status::OK)
                }),
                _ => Ok(()),
            };
        }
        // Whatever we ask for in between is answered, but for what the ACK of an offer would be.
        for (_, text) in std::mem::take(&mut peer.script.sent) {
            if text.starts_with("NOTIFY") || text.starts_with("UPDATE") {
                peer.reply(&text, "200 OK", "", "");
            }
            timed |= text.contains("\r\nSession-Expires: ");
        }
        peer.script.skip();
        peer.script.wait(chance.below(30));
        if peer.script.ended() != "not ended" {
            break;
        }
    }
    assert!(taken > 100, "{taken} were understood");
    assert!(timed, "session timers were agreed upon");
    let _ = peer.script.act(|ua, now| ua.hang_up(now, id, None));
    peer.assert_quiet();
}

/// Damaged SUBSCRIBEs, NOTIFYs and answers to ours in the middle of subscriptions of both ends.
#[test]
fn damaged_messages_do_no_harm_to_subscriptions() {
    let mut chance = Rng::new(6665);
    let mut script = Script::with(crate::watchers::config());
    let (id, subscribe) = crate::subscriptions::start(&mut script, |_| {});
    for n in 1..4000u32 {
        let text = match chance.below(4) {
            0 => crate::watchers::ask(|text| {
                text.replace("Ks1", &n.to_string()).replace("D: c", &format!("D: {n}"))
            }),
            1 => crate::subscriptions::notify(&subscribe, "n", n, "active;expires=600"),
            2 => response(&subscribe, "200 OK", "n", "Expires: 600\n", ""),
            _ => match script.sent.back() {
                Some((_, last)) if !last.starts_with("SIP") => {
                    response(last, "200 OK", "n", "", "")
                }
                _ => continue,
            },
        };
        script.skip();
        let mut bytes = text.replace('\n', "\r\n").into_bytes();
        if chance.chance(0.6) {
            damage(&mut bytes, &mut chance);
        }
        script.receive_octets(PEER, &bytes);
        for output in std::mem::take(&mut script.said) {
            if let Output::Subscribe { watcher, .. } = output {
                let content = crate::watchers::info("<state/>");
                let accepted = script
                    .act(|ua, now| ua.accept_subscription(now, watcher, Substate::Active, content));
                assert_eq!(accepted, Ok(()));
            }
        }
        script.wait(chance.below(200));
    }
    let counts = script.ua.counts();
    assert!(counts.watchers > 100 && counts.subscriptions == 1, "{counts:?}");
    script.act(|ua, now| ua.unsubscribe(now, id));
    // Damage may have made an Expires longer; a day is the longest that is granted.
    script.wait(86_500_000);
    assert_eq!(script.ua.counts(), Counts::default());
}
