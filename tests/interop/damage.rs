//! What goes wrong in a call: the card is pulled out, its serial line is noisy, strangers send rubbish.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::audio;
use crate::control::PATIENCE;
use crate::process::until;
use crate::rtp::Endpoint;
use crate::sipp::{Scenario, Sipp};
use crate::site::{LONG, Site};
use crate::stalls::{self, Witnesses};

/// SIPp calls the first telephone, which answers; they talk.
fn call(site: &mut Site, peer: &Endpoint, ms: u32) -> Sipp {
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", peer.port);
    let sipp = scenario.argument("-d").argument(ms).call(site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    peer.peer();
    sipp
}

#[test]
fn a_card_that_is_pulled_out_ends_its_calls_and_comes_back() {
    let mut site = Site::start(1, "");
    let audio = Endpoint::open();
    let scenario = Scenario::new("callee_hangs_up").with("AUDIO_PORT", audio.port);
    let mut sipp = scenario.with("CAUSE", 27).call(&site, "101");
    site.phones.rings(1);
    site.phones.off_hook(1);
    audio.peer();
    let witnesses = Witnesses::start();
    let pulled = Instant::now();
    site.phones.op(json!({"op": "unplug"}));
    until("BYE", PATIENCE, || (sipp.received("BYE") == 1).then_some(()));
    let took = pulled.elapsed();
    let stopped = stalls::total(&witnesses.end());
    eprintln!("BYE {took:?} after the card was pulled out; this machine stopped for {stopped:?}");
    assert!(took < Duration::from_millis(300) + stopped, "{took:?}");
    sipp.succeeds(LONG);
    assert_eq!(site.records(1)[0]["cause"], 27);

    site.phones.on_hook(1);
    site.phones.forget();
    let plugged = Instant::now();
    site.phones.op(json!({"op": "plug"}));
    site.phones.expect(PATIENCE, &json!({"event": "host", "connected": true}));
    until("the line", PATIENCE, || {
        (site.gateway.log().matches("line in service").count() == 2).then_some(())
    });
    let took = plugged.elapsed();
    eprintln!("in service {took:?} after the card was plugged in");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let audio = Endpoint::open();
    call(&mut site, &audio, 500).succeeds(LONG);
    site.phones.on_hook(1);
    let records = site.leave(2);
    assert_eq!(records[1]["cause"], 16, "{records:?}");
}

#[test]
fn a_noisy_serial_line_disturbs_no_call() {
    let mut site = Site::start(1, "");
    // One octet in ten thousand.
    site.phones.op(json!({"op": "corrupt", "ber": 1e-4 / 8.0}));
    for _ in 0..3 {
        let peer = Endpoint::open();
        let mut sipp = call(&mut site, &peer, 4000);
        let witnesses = Witnesses::start();
        let said = audio::speech(3, 21);
        peer.speak(&said);
        thread::sleep(Duration::from_millis(300));
        site.phones.op(json!({"op": "dial", "port": 1, "digits": "7"}));
        sipp.succeeds(LONG);
        site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
        site.hangs_up();
        let packets = peer.received();
        let pause = stalls::longest_pause(&packets, &witnesses.end());
        assert!(pause < Duration::from_millis(120), "{pause:?}");
        let ends = packets.iter().filter(|p| p.header.payload_type == 101 && p.payload[0] == 7);
        assert!(ends.count() >= 3, "the digit");
    }
    let records = site.leave(3);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:?}");
}

#[test]
fn rubbish_at_the_sockets_disturbs_no_call() {
    let mut site = Site::start(1, "");
    let peer = Endpoint::open();
    let mut sipp = call(&mut site, &peer, 8000);
    let witnesses = Witnesses::start();
    let rtp = peer.peer();
    let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
    peer.speak(&audio::speech(6, 31));
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut chance = 1u64;
    let mut send = |rounds: u32| {
        for round in 0..rounds {
            let mut datagram = vec![0; (round % 1200) as usize];
            for octet in &mut datagram {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *octet = (chance >> 56) as u8;
            }
            if round % 3 == 1 {
                datagram.splice(0..0, *b"INVITE sip:101@127.0.0.1 SIP/2.0\r\nVia: ");
            } else if round % 3 == 2 {
                datagram.splice(0..0, [0x80, 0, 1, 2, 3, 4]);
            }
            for to in [site.sip, rtp, rtcp] {
                let _ = stranger.send_to(&datagram, to);
            }
            thread::sleep(Duration::from_micros(500));
        }
    };
    send(2000);
    // Pages that are touched for the first time are no growth: what grows does so every time.
    let grew = [(); 2].map(|()| {
        let before = site.gateway.resident_kib();
        send(3000);
        let after = site.gateway.resident_kib();
        eprintln!("resident {before} KiB, after 9000 datagrams more {after} KiB");
        after.saturating_sub(before)
    });
    assert!(grew.iter().any(|kib| *kib < 128), "{grew:?} KiB");
    sipp.succeeds(LONG);
    site.phones.on_hook(1);
    let stalls = witnesses.end();
    let pause = stalls::longest_pause(&peer.received(), &stalls);
    assert!(pause < Duration::from_millis(100), "{pause:?}");
    let record = site.leave(1).remove(0);
    assert_eq!(record["cause"], 16, "{record}");
    // In a stop of the gateway alone the rubbish fills its sockets.
    assert!(record["rtp"]["lost"] == 0 || !stalls.is_empty(), "{record}");
}
