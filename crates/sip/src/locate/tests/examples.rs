//! The examples of RFC 3263, and each rule of its §4.1 and §4.2.

use super::*;

/// The zone of RFC 3263 §4.1 and §4.2, with addresses for its servers.
fn example_com(site: &mut Site) {
    site.record(
        "NAPTR example.com",
        3600,
        vec![
            naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com."),
            naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com"),
            naptr(100, 50, "SIP+D2U", "_sip._udp.example.com."),
        ],
    );
    let servers =
        |port| vec![srv(0, 1, port, "server1.example.com"), srv(0, 2, port, "server2.example.com")];
    site.record("SRV _sip._tcp.example.com", 3600, servers(5060));
    site.record("SRV _sip._udp.example.com", 3600, servers(5060));
    site.record("SRV _sips._tcp.example.com", 3600, servers(5061));
    site.host("server1.example.com", &["192.0.2.1"]);
    site.host("server2.example.com", &["192.0.2.2"]);
    site.host("example.com", &["192.0.2.9"]);
}

#[test]
fn a_client_that_speaks_tcp_and_udp_takes_tcp_of_the_example() {
    let mut site = Site::with(1, only(&[Transport::Udp, Transport::Tcp]));
    example_com(&mut site);
    let found = site.locate("sip:user@example.com");
    assert!(found.starts_with("TCP 192.0.2."), "{found}");
    assert!(found.contains("192.0.2.1:5060") && found.contains("192.0.2.2:5060"), "{found}");
    assert_eq!(
        site.asked,
        [
            "NAPTR example.com",
            "SRV _sip._tcp.example.com",
            "A server1.example.com",
            "A server2.example.com"
        ]
        .map(String::from),
        "the second SRV record may come first, and no question is asked that is not needed"
    );
}

#[test]
fn a_client_that_speaks_tls_takes_it_for_a_sip_uri_too() {
    let mut site = Site::new(2);
    example_com(&mut site);
    let found = site.locate("sip:user@example.com");
    assert!(found.starts_with("TLS 192.0.2.") && found.contains(":5061"), "{found}");
}

#[test]
fn the_certificate_must_name_the_uri_s_domain_wherever_the_dns_leads() {
    let mut site = Site::new(3);
    site.record(
        "NAPTR example.com",
        60,
        vec![naptr(1, 1, "SIPS+D2T", "_sips._tcp.hosting.example.net")],
    );
    site.record("SRV _sips._tcp.hosting.example.net", 60, vec![srv(0, 0, 5071, "box.example.net")]);
    site.host("box.example.net", &["203.0.113.5"]);
    let id = site.begin("sips:user@example.com");
    let (_, located) = site.located.iter().find(|(known, _)| *known == id).expect("located");
    let targets = located.as_ref().expect("a target");
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].address.to_string(), "203.0.113.5:5071");
    assert_eq!(targets[0].domain.to_string(), "example.com");
}

#[test]
fn a_sips_uri_takes_nothing_but_tls() {
    let mut site = Site::with(4, only(&[Transport::Udp, Transport::Tcp]));
    example_com(&mut site);
    assert_eq!(site.locate("sips:user@example.com"), "Unreachable");
    assert_eq!(site.locate("sips:192.0.2.1"), "Unreachable");
    let mut site = Site::new(4);
    site.record("NAPTR example.com", 60, vec![naptr(1, 1, "SIP+D2U", "_sip._udp.example.com")]);
    site.record("SRV _sip._udp.example.com", 60, vec![srv(0, 0, 5060, "udp.example.com")]);
    site.host("example.com", &["192.0.2.9"]);
    assert_eq!(site.locate("sips:user@example.com"), "TLS 192.0.2.9:5061");
    assert!(
        Destination::of_uri(&"sips:a@b.example;transport=udp".parse().expect("a URI")).is_err()
    );
}

#[test]
fn what_the_uri_says_is_not_asked() {
    let cases = [
        ("sip:192.0.2.1", "UDP 192.0.2.1:5060"),
        ("sip:192.0.2.1:5070", "UDP 192.0.2.1:5070"),
        ("sip:192.0.2.1;transport=tcp", "TCP 192.0.2.1:5060"),
        ("sip:192.0.2.1;transport=tls", "TLS 192.0.2.1:5061"),
        ("sips:192.0.2.1", "TLS 192.0.2.1:5061"),
        ("sips:192.0.2.1;transport=tcp", "TLS 192.0.2.1:5061"),
        ("sip:192.0.2.1;transport=ws", "WS 192.0.2.1:80"),
        ("sips:192.0.2.1;transport=ws", "WSS 192.0.2.1:443"),
        ("sip:[2001:db8::1]:5070", "UDP [2001:db8::1]:5070"),
        ("sip:u@example.com;maddr=192.0.2.7", "UDP 192.0.2.7:5060"),
        ("sip:u@localhost:5080", "UDP 127.0.0.1:5080"),
    ];
    let mut site = Site::new(5);
    for (uri, target) in cases {
        assert_eq!(site.locate(uri), target, "{uri}");
    }
    assert!(site.asked.is_empty(), "{:?}", site.asked);
}

#[test]
fn a_port_asks_for_addresses_alone() {
    let mut site = Site::new(6);
    example_com(&mut site);
    assert_eq!(site.locate("sip:example.com:5070"), "UDP 192.0.2.9:5070");
    assert_eq!(site.asked, ["A example.com", "AAAA example.com"].map(String::from));
}

#[test]
fn a_transport_asks_for_its_servers_and_then_for_addresses() {
    let mut site = Site::new(7);
    site.host("example.com", &["192.0.2.9"]);
    assert_eq!(site.locate("sip:example.com;transport=tcp"), "TCP 192.0.2.9:5060");
    assert_eq!(site.asked[0], "SRV _sip._tcp.example.com");
    assert_eq!(site.locate("sip:example.com;transport=ws"), "WS 192.0.2.9:80");
    assert_eq!(site.locate("sips:example.com;transport=ws"), "WSS 192.0.2.9:443");
}

#[test]
fn without_naptr_each_transport_s_servers_are_asked_for() {
    let mut site = Site::new(8);
    site.record("SRV _sip._tcp.example.com", 60, vec![srv(0, 0, 5070, "tcp.example.com")]);
    site.record("SRV _sip._udp.example.com", 60, vec![srv(0, 0, 5080, "udp.example.com")]);
    site.host("tcp.example.com", &["192.0.2.1"]);
    site.host("udp.example.com", &["192.0.2.2"]);
    assert_eq!(site.locate("sip:example.com"), "UDP 192.0.2.2:5080, TCP 192.0.2.1:5070");
}

#[test]
fn without_naptr_and_srv_it_is_the_name_itself_at_the_usual_port() {
    let mut site = Site::new(9);
    site.host("example.com", &["192.0.2.9", "2001:db8::9"]);
    assert_eq!(site.locate("sip:example.com"), "UDP [2001:db8::9]:5060, UDP 192.0.2.9:5060");
    assert_eq!(site.locate("sips:example.com"), "TLS [2001:db8::9]:5061, TLS 192.0.2.9:5061");
}

#[test]
fn services_for_browsers_are_found() {
    let mut site = Site::with(10, only(&[Transport::Ws, Transport::Wss]));
    site.record(
        "NAPTR example.com",
        60,
        vec![
            naptr(1, 2, "SIP+D2W", "_sip._ws.example.com"),
            naptr(1, 1, "SIPS+D2W", "_sips._ws.example.com"),
        ],
    );
    site.record("SRV _sip._ws.example.com", 60, vec![srv(0, 0, 8080, "ws.example.com")]);
    site.record("SRV _sips._ws.example.com", 60, vec![srv(0, 0, 8443, "ws.example.com")]);
    site.host("ws.example.com", &["192.0.2.3"]);
    assert_eq!(site.locate("sip:example.com"), "WSS 192.0.2.3:8443, WS 192.0.2.3:8080");
    assert_eq!(site.locate("sips:example.com"), "WSS 192.0.2.3:8443");
}

#[test]
fn a_higher_order_is_out_once_a_lower_one_is_usable() {
    let mut site = Site::new(11);
    site.record(
        "NAPTR example.com",
        60,
        vec![
            naptr(20, 1, "SIP+D2T", "_sip._tcp.example.com"),
            naptr(10, 9, "SIP+D2U", "_sip._udp.example.com"),
            naptr(1, 1, "E2U+sip", "elsewhere.example.com"),
            naptr(1, 1, "SIP+D2S", "_sip._sctp.example.com"),
        ],
    );
    site.record("SRV _sip._udp.example.com", 60, vec![srv(0, 0, 5060, "udp.example.com")]);
    site.host("udp.example.com", &["192.0.2.2"]);
    assert_eq!(site.locate("sip:example.com"), "UDP 192.0.2.2:5060");
    assert!(!site.asked.iter().any(|question| question.contains("_sip._tcp")), "{:?}", site.asked);
}

#[test]
fn a_service_that_is_withheld_is_not_looked_for_elsewhere() {
    let mut site = Site::new(12);
    site.record("SRV _sip._tcp.example.com", 60, vec![srv(0, 0, 0, ".")]);
    site.host("example.com", &["192.0.2.9"]);
    assert_eq!(site.locate("sip:example.com;transport=tcp"), "NotOffered");
    assert_eq!(site.locate("sip:example.com;transport=udp"), "UDP 192.0.2.9:5060");
}

#[test]
fn families_take_turns_within_a_server_and_servers_keep_their_order() {
    let mut site = Site::new(13);
    site.record(
        "SRV _sip._udp.example.com",
        60,
        vec![srv(2, 0, 5060, "b.example.com"), srv(1, 0, 5060, "a.example.com")],
    );
    site.host("a.example.com", &["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    site.host("b.example.com", &["2001:db8::2"]);
    let order = ["[2001:db8::1]", "192.0.2.1", "192.0.2.2", "[2001:db8::2]"];
    let order: Vec<String> = order.iter().map(|address| format!("UDP {address}:5060")).collect();
    assert_eq!(site.locate("sip:example.com;transport=udp"), order.join(", "));
}

#[test]
fn a_family_that_we_have_no_socket_for_is_not_asked_for() {
    let mut site = Site::with(14, only(&[Transport::Udp]));
    site.host("example.com", &["2001:db8::9", "192.0.2.9"]);
    assert_eq!(site.locate("sip:example.com:5060"), "UDP 192.0.2.9:5060");
    assert_eq!(site.asked, ["A example.com".to_owned()]);
    site.host("six.example.com", &["2001:db8::9"]);
    assert_eq!(site.locate("sip:six.example.com:5060"), "NoSuchName");
    assert_eq!(site.locate("sip:[2001:db8::9]"), "Unreachable");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let refused = [
        ("mailto:a@b.example", Unlocated::NotSip),
        ("tel:+15551234", Unlocated::NotSip),
        ("sip:a@b.example;transport=sctp", Unlocated::NoSuchTransport),
        ("sip:a@df7jal23ls0d.invalid;transport=ws", Unlocated::NoSuchName),
        ("sip:a@b..example", Unlocated::NoSuchName),
    ];
    for (uri, reason) in refused {
        let uri: Uri = uri.parse().expect("a URI");
        assert_eq!(Destination::of_uri(&uri), Err(reason), "{uri}");
    }
}

#[test]
fn reasons_are_told_apart() {
    let mut site = Site::new(15);
    assert_eq!(site.locate("sip:nobody.example:5060"), "NoSuchName");
    site.answer("A empty.example", Answer::NoData { ttl: None });
    assert_eq!(site.locate("sip:empty.example:5060"), "NoAddress");
    site.answer("A broken.example", Answer::Failed(Failure::Server));
    assert_eq!(site.locate("sip:broken.example:5060"), "Unanswered");
    // One family is enough.
    site.answer("AAAA half.example", Answer::Failed(Failure::Server));
    site.host("half.example", &["192.0.2.5"]);
    assert_eq!(site.locate("sip:half.example:5060"), "UDP 192.0.2.5:5060");
}

#[test]
fn a_forwarder_that_knows_no_srv_records_is_no_obstacle() {
    let mut site = Site::new(16);
    for question in ["NAPTR old.example", "SRV _sip._udp.old.example", "SRV _sip._tcp.old.example"]
    {
        site.answer(question, Answer::Failed(Failure::Refused));
    }
    site.host("old.example", &["192.0.2.5"]);
    assert_eq!(site.locate("sip:old.example"), "UDP 192.0.2.5:5060");
    // But silence is no refusal: the servers may well be elsewhere.
    site.answer("SRV _sip._udp.new.example", Answer::Failed(Failure::Timeout));
    site.host("new.example", &["192.0.2.6"]);
    assert_eq!(site.locate("sip:new.example"), "Unanswered");
}
