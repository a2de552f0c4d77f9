//! Octets as `docs/CARD-PROTOCOL.md` promises them, made by an encoder of another kind (Python, bit
//! by bit).

use tipring_bridge_proto::descriptor::padded;
use tipring_bridge_proto::*;

const SESSION: u32 = 0x5EED_1234;

#[test]
fn host_messages_are_these_octets() {
    let us = Cadence::new(&[(2000, 4000)], 0).expect("one pair");
    for (message, octets) in [
        (
            HostMessage::Hello(Hello { major: 1, minor: 0, session: SESSION, watchdog_ms: 2000 }),
            "00 02 01 06 54 50 52 47 01 0b 34 12 ed 5e d0 07 36 95 8e 0f 00",
        ),
        (HostMessage::Start, "00 02 02 05 3c 47 24 d6 00"),
        (HostMessage::Stop, "00 02 03 05 4b df 86 c5 00"),
        (
            command(0, 1, LineCommand::Linefeed(Linefeed::Forward)),
            "00 02 04 0c 34 12 ed 5e 01 01 01 cb 40 69 11 00",
        ),
        (
            command(1, 1, LineCommand::FlashWindow { min_ms: 90, max_ms: 800 }),
            "00 0a 04 01 34 12 ed 5e 01 06 5a 07 20 03 9b c9 42 9d 00",
        ),
        (
            command(2, 2, LineCommand::Ring(Ring { cadence: us, frequency_dhz: 200 })),
            "00 0a 04 02 34 12 ed 5e 02 02 c8 02 01 09 d0 07 a0 0f 96 35 3e d3 00",
        ),
        (command(3, 2, LineCommand::StopRing), "00 0d 04 03 34 12 ed 5e 02 03 95 66 0f 09 00"),
        (
            command(4, 2, LineCommand::OpenLoop { ms: 800 }),
            "00 0f 04 04 34 12 ed 5e 02 04 20 03 01 42 63 f0 00",
        ),
        (
            command(5, 2, LineCommand::Polarity { reversed: true }),
            "00 0e 04 05 34 12 ed 5e 02 05 01 2e 1e ec dd 00",
        ),
        (
            command(6, 2, LineCommand::Gain { tx_db10: -35, rx_db10: 35 }),
            "00 0c 04 06 34 12 ed 5e 02 07 dd ff 23 05 89 30 9c 86 00",
        ),
        (
            command(255, 2, LineCommand::Impedance(Impedance::Ctr21)),
            "00 0e 04 ff 34 12 ed 5e 02 08 04 ce ff 15 5f 00",
        ),
        (HostMessage::Ack { session: SESSION, next: 3 }, "00 0b 05 03 34 12 ed 5e ca ab 4c 7e 00"),
        (HostMessage::Ping { token: 0x0102_0304 }, "00 02 06 09 04 03 02 01 53 a9 71 7a 00"),
        (HostMessage::StatsRequest, "00 02 07 05 97 be 0c 8b 00"),
        (HostMessage::Reset, "00 02 08 05 6a b4 75 6c 00"),
    ] {
        let mut out = [0; MAX_FRAME];
        let len = message.encode(&mut out).expect("fits");
        assert_eq!(hex(&out[..len]), octets, "{message:?}");
        assert_eq!(HostMessage::decode(&frame(&unhex(octets), &mut Decoder::new())), Ok(message));
    }
}

#[test]
fn card_messages_are_these_octets() {
    for (message, octets) in [
        (
            event(0, 1, LineEvent::Hook { off: true }),
            "00 02 84 07 34 12 ed 5e 40 1f 01 08 01 01 01 25 15 9b b1 00",
        ),
        (
            event(1, 1, LineEvent::Flash { ms: 300 }),
            "00 09 84 01 34 12 ed 5e 40 1f 01 09 01 02 2c 01 82 f0 a0 d0 00",
        ),
        (
            event(2, 1, LineEvent::PulseDigit { digit: 7, pps_x10: 100, break_percent: 61 }),
            "00 09 84 02 34 12 ed 5e 40 1f 01 05 01 03 07 64 06 3d 20 dc 3d 9f 00",
        ),
        (
            event(3, 2, LineEvent::Ringing { on: true }),
            "00 09 84 03 34 12 ed 5e 40 1f 01 08 02 04 01 ad 50 0f 55 00",
        ),
        (
            event(4, 2, LineEvent::RingTrip),
            "00 09 84 04 34 12 ed 5e 40 1f 01 07 02 05 81 63 8c 73 00",
        ),
        (
            event(5, 2, LineEvent::LoopCurrent { ma_x10: -214 }),
            "00 09 84 05 34 12 ed 5e 40 1f 01 09 02 06 2a ff 55 bd cd d9 00",
        ),
        (
            event(6, 2, LineEvent::PowerAlarm { transistors: 0x21 }),
            "00 09 84 06 34 12 ed 5e 40 1f 01 08 02 07 21 1a f2 e3 b5 00",
        ),
        (
            event(7, 2, LineEvent::Fault { code: 2 }),
            "00 09 84 07 34 12 ed 5e 40 1f 01 08 02 08 02 fd 51 06 50 00",
        ),
        (
            event(8, 2, LineEvent::Unsupported { opcode: 0x21 }),
            "00 09 84 08 34 12 ed 5e 40 1f 01 08 02 09 21 41 4f 7e 68 00",
        ),
        (CardMessage::Ack { session: SESSION, next: 1 }, "00 0b 85 01 34 12 ed 5e 44 c3 66 12 00"),
        (
            CardMessage::Pong { token: 0x0102_0304, clock: 8000 },
            "00 02 86 07 04 03 02 01 40 1f 01 05 e8 2f cf c4 00",
        ),
        (CardMessage::Fault(Fault::NoSession), "00 02 8f 02 01 01 05 c2 34 80 e3 00"),
        (
            CardMessage::Fault(Fault::Version { major: 2, minor: 1 }),
            "00 02 8f 08 02 02 01 5c 47 80 dc 00",
        ),
        (
            CardMessage::Fault(Fault::Temperature { celsius: -40 }),
            "00 02 8f 08 06 d8 ff 3e 0d 08 9c 00",
        ),
        (
            CardMessage::Stats(stats()),
            "00 02 87 02 01 01 01 02 02 01 01 02 03 01 01 02 04 01 01 02 05 01 01 02 06 01 \
 01 02 07 01 01 02 08 01 01 02 09 01 01 02 0a 01 01 02 0b 01 01 02 0c 01 01 05 \
 fa ad 8e 3e 00",
        ),
        (
            CardMessage::HelloAck(two_phones()),
            "00 02 81 02 01 0b 34 12 ed 5e 01 1d 07 b0 40 06 01 08 54 52 2d 30 30 30 37 01 \
 01 01 01 01 01 01 01 11 74 69 70 72 69 6e 67 2d 66 77 20 30 2e 31 2e 30 01 01 \
 01 01 01 01 01 05 02 02 08 01 01 03 01 1f 01 01 02 01 04 01 01 1f 01 01 05 95 \
 1a 82 33 00",
        ),
    ] {
        let mut out = [0; MAX_FRAME];
        let len = message.encode(&mut out).expect("fits");
        assert_eq!(hex(&out[..len]), octets, "{message:?}");
        assert_eq!(CardMessage::decode(&frame(&unhex(octets), &mut Decoder::new())), Ok(message));
    }
}

#[test]
fn an_audio_block_is_these_octets() {
    let mut block = PcmBlock::filled(0x2000, 2, Law::Mu.silence());
    (block.fill, block.underruns, block.missing) = (80, 3, 99);
    *block.channel_mut(0) = core::array::from_fn(|sample| sample as u8 + 1);
    let mut out = [0; MAX_FRAME];
    let len = CardMessage::Pcm { seq: 7, pcm: block.as_pcm() }.encode(&mut out).expect("fits");
    let octets = "00 03 90 07 02 20 01 03 02 50 02 03 01 01 55 01 02 03 04 05 06 07 08 09 0a 0b \
 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 \
 26 27 28 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff \
 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 50 de 83 c5 00";
    assert_eq!(hex(&out[..len]), octets);

    let mut decoder = Decoder::new();
    let octets = unhex(octets);
    let Ok(CardMessage::Pcm { seq: 7, pcm }) = CardMessage::decode(&frame(&octets, &mut decoder))
    else {
        panic!("not a PCM message");
    };
    let mut back = PcmBlock::filled(0, 0, Law::Mu.silence());
    pcm.copy_to(&mut back);
    assert_eq!(back, PcmBlock { missing: 0, ..block });
}

#[test]
fn the_longest_frame_fills_max_frame_exactly() {
    let block = PcmBlock::filled(0x2000, 128, 0xFF);
    let mut out = [0; MAX_FRAME];
    let message = HostMessage::Pcm { seq: 9, pcm: block.as_pcm() };
    assert_eq!(message.encode(&mut out), Some(MAX_FRAME));
    assert_eq!(crc32c(&out), 2_940_056_521, "CRC-32C of the whole frame by the other encoder");
    assert_eq!(message.encode(&mut out[..MAX_FRAME - 1]), None);
}

#[test]
fn what_a_later_version_adds_is_skipped_not_fatal() {
    let later = whole(0x33, 0, b"new");
    let mut decoder = Decoder::new();
    assert_eq!(
        CardMessage::decode(&frame(&later, &mut decoder)),
        Err(DecodeError::UnknownType(0x33))
    );
    // An event with a code of a later version still has a sequence number to acknowledge.
    let event = whole(0x84, 5, &[0x34, 0x12, 0xED, 0x5E, 0, 0, 0, 0, 1, 0x7F, 1, 2]);
    let event = CardMessage::decode(&frame(&event, &mut decoder));
    let Ok(CardMessage::Event { seq: 5, event: LineEvent::Unknown(0x7F), .. }) = event else {
        panic!("{event:?}");
    };
    // A known command that grew at its end is read as far as it is known.
    let grown = whole(0x04, 5, &[0x34, 0x12, 0xED, 0x5E, 1, 0x05, 1, 9, 9]);
    assert_eq!(
        HostMessage::decode(&frame(&grown, &mut decoder)),
        Ok(command(5, 1, LineCommand::Polarity { reversed: true }))
    );
    // So has a known command that is cut, or has a value of a later version.
    let cut = whole(0x04, 5, &[0x34, 0x12, 0xED, 0x5E, 1, 0x02, 200, 0, 1]);
    assert_eq!(
        HostMessage::decode(&frame(&cut, &mut decoder)),
        Ok(command(5, 1, LineCommand::Unknown(0x02)))
    );
    let value = whole(0x04, 6, &[0x34, 0x12, 0xED, 0x5E, 1, 0x08, 99]);
    assert_eq!(
        HostMessage::decode(&frame(&value, &mut decoder)),
        Ok(command(6, 1, LineCommand::Unknown(0x08)))
    );
}

#[test]
fn impossible_payloads_are_refused() {
    let mut decoder = Decoder::new();
    for (kind, payload) in [
        (0x01, &b"TPRX\x01\x00\x34\x12\xED\x5E\xD0\x07"[..]),
        (0x01, b"TPRG\x01"),
        (0x04, &[1, 2, 3, 4, 1]),
        (0x10, &[0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1]),
        (0x10, &[0, 0, 0, 0, 129, 0, 0, 0, 0, 0, 0]),
    ] {
        let octets = whole(kind, 0, payload);
        let message = HostMessage::decode(&frame(&octets, &mut decoder));
        assert_eq!(message, Err(DecodeError::Malformed(kind)), "{payload:?}");
    }
    let mut descriptor = two_phones();
    descriptor.ports[1].first_channel = 2;
    let mut out = [0; MAX_FRAME];
    let len = CardMessage::HelloAck(descriptor).encode(&mut out).expect("fits");
    let refused = CardMessage::decode(&frame(&out[..len], &mut decoder));
    assert_eq!(refused, Err(DecodeError::Malformed(0x81)), "a channel outside of the PCM blocks");
}

fn command(seq: u8, port: u8, command: LineCommand) -> HostMessage<'static> {
    HostMessage::Command { session: SESSION, seq, port, command }
}

fn event(seq: u8, port: u8, event: LineEvent) -> CardMessage<'static> {
    CardMessage::Event { session: SESSION, seq, clock: 8000, port, event }
}

fn stats() -> Stats {
    Stats {
        uptime_ms: 1,
        rx_frames: 2,
        crc_errors: 3,
        framing_errors: 4,
        unknown: 5,
        rx_overruns: 6,
        tx_dropped: 7,
        underruns: 8,
        overruns: 9,
        retransmissions: 10,
        events_dropped: 11,
        max_loop_us: 12,
    }
}

fn two_phones() -> Descriptor {
    let phone = |first_channel| Port {
        kind: PortKind::Fxs,
        law: Law::Mu,
        first_channel,
        channels: 1,
        abilities: Abilities(0x1F),
    };
    let mut ports = [Port::NONE; MAX_PORTS];
    (ports[0], ports[1]) = (phone(0), phone(1));
    Descriptor {
        major: 1,
        minor: 0,
        session: SESSION,
        boot: 0xB007_1D01,
        began: 1600,
        serial: padded("TR-0007"),
        build: padded("tipring-fw 0.1.0"),
        channels: 2,
        port_count: 2,
        ports,
    }
}

fn whole(kind: u8, seq: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; MAX_FRAME];
    let len = frame::encode(kind, seq, payload, &mut out).expect("fits");
    out.truncate(len);
    out
}

/// The one frame in `octets`.
fn frame<'a>(octets: &[u8], decoder: &'a mut Decoder) -> Frame<'a> {
    let (last, first) = octets.split_last().expect("not empty");
    for octet in first {
        assert_eq!(decoder.push(*octet), None);
    }
    decoder.push(*last).expect("the last delimiter completes the frame")
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

fn unhex(text: &str) -> Vec<u8> {
    text.split(' ').map(|octet| u8::from_str_radix(octet, 16).expect("hex")).collect()
}
