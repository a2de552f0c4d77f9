//! RFC 4475 §3.1.1: messages that are odd but right.

use super::*;
use crate::message::{CSeq, HeaderName, Method, Status};

#[test]
fn a_short_tortuous_invite_is_taken() {
    let request = accept_request(
        r#"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : {len}
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"#,
    );
    assert_eq!(request.headers.to().expect("To").tag(), Some("1918181833n"));
    let from = request.headers.from().expect("From");
    assert_eq!(from.display.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(request.headers.max_forwards(), Some(68));
    assert_eq!(request.headers.cseq(), Ok(CSeq { number: 9, method: Method::Invite }));
    let vias = request.headers.vias().expect("three Vias");
    let branches: Vec<_> = vias.iter().map(|via| via.branch().expect("branch")).collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]);
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.display.as_deref(), Some(r#"Quoted string """#));
    assert_eq!(
        (contact.q_thousandths(), contact.params.value("newparam")),
        (330, Some("newvalue"))
    );
    assert_eq!(request.headers.first(&HeaderName::Subject), Some(""));
    let fangled = HeaderName::parse("newfangledheader").expect("a name");
    assert_eq!(
        request.headers.first(&fangled),
        Some("newfangled value continued newfangled value")
    );
    assert!(request.body.starts_with(b"v=0") && request.body.ends_with(b"LPC\r\n"));
}

#[test]
fn the_wide_range_of_legal_characters_is_taken() {
    let text = "!interesting-Method0123456789_*+`.%indeed'~ \
        sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.\
        (doesn't-it)@example.com SIP/2.0\n\
        Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n\
        To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7F\" \
        <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n\
        From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>\
        ;fromParam''~+*_!.-%=\"\u{440}\u{430}\u{431}\u{43e}\u{442}\u{430}\u{44e}\u{449}\u{438}\u{439}\"\
        ;tag=_token~1'+`*%!-.\n\
        Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n\
        CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n\
        Max-Forwards: 255\n\
        extensionHeader-!.%*+_`'~:\u{fffd}\u{fe0f}\u{4e2d}\n\
        Content-Length: 0\n\n";
    let request = accept_request(text);
    assert_eq!(request.method.as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(
        request.uri.user().as_deref(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    let to = request.headers.to().expect("To");
    assert_eq!(to.display.as_deref(), Some("BEL:  NUL:  DEL:"), "control characters do not pass");
    let from = request.headers.from().expect("From");
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.params.value("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(
        request.headers.top_via().expect("Via").branch(),
        Some("z9hG4bK-.!%66*_+`'~"),
        "a percent sign in a branch is not an escape"
    );
}

#[test]
fn escapes_in_a_user_part_are_resolved_once() {
    let request = accept_request(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: {len}

v=0
",
    );
    assert_eq!(request.uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(request.uri.to_string(), "sip:sips%3Auser%40example.com@example.net");
    assert_eq!(request.headers.to().expect("To").uri.to_string(), "sip:user@example.com");
    let from = request.headers.from().expect("From");
    assert_eq!(from.uri.user().as_deref(), Some("I have spaces"));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.user().as_deref(), Some("caller"));
    assert!(contact.uri.is_loose_router());
    assert_eq!(
        contact.uri.param("name").as_deref(),
        Some("value%41"),
        "escaped twice, once undone"
    );
}

#[test]
fn escaped_nulls_are_users_of_their_own() {
    let request = accept_request(
        "REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;rport;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

",
    );
    assert_eq!(request.headers.to().expect("To").uri.user().as_deref(), Some("null-\0-null"));
    assert_eq!(request.headers.contacts().expect("contacts").len(), 2);
    let printed = String::from_utf8(request.to_bytes()).expect("text");
    assert!(printed.contains("<sip:%00%00@host5.example.com>") && !printed.contains('\0'));
}

#[test]
fn a_percent_sign_that_is_no_escape_is_a_plain_character() {
    let request = accept_request(
        "RE%47IST%45R sip:registrar.example.com SIP/2.0
To: \"%Z%45\" <sip:resource@example.com>
From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

",
    );
    assert_ne!(request.method, Method::Register, "a different method altogether");
    assert_eq!(request.headers.to().expect("To").display.as_deref(), Some("%Z%45"));
    assert_eq!(request.headers.contacts().expect("contacts").len(), 2, "the third is no Contact");
}

#[test]
fn no_space_is_needed_between_name_and_angle_bracket() {
    let request = accept_request(
        "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

",
    );
    assert_eq!(request.headers.from().expect("From").display.as_deref(), Some("caller"));
}

#[test]
fn long_values_are_taken() {
    let long = |word: &str, count: usize| word.repeat(count);
    let text = format!(
        "INVITE sip:user@example.com SIP/2.0
To: \"I have a user name of {name} proportion\"<sip:user@example.com:6000;\
unknownparam1={very}value;longparam{very}name=shortvalue;very{very}ParameterNameWithNoValue>
F: sip:{amazing}caller@example.net;tag=12{tag}982424;unknownheaderparam{very}name=\
unknownheaderparam{very}value
Call-ID: longreq.one{call_id}longcallid
CSeq: 3882340 INVITE
Unknown-{very}-Name: unknown-{very}-value; unknown-{very}-parameter-name = unknown-{very}-parameter-value
Via: SIP/2.0/TCP sip33.example.com
v: SIP/2.0/TCP sip32.example.com
V: SIP/2.0/TCP sip31.example.com
Via: SIP/2.0/TCP sip30.example.com;received=192.0.2.5;branch=very{branch}longbranchvalue
Max-Forwards: 70
Contact: <sip:{amazing}caller@host5.example.net>
Content-Type: application/sdp
l: {{len}}

v=0
",
        name = long("extreme", 30),
        very = long("very", 20),
        amazing = long("amazinglylong", 10),
        tag = long("982424", 50),
        call_id = long("really", 20),
        branch = long("very", 50),
    );
    let request = accept_request(&text);
    assert_eq!(request.headers.vias().expect("Vias").len(), 4);
    assert_eq!(request.headers.top_via().expect("Via").branch(), None, "RFC 2543");
}

#[test]
fn octets_after_the_body_of_a_datagram_are_dropped() {
    let first = wire(
        "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0

",
    );
    let mut both = first.clone();
    both.extend_from_slice(b"INVITE sip:joe@example.com SIP/2.0\r\nt: sip:joe@example.com\r\n\r\n");
    assert_eq!(accept(&both), accept(&first));
    assert_eq!(accept(&first).body(), b"");
}

#[test]
fn semicolons_in_a_user_part_belong_to_the_user() {
    let request = accept_request(
        "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

",
    );
    assert_eq!(request.uri.user().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(request.uri.param("par"), None);
    assert_eq!(request.headers.list(&HeaderName::Accept).count(), 6);
}

#[test]
fn transports_we_do_not_know_are_carried() {
    let request = accept_request(
        "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

",
    );
    let vias = request.headers.vias().expect("five Vias");
    let known: Vec<_> = vias.iter().map(|via| via.transport().is_some()).collect();
    assert_eq!(known, [true, false, true, false, true]);
}

#[test]
fn a_multipart_body_passes_octet_for_octet() {
    let mut bytes = wire(
        "MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport
Max-Forwards: 70
Route: <sip:127.0.0.1:5080>
Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=
Contact: <sip:fluffy@127.0.0.1:5070>
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0dcc9
Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=7a9cbec02ceef655
Date: Sat, 15 Oct 2005 04:44:56 GMT
User-Agent: SIPimp.org/0.2.5 (curses)
",
    );
    let body = b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\n\x30\x82\x00\x01\xFF--";
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    let message = accept(&bytes);
    assert_eq!(message.body(), body);
    let content_type = message.headers().content_type().expect("Content-Type");
    assert!(content_type.is("multipart/mixed"));
    assert_eq!(content_type.params.value("boundary"), Some("7a9cbec02ceef655"));
}

#[test]
fn an_unusual_reason_phrase_is_kept() {
    let response = accept_response(
        "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: {len}
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

v=0
",
    );
    assert_eq!(response.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
}

#[test]
fn an_empty_reason_phrase_is_taken_with_and_without_its_space() {
    for line in ["SIP/2.0 100 ", "SIP/2.0 100"] {
        let response = accept_response(&format!(
            "{line}
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"
        ));
        assert_eq!((response.status, response.reason.as_str()), (Status::TRYING, ""));
    }
}

#[test]
fn an_rfc_2543_invite_is_taken() {
    let request = accept_request(
        "INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
",
    );
    assert_eq!(request.headers.from().expect("From").tag(), None);
    assert!(!request.headers.top_via().expect("Via").has_rfc3261_branch());
    assert!(request.body.ends_with(b"192.0.2.5\r\n"), "without Content-Length: to the end");
}

#[test]
fn a_branch_that_is_only_the_cookie_names_nothing() {
    let request = accept_request(
        "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

",
    );
    assert!(!request.headers.top_via().expect("Via").has_rfc3261_branch());
}

#[test]
fn a_contact_parameter_is_not_a_uri_parameter_and_back() {
    let message = |contact: &str| {
        accept_request(&format!(
            "REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: {contact}
l: 0

"
        ))
    };
    let outside = message("sip:+19725552222@gw1.example.net;unknownparam");
    let outside = outside.headers.contact().expect("Contact");
    assert!(outside.params.contains("unknownparam"));
    assert_eq!(outside.uri.to_string(), "sip:+19725552222@gw1.example.net");
    let inside = message("<sip:+19725552222@gw1.example.net;unknownparam>");
    let inside = inside.headers.contact().expect("Contact");
    assert!(inside.params.is_empty());
    assert!(inside.uri.as_sip().expect("sip").has_param("unknownparam"));
    let escaped = message("<sip:user@example.com?Route=%3Csip:sip.example.com%3E>");
    let escaped = escaped.headers.contact().expect("Contact");
    let headers: Vec<_> = escaped.uri.as_sip().expect("sip").headers().collect();
    assert_eq!(headers, [("Route".into(), "<sip:sip.example.com>".into())]);
}

#[test]
fn unknown_schemes_are_carried_where_they_are_not_the_target() {
    let request = accept_request(
        "REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: unksm2.daksdj@hyphenated-host.example.com
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw
Contact: <name:John_Smith>
l: 0

",
    );
    assert_eq!(request.headers.to().expect("To").uri.to_string(), "isbn:2983792873");
    assert_eq!(request.headers.from().expect("From").uri.scheme(), "http");
}
