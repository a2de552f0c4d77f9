//! Any message, for property tests.

use proptest::prelude::*;
use tipring_bridge_proto::*;

pub const SESSION: u32 = 0x5EED_1234;

pub fn line_command() -> impl Strategy<Value = LineCommand> {
    let feed = (0u8..8).prop_filter_map("a feed", Linefeed::from_wire);
    let impedance = (0u8..8).prop_filter_map("an impedance", Impedance::from_wire);
    prop_oneof![
        feed.prop_map(LineCommand::Linefeed),
        (cadence(), any::<u16>()).prop_map(|(cadence, frequency_dhz)| {
            LineCommand::Ring(Ring { cadence, frequency_dhz })
        }),
        Just(LineCommand::StopRing),
        any::<u16>().prop_map(|ms| LineCommand::OpenLoop { ms }),
        any::<bool>().prop_map(|reversed| LineCommand::Polarity { reversed }),
        any::<(u16, u16)>()
            .prop_map(|(min_ms, max_ms)| LineCommand::FlashWindow { min_ms, max_ms }),
        any::<(i16, i16)>().prop_map(|(tx_db10, rx_db10)| LineCommand::Gain { tx_db10, rx_db10 }),
        impedance.prop_map(LineCommand::Impedance),
        (9u8..).prop_map(LineCommand::Unknown),
    ]
}

pub fn line_event() -> impl Strategy<Value = LineEvent> {
    prop_oneof![
        any::<bool>().prop_map(|off| LineEvent::Hook { off }),
        any::<u16>().prop_map(|ms| LineEvent::Flash { ms }),
        (0u8..10, any::<(u16, u8)>()).prop_map(|(digit, (pps_x10, break_percent))| {
            LineEvent::PulseDigit { digit, pps_x10, break_percent }
        }),
        any::<bool>().prop_map(|on| LineEvent::Ringing { on }),
        Just(LineEvent::RingTrip),
        any::<i16>().prop_map(|ma_x10| LineEvent::LoopCurrent { ma_x10 }),
        any::<u8>().prop_map(|transistors| LineEvent::PowerAlarm { transistors }),
        any::<u8>().prop_map(|code| LineEvent::Fault { code }),
        any::<u8>().prop_map(|opcode| LineEvent::Unsupported { opcode }),
        (10u8..).prop_map(LineEvent::Unknown),
    ]
}

fn cadence() -> impl Strategy<Value = Cadence> {
    (proptest::collection::vec(any::<(u16, u16)>(), 1..=8), 0u8..=8)
        .prop_filter_map("repeats within", |(pairs, from)| Cadence::new(&pairs, from))
}
