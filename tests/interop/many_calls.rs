//! Thirty calls at once on one card.

use std::time::Duration;

use serde_json::json;

use crate::control::PATIENCE;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};

#[test]
fn thirty_phones_talk_at_once() {
    let mut site = Site::start(30, "");
    let peers: Vec<Endpoint> = (0..30).map(|_| Endpoint::open()).collect();
    let mut calls = Vec::new();
    for (peer, number) in peers.iter().zip(101u16..) {
        let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", peer.port);
        let scenario = scenario.argument("-d").argument(10_000);
        calls.push(scenario.call(&site, &number.to_string()));
    }
    for port in 1..=30 {
        site.phones.rings(port);
        site.phones.off_hook(port);
    }
    for call in &mut calls {
        call.succeeds(LONG);
    }
    for port in 1..=30 {
        let open = json!({"event": "loop", "port": port, "open": true});
        site.phones.expect(PATIENCE, &open);
        site.phones.on_hook(port);
    }
    let mut worst = Duration::ZERO;
    for peer in &peers {
        let packets = peer.received();
        assert!(packets.len() > 450, "{}", packets.len());
        let gap = packets.windows(2).map(|pair| pair[1].at - pair[0].at).max();
        worst = worst.max(gap.unwrap_or_default());
    }
    eprintln!("the longest pause between two packets of thirty streams: {worst:?}");
    assert!(worst < Duration::from_millis(150), "{worst:?}");
    let records = site.leave(30);
    let lost: u64 = records.iter().filter_map(|record| record["rtp"]["lost"].as_u64()).sum();
    assert_eq!(lost, 0);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:?}");
}
