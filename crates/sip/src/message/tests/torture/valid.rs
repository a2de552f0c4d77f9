//! RFC 4475 §3.1.1: messages that are odd but right.

use super::*;

pub(super) const MESSAGES: &[(&str, &str)] = &[
    ("wsinv", WSINV),
    ("intmeth", INTMETH),
    ("esc01", ESC01),
    ("escnull", ESCNULL),
    ("esc02", ESC02),
    ("lwsdisp", LWSDISP),
    ("longreq", LONGREQ),
    ("dblreq", DBLREQ),
    ("semiuri", SEMIURI),
    ("transports", TRANSPORTS),
    ("unreason", UNREASON),
    ("noreason", NOREASON),
];

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

const WSINV: &str = r#"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
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
"#;

const INTMETH: &str = "\
    !interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\n\
    Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n\
    To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n\
    From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.\n\
    Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n\
    CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n\
    Max-Forwards: 255\n\
    extensionHeader-!.%*+_`'~:\u{feff}大停電\n\
    Content-Length: 0\n\
    \n";

const ESC01: &str = "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const ESCNULL: &str = "REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

";

const ESC02: &str = r#"RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

"#;

const LWSDISP: &str = "OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

";

const LONGREQ: &str = r#"INVITE sip:user@example.com SIP/2.0
To: "I have a user name of extremeextremeextremeextremeextremeextremeextremeextremeextremeextreme proportion"<sip:user@example.com:6000;unknownparam1=verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongvalue;longparamnamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename=shortvalue;verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongParameterNameWithNoValue>
F: sip:amazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallername@example.net;tag=12982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982982424;unknownheaderparamnamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename=unknowheaderparamvaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevalue;unknownValuelessparamnameparamnameparamnameparamnameparamnameparamnameparamnameparamnameparamnameparamname
Call-ID: longreq.onereallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallylongcallid
CSeq: 3882340 INVITE
Unknown-LongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLong-Name: unknown-longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong-value; unknown-longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong-parameter-name = unknown-longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong-parameter-value
Via: SIP/2.0/TCP sip33.example.com
v: SIP/2.0/TCP sip32.example.com
V: SIP/2.0/TCP sip31.example.com
Via: SIP/2.0/TCP sip30.example.com
ViA: SIP/2.0/TCP sip29.example.com
VIa: SIP/2.0/TCP sip28.example.com
VIA: SIP/2.0/TCP sip27.example.com
via: SIP/2.0/TCP sip26.example.com
viA: SIP/2.0/TCP sip25.example.com
vIa: SIP/2.0/TCP sip24.example.com
vIA: SIP/2.0/TCP sip23.example.com
V :  SIP/2.0/TCP sip22.example.com
v :  SIP/2.0/TCP sip21.example.com
V  : SIP/2.0/TCP sip20.example.com
v  : SIP/2.0/TCP sip19.example.com
Via : SIP/2.0/TCP sip18.example.com
Via  : SIP/2.0/TCP sip17.example.com
Via: SIP/2.0/TCP sip16.example.com
Via: SIP/2.0/TCP sip15.example.com
Via: SIP/2.0/TCP sip14.example.com
Via: SIP/2.0/TCP sip13.example.com
Via: SIP/2.0/TCP sip12.example.com
Via: SIP/2.0/TCP sip11.example.com
Via: SIP/2.0/TCP sip10.example.com
Via: SIP/2.0/TCP sip9.example.com
Via: SIP/2.0/TCP sip8.example.com
Via: SIP/2.0/TCP sip7.example.com
Via: SIP/2.0/TCP sip6.example.com
Via: SIP/2.0/TCP sip5.example.com
Via: SIP/2.0/TCP sip4.example.com
Via: SIP/2.0/TCP sip3.example.com
Via: SIP/2.0/TCP sip2.example.com
Via: SIP/2.0/TCP sip1.example.com
Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglongbranchvalue
Max-Forwards: 70
Contact: <sip:amazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallernameamazinglylongcallername@host5.example.net>
Content-Type: application/sdp
l: 150

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"#;

const DBLREQ: &str = "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234
Content-Type: application/sdp
Content-Length: 150

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.15
s=-
c=IN IP4 192.0.2.15
t=0 0
m=audio 49217 RTP/AVP 0 12
m =video 3227 RTP/AVP 31
a=rtpmap:31 LPC

";

const SEMIURI: &str = "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
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

";

const TRANSPORTS: &str = "OPTIONS sip:user@example.com SIP/2.0
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

";

pub(super) const MPART01: &[u8] = b"\
    MESSAGE sip:kumiko@example.org SIP/2.0\r\n\
    Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport\r\n\
    Max-Forwards: 70\r\n\
    Route: <sip:127.0.0.1:5080>\r\n\
    Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+8\
    13gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhk\
    MWYUA=\r\n\
    Contact: <sip:fluffy@127.0.0.1:5070>\r\n\
    To: <sip:kumiko@example.org>\r\n\
    From: <sip:fluffy@example.com>;tag=2fb0dcc9\r\n\
    Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..\r\n\
    CSeq: 1 MESSAGE\r\n\
    Content-Transfer-Encoding: binary\r\n\
    Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\r\n\
    Date: Sat, 15 Oct 2005 04:44:56 GMT\r\n\
    User-Agent: SIPimp.org/0.2.5 (curses)\r\n\
    Content-Length: 553\r\n\
    \r\n\
    --7a9cbec02ceef655\r\n\
    Content-Type: text/plain\r\n\
    Content-Transfer-Encoding: binary\r\n\
    \r\n\
    Hello\r\n\
    --7a9cbec02ceef655\r\n\
    Content-Type: application/octet-stream\r\n\
    Content-Transfer-Encoding: binary\r\n\
    \r\n\
    0\x82\x01R\x06\x09*\x86H\x86\xf7\r\x01\x07\x02\xa0\x82\x01C0\x82\x01?\x02\x01\x011\x090\
    \x07\x06\x05+\x0e\x03\x02\x1a0\x0b\x06\x09*\x86H\x86\xf7\r\x01\x07\x011\x82\x01 0\
    \x82\x01\x1c\x02\x01\x010|0p1\x0b0\x09\x06\x03U\x04\x06\x13\x02US1\x130\x11\x06\x03U\
    \x04\x08\x13\nCalifornia1\x110\x0f\x06\x03U\x04\x07\x13\x08San Jose1\x0e0\x0c\x06\x03U\
    \x04\n\x13\x05sipit1)0'\x06\x03U\x04\x0b\x13 Sipit Test Certificate Authority\
    \x02\x08\x01\x95\x00q\x023\x01\x130\x07\x06\x05+\x0e\x03\x02\x1a0\r\x06\x09*\x86H\
    \x86\xf7\r\x01\x01\x01\x05\x00\x04\x81\x80\x8e\xf4f\xf9H\xf0R-\
    \xd2\xe5\x97\x8e\x9d\x95\xaa\xe9\xf2\xfe\x15\xa0fYqb\x92\xe8\xda*\xa8\xd85\
    \nh\xce\xff\xae<\xbd+\xff\x16u\xdd\xd5d\x8eY=\xd6G(\xf2b \xf7\xe9At\x9e3\
    \r\x9a\x15\xed\xab\xdb\x93\xd1\x0cB\x10.{r\x89\xd2\x9c\xc0\xc9\xae.\
    \xfb\xc7\xc0\xcf\xf9\x17/;\x02~O\xc0'\xe1Tm\xe4\xb6\xaa:\xbb>f\xcc\xcb]\xd6\xc6K\
    \x83\x83\x14\x9c\xb8\xe6\xff\x18-\x94O\xe5{e\xbc\x99\xd0\x05\r\n\
    --7a9cbec02ceef655--\r\n";

const UNREASON: &str = "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.198
s=-
c=IN IP4 192.0.2.198
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
";

const NOREASON: &str = "SIP/2.0 100 
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

";
