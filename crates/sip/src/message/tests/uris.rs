//! URIs: RFC 3261 §19.1's own examples, RFC 3966's, and what is refused.

use crate::message::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|what| panic!("{text}: {what}"))
}

fn tel(text: &str) -> TelUri {
    match uri(text) {
        Uri::Tel(uri) => uri,
        Uri::Sip(_) | Uri::Other(_) => panic!("{text} is no tel: URI"),
    }
}

/// Both directions, and each URI with itself.
fn equivalent(a: &str, b: &str) -> bool {
    let (a, b) = (uri(a), uri(b));
    assert!(a.is_equivalent(&a) && b.is_equivalent(&b));
    assert_eq!(a.is_equivalent(&b), b.is_equivalent(&a), "{a} {b}");
    a.is_equivalent(&b)
}

#[test]
fn the_equivalent_uris_of_rfc_3261_19_1_4_are_equivalent() {
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert!(equivalent(a, b), "{a} {b}");
    }
}

#[test]
fn the_different_uris_of_rfc_3261_19_1_4_are_different() {
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        // "Equality is not transitive": both equal sip:carol@chicago.com.
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ] {
        assert!(!equivalent(a, b), "{a} {b}");
    }
}

#[test]
fn each_rule_of_rfc_3261_19_1_4_counts() {
    for (a, b, same) in [
        ("sip:a@h", "sips:a@h", false),
        ("sip:a:x@h", "sip:a:x@h", true),
        ("sip:a:x@h", "sip:a:X@h", false),
        ("sip:a@h", "sip:h", false),
        ("sip:h", "sip:H", true),
        ("sip:a%3Bb@h", "sip:a;b@h", false),
        ("sip:a%3bb@h", "sip:a%3Bb@h", true),
        ("sip:a%2Db@h", "sip:a-b@h", true),
        ("sip:a@h;user=ip", "sip:a@h", false),
        ("sip:a@h;ttl=1", "sip:a@h", false),
        ("sip:a@h;method=INVITE", "sip:a@h", false),
        ("sip:a@h;maddr=192.0.2.1", "sip:a@h", false),
        ("sip:a@h;lr", "sip:a@h", true),
        ("sip:a@h;lr", "sip:a@h;lr=on", false),
        ("sip:a@h;X=AbC", "sip:a@h;x=aBc", true),
        ("sip:a@h?x=1&x=2", "sip:a@h?X=2&x=1", true),
        ("sip:a@h?x=1&x=1", "sip:a@h?x=1&y=2", false),
        ("sip:a@h?x=1", "sip:a@h?x=1&x=1", false),
        // RFC 5954 §4.2: addresses compare as numbers.
        ("sip:[2001:DB8::1]", "sip:[2001:db8:0::1]", true),
        ("sip:[2001:db8::192.0.2.1]", "sip:[2001:db8::c000:201]", true),
        ("sip:[2001:db8::1]", "sip:[2001:db8::10]", false),
        ("urn:service:sos", "urn:service:sos", true),
        ("urn:service:sos", "urn:service:sos.fire", false),
        ("sip:1@h;user=phone", "tel:1", false),
    ] {
        assert_eq!(equivalent(a, b), same, "{a} {b}");
    }
}

#[test]
fn malformed_uris_are_refused() {
    for text in [
        "",
        ":",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a@h:",
        "sip:a@h:99999",
        "sip:a%4@h",
        "sip:a%GG@h",
        "sip:a b@h",
        "sip:a@h?x",
        "sip:a@b@c",
        "sip:[::1",
        "sip:a@h;=x",
        "sip:a@h;x=",
        "sip:a@h;x=1;X=2",
        "1x:y",
        "x:",
        "sip:a@h<",
        "sip:a\"@h",
        "nocolon",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn a_lone_semicolon_at_the_end_of_a_uri_is_forgiven() {
    assert_eq!(uri("sip:a@h;").to_string(), "sip:a@h");
}

#[test]
fn a_uri_is_made_from_plain_text() {
    let mut uri = Uri::sip("a b@c", std::net::IpAddr::from([192, 0, 2, 1]), Some(5070));
    uri.as_sip_mut().expect("sip").set_param("transport", Some("tcp"));
    assert_eq!(uri.to_string(), "sip:a%20b%40c@192.0.2.1:5070;transport=tcp");
    assert_eq!(uri.transport(), Some(Transport::Tcp));
    assert_eq!(uri.user().as_deref(), Some("a b@c"));
}

#[test]
fn a_header_of_a_uri_is_set_once_and_read_back() {
    let mut uri = SipUri::new("a", "h".parse().expect("a host"), None);
    uri.set_header("Subject", "x");
    uri.set_header("subject", "y & z=1?");
    assert_eq!(uri.to_string(), "sip:a@h?subject=y%20%26%20z%3D1?");
    assert_eq!(uri.header("SUBJECT").as_deref(), Some("y & z=1?"));
    assert_eq!(Uri::parse(uri.to_string().as_bytes()), Ok(Uri::Sip(uri)));
}

#[test]
fn the_examples_of_rfc_3966_6_are_read() {
    let global = tel("tel:+1-201-555-0123");
    assert!(global.is_global());
    assert_eq!((global.number(), &*global.digits()), ("+1-201-555-0123", "+12015550123"));
    let local = tel("tel:7042;phone-context=example.com");
    assert!(!local.is_global());
    let host = "example.com".parse().expect("a host");
    assert_eq!(local.context(), Some(PhoneContext::Domain(host)));
    let local = tel("tel:863-1234;phone-context=+1-914-555");
    assert_eq!(local.context(), Some(PhoneContext::Prefix("+1914555".to_owned())));
    assert_eq!(local.to_string(), "tel:863-1234;phone-context=+1-914-555");
}

#[test]
fn extension_subaddress_and_odd_digits_are_read() {
    let text = "TEL:+1(201)555.0123;EXT=1-2;isub=12%2F34:A;x-y=a%5b[";
    let number = tel(text);
    assert_eq!(number.extension().as_deref(), Some("12"));
    assert_eq!(number.isdn_subaddress().as_deref(), Some("12/34:A"));
    assert_eq!(number.param("X-Y").as_deref(), Some("a[["));
    assert_eq!(number.to_string(), "tel:+1(201)555.0123;isub=12/34:A;ext=1-2;x-y=a[[");
    assert_eq!(tel("tel:*21#aF;phone-context=h").digits(), "*21#aF");
    assert_eq!(tel("tel:110").context(), None, "phones leave the context out");
}

#[test]
fn a_number_prints_its_parameters_in_the_order_of_rfc_3966_3() {
    let number = tel("tel:1;z=1;phone-context=h;a;m-x=1;ext=5;isub=6");
    assert_eq!(number.to_string(), "tel:1;isub=6;ext=5;phone-context=h;a;m-x=1;z=1");
    assert_eq!(number.mandatory_extensions().collect::<Vec<_>>(), ["m-x"]);
    let mut made = TelUri::new("1", Some(&PhoneContext::Prefix("+49".to_owned()))).expect("good");
    made.set_param("b", None).expect("good");
    made.set_param("EXT", Some("7")).expect("good");
    assert_eq!(made.to_string(), "tel:1;ext=7;phone-context=+49;b");
    assert_eq!(made.set_param("ext", Some("x")), Err(Malformed::Parameter));
    assert_eq!(made.extension().as_deref(), Some("7"), "kept");
}

#[test]
fn malformed_numbers_are_refused() {
    for text in [
        "tel:",
        "tel:+",
        "tel:+-()",
        "tel:.",
        "tel:+1*2",
        "tel:+1a",
        "tel:abz",
        "tel:1+2",
        "tel:+1p2",
        "tel:1 2",
        "tel:+1;ext=",
        "tel:+1;ext",
        "tel:+1;ext=x",
        "tel:+1;isub",
        "tel:1;phone-context=",
        "tel:1;phone-context=+",
        "tel:1;phone-context=a/b",
        "tel:1;phone-context=[::1]",
        "tel:+1;=x",
        "tel:+1;a_b=x",
        "tel:+1;a=",
        "tel:+1;a=1;A=2",
        "tel:+1;a=%4",
        "tel:+1%0a2",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn numbers_compare_by_rfc_3966_4() {
    for (a, b, same) in [
        ("tel:+1-201-555-0123", "tel:+1(201)555.0123", true),
        ("tel:+12015550123", "tel:12015550123", false),
        ("tel:1a;phone-context=H", "TEL:1-A;Phone-Context=h", true),
        ("tel:1;phone-context=+1-914", "tel:1;phone-context=+1914", true),
        ("tel:1;phone-context=+1914", "tel:1;phone-context=+1915", false),
        ("tel:1;phone-context=a.example", "tel:1;phone-context=b.example", false),
        ("tel:1;phone-context=h", "tel:1", false),
        ("tel:+1;ext=1-2", "tel:+1;ext=12", true),
        ("tel:+1;ext=12", "tel:+1;ext=13", false),
        ("tel:+1;a=x;b=y", "tel:+1;B=Y;A=X", true),
        ("tel:+1;a=x", "tel:+1", false),
        ("tel:+1;a", "tel:+1;a=x", false),
        ("tel:+1;a=%78", "tel:+1;a=x", true),
    ] {
        assert_eq!(equivalent(a, b), same, "{a} {b}");
    }
}

#[test]
fn a_number_becomes_a_user_as_in_rfc_3261_19_1_6_and_back() {
    let host: Host = "foo.com".parse().expect("a host");
    for (number, sip) in [
        ("tel:+358-555-1234567;postd=pp22", "sip:+358-555-1234567;postd=pp22@foo.com;user=phone"),
        (
            "tel:+358-555-1234567;POSTD=PP22;isub=1411",
            "sip:+358-555-1234567;isub=1411;postd=pp22@foo.com;user=phone",
        ),
        (
            "tel:*21#;phone-context=example.com",
            "sip:*21%23;phone-context=example.com@foo.com;user=phone",
        ),
        ("tel:+1;x=[a:b]", "sip:+1;x=%5Ba%3Ab%5D@foo.com;user=phone"),
    ] {
        let number = tel(number);
        let made = number.to_sip(host.clone(), None);
        assert_eq!(made.to_string(), sip);
        let read = uri(sip).telephone().expect("a number");
        assert!(read.is_equivalent(&number), "{read} {number}");
        assert_eq!(read.to_sip(host.clone(), None), made);
    }
}

#[test]
fn a_sip_user_is_a_number_only_when_it_says_so() {
    assert_eq!(uri("sip:+12@h").telephone(), None);
    assert_eq!(uri("sip:alice@h;user=phone").telephone(), None);
    assert!(matches!(
        uri("sip:alice@h;user=phone").as_sip().and_then(SipUri::telephone),
        Some(Err(Malformed::User))
    ));
    assert_eq!(uri("sip:1-2@h;user=PHONE").telephone().map(|n| n.digits()).as_deref(), Some("12"));
    assert_eq!(uri("tel:+1-2").telephone().map(|n| n.digits()).as_deref(), Some("+12"));
    assert_eq!(uri("sip:h;user=phone").telephone(), None);
}
