//! Known answers, the ladder of challenge and answer, and what an attacker gets.

mod fields;
mod known_answers;
mod server_proof;

use tipring_core::{Duration, Instant, Rng};

use super::*;
use crate::message::{HeaderName, Headers, Method, Request, Response, Status};

fn account(username: &str, password: &str) -> Account {
    Account {
        username: username.to_owned(),
        secret: Secret::Password(password.to_owned()),
        realms: Vec::new(),
    }
}

fn signed<'a>(method: &'a str, uri: &'a str, body: &'a [u8]) -> Signed<'a> {
    Signed { method, uri, body }
}

fn challenge(text: &str) -> Challenge {
    let mut all = Challenge::parse_all(text.as_bytes()).expect("well-formed");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn hashed_secrets_serve_their_own_algorithm_only() {
    let ha1 = Secret::Ha1("ABCD".to_owned());
    assert!(ha1.serves(Algorithm::Md5Sess) && !ha1.serves(Algorithm::Sha256));
    assert!(ha1.keys("u", "r").serves(Algorithm::Md5));
    let ha1 = Secret::Ha1Sha256("ABCD".to_owned());
    assert!(!ha1.serves(Algorithm::Md5) && ha1.serves(Algorithm::Sha256));
    let plain = Secret::Password("zanzibar".to_owned()).keys("bob", "biloxi.com");
    let hashed = Secret::Ha1(HA1.to_owned()).keys("bob", "biloxi.com");
    assert_eq!(plain.key(Algorithm::Md5), hashed.key(Algorithm::Md5));
}

#[test]
fn no_secret_is_ever_shown() {
    let account = account("bob", "zanzibar");
    let keys = account.secret.keys("bob", "biloxi.com");
    let verifier = Verifier::new("biloxi.com", &mut Rng::new(1));
    let credentials = challenge("Digest realm=\"biloxi.com\", nonce=\"n\"")
        .answer(&account, signed("BYE", "sip:h", b""), 1, String::new())
        .expect("served");
    let shown = format!("{account:?} {keys:?} {verifier:?} {credentials:?}");
    for secret in ["zanzibar", HA1, &credentials.response] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

fn register() -> Request {
    Request::new(Method::Register, "sip:biloxi.com".parse().expect("a URI"))
}

fn refusal(status: Status, challenges: &[Challenge]) -> Response {
    let name = if status == Status::UNAUTHORIZED {
        HeaderName::WwwAuthenticate
    } else {
        HeaderName::ProxyAuthenticate
    };
    let mut headers = Headers::new();
    for challenge in challenges {
        headers.push(name.clone(), challenge);
    }
    Response { status, reason: String::new(), headers, body: Vec::new() }
}

fn credentials(request: &Request) -> Credentials {
    let field = request.headers.one(&HeaderName::Authorization).expect("credentials");
    Credentials::parse(field.as_bytes()).expect("well-formed")
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

/// A client and a server of one account.
struct Pair {
    now: Instant,
    client: Answerer,
    server: Verifier,
    keys: Keys,
    attempts: Attempts,
}

impl Pair {
    fn new(password: &str) -> Self {
        let mut rng = Rng::new(7);
        let server = Verifier::new("biloxi.com", &mut rng);
        let keys = Secret::Password("zanzibar".to_owned()).keys("bob", "biloxi.com");
        let client = Answerer::new(account("bob", password), rng);
        let attempts = Attempts::default();
        Self { now: Instant::from_millis(1000), client, server, keys, attempts }
    }

    fn challenge(&mut self, stale: bool) -> Result<(), Refusal> {
        let challenges = self.server.challenges(self.now, &ALGORITHMS, stale);
        self.client.challenged(&mut self.attempts, &refusal(Status::UNAUTHORIZED, &challenges))
    }

    fn accepted(&mut self) {
        self.client.accepted(&refusal(Status::OK, &[]));
        self.attempts = Attempts::default();
    }

    fn signed(&mut self) -> Credentials {
        let mut request = register();
        self.client.apply(&mut request);
        credentials(&request)
    }

    fn verify(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        self.server.verify(self.now, credentials, "REGISTER", b"", &self.keys, true)
    }
}

#[test]
fn the_strongest_challenge_is_answered_and_counts_go_up() {
    let mut pair = Pair::new("zanzibar");
    let mut request = register();
    pair.client.apply(&mut request);
    assert!(request.headers.is_empty(), "nothing is given away before it is asked for");
    pair.challenge(false).expect("answerable");
    for count in 1..20u32 {
        let credentials = pair.signed();
        assert_eq!(credentials.algorithm, Some(Algorithm::Sha256));
        assert_eq!(credentials.protection, Some(Protection::new(Qop::Auth, count)));
        assert_eq!(pair.verify(&credentials), Ok(()));
    }
}

#[test]
fn a_replayed_count_and_an_old_nonce_are_stale_and_a_new_nonce_serves() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    let first = pair.signed();
    let second = pair.signed();
    assert_eq!(pair.verify(&second), Ok(()));
    assert_eq!(pair.verify(&first), Ok(()), "overtaken on the way, not replayed");
    assert_eq!(pair.verify(&first), Err(Failure::Stale));
    assert_eq!(pair.verify(&second), Err(Failure::Stale));
    pair.now += Duration::from_secs(301);
    let late = pair.signed();
    assert_eq!(pair.verify(&late), Err(Failure::Stale));
    pair.accepted();
    pair.challenge(true).expect("a stale nonce is no refusal");
    let fresh = pair.signed();
    assert_eq!(fresh.protection, Some(Protection::new(Qop::Auth, 1)));
    assert_eq!(pair.verify(&fresh), Ok(()));
}

#[test]
fn a_wrong_password_ends_after_one_answer() {
    let mut pair = Pair::new("wrong");
    pair.challenge(false).expect("answerable");
    let wrong = pair.signed();
    assert_eq!(pair.verify(&wrong), Err(Failure::Wrong));
    assert_eq!(pair.challenge(false), Err(Refusal::WrongCredentials));
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_answered_once_more() {
    let mut pair = Pair::new("zanzibar");
    assert_eq!(pair.challenge(false), Ok(()));
    assert_eq!(pair.challenge(true), Ok(()));
    assert_eq!(pair.challenge(true), Err(Refusal::TooManyAttempts));
    pair.accepted();
    assert_eq!(pair.challenge(true), Ok(()), "the next request begins anew");
}

#[test]
fn another_realm_or_algorithm_is_not_answered() {
    let mut rng = Rng::new(3);
    let mut server = Verifier::new("evil.example", &mut rng);
    let mut own = account("bob", "zanzibar");
    own.realms = vec!["biloxi.com".to_owned()];
    let mut client = Answerer::new(own, rng.fork());
    let challenges = server.challenges(Instant::ZERO, &ALGORITHMS, false);
    let response = refusal(Status::PROXY_AUTHENTICATION_REQUIRED, &challenges);
    let first =
        |client: &mut Answerer, response| client.challenged(&mut Attempts::default(), response);
    assert_eq!(first(&mut client, &response), Err(Refusal::NoUsableChallenge));
    let mut hashed = account("bob", "");
    hashed.secret = Secret::Ha1(HA1.to_owned());
    let mut client = Answerer::new(hashed, rng);
    let sha_only = server.challenges(Instant::ZERO, &[Algorithm::Sha256], false);
    let response = refusal(Status::UNAUTHORIZED, &sha_only);
    assert_eq!(first(&mut client, &response), Err(Refusal::NoUsableChallenge));
    assert_eq!(first(&mut client, &refusal(Status::UNAUTHORIZED, &challenges)), Ok(()));
}

#[test]
fn proxy_and_server_on_one_path_are_both_answered() {
    let mut rng = Rng::new(4);
    let mut client = Answerer::new(account("bob", "zanzibar"), rng.fork());
    let mut attempts = Attempts::default();
    for (realm, status) in
        [("proxy", Status::PROXY_AUTHENTICATION_REQUIRED), ("server", Status::UNAUTHORIZED)]
    {
        let challenges =
            Verifier::new(realm, &mut rng).challenges(Instant::ZERO, &ALGORITHMS, false);
        assert_eq!(client.challenged(&mut attempts, &refusal(status, &challenges)), Ok(()));
    }
    let mut request = register();
    client.apply(&mut request);
    client.apply(&mut request);
    for (name, realm) in
        [(HeaderName::ProxyAuthorization, "proxy"), (HeaderName::Authorization, "server")]
    {
        let field = request.headers.one(&name).expect("once");
        assert_eq!(Credentials::parse(field.as_bytes()).expect("well-formed").realm, realm);
    }
}

#[test]
fn any_change_to_what_was_signed_is_wrong() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    let good = pair.signed();
    let spoil: [fn(&mut Credentials); 6] = [
        |c| c.protection = Some(Protection::new(Qop::Auth, 2)),
        |c| c.uri = "sip:evil".to_owned(),
        |c| c.cnonce = None,
        |c| c.realm = "other".to_owned(),
        |c| c.response.truncate(8),
        |c| c.algorithm = None,
    ];
    for spoil in spoil {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(pair.verify(&bad), Err(Failure::Wrong));
    }
    let keys = pair.keys.clone();
    let unknown = pair.server.verify(pair.now, &good, "REGISTER", b"", &keys, false);
    assert_eq!(unknown, Err(Failure::Wrong), "no such user, even with the right hash");
    let other = pair.server.verify(pair.now, &good, "INVITE", b"", &keys, true);
    assert_eq!(other, Err(Failure::Wrong));
    assert_eq!(pair.server.remembered(), 0, "strangers leave no trace");
    assert_eq!(pair.verify(&good), Ok(()));
}

#[test]
fn a_nonce_of_another_server_is_stale_for_one_who_knows_the_password() {
    let mut pair = Pair::new("zanzibar");
    pair.challenge(false).expect("answerable");
    let credentials = pair.signed();
    pair.server = Verifier::new("biloxi.com", &mut Rng::new(99));
    assert_eq!(pair.verify(&credentials), Err(Failure::Stale), "as after a restart");
}

#[test]
fn without_qop_a_nonce_serves_once() {
    let mut pair = Pair::new("zanzibar");
    let mut challenge = pair.server.challenges(pair.now, &[Algorithm::Md5], false).remove(0);
    challenge.qop_auth = false;
    let account = account("bob", "zanzibar");
    let old =
        challenge.answer(&account, signed("REGISTER", "sip:biloxi.com", b""), 1, String::new());
    let old = old.expect("served");
    assert_eq!((&old.protection, &old.cnonce), (&None, &None));
    assert_eq!(pair.verify(&old), Ok(()));
    assert_eq!(pair.verify(&old), Err(Failure::Stale));
}

#[test]
fn the_table_of_nonces_is_bounded_and_forgetting_does_not_allow_a_replay() {
    let mut pair = Pair::new("zanzibar");
    let mut first = None;
    for _ in 0..4200 {
        let challenge = pair.server.challenges(pair.now, &[Algorithm::Md5], false).remove(0);
        let account = account("bob", "zanzibar");
        let cnonce = "c".to_owned();
        let answer = challenge.answer(&account, signed("REGISTER", "sip:h", b""), 1, cnonce);
        let answer = answer.expect("served");
        assert_eq!(pair.verify(&answer), Ok(()));
        first.get_or_insert(answer);
    }
    assert_eq!(pair.server.remembered(), 4096);
    assert_eq!(pair.verify(&first.expect("one")), Err(Failure::Stale));
    pair.now += Duration::from_secs(400);
    pair.accepted();
    pair.challenge(false).expect("answerable");
    let last = pair.signed();
    assert_eq!((pair.verify(&last), pair.server.remembered()), (Ok(()), 1));
}

#[test]
fn a_nonce_cannot_be_made_up() {
    let mut mint = NonceMint::new(&mut Rng::new(5), Duration::from_secs(10));
    let now = Instant::from_millis(5000);
    let nonce = mint.mint(now);
    assert!(matches!(mint.check(now, &nonce), NonceState::Fresh(_)));
    assert_ne!(nonce, mint.mint(now));
    assert_eq!(mint.check(now + Duration::from_secs(11), &nonce), NonceState::Stale);
    for at in 0..nonce.len() {
        let mut forged = nonce.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("digits");
        assert_eq!(mint.check(now, &forged), NonceState::Foreign);
    }
    for odd in ["", "0", "é", &nonce.to_uppercase(), &format!("{nonce}A"), &format!("+{nonce}")] {
        let known = odd == nonce;
        assert_eq!(mint.check(now, odd) == NonceState::Foreign, !known, "{odd}");
    }
}

const HA1: &str = "12af60467a33e8518da5c68bbff12b11";
