//! What a bad path does, and what is told about it.

use tipring_core::Duration;
use tipring_dsp::g711::Law;
use tipring_media::control::{Command, Direction, Event, RtpFormat, RtpStats};
use tipring_rtp::rtcp::{Compound, Part};

use crate::rig::{Network, Pair, STREAM, block};

fn speak(pair: &mut Pair, seconds: u32) {
    pair.a.speaks.extend((0..seconds * 200).map(block));
    pair.b.speaks.extend((0..seconds * 200).map(block));
}

fn removed(events: &[Event]) -> RtpStats {
    let stats = events.iter().find_map(|e| match e {
        Event::Removed { termination: STREAM, stats } => *stats,
        _ => None,
    });
    stats.expect("removing a stream tells its statistics")
}

/// A call of half a minute over `network`; what side A counted.
fn call(seed: u64, network: Network) -> RtpStats {
    let mut pair = Pair::talking(seed);
    pair.network = network;
    speak(&mut pair, 30);
    pair.run(30_000);
    pair.a.send(Command::Remove { termination: STREAM });
    pair.run(5);
    removed(&pair.a.events)
}

#[test]
fn a_clean_call_counts_no_damage() {
    let stats = call(1, Network { delay_ms: 30, ..Network::default() });
    assert_eq!((stats.sent, stats.lost, stats.late), (1_500, 0, 0));
    assert!((1_497..=1_500).contains(&stats.received), "{stats:?}");
    assert_eq!((stats.concealed_ms, stats.remote_lost), (0, Some(0)));
    assert!(stats.jitter_ms < 0.5 && stats.mos > 4.2, "{stats:?}");
    let rtt = stats.round_trip_ms.expect("reports went both ways");
    assert!((60.0..=75.0).contains(&rtt), "{rtt}");
}

#[test]
fn a_call_that_begins_while_the_card_hangs_has_the_delay_of_any_other() {
    for hangs_ms in [0, 5, 10, 15, 20, 25, 30, 60, 100] {
        let mut pair = Pair::new(7);
        pair.run(1_000);
        pair.b_hangs = true;
        let format = RtpFormat::g711(Law::Mu, None);
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        pair.run(hangs_ms);
        pair.b_hangs = false;
        speak(&mut pair, 10);
        pair.run(5_000);
        pair.b.send(Command::Remove { termination: STREAM });
        pair.run(5);
        let stats = removed(&pair.b.events);
        assert!((40.0..=46.0).contains(&stats.buffer_ms), "{hangs_ms} ms: {stats:?}");
        assert_eq!((stats.late, stats.concealed_ms), (0, 0), "{hangs_ms} ms: {stats:?}");
    }
}

#[test]
fn a_call_that_begins_after_time_was_lost_has_the_delay_of_any_other() {
    for lost_ms in [5, 25, 100, 150, 190, 500] {
        let mut pair = Pair::new(8);
        pair.run(1_000);
        pair.now += Duration::from_millis(lost_ms);
        pair.run(800);
        let format = RtpFormat::g711(Law::Mu, None);
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        speak(&mut pair, 10);
        pair.run(5_000);
        pair.b.send(Command::Remove { termination: STREAM });
        pair.run(5);
        let stats = removed(&pair.b.events);
        // Rounded up to a tick, and measured in bins of another.
        assert!((40.0..=51.0).contains(&stats.buffer_ms), "{lost_ms} ms: {stats:?}");
        assert_eq!((stats.late, stats.concealed_ms), (0, 0), "{lost_ms} ms: {stats:?}");
    }
}

#[test]
fn losses_are_concealed_counted_and_lower_the_score() {
    let stats = call(2, Network { loss: 0.05, ..Network::default() });
    assert!((40..=110).contains(&stats.lost), "{stats:?}");
    let concealed = u64::from(stats.concealed_ms);
    assert!(concealed.abs_diff(stats.lost * 20) <= 60, "{stats:?}");
    assert!((2.5..4.2).contains(&stats.mos), "{stats:?}");
    assert!(stats.remote_lost.is_some_and(|lost| lost > 20), "{stats:?}");
}

#[test]
fn jitter_and_reordering_cost_delay_instead_of_packets() {
    let stats = call(3, Network { delay_ms: 20, jitter_ms: 60, twins: 0.02, ..Network::default() });
    assert_eq!(stats.lost, 0);
    assert!(stats.late <= 15, "{stats:?}");
    assert!((50.0..=90.0).contains(&stats.buffer_ms), "{stats:?}");
    assert!(stats.duplicates >= 10 && stats.jitter_ms > 5.0, "{stats:?}");
}

#[test]
fn everything_at_once_never_stops_the_call() {
    for seed in 10..14 {
        let network = Network { loss: 0.2, twins: 0.2, delay_ms: 100, jitter_ms: 150 };
        let mut pair = Pair::talking(seed);
        pair.network = network;
        speak(&mut pair, 20);
        pair.run(20_000);
        pair.network = Network::default();
        pair.a.speaks = (0..2_000).map(block).collect();
        let begun = pair.b.hears.len();
        pair.run(5_000);
        // On a good path again, what is said is heard.
        let tail = &pair.b.hears[pair.b.hears.len() - 4_000..];
        let said: Vec<u8> = (0..2_000).flat_map(block).collect();
        assert!(said.windows(4_000).step_by(40).any(|w| w == tail), "seed {seed}, {begun}");
    }
}

#[test]
fn silence_of_the_peer_is_told_once_and_so_is_its_end() {
    let silent = |e: &Event| matches!(e, Event::RtpSilent { termination: STREAM, .. });
    let resumed = |e: &Event| matches!(e, Event::RtpResumed { .. });
    let mut pair = Pair::talking(4);
    pair.run(5_000);
    assert_eq!(pair.a.count(silent), 0);
    pair.network.loss = 1.0;
    pair.run(1_900);
    assert_eq!(pair.a.count(silent), 0);
    pair.run(20_000);
    assert_eq!((pair.a.count(silent), pair.a.count(resumed)), (1, 0));
    pair.network.loss = 0.0;
    pair.run(1_000);
    assert_eq!((pair.a.count(silent), pair.a.count(resumed)), (1, 1));
    // On hold nobody listens, so nothing is missed.
    pair.network.loss = 1.0;
    let direction = Direction::SEND_ONLY;
    pair.a.send(Command::SetDirection { termination: STREAM, direction });
    pair.run(10_000);
    assert_eq!(pair.a.count(silent), 1);
}

#[test]
fn a_stream_that_never_begins_is_told_too() {
    let mut pair = Pair::talking(5);
    pair.network.loss = 1.0;
    pair.run(2_100);
    let first = pair.a.events.iter().find_map(|e| match e {
        Event::RtpSilent { ms, .. } => Some(*ms),
        _ => None,
    });
    assert_eq!(first, Some(2_000));
}

#[test]
fn reports_go_out_every_five_seconds_and_a_farewell_at_the_end() {
    let mut pair = Pair::talking(6);
    pair.run(60_000);
    pair.a.send(Command::Remove { termination: STREAM });
    pair.run(5);
    let reports: Vec<_> = pair.a.sent.iter().filter(|(rtcp, _)| *rtcp).collect();
    assert!((9..=20).contains(&reports.len()), "{}", reports.len());
    let (_, last) = reports.last().expect("some were sent");
    let parts: Vec<_> = Compound::parse(last).expect("well formed").collect();
    assert!(matches!(parts[0], Part::Report { ssrc: 0xA, sender: Some(_), .. }), "{parts:?}");
    let cname = Some(&b"phone@tipring.test"[..]);
    assert_eq!(parts[1..], [Part::Description { ssrc: 0xA, cname }, Part::Bye(Some(0xA))]);
}

#[test]
fn garbage_on_the_port_disturbs_nothing() {
    let mut pair = Pair::talking(7);
    speak(&mut pair, 5);
    let mut rng = tipring_core::Rng::new(7);
    for _ in 0..1_000 {
        let len = rng.below(200) as usize;
        let mut octets: Vec<u8> = (0..len).map(|_| rng.next_u32() as u8).collect();
        if let Some(first) = octets.first_mut().filter(|_| len.is_multiple_of(2)) {
            *first = 0x80;
        }
        let now = pair.now;
        pair.b.handle.rtp.push(STREAM, now, len.is_multiple_of(3), &octets);
        pair.run(5);
    }
    let tail = &pair.b.hears[pair.b.hears.len() - 4_000..];
    let said: Vec<u8> = (0..1_000).flat_map(block).collect();
    assert!(said.windows(4_000).step_by(40).any(|w| w == tail));
}
