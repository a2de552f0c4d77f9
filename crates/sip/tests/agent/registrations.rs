//! Our registration at hand-written registrars: it is kept for ever.

use tipring_core::Duration;
use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::locate::Reach;
use tipring_sip::message::{Status, Transport};
use tipring_sip::registration::{Binding, Registration, RegistrationId, RegistrationState};

use crate::script::{Script, US, at, find, header, param, response, uri};

fn registration() -> Registration {
    Registration {
        registrar: uri("sip:example.net"),
        route: vec!["<sip:198.51.100.9;lr>".parse().expect("an address")],
        aor: "<sip:trunk@example.net>".parse().expect("an address"),
        contact_user: "trunk".to_owned(),
        expires: 600,
        credentials: Some(Account {
            username: "trunk".to_owned(),
            secret: Secret::Password("secret".to_owned()),
            realms: Vec::new(),
        }),
        instance: None,
        reg_id: 1,
        keep_alive: None,
    }
}

/// A user agent with one socket.
fn script() -> Script {
    let reach = Reach::new([(Transport::Udp, at(US))]);
    Script::with(UaConfig { reach, ..UaConfig::default() })
}

fn start(script: &mut Script) -> (RegistrationId, String) {
    let id = script.act(|ua, now| ua.register(now, registration()));
    let text = script.expect("REGISTER sip:example.net SIP/2.0");
    (id, text)
}

fn last(script: &Script) -> Option<RegistrationState> {
    script.said.iter().rev().find_map(|output| match output {
        Output::Registration { state, .. } => Some(state.clone()),
        _ => None,
    })
}

/// What was granted last, if we are registered.
fn binding(script: &Script) -> Option<Binding> {
    match last(script) {
        Some(RegistrationState::Registered(binding)) => Some(*binding),
        Some(RegistrationState::Failed { .. } | RegistrationState::Unregistered) | None => None,
    }
}

fn expires(script: &Script) -> Option<u32> {
    binding(script).map(|binding| binding.expires)
}

/// The 200 of a registrar that grants `seconds`.
fn granted(register: &str, seconds: u32) -> String {
    let contacts = format!(
        "m: <sip:other@203.0.113.3>;expires=3000, <sip:trunk@192.0.2.1:5060>;expires={seconds}\n"
    );
    response(register, "200 OK", "r", &contacts, "")
}

const ASK: &str = "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\n";

#[test]
fn it_is_challenged_registers_and_refreshes_before_it_expires() {
    let mut script = script();
    let (_, first) = start(&mut script);
    assert_eq!(header(&first, "Expires"), "600");
    assert!(header(&first, "Contact").starts_with("<sip:trunk@192.0.2.1:5060>"));
    script.receive(&response(&first, "401 Unauthorized", "r", ASK, ""));
    let second = script.expect("REGISTER ");
    assert!(header(&second, "Authorization").contains("username=\"trunk\""));
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    script.receive(&granted(&second, 100));
    assert_eq!(expires(&script), Some(100));
    script.wait(84_000);
    script.expect_nothing();
    script.wait(6_100);
    let refresh = script.expect("REGISTER ");
    assert!(find(&refresh, "Authorization").is_some(), "no second challenge is needed");
    assert!(header(&refresh, "Authorization").contains("nc=00000002"));
    script.skip();
    script.receive(&granted(&refresh, 100));
    script.wait(4_000);
    script.expect_nothing();
}

#[test]
fn an_interval_that_is_too_brief_is_made_longer() {
    let mut script = script();
    let (_, first) = start(&mut script);
    script.receive(&response(&first, "423 Interval Too Brief", "r", "Min-Expires: 1800\n", ""));
    let second = script.expect("REGISTER ");
    assert_eq!(header(&second, "Expires"), "1800");
    assert_eq!(param(header(&second, "Contact"), "expires"), "1800");
    // A registrar that says so again and again is not followed.
    script.receive(&response(&second, "423 Interval Too Brief", "r", "Min-Expires: 1800\n", ""));
    script.expect_nothing();
    assert!(
        matches!(last(&script), Some(RegistrationState::Failed { status, .. }) if status == Status::INTERVAL_TOO_BRIEF)
    );
}

#[test]
fn a_registrar_that_wants_ever_longer_intervals_is_asked_again_later() {
    for challenges in [false, true] {
        let mut script = script();
        let (_, mut text) = start(&mut script);
        let mut registers = 1;
        for round in 0..40 {
            if challenges && round % 2 == 1 {
                let ask = ASK.replace("\"n\"", &format!("\"n{round}\", stale=true"));
                script.receive(&response(&text, "401 Unauthorized", "r", &ask, ""));
            } else {
                let longer = format!("Min-Expires: {}\n", 1800 + round);
                script.receive(&response(&text, "423 Interval Too Brief", "r", &longer, ""));
            }
            if script.sent.is_empty() {
                break;
            }
            text = script.expect("REGISTER ");
            registers += 1;
        }
        let most = if challenges { 6 } else { 3 };
        assert!(registers <= most, "{registers}");
        assert!(matches!(last(&script), Some(RegistrationState::Failed { .. })));
    }
}

#[test]
fn refusals_are_retried_for_ever_with_growing_waits() {
    let mut script = script();
    let (_, mut register) = start(&mut script);
    let mut waits = Vec::new();
    for _ in 0..9 {
        script.receive(&response(&register, "503 Service Unavailable", "r", "", ""));
        let Some(RegistrationState::Failed { retry_in, .. }) = last(&script) else {
            panic!("failed");
        };
        waits.push(retry_in);
        script.wait(u64::try_from(retry_in.as_millis()).expect("short") - 10);
        script.expect_nothing();
        script.wait(10);
        register = script.expect("REGISTER ");
    }
    for (wait, most) in waits.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        let most = Duration::from_secs(most);
        assert!(*wait <= most && *wait >= most / 2, "{waits:?}");
    }
    script.receive(&granted(&register, 100));
    assert_eq!(expires(&script), Some(100));
}

#[test]
fn a_registrar_that_comes_back_from_silence_is_found_within_5_s() {
    let mut script = script();
    start(&mut script);
    // Two hours of silence.
    script.wait(7_200_000);
    let tries = script.sent.len();
    assert!(tries > 1000 && tries < 4000, "{tries}");
    script.skip();
    // From now on every REGISTER is answered.
    for _ in 0..500 {
        script.wait(10);
        while let Some((_, register)) = script.sent.pop_front() {
            script.receive(&granted(&register, 100));
        }
    }
    assert_eq!(expires(&script), Some(100));
}

#[test]
fn retry_after_is_honoured() {
    let mut script = script();
    let (_, register) = start(&mut script);
    script.receive(&response(&register, "503 Busy", "r", "Retry-After: 120 (soon)\n", ""));
    script.wait(119_000);
    script.expect_nothing();
    script.wait(1_100);
    script.expect("REGISTER ");
}

#[test]
fn a_wrong_password_is_tried_once_for_each_wait() {
    let mut script = script();
    let (_, first) = start(&mut script);
    script.receive(&response(&first, "401 Unauthorized", "r", ASK, ""));
    let second = script.expect("REGISTER ");
    script.receive(&response(&second, "401 Unauthorized", "r", ASK, ""));
    script.expect_nothing();
    assert!(matches!(
        last(&script),
        Some(RegistrationState::Failed { status: Status::UNAUTHORIZED, .. })
    ));
    // The password is made right at the registrar.
    script.wait(1_100);
    let third = script.expect("REGISTER ");
    script.receive(&granted(&third, 60));
    assert_eq!(expires(&script), Some(60));
}

#[test]
fn unregistering_takes_the_binding_back() {
    let mut script = script();
    let (id, first) = start(&mut script);
    // Asked for while the first answer is out: it waits (RFC 3261 §10.2).
    script.act(|ua, now| ua.unregister(now, id));
    script.expect_nothing();
    script.receive(&granted(&first, 100));
    let last_one = script.expect("REGISTER ");
    assert_eq!(header(&last_one, "Expires"), "0");
    assert_eq!(param(header(&last_one, "Contact"), "expires"), "0");
    script.receive(&response(&last_one, "200 OK", "r", "", ""));
    assert_eq!(last(&script), Some(RegistrationState::Unregistered));
    script.wait(10_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_link_that_comes_back_registers_at_once() {
    let mut script = script();
    let (id, first) = start(&mut script);
    script.receive(&response(&first, "503 Busy", "r", "Retry-After: 3600\n", ""));
    script.act(|ua, now| ua.refresh(now, id));
    let second = script.expect("REGISTER ");
    // Again before that one is answered: it waits for the answer (RFC 3261 §10.2).
    script.act(|ua, now| ua.refresh(now, id));
    script.expect_nothing();
    script.receive(&granted(&second, 600));
    let third = script.expect("REGISTER ");
    script.receive(&granted(&third, 600));
    script.wait(10_000);
    script.expect_nothing();
}

#[test]
fn the_table_of_the_machine() {
    type Event = (&'static str, fn(&mut Script, RegistrationId, &str));
    const EVENTS: &[Event] = &[
        ("200", |s, _, r| s.receive(&granted(r, 100))),
        ("401", |s, _, r| s.receive(&response(r, "401 Unauthorized", "r", ASK, ""))),
        ("423", |s, _, r| s.receive(&response(r, "423 Brief", "r", "Min-Expires: 900\n", ""))),
        ("403", |s, _, r| s.receive(&response(r, "403 Forbidden", "r", "", ""))),
        ("unregister", |s, id, _| s.act(|ua, now| ua.unregister(now, id))),
        ("302", |s, _, r| {
            s.receive(&response(r, "302 Moved", "r", "m: <sip:x@198.51.100.9:5070>\n", ""));
        }),
        ("439", |s, _, r| s.receive(&response(r, "439 First Hop", "r", "", ""))),
        ("refresh", |s, id, _| s.act(|ua, now| ua.refresh(now, id))),
        ("silence", |s, _, _| {
            while s.sent.is_empty() && s.said.is_empty() {
                let at = s.ua.poll_timeout().expect("one is set");
                s.wait(u64::try_from((at - s.now).as_millis()).expect("short") + 1);
            }
        }),
    ];
    let states: &[(&str, &[usize])] = &[
        ("Registering", &[]),
        ("Registering, unregister asked", &[4]),
        ("Registered", &[0]),
        ("Waiting", &[3]),
        ("Unregistering", &[0, 4]),
    ];
    let mut text = String::new();
    for (state, way) in states {
        for (name, event) in EVENTS {
            let mut script = script();
            let (id, mut register) = start(&mut script);
            for step in *way {
                (EVENTS[*step].1)(&mut script, id, &register);
                while let Some((_, sent)) = script.sent.pop_front() {
                    register = sent;
                }
            }
            script.said.clear();
            event(&mut script, id, &register);
            let sent =
                script.sent.iter().map(|(_, text)| format!("REGISTER {}", header(text, "Expires")));
            let sent: Vec<_> = sent.collect();
            let said = script.said.iter().map(|output| match output {
                Output::Registration { state, .. } => match state {
                    RegistrationState::Registered(binding) => {
                        format!("Registered {}", binding.expires)
                    }
                    other => format!("{other:?}"),
                },
                other => format!("{other:?}"),
            });
            let said: Vec<_> = said.collect();
            let after = script.ua.describe().find(|line| line.starts_with("registration"));
            let after = after.map_or_else(
                || "gone".to_owned(),
                |line| line.split(' ').nth(1).unwrap_or("").to_owned(),
            );
            text += &format!(
                "{state} | {name} | › {} ! {} | {after}\n",
                sent.join(" "),
                said.join(" ")
            );
        }
    }
    insta::assert_snapshot!(text);
}
