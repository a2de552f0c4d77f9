//! Values that others have printed or worked out.

use super::*;

/// `account`'s answer in the first request with the challenge `text`.
fn answer(
    text: &str,
    username: &str,
    password: &str,
    signed: Signed<'_>,
    cnonce: &str,
) -> Credentials {
    let account = account(username, password);
    challenge(text).answer(&account, signed, 1, cnonce.to_owned()).expect("served")
}

#[test]
fn the_example_of_rfc_2617_comes_out() {
    let text = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let signed = signed("GET", "/dir/index.html", b"");
    let answered = answer(text, "Mufasa", "Circle Of Life", signed, "0a4f113b");
    assert_eq!(answered.response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(answered.opaque.as_deref(), Some("5ccc069c403ebaf9f0171e9517f40e41"));
}

#[test]
fn the_examples_of_rfc_7616_with_md5_and_sha_256_come_out() {
    let text = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=ALGORITHM, \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
         opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let text = text.replace("ALGORITHM", algorithm);
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let signed = signed("GET", "/dir/index.html", b"");
        let answered = answer(&text, "Mufasa", "Circle of Life", signed, cnonce);
        assert_eq!(answered.response, expected);
    }
}

/// RFC 7616 §3.9.2 prints SHA-512 cut to half its length; erratum 4897 has what SHA-512/256 gives.
#[test]
fn the_example_of_rfc_7616_with_sha_512_256_and_userhash_comes_out_as_its_erratum_says() {
    let text = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
         nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
         opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true";
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let signed = signed("GET", "/doe.json", b"");
    let answered = answer(text, "Jäsøn Doe", "Secret, or not?", signed, cnonce);
    assert!(answered.userhash);
    assert_eq!(
        answered.username,
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
    assert_eq!(
        answered.response,
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
}

/// The trace of a DT730 telephone at an SV8300: its digest is right for an empty password.
#[test]
fn the_register_of_the_nec_guide_is_right() {
    let text = "Digest realm=\"CygnusIPS.nec.co.jp\", nonce=\"cdd234bb9ce8bdb1870339930c862133\", \
         opaque=\"f56a5772ab4fc6e06f0c566358840ee3\", stale=false, algorithm=MD5, qop=\"auth\"";
    let printed = Credentials::parse(
        b"Digest response=\"45b90dd4a61841c59c7f3ad82bf9dd85\",nc=00000001,username=\"necsipuser\",\
          realm=\"CygnusIPS.nec.co.jp\",nonce=\"cdd234bb9ce8bdb1870339930c862133\",algorithm=MD5,\
          opaque=\"f56a5772ab4fc6e06f0c566358840ee3\",qop=auth,cnonce=\"24937064\",\
          uri=\"sip:172.16.1.20:5080\"",
    )
    .expect("well-formed");
    let signed = signed("REGISTER", "sip:172.16.1.20:5080", b"");
    assert_eq!(answer(text, "necsipuser", "", signed, "24937064"), printed);
}

/// No password is printed, so the hashes cannot be checked: the forms are read as they stand. One of
/// the two is no hash at all, being 26 digits long, as in RFC 3665 from which it is taken.
#[test]
fn the_challenges_and_credentials_of_the_nttpc_tutorial_are_read() {
    let yamaha = challenge(
        "Digest realm=\"nttpc.com\", domain=\"10.227.109.134\", nonce=\"1046347682\", opaque=\"\", \
         stale=FALSE, algorithm=MD5",
    );
    assert_eq!((yamaha.qop(), yamaha.stale, yamaha.opaque.as_deref()), (None, false, Some("")));
    let answered = Credentials::parse(
        b"Digest username=\"nttpc5369\", realm=\"nttpc.com\",\r\n nonce=\"1046347682\", opaque=\"\", \
          uri=\"10.227.109.134\",\r\n response=\"d2b7b1cbfa020aab7ce6c728b00238d1\"",
    )
    .expect("well-formed");
    assert_eq!((answered.algorithm(), &answered.protection), (Algorithm::Md5, &None));
    let alice = Credentials::parse(
        b"Digest username=\"alice\", realm=\"atlanta.example.com\", \
          nonce=\"wf84f1ceczx41ae6cbe5aea9c8e88d359\", opaque=\"\", uri=\"sip:bob@biloxi.example.com\",\
          response=\"42ce3cef44b22f50c6a6071bc8\"",
    )
    .expect("well-formed");
    let mut verifier = Verifier::new("atlanta.example.com", &mut Rng::new(1));
    let keys = Secret::Password(String::new()).keys("alice", "atlanta.example.com");
    let verdict = verifier.verify(Instant::ZERO, &alice, "INVITE", b"", &keys, true);
    assert_eq!(verdict, Err(Failure::Wrong));
}

#[test]
fn every_algorithm_gives_the_hash_that_another_implementation_gives() {
    // Worked out with Python's hashlib.
    for (algorithm, qop, expected) in [
        ("MD5", Some(Qop::Auth), MD5),
        ("MD5", None, MD5_WITHOUT_QOP),
        ("MD5", Some(Qop::AuthInt), MD5_INT),
        ("MD5-sess", Some(Qop::Auth), MD5_SESS),
        ("MD5-sess", None, MD5_SESS_WITHOUT_QOP),
        ("MD5-sess", Some(Qop::AuthInt), MD5_SESS_INT),
        ("SHA-256", Some(Qop::Auth), SHA_256),
        ("SHA-256", Some(Qop::AuthInt), SHA_256_INT),
        ("SHA-256-sess", Some(Qop::Auth), SHA_256_SESS),
        ("SHA-512-256", Some(Qop::Auth), SHA_512_256),
        ("SHA-512-256", Some(Qop::AuthInt), SHA_512_256_INT),
        ("SHA-512-256-sess", Some(Qop::Auth), SHA_512_256_SESS),
    ] {
        let qop = qop.map(|qop| format!(", qop={qop}")).unwrap_or_default();
        let text = format!(
            "Digest realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
             algorithm={algorithm}{qop}"
        );
        let signed = signed("INVITE", "sip:bob@biloxi.com", b"v=0\r\n");
        let credentials = answer(&text, "bob", "zanzibar", signed, "0a4f113b");
        assert_eq!(credentials.response, expected, "{algorithm}{qop}");
    }
}

const MD5: &str = "89eb0059246c02b2f6ee02c7961d5ea3";
const MD5_WITHOUT_QOP: &str = "bf57e4e0d0bffc0fbaedce64d59add5e";
const MD5_SESS: &str = "e4e4ea61d186d07a92c9e1f6919902e9";
const MD5_SESS_WITHOUT_QOP: &str = "fff17611bcbbf00c9116a2c922dea8e1";
const SHA_256: &str = "b3b5a6c69453abafaab9ae4dccdac90a076b6c80615d5f3498e7433b6e93bf4f";
const SHA_256_SESS: &str = "5da59c9ca40954be9d5063a15a174066c8251be2c10cf47c144c366dc7daf792";
const SHA_512_256: &str = "7f1a09de0f19af0a1eac2b28d33e3f2fb89cca1ad8fb01bba5e1883b288bac14";
const SHA_512_256_SESS: &str = "077d9677be83f41f162d1a4453dc163389919f81e5927391d972f477da767633";
const MD5_INT: &str = "77226bb823dc077c1ad3537415667bae";
const MD5_SESS_INT: &str = "8527c9ab1b4eed3fd75491f811944e26";
const SHA_256_INT: &str = "554a9ffe79ce71c3cb6c9630deddd2787d8033f895e5cdef6a73c8e84ed4c979";
const SHA_512_256_INT: &str = "e9a7fbc1c80a10421c59a0c982f28d40e0ddc7b62ef3dc4faf68f179c6e05922";
