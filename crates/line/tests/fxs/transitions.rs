//! Every state with every input: the state after it, and what was asked for.

use std::fmt::Write;

use tipring_core::{Cause, Duration, Instant};
use tipring_line::{
    CallRequest, Caller, CardInput, Country, Digit, FxsConfig, FxsPort, MediaInput, Output, Verdict,
};

type Step = (&'static str, fn(&mut FxsPort, Instant));

const INPUTS: &[Step] = &[
    ("in service", |p, t| p.handle_card(t, CardInput::InService)),
    ("out of service", |p, t| p.handle_card(t, CardInput::OutOfService)),
    ("put down", |p, t| p.handle_card(t, CardInput::Hook { off: false })),
    ("lifted", |p, t| p.handle_card(t, CardInput::Hook { off: true })),
    ("ring trip", |p, t| p.handle_card(t, CardInput::RingTrip)),
    ("flash", |p, t| p.handle_card(t, CardInput::Flash)),
    ("ring burst on", |p, t| p.handle_card(t, CardInput::Ringing { on: true })),
    ("ring burst off", |p, t| p.handle_card(t, CardInput::Ringing { on: false })),
    ("pulse digit 2", |p, t| p.handle_card(t, CardInput::PulseDigit(two()))),
    ("digit 2 began", |p, t| p.handle_media(t, MediaInput::DigitBegan(two()))),
    ("digit 2 ended", |p, t| {
        p.handle_media(t, MediaInput::DigitBegan(two()));
        while p.poll_output().is_some() {}
        p.handle_media(t, MediaInput::DigitEnded { digit: two(), ms: 80 });
    }),
    ("burst done", |p, t| p.handle_media(t, MediaInput::BurstDone)),
    ("Ring", |p, t| p.handle_call(t, ring())),
    ("Proceeding", |p, t| p.handle_call(t, CallRequest::Proceeding)),
    ("Alerting", |p, t| p.handle_call(t, CallRequest::Alerting { early_media: false })),
    ("Alerting+media", |p, t| p.handle_call(t, CallRequest::Alerting { early_media: true })),
    ("Progress", |p, t| p.handle_call(t, CallRequest::Progress { early_media: false })),
    ("Progress+media", |p, t| p.handle_call(t, CallRequest::Progress { early_media: true })),
    ("Answered", |p, t| p.handle_call(t, CallRequest::Answered)),
    ("Released 17", |p, t| p.handle_call(t, released(Cause::USER_BUSY))),
    ("Released 16", |p, t| p.handle_call(t, released(Cause::NORMAL_CLEARING))),
    ("RemoteHold", |p, t| p.handle_call(t, CallRequest::RemoteHold { on: true })),
    ("verdict 1 Match", |p, t| p.handle_verdict(t, "1", Verdict::Match)),
    ("verdict 1 Complete", |p, t| p.handle_verdict(t, "1", Verdict::Complete)),
    ("verdict 1 Impossible", |p, t| p.handle_verdict(t, "1", Verdict::Impossible)),
    ("timer", |p, _| {
        if let Some(at) = p.poll_timeout() {
            p.handle_timeout(at);
        }
    }),
];

/// The steps from a new port to each state.
const STATES: &[(&str, &[&str])] = &[
    ("OutOfService", &[]),
    ("OnHook", &["in service"]),
    ("DialTone", &["in service", "lifted"]),
    ("Collecting 1", &["in service", "lifted", "one"]),
    ("Proceeding", &["in service", "lifted", "one", "verdict 1 Complete"]),
    ("RemoteRinging", &["in service", "lifted", "one", "verdict 1 Complete", "Alerting"]),
    ("EarlyMedia", &["in service", "lifted", "one", "verdict 1 Complete", "Progress+media"]),
    ("Talking", &["in service", "lifted", "one", "verdict 1 Complete", "Answered"]),
    ("Held", &["in service", "lifted", "one", "verdict 1 Complete", "Answered", "flash"]),
    ("Ringing (starting)", &["in service", "Ring"]),
    ("Ringing (sounding)", &["in service", "Ring", "ring burst on"]),
    ("Ringing (delay)", &["in service", "Ring", "ring burst on", "ring burst off"]),
    ("Ringing (caller ID)", &["in service", "Ring", "ring burst on", "ring burst off", "timer"]),
    (
        "Disconnecting",
        &["in service", "lifted", "one", "verdict 1 Complete", "Answered", "Released 16"],
    ),
    ("ReleaseTone", &["in service", "lifted", "timer"]),
    ("Howler", &["in service", "lifted", "timer", "timer"]),
    ("LockedOut", &["in service", "lifted", "timer", "timer", "timer"]),
];

fn two() -> Digit {
    Digit::new('2').expect("a key")
}

fn ring() -> CallRequest {
    let caller = Caller { number: Some("5551234".into()), ..Caller::default() };
    CallRequest::Ring { caller, distinctive: None }
}

fn released(cause: Cause) -> CallRequest {
    CallRequest::Released { cause }
}

fn in_state(steps: &[&str]) -> (FxsPort, Instant) {
    let mut port = FxsPort::new(FxsConfig::new(Country::find("us").expect("known")));
    let mut now = Instant::ZERO;
    for step in steps {
        now = port.poll_timeout().unwrap_or(now).min(now + Duration::from_millis(1));
        if *step == "one" {
            port.handle_media(now, MediaInput::DigitBegan(Digit::new('1').expect("a key")));
        } else {
            let (_, act) = INPUTS.iter().find(|(name, _)| name == step).expect("a step");
            act(&mut port, now);
        }
        while port.poll_output().is_some() {}
    }
    (port, now)
}

fn short(output: &Output) -> String {
    match output {
        Output::Card(action) => format!("{action:?}"),
        Output::PlayTone(tone) => format!("tone {tone}"),
        Output::StopTone => "tone off".into(),
        Output::DetectDigits(on) => format!("digits {}", if *on { "on" } else { "off" }),
        Output::SendCallerId { scheme, .. } => format!("caller ID {scheme:?}"),
        Output::Event(event) => format!("{event:?}!"),
    }
}

#[test]
fn every_state_with_every_input() {
    let mut table = String::new();
    for (state, steps) in STATES {
        writeln!(table, "{state}").expect("a string takes it");
        for (input, act) in INPUTS {
            let (mut port, now) = in_state(steps);
            let before = port.to_string();
            act(&mut port, now);
            let mut outputs = Vec::new();
            while let Some(output) = port.poll_output() {
                outputs.push(short(&output));
            }
            if port.to_string() != before || !outputs.is_empty() {
                let outputs = outputs.join(", ");
                writeln!(table, "  {input:<20} -> {:<15} {outputs}", port.state())
                    .expect("a string takes it");
            }
        }
    }
    insta::assert_snapshot!(table);
}
