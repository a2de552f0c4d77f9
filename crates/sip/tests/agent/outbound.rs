//! What a registration asks for and is given beyond a binding: outbound, GRUUs, routes, other servers.

use tipring_core::Duration;
use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::locate::{Answer, DomainName, Failure, Question, Reach, Record, RecordType, Srv};
use tipring_sip::message::Transport;
use tipring_sip::registration::{Binding, Registration, RegistrationState};

use crate::script::{PEER, Script, US, at, find, header, response, uri};

const INSTANCE: &str = "urn:uuid:00000000-0000-1000-8000-aabbccddeeff";
const SECOND: &str = "198.51.100.10:5060";

pub fn registration() -> Registration {
    Registration {
        registrar: uri("sip:example.net"),
        route: vec!["<sip:198.51.100.9;lr>".parse().expect("an address")],
        aor: "<sip:trunk@example.net>".parse().expect("an address"),
        contact_user: "trunk".to_owned(),
        expires: 600,
        credentials: None,
        instance: Some(INSTANCE.to_owned()),
        reg_id: 1,
        keep_alive: None,
    }
}

pub fn script() -> Script {
    let reach = Reach::new([(Transport::Udp, at(US)), (Transport::Tcp, at(US))]);
    Script::with(UaConfig { reach, ..UaConfig::default() })
}

pub fn start(script: &mut Script, change: impl FnOnce(&mut Registration)) -> String {
    let mut registration = registration();
    change(&mut registration);
    script.act(|ua, now| ua.register(now, registration));
    script.expect("REGISTER sip:example.net SIP/2.0")
}

fn states(script: &Script) -> Vec<RegistrationState> {
    let states = script.said.iter().filter_map(|output| match output {
        Output::Registration { state, .. } => Some(state.clone()),
        _ => None,
    });
    states.collect()
}

fn binding(script: &Script) -> Binding {
    match states(script).pop() {
        Some(RegistrationState::Registered(binding)) => *binding,
        other => panic!("not registered: {other:?}"),
    }
}

pub fn ours(more: &str) -> String {
    format!("m: <sip:trunk@{US}>;+sip.instance=\"<{INSTANCE}>\";reg-id=1;expires=600{more}\n")
}

#[test]
fn it_says_which_device_it_is_and_what_it_understands() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let contact = header(&register, "Contact");
    assert!(contact.contains(&format!(";+sip.instance=\"<{INSTANCE}>\"")), "{contact}");
    assert!(contact.contains(";reg-id=1"), "{contact}");
    let supported = header(&register, "Supported");
    for tag in ["path", "outbound", "gruu"] {
        assert!(supported.split(", ").any(|found| found == tag), "{tag} in {supported}");
    }
    assert_eq!(header(&register, "Route"), "<sip:198.51.100.9;lr>");
    // Without an instance nobody is asked to know one.
    let mut script = self::script();
    let register = start(&mut script, |registration| registration.instance = None);
    assert!(!header(&register, "Contact").contains("instance"));
    assert!(!header(&register, "Supported").contains("outbound"));
}

#[test]
fn what_is_granted_is_told() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let gruus =
        ";pub-gruu=\"sip:trunk@example.net;gr=urn:uuid:1\";temp-gruu=\"sip:t7@example.net;gr\"";
    let more = format!(
        "{}Require: outbound\nFlow-Timer: 120\nService-Route: <sip:edge.example.net;lr>, <sip:core.example.net;lr>\n\
         Path: <sip:edge.example.net;lr;ob>\n",
        ours(gruus)
    );
    script.receive(&response(&register, "200 OK", "r", &more, ""));
    let Binding { expires, path, service_route, pub_gruu, temp_gruu, outbound, flow_timer, realms } =
        binding(&script);
    assert!(realms.is_empty(), "nobody has asked");
    assert_eq!((expires, outbound, flow_timer), (600, true, Some(120)));
    assert_eq!(path.remote, at(PEER));
    let routes: Vec<String> = service_route.iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["<sip:edge.example.net;lr>", "<sip:core.example.net;lr>"]);
    assert_eq!(pub_gruu, Some(uri("sip:trunk@example.net;gr=urn:uuid:1")));
    assert_eq!(temp_gruu, Some(uri("sip:t7@example.net;gr")));
}

/// Whoever asks in another realm is not the registrar.
#[test]
fn the_realms_that_asked_are_told() {
    let ask = |name: &str, realm: &str| {
        format!("{name}: Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"\n")
    };
    let account = Account {
        username: "trunk".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: Vec::new(),
    };
    for (second, told) in [
        ("example.net", vec!["example.net"]),
        ("edge.example.net", vec!["example.net", "edge.example.net"]),
    ] {
        let mut script = script();
        let register = start(&mut script, |wanted| wanted.credentials = Some(account.clone()));
        let who = ask("WWW-Authenticate", "example.net");
        script.receive(&response(&register, "401 Who", "r", &who, ""));
        let signed = script.expect("REGISTER ");
        let who = format!("{who}{}", ask("Proxy-Authenticate", second));
        script.receive(&response(&signed, "407 Who", "r", &who, ""));
        let signed = script.expect("REGISTER ");
        script.receive(&response(&signed, "200 OK", "r", &ours(""), ""));
        assert_eq!(binding(&script).realms, told);
    }
}

#[test]
fn our_contact_is_known_again_among_others_and_when_a_nat_has_rewritten_it() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let more = format!(
        "m: <sip:other@203.0.113.3>;expires=3000\n\
         m: <sip:trunk@{US}>;+sip.instance=\"<urn:uuid:another>\";reg-id=1;expires=50\n\
         m: <sip:trunk@203.0.113.1:4711>;+sip.instance=\"<{INSTANCE}>\";reg-id=2;expires=70\n\
         m: <sip:trunk@203.0.113.1:4712>;+sip.instance=\"<{INSTANCE}>\";reg-id=1;expires=90\n"
    );
    script.receive(&response(&register, "200 OK", "r", &more, ""));
    assert_eq!(binding(&script).expires, 90);
}

#[test]
fn what_looks_like_a_gruu_and_is_none_is_not_used() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let gruus = ";pub-gruu=\"sip:trunk@example.net\";temp-gruu=\"tel:+15551234\"";
    script.receive(&response(&register, "200 OK", "r", &ours(gruus), ""));
    let binding = binding(&script);
    assert_eq!((binding.pub_gruu, binding.temp_gruu), (None, None));
}

#[test]
fn a_first_hop_that_cannot_keep_flows_is_not_asked_to() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let refusal = response(&register, "439 First Hop Lacks Outbound Support", "r", "", "");
    script.receive(&refusal);
    let plain = script.expect("REGISTER ");
    assert!(!header(&plain, "Contact").contains("reg-id"));
    assert!(header(&plain, "Contact").contains("+sip.instance"), "the device is the same");
    assert!(!header(&plain, "Supported").contains("outbound"));
    script.receive(&response(&plain, "439 First Hop Lacks Outbound Support", "r", "", ""));
    script.expect_nothing();
}

#[test]
fn a_registrar_with_outbound_is_spared_as_rfc_5626_says() {
    let mut script = script();
    let register = start(&mut script, |_| {});
    let more = format!("{}Require: outbound\n", ours(""));
    script.receive(&response(&register, "200 OK", "r", &more, ""));
    let mut waits = Vec::new();
    for _ in 0..8 {
        script.wait(3_600_000);
        script.skip();
        script.said.clear();
        while states(&script).is_empty() {
            script.wait(1000);
        }
        if let Some(RegistrationState::Failed { retry_in, .. }) = states(&script).pop() {
            waits.push(retry_in);
        }
    }
    assert_eq!(waits.len(), 8);
    let (low, high) = (Duration::from_secs(900), Duration::from_secs(1800));
    assert!(waits.iter().skip(4).all(|wait| (low..=high).contains(wait)), "{waits:?}");
}

#[test]
fn a_redirection_is_followed_and_not_for_ever() {
    let mut script = script();
    let mut register = start(&mut script, |_| {});
    for port in 5070..5075 {
        let contact =
            format!("m: <sip:x@198.51.100.9:{port}?Subject=x>;q=0.9, <sip:198.51.100.8>;q=0.1\n");
        script.receive(&response(&register, "302 Moved Temporarily", "r", &contact, ""));
        let (to, text) = script.next_to();
        assert_eq!(to, at(&format!("198.51.100.9:{port}")));
        assert!(text.starts_with(&format!("REGISTER sip:198.51.100.9:{port} SIP/2.0")), "{text}");
        assert_eq!(find(&text, "Route"), None);
        register = text;
    }
    script.receive(&response(&register, "302 Moved", "r", "m: <sip:198.51.100.9:5080>\n", ""));
    script.expect_nothing();
    assert!(matches!(states(&script).pop(), Some(RegistrationState::Failed { .. })));
    // Afterwards the configured registrar is asked again.
    script.wait(1_100);
    script.expect("REGISTER sip:example.net ");
}

#[test]
fn line_ends_keep_a_nat_open_while_we_are_registered() {
    let mut script = script();
    let register =
        start(&mut script, |registration| registration.keep_alive = Some(Duration::from_secs(25)));
    script.wait(20_000);
    assert!(script.sent.iter().all(|(_, text)| text.starts_with("REGISTER")));
    script.skip();
    script.receive(&response(&register, "200 OK", "r", &ours(""), ""));
    script.wait(250_000);
    let pings =
        script.sent.iter().filter(|(to, text)| *to == at(PEER) && text == "\r\n\r\n").count();
    assert!((10..=12).contains(&pings), "{pings}");
    assert_eq!(pings, script.sent.len());
}

#[test]
fn a_registration_that_goes_on_over_tcp_keeps_no_way_over_udp_open() {
    let mut script = script();
    let register =
        start(&mut script, |registration| registration.keep_alive = Some(Duration::from_secs(25)));
    script.receive(&response(&register, "200 OK", "r", &ours(""), ""));
    let refresh = loop {
        script.wait(1_000);
        assert!(script.now.as_millis() < 600_000, "it is refreshed in time");
        if let Some((_, text)) = script.sent.iter().find(|(_, t)| t.starts_with("REGISTER")) {
            break text.clone();
        }
    };
    let elsewhere = "m: <sip:198.51.100.9:5070;transport=tcp>\n";
    script.receive(&response(&refresh, "302 Moved Temporarily", "r", elsewhere, ""));
    script.skip();
    // Nobody takes the connection; time goes on all the same, and no line ends leave.
    script.wait(60_000);
    assert!(script.sent.iter().all(|(_, text)| text != "\r\n\r\n"), "{:?}", script.sent);
}

/// A registrar's name with two servers; what is asked for besides does not exist.
fn answer(script: &mut Script, silent: bool) {
    loop {
        let asked = script.said.iter().position(|said| matches!(said, Output::Ask(_)));
        let Some(Output::Ask(question)) = asked.map(|at| script.said.remove(at)) else { return };
        let name = |text: &str| DomainName::new(text).expect("a name");
        let srv = |priority, host| {
            Record::Srv(Srv { priority, weight: 0, port: 5060, target: Some(name(host)) })
        };
        let records = match (question.record, question.name.as_str()) {
            (RecordType::Srv, "_sip._udp.example.net") => {
                vec![srv(1, "a.example.net"), srv(2, "b.example.net")]
            }
            (RecordType::A, "a.example.net") => vec![Record::A([198, 51, 100, 9].into())],
            (RecordType::A, "b.example.net") => vec![Record::A([198, 51, 100, 10].into())],
            _ => Vec::new(),
        };
        let answer = match (silent, records.is_empty()) {
            (true, _) => Answer::Failed(Failure::Timeout),
            (false, true) => Answer::NoName { ttl: None },
            (false, false) => Answer::Found { records, ttl: 60 },
        };
        let question: Question = question;
        script.act(|ua, now| ua.handle_dns_answer(now, &question, &answer));
    }
}

#[test]
fn a_silent_registrar_gives_way_to_the_next_and_is_kept_there() {
    let mut script = script();
    script.act(|ua, now| ua.register(now, Registration { route: Vec::new(), ..registration() }));
    answer(&mut script, false);
    let (to, first) = script.next_to();
    assert!(to == at(PEER) && first.starts_with("REGISTER "), "{to} {first}");
    script.wait(1_750);
    let (to, second) = script.sent.pop_back().expect("the second is asked");
    assert_eq!(to, at(SECOND));
    assert_eq!(header(&first, "CSeq"), header(&second, "CSeq"));
    script.skip();
    script.receive_from(SECOND, &response(&second, "200 OK", "r", &ours(""), ""));
    assert_eq!(binding(&script).path.remote, at(SECOND));
    // The refresh goes where the binding is, although the first one is not parked any longer.
    script.wait(540_000);
    answer(&mut script, false);
    let (to, refresh) = script.sent.pop_front().expect("a refresh");
    assert!(to == at(SECOND) && refresh.starts_with("REGISTER "), "{to} {refresh}");
}

#[test]
fn a_name_service_that_is_gone_ends_no_registration() {
    let mut script = script();
    script.act(|ua, now| ua.register(now, Registration { route: Vec::new(), ..registration() }));
    answer(&mut script, false);
    // Three hours in which nobody answers but the registrar.
    for _ in 0..10_800 {
        while let Some((_, register)) = script.sent.pop_front() {
            script.receive(&response(&register, "200 OK", "r", &ours(""), ""));
        }
        script.wait(1_000);
        answer(&mut script, true);
    }
    let failed = |state: &RegistrationState| matches!(state, RegistrationState::Failed { .. });
    assert!(!states(&script).iter().any(failed), "it failed");
    assert!(states(&script).len() >= 20, "{}", states(&script).len());
}

#[test]
fn a_registrar_that_is_nowhere_is_looked_for_again() {
    let mut script = script();
    script.act(|ua, now| {
        let registrar = uri("sip:nowhere.example");
        ua.register(now, Registration { registrar, route: Vec::new(), ..registration() })
    });
    for _ in 0..5 {
        answer(&mut script, false);
        assert!(matches!(states(&script).pop(), Some(RegistrationState::Failed { .. })));
        script.said.clear();
        script.wait(60_000);
    }
    script.expect_nothing();
    assert!(script.heard("Ask"), "it goes on asking");
}
