//! What phones and strangers get from the registrar, on virtual time.

use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};
use tipring_sip::digest::{Account, Algorithm, Answerer, Attempts, Challenge, Proven, Secret};
use tipring_sip::message::wire::View;
use tipring_sip::message::{
    HeaderName, Message, Method, NameAddr, Request, Response, Status, Transport, Via,
};
use tipring_sip_server::{Config, Output, Registrar, Role, Source, Unbound, User, Verdict};

fn user(name: &str, secret: Secret) -> User {
    User { name: name.to_owned(), secret }
}

fn password(text: &str) -> Secret {
    Secret::Password(text.to_owned())
}

fn registrar() -> Registrar {
    let users = [user("alice", password("secret")), user("bob", password("other"))];
    Registrar::new(Config::default(), "example.org", users, Rng::new(1))
}

fn source(remote: &str) -> Source {
    Source {
        remote: remote.parse().expect("address"),
        local: "192.0.2.254:5060".parse().expect("address"),
        transport: Transport::Udp,
        flow: None,
    }
}

/// A phone that registers.
struct Phone {
    name: &'static str,
    call_id: &'static str,
    cseq: u32,
    from: SocketAddr,
    /// Where it believes to be.
    sent_by: SocketAddr,
    answerer: Answerer,
}

impl Phone {
    fn new(name: &'static str, secret: &str, call_id: &'static str) -> Self {
        let account =
            Account { username: name.to_owned(), secret: password(secret), realms: Vec::new() };
        let from = "198.51.100.7:40000".parse().expect("address");
        Self {
            name,
            call_id,
            cseq: 0,
            from,
            sent_by: from,
            answerer: Answerer::new(account, Rng::new(9)),
        }
    }

    fn request(&mut self, method: Method) -> Request {
        self.cseq += 1;
        let mut request = Request::new(method, "sip:example.org".parse().expect("URI"));
        let address: NameAddr =
            format!("<sip:{}@example.org>", self.name).parse().expect("address");
        let via = Via::new(Transport::Udp, self.sent_by, "z9hG4bK776asdhds");
        request.headers.push(HeaderName::Via, via);
        request.headers.push(HeaderName::MaxForwards, 70);
        request.headers.push(HeaderName::From, address.clone().with_tag("456248"));
        request.headers.push(HeaderName::To, address);
        request.headers.push(HeaderName::CallId, self.call_id);
        let cseq = format!("{} {}", self.cseq, request.method);
        request.headers.push(HeaderName::CSeq, cseq);
        request.headers.push(HeaderName::UserAgent, "Phone/1.0");
        request
    }

    /// Sends a REGISTER with these contacts and Expires, and once more with credentials when asked.
    fn register(
        &mut self,
        registrar: &mut Registrar,
        now: Instant,
        contacts: &[&str],
        expires: Option<u32>,
    ) -> Response {
        let (mut answer, mut attempts) = (None, Attempts::default());
        for _ in 0..2 {
            let mut request = self.request(Method::Register);
            for contact in contacts {
                request.headers.push(HeaderName::Contact, contact);
            }
            if let Some(seconds) = expires {
                request.headers.push(HeaderName::Expires, seconds);
            }
            self.answerer.apply(&mut request);
            let from = self.from.to_string();
            let response = registrar.handle_register(now, &request, source(&from));
            let challenged = response.status == Status::UNAUTHORIZED;
            if !challenged || self.answerer.challenged(&mut attempts, &response).is_err() {
                self.answerer.accepted(&response);
                return response;
            }
            answer = Some(response);
        }
        answer.expect("answered twice")
    }
}

const AT: Instant = Instant::from_millis(10_000);
const CONTACT: &str = "<sip:alice@192.168.1.5:5060>";

fn codes(registrar: &mut Registrar) -> Vec<String> {
    std::iter::from_fn(|| registrar.poll_output())
        .map(|output| match output {
            Output::Registered { user, contact, .. } => format!("+{user} {contact}"),
            Output::Unregistered { user, contact, why: Unbound::Removed } => {
                format!("-{user} {contact}")
            }
            Output::Unregistered { user, contact, why: Unbound::Expired } => {
                format!("!{user} {contact}")
            }
        })
        .collect()
}

fn expires(response: &Response) -> Vec<(String, u32)> {
    let contacts = response.headers.addresses(HeaderName::Contact).expect("contacts");
    contacts.iter().map(|c| (c.uri.to_string(), c.expires().expect("expires"))).collect()
}

#[test]
fn a_phone_registers_is_found_refreshes_and_expires() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    let response = phone.register(&mut registrar, AT, &[CONTACT], None);
    assert_eq!(response.status, Status::OK);
    assert_eq!(expires(&response), [("sip:alice@192.168.1.5:5060".to_owned(), 3600)]);
    let found = registrar.lookup(AT, "alice");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].source, phone.from, "the address behind the NAT is kept");
    assert_eq!(found[0].user_agent, "Phone/1.0");
    assert_eq!(registrar.lookup(AT, "bob"), []);
    let later = AT + Duration::from_secs(3000);
    assert_eq!(phone.register(&mut registrar, later, &[CONTACT], Some(120)).status, Status::OK);
    assert_eq!(registrar.lookup(later, "alice")[0].remaining_seconds(later), 120);
    assert_eq!(registrar.lookup(later, "alice")[0].since, AT);
    let end = registrar.poll_timeout().expect("a deadline");
    assert_eq!(end, later + Duration::from_secs(120));
    registrar.handle_timeout(end);
    assert_eq!(registrar.lookup(end, "alice"), []);
    assert_eq!(registrar.poll_timeout(), None);
    let contact = "sip:alice@192.168.1.5:5060";
    assert_eq!(codes(&mut registrar), [format!("+alice {contact}"), format!("!alice {contact}")]);
    assert_eq!(registrar.to_string(), "registrar of example.org: 2 users, 0 contacts");
}

#[test]
fn a_phone_asks_what_is_bound_and_removes_one_or_all() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    let two = ["<sip:alice@192.0.2.1>;q=0.3", "<sip:alice@192.0.2.2>;expires=600;q=0.9"];
    phone.register(&mut registrar, AT, &two, Some(1800));
    let response = phone.register(&mut registrar, AT + Duration::from_millis(500), &[], None);
    let bound = [("sip:alice@192.0.2.2".to_owned(), 600), ("sip:alice@192.0.2.1".to_owned(), 1800)];
    assert_eq!(expires(&response), bound, "the preferred first");
    let response =
        phone.register(&mut registrar, AT, &["<sip:alice@192.0.2.2>;expires=0"], Some(1800));
    assert_eq!(expires(&response).len(), 1);
    let response = phone.register(&mut registrar, AT, &["*"], Some(0));
    assert_eq!((response.status, expires(&response).len()), (Status::OK, 0));
    assert_eq!(codes(&mut registrar).len(), 4);
    assert_eq!(registrar.poll_timeout(), None);
}

#[test]
fn a_star_must_stand_alone_with_expires_zero() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    phone.register(&mut registrar, AT, &[CONTACT], None);
    for (contacts, expires) in
        [(vec!["*"], None), (vec!["*"], Some(60)), (vec!["*", CONTACT], Some(0))]
    {
        let response = phone.register(&mut registrar, AT, &contacts, expires);
        assert_eq!(response.status, Status::BAD_REQUEST);
    }
    assert_eq!(registrar.lookup(AT, "alice").len(), 1);
}

#[test]
fn too_short_is_423_and_too_long_is_cut() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    let response = phone.register(&mut registrar, AT, &[CONTACT], Some(59));
    assert_eq!(response.status, Status::INTERVAL_TOO_BRIEF);
    assert_eq!(response.headers.min_expires(), Some(60));
    assert_eq!(registrar.lookup(AT, "alice"), []);
    let response = phone.register(&mut registrar, AT, &[CONTACT], Some(4_000_000_000));
    assert_eq!(expires(&response)[0].1, 86_400);
}

#[test]
fn the_eleventh_contact_is_refused_and_changes_nothing() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    for at in 0..10 {
        let contact = format!("<sip:alice@192.0.2.{at}>");
        assert_eq!(phone.register(&mut registrar, AT, &[&contact], None).status, Status::OK);
    }
    let response = phone.register(&mut registrar, AT, &[CONTACT], None);
    assert_eq!(response.status, Status::FORBIDDEN);
    assert_eq!(registrar.lookup(AT, "alice").len(), 10);
    let swap = ["<sip:alice@192.0.2.1>;expires=0", CONTACT];
    assert_eq!(phone.register(&mut registrar, AT, &swap, None).status, Status::OK);
}

#[test]
fn a_request_overtaken_by_its_successor_changes_nothing() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    phone.cseq = 10;
    phone.register(&mut registrar, AT, &[CONTACT], None);
    phone.cseq = 3;
    let response = phone.register(&mut registrar, AT, &["*"], Some(0));
    assert_eq!(response.status, Status::SERVER_INTERNAL_ERROR);
    let response = phone.register(&mut registrar, AT, &[CONTACT], Some(0));
    assert_eq!(response.status, Status::SERVER_INTERNAL_ERROR);
    assert_eq!(registrar.lookup(AT, "alice").len(), 1);
    phone.call_id = "after the reboot";
    assert_eq!(phone.register(&mut registrar, AT, &["*"], Some(0)).status, Status::OK);
}

#[test]
fn a_restarted_phone_replaces_its_old_binding() {
    let (mut registrar, mut phone) = (registrar(), Phone::new("alice", "secret", "a"));
    let instance = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    for port in [5060, 5062, 5064] {
        let contact = format!("<sip:alice@192.0.2.1:{port}>{instance}");
        phone.register(&mut registrar, AT, &[&contact], None);
    }
    let found = registrar.lookup(AT, "alice");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].contact.uri.port(), Some(5064));
}

#[test]
fn strangers_and_wrong_passwords_are_challenged_alike_and_leave_no_trace() {
    let mut registrar = registrar();
    let shape = |response: &Response| {
        let challenges: Vec<_> =
            response.headers.all(&HeaderName::WwwAuthenticate).map(str::len).collect();
        (response.status, response.headers.len(), challenges)
    };
    let mut seen = Vec::new();
    for (name, secret) in [("alice", "wrong"), ("nobody", "wrong"), ("bob", "secret")] {
        let response = Phone::new(name, secret, "x").register(&mut registrar, AT, &[CONTACT], None);
        seen.push(shape(&response));
    }
    assert_eq!(seen[0].0, Status::UNAUTHORIZED);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(registrar.location().is_empty());
    assert_eq!(registrar.counters().challenged, 6);
    assert_eq!(registrar.poll_output(), None);
}

/// Whoever sends the response knows the one that a repetition gets again (RFC 3261 §8.2.7).
#[test]
fn no_response_has_a_tag_by_chance() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    let untagged = |response: &Response| response.headers.to_tag().is_none();
    let request = phone.request(Method::Register);
    let challenge = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    assert_eq!(challenge.status, Status::UNAUTHORIZED);
    assert!(untagged(&challenge), "{:?}", challenge.headers.to());
    assert!(untagged(&phone.register(&mut registrar, AT, &[CONTACT], None)));
    let invite = phone.request(Method::Invite);
    match registrar.authenticate(AT, &invite, Role::Proxy) {
        Verdict::Challenge(challenge) => assert!(untagged(&challenge)),
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn nobody_registers_in_anothers_name() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    phone.register(&mut registrar, AT, &[], None);
    let mut request = phone.request(Method::Register);
    request.headers.set(HeaderName::To, "<sip:bob@example.org>");
    request.headers.push(HeaderName::Contact, CONTACT);
    phone.answerer.apply(&mut request);
    let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    assert_eq!(response.status, Status::FORBIDDEN);
    assert!(registrar.location().is_empty());
}

#[test]
fn a_recorded_register_does_not_serve_twice() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    phone.register(&mut registrar, AT, &[], None);
    let mut request = phone.request(Method::Register);
    request.headers.push(HeaderName::Contact, CONTACT);
    phone.answerer.apply(&mut request);
    let from = source("192.0.2.1:5060");
    assert_eq!(registrar.handle_register(AT, &request, from).status, Status::OK);
    request.headers.set(HeaderName::Contact, "<sip:evil@203.0.113.66>");
    let response = registrar.handle_register(AT, &request, from);
    assert_eq!(response.status, Status::UNAUTHORIZED);
    let challenge = response.headers.first(&HeaderName::WwwAuthenticate).expect("challenge");
    assert!(challenge.contains("stale=true"));
    assert_eq!(registrar.lookup(AT, "alice").len(), 1);
}

#[test]
fn hashed_secrets_are_challenged_with_what_they_can_answer() {
    let ha1 = "c8c3a3a5b1c5b6f1b0f4b6f0f9b0a9a8".to_owned();
    let users = [user("md5", Secret::Ha1(ha1)), user("sha", Secret::Ha1Sha256("00".repeat(32)))];
    let mut registrar = Registrar::new(Config::default(), "example.org", users, Rng::new(1));
    for (name, algorithm) in [("md5", Algorithm::Md5), ("sha", Algorithm::Sha256)] {
        let request = Phone::new(name, "", "x").request(Method::Register);
        let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
        let challenges = Challenge::in_headers(&response.headers, &HeaderName::WwwAuthenticate);
        let offered: Vec<_> = challenges.iter().map(|challenge| challenge.algorithm).collect();
        assert_eq!(offered, [algorithm]);
    }
}

#[test]
fn required_extensions_are_420() {
    let mut registrar = registrar();
    let mut request = Phone::new("alice", "secret", "x").request(Method::Register);
    request.headers.push(HeaderName::Require, "outbound, warp");
    let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    assert_eq!(response.status, Status::BAD_EXTENSION);
    assert_eq!(response.headers.first(&HeaderName::Unsupported), Some("outbound, warp"));
}

#[test]
fn every_method_without_credentials_is_challenged_in_both_roles() {
    let mut registrar = registrar();
    let methods = ["INVITE", "BYE", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO", "REFER"];
    let more = ["SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "FOO"];
    for method in methods.iter().chain(&more) {
        for (role, status) in [(Role::Server, 401), (Role::Proxy, 407)] {
            let method = Method::parse(method.as_bytes()).expect("a method");
            let request = Phone::new("alice", "secret", "x").request(method);
            let Verdict::Challenge(response) = registrar.authenticate(AT, &request, role) else {
                panic!("{} let in as {role:?}", request.method);
            };
            assert_eq!(response.status.code(), status);
        }
    }
}

#[test]
fn a_caller_is_who_the_credentials_say() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    let mut verdict = |from: Option<&str>| {
        for _ in 0..2 {
            let mut request = phone.request(Method::Invite);
            if let Some(from) = from {
                request.headers.set(HeaderName::From, from);
            }
            phone.answerer.apply(&mut request);
            match registrar.authenticate(AT, &request, Role::Proxy) {
                Verdict::Challenge(response) => {
                    phone.answerer.challenged(&mut Attempts::default(), &response).expect("once");
                }
                verdict => {
                    phone.answerer.accepted(&Response::new(&request, Status::OK, None));
                    return verdict;
                }
            }
        }
        panic!("challenged twice");
    };
    assert_eq!(verdict(None), Verdict::Ok("alice".to_owned()));
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1";
    assert_eq!(verdict(Some(anonymous)), Verdict::Ok("alice".to_owned()));
    for other in ["<sip:bob@example.org>;tag=1", "<sip:example.org>;tag=1", "<x:alice>;tag=1"] {
        let Verdict::Forbidden(response) = verdict(Some(other)) else {
            panic!("{other} let in");
        };
        assert_eq!(response.status, Status::FORBIDDEN);
    }
}

#[test]
fn credentials_for_another_target_are_not_taken() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    phone.register(&mut registrar, AT, &[], None);
    let mut request = phone.request(Method::Invite);
    request.uri = "sip:bob@example.org".parse().expect("URI");
    phone.answerer.apply(&mut request);
    request.uri = "sip:00900123@example.org".parse().expect("URI");
    assert!(matches!(registrar.authenticate(AT, &request, Role::Server), Verdict::Challenge(_)));
}

#[test]
fn an_answer_to_a_stranger_is_at_most_one_and_a_half_times_the_question() {
    let mut registrar = registrar();
    let usual = "REGISTER sip:example.org SIP/2.0\r\n\
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-1---5d1f2b;rport\r\n\
        Max-Forwards: 70\r\n\
        Contact: <sip:alice@198.51.100.7:5060>\r\n\
        To: <sip:alice@example.org>\r\n\
        From: <sip:alice@example.org>;tag=5b3a2c1d\r\n\
        Call-ID: 4f1e2d3c4b5a@198.51.100.7\r\n\
        CSeq: 1 REGISTER\r\n\
        Expires: 3600\r\n\
        User-Agent: Phone/1.0\r\n\
        Content-Length: 0\r\n\r\n";
    let bare: String = usual
        .split_inclusive("\r\n")
        .filter(|line| !["Cont", "Expi", "User", "Max-"].iter().any(|s| line.starts_with(s)))
        .collect();
    for bytes in [usual.to_owned(), bare] {
        let message = View::parse(bytes.as_bytes()).expect("framed").to_message().expect("taken");
        let Message::Request(request) = message else {
            panic!("a response");
        };
        let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
        let tag = ";tag=01234567".len();
        let out = (response.to_bytes().len() + tag) as f64;
        assert!(out <= bytes.len() as f64 * 1.5, "{out} octets for {}", bytes.len());
        assert!(response.headers.contains(&HeaderName::WwwAuthenticate));
    }
}

fn offering(digest: &[Algorithm]) -> Registrar {
    let users = [
        user("alice", password("secret")),
        user("md5", Secret::Ha1("c8c3a3a5b1c5b6f1b0f4b6f0f9b0a9a8".to_owned())),
    ];
    let config = Config { digest: digest.to_vec(), ..Config::default() };
    Registrar::new(config, "example.org", users, Rng::new(1))
}

fn offered(registrar: &mut Registrar, name: &'static str) -> Vec<Algorithm> {
    let request = Phone::new(name, "", "x").request(Method::Register);
    let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    let challenges = Challenge::in_headers(&response.headers, &HeaderName::WwwAuthenticate);
    challenges.iter().map(|challenge| challenge.algorithm).collect()
}

#[test]
fn the_configured_hashes_are_offered_in_their_order() {
    let mut registrar = offering(&[Algorithm::Sha512256, Algorithm::Sha256, Algorithm::Md5]);
    let all = [Algorithm::Sha512256, Algorithm::Sha256, Algorithm::Md5];
    assert_eq!(offered(&mut registrar, "alice"), all);
    assert_eq!(offered(&mut registrar, "md5"), [Algorithm::Md5]);
    let mut registrar = offering(&[Algorithm::Sha256]);
    assert_eq!(offered(&mut registrar, "alice"), [Algorithm::Sha256]);
    assert_eq!(offered(&mut registrar, "md5"), [Algorithm::Md5], "what the user has");
}

#[test]
fn credentials_by_a_weaker_hash_than_those_offered_are_refused() {
    for (digest, used, status) in [
        (Algorithm::Sha256, Algorithm::Md5, Status::UNAUTHORIZED),
        (Algorithm::Sha256, Algorithm::Sha512256Sess, Status::OK),
        (Algorithm::Md5, Algorithm::Sha256, Status::OK),
        (Algorithm::Md5, Algorithm::Md5Sess, Status::OK),
    ] {
        let mut registrar = offering(&[digest]);
        let mut phone = Phone::new("alice", "secret", "x");
        let request = phone.request(Method::Register);
        let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
        let mut challenge =
            Challenge::in_headers(&response.headers, &HeaderName::WwwAuthenticate).remove(0);
        challenge.algorithm = used;
        let changed = {
            let mut response = response.clone();
            response.headers.set(HeaderName::WwwAuthenticate, challenge);
            response
        };
        phone.answerer.challenged(&mut Attempts::default(), &changed).expect("served");
        let mut request = phone.request(Method::Register);
        phone.answerer.apply(&mut request);
        let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
        assert_eq!(response.status, status, "{digest} offered, {used} used");
    }
}

#[test]
fn a_user_may_be_named_by_a_hash() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    let request = phone.request(Method::Register);
    let mut response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    let mut challenge =
        Challenge::in_headers(&response.headers, &HeaderName::WwwAuthenticate).remove(0);
    challenge.userhash = true;
    response.headers.set(HeaderName::WwwAuthenticate, challenge);
    phone.answerer.challenged(&mut Attempts::default(), &response).expect("served");
    let mut request = phone.request(Method::Register);
    phone.answerer.apply(&mut request);
    let sent = request.headers.first(&HeaderName::Authorization).expect("credentials");
    assert!(!sent.contains("alice\", realm") && sent.contains("userhash=true"), "{sent}");
    let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    assert_eq!(response.status, Status::OK);
}

#[test]
fn one_of_several_authorization_fields_is_enough() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    phone.register(&mut registrar, AT, &[], None);
    let mut request = phone.request(Method::Register);
    request.headers.push(HeaderName::Contact, CONTACT);
    phone.answerer.apply(&mut request);
    let good = request.headers.first(&HeaderName::Authorization).expect("credentials").to_owned();
    request.headers.remove(&HeaderName::Authorization);
    for other in [
        "Basic YWxpY2U6c2VjcmV0",
        "Digest broken",
        &good.replace("example.org\", nonce", "elsewhere\", nonce"),
        &good.replace("response=\"", "response=\"0"),
    ] {
        request.headers.push(HeaderName::Authorization, other);
    }
    request.headers.push(HeaderName::Authorization, good);
    let response = registrar.handle_register(AT, &request, source("192.0.2.1:5060"));
    assert_eq!(response.status, Status::OK);
}

#[test]
fn the_registrar_proves_itself_to_whom_it_lets_in() {
    let mut registrar = registrar();
    let mut phone = Phone::new("alice", "secret", "x");
    let response = phone.register(&mut registrar, AT, &[CONTACT], None);
    let mut again = phone.request(Method::Register);
    phone.answerer.apply(&mut again);
    assert!(response.headers.contains(&HeaderName::AuthenticationInfo));
    let response = registrar.handle_register(AT, &again, source("192.0.2.1:5060"));
    assert_eq!(phone.answerer.accepted(&response), Proven::Right);
}

#[test]
fn a_contact_is_called_where_it_says_unless_a_nat_was_seen_or_it_asks_otherwise() {
    let listen = [
        (Transport::Udp, "192.0.2.254:5060".parse().expect("address")),
        (Transport::Tcp, "192.0.2.254:5062".parse().expect("address")),
    ];
    let behind = "198.51.100.7:40000";
    let (direct, nat) = (behind, "192.168.1.5:5060");
    for (sent_by, contact, way) in [
        (direct, "<sip:alice@198.51.100.9:5070>", "UDP 192.0.2.254:5060→198.51.100.9:5070"),
        (direct, "<sip:alice@198.51.100.9>", "UDP 192.0.2.254:5060→198.51.100.9:5060"),
        (direct, "<sip:a@198.51.100.9;transport=tcp>", "TCP 192.0.2.254:5062→198.51.100.9:5060"),
        // No NAT, but nothing that we could follow: a name, no socket of the kind, less than what was proven.
        (direct, "<sip:alice@pc.example.org>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (direct, "<sips:alice@198.51.100.9>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (direct, "<sip:alice@[2001:db8::9]>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (direct, "<sip:alice@127.0.0.1>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (direct, "<sip:alice@0.0.0.0>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        // It asks for the way it came (RFC 5626).
        (direct, "<sip:alice@198.51.100.9;ob>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (
            direct,
            "<sip:alice@198.51.100.9>;reg-id=1;+sip.instance=\"<urn:uuid:0>\"",
            "UDP 192.0.2.254:5060→198.51.100.7:40000",
        ),
        (nat, "<sip:alice@192.168.1.5:5060>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        (nat, "<sip:alice@198.51.100.9:5070>", "UDP 192.0.2.254:5060→198.51.100.7:40000"),
        ("198.51.100.7:5060", CONTACT, "UDP 192.0.2.254:5060→198.51.100.7:40000"),
    ] {
        let (mut registrar, mut alice) = (registrar(), Phone::new("alice", "secret", "c1"));
        alice.sent_by = sent_by.parse().expect("address");
        assert_eq!(alice.register(&mut registrar, AT, &[contact], None).status, Status::OK);
        let bindings = registrar.lookup(AT, "alice");
        let path = bindings.first().expect("bound").path(&listen, |_| false);
        assert_eq!(path.to_string(), way, "{contact} of {sent_by}");
    }
}

#[test]
fn a_preference_that_is_none_is_not_told_to_others() {
    let (mut registrar, mut alice) = (registrar(), Phone::new("alice", "secret", "c1"));
    for (q, told) in [("0.7", true), ("1.000", true), ("abc", false), ("1.5", false), ("-1", false)]
    {
        let contact = format!("{CONTACT};q={q}");
        let response = alice.register(&mut registrar, AT, &[&contact], None);
        let answer = response.headers.first(&HeaderName::Contact).expect("a contact").to_owned();
        assert_eq!(answer.contains("q="), told, "{answer}");
    }
}
