//! The configuration file: what it means, and what is said when it is wrong.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use tipring::config::{CardSpec, Codec, Config, Device, Mode, Side, Switch, Transport, UserSecret};

fn parse(text: &str) -> Config {
    Config::parse("test.toml", text).unwrap_or_else(|report| panic!("{report}"))
}

fn complaint(text: &str) -> String {
    match Config::parse("test.toml", text) {
        Ok(config) => panic!("this should be wrong: {config:?}"),
        Err(report) => report.to_string(),
    }
}

/// Everything that the text is blamed for contains one of `wanted`, in order, and nothing else.
fn blames(text: &str, wanted: &[&str]) {
    let report = Config::parse("test.toml", text).expect_err("this should be wrong");
    let found: Vec<&str> = report.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(found.len(), wanted.len(), "{report}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.contains(wanted), "{found:?} does not contain {wanted:?}");
    }
}

#[test]
fn an_empty_file_is_a_configuration() {
    let config = parse("");
    assert_eq!(config.gateway.country.code, "us");
    assert_eq!(config.gateway.first_digit, Duration::from_secs(16));
    assert_eq!(config.gateway.next_digit, Duration::from_secs(8));
    assert_eq!(config.gateway.after_match, Duration::from_secs(3));
    assert_eq!(config.sip.listen.len(), 1);
    assert_eq!(config.sip.listen[0].to_string(), "udp:127.0.0.1:5060");
    assert_eq!((config.sip.rtp_ports.first, config.sip.rtp_ports.last), (20000, 20999));
    assert_eq!(config.sip.codecs, [Codec::Ulaw, Codec::Alaw]);
    assert_eq!(config.cdr.as_deref(), Some("cdr.jsonl".as_ref()));
    assert!(config.lines.is_empty() && config.notes.is_empty());
}

#[test]
fn the_example_in_the_documentation_is_right_and_complete() {
    let text = fs::read_to_string("docs/tipring.example.toml").expect("the example");
    let config = parse(&text);
    let [kitchen, office, lift] = config.lines.as_slice() else { panic!("three lines") };
    assert_eq!((kitchen.name.as_str(), kitchen.port.0, kitchen.card.0), ("kitchen", 1, 0));
    assert_eq!(kitchen.number.as_deref(), Some("101"));
    assert_eq!(kitchen.caller_name.as_deref(), Some("Kitchen"));
    assert_eq!((kitchen.country.code, lift.country.code), ("us", "uk"));
    assert_eq!(office.hotline, None);
    assert_eq!(lift.hotline.as_deref(), Some("101"));
    assert_eq!(lift.warmline, Some(Duration::from_secs(4)));
    let span = &config.spans[0];
    assert_eq!((span.side, span.switch, span.mode), (Side::Network, Switch::EuroIsdn, Mode::Ptmp));
    assert_eq!(config.notes.len(), 2, "ISDN, twice: {:?}", config.notes);
    assert!(matches!(&config.users[0].secret, UserSecret::Password(secret) if secret == "secret"));
    assert!(matches!(&config.users[1].secret, UserSecret::Ha1(digest) if digest.len() == 32));
    assert!(matches!(&config.users[2].secret, UserSecret::Ha1Sha256(digest) if digest.len() == 64));
    assert_eq!(
        (config.trunks[0].uri.host.as_str(), config.trunks[0].uri.port),
        ("sip.example.net", 5060)
    );
    assert_eq!(config.groups[0].lines, ["kitchen", "office"]);
    let labels: Vec<&str> = config.routes.iter().map(|route| route.label.as_str()).collect();
    assert_eq!(labels, ["everybody", "outside", "from-outside"]);
    assert_eq!((config.routes[1].strip, config.routes[1].prefix.as_str()), (1, "+1"));
}

#[test]
fn every_key_is_in_the_example_and_in_the_reference() {
    let example = fs::read_to_string("docs/tipring.example.toml").expect("the example");
    let reference = fs::read_to_string("docs/CONFIG.md").expect("the reference");
    // An unknown key in each section makes the program name all keys that there are.
    let sections = [
        "gateway", "sip", "sip.tls", "web", "cdr", "card", "line", "span", "user", "trunk",
        "group", "route",
    ];
    let single = ["gateway", "sip", "sip.tls", "web", "cdr"];
    for section in sections {
        let header = if single.contains(&section) {
            format!("[{section}]")
        } else {
            format!("[[{section}]]")
        };
        let complaint = complaint(&format!("{header}\nxyzzyxyzzyxyzzy = 1\n"));
        let keys = complaint.split("hint: it has ").nth(1).expect("the list of keys");
        for key in keys.lines().next().unwrap_or_default().split(", ") {
            let written =
                |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            assert!(example.lines().any(written), "{header} {key} is not in the example");
            assert!(reference.contains(&format!("`{key}`")), "{header} {key} is not in CONFIG.md");
        }
    }
}

#[test]
fn a_problem_shows_file_line_column_source_caret_and_hint() {
    let text = "[gateway]\ncountry = \"us\"\n\n[sip]\nlsiten = [\"udp:127.0.0.1:5060\"]\n";
    assert_eq!(
        complaint(text),
        "test.toml:5:1: [sip] has no key `lsiten`\n\
         5 | lsiten = [\"udp:127.0.0.1:5060\"]\n  | ^^^^^^\n  = hint: did you mean `listen`?\n"
    );
}

#[test]
fn a_syntax_error_is_shown_alone() {
    blames("[gateway]\ncountry = \"us\nnonsense = 1\n", &[""]);
    let shown = complaint("[gateway\n");
    assert!(shown.starts_with("test.toml:1:"), "{shown}");
}

#[test]
fn all_problems_are_shown_at_once() {
    blames(
        "[gatway]\n[gateway]\ncountry = \"xx\"\nfirst_digit_seconds = 0\n[sip]\nlisten = [\"udp:localhost:5060\", 7]\n\
         rtp_ports = \"9-1\"\n",
        &[
            "no section `gatway`",
            "not a known country",
            "out of range",
            "IP address",
            "list of texts",
            "1024",
        ],
    );
}

#[test]
fn names_and_numbers_belong_to_one_only() {
    let card = "[[card]]\nname = \"c\"\ndevice = \"virtual:fxs=4\"\n";
    let line = |name: &str, port: u8, number: &str| {
        format!("[[line]]\nname = \"{name}\"\ncard = \"c\"\nport = {port}\nnumber = \"{number}\"\n")
    };
    let user = "[[user]]\nname = \"102\"\npassword = \"x\"\n";
    let trunk = "[[trunk]]\nname = \"a\"\nuri = \"sip:h\"\n";
    let text = |lines: [String; 2], rest: &str| format!("{card}{}{}{rest}", lines[0], lines[1]);
    blames(&text([line("a", 1, "101"), line("a", 2, "102")], ""), &["another one is called so"]);
    blames(&text([line("a", 1, "101"), line("b", 1, "102")], ""), &["already used by \"a\""]);
    blames(&text([line("a", 1, "101"), line("b", 2, "101")], ""), &["already leads to line \"a\""]);
    blames(
        &text([line("a", 1, "101"), line("b", 2, "102")], user),
        &["already leads to line \"b\""],
    );
    blames(&text([line("a", 1, "101"), line("b", 2, "102")], trunk), &["another one is called so"]);
    blames(&format!("{card}{card}"), &["another card"]);
    blames(&text([line("a", 1, "101"), line("user", 2, "102")], ""), &["word of its own"]);
}

#[test]
fn ports_must_be_on_the_card_and_of_the_right_kind() {
    let port = |what: &str, port: u32| {
        let card = "[[card]]\nname = \"c\"\ndevice = \"virtual:fxs=2,fxo=1,bri=1,pri=1\"\n";
        format!("{card}[[{what}]]\nname = \"x\"\ncard = \"c\"\nport = {port}\n")
    };
    for (number, is_line) in [(1, true), (2, true), (3, true), (4, false), (5, false)] {
        let [line, span] = ["line", "span"].map(|what| Config::parse("t", &port(what, number)));
        assert_eq!((line.is_ok(), span.is_ok()), (is_line, !is_line), "port {number}");
    }
    blames(&port("line", 4), &["port 4 of this card is BRI"]);
    blames(&port("line", 6), &["no port 6"]);
    blames(&port("line", 0), &["out of range"]);
    blames(&port("line", 129), &["out of range"]);
    blames(&(port("span", 5) + "mode = \"ptmp\"\n"), &["one terminal only"]);
    blames("[[line]]\nname = \"x\"\ncard = \"dsk\"\nport = 1\n", &["no card called \"dsk\""]);
    let notes = parse(&port("line", 3)).notes;
    assert!(notes.iter().any(|note| note.contains("FXO")), "{notes:?}");
}

#[test]
fn what_is_missing_is_named() {
    blames("[[card]]\n", &["[[card]] needs `name`", "[[card]] needs `device`"]);
    blames("[[line]]\n", &["needs `name`", "needs `card`", "needs `port`"]);
    blames("[[user]]\nname = \"alice\"\n", &["needs `password`"]);
    blames("[[user]]\nname = \"alice\"\npassword = \"\"\n", &["protects nobody"]);
    blames("[[user]]\nname = \"alice\"\nha1 = \"12\"\n", &["is not a digest"]);
    let both = format!("password = \"x\"\nha1 = \"{}\"\n", "0".repeat(32));
    blames(&format!("[[user]]\nname = \"alice\"\n{both}"), &["is enough"]);
    blames("[[trunk]]\nname = \"p\"\nuri = \"sip:h\"\nregister = true\n", &["needs `username`"]);
    blames("[[route]]\n", &["needs `match`", "needs `to`"]);
    blames("[[group]]\nname = \"g\"\n", &["needs `lines`"]);
}

#[test]
fn a_trunk_has_one_realm_or_several() {
    let trunk = |more: &str| {
        format!(
            "[[trunk]]\nname = \"p\"\nuri = \"sip:h\"\nusername = \"u\"\npassword = \"x\"\n{more}"
        )
    };
    let realms = |more: &str| parse(&trunk(more)).trunks[0].realms.clone();
    assert_eq!(realms("realm = \"a.example\"\n"), ["a.example"]);
    assert_eq!(realms("realm = [\"a.example\", \"Big PBX\"]\n"), ["a.example", "Big PBX"]);
    assert!(realms("register = true\n").is_empty());
    blames(&trunk("realm = \"\"\n"), &["names no realm"]);
    blames(&trunk("realm = []\n"), &["at least one entry"]);
    blames(&trunk(&format!("realm = [{}]\n", "\"r\",".repeat(9))), &["8 realms at most"]);
    for (more, said) in [("", 1), ("realm = \"r\"\n", 0), ("register = true\n", 0)] {
        let notes = parse(&trunk(more)).notes;
        assert_eq!(notes.len(), said, "{notes:?}");
        assert!(notes.iter().all(|note| note.contains("never uses its password")), "{notes:?}");
    }
}

#[test]
fn routes_lead_somewhere_and_come_from_somewhere() {
    let route = |from: &str, to: &str| {
        format!(
            "[[user]]\nname = \"alice\"\npassword = \"x\"\n[[trunk]]\nname = \"provider\"\nuri = \"sip:h\"\n\
             [[route]]\nfrom = \"{from}\"\nmatch = \"9XX.\"\nto = \"{to}\"\n"
        )
    };
    for (from, to) in
        [("any", "provider"), ("user", "user"), ("alice", "user"), ("provider", "user")]
    {
        parse(&route(from, to));
    }
    blames(&route("any", "provder"), &["no line, span, trunk or group called \"provder\""]);
    blames(&route("nobody", "provider"), &["no line, span, trunk or user called \"nobody\""]);
    assert!(complaint(&route("any", "alice")).contains("to = \"user\""));
    assert!(complaint(&route("any", "provder")).contains("did you mean \"provider\"?"));
}

#[test]
fn devices_are_told_apart() {
    let device = |text: &str| {
        let text = format!("[[card]]\nname = \"c\"\ndevice = \"{text}\"\n");
        Config::parse("t", &text).map(|config| config.cards[0].device.clone()).ok()
    };
    assert_eq!(device("/dev/ttyACM0"), Some(Device::Serial("/dev/ttyACM0".into())));
    assert_eq!(device("unix:/run/card"), Some(Device::Unix("/run/card".into())));
    assert_eq!(device("tcp:card.local:7000"), Some(Device::Tcp("card.local".into(), 7000)));
    assert_eq!(device("tcp:[::1]:7000"), Some(Device::Tcp("::1".into(), 7000)));
    let spec = CardSpec { fxs: 4, fxo: 2, bri: 1, pri: 0 };
    assert_eq!(device("virtual:fxs=4, fxo=2, bri=1"), Some(Device::Virtual(spec)));
    assert_eq!(spec.channels(), 8);
    for wrong in [
        "",
        "unix:",
        "tcp:host",
        "tcp:host:0",
        "virtual:",
        "virtual:fxs=129",
        "virtual:fax=1",
        "virtual:fxs=-1",
    ] {
        assert_eq!(device(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_not_served_yet_is_said() {
    let config = parse(
        "[sip]\nlisten = [\"udp:127.0.0.1:5060\", \"ws:[::1]:5080\"]\n[web]\nlisten = \"127.0.0.1:8080\"\n",
    );
    assert_eq!(config.sip.listen[1].transport, Transport::Ws);
    assert_eq!(config.notes, ["the web page is not in service yet"]);
}

#[test]
fn the_gateway_is_told_what_the_file_says() {
    let text = fs::read_to_string("docs/tipring.example.toml").expect("the example");
    let gateway = parse(&text).to_gateway();
    assert_eq!((gateway.sip.domain.as_str(), gateway.sip.ptime_ms), ("example.org", 20));
    assert_eq!(gateway.sip.rtp_ports, 20_000..=20_999);
    assert_eq!(gateway.cards, ["desk"]);
    let names: Vec<&str> = gateway.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["kitchen", "office", "lift"]);
    assert_eq!(gateway.lines[2].fxs.country.code, "uk");
    assert_eq!(gateway.lines[2].fxs.next_digit, Duration::from_secs(8));
    assert_eq!((gateway.users.len(), gateway.trunks.len(), gateway.rules.len()), (3, 1, 3));
    assert_eq!(gateway.trunks[0].uri.to_string(), "sip:sip.example.net");
    assert_eq!(gateway.call.no_answer, Duration::from_secs(120));
    let plain = parse("").to_gateway();
    assert_eq!(plain.sip.domain, "127.0.0.1", "its own address when no domain is named");
}

#[test]
fn every_address_of_a_trunk_that_is_taken_is_one_that_sip_takes() {
    let trunk = |uri: &str| format!("[[trunk]]\nname = \"p\"\nuri = \"{uri}\"\n");
    for (uri, port) in [
        ("sip:h", 5060),
        ("SIP:h:5070", 5070),
        ("sip:192.0.2.1", 5060),
        ("sip:[2001:db8::1]:5070", 5070),
        ("sip:a_b.example", 5060),
        ("sip:h;transport=TCP", 5060),
        ("sip:h:5071;transport=tls", 5071),
        ("sip:h;transport=tls", 5061),
        ("sips:h", 5061),
    ] {
        let config = parse(&trunk(uri));
        assert_eq!(config.trunks[0].uri.port, port, "{uri}");
        let text = config.to_gateway().trunks[0].uri.to_string();
        assert_eq!(text.to_lowercase(), uri.to_lowercase());
    }
    blames(&trunk("sip:h;transport=sctp"), &["other parameters than transport="]);
    blames(&trunk("sip:h;lr"), &["other parameters than transport="]);
    blames(&trunk("sip:h?subject=x"), &["holds header fields"]);
}

#[test]
fn secrets_are_not_shown_when_a_configuration_is_printed() {
    let config = parse(
        "[[user]]\nname = \"alice\"\npassword = \"hunter2\"\n\
         [[trunk]]\nname = \"p\"\nuri = \"sip:h\"\nusername = \"u\"\npassword = \"hunter3\"\n",
    );
    assert!(!format!("{config:?}").contains("hunter"));
}

proptest! {
    #[test]
    fn any_text_is_a_configuration_or_a_report(text in "(\\[{0,2}[a-z]{1,7}\\]{0,2}\n|[a-z_]{1,12} = [^\n]{0,20}\n|.{0,20}\n){0,12}") {
        if let Err(report) = Config::parse("t", &text) {
            prop_assert!(!report.problems.is_empty());
            prop_assert!(!report.to_string().is_empty());
        }
    }

    #[test]
    fn any_value_of_any_key_is_taken_or_blamed(key in 0..8usize, value in ".{0,20}") {
        let (section, key) = [
            ("[sip]", "listen"), ("[sip]", "rtp_ports"), ("[sip]", "advertise"), ("[sip]", "domain"),
            ("[[card]]\nname = \"c\"", "device"), ("[[trunk]]\nname = \"c\"", "uri"),
            ("[[user]]\npassword = \"x\"", "name"), ("[[route]]\nto = \"user\"", "match"),
        ][key];
        let value: String = value.chars().flat_map(char::escape_unicode).collect();
        let value = value.replace("\\u{", "\\U").replace('}', "");
        let value: String = value.split("\\U").skip(1).map(|hex| format!("\\U{hex:0>8}")).collect();
        if let Err(report) = Config::parse("t", &format!("{section}\n{key} = \"{value}\"\n")) {
            prop_assert!(report.problems.len() == 1, "{report}");
        }
    }
}

#[test]
fn a_user_and_a_place_cannot_share_a_name() {
    let card = "[[card]]\nname = \"desk\"\ndevice = \"virtual:fxs=1\"\n";
    let line = "[[line]]\nname = \"kitchen\"\ncard = \"desk\"\nport = 1\n";
    let user = "[[user]]\nname = \"kitchen\"\npassword = \"secret\"\n";
    let trunk = "[[trunk]]\nname = \"kitchen\"\nuri = \"sip:192.0.2.1\"\n";
    // `from = "kitchen"` would mean both.
    blames(&format!("{card}{line}{user}"), &["another one is called so: line kitchen"]);
    blames(&format!("{user}{trunk}"), &["another one is called so: user kitchen"]);
}

#[test]
fn without_a_domain_the_realm_is_an_address_that_peers_can_name() {
    let domain = |sip: &str| parse(&format!("[sip]\n{sip}")).to_gateway().sip.domain;
    assert_eq!(domain("listen = [\"udp:192.0.2.1:5060\"]"), "192.0.2.1");
    assert_eq!(domain("advertise = \"203.0.113.9\""), "203.0.113.9");
    assert_eq!(domain("domain = \"example.org\"\nadvertise = \"203.0.113.9\""), "example.org");
    assert_ne!(domain("listen = [\"udp:0.0.0.0:5060\"]"), "0.0.0.0");
}

#[test]
fn a_trunk_that_registers_may_have_four_proxies_and_another_one() {
    let trunk = |register: bool, proxies: usize| {
        let list = vec!["\"sip:edge.example\""; proxies].join(", ");
        format!(
            "[[trunk]]\nname = \"p\"\nuri = \"sip:p.example\"\nusername = \"u\"\npassword = \"x\"\n\
             register = {register}\nproxy = [{list}]\n"
        )
    };
    assert_eq!(parse(&trunk(true, 4)).trunks[0].proxies.len(), 4);
    assert_eq!(parse(&trunk(false, 1)).trunks[0].proxies.len(), 1);
    let wanted = "up to 4 proxies serve a trunk that registers, else one";
    blames(&trunk(true, 5), &[wanted]);
    blames(&trunk(false, 2), &[wanted]);
}
