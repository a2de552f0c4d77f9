//! Who gets an answer to a challenge, and how often.

use tipring_sip::agent::UaConfig;
use tipring_sip::digest::{Account, Secret};
use tipring_sip::locate::Reach;
use tipring_sip::message::{NameAddr, Status, Transport};
use tipring_sip::registration::Registration;
use tipring_sip::session::Signal;

use crate::peer::Peer;
use crate::script::{Script, US, at, find, header, invite, response, uri};

const RECORDED: &str = "Record-Route: <sip:198.51.100.9;lr>\n";
const CONTACT: &str = "Contact: <sip:bob@198.51.100.20:5080>\n";

fn account(realms: &[&str]) -> Option<Account> {
    Some(Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: realms.iter().map(ToString::to_string).collect(),
    })
}

/// A response's status line and its challenge.
fn asks(status: u16, realm: &str, nonce: &str) -> (&'static str, String) {
    let (line, field) = match status {
        401 => ("401 Unauthorized", "WWW-Authenticate"),
        _ => ("407 Proxy Authentication Required", "Proxy-Authenticate"),
    };
    (line, format!("{field}: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"\n"))
}

fn is_signed(request: &str) -> bool {
    find(request, "Authorization").is_some() || find(request, "Proxy-Authorization").is_some()
}

impl Peer {
    fn challenge(&mut self, request: &str, status: u16, realm: &str, nonce: &str) {
        let (line, field) = asks(status, realm, nonce);
        self.reply(request, line, &field, "");
    }

    /// We called through a proxy that asked by 407 and stays in the path: the INVITE that it took.
    fn through_a_proxy(realms: &[&str]) -> Self {
        let mut peer =
            Self::called(UaConfig::default(), |invite| invite.credentials = account(realms));
        let first = peer.invite.clone();
        peer.challenge(&first, 407, "example.net", "one");
        peer.script.expect("ACK ");
        peer.invite = peer.script.expect("INVITE ");
        peer
    }

    fn hangs_up(&mut self) -> String {
        let id = self.id;
        self.script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
        self.script.expect("BYE ")
    }
}

#[test]
fn the_called_party_behind_a_proxy_that_asked_by_407_gets_no_answer_to_its_401() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    peer.answer("200 OK", RECORDED, "v=0 answer");
    peer.script.expect("ACK ");
    let bye = peer.hangs_up();
    peer.challenge(&bye, 401, "example.net", "evil");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Local");
}

#[test]
fn where_nobody_asked_for_the_call_a_challenge_inside_it_is_the_called_partys() {
    for status in [401, 407] {
        let mut peer = Peer::called(UaConfig::default(), |invite| {
            invite.credentials = account(&["example.net"]);
        });
        peer.answer("200 OK", RECORDED, "v=0 answer");
        peer.script.expect("ACK ");
        let id = peer.id;
        let (kind, body) = Signal::Flash.to_info();
        peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
        let info = peer.script.expect("INFO ");
        peer.challenge(&info, status, "example.net", "evil");
        peer.script.act(|ua, now| ua.reinvite(now, id, b"v=0 hold".to_vec())).expect("is up");
        let change = peer.script.expect("INVITE ");
        peer.challenge(&change, status, "example.net", "evil");
        peer.script.expect("ACK ");
        let bye = peer.hangs_up();
        peer.challenge(&bye, status, "example.net", "evil");
        peer.script.expect_nothing();
        assert_eq!(peer.script.ended(), "Local");
    }
}

#[test]
fn an_account_without_a_realm_calls_unsigned() {
    for status in [401, 407] {
        let mut peer = Peer::called(UaConfig::default(), |invite| {
            invite.credentials = account(&[]);
        });
        let first = peer.invite.clone();
        peer.challenge(&first, status, "example.net", "one");
        peer.script.expect("ACK ");
        peer.script.expect_nothing();
        assert_eq!(peer.script.ended(), format!("Remote {status}"));
    }
}

#[test]
fn two_servers_in_a_row_of_different_realms_are_both_answered() {
    for second in [401, 407] {
        let mut peer = Peer::through_a_proxy(&["example.net", "far.example"]);
        let again = peer.invite.clone();
        peer.challenge(&again, second, "far.example", "two");
        peer.script.expect("ACK ");
        let signed = peer.script.expect("INVITE ");
        let near = "realm=\"example.net\", nonce=\"one\"";
        let far = "realm=\"far.example\", nonce=\"two\"";
        assert!(signed.contains(near) && signed.contains(far), "{signed}");
        assert!(signed.contains("nc=00000002"), "the first realm's own count: {signed}");
        peer.invite = signed;
        peer.answer("200 OK", RECORDED, "v=0 answer");
        let ack = peer.script.expect("ACK ");
        assert!(ack.contains(near) && ack.contains(far), "{ack}");
        // Each may ask again, by the status that it is known by.
        let bye = peer.hangs_up();
        assert!(bye.contains(near) && bye.contains(far), "{bye}");
        peer.challenge(&bye, second, "far.example", "three");
        let again = peer.script.expect("BYE ");
        assert!(again.contains("nonce=\"three\"") && again.contains(near), "{again}");
    }
}

#[test]
fn servers_of_different_realms_that_ask_in_one_response_are_both_answered() {
    let realms = ["example.net", "far.example"];
    let mut peer =
        Peer::called(UaConfig::default(), |invite| invite.credentials = account(&realms));
    let first = peer.invite.clone();
    let (line, near) = asks(407, "example.net", "one");
    let far = asks(407, "far.example", "two").1 + &asks(407, "evil.example", "three").1;
    peer.reply(&first, line, &format!("{near}{far}"), "");
    peer.script.expect("ACK ");
    let signed = peer.script.expect("INVITE ");
    assert_eq!(signed.matches("Proxy-Authorization: ").count(), 2, "{signed}");
    assert!(signed.contains("nonce=\"one\"") && signed.contains("nonce=\"two\""), "{signed}");
}

#[test]
fn each_realm_is_answered_twice_at_most_and_again_only_for_a_stale_nonce() {
    let mut peer = Peer::through_a_proxy(&["example.net", "far.example"]);
    let (line, far) = asks(407, "far.example", "a");
    let stale = |nonce: &str| asks(407, "example.net", nonce).1.replace("qop", "stale=true, qop");
    for more in [far.clone(), stale("b"), far.replace("qop", "stale=true, qop")] {
        let invite = peer.invite.clone();
        peer.reply(&invite, line, &more, "");
        peer.script.expect("ACK ");
        peer.invite = peer.script.expect("INVITE ");
    }
    let invite = peer.invite.clone();
    peer.reply(&invite, line, &format!("{far}{}", stale("c")), "");
    peer.script.expect("ACK ");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Remote 407");
}

#[test]
fn the_next_nonce_is_taken_from_nobody_who_does_not_know_the_password() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    peer.answer("200 OK", RECORDED, "v=0 answer");
    peer.script.expect("ACK ");
    let id = peer.id;
    for more in ["", ", qop=auth, rspauth=\"00\", cnonce=\"1\", nc=00000002"] {
        let (kind, body) = Signal::Flash.to_info();
        peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
        let info = peer.script.expect("INFO ");
        let evil = format!("Proxy-Authentication-Info: nextnonce=\"evil\"{more}\n");
        peer.reply(&info, "200 OK", &evil, "");
    }
    assert!(peer.hangs_up().contains("nonce=\"one\""));
}

#[test]
fn a_server_that_asks_by_401_may_ask_for_the_bye_too() {
    let mut peer =
        Peer::called(UaConfig::default(), |invite| invite.credentials = account(&["example.net"]));
    let first = peer.invite.clone();
    peer.challenge(&first, 401, "example.net", "one");
    peer.script.expect("ACK ");
    peer.invite = peer.script.expect("INVITE ");
    peer.answer("200 OK", RECORDED, "v=0 answer");
    peer.script.expect("ACK ");
    let bye = peer.hangs_up();
    peer.challenge(&bye, 401, "example.net", "two");
    assert!(is_signed(&peer.script.expect("BYE ")));
}

#[test]
fn no_other_realm_and_by_no_other_status_is_answered_in_a_call() {
    for (status, realm) in [(401, "evil.example"), (401, "example.net"), (407, "evil.example")] {
        let mut peer = Peer::through_a_proxy(&["example.net"]);
        let again = peer.invite.clone();
        peer.challenge(&again, status, realm, "evil");
        peer.script.expect("ACK ");
        peer.script.expect_nothing();
        assert_eq!(peer.script.ended(), format!("Remote {status}"), "{realm}");
    }
}

#[test]
fn a_challenge_from_one_who_was_ringing_is_not_answered() {
    let mut peer =
        Peer::called(UaConfig::default(), |invite| invite.credentials = account(&["example.net"]));
    peer.answer("180 Ringing", "", "");
    let first = peer.invite.clone();
    peer.challenge(&first, 401, "example.net", "evil");
    peer.script.expect("ACK ");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Remote 401");
}

/// A user agent with one socket.
fn script() -> Script {
    let reach = Reach::new([(Transport::Udp, at(US))]);
    Script::with(UaConfig { reach, ..UaConfig::default() })
}

fn registration() -> Registration {
    Registration {
        registrar: uri("sip:198.51.100.9"),
        route: Vec::new(),
        aor: "<sip:alice@example.net>".parse().expect("an address"),
        contact_user: "alice".to_owned(),
        instance: None,
        reg_id: 1,
        expires: 600,
        keep_alive: None,
        credentials: account(&[]),
    }
}

#[test]
fn a_registrar_in_another_domain_that_a_redirection_leads_to_gets_no_credentials() {
    for (to, answered) in [("sip:198.51.100.9:5070", true), ("sip:198.51.100.66", false)] {
        let mut script = script();
        script.act(|ua, now| ua.register(now, registration()));
        let register = script.expect("REGISTER ");
        let (line, field) = asks(401, "example.net", "one");
        script.receive(&response(&register, line, "r", &field, ""));
        let register = script.expect("REGISTER ");
        assert!(is_signed(&register));
        let moved = format!("Contact: <{to}>\n");
        script.receive(&response(&register, "302 Moved Temporarily", "r", &moved, ""));
        let (there, register) = script.next_to();
        assert_eq!(is_signed(&register), answered, "{to}");
        let (line, field) = asks(401, "example.net", "two");
        script.receive_from(&there.to_string(), &response(&register, line, "s", &field, ""));
        assert_eq!(script.sent.iter().any(|(_, text)| is_signed(text)), answered, "{to}");
    }
}

#[test]
fn credentials_follow_a_redirection_within_the_domain_only() {
    let mut first = invite();
    first.credentials = account(&[]);
    for (to, kept) in [
        ("sip:bob@example.net:5070", true),
        ("sip:bob@EAST.example.net", true),
        ("sip:bob@evil-example.net", false),
        ("sip:bob@example.net.evil.example", false),
        ("sip:bob@net", false),
        ("tel:+4930123", false),
    ] {
        for status in [Status::MOVED_TEMPORARILY, Status::USE_PROXY] {
            let contact: NameAddr = format!("<{to}>").parse().expect("an address");
            let next = first.redirected(status, &contact, first.path.clone(), &[]);
            let Some(next) = next else {
                assert!(to.starts_with("tel:"), "{to}");
                continue;
            };
            assert_eq!(next.credentials.is_some(), kept, "{status} {to}");
        }
    }
}

#[test]
fn each_request_of_a_call_may_be_challenged_anew() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    peer.answer("200 OK", RECORDED, "v=0 answer");
    peer.script.expect("ACK ");
    let id = peer.id;
    for nonce in ["two", "three", "four"] {
        let (kind, body) = Signal::Flash.to_info();
        peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
        let info = peer.script.expect("INFO ");
        peer.challenge(&info, 407, "example.net", nonce);
        let again = peer.script.expect("INFO ");
        assert!(again.contains(nonce), "{again}");
        peer.reply(&again, "200 OK", "", "");
    }
    let bye = peer.hangs_up();
    peer.challenge(&bye, 407, "example.net", "five");
    let again = peer.script.expect("BYE ");
    assert!(again.contains("five"), "{again}");
    // The second time it is the password that is wrong.
    peer.challenge(&again, 407, "example.net", "six");
    peer.script.expect_nothing();
    assert_eq!(peer.script.ended(), "Local");
}

#[test]
fn an_info_that_nobody_has_answered_yet_does_not_cost_the_bye_its_credentials() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    peer.answer("200 OK", RECORDED, "v=0 answer");
    peer.script.expect("ACK ");
    let id = peer.id;
    let (kind, body) = Signal::Flash.to_info();
    peer.script.act(|ua, now| ua.info(now, id, kind, body)).expect("is up");
    let info = peer.script.expect("INFO ");
    peer.challenge(&info, 407, "example.net", "two");
    peer.script.expect("INFO ");
    let bye = peer.hangs_up();
    peer.challenge(&bye, 407, "example.net", "three");
    assert!(peer.script.expect("BYE ").contains("three"));
}

#[test]
fn a_prack_may_be_challenged_while_its_challenged_invite_is_pending() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    let reliable = format!("{RECORDED}Require: 100rel\nRSeq: 1\n");
    peer.answer("183 Session Progress", &reliable, "v=0 answer");
    let prack = peer.script.expect("PRACK ");
    peer.challenge(&prack, 407, "example.net", "two");
    let again = peer.script.expect("PRACK ");
    assert!(again.contains("two"), "{again}");
    assert_eq!(header(&again, "RAck"), header(&prack, "RAck"));
    // Its second challenge is its own, and the INVITE's answer does not change that.
    peer.reply(&again, "200 OK", "", "");
    peer.answer("200 OK", &format!("{RECORDED}{CONTACT}"), "");
    peer.script.expect("ACK ");
}

#[test]
fn each_prack_that_is_challenged_goes_out_again() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    let reliable = |rseq| format!("{RECORDED}Require: 100rel\nRSeq: {rseq}\n");
    peer.answer("183 Session Progress", &reliable(1), "v=0 answer");
    let first = peer.script.expect("PRACK ");
    peer.answer("180 Ringing", &reliable(2), "");
    let second = peer.script.expect("PRACK ");
    for prack in [first, second] {
        peer.challenge(&prack, 407, "example.net", "two");
        let again = peer.script.expect("PRACK ");
        assert_eq!(header(&again, "RAck"), header(&prack, "RAck"));
        assert!(is_signed(&again), "{again}");
    }
}

#[test]
fn a_prack_with_an_offer_that_is_challenged_goes_out_again() {
    let mut peer = Peer::through_a_proxy(&["example.net"]);
    let reliable = |rseq| format!("{RECORDED}Require: 100rel\nRSeq: {rseq}\nAllow: PRACK\n");
    peer.answer("183 Session Progress", &reliable(1), "v=0 answer");
    let prack = peer.script.expect("PRACK ");
    peer.reply(&prack, "200 OK", "", "");
    let id = peer.id;
    let offer = b"v=0 second offer".to_vec();
    peer.script.act(|ua, now| ua.update(now, id, 0, &[], offer)).expect("it waits for a PRACK");
    peer.answer("180 Ringing", &reliable(2), "");
    let prack = peer.script.expect("PRACK ");
    assert!(prack.ends_with("v=0 second offer"), "{prack}");
    peer.challenge(&prack, 407, "example.net", "two");
    let again = peer.script.expect("PRACK ");
    assert!(again.contains("two") && again.ends_with("v=0 second offer"), "{again}");
    assert_eq!(header(&again, "RAck"), header(&prack, "RAck"));
    assert!(!peer.script.heard("OfferRejected"));
    peer.reply(&again, "200 OK", "", "v=0 second answer");
    assert!(peer.script.heard("OfferAnswered"));
}
