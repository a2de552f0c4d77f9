use super::*;

const CLOSED: Sense = Sense { loop_ma: 20.0, volts: 10.0, ringing_ma: 0.0 };
const OPEN: Sense = Sense { loop_ma: 0.0, volts: 48.0, ringing_ma: 0.0 };

fn write_indirect(chip: &mut Si3210, address: u8, value: u16) {
    let [low, high] = value.to_le_bytes();
    chip.write(reg::INDIRECT_DATA_LO, low);
    chip.write(reg::INDIRECT_DATA_HI, high);
    chip.write(reg::INDIRECT_ADDRESS, address);
    assert_eq!(chip.read(reg::INDIRECT_STATUS), INDIRECT_BUSY);
    chip.step(&OPEN);
    assert_eq!(chip.read(reg::INDIRECT_STATUS), 0);
}

/// A chip with its converter up, thresholds set, calibrated, forward active.
fn powered() -> Si3210 {
    let mut chip = Si3210::new();
    write_indirect(&mut chip, indirect::LOOP_CLOSURE_THRESHOLD, 0x1000);
    write_indirect(&mut chip, indirect::RING_TRIP_THRESHOLD, 0x3600);
    write_indirect(&mut chip, indirect::LOOP_CLOSURE_FILTER, 0x8000);
    write_indirect(&mut chip, indirect::RING_TRIP_FILTER, 0x0320);
    write_indirect(&mut chip, indirect::RING_COEFFICIENT, 0x7EFD);
    write_indirect(&mut chip, indirect::RING_X, 0x0177);
    chip.write(reg::POWER_DOWN_1, 0);
    for _ in 0..30 {
        chip.step(&OPEN);
    }
    chip.write(reg::LINEFEED, Linefeed::ForwardActive.code());
    chip.step(&OPEN);
    chip
}

fn steps_until(chip: &mut Si3210, sense: Sense, done: impl Fn(&Si3210) -> bool) -> u32 {
    (1..=1000)
        .find(|_| {
            chip.step(&sense);
            done(chip)
        })
        .expect("within 1.25 s")
}

#[test]
fn spi_reads_and_writes_a_register_in_two_bytes() {
    let mut chip = Si3210::new();
    chip.select();
    chip.transfer(reg::CURRENT_LIMIT);
    chip.transfer(0x03);
    chip.select();
    chip.transfer(SPI_READ | reg::CURRENT_LIMIT);
    assert_eq!(chip.transfer(0), 0x03);
    // A select in the middle starts over: the stray byte below is an access byte, not data.
    chip.transfer(reg::CURRENT_LIMIT);
    chip.select();
    chip.transfer(SPI_READ);
    assert_eq!(chip.transfer(0), 0x05);
    assert_eq!(chip.read(reg::CURRENT_LIMIT), 0x03);
}

#[test]
fn reset_values_are_the_data_sheets() {
    let chip = Si3210::new();
    for (register, value) in [(8, 0x02), (11, 0x33), (14, 0x10), (64, 0), (68, 0), (72, 0x20)] {
        assert_eq!(chip.read(register), value, "R{register}");
    }
}

#[test]
fn indirect_registers_read_back_what_was_written() {
    let mut chip = Si3210::new();
    write_indirect(&mut chip, 21, 0x1234);
    write_indirect(&mut chip, 22, 0xBEEF);
    chip.write(reg::INDIRECT_ADDRESS, 21);
    chip.step(&OPEN);
    assert_eq!((chip.read(reg::INDIRECT_DATA_LO), chip.read(reg::INDIRECT_DATA_HI)), (0x34, 0x12));
    assert_eq!(chip.read(reg::INTERRUPT_STATUS_3), INDIRECT_DONE);
    chip.write(reg::INTERRUPT_STATUS_3, 0xFF);
    assert_eq!(chip.read(reg::INTERRUPT_STATUS_3), 0);
    write_indirect(&mut chip, 200, 1);
    assert_eq!(chip.indirect(200), None);
}

#[test]
fn the_converter_comes_up_and_goes_down() {
    let mut chip = Si3210::new();
    chip.write(reg::LINEFEED, 1);
    chip.step(&OPEN);
    assert_eq!(chip.linefeed(), Linefeed::Open, "no battery, no feed");
    chip.write(reg::POWER_DOWN_1, 0);
    let steps = steps_until(&mut chip, OPEN, |c| c.read(reg::BATTERY_SENSE_1) >= BATTERY_UP);
    assert!((10..=80).contains(&steps), "{steps}");
    assert_eq!(chip.read(reg::BATTERY_SENSE_1).abs_diff(0xC7), 0, "75 V");
    chip.write(reg::POWER_DOWN_1, DCDC_OFF);
    steps_until(&mut chip, OPEN, |c| c.read(reg::BATTERY_SENSE_1) < 6);
}

#[test]
fn calibration_is_busy_for_a_while() {
    let mut chip = Si3210::new();
    chip.write(reg::CALIBRATION_2, 0x1F);
    chip.write(reg::CALIBRATION_1, 0x5F);
    chip.step(&OPEN);
    assert_eq!(chip.read(reg::CALIBRATION_1), 0x5F);
    let steps = steps_until(&mut chip, OPEN, |c| c.read(reg::CALIBRATION_1) == 0);
    assert!(steps * 5 / 4 <= 600, "at most 600 ms");
    chip.write(reg::DCDC_CONTROL, 0x99);
    steps_until(&mut chip, OPEN, |c| c.read(reg::DCDC_CONTROL) == 0x19);
    assert!((0x02..=0x0D).contains(&chip.read(reg::DC_PEAK)));
}

#[test]
fn off_hook_shows_after_the_debounce_and_raises_its_interrupt() {
    let mut chip = powered();
    chip.write(reg::INTERRUPT_STATUS_2, 0xFF);
    chip.write(reg::INTERRUPT_ENABLE_2, status2::LOOP_CLOSURE);
    chip.write(reg::LOOP_CLOSURE_DEBOUNCE, 8);
    chip.step(&CLOSED);
    assert_eq!(chip.read(reg::DETECT), detect::LOOP_CLOSED_RAW);
    let steps = steps_until(&mut chip, CLOSED, |c| c.read(reg::DETECT) & 1 != 0);
    assert_eq!(steps, 7);
    assert!(chip.interrupt());
    assert_eq!(chip.read(reg::LOOP_CURRENT), 16, "20 mA in 1.25 mA");
    chip.write(reg::INTERRUPT_STATUS_2, status2::LOOP_CLOSURE);
    assert!(!chip.interrupt());
    assert_eq!(steps_until(&mut chip, OPEN, |c| c.read(reg::DETECT) & 1 == 0), 8);
}

#[test]
fn ringing_trips_on_loop_current_and_becomes_active_by_itself() {
    let mut chip = powered();
    chip.write(reg::AUTOMATIC, 0x07);
    chip.write(reg::RING_TRIP_DEBOUNCE, 0x0B);
    chip.write(reg::LINEFEED, Linefeed::Ringing.code());
    let ringer = Sense { ringing_ma: 6.0, ..OPEN };
    for _ in 0..100 {
        chip.step(&ringer);
    }
    assert_eq!(chip.read(reg::LINEFEED), 0x44);
    let control = chip.read(reg::RING_OSCILLATOR);
    assert_eq!(control & (ring::ACTIVE | ring::ON_LINE | ring::ENABLED), 0xA4);
    let rms = chip.feed().ringing_volts;
    assert!((rms - 47.7).abs() < 0.5, "{rms}: 70 V peak cannot rise above battery less 7.5 V");
    let steps = steps_until(&mut chip, Sense { ringing_ma: 63.0, ..OPEN }, |c| {
        c.read(reg::DETECT) & detect::RING_TRIP != 0
    });
    assert!(steps * 5 / 4 <= 100, "{steps} steps");
    assert_eq!(chip.read(reg::LINEFEED) & 7, Linefeed::ForwardActive.code());
    chip.step(&CLOSED);
    assert_eq!(chip.read(reg::LINEFEED), 0x11);
    assert_eq!(chip.read(reg::INTERRUPT_STATUS_2) & status2::RING_TRIP, status2::RING_TRIP);
}

#[test]
fn the_chips_own_cadence_shows_on_hook_transmission_in_the_silence() {
    let mut chip = powered();
    for (low, steps) in [(reg::RING_ACTIVE_LO, 400u16), (reg::RING_INACTIVE_LO, 800)] {
        let [lo, hi] = steps.to_le_bytes();
        chip.write(low, lo);
        chip.write(low + 1, hi);
    }
    chip.write(reg::RING_OSCILLATOR, ring::ACTIVE_TIMER | ring::INACTIVE_TIMER);
    chip.write(reg::LINEFEED, Linefeed::Ringing.code());
    chip.step(&OPEN);
    let mut states = Vec::new();
    for _ in 0..240 {
        states.push(chip.read(reg::LINEFEED));
        chip.step(&OPEN);
    }
    let on = states.iter().filter(|s| **s == 0x44).count();
    let silent = states.iter().filter(|s| **s == 0x24).count();
    assert_eq!((on, silent), (80, 160), "50 ms on and 100 ms off, twice");
    assert_eq!(chip.read(reg::INTERRUPT_STATUS_1), status1::RING_ACTIVE | status1::RING_INACTIVE);
}

#[test]
fn an_overload_opens_the_line() {
    let mut chip = powered();
    chip.write(reg::INTERRUPT_STATUS_2, 0xFF);
    chip.overload();
    assert_eq!(chip.read(reg::LINEFEED), 0x00);
    assert_eq!(chip.read(reg::INTERRUPT_STATUS_2) & status2::POWER_ALARMS, 0x04);
}

#[test]
fn speech_passes_only_where_the_linefeed_lets_it() {
    let mut chip = powered();
    assert_eq!(chip.audio_path(true).law, None, "PCM is off after reset");
    chip.write(reg::PCM_MODE, 0x28);
    chip.write(reg::LOOPBACK, 0);
    assert_eq!(chip.audio_path(true).law, Some(Law::Mu));
    assert!(chip.audio_path(true).receive && !chip.audio_path(false).receive);
    chip.write(reg::LINEFEED, Linefeed::ForwardOnHookTransmission.code());
    chip.step(&OPEN);
    assert!(chip.audio_path(false).receive);
    chip.write(reg::PCM_MODE, 0x20);
    assert_eq!(chip.audio_path(false).law, Some(Law::A));
}

proptest::proptest! {
    #[test]
    fn nothing_written_over_spi_breaks_the_chip(
        bytes in proptest::collection::vec(proptest::prelude::any::<(u8, u8, bool)>(), 0..300),
    ) {
        let mut chip = powered();
        for (register, value, closed) in bytes {
            chip.select();
            chip.transfer(register);
            chip.transfer(value);
            chip.step(if closed { &CLOSED } else { &OPEN });
            let feed = chip.feed();
            proptest::prop_assert!(feed.volts.abs() <= 95.0 && feed.ringing_volts.is_finite());
            proptest::prop_assert_eq!(chip.read(reg::DETECT) & detect::ALWAYS_ZERO, 0);
        }
    }
}
