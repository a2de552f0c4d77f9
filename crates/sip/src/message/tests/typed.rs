//! The typed fields, with the examples of the RFCs that define them.

use std::fmt;
use std::time::Duration;

use crate::message::*;

/// A header of one field.
fn field(name: &str, value: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::parse(name).expect("a token"), value);
    headers
}

fn malformed<T: fmt::Debug>(result: Result<T, HeaderError>) -> Malformed {
    match result {
        Err(HeaderError::Malformed(_, what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_absent_field_is_none_and_one_that_stands_twice_is_an_error() {
    let mut headers = Headers::new();
    assert_eq!(headers.rseq(), Ok(None));
    headers.push(HeaderName::RSeq, "1");
    headers.push(HeaderName::RSeq, "2");
    assert_eq!(headers.rseq(), Err(HeaderError::Duplicate(HeaderName::RSeq)));
}

#[test]
fn rseq_counts_from_one_to_its_last_and_does_not_wrap() {
    for text in ["0", "4294967296", "-1", "", "1 2", "x"] {
        assert_eq!(malformed(field("RSeq", text).rseq()), Malformed::Number, "{text}");
    }
    let last = field("RSeq", "4294967295").rseq().expect("good").expect("there");
    assert_eq!((last.number(), last.next()), (u32::MAX, None));
    assert_eq!(RSeq::new(1).and_then(RSeq::next), RSeq::new(2));
    assert_eq!(RSeq::new(0), None);
}

#[test]
fn rack_names_the_response_and_its_request() {
    let rack = field("RAck", "776656 1 INVITE").rack().expect("good").expect("there");
    assert_eq!(
        rack,
        RAck { rseq: RSeq::new(776_656).expect("not 0"), cseq: 1, method: Method::Invite }
    );
    assert_eq!(field("RAck", "776656\t 1  INVITE").rack(), Ok(Some(rack)));
    for text in ["776656 INVITE", "776656", "0 1 INVITE", "1 2147483648 INVITE", "1 1 IN VITE", ""]
    {
        malformed(field("RAck", text).rack());
    }
}

#[test]
fn session_expires_tells_interval_and_refresher() {
    let refreshed = |refresher| SessionExpires { seconds: 4000, refresher };
    assert_eq!(field("x", "4000").session_expires(), Ok(Some(refreshed(None))));
    assert_eq!(
        field("Session-Expires", "4000 ; Refresher=UAS;other=1").session_expires(),
        Ok(Some(refreshed(Some(Refresher::Uas))))
    );
    assert_eq!(refreshed(Some(Refresher::Uac)).to_string(), "4000;refresher=uac");
    assert_eq!(Refresher::Uac.other(), Refresher::Uas);
    for text in ["4000;refresher=me", "4000;refresher", "", "4k", ";refresher=uac", "-1"] {
        malformed(field("Session-Expires", text).session_expires());
    }
    assert_eq!(field("Min-SE", "3600;lr").min_se(), Ok(Some(3600)));
    assert_eq!(field("Min-SE", "99999999999999999999999").min_se(), Ok(Some(u32::MAX)));
}

#[test]
fn refer_to_of_rfc_3891_names_the_dialog_to_replace() {
    let text = "<sip:carol@example.com;method=INVITE?Replaces=12345600%40atlanta.example.com%3B\
                to-tag%3D1234567%3Bfrom-tag%3D23431%3Bearly-only&Require=replaces>";
    let refer_to = field("r", text).refer_to().expect("good").expect("there");
    let replaces = refer_to.replaces().expect("good").expect("there");
    assert_eq!(replaces.call_id.as_str(), "12345600@atlanta.example.com");
    assert_eq!((replaces.to_tag.as_str(), replaces.from_tag.as_str()), ("1234567", "23431"));
    assert!(replaces.early_only);
    assert_eq!(refer_to.request_uri().to_string(), "sip:carol@example.com");
    assert_eq!(refer_to.method(), Method::Invite);
    assert_eq!(
        refer_to.uri().as_sip().expect("sip").header("require").as_deref(),
        Some("replaces")
    );
}

#[test]
fn an_attended_transfer_is_written_so_that_it_can_be_read() {
    let replaces = field("Replaces", "a?b&c@h;from-tag=f%20;to-tag=0").replaces();
    let replaces = replaces.expect("good").expect("there");
    let target: Uri = "sips:bob@h;method=BYE".parse().expect("a URI");
    let refer_to = ReferTo::attended(target.clone(), &replaces).expect("a SIP URI");
    let again = ReferTo::parse(refer_to.to_string().as_bytes()).expect("good");
    assert_eq!(again.replaces(), Ok(Some(replaces.clone())));
    assert_eq!(again.method(), Method::Bye);
    assert_eq!(ReferTo::blind(target).replaces(), Ok(None));
    assert_eq!(ReferTo::attended("tel:+1".parse().expect("tel"), &replaces), None);
}

#[test]
fn a_replaces_without_both_tags_is_malformed() {
    for text in ["c@h", "c@h;to-tag=1", "c@h;from-tag=1", "c@h;to-tag;from-tag=1"] {
        assert_eq!(malformed(field("Replaces", text).replaces()), Malformed::MissingParameter);
        malformed(field("Join", text).join());
    }
    for text in [";to-tag=1;from-tag=2", "c d;to-tag=1;from-tag=2", "c;to-tag=\"a b\";from-tag=2"] {
        assert_eq!(malformed(field("Replaces", text).replaces()), Malformed::Token);
    }
    assert_eq!(
        malformed(field("Replaces", "c;to-tag=1;from-tag=2;to-tag=3").replaces()),
        Malformed::Parameter
    );
    let join = field("Join", "c@h;to-tag=1;from-tag=2").join().expect("good").expect("there");
    assert_eq!(join.to_string(), "c@h;to-tag=1;from-tag=2");
    let target = field("Target-Dialog", "c@h;local-tag=1;remote-tag=2").target_dialog();
    assert_eq!(target.expect("good").expect("there").to_string(), "c@h;local-tag=1;remote-tag=2");
}

#[test]
fn referred_by_tells_who_and_where_the_proof_is() {
    let text = "<sip:referror@referror.example>;cid=\"20398823.2UWQFN309shb3@referror.example\"";
    let referred_by = field("b", text).referred_by().expect("good").expect("there");
    assert_eq!(referred_by.uri().to_string(), "sip:referror@referror.example");
    assert_eq!(referred_by.cid(), Some("20398823.2UWQFN309shb3@referror.example"));
    assert_eq!(referred_by.to_string(), text);
    assert_eq!(field("Refer-Sub", "FALSE").refer_sub(), Ok(Some(false)));
    assert_eq!(malformed(field("Refer-Sub", "no").refer_sub()), Malformed::Token);
}

#[test]
fn event_and_its_id_name_a_subscription() {
    let event = field("o", "refer;id=93809824;x=\"y\"").event().expect("good").expect("there");
    assert_eq!((event.package.as_str(), event.params.value("x")), ("refer", Some("y")));
    let mut same = Event::new("refer").expect("a token");
    assert!(!same.matches(&event));
    same.id = event.id.clone();
    assert!(same.matches(&event), "further parameters do not count");
    assert!(!Event::new("Refer").expect("a token").matches(&Event::new("refer").expect("a token")));
    for text in ["", ";id=1", "refer;id", "refer;id=\"a b\"", "two words"] {
        malformed(field("Event", text).event());
    }
}

#[test]
fn subscription_state_tells_how_it_stands_and_what_to_do_when_it_ended() {
    let state = |text: &str| field("Subscription-State", text).subscription_state();
    assert_eq!(
        state("Active;expires=3599"),
        Ok(Some(SubscriptionState::lasting(Substate::Active, 3599)))
    );
    let gone = state("terminated;reason=noresource").expect("good").expect("there");
    assert_eq!(gone, SubscriptionState::terminated(EventReason::NoResource));
    let later =
        state("terminated;retry-after=30;reason=probation;a=b").expect("good").expect("there");
    assert_eq!((later.retry_after, later.params.value("a")), (Some(30), Some("b")));
    let odd = state("frozen;reason=cold").expect("good").expect("there");
    assert_eq!(
        (odd.state.as_str(), odd.reason.map(|r| r.to_string()).as_deref()),
        ("frozen", Some("cold"))
    );
    for text in ["", "active;expires=soon", "active;expires", "terminated;reason=\"a b\""] {
        malformed(state(text));
    }
}

#[test]
fn lists_of_tokens_hold_only_tokens() {
    let events =
        field("u", "dialog, presence.winfo,").allow_events().expect("good").expect("there");
    assert_eq!(events.iter().map(Token::as_str).collect::<Vec<_>>(), ["dialog", "presence.winfo"]);
    assert_eq!(malformed(field("Allow-Events", "a b").allow_events()), Malformed::Token);
    assert_eq!(field("SIP-ETag", "dx200xyz").sip_etag(), Ok(Token::new("dx200xyz")));
    assert_eq!(malformed(field("SIP-If-Match", "\"x\"").sip_if_match()), Malformed::Token);
}

#[test]
fn what_is_required_and_not_known_is_listed_once_more_as_unsupported() {
    let mut headers = field("Require", "100rel, Timer");
    headers.push(HeaderName::Require, "nothingSupportsThis");
    headers.push(HeaderName::Supported, "replaces");
    let unknown = headers.unknown_requirements(&["timer", "100rel"]).expect("tokens");
    assert_eq!(unknown.iter().map(Token::as_str).collect::<Vec<_>>(), ["nothingSupportsThis"]);
    assert!(
        headers.requires("timer") && headers.supports("Replaces") && !headers.supports("timer")
    );
    assert_eq!(headers.option_tags(HeaderName::ProxyRequire), Ok(Vec::new()));
    malformed(field("Require", "a b").unknown_requirements(&[]));
}

#[test]
fn the_closest_range_of_accept_decides() {
    let headers =
        field("Accept", "text/*;q=0.3, text/html;level=1, */*;q=0, application/sdp;q=0.1");
    assert_eq!(headers.accept().expect("good").expect("there").len(), 4);
    for (kind, subtype, welcome) in [
        ("text", "plain", true),
        ("TEXT", "html", true),
        ("application", "sdp", true),
        ("application", "isup", false),
    ] {
        assert_eq!(headers.accepts(kind, subtype), Ok(welcome), "{kind}/{subtype}");
    }
    let silent = Headers::new();
    assert_eq!(silent.accepts("Application", "SDP"), Ok(true));
    assert_eq!(silent.accepts("text", "plain"), Ok(false));
    assert_eq!(field("Accept", "").accepts("application", "sdp"), Ok(false));
    for text in ["*/html", "text", "text/html;q=2", "text/html;q"] {
        malformed(field("Accept", text).accept());
    }
    assert_eq!(QValue::new(1001), None);
}

#[test]
fn routes_are_read_value_by_value() {
    let list = "<sip:a;lr>, \"x,y\" <sip:b;lr>;p=1";
    let routes = field("Route", list).routes().expect("good");
    assert_eq!(
        routes.iter().map(|r| r.uri.to_string()).collect::<Vec<_>>(),
        ["sip:a;lr", "sip:b;lr"]
    );
    assert_eq!(field("Record-Route", list).record_routes(), Ok(routes.clone()));
    assert_eq!(field("Path", list).path(), Ok(routes.clone()));
    assert_eq!(field("Service-Route", list).service_route(), Ok(routes));
    malformed(field("Route", "<sip:a").routes());
    assert_eq!(field("Flow-Timer", "126").flow_timer(), Ok(Some(126)));
}

#[test]
fn an_asserted_identity_is_one_address_one_number_or_one_of_each() {
    let sip = "\"Cullen Jennings\" <sip:fluffy@cisco.com>";
    let mut headers = field("P-Asserted-Identity", sip);
    let one = headers.asserted_identity().expect("good").expect("there");
    assert!(one.tel().is_none() && one.sip().is_some());
    headers.push(HeaderName::PAssertedIdentity, "<tel:+14085264000>");
    let both = headers.asserted_identity().expect("good").expect("there");
    assert_eq!(both.display(), Some("Cullen Jennings"));
    assert_eq!(both.tel().and_then(|tel| tel.uri.user()).as_deref(), Some("+14085264000"));
    assert_eq!(both.addresses().count(), 2);
    headers.push(HeaderName::PAssertedIdentity, "<tel:+14085264001>");
    assert_eq!(malformed(headers.asserted_identity()), Malformed::Count);
    for (text, what) in [
        ("<sip:a@h>, <sips:b@h>", Malformed::Count),
        ("<mailto:a@h>", Malformed::Scheme),
        ("<sip:a@h", Malformed::Uri),
    ] {
        assert_eq!(malformed(field("P-Preferred-Identity", text).preferred_identity()), what);
    }
    assert_eq!(Headers::new().asserted_identity(), Ok(None));
}

#[test]
fn diversion_of_rfc_5806_tells_who_and_why() {
    let text = "<tel:+17137777777>;privacy=off;screen=no;reason=user-busy;counter=1;x=y";
    let mut headers = field("Diversion", text);
    headers.push(HeaderName::Diversion, "<sip:a@h>;reason=\"Moved away\";limit=3;privacy=\"full\"");
    let diversions = headers.diversions().expect("good");
    let [first, second] = diversions.as_slice() else {
        panic!("two");
    };
    assert_eq!(first.reason, Some(DiversionReason::UserBusy));
    assert_eq!((first.counter, first.screen), (Some(1), Some(false)));
    assert_eq!(first.privacy, Some(DiversionPrivacy::Off));
    assert_eq!(
        first.to_string(),
        "<tel:+17137777777>;x=y;reason=user-busy;counter=1;privacy=off;screen=no"
    );
    assert_eq!((second.limit, &second.privacy), (Some(3), &Some(DiversionPrivacy::Full)));
    assert_eq!(second.reason, None);
    assert_eq!(second.address.params.value("reason"), Some("Moved away"), "kept as it is");
    malformed(field("Diversion", "<sip:a@h>;counter=x").diversions());
}

#[test]
fn history_info_of_rfc_7044_tells_each_step() {
    let text = "<sip:bob@example.com>;index=1, \
                <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1.1;rc=1,\
                <sip:carol@example.com;cause=480?Privacy=history>;index=1.2;mp=1";
    let history = field("History-Info", text).history().expect("good");
    let [first, second, third] = history.as_slice() else {
        panic!("three");
    };
    assert_eq!((first.index.numbers(), &first.target), ([1].as_slice(), &None));
    let reason = second.reason().expect("there");
    assert_eq!((reason.cause, reason.text.as_deref()), (Some(302), Some("Moved")));
    assert_eq!(second.target, Some(HistoryTarget::RegisteredContact(first.index.clone())));
    assert_eq!((third.cause(), third.privacy().history), (Some(480), true));
    assert_eq!(third.index.child().expect("deep enough").to_string(), "1.2.1");
    for (text, what) in [
        ("<sip:a@h>", Malformed::MissingParameter),
        ("<sip:a@h>;index=1..2", Malformed::Number),
        ("<sip:a@h>;index=1;rc=1;mp=1", Malformed::Parameter),
    ] {
        assert_eq!(malformed(field("History-Info", text).history()), what, "{text}");
    }
    let deep = format!("<sip:a@h>;index=1{}", ".1".repeat(40));
    assert_eq!(malformed(field("History-Info", &deep).history()), Malformed::Count);
}

#[test]
fn info_uris_stand_in_angle_brackets() {
    let text = "<http://www.example.com/alice/photo.jpg> ;purpose=icon, \
                <http://www.example.com/a,b/> ;purpose=info";
    let infos = field("Call-Info", text).info_uris(HeaderName::CallInfo).expect("good");
    assert_eq!(infos.iter().filter_map(InfoUri::purpose).collect::<Vec<_>>(), ["icon", "info"]);
    assert_eq!(infos[1].to_string(), "<http://www.example.com/a,b/>;purpose=info");
    let ring = field("Alert-Info", "<urn:alert:service:call-waiting>");
    assert_eq!(ring.info_uris(HeaderName::AlertInfo).expect("good").len(), 1);
    for text in ["Bellcore-dr1", "<x>", "<>", "<sip:a@h", "http://h/"] {
        malformed(field("Alert-Info", text).info_uris(HeaderName::AlertInfo));
    }
}

#[test]
fn info_packages_are_listed_with_their_parameters() {
    let packages = field("Recv-Info", "foo;x=1, Bar").recv_info().expect("good").expect("there");
    assert!(packages[1].is("bar"));
    assert_eq!(packages[0].to_string(), "foo;x=1");
    assert_eq!(field("Recv-Info", "").recv_info(), Ok(Some(Vec::new())), "takes none");
    assert_eq!(Headers::new().recv_info(), Ok(None), "says nothing");
    assert!(field("Info-Package", "dtmf").info_package().expect("good").expect("there").is("DTMF"));
}

#[test]
fn a_body_is_required_unless_it_says_that_it_is_optional() {
    let disposition = |text: &str| field("Content-Disposition", text).content_disposition();
    let session = disposition("Session;Handling=OPTIONAL").expect("good").expect("there");
    assert_eq!(session.kind, DispositionType::Session);
    assert!(!session.is_required());
    assert!(disposition("render;x").expect("good").expect("there").is_required());
    assert!(disposition("a;handling=b").expect("good").expect("there").is_required());
    for text in ["", "session;handling", "session;handling=\"a b\""] {
        malformed(disposition(text));
    }
}

#[test]
fn dates_count_seconds_since_1970() {
    for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
        ("Thu, 21 Feb 2002 13:02:03 GMT", 1_014_296_523),
        ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
    ] {
        let date = Date::from_unix_seconds(seconds).expect("in range");
        assert_eq!(field("Date", text).date(), Ok(Some(date)), "{text}");
        assert_eq!(date.to_string(), text);
    }
    for text in [
        "Fri, 01 Jan 2010 16:00:00 EST",
        "Thu, 29 Feb 2001 00:00:00 GMT",
        "Thu, 31 Apr 2001 00:00:00 GMT",
        "Xyz, 01 Jan 2010 16:00:00 GMT",
        "Fri, 01 Jan 2010 24:00:00 GMT",
        "Fri, 01 Jan 2010 16:60:00 GMT",
        "Fri, 01 Jan 2010 16:00 GMT",
        "Fri, 01 Jan 1969 16:00:00 GMT",
        "Fri, 01 Jan 2010 16:00:00 GMT x",
        "01 Jan 2010 16:00:00 GMT",
        "Fri, 00 Jan 2010 16:00:00 GMT",
        "Fri, 01 Jan 10000 16:00:00 GMT",
        "",
    ] {
        assert_eq!(malformed(field("Date", text).date()), Malformed::Date, "{text}");
    }
    assert_eq!(Date::from_unix_seconds(253_402_300_800), None);
}

#[test]
fn timestamps_are_decimal_seconds_with_an_optional_delay() {
    let stamp = |text: &str| field("Timestamp", text).timestamp();
    let half = Duration::from_millis(500);
    assert_eq!(stamp("54"), Ok(Some(Timestamp { sent: Duration::from_secs(54), delay: None })));
    let both = Timestamp { sent: Duration::from_millis(54_210), delay: Some(half) };
    assert_eq!(stamp("54.21  .5"), Ok(Some(both)));
    assert_eq!(both.to_string(), "54.21 0.5");
    assert_eq!(stamp("1.0000000009"), stamp("1."));
    for text in ["", ".5", "x", "1.2.3", "1 2 3", "1 x", "99999999999999999999999999"] {
        assert_eq!(malformed(stamp(text)), Malformed::Number, "{text}");
    }
}

#[test]
fn warnings_of_rfc_3261_tell_code_agent_and_text() {
    let text =
        "307 isi.edu \"Session parameter 'foo' not understood\", 301 [::1]:5060 \"a, \\\"b\\\"\"";
    let warnings = field("Warning", text).warnings().expect("good");
    assert_eq!((warnings[0].code(), warnings[0].agent()), (307, "isi.edu"));
    assert_eq!(warnings[1].text, "a, \"b\"");
    assert_eq!(warnings[1].to_string(), "301 [::1]:5060 \"a, \\\"b\\\"\"");
    for text in ["307 isi.edu", "1812 h \"x\"", "200 h \"x\"", "307 \"x\"", "307 a/b \"x\"", "x"] {
        malformed(field("Warning", text).warnings());
    }
    assert_eq!(Warning::new(200, "h", "x"), None);
    assert_eq!(Warning::new(399, "h x", ""), None);
}

#[test]
fn retry_after_keeps_its_comment_whatever_stands_in_it() {
    let retry = |text: &str| RetryAfter::parse(text.as_bytes());
    let nested = retry("18000 (away; (back \\) soon));duration=60").expect("good");
    assert_eq!(nested.comment.as_deref(), Some("away; (back ) soon)"));
    assert_eq!((nested.seconds, nested.duration_seconds), (18_000, Some(60)));
    assert_eq!(retry(&nested.to_string()), Ok(nested));
    assert_eq!(retry("99999999999"), Ok(RetryAfter::new(u32::MAX)));
    for text in ["", "x", "1 (a", "1 (a\\", "1 (a) b", "1;duration=x", "1 (a))"] {
        assert!(retry(text).is_err(), "{text}");
    }
}

#[test]
fn a_contact_of_a_registrar_tells_flow_and_gruus() {
    let text = "<sip:callee@192.0.2.1>;pub-gruu=\"sip:callee@example.com;gr=urn:uuid:f81d\"\
                ;temp-gruu=\"sip:tgruu.7hs==@example.com;gr\";reg-id=1;expires=3600;q=0.25";
    let contact: NameAddr = text.parse().expect("an address");
    assert_eq!(
        contact.pub_gruu().map(|uri| uri.to_string()).as_deref(),
        Some("sip:callee@example.com;gr=urn:uuid:f81d")
    );
    assert_eq!(
        contact.temp_gruu().and_then(|uri| uri.user().map(String::from)).as_deref(),
        Some("tgruu.7hs==")
    );
    assert_eq!((contact.reg_id(), contact.q()), (Some(1), QValue::new(250).expect("at most 1")));
    for text in ["0", "2147483648", "x", "-1"] {
        let contact: NameAddr = format!("<sip:a@h>;reg-id={text}").parse().expect("an address");
        assert_eq!(contact.reg_id(), None, "{text}");
    }
}
