//! The fields: what is read of them, and that they print as they parse.

use proptest::prelude::{any, prop_assert_eq, prop_compose, proptest};

use super::*;

#[test]
fn several_challenges_in_one_field_are_told_apart() {
    let text = "Basic realm=\"old\", Digest realm=\"a\", nonce=\"1\", algorithm=MD5,qop=\"auth\" , \
         NewFangled x=y, Digest realm=\"b, c\",nonce=abc==,algorithm=SHA-256,qop=\"auth-int,auth\",stale=TRUE, \
         Digest realm=d, nonce=2, algorithm=WHIRLPOOL, Digest realm=e, nonce=3, qop=\"auth-conf\", \
         Digest realm=f, nonce=4, qop=\"auth-int\", userhash=true";
    let all = Challenge::parse_all(text.as_bytes()).expect("well-formed");
    let seen: Vec<_> = all.iter().map(|c| (c.realm.as_str(), c.nonce.as_str(), c.qop())).collect();
    let (auth, int) = (Some(Qop::Auth), Some(Qop::AuthInt));
    assert_eq!(seen, [("a", "1", auth), ("b, c", "abc==", auth), ("f", "4", int)]);
    assert!(all[1].stale && all[1].qop_auth_int && all[2].userhash);
    for text in
        ["Digest", "Digest realm=\"a", "Digest realm=a, realm=b, nonce=1", "=", "Digest nonce=1"]
    {
        assert!(Challenge::parse_all(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn challenges_written_carelessly_are_read() {
    let both = |c: &Challenge| c.qop_auth && c.qop_auth_int;
    for (text, is) in [
        (
            "digest REALM=r, Nonce=n, algorithm=\"md5\", qop=\" auth , auth-int \"",
            both as fn(&_) -> _,
        ),
        ("Digest realm=r, nonce=n, qop=auth,auth-int", both),
        ("Digest qop=auth, auth-int , realm=r, nonce=n", both),
        ("Digest realm=r,nonce=n,qop=auth-int,auth,opaque=\"\"", both),
        ("Digest realm=r, nonce=n, qop=\"\"", |c| c.qop().is_none()),
        ("Digest realm=r, nonce=n, qop=\"token,auth\"", |c| c.qop() == Some(Qop::Auth)),
        ("Digest realm = \"r\" ,\r\n\tnonce = \"n\" ,, stale = \"true\"", |c| c.stale),
        ("Digest realm=r, nonce=n, stale=maybe, new=\"x\"", |c| !c.stale && c.opaque.is_none()),
    ] {
        let challenge = challenge(text);
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("r", "n"), "{text}");
        assert!(is(&challenge), "{text}: {challenge:?}");
    }
    let schemes =
        Challenge::parse_all(b"Digest realm=a, nonce=1, qop=auth, Digest realm=b, nonce=2");
    assert_eq!(schemes.expect("two").len(), 2, "a scheme behind an unquoted list is one");
}

#[test]
fn credentials_print_as_they_parse() {
    for text in [
        "Digest username=\"b\\\"ob\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"00\"",
        "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"00\", \
         algorithm=SHA-256, opaque=\"o\", cnonce=\"c\", qop=auth-int, nc=0000000a, userhash=true",
    ] {
        assert_eq!(Credentials::parse(text.as_bytes()).expect(text).to_string(), text);
    }
    for text in [
        "Basic dXNlcg==",
        "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"sip:h\"",
        "Digest username=\"bob\", username=\"eve\", realm=r, nonce=n, uri=u, response=0",
        "Digest username=\"bob\", username*=UTF-8''eve, realm=r, nonce=n, uri=u, response=0",
        "Digest username*=latin1''eve, realm=r, nonce=n, uri=u, response=0",
        "Digest username*=UTF-8''%f, realm=r, nonce=n, uri=u, response=0",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, qop=auth",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, qop=auth-conf, nc=1, cnonce=c",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, algorithm=ROT13",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, qop=auth, nc=\"1, a=b\", cnonce=c",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, qop=auth, nc=000000001, cnonce=c",
        "Digest username=bob, realm=r, nonce=n, uri=u, response=0, qop=auth, nc=+1, cnonce=c",
    ] {
        assert!(Credentials::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_name_in_extended_notation_is_read() {
    let text =
        b"Digest username*=UTF-8'de'J%c3%a4s%C3%B8n%20Doe, realm=r, nonce=n, uri=u, response=0";
    assert_eq!(Credentials::parse(text).expect("well-formed").username, "Jäsøn Doe");
}

#[test]
fn authentication_info_is_read_with_and_without_its_parts() {
    let whole = "nextnonce=\"n\", qop=auth, rspauth=\"00\", cnonce=\"c\", nc=00000001";
    let info = AuthenticationInfo::parse(whole.as_bytes()).expect("well-formed");
    assert_eq!(info.to_string(), whole);
    let next = AuthenticationInfo::parse(b"nextnonce=abc==").expect("well-formed");
    assert_eq!((next.nextnonce.as_deref(), &next.proof), (Some("abc=="), &None));
    let half = AuthenticationInfo::parse(b"rspauth=\"00\", qop=auth").expect("well-formed");
    assert!(half.is_empty(), "what cannot be checked proves nothing");
    let miscounted = b"rspauth=\"00\", qop=auth, cnonce=\"c\", nc=0000\x08001";
    assert!(AuthenticationInfo::parse(miscounted).expect("well-formed").is_empty());
    for text in ["Digest rspauth=1", "rspauth=\"", "nextnonce=a, nextnonce=b"] {
        assert!(AuthenticationInfo::parse(text.as_bytes()).is_err(), "{text}");
    }
}

/// Text that a field can carry: any but control characters.
const TEXT: &str = "[ -~äøß\u{4e2d}\"\\\\]{0,12}";

prop_compose! {
    fn some_challenge()(
        realm in TEXT, nonce in TEXT, opaque in proptest::option::of(TEXT), algorithm in 0..6usize,
        flags in any::<[bool; 4]>(),
    ) -> Challenge {
        let [qop_auth, qop_auth_int, stale, userhash] = flags;
        let algorithm = Algorithm::ALL[algorithm];
        Challenge { realm, nonce, opaque, algorithm, qop_auth, qop_auth_int, stale, userhash }
    }
}

proptest! {
    #[test]
    fn challenges_print_as_they_parse(challenges in proptest::collection::vec(some_challenge(), 1..4)) {
        let printed: Vec<_> = challenges.iter().map(ToString::to_string).collect();
        prop_assert_eq!(Challenge::parse_all(printed.join(", ").as_bytes()), Ok(challenges));
    }

    #[test]
    fn answers_print_as_they_parse_and_verify(
        mut challenge in some_challenge(), body in any::<Vec<u8>>(), cnonce in TEXT, password in TEXT,
    ) {
        let mut server = Verifier::new(&challenge.realm, &mut Rng::new(1));
        challenge.nonce = server.challenges(Instant::ZERO, &[challenge.algorithm], false)[0].nonce.clone();
        let account = account("Jäsøn", &password);
        let answer = challenge.answer(&account, signed("INVITE", "sip:h", &body), 1, cnonce);
        let answer = answer.expect("served");
        let again = Credentials::parse(answer.to_string().as_bytes());
        prop_assert_eq!(again.as_ref(), Ok(&answer));
        let keys = account.secret.keys("Jäsøn", &challenge.realm);
        let mut verify = |credentials: &Credentials, body: &[u8]| {
            server.verify(Instant::ZERO, credentials, "INVITE", body, &keys, true)
        };
        let other = verify(&answer, b"another body");
        let signed_body = challenge.qop() == Some(Qop::AuthInt) && body != b"another body";
        prop_assert_eq!(other, if signed_body { Err(Failure::Wrong) } else { Ok(()) });
        let same = verify(&answer, &body);
        prop_assert_eq!(same, if other.is_ok() { Err(Failure::Stale) } else { Ok(()) });
    }
}
