//! Authentication-Info: the server's proof and its next nonce.

use super::*;

fn accepted(info: &AuthenticationInfo, proxy: bool, body: &[u8]) -> Response {
    let mut headers = Headers::new();
    let name = if proxy { "Proxy-Authentication-Info" } else { "Authentication-Info" };
    headers.push(HeaderName::parse(name).expect("a token"), info);
    Response { status: Status::OK, reason: String::new(), headers, body: body.to_vec() }
}

/// Worked out with Python's hashlib.
#[test]
fn rspauth_is_the_hash_that_another_implementation_gives() {
    let text = "Digest realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    for (rest, body, expected) in [
        (", qop=\"auth\"", b"v=0\r\n", "9175a7857f138ef9768651f475f1d73a"),
        (
            ", algorithm=SHA-256, qop=\"auth-int\"",
            b"v=0\r\n",
            "644cbd5ca8d478218099905ed0dbd09fd28c69ade241a63c99dcd50324d53a4a",
        ),
    ] {
        let account = account("bob", "zanzibar");
        let signed = signed("INVITE", "sip:bob@biloxi.com", b"");
        let credentials =
            challenge(&format!("{text}{rest}")).answer(&account, signed, 1, "0a4f113b".to_owned());
        let keys = account.secret.keys("bob", "biloxi.com");
        let mut server = Verifier::new("biloxi.com", &mut Rng::new(1));
        let info = server.information(Instant::ZERO, &credentials.expect("served"), body, &keys);
        assert_eq!(info.proof.expect("asked for").rspauth, expected);
    }
}

type Spoil = fn(&mut ServerProof);

#[test]
fn a_server_that_knows_the_secret_is_believed_and_another_is_not() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    let credentials = pair.signed();
    let info = pair.server.information(pair.now, &credentials, b"", &pair.keys);
    assert_eq!(info.nextnonce, None, "the nonce is young");
    assert_eq!(pair.client.accepted(&accepted(&info, false, b"")), Proven::Right);
    assert_eq!(pair.client.accepted(&accepted(&info, true, b"")), Proven::Not, "no proxy asked");
    let spoil: [(Spoil, Proven); 3] = [
        (|proof| proof.rspauth.replace_range(..1, "x"), Proven::Wrong),
        // Of requests that nobody knows of, nobody can tell.
        (|proof| proof.cnonce.push('0'), Proven::Not),
        (|proof| proof.protection = Protection::new(Qop::Auth, 2), Proven::Not),
    ];
    for (spoil, proven) in spoil {
        let mut bad = info.clone();
        spoil(bad.proof.as_mut().expect("one"));
        bad.nextnonce = Some("evil".to_owned());
        assert_eq!(pair.client.accepted(&accepted(&bad, false, b"")), proven);
    }
    assert_ne!(pair.signed().nonce, "evil");
}

#[test]
fn a_server_proves_itself_for_a_request_that_others_were_signed_after() {
    for session in [false, true] {
        let mut pair = Pair::new("zanzibar");
        let algorithm = if session { Algorithm::Sha256Sess } else { Algorithm::Sha256 };
        let challenges = pair.server.challenges(pair.now, &[algorithm], false);
        let response = refusal(Status::UNAUTHORIZED, &challenges);
        pair.client.challenged(&mut pair.attempts, &response).expect("answerable");
        let invite = pair.signed();
        let pracks = [pair.signed(), pair.signed()];
        for credentials in [&pracks[1], &invite, &pracks[0]] {
            let info = pair.server.information(pair.now, credentials, b"", &pair.keys);
            assert_eq!(pair.client.accepted(&accepted(&info, false, b"")), Proven::Right);
        }
        for _ in 0..50 {
            pair.signed();
        }
        let info = pair.server.information(pair.now, &invite, b"", &pair.keys);
        let forgotten = pair.client.accepted(&accepted(&info, false, b""));
        assert_eq!(forgotten, Proven::Not, "only the last few are remembered");
    }
}

#[test]
fn the_next_nonce_is_used_without_another_challenge() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    for _ in 0..5 {
        let credentials = pair.signed();
        assert_eq!(credentials.protection, Some(Protection::new(Qop::Auth, 1)));
        assert_eq!(pair.verify(&credentials), Ok(()));
        pair.now += Duration::from_secs(200);
        let info = pair.server.information(pair.now, &credentials, b"", &pair.keys);
        assert_ne!(info.nextnonce, None, "more than half of its life is over");
        assert_eq!(pair.client.accepted(&accepted(&info, false, b"")), Proven::Right);
    }
}

#[test]
fn a_next_nonce_alone_is_taken_from_the_only_server() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    pair.signed();
    let info = AuthenticationInfo { nextnonce: Some("next".to_owned()), proof: None };
    assert_eq!(pair.client.accepted(&accepted(&info, false, b"")), Proven::Not);
    let next = pair.signed();
    assert_eq!(
        (next.nonce.as_str(), next.protection),
        ("next", Some(Protection::new(Qop::Auth, 1)))
    );
}

#[test]
fn a_session_key_is_made_of_the_first_client_number() {
    let mut pair = Pair::new("zanzibar");
    let challenges = pair.server.challenges(pair.now, &[Algorithm::Sha256Sess], false);
    let response = refusal(Status::UNAUTHORIZED, &challenges);
    pair.client.challenged(&mut pair.attempts, &response).expect("answerable");
    let (first, second) = (pair.signed(), pair.signed());
    assert_eq!(first.cnonce, second.cnonce);
    assert_eq!((pair.verify(&first), pair.verify(&second)), (Ok(()), Ok(())));
}
