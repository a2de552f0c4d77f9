//! pjsua2 registers, calls and is called: over each transport, with each digest, with PRACK, with session timers.

use serde_json::{Value, json};

use crate::control::{KEY, PATIENCE};
use crate::pjsua::{Pjsua, field};
use crate::site::{Plan, Site};
use crate::stalls;

const USER: &str = "[[user]]\nname = \"2001\"\npassword = \"secret\"\n";

/// A gateway with a telephone and the user 2001, and with these keys in `[sip]`.
fn site(sip: &str) -> Site {
    Site::planned(1, &Plan { sip, more: USER, ..Plan::default() })
}

/// Digits go both ways: each hears the other.
fn talk(site: &mut Site, pjsua: &mut Pjsua, call: u8) {
    pjsua.hears(site, "5");
    // It lasts longer than what may be left of the other.
    let heard = json!({"event": "digit", "port": 1, "digit": "9"});
    stalls::despite_stops("the phone hears 9", || {
        pjsua.tell(&json!({"do": "digits", "call": call, "digits": "9"}));
        site.phones.hear(KEY, &heard)
    });
}

/// It calls the phone, they talk, it hangs up.
fn calls(site: &mut Site, pjsua: &mut Pjsua) {
    pjsua.tell(&json!({"do": "call", "to": "101"}));
    site.phones.rings(1);
    site.phones.off_hook(1);
    pjsua.call_is(0, "CONFIRMED");
    pjsua.media_is(0, "active");
    talk(site, pjsua, 0);
    pjsua.tell(&json!({"do": "hangup", "call": 0}));
    pjsua.call_is(0, "DISCONNECTED");
    site.phones.expect(PATIENCE, &json!({"event": "loop", "port": 1, "open": true}));
    site.hangs_up();
}

/// The phone calls it, they talk, the phone hangs up.
fn is_called(site: &mut Site, pjsua: &mut Pjsua) {
    site.call(1, "2001");
    let incoming = pjsua.expect(&json!({"event": "incoming"}));
    let call = incoming["call"].as_u64().and_then(|call| u8::try_from(call).ok()).expect("a call");
    pjsua.tell(&json!({"do": "ring", "call": call}));
    site.phones.hears(1, "ringback");
    pjsua.tell(&json!({"do": "answer", "call": call}));
    pjsua.call_is(call, "CONFIRMED");
    pjsua.media_is(call, "active");
    talk(site, pjsua, call);
    site.hangs_up();
    pjsua.call_is(call, "DISCONNECTED");
}

fn calls_and_is_called(mut site: Site, mut pjsua: Pjsua) {
    calls(&mut site, &mut pjsua);
    is_called(&mut site, &mut pjsua);
    let records = site.leave(2);
    let ended: Vec<_> = records.iter().map(|r| (&r["cause"], &r["ended_by"])).collect();
    assert_eq!(ended, [(&json!(16), &json!("caller")), (&json!(16), &json!("caller"))]);
    assert_eq!((&records[0]["from_leg"], &records[1]["to_leg"]), (&json!("2001"), &json!("2001")));
}

#[test]
fn pjsua2_registers_calls_and_is_called_over_udp() {
    let site = site("");
    let pjsua = Pjsua::start(&site, json!({}));
    calls_and_is_called(site, pjsua);
}

#[test]
fn pjsua2_registers_calls_and_is_called_over_tcp() {
    let site = site("");
    let pjsua = Pjsua::start(&site, json!({"transport": "tcp"}));
    calls_and_is_called(site, pjsua);
}

#[test]
fn pjsua2_registers_calls_and_is_called_over_tls_and_believes_our_certificate() {
    let site = Site::planned(1, &Plan { tls: true, more: USER, ..Plan::default() });
    let tls = site.tls.as_ref().expect("it is planned");
    let setup = json!({"transport": "tls", "server": tls.address, "ca": tls.ca});
    let pjsua = Pjsua::start(&site, setup);
    calls_and_is_called(site, pjsua);
}

#[test]
fn pjsua2_proves_itself_by_sha_256() {
    let mut site = site("digest = [\"sha-256\"]\n");
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua);
    let sent = pjsua.sent();
    let proof = |method: &str, name: &str| {
        let mut requests = sent.iter().filter(|message| message.starts_with(method));
        requests.any(|message| field(message, name).is_some_and(|f| f.contains("SHA-256")))
    };
    assert!(proof("REGISTER ", "Authorization"), "{sent:#?}");
    assert!(proof("INVITE ", "Proxy-Authorization"), "{sent:#?}");
    site.leave(1);
}

#[test]
fn pjsua2_picks_from_several_digests() {
    let mut site = site("digest = [\"sha-512-256\", \"sha-256\", \"md5\"]\n");
    let mut pjsua = Pjsua::start(&site, json!({}));
    calls(&mut site, &mut pjsua);
    site.leave(1);
}

#[test]
fn pjsua2_with_a_wrong_password_neither_registers_nor_calls() {
    let site = site("");
    let mut pjsua = Pjsua::start_without_waiting(&site, json!({"password": "guess"}));
    pjsua.expect(&json!({"event": "registered", "status": 401}));
    pjsua.tell(&json!({"do": "call", "to": "101"}));
    let ended = pjsua.call_is(0, "DISCONNECTED");
    assert_eq!(ended["status"], 407, "{ended}");
    site.leave(0);
}

/// The responses to the INVITE of that status which ask for a PRACK.
fn reliable(messages: &[String], status: &str) -> usize {
    let asks = |message: &&String| {
        let required = field(message, "Require").is_some_and(|require| require.contains("100rel"));
        message.starts_with(status) && required && field(message, "RSeq").is_some()
    };
    messages.iter().filter(asks).count()
}

fn count(messages: &[String], start: &str) -> usize {
    messages.iter().filter(|message| message.starts_with(start)).count()
}

#[test]
fn pjsua2_that_requires_100rel_calls_the_phone_and_acknowledges_180() {
    let mut site = site("");
    let mut pjsua = Pjsua::start(&site, json!({"reliable": "required"}));
    calls(&mut site, &mut pjsua);
    let (received, sent) = (pjsua.received(), pjsua.sent());
    assert_eq!(reliable(&received, "SIP/2.0 180"), 1, "{received:#?}");
    assert_eq!(count(&sent, "PRACK "), 1, "{sent:#?}");
    site.leave(1);
}

#[test]
fn pjsua2_that_requires_100rel_is_called_and_gets_its_prack() {
    let mut site = site("");
    let mut pjsua = Pjsua::start(&site, json!({"reliable": "required"}));
    is_called(&mut site, &mut pjsua);
    let (received, sent) = (pjsua.received(), pjsua.sent());
    assert_eq!(reliable(&sent, "SIP/2.0 180"), 1, "{sent:#?}");
    assert_eq!(count(&received, "PRACK "), 1, "{received:#?}");
    site.leave(1);
}

#[test]
fn we_require_100rel_of_pjsua2_in_both_directions() {
    let mut site = site("reliable = \"required\"\n");
    let mut pjsua = Pjsua::start(&site, json!({"reliable": "supported"}));
    calls(&mut site, &mut pjsua);
    is_called(&mut site, &mut pjsua);
    let (received, sent) = (pjsua.received(), pjsua.sent());
    assert_eq!((count(&sent, "PRACK "), count(&received, "PRACK ")), (1, 1), "{received:#?}");
    let invite = received.iter().find(|message| message.starts_with("INVITE "));
    let require = invite.and_then(|invite| field(invite, "Require"));
    assert!(require.is_some_and(|require| require.contains("100rel")), "{invite:?}");
    site.leave(2);
}

/// The interval of a session timer and who refreshes.
fn session_expires(message: &str) -> (u32, String) {
    let text = field(message, "Session-Expires").expect("a session timer");
    let (seconds, refresher) = text.split_once(";refresher=").expect("a refresher");
    (seconds.trim().parse().expect("seconds"), refresher.to_owned())
}

fn timer(interval: u32) -> Value {
    json!({"timer": "required", "interval": interval})
}

#[test]
fn pjsua2_that_requires_a_session_timer_gets_the_one_it_asks_for() {
    let mut site = site("");
    let mut pjsua = Pjsua::start(&site, timer(100));
    pjsua.tell(&json!({"do": "call", "to": "101"}));
    site.phones.rings(1);
    site.phones.off_hook(1);
    pjsua.call_is(0, "CONFIRMED");
    let answer = pjsua.last_received("SIP/2.0 200", "INVITE");
    assert_eq!(session_expires(&answer).0, 100, "{answer}");
    assert!(field(&answer, "Require").is_some_and(|r| r.contains("timer")), "{answer}");
    // A refresh by UPDATE keeps it.
    pjsua.tell(&json!({"do": "refresh", "call": 0}));
    crate::process::until("an answer to UPDATE", PATIENCE, || {
        let received = pjsua.received();
        let answered = |message: &String| {
            message.starts_with("SIP/2.0 200")
                && field(message, "CSeq").is_some_and(|cseq| cseq.ends_with("UPDATE"))
        };
        received.iter().any(answered).then_some(())
    });
    let answer = pjsua.last_received("SIP/2.0 200", "UPDATE");
    assert_eq!(session_expires(&answer).0, 100, "{answer}");
    talk(&mut site, &mut pjsua, 0);
    site.hangs_up();
    pjsua.call_is(0, "DISCONNECTED");
    site.leave(1);
}

#[test]
fn an_interval_that_is_too_short_for_us_is_asked_for_again_by_pjsua2() {
    let mut site = site("min_se_seconds = 200\n");
    let mut pjsua = Pjsua::start(&site, timer(100));
    calls(&mut site, &mut pjsua);
    let refused = pjsua.last_received("SIP/2.0 422", "INVITE");
    assert_eq!(field(&refused, "Min-SE"), Some("200"), "{refused}");
    let answer = pjsua.last_received("SIP/2.0 200", "INVITE");
    assert_eq!(session_expires(&answer).0, 200, "{answer}");
    site.leave(1);
}

#[test]
fn pjsua2_agrees_to_the_session_timer_that_we_ask_for() {
    let mut site = site("session_expires_seconds = 120\n");
    let mut pjsua = Pjsua::start(&site, json!({"timer": "supported"}));
    is_called(&mut site, &mut pjsua);
    let sent = pjsua.sent();
    let answers = sent.iter().filter(|m| {
        m.starts_with("SIP/2.0 200")
            && field(m, "CSeq").is_some_and(|cseq| cseq.ends_with("INVITE"))
    });
    let agreed: Vec<u32> = answers.map(|answer| session_expires(answer).0).collect();
    assert_eq!(agreed, [120], "{sent:#?}");
    site.leave(1);
}
