//! Octets from the network as challenges, credentials and Authentication-Info: nothing panics, what is read prints to the
//! same value, what is answered verifies, and nobody is let in who does not know the password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_core::{Instant, Rng};
use tipring_fuzz::in_time;
use tipring_sip::digest::{
    Account, AuthenticationInfo, Challenge, Credentials, Secret, Signed, Verifier,
};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    if let Ok(challenges) = Challenge::parse_all(bytes) {
        for challenge in challenges {
            let printed = challenge.to_string();
            assert_eq!(Challenge::parse_all(printed.as_bytes()), Ok(vec![challenge.clone()]));
            answer(&challenge, bytes);
        }
    }
    if let Ok(credentials) = Credentials::parse(bytes) {
        let printed = credentials.to_string();
        assert_eq!(Credentials::parse(printed.as_bytes()).as_ref(), Ok(&credentials));
        let mut server = Verifier::new(&credentials.realm, &mut Rng::new(1));
        let keys = Secret::Password("unknown to libFuzzer".to_owned())
            .keys(&credentials.username, &credentials.realm);
        let verdict = server.verify(Instant::ZERO, &credentials, "INVITE", bytes, &keys, true);
        assert!(verdict.is_err() && server.remembered() == 0);
    }
    if let Ok(info) = AuthenticationInfo::parse(bytes) {
        let printed = info.to_string();
        assert_eq!(AuthenticationInfo::parse(printed.as_bytes()), Ok(info));
    }
}

fn answer(challenge: &Challenge, body: &[u8]) {
    let mut server = Verifier::new(&challenge.realm, &mut Rng::new(1));
    let mut ours = challenge.clone();
    ours.nonce = server.challenges(Instant::ZERO, &[challenge.algorithm], false).remove(0).nonce;
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: Vec::new(),
    };
    let signed = Signed { method: "INVITE", uri: "sip:example.org", body };
    let answered = ours.answer(&account, signed, 1, "c".to_owned()).expect("a password serves all");
    let read = Credentials::parse(answered.to_string().as_bytes());
    assert_eq!(read.as_ref(), Ok(&answered));
    let keys = account.secret.keys("alice", &challenge.realm);
    let mut verify = || server.verify(Instant::ZERO, &answered, "INVITE", body, &keys, true);
    assert!(verify().is_ok() && verify().is_err(), "once");
}
