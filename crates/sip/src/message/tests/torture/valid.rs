//! RFC 4475 §3.1.1: messages that are odd but right.

use super::messages::valid::*;
use super::*;

#[test]
fn wsinv_is_taken_with_all_its_folds_and_escapes() {
    let request = request(WSINV);
    let headers = &request.headers;
    assert_eq!(request.uri.to_string(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_eq!(headers.to().expect("To").tag(), Some("1918181833n"));
    let from = headers.from().expect("From");
    assert_eq!(from.display.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(headers.max_forwards(), Some(68));
    assert_eq!(headers.cseq(), Ok(CSeq { number: 9, method: Method::Invite }));
    let vias = headers.vias().expect("three Vias");
    let hops: Vec<_> = vias
        .iter()
        .map(|via| (via.transport(), via.host.to_string(), via.branch().expect("a branch")))
        .collect();
    assert_eq!(
        hops,
        [
            (Some(Transport::Udp), "192.0.2.2".to_owned(), "390skdjuw"),
            (Some(Transport::Tcp), "spindle.example.com".to_owned(), "z9hG4bK9ikj8"),
            (Some(Transport::Udp), "192.168.255.111".to_owned(), "z9hG4bK30239"),
        ]
    );
    let contact = headers.contact().expect("Contact");
    assert_eq!(contact.display.as_deref(), Some(r#"Quoted string """#));
    assert_eq!(contact.q().thousandths(), 330);
    assert_eq!(contact.params.value("newparam"), Some("newvalue"));
    assert!(contact.params.contains("secondparam"));
    let route = headers.routes().expect("Route");
    assert!(route[0].uri.is_loose_router());
    assert_eq!(route[0].uri.param("unknownwith").as_deref(), Some("value"));
    assert_eq!(headers.first(&HeaderName::Subject), Some(""));
    let other = |name: &str| headers.first(&HeaderName::parse(name).expect("a name"));
    assert_eq!(other("newfangledheader"), Some("newfangled value continued newfangled value"));
    assert_eq!(other("UnknownHeaderWithUnusualValue"), Some(";;,,;;,;"));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn intmeth_is_taken_with_the_whole_range_of_legal_characters() {
    let request = request(INTMETH);
    assert_eq!(request.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(
        request.uri.user().as_deref(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    let sip = request.uri.as_sip().expect("sip");
    assert_eq!(sip.password().as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    let to = request.headers.to().expect("To");
    assert_eq!(to.display.as_deref(), Some("BEL:  NUL:  DEL:"), "control characters do not pass");
    let from = request.headers.from().expect("From");
    assert_eq!(from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.params.value("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(request.headers.call_id(), Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(request.headers.max_forwards(), Some(255));
    let via = request.headers.top_via().expect("Via");
    assert_eq!(via.branch(), Some("z9hG4bK-.!%66*_+`'~"), "%66 in a branch is no escape");
    let extension = HeaderName::parse("EXTENSIONHEADER-!.%*+_`'~").expect("a name");
    assert_eq!(request.headers.first(&extension), Some("\u{feff}大停電"));
}

#[test]
fn esc01_is_taken_and_each_escape_resolved_once() {
    let request = request(ESC01);
    assert_eq!(request.uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(request.uri.to_string(), "sip:sips%3Auser%40example.com@example.net");
    assert_eq!(request.headers.to().expect("To").uri.to_string(), "sip:user@example.com");
    let from = request.headers.from().expect("From");
    assert_eq!(from.uri.user().as_deref(), Some("I have spaces"));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.user().as_deref(), Some("caller"));
    assert!(contact.uri.is_loose_router());
    let name = contact.uri.param("name");
    assert_eq!(name.as_deref(), Some("value%41"), "escaped twice, once undone");
}

#[test]
fn escnull_is_taken_and_registers_two_users_of_nulls() {
    let request = request(ESCNULL);
    assert_eq!(request.headers.to().expect("To").uri.user().as_deref(), Some("null-\0-null"));
    let contacts = request.headers.addresses(HeaderName::Contact).expect("contacts");
    let users: Vec<_> = contacts.iter().filter_map(|contact| contact.uri.user()).collect();
    assert_eq!(users, ["\0", "\0\0"]);
    let printed = String::from_utf8(request.to_bytes()).expect("text");
    assert!(printed.contains("<sip:%00%00@host5.example.com>") && !printed.contains('\0'));
}

#[test]
fn esc02_is_taken_and_its_percent_signs_are_plain_characters() {
    let request = request(ESC02);
    assert_ne!(request.method, Method::Register, "a different method altogether");
    assert_eq!(request.method.as_str(), "RE%47IST%45R");
    assert_eq!(request.headers.to().expect("To").display.as_deref(), Some("%Z%45"));
    assert_eq!(request.headers.contacts().expect("contacts").len(), 2, "the third is no Contact");
    assert_eq!(request.headers.top_via().expect("Via").branch(), Some("z9hG4bK209%fzsnel234"));
}

#[test]
fn lwsdisp_is_taken_without_a_space_before_the_angle_bracket() {
    let from = request(LWSDISP).headers.from().expect("From");
    assert_eq!(from.display.as_deref(), Some("caller"));
    assert_eq!((from.uri.to_string(), from.tag()), ("sip:caller@example.com".into(), Some("323")));
}

#[test]
fn longreq_is_taken_with_every_long_value() {
    let request = request(LONGREQ);
    let headers = &request.headers;
    let to = headers.to().expect("To");
    assert_eq!(to.display.map(|name| name.len()), Some(103));
    assert_eq!(to.uri.port(), Some(6000));
    assert_eq!(to.uri.param("unknownparam1").map(|value| value.len()), Some(89));
    let from = headers.from().expect("From");
    assert_eq!(from.uri.user().map(|user| user.len()), Some(115));
    assert_eq!(from.tag().map(str::len), Some(155));
    assert_eq!(headers.call_id().map(str::len), Ok(141));
    let vias = headers.vias().expect("Vias");
    assert_eq!(vias.len(), 34);
    assert_eq!(vias[0].host.to_string(), "sip33.example.com");
    assert_eq!(vias[0].branch(), None, "RFC 2543");
    assert_eq!(vias[33].received(), "192.0.2.5".parse().ok());
    assert_eq!(vias[33].branch().map(str::len), Some(215));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn dblreq_is_one_register_and_the_octets_after_it_are_noise() {
    let request = request(DBLREQ);
    assert_eq!(request.method, Method::Register);
    assert_eq!(request.body, b"");
    assert!(!String::from_utf8(request.to_bytes()).expect("text").contains("INVITE"));
}

#[test]
fn semiuri_is_taken_and_its_semicolon_belongs_to_the_user() {
    let request = request(SEMIURI);
    assert_eq!(request.uri.user().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(request.uri.param("par"), None);
    assert_eq!(request.headers.accept().expect("good").map(|ranges| ranges.len()), Some(6));
    assert_eq!(request.headers.accepts("message", "sipfrag"), Ok(true));
}

#[test]
fn transports_is_taken_with_transports_that_nobody_knows() {
    let vias = request(TRANSPORTS).headers.vias().expect("five Vias");
    let words: Vec<_> = vias.iter().map(|via| via.protocol.as_str()).collect();
    assert_eq!(words, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    let known: Vec<_> = vias.iter().map(|via| via.transport().is_some()).collect();
    assert_eq!(known, [true, false, true, false, true]);
}

#[test]
fn mpart01_is_taken_with_both_its_parts_octet_for_octet() {
    let message = accept(MPART01);
    let headers = message.headers();
    assert_eq!(message.body().len(), 553);
    let media = headers.content_type().expect("Content-Type");
    let parts = multipart::Multipart::parse(&media, message.body()).expect("good");
    let [text, signature] = parts.parts() else {
        panic!("two parts");
    };
    assert!(text.content_type().expect("good").is("text/plain"));
    assert_eq!(text.body, b"Hello");
    assert!(signature.content_type().expect("good").is("application/octet-stream"));
    assert_eq!(signature.body.len(), 342);
    assert_eq!(signature.body.iter().filter(|octet| **octet == 0).count(), 2);
    let date = headers.date().expect("good").expect("there");
    assert_eq!(date.unix_seconds(), 1_129_351_496);
}

#[test]
fn unreason_is_taken_with_its_reason_phrase() {
    let response = response(UNREASON);
    assert_eq!(response.status, Status::OK);
    assert_eq!(response.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
}

#[test]
fn noreason_is_taken_with_and_without_the_space_before_nothing() {
    for text in [NOREASON.to_owned(), NOREASON.replacen("100 ", "100", 1)] {
        let response = response(&text);
        assert_eq!((response.status, response.reason.as_str()), (Status::TRYING, ""));
    }
}
