//! Datagrams on an RTP port: any octets are a packet, a report or an error, and no row of them upsets what counts them.
//!
//! The input is a row of datagrams, each after an octet of its length and one of the milliseconds before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_core::{Duration, Instant};
use tipring_fuzz::in_time;
use tipring_rtp::event::{EventChange, EventReceiver};
use tipring_rtp::packet::is_rtcp;
use tipring_rtp::reception::round_trip;
use tipring_rtp::rtcp::{Compound, Ntp, Part};
use tipring_rtp::{Learning, Packet, Reception, SourceLock};

fuzz_target!(|data: &[u8]| in_time(|| look(data)));

fn look(data: &[u8]) {
    let mut now = Instant::from_millis(1);
    let addresses = ["192.0.2.1:4000", "192.0.2.1:4002", "203.0.113.9:4000"]
        .map(|text| text.parse().expect("constants"));
    let mut lock = SourceLock::new(now, addresses[0], Learning::AnyHost);
    let mut reception: Option<Reception> = None;
    let mut events = EventReceiver::default();
    let mut held = 0i32;
    let mut rest = data;
    while let [len, pause, datagrams @ ..] = rest {
        let (datagram, next) = datagrams.split_at(usize::from(*len).min(datagrams.len()));
        rest = next;
        now += Duration::from_millis(u64::from(*pause));
        events.handle_timeout(now);
        if is_rtcp(datagram) {
            report(now, datagram, reception.as_mut());
        } else if let Ok(packet) = Packet::parse(datagram) {
            write_again(&packet);
            lock.handle_packet(now, addresses[usize::from(*pause) % 3], &packet.header);
            let counts = reception.get_or_insert_with(|| Reception::new(&packet.header));
            counts.handle_packet(now, &packet.header, pause % 2 == 0);
            assert!(counts.received() <= counts.expected() + 1_000_000);
            events.handle_packet(now, &packet.header, packet.payload);
        }
        while let Some(change) = events.poll_output() {
            held += if matches!(change, EventChange::Began { .. }) { 1 } else { -1 };
            assert!((0..=1).contains(&held), "one key at a time, each let go once");
        }
    }
}

fn write_again(packet: &Packet<'_>) {
    let mut octets = [0; 512];
    let len = packet.header.write(packet.payload, &mut octets).expect("a datagram of 255 octets");
    let again = Packet::parse(&octets[..len]).expect("own packets are well formed");
    assert_eq!((again.header, again.payload), (packet.header, packet.payload));
}

fn report(now: Instant, datagram: &[u8], mut reception: Option<&mut Reception>) {
    let Ok(parts) = Compound::parse(datagram) else { return };
    for part in parts {
        let Part::Report { sender, blocks, .. } = part else { continue };
        if let Some((info, counts)) = sender.zip(reception.as_deref_mut()) {
            counts.handle_sender_report(now, info.ntp);
            counts.report_block(now);
        }
        for block in blocks {
            let rtt = round_trip(Ntp::ORIGIN.after(now), &block);
            assert!(rtt.is_none_or(|rtt| rtt < Duration::from_secs(30)));
        }
    }
}
